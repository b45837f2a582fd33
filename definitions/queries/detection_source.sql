-- title: Who notices first?
-- question: Which share of incidents does the organisation notice before its customers do, by product and quarter?
-- grain: one row for everything, one per entity and product, and one per quarter, entity and product
-- meaning: From the postmortems: the earlier of the times of detection by customers and by the organisation. At the same
--   minute the organisation counts as first. `n_machine` of those noticed by the organisation had a page that a machine
--   triggered between an hour before the trigger and the detection, compared by the minute, as people write times. Where
--   `product_services.yaml` says which services belong to the product only their pages count. What chance gives is
--   `percent_machine_by_chance`: the share that would have such a page if these were spread evenly over the time that
--   pages are known. The others were noticed by people, or the page is not known here. An incident counts in each of its
--   products, and once in the row for everything.
-- misleads: Whoever writes the postmortem knows of customers only what support passed on. A page in the hour before may
--   be about something else: where `percent_machine_by_chance` comes near `percent_machine`, the latter says nothing.
--   Products without incidents have no row.
-- group: customers 4
-- sentence: **We noticed {n_internal where product = (all)} of {n_incidents where product = (all)} first**
--   ({percent_internal where product = (all)} of those that anybody noticed). || We noticed none of {n_incidents
--   where product = (all); incident; incidents} first. || No incident is known.
-- period: Incidents
-- chart: share x=product y=n_internal,n_customer,n_unknown apart=entity_name only=quarter:(all)
--   without=product:(all)
-- columns:
--   quarter: the quarter in which the incidents began, such as `2026-Q1`, `(all)` for the whole period
--   is_unfinished: 1 for the quarter that is not over
--   entity_name: the company, brand or other entity, `(all)` in the row for everything
--   product: the product, `(all)` in the row for everything
--   n_incidents: incidents
--   n_internal: those that the organisation noticed first
--   n_machine: those of them before which a machine had paged
--   n_customer: those that customers noticed first
--   n_unknown: those without any time of detection
--   percent_internal: share of the organisation in those that somebody noticed
--   percent_machine: share of those before which a machine had paged
--   percent_machine_by_chance: what that share would be if pages had nothing to do with incidents
--   p50_minutes_to_detect: median from trigger to detection, in minutes
--   is_low_n: 1 where fewer than 30 have a time of detection
with mapped as (
    select distinct lower(mapping.product) as product, service.id as service_id
    from ProductServices as mapping
    inner join Names as service
        on service.kind = 'service' and (service.id = mapping.service or service.name = mapping.service)
),

mapped_products as (
    select distinct product
    from mapped
),

noticed as (
    select
        incident.id,
        start.quarter,
        nvl(affected.entity_name, '(none named)') as entity_name,
        nvl(affected.product, '(none named)') as product,
        mapped_products.product as mapped_product,
        incident.detected_by,
        case when incident.minutes_to_detect >= 0 then incident.minutes_to_detect end as minutes,
        case
            when incident.detected_by = 'internal' and incident.first_triggered_at <= incident.internally_detected_at
                then timestamp_seconds(unix_timestamp(date_trunc('minute', incident.first_triggered_at)) - 3600)
        end as from_at,
        timestamp_seconds(unix_timestamp(date_trunc('minute', incident.internally_detected_at)) + 59) as until_at
    from Incidents as incident
    inner join IncidentStarts as start on start.incident_id = incident.id
    left join AffectedProducts as affected on affected.incident_id = incident.id
    left join mapped_products on mapped_products.product = lower(affected.product)
),

machine_pages as (
    select page.service_id, count(*) as n
    from Responses as page
    where
        not page.is_merged
        and nvl(page.triggered_by, '') = 'machine'
    group by page.service_id
),

span as (
    select unix_timestamp(max(created_at)) - unix_timestamp(min(created_at)) as seconds
    from PagerDutyIncidents
),

rates as (
    select null as product, try_divide(nvl(sum(machine_pages.n), 0) * 1e0, max(span.seconds)) as pages_per_second
    from span
    left join machine_pages on true
    union all
    select mapped.product, try_divide(nvl(sum(machine_pages.n), 0) * 1e0, max(span.seconds))
    from mapped
    cross join span
    left join machine_pages on machine_pages.service_id = mapped.service_id
    group by mapped.product
),

judged as (
    select
        noticed.id,
        noticed.quarter,
        noticed.entity_name,
        noticed.product,
        noticed.detected_by,
        noticed.minutes,
        case
            when noticed.mapped_product is null
                and exists (
                    select 1
                    from Responses as page
                    where
                        page.created_at >= noticed.from_at
                        and page.created_at <= noticed.until_at
                        and not page.is_merged
                        and nvl(page.triggered_by, '') = 'machine'
                )
                then 1
            when exists (
                select 1
                from Responses as page
                inner join mapped on mapped.service_id = page.service_id
                where
                    page.created_at >= noticed.from_at
                    and page.created_at <= noticed.until_at
                    and not page.is_merged
                    and nvl(page.triggered_by, '') = 'machine'
                    and mapped.product = noticed.mapped_product
            )
                then 1
            else 0
        end as by_machine,
        1 - exp(
            -rates.pages_per_second
            * (unix_timestamp(noticed.until_at) + 1 - unix_timestamp(noticed.from_at))
        ) as chance
    from noticed
    left join rates on nvl(rates.product, '(any)') = nvl(noticed.mapped_product, '(any)')
),

scoped as (
    select
        1 as scope_order, '(all)' as quarter, '(all)' as entity_name, '(all)' as product, id,
        max(detected_by) as detected_by, max(minutes) as minutes, max(by_machine) as by_machine, max(chance) as chance
    from judged
    group by id
    union all
    select 2, '(all)', entity_name, product, id, detected_by, minutes, by_machine, chance
    from judged
    union all
    select 3, quarter, entity_name, product, id, detected_by, minutes, by_machine, chance
    from judged
)

select
    quarter,
    case when quarter = (select date_format(to_timestamp(max(to_at)), 'yyyy-QQQ') from _tables) then 1 else 0 end as is_unfinished,
    entity_name,
    product,
    count(*) as n_incidents,
    count_if(detected_by = 'internal') as n_internal,
    count_if(detected_by = 'internal' and by_machine = 1) as n_machine,
    count_if(detected_by = 'customer') as n_customer,
    count_if(detected_by is null) as n_unknown,
    round(100 * try_divide(count_if(detected_by = 'internal'), count(detected_by)), 1) as percent_internal,
    round(100 * try_divide(count_if(detected_by = 'internal' and by_machine = 1), count(detected_by)), 1) as percent_machine,
    round(100 * try_divide(nvl(sum(case when detected_by = 'internal' then chance end), 0e0), count(detected_by)), 1)
        as percent_machine_by_chance,
    round(percentile(minutes, 0.5), 1) as p50_minutes_to_detect,
    case when count(detected_by) < 30 then 1 else 0 end as is_low_n
from scoped
group by scope_order, quarter, entity_name, product
order by scope_order, quarter desc, n_customer desc, n_unknown desc, entity_name, product
