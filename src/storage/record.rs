use std::{borrow::Cow, fmt};

use serde::Serialize;

use crate::{
    error::{Error, ErrorCode, Result},
    model::{TenantId, Timestamp},
};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A signed 64-bit number.
    Integer,
    /// A 64-bit floating point number.
    Real,
    /// True or false.
    Boolean,
    /// Bytes.
    Bytes,
    /// A JSON document, kept as text.
    Json,
    /// A moment with microseconds; as text of fixed width where the database has no type of its own for it.
    Timestamp,
}

/// One column of a [`Table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name, `snake_case`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it may hold [`Value::Null`].
    pub nullable: bool,
    /// The schema version it came with.
    pub since: u32,
}

/// An index: columns after `tenant_id`, which every index begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Index {
    /// The columns, in order.
    pub columns: &'static [&'static str],
    /// Whether no two rows of a tenant may agree in them.
    pub unique: bool,
    /// Whether the rows themselves are best kept in this order, for they are read so; a backend that cannot do that makes
    /// an index of it. Only one of a table's, unique, and there from the first.
    pub clustered: bool,
    /// The schema version it came with.
    pub since: u32,
}

/// A table, described once: the SQL of every backend comes from this.
///
/// Beside its own columns every table has `tenant_id` and `id` (text, together the primary key) and `row_version`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// Its own columns, in order.
    pub columns: &'static [Column],
    /// Its indexes.
    pub indexes: &'static [Index],
    /// The schema version it came with.
    pub since: u32,
}

impl Table {
    /// The position of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }
}

/// All tables, at a version.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Schema {
    /// Goes up by one with every change.
    pub version: u32,
    /// The tables.
    pub tables: &'static [&'static Table],
}

/// What stands in a column.
#[derive(Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// Text, and JSON as text.
    Text(Cow<'static, str>),
    /// A number.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// True or false.
    Boolean(bool),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A moment.
    Timestamp(Timestamp),
}

impl Value {
    /// Whether a column of this kind can hold it.
    pub fn fits(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Value::Null, _)
                | (Value::Text(_), Kind::Text | Kind::Json)
                | (Value::Integer(_), Kind::Integer)
                | (Value::Real(_), Kind::Real)
                | (Value::Boolean(_), Kind::Boolean)
                | (Value::Bytes(_), Kind::Bytes)
                | (Value::Timestamp(_), Kind::Timestamp)
        )
    }
}

/// Bytes may be ciphertext or a digest; their length is all that `Debug` shows.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Integer(number) => write!(f, "{number}"),
            Value::Real(number) => write!(f, "{number}"),
            Value::Boolean(truth) => write!(f, "{truth}"),
            Value::Bytes(bytes) => write!(f, "[{} bytes]", bytes.len()),
            Value::Timestamp(moment) => write!(f, "{moment}"),
        }
    }
}

macro_rules! from {
    ($($from:ty => $make:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                #[allow(clippy::redundant_closure_call)]
                ($make)(value)
            }
        }
    )*};
}

from! {
    String => |v| Value::Text(Cow::Owned(v));
    &'static str => |v| Value::Text(Cow::Borrowed(v));
    i64 => Value::Integer;
    u32 => |v| Value::Integer(i64::from(v));
    u64 => |v| Value::Integer(i64::try_from(v).unwrap_or(i64::MAX));
    f64 => Value::Real;
    bool => Value::Boolean;
    Vec<u8> => Value::Bytes;
    Timestamp => Value::Timestamp;
    serde_json::Value => |v: serde_json::Value| Value::Text(Cow::Owned(v.to_string()));
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Which row.
#[derive(Clone)]
pub struct Key {
    /// Of which table.
    pub table: &'static Table,
    /// Of which tenant.
    pub tenant: TenantId,
    /// Its id, unique within both.
    pub id: String,
}

impl Key {
    /// The row `id` of `tenant` in `table`.
    pub fn new(table: &'static Table, tenant: &TenantId, id: impl Into<String>) -> Self {
        Self { table, tenant: tenant.clone(), id: id.into() }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.table.name == other.table.name && self.tenant == other.tenant && self.id == other.id
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.table.name, self.tenant, self.id)
    }
}

