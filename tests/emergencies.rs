//! An alarm leaves though the storage fails, once, and comes back into the record.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sis_integrations::{
    AuditFilter, Clock, Disclosure, Durability, Error, ErrorCode, IntegrationManager, ManualClock, MasterKey, Result,
    Runtime, Subject, SystemClock, Tenant,
    security::SecurityService,
    services::{AuditEntry, State},
    storage::{Fault, FaultyStorage, Journal, MemoryJournal, MemoryStorage, Query, SqliteStorage, StorageExt, tables},
};
use support::*;

/// A journal that the test holds too, and that fails when it is told to.
#[derive(Clone, Default)]
struct Held(Arc<MemoryJournal>, Arc<AtomicBool>);

impl Journal for Held {
    fn append(&self, lines: &[String]) -> Result<()> {
        if self.1.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorCode::StorageFull, "the journal's disk is full"));
        }
        self.0.append(lines)
    }
    fn read(&self) -> Result<Vec<String>> {
        self.0.read()
    }
    fn forget(&self, lines: usize) -> Result<()> {
        self.0.forget(lines)
    }
}

/// A journal whose disk hangs until it is let go, or which panics.
#[derive(Clone, Default)]
struct Broken {
    lines: Arc<MemoryJournal>,
    panics: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
}

impl Journal for Broken {
    fn append(&self, lines: &[String]) -> Result<()> {
        assert!(!self.panics.load(Ordering::SeqCst), "the journal panics");
        while self.hangs.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.lines.append(lines)
    }
    fn read(&self) -> Result<Vec<String>> {
        self.lines.read()
    }
    fn forget(&self, lines: usize) -> Result<()> {
        self.lines.forget(lines)
    }
}

struct World {
    network: Network,
    inner: MemoryStorage,
    storage: FaultyStorage,
    journal: Held,
    clock: ManualClock,
    manager: IntegrationManager,
    school: Tenant,
}

impl World {
    async fn new() -> Self {
        let (network, inner, journal) = (Network::default(), MemoryStorage::new(), Held::default());
        let storage = FaultyStorage::new(Arc::new(inner.clone()));
        let clock = ManualClock::new(SystemClock.now());
        let manager = builder(&network)
            .runtime(Runtime::current().with_clock(clock.clone()))
            .storage(storage.clone())
            .journal(journal.clone())
            .build()
            .await
            .unwrap();
        let school = configured(&manager, "school").await;
        // What a school's credentials are must have been read once: without them nothing can leave.
        school.call(&admin(), LookUp::default()).await.unwrap();
        network.forget();
        Self { network, inner, storage, journal, clock, manager, school }
    }

    /// The storage works again, and all that happened meanwhile is in it.
    async fn recover(&self) {
        self.storage.heal();
        self.clock.advance(Duration::from_secs(10));
        self.manager.merge_journal().await.unwrap();
        assert!(self.journal.read().unwrap().is_empty());
    }

    async fn parts(&self) -> Vec<AuditEntry> {
        let filter = AuditFilter { limit: Some(500), ..Default::default() };
        let page = self.school.audit(&admin(), &filter).await.unwrap();
        page.entries.into_iter().filter(|entry| entry.event == "part").collect()
    }
}

fn alarm(recipients: usize) -> SendAlarm {
    SendAlarm { recipients: (0..recipients).map(|n| format!("+1555000{n:04}")).collect() }
}

const FAULTS: [Fault; 3] =
    [Fault::Before(ErrorCode::StorageUnavailable), Fault::Before(ErrorCode::StorageFull), Fault::Hang];

