//! A mail, as it is given and as Graph takes it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    channels::ContentType,
    check,
    graph::{Graph, found},
    upload::{self, decoded},
    wire::{arguments, choice, object, record},
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Method, Repeat},
};

/// What Outlook takes of an attachment in one request; more goes by an upload session, and less may not.
const SMALL: usize = 3 << 20;
/// What Outlook takes at all.
const LARGEST: usize = 150 << 20;
/// What the JSON of one request may have, with some room: Microsoft's limit is 4 MB.
const ROOM: usize = 3_700_000;
/// How many people one mail may be for.
const RECIPIENTS: usize = 500;

/// By which our own messages are known again: a named property of ours, which no reader shows.
pub(super) const MARK: &str = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name sisIntegrationsKey";

record! {
    /// An address, with the name that belongs to it.
    Mailbox {
        /// The name.
        name: String,
        /// The address.
        address: String,
    }
}

record! {
    /// Whom a mail is from or for.
    Correspondent {
        /// The address.
        email_address: Mailbox,
    }
}

object! {
    /// A mail.
    MailMessage {
        /// The subject.
        subject: String,
        /// How it begins.
        body_preview: String,
        /// What it says.
        body: super::channels::ItemBody,
        /// Whom it is from.
        from: Correspondent,
        /// Whom it is for.
        to_recipients: Vec<Correspondent>,
        /// Who gets a copy.
        cc_recipients: Vec<Correspondent>,
        /// When it came.
        received_date_time: String,
        /// When it was sent.
        sent_date_time: String,
        /// Whether it was read.
        is_read: bool,
        /// Whether it is a draft.
        is_draft: bool,
        /// Whether something is attached.
        has_attachments: bool,
        /// `low`, `normal` or `high`.
        importance: String,
        /// By which all mail servers know it.
        internet_message_id: String,
        /// The conversation it belongs to.
        conversation_id: String,
        /// Its page.
        web_link: String,
    }
}

choice! {
    /// How much a mail matters.
    MailImportance {
        /// Little.
        Low = "low",
        /// As usual.
        Normal = "normal",
        /// Much.
        High = "high",
    }
}

arguments! {
    /// A file in a mail.
    Attachment {
        required {
            /// Its name.
            name: String,
            /// The bytes in base64; up to 150 MiB.
            content: String,
        }
        optional {
            /// Such as `application/pdf`.
            content_type: String,
        }
    }
}

arguments! {
    /// A mail to be written.
    NewMessage {
        required {
            /// Addresses of those it is for.
            to: Vec<String>,
            /// The subject.
            subject: String,
            /// The text.
            content: String,
        }
        optional {
            /// `text` or `html`. Default: text.
            content_type: ContentType,
            /// Addresses of those who get a copy.
            cc: Vec<String>,
            /// Addresses of those who get a copy that the others do not see.
            bcc: Vec<String>,
            /// Where answers go.
            reply_to: Vec<String>,
            /// `low`, `normal` or `high`.
            importance: MailImportance,
            /// Files that go with it.
            attachments: Vec<Attachment>,
        }
    }
}

fn recipients(addresses: &[String]) -> Value {
    addresses.iter().map(|address| json!({ "emailAddress": { "address": address } })).collect()
}

/// What a draft is known by afterwards.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Draft {
    pub(super) id: String,
    #[serde(default)]
    pub(super) internet_message_id: Option<String>,
    #[serde(default)]
    pub(super) web_link: Option<String>,
    #[serde(default)]
    pub(super) is_draft: Option<bool>,
}

