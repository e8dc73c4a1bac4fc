//! [`AccessService`]: who may do what. Nothing is allowed that no role or grant allows; a denial always wins.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use quick_cache::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::patiently;
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, RequestId, Role, Runtime, Secret, TenantId, Timestamp, random_bytes},
    providers::{Access, OperationSpec, ProviderSpec},
    security::{SecurityService, TenantKeys},
    storage::{Change, Key, Query, Record, SharedWriter, Storage, StorageExt, tables},
};

/// What a user may do with a provider, beside the role's default: the body of `PUT …/permissions`.
///
/// ```
/// use sis_integrations::{Grant, Role};
///
/// let grant: Grant = serde_json::from_str(r#"{"role":"teacher","allow":["sendSms"],"deny":[],"expiresAt":null}"#).unwrap();
/// assert_eq!(grant, Grant::default().role(Role::Teacher).allow(["sendSms"]));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grant {
    /// The role the user has for this provider, instead of their own.
    pub role: Option<Role>,
    /// Operations allowed, `actAs` for acting on behalf of any user at the vendor, or `*` for both.
    pub allow: Vec<String>,
    /// Operations denied, or `*`; deny wins.
    pub deny: Vec<String>,
    /// From when on the grant says nothing any more.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// The same grant, with this role for the provider.
    pub fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// The same grant, allowing these operations too.
    pub fn allow<S: Into<String>>(mut self, operations: impl IntoIterator<Item = S>) -> Self {
        self.allow.extend(operations.into_iter().map(Into::into));
        self
    }

    /// The same grant, denying these operations.
    pub fn deny<S: Into<String>>(mut self, operations: impl IntoIterator<Item = S>) -> Self {
        self.deny.extend(operations.into_iter().map(Into::into));
        self
    }

    /// The same grant, until this moment.
    pub fn until(mut self, moment: Timestamp) -> Self {
        self.expires_at = Some(moment);
        self
    }

    fn names(list: &[String], operation: &str) -> bool {
        list.iter().any(|name| name == "*" || name == operation)
    }
}

/// What each role may do without a grant.
///
/// | | read | write | send | alert | pay | manage |
/// |---|---|---|---|---|---|---|
/// | admin | yes | yes | yes | yes | yes | yes |
/// | staff | yes | yes | yes | | | |
/// | teacher | yes | yes | | | | |
/// | parent, student | | | | | | |
pub const fn role_has(role: Role, access: Access) -> bool {
    match role {
        Role::Admin => true,
        Role::Staff => matches!(access, Access::Read | Access::Write | Access::Send),
        Role::Teacher => matches!(access, Access::Read | Access::Write),
        Role::Student | Role::Parent => false,
    }
}

/// What a grant names where it lets a user act on behalf of others.
const ACT_AS: &str = "actAs";

/// What was allowed: the call, and whether it may act on behalf of anybody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    anybody: bool,
}

impl Allowed {
    /// Whether the actor may act on behalf of this user of the vendor's, or of whom the settings name, in what is that
    /// person's own; `permission_denied` says why not.
    pub(crate) fn check_subject(self, actor: &Actor, subject: Option<&str>, personal: bool) -> Result<()> {
        let allowed = match subject {
            Some(subject) => actor.is_known_as(subject),
            None => !personal,
        };
        if self.anybody || allowed {
            return Ok(());
        }
        let why = "this user may act as themselves alone, naming the address that the actor is given; an administrator can \
                   grant actAs";
        Err(Error::new(ErrorCode::PermissionDenied, why))
    }
}

/// A new API key to be made.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiKeyRequest {
    /// What it is for.
    pub name: String,
    /// The user it acts for.
    pub user_id: String,
    /// In what role.
    pub role: Role,
    /// What it reaches: `provider:operation`, `provider:*` or `*`.
    pub scopes: Vec<String>,
    /// Until when.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// An API key as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Its id, to revoke it by.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Its visible beginning.
    pub prefix: String,
    /// The user it acts for.
    pub user_id: String,
    /// In what role.
    pub role: Role,
    /// What it reaches.
    pub scopes: Vec<String>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// Since when it is not accepted any more.
    pub revoked_at: Option<Timestamp>,
}

/// A key that was just made. It is shown this once.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What is kept of it.
    pub record: ApiKey,
    /// The key itself.
    pub key: Secret<String>,
}

/// Length of a key's visible beginning: `sis_` and 12 hex digits.
const PREFIX: usize = 16;
const FRESH: Duration = Duration::from_secs(2);
const CACHED: usize = 50_000;

