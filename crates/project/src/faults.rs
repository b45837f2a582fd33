//! What is wrong with a query, a derived table or the database, in words: with its place, and what to do.

use std::collections::BTreeSet;
use std::sync::Arc;

use definitions::Schema;
use diagnostics::{Diagnostic, Source, nearest};
use store::{DerivedFault, QueryFault};

/// A derived table's fault, with its place in the file.
pub fn derived_fault(schema: &Schema, fault: &DerivedFault) -> Diagnostic {
    let Some(derived) = schema
        .derived
        .iter()
        .find(|derived| derived.table.name == fault.table())
    else {
        return Diagnostic::error("derived-table", fault.to_string());
    };
    match fault {
        DerivedFault::Refused { fault, .. } => {
            let what = format!("the derived table `{}`", derived.table.name);
            let text = QueryText {
                sql: &derived.sql,
                offset: derived.offset,
                source: &derived.source,
            };
            placed(sql_fault(schema, &what, fault), fault, &text)
        }
        _ => Diagnostic::error("derived-table", fault.to_string()).at(
            &derived.source,
            derived.table.span.clone(),
            "the select must give each of its columns by name, from tables that are made before",
        ),
    }
}

/// A query's fault, with its place in the file.
pub fn query_fault(schema: &Schema, query: &definitions::Query, fault: &QueryFault) -> Diagnostic {
    let diagnostic = sql_fault(schema, &format!("the query `{}`", query.name), fault);
    let text = QueryText {
        sql: &query.sql,
        offset: 0,
        source: &query.source,
    };
    placed(diagnostic, fault, &text)
}

/// The fault of a select that was typed, with its place in it.
pub fn typed_sql_fault(schema: &Schema, sql: &str, fault: &QueryFault) -> Diagnostic {
    let source = Arc::new(Source {
        path: "--sql".to_owned(),
        text: sql.to_owned(),
    });
    let text = QueryText {
        sql,
        offset: 0,
        source: &source,
    };
    match fault {
        QueryFault::Sql { .. } => placed(sql_fault(schema, "the query", fault), fault, &text),
        _ => sql_fault(schema, "the query", fault),
    }
}

/// Columns of an answer without a word in the query's header, and words without a column.
pub fn column_faults(
    query: &definitions::Query,
    rules: &[definitions::Attention],
    columns: &[String],
) -> Vec<Diagnostic> {
    let mut faults: Vec<Diagnostic> = undescribed(query, columns).into_iter().collect();
    for (word, _) in &query.columns {
        let message = format!(
            "the answer of `{}` has no column `{}`",
            query.name, word.text
        );
        let at = |fault: Diagnostic| fault.at(&query.source, word.span.clone(), "");
        faults.extend(no_column(
            "query-column-missing",
            message,
            &word.text,
            columns,
            at,
        ));
    }
    for name in shown_columns(query) {
        let path = &query.source.path;
        let message =
            format!("the header of `{path}` names `{name}`, which is not a column of its answer");
        faults.extend(no_column(
            "query-column-missing",
            message,
            name,
            columns,
            |fault| fault,
        ));
    }
    for rule in rules.iter().filter(|rule| rule.query.text == query.name) {
        for name in rule.columns() {
            let message = format!("the answer of `{}` has no column `{name}`", query.name);
            let place = rule.source.text.rfind(name);
            let at = |fault: Diagnostic| match place {
                Some(start) => fault.at(&rule.source, start..start + name.len(), ""),
                None => fault.in_data(rule.source.path.clone()),
            };
            faults.extend(no_column("attention-column", message, name, columns, at));
        }
    }
    let twice = columns
        .iter()
        .enumerate()
        .find(|(place, name)| columns[..*place].contains(name));
    if let Some((_, name)) = twice {
        let message = format!("the answer of `{}` has two columns `{name}`", query.name);
        let fault = Diagnostic::warning("query-column-twice", message);
        faults.push(fault.in_data(query.source.path.clone()));
    }
    faults
}

/// That columns of an answer are not described.
fn undescribed(query: &definitions::Query, columns: &[String]) -> Option<Diagnostic> {
    let described = |name: &String| query.columns.iter().any(|(word, _)| word.text == *name);
    let mut missing: Vec<String> = columns
        .iter()
        .filter(|name| !described(name))
        .map(|name| format!("`{name}`"))
        .collect();
    missing.dedup();
    let message = format!(
        "`{}` does not say what {} mean{}",
        query.source.path,
        missing.join(", "),
        if missing.len() == 1 { "s" } else { "" }
    );
    (!missing.is_empty()).then(|| {
        Diagnostic::warning("query-column-undescribed", message)
            .hint("describe each below `-- columns:`, as `--   name: what it means`")
    })
}

/// The columns that a query's header draws or says, each once, in order.
fn shown_columns(query: &definitions::Query) -> BTreeSet<&str> {
    let people = query.people.iter().flat_map(|people| {
        let conditions = people.conditions.iter().map(|condition| &condition.column);
        people.columns.iter().chain(conditions).map(String::as_str)
    });
    let shown = query.chart.columns().chain(query.sentence.columns());
    shown.chain(people).collect()
}

/// That an answer has no column of this name, if so; with the one that was perhaps meant.
fn no_column(
    code: &'static str,
    message: String,
    name: &str,
    columns: &[String],
    at: impl FnOnce(Diagnostic) -> Diagnostic,
) -> Option<Diagnostic> {
    if columns.iter().any(|column| column == name) {
        return None;
    }
    let fault = at(Diagnostic::warning(code, message));
    Some(match nearest(name, columns.iter().map(String::as_str)) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault,
    })
}

