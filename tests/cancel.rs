//! A caller that goes away at any await point leaves an outcome behind.
#![allow(missing_docs, reason = "tests")]

mod support;

use std::{future::poll_fn, task::Poll, time::Duration};

use sis_integrations::{
    AuditFilter, IntegrationManager, Tenant,
    services::State,
    storage::{MemoryStorage, SqliteStorage, Storage},
};
use support::*;

/// Polls a call `most` times, then drops it. Whether it ended before.
async fn drop_after<T>(call: impl Future<Output = T>, most: usize) -> bool {
    let mut call = Box::pin(call);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == most {
            return Poll::Ready(false);
        }
        polls += 1;
        call.as_mut().poll(context).map(|_| true)
    })
    .await
}

/// Waits until no call is under way, and answers how the calls ended.
async fn outcomes(manager: &IntegrationManager, school: &Tenant) -> Vec<(String, Option<String>)> {
    for _ in 0..200 {
        let page = school.audit(&admin(), &AuditFilter { limit: Some(500), ..Default::default() }).await.unwrap();
        let calls: Vec<_> = page.entries.into_iter().filter(|e| e.event == "call" || e.event == "part").collect();
        if calls.iter().all(|entry| entry.state != State::InProgress) {
            return calls.into_iter().map(|entry| (entry.event, entry.outcome)).collect();
        }
        manager.runtime().sleep(Duration::from_millis(5)).await;
    }
    panic!("a call never ended");
}

async fn sweep(flavour: &str, call: impl AsyncFn(&Tenant)) {
    sweep_on(MemoryStorage::new(), flavour, call).await;
}

async fn sweep_on(storage: impl Storage, flavour: &str, call: impl AsyncFn(&Tenant)) {
    let network = Network::default();
    let manager = builder(&network).storage(storage).build().await.unwrap();
    let mut ended = false;
    for most in 0..200 {
        let school = configured(&manager, &format!("school-{flavour}-{most}")).await;
        let before = network.arrived().len();
        ended = drop_after(call(&school), most).await;
        let outcomes = outcomes(&manager, &school).await;
        let sent = network.arrived().len() - before;
        // What leaves is the call, or each of its parts.
        let of = if outcomes.iter().any(|(event, _)| event == "part") { "part" } else { "call" };
        let finished = outcomes.iter().filter(|(event, outcome)| event == of && outcome.as_deref() == Some("ok"));
        let finished = finished.count();
        let cancelled = outcomes.iter().any(|(_, outcome)| outcome.as_deref() == Some("cancelled"));
        assert_eq!(sent, finished, "polled {most} times: {outcomes:?}");
        assert!(!cancelled || sent == 0, "polled {most} times: a cancelled call has left");
        assert!(school.verify_audit(&admin()).await.unwrap().intact);
        if ended {
            break;
        }
    }
    assert!(ended, "the call was never polled to its end");
}

#[tokio::test]
async fn one_letter_on_one_thread() {
    sweep("one", async |school| drop(school.call(&admin(), letter("x")).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_letter_on_two_threads() {
    sweep("two", async |school| drop(school.call(&admin(), letter("x")).await)).await;
}

#[tokio::test]
async fn an_alarm_to_many() {
    let alarm = || SendAlarm { recipients: (0..5).map(|n| n.to_string()).collect() };
    sweep("alarm", async |school| drop(school.call(&admin(), alarm()).await)).await;
}

#[tokio::test]
async fn an_alarm_to_many_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(folder.path().join("sis.db")).await.unwrap();
    let alarm = || SendAlarm { recipients: (0..5).map(|n| n.to_string()).collect() };
    sweep_on(storage, "alarm", async |school| drop(school.call(&admin(), alarm()).await)).await;
}

#[tokio::test]
async fn a_named_call() {
    sweep("named", async |school| {
        let admin = admin();
        drop(school.request(&admin).idempotency_key("k").call(letter("x")).await);
    })
    .await;
}
