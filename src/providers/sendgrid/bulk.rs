//! Many messages in one call: a thousand to a request, a result for each.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{StreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Sendgrid,
    compose::{
        Content, LARGEST, Letter, MailOptions, MailState, Taken, args_size, check_content, check_custom_args, dispatch,
        envelope,
    },
    people::{MOST, Recipient, check_people},
    suppressed::{Looked, refuse_suppressed},
    templates::check_template_id,
    variables,
};
use crate::{
    error::{Error, ErrorCode, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// The most messages of one call.
pub(super) const LONGEST: usize = 100_000;
/// Requests on their way at once.
const AT_ONCE: usize = 4;
/// How often a request is sent again without a message that SendGrid refused the whole request for.
const REFUSED: usize = 20;

/// One of many messages. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct BulkEmail {
    /// To whom; all of them see each other's addresses. A message that cannot be sent fails alone.
    pub to: Vec<Recipient>,
    /// Who gets a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Recipient>,
    /// Who gets a copy without the others knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<Recipient>,
    /// A subject of its own; not with a template, which has its own subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What the template's variables stand for.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    /// Custom arguments beside those of the options.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_args: BTreeMap<String, String>,
}

impl BulkEmail {
    /// To this address.
    pub fn new(to: impl Into<Recipient>) -> Self {
        Self {
            to: vec![to.into()],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: None,
            variables: Map::new(),
            custom_args: BTreeMap::new(),
        }
    }

    /// With a subject of its own.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// With what a variable stands for.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    fn check(&self, options: &MailOptions, template: bool) -> Result<()> {
        check_people(&self.to, &self.cc, &self.bcc)?;
        if self.subject.as_ref().is_some_and(|subject| subject.trim().is_empty() || subject.contains(['\r', '\n'])) {
            return Err(Error::invalid("subject", "must be one line that is not empty"));
        }
        if template && self.subject.is_some() {
            return Err(Error::invalid("subject", "must not stand beside templateId: the template has its own"));
        }
        if !template && !self.variables.is_empty() {
            return Err(Error::invalid("variables", "need a templateId"));
        }
        check_custom_args("customArgs", &self.custom_args, args_size(&options.custom_args))
    }
}

impl fmt::Debug for BulkEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BulkEmail(…)")
    }
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailError {
    /// Our code, such as `invalid_argument`.
    pub code: String,
    /// In words.
    pub message: String,
    /// The argument at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl From<&Error> for MailError {
    fn from(error: &Error) -> Self {
        let field = error.field().map(str::to_owned);
        Self { code: error.code().name().to_owned(), message: error.message().to_owned(), field }
    }
}

/// What became of one of many messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailResult {
    /// The position in the list.
    pub index: usize,
    /// What SendGrid did with it.
    pub state: MailState,
    /// SendGrid's id: that of the request, which up to a thousand messages have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// For a duplicate: the position of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<usize>,
    /// Why not, or why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<MailError>,
}

impl MailResult {
    pub(super) fn failed(index: usize, error: &Error) -> Self {
        let state = if error.code() == ErrorCode::OutcomeUnknown { MailState::Unknown } else { MailState::Failed };
        Self { index, state, message_id: None, duplicate_of: None, error: Some(error.into()) }
    }

    fn taken(index: usize, taken: &Taken) -> Self {
        Self { index, state: taken.state, message_id: taken.message_id.clone(), duplicate_of: None, error: None }
    }
}

/// What became of many messages. The counts add up to all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailReport {
    /// How many SendGrid took; with `options.sandbox`, finds nothing wrong with.
    pub accepted: usize,
    /// How many were not sent.
    pub failed: usize,
    /// Of how many that is not known.
    pub unknown: usize,
    /// How many stood in the list before, the same in everything.
    pub duplicates: usize,
    /// What the messages are marked with (custom argument `sis_request_id`; their positions are in `sis_item`).
    pub request_id: String,
    /// Each of them, in the order given.
    pub results: Vec<MailResult>,
}

impl MailReport {
    pub(super) fn new(call: &Call<'_, Sendgrid>, mut results: Vec<MailResult>) -> Self {
        results.sort_by_key(|result| result.index);
        let count = |states: &[MailState]| results.iter().filter(|result| states.contains(&result.state)).count();
        let report = Self {
            accepted: count(&[MailState::Accepted, MailState::Validated]),
            failed: count(&[MailState::Failed]),
            unknown: count(&[MailState::Unknown]),
            duplicates: count(&[MailState::Duplicate]),
            request_id: call.request_id().to_string(),
            results,
        };
        for (name, count) in [("accepted", report.accepted), ("failed", report.failed), ("unknown", report.unknown)] {
            call.note(name, count);
        }
        report
    }
}

