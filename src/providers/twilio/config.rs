use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    error::{Error, Result},
    model::{PhoneNumber, Secret},
    providers::{ConfigField, Displaces, ProviderConfig},
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
    /// The account's auth token: signs requests where there is no API key, and verifies webhooks. Env
    /// `TWILIO_AUTH_TOKEN`.
    pub auth_token: Secret<String>,
    /// The auth token before this one: while it is being changed, webhooks signed by either are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_auth_token: Option<Secret<String>>,
    /// SID of an API key (`SK` and 32 hex digits) to sign requests with in place of the auth token. Needs
    /// `api_key_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_sid: Option<String>,
    /// The API key's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_secret: Option<Secret<String>>,
    /// The number messages and calls come from. Env `TWILIO_FROM_NUMBER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_number: Option<PhoneNumber>,
    /// A messaging service (`MG` and 32 hex digits) that picks the number of SMS and MMS. Goes before `from_number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_service_sid: Option<String>,
    /// The WhatsApp sender, as a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp_from: Option<PhoneNumber>,
    /// Where Twilio reports what becomes of messages and calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_callback: Option<Url>,
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
            previous_auth_token: None,
            api_key_sid: None,
            api_key_secret: None,
            from_number: None,
            messaging_service_sid: None,
            whatsapp_from: None,
            status_callback: None,
            base_url: None,
        }
    }

    /// The same settings, with requests signed by an API key.
    pub fn api_key(mut self, sid: impl Into<String>, secret: impl Into<String>) -> Self {
        self.api_key_sid = Some(sid.into());
        self.api_key_secret = Some(Secret::new(secret.into()));
        self
    }

    /// The same settings, with the number messages and calls come from.
    pub fn from(mut self, number: PhoneNumber) -> Self {
        self.from_number = Some(number);
        self
    }

    /// The same settings, with a messaging service that picks the number of SMS and MMS.
    pub fn messaging_service(mut self, sid: impl Into<String>) -> Self {
        self.messaging_service_sid = Some(sid.into());
        self
    }

    /// The same settings, with a WhatsApp sender.
    pub fn whatsapp_from(mut self, number: PhoneNumber) -> Self {
        self.whatsapp_from = Some(number);
        self
    }

    /// The same settings, with a place for Twilio's reports on messages and calls.
    pub fn status_callback(mut self, url: Url) -> Self {
        self.status_callback = Some(url);
        self
    }

    /// The same settings, with requests going elsewhere.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// The `Authorization` header.
    pub(super) fn authorization(&self) -> String {
        let (user, password) = match (&self.api_key_sid, &self.api_key_secret) {
            (Some(sid), Some(secret)) => (sid, secret.expose()),
            _ => (&self.account_sid, self.auth_token.expose()),
        };
        let pair = zeroize::Zeroizing::new(format!("{user}:{password}"));
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair.as_bytes()))
    }

    /// Whether an SMS has a sender.
    pub(super) fn can_text(&self) -> bool {
        self.from_number.is_some() || self.messaging_service_sid.is_some()
    }
}

