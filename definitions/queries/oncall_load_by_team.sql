-- title: On-call load of teams
-- question: How many incidents does a shift bring, and how many hours do they interrupt?
-- grain: one row per team and week, Monday to Sunday in UTC, with at least one interruption
-- meaning: Incidents about which somebody was interrupted: notified by push, phone or SMS, where notifications to the
--   same destination within 60 seconds are one (PagerDuty, support.pagerduty.com, Responder Insights). The team is the
--   incident's. A shift is twelve hours, from 0 and from 12 UTC, 14 a week; an incident that interrupts in several
--   shifts counts in each. More than two incidents a shift are too many to deal with properly (Site Reliability
--   Engineering, 2016, chapter 11): `n_shifts_over_two`. Interrupted hours are distinct pairs of clock hour and person
--   with at least one interruption, as Multitudes and pd2pg count them.
-- misleads: The limit of two is about incidents that need work, some six hours each; a week of false alarms passes it
--   as easily. A team that is on call for another's service bears load that shows under the other. Shifts are the same
--   for all and not those of the schedules.
-- chart: line x=week y=mean_incidents_per_shift,most_incidents_in_a_shift series=team_name
with notifications as (
    select
        entry.id,
        entry.incident_id,
        entry.created_at,
        coalesce(entry.notified_user_id, regexp_extract(entry.summary, '^Notified (.+) by ', 1)) as person,
        coalesce(
            entry.notification_type, lower(regexp_extract(entry.summary, ' by ([A-Za-z]+)( notification)?[.]?$', 1))
        ) as way,
        entry.notification_address as address,
        coalesce(incident.team_name, team.name, '(no team)') as team_name
    from PagerDutyLogEntries as entry
    left join PagerDutyIncidents as incident on incident.id = entry.incident_id
    left join PagerDutyTeams as team on team.id = coalesce(incident.team_id, entry.team_id)
    where entry.kind = 'notify'
),

with_previous as (
    select
        incident_id,
        created_at,
        person,
        team_name,
        lag(unix_timestamp(created_at)) over (partition by person, way, address order by created_at, id) as previous_at
    from notifications
    where way in ('push', 'phone', 'sms')
),

interruptions as (
    select
        team_name,
        incident_id,
        person,
        to_date(date_trunc('week', created_at)) as week,
        to_date(created_at) as day,
        date_trunc('hour', created_at) as clock_hour,
        case when hour(created_at) < 12 then 1 else 2 end as half
    from with_previous
    where previous_at is null or unix_timestamp(created_at) - previous_at > 60
),

incidents_by_shift as (
    select team_name, week, day, half, count(distinct incident_id) as n_incidents
    from interruptions
    group by team_name, week, day, half
),

shifts as (
    select
        team_name,
        week,
        sum(n_incidents) as n_incidents_of_shifts,
        max(n_incidents) as most_incidents_in_a_shift,
        count_if(n_incidents > 2) as n_shifts_over_two
    from incidents_by_shift
    group by team_name, week
),

incidents_by_day as (
    select team_name, week, day, count(distinct incident_id) as n_incidents
    from interruptions
    group by team_name, week, day
),

days as (
    select team_name, week, max(n_incidents) as most_incidents_in_a_day
    from incidents_by_day
    group by team_name, week
),

person_hours as (
    select team_name, week, person, count(distinct clock_hour) as n_hours
    from interruptions
    group by team_name, week, person
),

people as (
    select team_name, week, count(*) as n_people, sum(n_hours) as interrupted_hours
    from person_hours
    group by team_name, week
),

weeks as (
    select team_name, week, count(*) as n_interruptions, count(distinct incident_id) as n_incidents
    from interruptions
    group by team_name, week
)

select
    weeks.team_name,
    weeks.week,
    weeks.n_incidents,
    round(try_divide(shifts.n_incidents_of_shifts, 14), 2) as mean_incidents_per_shift,
    shifts.most_incidents_in_a_shift,
    shifts.n_shifts_over_two,
    days.most_incidents_in_a_day,
    weeks.n_interruptions,
    people.n_people,
    people.interrupted_hours
from weeks
inner join shifts on shifts.team_name = weeks.team_name and shifts.week = weeks.week
inner join days on days.team_name = weeks.team_name and days.week = weeks.week
inner join people on people.team_name = weeks.team_name and people.week = weeks.week
order by weeks.team_name, weeks.week
