-- one row per tool and team that it knows, and which team of the organisation that is
-- Names that differ only by case, or in spaces, `-` and `_`, are one team; for those that differ otherwise
-- `team_names.yaml` says which team they mean.
CREATE TABLE TeamSpellings (
    -- pagerduty, github, sentry, datadog or survey
    tool TEXT NOT NULL,
    -- the team's id in the tool; where teams have none there, its name
    id TEXT NOT NULL,
    -- its name in the tool
    name TEXT NOT NULL,
    -- what is the same in all tools: the name in lower case, with `-` for all that parts words
    team_key TEXT NOT NULL,
    -- the team as reports call it: as in `team_names.yaml`, else as in PagerDuty, else as in the first tool that knows it
    team TEXT NOT NULL,
    PRIMARY KEY (tool, id)
);

with known as (
    select 1 as place, 'pagerduty' as tool, id, nvl(name, id) as name
    from PagerDutyTeams
    union all
    select 2, 'github', concat(id), coalesce(name, slug, concat(id))
    from GithubTeams
    union all
    select 3, 'sentry', id, coalesce(name, slug, id)
    from SentryTeams
    union all
    select 4, 'datadog', team, team
    from (
        select team from DataDogMonitors where deleted_at is null
        union
        select team from DataDogSynthetics where deleted_at is null
    ) as tags
    where team is not null
    union all
    select 5, 'survey', team, team
    from (select distinct team from SurveyResponses) as answers
    where team is not null
),

aliases as (
    select regexp_replace(lower(trim(name)), '[ _-]+', '-') as name_key, min(team) as team
    from TeamNames
    group by regexp_replace(lower(trim(name)), '[ _-]+', '-')
),

keyed as (
    select
        known.place,
        known.tool,
        known.id,
        known.name,
        aliases.team as agreed,
        regexp_replace(lower(trim(nvl(aliases.team, known.name))), '[ _-]+', '-') as team_key
    from known
    left join aliases on aliases.name_key = regexp_replace(lower(trim(known.name)), '[ _-]+', '-')
),

shown as (
    select
        team_key,
        coalesce(agreed, name) as team,
        row_number() over (
            partition by team_key
            order by case when agreed is null then 1 else 0 end, place, name
        ) as place
    from keyed
)

select keyed.tool, keyed.id, keyed.name, keyed.team_key, shown.team
from keyed
inner join shown on shown.team_key = keyed.team_key and shown.place = 1
