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
            // The same key again: what happened does not happen twice, and what was answered is answered again.
            let again = world.school.request(&admin).idempotency_key("k").call(letter("x")).await;
            match (&result, &again) {
                (Ok(first), Ok(again)) => {
                    assert_eq!((&again.output, again.replayed), (&first.output, true))
                }
                (Ok(_), Err(error)) => panic!("operation {n}: the answer is lost: {error}"),
                (Err(_), Ok(again)) => assert!(sent == 0 || again.replayed, "operation {n}: sent twice"),
                (Err(_), Err(error)) => assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "operation {n}: {error}"),
            }
            assert!(world.network.arrived().len() <= 1, "operation {n}: sent twice");
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
