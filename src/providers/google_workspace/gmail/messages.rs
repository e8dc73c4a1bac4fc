//! Messages. <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages>

use serde::Deserialize;

use super::{
    super::{
        define::{self, operation},
        wire::Base64,
    },
    MAX_ANSWER, MODIFY, READ, at, list_query,
    objects::{FileContent, Mail, MessageRef, MessageRefs},
    payload::Message,
};
use crate::{error::Error, transport::Repeat};

/// The most labels of one change.
const MOST_LABELS: usize = 100;

operation! {
    /// Lists messages, the newest first: their ids, which `getMessage` reads.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/list>. Access `read`.
    ///
    /// Example: `{"query": "from:parent@example.com newer_than:7d", "labelIds": ["INBOX"]}`
    ListMessages = "listMessages", Read, Always -> MessageRefs,
    scopes READ,
    personal true,
    discloses { "query": Message(Anyone) }
    path {}
    required {}
    optional {
        /// A search, as in Gmail itself. <https://support.google.com/mail/answer/7190>
        query: String,
        /// Only those with all of these labels.
        label_ids: Vec<String>,
        /// Also what is in spam and trash.
        include_spam_trash: bool,
        /// How many on a page, 1 to 500; Gmail's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, at(call, &["messages"])?, &list_query(this.rest()?)).await }
}

operation! {
    /// Reads a message: who wrote it, its text and HTML, and what files go with it.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/get>. Access `read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"messageId": "18c2f1a0b3d4e5f6"}`
    GetMessage = "getMessage", Read, Always -> Mail,
    scopes READ,
    personal true,
    discloses {}
    path {
        /// Gmail's id of the message.
        message_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let mut request = call.get(at(call, &["messages", &this.message_id])?).query("format", "full");
        request.max_body = MAX_ANSWER;
        let response = call.send_as(request, Repeat::Always).await?;
        Ok(call.read::<Message>(&response, Repeat::Always)?.into())
    }
}

operation! {
    /// Reads a file that goes with a message.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages.attachments/get>. Access `read`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"messageId": "18c2f1a0b3d4e5f6", "attachmentId": "ANGjdJ8"}`
    GetAttachment = "getAttachment", Read, Always -> FileContent,
    scopes READ,
    personal true,
    discloses {}
    path {
        /// Gmail's id of the message.
        message_id: String,
        /// The file's id, as `getMessage` has given it; it holds only for a while.
        attachment_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let url = at(call, &["messages", &this.message_id, "attachments", &this.attachment_id])?;
        let mut request = call.get(url);
        request.max_body = MAX_ANSWER;
        let response = call.send_as(request, Repeat::Always).await?;
        let body: Body = call.read(&response, Repeat::Always)?;
        Ok(FileContent { size: body.data.bytes().len() as u64, content: body.data })
    }
}

/// What Gmail answers of a file.
#[derive(Deserialize)]
struct Body {
    data: Base64,
}

operation! {
    /// Puts labels on a message, or takes them off: `UNREAD` off marks it as read, `INBOX` off archives it, `TRASH` on
    /// throws it away.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/modify>. Access `write`. Errors:
    /// `not_found`, `invalid_argument` for a label that is not there.
    ///
    /// Example: `{"messageId": "18c2f1a0b3d4e5f6", "removeLabelIds": ["UNREAD"]}`
    ModifyMessage = "modifyMessage", Write, Always -> MessageRef,
    scopes MODIFY,
    personal true,
    discloses {}
    path {
        /// Gmail's id of the message.
        message_id: String,
    }
    required {}
    optional {
        /// The ids of labels to put on, up to 100.
        add_label_ids: Vec<String>,
        /// The ids of labels to take off, up to 100.
        remove_label_ids: Vec<String>,
    }
    check |this| {
        let count = |labels: &Option<Vec<String>>| labels.as_ref().map_or(0, Vec::len);
        if count(&this.add_label_ids) + count(&this.remove_label_ids) == 0 {
            return Err(Error::invalid("addLabelIds", "is required where there are no removeLabelIds"));
        }
        for (field, labels) in [("addLabelIds", &this.add_label_ids), ("removeLabelIds", &this.remove_label_ids)] {
            if count(labels) > MOST_LABELS {
                return Err(Error::invalid(field, format!("must be at most {MOST_LABELS}")));
            }
            for (at, label) in labels.iter().flatten().enumerate() {
                define::check_id(&format!("{field}[{at}]"), label)?;
            }
        }
    }
    run |this, call| {
        define::post(call, at(call, &["messages", &this.message_id, "modify"])?, this.rest()?, Self::REPEAT).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn a_change_changes_something() {
        assert_eq!(ModifyMessage::new("m").validate().unwrap_err().field(), Some("addLabelIds"));
        let bad = ModifyMessage::new("m").remove_label_ids(vec!["INBOX".to_owned(), String::new()]);
        assert_eq!(bad.validate().unwrap_err().field(), Some("removeLabelIds[1]"));
    }
}
