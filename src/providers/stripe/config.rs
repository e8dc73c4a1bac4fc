use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    error::{Error, Result},
    model::Secret,
    providers::{ConfigField, Displaces, ProviderConfig},
};

/// How much must stand after `whsec_`: with less, whoever guesses it could sign.
const SHORTEST_SECRET: usize = 16;

/// Whether money is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// It is.
    Live,
    /// It is not: keys with `_test_` in them.
    Test,
}

impl Mode {
    /// What a key is of: `sk_live_…`, `rk_test_…`, `pk_test_…`.
    fn of(kinds: &[&str], key: &str) -> Option<Mode> {
        let (kind, rest) = key.split_once('_')?;
        let (mode, random) = rest.split_once('_')?;
        let good =
            kinds.contains(&kind) && random.len() >= 8 && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match mode {
            "live" if good => Some(Mode::Live),
            "test" if good => Some(Mode::Test),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Test => "test",
        }
    }
}

/// A tenant's Stripe settings.
///
/// ```
/// use sis_integrations::providers::stripe::StripeConfig;
///
/// let config = StripeConfig::new(["sk", "test", "0123456789abcdef"].join("_"));
/// assert!(!format!("{config:?}").contains("0123456789abcdef"));
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StripeConfig {
    /// The secret key (`sk_…`) or a restricted one (`rk_…`). Env `STRIPE_SECRET_KEY`.
    pub secret_key: Secret<String>,
    /// The publishable key (`pk_…`), for the payers' browsers; of the same mode. Env `STRIPE_PUBLISHABLE_KEY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publishable_key: Option<String>,
    /// The webhook endpoint's signing secret (`whsec_…`). Env `STRIPE_WEBHOOK_SECRET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<Secret<String>>,
    /// The signing secret before this one: while it is being changed, webhooks signed by either are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_webhook_secret: Option<Secret<String>>,
    /// The school's own account (`acct_…`) where the key is of a platform (Connect): calls are made on its behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `live` or `test`: keys of the other mode are refused. Default: what the secret key is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Where requests go. Default: Stripe's own host; tests point it at the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

impl StripeConfig {
    /// The account's own secret key.
    pub fn new(secret_key: impl Into<String>) -> Self {
        Self {
            secret_key: Secret::new(secret_key.into()),
            publishable_key: None,
            webhook_secret: None,
            previous_webhook_secret: None,
            account: None,
            mode: None,
            base_url: None,
        }
    }

    /// The same settings, with the key for payers' browsers.
    pub fn publishable_key(mut self, key: impl Into<String>) -> Self {
        self.publishable_key = Some(key.into());
        self
    }

    /// The same settings, with the secret that webhooks are signed with.
    pub fn webhook_secret(mut self, secret: impl Into<String>) -> Self {
        self.webhook_secret = Some(Secret::new(secret.into()));
        self
    }

    /// The same settings, on behalf of a school's own account.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// The same settings, held to one mode.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// What the secret key is of.
    pub(super) fn key_mode(&self) -> Option<Mode> {
        Mode::of(&["sk", "rk"], self.secret_key.expose())
    }

    /// The same settings, with requests going elsewhere.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }
}

impl ProviderConfig for StripeConfig {
    const PROVIDER: &'static str = "stripe";

    const DISPLACES: Displaces = &[("secret_key", &[])];

    const FIELDS: &'static [ConfigField] = &[
        ConfigField {
            name: "secret_key",
            env: Some("STRIPE_SECRET_KEY"),
            hint: "sk_ or rk_, from the dashboard under Developers, API keys",
        },
        ConfigField {
            name: "publishable_key",
            env: Some("STRIPE_PUBLISHABLE_KEY"),
            hint: "pk_, from the same page as the secret key",
        },
        ConfigField {
            name: "webhook_secret",
            env: Some("STRIPE_WEBHOOK_SECRET"),
            hint: "whsec_, from the dashboard's page of the webhook endpoint",
        },
        ConfigField {
            name: "previous_webhook_secret",
            env: None,
            hint: "the signing secret before this one, while webhooks signed by it may still come",
        },
        ConfigField { name: "account", env: Some("STRIPE_ACCOUNT"), hint: "acct_, only where the key is a platform's" },
        ConfigField { name: "mode", env: Some("STRIPE_MODE"), hint: "live or test" },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        let Some(is) = Mode::of(&["sk", "rk"], self.secret_key.expose()) else {
            return Err(Error::invalid("secret_key", "must begin with sk_live_, sk_test_, rk_live_ or rk_test_"));
        };
        if let Some(mode) = self.mode
            && mode != is
        {
            let why = format!("is a {} key, and the mode of these settings is {}", is.name(), mode.name());
            return Err(Error::invalid("secret_key", why));
        }
        if let Some(key) = &self.publishable_key {
            match Mode::of(&["pk"], key) {
                None => return Err(Error::invalid("publishable_key", "must begin with pk_live_ or pk_test_")),
                Some(other) if other != is => {
                    let why = format!("is a {} key, and the secret key is a {} one", other.name(), is.name());
                    return Err(Error::invalid("publishable_key", why));
                }
                Some(_) => {}
            }
        }
        for (field, secret) in
            [("webhook_secret", &self.webhook_secret), ("previous_webhook_secret", &self.previous_webhook_secret)]
        {
            let rest = secret.as_ref().map(|secret| secret.expose().strip_prefix("whsec_").unwrap_or_default());
            if rest.is_some_and(|rest| rest.len() < SHORTEST_SECRET) {
                let mend = format!("must begin with whsec_ and have at least {SHORTEST_SECRET} characters after it");
                return Err(Error::invalid(field, mend));
            }
        }
        if self.account.as_ref().is_some_and(|account| !account.starts_with("acct_")) {
            return Err(Error::invalid("account", "must begin with acct_"));
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

    fn key(kind: &str, mode: &str) -> String {
        format!("{kind}_{mode}_0123456789abcdef")
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let good = || StripeConfig::new(key("sk", "test"));
        assert!(good().validate().is_ok());
        assert!(StripeConfig::new(key("rk", "live")).validate().is_ok());
        assert!(good().webhook_secret("whsec_0123456789abcdef").validate().is_ok());
        assert!(good().publishable_key(key("pk", "test")).mode(Mode::Test).validate().is_ok());
        for (config, field) in [
            (StripeConfig::new(""), "secret_key"),
            (StripeConfig::new(key("pk", "test")), "secret_key"),
            (StripeConfig::new("sk_test_"), "secret_key"),
            (good().mode(Mode::Live), "secret_key"),
            (good().publishable_key(key("pk", "live")), "publishable_key"),
            (good().publishable_key(key("sk", "test")), "publishable_key"),
            (good().webhook_secret("secret"), "webhook_secret"),
            (good().webhook_secret("whsec_"), "webhook_secret"),
            (good().webhook_secret("whsec_0123456789abcde"), "webhook_secret"),
            (good().account("school"), "account"),
        ] {
            assert_eq!(config.validate().unwrap_err().field(), Some(field), "{config:?}");
        }
    }
}
