//! The other lists of whom mail does not reach: spam reports, invalid addresses, blocks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Bounce, Removed, Sendgrid,
    people::check_email,
    suppressions::{Filter, check_range},
    v3,
    wire::fetch,
};
use crate::{
    error::Result,
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// One of SendGrid's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SuppressionList {
    /// Who called a mail spam: SendGrid sends them nothing more.
    SpamReports,
    /// What is no address that mail can be sent to: SendGrid sends it nothing more.
    InvalidEmails,
    /// Whose mail server turned one message away: SendGrid goes on trying with the next.
    Blocks,
}

impl SuppressionList {
    /// As it stands in the path.
    const fn segment(self) -> &'static str {
        match self {
            Self::SpamReports => "spam_reports",
            Self::InvalidEmails => "invalid_emails",
            Self::Blocks => "blocks",
        }
    }
}

/// Lists whom mail did not reach: who called it spam, what is no address, whose mail server turned it away.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/spam-reports-api/retrieve-all-spam-reports>,
/// <https://www.twilio.com/docs/sendgrid/api-reference/invalid-e-mails-api/retrieve-all-invalid-emails>,
/// <https://www.twilio.com/docs/sendgrid/api-reference/blocks-api/retrieve-all-blocks>. Access `read`. For the next page give
/// `offset`. Bounces: `listBounces`; who unsubscribed: `listUnsubscribes`.
///
/// Example: `{"list": "spamReports", "since": "2026-11-01T00:00:00Z"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListSuppressed {
    /// Which list.
    pub list: SuppressionList,
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

impl ListSuppressed {
    /// All of a list.
    pub fn new(list: SuppressionList) -> Self {
        Self { list, since: None, until: None, email: None, limit: None, offset: None }
    }

    /// Only this address.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }
}

/// A page of such a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SuppressedPage {
    /// The addresses, each with what SendGrid says of it: of a spam report no reason.
    pub suppressed: Vec<Bounce>,
    /// For `offset`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<u32>,
}

impl Operation for ListSuppressed {
    type Provider = Sendgrid;
    type Output = SuppressedPage;

    const NAME: &'static str = "listSuppressed";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "email": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_range(self.limit)?;
        self.email.as_ref().map_or(Ok(()), |email| check_email("email", email))
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<SuppressedPage> {
        let Self { list, since, until, email, limit, offset } = &self;
        let filter = Filter { since: *since, until: *until, email: email.as_deref(), limit: *limit, offset: *offset };
        let request = filter.apply(call.get(v3(call, &["suppression", list.segment()])?));
        let suppressed: Vec<Bounce> = fetch(call, request, Self::REPEAT).await?;
        Ok(SuppressedPage { next_offset: filter.next(suppressed.len()), suppressed })
    }
}

/// Takes an address off a list, so that SendGrid sends to it again. Of spam reports only when its holder asks for it: mail to
/// people who do not want it costs the account its reputation.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/spam-reports-api/delete-a-specific-spam-report>,
/// <https://www.twilio.com/docs/sendgrid/api-reference/invalid-e-mails-api/delete-a-specific-invalid-email>,
/// <https://www.twilio.com/docs/sendgrid/api-reference/blocks-api/delete-a-specific-block>. Access `write`. Errors:
/// `not_found`.
///
/// Example: `{"list": "invalidEmails", "email": "parent@example.com"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RemoveSuppressed {
    /// Which list.
    pub list: SuppressionList,
    /// The address.
    pub email: String,
}

impl RemoveSuppressed {
    /// This address off that list.
    pub fn new(list: SuppressionList, email: impl Into<String>) -> Self {
        Self { list, email: email.into() }
    }
}

impl Operation for RemoveSuppressed {
    type Provider = Sendgrid;
    type Output = Removed;

    const NAME: &'static str = "removeSuppressed";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! { "email": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_email("email", &self.email)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Removed> {
        call.send(call.delete(v3(call, &["suppression", self.list.segment(), &self.email])?)).await?;
        Ok(Removed { removed: true })
    }
}
