//! SendGrid: mail, templates, marketing, statistics, suppressions, Email Activity, and signed events.

mod error;
mod lookups;
mod mail;
mod marketing;
mod templates;
mod world;

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName};
use hyper::{Method, StatusCode};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use parking_lot::Mutex;
use serde_json::{Value, json};

pub use world::Message;

use crate::clock::Clock;
use crate::exchange::{Answer, Request};
use crate::faults::Faults;
use crate::recorder::{Exchange, Recorder};
use crate::vendor::{Registration, Stage, Vendor};
use error::ApiError;
use world::{Suppressed, World};

/// The key that stands ready; it may do everything.
pub const API_KEY: &str = "SG.sandbox0000000000000.0000000000000000000000000000000000000000000";
/// The verified sender that stands ready.
pub const FROM_EMAIL: &str = "noreply@yourschool.example";
/// The suppression group that stands ready.
pub const GROUP_ID: u64 = 4711;
/// The key that signed events are verified with, as the vendor's console shows it.
pub const WEBHOOK_PUBLIC_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEC96nWCGWY/21YsFv/LVjysRbBQmuM1ltDP8OMHO/zVRX0dulmcY3pm35hBzUrzgL19TPQb5W/VMe0thG/+8NSA==";
/// Its other half: worth nothing, it signs what this sandbox makes up.
const WEBHOOK_KEY: [u8; 32] = [
    0xef, 0x30, 0x74, 0xca, 0x75, 0xe2, 0xe0, 0x72, 0x5c, 0x2d, 0x9c, 0xad, 0x40, 0x63, 0x4c, 0x01, 0x73, 0x39, 0x22,
    0xc2, 0x00, 0x92, 0x06, 0x64, 0x55, 0x31, 0x22, 0x1e, 0xdd, 0x7b, 0x0f, 0xf0,
];

/// What a key may be allowed.
const SCOPES: &[&str] = &[
    "mail.send",
    "templates.create",
    "templates.read",
    "templates.versions.create",
    "templates.versions.activate.create",
    "marketing.read",
    "marketing.update",
    "stats.global.read",
    "categories.stats.read",
    "suppression.bounces.read",
    "suppression.bounces.delete",
    "suppression.unsubscribes.read",
    "suppression.spam_reports.read",
    "suppression.spam_reports.delete",
    "suppression.invalid_emails.read",
    "suppression.invalid_emails.delete",
    "suppression.blocks.read",
    "suppression.blocks.delete",
    "asm.groups.read",
    "asm.groups.suppressions.read",
    "asm.groups.suppressions.create",
    "messages.read",
];

const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

pub(crate) const REGISTRATION: Registration =
    Registration { name: "sendgrid", open: |stage| Arc::new(Sendgrid { stage, world: Mutex::new(World::ready()) }) };

/// The look-alike of SendGrid: a test's way to steer it and to see what it took in.
pub struct Sendgrid {
    stage: Arc<Stage>,
    world: Mutex<World>,
}

/// What a handler works with.
struct Context<'a> {
    request: &'a Request,
    world: &'a mut World,
    url: &'a str,
}

impl Context<'_> {
    fn json(&self) -> Result<Value, ApiError> {
        match serde_json::from_slice(&self.request.body) {
            Ok(Value::Object(map)) => Ok(Value::Object(map)),
            _ => Err(ApiError::new(StatusCode::BAD_REQUEST, "Bad Request")),
        }
    }

    /// The `name` of what is to be made.
    fn name(&self, body: &Value, longest: usize) -> Result<String, ApiError> {
        let name =
            body.get("name").and_then(Value::as_str).filter(|name| (1..=longest).contains(&name.chars().count()));
        name.map(str::to_owned)
            .ok_or_else(|| ApiError::bad("name", format!("name must have 1 to {longest} characters")))
    }

    /// Now, as templates have it.
    fn stamp(&self) -> String {
        moment(self.request.at / 1000).replace('T', " ").trim_end_matches('Z').to_owned()
    }
}

/// Seconds since 1970 as `2026-11-25T00:00:00Z`.
fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |at| at.to_string())
}

/// A page of a list, and a link to the next.
fn page(context: &Context<'_>, all: &[Value], size: usize, key: &str) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let start = query.filled("page_token").map_or(Ok(0), str::parse::<usize>);
    let start = start.map_err(|_| ApiError::bad("page_token", "invalid page_token"))?.min(all.len());
    let end = (start + size).min(all.len());
    let link = |token: usize| format!("{}{}?page_size={size}&page_token={token}", context.url, context.request.path());
    let mut metadata = json!({ "self": link(start), "count": all.len() });
    if end < all.len() {
        metadata["next"] = json!(link(end));
    }
    Ok(Answer::json(StatusCode::OK, &json!({ key: all[start..end], "_metadata": metadata })))
}

