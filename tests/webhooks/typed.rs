//! A host's handler takes events as types, from what the look-alikes tell and sign.

use base64::{Engine, engine::general_purpose::STANDARD};
use sandbox::{google_workspace as google, sendgrid, stripe};
use sis_integrations::providers::{
    Provider, ProviderConfig, TypedEvent,
    google_workspace::{GoogleEvent, GoogleWorkspace, GoogleWorkspaceConfig},
    sendgrid::{SendEmail, Sendgrid, SendgridConfig, SendgridEvent},
    stripe::{CreateCustomer, CreateRefund, Stripe, StripeConfig, StripeEvent},
    twilio::{Twilio, TwilioEvent},
};

use super::*;

/// A school whose host reads each event as `T`, and what it has read.
async fn reading<T: TypedEvent + Send + 'static>(
    provider: impl Provider,
    config: impl ProviderConfig,
) -> (IntegrationManager, Tenant, Arc<Mutex<Vec<T>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let keep = taken.clone();
    let handler = move |received: ReceivedEvent| {
        std::future::ready(received.typed().map(|event| keep.lock().unwrap().push(event)))
    };
    let manager = builder(MemoryStorage::new()).provider(provider).on_webhook(handler).build().await.unwrap();
    let school = manager.tenant("school").unwrap();
    school.configure(&admin(), config).await.unwrap();
    (manager, school, taken)
}

/// Waits until so many have been taken.
async fn all<T>(taken: &Mutex<Vec<T>>, count: usize) -> Vec<T> {
    until(async || {
        let mut taken = taken.lock().unwrap();
        (taken.len() >= count).then(|| std::mem::take(&mut *taken))
    })
    .await
}

#[tokio::test]
async fn what_twilio_reports_comes_typed() {
    let (manager, _school, taken) = reading::<TwilioEvent>(Twilio, TwilioConfig::new(ACCOUNT, TOKEN)).await;
    let wrote = form(&[
        ("AccountSid", ACCOUNT),
        ("MessageSid", "SM2"),
        ("SmsStatus", "received"),
        ("From", "+14155550101"),
        ("Body", "Jo is ill today"),
        ("NumMedia", "1"),
        ("MediaUrl0", "https://api.twilio.com/one"),
        ("MediaContentType0", "image/jpeg"),
    ]);
    for pairs in [status("SM1", "delivered"), wrote] {
        manager.receive_webhook("twilio", signed(URL, TOKEN, &pairs)).await.unwrap();
    }
    let events = all(&taken, 2).await;
    let report = events.iter().find_map(|event| match event {
        TwilioEvent::MessageStatus(report) => Some((report.sid.as_str(), report.status.as_deref())),
        _ => None,
    });
    assert_eq!(report, Some(("SM1", Some("delivered"))));
    let wrote = events.iter().find_map(|event| match event {
        TwilioEvent::MessageReceived(message) => Some((message.body.as_str(), message.media[0].url.as_str())),
        _ => None,
    });
    assert_eq!(wrote, Some(("Jo is ill today", "https://api.twilio.com/one")));
}

