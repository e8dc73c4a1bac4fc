//! The road, station by station, with a vendor of the test's own.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

mod support;

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use sis_integrations::{
    Actor, AuditFilter, Clock, ConfigChange, Disclosure, Durability, ErrorCode, Grant, ManualClock, MasterKey,
    RequestId, Retry, Role, Runtime, Subject, SystemClock,
    providers::{Paged, Quota},
    services::State,
    storage::{Change, Fault, FaultyStorage, MemoryStorage, Query, Record, Storage, StorageExt, tables},
};
use support::*;

#[tokio::test]
async fn a_call_travels_the_whole_way() {
    let network = Network::default();
    let storage = MemoryStorage::new();
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;

    let about = Disclosure::of([Subject::new("student-42"), Subject { id: "student-43".into(), under13: true }]);
    let reply = school.request(&admin()).about(about.purpose("absence")).call(letter("hello")).await.unwrap();
    assert_eq!(reply.id, "letter-1");
    assert_eq!(network.arrived()[0].authorization.as_deref(), Some("Bearer courier-token-0123456789"));

    let page = school.audit(&admin(), &AuditFilter::default()).await.unwrap();
    let entry = &page.entries[0];
    assert_eq!((entry.event.as_str(), entry.state, entry.outcome.as_deref()), ("call", State::Ended, Some("ok")));
    assert_eq!(entry.request_id, reply.request_id.to_string());
    assert_eq!(entry.detail.as_ref().unwrap(), &json!({ "letter": "letter-1", "attempts": 1 }));
    assert_eq!(page.entries[1].event, "config.changed");
    assert!(school.verify_audit(&admin()).await.unwrap().intact);

    let disclosed = storage.query_all(Query::of(&tables::DATA_ACCESS_LOGS, school.id())).await.unwrap();
    assert_eq!(disclosed.len(), 2);
    assert!(disclosed.iter().all(|row| row.text("recipient").unwrap() == "Courier Ltd."));
    assert!(disclosed.iter().any(|row| row.boolean("under13").unwrap()));
    assert!(!format!("{disclosed:?}").contains("student-4"), "subjects are pseudonyms");

    let stats = school.stats(&admin(), None, None).await.unwrap();
    assert_eq!((stats.calls, stats.errors, stats.costs[0].micros), (1, 0, 7_000));
}

#[tokio::test]
async fn what_is_paid_in_different_currencies_is_not_added() {
    let network = Network::default();
    let storage = MemoryStorage::new();
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    school.call(&admin(), letter("hello")).await.unwrap();
    let paid = |outcome: &str, micros: i64, currency: Option<&str>| {
        let id = RequestId::new(manager.runtime().now());
        Change::Insert(
            Record::new(&tables::USAGE_LOGS, school.id(), id.to_string())
                .set("at", manager.runtime().now())
                .set("request_id", id.to_string())
                .set("provider", "courier")
                .set("operation", "sendLetter")
                .set("actor_id", "u-1")
                .set("outcome", outcome.to_owned())
                .set("duration_us", 10_i64)
                .set("attempts", 1_i64)
                .set("units", 1_i64)
                .set("cost_micros", micros)
                .set("currency", currency.map(str::to_owned)),
        )
    };
    let rows = [
        paid("ok", 5_000, Some("EUR")),
        paid("timeout", 1_000, Some("EUR")),
        paid("ok", 2_000, Some("USD")),
        paid("ok", 0, None),
    ];
    storage.commit(&rows).await.unwrap();
    let stats = school.stats(&admin(), None, None).await.unwrap();
    let costs = json!([{ "currency": "EUR", "micros": 6_000 }, { "currency": "USD", "micros": 9_000 }]);
    assert_eq!((stats.calls, stats.errors, stats.operations.len()), (5, 1, 1));
    assert_eq!(serde_json::to_value(&stats.costs).unwrap(), costs);
    assert_eq!(serde_json::to_value(&stats.operations[0].costs).unwrap(), costs);
    assert_eq!((stats.operations[0].units, stats.operations[0].calls), (5, 5));
}