/// What a request needs of the key; none for the scopes themselves.
fn scope(method: &Method, path: &[&str]) -> Option<&'static str> {
    let reads = method == Method::GET;
    Some(match path {
        ["mail", "send"] => "mail.send",
        ["templates", _, "versions", _, "activate"] => "templates.versions.activate.create",
        ["templates", _, "versions"] => "templates.versions.create",
        ["templates", ..] if reads => "templates.read",
        ["templates", ..] => "templates.create",
        ["marketing", ..] if reads => "marketing.read",
        ["marketing", ..] => "marketing.update",
        ["stats"] => "stats.global.read",
        ["categories", ..] => "categories.stats.read",
        ["suppression", "bounces", ..] if reads => "suppression.bounces.read",
        ["suppression", "bounces", ..] => "suppression.bounces.delete",
        ["suppression", "spam_reports", ..] if reads => "suppression.spam_reports.read",
        ["suppression", "spam_reports", ..] => "suppression.spam_reports.delete",
        ["suppression", "invalid_emails", ..] if reads => "suppression.invalid_emails.read",
        ["suppression", "invalid_emails", ..] => "suppression.invalid_emails.delete",
        ["suppression", "blocks", ..] if reads => "suppression.blocks.read",
        ["suppression", "blocks", ..] => "suppression.blocks.delete",
        ["suppression", ..] => "suppression.unsubscribes.read",
        ["asm", "groups"] => "asm.groups.read",
        ["asm", ..] if reads => "asm.groups.suppressions.read",
        ["asm", ..] => "asm.groups.suppressions.create",
        ["messages"] => "messages.read",
        _ => return None,
    })
}

impl Sendgrid {
    /// Base address of the vendor's API.
    pub fn url(&self) -> String {
        self.stage.url().to_owned()
    }

    /// Scripted misbehaviour.
    pub fn faults(&self) -> &Faults {
        &self.stage.faults
    }

    /// Remembered requests, and how many are kept.
    pub fn recorder(&self) -> &Recorder {
        &self.stage.recorder
    }

    /// The remembered requests with their answers, oldest first.
    pub fn requests(&self) -> Vec<Exchange> {
        self.recorder().exchanges()
    }

    /// The time that requests are stamped with.
    pub fn clock(&self) -> &Clock {
        &self.stage.clock
    }

    /// Lets a key in that may do everything.
    pub fn add_key(&self, key: &str) {
        self.world.lock().keys.insert(key.to_owned(), None);
    }

    /// Lets a key in that may do only this.
    pub fn add_restricted_key(&self, key: &str, scopes: &[&str]) {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.world.lock().keys.insert(key.to_owned(), Some(scopes));
    }

    /// Lets a key in no longer.
    pub fn remove_key(&self, key: &str) {
        self.world.lock().keys.remove(key);
    }

    /// Verifies a sender.
    pub fn verify_sender(&self, email: &str) {
        self.world.lock().senders.insert(email.to_owned());
    }

    /// Mail to this address has bounced.
    pub fn add_bounce(&self, email: &str) {
        let created = self.clock().now() / 1000;
        self.world.lock().bounces.push(Suppressed { email: email.to_owned(), created });
    }

    /// The holder of this address wants no mail of the account.
    pub fn add_unsubscribe(&self, email: &str) {
        let created = self.clock().now() / 1000;
        self.world.lock().unsubscribes.push(Suppressed { email: email.to_owned(), created });
    }

    /// The holder of this address has called a mail spam.
    pub fn add_spam_report(&self, email: &str) {
        let created = self.clock().now() / 1000;
        self.world.lock().spam_reports.push(Suppressed { email: email.to_owned(), created });
    }

    /// This is no address that mail can be sent to.
    pub fn add_invalid_email(&self, email: &str) {
        let created = self.clock().now() / 1000;
        self.world.lock().invalid_emails.push(Suppressed { email: email.to_owned(), created });
    }

    /// The mail server of this address has turned a message away. Others still go there.
    pub fn add_block(&self, email: &str) {
        let created = self.clock().now() / 1000;
        self.world.lock().blocks.push(Suppressed { email: email.to_owned(), created });
    }

