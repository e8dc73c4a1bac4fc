//! Every Twilio operation, typed and dynamic, through the whole road to the look-alike and back.
#![cfg(feature = "twilio")]
#![allow(missing_docs, reason = "tests")]

use std::time::Duration;

use sandbox::{
    Fault, Rule, Sandbox,
    twilio::{ACCOUNT_SID, API_KEY, API_KEY_SECRET, AUTH_TOKEN, NUMBERS, WHATSAPP_NUMBER},
};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, ErrorCode, IntegrationManager, MasterKey, PhoneNumber, Role, Tenant, providers,
    providers::{Quota, twilio::*},
    storage::MemoryStorage,
};

struct School {
    sandbox: Sandbox,
    _manager: IntegrationManager,
    tenant: Tenant,
    admin: Actor,
}

impl School {
    async fn open() -> Self {
        Self::with(|config| config).await
    }

    async fn with(change: impl FnOnce(TwilioConfig) -> TwilioConfig) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.twilio().set_step(Duration::ZERO);
        let manager = IntegrationManager::builder()
            .storage(MemoryStorage::new())
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .providers(providers::all())
            .quota("twilio", Quota { per_second: 0.0, burst: 0 })
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let admin = Actor::new("u-1", Role::Admin);
        let tenant = manager.tenant("school").unwrap();
        let config = TwilioConfig::new(ACCOUNT_SID, AUTH_TOKEN)
            .from(NUMBERS[0].parse().unwrap())
            .whatsapp_from(WHATSAPP_NUMBER.parse().unwrap())
            .base_url(sandbox.url("twilio").parse().unwrap());
        tenant.configure(&admin, change(config)).await.unwrap();
        Self { sandbox, _manager: manager, tenant, admin }
    }

    /// Runs it by name, and answers the JSON.
    async fn ask(&self, operation: &str, arguments: Value) -> Value {
        match self.tenant.execute(&self.admin, "twilio", operation, arguments).await {
            Ok(reply) => reply.output,
            Err(error) => panic!("{operation}: {error}"),
        }
    }

    async fn refuse(&self, operation: &str, arguments: Value) -> sis_integrations::Error {
        match self.tenant.execute(&self.admin, "twilio", operation, arguments).await {
            Ok(_) => panic!("{operation} was not refused"),
            Err(error) => error,
        }
    }
}

fn number(last: u32) -> String {
    // What sends of this process were answered with is known to all of it: each test has its own numbers.
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("+1415{:07}", 5_000_000 + next * 10 + last % 10)
}

fn phone(text: &str) -> PhoneNumber {
    text.parse().unwrap()
}

#[tokio::test]
async fn messages_are_sent_read_listed_redacted_and_deleted() {
    let school = School::open().await;
    let (call, admin) = (&school.tenant, &school.admin);
    let to = number(1);
    let sent = call.call(admin, SendSms::new(phone(&to), "School closes at noon")).await.unwrap();
    assert!(sent.sid.starts_with("SM"));
    assert_eq!((sent.num_segments, sent.from.as_deref()), (Some(1), Some(NUMBERS[0])));
    let dynamic = school.ask("sendSms", json!({ "args": [{ "to": to, "body": "Buses are late" }] })).await;
    assert!(dynamic["numSegments"].is_i64());
    let picture = "https://school.example/map.png".parse().unwrap();
    let mms = call.call(admin, SendMms::new(phone(&to), [picture]).body("Map")).await.unwrap();
    assert_eq!(mms.num_media, Some(1));

    let read = call.call(admin, GetMessage::new(&sent.sid)).await.unwrap();
    assert_eq!(read.body.as_deref(), Some("School closes at noon"));
    let list = ListMessages::new().to(phone(&to)).page_size(2);
    let first = call.call(admin, list.clone()).await.unwrap();
    let token = first.next_page_token.clone().unwrap();
    let second = call.call(admin, list.page_token(token)).await.unwrap();
    assert_eq!((first.messages.len(), second.messages.len()), (2, 1));
    assert_eq!(second.messages[0].sid, sent.sid, "the newest come first");
    assert_eq!(second.next_page_token, None);

    let redacted = call.call(admin, RedactMessage::new(&sent.sid)).await.unwrap();
    assert_eq!(redacted.body.as_deref(), Some(""));
    assert!(call.call(admin, DeleteMessage::new(&sent.sid)).await.unwrap().deleted);
    let error = school.refuse("getMessage", json!({ "sid": sent.sid })).await;
    assert_eq!((error.code(), error.operation()), (ErrorCode::NotFound, Some("getMessage")));
}

