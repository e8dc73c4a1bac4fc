//! [`Spill`]: what an emergency records while the storage cannot be written, and how it comes back.
//!
//! Every change of a call goes to the second journal as one line, in order. Audit rows get an id and a stream of their
//! own, for the storage may yet keep the row it dawdles with, and both chains must hold. Any other row is the same row
//! wherever it lands. What a named call has written here is looked up here until it is merged, so that a repeat finds
//! it, and so its later changes follow it here.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{StreamExt, TryStreamExt, channel::oneshot, stream};
use parking_lot::Mutex;
use serde_json::{Map, Value as Json};

use super::chain::JournalChain;
use crate::{
    error::{Error, ErrorCode, Result},
    model::{TenantId, Timestamp},
    security::TenantKeys,
    storage::{Change, Journal, Key, Kind, Record, SharedWriter, Value, conflict, tables},
};

/// What stands behind the id of an audit row that came by the second journal.
pub(super) const JOURNALED: &str = "/journal";
/// What tells the version of a pending row from that of a stored one.
const PENDING: u64 = 1 << 62;
/// How many rows are merged at once: the writer makes few commits of them.
const AT_ONCE: usize = 256;

/// The second journal, as the services use it.
pub(crate) struct Spill(Arc<Inner>);

struct Inner {
    journal: Arc<dyn Journal>,
    chain: JournalChain,
    /// Whether the journal may hold lines.
    used: AtomicBool,
    state: Mutex<State>,
    merging: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    flushing: bool,
    /// Whether what is being written is not written for too long.
    hanging: bool,
    /// Lines that the journal could not take. They go with the next, or straight to the storage.
    unwritten: Vec<String>,
    /// Rows of named calls as they will be once merged. Their versions are of this process alone, and of no storage.
    pending: HashMap<(TenantId, String), Pending>,
    /// The last of those versions.
    version: u64,
}

struct Waiting {
    lines: Vec<String>,
    done: oneshot::Sender<Result<()>>,
}

struct Pending {
    /// None: the row is to go.
    row: Option<Record>,
    /// How many lines of the journal tell of it.
    lines: usize,
}

impl Spill {
    pub(crate) fn new(journal: Arc<dyn Journal>) -> Self {
        // Lines of an earlier process may wait to be merged.
        let used = AtomicBool::new(true);
        let (chain, state, merging) = Default::default();
        Self(Arc::new(Inner { journal, chain, used, state, merging }))
    }

    /// Makes room, and learns what an earlier process left, so that its named calls are known also while the storage
    /// cannot take them.
    pub(crate) async fn open(&self) -> Result<()> {
        let ready = |journal: &dyn Journal| {
            prepare(journal);
            journal.read()
        };
        let lines = self.0.on_thread(ready).await?;
        let mut state = self.0.state.lock();
        lines.iter().filter_map(|line| from_line(line)).for_each(|change| state.note(&change));
        Ok(())
    }

    /// What waits here of a named call: `None` where nothing does, `Some(None)` where its row is to go.
    pub(crate) fn pending(&self, key: &Key) -> Option<Option<Record>> {
        self.0.state.lock().pending.get(&named(key)?).map(|pending| pending.row.clone())
    }

    /// Whether one of these must follow what went here before.
    pub(crate) fn holds(&self, changes: &[Change]) -> bool {
        let state = self.0.state.lock();
        !state.pending.is_empty()
            && changes.iter().filter_map(key_of).filter_map(named).any(|key| state.pending.contains_key(&key))
    }

    /// Whether the journal has not answered for a while: what goes there is not waited for.
    pub(crate) fn hangs(&self) -> bool {
        self.0.state.lock().hanging
    }

    /// Notes that it does not answer, until it does.
    pub(crate) fn hang(&self) {
        let mut state = self.0.state.lock();
        state.hanging = state.flushing;
    }

    /// How many lines are in memory alone.
    pub(crate) fn unwritten(&self) -> usize {
        let state = self.0.state.lock();
        state.unwritten.len() + state.waiting.iter().map(|waiting| waiting.lines.len()).sum::<usize>()
    }

