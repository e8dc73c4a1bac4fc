//! Calls that were made or received: reading, ending.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    Twilio,
    calls::PhoneCall,
    deliver::account_url,
    wire::{Fields, FromWire, check_page, check_sid, day, decode, page, paged},
};
use crate::{
    error::Result,
    manifest,
    model::{Manifest, PhoneNumber, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Reads one call: what became of it, how long it lasted, what it cost.
///
/// <https://www.twilio.com/docs/voice/api/call-resource#fetch-a-call-resource>. Access `read`. Errors: `not_found`.
///
/// Example: `{"sid": "CA00000000000000000000000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetCall {
    /// The call's id: `CA` and 32 hex digits.
    pub sid: String,
}

impl GetCall {
    /// The call of that id.
    pub fn new(sid: impl Into<String>) -> Self {
        Self { sid: sid.into() }
    }
}

fn one(call: &Call<'_, Twilio>, sid: &str) -> Result<Url> {
    account_url(call, &["Calls", &format!("{sid}.json")])
}

impl Operation for GetCall {
    type Provider = Twilio;
    type Output = PhoneCall;

    const NAME: &'static str = "getCall";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_sid("sid", &["CA"], &self.sid)
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<PhoneCall> {
        let response = call.send(call.get(one(call, &self.sid)?)).await?;
        decode(call, &response, Self::REPEAT)
    }
}

/// Ends a call: one that is not yet answered is not made, one that is under way is hung up.
///
/// <https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource>. Access `send`. Errors: `not_found`,
/// `conflict` (it has ended already).
///
/// Example: `{"sid": "CA00000000000000000000000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct EndCall {
    /// The call's id.
    pub sid: String,
}

impl EndCall {
    /// The call of that id.
    pub fn new(sid: impl Into<String>) -> Self {
        Self { sid: sid.into() }
    }
}

impl Operation for EndCall {
    type Provider = Twilio;
    type Output = PhoneCall;

    const NAME: &'static str = "endCall";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_sid("sid", &["CA"], &self.sid)
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<PhoneCall> {
        let response = call.send(call.post(one(call, &self.sid)?).form([("Status", "completed")])).await?;
        decode(call, &response, Self::REPEAT)
    }
}

/// Lists calls made and received, the newest first, a page at a time.
///
/// <https://www.twilio.com/docs/voice/api/call-resource#read-multiple-call-resources>. Access `read`. For the next page
/// repeat the same arguments with `pageToken`.
///
/// Example: `{"to": "+15551234567", "startedFrom": "2026-11-24T00:00:00Z"}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListCalls {
    /// Only those to this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PhoneNumber>,
    /// Only those from this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PhoneNumber>,
    /// Only those in this state, such as `no-answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Only those dialled on this moment's day (GMT) or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<Timestamp>,
    /// Only those dialled on this moment's day (GMT) or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_until: Option<Timestamp>,
    /// How many to a page, 1 to 1000; Twilio's default is 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u16>,
    /// The `nextPageToken` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
}

impl ListCalls {
    /// All there are.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those to this number.
    pub fn to(mut self, number: PhoneNumber) -> Self {
        self.to = Some(number);
        self
    }

    /// Only those in this state.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
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

/// A page of calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallPage {
    /// The calls.
    pub calls: Vec<PhoneCall>,
    /// For `pageToken`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

impl FromWire for CallPage {
    fn from_wire(fields: Fields) -> Option<Self> {
        page(fields, "calls").map(|page| Self { calls: page.items, next_page_token: page.next })
    }
}

impl Operation for ListCalls {
    type Provider = Twilio;
    type Output = CallPage;

    const NAME: &'static str = "listCalls";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "to": Contact(Guardian), "from": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_page(self.page_size, self.page_token.as_deref())
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<CallPage> {
        let mut request = call.get(account_url(call, &["Calls.json"])?);
        let filters = [
            ("To", self.to.map(|to| to.to_string())),
            ("From", self.from.map(|from| from.to_string())),
            ("Status", self.status),
            ("StartTime>", self.started_from.map(day)),
            ("StartTime<", self.started_until.map(day)),
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
