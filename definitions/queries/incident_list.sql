-- title: Incidents, the open ones first
-- question: What happened, to whom, for how long, why, and is it dealt with?
-- grain: one row per incident of the postmortems
-- meaning: When it began (the first trigger, else the first detection, else the day: `known_by`), who noticed first,
--   minutes until it was noticed and until customers could work again (null where a time is missing or contradicts),
--   what it hit, what caused it, and how many gaps its postmortem found. `is_open` is 1 without a recovery. Pages are
--   incidents of the pager that began from an hour before the beginning to the recovery.
-- misleads: A postmortem says what its authors knew. Pages of that time may be about something else.
-- group: customers 1
-- sentence: **{count where is_open = 1; incident is; incidents are} still open**, of {count}; the longest that is
--   over took {max minutes_to_recover}. || **{count; incident; incidents}**, all of them over; the longest took {max
--   minutes_to_recover}. || **{count; incident; incidents}**. || No incident is known.
-- period: Incidents
-- chart: timeline x=began_at y=minutes_to_recover series=severity
-- columns:
--   incident_id: the incident
--   name: its name
--   severity: its severity as written
--   began_at: when it began, as far as that is known
--   known_by: what `began_at` is: trigger, detection or day
--   is_open: 1 without a time of recovery
--   recovered_at: when the service worked again for customers
--   detected_by: who noticed first: customer or internal, null where no time of detection is known
--   minutes_to_detect: minutes from trigger to detection, null where a time is missing or contradicts
--   minutes_to_recover: minutes from trigger to recovery, null where a time is missing or contradicts
--   products: the first of the products that it hit, and how many more
--   n_products: how many products it hit
--   root_causes: the first of its causes, and how many more
--   n_root_causes: how many causes its postmortem names
--   n_reliability_gaps: how many gaps its postmortem found
--   n_impacted_customers: customers who felt it, null where unknown
--   n_failed_requests: requests that failed, null where unknown
--   n_pages: incidents of the pager from an hour before the beginning to the recovery
--   is_analysed: 1 when the root cause analysis is finished
--   postmortem_link: where the postmortem is
with products as (
    select
        incident_id,
        count(*) as n_products,
        min(concat(entity_name, ': ', product)) as first_product
    from AffectedProducts
    group by incident_id
),

causes as (
    select incident_id, count(*) as n_causes, min(root_cause) as first_cause
    from RootCauses
    group by incident_id
),

gaps as (
    select incident_id, count(*) as n_gaps
    from ReliabilityGaps
    group by incident_id
),

windows as (
    select
        start.incident_id,
        timestamp_seconds(unix_timestamp(start.began_at) - 3600) as from_at,
        incident.recovered_at as until_at
    from IncidentStarts as start
    inner join Incidents as incident on incident.id = start.incident_id
    where start.known_by = 'trigger' and incident.recovered_at >= start.began_at
),

pages as (
    select windows.incident_id, count(*) as n_pages
    from windows
    -- In this order the pages are sought by their time.
    cross join PagerDutyIncidents as page
    where
        page.created_at >= windows.from_at
        and page.created_at <= windows.until_at
        and not nvl(page.is_merged, false)
    group by windows.incident_id
)

select
    incident.id as incident_id,
    incident.name,
    incident.severity,
    start.began_at,
    start.known_by,
    case when incident.recovered_at is null then 1 else 0 end as is_open,
    incident.recovered_at,
    incident.detected_by,
    round(case when incident.minutes_to_detect >= 0 then incident.minutes_to_detect end, 1) as minutes_to_detect,
    round(case when incident.minutes_to_recover >= 0 then incident.minutes_to_recover end, 1) as minutes_to_recover,
    case
        when products.n_products > 1 then concat(products.first_product, ' and ', products.n_products - 1, ' more')
        else products.first_product
    end as products,
    nvl(products.n_products, 0) as n_products,
    case
        when causes.n_causes > 1 then concat(causes.first_cause, ' and ', causes.n_causes - 1, ' more')
        else causes.first_cause
    end as root_causes,
    nvl(causes.n_causes, 0) as n_root_causes,
    nvl(gaps.n_gaps, 0) as n_reliability_gaps,
    incident.impacted_customer_count as n_impacted_customers,
    incident.failed_request_count as n_failed_requests,
    nvl(pages.n_pages, 0) as n_pages,
    case when incident.rca_completed_at is null then 0 else 1 end as is_analysed,
    incident.postmortem_link
from Incidents as incident
inner join IncidentStarts as start on start.incident_id = incident.id
left join products on products.incident_id = incident.id
left join causes on causes.incident_id = incident.id
left join gaps on gaps.incident_id = incident.id
left join pages on pages.incident_id = incident.id
order by is_open desc, case when start.began_at is null then 1 else 0 end, start.began_at desc, incident.id
