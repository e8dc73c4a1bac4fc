//! The edge: every function of a manager as JSON in and JSON out. What C, Python, Kotlin and JavaScript call, so that no
//! shell holds logic of its own.
//!
//! [`dispatch`] takes the name of a function and its request as an object; field names are those of the REST API.
//! [`open`] takes the options of a manager.

use std::{collections::BTreeMap, time::Duration};

use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Builder, ConsentAnswer, ConsentRequest, Durability, IntegrationManager, Tenant, WebhookRequest};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Disclosure, Timestamp},
    providers::{self, read_object},
    security::MasterKey,
    services::{ApiKeyRequest, AuditFilter, ConfigChange, Grant, WebhookFilter},
    storage::MemoryStorage,
};

/// Options of a manager.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use serde_json::json;
/// use sis_integrations::manager::edge;
///
/// let manager = edge::open(json!({ "storage": "memory", "masterKey": "00".repeat(16) + &"0123456789abcdef".repeat(2) })).await;
/// # let _ = manager;
/// # });
/// ```
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenOptions {
    /// `memory`, or `sqlite:` and a path. Default: `sqlite:sis.db`.
    #[serde(default)]
    pub storage: Option<String>,
    /// Where the second journal's files are, by the beginning of their names: what an emergency records while the storage
    /// cannot be written. On another disk than the storage where there is one. Default: beside the SQLite file.
    #[serde(default)]
    pub journal: Option<String>,
    /// The master key; default: what `INTEGRATION_ENCRYPTION_KEY` holds.
    #[serde(default)]
    pub master_key: Option<crate::Secret<String>>,
    /// Whether a tenant's `base_url` may be plain http or a private address. Default: no.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// `strict` or `relaxed`. Default: `strict`.
    #[serde(default)]
    pub durability: DurabilityOption,
    /// Settings of providers, by id, for every tenant that has not its own.
    #[serde(default)]
    pub config_defaults: Map<String, Value>,
}

/// When outcomes must be on the disk.
#[derive(Deserialize, JsonSchema, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum DurabilityOption {
    /// Before the caller gets the answer.
    #[default]
    Strict,
    /// Within 50 ms.
    Relaxed,
}

impl OpenOptions {
    /// A builder with everything but the storage.
    pub fn builder(&self) -> Result<Builder> {
        let key = match &self.master_key {
            Some(key) => MasterKey::new(key.expose().clone()).map_err(|error| error.with_field("masterKey"))?,
            None => MasterKey::from_env()?,
        };
        let mut builder = IntegrationManager::builder()
            .master_key(key)
            .providers(providers::all())
            .allow_private_addresses(self.allow_private_addresses)
            .durability(match self.durability {
                DurabilityOption::Strict => Durability::Strict,
                DurabilityOption::Relaxed => Durability::Relaxed,
            });
        if let Some(path) = &self.journal {
            builder = journal(builder, path)?;
        }
        for (provider, settings) in &self.config_defaults {
            let Value::Object(settings) = settings.clone() else {
                return Err(Error::invalid(format!("configDefaults.{provider}"), "must be an object"));
            };
            builder = builder.config_defaults(provider, settings);
        }
        Ok(builder)
    }
}

#[cfg(not(target_family = "wasm"))]
fn journal(builder: Builder, path: &str) -> Result<Builder> {
    if path.is_empty() {
        return Err(Error::invalid("journal", "must be the beginning of a path, such as /mnt/other/sis.spill"));
    }
    Ok(builder.journal(crate::storage::FileJournal::at(path)))
}

#[cfg(target_family = "wasm")]
fn journal(_builder: Builder, _path: &str) -> Result<Builder> {
    Err(Error::invalid("journal", "must not be given here, where there are no files"))
}

/// Opens a manager from its options as JSON.
pub async fn open(options: Value) -> Result<IntegrationManager> {
    let options: OpenOptions = read_object(options)?;
    let builder = options.builder()?;
    storage(builder, options.storage.as_deref().unwrap_or("sqlite:sis.db")).await?.build().await
}

