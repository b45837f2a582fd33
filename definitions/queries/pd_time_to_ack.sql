-- title: Time to acknowledge pages
-- question: How long does a page wait for a person, by service, urgency and hour of the day?
-- grain: one row per team, service, urgency and class of hour
-- meaning: Minutes from an incident's creation to its first acknowledgement, from the log entries (as PagerDuty's
--   `mean_seconds_to_first_ack`, which is only a mean). One resolved without an acknowledgement counts as
--   acknowledged when it was first resolved, and in `n_without_ack`; else a mean would grow for ever with every such
--   incident. `n_open` still wait, `n_unknown` were answered at a time that was not fetched, `n_contradictory` before
--   they began: these three are left out, as are merged incidents. Classes of hours are PagerDuty's, in the time zone
--   of whoever answered first (UTC if nobody did): business is Monday to Friday 8 to 18, sleep is 22 to 8 every day,
--   off is the rest (support.pagerduty.com, Responder Insights). The geometric mean is over durations above 0. `low_n`
--   is 1 below 30 durations.
-- misleads: An acknowledgement stops the paging and says nothing about work begun. Incidents that resolve by
--   themselves before anyone looks make the times look like those of people: compare `n_without_ack`. A service with
--   few pages has no percentile worth the name.
-- chart: bar x=service_name y=p50_minutes,p90_minutes series=hour_class
with acknowledgements as (
    select
        incident_id,
        created_at,
        agent_id,
        row_number() over (partition by incident_id order by created_at, id) as place
    from PagerDutyLogEntries
    where kind = 'acknowledge'
),

resolutions as (
    select
        incident_id,
        created_at,
        agent_id,
        row_number() over (partition by incident_id order by created_at, id) as place
    from PagerDutyLogEntries
    where kind = 'resolve'
),

answered as (
    select
        incident.id,
        incident.status,
        incident.urgency,
        incident.service_id,
        incident.service_name,
        incident.team_name,
        incident.created_at,
        acknowledgement.created_at as acknowledged_at,
        least(
            acknowledgement.created_at,
            resolution.created_at,
            case when incident.status = 'resolved' then incident.resolved_at end
        ) as answered_at,
        coalesce(acknowledgement.agent_id, resolution.agent_id) as responder_id
    from PagerDutyIncidents as incident
    left join acknowledgements as acknowledgement
        on acknowledgement.incident_id = incident.id and acknowledgement.place = 1
    left join resolutions as resolution
        on resolution.incident_id = incident.id and resolution.place = 1
    where not coalesce(incident.is_merged, false)
),

localised as (
    select
        nvl(answered.team_name, '(no team)') as team_name,
        coalesce(answered.service_name, service.name, answered.service_id, '(no service)') as service_name,
        nvl(answered.urgency, '(none)') as urgency,
        answered.status,
        answered.created_at,
        answered.acknowledged_at,
        answered.answered_at,
        from_utc_timestamp(
            answered.created_at,
            nvl(responder.time_zone, 'UTC')
        ) as local_at,
        case
            when answered.answered_at >= answered.created_at
                then try_divide(unix_timestamp(answered.answered_at) - unix_timestamp(answered.created_at), 60)
        end as minutes
    from answered
    left join PagerDutyServices as service on service.id = answered.service_id
    left join PagerDutyUsers as responder on responder.id = answered.responder_id
),

classed as (
    select
        team_name,
        service_name,
        urgency,
        case
            when hour(local_at) < 8 or hour(local_at) >= 22 then 'sleep'
            when weekday(local_at) < 5 and hour(local_at) < 18 then 'business'
            else 'off'
        end as hour_class,
        status,
        created_at,
        acknowledged_at,
        answered_at,
        minutes
    from localised
)

select
    team_name,
    service_name,
    urgency,
    hour_class,
    count(*) as n_incidents,
    count(minutes) as n,
    count_if(acknowledged_at is null and answered_at is not null) as n_without_ack,
    count_if(answered_at is null and status = 'triggered') as n_open,
    count_if(answered_at is null and coalesce(status, '') <> 'triggered') as n_unknown,
    count_if(answered_at < created_at) as n_contradictory,
    round(min(minutes), 1) as min_minutes,
    round(percentile(minutes, 0.5), 1) as p50_minutes,
    round(percentile(minutes, 0.9), 1) as p90_minutes,
    round(percentile(minutes, 0.95), 1) as p95_minutes,
    round(max(minutes), 1) as max_minutes,
    -- Rounded twice, because the last digit of a logarithm is not the same in every engine.
    round(round(exp(avg(ln(minutes))), 6), 1) as geometric_mean_minutes,
    case when count(minutes) < 30 then 1 else 0 end as low_n
from classed
group by team_name, service_name, urgency, hour_class
order by team_name, service_name, urgency, hour_class
