-- title: Interruptions of sleep
-- meaning: Notifications that interrupted somebody between 22 and 8 by their own clock.
-- kind: clusters
-- better: less
-- place: 5
-- period: PagerDutyLogEntries
select interrupted_at as at
from Interruptions
where hour_class = 'sleep'
