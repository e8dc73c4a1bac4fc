//! The consent page, the token endpoint, revocation and `tokeninfo`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{CACHE_CONTROL, LOCATION};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::assertion;
use super::call::{Call, Reply};
use super::error::ApiError;
use super::tokens::{ACCESS_LIFE, Code, Grant};
use super::world::World;
use super::{ADMIN, CLIENT_ID, DOMAIN, REDIRECT_URI};
use crate::exchange::{Answer, Pairs, Request};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// What the assertion of a service account is made out to, wherever the endpoint is reached.
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// How long a code can be changed into tokens, in milliseconds.
const CODE_LIFE_MS: i64 = 600_000;

/// What the endpoint refuses, in the flat shape of RFC 6749.
struct Refused(StatusCode, &'static str, String);

impl Refused {
    fn new(status: u16, error: &'static str, why: impl Into<String>) -> Self {
        Self(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), error, why.into())
    }

    fn grant(why: impl Into<String>) -> Self {
        Self::new(400, "invalid_grant", why)
    }

    fn answer(&self) -> Answer {
        let Self(status, error, why) = self;
        Answer::json(*status, &json!({ "error": error, "error_description": why }))
    }
}

/// Answers the endpoints that need no token; none for any other path.
pub(super) fn answer(world: &mut World, url: &str, request: &Request) -> Option<Answer> {
    let answered = match (&request.method, request.path()) {
        (&Method::POST, "/token") => token(world, url, request).map(|body| no_store(&body)),
        (&Method::POST, "/revoke") => revoke(world, request).map(|()| Answer::empty(StatusCode::OK)),
        (&Method::GET, "/o/oauth2/v2/auth") => consent(world, request),
        (&Method::POST | &Method::GET, "/oauth2/v2/tokeninfo") => {
            info(world, request).map(|body| Answer::json(StatusCode::OK, &body))
        }
        _ => return None,
    };
    Some(answered.unwrap_or_else(|refused| refused.answer()))
}

fn no_store(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body).with(CACHE_CONTROL, "no-cache, no-store, max-age=0, must-revalidate")
}

fn token(world: &mut World, url: &str, request: &Request) -> Result<Value, Refused> {
    world.tokens.requests += 1;
    let form = request.form();
    match form.filled("grant_type") {
        Some("refresh_token") => refresh(world, request, &form),
        Some("authorization_code") => exchange(world, request, &form),
        Some(JWT_BEARER) => act(world, url, request, &form),
        Some(other) => Err(Refused::new(400, "unsupported_grant_type", format!("Invalid grant_type: {other}"))),
        None => Err(Refused::new(400, "invalid_request", "Missing required parameter: grant_type")),
    }
}

/// The client that the form names, if it knows its secret.
fn client(world: &World, form: &Pairs<'_>) -> Result<String, Refused> {
    let id = form
        .filled("client_id")
        .ok_or_else(|| Refused::new(400, "invalid_request", "Could not determine client ID from request."))?;
    let known = world
        .tokens
        .clients
        .get(id)
        .ok_or_else(|| Refused::new(401, "invalid_client", "The OAuth client was not found."))?;
    match form.get("client_secret") {
        Some(secret) if secret == known => Ok(id.to_owned()),
        Some(_) => Err(Refused::new(401, "invalid_client", "Unauthorized")),
        None => Err(Refused::new(400, "invalid_request", "client_secret is missing.")),
    }
}

fn refresh(world: &mut World, request: &Request, form: &Pairs<'_>) -> Result<Value, Refused> {
    let client = client(world, form)?;
    let token = form
        .filled("refresh_token")
        .ok_or_else(|| Refused::new(400, "invalid_request", "Missing required parameter: refresh_token"))?;
    let held = world.tokens.refresh.get(token).cloned();
    let held = held.filter(|grant| world.people.find(&grant.user).is_some_and(|person| !person.suspended()));
    let grant = held.ok_or_else(|| Refused::grant("Token has been expired or revoked."))?;
    if grant.client != client {
        return Err(Refused::new(401, "unauthorized_client", "Unauthorized"));
    }
    // A refresh may narrow the scopes down, and not add any.
    let scopes = match form.filled("scope") {
        Some(asked) => narrowed(&grant.scopes, asked)?,
        None => grant.scopes.clone(),
    };
    let mut body = issue(world, request.at, Grant { scopes, ..grant.clone() });
    if world.tokens.rotate {
        let next = format!("1//0r{}", world.ids.word(60));
        world.tokens.refresh.remove(token);
        world.tokens.refresh.insert(next.clone(), grant);
        body["refresh_token"] = json!(next);
    }
    Ok(body)
}

