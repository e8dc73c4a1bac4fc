//! Drafts. <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts>

use super::{
    super::define::{self, Done, operation},
    COMPOSE, DRAFTS_READ, at,
    letter::{Attachment, Letter, Mailbox},
    list_query,
    objects::{Draft, Drafts, MessageRef},
    send::{Outgoing, dispatch, draft, message_id, writing},
};
use crate::transport::{Method, Repeat};

writing! {
    /// Makes a draft in the acting user's mailbox; nobody gets it before it is sent.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts/create>. Access `write`. It
    /// carries a mark of the call's in its head: after a lost answer it is looked for by that among the newest drafts, and with
    /// the same idempotency key it is made once. Errors: `invalid_argument`, `outcome_unknown`.
    ///
    /// Example: `{"to": [{"email": "parent@example.com"}], "subject": "Field trip", "text": "On Friday …"}`
    CreateDraft = "createDraft", Write, Never -> Draft,
    scopes COMPOSE,
    steps &["create"],
    path {}
    check |_this| {}
    run |this, call| {
        let message = Outgoing::new(call, &this.letter(), &message_id(call), this.thread_id.as_deref())?;
        call.step("create", |begun| draft(call, &message, begun)).await
    }
}

writing! {
    /// Puts another message in a draft's place.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts/update>. Access `write`. Errors:
    /// `not_found`, `invalid_argument`.
    ///
    /// Example: `{"draftId": "r-58", "to": [{"email": "parent@example.com"}], "subject": "Field trip", "text": "On Monday …"}`
    UpdateDraft = "updateDraft", Write, Always -> Draft,
    scopes COMPOSE,
    steps &[],
    path {
        /// The draft's id.
        draft_id: String,
    }
    check |_this| {}
    run |this, call| {
        let message = Outgoing::new(call, &this.letter(), &message_id(call), this.thread_id.as_deref())?;
        let request = message.request(call, Method::Put, &["drafts", &this.draft_id], true)?;
        define::write(call, request, Repeat::Always).await
    }
}

operation! {
    /// Sends a draft. It is used up by that: when the answer is lost, a draft that is gone was sent.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts/send>. Access `send`. Repeated with
    /// the same idempotency key it sends once; the answer then has no `id` if the first was lost. Errors: `not_found`,
    /// `outcome_unknown`, `invalid_argument` for a draft to nobody.
    ///
    /// Example: `{"draftId": "r-58"}`
    SendDraft = "sendDraft", Send, Never -> MessageRef,
    scopes COMPOSE,
    steps &["send"],
    discloses { "draftId": Message(Anyone) }
    path {
        /// The draft's id.
        draft_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        call.step("send", async |begun| Ok(dispatch(call, begun, &this.draft_id).await?.unwrap_or_default())).await
    }
}

operation! {
    /// Lists the drafts in the acting user's mailbox.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts/list>. Access `read`.
    ///
    /// Example: `{"query": "subject:trip", "pageSize": 20}`
    ListDrafts = "listDrafts", Read, Always -> Drafts,
    scopes DRAFTS_READ,
    personal true,
    discloses { "query": Message(Anyone) }
    path {}
    required {}
    optional {
        /// A search, as in Gmail itself.
        query: String,
        /// How many on a page, 1 to 500; Gmail's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 500)?; }
    run |this, call| { define::get(call, at(call, &["drafts"])?, &list_query(this.rest()?)).await }
}

operation! {
    /// Deletes a draft for good.
    ///
    /// <https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.drafts/delete>. Access `write`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"draftId": "r-58"}`
    DeleteDraft = "deleteDraft", Write, Always -> Done,
    scopes COMPOSE,
    discloses {}
    path {
        /// The draft's id.
        draft_id: String,
    }
    required {}
    optional {}
    run |this, call| { define::remove(call, at(call, &["drafts", &this.draft_id])?).await }
}
