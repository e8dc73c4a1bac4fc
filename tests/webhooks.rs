//! Webhooks in: found, verified, kept once, handed on until they are taken.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

#[path = "webhooks/typed.rs"]
mod typed;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sandbox::{Sandbox, twilio};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, ErrorCode, IntegrationManager, MasterKey, Role, Tenant,
    http::{Api, ApiKeys},
    manager::{Builder, WebhookRequest, edge},
    providers::{
        DeliveryStage,
        twilio::{SendSms, TwilioConfig},
    },
    services::{ReceivedEvent, WebhookFilter, WebhookState},
    storage::{MemoryStorage, Query, SqliteStorage, Storage, StorageExt, tables},
    transport::Backoff,
};

const ACCOUNT: &str = "AC000000000000000000000000000000aa";
const TOKEN: &str = "webhook0auth0token0of0the0tenant";
const URL: &str = "https://sis.example/api/integrations/webhooks/twilio";

type Seen = Arc<Mutex<Vec<ReceivedEvent>>>;

fn admin() -> Actor {
    Actor::new("u-1", Role::Admin)
}

/// A handler that fails so often before it takes an event.
fn failing(
    times: u32,
    seen: &Seen,
) -> impl Fn(ReceivedEvent) -> std::future::Ready<sis_integrations::Result<()>> + use<> {
    let seen = seen.clone();
    move |received| {
        let fails = received.attempt <= times;
        seen.lock().unwrap().push(received);
        std::future::ready(match fails {
            true => Err(sis_integrations::Error::new(ErrorCode::VendorUnavailable, "the SIS is busy")),
            false => Ok(()),
        })
    }
}

fn builder(storage: impl Storage) -> Builder {
    IntegrationManager::builder()
        .storage(storage)
        .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
        .webhook_backoff(Backoff { first: Duration::from_millis(1), most: Duration::from_millis(4), attempts: 3 })
        .allow_private_addresses(true)
}

async fn open(storage: impl Storage, seen: Option<(u32, &Seen)>) -> IntegrationManager {
    let mut builder = builder(storage).provider(sis_integrations::providers::twilio::Twilio);
    if let Some((times, seen)) = seen {
        builder = builder.on_webhook(failing(times, seen));
    }
    builder.build().await.unwrap()
}

async fn configured(manager: &IntegrationManager, tenant: &str, account: &str, token: &str) -> Tenant {
    let school = manager.tenant(tenant).unwrap();
    school.configure(&admin(), TwilioConfig::new(account, token)).await.unwrap();
    school
}

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn status(sid: &str, status: &str) -> Vec<(String, String)> {
    form(&[("AccountSid", ACCOUNT), ("MessageSid", sid), ("MessageStatus", status), ("To", "+14155550101")])
}

/// Signed by the look-alike's own code.
fn signed(url: &str, token: &str, pairs: &[(String, String)]) -> WebhookRequest {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    WebhookRequest::new(url.parse().unwrap(), body)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("X-Twilio-Signature", twilio::sign(token, url, pairs))
}

/// Changes the database behind the manager's back; answers how many rows that touched.
fn change(file: &std::path::Path, statement: &str) -> usize {
    rusqlite::Connection::open(file).unwrap().execute(statement, []).unwrap()
}

async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came about");
}

