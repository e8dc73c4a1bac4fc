//! Subscriptions to change notifications.

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::access;
use super::context::{Context, Outcome, needed, text};
use super::error::GraphError;
use super::filter;
use super::jwt::Registered;
use super::mail;
use super::odata::Listing;
use super::table::{Kind, Row};
use super::{CLIENT_ID, TENANT_ID};
use crate::exchange::Answer;
use crate::outgoing;

const SUBSCRIPTIONS: Listing<'_> = Listing::new("subscriptions");
/// Under which a subscription says whether it was made by a request for ids that outlive a move.
pub(super) const LASTING: &str = "sandboxLastingIds";
const LONGEST_STATE: usize = 128;
/// How long the receiver may take to prove itself.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) fn route(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => {
            let rows = context.world.table.under(Kind::Subscription, "");
            let live = rows.filter(|row| until(&row.value) > Some(context.request.at));
            context.page(live.map(|row| shown(row.value.clone())).collect(), &SUBSCRIPTIONS)
        }
        (Method::POST, []) => create(context),
        (Method::GET, [id]) => {
            let row = find(context, id)?;
            context.one(shown(row.value), &SUBSCRIPTIONS)
        }
        (Method::PATCH, [id]) => {
            let (row, body) = (find(context, id)?, context.body()?);
            let until = needed(&body, "expirationDateTime")?;
            lasts(context, text(&row.value, "resource").unwrap_or_default(), rich(&row.value), until)?;
            let changed = context.world.table.change(Kind::Subscription, "", &row.id);
            let changed = changed.ok_or_else(missing)?;
            changed.value["expirationDateTime"] = json!(until);
            let subscription = shown(changed.value.clone());
            context.whole(StatusCode::OK, SUBSCRIPTIONS.set, subscription)
        }
        (Method::DELETE, [id]) => {
            let row = find(context, id)?;
            context.world.table.remove(Kind::Subscription, "", &row.id);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (Method::POST, [id, "reauthorize"]) => {
            find(context, id)?;
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}

fn missing() -> GraphError {
    GraphError::new(StatusCode::NOT_FOUND, "ResourceNotFound", "The object was not found.")
}

/// Until when a subscription lives, in milliseconds.
fn until(subscription: &Value) -> Option<i64> {
    text(subscription, "expirationDateTime").and_then(filter::moment).map(Timestamp::as_millisecond)
}

fn rich(subscription: &Value) -> bool {
    subscription.get("includeResourceData") == Some(&json!(true))
}

/// A subscription; one that has run out is gone.
fn find(context: &Context<'_>, id: &str) -> Result<Row, GraphError> {
    let row = context.world.table.get(Kind::Subscription, "", id).cloned();
    row.filter(|row| until(&row.value) > Some(context.request.at)).ok_or_else(missing)
}

/// A subscription as it is read: without what only the receiver should know.
fn shown(mut subscription: Value) -> Value {
    subscription["clientState"] = Value::Null;
    if let Some(fields) = subscription.as_object_mut() {
        fields.remove("encryptionCertificate");
        fields.remove(LASTING);
    }
    subscription
}

fn invalid(message: impl Into<String>) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}

/// The longest life of a subscription to a resource, in minutes.
fn longest(resource: &str, rich: bool) -> i64 {
    let parts: Vec<&str> = resource.split(['/', '?']).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [.., "drive" | "root" | "lists" | "list"] | ["drives", ..] => 42_300,
        ["users" | "me", .., "messages" | "events"] | ["users" | "me", .., "messages" | "events", _] => {
            if rich {
                1_440
            } else {
                10_080
            }
        }
        ["teams" | "chats", ..] => 4_320,
        ["communications", ..] => 4_320,
        ["users" | "groups"] | ["users" | "groups", _] => 41_760,
        _ => 4_230,
    }
}

fn lasts(context: &Context<'_>, resource: &str, rich: bool, until: &str) -> Result<(), GraphError> {
    let at = filter::moment(until).ok_or_else(|| invalid("The expirationDateTime is not valid."))?;
    let minutes = (at.as_millisecond() - context.request.at) / 60_000;
    if minutes <= 0 {
        return Err(invalid("Subscription expiration can only be in the future."));
    }
    if minutes > longest(resource, rich) {
        let message = format!("Subscription expiration can only be {} minutes in the future.", longest(resource, rich));
        return Err(GraphError::new(StatusCode::BAD_REQUEST, "ExtensionError", message));
    }
    Ok(())
}

fn create(context: &mut Context<'_>) -> Outcome {
    let body = context.body()?;
    let resource = needed(&body, "resource")?.to_owned();
    check(context, &body, &resource)?;
    allowed(context, &resource)?;
    single(context, &body, &resource)?;
    let id = context.world.guid();
    let of = |name: &str| body.get(name).cloned().unwrap_or_default();
    let subscription = json!({
        "id": id,
        "resource": resource,
        "applicationId": CLIENT_ID,
        "changeType": of("changeType"),
        "clientState": of("clientState"),
        "notificationUrl": of("notificationUrl"),
        "lifecycleNotificationUrl": of("lifecycleNotificationUrl"),
        "expirationDateTime": of("expirationDateTime"),
        "creatorId": context.user().unwrap_or(TENANT_ID),
        "includeResourceData": body.get("includeResourceData").and_then(Value::as_bool).unwrap_or(false),
        "encryptionCertificate": of("encryptionCertificate"),
        "encryptionCertificateId": of("encryptionCertificateId"),
        "latestSupportedTlsVersion": text(&body, "latestSupportedTlsVersion").unwrap_or("v1_2"),
        LASTING: mail::immutable(context),
    });
    context.world.add(Kind::Subscription, "", subscription.clone());
    let mut told = shown(subscription);
    told["clientState"] = of("clientState");
    context.whole(StatusCode::CREATED, SUBSCRIPTIONS.set, told)
}

