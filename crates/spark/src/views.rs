//! The lake's files as tables, by the three loading rules: SQL for Spark, in the order in which it is to be run.

use definitions::{Column, ColumnType, Schema, Table};
use lake::ROW_COLUMNS;
use store::Period;
use transform::EARLIEST;

use crate::kept::{Kept, KeptTable};
use crate::loaded::Stream;

/// A view of the session, and the statement that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub name: String,
    pub sql: String,
    /// Where its files are not written yet: what writes them.
    pub fill: Option<Fill>,
}

/// What writes the files of a view, and which table they are to be kept as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fill {
    pub sql: String,
    pub kept: KeptTable,
}

/// The views of what the lake says of raw files; `files` is the address of the notes of those that count.
pub(crate) fn of_notes(lake: &str, files: &str) -> Vec<View> {
    let of_record = "path string, stream string, load bigint, line bigint, table_name string, column_name string, reason string, value string";
    let in_lake = |name: &str| format!("{lake}/{name}");
    let notes = [
        (
            "_lake_files",
            files.to_owned(),
            "path string, stream string, load bigint, size bigint, modified bigint, hash bigint, records bigint, rejects bigint, extracted_from bigint, extracted_to bigint",
        ),
        (
            "_lake_rejects",
            in_lake("rejects"),
            &format!("{of_record}, code string, record string"),
        ),
        ("_lake_warnings", in_lake("warnings"), of_record),
        (
            "_gaps",
            in_lake("gaps.json"),
            "stream string, parent string, since_at string, until_at string, reason string",
        ),
        (
            "_windows",
            in_lake("windows.json"),
            "stream string, since_at string, until_at string",
        ),
    ];
    let views = notes.map(|(name, path, columns)| self::files("json", &path, name, columns));
    views.to_vec()
}

/// The views for the tables that are loaded, and for what is known of them; of a period only what happened in it. `lake` is
/// the lake's address as Spark knows it, `latest` the last moment that is plausible for all streams together.
pub(crate) fn of_tables(
    lake: &str,
    streams: &[Stream],
    latest: Option<&str>,
    period: Option<&Period>,
) -> Vec<View> {
    let mut views = Vec::new();
    for stream in streams {
        for table in &stream.tables {
            let path = format!("{lake}/rows/{}", table.name);
            let ours = ROW_COLUMNS.map(|name| format!("{} bigint", quote(name)));
            let columns = format!("{}, {}", declared(table), ours.join(", "));
            views.push(files(
                "parquet",
                &path,
                &format!("_raw_{}", table.name),
                &columns,
            ));
        }
        views.push(records(stream));
        views.push(newest(stream));
        for (place, table) in stream.tables.iter().enumerate() {
            views.push(view(&whole(table), &rows(stream, place, table)));
        }
    }
    for table in all(streams) {
        let within = match period {
            Some(period) if !table.period.is_empty() => within(streams, table, latest, period),
            _ => String::new(),
        };
        let select = format!("select r.* from {} as r {within}", quote(&whole(table)));
        views.push(view(&table.name, &select));
    }
    views.push(repeated(streams));
    views.extend([
        view("_rejects", REJECTS),
        view("_warnings", WARNINGS),
        view("_files", FILES),
        removed(streams),
    ]);
    views
}

/// The columns of `_tables`.
pub(crate) const TABLES: &str = "table_name string, stream string, rows bigint, newest_extracted_at string, from_at string, to_at string";

/// A view of files of rows in a folder.
pub(crate) fn files(format: &str, path: &str, name: &str, columns: &str) -> View {
    View {
        name: name.to_owned(),
        sql: format!(
            "create or replace temporary view {} ({columns}) using {format} options (path {})",
            quote(name),
            text(path)
        ),
        fill: None,
    }
}

/// A view of rows that a select gives and that are kept in the lake.
pub(crate) fn of_kept(lake: &str, kept: &Kept, name: &str, columns: &str, select: &str) -> View {
    let table = kept.table(name);
    let path = format!("{lake}/{}", table.path);
    let fill = (!table.is_made).then(|| Fill {
        sql: format!(
            "insert overwrite directory {} using parquet {select}",
            text(&path)
        ),
        kept: table,
    });
    View {
        fill,
        ..files("parquet", &path, name, columns)
    }
}

/// The columns of a table with their types.
pub(crate) fn declared(table: &Table) -> String {
    let columns = table.columns.iter();
    let columns = columns.map(|column| format!("{} {}", quote(&column.name), kind(column)));
    columns.collect::<Vec<_>>().join(", ")
}