#[tokio::test]
async fn an_alarm_leaves_when_the_storage_is_down_and_a_letter_does_not() {
    for fault in FAULTS {
        let world = World::new().await;
        let (school, network) = (&world.school, &world.network);
        world.storage.fail_all(fault);
        let letter = school.request(&admin()).deadline(Duration::from_millis(300)).call(letter("x")).await;
        let refused = [ErrorCode::StorageUnavailable, ErrorCode::StorageFull, ErrorCode::Timeout];
        assert!(refused.contains(&letter.unwrap_err().code()));
        assert!(network.arrived().is_empty(), "nothing leaves unrecorded");

        let ids = school.call(&admin(), alarm(20)).await.unwrap();
        assert_eq!((ids.len(), network.arrived().len()), (20, 20));
        let lines = world.journal.read().unwrap();
        assert!(lines.len() >= 2 + 40, "{} lines", lines.len());
        let told = |line: &String| line.contains("+1555000") || line.contains(TOKEN);
        assert!(!lines.iter().any(told), "nothing personal, no secret");

        world.recover().await;
        let parts = world.parts().await;
        assert_eq!(parts.len(), 20, "each once, also those that the storage kept after all");
        assert!(parts.iter().all(|part| part.outcome.as_deref() == Some("ok")));
        assert!(school.verify_audit(&admin()).await.unwrap().intact);
        let events = world.inner.query_all(Query::of(&tables::SECURITY_EVENTS, school.id())).await.unwrap();
        assert!(events.iter().any(|event| event.text("kind").unwrap() == "journal_used"));
    }
}

/// The button is pressed twice, the client tries again, another process takes over: one alarm.
#[tokio::test]
async fn an_alarm_that_left_by_the_second_journal_leaves_once() {
    for fault in FAULTS {
        let world = World::new().await;
        let admin = admin();
        world.storage.fail_all(fault);
        let first = world.school.request(&admin).idempotency_key("drill").call(alarm(5)).await.unwrap();
        let again = world.school.request(&admin).idempotency_key("drill").call(alarm(5)).await.unwrap();
        assert_eq!((again.replayed, &again.output), (true, &first.output));
        let other = world.school.request(&admin).idempotency_key("drill").call(alarm(6)).await.unwrap_err();
        assert_eq!(other.code(), ErrorCode::IdempotencyConflict);

        world.recover().await;
        let again = world.school.request(&admin).idempotency_key("drill").call(alarm(5)).await.unwrap();
        assert_eq!((again.replayed, &again.output), (true, &first.output));
        assert_eq!(world.network.arrived().len(), 5);
    }
}

#[tokio::test]
async fn two_alarms_of_one_name_at_once_are_one() {
    let world = World::new().await;
    let admin = admin();
    world.storage.fail_all(Fault::Before(ErrorCode::StorageUnavailable));
    let send = || world.school.request(&admin).idempotency_key("drill").call(alarm(5));
    let (one, two) = tokio::join!(send(), send());
    let refused = [one, two].into_iter().filter_map(Result::err).map(|error| error.code()).collect::<Vec<_>>();
    assert!(refused.is_empty() || refused == [ErrorCode::InProgress], "{refused:?}");
    assert_eq!(world.network.arrived().len(), 5);
}

/// A name that was used days ago is free again: for one alarm, not for two.
#[tokio::test]
async fn two_alarms_of_a_name_that_is_free_again_are_one() {
    let world = World::new().await;
    let admin = admin();
    let send = || world.school.request(&admin).idempotency_key("drill").call(alarm(5));
    send().await.unwrap();
    world.clock.advance(Duration::from_secs(25 * 3600));
    world.network.forget();
    world.storage.fail_all(Fault::Before(ErrorCode::StorageFull));
    let (one, two) = tokio::join!(send(), send());
    let refused = [one, two].into_iter().filter_map(Result::err).map(|error| error.code()).collect::<Vec<_>>();
    assert!(refused.is_empty() || refused == [ErrorCode::InProgress], "{refused:?}");
    assert_eq!(world.network.arrived().len(), 5);
    assert!(send().await.unwrap().replayed);
}

/// A line that somebody has changed, and that fits no table, holds nothing else up.
#[tokio::test]
async fn a_line_that_no_storage_can_keep_is_passed_over() {
    let world = World::new().await;
    world.storage.fail_all(Fault::Before(ErrorCode::StorageFull));
    world.school.call(&admin(), alarm(2)).await.unwrap();
    let unfit = r#"{"do":"insert","table":"integration_audit_logs","tenant":"school","id":"x","values":{"event":"call.intent"}}"#;
    world.journal.append(&[unfit.to_owned()]).unwrap();
    world.recover().await;
    assert_eq!(world.parts().await.len(), 2);
    let events = world.inner.query_all(Query::of(&tables::SECURITY_EVENTS, world.school.id())).await.unwrap();
    let told: Vec<serde_json::Value> = events.iter().map(|event| event.json("detail").unwrap()).collect();
    assert!(told.iter().any(|detail| detail["unreadable"] == 1), "{told:?}");
}

