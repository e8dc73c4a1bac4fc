//! OAuth 2.0 from the client's side: how an access token is asked for, and what the answer means.
//!
//! Follows RFC 6749 (grants and errors), RFC 7523 (signed assertions) and RFC 7636 (PKCE). Nothing here keeps a token;
//! that is the token service's.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::{Method, Request, Response, jwt::PrivateKey};
use crate::{
    error::{Error, ErrorCode, Result, VendorError},
    model::{Secret, Timestamp, random_bytes},
};

/// Scopes that a request needs: one of each group. The narrowest of a group stands first.
pub type Scopes = &'static [&'static [&'static str]];

/// What an access token is got with.
#[derive(Debug, Clone)]
pub struct TokenGrant {
    /// Tells this token apart from the tenant's others of the same provider: `delegated`, or a subject with its scopes.
    /// Nothing secret.
    pub name: String,
    /// The vendor's token endpoint.
    pub endpoint: Url,
    /// Who asks.
    pub client: ClientIdentity,
    /// On the ground of what.
    pub kind: GrantKind,
    /// The scopes to ask for, with spaces between; none to take what was consented to.
    pub scope: Option<String>,
}

/// On the ground of what a token is given.
#[derive(Debug, Clone)]
pub enum GrantKind {
    /// A person's consent, given before (RFC 6749, section 6).
    RefreshToken(Secret<String>),
    /// The application's own rights (RFC 6749, section 4.4).
    ClientCredentials,
    /// A service account's signature (RFC 7523, section 2.1), on behalf of `subject`.
    Assertion {
        /// The service account.
        issuer: String,
        /// The id of its key.
        key_id: Option<String>,
        /// Its key, in PEM.
        key: Secret<String>,
        /// Whom it stands in for.
        subject: Option<String>,
    },
}

/// Who asks for a token.
#[derive(Debug, Clone, Default)]
pub struct ClientIdentity {
    /// The client id; empty where the grant itself says who asks.
    pub id: String,
    /// What proves it.
    pub proof: ClientProof,
}

/// What proves who the client is.
#[derive(Debug, Clone, Default)]
pub enum ClientProof {
    /// Nothing: a public client, or a grant that is proof enough.
    #[default]
    None,
    /// A password.
    Secret(Secret<String>),
    /// A certificate's key (RFC 7523, section 2.2).
    Certificate {
        /// The private key, in PEM.
        key: Secret<String>,
        /// SHA-256 of the certificate's DER, base64url: what the vendor finds it by (`x5t#S256`).
        thumbprint: String,
    },
}

/// Whose rights a request uses, where a vendor tells an application from a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rights {
    /// Those that the settings have; the application's first.
    #[default]
    Any,
    /// The application's own.
    Application,
    /// A person's, who has consented.
    Delegated,
}

/// What token a request needs.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// One scope of each group.
    pub scopes: Scopes,
    /// Whose rights.
    pub rights: Rights,
    /// On whose behalf, where the settings let it be chosen: a user's address.
    pub subject: Option<String>,
}

/// An access token, and what came with it.
#[derive(Clone)]
pub struct TokenAnswer {
    /// The token.
    pub access: Secret<String>,
    /// How long it holds.
    pub lifetime: Duration,
    /// The refresh token to use from now on; none to keep the one there is.
    pub refresh: Option<Secret<String>>,
    /// The scopes that were given; none where the vendor does not say, which is those asked for.
    pub scope: Option<String>,
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("lifetime", &self.lifetime)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// How long an assertion holds: the longest that both Google and Microsoft take is an hour; less is enough.
const ASSERTED: Duration = Duration::from_secs(300);
/// A clock a little behind the vendor's must not make an assertion of the future.
const SKEW: Duration = Duration::from_secs(10);
/// What a token lives where the vendor does not say (RFC 6749 leaves it open).
const LIFETIME: u64 = 300;

impl TokenGrant {
    /// What identifies the credentials it stands on: when they change, an access token that was kept for the old ones is
    /// void. Secret; to be digested.
    pub fn fingerprint(&self) -> Secret<String> {
        let proof = match &self.client.proof {
            ClientProof::None => "",
            ClientProof::Secret(secret) => secret.expose(),
            ClientProof::Certificate { thumbprint, .. } => thumbprint,
        };
        let kind = match &self.kind {
            GrantKind::RefreshToken(token) => ["", "", token.expose()],
            GrantKind::ClientCredentials => [""; 3],
            // The id of a key may be missing, and another account have the same.
            GrantKind::Assertion { issuer, key, subject, .. } => {
                [issuer, subject.as_deref().unwrap_or_default(), key.expose()]
            }
        };
        let [issuer, subject, secret] = kind;
        let (client, scope) = (&self.client.id, self.scope.as_deref().unwrap_or_default());
        Secret::new(format!("{}\0{client}\0{proof}\0{issuer}\0{subject}\0{secret}\0{scope}", self.endpoint))
    }

