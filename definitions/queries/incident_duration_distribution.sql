-- title: How long incidents last
-- question: How long do incidents last, by severity and quarter?
-- grain: one row per quarter and severity
-- meaning: Minutes from first trigger to recovery, as the postmortems tell. `n` incidents have both times; `n_open`
--   have a trigger and no recovery, `n_no_start` have no trigger, `n_contradictory` recover before they begin: these
--   three are counted and left out. The geometric mean is over durations above 0, so that those of 0 minutes are left
--   out of it alone. `low_n` is 1 below 30 durations.
-- misleads: Durations are skewed, and where an incident begins and ends is a judgement (VOID report). In simulations
--   even a cut of 10 % in every duration was not reliably seen in the mean, median or 95th percentile of some hundred
--   incidents, and the mean moved without any change (Davidovic, Incident Metrics in SRE, 2021). Read the spread, do
--   not set a target, and trust no row with `low_n`. The longest incidents of the newest quarter may still be open.
-- chart: line x=quarter y=p50_minutes,p90_minutes series=severity
with measured as (
    select
        start.quarter,
        nvl(severity_level, '(none)') as severity,
        first_triggered_at,
        recovered_at,
        minutes_to_recover,
        case when minutes_to_recover >= 0 then minutes_to_recover end as minutes
    from Incidents as incident
    inner join IncidentStarts as start on start.incident_id = incident.id
)

select
    quarter,
    severity,
    count(*) as n_incidents,
    count(minutes) as n,
    count_if(first_triggered_at is not null and recovered_at is null) as n_open,
    count_if(first_triggered_at is null) as n_no_start,
    count_if(minutes_to_recover < 0) as n_contradictory,
    round(min(minutes), 1) as min_minutes,
    round(percentile(minutes, 0.5), 1) as p50_minutes,
    round(percentile(minutes, 0.9), 1) as p90_minutes,
    round(percentile(minutes, 0.95), 1) as p95_minutes,
    round(max(minutes), 1) as max_minutes,
    -- Rounded twice, because the last digit of a logarithm is not the same in every engine.
    round(round(exp(avg(ln(minutes))), 6), 1) as geometric_mean_minutes,
    case when count(minutes) < 30 then 1 else 0 end as low_n
from measured
group by quarter, severity
order by quarter, severity
