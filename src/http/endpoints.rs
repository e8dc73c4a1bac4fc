//! The endpoints: each reads its request, calls one function of the manager, and writes the answer.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Api, Problem, asking::Asking, problem::REQUEST_ID};
use crate::{
    ApiKeyRequest, AuditFilter, ConfigChange, ConfigView, Grant, WebhookFilter,
    error::{Error, ErrorCode, Result},
    manager::{ConsentAnswer, ConsentRequest, edge},
    model::{Disclosure, Timestamp},
};

type Answer = Result<Response, Problem>;

pub(super) fn json(answer: &impl Serialize) -> Response {
    match serde_json::to_vec(answer) {
        Ok(body) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
        Err(_) => Problem::from(Error::internal("an answer cannot be written as JSON")).into_response(),
    }
}

/// For a load balancer: whether the storage can be read. Says nothing else, since nobody is asked who they are.
pub(super) async fn healthz(State(api): State<Arc<Api>>) -> Answer {
    api.manager.ready().await?;
    Ok(json(&json!({ "status": "ok" })))
}

/// One provider in the list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    provider: &'a str,
    name: &'a str,
    /// Whether the school has settings of its own.
    configured: bool,
    /// Whether calls are let through: with settings of its own that are switched on, or with the platform's.
    enabled: bool,
    /// Of the settings; null without any.
    version: Option<u64>,
    updated_at: Option<Timestamp>,
    /// How many operations there are.
    operations: usize,
}

pub(super) async fn list(asking: Asking) -> Answer {
    let configs = asking.school.configs(&asking.actor).await?;
    let listed = |spec: &'_ crate::manager::ProviderSpec| {
        let own = configs.iter().find(|config| config.provider == spec.info.id);
        Listed {
            provider: spec.info.id,
            name: spec.info.name,
            configured: own.is_some(),
            enabled: own.map_or(asking.manager().has_default_config(spec.info.id), |own| own.enabled),
            version: own.map(|own| own.version),
            updated_at: own.map(|own| own.updated_at),
            operations: spec.operations.len(),
        }
    };
    let integrations: Vec<_> = asking.manager().providers().map(listed).collect();
    Ok(json(&json!({ "integrations": integrations })))
}

pub(super) async fn config(asking: Asking) -> Answer {
    Ok(tagged(&asking.school.config(&asking.actor, asking.segment("provider")).await?))
}

pub(super) async fn configure(asking: Asking, body: Body) -> Answer {
    let mut change: ConfigChange = asking.body(body).await?;
    let precondition = precondition(&asking)?;
    if let Some(version) = precondition {
        if change.expected_version.is_some_and(|expected| expected != version) {
            return Err(Error::invalid("expectedVersion", "is not the version that the header names").into());
        }
        change.expected_version = Some(version);
    }
    match asking.school.configure_json(&asking.actor, asking.segment("provider"), change).await {
        Ok(view) => Ok(tagged(&view)),
        Err(error) if precondition.is_some() && error.code() == ErrorCode::Conflict => {
            Err(Problem::from(error).with_status(StatusCode::PRECONDITION_FAILED))
        }
        Err(error) => Err(error.into()),
    }
}

fn tagged(view: &ConfigView) -> Response {
    let mut response = json(view);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", view.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The version that must be there now: of `If-Match`, or none at all for `If-None-Match: *`.
fn precondition(asking: &Asking) -> Result<Option<u64>> {
    let (matches, none) = (asking.header("If-Match")?, asking.header("If-None-Match")?);
    match (matches, none) {
        (None, None) => Ok(None),
        (None, Some("*")) => Ok(Some(0)),
        (Some(tag), None) => {
            // A proxy that compresses answers marks their tags as weak; the version is the same.
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|tag| tag.parse().ok());
            let why = "must be one ETag that this path has answered, such as \"3\"";
            version.map(Some).ok_or_else(|| Error::invalid("If-Match", why))
        }
        _ => Err(Error::invalid("If-None-Match", "must be *, without If-Match")),
    }
}

