-- title: Services that fire together
-- question: Which services' incidents begin within five minutes of one another, more often than by chance?
-- grain: one row per pair of services that fired together at least three times, and more often than chance gives
-- meaning: `n_first_together` counts the incidents of the first service with one of the second within five minutes
--   before or after, `n_second_together` the other way round, and `n_together` is the smaller of the two.
--   `expected_by_chance` is what it would be if the two fired independently and evenly over `exposure_days`, the time
--   that both existed: since the younger was set up (else since any incident is known) until the last fetch of
--   incidents. `lift` is the ratio. Only incidents of that time count, merged ones too: a merge is what a person did
--   about two that fired together. Such pairs are candidates for one alert instead of two, or show what depends on what.
-- misleads: Incidents are not spread evenly: office hours by themselves make a lift of two or three. Five minutes and three
--   times are choices. Together does not say which of the two is the cause.
-- group: pages 8
-- sentence: **{first_service} and {second_service} fire together** {n_together} times, {lift} times as often as by
--   chance. || No two services fire together more often than by chance.
-- period: PagerDutyIncidents
-- chart: table
-- columns:
--   first_service: one of the two, that whose name comes first
--   second_service: the other
--   n_together: the smaller of the next two
--   n_first_together: incidents of the first with one of the second within five minutes before or after
--   n_second_together: incidents of the second with one of the first as near
--   n_first: incidents of the first in the time that both existed
--   n_second: incidents of the second in that time
--   exposure_days: how long both existed, in days: since the younger was set up, else since any incident is known
--   expected_by_chance: what `n_together` would be if the two fired independently and evenly
--   lift: how many times as often as by chance
--   first_service_id: the id of the first
--   second_service_id: the id of the second
with pages as (
    select
        service_id,
        unix_timestamp(created_at) as moment
    from PagerDutyIncidents
    where service_id is not null
),

-- Each incident once for each other service with one near it.
near as (
    select
        one.service_id as service_id,
        other.service_id as other_id,
        one.id,
        unix_timestamp(one.created_at) as moment
    from PagerDutyIncidents as other
    inner join PagerDutyIncidents as one
        on one.created_at >= timestamp_seconds(unix_timestamp(other.created_at) - 300)
        and one.created_at <= timestamp_seconds(unix_timestamp(other.created_at) + 300)
    where one.service_id <> other.service_id
    group by one.service_id, other.service_id, one.id, one.created_at
),

span as (
    select
        min(pages.moment) as begins,
        greatest(
            max(pages.moment),
            max(unix_timestamp(to_timestamp(incidents.newest_extracted_at)))
        ) as ends
    from pages
    cross join (
        select max(newest_extracted_at) as newest_extracted_at
        from _tables
        where table_name = 'PagerDutyIncidents'
    ) as incidents
),

lives as (
    select
        named.id as service_id,
        greatest(unix_timestamp(service.created_at), span.begins) as begins
    from Names as named
    cross join span
    left join PagerDutyServices as service on service.id = named.id
    where named.kind = 'service'
),

meetings as (
    select near.service_id, near.other_id, count(*) as n_together
    from near
    inner join lives as one on one.service_id = near.service_id
    inner join lives as other on other.service_id = near.other_id
    where near.moment >= greatest(one.begins, other.begins)
    group by near.service_id, near.other_id
),

-- Both directions of a pair in one row.
both_ways as (
    select
        least(service_id, other_id) as first_id,
        greatest(service_id, other_id) as second_id,
        max(case when service_id < other_id then n_together end) as n_first_together,
        max(case when service_id > other_id then n_together end) as n_second_together,
        min(n_together) as n_together
    from meetings
    group by least(service_id, other_id), greatest(service_id, other_id)
    having min(n_together) >= 3
),

pairs as (
    select
        both_ways.first_id,
        both_ways.second_id,
        both_ways.n_first_together,
        both_ways.n_second_together,
        both_ways.n_together,
        greatest(one.begins, other.begins) as begins,
        greatest(span.ends - greatest(one.begins, other.begins), 600) as exposure_seconds
    from both_ways
    inner join lives as one on one.service_id = both_ways.first_id
    inner join lives as other on other.service_id = both_ways.second_id
    cross join span
),

-- How many incidents each service had since the beginnings that its pairs have.
beginnings as (
    select first_id as service_id, begins
    from pairs
    union
    select second_id, begins
    from pairs
),

counts as (
    select beginnings.service_id, beginnings.begins, count(*) as n
    from beginnings
    inner join pages on pages.service_id = beginnings.service_id and pages.moment >= beginnings.begins
    group by beginnings.service_id, beginnings.begins
),

counted as (
    select
        pairs.first_id,
        pairs.second_id,
        pairs.n_first_together,
        pairs.n_second_together,
        pairs.n_together,
        pairs.exposure_seconds,
        one.n as n_first,
        other.n as n_second
    from pairs
    inner join counts as one on one.service_id = pairs.first_id and one.begins = pairs.begins
    inner join counts as other on other.service_id = pairs.second_id and other.begins = pairs.begins
),

lifted as (
    select
        first_id,
        second_id,
        n_first_together,
        n_second_together,
        n_together,
        exposure_seconds,
        n_first,
        n_second,
        600e0 * n_first * n_second / exposure_seconds as expected
    from counted
),

-- The two by name, so that neither their ids nor their order decide what is first.
named as (
    select
        lifted.n_together,
        lifted.exposure_seconds,
        lifted.expected,
        concat(one.name, ' ', lifted.first_id) > concat(other.name, ' ', lifted.second_id) as is_turned,
        one.name as one_name,
        other.name as other_name,
        lifted.first_id,
        lifted.second_id,
        lifted.n_first_together,
        lifted.n_second_together,
        lifted.n_first,
        lifted.n_second
    from lifted
    inner join Names as one on one.kind = 'service' and one.id = lifted.first_id
    inner join Names as other on other.kind = 'service' and other.id = lifted.second_id
    where lifted.n_together > lifted.expected
)

select
    case when is_turned then other_name else one_name end as first_service,
    case when is_turned then one_name else other_name end as second_service,
    n_together,
    case when is_turned then n_second_together else n_first_together end as n_first_together,
    case when is_turned then n_first_together else n_second_together end as n_second_together,
    case when is_turned then n_second else n_first end as n_first,
    case when is_turned then n_first else n_second end as n_second,
    round(exposure_seconds / 86400e0, 1) as exposure_days,
    round(expected, 2) as expected_by_chance,
    round(n_together / expected, 1) as lift,
    case when is_turned then second_id else first_id end as first_service_id,
    case when is_turned then first_id else second_id end as second_service_id
from named
order by lift desc, n_together desc, first_service, second_service, first_service_id, second_service_id