#[tokio::test]
async fn typed_and_dynamic_calls_are_one() {
    let network = Network::default();
    let manager = builder(&network).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    school.call(&admin(), letter("hello")).await.unwrap();
    let arguments = json!({ "args": [{ "text": "hello", "to": "the Does" }] });
    let reply = school.execute(&admin(), "courier", "sendLetter", arguments).await.unwrap();
    assert_eq!(reply.output, json!({ "id": "letter-2" }));
    let page = school.audit(&admin(), &AuditFilter::default()).await.unwrap();
    assert_eq!(page.entries[0].arguments_digest, page.entries[1].arguments_digest);
    assert_eq!(network.arrived()[0].body, network.arrived()[1].body);
}

#[tokio::test]
async fn who_may_not_is_refused_and_the_refusal_is_kept() {
    let network = Network::default();
    let storage = MemoryStorage::new();
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let student = Actor::new("s-9", Role::Student);
    for _ in 0..7 {
        let error = school.call(&student, letter("no school tomorrow")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::PermissionDenied);
        assert!(error.request_id().is_some());
    }
    assert!(network.arrived().is_empty());
    let filter = AuditFilter { actor_id: Some("s-9".into()), ..AuditFilter::default() };
    let refused = school.audit(&admin(), &filter).await.unwrap();
    assert_eq!(refused.entries.len(), 7);
    assert!(refused.entries.iter().all(|entry| entry.state == State::Refused));
    let disclosures = storage.query_all(Query::of(&tables::DATA_ACCESS_LOGS, school.id())).await.unwrap();
    assert!(disclosures.iter().all(|row| row.text("status").unwrap() == "refused"));
    let events = storage.query_all(Query::of(&tables::SECURITY_EVENTS, school.id())).await.unwrap();
    assert_eq!(events.len(), 1, "one alarm, not one for each refusal");
    assert_eq!(events[0].text("kind").unwrap(), "repeated_refusals");

    // A name that no school has ever used is refused, and makes nothing: no keys, no record.
    let nobody = manager.tenant("a-name-somebody-made-up").unwrap();
    let error = nobody.call(&student, letter("no school tomorrow")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::PermissionDenied);
    assert_eq!(nobody.config(&student, "courier").await.unwrap_err().code(), ErrorCode::PermissionDenied);
    for table in tables::SCHEMA.tables {
        let rows = storage.query_all(Query::of(table, nobody.id())).await.unwrap();
        assert!(rows.is_empty(), "{}", table.name);
    }

    let teacher = Actor::new("t-5", Role::Teacher);
    assert!(school.call(&teacher, letter("x")).await.is_err());
    school.grant(&admin(), "t-5", "courier", &Grant::default().allow(["sendLetter"])).await.unwrap();
    school.call(&teacher, letter("x")).await.unwrap();
    school.grant(&admin(), "t-5", "courier", &Grant::default().allow(["*"]).deny(["sendLetter"])).await.unwrap();
    assert!(school.call(&teacher, letter("x")).await.is_err(), "deny wins");
    school.grant(&admin(), "u-1", "courier", &Grant::default().deny(["*"])).await.unwrap();
    assert!(school.call(&admin(), letter("x")).await.is_err(), "deny wins over an administrator too");
    let error = school.grant(&admin(), "t-5", "courier", &Grant::default().allow(["sendSmoke"])).await.unwrap_err();
    assert_eq!(error.field(), Some("allow[0]"));

    let scoped = Actor::new("u-2", Role::Admin).scopes(vec!["courier:lookUp".into()]);
    school.call(&scoped, LookUp::default()).await.unwrap();
    assert!(school.call(&scoped, letter("x")).await.is_err());
    assert!(school.audit(&scoped, &AuditFilter::default()).await.is_err());
    let other = Actor::new("u-3", Role::Admin).of_tenant("elsewhere".parse().unwrap());
    assert_eq!(school.call(&other, LookUp::default()).await.unwrap_err().code(), ErrorCode::PermissionDenied);
    assert_eq!(school.config(&other, "courier").await.unwrap_err().code(), ErrorCode::PermissionDenied);
}

/// Turns the page to itself, as a vendor does that has lost its place.
impl Paged for LookUp {
    type Item = serde_json::Value;

    fn next(&self, _: &serde_json::Value) -> Option<Self> {
        Some(Self { what: "b".into() })
    }

    fn items(page: serde_json::Value) -> Vec<serde_json::Value> {
        vec![page]
    }
}

