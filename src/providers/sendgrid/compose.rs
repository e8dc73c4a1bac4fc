//! What all mail has in common: its content, its marks, and the request it becomes.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Sendgrid, activity,
    options::{Attachment, MailOptions},
    people::Recipient,
    prices, v3,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::Call,
    transport::Repeat,
};

/// How far ahead a message may be scheduled.
const FARTHEST: Duration = Duration::from_secs(72 * 3600);
/// The custom argument that holds the call's request id: events and `findMessage` know a message by it.
pub(super) const MARK: &str = "sis_request_id";
/// The custom argument that holds the place in the list of a call that sends many.
pub(super) const ITEM: &str = "sis_item";

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
