-- title: What it takes to deal with a page
-- question: How many people and teams does an incident of the pager take, and how long are they on it?
-- grain: one row for everything, one per team, and one per service, with incidents that anybody engaged in
-- meaning: People engage who acknowledge an incident or join it as responders, each counted once. Their teams are those
--   they were members of then (table `Memberships`); a person in no team counts for none. `engaged_hours` are people
--   times the time from the first answer to the last resolution, as PagerDuty's `engaged_seconds` are, which is an
--   upper bound. Merged incidents are left out.
-- misleads: Who helps by chat engages in nothing. Many people are not a fault: they may be what made it short. The time
--   of an incident that nobody resolved by hand goes on while everybody sleeps.
-- group: pages 7
-- sentence: **{percent_several_people where scope = all} of the pages that anybody engaged in took more than one
--   person**; the most was {max_engaged_people where scope = all}. || One person was enough for each page. || No page
--   is known.
-- period: PagerDutyIncidents
-- chart: bar x=service_name y=mean_engaged_people only=scope:service top=10
-- columns:
--   scope: all, team or service: what the row is about
--   team_name: the team, `(all)` in the row for everything
--   service_name: the service, `(all)` in rows for more than one
--   n_incidents: incidents that anybody engaged in
--   mean_engaged_people: people who engaged in an incident, on average
--   max_engaged_people: people who engaged in the incident that took the most
--   percent_several_people: share of the incidents that took more than one
--   mean_engaged_teams: teams whose members engaged, on average
--   percent_several_teams: share of the incidents that took more than one team
--   mean_escalations: escalations of an incident, on average
--   n_measured: incidents that were resolved after the first answer, so that their hours are known
--   engaged_hours: people times hours from the first answer to the last resolution, of all measured incidents
--     together
--   p50_engaged_hours: the median of that for one incident
--   is_low_n: 1 where fewer than 30 were measured
--   team_id: the team's id
--   service_id: the service's id
with teams as (
    select engaged.incident_id, count(distinct member.team_id) as n_teams
    from Engagements as engaged
    cross join Responses as incident
    cross join Memberships as member
    where
        incident.incident_id = engaged.incident_id
        and member.person_id = engaged.person_id
        and nvl(member.since_at, incident.created_at) <= incident.created_at
        and nvl(member.until_at, incident.created_at) >= incident.created_at
    group by engaged.incident_id
),

escalations as (
    select incident_id, count(*) as n
    from PagerDutyLogEntries
    where kind = 'escalate'
    group by incident_id
),

costs as (
    select
        nvl(response.team_id, '(no team)') as team_id,
        nvl(response.service_id, '(no service)') as service_id,
        response.n_engaged_people as n_people,
        nvl(teams.n_teams, 0) as n_teams,
        nvl(escalations.n, 0) as n_escalations,
        case
            when response.last_resolved_at >= response.answered_at
                then response.n_engaged_people
                    * (unix_timestamp(response.last_resolved_at) - unix_timestamp(response.answered_at)) / 3600e0
        end as hours
    from Responses as response
    left join teams on teams.incident_id = response.incident_id
    left join escalations on escalations.incident_id = response.incident_id
    where not response.is_merged and response.n_engaged_people > 0
),

-- Each response is put together once, and counted in three scopes.
scopes (scope_order, scope) as (
    values
    (1, 'all'),
    (2, 'team'),
    (3, 'service')
),

scoped as (
    select
        scopes.scope_order,
        scopes.scope,
        case when scopes.scope_order >= 2 then costs.team_id else '(all)' end as team_id,
        case when scopes.scope_order = 3 then costs.service_id else '(all)' end as service_id,
        costs.n_people,
        costs.n_teams,
        costs.n_escalations,
        costs.hours
    from costs
    cross join scopes
),

summed as (
    select
        scope_order,
        scope,
        team_id,
        service_id,
        count(*) as n_incidents,
        avg(n_people) as mean_people,
        max(n_people) as most_people,
        count_if(n_people > 1) as n_several_people,
        avg(n_teams) as mean_teams,
        count_if(n_teams > 1) as n_several_teams,
        avg(n_escalations) as mean_escalations,
        count(hours) as n_measured,
        sum(hours) as hours,
        percentile(hours, 0.5) as p50_hours
    from scoped
    group by scope_order, scope, team_id, service_id
)

select
    summed.scope,
    nvl(team.name, summed.team_id) as team_name,
    nvl(service.name, summed.service_id) as service_name,
    summed.n_incidents,
    round(summed.mean_people, 2) as mean_engaged_people,
    summed.most_people as max_engaged_people,
    round(100e0 * summed.n_several_people / summed.n_incidents, 1) as percent_several_people,
    round(summed.mean_teams, 2) as mean_engaged_teams,
    round(100e0 * summed.n_several_teams / summed.n_incidents, 1) as percent_several_teams,
    round(summed.mean_escalations, 2) as mean_escalations,
    summed.n_measured,
    round(summed.hours, 1) as engaged_hours,
    round(summed.p50_hours, 2) as p50_engaged_hours,
    case when summed.n_measured < 30 then 1 else 0 end as is_low_n,
    summed.team_id,
    summed.service_id
from summed
left join Names as team on team.kind = 'team' and team.id = summed.team_id
left join Names as service on service.kind = 'service' and service.id = summed.service_id
order by summed.scope_order, engaged_hours desc, team_name, service_name, summed.team_id, summed.service_id
