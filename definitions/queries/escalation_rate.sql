-- title: Escalations
-- question: How often does the first person not answer, or hand on, and how often does nobody?
-- grain: one row per team and service with incidents
-- meaning: From the log entries. A timeout escalation is one that nobody answered in time, a manual one was asked for
--   by a person (the two kinds of PagerDuty Analytics). `n_repeated` went through the whole policy and began anew,
--   `n_exhausted` reached its end with nobody left to page. Percentages are of incidents with at least one. Merged
--   incidents are left out.
-- misleads: Handing on early is good practice: only timeouts and exhausted policies are failures. What was fetched
--   without log entries counts as not escalated.
-- chart: bar x=service_name y=percent_timeout,percent_manual,percent_exhausted
with escalations as (
    select
        incident_id,
        count_if(kind = 'escalate' and channel_type = 'timeout') as n_timeout,
        count_if(kind = 'escalate' and coalesce(channel_type, '') <> 'timeout') as n_manual,
        count_if(kind = 'repeat_escalation_path') as n_repeated,
        count_if(kind = 'exhaust_escalation_path') as n_exhausted
    from PagerDutyLogEntries
    where kind in ('escalate', 'repeat_escalation_path', 'exhaust_escalation_path')
    group by incident_id
),

pages as (
    select
        nvl(incident.team_name, '(no team)') as team_name,
        coalesce(incident.service_name, service.name, incident.service_id, '(no service)') as service_name,
        nvl(escalation.n_timeout, 0) as n_timeout,
        nvl(escalation.n_manual, 0) as n_manual,
        nvl(escalation.n_repeated, 0) as n_repeated,
        nvl(escalation.n_exhausted, 0) as n_exhausted
    from PagerDutyIncidents as incident
    left join escalations as escalation on escalation.incident_id = incident.id
    left join PagerDutyServices as service on service.id = incident.service_id
    where not coalesce(incident.is_merged, false)
)

select
    team_name,
    service_name,
    count(*) as n_incidents,
    sum(n_timeout + n_manual) as n_escalations,
    count_if(n_timeout > 0) as n_timeout,
    count_if(n_manual > 0) as n_manual,
    count_if(n_repeated > 0) as n_repeated,
    count_if(n_exhausted > 0) as n_exhausted,
    round(100e0 * count_if(n_timeout > 0) / count(*), 1) as percent_timeout,
    round(100e0 * count_if(n_manual > 0) / count(*), 1) as percent_manual,
    round(100e0 * count_if(n_exhausted > 0) / count(*), 1) as percent_exhausted
from pages
group by team_name, service_name
order by percent_timeout desc, n_incidents desc, team_name, service_name
