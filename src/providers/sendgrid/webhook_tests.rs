//! Keys and signatures below were made by `openssl ecparam -name prime256v1 -genkey`, `openssl pkey -pubout -outform DER`
//! and `openssl dgst -sha256 -sign` over the timestamp and the body, on 2026-11-25.

use serde_json::json;
use url::Url;

use super::{SendgridConfig, webhook::verify};
use crate::{
    error::{Error, ErrorCode},
    model::Timestamp,
    providers::{DeliveryStage, Incoming, Webhook, WebhookEvent},
    transport::Headers,
};

const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvdMOz+trWf1N9+pdGXiu6m1zLjVVLrKAYvwVyFD7Be8EPiI/BgW8LF1tcA2KeQ2/Bxx4dsY2Zdoe7FPybAYOFA==";
const OTHER_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAES3gzzr0w3M8FVx830r1V+cq7O1nIKZrUf8hT6IQkhwPly00KVqsn/Vx94phIKDYIMAdyK595L4huF1aKTUev1A==";
const BODY: &str = r#"[{"email":"parent@example.com","timestamp":1800000000,"event":"delivered","sg_event_id":"ZGVsaXZlcmVkLTAtMQ","sg_message_id":"GFiBNPBGRRaSQ9QQ0jKrcg.recvd-5b8c-1-6385-2D.0","sis_request_id":"r1","response":"250 OK"},
{"email":"old@example.com","timestamp":1800000001,"event":"bounce","type":"bounce","status":"5.1.1","reason":"550 old@example.com is not here","sg_event_id":"Ym91bmNlLTE","sg_message_id":"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0"},
{"email":"parent@example.com","timestamp":1800000002,"event":"group_unsubscribe","sg_event_id":"Z3JvdXA","sg_message_id":"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0","asm_group_id":1}]
"#;
const SIGNED: &str = "MEYCIQCPcnvKoHXBsZ5QySdQzgQTI5WBlTl3uue3560ucFg//gIhAPECunAkYJjgbTdYPFHoU2EUkAliT+PW5v8d+mJKB19Y";
const SIGNED_BY_OTHER: &str =
    "MEYCIQC89JNqr6ygMWHmFTBHF2YOcrse+RnobKxVm2zfO5zyNwIhAJRLUMjSn+3s67lcbOnYoOXCrD7LQHZy19Ae/n2mdlJg";
/// Over `1800000000{}`.
const SIGNED_OBJECT: &str =
    "MEQCIEBdxsgZz7MKOF9DTBVpgQhb5e+aZOsE6cFdCyYf1/ygAiBD0pkt8xLFmERM3auQD5uGeLQyfIW014ekTLM3RtLINw==";
/// Over `1800000000[{"email":"x"}]`.
const SIGNED_NO_EVENT: &str =
    "MEUCID7726TA7B2jPM2v2e8Y6k7JLXluSpnpem/sM3RQ4SdBAiEAki0Cj+kvRjYQ9ld5DoQzhOzW8Gk4kRPA6yPwSsS0X7A=";
/// Over `soon[]`.
const SIGNED_NO_TIME: &str =
    "MEUCIQCTNmcZ8AHw9WHUCuEDXjIvJLeEVvdyabcWnmNNEiDTRgIgZRv5hUK9CDieV2GcBBL4ArNx76q84QNROvjP0C2DjgI=";
const AT: i64 = 1_800_000_000;

fn config(key: Option<&str>, previous: Option<&str>) -> SendgridConfig {
    let mut config = SendgridConfig::new("SG.key", "school@example.com");
    config.webhook_public_key = key.map(str::to_owned);
    config.previous_webhook_public_key = previous.map(str::to_owned);
    config
}

