//! [`SubscriptionService`]: which channels there are at vendors, until when, and who renews them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Runtime, TenantId, Timestamp},
    providers::{Channel, Renewal, WebhookEvent},
    security::TenantKeys,
    storage::{Change, Key, Query, Record, SharedWriter, Storage, StorageExt, Test, tables},
};

/// The longest before its end that a channel is renewed.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
/// How long a renewal may take before another process tries.
const LEASE: Duration = Duration::from_secs(300);
/// The shortest and the longest wait after a renewal failed.
const AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// How long after its end a channel is still tried to be opened again: an outage is over by then.
const GIVEN_UP: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many are looked for at once.
pub(crate) const AT_ONCE: u32 = 100;

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
    /// `opening` until the vendor has said that it is open, `active`, `renewing`, `failing` while renewals fail, `lapsed`,
    /// which is tried for a week more, or `replaced` by another and not stopped yet.
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
    had_lapsed: bool,
    row: Record,
}

/// What is kept encrypted: how a channel is renewed, and in whose name.
#[derive(Serialize, Deserialize)]
struct Sealed {
    renewal: Renewal,
    actor: Actor,
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
        replaces: Option<&str>,
    ) -> Result<()> {
        let key = Self::key(tenant, provider, &channel.id);
        let now = self.runtime.now();
        let known = self.writer.get(&key).await?;
        let created_at = known.as_ref().map_or(Ok(now), |row| row.timestamp("created_at"))?;
        // Who made it stays who it is for, whoever renews it.
        let actor = match known.as_ref().map(|row| sealed(keys, row)).transpose()?.flatten() {
            Some(sealed) => sealed.actor,
            None => actor.later(),
        };
        let (actor_id, actor_role) = (actor.id().to_owned(), actor.role().name());
        let renewal = match channel.renewal {
            None => None,
            Some(renewal) => {
                let sealed = Sealed { renewal, actor };
                let plain = serde_json::to_vec(&sealed).map_err(|_| Error::internal("a renewal is not JSON"))?;
                Some(keys.seal(tables::SUBSCRIPTIONS.name, &key.id, "renewal", &plain)?)
            }
        };
        let renew_at = channel.expires_at.filter(|_| renewal.is_some()).map(|end| {
            // A quarter of what is left, so that a channel of an hour is not renewed every minute.
            let ahead = end.before(AHEAD.min(end.since(now) / 4));
            channel.renew_at.map_or(ahead, |wanted| wanted.min(end))
        });
        let record = Record::new(key.table, tenant, key.id)
            .set("provider", provider)
            .set("resource", channel.resource)
            .set("vendor_id", channel.vendor_id)
            .set("state", if renewal.is_some() { "active" } else { "opening" })
            .set("renewal", renewal)
            .set("actor_id", actor_id)
            .set("actor_role", actor_role)
            .set("expires_at", channel.expires_at)
            .set("renew_at", renew_at)
            .set("error", None::<String>)
            .set("created_at", created_at)
            .set("updated_at", now);
        let mut changes = vec![Change::Put { record, expected: None }];
        if let Some(old) = replaces.filter(|old| *old != channel.id)
            && let Some(row) = self.writer.get(&Self::key(tenant, provider, old)).await?
        {
            // Both renewed, each change would be told twice for ever. How it was renewed stays: it says on whose behalf the
            // vendor is to stop it.
            let record = row.set("state", "replaced").set("renew_at", None::<Timestamp>);
            changes.push(Change::Put { record, expected: None });
        }
        self.writer.commit(&changes).await
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
            renew_at: row.opt_timestamp("renew_at"),
            renewal: sealed(keys, &row)?.map(|sealed| sealed.renewal),
        }))
    }

    pub(crate) async fn forget(&self, tenant: &TenantId, provider: &str, id: &str) -> Result<()> {
        self.writer.commit(&[Change::Delete { key: Self::key(tenant, provider, id), expected: None }]).await
    }

    /// Of what a vendor told in a place of many schools, that which came by a channel of this one.
    pub(crate) async fn own(
        &self,
        tenant: &TenantId,
        provider: &str,
        events: Vec<WebhookEvent>,
    ) -> Result<Vec<WebhookEvent>> {
        let mut own = Vec::with_capacity(events.len());
        for event in events {
            match &event.channel {
                Some(channel) if !self.has(tenant, provider, channel).await? => {
                    tracing::debug!(%tenant, provider, kind = event.kind, "an event of no channel of the school was left out");
                }
                _ => own.push(event),
            }
        }
        Ok(own)
    }

    async fn has(&self, tenant: &TenantId, provider: &str, vendor_id: &str) -> Result<bool> {
        let query = Query::of(&tables::SUBSCRIPTIONS, tenant)
            .filter("provider", Test::Eq, provider.to_owned())
            .filter("vendor_id", Test::Eq, vendor_id.to_owned())
            .limit(1);
        // One that is being opened has no vendor's id yet, and is nobody's by that.
        Ok(!vendor_id.is_empty() && !self.writer.query(&query).await?.records.is_empty())
    }

    pub(crate) async fn list(&self, tenant: &TenantId) -> Result<Vec<Subscription>> {
        let rows = self.writer.query_all(Query::of(&tables::SUBSCRIPTIONS, tenant)).await?;
        rows.iter().map(shown).collect()
    }

    /// A vendor wants the channel renewed now.
    pub(crate) async fn hasten(&self, tenant: &TenantId, provider: &str, id: &str) -> Result<()> {
        let Some(row) = self.writer.get(&Self::key(tenant, provider, id)).await? else { return Ok(()) };
        let now = self.runtime.now();
        let under_way = row.text("state")? == "renewing" && row.opt_timestamp("renew_at").is_some_and(|end| end > now);
        if under_way || row.text("state")? == "replaced" || row.bytes("renewal").is_err() {
            return Ok(());
        }
        let version = row.version;
        let record = row.set("renew_at", now);
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
        let kept = sealed(keys, &row)?.ok_or_else(|| Error::internal("a channel that nobody can renew is due"))?;
        let Sealed { renewal, actor } = kept;
        let had_lapsed = row.text("state")? == "lapsed";
        let version = row.version;
        let record = row.set("state", "renewing").set("renew_at", self.runtime.now().after(LEASE));
        match self.writer.commit(&[Change::Put { record: record.clone(), expected: Some(version) }]).await {
            Ok(()) => {}
            Err(error) if error.code() == ErrorCode::Conflict => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut row = record;
        row.version = version + 1;
        Ok(Some(Due { provider: row.text("provider")?.to_owned(), actor, renewal, had_lapsed, row }))
    }

    /// What cannot even be taken on stands in nobody's way: it is looked at again later.
    pub(crate) async fn put_off(&self, row: Record, error: &Error) -> Result<()> {
        let version = row.version;
        let record = row.set("renew_at", self.runtime.now().after(AGAIN.1)).set("error", words(error));
        match self.writer.commit(&[Change::Put { record, expected: Some(version) }]).await {
            Err(error) if error.code() == ErrorCode::Conflict => Ok(()),
            result => result,
        }
    }

    /// A renewal failed: it is tried again, for some time even after the channel has lapsed. Answers whether it just has.
    pub(crate) async fn failed(&self, due: Due, error: &Error) -> Result<bool> {
        let now = self.runtime.now();
        let end = due.row.opt_timestamp("expires_at");
        let lapsed = end.is_some_and(|end| end <= now);
        let wait = end.map_or(AGAIN.1, |end| if lapsed { now.since(end) / 4 } else { end.since(now) / 8 });
        let wait = wait.clamp(AGAIN.0, AGAIN.1);
        let given_up = end.is_some_and(|end| end.after(GIVEN_UP) <= now);
        let version = due.row.version;
        let record = due
            .row
            .set("state", if lapsed { "lapsed" } else { "failing" })
            .set("renew_at", (!given_up).then(|| now.after(wait)))
            .set("error", words(error))
            .set("updated_at", now);
        match self.writer.commit(&[Change::Put { record, expected: Some(version) }]).await {
            Ok(()) => Ok(lapsed && !due.had_lapsed),
            // It was renewed or forgotten by its own call after all.
            Err(error) if error.code() == ErrorCode::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn words(error: &Error) -> String {
    format!("{}: {}", error.code(), error.message()).chars().take(500).collect()
}

fn sealed(keys: &TenantKeys, row: &Record) -> Result<Option<Sealed>> {
    let Ok(kept) = row.bytes("renewal") else { return Ok(None) };
    let plain = keys.open(tables::SUBSCRIPTIONS.name, &row.key.id, "renewal", kept)?;
    let sealed = serde_json::from_slice(&plain);
    sealed.map(Some).map_err(|_| Error::new(ErrorCode::StorageCorrupt, "the renewal of a channel cannot be read"))
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
