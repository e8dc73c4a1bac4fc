//! [`IdempotencyService`]: a call that is named happens once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    error::{Error, ErrorCode, Result},
    model::{RequestId, Runtime, TenantId, Timestamp},
    security::TenantKeys,
    storage::{Change, Key, Record, SharedWriter, Storage, tables},
    transport::Repeat,
};

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// How long after its deadline a call may still be recording its outcome.
const GRACE: Duration = Duration::from_secs(5);

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
    deadline: Timestamp,
    repeat: Repeat,
    /// The version of an outlived row that is written over.
    over: Option<u64>,
}

/// Remembers named calls.
pub struct IdempotencyService {
    writer: SharedWriter,
    runtime: Runtime,
}

impl IdempotencyService {
    pub(crate) fn new(writer: SharedWriter, runtime: Runtime) -> Self {
        Self { writer, runtime }
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
    ) -> Result<Known> {
        if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
            return Err(Error::invalid("idempotencyKey", "must have 1 to 255 characters and no control characters"));
        }
        let id = keys.digest("idempotency", name.as_bytes());
        let digest = keys.digest("idempotent_call", format!("{provider}\0{operation}\0{arguments}").as_bytes());
        let key = Key::new(&tables::IDEMPOTENCY_KEYS, tenant, id);
        let now = self.runtime.now();
        let mut claim = Claim { key, digest, request_id, deadline, repeat, over: None };
        let Some(row) = self.writer.get(&claim.key).await? else { return Ok(Known::New(claim)) };
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
        if now <= row.timestamp("deadline_at")?.after(GRACE) {
            return Err(Error::new(
                ErrorCode::InProgress,
                "the first call with this idempotency key is still under way",
            ));
        }
        if repeat != Repeat::Never {
            // Its process died. The vendor knows it by the same key, or it does not matter: it may be made again.
            claim.over = Some(row.version);
            return Ok(Known::New(claim));
        }
        let lost = Error::new(
            ErrorCode::OutcomeUnknown,
            "the first call with this idempotency key left no outcome: its process died, and it may have happened",
        );
        Ok(Known::Answered(first, Err(lost)))
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

    /// The claim, for the commit of the intent: a conflict there means that another call was first.
    pub(crate) fn claim(&self, claim: &Claim) -> Change {
        let record = self.row(claim, "started", None);
        match claim.over {
            Some(version) => Change::Put { record, expected: Some(version) },
            None => Change::Insert(record),
        }
    }

    fn row(&self, claim: &Claim, state: &'static str, answer: Option<Vec<u8>>) -> Record {
        let now = self.runtime.now();
        Record::new(claim.key.table, &claim.key.tenant, claim.key.id.clone())
            .set("state", state)
            .set("request_id", claim.request_id.to_string())
            .set("arguments_digest", claim.digest.clone())
            .set("answer", answer)
            .set("created_at", now)
            .set("deadline_at", claim.deadline)
            .set("expires_at", now.after(REMEMBERED))
    }

    /// The end of the call, for the commit of its outcome. An answer is kept; so is an unknown outcome, which must not
    /// be repeated blindly, unless the vendor knows the call by its key. Any other error let nothing happen. Both free
    /// the name.
    pub(crate) fn finish(&self, claim: &Claim, keys: &TenantKeys, result: &Result<Value>) -> Result<Change> {
        let kept = match result {
            Ok(answer) => json!({ "ok": answer }),
            Err(error) if error.code() == ErrorCode::OutcomeUnknown && claim.repeat == Repeat::Never => {
                json!({ "code": error.code(), "message": error.message() })
            }
            Err(_) => return Ok(Change::Delete { key: claim.key.clone(), expected: None }),
        };
        let plain = kept.to_string();
        let sealed = keys.seal(tables::IDEMPOTENCY_KEYS.name, &claim.key.id, "answer", plain.as_bytes())?;
        Ok(Change::Put { record: self.row(claim, "finished", Some(sealed)), expected: None })
    }
}
