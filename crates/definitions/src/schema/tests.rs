use super::*;

fn read(text: &str) -> (Schema, Vec<Diagnostic>) {
    let file = File::built_in("schemas/s.sql", text);
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
    assert_eq!(schema.indexes[0].sql, "CREATE INDEX users_at ON Users(at)");
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
