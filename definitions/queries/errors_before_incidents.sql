-- title: Were there signs before?
-- question: In how many incidents were errors or pages there in the hour before, and how long before?
-- grain: one row for everything, and one per quarter
-- meaning: Of incidents with a time of trigger: `n_with_error` had at least one error event (of those that were fetched)
--   in the hour before it, `n_with_page` a page that a machine triggered, `n_without_sign` neither. The lead is the time
--   from the first such sign in that hour to the trigger. What chance gives, if events and pages were spread evenly over
--   the time that they are known for, is `percent_with_sign_by_chance`.
-- misleads: Some service always has an error: where chance gives as much, the signs say nothing. Only some events of
--   each issue are fetched, so that signs are missed. People write down as the trigger what they found first.
-- group: customers 7
-- sentence: **Before {percent_with_sign where quarter = (all)} of incidents there was an error or a page** in the
--   hour before; chance would give {percent_with_sign_by_chance where quarter = (all)}. || No incident has a
--   time of trigger.
-- period: Incidents
-- chart: line x=quarter y=percent_with_sign,percent_with_sign_by_chance without=quarter:(all)
-- columns:
--   quarter: the quarter in which the incidents began, such as `2026-Q1`, `(all)` for the whole period
--   is_unfinished: 1 for the quarter that is not over
--   n_incidents: incidents with a time of trigger
--   n_with_error: those with an error event in the hour before
--   n_with_page: those with a page that a machine triggered in the hour before
--   n_without_sign: those with neither
--   percent_with_sign: share of those with either
--   percent_with_sign_by_chance: what that share would be if errors and pages had nothing to do with incidents
--   p50_lead_minutes: median from the first sign in that hour to the trigger, in minutes
--   max_lead_minutes: the longest such lead, in minutes
--   is_low_n: 1 below 30 incidents
with triggered as (
    select
        incident.id,
        start.quarter,
        start.began_at,
        timestamp_seconds(unix_timestamp(start.began_at) - 3600) as from_at
    from Incidents as incident
    inner join IncidentStarts as start on start.incident_id = incident.id
    where start.known_by = 'trigger'
),

errors as (
    select triggered.id, min(event.created_at) as first_at
    from triggered
    -- In this order, and with no plain equality on what is sought, it is sought by its time.
    cross join SentryIssueEvents as event
    where event.created_at >= triggered.from_at and event.created_at < triggered.began_at
    group by triggered.id
),

pages as (
    select triggered.id, min(page.created_at) as first_at
    from triggered
    cross join Responses as page
    where
        page.created_at >= triggered.from_at
        and page.created_at < triggered.began_at
        and not page.is_merged
        and nvl(page.triggered_by, '') = 'machine'
    group by triggered.id
),

error_rate as (
    select try_divide(1e0 * count(*), unix_timestamp(max(created_at)) - unix_timestamp(min(created_at))) as per_second
    from SentryIssueEvents
),

page_rate as (
    select try_divide(1e0 * count(*), unix_timestamp(max(page.created_at)) - unix_timestamp(min(page.created_at))) as per_second
    from Responses as page
    where
        not page.is_merged
        and nvl(page.triggered_by, '') = 'machine'
),

signs as (
    select
        triggered.quarter,
        errors.first_at as error_at,
        pages.first_at as page_at,
        (unix_timestamp(triggered.began_at) - unix_timestamp(least(errors.first_at, pages.first_at))) / 60e0 as lead_minutes
    from triggered
    left join errors on errors.id = triggered.id
    left join pages on pages.id = triggered.id
),

scoped as (
    select 1 as scope_order, '(all)' as quarter, error_at, page_at, lead_minutes
    from signs
    union all
    select 2, quarter, error_at, page_at, lead_minutes
    from signs
)

select
    scoped.quarter,
    case when scoped.quarter = (select date_format(to_timestamp(max(to_at)), 'yyyy-QQQ') from _tables) then 1 else 0 end as is_unfinished,
    count(*) as n_incidents,
    count(scoped.error_at) as n_with_error,
    count(scoped.page_at) as n_with_page,
    count_if(scoped.error_at is null and scoped.page_at is null) as n_without_sign,
    round(100e0 * count(scoped.lead_minutes) / count(*), 1) as percent_with_sign,
    round(100 * (1 - exp(-3600 * (nvl(max(error_rate.per_second), 0e0) + nvl(max(page_rate.per_second), 0e0)))), 1)
        as percent_with_sign_by_chance,
    round(percentile(scoped.lead_minutes, 0.5), 1) as p50_lead_minutes,
    round(max(scoped.lead_minutes), 1) as max_lead_minutes,
    case when count(*) < 30 then 1 else 0 end as is_low_n
from error_rate
cross join page_rate
cross join scoped
group by scoped.scope_order, scoped.quarter
order by scoped.scope_order, scoped.quarter desc
