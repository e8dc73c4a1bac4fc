use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{WITHDRAWN, oauth::Signer};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Secret, Timestamp},
    providers::{ConfigField, Displaces, ProviderConfig},
    transport::Request,
};

/// A tenant's Khan Academy settings. Importing reports needs none of them: `{}` is enough.
///
/// ```
/// use sis_integrations::providers::khan_academy::KhanAcademyConfig;
///
/// let import = KhanAcademyConfig::new();
/// let proxy = KhanAcademyConfig::at("https://khan-proxy.school.example".parse().unwrap()).bearer("a-token");
/// assert!(import.base_url.is_none() && !format!("{proxy:?}").contains("a-token"));
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KhanAcademyConfig {
    /// The address of an API of your own that answers in the shape of Khan Academy's withdrawn v1. There is no default:
    /// Khan Academy has no such API any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
    /// A bearer token for that address. Env `KHAN_ACADEMY_ACCESS_TOKEN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret<String>>,
    /// OAuth 1.0a: the client's key. Env `KHAN_ACADEMY_CONSUMER_KEY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer_key: Option<String>,
    /// OAuth 1.0a: the client's secret. Env `KHAN_ACADEMY_CONSUMER_SECRET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer_secret: Option<Secret<String>>,
    /// OAuth 1.0a: the token of the user, mostly a coach, in whose name requests are made. Env
    /// `KHAN_ACADEMY_OAUTH_TOKEN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_token: Option<Secret<String>>,
    /// OAuth 1.0a: the secret of that token. Env `KHAN_ACADEMY_OAUTH_TOKEN_SECRET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_token_secret: Option<Secret<String>>,
}

impl KhanAcademyConfig {
    /// Import of reports alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also an API of the school's own at that address.
    pub fn at(url: Url) -> Self {
        Self { base_url: Some(url), ..Self::default() }
    }

    /// The same settings, with a bearer token.
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.access_token = Some(Secret::new(token.into()));
        self
    }

    /// The same settings, with requests signed by OAuth 1.0a.
    pub fn oauth(
        mut self,
        consumer_key: impl Into<String>,
        consumer_secret: impl Into<String>,
        token: impl Into<String>,
        token_secret: impl Into<String>,
    ) -> Self {
        self.consumer_key = Some(consumer_key.into());
        self.consumer_secret = Some(Secret::new(consumer_secret.into()));
        self.oauth_token = Some(Secret::new(token.into()));
        self.oauth_token_secret = Some(Secret::new(token_secret.into()));
        self
    }

    /// Puts what credentials there are on a request.
    pub(super) fn authenticate(&self, request: &mut Request, now: Timestamp) -> Result<()> {
        if let Some(token) = &self.access_token {
            request.headers.set("authorization", format!("Bearer {}", token.expose()));
        }
        if let (Some(key), Some(secret), Some(token), Some(token_secret)) =
            (&self.consumer_key, &self.consumer_secret, &self.oauth_token, &self.oauth_token_secret)
        {
            let signer = Signer {
                consumer_key: key,
                consumer_secret: secret.expose(),
                token: token.expose(),
                token_secret: token_secret.expose(),
            };
            signer.sign(request, now)?;
        }
        Ok(())
    }
}

impl ProviderConfig for KhanAcademyConfig {
    const PROVIDER: &'static str = "khan_academy";

    const DISPLACES: Displaces = &[("access_token", &[]), ("consumer_key", &[])];

