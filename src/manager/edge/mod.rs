//! The edge: every function of a manager as JSON in and JSON out. What C, Python, Kotlin and JavaScript call, so that no
//! shell holds logic of its own.
//!
//! [`dispatch`] takes the name of a function and its request as an object; field names are those of the REST API.
//! [`open`] takes the options of a manager.

mod catalogue;
mod requests;

use std::time::Duration;

use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

pub(crate) use catalogue::described;
use catalogue::listed;
use requests::{
    Audit, BeginConsent, CompleteConsent, Configure, CreateApiKey, Execute, GetPermissions, Nothing, OfId, OfMessage,
    OfProvider, OfTenant, Period, ProviderId, ReceiveWebhook, SetPermissions, ShownKey, Webhooks,
};

use super::{Builder, Durability, IntegrationManager, Tenant, WebhookRequest};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::{self, Quota, read_object},
    security::MasterKey,
    services::ConfigChange,
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
    /// Settings of providers, by id, for every tenant: each fills in what a tenant has not set itself.
    #[serde(default)]
    pub config_defaults: Map<String, Value>,
    /// Whether such settings are also read from the environment, by the names that each provider's page lists
    /// (`TWILIO_ACCOUNT_SID` …). Default: no.
    #[serde(default)]
    pub config_defaults_from_env: bool,
    /// Of SQLite: how large the database may become; beyond that calls fail with `storage_full`. Default: no limit.
    #[serde(default)]
    pub max_database_bytes: Option<u64>,
    /// Of SQLite: how long to wait for another process's commit. Default: 5000.
    #[serde(default)]
    pub busy_timeout_ms: Option<u64>,
    /// How many calls one actor may make. Default: 100 a second, 6,000 at once.
    #[serde(default)]
    pub actor_quota: Option<ActorQuota>,
}

/// How many calls one actor of a school may make; emergencies pass.
#[derive(Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActorQuota {
    /// Calls a second in the long run; 0 is no limit.
    pub per_second: f64,
    /// Calls at once.
    pub burst: u32,
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
        if let Some(ActorQuota { per_second, burst }) = self.actor_quota {
            let quota = Quota { per_second, burst };
            quota.check().map_err(|error| error.within("actorQuota"))?;
            builder = builder.actor_quota(quota);
        }
        if self.config_defaults_from_env {
            if cfg!(target_family = "wasm") {
                return Err(Error::invalid(
                    "configDefaultsFromEnv",
                    "must not be given here, where there is no environment",
                ));
            }
            builder = builder.config_defaults_from_env();
        }
        for (provider, settings) in &self.config_defaults {
            let Value::Object(settings) = settings.clone() else {
                return Err(Error::invalid(format!("configDefaults.{provider}"), "must be an object"));
            };
            builder = builder.config_defaults(provider, settings);
        }
        Ok(builder)
    }

    /// The builder with the storage that the options name, or else the one of this address.
    pub async fn connect(&self, builder: Builder, default: &str) -> Result<Builder> {
        let address = self.storage.as_deref().unwrap_or(default);
        connect(builder, address, self.max_database_bytes, self.busy_timeout_ms).await
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
    options.connect(options.builder()?, "sqlite:sis.db").await?.build().await
}

/// The builder with the storage that the address names: `memory`, or `sqlite:` and a path.
pub async fn storage(builder: Builder, address: &str) -> Result<Builder> {
    connect(builder, address, None, None).await
}

async fn connect(builder: Builder, address: &str, most: Option<u64>, busy_ms: Option<u64>) -> Result<Builder> {
    if address == "memory" {
        // What is not obeyed must not be taken for what is.
        for (name, given) in [("maxDatabaseBytes", most), ("busyTimeoutMs", busy_ms)] {
            if given.is_some() {
                return Err(Error::invalid(name, "is of sqlite: alone"));
            }
        }
        return Ok(builder.storage(MemoryStorage::new()));
    }
    #[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
    if let Some(path) = address.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        let mut sqlite = crate::storage::SqliteStorage::builder(path);
        if let Some(bytes) = most {
            sqlite = sqlite.max_size_bytes(bytes);
        }
        if let Some(millis) = busy_ms {
            sqlite = sqlite.busy_timeout(Duration::from_millis(millis));
        }
        return Ok(builder.storage(sqlite.open().await?));
    }
    // An address may hold a password: it is not repeated.
    Err(Error::invalid("storage", "must be memory, or sqlite: and a path; other databases are not built in yet"))
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
    "apiKeys",
    "revokeApiKey",
    "authenticateApiKey",
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
    "providers",
    "provider",
    "ready",
    "renewSubscriptions",
    "mergeJournal",
    "deleteExpired",
];

