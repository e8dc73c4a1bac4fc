//! [`SubscriptionService`]: which channels there are at vendors, until when, and who renews them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Runtime, TenantId, Timestamp},
    providers::{Channel, Renewal},
    security::TenantKeys,
    storage::{Change, Key, Query, Record, SharedWriter, Storage, StorageExt, Test, tables},
};

/// The longest before its end that a channel is renewed.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
/// How long a renewal may take before another process tries.
const LEASE: Duration = Duration::from_secs(300);
/// The shortest and the longest wait after a renewal failed.
const AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// How many are renewed in one sweep.
const AT_ONCE: u32 = 100;

/// A channel at a vendor, as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Subscription {
    /// Our id of it.
    pub id: String,
    /// At which provider.
    pub provider: String,
    /// What it tells about.
    pub resource: String,
    /// The vendor's id of it.
    pub vendor_id: String,
    /// `active`, `renewing`, `failing` while renewals fail, or `lapsed`.
    pub state: String,
    /// When it lapses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it is to be renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_at: Option<Timestamp>,
    /// Why it could not be renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Who made it.
    pub created_by: String,
}

/// A channel whose renewal this process has taken on.
pub(crate) struct Due {
    pub(crate) provider: String,
    pub(crate) actor: Actor,
    pub(crate) renewal: Renewal,
    row: Record,
}

/// Keeps the channels at vendors.
pub struct SubscriptionService {
    writer: SharedWriter,
    runtime: Runtime,
}

impl SubscriptionService {
    pub(crate) fn new(writer: SharedWriter, runtime: Runtime) -> Self {
        Self { writer, runtime }
    }

    fn key(tenant: &TenantId, provider: &str, id: &str) -> Key {
        Key::new(&tables::SUBSCRIPTIONS, tenant, format!("{provider}:{id}"))
    }

    /// The secret of a channel.
    pub(crate) fn secret(keys: &TenantKeys, provider: &str, id: &str) -> String {
        keys.digest("webhook_channel", format!("{provider}\0{id}").as_bytes())
    }

    pub(crate) async fn keep(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        provider: &'static str,
        actor: &Actor,
        channel: Channel,
    ) -> Result<()> {
        let key = Self::key(tenant, provider, &channel.id);
        let now = self.runtime.now();
        let known = self.writer.get(&key).await?;
        let created_at = known.as_ref().map_or(Ok(now), |row| row.timestamp("created_at"))?;
        // Who made it stays who it is for, whoever renews it.
        let (actor_id, actor_role) = match &known {
            Some(row) => (row.text("actor_id")?.to_owned(), row.text("actor_role")?.to_owned()),
            None => (actor.id().to_owned(), actor.role().name().to_owned()),
        };
        let renewal = match &channel.renewal {
            None => None,
            Some(renewal) => {
                let plain = serde_json::to_vec(renewal).map_err(|_| Error::internal("a renewal is not JSON"))?;
                Some(keys.seal(tables::SUBSCRIPTIONS.name, &key.id, "renewal", &plain)?)
            }
        };
        let renew_at = channel.expires_at.filter(|_| renewal.is_some()).map(|end| {
            // A quarter of what is left, so that a channel of an hour is not renewed every minute.
            end.before(AHEAD.min(end.since(now) / 4))
        });
        let record = Record::new(key.table, tenant, key.id)
            .set("provider", provider)
            .set("resource", channel.resource)
            .set("vendor_id", channel.vendor_id)
            .set("state", "active")
            .set("renewal", renewal)
            .set("actor_id", actor_id)
            .set("actor_role", actor_role)
            .set("expires_at", channel.expires_at)
            .set("renew_at", renew_at)
            .set("error", None::<String>)
            .set("created_at", created_at)
            .set("updated_at", now);
        self.writer.commit(&[Change::Put { record, expected: None }]).await
    }

    pub(crate) async fn find(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        provider: &str,
        id: &str,
    ) -> Result<Option<Channel>> {
        let Some(row) = self.writer.get(&Self::key(tenant, provider, id)).await? else { return Ok(None) };
        Ok(Some(Channel {
            id: id.to_owned(),
            vendor_id: row.text("vendor_id")?.to_owned(),
            resource: row.text("resource")?.to_owned(),
            expires_at: row.opt_timestamp("expires_at"),
            renewal: renewal(keys, &row)?,
        }))
    }

    pub(crate) async fn forget(&self, tenant: &TenantId, provider: &str, id: &str) -> Result<()> {
        self.writer.commit(&[Change::Delete { key: Self::key(tenant, provider, id), expected: None }]).await
    }

