//! What becomes of a SQLite file that is locked, full, cut short, damaged, or of another version.
#![cfg(feature = "sqlite")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sis_integrations::{
    ErrorCode, Result, Runtime, TenantId, Timestamp,
    storage::{
        Aggregate, Change, Column, Index, Kind, Measure, Query, Record, Schema, SqliteStorage, Storage, StorageExt,
        Table, Test, Value, tables,
    },
};

fn tenant() -> TenantId {
    "tenant-123".parse().unwrap()
}

fn event(n: usize, body: usize) -> Record {
    Record::new(&tables::WEBHOOK_LOGS, &tenant(), format!("{n:05}"))
        .set("at", Timestamp::from_micros(n as i64))
        .set("provider", "twilio")
        .set("event_id", format!("event {n}"))
        .set("state", "claimed")
        .set("attempts", n as i64)
        .set("body", vec![7; body])
}

fn events() -> Query {
    Query::of(&tables::WEBHOOK_LOGS, &tenant())
}

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sis.db");
    Place { _folder: folder, path }
}

async fn open(path: &Path) -> Result<SqliteStorage> {
    let storage = SqliteStorage::open(path).await?;
    storage.migrate(&tables::SCHEMA).await?;
    Ok(storage)
}

/// A closed file with some rows.
async fn filled(path: &Path, rows: usize) -> Vec<Record> {
    let storage = open(path).await.unwrap();
    let rows: Vec<Record> = (0..rows).map(|n| event(n, n * 37 % 9000)).collect();
    storage.commit(&rows.iter().cloned().map(Change::Insert).collect::<Vec<_>>()).await.unwrap();
    storage.close().await.unwrap();
    rows
}

fn code<T>(result: Result<T>) -> ErrorCode {
    result.map(drop).expect_err("an error").code()
}

