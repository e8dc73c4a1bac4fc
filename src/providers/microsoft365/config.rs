use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    error::{Error, ErrorCode, Result},
    model::Secret,
    providers::{ConfigField, Displaces, ProviderConfig},
    transport::{
        jwt::PrivateKey,
        oauth::{self, ClientIdentity, ClientProof, ConsentPage, GrantKind, Rights, TokenGrant, Wanted},
    },
};

/// What a person is asked for unless the settings say otherwise: what no application may do by itself, and what makes
/// sense on behalf of a teacher.
const CONSENT: &str = "offline_access User.Read Mail.ReadWrite Mail.Send Calendars.ReadWrite Files.ReadWrite.All \
                       Team.ReadBasic.All Channel.ReadBasic.All ChannelMessage.Read.All ChannelMessage.Send \
                       OnlineMeetings.ReadWrite EduRoster.Read EduAssignments.ReadWrite";

/// Where tokens come from.
pub(super) const LOGIN: &str = "https://login.microsoftonline.com";

/// What an application asks for: all that an administrator has consented to.
const DEFAULT_SCOPE: &str = "https://graph.microsoft.com/.default";

/// A tenant's Microsoft 365 settings.
///
/// The application's own credentials (`client_secret`, or `certificate` with `certificate_key`) and a person's consent
/// (`refresh_token`) stand beside each other: some of Graph is for applications alone, some for people alone.
///
/// ```
/// use sis_integrations::providers::microsoft365::Microsoft365Config;
///
/// let config = Microsoft365Config::new("contoso.example", "11111111-2222-3333-4444-555555555555").client_secret("a-secret");
/// assert!(!format!("{config:?}").contains("a-secret"));
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Microsoft365Config {
    /// The school's directory: its id (a GUID) or one of its domains. Env `MICROSOFT_TENANT_ID`.
    pub tenant_id: String,
    /// The application's id (a GUID). Env `MICROSOFT_CLIENT_ID`.
    pub client_id: String,
    /// The application's secret: the value, not its id. Env `MICROSOFT_CLIENT_SECRET`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret<String>>,
    /// The application's certificate in PEM, instead of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Secret<String>>,
    /// The private key of the certificate, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_key: Option<Secret<String>>,
    /// A person's consent, for what an application may not do, such as writing into a channel. Microsoft changes it with
    /// each use; the newest is kept by the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret<String>>,
    /// Whose mailbox, calendar and OneDrive are meant where a call names no user: an id or a user principal name. Default:
    /// the person who has consented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The scopes to ask for with a person's consent, with spaces between. Default: all that was consented to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// The certificate, in PEM, that Graph encrypts what notifications hold to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_certificate: Option<String>,
    /// Its private key, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_key: Option<Secret<String>>,
    /// The `notification_certificate` of before, kept until every subscription has been renewed: what was encrypted to it
    /// can then still be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_notification_certificate: Option<String>,
    /// The private key of that one, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_notification_key: Option<Secret<String>>,
    /// Where requests go, those for tokens too. Default: Microsoft's own hosts; tests point it at the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

impl Microsoft365Config {
    /// Of an application in the school's directory; what proves it is to be added.
    pub fn new(tenant_id: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            tenant_id: tenant_id.into(),
            client_id: client_id.into(),
            client_secret: None,
            certificate: None,
            certificate_key: None,
            refresh_token: None,
            user: None,
            scopes: None,
            notification_certificate: None,
            notification_key: None,
            previous_notification_certificate: None,
            previous_notification_key: None,
            base_url: None,
        }
    }

    /// The same settings, with the application's secret.
    pub fn client_secret(mut self, secret: impl Into<String>) -> Self {
        self.client_secret = Some(Secret::new(secret.into()));
        self
    }

    /// The same settings, with the application's certificate and its private key.
    pub fn certificate(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        self.certificate = Some(Secret::new(certificate.into()));
        self.certificate_key = Some(Secret::new(key.into()));
        self
    }

    /// The same settings, with a person's consent.
    pub fn refresh_token(mut self, token: impl Into<String>) -> Self {
        self.refresh_token = Some(Secret::new(token.into()));
        self
    }

    /// The same settings, with the user that is meant where a call names none.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The same settings, with requests going elsewhere.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// Whether the application can act by itself.
    pub(super) fn acts_itself(&self) -> bool {
        self.client_secret.is_some() || self.certificate.is_some()
    }

    /// What the token for a request is got with.
    pub(super) fn grant(&self, wanted: &Wanted) -> Result<TokenGrant> {
        let application = match wanted.rights {
            Rights::Application => true,
            Rights::Delegated => false,
            _ => self.acts_itself(),
        };
        let (name, kind, scope) = if application {
            if !self.acts_itself() {
                return Err(lacks(
                    "client_secret",
                    "this is for applications alone: it needs a client_secret, or a certificate with its certificate_key",
                ));
            }
            ("application", GrantKind::ClientCredentials, Some(DEFAULT_SCOPE.to_owned()))
        } else {
            let Some(token) = &self.refresh_token else {
                return Err(lacks(
                    "refresh_token",
                    "this is for people alone, no application may do it: it needs the refresh_token of somebody who has \
                     consented",
                ));
            };
            ("delegated", GrantKind::RefreshToken(token.clone()), self.asked())
        };
        Ok(TokenGrant {
            name: name.to_owned(),
            endpoint: self.token_endpoint()?,
            client: ClientIdentity { id: self.client_id.clone(), proof: self.proof()? },
            kind,
            scope,
        })
    }

    /// Without `offline_access` the answer brings no new refresh token, and the old one runs out.
    fn asked(&self) -> Option<String> {
        let scopes = self.scopes.as_deref()?.trim();
        let offline = scopes.split_whitespace().any(|scope| scope == "offline_access");
        Some(if offline { scopes.to_owned() } else { format!("{scopes} offline_access") })
    }

    fn proof(&self) -> Result<ClientProof> {
        Ok(match (&self.client_secret, &self.certificate, &self.certificate_key) {
            (_, Some(certificate), Some(key)) => {
                ClientProof::Certificate { key: key.clone(), thumbprint: oauth::thumbprint(certificate.expose())? }
            }
            (Some(secret), ..) => ClientProof::Secret(secret.clone()),
            _ => ClientProof::None,
        })
    }

    /// Where a person consents to what needs a person.
    pub(super) fn consent_page(&self) -> Result<ConsentPage> {
        let mut authorize = self.token_endpoint()?;
        authorize
            .path_segments_mut()
            .map_err(|()| Error::internal("a vendor's host is not an address"))?
            .pop()
            .push("authorize");
        let scopes = self.asked().unwrap_or_else(|| CONSENT.to_owned());
        Ok(ConsentPage {
            authorize,
            endpoint: self.token_endpoint()?,
            client: ClientIdentity { id: self.client_id.clone(), proof: self.proof()? },
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            parameters: vec![("response_mode", "query")],
        })
    }

    fn token_endpoint(&self) -> Result<Url> {
        let bad = || Error::internal("the address of the token endpoint is none");
        let mut url = match &self.base_url {
            Some(base) => base.clone(),
            None => LOGIN.parse().map_err(|_| bad())?,
        };
        let path = [self.tenant_id.as_str(), "oauth2", "v2.0", "token"];
        url.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend(path);
        Ok(url)
    }
}

