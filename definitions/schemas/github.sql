-- Tables of the source `github`. Field meanings: GitHub REST API, https://docs.github.com/rest.

-- one row per repository
CREATE TABLE GithubRepos (
    -- the repository's id, which a new name does not change
    id INTEGER PRIMARY KEY NOT NULL,
    -- owner and name, e.g. `acme/shop`
    full_name TEXT NOT NULL,
    -- name without the owner
    name TEXT NULL,
    -- login of the organisation or user that owns it
    owner TEXT NULL,
    -- what it holds
    description TEXT NULL,
    -- public, private or internal, null in older records
    visibility TEXT NULL,
    -- true when not everyone can read it
    is_private BOOLEAN NULL,
    -- true when it is read-only for good, null in older records
    is_archived BOOLEAN NULL,
    -- true when the vendor disabled it, null in older records
    is_disabled BOOLEAN NULL,
    -- true when it is a fork
    is_fork BOOLEAN NULL,
    -- true when it is a template for new repositories, null in older records
    is_template BOOLEAN NULL,
    -- main programming language
    language TEXT NULL,
    -- name of the default branch
    default_branch TEXT NULL,
    -- topics, a JSON list
    topics JSON NULL,
    -- number of topics, null in older records
    topic_count INTEGER NULL,
    -- number of open issues and pull requests together
    open_issue_count INTEGER NULL,
    -- when it was made
    created_at TIMESTAMP NULL,
    -- when its settings changed last
    updated_at TIMESTAMP NULL,
    -- when commits were pushed last
    pushed_at TIMESTAMP NULL,
    -- its page in the web application
    html_url TEXT NULL
);

-- one row per team
CREATE TABLE GithubTeams (
    -- the team's id
    id INTEGER PRIMARY KEY NOT NULL,
    -- the team's short name, by which it is addressed, null in older records
    slug TEXT NULL,
    -- the team's name
    name TEXT NULL,
    -- what the team is for
    description TEXT NULL,
    -- login of the organisation
    organization TEXT NULL,
    -- secret (only its members see it) or closed (all members of the organisation do)
    privacy TEXT NULL,
    -- its permission on repositories where nothing else is said: pull, push, admin, …
    permission TEXT NULL,
    -- notifications_enabled or notifications_disabled
    notification_setting TEXT NULL,
    -- the team it is part of
    parent_team_id INTEGER REFERENCES GithubTeams (id),
    -- number of members, null in listings
    member_count INTEGER NULL,
    -- number of repositories, null in listings
    repository_count INTEGER NULL,
    -- its page in the web application
    html_url TEXT NULL
);

-- one row per repository and team with access to it
CREATE TABLE GithubRepoTeams (
    -- owner and name of the repository
    repository TEXT NOT NULL,
    -- the team
    team_id INTEGER NOT NULL REFERENCES GithubTeams (id),
    -- the repository's id
    repository_id INTEGER REFERENCES GithubRepos (id),
    -- the team's short name
    team_slug TEXT NULL,
    -- the team's name
    team_name TEXT NULL,
    -- what the team may do there: pull, triage, push, maintain, admin or a role of the organisation
    permission TEXT NULL,
    PRIMARY KEY (repository, team_id)
);

-- one row per webhook of a repository
-- A webhook's address may hold a secret, so only its scheme and host are kept.
CREATE TABLE GithubRepoHooks (
    -- the webhook's id
    id INTEGER PRIMARY KEY NOT NULL,
    -- owner and name of the repository
    repository TEXT NULL,
    -- the repository's id
    repository_id INTEGER REFERENCES GithubRepos (id),
    -- `web`, or the name of a retired service such as travis
    name TEXT NULL,
    -- true when events are sent
    is_active BOOLEAN NULL,
    -- events it is sent for, a JSON list
    events JSON NULL,
    -- number of these events
    event_count INTEGER NULL,
    -- http or https
    url_scheme TEXT NULL,
    -- host that receives the events, in lower case
    url_host TEXT NULL,
    -- json or form
    content_type TEXT NULL,
    -- true when the host's certificate is not checked, null when the record does not say
    is_insecure_ssl BOOLEAN NULL,
    -- true when deliveries are signed with a secret, which itself is not kept here
    has_secret BOOLEAN NULL,
    -- HTTP status of the newest delivery, null when there was none
    last_response_code INTEGER NULL,
    -- outcome of the newest delivery: active or ok, unused when there was none, or a failure such as timeout
    last_response_status TEXT NULL,
    -- when it was made
    created_at TIMESTAMP NULL,
    -- when its settings changed last
    updated_at TIMESTAMP NULL
);
