//! [`IdempotencyService`]: a call that is named happens once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Spill, patiently};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{RequestId, Runtime, TenantId, Timestamp},
    security::TenantKeys,
    storage::{Change, Key, Record, SharedWriter, Storage, Value as Stored, tables},
    transport::{Repeat, turned_away},
};

/// How long a key is remembered. Stripe forgets its keys after as long, and not before.
/// <https://docs.stripe.com/api/idempotent_requests>
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// How long a key is whose call has left no trustworthy end: whoever repeats it must be told so long after.
const IN_DOUBT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long after its deadline a call may still be recording its outcome.
const GRACE: Duration = Duration::from_secs(60);
/// How many emergencies' names are known also without the storage.
const URGENT: usize = 256;

/// What is known of a key.
pub enum Known {
    /// Nothing: the claim goes into the same commit as the intent.
    New(Claim),
    /// The call happened: this is its first answer.
    Answered(RequestId, Result<Value>),
}

/// A key that this call holds.
#[derive(Clone)]
pub struct Claim {
    key: Key,
    digest: String,
    request_id: RequestId,
    /// When the key was claimed; a call that goes on has the moment of its first try.
    made: Timestamp,
    deadline: Timestamp,
    repeat: Repeat,
    urgent: bool,
    /// The version of an outlived row that is written over.
    over: Option<u64>,
    /// Whether an earlier try may have happened.
    in_doubt: bool,
    steps: Arc<StepBook>,
}

impl Claim {
    /// How far the call has come.
    pub(crate) fn steps(&self) -> &Arc<StepBook> {
        &self.steps
    }

    /// Whether the next call of this name goes on where this one ended.
    pub(crate) fn goes_on_after(&self, error: &Error) -> bool {
        !self.steps.0.lock().is_empty() || (self.repeat == Repeat::WithKey && may_have_happened(error, self.in_doubt))
    }

    /// When its first try was: what tells it from an earlier call by the same key, which is forgotten.
    pub(crate) fn made(&self) -> Timestamp {
        self.made
    }
}

/// How far a call of several requests has come.
#[derive(Default)]
pub struct StepBook(Mutex<BTreeMap<String, StepState>>);

#[derive(Clone, Serialize, Deserialize)]
struct StepState {
    /// False while it is only begun.
    done: bool,
    /// What it brought, which may be null.
    brought: Value,
    secret: bool,
    since: Timestamp,
}

impl StepBook {
    /// What the step brought, or since when it is begun without a word of its end.
    pub(crate) fn known(&self, step: &str) -> (Option<Value>, Option<Timestamp>) {
        match self.0.lock().get(step) {
            None => (None, None),
            Some(StepState { done: false, since, .. }) => (None, Some(*since)),
            Some(StepState { brought, .. }) => (Some(brought.clone()), None),
        }
    }

    pub(crate) fn begin(&self, step: &str, since: Timestamp) {
        self.0.lock().insert(step.to_owned(), StepState { done: false, brought: Value::Null, secret: false, since });
    }

    pub(crate) fn done(&self, step: &str, brought: Value, secret: bool, since: Timestamp) {
        self.0.lock().insert(step.to_owned(), StepState { done: true, brought, secret, since });
    }

    pub(crate) fn forget(&self, step: &str) {
        self.0.lock().remove(step);
    }

    /// What was done, as an error shows it; none when nothing was begun.
    pub(crate) fn shown(&self) -> Option<Value> {
        let steps = self.0.lock();
        if steps.is_empty() {
            return None;
        }
        let shown = |(name, step): (&String, &StepState)| {
            let value = match step {
                StepState { done: false, .. } => json!({ "state": "unknown" }),
                StepState { secret: false, brought, .. } if !brought.is_null() => {
                    json!({ "state": "done", "brought": brought })
                }
                _ => json!({ "state": "done" }),
            };
            (name.clone(), value)
        };
        Some(Value::Object(steps.iter().map(shown).collect::<Map<_, _>>()))
    }
}

/// That another call of this name is at work.
pub(crate) fn still_under_way() -> Error {
    Error::new(ErrorCode::InProgress, "the first call with this idempotency key is still under way")
}

/// Remembers named calls.
pub struct IdempotencyService {
    writer: SharedWriter,
    runtime: Runtime,
    spill: Option<Arc<Spill>>,
    /// What this process's emergencies have claimed and answered: they know their names also while nothing can be read.
    urgent: Cache<(TenantId, String), Record>,
}

impl IdempotencyService {
    pub(crate) fn new(writer: SharedWriter, runtime: Runtime, spill: Option<Arc<Spill>>) -> Self {
        Self { writer, runtime, spill, urgent: Cache::new(URGENT) }
    }

