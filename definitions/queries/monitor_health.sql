-- title: Monitors that do not watch
-- question: Which monitors and synthetic tests are muted, blind, stuck or reach nobody?
-- grain: one row per monitor or synthetic test and fault
-- meaning: `reaches nobody`: no handle in its message or in that of its escalation, and no notification rule about
--   it; `does not page`: it notifies somebody, none of these is a pager, and its priority is 1 or 2; both with `may`
--   where there are notification rules by more than tags joined by `AND`, since those cannot be compared with a
--   monitor here. `no data`: it has nothing to judge; `stuck`: in alert for more than seven days when it was fetched;
--   `muted`: by its own setting or by a downtime; `paused`: a synthetic test that does not run; `never alerted`:
--   older than 90 days and its state never changed; `draft`; `no tags`. Deleted ones are left out, and the monitors
--   that belong to synthetic tests are judged only by `no data`, `muted` and `stuck`.
-- misleads: A monitor that never alerted may watch something that never fails. A mute may be planned. A rule that
--   distinguishes cases, for example by priority, counts with everyone whom it may notify.
-- group: watching 1
-- sentence: **{count where fault = reaches nobody; monitor or test reaches; monitors and tests reach} nobody**;
--   {count; fault is; faults are} listed. || Every monitor reaches somebody; {count; fault is; faults are} listed. ||
--   No fault is known.
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

rules as (
    select rule.id, rule.has_pager_recipient, count(tag.tag) as n_tags
    from DataDogNotificationRules as rule
    left join DataDogNotificationRuleTags as tag on tag.rule_id = rule.id
    where rule.is_by_tags_only and rule.recipient_count > 0
    group by rule.id, rule.has_pager_recipient
),

-- A rule is about the monitors that have all of its tags.
ruled as (
    select tag.monitor_id, rules.id as rule_id, max(rules.has_pager_recipient) as is_pager
    from DataDogMonitorTags as tag
    inner join DataDogNotificationRuleTags as wanted on wanted.tag = tag.tag
    inner join rules on rules.id = wanted.rule_id
    group by tag.monitor_id, rules.id, rules.n_tags
    having count(*) = rules.n_tags
),

reached as (
    select monitor_id, max(is_pager) as is_pager
    from ruled
    group by monitor_id
),

-- Rules by more than tags, which cannot be compared here: they may be about any monitor.
unclear as (
    select count(*) as n, count_if(has_pager_recipient) as n_pager
    from DataDogNotificationRules
    where not is_by_tags_only and recipient_count > 0
),

monitors as (
    select
        concat(monitor.id) as id,
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
        reached.monitor_id is not null as is_ruled,
        nvl(reached.is_pager, false) as is_paged_by_rule,
        unclear.n as n_unclear,
        unclear.n_pager as n_unclear_pager,
        monitor.synthetic_id,
        case when monitor.synthetic_id is null then 0 else 1 end as is_of_a_test,
        try_divide(
            fetched.fetched_at - unix_timestamp(coalesce(monitor.overall_state_modified_at, monitor.created_at)), 86400
        ) as days
    from DataDogMonitors as monitor
    cross join fetched
    cross join unclear
    left join reached on reached.monitor_id = monitor.id
    where monitor.deleted_at is null
),

-- A test alerts by a monitor of its own, which has its tags.
ruled_tests as (
    select distinct synthetic_id
    from monitors
    where is_ruled and synthetic_id is not null
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
    select
        'monitor', id, name, team,
        case when n_unclear > 0 then 'may reach nobody' else 'reaches nobody' end,
        null
    from monitors
    where n_targets = 0 and not is_ruled and is_of_a_test = 0
    union all
    select
        'monitor', id, name, team,
        case when n_unclear_pager > 0 then 'may not page' else 'does not page' end,
        null
    from monitors
    where
        (n_targets > 0 or is_ruled)
        and not has_pager_target
        and not is_paged_by_rule
        and priority <= 2
        and is_of_a_test = 0
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
    select
        'synthetic test', test.id, nvl(test.name, '(no name)'), nvl(test.team, '(no team)'),
        case when unclear.n > 0 then 'may reach nobody' else 'reaches nobody' end,
        null
    from DataDogSynthetics as test
    cross join unclear
    left join ruled_tests on ruled_tests.synthetic_id = test.id
    where nvl(test.notification_target_count, 0) = 0 and test.deleted_at is null and ruled_tests.synthetic_id is null
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
        when 'may reach nobody' then 2
        when 'does not page' then 3
        when 'may not page' then 4
        when 'no data' then 5
        when 'stuck' then 6
        when 'muted' then 7
        when 'paused' then 8
        when 'never alerted' then 9
        when 'draft' then 10
        else 11
    end,
    kind,
    team,
    name,
    id
