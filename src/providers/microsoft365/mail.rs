//! Mail: sent, drafted, read. <https://learn.microsoft.com/graph/api/resources/mail-api-overview>
//!
//! Graph's `sendMail` gives no id and no way to know a repetition. A mail is therefore drafted with a mark of ours, then
//! sent: whatever breaks in between, the draft or the sent mail is found by its mark, and nobody gets it twice.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    check,
    graph::{Graph, query},
    message::{Draft, MailMessage, NewMessage, marked},
    wire::{list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Method, Repeat, oauth::Scopes},
};

const BASIC: &[&str] = &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite", "Mail.ReadBasic.All"];
const READS: Scopes = &[BASIC];
/// To send what is there, which is looked at before.
const SENDS: Scopes = &[BASIC, &["Mail.Send"]];
const WHOLE: Scopes = &[&["Mail.Read", "Mail.ReadWrite"]];
const WRITES: Scopes = &[&["Mail.ReadWrite"]];

/// How often a mail is looked for that is nowhere, and the time between: its copy comes to Sent Items a little after it
/// has left.
const LOOKS: (u32, Duration) = (4, Duration::from_secs(2));

/// A mail that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SentMail {
    /// Microsoft's id, by which `getMessage` reads it among the sent mails.
    pub id: String,
    /// By which all mail servers know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internet_message_id: Option<String>,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_link: Option<String>,
}

impl From<Draft> for SentMail {
    fn from(draft: Draft) -> Self {
        Self { id: draft.id, internet_message_id: draft.internet_message_id, web_link: draft.web_link }
    }
}

operation! {
    /// Sends a mail, with attachments up to 150 MiB.
    ///
    /// <https://learn.microsoft.com/graph/api/user-post-messages>, <https://learn.microsoft.com/graph/api/message-send>.
    /// Access `send`. Application or delegated: `Mail.ReadWrite` and `Mail.Send`. Takes steps: drafted with a mark, each
    /// large attachment, sent. If it fails half-way, the error holds the draft's id, and the call repeated with the same
    /// idempotency key goes on and sends it once. Errors: `invalid_argument` with the path of an address, `outcome_unknown`.
    ///
    /// Example: `{"message": {"to": ["parent@example.com"], "subject": "Trip", "content": "<p>Bring boots</p>", "contentType": "html"}}`
    SendMail = "sendMail", Send, WithKey -> SentMail,
    scopes &[&["Mail.ReadWrite"], &["Mail.Send"]], Any,
    discloses {
        "message.to": Contact(Anyone), "message.cc": Contact(Anyone), "message.bcc": Contact(Anyone),
        "message.subject": Message(Anyone), "message.content": Message(Anyone), "message.attachments": Content(Anyone),
    }
    by {}
    required {
        /// The mail.
        message: NewMessage,
    }
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    steps ["draft", "attachment-N", "session-N", "send"]
    within 300
    check |this| {
        check::some_id("userId", &this.user_id)?;
        this.message.check("message")?;
    }
    run |this, call| {
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        let draft = this.message.draft(&graph).await?;
        let mark = call.vendor_key("");
        call.step("send", async |begun| {
            if begun {
                match is_sent_by_now(&graph, &draft.id, &mark).await? {
                    Some(true) => return Ok(true),
                    Some(false) => {}
                    None => return Err(likely_sent()),
                }
            }
            let doubt = match graph.act(Method::Post, &["messages", &draft.id, "send"], None, Repeat::Never).await {
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => error,
                // The draft has left meanwhile: the earlier try was on its way still.
                Err(error) if begun && error.code() == ErrorCode::NotFound => likely_sent(),
                sent => return sent.map(|()| true),
            };
            match is_sent_by_now(&graph, &draft.id, &mark).await {
                Ok(Some(true)) => Ok(true),
                _ => Err(doubt),
            }
        }).await?;
        Ok(draft.into())
    }
}