#[tokio::test]
async fn an_event_is_kept_once_and_moves_its_message_in_any_order() {
    let manager = open(MemoryStorage::new(), None).await;
    let school = configured(&manager, "school", ACCOUNT, TOKEN).await;
    for (state, stage, duplicate) in [
        ("sent", DeliveryStage::Sent, false),
        ("delivered", DeliveryStage::Delivered, false),
        ("queued", DeliveryStage::Delivered, false),
        ("delivered", DeliveryStage::Delivered, true),
    ] {
        let receipt = manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM1", state))).await.unwrap();
        assert_eq!((receipt.tenant.as_str(), receipt.events.len()), ("school", 1));
        assert_eq!(receipt.events[0].duplicate, duplicate, "{state}");
        let found = school.delivery(&admin(), "twilio", "SM1").await.unwrap();
        assert_eq!(found.delivery.state, stage, "after {state}");
    }
    let log = school.webhooks(&admin(), &WebhookFilter::default()).await.unwrap();
    assert_eq!(log.events.len(), 3);
    assert!(log.events.iter().all(|event| event.state == WebhookState::Done && event.kind == "message.status"));
    assert_eq!(school.delivery(&admin(), "twilio", "SM2").await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn of_many_at_once_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen::default();
    let storage = SqliteStorage::open(folder.path().join("sis.db")).await.unwrap();
    let manager = open(storage, Some((0, &seen))).await;
    configured(&manager, "school", ACCOUNT, TOKEN).await;
    let all = (0..40).map(|n| {
        let request = signed(URL, TOKEN, &status("SM1", if n % 2 == 0 { "sent" } else { "delivered" }));
        let manager = manager.clone();
        async move { manager.receive_webhook("twilio", request).await.unwrap().events[0].duplicate }
    });
    let duplicates = futures::future::join_all(all).await.into_iter().filter(|duplicate| *duplicate).count();
    assert_eq!(duplicates, 38);
    manager.close(Duration::from_secs(5)).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_forged_changed_or_nobodys_is_refused_by_name() {
    let manager = open(MemoryStorage::new(), None).await;
    let school = configured(&manager, "school", ACCOUNT, TOKEN).await;
    let code = async |request: WebhookRequest| manager.receive_webhook("twilio", request).await.unwrap_err().code();
    let good = status("SM1", "sent");
    assert_eq!(code(signed(URL, "another", &good)).await, ErrorCode::SignatureInvalid);
    let mut changed = signed(URL, TOKEN, &good);
    changed.body = String::from_utf8(changed.body.to_vec()).unwrap().replace("sent", "delivered").into();
    assert_eq!(code(changed).await, ErrorCode::SignatureInvalid);
    let mut bare = signed(URL, TOKEN, &good);
    bare.headers.remove("X-Twilio-Signature");
    assert_eq!(code(bare).await, ErrorCode::SignatureMissing);
    let other = form(&[("AccountSid", "AC000000000000000000000000000000bb"), ("MessageSid", "SM1")]);
    assert_eq!(code(signed(URL, TOKEN, &other)).await, ErrorCode::NotFound);
    let huge = WebhookRequest::new(URL.parse().unwrap(), vec![b'a'; (2 << 20) + 1]);
    assert_eq!(code(huge).await, ErrorCode::TooLarge);
    assert_eq!(
        manager.receive_webhook("nobody", signed(URL, TOKEN, &good)).await.unwrap_err().code(),
        ErrorCode::UnknownProvider
    );
    assert!(school.webhooks(&admin(), &WebhookFilter::default()).await.unwrap().events.is_empty());
}

#[tokio::test]
async fn a_forged_webhook_raises_one_alarm() {
    let storage = MemoryStorage::new();
    let manager = open(storage.clone(), None).await;
    let school = configured(&manager, "school", ACCOUNT, TOKEN).await;
    for _ in 0..5 {
        manager.receive_webhook("twilio", signed(URL, "another", &status("SM1", "sent"))).await.unwrap_err();
    }
    let events = storage.query_all(Query::of(&tables::SECURITY_EVENTS, school.id())).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.text("kind").unwrap()).collect();
    assert_eq!(kinds, ["bad_signature"]);
}

#[tokio::test]
async fn a_route_finds_the_school_and_makes_none() {
    let storage = MemoryStorage::new();
    let manager = open(storage.clone(), None).await;
    let school = configured(&manager, "school", ACCOUNT, TOKEN).await;
    // Two schools of one account: only a route tells them apart.
    let twin = configured(&manager, "twin", ACCOUNT, TOKEN).await;
    for school in [&school, &twin] {
        let route = school.webhook_route(&admin(), "twilio").await.unwrap();
        let url = format!("{URL}?route={route}");
        let receipt = manager.receive_webhook("twilio", signed(&url, TOKEN, &status("SM1", "sent"))).await.unwrap();
        assert_eq!((receipt.tenant.as_str(), receipt.events[0].duplicate), (school.id().as_str(), false));
    }
    let before = storage.query_all(Query::across_tenants(&tables::TENANT_KEYS)).await.unwrap().len();
    let good = school.webhook_route(&admin(), "twilio").await.unwrap();
    let forged = ["", "school", "c2Nob29s.0000", "bm9ib2R5.00000000000000000000000000000000", &good[1..], "..", "%00"];
    for route in forged {
        let url = format!("{URL}?route={route}");
        let error = manager.receive_webhook("twilio", signed(&url, TOKEN, &status("SM9", "sent"))).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound, "{route}");
    }
    assert_eq!(storage.query_all(Query::across_tenants(&tables::TENANT_KEYS)).await.unwrap().len(), before);
    let teacher = Actor::new("u-2", Role::Teacher);
    assert_eq!(school.webhook_route(&teacher, "twilio").await.unwrap_err().code(), ErrorCode::PermissionDenied);
}

