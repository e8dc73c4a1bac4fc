//! Gmail: sending, drafts, reading, labels, and what has changed since.
//! <https://developers.google.com/workspace/gmail/api/reference/rest>
//!
//! The mailbox is that of the acting user.

mod drafts;
mod letter;
mod mailbox;
mod messages;
mod mime;
mod objects;
mod payload;
mod send;

pub use drafts::{CreateDraft, DeleteDraft, ListDrafts, SendDraft, UpdateDraft};
pub use letter::{Attachment, Mailbox};
pub use mailbox::{GetMailProfile, HistoryType, ListLabels, ListMailHistory};
pub use messages::{GetAttachment, GetMessage, ListMessages, ModifyMessage};
pub use objects::{
    Draft, Drafts, FileContent, HistoryEntry, Label, Labels, Mail, MailFile, MailHeader, MailHistory, MailProfile,
    MessageRef, MessageRefs,
};
pub use send::SendMail;

use serde_json::{Map, Value};
use url::Url;

use super::{GoogleWorkspace, define::scope, wire::host};
use crate::{
    error::Result,
    operations,
    providers::{Call, OperationSpec},
    transport::oauth::Scopes,
};

/// All of a mailbox, with deleting for good: the broadest there is.
const FULL: &str = "https://mail.google.com/";

/// Sending: by a draft where that may be, which `gmail.send` alone does not open.
const SEND: Scopes = &[&[scope!("gmail.compose"), scope!("gmail.modify"), FULL, scope!("gmail.send")]];
const SEND_ALONE: Scopes = &[&[scope!("gmail.send"), scope!("gmail.compose"), scope!("gmail.modify"), FULL]];
const COMPOSE: Scopes = &[&[scope!("gmail.compose"), scope!("gmail.modify"), FULL]];
const DRAFTS_READ: Scopes = &[&[scope!("gmail.readonly"), scope!("gmail.compose"), scope!("gmail.modify"), FULL]];
const READ: Scopes = &[&[scope!("gmail.readonly"), scope!("gmail.modify"), FULL]];
const MODIFY: Scopes = &[&[scope!("gmail.modify"), FULL]];
const METADATA: Scopes = &[&[scope!("gmail.metadata"), scope!("gmail.readonly"), scope!("gmail.modify"), FULL]];
const LABELS: Scopes =
    &[&[scope!("gmail.labels"), scope!("gmail.metadata"), scope!("gmail.readonly"), scope!("gmail.modify"), FULL]];
const PROFILE: Scopes =
    &[&[scope!("gmail.metadata"), scope!("gmail.compose"), scope!("gmail.readonly"), scope!("gmail.modify"), FULL]];

/// The most bytes that Gmail's answers may have: an attachment of 25 MB in base64.
const MAX_ANSWER: usize = 40 << 20;

/// The address of something in the acting user's mailbox.
fn at(call: &Call<'_, GoogleWorkspace>, path: &[&str]) -> Result<Url> {
    call.url(host::GMAIL, &[&["gmail", "v1", "users", "me"], path].concat())
}

/// The query of a list, with Gmail's names for the size of a page and for a search.
fn list_query(mut query: Map<String, Value>) -> Map<String, Value> {
    for (ours, theirs) in [("pageSize", "maxResults"), ("query", "q")] {
        if let Some(value) = query.remove(ours) {
            query.insert(theirs.to_owned(), value);
        }
    }
    query
}

/// What can be done with mail.
pub(super) fn operations() -> Vec<OperationSpec> {
    operations![
        SendMail,
        CreateDraft,
        UpdateDraft,
        SendDraft,
        ListDrafts,
        DeleteDraft,
        ListMessages,
        GetMessage,
        GetAttachment,
        ModifyMessage,
        ListLabels,
        GetMailProfile,
        ListMailHistory,
    ]
}
