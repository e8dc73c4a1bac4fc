//! Events as SendGrid documents them, through the type.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::SendgridEvent;
use crate::{
    error::{ErrorCode, Result},
    providers::{
        WebhookEvent,
        typed::tests::{any_data, assert_own_variants, assert_told, read_or_refused},
    },
};

/// What every event has, and what this one has.
fn typed(kind: &str, own: Value) -> Result<SendgridEvent> {
    let mut data = json!({
        "email": "parent@example.com", "timestamp": 1_800_000_000, "event": kind, "category": "cat facts",
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>", "sg_event_id": "event-1",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "sis_request_id": "r1",
    });
    if let (Value::Object(data), Value::Object(own)) = (&mut data, own) {
        data.extend(own);
    }
    WebhookEvent::new("event-1", kind, data).typed()
}

#[test]
fn what_all_events_have_is_read() {
    let own = json!({ "response": "250 OK", "ip": "168.1.1.1", "tls": 1, "cert_err": 0, "asm_group_id": 10 });
    let Ok(SendgridEvent::Delivered(delivered)) = typed("delivered", own) else { panic!("it was delivered") };
    assert_eq!(delivered.email.as_deref(), Some("parent@example.com"));
    assert_eq!(delivered.timestamp, Some(crate::Timestamp::from_micros(1_800_000_000_000_000)));
    assert_eq!((delivered.sg_event_id.as_deref(), delivered.ip.as_deref()), (Some("event-1"), Some("168.1.1.1")));
    assert_eq!(delivered.message_id(), Some("14c5d75ce93.dfd.64b469"));
    assert_eq!(delivered.smtp_id.as_deref(), Some("<14c5d75ce93.dfd.64b469@ismtpd-555>"));
    assert_eq!(
        (delivered.category.as_slice(), delivered.asm_group_id),
        (["cat facts".to_owned()].as_slice(), Some(10))
    );
    assert_eq!((delivered.response.as_deref(), delivered.tls), (Some("250 OK"), true));
    // Custom arguments and what has no name here stay as SendGrid spells them.
    let left = json!({ "event": "delivered", "sis_request_id": "r1", "cert_err": 0 });
    assert_eq!(Value::Object(delivered.more), left);
}

#[test]
fn a_message_on_its_way_is_read() {
    let own = json!({ "category": ["a", "b"], "send_at": "1800000100", "pool": { "name": "new", "id": 210 } });
    let Ok(SendgridEvent::Processed(processed)) = typed("processed", own) else { panic!("it was processed") };
    assert_eq!(
        (processed.category.as_slice(), processed.send_at),
        (["a".into(), "b".into()].as_slice(), Some(1_800_000_100))
    );
    assert_eq!(processed.pool, Some(json!({ "name": "new", "id": 210 })));
    let own = json!({ "response": "400 try again later", "attempt": "5" });
    let Ok(SendgridEvent::Deferred(deferred)) = typed("deferred", own) else { panic!("it was deferred") };
    assert_eq!((deferred.response.as_deref(), deferred.attempt), (Some("400 try again later"), Some(5)));
}

#[test]
fn a_message_that_did_not_arrive_is_read() {
    let own = json!({
        "reason": "500 unknown recipient", "status": "5.0.0", "type": "blocked", "bounce_classification": "Invalid Address",
        "sg_message_id": null,
    });
    let Ok(SendgridEvent::Bounce(bounce)) = typed("bounce", own) else { panic!("it came back") };
    assert_eq!((bounce.reason.as_deref(), bounce.status.as_deref()), (Some("500 unknown recipient"), Some("5.0.0")));
    assert_eq!((bounce.kind.as_deref(), bounce.tls, bounce.message_id()), (Some("blocked"), false, None));
    assert_eq!(bounce.bounce_classification.as_deref(), Some("Invalid Address"));
    let own = json!({ "reason": "Bounced Address", "status": "5.0.0" });
    let Ok(SendgridEvent::Dropped(dropped)) = typed("dropped", own) else { panic!("it was dropped") };
    assert_eq!((dropped.reason.as_deref(), dropped.status.as_deref()), (Some("Bounced Address"), Some("5.0.0")));
}

#[test]
fn what_the_recipient_did_is_read() {
    let own = json!({ "useragent": "Mozilla/5.0", "ip": "255.255.255.255", "sg_machine_open": true, "sg_content_type": "html" });
    let Ok(SendgridEvent::Open(opened)) = typed("open", own) else { panic!("it was opened") };
    assert_eq!((opened.useragent.as_deref(), opened.sg_machine_open), (Some("Mozilla/5.0"), true));
    assert_eq!(opened.sg_content_type.as_deref(), Some("html"));
    let own = json!({ "url": "https://school.example/", "url_offset": { "index": 0, "type": "html" } });
    let Ok(SendgridEvent::Click(clicked)) = typed("click", own) else { panic!("a link was followed") };
    assert_eq!(clicked.url.as_deref(), Some("https://school.example/"));
    assert_eq!(clicked.url_offset, Some(json!({ "index": 0, "type": "html" })));
    let Ok(SendgridEvent::SpamReport(report)) = typed("spamreport", json!({})) else { panic!("it was spam") };
    assert_eq!(report.email.as_deref(), Some("parent@example.com"));
    let Ok(SendgridEvent::Unsubscribe(left)) = typed("unsubscribe", json!({})) else { panic!("they left") };
    assert_eq!(left.email.as_deref(), Some("parent@example.com"));
    let own = || json!({ "asm_group_id": 10, "useragent": "Mozilla/5.0", "url": "https://school.example/" });
    let Ok(SendgridEvent::GroupUnsubscribe(left)) = typed("group_unsubscribe", own()) else { panic!("they left") };
    let Ok(SendgridEvent::GroupResubscribe(back)) = typed("group_resubscribe", own()) else { panic!("they are back") };
    assert_eq!((left.asm_group_id, back.asm_group_id), (Some(10), Some(10)));
}

#[test]
fn what_is_not_known_is_kept_and_what_is_not_as_documented_is_refused() {
    let other = WebhookEvent::new("1", "account_status_change", json!({ "type": "compliance_suspend" }));
    assert_eq!(other.typed::<SendgridEvent>().unwrap(), SendgridEvent::Other(other));
    for (own, field, message) in [
        (json!({ "attempt": "often" }), "data.attempt", "must be a whole number"),
        (json!({ "category": [5] }), "data.category", "must be a string or a list of strings"),
        (json!({ "email": 5 }), "data.email", "must be a string, not an integer"),
    ] {
        let error = typed("deferred", own).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)));
        assert_eq!(error.message(), message);
    }
}

#[test]
fn each_kind_becomes_its_variant() {
    assert_own_variants::<SendgridEvent>(SendgridEvent::KINDS, &json!({ "email": "parent@example.com" }));
}

#[test]
fn the_page_tells_of_every_kind() {
    assert_told(include_str!("../../../docs/providers/sendgrid.md"), SendgridEvent::KINDS);
}

/// Of each type that a field is read as.
const NAMES: &[&str] =
    &["email", "timestamp", "sg_message_id", "category", "asm_group_id", "attempt", "tls", "pool", "reason"];

proptest! {
    #[test]
    fn any_data_is_read_or_refused(data in any_data(NAMES)) {
        read_or_refused::<SendgridEvent>(SendgridEvent::KINDS, &data)?;
    }
}
