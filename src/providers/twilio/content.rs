//! Message templates, which WhatsApp asks for outside a conversation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Twilio,
    wire::{Fields, FromWire, check_page, check_sid, decode, page, paged},
};
use crate::{
    error::Result,
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

const CONTENT: &str = "https://content.twilio.com";

/// A template.
///
/// <https://www.twilio.com/docs/content/content-api-resources#fetch-a-content-resource>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Template {
    /// Its id: `HX…`.
    pub sid: String,
    /// Its name, which recipients do not see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// Its language, ISO 639-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Its places, with what stands there unless it is replaced.
    #[serde(default)]
    pub variables: Map<String, Value>,
    /// What it consists of, by kind, such as `twilio/text`.
    #[serde(default)]
    pub types: Map<String, Value>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_created: Option<Timestamp>,
    /// When it last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_updated: Option<Timestamp>,
    /// Every other field, as Twilio spells it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl FromWire for Template {
    fn from_wire(mut fields: Fields) -> Option<Self> {
        Some(Self {
            sid: fields.text("sid")?,
            friendly_name: fields.text("friendly_name"),
            language: fields.text("language"),
            variables: fields.map("variables").unwrap_or_default(),
            types: fields.map("types").unwrap_or_default(),
            date_created: fields.date("date_created"),
            date_updated: fields.date("date_updated"),
            extra: fields.0,
        })
    }
}

/// Lists the account's templates, a page at a time.
///
/// <https://www.twilio.com/docs/content/content-api-resources#fetch-all-content-resources>. Access `read`. For the next
/// page repeat the same arguments with `pageToken`.
///
/// Example: `{"pageSize": 100}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListTemplates {
    /// How many to a page, 1 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u16>,
    /// The `nextPageToken` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_token: Option<String>,
}

impl ListTemplates {
    /// All there are.
    pub fn new() -> Self {
        Self::default()
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

/// A page of templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TemplatePage {
    /// The templates.
    pub templates: Vec<Template>,
    /// For `pageToken`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

impl FromWire for TemplatePage {
    fn from_wire(fields: Fields) -> Option<Self> {
        page(fields, "contents").map(|page| Self { templates: page.items, next_page_token: page.next })
    }
}

impl Operation for ListTemplates {
    type Provider = Twilio;
    type Output = TemplatePage;

    const NAME: &'static str = "listTemplates";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_page(self.page_size, self.page_token.as_deref())
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<TemplatePage> {
        let request = call.get(call.url(CONTENT, &["v1", "Content"])?);
        let response = call.send(paged(request, self.page_size, self.page_token.as_deref())?).await?;
        decode(call, &response, Self::REPEAT)
    }
}

/// Reads one template.
///
/// <https://www.twilio.com/docs/content/content-api-resources#fetch-a-content-resource>. Access `read`. Errors:
/// `not_found`.
///
/// Example: `{"sid": "HX00000000000000000000000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetTemplate {
    /// The template's id: `HX` and 32 hex digits.
    pub sid: String,
}

impl GetTemplate {
    /// The template of that id.
    pub fn new(sid: impl Into<String>) -> Self {
        Self { sid: sid.into() }
    }
}

impl Operation for GetTemplate {
    type Provider = Twilio;
    type Output = Template;

    const NAME: &'static str = "getTemplate";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_sid("sid", &["HX"], &self.sid)
    }

    async fn run(self, call: &Call<'_, Twilio>) -> Result<Template> {
        let response = call.send(call.get(call.url(CONTENT, &["v1", "Content", &self.sid])?)).await?;
        decode(call, &response, Self::REPEAT)
    }
}
