//! [`AuditService`]: what was intended, what came of it, and the proof that nobody changed either.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value as Json;

use super::{
    PATIENCE,
    chain::{self, Chain, Verification},
    spill::Spill,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Basis, Disclosure, RequestId, Runtime, TenantId, Timestamp},
    providers::{OperationSpec, ProviderInfo},
    security::TenantKeys,
    storage::{Change, Record, SharedWriter, Storage, tables},
};

/// What a row of the audit trail tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A call is about to leave.
    CallIntent,
    /// What came of it.
    CallOutcome,
    /// One send of a call that makes many is about to leave.
    PartIntent,
    /// What came of it.
    PartOutcome,
    /// A call was refused to the actor.
    CallRefused,
    /// Settings changed.
    ConfigChanged,
    /// A permission changed.
    PermissionChanged,
    /// An API key was made or revoked.
    ApiKeyChanged,
    /// A webhook event was handed to the handlers once more.
    WebhookReplayed,
    /// A person was sent to a vendor's consent page.
    ConsentBegun,
    /// The code that a consent brought is about to be exchanged for a token.
    ConsentExchanged,
    /// What came of a consent.
    ConsentCompleted,
}

impl Event {
    /// The event as SQL and JSON spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Event::CallIntent => "call.intent",
            Event::CallOutcome => "call.outcome",
            Event::PartIntent => "part.intent",
            Event::PartOutcome => "part.outcome",
            Event::CallRefused => "call.refused",
            Event::ConfigChanged => "config.changed",
            Event::PermissionChanged => "permission.changed",
            Event::ApiKeyChanged => "api_key.changed",
            Event::WebhookReplayed => "webhook.replayed",
            Event::ConsentBegun => "consent.begun",
            Event::ConsentExchanged => "consent.exchanged",
            Event::ConsentCompleted => "consent.completed",
        }
    }
}

/// The call that rows are about.
#[derive(Clone)]
pub(crate) struct CallRow {
    pub(crate) tenant: TenantId,
    pub(crate) request_id: RequestId,
    pub(crate) actor: Actor,
    pub(crate) provider: Option<&'static str>,
    pub(crate) operation: Option<&'static str>,
    pub(crate) digest: Option<String>,
    pub(crate) deadline: Option<Timestamp>,
}

impl CallRow {
    /// A row about this call. Its id is made of the request id and the event, so that no event of a call can be
    /// recorded twice.
    pub(crate) fn row(
        &self,
        at: Timestamp,
        event: Event,
        part: Option<&str>,
        outcome: Option<&'static str>,
        detail: Option<Json>,
    ) -> Record {
        let id = match part {
            Some(part) => format!("{}/{}/{part}", self.request_id, event.name()),
            None => format!("{}/{}", self.request_id, event.name()),
        };
        let deadline = matches!(event, Event::CallIntent | Event::PartIntent).then_some(self.deadline).flatten();
        Record::new(&tables::AUDIT_LOGS, &self.tenant, id)
            .set("at", at)
            .set("request_id", self.request_id.to_string())
            .set("event", event.name())
            .set("actor_id", self.actor.id().to_owned())
            .set("actor_role", self.actor.role().name())
            .set("actor_ip", self.actor.ip_address().map(|ip| ip.to_string()))
            .set("actor_agent", self.actor.agent().map(str::to_owned))
            .set("provider", self.provider)
            .set("operation", self.operation)
            .set("part", part.map(str::to_owned))
            .set("arguments_digest", self.digest.clone())
            .set("outcome", outcome)
            .set("deadline_at", deadline)
            .set("detail", detail)
    }
}

/// What the row of a refusal says beside the actor's id: a user of another school may have the same.
pub(crate) fn refusal_detail(tenant: &TenantId, actor: &Actor, event: Event) -> Option<Json> {
    let mut detail = serde_json::Map::new();
    if event != Event::CallRefused {
        detail.insert("event".into(), event.name().into());
    }
    if let Some(own) = actor.outsider(tenant) {
        detail.insert("actorTenant".into(), own.as_str().into());
    }
    (!detail.is_empty()).then_some(Json::Object(detail))
}

/// How long an emergency leaves the storage alone after it failed.
const AVOID: Duration = Duration::from_secs(5);

