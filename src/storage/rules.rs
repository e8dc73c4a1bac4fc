//! What our own backends check and compare, so that they answer alike.

use std::cmp::Ordering;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use super::{Change, Cursor, Filter, Kind, Query, Record, Schema, Scope, Table, Test, Value};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{TenantId, Timestamp},
};

/// The moments whose text has the fixed width that makes it sort.
pub(super) const SORTABLE: std::ops::RangeInclusive<i64> = Timestamp::SORTABLE;

/// A column that filters, orders and groups may name; `id` is one of them.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    /// Where it stands among the table's own columns; `None` is the id.
    position: Option<usize>,
}

impl Place {
    pub(super) fn of(table: &'static Table, column: &str) -> Result<Self> {
        if column == "id" {
            return Ok(Self { name: "id", kind: Kind::Text, nullable: false, position: None });
        }
        let position =
            table.position(column).ok_or_else(|| Error::internal(format!("{} has no column {column}", table.name)))?;
        let column = &table.columns[position];
        Ok(Self { name: column.name, kind: column.kind, nullable: column.nullable, position: Some(position) })
    }

    /// What the record holds there.
    pub(super) fn value(self, record: &Record) -> Value {
        match self.position {
            Some(position) => record.values()[position].clone(),
            None => Value::Text(record.key.id.clone().into()),
        }
    }

    /// The same, compared with `value` without a copy.
    fn compare(self, record: &Record, value: &Value) -> Ordering {
        match (self.position, value) {
            (Some(position), value) => compare(&record.values()[position], value),
            (None, Value::Text(text)) => record.key.id.as_str().cmp(text),
            (None, _) => Ordering::Greater,
        }
    }

    fn is_null(self, record: &Record) -> bool {
        self.position.is_some_and(|position| record.values()[position] == Value::Null)
    }
}

/// Why no backend could keep what the change writes.
pub(super) fn unstorable(change: &Change) -> Option<Error> {
    match change {
        Change::Insert(record) | Change::Put { record, .. } => check(record).err(),
        Change::Delete { .. } | Change::DeleteWhere { .. } => None,
    }
}