/// The app has one subscription to the same changes of the same.
fn single(context: &Context<'_>, body: &Value, resource: &str) -> Result<(), GraphError> {
    let same = |row: &&Row| {
        let of = |name: &str| text(&row.value, name).unwrap_or_default();
        of("resource").trim_start_matches('/') == resource.trim_start_matches('/')
            && Some(of("changeType")) == text(body, "changeType")
            && until(&row.value) > Some(context.request.at)
    };
    match context.world.table.under(Kind::Subscription, "").find(same) {
        Some(row) => {
            let message = format!("Subscription Id {} already exists for the requested combination", row.id);
            Err(GraphError::new(StatusCode::CONFLICT, "ExtensionError", message))
        }
        None => Ok(()),
    }
}

/// Whoever subscribes to a resource must be allowed to read it.
fn allowed(context: &Context<'_>, resource: &str) -> Result<(), GraphError> {
    let resource = resource.split('?').next().unwrap_or_default();
    let parts = resource.split('/').filter(|part| !part.is_empty());
    let parts: Vec<&str> = match context.user() {
        Some(user) => parts.flat_map(|part| if part == "me" { vec!["users", user] } else { vec![part] }).collect(),
        None => parts.collect(),
    };
    access::check(context.caller, &Method::GET, &parts)
}

fn check(context: &Context<'_>, body: &Value, resource: &str) -> Result<(), GraphError> {
    let kinds: Vec<&str> = needed(body, "changeType")?.split(',').map(str::trim).collect();
    if !kinds.iter().all(|kind| matches!(*kind, "created" | "updated" | "deleted")) {
        return Err(invalid("The changeType is not valid."));
    }
    let of_drive = resource.trim_end_matches("/root").ends_with("drive") || resource.contains("drives/");
    if of_drive && kinds != ["updated"] {
        return Err(invalid("Drives only tell of updates."));
    }
    for name in ["notificationUrl", "lifecycleNotificationUrl"] {
        let address = match name {
            "notificationUrl" => Some(needed(body, name)?),
            _ => text(body, name),
        };
        // Plain HTTP is let in where it cannot leave this machine, for a test to receive it.
        if address.is_some_and(|address| !address.starts_with("https://") && !outgoing::is_local(address)) {
            return Err(invalid(format!("The {name} must be an HTTPS address.")));
        }
    }
    if text(body, "clientState").is_some_and(|state| state.len() > LONGEST_STATE) {
        return Err(invalid(format!("The clientState is longer than {LONGEST_STATE} characters.")));
    }
    let until = needed(body, "expirationDateTime")?;
    lasts(context, resource, rich(body), until)?;
    let hours = (filter::moment(until).map_or(0, Timestamp::as_millisecond) - context.request.at) / 3_600_000;
    let chatty = resource.trim_start_matches('/').starts_with("teams/") || resource.contains("chats");
    if chatty && hours >= 1 && text(body, "lifecycleNotificationUrl").is_none() {
        return Err(invalid("A lifecycleNotificationUrl is needed for subscriptions of more than an hour."));
    }
    if rich(body) {
        needed(body, "encryptionCertificateId")?;
        let certificate = text(body, "encryptionCertificate").and_then(Registered::from_base64);
        certificate.ok_or_else(|| invalid("The encryptionCertificate cannot be read."))?;
    }
    Ok(())
}

/// Calls the addresses of a subscription that is asked for, and sees whether each proves itself.
///
/// It blocks: the vendor, too, answers only after the receiver has.
pub(super) fn shake_hands(body: &[u8], token: &str) -> Result<(), GraphError> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    for name in ["notificationUrl", "lifecycleNotificationUrl"] {
        let Some(address) = text(&body, name).filter(|address| outgoing::is_local(address)) else {
            continue;
        };
        if prove(address, token).as_deref() != Some(token) {
            let message =
                "Subscription validation request failed. Response must match validationToken query parameter.";
            return Err(GraphError::new(StatusCode::BAD_REQUEST, "ValidationError", message));
        }
    }
    Ok(())
}

/// What the receiver answers, if it answers in time, with 200 and as text.
fn prove(address: &str, token: &str) -> Option<String> {
    let joint = if address.contains('?') { '&' } else { '?' };
    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let address = format!("{address}{joint}validationToken={token}");
    let call = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let mut headers = hyper::HeaderMap::new();
        headers
            .insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain; charset=utf-8"));
        let answer = runtime
            .block_on(async { tokio::time::timeout(PATIENCE, outgoing::post(&address, headers, String::new())).await });
        let answer = answer.ok()?.ok()?;
        let kind = answer.headers().get(hyper::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let proper = answer.status() == StatusCode::OK && kind.is_some_and(|kind| kind.starts_with("text/plain"));
        proper.then(|| String::from_utf8_lossy(answer.body()).into_owned())
    };
    // A runtime cannot be started on a thread that runs one.
    std::thread::spawn(call).join().ok()?
}
