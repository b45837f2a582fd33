-- title: On-call load of people
-- question: How often is each person interrupted, and how often at night?
-- grain: one row per person and week, Monday to Sunday in the person's time zone, with at least one interruption
-- meaning: An interruption is a notification by push, phone or SMS, not by e-mail; one that follows another to the
--   same destination within 60 seconds is the same. Business hours are Monday to Friday 8 to 18, sleep hours 22 to 8
--   every day, off hours the rest, in the person's own time zone (PagerDuty, support.pagerduty.com, Responder
--   Insights). Interrupted hours are clock hours with at least one interruption. A shift is twelve hours, from 8 and
--   from 20; `n_shifts_over_two` had more than two incidents, which is the most that leaves time to deal with them
--   properly (Site Reliability Engineering, 2016, chapter 11). In older records, which do not say who was notified,
--   the person is found by the name in the text; `(unknown)` where that fails.
-- misleads: Who is not on call has no row, so that a mean over rows is not a mean over people or weeks. A phone that
--   was silent, a page that was answered by chat, and the work afterwards do not show. Where a person's time zone is
--   not known or not kept up, nights are wrong; without one it is UTC.
-- chart: bar x=week y=n_business,n_off,n_sleep series=user_name
with names as (
    select name, min(id) as id
    from PagerDutyUsers
    group by name
    having count(*) = 1
),

notifications as (
    select
        entry.id,
        entry.incident_id,
        entry.created_at,
        coalesce(entry.notified_user_id, names.id, '(unknown)') as user_id,
        coalesce(
            entry.notification_type, lower(regexp_extract(entry.summary, ' by ([A-Za-z]+)( notification)?[.]?$', 1))
        ) as way,
        entry.notification_address as address
    from PagerDutyLogEntries as entry
    left join names
        on names.name = regexp_extract(entry.summary, '^Notified (.+) by [A-Za-z]+( notification)?[.]?$', 1)
    where entry.kind = 'notify'
),

with_previous as (
    select
        incident_id,
        created_at,
        user_id,
        lag(unix_timestamp(created_at)) over (partition by user_id, way, address order by created_at, id) as previous_at
    from notifications
    where way in ('push', 'phone', 'sms')
),

interruptions as (
    select
        event.user_id,
        nvl(person.name, event.user_id) as user_name,
        event.incident_id,
        from_utc_timestamp(
            event.created_at,
            nvl(person.time_zone, 'UTC')
        ) as local_at
    from with_previous as event
    left join PagerDutyUsers as person on person.id = event.user_id
    where event.previous_at is null or unix_timestamp(event.created_at) - event.previous_at > 60
),

classed as (
    select
        user_id,
        user_name,
        incident_id,
        to_date(date_trunc('week', local_at)) as week,
        date_trunc('hour', local_at) as local_hour,
        floor(try_divide(unix_timestamp(local_at) - 8 * 3600, 12 * 3600)) as shift,
        case
            when hour(local_at) < 8 or hour(local_at) >= 22 then 'sleep'
            when weekday(local_at) < 5 and hour(local_at) < 18 then 'business'
            else 'off'
        end as hour_class
    from interruptions
),

incidents_by_shift as (
    select user_id, week, shift, count(distinct incident_id) as n_incidents
    from classed
    group by user_id, week, shift
),

shifts as (
    select
        user_id,
        week,
        max(n_incidents) as most_incidents_in_a_shift,
        count_if(n_incidents > 2) as n_shifts_over_two
    from incidents_by_shift
    group by user_id, week
),

weeks as (
    select
        user_id,
        user_name,
        week,
        count(*) as n_interruptions,
        count_if(hour_class = 'business') as n_business,
        count_if(hour_class = 'off') as n_off,
        count_if(hour_class = 'sleep') as n_sleep,
        count(distinct incident_id) as n_incidents,
        count(distinct local_hour) as interrupted_hours
    from classed
    group by user_id, user_name, week
)

select
    weeks.user_id,
    weeks.user_name,
    weeks.week,
    weeks.n_interruptions,
    weeks.n_business,
    weeks.n_off,
    weeks.n_sleep,
    weeks.n_incidents,
    weeks.interrupted_hours,
    shifts.most_incidents_in_a_shift,
    shifts.n_shifts_over_two
from weeks
inner join shifts on shifts.user_id = weeks.user_id and shifts.week = weeks.week
order by weeks.user_name, weeks.user_id, weeks.week
