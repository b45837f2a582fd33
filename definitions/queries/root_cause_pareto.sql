-- title: Root causes, the most frequent first
-- question: Which causes recur, and how many incidents and minutes stand behind them?
-- grain: one row per root cause, whatever its case
-- meaning: Incidents that name the cause, their share of all incidents, and the minutes from trigger to recovery of
--   those that have both times (`n_measured`). What set incidents off (`trigger`) and what lay behind them (`root
--   cause`) are two lists, after the table `CauseKinds`; names that are not in it are `unlisted`. `place` and
--   `percent_of_mentions_so_far` count within each list, from the top. The benchmark is Google's: triggers and root
--   causes of thousands of postmortems from 2010 to 2017 (The Site Reliability Workbook, 2018, appendix C, tables C-1
--   and C-2), for causes of the same name.
-- misleads: An incident with several causes counts in each, with all its minutes: shares add up to more than 100 %. A
--   cause is an opinion after the fact and depends on who wrote it down; `(none named)` says how much is missing. The
--   benchmark is another company's.
-- group: learning 1
-- sentence: **{root_cause where role = trigger} sets off most**, {percent_of_incidents where role = trigger} of
--   incidents; {root_cause where role = root cause} lies behind most, {percent_of_incidents where role = root cause}. ||
--   **{root_cause where role = root cause} lies behind most**, {percent_of_incidents where role = root cause} of
--   incidents. || **{root_cause} is named most**, in {percent_of_incidents} of incidents. || No cause is known.
-- period: Incidents
-- chart: bar x=root_cause y=n_incidents so_far=percent_of_mentions_so_far top=16
-- columns:
--   role: trigger, root cause, unlisted, or `(none named)`
--   place: the place within the role, from 1 for the most frequent
--   root_cause: the cause as most people write it
--   kind: what kind of cause it is, `(unknown)` for a name that is not in `CauseKinds`
--   n_incidents: incidents that name it
--   percent_of_incidents: their share of all incidents
--   percent_of_mentions_so_far: share of this cause and all before it in the mentions of its role
--   n_measured: incidents that name it and have a trigger and a later recovery
--   impact_minutes: minutes from trigger to recovery of these together
--   percent_of_impact_minutes: their share of the minutes of all incidents
--   percent_in_benchmark: share of Google's postmortems that named it, null where there is no figure
with mentions as (
    select distinct
        incident.id,
        nvl(lower(trim(cause.root_cause)), '(none named)') as cause,
        case when incident.minutes_to_recover >= 0 then incident.minutes_to_recover end as minutes
    from Incidents as incident
    left join RootCauses as cause on cause.incident_id = incident.id
),

spellings as (
    select lower(trim(root_cause)) as cause, trim(root_cause) as spelling, count(*) as n
    from RootCauses
    group by lower(trim(root_cause)), trim(root_cause)
),

-- As most people write it.
shown as (
    select
        cause,
        spelling,
        row_number() over (partition by cause order by n desc, spelling) as place
    from spellings
),

total as (
    select
        count(*) as n_incidents,
        sum(case when minutes_to_recover >= 0 then minutes_to_recover end) as minutes
    from Incidents
),

causes as (
    select
        mentions.cause,
        case when mentions.cause = '(none named)' then '(none named)' else nvl(kinds.role, 'unlisted') end as role,
        nvl(kinds.kind, '(unknown)') as kind,
        kinds.percent_in_benchmark,
        count(*) as n_incidents,
        count(mentions.minutes) as n_measured,
        nvl(sum(mentions.minutes), 0e0) as minutes
    from mentions
    left join CauseKinds as kinds on kinds.cause = mentions.cause
    group by mentions.cause, kinds.role, kinds.kind, kinds.percent_in_benchmark
)

select
    causes.role,
    row_number() over (partition by causes.role order by causes.n_incidents desc, causes.cause) as place,
    nvl(shown.spelling, causes.cause) as root_cause,
    causes.kind,
    causes.n_incidents,
    round(100e0 * causes.n_incidents / total.n_incidents, 1) as percent_of_incidents,
    round(
        100e0 * sum(causes.n_incidents) over (
            partition by causes.role
            order by causes.n_incidents desc, causes.cause
            rows between unbounded preceding and current row
        ) / sum(causes.n_incidents) over (partition by causes.role),
        1
    ) as percent_of_mentions_so_far,
    causes.n_measured,
    round(causes.minutes, 1) as impact_minutes,
    round(100 * try_divide(causes.minutes, total.minutes), 1) as percent_of_impact_minutes,
    round(causes.percent_in_benchmark, 2) as percent_in_benchmark
from causes
cross join total
left join shown on shown.cause = causes.cause and shown.place = 1
order by
    case causes.role when 'trigger' then 1 when 'root cause' then 2 when 'unlisted' then 3 else 4 end,
    causes.n_incidents desc,
    causes.cause
