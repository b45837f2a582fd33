//! Schemas: `CREATE TABLE`, `CREATE VIEW` and `CREATE INDEX`, parsed once into the model that mapper checks, the
//! store's own DDL, the diagrams and the reference all come from.
//!
//! Comments are part of the model: the lines directly above a table or column, or behind a column on its line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use diagnostics::{Diagnostic, Source, nearest};
use sqlparser::ast::{self, ColumnOption, DataType, Spanned, Statement, TableConstraint};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, Tokenizer, Whitespace};

use crate::File;

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
    /// The table it is on.
    pub table: String,
    /// The statement as written, without its semicolon.
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
    /// A table by its name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Table {
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
    let statements = match Parser::parse_sql(&SQLiteDialect {}, &file.source.text) {
        Ok(statements) => statements,
        Err(error) => {
            faults.push(syntax_fault(&file.source, &error.to_string()));
            return;
        }
    };
    for statement in statements {
        match statement {
            Statement::CreateTable(create) => {
                schema.tables.extend(table(file, &text, &create, faults));
            }
            Statement::CreateView(create) => schema.views.push(View {
                name: object_name(&create.name).0,
                comment: text.comment_above(line_of(create.name.span().start)),
                group: file.stem().to_owned(),
                sql: text.statement(create.name.span().start),
                span: text.span(create.name.span()),
                source: Arc::clone(&file.source),
            }),
            Statement::CreateIndex(create) => schema.indexes.push(Index {
                table: object_name(&create.table_name).0,
                sql: text.statement(create.table_name.span().start),
                span: text.span(create.table_name.span()),
                source: Arc::clone(&file.source),
            }),
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
}

fn table(
    file: &File,
    text: &Text,
    create: &ast::CreateTable,
    faults: &mut Vec<Diagnostic>,
) -> Option<Table> {
    let source = &file.source;
    let (name, span) = (object_name(&create.name).0, text.span(create.name.span()));
    let mut columns = Vec::new();
    let mut key_names: Vec<(String, Range<usize>)> = Vec::new();
    for definition in &create.columns {
        let column_span = text.span(definition.name.span);
        let column_name = definition.name.value.clone();
        if column_name.starts_with(RESERVED) {
            faults.push(
                Diagnostic::error(
                    "schema-reserved-name",
                    format!("`{column_name}` cannot name a column"),
                )
                .at(
                    source,
                    column_span.clone(),
                    "names that begin with `_` are the loader's own",
                ),
            );
        }
        let Some(kind) = column_type(&definition.data_type) else {
            faults.push(
                Diagnostic::error(
                    "schema-type",
                    format!(
                        "`{}` is not a type that tables can have",
                        definition.data_type
                    ),
                )
                .at(
                    source,
                    column_span,
                    "expected TEXT, INTEGER, REAL, BOOLEAN, TIMESTAMP, DATE or JSON",
                ),
            );
            continue;
        };
        let mut column = Column {
            name: column_name.clone(),
            kind,
            not_null: false,
            comment: text.comment_of_column(line_of(definition.name.span.start)),
            references: None,
            span: column_span.clone(),
        };
        for option in &definition.options {
            match &option.option {
                ColumnOption::Null => {}
                ColumnOption::NotNull => column.not_null = true,
                ColumnOption::PrimaryKey(_) => {
                    key_names.push((column_name.clone(), column_span.clone()))
                }
                ColumnOption::ForeignKey(foreign) => {
                    let target = foreign
                        .referred_columns
                        .first()
                        .map_or("id".to_owned(), |name| name.value.clone());
                    column.references = Some((object_name(&foreign.foreign_table).0, target));
                }
                other => faults.push(
                    Diagnostic::error(
                        "schema-column-option",
                        format!("`{other}` is not supported on a column"),
                    )
                    .at(
                        source,
                        column_span.clone(),
                        "expected NOT NULL, PRIMARY KEY or REFERENCES",
                    ),
                ),
            }
        }
        if column.comment.is_empty() {
            faults.push(
                Diagnostic::warning(
                    "schema-comment",
                    format!("the column `{name}.{column_name}` has no comment"),
                )
                .at(
                    source,
                    column_span,
                    "expected `-- what it means` above it or behind it",
                ),
            );
        }
        columns.push(column);
    }
    for constraint in &create.constraints {
        match constraint {
            TableConstraint::PrimaryKey(primary) => {
                for column in &primary.columns {
                    let name = column.column.expr.to_string();
                    key_names.push((
                        name.trim_matches('"').to_owned(),
                        text.span(column.column.expr.span()),
                    ));
                }
            }
            other => faults.push(
                Diagnostic::error(
                    "schema-constraint",
                    format!("`{other}` is not supported in a table"),
                )
                .at(source, span.clone(), "expected PRIMARY KEY (…) alone")
                .hint("write `REFERENCES Table (column)` behind the column"),
            ),
        }
    }
    let mut key = Vec::new();
    for (key_name, key_span) in key_names {
        match columns.iter().position(|column| column.name == key_name) {
            Some(index) => {
                columns[index].not_null = true;
                key.push(index);
            }
            None => faults.push(unknown_key(source, &key_name, key_span, &columns)),
        }
    }
    if key.is_empty() {
        faults.push(
            Diagnostic::error("schema-without-key", format!("`{name}` has no primary key"))
                .at(
                    source,
                    span.clone(),
                    "a row must be known by its key, or newer copies cannot replace older ones",
                )
                .hint("add `PRIMARY KEY (column, …)`"),
        );
        return None;
    }
    let comment = text.comment_above(line_of(create.name.span().start));
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
        group: file.stem().to_owned(),
        columns,
        key,
        span,
        source: Arc::clone(source),
    })
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

