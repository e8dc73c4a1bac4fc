use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{
    Twilio, TwilioConfig,
    config::is_sid,
    deliver::{Dispatch, Sent, deliver},
    prices,
    segments::{LONGEST, segments},
    wire::{Fields, FromWire},
};
use crate::{
    error::{Error, ErrorCode, Result},
    manifest,
    model::{Manifest, PhoneNumber, Timestamp},
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// A message, as Twilio keeps it.
///
/// <https://www.twilio.com/docs/messaging/api/message-resource#message-properties>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Message {
    /// Its id: `SM…`, or `MM…` with media.
    pub sid: String,
    /// `accepted`, `scheduled`, `queued`, `sending`, `sent`, `delivered`, `undelivered`, `failed`, `read`, `canceled`,
    /// `receiving` or `received`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// To whom; a WhatsApp number begins with `whatsapp:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// From which sender; not yet known while a messaging service picks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The text; empty once redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `outbound-api`, `outbound-call`, `outbound-reply` or `inbound`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// In how many parts it is charged; 0 while a messaging service picks the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_segments: Option<i64>,
    /// How many media it carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_media: Option<i64>,
    /// What it cost, negative; known some time after it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The currency of the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_unit: Option<String>,
    /// Twilio's code if it failed: <https://www.twilio.com/docs/api/errors>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<i64>,
    /// Twilio's words if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The messaging service that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_service_sid: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_created: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_updated: Option<Timestamp>,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_sent: Option<Timestamp>,
    /// Every other field, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FromWire for Message {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            sid: fields.text("sid")?,
            status: fields.text("status"),
            to: fields.text("to"),
            from: fields.text("from"),
            body: fields.text("body"),
            direction: fields.text("direction"),
            num_segments: fields.number("num_segments"),
            num_media: fields.number("num_media"),
            price: fields.amount("price"),
            price_unit: fields.text("price_unit"),
            error_code: fields.number("error_code"),
            error_message: fields.text("error_message"),
            messaging_service_sid: fields.text("messaging_service_sid"),
            date_created: fields.date("date_created"),
            date_updated: fields.date("date_updated"),
            date_sent: fields.date("date_sent"),
            extra: fields.0,
        })
    }
}

impl Sent for Message {
    const COLLECTION: (&'static str, &'static str) = ("Messages.json", "messages");
    const WORD: &'static str = "message";

    fn sid(&self) -> &str {
        &self.sid
    }

    fn created(&self) -> Option<Timestamp> {
        self.date_created
    }

    fn outbound(&self) -> bool {
        self.direction.as_deref() != Some("inbound")
    }

    fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    fn has_media(&self) -> Option<bool> {
        self.num_media.map(|count| count > 0)
    }
}

/// Refuses a text that is empty or longer than Twilio takes.
pub(super) fn check_body(field: &str, body: &str) -> Result<()> {
    let length = body.chars().count();
    if body.trim().is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if length > LONGEST {
        return Err(Error::invalid(field, format!("must have at most {LONGEST} characters, not {length}")));
    }
    Ok(())
}

fn check_urls(field: &str, urls: &[Url]) -> Result<()> {
    match urls.iter().position(|url| !matches!(url.scheme(), "https" | "http")) {
        Some(at) => Err(Error::invalid(format!("{field}[{at}]"), "must be an http or https address")),
        None if urls.len() > 10 => Err(Error::invalid(field, "must be at most ten")),
        None => Ok(()),
    }
}

/// A text by SMS: the given sender, else the messaging service, else the number of the config.
pub(super) fn sms(config: &TwilioConfig, to: &str, body: Option<&str>, from: Option<&PhoneNumber>) -> Result<Dispatch> {
    let mut form = vec![("To", to.to_owned())];
    let sender = match (from, &config.messaging_service_sid, &config.from_number) {
        (Some(from), ..) | (None, None, Some(from)) => Some(from.as_str().to_owned()),
        (None, Some(service), _) => {
            form.push(("MessagingServiceSid", service.clone()));
            None
        }
        (None, None, None) => return Err(missing("from_number", "an SMS needs a number or a messaging service")),
    };
    form.extend(sender.iter().map(|from| ("From", from.clone())));
    form.extend(body.map(|body| ("Body", body.to_owned())));
    form.extend(config.status_callback.iter().map(|url| ("StatusCallback", url.to_string())));
    Ok(Dispatch { form, to: to.to_owned(), from: sender, body: body.map(str::to_owned) })
}

/// A text or template by WhatsApp.
pub(super) fn whatsapp(config: &TwilioConfig, to: &str, body: Option<&str>) -> Result<Dispatch> {
    let Some(from) = &config.whatsapp_from else {
        return Err(missing("whatsapp_from", "a WhatsApp message needs a WhatsApp sender"));
    };
    let (to, from) = (format!("whatsapp:{to}"), format!("whatsapp:{from}"));
    let mut form = vec![("To", to.clone()), ("From", from.clone())];
    form.extend(body.map(|body| ("Body", body.to_owned())));
    form.extend(config.status_callback.iter().map(|url| ("StatusCallback", url.to_string())));
    Ok(Dispatch { form, to, from: Some(from), body: body.map(str::to_owned) })
}

