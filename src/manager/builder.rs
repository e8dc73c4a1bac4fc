use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{Calls, Core, IntegrationManager};
use crate::{
    error::{Error, Result},
    model::Runtime,
    providers::{Provider, ProviderSpec, Quota},
    security::{KeyProvider, Limiter, MasterKey, SecurityService},
    services::{
        AccessService, AuditService, ConsentService, HealthService, IdempotencyService, KeySetService, Spill,
        SubscriptionService, TenantConfigService, TokenService, UsageService, WebhookHandler, WebhookService,
    },
    storage::{Journal, SharedWriter, Storage, tables},
    transport::{Backoff, Client, Http},
};

/// When an outcome must be on the disk. The intent always is before anything leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Before the caller gets the answer.
    #[default]
    Strict,
    /// Soon after, within 50 ms.
    Relaxed,
}

/// What one actor may call: a program gone wild is held, a person at work never notices.
const ACTOR_QUOTA: Quota = Quota { per_second: 100.0, burst: 6_000 };

/// Puts an [`IntegrationManager`] together.
#[derive(Default)]
pub struct Builder {
    storage: Option<Arc<dyn Storage>>,
    master_key: Option<MasterKey>,
    key_provider: Option<Arc<dyn KeyProvider>>,
    providers: Vec<ProviderSpec>,
    http: Option<Arc<dyn Http>>,
    runtime: Option<Runtime>,
    journal: Option<Arc<dyn Journal>>,
    durability: Durability,
    backoff: Backoff,
    allow_private: bool,
    quotas: BTreeMap<String, Quota>,
    actor_quota: Option<Quota>,
    defaults: BTreeMap<String, Map<String, Value>>,
    defaults_from_env: bool,
    webhook_handlers: Vec<Arc<dyn WebhookHandler>>,
    webhook_backoff: Option<Backoff>,
}

impl Builder {
    /// Where records are kept.
    pub fn storage(self, storage: impl Storage) -> Self {
        self.shared_storage(Arc::new(storage))
    }

