-- title: On-call load of teams
-- question: How many incidents does a shift bring, and how many hours do they interrupt?
-- grain: one row per team and week, Monday to Sunday in UTC, with at least one notification that interrupts
-- meaning: Incidents about which somebody was notified by push, phone or SMS, repeated notifications included. The team
--   is the incident's. A shift is twelve hours, from 0 and from 12 UTC, 14 a week; an incident that notifies in several
--   shifts counts in each. More than two incidents a shift are too many to deal with properly (Site Reliability
--   Engineering, 2016, chapter 11): `n_shifts_over_two`. Of notifications to the same destination within 60 seconds only
--   the first is an interruption (PagerDuty, support.pagerduty.com, Responder Insights). Interrupted hours are distinct
--   pairs of clock hour and person with at least one interruption, as Multitudes and pd2pg count them.
-- misleads: The limit of two is about incidents that need work, some six hours each; a week of false alarms passes it
--   as easily. A team that is on call for another's service bears load that shows under the other. Shifts are the same
--   for all and not those of the schedules. Who is paged for two teams in one minute is interrupted once, for the first.
-- chart: line x=week y=mean_incidents_per_shift,most_incidents_in_a_shift series=team_name
with loud as (
    select
        nvl(team_id, '(no team)') as team_id,
        incident_id,
        person_id,
        is_interruption,
        trunc(notified_at, 'week') as week,
        substr(notified_at, 1, 10) as day,
        case when substr(notified_at, 12, 2) < '12' then 1 else 2 end as half,
        case when is_interruption then concat(person_id, substr(notified_at, 1, 13)) end as person_hour
    from Notifications
    where is_loud
),

incidents_by_shift as (
    select team_id, week, day, half, count(distinct incident_id) as n_incidents
    from loud
    group by team_id, week, day, half
),

shifts as (
    select
        team_id,
        week,
        sum(n_incidents) as n_incidents_of_shifts,
        max(n_incidents) as most_incidents_in_a_shift,
        count_if(n_incidents > 2) as n_shifts_over_two
    from incidents_by_shift
    group by team_id, week
),

incidents_by_day as (
    select team_id, week, day, count(distinct incident_id) as n_incidents
    from loud
    group by team_id, week, day
),

days as (
    select team_id, week, max(n_incidents) as most_incidents_in_a_day
    from incidents_by_day
    group by team_id, week
),

weeks as (
    select
        team_id,
        week,
        count(distinct incident_id) as n_incidents,
        count_if(is_interruption) as n_interruptions,
        count(distinct person_id) as n_people,
        count(distinct person_hour) as interrupted_hours
    from loud
    group by team_id, week
)

select
    weeks.team_id,
    nvl(team.name, weeks.team_id) as team_name,
    weeks.week,
    weeks.n_incidents,
    round(try_divide(shifts.n_incidents_of_shifts, 14), 2) as mean_incidents_per_shift,
    shifts.most_incidents_in_a_shift,
    shifts.n_shifts_over_two,
    days.most_incidents_in_a_day,
    weeks.n_interruptions,
    weeks.n_people,
    weeks.interrupted_hours
from weeks
inner join shifts on shifts.team_id = weeks.team_id and shifts.week = weeks.week
inner join days on days.team_id = weeks.team_id and days.week = weeks.week
left join Names as team on team.kind = 'team' and team.id = weeks.team_id
order by team_name, weeks.team_id, weeks.week
