//! [`AuditService`]: what was intended, what came of it, and the proof that nobody changed either.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::chain::{self, Chain, JournalChain, Verification};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Basis, Disclosure, RequestId, Runtime, TenantId, Timestamp},
    providers::{OperationSpec, ProviderInfo},
    security::TenantKeys,
    storage::{Change, Cursor, Journal, Key, Query, Record, SharedWriter, Storage, Test, Value, tables},
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

/// How a call stands, as far as its rows tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It may still be under way.
    InProgress,
    /// It ended, with this row's outcome.
    Ended,
    /// It was refused before anything left.
    Refused,
    /// Its process died, or could not write: it may or may not have happened.
    OutcomeUnknown,
    /// The row tells of a change here, not of a call.
    Recorded,
}

/// One line of the audit trail: a call with what came of it, one of its parts, or a change.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// When it was intended, refused or done.
    pub at: Timestamp,
    /// The call's id.
    pub request_id: String,
    /// `call`, `part`, `call.refused`, `config.changed`, `permission.changed` …
    pub event: String,
    /// Who asked.
    pub actor_id: String,
    /// In what role.
    pub actor_role: String,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_ip: Option<String>,
    /// Of which provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Which send of a call that makes many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// How it stands.
    pub state: State,
    /// `ok` or an error code; `outcome_unknown` where no outcome was recorded in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// When the outcome was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// A keyed digest of the arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
    /// The vendor's ids, its status, attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Json>,
}

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AuditFilter {
    /// Of this provider.
    pub provider: Option<String>,
    /// Of this actor.
    pub actor_id: Option<String>,
    /// Of this call.
    pub request_id: Option<String>,
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// At most so many, 1 to 500. Default 100.
    pub limit: Option<u32>,
    /// After where another page ended.
    pub cursor: Option<Cursor>,
}

/// Some entries, newest first, and where to read on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where to read on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

/// How long after its deadline a call's outcome may still be on its way to the disk.
const GRACE: Duration = Duration::from_secs(5);

/// What stands behind the id of a row that came by the second journal.
const JOURNALED: &str = "/journal";

/// How long the storage may take before an emergency turns to the second journal.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long an emergency leaves the storage alone after it failed.
const AVOID: Duration = Duration::from_secs(5);

/// Writes and reads the audit trail, and the records of disclosure beside it.
pub struct AuditService {
    writer: SharedWriter,
    runtime: Runtime,
    chain: Arc<Chain>,
    journal: Option<Arc<dyn Journal>>,
    journal_chain: JournalChain,
    journal_used: AtomicBool,
    spilling: parking_lot::Mutex<()>,
    merging: tokio::sync::Mutex<()>,
    avoid_until: AtomicI64,
}

impl AuditService {
    pub(crate) fn chain() -> Arc<Chain> {
        Arc::new(Chain::default())
    }

    pub(crate) fn new(
        writer: SharedWriter,
        runtime: Runtime,
        chain: Arc<Chain>,
        journal: Option<Arc<dyn Journal>>,
    ) -> Self {
        let journal_chain = chain.journal();
        // Lines of an earlier process wait to be merged.
        let journal_used = AtomicBool::new(journal.is_some());
        let avoid_until = AtomicI64::new(0);
        let merging = tokio::sync::Mutex::new(());
        Self {
            writer,
            runtime,
            chain,
            journal,
            journal_chain,
            journal_used,
            spilling: Default::default(),
            merging,
            avoid_until,
        }
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
    /// An emergency's goes to the second journal where the storage fails or dawdles.
    pub(crate) async fn record_intent(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        changes: Vec<Change>,
        urgent: bool,
    ) -> Result<()> {
        if !urgent || self.journal.is_none() {
            return self.record(tenant, keys, changes).await;
        }
        let now = self.runtime.now();
        if now.as_micros() >= self.avoid_until.load(Ordering::Relaxed) {
            let kept = self.record(tenant, keys, changes.clone());
            match self.runtime.timeout(PATIENCE, kept).await {
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) if error.code() == ErrorCode::Conflict => return Err(error),
                _ => self.avoid_until.store(now.after(AVOID).as_micros(), Ordering::Relaxed),
            }
        }
        self.spill(tenant, keys, changes)
    }

    /// Records what has happened: in the storage, or where that fails in the second journal.
    pub(crate) async fn record_outcome(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        changes: Vec<Change>,
    ) -> Result<()> {
        if self.journal.is_none() {
            return self.record(tenant, keys, changes).await;
        }
        if self.runtime.now().as_micros() >= self.avoid_until.load(Ordering::Relaxed) {
            match self.record(tenant, keys, changes.clone()).await {
                Err(error) if error.code() != ErrorCode::Conflict => {
                    tracing::warn!(%error, "an outcome goes to the second journal");
                }
                other => return other,
            }
        }
        self.spill(tenant, keys, changes)
    }

