//! Marketing: lists of contacts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Sendgrid, v3,
    wire::{Links, check_name, check_page, fetch, paged},
};
use crate::{
    error::Result,
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// A list of contacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContactList {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many contacts are on it.
    #[serde(default)]
    pub contact_count: i64,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Makes a list of contacts, with nobody on it yet.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/lists/create-list>. Access `write`. Errors: `invalid_argument` at
/// `name` (there is one of that name), `outcome_unknown` (`listLists` tells).
///
/// Example: `{"name": "Parents of grade 4"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CreateList {
    /// Its name, at most 100 characters.
    pub name: String,
}

impl CreateList {
    /// A list of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

impl Operation for CreateList {
    type Provider = Sendgrid;
    type Output = ContactList;

    const NAME: &'static str = "createList";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Never;

    fn validate(&self) -> Result<()> {
        check_name("name", &self.name, 100)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<ContactList> {
        let request = call.post(v3(call, &["marketing", "lists"])?).json(&json!({ "name": self.name }));
        let list: ContactList = fetch(call, request, Self::REPEAT).await?;
        call.note("list_id", list.id.clone());
        Ok(list)
    }
}

/// Lists the lists of contacts, a page at a time.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/lists/get-all-lists>. Access `read`. For the next page give
/// `pageToken`.
///
/// Example: `{"pageSize": 100}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListLists {
    /// How many to a page, 1 to 1000; SendGrid's default is 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u16>,
    /// The `nextPageToken` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
}

impl ListLists {
    /// All there are.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A page of lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContactListPage {
    /// The lists.
    pub lists: Vec<ContactList>,
    /// For `pageToken`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    result: Vec<ContactList>,
    #[serde(default)]
    metadata: Links,
}

impl Operation for ListLists {
    type Provider = Sendgrid;
    type Output = ContactListPage;

    const NAME: &'static str = "listLists";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_page(self.page_size, 1000)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<ContactListPage> {
        let request = call.get(v3(call, &["marketing", "lists"])?);
        let page: Page = fetch(call, paged(request, self.page_size, self.page_token.as_deref()), Self::REPEAT).await?;
        Ok(ContactListPage { lists: page.result, next_page_token: page.metadata.token() })
    }
}
