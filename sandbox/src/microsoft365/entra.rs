//! Entra ID: the token endpoint, consent, and the published keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{CACHE_CONTROL, LOCATION};
use hyper::{Method, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::auth::{Auth, Caller, Code, GrantState, Granted, LIFETIME};
use super::error::Ids;
use super::jwt::{self, Jwt};
use super::refusal::{self, Refusal};
use super::world::World;
use super::{CLIENT_ID, DOMAIN, TEACHER_ID, TENANT_ID};
use crate::exchange::{Answer, Pairs, Request};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Whether a path is Entra's, and if so its parts.
pub(super) fn parts<'a>(path: &'a [&'a str]) -> Option<(&'a str, Endpoint)> {
    let (tenant, rest) = path.split_first()?;
    let endpoint = match rest {
        ["oauth2", "v2.0", "token"] => Endpoint::Token,
        ["oauth2", "v2.0", "authorize"] => Endpoint::Authorize,
        ["adminconsent"] | ["v2.0", "adminconsent"] => Endpoint::AdminConsent,
        ["discovery", "v2.0", "keys"] | ["discovery", "keys"] => Endpoint::Keys,
        [".well-known", "openid-configuration"] | ["v2.0", ".well-known", "openid-configuration"] => {
            Endpoint::Discovery
        }
        _ => return None,
    };
    Some((tenant, endpoint))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token,
    Authorize,
    AdminConsent,
    Keys,
    Discovery,
}

/// Everything that an endpoint works with.
pub(super) struct Entra<'a> {
    pub(super) auth: &'a mut Auth,
    pub(super) world: &'a World,
    pub(super) request: &'a Request,
    pub(super) tenant: &'a str,
    pub(super) url: &'a str,
}

