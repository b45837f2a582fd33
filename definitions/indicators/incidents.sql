-- title: Incidents
-- meaning: Incidents of the postmortems, by their beginning.
-- kind: count
-- better: less
-- place: 1
select began_at as at
from IncidentStarts
where began_at is not null