/// One message on its way: its place in the caller's list, and its personalisation.
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) people: usize,
    pub(super) wire: Value,
}

/// Puts items into requests: at most a thousand personalisations, a thousand people, and 30 MB each.
fn pack(items: Vec<Item>, room: usize) -> Vec<Vec<Item>> {
    let mut parts: Vec<Vec<Item>> = Vec::new();
    let (mut people, mut size) = (0, 0);
    for item in items {
        let length = item.wire.to_string().len() + 1;
        let full =
            parts.last().is_none_or(|part| part.len() == MOST) || people + item.people > MOST || size + length > room;
        if full {
            parts.push(Vec::new());
            (people, size) = (0, 0);
        }
        people += item.people;
        size += length;
        if let Some(part) = parts.last_mut() {
            part.push(item);
        }
    }
    parts
}

/// Sends items, a part of the call for each request; a result for each item.
///
/// Only when nothing at all could be sent because of the tenant's settings is that an error of the whole.
pub(super) async fn deliver(
    call: &Call<'_, Sendgrid>,
    list: &str,
    envelope: &Value,
    items: Vec<Item>,
) -> Result<Vec<MailResult>> {
    let room = LARGEST.saturating_sub(envelope.to_string().len());
    let refused = AtomicBool::new(false);
    let parts = pack(items, room).into_iter().map(|part| send_part(call, list, envelope, part, &refused));
    let mut done = stream::iter(parts).buffer_unordered(AT_ONCE).boxed();
    let (mut results, mut whole) = (Vec::new(), None);
    while let Some((sent, error)) = done.next().await {
        results.extend(sent);
        whole = whole.or(error);
    }
    drop(done);
    match whole {
        Some(error) if results.iter().all(|result| result.state == MailState::Failed) => Err(error),
        _ => Ok(results),
    }
}

/// Sends one request. SendGrid refuses a whole request for one bad message and says which: nothing was sent then, and the
/// request goes again without it.
async fn send_part(
    call: &Call<'_, Sendgrid>,
    list: &str,
    envelope: &Value,
    mut items: Vec<Item>,
    refused: &AtomicBool,
) -> (Vec<MailResult>, Option<Error>) {
    let mut results = Vec::with_capacity(items.len());
    for attempt in 1.. {
        let Some(first) = items.first() else {
            break;
        };
        let name = match attempt {
            1 => format!("{list}[{}]+{}", first.index, items.len()),
            _ => format!("{list}[{}]+{}/{attempt}", first.index, items.len()),
        };
        let outcome = if refused.load(Ordering::Relaxed) {
            let why = "not sent: SendGrid refused the tenant's settings just before";
            Err(Error::new(ErrorCode::NeedsReconnect, why))
        } else {
            send_recorded(call, &name, envelope, &items).await
        };
        let error = match outcome {
            Ok(taken) => {
                results.extend(items.iter().map(|item| MailResult::taken(item.index, &taken)));
                break;
            }
            Err(error) => error,
        };
        if let Some((position, rest)) = culprit(&error).filter(|(position, _)| *position < items.len())
            && attempt <= REFUSED
        {
            let item = items.remove(position);
            let field = format!("{list}[{}].{rest}", item.index);
            results.push(MailResult::failed(item.index, &error.with_field(field)));
            continue;
        }
        results.extend(items.iter().map(|item| MailResult::failed(item.index, &error)));
        if matches!(error.code(), ErrorCode::NeedsReconnect | ErrorCode::NotConfigured) {
            refused.store(true, Ordering::Relaxed);
            return (results, Some(error));
        }
        break;
    }
    (results, None)
}

async fn send_recorded(call: &Call<'_, Sendgrid>, name: &str, envelope: &Value, items: &[Item]) -> Result<Taken> {
    let mut body = envelope.clone();
    body["personalizations"] = items.iter().map(|item| item.wire.clone()).collect();
    let people = items.iter().map(|item| item.people).sum();
    let mut outcome = None;
    let work = async {
        let result = dispatch(call, &body, people, items.first().map(|item| item.index)).await;
        let note = match &result {
            Ok(taken) => Ok(((), json!({ "message_id": taken.message_id }))),
            Err(error) => Err(error.clone()),
        };
        outcome = Some(result);
        note
    };
    let recorded = call.part(name, work).await;
    match (outcome, recorded) {
        // What became of it is told also where writing it down failed; the road raises that.
        (Some(result), _) => result,
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(Error::internal("a part ended without having begun")),
    }
}

