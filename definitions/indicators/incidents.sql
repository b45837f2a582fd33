-- title: Incidents
-- meaning: Incidents of the postmortems, by their beginning.
-- kind: count
-- better: less
-- place: 1
-- period: Incidents
select began_at as at
from IncidentStarts
where began_at is not null
