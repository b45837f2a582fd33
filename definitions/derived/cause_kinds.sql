-- one row per agreed name of a root cause, and what kind of cause it is
-- The names are those of Google's postmortems (The Site Reliability Workbook, 2018, appendix C). This list is meant to be
-- replaced by your own: copy the file into your `definitions/derived/` and edit its lines. A cause whose name is not in
-- it is of an unknown kind; nothing is guessed from the words of a name.
CREATE TABLE CauseKinds (
    -- the name in lower case, without spaces around it
    cause TEXT PRIMARY KEY NOT NULL,
    -- trigger: what set an incident off; root cause: what lay behind it
    role TEXT NOT NULL,
    -- change (of ours), outside (users, providers), load, hardware and network, or software and process
    kind TEXT NOT NULL,
    -- share of Google's postmortems from 2010 to 2017 that named it, in percent, among those of its role; null where
    -- there is no such figure
    percent_in_benchmark REAL
);

with agreed (cause, role, kind, percent_in_benchmark) as (
    values
    ('binary push', 'trigger', 'change', 37.0),
    ('configuration push', 'trigger', 'change', 31.0),
    ('user behavior change', 'trigger', 'outside', 9.0),
    ('processing pipeline', 'trigger', 'software and process', 6.0),
    ('service provider change', 'trigger', 'outside', 5.0),
    ('performance decay', 'trigger', 'load', 5.0),
    ('capacity management', 'trigger', 'load', 5.0),
    ('hardware', 'trigger', 'hardware and network', 2.0),
    ('software', 'root cause', 'software and process', 41.35),
    ('development process failure', 'root cause', 'software and process', 20.23),
    ('complex system behaviors', 'root cause', 'software and process', 16.90),
    ('deployment planning', 'root cause', 'change', 6.74),
    ('network failure', 'root cause', 'hardware and network', 2.75)
)

select
    cause,
    role,
    kind,
    cast(percent_in_benchmark as double) as percent_in_benchmark
from agreed
