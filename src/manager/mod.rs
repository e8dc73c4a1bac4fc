//! [`IntegrationManager`] and the road every call takes.

mod builder;
mod consent;
pub mod edge;
mod housekeeping;
mod parts;
mod refusal;
mod road;
mod subscriptions;
mod tenant;
mod throttle;
mod webhooks;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::RwLock;
use tokio::sync::Notify;

pub use builder::{Builder, Durability};
pub use consent::{ConsentAnswer, ConsentRequest, ConsentStart};
pub use parts::Progress;
pub use tenant::{CallBuilder, Reply, Tenant};
pub use webhooks::{HandshakeReply, ReceivedWebhookEvent, WebhookReceipt, WebhookRequest};

// What `http` says of providers and webhooks, it reads through the manager.
pub use crate::{providers::ProviderSpec, services::MAX_WEBHOOK};

use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Runtime, TenantId},
    providers::Quota,
    security::{Limiter, SecurityService},
    services::{
        AccessService, AuditService, ConsentService, HealthService, IdempotencyService, KeySetService,
        SubscriptionService, TenantConfigService, TokenService, UsageService, WebhookService,
    },
    storage::{SharedWriter, Storage},
    transport::{Backoff, Breakers, Client, RetryBudget},
};

/// The hub: providers, storage and keys of one process, for all its tenants.
///
/// Cheap to clone; all clones are the same manager.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use sis_integrations::{IntegrationManager, MasterKey, providers, storage::MemoryStorage};
///
/// let manager = IntegrationManager::builder()
///     .storage(MemoryStorage::new())
///     .master_key(MasterKey::random())
///     .providers(providers::all())
///     .build()
///     .await?;
/// let school = manager.tenant("tenant-123")?;
/// assert_eq!(school.id().as_str(), "tenant-123");
/// manager.close(std::time::Duration::from_secs(5)).await?;
/// # Ok::<_, sis_integrations::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct IntegrationManager(Arc<Core>);

/// What holds one tenant's calls to one provider back.
#[derive(Default)]
struct Gate {
    breakers: Arc<Breakers>,
    budget: Arc<RetryBudget>,
}

struct Core {
    runtime: Runtime,
    providers: BTreeMap<&'static str, Arc<ProviderSpec>>,
    quotas: BTreeMap<&'static str, Quota>,
    actor_quota: Quota,
    durability: Durability,
    backoff: Backoff,
    client: Client,
    writer: SharedWriter,
    security: SecurityService,
    configs: TenantConfigService,
    access: AccessService,
    audit: AuditService,
    usage: UsageService,
    idempotency: IdempotencyService,
    tokens: Arc<TokenService>,
    subscriptions: SubscriptionService,
    key_sets: KeySetService,
    consents: ConsentService,
    health: HealthService,
    webhooks: WebhookService,
    limiter: Limiter<(TenantId, &'static str)>,
    actor_limiter: Limiter<(TenantId, String)>,
    refusals: Limiter<(TenantId, String)>,
    alarms: Limiter<(TenantId, String)>,
    gates: RwLock<HashMap<(TenantId, &'static str), Arc<Gate>>>,
    calls: Calls,
}

impl Core {
    fn provider(&self, id: &str) -> Result<&Arc<ProviderSpec>> {
        self.providers.get(id).ok_or_else(|| {
            let known: Vec<_> = self.providers.keys().copied().collect();
            Error::new(ErrorCode::UnknownProvider, format!("there is no such provider; there are {}", known.join(", ")))
        })
    }

    fn gate(&self, tenant: &TenantId, provider: &'static str) -> Arc<Gate> {
        let key = (tenant.clone(), provider);
        if let Some(gate) = self.gates.read().get(&key) {
            return gate.clone();
        }
        self.gates.write().entry(key).or_default().clone()
    }
}

/// How long closing waits for the second journal to be merged, and at least for the storage to close.
const MERGING: Duration = Duration::from_secs(2);

/// How long a load balancer's probe waits for the storage.
const READY: Duration = Duration::from_secs(2);

/// Counts calls under way, so that closing can wait for them.
#[derive(Default)]
struct Calls {
    closed: AtomicBool,
    under_way: AtomicUsize,
    one_ended: Notify,
}

/// One call under way, until it is dropped.
struct UnderWay(Arc<Core>);

impl UnderWay {
    /// Another within this one: it goes on while the manager closes, for that waits for the whole.
    fn another(&self) -> Self {
        self.0.calls.under_way.fetch_add(1, Ordering::SeqCst);
        Self(self.0.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.calls.under_way.fetch_sub(1, Ordering::SeqCst);
        self.0.calls.one_ended.notify_waiters();
    }
}

impl Core {
    fn enter(self: &Arc<Self>) -> Result<UnderWay> {
        self.calls.under_way.fetch_add(1, Ordering::SeqCst);
        let entered = UnderWay(self.clone());
        if self.calls.closed.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorCode::Closed, "the manager is closed"));
        }
        Ok(entered)
    }

