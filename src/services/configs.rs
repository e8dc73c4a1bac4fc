//! [`TenantConfigService`]: each school's settings for each provider, secrets encrypted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use parking_lot::RwLock;
use quick_cache::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::patiently;
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, MASK, Redactor, RequestId, Runtime, TenantId, Timestamp},
    providers::ProviderSpec,
    security::TenantKeys,
    storage::{Change, Key, Query, Record, SharedWriter, Storage, StorageExt, tables},
    transport::Outbound,
};

/// A change of a tenant's settings for a provider: the body of `PUT …/config`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigChange {
    /// Whether calls are let through. Default: as it was; true for a new one.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// All settings; a secret that is sent back masked stays as it was. Without this, settings stay as they were.
    #[serde(default)]
    pub config: Option<Map<String, Value>>,
    /// The version this change was made from; a config that is at another by now is a `conflict`.
    #[serde(default)]
    pub expected_version: Option<u64>,
}

/// Settings may be secrets: `Debug` shows their names.
impl std::fmt::Debug for ConfigChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields: Option<Vec<&String>> = self.config.as_ref().map(|config| config.keys().collect());
        f.debug_struct("ConfigChange")
            .field("enabled", &self.enabled)
            .field("config", &fields)
            .field("expected_version", &self.expected_version)
            .finish()
    }
}

/// A tenant's settings as they may be shown: secrets masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigView {
    /// Of which provider.
    pub provider: String,
    /// Whether calls are let through.
    pub enabled: bool,
    /// The settings; secrets as `********`.
    pub config: Map<String, Value>,
    /// Goes up by one with each change.
    pub version: u64,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

/// A config in clear, ready for calls.
pub struct LiveConfig {
    pub(crate) config: Arc<dyn std::any::Any + Send + Sync>,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) redactor: Arc<Redactor>,
}

#[derive(Clone)]
enum Cached {
    Missing,
    Disabled,
    Live(Arc<LiveConfig>),
}

/// How old what is cached may be: another process may have changed it.
const FRESH: Duration = Duration::from_secs(2);
const CACHED: usize = 20_000;

/// The setting that says where requests go instead of the vendor's hosts.
const BASE_URL: &str = "base_url";

/// Keeps, decrypts and caches settings.
pub struct TenantConfigService {
    writer: SharedWriter,
    runtime: Runtime,
    cache: Cache<(TenantId, &'static str), (Duration, Cached)>,
    defaults: RwLock<BTreeMap<&'static str, Map<String, Value>>>,
    allow_private: bool,
}

impl TenantConfigService {
    pub(crate) fn new(
        writer: SharedWriter,
        runtime: Runtime,
        defaults: BTreeMap<&'static str, Map<String, Value>>,
        allow_private: bool,
    ) -> Self {
        Self { writer, runtime, cache: Cache::new(CACHED), defaults: RwLock::new(defaults), allow_private }
    }

    /// The config for a call, from the cache. An emergency takes an old one when the storage does not answer.
    pub(crate) async fn live(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        provider: &ProviderSpec,
        urgent: bool,
    ) -> Result<Arc<LiveConfig>> {
        let key = (tenant.clone(), provider.info.id);
        let now = self.runtime.monotonic();
        let cached = match self.cache.get(&key) {
            Some((at, cached)) if now.saturating_sub(at) < FRESH => cached,
            old => match (patiently(&self.runtime, urgent, self.load(tenant, keys, provider)).await, old) {
                (Ok(loaded), _) => {
                    self.cache.insert(key, (now, loaded.clone()));
                    loaded
                }
                (Err(_), Some((_, old))) if urgent => old,
                (Err(error), _) => return Err(error),
            },
        };
        let name = provider.info.name;
        match cached {
            Cached::Live(config) => Ok(config),
            Cached::Disabled => Err(Error::new(
                ErrorCode::IntegrationDisabled,
                format!("{name} is switched off for this school; an administrator can switch it on"),
            )),
            Cached::Missing => Err(missing(provider)),
        }
    }

    async fn load(&self, tenant: &TenantId, keys: &TenantKeys, provider: &ProviderSpec) -> Result<Cached> {
        let row = self.row(tenant, provider).await?;
        let settings = match &row {
            Some(row) if !row.boolean("enabled")? => return Ok(Cached::Disabled),
            Some(row) => self.settings(row, keys)?,
            None => Map::new(),
        };
        let settings = self.with_defaults(provider, settings);
        if settings.is_empty() && row.is_none() {
            return Ok(Cached::Missing);
        }
        self.make_live(provider, settings).map(|live| Cached::Live(Arc::new(live))).map_err(|error| {
            // What is stored was valid when it was stored, or lacks what the platform's defaults had.
            let field = error.field().unwrap_or_default().to_owned();
            Error::new(ErrorCode::NotConfigured, format!("this school's settings are incomplete: {}", error.message()))
                .with_field(field)
        })
    }

