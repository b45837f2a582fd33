-- title: Who cannot be woken
-- question: Which people on call have no phone or push, which people are in no team, and which teams have no service?
-- grain: one row per gap: a person, a team or a service, and what it lacks
-- meaning: A person is on call if they were notified, or engaged in an incident that began, within 90 days before the
--   log entries were fetched last. Whoever has no phone number, SMS or push that is switched on and not barred by the vendor is reached
--   only by e-mail, or not at all. A person without a team, a team without a service and a service without a team are
--   listed as well; `is_on_call` says which people it matters for.
-- misleads: A number that is there may be wrong, or silent at night. Who was not paged for 90 days counts as not on
--   call, though they may be next week. Teams that own no service may have other work.
-- people: name, id where kind = person
-- group: people 4
-- sentence: **{count where is_on_call = 1 and gap = only e-mail; person on call; people on call} can be reached only
--   by e-mail**; {count; gap is; gaps are} listed. || Everybody on call can be woken; {count; gap is; gaps are}
--   listed. || No gap is known.
-- period: PagerDutyUsers, PagerDutyTeams, PagerDutyServices
-- chart: table
-- columns:
--   kind: person, team or service
--   gap: what is missing
--   name: whose gap it is
--   is_on_call: 1 for a person who was notified or engaged in the last 90 days, 0 for another, null for
--     teams and services
--   id: the id of the person, team or service
with fetched as (
    select timestamp_seconds(max(unix_timestamp(to_timestamp(newest_extracted_at))) - 90 * 86400) as since_at
    from _tables
    where table_name = 'PagerDutyLogEntries'
),

active as (
    select person_id, max(notified_at) as active_at
    from Notifications
    group by person_id
    union all
    select engaged.person_id, max(incident.created_at)
    from Engagements as engaged
    inner join Responses as incident on incident.incident_id = engaged.incident_id
    group by engaged.person_id
),

on_call as (
    select distinct active.person_id as user_id
    from active
    cross join fetched
    where fetched.since_at is null or active.active_at >= fetched.since_at
),

ways as (
    select
        user_id,
        count_if(
            type in ('phone', 'sms', 'push_notification', 'whatsapp')
            and nvl(is_enabled, true)
            and not nvl(is_blacklisted, false)
        ) as n_waking,
        count_if(type = 'email') as n_email
    from PagerDutyUserContactMethods
    group by user_id
),

people as (
    select
        person.id,
        nvl(person.name, person.id) as name,
        case when on_call.user_id is null then 0 else 1 end as is_on_call,
        nvl(ways.n_waking, 0) as n_waking,
        nvl(ways.n_email, 0) as n_email,
        nvl(person.team_count, 0) as n_teams,
        nvl(person.is_invitation_pending, false) as is_pending
    from PagerDutyUsers as person
    left join on_call on on_call.user_id = person.id
    left join ways on ways.user_id = person.id
),

owning_teams as (
    select distinct team_id
    from PagerDutyServices
    where team_id is not null
),

gaps as (
    select
        1 as kind_order,
        'person' as kind,
        id,
        name,
        is_on_call,
        case
            when is_pending then 'has not accepted the invitation'
            when n_email > 0 then 'only e-mail'
            else 'no way to be reached'
        end as gap
    from people
    where is_pending or n_waking = 0
    union all
    select 2, 'person', id, name, is_on_call, 'in no team'
    from people
    where n_teams = 0
    union all
    select 3, 'team', team.id, nvl(team.name, team.id), null, 'owns no service'
    from PagerDutyTeams as team
    left join owning_teams on owning_teams.team_id = team.id
    where owning_teams.team_id is null
    union all
    select 4, 'service', id, nvl(name, id), null, 'no team owns it'
    from PagerDutyServices
    where nvl(team_count, 0) = 0 and coalesce(status, '') <> 'disabled'
)

select kind, gap, name, is_on_call, id
from gaps
order by kind_order, is_on_call desc, gap, name, id