fn lacks(field: &str, message: &str) -> Error {
    Error::new(ErrorCode::NotConfigured, message).with_field(format!("config.{field}"))
}

impl ProviderConfig for Microsoft365Config {
    const PROVIDER: &'static str = "microsoft365";

    const DISPLACES: Displaces = &[("client_id", &[])];

    const FIELDS: &'static [ConfigField] = &[
        ConfigField {
            name: "tenant_id",
            env: Some("MICROSOFT_TENANT_ID"),
            hint: "Directory (tenant) ID on the overview page of the app registration",
        },
        ConfigField {
            name: "client_id",
            env: Some("MICROSOFT_CLIENT_ID"),
            hint: "Application (client) ID on the overview page of the app registration",
        },
        ConfigField {
            name: "client_secret",
            env: Some("MICROSOFT_CLIENT_SECRET"),
            hint: "the Value (not the Secret ID) under Certificates & secrets; it is shown once",
        },
        ConfigField {
            name: "certificate",
            env: None,
            hint: "the certificate uploaded under Certificates & secrets, from -----BEGIN CERTIFICATE----- to the end",
        },
        ConfigField {
            name: "certificate_key",
            env: None,
            hint: "the RSA private key of the certificate, from -----BEGIN PRIVATE KEY----- to the end, without a password",
        },
        ConfigField {
            name: "refresh_token",
            env: None,
            hint: "what the consent of a person brought, with offline_access among the scopes",
        },
        ConfigField {
            name: "user",
            env: None,
            hint: "an id or a user principal name, such as office@yourschool.example",
        },
        ConfigField { name: "scopes", env: None, hint: "with spaces between, such as Mail.Send ChannelMessage.Send" },
        ConfigField {
            name: "notification_certificate",
            env: None,
            hint: "a certificate of the school's own, RSA of 2048 to 4096 bits, from -----BEGIN CERTIFICATE----- to the end",
        },
        ConfigField {
            name: "notification_key",
            env: None,
            hint: "the RSA private key of notification_certificate, without a password",
        },
        ConfigField {
            name: "previous_notification_certificate",
            env: None,
            hint: "the notification_certificate of before, from -----BEGIN CERTIFICATE----- to the end",
        },
        ConfigField {
            name: "previous_notification_key",
            env: None,
            hint: "the RSA private key of previous_notification_certificate, without a password",
        },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        tenant(&self.tenant_id)?;
        if uuid::Uuid::try_parse(&self.client_id).is_err() {
            return Err(Error::invalid("client_id", "must be the application's id, a GUID"));
        }
        let secrets = [("client_secret", &self.client_secret), ("refresh_token", &self.refresh_token)];
        for (field, secret) in secrets {
            if secret.as_ref().is_some_and(|secret| secret.expose().trim().is_empty()) {
                return Err(Error::invalid(field, "must not be empty"));
            }
        }
        match (&self.certificate, &self.certificate_key) {
            (Some(certificate), Some(key)) => {
                oauth::thumbprint(certificate.expose()).map_err(|error| error.with_field("certificate"))?;
                PrivateKey::from_pem(key.expose()).map_err(|error| error.with_field("certificate_key"))?;
            }
            (Some(_), None) => return Err(Error::invalid("certificate_key", "is required beside a certificate")),
            (None, Some(_)) => return Err(Error::invalid("certificate", "is required beside a certificate_key")),
            (None, None) => {}
        }
        let pairs = [
            ("notification_certificate", &self.notification_certificate, "notification_key", &self.notification_key),
            (
                "previous_notification_certificate",
                &self.previous_notification_certificate,
                "previous_notification_key",
                &self.previous_notification_key,
            ),
        ];
        for (its_name, certificate, key_name, key) in pairs {
            match (certificate, key) {
                (Some(certificate), Some(key)) => {
                    oauth::thumbprint(certificate).map_err(|error| error.with_field(its_name))?;
                    PrivateKey::from_pem(key.expose()).map_err(|error| error.with_field(key_name))?;
                }
                (Some(_), None) => return Err(Error::invalid(key_name, "is required beside its certificate")),
                (None, Some(_)) => return Err(Error::invalid(its_name, format!("is required beside its {key_name}"))),
                (None, None) => {}
            }
        }
        if !self.acts_itself() && self.refresh_token.is_none() {
            return Err(Error::invalid(
                "client_secret",
                "is required, unless there is a certificate with its certificate_key, or a refresh_token",
            ));
        }
        if let Some(user) = &self.user {
            super::check::id("user", user)?;
        }
        if self.scopes.as_ref().is_some_and(|scopes| scopes.trim().is_empty()) {
            return Err(Error::invalid("scopes", "must name at least one scope, or be left out"));
        }
        Ok(())
    }

    fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }
}