fn object_name(name: &ast::ObjectName) -> (String,) {
    (name.0.last().map_or_else(String::new, |part| {
        part.to_string()
            .trim_matches(['"', '`', '[', ']'])
            .to_owned()
    }),)
}

fn line_of(location: Location) -> usize {
    usize::try_from(location.line).unwrap_or_default()
}

/// The parser names the place in its message, `… at Line: 3, Column: 7`; a caret says it better.
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

/// A schema's text with its comments by line.
struct Text {
    source: Arc<Source>,
    /// Lines that hold a comment and nothing else.
    standing: BTreeMap<usize, String>,
    /// Comments behind something else on their line.
    trailing: BTreeMap<usize, String>,
    /// Where each statement ends: the byte offset of its semicolon.
    ends: Vec<usize>,
}

impl Text {
    fn new(source: &Arc<Source>) -> Self {
        let mut standing = BTreeMap::new();
        let mut trailing = BTreeMap::new();
        let mut ends = Vec::new();
        let tokens = Tokenizer::new(&SQLiteDialect {}, &source.text)
            .tokenize_with_location()
            .unwrap_or_default();
        let mut last_line_with_code = 0;
        for token in tokens {
            let line = line_of(token.span.start);
            match token.token {
                Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) => {
                    let comment = comment.trim().to_owned();
                    if last_line_with_code == line {
                        trailing.insert(line, comment);
                    } else {
                        standing.insert(line, comment);
                    }
                }
                Token::Whitespace(_) | Token::EOF => {}
                other => {
                    if other == Token::SemiColon {
                        ends.push(offset(source, token.span.start));
                    }
                    last_line_with_code = line_of(token.span.end);
                }
            }
        }
        Self {
            source: Arc::clone(source),
            standing,
            trailing,
            ends,
        }
    }

    fn span(&self, span: sqlparser::tokenizer::Span) -> Range<usize> {
        offset(&self.source, span.start)..offset(&self.source, span.end)
    }

    /// The comment lines directly above a line, joined by newlines.
    fn comment_above(&self, line: usize) -> String {
        let mut lines: Vec<&str> = (1..line)
            .rev()
            .map_while(|above| self.standing.get(&above))
            .map(String::as_str)
            .collect();
        lines.reverse();
        lines.join("\n").trim().to_owned()
    }

    fn comment_of_column(&self, line: usize) -> String {
        let above = self.comment_above(line).replace('\n', " ");
        match self.trailing.get(&line) {
            Some(behind) if above.is_empty() => behind.clone(),
            Some(behind) => format!("{above} {behind}"),
            None => above,
        }
    }

    /// The statement around a place, from its first word to before its semicolon.
    fn statement(&self, inside: Location) -> String {
        let inside = offset(&self.source, inside);
        let start = self
            .ends
            .iter()
            .rfind(|end| **end < inside)
            .map_or(0, |end| end + 1);
        let end = self
            .ends
            .iter()
            .find(|end| **end > inside)
            .copied()
            .unwrap_or(self.source.text.len());
        let statement = &self.source.text[start..end];
        // The comments above belong to the documentation, not to the statement.
        let mut skipped = 0;
        for line in statement.split_inclusive('\n') {
            if !line.trim().is_empty() && !line.trim_start().starts_with("--") {
                break;
            }
            skipped += line.len();
        }
        statement[skipped..].trim().to_owned()
    }
}