#[tokio::test]
async fn whatsapp_asks_for_a_template_outside_the_window() {
    let school = School::open().await;
    let to = number(1);
    school.sandbox.twilio().open_whatsapp_window(&to);
    let sent = school.ask("sendWhatsApp", json!({ "to": to, "body": "Hello" })).await;
    assert_eq!(sent["to"], format!("whatsapp:{to}"));
    let made = reqwest::Client::new()
        .post(format!("{}/v1/Content", school.sandbox.url("twilio")))
        .basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))
        .header("content-type", "application/json")
        .body(
            json!({
                "friendly_name": "closing", "language": "en", "variables": { "1": "today" },
                "types": { "twilio/text": { "body": "School is closed {{1}}" } },
            })
            .to_string(),
        )
        .send()
        .await
        .unwrap();
    let made: Value = serde_json::from_slice(&made.bytes().await.unwrap()).unwrap();
    let sid = made["sid"].as_str().unwrap();
    let page = school.tenant.call(&school.admin, ListTemplates::new()).await.unwrap();
    assert!(page.templates.iter().any(|template| template.sid == sid));
    let template = school.ask("getTemplate", json!({ "sid": sid })).await;
    assert_eq!((&template["friendlyName"], &template["variables"]["1"]), (&json!("closing"), &json!("today")));
    school.sandbox.twilio().set_approval(sid, "approved");
    let send = SendWhatsApp::template(phone(&number(2)), sid).variable("1", "on Monday");
    school.tenant.call(&school.admin, send).await.unwrap();
}

#[tokio::test]
async fn calls_are_made_read_listed_and_ended() {
    let school = School::open().await;
    school.sandbox.twilio().set_step(Duration::from_secs(60));
    let to = number(1);
    let made = school.tenant.call(&school.admin, MakeCall::say(phone(&to), "Snow & ice")).await.unwrap();
    assert!(made.sid.starts_with("CA"));
    assert_eq!(school.ask("getCall", json!({ "sid": made.sid })).await["to"], to);
    let page = school.ask("listCalls", json!({ "to": to, "pageSize": 1 })).await;
    assert_eq!(page["calls"][0]["sid"], made.sid);
    let ended = school.ask("endCall", json!({ "sid": made.sid })).await;
    assert!(matches!(ended["status"].as_str(), Some("completed" | "canceled")), "{ended}");
}

#[tokio::test]
async fn the_account_tells_balance_usage_prices_and_numbers() {
    let school = School::with(|config| config.api_key(API_KEY, API_KEY_SECRET)).await;
    assert_eq!(school.ask("getBalance", json!({})).await["currency"], "USD");
    school.ask("sendSms", json!({ "to": number(1), "body": "x" })).await;
    let usage = school.ask("getUsage", json!({ "category": "sms" })).await;
    assert!(usage["records"].is_array());
    assert_eq!(school.ask("getPricing", json!({ "country": "US" })).await["isoCountry"], "US");
    assert_eq!(school.ask("getPricing", json!({ "country": "US", "kind": "voice" })).await["isoCountry"], "US");
    let known = school.ask("lookupPhoneNumber", json!({ "phoneNumber": "+14155550123", "lineType": true })).await;
    assert_eq!(known["valid"], true);
    assert!(known["lineTypeIntelligence"].is_object(), "{known}");
    assert_eq!(school.ask("lookupPhoneNumber", json!({ "phoneNumber": "+1415" })).await["valid"], false);
}