#[tokio::test]
async fn schools_that_share_a_secret_are_told_apart_by_a_route_alone() {
    let manager = open(MemoryStorage::new(), None).await;
    let school = configured(&manager, "school", ACCOUNT, TOKEN).await;
    let other = configured(&manager, "other", ACCOUNT, "another0auth0token0of0the0account").await;
    // The same account, and each its own secret: that tells them apart.
    let receipt = manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM1", "sent"))).await.unwrap();
    assert_eq!(receipt.tenant, "school");
    let twin = configured(&manager, "twin", ACCOUNT, TOKEN).await;
    let error = manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM2", "sent"))).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("route")), "{error}");
    let log = async |school: &Tenant| school.webhooks(&admin(), &WebhookFilter::default()).await.unwrap().events.len();
    assert_eq!((log(&school).await, log(&other).await, log(&twin).await), (1, 0, 0));
    let url = format!("{URL}?route={}", twin.webhook_route(&admin(), "twilio").await.unwrap());
    let receipt = manager.receive_webhook("twilio", signed(&url, TOKEN, &status("SM2", "sent"))).await.unwrap();
    assert_eq!(receipt.tenant, "twin");
}

#[tokio::test]
async fn a_school_whose_keys_are_broken_keeps_no_webhook_from_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let manager = open(SqliteStorage::open(&file).await.unwrap(), None).await;
    configured(&manager, "a-broken", ACCOUNT, "another0auth0token0of0the0account").await;
    configured(&manager, "school", ACCOUNT, TOKEN).await;
    manager.close(Duration::from_secs(5)).await.unwrap();
    change(&file, "UPDATE integration_tenant_keys SET wrapped = zeroblob(60) WHERE tenant_id = 'a-broken'");
    let manager = open(SqliteStorage::open(&file).await.unwrap(), None).await;
    let receipt = manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM1", "sent"))).await.unwrap();
    assert_eq!(receipt.tenant, "school");
    // It may have been for the broken one: the vendor is not told that nobody will ever want it.
    let error = manager.receive_webhook("twilio", signed(URL, "forged", &status("SM1", "sent"))).await.unwrap_err();
    assert!(error.code().http_status() >= 500, "{error}");
}

#[tokio::test]
async fn of_several_refusals_the_one_that_tells_most_is_reported() {
    use sis_integrations::providers::stripe::{Stripe, StripeConfig};
    let manager = builder(MemoryStorage::new()).provider(Stripe).build().await.unwrap();
    let secret = |name: &str| [concat!("wh", "sec_"), name, "0123456789abcdef"].concat();
    let configure = async |tenant: &str, named: Option<&str>| {
        let mut config = StripeConfig::new(concat!("sk", "_test_", "0123456789abcdef"));
        if let Some(name) = named {
            config = config.webhook_secret(secret(name));
        }
        manager.tenant(tenant).unwrap().configure(&admin(), config).await.unwrap();
    };
    let now = manager.runtime().now().as_micros() / 1_000_000;
    let code = async |name: Option<&str>, at: i64, body: &str| {
        let url = "https://sis.example/api/integrations/webhooks/stripe".parse().unwrap();
        let mut request = WebhookRequest::new(url, body.to_owned());
        if let Some(name) = name {
            request = request.header("Stripe-Signature", sandbox::stripe::sign(&secret(name), at, body.as_bytes()));
        }
        manager.receive_webhook("stripe", request).await.unwrap_err().code()
    };
    // The one that it is for stands between others, of which one has no secret at all.
    configure("a", Some("a")).await;
    configure("b", Some("b")).await;
    configure("c", None).await;
    configure("d", Some("d")).await;
    assert_eq!(code(Some("b"), now - 400, "{}").await, ErrorCode::SignatureStale);
    assert_eq!(code(Some("b"), now, "no JSON").await, ErrorCode::InvalidArgument);
    assert_eq!(code(Some("x"), now, "{}").await, ErrorCode::SignatureInvalid);
    assert_eq!(code(None, now, "{}").await, ErrorCode::SignatureMissing);
}

