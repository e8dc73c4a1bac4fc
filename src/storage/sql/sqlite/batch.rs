//! A commit on its way to the thread: checked, and packed into few allocations.

use std::{collections::HashMap, fmt::Write};

use rusqlite::{CachedStatement, Connection, ToSql, types::ToSqlOutput, types::ValueRef};
use sea_query::SqliteQueryBuilder;

use super::{Sqlite, errors};
use crate::{
    error::{Error, Result},
    storage::{Change, Key, Record, Table, Value, conflict, rules, sql::statements},
};

/// Changes as the statements' parameters. Packing happens where the caller runs, so that the one thread that writes
/// only binds and steps.
#[derive(Default)]
pub(super) struct Batch {
    text: String,
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    steps: Vec<Step>,
}

enum Slot {
    Null,
    Integer(i64),
    Real(f64),
    /// From where to where in the batch's text.
    Text(usize, usize),
    /// From where to where in the batch's bytes.
    Bytes(usize, usize),
}

struct Step {
    verb: Verb,
    table: &'static Table,
    /// Where its parameters end; they begin where those of the step before it end.
    end: usize,
}

enum Verb {
    Insert,
    /// A put without an expected version.
    Upsert,
    /// A put with one.
    Update,
    Delete,
    DeleteExpected,
    DeleteWhere(String),
}

impl Batch {
    pub(super) fn pack(changes: &[Change]) -> Result<Self> {
        let mut batch = Self::default();
        batch.steps.reserve(changes.len());
        for change in changes {
            batch.push(change)?;
        }
        Ok(batch)
    }

    fn push(&mut self, change: &Change) -> Result<()> {
        let (verb, table) = match change {
            Change::Insert(record) => {
                self.record(record)?;
                (Verb::Insert, record.key.table)
            }
            Change::Put { record, expected } => {
                self.record(record)?;
                (self.expect(*expected, Verb::Update, Verb::Upsert), record.key.table)
            }
            Change::Delete { key, expected } => {
                self.key(key);
                (self.expect(*expected, Verb::DeleteExpected, Verb::Delete), key.table)
            }
            Change::DeleteWhere { query, limit } => {
                let (sql, values) = statements::delete_where::<Sqlite>(query, *limit)?.build(SqliteQueryBuilder);
                for value in values {
                    self.parameter(value);
                }
                (Verb::DeleteWhere(sql), query.table)
            }
        };
        self.steps.push(Step { verb, table, end: self.slots.len() });
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<()> {
        rules::check(record)?;
        self.key(&record.key);
        for value in record.values() {
            self.value(value);
        }
        Ok(())
    }

    fn key(&mut self, key: &Key) {
        self.text(key.tenant.as_str());
        self.text(&key.id);
    }

    fn expect(&mut self, expected: Option<u64>, with: Verb, without: Verb) -> Verb {
        let Some(version) = expected else {
            return without;
        };
        // No row has a version that an i64 cannot hold; -1 finds none either.
        self.slots.push(Slot::Integer(i64::try_from(version).unwrap_or(-1)));
        with
    }

    fn text(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.slots.push(Slot::Text(start, self.text.len()));
    }

    fn blob(&mut self, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.slots.push(Slot::Bytes(start, self.bytes.len()));
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.slots.push(Slot::Null),
            Value::Text(text) => self.text(text),
            Value::Integer(number) => self.slots.push(Slot::Integer(*number)),
            Value::Real(number) => self.slots.push(Slot::Real(*number)),
            Value::Boolean(truth) => self.slots.push(Slot::Integer(i64::from(*truth))),
            Value::Bytes(bytes) => self.blob(bytes),
            Value::Timestamp(moment) => {
                let start = self.text.len();
                // Writing to a String cannot fail.
                let _ = write!(self.text, "{moment}");
                self.slots.push(Slot::Text(start, self.text.len()));
            }
        }
    }

