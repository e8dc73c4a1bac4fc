use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use parking_lot::RwLock;

use super::{
    Aggregate, Capabilities, Change, Changes, Key, Measure, Page, Query, Record, Row, Schema, Scope, Storage, Table,
    Value, conflict, rules,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::TenantId,
};

/// Records in memory: for tests, for trying things out, and for hosts without a disk. They die with the process.
///
/// Clones share their records.
///
/// ```
/// use sis_integrations::storage::{Change, Key, MemoryStorage, Record, Storage, tables};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sis_integrations::Result<()> {
/// let storage = MemoryStorage::new();
/// storage.migrate(&tables::SCHEMA).await?;
///
/// let tenant = "tenant-123".parse()?;
/// let token = Record::new(&tables::OAUTH_TOKENS, &tenant, "google_workspace")
///     .set("provider", "google_workspace")
///     .set("token", vec![1, 2, 3])
///     .set("updated_at", sis_integrations::Timestamp::from_micros(0));
/// storage.commit(&[Change::Insert(token.clone())]).await?;
///
/// assert_eq!(storage.get(&token.key).await?, Some(token));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryStorage {
    tables: Arc<RwLock<Tables>>,
    closed: Arc<AtomicBool>,
}

#[derive(Default)]
struct Tables {
    tables: BTreeMap<&'static str, BTreeMap<TenantId, Rows>>,
    /// Of the schema they were last migrated to.
    version: u32,
}

/// One tenant's rows of one table.
#[derive(Default)]
struct Rows {
    rows: BTreeMap<String, Record>,
    /// For each unique index of the table, in order: who holds which values.
    taken: Vec<BTreeMap<rules::Sorted, String>>,
}

/// Another row of the tenant has the same values in a unique index.
struct Taken;

impl MemoryStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// An open storage with the same records, as after a restart, whether or not this one is closed.
    pub fn reopen(&self) -> Self {
        Self { tables: self.tables.clone(), closed: Arc::default() }
    }

    fn open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorCode::Closed, "the storage is closed"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryStorage")
    }
}

impl Tables {
    fn row(&self, key: &Key) -> Option<&Record> {
        self.tables.get(key.table.name)?.get(&key.tenant)?.rows.get(&key.id)
    }

    /// Makes the row what it shall be and answers what it was.
    fn set(&mut self, key: &Key, record: Option<Record>) -> Result<Option<Record>, Taken> {
        let of_table = self.tables.entry(key.table.name).or_default();
        if !of_table.contains_key(&key.tenant) && record.is_none() {
            return Ok(None);
        }
        of_table.entry(key.tenant.clone()).or_default().set(key, record)
    }

    /// The rows that the query names, in its order, after its cursor; all of them.
    fn find(&self, query: &Query) -> Result<Vec<&Record>> {
        let order = rules::order(query)?;
        let after = rules::After::of(query)?;
        let filters = query
            .filters
            .iter()
            .map(|filter| Ok((rules::filtered(query.table, filter)?, filter)))
            .collect::<Result<Vec<_>>>()?;
        let of_table = self.tables.get(query.table.name);
        let tenants: Vec<&Rows> = match &query.scope {
            Scope::Tenant(tenant) => of_table.and_then(|tenants| tenants.get(tenant)).into_iter().collect(),
            Scope::AllTenants => of_table.into_iter().flat_map(BTreeMap::values).collect(),
        };
        let mut found: Vec<&Record> = tenants
            .into_iter()
            .flat_map(|rows| rows.rows.values())
            .filter(|record| filters.iter().all(|(place, f)| rules::passes(record, *place, f.test, &f.value)))
            .filter(|record| after.as_ref().is_none_or(|after| after.precedes(record, order, query.descending)))
            .collect();
        // They come by tenant and id, and the sort is stable.
        if let Some(place) = order {
            found.sort_by_cached_key(|record| rules::Sorted(vec![place.value(record)]));
        }
        if query.descending {
            found.reverse();
        }
        Ok(found)
    }

    /// Applies one change and notes how to undo it.
    fn apply(&mut self, change: &Change, undo: &mut Vec<(Key, Option<Record>)>) -> Result<Result<(), Taken>> {
        let (key, record) = match change {
            Change::Insert(record) => {
                if self.row(&record.key).is_some() {
                    return Ok(Err(Taken));
                }
                (&record.key, Some(written(record, 1)))
            }
            Change::Put { record, expected } => {
                let version = self.row(&record.key).map(|row| row.version);
                if expected.is_some() && *expected != version {
                    return Ok(Err(Taken));
                }
                (&record.key, Some(written(record, version.unwrap_or(0) + 1)))
            }
            Change::Delete { key, expected } => {
                let version = self.row(key).map(|row| row.version);
                if expected.is_some() && *expected != version {
                    return Ok(Err(Taken));
                }
                (key, None)
            }
            Change::DeleteWhere { query, limit } => {
                let query = Query { after: None, ..query.clone() };
                let found = self.find(&query)?;
                let keys: Vec<Key> = found.into_iter().take(*limit as usize).map(|row| row.key.clone()).collect();
                for key in keys {
                    if let Ok(Some(was)) = self.set(&key, None) {
                        undo.push((key, Some(was)));
                    }
                }
                return Ok(Ok(()));
            }
        };
        Ok(self.set(key, record).map(|was| undo.push((key.clone(), was))))
    }
}

/// The record as it stands in the table.
fn written(record: &Record, version: u64) -> Record {
    Record::from_values(record.key.clone(), version, record.values().to_vec())
}

