//! One message: written out, or from a template.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Sendgrid,
    compose::{Content, Letter, MailState, check_content, dispatch, envelope},
    options::MailOptions,
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

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sent {
    /// `accepted`, or `validated` with `options.sandbox`.
    pub state: MailState,
    /// SendGrid's id of the message; events begin their `sg_message_id` with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What the message is marked with (custom argument `sis_request_id`), for `findMessage` and events.
    pub request_id: String,
    /// To how many people it goes.
    pub recipients: usize,
}

/// What both operations do once their own arguments are looked at.
async fn send(
    call: &Call<'_, Sendgrid>,
    options: &MailOptions,
    content: Content<'_>,
    letter: Letter<'_>,
) -> Result<Sent> {
    let mut body = envelope(call, options, content)?;
    if options.check_suppressed {
        let people = [("to", letter.to), ("cc", letter.cc), ("bcc", letter.bcc)];
        let emails = [letter.to, letter.cc, letter.bcc].concat();
        let emails = emails.iter().map(|person| person.email.as_str()).collect();
        let looked = Looked::up(call, emails, options.suppression_group_id).await?;
        refuse_suppressed(&looked, &people)?;
    }
    body["personalizations"] = Value::Array(vec![letter.wire(call)]);
    let taken = dispatch(call, &body, letter.people(), None).await.map_err(|error| match error.field() {
        // Our arguments have no list of personalisations.
        Some(field) => match field.strip_prefix("personalizations[0].") {
            Some(rest) => {
                let rest = rest.to_owned();
                error.with_field(rest)
            }
            None => error,
        },
        None => error,
    })?;
    if let Some(id) = &taken.message_id {
        call.note("message_id", id.clone());
    }
    let request_id = call.request_id().to_string();
    Ok(Sent { state: taken.state, message_id: taken.message_id, request_id, recipients: letter.people() })
}

/// Sends one message, with its text and HTML, to one or more people who see each other's addresses.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>. Access `send`. Errors: `invalid_argument`
/// (the path of the address or value), `too_large` at `options.attachments`, `not_configured` at `from_email` (the sender
/// is not verified) or `api_key` (it may not send), `outcome_unknown` (it may have been sent). An address that has bounced
/// or unsubscribed is taken by SendGrid and dropped there, which an event tells; with `options.checkSuppressed` it is
/// `invalid_argument` before anything is sent.
///
/// Example: `{"to": [{"email": "parent@example.com"}], "subject": "School closed", "text": "School closes at noon."}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendEmail {
    /// To whom: 1 to 1000 with `cc` and `bcc`.
    pub to: Vec<Recipient>,
    /// Who gets a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Recipient>,
    /// Who gets a copy without the others knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<Recipient>,
    /// The subject.
    pub subject: String,
    /// The message as HTML; one of `html` and `text` is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The message as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Sender, attachments, categories, time, and what else may be said of a message.
    #[serde(default)]
    pub options: MailOptions,
}

impl SendEmail {
    /// A message to somebody, with nothing in it yet.
    pub fn new(to: impl Into<Recipient>, subject: impl Into<String>) -> Self {
        Self {
            to: vec![to.into()],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: subject.into(),
            html: None,
            text: None,
            options: MailOptions::default(),
        }
    }

    /// To one more.
    pub fn to(mut self, to: impl Into<Recipient>) -> Self {
        self.to.push(to.into());
        self
    }

    /// With a copy to somebody.
    pub fn cc(mut self, cc: impl Into<Recipient>) -> Self {
        self.cc.push(cc.into());
        self
    }

    /// With a copy to somebody that the others do not know of.
    pub fn bcc(mut self, bcc: impl Into<Recipient>) -> Self {
        self.bcc.push(bcc.into());
        self
    }

    /// With HTML.
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// With plain text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// With these options.
    pub fn options(mut self, options: MailOptions) -> Self {
        self.options = options;
        self
    }
}

impl Operation for SendEmail {
    type Provider = Sendgrid;
    type Output = Sent;

