//! [`WebhookService`]: what vendors tell us is verified before it is read, kept before it is answered, and handed to the
//! host's handlers until they have taken it.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::FutureExt;
use quick_cache::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deliveries::{self, DeliveryStatus, Moves};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{RequestId, Runtime, TenantId, Timestamp},
    providers::{ProviderSpec, TypedEvent, WebhookEvent},
    security::{SecurityService, TenantKeys},
    storage::{Change, Cursor, Key, Query, Record, SharedWriter, Storage, Test, conflicting_change, tables},
    transport::Backoff,
};

/// The largest body of a webhook, in bytes: larger ones are refused before anything is computed over them.
pub const MAX_WEBHOOK: usize = 2 << 20;

/// An event on its way to a handler.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedEvent {
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's id.
    pub provider: &'static str,
    /// The event.
    pub event: WebhookEvent,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

impl ReceivedEvent {
    /// What the vendor said, as a type of its provider: see [`TypedEvent`].
    ///
    /// Errors: `invalid_argument` at `provider` if the event is of another one, and at the path below `data` that is not
    /// as the vendor documents it.
    pub fn typed<T: TypedEvent>(&self) -> Result<T> {
        if self.provider != T::PROVIDER {
            return Err(Error::invalid("provider", format!("is {}, not {}", self.provider, T::PROVIDER)));
        }
        self.event.typed()
    }
}

/// Takes events for the host: any `Fn(ReceivedEvent) -> impl Future<Output = Result<()>>` is one.
///
/// An event comes at least once. One that a handler answers with an error, or in whose handler the process died, comes
/// again; after the last attempt it is `dead` until somebody replays it. Where several handlers are there, each gets the
/// event again, so a handler must know events it has had by `event.id`. Events come in no particular order. Of a handler's
/// error only the code is kept and logged.
#[async_trait]
pub trait WebhookHandler: Send + Sync + 'static {
    /// Takes one event. What it answers within two minutes counts.
    async fn handle(&self, received: ReceivedEvent) -> Result<()>;
}

#[async_trait]
impl<F, R> WebhookHandler for F
where
    F: Fn(ReceivedEvent) -> R + Send + Sync + 'static,
    R: Future<Output = Result<()>> + Send + 'static,
{
    async fn handle(&self, received: ReceivedEvent) -> Result<()> {
        self(received).await
    }
}

/// Where a webhook event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WebhookState {
    /// It waits for a handler.
    Pending,
    /// A handler has it.
    Claimed,
    /// Every handler took it, or there is none.
    Done,
    /// A handler failed; it comes again.
    Failed,
    /// Handlers failed so often that it comes no more, until somebody replays it.
    Dead,
}

impl WebhookState {
    const ALL: [Self; 5] = [Self::Pending, Self::Claimed, Self::Done, Self::Failed, Self::Dead];

    /// As JSON and SQL spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }

    fn of(row: &Record) -> Result<Self> {
        let name = row.text("state")?;
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| Error::new(ErrorCode::StorageCorrupt, "a webhook's state is none that there is"))
    }
}

/// One event of the webhook log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookEntry {
    /// Its id in the log.
    pub id: String,
    /// When it came in.
    pub at: Timestamp,
    /// From whom.
    pub provider: String,
    /// The vendor's id of it.
    pub event_id: String,
    /// The vendor's word for what happened.
    pub kind: String,
    /// Where it stands.
    pub state: WebhookState,
    /// How often handlers were tried.
    pub attempts: i64,
    /// When they are tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// The code of the error that the last attempt failed with. Its words are the handler's own, and are not kept: they
    /// may name somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Which events to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct WebhookFilter {
    /// Of this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Those that stand so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<WebhookState>,
    /// How many to a page, 1 to 500. Default: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// A page of the webhook log, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookPage {
    /// The events.
    pub events: Vec<WebhookEntry>,
    /// For the next page's `cursor`; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

/// An event that was kept.
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) event: WebhookEvent,
    /// Whether it was there before.
    pub(crate) duplicate: bool,
}

