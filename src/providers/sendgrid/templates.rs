//! Dynamic templates and their versions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Sendgrid, v3,
    wire::{Links, check_id, check_name, check_page, fetch, flag, paged},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// The most that one part of a version may have.
const LARGEST: usize = 1 << 20;

/// A version of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TemplateVersion {
    /// Its id.
    pub id: String,
    /// The template's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Whether it is the one that is sent.
    #[serde(default, deserialize_with = "flag")]
    pub active: bool,
    /// The subject, with variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The HTML, with variables. Lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html_content: Option<String>,
    /// The plain text, with variables. Lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_content: Option<String>,
    /// When it was last changed, as SendGrid writes it (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `dynamic` or `legacy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// When it was last changed, as SendGrid writes it (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// Its versions.
    #[serde(default)]
    pub versions: Vec<TemplateVersion>,
    /// All else that SendGrid says of it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Refuses what is no template's id.
pub(super) fn check_template_id(field: &str, id: &str) -> Result<()> {
    check_id(field, id)
        .map_err(|_| Error::invalid(field, "must be a template's id, such as d- and 32 hex digits (listTemplates)"))
}

/// Reads a template with its versions.
pub(super) async fn fetch_template(call: &Call<'_, Sendgrid>, id: &str, repeat: Repeat) -> Result<Template> {
    fetch(call, call.get(v3(call, &["templates", id])?), repeat).await
}

/// Makes a dynamic template, without a version yet.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/transactional-templates/create-a-transactional-template>. Access
/// `write`. Errors: `invalid_argument` at `name`, `outcome_unknown` (`listTemplates` tells).
///
/// Example: `{"name": "Absence"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CreateTemplate {
    /// Its name, at most 100 characters.
    pub name: String,
}

impl CreateTemplate {
    /// A template of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

impl Operation for CreateTemplate {
    type Provider = Sendgrid;
    type Output = Template;

    const NAME: &'static str = "createTemplate";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Never;

    fn validate(&self) -> Result<()> {
        check_name("name", &self.name, 100)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Template> {
        let body = json!({ "name": self.name, "generation": "dynamic" });
        let request = call.post(v3(call, &["templates"])?).json(&body);
        let template: Template = fetch(call, request, Self::REPEAT).await?;
        call.note("template_id", template.id.clone());
        Ok(template)
    }
}

/// Adds a version to a template: what is sent, in the Handlebars language.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/transactional-templates-versions/create-a-new-transactional-template-version>.
/// Access `write`. Errors: `not_found`, `invalid_argument`, `outcome_unknown` (`getTemplate` tells).
///
/// Example: `{"templateId": "d-00000000000000000000000000000000", "name": "First", "subject": "{{student}} is absent", "html": "<p>{{student}} is absent.</p>"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct AddTemplateVersion {
    /// The template.
    pub template_id: String,
    /// The version's name, at most 100 characters.
    pub name: String,
    /// The subject, at most 255 characters; variables stand in double braces.
    pub subject: String,
    /// The HTML, at most 1 MB.
    pub html: String,
    /// The plain text. Default: SendGrid makes it from the HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether it is sent from now on. Default: true.
    #[serde(default = "yes")]
    pub active: bool,
}

const fn yes() -> bool {
    true
}

impl AddTemplateVersion {
    /// A version that is sent from now on.
    pub fn new(
        template_id: impl Into<String>,
        name: impl Into<String>,
        subject: impl Into<String>,
        html: impl Into<String>,
    ) -> Self {
        Self {
            template_id: template_id.into(),
            name: name.into(),
            subject: subject.into(),
            html: html.into(),
            text: None,
            active: true,
        }
    }

    /// With plain text of its own.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Not sent until it is made active.
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }
}

impl Operation for AddTemplateVersion {
    type Provider = Sendgrid;
    type Output = TemplateVersion;

    const NAME: &'static str = "addTemplateVersion";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Never;

