//! What Gmail answers with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::{
        define::{object, page},
        wire::Base64,
    },
    drafts::ListDrafts,
    messages::ListMessages,
};

object! {
    /// A message by its id, as lists and what is sent have it.
    MessageRef {
        /// Gmail's id.
        id: String,
        /// The id of the conversation.
        thread_id: String,
        /// What it is marked with.
        label_ids: Vec<String>,
    }

    /// A draft.
    Draft {
        /// Gmail's id of the draft; it stays the same when the draft is changed.
        id: String,
        /// The message; its id changes with every change of the draft.
        message: MessageRef,
    }

    /// A label: a folder of Gmail's own, or a mark of the user's.
    Label {
        /// Gmail's id: `INBOX`, or `Label_12`.
        id: String,
        /// The name.
        name: String,
        /// `system` or `user`.
        r#type: String,
        /// Whether messages show it: `show` or `hide`.
        message_list_visibility: String,
        /// Whether the list of labels shows it.
        label_list_visibility: String,
    }

    /// All labels.
    Labels {
        /// They.
        labels: Vec<Label>,
    }

    /// Whose mailbox it is, and how full.
    MailProfile {
        /// The address.
        email_address: String,
        /// How many messages.
        messages_total: u32,
        /// How many conversations.
        threads_total: u32,
        /// The `startHistoryId` of what comes from now on.
        #[serde(deserialize_with = "super::super::define::long")]
        history_id: u64,
    }

    /// One thing that has happened to a mailbox.
    HistoryEntry {
        /// When in the order of things.
        #[serde(deserialize_with = "super::super::define::long")]
        id: u64,
        /// The messages it is about.
        messages: Vec<MessageRef>,
        /// Messages that are new: `message`.
        messages_added: Vec<Value>,
        /// Messages that are gone for good: `message`.
        messages_deleted: Vec<Value>,
        /// Labels that were put on: `message` and `labelIds`.
        labels_added: Vec<Value>,
        /// Labels that were taken off: `message` and `labelIds`.
        labels_removed: Vec<Value>,
    }
}

page! {
    /// A page of messages.
    MessageRefs { messages: MessageRef } for ListMessages
}
page! {
    /// A page of drafts.
    Drafts { drafts: Draft } for ListDrafts
}

/// A page of what has happened to a mailbox.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailHistory {
    /// What has happened, in its order.
    #[serde(default)]
    pub history: Vec<HistoryEntry>,
    /// The `startHistoryId` to go on with, once the last page is read.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::super::define::long")]
    pub history_id: Option<u64>,
    /// The `pageToken` of the next page; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// What else Gmail sent.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A message, read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Mail {
    /// Gmail's id.
    pub id: String,
    /// The id of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// What it is marked with.
    #[serde(default)]
    pub label_ids: Vec<String>,
    /// Its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
    /// When Gmail got it, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_date: Option<u64>,
    /// When in the order of what happened to the mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_id: Option<u64>,
    /// About how many bytes it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_estimate: Option<u64>,
    /// Who wrote it, as it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// To whom else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cc: Option<String>,
    /// To whom in secret; only in what the user has sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bcc: Option<String>,
    /// Where answers go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was written, as it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The `inReplyTo` of an answer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The HTML, as it came: not safe to show as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// What goes with it; `getAttachment` reads it.
    #[serde(default)]
    pub attachments: Vec<MailFile>,
    /// Every header, in its order.
    #[serde(default)]
    pub headers: Vec<MailHeader>,
}

/// A header of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A file that goes with a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailFile {
    /// With this `getAttachment` reads it; none where it is so small that it came along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment_id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The name that the HTML calls it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// How many bytes it has.
    pub size: u64,
    /// What is in it, where it came along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Base64>,
}

/// What is in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FileContent {
    /// How many bytes it has.
    pub size: u64,
    /// They, in base64.
    pub content: Base64,
}
