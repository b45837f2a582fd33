-- title: Escalations
-- question: How often does the first person not answer, or hand on, and how often does nobody?
-- grain: one row per team and service with incidents
-- meaning: From the log entries. `n_escalations` counts entries; all other counts are of incidents with at least one. A
--   timeout escalation is one that nobody answered in time, a manual one was asked for by a person (the two kinds of
--   PagerDuty Analytics); what neither did came through the API (`n_incidents_by_api`). Repeated means that the whole
--   policy was gone through and began anew, exhausted that its end was reached with nobody left to page. Merged
--   incidents are left out.
-- misleads: Handing on early is good practice: only timeouts and exhausted policies are failures. What was fetched
--   without log entries counts as not escalated.
-- group: pages 4
-- sentence: **{sum n_incidents_exhausted; page; pages} came to the end with nobody left to ask**; most go unanswered
--   in time at {service_name} ({percent_timeout}). || {percent_timeout} of the pages of {service_name} go unanswered in
--   time, the most of all; none came to the end with nobody left to ask. || Of {sum n_incidents; page; pages} none went on
--   because nobody answered in time. || No page is known.
-- period: PagerDutyIncidents
-- chart: bar x=service_name y=percent_timeout,percent_manual,percent_exhausted top=10
-- columns:
--   team_name: the team of the incidents
--   service_name: the service
--   n_incidents: incidents, merged ones left out
--   n_escalations: escalations of all of them together
--   n_incidents_timeout: incidents that escalated because nobody answered in time
--   n_incidents_manual: incidents that a person escalated
--   n_incidents_by_api: incidents that escalated for neither reason
--   n_incidents_repeated: incidents for which the whole policy began anew
--   n_incidents_exhausted: incidents for which nobody was left to page
--   percent_timeout: share of the incidents that escalated because nobody answered in time
--   percent_manual: share of those that a person escalated
--   percent_exhausted: share of those for which nobody was left
--   team_id: the team's id
--   service_id: the service's id
with escalations as (
    select
        incident_id,
        count_if(kind = 'escalate') as n_escalations,
        count_if(kind = 'escalate' and channel_type = 'timeout') as n_timeout,
        count_if(kind = 'escalate' and agent_type = 'user' and nvl(channel_type, '') <> 'timeout') as n_manual,
        count_if(kind = 'repeat_escalation_path') as n_repeated,
        count_if(kind = 'exhaust_escalation_path') as n_exhausted
    from PagerDutyLogEntries
    where kind in ('escalate', 'repeat_escalation_path', 'exhaust_escalation_path')
    group by incident_id
),

pages as (
    select
        nvl(incident.team_id, '(no team)') as team_id,
        nvl(incident.service_id, '(no service)') as service_id,
        nvl(escalation.n_escalations, 0) as n_escalations,
        nvl(escalation.n_timeout, 0) as n_timeout,
        nvl(escalation.n_manual, 0) as n_manual,
        nvl(escalation.n_repeated, 0) as n_repeated,
        nvl(escalation.n_exhausted, 0) as n_exhausted
    from PagerDutyIncidents as incident
    left join escalations as escalation on escalation.incident_id = incident.id
    where not nvl(incident.is_merged, false)
),

rates as (
    select
        team_id,
        service_id,
        count(*) as n_incidents,
        sum(n_escalations) as n_escalations,
        count_if(n_timeout > 0) as n_incidents_timeout,
        count_if(n_manual > 0) as n_incidents_manual,
        count_if(n_escalations > n_timeout + n_manual) as n_incidents_by_api,
        count_if(n_repeated > 0) as n_incidents_repeated,
        count_if(n_exhausted > 0) as n_incidents_exhausted
    from pages
    group by team_id, service_id
)

select
    nvl(team.name, rates.team_id) as team_name,
    nvl(service.name, rates.service_id) as service_name,
    rates.n_incidents,
    rates.n_escalations,
    rates.n_incidents_timeout,
    rates.n_incidents_manual,
    rates.n_incidents_by_api,
    rates.n_incidents_repeated,
    rates.n_incidents_exhausted,
    round(100e0 * rates.n_incidents_timeout / rates.n_incidents, 1) as percent_timeout,
    round(100e0 * rates.n_incidents_manual / rates.n_incidents, 1) as percent_manual,
    round(100e0 * rates.n_incidents_exhausted / rates.n_incidents, 1) as percent_exhausted,
    rates.team_id,
    rates.service_id
from rates
left join Names as team on team.kind = 'team' and team.id = rates.team_id
left join Names as service on service.kind = 'service' and service.id = rates.service_id
order by percent_timeout desc, rates.n_incidents desc, team_name, service_name, rates.team_id, rates.service_id
