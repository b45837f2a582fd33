-- title: How long pages wait
-- meaning: Minutes from a page to the first person who answered it.
-- kind: durations
-- better: less
-- place: 6
-- period: PagerDutyIncidents
select created_at as at, (unix_timestamp(answered_at) - unix_timestamp(created_at)) / 60e0 as value
from Responses
where not is_merged and answered_at > created_at
