//! What the database does not take of the definitions, tried on an empty one in memory: queries, views, indicators and
//! derived tables. What can be said without a database, `definitions` says.

use std::time::Duration;

use definitions::{Definitions, QueryTest, Subject};
use diagnostics::Diagnostic;
use store::{Place, Reader, Store};

use crate::faults::{column_faults, derived_fault, indicator_fault, query_fault, sql_fault};

/// Compiles every select, and gives what is wrong with them.
pub fn refused(definitions: &Definitions) -> Result<Vec<Diagnostic>, store::Error> {
    let place = Place::new_memory();
    let schema = &definitions.schema;
    let store = Store::open(&place, schema, Duration::ZERO, &mut |_| {});
    let _store = match store {
        Ok(store) => store,
        Err(error) => {
            let message = format!("the database does not take the schemas: {error}");
            let hint = "look at the `CREATE VIEW` and `CREATE INDEX` statements; tables were checked before";
            return Ok(vec![
                Diagnostic::error("schema-refused", message).hint(hint),
            ]);
        }
    };
    let derived = store::derived_faults(&place, schema)?;
    let mut faults: Vec<Diagnostic> = derived
        .iter()
        .map(|fault| derived_fault(schema, fault))
        .collect();
    let reader = Reader::open(&place)?;
    for view in &schema.views {
        let sql = format!("select * from \"{}\"", view.name);
        if let Err(fault) = reader.columns(&sql) {
            let message = format!("the view `{}` does not work: {fault}", view.name);
            let fault = Diagnostic::error("view-refused", message);
            faults.push(fault.at(&view.source, view.span.clone(), ""));
        }
    }
    for indicator in &definitions.indicators {
        match reader.columns(&indicator.sql) {
            Ok(columns) => faults.extend(indicator_fault(indicator, &columns)),
            Err(fault) => {
                let what = format!("the indicator `{}`", indicator.name);
                let fault = sql_fault(schema, &what, &fault);
                faults.push(fault.in_data(indicator.source.path.clone()));
            }
        }
    }
    for query in &definitions.queries {
        match reader.columns(&query.sql) {
            Ok(columns) => faults.extend(column_faults(query, &definitions.attention, &columns)),
            Err(fault) => faults.push(query_fault(schema, query, &fault)),
        }
    }
    Ok(faults)
}

/// Runs the tests of queries and derived tables, and gives those that fail.
pub fn test_queries(
    definitions: &Definitions,
    tests: &[QueryTest],
) -> Result<Vec<Diagnostic>, store::Error> {
    let mut bench = store::TestBench::new(&definitions.schema)?;
    let mut faults = Vec::new();
    for (number, test) in tests.iter().enumerate() {
        let queries = &definitions.queries;
        let all_derived = &definitions.schema.derived;
        let (what, ran) = match &test.subject {
            Subject::Query(name) => (
                format!("query `{name}`"),
                queries
                    .iter()
                    .find(|query| query.name == *name)
                    .map(|query| bench.run(&query.sql, test)),
            ),
            Subject::Derived(name) => (
                format!("derived table `{name}`"),
                all_derived
                    .iter()
                    .find(|derived| derived.name == *name)
                    .map(|derived| bench.run_derived(derived, test)),
            ),
        };
        let Some(ran) = ran else {
            let message = format!("there is no {what}");
            let expected = "its tests have nothing to test";
            faults.push(Diagnostic::error("query-test", message).at(
                &test.source,
                test.span.clone(),
                expected,
            ));
            continue;
        };
        if let Err(difference) = ran {
            let before = &tests[..number];
            let place = before
                .iter()
                .filter(|other| other.subject == test.subject)
                .count()
                + 1;
            let name = match test.name.as_str() {
                "" => format!("test {place}"),
                name => format!("the test `{name}`"),
            };
            faults.push(
                Diagnostic::error("query-test", format!("{name} of the {what} fails")).at(
                    &test.source,
                    test.span.clone(),
                    difference,
                ),
            );
        }
    }
    Ok(faults)
}
