-- title: Who notices first?
-- question: Which share of incidents does the organisation notice before its customers do, by product and quarter?
-- grain: one row per quarter, entity and product
-- meaning: From the postmortems: the earlier of the times of detection by customers and by the organisation. At the same
--   minute the organisation counts as first. `n_machine` of those noticed by the organisation had a page that began
--   between an hour before the trigger and the detection, which hints at a monitor; the others were noticed by
--   people, or the page is not known here. An incident counts in each of its products.
-- misleads: Whoever writes the postmortem knows of customers only what support passed on. A page in the hour before may
--   be about something else. Products without incidents have no row.
-- chart: bar x=product y=n_internal,n_customer,n_unknown
with machine as (
    select distinct incident.id
    from Incidents as incident
    inner join PagerDutyIncidents as page
        on page.created_at >= timestamp_seconds(unix_timestamp(incident.first_triggered_at) - 3600)
        and page.created_at <= incident.internally_detected_at
    where
        incident.detected_by = 'internal'
        and not nvl(page.is_merged, false)
),

noticed as (
    select
        nvl(date_format(coalesce(incident.first_triggered_at, incident.incident_date), 'yyyy-QQQ'), '(no date)') as quarter,
        nvl(affected.entity_name, '(none named)') as entity_name,
        nvl(affected.product, '(none named)') as product,
        incident.detected_by,
        case when machine.id is null then 0 else 1 end as by_machine,
        case when incident.minutes_to_detect >= 0 then incident.minutes_to_detect end as minutes
    from Incidents as incident
    left join AffectedProducts as affected on affected.incident_id = incident.id
    left join machine on machine.id = incident.id
)

select
    quarter,
    entity_name,
    product,
    count(*) as n_incidents,
    count_if(detected_by = 'internal') as n_internal,
    count_if(detected_by = 'internal' and by_machine = 1) as n_machine,
    count_if(detected_by = 'customer') as n_customer,
    count_if(detected_by is null) as n_unknown,
    round(100 * try_divide(count_if(detected_by = 'internal'), count(detected_by)), 1) as percent_internal,
    round(100 * try_divide(count_if(detected_by = 'internal' and by_machine = 1), count(detected_by)), 1) as percent_machine,
    round(percentile(minutes, 0.5), 1) as p50_minutes_to_detect,
    case when count(detected_by) < 30 then 1 else 0 end as low_n
from noticed
group by quarter, entity_name, product
order by quarter, entity_name, product