/// A setting the operation needs.
pub(super) fn missing(field: &str, why: &str) -> Error {
    Error::new(ErrorCode::NotConfigured, why).with_field(field)
}

/// How many segments to charge: Twilio's count, or ours while Twilio has none.
pub(super) fn charged_segments(message: &Message, body: &str) -> i64 {
    message.num_segments.filter(|count| *count > 0).unwrap_or_else(|| i64::from(segments(body)))
}

fn noted(call: &Call<'_, Twilio>, message: &Message) {
    call.note("sid", message.sid.clone());
    if let Some(status) = &message.status {
        call.note("status", status.clone());
    }
}

fn can_text(config: &TwilioConfig) -> Capability {
    if config.can_text() { Capability::Supported } else { Capability::NeedsConfig(&["from_number"]) }
}

/// Sends one SMS, or one MMS when media are given.
///
/// <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>. Access `send`. Errors:
/// `invalid_argument` at `to` (Twilio cannot text that number), `not_configured` (no sender, or one that is not the
/// account's), `vendor` (21610 opted out, 21408 country not allowed), `outcome_unknown` (it may have been sent, and
/// Twilio's list does not tell).
///
/// Example: `{"to": "+15551234567", "body": "School closes at noon today."}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendSms {
    /// To which number.
    pub to: PhoneNumber,
    /// The text, at most 1600 characters. What does not fit into one segment is charged as several.
    pub body: String,
    /// Public addresses of up to ten pictures or files; with any of them it is an MMS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_urls: Vec<Url>,
    /// Another of the account's numbers in place of the configured sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PhoneNumber>,
    /// After how many seconds in the queue it is no longer worth sending, 1 to 36000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity_seconds: Option<u32>,
}

impl SendSms {
    /// This text to that number.
    pub fn new(to: PhoneNumber, body: impl Into<String>) -> Self {
        Self { to, body: body.into(), media_urls: Vec::new(), from: None, validity_seconds: None }
    }

    /// The same with a picture or file more.
    pub fn media(mut self, url: Url) -> Self {
        self.media_urls.push(url);
        self
    }

    /// The same from another of the account's numbers.
    pub fn from(mut self, number: PhoneNumber) -> Self {
        self.from = Some(number);
        self
    }

    /// The same, given up after so many seconds in the queue.
    pub fn validity_seconds(mut self, seconds: u32) -> Self {
        self.validity_seconds = Some(seconds);
        self
    }
}

fn check_validity(seconds: Option<u32>) -> Result<()> {
    // The upper bound is Twilio's ten hours.
    if seconds.is_some_and(|seconds| !(1..=36_000).contains(&seconds)) {
        return Err(Error::invalid("validitySeconds", "must be from 1 to 36000"));
    }
    Ok(())
}

impl Operation for SendSms {
    type Provider = Twilio;
    type Output = Message;

    const NAME: &'static str = "sendSms";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest =
        manifest! { "to": Contact(Guardian), "body": Message(Anyone), "mediaUrls[]": Content(Anyone) };
    const REPEAT: Repeat = Repeat::Never;

    fn capability(config: &TwilioConfig) -> Capability {
        can_text(config)
    }

    fn validate(&self) -> Result<()> {
        check_body("body", &self.body)?;
        check_urls("mediaUrls", &self.media_urls)?;
        check_validity(self.validity_seconds)
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<Message> {
        let mut dispatch = sms(call.config(), self.to.as_str(), Some(&self.body), self.from.as_ref())?;
        dispatch.form.extend(self.media_urls.iter().map(|url| ("MediaUrl", url.to_string())));
        dispatch.form.extend(self.validity_seconds.map(|seconds| ("ValidityPeriod", seconds.to_string())));
        let message: Message = deliver(call, &dispatch, None).await?;
        noted(call, &message);
        if self.media_urls.is_empty() {
            let count = charged_segments(&message, &self.body);
            call.charge(count, count.saturating_mul(prices::SMS), prices::CURRENCY);
        } else {
            call.charge(1, prices::MMS, prices::CURRENCY);
        }
        Ok(message)
    }
}

/// Sends one MMS: pictures or files, with or without a text.
///
/// <https://www.twilio.com/docs/messaging/tutorials/how-to-send-sms-messages#send-a-message-with-media-mms>. Access
/// `send`. Errors as for `sendSms`; `invalid_argument` at `mediaUrls` where Twilio does not take an address.
///
/// Example: `{"to": "+15551234567", "mediaUrls": ["https://school.example/map.png"], "body": "Where to meet"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendMms {
    /// To which number.
    pub to: PhoneNumber,
    /// Public addresses of one to ten pictures or files.
    pub media_urls: Vec<Url>,
    /// The text beside them, at most 1600 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Another of the account's numbers in place of the configured sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PhoneNumber>,
}

impl SendMms {
    /// These media to that number.
    pub fn new(to: PhoneNumber, media_urls: impl IntoIterator<Item = Url>) -> Self {
        Self { to, media_urls: media_urls.into_iter().collect(), body: None, from: None }
    }