pub(super) async fn execute(asking: Asking, body: Body) -> Answer {
    let (arguments, _place) = asking.arguments(body).await?;
    let (arguments, told) = split_disclosure(arguments.unwrap_or_default());
    let about = match (asking.header("X-Disclosure")?, told) {
        (Some(_), Some(_)) => return Err(Error::invalid("disclosure", "stands in the header and in the body").into()),
        (Some(header), None) => {
            let told = serde_json::from_str(header).map_err(|_| Error::invalid("X-Disclosure", "must be JSON"))?;
            read_disclosure(told)?
        }
        (None, Some(told)) => read_disclosure(told)?,
        (None, None) => Disclosure::default(),
    };
    let mut call = asking.school.request(&asking.actor).about(about);
    if let Some(key) = asking.header("Idempotency-Key")? {
        // The IETF's draft quotes the key, most clients do not: they mean the same.
        let bare = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        call = call.idempotency_key(bare);
    }
    if let Some(millis) = asking.header("X-Deadline-Ms")? {
        let millis = millis.parse().map_err(|_| Error::invalid("X-Deadline-Ms", "must be a whole number"))?;
        call = call.deadline(Duration::from_millis(millis));
    }
    match asking.header("X-Wait")? {
        None | Some("false") => {}
        Some("true") => call = call.wait(),
        Some(_) => return Err(Error::invalid("X-Wait", "must be true or false").into()),
    }
    let reply = call.execute(asking.segment("provider"), asking.segment("method"), arguments).await;
    let reply = reply.map_err(|error| match error.field() {
        Some("deadline") => error.with_field("X-Deadline-Ms"),
        _ => error,
    })?;
    let mut response = json(&reply.output);
    if let Ok(id) = HeaderValue::from_str(&reply.request_id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if reply.replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// `{"args":[{…}],"disclosure":{…}}`: a place for disclosures that are too long for a header. A bare object is an
/// operation's own, whatever its members are called.
fn split_disclosure(mut body: Value) -> (Value, Option<Value>) {
    let told = match &mut body {
        Value::Object(members) if members.len() == 2 && members.get("args").is_some_and(Value::is_array) => {
            members.remove("disclosure")
        }
        _ => None,
    };
    (body, told)
}

fn read_disclosure(told: Value) -> Result<Disclosure> {
    edge::read(told).map_err(|error| {
        if error.field() == Some("") { error.with_field("disclosure") } else { error.within("disclosure") }
    })
}

/// What there is to call. The same for every school, so whoever is known at one may read it.
pub(super) async fn operations(asking: Asking) -> Answer {
    if asking.actor.tenant().is_some_and(|own| own != asking.school.id()) {
        return Err(Error::new(ErrorCode::PermissionDenied, "the actor belongs to another school").into());
    }
    Ok(json(&edge::described(asking.manager().provider(asking.segment("provider"))?)))
}

pub(super) async fn health(asking: Asking) -> Answer {
    Ok(json(&asking.school.health(&asking.actor, asking.segment("provider")).await?))
}

pub(super) async fn health_all(asking: Asking) -> Answer {
    Ok(json(&json!({ "integrations": asking.school.health_all(&asking.actor).await? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    #[serde(default)]
    from: Option<Timestamp>,
    #[serde(default)]
    to: Option<Timestamp>,
}

pub(super) async fn stats(asking: Asking) -> Answer {
    let period: Period = asking.query(&[])?;
    Ok(json(&asking.school.stats(&asking.actor, period.from, period.to).await?))
}

pub(super) async fn audit(asking: Asking) -> Answer {
    let filter: AuditFilter = asking.query(&["limit"])?;
    Ok(json(&asking.school.audit(&asking.actor, &filter).await?))
}

pub(super) async fn verify_audit(asking: Asking) -> Answer {
    Ok(json(&asking.school.verify_audit(&asking.actor).await?))
}

pub(super) async fn webhook_route(asking: Asking) -> Answer {
    let provider = asking.segment("provider");
    let route = asking.school.webhook_route(&asking.actor, provider).await?;
    let path = format!("/api/integrations/webhooks/{provider}?route={route}");
    Ok(json(&json!({ "provider": provider, "route": route, "path": path })))
}

pub(super) async fn webhooks(asking: Asking) -> Answer {
    let filter: WebhookFilter = asking.query(&["limit"])?;
    Ok(json(&asking.school.webhooks(&asking.actor, &filter).await?))
}

pub(super) async fn replay_webhook(asking: Asking) -> Answer {
    Ok(json(&asking.school.replay_webhook(&asking.actor, asking.segment("id")).await?))
}

pub(super) async fn delivery(asking: Asking) -> Answer {
    let (provider, message) = (asking.segment("provider"), asking.segment("messageId"));
    Ok(json(&asking.school.delivery(&asking.actor, provider, message).await?))
}

pub(super) async fn subscriptions(asking: Asking) -> Answer {
    Ok(json(&json!({ "subscriptions": asking.school.subscriptions(&asking.actor).await? })))
}

pub(super) async fn begin_consent(asking: Asking, body: Body) -> Answer {
    let request: ConsentRequest = asking.body(body).await?;
    Ok(json(&asking.school.begin_consent(&asking.actor, asking.segment("provider"), request).await?))
}

pub(super) async fn complete_consent(asking: Asking, body: Body) -> Answer {
    let answer: ConsentAnswer = asking.body(body).await?;
    Ok(json(&asking.school.complete_consent(&asking.actor, asking.segment("provider"), answer).await?))
}

pub(super) async fn permissions(asking: Asking) -> Answer {
    let (user, provider) = (asking.segment("userId"), asking.segment("provider"));
    Ok(json(&asking.school.permissions(&asking.actor, user, provider).await?))
}

pub(super) async fn set_permissions(asking: Asking, body: Body) -> Answer {
    let grant: Grant = asking.body(body).await?;
    asking.school.grant(&asking.actor, asking.segment("userId"), asking.segment("provider"), &grant).await?;
    Ok(json(&grant))
}

pub(super) async fn create_api_key(asking: Asking, body: Body) -> Answer {
    let request: ApiKeyRequest = asking.body(body).await?;
    let made = asking.school.create_api_key(&asking.actor, request).await?;
    let mut shown = json!(made.record);
    // The one answer that holds the key itself.
    shown["key"] = made.key.expose().clone().into();
    Ok((StatusCode::CREATED, json(&shown)).into_response())
}

pub(super) async fn api_keys(asking: Asking) -> Answer {
    Ok(json(&json!({ "apiKeys": asking.school.api_keys(&asking.actor).await? })))
}

pub(super) async fn revoke_api_key(asking: Asking) -> Answer {
    asking.school.revoke_api_key(&asking.actor, asking.segment("id")).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
