-- title: Who carries the load of a team
-- question: Is the on-call load of a team shared, or does one person carry it?
-- grain: one row per team and quarter with at least one interruption
-- meaning: Interruptions are notifications by push, phone or SMS; those to the same destination within 60 seconds are
--   one (PagerDuty, support.pagerduty.com, Responder Insights). The team is the incident's; its people are those who
--   were interrupted for it or are its members. The Gini coefficient is 0 if all carry the same and nears 1 if one
--   carries all. `top_percent` is the share of the person with the most, who is named in `top_person`.
-- misleads: A team of two that takes turns by month looks unfair by week and fair by quarter. Members who are never on
--   call, managers for one, make a team look less fair than its rota is. A few interruptions (`low_n`, below 30) make
--   any share look uneven. The load is not the person's fault or merit.
-- chart: bar x=team_name y=top_percent series=quarter
with notifications as (
    select
        entry.id,
        entry.created_at,
        coalesce(entry.notified_user_id, regexp_extract(entry.summary, '^Notified (.+) by ', 1)) as person,
        coalesce(
            entry.notification_type, lower(regexp_extract(entry.summary, ' by ([A-Za-z]+)( notification)?[.]?$', 1))
        ) as way,
        entry.notification_address as address,
        coalesce(incident.team_id, entry.team_id) as team_id
    from PagerDutyLogEntries as entry
    left join PagerDutyIncidents as incident on incident.id = entry.incident_id
    where entry.kind = 'notify'
),

with_previous as (
    select
        person,
        team_id,
        created_at,
        lag(unix_timestamp(created_at)) over (partition by person, way, address order by created_at, id) as previous_at
    from notifications
    where way in ('push', 'phone', 'sms')
),

loads as (
    select
        team_id,
        date_format(created_at, 'yyyy-QQQ') as quarter,
        person,
        count(*) as n
    from with_previous
    where
        team_id is not null
        and (previous_at is null or unix_timestamp(created_at) - previous_at > 60)
    group by team_id, date_format(created_at, 'yyyy-QQQ'), person
),

periods as (
    select distinct team_id, quarter
    from loads
),

shares as (
    select team_id, quarter, person, n
    from loads
    union all
    select periods.team_id, periods.quarter, member.user_id, 0
    from periods
    inner join PagerDutyUserTeams as member on member.team_id = periods.team_id
    left join loads
        on loads.team_id = periods.team_id
        and loads.quarter = periods.quarter
        and loads.person = member.user_id
    where loads.person is null
),

ranked as (
    select
        team_id,
        quarter,
        person,
        n,
        row_number() over (partition by team_id, quarter order by n, person) as place,
        row_number() over (partition by team_id, quarter order by n desc, person) as place_from_top
    from shares
),

teams as (
    select
        team_id,
        quarter,
        count(*) as n_people,
        count_if(n > 0) as n_interrupted_people,
        sum(n) as n_interruptions,
        sum(place * n) as weighted,
        max(n) as top_interruptions,
        max(case when place_from_top = 1 then person end) as top_id
    from ranked
    group by team_id, quarter
)

select
    coalesce(team.name, teams.team_id) as team_name,
    teams.quarter,
    teams.n_people,
    teams.n_interrupted_people,
    teams.n_interruptions,
    coalesce(person.name, teams.top_id) as top_person,
    teams.top_interruptions,
    round(100e0 * teams.top_interruptions / teams.n_interruptions, 1) as top_percent,
    round(100e0 / teams.n_people, 1) as even_percent,
    -- Of values in order: (2 · Σ place · value) / (n · Σ value) - (n + 1) / n.
    round(2e0 * teams.weighted / (teams.n_people * teams.n_interruptions) - (teams.n_people + 1e0) / teams.n_people, 3) as gini,
    case when teams.n_interruptions < 30 then 1 else 0 end as low_n
from teams
left join PagerDutyTeams as team on team.id = teams.team_id
left join PagerDutyUsers as person on person.id = teams.top_id
order by team_name, teams.quarter, teams.team_id