/// The wall's clock may be set back: how long the storage is left alone is another's matter.
#[tokio::test]
async fn the_storage_is_used_again_though_the_clock_is_set_back() {
    #[derive(Clone)]
    struct SetBack(Arc<AtomicBool>);
    impl Clock for SetBack {
        fn now(&self) -> sis_integrations::Timestamp {
            let back = if self.0.load(Ordering::SeqCst) { 3 * 3600 * 1_000_000 } else { 0 };
            sis_integrations::Timestamp::from_micros(SystemClock.now().as_micros() - back)
        }
        fn monotonic(&self) -> Duration {
            // Ten seconds later, which nobody waits for here.
            SystemClock.monotonic() + Duration::from_secs(if self.0.load(Ordering::SeqCst) { 10 } else { 0 })
        }
    }
    let (network, journal, clock) = (Network::default(), Held::default(), SetBack(Arc::default()));
    let storage = FaultyStorage::new(Arc::new(MemoryStorage::new()));
    let runtime = Runtime::current().with_clock(clock.clone());
    let builder = builder(&network).runtime(runtime).storage(storage.clone()).journal(journal.clone());
    let manager = builder.build().await.unwrap();
    let school = configured(&manager, "school").await;
    school.call(&admin(), alarm(1)).await.unwrap();
    storage.fail_all(Fault::Before(ErrorCode::StorageUnavailable));
    school.call(&admin(), alarm(1)).await.unwrap();
    storage.heal();
    clock.0.store(true, Ordering::SeqCst);
    manager.merge_journal().await.unwrap();
    school.call(&admin(), alarm(1)).await.unwrap();
    assert!(journal.read().unwrap().is_empty(), "the storage works, and is used");
}

/// An alarm was sent, then the storage failed for reading too: its name is known all the same.
#[tokio::test]
async fn an_alarm_from_before_the_outage_is_known() {
    let world = World::new().await;
    let admin = admin();
    world.school.request(&admin).idempotency_key("drill").call(alarm(5)).await.unwrap();
    world.storage.fail_all(Fault::Hang);
    let again = world.school.request(&admin).idempotency_key("drill").call(alarm(5)).await.unwrap();
    assert!(again.replayed);
    assert_eq!(world.network.arrived().len(), 5);
}

/// A letter was under way when the storage failed: its answer is in the journal, and is answered again.
#[tokio::test]
async fn the_answer_of_a_letter_survives_the_outage() {
    let world = World::new().await;
    let admin = admin();
    world.network.then([Reply::Slow(Duration::from_millis(200))]);
    let request = world.school.request(&admin).idempotency_key("k");
    let (first, ()) = tokio::join!(request.call(letter("x")), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.storage.fail_all(Fault::Before(ErrorCode::StorageUnavailable));
    });
    let first = first.unwrap();
    let meanwhile = world.school.request(&admin).idempotency_key("k").call(letter("x")).await;
    assert!(meanwhile.is_ok_and(|again| again.replayed) || world.network.arrived().len() == 1);
    world.recover().await;
    let again = world.school.request(&admin).idempotency_key("k").call(letter("x")).await.unwrap();
    assert_eq!((again.replayed, again.output), (true, first.output));
    assert_eq!(world.network.arrived().len(), 1);
}

