-- title: Where the time of an incident goes
-- question: How long does it take to detect, recover, reconcile and analyse, and how often is a time not written down?
-- grain: one row per phase for the whole period, and one per quarter and phase
-- meaning: Minutes of each phase by itself, from the postmortems. `detect`: first trigger to first detection, by
--   customer or organisation; `recover`: detection to recovery; `reconcile`: recovery to reconciliation; `analyse`:
--   recovery to the finished root cause analysis. Only incidents with both times in the right order are measured; the
--   others are counted.
-- misleads: A phase is measured only where somebody wrote both times, and those incidents are not a fair sample. The
--   percentiles of the phases do not add up to those of the whole. Postmortems have no time of acknowledgement: for
--   that see `pd_time_to_ack`.
-- group: customers 6
-- sentence: **Half are noticed in {p50_minutes where quarter = (all) and phase = detect}** and over {p50_minutes
--   where quarter = (all) and phase = recover} later; {percent_missing where quarter = (all) and phase = recover}
--   lack a time. || No time is known.
-- period: Incidents
-- chart: spread x=phase y=p50_minutes,p90_minutes only=quarter:(all)
-- columns:
--   quarter: the quarter in which the incidents began, such as `2026-Q1`, `(all)` for the whole period
--   is_unfinished: 1 for the quarter that is not over
--   phase_number: the place of the phase, from 1
--   phase: detect, recover, reconcile or analyse
--   n_incidents: incidents
--   n_measured: those with both times in the right order
--   n_open: those with the first time only
--   n_no_start: those without the first time
--   n_contradictory: those with both in the wrong order
--   percent_missing: share of the incidents that lack one of the two times
--   min_minutes: the shortest, in minutes
--   p50_minutes: the median, in minutes
--   p90_minutes: nine of ten took at most so many minutes
--   p95_minutes: nineteen of twenty took at most so many minutes
--   max_minutes: the longest, in minutes
--   geometric_mean_minutes: the geometric mean of those above 0, in minutes
--   is_low_n: 1 where fewer than 30 were measured, so that no figure of the row is worth much
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
),

-- Where a quarter holds too few incidents, the whole period may hold enough.
scoped as (
    select 1 as scope_order, '(all)' as quarter, phase_number, phase, begins_at, ends_at, minutes
    from measured
    union all
    select 2, quarter, phase_number, phase, begins_at, ends_at, minutes
    from measured
)

select
    quarter,
    case when quarter = (select date_format(to_timestamp(max(to_at)), 'yyyy-QQQ') from _tables) then 1 else 0 end as is_unfinished,
    phase_number,
    phase,
    count(*) as n_incidents,
    count(minutes) as n_measured,
    count_if(begins_at is not null and ends_at is null) as n_open,
    count_if(begins_at is null) as n_no_start,
    count_if(ends_at < begins_at) as n_contradictory,
    round(100e0 * count_if(begins_at is null or ends_at is null) / count(*), 1) as percent_missing,
    round(min(minutes), 1) as min_minutes,
    round(percentile(minutes, 0.5), 1) as p50_minutes,
    round(percentile(minutes, 0.9), 1) as p90_minutes,
    round(percentile(minutes, 0.95), 1) as p95_minutes,
    round(max(minutes), 1) as max_minutes,
    -- Rounded twice, because the last digit of a logarithm is not the same in every engine.
    round(round(exp(avg(ln(minutes))), 6), 1) as geometric_mean_minutes,
    case when count(minutes) < 30 then 1 else 0 end as is_low_n
from scoped
group by scope_order, quarter, phase_number, phase
order by scope_order, quarter desc, phase_number
