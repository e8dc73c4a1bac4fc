//! Bringing a file up to date.

use rusqlite::OptionalExtension;
use sea_query::SqliteQueryBuilder;

use super::{Sqlite, batch::Writer, errors};
use crate::{
    error::{Error, ErrorCode, Result},
    storage::{Schema, Table, rules, sql::statements},
};

fn version(writer: &Writer) -> Result<u32> {
    let known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'integration_schema'";
    let known: Option<i64> =
        writer.connection.query_row(known, [], |row| row.get(0)).optional().map_err(errors::mapped)?;
    if known.is_none() {
        return Ok(0);
    }
    writer.connection.query_row("SELECT version FROM integration_schema WHERE id = 1", [], |row| row.get(0)).map_err(
        |error| match error.sqlite_error() {
            Some(_) => errors::mapped(error),
            None => Error::new(ErrorCode::StorageCorrupt, "integration_schema does not tell the file's version"),
        },
    )
}

/// Makes what came after the file's version, all or nothing. Any number of processes may do so at once.
pub(super) fn migrate(writer: &mut Writer, schema: &Schema) -> Result<()> {
    if rules::is_current(version(writer)?, schema)? {
        return Ok(());
    }
    writer.execute("BEGIN IMMEDIATE")?;
    let result = upgrade(writer, schema).and_then(|()| writer.execute("COMMIT"));
    writer.roll_back();
    result
}

fn upgrade(writer: &Writer, schema: &Schema) -> Result<()> {
    // Somebody else may have done it while we waited for the lock.
    let from = version(writer)?;
    if rules::is_current(from, schema)? {
        return Ok(());
    }
    writer.execute(
        "CREATE TABLE IF NOT EXISTS integration_schema \
         (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)",
    )?;
    for table in schema.tables {
        let is_new = table.since > from;
        if is_new {
            make(writer, table, table.name, statements::create_table::<Sqlite>(table).to_string(SqliteQueryBuilder))?;
        }
        for column in table.columns.iter().filter(|column| !is_new && column.since > from) {
            let alter = statements::add_column::<Sqlite>(table, column).to_string(SqliteQueryBuilder);
            make(writer, table, column.name, alter)?;
        }
        for index in table.indexes.iter().filter(|index| is_new || index.since > from) {
            let create = statements::create_index(table, index).to_string(SqliteQueryBuilder);
            make(writer, table, &statements::index_name(table, index), create)?;
        }
    }
    let set = format!(
        "INSERT INTO integration_schema (id, version) VALUES (1, {0}) ON CONFLICT (id) DO UPDATE SET version = {0}",
        schema.version
    );
    writer.execute(&set)
}

fn make(writer: &Writer, table: &Table, what: &str, sql: String) -> Result<()> {
    writer.execute(&sql).map_err(|error| match error.code() {
        ErrorCode::Internal => Error::new(
            ErrorCode::StorageCorrupt,
            format!("{what} of {} cannot be made: the database holds something else of that name", table.name),
        ),
        _ => error,
    })
}
