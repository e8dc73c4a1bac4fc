use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{define::check_address, scopes, wire::host};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Secret,
    providers::{ConfigField, Displaces, ProviderConfig},
    transport::{
        jwt::PrivateKey,
        oauth::{ClientIdentity, ClientProof, ConsentPage, GrantKind, Scopes, TokenGrant, Wanted},
    },
};

/// A tenant's Google Workspace settings: the consent of one person, or a service account that stands in for many.
///
/// ```
/// use sis_integrations::providers::google_workspace::GoogleWorkspaceConfig;
///
/// let config = GoogleWorkspaceConfig::consented("client-id", "client-secret", "refresh-token");
/// let shown = format!("{config:?}");
/// assert!(!shown.contains("client-secret") && !shown.contains("refresh-token"));
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GoogleWorkspaceConfig {
    /// The OAuth client's id. Env `GOOGLE_CLIENT_ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The OAuth client's secret. Env `GOOGLE_CLIENT_SECRET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret<String>>,
    /// What Google gave when a person consented. Not beside a service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret<String>>,
    /// A service account's key: the JSON file as text; `client_email` and `private_key` of it are enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_key: Option<Secret<String>>,
    /// The user whom the service account stands in for where an operation names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What the Admin console allows the service account: an operation asks for the first of its scopes that is among
    /// these. Default: each operation asks for the first of those that it can use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// The school in the Directory. Default: `my_customer`, the one that the user belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The service account that the school's push subscriptions of Pub/Sub sign with: what tells its messages from
    /// forgeries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubsub_service_account: Option<String>,
    /// The audience of those push subscriptions. Default: the address that they call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubsub_audience: Option<String>,
    /// Where requests go. Default: Google's own hosts; tests point it at the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

/// What of a service account's key file is needed.
#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key: Secret<String>,
    #[serde(default)]
    private_key_id: Option<String>,
}

impl ServiceAccount {
    /// Reads the file. Errors name the member at fault, and repeat nothing of it.
    fn read(file: &Secret<String>) -> Result<Self> {
        let bad = |why: String| Error::invalid("service_account_key", why);
        let value: serde_json::Value = serde_json::from_str(file.expose())
            .map_err(|_| bad("must be the JSON file that Google's console gives for a service account".to_owned()))?;
        for name in ["client_email", "private_key"] {
            if value.get(name).and_then(serde_json::Value::as_str).is_none_or(str::is_empty) {
                return Err(bad(format!("is the JSON file of a service account, and lacks its {name}")));
            }
        }
        serde_json::from_value(value).map_err(|_| bad("is not the JSON file of a service account".to_owned()))
    }
}

impl GoogleWorkspaceConfig {
    /// On the ground of a person's consent.
    pub fn consented(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        refresh_token: impl Into<String>,
    ) -> Self {
        Self {
            client_id: Some(client_id.into()),
            client_secret: Some(Secret::new(client_secret.into())),
            refresh_token: Some(Secret::new(refresh_token.into())),
            ..Self::default()
        }
    }

    /// By a service account that stands in for `subject`; `key` is the JSON file as text.
    pub fn service_account(key: impl Into<String>, subject: impl Into<String>) -> Self {
        Self { service_account_key: Some(Secret::new(key.into())), subject: Some(subject.into()), ..Self::default() }
    }

    /// The same settings, with what the Admin console allows the service account.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The same settings, for one school of several.
    pub fn customer(mut self, customer: impl Into<String>) -> Self {
        self.customer = Some(customer.into());
        self
    }

    /// The same settings, with requests going elsewhere.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// The school in the Directory's addresses.
    pub(super) fn customer_or_own(&self) -> &str {
        self.customer.as_deref().unwrap_or("my_customer")
    }

