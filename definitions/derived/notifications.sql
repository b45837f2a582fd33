-- one row per notification of a person about an incident of PagerDuty
-- From the log entries of kind `notify`.
CREATE TABLE Notifications (
    -- the log entry
    id TEXT PRIMARY KEY NOT NULL REFERENCES PagerDutyLogEntries (id),
    -- the incident
    incident_id TEXT REFERENCES PagerDutyIncidents (id),
    -- the first team of the incident; of the log entry where the incident is not known
    team_id TEXT REFERENCES PagerDutyTeams (id),
    -- who was notified: the person's id; in older records, which have no id, the id of the only person of the name in
    -- the text (of those with a record of their own, else of all); where that fails, the name in brackets, or `(unknown)`
    person_id TEXT NOT NULL,
    -- when it was sent
    notified_at TIMESTAMP NOT NULL,
    -- email, phone, sms, push or another, in older records from the text; `(unknown)` where that does not say
    way TEXT NOT NULL,
    -- the number, address or device, null for a push and in older records
    destination TEXT,
    -- false when the record says that it did not arrive
    is_delivered BOOLEAN NOT NULL,
    -- true when it arrived by push, phone or SMS, and so interrupts (PagerDuty, Responder Insights)
    is_loud BOOLEAN NOT NULL,
    -- true when it is loud and follows no other loud one to the same destination within 60 seconds, which would be the
    -- same interruption (PagerDuty, Responder Insights)
    is_interruption BOOLEAN NOT NULL,
    -- what a clock at the person showed, written as if it were UTC; the time in UTC where the time zone is not known
    local_at TIMESTAMP NOT NULL,
    -- by the person's clock: business is Monday to Friday 8 to 18, sleep is 22 to 8 every day, off is the rest
    -- (PagerDuty, Responder Insights)
    hour_class TEXT NOT NULL,
    -- by the person's clock: when the shift of twelve hours began, at 8 or at 20
    shift_began_at TIMESTAMP NOT NULL
);

with people_by_name as (
    select
        name,
        case
            when count_if(is_listed) = 1 then max(case when is_listed then id end)
            when count(*) = 1 then min(id)
        end as id
    from Names
    where kind = 'person'
    group by name
),

written as (
    select
        id,
        incident_id,
        team_id,
        notified_user_id,
        case
            when notified_user_id is null
                then nullif(regexp_extract(summary, '^Notified (.+) by [A-Za-z]+( notification)?[.]?$', 1), '')
        end as written_name,
        created_at,
        coalesce(
            notification_type,
            nullif(lower(regexp_extract(summary, ' by ([A-Za-z]+)( notification)?[.]?$', 1)), ''),
            '(unknown)'
        ) as way,
        notification_address,
        notification_status is null or notification_status = 'success' as is_delivered
    from PagerDutyLogEntries
    where kind = 'notify'
),

named as (
    select
        written.id,
        written.incident_id,
        coalesce(incident.team_id, written.team_id) as team_id,
        coalesce(
            written.notified_user_id,
            people_by_name.id,
            concat('(', written.written_name, ')'),
            '(unknown)'
        ) as person_id,
        written.created_at,
        written.way,
        written.notification_address,
        written.is_delivered,
        written.is_delivered and written.way in ('push', 'phone', 'sms') as is_loud
    from written
    left join people_by_name on people_by_name.name = written.written_name
    left join PagerDutyIncidents as incident on incident.id = written.incident_id
),

localised as (
    select
        named.id,
        named.incident_id,
        named.team_id,
        named.person_id,
        named.created_at,
        named.way,
        named.notification_address,
        named.is_delivered,
        named.is_loud,
        nvl(from_utc_timestamp(named.created_at, person.time_zone), named.created_at) as local_at,
        lag(named.created_at) over (
            partition by named.is_loud, named.person_id, named.way, named.notification_address
            order by named.created_at, named.id
        ) as previous_at
    from named
    left join PagerDutyUsers as person on person.id = named.person_id
),

clocked as (
    select
        id,
        incident_id,
        team_id,
        person_id,
        created_at,
        way,
        notification_address,
        is_delivered,
        is_loud,
        is_loud and (
            previous_at is null or unix_timestamp(created_at) - unix_timestamp(previous_at) > 60
        ) as is_interruption,
        local_at,
        hour(local_at) as local_hour,
        weekday(local_at) as local_weekday
    from localised
)

select
    id,
    incident_id,
    team_id,
    person_id,
    created_at as notified_at,
    way,
    notification_address as destination,
    is_delivered,
    is_loud,
    is_interruption,
    local_at,
    case
        when local_hour < 8 or local_hour >= 22 then 'sleep'
        when local_hour < 18 and local_weekday < 5 then 'business'
        else 'off'
    end as hour_class,
    timestamp_seconds(floor((unix_timestamp(local_at) - 28800) / 43200e0) * 43200 + 28800) as shift_began_at
from clocked