fn told(
    config: &SendgridConfig,
    signature: Option<&str>,
    timestamp: Option<&str>,
    body: &[u8],
    now: i64,
) -> Result<Vec<WebhookEvent>, Error> {
    let url = Url::parse("https://school.example/api/integrations/webhooks/sendgrid").unwrap();
    let mut headers = Headers::default();
    for (name, value) in [("signature", signature), ("timestamp", timestamp)] {
        if let Some(value) = value {
            headers.set(&format!("x-twilio-email-event-webhook-{name}"), value);
        }
    }
    let incoming = Incoming::new(&url, &headers, body, Timestamp::from_micros(now * 1_000_000));
    match verify(config, &incoming)? {
        Webhook::Events(events) => Ok(events),
        Webhook::Handshake(_) => panic!("SendGrid has no handshake"),
    }
}

fn good(signature: &str, body: &str) -> Result<Vec<WebhookEvent>, Error> {
    told(&config(Some(KEY), None), Some(signature), Some("1800000000"), body.as_bytes(), AT)
}

#[test]
fn events_are_told_with_what_became_of_the_message() {
    let events = good(SIGNED, BODY).unwrap();
    let ids: Vec<_> = events.iter().map(|event| (event.id.as_str(), event.kind.as_str())).collect();
    assert_eq!(ids, [("ZGVsaXZlcmVkLTAtMQ", "delivered"), ("Ym91bmNlLTE", "bounce"), ("Z3JvdXA", "group_unsubscribe")]);
    let first = events[0].delivery.as_ref().unwrap();
    assert_eq!((first.message_id.as_str(), first.state), ("GFiBNPBGRRaSQ9QQ0jKrcg", DeliveryStage::Delivered));
    assert_eq!(first.reason, None);
    assert_eq!(events[0].at, Some(Timestamp::from_micros(AT * 1_000_000)));
    assert_eq!(events[0].data["sis_request_id"], "r1");
    let bounce = events[1].delivery.as_ref().unwrap();
    assert_eq!((bounce.message_id.as_str(), bounce.state), ("14c5d75ce93.dfd.64b469", DeliveryStage::Failed));
    assert_eq!(bounce.reason.as_deref(), Some("5.1.1"));
    assert_eq!(events[2].delivery, None);
}

#[test]
fn each_active_key_fits() {
    let check = |key, previous, signature| {
        told(&config(key, previous), Some(signature), Some("1800000000"), BODY.as_bytes(), AT)
            .map(|events| events.len())
    };
    assert_eq!(check(Some(KEY), Some(OTHER_KEY), SIGNED_BY_OTHER).unwrap(), 3);
    assert_eq!(check(None, Some(KEY), SIGNED).unwrap(), 3);
    assert_eq!(check(Some(KEY), None, SIGNED_BY_OTHER).unwrap_err().code(), ErrorCode::SignatureInvalid);
    assert_eq!(check(None, None, SIGNED).unwrap_err().code(), ErrorCode::NotConfigured);
}

#[test]
fn what_is_forged_stale_or_changed_is_refused_by_name() {
    let ours = config(Some(KEY), None);
    let reencoded = serde_json::from_str::<serde_json::Value>(BODY).unwrap().to_string();
    let other_time = "1800000001";
    for (what, signature, timestamp, body, now, code) in [
        ("no signature", None, Some("1800000000"), BODY, AT, ErrorCode::SignatureMissing),
        ("no timestamp", Some(SIGNED), None, BODY, AT, ErrorCode::SignatureMissing),
        ("no base64", Some("!"), Some("1800000000"), BODY, AT, ErrorCode::SignatureInvalid),
        ("no DER", Some("AAAA"), Some("1800000000"), BODY, AT, ErrorCode::SignatureInvalid),
        ("cut signature", Some(&SIGNED[..92]), Some("1800000000"), BODY, AT, ErrorCode::SignatureInvalid),
        ("another time", Some(SIGNED), Some(other_time), BODY, AT, ErrorCode::SignatureInvalid),
        ("cut body", Some(SIGNED), Some("1800000000"), &BODY[..BODY.len() - 1], AT, ErrorCode::SignatureInvalid),
        ("re-encoded", Some(SIGNED), Some("1800000000"), &reencoded, AT, ErrorCode::SignatureInvalid),
        ("stale", Some(SIGNED), Some("1800000000"), BODY, AT + 301, ErrorCode::SignatureStale),
        ("ahead", Some(SIGNED), Some("1800000000"), BODY, AT - 301, ErrorCode::SignatureStale),
        // A forged one is never told that it is stale: only what is signed has a time.
        ("stale and forged", Some(SIGNED_BY_OTHER), Some("1800000000"), BODY, AT + 301, ErrorCode::SignatureInvalid),
        ("no number", Some(SIGNED_NO_TIME), Some("soon"), "[]", AT, ErrorCode::SignatureInvalid),
    ] {
        let error = told(&ours, signature, timestamp, body.as_bytes(), now).unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
        assert!(!format!("{error:?}").contains("example.com"), "{what}");
    }
    assert!(told(&ours, Some(SIGNED), Some("1800000000"), BODY.as_bytes(), AT + 300).is_ok());
}

