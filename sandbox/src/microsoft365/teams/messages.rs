//! Messages in channels and chats.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, items, text};
use super::super::error::GraphError;
use super::super::odata::Listing;
use super::super::table::Kind;

/// The longest page of messages.
const LONGEST: usize = 50;
/// The largest message, in bytes.
const LARGEST: usize = 28 * 1024;

/// Where messages stand.
#[derive(Debug, Clone)]
pub(super) enum Thread {
    Channel { team: String, channel: String },
    Chat { chat: String },
}

impl Thread {
    fn kind(&self) -> Kind {
        match self {
            Self::Channel { .. } => Kind::ChannelMessage,
            Self::Chat { .. } => Kind::ChatMessage,
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Channel { channel, .. } => channel,
            Self::Chat { chat } => chat,
        }
    }

    fn listing(&self) -> Listing<'static> {
        match self {
            Self::Channel { .. } => Listing::new("teams('id')/channels('id')/messages").size(20),
            Self::Chat { .. } => Listing::new("chats('id')/messages").size(20),
        }
    }
}

pub(super) fn route(context: &mut Context<'_>, thread: &Thread, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => list(context, thread, None),
        (Method::POST, []) => post(context, thread, None),
        (Method::GET, [id]) => {
            let message = find(context, thread, id)?;
            context.one(message, &thread.listing())
        }
        (Method::GET, [id, "replies"]) => {
            find(context, thread, id)?;
            list(context, thread, Some(id))
        }
        (Method::POST, [id, "replies"]) if matches!(thread, Thread::Channel { .. }) => {
            let to = find(context, thread, id)?;
            if to.get("replyToId").is_some_and(Value::is_string) {
                return Err(GraphError::bad("A reply cannot be replied to."));
            }
            post(context, thread, Some(id))
        }
        _ => Err(GraphError::no_route()),
    }
}

fn find(context: &Context<'_>, thread: &Thread, id: &str) -> Result<Value, GraphError> {
    let row = context.world.table.get(thread.kind(), thread.id(), id);
    row.map(|row| row.value.clone()).ok_or_else(GraphError::not_found)
}

/// The newest first; replies only where they are asked for.
fn list(context: &Context<'_>, thread: &Thread, reply_to: Option<&str>) -> Outcome {
    let top = context.request.query().filled("$top").map(str::parse::<usize>);
    if top.is_some_and(|top| top.is_ok_and(|top| top > LONGEST)) {
        return Err(GraphError::bad(format!("The limit of '{LONGEST}' for Top query has been exceeded.")));
    }
    let rows = context.world.table.under(thread.kind(), thread.id());
    let rows = rows.filter(|row| text(&row.value, "replyToId") == reply_to);
    let mut messages: Vec<Value> = rows.map(|row| row.value.clone()).collect();
    messages.reverse();
    context.page(messages, &thread.listing())
}

fn post(context: &mut Context<'_>, thread: &Thread, reply_to: Option<&str>) -> Outcome {
    let body = context.body()?;
    let content = body.get("body").and_then(|body| text(body, "content"));
    let content = content.filter(|_| context.request.body.len() <= LARGEST);
    let content = content.ok_or_else(|| GraphError::bad("Missing body content, or the message is too large."))?;
    let kind = body.pointer("/body/contentType").and_then(Value::as_str).unwrap_or("text").to_lowercase();
    let importance = text(&body, "importance").unwrap_or("normal");
    if !matches!(kind.as_str(), "text" | "html") || !matches!(importance, "normal" | "high" | "urgent") {
        return Err(GraphError::bad("Invalid contentType or importance."));
    }
    let (now, number) = (context.now(), context.world.number());
    // The vendor's ids are moments in milliseconds, and no two in a thread are the same.
    let id = (context.request.at + i64::try_from(number).unwrap_or_default()).to_string();
    let user = context.user().unwrap_or_default().to_owned();
    let name = context.world.user_text(&user, "displayName");
    let mut message = json!({
        "id": id,
        "etag": id,
        "replyToId": reply_to,
        "messageType": "message",
        "createdDateTime": now,
        "lastModifiedDateTime": now,
        "lastEditedDateTime": null,
        "deletedDateTime": null,
        "subject": body.get("subject"),
        "summary": null,
        "importance": importance,
        "locale": "en-us",
        "from": { "user": { "id": user, "displayName": name, "userIdentityType": "aadUser" } },
        "body": { "contentType": kind, "content": content },
        "attachments": items(&body, "attachments"),
        "mentions": items(&body, "mentions"),
        "reactions": [],
    });
    match thread {
        Thread::Channel { team, channel } => {
            message["channelIdentity"] = json!({ "teamId": team, "channelId": channel });
            message["webUrl"] = json!(format!("https://teams.microsoft.com/l/message/{channel}/{id}?groupId={team}"));
        }
        Thread::Chat { chat } => message["chatId"] = json!(chat),
    }
    context.world.add(thread.kind(), thread.id(), message.clone());
    context.whole(StatusCode::CREATED, thread.listing().set, message)
}
