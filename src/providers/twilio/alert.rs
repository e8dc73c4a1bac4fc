use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Twilio, TwilioConfig,
    batch::{Channel, RecipientResult, Target, check_targets, send_all, spoken},
    messages::check_body,
    twiml,
};
use crate::{
    error::{Error, Result},
    manifest,
    model::{Basis, Manifest},
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// Somebody to be alarmed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct AlertRecipient {
    /// The number, in E.164 form such as `+15551234567`. One that is not fails alone; the others are alarmed.
    pub phone: String,
    /// The name, for whoever reads the report. It does not leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AlertRecipient {
    /// Whoever has this number.
    pub fn new(phone: impl Into<String>) -> Self {
        Self { phone: phone.into(), name: None }
    }

    /// The same with a name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// Name and number are personal: `Debug` shows neither.
impl fmt::Debug for AlertRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlertRecipient(…)")
    }
}

impl From<crate::model::PhoneNumber> for AlertRecipient {
    fn from(number: crate::model::PhoneNumber) -> Self {
        Self::new(number.to_string())
    }
}

/// What an alert is about. It goes into the report and the records; the message is sent as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertType {
    /// An emergency not named more closely.
    #[default]
    Emergency,
    /// Severe weather.
    Weather,
    /// The school closes, opens late or lets out early.
    Closure,
    /// Everybody stays where they are, doors locked.
    Lockdown,
    /// Everybody leaves the building.
    Evacuation,
    /// Everybody stays inside.
    Shelter,
    /// Fire.
    Fire,
    /// A medical emergency.
    Medical,
    /// A person is missing.
    MissingPerson,
    /// A threat to the school.
    Security,
    /// A bus or another transport.
    Transport,
    /// Power, water, heating, network.
    Utility,
    /// It is over.
    AllClear,
    /// A drill.
    Drill,
    /// A test of the alarm itself.
    Test,
    /// Anything else.
    Other,
}

/// Alarms many people at once, by SMS, voice or WhatsApp.
///
/// The first channel reaches everybody before the next begins. Each send is on record before it leaves, is repeated
/// while Twilio answers 429, and is never made twice: one whose end cannot be found out is `unknown`. A number that is
/// not E.164 fails alone, a number that stands there twice is alarmed once. Access `alert`. Data leaves for a health or
/// safety emergency (34 CFR 99.36). Built on
/// <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource> and
/// <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>.
///
/// Errors of the whole: `invalid_argument` (at `recipients` when there are none or more than 100,000, at
/// `recipients[0].phone` when no number is usable, at `message`, at `channels`), `needs_reconnect`, `not_configured`.
/// All others are in the report.
///
/// Example: `{"recipients": [{"phone": "+15551234567", "name": "John Doe"}], "message": "School is closed today.",
/// "alertType": "emergency", "channels": ["sms", "voice"]}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendEmergencyAlert {
    /// Whom to alarm: 1 to 100,000.
    #[schemars(length(min = 1, max = 100_000))]
    pub recipients: Vec<AlertRecipient>,
    /// The text, 1 to 1600 characters; by voice it is spoken twice.
    #[schemars(length(min = 1, max = 1600))]
    pub message: String,
    /// What it is about; `emergency` unless given.
    #[serde(default)]
    pub alert_type: AlertType,
    /// By which channels, in this order; `sms` unless given.
    #[serde(default = "sms_alone")]
    pub channels: Vec<Channel>,
}

fn sms_alone() -> Vec<Channel> {
    vec![Channel::Sms]
}

impl SendEmergencyAlert {
    /// Alarms these people by SMS.
    pub fn new<R: Into<AlertRecipient>>(recipients: impl IntoIterator<Item = R>, message: impl Into<String>) -> Self {
        Self {
            recipients: recipients.into_iter().map(Into::into).collect(),
            message: message.into(),
            alert_type: AlertType::default(),
            channels: sms_alone(),
        }
    }

    /// The same about this.
    pub fn alert_type(mut self, alert_type: AlertType) -> Self {
        self.alert_type = alert_type;
        self
    }

    /// The same by these channels, in this order.
    pub fn channels(mut self, channels: impl IntoIterator<Item = Channel>) -> Self {
        self.channels = channels.into_iter().collect();
        self
    }
}

/// Who was reached, and who was not. The four counts are of recipients and add up to all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AlertReport {
    /// What it was about.
    pub alert_type: AlertType,
    /// For how many Twilio took at least one message or call.
    pub accepted: usize,
    /// For how many it took none.
    pub failed: usize,
    /// For how many that is not known.
    pub unknown: usize,
    /// How many stood in the list before.
    pub duplicates: usize,
    /// Each recipient, in the order given.
    pub recipients: Vec<RecipientResult>,
}

fn phone_field(index: usize) -> String {
    format!("recipients[{index}].phone")
}

impl Operation for SendEmergencyAlert {
    type Provider = Twilio;
    type Output = AlertReport;

    const NAME: &'static str = "sendEmergencyAlert";
    const ACCESS: Access = Access::Alert;
    const DISCLOSES: Manifest = manifest! { "recipients[].phone": Contact(Guardian), "message": Message(Anyone) };
    const REPEAT: Repeat = Repeat::Never;
    const DEADLINE: Duration = Duration::from_secs(600);
    const URGENT: bool = true;
    const BASIS: Basis = Basis::HealthOrSafetyEmergency;

    fn capability(config: &TwilioConfig) -> Capability {
        if config.can_text() || config.whatsapp_from.is_some() {
            Capability::Supported
        } else {
            Capability::NeedsConfig(&["from_number"])
        }
    }

    fn validate(&self) -> Result<()> {
        let phones = self.recipients.iter().map(|recipient| recipient.phone.as_str());
        check_targets("recipients", self.recipients.len(), phones, phone_field)?;
        check_body("message", &self.message)?;
        if self.channels.is_empty() {
            return Err(Error::invalid("channels", "must name at least one of sms, voice, whatsapp"));
        }
        if self.channels.contains(&Channel::Voice) && spoken(&self.message).chars().count() > twiml::LONGEST {
            return Err(Error::invalid("message", "has too many '&', '<', '>' and '\"' to be spoken"));
        }
        Ok(())
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<AlertReport> {
        let text = self.message.as_str();
        let targets: Vec<_> = self
            .recipients
            .iter()
            .map(|to| Target { name: to.name.as_deref(), ..Target::new(&to.phone, text) })
            .collect();
        let mut channels: Vec<Channel> = Vec::new();
        for channel in self.channels {
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        let (counts, recipients) = send_all(call, "recipients", &targets, &channels, &phone_field).await?;
        for (name, count) in [("accepted", counts.accepted), ("failed", counts.failed), ("unknown", counts.unknown)] {
            call.note(name, count);
        }
        Ok(AlertReport {
            alert_type: self.alert_type,
            accepted: counts.accepted,
            failed: counts.failed,
            unknown: counts.unknown,
            duplicates: counts.duplicates,
            recipients,
        })
    }
}