    pub(crate) fn has_defaults(&self, provider: &str) -> bool {
        self.defaults.read().get(provider).is_some_and(|settings| !settings.is_empty())
    }

    /// The school's own settings, and what the platform's defaults have beside them.
    ///
    /// No secret of the platform's goes to an address that a school names, and nothing of the platform's account is mixed
    /// with an account of the school's own.
    fn with_defaults(&self, provider: &ProviderSpec, own: Map<String, Value>) -> Map<String, Value> {
        let mut all = self.defaults.read().get(provider.info.id).cloned().unwrap_or_default();
        if own.get(BASE_URL).is_some_and(|own| all.get(BASE_URL) != Some(own)) {
            for name in provider.secret_fields() {
                all.remove(&name);
            }
        }
        for (field, displaced) in provider.displaces {
            if own.contains_key(*field) {
                all.retain(|name, _| match displaced {
                    [] => name == BASE_URL,
                    displaced => !displaced.contains(&name.as_str()),
                });
            }
        }
        all.extend(own);
        all
    }

    fn make_live(&self, provider: &ProviderSpec, settings: Map<String, Value>) -> Result<LiveConfig> {
        let secrets = provider.secret_fields();
        let redactor = Redactor::new(secrets.iter().filter_map(|name| settings.get(name)?.as_str()));
        let config = (provider.read_config)(Value::Object(settings))?;
        let base_url = (provider.base_url)(&*config);
        if let Some(url) = &base_url {
            Outbound::check_base_url(url, self.allow_private)?;
        }
        let outbound = Outbound { hosts: provider.info.hosts, base_url, allow_private: self.allow_private };
        Ok(LiveConfig { config, outbound: Arc::new(outbound), redactor: Arc::new(redactor) })
    }

    async fn row(&self, tenant: &TenantId, provider: &ProviderSpec) -> Result<Option<Record>> {
        self.writer.get(&Key::new(&tables::CONFIGS, tenant, provider.info.id)).await
    }

    /// Public and secret settings, in clear.
    fn settings(&self, row: &Record, keys: &TenantKeys) -> Result<Map<String, Value>> {
        let mut settings: Map<String, Value> = row.json("settings")?;
        let secrets: BTreeMap<String, String> = row.json("secrets")?;
        for (field, envelope) in secrets {
            let envelope = STANDARD
                .decode(envelope)
                .map_err(|_| Error::new(ErrorCode::DecryptFailed, "a stored secret is not an envelope"))?;
            let plain = keys.open(tables::CONFIGS.name, &row.key.id, &field, &envelope)?;
            let value = serde_json::from_slice(&plain)
                .map_err(|_| Error::new(ErrorCode::DecryptFailed, "a stored secret is not JSON"))?;
            settings.insert(field, value);
        }
        Ok(settings)
    }

    /// Checks and encrypts a change: the config's row, the row that records the change, and the new view.
    pub(crate) async fn prepare(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        provider: &ProviderSpec,
        actor: &Actor,
        request_id: RequestId,
        change: ConfigChange,
    ) -> Result<(Vec<Change>, ConfigView)> {
        let old = self.row(tenant, provider).await?;
        let old_version = old.as_ref().map_or(0, |row| row.version);
        if change.expected_version.is_some_and(|expected| expected != old_version) {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!("the settings are at version {old_version} by now; read them again and repeat"),
            )
            .with_field("expectedVersion"));
        }
        let before = match &old {
            Some(row) => self.settings(row, keys)?,
            None => Map::new(),
        };
        let secrets = provider.secret_fields();
        let mut after = change.config.unwrap_or_else(|| before.clone());
        after.retain(|_, value| !value.is_null());
        for name in &secrets {
            if after.get(name).and_then(Value::as_str) == Some(MASK) {
                match before.get(name) {
                    // Whoever may not read a secret back must not have it sent to an address of their own either, and
                    // a gateway's secret is not the vendor's to see.
                    Some(_) if after.get(BASE_URL) != before.get(BASE_URL) => {
                        return Err(Error::invalid(
                            format!("config.{name}"),
                            "must be given again, for base_url changes: a stored secret goes only where it was meant to",
                        ));
                    }
                    Some(kept) => after.insert(name.clone(), kept.clone()),
                    None => {
                        return Err(Error::invalid(format!("config.{name}"), "is the mask of a secret, not a secret"));
                    }
                };
            }
        }
        let live = self
            .make_live(provider, self.with_defaults(provider, after.clone()))
            .map_err(|error| error.within("config"))?;
        let enabled = match (change.enabled, &old) {
            (Some(enabled), _) => enabled,
            (None, Some(row)) => row.boolean("enabled")?,
            (None, None) => true,
        };