    /// How the token for a request is got.
    pub(super) fn grant(&self, wanted: &Wanted) -> Result<TokenGrant> {
        let endpoint = self.token_endpoint()?;
        if let Some(file) = &self.service_account_key {
            let account = ServiceAccount::read(file)?;
            let subject = wanted.subject.clone().or_else(|| self.subject.clone());
            let scope = self.asked(wanted.scopes)?;
            return Ok(TokenGrant {
                name: format!("{} {scope}", subject.as_deref().unwrap_or_default()),
                endpoint,
                client: ClientIdentity::default(),
                kind: GrantKind::Assertion {
                    issuer: account.client_email,
                    key_id: account.private_key_id,
                    key: account.private_key,
                    subject,
                },
                scope: Some(scope),
            });
        }
        if wanted.subject.is_some() {
            let why = "only a service account can act on behalf of a user, and these settings have the consent of one \
                       person; leave it out, or configure service_account_key";
            return Err(Error::invalid("asUser", why));
        }
        let lacking = |field: &str, why: &str| Error::new(ErrorCode::NotConfigured, why).with_field(field);
        let Some(refresh) = &self.refresh_token else {
            let why = "nobody has consented yet; an administrator has to connect Google Workspace";
            return Err(lacking("config.refresh_token", why));
        };
        let (Some(id), Some(secret)) = (&self.client_id, &self.client_secret) else {
            return Err(lacking("config.client_id", "the consent is of no use without client_id and client_secret"));
        };
        Ok(TokenGrant {
            name: "consent".to_owned(),
            endpoint,
            client: ClientIdentity { id: id.clone(), proof: ClientProof::Secret(secret.clone()) },
            kind: GrantKind::RefreshToken(refresh.clone()),
            scope: None,
        })
    }

    /// Where an administrator consents to everything that the library can do for the school.
    pub(super) fn consent_page(&self) -> Result<ConsentPage> {
        let (Some(id), Some(secret)) = (&self.client_id, &self.client_secret) else {
            let why = "a consent needs an OAuth client; a service account needs none";
            return Err(Error::new(ErrorCode::NotConfigured, why).with_field("config.client_id"));
        };
        let mut authorize: Url = match &self.base_url {
            Some(base) => base.clone(),
            None => host::CONSENT.parse().map_err(|_| Error::internal("a vendor's host is not an address"))?,
        };
        authorize
            .path_segments_mut()
            .map_err(|()| Error::internal("a vendor's host is not an address"))?
            .pop_if_empty()
            .extend(["o", "oauth2", "v2", "auth"]);
        let scopes =
            if self.scopes.is_empty() { scopes::EVERYTHING.map(str::to_owned).to_vec() } else { self.scopes.clone() };
        Ok(ConsentPage {
            authorize,
            endpoint: self.token_endpoint()?,
            client: ClientIdentity { id: id.clone(), proof: ClientProof::Secret(secret.clone()) },
            scopes,
            // Without these two there is no refresh token, or only at the first consent.
            parameters: vec![("access_type", "offline"), ("prompt", "consent")],
        })
    }

    fn token_endpoint(&self) -> Result<Url> {
        let mut url = match &self.base_url {
            Some(base) => base.clone(),
            None => host::TOKEN.parse().map_err(|_| Error::internal("a vendor's host is not an address"))?,
        };
        url.path_segments_mut()
            .map_err(|()| Error::internal("a vendor's host is not an address"))?
            .pop_if_empty()
            .push("token");
        Ok(url)
    }

    /// One scope of each group: one that was not allowed would fail the whole request for a token.
    fn asked(&self, wanted: Scopes) -> Result<String> {
        let mut asked: Vec<&str> = Vec::new();
        for group in wanted {
            let allowed = |scope: &&&str| self.scopes.is_empty() || self.scopes.iter().any(|known| known == *scope);
            let Some(scope) = group.iter().find(allowed) else {
                let why = format!("the service account has none of the scopes that this needs: {}", group.join(", "));
                return Err(Error::new(ErrorCode::NotConfigured, why).with_field("config.scopes"));
            };
            if !asked.contains(scope) {
                asked.push(scope);
            }
        }
        // What people's answers are fuller with: asked for where it is known to be allowed.
        let of_people = asked.iter().any(|scope| scopes::CLASS_PEOPLE.contains(scope));
        asked.extend(
            scopes::CLASS_OPTIONAL
                .iter()
                .filter(|optional| of_people && self.scopes.iter().any(|known| known == *optional)),
        );
        if asked.is_empty() {
            // An assertion without a scope is refused: any that was allowed will do.
            asked.push(self.scopes.first().map_or("openid", String::as_str));
        }
        Ok(asked.join(" "))
    }
}

