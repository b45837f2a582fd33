-- title: What is open, and for how long
-- question: Which incidents and issues are unresolved, whose are they, and how old?
-- grain: one row per source, status, owner and age
-- meaning: Open pages (those that nobody acknowledged first) and unresolved error issues, by age when they were fetched
--   last: since creation, and for issues since the first event. The owner of a page is its team, of an issue who it is
--   assigned to.
-- misleads: An old open page is more often forgotten than still going on. Unresolved issues are mostly old faults that
--   nobody means to mend; a count of them says little about today. Only what was fetched is known: an incident closed
--   since then is still listed.
-- people: owner where source = issue
-- group: watching 4
-- sentence: **{sum n_open where source = page; page is; pages are} open**, the oldest for {max max_age_days where
--   source = page}; {sum n_open where source = issue; issue is; issues are} unresolved. || No page is open; {sum
--   n_open where source = issue; issue is; issues are} unresolved. || Nothing is open.
-- period: PagerDutyIncidents, SentryIssues
-- chart: stack x=age y=n_open series=source
-- columns:
--   source: page or issue
--   status: its status when it was fetched last
--   owner: the team of a page, or who an issue is assigned to
--   age: how old it was then
--   n_open: how many
--   oldest_at: when the oldest began
--   max_age_days: how old that is, in days
with newest as (
    select
        max(case when table_name = 'PagerDutyIncidents' then to_timestamp(newest_extracted_at) end) as pages_at,
        max(case when table_name = 'SentryIssues' then to_timestamp(newest_extracted_at) end) as issues_at
    from _tables
),

open_items as (
    select
        'page' as source,
        case when incident.status = 'triggered' then 1 else 2 end as source_order,
        incident.status,
        nvl(incident.team_name, '(nobody)') as owner,
        incident.created_at as opened_at,
        unix_timestamp(newest.pages_at) as seen_at
    from PagerDutyIncidents as incident
    cross join newest
    where incident.status in ('triggered', 'acknowledged')
    union all
    select
        'issue',
        3,
        issue.status,
        nvl(issue.assigned_to_name, '(nobody)'),
        issue.first_seen_at,
        unix_timestamp(newest.issues_at)
    from SentryIssues as issue
    cross join newest
    where issue.status = 'unresolved'
),

aged as (
    select
        source,
        source_order,
        status,
        owner,
        opened_at,
        try_divide(seen_at - unix_timestamp(opened_at), 86400) as days
    from open_items
),

bucketed as (
    select
        source,
        source_order,
        status,
        owner,
        opened_at,
        days,
        case
            when days is null then 6
            when days < 1 then 1
            when days < 7 then 2
            when days < 30 then 3
            when days < 90 then 4
            else 5
        end as age_order
    from aged
)

select
    source,
    status,
    owner,
    case age_order
        when 1 then 'under 1 day'
        when 2 then '1 to 7 days'
        when 3 then '7 to 30 days'
        when 4 then '30 to 90 days'
        when 5 then '90 days and more'
        else 'unknown'
    end as age,
    count(*) as n_open,
    min(opened_at) as oldest_at,
    round(max(days), 1) as max_age_days
from bucketed
group by source, source_order, status, owner, age_order
order by source_order, age_order desc, n_open desc, status, owner
