//! A mapper compiled against its tables: which lane each expression takes, and what the jq ones say.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use definitions::{ColumnType, Mapper, Schema, StreamName, Table, TableMapping, Word};
use diagnostics::Diagnostic;
use raw::{CsvMember, Layout};

use crate::oddities::Members;
use crate::path::{self, EachPath, Path, Root, Split};
use crate::time::Clock;
use crate::walk::Walk;
use crate::{Worker, jq};

/// What a row depends on besides the record.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How times are read that leave something open.
    pub clock: Clock,
    /// The lists of agreed names that are there, by the file that a mapper names.
    pub agreed: HashMap<String, Vec<String>>,
    /// The columns of CSV files that a mapper reads, by the setting that names them.
    pub headings: HashMap<String, String>,
    /// The latest time that is no slip of the pen, as columns keep times; nothing where any is.
    pub latest: Option<String>,
}

/// A compiled mapper. It can be shared between threads; each makes a [`Worker`] of its own.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The stream.
    pub stream: StreamName,
    /// How its records lie in its files.
    pub layout: Layout,
    /// The tables, the record's own first.
    pub tables: Vec<TablePlan>,
    pub(crate) records: Option<String>,
    /// The paths from the record on, of all tables.
    pub(crate) walk: Walk,
    /// The number of the path to the list of records, where a file may hold a whole response.
    pub(crate) in_envelope: Option<usize>,
    /// The number of the path to when a record was fetched.
    pub(crate) fetched_at: Option<usize>,
    /// The members that a record may have; empty where any may be there.
    pub(crate) members: Members,
    pub(crate) setting: Arc<Setting>,
}

/// How one table is filled.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// The table.
    pub table: Table,
    pub(crate) each: Option<EachPlan>,
    /// The paths from the elements of `each` on.
    pub(crate) walk: Walk,
    /// One for each column of the table.
    pub(crate) columns: Vec<ColumnPlan>,
    /// Columns whose times should be plausible.
    pub(crate) plausible: Vec<usize>,
    /// Pairs of columns whose times should be in order.
    pub(crate) in_order: Vec<(usize, usize)>,
}

#[derive(Debug, Clone)]
pub(crate) enum EachPlan {
    Path(EachPath),
    /// The value at a path, piped into jq, which gives the elements.
    Piped(Path, String),
    Jq(String),
}

#[derive(Debug, Clone)]
pub(crate) struct ColumnPlan {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) not_null: bool,
    /// Whether an odd value costs this column only, and not the record.
    pub(crate) odd_as_null: bool,
    pub(crate) source: ColumnSource,
    /// Where its path is among those of a walk, if it has one that a walk finds.
    pub(crate) place: Option<PathPlace>,
    /// The file of agreed names that its values should be in.
    pub(crate) agreed: Option<HashSet<String>>,
}

/// The number of a path in the walk over the record, or in that over an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathPlace {
    Record(usize),
    Element(usize),
}

#[derive(Debug, Clone)]
pub(crate) enum ColumnSource {
    /// No expression fills it.
    Nothing,
    Path(Path),
    /// The value at a path, piped into jq.
    Piped(Path, String),
    Jq(String),
}

/// Compiles a mapper. The definitions must have passed their own check; what is wrong in the jq comes back, all of
/// it, with its place.
pub fn plan(
    mapper: &Mapper,
    schema: &Schema,
    setting: &Arc<Setting>,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut compiler = Compiler {
        mapper,
        setting,
        record_walk: Walk::new(),
        faults: Vec::new(),
    };
    let envelope = mapper
        .records
        .as_ref()
        .and_then(|word| path::envelope(&word.text));
    if let (Some(word), None) = (&mapper.records, &envelope) {
        compiler.try_jq(word);
    }
    let fetched_at = match path::split("._extract.at") {
        Split::Path(path) => Some(compiler.record_walk.add(&path)),
        _ => None,
    };
    let in_envelope = envelope.as_ref().map(|path| compiler.record_walk.add(path));
    let mut tables = Vec::new();
    for mapping in &mapper.tables {
        if let Some(table) = schema.table(&mapping.table.text) {
            tables.push(compiler.table(mapping, table));
        }
    }
    if !compiler.faults.is_empty() {
        return Err(compiler.faults);
    }
    if let Some(own) = tables.iter().position(|table| table.each.is_none()) {
        tables[..=own].rotate_right(1);
    }
    Ok(Plan {
        stream: mapper.stream.text.clone(),
        records: mapper
            .records
            .as_ref()
            .filter(|_| envelope.is_none())
            .map(|word| word.text.clone()),
        layout: Layout {
            envelope: envelope
                .as_ref()
                .and_then(Path::only_member)
                .map(str::to_owned),
            members: columns_of_csv(mapper, &tables, setting),
        },
        tables,
        walk: compiler.record_walk,
        in_envelope,
        fetched_at,
        members: Members::of(mapper.members.iter().map(|name| name.text.as_str())),
        setting: Arc::clone(setting),
    })
}

