//! Whether the definitions fit together: what can be checked without running jq or SQL.

use std::collections::{HashMap, HashSet};

use diagnostics::{Diagnostic, nearest};

use crate::schema::check_periods;
use crate::{Definitions, Mapper, Table, TableMapping, Word};

/// Adds the faults between definitions.
pub(crate) fn check(definitions: &Definitions, faults: &mut Vec<Diagnostic>) {
    duplicate_tables(definitions, faults);
    references(definitions, faults);
    check_periods(&definitions.schema, faults);
    periods(definitions, faults);
    queries_of_attention(definitions, faults);
    let mut filled: HashMap<&str, &Mapper> = HashMap::new();
    let mut streams: HashMap<&str, &Mapper> = HashMap::new();
    for mapper in &definitions.mappers {
        if let Some(first) = streams.insert(&mapper.stream.text, mapper) {
            faults.push(
                Diagnostic::error(
                    "mapper-duplicate",
                    format!("the stream `{}` has two mappers", mapper.stream.text),
                )
                .at(
                    &mapper.source,
                    mapper.stream.span.clone(),
                    format!("the other is `{}`", first.source.path),
                ),
            );
        }
        for mapping in &mapper.tables {
            let Some(table) = definitions.schema.table(&mapping.table.text) else {
                faults.push(unknown_table(definitions, mapper, &mapping.table));
                continue;
            };
            if let Some(first) = filled.insert(&table.name, mapper) {
                faults.push(
                    Diagnostic::error(
                        "mapper-table-twice",
                        format!("`{}` is filled by two mappers", table.name),
                    )
                    .at(
                        &mapper.source,
                        mapping.table.span.clone(),
                        format!("the other is `{}`", first.source.path),
                    )
                    .note(
                        "a row lives as long as its own stream says so; two streams would disagree",
                    ),
                );
            }
            columns(mapper, mapping, table, faults);
        }
        keys(definitions, mapper, faults);
    }
    let tables = definitions.schema.tables.iter();
    let unfilled = tables.filter(|table| !filled.contains_key(table.name.as_str()));
    faults.extend(unfilled.map(|table| {
        let message = format!("no mapper fills `{}`", table.name);
        let expected = "nothing refers to this table";
        Diagnostic::warning("schema-table-unfilled", message).at(
            &table.source,
            table.span.clone(),
            expected,
        )
    }));
}

fn duplicate_tables(definitions: &Definitions, faults: &mut Vec<Diagnostic>) {
    let schema = &definitions.schema;
    let mut seen = HashSet::new();
    let tables = schema
        .all_tables()
        .map(|table| (&table.name, &table.source, &table.span));
    let views = schema
        .views
        .iter()
        .map(|view| (&view.name, &view.source, &view.span));
    for (name, source, span) in tables.chain(views) {
        if !seen.insert(name.to_lowercase()) {
            faults.push(
                Diagnostic::error("schema-duplicate", format!("`{name}` is declared twice")).at(
                    source,
                    span.clone(),
                    "",
                ),
            );
        }
    }
    for index in &schema.indexes {
        if schema.table(&index.table).is_none() {
            faults.push(
                Diagnostic::error(
                    "schema-unknown-table",
                    format!("an index is on `{}`, which is not a table", index.table),
                )
                .at(&index.source, index.span.clone(), ""),
            );
        }
    }
}

fn references(definitions: &Definitions, faults: &mut Vec<Diagnostic>) {
    for table in definitions.schema.all_tables() {
        for column in &table.columns {
            let Some((target, target_column)) = &column.references else {
                continue;
            };
            let found = definitions.schema.any_table(target);
            if found.is_some_and(|target| target.column_index(target_column).is_some()) {
                continue;
            }
            faults.push(
                Diagnostic::error(
                    "schema-unknown-reference",
                    format!(
                        "`{}.{}` refers to `{target}.{target_column}`, which is not there",
                        table.name, column.name
                    ),
                )
                .at(&table.source, column.span.clone(), ""),
            );
        }
    }
}

/// An answer's period is that of tables which are loaded: those have a first row and a newest fetch.
fn periods(definitions: &Definitions, faults: &mut Vec<Diagnostic>) {
    let tables = &definitions.schema.tables;
    let names = || tables.iter().map(|table| table.name.as_str());
    let queries = definitions
        .queries
        .iter()
        .map(|one| (&one.source, &one.period));
    let indicators = definitions
        .indicators
        .iter()
        .map(|one| (&one.source, &one.period));
    for (source, period) in queries.chain(indicators) {
        if period.is_empty() {
            let message = format!("`{}` does not say of which period it is", source.path);
            faults.push(
                Diagnostic::warning("query-without-period", message)
                    .hint("name the tables whose rows it counts: `-- period: Incidents`"),
            );
        }
        for table in period {
            if names().any(|name| name == table.text) {
                continue;
            }
            let message = format!("`{}` is not a table that is loaded", table.text);
            let fault =
                Diagnostic::warning("query-period", message).at(source, table.span.clone(), "");
            faults.push(match nearest(&table.text, names()) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault,
            });
        }
    }
}

