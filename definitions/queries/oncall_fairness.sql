-- title: Who carries the load of a team
-- question: Is the on-call load of a team shared, or does one person carry it?
-- grain: one row per team and quarter with at least one interruption
-- meaning: Interruptions are notifications that arrived by push, phone or SMS; those to the same destination within 60
--   seconds are one (PagerDuty, support.pagerduty.com, Responder Insights). The team is the incident's. The load is
--   shared among those who were members in that quarter (table `Memberships`); people who were interrupted for the team
--   and are not its members are helpers, counted apart. The Gini coefficient is 0 if all members carry the same and
--   nears 1 if one carries all. `top_people` are all who carry the most.
-- misleads: A team of two that takes turns by month looks unfair by week and fair by quarter. Members who are never on
--   call, managers for one, make a team look less fair than its rota is. A few interruptions (`low_n`, below 30) make
--   any share look uneven. The load is not the person's fault or merit. Who changed teams counts as a member only where
--   the account says so today.
-- chart: bar x=team_name y=percent_of_top_person series=quarter
with loads as (
    select team_id, date_trunc('quarter', interrupted_at) as begins_at, person_id, count(*) as n
    from Interruptions
    where team_id is not null
    group by team_id, date_trunc('quarter', interrupted_at), person_id
),

periods as (
    select team_id, begins_at, concat(to_date(add_months(begins_at, 3)), 'T00:00:00Z') as ends_at
    from loads
    group by team_id, begins_at
),

members as (
    select periods.team_id, periods.begins_at, member.person_id
    from periods
    inner join Memberships as member on member.team_id = periods.team_id
    where member.since_at < periods.ends_at and (member.until_at is null or member.until_at >= periods.begins_at)
),

shares as (
    select
        members.team_id,
        members.begins_at,
        members.person_id,
        nvl(loads.n, 0) as n
    from members
    left join loads
        on loads.team_id = members.team_id
        and loads.begins_at = members.begins_at
        and loads.person_id = members.person_id
),

helpers as (
    select loads.team_id, loads.begins_at, count(*) as n_helpers, sum(loads.n) as n_helper_interruptions
    from loads
    left join members
        on members.team_id = loads.team_id
        and members.begins_at = loads.begins_at
        and members.person_id = loads.person_id
    where members.person_id is null
    group by loads.team_id, loads.begins_at
),

ranked as (
    select
        team_id,
        begins_at,
        person_id,
        n,
        row_number() over (partition by team_id, begins_at order by n, person_id) as place,
        rank() over (partition by team_id, begins_at order by n desc) as place_from_top
    from shares
),

teams as (
    select
        team_id,
        begins_at,
        count(*) as n_people,
        count_if(n > 0) as n_interrupted_people,
        sum(n) as n_interruptions,
        sum(place * n) as weighted,
        max(n) as top_interruptions
    from ranked
    group by team_id, begins_at
),

named as (
    select
        ranked.team_id,
        ranked.begins_at,
        nvl(person.name, ranked.person_id) as name,
        row_number() over (
            partition by ranked.team_id, ranked.begins_at
            order by nvl(person.name, ranked.person_id), ranked.person_id
        ) as place
    from ranked
    left join Names as person on person.kind = 'person' and person.id = ranked.person_id
    where ranked.place_from_top = 1 and ranked.n > 0
),

-- All who carry the most, the first five by name.
top as (
    select
        team_id,
        begins_at,
        concat(
            concat_ws(
                ', ',
                max(case when place = 1 then name end),
                max(case when place = 2 then name end),
                max(case when place = 3 then name end),
                max(case when place = 4 then name end),
                max(case when place = 5 then name end)
            ),
            case when count(*) > 5 then concat(' and ', count(*) - 5, ' more') else '' end
        ) as people,
        count(*) as n_people
    from named
    group by team_id, begins_at
)

select
    periods.team_id,
    nvl(team.name, periods.team_id) as team_name,
    date_format(periods.begins_at, 'yyyy-QQQ') as quarter,
    nvl(teams.n_people, 0) as n_members,
    nvl(teams.n_interrupted_people, 0) as n_interrupted_members,
    nvl(teams.n_interruptions, 0) as n_interruptions,
    top.people as top_people,
    nvl(top.n_people, 0) as n_top_people,
    nvl(teams.top_interruptions, 0) as top_interruptions,
    round(100 * try_divide(teams.top_interruptions, teams.n_interruptions), 1) as percent_of_top_person,
    round(try_divide(100, teams.n_people), 1) as percent_if_even,
    -- Of values in order: (2 · Σ place · value) / (n · Σ value) - (n + 1) / n.
    round(
        try_divide(2e0 * teams.weighted, teams.n_people * teams.n_interruptions)
        - try_divide(teams.n_people + 1e0, teams.n_people),
        3
    ) as gini,
    nvl(helpers.n_helpers, 0) as n_helpers,
    nvl(helpers.n_helper_interruptions, 0) as n_helper_interruptions,
    case when nvl(teams.n_interruptions, 0) < 30 then 1 else 0 end as low_n
from periods
left join teams on teams.team_id = periods.team_id and teams.begins_at = periods.begins_at
left join top on top.team_id = periods.team_id and top.begins_at = periods.begins_at
left join helpers on helpers.team_id = periods.team_id and helpers.begins_at = periods.begins_at
left join Names as team on team.kind = 'team' and team.id = periods.team_id
order by team_name, periods.team_id, quarter
