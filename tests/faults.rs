//! The storage fails at every operation in turn, and the trail still tells what happened.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use sis_integrations::{
    AuditFilter, Clock, ErrorCode, IntegrationManager, ManualClock, Runtime, SystemClock, Tenant,
    services::{AuditEntry, State},
    storage::{Fault, FaultyStorage, Journal, MemoryJournal, MemoryStorage, Query, SqliteStorage, StorageExt, tables},
};
use support::*;

struct World {
    network: Network,
    storage: FaultyStorage,
    clock: ManualClock,
    manager: IntegrationManager,
    school: Tenant,
}

async fn world(journal: Option<Arc<dyn Journal>>) -> World {
    let network = Network::default();
    let storage = FaultyStorage::new(Arc::new(MemoryStorage::new()));
    let clock = ManualClock::new(SystemClock.now());
    let runtime = Runtime::current().with_clock(clock.clone());
    let mut builder = builder(&network).runtime(runtime).storage(storage.clone());
    if let Some(journal) = journal {
        builder = builder.journal(Shared(journal));
    }
    let manager = builder.build().await.unwrap();
    let school = configured(&manager, "school").await;
    World { network, storage, clock, manager, school }
}

/// A journal that the test holds too.
struct Shared(Arc<dyn Journal>);

impl Journal for Shared {
    fn append(&self, lines: &[String]) -> sis_integrations::Result<()> {
        self.0.append(lines)
    }
    fn read(&self) -> sis_integrations::Result<Vec<String>> {
        self.0.read()
    }
    fn forget(&self, lines: usize) -> sis_integrations::Result<()> {
        self.0.forget(lines)
    }
}

impl World {
    async fn calls(&self) -> Vec<AuditEntry> {
        // Past every deadline: what has no outcome by now is known to have none.
        self.clock.advance(Duration::from_secs(3600));
        let page = self.school.audit(&admin(), &AuditFilter { limit: Some(500), ..Default::default() }).await.unwrap();
        page.entries.into_iter().filter(|entry| entry.event == "call" || entry.event == "part").collect()
    }
}

/// Every operation of the storage that a call makes fails once, before or after it took effect.
async fn sweep(journaled: bool, fault: fn(ErrorCode) -> Fault) {
    for code in [ErrorCode::StorageUnavailable, ErrorCode::StorageFull] {
        for n in 1..60 {
            let journal = journaled.then(|| Arc::new(MemoryJournal::default()) as Arc<dyn Journal>);
            let world = world(journal).await;
            // What is cached is old by now, so that every look-up is made again.
            world.clock.advance(Duration::from_secs(10));
            let before = world.storage.operations();
            world.storage.fail_nth(n, fault(code));
            let admin = admin();
            let result = world.school.request(&admin).idempotency_key("k").call(letter("x")).await;
            let made = world.storage.operations() - before;
            world.storage.heal();
            world.clock.advance(Duration::from_secs(10));
            world.manager.merge_journal().await.unwrap();

            let sent = world.network.arrived().len();
            let calls = world.calls().await;
            assert!(sent <= 1);
            match &result {
                Ok(_) => assert_eq!(sent, 1),
                Err(error) => assert!(
                    matches!(
                        error.code(),
                        ErrorCode::StorageUnavailable | ErrorCode::StorageFull | ErrorCode::OutcomeUnknown
                    ),
                    "operation {n}: {error}"
                ),
            }
            if sent == 1 {
                assert_eq!(calls.len(), 1, "operation {n}: a letter left without an intent");
                let told = calls[0].state;
                assert!(matches!(told, State::Ended | State::OutcomeUnknown), "operation {n}: {told:?}");
                if journaled {
                    assert_eq!(calls[0].outcome.as_deref(), Some("ok"), "operation {n}: the journal lost the outcome");
                }
            } else {
                assert!(result.is_err());
                assert!(calls.iter().all(|call| call.outcome.as_deref() != Some("ok")), "operation {n}: {calls:?}");
            }
            let verified = world.school.verify_audit(&admin).await.unwrap();
            assert!(verified.intact, "operation {n}: {verified:?}");
            // The school works again.
            world.school.call(&admin, letter("y")).await.unwrap();
            if made < n {
                assert!(n > 3, "a call makes more operations than {n}");
                break;
            }
            assert!(n < 59, "the sweep never came to its end");
        }
    }
}

#[tokio::test]
async fn every_operation_fails_before_it_happens() {
    sweep(false, Fault::Before).await;
}

#[tokio::test]
async fn every_operation_fails_after_it_happened() {
    sweep(false, Fault::After).await;
}

#[tokio::test]
async fn every_operation_fails_before_it_happens_and_there_is_a_journal() {
    sweep(true, Fault::Before).await;
}

#[tokio::test]
async fn every_operation_fails_after_it_happened_and_there_is_a_journal() {
    sweep(true, Fault::After).await;
}

