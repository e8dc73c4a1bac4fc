//! Events as Twilio documents them, through the type.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{InboundMedia, TwilioEvent};
use crate::{
    error::{ErrorCode, Result},
    providers::{
        WebhookEvent,
        typed::tests::{any_data, assert_own_variants, assert_told, read_or_refused},
    },
};

fn typed(kind: &str, data: Value) -> Result<TwilioEvent> {
    WebhookEvent::new("1", kind, data).typed()
}

#[test]
fn a_report_on_a_message_is_read() {
    let read = typed(
        "message.status",
        json!({
            "AccountSid": "AC1", "ApiVersion": "2010-04-01", "From": "+15017250604", "MessageSid": "SM1",
            "MessageStatus": "undelivered", "SmsSid": "SM1", "SmsStatus": "undelivered", "To": "+15558675310",
            "ErrorCode": "30003", "MessagingServiceSid": "MG1", "RawDlrDoneDate": "2611251430",
        }),
    );
    let Ok(TwilioEvent::MessageStatus(report)) = read else { panic!("{read:?}") };
    assert_eq!((report.sid.as_str(), report.status.as_deref()), ("SM1", Some("undelivered")));
    assert_eq!((report.from.as_deref(), report.to.as_deref()), (Some("+15017250604"), Some("+15558675310")));
    assert_eq!((report.error_code, report.account_sid.as_deref()), (Some(30003), Some("AC1")));
    assert_eq!(report.messaging_service_sid.as_deref(), Some("MG1"));
    assert_eq!(report.raw_dlr_done_date.as_deref(), Some("2611251430"));
    // Nothing that Twilio said is lost.
    let left: Vec<_> = report.extra.keys().map(String::as_str).collect();
    assert_eq!(left, ["ApiVersion", "SmsSid", "SmsStatus"]);
}

#[test]
fn an_old_report_has_other_names() {
    let read = typed("message.status", json!({ "SmsSid": "SM2", "SmsStatus": "sent", "ErrorCode": "none" }));
    let Ok(TwilioEvent::MessageStatus(report)) = read else { panic!("{read:?}") };
    assert_eq!((report.sid.as_str(), report.status.as_deref()), ("SM2", Some("sent")));
    // What is no number stays as it came.
    assert_eq!((report.error_code, &report.extra["ErrorCode"]), (None, &json!("none")));
}

#[test]
fn a_message_that_came_in_is_read_with_its_media() {
    let read = typed(
        "message.received",
        json!({
            "MessageSid": "MM1", "SmsStatus": "received", "From": "whatsapp:+14155550101", "To": "whatsapp:+14155550100",
            "Body": "", "NumMedia": "2", "NumSegments": "1", "ProfileName": "Jane", "FromCountry": "US",
            "MediaUrl0": "https://api.twilio.com/one", "MediaContentType0": "image/jpeg",
            "MediaUrl1": "https://api.twilio.com/two", "OptOutType": "STOP", "ButtonPayload": "yes",
        }),
    );
    let Ok(TwilioEvent::MessageReceived(message)) = read else { panic!("{read:?}") };
    assert_eq!((message.sid.as_str(), message.body.as_str(), message.num_segments), ("MM1", "", Some(1)));
    assert_eq!(message.from.as_deref(), Some("whatsapp:+14155550101"));
    assert_eq!((message.opt_out_type.as_deref(), message.button_payload.as_deref()), (Some("STOP"), Some("yes")));
    let media = |name: &str, content_type: Option<&str>| InboundMedia {
        url: format!("https://api.twilio.com/{name}"),
        content_type: content_type.map(str::to_owned),
    };
    assert_eq!(message.media, [media("one", Some("image/jpeg")), media("two", None)]);
    assert_eq!((&message.extra["NumMedia"], &message.extra["FromCountry"]), (&json!("2"), &json!("US")));
}

#[test]
fn a_report_on_a_call_is_read() {
    let read = typed(
        "call.status",
        json!({
            "CallSid": "CA1", "AccountSid": "AC1", "From": "+15017122661", "To": "+15558675310", "CallStatus": "completed",
            "ApiVersion": "2010-04-01", "Direction": "outbound-api", "CallbackSource": "call-progress-events",
            "Timestamp": "Wed, 25 Nov 2026 14:30:00 +0000", "SequenceNumber": "3", "CallDuration": "15",
            "SipResponseCode": "200", "AnsweredBy": "human",
        }),
    );
    let Ok(TwilioEvent::CallStatus(report)) = read else { panic!("{read:?}") };
    assert_eq!((report.sid.as_str(), report.status.as_deref()), ("CA1", Some("completed")));
    assert_eq!((report.duration, report.sequence_number, report.sip_response_code), (Some(15), Some(3), Some(200)));
    assert_eq!(report.at, Some("2026-11-25T14:30:00Z".parse().unwrap()));
    assert_eq!((report.direction.as_deref(), report.answered_by.as_deref()), (Some("outbound-api"), Some("human")));
    assert_eq!(report.extra["CallbackSource"], "call-progress-events");
}

#[test]
fn what_is_not_known_is_kept_and_what_has_no_id_is_refused() {
    let other = WebhookEvent::new("RE1", "other", json!({ "RecordingSid": "RE1" }));
    assert_eq!(other.typed::<TwilioEvent>().unwrap(), TwilioEvent::Other(other));
    for (kind, data, field) in [
        ("message.status", json!({ "MessageStatus": "sent" }), "data.MessageSid"),
        ("message.received", json!({ "MessageSid": ["SM1", "SM2"] }), "data.MessageSid"),
        ("call.status", json!({ "CallSid": 5 }), "data.CallSid"),
        ("call.status", json!([]), "data"),
    ] {
        let error = typed(kind, data).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)));
    }
}

#[test]
fn each_kind_becomes_its_variant() {
    assert_own_variants::<TwilioEvent>(TwilioEvent::KINDS, &json!({ "MessageSid": "SM1", "CallSid": "CA1" }));
}

#[test]
fn the_page_tells_of_every_kind() {
    assert_told(include_str!("../../../docs/providers/twilio.md"), TwilioEvent::KINDS);
}

/// Of each type that a parameter is read as.
const NAMES: &[&str] = &[
    "MessageSid",
    "SmsSid",
    "CallSid",
    "MessageStatus",
    "Body",
    "MediaUrl0",
    "MediaUrl1",
    "MediaContentType0",
    "ErrorCode",
    "Timestamp",
    "CallDuration",
    "SequenceNumber",
];

proptest! {
    #[test]
    fn any_data_is_read_or_refused(data in any_data(NAMES)) {
        read_or_refused::<TwilioEvent>(TwilioEvent::KINDS, &data)?;
    }
}
