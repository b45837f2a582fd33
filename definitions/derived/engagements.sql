-- one row per incident of PagerDuty and person who engaged in it
CREATE TABLE Engagements (
    -- the incident
    incident_id TEXT NOT NULL REFERENCES PagerDutyIncidents (id),
    -- who acknowledged it or joined it as a responder, or did both; `(unknown)` where the log does not say who
    person_id TEXT NOT NULL,
    PRIMARY KEY (incident_id, person_id)
);

select incident_id, nvl(agent_id, '(unknown)') as person_id
from PagerDutyLogEntries
where kind = 'acknowledge' and agent_type = 'user' and incident_id is not null
union
select incident_id, user_id
from PagerDutyIncidentResponders
