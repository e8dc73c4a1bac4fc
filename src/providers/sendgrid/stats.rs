//! Statistics: of all mail, of categories, of campaigns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Sendgrid, v3,
    wire::{Links, check_id, check_page, fetch, paged},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::{Repeat, Request},
};

/// What numbers are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AggregatedBy {
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
}

impl AggregatedBy {
    const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Counted {
    /// The numbers, by name: `requests`, `delivered`, `bounces`, `uniqueOpens` and others.
    pub metrics: Map<String, Value>,
    /// Of which category; absent in the statistics of all mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The numbers of a day, week or month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StatsPeriod {
    /// Its first day, `YYYY-MM-DD`.
    pub date: String,
    /// The numbers.
    #[serde(default)]
    pub stats: Vec<Counted>,
}

/// Statistics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Stats {
    /// Each day, week or month.
    pub periods: Vec<StatsPeriod>,
}

/// The days to count.
fn check_days(start: &str, end: Option<&str>) -> Result<()> {
    let day = |field: &str, text: &str| {
        let day = (text.len() == 10).then(|| text.parse::<jiff::civil::Date>().ok()).flatten();
        day.ok_or_else(|| Error::invalid(field, "must be a day, YYYY-MM-DD"))
    };
    let first = day("startDate", start)?;
    match end {
        Some(end) if day("endDate", end)? < first => Err(Error::invalid("endDate", "must not be before startDate")),
        _ => Ok(()),
    }
}

fn over(mut request: Request, start: &str, end: Option<&str>, by: Option<AggregatedBy>) -> Request {
    request = request.query("start_date", start);
    if let Some(end) = end {
        request = request.query("end_date", end);
    }
    match by {
        Some(by) => request.query("aggregated_by", by.name()),
        None => request,
    }
}

/// Counts all mail of the account: sent, delivered, opened, bounced, by day, week or month.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/stats/retrieve-global-email-statistics>. Access `read`.
///
/// Example: `{"startDate": "2026-11-01", "aggregatedBy": "week"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetEmailStats {
    /// The first day, `YYYY-MM-DD`.
    pub start_date: String,
    /// The last day. Default: today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// What numbers are added up by. Default: days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregated_by: Option<AggregatedBy>,
}

impl GetEmailStats {
    /// From this day on.
    pub fn new(start_date: impl Into<String>) -> Self {
        Self { start_date: start_date.into(), end_date: None, aggregated_by: None }
    }
}

impl Operation for GetEmailStats {
    type Provider = Sendgrid;
    type Output = Stats;

    const NAME: &'static str = "getEmailStats";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_days(&self.start_date, self.end_date.as_deref())
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Stats> {
        let request = call.get(v3(call, &["stats"])?);
        let request = over(request, &self.start_date, self.end_date.as_deref(), self.aggregated_by);
        Ok(Stats { periods: fetch(call, request, Self::REPEAT).await? })
    }
}

/// Counts the mail of categories.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/categories/retrieve-email-statistics-for-categories>. Access `read`.
///
/// Example: `{"categories": ["absence"], "startDate": "2026-11-01"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetCategoryStats {
    /// The categories: one to ten.
    pub categories: Vec<String>,
    /// The first day, `YYYY-MM-DD`.
    pub start_date: String,
    /// The last day. Default: today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// What numbers are added up by. Default: days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregated_by: Option<AggregatedBy>,
}

impl GetCategoryStats {
    /// These categories, from this day on.
    pub fn new<C: Into<String>>(categories: impl IntoIterator<Item = C>, start_date: impl Into<String>) -> Self {
        let categories = categories.into_iter().map(Into::into).collect();
        Self { categories, start_date: start_date.into(), end_date: None, aggregated_by: None }
    }
}

impl Operation for GetCategoryStats {
    type Provider = Sendgrid;
    type Output = Stats;

    const NAME: &'static str = "getCategoryStats";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        if !(1..=10).contains(&self.categories.len()) {
            return Err(Error::invalid("categories", "must be one to ten"));
        }
        check_days(&self.start_date, self.end_date.as_deref())
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Stats> {
        let mut request = call.get(v3(call, &["categories", "stats"])?);
        for category in &self.categories {
            request = request.query("categories", category);
        }
        let request = over(request, &self.start_date, self.end_date.as_deref(), self.aggregated_by);
        Ok(Stats { periods: fetch(call, request, Self::REPEAT).await? })
    }
}

/// Counts the mail of campaigns: one entry for each, or for each of its variations.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/marketing-campaign-stats/get-all-single-sends-stats>. Access `read`.
/// For the next page give `pageToken`.
///
/// Example: `{"campaignIds": ["00000000-0000-0000-0000-000000000000"]}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetCampaignStats {
    /// Only these campaigns: up to 25.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub campaign_ids: Vec<String>,
    /// How many to a page, 1 to 50; SendGrid's default is 25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u16>,
    /// The `nextPageToken` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
}

impl GetCampaignStats {
    /// All campaigns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those named.
    pub fn campaign(mut self, id: impl Into<String>) -> Self {
        self.campaign_ids.push(id.into());
        self
    }
}

/// The numbers of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CampaignStats {
    /// The campaign.
    pub id: String,
    /// The numbers, by name.
    pub stats: Map<String, Value>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A page of campaigns' numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CampaignStatsPage {
    /// The campaigns.
    pub campaigns: Vec<CampaignStats>,
    /// For `pageToken`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    results: Vec<CampaignStats>,
    #[serde(default)]
    metadata: Links,
}

impl Operation for GetCampaignStats {
    type Provider = Sendgrid;
    type Output = CampaignStatsPage;

    const NAME: &'static str = "getCampaignStats";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        if self.campaign_ids.len() > 25 {
            return Err(Error::invalid("campaignIds", "must be at most 25"));
        }
        self.campaign_ids.iter().enumerate().try_for_each(|(at, id)| check_id(&format!("campaignIds[{at}]"), id))?;
        check_page(self.page_size, 50)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<CampaignStatsPage> {
        let mut request = call.get(v3(call, &["marketing", "stats", "singlesends"])?);
        if !self.campaign_ids.is_empty() {
            request = request.query("singlesend_ids", self.campaign_ids.join(","));
        }
        let page: Page = fetch(call, paged(request, self.page_size, self.page_token.as_deref()), Self::REPEAT).await?;
        Ok(CampaignStatsPage { campaigns: page.results, next_page_token: page.metadata.token() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        for (start, end, field) in [
            ("2026-11-01", None, None),
            ("2026-11-01", Some("2026-11-01"), None),
            ("2026-13-01", None, Some("startDate")),
            ("20261101", None, Some("startDate")),
            ("2026-11-01", Some("2026-10-31"), Some("endDate")),
            ("2026-11-01", Some("tomorrow"), Some("endDate")),
        ] {
            assert_eq!(check_days(start, end).err().as_ref().and_then(Error::field), field, "{start} {end:?}");
        }
    }
}
