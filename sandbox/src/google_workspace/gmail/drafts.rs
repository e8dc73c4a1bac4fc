//! Drafts: written, changed, and sent once.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::mailbox::put;
use super::search::Search;
use super::{COMPOSE, DRAFTS_READ, Mail, invalid, messages, raw};
use crate::google_workspace::call::{Call, Reply, Result, text, with_next};
use crate::google_workspace::error::ApiError;

/// Answers behind `drafts`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    call.needs(if method == Method::GET { DRAFTS_READ } else { COMPOSE })?;
    match (&method, path) {
        (&Method::GET, []) => list(call),
        (&Method::POST, []) => {
            let body = call.body()?;
            create(call, &body)
        }
        (&Method::POST, ["send"]) => {
            let body = call.body()?;
            send(call, &body)
        }
        (&Method::GET, [id]) => {
            let format = call.query.filled("format").unwrap_or("full");
            let mail = find(call, id)?;
            Ok(Reply::Json(json!({ "id": id, "message": messages::shown(mail, format, &[])? })))
        }
        (&Method::PUT, [id]) => update(call, id),
        (&Method::DELETE, [id]) => {
            let mail = find(call, id)?.id.clone();
            call.world.gmail.remove(&mail);
            Ok(Reply::Empty)
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

fn find<'w>(call: &'w Call<'_>, id: &str) -> Result<&'w Mail> {
    let found = call.world.gmail.of(call.user()).find(|mail| mail.draft.as_deref() == Some(id));
    found.ok_or_else(|| ApiError::not_found("Requested entity was not found."))
}

fn message(body: &Map<String, Value>) -> Result<&Map<String, Value>> {
    body.get("message").and_then(Value::as_object).ok_or_else(|| invalid("Missing draft message"))
}

pub(super) fn create(call: &mut Call<'_>, body: &Map<String, Value>) -> Result {
    let draft = format!("r{}", call.world.ids.number(19));
    keep(call, body, draft)
}

/// Keeps a mail as a draft.
fn keep(call: &mut Call<'_>, body: &Map<String, Value>, draft: String) -> Result {
    let message = message(body)?;
    let (part, thread) = (raw(message)?, text(message, "threadId").map(str::to_owned));
    let part = messages::renamed(call, part);
    let (user, at) = (call.grant.user.clone(), call.at());
    let id = put(call.world, &user, part, &["DRAFT"], thread, at);
    let held = call.world.gmail.mails.iter_mut().find(|mail| mail.id == id);
    if let Some(mail) = held {
        mail.draft = Some(draft.clone());
    }
    let Reply::Json(message) = messages::brief(call, &id)? else { return Err(invalid("Missing draft message")) };
    Ok(Reply::Json(json!({ "id": draft, "message": message })))
}

/// A draft that is written anew is another mail under the same id.
fn update(call: &mut Call<'_>, id: &str) -> Result {
    let body = call.body()?;
    raw(message(&body)?)?;
    let old = find(call, id)?.id.clone();
    call.world.gmail.remove(&old);
    keep(call, &body, id.to_owned())
}

/// Sends a draft, or the mail that is given for it; the draft is gone then.
pub(super) fn send(call: &mut Call<'_>, body: &Map<String, Value>) -> Result {
    let given = body.get("message").and_then(Value::as_object).filter(|message| message.contains_key("raw"));
    let held = match text(body, "id") {
        Some(id) => Some(find(call, id)?.clone()),
        None if given.is_some() => None,
        None => return Err(invalid("Invalid draft")),
    };
    let part = match (given, &held) {
        (Some(message), _) => raw(message)?,
        (None, Some(mail)) => mail.part.clone(),
        (None, None) => return Err(invalid("Invalid draft")),
    };
    let sent = messages::dispatch(call, part, None, held.as_ref().map(|mail| mail.thread.clone()))?;
    if let Some(mail) = held {
        call.world.gmail.remove(&mail.id);
    }
    messages::brief(call, &sent)
}

fn list(call: &mut Call<'_>) -> Result {
    let size = call.size("maxResults", 100, 500)?;
    let search = call.query.filled("q").map(Search::read);
    let one = |mail: &Mail| {
        if search.as_ref().is_some_and(|search| !search.matches(mail)) {
            return None;
        }
        let message = json!({ "id": mail.id, "threadId": mail.thread });
        mail.draft.as_ref().map(|id| json!({ "id": id, "message": message }))
    };
    let mut all: Vec<Value> = call.world.gmail.of(call.user()).filter_map(one).collect();
    all.reverse();
    let count = all.len();
    let (page, next) = call.page(all, size)?;
    let mut list = json!({ "resultSizeEstimate": count });
    if !page.is_empty() {
        list["drafts"] = json!(page);
    }
    Ok(Reply::Json(with_next(list, next)))
}
