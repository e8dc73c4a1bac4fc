//! Notifications: a template by kind, from the tenant's settings.

use std::{collections::BTreeMap, fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Sendgrid, SendgridConfig,
    batch::{Item, MailError, MailReport, MailResult, check_length, deliver_each},
    compose::{Content, Letter, MailState, envelope},
    options::{MailOptions, check_custom_args},
    people::{Recipient, check_email},
    suppressed::Looked,
    variables,
};
use crate::{
    error::{Error, ErrorCode, Result},
    manifest,
    model::{Manifest, PhoneNumber},
    providers::{Access, Call, Capability, FollowUp, Operation},
    transport::Repeat,
};

/// Somebody who is notified. `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct NotificationRecipient {
    /// The e-mail address. Without one, only the fall-back reaches them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The number for the fall-back by SMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the template's variables stand for, before those of all.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
}

impl NotificationRecipient {
    /// Somebody with this address.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), phone: None, name: None, variables: Map::new() }
    }

    /// With a number for the fall-back.
    pub fn phone(mut self, phone: PhoneNumber) -> Self {
        self.phone = Some(phone);
        self
    }

    /// With what a variable stands for.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }
}

impl fmt::Debug for NotificationRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotificationRecipient(…)")
    }
}

/// An SMS that is to be sent in place of mail. `Debug` shows why, and to nobody's number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Fallback {
    /// The position of the recipient in the list.
    pub index: usize,
    /// The number.
    pub to: PhoneNumber,
    /// The text.
    pub body: String,
    /// Why there was no mail.
    pub because: String,
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fallback({}: {})", self.index, self.because)
    }
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NotificationReport {
    /// The mail.
    pub mail: MailReport,
    /// SMS for those who could not be mailed and have a number, where `smsFallback` was given. Nobody whose mail may have
    /// been sent is here.
    pub fallback: Vec<Fallback>,
    /// What became of them: the answer of Twilio's `sendBulkSms`, its results in the order of `fallback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms: Option<Value>,
    /// Why no SMS was sent at all: the school has no Twilio settings, or the actor may not send SMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_error: Option<MailError>,
    /// Why the suppression lists could not be read. The mail was sent all the same: SendGrid drops what is for an address on
    /// them, and nobody gets an SMS in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression_error: Option<MailError>,
}

/// Sends a notification of a kind to many: the template, group and category of that kind are in the tenant's settings.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>. Access `send`. Addresses that have bounced or
/// unsubscribed are looked up first. Those who cannot be mailed and have a number get the SMS `smsFallback`, by Twilio and
/// for the same actor; that is a call and a record of its own, and `sms` or `smsError` says what became of it. Each recipient gets a message of their own. Errors of the whole: `invalid_argument` at `kind` (there is
/// none of that name in the settings) and as for `sendBulkEmail`; all others are in the report.
///
/// Example: `{"kind": "absence", "recipients": [{"email": "parent@example.com", "phone": "+15551234567"}], "variables": {"student": "Ada"}, "smsFallback": "Ada is absent today."}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendNotification {
    /// The kind: a name under `notifications` in the tenant's settings.
    pub kind: String,
    /// Whom to notify: 1 to 100,000.
    pub recipients: Vec<NotificationRecipient>,
    /// What the template's variables stand for, for all.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    /// The text of the SMS for those who cannot be mailed, 1 to 1600 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_fallback: Option<String>,
    /// Values that come back with every event about the messages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_args: BTreeMap<String, String>,
}

impl SendNotification {
    /// A notification of this kind to these people.
    pub fn new(kind: impl Into<String>, recipients: impl IntoIterator<Item = NotificationRecipient>) -> Self {
        Self {
            kind: kind.into(),
            recipients: recipients.into_iter().collect(),
            variables: Map::new(),
            sms_fallback: None,
            custom_args: BTreeMap::new(),
        }
    }

    /// With what a variable stands for, for all.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// With an SMS for those who cannot be mailed.
    pub fn sms_fallback(mut self, body: impl Into<String>) -> Self {
        self.sms_fallback = Some(body.into());
        self
    }

    /// The results, and the SMS for those whose mail was not sent.
    fn report(
        &self,
        call: &Call<'_, Sendgrid>,
        results: Vec<MailResult>,
        unread: Option<&Error>,
    ) -> NotificationReport {
        let mail = MailReport::new(call, results);
        let fallback = self.sms_fallback.iter().flat_map(|body| {
            mail.results.iter().filter(|result| result.state == MailState::Failed).filter_map(|result| {
                Some(Fallback {
                    index: result.index,
                    to: self.recipients[result.index].phone.clone()?,
                    body: body.clone(),
                    because: result.error.as_ref().map_or_else(String::new, |error| error.message.clone()),
                })
            })
        });
        let fallback = fallback.collect();
        let suppression_error = unread.map(MailError::from);
        NotificationReport { mail, fallback, sms: None, sms_error: None, suppression_error }
    }
}

impl Operation for SendNotification {
    type Provider = Sendgrid;
    type Output = NotificationReport;

