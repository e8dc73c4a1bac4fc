//! Workspace Events v1: subscriptions to what happens in Drive and Meet.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply, Result, moment, text, with_next};
use super::error::ApiError;

const MEET: &[&str] = &["meetings.space.created", "meetings.space.readonly"];
const DRIVE: &[&str] = &["drive", "drive.file", "drive.metadata", "drive.metadata.readonly", "drive.readonly"];
/// How long a subscription lasts at most, in milliseconds: shorter if the messages carry the resource.
const LONGEST_MS: i64 = 7 * 24 * 3_600_000;
const LONGEST_WITH_RESOURCE_MS: i64 = 4 * 3_600_000;

/// A subscription.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    id: String,
    user: String,
    fields: Map<String, Value>,
    state: &'static str,
    reason: Option<String>,
    created: i64,
    updated: i64,
    expires: i64,
}

impl Subscription {
    pub(super) fn name(&self) -> String {
        format!("subscriptions/{}", self.id)
    }

    /// Stops it, as the vendor does with one whose messages cannot be delivered.
    pub(super) fn suspend(&mut self, reason: &str) {
        self.state = "SUSPENDED";
        self.reason = Some(reason.to_owned());
    }

    fn shown(&self) -> Value {
        let mut fields = self.fields.clone();
        for (name, value) in [
            ("name", json!(self.name())),
            ("uid", json!(self.id)),
            ("authority", json!(format!("users/{}", self.user))),
            ("state", json!(self.state)),
            ("createTime", json!(moment(self.created))),
            ("updateTime", json!(moment(self.updated))),
            ("expireTime", json!(moment(self.expires))),
            ("etag", json!(format!("\"{}\"", self.updated))),
            ("reconciling", json!(false)),
        ] {
            fields.insert(name.to_owned(), value);
        }
        if let Some(reason) = &self.reason {
            fields.insert("suspensionReason".to_owned(), json!(reason));
        }
        Value::Object(fields)
    }
}