        let mut sealed = Map::new();
        let mut public = Map::new();
        for (name, value) in &after {
            if secrets.contains(name) {
                let plain = zeroize::Zeroizing::new(value.to_string());
                let envelope = keys.seal(tables::CONFIGS.name, provider.info.id, name, plain.as_bytes())?;
                sealed.insert(name.clone(), STANDARD.encode(envelope).into());
            } else {
                public.insert(name.clone(), value.clone());
            }
        }
        let now = self.runtime.now();
        let row = Record::new(&tables::CONFIGS, tenant, provider.info.id)
            .set("enabled", enabled)
            .set("settings", Value::Object(public))
            .set("secrets", Value::Object(sealed))
            .set("account", (provider.account)(&*live.config))
            .set("updated_at", now)
            .set("updated_by", actor.id().to_owned());
        let was_enabled = old.as_ref().map(|row| row.boolean("enabled")).transpose()?;
        let what = match was_enabled {
            None => "created",
            Some(true) if !enabled => "disabled",
            Some(false) if enabled => "enabled",
            Some(_) => "updated",
        };
        let changed: Vec<&String> = before
            .keys()
            .chain(after.keys().filter(|name| !before.contains_key(*name)))
            .filter(|name| before.get(*name) != after.get(*name))
            .collect();
        let record = Record::new(&tables::CONFIG_CHANGES, tenant, request_id.to_string())
            .set("at", now)
            .set("request_id", request_id.to_string())
            .set("provider", provider.info.id)
            .set("actor_id", actor.id().to_owned())
            .set("actor_role", actor.role().name())
            .set("change", what)
            .set("fields", serde_json::json!(changed))
            .set("config_version", old_version + 1);
        // The row that was read must still be the one there: of two administrators at once the second is told.
        let write = match &old {
            Some(_) => Change::Put { record: row, expected: Some(old_version) },
            None => Change::Insert(row),
        };
        let view = ConfigView {
            provider: provider.info.id.to_owned(),
            enabled,
            config: masked(after, &secrets),
            version: old_version + 1,
            updated_at: now,
            updated_by: actor.id().to_owned(),
        };
        Ok((vec![write, Change::Insert(record)], view))
    }

    /// Forgets what is cached: the settings have changed.
    pub(crate) fn forget(&self, tenant: &TenantId, provider: &ProviderSpec) {
        self.cache.remove(&(tenant.clone(), provider.info.id));
    }

    /// The settings as they may be shown.
    pub(crate) async fn view(&self, tenant: &TenantId, provider: &ProviderSpec) -> Result<Option<ConfigView>> {
        let Some(row) = self.row(tenant, provider).await? else { return Ok(None) };
        view(&row, provider).map(Some)
    }

    /// Every provider's row of the tenant.
    pub(crate) async fn rows(&self, tenant: &TenantId) -> Result<Vec<Record>> {
        self.writer.query_all(Query::of(&tables::CONFIGS, tenant)).await
    }
}

pub(crate) fn view(row: &Record, provider: &ProviderSpec) -> Result<ConfigView> {
    let mut config: Map<String, Value> = row.json("settings")?;
    let secrets: BTreeMap<String, String> = row.json("secrets")?;
    config.extend(secrets.into_keys().map(|name| (name, Value::from(MASK))));
    Ok(ConfigView {
        provider: provider.info.id.to_owned(),
        enabled: row.boolean("enabled")?,
        config: masked(config, &provider.secret_fields()),
        version: row.version,
        updated_at: row.timestamp("updated_at")?,
        updated_by: row.text("updated_by")?.to_owned(),
    })
}

fn masked(mut config: Map<String, Value>, secrets: &[String]) -> Map<String, Value> {
    for (name, value) in &mut config {
        if secrets.contains(name) {
            *value = MASK.into();
        }
    }
    config
}
/// That a school has no settings, and what to do about it.
pub(crate) fn missing(provider: &ProviderSpec) -> Error {
    let (name, then) = (provider.info.name, provider.no_settings);
    Error::new(ErrorCode::NotConfigured, format!("this school has no settings for {name}; {then}"))
}
