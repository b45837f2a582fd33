-- title: Downtime and availability of products
-- question: For how many minutes was each product impaired, and which availability is left?
-- grain: one row per product and month
-- meaning: Minutes of the month in which at least one incident of the product was on, from its first trigger to its
--   recovery; incidents that overlap count once, and one that lasts over the end of a month is split there.
--   Availability is 100 less the share of these minutes in the month, of the newest month in its part until anything
--   was fetched last. `n_incidents` began in the month; of these `n_open` have no recovery yet and `n_contradictory`
--   recover before they begin: both are left out of the minutes.
-- misleads: An incident counts as a full outage for everyone, however few customers felt it, and what had no
--   postmortem does not count at all. So this is neither an SLI nor comparable with a service level that requests or
--   probes measure. A month with open incidents shows too little.
-- chart: line x=month y=availability_percent series=product
with impacts as (
    select
        affected.entity_name,
        affected.product,
        incident.id,
        unix_timestamp(incident.first_triggered_at) as begins,
        unix_timestamp(incident.recovered_at) as ends
    from AffectedProducts as affected
    inner join Incidents as incident on incident.id = affected.incident_id
    where incident.first_triggered_at is not null
),

with_latest_end as (
    select
        entity_name,
        product,
        begins,
        ends,
        max(ends) over (
            partition by entity_name, product
            order by begins, ends, id
            rows between unbounded preceding and 1 preceding
        ) as latest_end_before
    from impacts
    where ends >= begins
),

with_outage as (
    select
        entity_name,
        product,
        begins,
        ends,
        sum(case when begins <= latest_end_before then 0 else 1 end) over (
            partition by entity_name, product
            order by begins, ends
            rows between unbounded preceding and current row
        ) as outage
    from with_latest_end
),

outages as (
    select entity_name, product, outage, min(begins) as begins, max(ends) as ends
    from with_outage
    group by entity_name, product, outage
),

fetched as (
    select max(unix_timestamp(to_timestamp(newest_extracted_at))) as fetched_at
    from _tables
),

span as (
    select
        trunc(timestamp_seconds(min(impacts.begins)), 'month') as first_month,
        greatest(max(impacts.begins), max(impacts.ends), max(fetched.fetched_at)) as last_second,
        max(fetched.fetched_at) as fetched_at
    from impacts
    cross join fetched
),

digits (digit) as (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)),

numbers as (
    select ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
),

months as (
    select
        add_months(span.first_month, numbers.number) as month,
        unix_timestamp(add_months(span.first_month, numbers.number)) as begins,
        least(
            unix_timestamp(add_months(span.first_month, numbers.number + 1)),
            case when span.fetched_at is not null then span.last_second end
        ) as ends
    from span
    cross join numbers
    where unix_timestamp(add_months(span.first_month, numbers.number)) < span.last_second
),

products as (
    select distinct entity_name, product
    from impacts
),

down as (
    select
        products.entity_name,
        products.product,
        months.month,
        months.begins,
        months.ends,
        -- Not for months without an outage: least and greatest pass over NULL.
        sum(
            case
                when outages.begins is not null
                    then least(outages.ends, months.ends) - greatest(outages.begins, months.begins)
            end
        ) as down_seconds
    from products
    cross join months
    left join outages
        on outages.entity_name = products.entity_name
        and outages.product = products.product
        and outages.begins < months.ends
        and outages.ends > months.begins
    group by products.entity_name, products.product, months.month, months.begins, months.ends
),

begun as (
    select
        entity_name,
        product,
        trunc(timestamp_seconds(begins), 'month') as month,
        count(*) as n_incidents,
        count_if(ends is null) as n_open,
        count_if(ends < begins) as n_contradictory
    from impacts
    group by entity_name, product, trunc(timestamp_seconds(begins), 'month')
)

select
    down.entity_name,
    down.product,
    date_format(down.month, 'yyyy-MM') as month,
    nvl(begun.n_incidents, 0) as n_incidents,
    nvl(begun.n_open, 0) as n_open,
    nvl(begun.n_contradictory, 0) as n_contradictory,
    round(nvl(try_divide(down.down_seconds, 60), 0e0), 1) as downtime_minutes,
    round(100 - nvl(100 * try_divide(down.down_seconds, down.ends - down.begins), 0e0), 3) as availability_percent
from down
left join begun
    on begun.entity_name = down.entity_name
    and begun.product = down.product
    and begun.month = down.month
order by down.entity_name, down.product, down.month
