//! What all mail has in common: its options, its size, its marks, and the request it becomes.

use std::{collections::BTreeMap, fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Sendgrid, activity,
    people::{Recipient, check_email},
    prices, v3,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::Call,
    transport::Repeat,
};

/// The largest message, with its attachments as they travel (base64).
pub(super) const LARGEST: usize = 30_000_000;
/// The most that custom arguments may take, ours included.
const LARGEST_ARGS: usize = 10_000;
/// How far ahead a message may be scheduled.
const FARTHEST: Duration = Duration::from_secs(72 * 3600);
/// The custom argument that holds the call's request id: events and `findMessage` know a message by it.
pub(super) const MARK: &str = "sis_request_id";
/// The custom argument that holds the place in the list of a call that sends many.
pub(super) const ITEM: &str = "sis_item";

/// A file that goes with a message. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Attachment {
    /// Its name.
    pub filename: String,
    /// What is in it, in base64.
    pub content: String,
    /// Its media type, such as `application/pdf`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// For a picture inside the HTML: the name it is called there by (`<img src="cid:…">`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
}

impl Attachment {
    /// A file of these bytes.
    pub fn new(filename: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self { filename: filename.into(), content: STANDARD.encode(bytes), media_type: None, content_id: None }
    }

    /// The same, with its media type.
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// The same, shown inside the HTML under this name.
    pub fn inline(mut self, content_id: impl Into<String>) -> Self {
        self.content_id = Some(content_id.into());
        self
    }

    fn wire(&self) -> Value {
        let mut wire = json!({ "filename": self.filename, "content": self.content });
        if let Some(media_type) = &self.media_type {
            wire["type"] = json!(media_type);
        }
        wire["disposition"] = json!(if self.content_id.is_some() { "inline" } else { "attachment" });
        if let Some(content_id) = &self.content_id {
            wire["content_id"] = json!(content_id);
        }
        wire
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({} bytes of base64)", self.content.len())
    }
}

/// What may be said of any message. `Debug` shows no address and no file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct MailOptions {
    /// Another verified sender in place of the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Recipient>,
    /// Where answers go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Recipient>,
    /// Up to ten categories that statistics count it in. Not personal: SendGrid shows them to whoever sees statistics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Values that come back with every event about the message, at most 10,000 bytes in all. Names that begin with
    /// `sis_` are this library's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_args: BTreeMap<String, String>,
    /// When to send it, at most 72 hours ahead; to the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Files; the whole message may have 30 MB, files counted in base64 (a third more than they have).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The group (`listSuppressionGroups`) to unsubscribe by; who has done so gets nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression_group_id: Option<u64>,
    /// Only let SendGrid check the message: nothing is sent, and no event comes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// Look first whether the addresses have bounced or unsubscribed: SendGrid takes mail for them, and drops it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check_suppressed: bool,
    /// Send a template without looking first whether each of its variables is given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_variable_check: bool,
}

impl MailOptions {
    /// None of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another verified sender.
    pub fn from(mut self, from: impl Into<Recipient>) -> Self {
        self.from = Some(from.into());
        self
    }

    /// Where answers go.
    pub fn reply_to(mut self, reply_to: impl Into<Recipient>) -> Self {
        self.reply_to = Some(reply_to.into());
        self
    }

    /// One category more.
    pub fn category(mut self, name: impl Into<String>) -> Self {
        self.categories.push(name.into());
        self
    }

