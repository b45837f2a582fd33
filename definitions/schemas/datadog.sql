-- Tables of the source `datadog`. Field meanings: DataDog API v1, https://docs.datadoghq.com/api/.

-- one row per monitor
CREATE TABLE DataDogMonitors (
    -- the monitor's id
    id INTEGER PRIMARY KEY NOT NULL,
    -- the monitor's name
    name TEXT NULL,
    -- e.g. metric alert, query alert, service check, log alert, synthetics alert
    type TEXT NULL,
    -- the query that is watched
    query TEXT NULL,
    -- text that is sent, with the handles of those it is sent to
    message TEXT NULL,
    -- OK, Alert, Warn, No Data, Skipped, Ignored or Unknown
    overall_state TEXT NULL,
    -- when overall_state changed last, null when it never did
    overall_state_modified_at TIMESTAMP NULL,
    -- when it was made
    created_at TIMESTAMP NULL,
    -- when its definition changed last
    modified_at TIMESTAMP NULL,
    -- when it was deleted
    deleted_at TIMESTAMP NULL,
    -- 1 (highest) to 5, null when none was set
    priority INTEGER NULL,
    -- true when it is a draft that notifies nobody
    is_draft BOOLEAN NULL,
    -- true when each group (host, service, …) alerts for itself
    is_multi_alert BOOLEAN NULL,
    -- true when the whole monitor or some of its groups are muted, by its own setting or by a downtime that is active
    is_muted BOOLEAN NULL,
    -- the muted groups, `*` for the whole monitor, a JSON list
    muted_scopes JSON NULL,
    -- when the monitor's own mute of all its groups ends, null when there is none or no end
    muted_until_at TIMESTAMP NULL,
    -- true when somebody is told that data stopped coming
    has_no_data_notification BOOLEAN NULL,
    -- minutes without data after which it says so
    no_data_timeframe_minutes INTEGER NULL,
    -- what missing data means: default, show_no_data, show_and_notify_no_data or resolve, null with the older setting
    on_missing_data TEXT NULL,
    -- minutes after which an unanswered alert is sent again, null or 0 when never
    renotify_interval_minutes INTEGER NULL,
    -- value at which it alerts
    critical_threshold REAL NULL,
    -- tags, a JSON list
    tags JSON NULL,
    -- number of tags
    tag_count INTEGER NULL,
    -- from the first tag `team:…`
    team TEXT NULL,
    -- from the first tag `service:…`
    service TEXT NULL,
    -- from the first tag `env:…`
    environment TEXT NULL,
    -- handles named in the message or that of the escalation, such as `pagerduty-shop` or `slack-ops`, without `@`, a JSON list
    notification_targets JSON NULL,
    -- number of these handles, 0 when the messages reach nobody
    notification_target_count INTEGER NULL,
    -- true when one of the handles pages: PagerDuty, Opsgenie, VictorOps or Datadog On-Call
    has_pager_target BOOLEAN NULL,
    -- e-mail address of who made it, trimmed and in lower case
    creator_email TEXT NULL,
    -- name of who made it
    creator_name TEXT NULL,
    -- the synthetic test it belongs to
    synthetic_id TEXT REFERENCES DataDogSynthetics (id)
);

-- one row per synthetic test
CREATE TABLE DataDogSynthetics (
    -- the test's public id, e.g. `abc-def-ghi`
    id TEXT PRIMARY KEY NOT NULL,
    -- the test's name
    name TEXT NULL,
    -- api, browser, mobile, …
    type TEXT NULL,
    -- of type api: http, ssl, dns, tcp, icmp, multi, …
    subtype TEXT NULL,
    -- live or paused
    status TEXT NULL,
    -- true when it does not run
    is_paused BOOLEAN NULL,
    -- the monitor that alerts when it fails
    monitor_id INTEGER REFERENCES DataDogMonitors (id),
    -- host that is tested, in lower case, the first of several; null when the test names none
    request_host TEXT NULL,
    -- hosts that its steps test, a JSON list
    request_hosts JSON NULL,
    -- seconds between two runs
    interval_seconds INTEGER NULL,
    -- places it runs from, a JSON list
    locations JSON NULL,
    -- number of these places
    location_count INTEGER NULL,
    -- when it was made, null in older records
    created_at TIMESTAMP NULL,
    -- when its definition changed last, null in older records
    modified_at TIMESTAMP NULL,
    -- when it was deleted
    deleted_at TIMESTAMP NULL,
    -- text that is sent, with the handles of those it is sent to
    message TEXT NULL,
    -- tags, a JSON list
    tags JSON NULL,
    -- number of tags
    tag_count INTEGER NULL,
    -- from the first tag `team:…`
    team TEXT NULL,
    -- from the first tag `service:…`
    service TEXT NULL,
    -- from the first tag `env:…`
    environment TEXT NULL,
    -- handles named in the message or that of the escalation, such as `pagerduty-shop` or `slack-ops`, without `@`, a JSON list
    notification_targets JSON NULL,
    -- number of these handles, 0 when the messages reach nobody
    notification_target_count INTEGER NULL,
    -- true when one of the handles pages: PagerDuty, Opsgenie, VictorOps or Datadog On-Call
    has_pager_target BOOLEAN NULL,
    -- e-mail address of who made it, trimmed and in lower case
    creator_email TEXT NULL
);

-- one row per monitor and tag
CREATE TABLE DataDogMonitorTags (
    -- the monitor
    monitor_id INTEGER NOT NULL REFERENCES DataDogMonitors (id),
    -- the tag, e.g. `team:payments`
    tag TEXT NOT NULL,
    PRIMARY KEY (monitor_id, tag)
);

-- one row per rule that notifies people about every monitor with certain tags
CREATE TABLE DataDogNotificationRules (
    -- the rule's id
    id TEXT PRIMARY KEY NOT NULL,
    -- the rule's name
    name TEXT NULL,
    -- the expression that chooses the monitors, null where tags do
    scope TEXT NULL,
    -- true when the monitors are chosen by tags, all of which they must have, and by nothing else
    is_by_tags_only BOOLEAN NOT NULL,
    -- whom it notifies, in any case that it distinguishes, without `@`, a JSON list
    recipients JSON NULL,
    -- number of these
    recipient_count INTEGER NULL,
    -- true when one of them pages: PagerDuty, Opsgenie, VictorOps or Datadog On-Call
    has_pager_recipient BOOLEAN NULL,
    -- when it changed last
    modified_at TIMESTAMP NULL
);

-- one row per rule and tag that its monitors must have; parts of the expression where the rule is not by tags only
CREATE TABLE DataDogNotificationRuleTags (
    -- the rule
    rule_id TEXT NOT NULL REFERENCES DataDogNotificationRules (id),
    -- the tag, e.g. `team:payments`
    tag TEXT NOT NULL,
    PRIMARY KEY (rule_id, tag)
);
