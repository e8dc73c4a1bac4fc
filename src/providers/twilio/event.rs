//! What Twilio tells, as types: reports on messages and calls, and messages that came in.
//!
//! Twilio adds parameters without notice, and sends all of them as text. What is not named here, or is not as documented,
//! is in `extra`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wire::{Fields, FromWire};
use crate::{
    error::{Error, Result},
    model::Timestamp,
    providers::WebhookEvent,
    typed_events,
};

typed_events! {
    /// An event of Twilio's, by its kind.
    ///
    /// ```
    /// use serde_json::json;
    /// use sis_integrations::providers::{WebhookEvent, twilio::TwilioEvent};
    ///
    /// let data = json!({ "MessageSid": "SM1", "From": "+14155550101", "Body": "Jo is ill today", "NumMedia": "0" });
    /// let event = WebhookEvent::new("SM1/received", "message.received", data);
    /// match event.typed()? {
    ///     TwilioEvent::MessageReceived(message) => assert_eq!(message.body, "Jo is ill today"),
    ///     TwilioEvent::MessageStatus(report) => println!("{} is {:?}", report.sid, report.status),
    ///     _ => {}
    /// }
    /// # Ok::<(), sis_integrations::Error>(())
    /// ```
    pub TwilioEvent of "twilio", by read {
        /// How far a message has come.
        "message.status" => MessageStatus(MessageReport),
        /// Somebody wrote to a number of the school's.
        "message.received" => MessageReceived(InboundMessage),
        /// How far a call has come, or that somebody calls.
        "call.status" => CallStatus(CallReport),
    }
}

/// How far a message has come.
///
/// <https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MessageReport {
    /// The message's id: `SM…`, or `MM…` with media.
    pub sid: String,
    /// `accepted`, `scheduled`, `queued`, `sending`, `sent`, `delivered`, `undelivered`, `failed`, `read` or `canceled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// To whom; a WhatsApp number begins with `whatsapp:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// From which sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Twilio's code if it did not arrive: <https://www.twilio.com/docs/api/errors>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i64>,
    /// The account it was sent by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_sid: Option<String>,
    /// The messaging service that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_service_sid: Option<String>,
    /// When the carrier says it was done with it, as the carrier writes it: `YYMMDDhhmm`, in whatever time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_dlr_done_date: Option<String>,
    /// What WhatsApp or another channel says of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_status_message: Option<String>,
    /// Every other parameter, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A message that somebody wrote to the school.
///
/// <https://www.twilio.com/docs/messaging/guides/webhook-request>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InboundMessage {
    /// Its id: `SM…`, or `MM…` with media.
    pub sid: String,
    /// Who wrote; a WhatsApp number begins with `whatsapp:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To which number of the school's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The text; empty where there are only media.
    #[serde(default)]
    pub body: String,
    /// What came with it. To fetch it takes the account's credentials, unless the account allows it without.
    #[serde(default)]
    pub media: Vec<InboundMedia>,
    /// In how many parts it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_segments: Option<i64>,
    /// `STOP`, `START` or `HELP` where the messaging service has Advanced Opt-Out and took the message for that word: it
    /// has answered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out_type: Option<String>,
    /// The account it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_sid: Option<String>,
    /// The messaging service it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_service_sid: Option<String>,
    /// WhatsApp: how the writer calls themself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_name: Option<String>,
    /// WhatsApp: the text of the button that was pressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button_text: Option<String>,
    /// WhatsApp: what the template gave that button to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button_payload: Option<String>,
    /// WhatsApp: the id of the message it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_replied_message_sid: Option<String>,
    /// Every other parameter, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A picture or another file that came with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InboundMedia {
    /// Where Twilio keeps it.
    pub url: String,
    /// Its content type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// How far a call has come.
