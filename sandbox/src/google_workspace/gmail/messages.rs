//! Mails sent, listed and read.

use serde_json::{Map, Value, json};

use super::mailbox::{deliver, put, related};
use super::message::{addresses, attachment as find_attachment, encode, header, payload, snippet};
use super::search::Search;
use super::{CONTENT, MODIFY, Mail, READ, invalid, raw};
use crate::google_workspace::call::{Call, Reply, Result, text, with_next};
use crate::google_workspace::error::ApiError;
use crate::google_workspace::mime::Part;

/// Sends the mail in `raw`.
pub(super) fn send(call: &mut Call<'_>, body: &Map<String, Value>) -> Result {
    let part = raw(body)?;
    let id = dispatch(call, part, text(body, "threadId"), None)?;
    brief(call, &id)
}

/// Sends a mail from the user's mailbox; says the id of the copy that stays there. `held` is the thread of a draft, which
/// stays its own.
pub(super) fn dispatch(call: &mut Call<'_>, part: Part, thread: Option<&str>, held: Option<String>) -> Result<String> {
    let to: Vec<String> = ["to", "cc", "bcc"].into_iter().flat_map(|name| addresses(&part, name)).collect();
    if to.is_empty() {
        return Err(invalid("Recipient address required"));
    }
    if let Some(wrong) = to.iter().find(|address| !is_address(address)) {
        return Err(invalid(&format!("Invalid To header: {wrong}")));
    }
    let user = call.grant.user.clone();
    let thread = match thread {
        Some(thread) => joined(call, &part, thread)?,
        None => held.or_else(|| related(call.world, &user, &part)),
    };
    let part = stamped(call, part);
    let at = call.at();
    let id = put(call.world, &user, part.clone(), &["SENT"], thread, at);
    deliver(call.world, &user, &part, at);
    Ok(id)
}

fn is_address(address: &str) -> bool {
    address.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !address.contains(char::is_whitespace)
    })
}

/// A mail joins a thread only if it answers it, by its references and its subject.
fn joined(call: &Call<'_>, part: &Part, thread: &str) -> Result<Option<String>> {
    let in_thread: Vec<&Mail> = call.world.gmail.of(call.user()).filter(|mail| mail.thread == thread).collect();
    let first = in_thread.first().ok_or_else(|| ApiError::not_found("Requested entity was not found."))?;
    let bare = |subject: String| subject.trim_start_matches("Re: ").trim().to_owned();
    let same = bare(header(part, "subject")) == bare(header(&first.part, "subject"));
    let refers = related(call.world, call.user(), part).as_deref() == Some(thread);
    // What does not belong is sent all the same, on a thread of its own.
    Ok((same && refers).then(|| thread.to_owned()))
}

/// Puts an id of the vendor's own in the place of the one that the caller gave, as Gmail may.
pub(super) fn renamed(call: &mut Call<'_>, part: Part) -> Part {
    let id = format!("<CA+{}@mail.gmail.com>", call.world.ids.word(40));
    part.with("Message-ID", &id)
}

/// Sees to it that a mail says who sends it, when, and under which id.
fn stamped(call: &mut Call<'_>, part: Part) -> Part {
    let user = call.grant.user.clone();
    let mut part = part;
    if !addresses(&part, "from").contains(&user) {
        let from = format!("{} <{user}>", call.world.people.display(&user));
        part = part.with("From", &from);
    }
    part = renamed(call, part);
    if header(&part, "date").is_empty()
        && let Ok(at) = jiff::Timestamp::from_millisecond(call.at())
    {
        part = part.with("Date", &at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string());
    }
    part
}

/// What is answered when a mail has been sent.
pub(super) fn brief(call: &Call<'_>, id: &str) -> Result {
    let mail = find(call, id)?;
    Ok(Reply::Json(json!({ "id": mail.id, "threadId": mail.thread, "labelIds": mail.labels })))
}

fn find<'w>(call: &'w Call<'_>, id: &str) -> Result<&'w Mail> {
    let found = call.world.gmail.of(call.user()).find(|mail| mail.id == id);
    found.ok_or_else(|| ApiError::not_found("Requested entity was not found."))
}

