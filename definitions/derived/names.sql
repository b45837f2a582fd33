-- one row per service, team or person of PagerDuty that anything names, with its newest name
-- Reports group by the id and show the name: two services of one name stay two, and one that was renamed stays one.
CREATE TABLE Names (
    -- service, team or person
    kind TEXT NOT NULL,
    -- its id
    id TEXT NOT NULL,
    -- the name in its own record; of what has no record any more, the name in the newest incident, log entry or
    -- membership; the id where nothing has a name
    name TEXT NOT NULL,
    -- true when it has a record of its own, false when it is gone and only others still name it
    is_listed BOOLEAN NOT NULL,
    PRIMARY KEY (kind, id)
);

with mentions as (
    select 'service' as kind, service_id as id, service_name as name, max(created_at) as mentioned_at
    from PagerDutyIncidents
    group by service_id, service_name
    union all
    select 'team', team_id, team_name, max(created_at)
    from PagerDutyIncidents
    group by team_id, team_name
    union all
    select 'team', team_id, team_name, null
    from PagerDutyUserTeams
    group by team_id, team_name
    union all
    select 'team', team_id, team_name, null
    from PagerDutyServices
    group by team_id, team_name
    union all
    select 'person', assignee_id, assignee_name, max(created_at)
    from PagerDutyIncidents
    group by assignee_id, assignee_name
    union all
    -- Most of a million log entries are of people with a record, whose names are known.
    select 'person', agent_id, agent_name, max(created_at)
    from PagerDutyLogEntries
    where agent_type = 'user' and agent_id not in (select id from PagerDutyUsers where name is not null)
    group by agent_id, agent_name
    union all
    select 'person', notified_user_id, null, null
    from PagerDutyLogEntries
    where notified_user_id not in (select id from PagerDutyUsers)
    group by notified_user_id
    union all
    select 'person', user_id, null, null
    from PagerDutyUserTeams
    group by user_id
),

ranked as (
    select
        kind,
        id,
        name,
        row_number() over (
            partition by kind, id
            order by case when name is null then 1 else 0 end, mentioned_at desc, name
        ) as place
    from mentions
    where id is not null
),

listed as (
    select 'service' as kind, id, name
    from PagerDutyServices
    union all
    select 'team', id, name
    from PagerDutyTeams
    union all
    select 'person', id, name
    from PagerDutyUsers
)

select kind, id, coalesce(max(listed_name), max(mentioned_name), id) as name, max(is_listed) = 1 as is_listed
from (
    select kind, id, name as listed_name, null as mentioned_name, 1 as is_listed
    from listed
    union all
    select kind, id, null, name, 0
    from ranked
    where place = 1
) as known
group by kind, id
