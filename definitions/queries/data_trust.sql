-- title: Can these numbers be trusted?
-- question: What was loaded from where, how new is it, and how much was refused?
-- grain: one row per stream of raw data
-- meaning: Files loaded, the records in them that gave rows, those refused (`n_rejects`, listed in `_rejects` with
--   their reasons), and when the first and the last record was fetched. `n_rows` are the rows that the stream's tables
--   hold now: fewer than records where a record was fetched several times, more where a record holds lists.
-- misleads: A stream that was never fetched has no row here and its reports are empty, not zero. Fetched without errors
--   is not the same as complete: what the vendor no longer keeps, or a key may not read, does not show.
-- chart: table
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
)

select
    files.stream,
    files.n_files,
    files.size_bytes,
    files.n_records - nvl(repeated.n_repeated, 0) as n_records,
    files.n_rejects,
    round(100 * try_divide(files.n_rejects, files.n_records - nvl(repeated.n_repeated, 0) + files.n_rejects), 1) as percent_rejected,
    nvl(table_rows.n_rows, 0) as n_rows,
    files.first_extracted_at,
    files.last_extracted_at
from files
left join repeated on repeated.stream = files.stream
left join table_rows on table_rows.stream = files.stream
order by files.stream
