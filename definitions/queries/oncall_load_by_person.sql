-- title: On-call load of people
-- question: How often is each person interrupted, and how often at night?
-- grain: one row per person and week, Monday to Sunday by the person's clock, with at least one notification that interrupts
-- meaning: A notification interrupts when it arrived by push, phone or SMS; one that follows another to the same
--   destination within 60 seconds is the same interruption (PagerDuty, support.pagerduty.com, Responder Insights).
--   `n_business`, `n_off` and `n_sleep` divide the interruptions by the person's own clock: business hours are Monday
--   to Friday 8 to 18, sleep hours 22 to 8 every day, off hours the rest. `n_incidents` are those of all notifications
--   that interrupt, the repeated ones too. Interrupted hours are clock hours with at least one interruption. A shift is
--   twelve hours, from 8 and from 20, and belongs to the week in which it began; `n_shifts_over_two` had more than two
--   incidents, which is the most that leaves time to deal with them properly (Site Reliability Engineering, 2016,
--   chapter 11). Who is meant in older records, which do not say who was notified, stands in the table `Notifications`.
-- misleads: Who is not on call has no row, so that a mean over rows is not a mean over people or weeks. A phone that
--   was silent, a page that was answered by chat, and the work afterwards do not show. Where a person's time zone is
--   not known or not kept up, nights are wrong; without one it is UTC.
-- people: user_id, user_name
-- group: people 2
-- sentence: **{distinct user_name where n_sleep > 0; person was; people were} woken at night**, {sum n_sleep} times
--   together; the worst week of one had {max n_sleep}. || Nobody was woken at night.
-- period: PagerDutyLogEntries
-- chart: heatmap x=week series=user_name y=n_interruptions top=14
-- columns:
--   user_id: the person's id
--   user_name: the person
--   week: the Monday of the week
--   is_unfinished: 1 for the week that is not over
--   n_interruptions: notifications that interrupted the person
--   n_business: those in business hours
--   n_off: those in the evening and at the weekend
--   n_sleep: those between 22 and 8
--   n_incidents: incidents about which the person was notified so
--   n_interrupted_hours: clock hours with at least one interruption
--   max_incidents_in_a_shift: incidents in the shift that had the most
--   n_shifts_over_two: shifts with more than two incidents
with loud as (
    select
        person_id,
        incident_id,
        trunc(local_at, 'week') as week,
        trunc(shift_began_at, 'week') as shift_week,
        shift_began_at,
        hour_class,
        is_interruption,
        case when is_interruption then substr(local_at, 1, 13) end as interrupted_hour
    from Notifications
    where is_loud
),

weeks as (
    select
        person_id,
        week,
        count_if(is_interruption) as n_interruptions,
        count_if(is_interruption and hour_class = 'business') as n_business,
        count_if(is_interruption and hour_class = 'off') as n_off,
        count_if(is_interruption and hour_class = 'sleep') as n_sleep,
        count(distinct incident_id) as n_incidents,
        count(distinct interrupted_hour) as n_interrupted_hours
    from loud
    group by person_id, week
),

incidents_by_shift as (
    select person_id, shift_week, shift_began_at, count(distinct incident_id) as n_incidents
    from loud
    group by person_id, shift_week, shift_began_at
),

shifts as (
    select
        person_id,
        shift_week as week,
        max(n_incidents) as max_incidents_in_a_shift,
        count_if(n_incidents > 2) as n_shifts_over_two
    from incidents_by_shift
    group by person_id, shift_week
),

-- A night that begins on Sunday may be all that the week before has.
person_weeks as (
    select person_id, week
    from weeks
    union
    select person_id, week
    from shifts
)

select
    person_weeks.person_id as user_id,
    nvl(person.name, person_weeks.person_id) as user_name,
    person_weeks.week,
    case when person_weeks.week >= (select trunc(to_timestamp(max(to_at)), 'week') from _tables where table_name = 'PagerDutyLogEntries') then 1 else 0 end as is_unfinished,
    nvl(weeks.n_interruptions, 0) as n_interruptions,
    nvl(weeks.n_business, 0) as n_business,
    nvl(weeks.n_off, 0) as n_off,
    nvl(weeks.n_sleep, 0) as n_sleep,
    nvl(weeks.n_incidents, 0) as n_incidents,
    nvl(weeks.n_interrupted_hours, 0) as n_interrupted_hours,
    nvl(shifts.max_incidents_in_a_shift, 0) as max_incidents_in_a_shift,
    nvl(shifts.n_shifts_over_two, 0) as n_shifts_over_two
from person_weeks
left join weeks on weeks.person_id = person_weeks.person_id and weeks.week = person_weeks.week
left join shifts on shifts.person_id = person_weeks.person_id and shifts.week = person_weeks.week
left join Names as person on person.kind = 'person' and person.id = person_weeks.person_id
order by person_weeks.week desc, n_sleep desc, n_interruptions desc, user_name, user_id
