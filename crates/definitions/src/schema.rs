//! Schemas: `CREATE TABLE`, `CREATE VIEW` and `CREATE INDEX`, parsed once into the model that mapper checks, the
//! store's own DDL, the diagrams and the reference all come from.
//!
//! Comments are part of the model: the lines directly above a table or column, or behind a column on its line.
//! Tables that are made from other tables are declared in the same way; what makes them is in `derived`.

mod period;
mod text;

use std::ops::Range;
use std::sync::Arc;

use diagnostics::{Diagnostic, Source, nearest};
use sqlparser::ast::{self, ColumnOption, DataType, Spanned, Statement, TableConstraint};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Location;

use crate::File;
use crate::derived::DerivedTable;

pub(crate) use period::check as check_periods;
pub(crate) use text::Text;

/// Names that the loader gives to its own columns and tables begin so.
const RESERVED: char = '_';

/// All tables, views and indexes, in the order of their files.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// The tables.
    pub tables: Vec<Table>,
    /// The views.
    pub views: Vec<View>,
    /// The indexes.
    pub indexes: Vec<Index>,
    /// The tables that are made from the others.
    pub derived: Vec<DerivedTable>,
}

/// What one file declares.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) tables: Vec<Table>,
    pub(crate) views: Vec<View>,
    pub(crate) indexes: Vec<Index>,
}

/// One table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name, spelt as in the schema.
    pub name: String,
    /// What it holds; the first line says what one row is.
    pub comment: String,
    /// The schema file's name without its ending, such as the source it belongs to.
    pub group: String,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The places in `columns` of the primary key, in the key's order.
    pub key: Vec<usize>,
    /// The places in `columns` of those that say when a row happened; the first that has a value counts. A time is one,
    /// and so is a reference to a row that happened at some time. Empty for things that exist rather than happen, such as teams.
    pub period: Vec<usize>,
    /// Where its name stands.
    pub span: Range<usize>,
    /// The schema file.
    pub source: Arc<Source>,
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What values it takes.
    pub kind: ColumnType,
    /// Whether a row without a value is refused.
    pub not_null: bool,
    /// Whether a value that does not fit costs this column only (`NULL` in the schema), and not the record.
    pub odd_as_null: bool,
    /// What it means, with units.
    pub comment: String,
    /// Table and column that its values name; declared, never enforced.
    pub references: Option<(String, String)>,
    /// Where its name stands.
    pub span: Range<usize>,
}

/// What values a column takes, and so how a value is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Words.
    Text,
    /// Whole numbers of 64 bits.
    Integer,
    /// Numbers.
    Real,
    /// True or false.
    Boolean,
    /// A moment, kept in UTC to the second.
    Timestamp,
    /// A day.
    Date,
    /// The name of a time zone, kept as the time zone database spells it.
    TimeZone,
    /// Any JSON, kept as compact text.
    Json,
}

/// A view: a name for a select.
#[derive(Debug, Clone)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What one row is, and what for.
    pub comment: String,
    /// The schema file's name without its ending.
    pub group: String,
    /// The statement as written, without its semicolon.
    pub sql: String,
    /// Where the statement stands.
    pub span: Range<usize>,
    /// The schema file.
    pub source: Arc<Source>,
}

/// An index on a table.
#[derive(Debug, Clone)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The table it is on.
    pub table: String,
    /// The statement in one form: the same index gives the same text, however it is written.
    pub sql: String,
    /// Where the statement stands.
    pub span: Range<usize>,
    /// The schema file.
    pub source: Arc<Source>,
}

impl ColumnType {
    /// The name under which schemas know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Boolean => "BOOLEAN",
            Self::Timestamp => "TIMESTAMP",
            Self::Date => "DATE",
            Self::TimeZone => "TIME_ZONE",
            Self::Json => "JSON",
        }
    }
}

