-- title: Services that fire together
-- question: Which services' incidents begin within five minutes of one another, more often than by chance?
-- grain: one row per pair of services whose incidents began within five minutes of each other at least three times
-- meaning: `n_together` counts the incidents of the first service with one of the second within five minutes before or
--   after. `expected_by_chance` is what it would be if the two fired independently and evenly over the time that all
--   incidents span; `lift` is the ratio. Such pairs are candidates for one alert instead of two, or show what depends
--   on what. Merged incidents are left out.
-- misleads: Incidents are not spread evenly: office hours alone make a lift of two or three. Five minutes and three
--   times are choices. Together does not say which of the two is the cause.
-- chart: table
with pages as (
    select
        id,
        nvl(service_id, '(no service)') as service_id,
        service_name,
        unix_timestamp(created_at) as moment,
        created_at
    from PagerDutyIncidents
    where not nvl(is_merged, false)
),

span as (
    select greatest(max(moment) - min(moment), 600) as seconds
    from pages
),

counts as (
    select service_id, max(service_name) as service_name, count(*) as n
    from pages
    group by service_id
),

near as (
    select
        first.service_id as first_id,
        second.service_id as second_id,
        first.id
    from pages as second
    inner join pages as first
        on first.created_at >= timestamp_seconds(second.moment - 300)
        and first.created_at <= timestamp_seconds(second.moment + 300)
    where first.service_id < second.service_id
),

pairs as (
    select first_id, second_id, count(distinct id) as n_together
    from near
    group by first_id, second_id
)

select
    coalesce(first.name, first_count.service_name, pairs.first_id) as first_service,
    coalesce(second.name, second_count.service_name, pairs.second_id) as second_service,
    pairs.n_together,
    first_count.n as n_first,
    second_count.n as n_second,
    round(100e0 * pairs.n_together / first_count.n, 1) as percent_of_first,
    round(600e0 * first_count.n * second_count.n / span.seconds, 2) as expected_by_chance,
    round(pairs.n_together / (600e0 * first_count.n * second_count.n / span.seconds), 1) as lift
from pairs
cross join span
inner join counts as first_count on first_count.service_id = pairs.first_id
inner join counts as second_count on second_count.service_id = pairs.second_id
left join PagerDutyServices as first on first.id = pairs.first_id
left join PagerDutyServices as second on second.id = pairs.second_id
where pairs.n_together >= 3
order by pairs.n_together desc, first_service, second_service, pairs.first_id, pairs.second_id