/// The founding document's example, word for word: typed, by name, and in its own `args`.
#[tokio::test]
async fn the_founding_documents_alert_is_one_however_it_is_called() {
    let school = School::open().await;
    let call = json!({
        "recipients": [
            { "phone": "+1234567890", "name": "John Doe" },
            { "phone": "+0987654321", "name": "Jane Smith" },
        ],
        "message": "School will be closed due to weather",
        "alertType": "emergency",
        "channels": ["sms", "voice"],
    });
    let typed = SendEmergencyAlert::new(
        [AlertRecipient::new("+1234567890").name("John Doe"), AlertRecipient::new("+0987654321").name("Jane Smith")],
        "School will be closed due to weather",
    )
    .alert_type(AlertType::Emergency)
    .channels([Channel::Sms, Channel::Voice]);
    assert_eq!(serde_json::to_value(&typed).unwrap(), call, "the struct is the document's JSON");
    let typed = school.tenant.call(&school.admin, typed).await.unwrap();
    let typed = serde_json::to_value(&typed.output).unwrap();
    let named = school.ask("sendEmergencyAlert", call.clone()).await;
    let listed = school.ask("sendEmergencyAlert", json!({ "args": [call] })).await;
    for report in [&typed, &named, &listed] {
        let (first, second) = (&report["recipients"][0], &report["recipients"][1]);
        // +1 and nine digits has the form of E.164, but no such number can exist: that is for Twilio to say.
        assert_eq!(first["error"]["vendorCode"], "21211", "{report}");
        assert_eq!(first["error"]["field"], "recipients[0].phone");
        // No country code begins with 0: that never leaves.
        assert_eq!((&second["error"]["code"], &second["channels"]), (&json!("invalid_argument"), &json!([])));
        assert_eq!((&report["accepted"], &report["failed"]), (&json!(0), &json!(2)));
    }
}

#[tokio::test]
async fn an_alert_is_never_refused_for_what_may_be_a_cards_number() {
    let school = School::open().await;
    let text = "Call 4242 4242 4242 4242 at once";
    let alert = json!({ "recipients": [{ "phone": number(1) }], "message": text });
    assert_eq!(school.ask("sendEmergencyAlert", alert).await["accepted"], 1);
    let sms = school.refuse("sendSms", json!({ "to": number(1), "body": text })).await;
    assert_eq!((sms.code(), sms.field()), (ErrorCode::CardDataRefused, Some("body")));
}

#[tokio::test]
async fn refusals_are_told_as_what_they_are() {
    let school = School::open().await;
    for (to, code, field) in [
        ("+15005550001", ErrorCode::InvalidArgument, Some("to")),
        ("+15005550009", ErrorCode::InvalidArgument, Some("to")),
        ("+15005550004", ErrorCode::Vendor, None),
    ] {
        let error = school.refuse("sendSms", json!({ "to": to, "body": "x" })).await;
        assert_eq!((error.code(), error.field()), (code, field), "{error}");
        assert!(error.vendor().unwrap().request_id.is_some());
        assert!(!format!("{error:?}").contains(to));
    }
    let foreign = json!({ "to": number(1), "body": "x", "from": "+15005550007" });
    assert_eq!(school.refuse("sendSms", foreign).await.field(), Some("from_number"));
    school.sandbox.twilio().set_auth_token(ACCOUNT_SID, "another0000000000000000000000000");
    assert_eq!(school.refuse("getBalance", json!({})).await.code(), ErrorCode::NeedsReconnect);
    let alert = json!({ "recipients": [{ "phone": number(1) }], "message": "Fire" });
    assert_eq!(school.refuse("sendEmergencyAlert", alert).await.code(), ErrorCode::NeedsReconnect);
}

