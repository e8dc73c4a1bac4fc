//! What stands in a mail, and to whom it goes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{define::check_address, wire::Base64};
use crate::error::{Error, Result};

/// The most bytes of a whole message, files in base64 (Gmail's `maxSize`).
pub(super) const MOST_BYTES: usize = 36_700_160;
/// The most people one message may go to.
const MOST_PEOPLE: usize = 500;

/// Somebody with an address. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Mailbox {
    /// The address.
    pub email: String,
    /// The name that is shown with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Mailbox {
    /// An address alone.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), name: None }
    }

    /// The same, with a name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn check(&self, path: &str) -> Result<()> {
        let field = format!("{path}.email");
        check_address(&field, &self.email)?;
        if !self.email.is_ascii() || self.email.len() > 254 {
            return Err(Error::invalid(field, "must be at most 254 characters of ASCII"));
        }
        match &self.name {
            Some(name) if name.contains(char::is_control) || name.chars().count() > 200 => {
                Err(Error::invalid(format!("{path}.name"), "must be one line of at most 200 characters"))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}

/// A file that goes with a mail.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Attachment {
    /// Its name.
    pub filename: String,
    /// What is in it, in base64.
    pub content: Base64,
    /// Its media type; `application/octet-stream` without this, and for a message (`message/rfc822`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// For a picture inside the HTML: the name it is called there by (`<img src="cid:…">`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
}

impl Attachment {
    /// A file of these bytes.
    pub fn new(filename: impl Into<String>, content: impl Into<Base64>) -> Self {
        Self { filename: filename.into(), content: content.into(), mime_type: None, content_id: None }
    }

    /// The same, with its media type.
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    /// The same, shown inside the HTML under this name.
    pub fn inline(mut self, content_id: impl Into<String>) -> Self {
        self.content_id = Some(content_id.into());
        self
    }

    fn check(&self, path: &str) -> Result<()> {
        if self.filename.trim().is_empty() || self.filename.len() > 255 || self.filename.contains(char::is_control) {
            return Err(Error::invalid(format!("{path}.filename"), "must be one line of at most 255 bytes"));
        }
        if self.mime_type.as_deref().is_some_and(|kind| !is_media_type(kind)) {
            return Err(Error::invalid(format!("{path}.mimeType"), "must be a media type such as application/pdf"));
        }
        if self.mime_type.as_deref().is_some_and(|kind| is_of(kind, "multipart/")) {
            let why = "must not be multipart: mail has no such files; send it as application/octet-stream";
            return Err(Error::invalid(format!("{path}.mimeType"), why));
        }
        if self.content_id.as_deref().is_some_and(|id| id.len() > 200 || !is_visible(id, "<>")) {
            return Err(Error::invalid(format!("{path}.contentId"), "must be a name without spaces or <>"));
        }
        Ok(())
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({:?})", self.content)
    }
}

/// A message to be written. `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub(super) struct Letter<'a> {
    pub(super) from: Option<&'a Mailbox>,
    pub(super) to: &'a [Mailbox],
    pub(super) cc: &'a [Mailbox],
    pub(super) bcc: &'a [Mailbox],
    pub(super) reply_to: Option<&'a Mailbox>,
    pub(super) subject: &'a str,
    pub(super) text: Option<&'a str>,
    pub(super) html: Option<&'a str>,
    pub(super) attachments: &'a [Attachment],
    pub(super) in_reply_to: Option<&'a str>,
}

