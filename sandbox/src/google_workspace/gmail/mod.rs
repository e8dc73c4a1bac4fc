//! Gmail v1.

mod drafts;
mod mailbox;
mod message;
mod messages;
mod search;

use hyper::Method;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply, Result, text};
use super::error::ApiError;
use super::mime::Part;
use super::upload::{self, Target, Upload};

pub(super) use mailbox::{Gmail, Mail};

const SEND: &[&str] = &["https://mail.google.com/", "gmail.compose", "gmail.modify", "gmail.send"];
const COMPOSE: &[&str] = &["https://mail.google.com/", "gmail.compose", "gmail.modify"];
const DRAFTS_READ: &[&str] = &["https://mail.google.com/", "gmail.compose", "gmail.modify", "gmail.readonly"];
const MODIFY: &[&str] = &["https://mail.google.com/", "gmail.modify"];
const READ: &[&str] = &["https://mail.google.com/", "gmail.metadata", "gmail.modify", "gmail.readonly"];
const CONTENT: &[&str] = &["https://mail.google.com/", "gmail.modify", "gmail.readonly"];
const LABELS: &[&str] =
    &["https://mail.google.com/", "gmail.labels", "gmail.metadata", "gmail.modify", "gmail.readonly"];
const LABELS_WRITE: &[&str] = &["https://mail.google.com/", "gmail.labels", "gmail.modify"];
const PROFILE: &[&str] =
    &["https://mail.google.com/", "gmail.compose", "gmail.metadata", "gmail.modify", "gmail.readonly"];
const SETTINGS: &[&str] = &["https://mail.google.com/", "gmail.modify", "gmail.readonly", "gmail.settings.basic"];

/// How long a watch lasts, in milliseconds.
const WATCH_LIFE_MS: i64 = 7 * 24 * 3_600_000;

/// What an uploaded mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Send,
    Draft,
    SendDraft,
}

