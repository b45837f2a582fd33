-- title: Time to resolve pages
-- question: How long until a page is resolved for good, by service and quarter?
-- grain: one row per team, service and quarter in which the incidents began
-- meaning: Minutes from an incident's creation to its last resolution, from the log entries and the incident's own
--   `resolved_at`, not from its last change, which any edit moves. `n_reopened` were resolved more than once. `n_open`
--   are not resolved now, `n_unknown` are, at a time that was not fetched, `n_contradictory` before they began: these
--   three are left out, as are merged incidents. The geometric mean is over durations above 0. `low_n` is 1 below 30
--   durations.
-- misleads: The end of a page is not the end of the customers' trouble, and alerts that resolve by themselves within
--   minutes draw every percentile down: see `noisy_services`. The longest incidents of the newest quarter are still
--   open, so that it looks better than it is. Do not set a target (Davidovic, Incident Metrics in SRE, 2021).
-- chart: line x=quarter y=p50_minutes,p90_minutes series=service_name
with resolutions as (
    select incident_id, count(*) as n_resolutions, max(created_at) as last_resolved_at
    from PagerDutyLogEntries
    where kind = 'resolve'
    group by incident_id
),

resolved as (
    select
        nvl(incident.team_name, '(no team)') as team_name,
        coalesce(incident.service_name, service.name, incident.service_id, '(no service)') as service_name,
        date_format(incident.created_at, 'yyyy-QQQ') as quarter,
        incident.status,
        incident.created_at,
        nvl(resolution.n_resolutions, 0) as n_resolutions,
        case
            when incident.status = 'resolved' then greatest(resolution.last_resolved_at, incident.resolved_at)
        end as resolved_at
    from PagerDutyIncidents as incident
    left join resolutions as resolution on resolution.incident_id = incident.id
    left join PagerDutyServices as service on service.id = incident.service_id
    where not coalesce(incident.is_merged, false)
),

measured as (
    select
        team_name,
        service_name,
        quarter,
        status,
        created_at,
        n_resolutions,
        resolved_at,
        case
            when resolved_at >= created_at then try_divide(unix_timestamp(resolved_at) - unix_timestamp(created_at), 60)
        end as minutes
    from resolved
)

select
    team_name,
    service_name,
    quarter,
    count(*) as n_incidents,
    count(minutes) as n,
    count_if(n_resolutions > 1) as n_reopened,
    count_if(coalesce(status, '') <> 'resolved') as n_open,
    count_if(status = 'resolved' and resolved_at is null) as n_unknown,
    count_if(resolved_at < created_at) as n_contradictory,
    round(min(minutes), 1) as min_minutes,
    round(percentile(minutes, 0.5), 1) as p50_minutes,
    round(percentile(minutes, 0.9), 1) as p90_minutes,
    round(percentile(minutes, 0.95), 1) as p95_minutes,
    round(max(minutes), 1) as max_minutes,
    -- Rounded twice, because the last digit of a logarithm is not the same in every engine.
    round(round(exp(avg(ln(minutes))), 6), 1) as geometric_mean_minutes,
    case when count(minutes) < 30 then 1 else 0 end as low_n
from measured
group by team_name, service_name, quarter
order by team_name, service_name, quarter