fn offset(source: &Source, location: Location) -> usize {
    source.offset(
        line_of(location),
        usize::try_from(location.column).unwrap_or(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    fn read(text: &str) -> (Schema, Vec<Diagnostic>) {
        let source = Arc::new(Source {
            path: "schemas/s.sql".into(),
            text: text.into(),
        });
        let file = File {
            path: "schemas/s.sql".into(),
            origin: Origin::BuiltIn,
            source,
        };
        let (mut schema, mut faults) = (Schema::default(), Vec::new());
        parse(&file, &mut schema, &mut faults);
        (schema, faults)
    }

    #[test]
    fn tables_columns_keys_and_comments() {
        let (schema, faults) = read(
            "-- one row per user\n-- and more\nCREATE TABLE Users (\n  -- who\n  id TEXT NOT NULL,\n  team_id TEXT REFERENCES Teams (id), -- where\n  at TIMESTAMP, -- when\n  PRIMARY KEY (id)\n);\n\n-- one row per team\nCREATE TABLE Teams (\n  id INTEGER PRIMARY KEY -- its number\n);\n-- on users\nCREATE INDEX users_at ON Users (at);\nCREATE VIEW V AS\n-- inside\nSELECT id FROM Users;",
        );
        assert_eq!(faults, []);
        let users = schema.table("Users").unwrap();
        assert_eq!(users.comment, "one row per user\nand more");
        assert_eq!(
            (
                users.key.as_slice(),
                users.columns[0].not_null,
                users.group.as_str()
            ),
            (&[0][..], true, "s")
        );
        assert_eq!(users.columns[0].comment, "who");
        assert_eq!(users.columns[1].comment, "where");
        assert_eq!(
            users.columns[1].references,
            Some(("Teams".into(), "id".into()))
        );
        assert_eq!(users.columns[2].kind, ColumnType::Timestamp);
        assert_eq!(
            schema.table("Teams").unwrap().columns[0].comment,
            "its number"
        );
        assert_eq!(schema.indexes[0].sql, "CREATE INDEX users_at ON Users (at)");
        assert!(
            schema.views[0]
                .sql
                .starts_with("CREATE VIEW V AS\n-- inside"),
            "{}",
            schema.views[0].sql
        );
    }

    #[test]
    fn all_faults_of_a_table_come_at_once() {
        let (_, faults) = read(
            "CREATE TABLE T (\n  id VARCHAR(3),\n  _x TEXT,\n  a TEXT DEFAULT 'x',\n  PRIMARY KEY (aa)\n);",
        );
        let codes: Vec<_> = faults.iter().map(|fault| fault.code).collect();
        for code in [
            "schema-type",
            "schema-reserved-name",
            "schema-column-option",
            "schema-unknown-column",
            "schema-without-key",
        ] {
            assert!(codes.contains(&code), "{code} not in {codes:?}");
        }
    }

    #[test]
    fn a_syntax_fault_points_at_its_place() {
        let (_, faults) = read("CREATE TABLE T (\n  id TEXT NOT NUL,\n);");
        let (line, _) = faults[0].labels[0]
            .source
            .line_and_column(faults[0].labels[0].span.start);
        assert_eq!(
            (faults[0].code, line),
            ("schema-syntax", 2),
            "{}",
            faults[0].render(false)
        );
    }
}