    /// One custom argument more.
    pub fn custom_arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.custom_args.insert(name.into(), value.into());
        self
    }

    /// When to send it.
    pub fn send_at(mut self, at: Timestamp) -> Self {
        self.send_at = Some(at);
        self
    }

    /// One file more.
    pub fn attachment(mut self, file: Attachment) -> Self {
        self.attachments.push(file);
        self
    }

    /// The group to unsubscribe by.
    pub fn suppression_group(mut self, id: u64) -> Self {
        self.suppression_group_id = Some(id);
        self
    }

    /// Only let SendGrid check it.
    pub fn sandbox(mut self) -> Self {
        self.sandbox = true;
        self
    }

    /// Look first whether the addresses have bounced or unsubscribed.
    pub fn check_suppressed(mut self) -> Self {
        self.check_suppressed = true;
        self
    }

    /// Refuses what cannot work; `text` is the size of what stands in the message itself.
    pub(super) fn validate(&self, text: usize) -> Result<()> {
        self.check(text).map_err(|error| error.within("options"))
    }

    fn check(&self, text: usize) -> Result<()> {
        for (field, person) in [("from.email", &self.from), ("replyTo.email", &self.reply_to)] {
            person.as_ref().map_or(Ok(()), |person| check_email(field, &person.email))?;
        }
        check_categories("categories", &self.categories)?;
        check_custom_args("customArgs", &self.custom_args, 0)?;
        for (at, file) in self.attachments.iter().enumerate() {
            let field = |name: &str| format!("attachments[{at}].{name}");
            if file.filename.is_empty() || file.filename.contains(['\r', '\n', ';']) {
                return Err(Error::invalid(field("filename"), "must be a name without line breaks and semicolons"));
            }
            if file.content.is_empty() || STANDARD.decode(&file.content).is_err() {
                return Err(Error::invalid(field("content"), "must be base64, and not empty"));
            }
        }
        let size = text + self.attachments.iter().map(|file| file.content.len()).sum::<usize>();
        if size > LARGEST {
            let what = format!(
                "with its attachments in base64 the message has {size} bytes; SendGrid takes {LARGEST}. Send a link to \
                 the file instead"
            );
            return Err(Error::new(ErrorCode::TooLarge, what).with_field("attachments"));
        }
        Ok(())
    }
}

pub(super) fn check_categories(field: &str, categories: &[String]) -> Result<()> {
    if categories.len() > 10 {
        return Err(Error::invalid(field, format!("must be at most ten, not {}", categories.len())));
    }
    for (at, name) in categories.iter().enumerate() {
        if !(1..=255).contains(&name.chars().count()) {
            return Err(Error::invalid(format!("{field}[{at}]"), "must have 1 to 255 characters"));
        }
        if categories[..at].contains(name) {
            return Err(Error::invalid(format!("{field}[{at}]"), "stands there twice"));
        }
    }
    Ok(())
}

/// `beside` is the size of those that will stand with them.
pub(super) fn check_custom_args(field: &str, args: &BTreeMap<String, String>, beside: usize) -> Result<()> {
    // Room for our own two.
    const OURS: usize = 100;
    if let Some(name) = args.keys().find(|name| name.starts_with("sis_")) {
        return Err(Error::invalid(format!("{field}.{name}"), "must not begin with sis_: those are the library's own"));
    }
    let size = args_size(args) + beside + OURS;
    if size > LARGEST_ARGS {
        let most = LARGEST_ARGS - OURS;
        return Err(Error::invalid(field, format!("must have at most {most} bytes in all")));
    }
    Ok(())
}

pub(super) fn args_size(args: &BTreeMap<String, String>) -> usize {
    // Quotes, colon and comma stand around each pair.
    args.iter().map(|(name, value)| name.len() + value.len() + 6).sum()
}

/// Refuses a message without a subject or without anything in it.
pub(super) fn check_content(subject: &str, html: Option<&str>, text: Option<&str>) -> Result<()> {
    if subject.trim().is_empty() || subject.contains(['\r', '\n']) {
        return Err(Error::invalid("subject", "must be one line that is not empty"));
    }
    for (field, part) in [("html", html), ("text", text)] {
        if part.is_some_and(|part| part.trim().is_empty()) {
            return Err(Error::invalid(field, "must not be empty"));
        }
    }
    if html.is_none() && text.is_none() {
        return Err(Error::invalid("text", "is required where there is no html"));
    }
    Ok(())
}

/// What stands in a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    Plain { subject: &'a str, html: Option<&'a str>, text: Option<&'a str> },
    Template(&'a str),
}

/// The request, but for the people it goes to.
pub(super) fn envelope(call: &Call<'_, Sendgrid>, options: &MailOptions, content: Content<'_>) -> Result<Value> {
    let config = call.config();
    let from = options
        .from
        .clone()
        .unwrap_or_else(|| Recipient { email: config.from_email.clone(), name: config.from_name.clone() });
    let mut body = Map::new();
    body.insert("from".to_owned(), from.wire());
    if let Some(reply_to) = &options.reply_to {
        body.insert("reply_to".to_owned(), reply_to.wire());
    }
    match content {
        Content::Plain { subject, html, text } => {
            body.insert("subject".to_owned(), json!(subject));
            // SendGrid wants the plain text first.
            let parts = [("text/plain", text), ("text/html", html)];
            let parts = parts.into_iter().filter_map(|(kind, value)| Some(json!({ "type": kind, "value": value? })));
            body.insert("content".to_owned(), parts.collect());
        }
        Content::Template(id) => {
            body.insert("template_id".to_owned(), json!(id));
        }
    }
    if !options.attachments.is_empty() {
        body.insert("attachments".to_owned(), options.attachments.iter().map(Attachment::wire).collect());
    }
    if !options.categories.is_empty() {
        body.insert("categories".to_owned(), json!(options.categories));
    }
    if let Some(at) = options.send_at {
        body.insert("send_at".to_owned(), json!(send_at("options.sendAt", at, call.now())?));
    }
    if let Some(id) = options.suppression_group_id {
        body.insert("asm".to_owned(), json!({ "group_id": id }));
    }
    if options.sandbox {
        body.insert("mail_settings".to_owned(), json!({ "sandbox_mode": { "enable": true } }));
    }
    Ok(Value::Object(body))
}

