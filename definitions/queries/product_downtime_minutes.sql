-- title: Downtime and availability of products
-- question: For how many minutes was each product impaired, and which availability is left?
-- grain: one row per product and month, from the first incident of the product on
-- meaning: Minutes of the month in which at least one incident of the product was on, from its first trigger to its
--   recovery; incidents that overlap count once, and one that lasts over the end of a month is split there. One without
--   a recovery counts until the newest time that is known: that of the last fetch, or of a trigger or recovery after it.
--   `percent_available` is 100 less the share of these minutes in the month, in the newest month in its part until that
--   time (`is_unfinished`). `n_incidents` began in the month; of these `n_open` have no recovery yet; `n_no_start` have
--   no plausible trigger and stand in the month of their detection or day, `n_contradictory` recover before they begin:
--   both are left out of the minutes.
-- misleads: An incident counts as a full outage for everyone, however few customers felt it, and what had no
--   postmortem does not count at all. So this is neither an SLI nor comparable with a service level that requests or
--   probes measure. A postmortem that nobody closed makes its product look down until today: look at `n_open`.
-- group: customers 2
-- sentence: **{distinct entity_name+product where downtime_minutes > 0; product was; products were} impaired** for
--   {sum downtime_minutes} together; the worst month of one had {max downtime_minutes}. || No product was impaired.
-- period: Incidents
-- chart: column x=month y=downtime_minutes series=product apart=entity_name top=8
-- columns:
--   entity_name: the company, brand or other entity
--   product: the product
--   month: the month, such as `2026-01`
--   is_unfinished: 1 for the month that is not over
--   n_incidents: incidents that began in the month
--   n_open: those without a recovery yet
--   n_no_start: those without a plausible trigger, left out of the minutes
--   n_contradictory: those that recover before they begin, left out of the minutes
--   downtime_minutes: minutes of the month in which at least one incident was on
--   percent_available: share of the month, or of its part that is known, in which none was
with incidents_of_products as (
    select
        affected.entity_name,
        affected.product,
        start.began_at,
        start.known_by,
        incident.recovered_at
    from AffectedProducts as affected
    inner join Incidents as incident on incident.id = affected.incident_id
    inner join IncidentStarts as start on start.incident_id = incident.id
    where start.began_at is not null
),

fetched as (
    select max(unix_timestamp(to_timestamp(newest_extracted_at))) as fetched_at
    from _tables
),

known as (
    select
        max(fetched.fetched_at) as fetched_at,
        greatest(
            max(fetched.fetched_at),
            max(unix_timestamp(ofproduct.began_at)),
            max(case when ofproduct.recovered_at >= ofproduct.began_at then unix_timestamp(ofproduct.recovered_at) end)
        ) as last_second
    from incidents_of_products as ofproduct
    cross join fetched
),

products as (
    select entity_name, product, trunc(min(began_at), 'month') as first_month
    from incidents_of_products
    group by entity_name, product
),

first_month as (
    select min(first_month) as month
    from products
),

months as (
    select
        add_months(first_month.month, numbers.number) as month,
        unix_timestamp(add_months(first_month.month, numbers.number)) as begins,
        unix_timestamp(add_months(first_month.month, numbers.number + 1)) as month_ends,
        known.last_second,
        least(
            unix_timestamp(add_months(first_month.month, numbers.number + 1)),
            -- Without any fetch nobody knows until when the postmortems reach.
            case when known.fetched_at is not null then known.last_second end
        ) as ends
    from first_month
    cross join known
    cross join Numbers as numbers
    where numbers.number <= months_between(trunc(timestamp_seconds(known.last_second), 'month'), first_month.month)
),

outages as (
    select
        entity_name,
        product,
        unix_timestamp(began_at) as begins,
        nvl(unix_timestamp(ended_at), known.last_second) as ends
    from ImpactIntervals
    cross join known
),

down as (
    select
        products.entity_name,
        products.product,
        months.month,
        months.begins,
        months.ends,
        months.month_ends,
        -- Not for months without an outage: least and greatest skip NULL.
        sum(
            case
                when outages.begins is not null
                    then least(outages.ends, months.ends) - greatest(outages.begins, months.begins)
            end
        ) as down_seconds
    from products
    inner join months on months.month >= products.first_month
    left join outages
        on outages.entity_name = products.entity_name
        and outages.product = products.product
        and outages.begins < months.ends
        and outages.ends > months.begins
    group by
        products.entity_name, products.product, months.month, months.begins, months.ends, months.month_ends
),

begun as (
    select
        entity_name,
        product,
        trunc(began_at, 'month') as month,
        count(*) as n_incidents,
        count_if(known_by = 'trigger' and recovered_at is null) as n_open,
        count_if(known_by <> 'trigger') as n_no_start,
        count_if(known_by = 'trigger' and recovered_at < began_at) as n_contradictory
    from incidents_of_products
    group by entity_name, product, trunc(began_at, 'month')
)

select
    down.entity_name,
    down.product,
    date_format(down.month, 'yyyy-MM') as month,
    case when down.ends < down.month_ends then 1 else 0 end as is_unfinished,
    nvl(begun.n_incidents, 0) as n_incidents,
    nvl(begun.n_open, 0) as n_open,
    nvl(begun.n_no_start, 0) as n_no_start,
    nvl(begun.n_contradictory, 0) as n_contradictory,
    round(nvl(try_divide(down.down_seconds, 60), 0e0), 1) as downtime_minutes,
    round(100 - nvl(100 * try_divide(down.down_seconds, down.ends - down.begins), 0e0), 3) as percent_available
from down
left join begun
    on begun.entity_name = down.entity_name
    and begun.product = down.product
    and begun.month = down.month
order by down.month desc, downtime_minutes desc, down.entity_name, down.product
