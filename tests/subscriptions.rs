//! Channels at vendors: opened with a secret of their own, told from forgeries, renewed ahead of their end.
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

#[path = "support/api.rs"]
mod api;

use std::time::Duration;

use sandbox::{Fault, Rule, Sandbox, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, ErrorCode, IntegrationManager, ManualClock, MasterKey, Role, Runtime, Tenant, Timestamp,
    manager::{WebhookReceipt, WebhookRequest},
    providers::google_workspace::GoogleWorkspace,
    storage::{MemoryStorage, Query, StorageExt, tables},
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

    /// A service account in the place of the administrator's consent.
    async fn act_for_users(&self) {
        let scopes =
            ["calendar", "calendar.events", "calendar.events.owned", "calendar.readonly", "calendar.events.readonly"];
        let scopes = scopes.map(|scope| format!("https://www.googleapis.com/auth/{scope}"));
        self.sandbox.google_workspace().delegate(&scopes.each_ref().map(String::as_str));
        let config = json!({
            "client_id": null,
            "client_secret": null,
            "refresh_token": null,
            "service_account_key": google::SERVICE_ACCOUNT_KEY,
            "subject": google::ADMIN,
            "base_url": self.sandbox.url("google_workspace"),
        });
        let change = serde_json::from_value(json!({ "config": config })).unwrap();
        self.school.configure_json(&admin(), "google_workspace", change).await.unwrap();
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
        let message = self.sandbox.google_workspace().channel_message(channel, state).unwrap();
        let mut request = WebhookRequest::new(message.address.parse().unwrap(), message.body);
        for (name, value) in message.headers {
            let value = change(&name, value);
            request = request.header(&name, value);
        }
        self.manager.receive_webhook("google_workspace", request).await
    }
}

/// A channel is on record before Google is asked for it: it may be open though no word of it comes.
#[tokio::test]
async fn a_channel_whose_answer_is_lost_is_known_by_its_id() {
    let stage = Stage::open().await;
    let admin = admin();
    let open = || stage.school.execute(&admin, "google_workspace", "watchChanges", json!({ "address": ADDRESS }));
    let states = async || {
        let list = stage.school.subscriptions(&admin).await.unwrap();
        list.into_iter().map(|one| (one.id, one.state)).collect::<Vec<_>>()
    };
    let faults = stage.sandbox.google_workspace().faults();
    faults.add(Rule::next(1, Fault::CutAfter).method("POST").path("/watch"));
    let error = open().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    let id = error.done().unwrap()["steps"]["open"]["brought"]["channelId"].as_str().unwrap().to_owned();
    assert_eq!(states().await, [(id.clone(), "opening".to_owned())]);
    // What it tells is taken.
    assert_eq!(stage.deliver(&id, "change", |_, value| value).await.unwrap().tenant, "school-1");

    // One that Google refuses is not kept.
    faults.add(Rule::next(1, Fault::status(400)).method("POST").path("/watch"));
    open().await.unwrap_err();
    assert_eq!(states().await.len(), 1);
    open().await.unwrap();
    assert_eq!(states().await.iter().filter(|(_, state)| state == "active").count(), 1);
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
    let calls: Vec<_> =
        page.entries.iter().filter(|entry| entry.operation.as_deref() == Some("watchChanges")).collect();
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|entry| entry.actor_id == "u-1"));
}

/// Google closes a channel for the user alone who opened it.
#[tokio::test]
async fn a_channel_of_another_user_is_stopped_on_their_behalf_when_it_is_renewed() {
    let stage = Stage::open().await;
    stage.act_for_users().await;
    let arguments = json!({ "calendarId": "primary", "address": ADDRESS, "asUser": google::TEACHER });
    let opened = stage.school.execute(&admin(), "google_workspace", "watchEvents", arguments).await.unwrap().output;
    let first = opened["channelId"].as_str().unwrap();
    let known = stage.school.subscriptions(&admin()).await.unwrap().remove(0);
    let wait = known.renew_at.unwrap().since(Timestamp::from_micros(stage.sandbox.clock().now() * 1000));
    stage.advance(wait + Duration::from_secs(1));
    assert_eq!(stage.manager.renew_subscriptions().await.unwrap(), 1);
    let after = stage.school.subscriptions(&admin()).await.unwrap();
    let google = stage.sandbox.google_workspace();
    assert_eq!(after.len(), 1);
    assert!(google.channel_message(first, "exists").is_none(), "the old one is stopped");
    assert!(google.channel_message(&after[0].id, "exists").is_some());
}