/// How many rows of each table are in no period, since they do not say when they happened: a line for each.
pub(crate) fn undated(streams: &[Stream], latest: Option<&str>) -> String {
    let happens = all(streams).filter(|table| !table.period.is_empty());
    let counts = happens.map(|table| {
        format!(
            "select {} as table_name, count(*) as n from {} as r where {} is null",
            text(&table.name),
            quote(&whole(table)),
            moment(streams, table, latest)
        )
    });
    counts.collect::<Vec<_>>().join("\nunion all\n")
}

/// A select of the rows of a derived table, cast to its columns.
pub(crate) fn of_derived(table: &Table, select: &str) -> String {
    let columns = table.columns.iter().map(|column| {
        let name = quote(&column.name);
        format!("cast({name} as {}) as {name}", kind(column))
    });
    let columns: Vec<String> = columns.collect();
    let select = spelt(select.trim().trim_end_matches(';'));
    format!("select {} from (\n{select}\n)", columns.join(", "))
}

/// The schema's own views.
pub(crate) fn of_schema(schema: &Schema) -> Vec<View> {
    let views = schema.views.iter().filter_map(|one| {
        let lower = one.sql.to_ascii_lowercase();
        let words = [" as\n", " as "].map(|word| lower.find(word));
        let select = words.into_iter().flatten().min()? + " as".len();
        Some(view(&one.name, &spelt(&one.sql[select..])))
    });
    views.collect()
}

/// A name as Spark reads it.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Text as Spark reads it.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", spelt(&text.replace('\'', "''")))
}

/// SQL of ours as Spark reads it: only there is a backslash in a text the beginning of an escape.
pub(crate) fn spelt(sql: &str) -> String {
    sql.replace('\\', "\\\\")
}

/// A moment as tables and answers write it.
const MOMENT: &str = "'yyyy-MM-dd''T''HH:mm:ss''Z'''";

const REJECTS: &str = "select path, stream, line, code, reason, table_name, column_name, value, record from _lake_repeated
     union all
     select r.path, r.stream, r.line, r.code, r.reason, r.table_name, r.column_name, r.value, r.record
     from _lake_rejects as r inner join _lake_files as f on f.load = r.load";

const WARNINGS: &str =
    "select w.path, w.stream, w.line, w.table_name, w.column_name, w.reason, w.value
     from _lake_warnings as w inner join _lake_files as f on f.load = w.load";

/// A file is known by its name, as rows name it.
const FILES: &str = "select f.path as id, f.path, f.stream, f.size, f.modified, f.hash, f.records, f.rejects + nvl(r.n, 0) as rejects,
       f.extracted_from, f.extracted_to
     from _lake_files as f
     left join (select path, count(*) as n from _lake_repeated group by path) as r on r.path = f.path";

fn view(name: &str, select: &str) -> View {
    View {
        name: name.to_owned(),
        sql: format!(
            "create or replace temporary view {} as {select}",
            quote(name)
        ),
        fill: None,
    }
}

/// Every record of a stream, the newest copy of each first: by the time of fetching, then the file's name, then its place
/// there. What people write has no time, which counts as before every time.
fn records(stream: &Stream) -> View {
    let own = &stream.tables[0];
    let order = format!(
        "over (partition by {} order by nvl(_extracted_at, -9223372036854775807) desc, path desc, _line desc, _record desc)",
        key(own).join(", ")
    );
    let select = format!(
        "select *, row_number() {order} as _place, first_value(_content) {order} as _newest_content,
           first_value(_extracted_at) {order} as _newest_at
         from (
           select r.*, f.path
           from {} as r inner join _lake_files as f on f.load = r._load
         )",
        quote(&format!("_raw_{}", own.name))
    );
    view(&format!("_records_{}", stream.name), &select)
}

/// The newest copy of each record, but for those that the newest complete listing no longer has.
fn newest(stream: &Stream) -> View {
    let select = format!(
        "select r.* from {} as r where r._place = 1 and nvl(r._extracted_at, -1) >= {}",
        quote(&format!("_records_{}", stream.name)),
        listed_at(stream)
    );
    view(&format!("_newest_{}", stream.name), &select)
}

fn listed_at(stream: &Stream) -> i64 {
    stream.loaded.listed_at.unwrap_or(i64::MIN + 1)
}

/// The rows of a table: those of the newest copies of their records.
fn rows(stream: &Stream, place: usize, table: &Table) -> String {
    let columns = table.columns.iter();
    let columns: Vec<String> = columns
        .map(|column| format!("r.{}", quote(&column.name)))
        .collect();
    let columns = columns.join(", ");
    let newest = quote(&format!("_newest_{}", stream.name));
    if place == 0 {
        return format!(
            "select {columns}, r._extracted_at, r.path as _file, r._line from {newest} as r"
        );
    }
    format!(
        "select {columns}, r._extracted_at, n.path as _file, r._line
         from {} as r inner join {newest} as n on n._load = r._load and n._record = r._record",
        quote(&format!("_raw_{}", table.name))
    )
}