#[tokio::test]
async fn a_list_that_never_ends_is_not_read_for_ever() {
    let network = Network::default();
    let manager = builder(&network).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let admin = admin();
    let pages: Vec<_> = school.stream(&admin, LookUp { what: "a".into() }).collect().await;
    assert_eq!(pages.iter().filter(|page| page.is_ok()).count(), 2);
    assert_eq!(pages.last().unwrap().as_ref().unwrap_err().code(), ErrorCode::InvalidResponse);
}

#[tokio::test]
async fn a_grant_ends_when_it_says() {
    let network = Network::default();
    let clock = ManualClock::new(SystemClock.now());
    let runtime = Runtime::current().with_clock(clock.clone());
    let manager = builder(&network).runtime(runtime).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let teacher = Actor::new("t-5", Role::Teacher);
    let end = clock.now().after(Duration::from_secs(60));
    school.grant(&admin(), "t-5", "courier", &Grant::default().allow(["sendLetter"]).until(end)).await.unwrap();
    school.call(&teacher, letter("x")).await.unwrap();
    clock.advance(Duration::from_secs(60));
    assert_eq!(school.call(&teacher, letter("x")).await.unwrap_err().code(), ErrorCode::PermissionDenied);
}

#[tokio::test]
async fn bad_input_gets_its_code_and_path() {
    let network = Network::default();
    let manager = builder(&network).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    for (provider, operation, arguments, code, field) in [
        ("pigeon", "send", json!({}), ErrorCode::UnknownProvider, None),
        ("courier", "sendSmoke", json!({}), ErrorCode::UnknownOperation, None),
        ("courier", "sendLetter", json!({ "to": "x" }), ErrorCode::InvalidArgument, Some("text")),
        ("courier", "sendLetter", json!({ "to": "x", "text": "" }), ErrorCode::InvalidArgument, Some("text")),
        ("courier", "sendLetter", json!({ "to": 5, "text": "y" }), ErrorCode::InvalidArgument, Some("to")),
        ("courier", "sendLetter", json!({ "to": "x", "text": "y", "z": 1 }), ErrorCode::InvalidArgument, Some("z")),
        ("courier", "sendLetter", json!([]), ErrorCode::InvalidArgument, Some("arguments")),
        ("courier", "sendLetter", json!({ "args": [1, 2] }), ErrorCode::InvalidArgument, Some("args")),
        ("courier", "sendAlarm", json!({ "recipients": ["a", 2] }), ErrorCode::InvalidArgument, Some("recipients[1]")),
        (
            "courier",
            "sendLetter",
            json!({ "to": "x", "text": "4242 4242 4242 4242 12/28" }),
            ErrorCode::CardDataRefused,
            Some("text"),
        ),
    ] {
        let error = school.execute(&admin(), provider, operation, arguments.clone()).await.unwrap_err();
        assert_eq!(error.code(), code, "{arguments} → {error}");
        assert!(field.is_none() || error.field() == field, "{arguments} → {error}");
    }
    assert!(network.arrived().is_empty());
    assert_eq!(school.stats(&admin(), None, None).await.unwrap().calls, 0);
    let nobody = Actor::new("", Role::Admin);
    assert_eq!(school.call(&nobody, letter("x")).await.unwrap_err().field(), Some("actor.id"));
    for tenant in ["", "a b", "../x", &"x".repeat(10_240)] {
        assert_eq!(manager.tenant(tenant).unwrap_err().field(), Some("tenant"));
    }
}

