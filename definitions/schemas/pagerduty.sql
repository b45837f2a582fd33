-- Tables of the source `pagerduty`. Field meanings: PagerDuty REST API v2,
-- https://developer.pagerduty.com/api-reference.

-- one row per team
CREATE TABLE PagerDutyTeams (
    -- the team's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the team's name
    name TEXT NULL,
    -- what the team is for
    description TEXT NULL,
    -- role that new members get: manager or none
    default_role TEXT NULL,
    -- its page in the web application
    html_url TEXT NULL
);

-- one row per user
CREATE TABLE PagerDutyUsers (
    -- the user's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the user's name
    name TEXT NULL,
    -- e-mail address, trimmed and in lower case
    email TEXT NULL,
    -- the user's own time zone, an IANA name such as `Europe/Berlin`, in which their nights and weekends fall
    time_zone TIME_ZONE NULL,
    -- base role in the account: admin, owner, user, limited_user, observer, read_only_user, …
    role TEXT NULL,
    -- job title
    job_title TEXT NULL,
    -- true while an invitation to the account waits for an answer, so that the user cannot be reached yet
    is_invitation_pending BOOLEAN NULL,
    -- number of teams the user is in
    team_count INTEGER,
    -- number of ways the user can be reached
    contact_method_count INTEGER,
    -- its page in the web application
    html_url TEXT NULL
);

-- one row per user and team the user is in
CREATE TABLE PagerDutyUserTeams (
    -- the user
    user_id TEXT NOT NULL REFERENCES PagerDutyUsers (id),
    -- the team
    team_id TEXT NOT NULL REFERENCES PagerDutyTeams (id),
    -- the team's name as the user's record gives it
    team_name TEXT NULL,
    PRIMARY KEY (user_id, team_id)
);

-- one row per way to reach a user
CREATE TABLE PagerDutyUserContactMethods (
    -- the user
    user_id TEXT NOT NULL REFERENCES PagerDutyUsers (id),
    -- the contact method's id
    id TEXT NOT NULL,
    -- email, phone, sms, push_notification or whatsapp
    type TEXT NULL,
    -- what the user calls it, e.g. `Work`
    label TEXT NULL,
    -- e-mail address, phone number or device token, numbers perhaps as a hash, null in a mere reference
    address TEXT NULL,
    -- country code of a phone number
    country_code INTEGER,
    -- false when a phone or SMS number was switched off
    is_enabled BOOLEAN NULL,
    -- true when the vendor no longer sends to this number
    is_blacklisted BOOLEAN NULL,
    PRIMARY KEY (user_id, id)
);

-- one row per service
CREATE TABLE PagerDutyServices (
    -- the service's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the service's name
    name TEXT NULL,
    -- what the service does
    description TEXT NULL,
    -- active, warning, critical, maintenance or disabled
    status TEXT NULL,
    -- when the service was set up
    created_at TIMESTAMP,
    -- when its newest incident began
    last_incident_at TIMESTAMP,
    -- seconds after which an open incident resolves itself, null when never
    auto_resolve_timeout_seconds INTEGER,
    -- seconds after which an acknowledged incident is triggered again, null when never
    acknowledgement_timeout_seconds INTEGER,
    -- who is paged, and then who
    escalation_policy_id TEXT NULL,
    -- the escalation policy's name
    escalation_policy_name TEXT NULL,
    -- the first of its teams
    team_id TEXT REFERENCES PagerDutyTeams (id),
    -- the name of the first of its teams
    team_name TEXT NULL,
    -- ids of all its teams, a JSON list
    team_ids JSON NULL,
    -- number of its teams, 0 when nobody owns it
    team_count INTEGER,
    -- how urgency is chosen: constant, or use_support_hours
    urgency_rule TEXT NULL,
    -- urgency of its incidents when the rule is constant: high, low or severity_based
    urgency TEXT NULL,
    -- what an event makes: create_incidents or create_alerts_and_incidents
    alert_creation TEXT NULL,
    -- how alerts are grouped into incidents: intelligent, time, content_based, …, null when they are not
    alert_grouping TEXT NULL,
    -- number of integrations that can send it events
    integration_count INTEGER,
    -- its page in the web application
    html_url TEXT NULL
);

