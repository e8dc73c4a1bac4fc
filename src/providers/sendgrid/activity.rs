//! Email Activity: which messages there are, and what became of them.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Sendgrid, SendgridConfig,
    compose::{ITEM, MARK},
    people::check_email,
    v3,
    webhook::message_id,
    wire::fetch,
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Capability, Operation},
    transport::Repeat,
};

/// How long to wait before each look for a message whose end is not known: Email Activity lags behind.
const WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// A message as Email Activity knows it: one for each recipient. `Debug` shows no address and no subject.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActivityMessage {
    /// SendGrid's id of the recipient's copy; it begins with the message's id.
    pub msg_id: String,
    /// From whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_email: Option<String>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_email: Option<String>,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `processed`, `delivered` or `not_delivered`.
    pub status: String,
    /// How often it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_count: Option<i64>,
    /// How often a link in it was followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clicks_count: Option<i64>,
    /// When something last became of it, as SendGrid writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_time: Option<String>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl fmt::Debug for ActivityMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActivityMessage({}, {})", self.msg_id, self.status)
    }
}

/// Messages that were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActivityPage {
    /// The messages, the newest first.
    pub messages: Vec<ActivityMessage>,
}

/// Finds messages by the call that sent them (`requestId`), a custom argument, or the recipient: what became of a send whose
/// end is not known. SendGrid needs up to a few minutes before it knows a message here.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/email-activity/filter-all-messages>. Access `read`. Needs the Email
/// Activity add-on of the account, and the setting `email_activity`.
///
/// Example: `{"requestId": "0193a1f0-0000-7000-8000-000000000000"}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct FindMessage {
    /// The call that sent it: the `requestId` of its answer or error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The name of a custom argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_arg: Option<String>,
    /// The value of that custom argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// To whom it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many to give, 1 to 1000. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
}

impl FindMessage {
    /// What this call sent.
    pub fn by_request(request_id: impl Into<String>) -> Self {
        Self { request_id: Some(request_id.into()), ..Self::default() }
    }

    /// What was sent to this address.
    pub fn to(email: impl Into<String>) -> Self {
        Self { to: Some(email.into()), ..Self::default() }
    }
}

impl Operation for FindMessage {
    type Provider = Sendgrid;
    type Output = ActivityPage;

    const NAME: &'static str = "findMessage";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "to": Contact(Guardian), "value": Content(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn capability(config: &SendgridConfig) -> Capability {
        match config.email_activity {
            true => Capability::Supported,
            false => Capability::NeedsPlan("the Email Activity API; set email_activity where the plan has it"),
        }
    }

    fn validate(&self) -> Result<()> {
        let Self { request_id, custom_arg, value, to, limit } = self;
        // A quote would end the value in SendGrid's query language.
        let bad = |text: &str| text.is_empty() || text.len() > 200 || text.contains(['"', '\'', '\\', '[', ']']);
        for (field, text) in [("requestId", request_id), ("customArg", custom_arg), ("value", value)] {
            if text.as_ref().is_some_and(|text| bad(text)) {
                return Err(Error::invalid(
                    field,
                    "must have 1 to 200 characters, and no quotes, brackets or backslashes",
                ));
            }
        }
        match (custom_arg, value) {
            (Some(_), None) => return Err(Error::invalid("value", "is required beside customArg")),
            (None, Some(_)) => return Err(Error::invalid("customArg", "is required beside value")),
            _ => {}
        }
        if let Some(to) = to {
            check_email("to", to)?;
            if bad(to) {
                return Err(Error::invalid("to", "must have no quotes and brackets"));
            }
        }
        if request_id.is_none() && custom_arg.is_none() && to.is_none() {
            return Err(Error::invalid("requestId", "is required where there is no customArg and no to"));
        }
        if limit.is_some_and(|limit| !(1..=1000).contains(&limit)) {
            return Err(Error::invalid("limit", "must be from 1 to 1000"));
        }
        Ok(())
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<ActivityPage> {
        let mut terms = Vec::new();
        terms.extend(self.request_id.map(|id| by_arg(MARK, &id)));
        terms.extend(self.custom_arg.zip(self.value).map(|(name, value)| by_arg(&name, &value)));
        terms.extend(self.to.map(|to| format!("(to_email=\"{to}\")")));
        look(call, &terms.join(" AND "), self.limit).await
    }
}

fn by_arg(name: &str, value: &str) -> String {
    format!("(unique_args['{name}']=\"{value}\")")
}

async fn look(call: &Call<'_, Sendgrid>, query: &str, limit: Option<u16>) -> Result<ActivityPage> {
    let request = call.get(v3(call, &["messages"])?).query("query", query);
    fetch(call, request.query("limit", limit.unwrap_or(10).to_string()), Repeat::Always).await
}

