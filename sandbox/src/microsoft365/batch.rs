//! `$batch`: up to twenty requests in one, answered in no particular order.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::context::{Context, Outcome, items, text};
use super::error::{GraphError, Ids};
use super::routes;
use crate::exchange::{Answer, Request};

const MOST: usize = 20;

/// Answers a batch; the tenant's other requests wait until it is through.
pub(super) fn route(context: &mut Context<'_>, ids: &Ids) -> Outcome {
    let body = context.body()?;
    let given = items(&body, "requests");
    if given.is_empty() || given.len() > MOST {
        return Err(GraphError::bad(format!(
            "Number of batch request steps exceeds the maximum value of {MOST}, or there are none."
        )));
    }
    let mut named = BTreeSet::new();
    for item in given {
        let id = text(item, "id").ok_or_else(|| GraphError::bad("A request has no id."))?;
        if !named.insert(id.to_lowercase()) {
            return Err(GraphError::bad(format!("The id '{id}' is not unique.")));
        }
        if item.get("body").is_some() && header(item, "content-type").is_none() {
            return Err(GraphError::bad(format!("The request '{id}' has a body but no Content-Type header.")));
        }
    }
    if given.iter().flat_map(dependencies).any(|id| !named.contains(&id)) {
        return Err(GraphError::bad("A request depends on one that is not in the batch."));
    }
    let mut statuses: BTreeMap<String, u16> = BTreeMap::new();
    let mut responses: Vec<Value> = Vec::new();
    let mut waiting: Vec<&Value> = given.iter().collect();
    // Each round takes those whose dependencies are through; a round that takes none has met a circle.
    while !waiting.is_empty() {
        let ready = |item: &Value| dependencies(item).all(|id| statuses.contains_key(&id));
        let (now, later): (Vec<&Value>, Vec<&Value>) = waiting.into_iter().partition(|item| ready(item));
        if now.is_empty() {
            return Err(GraphError::bad("The requests depend on each other in a circle."));
        }
        for item in now {
            let failed = dependencies(item).any(|id| statuses.get(&id).is_none_or(|status| *status >= 400));
            let answer = match failed {
                true => {
                    let message = "A request that this one depends on has failed.";
                    Err(GraphError::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", message))
                }
                false => run(context, item),
            };
            let answer = answer.unwrap_or_else(|error| error.answer(ids));
            let id = text(item, "id").unwrap_or_default();
            statuses.insert(id.to_lowercase(), answer.status.as_u16());
            responses.push(described(id, &answer));
        }
        waiting = later;
    }
    // Whoever relies on the order learns it here.
    let number = context.world.number();
    let mut order: Vec<(u64, Value)> =
        (number..).zip(responses).map(|(at, response)| (crate::faults::mix(at), response)).collect();
    order.sort_by_key(|(mixed, _)| *mixed);
    let responses: Vec<Value> = order.into_iter().map(|(_, response)| response).collect();
    Ok(Answer::json(StatusCode::OK, &json!({ "responses": responses })))
}

fn dependencies(item: &Value) -> impl Iterator<Item = String> {
    items(item, "dependsOn").iter().filter_map(Value::as_str).map(str::to_lowercase)
}

/// An item's header; capitals do not count.
fn header<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    let headers = item.get("headers")?.as_object()?;
    headers.iter().find(|(has, _)| has.eq_ignore_ascii_case(name))?.1.as_str()
}

fn run(context: &mut Context<'_>, item: &Value) -> Outcome {
    if let Some((left, status)) = context.world.settings.refused_items.iter_mut().find(|(left, _)| *left > 0) {
        *left -= 1;
        return Err(match *status {
            status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => {
                GraphError::of_status(status).after(1)
            }
            StatusCode::CONFLICT => GraphError::exists("Conflict", "Another request is changing this object."),
            status => GraphError::of_status(status),
        });
    }
    let inner = request(context, item).ok_or_else(|| GraphError::bad("The request is malformed."))?;
    let segments: Vec<String> = inner.segments().into_iter().map(std::borrow::Cow::into_owned).collect();
    let parts = routes::parts(segments.get(1..).unwrap_or_default());
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let Context { caller, url, .. } = *context;
    routes::route(&mut Context { request: &inner, world: &mut *context.world, caller, url }, &parts)
}

/// An item as a request of its own.
fn request(context: &Context<'_>, item: &Value) -> Option<Request> {
    let method: Method = text(item, "method")?.to_uppercase().parse().ok()?;
    let path = text(item, "url")?.trim_start_matches('/');
    let uri: Uri = format!("/v1.0/{path}").parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in item.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let name: HeaderName = name.parse().ok()?;
        headers.insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    let body = match item.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        // What is no JSON travels in base64.
        Some(Value::String(text)) => STANDARD.decode(text).ok()?.into(),
        Some(body) => body.to_string().into(),
    };
    Some(Request { method, uri, headers, body, at: context.request.at })
}

fn described(id: &str, answer: &Answer) -> Value {
    let mut headers = Map::new();
    for (name, value) in &answer.headers {
        if let Ok(value) = value.to_str() {
            headers.insert(title(name.as_str()), json!(value));
        }
    }
    let mut response = json!({ "id": id, "status": answer.status.as_u16(), "headers": headers });
    if !answer.body.is_empty() {
        let body = serde_json::from_slice::<Value>(&answer.body);
        response["body"] = body.unwrap_or_else(|_| json!(STANDARD.encode(&answer.body)));
    }
    response
}

/// `retry-after` as `Retry-After`: within a batch headers are written as documents write them.
fn title(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    parts.collect::<Vec<_>>().join("-")
}
