//! Every backend and every wrapper keeps the promises of the storage trait.

use std::{
    path::PathBuf,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use sis_integrations::{
    Result, Runtime,
    storage::{
        Aggregate, Capabilities, Change, Changes, FaultyStorage, Key, MemoryStorage, Page, Query, Record, Row, Schema,
        SharedWriter, SqliteStorage, Storage, conformance,
    },
    storage_conformance,
};

/// A path for a new file, in a folder that the next run empties.
fn fresh_path() -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("storage_conformance");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    });
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    FOLDER.join(format!("{}.db", NEXT.fetch_add(1, Ordering::Relaxed)))
}

async fn memory() -> MemoryStorage {
    MemoryStorage::new()
}

async fn sqlite() -> SqliteStorage {
    SqliteStorage::open(fresh_path()).await.unwrap()
}

/// One file for all tests, each with connections of its own: the tests are in each other's way as processes are.
async fn shared_file() -> SqliteStorage {
    static PATH: LazyLock<PathBuf> = LazyLock::new(fresh_path);
    SqliteStorage::builder(&*PATH).busy_timeout(std::time::Duration::from_secs(60)).open().await.unwrap()
}

async fn shared_writer() -> SharedWriter {
    SharedWriter::new(Arc::new(sqlite().await), &Runtime::current(), None)
}

async fn faulty() -> Arc<dyn Storage> {
    Arc::new(FaultyStorage::new(Arc::new(MemoryStorage::new())))
}

storage_conformance!(on_memory, memory);
storage_conformance!(on_sqlite, sqlite);
storage_conformance!(on_a_shared_sqlite_file, shared_file);
storage_conformance!(on_a_shared_writer, shared_writer);
storage_conformance!(on_a_faulty_storage, faulty);

#[test]
fn the_macro_makes_a_test_of_every_case() {
    let mut cases: Vec<&str> = conformance::CASES.iter().map(|case| case.name).collect();
    cases.sort_unstable();
    assert!(cases.len() >= 35);
    let listed = std::process::Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for module in ["on_memory", "on_sqlite", "on_a_shared_sqlite_file", "on_a_shared_writer", "on_a_faulty_storage"] {
        let mut tests: Vec<&str> = listed
            .lines()
            .filter_map(|line| line.strip_prefix(module)?.strip_prefix("::")?.strip_suffix(": test"))
            .collect();
        tests.sort_unstable();
        assert_eq!(tests, cases, "{module}");
    }
}

#[tokio::test]
async fn what_a_backend_lacks_is_named() {
    let lacking = conformance::Case::named("a_conflict_undoes_everything").unwrap();
    assert_eq!(lacking.needs, [conformance::Need::AtomicCommit]);
    let outcome = lacking.check(Arc::new(Lacking(MemoryStorage::new()))).await.unwrap();
    assert_eq!(outcome, conformance::Outcome::Unmet(conformance::Need::AtomicCommit));
}

/// A memory storage that says it can do nothing beyond rows.
struct Lacking(MemoryStorage);

#[async_trait::async_trait]
impl Storage for Lacking {
    fn capabilities(&self) -> Capabilities {
        Capabilities::none("lacking")
    }

    async fn migrate(&self, schema: &Schema) -> Result<()> {
        self.0.migrate(schema).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.0.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page> {
        self.0.query(query).await
    }

    async fn aggregate(&self, query: &Aggregate) -> Result<Vec<Row>> {
        self.0.aggregate(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<()> {
        self.0.commit(changes).await
    }

    async fn watch(&self) -> Result<Changes> {
        self.0.watch().await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}
