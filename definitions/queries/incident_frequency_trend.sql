-- title: Incidents per week
-- question: Do incidents become more or fewer, by product and severity, beyond what chance explains?
-- grain: one row per week and series: all incidents, each severity, each product
-- meaning: Incidents by the Monday of the week in which they began, weeks without one included, from the week of the
--   first incident to that of the last fetch, or of an incident after it. The limits are those of a Poisson distribution
--   with the series' weekly mean: at most 2.5 % of weeks would lie below the lower or above the upper one by chance.
--   `is_outside` is 1 beyond them, and always 0 in series of fewer than ten incidents and in the week that is not over
--   (`is_unfinished`). An incident with several products counts in each of them. Incidents without a plausible time are
--   left out. What the weeks come to is in `incident_frequency_summary`.
-- misleads: In a hundred quiet weeks a few lie outside by chance, and the week itself is part of its mean. Where
--   the mean is below 3.7 a week the lower limit is 0, so that improvement cannot show here: compare longer periods. A
--   change in what is called an incident, or in who writes postmortems, looks like a change in reliability.
-- group: customers 3
-- sentence: **{count where dimension = all and is_outside = 1; week has; weeks have} more or fewer incidents than
--   chance explains**, of {mean_per_week where dimension = all} a week on average. || No week has more or fewer
--   incidents than chance explains; there are {mean_per_week where dimension = all} a week on average. || No incident
--   is known.
-- period: Incidents
-- chart: column x=week y=n_incidents series=name limits=mean_per_week band=lower_limit,upper_limit
--   mark=is_outside only=dimension:all|severity top=4
-- columns:
--   dimension: all, severity or product
--   name: the series: all, the severity, or entity and product
--   week: the Monday of the week
--   is_unfinished: 1 for the week that is not over
--   n_incidents: incidents that began in the week
--   mean_per_week: incidents a week in the whole series
--   lower_limit: at most 2.5 % of weeks would have fewer by chance
--   upper_limit: at most 2.5 % of weeks would have more by chance
--   is_outside: 1 for a week beyond the limits, in a series of at least ten incidents
with counts as (
    select dimension, name, week, count(*) as n_incidents
    from IncidentSeries as occurrences
    group by dimension, name, week
),

fetched as (
    select max(to_timestamp(newest_extracted_at)) as fetched_at
    from _tables
),

span as (
    select
        min(begun.week) as first_week,
        greatest(max(begun.week), trunc(max(fetched.fetched_at), 'week')) as last_week,
        max(fetched.fetched_at) as fetched_at
    from IncidentSeries as begun
    cross join fetched
),

weeks as (
    select
        date_add(span.first_week, cast(numbers.number * 7 as int)) as week,
        -- Without any fetch nobody knows how far the last week goes.
        case
            when date_add(span.first_week, cast(numbers.number * 7 as int)) < span.last_week then 0
            when span.fetched_at >= concat(date_add(span.last_week, 7), 'T00:00:00Z') then 0
            else 1
        end as is_unfinished
    from span
    cross join Numbers as numbers
    where numbers.number * 7 <= datediff(span.last_week, span.first_week)
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
        weeks.is_unfinished,
        nvl(counts.n_incidents, 0) as n_incidents
    from series
    cross join weeks
    left join counts
        on counts.dimension = series.dimension
        and counts.name = series.name
        and counts.week = weeks.week
),

means as (
    select dimension, name, sum(n_incidents) as n, avg(n_incidents) as mean
    from filled
    group by dimension, name
),

log_factorials as (
    select number, sum(ln(greatest(number, 1))) over (order by number rows between unbounded preceding and current row) as value
    from Numbers as numbers
    where number < 2000
),

-- The chance of at most so many incidents in a week.
chances as (
    select
        means.dimension,
        means.name,
        log_factorials.number,
        sum(exp(log_factorials.number * ln(means.mean) - means.mean - log_factorials.value)) over (
            partition by means.dimension, means.name
            order by log_factorials.number
            rows between unbounded preceding and current row
        ) as at_most
    from means
    cross join log_factorials
    where log_factorials.number <= means.mean + 10 * sqrt(means.mean) + 10
),

limits as (
    select
        dimension,
        name,
        min(case when at_most > 0.025 then number end) as lower_limit,
        min(case when at_most >= 0.975 then number end) as upper_limit
    from chances
    group by dimension, name
)

select
    filled.dimension,
    filled.name,
    filled.week,
    filled.is_unfinished,
    filled.n_incidents,
    round(means.mean, 2) as mean_per_week,
    limits.lower_limit,
    limits.upper_limit,
    case
        when means.n < 10 or filled.is_unfinished = 1 then 0
        when filled.n_incidents < limits.lower_limit or filled.n_incidents > limits.upper_limit then 1
        else 0
    end as is_outside
from filled
inner join means on means.dimension = filled.dimension and means.name = filled.name
left join limits on limits.dimension = filled.dimension and limits.name = filled.name
order by filled.week desc, is_outside desc, filled.dimension, filled.name
