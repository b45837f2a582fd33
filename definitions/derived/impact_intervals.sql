-- one row per product and stretch of time in which at least one of its incidents was on
-- From first trigger to recovery, as the postmortems say; incidents that overlap or touch are one stretch. Left out are
-- incidents without a plausible trigger, and those that recover before they begin.
CREATE TABLE ImpactIntervals (
    -- the company, brand or other entity
    entity_name TEXT NOT NULL,
    -- the product
    product TEXT NOT NULL,
    -- when the stretch began
    began_at TIMESTAMP NOT NULL,
    -- when it ended, null while one of its incidents has not recovered
    ended_at TIMESTAMP,
    -- number of incidents in it
    n_incidents INTEGER NOT NULL,
    -- number of these that have not recovered
    n_open INTEGER NOT NULL,
    PRIMARY KEY (entity_name, product, began_at)
);

with impacts as (
    select
        affected.entity_name,
        affected.product,
        incident.id,
        start.began_at,
        incident.recovered_at,
        -- Later than any time that is written.
        nvl(incident.recovered_at, '9999-12-31T23:59:59Z') as ends_at
    from AffectedProducts as affected
    inner join Incidents as incident on incident.id = affected.incident_id
    inner join IncidentStarts as start on start.incident_id = incident.id
    where start.known_by = 'trigger' and (incident.recovered_at is null or incident.recovered_at >= start.began_at)
),

with_latest_end as (
    select
        entity_name,
        product,
        id,
        began_at,
        recovered_at,
        ends_at,
        max(ends_at) over (
            partition by entity_name, product
            order by began_at, ends_at, id
            rows between unbounded preceding and 1 preceding
        ) as latest_end_before
    from impacts
),

with_stretch as (
    select
        entity_name,
        product,
        began_at,
        recovered_at,
        ends_at,
        sum(case when began_at <= latest_end_before then 0 else 1 end) over (
            partition by entity_name, product
            order by began_at, ends_at, id
            rows between unbounded preceding and current row
        ) as stretch
    from with_latest_end
)

select
    entity_name,
    product,
    min(began_at) as began_at,
    case when count_if(recovered_at is null) = 0 then max(ends_at) end as ended_at,
    count(*) as n_incidents,
    count_if(recovered_at is null) as n_open
from with_stretch
group by entity_name, product, stretch
