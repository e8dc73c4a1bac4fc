use serde_json::{Value, json};

use super::{testing::*, *};
use crate::{
    error::ErrorCode,
    providers::{Operation, read_arguments},
    transport::Method,
};

fn sms(to: &str) -> SendSms {
    SendSms::new(to.parse().unwrap(), "School closes at noon")
}

#[tokio::test]
async fn an_sms_is_sent_as_documented_and_read_back_in_our_spelling() {
    let (bench, to) = (Bench::new([]), number());
    let message = bench.run(sms(&to).media("https://school.example/a.png".parse().unwrap())).await.unwrap();
    let asked = &bench.asked()[0];
    assert_eq!(asked.path, format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    assert!(asked.authorization.starts_with("Basic QUMw"));
    assert_eq!(asked.form("To"), Some(to.as_str()));
    assert_eq!(asked.form("From"), Some("+15005550006"));
    assert_eq!(asked.form("MediaUrl"), Some("https://school.example/a.png"));
    let json = serde_json::to_value(&message).unwrap();
    assert_eq!((&json["numSegments"], &json["status"]), (&json!(1), &json!("queued")));
    assert_eq!(json["uri"], "/2010-04-01/x", "unknown fields are kept");
    assert_eq!(serde_json::from_value::<Message>(json).unwrap(), message);
    assert_eq!(*bench.cost.lock(), prices::MMS);
}

#[tokio::test]
async fn a_messaging_service_goes_before_the_number_and_a_given_number_before_both() {
    let mut bench = Bench::new([]);
    bench.config = config().messaging_service("MG00000000000000000000000000000000");
    bench.run(sms(&number())).await.unwrap();
    bench.run(sms(&number()).from("+15005550001".parse().unwrap())).await.unwrap();
    let asked = bench.asked();
    assert_eq!((asked[0].form("From"), asked[1].form("MessagingServiceSid")), (None, None));
    assert_eq!(asked[1].form("From"), Some("+15005550001"));
    bench.config = TwilioConfig::new(ACCOUNT, "token-of-tests");
    let error = bench.run(sms(&number())).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("from_number")));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_for_and_never_sent_again() {
    let to = number();
    let bench = Bench::new([lost(), listed("messages", vec![created(&to, "School closes at noon")])]);
    assert!(bench.run(sms(&to)).await.is_ok());
    assert_eq!(bench.posts(), 1);

    let to = number();
    let bench = Bench::new([lost()]);
    let error = bench.run(sms(&to)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    assert_eq!(bench.posts(), 1, "what may still arrive is not sent again");

    let two = || vec![created(&to, "School closes at noon"), created(&to, "School closes at noon")];
    let bench = Bench::new([lost(), listed("messages", two()), listed("messages", two())]);
    assert_eq!(bench.run(sms(&to)).await.unwrap_err().code(), ErrorCode::OutcomeUnknown, "two cannot be told apart");
}

#[tokio::test(start_paused = true)]
async fn after_5xx_and_nothing_in_the_list_it_is_sent_once_more() {
    let bench = Bench::new([refused(503, 20503)]);
    assert!(bench.run(sms(&number())).await.is_ok());
    assert_eq!(bench.posts(), 2);

    let failing = Bench::with([], |asked| match asked.method {
        Method::Post => refused(500, 20500),
        _ => listed("messages", vec![]),
    });
    let error = failing.run(sms(&number())).await.unwrap_err();
    assert_eq!((error.code(), error.vendor().unwrap().status), (ErrorCode::OutcomeUnknown, 500));
    assert_eq!(failing.posts(), 2);

    let dark = Bench::with([], |_| refused(503, 20503));
    assert_eq!(dark.run(sms(&number())).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert_eq!(dark.posts(), 1, "a list that cannot be read tells nothing");
}

#[tokio::test(start_paused = true)]
async fn what_another_send_was_answered_with_is_not_ours() {
    let to = number();
    let known = created(&to, "School closes at noon");
    let bench = Bench::new([Ok((201, known.clone()))]);
    bench.run(sms(&to)).await.unwrap();
    let both = || listed("messages", vec![created(&to, "School closes at noon"), known.clone()]);
    let bench = Bench::new([lost(), both()]);
    let message = bench.run(sms(&to)).await.unwrap();
    assert_ne!(Value::String(message.sid), known["sid"]);
}

#[tokio::test(start_paused = true)]
async fn older_and_foreign_messages_are_not_ours() {
    let to = number();
    let old = |seconds| {
        let mut message = created(&to, "School closes at noon");
        let at = crate::model::Runtime::current().now().before(std::time::Duration::from_secs(seconds));
        message["date_created"] = rfc2822(at).into();
        message
    };
    let other = created(&to, "Lunch is served");
    let bench = Bench::new([lost(), listed("messages", vec![other, old(3600)]), listed("messages", vec![])]);
    assert_eq!(bench.run(sms(&to)).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    // Sent a moment before ours: by whom cannot be told, so it is not sent again either.
    let bench = Bench::new([refused(500, 20500), listed("messages", vec![old(10)]), listed("messages", vec![old(10)])]);
    assert_eq!(bench.run(sms(&to)).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert_eq!(bench.posts(), 1);
}

#[tokio::test]
async fn a_call_speaks_its_text() {
    let bench = Bench::new([]);
    bench.run(MakeCall::say(number().parse().unwrap(), "Snow & ice")).await.unwrap();
    let asked = &bench.asked()[0];
    assert!(asked.path.ends_with("/Calls.json"));
    assert_eq!(asked.form("Twiml"), Some("<Response><Say>Snow &amp; ice</Say></Response>"));
    assert_eq!(*bench.cost.lock(), prices::VOICE);
}

#[tokio::test]
async fn an_alert_reaches_whom_it_can_and_reports_the_rest() {
    let (one, two) = (number(), number());
    let bench = Bench::with([], {
        let two = two.clone();
        move |asked| match asked.form("To") {
            Some(to) if to == two => refused(400, 21610),
            Some(to) => Ok((201, created(to, asked.form("Body").unwrap_or("")))),
            None => listed("messages", vec![]),
        }
    });
    let alert: SendEmergencyAlert = read_arguments(json!({
        "recipients": [
            { "phone": one, "name": "John Doe" }, { "phone": "555-12", "name": "Jane Smith" }, { "phone": two },
            { "phone": one },
        ],
        "message": "School is closed",
        "alertType": "emergency",
        "channels": ["sms", "voice"],
    }))
    .unwrap();
    let report = bench.run(alert).await.unwrap();
    assert_eq!((report.accepted, report.failed, report.unknown, report.duplicates), (1, 2, 0, 1));
    let json = serde_json::to_value(&report).unwrap();
    let at = |path: &str| json.pointer(path).cloned().unwrap_or_default();
    assert_eq!(at("/recipients/0/channels/0/channel"), "sms");
    assert_eq!(at("/recipients/0/channels/1/channel"), "voice");
    assert!(at("/recipients/0/channels/0/sid").is_string());
    assert_eq!(at("/recipients/1/state"), "failed");
    assert_eq!(at("/recipients/1/error/code"), "invalid_argument");
    assert_eq!(at("/recipients/1/error/field"), "recipients[1].phone");
    assert_eq!((at("/recipients/0/name"), at("/recipients/1/name")), (json!("John Doe"), json!("Jane Smith")));
    assert_eq!(json["recipients"][2].get("name"), None);
    assert_eq!(at("/recipients/2/channels/0/error/vendorCode"), "21610");
    assert_eq!(at("/recipients/3/state"), "duplicate");
    assert_eq!(at("/recipients/3/duplicateOf"), 0);
    assert_eq!(serde_json::from_value::<AlertReport>(json).unwrap(), report);
    let shown = format!("{report:?}");
    assert!(!shown.contains("John") && !shown.contains(&one), "{shown}");
    assert_eq!(bench.posts(), 4, "two channels to two people");
    let parts = bench.parts.0.lock();
    assert!(parts.contains(&"intend recipients[0]/sms".to_owned()));
    assert!(parts.contains(&"settle recipients[0]/voice ok".to_owned()));
    assert!(parts.contains(&"settle recipients[2]/sms vendor".to_owned()));
    assert_eq!(*bench.cost.lock(), prices::SMS + prices::VOICE);
}

#[tokio::test(start_paused = true)]
async fn an_alert_outlasts_429_and_marks_what_is_unknown() {
    let people: Vec<String> = (0..200).map(|_| number()).collect();
    let throttled = std::sync::atomic::AtomicUsize::new(0);
    let last = people[199].clone();
    let bench = Bench::with([], move |asked| match asked.form("To") {
        Some(to) if to == last => lost(),
        Some(_) if throttled.fetch_add(1, std::sync::atomic::Ordering::Relaxed).is_multiple_of(3) => {
            refused(429, 20429)
        }
        Some(to) => Ok((201, created(to, asked.form("Body").unwrap_or("")))),
        None => listed("messages", vec![]),
    });
    let alert = SendEmergencyAlert::new(people.into_iter().map(AlertRecipient::new), "Lockdown");
    let report = bench.run(alert).await.unwrap();
    assert_eq!((report.accepted, report.unknown), (199, 1));
    assert_eq!(report.recipients[199].state, DeliveryState::Unknown);
    assert_eq!(report.recipients[199].error.as_ref().unwrap().code, "outcome_unknown");
}

#[tokio::test]
async fn refused_credentials_end_an_alert_at_once() {
    let bench = Bench::with([], |_| refused(401, 20003));
    let people = (0..5000).map(|at| AlertRecipient::new(format!("+1555{at:07}")));
    let error = bench.run(SendEmergencyAlert::new(people, "Fire")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReconnect);
    assert!(bench.posts() < 600, "{}", bench.posts());
}

#[tokio::test]
async fn a_channel_without_settings_does_not_stop_the_others() {
    let mut bench = Bench::new([]);
    bench.config.whatsapp_from = None;
    let alert = SendEmergencyAlert::new([AlertRecipient::new(number())], "Fire");
    let report = bench.run(alert.clone().channels([Channel::WhatsApp, Channel::Sms])).await.unwrap();
    assert_eq!(report.accepted, 1);
    assert_eq!(report.recipients[0].channels[0].error.as_ref().unwrap().code, "not_configured");
    let error = bench.run(alert.channels([Channel::WhatsApp])).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("whatsapp_from")));
}

#[test]
fn an_alert_that_cannot_work_is_refused_with_its_path() {
    let person = json!({ "phone": "+15551234567" });
    for (arguments, field) in [
        (json!({ "recipients": [], "message": "x" }), "recipients"),
        (json!({ "recipients": vec![person.clone(); 100_001], "message": "x" }), "recipients"),
        (json!({ "recipients": [{ "phone": "1" }, { "phone": "" }], "message": "x" }), "recipients[0].phone"),
        (json!({ "recipients": [person], "message": "" }), "message"),
        (json!({ "recipients": [person], "message": "x".repeat(1601) }), "message"),
        (json!({ "recipients": [person], "message": "&".repeat(1600), "channels": ["voice"] }), "message"),
        (json!({ "recipients": [person], "message": "x", "channels": [] }), "channels"),
        (json!({ "recipients": [person], "message": "x", "channels": ["fax"] }), "channels[0]"),
        (json!({ "recipients": [person], "message": "x", "alertType": "party" }), "alertType"),
        (json!({ "recipients": [{ "phone": 5 }], "message": "x" }), "recipients[0].phone"),
    ] {
        let error = read_arguments::<SendEmergencyAlert>(arguments).and_then(|alert| alert.validate()).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{error}");
    }
    let most = json!({ "recipients": vec![person.clone(); 100_000], "message": "x".repeat(1600) });
    assert!(read_arguments::<SendEmergencyAlert>(most).unwrap().validate().is_ok());
    let mixed = json!({ "recipients": [{ "phone": "1" }, person], "message": "x" });
    assert!(read_arguments::<SendEmergencyAlert>(mixed).unwrap().validate().is_ok());
}

#[tokio::test]
async fn lists_are_asked_for_with_filters_and_lead_on() {
    let next = "/2010-04-01/Accounts/AC/Messages.json?To=%2B1&PageSize=1&Page=1&PageToken=PT7";
    let bench = Bench::new([Ok((200, json!({ "messages": [created("+15551234567", "x")], "next_page_uri": next })))]);
    let list =
        ListMessages::new().to("+15551234567".parse().unwrap()).sent_from("2026-11-24T10:00:00Z".parse().unwrap());
    let page = bench.run(list.clone().page_size(1)).await.unwrap();
    let token = page.next_page_token.unwrap();
    let last = bench.run(list.page_size(1).page_token(token)).await.unwrap();
    assert_eq!(last.next_page_token, None);
    let asked = bench.asked();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let filters = [pair("To", "+15551234567"), pair("DateSent>", "2026-11-24"), pair("PageSize", "1")];
    assert_eq!(asked[0].query, filters);
    assert_eq!(asked[1].query[3..], [pair("Page", "1"), pair("PageToken", "PT7")]);
}

#[tokio::test]
async fn the_balance_is_exact_and_refused_credentials_say_so() {
    let bench = Bench::new([
        Ok((200, json!({ "account_sid": ACCOUNT, "balance": "99.9917", "currency": "USD" }))),
        refused(401, 20003),
        Ok((200, json!({}))),
    ]);
    assert_eq!(bench.run(GetBalance::new()).await.unwrap().balance.as_deref(), Some("99.9917"));
    assert_eq!(bench.run(GetBalance::new()).await.unwrap_err().code(), ErrorCode::NeedsReconnect);
    assert_eq!(bench.run(GetBalance::new()).await.unwrap_err().code(), ErrorCode::InvalidResponse);
}

#[tokio::test]
async fn bulk_sends_each_its_own_and_reports_each() {
    let (bench, to) = (Bench::new([]), number());
    let texts = [(to.as_str(), "a"), (&to, "b"), (&to, "a"), ("nobody", "a")];
    let report = bench.run(SendBulkSms::new(texts.map(|(to, body)| BulkMessage::new(to, body)))).await.unwrap();
    assert_eq!((report.accepted, report.failed, report.unknown, report.duplicates), (2, 1, 0, 1));
    assert_eq!(report.results[2].duplicate_of, Some(0));
    assert_eq!(report.results[3].error.as_ref().unwrap().field.as_deref(), Some("messages[3].to"));
    assert_eq!(bench.run(SendBulkSms::to_all([number(), number()], "c")).await.unwrap().accepted, 2);
    assert!(bench.parts.0.lock().contains(&"settle messages[1]/sms ok".to_owned()));
    for (arguments, field) in [
        (json!({}), "messages"),
        (json!({ "recipients": [to] }), "body"),
        (json!({ "body": "x" }), "recipients"),
        (json!({ "recipients": ["x"], "body": "x" }), "recipients[0]"),
        (json!({ "messages": [{ "to": to, "body": "x" }, { "to": to, "body": "" }] }), "messages[1].body"),
        (json!({ "messages": [{ "to": to, "body": "x" }], "body": "x" }), "body"),
    ] {
        let error = read_arguments::<SendBulkSms>(arguments).and_then(|bulk| bulk.validate()).unwrap_err();
        assert_eq!(error.field(), Some(field));
    }
}

#[tokio::test]
async fn whatsapp_takes_a_text_or_a_template() {
    let bench = Bench::new([]);
    let to = || number().parse().unwrap();
    let sid = "HX00000000000000000000000000000000";
    bench.run(SendWhatsApp::template(to(), sid).variable("1", "Monday")).await.unwrap();
    let asked = &bench.asked()[0];
    assert!(asked.form("To").unwrap().starts_with("whatsapp:+1555"));
    assert_eq!(asked.form("From"), Some("whatsapp:+15005550009"));
    assert_eq!(asked.form("ContentVariables"), Some(r#"{"1":"Monday"}"#));
    assert_eq!(asked.form("Body"), None);
    let both = SendWhatsApp { content_sid: Some(sid.to_owned()), ..SendWhatsApp::new(to(), "x") };
    assert_eq!(both.validate().unwrap_err().field(), Some("contentSid"));
    assert_eq!(SendWhatsApp::template(to(), "HX").validate().unwrap_err().field(), Some("contentSid"));
    assert_eq!(
        SendWhatsApp::new(to(), "x").variable("1", "y").validate().unwrap_err().field(),
        Some("contentVariables")
    );
}

#[tokio::test]
async fn other_hosts_are_asked_at_their_paths() {
    let bench = Bench::new([
        Ok((200, json!({ "valid": false, "validation_errors": ["TOO_SHORT"], "sim_swap": null, "url": "u" }))),
        Ok((
            200,
            json!({ "contents": [{ "sid": "HX1", "variables": { "1": "x" } }], "meta": {
            "next_page_url": "https://content.twilio.com/v1/Content?PageSize=1&Page=1&PageToken=DN2" } }),
        )),
        Ok((
            200,
            json!({ "iso_country": "US", "price_unit": "usd", "outbound_sms_prices": [
            { "carrier": "ATT", "prices": [{ "base_price": "0.0083", "number_type": "local" }] }] }),
        )),
    ]);
    let info = bench.run(LookupPhoneNumber::new("(555) 1").country_code("US").line_type()).await.unwrap();
    assert_eq!((info.valid, info.validation_errors), (false, vec!["TOO_SHORT".to_owned()]));
    let page = bench.run(ListTemplates::new().page_size(1)).await.unwrap();
    assert!(page.next_page_token.is_some());
    let prices = bench.run(GetPricing::new("US")).await.unwrap();
    assert_eq!(prices.outbound_sms_prices[0]["prices"][0]["basePrice"], "0.0083");
    let paths: Vec<_> = bench.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/v2/PhoneNumbers/(555)%201", "/v1/Content", "/v1/Messaging/Countries/US"]);
    for wrong in ["..", "+", "1/../x", ""] {
        assert_eq!(LookupPhoneNumber::new(wrong).validate().unwrap_err().field(), Some("phoneNumber"), "{wrong}");
    }
}

/// Every operation is documented as a page needs it.
#[test]
fn every_operation_is_described() {
    for spec in Twilio::operations() {
        let about = spec.about().split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["https://www.twilio.com/docs", "Access `", "Example: `"] {
            assert!(about.contains(part), "{} lacks {part}", spec.name);
        }
        assert!(about.contains(&format!("Access `{}`", spec.access.name())), "{}", spec.name);
        // What it calls an example is one.
        let example = about.split_once("Example: `").unwrap().1.split_once('`').unwrap().0;
        let arguments: Value = serde_json::from_str(example).unwrap();
        spec.prepare(arguments).unwrap().validate().unwrap();
        let (input, output) = ((spec.input_schema)(), (spec.output_schema)());
        for schema in [&input, &output] {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{}.{name} has no description", spec.name);
            }
        }
        for disclosed in spec.discloses {
            let first = disclosed.argument.split(['.', '[']).next().unwrap();
            assert!(input["properties"].get(first).is_some(), "{} has no {first}", spec.name);
        }
    }
}

fn json_value() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let key = prop_oneof![
        "[a-zA-Z]{1,8}",
        proptest::sample::select(vec!["to", "body", "recipients", "phone", "message", "channels", "sid", "pageToken"])
            .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("+15551234567")),
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest::proptest! {
    #[test]
    fn arbitrary_arguments_never_panic(value in json_value()) {
        for spec in Twilio::operations() {
            if let Ok(prepared) = spec.prepare(value.clone()) {
                let _ = prepared.validate();
            }
        }
    }

    #[test]
    fn arbitrary_answers_never_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
        value in json_value(),
    ) {
        let written = value.to_string();
        for body in [bytes.as_slice(), written.as_bytes()] {
            let _ = serde_json::from_slice::<wire::Wire<Message>>(body);
            let _ = serde_json::from_slice::<wire::Wire<PhoneCall>>(body);
            let _ = serde_json::from_slice::<wire::Wire<MessagePage>>(body);
            let _ = serde_json::from_slice::<wire::Wire<Balance>>(body);
            let _ = serde_json::from_slice::<wire::Wire<UsagePage>>(body);
        }
    }
}