impl Letter<'_> {
    /// Refuses what cannot be a message, with its path.
    pub(super) fn check(&self) -> Result<()> {
        if self.subject.contains(char::is_control) || self.subject.chars().count() > 2000 {
            return Err(Error::invalid("subject", "must be one line of at most 2000 characters"));
        }
        for (field, people) in [("to", self.to), ("cc", self.cc), ("bcc", self.bcc)] {
            for (at, person) in people.iter().enumerate() {
                person.check(&format!("{field}[{at}]"))?;
            }
        }
        for (field, person) in [("from", self.from), ("replyTo", self.reply_to)] {
            person.map_or(Ok(()), |person| person.check(field))?;
        }
        let people = self.people();
        if people > MOST_PEOPLE {
            return Err(Error::invalid(
                "to",
                format!("are {people} people with cc and bcc; Gmail takes {MOST_PEOPLE}"),
            ));
        }
        if self.text.is_none() && self.html.is_none() && self.attachments.is_empty() {
            return Err(Error::invalid("text", "is required where there is neither html nor an attachment"));
        }
        for (at, file) in self.attachments.iter().enumerate() {
            file.check(&format!("attachments[{at}]"))?;
        }
        if self.in_reply_to.is_some_and(|id| !is_message_id(id)) {
            return Err(Error::invalid("inReplyTo", "must be the Message-ID of a mail, such as <abc@mail.example>"));
        }
        self.check_size()
    }

    /// Refuses what goes to nobody.
    pub(super) fn check_people(&self) -> Result<()> {
        if self.people() == 0 { Err(Error::invalid("to", "must name somebody, or cc or bcc must")) } else { Ok(()) }
    }

    fn people(&self) -> usize {
        self.to.len() + self.cc.len() + self.bcc.len()
    }

    /// In base64 with its line ends, 57 bytes take 78; the rest of a message is small beside that.
    fn check_size(&self) -> Result<()> {
        let files = self.attachments.iter().map(|file| file.content.bytes().len()).sum::<usize>();
        let texts = self.text.map_or(0, str::len) + self.html.map_or(0, str::len);
        let encoded = (files + texts).div_ceil(57).saturating_mul(78);
        if encoded <= MOST_BYTES {
            return Ok(());
        }
        let field = if self.attachments.is_empty() { "text" } else { "attachments" };
        Err(Error::invalid(
            field,
            "makes the mail larger than the 35 MB that Gmail takes, files counted in base64; share them from Drive",
        ))
    }
}

/// Whether a media type is of this kind, in whatever case.
pub(super) fn is_of(media_type: &str, kind: &str) -> bool {
    media_type.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind))
}

/// Two tokens of RFC 2045.
fn is_media_type(kind: &str) -> bool {
    let token = |part: &str| is_visible(part, "<>()\"\\,;:[]?=/@");
    kind.len() <= 127 && kind.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

fn is_message_id(id: &str) -> bool {
    let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
    id.len() <= 900
        && inner
            .and_then(|id| id.split_once('@'))
            .is_some_and(|(left, right)| is_visible(left, "<>@") && is_visible(right, "<>@"))
}

/// ASCII that can be seen, and none of these.
fn is_visible(text: &str, without: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_graphic() && !without.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter<'static> {
        Letter {
            from: None,
            to: &[],
            cc: &[],
            bcc: &[],
            reply_to: None,
            subject: "Hello",
            text: Some("Hello"),
            html: None,
            attachments: &[],
            in_reply_to: None,
        }
    }

    #[test]
    fn what_cannot_be_a_mail_is_named() {
        letter().check().unwrap();
        assert_eq!(letter().check_people().unwrap_err().field(), Some("to"));
        let good = Mailbox::new("a@school.example");
        let bad = [good.clone(), Mailbox::new("b@school.example\r\nBcc: c@school.example")];
        let named = [good.clone().name("Jane\nBcc: x@y.example")];
        let file = |name: &str| [Attachment::new(name.to_owned(), &b"x"[..])];
        let (empty, typed, called) =
            (file(""), file("a").map(|file| file.mime_type("text/html; x")), file("a").map(|file| file.inline("a b")));
        let many = file("a").map(|file| file.mime_type("Multipart/mixed"));
        let large = [Attachment::new("a", vec![0; 27_000_000])];
        let crowd = vec![good.clone(); 501];
        for (letter, field) in [
            (Letter { subject: "a\r\nBcc: x@y.example", ..letter() }, "subject"),
            (Letter { bcc: &bad, ..letter() }, "bcc[1].email"),
            (Letter { cc: &named, ..letter() }, "cc[0].name"),
            (Letter { to: &crowd, ..letter() }, "to"),
            (Letter { text: None, ..letter() }, "text"),
            (Letter { attachments: &empty, ..letter() }, "attachments[0].filename"),
            (Letter { attachments: &typed, ..letter() }, "attachments[0].mimeType"),
            (Letter { attachments: &many, ..letter() }, "attachments[0].mimeType"),
            (Letter { attachments: &called, ..letter() }, "attachments[0].contentId"),
            (Letter { attachments: &large, ..letter() }, "attachments"),
            (Letter { in_reply_to: Some("<a@b>\r\nX: y"), ..letter() }, "inReplyTo"),
        ] {
            assert_eq!(letter.check().unwrap_err().field(), Some(field));
        }
        Letter { in_reply_to: Some("<CAF+x=1@mail.gmail.com>"), ..letter() }.check().unwrap();
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let shown =
            format!("{:?} {:?}", Mailbox::new("a@school.example").name("Jane"), Attachment::new("a.txt", "abc"));
        assert_eq!(shown, "Mailbox Attachment(Base64(3 bytes))");
    }
}