    const FIELDS: &'static [ConfigField] = &[
        ConfigField {
            name: "base_url",
            env: None,
            hint: "the https address of your own API in the shape of v1; leave it out to import reports alone",
        },
        ConfigField {
            name: "access_token",
            env: Some("KHAN_ACADEMY_ACCESS_TOKEN"),
            hint: "the bearer token that your own API takes",
        },
        ConfigField {
            name: "consumer_key",
            env: Some("KHAN_ACADEMY_CONSUMER_KEY"),
            hint: "the OAuth 1.0a client key that your own API knows",
        },
        ConfigField {
            name: "consumer_secret",
            env: Some("KHAN_ACADEMY_CONSUMER_SECRET"),
            hint: "the secret of the client key",
        },
        ConfigField { name: "oauth_token", env: Some("KHAN_ACADEMY_OAUTH_TOKEN"), hint: "the OAuth 1.0a access token" },
        ConfigField {
            name: "oauth_token_secret",
            env: Some("KHAN_ACADEMY_OAUTH_TOKEN_SECRET"),
            hint: "the secret of the access token",
        },
    ];

    fn validate(&self) -> Result<()> {
        let secrets = [
            ("access_token", self.access_token.as_ref()),
            ("consumer_secret", self.consumer_secret.as_ref()),
            ("oauth_token", self.oauth_token.as_ref()),
            ("oauth_token_secret", self.oauth_token_secret.as_ref()),
        ];
        let mut given: Vec<_> =
            secrets.iter().filter_map(|(name, secret)| Some((*name, secret.as_ref()?.expose().as_str()))).collect();
        given.extend(self.consumer_key.as_deref().map(|key| ("consumer_key", key)));
        for (name, value) in &given {
            if value.trim().is_empty() || value.chars().any(char::is_control) {
                return Err(Error::invalid(*name, "must be one line, and not empty"));
            }
        }
        let has = |name: &str| given.iter().any(|(known, _)| *known == name);
        let oauth = ["consumer_key", "consumer_secret", "oauth_token", "oauth_token_secret"];
        if oauth.iter().any(|name| has(name)) {
            if let Some(missing) = oauth.iter().find(|name| !has(name)) {
                return Err(Error::invalid(*missing, "is required: OAuth 1.0a needs all four of its settings"));
            }
            if has("access_token") {
                return Err(Error::invalid(
                    "access_token",
                    "must be left out beside OAuth 1.0a: choose one of the two",
                ));
            }
        }
        match &self.base_url {
            None if !given.is_empty() => {
                Err(Error::invalid("base_url", "is required beside credentials: it says where they are good for"))
            }
            Some(url) if is_khan_academy(url) => {
                Err(Error::new(ErrorCode::InvalidArgument, WITHDRAWN).with_field("base_url"))
            }
            Some(url) if url.query().is_some() || url.fragment().is_some() => {
                Err(Error::invalid("base_url", "must have no query and no fragment"))
            }
            _ => Ok(()),
        }
    }

    fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }
}

/// Whether it is the vendor itself, where the API no longer is.
fn is_khan_academy(url: &Url) -> bool {
    let Some(Host::Domain(domain)) = url.host() else { return false };
    let domain = domain.trim_end_matches('.');
    domain == "khanacademy.org" || domain.ends_with(".khanacademy.org")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> KhanAcademyConfig {
        KhanAcademyConfig::at(url.parse().unwrap())
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let good = "https://khan-proxy.school.example";
        KhanAcademyConfig::new().validate().unwrap();
        at(good).validate().unwrap();
        at(good).bearer("t").validate().unwrap();
        at(good).oauth("k", "s", "t", "u").validate().unwrap();
        at("https://notkhanacademy.org").validate().unwrap();
        let half = KhanAcademyConfig { oauth_token: None, ..at(good).oauth("k", "s", "t", "u") };
        for (config, field) in [
            (at("https://www.khanacademy.org"), "base_url"),
            (at("https://khanacademy.org./api"), "base_url"),
            (at("https://API.KhanAcademy.org"), "base_url"),
            (at("https://proxy.example/?key=1"), "base_url"),
            (KhanAcademyConfig::new().bearer("t"), "base_url"),
            (at(good).bearer(" "), "access_token"),
            (at(good).bearer("a\r\nb"), "access_token"),
            (at(good).oauth("", "s", "t", "u"), "consumer_key"),
            (half, "oauth_token"),
            (at(good).oauth("k", "s", "t", "u").bearer("t"), "access_token"),
        ] {
            let error = config.validate().unwrap_err();
            assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{error}");
        }
        let error = at("https://www.khanacademy.org").validate().unwrap_err();
        assert!(error.message().contains("2020-07-29"), "{error}");
    }
}