#[tokio::test]
async fn configs_are_fenced_encrypted_and_versioned() {
    let network = Network::default();
    let storage = MemoryStorage::new();
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = manager.tenant("school").unwrap();
    let missing = school.call(&admin(), letter("x")).await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotConfigured);
    let view = school.configure(&admin(), CourierConfig::new()).await.unwrap();
    assert_eq!((view.version, &view.config["token"]), (1, &json!("********")));

    let rows = storage.query_all(Query::of(&tables::CONFIGS, school.id())).await.unwrap();
    assert!(!format!("{rows:?}").contains(TOKEN), "the row holds the secret in clear");

    // Sent back as it was shown, nothing changes.
    let change = ConfigChange { config: Some(view.config.clone()), expected_version: Some(1), ..Default::default() };
    assert_eq!(school.configure_json(&admin(), "courier", change.clone()).await.unwrap().version, 2);
    school.call(&admin(), letter("x")).await.unwrap();
    assert!(network.arrived()[0].authorization.as_deref().unwrap().ends_with(TOKEN));
    let late = school.configure_json(&admin(), "courier", change).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::Conflict);

    let off = ConfigChange { enabled: Some(false), ..Default::default() };
    school.configure_json(&admin(), "courier", off).await.unwrap();
    assert_eq!(school.call(&admin(), letter("x")).await.unwrap_err().code(), ErrorCode::IntegrationDisabled);
    let bad = json!({ "token": "short" }).as_object().cloned();
    let error = school.configure_json(&admin(), "courier", ConfigChange { config: bad, ..Default::default() }).await;
    assert_eq!(error.unwrap_err().field(), Some("config.token"));
    let private = json!({ "token": TOKEN, "base_url": "http://10.0.0.1" }).as_object().cloned();
    let error =
        school.configure_json(&admin(), "courier", ConfigChange { config: private, ..Default::default() }).await;
    assert_eq!(error.unwrap_err().code(), ErrorCode::OutboundForbidden);

    let other = manager.tenant("other").unwrap();
    assert_eq!(other.call(&admin(), letter("x")).await.unwrap_err().code(), ErrorCode::NotConfigured);
    assert!(other.audit(&admin(), &AuditFilter::default()).await.unwrap().entries.iter().all(|e| e.event != "call"));

    // A ciphertext that somebody copies into another school's row does not open there.
    let mut stolen = rows[0].clone();
    stolen.key.tenant = other.id().clone();
    storage.commit(&[sis_integrations::storage::Change::Insert(stolen)]).await.unwrap();
    let third = builder(&network).storage(storage.clone()).build().await.unwrap();
    let error = third.tenant("other").unwrap().call(&admin(), letter("x")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DecryptFailed);

    let wrong = builder(&network).storage(storage).master_key(MasterKey::random()).build().await.unwrap_err();
    assert_eq!(wrong.code(), ErrorCode::WrongMasterKey);
}

/// The platform's secrets and a school's stored ones go only where they were meant to.
#[tokio::test]
async fn no_secret_follows_a_school_to_an_address_of_its_own() {
    let network = Network::default();
    let defaults = json!({ "token": TOKEN }).as_object().cloned().unwrap();
    let manager =
        builder(&network).storage(MemoryStorage::new()).config_defaults("courier", defaults).build().await.unwrap();
    let school = manager.tenant("school").unwrap();
    school.call(&admin(), letter("x")).await.unwrap();
    assert!(network.arrived()[0].authorization.as_deref().unwrap().ends_with(TOKEN), "the platform's token");
    let set = async |config: serde_json::Value| {
        let change = ConfigChange { config: config.as_object().cloned(), ..Default::default() };
        school.configure_json(&admin(), "courier", change).await
    };
    let elsewhere = "https://courier.evil.example/";
    let error = set(json!({ "base_url": elsewhere })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("config.token")), "not the platform's");

    set(json!({ "token": "a-token-of-the-schools-own" })).await.unwrap();
    let error = set(json!({ "token": "********", "base_url": elsewhere })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("config.token")), "not what is stored");
    set(json!({ "token": "a-token-of-the-schools-own", "base_url": elsewhere })).await.unwrap();
    // Once there, it is sent back masked as anywhere.
    set(json!({ "token": "********", "base_url": elsewhere })).await.unwrap();
    let error = set(json!({ "token": "********" })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("config.token")), "nor back again");
    set(json!({ "token": "the-vendors" })).await.unwrap();
}

