-- title: Error issues by team
-- question: How many error issues does each project have, how many are new, back again or unhandled, and whom do they hit?
-- grain: one row per team and project; a project of several teams appears under each
-- meaning: Issues as they were fetched last. `n_new` were first seen within 30 days before that; `n_regressed` came
--   back after they were resolved, as the vendor says (substatus `regressed`); `n_unhandled` ended a program's work.
--   `n_events` and `n_users` are the vendor's counts over the period that was asked for; a user hit by two issues
--   counts twice. `n_fetched_events` are the events in our own tables.
-- misleads: An issue is what the vendor's grouping takes for one fault: a change of the grouping changes the count. A
--   project that samples its errors looks calm. Many issues may mean careful reporting.
-- group: watching 3
-- sentence: **{project} has the most open: {n_unresolved; issue; issues}**, {n_new} of all its issues new. || No
--   issue is open. || No project is known.
-- period: SentryIssues
-- chart: bar x=project y=n_unresolved,n_new,n_regressed top=10
-- columns:
--   team: the team, `(no team)` for a project without one
--   project: the project
--   platform: what it runs on
--   n_issues: error issues
--   n_unresolved: those that are unresolved
--   n_new: those seen first within 30 days before the last fetch
--   n_regressed: those that came back after they were resolved
--   n_unhandled: those that ended a program's work
--   n_unassigned: unresolved ones that nobody is assigned to
--   n_events: events, as the vendor counts them over the period that was asked for
--   n_users: users hit, as the vendor counts them; one hit by two issues counts twice
--   n_fetched_events: events in our own tables
with fetched as (
    select max(unix_timestamp(to_timestamp(newest_extracted_at))) as fetched_at
    from _tables
    where table_name = 'SentryIssues'
),

issues as (
    select
        issue.project_id,
        count(*) as n_issues,
        count_if(issue.status = 'unresolved') as n_unresolved,
        count_if(unix_timestamp(issue.first_seen_at) >= fetched.fetched_at - 30 * 86400) as n_new,
        count_if(issue.substatus = 'regressed') as n_regressed,
        count_if(issue.is_unhandled) as n_unhandled,
        count_if(issue.status = 'unresolved' and issue.assigned_to_id is null) as n_unassigned,
        sum(issue.event_count) as n_events,
        sum(issue.user_count) as n_users
    from SentryIssues as issue
    cross join fetched
    group by issue.project_id
),

events as (
    select project_id, count(*) as n_fetched_events
    from SentryIssueEvents
    group by project_id
),

project_ids as (
    select id as project_id
    from SentryProjects
    union
    select project_id
    from issues
    where project_id is not null
),

-- A project that is not listed any more is named by its newest issue.
slugs as (
    select project_id, max_by(project_slug, concat(nvl(last_seen_at, ''), id)) as project_slug
    from SentryIssues
    where project_slug is not null
    group by project_id
),

projects as (
    select
        project_ids.project_id,
        coalesce(project.slug, project.name, slugs.project_slug, project_ids.project_id) as project,
        project.platform
    from project_ids
    left join SentryProjects as project on project.id = project_ids.project_id
    left join slugs on slugs.project_id = project_ids.project_id
)

select
    coalesce(owner.team_slug, team.slug, team.name, '(no team)') as team,
    projects.project,
    projects.platform,
    nvl(issues.n_issues, 0) as n_issues,
    nvl(issues.n_unresolved, 0) as n_unresolved,
    nvl(issues.n_new, 0) as n_new,
    nvl(issues.n_regressed, 0) as n_regressed,
    nvl(issues.n_unhandled, 0) as n_unhandled,
    nvl(issues.n_unassigned, 0) as n_unassigned,
    nvl(issues.n_events, 0) as n_events,
    nvl(issues.n_users, 0) as n_users,
    nvl(events.n_fetched_events, 0) as n_fetched_events
from projects
left join SentryProjectTeams as owner on owner.project_id = projects.project_id
left join SentryTeams as team on team.id = owner.team_id
left join issues on issues.project_id = projects.project_id
left join events on events.project_id = projects.project_id
order by n_unresolved desc, team, projects.project, projects.project_id