#[test]
fn a_signed_body_that_is_no_list_of_events_says_so() {
    assert_eq!(good(SIGNED_OBJECT, "{}").unwrap_err().field(), Some("body"));
    let error = good(SIGNED_NO_EVENT, r#"[{"email":"x"}]"#).unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("body")));
    assert!(error.message().contains("[0].event"));
}

/// Signs as SendGrid does, with the private half of `KEY`: for what the fixed vectors above do not cover.
fn signed(body: &str) -> (SendgridConfig, String) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use p256::ecdsa::{Signature, SigningKey, signature::Signer};
    let key = hex::decode("f975e2efb219c29251c768c532d49afa456e84d3a3252b0c0f51b9df318a846a").unwrap();
    let signature: Signature = SigningKey::from_slice(&key).unwrap().sign(format!("1800000000{body}").as_bytes());
    (config(Some(KEY), None), STANDARD.encode(signature.to_der().as_bytes()))
}

#[test]
fn each_kind_has_its_stage() {
    for (kind, stage) in [
        ("processed", Some(DeliveryStage::Queued)),
        ("deferred", Some(DeliveryStage::Sending)),
        ("delivered", Some(DeliveryStage::Delivered)),
        ("bounce", Some(DeliveryStage::Failed)),
        ("dropped", Some(DeliveryStage::Failed)),
        ("open", Some(DeliveryStage::Read)),
        ("click", Some(DeliveryStage::Read)),
        ("spamreport", None),
        ("unsubscribe", None),
        ("of_tomorrow", None),
    ] {
        let body = json!([{ "event": kind, "sg_message_id": "a", "reason": "Bounced Address" }]).to_string();
        let (config, signature) = signed(&body);
        let event = &told(&config, Some(&signature), Some("1800000000"), body.as_bytes(), AT).unwrap()[0];
        assert_eq!(event.delivery.as_ref().map(|delivery| delivery.state), stage, "{kind}");
        let reason = event.delivery.as_ref().and_then(|delivery| delivery.reason.as_deref());
        assert_eq!(reason.is_some(), stage == Some(DeliveryStage::Failed), "{kind}");
        // Without an id of SendGrid's, the same event has the same one of ours.
        let again = &told(&config, Some(&signature), Some("1800000000"), body.as_bytes(), AT + 1).unwrap()[0];
        assert_eq!(event.id, again.id);
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes(
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        signature in "\\PC{0,100}",
        timestamp in "\\PC{0,20}",
    ) {
        let refused = told(&config(Some(KEY), None), Some(&signature), Some(&timestamp), &body, AT);
        proptest::prop_assert_eq!(refused.unwrap_err().code(), ErrorCode::SignatureInvalid);
    }

    #[test]
    fn any_signed_json(event in "[a-z]{0,9}", id in "\\PC{0,30}", timestamp in proptest::num::i64::ANY) {
        let body = json!([{ "event": event, "sg_message_id": id, "sg_event_id": 5, "timestamp": timestamp }]).to_string();
        let (config, signature) = signed(&body);
        let told = told(&config, Some(&signature), Some("1800000000"), body.as_bytes(), AT);
        proptest::prop_assert_eq!(told.is_err(), event.is_empty());
    }
}
