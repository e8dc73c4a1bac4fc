//! What keeps the road when something beside it breaks: records of disclosure, panics, hosts' own storages, ends of keys.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use sis_integrations::{
    Actor, AuditFilter, Clock, Disclosure, Error, ErrorCode, ManualClock, Result, Role, Runtime, Subject, SystemClock,
    services::{ApiKeyRequest, State},
    storage::{
        Aggregate, Capabilities, Change, Changes, Fault, FaultyStorage, Key, MemoryStorage, Page, Query, Record, Row,
        Schema, Storage, StorageExt, tables,
    },
};
use support::*;

/// A panic of the network's own, after the letter has left: nobody may take it for one that has not.
#[tokio::test]
async fn what_has_left_before_a_panic_is_not_sent_again() {
    let network = Network::default();
    let manager = builder(&network).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    network.then([Reply::Panic]);
    let admin = admin();
    let send = || school.request(&admin).idempotency_key("k").call(letter("x"));
    let error = send().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
    assert_eq!(send().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert_eq!(network.arrived().len(), 1);
    let entry = school.audit(&admin, &AuditFilter::default()).await.unwrap().entries.remove(0);
    assert_eq!(entry.detail.unwrap()["attempts"], 1);
}

/// What a record of disclosure is to hold is looked at before anybody is refused, for a refusal is recorded with it.
#[tokio::test]
async fn what_a_call_is_about_has_its_limits() {
    let (network, storage) = (Network::default(), MemoryStorage::new());
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let about = |purpose: &str| Disclosure::of([Subject::new("student-1")]).purpose(purpose);
    for (about, code, field) in [
        (
            Disclosure::of((0..10_001).map(|n| Subject::new(format!("student-{n}")))),
            ErrorCode::InvalidArgument,
            "disclosure.subjects",
        ),
        (
            Disclosure::of([Subject::new("a"), Subject::new("a\nb")]),
            ErrorCode::InvalidArgument,
            "disclosure.subjects[1].id",
        ),
        (about(&"x".repeat(501)), ErrorCode::InvalidArgument, "disclosure.purpose"),
        (about("a\nb"), ErrorCode::InvalidArgument, "disclosure.purpose"),
        (about("paid by 4242 4242 4242 4242"), ErrorCode::CardDataRefused, "disclosure.purpose"),
    ] {
        for actor in [admin(), Actor::new("s-1", Role::Student)] {
            let error = school.request(&actor).about(about.clone()).call(letter("x")).await.unwrap_err();
            assert_eq!((error.code(), error.field()), (code, Some(field)));
        }
    }
    let rows = async || storage.query_all(Query::of(&tables::DATA_ACCESS_LOGS, school.id())).await.unwrap();
    assert!(rows().await.is_empty() && network.arrived().is_empty());

    // Whom another school's user names is nobody's word here, and their id is not taken for one of this school's.
    let outsider = admin().of_tenant("elsewhere".parse().unwrap());
    for _ in 0..6 {
        let error = school.request(&outsider).about(about("theirs")).call(letter("x")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::PermissionDenied);
    }
    school.config(&outsider, "courier").await.unwrap_err();
    let kept = rows().await;
    assert_eq!(kept.len(), 6);
    assert!(kept.iter().all(|row| row.opt_text("subject").is_none() && row.text("purpose").unwrap() != "theirs"));
    let entries = school.audit(&admin(), &AuditFilter::default()).await.unwrap().entries;
    let refused: Vec<_> = entries.iter().filter(|entry| entry.state == State::Refused).collect();
    assert_eq!(refused.len(), 7);
    assert!(refused.iter().all(|entry| entry.detail.as_ref().unwrap()["actorTenant"] == "elsewhere"));
    let events = storage.query_all(Query::of(&tables::SECURITY_EVENTS, school.id())).await.unwrap();
    let detail: Value = events[0].json("detail").unwrap();
    assert_eq!((events.len(), &detail["actorTenant"]), (1, &json!("elsewhere")));
}

/// A storage of the host's own: it takes few changes at once, and panics when told to.
#[derive(Clone)]
struct Homemade {
    inner: MemoryStorage,
    panics: Arc<AtomicBool>,
}

impl Homemade {
    const MOST: usize = 100;

    fn new() -> Self {
        Self { inner: MemoryStorage::new(), panics: Arc::default() }
    }
}

#[async_trait]
impl Storage for Homemade {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.max_batch = Self::MOST;
        capabilities
    }
    async fn migrate(&self, schema: &Schema) -> Result<()> {
        self.inner.migrate(schema).await
    }
    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        self.inner.get(key).await
    }
    async fn query(&self, query: &Query) -> Result<Page> {
        self.inner.query(query).await
    }
    async fn aggregate(&self, query: &Aggregate) -> Result<Vec<Row>> {
        self.inner.aggregate(query).await
    }
    async fn commit(&self, changes: &[Change]) -> Result<()> {
        assert!(!self.panics.swap(false, Ordering::SeqCst), "the storage, on purpose");
        if changes.len() > Self::MOST {
            return Err(Error::internal(format!("{} changes at once", changes.len())));
        }
        self.inner.commit(changes).await
    }
    async fn watch(&self) -> Result<Changes> {
        self.inner.watch().await
    }
    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[tokio::test]