    /// Where records are kept, when others hold it too.
    pub fn shared_storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = Some(storage);
        self
    }

    /// What all keys come from.
    pub fn master_key(mut self, key: MasterKey) -> Self {
        self.master_key = Some(key);
        self
    }

    /// Wraps tenants' keys instead of a master key.
    pub fn key_provider(mut self, provider: impl KeyProvider) -> Self {
        self.key_provider = Some(Arc::new(provider));
        self
    }

    /// Adds one provider: `.provider(Twilio)`.
    pub fn provider<P: Provider>(mut self, _provider: P) -> Self {
        self.providers.push(ProviderSpec::of::<P>());
        self
    }

    /// Adds providers: `.providers(providers::all())`.
    pub fn providers(mut self, providers: impl IntoIterator<Item = ProviderSpec>) -> Self {
        self.providers.extend(providers);
        self
    }

    /// How requests are sent. Default: reqwest with rustls.
    pub fn http(mut self, http: impl Http) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// What runs tasks and tells the time. Default: [`Runtime::current`].
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Where an emergency's intents go when the storage cannot be written. Default: what the storage names, which for
    /// SQLite is a file beside the database; put it on another disk where there is one.
    pub fn journal(mut self, journal: impl Journal) -> Self {
        self.journal = Some(Arc::new(journal));
        self
    }

    /// When outcomes must be on the disk. Default: [`Durability::Strict`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Waits between attempts.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Lets a tenant's `base_url` be plain http or a private address: for tests, and hosts with a look-alike of their
    /// own. Default: no.
    pub fn allow_private_addresses(mut self, allow: bool) -> Self {
        self.allow_private = allow;
        self
    }

    /// Lets this many calls of each tenant through to a provider, instead of what the provider's description says.
    pub fn quota(mut self, provider: &str, quota: Quota) -> Self {
        self.quotas.insert(provider.to_owned(), quota);
        self
    }

    /// Lets this many calls of each actor of a tenant through, to all providers together; emergencies pass. Default: 100 a
    /// second and 6,000 at once, which no person reaches. A program that makes more in its own name needs more; 0 a second
    /// is no limit.
    pub fn actor_quota(mut self, quota: Quota) -> Self {
        self.actor_quota = Some(quota);
        self
    }

    /// Settings of a provider for every tenant: each fills in what a tenant has not set itself.
    ///
    /// Where a tenant has an account of its own (its `account_sid`, `secret_key`, `api_key`, `client_id`) none of them is
    /// used but `base_url`, and where it names a `base_url` of its own, no secret of them.
    pub fn config_defaults(mut self, provider: &str, settings: Map<String, Value>) -> Self {
        self.defaults.entry(provider.to_owned()).or_default().extend(settings);
        self
    }

    /// The same from the environment, by the names that each provider's page lists (`TWILIO_ACCOUNT_SID` …).
    pub fn config_defaults_from_env(mut self) -> Self {
        self.defaults_from_env = true;
        self
    }

    /// Hands webhook events to `handler`: see [`WebhookHandler`] for what it is promised. There may be several.
    pub fn on_webhook(mut self, handler: impl WebhookHandler) -> Self {
        self.webhook_handlers.push(Arc::new(handler));
        self
    }

    /// Waits between attempts to hand over a webhook event, and how many there are before it is `dead`. Default: 10
    /// seconds to 1 hour, 16 attempts.
    pub fn webhook_backoff(mut self, backoff: Backoff) -> Self {
        self.webhook_backoff = Some(backoff);
        self
    }

    /// Migrates the storage, checks the master key, and begins.
    ///
    /// Errors: `invalid_argument` for what is missing, `wrong_master_key`, `storage_*`.
    pub async fn build(self) -> Result<IntegrationManager> {
        let storage = self.storage.ok_or_else(|| Error::invalid("storage", "is required"))?;
        let runtime = self.runtime.unwrap_or_else(Runtime::current);
        let mut providers = BTreeMap::new();
        for provider in self.providers {
            let id = provider.info.id;
            if providers.insert(id, Arc::new(provider)).is_some() {
                return Err(Error::invalid("providers", format!("{id} is there twice")));
            }
        }
        let mut quotas = BTreeMap::new();
        let mut defaults = BTreeMap::new();
        for (id, spec) in &providers {
            quotas.insert(*id, self.quotas.get(*id).copied().unwrap_or(spec.info.quota));
            let mut settings = if self.defaults_from_env { from_env(spec) } else { Map::new() };
            settings.extend(self.defaults.get(*id).cloned().unwrap_or_default());
            if !settings.is_empty() {
                defaults.insert(*id, settings);
            }
        }
        if let Some(unknown) =
            self.quotas.keys().chain(self.defaults.keys()).find(|id| !providers.contains_key(id.as_str()))
        {
            return Err(Error::invalid("providers", format!("settings name {unknown}, which is not there")));
        }
        for quota in quotas.values().chain(&self.actor_quota) {
            quota.check()?;
        }
        let http = match self.http {
            Some(http) => http,
            None => default_http(self.allow_private)?,
        };

        storage.migrate(&tables::SCHEMA).await?;
        let journal = self.journal.or_else(|| default_journal(&*storage));
        let spill = journal.map(|journal| Arc::new(Spill::new(journal)));
        if let Some(spill) = &spill {
            spill.open().await?;
        }
        let chain = AuditService::chain();
        let writer = SharedWriter::new(storage.clone(), &runtime, Some(chain.clone()));
        let security = match (self.key_provider, self.master_key) {
            (Some(provider), _) => SecurityService::with_provider(storage, provider, runtime.clone()),
            (None, Some(key)) => SecurityService::open(storage, &key, runtime.clone()).await?,
            (None, None) => return Err(Error::invalid("master_key", "is required")),
        };
        let client = Client::new(http, runtime.clone());
        let core = Core {
            providers,
            quotas,
            actor_quota: self.actor_quota.unwrap_or(ACTOR_QUOTA),
            durability: self.durability,
            backoff: self.backoff,
            tokens: Arc::new(TokenService::new(writer.clone(), runtime.clone(), client.clone())),
            subscriptions: SubscriptionService::new(writer.clone(), runtime.clone()),
            key_sets: KeySetService::new(client.clone(), runtime.clone(), self.backoff),
            consents: ConsentService::new(writer.clone(), runtime.clone()),
            client,
            security,
            configs: TenantConfigService::new(writer.clone(), runtime.clone(), defaults, self.allow_private),
            access: AccessService::new(writer.clone(), runtime.clone()),
            audit: AuditService::new(writer.clone(), runtime.clone(), chain, spill.clone()),
            usage: UsageService::new(writer.clone(), runtime.clone()),
            idempotency: IdempotencyService::new(writer.clone(), runtime.clone(), spill),
            health: HealthService::default(),
            webhooks: WebhookService::new(
                writer.clone(),
                runtime.clone(),
                self.webhook_backoff.unwrap_or(Backoff {
                    first: Duration::from_secs(10),
                    most: Duration::from_secs(3600),
                    attempts: 16,
                }),
                self.webhook_handlers,
            ),
            limiter: Limiter::default(),
            actor_limiter: Limiter::default(),
            refusals: Limiter::default(),
            alarms: Limiter::default(),
            gates: Default::default(),
            calls: Calls::default(),
            writer,
            runtime,
        };
        match core.audit.merge_journal().await {
            // An emergency must find an open manager also where the storage can only be read.
            Err(error) if error.is_storage() => tracing::error!(%error, "the second journal cannot be merged yet"),
            merged => drop(merged?),
        }
        let core = Arc::new(core);
        core.sweep_journal();
        core.sweep_webhooks();
        core.sweep_subscriptions();
        core.sweep_expired();
        Ok(IntegrationManager(core))
    }
}

/// A variable that is there and empty is as good as none.
fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

fn from_env(provider: &ProviderSpec) -> Map<String, Value> {
    provider.fields.iter().filter_map(|field| Some((field.name.to_owned(), Value::from(set(field.env?)?)))).collect()
}

#[cfg(not(target_family = "wasm"))]
fn default_http(allow_private: bool) -> Result<Arc<dyn Http>> {
    use crate::transport::ReqwestHttp;
    Ok(Arc::new(if allow_private { ReqwestHttp::private()? } else { ReqwestHttp::new()? }))
}

#[cfg(target_family = "wasm")]
fn default_http(_allow_private: bool) -> Result<Arc<dyn Http>> {
    Err(Error::invalid("http", "is required here: pass what wraps the host's fetch"))
}

#[cfg(not(target_family = "wasm"))]
fn default_journal(storage: &dyn Storage) -> Option<Arc<dyn Journal>> {
    let path = storage.capabilities().journal?;
    Some(Arc::new(crate::storage::FileJournal::at(path)))
}

#[cfg(target_family = "wasm")]
fn default_journal(_storage: &dyn Storage) -> Option<Arc<dyn Journal>> {
    None
}