    /// Every copy of every message that was taken, oldest first; those that were dropped too.
    pub fn messages(&self) -> Vec<Message> {
        self.world.lock().messages.clone()
    }

    /// Everything that the Event Webhook would tell, oldest first.
    pub fn events(&self) -> Vec<Value> {
        self.world.lock().events.clone()
    }

    /// Signs a body as the Event Webhook does: the values of `X-Twilio-Email-Event-Webhook-Timestamp` and `-Signature`.
    pub fn sign(&self, body: &str) -> (String, String) {
        let timestamp = (self.clock().now() / 1000).to_string();
        let key = SigningKey::from_slice(&WEBHOOK_KEY).unwrap_or_else(|_| unreachable!("the constant is a P-256 key"));
        let signature: Signature = key.sign(format!("{timestamp}{body}").as_bytes());
        (timestamp, STANDARD.encode(signature.to_der().as_bytes()))
    }

    fn route(&self, request: &Request) -> Result<Answer, ApiError> {
        let mut world = self.world.lock();
        let allowed = key(request).and_then(|key| world.keys.get(key)).ok_or_else(ApiError::unauthenticated)?;
        let segments = request.segments();
        let path: Vec<&str> = segments.iter().map(|segment| &**segment).take(8).collect();
        let ["v3", path @ ..] = path.as_slice() else {
            return Err(ApiError::not_found());
        };
        if let (Some(allowed), Some(needed)) = (allowed, scope(&request.method, path))
            && !allowed.contains(needed)
        {
            return Err(ApiError::forbidden());
        }
        if let ["scopes"] = path {
            let scopes: Vec<&str> = match allowed {
                Some(allowed) => allowed.iter().map(String::as_str).collect(),
                None => SCOPES.to_vec(),
            };
            return Ok(Answer::json(StatusCode::OK, &json!({ "scopes": scopes })));
        }
        let context = &mut Context { request, world: &mut world, url: self.stage.url() };
        match (&request.method, path) {
            (&Method::POST, ["mail", "send"]) => mail::send(context),
            (&Method::GET, ["messages"]) => mail::activity(context),
            (_, ["templates", rest @ ..]) => templates::route(context, rest),
            (_, ["marketing", rest @ ..]) => marketing::route(context, rest),
            (&Method::GET, ["stats"]) => lookups::stats(context, false),
            (&Method::GET, ["categories", "stats"]) => lookups::stats(context, true),
            (_, ["suppression", list, rest @ ..]) => lookups::suppression(context, list, rest),
            (_, ["asm", "groups", rest @ ..]) => lookups::groups(context, rest),
            _ => Err(ApiError::not_found()),
        }
    }
}

impl Vendor for Sendgrid {
    fn answer(&self, request: &Request) -> Answer {
        self.route(request).unwrap_or_else(|error| error.answer())
    }

    fn refusal(&self, status: StatusCode, _code: Option<u32>) -> Answer {
        let answer = ApiError::new(status, status.canonical_reason().unwrap_or("Error").to_lowercase()).answer();
        if status != StatusCode::TOO_MANY_REQUESTS {
            return answer;
        }
        let reset = (self.clock().now() / 1000).to_string();
        answer.with(RATE_LIMIT, "600").with(RATE_REMAINING, "0").with(RATE_RESET, &reset)
    }

    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        key(request).map(Cow::Borrowed)
    }

    fn recipient(&self, request: &Request) -> Option<String> {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        body.pointer("/personalizations/0/to/0/email")?.as_str().map(str::to_owned)
    }

    fn control(&self, path: &str, request: &Request) -> Option<Answer> {
        let body = || serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        match (&request.method, path) {
            (&Method::GET, "events") => Some(Answer::json(StatusCode::OK, &self.events())),
            (&Method::POST, "bounces") => {
                self.add_bounce(body().get("email").and_then(Value::as_str)?);
                Some(Answer::empty(StatusCode::NO_CONTENT))
            }
            _ => None,
        }
    }

    fn reset(&self) {
        self.world.lock().clear();
    }
}

fn key(request: &Request) -> Option<&str> {
    request.header(&AUTHORIZATION)?.strip_prefix("Bearer ")
}

impl crate::Sandbox {
    /// The look-alike of SendGrid.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without it.
    pub fn sendgrid(&self) -> &Sendgrid {
        self.handle(REGISTRATION.name)
    }
}

impl std::fmt::Debug for Sendgrid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sendgrid").field("url", &self.url()).finish_non_exhaustive()
    }
}
