//! Channels at vendors: opened with a secret of their own, told from forgeries, renewed ahead of their end.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

use std::time::Duration;

use sandbox::{Fault, Rule, Sandbox, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, ErrorCode, IntegrationManager, ManualClock, MasterKey, Role, Runtime, Tenant, Timestamp,
    manager::{WebhookReceipt, WebhookRequest},
    providers::google_workspace::GoogleWorkspace,
    storage::{MemoryStorage, Query, Storage, StorageExt, tables},
    transport::Backoff,
};

const ADDRESS: &str = "https://sis.example/api/integrations/webhooks/google_workspace";

fn admin() -> Actor {
    Actor::new("u-1", Role::Admin)
}

struct Stage {
    sandbox: Sandbox,
    clock: ManualClock,
    storage: std::sync::Arc<MemoryStorage>,
    manager: IntegrationManager,
    school: Tenant,
}

impl Stage {
    async fn open() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.clock().freeze();
        let clock = ManualClock::new(Timestamp::from_micros(sandbox.clock().now() * 1000));
        let storage = std::sync::Arc::new(MemoryStorage::new());
        let manager = IntegrationManager::builder()
            .shared_storage(storage.clone())
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .provider(GoogleWorkspace)
            .runtime(Runtime::current().with_clock(clock.clone()))
            .backoff(Backoff { first: Duration::from_millis(1), most: Duration::from_millis(4), attempts: 2 })
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let school = manager.tenant("school-1").unwrap();
        let stage = Self { sandbox, clock, storage, manager, school };
        stage.configure(&stage.school).await;
        stage
    }

    async fn configure(&self, school: &Tenant) {
        let config = json!({
            "client_id": google::CLIENT_ID,
            "client_secret": google::CLIENT_SECRET,
            "refresh_token": google::REFRESH_TOKEN,
            "base_url": self.sandbox.url("google_workspace"),
        });
        let change = serde_json::from_value(json!({ "config": config })).unwrap();
        school.configure_json(&admin(), "google_workspace", change).await.unwrap();
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.sandbox.clock().advance(by);
    }

    async fn watch(&self) -> Value {
        let arguments = json!({ "address": ADDRESS });
        self.school.execute(&admin(), "google_workspace", "watchChanges", arguments).await.unwrap().output
    }

    /// What Google would send to the channel's address, taken as the host takes it.
    async fn deliver(
        &self,
        channel: &str,
        state: &str,
        change: impl Fn(&str, String) -> String,
    ) -> sis_integrations::Result<WebhookReceipt> {
        let (address, headers) = self.sandbox.google_workspace().channel_message(channel, state).unwrap();
        let mut request = WebhookRequest::new(address.parse().unwrap(), "");
        for (name, value) in headers {
            let value = change(&name, value);
            request = request.header(&name, value);
        }
        self.manager.receive_webhook("google_workspace", request).await
    }
}