/// Calls one function of the manager: its request and its answer are objects.
///
/// `execute` answers `{requestId, output, replayed}`; the others what the REST API answers, but for `configs` (the settings
/// that there are, as `config` shows them), `receiveWebhook` (the receipt with its events), `webhookRoute` (without the path
/// over REST) and `revokeApiKey` (the id). What sets a user's grant is `setPermissions`.
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
            let reply = call.execute(&provider, &operation, arguments).await.map_err(|error| match error.field() {
                Some("deadline") => error.with_field("deadlineMs"),
                _ => error,
            })?;
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
                .map_err(|error| nested(error, "permissions", &["role", "allow", "deny", "expiresAt"]))?;
            write(permissions)
        }
        "permissions" => {
            let GetPermissions { tenant, actor, user_id, provider } = read(request)?;
            write(school(manager, &tenant)?.permissions(&actor, &user_id, &provider).await?)
        }
        "createApiKey" => {
            let CreateApiKey { tenant, actor, api_key } = read(request)?;
            let made = school(manager, &tenant)?.create_api_key(&actor, api_key).await;
            let made =
                made.map_err(|error| nested(error, "apiKey", &["name", "userId", "role", "scopes", "expiresAt"]))?;
            let mut answer = write(made.record)?;
            // The one place where the key itself is shown.
            answer["key"] = made.key.expose().clone().into();
            Ok(answer)
        }
        "apiKeys" => {
            let OfTenant { tenant, actor } = read(request)?;
            Ok(json!({ "apiKeys": school(manager, &tenant)?.api_keys(&actor).await? }))
        }
        "revokeApiKey" => {
            let OfId { tenant, actor, id } = read(request)?;
            school(manager, &tenant)?.revoke_api_key(&actor, &id).await?;
            Ok(json!({ "id": id }))
        }
        "authenticateApiKey" => {
            let ShownKey { key } = read(request)?;
            let (tenant, actor) = manager.authenticate_api_key(key.expose()).await?;
            Ok(json!({ "tenant": tenant, "actor": actor }))
        }
        "audit" => {
            let Audit { tenant, actor, filter } = read(request)?;
            let page = school(manager, &tenant)?.audit(&actor, &filter).await;
            write(page.map_err(|error| nested(error, "filter", &["limit", "cursor"]))?)
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
            let route = school(manager, &tenant)?.webhook_route(&actor, &provider).await?;
            Ok(json!({ "provider": provider, "route": route }))
        }
        "webhooks" => {
            let Webhooks { tenant, actor, filter } = read(request)?;
            let page = school(manager, &tenant)?.webhooks(&actor, &filter).await;
            write(page.map_err(|error| nested(error, "filter", &["limit", "cursor"]))?)
        }
        "replayWebhook" => {
            let OfId { tenant, actor, id } = read(request)?;
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
            let begun = school(manager, &tenant)?.begin_consent(&actor, &provider, consent).await;
            write(begun.map_err(|error| nested(error, "consent", &["redirectUri", "scopes", "loginHint"]))?)
        }
        "completeConsent" => {
            let CompleteConsent { tenant, actor, provider, answer } = read(request)?;
            let completed = school(manager, &tenant)?.complete_consent(&actor, &provider, answer).await;
            write(completed.map_err(|error| nested(error, "answer", &["state", "code", "error"]))?)
        }
        "providers" => {
            let Nothing {} = read(request)?;
            Ok(json!({ "providers": manager.providers().map(|spec| listed(manager, spec)).collect::<Vec<_>>() }))
        }
        "provider" => {
            let ProviderId { provider } = read(request)?;
            Ok(described(manager.provider(&provider)?))
        }
        "ready" => {
            let Nothing {} = read(request)?;
            manager.ready().await?;
            Ok(json!({ "status": "ok" }))
        }
        "renewSubscriptions" => {
            let Nothing {} = read(request)?;
            Ok(json!({ "renewed": manager.renew_subscriptions().await? }))
        }
        "mergeJournal" => {
            let Nothing {} = read(request)?;
            Ok(json!({ "merged": manager.merge_journal().await? }))
        }
        "deleteExpired" => {
            let Nothing {} = read(request)?;
            manager.delete_expired().await?;
            Ok(json!({}))
        }
        _ => Err(Error::new(
            ErrorCode::NotFound,
            format!("there is no such function; there are {}", FUNCTIONS.join(", ")),
        )),
    }
}

