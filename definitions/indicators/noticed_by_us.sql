-- title: Noticed by us first
-- meaning: Of the incidents with a time of detection, the share that the organisation noticed before its customers.
-- kind: share
-- better: more
-- place: 3
-- period: Incidents
select start.began_at as at, case when incident.detected_by = 'internal' then 1 else 0 end as value
from Incidents as incident
inner join IncidentStarts as start on start.incident_id = incident.id
where start.began_at is not null and incident.detected_by is not null