/// Answers behind `/v1/subscriptions`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    call.needs(&[MEET, DRIVE].concat())?;
    let method = call.request.method.clone();
    match (&method, path) {
        (&Method::POST, []) => create(call),
        (&Method::GET, []) => list(call),
        (&Method::GET, [id]) => Ok(Reply::Json(find(call, id)?.shown())),
        (&Method::DELETE, [id]) => match find(call, id).map(|_| ()) {
            Err(_) if call.flag("allowMissing") => Ok(operation(call, empty())),
            Err(refused) => Err(refused),
            Ok(()) => {
                if !call.flag("validateOnly") {
                    call.world.subscriptions.retain(|held| held.id != **id);
                }
                Ok(operation(call, empty()))
            }
        },
        (&Method::POST, [name]) => match name.rsplit_once(':') {
            Some((id, "reactivate")) => reactivate(call, id),
            _ => Err(ApiError::not_found("Not Found")),
        },
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn empty() -> Value {
    json!({ "@type": "type.googleapis.com/google.protobuf.Empty" })
}

/// An operation that is done already.
fn operation(call: &mut Call<'_>, response: Value) -> Reply {
    let name = format!("operations/{}", call.world.ids.word(20));
    Reply::Json(json!({ "name": name, "done": true, "response": response }))
}

fn typed(subscription: &Subscription) -> Value {
    let mut shown = subscription.shown();
    shown["@type"] = json!("type.googleapis.com/google.apps.events.subscriptions.v1.Subscription");
    shown
}

/// A subscription of the user that has not ended.
fn find<'w>(call: &'w Call<'_>, id: &str) -> Result<&'w Subscription> {
    let mut held = call.world.subscriptions.iter();
    let found = held.find(|held| held.id == id && held.user == call.user() && call.at() < held.expires);
    found.ok_or_else(|| ApiError::not_found("Requested entity was not found."))
}

/// What the events of a target are called, and what has to be allowed for it.
fn target(resource: &str) -> Option<(&'static str, &'static [&'static str])> {
    let (product, name) = resource.strip_prefix("//")?.split_once(".googleapis.com/")?;
    let known = |kinds: &[&str]| name.split_once('/').is_some_and(|(kind, id)| kinds.contains(&kind) && !id.is_empty());
    match product {
        "meet" if known(&["spaces"]) => Some(("google.workspace.meet.", MEET)),
        "cloudidentity" if known(&["users"]) => Some(("google.workspace.meet.", MEET)),
        "drive" if known(&["files", "drives"]) => Some(("google.workspace.drive.", DRIVE)),
        _ => None,
    }
}

fn create(call: &mut Call<'_>) -> Result {
    let body = call.body()?;
    let resource = text(&body, "targetResource").ok_or_else(|| ApiError::invalid("targetResource: required"))?;
    let (prefix, scopes) = target(resource).ok_or_else(|| ApiError::invalid("Invalid target resource."))?;
    call.needs(scopes)?;
    let types = body.get("eventTypes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if types.is_empty() || !types.iter().all(|kind| kind.as_str().is_some_and(|kind| kind.starts_with(prefix))) {
        return Err(ApiError::invalid("Invalid event types for the target resource."));
    }
    let topic = body.get("notificationEndpoint").and_then(|endpoint| endpoint["pubsubTopic"].as_str()).unwrap_or("");
    if !(topic.starts_with("projects/") && topic.contains("/topics/")) {
        return Err(ApiError::invalid("notificationEndpoint.pubsubTopic must be projects/{project}/topics/{topic}."));
    }
    let held = call.world.subscriptions.iter().filter(|held| held.user == call.user() && call.at() < held.expires);
    if held.into_iter().any(|held| held.fields.get("targetResource").and_then(Value::as_str) == Some(resource)) {
        return Err(ApiError::duplicate("A subscription already exists for the target resource."));
    }
    let with_resource = body.get("payloadOptions").is_some_and(|options| options["includeResource"] == true);
    let longest = if with_resource { LONGEST_WITH_RESOURCE_MS } else { LONGEST_MS };
    let life = match text(&body, "ttl") {
        None => longest,
        Some(ttl) => {
            let seconds = ttl.strip_suffix('s').and_then(|seconds| seconds.parse::<i64>().ok());
            let life = seconds.ok_or_else(|| ApiError::invalid("Invalid ttl"))? * 1000;
            if life == 0 { longest } else { life.min(longest) }
        }
    };
    let kept = ["targetResource", "eventTypes", "notificationEndpoint", "payloadOptions", "driveOptions"];
    let fields = body.into_iter().filter(|(name, _)| kept.contains(&name.as_str())).collect();
    let subscription = Subscription {
        id: call.world.ids.word(24),
        user: call.user().to_owned(),
        fields,
        state: "ACTIVE",
        reason: None,
        created: call.at(),
        updated: call.at(),
        expires: call.at() + life,
    };
    let shown = typed(&subscription);
    if !call.flag("validateOnly") {
        call.world.subscriptions.push(subscription);
    }
    Ok(operation(call, shown))
}

fn list(call: &mut Call<'_>) -> Result {
    let size = call.size("pageSize", 50, 100)?;
    let filter = call.query.filled("filter").unwrap_or("");
    // `event_types:"x" AND target_resource="y"`: what stands in quotes has to be there.
    let quoted: Vec<&str> = filter.split('"').skip(1).step_by(2).collect();
    let shows = |held: &&Subscription| {
        let fields = Value::Object(held.fields.clone()).to_string();
        held.user == call.user() && call.at() < held.expires && quoted.iter().all(|text| fields.contains(text))
    };
    let all: Vec<Value> = call.world.subscriptions.iter().filter(shows).map(Subscription::shown).collect();
    let (page, next) = call.page(all, size)?;
    let list = if page.is_empty() { json!({}) } else { json!({ "subscriptions": page }) };
    Ok(Reply::Json(with_next(list, next)))
}

fn reactivate(call: &mut Call<'_>, id: &str) -> Result {
    find(call, id)?;
    let at = call.at();
    let held = call.world.subscriptions.iter_mut().find(|held| held.id == id);
    let held = held.ok_or_else(|| ApiError::not_found("Requested entity was not found."))?;
    if held.state != "SUSPENDED" {
        return Err(ApiError::precondition("The subscription is not suspended."));
    }
    (held.state, held.reason, held.updated) = ("ACTIVE", None, at);
    let shown = typed(held);
    Ok(operation(call, shown))
}
