-- title: Alerts that flap
-- question: Which alert comes again and again and goes by itself?
-- grain: one row per service and alert that came more than three times in some 24 hours, mostly for less than 5 minutes
-- meaning: Incidents of a service are the same alert when their titles agree in lower case with numbers and hexadecimal
--   codes taken out. `max_incidents_in_24_hours` is the highest number in any span of 24 hours that ends with one of them;
--   `n_short` were resolved within five minutes. Listed is what came more than three times within 24 hours and was
--   short in at least half of the cases. Merged incidents are left out.
-- misleads: Three times, 24 hours and five minutes are choices. Two alerts whose titles differ only in a number, such
--   as a shard's or a status code, are taken for one. Where the tool groups alerts into one incident, flapping does
--   not show here.
-- group: pages 5
-- sentence: **{count; alert flaps; alerts flap}**: the worst came {n_incidents} times, {n_short} of them for less
--   than five minutes. || No alert flaps.
-- period: PagerDutyIncidents
-- chart: bar x=alert y=n_incidents,n_short top=10
-- columns:
--   service_name: the service
--   alert: the title that the incidents share, in lower case, numbers and codes as `#`
--   n_incidents: incidents of this alert
--   n_short: those that were resolved within five minutes
--   percent_short: their share
--   max_incidents_in_24_hours: the most in any 24 hours
--   p50_minutes: median from the beginning to the resolution, in minutes
--   first_at: when the first began
--   last_at: when the last began
--   service_id: the service's id
with pages as (
    select
        incident.id,
        nvl(incident.service_id, '(no service)') as service_id,
        coalesce(incident.title, incident.incident_key, '(no title)') as title,
        incident.created_at,
        response.last_resolved_at as resolved_at
    from PagerDutyIncidents as incident
    inner join Responses as response on response.incident_id = incident.id
    where not nvl(incident.is_merged, false)
),

-- The same titles come again and again: each is normalised once.
titles as (
    select
        title,
        regexp_replace(regexp_replace(lower(trim(title)), '[0-9a-f]{8,}', '#'), '[0-9]+', '#') as alert
    from pages
    group by title
),

named as (
    select pages.service_id, titles.alert, pages.created_at, pages.resolved_at
    from pages
    inner join titles on titles.title = pages.title
),

counted as (
    select
        service_id,
        alert,
        created_at,
        case
            when resolved_at >= created_at then try_divide(unix_timestamp(resolved_at) - unix_timestamp(created_at), 60)
        end as minutes,
        count(*) over (
            partition by service_id, alert
            order by unix_timestamp(created_at)
            range between 86400 preceding and current row
        ) as n_in_24_hours
    from named
),

alerts as (
    select
        service_id,
        alert,
        count(*) as n_incidents,
        count_if(minutes < 5) as n_short,
        max(n_in_24_hours) as max_incidents_in_24_hours,
        percentile(minutes, 0.5) as p50_minutes,
        min(created_at) as first_at,
        max(created_at) as last_at
    from counted
    group by service_id, alert
)

select
    nvl(service.name, alerts.service_id) as service_name,
    alerts.alert,
    alerts.n_incidents,
    alerts.n_short,
    round(100e0 * alerts.n_short / alerts.n_incidents, 1) as percent_short,
    alerts.max_incidents_in_24_hours,
    round(alerts.p50_minutes, 1) as p50_minutes,
    alerts.first_at,
    alerts.last_at,
    alerts.service_id
from alerts
left join Names as service on service.kind = 'service' and service.id = alerts.service_id
where alerts.max_incidents_in_24_hours > 3 and 2 * alerts.n_short >= alerts.n_incidents
order by alerts.n_incidents desc, service_name, alerts.alert, alerts.service_id
