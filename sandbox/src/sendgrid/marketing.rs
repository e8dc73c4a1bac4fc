//! `/v3/marketing`: contacts, lists, single sends.

use std::collections::BTreeSet;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Context, error::ApiError, mail::strings, page};
use crate::exchange::Answer;

/// `rest` follows `marketing`.
pub(super) fn route(context: &mut Context<'_>, rest: &[&str]) -> Result<Answer, ApiError> {
    match (&context.request.method, rest) {
        (&Method::PUT, ["contacts"]) => upsert(context),
        (&Method::GET, ["contacts", "imports", id]) => {
            let job = context.world.jobs.get(*id).ok_or_else(ApiError::not_found)?;
            Ok(Answer::json(StatusCode::OK, job))
        }
        (&Method::POST, ["lists"]) => create_list(context),
        (&Method::GET, ["lists"]) => {
            let lists: Vec<Value> = context.world.lists.iter().map(|list| show(context, list)).collect();
            page(context, &lists, size(context, 100, 1000)?, "result")
        }
        (&Method::POST, ["singlesends"]) => create_campaign(context),
        (&Method::PUT, ["singlesends", id, "schedule"]) => schedule(context, id),
        (&Method::GET, ["stats", "singlesends"]) => stats(context),
        _ => Err(ApiError::not_found()),
    }
}

fn size(context: &Context<'_>, usual: usize, largest: usize) -> Result<usize, ApiError> {
    let size = context.request.query().filled("page_size").map_or(Ok(usual), str::parse);
    size.ok().filter(|size| (1..=largest).contains(size)).ok_or_else(|| ApiError::bad("page_size", "invalid page_size"))
}

fn show(context: &Context<'_>, (id, name, members): &(String, String, BTreeSet<String>)) -> Value {
    let link = format!("{}/v3/marketing/lists/{id}", context.url);
    json!({ "id": id, "name": name, "contact_count": members.len(), "_metadata": { "self": link } })
}

fn upsert(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let body = context.json()?;
    let contacts = body.get("contacts").and_then(Value::as_array).cloned().unwrap_or_default();
    if contacts.is_empty() || contacts.len() > 30_000 || context.request.body.len() > 6_000_000 {
        return Err(ApiError::bad("contacts", "contacts must be 1 to 30,000, and 6 MB at most"));
    }
    let lists = strings(body.get("list_ids"));
    if lists.iter().any(|id| !context.world.lists.iter().any(|(list, ..)| list == id)) {
        return Err(ApiError::bad("list_ids", "list not found"));
    }
    let (mut created, mut updated) = (0, 0);
    for (at, contact) in contacts.iter().enumerate() {
        let identifiers = ["email", "external_id", "phone_number_id", "anonymous_id"];
        let Some(key) = identifiers.iter().find_map(|name| contact.get(*name)?.as_str()) else {
            return Err(ApiError::bad(format!("contacts[{at}]"), "at least one identifier is required"));
        };
        match context.world.contacts.insert(key.to_lowercase(), contact.clone()) {
            Some(_) => updated += 1,
            None => created += 1,
        }
        for (id, _, members) in &mut context.world.lists {
            if lists.contains(id) {
                members.insert(key.to_lowercase());
            }
        }
    }
    let id = context.world.uuid();
    let at = super::moment(context.request.at / 1000);
    let job = json!({
        "id": id,
        "status": "completed",
        "job_type": "upsert",
        "results": {
            "requested_count": contacts.len(), "created_count": created, "updated_count": updated,
            "deleted_count": 0, "errored_count": 0, "errors_url": "",
        },
        "started_at": at,
        "finished_at": at,
    });
    context.world.jobs.insert(id.clone(), job);
    Ok(Answer::json(StatusCode::ACCEPTED, &json!({ "job_id": id })))
}

fn create_list(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let body = context.json()?;
    let name = context.name(&body, 100)?;
    if context.world.lists.iter().any(|(_, has, _)| *has == name) {
        return Err(ApiError::bad("name", "list name is already in use"));
    }
    let list = (context.world.uuid(), name, BTreeSet::new());
    let shown = show(context, &list);
    context.world.lists.push(list);
    Ok(Answer::json(StatusCode::CREATED, &shown))
}

fn create_campaign(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let body = context.json()?;
    let name = context.name(&body, 100)?;
    let now = super::moment(context.request.at / 1000);
    let campaign = json!({
        "id": context.world.uuid(),
        "name": name,
        "status": "draft",
        "categories": strings(body.get("categories")),
        "send_to": body.get("send_to").cloned().unwrap_or_else(|| json!({})),
        "email_config": body.get("email_config").cloned().unwrap_or_else(|| json!({})),
        "created_at": now,
        "updated_at": now,
    });
    context.world.campaigns.push(campaign.clone());
    Ok(Answer::json(StatusCode::CREATED, &campaign))
}

fn schedule(context: &mut Context<'_>, id: &str) -> Result<Answer, ApiError> {
    let body = context.json()?;
    let now = context.request.at / 1000;
    let at = match body.get("send_at").and_then(Value::as_str) {
        Some("now") => super::moment(now),
        Some(at) => match at.parse::<jiff::Timestamp>() {
            Ok(at) if at.as_second() >= now => at.to_string(),
            _ => return Err(ApiError::bad("send_at", "send_at must be a time in the future")),
        },
        None => return Err(ApiError::bad("send_at", "send_at is required")),
    };
    let Some(campaign) = context.world.campaigns.iter_mut().find(|campaign| campaign["id"] == id) else {
        return Err(ApiError::not_found());
    };
    for (pointers, field) in [
        (&["/send_to/list_ids/0", "/send_to/segment_ids/0", "/send_to/all"][..], "send_to"),
        (&["/email_config/subject"], "email_config.subject"),
        (&["/email_config/html_content", "/email_config/design_id"], "email_config.html_content"),
        (&["/email_config/sender_id"], "email_config.sender_id"),
        (
            &["/email_config/suppression_group_id", "/email_config/custom_unsubscribe_url"],
            "email_config.suppression_group_id",
        ),
    ] {
        if !pointers.iter().any(|pointer| campaign.pointer(pointer).is_some_and(|value| !value.is_null())) {
            return Err(ApiError::bad(field, "is required to schedule a single send"));
        }
    }
    campaign["status"] = json!("scheduled");
    campaign["send_at"] = json!(at);
    Ok(Answer::json(StatusCode::CREATED, &json!({ "send_at": at, "status": "scheduled" })))
}

fn stats(context: &Context<'_>) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let wanted: Vec<&str> = query.filled("singlesend_ids").map(|ids| ids.split(',').collect()).unwrap_or_default();
    let names = [
        "bounce_drops",
        "bounces",
        "clicks",
        "delivered",
        "invalid_emails",
        "opens",
        "requests",
        "spam_report_drops",
        "spam_reports",
        "unique_clicks",
        "unique_opens",
        "unsubscribes",
    ];
    let zeros: serde_json::Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!(0))).collect();
    let campaigns = context.world.campaigns.iter().filter_map(|campaign| campaign["id"].as_str());
    let results: Vec<Value> = campaigns
        .filter(|id| wanted.is_empty() || wanted.contains(id))
        .map(|id| json!({ "id": id, "ab_variation": id, "ab_phase": "send", "aggregation": "total", "stats": zeros }))
        .collect();
    page(context, &results, size(context, 25, 50)?, "results")
}
