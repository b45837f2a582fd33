-- title: How much do our own changes cause?
-- question: Which share of incidents does a change of ours set off, and which an event from outside?
-- grain: one row per kind of cause for the whole period, and one per quarter and kind
-- meaning: Every root cause that a postmortem names is of one kind, after the agreed list in the table `CauseKinds`, which
--   holds the names of Google's postmortems (The Site Reliability Workbook, 2018, appendix C) and is meant to be
--   replaced by yours: `change` (pushes of binaries and configuration, deployment), `outside` (users' behaviour,
--   providers), `load`, `hardware and network`, `software and process`. A name that is not in the list is `(unknown)`,
--   an incident without a cause `(none named)`. An incident counts once in each kind that it has.
-- misleads: This is the share of incidents that a change set off, not DORA's change fail rate, which divides by
--   deployments, of which nothing is known here. A cause is an opinion after the fact, and kinds overlap: shares add
--   up to more than 100 %. In a quarter with few incidents (`is_low_n`) the shares jump. Many of `(unknown)` mean that the
--   list does not fit the names.
-- group: learning 2
-- sentence: **A change of ours set off {percent_of_incidents where quarter = (all) and kind = change} of incidents**,
--   as the postmortems say. || No incident names a change of ours. || No cause is known.
-- period: Incidents
-- chart: line x=quarter y=percent_of_incidents series=kind without=quarter:(all) top=4
-- columns:
--   quarter: the quarter in which the incidents began, such as `2026-Q1`, `(all)` for the whole period
--   is_unfinished: 1 for the quarter that is not over
--   kind: the kind of cause
--   n_incidents: incidents with a cause of this kind
--   n_incidents_of_quarter: all incidents of the quarter
--   percent_of_incidents: share of the kind in these
--   n_measured: incidents of the kind with a trigger and a later recovery
--   impact_minutes: minutes from trigger to recovery of these together
--   is_low_n: 1 below 30 incidents in the quarter
with named as (
    select distinct
        incident.id,
        start.quarter,
        case when incident.minutes_to_recover >= 0 then incident.minutes_to_recover end as minutes,
        case when cause.root_cause is null then '(none named)' else nvl(kinds.kind, '(unknown)') end as kind
    from Incidents as incident
    inner join IncidentStarts as start on start.incident_id = incident.id
    left join RootCauses as cause on cause.incident_id = incident.id
    left join CauseKinds as kinds on kinds.cause = lower(trim(cause.root_cause))
),

scoped as (
    select id, '(all)' as quarter, minutes, kind
    from named
    union all
    select id, quarter, minutes, kind
    from named
),

quarters as (
    select quarter, count(distinct id) as n_incidents_of_quarter
    from scoped
    group by quarter
)

select
    scoped.quarter,
    case when scoped.quarter = (select date_format(to_timestamp(max(to_at)), 'yyyy-QQQ') from _tables) then 1 else 0 end as is_unfinished,
    scoped.kind,
    count(*) as n_incidents,
    quarters.n_incidents_of_quarter,
    round(100e0 * count(*) / quarters.n_incidents_of_quarter, 1) as percent_of_incidents,
    count(scoped.minutes) as n_measured,
    round(nvl(sum(scoped.minutes), 0e0), 1) as impact_minutes,
    case when quarters.n_incidents_of_quarter < 30 then 1 else 0 end as is_low_n
from scoped
inner join quarters on quarters.quarter = scoped.quarter
group by scoped.quarter, scoped.kind, quarters.n_incidents_of_quarter
order by case scoped.quarter when '(all)' then 1 else 2 end, scoped.quarter desc, n_incidents desc, scoped.kind