/// What is known of the school is old, and the storage hangs: an alarm waits for none of it.
#[tokio::test]
async fn an_alarm_does_not_wait_for_a_storage_that_hangs() {
    let world = World::new().await;
    world.clock.advance(Duration::from_secs(60));
    world.storage.fail_all(Fault::Hang);
    let admin = admin();
    let sent = tokio::time::timeout(Duration::from_secs(30), world.school.call(&admin, alarm(3)));
    assert_eq!(sent.await.expect("it hangs").unwrap().len(), 3);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_though_the_storage_hangs() {
    let world = World::new().await;
    let admin = admin();
    world.clock.advance(Duration::from_secs(60));
    world.storage.fail_all(Fault::Hang);
    let call = world.school.request(&admin).deadline(Duration::from_millis(100)).call(letter("x"));
    let error = tokio::time::timeout(Duration::from_secs(30), call).await.expect("it hangs").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
    assert!(world.network.arrived().is_empty());
}

/// Neither the storage nor the journal takes anything: the alarm leaves, and comes into the record afterwards.
#[tokio::test]
async fn an_alarm_leaves_though_the_journal_fails_too() {
    let world = World::new().await;
    let admin = admin();
    world.storage.fail_all(Fault::Before(ErrorCode::StorageFull));
    world.journal.1.store(true, Ordering::SeqCst);
    let sent = world.school.request(&admin).idempotency_key("drill").call(alarm(5)).await;
    // Whether its outcome is on record cannot be told now; that it left can.
    assert!(sent.as_ref().err().is_none_or(|error| error.code() == ErrorCode::OutcomeUnknown), "{sent:?}");
    assert_eq!(world.network.arrived().len(), 5);
    world.recover().await;
    let parts = world.parts().await;
    assert_eq!(parts.iter().filter(|part| part.outcome.as_deref() == Some("ok")).count(), 5, "{parts:?}");
    assert!(world.school.verify_audit(&admin).await.unwrap().intact);
    let _ = world.school.request(&admin).idempotency_key("drill").call(alarm(5)).await;
    assert_eq!(world.network.arrived().len(), 5, "once");
}

/// The same with a journal that neither works nor says so.
#[tokio::test]
async fn an_alarm_leaves_though_the_journal_hangs_or_panics() {
    for panics in [true, false] {
        let (network, journal) = (Network::default(), Broken::default());
        let storage = FaultyStorage::new(Arc::new(MemoryStorage::new()));
        let clock = ManualClock::new(SystemClock.now());
        let runtime = Runtime::current().with_clock(clock.clone());
        let builder = builder(&network).runtime(runtime).storage(storage.clone()).journal(journal.clone());
        let manager = builder.build().await.unwrap();
        let school = configured(&manager, "school").await;
        school.call(&admin(), LookUp::default()).await.unwrap();
        network.forget();

        journal.panics.store(panics, Ordering::SeqCst);
        journal.hangs.store(!panics, Ordering::SeqCst);
        storage.fail_all(Fault::Before(ErrorCode::StorageUnavailable));
        // Its own deadline is ten minutes, and only the wait for the journal could come near.
        let sent = tokio::time::timeout(Duration::from_secs(60), school.call(&admin(), alarm(20))).await.unwrap();
        assert!(sent.as_ref().err().is_none_or(|error| error.code() == ErrorCode::OutcomeUnknown), "{sent:?}");
        assert_eq!(network.arrived().len(), 20, "panics: {panics}");

        journal.panics.store(false, Ordering::SeqCst);
        journal.hangs.store(false, Ordering::SeqCst);
        storage.heal();
        clock.advance(Duration::from_secs(10));
        let filter = AuditFilter { limit: Some(500), ..Default::default() };
        for _ in 0..500 {
            manager.merge_journal().await.unwrap();
            let page = school.audit(&admin(), &filter).await.unwrap();
            let known = |entry: &&AuditEntry| entry.event == "part" && entry.outcome.as_deref() == Some("ok");
            if page.entries.iter().filter(known).count() == 20 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let page = school.audit(&admin(), &filter).await.unwrap();
        let parts: Vec<_> = page.entries.iter().filter(|entry| entry.event == "part").collect();
        assert_eq!(parts.len(), 20, "panics: {panics}");
        assert!(parts.iter().all(|part| part.outcome.as_deref() == Some("ok")), "{parts:?}");
        assert!(school.verify_audit(&admin()).await.unwrap().intact);
    }
}

/// A call that gives up while its intent waits leaves the name to whoever has it: nothing happens twice.
#[tokio::test]
async fn a_late_call_takes_no_name_from_another() {
    let mut late = 0;
    for n in 1..=4 {
        let world = World::new().await;
        let admin = admin();
        world.storage.fail_nth(n, Fault::Hang);
        let first = tokio::spawn({
            let (school, admin) = (world.school.clone(), admin.clone());
            async move {
                let call = school.request(&admin).idempotency_key("fee").deadline(Duration::from_secs(30));
                call.call(letter("x")).await
            }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let second = world.school.request(&admin).idempotency_key("fee").deadline(Duration::from_millis(300));
        late += usize::from(second.call(letter("x")).await.is_err_and(|error| error.code() == ErrorCode::Timeout));
        world.storage.heal();
        let first = first.await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let third = world.school.request(&admin).idempotency_key("fee").call(letter("x")).await;
        assert_eq!(world.network.arrived().len(), 1, "operation {n}: {first:?}, then {third:?}");
        assert!(third.unwrap().replayed, "operation {n}");
    }
    assert!(late > 0, "no call was late: the test tests nothing");
}

/// And where nobody else has it, the name is free again.
#[tokio::test]
async fn a_name_that_was_kept_too_late_is_given_back() {
    let mut late = 0;
    for n in 1..=3 {
        let world = World::new().await;
        let admin = admin();
        world.storage.fail_nth(n, Fault::Hang);
        let call = world.school.request(&admin).idempotency_key("fee").deadline(Duration::from_millis(200));
        let timed_out = call.call(letter("x")).await.is_err_and(|error| error.code() == ErrorCode::Timeout);
        late += usize::from(timed_out && world.network.arrived().is_empty());
        world.storage.heal();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let again = world.school.request(&admin).idempotency_key("fee").call(letter("x")).await.unwrap();
        assert_eq!((again.replayed, world.network.arrived().len()), (!timed_out, 1), "operation {n}");
    }
    assert!(late > 1, "no call was late: the test tests nothing");
}

/// The record of disclosure of an emergency names the student, to whoever may open it.
#[tokio::test]
async fn a_disclosure_that_came_by_the_second_journal_can_be_opened() {
    let world = World::new().await;
    let admin = admin();
    world.storage.fail_all(Fault::Before(ErrorCode::StorageUnavailable));
    let about = Disclosure::of([Subject::new("student-7")]);
    world.school.request(&admin).about(about).call(alarm(1)).await.unwrap();
    world.recover().await;
    let rows = world.inner.query_all(Query::of(&tables::DATA_ACCESS_LOGS, world.school.id())).await.unwrap();
    assert_eq!(rows.len(), 1);
    let master = MasterKey::from_bytes(std::array::from_fn(|i| i as u8)).unwrap();
    let security = SecurityService::open(Arc::new(world.inner.clone()), &master, Runtime::current()).await.unwrap();
    let keys = security.keys(world.school.id()).await.unwrap();
    let sealed = rows[0].bytes("subject_id").unwrap();
    let opened = keys.open(tables::DATA_ACCESS_LOGS.name, &rows[0].key.id, "subject_id", sealed).unwrap();
    assert_eq!(opened.as_slice(), b"student-7");
}

/// Every operation of the storage that an alarm makes fails once: everybody is reached once, and everybody is on record.
#[tokio::test]
async fn every_operation_of_an_alarm_fails_in_turn() {
    for fault in [Fault::Before, Fault::After] {
        for n in 1..80 {
            let world = World::new().await;
            let admin = admin();
            world.clock.advance(Duration::from_secs(10));
            let before = world.storage.operations();
            world.storage.fail_nth(n, fault(ErrorCode::StorageUnavailable));
            let sent = world.school.request(&admin).idempotency_key("drill").call(alarm(4)).await.unwrap();
            let made = world.storage.operations() - before;
            world.recover().await;
            assert_eq!((sent.len(), world.network.arrived().len()), (4, 4), "operation {n}");
            let parts = world.parts().await;
            let told = parts.iter().filter(|part| part.state == State::Ended && part.outcome.as_deref() == Some("ok"));
            assert_eq!((told.count(), parts.len()), (4, 4), "operation {n}: {parts:?}");
            assert!(world.school.verify_audit(&admin).await.unwrap().intact, "operation {n}");
            let again = world.school.request(&admin).idempotency_key("drill").call(alarm(4)).await.unwrap();
            assert!(again.replayed, "operation {n}");
            if made < n {
                assert!(n > 3, "an alarm makes more operations than {n}");
                break;
            }
            assert!(n < 79, "the sweep never came to its end");
        }
    }
}

/// What was not begun at the deadline has no row, and is told as not sent.
#[tokio::test]
async fn nothing_is_begun_after_the_deadline() {
    let world = World::new().await;
    let admin = admin();
    world.network.then([Reply::Slow(Duration::from_millis(50))]);
    let (network, clock) = (world.network.clone(), world.clock.clone());
    let late = async {
        while network.arrived().is_empty() {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(3600));
    };
    let one_by_one = SendInTurn { recipients: (0..3).map(|n| n.to_string()).collect() };
    let (sent, ()) = tokio::join!(world.school.request(&admin).call(one_by_one), late);
    assert_eq!(sent.unwrap().output, ["letter-1", "timeout", "timeout"]);
    assert_eq!(world.parts().await.len(), 1);
}

/// Relaxed: the answer does not wait for the disk, but closing does.
#[tokio::test]
async fn an_outcome_that_trails_is_kept_by_closing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let (network, journal) = (Network::default(), Held::default());
    let storage = SqliteStorage::open(&file).await.unwrap();
    let relaxed = builder(&network).storage(storage).journal(journal.clone()).durability(Durability::Relaxed);
    let manager = relaxed.build().await.unwrap();
    let school = configured(&manager, "school").await;
    for number in 0..20 {
        school.call(&admin(), letter(&number.to_string())).await.unwrap();
    }
    manager.close(Duration::from_secs(5)).await.unwrap();
    let storage = SqliteStorage::open(&file).await.unwrap();
    let all = Query::of(&tables::AUDIT_LOGS, school.id()).eq("event", "call.outcome");
    assert_eq!(storage.query_all(all).await.unwrap().len(), 20);
    assert!(journal.read().unwrap().is_empty());
}

/// The real thing: a SQLite file locked by another process's transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_leaves_while_the_file_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let spills = || {
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter_map(|name| name.into_string().ok()?.strip_prefix("sis.db.spill.").map(str::to_owned)).count()
    };
    let network = Network::default();
    let open = async || SqliteStorage::builder(&file).busy_timeout(Duration::from_millis(300)).open().await.unwrap();
    let manager = builder(&network).storage(open().await).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let reserve = spills();
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let refused = school.call(&admin(), letter("x")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::StorageUnavailable);
    assert!(network.arrived().is_empty());
    let alarm = || SendAlarm { recipients: (0..20).map(|n| n.to_string()).collect() };
    let admin = admin();
    let press = async |school: &Tenant| school.request(&admin).idempotency_key("drill").call(alarm()).await.unwrap();
    assert_eq!(press(&school).await.output.len(), 20);
    assert!(spills() > reserve);
    manager.close(Duration::from_secs(10)).await.unwrap();

    // The next process finds the file still locked, and the alarm's name known.
    drop((manager, school));
    let manager = builder(&network).storage(open().await).build().await.unwrap();
    let school = manager.tenant("school").unwrap();
    assert!(press(&school).await.replayed);
    manager.close(Duration::from_secs(10)).await.unwrap();
    drop((manager, school));

    other.execute_batch("ROLLBACK").unwrap();
    let manager = builder(&network).storage(open().await).build().await.unwrap();
    assert_eq!(spills(), reserve, "all is merged");
    let school = manager.tenant("school").unwrap();
    assert!(press(&school).await.replayed);
    assert_eq!(network.arrived().len(), 20);
    let page = school.audit(&admin, &AuditFilter { limit: Some(500), ..Default::default() }).await.unwrap();
    let accepted = page.entries.iter().filter(|e| e.event == "part" && e.outcome.as_deref() == Some("ok")).count();
    assert_eq!(accepted, 20);
    assert!(school.verify_audit(&admin).await.unwrap().intact);
}