impl Rows {
    fn set(&mut self, key: &Key, record: Option<Record>) -> Result<Option<Record>, Taken> {
        let indexes = || key.table.indexes.iter().filter(|index| index.unique);
        self.taken.resize_with(indexes().count(), BTreeMap::new);
        if let Some(record) = &record {
            for (index, taken) in indexes().zip(&self.taken) {
                let holder = indexed(index.columns, record).and_then(|values| taken.get(&values));
                if holder.is_some_and(|holder| *holder != key.id) {
                    return Err(Taken);
                }
            }
        }
        let was = match record {
            Some(record) => self.rows.insert(key.id.clone(), record),
            None => self.rows.remove(&key.id),
        };
        for (index, taken) in indexes().zip(&mut self.taken) {
            if let Some(values) = was.as_ref().and_then(|was| indexed(index.columns, was)) {
                taken.remove(&values);
            }
            if let Some(values) = self.rows.get(&key.id).and_then(|row| indexed(index.columns, row)) {
                taken.insert(values, key.id.clone());
            }
        }
        Ok(was)
    }
}

/// What a unique index holds of the record: nothing where a column is empty, for nothing is like nothing else.
fn indexed(columns: &[&'static str], record: &Record) -> Option<rules::Sorted> {
    let values: Vec<Value> = columns.iter().map(|column| record.value(column).clone()).collect();
    (!values.contains(&Value::Null)).then_some(rules::Sorted(values))
}

/// Refuses what could not be applied whatever the tables hold.
fn check(change: &Change) -> Result<()> {
    match change {
        Change::Insert(record) | Change::Put { record, .. } => rules::check(record),
        Change::Delete { .. } => Ok(()),
        Change::DeleteWhere { query, .. } => {
            rules::order(query)?;
            query.filters.iter().try_for_each(|filter| rules::filtered(query.table, filter).map(drop))
        }
    }
}

fn measure(table: &'static Table, measure: Measure, rows: &[&Record]) -> Result<Value> {
    let values = |place: rules::Place| rows.iter().map(move |row| place.value(row)).filter(|v| *v != Value::Null);
    Ok(match measure {
        Measure::Count => Value::Integer(i64::try_from(rows.len()).unwrap_or(i64::MAX)),
        Measure::Sum(column) => {
            let place = rules::summed(table, column)?;
            let sum = values(place).try_fold(0i64, |sum, value| match value {
                Value::Integer(number) => sum.checked_add(number),
                _ => Some(sum),
            });
            Value::Integer(sum.ok_or_else(|| rules::too_large(table))?)
        }
        Measure::Min(column) => values(rules::Place::of(table, column)?).min_by(rules::compare).unwrap_or_default(),
        Measure::Max(column) => values(rules::Place::of(table, column)?).max_by(rules::compare).unwrap_or_default(),
    })
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for MemoryStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities { atomic_commit: true, delete_where: true, max_batch: 2000, ..Capabilities::none("memory") }
    }

    async fn migrate(&self, schema: &Schema) -> Result<()> {
        self.open()?;
        let mut tables = self.tables.write();
        rules::is_current(tables.version, schema)?;
        tables.version = schema.version;
        Ok(())
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.open()?;
        Ok(self.tables.read().row(key).cloned())
    }

    async fn query(&self, query: &Query) -> Result<Page> {
        self.open()?;
        let tables = self.tables.read();
        let found = tables.find(query)?;
        let order = rules::order(query)?;
        let limit = rules::limit(query);
        let next = match found.get(limit - 1) {
            Some(last) if found.len() > limit => Some(rules::After::cursor(last, order)),
            _ => None,
        };
        Ok(Page { records: found.into_iter().take(limit).cloned().collect(), next })
    }

    async fn aggregate(&self, query: &Aggregate) -> Result<Vec<Row>> {
        self.open()?;
        let table = query.rows.table;
        let places = query.group_by.iter().map(|column| rules::Place::of(table, column)).collect::<Result<Vec<_>>>()?;
        let rows = Query { order: None, descending: false, after: None, ..query.rows.clone() };
        let tables = self.tables.read();
        let mut groups: BTreeMap<rules::Sorted, Vec<&Record>> = BTreeMap::new();
        if places.is_empty() {
            groups.insert(rules::Sorted(Vec::new()), Vec::new());
        }
        for record in tables.find(&rows)? {
            let group = places.iter().map(|place| place.value(record)).collect();
            groups.entry(rules::Sorted(group)).or_default().push(record);
        }
        // Without a group a wrong column would pass unseen.
        query.measures.iter().try_for_each(|asked| measure(table, *asked, &[]).map(drop))?;
        groups
            .into_iter()
            .map(|(rules::Sorted(mut row), records)| {
                for asked in &query.measures {
                    row.push(measure(table, *asked, &records)?);
                }
                Ok(row)
            })
            .collect()
    }

    async fn commit(&self, changes: &[Change]) -> Result<()> {
        self.open()?;
        changes.iter().try_for_each(check)?;
        let mut tables = self.tables.write();
        let mut undo = Vec::with_capacity(changes.len());
        for (n, change) in changes.iter().enumerate() {
            let applied = tables.apply(change, &mut undo);
            if let Ok(Ok(())) = applied {
                continue;
            }
            for (key, was) in undo.into_iter().rev() {
                // Each step back leads to a state that the tables were in.
                let _ = tables.set(&key, was);
            }
            return Err(applied.err().unwrap_or_else(|| conflict(n)));
        }
        Ok(())
    }

    async fn watch(&self) -> Result<Changes> {
        self.open()?;
        Ok(stream::empty().boxed())
    }

    async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(Error::new(ErrorCode::Closed, "the storage is closed"));
        }
        Ok(())
    }
}