    /// The same with a text.
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The same from another of the account's numbers.
    pub fn from(mut self, number: PhoneNumber) -> Self {
        self.from = Some(number);
        self
    }
}

impl Operation for SendMms {
    type Provider = Twilio;
    type Output = Message;

    const NAME: &'static str = "sendMms";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest =
        manifest! { "to": Contact(Guardian), "body": Message(Anyone), "mediaUrls[]": Content(Anyone) };
    const REPEAT: Repeat = Repeat::Never;

    fn capability(config: &TwilioConfig) -> Capability {
        can_text(config)
    }

    fn validate(&self) -> Result<()> {
        if self.media_urls.is_empty() {
            return Err(Error::invalid("mediaUrls", "must hold at least one address"));
        }
        check_urls("mediaUrls", &self.media_urls)?;
        self.body.as_deref().map_or(Ok(()), |body| check_body("body", body))
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<Message> {
        let mut dispatch = sms(call.config(), self.to.as_str(), self.body.as_deref(), self.from.as_ref())?;
        dispatch.form.extend(self.media_urls.iter().map(|url| ("MediaUrl", url.to_string())));
        let message: Message = deliver(call, &dispatch, None).await?;
        noted(call, &message);
        call.charge(1, prices::MMS, prices::CURRENCY);
        Ok(message)
    }
}

/// Sends one WhatsApp message: a text within 24 hours of the person's last message, a template at any time.
///
/// <https://www.twilio.com/docs/whatsapp/api>. Access `send`. Needs the setting `whatsapp_from`. Errors as for
/// `sendSms`; `vendor` 63016 (outside the 24 hours only a template is allowed), `invalid_argument` at `contentSid` or
/// `contentVariables` where they do not fit.
///
/// Example: `{"to": "+15551234567", "contentSid": "HX00000000000000000000000000000000", "contentVariables": {"1": "Monday"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendWhatsApp {
    /// To which number.
    pub to: PhoneNumber,
    /// The text, at most 1600 characters; one of `body` and `contentSid` is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The template (`listTemplates`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sid: Option<String>,
    /// What stands in the template's places, by their names.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub content_variables: std::collections::BTreeMap<String, String>,
    /// The public address of a picture or file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<Url>,
}

impl SendWhatsApp {
    /// This text to that number.
    pub fn new(to: PhoneNumber, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..Self::to(to) }
    }

    /// This template to that number.
    pub fn template(to: PhoneNumber, content_sid: impl Into<String>) -> Self {
        Self { content_sid: Some(content_sid.into()), ..Self::to(to) }
    }

    fn to(to: PhoneNumber) -> Self {
        Self { to, body: None, content_sid: None, content_variables: Default::default(), media_url: None }
    }

    /// The same with one of the template's places filled.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.content_variables.insert(name.into(), value.into());
        self
    }

    /// The same with a picture or file.
    pub fn media(mut self, url: Url) -> Self {
        self.media_url = Some(url);
        self
    }
}

impl Operation for SendWhatsApp {
    type Provider = Twilio;
    type Output = Message;

    const NAME: &'static str = "sendWhatsApp";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {
        "to": Contact(Guardian),
        "body": Message(Anyone),
        "contentVariables": Message(Anyone),
        "mediaUrl": Content(Anyone),
    };
    const REPEAT: Repeat = Repeat::Never;

    fn capability(config: &TwilioConfig) -> Capability {
        match config.whatsapp_from {
            Some(_) => Capability::Supported,
            None => Capability::NeedsConfig(&["whatsapp_from"]),
        }
    }

    fn validate(&self) -> Result<()> {
        match (&self.body, &self.content_sid) {
            (Some(_), Some(_)) => return Err(Error::invalid("contentSid", "must not stand beside body")),
            (None, None) => return Err(Error::invalid("body", "is required where there is no contentSid")),
            (Some(body), None) => check_body("body", body)?,
            (None, Some(sid)) if !is_sid("HX", sid) => {
                return Err(Error::invalid("contentSid", "must be HX and 32 hex digits"));
            }
            (None, Some(_)) => {}
        }
        if self.content_sid.is_none() && !self.content_variables.is_empty() {
            return Err(Error::invalid("contentVariables", "need a contentSid"));
        }
        check_urls("mediaUrl", self.media_url.as_slice()).map_err(|error| error.with_field("mediaUrl"))
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<Message> {
        let mut dispatch = whatsapp(call.config(), self.to.as_str(), self.body.as_deref())?;
        dispatch.form.extend(self.content_sid.map(|sid| ("ContentSid", sid)));
        if !self.content_variables.is_empty() {
            let variables = serde_json::to_string(&self.content_variables)
                .map_err(|_| Error::internal("the template's places cannot be written as JSON"))?;
            dispatch.form.push(("ContentVariables", variables));
        }
        dispatch.form.extend(self.media_url.map(|url| ("MediaUrl", url.to_string())));
        let message: Message = deliver(call, &dispatch, None).await?;
        noted(call, &message);
        call.charge(1, prices::WHATSAPP, prices::CURRENCY);
        Ok(message)
    }
}
