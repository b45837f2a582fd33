-- Tables of the source `sentry`. Field meanings: Sentry web API, https://docs.sentry.io/api/.

-- one row per team
CREATE TABLE SentryTeams (
    -- the team's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the team's short name, by which it is addressed
    slug TEXT NULL,
    -- the team's name
    name TEXT NULL,
    -- when the team was made
    created_at TIMESTAMP NULL,
    -- number of members
    member_count INTEGER NULL
);

-- one row per project
CREATE TABLE SentryProjects (
    -- the project's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the project's short name, by which it is addressed
    slug TEXT NULL,
    -- the project's name
    name TEXT NULL,
    -- language or framework, e.g. python
    platform TEXT NULL,
    -- e.g. active
    status TEXT NULL,
    -- when the project was made
    created_at TIMESTAMP NULL,
    -- when it received its first event, null when it never did
    first_event_at TIMESTAMP NULL,
    -- number of teams that own it
    team_count INTEGER NULL,
    -- version of its newest release
    latest_release TEXT NULL
);

-- one row per project and team that owns it
CREATE TABLE SentryProjectTeams (
    -- the project
    project_id TEXT NOT NULL REFERENCES SentryProjects (id),
    -- the team
    team_id TEXT NOT NULL REFERENCES SentryTeams (id),
    -- the team's short name
    team_slug TEXT NULL,
    PRIMARY KEY (project_id, team_id)
);

-- one row per issue: events that the vendor holds to be the same fault
-- period: first_seen_at
CREATE TABLE SentryIssues (
    -- the issue's id
    id TEXT PRIMARY KEY NOT NULL,
    -- id for people, e.g. `SHOP-4F`
    short_id TEXT NULL,
    -- error type and message
    title TEXT NULL,
    -- the function or route where it happened
    culprit TEXT NULL,
    -- fatal, error, warning, info, debug, sample or unknown
    level TEXT NULL,
    -- unresolved, resolved, ignored, …
    status TEXT NULL,
    -- new, ongoing, escalating, regressed, archived_until_escalating, …
    substatus TEXT NULL,
    -- high, medium or low
    priority TEXT NULL,
    -- what kind of fault, e.g. error or performance_n_plus_one_db_queries
    issue_type TEXT NULL,
    -- the kind's group, e.g. error, performance, metric
    issue_category TEXT NULL,
    -- true when at least one event was an exception that the program did not handle
    is_unhandled BOOLEAN NULL,
    -- language or framework
    platform TEXT NULL,
    -- the project
    project_id TEXT REFERENCES SentryProjects (id),
    -- the project's short name
    project_slug TEXT NULL,
    -- number of events in the period that was asked for
    event_count INTEGER,
    -- number of users hit in the period that was asked for
    user_count INTEGER,
    -- time of the first event
    first_seen_at TIMESTAMP,
    -- time of the newest event
    last_seen_at TIMESTAMP NULL,
    -- user or team, null when nobody is assigned
    assigned_to_type TEXT NULL,
    -- id of the user or team assigned
    assigned_to_id TEXT NULL,
    -- name of the user or team assigned
    assigned_to_name TEXT NULL,
    -- e-mail address of the user assigned, trimmed and in lower case
    assigned_to_email TEXT NULL,
    -- number of comments
    comment_count INTEGER NULL,
    -- its page in the web application
    permalink TEXT NULL
);

-- one row per event that was fetched: one occurrence of an issue
-- period: created_at, received_at
CREATE TABLE SentryIssueEvents (
    -- the event's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the issue it belongs to
    issue_id TEXT REFERENCES SentryIssues (id),
    -- the project
    project_id TEXT REFERENCES SentryProjects (id),
    -- error, transaction, default, generic, …
    type TEXT NULL,
    -- error type and message
    title TEXT NULL,
    -- the function or route where it happened
    culprit TEXT NULL,
    -- language or framework
    platform TEXT NULL,
    -- when it happened
    created_at TIMESTAMP,
    -- when the vendor received it, null in listings
    received_at TIMESTAMP,
    -- from the tag `environment`, e.g. production
    environment TEXT NULL,
    -- from the tag `release`
    release TEXT NULL,
    -- from the tag `level`: fatal, error, warning, info, debug
    level TEXT NULL,
    -- from the tag `handled`: false when the program did not handle the exception
    is_handled BOOLEAN NULL,
    -- id of the user who was hit, as the program reported it
    user_id TEXT NULL
);

-- Events are sought by time: which came in the hour before an incident.
CREATE INDEX SentryIssueEventsByCreation ON SentryIssueEvents (created_at);