    const NAME: &'static str = "sendNotification";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {
        "recipients[].email": Contact(Guardian),
        "recipients[].name": Identity(Guardian),
        "recipients[].variables": Message(Anyone),
        "variables": Message(Anyone),
    };
    const REPEAT: Repeat = Repeat::Never;
    const DEADLINE: Duration = Duration::from_secs(600);

    fn capability(config: &SendgridConfig) -> Capability {
        match config.notifications.is_empty() {
            true => Capability::NeedsConfig(&["notifications"]),
            false => Capability::Supported,
        }
    }

    fn validate(&self) -> Result<()> {
        check_length("recipients", self.recipients.len())?;
        check_custom_args("customArgs", &self.custom_args, 0)?;
        if let Some(body) = &self.sms_fallback
            && !(1..=1600).contains(&body.trim().chars().count())
        {
            return Err(Error::invalid("smsFallback", "must have 1 to 1600 characters"));
        }
        match self.recipients.iter().position(|person| person.email.is_none() && person.phone.is_none()) {
            Some(at) => Err(Error::invalid(format!("recipients[{at}].email"), "is required where there is no phone")),
            None => Ok(()),
        }
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<NotificationReport> {
        let Some(kind) = call.config().notifications.get(&self.kind) else {
            let known: Vec<_> = call.config().notifications.keys().map(String::as_str).collect();
            let mend = format!("must be a kind of the tenant's settings: {}", known.join(", "));
            return Err(Error::invalid("kind", mend));
        };
        let options = MailOptions {
            categories: vec![kind.category.clone().unwrap_or_else(|| self.kind.clone())],
            suppression_group_id: kind.suppression_group_id,
            ..MailOptions::default()
        };
        let envelope = envelope(call, &options, Content::Template(&kind.template_id))?;
        let used = variables::of_template(call, &kind.template_id).await;
        let used = match used.map_err(|error| match error.field() {
            // The caller gave no template: the settings did.
            Some("templateId") => Error::new(ErrorCode::NotConfigured, error.message().to_owned())
                .with_field(format!("notifications.{}.template_id", self.kind)),
            _ => error,
        }) {
            Ok(used) => used,
            Err(error) if self.sms_fallback.is_some() => {
                let failed = (0..self.recipients.len()).map(|index| MailResult::failed(index, &error)).collect();
                return Ok(self.report(call, failed, None));
            }
            Err(error) => return Err(error),
        };
        let emails = self.recipients.iter().filter_map(|person| person.email.as_deref()).collect();
        // What cannot be looked up must keep no mail from being sent: SendGrid looks for itself.
        let (looked, unread) = match Looked::up(call, emails, kind.suppression_group_id).await {
            Ok(looked) => (looked, None),
            Err(error) => (Looked::default(), Some(error)),
        };
        let (mut results, mut items) = (Vec::new(), Vec::new());
        for (index, person) in self.recipients.iter().enumerate() {
            let path = |name: &str| format!("recipients[{index}].{name}");
            let Some(email) = &person.email else {
                let error = Error::invalid(path("email"), "has no e-mail address");
                results.push(MailResult::failed(index, &error));
                continue;
            };
            let missing =
                used.as_ref().and_then(|used| variables::missing(used, &[&person.variables, &self.variables]));
            let refusal = match (check_email("", email).err(), looked.reason(email), missing) {
                (Some(error), ..) => Some(error.with_field(path("email"))),
                (None, Some(reason), _) => Some(Error::invalid(path("email"), reason.words())),
                (None, None, Some(name)) => {
                    Some(Error::invalid(path(&format!("variables.{name}")), variables::MISSING))
                }
                (None, None, None) => None,
            };
            if let Some(error) = refusal {
                results.push(MailResult::failed(index, &error));
                continue;
            }
            let mut own = self.variables.clone();
            own.extend(person.variables.iter().map(|(name, value)| (name.clone(), value.clone())));
            let to = [Recipient { email: email.clone(), name: person.name.clone() }];
            let args = [&self.custom_args, &BTreeMap::new()];
            let letter = Letter {
                to: &to,
                cc: &[],
                bcc: &[],
                subject: None,
                variables: Some(&own),
                custom_args: args,
                item: Some(index),
            };
            items.push(Item { index, people: 1, wire: letter.wire(call) });
        }
        let (sent, whole) = deliver_each(call, "recipients", &envelope, items).await;
        if let Some(error) = whole
            && self.sms_fallback.is_none()
        {
            return Err(error);
        }
        results.extend(sent);
        Ok(self.report(call, results, unread.as_ref()))
    }

    fn follow_ups(answer: &NotificationReport) -> Vec<FollowUp> {
        if answer.fallback.is_empty() {
            return Vec::new();
        }
        let messages = answer.fallback.iter().map(|sms| json!({ "to": sms.to, "body": sms.body })).collect::<Vec<_>>();
        vec![FollowUp { provider: "twilio", operation: "sendBulkSms", arguments: json!({ "messages": messages }) }]
    }

    fn followed(answer: &mut NotificationReport, results: Vec<Result<Value>>) {
        match results.into_iter().next() {
            Some(Ok(sms)) => answer.sms = Some(sms),
            Some(Err(error)) => answer.sms_error = Some((&error).into()),
            None => {}
        }
    }
}
