//! Marked secrets travel through every operation and every fault of the look-alike, and appear nowhere: in no answer, of
//! Rust or over HTTP, no record, no file and no log. Marked are what schools enter, the master key and the server's own, and
//! what is only known later: vendors' access tokens and API keys.
//!
//! A panic is none of these ways: it is caught and becomes an `internal` error without its words, but those go to the panic
//! hook first, which is the host's and writes to standard error unless told otherwise; a library must not change it. So the
//! panics of `src/` say constant words alone, and `SECURITY.md` tells those who write providers. What becomes of one that
//! names a secret all the same, `tests/road.rs` shows.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

#[path = "support/api.rs"]
mod api;
#[path = "support/every/mod.rs"]
mod every;

use std::{
    io::Write,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use regex::bytes::{Regex, RegexBuilder};

use every::{School, VENDORS, Vendor, builder, operations, vendor};
use futures::future::join_all;
use sandbox::{Fault, Rule};
use serde_json::{Value, json};
use sis_integrations::{
    ApiKeyRequest, AuditFilter,
    http::{Api, ApiKeys},
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

/// What every school of these tests is opened with, and what is kept of it in an answer that can be asked for again.
const MASTER_KEY: &str = "0123456789abcdefghijklmnopqrstuv";
const KEPT_TEXT: &str = "canary0text0of0an0answer0that0is0kept";

fn marks() -> Vec<String> {
    let secrets = VENDORS.iter().flat_map(|vendor| vendor.secrets).chain([&MASTER_KEY, &api::BOOTSTRAP]);
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

/// What is secret, and was not known before.
#[derive(Default)]
struct Later {
    /// What callers were shown.
    shown: String,
    secrets: Vec<String>,
}

impl Later {
    /// Tokens that the look-alikes issued; the ends of them, which no two share.
    fn add_tokens(&mut self, school: &School) {
        for provider in ["google_workspace", "microsoft365"] {
            for exchange in (vendor(provider).recorder)(&school.sandbox).exchanges() {
                let Some(answer) = exchange.response.filter(|_| exchange.path.contains("token")) else { continue };
                let Ok(answer) = serde_json::from_slice::<Value>(&answer.body) else { continue };
                for name in ["access_token", "refresh_token", "id_token"] {
                    if let Some(token) = answer[name].as_str().filter(|token| token.len() >= 16) {
                        let from = token.len().saturating_sub(60);
                        self.secrets.push(token[from..].to_owned());
                    }
                }
            }
        }
    }

    fn any(&self) -> Regex {
        let all: Vec<_> = self.secrets.iter().map(|secret| regex::escape(secret)).collect();
        RegexBuilder::new(&format!("(?-u){}", all.join("|"))).size_limit(1 << 28).build().unwrap()
    }
}

/// Every way the look-alike can misbehave, with the name it goes by. What counts as an outage stands between what does not,
/// so that no circuit opens.
fn faults() -> Vec<(&'static str, Fault)> {
    vec![
        ("none", Fault::Delay { ms: 0 }),
        ("slow after", Fault::Delay { ms: 700 }),
        ("wrong media type", Fault::ContentType { value: "text/plain".into() }),
        ("500", Fault::status(500)),
        ("503", Fault::status(503)),
        ("401", Fault::status(401)),
        ("500 after", Fault::StatusAfter { status: 500 }),
        ("cut before", Fault::CutBefore),
        ("slow before", Fault::DelayBefore { ms: 700 }),
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

/// Makes a call and searches what comes of it; what was shown, and whether that was an error.
async fn call(school: &School, provider: &str, operation: &str, arguments: Value, fault: &str) -> (String, bool) {
    let call = school.tenant.request(&school.admin).deadline(Duration::from_millis(if fault.starts_with("slow") {
        350
    } else {
        5000
    }));
    let (shown, failed) = match call.execute(provider, operation, arguments).await {
        Ok(reply) => (format!("{reply:?} {}", reply.output), false),
        Err(error) => {
            let source = std::error::Error::source(&error);
            (format!("{error} {error:?} {error:#?} {} {source:?}", error.to_json()), true)
        }
    };
    search(&format!("the answer of {operation} after {fault}"), shown.as_bytes());
    (shown, failed)
}

/// Every operation once over HTTP, each under another fault, with an API key of the school's.
async fn over_http(school: &School, later: &mut Later) {
    let request: ApiKeyRequest =
        serde_json::from_value(json!({ "name": "k", "userId": "u-1", "role": "admin", "scopes": ["*"] })).unwrap();
    let key = school.tenant.create_api_key(&school.admin, request).await.unwrap().key.expose().clone();
    let keys = ApiKeys::new(school.manager.clone()).with_bootstrap(api::BOOTSTRAP.into()).unwrap();
    let url = api::serve(Api::new(school.manager.clone(), keys).router()).await;
    let (client, faults) = (reqwest::Client::new(), faults());
    let path = |path: &str| format!("{url}/api/integrations/school/{path}");
    for (at, (provider, operation)) in operations().into_iter().enumerate() {
        let (name, fault) = &faults[at % faults.len()];
        let script = (vendor(provider).faults)(&school.sandbox);
        script.clear();
        let arguments = school.filled(provider, operation).await;
        script.add(Rule::next(1, fault.clone()).except("token"));
        let asking = client.post(path(&format!("{provider}/{operation}"))).header("X-Deadline-Ms", "5000");
        let answer =
            asking.bearer_auth(if at % 2 == 0 { &key } else { api::BOOTSTRAP }).json(&arguments).send().await.unwrap();
        let shown = format!("{:?} {}", answer.headers().clone(), answer.text().await.unwrap());
        search(&format!("the answer over HTTP of {operation} after {name}"), shown.as_bytes());
        later.shown.push_str(&shown);
        script.clear();
    }
    for read in ["", "health", "stats", "audit?limit=500", "api-keys", "webhooks", "subscriptions", "twilio/config"] {
        let shown = client.get(path(read)).bearer_auth(&key).send().await.unwrap().text().await.unwrap();
        search(read, shown.as_bytes());
        later.shown.push_str(&shown);
    }
    // A key that is wrong is not repeated either.
    let shown = client.get(path("stats")).bearer_auth(format!("{key}x")).send().await.unwrap().text().await.unwrap();
    later.shown.push_str(&shown);
    later.secrets.push(key);
}

/// An answer that is kept, to be given again.
async fn kept(school: &School) {
    let arguments = json!({ "to": "+14155550101", "body": KEPT_TEXT });
    for replayed in [false, true] {
        let call = school.tenant.request(&school.admin).idempotency_key("once");
        let reply = call.execute("twilio", "sendSms", arguments.clone()).await.unwrap();
        assert_eq!((reply.replayed, reply.output["body"].as_str()), (replayed, Some(KEPT_TEXT)));
    }
}

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 2 };
/// Most of the time is spent waiting, so several schools share the faults.
const SCHOOLS: usize = 4;

/// Every operation under this school's share of the faults, then everything that anybody could read of it. Answers how many
/// calls failed, and what is searched for in the log.
async fn one_school(share: usize) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let school = School::open(builder().backoff(BACKOFF).storage(SqliteStorage::open(&file).await.unwrap())).await;
    let mut later = Later::default();
    let mut errors = 0;
    for (failed, shown) in join_all(VENDORS.iter().map(|vendor| one_vendor(&school, vendor, share))).await {
        errors += failed;
        later.shown.push_str(&shown);
    }
    kept(&school).await;
    if share == 0 {
        over_http(&school, &mut later).await;
    }
    later.add_tokens(&school);
    assert!(later.secrets.len() > 5, "no token was issued, so none was searched for");
    assert!(!later.any().is_match(later.shown.as_bytes()), "a token or an API key was shown");
    // In its answer it stands; at rest it must not.
    later.secrets.push(KEPT_TEXT.to_owned());
    let any = later.any();
    let search = |what: &str, bytes: &[u8]| {
        search(what, bytes);
        assert!(!any.is_match(bytes), "a token, an API key or what an answer held stands in {what}");
    };
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
    (errors, later.secrets)
}

async fn one_vendor(school: &School, vendor: &Vendor, share: usize) -> (usize, String) {
    let (mut errors, mut shown, faults) = (0, String::new(), faults());
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
            let (answer, failed) = call(school, provider, operation, arguments, name).await;
            errors += usize::from(failed);
            shown.push_str(&answer);
        }
    }
    (vendor.faults)(&school.sandbox).clear();
    (errors, shown)
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

    let (mut errors, mut later) = (0, Later::default());
    for (failed, secrets) in join_all((0..SCHOOLS).map(one_school)).await {
        errors += failed;
        later.secrets.extend(secrets);
    }
    assert!(errors > operations().len() * 5, "the faults did not strike");

    for (name, fault) in faults() {
        for provider in ["google_workspace", "microsoft365"] {
            let school = School::open(builder().backoff(BACKOFF).storage(MemoryStorage::new())).await;
            (vendor(provider).faults)(&school.sandbox).add(Rule::always(fault.clone()).path("token"));
            let (_, failed) = call(&school, provider, "getUser", school.filled(provider, "getUser").await, name).await;
            assert!(
                failed || ["none", "wrong type", "wrong media type"].contains(&name),
                "{name} at {provider}'s token endpoint did not strike"
            );
        }
    }
    search("the log", &written.0.lock().unwrap());
    assert!(!later.any().is_match(&written.0.lock().unwrap()), "a token, an API key or what an answer held is logged");
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
