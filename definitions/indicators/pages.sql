-- title: Pages
-- meaning: Incidents of the pager, merged ones left out.
-- kind: clusters
-- better: less
-- place: 4
-- period: PagerDutyIncidents
select created_at as at
from Responses
where not is_merged
