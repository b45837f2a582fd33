-- title: Root causes, the most frequent first
-- question: Which causes recur, and how many incidents and minutes stand behind them?
-- grain: one row per root cause
-- meaning: Incidents that name the cause, their share of all incidents, and the minutes from trigger to recovery of
--   those that have both times (`n_measured`). `cumulative_percent_of_mentions` adds up the causes from the top.
--   The benchmark is Google's: triggers and root causes of thousands of postmortems from 2010 to 2017 (The Site
--   Reliability Workbook, 2018, appendix C, tables C-1 and C-2), for causes of the same name.
-- misleads: An incident with several causes counts in each, with all its minutes: shares add up to more than 100 %. A
--   cause is an opinion after the fact and depends on who wrote it down; `(none named)` says how much is missing. The
--   benchmark is another company's, and of two lists: compare a trigger with triggers, a root cause with root causes.
-- chart: bar x=root_cause y=n_incidents
with benchmark (benchmark_list, name, benchmark_percent) as (
    values
    ('trigger', 'binary push', 37.0),
    ('trigger', 'configuration push', 31.0),
    ('trigger', 'user behavior change', 9.0),
    ('trigger', 'processing pipeline', 6.0),
    ('trigger', 'service provider change', 5.0),
    ('trigger', 'performance decay', 5.0),
    ('trigger', 'capacity management', 5.0),
    ('trigger', 'hardware', 2.0),
    ('root cause', 'software', 41.35),
    ('root cause', 'development process failure', 20.23),
    ('root cause', 'complex system behaviors', 16.90),
    ('root cause', 'deployment planning', 6.74),
    ('root cause', 'network failure', 2.75)
),

mentions as (
    select
        incident.id,
        nvl(cause.root_cause, '(none named)') as root_cause,
        case when incident.minutes_to_recover >= 0 then incident.minutes_to_recover end as minutes
    from Incidents as incident
    left join RootCauses as cause on cause.incident_id = incident.id
),

total as (
    select
        count(*) as n_incidents,
        sum(case when minutes_to_recover >= 0 then minutes_to_recover end) as minutes
    from Incidents
),

causes as (
    select
        root_cause,
        count(*) as n_incidents,
        count(minutes) as n_measured,
        nvl(sum(minutes), 0e0) as minutes
    from mentions
    group by root_cause
)

select
    causes.root_cause,
    causes.n_incidents,
    round(100e0 * causes.n_incidents / total.n_incidents, 1) as percent_of_incidents,
    round(
        100e0 * sum(causes.n_incidents) over (
            order by causes.n_incidents desc, causes.root_cause
            rows between unbounded preceding and current row
        ) / sum(causes.n_incidents) over (),
        1
    ) as cumulative_percent_of_mentions,
    causes.n_measured,
    round(causes.minutes, 1) as impact_minutes,
    round(100 * try_divide(causes.minutes, total.minutes), 1) as percent_of_impact_minutes,
    benchmark.benchmark_list,
    round(cast(benchmark.benchmark_percent as double), 2) as benchmark_percent
from causes
cross join total
left join benchmark on benchmark.name = lower(trim(causes.root_cause))
order by causes.n_incidents desc, causes.root_cause