#[tokio::test]
async fn a_handler_that_fails_gets_the_event_again_until_it_is_dead_and_replayed() {
    let seen = Seen::default();
    let manager = open(MemoryStorage::new(), Some((2, &seen))).await;
    let school = configured(&manager, "school", ACCOUNT, TOKEN).await;
    manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM1", "sent"))).await.unwrap();
    let find = async |state: WebhookState| {
        let mut filter = WebhookFilter::default();
        filter.state = Some(state);
        school.webhooks(&admin(), &filter).await.unwrap().events.into_iter().next()
    };
    let done = until(async || find(WebhookState::Done).await).await;
    assert_eq!((done.attempts, done.error), (3, None));
    assert_eq!(seen.lock().unwrap().iter().map(|received| received.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(seen.lock().unwrap()[0].event.data["MessageStatus"], "sent");

    let stubborn = Seen::default();
    let manager = open(MemoryStorage::new(), Some((4, &stubborn))).await;
    let school = configured(&manager, "school", ACCOUNT, TOKEN).await;
    manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM1", "sent"))).await.unwrap();
    let mut filter = WebhookFilter::default();
    filter.state = Some(WebhookState::Dead);
    let dead = until(async || school.webhooks(&admin(), &filter).await.unwrap().events.into_iter().next()).await;
    assert_eq!(dead.attempts, 3);
    assert_eq!(dead.error.as_deref(), Some("vendor_unavailable"), "a handler's words are not kept");
    // A repetition by the vendor does not wake the dead.
    let again = manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM1", "sent"))).await.unwrap();
    assert!(again.events[0].duplicate);
    assert_eq!(stubborn.lock().unwrap().len(), 3);
    school.replay_webhook(&admin(), &dead.id).await.unwrap();
    until(async || (stubborn.lock().unwrap().len() >= 4).then_some(())).await;
    let audit = school.audit(&admin(), &Default::default()).await.unwrap();
    assert!(audit.entries.iter().any(|entry| entry.event == "webhook.replayed"));
    let nothing = school.replay_webhook(&admin(), "no-such").await.unwrap_err();
    assert_eq!(nothing.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn what_a_dead_process_left_behind_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    {
        // Without a handler's outcome: the process ends while the event is claimed.
        let hanging = |_: ReceivedEvent| std::future::pending::<sis_integrations::Result<()>>();
        let manager = IntegrationManager::builder()
            .storage(SqliteStorage::open(&file).await.unwrap())
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .provider(sis_integrations::providers::twilio::Twilio)
            .on_webhook(hanging)
            .build()
            .await
            .unwrap();
        configured(&manager, "school", ACCOUNT, TOKEN).await;
        manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM1", "sent"))).await.unwrap();
        manager.close(Duration::from_millis(10)).await.unwrap_err();
    }
    // Its claim lapses: the row is as it would be after that time.
    assert_eq!(change(&file, "UPDATE integration_webhook_logs SET next_attempt_at = at"), 1);
    let seen = Seen::default();
    let manager = open(SqliteStorage::open(&file).await.unwrap(), Some((0, &seen))).await;
    until(async || (!seen.lock().unwrap().is_empty()).then_some(())).await;
    assert_eq!(seen.lock().unwrap()[0].attempt, 2);
    manager.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_taken_up_holds_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let manager = open(SqliteStorage::open(&file).await.unwrap(), None).await;
    configured(&manager, "a-broken", ACCOUNT, "another0auth0token0of0the0account").await;
    configured(&manager, "school", ACCOUNT, TOKEN).await;
    let url =
        format!("{URL}?route={}", manager.tenant("a-broken").unwrap().webhook_route(&admin(), "twilio").await.unwrap());
    let locked = signed(&url, "another0auth0token0of0the0account", &status("SM0", "sent"));
    manager.receive_webhook("twilio", locked).await.unwrap();
    let mut ids = Vec::new();
    for sid in ["SM1", "SM2", "SM3", "SM4"] {
        let receipt = manager.receive_webhook("twilio", signed(URL, TOKEN, &status(sid, "sent"))).await.unwrap();
        ids.push(receipt.events[0].id.clone());
    }
    manager.close(Duration::from_secs(5)).await.unwrap();
    // As processes left them that died: one school's keys cannot be had, one body cannot be opened, one provider is gone,
    // one has killed as many processes as there are attempts, and the youngest is good.
    change(&file, "UPDATE integration_tenant_keys SET wrapped = zeroblob(60) WHERE tenant_id = 'a-broken'");
    change(&file, "UPDATE integration_webhook_logs SET state = 'claimed', attempts = 1, next_attempt_at = at");
    for (id, set) in [(0, "body = zeroblob(40)"), (1, "provider = 'fax'"), (2, "attempts = 3")] {
        assert_eq!(change(&file, &format!("UPDATE integration_webhook_logs SET {set} WHERE id = '{}'", ids[id])), 1);
    }
    let seen = Seen::default();
    let manager = open(SqliteStorage::open(&file).await.unwrap(), Some((0, &seen))).await;
    until(async || (!seen.lock().unwrap().is_empty()).then_some(())).await;
    assert_eq!(seen.lock().unwrap()[0].event.data["MessageSid"], "SM4");
    let log = manager.tenant("school").unwrap().webhooks(&admin(), &WebhookFilter::default()).await.unwrap();
    let of = |at: usize| {
        let entry = log.events.iter().find(|entry| entry.id == ids[at]).unwrap();
        (entry.state, entry.error.as_deref(), entry.next_attempt_at.is_some())
    };
    assert_eq!(of(0), (WebhookState::Dead, Some("storage_corrupt"), false));
    assert_eq!(of(1), (WebhookState::Dead, Some("unknown_provider"), false));
    assert_eq!(of(2), (WebhookState::Dead, Some("outcome_unknown"), false));
    manager.close(Duration::from_secs(5)).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 1);
    // The event of the school without keys waits, and no longer at the head.
    let due = change(
        &file,
        "UPDATE integration_webhook_logs SET attempts = 1 WHERE state = 'claimed' AND next_attempt_at > at",
    );
    assert_eq!(due, 1);
}

/// The whole way: the look-alike reports on a message it was sent, over HTTP, to the REST API.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_followed_to_its_end_over_http() {
    let sandbox = Sandbox::start().await.unwrap();
    let manager = open(MemoryStorage::new(), None).await;
    let app = Api::new(
        manager.clone(),
        ApiKeys::new(manager.clone()).with_bootstrap("the-platforms-own-key-for-tests".into()).unwrap(),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app.router()).await.unwrap() });

    let school = manager.tenant("school").unwrap();
    let config = TwilioConfig::new(twilio::ACCOUNT_SID, twilio::AUTH_TOKEN)
        .from(twilio::NUMBERS[0].parse().unwrap())
        .status_callback(format!("{address}/api/integrations/webhooks/twilio").parse().unwrap())
        .base_url(sandbox.url("twilio").parse().unwrap());
    school.configure(&admin(), config).await.unwrap();
    sandbox.twilio().set_step(Duration::from_millis(20));
    let sent = school.call(&admin(), SendSms::new("+14155550101".parse().unwrap(), "Hello")).await.unwrap();
    until(async || {
        let found = school.delivery(&admin(), "twilio", &sent.sid).await.ok()?;
        (found.delivery.state == DeliveryStage::Delivered).then_some(())
    })
    .await;

    let client = reqwest::Client::new();
    let ask = async |path: &str| {
        let request =
            client.get(format!("{address}/api/integrations/{path}")).bearer_auth("the-platforms-own-key-for-tests");
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let delivery = ask(&format!("school/twilio/deliveries/{}", sent.sid)).await;
    assert_eq!(delivery["state"], "delivered");
    assert!(ask("school/webhooks?state=done").await["events"].as_array().unwrap().len() >= 2);
    let route = ask("school/twilio/webhook-route").await;
    assert!(route["path"].as_str().unwrap().starts_with("/api/integrations/webhooks/twilio?route="));
    let forged = client.post(format!("{address}/api/integrations/webhooks/twilio")).body("AccountSid=AC1").send().await;
    assert_eq!(forged.unwrap().status(), 404);
    let body = format!("AccountSid={}&MessageSid=SM1&MessageStatus=sent", twilio::ACCOUNT_SID);
    let unsigned = client.post(format!("{address}/api/integrations/webhooks/twilio")).body(body).send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    assert_eq!(unsigned.json::<Value>().await.unwrap()["code"], "signature_missing");
}

#[tokio::test]
async fn the_edge_takes_webhooks_too() {
    let manager = open(MemoryStorage::new(), None).await;
    configured(&manager, "school", ACCOUNT, TOKEN).await;
    let request = signed(URL, TOKEN, &status("SM1", "sent"));
    let headers: serde_json::Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    let asked = json!({ "provider": "twilio", "url": URL, "headers": headers, "body": body });
    let receipt = edge::dispatch(&manager, "receiveWebhook", asked.clone()).await.unwrap();
    assert_eq!(receipt["tenant"], "school");
    assert_eq!(receipt["events"][0]["event"]["delivery"]["state"], "sent");
    let of = json!({ "tenant": "school", "actor": admin(), "provider": "twilio", "messageId": "SM1" });
    assert_eq!(edge::dispatch(&manager, "delivery", of).await.unwrap()["state"], "sent");
    let mut both = asked;
    both["bodyBase64"] = "AA==".into();
    assert_eq!(edge::dispatch(&manager, "receiveWebhook", both).await.unwrap_err().field(), Some("body"));
}
