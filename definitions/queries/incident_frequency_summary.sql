-- title: More or fewer incidents
-- question: Did the last 4 or 12 weeks bring more incidents than the weeks before, or is the difference chance?
-- grain: one row per series: all incidents, each severity, each product
-- meaning: `n_incidents` in the `n_weeks` whole weeks of the data, and what the last 4 and the last 12 of these had
--   against all the weeks before them, as means per week. If nothing changed, each incident falls into the last weeks
--   with the chance of their share of all weeks: `p_last_4` and `p_last_12` are the exact probabilities of a count at
--   least as far from that, the smaller tail of the binomial distribution doubled (the conditional test of two Poisson
--   rates; Przyborowski and Wilenski, Biometrika 31, 1940). Null where there are no weeks before. Weeks and series are
--   those of `incident_frequency_trend`; the week that is not over is left out.
-- misleads: Incidents that cause one another come in clusters, which makes p too small. Of twenty series one has p below
--   0.05 by chance. A small number of incidents can hide a large change.
-- group: customers 8
-- sentence: **{count where p_last_12 < 0.05; series has; series have} changed** in the last twelve weeks, beyond what
--   chance gives one time in twenty. || In no series did the last twelve weeks differ beyond chance. || No incident
--   is known.
-- period: Incidents
-- chart: table
-- columns:
--   dimension: all, severity or product
--   name: the series: all, the severity, or entity and product
--   n_incidents: incidents in the whole weeks of the data
--   n_weeks: how many whole weeks that is
--   mean_per_week: incidents a week
--   n_last_4_weeks: incidents in the last four whole weeks
--   mean_last_4_weeks: incidents a week in these
--   mean_before_last_4_weeks: incidents a week before these
--   p_last_4: how likely a difference at least as large is by chance, from 0 to 1
--   n_last_12_weeks: incidents in the last twelve whole weeks
--   mean_last_12_weeks: incidents a week in these
--   mean_before_last_12_weeks: incidents a week before these
--   p_last_12: how likely a difference at least as large is by chance, from 0 to 1
with fetched as (
    select max(to_timestamp(newest_extracted_at)) as fetched_at
    from _tables
),

span as (
    select
        min(begun.week) as first_week,
        -- The first day of the week that is not over.
        greatest(max(begun.week), trunc(max(fetched.fetched_at), 'week')) as end_day
    from IncidentSeries as begun
    cross join fetched
),

whole as (
    select first_week, end_day, cast(datediff(end_day, first_week) / 7e0 as int) as n_weeks
    from span
    where end_day > first_week
),

series as (
    select
        occurrences.dimension,
        occurrences.name,
        whole.n_weeks,
        count_if(occurrences.week < whole.end_day) as n,
        count_if(occurrences.week < whole.end_day and occurrences.week >= date_sub(whole.end_day, 28)) as n_last_4,
        count_if(occurrences.week < whole.end_day and occurrences.week >= date_sub(whole.end_day, 84)) as n_last_12
    from IncidentSeries as occurrences
    cross join whole
    group by occurrences.dimension, occurrences.name, whole.n_weeks
),

questions as (
    select dimension, name, 4 as n_last_weeks, n, n_last_4 as n_last, n_weeks
    from series
    where n_weeks > 4
    union all
    select dimension, name, 12, n, n_last_12, n_weeks
    from series
    where n_weeks > 12
),

-- As many as the longest series has incidents, up to 99,999.
counted as (
    select low.number + 10000 * high.number as number
    from Numbers as high
    cross join Numbers as low
    cross join (select max(n) as most from series) as needed
    where high.number < 10 and low.number + 10000 * high.number <= needed.most
),

log_factorials as (
    select
        number,
        sum(ln(greatest(number, 1))) over (
            order by number rows between unbounded preceding and current row
        ) as value
    from counted
),

terms as (
    select
        questions.dimension,
        questions.name,
        questions.n_last_weeks,
        questions.n_last,
        k.number,
        exp(
            all_of.value - k.value - rest.value
            + k.number * ln(1e0 * questions.n_last_weeks / questions.n_weeks)
            + (questions.n - k.number) * ln(1 - 1e0 * questions.n_last_weeks / questions.n_weeks)
        ) as chance
    from questions
    inner join log_factorials as k on k.number <= questions.n
    inner join log_factorials as all_of on all_of.number = questions.n
    inner join log_factorials as rest on rest.number = questions.n - k.number
),

tests as (
    select
        dimension,
        name,
        n_last_weeks,
        least(
            1e0,
            2 * least(
                sum(case when number <= n_last then chance else 0e0 end),
                sum(case when number >= n_last then chance else 0e0 end)
            )
        ) as p
    from terms
    group by dimension, name, n_last_weeks
)

select
    series.dimension,
    series.name,
    series.n as n_incidents,
    series.n_weeks,
    round(1e0 * series.n / series.n_weeks, 2) as mean_per_week,
    case when series.n_weeks > 4 then series.n_last_4 end as n_last_4_weeks,
    case when series.n_weeks > 4 then round(series.n_last_4 / 4e0, 2) end as mean_last_4_weeks,
    round(case when series.n_weeks > 4 then 1e0 * (series.n - series.n_last_4) / (series.n_weeks - 4) end, 2) as mean_before_last_4_weeks,
    round(four.p, 4) as p_last_4,
    case when series.n_weeks > 12 then series.n_last_12 end as n_last_12_weeks,
    case when series.n_weeks > 12 then round(series.n_last_12 / 12e0, 2) end as mean_last_12_weeks,
    round(case when series.n_weeks > 12 then 1e0 * (series.n - series.n_last_12) / (series.n_weeks - 12) end, 2) as mean_before_last_12_weeks,
    round(twelve.p, 4) as p_last_12
from series
left join tests as four on four.dimension = series.dimension and four.name = series.name and four.n_last_weeks = 4
left join tests as twelve on twelve.dimension = series.dimension and twelve.name = series.name and twelve.n_last_weeks = 12
order by least(nvl(four.p, 1e0), nvl(twelve.p, 1e0)), series.dimension, series.name
