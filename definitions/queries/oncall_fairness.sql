-- title: Who carries the load of a team
-- question: Is the on-call load of a team shared, or does one person carry it?
-- grain: one row per team for the whole period, and one per team and quarter with at least one interruption
-- meaning: Interruptions are notifications that arrived by push, phone or SMS; those to the same destination within 60
--   seconds are one (PagerDuty, support.pagerduty.com, Responder Insights). The team is the incident's. The load is
--   shared among those who were members in that quarter (table `Memberships`); people who were interrupted for the team
--   and are not its members are helpers, counted apart. The Gini coefficient is 0 if all members carry the same and
--   nears 1 if one carries all. `top_people` are all who carry the most.
-- misleads: A team of two that takes turns by month looks unfair by week and fair by quarter. Members who are never on
--   call, managers for one, make a team look less fair than its rota is. A few interruptions (`is_low_n`, below 30) make
--   any share look uneven. The load is not the person's fault or merit. Who changed teams counts as a member only where
--   the account says so today.
-- people: top_people
-- group: people 3
-- sentence: **In {team_name} one of {n_members} people carries {percent_of_top_person}** of the interruptions. ||
--   Nobody was interrupted.
-- period: PagerDutyLogEntries
-- chart: bar x=team_name y=percent_of_top_person,percent_if_even only=quarter:(all)
-- columns:
--   team_id: the team's id
--   team_name: the team
--   quarter: the quarter, such as `2026-Q1`, `(all)` for the whole period
--   is_unfinished: 1 for the quarter that is not over
--   n_members: members of the team at any time of it
--   n_interrupted_members: those who were interrupted
--   n_interruptions: interruptions of members
--   top_people: who carries the most, several where they carry the same
--   n_top_people: how many these are
--   n_top_interruptions: interruptions of each of them
--   percent_of_top_person: their share of the interruptions of members, of each
--   percent_if_even: what the share of each member would be if all carried the same
--   gini: the Gini coefficient: 0 if all members carry the same, near 1 if one carries all
--   n_helpers: people who were interrupted for the team and are not its members
--   n_helper_interruptions: interruptions of these
--   is_low_n: 1 below 30 interruptions, which make any share look uneven
with quarterly as (
    select team_id, date_trunc('quarter', interrupted_at) as begins_at, person_id, count(*) as n
    from Interruptions
    where team_id is not null
    group by team_id, date_trunc('quarter', interrupted_at), person_id
),

-- The whole period is one more stretch of time, which begins with the first quarter.
loads as (
    select team_id, date_format(begins_at, 'yyyy-QQQ') as quarter, person_id, n
    from quarterly
    union all
    select team_id, '(all)', person_id, sum(n)
    from quarterly
    group by team_id, person_id
),

periods as (
    select
        team_id,
        date_format(begins_at, 'yyyy-QQQ') as quarter,
        begins_at,
        concat(to_date(add_months(begins_at, 3)), 'T00:00:00Z') as ends_at
    from quarterly
    group by team_id, begins_at
    union all
    select team_id, '(all)', min(begins_at), concat(to_date(add_months(max(begins_at), 3)), 'T00:00:00Z')
    from quarterly
    group by team_id
),

members as (
    select distinct periods.team_id, periods.quarter, member.person_id
    from periods
    inner join Memberships as member on member.team_id = periods.team_id
    where member.since_at < periods.ends_at and (member.until_at is null or member.until_at >= periods.begins_at)
),

shares as (
    select
        members.team_id,
        members.quarter,
        members.person_id,
        nvl(loads.n, 0) as n
    from members
    left join loads
        on loads.team_id = members.team_id
        and loads.quarter = members.quarter
        and loads.person_id = members.person_id
),

helpers as (
    select loads.team_id, loads.quarter, count(*) as n_helpers, sum(loads.n) as n_helper_interruptions
    from loads
    left join members
        on members.team_id = loads.team_id
        and members.quarter = loads.quarter
        and members.person_id = loads.person_id
    where members.person_id is null
    group by loads.team_id, loads.quarter
),

ranked as (
    select
        team_id,
        quarter,
        person_id,
        n,
        row_number() over (partition by team_id, quarter order by n, person_id) as place,
        rank() over (partition by team_id, quarter order by n desc) as place_from_top
    from shares
),

teams as (
    select
        team_id,
        quarter,
        count(*) as n_people,
        count_if(n > 0) as n_interrupted_people,
        sum(n) as n_interruptions,
        sum(place * n) as weighted,
        max(n) as top_interruptions
    from ranked
    group by team_id, quarter
),

named as (
    select
        ranked.team_id,
        ranked.quarter,
        nvl(person.name, ranked.person_id) as name,
        row_number() over (
            partition by ranked.team_id, ranked.quarter
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
        quarter,
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
    group by team_id, quarter
)

select
    periods.team_id,
    nvl(team.name, periods.team_id) as team_name,
    periods.quarter,
    case when periods.quarter = (select date_format(to_timestamp(max(to_at)), 'yyyy-QQQ') from _tables where table_name = 'PagerDutyLogEntries') then 1 else 0 end as is_unfinished,
    nvl(teams.n_people, 0) as n_members,
    nvl(teams.n_interrupted_people, 0) as n_interrupted_members,
    nvl(teams.n_interruptions, 0) as n_interruptions,
    top.people as top_people,
    nvl(top.n_people, 0) as n_top_people,
    nvl(teams.top_interruptions, 0) as n_top_interruptions,
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
    case when nvl(teams.n_interruptions, 0) < 30 then 1 else 0 end as is_low_n
from periods
left join teams on teams.team_id = periods.team_id and teams.quarter = periods.quarter
left join top on top.team_id = periods.team_id and top.quarter = periods.quarter
left join helpers on helpers.team_id = periods.team_id and helpers.quarter = periods.quarter
left join Names as team on team.kind = 'team' and team.id = periods.team_id
order by case periods.quarter when '(all)' then 1 else 2 end, periods.quarter desc, is_low_n, gini desc, team_name, periods.team_id