    /// Whether there may be something to merge.
    pub(crate) fn waits(&self) -> bool {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Queues the changes at once, and answers when they are durable.
    ///
    /// Where the journal fails too, they are kept in memory and the error is answered: what is urgent goes on all the
    /// same.
    pub(crate) fn keep(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        changes: Vec<Change>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        tracing::error!(%tenant, rows = changes.len(), "the storage cannot be written: rows go to the second journal");
        let queued = self.queue(keys, changes);
        async move { queued?.await.unwrap_or_else(|_| Err(panicked())) }
    }

    fn queue(&self, keys: &TenantKeys, changes: Vec<Change>) -> Result<oneshot::Receiver<Result<()>>> {
        let (done, kept) = oneshot::channel();
        {
            // Linked and queued under one lock: the journal's order is the chain's.
            let mut state = self.0.state.lock();
            if let Some(at) = state.contested(&changes) {
                return Err(conflict(at));
            }
            let mut lines = Vec::with_capacity(changes.len());
            for mut change in changes {
                if let Change::Insert(row) = &mut change
                    && row.key.table.name == tables::AUDIT_LOGS.name
                {
                    row.key.id.push_str(JOURNALED);
                    self.0.chain.link(keys, row);
                }
                state.note(&change);
                lines.extend(to_line(&change));
            }
            state.waiting.push(Waiting { lines, done });
            if std::mem::replace(&mut state.flushing, true) {
                return Ok(kept);
            }
        }
        self.0.clone().start();
        Ok(kept)
    }

    /// Merges what the journal holds back into the storage. Answers how many rows.
    pub(crate) async fn merge(
        &self,
        writer: &SharedWriter,
        used: impl Fn(&TenantId, Json) -> Change + Send + Sync,
    ) -> Result<usize> {
        let _one_at_a_time = self.0.merging.lock().await;
        if !self.0.used.swap(false, Ordering::Relaxed) {
            return Ok(0);
        }
        let merged = self.0.merge(writer, used).await;
        if merged.is_err() {
            self.0.used.store(true, Ordering::Relaxed);
        }
        merged
    }
}

impl Inner {
    /// The journal may block, so it has a thread as long as there is something to write.
    fn start(self: Arc<Self>) {
        #[cfg(not(target_family = "wasm"))]
        {
            let inner = self.clone();
            if crate::model::Runtime::thread("sis-second-journal", move || inner.flush()).is_ok() {
                return;
            }
        }
        self.flush();
    }

    /// Asks the journal, which may block, on a thread for that.
    async fn on_thread<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Journal) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let journal = self.journal.clone();
        #[cfg(not(target_family = "wasm"))]
        {
            let (done, answer) = oneshot::channel();
            let work = move || drop(done.send(ask(&*journal)));
            crate::model::Runtime::thread("sis-second-journal", work)
                .map_err(|error| Error::internal("threads cannot be started").with_source(error))?;
            answer.await.unwrap_or_else(|_| Err(panicked()))
        }
        #[cfg(target_family = "wasm")]
        ask(&*journal)
    }

    /// Writes what waits, all at once, until nothing does.
    fn flush(&self) {
        loop {
            let (waiting, mut lines) = {
                let mut state = self.state.lock();
                state.hanging = false;
                if state.waiting.is_empty() {
                    state.flushing = false;
                    return;
                }
                (std::mem::take(&mut state.waiting), std::mem::take(&mut state.unwritten))
            };
            lines.extend(waiting.iter().flat_map(|waiting| waiting.lines.iter().cloned()));
            let append = AssertUnwindSafe(|| self.journal.append(&lines));
            let written = catch_unwind(append).unwrap_or_else(|_| Err(panicked()));
            if let Err(error) = &written {
                tracing::error!(%error, rows = lines.len(), "the second journal cannot be written: rows are in memory alone");
                self.state.lock().unwritten.splice(..0, lines);
            }
            self.used.store(true, Ordering::Relaxed);
            for waiting in waiting {
                // Whoever waited may have gone.
                let _ = waiting.done.send(written.clone());
            }
        }
    }

    async fn merge(
        &self,
        writer: &SharedWriter,
        used: impl Fn(&TenantId, Json) -> Change + Send + Sync,
    ) -> Result<usize> {
        let lines = self.on_thread(|journal| journal.read()).await?;
        let mut rows = self.take_back(writer, &lines, &used).await?;
        if !lines.is_empty() {
            let merged = lines.len();
            let forget = move |journal: &dyn Journal| {
                journal.forget(merged)?;
                // A full disk may have taken the room that was kept free for it.
                prepare(journal);
                Ok(())
            };
            self.on_thread(forget).await?;
            self.state.lock().forget(&lines);
        }
        // What the journal could not take. Nothing is written meanwhile that would have to come after it: the storage is
        // tried first again.
        let unwritten = self.state.lock().unwritten.clone();
        if !unwritten.is_empty() {
            rows += self.take_back(writer, &unwritten, &used).await?;
            let mut state = self.state.lock();
            if state.unwritten.starts_with(&unwritten) {
                state.unwritten.drain(..unwritten.len());
                state.forget(&unwritten);
            } else {
                // They got into the journal after all, and are merged from there once more.
                self.used.store(true, Ordering::Relaxed);
            }
        }
        Ok(rows)
    }

    async fn take_back(
        &self,
        writer: &SharedWriter,
        lines: &[String],
        used: &(impl Fn(&TenantId, Json) -> Change + Send + Sync),
    ) -> Result<usize> {
        let mut tenants: HashMap<TenantId, usize> = HashMap::new();
        let mut unreadable = 0;
        let mut changes = Vec::with_capacity(lines.len());
        for line in lines {
            match from_line(line) {
                Some(change) => {
                    if let Some(key) = key_of(&change) {
                        *tenants.entry(key.tenant.clone()).or_default() += 1;
                    }
                    changes.push(change);
                }
                None => unreadable += 1,
            }
        }
        if unreadable > 0 {
            tracing::error!(
                lines = unreadable,
                "lines of the second journal cannot be read: a crash cut them, or somebody did"
            );
        }
        let rows = changes.len();
        // Each by itself, for a row that an earlier, interrupted merge has kept must not hold up the others, nor one that no
        // storage can keep.
        let unfit = stream::iter(changes)
            .map(|change| writer.submit(vec![change]))
            .buffered(AT_ONCE)
            .map(|kept| match kept {
                Err(error) if error.code() == ErrorCode::Conflict => Ok(0),
                Err(error) if error.code() == ErrorCode::Internal => {
                    tracing::error!(%error, "a line of the second journal fits no table: somebody changed it");
                    Ok(1)
                }
                other => other.map(|()| 0),
            })
            .try_fold(0, async |sum, unfit: usize| Ok(sum + unfit))
            .await?;
        let unreadable = unreadable + unfit;
        for (tenant, rows) in tenants {
            let detail = serde_json::json!({ "rows": rows, "unreadable": unreadable });
            writer.submit(vec![used(&tenant, detail)]).await?;
        }
        Ok(rows - unfit)
    }
}

