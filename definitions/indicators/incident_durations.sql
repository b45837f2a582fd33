-- title: How long incidents last
-- meaning: Minutes from the first trigger to recovery, of incidents that are over.
-- kind: durations
-- better: less
-- place: 2
-- period: Incidents
select start.began_at as at, incident.minutes_to_recover as value
from Incidents as incident
inner join IncidentStarts as start on start.incident_id = incident.id
where start.known_by = 'trigger' and incident.minutes_to_recover > 0
