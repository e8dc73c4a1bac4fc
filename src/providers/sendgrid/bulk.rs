//! Many messages in one call.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Sendgrid,
    batch::{Item, MailReport, MailResult, check_length, deliver},
    compose::{Content, Letter, MailState, check_content, envelope},
    options::{MailOptions, args_size, check_custom_args},
    people::{Recipient, check_people},
    suppressed::{Looked, refuse_suppressed},
    templates::check_template_id,
    variables,
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

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
