-- Views of derived tables: the same rows, with fewer words in the queries that ask for them.

-- one row per interruption: the Notifications that are one
CREATE VIEW Interruptions AS
select
    id,
    incident_id,
    team_id,
    person_id,
    notified_at as interrupted_at,
    way,
    local_at,
    hour_class,
    shift_began_at
from Notifications
where is_interruption;
