use std::time::Duration;

use super::*;

/// A database in memory with the built-in schema.
fn store() -> (Place, Store) {
    let place = Place::new_memory();
    let (definitions, _) = definitions::read(Path::new("nowhere"));
    let store = Store::open(&place, &definitions.schema, Duration::ZERO, &mut |_| {}).unwrap();
    (place, store)
}

fn ask(place: &Place, sql: &str, timeout: Option<Duration>) -> Result<Vec<Vec<Value>>, QueryFault> {
    let mut rows = Vec::new();
    let answered =
        Reader::open(place)
            .unwrap()
            .query(sql, Limits { timeout }, &mut |_| Ok(()), &mut |row| {
                rows.push(row.to_vec());
                Ok(())
            });
    answered.unwrap().map(|_| rows)
}

#[test]
fn values_have_the_types_of_their_columns() {
    let (place, store) = store();
    store
        .connection
        .execute_batch("insert into DataDogMonitors (id, name, type, is_muted, _file, _line) values (1, 'm', 't', 1, 0, 0)")
        .unwrap();
    let rows = ask(
        &place,
        "select is_muted, id, 1.5, null, 'x', x'ff' from DataDogMonitors",
        None,
    )
    .unwrap();
    let expected = [
        Value::Boolean(true),
        Value::Integer(1),
        Value::Real(1.5),
        Value::Null,
        Value::Text("x".into()),
        Value::Text("ff".into()),
    ];
    assert_eq!(rows, [expected]);
}

#[test]
fn queries_cannot_write() {
    let (place, store) = store();
    for sql in [
        "delete from Incidents",
        "insert into _runs values (1, 1, 1, 1, 1)",
        "drop table Incidents",
        "pragma journal_mode = delete",
        "attach ':memory:' as other",
        "create temp table t (a)",
        "begin",
        "vacuum",
        "with x as (select 1) delete from Incidents",
    ] {
        assert_eq!(ask(&place, sql, None), Err(QueryFault::Writes), "{sql}");
        assert_eq!(
            Reader::open(&place).unwrap().columns(sql),
            Err(QueryFault::Writes),
            "{sql}"
        );
    }
    assert_eq!(
        ask(&place, "select 1; select 2", None),
        Err(QueryFault::Statements(2))
    );
    assert_eq!(
        ask(&place, "-- nothing", None),
        Err(QueryFault::Statements(0))
    );
    let count: i64 = store
        .connection
        .query_row("select count(*) from _tables", [], |row| row.get(0))
        .unwrap();
    assert!(count > 20);
}

#[test]
fn queries_end_when_their_time_is_up() {
    let (place, _store) = store();
    let endless =
        "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n";
    assert_eq!(
        ask(&place, endless, Some(Duration::from_millis(50))),
        Err(QueryFault::Timeout(0))
    );
}

#[test]
fn faults_in_sql_have_their_place() {
    let (place, _store) = store();
    let offset = |sql: &str| match ask(&place, sql, None) {
        Err(QueryFault::Sql { offset, .. }) => offset,
        other => panic!("{other:?}"),
    };
    assert_eq!(offset("select nme from Incidents"), Some(7));
    assert_eq!(offset("select id frm Incidents x y"), Some(14));
    assert_eq!(offset("select id from Incident"), None);
}

#[test]
fn sparks_functions_are_there_and_like_minds_case() {
    let (place, _store) = store();
    let rows = ask(
        &place,
        "select date_trunc('month', '2026-11-23T20:05:00Z'), 'a' like 'A'",
        None,
    )
    .unwrap();
    assert_eq!(
        rows,
        [[
            Value::Text("2026-11-01T00:00:00Z".into()),
            Value::Integer(0)
        ]]
    );
}

#[test]
fn databases_in_memory_are_apart() {
    let (first, _keep) = store();
    let (second, _keep_too) = store();
    assert_ne!(first, second);
    assert!(matches!(
        Reader::open(&Place::new_memory()).map(drop),
        Err(Error::Foreign { .. } | Error::Other { .. })
    ));
}

#[test]
fn a_database_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("create table theirs (a)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let (definitions, _) = definitions::read(Path::new("nowhere"));
    let place = Place::Disk(path.clone());
    let opened = Store::open(&place, &definitions.schema, Duration::ZERO, &mut |_| {});
    assert!(matches!(opened, Err(Error::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(
        &path,
        "not a database at all, but long enough to be looked at as one".repeat(20),
    )
    .unwrap();
    let opened = Store::open(&place, &definitions.schema, Duration::ZERO, &mut |_| {});
    assert!(matches!(opened, Err(Error::Foreign { .. })));
}

#[test]
fn one_run_loads_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Disk(folder.path().join("own.db"));
    let (definitions, _) = definitions::read(Path::new("nowhere"));
    let first = Store::open(&place, &definitions.schema, Duration::ZERO, &mut |_| {}).unwrap();
    let second = Store::open(&place, &definitions.schema, Duration::ZERO, &mut |_| {});
    let Err(Error::Held { holder, .. }) = second else {
        panic!("the second must be told")
    };
    assert!(holder.contains(&std::process::id().to_string()), "{holder}");
    drop(first);
    assert!(Store::open(&place, &definitions.schema, Duration::ZERO, &mut |_| {}).is_ok());
}

#[test]
fn a_schema_that_changed_makes_its_table_anew_and_leaves_others() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Disk(folder.path().join("own.db"));
    let schemas = folder.path().join("definitions/schemas");
    std::fs::create_dir_all(&schemas).unwrap();
    let open = |own: &str| {
        std::fs::write(schemas.join("own.sql"), own).unwrap();
        let (definitions, _) = definitions::read(folder.path());
        Store::open(&place, &definitions.schema, Duration::ZERO, &mut |_| {}).unwrap()
    };
    let rows = |store: &Store, table: &str| -> Option<i64> {
        store
            .connection
            .query_row(&format!("select count(*) from {table}"), [], |row| {
                row.get(0)
            })
            .ok()
    };
    let store = open(
        "CREATE TABLE A (id TEXT PRIMARY KEY); CREATE TABLE B (id TEXT PRIMARY KEY); CREATE VIEW V AS SELECT id FROM A;",
    );
    store
        .connection
        .execute_batch("insert into A values ('x', 0, 0, 0); insert into B values ('x', 0, 0, 0)")
        .unwrap();
    drop(store);
    let store = open(
        "CREATE TABLE A (id TEXT PRIMARY KEY, more TEXT); CREATE TABLE B (id TEXT PRIMARY KEY); CREATE VIEW V AS SELECT more FROM A;",
    );
    assert_eq!(
        (rows(&store, "A"), rows(&store, "B"), rows(&store, "V")),
        (Some(0), Some(1), Some(0))
    );
    drop(store);
    let store = open("CREATE TABLE B (id TEXT PRIMARY KEY);");
    assert_eq!(
        (rows(&store, "A"), rows(&store, "B"), rows(&store, "V")),
        (None, Some(1), None)
    );
}
