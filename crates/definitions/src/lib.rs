//! The product, as text: extractors, mappers, schemas, derived tables and queries, and what they mean.
//!
//! [`read`] lays a project's own `definitions/` folder over the built-in one, parses every file into a typed
//! definition that remembers where it was written, and checks them against each other. It reports all faults at
//! once. It neither runs jq nor SQL (`transform` and `store` compile those), and it never looks at data.

mod attention;
mod chart;
mod check;
mod derived;
mod document;
pub mod extractor;
mod guide;
mod indicator;
mod library;
mod mapper;
mod name;
mod query;
mod query_test;
mod reader;
mod schema;
mod sentence;

use std::path::Path;

use diagnostics::Diagnostic;

pub use attention::{Attention, Level};
pub use chart::{Chart, ChartKind};
pub use derived::DerivedTable;
pub use document::{entity_diagram, table_reference};
pub use guide::{COUNTS, EVENTS, Guide, LABELS};
pub use indicator::{Better, Indicator, IndicatorKind};
pub use library::{File, Library, Origin};
pub use mapper::{Mapper, MapperTest, Span, TableMapping, Word};
pub use name::{FileName, SourceName, StreamName};
pub use query::{Group, People, Query};
pub use query_test::{QueryTest, Row, Subject};
pub use schema::{Column, ColumnType, Index, Schema, Table, View};
pub use sentence::{Comparison, Condition, Figure, Piece, Sentence, What};

/// Everything that is in force for a project.
#[derive(Debug)]
pub struct Definitions {
    /// The files, built-in and the project's own.
    pub library: Library,
    /// Tables, views and indexes.
    pub schema: Schema,
    /// One mapper a stream, by stream.
    pub mappers: Vec<Mapper>,
    /// Where records come from, one a source, by source.
    pub extractors: Vec<extractor::Extractor>,
    /// The questions, by name.
    pub queries: Vec<Query>,
    /// The figures that are compared between two periods, by name.
    pub indicators: Vec<Indicator>,
    /// What needs attention, by name.
    pub attention: Vec<Attention>,
    /// The names that postmortems use for the parts of an incident.
    pub guide: Guide,
}

impl Definitions {
    /// The mapper of a stream.
    pub fn mapper(&self, stream: &str) -> Option<&Mapper> {
        self.mappers
            .iter()
            .find(|mapper| *mapper.stream.text == *stream)
    }

    /// Reads the tests of the questions and of derived tables, and gives what is wrong with their texts.
    pub fn query_tests(&self) -> (Vec<QueryTest>, Vec<Diagnostic>) {
        let mut faults = Vec::new();
        let files = self
            .library
            .files
            .iter()
            .filter(|file| query_test::holds_tests(file));
        let tests = files.flat_map(|file| query_test::parse(file, &mut faults));
        (tests.collect(), faults)
    }
}

/// Reads, parses and checks the definitions in force: the built-in ones, overlaid by those in `project`'s folder
/// `definitions/`, if there is one. A file that does not parse is left out of the result and reported; warnings and
/// errors come in the order of their files. Tests of questions are not read: see [`Definitions::query_tests`].
pub fn read(project: &Path) -> (Definitions, Vec<Diagnostic>) {
    let (library, mut faults) = Library::read(project);
    let mut schema = Schema::default();
    let mut mappers = Vec::new();
    let mut extractors = Vec::new();
    let mut queries = Vec::new();
    let mut attention = Vec::new();
    let mut indicators = Vec::new();
    let mut guide = Guide::default();
    for file in &library.files {
        match file.kind() {
            (_, "sql") if reader::is_blank_sql(&file.source.text) => {
                faults.push(reader::empty(&file.source, "its SQL"));
            }
            ("schemas", "sql") => schema::parse(file, &mut schema, &mut faults),
            ("mappers", "yaml") => mappers.extend(mapper::parse(file, &mut faults)),
            ("derived", "sql") => schema.derived.extend(derived::parse(file, &mut faults)),
            ("queries", "sql") => queries.extend(query::parse(file, &mut faults)),
            // Only who runs the tests reads them.
            _ if query_test::holds_tests(file) => {}
            ("indicators", "sql") => indicators.push(indicator::parse(file, &mut faults)),
            ("attention", "yaml") => attention.extend(attention::parse(file, &mut faults)),
            ("postmortems", "yaml") => guide::parse(file, &mut guide, &mut faults),
            ("extractors", "yaml") => extractors.extend(extractor::parse(file, &mut faults)),
            _ => faults.push(library::nothing_reads(file)),
        }
    }
    extractor::check(&mut extractors, &mappers, &mut faults);
    let definitions = Definitions {
        library,
        schema,
        mappers,
        extractors,
        queries,
        indicators,
        attention,
        guide,
    };
    check::check(&definitions, &mut faults);
    (definitions, faults)
}
