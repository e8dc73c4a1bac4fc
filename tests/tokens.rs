//! Access tokens and steps: asked for once, kept encrypted, renewed, given up with words; resumed without doubling.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

#[path = "support/suite.rs"]
mod suite;

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use sis_integrations::{
    Actor, Clock, Error, ErrorCode, IntegrationManager, ManualClock, MasterKey, Role, Runtime, SystemClock, Tenant,
    storage::{MemoryStorage, Query, SqliteStorage, Storage, StorageExt, tables},
    transport::Backoff,
};
use suite::*;

fn admin() -> Actor {
    Actor::new("u-1", Role::Admin)
}

async fn manager(storage: impl Storage, runtime: Runtime) -> IntegrationManager {
    IntegrationManager::builder()
        .master_key(MasterKey::from_bytes(std::array::from_fn(|i| i as u8)).unwrap())
        .provider(Suite)
        .storage(storage)
        .runtime(runtime)
        .backoff(Backoff { first: Duration::from_millis(1), most: Duration::from_millis(5), attempts: 3 })
        .allow_private_addresses(true)
        .build()
        .await
        .unwrap()
}

async fn school(server: &Server) -> Tenant {
    let manager = manager(MemoryStorage::new(), Runtime::current()).await;
    let school = manager.tenant("school-1").unwrap();
    school.configure(&admin(), server.config()).await.unwrap();
    school
}

