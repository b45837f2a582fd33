-- title: Incidents that came back
-- question: Which cause hit the same product again within 90 days?
-- grain: one row per recurrence: an incident, a root cause, a product, and the incident before it with both the same
-- meaning: The incident before is the last earlier one with the same cause and product, if it began at most 90 days
--   before. An incident begins with its first trigger, else its first detection, else its day. A recurrence suggests that what was done after the first did not hold, or was not done yet.
-- misleads: The broader the names of causes, the more recurs: two incidents named `Software` need not have anything
--   in common. Ninety days are a choice, not a standard. An incident with several causes and products may stand here
--   several times.
-- group: learning 4
-- sentence: **{count; time; times} a cause hit the same product again within 90 days**, the last of them {root_cause}
--   at {product}. || No cause hit the same product again within 90 days.
-- period: Incidents
-- chart: table
-- columns:
--   root_cause: the cause that both have
--   entity_name: the company, brand or other entity
--   product: the product that both hit
--   incident_id: the later incident
--   incident_name: its name
--   began_at: when it began
--   earlier_incident_id: the one before it
--   earlier_incident_name: its name
--   earlier_began_at: when that began
--   days_between: days between the two beginnings
with begun as (
    select
        cause.root_cause,
        affected.entity_name,
        affected.product,
        incident.id,
        incident.name,
        start.began_at
    from Incidents as incident
    inner join IncidentStarts as start on start.incident_id = incident.id
    inner join RootCauses as cause on cause.incident_id = incident.id
    inner join AffectedProducts as affected on affected.incident_id = incident.id
    where start.began_at is not null
),

with_earlier as (
    select
        root_cause,
        entity_name,
        product,
        id,
        name,
        began_at,
        lag(id) over (partition by root_cause, entity_name, product order by began_at, id) as earlier_id,
        lag(name) over (partition by root_cause, entity_name, product order by began_at, id) as earlier_name,
        lag(began_at) over (partition by root_cause, entity_name, product order by began_at, id) as earlier_began_at
    from begun
)

select
    root_cause,
    entity_name,
    product,
    id as incident_id,
    name as incident_name,
    began_at,
    earlier_id as earlier_incident_id,
    earlier_name as earlier_incident_name,
    earlier_began_at,
    round(try_divide(unix_timestamp(began_at) - unix_timestamp(earlier_began_at), 86400), 1) as days_between
from with_earlier
where unix_timestamp(began_at) - unix_timestamp(earlier_began_at) <= 90 * 86400
order by began_at desc, root_cause, entity_name, product, id