/// Whether `text` is a Twilio id of this kind: its two letters and 32 hex digits.
pub(super) fn is_sid(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl ProviderConfig for TwilioConfig {
    const PROVIDER: &'static str = "twilio";

    const DISPLACES: Displaces = &[
        ("account_sid", &[]),
        ("auth_token", &[]),
        ("api_key_sid", &[]),
        ("from_number", &["messaging_service_sid"]),
        ("messaging_service_sid", &["from_number"]),
    ];

    const FIELDS: &'static [ConfigField] = &[
        ConfigField {
            name: "account_sid",
            env: Some("TWILIO_ACCOUNT_SID"),
            hint: "AC and 32 hex digits, from the console's front page",
        },
        ConfigField { name: "auth_token", env: Some("TWILIO_AUTH_TOKEN"), hint: "from the console's front page" },
        ConfigField {
            name: "previous_auth_token",
            env: None,
            hint: "the auth token before this one, while webhooks signed by it may still come",
        },
        ConfigField {
            name: "api_key_sid",
            env: Some("TWILIO_API_KEY_SID"),
            hint: "SK and 32 hex digits, from the console's page of API keys",
        },
        ConfigField {
            name: "api_key_secret",
            env: Some("TWILIO_API_KEY_SECRET"),
            hint: "shown once, when the API key is made",
        },
        ConfigField {
            name: "from_number",
            env: Some("TWILIO_FROM_NUMBER"),
            hint: "a number of this account, in E.164 form",
        },
        ConfigField {
            name: "messaging_service_sid",
            env: Some("TWILIO_MESSAGING_SERVICE_SID"),
            hint: "MG and 32 hex digits, from the console's page of messaging services",
        },
        ConfigField {
            name: "whatsapp_from",
            env: Some("TWILIO_WHATSAPP_FROM"),
            hint: "the number of a WhatsApp sender of this account, in E.164 form, without 'whatsapp:'",
        },
        ConfigField {
            name: "status_callback",
            env: Some("TWILIO_STATUS_CALLBACK"),
            hint: "the public address of this tenant's webhook",
        },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        if !is_sid("AC", &self.account_sid) {
            return Err(Error::invalid("account_sid", "must be AC and 32 hex digits"));
        }
        let blank = |secret: &Secret<String>| secret.expose().trim().is_empty();
        if blank(&self.auth_token) {
            return Err(Error::invalid("auth_token", "must not be empty"));
        }
        if self.previous_auth_token.as_ref().is_some_and(blank) {
            return Err(Error::invalid("previous_auth_token", "must not be empty"));
        }
        match (&self.api_key_sid, &self.api_key_secret) {
            (Some(sid), _) if !is_sid("SK", sid) => {
                return Err(Error::invalid("api_key_sid", "must be SK and 32 hex digits"));
            }
            (Some(_), None) => return Err(Error::invalid("api_key_secret", "is required beside api_key_sid")),
            (Some(_), Some(secret)) if blank(secret) => {
                return Err(Error::invalid("api_key_secret", "must not be empty"));
            }
            (None, Some(_)) => return Err(Error::invalid("api_key_sid", "is required beside api_key_secret")),
            _ => {}
        }
        if self.messaging_service_sid.as_ref().is_some_and(|sid| !is_sid("MG", sid)) {
            return Err(Error::invalid("messaging_service_sid", "must be MG and 32 hex digits"));
        }
        if self.status_callback.as_ref().is_some_and(|url| !matches!(url.scheme(), "https" | "http")) {
            return Err(Error::invalid("status_callback", "must be an http or https address"));
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

    const ACCOUNT: &str = "AC00000000000000000000000000000000";

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let good = || TwilioConfig::new(ACCOUNT, "token");
        let key = "SK00000000000000000000000000000000";
        assert!(good().validate().is_ok());
        assert!(good().api_key(key, "secret").validate().is_ok());
        let half = TwilioConfig { api_key_sid: Some(key.to_owned()), ..good() };
        for (config, field) in [
            (TwilioConfig::new("AC0", "token"), "account_sid"),
            (TwilioConfig::new(ACCOUNT, " "), "auth_token"),
            (good().api_key("SK1", "secret"), "api_key_sid"),
            (good().api_key(key, ""), "api_key_secret"),
            (half, "api_key_secret"),
            (good().messaging_service("MG"), "messaging_service_sid"),
            (good().status_callback("ftp://example.com".parse().unwrap()), "status_callback"),
        ] {
            assert_eq!(config.validate().unwrap_err().field(), Some(field));
        }
    }

    #[test]
    fn an_api_key_goes_before_the_token() {
        let config = TwilioConfig::new(ACCOUNT, "token");
        assert_eq!(config.authorization(), "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0b2tlbg==");
        assert_eq!(config.api_key("SK1", "s").authorization(), "Basic U0sxOnM=");
    }

    #[test]
    fn every_field_is_described() {
        let schema = schemars::schema_for!(TwilioConfig).to_value();
        let named: Vec<_> = TwilioConfig::FIELDS.iter().map(|field| field.name).collect();
        let known: Vec<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(named, known);
    }
}