impl ProviderConfig for GoogleWorkspaceConfig {
    const PROVIDER: &'static str = "google_workspace";

    const DISPLACES: Displaces = &[("client_id", &[])];

    const FIELDS: &'static [ConfigField] = &[
        ConfigField {
            name: "client_id",
            env: Some("GOOGLE_CLIENT_ID"),
            hint: "ends in .apps.googleusercontent.com; from the Google Cloud console under Credentials",
        },
        ConfigField {
            name: "client_secret",
            env: Some("GOOGLE_CLIENT_SECRET"),
            hint: "from the same page as the client id",
        },
        ConfigField {
            name: "refresh_token",
            env: None,
            hint: "what the consent brought; connect Google Workspace again where it is lost",
        },
        ConfigField {
            name: "service_account_key",
            env: None,
            hint: "the JSON file of a service account's key, whole, as text",
        },
        ConfigField {
            name: "subject",
            env: None,
            hint: "the address of the user whom the service account stands in for",
        },
        ConfigField {
            name: "scopes",
            env: None,
            hint: "the scopes that the Admin console allows the service account under Domain-wide delegation; without \
                   them `openid` must be among those, for the check of the connection asks for it",
        },
        ConfigField { name: "customer", env: None, hint: "the customer id from the Admin console, such as C01abc2de" },
        ConfigField {
            name: "pubsub_service_account",
            env: None,
            hint: "the address of the service account that the push subscription was given, under Authentication",
        },
        ConfigField {
            name: "pubsub_audience",
            env: None,
            hint: "as the push subscription has it, under Authentication",
        },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        let empty = |secret: &Option<Secret<String>>| secret.as_ref().is_some_and(|it| it.expose().trim().is_empty());
        if self.client_id.as_ref().is_some_and(|id| id.trim().is_empty()) {
            return Err(Error::invalid("client_id", "must not be empty"));
        }
        for (field, secret) in [("client_secret", &self.client_secret), ("refresh_token", &self.refresh_token)] {
            if empty(secret) {
                return Err(Error::invalid(field, "must not be empty"));
            }
        }
        if let Some(file) = &self.service_account_key {
            if self.refresh_token.is_some() {
                let why = "is the consent of a person, and there is a service account too; leave one of them out";
                return Err(Error::invalid("refresh_token", why));
            }
            let account = ServiceAccount::read(file)?;
            PrivateKey::from_pem(account.private_key.expose()).map_err(|error| {
                Error::invalid("service_account_key", format!("has a private_key that {}", error.message()))
            })?;
        } else if self.subject.is_some() {
            return Err(Error::invalid("subject", "is whom a service account stands in for, and there is none"));
        } else {
            match (&self.client_id, &self.client_secret) {
                (None, _) => return Err(Error::invalid("client_id", "is required, or a service_account_key")),
                (_, None) => return Err(Error::invalid("client_secret", "is required beside client_id")),
                _ => {}
            }
        }
        if let Some(subject) = &self.subject {
            check_address("subject", subject)?;
        }
        if let Some(account) = &self.pubsub_service_account {
            check_address("pubsub_service_account", account)?;
        }
        for (at, scope) in self.scopes.iter().enumerate() {
            if !scope.starts_with("https://") && !matches!(scope.as_str(), "openid" | "email" | "profile") {
                let why = "must be a scope of Google's, such as https://www.googleapis.com/auth/drive";
                return Err(Error::invalid(format!("scopes[{at}]"), why));
            }
        }
        if self
            .customer
            .as_ref()
            .is_some_and(|id| id.is_empty() || id.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        {
            return Err(Error::invalid("customer", "must be a customer id, such as C01abc2de"));
        }
        Ok(())
    }

    fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SCOPES: Scopes = &[&["https://narrow.example", "https://wide.example"], &["https://other.example"]];

    fn wanted(scopes: Scopes, subject: Option<&str>) -> Wanted {
        Wanted { scopes, subject: subject.map(str::to_owned), ..Wanted::default() }
    }

    fn account() -> GoogleWorkspaceConfig {
        let key = json!({
            "client_email": "sis@project.iam.gserviceaccount.com",
            "private_key_id": "key-1",
            "private_key": include_str!("../../../tests/golden/jwt/key.pem"),
        });
        GoogleWorkspaceConfig::service_account(key.to_string(), "it@school.example")
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let good = || GoogleWorkspaceConfig::consented("id", "secret", "token");
        assert!(good().validate().is_ok());
        assert!(account().validate().is_ok());
        let empty = GoogleWorkspaceConfig::default;
        let broken = r#"{"client_email": "a@b.iam.gserviceaccount.com", "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}"#;
        for (config, field) in [
            (empty(), "client_id"),
            (GoogleWorkspaceConfig::consented("", "secret", "token"), "client_id"),
            (GoogleWorkspaceConfig::consented("id", "", "token"), "client_secret"),
            (GoogleWorkspaceConfig::consented("id", "secret", " "), "refresh_token"),
            (GoogleWorkspaceConfig { client_id: Some("id".into()), ..empty() }, "client_secret"),
            (GoogleWorkspaceConfig { subject: Some("it@school.example".into()), ..good() }, "subject"),
            (GoogleWorkspaceConfig { refresh_token: Some("token".into()), ..account() }, "refresh_token"),
            (GoogleWorkspaceConfig::service_account(broken, "it@school.example"), "service_account_key"),
            (GoogleWorkspaceConfig::service_account("not JSON", "it@school.example"), "service_account_key"),
            (GoogleWorkspaceConfig::service_account("{}", "it@school.example"), "service_account_key"),
            (GoogleWorkspaceConfig { subject: Some("nobody".into()), ..account() }, "subject"),
            (account().scopes(["https://a.example", "drive"]), "scopes[1]"),
            (good().customer("a/b"), "customer"),
        ] {
            let error = config.validate().unwrap_err();
            assert_eq!(error.field(), Some(field), "{config:?}");
            assert!(!error.message().contains("AAAA"));
        }
    }

    #[test]
    fn a_service_account_asks_for_what_it_was_allowed_and_no_more() {
        let scope = |config: &GoogleWorkspaceConfig| config.grant(&wanted(SCOPES, None)).unwrap().scope;
        assert_eq!(scope(&account()).as_deref(), Some("https://narrow.example https://other.example"));
        let wide = account().scopes(["https://other.example", "https://wide.example"]);
        assert_eq!(scope(&wide).as_deref(), Some("https://wide.example https://other.example"));
        let error = account().scopes(["https://wide.example"]).grant(&wanted(SCOPES, None)).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("config.scopes")));
    }

    #[test]
    fn who_it_stands_in_for_tells_tokens_apart() {
        let name = |subject| account().grant(&wanted(SCOPES, subject)).unwrap().name;
        assert_ne!(name(None), name(Some("teacher@school.example")));
        let person = GoogleWorkspaceConfig::consented("id", "secret", "token");
        assert!(person.grant(&wanted(SCOPES, None)).unwrap().scope.is_none());
        let error = person.grant(&wanted(SCOPES, Some("teacher@school.example"))).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("asUser")));
        let waiting = GoogleWorkspaceConfig { refresh_token: None, ..person };
        assert!(waiting.validate().is_ok());
        let error = waiting.grant(&wanted(SCOPES, None)).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("config.refresh_token")));
    }
}