fn narrowed(held: &[String], asked: &str) -> Result<Vec<String>, Refused> {
    let asked: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
    match asked.iter().find(|scope| !held.contains(scope)) {
        Some(scope) => Err(Refused::new(400, "invalid_scope", format!("Some requested scopes were invalid: {scope}"))),
        None => Ok(asked),
    }
}

fn exchange(world: &mut World, request: &Request, form: &Pairs<'_>) -> Result<Value, Refused> {
    let client = client(world, form)?;
    let code =
        form.filled("code").ok_or_else(|| Refused::new(400, "invalid_request", "Missing required parameter: code"))?;
    // Whatever becomes of it, a code is good for one try.
    let code = world.tokens.codes.remove(code).ok_or_else(|| Refused::grant("Malformed auth code."))?;
    if code.grant.client != client || request.at - code.made_at > CODE_LIFE_MS {
        return Err(Refused::grant("Bad Request"));
    }
    if form.filled("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err(Refused::new(400, "redirect_uri_mismatch", "Bad Request"));
    }
    if let Some(challenge) = &code.challenge {
        let verifier = form.filled("code_verifier").ok_or_else(|| Refused::grant("Missing code verifier."))?;
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != *challenge {
            return Err(Refused::grant("Invalid code verifier."));
        }
    }
    let mut body = issue(world, request.at, code.grant.clone());
    if code.offline {
        let token = format!("1//0c{}", world.ids.word(60));
        world.tokens.refresh.insert(token.clone(), code.grant);
        body["refresh_token"] = json!(token);
    }
    Ok(body)
}

/// A service account acts for a user of the domain.
fn act(world: &mut World, url: &str, request: &Request, form: &Pairs<'_>) -> Result<Value, Refused> {
    let assertion = form
        .filled("assertion")
        .ok_or_else(|| Refused::new(400, "invalid_request", "Missing required parameter: assertion"))?;
    let own = format!("{url}/token");
    let claims = assertion::claims(assertion, &[AUDIENCE, &own], request.at).map_err(Refused::grant)?;
    let scopes: Vec<String> = claims.scope.split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(Refused::new(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided."));
    }
    let user = match claims.sub {
        Some(user) => {
            // One scope that was not granted, and the whole request fails.
            if scopes.iter().any(|scope| !world.tokens.delegated.contains(scope)) {
                let why = "Client is unauthorized to retrieve access tokens using this method, or client not \
                           authorized for any of the scopes requested.";
                return Err(Refused::new(401, "unauthorized_client", why));
            }
            let person = world.people.find(&user).filter(|person| !person.suspended());
            person.map(|person| person.email.clone()).ok_or_else(|| Refused::grant("Invalid email or User ID"))?
        }
        None => super::keys::SERVICE_ACCOUNT.to_owned(),
    };
    // The service account belongs to the same project as the client that stands ready.
    let body = issue(world, request.at, Grant { user, scopes, client: CLIENT_ID.to_owned() });
    Ok(without_scope(body))
}

/// What a service account is told of its scopes: nothing.
fn without_scope(mut body: Value) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.remove("scope");
    }
    body
}

fn issue(world: &mut World, at: i64, grant: Grant) -> Value {
    let token = format!("ya29.a0{}", world.ids.word(80));
    let body = json!({
        "access_token": token,
        "expires_in": ACCESS_LIFE - 1,
        "scope": grant.scopes.join(" "),
        "token_type": "Bearer",
    });
    world.tokens.access.insert(token, (grant, at + ACCESS_LIFE * 1000));
    body
}

fn revoke(world: &mut World, request: &Request) -> Result<(), Refused> {
    let (form, query) = (request.form(), request.query());
    let token = form.filled("token").or_else(|| query.filled("token"));
    let token = token.ok_or_else(|| Refused::new(400, "invalid_request", "Missing required parameter: token"))?;
    if world.tokens.revoke(token) {
        return Ok(());
    }
    Err(Refused::new(400, "invalid_token", "Token expired or revoked"))
}