/// Which personalisation a refusal is about, and what of it.
fn culprit(error: &Error) -> Option<(usize, String)> {
    if error.code() != ErrorCode::InvalidArgument {
        return None;
    }
    let (position, rest) = error.field()?.strip_prefix("personalizations[")?.split_once(']')?;
    Some((position.parse().ok()?, rest.strip_prefix('.').unwrap_or("to").to_owned()))
}

/// Sends many messages: one text or one template to each, with a subject or variables of its own.
///
/// <https://www.twilio.com/docs/sendgrid/for-developers/sending-email/personalizations>. Access `send`. A request carries at
/// most 1000 messages to at most 1000 people; longer lists are split. Each request is on record before it leaves, none is
/// sent twice, and messages of one whose end cannot be found out are `unknown`. A message that SendGrid refuses fails
/// alone. Errors of the whole: `invalid_argument`, `too_large`, `not_configured`, `needs_reconnect`; all others are in
/// the report.
///
/// Example: `{"messages": [{"to": [{"email": "parent@example.com"}]}], "subject": "Report cards", "text": "They are out."}`
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendBulkEmail {
    /// The messages: 1 to 100,000.
    pub messages: Vec<BulkEmail>,
    /// The subject of those that have none of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text of all as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The text of all as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The template of all, in place of subject and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    /// Sender, attachments, categories, time, and what else may be said of a message: for all of them.
    #[serde(default)]
    pub options: MailOptions,
}

impl SendBulkEmail {
    /// One text to each.
    pub fn new(
        messages: impl IntoIterator<Item = BulkEmail>,
        subject: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self { subject: Some(subject.into()), text: Some(text.into()), ..Self::of(messages) }
    }

    /// One template to each.
    pub fn template(messages: impl IntoIterator<Item = BulkEmail>, template_id: impl Into<String>) -> Self {
        Self { template_id: Some(template_id.into()), ..Self::of(messages) }
    }

    fn of(messages: impl IntoIterator<Item = BulkEmail>) -> Self {
        let messages = messages.into_iter().collect();
        let options = MailOptions::default();
        Self { messages, subject: None, html: None, text: None, template_id: None, options }
    }

    /// With these options.
    pub fn options(mut self, options: MailOptions) -> Self {
        self.options = options;
        self
    }
}

impl fmt::Debug for SendBulkEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendBulkEmail({})", self.messages.len())
    }
}

impl Operation for SendBulkEmail {
    type Provider = Sendgrid;
    type Output = MailReport;