    const NAME: &'static str = "sendEmail";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {
        "to[].email": Contact(Guardian),
        "cc[].email": Contact(Guardian),
        "bcc[].email": Contact(Guardian),
        "subject": Message(Anyone),
        "html": Message(Anyone),
        "text": Message(Anyone),
        "options.attachments[].content": Content(Anyone),
    };
    const REPEAT: Repeat = Repeat::Never;

    fn validate(&self) -> Result<()> {
        check_people(&self.to, &self.cc, &self.bcc)?;
        check_content(&self.subject, self.html.as_deref(), self.text.as_deref())?;
        let size = |part: &Option<String>| part.as_ref().map_or(0, String::len);
        self.options.validate(size(&self.html) + size(&self.text))
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Sent> {
        let Self { to, cc, bcc, subject, html, text, options } = &self;
        let content = Content::Plain { subject, html: html.as_deref(), text: text.as_deref() };
        let args = [&options.custom_args, &Default::default()];
        let letter = Letter { to, cc, bcc, subject: None, variables: None, custom_args: args, item: None };
        send(call, options, content, letter).await
    }
}

/// Sends one message made from a dynamic template.
///
/// <https://www.twilio.com/docs/sendgrid/ui/sending-email/how-to-send-an-email-with-dynamic-templates>. Access `send`. The
/// template's active version is read first, and a variable that it uses outside of every block and that is not given is
/// `invalid_argument` at its path: SendGrid would send a gap in its place. Errors as for `sendEmail`, and
/// `invalid_argument` at `templateId` (there is none, or none of its versions is active).
///
/// Example: `{"to": [{"email": "parent@example.com"}], "templateId": "d-00000000000000000000000000000000", "variables": {"student": "Ada"}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SendTemplateEmail {
    /// To whom: 1 to 1000 with `cc` and `bcc`.
    pub to: Vec<Recipient>,
    /// Who gets a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Recipient>,
    /// Who gets a copy without the others knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<Recipient>,
    /// The template (`listTemplates`).
    pub template_id: String,
    /// What the template's variables stand for.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    /// Sender, attachments, categories, time, and what else may be said of a message.
    #[serde(default)]
    pub options: MailOptions,
}

impl SendTemplateEmail {
    /// This template to somebody.
    pub fn new(to: impl Into<Recipient>, template_id: impl Into<String>) -> Self {
        Self {
            to: vec![to.into()],
            cc: Vec::new(),
            bcc: Vec::new(),
            template_id: template_id.into(),
            variables: Map::new(),
            options: MailOptions::default(),
        }
    }

    /// With what a variable stands for.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// With these options.
    pub fn options(mut self, options: MailOptions) -> Self {
        self.options = options;
        self
    }
}

impl Operation for SendTemplateEmail {
    type Provider = Sendgrid;
    type Output = Sent;

    const NAME: &'static str = "sendTemplateEmail";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {
        "to[].email": Contact(Guardian),
        "cc[].email": Contact(Guardian),
        "bcc[].email": Contact(Guardian),
        "variables": Message(Anyone),
        "options.attachments[].content": Content(Anyone),
    };
    const REPEAT: Repeat = Repeat::Never;

    fn validate(&self) -> Result<()> {
        check_people(&self.to, &self.cc, &self.bcc)?;
        check_template_id("templateId", &self.template_id)?;
        self.options.validate(0)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Sent> {
        let Self { to, cc, bcc, template_id, variables, options } = &self;
        if !options.skip_variable_check
            && let Some(used) = variables::of_template(call, template_id).await?
            && let Some(name) = variables::missing(&used, &[variables])
        {
            return Err(Error::invalid(format!("variables.{name}"), variables::MISSING));
        }
        let args = [&options.custom_args, &Default::default()];
        let letter = Letter { to, cc, bcc, subject: None, variables: Some(variables), custom_args: args, item: None };
        send(call, options, Content::Template(template_id), letter).await
    }
}
