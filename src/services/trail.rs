//! The audit trail as it is read: intents joined with what came of them.

use std::{collections::HashMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{AuditService, Event, spill::JOURNALED};
use crate::{
    error::{Error, Result},
    model::{RequestId, TenantId, Timestamp},
    storage::{Cursor, Key, Query, Record, Storage, Test, tables},
};

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

/// How many entries of a log one page has.
pub(super) fn page_size(wanted: Option<u32>) -> Result<u32> {
    match wanted.unwrap_or(100) {
        size @ 1..=500 => Ok(size),
        _ => Err(Error::invalid("limit", "must be 1 to 500")),
    }
}

/// How long after its deadline a call's outcome may still be on its way to the disk.
const GRACE: Duration = Duration::from_secs(5);

impl AuditService {
    /// A page of the trail, newest first: intents joined with their outcomes.
    pub async fn entries(&self, tenant: &TenantId, filter: &AuditFilter) -> Result<AuditPage> {
        let mut query = Query::of(&tables::AUDIT_LOGS, tenant)
            .filter("event", Test::Ne, Event::CallOutcome.name())
            .filter("event", Test::Ne, Event::PartOutcome.name())
            .newest_first("id")
            .limit(page_size(filter.limit)?)
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
        let records = self.once(tenant, page.records).await?;
        let outcomes = self.outcomes(tenant, &records).await?;
        let now = self.runtime.now();
        let entries = records.iter().map(|row| entry(row, &outcomes, now)).collect::<Result<_>>()?;
        Ok(AuditPage { entries, next: page.next })
    }

    /// Without the rows that came by the second journal though the storage had kept them after all.
    async fn once(&self, tenant: &TenantId, rows: Vec<Record>) -> Result<Vec<Record>> {
        let mut once = Vec::with_capacity(rows.len());
        for row in rows {
            let twice = match row.key.id.strip_suffix(JOURNALED) {
                Some(own) => self.writer.get(&Key::new(&tables::AUDIT_LOGS, tenant, own)).await?.is_some(),
                None => false,
            };
            if !twice {
                once.push(row);
            }
        }
        Ok(once)
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
