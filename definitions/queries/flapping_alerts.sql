-- title: Alerts that flap
-- question: Which alert comes again and again and goes by itself?
-- grain: one row per service and alert that came more than three times in some 24 hours, mostly for less than 5 minutes
-- meaning: Incidents of a service are the same alert when their titles agree in lower case with numbers and hexadecimal
--   codes taken out. `most_in_24_hours` is the highest number in any span of 24 hours that ends with one of them;
--   `n_short` were resolved within five minutes. Listed is what came more than three times within 24 hours and was
--   short in at least half of the cases. Merged incidents are left out.
-- misleads: Three times, 24 hours and five minutes are choices. Two alerts whose titles differ only in a number, such
--   as a shard's or a status code, are taken for one. Where the tool groups alerts into one incident, flapping does
--   not show here.
-- chart: bar x=alert y=n_incidents,n_short
with resolutions as (
    select incident_id, max(created_at) as last_resolved_at
    from PagerDutyLogEntries
    where kind = 'resolve'
    group by incident_id
),

pages as (
    select
        incident.id,
        coalesce(incident.service_name, incident.service_id, '(no service)') as service_name,
        regexp_replace(
            regexp_replace(
                lower(trim(coalesce(incident.title, incident.incident_key, '(no title)'))), '[0-9a-f]{8,}', '#'
            ),
            '[0-9]+',
            '#'
        ) as alert,
        incident.created_at,
        case
            when incident.status = 'resolved' then greatest(resolution.last_resolved_at, incident.resolved_at)
        end as resolved_at
    from PagerDutyIncidents as incident
    left join resolutions as resolution on resolution.incident_id = incident.id
    where not coalesce(incident.is_merged, false)
),

counted as (
    select
        service_name,
        alert,
        created_at,
        case
            when resolved_at >= created_at then try_divide(unix_timestamp(resolved_at) - unix_timestamp(created_at), 60)
        end as minutes,
        count(*) over (
            partition by service_name, alert
            order by unix_timestamp(created_at)
            range between 86400 preceding and current row
        ) as n_in_24_hours
    from pages
),

alerts as (
    select
        service_name,
        alert,
        count(*) as n_incidents,
        count_if(minutes < 5) as n_short,
        max(n_in_24_hours) as most_in_24_hours,
        percentile(minutes, 0.5) as p50_minutes,
        min(created_at) as first_at,
        max(created_at) as last_at
    from counted
    group by service_name, alert
)

select
    service_name,
    alert,
    n_incidents,
    n_short,
    round(100e0 * n_short / n_incidents, 1) as percent_short,
    most_in_24_hours,
    round(p50_minutes, 1) as p50_minutes,
    first_at,
    last_at
from alerts
where most_in_24_hours > 3 and 2 * n_short >= n_incidents
order by n_incidents desc, service_name, alert