///
/// <https://www.twilio.com/docs/voice/api/call-resource#statuscallback>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallReport {
    /// The call's id: `CA…`.
    pub sid: String,
    /// `queued`, `initiated`, `ringing`, `in-progress`, `completed`, `busy`, `failed`, `no-answer` or `canceled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Who is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Who calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `outbound-api`, `outbound-dial` or `inbound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// Seconds it lasted, once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// When it came so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// In which order Twilio told of the call's states, from 0: they may come in another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<i64>,
    /// Who or what answered, where that was asked for: `human`, `machine_start`, `fax` and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// What the carrier answered: 200, 404, 486, 603 and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip_response_code: Option<i64>,
    /// The account it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_sid: Option<String>,
    /// The call that dialled this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_call_sid: Option<String>,
    /// Every other parameter, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A thing that Twilio tells of, and the parameter with its id.
trait Told: FromWire {
    const SID: &'static str;
}

fn read<T: Told>(event: &WebhookEvent) -> Result<T> {
    let Value::Object(parameters) = &event.data else {
        return Err(Error::invalid("data", "must be an object"));
    };
    // What is made of the parameters lacks nothing but its id.
    T::from_wire(Fields(parameters.clone()))
        .ok_or_else(|| Error::invalid(format!("data.{}", T::SID), "is required, and must be a string"))
}

impl Told for MessageReport {
    const SID: &'static str = "MessageSid";
}

impl FromWire for MessageReport {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            sid: fields.text(Self::SID).or_else(|| fields.text("SmsSid"))?,
            status: fields.text("MessageStatus").or_else(|| fields.text("SmsStatus")),
            to: fields.text("To"),
            from: fields.text("From"),
            error_code: fields.number("ErrorCode"),
            account_sid: fields.text("AccountSid"),
            messaging_service_sid: fields.text("MessagingServiceSid"),
            raw_dlr_done_date: fields.text("RawDlrDoneDate"),
            channel_status_message: fields.text("ChannelStatusMessage"),
            extra: fields.0,
        })
    }
}

impl Told for InboundMessage {
    const SID: &'static str = "MessageSid";
}

impl FromWire for InboundMessage {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            sid: fields.text(Self::SID).or_else(|| fields.text("SmsSid"))?,
            from: fields.text("From"),
            to: fields.text("To"),
            body: fields.text("Body").unwrap_or_default(),
            media: media(&mut fields),
            num_segments: fields.number("NumSegments"),
            opt_out_type: fields.text("OptOutType"),
            account_sid: fields.text("AccountSid"),
            messaging_service_sid: fields.text("MessagingServiceSid"),
            profile_name: fields.text("ProfileName"),
            button_text: fields.text("ButtonText"),
            button_payload: fields.text("ButtonPayload"),
            original_replied_message_sid: fields.text("OriginalRepliedMessageSid"),
            extra: fields.0,
        })
    }
}

/// `MediaUrl0`, `MediaContentType0` and so on, as far as they go: `NumMedia` only counts them.
fn media(fields: &mut Fields) -> Vec<InboundMedia> {
    let one = |at: usize| {
        let url = fields.text(&format!("MediaUrl{at}"))?;
        Some(InboundMedia { url, content_type: fields.text(&format!("MediaContentType{at}")) })
    };
    (0..).map_while(one).collect()
}

impl Told for CallReport {
    const SID: &'static str = "CallSid";
}

impl FromWire for CallReport {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            sid: fields.text(Self::SID)?,
            status: fields.text("CallStatus"),
            to: fields.text("To"),
            from: fields.text("From"),
            direction: fields.text("Direction"),
            duration: fields.number("CallDuration"),
            at: fields.date("Timestamp"),
            sequence_number: fields.number("SequenceNumber"),
            answered_by: fields.text("AnsweredBy"),
            sip_response_code: fields.number("SipResponseCode"),
            account_sid: fields.text("AccountSid"),
            parent_call_sid: fields.text("ParentCallSid"),
            extra: fields.0,
        })
    }
}
