-- Tables of the source `incidents`: postmortems that people write as YAML, one incident each.

-- one row per incident, as its postmortem tells it
-- Times are null where the postmortem says `null` or nothing. A minutes column is null when one of
-- its two times is, and negative when the postmortem puts the later event first.
-- period: first_triggered_at, detected_at, incident_date
CREATE TABLE Incidents (
    -- date, name, and the link or, without one, the first trigger, joined by ` | ` as written
    -- (an incident whose date, name or link is corrected is a new incident)
    id TEXT PRIMARY KEY NOT NULL,
    -- the incident's name
    name TEXT NOT NULL,
    -- address of the written postmortem
    postmortem_link TEXT NULL,
    -- the day of the incident as its authors wrote it, in no particular time zone
    incident_date DATE,
    -- severity as written, e.g. `SEV 1`
    severity TEXT NULL,
    -- severity trimmed and in lower case, to group by
    severity_level TEXT NULL,
    -- when the trouble began
    first_triggered_at TIMESTAMP,
    -- when a customer first noticed
    customer_detected_at TIMESTAMP,
    -- when the organisation itself first noticed, by a monitor or by a person
    internally_detected_at TIMESTAMP,
    -- when the service worked again for customers
    recovered_at TIMESTAMP,
    -- when the data or work left behind was put right
    reconciled_at TIMESTAMP,
    -- when the root cause analysis was finished
    rca_completed_at TIMESTAMP,
    -- the earlier of customer_detected_at and internally_detected_at
    detected_at TIMESTAMP,
    -- who noticed first: `customer` or `internal` (at the same minute: `internal`), null when neither time is known
    detected_by TEXT NULL,
    -- minutes from first_triggered_at to detected_at
    minutes_to_detect REAL,
    -- minutes from first_triggered_at to recovered_at
    minutes_to_recover REAL,
    -- minutes from first_triggered_at to reconciled_at
    minutes_to_reconcile REAL,
    -- minutes from first_triggered_at to rca_completed_at
    minutes_to_rca REAL,
    -- number of customers who felt it, null when unknown
    impacted_customer_count INTEGER,
    -- number of requests that failed, null when unknown
    failed_request_count INTEGER
);

-- one row per incident, affected entity and product
-- period: incident_id
CREATE TABLE AffectedProducts (
    -- the incident
    incident_id TEXT NOT NULL REFERENCES Incidents (id),
    -- the company, brand or other entity, `(none named)` when the postmortem names only products
    entity_name TEXT NOT NULL,
    -- the product, `(none named)` when the postmortem names only the entity
    product TEXT NOT NULL,
    PRIMARY KEY (incident_id, entity_name, product)
);

-- one row per incident and root cause
-- period: incident_id
CREATE TABLE RootCauses (
    -- the incident
    incident_id TEXT NOT NULL REFERENCES Incidents (id),
    -- the cause, from the list that the organisation agreed on
    root_cause TEXT NOT NULL,
    PRIMARY KEY (incident_id, root_cause)
);

-- one row per incident and reliability gap that its postmortem found
-- period: incident_id
CREATE TABLE ReliabilityGaps (
    -- the incident
    incident_id TEXT NOT NULL REFERENCES Incidents (id),
    -- place of the gap among the incident's gaps, from 1
    position INTEGER NOT NULL,
    -- the kind of gap, when the gaps were written as a mapping of category to gap (levels joined by ` / `)
    category TEXT NULL,
    -- the gap in words
    gap TEXT NOT NULL,
    PRIMARY KEY (incident_id, position)
);
