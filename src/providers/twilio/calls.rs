use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{
    Twilio, TwilioConfig,
    config::is_sid,
    deliver::{Dispatch, Sent, deliver},
    messages::missing,
    prices, twiml,
    wire::{Fields, FromWire},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::{Manifest, PhoneNumber, Timestamp},
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// A telephone call, as Twilio keeps it.
///
/// <https://www.twilio.com/docs/voice/api/call-resource#call-properties>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PhoneCall {
    /// Its id: `CA…`.
    pub sid: String,
    /// `queued`, `ringing`, `in-progress`, `completed`, `busy`, `failed`, `no-answer` or `canceled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whom it calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Who calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `outbound-api`, `outbound-dial` or `inbound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// Who or what answered, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// Seconds it lasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// What it cost, negative; known some time after its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The currency of the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_unit: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_created: Option<Timestamp>,
    /// When it was dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// Every other field, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FromWire for PhoneCall {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            sid: fields.text("sid")?,
            status: fields.text("status"),
            to: fields.text("to"),
            from: fields.text("from"),
            direction: fields.text("direction"),
            answered_by: fields.text("answered_by"),
            duration: fields.number("duration"),
            price: fields.amount("price"),
            price_unit: fields.text("price_unit"),
            date_created: fields.date("date_created"),
            start_time: fields.date("start_time"),
            end_time: fields.date("end_time"),
            extra: fields.0,
        })
    }
}

impl Sent for PhoneCall {
    const COLLECTION: (&'static str, &'static str) = ("Calls.json", "calls");
    const WORD: &'static str = "call";

    fn sid(&self) -> &str {
        &self.sid
    }

    fn created(&self) -> Option<Timestamp> {
        self.date_created.or(self.start_time)
    }

    fn outbound(&self) -> bool {
        self.direction.as_deref() != Some("inbound")
    }

    fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    fn body(&self) -> Option<&str> {
        None
    }

    fn has_media(&self) -> Option<bool> {
        None
    }
}

/// A call that follows TwiML.
pub(super) fn voice(config: &TwilioConfig, to: &str, from: Option<&PhoneNumber>) -> Result<Dispatch> {
    let Some(from) = from.or(config.from_number.as_ref()) else {
        return Err(missing("from_number", "a call needs a number of the account"));
    };
    let from = from.to_string();
    let mut form = vec![("To", to.to_owned()), ("From", from.clone())];
    form.extend(config.status_callback.iter().map(|url| ("StatusCallback", url.to_string())));
    Ok(Dispatch { form, to: to.to_owned(), from: Some(from), body: None })
}

/// Makes a telephone call.
///
/// What is heard is exactly one of: `say` (a text that is spoken), `twiml`, `url` (an address that answers with TwiML)
/// and `applicationSid`. <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>. Access `send`.
/// Needs the setting `from_number`. Errors: `invalid_argument` at `to` (the number cannot be called), `not_configured`
/// (the sender is not the account's), `vendor` (21215 country not allowed), `outcome_unknown` (it may be ringing, and
/// Twilio's list does not tell).
///
/// Example: `{"to": "+15551234567", "say": "School closes at noon today."}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct MakeCall {
    /// Which number to call.
    pub to: PhoneNumber,
    /// A text that is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// The language of `say`, such as `es-MX`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The voice of `say`, such as `Polly.Joanna`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// TwiML, at most 4000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twiml: Option<String>,
    /// A public address that answers with TwiML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// A TwiML application of the account: `AP` and 32 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_sid: Option<String>,
    /// Another of the account's numbers in place of the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PhoneNumber>,
    /// How many seconds to let it ring, 5 to 600; Twilio's default is 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Whether to find out if a machine answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub detect_machine: bool,
}

impl MakeCall {
    fn to(to: PhoneNumber) -> Self {
        Self {
            to,
            say: None,
            language: None,
            voice: None,
            twiml: None,
            url: None,
            application_sid: None,
            from: None,
            timeout_seconds: None,
            detect_machine: false,
        }
    }

    /// A call that speaks this text.
    pub fn say(to: PhoneNumber, text: impl Into<String>) -> Self {
        Self { say: Some(text.into()), ..Self::to(to) }
    }

    /// A call that follows this TwiML.
    pub fn twiml(to: PhoneNumber, twiml: impl Into<String>) -> Self {
        Self { twiml: Some(twiml.into()), ..Self::to(to) }
    }

