use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::oneshot;

use super::{Handle, SqliteStorage, batch::Writer, errors, rows::Reader, worker::Queue};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Clock, Runtime, SystemClock},
};

/// How a SQLite file is opened.
///
/// ```
/// use std::time::Duration;
/// use sis_integrations::storage::SqliteStorage;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sis_integrations::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("sis.db");
/// let storage = SqliteStorage::builder(&path).busy_timeout(Duration::from_secs(1)).readers(4).open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SqliteBuilder {
    path: PathBuf,
    busy_timeout: Duration,
    readers: usize,
    max_size: Option<u64>,
}

impl SqliteBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), busy_timeout: Duration::from_secs(5), readers: 2, max_size: None }
    }

    /// How long a commit waits for another process's. 5 seconds unless told.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many threads read. 2 unless told, and at least 1.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How large the database may become; what would make it larger is refused with `storage_full`. Without end unless
    /// told. A database that is larger already stays as large.
    pub fn max_size_bytes(mut self, bytes: u64) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// Opens the file, and makes it if there is none.
    pub async fn open(self) -> Result<SqliteStorage> {
        let path = std::path::absolute(&self.path).map_err(unusable)?;
        let mut journal = path.as_os_str().to_owned();
        journal.push(".spill");
        let (writer, readers) = (Queue::new(), Queue::new());
        let (alive, ends): (Vec<_>, Vec<_>) = (0..=self.readers).map(|_| oneshot::channel::<()>()).unzip();
        // The handle is there before the threads are: a caller that goes away meanwhile closes them by dropping it.
        let handle = Handle {
            writer: writer.clone(),
            readers: readers.clone(),
            journal: journal.into(),
            ends: Mutex::new(ends),
        };
        let (done, opened) = oneshot::channel();
        let work = move || {
            let connections = self.connect(&path).and_then(|(connection, others)| {
                let mut alive = alive.into_iter();
                let started = others.into_iter().zip(&mut alive);
                let reading = started.map(|(reader, alive)| start(readers.clone(), reader, alive));
                let reading = reading.collect::<Result<Vec<_>>>()?;
                Ok((Writer::new(connection), reading, alive.next()))
            });
            match connections {
                Ok((connection, reading, alive)) => {
                    let _ = done.send(Ok(()));
                    let connection = writer.work(connection);
                    // The last connection takes the log with it, and of two that close at once neither is the last.
                    for reader in reading {
                        let _ = reader.join();
                    }
                    drop(connection);
                    drop(alive);
                }
                Err(error) => {
                    readers.close();
                    let _ = done.send(Err(error));
                }
            }
        };
        Runtime::thread("sqlite-writer", work).map_err(unusable)?;
        opened.await.unwrap_or_else(|_| Err(Error::internal("the thread of the database died")))?;
        Ok(SqliteStorage(Arc::new(handle)))
    }

    fn connect(&self, path: &Path) -> Result<(Connection, Vec<Connection>)> {
        create(path)?;
        let writer = self.connection(path)?;
        if writer.is_readonly("main").map_err(errors::mapped)? {
            return Err(Error::new(ErrorCode::StorageUnavailable, "the database cannot be written"));
        }
        self.use_wal(&writer)?;
        is_whole(&writer, path)?;
        writer.pragma_update(None, "synchronous", "FULL").map_err(errors::mapped)?;
        if let Some(bytes) = self.max_size {
            let page: i64 = writer.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(errors::mapped)?;
            let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
            // It answers with the limit that it has taken, which is all there is to see.
            let limit =
                writer.pragma_update_and_check(None, "max_page_count", pages.max(1), |row| row.get::<_, i64>(0));
            limit.map_err(errors::mapped)?;
        }
        let mut readers = Vec::with_capacity(self.readers);
        for _ in 0..self.readers {
            let reader = self.connection(path)?;
            reader.pragma_update(None, "query_only", true).map_err(errors::mapped)?;
            readers.push(reader);
        }
        Ok((writer, readers))
    }

    fn connection(&self, path: &Path) -> Result<Connection> {
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(self.busy_timeout)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            // What is sorted on the way must not reach a file that nobody guards.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            connection.set_prepared_statement_cache_capacity(128);
            // Reads the schema: a file that is no database is found out now.
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
            Ok(connection)
        };
        open().map_err(errors::mapped)
    }

    /// Several processes may be about to do so with a new file; SQLite answers all but one of them without waiting.
    fn use_wal(&self, connection: &Connection) -> Result<()> {
        let clock = SystemClock;
        let end = clock.monotonic() + self.busy_timeout;
        loop {
            let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
            let error = match mode {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(_) => {
                    let message = "the database cannot be put into WAL mode; is it on a network disk?";
                    return Err(Error::new(ErrorCode::StorageUnavailable, message));
                }
                Err(error) => error,
            };
            if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseBusy) || clock.monotonic() >= end {
                return Err(errors::mapped(error));
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

fn start(queue: Arc<Queue<Reader>>, connection: Connection, alive: oneshot::Sender<()>) -> Result<JoinHandle<()>> {
    let work = move || {
        drop(queue.work(Reader::new(connection)));
        drop(alive);
    };
    Runtime::thread("sqlite-reader", work).map_err(unusable)
}

fn unusable(error: std::io::Error) -> Error {
    Error::new(ErrorCode::StorageUnavailable, "the database cannot be opened").with_source(error)
}

/// Makes the file, so that it is its owner's alone from the first moment; SQLite gives the files beside it the same
/// mode.
fn create(path: &Path) -> Result<()> {
    // Closing a file drops this process's POSIX locks on it, those of other connections too: nobody may connect
    // between the two. A file that is there is not opened at all.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONE_AT_A_TIME.lock();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(unusable(error)),
        // SQLite takes a file of one byte for an empty one.
        Err(_) if length(path) == 1 => Err(cut_short()),
        _ => Ok(()),
    }
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn cut_short() -> Error {
    Error::new(ErrorCode::StorageCorrupt, "the database is damaged: its file was cut short")
}

/// Finds a file that was cut short. SQLite itself sees that whole pages are missing, but reads a cut one as if it ended
/// in zeros.
fn is_whole(connection: &Connection, path: &Path) -> Result<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // With a log, the cut page may stand there.
    let has_log = length(Path::new(&log)) > 0;
    let page: u64 = connection
        .pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))
        .map_err(errors::mapped)?
        .unsigned_abs();
    if length(path).is_multiple_of(page.max(512)) {
        return Ok(());
    }
    let verdict = if has_log {
        connection.pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0)).map_err(errors::mapped)?
    } else {
        String::new()
    };
    if verdict == "ok" {
        return Ok(());
    }
    Err(cut_short())
}

/// Moves what stands in the log into the file, when nobody else is at it.
pub(super) fn finish(writer: &mut Writer) -> Result<()> {
    writer.connection.busy_timeout(Duration::from_millis(100)).map_err(errors::mapped)?;
    // It answers that somebody else is at it with a row, and all is well then too.
    writer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(errors::mapped)
}