    /// Looks for work from time to time as long as the manager is open; the first time now, or only after the first pause,
    /// for hosts that are to start at once.
    fn sweep<F>(
        self: &Arc<Self>,
        every: Duration,
        now: bool,
        what: &'static str,
        work: impl Fn(Arc<Self>) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<()>> + Send,
    {
        let (weak, runtime) = (Arc::downgrade(self), self.runtime.clone());
        self.runtime.spawn(async move {
            if !now {
                runtime.rest(every).await;
            }
            // Only while it works does it hold the manager.
            while let Some(core) = Weak::upgrade(&weak)
                && core.enter().is_ok()
            {
                if let Err(error) = work(core).await {
                    tracing::error!(%error, what, "a sweep failed");
                }
                runtime.rest(every).await;
            }
        });
    }
}

impl IntegrationManager {
    /// Begins a manager.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A handle for one school. Nothing is read or made yet.
    pub fn tenant(&self, id: &str) -> Result<Tenant> {
        Ok(Tenant::new(self.0.clone(), id.parse()?))
    }

    /// What is known of every provider.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderSpec> {
        self.0.providers.values().map(|provider| &**provider)
    }

    /// What is known of one provider.
    pub fn provider(&self, id: &str) -> Result<&ProviderSpec> {
        self.0.provider(id).map(|provider| &**provider)
    }

    /// Whether the platform has settings of the provider for schools that have none.
    pub fn has_default_config(&self, provider: &str) -> bool {
        self.0.configs.has_defaults(provider)
    }

    /// Time, as this manager sees it.
    pub fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    /// Whose API key this is: the tenant, and the actor the key acts for.
    ///
    /// Errors: `unauthenticated` for any key that is not accepted, whatever the reason; `storage_unavailable` where the
    /// storage does not answer within 30 seconds.
    pub async fn authenticate_api_key(&self, key: &str) -> Result<(TenantId, Actor)> {
        self.0.access.authenticate(&self.0.security, key, false).await
    }

    /// The same for a request that wants one operation: an emergency does not wait for the storage.
    #[cfg(feature = "http")]
    pub(crate) async fn authenticate_api_key_for(
        &self,
        key: &str,
        provider: &str,
        operation: &str,
    ) -> Result<(TenantId, Actor)> {
        let found = self.provider(provider).and_then(|provider| provider.operation(operation));
        self.0.access.authenticate(&self.0.security, key, found.is_ok_and(|operation| operation.urgent)).await
    }

    /// Whether the storage can be read: for a load balancer's probe.
    ///
    /// Error: `storage_unavailable` where it does not answer within two seconds.
    pub async fn ready(&self) -> Result<()> {
        let _entered = self.0.enter()?;
        let slow = || Err(Error::new(ErrorCode::StorageUnavailable, "the storage does not answer"));
        self.0.runtime.timeout(READY, self.0.security.ready()).await.unwrap_or_else(slow)
    }

    /// Merges what emergencies left in the second journal back into the storage. Runs by itself when a manager is built
    /// or closed, and within seconds after the storage works again; answers how many rows there were.
    pub async fn merge_journal(&self) -> Result<usize> {
        self.0.audit.merge_journal().await
    }

    /// Lets no further call in, waits up to `deadline` for those under way, writes what is queued and closes the
    /// storage. Calls that are still under way then leave their intent behind, and are `outcome_unknown`.
    ///
    /// Errors: `timeout` where calls are still under way at the deadline, or the storage does not close within four seconds
    /// after it; `closed` for all but the first.
    pub async fn close(&self, deadline: Duration) -> Result<()> {
        let calls = &self.0.calls;
        if calls.closed.swap(true, Ordering::SeqCst) {
            // Whoever closed it first may still wait for calls, which need the storage.
            return Err(Error::new(ErrorCode::Closed, "the manager is closed"));
        }
        let drained = async {
            loop {
                let ended = calls.one_ended.notified();
                if calls.under_way.load(Ordering::SeqCst) == 0 {
                    return;
                }
                ended.await;
            }
        };
        let began = self.0.runtime.monotonic();
        let all = self.0.runtime.timeout(deadline, drained).await;
        // What is in the second journal's memory alone would end with the process.
        match self.0.runtime.timeout(MERGING, self.0.audit.merge_journal()).await {
            Some(Ok(_)) => {}
            _ => match self.0.audit.unwritten() {
                0 => tracing::warn!("the second journal is merged when the storage is opened the next time"),
                rows => {
                    tracing::error!(rows, "neither the storage nor the second journal takes these rows: they are lost")
                }
            },
        }
        let left = deadline.saturating_sub(self.0.runtime.monotonic().saturating_sub(began));
        let closing = self.0.runtime.timeout(left.max(MERGING), self.0.writer.close()).await;
        closing.unwrap_or_else(|| Err(Error::new(ErrorCode::Timeout, "the storage does not close")))?;
        match all {
            Some(()) => Ok(()),
            None => {
                Err(Error::new(ErrorCode::Timeout, "calls were still under way at the deadline; they are on record"))
            }
        }
    }
}

impl std::fmt::Debug for IntegrationManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IntegrationManager").field("providers", &self.0.providers.keys()).finish_non_exhaustive()
    }
}
