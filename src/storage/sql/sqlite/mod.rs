//! Records in a SQLite file.

mod batch;
mod errors;
mod migrate;
mod open;
mod rows;
mod worker;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{StreamExt, future, stream};
use parking_lot::Mutex;
use sea_query::{ColumnType, IntoIden, SqliteQueryBuilder};
use tokio::sync::oneshot;

pub use open::SqliteBuilder;

use self::{
    batch::{Batch, Writer},
    rows::Reader,
    worker::Queue,
};
use super::{
    super::{
        Aggregate, Capabilities, Change, Changes, Key, Kind, Page, Query, Record, Row, Schema, Storage, Value, rules,
    },
    statements::{self, Dialect},
};
use crate::error::Result;

/// Records in a SQLite file: the embedded default.
///
/// The file is in WAL mode with `synchronous=FULL`: what is committed is there after a power cut. Several processes
/// may use one file; a commit waits for another process's for as long as the busy timeout. One thread writes, others
/// read, and none of them is the caller's. Clones share them; closing, or dropping the last clone, ends them.
///
/// ```
/// use sis_integrations::storage::{Change, Key, Query, Record, SqliteStorage, Storage, tables};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sis_integrations::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("sis.db");
/// let storage = SqliteStorage::open(&path).await?;
/// storage.migrate(&tables::SCHEMA).await?;
///
/// let tenant = "tenant-123".parse()?;
/// let token = Record::new(&tables::OAUTH_TOKENS, &tenant, "google_workspace")
///     .set("provider", "google_workspace")
///     .set("token", vec![1, 2, 3])
///     .set("updated_at", sis_integrations::Timestamp::from_micros(0));
/// storage.commit(&[Change::Insert(token.clone())]).await?;
///
/// let page = storage.query(&Query::of(&tables::OAUTH_TOKENS, &tenant).newest_first("updated_at")).await?;
/// assert_eq!(page.records, [token]);
/// storage.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStorage(Arc<Handle>);

struct Handle {
    writer: Arc<Queue<Writer>>,
    readers: Arc<Queue<Reader>>,
    journal: PathBuf,
    /// One for each thread that reads, then the writer's: they end when the thread has let go of its connection.
    ends: Mutex<Vec<End>>,
}

/// Completes when its other end is dropped.
type End = oneshot::Receiver<()>;

impl Drop for Handle {
    fn drop(&mut self) {
        self.readers.close();
        self.writer.close();
    }
}

impl SqliteStorage {
    /// Opens the file, and makes it if there is none; on Unix readable by its owner alone.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open().await
    }

    /// Opens the file in another way than the usual.
    pub fn builder(path: impl AsRef<Path>) -> SqliteBuilder {
        SqliteBuilder::new(path.as_ref())
    }
}

impl std::fmt::Debug for SqliteStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteStorage")
    }
}

/// SQLite's ways.
struct Sqlite;

impl Dialect for Sqlite {
    const TABLE_EXTRA: &'static str = "WITHOUT ROWID";

    fn column_type(kind: Kind) -> ColumnType {
        ColumnType::Custom(
            match kind {
                Kind::Text | Kind::Json | Kind::Timestamp => "TEXT",
                Kind::Integer | Kind::Boolean => "INTEGER",
                Kind::Real => "REAL",
                Kind::Bytes => "BLOB",
            }
            .into_iden(),
        )
    }

    fn value(value: &Value) -> sea_query::Value {
        match value {
            Value::Null => sea_query::Value::String(None),
            Value::Text(text) => text.as_ref().into(),
            Value::Integer(number) => (*number).into(),
            Value::Real(number) => (*number).into(),
            Value::Boolean(truth) => i64::from(*truth).into(),
            Value::Bytes(bytes) => bytes.clone().into(),
            // No stored moment has such a text: the one sorts behind all of them, the other before.
            Value::Timestamp(moment) if moment.as_micros() > *rules::SORTABLE.end() => "~".into(),
            Value::Timestamp(moment) if moment.as_micros() < *rules::SORTABLE.start() => "".into(),
            Value::Timestamp(moment) => moment.to_string().into(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Storage for SqliteStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "sqlite",
            atomic_commit: true,
            durable: true,
            delete_where: true,
            multi_process: true,
            watch: false,
            max_batch: 2000,
            journal: Some(self.0.journal.clone()),
        }
    }

    async fn migrate(&self, schema: &Schema) -> Result<()> {
        let schema = *schema;
        self.0.writer.run(move |writer| migrate::migrate(writer, &schema)).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let key = key.clone();
        self.0.readers.run(move |reader| reader.row(&key)).await
    }

    async fn query(&self, query: &Query) -> Result<Page> {
        let work = {
            let (sql, values) = statements::page::<Sqlite>(query)?.build(SqliteQueryBuilder);
            let parameters = Batch::of_parameters(values);
            let (table, order, limit) = (query.table, rules::order(query)?, rules::limit(query));
            move |reader: &mut Reader| {
                let mut records = reader.records(table, &sql, &parameters)?;
                let more = records.len() > limit;
                records.truncate(limit);
                let next = records.last().filter(|_| more).map(|last| rules::After::cursor(last, order));
                Ok(Page { records, next })
            }
        };
        self.0.readers.run(work).await
    }

    async fn aggregate(&self, query: &Aggregate) -> Result<Vec<Row>> {
        let work = {
            let (select, answers) = statements::aggregate::<Sqlite>(query)?;
            let (sql, values) = select.build(SqliteQueryBuilder);
            let parameters = Batch::of_parameters(values);
            let table = query.rows.table;
            move |reader: &mut Reader| {
                if answers.is_empty() {
                    // Nothing was asked for, and without groups that is one row of nothing.
                    return Ok(vec![Vec::new()]);
                }
                reader.groups(table, &sql, &parameters, &answers)
            }
        };
        self.0.readers.run(work).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<()> {
        let batch = Batch::pack(changes)?;
        self.0.writer.run(move |writer| writer.commit(&batch)).await
    }

    async fn watch(&self) -> Result<Changes> {
        // An answer from a thread, so that a closed storage says so.
        self.0.readers.run(|_| Ok(())).await?;
        Ok(stream::empty().boxed())
    }

    async fn close(&self) -> Result<()> {
        if !self.0.readers.close() {
            return Err(worker::closed());
        }
        let mut ends = std::mem::take(&mut *self.0.ends.lock());
        let writer = ends.pop();
        // The log can be emptied only when nobody reads from it any more.
        future::join_all(ends).await;
        let last = self.0.writer.run(open::finish);
        self.0.writer.close();
        let result = last.await;
        future::join_all(writer).await;
        result
    }
}
