-- title: Time to acknowledge pages
-- question: How long does a page wait for a person, by service, urgency and hour of the day?
-- grain: one row for everything, one per team, one per team and service, and one per team, service, urgency and class of hour
-- meaning: Minutes from an incident's creation until a person answered: acknowledged it, or resolved it without
--   acknowledging (PagerDuty's `mean_seconds_to_first_ack` is only a mean, and of acknowledgements). `n_measured` incidents were
--   answered so. Of the others, `n_resolved_automatically` ended before anyone answered, `n_timed_out` were answered by
--   nobody until their time ran out, `n_open` still wait, and of `n_unknown` nothing is known; `n_contradictory` were
--   answered before they began. Merged incidents are left out. Classes of hours are PagerDuty's,
--   by the clock of whoever answered, else of whoever was notified first (UTC if nobody was): business is Monday to
--   Friday 8 to 18, sleep is 22 to 8 every day, off is the rest (support.pagerduty.com, Responder Insights). The
--   geometric mean is over durations above 0.
-- misleads: An acknowledgement stops the paging and says nothing about work begun. A time that ran out is worse than any
--   long wait, and is not in the percentiles: compare `n_timed_out`. A service with few pages has no percentile worth
--   reading.
-- group: pages 3
-- sentence: **Half of the pages wait under {p50_minutes where scope = all}**, nine in ten under {p90_minutes where
--   scope = all}; {n_resolved_automatically where scope = all} went by themselves and {n_timed_out where scope = all}
--   were missed. || {n_incidents where scope = all; page; pages}, of which nobody answered any. || No page is known.
-- period: PagerDutyIncidents
-- chart: spread x=service_name y=p50_minutes,p90_minutes only=scope:service top=12
-- columns:
--   scope: what the row is about: all, team, service, or service, urgency and hour
--   team_name: the team, `(all)` for all together
--   service_name: the service, `(all)` for all together
--   urgency: high or low, `(all)` for both
--   hour_class: business, off or sleep, `(all)` for all together
--   n_incidents: incidents, merged ones left out
--   n_measured: those that a person answered
--   n_resolved_automatically: those that ended before anybody answered
--   n_timed_out: those that nobody answered until their time ran out
--   n_open: those that still wait
--   n_unknown: those of which nothing more is known
--   n_contradictory: those answered before they began
--   min_minutes: the shortest, in minutes
--   p50_minutes: the median, in minutes
--   p90_minutes: nine of ten took at most so many minutes
--   p95_minutes: nineteen of twenty took at most so many minutes
--   max_minutes: the longest, in minutes
--   geometric_mean_minutes: the geometric mean of those above 0, in minutes
--   is_low_n: 1 where fewer than 30 were measured, so that no figure of the row is worth much
--   team_id: the team's id
--   service_id: the service's id
with answered as (
    select
        nvl(response.team_id, '(no team)') as team_id,
        nvl(response.service_id, '(no service)') as service_id,
        nvl(response.urgency, '(none)') as urgency,
        response.hour_class,
        case
            when response.answered_at < response.created_at then 'contradictory'
            when response.answered_at is not null then 'answered'
            when response.resolved_by in ('automatic', 'timeout') then response.resolved_by
            when response.status = 'triggered' then 'open'
            else 'unknown'
        end as outcome,
        case
            when response.answered_at >= response.created_at
                then (unix_timestamp(response.answered_at) - unix_timestamp(response.created_at)) / 60e0
        end as minutes
    from Responses as response
    where not response.is_merged
),

-- Where the finest rows hold too few incidents, coarser ones hold enough.
scoped as (
    select
        1 as scope_order, 'all' as scope, '(all)' as team_id, '(all)' as service_id, '(all)' as urgency, '(all)' as hour_class,
        outcome, minutes
    from answered
    union all
    select 2, 'team', team_id, '(all)', '(all)', '(all)', outcome, minutes
    from answered
    union all
    select 3, 'service', team_id, service_id, '(all)', '(all)', outcome, minutes
    from answered
    union all
    select 4, 'service, urgency and hour', team_id, service_id, urgency, hour_class, outcome, minutes
    from answered
),

measured as (
    select
        scope_order,
        scope,
        team_id,
        service_id,
        urgency,
        hour_class,
        count(*) as n_incidents,
        count(minutes) as n_measured,
        count_if(outcome = 'automatic') as n_resolved_automatically,
        count_if(outcome = 'timeout') as n_timed_out,
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
    group by scope_order, scope, team_id, service_id, urgency, hour_class
)

select
    measured.scope,
    nvl(team.name, measured.team_id) as team_name,
    nvl(service.name, measured.service_id) as service_name,
    measured.urgency,
    measured.hour_class,
    measured.n_incidents,
    measured.n_measured,
    measured.n_resolved_automatically,
    measured.n_timed_out,
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
    measured.n_timed_out desc,
    measured.p90_minutes desc,
    team_name,
    service_name,
    measured.urgency,
    measured.hour_class,
    measured.team_id,
    measured.service_id
