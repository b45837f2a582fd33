-- one row per incident of PagerDuty: who was notified, who answered, and how it ended
-- From the log entries; what the incident's own record says counts where they are missing.
CREATE TABLE Responses (
    -- the incident
    incident_id TEXT PRIMARY KEY NOT NULL REFERENCES PagerDutyIncidents (id),
    -- as in PagerDutyIncidents: the service it is on
    service_id TEXT REFERENCES PagerDutyServices (id),
    -- as in PagerDutyIncidents: the first of its teams
    team_id TEXT REFERENCES PagerDutyTeams (id),
    -- as in PagerDutyIncidents: high or low
    urgency TEXT,
    -- as in PagerDutyIncidents: triggered, acknowledged or resolved
    status TEXT,
    -- as in PagerDutyIncidents: when it was triggered first
    created_at TIMESTAMP NOT NULL,
    -- true when it was resolved by being merged into another incident
    is_merged BOOLEAN NOT NULL,
    -- what triggered it first: machine or person; null where the log does not say
    triggered_by TEXT,
    -- when somebody was notified of it first, by any way
    first_notified_at TIMESTAMP,
    -- who was notified first, as in Notifications
    first_notified_id TEXT,
    -- when a person acknowledged it first; an acknowledgement by an integration is none
    first_acknowledged_at TIMESTAMP,
    -- who acknowledged it first
    first_acknowledged_id TEXT,
    -- when a person answered: the first acknowledgement, or the first resolution by a person if that was earlier
    answered_at TIMESTAMP,
    -- who answered
    answered_id TEXT,
    -- how often it was resolved, as the log says
    n_resolutions INTEGER NOT NULL,
    -- when it was resolved for good; null while it is open, and where no time is known
    last_resolved_at TIMESTAMP,
    -- what resolved it for good: person, timeout (its time ran out and nobody had answered), or automatic; null while
    -- it is open, and where nothing says
    resolved_by TEXT,
    -- how many people engaged: those who acknowledged it or joined as responders, each once
    n_engaged_people INTEGER NOT NULL,
    -- what a clock showed when the incident began at the person who answered; if nobody did at the one notified first; if
    -- nobody was in UTC
    local_at TIMESTAMP NOT NULL,
    -- business, off or sleep, by that clock, as in Notifications
    hour_class TEXT NOT NULL
);
-- Questions about postmortems seek pages by time.
CREATE INDEX ResponsesByCreation ON Responses (created_at);

-- A moment and what happened then stand in one text, `…|…`, so that the least of these is the first.
with answers as (
    select
        incident_id,
        min(
            case
                when kind = 'trigger'
                    then created_at || case when nvl(agent_type, 'user') = 'user' then '|person' else '|machine' end
            end
        ) as first_trigger,
        min(case when kind = 'acknowledge' and agent_type = 'user' then created_at || '|' || nvl(agent_id, '(unknown)') end)
            as first_acknowledgement,
        min(case when kind = 'resolve' and agent_type = 'user' then created_at || '|' || nvl(agent_id, '(unknown)') end)
            as first_resolution_by_person,
        count_if(kind = 'resolve') as n_resolutions,
        max(
            case
                when kind = 'resolve'
                    then created_at || case
                        when agent_type = 'user' then '|3'
                        when channel_type = 'timeout' then '|2'
                        else '|1'
                    end
            end
        ) as last_resolution
    from PagerDutyLogEntries
    where kind in ('trigger', 'acknowledge', 'resolve')
    group by incident_id
),

notified as (
    select incident_id, min(notified_at || '|' || person_id) as first_notification
    from Notifications
    group by incident_id
),

engaged as (
    select incident_id, count(*) as n_people
    from Engagements
    group by incident_id
),