/// An error about one of these members of the request's member `name`, with its whole path.
fn nested(error: Error, name: &str, members: &[&str]) -> Error {
    let first = error.field().and_then(|field| field.split(['.', '[']).next());
    if first.is_some_and(|first| members.contains(&first)) { error.within(name) } else { error }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every public function of a manager and of a school, and by what name other languages call it.
    #[test]
    fn every_function_of_rust_has_its_own_here() {
        // What has another name, and what other languages have in another form.
        let named = [
            ("configure_json", "configure"),
            ("grant", "setPermissions"),
            ("call", "execute"),
            ("stream", "execute"),
            ("request", "execute"),
            // `runtime` is Rust's own; the others are parts of every request or of a handle.
            ("runtime", ""),
            ("builder", ""),
            ("tenant", ""),
            ("id", ""),
            ("close", ""),
            // Of what `configs` and `providers` answer.
            ("has_default_config", "providers"),
        ];
        let sources = [
            include_str!("../mod.rs"),
            include_str!("../tenant.rs"),
            include_str!("../consent.rs"),
            include_str!("../webhooks.rs"),
            include_str!("../subscriptions.rs"),
            include_str!("../housekeeping.rs"),
        ];
        let mut seen = 0;
        for block in sources.iter().flat_map(|source| source.split("\nimpl ").skip(1)) {
            if !["Tenant {", "IntegrationManager {", "super::IntegrationManager {"]
                .iter()
                .any(|of| block.starts_with(of))
            {
                continue;
            }
            let body = block.split("\n}").next().unwrap();
            for line in body.lines() {
                let Some(rest) = line.strip_prefix("    pub async fn ").or(line.strip_prefix("    pub fn ")) else {
                    continue;
                };
                let name = rest.split(['(', '<']).next().unwrap();
                let other = named.iter().find(|(rust, _)| *rust == name).map(|(_, other)| (*other).to_owned());
                let function = other.unwrap_or_else(|| camel(name));
                assert!(function.is_empty() || FUNCTIONS.contains(&function.as_str()), "{name} is not to be reached");
                seen += 1;
            }
        }
        assert!(seen > FUNCTIONS.len(), "only {seen} functions were found");
    }

    /// An error about a part of the request names it by its whole path.
    #[tokio::test]
    async fn errors_name_the_member_of_the_request() {
        let options = json!({ "storage": "memory", "masterKey": "7d1f0c55e2a94b3c8f60d4a1b95e27304c8813fda6722be95f01c3d748ea96b2" });
        let manager = open(options).await.unwrap();
        let admin = json!({ "id": "u-1", "role": "admin" });
        let past = "2020-01-01T00:00:00Z";
        for (function, member, value, field) in [
            ("setPermissions", "permissions", json!({ "allow": ["sendSmoke"] }), "permissions.allow[0]"),
            ("setPermissions", "permissions", json!({ "role": "king" }), "permissions.role"),
            ("setPermissions", "userId", json!(""), "userId"),
            ("setPermissions", "actor", json!({ "id": "", "role": "admin" }), "actor.id"),
            (
                "createApiKey",
                "apiKey",
                json!({ "name": "", "userId": "u", "role": "admin", "scopes": ["*"] }),
                "apiKey.name",
            ),
            (
                "createApiKey",
                "apiKey",
                json!({ "name": "k", "userId": "", "role": "admin", "scopes": ["*"] }),
                "apiKey.userId",
            ),
            (
                "createApiKey",
                "apiKey",
                json!({ "name": "k", "userId": "u", "role": "admin", "scopes": ["x"] }),
                "apiKey.scopes[0]",
            ),
            ("createApiKey", "actor", json!({ "id": "", "role": "admin" }), "actor.id"),
            ("audit", "filter", json!({ "limit": 501 }), "filter.limit"),
            ("audit", "filter", json!({ "from": "soon" }), "filter.from"),
            ("webhooks", "filter", json!({ "limit": 0 }), "filter.limit"),
            ("execute", "deadlineMs", json!(0), "deadlineMs"),
            ("beginConsent", "consent", json!({ "redirectUri": "nowhere" }), "consent.redirectUri"),
            ("completeConsent", "answer", json!({ "state": past, "code": "c" }), "answer.state"),
        ] {
            let mut request = match function {
                "setPermissions" => json!({ "userId": "u-2", "provider": "twilio", "permissions": {} }),
                "createApiKey" => json!({ "apiKey": { "name": "k", "userId": "u", "role": "admin", "scopes": ["*"] } }),
                "execute" => json!({ "provider": "twilio", "operation": "getBalance" }),
                "beginConsent" | "completeConsent" => json!({ "provider": "google_workspace" }),
                _ => json!({}),
            };
            request["tenant"] = "school".into();
            request["actor"] = admin.clone();
            request[member] = value;
            let error = dispatch(&manager, function, request.clone()).await.unwrap_err();
            assert_eq!(error.field(), Some(field), "{function} {request}: {error}");
        }
    }

    fn camel(name: &str) -> String {
        let mut words = name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
    }
}