impl Schema {
    /// A table that is loaded, by its name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// All tables, the derived ones last.
    pub fn all_tables(&self) -> impl Iterator<Item = &Table> {
        let derived = self.derived.iter().map(|derived| &derived.table);
        self.tables.iter().chain(derived)
    }

    /// A table by its name, loaded or derived.
    pub fn any_table(&self, name: &str) -> Option<&Table> {
        self.all_tables().find(|table| table.name == name)
    }
}

impl Column {
    /// Whether its values are moments or days.
    pub fn is_moment(&self) -> bool {
        matches!(self.kind, ColumnType::Timestamp | ColumnType::Date)
    }
}

impl Table {
    /// The columns that say when a row happened, those that are looked at first before the others.
    pub fn period_columns(&self) -> impl Iterator<Item = &Column> {
        self.period.iter().map(|place| &self.columns[*place])
    }

    /// The place of a column.
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Whether a column belongs to the primary key.
    pub fn is_key(&self, column: usize) -> bool {
        self.key.contains(&column)
    }
}

/// Adds what a schema file declares.
pub(crate) fn parse(file: &File, schema: &mut Schema, faults: &mut Vec<Diagnostic>) {
    let text = Text::new(&file.source);
    let declared = declared(file, file.stem(), &text, &file.source.text, faults);
    schema.tables.extend(declared.tables);
    schema.views.extend(declared.views);
    schema.indexes.extend(declared.indexes);
}

/// What the first part of a file declares, as belonging to a group of tables.
pub(crate) fn declared(
    file: &File,
    group: &str,
    text: &Text,
    declarations: &str,
    faults: &mut Vec<Diagnostic>,
) -> Declared {
    let mut declared = Declared::default();
    let statements = match Parser::parse_sql(&SQLiteDialect {}, declarations) {
        Ok(statements) => statements,
        Err(error) => {
            faults.push(syntax_fault(&file.source, &error.to_string()));
            return declared;
        }
    };
    for statement in statements {
        match statement {
            Statement::CreateTable(create) => {
                declared
                    .tables
                    .extend(table(file, group, text, &create, faults));
            }
            Statement::CreateView(create) => declared.views.push(View {
                name: object_name(&create.name),
                comment: text.comment_above(line_of(create.name.span().start)),
                group: group.to_owned(),
                sql: text.statement(create.name.span().start),
                span: text.span(create.name.span()),
                source: Arc::clone(&file.source),
            }),
            Statement::CreateIndex(create) => {
                declared.indexes.extend(index(file, text, create, faults));
            }
            other => {
                let words = other.to_string();
                let start = words.split_whitespace().next().unwrap_or_default();
                faults.push(
                    Diagnostic::error(
                        "schema-statement",
                        format!(
                            "`{}` holds a statement that is not a schema: `{start} …`",
                            file.source.path
                        ),
                    )
                    .hint("a schema holds `CREATE TABLE`, `CREATE VIEW` and `CREATE INDEX`"),
                );
            }
        }
    }
    declared
}

fn index(
    file: &File,
    text: &Text,
    create: ast::CreateIndex,
    faults: &mut Vec<Diagnostic>,
) -> Option<Index> {
    let span = text.span(create.table_name.span());
    let source = Arc::clone(&file.source);
    let table = object_name(&create.table_name);
    let Some(name) = create.name.as_ref().map(object_name) else {
        faults.push(
            Diagnostic::error(
                "schema-index-name",
                format!("an index on `{table}` has no name"),
            )
            .at(
                &source,
                span,
                "expected `CREATE INDEX Name ON Table (column, …)`",
            ),
        );
        return None;
    };
    let create = ast::CreateIndex {
        if_not_exists: false,
        ..create
    };
    Some(Index {
        name,
        table,
        sql: create.to_string(),
        span,
        source,
    })
}

