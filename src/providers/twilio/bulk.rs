use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Twilio, TwilioConfig,
    batch::{Channel, RecipientResult, Target, check_targets, send_all},
    messages::check_body,
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// One text to one number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct BulkMessage {
    /// The number, in E.164 form. One that is not fails alone; the others are sent.
    pub to: String,
    /// The text, 1 to 1600 characters.
    pub body: String,
}

impl BulkMessage {
    /// This text to that number.
    pub fn new(to: impl Into<String>, body: impl Into<String>) -> Self {
        Self { to: to.into(), body: body.into() }
    }
}

/// Number and text are personal: `Debug` shows neither.
impl fmt::Debug for BulkMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BulkMessage(…)")
    }
}

/// Sends many SMS: a text of its own to each number (`messages`), or one text to all (`recipients` and `body`).
///
/// Each is on record before it leaves and has its own result; none is sent twice, and one whose end cannot be found out
/// is `unknown`. <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>. Access `send`.
/// Errors of the whole: `invalid_argument`, `not_configured`, `needs_reconnect`; all others are in the report.
///
/// Example: `{"recipients": ["+15551234567", "+15557654321"], "body": "Report cards are out."}`
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendBulkSms {
    /// Texts with their numbers: 1 to 100,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<BulkMessage>,
    /// Numbers that get `body`: 1 to 100,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// The text for `recipients`, 1 to 1600 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl SendBulkSms {
    /// A text of its own to each number.
    pub fn new(messages: impl IntoIterator<Item = BulkMessage>) -> Self {
        Self { messages: messages.into_iter().collect(), recipients: Vec::new(), body: None }
    }

    /// One text to all.
    pub fn to_all<R: Into<String>>(recipients: impl IntoIterator<Item = R>, body: impl Into<String>) -> Self {
        let recipients = recipients.into_iter().map(Into::into).collect();
        Self { messages: Vec::new(), recipients, body: Some(body.into()) }
    }

    /// Whether each number has its own text.
    fn own_texts(&self) -> bool {
        !self.messages.is_empty()
    }
}

/// Numbers and texts are personal: `Debug` shows how many there are.
impl fmt::Debug for SendBulkSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendBulkSms({})", self.messages.len() + self.recipients.len())
    }
}

/// What became of many SMS. The four counts add up to all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BulkReport {
    /// How many Twilio took.
    pub accepted: usize,
    /// How many were not sent.
    pub failed: usize,
    /// Of how many that is not known.
    pub unknown: usize,
    /// How many stood in the list before, with the same text.
    pub duplicates: usize,
    /// Each of them, in the order given.
    pub results: Vec<RecipientResult>,
}

fn message_field(index: usize) -> String {
    format!("messages[{index}].to")
}

fn recipient_field(index: usize) -> String {
    format!("recipients[{index}]")
}

impl Operation for SendBulkSms {
    type Provider = Twilio;
    type Output = BulkReport;

    const NAME: &'static str = "sendBulkSms";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {
        "messages[].to": Contact(Guardian),
        "messages[].body": Message(Anyone),
        "recipients[]": Contact(Guardian),
        "body": Message(Anyone),
    };
    const REPEAT: Repeat = Repeat::Never;
    const DEADLINE: Duration = Duration::from_secs(600);

    fn capability(config: &TwilioConfig) -> Capability {
        if config.can_text() { Capability::Supported } else { Capability::NeedsConfig(&["from_number"]) }
    }

    fn validate(&self) -> Result<()> {
        if self.own_texts() {
            for (given, field) in [(self.body.is_some(), "body"), (!self.recipients.is_empty(), "recipients")] {
                if given {
                    return Err(Error::invalid(field, "must not stand beside messages"));
                }
            }
            let numbers = self.messages.iter().map(|message| message.to.as_str());
            check_targets("messages", self.messages.len(), numbers, message_field)?;
            return self.messages.iter().enumerate().try_for_each(|(index, message)| {
                // The path is made only for a body that is refused: there may be a hundred thousand.
                check_body("", &message.body).map_err(|error| error.with_field(format!("messages[{index}].body")))
            });
        }
        let numbers = self.recipients.iter().map(String::as_str);
        match (&self.body, self.recipients.is_empty()) {
            (None, true) => Err(Error::invalid("messages", "is required where there are no recipients")),
            (None, false) => Err(Error::invalid("body", "is required beside recipients")),
            (Some(body), _) => {
                check_targets("recipients", self.recipients.len(), numbers, recipient_field)?;
                check_body("body", body)
            }
        }
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<BulkReport> {
        let text = self.body.as_deref().unwrap_or_default();
        let (list, field, targets): (_, &(dyn Fn(usize) -> String + Sync), Vec<_>) = if self.own_texts() {
            let targets = self.messages.iter().map(|message| Target::new(&message.to, &message.body));
            ("messages", &message_field, targets.collect())
        } else {
            ("recipients", &recipient_field, self.recipients.iter().map(|phone| Target::new(phone, text)).collect())
        };
        let (counts, results) = send_all(call, list, &targets, &[Channel::Sms], field).await?;
        for (name, count) in [("accepted", counts.accepted), ("failed", counts.failed), ("unknown", counts.unknown)] {
            call.note(name, count);
        }
        Ok(BulkReport {
            accepted: counts.accepted,
            failed: counts.failed,
            unknown: counts.unknown,
            duplicates: counts.duplicates,
            results,
        })
    }
}
