//! The shared writer: many calls, one commit.

use std::{collections::VecDeque, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::{
    Aggregate, Capabilities, Change, Changes, Key, Page, Query, Record, Row, Schema, Storage, conflicting_change, rules,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Runtime,
};

/// Stamps changes in the order they are committed, such as the links of an audit chain.
///
/// The writer calls [`seal`](Seal::seal) on each batch, then tells how the commit ended; it never has two batches
/// under way.
pub trait Seal: Send + Sync + 'static {
    /// Stamps the changes of one batch, in order.
    fn seal(&self, changes: &mut [Change]) -> Result<()>;

    /// How the batch ended.
    fn settle(&self, settled: Settled);
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// All of it is kept.
    Kept,
    /// Nothing of it is kept.
    Nothing,
    /// The storage failed in a way that does not tell.
    Unknown,
}

struct Waiting {
    changes: Vec<Change>,
    done: oneshot::Sender<Result<()>>,
}

struct Shared {
    inner: Arc<dyn Storage>,
    seal: Option<Arc<dyn Seal>>,
    queue: Mutex<Queue>,
    wake: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    closed: bool,
}

/// Gathers the commits that are waiting and makes them one, so that durability costs a call a shared fsync.
///
/// A caller whose changes conflict fails alone; the others' are kept. A caller that goes away while it waits loses
/// nothing: its changes are committed all the same. Everything else is the wrapped storage's.
#[derive(Clone)]
pub struct SharedWriter(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.wake.notify_one();
    }
}

impl SharedWriter {
    /// Wraps `inner`; commits run in one task of `runtime`.
    pub fn new(inner: Arc<dyn Storage>, runtime: &Runtime, seal: Option<Arc<dyn Seal>>) -> Self {
        let shared = Arc::new(Shared { inner, seal, queue: Mutex::default(), wake: Notify::new() });
        runtime.spawn(write(shared.clone()));
        Self(Arc::new(Handle { shared }))
    }

    /// Queues the changes and returns at once; the future answers when they are kept.
    pub fn submit(&self, changes: Vec<Change>) -> impl Future<Output = Result<()>> + Send + 'static {
        let (done, kept) = oneshot::channel();
        let refused = {
            let mut queue = self.0.shared.queue.lock();
            if !queue.closed {
                queue.waiting.push_back(Waiting { changes, done });
            }
            queue.closed
        };
        self.0.shared.wake.notify_one();
        async move {
            if refused {
                return Err(closed());
            }
            kept.await.unwrap_or_else(|_| Err(closed()))
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the storage is closed")
}

async fn write(shared: Arc<Shared>) {
    let most = shared.inner.capabilities().max_batch.max(1);
    loop {
        let batch = {
            let mut queue = shared.queue.lock();
            let mut size = 0;
            let mut batch = Vec::new();
            while let Some(next) = queue.waiting.front() {
                if !batch.is_empty() && size + next.changes.len() > most {
                    break;
                }
                size += next.changes.len();
                batch.extend(queue.waiting.pop_front());
            }
            if batch.is_empty() && queue.closed {
                return;
            }
            batch
        };
        if batch.is_empty() {
            shared.wake.notified().await;
        } else {
            commit(&shared, batch).await;
        }
    }
}

/// Commits all of the batch but those that conflict.
async fn commit(shared: &Shared, batch: Vec<Waiting>) {
    let mut changes = Vec::with_capacity(batch.iter().map(|waiting| waiting.changes.len()).sum());
    let mut callers = Vec::with_capacity(batch.len());
    for waiting in batch {
        callers.push((waiting.changes.len(), waiting.done));
        changes.extend(waiting.changes);
    }
    while !callers.is_empty() {
        let failed = match commit_once(shared, &mut changes).await {
            Err(Failed { at: Some(change), error }) => guilty(&callers, change).map(|found| (found, change, error)),
            Err(Failed { at: None, error }) => return answer(callers, &Err(error)),
            Ok(()) => return answer(callers, &Ok(())),
        };
        let Some(((caller, start), change, error)) = failed else {
            return answer(callers, &Err(Error::internal("the storage refuses a change that nobody made")));
        };
        // Only the caller it belongs to fails, and with the change's place in its own list.
        let (length, done) = callers.remove(caller);
        changes.drain(start..start + length);
        let error = if error.code() == ErrorCode::Conflict { super::conflict(change - start) } else { error };
        let _ = done.send(Err(error));
    }
}

fn answer(callers: Vec<(usize, oneshot::Sender<Result<()>>)>, result: &Result<()>) {
    for (_, done) in callers {
        // A caller that went away has dropped its end.
        let _ = done.send(result.clone());
    }
}

/// Whose change it is, and where theirs begin.
fn guilty<T>(callers: &[(usize, T)], change: usize) -> Option<(usize, usize)> {
    let mut start = 0;
    for (caller, (length, _)) in callers.iter().enumerate() {
        if change < start + length {
            return Some((caller, start));
        }
        start += length;
    }
    None
}

/// Why nothing of a batch is kept, or perhaps nothing.
struct Failed {
    /// The change at fault, where it is one.
    at: Option<usize>,
    error: Error,
}

async fn commit_once(shared: &Shared, changes: &mut [Change]) -> std::result::Result<(), Failed> {
    let settle = |settled| {
        if let Some(seal) = &shared.seal {
            seal.settle(settled);
        }
    };
    if let Some(seal) = &shared.seal
        && let Err(error) = seal.seal(changes)
    {
        settle(Settled::Nothing);
        return Err(Failed { at: None, error });
    }
    // A backend refuses these too, but it cannot say which one it was.
    let unstorable = changes.iter().enumerate().find_map(|(at, change)| Some((at, rules::unstorable(change)?)));
    if let Some((at, error)) = unstorable {
        settle(Settled::Nothing);
        return Err(Failed { at: Some(at), error });
    }
    // A backend of the host's own that panics must not take everybody's writer with it.
    let committed = AssertUnwindSafe(shared.inner.commit(changes)).catch_unwind().await;
    let result = committed.unwrap_or_else(|_panic| {
        Err(Error::new(ErrorCode::StorageUnavailable, "the storage panicked; please report this"))
    });
    settle(match &result {
        Ok(()) => Settled::Kept,
        Err(error) if error.code() == ErrorCode::Conflict => Settled::Nothing,
        Err(_) => Settled::Unknown,
    });
    result.map_err(|error| Failed { at: conflicting_change(&error), error })
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for SharedWriter {
    fn capabilities(&self) -> Capabilities {
        self.0.shared.inner.capabilities()
    }

    async fn migrate(&self, schema: &Schema) -> Result<()> {
        self.0.shared.inner.migrate(schema).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.0.shared.inner.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page> {
        self.0.shared.inner.query(query).await
    }

    async fn aggregate(&self, query: &Aggregate) -> Result<Vec<Row>> {
        self.0.shared.inner.aggregate(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<()> {
        self.submit(changes.to_vec()).await
    }

    async fn watch(&self) -> Result<Changes> {
        self.0.shared.inner.watch().await
    }

    async fn close(&self) -> Result<()> {
        // What is queued is written first: an empty commit comes after all of it.
        let last = self.submit(Vec::new());
        self.0.shared.queue.lock().closed = true;
        self.0.shared.wake.notify_one();
        let _ = last.await;
        self.0.shared.inner.close().await
    }
}