/// Looks for what this call sent, when it is not known whether it did: the message's id if it is there. `item` is a place in
/// the list that the request carried.
pub(super) async fn search(call: &Call<'_, Sendgrid>, item: Option<usize>) -> Option<String> {
    if !call.config().email_activity {
        return None;
    }
    let mut query = by_arg(MARK, &call.request_id().to_string());
    if let Some(item) = item {
        query = format!("{query} AND {}", by_arg(ITEM, &item.to_string()));
    }
    for wait in WAITS {
        if call.now().after(wait) >= call.deadline() {
            return None;
        }
        call.runtime().sleep(wait).await;
        if let Ok(page) = look(call, &query, Some(1)).await
            && let Some(found) = page.messages.first()
        {
            return Some(message_id(&found.msg_id).to_owned());
        }
    }
    None
}

/// What an operation's requests need of the key. Those of several lists stand there once for each.
const SCOPES: &[(&str, &str)] = &[
    ("sendEmail", "mail.send"),
    ("sendBulkEmail", "mail.send"),
    ("sendTemplateEmail", "mail.send"),
    ("sendNotification", "mail.send"),
    ("createTemplate", "templates.create"),
    ("addTemplateVersion", "templates.versions.create"),
    ("activateTemplateVersion", "templates.versions.activate.create"),
    ("listTemplates", "templates.read"),
    ("getTemplate", "templates.read"),
    ("upsertContacts", "marketing.update"),
    ("getContactImport", "marketing.read"),
    ("createList", "marketing.update"),
    ("listLists", "marketing.read"),
    ("createCampaign", "marketing.update"),
    ("scheduleCampaign", "marketing.update"),
    ("getCampaignStats", "marketing.read"),
    ("getEmailStats", "stats.global.read"),
    ("getCategoryStats", "categories.stats.read"),
    ("listBounces", "suppression.bounces.read"),
    ("removeBounce", "suppression.bounces.delete"),
    ("listSuppressed", "suppression.spam_reports.read"),
    ("listSuppressed", "suppression.invalid_emails.read"),
    ("listSuppressed", "suppression.blocks.read"),
    ("removeSuppressed", "suppression.spam_reports.delete"),
    ("removeSuppressed", "suppression.invalid_emails.delete"),
    ("removeSuppressed", "suppression.blocks.delete"),
    ("listUnsubscribes", "suppression.unsubscribes.read"),
    ("listSuppressionGroups", "asm.groups.read"),
    ("addUnsubscribe", "asm.groups.suppressions.create"),
    ("findMessage", "messages.read"),
];

/// Tells what the API key may do, and which operations it may not: the cheapest request that SendGrid authenticates.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions/retrieve-a-list-of-scopes-for-which-this-user-has-access>.
/// Access `read`. Errors: `needs_reconnect`.
///
/// Example: `{}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetScopes {}

impl GetScopes {
    /// Of the configured key.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What a key may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Scopes {
    /// The permissions, in SendGrid's words.
    pub scopes: Vec<String>,
    /// The operations of this library that lack a permission.
    #[serde(default)]
    pub refused: Vec<String>,
}

impl Operation for GetScopes {
    type Provider = Sendgrid;
    type Output = Scopes;

    const NAME: &'static str = "getScopes";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Scopes> {
        let mut scopes: Scopes = fetch(call, call.get(v3(call, &["scopes"])?), Self::REPEAT).await?;
        let lacks = |scope: &str| !scopes.scopes.iter().any(|has| has == scope);
        let refused = SCOPES.iter().filter(|(_, scope)| lacks(scope)).map(|(operation, _)| (*operation).to_owned());
        scopes.refused = refused.collect();
        scopes.refused.dedup();
        Ok(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_that_asks_for_a_scope_is_there() {
        let names: Vec<_> = <Sendgrid as crate::providers::Provider>::operations().iter().map(|o| o.name).collect();
        let mut known: Vec<_> = SCOPES.iter().map(|(name, _)| *name).chain(["getScopes"]).collect();
        known.dedup();
        assert!(names.iter().all(|name| known.contains(name)) && known.len() == names.len(), "{names:?}");
    }

    #[test]
    fn nothing_ends_the_value_of_a_query() {
        let by = |request_id: &str| FindMessage::by_request(request_id).validate();
        assert!(by("0193a1f0-0000-7000-8000-000000000000").is_ok());
        assert_eq!(by("x\" OR from_email=\"y").unwrap_err().field(), Some("requestId"));
        assert_eq!(FindMessage::to("a[b]@c.de").validate().unwrap_err().field(), Some("to"));
        assert_eq!(FindMessage::default().validate().unwrap_err().field(), Some("requestId"));
        let half = FindMessage { custom_arg: Some("x".to_owned()), ..FindMessage::default() };
        assert_eq!(half.validate().unwrap_err().field(), Some("value"));
    }
}