-- one row per incident
-- period: created_at
CREATE TABLE PagerDutyIncidents (
    -- the incident's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the incident's number in the account
    incident_number INTEGER,
    -- the title, as the alert or the person who raised it wrote it
    title TEXT NULL,
    -- triggered, acknowledged or resolved, when it was fetched
    status TEXT NULL,
    -- high or low
    urgency TEXT NULL,
    -- name of the priority, e.g. `P1`, null when none was set
    priority TEXT NULL,
    -- id of the priority
    priority_id TEXT NULL,
    -- key by which the vendor recognises repeats of the same alert
    incident_key TEXT NULL,
    -- the service it is on
    service_id TEXT REFERENCES PagerDutyServices (id),
    -- the service's name
    service_name TEXT NULL,
    -- who is paged, and then who
    escalation_policy_id TEXT NULL,
    -- the escalation policy's name
    escalation_policy_name TEXT NULL,
    -- the first of its teams
    team_id TEXT REFERENCES PagerDutyTeams (id),
    -- the name of the first of its teams
    team_name TEXT NULL,
    -- ids of all its teams, a JSON list
    team_ids JSON NULL,
    -- number of its teams
    team_count INTEGER,
    -- when it was triggered first
    created_at TIMESTAMP NOT NULL,
    -- when anything about it changed last, null in older records
    updated_at TIMESTAMP,
    -- when its status changed last, which is not the time of resolution unless the status is resolved
    last_status_changed_at TIMESTAMP,
    -- user, service or integration: who changed the status last
    last_status_changed_by_type TEXT NULL,
    -- the id of whoever changed the status last
    last_status_changed_by_id TEXT NULL,
    -- when it was resolved, null while open and in older records (the log entry of kind `resolve` has it then)
    resolved_at TIMESTAMP,
    -- escalation_policy or direct_assignment
    assigned_via TEXT NULL,
    -- the first of the users assigned when it was fetched
    assignee_id TEXT REFERENCES PagerDutyUsers (id),
    -- the name of that user
    assignee_name TEXT NULL,
    -- number of users assigned when it was fetched (a resolved incident has none)
    assignment_count INTEGER,
    -- number of acknowledgements in force when it was fetched (a resolved incident has none)
    acknowledgement_count INTEGER,
    -- number of alerts grouped into it
    alert_count INTEGER,
    -- number of people who were asked to join as responders, null when the record does not say
    responder_count INTEGER,
    -- number of responders who joined, null when the record does not say
    joined_responder_count INTEGER,
    -- true when it was resolved by being merged into another incident
    is_merged BOOLEAN NULL,
    -- the incident it was merged into
    merged_into_incident_id TEXT REFERENCES PagerDutyIncidents (id),
    -- its page in the web application
    html_url TEXT NULL
);

-- Incidents are sought by time: which others began within five minutes.
CREATE INDEX PagerDutyIncidentsByCreation ON PagerDutyIncidents (created_at);

-- one row per incident and person who joined it as a responder, having been asked
-- period: incident_id
CREATE TABLE PagerDutyIncidentResponders (
    -- the incident
    incident_id TEXT NOT NULL REFERENCES PagerDutyIncidents (id),
    -- who joined
    user_id TEXT NOT NULL REFERENCES PagerDutyUsers (id),
    PRIMARY KEY (incident_id, user_id)
);

-- one row per log entry: something that happened to an incident
-- period: incident_id, created_at
CREATE TABLE PagerDutyLogEntries (
    -- the log entry's id
    id TEXT PRIMARY KEY NOT NULL,
    -- what happened, the vendor's type without `_log_entry`: trigger, acknowledge, unacknowledge, assign, escalate,
    -- delegate, notify, resolve, annotate, snooze, exhaust_escalation_path, repeat_escalation_path, … (an open set)
    kind TEXT NOT NULL,
    -- the incident it happened to
    incident_id TEXT REFERENCES PagerDutyIncidents (id),
    -- the incident's service, which some records leave out (the incident has it)
    service_id TEXT REFERENCES PagerDutyServices (id),
    -- the first of the teams concerned
    team_id TEXT REFERENCES PagerDutyTeams (id),
    -- when it happened
    created_at TIMESTAMP NOT NULL,
    -- who or what did it: user, service, integration, …, null for the vendor's own acts such as notifications
    agent_type TEXT NULL,
    -- id of who or what did it, a user's id when agent_type is user
    agent_id TEXT NULL,
    -- name of who or what did it
    agent_name TEXT NULL,
    -- by which way: website, web_trigger, api, auto, timeout, email, sms, note, … An escalation by `timeout` is
    -- one that nobody answered in time
    channel_type TEXT NULL,
    -- of kind notify: the user who was notified, null in older records
    notified_user_id TEXT REFERENCES PagerDutyUsers (id),
    -- of kind notify: email, phone, sms or push, null in older records (there summary ends `by email.` or the like)
    notification_type TEXT NULL,
    -- of kind notify: the number, address or device, perhaps as a hash
    notification_address TEXT NULL,
    -- of kind notify: whether it arrived, e.g. success
    notification_status TEXT NULL,
    -- of kinds assign, escalate and delegate: the first assignee
    assignee_id TEXT NULL,
    -- of kinds assign, escalate and delegate: ids of all assignees, a JSON list
    assignee_ids JSON NULL,
    -- of kind acknowledge: seconds after which the incident is triggered again
    acknowledgement_timeout_seconds INTEGER,
    -- of kind snooze: for how many seconds
    snooze_seconds INTEGER,
    -- the event in the vendor's words, e.g. `Notified Jo by email.`
    summary TEXT NULL
);

-- Nearly every question asks for an incident's first acknowledgement, last resolution and so on.
CREATE INDEX PagerDutyLogEntriesByIncident ON PagerDutyLogEntries (incident_id, kind, created_at);
