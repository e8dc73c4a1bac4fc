//! A mailbox's messages and folders.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::context::{Context, Outcome, items, merge, needed, text};
use super::error::GraphError;
use super::odata::Listing;
use super::table::Kind;
use super::{DOMAIN, attachments, send};
use crate::exchange::Answer;

pub(super) const MESSAGES: Listing<'_> =
    Listing::new("users('id')/messages").size(10).expanded(&["attachments", "singleValueExtendedProperties"]);

/// What a message may hold when it comes in; the rest is the mailbox's own.
const READ_ONLY: &[&str] = &["createdDateTime", "receivedDateTime", "sentDateTime", "isDraft", "changeKey", "webLink"];

pub(super) fn route(context: &mut Context<'_>, user: &str, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::POST, ["sendMail"]) => send::send_mail(context, user),
        (Method::GET, ["messages"]) => {
            let seen = messages(context, user, None);
            // One of the reads that miss what was just sent.
            context.world.table.list(Kind::Message, user);
            context.page(seen, &MESSAGES)
        }
        (Method::POST, ["messages"]) => create(context, user, "drafts"),
        (_, ["messages", id]) => one(context, user, id),
        (Method::POST, ["messages", id, "send"]) => send::send_draft(context, user, id),
        (Method::POST, ["messages", id, "move"]) => relocate(context, user, id),
        (_, ["messages", id, "attachments", rest @ ..]) => attachments::route(context, user, id, rest),
        (Method::GET, ["mailFolders"]) => folders(context, user, None),
        (Method::POST, ["mailFolders"]) => create_folder(context, user, None),
        (Method::GET, ["mailFolders", folder, "childFolders"]) => folders(context, user, Some(folder)),
        (Method::POST, ["mailFolders", folder, "childFolders"]) => create_folder(context, user, Some(folder)),
        (Method::GET, ["mailFolders", folder]) => {
            let folder = counted(context, user, folder_of(context, user, folder)?);
            context.one(folder, &Listing::new("mailFolders"))
        }
        (Method::GET, ["mailFolders", folder, "messages"]) => {
            let folder = folder_of(context, user, folder)?;
            let id = text(&folder, "id").unwrap_or_default();
            context.page(messages(context, user, Some(id)), &MESSAGES)
        }
        (Method::POST, ["mailFolders", folder, "messages"]) => {
            let folder = folder_of(context, user, folder)?;
            create(context, user, text(&folder, "id").unwrap_or_default())
        }
        _ => Err(GraphError::no_route()),
    }
}

/// A folder by its id or its well-known name, in which capitals do not count.
fn folder_of(context: &Context<'_>, user: &str, named: &str) -> Result<Value, GraphError> {
    let mut folders = context.world.table.under(Kind::MailFolder, user);
    let folder = folders.find(|row| row.id == named || row.id == named.to_lowercase());
    folder.map(|row| row.value.clone()).ok_or_else(GraphError::no_mailbox_item)
}

/// The folders within one, or at the top of the mailbox.
fn within<'w>(context: &'w Context<'_>, user: &str, parent: Option<&'w str>) -> impl Iterator<Item = &'w Value> {
    let folders = context.world.table.under(Kind::MailFolder, user).map(|row| &row.value);
    folders.filter(move |folder| text(folder, "parentFolderId") == parent)
}

fn folders(context: &mut Context<'_>, user: &str, parent: Option<&str>) -> Outcome {
    let parent = parent.map(|parent| folder_of(context, user, parent)).transpose()?;
    let parent = parent.as_ref().and_then(|parent| text(parent, "id"));
    let folders = within(context, user, parent).map(|folder| counted(context, user, folder.clone())).collect();
    context.page(folders, &Listing::new("mailFolders").size(10))
}

fn create_folder(context: &mut Context<'_>, user: &str, parent: Option<&str>) -> Outcome {
    let parent = parent.map(|parent| folder_of(context, user, parent)).transpose()?;
    let mut folder = json!({ "displayName": needed(&context.body()?, "displayName")?, "isHidden": false });
    folder["id"] = json!(context.world.mailbox_id());
    if let Some(parent) = parent {
        folder["parentFolderId"] = json!(text(&parent, "id"));
    }
    context.world.add(Kind::MailFolder, user, folder.clone());
    let folder = counted(context, user, folder);
    context.whole(StatusCode::CREATED, "mailFolders", folder)
}

