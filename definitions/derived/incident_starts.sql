-- one row per incident of the postmortems: when it began, as far as anybody wrote it down
-- Reports put an incident into its week, month or quarter by this time. A year before 1990 or after the newest that is
-- known of the data (the newest fetch or the newest change of a raw file) is a slip of the pen, not a time.
CREATE TABLE IncidentStarts (
    -- the incident
    incident_id TEXT PRIMARY KEY NOT NULL REFERENCES Incidents (id),
    -- the first trigger; without one the first detection; without that the incident's day, as its first moment; null
    -- where none is known or plausible
    began_at TIMESTAMP,
    -- what began_at is: trigger, detection or day
    known_by TEXT,
    -- the quarter of began_at such as `2026-Q1`, `(no date)` without one
    quarter TEXT NOT NULL,
    -- true when the incident has a time that is no plausible one
    is_implausible BOOLEAN NOT NULL
);

with known as (
    select timestamp_seconds(max(moment)) as until_at
    from (
        select unix_timestamp(to_timestamp(newest_extracted_at)) as moment
        from _tables
        union all
        select floor(modified / 1e9)
        from _files
    ) as moments
),

times as (
    select
        incident.id,
        to_timestamp(incident.first_triggered_at) as triggered_at,
        to_timestamp(incident.detected_at) as detected_at,
        to_timestamp(incident.incident_date) as day_at,
        -- A day ahead may be today elsewhere.
        nvl(timestamp_seconds(unix_timestamp(known.until_at) + 86400), '9999-12-31T23:59:59Z') as until_at
    from Incidents as incident
    cross join known
),

plausible as (
    select
        id,
        case when triggered_at between '1990-01-01T00:00:00Z' and until_at then triggered_at end as triggered_at,
        case when detected_at between '1990-01-01T00:00:00Z' and until_at then detected_at end as detected_at,
        case when day_at between '1990-01-01T00:00:00Z' and until_at then day_at end as day_at,
        nvl(triggered_at not between '1990-01-01T00:00:00Z' and until_at, false)
        or nvl(detected_at not between '1990-01-01T00:00:00Z' and until_at, false)
        or nvl(day_at not between '1990-01-01T00:00:00Z' and until_at, false) as is_implausible
    from times
)

select
    id as incident_id,
    coalesce(triggered_at, detected_at, day_at) as began_at,
    case
        when triggered_at is not null then 'trigger'
        when detected_at is not null then 'detection'
        when day_at is not null then 'day'
    end as known_by,
    nvl(date_format(coalesce(triggered_at, detected_at, day_at), 'yyyy-QQQ'), '(no date)') as quarter,
    is_implausible
from plausible
