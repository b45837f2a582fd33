-- title: How much do our own changes cause?
-- question: Which share of incidents does a change of ours set off, and which an event from outside?
-- grain: one row per quarter and class of cause
-- meaning: Every root cause that a postmortem names falls into one class, by its name, in the taxonomy of Google's
--   postmortems (The Site Reliability Workbook, 2018, appendix C): `change` (pushes of binaries and configuration,
--   deployments, migrations, feature flags), `outside` (users' behaviour, providers), `load` (capacity, performance),
--   `hardware and network`, `software and process` (defects and how they came to be), `other`, and `(none named)`. An
--   incident counts once in each class that it has. The list in the query is short: edit it to fit the agreed names.
-- misleads: This is the share of incidents that a change set off, not DORA's change fail rate, which divides by
--   deployments, of which nothing is known here. A cause is an opinion after the fact, and classes overlap: shares add
--   up to more than 100 %. In a quarter with few incidents (`low_n`) the shares jump.
-- chart: line x=quarter y=percent_of_incidents series=cause_class
with named as (
    select
        incident.id,
        nvl(date_format(coalesce(incident.first_triggered_at, incident.incident_date), 'yyyy-QQQ'), '(no date)') as quarter,
        lower(cause.root_cause) as name,
        case when incident.minutes_to_recover >= 0 then incident.minutes_to_recover end as minutes
    from Incidents as incident
    left join RootCauses as cause on cause.incident_id = incident.id
),

classed as (
    select distinct
        id,
        quarter,
        minutes,
        case
            when name is null then '(none named)'
            when regexp_like(name, 'push|deploy|release|rollout|config|migration|flag|change') and not regexp_like(name, 'user|provider') then 'change'
            when regexp_like(name, 'user|customer|provider|vendor|third.party|dependency|external') then 'outside'
            when regexp_like(name, 'capacity|load|performance|traffic|quota|limit') then 'load'
            when regexp_like(name, 'hardware|network|dns|disk|power|certificate') then 'hardware and network'
            when regexp_like(name, 'software|bug|code|process|test|pipeline|monitor|alert|complex|human') then 'software and process'
            else 'other'
        end as cause_class
    from named
),

quarters as (
    select quarter, count(distinct id) as n_incidents_of_quarter
    from named
    group by quarter
)

select
    classed.quarter,
    classed.cause_class,
    count(*) as n_incidents,
    quarters.n_incidents_of_quarter,
    round(100e0 * count(*) / quarters.n_incidents_of_quarter, 1) as percent_of_incidents,
    count(classed.minutes) as n_measured,
    round(nvl(sum(classed.minutes), 0e0), 1) as impact_minutes,
    case when quarters.n_incidents_of_quarter < 30 then 1 else 0 end as low_n
from classed
inner join quarters on quarters.quarter = classed.quarter
group by classed.quarter, classed.cause_class, quarters.n_incidents_of_quarter
order by classed.quarter, classed.cause_class