fn counted(context: &Context<'_>, user: &str, mut folder: Value) -> Value {
    let id = text(&folder, "id").unwrap_or_default();
    let messages = messages(context, user, Some(id));
    let unread = messages.iter().filter(|message| message.get("isRead") == Some(&json!(false))).count();
    folder["childFolderCount"] = json!(within(context, user, Some(id)).count());
    folder["totalItemCount"] = json!(messages.len());
    folder["unreadItemCount"] = json!(unread);
    folder
}

/// The newest first, as Outlook lists them.
fn messages(context: &Context<'_>, user: &str, folder: Option<&str>) -> Vec<Value> {
    let table = &context.world.table;
    let rows = table.under(Kind::Message, user).filter(|row| row.unseen == 0);
    let rows = rows.filter(|row| folder.is_none_or(|folder| text(&row.value, "parentFolderId") == Some(folder)));
    let mut messages: Vec<Value> = rows
        .map(|row| {
            let mut message = row.value.clone();
            let attached = table.under(Kind::Attachment, &row.id).map(|row| row.value.clone());
            message["attachments"] = attached.collect();
            message
        })
        .collect();
    messages.reverse();
    messages
}

fn create(context: &mut Context<'_>, user: &str, folder: &str) -> Outcome {
    let message = context.body()?;
    let id = add(context, user, folder, message)?;
    whole(context, user, &id, StatusCode::CREATED)
}

/// Puts a message into a folder as a draft, and gives its id.
pub(super) fn add(context: &mut Context<'_>, user: &str, folder: &str, given: Value) -> Result<String, GraphError> {
    check(&given)?;
    let (id, number) = (context.world.mailbox_id(), context.world.number());
    let now = context.now();
    let from = address(context, user);
    let mut message = json!({
        "subject": "",
        "body": { "contentType": "text", "content": "" },
        "importance": "normal",
        "toRecipients": [],
        "ccRecipients": [],
        "bccRecipients": [],
        "replyTo": [],
        "categories": [],
        "from": from,
        "sender": from,
        "conversationId": format!("AAQkSandboxConversation{number}"),
        "internetMessageId": format!("<sandbox-{number}@{DOMAIN}>"),
        "isRead": true,
    });
    let mut given = given;
    let attached = given.as_object_mut().and_then(|fields| fields.remove("attachments"));
    if let Some(fields) = given.as_object_mut() {
        fields.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    }
    merge(&mut message, &given);
    message["id"] = json!(id);
    message["isDraft"] = json!(true);
    message["hasAttachments"] = json!(false);
    message["parentFolderId"] = json!(folder);
    message["webLink"] = json!(format!("https://outlook.office365.com/owa/?ItemID={number}"));
    for name in ["createdDateTime", "lastModifiedDateTime", "receivedDateTime", "sentDateTime"] {
        message[name] = json!(now);
    }
    preview(&mut message);
    context.world.add(Kind::Message, user, message);
    for attachment in attached.iter().flat_map(|list| list.as_array().into_iter().flatten()) {
        attachments::add(context, user, &id, attachment)?;
    }
    Ok(id)
}

/// The mailbox's own address, as `from` has it.
fn address(context: &Context<'_>, user: &str) -> Value {
    json!({ "emailAddress": {
        "name": context.world.user_text(user, "displayName"),
        "address": context.world.user_text(user, "mail"),
    } })
}

fn preview(message: &mut Value) {
    let content = message.pointer("/body/content").and_then(Value::as_str).unwrap_or_default();
    message["bodyPreview"] = json!(content.chars().take(255).collect::<String>());
}

