//! `POST /v3/mail/send`, and what Email Activity knows of it.

use std::collections::{BTreeMap, BTreeSet};

use hyper::{StatusCode, header::HeaderName};
use serde_json::{Value, json};

use super::{
    Context,
    error::ApiError,
    world::{Message, World},
};
use crate::exchange::Answer;

const MESSAGE_ID: HeaderName = HeaderName::from_static("x-message-id");
const LARGEST: usize = 30_000_000;
const MOST: usize = 1000;
const FARTHEST: i64 = 72 * 3600;

/// Whether SendGrid would call it an address.
fn is_address(email: &str) -> bool {
    email.split_once('@').is_some_and(|(local, domain)| {
        let plain = domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
        !local.is_empty() && domain.contains('.') && plain && !local.contains([' ', '<', '>'])
    })
}

/// The addresses of a personalisation's `to`, `cc` or `bcc`.
fn addresses(personalization: &Value, list: &str, field: &str) -> Result<Vec<String>, ApiError> {
    let Some(people) = personalization.get(list) else {
        return Ok(Vec::new());
    };
    let Some(people) = people.as_array() else {
        return Err(ApiError::bad(field, format!("The {list} parameter must be an array of objects.")));
    };
    let mut emails = Vec::new();
    for (at, person) in people.iter().enumerate() {
        let email = person.get("email").and_then(Value::as_str).unwrap_or_default();
        if !is_address(email) {
            let message = format!("Does not contain a valid address: {email}");
            return Err(ApiError::bad(format!("{field}.{at}.email"), message));
        }
        emails.push(email.to_owned());
    }
    Ok(emails)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn check(world: &World, body: &Value, now: i64) -> Result<(), ApiError> {
    let from = body.pointer("/from/email").and_then(Value::as_str).unwrap_or_default();
    if !is_address(from) {
        return Err(ApiError::bad("from.email", "The from email does not contain a valid address."));
    }
    if !world.senders.contains(from) {
        let message = "The from address does not match a verified Sender Identity. Mail cannot be sent until this error \
                       is resolved.";
        return Err(ApiError::new(StatusCode::FORBIDDEN, message));
    }
    let template = text(body, "template_id");
    if let Some(id) = template
        && !world.templates.iter().any(|template| template.id == id)
    {
        return Err(ApiError::bad("template_id", "The template_id must be a valid template of this account."));
    }
    let content = body.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if template.is_none() && content.is_empty() {
        return Err(ApiError::bad("content", "The content field is required when there is no template_id."));
    }
    if content.iter().any(|part| text(part, "type").is_none() || text(part, "value").is_none()) {
        return Err(ApiError::bad(
            "content.0.value",
            "The content value must be a string at least one character in length.",
        ));
    }
    if content.iter().position(|part| text(part, "type") == Some("text/plain")).is_some_and(|at| at > 0) {
        let message = "If present, text/plain and text/html may only be provided in that order.";
        return Err(ApiError::bad("content", message));
    }
    if body.get("categories").and_then(Value::as_array).is_some_and(|names| names.len() > 10) {
        return Err(ApiError::bad("categories", "The number of categories must not exceed 10."));
    }
    if body.get("send_at").is_some_and(|at| at.as_i64().is_none_or(|at| at > now + FARTHEST)) {
        return Err(ApiError::bad("send_at", "The send_at parameter must be less than 72 hours in the future."));
    }
    if let Some(id) = body.pointer("/asm/group_id")
        && !world.groups.iter().any(|group| Some(group.id) == id.as_u64())
    {
        return Err(ApiError::bad("asm.group_id", "The group id does not exist in this account."));
    }
    Ok(())
}

pub(super) fn send(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    if context.request.body.len() > LARGEST + (1 << 20) {
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large."));
    }
    let body = context.json()?;
    let now = context.request.at / 1000;
    let world = &mut *context.world;
    check(world, &body, now)?;
    let none = Vec::new();
    let personalizations = body.get("personalizations").and_then(Value::as_array).unwrap_or(&none);
    if personalizations.is_empty() || personalizations.len() > MOST {
        let message = "The personalizations field must hold at least one and at most 1000 objects.";
        return Err(ApiError::bad("personalizations", message));
    }
    let message_id = format!("sandbox{:015}", world.number());
    let mut copies = Vec::new();
    for (at, personalization) in personalizations.iter().enumerate() {
        let field = |name: &str| format!("personalizations.{at}.{name}");
        if personalization.get("to").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            return Err(ApiError::bad(field("to"), "The to array is required for all personalization objects."));
        }
        let subject = text(personalization, "subject").or_else(|| text(&body, "subject"));
        if subject.is_none() && body.get("template_id").is_none() {
            return Err(ApiError::bad(
                "subject",
                "The subject is required. You can get around this requirement if you use a template.",
            ));
        }
        let custom_args: BTreeMap<String, String> = personalization
            .get("custom_args")
            .and_then(Value::as_object)
            .map(|args| {
                args.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
            })
            .unwrap_or_default();
        if custom_args.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > 10_000 {
            return Err(ApiError::bad(field("custom_args"), "The custom_args must be less than 10,000 bytes."));
        }
        let mut seen = BTreeSet::new();
        for list in ["to", "cc", "bcc"] {
            for (place, email) in addresses(personalization, list, &field(list))?.into_iter().enumerate() {
                if !seen.insert(email.to_lowercase()) {
                    let message =
                        "Each email address in the personalization block should be unique between to, cc, and bcc.";
                    return Err(ApiError::bad(format!("{}.{place}.email", field(list)), message));
                }
                copies.push(Message {
                    copy_id: format!("{message_id}.recvd-sandbox-1-{:04}.0", copies.len()),
                    message_id: message_id.clone(),
                    from: body.pointer("/from/email").and_then(Value::as_str).unwrap_or_default().to_owned(),
                    to: email,
                    subject: subject.unwrap_or_default().to_owned(),
                    template_id: text(&body, "template_id").map(str::to_owned),
                    variables: personalization.get("dynamic_template_data").cloned().unwrap_or_default(),
                    categories: strings(body.get("categories")),
                    custom_args: custom_args.clone(),
                    attachments: body.get("attachments").and_then(Value::as_array).map_or(0, Vec::len),
                    send_at: body.get("send_at").and_then(Value::as_i64),
                    delivered: false,
                    at: now,
                });
            }
        }
    }
    if copies.len() > MOST {
        let message = "The total number of recipients must not exceed 1000.";
        return Err(ApiError::bad("personalizations", message));
    }
    if body.pointer("/mail_settings/sandbox_mode/enable") == Some(&json!(true)) {
        return Ok(Answer::empty(StatusCode::OK));
    }
    let group = body.pointer("/asm/group_id").and_then(Value::as_u64);
    for mut copy in copies {
        match world.drops(&copy.to, group) {
            Some(reason) => world.tell(&copy, "dropped", Some(reason)),
            None => {
                world.tell(&copy, "processed", None);
                world.tell(&copy, "delivered", None);
                copy.delivered = true;
            }
        }
        world.messages.push(copy);
    }
    Ok(Answer::empty(StatusCode::ACCEPTED).with(MESSAGE_ID, &message_id))
}

pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// One term of a query: `(unique_args['name']="value")`, `(to_email="value")`.
fn matches(message: &Message, term: &str) -> Option<bool> {
    let term = term.trim().strip_prefix('(').and_then(|term| term.strip_suffix(')')).unwrap_or(term.trim());
    let (name, value) = term.split_once('=')?;
    let value = value.strip_prefix('"')?.strip_suffix('"')?;
    if let Some(name) = name.strip_prefix("unique_args['").and_then(|name| name.strip_suffix("']")) {
        return Some(message.custom_args.get(name).is_some_and(|has| has == value));
    }
    match name {
        "to_email" => Some(message.to == value),
        "from_email" => Some(message.from == value),
        "subject" => Some(message.subject == value),
        "msg_id" => Some(message.copy_id == value),
        _ => None,
    }
}

pub(super) fn activity(context: &Context<'_>) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let asked = query.filled("query").ok_or_else(|| ApiError::bad("query", "query is required"))?;
    let limit = query.filled("limit").map_or(Ok(10), str::parse::<usize>);
    let limit = limit.ok().filter(|limit| (1..=1000).contains(limit));
    let limit = limit.ok_or_else(|| ApiError::bad("limit", "limit must be from 1 to 1000"))?;
    let mut found = Vec::new();
    for message in context.world.messages.iter().rev() {
        let mut fits = true;
        for term in asked.split(" AND ") {
            fits &= matches(message, term).ok_or_else(|| ApiError::bad("query", "invalid query"))?;
        }
        if fits && found.len() < limit {
            found.push(json!({
                "from_email": message.from,
                "msg_id": message.copy_id,
                "subject": message.subject,
                "to_email": message.to,
                "status": if message.delivered { "delivered" } else { "not_delivered" },
                "opens_count": 0,
                "clicks_count": 0,
                "last_event_time": super::moment(message.at),
            }));
        }
    }
    Ok(Answer::json(StatusCode::OK, &json!({ "messages": found })))
}
