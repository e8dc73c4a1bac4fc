//! Campaigns: one mail to lists of contacts ("single sends").

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    Sendgrid,
    options::check_categories,
    v3,
    wire::{check_id, check_name, fetch},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Makes a campaign as a draft: nothing is sent until `scheduleCampaign`.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/single-sends/create-single-send>. Access `write`. To be scheduled it
/// needs a sender, somebody to go to, a subject, a text or design, and a way to unsubscribe. Errors: `invalid_argument`,
/// `outcome_unknown` (SendGrid's console tells).
///
/// Example: `{"name": "Open day", "listIds": ["00000000-0000-0000-0000-000000000000"], "subject": "Open day", "html": "<p>Come!</p>", "senderId": 1, "suppressionGroupId": 1}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CreateCampaign {
    /// Its name, at most 100 characters; nobody it goes to sees it.
    pub name: String,
    /// To whom: up to 50 lists (`listLists`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list_ids: Vec<String>,
    /// To whom: up to ten segments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segment_ids: Vec<String>,
    /// To all contacts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_contacts: bool,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The HTML; not beside `designId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The plain text. Default: SendGrid makes it from the HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A design of the account, in place of `html`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design_id: Option<String>,
    /// The sender: a number from SendGrid's console, Marketing, Senders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<i64>,
    /// The group to unsubscribe by (`listSuppressionGroups`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression_group_id: Option<u64>,
    /// The school's own page to unsubscribe at, in place of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_unsubscribe_url: Option<Url>,
    /// Up to ten categories that statistics count it in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
}

impl CreateCampaign {
    /// A campaign of this name, with nothing in it.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// To this list.
    pub fn list(mut self, id: impl Into<String>) -> Self {
        self.list_ids.push(id.into());
        self
    }

    /// With this subject and HTML.
    pub fn content(mut self, subject: impl Into<String>, html: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self.html = Some(html.into());
        self
    }

    /// From this sender, with this group to unsubscribe by.
    pub fn sender(mut self, sender_id: i64, suppression_group_id: u64) -> Self {
        self.sender_id = Some(sender_id);
        self.suppression_group_id = Some(suppression_group_id);
        self
    }
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Campaign {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `draft`, `scheduled` or `triggered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<String>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Operation for CreateCampaign {
    type Provider = Sendgrid;
    type Output = Campaign;

    const NAME: &'static str = "createCampaign";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest =
        manifest! { "subject": Message(Anyone), "html": Message(Anyone), "text": Message(Anyone) };
    const REPEAT: Repeat = Repeat::Never;

    fn validate(&self) -> Result<()> {
        check_name("name", &self.name, 100)?;
        for (field, ids, most) in [("listIds", &self.list_ids, 50), ("segmentIds", &self.segment_ids, 10)] {
            if ids.len() > most {
                return Err(Error::invalid(field, format!("must be at most {most}, not {}", ids.len())));
            }
            ids.iter().enumerate().try_for_each(|(at, id)| check_id(&format!("{field}[{at}]"), id))?;
        }
        if self.all_contacts && !(self.list_ids.is_empty() && self.segment_ids.is_empty()) {
            return Err(Error::invalid("allContacts", "must not stand beside listIds and segmentIds"));
        }
        if let Some(id) = &self.design_id {
            check_id("designId", id)?;
            if self.html.is_some() || self.text.is_some() {
                return Err(Error::invalid("designId", "must not stand beside html and text"));
            }
        }
        if self.suppression_group_id.is_some() && self.custom_unsubscribe_url.is_some() {
            return Err(Error::invalid("customUnsubscribeUrl", "must not stand beside suppressionGroupId"));
        }
        check_categories("categories", &self.categories)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Campaign> {
        let mut send_to = Map::new();
        for (name, ids) in [("list_ids", &self.list_ids), ("segment_ids", &self.segment_ids)] {
            if !ids.is_empty() {
                send_to.insert(name.to_owned(), json!(ids));
            }
        }
        if self.all_contacts {
            send_to.insert("all".to_owned(), json!(true));
        }
        let mut email = Map::new();
        let generate = self.html.is_some() && self.text.is_none();
        for (name, value) in [
            ("subject", self.subject.map(Value::from)),
            ("html_content", self.html.map(Value::from)),
            ("plain_content", self.text.map(Value::from)),
            ("generate_plain_content", generate.then_some(json!(true))),
            ("design_id", self.design_id.map(Value::from)),
            ("sender_id", self.sender_id.map(Value::from)),
            ("suppression_group_id", self.suppression_group_id.map(Value::from)),
            ("custom_unsubscribe_url", self.custom_unsubscribe_url.map(|url| json!(url))),
        ] {
            email.extend(value.map(|value| (name.to_owned(), value)));
        }
        let mut body = json!({ "name": self.name });
        for (name, part) in [("send_to", send_to), ("email_config", email)] {
            if !part.is_empty() {
                body[name] = Value::Object(part);
            }
        }
        if !self.categories.is_empty() {
            body["categories"] = json!(self.categories);
        }
        let request = call.post(v3(call, &["marketing", "singlesends"])?).json(&body);
        let campaign: Campaign = fetch(call, request, Self::REPEAT).await?;
        call.note("campaign_id", campaign.id.clone());
        Ok(campaign)
    }
}

/// Sends a campaign, at once or later.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/single-sends/schedule-single-send>. Access `send`. Scheduling twice is
/// scheduling once. Errors: `not_found`, `invalid_argument` (the campaign lacks what it needs), `vendor` (it has been sent).
///
/// Example: `{"campaignId": "00000000-0000-0000-0000-000000000000", "sendAt": "2026-12-01T07:00:00Z"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ScheduleCampaign {
    /// The campaign.
    pub campaign_id: String,
    /// When. Default: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
}

impl ScheduleCampaign {
    /// This campaign, now.
    pub fn now(campaign_id: impl Into<String>) -> Self {
        Self { campaign_id: campaign_id.into(), send_at: None }
    }

    /// This campaign, at that moment.
    pub fn at(campaign_id: impl Into<String>, at: Timestamp) -> Self {
        Self { campaign_id: campaign_id.into(), send_at: Some(at) }
    }
}

/// When a campaign is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CampaignSchedule {
    /// `scheduled`.
    pub status: String,
    /// When, as SendGrid writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<String>,
}

impl Operation for ScheduleCampaign {
    type Provider = Sendgrid;
    type Output = CampaignSchedule;

    const NAME: &'static str = "scheduleCampaign";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_id("campaignId", &self.campaign_id)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<CampaignSchedule> {
        // SendGrid's page allows the word, its contract only a moment.
        let at = self.send_at.map_or_else(|| "now".to_owned(), |at| at.to_string());
        let url = v3(call, &["marketing", "singlesends", &self.campaign_id, "schedule"])?;
        fetch(call, call.put(url).json(&json!({ "send_at": at })), Self::REPEAT).await
    }
}
