//! Where records are kept: one narrow trait, the minimum an implementor owes.
//!
//! A backend knows rows, not schools: no domain rule lives here. Every key and query carries a tenant; the few
//! maintenance queries across tenants say so by name ([`Query::across_tenants`]). What users call for comfort is in
//! [`StorageExt`].
//!
//! To write a backend of your own, implement [`Storage`] and run [`storage_conformance!`](crate::storage_conformance)
//! on it.

pub mod conformance;
mod fault;
#[cfg(not(target_family = "wasm"))]
mod file_journal;
mod journal;
mod memory;
mod query;
mod record;
mod rules;
#[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
mod sql;
pub mod tables;
mod writer;

use std::path::PathBuf;

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use fault::{Fault, FaultyStorage};
#[cfg(not(target_family = "wasm"))]
pub use file_journal::FileJournal;
pub use journal::{Journal, MemoryJournal};
pub use memory::MemoryStorage;
pub use query::{Aggregate, Cursor, Filter, Measure, Page, Query, Row, Scope, Test};
pub use record::{Column, Index, Key, Kind, Record, Schema, Table, Value};
#[cfg(all(feature = "sqlite", not(target_family = "wasm")))]
pub use sql::sqlite::{SqliteBuilder, SqliteStorage};
pub use writer::{Seal, Settled, SharedWriter};

use crate::error::{Error, ErrorCode, Result};

/// One step of a [`Storage::commit`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A new row, version 1. A row of that key is a conflict.
    Insert(Record),
    /// The row as it shall be. With `expected`, the row must be there at that version, else it is a conflict; without,
    /// it is made or overwritten. The version becomes one more than it was. The record's own version is ignored.
    Put {
        /// The row.
        record: Record,
        /// The version it must have now.
        expected: Option<u64>,
    },
    /// No such row any more. With `expected`, the row must be there at that version, else it is a conflict; without, a
    /// row that is not there is no error.
    Delete {
        /// Which row.
        key: Key,
        /// The version it must have now.
        expected: Option<u64>,
    },
    /// Up to `limit` of the rows that the query names, in its order, go; its own limit and cursor are ignored.
    DeleteWhere {
        /// Which rows.
        query: Query,
        /// How many at most.
        limit: u32,
    },
}

/// What a backend can do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The backend's name, for messages: `sqlite`, `memory`.
    pub name: &'static str,
    /// A commit is all or nothing, also when the process dies in it.
    pub atomic_commit: bool,
    /// What is committed is there after the process, or the machine, has died.
    pub durable: bool,
    /// [`Change::DeleteWhere`] works.
    pub delete_where: bool,
    /// Several processes may use the same records at once.
    pub multi_process: bool,
    /// [`Storage::watch`] tells what other processes changed.
    pub watch: bool,
    /// The most changes a commit may hold.
    pub max_batch: usize,
    /// A place beside the records for the second journal, which must work when they cannot be written.
    pub journal: Option<PathBuf>,
}

impl Capabilities {
    /// A backend of this name that can do nothing beyond rows.
    pub const fn none(name: &'static str) -> Self {
        Self {
            name,
            atomic_commit: false,
            durable: false,
            delete_where: false,
            multi_process: false,
            watch: false,
            max_batch: 1000,
            journal: None,
        }
    }
}

/// Keys that other processes changed, as they become known.
pub type Changes = BoxStream<'static, Key>;

/// Keeps records.
///
/// The minimum an implementor owes; there are no default bodies, so that a wrapper cannot forget to forward one.
/// Implementations are used from many tasks at once. Errors use the codes `storage_unavailable` (locked, out of reach),
/// `storage_full`, `storage_corrupt`, `conflict`, `closed`, and `internal` for what should not happen; none is
/// swallowed.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// What this backend can do.
    fn capabilities(&self) -> Capabilities;

    /// Makes or brings up to date the tables of `schema`. Forward only; safe from many processes at once. A database
    /// made by a later version is refused with `storage_corrupt`.
    async fn migrate(&self, schema: &Schema) -> Result<()>;

    /// The row of that key.
    async fn get(&self, key: &Key) -> Result<Option<Record>>;

    /// One page of rows: filtered, ordered by the query's column and then by tenant and id, after its cursor.
    async fn query(&self, query: &Query) -> Result<Page>;

    /// Groups and measures. Rows come ordered by their groups; without groups there is exactly one row.
    async fn aggregate(&self, query: &Aggregate) -> Result<Vec<Row>>;

    /// Applies all changes in order, or none. A conflict is `conflict` with the field `changes[n]` naming the change.
    /// When this answers `Ok`, the changes are as durable as the backend can make them.
    async fn commit(&self, changes: &[Change]) -> Result<()>;

    /// What other processes changed, from now on; an empty stream where [`Capabilities::watch`] is false.
    async fn watch(&self) -> Result<Changes>;

    /// Finishes what is under way and lets go of files and connections. Later calls answer `closed`.
    async fn close(&self) -> Result<()>;
}

/// What users of a [`Storage`] call for comfort.
#[async_trait]
pub trait StorageExt: Storage {
    /// Every row of the query, page after page. For maintenance and reports, not for pages of a screen.
    async fn query_all(&self, query: Query) -> Result<Vec<Record>> {
        let mut query = query;
        let mut records = Vec::new();
        loop {
            let page = self.query(&query).await?;
            records.extend(page.records);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(records),
            }
        }
    }
}

impl<S: Storage + ?Sized> StorageExt for S {}

/// The error for a change that did not find what it expected.
pub(crate) fn conflict(change: usize) -> Error {
    Error::new(ErrorCode::Conflict, "the record was changed by somebody else since it was read")
        .with_field(format!("changes[{change}]"))
}

/// Which change of a commit a conflict names.
pub fn conflicting_change(error: &Error) -> Option<usize> {
    if error.code() != ErrorCode::Conflict {
        return None;
    }
    error.field()?.strip_prefix("changes[")?.strip_suffix(']')?.parse().ok()
}