/// Refuses a record that no backend could keep as it is.
pub(super) fn check(record: &Record) -> Result<()> {
    let table = record.key.table;
    if record.values().len() != table.columns.len() {
        return Err(Error::internal(format!("a record of {} does not have the table's columns", table.name)));
    }
    for (column, value) in table.columns.iter().zip(record.values()) {
        let wrong = |why: &str| Err(Error::internal(format!("{}.{} {why}", table.name, column.name)));
        match value {
            Value::Null if !column.nullable => return wrong("must not be empty"),
            value if !value.fits(column.kind) => return wrong("was given a value of another type"),
            Value::Real(number) if number.is_nan() => {
                return wrong("cannot hold what is not a number");
            }
            Value::Timestamp(moment) if !SORTABLE.contains(&moment.as_micros()) => {
                return wrong("can hold moments of the years 0 to 9999 alone");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The column of a filter, after a look at its value.
pub(super) fn filtered(table: &'static Table, filter: &Filter) -> Result<Place> {
    let place = Place::of(table, filter.column)?;
    let number = !matches!(filter.value, Value::Real(number) if number.is_nan());
    if filter.value.fits(place.kind) && number {
        return Ok(place);
    }
    Err(Error::internal(format!("{}.{} is compared with a value of another type", table.name, place.name)))
}

/// The order of values of one type; nothing comes before everything.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Real(a), Value::Real(b)) => a.partial_cmp(b).unwrap_or_else(|| a.total_cmp(b)),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

/// Whether the record passes the filter on `place`.
pub(super) fn passes(record: &Record, place: Place, test: Test, value: &Value) -> bool {
    match (place.is_null(record), value == &Value::Null) {
        (stored, true) => matches!((test, stored), (Test::Eq, true) | (Test::Ne, false)),
        (true, false) => test == Test::Ne,
        (false, false) => {
            let order = place.compare(record, value);
            match test {
                Test::Eq => order.is_eq(),
                Test::Ne => order.is_ne(),
                Test::Lt => order.is_lt(),
                Test::Le => order.is_le(),
                Test::Gt => order.is_gt(),
                Test::Ge => order.is_ge(),
            }
        }
    }
}

/// How many rows a page of the query holds.
pub(super) fn limit(query: &Query) -> usize {
    query.limit.clamp(1, Query::MAX_LIMIT) as usize
}

/// The column that a query is ordered by, beside tenant and id.
pub(super) fn order(query: &Query) -> Result<Option<Place>> {
    match query.order {
        None => Ok(None),
        // Within a tenant that is the order of the keys.
        Some("id") if matches!(query.scope, Scope::Tenant(_)) => Ok(None),
        Some(column) => Place::of(query.table, column).map(Some),
    }
}

/// The tenant of a stored row; `None` for what no host could have written.
pub(super) fn tenant(text: &str) -> Option<TenantId> {
    let platform = TenantId::platform();
    if text == platform.as_str() { Some(platform) } else { text.parse().ok() }
}

/// The row a page ended with.
pub(super) struct After {
    /// Its value in the order column, where the query has one.
    pub(super) value: Option<Value>,
    pub(super) tenant: TenantId,
    pub(super) id: String,
}

impl After {
    /// What the query's cursor says.
    pub(super) fn of(query: &Query) -> Result<Option<Self>> {
        let Some(cursor) = &query.after else {
            return Ok(None);
        };
        let order = order(query)?;
        let after = Self::read(&cursor.0, order)
            .filter(|after| !matches!(&query.scope, Scope::Tenant(tenant) if *tenant != after.tenant));
        match after {
            Some(after) => Ok(Some(after)),
            None => Err(Error::invalid("cursor", "must be the cursor that a page of the same query ended with")),
        }
    }

    fn read(cursor: &str, order: Option<Place>) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (value, tenant_id, id): (Json, String, String) = serde_json::from_slice(&json).ok()?;
        let value = match order {
            Some(place) => Some(read(value, place)?),
            None if value.is_null() => None,
            None => return None,
        };
        Some(Self { value, tenant: tenant(&tenant_id)?, id })
    }

    /// The cursor of a page that ends with this record.
    pub(super) fn cursor(record: &Record, order: Option<Place>) -> Cursor {
        let value = order.map_or(Json::Null, |place| match place.value(record) {
            Value::Null => Json::Null,
            Value::Text(text) => Json::String(text.into_owned()),
            Value::Integer(number) => number.into(),
            // JSON has no infinity.
            Value::Real(number) => number.to_bits().into(),
            Value::Boolean(truth) => truth.into(),
            Value::Bytes(bytes) => Json::String(URL_SAFE_NO_PAD.encode(bytes)),
            Value::Timestamp(moment) => moment.as_micros().into(),
        });
        let json = serde_json::json!([value, record.key.tenant.as_str(), record.key.id]);
        Cursor(URL_SAFE_NO_PAD.encode(json.to_string()))
    }

    /// Whether the record comes after it.
    pub(super) fn precedes(&self, record: &Record, order: Option<Place>, descending: bool) -> bool {
        let first = match (order, &self.value) {
            (Some(place), Some(value)) => place.compare(record, value),
            _ => Ordering::Equal,
        };
        let order = first.then_with(|| record.key.tenant.cmp(&self.tenant)).then_with(|| record.key.id.cmp(&self.id));
        if descending { order.is_lt() } else { order.is_gt() }
    }
}

fn read(json: Json, place: Place) -> Option<Value> {
    if json.is_null() {
        return place.nullable.then_some(Value::Null);
    }
    Some(match place.kind {
        Kind::Text | Kind::Json => Value::Text(json.as_str()?.to_owned().into()),
        Kind::Integer => Value::Integer(json.as_i64()?),
        Kind::Real => Value::Real(f64::from_bits(json.as_u64()?)),
        Kind::Boolean => Value::Boolean(json.as_bool()?),
        Kind::Bytes => Value::Bytes(URL_SAFE_NO_PAD.decode(json.as_str()?).ok()?),
        Kind::Timestamp => Value::Timestamp(Timestamp::from_micros(json.as_i64()?)),
    })
}

/// Values that sort: a key of groups and of unique indexes.
#[derive(Clone, PartialEq)]
pub(super) struct Sorted(pub(super) Vec<Value>);

impl Eq for Sorted {}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sorted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().zip(&other.0).map(|(a, b)| compare(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// The column of a sum: one of integers.
pub(super) fn summed(table: &'static Table, column: &str) -> Result<Place> {
    let place = Place::of(table, column)?;
    if place.kind != Kind::Integer {
        return Err(Error::internal(format!("{}.{column} holds no integers to sum up", table.name)));
    }
    Ok(place)
}

/// The error for a sum beyond 64 bits.
pub(super) fn too_large(table: &Table) -> Error {
    Error::internal(format!("a sum over {} is larger than 64 bits can hold", table.name))
}

/// Whether records of this version are up to date with `schema`. Those of a later version are refused.
pub(super) fn is_current(version: u32, schema: &Schema) -> Result<bool> {
    if version > schema.version {
        let message = format!(
            "the database was made by a later version of this library: its schema is {version}, this one knows up to {}",
            schema.version
        );
        return Err(Error::new(ErrorCode::StorageCorrupt, message));
    }
    Ok(version == schema.version)
}
