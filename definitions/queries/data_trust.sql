-- title: Can these numbers be trusted?
-- question: What was loaded from where, how new is it, what is missing, and how much was refused?
-- grain: one row per stream of raw data, and per stream that something was asked for
-- meaning: Files loaded, the records in them that gave rows, those refused (`n_rejects`, listed in `_rejects` with
--   their reasons), those loaded with a warning (`_warnings`), and when the first and the last record was fetched.
--   `n_rows` are the rows that the stream's tables hold now: fewer than records where a record was fetched several
--   times, more where a record holds lists. `n_removed` records went because the newest complete listing no longer has
--   them. `n_gaps` were asked for and did not come (`_gaps`). `covered_from_at` and `covered_until_at` are the stretch of the
--   sources' own time that was fetched, in `n_windows` pieces: where there are several, something between them is
--   missing (`_windows`); they are null for streams that are not cut by time.
-- misleads: A stream that was never fetched has no row here and its reports are empty, not zero. Fetched without errors
--   is not the same as complete: what the vendor no longer keeps, or a key may not read, does not show. Within a period only
--   `n_rows` is of the period: files and records are those that were fetched.
-- group: data 1
-- sentence: **{count; stream; streams}: {sum n_gaps; gap; gaps} and {sum n_rejects; record; records} refused.** ||
--   Nothing was loaded.
-- period: PagerDutyIncidents, PagerDutyLogEntries, Incidents, SentryIssues, SentryIssueEvents, SurveyResponses, GithubRepos, DataDogMonitors
-- chart: table
-- columns:
--   stream: the stream of raw data
--   n_gaps: what was asked for and did not come, listed in `_gaps`
--   n_rejects: records that could not be taken, listed in `_rejects` with their reasons
--   percent_rejected: their share of the records
--   n_warnings: values that were taken and are hardly meant, listed in `_warnings`
--   n_removed: records that the newest complete listing no longer has
--   n_files: files loaded
--   size_bytes: their size on disk, in bytes
--   n_records: records that gave rows
--   n_rows: rows that the stream's tables hold now
--   first_extracted_at: when the first of the records was fetched, null for what people write
--   last_extracted_at: when the last of them was fetched
--   covered_from_at: where the stretch of the source's own time begins that was fetched, null for streams that are
--     not cut by time
--   covered_until_at: where it ends
--   n_windows: in how many pieces that is: where there are several, something between them is missing
with files as (
    select
        stream,
        count(*) as n_files,
        sum(size) as size_bytes,
        sum(records) as n_records,
        sum(rejects) as n_rejects,
        timestamp_micros(min(extracted_from)) as first_extracted_at,
        timestamp_micros(max(extracted_to)) as last_extracted_at
    from _files
    group by stream
),

-- Refused once all files were read: until then each gave rows.
repeated as (
    select stream, count(*) as n_repeated
    from _rejects
    where code = 'record-same-key'
    group by stream
),

table_rows as (
    select stream, sum(_tables.rows) as n_rows
    from _tables
    group by stream
),

warnings as (
    select stream, count(*) as n_warnings
    from _warnings
    group by stream
),

removed as (
    select stream, count(*) as n_removed
    from _removed
    group by stream
),

gaps as (
    select stream, count(*) as n_gaps
    from _gaps
    group by stream
),

windows as (
    select stream, count(*) as n_windows, min(since_at) as covered_from_at, max(until_at) as covered_until_at
    from _windows
    group by stream
),

streams as (
    select stream
    from files
    union
    select stream
    from gaps
    union
    select stream
    from windows
)

select
    streams.stream,
    nvl(gaps.n_gaps, 0) as n_gaps,
    nvl(files.n_rejects, 0) as n_rejects,
    round(
        100 * try_divide(files.n_rejects, files.n_records - nvl(repeated.n_repeated, 0) + files.n_rejects), 1
    ) as percent_rejected,
    nvl(warnings.n_warnings, 0) as n_warnings,
    nvl(removed.n_removed, 0) as n_removed,
    nvl(files.n_files, 0) as n_files,
    nvl(files.size_bytes, 0) as size_bytes,
    nvl(files.n_records, 0) - nvl(repeated.n_repeated, 0) as n_records,
    nvl(table_rows.n_rows, 0) as n_rows,
    files.first_extracted_at,
    files.last_extracted_at,
    windows.covered_from_at,
    windows.covered_until_at,
    nvl(windows.n_windows, 0) as n_windows
from streams
left join files on files.stream = streams.stream
left join repeated on repeated.stream = streams.stream
left join table_rows on table_rows.stream = streams.stream
left join warnings on warnings.stream = streams.stream
left join removed on removed.stream = streams.stream
left join gaps on gaps.stream = streams.stream
left join windows on windows.stream = streams.stream
order by n_gaps desc, n_rejects desc, streams.stream