    /// What identifies the consent that a refresh token stands on: who asked for it, where, and the token that the settings
    /// have. One that the vendor gave in its place is good with another secret, certificate or scope too. Secret; to be
    /// digested.
    pub fn consent_fingerprint(&self) -> Option<Secret<String>> {
        let GrantKind::RefreshToken(token) = &self.kind else { return None };
        Some(Secret::new(format!("{}\0{}\0{}", self.endpoint, self.client.id, token.expose())))
    }

    /// The request for a token; `refresh` is the newest refresh token where the vendor gave another since.
    pub fn request(&self, refresh: Option<&Secret<String>>, now: Timestamp) -> Result<Request> {
        let mut form: Vec<(&str, String)> = Vec::new();
        match &self.kind {
            GrantKind::RefreshToken(first) => {
                form.push(("grant_type", "refresh_token".to_owned()));
                form.push(("refresh_token", refresh.unwrap_or(first).expose().clone()));
            }
            GrantKind::ClientCredentials => form.push(("grant_type", "client_credentials".to_owned())),
            GrantKind::Assertion { issuer, key_id, key, subject } => {
                form.push(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
                let mut claims = assertion(issuer, &self.endpoint, now);
                if let Some(subject) = subject {
                    claims["sub"] = json!(subject);
                }
                if let Some(scope) = &self.scope {
                    claims["scope"] = json!(scope);
                }
                let header: Vec<_> = key_id.iter().map(|id| ("kid", id.as_str())).collect();
                form.push(("assertion", PrivateKey::from_pem(key.expose())?.sign(&header, &claims)?));
            }
        }
        if let Some(scope) = &self.scope
            && !matches!(self.kind, GrantKind::Assertion { .. })
        {
            form.push(("scope", scope.clone()));
        }
        self.client.prove(&mut form, &self.endpoint, now)?;
        Ok(ask(&self.endpoint, form))
    }
}

impl ClientIdentity {
    fn prove(&self, form: &mut Vec<(&str, String)>, endpoint: &Url, now: Timestamp) -> Result<()> {
        if !self.id.is_empty() {
            form.push(("client_id", self.id.clone()));
        }
        match &self.proof {
            ClientProof::None => {}
            ClientProof::Secret(secret) => form.push(("client_secret", secret.expose().clone())),
            ClientProof::Certificate { key, thumbprint } => {
                let mut claims = assertion(&self.id, endpoint, now);
                claims["sub"] = json!(self.id);
                claims["nbf"] = claims["iat"].clone();
                claims["jti"] = json!(hex::encode(random_bytes::<16>()));
                form.push((
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
                ));
                let key = PrivateKey::from_pem(key.expose())?;
                form.push(("client_assertion", key.sign(&[("x5t#S256", thumbprint)], &claims)?));
            }
        }
        Ok(())
    }

    /// The request that turns the code of a consent into tokens (RFC 6749, section 4.1.3, with RFC 7636).
    pub fn exchange(
        &self,
        endpoint: &Url,
        code: &str,
        redirect: &Url,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Request> {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", redirect.to_string()),
            ("code_verifier", verifier.to_owned()),
        ];
        self.prove(&mut form, endpoint, now)?;
        Ok(ask(endpoint, form))
    }
}

fn assertion(issuer: &str, endpoint: &Url, now: Timestamp) -> Value {
    let issued = now.before(SKEW).as_micros() / 1_000_000;
    let expires = now.after(ASSERTED).as_micros() / 1_000_000;
    json!({ "iss": issuer, "aud": endpoint.as_str(), "iat": issued, "exp": expires })
}

fn ask(endpoint: &Url, form: Vec<(&str, String)>) -> Request {
    Request::new(Method::Post, endpoint.clone()).header("accept", "application/json").form(form)
}

/// The page where a person consents, and where the code that comes of it is turned into tokens.
#[derive(Debug, Clone)]
pub struct ConsentPage {
    /// The page.
    pub authorize: Url,
    /// The token endpoint.
    pub endpoint: Url,
    /// Who asks.
    pub client: ClientIdentity,
    /// The scopes to ask for unless the host names others.
    pub scopes: Vec<String>,
    /// What this vendor wants in the address beside RFC 6749.
    pub parameters: Vec<(&'static str, &'static str)>,
}

impl ConsentPage {
    /// The address to send the person to (RFC 6749, section 4.1.1, with RFC 7636).
    pub fn address(&self, redirect: &Url, state: &str, verifier: &str, scopes: &[String], login: Option<&str>) -> Url {
        let mut url = self.authorize.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &self.client.id)
                .append_pair("redirect_uri", redirect.as_str())
                .append_pair("scope", &scopes.join(" "))
                .append_pair("state", state)
                .append_pair("code_challenge", &challenge(verifier))
                .append_pair("code_challenge_method", "S256");
            if let Some(login) = login {
                query.append_pair("login_hint", login);
            }
            for (name, value) in &self.parameters {
                query.append_pair(name, value);
            }
        }
        url
    }
}

