-- title: Services that page the most
-- question: Which services make the most incidents, and how many of these needed nobody?
-- grain: one row per service, those without incidents included
-- meaning: Incidents of the whole period, the service with the most first. `n_resolved_alone` were resolved by the
--   monitoring or by a timeout and acknowledged by nobody, a sign of noise. The top decile is the tenth of the services
--   with the most incidents, rounded up; `top_decile_percent` is their share in all incidents, the same in each row.
--   Interruptions are notifications by push, phone or SMS, without PagerDuty's joining of those within 60 seconds.
--   Merged incidents are left out.
-- misleads: What resolves alone may still have been felt by customers, and what people acknowledge may still be noise.
--   Many incidents may mean a bad service, a careful one, or one that does much. Where alerts are grouped into
--   incidents, services look quieter than others.
-- chart: bar x=service_name y=n_incidents,n_resolved_alone
with acknowledged as (
    select distinct incident_id
    from PagerDutyLogEntries
    where kind = 'acknowledge'
),

resolutions as (
    select
        incident_id,
        agent_type,
        row_number() over (partition by incident_id order by created_at desc, id desc) as place
    from PagerDutyLogEntries
    where kind = 'resolve'
),

notified as (
    select incident_id, count(*) as n_interruptions
    from PagerDutyLogEntries
    where
        kind = 'notify'
        and coalesce(notification_type, lower(regexp_extract(summary, ' by ([A-Za-z]+)( notification)?[.]?$', 1)))
        in ('push', 'phone', 'sms')
    group by incident_id
),

pages as (
    select
        nvl(incident.service_id, '(no service)') as service_id,
        incident.service_name,
        incident.team_name,
        incident.urgency,
        nvl(notified.n_interruptions, 0) as n_interruptions,
        case
            when
                incident.status = 'resolved'
                and acknowledged.incident_id is null
                and case
                    when resolution.incident_id is null then incident.last_status_changed_by_type <> 'user'
                    else coalesce(resolution.agent_type, 'none') <> 'user'
                end
                then 1
            else 0
        end as resolved_alone
    from PagerDutyIncidents as incident
    left join acknowledged on acknowledged.incident_id = incident.id
    left join resolutions as resolution on resolution.incident_id = incident.id and resolution.place = 1
    left join notified on notified.incident_id = incident.id
    where not coalesce(incident.is_merged, false)
),

counts as (
    select
        service_id,
        max(service_name) as service_name,
        max(team_name) as team_name,
        count(*) as n_incidents,
        count_if(urgency = 'high') as n_high_urgency,
        sum(resolved_alone) as n_resolved_alone,
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
        coalesce(service.name, counts.service_name, service_ids.service_id) as service_name,
        coalesce(service.team_name, counts.team_name, '(no team)') as team_name,
        nvl(counts.n_incidents, 0) as n_incidents,
        nvl(counts.n_high_urgency, 0) as n_high_urgency,
        nvl(counts.n_resolved_alone, 0) as n_resolved_alone,
        nvl(counts.n_interruptions, 0) as n_interruptions
    from service_ids
    left join PagerDutyServices as service on service.id = service_ids.service_id
    left join counts on counts.service_id = service_ids.service_id
),

ranked as (
    select
        service_id,
        service_name,
        team_name,
        n_incidents,
        n_high_urgency,
        n_resolved_alone,
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
    ) as cumulative_percent,
    is_top_decile,
    round(100 * try_divide(sum(n_incidents * is_top_decile) over (), n_all), 1) as top_decile_percent,
    n_high_urgency,
    n_resolved_alone,
    round(100 * try_divide(n_resolved_alone, n_incidents), 1) as percent_resolved_alone,
    n_interruptions
from marked
order by place