pub(super) fn list(call: &mut Call<'_>) -> Result {
    call.needs(READ)?;
    let size = call.size("maxResults", 100, 500)?;
    let query = call.query.filled("q");
    if query.is_some() && !call.grant.allows(CONTENT) {
        return Err(ApiError::forbidden("forbidden", "Metadata scope does not support 'q' parameter"));
    }
    let search = query.map(Search::read);
    let labels: Vec<&str> = call.query.all("labelIds").collect();
    let hidden = !call.flag("includeSpamTrash");
    let shown = |mail: &&Mail| {
        let has = |label: &str| mail.labels.iter().any(|held| held == label);
        labels.iter().all(|label| has(label))
            && !(hidden && (has("SPAM") || has("TRASH")) && labels.is_empty())
            && search.as_ref().is_none_or(|search| search.matches(mail))
    };
    let mut found: Vec<Value> = call
        .world
        .gmail
        .of(call.user())
        .filter(shown)
        .map(|mail| json!({ "id": mail.id, "threadId": mail.thread }))
        .collect();
    // The newest comes first.
    found.reverse();
    let count = found.len();
    let (page, next) = call.page(found, size)?;
    let mut list = json!({ "resultSizeEstimate": count });
    // An empty list is left out.
    if !page.is_empty() {
        list["messages"] = json!(page);
    }
    Ok(Reply::Json(with_next(list, next)))
}

pub(super) fn get(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(READ)?;
    let format = call.query.filled("format").unwrap_or("full");
    if ["full", "raw"].contains(&format) && !call.grant.allows(CONTENT) {
        let why = format!("Metadata scope doesn't allow format {}", format.to_uppercase());
        return Err(ApiError::forbidden("forbidden", why));
    }
    let names: Vec<&str> = call.query.all("metadataHeaders").collect();
    let mail = find(call, id)?;
    shown(mail, format, &names).map(Reply::Json)
}

/// Puts labels on a mail and takes others off.
pub(super) fn modify(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(MODIFY)?;
    let body = call.body()?;
    let user = call.grant.user.clone();
    let known = call.world.gmail.labels(&user);
    let list = |name: &str| -> Result<Vec<String>> {
        let given = body.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let label = |label: &str| {
            let fixed = ["SENT", "DRAFT"].contains(&label);
            match known.iter().any(|held| held["id"] == *label) && !fixed {
                true => Ok(label.to_owned()),
                false => Err(invalid(&format!("Invalid label: {label}"))),
            }
        };
        given.map(label).collect()
    };
    let (add, remove) = (list("addLabelIds")?, list("removeLabelIds")?);
    let id = find(call, id)?.id.clone();
    call.world.gmail.relabel(&id, &add, &remove);
    brief(call, &id)
}

/// A mail in one of the four formats.
pub(super) fn shown(mail: &Mail, format: &str, names: &[&str]) -> Result<Value> {
    let source = mail.part.source();
    let mut shown = json!({
        "id": mail.id,
        "threadId": mail.thread,
        "labelIds": mail.labels,
        "snippet": snippet(&mail.part),
        "historyId": mail.history.to_string(),
        "internalDate": mail.at.to_string(),
        "sizeEstimate": source.len(),
    });
    match format {
        "minimal" => {}
        "full" => shown["payload"] = payload(&mail.part, ""),
        "raw" => shown["raw"] = json!(encode(&source)),
        "metadata" => {
            let whole = payload(&mail.part, "");
            let wanted = |header: &&Value| {
                let name = header["name"].as_str().unwrap_or("");
                names.is_empty() || names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
            };
            let headers: Vec<&Value> = whole["headers"].as_array().into_iter().flatten().filter(wanted).collect();
            shown["payload"] = json!({ "mimeType": whole["mimeType"], "headers": headers });
        }
        other => return Err(ApiError::parameter("format", format!("Invalid value '{other}'."))),
    }
    Ok(shown)
}

pub(super) fn attachment(call: &mut Call<'_>, id: &str, attachment: &str) -> Result {
    call.needs(CONTENT)?;
    let mail = find(call, id)?;
    let bytes = find_attachment(&mail.part, attachment).ok_or_else(|| invalid("Invalid attachment token"))?;
    Ok(Reply::Json(json!({ "size": bytes.len(), "data": encode(&bytes) })))
}
