-- one row per series and incident of the postmortems in it: all, each severity, each product
-- Incidents without a plausible time are in none.
CREATE TABLE IncidentSeries (
    -- all, severity or product
    dimension TEXT NOT NULL,
    -- the name of the series: all, the severity in lower case or `(none)`, or entity and product
    name TEXT NOT NULL,
    -- the incident
    incident_id TEXT NOT NULL REFERENCES Incidents (id),
    -- the Monday of the week in which it began
    week DATE NOT NULL,
    PRIMARY KEY (dimension, name, incident_id)
);

with begun as (
    select
        incident.id,
        nvl(incident.severity_level, '(none)') as severity,
        trunc(start.began_at, 'week') as week
    from Incidents as incident
    inner join IncidentStarts as start on start.incident_id = incident.id
    where start.began_at is not null
)

select 'all' as dimension, 'all' as name, id as incident_id, week
from begun
union all
select 'severity', severity, id, week
from begun
union all
select 'product', concat(affected.entity_name, ': ', affected.product), begun.id, begun.week
from begun
inner join AffectedProducts as affected on affected.incident_id = begun.id