    pub(crate) async fn list(&self, tenant: &TenantId) -> Result<Vec<Subscription>> {
        let rows = self.writer.query_all(Query::of(&tables::SUBSCRIPTIONS, tenant)).await?;
        rows.iter().map(shown).collect()
    }

    /// A vendor wants the channel renewed now.
    pub(crate) async fn hasten(&self, tenant: &TenantId, provider: &str, id: &str) -> Result<()> {
        let Some(row) = self.writer.get(&Self::key(tenant, provider, id)).await? else { return Ok(()) };
        if row.opt_timestamp("renew_at").is_none() {
            return Ok(());
        }
        let version = row.version;
        let record = row.set("renew_at", self.runtime.now());
        match self.writer.commit(&[Change::Put { record, expected: Some(version) }]).await {
            // Somebody is at it.
            Err(error) if error.code() == ErrorCode::Conflict => Ok(()),
            result => result,
        }
    }

    /// Where there is something to renew: tenant and row.
    pub(crate) async fn due(&self) -> Result<Vec<(TenantId, Record)>> {
        let query = Query::across_tenants(&tables::SUBSCRIPTIONS)
            .filter("renew_at", Test::Le, self.runtime.now())
            .limit(AT_ONCE);
        let rows = self.writer.query(&query).await?.records;
        Ok(rows.into_iter().map(|row| (row.key.tenant.clone(), row)).collect())
    }

    /// Takes on a renewal; none where another process was faster.
    pub(crate) async fn take(&self, keys: &TenantKeys, row: Record) -> Result<Option<Due>> {
        let Some(renewal) = renewal(keys, &row)? else { return Ok(None) };
        let actor = Actor::new(row.text("actor_id")?, row.text("actor_role")?.parse()?);
        let version = row.version;
        let record = row.set("state", "renewing").set("renew_at", self.runtime.now().after(LEASE));
        match self.writer.commit(&[Change::Put { record: record.clone(), expected: Some(version) }]).await {
            Ok(()) => {}
            Err(error) if error.code() == ErrorCode::Conflict => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut row = record;
        row.version = version + 1;
        Ok(Some(Due { provider: row.text("provider")?.to_owned(), actor, renewal, row }))
    }

    /// A renewal failed: it is tried again until the channel lapses. Answers whether it has.
    pub(crate) async fn failed(&self, due: Due, error: &Error) -> Result<bool> {
        let now = self.runtime.now();
        let end = due.row.opt_timestamp("expires_at");
        let lapsed = end.is_some_and(|end| end <= now);
        let left = end.map_or(AGAIN.1, |end| end.since(now));
        let wait = (left / 8).clamp(AGAIN.0, AGAIN.1);
        let text: String = format!("{}: {}", error.code(), error.message()).chars().take(500).collect();
        let version = due.row.version;
        let record = due
            .row
            .set("state", if lapsed { "lapsed" } else { "failing" })
            .set("renew_at", (!lapsed).then(|| now.after(wait)))
            .set("error", text)
            .set("updated_at", now);
        match self.writer.commit(&[Change::Put { record, expected: Some(version) }]).await {
            Ok(()) => Ok(lapsed),
            // It was renewed or forgotten by its own call after all.
            Err(error) if error.code() == ErrorCode::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn renewal(keys: &TenantKeys, row: &Record) -> Result<Option<Renewal>> {
    let Ok(sealed) = row.bytes("renewal") else { return Ok(None) };
    let plain = keys.open(tables::SUBSCRIPTIONS.name, &row.key.id, "renewal", sealed)?;
    let renewal = serde_json::from_slice(&plain);
    renewal.map(Some).map_err(|_| Error::new(ErrorCode::StorageCorrupt, "the renewal of a channel cannot be read"))
}

fn shown(row: &Record) -> Result<Subscription> {
    let id = row.key.id.split_once(':').map_or("", |(_, id)| id).to_owned();
    Ok(Subscription {
        id,
        provider: row.text("provider")?.to_owned(),
        resource: row.text("resource")?.to_owned(),
        vendor_id: row.text("vendor_id")?.to_owned(),
        state: row.text("state")?.to_owned(),
        expires_at: row.opt_timestamp("expires_at"),
        renew_at: row.opt_timestamp("renew_at"),
        error: row.opt_text("error").map(str::to_owned),
        created_by: row.text("actor_id")?.to_owned(),
    })
}