impl Entra<'_> {
    pub(super) fn answer(mut self, endpoint: Endpoint, ids: &Ids) -> Answer {
        let at = self.request.at;
        let result = match (&self.request.method, endpoint) {
            (&Method::GET, Endpoint::Keys) => Ok(Answer::json(StatusCode::OK, &jwt::keys())),
            (&Method::GET, Endpoint::Discovery) => Ok(self.discovery()),
            (&Method::POST, Endpoint::Token) => self.token(),
            (&Method::GET, Endpoint::Authorize) => self.authorize(),
            (&Method::GET, Endpoint::AdminConsent) => self.admin_consent(),
            _ => Err(Refusal::new(900_561, "The endpoint does not accept this method.")),
        };
        result.unwrap_or_else(|refusal| refusal.answer(ids, at))
    }

    fn discovery(&self) -> Answer {
        let (url, tenant) = (self.url, self.tenant);
        Answer::json(
            StatusCode::OK,
            &json!({
                "issuer": format!("https://sts.windows.net/{tenant}/"),
                "token_endpoint": format!("{url}/{tenant}/oauth2/v2.0/token"),
                "authorization_endpoint": format!("{url}/{tenant}/oauth2/v2.0/authorize"),
                "jwks_uri": format!("{url}/common/discovery/v2.0/keys"),
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        )
    }

    /// The tenant that the path names, by id or domain; `common` and its like only where a user signs in.
    fn known_tenant(&self, with_user: bool) -> Result<(), Refusal> {
        let own = self.tenant.eq_ignore_ascii_case(TENANT_ID) || self.tenant.eq_ignore_ascii_case(DOMAIN);
        if own || with_user && matches!(self.tenant, "common" | "organizations") {
            return Ok(());
        }
        Err(Refusal::new(90002, "Tenant not found. Check to make sure you have the correct tenant ID."))
    }

    fn token(&mut self) -> Result<Answer, Refusal> {
        if let Some(code) = self.auth.refusals.pop_front() {
            return Err(Refusal::scripted(code));
        }
        let request = self.request;
        let form = request.form();
        let kind = form.filled("grant_type").unwrap_or_default();
        self.known_tenant(kind != "client_credentials")?;
        let client = form.filled("client_id");
        let client =
            client.ok_or(Refusal::new(900_144, "The request body must contain the parameter: 'client_id'."))?;
        if !Auth::knows(client) {
            return Err(Refusal::new(700_016, "Application was not found in the directory."));
        }
        match kind {
            "client_credentials" => {
                self.authenticate(&form, true)?;
                let scope = form.filled("scope").unwrap_or_default();
                if !scope.ends_with("/.default") {
                    return Err(Refusal::new(1_002_012, "The provided value for scope is not valid."));
                }
                let caller = Caller::App { roles: self.auth.roles.clone() };
                Ok(self.issued(caller, None, None))
            }
            "refresh_token" => {
                self.authenticate(&form, false)?;
                self.refresh(&form)
            }
            "authorization_code" => {
                self.authenticate(&form, false)?;
                self.redeem(&form)
            }
            _ => Err(Refusal::new(70003, "The app requested an unsupported grant type.")),
        }
    }

    /// The client's own proof. A public client that acts for a user has none.
    fn authenticate(&mut self, form: &Pairs<'_>, needed: bool) -> Result<(), Refusal> {
        if let Some(assertion) = form.filled("client_assertion") {
            if form.get("client_assertion_type") != Some(ASSERTION) {
                return Err(Refusal::new(50027, "JWT token is invalid or malformed."));
            }
            return self.assertion(assertion);
        }
        match form.filled("client_secret") {
            Some(secret) if secret == self.auth.secret => Ok(()),
            Some(_) => Err(Refusal::new(7_000_215, "Invalid client secret provided.")),
            None if needed => Err(Refusal::new(
                7_000_218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )),
            None => Ok(()),
        }
    }

    fn assertion(&mut self, assertion: &str) -> Result<(), Refusal> {
        let jwt = Jwt::parse(assertion).ok_or(Refusal::new(50027, "JWT token is invalid or malformed."))?;
        let header = |name: &str| jwt.header.get(name).and_then(|value| value.as_str());
        let unsigned = Refusal::new(
            700_027,
            "The certificate with identifier used to sign the client assertion is not registered on application.",
        );
        let certificate = self.auth.certificate.as_ref().ok_or(unsigned.clone())?;
        if header("alg") != Some("RS256")
            || header("x5t#S256") != Some(certificate.thumbprint.as_str())
            || !jwt.is_signed_by(&certificate.key)
        {
            return Err(unsigned);
        }
        let path = self.request.path();
        let audience = jwt.claim("aud").unwrap_or_default();
        let own = [self.url, refusal::PUBLIC_HOST].iter().any(|host| audience == format!("{host}{path}"));
        let speaks = ["iss", "sub"].iter().all(|name| jwt.claim(name).is_some_and(Auth::knows));
        if !own || !speaks {
            return Err(Refusal::new(700_023, "Client assertion audience claim does not match Realm issuer."));
        }
        let now = self.request.at;
        let current = jwt.moment("exp").is_some_and(|until| until > now)
            && jwt.moment("nbf").is_none_or(|from| from <= now + 300_000);
        let fresh = jwt.claim("jti").is_some_and(|id| self.auth.assertions.insert(id.to_owned()));
        if !current || !fresh {
            return Err(Refusal::new(700_024, "Client assertion is not within its valid time range."));
        }
        Ok(())
    }

    fn refresh(&mut self, form: &Pairs<'_>) -> Result<Answer, Refusal> {
        let now = self.request.at;
        let token = form.filled("refresh_token").unwrap_or_default();
        let unknown = Refusal::new(70000, "The provided value for the input parameter 'refresh_token' is not valid.");
        let grant = self.auth.grant(token).ok_or(unknown)?.clone();
        match grant.state {
            GrantState::Revoked => {
                return Err(Refusal::new(50173, "The provided grant has expired due to it being revoked."));
            }
            GrantState::Live if grant.until > now => {}
            GrantState::Live | GrantState::Spent => {
                return Err(Refusal::new(700_082, "The refresh token has expired due to inactivity."));
            }
        }
        let asked: Vec<&str> = graph_scopes(form.get("scope").unwrap_or_default()).collect();
        if !asked.iter().all(|scope| grant.scopes.any(&[scope])) {
            return Err(Refusal::scripted(65001));
        }
        let next = self.auth.rotate(token, now);
        let scopes = grant.scopes.clone();
        Ok(self.issued(Caller::User { id: grant.user, scopes: grant.scopes }, Some(&scopes), next))
    }

    fn redeem(&mut self, form: &Pairs<'_>) -> Result<Answer, Refusal> {
        let now = self.request.at;
        let code = form.filled("code").and_then(|code| self.auth.take_code(code));
        let code = code.filter(|code| code.until > now);
        let code = code.ok_or(Refusal::new(54005, "OAuth2 Authorization code was already redeemed or has expired."))?;
        if form.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
            return Err(Refusal::new(50011, "The redirect URI does not match the one of the authorization request."));
        }
        let proof = form.get("code_verifier").map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        if proof != code.challenge {
            return Err(Refusal::new(501_481, "The Code_Verifier does not match the code_challenge."));
        }
        let refresh = code.offline.then(|| self.auth.new_grant(&code.user, code.scopes.clone(), now));
        let scopes = code.scopes.clone();
        Ok(self.issued(Caller::User { id: code.user, scopes: code.scopes }, Some(&scopes), refresh))
    }

    fn issued(&mut self, caller: Caller, scopes: Option<&Granted>, refresh: Option<String>) -> Answer {
        let request = self.request;
        let access = self.auth.issue(caller, request.form().filled("claims"), request.at);
        let mut body = json!({
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "ext_expires_in": LIFETIME,
            "access_token": access,
        });
        if let Some(scopes) = scopes {
            body["scope"] = json!(scopes.text());
        }
        if let Some(refresh) = refresh {
            body["refresh_token"] = json!(refresh);
        }
        Answer::json(StatusCode::OK, &body).with(CACHE_CONTROL, "no-store, no-cache")
    }

    /// The person consents at once: whoever `login_hint` names, or the teacher.
    fn authorize(&mut self) -> Result<Answer, Refusal> {
        self.known_tenant(true)?;
        let query = self.request.query();
        let mut back = self.back(&query)?;
        if query.get("response_type") != Some("code") {
            return Err(Refusal::new(900_144, "The request must contain the parameter: 'response_type'."));
        }
        let challenge = query.filled("code_challenge").map(str::to_owned);
        if challenge.is_some() && query.get("code_challenge_method") != Some("S256") {
            return Err(Refusal::new(501_491, "Only S256 is taken as code_challenge_method."));
        }
        let asked = query.get("scope").unwrap_or_default();
        let scopes = match asked.split(' ').any(|scope| scope.ends_with(".default")) {
            true => Granted::Everything,
            false => Granted::of(graph_scopes(asked)),
        };
        let user = query.filled("login_hint").map_or(Some(TEACHER_ID.to_owned()), |hint| self.world.user_id(hint));
        let user = user.ok_or(Refusal::new(50034, "The user account does not exist in the directory."))?;
        let code = Code {
            user,
            scopes,
            offline: asked.split(' ').any(|scope| scope == "offline_access"),
            redirect_uri: query.get("redirect_uri").unwrap_or_default().to_owned(),
            challenge,
            until: 0,
        };
        let code = self.auth.add_code(code, self.request.at);
        back.query_pairs_mut().append_pair("code", &code);
        Ok(redirect(back, &query))
    }

    fn admin_consent(&self) -> Result<Answer, Refusal> {
        self.known_tenant(true)?;
        let query = self.request.query();
        let mut back = self.back(&query)?;
        back.query_pairs_mut().append_pair("admin_consent", "True").append_pair("tenant", TENANT_ID);
        Ok(redirect(back, &query))
    }

    /// Where the browser is sent back to.
    fn back(&self, query: &Pairs<'_>) -> Result<Url, Refusal> {
        if query.get("client_id") != Some(CLIENT_ID) {
            return Err(Refusal::new(700_016, "Application was not found in the directory."));
        }
        let back = query.filled("redirect_uri").and_then(|uri| Url::parse(uri).ok());
        back.ok_or(Refusal::new(50011, "The redirect URI is not registered for the application."))
    }
}

fn redirect(mut back: Url, query: &Pairs<'_>) -> Answer {
    if let Some(state) = query.get("state") {
        back.query_pairs_mut().append_pair("state", state);
    }
    Answer::empty(StatusCode::FOUND).with(LOCATION, back.as_str())
}

/// The scopes of Graph in a list, without the resource before each, and without those of the sign-in itself.
fn graph_scopes(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split(' ').map(|scope| scope.rsplit_once('/').map_or(scope, |(_, name)| name));
    names.filter(|name| !matches!(*name, "" | "openid" | "profile" | "email" | "offline_access" | ".default"))
}
