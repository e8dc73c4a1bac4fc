//! `/v3/templates`.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Context, error::ApiError, page, world::Template};
use crate::exchange::Answer;

fn show(template: &Template, whole: bool) -> Value {
    let mut versions = template.versions.clone();
    if !whole {
        for version in &mut versions {
            if let Some(version) = version.as_object_mut() {
                version.remove("html_content");
                version.remove("plain_content");
            }
        }
    }
    json!({
        "id": template.id,
        "name": template.name,
        "generation": "dynamic",
        "updated_at": template.updated,
        "versions": versions,
    })
}

/// `rest` follows `templates`.
pub(super) fn route(context: &mut Context<'_>, rest: &[&str]) -> Result<Answer, ApiError> {
    match (&context.request.method, rest) {
        (&Method::POST, []) => create(context),
        (&Method::GET, []) => list(context),
        (&Method::GET, [id]) => {
            let template = find(context, id)?;
            Ok(Answer::json(StatusCode::OK, &show(template, true)))
        }
        (&Method::POST, [id, "versions"]) => add_version(context, id),
        (&Method::POST, [id, "versions", version, "activate"]) => activate(context, id, version),
        _ => Err(ApiError::not_found()),
    }
}

fn find<'c>(context: &'c mut Context<'_>, id: &str) -> Result<&'c mut Template, ApiError> {
    context.world.templates.iter_mut().find(|template| template.id == id).ok_or_else(ApiError::not_found)
}

fn create(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let body = context.json()?;
    let name = context.name(&body, 100)?;
    if body.get("generation") != Some(&json!("dynamic")) {
        return Err(ApiError::bad("generation", "the sandbox has dynamic templates only"));
    }
    let template = Template { id: context.world.uuid(), name, updated: context.stamp(), versions: Vec::new() };
    let shown = show(&template, true);
    context.world.templates.push(template);
    Ok(Answer::json(StatusCode::CREATED, &shown))
}

fn list(context: &Context<'_>) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let Some(size) =
        query.filled("page_size").and_then(|size| size.parse().ok()).filter(|size| (1..=200).contains(size))
    else {
        return Err(ApiError::bad("page_size", "page_size is required, from 1 to 200"));
    };
    let all: Vec<Value> = context.world.templates.iter().map(|template| show(template, false)).collect();
    page(context, &all, size, "result")
}

fn add_version(context: &mut Context<'_>, id: &str) -> Result<Answer, ApiError> {
    let body = context.json()?;
    let name = context.name(&body, 100)?;
    let Some(subject) = body.get("subject").and_then(Value::as_str) else {
        return Err(ApiError::bad("subject", "subject is required"));
    };
    find(context, id)?;
    let (version_id, stamp) = (context.world.uuid(), context.stamp());
    let active = body.get("active").and_then(Value::as_u64).unwrap_or(0);
    let version = json!({
        "id": version_id,
        "template_id": id,
        "active": active,
        "name": name,
        "subject": subject,
        "html_content": body.get("html_content").and_then(Value::as_str).unwrap_or_default(),
        "plain_content": body.get("plain_content").and_then(Value::as_str).unwrap_or_default(),
        "generate_plain_content": body.get("generate_plain_content").and_then(Value::as_bool).unwrap_or(true),
        "editor": "code",
        "updated_at": stamp,
    });
    let template = find(context, id)?;
    template.versions.push(version.clone());
    if active == 1 {
        only(template, &version_id);
    }
    Ok(Answer::json(StatusCode::CREATED, &version))
}

/// Makes one version the active one.
fn only(template: &mut Template, version_id: &str) {
    for version in &mut template.versions {
        version["active"] = json!(u8::from(version["id"] == version_id));
    }
}

fn activate(context: &mut Context<'_>, id: &str, version_id: &str) -> Result<Answer, ApiError> {
    let template = find(context, id)?;
    if !template.versions.iter().any(|version| version["id"] == version_id) {
        return Err(ApiError::not_found());
    }
    only(template, version_id);
    let version = template.versions.iter().find(|version| version["id"] == version_id);
    Ok(Answer::json(StatusCode::OK, &json!(version)))
}