/// How long a handler may take, and its claim holds. The claim outlasts the handler, so that no two run at once.
const HANDLER: Duration = Duration::from_secs(120);
const LEASE: Duration = Duration::from_secs(150);
/// Tenants tried for a webhook that names none.
const TRIED: u32 = 100;
/// How long an event waits whose school's keys cannot be had.
const PUT_OFF: Duration = Duration::from_secs(600);
/// How long it is remembered which tenants have an account.
const FRESH: Duration = Duration::from_secs(30);

/// When it was looked up who has an account, and who has it.
type Having = (Duration, Vec<TenantId>);

/// Keeps webhook events, and hands them on.
pub struct WebhookService {
    writer: SharedWriter,
    runtime: Runtime,
    backoff: Backoff,
    handlers: Vec<Arc<dyn WebhookHandler>>,
    tenants: Cache<(&'static str, Option<String>), Having>,
}

impl WebhookService {
    pub(crate) fn new(
        writer: SharedWriter,
        runtime: Runtime,
        backoff: Backoff,
        handlers: Vec<Arc<dyn WebhookHandler>>,
    ) -> Self {
        Self { writer, runtime, backoff, handlers, tenants: Cache::new(10_000) }
    }

    pub(crate) fn has_handlers(&self) -> bool {
        !self.handlers.is_empty()
    }

    /// The name of a tenant's route: whoever knows it knows where to send, and nothing else.
    pub(crate) fn route(tenant: &TenantId, keys: &TenantKeys, provider: &ProviderSpec) -> String {
        let digest = keys.pseudonym("webhook_route", provider.info.id);
        format!("{}.{digest}", URL_SAFE_NO_PAD.encode(tenant.as_str()))
    }

    /// Whose route it is. Error: `not_found`.
    pub(crate) async fn tenant_of(
        &self,
        route: &str,
        security: &SecurityService,
        provider: &ProviderSpec,
    ) -> Result<TenantId> {
        let tenant = route.split_once('.').and_then(|(tenant, _)| {
            String::from_utf8(URL_SAFE_NO_PAD.decode(tenant).ok()?).ok()?.parse::<TenantId>().ok()
        });
        if let Some(tenant) = tenant
            && let Some(keys) = security.known_keys(&tenant).await?
        {
            let known = Self::route(&tenant, &keys, provider);
            if bool::from(subtle::ConstantTimeEq::ct_eq(known.as_bytes(), route.as_bytes())) {
                return Ok(tenant);
            }
        }
        Err(Error::new(ErrorCode::NotFound, "this webhook route belongs to no school").with_field("route"))
    }

    /// The tenants whose secrets may fit: those with the account, or all that have the provider where none is named.
    ///
    /// Error: `not_found` where nobody has the account, and where so many have the provider that only a route tells.
    pub(crate) async fn having(&self, provider: &ProviderSpec, account: Option<String>) -> Result<Vec<TenantId>> {
        let key = (provider.info.id, account);
        let now = self.runtime.monotonic();
        if let Some((at, tenants)) = self.tenants.get(&key)
            && now.saturating_sub(at) < FRESH
        {
            return Ok(tenants);
        }
        let mut query = Query::across_tenants(&tables::CONFIGS).eq("id", provider.info.id).limit(TRIED + 1);
        if let Some(account) = &key.1 {
            query = query.eq("account", account.clone());
        }
        let rows = self.writer.query(&query).await?.records;
        if rows.is_empty() || rows.len() > TRIED as usize {
            let why = format!("no school could be found for this webhook of {}", provider.info.name);
            return Err(Error::new(ErrorCode::NotFound, format!("{why}: put its route into the address")));
        }
        let tenants: Vec<TenantId> = rows.into_iter().map(|row| row.key.tenant).collect();
        self.tenants.insert(key, (now, tenants.clone()));
        Ok(tenants)
    }

    /// Forgets who has which account: settings have changed.
    pub(crate) fn forget(&self) {
        self.tenants.clear();
    }