/// What an indicator's select lacks: its kind says which columns it has.
pub fn indicator_fault(
    indicator: &definitions::Indicator,
    columns: &[String],
) -> Option<Diagnostic> {
    let wanted: &[&str] = match indicator.kind.has_value() {
        true => &["at", "value"],
        false => &["at"],
    };
    let is_whole = wanted
        .iter()
        .all(|name| columns.iter().any(|column| column == name));
    (!is_whole).then(|| {
        let message = format!(
            "the indicator `{}` gives {}; expected `{}`",
            indicator.name,
            columns.join(", "),
            wanted.join("` and `")
        );
        Diagnostic::error("indicator", message).in_data(indicator.source.path.clone())
    })
}

/// A select and where it stands.
struct QueryText<'t> {
    sql: &'t str,
    /// Where it begins in its file, in bytes.
    offset: usize,
    source: &'t Arc<Source>,
}

/// Points at the word of a select that a fault is about.
fn placed(diagnostic: Diagnostic, fault: &QueryFault, text: &QueryText) -> Diagnostic {
    let QueryFault::Sql { message, offset } = fault else {
        return diagnostic.in_data(text.source.path.clone());
    };
    // The engine does not say where a table is that it does not know; its name tells.
    let named = || {
        message
            .strip_prefix("no such table: ")
            .or_else(|| message.strip_prefix("no such function: "))
            .and_then(|name| text.sql.rfind(name))
    };
    let Some(start) = offset.or_else(named) else {
        return diagnostic.in_data(text.source.path.clone());
    };
    let rest = text.sql.get(start..).unwrap_or_default();
    let word = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let start = text.offset + start;
    diagnostic.at(text.source, start..start + word.max(1), "")
}

/// What a query's fault means, and what to do.
pub fn sql_fault(schema: &Schema, what: &str, fault: &QueryFault) -> Diagnostic {
    let diagnostic = Diagnostic::error("query", format!("{what} has no answer: {fault}"));
    match fault {
        QueryFault::Timeout(_) => diagnostic.hint(
            "give it longer with `--timeout SECONDS`, or look for a join without a condition",
        ),
        QueryFault::Writes => {
            diagnostic.hint("a query is one `select`; tables are filled by mappers")
        }
        QueryFault::Statements(_) => diagnostic.hint("write one `select` a file"),
        QueryFault::Output(_) => diagnostic,
        QueryFault::Sql { message, .. } => {
            let tables = schema
                .all_tables()
                .map(|table| table.name.as_str())
                .chain(schema.views.iter().map(|view| view.name.as_str()));
            let columns = schema
                .all_tables()
                .flat_map(|table| &table.columns)
                .map(|column| column.name.as_str());
            let known = |name: &str| {
                schema.any_table(name).is_some()
                    || schema.views.iter().any(|view| view.name == name)
            };
            if message.strip_prefix("no such table: ").is_some_and(known) {
                return diagnostic.hint("the database is older than the definitions: `reliability load` brings it up to date");
            }
            let functions;
            let near = match message.split_once(": ") {
                Some(("no such table", name)) => nearest(name, tables),
                Some(("no such function", name)) => {
                    functions = store::function_names();
                    nearest(&name.to_lowercase(), functions.iter().map(String::as_str))
                }
                Some(("no such column", name)) => {
                    // `"name" - should this be a string literal …` where it is in double quotes.
                    let name = name.split(" - ").next().unwrap_or(name).trim_matches('"');
                    nearest(name.rsplit('.').next().unwrap_or(name), columns)
                }
                _ => None,
            };
            match near {
                Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                None => diagnostic,
            }
        }
    }
}

/// What is wrong with a database, and what to do.
pub fn database_fault(error: &store::Error) -> Diagnostic {
    use store::Error;
    let diagnostic = Diagnostic::error("database", error.to_string());
    match error {
        Error::Held { .. } => diagnostic.hint("wait until it is done, or end that process"),
        Error::Locked { .. } => {
            diagnostic.hint("close the program that has it open for writing, and run this again")
        }
        Error::ReadOnly { .. } => diagnostic
            .hint("make the file and its folder writable, or set `DB_PATH` to another place"),
        Error::Full { .. } => {
            diagnostic.hint("make room, and run this again: files that were loaded whole are kept")
        }
        Error::Foreign { .. } => {
            diagnostic.hint("set `DB_PATH` to another file, or move this one away")
        }
        Error::Newer { .. } => diagnostic.hint(
            "use that version, or set `DB_PATH` to another file: `reliability load` makes the same rows there",
        ),
        Error::Older { .. } => diagnostic.hint("`reliability load` brings it up to date"),
        Error::Taken { table, .. } => diagnostic.hint(format!(
            "rename that table (`alter table {table} rename to …`), or set `DB_PATH` to another file"
        )),
        Error::Damaged { .. } => diagnostic.hint(
            "delete the file and run `reliability load`: the raw data gives the same rows again",
        ),
        Error::Missing { .. } => diagnostic.hint("make it with `reliability load`"),
        // What the engine says where a file cannot be read or written.
        Error::Other { .. } if diagnostic.message.contains("disk I/O error") => diagnostic.hint(
            "is there room, may the folder be written, and is the size of files limited (`ulimit -f`)?",
        ),
        Error::Other { .. } => diagnostic,
    }
}