#[tokio::test]
async fn an_alarm_leaves_when_the_storage_is_down_and_a_letter_does_not() {
    for fault in [Fault::Before(ErrorCode::StorageUnavailable), Fault::Before(ErrorCode::StorageFull), Fault::Hang] {
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
        let network = Network::default();
        let inner = MemoryStorage::new();
        let storage = FaultyStorage::new(Arc::new(inner.clone()));
        let manager =
            builder(&network).storage(storage.clone()).journal(Shared(journal.clone())).build().await.unwrap();
        let school = configured(&manager, "school").await;
        school.call(&admin(), LookUp::default()).await.unwrap();
        let hangs = matches!(fault, Fault::Hang);
        storage.fail_all(fault);

        if !hangs {
            assert!(school.call(&admin(), letter("x")).await.is_err());
            assert_eq!(network.arrived().len(), 1, "nothing leaves unrecorded");
        }
        let alarm = SendAlarm { recipients: (0..20).map(|n| format!("+1555000{n:04}")).collect() };
        let ids = school.call(&admin(), alarm).await.unwrap();
        assert_eq!(ids.len(), 20);
        assert_eq!(network.arrived().len(), 21);
        let lines = journal.read().unwrap();
        assert!(lines.len() >= 2 + 40, "{} lines", lines.len());
        assert!(
            lines.iter().all(|line| !line.contains("+1555000") && !line.contains(TOKEN)),
            "nothing personal, no secret"
        );

        storage.heal();
        // The storage is left alone for a moment after it failed.
        manager.runtime().sleep(Duration::from_millis(5200)).await;
        manager.merge_journal().await.unwrap();
        assert!(journal.read().unwrap().is_empty());
        let page = school.audit(&admin(), &AuditFilter { limit: Some(500), ..Default::default() }).await.unwrap();
        let parts: Vec<_> = page.entries.iter().filter(|entry| entry.event == "part").collect();
        assert_eq!(parts.iter().filter(|part| part.outcome.as_deref() == Some("ok")).count(), parts.len());
        assert!(parts.len() >= 20);
        assert!(school.verify_audit(&admin()).await.unwrap().intact);
        let events = inner.query_all(Query::of(&tables::SECURITY_EVENTS, school.id())).await.unwrap();
        assert!(events.iter().any(|event| event.text("kind").unwrap() == "journal_used"));
    }
}

/// The real thing: a SQLite file locked by another process's transaction, and one on a disk that is full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_leaves_while_the_file_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let network = Network::default();
    let storage = SqliteStorage::builder(&file).busy_timeout(Duration::from_millis(300)).open().await.unwrap();
    let manager = builder(&network).storage(storage).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();

    let refused = school.call(&admin(), letter("x")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageUnavailable);
    assert!(network.arrived().is_empty());
    let alarm = SendAlarm { recipients: (0..20).map(|n| n.to_string()).collect() };
    assert_eq!(school.call(&admin(), alarm).await.unwrap().len(), 20);
    assert!(folder.path().join("sis.db.spill").exists());

    other.execute_batch("ROLLBACK").unwrap();
    manager.close(Duration::from_secs(10)).await.unwrap();
    // The next process merges what the last one left.
    let manager = builder(&network).storage(SqliteStorage::open(&file).await.unwrap()).build().await.unwrap();
    assert!(!folder.path().join("sis.db.spill").exists());
    let school = manager.tenant("school").unwrap();
    let page = school.audit(&admin(), &AuditFilter { limit: Some(500), ..Default::default() }).await.unwrap();
    let accepted = page.entries.iter().filter(|e| e.event == "part" && e.outcome.as_deref() == Some("ok")).count();
    assert!(accepted >= 20, "{accepted}");
    assert!(school.verify_audit(&admin()).await.unwrap().intact);
}

#[tokio::test]
async fn a_full_disk_refuses_the_call_and_nothing_is_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let network = Network::default();
    let storage = SqliteStorage::builder(&file).max_size_bytes(400_000).open().await.unwrap();
    let manager = builder(&network).storage(storage).journal(MemoryJournal::default()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let mut full = None;
    for n in 0..2_000 {
        if let Err(error) = school.call(&admin(), letter(&n.to_string())).await {
            full = Some(error);
            break;
        }
    }
    let error = full.expect("the disk never filled");
    assert_eq!(error.code(), ErrorCode::StorageFull, "{error}");
    // The last pages may still take a small row: what fits is sent, what does not is refused.
    for _ in 0..20 {
        if let Err(error) = school.call(&admin(), letter("x")).await {
            assert!(matches!(error.code(), ErrorCode::StorageFull | ErrorCode::OutcomeUnknown), "{error}");
        }
    }
    let sent = network.arrived().len();
    manager.close(Duration::from_secs(5)).await.unwrap();
    let bigger = SqliteStorage::open(&file).await.unwrap();
    let rows = bigger.query_all(Query::across_tenants(&tables::AUDIT_LOGS).eq("event", "call.intent")).await.unwrap();
    assert_eq!(rows.len(), sent, "nothing leaves unrecorded");
    let manager = builder(&network).storage(bigger).build().await.unwrap();
    assert!(manager.tenant("school").unwrap().verify_audit(&admin()).await.unwrap().intact);
}
