//! Marked secrets travel through every operation and every fault of the look-alike, and appear nowhere.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::{
    io::Write,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use regex::bytes::Regex;

use every::{School, VENDORS, Vendor, builder, operations, vendor};
use futures::future::join_all;
use sandbox::{Fault, Rule};
use serde_json::Value;
use sis_integrations::{
    AuditFilter,
    storage::{MemoryStorage, Query, SqliteStorage, Storage, StorageExt, tables},
    transport::Backoff,
};

/// Everything that anybody could read afterwards.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn marks() -> Vec<String> {
    let secrets = VENDORS.iter().flat_map(|vendor| vendor.secrets);
    secrets
        .flat_map(|secret| {
            let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let encoded = STANDARD.encode(secret);
            // The end of a Basic header's pair, whatever the name before it: three places for it to begin.
            let pairs = ["", "x", "xx"].map(|before| {
                let pair = STANDARD.encode(format!("{before}:{secret}"));
                pair[8..pair.len() - 4].to_owned()
            });
            [secret.to_string(), encoded, hex].into_iter().chain(pairs)
        })
        .collect()
}

/// All marks in one: what is searched is long, and there are many.
static MARKS: LazyLock<Regex> = LazyLock::new(|| {
    let all: Vec<_> = marks().iter().map(|mark| regex::escape(mark)).collect();
    Regex::new(&format!("(?-u){}", all.join("|"))).unwrap()
});

fn search(what: &str, bytes: &[u8]) {
    assert!(!MARKS.is_match(bytes), "a secret stands in {what}");
}

/// Every way the look-alike can misbehave, with the name it goes by. What counts as an outage stands between what does not,
/// so that no circuit opens.
fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        ("none", Fault::Delay { ms: 0 }),
        ("500", Fault::status(500)),
        ("503", Fault::status(503)),
        ("401", Fault::status(401)),
        ("500 after", Fault::StatusAfter { status: 500 }),
        ("cut before", Fault::CutBefore),
        ("403", Fault::status(403)),
        ("cut after", Fault::CutAfter),
        ("cut during", Fault::CutDuring),
        ("404", Fault::status(404)),
        ("429", Fault::too_many(Some(0))),
        ("web page", Fault::Html { status: 502 }),
        ("redirect", Fault::Redirect { location: "https://evil.example/".into(), status: 302 }),
        ("truncate", Fault::Truncate),
        ("huge", Fault::Huge { bytes: 9 << 20 }),
        ("wrong type", Fault::WrongType { field: "sid".into() }),
    ]
}

/// Makes a call and searches what comes of it; whether that was an error.
async fn call(school: &School, provider: &str, operation: &str, arguments: Value, fault: &str) -> bool {
    let call = school.tenant.request(&school.admin).deadline(Duration::from_secs(5));
    let (shown, failed) = match call.execute(provider, operation, arguments).await {
        Ok(reply) => (format!("{reply:?} {}", reply.output), false),
        Err(error) => {
            let source = std::error::Error::source(&error);
            (format!("{error} {error:?} {error:#?} {} {source:?}", error.to_json()), true)
        }
    };
    search(&format!("the answer of {operation} after {fault}"), shown.as_bytes());
    failed
}

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 2 };
/// Most of the time is spent waiting, so several schools share the faults.
const SCHOOLS: usize = 4;

/// Every operation under this school's share of the faults, then everything that anybody could read of it. Answers how many
/// calls failed.
async fn one_school(share: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let school = School::open(builder().backoff(BACKOFF).storage(SqliteStorage::open(&file).await.unwrap())).await;
    let errors = join_all(VENDORS.iter().map(|vendor| one_vendor(&school, vendor, share))).await.into_iter().sum();
    let admin = &school.admin;
    for vendor in VENDORS {
        let shown = school.tenant.config(admin, vendor.id).await.unwrap();
        search(
            "the settings as they are shown",
            format!("{shown:?} {}", serde_json::to_string(&shown).unwrap()).as_bytes(),
        );
    }
    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        school.tenant.audit(admin, &AuditFilter { limit: Some(500), ..Default::default() }).await.unwrap(),
        school.tenant.stats(admin, None, None).await.unwrap(),
        school.tenant.health_all(admin).await.unwrap(),
        (&school.manager, &school.tenant),
    );
    search("what the manager shows", shown.as_bytes());
    let storage = SqliteStorage::open(&file).await.unwrap();
    for table in tables::SCHEMA.tables {
        let rows = storage.query_all(Query::across_tenants(table)).await.unwrap();
        search(table.name, format!("{rows:?}").as_bytes());
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        search(&path.display().to_string(), &std::fs::read(&path).unwrap());
    }
    storage.close().await.unwrap();
    school.manager.close(Duration::from_secs(5)).await.unwrap();
    search("the database file", &std::fs::read(&file).unwrap());
    errors
}

async fn one_vendor(school: &School, vendor: &Vendor, share: usize) -> usize {
    let (mut errors, faults) = (0, faults());
    let operations: Vec<_> = operations().into_iter().filter(|(provider, _)| *provider == vendor.id).collect();
    for round in (share..faults.len()).step_by(SCHOOLS) {
        for (at, (provider, operation)) in operations.iter().enumerate() {
            let (name, fault) = &faults[(round + at) % faults.len()];
            let script = (vendor.faults)(&school.sandbox);
            script.clear();
            let arguments = school.filled(provider, operation).await;
            // What is too large is not asked for again. A token endpoint that is struck would have the next calls refused: it
            // has its turn below.
            script.add(Rule::next(if *name == "huge" { 1 } else { 3 }, fault.clone()).except("token"));
            errors += usize::from(call(school, provider, operation, arguments, name).await);
        }
    }
    (vendor.faults)(&school.sandbox).clear();
    errors
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_written_anywhere() {
    let written = Written::default();
    let logs = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || logs.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let errors: usize = join_all((0..SCHOOLS).map(one_school)).await.into_iter().sum();
    assert!(errors > operations().len() * 5, "the faults did not strike");

    for (name, fault) in faults() {
        for provider in ["google_workspace", "microsoft365"] {
            let school = School::open(builder().backoff(BACKOFF).storage(MemoryStorage::new())).await;
            (vendor(provider).faults)(&school.sandbox).add(Rule::always(fault.clone()).path("token"));
            let failed = call(&school, provider, "getUser", school.filled(provider, "getUser").await, name).await;
            assert!(
                failed || name == "none" || name == "wrong type",
                "{name} at {provider}'s token endpoint did not strike"
            );
        }
    }
    search("the log", &written.0.lock().unwrap());
    assert!(!written.0.lock().unwrap().is_empty(), "nothing was logged, so nothing was searched");
}

/// The search itself finds what it looks for.
#[test]
#[should_panic(expected = "a secret stands in")]
fn the_search_would_find_one() {
    search(
        "this text",
        format!("Authorization: Basic {}", STANDARD.encode(format!("somebody:{}", VENDORS[0].secrets[0]))).as_bytes(),
    );
}
