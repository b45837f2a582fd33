-- title: Postmortems that are missing, late or incomplete
-- question: Which postmortems lack something, and which major pages have none?
-- grain: one row per postmortem with a fault, and one per major page without a postmortem
-- meaning: A postmortem is faulty when it lacks its link, a root cause, a product, the severity or a time, when its
--   times contradict each other, or when its root cause analysis is not finished or took more than 14 days from
--   recovery. A page is an incident in the paging tool. It is major with one of the two highest priorities (here by
--   name: P1, P2, SEV1, SEV2), or when at least two people acknowledged or joined it, each counted once (after PagerDuty, which calls an
--   incident major with one of the two highest priorities, or with several responders who were added and
--   acknowledged). A page has a postmortem when an incident of the postmortems was on within two hours of its
--   beginning, or, where that tells no time, on its day.
-- misleads: Pages and postmortems carry no common key: a postmortem about something else at the same time hides a
--   missing one, and a wrong time in a postmortem makes one seem missing. Fourteen days and two hours are choices.
-- group: learning 3
-- sentence: **{count where kind = page; major page has; major pages have} no postmortem**, and {count where kind =
--   postmortem; postmortem lacks; postmortems lack} something. || Every major page has a postmortem; {count where
--   kind = postmortem; postmortem lacks; postmortems lack} something. || Nothing is missing.
-- period: Incidents, PagerDutyIncidents
-- chart: table
-- columns:
--   kind: postmortem, or page for a major one that has none
--   id: the incident's id
--   name: its name or title
--   severity: its severity in lower case, or its priority
--   began_at: when it began
--   n_people_engaged: of a page: people who acknowledged or joined it, each counted once
--   days_to_analysis: of a postmortem: days from recovery to the finished analysis
--   faults: what is wrong with it
with cause_counts as (
    select incident_id, count(*) as n_causes
    from RootCauses
    group by incident_id
),

product_counts as (
    select incident_id, count(*) as n_products
    from AffectedProducts
    group by incident_id
),

postmortems as (
    select
        incident.id,
        incident.name,
        incident.severity_level as severity,
        to_timestamp(coalesce(incident.first_triggered_at, incident.incident_date)) as began_at,
        round(
            try_divide(unix_timestamp(incident.rca_completed_at) - unix_timestamp(incident.recovered_at), 86400), 1
        ) as days_to_analysis,
        concat_ws(
            ', ',
            case when incident.postmortem_link is null then 'no link' end,
            case when causes.n_causes is null then 'no root cause' end,
            case when products.n_products is null then 'no product' end,
            case when incident.severity_level is null then 'no severity' end,
            case when incident.first_triggered_at is null then 'no time of trigger' end,
            case when incident.detected_at is null then 'no time of detection' end,
            case when incident.recovered_at is null then 'no time of recovery' end,
            case
                when
                    incident.detected_at < incident.first_triggered_at
                    or incident.recovered_at < incident.first_triggered_at
                    or incident.recovered_at < incident.detected_at
                    or incident.reconciled_at < incident.recovered_at
                    or incident.rca_completed_at < incident.recovered_at
                    then 'times contradict'
            end,
            case when incident.rca_completed_at is null then 'analysis not finished' end,
            case
                when unix_timestamp(incident.rca_completed_at) - unix_timestamp(incident.recovered_at) > 14 * 86400
                    then 'analysis late'
            end
        ) as faults
    from Incidents as incident
    left join cause_counts as causes on causes.incident_id = incident.id
    left join product_counts as products on products.incident_id = incident.id
),

-- Each page once: `distinct` makes SQLite keep them, rather than find them at each of their three uses.
major_pages as (
    select distinct
        page.id,
        page.title as name,
        page.priority as severity,
        page.created_at as began_at,
        response.n_engaged_people as n_engaged
    from PagerDutyIncidents as page
    inner join Responses as response on response.incident_id = page.id
    where
        not nvl(page.is_merged, false)
        and (
            regexp_replace(upper(page.priority), '[^A-Z0-9]', '') in ('P1', 'P2', 'SEV1', 'SEV2')
            or response.n_engaged_people >= 2
        )
),

-- The spans of the postmortems and the pages on one line of time: a page lies in a span if the latest end of all
-- spans that began before it is not before it. (A join by time would compare each page with each postmortem.)
moments as (
    select
        null as page_id,
        1 as place,
        unix_timestamp(first_triggered_at) - 7200 as moment,
        greatest(unix_timestamp(first_triggered_at), unix_timestamp(recovered_at)) + 7200 as ends
    from Incidents
    where first_triggered_at is not null
    union all
    select id, 2, unix_timestamp(began_at), null
    from major_pages
),

with_latest_end as (
    select
        page_id,
        moment,
        max(ends) over (
            order by moment, place, page_id
            rows between unbounded preceding and current row
        ) as latest_end
    from moments
),

covered_pages as (
    select page_id as id
    from with_latest_end
    where page_id is not null and latest_end >= moment
    union
    select page.id
    from major_pages as page
    inner join Incidents as incident on incident.incident_date = to_date(page.began_at)
    where incident.first_triggered_at is null
),

findings as (
    select 'postmortem' as kind, id, name, severity, began_at, null as n_engaged, days_to_analysis, faults
    from postmortems
    where faults <> ''
    union all
    select 'page', page.id, page.name, page.severity, page.began_at, page.n_engaged, null, 'no postmortem'
    from major_pages as page
    left join covered_pages as covered on covered.id = page.id
    where covered.id is null
)

select
    kind,
    id,
    name,
    severity,
    began_at,
    n_engaged as n_people_engaged,
    days_to_analysis,
    faults
from findings
order by kind, began_at desc, id
