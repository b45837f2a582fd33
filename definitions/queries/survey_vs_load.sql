-- title: Survey answers and on-call load
-- question: Do teams that are interrupted more answer the survey differently?
-- grain: one row per question whose answers are numbers, and one per such question and team of which five answered it in one survey
-- meaning: Each team's mean answer beside its interruptions per member and week, over all surveys and all weeks that are
--   known. Interruptions are those of the team's incidents (table `Interruptions`), members those of today (table
--   `Memberships`), and teams are the same whose names are (table `TeamSpellings`). `rank_correlation` is Spearman's: 1
--   if the team with more load always has the higher answer, -1 if always the lower, near 0 if neither. Teams of which
--   fewer than five answered in every survey are counted and not shown, nor are they in any mean, so that nobody can be
--   told from their answers.
-- misleads: Correlation does not say what causes what. With eight teams chance gives more than 0.74 or less than
--   -0.74 one time in twenty (Zar, Biostatistical Analysis, table B.20), and four questions are four tries. Who is on
--   call for a team may belong to another. Whether a high answer is good stands in the question.
-- group: people 5
-- sentence: **“{question}” goes with the load the most**: the ranks of {n_teams; team; teams} agree by
--   {rank_correlation}. || There are too few answers to compare.
-- period: SurveyResponses, PagerDutyLogEntries
-- chart: table
-- columns:
--   question: the question
--   team: the team, `(all)` in the row for the question
--   n_responses: answers to the question, hidden teams left out
--   mean_answer: their mean
--   n_members: members of the team, null in the row for all
--   percent_responded: answers for each member and survey, as a share
--   mean_interruptions_per_member_week: interruptions a week for each member
--   mean_sleep_interruptions_per_member_week: those of them between 22 and 8
--   n_teams: in the row for all: teams that are compared, those that are shown and whose load is known
--   n_hidden_teams: in the row for all: teams of which fewer than five answered
--   rank_correlation: in the row for all: how answer and interruptions go together, from -1 to 1; null below three teams
--   is_low_n: in the row for all: 1 where fewer than ten teams are compared
with responses as (
    select
        response.id,
        spelling.team_key,
        spelling.team,
        date_format(coalesce(response.submitted_at, to_timestamp(response.submitted_on)), 'yyyy-QQQ') as survey
    from SurveyResponses as response
    inner join TeamSpellings as spelling on spelling.tool = 'survey' and spelling.id = response.team
),

surveys as (
    select count(distinct survey) as n_surveys
    from responses
),

answers_by_survey as (
    select
        answer.question,
        responses.team_key,
        responses.team,
        responses.survey,
        count(*) as n,
        sum(answer.answer_number) as total
    from SurveyAnswers as answer
    inner join responses on responses.id = answer.response_id
    where answer.answer_number is not null
    group by answer.question, responses.team_key, responses.team, responses.survey
),

-- Those who answered one survey are so many people; answers to several may be of the same few.
answers as (
    select
        question,
        team_key,
        team,
        sum(n) as n_responses,
        sum(total) / sum(n) as mean_answer,
        case when max(n) >= 5 then 1 else 0 end as is_shown
    from answers_by_survey
    group by question, team_key, team
),

span as (
    select cast(datediff(trunc(max(interrupted_at), 'week'), trunc(min(interrupted_at), 'week')) / 7e0 as int) + 1 as n_weeks
    from Interruptions
),

members as (
    select spelling.team_key, count(distinct member.person_id) as n_members
    from Memberships as member
    inner join TeamSpellings as spelling on spelling.tool = 'pagerduty' and spelling.id = member.team_id
    where member.is_current
    group by spelling.team_key
),

burdens as (
    select spelling.team_key, count(*) as n, count_if(loud.hour_class = 'sleep') as n_sleep
    from Interruptions as loud
    inner join TeamSpellings as spelling on spelling.tool = 'pagerduty' and spelling.id = loud.team_id
    group by spelling.team_key
),

loads as (
    select
        members.team_key,
        members.n_members,
        1e0 * nvl(burdens.n, 0) / members.n_members / span.n_weeks as per_week,
        1e0 * nvl(burdens.n_sleep, 0) / members.n_members / span.n_weeks as sleep_per_week
    from members
    cross join span
    left join burdens on burdens.team_key = members.team_key
    where span.n_weeks is not null
),

teams as (
    select
        answers.question,
        answers.team,
        answers.n_responses,
        answers.mean_answer,
        loads.n_members,
        loads.per_week,
        loads.sleep_per_week,
        answers.is_shown,
        case when answers.is_shown = 1 and loads.per_week is not null then 1 else 0 end as is_compared
    from answers
    left join loads on loads.team_key = answers.team_key
),

-- Those that are the same share the mean of their places.
ranked as (
    select
        question,
        rank() over (partition by question order by mean_answer)
        + (count(*) over (partition by question, mean_answer) - 1) / 2e0 as answer_rank,
        rank() over (partition by question order by per_week)
        + (count(*) over (partition by question, per_week) - 1) / 2e0 as load_rank
    from teams
    where is_compared = 1
),

sums as (
    select
        question,
        count(*) as n,
        sum(answer_rank) as a,
        sum(load_rank) as l,
        sum(answer_rank * load_rank) as al,
        sum(answer_rank * answer_rank) as aa,
        sum(load_rank * load_rank) as ll
    from ranked
    group by question
),

-- Spearman's coefficient is Pearson's of the ranks.
correlations as (
    select
        question,
        n,
        case when n >= 3 then try_divide(n * al - a * l, sqrt((n * aa - a * a) * (n * ll - l * l))) end as coefficient
    from sums
),

-- Without those that are hidden: the difference would give them away.
questions as (
    select
        question,
        sum(case when is_shown = 1 then n_responses end) as n_responses,
        try_divide(
            sum(case when is_shown = 1 then n_responses * mean_answer end),
            sum(case when is_shown = 1 then n_responses end)
        ) as mean_answer,
        count_if(is_shown = 0) as n_hidden_teams
    from teams
    group by question
),

lines as (
    select
        1 as place,
        questions.question,
        '(all)' as team,
        nvl(questions.n_responses, 0) as n_responses,
        questions.mean_answer,
        null as n_members,
        null as per_week,
        null as sleep_per_week,
        nvl(correlations.n, 0) as n_teams,
        questions.n_hidden_teams,
        correlations.coefficient
    from questions
    left join correlations on correlations.question = questions.question
    union all
    select 2, question, team, n_responses, mean_answer, n_members, per_week, sleep_per_week, null, null, null
    from teams
    where is_shown = 1
)

select
    lines.question,
    lines.team,
    lines.n_responses,
    round(lines.mean_answer, 2) as mean_answer,
    lines.n_members,
    round(100e0 * lines.n_responses / (lines.n_members * surveys.n_surveys), 1) as percent_responded,
    round(lines.per_week, 2) as mean_interruptions_per_member_week,
    round(lines.sleep_per_week, 2) as mean_sleep_interruptions_per_member_week,
    lines.n_teams,
    lines.n_hidden_teams,
    round(lines.coefficient, 2) as rank_correlation,
    case when lines.place = 1 then case when lines.n_teams < 10 then 1 else 0 end end as is_low_n
from lines
cross join surveys
order by lines.place, abs(lines.coefficient) desc, lines.question, lines.per_week desc, lines.team
