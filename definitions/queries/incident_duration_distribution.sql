-- title: How long incidents last
-- question: How long do incidents last, by severity and quarter?
-- grain: one row for everything, one per severity, one per quarter, and one per quarter and severity
-- meaning: Minutes from first trigger to recovery, as the postmortems have them. Only incidents with both times in
--   the right order are measured; the others are counted. The geometric mean is over durations above 0, so that those
--   of 0 minutes are missing from it only.
-- misleads: Durations are skewed, and where an incident begins and ends is a judgement (VOID report). In simulations
--   even a cut of 10 % in every duration was not reliably seen in the mean, median or 95th percentile of some hundred
--   incidents, and the mean moved without any change (Davidovic, Incident Metrics in SRE, 2021). Read the spread, do
--   not set a target, and trust no row with `is_low_n`. The longest incidents of the newest quarter may still be
--   open.
-- group: customers 5
-- sentence: **Half were over in {p50_minutes where quarter = (all) and severity = (all)}**, nine in ten in
--   {p90_minutes where quarter = (all) and severity = (all)}; the longest took {max_minutes where quarter = (all) and
--   severity = (all)}. || No duration is known.
-- period: Incidents
-- chart: spread x=quarter y=min_minutes,p50_minutes,p90_minutes,max_minutes only=severity:(all)
-- columns:
--   quarter: the quarter in which the incidents began, such as `2026-Q1`, `(all)` for the whole period
--   is_unfinished: 1 for the quarter that is not over
--   severity: the severity in lower case, `(none)` without one, `(all)` for all together
--   n_incidents: incidents
--   n_measured: those with a trigger and a later recovery
--   n_open: those with a trigger and no recovery
--   n_no_start: those without a trigger
--   n_contradictory: those that recover before they begin
--   min_minutes: the shortest, in minutes
--   p50_minutes: the median, in minutes
--   p90_minutes: nine of ten took at most so many minutes
--   p95_minutes: nineteen of twenty took at most so many minutes
--   max_minutes: the longest, in minutes
--   geometric_mean_minutes: the geometric mean of those above 0, in minutes
--   is_low_n: 1 where fewer than 30 were measured, so that no figure of the row is worth much
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
),

-- Where the finest rows hold too few incidents, coarser ones hold enough.
scoped as (
    select
        1 as scope_order, '(all)' as quarter, '(all)' as severity, first_triggered_at, recovered_at, minutes_to_recover, minutes
    from measured
    union all
    select 2, '(all)', severity, first_triggered_at, recovered_at, minutes_to_recover, minutes
    from measured
    union all
    select 3, quarter, '(all)', first_triggered_at, recovered_at, minutes_to_recover, minutes
    from measured
    union all
    select 4, quarter, severity, first_triggered_at, recovered_at, minutes_to_recover, minutes
    from measured
)

select
    quarter,
    case when quarter = (select date_format(to_timestamp(max(to_at)), 'yyyy-QQQ') from _tables) then 1 else 0 end as is_unfinished,
    severity,
    count(*) as n_incidents,
    count(minutes) as n_measured,
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
    case when count(minutes) < 30 then 1 else 0 end as is_low_n
from scoped
group by scope_order, quarter, severity
order by scope_order, quarter desc, p90_minutes desc, severity