/// Gmail has one watch of a mailbox, Classroom one registration of a feed and a topic: so has the school.
#[tokio::test]
async fn a_mailbox_and_a_feed_are_watched_once() {
    let stage = Stage::open().await;
    let admin = admin();
    let call = async |operation: &str, arguments: Value| {
        stage.school.execute(&admin, "google_workspace", operation, arguments).await.map(|reply| reply.output)
    };
    let classroom = json!({ "feed": "domain_roster_changes", "topicName": "projects/p/topics/classroom" });
    let (one, other) =
        (json!({ "topicName": "projects/p/topics/one" }), json!({ "topicName": "projects/p/topics/two" }));
    for (operation, first, second) in
        [("watchMail", &one, &one), ("watchMail", &one, &other), ("watchClassroom", &classroom, &classroom)]
    {
        let first = call(operation, first.clone()).await.unwrap();
        let second = call(operation, second.clone()).await.unwrap();
        assert_eq!(first["channelId"], second["channelId"], "{operation}");
        assert_eq!(stage.school.subscriptions(&admin).await.unwrap().len(), 1, "{operation}");
        if operation == "watchMail" {
            stage.advance(Duration::from_secs(25 * 3600));
            assert_eq!(stage.manager.renew_subscriptions().await.unwrap(), 1);
        }
        call("stopWatching", json!({ "channelId": second["channelId"] })).await.unwrap();
        assert!(stage.school.subscriptions(&admin).await.unwrap().is_empty());
        assert!(stage.sandbox.google_workspace().mail_notification(google::ADMIN).is_none());
        assert!(stage.sandbox.google_workspace().registrations().is_empty());
    }

    // A watch that no channel of the school's is: that one is not ended.
    let second = stage.manager.tenant("school-2").unwrap();
    stage.configure(&second).await;
    second.execute(&admin, "google_workspace", "watchMail", one).await.unwrap();
    let error = call("watchMail", other).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("topicName")), "{error}");
    let (topic, _) = stage.sandbox.google_workspace().mail_notification(google::ADMIN).unwrap();
    assert_eq!(topic, "projects/p/topics/one");
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_even_after_the_channel_has_lapsed() {
    for comes_back in [true, false] {
        let stage = Stage::open().await;
        stage.watch().await;
        let google = stage.sandbox.google_workspace();
        google.faults().add(Rule::always(Fault::status(503)).method("POST"));
        let known = async || stage.school.subscriptions(&admin()).await.unwrap().remove(0);
        let (mut tries, mut lapsed) = (0, 0);
        while let Some(at) = known().await.renew_at {
            let now = Timestamp::from_micros(stage.sandbox.clock().now() * 1000);
            stage.advance(at.since(now) + Duration::from_secs(1));
            assert_eq!(stage.manager.renew_subscriptions().await.unwrap(), 0);
            assert!(known().await.error.is_some());
            tries += 1;
            lapsed += usize::from(known().await.state == "lapsed");
            if comes_back && lapsed == 3 {
                break;
            }
            assert!(tries < 1000);
        }
        assert!(tries - lapsed > 2 && lapsed > 2, "{tries} {lapsed}");
        let rows = stage.storage.query_all(Query::of(&tables::SECURITY_EVENTS, stage.school.id())).await.unwrap();
        assert_eq!(rows.iter().filter(|row| row.text("kind").unwrap() == "subscription_lapsed").count(), 1);
        google.faults().clear();
        stage.advance(Duration::from_secs(3600));
        assert_eq!(stage.manager.renew_subscriptions().await.unwrap(), usize::from(comes_back));
        assert_eq!(known().await.state, if comes_back { "active" } else { "lapsed" });
    }
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
    assert!(
        sent[before..].iter().all(|exchange| exchange.path == "/token" || exchange.path.ends_with("startPageToken"))
    );
}