/// An application's token is of one directory: `common` has none to give.
fn tenant(id: &str) -> Result<()> {
    let shared = ["common", "organizations", "consumers"].contains(&id.to_ascii_lowercase().as_str());
    let spelled = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let domain = id.contains('.') && !id.starts_with('.') && !id.ends_with('.');
    if !shared && spelled && (domain || uuid::Uuid::try_parse(id).is_ok()) {
        return Ok(());
    }
    Err(Error::invalid("tenant_id", "must be the directory's id (a GUID) or one of its domains, not common"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

    fn wanted(rights: Rights) -> Wanted {
        Wanted { rights, ..Wanted::default() }
    }

    #[test]
    fn mistakes_name_their_field() {
        let good = || Microsoft365Config::new("yourschool.example", CLIENT).client_secret("s");
        assert!(good().validate().is_ok());
        let mut broken = good().certificate("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "broken");
        assert_eq!(broken.validate().unwrap_err().field(), Some("certificate_key"));
        broken.certificate = Some(Secret::new("nothing".into()));
        assert_eq!(broken.validate().unwrap_err().field(), Some("certificate"));
        broken.certificate = None;
        assert_eq!(broken.validate().unwrap_err().field(), Some("certificate"));
        for (config, field) in [
            (Microsoft365Config::new("common", CLIENT).client_secret("s"), "tenant_id"),
            (Microsoft365Config::new("../x.y", CLIENT).client_secret("s"), "tenant_id"),
            (Microsoft365Config::new("yourschool.example", "app").client_secret("s"), "client_id"),
            (Microsoft365Config::new("yourschool.example", CLIENT), "client_secret"),
            (good().client_secret(" "), "client_secret"),
            (good().user("a/b"), "user"),
        ] {
            assert_eq!(config.validate().unwrap_err().field(), Some(field));
        }
    }

    #[test]
    fn each_kind_of_rights_has_its_own_grant() {
        let both = Microsoft365Config::new("yourschool.example", CLIENT).client_secret("s").refresh_token("r");
        let name = |config: &Microsoft365Config, rights| config.grant(&wanted(rights)).map(|grant| grant.name);
        assert_eq!(name(&both, Rights::Any).unwrap(), "application");
        assert_eq!(name(&both, Rights::Delegated).unwrap(), "delegated");
        let person = Microsoft365Config::new("yourschool.example", CLIENT).refresh_token("r");
        assert_eq!(name(&person, Rights::Any).unwrap(), "delegated");
        let error = person.grant(&wanted(Rights::Application)).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("config.client_secret")));
        let application = Microsoft365Config::new("yourschool.example", CLIENT).client_secret("s");
        let error = application.grant(&wanted(Rights::Delegated)).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("config.refresh_token")));
    }

    #[test]
    fn a_refresh_asks_for_the_next_refresh_token() {
        let mut config = Microsoft365Config::new("yourschool.example", CLIENT).refresh_token("r");
        assert_eq!(config.grant(&wanted(Rights::Any)).unwrap().scope, None);
        config.scopes = Some("Mail.Send".into());
        assert_eq!(config.grant(&wanted(Rights::Any)).unwrap().scope.as_deref(), Some("Mail.Send offline_access"));
        let endpoint = "https://login.microsoftonline.com/yourschool.example/oauth2/v2.0/token";
        assert_eq!(config.grant(&wanted(Rights::Any)).unwrap().endpoint.as_str(), endpoint);
    }
}