    /// Keeps what is new of these events, and moves the messages they are about. Durable when this returns.
    pub(crate) async fn keep(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        provider: &ProviderSpec,
        events: Vec<WebhookEvent>,
    ) -> Result<Vec<Kept>> {
        // Events are new as a rule, so they are looked for only when one turns out to be there. Another process may also be
        // keeping the same events, or moving the same message.
        for attempt in 0..8 {
            let (kept, changes) = self.prepare(tenant, keys, provider, &events, attempt > 0).await?;
            if changes.is_empty() {
                return Ok(kept);
            }
            match self.writer.commit(&changes).await {
                Err(error) if conflicting_change(&error).is_some() => {}
                result => return result.map(|()| kept),
            }
        }
        Err(Error::new(ErrorCode::Conflict, "others keep the same events at the same moment; send them again"))
    }

    async fn prepare(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        provider: &ProviderSpec,
        events: &[WebhookEvent],
        look: bool,
    ) -> Result<(Vec<Kept>, Vec<Change>)> {
        let now = self.runtime.now();
        let mut kept: Vec<Kept> = Vec::with_capacity(events.len());
        let mut changes = Vec::new();
        let mut moves = Moves::default();
        let of = self.deliveries(tenant, provider);
        for event in events {
            let known = match kept.iter().find(|other| other.event.id == event.id) {
                Some(other) => Some(other.id.clone()),
                None if look => self.known(tenant, provider, &event.id).await?,
                None => None,
            };
            let duplicate = known.is_some();
            let id = known.unwrap_or_else(|| RequestId::new(now).to_string());
            if !duplicate {
                let plain = serde_json::to_vec(event).map_err(|_| Error::internal("an event cannot be written"))?;
                // Handlers are tried by whoever kept it; should that process die, the claim lapses.
                let (state, next) = match self.has_handlers() {
                    true => (WebhookState::Claimed, Some(now.after(LEASE))),
                    false => (WebhookState::Done, None),
                };
                changes.push(Change::Insert(
                    Record::new(&tables::WEBHOOK_LOGS, tenant, id.clone())
                        .set("at", now)
                        .set("provider", provider.info.id)
                        .set("event_id", event.id.clone())
                        .set("event_kind", event.kind.clone())
                        .set("state", state.name())
                        .set("body", keys.seal(tables::WEBHOOK_LOGS.name, &id, "body", &plain)?)
                        .set("attempts", i64::from(self.has_handlers()))
                        .set("next_attempt_at", next),
                ));
                if let Some(delivery) = &event.delivery {
                    let at = event.at.filter(|at| at.is_sortable()).unwrap_or(now);
                    moves.take(of, keys, delivery, at).await?;
                }
            }
            kept.push(Kept { id, event: event.clone(), duplicate });
        }
        changes.extend(moves.changes(of));
        Ok((kept, changes))
    }

    /// The row of an event that is there already.
    async fn known(&self, tenant: &TenantId, provider: &ProviderSpec, event_id: &str) -> Result<Option<String>> {
        let query = Query::of(&tables::WEBHOOK_LOGS, tenant)
            .eq("provider", provider.info.id)
            .eq("event_id", event_id.to_owned())
            .limit(1);
        let rows = self.writer.query(&query).await?.records;
        Ok(rows.into_iter().next().map(|row| row.key.id.to_string()))
    }

    /// How far a message has come, or the messages of a call. Error: `not_found` while no report on it has come in.
    pub(crate) async fn delivery(
        &self,
        tenant: &TenantId,
        provider: &ProviderSpec,
        message_id: &str,
    ) -> Result<DeliveryStatus> {
        self.deliveries(tenant, provider).status(message_id).await
    }

    fn deliveries<'a>(&'a self, tenant: &'a TenantId, provider: &ProviderSpec) -> deliveries::Of<'a> {
        deliveries::Of { writer: &self.writer, tenant, provider: provider.info.id }
    }

