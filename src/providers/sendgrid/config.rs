use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{people::check_email, templates::check_template_id, webhook::public_key};
use crate::{
    error::{Error, Result},
    model::Secret,
    providers::{ConfigField, Displaces, ProviderConfig},
};

/// Where SendGrid keeps an account and its mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Region {
    /// `api.sendgrid.com`.
    #[default]
    Global,
    /// `api.eu.sendgrid.com`, for a subuser that was made in the EU.
    Eu,
}

/// What is sent for one kind of notification.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NotificationKind {
    /// The dynamic template (`listTemplates`).
    pub template_id: String,
    /// The group (`listSuppressionGroups`) that people can unsubscribe from this kind of notification by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression_group_id: Option<u64>,
    /// The category that statistics count it in. Default: the kind's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

impl NotificationKind {
    /// This template.
    pub fn new(template_id: impl Into<String>) -> Self {
        Self { template_id: template_id.into(), suppression_group_id: None, category: None }
    }

    /// The same, with a group to unsubscribe from it by.
    pub fn suppression_group(mut self, id: u64) -> Self {
        self.suppression_group_id = Some(id);
        self
    }

    /// The same, counted in a category.
    pub fn category(mut self, name: impl Into<String>) -> Self {
        self.category = Some(name.into());
        self
    }
}

/// A tenant's SendGrid settings.
///
/// ```
/// use sis_integrations::providers::sendgrid::SendgridConfig;
///
/// let config = SendgridConfig::new("SG.an-api-key", "noreply@yourschool.edu").from_name("Your School");
/// assert!(!format!("{config:?}").contains("an-api-key"));
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SendgridConfig {
    /// An API key of the account. Env `SENDGRID_API_KEY`.
    pub api_key: Secret<String>,
    /// The address that mail comes from: a verified sender, or of an authenticated domain. Env `SENDGRID_FROM_EMAIL`.
    pub from_email: String,
    /// The name beside that address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_name: Option<String>,
    /// Where the account is. Default: `global`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The subuser to act for, where the key is the parent account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subuser: Option<String>,
    /// Whether the account's plan has the Email Activity API: a send whose end is not known is then looked for there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_activity: bool,
    /// The verification key of the signed Event Webhook, as the console shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_public_key: Option<String>,
    /// The verification key before that, while webhooks signed with it may still come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_webhook_public_key: Option<String>,
    /// What `sendNotification` sends, by the kind of notification.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notifications: BTreeMap<String, NotificationKind>,
    /// Where requests go. Default: SendGrid's own hosts; tests point it at the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

impl SendgridConfig {
    /// The account's key, and the address that mail comes from.
    pub fn new(api_key: impl Into<String>, from_email: impl Into<String>) -> Self {
        Self {
            api_key: Secret::new(api_key.into()),
            from_email: from_email.into(),
            from_name: None,
            region: None,
            subuser: None,
            email_activity: false,
            webhook_public_key: None,
            previous_webhook_public_key: None,
            notifications: BTreeMap::new(),
            base_url: None,
        }
    }

    /// The same settings, with a name beside the address that mail comes from.
    pub fn from_name(mut self, name: impl Into<String>) -> Self {
        self.from_name = Some(name.into());
        self
    }

    /// The same settings, for an account elsewhere.
    pub fn region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// The same settings, acting for a subuser.
    pub fn subuser(mut self, name: impl Into<String>) -> Self {
        self.subuser = Some(name.into());
        self
    }

    /// The same settings, for a plan that has the Email Activity API.
    pub fn email_activity(mut self) -> Self {
        self.email_activity = true;
        self
    }

    /// The same settings, with the key that webhooks are verified with.
    pub fn webhook_public_key(mut self, key: impl Into<String>) -> Self {
        self.webhook_public_key = Some(key.into());
        self
    }

    /// The same settings, with a template for a kind of notification.
    pub fn notification(mut self, kind: impl Into<String>, template: NotificationKind) -> Self {
        self.notifications.insert(kind.into(), template);
        self
    }

    /// The same settings, with requests going elsewhere.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// The host that requests go to.
    pub(super) fn host(&self) -> &'static str {
        match self.region {
            Some(Region::Eu) => "https://api.eu.sendgrid.com",
            Some(Region::Global) | None => "https://api.sendgrid.com",
        }
    }
}

