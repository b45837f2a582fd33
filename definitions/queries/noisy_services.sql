-- title: Services that page the most
-- question: Which services make the most incidents, and how many of these needed nobody?
-- grain: one row per service, those without incidents included
-- meaning: Incidents of the whole period, the service with the most first. `n_resolved_alone` were resolved by the
--   monitoring before any person answered, a sign of noise; `n_timed_out` were answered by nobody until their time ran
--   out: they were missed, which is not the same as needing nobody. The top decile is the tenth of the services
--   with the most incidents, rounded up; `percent_of_top_decile` is their share in all incidents, the same in each row.
--   Interruptions are notifications by push, phone or SMS; those to the same destination within 60 seconds are one.
--   Merged incidents are left out.
-- misleads: What resolves by itself may still have been felt by customers, and what people acknowledge may still be noise.
--   Many incidents may mean a bad service, a careful one, or one that does much. Where alerts are grouped into
--   incidents, services look quieter than others.
-- group: pages 2
-- sentence: **{count where is_top_decile = 1; service makes; services make} {percent_of_top_decile} of pages**; of
--   all pages {sum n_resolved_alone} needed nobody, and {sum n_timed_out} were missed. || No page is known.
-- period: PagerDutyIncidents
-- chart: bar x=service_name y=n_incidents,n_resolved_alone top=10
-- columns:
--   place: the service's place, from 1 for the one with the most incidents
--   service_name: the service
--   team_name: the team that owns it, else that of its newest incident
--   n_incidents: its incidents
--   percent_of_incidents: its share of all incidents
--   percent_so_far: the share of this service and all before it
--   is_top_decile: 1 for the tenth of the services with the most incidents, rounded up
--   percent_of_top_decile: the share of that tenth in all incidents, the same in each row
--   n_high_urgency: incidents of high urgency
--   n_resolved_alone: incidents that the monitoring resolved before anybody answered, a sign of noise
--   percent_resolved_alone: their share
--   n_timed_out: incidents that nobody answered until their time ran out: they were missed
--   percent_timed_out: their share
--   n_interruptions: notifications that interrupted somebody
--   service_id: the service's id
with notified as (
    select incident_id, count(*) as n_interruptions
    from Interruptions
    group by incident_id
),

pages as (
    select
        nvl(response.service_id, '(no service)') as service_id,
        response.team_id,
        response.created_at,
        response.incident_id as id,
        response.urgency,
        nvl(notified.n_interruptions, 0) as n_interruptions,
        case when response.answered_at is null and response.resolved_by = 'automatic' then 1 else 0 end as resolved_alone,
        case when response.resolved_by = 'timeout' then 1 else 0 end as timed_out
    from Responses as response
    left join notified on notified.incident_id = response.incident_id
    where not response.is_merged
),

counts as (
    select
        service_id,
        max_by(team_id, concat(created_at, id)) as team_id,
        count(*) as n_incidents,
        count_if(urgency = 'high') as n_high_urgency,
        sum(resolved_alone) as n_resolved_alone,
        sum(timed_out) as n_timed_out,
        sum(n_interruptions) as n_interruptions
    from pages
    group by service_id
),

service_ids as (
    select id as service_id
    from PagerDutyServices
    union
    select service_id
    from counts
),

services as (
    select
        service_ids.service_id,
        nvl(named.name, service_ids.service_id) as service_name,
        coalesce(team.name, service.team_id, counts.team_id, '(no team)') as team_name,
        nvl(counts.n_incidents, 0) as n_incidents,
        nvl(counts.n_high_urgency, 0) as n_high_urgency,
        nvl(counts.n_resolved_alone, 0) as n_resolved_alone,
        nvl(counts.n_timed_out, 0) as n_timed_out,
        nvl(counts.n_interruptions, 0) as n_interruptions
    from service_ids
    left join PagerDutyServices as service on service.id = service_ids.service_id
    left join counts on counts.service_id = service_ids.service_id
    left join Names as named on named.kind = 'service' and named.id = service_ids.service_id
    left join Names as team on team.kind = 'team' and team.id = nvl(service.team_id, counts.team_id)
),

ranked as (
    select
        service_id,
        service_name,
        team_name,
        n_incidents,
        n_high_urgency,
        n_resolved_alone,
        n_timed_out,
        n_interruptions,
        row_number() over (order by n_incidents desc, service_name, service_id) as place,
        count(*) over () as n_services,
        sum(n_incidents) over () as n_all
    from services
),

marked as (
    select
        place,
        service_id,
        service_name,
        team_name,
        n_incidents,
        n_high_urgency,
        n_resolved_alone,
        n_timed_out,
        n_interruptions,
        n_all,
        case when place <= ceil(n_services / 10e0) then 1 else 0 end as is_top_decile
    from ranked
)

select
    place,
    service_name,
    team_name,
    n_incidents,
    round(100 * try_divide(n_incidents, n_all), 1) as percent_of_incidents,
    round(
        100 * try_divide(
            sum(n_incidents) over (order by place rows between unbounded preceding and current row), n_all
        ),
        1
    ) as percent_so_far,
    is_top_decile,
    round(100 * try_divide(sum(n_incidents * is_top_decile) over (), n_all), 1) as percent_of_top_decile,
    n_high_urgency,
    n_resolved_alone,
    round(100 * try_divide(n_resolved_alone, n_incidents), 1) as percent_resolved_alone,
    n_timed_out,
    round(100 * try_divide(n_timed_out, n_incidents), 1) as percent_timed_out,
    n_interruptions,
    service_id
from marked
order by place