    /// Hands one event that is claimed to the handlers, and says when it must be tried again.
    pub(crate) async fn hand_on(
        &self,
        tenant: &TenantId,
        provider: &ProviderSpec,
        id: &str,
        event: WebhookEvent,
        attempt: u32,
    ) -> Result<Option<Duration>> {
        let received = ReceivedEvent { tenant: tenant.clone(), provider: provider.info.id, event, attempt };
        let mut failed = None;
        for handler in &self.handlers {
            let work = AssertUnwindSafe(handler.handle(received.clone())).catch_unwind();
            let result = match self.runtime.timeout(HANDLER, work).await {
                Some(Ok(result)) => result,
                Some(Err(_panic)) => Err(Error::internal("the handler panicked")),
                None => Err(Error::new(ErrorCode::Timeout, "the handler took too long")),
            };
            failed = failed.or(result.err());
        }
        let now = self.runtime.now();
        let (state, next) = match &failed {
            None => (WebhookState::Done, None),
            Some(_) if attempt >= self.backoff.attempts => (WebhookState::Dead, None),
            Some(_) => (WebhookState::Failed, Some(self.backoff.wait(attempt, None))),
        };
        let key = Key::new(&tables::WEBHOOK_LOGS, tenant, id);
        let Some(row) = self.writer.get(&key).await? else { return Ok(None) };
        // Whoever took it meanwhile, or replayed it, has the last word.
        if row.text("state")? != WebhookState::Claimed.name() || row.integer("attempts")? != i64::from(attempt) {
            return Ok(None);
        }
        let version = row.version;
        // What a handler says of an error may name a pupil or a parent.
        let error = failed.as_ref().map(|error| error.code().name());
        let record = row
            .set("state", state.name())
            .set("next_attempt_at", next.map(|wait| now.after(wait)))
            .set("error", error.map(str::to_owned));
        self.writer.commit(&[Change::Put { record, expected: Some(version) }]).await?;
        if state == WebhookState::Dead {
            tell_given_up(tenant, provider.info.id, id, error.unwrap_or_default());
        }
        Ok(next)
    }

    /// Makes an event dead that no attempt can end well, until somebody replays it. Whoever else has it has the last word.
    pub(crate) async fn give_up(&self, tenant: &TenantId, id: &str, why: ErrorCode) -> Result<()> {
        match self.writer.get(&Key::new(&tables::WEBHOOK_LOGS, tenant, id)).await? {
            Some(row) => self.bury(row, why).await,
            None => Ok(()),
        }
    }

    async fn bury(&self, row: Record, why: ErrorCode) -> Result<()> {
        let (tenant, id) = (row.key.tenant.clone(), row.key.id.clone());
        let provider = row.text("provider")?.to_owned();
        let version = row.version;
        let record = row
            .set("state", WebhookState::Dead.name())
            .set("next_attempt_at", None::<Timestamp>)
            .set("error", why.name());
        if self.put(record, version).await? {
            tell_given_up(&tenant, &provider, &id, why.name());
        }
        Ok(())
    }

    /// Lets an event wait, as it stands.
    pub(crate) async fn put_off(&self, tenant: &TenantId, id: &str) -> Result<()> {
        let Some(row) = self.writer.get(&Key::new(&tables::WEBHOOK_LOGS, tenant, id)).await? else { return Ok(()) };
        let version = row.version;
        let record = row.set("next_attempt_at", self.runtime.now().after(PUT_OFF));
        self.put(record, version).await.map(drop)
    }