async fn a_call_about_more_people_than_a_commit_holds_is_on_record_whole() {
    let (network, storage) = (Network::default(), Homemade::new());
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let about = || Disclosure::of((0..1000).map(|n| Subject::new(format!("student-{n}"))));
    let admin = admin();
    let send = || school.request(&admin).about(about()).idempotency_key("k").call(letter("x"));
    send().await.unwrap();
    assert!(send().await.unwrap().replayed);
    let rows = storage.inner.query_all(Query::of(&tables::DATA_ACCESS_LOGS, school.id())).await.unwrap();
    assert_eq!((rows.len(), network.arrived().len()), (1000, 1));
    assert!(school.verify_audit(&admin).await.unwrap().intact);
}

/// The first commit of such a call is kept, the second is not: it leaves no name taken, and says how it ended.
#[tokio::test]
async fn a_call_that_is_on_record_in_part_ends_as_failed() {
    let (network, storage) = (Network::default(), FaultyStorage::new(Arc::new(Homemade::new())));
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let about = || Disclosure::of((0..150).map(|n| Subject::new(format!("student-{n}"))));
    let admin = admin();
    let send = || school.request(&admin).about(about()).idempotency_key("k").call(letter("x"));
    // Two looks, the intent's two commits, and what comes after.
    let mut failed = 0;
    for n in 1..=8 {
        storage.fail_nth(n, Fault::Before(ErrorCode::StorageUnavailable));
        let sent = network.arrived().len();
        if let Err(error) = send().await
            && network.arrived().len() == sent
        {
            assert_eq!(error.code(), ErrorCode::StorageUnavailable, "operation {n}: {error}");
            failed += 1;
        }
        storage.heal();
        if !network.arrived().is_empty() {
            break;
        }
    }
    assert!(failed >= 2, "{failed}");
    let again = send().await;
    assert!(again.is_ok() || network.arrived().len() == 1, "{again:?}");
    assert_eq!(network.arrived().len(), 1);
    assert!(school.verify_audit(&admin).await.unwrap().intact);
}

#[tokio::test]
async fn a_storage_that_panics_fails_its_commit_alone() {
    let (network, storage) = (Network::default(), Homemade::new());
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    storage.panics.store(true, Ordering::SeqCst);
    let error = school.call(&admin(), letter("x")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StorageUnavailable, "{error}");
    school.call(&admin(), letter("x")).await.unwrap();
    assert_eq!(network.arrived().len(), 1);
    assert!(school.verify_audit(&admin()).await.unwrap().intact);
    manager.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn closing_ends_though_the_storage_hangs() {
    let storage = FaultyStorage::new(Arc::new(MemoryStorage::new()));
    let manager = builder(&Network::default()).storage(storage.clone()).build().await.unwrap();
    storage.fail_all(Fault::Hang);
    let closed = tokio::time::timeout(Duration::from_secs(60), manager.close(Duration::from_millis(10)));
    assert_eq!(closed.await.expect("it hangs").unwrap_err().code(), ErrorCode::Timeout);
}

#[tokio::test]
async fn credentials_that_end_reach_no_further_than_their_end() {
    let (network, clock) = (Network::default(), ManualClock::new(SystemClock.now()));
    let runtime = Runtime::current().with_clock(clock.clone());
    let manager = builder(&network).runtime(runtime).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let end = clock.now().after(Duration::from_secs(3600));
    let key = |expires_at: Option<sis_integrations::Timestamp>| -> ApiKeyRequest {
        let key = json!({ "name": "k", "userId": "u-1", "role": "admin", "scopes": ["*"], "expiresAt": expires_at });
        serde_json::from_value(key).unwrap()
    };
    let made = school.create_api_key(&admin(), key(Some(end))).await.unwrap();
    let (_, actor) = manager.authenticate_api_key(made.key.expose()).await.unwrap();
    assert_eq!(actor.expires_at(), Some(end));
    for longer in [None, Some(end.after(Duration::from_secs(1)))] {
        let error = school.create_api_key(&actor, key(longer)).await.unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::PermissionDenied, Some("expiresAt")));
    }
    school.create_api_key(&actor, key(Some(end))).await.unwrap();
    school.call(&actor, LookUp::default()).await.unwrap();
    clock.advance(Duration::from_secs(3600));
    for error in [
        school.call(&actor, LookUp::default()).await.unwrap_err(),
        school.api_keys(&actor).await.unwrap_err(),
        manager.authenticate_api_key(made.key.expose()).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::Unauthenticated);
    }
}