fn table(
    file: &File,
    group: &str,
    text: &Text,
    create: &ast::CreateTable,
    faults: &mut Vec<Diagnostic>,
) -> Option<Table> {
    let source = &file.source;
    let (name, span) = (object_name(&create.name), text.span(create.name.span()));
    let mut keys: Vec<(String, Range<usize>)> = Vec::new();
    let defined = create.columns.iter();
    let defined =
        defined.filter_map(|defined| column(source, &name, text, defined, &mut keys, faults));
    let mut columns: Vec<Column> = defined.collect();
    keys_of_table(source, text, create, &span, &mut keys, faults);
    let key = key(source, &name, &span, keys, &mut columns, faults)?;
    for column in columns
        .iter()
        .filter(|column| column.not_null && column.odd_as_null)
    {
        faults.push(
            Diagnostic::error(
                "schema-null-and-not",
                format!("`{name}.{}` is both `NULL` and `NOT NULL`", column.name),
            )
            .at(
                source,
                column.span.clone(),
                "expected one of them; a column of the key is always `NOT NULL`",
            ),
        );
    }
    let (comment, period) = period::split(&text.comment_above(line_of(create.name.span().start)));
    let period = period::columns(&name, &period, &columns, &span, source, faults);
    if comment.is_empty() {
        faults.push(
            Diagnostic::warning(
                "schema-comment",
                format!("the table `{name}` has no comment"),
            )
            .at(source, span.clone(), "expected `-- one row per …` above it"),
        );
    }
    Some(Table {
        name,
        comment,
        group: group.to_owned(),
        columns,
        key,
        period,
        span,
        source: Arc::clone(source),
    })
}

/// A column of a table; its own `PRIMARY KEY` goes to `keys`.
fn column(
    source: &Arc<Source>,
    table: &str,
    text: &Text,
    defined: &ast::ColumnDef,
    keys: &mut Vec<(String, Range<usize>)>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Column> {
    let span = text.span(defined.name.span);
    let name = defined.name.value.clone();
    let mut fault = |fault: Diagnostic, expected: &str| {
        faults.push(fault.at(source, span.clone(), expected));
    };
    if name.starts_with(RESERVED) {
        fault(
            Diagnostic::error(
                "schema-reserved-name",
                format!("`{name}` cannot name a column"),
            ),
            "names that begin with `_` are the loader's own",
        );
    }
    let Some(kind) = column_type(&defined.data_type) else {
        let reason = format!("`{}` is not a type that tables can have", defined.data_type);
        fault(
            Diagnostic::error("schema-type", reason),
            "expected TEXT, INTEGER, REAL, BOOLEAN, TIMESTAMP, DATE or JSON",
        );
        return None;
    };
    let mut column = Column {
        name: name.clone(),
        kind,
        not_null: false,
        odd_as_null: false,
        comment: text.comment_of_column(line_of(defined.name.span.start)),
        references: None,
        span: span.clone(),
    };
    for option in &defined.options {
        match &option.option {
            ColumnOption::Null => column.odd_as_null = true,
            ColumnOption::NotNull => column.not_null = true,
            ColumnOption::PrimaryKey(_) => keys.push((name.clone(), span.clone())),
            ColumnOption::ForeignKey(foreign) => {
                let target = foreign.referred_columns.first();
                let target = target.map_or("id".to_owned(), |name| name.value.clone());
                column.references = Some((object_name(&foreign.foreign_table), target));
            }
            other => fault(
                Diagnostic::error(
                    "schema-column-option",
                    format!("`{other}` is not supported on a column"),
                ),
                "expected NULL, NOT NULL, PRIMARY KEY or REFERENCES",
            ),
        }
    }
    if column.comment.is_empty() {
        let reason = format!("the column `{table}.{name}` has no comment");
        fault(
            Diagnostic::warning("schema-comment", reason),
            "expected `-- what it means` above it or behind it",
        );
    }
    Some(column)
}

/// The columns that `PRIMARY KEY (…)` names behind the columns.
fn keys_of_table(
    source: &Arc<Source>,
    text: &Text,
    create: &ast::CreateTable,
    span: &Range<usize>,
    keys: &mut Vec<(String, Range<usize>)>,
    faults: &mut Vec<Diagnostic>,
) {
    for constraint in &create.constraints {
        match constraint {
            TableConstraint::PrimaryKey(primary) => {
                keys.extend(primary.columns.iter().map(|column| {
                    let name = column.column.expr.to_string();
                    let span = text.span(column.column.expr.span());
                    (name.trim_matches('"').to_owned(), span)
                }));
            }
            other => faults.push(
                Diagnostic::error(
                    "schema-constraint",
                    format!("`{other}` is not supported in a table"),
                )
                .at(source, span.clone(), "expected only PRIMARY KEY (…)")
                .hint("write `REFERENCES Table (column)` behind the column"),
            ),
        }
    }
}

/// The places of the key's columns, which cannot be null.
fn key(
    source: &Arc<Source>,
    table: &str,
    span: &Range<usize>,
    keys: Vec<(String, Range<usize>)>,
    columns: &mut [Column],
    faults: &mut Vec<Diagnostic>,
) -> Option<Vec<usize>> {
    let mut key = Vec::new();
    for (name, span) in keys {
        match columns.iter().position(|column| column.name == name) {
            Some(index) => {
                columns[index].not_null = true;
                key.push(index);
            }
            None => faults.push(unknown_key(source, &name, span, columns)),
        }
    }
    if !key.is_empty() {
        return Some(key);
    }
    faults.push(
        Diagnostic::error(
            "schema-without-key",
            format!("`{table}` has no primary key"),
        )
        .at(
            source,
            span.clone(),
            "a row must be known by its key, or newer copies cannot replace older ones",
        )
        .hint("add `PRIMARY KEY (column, …)`"),
    );
    None
}

fn unknown_key(
    source: &Arc<Source>,
    name: &str,
    span: Range<usize>,
    columns: &[Column],
) -> Diagnostic {
    let fault = Diagnostic::error(
        "schema-unknown-column",
        format!("the key names `{name}`, which is not a column"),
    )
    .at(source, span, "");
    match nearest(name, columns.iter().map(|column| column.name.as_str())) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault,
    }
}

