//! The schemas as people read them: an entity diagram and a reference page for each source.

use std::fmt::Write as _;

use crate::{Schema, Table, derived};

/// The heading that every generated page carries.
const GENERATED: &str =
    "<!-- generated from the schemas by `cargo xtask docs`; edit those instead -->";

/// The groups of a schema: one a schema file, in order of name, then the derived tables.
pub(crate) fn groups(schema: &Schema) -> Vec<&str> {
    let mut groups: Vec<&str> = schema
        .tables
        .iter()
        .map(|table| table.group.as_str())
        .collect();
    groups.sort_unstable();
    groups.dedup();
    if !schema.derived.is_empty() {
        groups.push(derived::GROUP);
    }
    groups
}

/// One page a schema file with a Mermaid entity diagram: `(file name, text)`.
pub fn entity_diagram(schema: &Schema) -> Vec<(String, String)> {
    let page = |group: &&str| {
        let tables: Vec<&Table> = schema
            .all_tables()
            .filter(|table| table.group == **group)
            .collect();
        let mut text = format!("{GENERATED}\n\n# Entities of `{group}`\n\n```mermaid\nerDiagram\n");
        for table in &tables {
            let _ = writeln!(text, "    {} {{", table.name);
            for (index, column) in table.columns.iter().enumerate() {
                let mut marks = Vec::new();
                if table.is_key(index) {
                    marks.push("PK");
                }
                if column.references.is_some() {
                    marks.push("FK");
                }
                let marks = marks.join(", ");
                let _ = writeln!(
                    text,
                    "        {} {} {marks}",
                    column.kind.name(),
                    column.name
                );
            }
            text += "    }\n";
        }
        for table in &tables {
            for (index, column) in table.columns.iter().enumerate() {
                if let Some((target, _)) = &column.references {
                    // One row of the target has any number of ours; a nullable column may name none.
                    let one = if column.not_null { "||" } else { "|o" };
                    let many = if table.key == [index] { "o|" } else { "o{" };
                    let _ = writeln!(
                        text,
                        "    {target} {one}--{many} {} : \"{}\"",
                        table.name, column.name
                    );
                }
            }
        }
        text = text
            .lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n");
        text += "\n```\n";
        (format!("{group}.md"), text)
    };
    groups(schema).iter().map(page).collect()
}

/// One page with every table, view and column and its comment.
pub fn table_reference(schema: &Schema) -> String {
    let mut text = format!(
        "{GENERATED}\n\n# Tables\n\nA value that does not fit its column rejects its record; where a column is `null if odd`, it costs only this column, with a warning.\n"
    );
    for group in groups(schema) {
        let _ = write!(text, "\n## `{group}`\n");
        for table in schema.all_tables().filter(|table| table.group == group) {
            let _ = write!(text, "\n### {}\n\n{}\n\n", table.name, table.comment);
            let period: Vec<String> = table
                .period_columns()
                .map(|column| format!("`{}`", column.name))
                .collect();
            if !period.is_empty() {
                let _ = write!(text, "In a period by {}.\n\n", period.join(", else "));
            }
            text.push_str("| column | type | | meaning |\n| --- | --- | --- | --- |\n");
            for (index, column) in table.columns.iter().enumerate() {
                let mut marks = Vec::new();
                if table.is_key(index) {
                    marks.push("key".to_owned());
                } else if column.not_null {
                    marks.push("not null".to_owned());
                } else if column.odd_as_null {
                    marks.push("null if odd".to_owned());
                }
                if let Some((target, target_column)) = &column.references {
                    marks.push(format!("→ {target}.{target_column}"));
                }
                let comment = column.comment.replace('|', "\\|");
                let _ = writeln!(
                    text,
                    "| `{}` | {} | {} | {comment} |",
                    column.name,
                    column.kind.name(),
                    marks.join(", ")
                );
            }
        }
        for view in schema.views.iter().filter(|view| view.group == group) {
            let _ = write!(text, "\n### {} (view)\n\n{}\n", view.name, view.comment);
        }
    }
    text
}