/// Recipients must have addresses, and a body a kind that Outlook knows.
fn check(message: &Value) -> Result<(), GraphError> {
    for list in ["toRecipients", "ccRecipients", "bccRecipients", "replyTo"] {
        for recipient in items(message, list) {
            if recipient.pointer("/emailAddress/address").and_then(Value::as_str).is_none_or(|one| !one.contains('@')) {
                let message = "At least one recipient is not valid.";
                return Err(GraphError::new(StatusCode::BAD_REQUEST, "ErrorInvalidRecipients", message));
            }
        }
    }
    match message.pointer("/body/contentType").and_then(Value::as_str).map(str::to_lowercase).as_deref() {
        None | Some("text" | "html") => Ok(()),
        Some(_) => Err(GraphError::property("contentType")),
    }
}

fn one(context: &mut Context<'_>, user: &str, id: &str) -> Outcome {
    match *context.method() {
        Method::GET => {
            if context.world.table.look(Kind::Message, id) {
                return Err(GraphError::no_mailbox_item());
            }
            let mut message = context.world.table.get(Kind::Message, user, id).map(|row| row.value.clone());
            let message = message.as_mut().ok_or_else(GraphError::no_mailbox_item)?;
            let attached = context.world.table.under(Kind::Attachment, id).map(|row| row.value.clone());
            message["attachments"] = attached.collect();
            context.one(message.take(), &MESSAGES)
        }
        Method::PATCH => {
            let patch = context.body()?;
            check(&patch)?;
            let now = context.now();
            let row = context.world.table.change(Kind::Message, user, id).ok_or_else(GraphError::no_mailbox_item)?;
            merge(&mut row.value, &patch);
            row.value["lastModifiedDateTime"] = json!(now);
            preview(&mut row.value);
            whole(context, user, id, StatusCode::OK)
        }
        Method::DELETE => {
            // A deleted message lies in Deleted Items, from where a second delete removes it for good.
            let missing = GraphError::no_mailbox_item;
            let row = context.world.table.get(Kind::Message, user, id).ok_or_else(missing)?;
            if text(&row.value, "parentFolderId") == Some("deleteditems") {
                context.world.table.remove(Kind::Message, user, id);
            } else {
                put_in(context, user, id, "deleteditems")?;
            }
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}

fn relocate(context: &mut Context<'_>, user: &str, id: &str) -> Outcome {
    let folder = folder_of(context, user, needed(&context.body()?, "destinationId")?)?;
    let id = put_in(context, user, id, text(&folder, "id").unwrap_or_default())?;
    whole(context, user, &id, StatusCode::CREATED)
}

/// Moves a message to a folder. Its id changes on the way unless the request works with immutable ids.
pub(super) fn put_in(context: &mut Context<'_>, user: &str, id: &str, folder: &str) -> Result<String, GraphError> {
    let missing = GraphError::no_mailbox_item;
    if immutable(context) {
        context.world.table.change(Kind::Message, user, id).ok_or_else(missing)?.value["parentFolderId"] =
            json!(folder);
        return Ok(id.to_owned());
    }
    let mut row = context.world.table.remove(Kind::Message, user, id).ok_or_else(missing)?;
    let new = context.world.mailbox_id();
    row.value["id"] = json!(new);
    row.value["parentFolderId"] = json!(folder);
    context.world.add(Kind::Message, user, row.value);
    let attached: Vec<Value> = context.world.table.under(Kind::Attachment, id).map(|row| row.value.clone()).collect();
    context.world.table.clear_under(Kind::Attachment, id);
    for attachment in attached {
        context.world.add(Kind::Attachment, &new, attachment);
    }
    Ok(new)
}

/// Whether the request asks for ids that outlive a move.
pub(super) fn immutable(context: &Context<'_>) -> bool {
    let prefers = context.request.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    prefers
        .flat_map(|value| value.split([',', ';']))
        .any(|one| one.trim().replace('"', "").eq_ignore_ascii_case("IdType=ImmutableId"))
}

fn whole(context: &Context<'_>, user: &str, id: &str, status: StatusCode) -> Outcome {
    let row = context.world.table.get(Kind::Message, user, id).ok_or_else(GraphError::no_mailbox_item)?;
    let mut message = row.value.clone();
    // Not shown unless asked for, and what makes or changes a message cannot ask.
    if let Some(fields) = message.as_object_mut() {
        fields.remove("singleValueExtendedProperties");
    }
    context.whole(status, "users('id')/messages", message)
}