impl ProviderConfig for SendgridConfig {
    const PROVIDER: &'static str = "sendgrid";

    const DISPLACES: Displaces = &[("api_key", &[])];

    const FIELDS: &'static [ConfigField] = &[
        ConfigField {
            name: "api_key",
            env: Some("SENDGRID_API_KEY"),
            hint: "SG. and the rest, shown once when the key is made under Settings, API Keys",
        },
        ConfigField {
            name: "from_email",
            env: Some("SENDGRID_FROM_EMAIL"),
            hint: "a verified sender, or an address of an authenticated domain: Settings, Sender Authentication",
        },
        ConfigField { name: "from_name", env: Some("SENDGRID_FROM_NAME"), hint: "the school's name" },
        ConfigField { name: "region", env: None, hint: "global or eu" },
        ConfigField {
            name: "subuser",
            env: None,
            hint: "the name of a subuser of the account that the key belongs to",
        },
        ConfigField { name: "email_activity", env: None, hint: "true where the plan has the Email Activity API" },
        ConfigField {
            name: "webhook_public_key",
            env: Some("SENDGRID_WEBHOOK_PUBLIC_KEY"),
            hint: "the verification key under Settings, Mail Settings, Event Webhook, signature verification",
        },
        ConfigField {
            name: "previous_webhook_public_key",
            env: None,
            hint: "the verification key before the present one, while it may still be in use",
        },
        ConfigField {
            name: "notifications",
            env: None,
            hint: "by kind: {\"template_id\": \"d-…\", \"suppression_group_id\": 1, \"category\": \"…\"}",
        },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        let key = self.api_key.expose();
        if key.trim().is_empty() {
            return Err(Error::invalid("api_key", "must not be empty"));
        }
        // It becomes a header.
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("api_key", "must have neither spaces nor letters beyond ASCII"));
        }
        check_email("from_email", &self.from_email)?;
        if self.subuser.as_ref().is_some_and(|name| name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic())) {
            return Err(Error::invalid("subuser", "must be the name of a subuser"));
        }
        for (field, key) in [
            ("webhook_public_key", &self.webhook_public_key),
            ("previous_webhook_public_key", &self.previous_webhook_public_key),
        ] {
            if let Some(key) = key {
                public_key(key).ok_or_else(|| Error::invalid(field, "must be the verification key of the console"))?;
            }
        }
        for (kind, template) in &self.notifications {
            check_template_id(&format!("notifications.{kind}.template_id"), &template.template_id)?;
        }
        Ok(())
    }

    fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let good = || SendgridConfig::new("SG.key", "school@example.com");
        assert!(good().validate().is_ok());
        for (config, field) in [
            (SendgridConfig::new(" ", "school@example.com"), "api_key"),
            (SendgridConfig::new("SG.k\r\ny", "school@example.com"), "api_key"),
            (SendgridConfig::new("SG.key", "school"), "from_email"),
            (good().subuser(""), "subuser"),
            (good().webhook_public_key("MFk"), "webhook_public_key"),
            (good().notification("late", NotificationKind::new("x y")), "notifications.late.template_id"),
        ] {
            assert_eq!(config.validate().unwrap_err().field(), Some(field));
        }
    }

    #[test]
    fn each_region_has_its_host() {
        let config = SendgridConfig::new("SG.key", "school@example.com");
        assert_eq!(config.host(), "https://api.sendgrid.com");
        assert_eq!(config.region(Region::Eu).host(), "https://api.eu.sendgrid.com");
    }
}
