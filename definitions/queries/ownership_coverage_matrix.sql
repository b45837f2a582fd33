-- title: What each team owns, and what it lacks
-- question: Which team has repositories, a service of the pager, a project for errors, monitors and synthetic tests, and which things has nobody?
-- grain: one row per team, one for what has no team, and one per repository without a team
-- meaning: A team is one in all tools whose names differ only by case, or in spaces, `-` and `_`; for other names
--   `team_names.yaml` says which team is meant (table `TeamSpellings`). Repositories are those that the team may write
--   to, without archived ones, disabled ones and templates; a service belongs to the first of its teams; monitors and
--   synthetic tests belong to the team that their tags name.
-- misleads: Not every team needs everything: one that runs nothing needs no pager. Whoever may write to a repository
--   need not own it. A team that is called otherwise in some tool seems to lack what it has: look for a second row that
--   has just that, and add its name to `team_names.yaml`.
-- group: watching 5
-- sentence: **{count where kind = team and n_missing > 0; team lacks; teams lack} something**, {name} the most;
--   {count where kind = repository; repository has; repositories have} no team. || No team lacks anything. || No team
--   is known.
-- period: PagerDutyTeams, GithubTeams, SentryTeams, DataDogMonitors
-- chart: table
-- columns:
--   kind: team, no team, or repository for one without a team
--   name: the team, or the repository
--   n_repositories: repositories that the team may write to
--   n_services: its services of the pager
--   n_projects: its projects for errors
--   n_monitors: its monitors, those of synthetic tests left out
--   n_synthetics: its synthetic tests
--   n_missing: of how many of these five it has none
--   missing: which these are
--   n_tools: how many tools know the team; null where it is no team
with things as (
    select spelling.team_key, 'repository' as kind, owner.repository as id
    from GithubRepoTeams as owner
    inner join GithubRepos as repository
        on repository.full_name = owner.repository
        and not nvl(repository.is_archived, false)
        and not nvl(repository.is_disabled, false)
        and not nvl(repository.is_template, false)
    inner join TeamSpellings as spelling on spelling.tool = 'github' and spelling.id = concat(owner.team_id)
    where owner.permission in ('push', 'maintain', 'admin')
    union
    select spelling.team_key, 'service', service.id
    from PagerDutyServices as service
    left join TeamSpellings as spelling on spelling.tool = 'pagerduty' and spelling.id = service.team_id
    where nvl(service.status, '') <> 'disabled'
    union
    select spelling.team_key, 'project', project.id
    from SentryProjects as project
    left join SentryProjectTeams as owner on owner.project_id = project.id
    left join TeamSpellings as spelling on spelling.tool = 'sentry' and spelling.id = owner.team_id
    union
    select spelling.team_key, 'monitor', concat(monitor.id)
    from DataDogMonitors as monitor
    left join TeamSpellings as spelling on spelling.tool = 'datadog' and spelling.id = monitor.team
    where monitor.deleted_at is null and monitor.synthetic_id is null
    union
    select spelling.team_key, 'synthetic', synthetic.id
    from DataDogSynthetics as synthetic
    left join TeamSpellings as spelling on spelling.tool = 'datadog' and spelling.id = synthetic.team
    where synthetic.deleted_at is null
),

orphans as (
    select repository.full_name as repository
    from GithubRepos as repository
    left join GithubRepoTeams as owner
        on owner.repository = repository.full_name and owner.permission in ('push', 'maintain', 'admin')
    where
        owner.repository is null
        and not nvl(repository.is_archived, false)
        and not nvl(repository.is_disabled, false)
        and not nvl(repository.is_template, false)
),

counts as (
    select
        team_key,
        count_if(kind = 'repository') as n_repositories,
        count_if(kind = 'service') as n_services,
        count_if(kind = 'project') as n_projects,
        count_if(kind = 'monitor') as n_monitors,
        count_if(kind = 'synthetic') as n_synthetics
    from things
    group by team_key
),

nobodys as (
    select
        (select count(*) from orphans) as n_repositories,
        nvl(sum(n_services), 0) as n_services,
        nvl(sum(n_projects), 0) as n_projects,
        nvl(sum(n_monitors), 0) as n_monitors,
        nvl(sum(n_synthetics), 0) as n_synthetics
    from counts
    where team_key is null
),

teams as (
    select team_key, max(team) as team, count(distinct tool) as n_tools
    from TeamSpellings
    group by team_key
),

lines as (
    select
        1 as place,
        'team' as kind,
        teams.team as name,
        nvl(counts.n_repositories, 0) as n_repositories,
        nvl(counts.n_services, 0) as n_services,
        nvl(counts.n_projects, 0) as n_projects,
        nvl(counts.n_monitors, 0) as n_monitors,
        nvl(counts.n_synthetics, 0) as n_synthetics,
        teams.n_tools
    from teams
    left join counts on counts.team_key = teams.team_key
    union all
    select 2, 'no team', '(no team)', n_repositories, n_services, n_projects, n_monitors, n_synthetics, null
    from nobodys
    where n_repositories + n_services + n_projects + n_monitors + n_synthetics > 0
    union all
    select 3, 'repository', repository, null, null, null, null, null, null
    from orphans
)

select
    kind,
    name,
    n_repositories,
    n_services,
    n_projects,
    n_monitors,
    n_synthetics,
    case
        when place = 1
            then case when n_repositories = 0 then 1 else 0 end
                + case when n_services = 0 then 1 else 0 end
                + case when n_projects = 0 then 1 else 0 end
                + case when n_monitors = 0 then 1 else 0 end
                + case when n_synthetics = 0 then 1 else 0 end
    end as n_missing,
    case
        when place = 1
            then concat_ws(
                ', ',
                case when n_repositories = 0 then 'no repository' end,
                case when n_services = 0 then 'no service' end,
                case when n_projects = 0 then 'no project' end,
                case when n_monitors = 0 then 'no monitor' end,
                case when n_synthetics = 0 then 'no synthetic test' end
            )
    end as missing,
    n_tools
from lines
order by place, n_missing desc, name