    const NAME: &'static str = "sendBulkEmail";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {
        "messages[].to[].email": Contact(Guardian),
        "messages[].cc[].email": Contact(Guardian),
        "messages[].bcc[].email": Contact(Guardian),
        "messages[].subject": Message(Anyone),
        "messages[].variables": Message(Anyone),
        "subject": Message(Anyone),
        "html": Message(Anyone),
        "text": Message(Anyone),
        "options.attachments[].content": Content(Anyone),
    };
    const REPEAT: Repeat = Repeat::Never;
    const DEADLINE: Duration = Duration::from_secs(600);

    fn validate(&self) -> Result<()> {
        check_length("messages", self.messages.len())?;
        if let Some(id) = &self.template_id {
            check_template_id("templateId", id)?;
            for (given, field) in
                [(self.subject.is_some(), "subject"), (self.html.is_some(), "html"), (self.text.is_some(), "text")]
            {
                if given {
                    return Err(Error::invalid(field, "must not stand beside templateId"));
                }
            }
        } else {
            // One that has its own subject needs none of all.
            let own = self.messages.iter().all(|message| message.subject.is_some()).then_some("its own");
            let subject = self.subject.as_deref().or(own).unwrap_or_default();
            check_content(subject, self.html.as_deref(), self.text.as_deref())?;
        }
        let size = |part: &Option<String>| part.as_ref().map_or(0, String::len);
        self.options.validate(size(&self.html) + size(&self.text))?;
        // One bad message fails alone; where all of them are bad there is nothing to do.
        let template = self.template_id.is_some();
        let bad = |message: &BulkEmail| message.check(&self.options, template).err();
        match self.messages.first().and_then(bad) {
            Some(error) if self.messages.iter().all(|message| bad(message).is_some()) => {
                Err(error.within("messages[0]"))
            }
            _ => Ok(()),
        }
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<MailReport> {
        let Self { messages, subject, html, text, template_id, options } = &self;
        let content = match template_id {
            Some(id) => Content::Template(id),
            None => Content::Plain {
                // SendGrid wants one also where each message has its own.
                subject: subject
                    .as_deref()
                    .or_else(|| messages.iter().find_map(|m| m.subject.as_deref()))
                    .unwrap_or_default(),
                html: html.as_deref(),
                text: text.as_deref(),
            },
        };
        let envelope = envelope(call, options, content)?;
        let used = match template_id {
            Some(id) if !options.skip_variable_check => variables::of_template(call, id).await?,
            _ => None,
        };
        let looked = if options.check_suppressed {
            let mut emails = Vec::new();
            for message in messages {
                let people = message.to.iter().chain(&message.cc).chain(&message.bcc);
                emails.extend(people.map(|person| person.email.as_str()));
            }
            Some(Looked::up(call, emails, options.suppression_group_id).await?)
        } else {
            None
        };
        let (mut results, mut items, mut first) = (Vec::new(), Vec::new(), HashMap::new());
        for (index, message) in messages.iter().enumerate() {
            let check = || -> Result<()> {
                message.check(options, template_id.is_some())?;
                if let Some(name) = used.as_ref().and_then(|used| variables::missing(used, &[&message.variables])) {
                    return Err(Error::invalid(format!("variables.{name}"), variables::MISSING));
                }
                let people = [("to", &*message.to), ("cc", &*message.cc), ("bcc", &*message.bcc)];
                looked.as_ref().map_or(Ok(()), |looked| refuse_suppressed(looked, &people))
            };
            if let Err(error) = check() {
                results.push(MailResult::failed(index, &error.within(&format!("messages[{index}]"))));
                continue;
            }
            let same = serde_json::to_string(message).map_err(|_| Error::internal("a message cannot be written"))?;
            if let Some(first) = first.get(&same) {
                let state = MailState::Duplicate;
                results.push(MailResult { index, state, message_id: None, duplicate_of: Some(*first), error: None });
                continue;
            }
            first.insert(same, index);
            let letter = Letter {
                to: &message.to,
                cc: &message.cc,
                bcc: &message.bcc,
                subject: message.subject.as_deref(),
                variables: template_id.is_some().then_some(&message.variables),
                custom_args: [&options.custom_args, &message.custom_args],
                item: Some(index),
            };
            items.push(Item { index, people: letter.people(), wire: letter.wire(call) });
        }
        results.extend(deliver(call, "messages", &envelope, items).await?);
        Ok(MailReport::new(call, results))
    }
}

/// Refuses a list without anybody in it, or with too many.
pub(super) fn check_length(field: &str, length: usize) -> Result<()> {
    match length {
        0 => Err(Error::invalid(field, "must hold at least one")),
        1..=LONGEST => Ok(()),
        _ => Err(Error::invalid(field, format!("must hold at most {LONGEST}, not {length}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(index: usize, people: usize, size: usize) -> Item {
        Item { index, people, wire: json!("x".repeat(size)) }
    }

    #[test]
    fn requests_are_full_and_never_too_full() {
        let lengths = |items: Vec<Item>, room| pack(items, room).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths((0..1000).map(|at| item(at, 1, 0)).collect(), LARGEST), [1000]);
        assert_eq!(lengths((0..1001).map(|at| item(at, 1, 0)).collect(), LARGEST), [1000, 1]);
        assert_eq!(lengths((0..5).map(|at| item(at, 400, 0)).collect(), LARGEST), [2, 2, 1]);
        assert_eq!(lengths((0..4).map(|at| item(at, 1, 10)).collect(), 26), [2, 2]);
        assert_eq!(lengths(Vec::new(), LARGEST), Vec::<usize>::new());
    }

    #[test]
    fn a_refusal_names_its_message() {
        let about = |field: &str| culprit(&Error::invalid(field, "x"));
        assert_eq!(about("personalizations[3].to[1].email"), Some((3, "to[1].email".to_owned())));
        assert_eq!(about("personalizations[3]"), Some((3, "to".to_owned())));
        assert_eq!(about("from.email"), None);
        assert_eq!(culprit(&Error::new(ErrorCode::Vendor, "x").with_field("personalizations[3]")), None);
    }
}