mod graph {
    //! Microsoft Graph: it calls the address while it still answers the subscription, and encrypts what it tells.

    use sandbox::microsoft365 as microsoft;
    use sis_integrations::services::Subscription;

    use super::{api::School, *};

    async fn open() -> School {
        let school = School::open().await;
        configure(&school, microsoft::CERTIFICATE, microsoft::CERTIFICATE_KEY).await;
        school.sandbox.microsoft365().validate_subscriptions(true);
        school
    }

    /// Notifications are encrypted to this certificate from now on.
    async fn configure(school: &School, certificate: &str, key: &str) {
        let config = json!({ "config": {
            "tenant_id": microsoft::TENANT_ID,
            "client_id": microsoft::CLIENT_ID,
            "client_secret": microsoft::CLIENT_SECRET,
            "notification_certificate": certificate,
            "notification_key": key,
            "base_url": school.sandbox.url("microsoft365"),
        } });
        let change = serde_json::from_value(config).unwrap();
        let tenant = school.manager.tenant("tenant-123").unwrap();
        tenant.configure_json(&admin(), "microsoft365", change).await.unwrap();
    }

    async fn current(tenant: &Tenant) -> Subscription {
        tenant.subscriptions(&admin()).await.unwrap().remove(0)
    }

    async fn subscribe(school: &School, rich: bool) -> Subscription {
        let tenant = school.manager.tenant("tenant-123").unwrap();
        let arguments = json!({
            "resource": format!("users/{}/messages", microsoft::TEACHER_ID),
            "changeType": ["created"],
            "address": format!("{}/api/integrations/webhooks/microsoft365", school.url),
            "includeResourceData": rich,
        });
        tenant.execute(&admin(), "microsoft365", "subscribe", arguments).await.unwrap();
        tenant.subscriptions(&admin()).await.unwrap().remove(0)
    }

    /// Posts as Graph does, to the address that the subscription names.
    async fn post(school: &School, body: &Value) -> reqwest::Response {
        let address = school.sandbox.microsoft365().subscriptions()[0]["notificationUrl"].as_str().unwrap().to_owned();
        reqwest::Client::new().post(address).body(body.to_string()).send().await.unwrap()
    }

