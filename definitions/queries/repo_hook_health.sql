-- title: Have we carried out our own engineering rules?
-- question: Which repositories break which of our rules on teams and webhooks?
-- grain: one row per rule and repository that breaks it; one row for a rule that none breaks
-- meaning: Each rule is a line of `checks`, which you are meant to edit, as are the hosts in `known_hosts`. A
--   repository counts unless it is archived, disabled or a template. `percent_kept` is the share of the repositories
--   concerned that keep the rule, the same in each of the rule's rows; a rule about hooks concerns those that have
--   one. `n_unknown` are repositories whose hooks could not be read (a key without the right, a failed request); they
--   count for no rule about hooks. A hook works if it is active and its newest delivery did not fail; one that never sent anything counts as
--   working, and as unused.
-- misleads: A rule that is kept is not a fault that is prevented. Hooks of the whole organisation and apps are not
--   among a repository's hooks: a repository that sends events that way seems to break the rules, and does not. The newest delivery
--   is one, and may have failed by chance.
-- group: watching 2
-- sentence: **“{rule}” is kept least**, by {percent_kept} of the repositories. || No repository is known.
-- period: GithubRepos, GithubRepoHooks
-- chart: bar x=rule y=percent_kept
-- columns:
--   rule: the rule
--   repository: a repository that breaks it, null for a rule that none breaks
--   n_concerned: repositories that the rule concerns and of which it is known
--   n_keep: those that keep it
--   n_unknown: repositories whose hooks could not be read
--   percent_kept: share of those concerned that keep it
with known_hosts (host, is_pager) as (
    values
    ('events.pagerduty.com', 1),
    ('api.opsgenie.com', 1),
    ('hooks.slack.com', 0),
    ('api.github.com', 0)
),

repositories as (
    select full_name as repository
    from GithubRepos
    where not nvl(is_archived, false) and not nvl(is_disabled, false) and not nvl(is_template, false)
),

teams as (
    select
        repository,
        count(*) as n_teams,
        count_if(permission in ('admin', 'maintain')) as n_maintaining
    from GithubRepoTeams
    group by repository
),

hooks as (
    select
        hook.repository,
        nvl(hook.is_active, false) as is_active,
        nvl(hook.url_scheme, '') as url_scheme,
        nvl(hook.is_insecure_ssl, false) as is_insecure_ssl,
        nvl(hook.has_secret, false) as has_secret,
        hook.url_host,
        known.host as known_host,
        nvl(known.is_pager, 0) as is_pager,
        case
            when hook.last_response_code >= 400 then 1
            when hook.last_response_code is null and nvl(hook.last_response_status, 'unused') not in ('active', 'ok', 'unused') then 1
            else 0
        end as fails
    from GithubRepoHooks as hook
    left join known_hosts as known on known.host = hook.url_host
),

hook_counts as (
    select
        repository,
        count(*) as n_hooks,
        count_if(is_active and fails = 0 and is_pager = 1) as n_working_to_pager,
        count_if(not is_active) as n_inactive,
        count_if(is_active and fails = 1) as n_failing,
        count_if(url_scheme <> 'https' or is_insecure_ssl) as n_insecure,
        count_if(not has_secret) as n_unsigned,
        count_if(known_host is null) as n_to_unknown_hosts
    from hooks
    group by repository
),

-- Whose hooks nobody could read: of these nothing is known, which is not the same as none.
unread as (
    select distinct repositories.repository
    from repositories
    inner join _gaps as gap
        on gap.stream = 'github_repo_hooks' and (gap.parent is null or gap.parent = repositories.repository)
    union
    select repositories.repository
    from repositories
    where
        not exists (select 1 from GithubRepoHooks)
        and not exists (select 1 from _files where stream = 'github_repo_hooks')
),

facts as (
    select
        repositories.repository,
        unread.repository is null as is_read,
        nvl(teams.n_teams, 0) as n_teams,
        nvl(teams.n_maintaining, 0) as n_maintaining,
        nvl(hook_counts.n_hooks, 0) as n_hooks,
        nvl(hook_counts.n_working_to_pager, 0) as n_working_to_pager,
        nvl(hook_counts.n_inactive, 0) as n_inactive,
        nvl(hook_counts.n_failing, 0) as n_failing,
        nvl(hook_counts.n_insecure, 0) as n_insecure,
        nvl(hook_counts.n_unsigned, 0) as n_unsigned,
        nvl(hook_counts.n_to_unknown_hosts, 0) as n_to_unknown_hosts
    from repositories
    left join teams on teams.repository = repositories.repository
    left join hook_counts on hook_counts.repository = repositories.repository
    left join unread on unread.repository = repositories.repository
),

-- One rule a line: its place, its words, which repositories it concerns, and whether one keeps it; null if unknown.
checks as (
    select repository, 1 as place, 'has a team' as rule, n_teams > 0 as keeps from facts
    union all
    select repository, 2, 'has a team that may maintain it', n_maintaining > 0 from facts
    union all
    select repository, 3, 'has a working hook to the pager', case when is_read or n_working_to_pager > 0 then n_working_to_pager > 0 end from facts
    union all
    select repository, 4, 'has no hook that is switched off', case when is_read or n_inactive > 0 then n_inactive = 0 end from facts where n_hooks > 0 or not is_read
    union all
    select repository, 5, 'has no hook that fails', case when is_read or n_failing > 0 then n_failing = 0 end from facts where n_hooks > 0 or not is_read
    union all
    select repository, 6, 'has hooks only over verified TLS', case when is_read or n_insecure > 0 then n_insecure = 0 end from facts where n_hooks > 0 or not is_read
    union all
    select repository, 7, 'has only signed hooks', case when is_read or n_unsigned > 0 then n_unsigned = 0 end from facts where n_hooks > 0 or not is_read
    union all
    select repository, 8, 'has hooks only to known hosts', case when is_read or n_to_unknown_hosts > 0 then n_to_unknown_hosts = 0 end from facts where n_hooks > 0 or not is_read
),

rules as (
    select place, rule, count(keeps) as n_concerned, count_if(keeps) as n_keep, count_if(keeps is null) as n_unknown
    from checks
    group by place, rule
)

select
    rules.rule,
    broken.repository,
    rules.n_concerned,
    rules.n_keep,
    rules.n_unknown,
    round(100 * try_divide(rules.n_keep, rules.n_concerned), 1) as percent_kept
from rules
left join checks as broken on broken.place = rules.place and not broken.keeps
order by nvl(percent_kept, 101e0), rules.place, broken.repository