#[tokio::test]
async fn what_sendgrid_tells_comes_typed() {
    let sandbox = Sandbox::start().await.unwrap();
    let config = SendgridConfig::new(sendgrid::API_KEY, sendgrid::FROM_EMAIL)
        .webhook_public_key(sendgrid::WEBHOOK_PUBLIC_KEY)
        .base_url(sandbox.url("sendgrid").parse().unwrap());
    let (manager, school, taken) = reading::<SendgridEvent>(Sendgrid, config).await;
    sandbox.sendgrid().add_bounce("old@example.com");
    let mut sent = Vec::new();
    for to in ["parent@example.com", "old@example.com"] {
        let mail = SendEmail::new(to, "School closed").text("At noon");
        sent.push(school.call(&admin(), mail).await.unwrap());
    }
    let events = sandbox.sendgrid().events();
    let body = Value::from(events.clone()).to_string();
    let (timestamp, signature) = sandbox.sendgrid().sign(&body);
    let url = "https://sis.example/api/integrations/webhooks/sendgrid".parse().unwrap();
    let request = WebhookRequest::new(url, body)
        .header("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
        .header("X-Twilio-Email-Event-Webhook-Signature", signature);
    manager.receive_webhook("sendgrid", request).await.unwrap();
    let events = all(&taken, events.len()).await;
    let delivered = events.iter().find_map(|event| match event {
        SendgridEvent::Delivered(delivered) => Some((delivered.email.as_deref(), delivered.message_id())),
        _ => None,
    });
    assert_eq!(delivered, Some((Some("parent@example.com"), sent[0].message_id.as_deref())));
    let dropped = events.iter().find_map(|event| match event {
        SendgridEvent::Dropped(dropped) => Some((dropped.email.as_deref(), dropped.reason.as_deref())),
        _ => None,
    });
    assert_eq!(dropped, Some((Some("old@example.com"), Some("Bounced Address"))));
    assert!(!events.iter().any(|event| matches!(event, SendgridEvent::Other(_))), "{events:?}");
}

#[tokio::test]
async fn each_copy_of_a_mail_comes_as_far_as_it_comes() {
    let sandbox = Sandbox::start().await.unwrap();
    let config = SendgridConfig::new(sendgrid::API_KEY, sendgrid::FROM_EMAIL)
        .webhook_public_key(sendgrid::WEBHOOK_PUBLIC_KEY)
        .base_url(sandbox.url("sendgrid").parse().unwrap());
    let (manager, school, _taken) = reading::<SendgridEvent>(Sendgrid, config).await;
    sandbox.sendgrid().add_bounce("old@example.com");
    let messages =
        ["a@example.com", "old@example.com", "b@example.com"].map(|to| json!({ "to": [{ "email": to }] })).to_vec();
    let arguments = json!({ "subject": "School closed", "text": "At noon", "messages": messages });
    let sent = school.execute(&admin(), "sendgrid", "sendBulkEmail", arguments).await.unwrap();
    let one = school.call(&admin(), SendEmail::new("old@example.com", "Hello").text("Hello")).await.unwrap();
    let tell = async |events: Vec<Value>| {
        let body = Value::from(events).to_string();
        let (timestamp, signature) = sandbox.sendgrid().sign(&body);
        let url = "https://sis.example/api/integrations/webhooks/sendgrid".parse().unwrap();
        let request = WebhookRequest::new(url, body)
            .header("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
            .header("X-Twilio-Email-Event-Webhook-Signature", signature);
        manager.receive_webhook("sendgrid", request).await.unwrap();
    };
    let events = sandbox.sendgrid().events();
    let of = |email: &str| events.iter().filter(|event| event["email"] == email).cloned().collect::<Vec<_>>();
    let message = of("a@example.com")[0]["sg_message_id"].as_str().unwrap().to_owned();
    let message = message.split(".recvd").next().unwrap().split(".filter").next().unwrap().to_owned();
    let status =
        async |id: &str| serde_json::to_value(school.delivery(&admin(), "sendgrid", id).await.unwrap()).unwrap();

    // The one that fails comes first, and in a webhook of its own.
    tell(of("old@example.com")).await;
    assert_eq!(status(&message).await["reason"], "Bounced Address");
    tell([of("b@example.com"), of("a@example.com")].concat()).await;
    let found = status(&message).await;
    assert_eq!((&found["state"], &found["messageId"]), (&json!("delivered"), &json!(message)));
    assert_eq!(found["copies"], json!({ "delivered": 2, "failed": 1 }));

    // The same is found by the call, for one whose answer never came.
    let by_call = status(&sent.request_id.to_string()).await;
    assert_eq!((&by_call["copies"], &by_call["state"]), (&found["copies"], &json!("delivered")));
    let alone = status(one.message_id.as_deref().unwrap()).await;
    assert_eq!((&alone["state"], &alone["reason"]), (&json!("failed"), &json!("Bounced Address")));
    assert_eq!(alone.get("copies"), None);
    let nothing = school.delivery(&admin(), "sendgrid", &message[..message.len() - 1]).await.unwrap_err();
    assert_eq!(nothing.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn what_stripe_tells_comes_typed() {
    let sandbox = Sandbox::start().await.unwrap();
    let config = StripeConfig::new(stripe::SECRET_KEY)
        .webhook_secret(stripe::WEBHOOK_SECRET)
        .base_url(sandbox.url("stripe").parse().unwrap());
    let (manager, school, taken) = reading::<StripeEvent>(Stripe, config).await;
    let customer = school.call(&admin(), CreateCustomer::new().email("parent@example.com")).await.unwrap();
    let paying = json!({
        "amount": 2500, "currency": "usd", "paymentMethod": "pm_card_visa", "confirm": true,
        "returnUrl": "https://school.example/paid", "metadata": { "student_id": "s-1" },
    });
    let paid = school.execute(&admin(), "stripe", "createPaymentIntent", paying).await.unwrap().output;
    let payment = paid["id"].as_str().unwrap();
    let refund = school.call(&admin(), CreateRefund::new().payment_intent(payment).amount(500)).await.unwrap();
    let events = sandbox.stripe().events();
    for event in &events {
        let body = event.to_string();
        let now = manager.runtime().now().as_micros() / 1_000_000;
        let signature = stripe::sign(stripe::WEBHOOK_SECRET, now, body.as_bytes());
        let url = "https://sis.example/api/integrations/webhooks/stripe".parse().unwrap();
        let request = WebhookRequest::new(url, body).header("Stripe-Signature", signature);
        manager.receive_webhook("stripe", request).await.unwrap();
    }
    let events = all(&taken, events.len()).await;
    let any = |fits: &dyn Fn(&StripeEvent) -> bool| assert!(events.iter().any(fits), "{events:?}");
    any(&|event| matches!(event, StripeEvent::CustomerCreated(made) if made.id == customer.id));
    any(&|event| {
        matches!(event, StripeEvent::PaymentIntentSucceeded(paid) if paid.id == payment
        && paid.amount_received == Some(2500)
        && paid.metadata.as_ref().is_some_and(|notes| notes["student_id"] == "s-1"))
    });
    any(&|event| matches!(event, StripeEvent::ChargeRefunded(charge) if charge.amount_refunded == Some(500)));
    any(&|event| matches!(event, StripeEvent::RefundCreated(made) if made.id == refund.id));
    assert!(!events.iter().any(|event| matches!(event, StripeEvent::Other(_))), "{events:?}");
}

#[tokio::test]
async fn what_google_tells_comes_typed() {
    let sandbox = Sandbox::start().await.unwrap();
    let push = "push@school.iam.gserviceaccount.com";
    let config = json!({
        "client_id": google::CLIENT_ID, "client_secret": google::CLIENT_SECRET, "refresh_token": google::REFRESH_TOKEN,
        "base_url": sandbox.url("google_workspace"), "pubsub_service_account": push,
    });
    let config: GoogleWorkspaceConfig = serde_json::from_value(config).unwrap();
    let (manager, school, taken) = reading::<GoogleEvent>(GoogleWorkspace, config).await;
    let address = "https://sis.example/api/integrations/webhooks/google_workspace";
    let watch = async |operation: &str| {
        let mut arguments = json!({ "address": address });
        if operation == "watchEvents" {
            arguments["calendarId"] = json!("primary");
        }
        let watch = school.execute(&admin(), "google_workspace", operation, arguments).await.unwrap().output;
        watch["channelId"].as_str().unwrap().to_owned()
    };
    let channels = [(watch("watchChanges").await, "change"), (watch("watchEvents").await, "exists")];
    for (channel, state) in &channels {
        let message = sandbox.google_workspace().channel_message(channel, state).unwrap();
        let request = WebhookRequest::new(message.address.parse().unwrap(), message.body);
        let request = message.headers.into_iter().fold(request, |request, (name, value)| request.header(&name, value));
        manager.receive_webhook("google_workspace", request).await.unwrap();
    }
    let route = school.webhook_route(&admin(), "google_workspace").await.unwrap();
    let url = format!("{address}?route={route}");
    let publish = async |url: &str, id: &str, data: &Value, attributes: Value| {
        let message = json!({ "data": STANDARD.encode(data.to_string()), "messageId": id, "attributes": attributes });
        let body = json!({ "message": message, "subscription": "projects/school/subscriptions/push" });
        let token = sandbox.google_workspace().push_token(url, push);
        let request = WebhookRequest::new(url.parse().unwrap(), body.to_string());
        manager.receive_webhook("google_workspace", request.header("Authorization", format!("Bearer {token}"))).await
    };
    let topic = "projects/school/topics/changes";
    for (operation, arguments) in [
        ("watchMail", json!({ "topicName": topic })),
        ("watchClassroom", json!({ "feed": "domain_roster_changes", "topicName": topic })),
    ] {
        school.execute(&admin(), "google_workspace", operation, arguments).await.unwrap();
    }
    let (_, mail) = sandbox.google_workspace().mail_notification(google::ADMIN).unwrap();
    let registration = sandbox.google_workspace().registrations()[0]["registrationId"].clone();
    let place = json!({ "courseId": "course-1", "userId": "117" });
    let roster = json!({ "collection": "courses.students", "eventType": "CREATED", "resourceId": place });
    let kept = async |id: &str, data: &Value, attributes: Value| {
        publish(&url, id, data, attributes).await.unwrap().events.len()
    };
    // On the same topic, by the same account, and for the same receiver: another school's.
    let others = json!({ "emailAddress": "head@another.example", "historyId": "1" });
    assert_eq!(kept("1", &others, json!({})).await, 0);
    assert_eq!(kept("2", &roster, json!({ "registrationId": "another" })).await, 0);
    assert_eq!(kept("3", &roster, json!({})).await, 0, "whose it is, it does not say");
    let error = publish(address, "4", &mail, json!({})).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("route")));
    assert_eq!(kept("5", &mail, json!({})).await, 1);
    assert_eq!(kept("6", &roster, json!({ "registrationId": registration })).await, 1);
    let events = all(&taken, 4).await;
    let any = |fits: &dyn Fn(&GoogleEvent) -> bool| assert!(events.iter().any(fits), "{events:?}");
    any(&|event| matches!(event, GoogleEvent::DriveChanged(told) if told.channel_id == channels[0].0));
    any(&|event| matches!(event, GoogleEvent::EventsChanged(told) if told.channel_id == channels[1].0));
    any(&|event| {
        matches!(event, GoogleEvent::MailChanged(told) if told.data.history_id == mail["historyId"].as_u64()
        && told.data.email_address == google::ADMIN)
    });
    any(
        &|event| matches!(event, GoogleEvent::StudentAdded(told) if told.data.resource_id.course_id.as_deref() == Some("course-1")),
    );
}

#[tokio::test]
async fn an_event_of_another_provider_is_not_read_and_not_lost() {
    let (manager, school, taken) = reading::<StripeEvent>(Twilio, TwilioConfig::new(ACCOUNT, TOKEN)).await;
    manager.receive_webhook("twilio", signed(URL, TOKEN, &status("SM1", "sent"))).await.unwrap();
    let mut filter = WebhookFilter::default();
    filter.state = Some(WebhookState::Dead);
    let dead = until(async || school.webhooks(&admin(), &filter).await.unwrap().events.into_iter().next()).await;
    assert_eq!(dead.error.as_deref(), Some("invalid_argument"));
    assert!(taken.lock().unwrap().is_empty());
}