fn queries_of_attention(definitions: &Definitions, faults: &mut Vec<Diagnostic>) {
    let names = || definitions.queries.iter().map(|query| query.name.as_str());
    for rule in &definitions.attention {
        if names().any(|name| name == rule.query.text) {
            continue;
        }
        let message = format!("`{}` is not a query", rule.query.text);
        let fault = Diagnostic::error("attention", message);
        let fault = fault.at(&rule.source, rule.query.span.clone(), "");
        faults.push(match nearest(&rule.query.text, names()) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault,
        });
    }
}

fn unknown_table(definitions: &Definitions, mapper: &Mapper, table: &Word) -> Diagnostic {
    if definitions.schema.any_table(&table.text).is_some() {
        let message = format!("`{}` is made from other tables", table.text);
        return Diagnostic::error("mapper-derived-table", message).at(
            &mapper.source,
            table.span.clone(),
            "a mapper fills tables of `schemas/`",
        );
    }
    let names = definitions
        .schema
        .tables
        .iter()
        .map(|table| table.name.as_str());
    let fault = Diagnostic::error(
        "mapper-unknown-table",
        format!("`{}` is not a table of any schema", table.text),
    )
    .at(&mapper.source, table.span.clone(), "");
    match nearest(&table.text, names) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint("add a `CREATE TABLE` to a file in `definitions/schemas/`"),
    }
}

fn columns(mapper: &Mapper, mapping: &TableMapping, table: &Table, faults: &mut Vec<Diagnostic>) {
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let agreed = mapping.agreed.iter().map(|(column, _)| column);
    let ordered = mapping.in_order.iter().flat_map(|(a, b)| [a, b]);
    for column in mapping
        .columns
        .iter()
        .map(|(column, _)| column)
        .chain(agreed)
        .chain(&mapping.plausible)
        .chain(ordered)
    {
        if names.contains(&column.text.as_str()) {
            continue;
        }
        let mut fault = Diagnostic::error(
            "mapper-unknown-column",
            format!("`{}` is not a column of `{}`", column.text, table.name),
        )
        .at(
            &mapper.source,
            column.span.clone(),
            format!("{} has: {}", table.source.path, names.join(", ")),
        );
        if let Some(near) = nearest(&column.text, names.iter().copied()) {
            fault = fault.hint(format!("did you mean `{near}`?"));
        }
        faults.push(fault);
    }
    for column in table.columns.iter().filter(|column| column.not_null) {
        if mapping.expression(&column.name).is_none() {
            faults.push(
                Diagnostic::error(
                    "mapper-missing-column",
                    format!(
                        "`{}.{}` must have a value, and no expression fills it",
                        table.name, column.name
                    ),
                )
                .at(
                    &mapper.source,
                    mapping.table.span.clone(),
                    format!("expected a column `{}`", column.name),
                ),
            );
        }
    }
}

/// The rows that a record makes must be findable by the record's key, so that those which its newest copy no longer
/// makes can go.
fn keys(definitions: &Definitions, mapper: &Mapper, faults: &mut Vec<Diagnostic>) {
    let Some(own_index) = mapper.own_table() else {
        faults.push(
            Diagnostic::error(
                "mapper-without-own-table",
                format!(
                    "`{}` has no table with one row a record",
                    mapper.stream.text
                ),
            )
            .at(
                &mapper.source,
                mapper.tables[0].table.span.clone(),
                "every table here has `each`",
            )
            .hint("add a table without `each`: its key says which record is which"),
        );
        return;
    };
    let own = &mapper.tables[own_index];
    let Some(own_table) = definitions.schema.table(&own.table.text) else {
        return;
    };
    let own_key: Vec<&Word> = own_table
        .key
        .iter()
        .filter_map(|column| own.expression(&own_table.columns[*column].name))
        .collect();
    for (index, child) in mapper.tables.iter().enumerate() {
        let Some(table) = definitions
            .schema
            .table(&child.table.text)
            .filter(|_| index != own_index)
        else {
            continue;
        };
        let child_key = table
            .key
            .iter()
            .map(|column| child.expression(&table.columns[*column].name));
        let leading: Vec<&Word> = child_key.take(own_key.len()).flatten().collect();
        let fits = leading.len() == own_key.len()
            && own_key.iter().zip(&leading).all(|(own, child)| {
                of_record(&child.text, &own.text, child_is_each(mapper, index))
            });
        if !fits {
            let wanted: Vec<String> = own_key
                .iter()
                .map(|word| format!("`$record{}`", spaceless(&word.text)))
                .collect();
            faults.push(
                Diagnostic::error(
                    "mapper-child-key",
                    format!("the key of `{}` must begin with the key of `{}`", table.name, own_table.name),
                )
                .at(&mapper.source, child.table.span.clone(), format!("expected the key's first columns to be {}", wanted.join(", ")))
                .note("rows live as long as the newest copy of their record makes them, and are found by its key"),
            );
        }
    }
}

fn child_is_each(mapper: &Mapper, index: usize) -> bool {
    mapper.tables[index].each.is_some()
}

/// Whether a child's expression gives what the record's own key expression gives: `$record` before the same path,
/// or `$record | …` for any expression; without `each` the expression itself.
fn of_record(child: &str, own: &str, each: bool) -> bool {
    let (child, own) = (spaceless(child), spaceless(own));
    child == format!("$record{own}") || child == format!("$record|{own}") || (!each && child == own)
}

fn spaceless(expression: &str) -> String {
    expression.split_whitespace().collect()
}