/// Writes and reads the audit trail, and the records of disclosure beside it.
pub struct AuditService {
    pub(super) writer: SharedWriter,
    pub(super) runtime: Runtime,
    chain: Arc<Chain>,
    spill: Option<Arc<Spill>>,
    /// On the monotonic clock, in microseconds: the wall's may be set back.
    avoid_until: AtomicU64,
}

impl AuditService {
    pub(crate) fn chain() -> Arc<Chain> {
        Arc::new(Chain::default())
    }

    pub(crate) fn new(writer: SharedWriter, runtime: Runtime, chain: Arc<Chain>, spill: Option<Arc<Spill>>) -> Self {
        Self { writer, runtime, chain, spill, avoid_until: AtomicU64::new(0) }
    }

    /// Queues rows at once, and answers when they are durable.
    pub(crate) fn record(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        changes: Vec<Change>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        self.chain.ready(tenant, keys);
        self.writer.submit(changes)
    }

    /// Records an intent. Nothing may leave before this answers `Ok`.
    ///
    /// An emergency's goes to the second journal where the storage fails or dawdles, and where that fails too it leaves
    /// all the same: its rows are in memory then, and come to the storage as soon as either works.
    pub(crate) async fn record_intent(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        changes: Vec<Change>,
        urgent: bool,
    ) -> Result<()> {
        let Some(spill) = self.spill.as_ref().filter(|_| urgent) else {
            return self.record(tenant, keys, changes).await;
        };
        if !self.avoided() && !spill.holds(&changes) {
            let kept = self.record(tenant, keys, changes.clone());
            match self.runtime.timeout(PATIENCE, kept).await {
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) if error.code() == ErrorCode::Conflict => return Err(error),
                _ => self.avoid(),
            }
        }
        match self.spill(spill, tenant, keys, changes, true).await {
            Err(error) if error.code() == ErrorCode::Conflict => Err(error),
            // An alarm that nobody hears is worse than one that a crash may strike from the record.
            _ => Ok(()),
        }
    }

    /// Records what has happened: in the storage, or where that fails in the second journal. What is urgent goes there at
    /// once while the storage is known to fail, and so does what follows an intent that went there.
    pub(crate) async fn record_outcome(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        changes: Vec<Change>,
        urgent: bool,
    ) -> Result<()> {
        let Some(spill) = &self.spill else { return self.record(tenant, keys, changes).await };
        if spill.holds(&changes) || (urgent && self.avoided()) {
            return self.spill(spill, tenant, keys, changes, urgent).await;
        }
        let kept = self.record(tenant, keys, changes.clone());
        let kept = match urgent {
            true => self.runtime.timeout(PATIENCE, kept).await,
            false => Some(kept.await),
        };
        match kept {
            Some(Err(error)) if error.code() != ErrorCode::Conflict => {
                tracing::warn!(%error, "an outcome goes to the second journal");
            }
            Some(other) => return other,
            None => self.avoid(),
        }
        self.spill(spill, tenant, keys, changes, urgent).await
    }

    /// Gives rows to the second journal. What is urgent waits a moment for it, and not at all while it hangs: the rows are
    /// queued there in any case.
    async fn spill(
        &self,
        spill: &Spill,
        tenant: &TenantId,
        keys: &TenantKeys,
        changes: Vec<Change>,
        urgent: bool,
    ) -> Result<()> {
        let patience = if spill.hangs() { Duration::ZERO } else { PATIENCE };
        let kept = spill.keep(tenant, keys, changes);
        if !urgent {
            return kept.await;
        }
        self.runtime.timeout(patience, kept).await.unwrap_or_else(|| {
            spill.hang();
            Err(Error::new(
                ErrorCode::StorageUnavailable,
                "the second journal does not answer: rows are in memory alone",
            ))
        })
    }

    /// Whether an emergency leaves the storage alone for now.
    fn avoided(&self) -> bool {
        micros(self.runtime.monotonic()) < self.avoid_until.load(Ordering::Relaxed)
    }

    fn avoid(&self) {
        self.avoid_until.store(micros(self.runtime.monotonic() + AVOID), Ordering::Relaxed);
    }

    /// Merges what the second journal holds back into the storage, when that works again. Answers how many rows.
    pub async fn merge_journal(&self) -> Result<usize> {
        let Some(spill) = &self.spill else { return Ok(0) };
        let used = |tenant: &TenantId, detail| self.event(tenant, "journal_used", "high", None, None, detail);
        spill.merge(&self.writer, used).await
    }

    /// How many rows are in memory alone.
    pub(crate) fn unwritten(&self) -> usize {
        self.spill.as_ref().map_or(0, |spill| spill.unwritten())
    }

    /// The same, but only when there may be something to merge.
    pub(crate) async fn merge_if_waiting(&self) -> Result<()> {
        if self.spill.as_ref().is_some_and(|spill| spill.waits()) && !self.avoided() {
            self.merge_journal().await?;
        }
        Ok(())
    }

    /// A security event, to be committed.
    pub(crate) fn event(
        &self,
        tenant: &TenantId,
        kind: &'static str,
        severity: &'static str,
        actor: Option<&Actor>,
        provider: Option<&'static str>,
        detail: Json,
    ) -> Change {
        let now = self.runtime.now();
        Change::Insert(
            Record::new(&tables::SECURITY_EVENTS, tenant, RequestId::new(now).to_string())
                .set("at", now)
                .set("kind", kind)
                .set("severity", severity)
                .set("actor_id", actor.map(|actor| actor.id().to_owned()))
                .set("provider", provider)
                .set("detail", detail),
        )
    }

    /// The records of disclosure that go with an intent or a refusal (34 CFR 99.32(a)): one for each person the data is
    /// about, and one without a person where the host named none.
    pub(crate) fn disclosures(
        &self,
        subject: &CallRow,
        keys: &TenantKeys,
        provider: &ProviderInfo,
        operation: &OperationSpec,
        about: &Disclosure,
        status: &'static str,
    ) -> Result<Vec<Change>> {
        if operation.discloses.is_empty() {
            return Ok(Vec::new());
        }
        let mut categories: Vec<&str> = operation.discloses.iter().map(|disclosed| disclosed.category.name()).collect();
        categories.sort_unstable();
        categories.dedup();
        let categories = Json::from(categories);
        let basis = about.named_basis().unwrap_or(operation.basis);
        let people: Vec<_> = match about.subjects() {
            [] => vec![None],
            people => people.iter().map(Some).collect(),
        };
        let mut changes = Vec::with_capacity(people.len());
        for (number, person) in people.into_iter().enumerate() {
            let id = format!("{}/{number}", subject.request_id);
            let (mut pseudonym, mut sealed) = (None, None);
            if let Some(person) = person {
                pseudonym = Some(keys.pseudonym("subject", &person.id));
                sealed = Some(keys.seal(tables::DATA_ACCESS_LOGS.name, &id, "subject_id", person.id.as_bytes())?);
            }
            changes.push(Change::Insert(
                Record::new(&tables::DATA_ACCESS_LOGS, &subject.tenant, id)
                    .set("at", self.runtime.now())
                    .set("request_id", subject.request_id.to_string())
                    .set("provider", provider.id)
                    .set("operation", operation.name)
                    .set("actor_id", subject.actor.id().to_owned())
                    .set("actor_role", subject.actor.role().name())
                    .set("subject", pseudonym)
                    .set("subject_id", sealed)
                    .set("under13", person.is_some_and(|person| person.under13))
                    .set("categories", categories.clone())
                    .set("recipient", provider.recipient)
                    .set("purpose", about.purpose_text().unwrap_or(provider.purpose).to_owned())
                    .set("basis", basis.name())
                    // 99.32(d)(2): no record is required of what goes to school officials; we keep it and mark it.
                    .set("record_required", basis != Basis::SchoolOfficial)
                    .set("status", status),
            ));
        }
        Ok(changes)
    }

    /// Checks every link of the tenant's chain. A break is also kept as a security event.
    pub async fn verify(&self, tenant: &TenantId, keys: &TenantKeys) -> Result<Verification> {
        let report = chain::verify(&self.writer, tenant, keys).await?;
        if !report.intact {
            let detail = serde_json::json!({ "broken": report.broken });
            // Whoever asked gets the report in any case.
            if let Err(error) =
                self.writer.commit(&[self.event(tenant, "audit_chain_broken", "high", None, None, detail)]).await
            {
                tracing::error!(%tenant, %error, "the broken audit chain could not be kept as a security event");
            }
        }
        Ok(report)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The code of a row's `outcome` column.
pub(crate) fn outcome_name(error: Option<&Error>) -> &'static str {
    error.map_or("ok", |error| error.code().name())
}