/// The view of all rows of a table, whatever the period.
fn whole(table: &Table) -> String {
    format!("_whole_{}", table.name)
}

fn all(streams: &[Stream]) -> impl Iterator<Item = &Table> {
    streams.iter().flat_map(|stream| &stream.tables)
}

/// Which rows of a table are in a period.
fn within(streams: &[Stream], table: &Table, latest: Option<&str>, period: &Period) -> String {
    let moment = moment(streams, table, latest);
    let end = |end: &Option<String>| end.as_ref().map(|end| format!("timestamp {}", text(end)));
    let from = end(&period.from).map(|from| format!("{moment} >= {from}"));
    let to = end(&period.to).map(|to| format!("{moment} < {to}"));
    let conditions: Vec<String> = [Some(format!("{moment} is not null")), from, to]
        .into_iter()
        .flatten()
        .collect();
    format!("where {}", conditions.join(" and "))
}

/// When a row `r` of a table happened, be it by the row that it belongs to.
fn moment(streams: &[Stream], table: &Table, latest: Option<&str>) -> String {
    let moments = table.period_columns().map(|column| {
        let references = column.references.as_ref().filter(|_| !column.is_moment());
        let parent = references.and_then(|(name, key)| {
            let found = all(streams).find(|table| table.name.eq_ignore_ascii_case(name))?;
            Some((found, key))
        });
        let Some((parent, key)) = parent else {
            return plausible(column, "r", latest);
        };
        let own = parent.period_columns().filter(|column| column.is_moment());
        format!(
            "(select max({}) from {} as parent where parent.{} = r.{})",
            first(own.map(|column| plausible(column, "parent", latest))),
            quote(&whole(parent)),
            quote(key),
            quote(&column.name)
        )
    });
    first(moments)
}

/// Records that people wrote twice, and not alike: all but the last are rejects, unless a fetched copy or a complete
/// listing has the last word.
fn repeated(streams: &[Stream]) -> View {
    let of = streams.iter().map(|stream| {
        format!(
            "select path, {of} as stream, _line as line, 'record-same-key' as code,
               'a later record has the same key and other values; only the last one is loaded' as reason,
               {table} as table_name, cast(null as string) as column_name, {key} as value, '' as record
             from {records}
             where _place > 1 and _extracted_at is null and _newest_at is null and _content <> _newest_content
               and {is_listed}",
            of = text(&stream.name),
            table = text(&stream.tables[0].name),
            is_listed = stream.loaded.listed_at.is_none(),
            key = key_text(&stream.tables[0]),
            records = quote(&format!("_records_{}", stream.name)),
        )
    });
    view(
        "_lake_repeated",
        &of.collect::<Vec<_>>().join("\nunion all\n"),
    )
}

/// Records that the newest complete listing no longer has.
fn removed(streams: &[Stream]) -> View {
    let of = streams.iter().map(|stream| {
        format!(
            "select {} as stream, {} as key from {} where _place = 1 and nvl(_extracted_at, -1) < {}",
            text(&stream.name),
            key_text(&stream.tables[0]),
            quote(&format!("_records_{}", stream.name)),
            listed_at(stream)
        )
    });
    view("_removed", &of.collect::<Vec<_>>().join("\nunion all\n"))
}

/// A select of what is known of each table: its rows, when the newest was fetched, and from when to when they happened. Nothing is
/// known of what came after the end of a period, nor of what was before its beginning.
pub(crate) fn tables(streams: &[Stream], period: Option<&Period>) -> String {
    let mut of = Vec::new();
    for stream in streams {
        for (place, table) in stream.tables.iter().enumerate() {
            of.push(known(stream, place, table, period.is_some()));
        }
    }
    let known = of.join("\nunion all\n");
    let Some(period) = period else {
        return known;
    };
    let clipped = |column: &str, function: &str, end: &Option<String>| match end {
        Some(end) => format!(
            "case when {column} is not null then {function}({column}, {}) end as {column}",
            text(end)
        ),
        None => column.to_owned(),
    };
    format!(
        "select table_name, stream, rows, {}, {}, {} from ({known})",
        clipped("newest_extracted_at", "least", &period.to),
        clipped("from_at", "greatest", &period.from),
        clipped("to_at", "least", &period.to)
    )
}

