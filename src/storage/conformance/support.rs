//! Rows to put a backend to the proof with.

use std::sync::Arc;

use super::{Failure, Verdict};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{TenantId, Timestamp, random_bytes},
    storage::{Change, Query, Record, Storage, StorageExt, conflicting_change, tables},
};

/// Fails the case unless this holds.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err($crate::storage::conformance::Failure(format!($($words)+)));
        }
    };
}

/// Fails the case unless both are equal.
macro_rules! same {
    ($is:expr, $shall:expr, $($words:tt)+) => {
        match (&$is, &$shall) {
            (is, shall) => {
                let what = format!($($words)+);
                ensure!(is == shall, "{what}: {is:?} instead of {shall:?}");
            }
        }
    };
}

pub(super) use {ensure, same};

pub(super) type Store = Arc<dyn Storage>;

/// A text that nobody had before.
pub(super) fn fresh() -> String {
    hex::encode(random_bytes::<12>())
}

/// A tenant that nobody had before.
pub(super) fn tenant() -> TenantId {
    format!("conformance-{}", fresh()).parse().expect("hex digits are allowed in a tenant id")
}

pub(super) fn micros(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A webhook event: it has text, integers, bytes and moments, and a unique index over provider and event id.
pub(super) fn event(tenant: &TenantId, id: &str) -> Record {
    Record::new(&tables::WEBHOOK_LOGS, tenant, id)
        .set("at", micros(1_700_000_000_000_000))
        .set("provider", "twilio")
        .set("event_id", id.to_owned())
        .set("state", "claimed")
        .set("attempts", 0i64)
}

/// A tenant's settings: they have a truth and JSON.
pub(super) fn config(tenant: &TenantId, id: &str) -> Record {
    Record::new(&tables::CONFIGS, tenant, id)
        .set("enabled", true)
        .set("settings", "{}")
        .set("secrets", "{}")
        .set("updated_at", micros(0))
        .set("updated_by", "u-1")
}

pub(super) fn events(tenant: &TenantId) -> Query {
    Query::of(&tables::WEBHOOK_LOGS, tenant)
}

pub(super) fn at_version(mut record: Record, version: u64) -> Record {
    record.version = version;
    record
}

pub(super) fn put(record: &Record, expected: Option<u64>) -> Change {
    Change::Put { record: record.clone(), expected }
}

pub(super) fn delete(record: &Record, expected: Option<u64>) -> Change {
    Change::Delete { key: record.key.clone(), expected }
}

/// Commits rows that are new.
pub(super) async fn insert(storage: &Store, records: impl IntoIterator<Item = Record>) -> Verdict {
    let changes: Vec<Change> = records.into_iter().map(Change::Insert).collect();
    for batch in changes.chunks(storage.capabilities().max_batch.max(1)) {
        storage.commit(batch).await?;
    }
    Ok(())
}

/// The ids of the rows that a query finds, page after page.
pub(super) async fn ids(storage: &Store, query: Query) -> Result<Vec<String>, Failure> {
    let records = storage.query_all(query).await?;
    Ok(records.into_iter().map(|record| record.key.id).collect())
}

/// Fails unless the result is a conflict that names change `n`.
pub(super) fn conflicts<T>(result: Result<T>, n: usize) -> Verdict {
    match result {
        Ok(_) => Err(Failure("no conflict".into())),
        Err(error) if conflicting_change(&error) == Some(n) => Ok(()),
        Err(error) => Err(Failure(format!("{error} (field {:?}) instead of a conflict at change {n}", error.field()))),
    }
}

/// Fails unless the result is an error of this code.
pub(super) fn refused<T>(result: Result<T>, code: ErrorCode) -> std::result::Result<Error, Failure> {
    match result {
        Ok(_) => Err(Failure(format!("no error instead of {code}"))),
        Err(error) if error.code() == code => Ok(error),
        Err(error) => Err(Failure(format!("{error} instead of {code}"))),
    }
}

/// Fails unless the row is there exactly so.
pub(super) async fn stands(storage: &Store, record: &Record) -> Verdict {
    same!(storage.get(&record.key).await?.as_ref(), Some(record), "the row read back");
    Ok(())
}

/// Fails unless there is no such row.
pub(super) async fn is_gone(storage: &Store, record: &Record) -> Verdict {
    same!(storage.get(&record.key).await?, None, "the row");
    Ok(())
}
