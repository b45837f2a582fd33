-- title: Time to resolve pages
-- question: How long until a page is resolved for good, by service and quarter?
-- grain: one row for everything, one per team, one per team and service, and one per team, service and quarter of the beginning
-- meaning: Minutes from an incident's creation to its last resolution, from the log entries and the incident's own
--   `resolved_at`, not from its last change, which any edit moves. `n_reopened` were resolved more than once. `n_open`
--   are not resolved now, `n_unknown` are, at a time that was not fetched, `n_contradictory` before they began: these
--   three are left out, as are merged incidents. The geometric mean is over durations above 0. `is_low_n` is 1 below 30
--   durations.
-- misleads: The end of a page is not the end of the customers' trouble, and alerts that resolve by themselves within
--   minutes draw every percentile down: see `noisy_services`. The longest incidents of the newest quarter are still
--   open, so that it looks better than it is. Do not set a target (Davidovic, Incident Metrics in SRE, 2021).
-- group: pages 6
-- sentence: **Half were resolved in {p50_minutes where scope = all}**, nine in ten in {p90_minutes where scope =
--   all}; {n_reopened where scope = all} came back. || No page is known.
-- period: PagerDutyIncidents
-- chart: line x=quarter y=p50_minutes band=p50_minutes,p90_minutes series=service_name
--   "only=scope:service and quarter" top=8
-- columns:
--   scope: what the row is about: all, team, service, or service and quarter
--   team_name: the team, `(all)` for all together
--   service_name: the service, `(all)` for all together
--   quarter: the quarter in which the incidents began, such as `2026-Q1`, `(all)` for the whole period
--   is_unfinished: 1 for the quarter that is not over
--   n_incidents: incidents, merged ones left out
--   n_measured: those that were resolved for good at a known time
--   n_reopened: those that were resolved more than once
--   n_open: those that are not resolved now
--   n_unknown: those that are, at a time that was not fetched
--   n_contradictory: those resolved before they began
--   min_minutes: the shortest, in minutes
--   p50_minutes: the median, in minutes
--   p90_minutes: nine of ten took at most so many minutes
--   p95_minutes: nineteen of twenty took at most so many minutes
--   max_minutes: the longest, in minutes
--   geometric_mean_minutes: the geometric mean of those above 0, in minutes
--   is_low_n: 1 where fewer than 30 were measured, so that no figure of the row is worth much
--   team_id: the team's id
--   service_id: the service's id
with resolved as (
    select
        nvl(response.team_id, '(no team)') as team_id,
        nvl(response.service_id, '(no service)') as service_id,
        date_format(response.created_at, 'yyyy-QQQ') as quarter,
        case
            when nvl(response.status, '') <> 'resolved' then 'open'
            when response.last_resolved_at is null then 'unknown'
            when response.last_resolved_at < response.created_at then 'contradictory'
            else 'resolved'
        end as outcome,
        case when response.n_resolutions > 1 then 1 else 0 end as is_reopened,
        case
            when response.last_resolved_at >= response.created_at
                then (unix_timestamp(response.last_resolved_at) - unix_timestamp(response.created_at)) / 60e0
        end as minutes
    from Responses as response
    where not response.is_merged
),

-- Where the finest rows hold too few incidents, coarser ones hold enough.
scoped as (
    select
        1 as scope_order, 'all' as scope, '(all)' as team_id, '(all)' as service_id, '(all)' as quarter,
        outcome, is_reopened, minutes
    from resolved
    union all
    select 2, 'team', team_id, '(all)', '(all)', outcome, is_reopened, minutes
    from resolved
    union all
    select 3, 'service', team_id, service_id, '(all)', outcome, is_reopened, minutes
    from resolved
    union all
    select 4, 'service and quarter', team_id, service_id, quarter, outcome, is_reopened, minutes
    from resolved
),

measured as (
    select
        scope_order,
        scope,
        team_id,
        service_id,
        quarter,
        count(*) as n_incidents,
        count(minutes) as n_measured,
        sum(is_reopened) as n_reopened,
        count_if(outcome = 'open') as n_open,
        count_if(outcome = 'unknown') as n_unknown,
        count_if(outcome = 'contradictory') as n_contradictory,
        round(min(minutes), 1) as min_minutes,
        round(percentile(minutes, 0.5), 1) as p50_minutes,
        round(percentile(minutes, 0.9), 1) as p90_minutes,
        round(percentile(minutes, 0.95), 1) as p95_minutes,
        round(max(minutes), 1) as max_minutes,
        -- Rounded twice, because the last digit of a logarithm is not the same in every engine.
        round(round(exp(avg(ln(minutes))), 6), 1) as geometric_mean_minutes,
        case when count(minutes) < 30 then 1 else 0 end as is_low_n
    from scoped
    group by scope_order, scope, team_id, service_id, quarter
)

select
    measured.scope,
    nvl(team.name, measured.team_id) as team_name,
    nvl(service.name, measured.service_id) as service_name,
    measured.quarter,
    case when measured.quarter = (select date_format(to_timestamp(max(to_at)), 'yyyy-QQQ') from _tables where table_name = 'PagerDutyIncidents') then 1 else 0 end as is_unfinished,
    measured.n_incidents,
    measured.n_measured,
    measured.n_reopened,
    measured.n_open,
    measured.n_unknown,
    measured.n_contradictory,
    measured.min_minutes,
    measured.p50_minutes,
    measured.p90_minutes,
    measured.p95_minutes,
    measured.max_minutes,
    measured.geometric_mean_minutes,
    measured.is_low_n,
    measured.team_id,
    measured.service_id
from measured
left join Names as team on team.kind = 'team' and team.id = measured.team_id
left join Names as service on service.kind = 'service' and service.id = measured.service_id
order by
    measured.scope_order,
    measured.quarter desc,
    measured.p90_minutes desc,
    team_name,
    service_name,
    measured.team_id,
    measured.service_id