/// The challenge of a verifier (RFC 7636, section 4.2, S256).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// `x5t#S256` of a certificate in PEM: SHA-256 of its DER, base64url. Nothing else of it is read.
pub fn thumbprint(pem: &str) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(certificate_der(pem)?)))
}

/// A certificate in PEM as DER.
pub fn certificate_der(pem: &str) -> Result<Vec<u8>> {
    let bad = || Error::invalid("", "is not a certificate in PEM; it begins with -----BEGIN CERTIFICATE-----");
    let pem = pem.replace("\\n", "\n");
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----").ok_or_else(bad)?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----").ok_or_else(bad)?;
    let body: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).map_err(|_| bad())?;
    // A certificate is a SEQUENCE; what is not, was never one.
    if der.first() == Some(&0x30) { Ok(der) } else { Err(bad()) }
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    scope: Option<String>,
}

/// Some servers write the number as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    error_subtype: Option<String>,
}

/// Reads a token endpoint's answer. `vendor` is its name, for people; `first` the field of the settings that an
/// administrator has to look at.
///
/// Errors: `needs_reconnect` where a person has to consent or renew a secret, `not_configured` where the settings cannot
/// work, `rate_limited`, `vendor_unavailable`, `invalid_response`.
pub fn read(response: &Response, vendor: &str) -> Result<TokenAnswer> {
    if (200..300).contains(&response.status) {
        let given: Given = serde_json::from_slice(&response.body).map_err(|_| {
            Error::new(
                ErrorCode::InvalidResponse,
                format!("{vendor}'s token endpoint answered something else than a token"),
            )
        })?;
        if given.access_token.is_empty() {
            return Err(Error::new(
                ErrorCode::InvalidResponse,
                format!("{vendor}'s token endpoint gave an empty token"),
            ));
        }
        let seconds = match given.expires_in {
            Some(Seconds::Number(seconds)) => seconds,
            Some(Seconds::Text(text)) => text.trim().parse().unwrap_or(LIFETIME),
            None => LIFETIME,
        };
        return Ok(TokenAnswer {
            access: Secret::new(given.access_token),
            lifetime: Duration::from_secs(seconds.min(24 * 3600)),
            refresh: given.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
            scope: given.scope,
        });
    }
    let refused: Refused = serde_json::from_slice(&response.body).unwrap_or_default();
    Err(refusal(response.status, refused, vendor))
}

fn refusal(status: u16, refused: Refused, vendor: &str) -> Error {
    let code = match refused.error_subtype {
        Some(subtype) if !subtype.is_empty() => format!("{}/{subtype}", refused.error),
        _ => refused.error.clone(),
    };
    let words = refused.error_description.unwrap_or_default();
    let (kind, message) = match refused.error.as_str() {
        "invalid_grant" | "interaction_required" | "consent_required" | "login_required" => (
            ErrorCode::NeedsReconnect,
            format!(
                "{vendor} no longer accepts this school's consent: it was withdrawn, has expired, or a password was \
                 changed. An administrator has to connect {vendor} again"
            ),
        ),
        "invalid_client" => (
            ErrorCode::NeedsReconnect,
            format!(
                "{vendor} does not accept the client id with its secret, certificate or key: it was deleted or has \
                 expired. An administrator has to make a new one in {vendor}'s console and enter it"
            ),
        ),
        "unauthorized_client" | "access_denied" => (
            ErrorCode::NeedsReconnect,
            format!(
                "{vendor} has not allowed this client to act so. An administrator of the school's {vendor} has to allow \
                 it, with every scope that is asked for"
            ),
        ),
        "invalid_scope" => (
            ErrorCode::NotConfigured,
            format!("{vendor} does not know one of the scopes that are asked for; see config.scopes"),
        ),
        _ if status == 429 => (ErrorCode::RateLimited, format!("{vendor} gives no more tokens for a while")),
        _ if status >= 500 => (ErrorCode::VendorUnavailable, format!("{vendor}'s token endpoint answered {status}")),
        _ => (ErrorCode::NotConfigured, format!("{vendor} refuses the request for a token; look at the settings")),
    };
    let vendor = VendorError {
        status,
        code: Some(code).filter(|code| !code.is_empty()),
        message: Some(words).filter(|words| !words.is_empty()),
        request_id: None,
    };
    Error::new(kind, message).with_vendor(vendor)
}

/// The groups of which none is among what was granted. Google and Microsoft both write scopes with spaces between;
/// Microsoft leaves its prefix away in the answer and takes it in the question.
pub fn missing(wanted: Scopes, granted: &str) -> Vec<&'static [&'static str]> {
    let short = |scope: &str| scope.strip_prefix("https://graph.microsoft.com/").unwrap_or(scope).to_ascii_lowercase();
    let granted: Vec<String> = granted.split_whitespace().map(short).collect();
    let lacking = |group: &&&'static [&'static str]| !group.iter().any(|scope| granted.contains(&short(scope)));
    wanted.iter().filter(lacking).copied().collect()
}
