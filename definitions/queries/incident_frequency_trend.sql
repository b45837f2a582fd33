-- title: Incidents per week
-- question: Do incidents become more or fewer, by product and severity, beyond what chance explains?
-- grain: one row per week and series: all incidents, each severity, each product
-- meaning: Incidents by the Monday of the week in which they began, weeks without one included, from the first week
--   to the last in which any incident began. The limits are the series' weekly mean plus and minus two standard
--   deviations of a Poisson distribution, the square root of the mean; `is_outside` is 1 beyond them. An incident with
--   several products counts in each of them.
-- misleads: About one quiet week in twenty lies outside by chance alone, and the week itself is part of its mean.
--   Below four a week the lower limit is not above 0, so that improvement cannot show here: compare longer periods. A
--   change in what is called an incident, or in who writes postmortems, looks like a change in reliability. The last
--   week may not be over.
-- chart: line x=week y=n_incidents,mean_per_week,upper_limit series=name
with begun as (
    select
        id,
        nvl(severity_level, '(none)') as severity,
        to_date(date_trunc('week', coalesce(first_triggered_at, incident_date))) as week
    from Incidents
    where coalesce(first_triggered_at, incident_date) is not null
),

occurrences as (
    select 'all' as dimension, 'all' as name, week, id
    from begun
    union all
    select 'severity', severity, week, id
    from begun
    union all
    select 'product', concat(affected.entity_name, ': ', affected.product), begun.week, begun.id
    from begun
    inner join AffectedProducts as affected on affected.incident_id = begun.id
),

counts as (
    select dimension, name, week, count(*) as n_incidents
    from occurrences
    group by dimension, name, week
),

digits (digit) as (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)),

numbers as (
    select ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit as number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
),

span as (
    select min(week) as first_week, max(week) as last_week
    from begun
),

weeks as (
    select date_add(span.first_week, numbers.number * 7) as week
    from span
    cross join numbers
    where date_add(span.first_week, numbers.number * 7) <= span.last_week
),

series as (
    select distinct dimension, name
    from counts
),

filled as (
    select
        series.dimension,
        series.name,
        weeks.week,
        nvl(counts.n_incidents, 0) as n_incidents
    from series
    cross join weeks
    left join counts
        on counts.dimension = series.dimension
        and counts.name = series.name
        and counts.week = weeks.week
),

with_mean as (
    select
        dimension,
        name,
        week,
        n_incidents,
        avg(n_incidents) over (partition by dimension, name) as mean
    from filled
)

select
    dimension,
    name,
    week,
    n_incidents,
    round(mean, 2) as mean_per_week,
    round(greatest(mean - 2 * sqrt(mean), 0e0), 2) as lower_limit,
    round(mean + 2 * sqrt(mean), 2) as upper_limit,
    case when abs(n_incidents - mean) > 2 * sqrt(mean) then 1 else 0 end as is_outside
from with_mean
order by dimension, name, week