known as (
    select
        incident.id,
        incident.service_id,
        incident.team_id,
        incident.urgency,
        incident.status,
        incident.created_at,
        nvl(incident.is_merged, false) as is_merged,
        substr(answers.first_trigger, instr(answers.first_trigger, '|') + 1) as triggered_by,
        nvl(incident.status, '') = 'resolved' as is_resolved,
        incident.resolved_at,
        incident.last_status_changed_at,
        incident.last_status_changed_by_type,
        incident.last_status_changed_by_id,
        to_timestamp(split_part(notified.first_notification, '|', 1)) as first_notified_at,
        substr(notified.first_notification, instr(notified.first_notification, '|') + 1) as first_notified_id,
        answers.first_acknowledgement,
        case
            when answers.first_resolution_by_person is not null then answers.first_resolution_by_person
            -- Its log entry was not fetched.
            when nvl(answers.n_resolutions, 0) = 0 and incident.status = 'resolved' and incident.last_status_changed_by_type = 'user'
                then nvl(incident.resolved_at, incident.last_status_changed_at)
                    || '|' || nvl(incident.last_status_changed_by_id, '(unknown)')
        end as first_resolution_by_person,
        nvl(answers.n_resolutions, 0) as n_resolutions,
        answers.last_resolution,
        nvl(engaged.n_people, 0) as n_people
    from PagerDutyIncidents as incident
    left join answers on answers.incident_id = incident.id
    left join notified on notified.incident_id = incident.id
    left join engaged on engaged.incident_id = incident.id
),

answered as (
    select
        id,
        service_id,
        team_id,
        urgency,
        status,
        created_at,
        is_merged,
        triggered_by,
        is_resolved,
        resolved_at,
        last_status_changed_at,
        last_status_changed_by_type,
        first_notified_at,
        first_notified_id,
        first_acknowledgement,
        least(first_acknowledgement, first_resolution_by_person) as answer,
        n_resolutions,
        last_resolution,
        n_people
    from known
),

localised as (
    select
        answered.id,
        answered.service_id,
        answered.team_id,
        answered.urgency,
        answered.status,
        answered.created_at,
        answered.is_merged,
        answered.triggered_by,
        answered.is_resolved,
        answered.resolved_at,
        answered.last_status_changed_at,
        answered.last_status_changed_by_type,
        answered.first_notified_at,
        answered.first_notified_id,
        answered.first_acknowledgement,
        answered.answer,
        answered.n_resolutions,
        answered.last_resolution,
        answered.n_people,
        nvl(from_utc_timestamp(answered.created_at, person.time_zone), answered.created_at) as local_at
    from answered
    left join PagerDutyUsers as person on person.id = nvl(substr(answered.answer, instr(answered.answer, '|') + 1), answered.first_notified_id)
)

select
    id as incident_id,
    service_id,
    team_id,
    urgency,
    status,
    created_at,
    is_merged,
    triggered_by,
    first_notified_at,
    first_notified_id,
    to_timestamp(split_part(first_acknowledgement, '|', 1)) as first_acknowledged_at,
    substr(first_acknowledgement, instr(first_acknowledgement, '|') + 1) as first_acknowledged_id,
    to_timestamp(split_part(answer, '|', 1)) as answered_at,
    substr(answer, instr(answer, '|') + 1) as answered_id,
    n_resolutions,
    case
        when is_resolved
            then greatest(
                to_timestamp(split_part(last_resolution, '|', 1)),
                resolved_at,
                case when last_resolution is null and resolved_at is null then last_status_changed_at end
            )
    end as last_resolved_at,
    case
        when not is_resolved then null
        when last_resolution is null and last_status_changed_by_type is null then null
        when last_resolution is null and last_status_changed_by_type = 'user' then 'person'
        when substr(last_resolution, instr(last_resolution, '|') + 1) = '3' then 'person'
        when substr(last_resolution, instr(last_resolution, '|') + 1) = '2' and answer is null then 'timeout'
        else 'automatic'
    end as resolved_by,
    n_people as n_engaged_people,
    local_at,
    case
        when hour(local_at) < 8 or hour(local_at) >= 22 then 'sleep'
        when hour(local_at) < 18 and weekday(local_at) < 5 then 'business'
        else 'off'
    end as hour_class
from localised