/// Answers behind `/gmail/v1/users/`. Of the mailboxes only the user's own is open.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    let [user, path @ ..] = path else { return Err(ApiError::not_found("Not Found")) };
    own(call, user)?;
    match (&method, path) {
        (&Method::GET, ["profile"]) => profile(call),
        (&Method::POST, ["messages", "send"]) => {
            call.needs(SEND)?;
            let body = call.body()?;
            messages::send(call, &body)
        }
        (&Method::GET, ["messages"]) => messages::list(call),
        (&Method::GET, ["messages", id]) => messages::get(call, id),
        (&Method::POST, ["messages", id, "modify"]) => messages::modify(call, id),
        (&Method::GET, ["messages", id, "attachments", attachment]) => messages::attachment(call, id, attachment),
        (_, ["drafts", rest @ ..]) => drafts::answer(call, rest),
        (&Method::GET, ["labels"]) => {
            call.needs(LABELS)?;
            let labels = call.world.gmail.labels(call.user());
            Ok(Reply::Json(json!({ "labels": labels })))
        }
        (&Method::POST, ["labels"]) => new_label(call),
        (&Method::GET, ["history"]) => history(call),
        (&Method::POST, ["watch"]) => watch(call),
        (&Method::POST, ["stop"]) => {
            call.needs(READ)?;
            let user = call.grant.user.clone();
            call.world.gmail.watches.remove(&user);
            Ok(Reply::Empty)
        }
        (&Method::GET, ["settings", "sendAs"]) => {
            call.needs(SETTINGS)?;
            Ok(Reply::Json(json!({ "sendAs": [{
                "sendAsEmail": call.user(),
                "displayName": call.world.people.display(call.user()),
                "replyToAddress": "",
                "signature": "",
                "isPrimary": true,
                "isDefault": true,
            }] })))
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// Answers behind `/upload/gmail/v1/users/`.
pub(super) fn upload(call: &mut Call<'_>, path: &[&str]) -> Result {
    let [user, path @ ..] = path else { return Err(ApiError::not_found("Not Found")) };
    own(call, user)?;
    let purpose = match path {
        ["messages", "send"] => Purpose::Send,
        ["drafts"] => Purpose::Draft,
        ["drafts", "send"] => Purpose::SendDraft,
        _ => return Err(ApiError::not_found("Not Found")),
    };
    call.needs(if purpose == Purpose::Send { SEND } else { COMPOSE })?;
    upload::receive(call, &Target::Mail(purpose))
}

/// A mail that has been uploaded stands in for the `raw` of the metadata.
pub(super) fn uploaded(call: &mut Call<'_>, purpose: Purpose, upload: Upload) -> Result {
    let Upload { mut metadata, content, kind } = upload;
    if kind.as_deref().is_some_and(|kind| kind != "message/rfc822") {
        return Err(ApiError::invalid("Media type is not supported. Valid media types: [message/rfc822]"));
    }
    let raw = json!(message::encode(&content));
    if purpose == Purpose::Send {
        metadata.insert("raw".to_owned(), raw);
        return messages::send(call, &metadata);
    }
    let held = metadata.entry("message").or_insert_with(|| json!({}));
    held["raw"] = raw;
    if purpose == Purpose::Draft { drafts::create(call, &metadata) } else { drafts::send(call, &metadata) }
}

fn own(call: &Call<'_>, user: &str) -> Result<()> {
    if user == "me" || user.eq_ignore_ascii_case(call.user()) {
        return Ok(());
    }
    Err(ApiError::forbidden("forbidden", format!("Delegation denied for {}", call.user())))
}

/// The mail in a body's `raw`.
fn raw(body: &Map<String, Value>) -> Result<Part> {
    let raw = text(body, "raw").ok_or_else(|| {
        invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
    })?;
    let bytes = message::decode_raw(raw).ok_or_else(|| invalid("Invalid value for ByteString: raw"))?;
    Ok(Part::read(&bytes))
}

/// Whom a mail in a body's `raw` is addressed to before all others.
pub(super) fn first_recipient(body: &Map<String, Value>) -> Option<String> {
    message::addresses(&raw(body).ok()?, "to").into_iter().next()
}

fn invalid(why: &str) -> ApiError {
    ApiError::new(hyper::StatusCode::BAD_REQUEST, "invalidArgument", why)
}

fn profile(call: &mut Call<'_>) -> Result {
    call.needs(PROFILE)?;
    let user = call.user();
    let mails: Vec<&Mail> = call.world.gmail.of(user).collect();
    let mut threads: Vec<&str> = mails.iter().map(|mail| mail.thread.as_str()).collect();
    threads.sort_unstable();
    threads.dedup();
    Ok(Reply::Json(json!({
        "emailAddress": user,
        "messagesTotal": mails.len(),
        "threadsTotal": threads.len(),
        "historyId": call.world.gmail.history_id().to_string(),
    })))
}

fn new_label(call: &mut Call<'_>) -> Result {
    call.needs(LABELS_WRITE)?;
    let body = call.body()?;
    let name = text(&body, "name").ok_or_else(|| invalid("Invalid label name"))?;
    let user = call.grant.user.clone();
    if call.world.gmail.labels(&user).iter().any(|label| label["name"] == name) {
        return Err(ApiError::new(hyper::StatusCode::CONFLICT, "aborted", "Label name exists or conflicts"));
    }
    let label = json!({
        "id": format!("Label_{}", call.world.ids.number(4)),
        "name": name,
        "type": "user",
        "messageListVisibility": text(&body, "messageListVisibility").unwrap_or("show"),
        "labelListVisibility": text(&body, "labelListVisibility").unwrap_or("labelShow"),
    });
    call.world.gmail.own_labels.push((user, label.clone()));
    Ok(Reply::Json(label))
}

fn watch(call: &mut Call<'_>) -> Result {
    call.needs(READ)?;
    let body = call.body()?;
    let topic = text(&body, "topicName").ok_or_else(|| invalid("Missing required field: topicName"))?;
    let parts: Vec<&str> = topic.split('/').collect();
    if !matches!(parts.as_slice(), ["projects", _, "topics", _]) {
        return Err(invalid("Invalid topicName does not match projects/{project}/topics/*"));
    }
    let expires = call.at() + WATCH_LIFE_MS;
    let user = call.grant.user.clone();
    let held = call.world.gmail.watches.get(&user);
    if held.is_some_and(|(held, ends)| held != topic && call.at() < *ends) {
        return Err(invalid(
            "Only one user push notification client allowed per developer (call /stop then try again)",
        ));
    }
    call.world.gmail.watches.insert(user, (topic.to_owned(), expires));
    Ok(Reply::Json(json!({
        "historyId": call.world.gmail.history_id().to_string(),
        "expiration": expires.to_string(),
    })))
}

fn history(call: &mut Call<'_>) -> Result {
    call.needs(READ)?;
    let size = call.size("maxResults", 100, 500)?;
    let start = call.query.filled("startHistoryId").ok_or_else(|| invalid("Missing startHistoryId"))?;
    let start: u64 = start.parse().map_err(|_| invalid("Invalid startHistoryId"))?;
    if start < call.world.gmail.forgotten {
        return Err(ApiError::not_found("Requested entity was not found."));
    }
    let kinds: Vec<&str> = call.query.all("historyTypes").collect();
    let label = call.query.filled("labelId");
    let gmail = &call.world.gmail;
    let wanted = gmail.history.iter().filter(|one| {
        one.id > start
            && one.user == call.user()
            && (kinds.is_empty() || kinds.contains(&one.kind.history_type()))
            && label.is_none_or(|label| one.labels.iter().any(|held| held == label))
    });
    let all: Vec<Value> = wanted.map(mailbox::Change::shown).collect();
    let (page, next) = call.page(all, size)?;
    let mut list = json!({ "historyId": gmail.history_id().to_string() });
    // An empty list is left out.
    if !page.is_empty() {
        list["history"] = json!(page);
    }
    Ok(Reply::Json(super::call::with_next(list, next)))
}