/// Whatever happens to the answer, a message that left is there once, and one that did not is never reported as sent.
#[tokio::test]
async fn nothing_is_sent_twice_and_nothing_is_told_that_is_not_so() {
    let school = School::open().await;
    let twilio = school.sandbox.twilio();
    for (name, fault, sent) in [
        ("500 before", Fault::status(500), true),
        ("500 after", Fault::StatusAfter { status: 500 }, true),
        ("429", Fault::too_many(None), true),
        ("cut after", Fault::CutAfter, true),
        ("cut during", Fault::CutDuring, true),
        ("cut before", Fault::CutBefore, false),
        ("truncated", Fault::Truncate, true),
        ("a web page", Fault::Html { status: 502 }, true),
        ("a web page as success", Fault::Html { status: 200 }, true),
        ("a wrong type", Fault::WrongType { field: "sid".to_owned() }, true),
    ] {
        let to = number(1);
        twilio.faults().add(Rule::next(1, fault).method("POST").to(&to));
        let result = school.tenant.call(&school.admin, SendSms::new(phone(&to), name)).await;
        let there: Vec<_> = twilio.messages().into_iter().filter(|message| message.to == to).collect();
        assert_eq!(there.len(), usize::from(sent), "{name}");
        match result {
            Ok(message) => assert!(sent && message.sid == there[0].sid, "{name}"),
            Err(error) => assert!(!sent && error.code() == ErrorCode::OutcomeUnknown, "{name}: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_in_bad_weather_reaches_all_once() {
    let school = School::open().await;
    let twilio = school.sandbox.twilio();
    for (chance, seed, fault) in [
        (0.05, 1, Fault::too_many(None)),
        (0.03, 2, Fault::status(503)),
        (0.03, 3, Fault::StatusAfter { status: 500 }),
        (0.02, 4, Fault::CutAfter),
    ] {
        twilio.faults().add(Rule::chance(chance, seed, fault).method("POST"));
    }
    let people: Vec<_> = (0..300).map(|at| AlertRecipient::new(format!("+1628{:07}", 5_550_000 + at))).collect();
    let alert =
        SendEmergencyAlert::new(people.clone(), "Lockdown. Stay inside.").channels([Channel::Sms, Channel::Voice]);
    let report = school.tenant.call(&school.admin, alert).await.unwrap();
    assert_eq!(report.accepted + report.failed + report.unknown, 300);
    assert_eq!(report.failed, 0, "{:?}", report.recipients.iter().find(|r| r.state == DeliveryState::Failed));
    let mut counted = std::collections::HashMap::new();
    for message in twilio.messages() {
        *counted.entry(message.to).or_insert(0) += 1;
    }
    assert!(counted.values().all(|count| *count == 1), "somebody got it twice");
    for result in &report.recipients {
        let text = result.channels.iter().find(|result| result.channel == Channel::Sms).unwrap();
        if text.state == DeliveryState::Accepted {
            assert_eq!(counted.get(&result.phone), Some(&1));
        }
    }
    let stats = school.tenant.stats(&school.admin, None, None).await.unwrap();
    assert!(stats.costs[0].micros > 0);
}

#[tokio::test]
async fn bulk_goes_to_each_with_a_result_for_each() {
    let school = School::open().await;
    let (one, two) = (number(1), number(2));
    school.sandbox.twilio().opt_out(&two);
    let report = school.ask("sendBulkSms", json!({ "recipients": [one, two, "nobody"], "body": "Report cards" })).await;
    assert_eq!((&report["accepted"], &report["failed"]), (&json!(1), &json!(2)));
    assert_eq!(report["results"][1]["error"]["vendorCode"], "21610");
    assert_eq!(report["results"][2]["error"]["field"], "recipients[2]");
}