/// How long an emergency goes by an accepted key while the storage cannot be asked.
const ACCEPTED: Duration = Duration::from_secs(24 * 3600);
/// How long a key may be looked up.
const LOOKED_UP: Duration = Duration::from_secs(30);

type GrantKey = (TenantId, &'static str, String);

/// Decides.
pub struct AccessService {
    writer: SharedWriter,
    runtime: Runtime,
    grants: Cache<GrantKey, (Duration, Option<Grant>)>,
    /// Keys that were accepted, by their hashes.
    accepted: Cache<[u8; 32], (Duration, TenantId, Actor)>,
}

impl AccessService {
    pub(crate) fn new(writer: SharedWriter, runtime: Runtime) -> Self {
        Self { writer, runtime, grants: Cache::new(CACHED), accepted: Cache::new(CACHED) }
    }

    /// Whether the actor may call the operation; `permission_denied` says why not.
    pub(crate) async fn check(
        &self,
        tenant: &TenantId,
        actor: &Actor,
        provider: &ProviderSpec,
        operation: &OperationSpec,
    ) -> Result<Allowed> {
        let denied = |why: String| Err(Error::new(ErrorCode::PermissionDenied, why));
        actor.check()?;
        self.check_end(actor)?;
        if actor.outsider(tenant).is_some() {
            return denied("the actor belongs to another school".into());
        }
        if !actor.in_scope(provider.info.id, operation.name) {
            return denied(format!("the credentials shown do not reach {}:{}", provider.info.id, operation.name));
        }
        let grant = self.grant(tenant, actor.id(), provider.info.id, operation.urgent).await?;
        let grant =
            grant.filter(|grant| grant.expires_at.is_none_or(|end| self.runtime.now() < end)).unwrap_or_default();
        if Grant::names(&grant.deny, operation.name) {
            return denied(format!("{} is denied to this user", operation.name));
        }
        let role = grant.role.unwrap_or(actor.role());
        if Grant::names(&grant.allow, operation.name) || role_has(role, operation.access) {
            let anybody = role_has(role, Access::Manage) || Grant::names(&grant.allow, ACT_AS);
            return Ok(Allowed { anybody: anybody && !Grant::names(&grant.deny, ACT_AS) });
        }
        denied(format!(
            "{} needs the right to {}, which the role {role} does not have; an administrator can grant it",
            operation.name,
            operation.access.name()
        ))
    }

    fn check_end(&self, actor: &Actor) -> Result<()> {
        match actor.expires_at() {
            Some(end) if end <= self.runtime.now() => {
                Err(Error::new(ErrorCode::Unauthenticated, format!("the credentials shown ended at {end}")))
            }
            _ => Ok(()),
        }
    }

    /// Only an administrator of this school, by their own role: a grant reaches operations, not the school's settings.
    pub(crate) fn check_admin(&self, tenant: &TenantId, actor: &Actor) -> Result<()> {
        actor.check()?;
        self.check_end(actor)?;
        if actor.outsider(tenant).is_some() {
            return Err(Error::new(ErrorCode::PermissionDenied, "the actor belongs to another school"));
        }
        if actor.role() != Role::Admin || !actor.in_scope("sis", "manage") {
            return Err(Error::new(ErrorCode::PermissionDenied, "only an administrator of this school may do this"));
        }
        Ok(())
    }

    async fn grant(
        &self,
        tenant: &TenantId,
        user: &str,
        provider: &'static str,
        urgent: bool,
    ) -> Result<Option<Grant>> {
        let key = (tenant.clone(), provider, user.to_owned());
        let now = self.runtime.monotonic();
        let old = match self.grants.get(&key) {
            Some((at, grant)) if now.saturating_sub(at) < FRESH => return Ok(grant),
            old => old,
        };
        match (patiently(&self.runtime, urgent, self.read(tenant, user, provider)).await, old) {
            (Ok(grant), _) => {
                self.grants.insert(key, (now, grant.clone()));
                Ok(grant)
            }
            // An emergency goes by what was known when the storage last answered; by the role alone where nothing was.
            (Err(_), Some((_, old))) if urgent => Ok(old),
            (Err(_), None) if urgent => Ok(None),
            (Err(error), _) => Err(error),
        }
    }

    fn id(provider: &str, user: &str) -> String {
        format!("{provider}:{user}")
    }

    /// The user's grant for a provider, if there is one.
    pub(crate) async fn read(&self, tenant: &TenantId, user: &str, provider: &'static str) -> Result<Option<Grant>> {
        let row = self.writer.get(&Key::new(&tables::PERMISSIONS, tenant, Self::id(provider, user))).await?;
        row.map(|row| {
            Ok(Grant {
                role: row.opt_text("role").map(str::parse).transpose()?,
                allow: row.json("allow")?,
                deny: row.json("deny")?,
                expires_at: row.opt_timestamp("expires_at"),
            })
        })
        .transpose()
    }

    /// Checks a grant: the row it becomes.
    pub(crate) fn prepare(
        &self,
        tenant: &TenantId,
        actor: &Actor,
        user: &str,
        provider: &ProviderSpec,
        grant: &Grant,
    ) -> Result<Change> {
        Actor::new(user, Role::Student)
            .check()
            .map_err(|_| Error::invalid("userId", "must have 1 to 256 characters and no control characters"))?;
        for (list, names) in [("allow", &grant.allow), ("deny", &grant.deny)] {
            for (at, name) in names.iter().enumerate() {
                if ![ACT_AS, "*"].contains(&name.as_str()) && provider.operation(name).is_err() {
                    let known: Vec<_> = provider.operations.iter().map(|operation| operation.name).collect();
                    return Err(Error::invalid(
                        format!("{list}[{at}]"),
                        format!("must be *, actAs, or an operation of {}: {}", provider.info.id, known.join(", ")),
                    ));
                }
            }
        }
        Ok(Change::Put {
            record: Record::new(&tables::PERMISSIONS, tenant, Self::id(provider.info.id, user))
                .set("user_id", user.to_owned())
                .set("provider", provider.info.id)
                .set("role", grant.role.map(Role::name))
                .set("allow", serde_json::json!(grant.allow))
                .set("deny", serde_json::json!(grant.deny))
                .set("expires_at", grant.expires_at)
                .set("updated_at", self.runtime.now())
                .set("updated_by", actor.id().to_owned()),
            expected: None,
        })
    }

    /// Forgets what is cached: the grant has changed.
    pub(crate) fn forget(&self, tenant: &TenantId, user: &str, provider: &'static str) {
        self.grants.remove(&(tenant.clone(), provider, user.to_owned()));
    }

    /// A new API key, and the row it becomes: a keyed hash of it.
    pub(crate) fn make_key(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        actor: &Actor,
        request: ApiKeyRequest,
    ) -> Result<(Change, NewApiKey)> {
        Actor::new(&request.user_id, request.role).check().map_err(|error| error.with_field("userId"))?;
        if request.name.is_empty() || request.name.chars().count() > 100 {
            return Err(Error::invalid("name", "must have 1 to 100 characters"));
        }
        if request.scopes.is_empty() {
            return Err(Error::invalid(
                "scopes",
                "must name what the key reaches: provider:operation, provider:* or *",
            ));
        }
        for (at, scope) in request.scopes.iter().enumerate() {
            let parts = scope.split_once(':').is_some_and(|(provider, name)| !provider.is_empty() && !name.is_empty());
            if scope != "*" && !parts {
                return Err(Error::invalid(format!("scopes[{at}]"), "must be provider:operation, provider:* or *"));
            }
            if !actor.covers(scope) {
                let why = "a key cannot make one that reaches further than itself";
                return Err(Error::new(ErrorCode::PermissionDenied, why).with_field(format!("scopes[{at}]")));
            }
        }
        let now = self.runtime.now();
        if let Some(end) = actor.expires_at().filter(|end| request.expires_at.is_none_or(|wanted| wanted > *end)) {
            let why = format!("a key that ends at {end} cannot make one that lasts longer");
            return Err(Error::new(ErrorCode::PermissionDenied, why).with_field("expiresAt"));
        }
        let prefix = format!("sis_{}", hex::encode(random_bytes::<6>()));
        let key = Secret::new(format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>())));
        let id = RequestId::new(now).to_string();
        let record = ApiKey {
            id: id.clone(),
            name: request.name,
            prefix: prefix.clone(),
            user_id: request.user_id,
            role: request.role,
            scopes: request.scopes,
            expires_at: request.expires_at,
            revoked_at: None,
        };
        let row = Record::new(&tables::API_KEYS, tenant, id)
            .set("name", record.name.clone())
            .set("prefix", prefix)
            .set("digest", keys.digest("api_key", key.expose().as_bytes()).into_bytes())
            .set("user_id", record.user_id.clone())
            .set("role", record.role.name())
            .set("scopes", serde_json::json!(record.scopes))
            .set("created_at", now)
            .set("created_by", actor.id().to_owned())
            .set("expires_at", record.expires_at);
        Ok((Change::Insert(row), NewApiKey { record, key }))
    }

    /// A tenant's keys, newest first.
    pub(crate) async fn keys(&self, tenant: &TenantId) -> Result<Vec<ApiKey>> {
        let rows = self.writer.query_all(Query::of(&tables::API_KEYS, tenant).newest_first("created_at")).await?;
        rows.iter()
            .map(|row| {
                Ok(ApiKey {
                    id: row.key.id.clone(),
                    name: row.text("name")?.to_owned(),
                    prefix: row.text("prefix")?.to_owned(),
                    user_id: row.text("user_id")?.to_owned(),
                    role: row.text("role")?.parse()?,
                    scopes: row.json("scopes")?,
                    expires_at: row.opt_timestamp("expires_at"),
                    revoked_at: row.opt_timestamp("revoked_at"),
                })
            })
            .collect()
    }

    /// The row of a key, revoked.
    pub(crate) async fn revoke(&self, tenant: &TenantId, id: &str) -> Result<Change> {
        let row = self.writer.get(&Key::new(&tables::API_KEYS, tenant, id)).await?;
        let row = row.ok_or_else(|| Error::new(ErrorCode::NotFound, "there is no such API key").with_field("id"))?;
        let version = row.version;
        let at = row.opt_timestamp("revoked_at").unwrap_or_else(|| self.runtime.now());
        Ok(Change::Put { record: row.set("revoked_at", at), expected: Some(version) })
    }

    /// Forgets which keys were accepted: one of them is revoked by now.
    pub(crate) fn forget_keys(&self) {
        self.accepted.clear();
    }

    /// Whose key this is. One answer for every key that is not accepted, so that nothing is learnt by trying.
    ///
    /// An emergency does not wait for a storage that cannot be read: it goes by what this process has accepted.
    pub(crate) async fn authenticate(
        &self,
        security: &SecurityService,
        key: &str,
        urgent: bool,
    ) -> Result<(TenantId, Actor)> {
        let shown: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let now = self.runtime.monotonic();
        let looked_up = self.runtime.timeout(LOOKED_UP, patiently(&self.runtime, urgent, self.look_up(security, key)));
        let slow = || Err(Error::new(ErrorCode::StorageUnavailable, "the storage does not answer"));
        match looked_up.await.unwrap_or_else(slow) {
            Ok((tenant, actor)) => {
                self.accepted.insert(shown, (now, tenant.clone(), actor.clone()));
                Ok((tenant, actor))
            }
            Err(error) if urgent && error.is_storage() => match self.accepted.get(&shown) {
                Some((at, tenant, actor)) if now.saturating_sub(at) < ACCEPTED => {
                    tracing::warn!(%tenant, %error, "an emergency goes by a key that was accepted before");
                    Ok((tenant, actor))
                }
                _ => Err(error),
            },
            Err(error) => {
                self.accepted.remove(&shown);
                Err(error)
            }
        }
    }

    async fn look_up(&self, security: &SecurityService, key: &str) -> Result<(TenantId, Actor)> {
        let refused = || Error::new(ErrorCode::Unauthenticated, "the API key is not valid");
        // By its length: the secret after it may hold the same separator.
        let prefix = key.split_at_checked(PREFIX).filter(|(p, rest)| p.starts_with("sis_") && rest.starts_with('_'));
        let prefix = prefix.ok_or_else(refused)?.0.to_owned();
        // A key does not say its tenant: this is one of the queries that look across them.
        let rows = self.writer.query_all(Query::across_tenants(&tables::API_KEYS).eq("prefix", prefix)).await?;
        for row in rows {
            let tenant = row.key.tenant.clone();
            let keys = security.keys(&tenant).await?;
            let digest = keys.digest("api_key", key.as_bytes()).into_bytes();
            let same = bool::from(digest.ct_eq(row.bytes("digest")?));
            let over = row.opt_timestamp("revoked_at").is_some()
                || row.opt_timestamp("expires_at").is_some_and(|end| self.runtime.now() >= end);
            if same && !over {
                let actor = Actor::new(row.text("user_id")?, row.text("role")?.parse()?)
                    .of_tenant(tenant.clone())
                    .scopes(row.json("scopes")?);
                let end = row.opt_timestamp("expires_at");
                return Ok((tenant, end.into_iter().fold(actor, Actor::until)));
            }
        }
        Err(refused())
    }
}