fn prepare(journal: &dyn Journal) {
    if let Err(error) = journal.prepare() {
        tracing::warn!(%error, "the second journal has no reserve: on a full disk it may not hold");
    }
}

fn panicked() -> Error {
    Error::new(ErrorCode::StorageUnavailable, "the second journal panicked")
}

impl State {
    fn note(&mut self, change: &Change) {
        let Some(key) = key_of(change).and_then(named) else { return };
        self.version = (self.version + 1) | PENDING;
        let row = match change {
            Change::Insert(row) | Change::Put { record: row, .. } => {
                let mut row = row.clone();
                row.version = self.version;
                Some(row)
            }
            Change::Delete { .. } | Change::DeleteWhere { .. } => None,
        };
        let pending = self.pending.entry(key).or_insert(Pending { row: None, lines: 0 });
        pending.row = row;
        pending.lines += 1;
    }

    fn forget(&mut self, lines: &[String]) {
        for key in lines.iter().filter_map(|line| key_of(&from_line(line)?).and_then(named)) {
            if let Some(pending) = self.pending.get_mut(&key) {
                pending.lines = pending.lines.saturating_sub(1);
                if pending.lines == 0 {
                    self.pending.remove(&key);
                }
            }
        }
    }

    /// The first change that makes a row which another call has made here, or takes up one that another call has taken up.
    fn contested(&self, changes: &[Change]) -> Option<usize> {
        let stands = |key| Some(self.pending.get(&named(key)?)?.row.as_ref()?.version);
        changes.iter().position(|change| match change {
            Change::Insert(row) => stands(&row.key).is_some(),
            Change::Put { record, expected: Some(read) } => stands(&record.key).is_some_and(|version| version != *read),
            _ => false,
        })
    }
}

/// The name of a named call's row; other rows are never looked up while the storage is down.
fn named(key: &Key) -> Option<(TenantId, String)> {
    (key.table.name == tables::IDEMPOTENCY_KEYS.name).then(|| (key.tenant.clone(), key.id.clone()))
}

fn key_of(change: &Change) -> Option<&Key> {
    match change {
        Change::Insert(row) | Change::Put { record: row, .. } => Some(&row.key),
        Change::Delete { key, .. } => Some(key),
        Change::DeleteWhere { .. } => None,
    }
}