fn known(stream: &Stream, place: usize, table: &Table, is_narrow: bool) -> String {
    let own = table.period_columns().filter(|column| column.is_moment());
    let happened = first(own.map(|column| plausible(column, "r", stream.loaded.latest.as_deref())));
    // Each record has a row in the first table, so its newest is that of the files.
    let fetched = match (place, stream.loaded.fetched_at) {
        (0, Some(at)) => format!("case when one.n > 0 then {at} end"),
        (0, None) => "cast(null as bigint)".to_owned(),
        _ => "one.fetched_at".to_owned(),
    };
    let rows = match is_narrow {
        true => format!("(select count(*) from {})", quote(&table.name)),
        false => "one.n".to_owned(),
    };
    let of = match stream.loaded.files {
        0 => "cast(null as string)".to_owned(),
        _ => text(&stream.name),
    };
    format!(
        "select {name} as table_name, {of} as stream, {rows} as rows,
           date_format(timestamp_micros({fetched}), {MOMENT}) as newest_extracted_at,
           date_format(one.first_at, {MOMENT}) as from_at,
           date_format(greatest(timestamp_micros({fetched}), one.last_at), {MOMENT}) as to_at
         from (
           select count(*) as n, max(_extracted_at) as fetched_at, min(happened_at) as first_at, max(happened_at) as last_at
           from (select r._extracted_at, {happened} as happened_at from {table} as r)
         ) as one",
        name = text(&table.name),
        table = quote(&whole(table)),
    )
}

fn plausible(column: &Column, alias: &str, latest: Option<&str>) -> String {
    let moment = format!("cast({alias}.{} as timestamp)", quote(&column.name));
    let latest = text(latest.unwrap_or("9999-12-31T23:59:59Z"));
    format!(
        "case when {moment} between timestamp '{EARLIEST}' and timestamp {latest} then {moment} end"
    )
}

fn first(moments: impl Iterator<Item = String>) -> String {
    let moments: Vec<String> = moments.collect();
    match moments.as_slice() {
        [] => "cast(null as timestamp)".to_owned(),
        [one] => one.clone(),
        several => format!("coalesce({})", several.join(", ")),
    }
}

fn key(table: &Table) -> Vec<String> {
    let columns = table.key.iter().map(|place| &table.columns[*place]);
    columns.map(|column| quote(&column.name)).collect()
}

/// The key as a list of texts in JSON.
fn key_text(table: &Table) -> String {
    let cast = key(table).into_iter();
    let cast = cast.map(|name| format!("cast({name} as string)"));
    format!("to_json(array({}))", cast.collect::<Vec<_>>().join(", "))
}

fn kind(column: &Column) -> &'static str {
    match column.kind {
        ColumnType::Text | ColumnType::Json | ColumnType::TimeZone => "string",
        ColumnType::Integer => "bigint",
        ColumnType::Real => "double",
        ColumnType::Boolean => "boolean",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Date => "date",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loaded::Loaded;

    /// The built-in tables of people, and when they were loaded.
    fn people() -> Vec<Stream> {
        let folder = tempfile::tempdir().unwrap();
        let (definitions, _) = definitions::read(folder.path());
        let table = |name: &str| definitions.schema.table(name).unwrap().clone();
        vec![Stream {
            name: "incidents".to_owned(),
            tables: vec![table("Incidents"), table("RootCauses")],
            loaded: Loaded {
                files: 2,
                fetched_at: Some(5),
                latest: Some("2026-11-24T00:00:00Z".to_owned()),
                listed_at: None,
            },
        }]
    }

    #[test]
    fn a_record_counts_by_its_newest_copy() {
        let streams = people();
        let views = of_tables("file:///lake", &streams, None, None);
        let of = |name: &str| {
            let found = views.iter().find(|view| view.name == name);
            found
                .unwrap_or_else(|| panic!("no view {name}"))
                .sql
                .clone()
        };
        let newest = of("_newest_incidents");
        assert!(
            newest.ends_with(
                "where r._place = 1 and nvl(r._extracted_at, -1) >= -9223372036854775807"
            )
        );
        assert!(
            of("_records_incidents").contains("partition by `id` order by nvl(_extracted_at, ")
        );
        // Children are those of the newest copy.
        assert!(of("_whole_RootCauses").contains("n._load = r._load and n._record = r._record"));
        assert!(
            of("_raw_Incidents")
                .contains("using parquet options (path 'file:///lake/rows/Incidents')")
        );
    }

    #[test]
    fn a_period_has_what_happened_in_it() {
        let streams = people();
        let period = Period {
            from: Some("2026-01-01T00:00:00Z".to_owned()),
            to: None,
        };
        let latest = Some("2026-11-24T00:00:00Z");
        let views = of_tables("file:///lake", &streams, latest, Some(&period));
        let causes = views.iter().find(|view| view.name == "RootCauses");
        let causes = &causes.unwrap().sql;
        // By the incident that they belong to.
        assert!(
            causes
                .contains("from `_whole_Incidents` as parent where parent.`id` = r.`incident_id`")
        );
        assert!(causes.contains(">= timestamp '2026-01-01T00:00:00Z'"));
        assert!(!causes.contains(" < timestamp"));
    }

    #[test]
    fn texts_stay_what_they_are() {
        assert_eq!(text(r"it's \d"), r"'it''s \\d'");
        assert_eq!(quote("a`b"), "`a``b`");
    }
}