/// A moment that no storage keeps as it is must not be let in, and no row of one caller may fail another's.
#[tokio::test]
async fn what_cannot_be_stored_fails_its_own_caller_alone() {
    let expires = serde_json::from_value::<Grant>(json!({ "expiresAt": "-000001-01-01T00:00:00Z" }));
    assert!(expires.is_err(), "a year has four digits");

    let storage: std::sync::Arc<dyn Storage> = std::sync::Arc::new(MemoryStorage::new());
    storage.migrate(&tables::SCHEMA).await.unwrap();
    let writer = sis_integrations::storage::SharedWriter::new(storage.clone(), &Runtime::current(), None);
    let school = "school".parse().unwrap();
    let row = |id: &str, at: i64| {
        Change::Insert(
            Record::new(&tables::SECURITY_EVENTS, &school, id)
                .set("at", sis_integrations::Timestamp::from_micros(at))
                .set("kind", "test")
                .set("severity", "low")
                .set("detail", json!({})),
        )
    };
    // Queued together, so that they are one commit.
    let (good, bad, too) =
        (writer.submit(vec![row("a", 0)]), writer.submit(vec![row("b", i64::MAX)]), writer.submit(vec![row("c", 0)]));
    let (good, bad, too) = tokio::join!(good, bad, too);
    good.unwrap();
    too.unwrap();
    assert_eq!(bad.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(storage.query_all(Query::of(&tables::SECURITY_EVENTS, &school)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn limits_that_are_none_are_refused() {
    for per_second in [1e-20, -1.0, f64::NAN, f64::INFINITY] {
        let quota = Quota { per_second, burst: 10 };
        let refused = builder(&Network::default()).storage(MemoryStorage::new()).actor_quota(quota).build().await;
        assert_eq!(refused.unwrap_err().field(), Some("perSecond"), "{per_second}");
    }
}

#[tokio::test]
async fn of_two_administrators_at_once_one_is_told() {
    let network = Network::default();
    let manager = builder(&network).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let change = || ConfigChange { enabled: Some(true), expected_version: Some(1), ..Default::default() };
    let admin = admin();
    let both = (0..8).map(|_| school.configure_json(&admin, "courier", change()));
    let results = futures::future::join_all(both).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().flat_map(|r| r.as_ref().err()).all(|error| error.code() == ErrorCode::Conflict));
}

#[tokio::test]
async fn repeats_are_safe_or_not_made() {
    let network = Network::default();
    let manager = builder(&network).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;

    network.then([Reply::Status(503, "{}".into()), Reply::Lost, Reply::Refused]);
    school.call(&admin(), LookUp::default()).await.unwrap();
    assert_eq!(network.arrived().len(), 3, "a look-up is repeated");

    network.then([Reply::Refused, Reply::RetryAfter(429, "0.01")]);
    school.call(&admin(), letter("x")).await.unwrap();
    assert_eq!(network.arrived().len(), 5, "what was refused is sent again");

    for ambiguous in [Reply::Lost, Reply::Status(500, "{}".into()), Reply::Status(200, "not json".into())] {
        let before = network.arrived().len();
        network.then([ambiguous.clone()]);
        let error = school.call(&admin(), letter("x")).await.unwrap_err();
        assert_eq!((error.code(), error.retry()), (ErrorCode::OutcomeUnknown, Retry::Unknown), "{ambiguous:?}");
        assert_eq!(network.arrived().len(), before + 1, "a letter is never sent again blindly");
    }
    let newest = &school.audit(&admin(), &AuditFilter::default()).await.unwrap().entries[0];
    assert_eq!(newest.state, State::OutcomeUnknown);

    network.then([Reply::Status(400, format!("no such street; your token is {TOKEN}"))]);
    let error = school.call(&admin(), letter("x")).await.unwrap_err();
    assert_eq!((error.code(), error.vendor().unwrap().status), (ErrorCode::Vendor, 400));
    assert!(!format!("{error:?} {error} {}", error.to_json()).contains(TOKEN));

    network.then([Reply::Redirect("https://evil.example/x")]);
    assert_eq!(school.call(&admin(), LookUp::default()).await.unwrap_err().code(), ErrorCode::OutboundForbidden);
    network.then([Reply::Redirect("/elsewhere")]);
    school.call(&admin(), LookUp::default()).await.unwrap();
    assert!(network.arrived().iter().all(|arrived| arrived.host == "courier.example"));
}

#[tokio::test]
async fn a_named_call_happens_once() {
    let network = Network::default();
    let clock = ManualClock::new(SystemClock.now());
    let runtime = Runtime::current().with_clock(clock.clone());
    let manager = builder(&network).runtime(runtime).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let admin = admin();
    let named = |text: &str| school.request(&admin).idempotency_key("k-1").call(letter(text));
    let first = named("x").await.unwrap();
    let again = named("x").await.unwrap();
    assert_eq!((again.request_id, &again.output, again.replayed), (first.request_id, &first.output, true));
    assert_eq!(named("y").await.unwrap_err().code(), ErrorCode::IdempotencyConflict);
    assert_eq!(network.arrived().len(), 1);

    network.then([Reply::Status(400, "no".into())]);
    let failing = || school.request(&admin).idempotency_key("k-2").call(letter("x"));
    assert_eq!(failing().await.unwrap_err().code(), ErrorCode::Vendor);
    assert!(!failing().await.unwrap().replayed, "nothing happened, so the name is free again");

    network.then([Reply::Lost]);
    let lost = || school.request(&admin).idempotency_key("k-3").call(letter("x"));
    assert_eq!(lost().await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    let sent = network.arrived().len();
    assert_eq!(lost().await.unwrap_err().code(), ErrorCode::OutcomeUnknown, "never repeated blindly");
    assert_eq!(network.arrived().len(), sent);

    let racing = (0..20).map(|_| school.request(&admin).idempotency_key("k-4").call(letter("race")));
    let results = futures::future::join_all(racing).await;
    assert_eq!(network.arrived().len(), sent + 1);
    assert!(results.iter().any(Result::is_ok));
    assert!(results.iter().flat_map(|r| r.as_ref().err()).all(|error| error.code() == ErrorCode::InProgress));

    clock.advance(Duration::from_secs(25 * 3600));
    assert!(!named("x").await.unwrap().replayed, "a name is remembered for a day");
    let too_long = school.request(&admin).idempotency_key("x".repeat(300)).call(letter("x")).await.unwrap_err();
    assert_eq!(too_long.field(), Some("idempotencyKey"));
}

#[tokio::test]
async fn the_schools_limit_holds() {
    let network = Network::default();
    let quota = Quota { per_second: 20.0, burst: 2 };
    let manager = builder(&network).quota("courier", quota).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let admin = admin();
    school.call(&admin, LookUp::default()).await.unwrap();
    school.call(&admin, LookUp::default()).await.unwrap();
    let error = school.call(&admin, LookUp::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RateLimited);
    assert!(error.retry_after().is_some() && error.message().contains("this school's limit of 20"), "{error}");
    school.request(&admin).wait().call(LookUp::default()).await.unwrap();
    let other = configured(&manager, "other").await;
    other.call(&admin, LookUp::default()).await.unwrap();
}

#[tokio::test]
async fn one_actors_limit_holds_that_actor_alone_and_no_emergency() {
    let network = Network::default();
    let quota = Quota { per_second: 20.0, burst: 2 };
    let manager = builder(&network).actor_quota(quota).storage(MemoryStorage::new()).build().await.unwrap();
    let (school, other) = (configured(&manager, "school").await, configured(&manager, "other").await);
    let admin = admin();
    school.call(&admin, LookUp::default()).await.unwrap();
    school.call(&admin, LookUp::default()).await.unwrap();
    let error = school.call(&admin, LookUp::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RateLimited);
    assert!(error.retry_after().is_some() && error.message().contains("this actor's limit of 20"), "{error}");
    school.call(&Actor::new("u-2", Role::Admin), LookUp::default()).await.unwrap();
    other.call(&admin, LookUp::default()).await.unwrap();
    school.call(&admin, SendAlarm { recipients: vec!["the Does".into()] }).await.unwrap();
    school.request(&admin).wait().call(LookUp::default()).await.unwrap();
}

#[tokio::test]
async fn a_panic_is_an_outcome() {
    let network = Network::default();
    let storage = std::sync::Arc::new(MemoryStorage::new());
    let manager = builder(&network).shared_storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let error = school.call(&admin(), Explode {}).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(!format!("{error} {error:?} {}", error.to_json()).contains(TOKEN));
    let newest = &school.audit(&admin(), &AuditFilter::default()).await.unwrap().entries[0];
    assert_eq!((newest.state, newest.outcome.as_deref()), (State::Ended, Some("internal")));
    for table in tables::SCHEMA.tables {
        let rows = storage.query_all(Query::across_tenants(table)).await.unwrap();
        assert!(!format!("{rows:?}").contains(TOKEN), "{}", table.name);
    }
}

#[tokio::test]
async fn a_deadline_ends_the_call() {
    let network = Network::default();
    let manager = builder(&network).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    let admin = admin();
    network.then([Reply::Slow(Duration::from_secs(60))]);
    let call = school.request(&admin).deadline(Duration::from_millis(50)).call(letter("x"));
    assert_eq!(call.await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    for wrong in [Duration::ZERO, Duration::from_secs(7200)] {
        let call = school.request(&admin).deadline(wrong).call(letter("x"));
        assert_eq!(call.await.unwrap_err().field(), Some("deadline"));
    }
}

#[tokio::test]
async fn closing_waits_then_refuses() {
    let network = Network::default();
    let storage = MemoryStorage::new();
    let manager = builder(&network).storage(storage.clone()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    network.then([Reply::Slow(Duration::from_millis(100))]);
    let under_way = tokio::task::spawn({
        let school = school.clone();
        async move { school.call(&admin(), letter("x")).await }
    });
    while network.arrived().is_empty() {
        tokio::task::yield_now().await;
    }
    let first = tokio::task::spawn({
        let manager = manager.clone();
        async move { manager.close(Duration::from_secs(5)).await }
    });
    while !school.call(&admin(), letter("x")).await.is_err_and(|error| error.code() == ErrorCode::Closed) {
        tokio::task::yield_now().await;
    }
    // It must not take the storage from under the calls that the first waits for.
    assert_eq!(manager.close(Duration::ZERO).await.unwrap_err().code(), ErrorCode::Closed);
    first.await.unwrap().unwrap();
    under_way.await.unwrap().unwrap();
    assert_eq!(school.call(&admin(), letter("x")).await.unwrap_err().code(), ErrorCode::Closed);
}

#[tokio::test]
async fn a_relaxed_outcome_follows_within_a_moment() {
    let network = Network::default();
    let manager =
        builder(&network).durability(Durability::Relaxed).storage(MemoryStorage::new()).build().await.unwrap();
    let school = configured(&manager, "school").await;
    school.call(&admin(), letter("x")).await.unwrap();
    let mut state = State::InProgress;
    for _ in 0..50 {
        state = school.audit(&admin(), &AuditFilter::default()).await.unwrap().entries[0].state;
        if state == State::Ended {
            break;
        }
        manager.runtime().sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(state, State::Ended);
}

#[tokio::test]
async fn health_is_what_the_vendor_says() {
    use sis_integrations::services::HealthStatus;
    let network = Network::default();
    let manager = builder(&network).storage(MemoryStorage::new()).build().await.unwrap();
    let school = manager.tenant("school").unwrap();
    assert_eq!(school.health(&admin(), "courier").await.unwrap().status, HealthStatus::NotConfigured);
    let school = configured(&manager, "school").await;
    let healthy = school.health(&admin(), "courier").await.unwrap();
    assert_eq!(healthy.status, HealthStatus::Healthy);
    network.then([Reply::Status(400, "no".into())]);
    let report = school.health_all(&admin()).await.unwrap().remove(0);
    assert_eq!((report.status, report.healthy_at), (HealthStatus::Unhealthy, Some(healthy.checked_at)));
    let student = Actor::new("s", Role::Student);
    assert_eq!(school.health(&student, "courier").await.unwrap_err().code(), ErrorCode::PermissionDenied);
}

/// What holds the question back here says nothing of the vendor.
#[tokio::test]
async fn health_is_not_judged_by_our_own_troubles() {
    let network = Network::default();
    let storage = FaultyStorage::new(std::sync::Arc::new(MemoryStorage::new()));
    let quota = Quota { per_second: 0.001, burst: 1 };
    let manager = builder(&network).storage(storage.clone()).quota("courier", quota).build().await.unwrap();
    let school = configured(&manager, "school").await;
    school.health(&admin(), "courier").await.unwrap();
    assert_eq!(school.health(&admin(), "courier").await.unwrap_err().code(), ErrorCode::RateLimited);
    let other = configured(&manager, "other").await;
    storage.fail_all(Fault::Before(ErrorCode::StorageUnavailable));
    assert_eq!(other.health(&admin(), "courier").await.unwrap_err().code(), ErrorCode::StorageUnavailable);
    assert_eq!(network.arrived().len(), 1);
}
