use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Aggregate, Capabilities, Change, Changes, Key, Page, Query, Record, Row, Schema, Storage};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Runtime,
};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing happens, and this error is answered.
    Before(ErrorCode),
    /// It does happen, and this error is answered all the same: the commit whose answer was lost.
    After(ErrorCode),
    /// Nothing happens and nothing is answered until the storage is healed; then it goes on.
    Hang,
    /// It happens after this time.
    Slow(Duration),
}

/// A storage that fails when told to: for tests of what stands above.
///
/// Clones share their faults. [`Storage::capabilities`] is no operation; all else is.
///
/// ```
/// use std::sync::Arc;
/// use sis_integrations::ErrorCode;
/// use sis_integrations::storage::{Fault, FaultyStorage, MemoryStorage, Storage};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let storage = FaultyStorage::new(Arc::new(MemoryStorage::new()));
/// storage.fail_nth(2, Fault::Before(ErrorCode::StorageFull));
///
/// assert!(storage.commit(&[]).await.is_ok());
/// assert_eq!(storage.commit(&[]).await.unwrap_err().code(), ErrorCode::StorageFull);
/// assert!(storage.commit(&[]).await.is_ok());
/// assert_eq!(storage.operations(), 3);
/// # }
/// ```
#[derive(Clone)]
pub struct FaultyStorage {
    inner: Arc<dyn Storage>,
    runtime: Option<Runtime>,
    state: Arc<State>,
}

struct State {
    plan: Mutex<Plan>,
    /// How often the storage was healed.
    healed: watch::Sender<u64>,
}

#[derive(Default)]
struct Plan {
    operations: u64,
    /// Which operation, counted from the first ever, fails how.
    once: Vec<(u64, Fault)>,
    always: Option<Fault>,
}

impl FaultyStorage {
    /// Wraps `inner`; nothing fails yet.
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        let state = State { plan: Mutex::default(), healed: watch::Sender::new(0) };
        Self { inner, runtime: None, state: Arc::new(state) }
    }

    /// The same, sleeping on `runtime` for [`Fault::Slow`]; without one it is that of the caller.
    pub fn with_runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// The `n`-th operation from now, counted from 1, fails, once.
    pub fn fail_nth(&self, n: u64, fault: Fault) {
        let mut plan = self.state.plan.lock();
        let at = plan.operations + n;
        plan.once.push((at, fault));
    }

    /// Every operation fails, until [`heal`](Self::heal).
    pub fn fail_all(&self, fault: Fault) {
        self.state.plan.lock().always = Some(fault);
    }

    /// Nothing fails any more, and what hangs goes on.
    pub fn heal(&self) {
        {
            let mut plan = self.state.plan.lock();
            plan.once.clear();
            plan.always = None;
        }
        self.state.healed.send_modify(|times| *times += 1);
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.state.plan.lock().operations
    }

    fn next(&self) -> Option<Fault> {
        let mut plan = self.state.plan.lock();
        plan.operations += 1;
        let now = plan.operations;
        let once = plan.once.iter().position(|(at, _)| *at == now).map(|found| plan.once.swap_remove(found).1);
        once.or(plan.always)
    }

    async fn run<T>(&self, operation: impl Future<Output = Result<T>> + Send) -> Result<T> {
        // Before the look at the plan, so that a healing in between is not missed.
        let mut healed = self.state.healed.subscribe();
        match self.next() {
            None => {}
            Some(Fault::Before(code)) => return Err(asked_for(code)),
            Some(Fault::After(code)) => return operation.await.and(Err(asked_for(code))),
            Some(Fault::Hang) => {
                // It ends with an error only when the sender is gone, and that is ours.
                let _ = healed.changed().await;
            }
            Some(Fault::Slow(wait)) => {
                let sleep = self.runtime.clone().unwrap_or_else(Runtime::current).sleep(wait);
                sleep.await;
            }
        }
        operation.await
    }
}

fn asked_for(code: ErrorCode) -> Error {
    Error::new(code, "the storage was told to fail")
}

impl std::fmt::Debug for FaultyStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FaultyStorage")
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for FaultyStorage {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn migrate(&self, schema: &Schema) -> Result<()> {
        self.run(self.inner.migrate(schema)).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.run(self.inner.get(key)).await
    }

    async fn query(&self, query: &Query) -> Result<Page> {
        self.run(self.inner.query(query)).await
    }

    async fn aggregate(&self, query: &Aggregate) -> Result<Vec<Row>> {
        self.run(self.inner.aggregate(query)).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<()> {
        self.run(self.inner.commit(changes)).await
    }

    async fn watch(&self) -> Result<Changes> {
        self.run(self.inner.watch()).await
    }

    async fn close(&self) -> Result<()> {
        self.run(self.inner.close()).await
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use crate::storage::{MemoryStorage, tables};

    fn faulty() -> (FaultyStorage, Change, Key) {
        let tenant = "t".parse().unwrap();
        let record = Record::new(&tables::OAUTH_TOKENS, &tenant, "x")
            .set("provider", "p")
            .set("token", vec![1])
            .set("updated_at", crate::model::Timestamp::default());
        let key = record.key.clone();
        (FaultyStorage::new(Arc::new(MemoryStorage::new())), Change::Insert(record), key)
    }

    #[tokio::test]
    async fn before_nothing_happened_and_after_it_did() {
        let (storage, change, key) = faulty();
        storage.fail_all(Fault::Before(ErrorCode::StorageUnavailable));
        let error = storage.commit(std::slice::from_ref(&change)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StorageUnavailable);
        assert_eq!(storage.get(&key).await.unwrap_err().code(), ErrorCode::StorageUnavailable);
        storage.heal();
        assert_eq!(storage.get(&key).await.unwrap(), None);

        storage.fail_nth(1, Fault::After(ErrorCode::StorageUnavailable));
        storage.commit(&[change]).await.unwrap_err();
        assert!(storage.get(&key).await.unwrap().is_some());
        assert_eq!(storage.operations(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_goes_on_when_healed_and_what_is_slow_takes_its_time() {
        let (storage, change, key) = faulty();
        let runtime = Runtime::current();
        let minute = Duration::from_secs(60);
        storage.fail_nth(1, Fault::Hang);
        {
            let mut hanging = std::pin::pin!(storage.commit(std::slice::from_ref(&change)));
            assert!(runtime.timeout(minute, &mut hanging).await.is_none());
            assert_eq!(storage.get(&key).await.unwrap(), None);
            storage.heal();
            hanging.await.unwrap();
        }
        assert!(storage.get(&key).await.unwrap().is_some());

        storage.fail_nth(1, Fault::Slow(minute));
        assert!(runtime.timeout(minute / 2, storage.get(&key)).await.is_none());
        storage.fail_nth(1, Fault::Slow(minute));
        assert!(runtime.timeout(minute * 2, storage.get(&key)).await.is_some());
    }
}