/// The consent page of a user who agrees at once.
fn consent(world: &mut World, request: &Request) -> Result<Answer, Refused> {
    let query = request.query();
    let asked = |name: &'static str| {
        query
            .filled(name)
            .ok_or_else(|| Refused::new(400, "invalid_request", format!("Missing required parameter: {name}")))
    };
    let client = asked("client_id")?;
    if !world.tokens.clients.contains_key(client) {
        return Err(Refused::new(401, "invalid_client", "The OAuth client was not found."));
    }
    let redirect_uri = asked("redirect_uri")?;
    let target = Url::parse(redirect_uri).ok().filter(|_| is_registered(redirect_uri));
    let mut target =
        target.ok_or_else(|| Refused::new(400, "redirect_uri_mismatch", "redirect_uri is not registered"))?;
    if asked("response_type")? != "code" {
        return Err(Refused::new(400, "unsupported_response_type", "response_type must be code"));
    }
    let challenge = match (query.filled("code_challenge"), query.filled("code_challenge_method")) {
        (Some(challenge), Some("S256")) => Some(challenge.to_owned()),
        (None, _) => None,
        _ => return Err(Refused::new(400, "invalid_request", "code_challenge_method must be S256")),
    };
    let scopes: Vec<String> = asked("scope")?.split_whitespace().map(str::to_owned).collect();
    let user = query.filled("login_hint").unwrap_or(ADMIN);
    let user = world.people.find(user).map_or_else(|| ADMIN.to_owned(), |person| person.email.clone());
    let grant = Grant { user, scopes, client: client.to_owned() };
    // Only a first consent, or one that is asked for again, comes with a refresh token.
    let known = world.tokens.refresh.values().any(|held| held.user == grant.user && held.client == grant.client);
    let offline =
        query.filled("access_type") == Some("offline") && (!known || query.filled("prompt") == Some("consent"));
    let code = format!("4/0A{}", world.ids.word(60));
    target.query_pairs_mut().append_pair("code", &code).append_pair("scope", &grant.scopes.join(" "));
    if let Some(state) = query.get("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    let kept = Code { grant, redirect_uri: redirect_uri.to_owned(), challenge, offline, made_at: request.at };
    world.tokens.codes.insert(code, kept);
    Ok(Answer::empty(StatusCode::FOUND).with(LOCATION, target.as_str()))
}

/// Loopback is taken with any port, as for installed programs.
fn is_registered(redirect_uri: &str) -> bool {
    redirect_uri == REDIRECT_URI
        || redirect_uri.starts_with("http://localhost")
        || redirect_uri.starts_with("http://127.0.0.1")
}

/// Who the user is that a token speaks for.
pub(super) fn user_info(call: &Call<'_>) -> super::call::Result {
    call.needs(&["openid", "userinfo.email", "userinfo.profile"])?;
    let person = call.world.people.find(call.user()).ok_or_else(ApiError::credentials)?;
    Ok(Reply::Json(json!({
        "id": person.id,
        "email": person.email,
        "verified_email": true,
        "name": person.name(),
        "given_name": person.given,
        "family_name": person.family,
        "hd": DOMAIN,
    })))
}

fn info(world: &World, request: &Request) -> Result<Value, Refused> {
    let (form, query) = (request.form(), request.query());
    let bearer = super::bearer(request);
    let token = query.filled("access_token").or_else(|| form.filled("access_token")).or(bearer);
    let token =
        token.ok_or_else(|| Refused::new(400, "invalid_request", "Missing required parameter: access_token"))?;
    let held = world.tokens.access.get(token).filter(|(_, ends)| request.at < *ends);
    let (grant, ends) = held.ok_or_else(|| Refused::new(400, "invalid_token", "Invalid Value"))?;
    let mut body = json!({
        "issued_to": grant.client,
        "audience": grant.client,
        "scope": grant.scopes.join(" "),
        "expires_in": (ends - request.at) / 1000,
    });
    if let Some(person) = world.people.find(&grant.user) {
        body["user_id"] = json!(person.id);
        body["email"] = json!(person.email);
        body["verified_email"] = json!(true);
    }
    Ok(body)
}
