use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    error::{Error, Result},
    model::Secret,
    providers::{ConfigField, ProviderConfig},
};

/// A tenant's Microsoft365 settings.
///
/// ```
/// use sis_integrations::providers::microsoft365::Microsoft365Config;
///
/// let config = Microsoft365Config::new("an-api-key");
/// assert!(!format!("{config:?}").contains("an-api-key"));
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Microsoft365Config {
    /// The account's API key. Env `MICROSOFT365_API_KEY`.
    pub api_key: Secret<String>,
    /// Where requests go. Default: Microsoft365's own host; tests point it at the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

impl Microsoft365Config {
    /// The account's own key.
    pub fn new(api_key: impl Into<String>) -> Self {
        Self { api_key: Secret::new(api_key.into()), base_url: None }
    }

    /// The same settings, with requests going elsewhere.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }
}

impl ProviderConfig for Microsoft365Config {
    const PROVIDER: &'static str = "microsoft365";

    const FIELDS: &'static [ConfigField] = &[
        ConfigField { name: "api_key", env: Some("MICROSOFT365_API_KEY"), hint: "the key that the vendor shows once" },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        if self.api_key.expose().is_empty() {
            return Err(Error::invalid("api_key", "must not be empty"));
        }
        Ok(())
    }

    fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }
}