/// What comes together while the tables of a mapper are compiled.
struct Compiler<'m> {
    mapper: &'m Mapper,
    setting: &'m Setting,
    /// The paths from the record on, of all tables.
    record_walk: Walk,
    faults: Vec<Diagnostic>,
}

impl Compiler<'_> {
    /// Notes what is wrong in the jq of an expression.
    fn try_jq(&mut self, word: &Word) {
        self.faults.extend(jq_faults(self.mapper, word));
    }

    fn table(&mut self, mapping: &TableMapping, table: &Table) -> TablePlan {
        let each = mapping.each.as_ref().map(|word| self.each(word));
        let mut walk = Walk::new();
        let columns = table.columns.iter().map(|column| {
            let source = self.source(mapping.expression(&column.name));
            let mut agreed = mapping.agreed.iter();
            let agreed = agreed.find(|(name, _)| name.text == column.name);
            let agreed = agreed.and_then(|(_, file)| self.setting.agreed.get(&*file.text));
            let place = match &source {
                ColumnSource::Path(path) | ColumnSource::Piped(path, _) => {
                    if each.is_some() && path.root == Root::Element {
                        Some(PathPlace::Element(walk.add(path)))
                    } else {
                        Some(PathPlace::Record(self.record_walk.add(path)))
                    }
                }
                ColumnSource::Nothing | ColumnSource::Jq(_) => None,
            };
            ColumnPlan {
                name: column.name.clone(),
                kind: column.kind,
                not_null: column.not_null,
                odd_as_null: column.odd_as_null,
                source,
                place,
                agreed: agreed.map(|names| names.iter().cloned().collect()),
            }
        });
        let place = |word: &Word| table.column_index(&word.text);
        let pair = |(earlier, later): &(Word, Word)| place(earlier).zip(place(later));
        TablePlan {
            columns: columns.collect(),
            walk,
            plausible: mapping.plausible.iter().filter_map(place).collect(),
            in_order: mapping.in_order.iter().filter_map(pair).collect(),
            each,
            table: table.clone(),
        }
    }

    fn each(&mut self, word: &Word) -> EachPlan {
        if let Some(path) = path::each_path(&word.text) {
            return EachPlan::Path(path);
        }
        self.try_jq(word);
        match path::split(&word.text) {
            Split::Piped(path, filter) => EachPlan::Piped(path, filter.to_owned()),
            _ => EachPlan::Jq(word.text.clone()),
        }
    }

    fn source(&mut self, expression: Option<&Word>) -> ColumnSource {
        let Some(word) = expression else {
            return ColumnSource::Nothing;
        };
        let split = path::split(&word.text);
        if !matches!(split, Split::Path(_)) {
            self.try_jq(word);
        }
        match split {
            Split::Path(path) => ColumnSource::Path(path),
            Split::Piped(path, filter) => ColumnSource::Piped(path, filter.to_owned()),
            Split::Other => ColumnSource::Jq(word.text.clone()),
        }
    }
}

impl Plan {
    /// Something that runs the plan in this thread.
    pub fn worker(&self) -> Worker<'_> {
        Worker::new(self)
    }
}

/// The members that must or may be columns of a CSV file: those of the key, and those that may be called otherwise.
fn columns_of_csv(mapper: &Mapper, tables: &[TablePlan], setting: &Setting) -> Vec<CsvMember> {
    let mut members: Vec<CsvMember> = Vec::new();
    for (member, name) in &mapper.headings {
        members.push(CsvMember {
            name: member.text.clone(),
            is_needed: false,
            setting: Some(name.text.clone()),
            called: setting.headings.get(&name.text).cloned(),
        });
    }
    let own = tables.first().filter(|table| table.each.is_none());
    let key = own
        .into_iter()
        .flat_map(|own| own.table.key.iter().map(|column| &own.columns[*column]));
    for column in key {
        let (ColumnSource::Path(path) | ColumnSource::Piped(path, _)) = &column.source else {
            continue;
        };
        let Some(name) = path.only_member() else {
            continue;
        };
        match members.iter_mut().find(|member| member.name == name) {
            Some(member) => member.is_needed = true,
            None => members.push(CsvMember {
                name: name.to_owned(),
                is_needed: true,
                setting: None,
                called: None,
            }),
        }
    }
    members
}

fn jq_faults(mapper: &Mapper, word: &Word) -> Vec<Diagnostic> {
    let faults = jq::compile(&word.text).err().unwrap_or_default();
    let diagnostic = |fault: jq::FilterFault| {
        // Where the expression is plain in the file, the caret points into it; quoted or folded, at its beginning.
        let plain = mapper.source.text.get(word.span.clone()) == Some(word.text.as_str());
        let span = if plain {
            let start = (word.span.start + fault.span.start).min(word.span.end);
            start..(start + fault.span.len().max(1)).min(word.span.end.max(start + 1))
        } else {
            word.span.clone()
        };
        Diagnostic::error(
            "mapper-jq",
            format!("cannot compile the expression: {}", fault.message),
        )
        .at(&mapper.source, span, "")
        .hint(match fault.near {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "expressions are jq; the filters are those of https://jqlang.org/manual".to_owned()
            }
        })
    };
    faults.into_iter().map(diagnostic).collect()
}