/// A change as a line of the second journal; none for what no call makes.
///
/// A row that is to be put is put whatever stands there: the line before it may be what stands there.
fn to_line(change: &Change) -> Option<String> {
    let (what, key, row) = match change {
        Change::Insert(row) => ("insert", &row.key, Some(row)),
        Change::Put { record, .. } => ("put", &record.key, Some(record)),
        Change::Delete { key, .. } => ("delete", key, None),
        Change::DeleteWhere { .. } => return None,
    };
    let mut values = Map::new();
    let columns = row.into_iter().flat_map(|row| key.table.columns.iter().zip(row.values()));
    for (column, value) in columns {
        let json = match value {
            Value::Null => continue,
            Value::Text(text) => Json::from(&**text),
            Value::Integer(number) => Json::from(*number),
            Value::Real(number) => Json::from(*number),
            Value::Boolean(truth) => Json::from(*truth),
            Value::Bytes(bytes) => Json::from(hex::encode(bytes)),
            Value::Timestamp(moment) => Json::from(moment.as_micros()),
        };
        values.insert(column.name.to_owned(), json);
    }
    let line = serde_json::json!({
        "do": what, "table": key.table.name, "tenant": key.tenant, "id": key.id, "values": values,
    });
    Some(line.to_string())
}

/// What [`to_line`] wrote; `None` for a line that is not one.
fn from_line(line: &str) -> Option<Change> {
    let json: Json = serde_json::from_str(line).ok()?;
    let name = json.get("table")?.as_str()?;
    let table = tables::SCHEMA.tables.iter().find(|table| table.name == name)?;
    let key = Key::new(table, &json.get("tenant")?.as_str()?.parse().ok()?, json.get("id")?.as_str()?);
    let what = json.get("do")?.as_str()?;
    if what == "delete" {
        return Some(Change::Delete { key, expected: None });
    }
    let mut row = Record::new(table, &key.tenant, key.id);
    for column in table.columns {
        let Some(value) = json.get("values")?.get(column.name) else { continue };
        let value = match column.kind {
            Kind::Text | Kind::Json => Value::from(value.as_str()?.to_owned()),
            Kind::Integer => Value::from(value.as_i64()?),
            Kind::Real => Value::from(value.as_f64()?),
            Kind::Boolean => Value::from(value.as_bool()?),
            Kind::Bytes => Value::from(hex::decode(value.as_str()?).ok()?),
            Kind::Timestamp => Value::from(Timestamp::from_micros(value.as_i64()?)),
        };
        row.put(column.name, value);
    }
    match what {
        "insert" => Some(Change::Insert(row)),
        "put" => Some(Change::Put { record: row, expected: None }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(kind: Kind) -> BoxedStrategy<Value> {
        match kind {
            Kind::Text | Kind::Json => any::<String>().prop_map(Value::from).boxed(),
            Kind::Integer => any::<i64>().prop_map(Value::from).boxed(),
            Kind::Real => (-1e300..1e300).prop_map(Value::from).boxed(),
            Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
            Kind::Bytes => any::<Vec<u8>>().prop_map(Value::from).boxed(),
            Kind::Timestamp => any::<i64>().prop_map(|at| Value::from(Timestamp::from_micros(at))).boxed(),
        }
    }

    fn row() -> impl Strategy<Value = Record> {
        (0..tables::SCHEMA.tables.len(), any::<String>()).prop_flat_map(|(table, id)| {
            let table = tables::SCHEMA.tables[table];
            let values: Vec<_> = table.columns.iter().map(|column| proptest::option::of(value(column.kind))).collect();
            values.prop_map(move |values| {
                let mut row = Record::new(table, &"school".parse().unwrap(), id.clone());
                for (column, value) in table.columns.iter().zip(values) {
                    if let Some(value) = value {
                        row.put(column.name, value);
                    }
                }
                row
            })
        })
    }

    proptest! {
        #[test]
        fn a_line_brings_back_what_was_written(row in row()) {
            let line = to_line(&Change::Insert(row.clone())).unwrap();
            prop_assert!(!line.contains('\n'));
            let Some(Change::Insert(back)) = from_line(&line) else { return Err(TestCaseError::fail(line)) };
            prop_assert_eq!((&back.key, back.values()), (&row.key, row.values()));
            let put = to_line(&Change::Put { record: row.clone(), expected: Some(7) }).unwrap();
            let is_put = matches!(from_line(&put), Some(Change::Put { expected: None, .. }));
            prop_assert!(is_put);
            let gone = to_line(&Change::Delete { key: row.key.clone(), expected: Some(7) }).unwrap();
            let is_gone = matches!(from_line(&gone), Some(Change::Delete { key, expected: None }) if key == row.key);
            prop_assert!(is_gone);
        }

        #[test]
        fn any_line_is_read_or_passed_over(line in ".*", cut in 0..200_usize) {
            let _ = from_line(&line);
            let row = Record::new(&tables::AUDIT_LOGS, &"school".parse().unwrap(), line);
            let whole = to_line(&Change::Insert(row)).unwrap();
            let cut: String = whole.chars().take(cut).collect();
            prop_assert!(cut.len() == whole.len() || from_line(&cut).is_none());
        }
    }
}
