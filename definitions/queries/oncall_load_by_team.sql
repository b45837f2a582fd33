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
-- group: people 1
-- sentence: **{sum n_shifts_over_two; shift; shifts} had more than two incidents**; the worst had {max
--   max_incidents_in_a_shift}. || No shift had more than two incidents. || Nobody was interrupted.
-- period: PagerDutyLogEntries
-- chart: column x=week y=mean_incidents_per_shift series=team_name top=8
-- columns:
--   team_id: the team's id
--   team_name: the team
--   week: the Monday of the week
--   is_unfinished: 1 for the week that is not over
--   n_incidents: incidents about which somebody was notified so that it interrupts
--   mean_incidents_per_shift: incidents a shift, of which a week has 14
--   max_incidents_in_a_shift: incidents in the shift that had the most
--   n_shifts_over_two: shifts with more than two incidents
--   max_incidents_in_a_day: incidents on the day that had the most
--   n_interruptions: notifications that interrupted somebody
--   n_people: people who were interrupted
--   n_interrupted_hours: pairs of person and clock hour with at least one interruption
with loud as (
    select
        nvl(team_id, '(no team)') as team_id,
        incident_id,
        person_id,
        is_interruption,
        trunc(notified_at, 'week') as week,
        substr(notified_at, 1, 10) as day,
        case when substr(notified_at, 12, 2) < '12' then 1 else 2 end as half,
        substr(notified_at, 1, 13) as hour
    from Notifications
    where is_loud
),

-- Each incident once in a shift, and each person once in an hour: what is counted below is much less than `loud`.
incidents_in_shifts as (
    select team_id, week, day, half, incident_id
    from loud
    group by team_id, week, day, half, incident_id
),

hours_of_people as (
    select team_id, week, person_id, hour, count_if(is_interruption) as n_interruptions
    from loud
    group by team_id, week, person_id, hour
),

incidents_by_shift as (
    select team_id, week, day, half, count(incident_id) as n_incidents
    from incidents_in_shifts
    group by team_id, week, day, half
),

shifts as (
    select
        team_id,
        week,
        sum(n_incidents) as n_incidents_of_shifts,
        max(n_incidents) as max_incidents_in_a_shift,
        count_if(n_incidents > 2) as n_shifts_over_two
    from incidents_by_shift
    group by team_id, week
),

incidents_by_day as (
    select team_id, week, day, count(distinct incident_id) as n_incidents
    from incidents_in_shifts
    group by team_id, week, day
),

days as (
    select team_id, week, max(n_incidents) as max_incidents_in_a_day
    from incidents_by_day
    group by team_id, week
),

incidents_by_week as (
    select team_id, week, count(distinct incident_id) as n_incidents
    from incidents_in_shifts
    group by team_id, week
),

people as (
    select
        team_id,
        week,
        sum(n_interruptions) as n_interruptions,
        count(distinct person_id) as n_people,
        count_if(n_interruptions > 0) as n_interrupted_hours
    from hours_of_people
    group by team_id, week
),

weeks as (
    select
        incidents.team_id,
        incidents.week,
        incidents.n_incidents,
        people.n_interruptions,
        people.n_people,
        people.n_interrupted_hours
    from incidents_by_week as incidents
    inner join people on people.team_id = incidents.team_id and people.week = incidents.week
)

select
    weeks.team_id,
    nvl(team.name, weeks.team_id) as team_name,
    weeks.week,
    case when weeks.week >= (select trunc(to_timestamp(max(to_at)), 'week') from _tables where table_name = 'PagerDutyLogEntries') then 1 else 0 end as is_unfinished,
    weeks.n_incidents,
    round(try_divide(shifts.n_incidents_of_shifts, 14), 2) as mean_incidents_per_shift,
    shifts.max_incidents_in_a_shift,
    shifts.n_shifts_over_two,
    days.max_incidents_in_a_day,
    weeks.n_interruptions,
    weeks.n_people,
    weeks.n_interrupted_hours
from weeks
inner join shifts on shifts.team_id = weeks.team_id and shifts.week = weeks.week
inner join days on days.team_id = weeks.team_id and days.week = weeks.week
left join Names as team on team.kind = 'team' and team.id = weeks.team_id
order by weeks.week desc, shifts.n_shifts_over_two desc, weeks.n_incidents desc, team_name, weeks.team_id