/// Whether the draft has been sent; none where neither it nor its mark is found.
async fn is_sent(graph: &Graph<'_>, id: &str, mark: &str) -> Result<Option<bool>> {
    let fields = [("$select", "id,isDraft".to_owned())];
    let found: Option<Draft> = graph.find(&["messages", id], &fields).await?;
    let found = match found {
        Some(found) => Some(found),
        None => marked(graph, mark).await?,
    };
    Ok(found.and_then(|message| message.is_draft).map(|draft| !draft))
}

/// The same, looked for again for some seconds where neither is found.
async fn is_sent_by_now(graph: &Graph<'_>, id: &str, mark: &str) -> Result<Option<bool>> {
    let call = &graph.call;
    let mut looks = 1;
    loop {
        let sent = is_sent(graph, id, mark).await?;
        let time_is_up = looks >= LOOKS.0 || call.deadline().since(call.now()) <= LOOKS.1;
        if sent.is_some() || time_is_up {
            return Ok(sent);
        }
        looks += 1;
        call.runtime().sleep(LOOKS.1).await;
    }
}

fn likely_sent() -> Error {
    Error::new(
        ErrorCode::OutcomeUnknown,
        "the draft is gone and no sent mail shows yet: an earlier try has most likely sent it. Repeat the call with the \
         same idempotency key to look once more, or look among the sent mails",
    )
}

operation! {
    /// Writes a mail and leaves it among the drafts, for a person to look at.
    ///
    /// <https://learn.microsoft.com/graph/api/user-post-messages>. Access `write`. Application or delegated:
    /// `Mail.ReadWrite`. Takes steps, as `sendMail`.
    ///
    /// Example: `{"message": {"to": ["parent@example.com"], "subject": "Trip", "content": "Bring boots"}}`
    CreateDraft = "createDraft", Write, WithKey -> MailMessage,
    scopes WRITES, Any,
    discloses {
        "message.to": Contact(Anyone), "message.cc": Contact(Anyone), "message.bcc": Contact(Anyone),
        "message.subject": Message(Anyone), "message.content": Message(Anyone), "message.attachments": Content(Anyone),
    }
    by {}
    required {
        /// The mail.
        message: NewMessage,
    }
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    steps ["draft", "attachment-N", "session-N"]
    within 300
    check |this| {
        check::some_id("userId", &this.user_id)?;
        this.message.check("message")?;
    }
    run |this, call| {
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        let draft = this.message.draft(&graph).await?;
        graph.get(&["messages", &draft.id], &[]).await
    }
}

operation! {
    /// Sends a draft.
    ///
    /// <https://learn.microsoft.com/graph/api/message-send>. Access `send`. Application or delegated: `Mail.Send`, and
    /// `Mail.ReadBasic` to see whether it is a draft still. Never repeated by the library; after a lost answer it looks for
    /// that once more. Errors: `not_found`, `conflict` where it was sent already, `outcome_unknown`.
    ///
    /// Example: `{"messageId": "AAMkAGVmMDEz…"}`
    SendDraft = "sendDraft", Send, Never -> SentMail,
    scopes SENDS, Any,
    discloses {}
    by {
        /// The draft's id.
        message_id: String,
    }
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    check |this| { check::some_id("userId", &this.user_id)?; }
    run |this, call| {
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        let path = ["messages", this.message_id.as_str()];
        let fields = [("$select", "id,internetMessageId,webLink,isDraft".to_owned())];
        let draft: Draft = graph.get(&path, &fields).await?;
        if draft.is_draft == Some(false) {
            return Err(Error::new(ErrorCode::Conflict, "it was sent already").with_field("messageId"));
        }
        match graph.act(Method::Post, &["messages", &this.message_id, "send"], None, Repeat::Never).await {
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                let now: Option<Draft> = graph.find(&path, &fields).await.ok().flatten();
                if now.and_then(|now| now.is_draft) != Some(false) {
                    return Err(error);
                }
            }
            sent => sent?,
        }
        Ok(draft.into())
    }
}

