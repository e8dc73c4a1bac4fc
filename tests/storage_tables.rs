//! `docs/tables.md` says what the tables are, and a database of every released version opens.
//!
//! With `UPDATE_GOLDEN=1` the page, and the database of the present version, are written anew. Databases of earlier
//! versions stay as they are for ever.
#![cfg(feature = "sqlite")]

use std::{fmt::Write, path::PathBuf};

use sis_integrations::{
    Result, Timestamp,
    storage::{Change, Column, Kind, Query, Record, SqliteStorage, Storage, StorageExt, Table, Value, tables::SCHEMA},
};

fn in_repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::Real => "real",
        Kind::Boolean => "boolean",
        Kind::Bytes => "bytes",
        Kind::Json => "JSON",
        Kind::Timestamp => "moment",
        _ => panic!("a kind that the page does not know"),
    }
}

fn page() -> String {
    let mut page = format!(
        "# Tables\n\n\
         Written from `storage::tables::SCHEMA`, version {}; `UPDATE_GOLDEN=1 cargo test --test storage_tables` writes \
         it anew.\n\n\
         Every table begins with `tenant_id` and `id` (text, together the primary key) and `row_version` (integer: how \
         often the row was written), and every index with `tenant_id`. Booleans are 0 and 1, moments text such as \
         `2026-11-24T19:03:32.123456Z`, and JSON is text where the database has no types of their own for them.\n",
        SCHEMA.version
    );
    for table in SCHEMA.tables {
        write!(
            page,
            "\n## {}\n\n{}\n\n| column | type | may be empty | since |\n|---|---|---|---|\n",
            table.name, table.about
        )
        .unwrap();
        for column in table.columns {
            let empty = if column.nullable { "yes" } else { "" };
            writeln!(page, "| `{}` | {} | {empty} | {} |", column.name, describe(column.kind), column.since).unwrap();
        }
        for (n, index) in table.indexes.iter().enumerate() {
            let unique = if index.unique { "Unique index" } else { "Index" };
            let before = if n == 0 { "\n" } else { "" };
            writeln!(page, "{before}- {unique}: `tenant_id`, `{}`", index.columns.join("`, `")).unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_tables_is_up_to_date() {
    let path = in_repository("docs/tables.md");
    if updating() {
        std::fs::write(&path, page()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page(), "docs/tables.md has drifted: run UPDATE_GOLDEN=1 cargo test --test storage_tables");
}

/// A value that tells the column it is in.
fn golden_value(column: &Column) -> Value {
    match column.kind {
        Kind::Text => format!("{} ünï", column.name).into(),
        Kind::Json => format!("{{\"{}\": [1, \"é\"]}}", column.name).into(),
        Kind::Integer => Value::Integer(-(column.name.len() as i64) << 40),
        Kind::Real => Value::Real(column.name.len() as f64 / 8.0),
        Kind::Boolean => Value::Boolean(column.name.len().is_multiple_of(2)),
        Kind::Bytes => column.name.as_bytes().to_vec().into(),
        Kind::Timestamp => Timestamp::from_micros(1_795_546_800_000_001 + column.name.len() as i64).into(),
        _ => panic!("a kind that has no golden value"),
    }
}

/// Two rows: one full, one with nothing in it but what must be.
fn golden_rows(table: &'static Table) -> [Record; 2] {
    let tenant = "golden".parse().unwrap();
    [("full", true), ("sparse", false)].map(|(id, full)| {
        let mut record = Record::new(table, &tenant, id);
        for column in table.columns.iter().filter(|column| full || !column.nullable) {
            record.put(column.name, golden_value(column));
        }
        // The two must not be in each other's way in a unique index.
        if let Some(column) = table.columns.iter().find(|c| c.kind == Kind::Text && !full) {
            record.put(column.name, "sparse");
        }
        record
    })
}

#[tokio::test]
async fn a_database_of_every_version_opens() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    for version in 1..=SCHEMA.version {
        let golden = in_repository(&format!("tests/golden/schema-v{version}.db"));
        if updating() && version == SCHEMA.version {
            let path = folder.path().join("new.db");
            let storage = SqliteStorage::open(&path).await?;
            storage.migrate(&SCHEMA).await?;
            let rows: Vec<Change> = SCHEMA.tables.iter().flat_map(|t| golden_rows(t)).map(Change::Insert).collect();
            storage.commit(&rows).await?;
            storage.close().await?;
            std::fs::copy(&path, &golden).unwrap();
        }
        let path = folder.path().join(format!("{version}.db"));
        std::fs::copy(&golden, &path).unwrap();
        let storage = SqliteStorage::open(&path).await?;
        storage.migrate(&SCHEMA).await?;
        for table in SCHEMA.tables {
            let found = storage.query_all(Query::of(table, &"golden".parse()?)).await?;
            if table.since > version {
                assert!(found.is_empty(), "{}", table.name);
                continue;
            }
            assert_eq!(found.len(), 2, "{} of version {version}", table.name);
            for (row, shall) in found.iter().zip(golden_rows(table)) {
                for column in table.columns.iter().filter(|column| column.since <= version) {
                    assert_eq!(row.value(column.name), shall.value(column.name), "{}.{}", table.name, column.name);
                }
            }
        }
        storage.close().await?;
    }
    Ok(())
}
