-- title: Pages that nobody answered
-- meaning: Of the pages, the share that nobody answered until their time ran out.
-- kind: share
-- better: less
-- period: PagerDutyIncidents
select created_at as at, case when resolved_by = 'timeout' then 1 else 0 end as value
from Responses
where not is_merged
