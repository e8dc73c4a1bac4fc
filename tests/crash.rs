//! A process that is killed at any moment leaves nothing unaccounted for.
//!
//! The test starts itself again as a child that makes calls against the sandbox, kills it with SIGKILL at a random
//! moment, and compares what the sandbox accepted with what the database says. `SIS_CRASH_ROUNDS` sets how often
//! (default 100).
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use sandbox::{Sandbox, twilio};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, AuditFilter, Clock, ErrorCode, IntegrationManager, ManualClock, MasterKey, Role, Runtime, SystemClock,
    Tenant, providers,
    services::{AuditEntry, State},
    storage::{Query, Record, SqliteStorage, Storage, StorageExt, tables},
};

const TENANT: &str = "school";
const KEY: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";

async fn open(db: &Path, url: &str, runtime: Runtime) -> (IntegrationManager, Tenant) {
    let quota = providers::Quota { per_second: 0.0, burst: 0 };
    let manager = IntegrationManager::builder()
        .storage(SqliteStorage::open(db).await.unwrap())
        .master_key(MasterKey::from_bytes(KEY).unwrap())
        .providers(providers::all())
        .quota("twilio", quota)
        .runtime(runtime)
        .allow_private_addresses(true)
        .config_defaults(
            "twilio",
            json!({
                "account_sid": twilio::ACCOUNT_SID,
                "auth_token": twilio::AUTH_TOKEN,
                "from_number": "+15005550006",
                "base_url": url,
            })
            .as_object()
            .cloned()
            .unwrap(),
        )
        .build()
        .await
        .unwrap();
    let school = manager.tenant(TENANT).unwrap();
    (manager, school)
}

/// The number that stands for the `n`-th recipient of a round.
fn number(round: u32, n: u32) -> String {
    format!("+1555{:07}", round * 10_000 + n)
}

