use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    error::{Error, Result},
    model::{PhoneNumber, Secret},
    providers::{ConfigField, ProviderConfig},
};

/// A tenant's Twilio settings.
///
/// ```
/// use sis_integrations::providers::twilio::TwilioConfig;
///
/// let config = TwilioConfig::new("AC00000000000000000000000000000000", "auth-token").from("+15005550006".parse().unwrap());
/// assert!(!format!("{config:?}").contains("auth-token"));
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TwilioConfig {
    /// Account SID: `AC` and 32 hex digits. Env `TWILIO_ACCOUNT_SID`.
    pub account_sid: String,
    /// The account's auth token. Env `TWILIO_AUTH_TOKEN`.
    pub auth_token: Secret<String>,
    /// The number messages and calls come from. Env `TWILIO_FROM_NUMBER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<PhoneNumber>,
    /// Where requests go. Default: Twilio's own hosts; tests point it at the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

impl TwilioConfig {
    /// The account's own credentials.
    pub fn new(account_sid: impl Into<String>, auth_token: impl Into<String>) -> Self {
        Self {
            account_sid: account_sid.into(),
            auth_token: Secret::new(auth_token.into()),
            from_number: None,
            base_url: None,
        }
    }

    /// The same settings, with the number messages and calls come from.
    pub fn from(mut self, number: PhoneNumber) -> Self {
        self.from_number = Some(number);
        self
    }

    /// The same settings, with requests going elsewhere.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }
}

impl ProviderConfig for TwilioConfig {
    const PROVIDER: &'static str = "twilio";

    const FIELDS: &'static [ConfigField] = &[
        ConfigField {
            name: "account_sid",
            env: Some("TWILIO_ACCOUNT_SID"),
            hint: "AC and 32 hex digits, from the console's front page",
        },
        ConfigField { name: "auth_token", env: Some("TWILIO_AUTH_TOKEN"), hint: "from the console's front page" },
        ConfigField {
            name: "from_number",
            env: Some("TWILIO_FROM_NUMBER"),
            hint: "a number of this account, in E.164 form",
        },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        let hex = self.account_sid.strip_prefix("AC").unwrap_or_default();
        if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::invalid("account_sid", "must be AC and 32 hex digits"));
        }
        if self.auth_token.expose().is_empty() {
            return Err(Error::invalid("auth_token", "must not be empty"));
        }
        Ok(())
    }

    fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }
}