/// Seconds since 1970, if it is not too far ahead.
fn send_at(field: &str, at: Timestamp, now: Timestamp) -> Result<i64> {
    if at.since(now) > FARTHEST {
        return Err(Error::invalid(field, "must be at most 72 hours ahead"));
    }
    Ok(at.as_micros().div_euclid(1_000_000))
}

/// Who gets one copy, and what stands in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter<'a> {
    pub(super) to: &'a [Recipient],
    pub(super) cc: &'a [Recipient],
    pub(super) bcc: &'a [Recipient],
    pub(super) subject: Option<&'a str>,
    pub(super) variables: Option<&'a Map<String, Value>>,
    pub(super) custom_args: [&'a BTreeMap<String, String>; 2],
    /// The place in the list, of a call that sends many.
    pub(super) item: Option<usize>,
}

impl Letter<'_> {
    pub(super) fn people(&self) -> usize {
        self.to.len() + self.cc.len() + self.bcc.len()
    }

    /// A personalisation, marked with the call's id.
    pub(super) fn wire(&self, call: &Call<'_, Sendgrid>) -> Value {
        let people = |people: &[Recipient]| people.iter().map(Recipient::wire).collect::<Value>();
        let mut wire = json!({ "to": people(self.to) });
        for (name, list) in [("cc", self.cc), ("bcc", self.bcc)] {
            if !list.is_empty() {
                wire[name] = people(list);
            }
        }
        if let Some(subject) = self.subject {
            wire["subject"] = json!(subject);
        }
        if let Some(variables) = self.variables {
            wire["dynamic_template_data"] = Value::Object(variables.clone());
        }
        let mut args = Map::new();
        for (name, value) in self.custom_args.into_iter().flatten() {
            args.insert(name.clone(), json!(value));
        }
        args.insert(MARK.to_owned(), json!(call.request_id().to_string()));
        if let Some(item) = self.item {
            args.insert(ITEM.to_owned(), json!(item.to_string()));
        }
        wire["custom_args"] = Value::Object(args);
        wire
    }
}

/// What SendGrid did with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MailState {
    /// It has taken it; what becomes of it comes by the Event Webhook.
    Accepted,
    /// It finds nothing wrong with it, and has sent nothing: `options.sandbox`.
    Validated,
    /// It was not sent.
    Failed,
    /// It may have been sent: it is not sent again.
    Unknown,
    /// The same stood in the list before.
    Duplicate,
}

/// A request that SendGrid took.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) state: MailState,
    pub(super) message_id: Option<String>,
}

/// Sends a whole request, and charges it. One whose end is not known is looked for, where the plan has that, and is
/// never sent again. `people` is how many it goes to; `item` a place in the list that this request alone carries.
pub(super) async fn dispatch(
    call: &Call<'_, Sendgrid>,
    body: &Value,
    people: usize,
    item: Option<usize>,
) -> Result<Taken> {
    let sandboxed = body.pointer("/mail_settings/sandbox_mode/enable") == Some(&json!(true));
    let request = call.post(v3(call, &["mail", "send"])?).json(body);
    let taken = match call.send_as(request, Repeat::Never).await {
        Ok(response) => Taken {
            state: if sandboxed { MailState::Validated } else { MailState::Accepted },
            message_id: response.headers.get("x-message-id").map(str::to_owned),
        },
        Err(error) if error.code() == ErrorCode::OutcomeUnknown && !sandboxed => {
            match activity::search(call, item).await {
                Some(message_id) => Taken { state: MailState::Accepted, message_id: Some(message_id) },
                None => return Err(error),
            }
        }
        Err(error) => return Err(error),
    };
    if taken.state == MailState::Accepted {
        let count = i64::try_from(people).unwrap_or(i64::MAX);
        call.charge(count, count.saturating_mul(prices::EMAIL), prices::CURRENCY);
    }
    Ok(taken)
}