    /// Looks the name up.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of the one call, and the road is the one caller")]
    pub(crate) async fn look(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        name: &str,
        provider: &str,
        operation: &str,
        arguments: &str,
        request_id: RequestId,
        deadline: Timestamp,
        repeat: Repeat,
        in_steps: bool,
        urgent: bool,
    ) -> Result<Known> {
        if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
            return Err(Error::invalid("idempotencyKey", "must have 1 to 255 characters and no control characters"));
        }
        let id = keys.digest("idempotency", name.as_bytes());
        let digest = keys.digest("idempotent_call", format!("{provider}\0{operation}\0{arguments}").as_bytes());
        let key = Key::new(&tables::IDEMPOTENCY_KEYS, tenant, id);
        let now = self.runtime.now();
        let mut claim = Claim {
            key,
            digest,
            request_id,
            made: now,
            deadline,
            repeat,
            urgent,
            over: None,
            in_doubt: false,
            steps: Arc::default(),
        };
        let Some(row) = self.stored(&claim.key, urgent).await? else { return Ok(Known::New(claim)) };
        if row.timestamp("expires_at")? <= now {
            claim.over = Some(row.version);
            return Ok(Known::New(claim));
        }
        if row.text("arguments_digest")? != claim.digest {
            return Err(Error::new(
                ErrorCode::IdempotencyConflict,
                "this idempotency key was used before, for another call or with other arguments",
            )
            .with_field("idempotencyKey"));
        }
        let first: RequestId = row.text("request_id")?.parse()?;
        if row.text("state")? == "finished" {
            return Ok(Known::Answered(first, self.answer(keys, &row)?));
        }
        let stopped = row.text("state")? == "stopped";
        if !stopped && now <= row.timestamp("deadline_at")?.after(GRACE) {
            return Err(still_under_way());
        }
        let unknown = |why: &str| Ok(Known::Answered(first, Err(Error::new(ErrorCode::OutcomeUnknown, why))));
        claim.made = row.timestamp("created_at")?;
        if repeat == Repeat::WithKey && !in_steps && deadline > claim.made.after(REMEMBERED) {
            return unknown(
                "the first call with this idempotency key may have happened, and that is so long ago that the vendor may no \
                 longer know it by its key: look whether it did, and repeat it with another key if not",
            );
        }
        // It stopped half-way or its process died. The vendor knows it by the same key, or it does not matter, or its steps
        // tell how far it came and look before they act: it may be made again.
        if stopped || repeat != Repeat::Never || in_steps {
            claim.over = Some(row.version);
            claim.in_doubt = true;
            claim.steps = self.steps(keys, &row)?;
            return Ok(Known::New(claim));
        }
        unknown("the first call with this idempotency key left no outcome: its process died, and it may have happened")
    }

    /// The row as it will be when everything is merged. An emergency goes by what this process knows where the storage
    /// does not answer.
    async fn stored(&self, key: &Key, urgent: bool) -> Result<Option<Record>> {
        if let Some(pending) = self.spill.as_ref().and_then(|spill| spill.pending(key)) {
            return Ok(pending);
        }
        match patiently(&self.runtime, urgent, self.writer.get(key)).await {
            Err(error) if urgent && error.is_storage() => Ok(self.urgent.get(&(key.tenant.clone(), key.id.clone()))),
            stored => stored,
        }
    }

    fn remember(&self, claim: &Claim, row: Option<&Record>) {
        if !claim.urgent {
            return;
        }
        let name = (claim.key.tenant.clone(), claim.key.id.clone());
        match row {
            Some(row) => self.urgent.insert(name, row.clone()),
            None => drop(self.urgent.remove(&name)),
        }
    }

    fn answer(&self, keys: &TenantKeys, row: &Record) -> Result<Result<Value>> {
        let plain = keys.open(tables::IDEMPOTENCY_KEYS.name, &row.key.id, "answer", row.bytes("answer")?)?;
        let mut kept: Value = serde_json::from_slice(&plain)
            .map_err(|_| Error::new(ErrorCode::StorageCorrupt, "a kept answer cannot be read"))?;
        if let Some(answer) = kept.get_mut("ok") {
            return Ok(Ok(answer.take()));
        }
        let message = kept["message"].as_str().unwrap_or_default().to_owned();
        Ok(Err(Error::new(ErrorCode::from_name(kept["code"].as_str().unwrap_or_default()), message)))
    }

    fn steps(&self, keys: &TenantKeys, row: &Record) -> Result<Arc<StepBook>> {
        if *row.value("steps") == Stored::Null {
            return Ok(Arc::default());
        }
        let plain = keys.open(tables::IDEMPOTENCY_KEYS.name, &row.key.id, "steps", row.bytes("steps")?)?;
        let steps = serde_json::from_slice(&plain)
            .map_err(|_| Error::new(ErrorCode::StorageCorrupt, "the steps of a call cannot be read"))?;
        Ok(Arc::new(StepBook(Mutex::new(steps))))
    }

    /// The claim, for the commit of the intent: a conflict there means that another call was first.
    pub(crate) fn claim(&self, claim: &Claim, keys: &TenantKeys) -> Result<Change> {
        let record = self.row(claim, keys, "started", None, IN_DOUBT)?;
        self.remember(claim, Some(&record));
        Ok(match claim.over {
            Some(version) => Change::Put { record, expected: Some(version) },
            None => Change::Insert(record),
        })
    }

    /// Frees the name of a call that let nothing happen, and whose claim was kept too late for it: only while it still
    /// stands as that call made it. What an earlier try left is left again.
    pub(crate) async fn give_back(&self, claim: &Claim, keys: &TenantKeys) {
        self.remember(claim, None);
        let expected = Some(claim.over.map_or(1, |version| version + 1));
        let change = match claim.in_doubt {
            true => self.row(claim, keys, "stopped", None, IN_DOUBT).map(|record| Change::Put { record, expected }),
            false => Ok(Change::Delete { key: claim.key.clone(), expected }),
        };
        let freed = match change {
            Ok(change) => self.writer.submit(vec![change]).await,
            Err(error) => Err(error),
        };
        if let Err(error) = freed {
            tracing::warn!(%error, request_id = %claim.request_id, "an idempotency key stays taken until its time is over");
        }
    }

    /// The steps as they stand, for the commit of a step.
    pub(crate) fn progress(&self, claim: &Claim, keys: &TenantKeys) -> Result<Change> {
        Ok(Change::Put { record: self.row(claim, keys, "started", None, IN_DOUBT)?, expected: None })
    }

    fn row(
        &self,
        claim: &Claim,
        keys: &TenantKeys,
        state: &'static str,
        answer: Option<Vec<u8>>,
        kept: Duration,
    ) -> Result<Record> {
        let steps = claim.steps.0.lock().clone();
        let steps = if steps.is_empty() || state == "finished" {
            None
        } else {
            let plain = serde_json::to_vec(&steps).map(zeroize::Zeroizing::new);
            let plain = plain.map_err(|_| Error::internal("the steps of a call are not JSON"))?;
            Some(keys.seal(tables::IDEMPOTENCY_KEYS.name, &claim.key.id, "steps", &plain)?)
        };
        let row = Record::new(claim.key.table, &claim.key.tenant, claim.key.id.clone())
            .set("state", state)
            .set("request_id", claim.request_id.to_string())
            .set("arguments_digest", claim.digest.clone())
            .set("answer", answer)
            .set("steps", steps)
            .set("created_at", claim.made)
            .set("deadline_at", claim.deadline)
            .set("expires_at", self.runtime.now().after(kept));
        Ok(row)
    }

    /// The end of the call, for the commit of its outcome. An answer is kept; so is an unknown outcome, which must not
    /// be repeated blindly. Where the vendor knows the call by its key, the next call of this name, which must be the same
    /// one, goes on with that key. Any other error let nothing happen, and frees the name.
    pub(crate) fn finish(&self, claim: &Claim, keys: &TenantKeys, result: &Result<Value>) -> Result<Change> {
        let (kept, time) = match result {
            Ok(answer) => (json!({ "ok": answer }), REMEMBERED),
            // Half of it is done, or perhaps all: the next call of this name goes on there.
            Err(error) if claim.goes_on_after(error) => {
                return Ok(Change::Put { record: self.row(claim, keys, "stopped", None, IN_DOUBT)?, expected: None });
            }
            Err(error) if error.code() == ErrorCode::OutcomeUnknown && claim.repeat == Repeat::Never => {
                (json!({ "code": error.code(), "message": error.message() }), IN_DOUBT)
            }
            Err(_) => {
                self.remember(claim, None);
                return Ok(Change::Delete { key: claim.key.clone(), expected: None });
            }
        };
        let plain = kept.to_string();
        let sealed = keys.seal(tables::IDEMPOTENCY_KEYS.name, &claim.key.id, "answer", plain.as_bytes())?;
        let record = self.row(claim, keys, "finished", Some(sealed), time)?;
        self.remember(claim, Some(&record));
        Ok(Change::Put { record, expected: None })
    }
}

/// Whether a call with this error may have happened all the same: where the vendor knows calls by a key, an error after
/// something was sent does not always say so. Of an earlier try that may have happened only the vendor's answer to the same
/// request tells.
fn may_have_happened(error: &Error, in_doubt: bool) -> bool {
    let answered = error.vendor().is_some_and(|vendor| !turned_away(vendor.status) && vendor.status < 500);
    match error.code() {
        ErrorCode::OutcomeUnknown | ErrorCode::InvalidResponse | ErrorCode::Timeout | ErrorCode::Internal => true,
        // Not the vendor's: what an earlier try has made is there, and is another by now.
        ErrorCode::Conflict => error.vendor().is_none(),
        _ => in_doubt && !answered,
    }
}