    /// Whether the row was still at this version, and was written.
    async fn put(&self, record: Record, version: u64) -> Result<bool> {
        match self.writer.commit(&[Change::Put { record, expected: Some(version) }]).await {
            Ok(()) => Ok(true),
            Err(error) if error.code() == ErrorCode::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes an event whose time has come, if nobody else has it. One that cannot be read, or whose attempts are used up, by
    /// processes that died of it, is dead.
    pub(crate) async fn claim(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        id: &str,
    ) -> Result<Option<(WebhookEvent, u32)>> {
        let key = Key::new(&tables::WEBHOOK_LOGS, tenant, id);
        let Some(row) = self.writer.get(&key).await? else { return Ok(None) };
        let now = self.runtime.now();
        if row.opt_timestamp("next_attempt_at").is_none_or(|due| due > now) {
            return Ok(None);
        }
        let attempt = row.integer("attempts")? + 1;
        if attempt > i64::from(self.backoff.attempts) {
            return self.bury(row, ErrorCode::OutcomeUnknown).await.map(|()| None);
        }
        let plain = row.bytes("body").and_then(|body| keys.open(tables::WEBHOOK_LOGS.name, id, "body", body));
        let Some(event) = plain.ok().and_then(|plain| serde_json::from_slice(&plain).ok()) else {
            return self.bury(row, ErrorCode::StorageCorrupt).await.map(|()| None);
        };
        let version = row.version;
        let record = row
            .set("state", WebhookState::Claimed.name())
            .set("attempts", attempt)
            .set("next_attempt_at", now.after(LEASE));
        let mine = self.put(record, version).await?;
        Ok(mine.then(|| (event, u32::try_from(attempt).unwrap_or(u32::MAX))))
    }

    /// Events whose time has come, of every tenant, those that have waited longest first: what another process left behind.
    pub(crate) async fn due(&self) -> Result<Vec<(TenantId, String, String)>> {
        let query = Query::across_tenants(&tables::WEBHOOK_LOGS)
            .filter("next_attempt_at", Test::Le, self.runtime.now())
            .oldest_first("next_attempt_at")
            .limit(200);
        let rows = self.writer.query(&query).await?.records;
        rows.into_iter()
            .map(|row| {
                let provider = row.text("provider")?.to_owned();
                Ok((row.key.tenant, provider, row.key.id.to_string()))
            })
            .collect()
    }

    /// A page of the log.
    pub(crate) async fn entries(&self, tenant: &TenantId, filter: &WebhookFilter) -> Result<WebhookPage> {
        let mut query = Query::of(&tables::WEBHOOK_LOGS, tenant)
            .newest_first("id")
            .limit(super::trail::page_size(filter.limit)?)
            .after(filter.cursor.clone());
        if let Some(provider) = &filter.provider {
            query = query.eq("provider", provider.clone());
        }
        if let Some(state) = filter.state {
            query = query.eq("state", state.name());
        }
        let page = self.writer.query(&query).await?;
        Ok(WebhookPage { events: page.records.iter().map(entry).collect::<Result<_>>()?, next: page.next })
    }

    /// Makes an event wait for handlers again, with all its attempts before it.
    pub(crate) async fn replay(&self, tenant: &TenantId, id: &str) -> Result<(Change, WebhookEntry)> {
        let row = self.writer.get(&Key::new(&tables::WEBHOOK_LOGS, tenant, id)).await?;
        let row = row.ok_or_else(|| Error::new(ErrorCode::NotFound, "there is no such webhook event"))?;
        if row.text("state")? == WebhookState::Claimed.name()
            && row.opt_timestamp("next_attempt_at").is_some_and(|end| end > self.runtime.now())
        {
            return Err(Error::new(ErrorCode::InProgress, "a handler has this event at the moment"));
        }
        if !self.has_handlers() {
            return Err(Error::new(ErrorCode::NotConfigured, "this host has no webhook handler to hand events to"));
        }
        let version = row.version;
        let record = row
            .set("state", WebhookState::Pending.name())
            .set("attempts", 0_i64)
            .set("next_attempt_at", self.runtime.now())
            .set("error", None::<String>);
        let shown = entry(&record)?;
        Ok((Change::Put { record, expected: Some(version) }, shown))
    }
}

fn tell_given_up(tenant: &TenantId, provider: &str, id: &str, error: &str) {
    tracing::error!(%tenant, provider, id, error, "a webhook event was given up");
}

fn entry(row: &Record) -> Result<WebhookEntry> {
    Ok(WebhookEntry {
        id: row.key.id.to_string(),
        at: row.timestamp("at")?,
        provider: row.text("provider")?.to_owned(),
        event_id: row.text("event_id")?.to_owned(),
        kind: row.opt_text("event_kind").unwrap_or_default().to_owned(),
        state: WebhookState::of(row)?,
        attempts: row.integer("attempts")?,
        next_attempt_at: row.opt_timestamp("next_attempt_at"),
        error: row.opt_text("error").map(str::to_owned),
    })
}