/// One row.
///
/// ```
/// use sis_integrations::storage::{tables, Record};
///
/// let tenant = "tenant-123".parse().unwrap();
/// let record = Record::new(&tables::PERMISSIONS, &tenant, "twilio:u-1").set("user_id", "u-1").set("provider", "twilio");
/// assert_eq!(record.text("user_id").unwrap(), "u-1");
/// ```
#[derive(Clone)]
pub struct Record {
    /// Which row it is.
    pub key: Key,
    /// How often it was written; 1 for a new row.
    pub version: u64,
    values: Vec<Value>,
    /// Where the last `set` was: rows are mostly built in the order of their columns.
    next: usize,
}

impl Record {
    /// A row with nothing in it.
    pub fn new(table: &'static Table, tenant: &TenantId, id: impl Into<String>) -> Self {
        let values = vec![Value::Null; table.columns.len()];
        Self { key: Key::new(table, tenant, id), version: 1, values, next: 0 }
    }

    /// A row as a backend read it: one value for each column of the table, in order.
    pub fn from_values(key: Key, version: u64, values: Vec<Value>) -> Self {
        debug_assert_eq!(values.len(), key.table.columns.len());
        Self { key, version, values, next: 0 }
    }

    /// The same row with `value` in `column`.
    ///
    /// # Panics
    /// If the table has no such column: a mistake in this crate, not of its users.
    pub fn set(mut self, column: &str, value: impl Into<Value>) -> Self {
        self.put(column, value);
        self
    }

    /// Puts `value` in `column`.
    ///
    /// # Panics
    /// If the table has no such column: a mistake in this crate, not of its users.
    pub fn put(&mut self, column: &str, value: impl Into<Value>) {
        let table = self.key.table;
        let position = match table.columns.get(self.next) {
            Some(expected) if expected.name == column => self.next,
            _ => table.position(column).unwrap_or_else(|| panic!("{} has no column {column}", table.name)),
        };
        self.next = position + 1;
        self.values[position] = value.into();
    }

    /// The values in the order of the table's columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// What stands in `column`; `id` and `tenant_id` are not columns of their own.
    pub fn value(&self, column: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.key.table.position(column).map_or(NULL, |position| &self.values[position])
    }

    fn wrong(&self, column: &str) -> Error {
        Error::new(ErrorCode::StorageCorrupt, format!("{}.{column} holds no value of its type", self.key.table.name))
    }

    /// The text in `column`.
    pub fn text(&self, column: &str) -> Result<&str> {
        self.opt_text(column).ok_or_else(|| self.wrong(column))
    }

    /// The text in `column`, if there is any.
    pub fn opt_text(&self, column: &str) -> Option<&str> {
        match self.value(column) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number in `column`.
    pub fn integer(&self, column: &str) -> Result<i64> {
        match self.value(column) {
            Value::Integer(number) => Ok(*number),
            _ => Err(self.wrong(column)),
        }
    }

    /// The truth in `column`.
    pub fn boolean(&self, column: &str) -> Result<bool> {
        match self.value(column) {
            Value::Boolean(truth) => Ok(*truth),
            _ => Err(self.wrong(column)),
        }
    }

    /// The bytes in `column`.
    pub fn bytes(&self, column: &str) -> Result<&[u8]> {
        match self.value(column) {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong(column)),
        }
    }

    /// The moment in `column`.
    pub fn timestamp(&self, column: &str) -> Result<Timestamp> {
        self.opt_timestamp(column).ok_or_else(|| self.wrong(column))
    }

    /// The moment in `column`, if there is one.
    pub fn opt_timestamp(&self, column: &str) -> Option<Timestamp> {
        match self.value(column) {
            Value::Timestamp(moment) => Some(*moment),
            _ => None,
        }
    }

    /// The JSON document in `column`, read into its type.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(self.text(column)?).map_err(|_| self.wrong(column))
    }
}

/// However it was built: what was set last does not count.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.version == other.version && self.values == other.values
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Record");
        shown.field("key", &self.key).field("version", &self.version);
        for (column, value) in self.key.table.columns.iter().zip(&self.values) {
            if *value != Value::Null {
                shown.field(column.name, value);
            }
        }
        shown.finish()
    }
}
