-- Tables of the source `statuspage`: what a company says in public. Field meanings: https://www.githubstatus.com/api.

-- one row per incident of the page
CREATE TABLE StatuspageIncidents (
    -- the incident's id
    id TEXT PRIMARY KEY NOT NULL,
    -- its headline
    name TEXT,
    -- investigating, identified, monitoring, resolved or postmortem
    status TEXT,
    -- none, minor, major or critical
    impact TEXT,
    -- when it was made public
    created_at TIMESTAMP,
    -- when it was declared over, null while it is not
    resolved_at TIMESTAMP,
    -- from created_at to resolved_at
    minutes REAL,
    -- how often something was said about it
    update_count INTEGER,
    -- its address for people
    shortlink TEXT
);