/// The builder with the storage that the address names: `memory`, or `sqlite:` and a path.
pub async fn storage(builder: Builder, address: &str) -> Result<Builder> {
    if address == "memory" {
        return Ok(builder.storage(MemoryStorage::new()));
    }
    #[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
    if let Some(path) = address.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        return Ok(builder.storage(crate::storage::SqliteStorage::open(path).await?));
    }
    // An address may hold a password: it is not repeated.
    Err(Error::invalid("storage", "must be memory, or sqlite: and a path; other databases are not built in yet"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Execute {
    tenant: String,
    actor: Actor,
    provider: String,
    operation: String,
    #[serde(default)]
    arguments: Value,
    #[serde(default)]
    idempotency_key: Option<String>,
    #[serde(default)]
    disclosure: Disclosure,
    #[serde(default)]
    deadline_ms: Option<u64>,
    #[serde(default)]
    wait: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Configure {
    tenant: String,
    actor: Actor,
    provider: String,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    config: Option<Map<String, Value>>,
    #[serde(default)]
    expected_version: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetPermissions {
    tenant: String,
    actor: Actor,
    user_id: String,
    provider: String,
    permissions: Grant,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GetPermissions {
    tenant: String,
    actor: Actor,
    user_id: String,
    provider: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfTenant {
    tenant: String,
    actor: Actor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfProvider {
    tenant: String,
    actor: Actor,
    provider: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Audit {
    tenant: String,
    actor: Actor,
    #[serde(default)]
    filter: AuditFilter,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Period {
    tenant: String,
    actor: Actor,
    #[serde(default)]
    from: Option<Timestamp>,
    #[serde(default)]
    to: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateApiKey {
    tenant: String,
    actor: Actor,
    api_key: ApiKeyRequest,
}

/// A webhook as the host received it: the body as text where it is UTF-8, else as base64, to the byte.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReceiveWebhook {
    provider: String,
    url: url::Url,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhooks {
    tenant: String,
    actor: Actor,
    #[serde(default)]
    filter: WebhookFilter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayWebhook {
    tenant: String,
    actor: Actor,
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfMessage {
    tenant: String,
    actor: Actor,
    provider: String,
    message_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BeginConsent {
    tenant: String,
    actor: Actor,
    provider: String,
    consent: ConsentRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CompleteConsent {
    tenant: String,
    actor: Actor,
    provider: String,
    answer: ConsentAnswer,
}

/// The functions [`dispatch`] knows.
pub const FUNCTIONS: &[&str] = &[
    "execute",
    "configure",
    "config",
    "configs",
    "setPermissions",
    "permissions",
    "createApiKey",
    "audit",
    "verifyAudit",
    "stats",
    "health",
    "healthAll",
    "receiveWebhook",
    "webhookRoute",
    "webhooks",
    "replayWebhook",
    "delivery",
    "subscriptions",
    "beginConsent",
    "completeConsent",
];

/// Calls one function of the manager: its request and its answer are objects.
///
/// `execute` answers `{requestId, output, replayed}`; the others what the REST API answers.
pub async fn dispatch(manager: &IntegrationManager, function: &str, request: Value) -> Result<Value> {
    match function {
        "execute" => {
            let Execute {
                tenant,
                actor,
                provider,
                operation,
                arguments,
                idempotency_key,
                disclosure,
                deadline_ms,
                wait,
            } = read(request)?;
            let school = manager.tenant(&tenant)?;
            let mut call = school.request(&actor).about(disclosure);
            if let Some(key) = idempotency_key {
                call = call.idempotency_key(key);
            }
            if let Some(millis) = deadline_ms {
                call = call.deadline(Duration::from_millis(millis));
            }
            if wait {
                call = call.wait();
            }
            let reply = call.execute(&provider, &operation, arguments).await?;
            Ok(json!({ "requestId": reply.request_id, "output": reply.output, "replayed": reply.replayed }))
        }
        "configure" => {
            let Configure { tenant, actor, provider, enabled, config, expected_version } = read(request)?;
            let change = ConfigChange { enabled, config, expected_version };
            write(school(manager, &tenant)?.configure_json(&actor, &provider, change).await?)
        }
        "config" => {
            let OfProvider { tenant, actor, provider } = read(request)?;
            write(school(manager, &tenant)?.config(&actor, &provider).await?)
        }
        "configs" => {
            let OfTenant { tenant, actor } = read(request)?;
            Ok(json!({ "integrations": school(manager, &tenant)?.configs(&actor).await? }))
        }
        "setPermissions" => {
            let SetPermissions { tenant, actor, user_id, provider, permissions } = read(request)?;
            school(manager, &tenant)?
                .grant(&actor, &user_id, &provider, &permissions)
                .await
                .map_err(|error| if error.field().is_some() { error.within("permissions") } else { error })?;
            write(permissions)
        }
        "permissions" => {
            let GetPermissions { tenant, actor, user_id, provider } = read(request)?;
            write(school(manager, &tenant)?.permissions(&actor, &user_id, &provider).await?)
        }
        "createApiKey" => {
            let CreateApiKey { tenant, actor, api_key } = read(request)?;
            let made = school(manager, &tenant)?.create_api_key(&actor, api_key).await?;
            let mut answer = write(made.record)?;
            // The one place where the key itself is shown.
            answer["key"] = made.key.expose().clone().into();
            Ok(answer)
        }
        "audit" => {
            let Audit { tenant, actor, filter } = read(request)?;
            write(school(manager, &tenant)?.audit(&actor, &filter).await?)
        }
        "verifyAudit" => {
            let OfTenant { tenant, actor } = read(request)?;
            write(school(manager, &tenant)?.verify_audit(&actor).await?)
        }
        "stats" => {
            let Period { tenant, actor, from, to } = read(request)?;
            write(school(manager, &tenant)?.stats(&actor, from, to).await?)
        }
        "health" => {
            let OfProvider { tenant, actor, provider } = read(request)?;
            write(school(manager, &tenant)?.health(&actor, &provider).await?)
        }
        "healthAll" => {
            let OfTenant { tenant, actor } = read(request)?;
            Ok(json!({ "integrations": school(manager, &tenant)?.health_all(&actor).await? }))
        }
        "receiveWebhook" => {
            let ReceiveWebhook { provider, url, headers, body, body_base64 } = read(request)?;
            let body = match (body, body_base64) {
                (Some(body), None) => body.into_bytes(),
                (None, Some(body)) => base64::engine::general_purpose::STANDARD
                    .decode(body)
                    .map_err(|_| Error::invalid("bodyBase64", "must be base64"))?,
                _ => return Err(Error::invalid("body", "is required as text, or else bodyBase64 as base64")),
            };
            let mut webhook = WebhookRequest::new(url, body);
            for (name, value) in headers {
                webhook = webhook.header(&name, value);
            }
            write(manager.receive_webhook(&provider, webhook).await?)
        }
        "webhookRoute" => {
            let OfProvider { tenant, actor, provider } = read(request)?;
            Ok(json!({ "route": school(manager, &tenant)?.webhook_route(&actor, &provider).await? }))
        }
        "webhooks" => {
            let Webhooks { tenant, actor, filter } = read(request)?;
            write(school(manager, &tenant)?.webhooks(&actor, &filter).await?)
        }
        "replayWebhook" => {
            let ReplayWebhook { tenant, actor, id } = read(request)?;
            write(school(manager, &tenant)?.replay_webhook(&actor, &id).await?)
        }
        "delivery" => {
            let OfMessage { tenant, actor, provider, message_id } = read(request)?;
            write(school(manager, &tenant)?.delivery(&actor, &provider, &message_id).await?)
        }
        "subscriptions" => {
            let OfTenant { tenant, actor } = read(request)?;
            Ok(json!({ "subscriptions": school(manager, &tenant)?.subscriptions(&actor).await? }))
        }
        "beginConsent" => {
            let BeginConsent { tenant, actor, provider, consent } = read(request)?;
            write(school(manager, &tenant)?.begin_consent(&actor, &provider, consent).await?)
        }
        "completeConsent" => {
            let CompleteConsent { tenant, actor, provider, answer } = read(request)?;
            write(school(manager, &tenant)?.complete_consent(&actor, &provider, answer).await?)
        }
        _ => Err(Error::new(
            ErrorCode::NotFound,
            format!("there is no such function; there are {}", FUNCTIONS.join(", ")),
        )),
    }
}

fn school(manager: &IntegrationManager, tenant: &str) -> Result<Tenant> {
    manager.tenant(tenant)
}

pub(crate) fn read<T: DeserializeOwned>(request: Value) -> Result<T> {
    read_object(request)
}

fn write(answer: impl Serialize) -> Result<Value> {
    serde_json::to_value(answer).map_err(|_| Error::internal("an answer cannot be written as JSON"))
}