list! {
    /// Lists mails, the newest first: of the whole mailbox, or of one folder.
    ///
    /// <https://learn.microsoft.com/graph/api/user-list-messages>. Access `read`. Application or delegated: `Mail.Read`, or
    /// `Mail.ReadBasic` without the text.
    ///
    /// Example: `{"folderId": "inbox", "pageSize": 20}`
    ListMessages = "listMessages" -> MailMessage,
    scopes READS, Any,
    discloses { "filter": Contact(Anyone), "search": Message(Anyone) }
    by {}
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
        /// A folder's id, or `inbox`, `drafts`, `sentitems`, `deleteditems`.
        folder_id: String,
        /// A filter in OData, such as `isRead eq false`.
        filter: String,
        /// Words to look for. Not beside `filter`.
        search: String,
    }
    personal true
    check |this| {
        check::some_id("userId", &this.user_id)?;
        check::some_id("folderId", &this.folder_id)?;
        if this.filter.is_some() && this.search.is_some() {
            return Err(Error::invalid("search", "cannot stand beside filter: Outlook takes one of them"));
        }
    }
    at |this, call| {
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        match &this.folder_id {
            Some(folder) => graph.below(&["mailFolders", folder]),
            None => graph,
        }
    }, &["messages"], {
        let words = this.search.as_ref().map(|words| format!("\"{}\"", words.replace(['"', '\\'], " ")));
        // Outlook refuses an order beside a filter of other fields, and beside a search.
        let order = if this.filter.is_none() && words.is_none() { Some("receivedDateTime desc") } else { None };
        query(&[("$filter", this.filter.as_deref()), ("$search", words.as_deref()), ("$orderby", order)])
    }
}

operation! {
    /// Reads one mail.
    ///
    /// <https://learn.microsoft.com/graph/api/message-get>. Access `read`. Application or delegated: `Mail.Read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"messageId": "AAMkAGVmMDEz…"}`
    GetMessage = "getMessage", Read, Always -> MailMessage,
    scopes WHOLE, Any,
    discloses {}
    by {
        /// The mail's id.
        message_id: String,
    }
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    personal true
    check |this| { check::some_id("userId", &this.user_id)?; }
    run |this, call| {
        Graph::of_mailbox(call, this.user_id.as_deref())?.get(&["messages", &this.message_id], &[]).await
    }
}

object! {
    /// A folder of a mailbox.
    MailFolder {
        /// Its name.
        display_name: String,
        /// The folder it is in.
        parent_folder_id: String,
        /// How many folders are in it.
        child_folder_count: u64,
        /// How many mails are in it.
        total_item_count: u64,
        /// How many of them were not read.
        unread_item_count: u64,
    }
}

list! {
    /// Lists the folders of a mailbox: those at its top, or those in one of them.
    ///
    /// <https://learn.microsoft.com/graph/api/user-list-mailfolders>,
    /// <https://learn.microsoft.com/graph/api/mailfolder-list-childfolders>. Access `read`. Application or delegated:
    /// `Mail.Read`. Errors: `not_found` for a folder that is not there.
    ///
    /// Example: `{"parentFolderId": "inbox"}`
    ListMailFolders = "listMailFolders" -> MailFolder,
    scopes READS, Any,
    discloses {}
    by {}
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The folder whose folders are listed: its id, or a name such as `inbox`. Default: the top of the mailbox.
        parent_folder_id: String,
    }
    personal true
    check |this| {
        check::some_id("userId", &this.user_id)?;
        check::some_id("parentFolderId", &this.parent_folder_id)?;
    }
    at |this, call| {
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        match &this.parent_folder_id {
            Some(folder) => graph.below(&["mailFolders", folder]),
            None => graph,
        }
    }, if this.parent_folder_id.is_some() { &["childFolders"] } else { &["mailFolders"] }, Vec::new()
}