impl NewMessage {
    pub(super) fn check(&self, field: &str) -> Result<()> {
        let lists = [
            ("to", Some(&self.to)),
            ("cc", self.cc.as_ref()),
            ("bcc", self.bcc.as_ref()),
            ("replyTo", self.reply_to.as_ref()),
        ];
        let mut people = 0;
        for (name, addresses) in lists {
            for (at, address) in addresses.into_iter().flatten().enumerate() {
                let path = format!("{field}.{name}[{at}]");
                check::address(&path, address)?;
                people += usize::from(name != "replyTo");
                if people > RECIPIENTS {
                    return Err(Error::invalid(path, format!("is one too many: a mail is for at most {RECIPIENTS}")));
                }
            }
        }
        if people == 0 {
            return Err(Error::invalid(format!("{field}.to"), "must have at least one address"));
        }
        if self.subject.chars().count() > 255 {
            return Err(Error::invalid(format!("{field}.subject"), "has at most 255 characters"));
        }
        if self.content.len() > ROOM {
            return Err(Error::new(ErrorCode::TooLarge, "is too long: a mail's text may have 3.7 MB")
                .with_field(format!("{field}.content")));
        }
        for (at, attachment) in self.attachments.iter().flatten().enumerate() {
            let path = format!("{field}.attachments[{at}]");
            check::text(&format!("{path}.name"), &attachment.name, 255)?;
            // After a lost answer an attachment is looked for by its name.
            if self.attachments.iter().flatten().take(at).any(|other| other.name == attachment.name) {
                return Err(Error::invalid(format!("{path}.name"), "is another attachment's already"));
            }
            let path = format!("{path}.content");
            if attachment.content.len() / 4 * 3 > LARGEST + 2 {
                return Err(Error::new(ErrorCode::TooLarge, "is too large: Outlook takes 150 MiB").with_field(path));
            }
            decoded(&path, &attachment.content)?;
        }
        Ok(())
    }

    fn body(&self, mark: &str, inline: &[&Attachment]) -> Value {
        let mut body = json!({
            "subject": self.subject,
            "body": { "content": self.content, "contentType": self.content_type.unwrap_or(ContentType::Text) },
            "toRecipients": recipients(&self.to),
            "singleValueExtendedProperties": [{ "id": MARK, "value": mark }],
        });
        let lists = [("ccRecipients", &self.cc), ("bccRecipients", &self.bcc), ("replyTo", &self.reply_to)];
        for (name, addresses) in lists {
            if let Some(addresses) = addresses {
                body[name] = recipients(addresses);
            }
        }
        if let Some(importance) = self.importance {
            body["importance"] = json!(importance);
        }
        if !inline.is_empty() {
            body["attachments"] = inline.iter().map(|attachment| attachment.body()).collect();
        }
        body
    }

    /// How many attachments go with the draft itself: the first ones, as far as there is room.
    fn inline(&self) -> usize {
        let mut room = ROOM.saturating_sub(self.content.len());
        let fits = |attachment: &&Attachment| {
            let size = attachment.content.len();
            let fits = size <= room && size / 4 * 3 < SMALL;
            room = room.saturating_sub(size);
            fits
        };
        self.attachments.iter().flatten().take_while(fits).count()
    }

    /// Makes the draft, in steps: each attachment that does not go with it is one.
    pub(super) async fn draft(&self, graph: &Graph<'_>) -> Result<Draft> {
        let call = &graph.call;
        let mark = call.vendor_key("");
        let attachments: Vec<&Attachment> = self.attachments.iter().flatten().collect();
        let (inline, more) = attachments.split_at(self.inline().min(attachments.len()));
        let draft = call
            .step("draft", async |begun| {
                if begun && let Some(ours) = marked(graph, &mark).await? {
                    return Ok(ours);
                }
                match graph.make(Method::Post, &["messages"], &self.body(&mark, inline), Repeat::Never).await {
                    Err(error) if error.code() == ErrorCode::OutcomeUnknown => found(marked(graph, &mark).await, error),
                    made => made,
                }
            })
            .await?;
        for (at, attachment) in more.iter().enumerate() {
            attachment.add(graph, &draft.id, inline.len() + at).await?;
        }
        Ok(draft)
    }
}

/// The message that bears the mark, draft or sent.
pub(super) async fn marked(graph: &Graph<'_>, mark: &str) -> Result<Option<Draft>> {
    let filter = format!("singleValueExtendedProperties/any(ep: ep/id eq '{MARK}' and ep/value eq '{mark}')");
    let query = [("$filter", filter), ("$select", "id,internetMessageId,webLink,isDraft".to_owned())];
    // Of a list that is filtered, the first page may have nothing although there is something.
    Ok(graph.all::<Draft>(&["messages"], &query).await?.into_iter().next())
}

#[derive(Deserialize)]
struct Attached {
    #[serde(default)]
    name: String,
}

