//! Groups that people can unsubscribe from.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Sendgrid, people::check_email, v3, wire::fetch};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// A group that people can unsubscribe from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SuppressionGroup {
    /// Its id.
    pub id: u64,
    /// Its name, as recipients see it.
    pub name: String,
    /// What it is for, as recipients see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many have unsubscribed from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribes: Option<i64>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The account's groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SuppressionGroups {
    /// The groups.
    pub groups: Vec<SuppressionGroup>,
}

/// Lists the groups that people can unsubscribe from.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/suppressions-unsubscribe-groups/retrieve-all-suppression-groups-associated-with-the-user>.
/// Access `read`.
///
/// Example: `{}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListSuppressionGroups {}

impl ListSuppressionGroups {
    /// All there are.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Operation for ListSuppressionGroups {
    type Provider = Sendgrid;
    type Output = SuppressionGroups;

    const NAME: &'static str = "listSuppressionGroups";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<SuppressionGroups> {
        let request = call.get(v3(call, &["asm", "groups"])?);
        Ok(SuppressionGroups { groups: fetch(call, request, Self::REPEAT).await? })
    }
}

/// Unsubscribes people from a group, as they asked the school to.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/suppressions-suppressions/add-suppressions-to-a-suppression-group>.
/// Access `write`. Errors: `not_found` (no such group).
///
/// Example: `{"groupId": 1, "emails": ["parent@example.com"]}`
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct AddUnsubscribe {
    /// The group.
    pub group_id: u64,
    /// The addresses: 1 to 1000.
    pub emails: Vec<String>,
}

impl AddUnsubscribe {
    /// These addresses from that group.
    pub fn new<E: Into<String>>(group_id: u64, emails: impl IntoIterator<Item = E>) -> Self {
        Self { group_id, emails: emails.into_iter().map(Into::into).collect() }
    }
}

/// The addresses are personal: `Debug` shows how many there are.
impl fmt::Debug for AddUnsubscribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddUnsubscribe({}, {} addresses)", self.group_id, self.emails.len())
    }
}

/// Who is unsubscribed now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Unsubscribed {
    /// The addresses.
    pub emails: Vec<String>,
}

impl fmt::Debug for Unsubscribed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unsubscribed({} addresses)", self.emails.len())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    recipient_emails: Vec<String>,
}

impl Operation for AddUnsubscribe {
    type Provider = Sendgrid;
    type Output = Unsubscribed;

    const NAME: &'static str = "addUnsubscribe";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! { "emails[]": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        if !(1..=1000).contains(&self.emails.len()) {
            return Err(Error::invalid("emails", "must be 1 to 1000"));
        }
        self.emails.iter().enumerate().try_for_each(|(at, email)| {
            check_email("", email).map_err(|error| error.with_field(format!("emails[{at}]")))
        })
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Unsubscribed> {
        let url = v3(call, &["asm", "groups", &self.group_id.to_string(), "suppressions"])?;
        let request = call.post(url).json(&json!({ "recipient_emails": self.emails }));
        let added: Added = fetch(call, request, Self::REPEAT).await?;
        Ok(Unsubscribed { emails: added.recipient_emails })
    }
}