    async fn kinds(school: &School) -> Vec<String> {
        let tenant = school.manager.tenant("tenant-123").unwrap();
        let page = tenant.webhooks(&admin(), &Default::default()).await.unwrap();
        page.events.into_iter().map(|event| event.kind).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_subscription_is_made_only_where_the_handshake_is_answered() {
        let school = open().await;
        let made = subscribe(&school, false).await;
        assert_eq!((made.state.as_str(), made.resource.as_str()), ("active", "messages"));
        let message = json!({ "id": "m-1", "@odata.type": "#Microsoft.Graph.Message", "@odata.etag": "W/\"1\"" });
        let body = school.sandbox.microsoft365().notification(&made.vendor_id, "created", &message).unwrap();
        assert!(post(&school, &body).await.status().is_success());
        assert!(post(&school, &body).await.status().is_success());
        assert_eq!(kinds(&school).await, ["message.created"], "the second time it was dropped");
        let forged = body.to_string().replace(&made.id, &"0".repeat(32));
        let forged: Value = serde_json::from_str(&forged).unwrap();
        assert_eq!(post(&school, &forged).await.status(), 401);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_notification_names_a_mail_as_every_operation_does() {
        let school = open().await;
        let made = subscribe(&school, false).await;
        let tenant = school.manager.tenant("tenant-123").unwrap();
        let message = json!({ "to": ["parent@example.com"], "subject": "Trip", "content": "Bring boots" });
        let draft = json!({ "message": message, "userId": microsoft::TEACHER_ID });
        let draft = tenant.execute(&admin(), "microsoft365", "createDraft", draft).await.unwrap().output;
        let resource = json!({ "id": draft["id"], "@odata.type": "#Microsoft.Graph.Message" });
        let body = school.sandbox.microsoft365().notification(&made.vendor_id, "created", &resource).unwrap();
        assert_eq!(body["value"][0]["resourceData"]["id"], draft["id"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_encrypted_is_opened_and_kept_encrypted_again() {
        let school = open().await;
        let made = subscribe(&school, true).await;
        let message = json!({
            "id": "m-2", "@odata.type": "#Microsoft.Graph.Message", "@odata.etag": "W/\"2\"", "subject": "Elternabend",
        });
        let body = school.sandbox.microsoft365().rich_notification(&made.vendor_id, "created", &message).unwrap();
        let answer = post(&school, &body).await;
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        assert_eq!(kinds(&school).await, ["message.created"]);
        // Without a token that Microsoft has signed nothing encrypted is believed.
        let mut bare = body.clone();
        bare["validationTokens"] = json!([]);
        assert_eq!(post(&school, &bare).await.status(), 401);
        // An id is the same in capitals.
        let mut loud = body.clone();
        loud["value"][0]["resourceData"]["@odata.etag"] = json!("W/\"3\"");
        let token = school.sandbox.microsoft365().validation_token(&microsoft::CLIENT_ID.to_uppercase());
        loud["validationTokens"] = json!([token]);
        assert!(post(&school, &loud).await.status().is_success());
        assert_eq!(kinds(&school).await.len(), 2);
        let mut other = body;
        other["validationTokens"] = json!([school.sandbox.microsoft365().validation_token("another-application")]);
        assert_eq!(post(&school, &other).await.status(), 401);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_subscription_that_graph_removed_is_made_anew() {
        let school = open().await;
        let made = subscribe(&school, false).await;
        let body =
            school.sandbox.microsoft365().lifecycle_notification(&made.vendor_id, "reauthorizationRequired").unwrap();
        assert!(post(&school, &body).await.status().is_success());
        assert_eq!(school.manager.renew_subscriptions().await.unwrap(), 1);
        let tenant = school.manager.tenant("tenant-123").unwrap();
        let renewed = tenant.subscriptions(&admin()).await.unwrap().remove(0);
        assert_eq!((&renewed.id, &renewed.vendor_id), (&made.id, &made.vendor_id), "prolonged, not made anew");

        let body =
            school.sandbox.microsoft365().lifecycle_notification(&made.vendor_id, "subscriptionRemoved").unwrap();
        let address = school.sandbox.microsoft365().subscriptions()[0]["notificationUrl"].as_str().unwrap().to_owned();
        school.sandbox.microsoft365().drop_subscription(&made.vendor_id);
        let answer = reqwest::Client::new().post(address).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success());
        assert_eq!(school.manager.renew_subscriptions().await.unwrap(), 1);
        let anew = tenant.subscriptions(&admin()).await.unwrap().remove(0);
        assert_eq!(anew.id, made.id);
        assert_ne!(anew.vendor_id, made.vendor_id);
        tenant.execute(&admin(), "microsoft365", "unsubscribe", json!({ "channelId": made.id })).await.unwrap();
        assert!(school.sandbox.microsoft365().subscriptions().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_certificate_that_was_changed_strands_no_subscription() {
        let school = open().await;
        let made = subscribe(&school, true).await;
        let tenant = school.manager.tenant("tenant-123").unwrap();
        let old = school.sandbox.microsoft365().subscriptions()[0]["encryptionCertificateId"].clone();
        configure(&school, microsoft::NEXT_CERTIFICATE, microsoft::NEXT_CERTIFICATE_KEY).await;
        let message = json!({ "id": "m-3", "@odata.type": "#Microsoft.Graph.Message", "@odata.etag": "W/\"3\"" });
        let told = |id: &str| school.sandbox.microsoft365().rich_notification(id, "created", &message).unwrap();

        // What was encrypted before cannot be opened, and says why.
        let answer = post(&school, &told(&made.vendor_id)).await;
        let refused: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(
            (refused["code"].as_str(), refused["field"].as_str()),
            (Some("not_configured"), Some("config.notification_certificate")),
            "{refused}"
        );

        for _ in 0..2 {
            let body = school
                .sandbox
                .microsoft365()
                .lifecycle_notification(&current(&tenant).await.vendor_id, "reauthorizationRequired")
                .unwrap();
            assert!(post(&school, &body).await.status().is_success());
            assert_eq!(school.manager.renew_subscriptions().await.unwrap(), 1);
        }
        let anew = current(&tenant).await;
        assert_eq!((&anew.id, anew.state.as_str()), (&made.id, "active"));
        assert_ne!(anew.vendor_id, made.vendor_id);
        let at_graph = school.sandbox.microsoft365().subscriptions();
        assert_eq!(at_graph.len(), 1, "the one of before is stopped");
        assert_ne!(at_graph[0]["encryptionCertificateId"], old);
        let made_anew = school.sandbox.microsoft365().requests();
        let made_anew = made_anew.iter().filter(|it| it.method == "POST" && it.path.ends_with("/subscriptions"));
        assert_eq!(made_anew.count(), 2, "the second renewal prolongs it");
        assert!(post(&school, &told(&anew.vendor_id)).await.status().is_success());
        assert_eq!(kinds(&school).await.iter().filter(|kind| *kind == "message.created").count(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_renewal_whose_answer_was_lost_leaves_one_subscription() {
        let school = open().await;
        let made = subscribe(&school, false).await;
        let graph = school.sandbox.microsoft365();
        let tenant = school.manager.tenant("tenant-123").unwrap();
        let removed = graph.lifecycle_notification(&made.vendor_id, "subscriptionRemoved").unwrap();
        let address = graph.subscriptions()[0]["notificationUrl"].as_str().unwrap().to_owned();
        graph.drop_subscription(&made.vendor_id);
        let told = async || {
            let answer = reqwest::Client::new().post(&address).body(removed.to_string()).send().await.unwrap();
            assert!(answer.status().is_success());
        };
        // Graph has made one, and shows it.
        told().await;
        graph.faults().add(Rule::next(1, Fault::CutAfter).method("POST").path("/subscriptions"));
        assert_eq!(school.manager.renew_subscriptions().await.unwrap(), 1);
        let at_graph = graph.subscriptions();
        let anew = current(&tenant).await;
        assert_eq!((at_graph.len(), at_graph[0]["id"].as_str()), (1, Some(anew.vendor_id.as_str())));

        // Graph has made one, and does not show it until the next try.
        graph.drop_subscription(&anew.vendor_id);
        told().await;
        lose_the_next(&school);
        assert_eq!(school.manager.renew_subscriptions().await.unwrap(), 0);
        assert_eq!(graph.subscriptions().len(), 1, "of which nobody here knows");

        told().await;
        assert_eq!(school.manager.renew_subscriptions().await.unwrap(), 1);
        let anew = current(&tenant).await;
        let at_graph = graph.subscriptions();
        assert_eq!((at_graph.len(), at_graph[0]["id"].as_str()), (1, Some(anew.vendor_id.as_str())));
    }

    fn to_be_told(school: &School) -> Value {
        json!({
            "resource": format!("users/{}/events", microsoft::TEACHER_ID),
            "changeType": ["created", "updated"],
            "address": format!("{}/api/integrations/webhooks/microsoft365", school.url),
        })
    }

    /// The answer to the next one is lost, and Graph does not show what it has made.
    fn lose_the_next(school: &School) {
        let graph = school.sandbox.microsoft365();
        graph.faults().add(Rule::next(1, Fault::CutAfter).method("POST").path("/subscriptions"));
        graph.faults().add(Rule::next(1, Fault::status(400)).method("GET").path("/subscriptions"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_subscription_whose_answer_was_lost_is_found_at_graph() {
        let school = open().await;
        let graph = school.sandbox.microsoft365();
        let tenant = school.manager.tenant("tenant-123").unwrap();
        graph.faults().add(Rule::next(1, Fault::CutAfter).method("POST").path("/subscriptions"));
        tenant.execute(&admin(), "microsoft365", "subscribe", to_be_told(&school)).await.unwrap();
        let made = current(&tenant).await;
        assert_eq!((made.state.as_str(), graph.subscriptions().len()), ("active", 1));
        assert_eq!(graph.subscriptions()[0]["id"], json!(made.vendor_id));
        // A second to the same changes is the caller's mistake, and takes nothing away.
        let error = tenant.execute(&admin(), "microsoft365", "subscribe", to_be_told(&school)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Conflict, "{error}");
        assert_eq!((graph.subscriptions().len(), tenant.subscriptions(&admin()).await.unwrap().len()), (1, 1));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_subscription_that_cannot_be_found_is_on_record_and_can_be_stopped_or_gone_on_with() {
        let school = open().await;
        let graph = school.sandbox.microsoft365();
        let tenant = school.manager.tenant("tenant-123").unwrap();
        let admin = admin();
        let subscribe = async |key: &str| {
            let call = tenant.request(&admin).idempotency_key(key);
            call.execute("microsoft365", "subscribe", to_be_told(&school)).await
        };
        lose_the_next(&school);
        let error = subscribe("k-1").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
        let opening = current(&tenant).await;
        assert_eq!((opening.state.as_str(), opening.vendor_id.as_str()), ("opening", ""));
        assert_eq!(error.done().unwrap()["steps"]["channel"]["brought"], json!(opening.id));

        // What comes by it is taken.
        let event = json!({ "id": "e-1", "@odata.type": "#Microsoft.Graph.Event", "@odata.etag": "W/\"1\"" });
        let id = graph.subscriptions()[0]["id"].as_str().unwrap().to_owned();
        let body = graph.notification(&id, "created", &event).unwrap();
        assert!(post(&school, &body).await.status().is_success());

        // The same call finds it.
        subscribe("k-1").await.unwrap();
        let made = current(&tenant).await;
        assert_eq!((&made.id, made.vendor_id.as_str(), made.state.as_str()), (&opening.id, id.as_str(), "active"));
        assert_eq!(graph.subscriptions().len(), 1);
        tenant.execute(&admin, "microsoft365", "unsubscribe", json!({ "channelId": made.id })).await.unwrap();
        assert!(graph.subscriptions().is_empty());

        // It can be stopped by its channel alone.
        lose_the_next(&school);
        subscribe("k-2").await.unwrap_err();
        let opening = current(&tenant).await;
        tenant.execute(&admin, "microsoft365", "unsubscribe", json!({ "channelId": opening.id })).await.unwrap();
        assert!(graph.subscriptions().is_empty());
        assert!(tenant.subscriptions(&admin).await.unwrap().is_empty());

        // Another call does not take it away: it may be on its way to be open.
        lose_the_next(&school);
        subscribe("k-3").await.unwrap_err();
        let error = subscribe("k-4").await.unwrap_err();
        let opening = current(&tenant).await;
        assert_eq!(error.code(), ErrorCode::Conflict);
        assert!(error.message().contains(&opening.id), "{error}");
        tenant.execute(&admin, "microsoft365", "unsubscribe", json!({ "channelId": opening.id })).await.unwrap();

        // One that is refused leaves nothing on record.
        graph.faults().add(Rule::next(1, Fault::status(400)).method("POST").path("/subscriptions"));
        subscribe("k-5").await.unwrap_err();
        assert!(tenant.subscriptions(&admin).await.unwrap().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_encrypted_to_the_certificate_of_before_is_opened_with_its_key() {
        let school = open().await;
        let made = subscribe(&school, true).await;
        let tenant = school.manager.tenant("tenant-123").unwrap();
        let change = json!({ "config": {
            "notification_certificate": microsoft::NEXT_CERTIFICATE,
            "notification_key": microsoft::NEXT_CERTIFICATE_KEY,
            "previous_notification_certificate": microsoft::CERTIFICATE,
            "previous_notification_key": microsoft::CERTIFICATE_KEY,
            "tenant_id": microsoft::TENANT_ID,
            "client_id": microsoft::CLIENT_ID,
            "client_secret": microsoft::CLIENT_SECRET,
            "base_url": school.sandbox.url("microsoft365"),
        } });
        tenant.configure_json(&admin(), "microsoft365", serde_json::from_value(change).unwrap()).await.unwrap();
        let message = json!({ "id": "m-4", "@odata.type": "#Microsoft.Graph.Message", "@odata.etag": "W/\"4\"" });
        let body = school.sandbox.microsoft365().rich_notification(&made.vendor_id, "created", &message).unwrap();
        let answer = post(&school, &body).await;
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        assert_eq!(kinds(&school).await, ["message.created"]);
    }
}
