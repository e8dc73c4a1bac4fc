//! Who gets no mail: bounces and unsubscribes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Sendgrid,
    people::check_email,
    v3,
    wire::{fetch, seconds, unix},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::{Repeat, Request},
};

/// What SendGrid gives of a list at once, and the default here.
const LARGEST_PAGE: u16 = 500;

/// Where in a list to begin, and how much of it to give.
pub(super) fn check_range(limit: Option<u16>) -> Result<()> {
    if limit.is_some_and(|limit| limit == 0 || limit > LARGEST_PAGE) {
        return Err(Error::invalid("limit", format!("must be from 1 to {LARGEST_PAGE}")));
    }
    Ok(())
}

/// Which part of a list.
pub(super) struct Filter<'a> {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) email: Option<&'a str>,
    pub(super) limit: Option<u16>,
    pub(super) offset: Option<u32>,
}

impl Filter<'_> {
    pub(super) fn apply(&self, request: Request) -> Request {
        let limit = self.limit.unwrap_or(LARGEST_PAGE);
        let mut request = request.header("accept", "application/json").query("limit", limit.to_string());
        for (name, value) in [
            ("offset", self.offset.map(|offset| offset.to_string())),
            ("start_time", self.since.map(unix)),
            ("end_time", self.until.map(unix)),
            ("email", self.email.map(str::to_owned)),
        ] {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        request
    }

    /// Where the next page begins, if this one is full.
    pub(super) fn next(&self, count: usize) -> Option<u32> {
        let limit = self.limit.unwrap_or(LARGEST_PAGE);
        (count >= usize::from(limit)).then(|| self.offset.unwrap_or(0).saturating_add(u32::from(limit)))
    }
}

/// An address that mail came back from. `Debug` does not show it.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Bounce {
    /// The address.
    pub email: String,
    /// When.
    #[serde(default, deserialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Why, in the mail server's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The mail server's code, such as `5.1.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl fmt::Debug for Bounce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bounce({:?}, {:?})", self.created, self.status)
    }
}

/// A page of bounces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BouncePage {
    /// The bounces.
    pub bounces: Vec<Bounce>,
    /// For `offset`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u32>,
}

/// Lists addresses that mail came back from: SendGrid sends them nothing more.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/bounces-api/retrieve-all-bounces>. Access `read`. For the next page
/// give `offset`.
///
/// Example: `{"since": "2026-11-01T00:00:00Z", "limit": 100}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListBounces {
    /// Only those at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only those at this moment or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// How many, 1 to 500. Default: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `nextOffset` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
}

impl ListBounces {
    /// All there are.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only this address.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }
}

impl Operation for ListBounces {
    type Provider = Sendgrid;
    type Output = BouncePage;

    const NAME: &'static str = "listBounces";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "email": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_range(self.limit)?;
        self.email.as_ref().map_or(Ok(()), |email| check_email("email", email))
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<BouncePage> {
        let Self { since, until, email, limit, offset } = &self;
        let filter = Filter { since: *since, until: *until, email: email.as_deref(), limit: *limit, offset: *offset };
        let request = filter.apply(call.get(v3(call, &["suppression", "bounces"])?));
        let bounces: Vec<Bounce> = fetch(call, request, Self::REPEAT).await?;
        Ok(BouncePage { next_offset: filter.next(bounces.len()), bounces })
    }
}

/// Takes an address off the list of bounces, so that SendGrid sends to it again.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/bounces-api/delete-a-bounce>. Access `write`. Errors: `not_found`.
///
/// Example: `{"email": "parent@example.com"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RemoveBounce {
    /// The address.
    pub email: String,
}

impl RemoveBounce {
    /// This address.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into() }
    }
}

/// That something was taken off a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Removed {
    /// Always true.
    pub removed: bool,
}

impl Operation for RemoveBounce {
    type Provider = Sendgrid;
    type Output = Removed;

    const NAME: &'static str = "removeBounce";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! { "email": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_email("email", &self.email)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Removed> {
        call.send(call.delete(v3(call, &["suppression", "bounces", &self.email])?)).await?;
        Ok(Removed { removed: true })
    }
}

/// An address whose holder wants no mail. `Debug` does not show it.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Unsubscribe {
    /// The address.
    pub email: String,
    /// When; SendGrid does not say it of groups.
    #[serde(default, deserialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl fmt::Debug for Unsubscribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unsubscribe({:?})", self.created)
    }
}

/// A page of unsubscribes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UnsubscribePage {
    /// The addresses.
    pub unsubscribes: Vec<Unsubscribe>,
    /// For `offset`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u32>,
}

/// Lists who has unsubscribed: from all mail, or from a group's.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/suppressions-global-suppressions/retrieve-all-global-suppressions>.
/// Access `read`. For the next page give `offset`; a group's list comes whole. Errors: `not_found` (no such group).
///
/// Example: `{"groupId": 1}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListUnsubscribes {
    /// The group (`listSuppressionGroups`); without it, who wants no mail at all. Goes with none of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<u64>,
    /// Only those at this moment or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only those at this moment or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// How many, 1 to 500. Default: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    /// The `nextOffset` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
}

impl ListUnsubscribes {
    /// Who wants no mail at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who wants none of a group's.
    pub fn group(id: u64) -> Self {
        Self { group_id: Some(id), ..Self::default() }
    }
}

impl Operation for ListUnsubscribes {
    type Provider = Sendgrid;
    type Output = UnsubscribePage;

    const NAME: &'static str = "listUnsubscribes";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "email": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        let Self { group_id, since, until, email, limit, offset } = self;
        check_range(*limit)?;
        let others = since.is_some() || until.is_some() || email.is_some() || limit.is_some() || offset.is_some();
        if group_id.is_some() && others {
            return Err(Error::invalid("groupId", "must stand alone: SendGrid gives a group's list whole"));
        }
        email.as_ref().map_or(Ok(()), |email| check_email("email", email))
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<UnsubscribePage> {
        let Self { group_id, since, until, email, limit, offset } = &self;
        if let Some(id) = group_id {
            let url = v3(call, &["asm", "groups", &id.to_string(), "suppressions"])?;
            let emails: Vec<String> = fetch(call, call.get(url), Self::REPEAT).await?;
            let entry = |email| Unsubscribe { email, created: None, extra: Map::new() };
            return Ok(UnsubscribePage { unsubscribes: emails.into_iter().map(entry).collect(), next_offset: None });
        }
        let filter = Filter { since: *since, until: *until, email: email.as_deref(), limit: *limit, offset: *offset };
        let request = filter.apply(call.get(v3(call, &["suppression", "unsubscribes"])?));
        let unsubscribes: Vec<Unsubscribe> = fetch(call, request, Self::REPEAT).await?;
        Ok(UnsubscribePage { next_offset: filter.next(unsubscribes.len()), unsubscribes })
    }
}
