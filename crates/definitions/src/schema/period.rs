//! Which columns of a table say when a row happened: the line `-- period: created_at` in the comment above it.

use std::ops::Range;
use std::sync::Arc;

use diagnostics::{Diagnostic, Source, nearest};

use super::{Column, Schema, Table};

const KEY: &str = "period:";

/// A table's comment without its line of columns, and the names on that line.
pub(super) fn split(comment: &str) -> (String, Vec<String>) {
    let (mut kept, mut names) = (Vec::new(), Vec::new());
    for line in comment.lines() {
        match line.trim().strip_prefix(KEY) {
            Some(list) => names.extend(list.split(',').map(|name| name.trim().to_owned())),
            None => kept.push(line),
        }
    }
    (kept.join("\n").trim().to_owned(), names)
}

/// The places of the columns named.
pub(super) fn columns(
    table: &str,
    names: &[String],
    columns: &[Column],
    span: &Range<usize>,
    source: &Arc<Source>,
    faults: &mut Vec<Diagnostic>,
) -> Vec<usize> {
    let mut places = Vec::new();
    for name in names {
        let place = columns.iter().position(|column| column.name == *name);
        if place.is_none() {
            let message = format!("the period of `{table}` names `{name}`, which is not a column");
            let fault = Diagnostic::error("schema-unknown-column", message);
            let fault = fault.at(source, span.clone(), "");
            let known = columns.iter().map(|column| column.name.as_str());
            faults.push(match nearest(name, known) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault,
            });
        }
        places.extend(place);
    }
    places
}

/// Adds a fault for each column of a period that says nothing about when its row happened.
pub(crate) fn check(schema: &Schema, faults: &mut Vec<Diagnostic>) {
    for table in schema.all_tables() {
        for column in table.period_columns() {
            if says_when(schema, table, column) {
                continue;
            }
            let message = format!(
                "`{}.{}` does not say when a row happened",
                table.name, column.name
            );
            faults.push(Diagnostic::error("schema-period", message).at(
                &table.source,
                column.span.clone(),
                "expected a TIMESTAMP, a DATE, or a reference to the key of a table whose period is times",
            ));
        }
    }
}

/// A reference leads one step: to a row that has times of its own.
fn says_when(schema: &Schema, table: &Table, column: &Column) -> bool {
    if column.is_moment() {
        return true;
    }
    let Some((parent, parent_column)) = &column.references else {
        return false;
    };
    let parent = schema
        .table(parent)
        .filter(|found| found.name != table.name);
    parent.is_some_and(|parent| {
        let is_key = matches!(*parent.key, [key] if parent.columns[key].name == *parent_column);
        is_key && !parent.period.is_empty() && parent.period_columns().all(Column::is_moment)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::File;

    fn read(text: &str) -> (Schema, Vec<String>) {
        let file = File::built_in("schemas/s.sql", text);
        let (mut schema, mut faults) = (Schema::default(), Vec::new());
        super::super::parse(&file, &mut schema, &mut faults);
        check(&schema, &mut faults);
        let messages = faults.into_iter().map(|fault| fault.message).collect();
        (schema, messages)
    }

    const EVENTS: &str = "-- one row per event\n-- period: at, day\nCREATE TABLE Events (\n  -- id\n  id TEXT PRIMARY KEY,\n  -- when\n  at TIMESTAMP,\n  -- day\n  day DATE\n);\n";

    #[test]
    fn times_and_references_to_rows_with_times() {
        let child = "-- one row per name\n-- period: event_id\nCREATE TABLE Names (\n  -- event\n  event_id TEXT REFERENCES Events (id),\n  -- name\n  name TEXT PRIMARY KEY\n);";
        let (schema, faults) = read(&format!("{EVENTS}{child}"));
        assert_eq!(faults, [""; 0]);
        assert_eq!(schema.tables[0].comment, "one row per event");
        assert_eq!(schema.tables[0].period, [1, 2]);
        assert_eq!(schema.tables[1].period, [0]);
    }

    #[test]
    fn what_says_nothing_of_time_is_refused() {
        let other = "-- one row per name\n-- period: name, nam, event_day\nCREATE TABLE Names (\n  -- name\n  name TEXT PRIMARY KEY,\n  -- day\n  event_day TEXT REFERENCES Events (day)\n);";
        let (_, faults) = read(&format!("{EVENTS}{other}"));
        assert_eq!(
            faults,
            [
                "the period of `Names` names `nam`, which is not a column",
                "`Names.name` does not say when a row happened",
                "`Names.event_day` does not say when a row happened"
            ]
        );
    }
}