async fn read(school: &Tenant) -> Result<serde_json::Value, Error> {
    school.call(&admin(), ReadThings {}).await.map(|reply| reply.output)
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_calls_wait_the_vendor_is_asked_once() {
    let server = Server::start().await;
    let school = school(&server).await;
    let calls = (0..40).map(|_| {
        let school = school.clone();
        tokio::spawn(async move { read(&school).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap()["things"][0], "a");
    }
    assert_eq!(server.asked(), 1);
    assert_eq!(server.world.lock().things, 40);
    let form = server.world.lock().token_requests[0].clone();
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["client_id"], "client-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_on_one_file_ask_once_and_the_file_holds_no_token() {
    let server = Server::start().await;
    server.world.lock().rotate = true;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("school.db");
    let mut schools = Vec::new();
    for _ in 0..3 {
        let storage = SqliteStorage::open(&file).await.unwrap();
        schools.push(manager(storage, Runtime::current()).await.tenant("school-1").unwrap());
    }
    schools[0].configure(&admin(), server.config()).await.unwrap();
    let calls = schools.iter().map(read);
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }
    // The first refresh token is dead by now: whoever had asked with it once more would have been refused.
    assert_eq!(server.asked(), 1);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in ["access-token-1", "refresh-token-1", REFRESH, "client-secret-1"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end_and_never_used_after_it() {
    let server = Server::start().await;
    let clock = ManualClock::new("2026-11-25T08:00:00Z".parse().unwrap());
    let manager = manager(MemoryStorage::new(), Runtime::current().with_clock(clock.clone())).await;
    let school = manager.tenant("school-1").unwrap();
    school.configure(&admin(), server.config()).await.unwrap();
    read(&school).await.unwrap();
    clock.advance(Duration::from_secs(3600 - 200));
    read(&school).await.unwrap();
    // Renewed beside the call that still used the old one.
    for _ in 0..200 {
        if server.asked() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.asked(), 2);
    tokio::time::sleep(Duration::from_millis(80)).await;
    clock.advance(Duration::from_secs(3599));
    server.world.lock().access.clear();
    read(&school).await.unwrap();
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn a_token_that_the_vendor_turns_down_is_replaced_once() {
    let server = Server::start().await;
    let school = school(&server).await;
    read(&school).await.unwrap();
    server.world.lock().access.clear();
    read(&school).await.unwrap();
    assert_eq!(server.asked(), 2);
    // A vendor that turns every token down is asked once more, not for ever.
    let stubborn = server.world.clone();
    let emptying = tokio::spawn(async move {
        loop {
            stubborn.lock().access.clear();
            tokio::task::yield_now().await;
        }
    });
    let error = read(&school).await.unwrap_err();
    emptying.abort();
    assert_eq!(error.code(), ErrorCode::NeedsReconnect);
    assert_eq!(server.asked(), 3);
    assert!(!error.to_string().contains("access-token"), "{error}");
}

#[tokio::test]
async fn a_rotated_refresh_token_outlives_the_process_and_an_answer_without_one_keeps_the_old() {
    let server = Server::start().await;
    server.world.lock().rotate = true;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("school.db");
    for round in 1..=3 {
        let manager = manager(SqliteStorage::open(&file).await.unwrap(), Runtime::current()).await;
        let school = manager.tenant("school-1").unwrap();
        if round == 1 {
            school.configure(&admin(), server.config()).await.unwrap();
        }
        server.world.lock().access.clear();
        server.world.lock().rotate = round < 2;
        read(&school).await.unwrap();
        manager.close(Duration::from_secs(5)).await.unwrap();
    }
    let asked: Vec<_> = server.world.lock().token_requests.iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!(asked, [REFRESH, "refresh-token-1", "refresh-token-1"]);
}

/// The token that the vendor gave in place of the settings' one is good with another client secret too.
#[tokio::test]
async fn a_rotated_refresh_token_outlives_the_client_secret() {
    let server = Server::start().await;
    server.world.lock().rotate = true;
    let school = school(&server).await;
    read(&school).await.unwrap();
    server.world.lock().rotate = false;
    let config = || SuiteConfig { client_secret: Some("another-client-secret".into()), ..server.config() };
    // A mistaken secret costs nothing either.
    server.world.lock().token_script.push_back((StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" })));
    school
        .configure(&admin(), SuiteConfig { client_secret: Some("mistyped".into()), ..server.config() })
        .await
        .unwrap();
    read(&school).await.unwrap_err();
    school.configure(&admin(), config()).await.unwrap();
    read(&school).await.unwrap();
    let asked: Vec<_> = server.world.lock().token_requests.iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!(asked, [REFRESH, "refresh-token-1", "refresh-token-1"]);
}

#[tokio::test]
async fn a_withdrawn_consent_says_who_mends_it_and_does_not_hammer_the_vendor() {
    let server = Server::start().await;
    server.world.lock().refresh.clear();
    let school = school(&server).await;
    for _ in 0..20 {
        let error = read(&school).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NeedsReconnect);
        assert!(error.message().contains("An administrator has to connect Suite again"), "{error}");
        assert_eq!(error.vendor().unwrap().code.as_deref(), Some("invalid_grant"));
    }
    assert_eq!(server.asked(), 1);
    // New credentials are tried at once.
    server.world.lock().refresh.insert("another-refresh-token".to_owned());
    let config = SuiteConfig { refresh_token: Some("another-refresh-token".into()), ..server.config() };
    school.configure(&admin(), config).await.unwrap();
    read(&school).await.unwrap();
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn the_refusals_of_a_token_endpoint_are_told_apart() {
    for (status, body, code) in [
        (401, json!({ "error": "invalid_client" }), ErrorCode::NeedsReconnect),
        (400, json!({ "error": "unauthorized_client" }), ErrorCode::NeedsReconnect),
        (400, json!({ "error": "invalid_scope" }), ErrorCode::NotConfigured),
        (400, json!("what?"), ErrorCode::NotConfigured),
        (200, json!({ "token": "none" }), ErrorCode::InvalidResponse),
        (200, json!({ "access_token": "" }), ErrorCode::InvalidResponse),
    ] {
        let server = Server::start().await;
        let status = StatusCode::from_u16(status).unwrap();
        server.world.lock().token_script.push_back((status, body.clone()));
        let school = school(&server).await;
        assert_eq!(read(&school).await.unwrap_err().code(), code, "{body}");
    }
    // A bad moment is waited out.
    let server = Server::start().await;
    server.world.lock().token_script.push_back((StatusCode::SERVICE_UNAVAILABLE, json!({})));
    let school = school(&server).await;
    read(&school).await.unwrap();
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_consent_that_lacks_a_scope_is_named_before_anything_is_sent() {
    let server = Server::start().await;
    server.world.lock().scope = Some("openid things");
    let school = school(&server).await;
    read(&school).await.unwrap();
    let error = school.call(&admin(), ReadSecrets {}).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReconnect);
    assert!(error.message().contains("one of secrets.readonly, secrets"), "{error}");
    assert_eq!(server.world.lock().things, 1);
}

fn paper() -> WritePaper {
    WritePaper { title: "Student Report".to_owned() }
}

#[tokio::test]
async fn a_call_that_failed_half_way_goes_on_where_it_stopped() {
    for (step, acts, status) in [
        ("create", false, StatusCode::BAD_REQUEST),
        ("create", true, StatusCode::INTERNAL_SERVER_ERROR),
        ("write", false, StatusCode::FORBIDDEN),
        ("share", false, StatusCode::FORBIDDEN),
    ] {
        let server = Server::start().await;
        let school = school(&server).await;
        server.world.lock().failing.push((step, acts, status));
        let admin = admin();
        let call = || school.request(&admin).idempotency_key("report-1").call(paper());
        let error = call().await.unwrap_err();
        let done = error.done();
        if step == "create" {
            assert_eq!(error.code(), if acts { ErrorCode::OutcomeUnknown } else { ErrorCode::Vendor });
            assert_eq!(done.is_some(), acts, "nothing was begun where the vendor refused");
        } else {
            let done = done.unwrap();
            assert_eq!(done["steps"]["create"], json!({ "state": "done", "brought": { "id": "paper-1" } }));
            assert_eq!(done["idempotencyKey"], "report-1");
            assert_eq!(error.to_json()["done"], *done);
        }
        let reply = call().await.unwrap();
        assert_eq!(reply.output.id, "paper-1");
        assert!(!reply.replayed);
        let papers = server.world.lock().papers.clone();
        assert_eq!(papers.len(), 1, "{step} left two");
        assert_eq!(papers["paper-1"][1..], ["write", "share"], "{step}");
        assert!(call().await.unwrap().replayed);
    }
}

#[tokio::test]
async fn a_look_that_fails_leaves_the_doubt() {
    let server = Server::start().await;
    let school = school(&server).await;
    server.world.lock().failing.push(("create", true, StatusCode::INTERNAL_SERVER_ERROR));
    server.world.lock().failing.push(("look", false, StatusCode::FORBIDDEN));
    let admin = admin();
    let call = || school.request(&admin).idempotency_key("report-1").call(paper());
    assert_eq!(call().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    let looked = call().await.unwrap_err();
    assert_eq!(looked.code(), ErrorCode::Vendor, "{looked}");
    assert_eq!(call().await.unwrap().output.id, "paper-1");
    assert_eq!(server.world.lock().papers.len(), 1, "what was begun was forgotten");
}

#[tokio::test]
async fn a_call_without_a_key_is_given_one_to_go_on_with() {
    let server = Server::start().await;
    let school = school(&server).await;
    server.world.lock().failing.push(("share", false, StatusCode::FORBIDDEN));
    let admin = admin();
    let error = school.call(&admin, paper()).await.unwrap_err();
    let key = error.done().unwrap()["idempotencyKey"].as_str().unwrap().to_owned();
    assert_eq!(key, error.request_id().unwrap().to_string());
    let reply = school.request(&admin).idempotency_key(key).call(paper()).await.unwrap();
    assert_eq!(reply.output.id, "paper-1");
    assert_eq!(server.world.lock().papers.len(), 1);
    assert!(school.verify_audit(&admin).await.unwrap().intact);
}

/// What the vendor's page knows of the address that a person was sent to.
fn consent(server: &Server, url: &url::Url, code: &str) -> String {
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(url.path(), "/consent");
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["client_id"], "client-1");
    assert_eq!(query["redirect_uri"], "https://sis.example/connected");
    assert_eq!(query["scope"], "things secrets");
    assert_eq!(query["access_type"], "offline");
    assert_eq!(query["code_challenge_method"], "S256");
    server.world.lock().codes.insert(code.to_owned(), query["code_challenge"].clone());
    query["state"].clone()
}

#[tokio::test]
async fn a_school_is_connected_by_a_consent_that_is_good_once_and_for_who_began_it() {
    let server = Server::start().await;
    let manager = manager(MemoryStorage::new(), Runtime::current()).await;
    let school = manager.tenant("school-1").unwrap();
    school.configure(&admin(), SuiteConfig { refresh_token: None, ..server.config() }).await.unwrap();
    let error = read(&school).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("config.refresh_token")));

    let request = || serde_json::from_value(json!({ "redirectUri": "https://sis.example/connected" })).unwrap();
    let answer = |state: &str| serde_json::from_value(json!({ "state": state, "code": "code-1" })).unwrap();
    let begun = school.begin_consent(&admin(), "suite", request()).await.unwrap();
    let state = consent(&server, &begun.url, "code-1");
    assert_eq!(state, begun.state);

    // Neither a teacher nor another administrator, nor another school.
    let teacher = Actor::new("u-9", Role::Teacher);
    let error = school.complete_consent(&teacher, "suite", answer(&state)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::PermissionDenied);
    let error =
        manager.tenant("school-2").unwrap().complete_consent(&admin(), "suite", answer(&state)).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("state")));

    let view = school.complete_consent(&admin(), "suite", answer(&state)).await.unwrap();
    assert_eq!(view.config["refresh_token"], "********");
    read(&school).await.unwrap();
    let asked: Vec<_> = server.world.lock().token_requests.iter().map(|form| form["grant_type"].clone()).collect();
    assert_eq!(asked, ["authorization_code", "refresh_token"]);

    let error = school.complete_consent(&admin(), "suite", answer(&state)).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("state")));

    let begun = school.begin_consent(&admin(), "suite", request()).await.unwrap();
    let other = Actor::new("u-2", Role::Admin);
    let error = school.complete_consent(&other, "suite", answer(&begun.state)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);

    let begun = school.begin_consent(&admin(), "suite", request()).await.unwrap();
    let declined = serde_json::from_value(json!({ "state": begun.state, "error": "access_denied" })).unwrap();
    let error = school.complete_consent(&admin(), "suite", declined).await.unwrap_err();
    assert!(error.message().contains("declined (access_denied)"), "{error}");

    let bad = serde_json::from_value(json!({ "redirectUri": "http://sis.example/connected" })).unwrap();
    let error = school.begin_consent(&admin(), "suite", bad).await.unwrap_err();
    assert_eq!(error.field(), Some("redirectUri"));
    // Every exchange is on record before it left, and every answer of a person with what came of it.
    let trail = school.audit(&admin(), &Default::default()).await.unwrap();
    let count = |event: &str| trail.entries.iter().filter(|entry| entry.event == event).count();
    assert_eq!((count("consent.begun"), count("consent.exchanged"), count("consent.completed")), (3, 1, 4));
    assert!(school.verify_audit(&admin()).await.unwrap().intact);
}

#[tokio::test]
async fn what_has_ended_is_deleted_and_a_rotated_refresh_token_is_not() {
    for rotate in [false, true] {
        let server = Server::start().await;
        server.world.lock().rotate = rotate;
        let (clock, storage) = (ManualClock::new(SystemClock.now()), MemoryStorage::new());
        let manager = manager(storage.clone(), Runtime::current().with_clock(clock.clone())).await;
        let school = manager.tenant("school-1").unwrap();
        school.configure(&admin(), server.config()).await.unwrap();
        school.request(&admin()).idempotency_key("report-1").call(paper()).await.unwrap();
        let request = serde_json::from_value(json!({ "redirectUri": "https://sis.example/connected" })).unwrap();
        school.begin_consent(&admin(), "suite", request).await.unwrap();
        let rows = async |table| storage.query_all(Query::of(table, school.id())).await.unwrap().len();
        manager.delete_expired().await.unwrap();
        assert_eq!((rows(&tables::OAUTH_TOKENS).await, rows(&tables::IDEMPOTENCY_KEYS).await), (2, 1));
        clock.advance(Duration::from_secs(25 * 3600));
        manager.delete_expired().await.unwrap();
        let left = usize::from(rotate);
        assert_eq!((rows(&tables::OAUTH_TOKENS).await, rows(&tables::IDEMPOTENCY_KEYS).await), (left, 0));
        read(&school).await.unwrap();
    }
}

/// A token that has ended is being renewed when what has ended is deleted: its row stays for whoever has the lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_leased_is_not_deleted() {
    let server = Server::start().await;
    let (clock, storage) = (ManualClock::new(SystemClock.now()), MemoryStorage::new());
    let manager = manager(storage.clone(), Runtime::current().with_clock(clock.clone())).await;
    let school = manager.tenant("school-1").unwrap();
    school.configure(&admin(), server.config()).await.unwrap();
    read(&school).await.unwrap();
    clock.advance(Duration::from_secs(2 * 3600));
    let rows = async || storage.query_all(Query::of(&tables::OAUTH_TOKENS, school.id())).await.unwrap();
    let (told, ()) = tokio::join!(read(&school), async {
        // The vendor takes 60 ms to answer.
        while rows().await[0].opt_timestamp("lease_until").is_none() {
            tokio::task::yield_now().await;
        }
        manager.delete_expired().await.unwrap();
        assert_eq!((rows().await.len(), server.asked()), (1, 1));
    });
    told.unwrap();
    assert_eq!((rows().await.len(), server.asked()), (1, 2));
}

#[tokio::test]
async fn a_stolen_code_is_worth_nothing_without_the_verifier() {
    let server = Server::start().await;
    let school = school(&server).await;
    let request = serde_json::from_value(json!({ "redirectUri": "https://sis.example/connected" })).unwrap();
    let begun = school.begin_consent(&admin(), "suite", request).await.unwrap();
    // A code of another consent, with another challenge.
    server.world.lock().codes.insert("code-2".to_owned(), "another-challenge".to_owned());
    let answer = serde_json::from_value(json!({ "state": begun.state, "code": "code-2" })).unwrap();
    let error = school.complete_consent(&admin(), "suite", answer).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReconnect);
    // What was there before holds still.
    read(&school).await.unwrap();
}
