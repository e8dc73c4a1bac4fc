//! What the Event Webhook tells, as types. <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>
//!
//! Values are SendGrid's. What is not named here, custom arguments among it, is in `more`.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    webhook::message_id,
    wire::{flag, seconds},
};
use crate::{
    error::Result,
    model::Timestamp,
    providers::{WebhookEvent, typed::read_data},
    typed_events,
};

typed_events! {
    /// An event of SendGrid's, by its kind.
    ///
    /// ```
    /// use serde_json::json;
    /// use sis_integrations::providers::{WebhookEvent, sendgrid::SendgridEvent};
    ///
    /// let data = json!({ "event": "bounce", "email": "old@example.com", "type": "bounce", "status": "5.1.1" });
    /// let event = WebhookEvent::new("Ym91bmNlLTE", "bounce", data);
    /// match event.typed()? {
    ///     SendgridEvent::Bounce(bounce) => assert_eq!(bounce.status.as_deref(), Some("5.1.1")),
    ///     SendgridEvent::SpamReport(report) => println!("{:?} wants no more of it", report.email),
    ///     _ => {}
    /// }
    /// # Ok::<(), sis_integrations::Error>(())
    /// ```
    pub SendgridEvent of "sendgrid", by read {
        /// SendGrid has the message and is about to send it.
        "processed" => Processed(Processed),
        /// The mail server put it off; SendGrid tries again.
        "deferred" => Deferred(Deferred),
        /// The mail server took it.
        "delivered" => Delivered(Delivered),
        /// The mail server refused it, or sent it back afterwards.
        "bounce" => Bounce(Bounced),
        /// SendGrid did not send it.
        "dropped" => Dropped(Dropped),
        /// Somebody, or a machine for them, opened it.
        "open" => Open(Opened),
        /// Somebody followed a link in it.
        "click" => Click(Clicked),
        /// Somebody called it spam.
        "spamreport" => SpamReport(SpamReport),
        /// Somebody wants no more mail at all.
        "unsubscribe" => Unsubscribe(OptOut),
        /// Somebody wants no more mail of a group.
        "group_unsubscribe" => GroupUnsubscribe(GroupChoice),
        /// Somebody wants mail of a group again.
        "group_resubscribe" => GroupResubscribe(GroupChoice),
    }
}

fn read<T: DeserializeOwned>(event: &WebhookEvent) -> Result<T> {
    read_data(event.data.clone())
}

/// An event about one copy of a message: what all of them have, what this one has, and all else.
macro_rules! about_mail {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[non_exhaustive]
        pub struct $name {
            /// To whom the message went.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub email: Option<String>,
            /// When it happened.
            #[serde(default, deserialize_with = "seconds", skip_serializing_if = "Option::is_none")]
            pub timestamp: Option<Timestamp>,
            /// SendGrid's id of the event.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub sg_event_id: Option<String>,
            /// SendGrid's id of this copy of the message. A bounce that comes late has none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub sg_message_id: Option<String>,
            /// The `Message-ID` header.
            #[serde(rename = "smtp-id", default, skip_serializing_if = "Option::is_none")]
            pub smtp_id: Option<String>,
            /// The categories it was sent with.
            #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
            pub category: Vec<String>,
            /// The suppression group it was sent with, or that the event is about.
            #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
            pub asm_group_id: Option<i64>,
            /// The address it was sent from; of what the recipient did, theirs.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub ip: Option<String>,
            $(
                $(#[$field_about])*
                pub $field: $type,
            )*
            /// What else SendGrid sent: custom arguments stand here.
            #[serde(flatten)]
            pub more: Map<String, Value>,
        }

        impl $name {
            /// The message's id, as the answer to sending it names it: the copies of one request have it in common.
            pub fn message_id(&self) -> Option<&str> {
                self.sg_message_id.as_deref().map(message_id)
            }
        }
    };
}

about_mail! {
    /// SendGrid has the message and is about to send it.
    Processed {
        /// When it is to be sent, in seconds since 1970.
        #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
        send_at: Option<i64>,
        /// The pool of addresses it is sent from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pool: Option<Value>,
    }
}

about_mail! {
    /// The mail server put the message off. SendGrid tries for up to 72 hours.
    Deferred {
        /// The mail server's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response: Option<String>,
        /// How often it was tried.
        #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
        attempt: Option<i64>,
    }
}

about_mail! {
    /// The mail server took the message.
    Delivered {
        /// The mail server's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        response: Option<String>,
        /// Whether it went there encrypted.
        #[serde(default, deserialize_with = "flag")]
        tls: bool,
    }
}

about_mail! {
    /// The mail server refused the message, or sent it back afterwards.
    Bounced {
        /// `bounce`, after which SendGrid sends no more to the address, or `blocked`, which may pass.
        #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
        /// The mail server's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The mail server's code: `5.1.1`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<String>,
        /// `Invalid Address`, `Technical`, `Content`, `Reputation`, `Frequency or Volume Too High`, `Mailbox Unavailable`
        /// or `Unclassified`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bounce_classification: Option<String>,
        /// Whether it went there encrypted.
        #[serde(default, deserialize_with = "flag")]
        tls: bool,
    }
}

about_mail! {
    /// SendGrid did not send the message.
    Dropped {
        /// Why: `Bounced Address`, `Unsubscribed Address`, `Spam Reporting Address`, `Invalid` and others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The code of an earlier refusal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<String>,
    }
}

about_mail! {
    /// The message was opened.
    Opened {
        /// Whether Apple's mail program fetched it, which says nothing of the recipient.
        #[serde(default, deserialize_with = "flag")]
        sg_machine_open: bool,
        /// `html` or `amp`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sg_content_type: Option<String>,
        /// The program that opened it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        useragent: Option<String>,
    }
}

about_mail! {
    /// A link in the message was followed.
    Clicked {
        /// The link.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// Which of the links to the same address it was: `index`, and `type` (`html`, `text` or `header`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url_offset: Option<Value>,
        /// The program that followed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        useragent: Option<String>,
    }
}

about_mail! {
    /// The recipient called the message spam: SendGrid sends them nothing more.
    SpamReport {}
}

about_mail! {
    /// The recipient wants no more mail at all.
    OptOut {}
}

about_mail! {
    /// The recipient wants no more mail of the group `asm_group_id`, or wants it again.
    GroupChoice {
        /// Where they said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// The program in which they said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        useragent: Option<String>,
    }
}

/// A category alone is a text, several are a list.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    let wrong = || serde::de::Error::custom("must be a string or a list of strings");
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        _ => Err(wrong()),
    };
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.into_iter().map(text).collect(),
        one => text(one).map(|one| vec![one]),
    }
}

/// A whole number, which SendGrid writes as text here and there.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    if number.is_none() && !value.is_null() {
        return Err(serde::de::Error::custom("must be a whole number"));
    }
    Ok(number)
}
