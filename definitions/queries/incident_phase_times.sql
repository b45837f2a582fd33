-- title: Where the time of an incident goes
-- question: How long does it take to detect, recover, reconcile and analyse, and how often is a time not written down?
-- grain: one row per quarter and phase
-- meaning: Minutes of each phase by itself, from the postmortems. `detect`: first trigger to first detection, by
--   customer or organisation; `recover`: detection to recovery; `reconcile`: recovery to reconciliation; `analyse`:
--   recovery to the finished root cause analysis. `n` incidents have both times, `n_open` have the first alone,
--   `n_no_start` lack the first, `n_contradictory` have them in the wrong order; only `n` is measured.
--   `missing_percent` is the share of incidents that lack one of the two. The geometric mean is over durations above
--   0. `low_n` is 1 below 30 durations.
-- misleads: A phase is measured only where somebody wrote both times, and those incidents are not a fair sample. The
--   percentiles of the phases do not add up to those of the whole. Postmortems tell no time of acknowledgement: for
--   that see `pd_time_to_ack`.
-- chart: line x=quarter y=p50_minutes series=phase
with incidents_by_quarter as (
    select
        start.quarter,
        first_triggered_at,
        detected_at,
        recovered_at,
        reconciled_at,
        rca_completed_at
    from Incidents as incident
    inner join IncidentStarts as start on start.incident_id = incident.id
),

phases as (
    select quarter, 1 as phase_number, 'detect' as phase, first_triggered_at as begins_at, detected_at as ends_at
    from incidents_by_quarter
    union all
    select quarter, 2, 'recover', detected_at, recovered_at
    from incidents_by_quarter
    union all
    select quarter, 3, 'reconcile', recovered_at, reconciled_at
    from incidents_by_quarter
    union all
    select quarter, 4, 'analyse', recovered_at, rca_completed_at
    from incidents_by_quarter
),

measured as (
    select
        quarter,
        phase_number,
        phase,
        begins_at,
        ends_at,
        case
            when ends_at >= begins_at then try_divide(unix_timestamp(ends_at) - unix_timestamp(begins_at), 60)
        end as minutes
    from phases
)

select
    quarter,
    phase_number,
    phase,
    count(*) as n_incidents,
    count(minutes) as n,
    count_if(begins_at is not null and ends_at is null) as n_open,
    count_if(begins_at is null) as n_no_start,
    count_if(ends_at < begins_at) as n_contradictory,
    round(100e0 * count_if(begins_at is null or ends_at is null) / count(*), 1) as missing_percent,
    round(min(minutes), 1) as min_minutes,
    round(percentile(minutes, 0.5), 1) as p50_minutes,
    round(percentile(minutes, 0.9), 1) as p90_minutes,
    round(percentile(minutes, 0.95), 1) as p95_minutes,
    round(max(minutes), 1) as max_minutes,
    -- Rounded twice, because the last digit of a logarithm is not the same in every engine.
    round(round(exp(avg(ln(minutes))), 6), 1) as geometric_mean_minutes,
    case when count(minutes) < 30 then 1 else 0 end as low_n
from measured
group by quarter, phase_number, phase
order by quarter, phase_number
