use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Twilio,
    deliver::account_url,
    wire::{Fields, FromWire, check_page, decode, page, paged},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Reads the account's balance. Also the health probe: cheap, and it needs the credentials.
///
/// <https://www.twilio.com/docs/usage/api/account#fetch-an-account-balance-resource>. Access `read`. Errors:
/// `needs_reconnect`. Subaccounts have no balance of their own.
///
/// Example: `{}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetBalance {}

impl GetBalance {
    /// The account's balance.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What is left in the account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Balance {
    /// The amount, exactly as Twilio writes it; absent for a subaccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<String>,
    /// Its currency, ISO 4217.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_sid: Option<String>,
    /// Every other field, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FromWire for Balance {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        let known = ["balance", "currency", "account_sid"].iter().any(|name| fields.0.contains_key(*name));
        known.then(|| Self {
            balance: fields.amount("balance"),
            currency: fields.text("currency"),
            account_sid: fields.text("account_sid"),
            extra: fields.0,
        })
    }
}

impl Operation for GetBalance {
    type Provider = Twilio;
    type Output = Balance;

    const NAME: &'static str = "getBalance";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    async fn run(self, call: &Call<'_, Twilio>) -> Result<Balance> {
        let response = call.send(call.get(account_url(call, &["Balance.json"])?)).await?;
        decode(call, &response, Self::REPEAT)
    }
}

/// Reads what the account has used and what it cost, by category.
///
/// <https://www.twilio.com/docs/usage/api/usage-record>. Access `read`. For the next page repeat the same arguments
/// with `pageToken`.
///
/// Example: `{"category": "sms", "startDate": "2026-11-01", "endDate": "2026-11-30"}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetUsage {
    /// One of Twilio's categories, such as `sms`, `mms`, `calls`, `totalprice`; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The first day, `YYYY-MM-DD` in GMT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// The last day, `YYYY-MM-DD` in GMT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// How many to a page, 1 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u16>,
    /// The `nextPageToken` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
}

impl GetUsage {
    /// All there is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only one of Twilio's categories.
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// Only from the first to the last of these days, `YYYY-MM-DD`.
    pub fn between(mut self, start: impl Into<String>, end: impl Into<String>) -> Self {
        self.start_date = Some(start.into());
        self.end_date = Some(end.into());
        self
    }

    /// The page after the one that gave this token.
    pub fn page_token(mut self, token: impl Into<String>) -> Self {
        self.page_token = Some(token.into());
        self
    }
}

/// What was used of one category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UsageRecord {
    /// The category.
    pub category: String,
    /// What it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many events there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<String>,
    /// What `count` counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_unit: Option<String>,
    /// How much was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// What `usage` measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_unit: Option<String>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The currency of the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_unit: Option<String>,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// Every other field, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FromWire for UsageRecord {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            category: fields.text("category")?,
            description: fields.text("description"),
            count: fields.amount("count"),
            count_unit: fields.text("count_unit"),
            usage: fields.amount("usage"),
            usage_unit: fields.text("usage_unit"),
            price: fields.amount("price"),
            price_unit: fields.text("price_unit"),
            start_date: fields.text("start_date"),
            end_date: fields.text("end_date"),
            extra: fields.0,
        })
    }
}

/// A page of usage records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UsagePage {
    /// The records.
    pub records: Vec<UsageRecord>,
    /// For `pageToken`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

impl FromWire for UsagePage {
    fn from_wire(fields: Fields) -> Option<Self> {
        page(fields, "usage_records").map(|page| Self { records: page.items, next_page_token: page.next })
    }
}

fn check_day(field: &str, day: Option<&str>) -> Result<()> {
    match day.map(str::parse::<jiff::civil::Date>) {
        Some(Err(_)) => Err(Error::invalid(field, "must be a day such as 2026-11-24")),
        _ => Ok(()),
    }
}

impl Operation for GetUsage {
    type Provider = Twilio;
    type Output = UsagePage;

    const NAME: &'static str = "getUsage";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_day("startDate", self.start_date.as_deref())?;
        check_day("endDate", self.end_date.as_deref())?;
        check_page(self.page_size, self.page_token.as_deref())
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<UsagePage> {
        let mut request = call.get(account_url(call, &["Usage", "Records.json"])?);
        let filters = [("Category", self.category), ("StartDate", self.start_date), ("EndDate", self.end_date)];
        for (name, value) in filters {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        let response = call.send(paged(request, self.page_size, self.page_token.as_deref())?).await?;
        decode(call, &response, Self::REPEAT)
    }
}