#[tokio::test]
async fn a_closed_file_is_alone_and_whole() {
    let place = place();
    let rows = filled(&place.path, 50).await;
    let beside: Vec<_> =
        std::fs::read_dir(place.path.parent().unwrap()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(beside, ["sis.db"], "the log is merged and gone when close answers");
    let storage = open(&place.path).await.unwrap();
    assert_eq!(storage.query_all(events()).await.unwrap(), rows);
    assert_eq!(storage.capabilities().journal.unwrap(), place.path.with_file_name("sis.db.spill"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    let storage = open(&place.path).await.unwrap();
    storage.commit(&[Change::Insert(event(0, 0))]).await.unwrap();
    for name in ["sis.db", "sis.db-wal", "sis.db-shm"] {
        let mode = std::fs::metadata(place.path.with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn dropping_the_last_clone_closes() {
    let place = place();
    let storage = open(&place.path).await.unwrap();
    storage.commit(&[Change::Insert(event(0, 0))]).await.unwrap();
    let log = place.path.with_file_name("sis.db-wal");
    let clone = storage.clone();
    drop(storage);
    clone.commit(&[Change::Insert(event(1, 0))]).await.unwrap();
    assert!(log.exists());
    drop(clone);
    for _ in 0..500 {
        if !log.exists() {
            return;
        }
        Runtime::current().sleep(Duration::from_millis(10)).await;
    }
    panic!("the connections are still open");
}

#[tokio::test]
async fn a_commit_whose_caller_went_away_is_kept() {
    let place = place();
    let storage = open(&place.path).await.unwrap();
    for n in 0..20 {
        let changes = [Change::Insert(event(n, 0))];
        let mut commit = std::pin::pin!(storage.commit(&changes));
        let polled = futures::poll!(&mut commit);
        drop(polled);
    }
    storage.commit(&[]).await.unwrap();
    assert_eq!(storage.query_all(events()).await.unwrap().len(), 20);
}

#[tokio::test]
async fn close_finishes_what_is_under_way() {
    let place = place();
    let storage = open(&place.path).await.unwrap();
    let all: Vec<Vec<Change>> = (0..30).map(|n| vec![Change::Insert(event(n, 100))]).collect();
    let commits = futures::future::join_all(all.iter().map(|changes| storage.commit(changes)));
    let (commits, closed) = futures::join!(commits, storage.close());
    closed.unwrap();
    let kept = commits.into_iter().filter(|result| result.is_ok()).count();
    let storage = open(&place.path).await.unwrap();
    assert_eq!(storage.query_all(events()).await.unwrap().len(), kept);
    assert_eq!(kept, 30, "they were asked for before the close");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let place = place();
    for text in ["this is a letter to the parents\n".repeat(500), "short".into(), "\0".repeat(4096)] {
        std::fs::write(&place.path, &text).unwrap();
        assert_eq!(code(SqliteStorage::open(&place.path).await), ErrorCode::StorageCorrupt);
        assert_eq!(std::fs::read_to_string(&place.path).unwrap(), text, "it was touched");
    }
}

/// All rows, or the error of the first step that fails.
async fn read_all(path: &Path) -> Result<Vec<Record>> {
    let storage = open(path).await?;
    let mut rows = storage.query_all(events()).await?;
    for table in tables::SCHEMA.tables {
        storage.query_all(Query::of(table, &tenant())).await?;
    }
    rows.sort_by(|a, b| a.key.id.cmp(&b.key.id));
    storage.close().await?;
    Ok(rows)
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_refused() {
    let place = place();
    filled(&place.path, 60).await;
    let whole = std::fs::read(&place.path).unwrap();
    let pages = whole.len() / 4096;
    let mut cuts = vec![1, 15, 16, 17, 50, 99, 100, 101, 511, 512, 513, 1024, 4095, 4097, whole.len() - 1];
    cuts.extend((1..pages).map(|page| page * 4096));
    cuts.extend((1..pages).map(|page| page * 4096 + (page * 997) % 4095 + 1));
    for cut in cuts {
        std::fs::write(&place.path, &whole[..cut]).unwrap();
        let error = read_all(&place.path).await.map(|rows| (cut, rows.len())).expect_err("an error");
        assert_eq!(error.code(), ErrorCode::StorageCorrupt, "cut at {cut} of {}: {error}", whole.len());
        for beside in ["sis.db-wal", "sis.db-shm"] {
            let _ = std::fs::remove_file(place.path.with_file_name(beside));
        }
    }
}

#[tokio::test]
async fn a_damaged_page_is_found() {
    let place = place();
    let rows = filled(&place.path, 60).await;
    let whole = std::fs::read(&place.path).unwrap();
    let mut found = 0;
    for page in 0..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xff);
        std::fs::write(&place.path, &damaged).unwrap();
        match read_all(&place.path).await {
            // The page belongs to an index that was not needed, or holds the inside of a value: SQLite sees damage to
            // its own structure alone.
            Ok(read) => {
                let ids = |rows: &[Record]| rows.iter().map(|row| row.key.id.clone()).collect::<Vec<_>>();
                assert_eq!(ids(&read), ids(&rows), "page {page}");
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::StorageCorrupt, "page {page}: {error}");
                found += 1;
            }
        }
        for beside in ["sis.db-wal", "sis.db-shm"] {
            let _ = std::fs::remove_file(place.path.with_file_name(beside));
        }
    }
    assert!(found > 10, "{found}");
}

#[tokio::test]
async fn what_somebody_else_wrote_is_named_and_not_taken() {
    let place = place();
    filled(&place.path, 3).await;
    let other = rusqlite::Connection::open(&place.path).unwrap();
    for (column, value, back) in
        [("attempts", "'many'", "1"), ("at", "'yesterday'", "'1970-01-01T00:00:00Z'"), ("state", "x'ff'", "'done'")]
    {
        let set = |value| {
            other.execute(&format!("UPDATE integration_webhook_logs SET {column} = {value} WHERE id = '00001'"), [])
        };
        set(value).unwrap();
        let error = read_all(&place.path).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StorageCorrupt);
        assert!(error.message().contains(&format!("integration_webhook_logs.{column}")), "{error}");
        assert!(!error.to_string().contains("many") && !error.to_string().contains("yesterday"), "{error}");
        set(back).unwrap();
    }
    // A moment in another form of RFC 3339 is a moment.
    let rows = read_all(&place.path).await.unwrap();
    assert_eq!(rows[1].timestamp("at").unwrap(), Timestamp::from_micros(0));
}

#[tokio::test]
async fn a_full_database_says_so_and_recovers() {
    let place = place();
    let storage = SqliteStorage::builder(&place.path).max_size_bytes(700 << 10).open().await.unwrap();
    storage.migrate(&tables::SCHEMA).await.unwrap();
    let mut kept = 0;
    let error = loop {
        // Two rows each: of a commit that does not fit, neither stays.
        let changes = [Change::Insert(event(kept * 2, 10_000)), Change::Insert(event(kept * 2 + 1, 10_000))];
        match storage.commit(&changes).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), ErrorCode::StorageFull, "{error}");
    assert!(kept > 5, "{kept}");
    assert_eq!(storage.query_all(events()).await.unwrap().len(), kept * 2);
    assert_eq!(code(storage.commit(&[Change::Insert(event(90_000, 100_000))]).await), ErrorCode::StorageFull);

    storage.commit(&[Change::DeleteWhere { query: events(), limit: 6 }]).await.unwrap();
    storage.commit(&[Change::Insert(event(90_000, 10_000)), Change::Insert(event(90_001, 10_000))]).await.unwrap();
    storage.close().await.unwrap();
    assert_eq!(read_all(&place.path).await.unwrap().len(), kept * 2 - 4);

    // With more room it goes on.
    let storage = SqliteStorage::open(&place.path).await.unwrap();
    storage.commit(&[Change::Insert(event(90_002, 1_000_000))]).await.unwrap();
}

#[tokio::test]
async fn a_locked_database_is_unavailable_until_it_is_let_go() {
    let place = place();
    filled(&place.path, 3).await;
    let storage = SqliteStorage::builder(&place.path).busy_timeout(Duration::from_millis(100)).open().await.unwrap();
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for changes in [&[Change::Insert(event(10, 0))][..], &[Change::Insert(event(10, 0)), Change::Insert(event(11, 0))]]
    {
        let error = storage.commit(changes).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StorageUnavailable);
        assert!(error.retry_after().is_some());
    }
    assert_eq!(storage.query_all(events()).await.unwrap().len(), 3, "readers are not in a writer's way");
    other.execute_batch("ROLLBACK").unwrap();
    storage.commit(&[Change::Insert(event(10, 0)), Change::Insert(event(11, 0))]).await.unwrap();
    assert_eq!(storage.query_all(events()).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_commit_waits_for_another_process() {
    let place = place();
    let storage = open(&place.path).await.unwrap();
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let changes = [Change::Insert(event(0, 0))];
    let letting_go = async {
        Runtime::current().sleep(Duration::from_millis(200)).await;
        other.execute_batch("ROLLBACK").unwrap();
    };
    let (committed, ()) = futures::join!(storage.commit(&changes), letting_go);
    committed.unwrap();
}

#[tokio::test]
async fn a_database_that_somebody_keeps_to_themselves_is_unavailable() {
    let place = place();
    filled(&place.path, 1).await;
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT").unwrap();
    let open = || SqliteStorage::builder(&place.path).busy_timeout(Duration::from_millis(50)).open();
    assert_eq!(code(open().await), ErrorCode::StorageUnavailable);
    drop(other);
    open().await.unwrap();
}

#[tokio::test]
async fn a_place_where_no_file_can_be_is_unavailable() {
    let place = place();
    let folder = place.path.parent().unwrap();
    for path in [folder.join("no such folder/sis.db"), folder.to_owned(), PathBuf::new()] {
        assert_eq!(code(SqliteStorage::open(&path).await), ErrorCode::StorageUnavailable, "{}", path.display());
    }
    // Names that SQLite itself would take for something else are names.
    for name in ["file:odd.db?mode=memory", ":memory:"] {
        let path = folder.join(name);
        open(&path).await.unwrap().close().await.unwrap();
        assert!(path.exists());
    }
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused() {
    let place = place();
    filled(&place.path, 1).await;
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.execute_batch("UPDATE integration_schema SET version = 4711").unwrap();
    let error = open(&place.path).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StorageCorrupt);
    assert!(error.message().contains("4711"), "{error}");
    other.execute_batch("DELETE FROM integration_schema").unwrap();
    assert_eq!(code(open(&place.path).await), ErrorCode::StorageCorrupt);
}

#[tokio::test]
async fn a_foreign_table_in_the_way_is_left_alone() {
    let place = place();
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.execute_batch("CREATE TABLE integration_permissions (mine TEXT); CREATE TABLE pupils (name TEXT)").unwrap();
    let error = open(&place.path).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StorageCorrupt);
    assert!(error.message().contains("integration_permissions"), "{error}");
    let tables: i64 = other.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 2, "all of the migration is undone");
    // Our tables stand beside the host's own.
    other.execute_batch("DROP TABLE integration_permissions").unwrap();
    open(&place.path).await.unwrap();
}

const fn column(name: &'static str, kind: Kind, nullable: bool, since: u32) -> Column {
    Column { name, kind, nullable, since }
}

static PUPILS_1: Table = Table {
    name: "integration_pupils",
    about: "",
    columns: &[column("name", Kind::Text, false, 1)],
    indexes: &[],
    since: 1,
};
static PUPILS_2: Table = Table {
    name: "integration_pupils",
    about: "",
    columns: &[
        column("name", Kind::Text, false, 1),
        column("nickname", Kind::Text, true, 2),
        column("grade", Kind::Integer, false, 2),
        column("weight", Kind::Real, false, 2),
        column("present", Kind::Boolean, false, 2),
        column("photo", Kind::Bytes, false, 2),
        column("likes", Kind::Json, false, 2),
        column("since", Kind::Timestamp, false, 2),
    ],
    indexes: &[Index { columns: &["nickname"], unique: true, clustered: false, since: 2 }],
    since: 1,
};
static CLASSES_2: Table = Table {
    name: "integration_classes",
    about: "",
    columns: &[column("room", Kind::Text, false, 2)],
    indexes: &[Index { columns: &["room"], unique: false, clustered: false, since: 2 }],
    since: 2,
};
static SCHEMA_1: Schema = Schema { version: 1, tables: &[&PUPILS_1] };
static SCHEMA_2: Schema = Schema { version: 2, tables: &[&PUPILS_2, &CLASSES_2] };

#[tokio::test]
async fn a_later_schema_adds_what_is_new() {
    let place = place();
    let storage = SqliteStorage::open(&place.path).await.unwrap();
    storage.migrate(&SCHEMA_1).await.unwrap();
    let old = Record::new(&PUPILS_1, &tenant(), "old").set("name", "Ada");
    storage.commit(&[Change::Insert(old)]).await.unwrap();

    storage.migrate(&SCHEMA_2).await.unwrap();
    storage.migrate(&SCHEMA_2).await.unwrap();
    let shall = Record::new(&PUPILS_2, &tenant(), "old")
        .set("name", "Ada")
        .set("grade", 0i64)
        .set("weight", 0.0)
        .set("present", false)
        .set("photo", Vec::new())
        .set("likes", "{}")
        .set("since", Timestamp::from_micros(0));
    assert_eq!(storage.get(&shall.key).await.unwrap(), Some(shall.clone()));
    let named = |id: &str| {
        let mut record = shall.clone().set("nickname", "Countess");
        record.key.id = id.to_owned();
        record
    };
    storage.commit(&[Change::Insert(named("a"))]).await.unwrap();
    assert_eq!(code(storage.commit(&[Change::Insert(named("b"))]).await), ErrorCode::Conflict);
    let class = Record::new(&CLASSES_2, &tenant(), "1a").set("room", "101");
    storage.commit(&[Change::Insert(class)]).await.unwrap();
    assert_eq!(code(storage.migrate(&SCHEMA_1).await), ErrorCode::StorageCorrupt, "the older program comes back");
}

static MEASURED: Table = Table {
    name: "integration_measured",
    about: "",
    columns: &[column("real", Kind::Real, true, 1), column("number", Kind::Integer, false, 1)],
    indexes: &[],
    since: 1,
};
static SCHEMA_MEASURED: Schema = Schema { version: 1, tables: &[&MEASURED] };

#[tokio::test]
async fn reals_come_back_and_compare() {
    let place = place();
    let storage = SqliteStorage::open(&place.path).await.unwrap();
    storage.migrate(&SCHEMA_MEASURED).await.unwrap();
    let row = |n: usize, real: Value| {
        Record::new(&MEASURED, &tenant(), n.to_string()).set("real", real).set("number", i64::MAX)
    };
    let reals = [f64::NEG_INFINITY, f64::MIN, -1.5, 0.0, f64::MIN_POSITIVE, 1.0, 1e15 + 0.5, f64::MAX, f64::INFINITY];
    let rows: Vec<Record> = reals.iter().enumerate().map(|(n, real)| row(n, Value::Real(*real))).collect();
    storage.commit(&rows.iter().cloned().map(Change::Insert).collect::<Vec<_>>()).await.unwrap();
    let by_real = Query::of(&MEASURED, &tenant()).oldest_first("real").limit(2);
    assert_eq!(storage.query_all(by_real.clone()).await.unwrap(), rows);
    let some = storage.query_all(by_real.filter("real", Test::Gt, 0.0)).await.unwrap();
    assert_eq!(some, rows[4..]);
    let not_a_number = storage.commit(&[Change::Insert(row(99, Value::Real(f64::NAN)))]).await;
    assert_eq!(code(not_a_number), ErrorCode::Internal);
    let all = Query::of(&MEASURED, &tenant());
    let sum = Aggregate::over(all).measure(Measure::Sum("number"));
    let error = storage.aggregate(&sum).await.unwrap_err();
    assert!(error.message().contains("64 bits"), "{error}");
}