#[tokio::test]
async fn a_channel_tells_its_school_and_nobody_can_forge_it() {
    let stage = Stage::open().await;
    let watch = stage.watch().await;
    let channel = watch["channelId"].as_str().unwrap();
    assert!(watch["since"].is_string(), "from where changes are to be read");
    let as_is = |_: &str, value: String| value;
    assert!(stage.deliver(channel, "sync", as_is).await.unwrap().events.is_empty());
    let receipt = stage.deliver(channel, "change", as_is).await.unwrap();
    assert_eq!(receipt.tenant, "school-1");
    assert_eq!(receipt.events[0].event.kind, "drive.changes.change");
    assert!(!receipt.events[0].duplicate);

    let error = stage
        .deliver(channel, "change", |name, value| match name.eq_ignore_ascii_case("x-goog-channel-token") {
            true => "0".repeat(64),
            false => value,
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::SignatureInvalid);
    // Another channel's id with this one's secret.
    let error = stage
        .deliver(channel, "change", |name, value| match name.eq_ignore_ascii_case("x-goog-channel-id") {
            true => "another".to_owned(),
            false => value,
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::SignatureInvalid);

    // A second school's channel has another secret, though it watches the same with the same vendor.
    let second = stage.manager.tenant("school-2").unwrap();
    stage.configure(&second).await;
    let arguments = json!({ "address": ADDRESS });
    let other = second.execute(&admin(), "google_workspace", "watchChanges", arguments).await.unwrap().output;
    let receipt = stage.deliver(other["channelId"].as_str().unwrap(), "change", as_is).await.unwrap();
    assert_eq!(receipt.tenant, "school-2");

    let stop = json!({ "channelId": channel });
    let error = second.execute(&admin(), "google_workspace", "stopWatching", stop.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound, "one school cannot stop another's");
    stage.school.execute(&admin(), "google_workspace", "stopWatching", stop).await.unwrap();
    assert!(stage.sandbox.google_workspace().channel_message(channel, "change").is_none());
    assert!(stage.school.subscriptions(&admin()).await.unwrap().is_empty());
    assert_eq!(second.subscriptions(&admin()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_channel_is_renewed_ahead_of_its_end_for_who_made_it() {
    let stage = Stage::open().await;
    let first = stage.watch().await["channelId"].as_str().unwrap().to_owned();
    assert_eq!(stage.manager.renew_subscriptions().await.unwrap(), 0);
    let before = stage.school.subscriptions(&admin()).await.unwrap().remove(0);
    assert_eq!((before.state.as_str(), before.created_by.as_str()), ("active", "u-1"));
    let wait = before.renew_at.unwrap().since(Timestamp::from_micros(stage.sandbox.clock().now() * 1000));
    stage.advance(wait + Duration::from_secs(1));
    assert_eq!(stage.manager.renew_subscriptions().await.unwrap(), 1);
    let after = stage.school.subscriptions(&admin()).await.unwrap();
    assert_eq!(after.len(), 1, "the old one is stopped and forgotten");
    assert_ne!(after[0].id, first);
    assert!(after[0].expires_at > before.expires_at);
    let google = stage.sandbox.google_workspace();
    assert!(google.channel_message(&first, "change").is_none());
    assert!(google.channel_message(&after[0].id, "change").is_some());
    assert_eq!(stage.manager.renew_subscriptions().await.unwrap(), 0);
    // The renewal is a call like another, on record for who made the channel.
    let page = stage.school.audit(&admin(), &Default::default()).await.unwrap();
    let calls: Vec<_> = page.entries.iter().filter(|entry| entry.operation.as_deref() == Some("watchChanges")).collect();
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|entry| entry.actor_id == "u-1"));
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_until_the_channel_lapses() {
    let stage = Stage::open().await;
    stage.watch().await;
    let google = stage.sandbox.google_workspace();
    google.faults().add(Rule::every(1, Fault::Status { status: 503, code: None, retry_after: None }).method("POST"));
    let next = |subscription: &sis_integrations::services::Subscription| {
        let now = Timestamp::from_micros(stage.sandbox.clock().now() * 1000);
        subscription.renew_at.map(|at| at.since(now) + Duration::from_secs(1))
    };
    let mut tries = 0;
    loop {
        let known = stage.school.subscriptions(&admin()).await.unwrap().remove(0);
        let Some(wait) = next(&known) else {
            assert_eq!(known.state, "lapsed");
            break;
        };
        stage.advance(wait);
        assert_eq!(stage.manager.renew_subscriptions().await.unwrap(), 0);
        let known = stage.school.subscriptions(&admin()).await.unwrap().remove(0);
        assert!(known.error.is_some());
        tries += 1;
        assert!(tries < 200);
    }
    assert!(tries > 2, "{tries}");
    let rows = stage.storage.query_all(Query::of(&tables::SECURITY_EVENTS, stage.school.id())).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.text("kind").unwrap() == "subscription_lapsed").count(), 1);
}

#[tokio::test]
async fn an_address_that_a_vendor_could_not_reach_is_refused_before_anything_is_sent() {
    let stage = Stage::open().await;
    let before = stage.sandbox.google_workspace().recorder().exchanges().len();
    for (operation, arguments, field) in [
        ("watchChanges", json!({ "address": "http://sis.example/hook" }), "address"),
        ("watchFile", json!({ "fileId": "f", "address": ADDRESS, "days": 0 }), "days"),
        ("watchMail", json!({ "topicName": "gmail" }), "topicName"),
        ("watchClassroom", json!({ "feed": "course_work_changes", "topicName": "projects/p/topics/t" }), "courseId"),
        ("watchUsers", json!({ "event": "rename", "address": ADDRESS }), "event"),
    ] {
        let error = stage.school.execute(&admin(), "google_workspace", operation, arguments).await.unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{operation}");
    }
    let sent = stage.sandbox.google_workspace().recorder().exchanges();
    assert!(sent[before..].iter().all(|exchange| exchange.path == "/token" || exchange.path.ends_with("startPageToken")));
}