    /// Whether the second journal may hold rows.
    pub(crate) fn journal_waits(&self) -> bool {
        self.journal_used.load(Ordering::Relaxed)
            && self.runtime.now().as_micros() >= self.avoid_until.load(Ordering::Relaxed)
    }

    fn spill(&self, tenant: &TenantId, keys: &TenantKeys, changes: Vec<Change>) -> Result<()> {
        let Some(journal) = &self.journal else {
            return Err(Error::new(ErrorCode::StorageUnavailable, "the storage cannot be written"));
        };
        // Linked and appended under one lock: the file's order is the chain's.
        let _order = self.spilling.lock();
        let mut lines = Vec::with_capacity(changes.len());
        for change in changes {
            let Change::Insert(mut row) = change else { continue };
            // The storage may yet keep the row it dawdles with: this one is another, and both chains hold.
            row.key.id.push_str(JOURNALED);
            if row.key.table.name == tables::AUDIT_LOGS.name {
                self.journal_chain.link(keys, &mut row);
            }
            lines.push(to_line(&row));
        }
        tracing::error!(%tenant, rows = lines.len(), "the storage cannot be written: rows go to the second journal");
        journal.append(&lines).inspect_err(|_| self.journal_chain.forget(tenant))?;
        self.journal_used.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Merges what the second journal holds back into the storage, when that works again. Answers how many rows.
    pub async fn merge_journal(&self) -> Result<usize> {
        let Some(journal) = &self.journal else { return Ok(0) };
        if !self.journal_used.swap(false, Ordering::Relaxed) {
            return Ok(0);
        }
        let _one_at_a_time = self.merging.lock().await;
        let result = self.merge(&**journal).await;
        if result.is_err() {
            self.journal_used.store(true, Ordering::Relaxed);
        }
        result
    }

    async fn merge(&self, journal: &dyn Journal) -> Result<usize> {
        let lines = journal.read()?;
        let rows: Vec<Record> = lines.iter().filter_map(|line| from_line(line)).collect();
        let mut tenants: HashMap<TenantId, i64> = HashMap::new();
        for row in &rows {
            *tenants.entry(row.key.tenant.clone()).or_default() += 1;
            // One by one: a row that an earlier, interrupted merge has kept must not hold up the others.
            match self.writer.commit(&[Change::Insert(row.clone())]).await {
                Err(error) if error.code() == ErrorCode::Conflict => {}
                other => other?,
            }
        }
        if !lines.is_empty() {
            for (tenant, merged) in tenants {
                let detail = serde_json::json!({ "rows": merged });
                self.writer.commit(&[self.event(&tenant, "journal_used", "high", None, None, detail)]).await?;
            }
            journal.forget(lines.len())?;
        }
        Ok(rows.len())
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

    /// A page of the trail, newest first: intents joined with their outcomes.
    pub async fn entries(&self, tenant: &TenantId, filter: &AuditFilter) -> Result<AuditPage> {
        let mut query = Query::of(&tables::AUDIT_LOGS, tenant)
            .filter("event", Test::Ne, Event::CallOutcome.name())
            .filter("event", Test::Ne, Event::PartOutcome.name())
            .newest_first("id")
            .limit(filter.limit.unwrap_or(100).clamp(1, 500))
            .after(filter.cursor.clone());
        for (column, wanted) in [("provider", &filter.provider), ("actor_id", &filter.actor_id)] {
            if let Some(wanted) = wanted {
                query = query.eq(column, wanted.clone());
            }
        }
        if let Some(request) = &filter.request_id {
            // Each id is the call's, a slash, and what happened; what follows a slash in the alphabet is a zero.
            query = query.filter("id", Test::Gt, format!("{request}/")).filter("id", Test::Lt, format!("{request}0"));
        }
        if let Some(from) = filter.from {
            query = query.filter("id", Test::Ge, RequestId::text_from(from)).filter("at", Test::Ge, from);
        }
        if let Some(to) = filter.to {
            query = query.filter("id", Test::Lt, RequestId::text_until(to)).filter("at", Test::Lt, to);
        }
        let page = self.writer.query(&query).await?;
        let outcomes = self.outcomes(tenant, &page.records).await?;
        let now = self.runtime.now();
        let entries = page.records.iter().map(|row| entry(row, &outcomes, now)).collect::<Result<_>>()?;
        Ok(AuditPage { entries, next: page.next })
    }

    /// The outcomes of these intents, by request and part. Their ids are known, so each is one look at the primary key.
    async fn outcomes(&self, tenant: &TenantId, intents: &[Record]) -> Result<HashMap<(String, String), Record>> {
        let mut outcomes = HashMap::new();
        for intent in intents {
            let request = intent.text("request_id")?;
            let part = intent.opt_text("part").unwrap_or_default();
            let id = match intent.text("event")? {
                "call.intent" => format!("{request}/{}", Event::CallOutcome.name()),
                "part.intent" => format!("{request}/{}/{part}", Event::PartOutcome.name()),
                _ => continue,
            };
            let key = Key::new(&tables::AUDIT_LOGS, tenant, id.clone());
            let outcome = match self.writer.get(&key).await? {
                Some(outcome) => Some(outcome),
                None => self.writer.get(&Key::new(&tables::AUDIT_LOGS, tenant, id + JOURNALED)).await?,
            };
            outcomes.extend(outcome.map(|outcome| ((request.to_owned(), part.to_owned()), outcome)));
        }
        Ok(outcomes)
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

fn entry(row: &Record, outcomes: &HashMap<(String, String), Record>, now: Timestamp) -> Result<AuditEntry> {
    let text = |column: &str| row.opt_text(column).map(str::to_owned);
    let event = row.text("event")?;
    let request_id = row.text("request_id")?.to_owned();
    let part = text("part");
    let outcome = outcomes.get(&(request_id.clone(), part.clone().unwrap_or_default()));
    let (state, ended) = match event {
        "call.refused" => (State::Refused, row.opt_text("outcome").map(str::to_owned)),
        _ if !event.ends_with(".intent") => (State::Recorded, text("outcome")),
        _ => match outcome {
            Some(outcome) if outcome.opt_text("outcome") == Some("outcome_unknown") => {
                (State::OutcomeUnknown, Some("outcome_unknown".to_owned()))
            }
            Some(outcome) => (State::Ended, outcome.opt_text("outcome").map(str::to_owned)),
            None if row.opt_timestamp("deadline_at").is_some_and(|deadline| now > deadline.after(GRACE)) => {
                (State::OutcomeUnknown, Some("outcome_unknown".to_owned()))
            }
            None => (State::InProgress, None),
        },
    };
    let detail = outcome.unwrap_or(row).opt_text("detail").and_then(|detail| serde_json::from_str(detail).ok());
    Ok(AuditEntry {
        at: row.timestamp("at")?,
        request_id,
        event: event.trim_end_matches(".intent").to_owned(),
        actor_id: row.text("actor_id")?.to_owned(),
        actor_role: row.text("actor_role")?.to_owned(),
        actor_ip: text("actor_ip"),
        provider: text("provider"),
        operation: text("operation"),
        part,
        state,
        outcome: ended,
        ended_at: outcome.and_then(|outcome| outcome.opt_timestamp("at")),
        arguments_digest: text("arguments_digest"),
        detail,
    })
}

/// A row as a line of the second journal.
fn to_line(row: &Record) -> String {
    let mut values = Map::new();
    for (column, value) in row.key.table.columns.iter().zip(row.values()) {
        let json = match value {
            Value::Null => continue,
            Value::Text(text) => Json::from(&**text),
            Value::Integer(number) => Json::from(*number),
            Value::Real(number) => Json::from(*number),
            Value::Boolean(truth) => Json::from(*truth),
            Value::Bytes(bytes) => Json::from(hex::encode(bytes)),
            Value::Timestamp(moment) => Json::from(moment.as_micros()),
        };
        values.insert(column.name.to_owned(), json);
    }
    serde_json::json!({ "table": row.key.table.name, "tenant": row.key.tenant, "id": row.key.id, "values": values })
        .to_string()
}

/// What [`to_line`] wrote; `None` for a line that is not one.
fn from_line(line: &str) -> Option<Record> {
    use crate::storage::Kind;
    let json: Json = serde_json::from_str(line).ok()?;
    let name = json.get("table")?.as_str()?;
    let table = tables::SCHEMA.tables.iter().find(|table| table.name == name)?;
    let tenant = json.get("tenant")?.as_str()?.parse().ok()?;
    let mut row = Record::new(table, &tenant, json.get("id")?.as_str()?);
    for column in table.columns {
        let Some(value) = json.get("values")?.get(column.name) else { continue };
        let value = match column.kind {
            Kind::Text | Kind::Json => Value::from(value.as_str()?.to_owned()),
            Kind::Integer => Value::from(value.as_i64()?),
            Kind::Real => Value::from(value.as_f64()?),
            Kind::Boolean => Value::from(value.as_bool()?),
            Kind::Bytes => Value::from(hex::decode(value.as_str()?).ok()?),
            Kind::Timestamp => Value::from(Timestamp::from_micros(value.as_i64()?)),
        };
        row.put(column.name, value);
    }
    Some(row)
}

/// The code of a row's `outcome` column.
pub(crate) fn outcome_name(error: Option<&Error>) -> &'static str {
    error.map_or("ok", |error| error.code().name())
}
