-- title: Monitors that do not watch
-- question: Which monitors and synthetic tests are muted, blind, stuck or reach nobody?
-- grain: one row per monitor or synthetic test and fault
-- meaning: `reaches nobody`: no handle in its message or in that of its escalation; `does not page`: it has handles,
--   of which none leads to a pager, and its priority is 1 or 2; `no data`: it has nothing to judge; `stuck`: in alert
--   for more than seven days when it was fetched; `muted`: by its own setting or by a downtime; `paused`: a synthetic
--   test that does not run; `never alerted`: older than 90 days and its state never changed; `draft`; `no tags`.
--   Deleted ones are left out, and the monitors that belong to synthetic tests are judged only by `no data`, `muted`
--   and `stuck`.
-- misleads: A monitor that never alerted may watch something that never fails. A mute may be planned. A monitor may
--   reach people by a notification rule, which stands outside the monitor and is not fetched.
-- period: DataDogMonitors, DataDogSynthetics
-- chart: bar x=fault y=n_same_fault
-- columns:
--   fault: what is wrong, the worst first
--   kind: monitor or synthetic test
--   team: the team that its tags name
--   name: its name
--   state_days: how long its state has held, in days, where that matters
--   n_same_fault: monitors and tests with this fault, the same in each of its rows
--   id: its id
with fetched as (
    select max(unix_timestamp(to_timestamp(newest_extracted_at))) as fetched_at
    from _tables
    where table_name in ('DataDogMonitors', 'DataDogSynthetics')
),

monitors as (
    select
        cast(monitor.id as string) as id,
        nvl(monitor.name, '(no name)') as name,
        nvl(monitor.team, '(no team)') as team,
        monitor.overall_state,
        nvl(monitor.is_muted, false) as is_muted,
        nvl(monitor.is_draft, false) as is_draft,
        monitor.overall_state_modified_at,
        monitor.priority,
        nvl(monitor.tag_count, 0) as tag_count,
        nvl(monitor.notification_target_count, 0) as n_targets,
        nvl(monitor.has_pager_target, false) as has_pager_target,
        case when monitor.synthetic_id is null then 0 else 1 end as is_of_a_test,
        try_divide(
            fetched.fetched_at - unix_timestamp(coalesce(monitor.overall_state_modified_at, monitor.created_at)), 86400
        ) as days
    from DataDogMonitors as monitor
    cross join fetched
    where monitor.deleted_at is null
),

faults as (
    select 'monitor' as kind, id, name, team, 'muted' as fault, null as days
    from monitors
    where is_muted
    union all
    select 'monitor', id, name, team, 'no data', days
    from monitors
    where overall_state = 'No Data'
    union all
    select 'monitor', id, name, team, 'stuck', days
    from monitors
    where overall_state = 'Alert' and days > 7
    union all
    select 'monitor', id, name, team, 'never alerted', days
    from monitors
    where overall_state_modified_at is null and days > 90 and is_of_a_test = 0
    union all
    select 'monitor', id, name, team, 'reaches nobody', null
    from monitors
    where n_targets = 0 and is_of_a_test = 0
    union all
    select 'monitor', id, name, team, 'does not page', null
    from monitors
    where n_targets > 0 and not has_pager_target and priority <= 2 and is_of_a_test = 0
    union all
    select 'monitor', id, name, team, 'no tags', null
    from monitors
    where tag_count = 0 and is_of_a_test = 0
    union all
    select 'monitor', id, name, team, 'draft', null
    from monitors
    where is_draft
    union all
    select 'synthetic test', id, nvl(name, '(no name)'), nvl(team, '(no team)'), 'paused', null
    from DataDogSynthetics
    where is_paused and deleted_at is null
    union all
    select 'synthetic test', id, nvl(name, '(no name)'), nvl(team, '(no team)'), 'reaches nobody', null
    from DataDogSynthetics
    where nvl(notification_target_count, 0) = 0 and deleted_at is null
    union all
    select 'synthetic test', id, nvl(name, '(no name)'), nvl(team, '(no team)'), 'no tags', null
    from DataDogSynthetics
    where nvl(tag_count, 0) = 0 and deleted_at is null
)

select
    fault,
    kind,
    team,
    name,
    round(days, 1) as state_days,
    count(*) over (partition by fault) as n_same_fault,
    id
from faults
order by
    case fault
        when 'reaches nobody' then 1
        when 'does not page' then 2
        when 'no data' then 3
        when 'stuck' then 4
        when 'muted' then 5
        when 'paused' then 6
        when 'never alerted' then 7
        when 'draft' then 8
        else 9
    end,
    kind,
    team,
    name,
    id