    fn validate(&self) -> Result<()> {
        check_template_id("templateId", &self.template_id)?;
        check_name("name", &self.name, 100)?;
        check_name("subject", &self.subject, 255)?;
        for (field, part) in [("html", Some(&self.html)), ("text", self.text.as_ref())] {
            if part.is_some_and(|part| part.is_empty() || part.len() > LARGEST) {
                return Err(Error::invalid(field, format!("must have 1 to {LARGEST} bytes")));
            }
        }
        Ok(())
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<TemplateVersion> {
        let mut body = json!({
            "name": self.name,
            "subject": self.subject,
            "html_content": self.html,
            "generate_plain_content": self.text.is_none(),
            "active": u8::from(self.active),
            "editor": "code",
        });
        if let Some(text) = self.text {
            body["plain_content"] = json!(text);
        }
        let request = call.post(v3(call, &["templates", &self.template_id, "versions"])?).json(&body);
        let version: TemplateVersion = fetch(call, request, Self::REPEAT).await?;
        call.note("version_id", version.id.clone());
        Ok(version)
    }
}

/// Makes a version the one that is sent from now on.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/transactional-templates-versions/activate-a-transactional-template-version>.
/// Access `write`. Errors: `not_found`.
///
/// Example: `{"templateId": "d-00000000000000000000000000000000", "versionId": "00000000-0000-0000-0000-000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ActivateTemplateVersion {
    /// The template.
    pub template_id: String,
    /// The version.
    pub version_id: String,
}

impl ActivateTemplateVersion {
    /// This version of that template.
    pub fn new(template_id: impl Into<String>, version_id: impl Into<String>) -> Self {
        Self { template_id: template_id.into(), version_id: version_id.into() }
    }
}

impl Operation for ActivateTemplateVersion {
    type Provider = Sendgrid;
    type Output = TemplateVersion;

    const NAME: &'static str = "activateTemplateVersion";
    const ACCESS: Access = Access::Write;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_template_id("templateId", &self.template_id)?;
        check_id("versionId", &self.version_id)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<TemplateVersion> {
        let path = ["templates", &self.template_id, "versions", &self.version_id, "activate"];
        fetch(call, call.post(v3(call, &path)?), Self::REPEAT).await
    }
}

/// Lists the dynamic templates, a page at a time.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/transactional-templates/retrieve-paged-transactional-templates>.
/// Access `read`. For the next page give `pageToken`.
///
/// Example: `{"pageSize": 50}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListTemplates {
    /// How many to a page, 1 to 200. Default: 100.
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
    /// The templates; their versions are without text.
    pub templates: Vec<Template>,
    /// For `pageToken`; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    // SendGrid's older answers have `templates`.
    #[serde(alias = "templates")]
    result: Vec<Template>,
    #[serde(default)]
    metadata: Links,
}

impl Operation for ListTemplates {
    type Provider = Sendgrid;
    type Output = TemplatePage;

    const NAME: &'static str = "listTemplates";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_page(self.page_size, 200)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<TemplatePage> {
        let request = call.get(v3(call, &["templates"])?).query("generations", "dynamic");
        let size = self.page_size.unwrap_or(100);
        let page: Page = fetch(call, paged(request, Some(size), self.page_token.as_deref()), Self::REPEAT).await?;
        Ok(TemplatePage { templates: page.result, next_page_token: page.metadata.token() })
    }
}

/// Reads a template, with the text of its versions.
///
/// <https://www.twilio.com/docs/sendgrid/api-reference/transactional-templates/retrieve-a-single-transactional-template>.
/// Access `read`. Errors: `not_found`.
///
/// Example: `{"templateId": "d-00000000000000000000000000000000"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetTemplate {
    /// The template.
    pub template_id: String,
}

impl GetTemplate {
    /// The template of that id.
    pub fn new(template_id: impl Into<String>) -> Self {
        Self { template_id: template_id.into() }
    }
}

impl Operation for GetTemplate {
    type Provider = Sendgrid;
    type Output = Template;

    const NAME: &'static str = "getTemplate";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        check_template_id("templateId", &self.template_id)
    }

    async fn run(self, call: &Call<'_, Sendgrid>) -> Result<Template> {
        fetch_template(call, &self.template_id, Self::REPEAT).await
    }
}
