//! Messages that were sent or received: reading, redacting, deleting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Twilio,
    deliver::account_url,
    messages::Message,
    wire::{Fields, FromWire, check_page, check_sid, day, decode, page, paged},
};
use crate::{
    error::Result,
    manifest,
    model::{Manifest, PhoneNumber, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

const PREFIXES: &[&str] = &["SM", "MM"];

/// Reads one message: what became of it, what it cost.
///
/// <https://www.twilio.com/docs/messaging/api/message-resource#fetch-a-message-resource>. Access `read`. Errors:
/// `not_found`.
///
/// Example: `{"sid": "SM00000000000000000000000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetMessage {
    /// The message's id: `SM` or `MM` and 32 hex digits.
    pub sid: String,
}

impl GetMessage {
    /// The message of that id.
    pub fn new(sid: impl Into<String>) -> Self {
        Self { sid: sid.into() }
    }
}

fn one(call: &Call<'_, Twilio>, sid: &str) -> Result<url::Url> {
    account_url(call, &["Messages", &format!("{sid}.json")])
}

impl Operation for GetMessage {
    type Provider = Twilio;
    type Output = Message;

    const NAME: &'static str = "getMessage";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_sid("sid", PREFIXES, &self.sid)
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<Message> {
        let response = call.send(call.get(one(call, &self.sid)?)).await?;
        decode(call, &response, Self::REPEAT)
    }
}

/// Lists messages sent and received, the newest first, a page at a time.
///
/// <https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources>. Access `read`. For the
/// next page repeat the same arguments with `pageToken`. Twilio leaves messages without a date of sending (still
/// queued) out of a list that is filtered by date.
///
/// Example: `{"to": "+15551234567", "sentFrom": "2026-11-24T00:00:00Z", "pageSize": 100}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListMessages {
    /// Only those to this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PhoneNumber>,
    /// Only those from this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PhoneNumber>,
    /// Only those sent on this moment's day (GMT) or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_from: Option<Timestamp>,
    /// Only those sent on this moment's day (GMT) or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_until: Option<Timestamp>,
    /// How many to a page, 1 to 1000; Twilio's default is 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u16>,
    /// The `nextPageToken` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
}

impl ListMessages {
    /// All there are.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those to this number.
    pub fn to(mut self, number: PhoneNumber) -> Self {
        self.to = Some(number);
        self
    }

    /// Only those from this number.
    pub fn from(mut self, number: PhoneNumber) -> Self {
        self.from = Some(number);
        self
    }

    /// Only those sent on this moment's day or later.
    pub fn sent_from(mut self, at: Timestamp) -> Self {
        self.sent_from = Some(at);
        self
    }

    /// Only those sent on this moment's day or earlier.
    pub fn sent_until(mut self, at: Timestamp) -> Self {
        self.sent_until = Some(at);
        self
    }

    /// So many to a page.
    pub fn page_size(mut self, size: u16) -> Self {
        self.page_size = Some(size);
        self
    }

    /// The page after the one that gave this token.
    pub fn page_token(mut self, token: impl Into<String>) -> Self {
        self.page_token = Some(token.into());
        self
    }
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Message>,
    /// For `pageToken`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

impl FromWire for MessagePage {
    fn from_wire(fields: Fields) -> Option<Self> {
        page(fields, "messages").map(|page| Self { messages: page.items, next_page_token: page.next })
    }
}

impl Operation for ListMessages {
    type Provider = Twilio;
    type Output = MessagePage;

    const NAME: &'static str = "listMessages";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "to": Contact(Guardian), "from": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_page(self.page_size, self.page_token.as_deref())
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<MessagePage> {
        let mut request = call.get(account_url(call, &["Messages.json"])?);
        let filters = [
            ("To", self.to.map(|to| to.to_string())),
            ("From", self.from.map(|from| from.to_string())),
            ("DateSent>", self.sent_from.map(day)),
            ("DateSent<", self.sent_until.map(day)),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        let response = call.send(paged(request, self.page_size, self.page_token.as_deref())?).await?;
        decode(call, &response, Self::REPEAT)
    }
}

/// Takes the text out of a message, and keeps its record: for what Twilio should no longer hold.
///
/// <https://www.twilio.com/docs/messaging/api/message-resource#redact-a-message>. Access `send`. Works on messages that
/// have come to their end. Errors: `not_found`, `vendor` (20009 it is still under way).
///
/// Example: `{"sid": "SM00000000000000000000000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RedactMessage {
    /// The message's id.
    pub sid: String,
}

impl RedactMessage {
    /// The message of that id.
    pub fn new(sid: impl Into<String>) -> Self {
        Self { sid: sid.into() }
    }
}

impl Operation for RedactMessage {
    type Provider = Twilio;
    type Output = Message;

    const NAME: &'static str = "redactMessage";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_sid("sid", PREFIXES, &self.sid)
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<Message> {
        let response = call.send(call.post(one(call, &self.sid)?).form([("Body", "")])).await?;
        decode(call, &response, Self::REPEAT)
    }
}

/// Deletes the record of a message at Twilio. It does not call a message back.
///
/// <https://www.twilio.com/docs/messaging/api/message-resource#delete-a-message-resource>. Access `manage`. Works on
/// messages that have come to their end. Errors: `not_found`, `vendor` (20009 it is still under way).
///
/// Example: `{"sid": "SM00000000000000000000000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct DeleteMessage {
    /// The message's id.
    pub sid: String,
}

impl DeleteMessage {
    /// The message of that id.
    pub fn new(sid: impl Into<String>) -> Self {
        Self { sid: sid.into() }
    }
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Deleted {
    /// Its id.
    pub sid: String,
    /// Always true.
    pub deleted: bool,
}

impl Operation for DeleteMessage {
    type Provider = Twilio;
    type Output = Deleted;

    const NAME: &'static str = "deleteMessage";
    const ACCESS: Access = Access::Manage;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_sid("sid", PREFIXES, &self.sid)
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<Deleted> {
        call.send(call.delete(one(call, &self.sid)?)).await?;
        Ok(Deleted { sid: self.sid, deleted: true })
    }
}