fn column_type(data_type: &DataType) -> Option<ColumnType> {
    Some(match data_type.to_string().to_uppercase().as_str() {
        "TEXT" => ColumnType::Text,
        "INTEGER" => ColumnType::Integer,
        "REAL" => ColumnType::Real,
        "BOOLEAN" => ColumnType::Boolean,
        "TIMESTAMP" => ColumnType::Timestamp,
        "DATE" => ColumnType::Date,
        "TIME_ZONE" => ColumnType::TimeZone,
        "JSON" => ColumnType::Json,
        _ => return None,
    })
}

fn object_name(name: &ast::ObjectName) -> String {
    name.0.last().map_or_else(String::new, |part| {
        part.to_string()
            .trim_matches(['"', '`', '[', ']'])
            .to_owned()
    })
}

fn line_of(location: Location) -> usize {
    usize::try_from(location.line).unwrap_or_default()
}

/// The parser puts the place into its message, `… at Line: 3, Column: 7`; a caret shows it better.
fn syntax_fault(source: &Arc<Source>, message: &str) -> Diagnostic {
    let message = message
        .strip_prefix("sql parser error: ")
        .unwrap_or(message);
    let (words, place) = message.rsplit_once(" at Line: ").unwrap_or((message, ""));
    let mut numbers = place
        .split(", Column: ")
        .filter_map(|number| number.parse().ok());
    let offset = match (numbers.next(), numbers.next()) {
        (Some(line), Some(column)) => source.offset(line, column),
        _ => source.text.len(),
    };
    Diagnostic::error("schema-syntax", format!("cannot read the schema: {words}")).at(
        source,
        offset..offset + 1,
        "",
    )
}

#[cfg(test)]
mod tests;
