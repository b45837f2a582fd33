-- one row per person and team of PagerDuty the person is or was a member of, and since and until when
-- The API says only who is a member now. So a membership begins with the first sign of it, and is not applied to the
-- time before: who was notified for a team's incident was on call for it. For people who left the account there is
-- only the log; people who are in the account and not in the team are helpers, not members.
CREATE TABLE Memberships (
    -- the person
    person_id TEXT NOT NULL REFERENCES PagerDutyUsers (id),
    -- the team
    team_id TEXT NOT NULL REFERENCES PagerDutyTeams (id),
    -- the first time that the person was notified for an incident of the team; for a member who never was, the time when
    -- the members were last fetched, null where that is not known
    since_at TIMESTAMP,
    -- for people who left the account the last such time; null for members of today
    until_at TIMESTAMP,
    -- true for members of today
    is_current BOOLEAN NOT NULL,
    PRIMARY KEY (person_id, team_id)
);

with fetched as (
    select max(to_timestamp(newest_extracted_at)) as fetched_at
    from _tables
    where table_name = 'PagerDutyUserTeams'
),

signs as (
    select person_id, team_id, min(notified_at) as first_at, max(notified_at) as last_at
    from Notifications
    where team_id is not null
    group by person_id, team_id
)

select
    member.user_id as person_id,
    member.team_id,
    nvl(signs.first_at, fetched.fetched_at) as since_at,
    null as until_at,
    true as is_current
from PagerDutyUserTeams as member
cross join fetched
left join signs on signs.person_id = member.user_id and signs.team_id = member.team_id
union all
select signs.person_id, signs.team_id, signs.first_at, signs.last_at, false
from signs
inner join Names as person on person.kind = 'person' and person.id = signs.person_id
where not person.is_listed
