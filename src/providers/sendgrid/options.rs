//! What may be said of any message: sender, files, categories, time.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::people::{Recipient, check_email};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
};

/// The largest message, with its attachments as they travel (base64).
pub(super) const LARGEST: usize = 30_000_000;
/// The most that custom arguments may take, ours included.
const LARGEST_ARGS: usize = 10_000;

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

    pub(super) fn wire(&self) -> Value {
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
    /// Look first whether the addresses have bounced or unsubscribed, are invalid or have called a mail spam: SendGrid
    /// takes mail for them, and drops it.
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