/// What the child does until it is killed. Not a test of its own: without the variables it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(db), Ok(url), Ok(round)) =
        (std::env::var("SIS_CRASH_DB"), std::env::var("SIS_CRASH_URL"), std::env::var("SIS_CRASH_ROUND"))
    else {
        return;
    };
    let round: u32 = round.parse().unwrap();
    let (_manager, school) = open(Path::new(&db), &url, Runtime::current()).await;
    println!("ready");
    let tasks = (0..6).map(|task| {
        let school = school.clone();
        tokio::spawn(async move {
            for turn in 0..100 {
                let n = task * 1000 + turn * 8;
                let actor = Actor::new(format!("sms-{round}-{n}"), Role::Admin);
                let arguments = json!({ "to": number(round, n), "body": format!("message {n}") });
                // Every other one has a name.
                let mut request = school.request(&actor);
                if turn % 2 == 0 {
                    request = request.idempotency_key(actor.id());
                }
                if let Ok(reply) = request.execute("twilio", "sendSms", arguments).await {
                    println!("ok {} {}", actor.id(), reply.output["sid"].as_str().unwrap());
                }
                let actor = Actor::new(format!("alert-{round}-{n}"), Role::Admin);
                let recipients: Vec<Value> =
                    (1..6).map(|i| json!({ "phone": number(round, n + i), "name": "A" })).collect();
                let arguments =
                    json!({ "recipients": recipients, "message": "leave the building", "channels": ["sms"] });
                if school.execute(&actor, "twilio", "sendEmergencyAlert", arguments).await.is_ok() {
                    println!("ok {} -", actor.id());
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_has_its_intent_and_no_outcome_contradicts_the_vendor() {
    let rounds: u32 = std::env::var("SIS_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100);
    let sandbox = Sandbox::start().await.unwrap();
    let url = sandbox.url("twilio");
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Seen::default();
    let mut db = folder.path().join("0.db");
    for round in 0..rounds {
        // A new file now and then: the check reads all of it each time.
        if round % 20 == 0 {
            db = folder.path().join(format!("{round}.db"));
            sandbox.reset();
            seen = Seen { total: seen.total, ..Seen::default() };
        }
        let acknowledged = run_and_kill(&db, &url, round).await;
        seen.check(&db, &sandbox, acknowledged).await;
    }
    println!(
        "{rounds} kills: {} messages accepted, {} outcomes unknown, {} of them asked for again by name, {} acknowledged",
        seen.total.accepted, seen.total.unknown, seen.total.repeated, seen.total.acknowledged
    );
    assert!(seen.total.accepted > u64::from(rounds), "the children sent next to nothing");
}

async fn run_and_kill(db: &Path, url: &str, round: u32) -> Vec<(String, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads", "1"])
        .env("SIS_CRASH_DB", db)
        .env("SIS_CRASH_URL", url)
        .env("SIS_CRASH_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (ready, wait) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        for line in lines.map_while(Result::ok) {
            if line.ends_with("ready") {
                let _ = ready.send(());
            }
            let mut words = line.split(' ');
            if let (Some("ok"), Some(actor), Some(sid)) = (words.next(), words.next(), words.next()) {
                acknowledged.push((actor.to_owned(), sid.to_owned()));
            }
        }
        acknowledged
    });
    wait.recv_timeout(Duration::from_secs(30)).expect("the child did not begin");
    let moment = u64::from(u32::from_le_bytes(sis_integrations::model::random_bytes())) % 120_000;
    tokio::time::sleep(Duration::from_micros(moment)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[derive(Default)]
struct Seen {
    total: Total,
    /// What the current file and sandbox held at the last look.
    messages: u64,
    unknown: u64,
    acknowledged: Vec<(String, String)>,
}

#[derive(Default, Clone, Copy)]
struct Total {
    accepted: u64,
    unknown: u64,
    acknowledged: u64,
    repeated: u64,
}

fn part_outcome(entry: &AuditEntry) -> String {
    format!("{}/part.outcome/{}", entry.request_id, entry.part.as_deref().unwrap_or_default())
}

/// Makes a call again that a killed process left without an outcome, if it had a name: its outcome is unknown, and
/// nothing leaves.
async fn repeat(school: &Tenant, entry: &AuditEntry, sandbox: &Sandbox) -> bool {
    let mut words = entry.actor_id.split('-').skip(1).map(|word| word.parse::<u32>().unwrap());
    let (round, n) = (words.next().unwrap(), words.next().unwrap());
    if n % 1000 / 8 % 2 != 0 {
        return false;
    }
    let before = sandbox.twilio().messages().len();
    let actor = Actor::new(entry.actor_id.clone(), Role::Admin);
    let arguments = json!({ "to": number(round, n), "body": format!("message {n}") });
    let again = school.request(&actor).idempotency_key(actor.id()).execute("twilio", "sendSms", arguments).await;
    assert_eq!(again.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert_eq!(sandbox.twilio().messages().len(), before);
    true
}

impl Seen {
    async fn check(&mut self, db: &Path, sandbox: &Sandbox, acknowledged: Vec<(String, String)>) {
        // What was under way in the sandbox when the child died may still be arriving.
        tokio::time::sleep(Duration::from_millis(30)).await;
        self.total.acknowledged += acknowledged.len() as u64;
        self.acknowledged.extend(acknowledged);
        // An hour later every deadline has passed.
        let later = ManualClock::new(SystemClock.now().after(Duration::from_secs(3600)));
        let (manager, school) = open(db, &sandbox.url("twilio"), Runtime::current().with_clock(later)).await;
        let auditor = Actor::new("auditor", Role::Admin);
        let verification = school.verify_audit(&auditor).await.unwrap();
        assert!(verification.intact, "the chain is broken: {verification:?}");

        let storage = SqliteStorage::open(db).await.unwrap();
        let rows = storage.query_all(Query::of(&tables::AUDIT_LOGS, school.id())).await.unwrap();
        let trail = Trail::of(&rows);
        let messages = sandbox.twilio().messages();
        self.total.accepted += messages.len() as u64 - self.messages;
        self.messages = messages.len() as u64;
        let by_sid: HashMap<&str, &str> =
            messages.iter().map(|message| (message.sid.as_str(), message.to.as_str())).collect();

        for message in &messages {
            assert!(trail.intended.contains(&message.to), "no intent for {} ({})", message.to, message.sid);
            if let Some(outcome) = trail.outcomes.get(&message.to) {
                assert!(
                    matches!(outcome.as_str(), "ok" | "outcome_unknown"),
                    "the vendor accepted a message to {}, the trail says {outcome}",
                    message.to
                );
            }
        }
        for (to, sid) in &trail.sids {
            assert_eq!(
                by_sid.get(sid.as_str()),
                Some(&to.as_str()),
                "the trail says accepted, the vendor knows nothing"
            );
        }
        for (actor, sid) in &self.acknowledged {
            assert_eq!(
                trail.calls.get(actor).map(String::as_str),
                Some("ok"),
                "{actor} got an answer that is not on record"
            );
            assert!(sid == "-" || by_sid.contains_key(sid.as_str()));
        }
        // What has an intent and no outcome is reported, once its deadline has passed.
        let unknown = trail.intended.iter().filter(|to| !trail.outcomes.contains_key(*to)).count() as u64;
        self.total.unknown += unknown.saturating_sub(self.unknown);
        self.unknown = unknown;
        let newest = school.audit(&auditor, &AuditFilter { limit: Some(200), ..Default::default() }).await.unwrap();
        let mut repeated = false;
        for entry in newest.entries.iter().filter(|entry| matches!(entry.event.as_str(), "call" | "part")) {
            let ids = [format!("{}/call.outcome", entry.request_id), part_outcome(entry)];
            let told = rows.iter().any(|row| row.key.id == ids[usize::from(entry.event == "part")]);
            let state = if told { entry.state } else { State::OutcomeUnknown };
            assert_eq!(entry.state, state, "{entry:?}");
            assert_ne!(entry.state, State::InProgress, "{entry:?}");
            // The one under that name may have happened: it is not made again.
            if !told && !repeated && entry.operation.as_deref() == Some("sendSms") {
                repeated = repeat(&school, entry, sandbox).await;
            }
        }
        self.total.repeated += u64::from(repeated);
        storage.close().await.unwrap();
        manager.close(Duration::from_secs(5)).await.unwrap();
    }
}

/// The audit rows, by the number they are about.
#[derive(Default)]
struct Trail {
    intended: HashSet<String>,
    outcomes: HashMap<String, String>,
    sids: Vec<(String, String)>,
    /// Outcomes of whole calls, by actor.
    calls: HashMap<String, String>,
}

impl Trail {
    fn of(rows: &[Record]) -> Self {
        let mut trail = Self::default();
        for row in rows {
            let actor = row.text("actor_id").unwrap();
            let mut words = actor.split('-');
            let kind = words.next().unwrap();
            let (Some(round), Some(n)) = (words.next(), words.next()) else { continue };
            let (round, n): (u32, u32) = (round.parse().unwrap(), n.parse().unwrap());
            let event = row.text("event").unwrap();
            let outcome = row.opt_text("outcome").map(str::to_owned);
            if event == "call.outcome" {
                trail.calls.insert(actor.to_owned(), outcome.clone().unwrap());
            }
            let to = match (kind, row.opt_text("part")) {
                ("sms", None) => number(round, n),
                ("alert", Some(part)) => {
                    let at: u32 = part.strip_prefix("recipients[").unwrap().split(']').next().unwrap().parse().unwrap();
                    number(round, n + 1 + at)
                }
                _ => continue,
            };
            if event.ends_with(".intent") {
                trail.intended.insert(to.clone());
            }
            if let (true, Some(outcome)) = (event.ends_with(".outcome"), outcome) {
                let detail: Value = row.json("detail").unwrap_or_default();
                let sid = detail["sid"].as_str().or(detail["messageSid"].as_str());
                if let (Some(sid), "ok") = (sid, outcome.as_str()) {
                    trail.sids.push((to.clone(), sid.to_owned()));
                }
                trail.outcomes.insert(to, outcome);
            }
        }
        trail
    }
}
