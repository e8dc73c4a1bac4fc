//! A message as Gmail takes it apart, put together again as one reads it.

use serde::Deserialize;

use super::{
    super::{define::long, wire::Base64},
    objects::{Mail, MailFile, MailHeader},
};

/// A message as Gmail answers it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    id: String,
    thread_id: Option<String>,
    #[serde(default)]
    label_ids: Vec<String>,
    snippet: Option<String>,
    #[serde(default, deserialize_with = "long")]
    internal_date: Option<u64>,
    #[serde(default, deserialize_with = "long")]
    history_id: Option<u64>,
    size_estimate: Option<u64>,
    payload: Option<Part>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    mime_type: Option<String>,
    filename: Option<String>,
    #[serde(default)]
    headers: Vec<MailHeader>,
    #[serde(default)]
    body: Body,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    attachment_id: Option<String>,
    #[serde(default)]
    size: u64,
    data: Option<Base64>,
}

impl Part {
    fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.clone())
    }

    /// The text, if this is one that is read and not a file.
    fn text(&self, kind: &str) -> Option<String> {
        let is_file = self.filename.as_ref().is_some_and(|name| !name.is_empty());
        let fits = self.mime_type.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(kind));
        let data = self.body.data.as_ref().filter(|_| fits && !is_file)?;
        Some(String::from_utf8_lossy(data.bytes()).into_owned())
    }
}

impl From<Message> for Mail {
    fn from(message: Message) -> Self {
        let Message { id, thread_id, label_ids, snippet, internal_date, history_id, size_estimate, payload } = message;
        let mut mail =
            Mail { id, thread_id, label_ids, snippet, internal_date, history_id, size_estimate, ..Mail::default() };
        let Some(mut payload) = payload else { return mail };
        mail.from = payload.header("from");
        mail.to = payload.header("to");
        mail.cc = payload.header("cc");
        mail.bcc = payload.header("bcc");
        mail.reply_to = payload.header("reply-to");
        mail.subject = payload.header("subject");
        mail.date = payload.header("date");
        mail.message_id = payload.header("message-id");
        mail.headers = std::mem::take(&mut payload.headers);
        // Not by recursion: how deep it goes is the sender's choice.
        let mut waiting = vec![payload];
        while let Some(mut part) = waiting.pop() {
            waiting.extend(std::mem::take(&mut part.parts).into_iter().rev());
            read(&mut mail, part);
        }
        mail
    }
}

fn read(mail: &mut Mail, part: Part) {
    if let (None, Some(text)) = (&mail.text, part.text("text/plain")) {
        mail.text = Some(text);
    } else if let (None, Some(html)) = (&mail.html, part.text("text/html")) {
        mail.html = Some(html);
    } else if part.body.attachment_id.is_some() || part.body.data.is_some() {
        let content_id = part.header("content-id").map(|id| id.trim_matches(['<', '>']).to_owned());
        mail.attachments.push(MailFile {
            attachment_id: part.body.attachment_id,
            filename: part.filename.filter(|name| !name.is_empty()),
            mime_type: part.mime_type,
            content_id,
            size: part.body.size,
            content: part.body.data,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mail(payload: serde_json::Value) -> Mail {
        let message = json!({ "id": "m1", "historyId": "12", "internalDate": "1764100000000", "payload": payload });
        serde_json::from_value::<Message>(message).unwrap().into()
    }

    #[test]
    fn texts_and_files_are_told_apart() {
        let read = mail(json!({
            "mimeType": "multipart/mixed",
            "headers": [{ "name": "SUBJECT", "value": "Trip" }, { "name": "Message-Id", "value": "<a@b>" }],
            "body": { "size": 0 },
            "parts": [
                { "mimeType": "multipart/alternative", "parts": [
                    { "mimeType": "text/plain", "filename": "", "body": { "size": 6, "data": "R3LDvMOfZQ==" } },
                    { "mimeType": "text/html", "body": { "size": 3, "data": "PHA-" } },
                ] },
                { "mimeType": "text/plain", "filename": "notes.txt", "body": { "size": 1, "data": "eA==" } },
                { "mimeType": "image/png", "filename": "a.png", "headers": [{ "name": "Content-ID", "value": "<logo>" }],
                  "body": { "size": 9000, "attachmentId": "ANGj" } },
            ],
        }));
        assert_eq!((read.text.as_deref(), read.html.as_deref()), (Some("Grüße"), Some("<p>")));
        assert_eq!((read.subject.as_deref(), read.message_id.as_deref()), (Some("Trip"), Some("<a@b>")));
        assert_eq!((read.history_id, read.internal_date), (Some(12), Some(1_764_100_000_000)));
        let files: Vec<_> = read.attachments.iter().map(|file| (file.filename.as_deref(), file.size)).collect();
        assert_eq!(files, [(Some("notes.txt"), 1), (Some("a.png"), 9000)]);
        assert_eq!(read.attachments[1].content_id.as_deref(), Some("logo"));
        assert_eq!(read.attachments[1].attachment_id.as_deref(), Some("ANGj"));
    }

    #[test]
    fn what_was_asked_for_in_short_has_no_payload() {
        let message = serde_json::from_value::<Message>(json!({ "id": "m1", "threadId": "t1" })).unwrap();
        assert_eq!(Mail::from(message).thread_id.as_deref(), Some("t1"));
    }
}