impl Attachment {
    fn body(&self) -> Value {
        let mut body = json!({
            "@odata.type": "#microsoft.graph.fileAttachment", "name": self.name, "contentBytes": self.content,
        });
        if let Some(kind) = &self.content_type {
            body["contentType"] = json!(kind);
        }
        body
    }

    /// Adds it to the draft, as a step of its own.
    async fn add(&self, graph: &Graph<'_>, draft: &str, at: usize) -> Result<()> {
        let call = &graph.call;
        let bytes = decoded("", &self.content)?;
        let (step, session) = (format!("attachment-{at}"), format!("session-{at}"));
        let path = ["messages", draft, "attachments"];
        call.step(&step, async |begun| {
            if begun && self.is_there(graph, &path).await? {
                return Ok(true);
            }
            if bytes.len() < SMALL {
                let added = graph.act(Method::Post, &path, Some(&self.body()), Repeat::Never).await;
                return match added {
                    Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                        let there = self.is_there(graph, &path).await;
                        found(there.map(|there| there.then_some(true)), error)
                    }
                    added => added.map(|()| true),
                };
            }
            for last in [false, true] {
                let mut fresh = false;
                let opened = call
                    .secret_step(&session, async |_| {
                        fresh = true;
                        let item = json!({ "attachmentType": "file", "name": self.name, "size": bytes.len() });
                        let path = [&path[..], &["createUploadSession"]].concat();
                        upload::open(graph, &path, &json!({ "AttachmentItem": item })).await
                    })
                    .await?;
                if let upload::Ended::Complete(_) = upload::send(graph, &opened, &bytes, !fresh).await? {
                    return Ok(true);
                }
                if self.is_there(graph, &path).await? {
                    return Ok(true);
                }
                call.undo_step(&session).await?;
                if last {
                    break;
                }
            }
            Err(Error::new(ErrorCode::VendorUnavailable, "Outlook gave up the upload of an attachment twice"))
        })
        .await
        .map(|_: bool| ())
    }

    async fn is_there(&self, graph: &Graph<'_>, path: &[&str]) -> Result<bool> {
        let query = [("$select", "id,name".to_owned())];
        let attached: Vec<Attached> = graph.all(path, &query).await?;
        Ok(attached.iter().any(|attached| attached.name == self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> NewMessage {
        NewMessage::new(vec!["parent@example.com".to_owned()], "Trip", "Bring boots")
    }

    fn file(size: usize) -> Attachment {
        Attachment::new("a.pdf", upload::encoded(&vec![0; size]))
    }

    #[test]
    fn mistakes_name_their_path() {
        for (mail, field) in [
            (NewMessage::new(Vec::new(), "s", "c"), "message.to"),
            (mail().cc(vec!["a@b.example".to_owned(), "nobody".to_owned()]), "message.cc[1]"),
            (mail().bcc(vec!["a@b.example".to_owned(); 500]), "message.bcc[499]"),
            (mail().attachments(vec![Attachment::new("a", "%")]), "message.attachments[0].content"),
            (mail().attachments(vec![Attachment::new("", "")]), "message.attachments[0].name"),
            (mail().attachments(vec![file(1), file(2)]), "message.attachments[1].name"),
        ] {
            assert_eq!(mail.check("message").unwrap_err().field(), Some(field));
        }
        assert!(mail().attachments(vec![file(0)]).check("message").is_ok());
    }

    #[test]
    fn attachments_go_with_the_draft_while_there_is_room() {
        assert_eq!(mail().attachments(vec![file(10), file(1 << 20), file(4 << 20), file(1)]).inline(), 2);
        assert_eq!(mail().attachments(vec![file(2 << 20), file(2 << 20)]).inline(), 1);
        assert_eq!(mail().inline(), 0);
    }

    #[test]
    fn the_draft_bears_the_mark() {
        let one = file(3);
        let body = mail().importance(MailImportance::High).body("k-1", &[&one]);
        assert_eq!(body["singleValueExtendedProperties"][0]["value"], "k-1");
        assert_eq!(body["attachments"][0]["contentBytes"], "AAAA");
        assert_eq!(body["toRecipients"][0]["emailAddress"]["address"], "parent@example.com");
        assert_eq!((&body["importance"], &body["body"]["contentType"]), (&json!("high"), &json!("text")));
    }
}
