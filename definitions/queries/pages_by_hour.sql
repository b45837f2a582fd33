-- title: When people are interrupted
-- question: On which days and at which hours are people interrupted, by their own clocks?
-- grain: one row per day of the week and hour, all 168 of them
-- meaning: Interruptions are notifications that arrived by push, phone or SMS; those to the same destination within 60
--   seconds are one (PagerDuty, support.pagerduty.com, Responder Insights). Day and hour are what the person's clock
--   showed, `weekday` 1 for Monday to 7 for Sunday. `mean_per_week` divides by the whole and begun weeks from the first
--   to the last interruption.
-- misleads: A follow-the-sun rota looks like office hours, as it should. A person without a known time zone counts by
--   UTC.
-- group: pages 1
-- sentence: **{sum n_interruptions where hour_class = sleep} of {sum n_interruptions; interruption; interruptions}
--   came between 22 and 8**, by the clock of who was woken. || {sum n_interruptions; interruption; interruptions},
--   none of them between 22 and 8. || Nobody was interrupted.
-- period: PagerDutyLogEntries
-- chart: heatmap x=hour_of_day series=weekday y=n_interruptions
-- columns:
--   weekday: the day by the person's clock, 1 for Monday to 7 for Sunday
--   hour_of_day: the hour by the person's clock, 0 to 23
--   hour_class: business, off or sleep
--   n_interruptions: notifications that interrupted somebody then
--   n_people: people whom they interrupted
--   percent_of_interruptions: their share of all interruptions
--   mean_per_week: interruptions a week
with hours as (
    select number as hour_of_day
    from Numbers
    where number < 24
),

weekdays as (
    select number as weekday
    from Numbers
    where number between 1 and 7
),

counts as (
    select
        weekday(local_at) + 1 as weekday,
        hour(local_at) as hour_of_day,
        count(*) as n_interruptions,
        count(distinct person_id) as n_people
    from Interruptions
    group by weekday(local_at) + 1, hour(local_at)
),

span as (
    select
        count(*) as n,
        cast(datediff(trunc(max(local_at), 'week'), trunc(min(local_at), 'week')) / 7e0 as int) + 1 as n_weeks
    from Interruptions
)

select
    weekdays.weekday,
    hours.hour_of_day,
    case
        when hours.hour_of_day < 8 or hours.hour_of_day >= 22 then 'sleep'
        when hours.hour_of_day < 18 and weekdays.weekday <= 5 then 'business'
        else 'off'
    end as hour_class,
    nvl(counts.n_interruptions, 0) as n_interruptions,
    nvl(counts.n_people, 0) as n_people,
    round(100e0 * nvl(counts.n_interruptions, 0) / span.n, 2) as percent_of_interruptions,
    round(1e0 * nvl(counts.n_interruptions, 0) / span.n_weeks, 2) as mean_per_week
from weekdays
cross join hours
cross join span
left join counts on counts.weekday = weekdays.weekday and counts.hour_of_day = hours.hour_of_day
where span.n > 0
order by case hour_class when 'sleep' then 1 when 'off' then 2 else 3 end, n_interruptions desc, weekdays.weekday, hours.hour_of_day
