//! The Content API: message templates.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Context;
use super::account::Account;
use super::error::ApiError;
use super::format::rfc3339;
use super::paging::Paging;
use crate::exchange::Answer;

/// A template.
#[derive(Debug)]
pub(super) struct Content {
    sid: String,
    created: i64,
    updated: i64,
    friendly_name: Option<String>,
    language: String,
    variables: Map<String, Value>,
    types: Map<String, Value>,
    /// WhatsApp's verdict.
    pub(super) approval: String,
}

pub(super) fn route(context: &mut Context<'_>, rest: &[&str]) -> Result<Answer, ApiError> {
    let method = context.request.method.clone();
    match (method, rest) {
        (Method::GET, []) => list(context),
        (Method::POST, []) => create(context),
        (Method::GET, [sid]) => {
            Ok(Answer::json(StatusCode::OK, &view(context, &context.account.contents[find(context, sid)?])))
        }
        (Method::PUT, [sid]) => update(context, sid),
        (Method::DELETE, [sid]) => {
            let position = find(context, sid)?;
            context.account.contents.remove(position);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (Method::GET, [sid, "ApprovalRequests"]) => approval(context, sid),
        (_, [] | [_] | [_, "ApprovalRequests"]) => Err(ApiError::method_not_allowed()),
        _ => Err(ApiError::not_found(context.request.path())),
    }
}

fn find(context: &Context<'_>, sid: &str) -> Result<usize, ApiError> {
    let position = context.account.contents.iter().position(|content| content.sid == sid);
    position.ok_or_else(|| ApiError::not_found(context.request.path()))
}

fn list(context: &Context<'_>) -> Result<Answer, ApiError> {
    let paging = Paging::of(context.request, &context.request.query())?;
    let (page, next) = paging.slice(context.account.contents.iter());
    let items = page.into_iter().map(|content| view(context, content)).collect();
    Ok(paging.modern(context.shared.stage.url(), "contents", items, next))
}

fn create(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let body = body(context)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let language = text("language").ok_or_else(|| ApiError::bad(20001, "language is required"))?;
    let content = Content {
        sid: context.shared.sids.sid("HX"),
        created: context.now,
        updated: context.now,
        friendly_name: text("friendly_name"),
        language,
        variables: object(&body, "variables"),
        types: types(&body)?,
        approval: "approved".to_owned(),
    };
    let shown = view(context, &content);
    context.account.contents.push(content);
    Ok(Answer::json(StatusCode::CREATED, &shown))
}

fn update(context: &mut Context<'_>, sid: &str) -> Result<Answer, ApiError> {
    let position = find(context, sid)?;
    let body = body(context)?;
    let types = types(&body)?;
    let now = context.now;
    let content = &mut context.account.contents[position];
    content.types = types;
    content.updated = now;
    if let Some(name) = body.get("friendly_name").and_then(Value::as_str) {
        content.friendly_name = Some(name.to_owned());
    }
    if body.contains_key("variables") {
        content.variables = object(&body, "variables");
    }
    Ok(Answer::json(StatusCode::OK, &view(context, &context.account.contents[position])))
}

fn body(context: &Context<'_>) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_slice(&context.request.body).map_err(|_| ApiError::bad(20001, "The body is not a JSON object"))
}

fn object(body: &Map<String, Value>, name: &str) -> Map<String, Value> {
    body.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn types(body: &Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let types = object(body, "types");
    if types.is_empty() {
        return Err(ApiError::bad(20001, "types is required"));
    }
    Ok(types)
}

fn view(context: &Context<'_>, content: &Content) -> Value {
    let url = context.link(&format!("/v1/Content/{}", content.sid));
    json!({
        "sid": content.sid,
        "account_sid": &*context.account.sid,
        "friendly_name": content.friendly_name,
        "language": content.language,
        "variables": content.variables,
        "types": content.types,
        "date_created": rfc3339(content.created),
        "date_updated": rfc3339(content.updated),
        "links": {
            "approval_create": format!("{url}/ApprovalRequests/whatsapp"),
            "approval_fetch": format!("{url}/ApprovalRequests"),
        },
        "url": url,
    })
}

fn approval(context: &Context<'_>, sid: &str) -> Result<Answer, ApiError> {
    let content = &context.account.contents[find(context, sid)?];
    let whatsapp = json!({
        "type": "whatsapp",
        "name": content.friendly_name.as_deref().unwrap_or("").to_lowercase().replace(' ', "_"),
        "category": "UTILITY",
        "content_type": content.types.keys().next(),
        "status": content.approval,
        "rejection_reason": "",
        "allow_category_change": true,
    });
    let body = json!({
        "sid": content.sid,
        "account_sid": &*context.account.sid,
        "whatsapp": whatsapp,
        "url": context.link(&format!("/v1/Content/{sid}/ApprovalRequests")),
    });
    Ok(Answer::json(StatusCode::OK, &body))
}

/// The text of a template with its variables filled in; what is not given keeps the template's sample.
pub(super) fn render(account: &Account, sid: &str, variables: Option<&str>) -> Result<String, ApiError> {
    let content = account
        .contents
        .iter()
        .find(|content| content.sid == sid)
        .ok_or_else(|| ApiError::bad(21655, format!("There is no content {sid}")))?;
    let wrong = || ApiError::bad(21656, "ContentVariables is not a JSON object of strings");
    let given: Map<String, Value> = match variables {
        Some(text) => serde_json::from_str(text).map_err(|_| wrong())?,
        None => Map::new(),
    };
    let body = content.types.values().find_map(|kind| kind.get("body")?.as_str()).unwrap_or("");
    let mut values: Map<String, Value> = content.variables.clone();
    values.extend(given);
    let mut text = body.to_owned();
    for (name, value) in &values {
        text = text.replace(&format!("{{{{{name}}}}}"), value.as_str().ok_or_else(wrong)?);
    }
    Ok(text)
}

impl Content {
    pub(super) fn is(&self, sid: &str) -> bool {
        self.sid == sid
    }
}
