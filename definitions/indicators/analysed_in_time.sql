-- title: Analysed within 14 days
-- meaning: Of the incidents that are over, the share whose root cause analysis was finished within 14 days of
--   recovery.
-- kind: share
-- better: more
-- period: Incidents
select
    start.began_at as at,
    case when unix_timestamp(incident.rca_completed_at) - unix_timestamp(incident.recovered_at) <= 14 * 86400 then 1 else 0 end as value
from Incidents as incident
inner join IncidentStarts as start on start.incident_id = incident.id
where start.began_at is not null and incident.recovered_at is not null
