//! The mailbox as a whole: whose it is, its labels, and what has changed since.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::define::{self, operation, with_query},
    LABELS, METADATA, PROFILE, at, list_query,
    objects::{HistoryEntry, Labels, MailHistory, MailProfile},
};
use crate::{
    error::{Error, ErrorCode},
    providers::Paged,
    transport::Repeat,
};

/// What may happen to a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum HistoryType {
    /// A message is new.
    MessageAdded,
    /// A message is gone for good.
    MessageDeleted,
    /// A label was put on.
    LabelAdded,
    /// A label was taken off.
    LabelRemoved,
}

operation! {
    /// Lists the labels of the acting user's mailbox.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels/list>. Access `read`.
    ///
    /// Example: `{}`
    ListLabels = "listLabels", Read, Always -> Labels,
    scopes LABELS,
    discloses {}
    path {}
    required {}
    optional {}
    run |_this, call| { define::read(call, at(call, &["labels"])?).await }
}

operation! {
    /// Tells whose mailbox it is, how full, and from where `listMailHistory` goes on.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile>. Access `read`.
    ///
    /// Example: `{}`
    GetMailProfile = "getMailProfile", Read, Always -> MailProfile,
    scopes PROFILE,
    discloses {}
    path {}
    required {}
    optional {}
    run |_this, call| { define::read(call, at(call, &["profile"])?).await }
}

operation! {
    /// Lists what has happened to the mailbox since `startHistoryId`.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.history/list>. Access `read`. Errors:
    /// `conflict` with the field `startHistoryId` for one that is too old, usually older than a week: a full resync by
    /// `listMessages` and `getMailProfile` is needed.
    ///
    /// Example: `{"startHistoryId": 12345, "historyTypes": ["messageAdded"]}`
    ListMailHistory = "listMailHistory", Read, Always -> MailHistory,
    scopes METADATA,
    personal true,
    discloses {}
    path {}
    required {
        /// From where: the `historyId` of the list before, of a message, or of `getMailProfile`.
        start_history_id: u64,
    }
    optional {
        /// Only what is about messages with this label.
        label_id: String,
        /// Only what is of these kinds.
        history_types: Vec<HistoryType>,
        /// How many on a page, 1 to 500; Gmail's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| {
        let request = with_query(call.get(at(call, &["history"])?), &list_query(this.rest()?));
        let response = call.exchange(request, Repeat::Always).await?;
        match response.status {
            200..=299 => call.read(&response, Repeat::Always),
            404 => {
                let refusal = call.refusal(&response);
                let message = "Gmail no longer knows what has happened since then: a full resync is needed";
                let error = Error::new(ErrorCode::Conflict, message).with_field("startHistoryId");
                Err(refusal.vendor().cloned().map_or_else(|| error.clone(), |vendor| error.clone().with_vendor(vendor)))
            }
            _ => Err(call.refusal(&response)),
        }
    }
}

impl Paged for ListMailHistory {
    type Item = HistoryEntry;

    fn next(&self, page: &MailHistory) -> Option<Self> {
        let token = page.next_page_token.clone().filter(|token| !token.is_empty())?;
        Some(Self { page_token: Some(token), ..self.clone() })
    }

    fn items(page: MailHistory) -> Vec<HistoryEntry> {
        page.history
    }
}