    /// A call that follows the TwiML at this address.
    pub fn url(to: PhoneNumber, url: Url) -> Self {
        Self { url: Some(url), ..Self::to(to) }
    }

    /// A call that follows an application of the account.
    pub fn application(to: PhoneNumber, sid: impl Into<String>) -> Self {
        Self { application_sid: Some(sid.into()), ..Self::to(to) }
    }

    /// The same in this language.
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// The same with this voice.
    pub fn voice(mut self, voice: impl Into<String>) -> Self {
        self.voice = Some(voice.into());
        self
    }

    /// The same from another of the account's numbers.
    pub fn from(mut self, number: PhoneNumber) -> Self {
        self.from = Some(number);
        self
    }

    /// The same, ringing for so many seconds.
    pub fn timeout_seconds(mut self, seconds: u32) -> Self {
        self.timeout_seconds = Some(seconds);
        self
    }

    /// The same, finding out if a machine answered.
    pub fn detect_machine(mut self) -> Self {
        self.detect_machine = true;
        self
    }

    /// Our TwiML for `say`.
    fn spoken(&self) -> Option<String> {
        let text = self.say.as_deref()?;
        Some(twiml::say(text, 1, self.language.as_deref(), self.voice.as_deref()))
    }
}

impl Operation for MakeCall {
    type Provider = Twilio;
    type Output = PhoneCall;

    const NAME: &'static str = "makeCall";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest =
        manifest! { "to": Contact(Guardian), "say": Message(Anyone), "twiml": Message(Anyone), "url": Message(Anyone) };
    const REPEAT: Repeat = Repeat::Never;

    fn capability(config: &TwilioConfig) -> Capability {
        match config.from_number {
            Some(_) => Capability::Supported,
            None => Capability::NeedsConfig(&["from_number"]),
        }
    }

    fn validate(&self) -> Result<()> {
        let given = [self.say.is_some(), self.twiml.is_some(), self.url.is_some(), self.application_sid.is_some()];
        match given.iter().filter(|given| **given).count() {
            1 => {}
            0 => return Err(Error::invalid("say", "one of say, twiml, url and applicationSid is required")),
            _ => return Err(Error::invalid("say", "only one of say, twiml, url and applicationSid may be given")),
        }
        if self.say.is_none() {
            for (field, value) in [("language", &self.language), ("voice", &self.voice)] {
                if value.is_some() {
                    return Err(Error::invalid(field, "goes with say alone"));
                }
            }
        }
        for (field, text, whole) in [("say", &self.say, self.spoken()), ("twiml", &self.twiml, self.twiml.clone())] {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                return Err(Error::invalid(field, "must not be empty"));
            }
            if whole.is_some_and(|whole| whole.chars().count() > twiml::LONGEST) {
                return Err(Error::invalid(field, "must not make more than 4000 characters of TwiML"));
            }
        }
        if self.url.as_ref().is_some_and(|url| !matches!(url.scheme(), "https" | "http")) {
            return Err(Error::invalid("url", "must be an http or https address"));
        }
        if self.application_sid.as_ref().is_some_and(|sid| !is_sid("AP", sid)) {
            return Err(Error::invalid("applicationSid", "must be AP and 32 hex digits"));
        }
        if self.timeout_seconds.is_some_and(|seconds| !(5..=600).contains(&seconds)) {
            return Err(Error::invalid("timeoutSeconds", "must be from 5 to 600"));
        }
        Ok(())
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<PhoneCall> {
        let mut dispatch = voice(call.config(), self.to.as_str(), self.from.as_ref())?;
        let twiml = self.spoken().or(self.twiml);
        dispatch.form.extend(twiml.map(|twiml| ("Twiml", twiml)));
        dispatch.form.extend(self.url.map(|url| ("Url", url.to_string())));
        dispatch.form.extend(self.application_sid.map(|sid| ("ApplicationSid", sid)));
        dispatch.form.extend(self.timeout_seconds.map(|seconds| ("Timeout", seconds.to_string())));
        dispatch.form.extend(self.detect_machine.then(|| ("MachineDetection", "Enable".to_owned())));
        let made: PhoneCall = deliver(call, &dispatch, None).await?;
        call.note("sid", made.sid.clone());
        if let Some(status) = &made.status {
            call.note("status", status.clone());
        }
        // How long it will last is not known yet; a minute is the least that is charged.
        call.charge(1, prices::VOICE, prices::CURRENCY);
        Ok(made)
    }
}