    fn parameter(&mut self, value: sea_query::Value) {
        use sea_query::Value as Sql;
        match value {
            Sql::String(Some(text)) => self.text(&text),
            Sql::Bytes(Some(bytes)) => self.blob(&bytes),
            Sql::BigInt(Some(number)) => self.slots.push(Slot::Integer(number)),
            Sql::Int(Some(number)) => self.slots.push(Slot::Integer(number.into())),
            Sql::BigUnsigned(Some(number)) => {
                self.slots.push(Slot::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
            }
            Sql::Double(Some(number)) => self.slots.push(Slot::Real(number)),
            // `statements` makes no other.
            _ => self.slots.push(Slot::Null),
        }
    }

    /// One statement's parameters, for a query instead of a commit.
    pub(super) fn of_parameters(values: sea_query::Values) -> Self {
        let mut batch = Self::default();
        for value in values {
            batch.parameter(value);
        }
        batch
    }

    /// Parameters of a look at one row.
    pub(super) fn of_key(key: &Key) -> Self {
        let mut batch = Self::default();
        batch.key(key);
        batch
    }

    /// Binds all there is.
    pub(super) fn bind_all(&self, statement: &mut CachedStatement<'_>) -> rusqlite::Result<()> {
        self.bind(statement, 0, self.slots.len())
    }

    fn bind(&self, statement: &mut CachedStatement<'_>, start: usize, end: usize) -> rusqlite::Result<()> {
        for (n, slot) in self.slots[start..end].iter().enumerate() {
            let value = match *slot {
                Slot::Null => ValueRef::Null,
                Slot::Integer(number) => ValueRef::Integer(number),
                Slot::Real(number) => ValueRef::Real(number),
                Slot::Text(start, end) => ValueRef::Text(&self.text.as_bytes()[start..end]),
                Slot::Bytes(start, end) => ValueRef::Blob(&self.bytes[start..end]),
            };
            statement.raw_bind_parameter(n + 1, Bound(value))?;
        }
        Ok(())
    }
}

struct Bound<'a>(ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

/// The statements of one table whose text does not depend on the values.
struct Texts {
    insert: String,
    upsert: String,
    update: String,
    delete: String,
    delete_expected: String,
}

impl Texts {
    fn of(table: &Table) -> Self {
        let name = table.name;
        let columns = || table.columns.iter().map(|column| column.name).enumerate();
        let named: String = columns().map(|(_, column)| format!(", \"{column}\"")).collect();
        let marks: String = columns().map(|(n, _)| format!(", ?{}", n + 3)).collect();
        let insert = format!("INSERT INTO \"{name}\" (tenant_id, id, row_version{named}) VALUES (?1, ?2, 1{marks})");
        let excluded: String = columns().map(|(_, column)| format!(", \"{column}\" = excluded.\"{column}\"")).collect();
        let set: String = columns().map(|(n, column)| format!(", \"{column}\" = ?{}", n + 3)).collect();
        let upsert =
            format!("{insert} ON CONFLICT (tenant_id, id) DO UPDATE SET row_version = row_version + 1{excluded}");
        let update = format!(
            "UPDATE \"{name}\" SET row_version = row_version + 1{set} \
             WHERE tenant_id = ?1 AND id = ?2 AND row_version = ?{}",
            table.columns.len() + 3
        );
        let delete = format!("DELETE FROM \"{name}\" WHERE tenant_id = ?1 AND id = ?2");
        let delete_expected = format!("{delete} AND row_version = ?3");
        Self { insert, upsert, update, delete, delete_expected }
    }

    fn of_verb<'a>(&'a self, verb: &'a Verb) -> &'a str {
        match verb {
            Verb::Insert => &self.insert,
            Verb::Upsert => &self.upsert,
            Verb::Update => &self.update,
            Verb::Delete => &self.delete,
            Verb::DeleteExpected => &self.delete_expected,
            Verb::DeleteWhere(sql) => sql,
        }
    }
}

/// The connection that writes.
pub(super) struct Writer {
    pub(super) connection: Connection,
    /// By the table's address: two descriptions of one table are two.
    texts: HashMap<usize, Texts>,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, texts: HashMap::new() }
    }

    /// Applies the batch, or nothing of it.
    pub(super) fn commit(&mut self, batch: &Batch) -> Result<()> {
        match batch.steps.len() {
            0 => Ok(()),
            // A lone statement is a transaction of its own.
            1 => self.apply(batch),
            _ => {
                self.execute("BEGIN IMMEDIATE")?;
                let result = self.apply(batch).and_then(|()| self.execute("COMMIT"));
                self.roll_back();
                result
            }
        }
    }

    /// Ends a transaction that is still open. A full disk has ended it already.
    pub(super) fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            // What is not rolled back now is when the connection closes; there is no other answer to this failing.
            let _ = self.execute("ROLLBACK");
        }
    }

    pub(super) fn execute(&self, sql: &str) -> Result<()> {
        let run = || self.connection.prepare_cached(sql)?.raw_execute();
        run().map(drop).map_err(errors::mapped)
    }

    fn apply(&mut self, batch: &Batch) -> Result<()> {
        // A batch of many calls holds few kinds of statements, by turns: each is looked up once.
        let mut prepared: Vec<(&Step, CachedStatement<'_>)> = Vec::new();
        let mut start = 0;
        for (n, step) in batch.steps.iter().enumerate() {
            let known = prepared.iter().position(|(other, _)| step.is_like(other));
            let at = match known {
                Some(at) => at,
                None => {
                    let texts = self.texts.entry(std::ptr::from_ref(step.table).addr());
                    let sql = texts.or_insert_with(|| Texts::of(step.table)).of_verb(&step.verb);
                    prepared.push((step, self.connection.prepare_cached(sql).map_err(errors::mapped)?));
                    prepared.len() - 1
                }
            };
            let statement = &mut prepared[at].1;
            let result = batch.bind(statement, start, step.end).and_then(|()| statement.raw_execute());
            match result {
                Ok(0) if matches!(step.verb, Verb::Update | Verb::DeleteExpected) => return Err(conflict(n)),
                Ok(_) => {}
                Err(error) if errors::is_taken(&error) => return Err(conflict(n)),
                Err(error) => return Err(errors::mapped(error)),
            }
            start = step.end;
        }
        Ok(())
    }
}

impl Step {
    /// Whether both are the same statement.
    fn is_like(&self, other: &Step) -> bool {
        let same_verb = match (&self.verb, &other.verb) {
            (Verb::DeleteWhere(one), Verb::DeleteWhere(other)) => one == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        };
        same_verb && std::ptr::eq(self.table, other.table)
    }
}

/// What `SELECT` of one row by its key is called.
pub(super) fn select_row(table: &Table) -> String {
    let named: String = table.columns.iter().map(|column| format!(", \"{}\"", column.name)).collect();
    format!("SELECT tenant_id, id, row_version{named} FROM \"{}\" WHERE tenant_id = ?1 AND id = ?2", table.name)
}

/// The error for a value that this version did not write.
pub(super) fn unreadable(table: &Table, column: &str) -> Error {
    Error::new(
        crate::error::ErrorCode::StorageCorrupt,
        format!("{}.{column} holds a value of another type", table.name),
    )
}
