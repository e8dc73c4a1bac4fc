//! What is attached to a message: small files in the request, large ones through an upload session.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::context::{Context, Outcome, needed, text};
use super::error::GraphError;
use super::odata::Listing;
use super::table::Kind;
use super::uploads::{self, Target};
use crate::exchange::Answer;

const LISTING: Listing<'_> = Listing::new("users('id')/messages('id')/attachments").size(10);

/// From this size on a file needs a session.
const SMALL: usize = 3 * 1024 * 1024;
/// No file is larger.
const LARGEST: u64 = 150 * 1024 * 1024;

pub(super) fn route(context: &mut Context<'_>, user: &str, message: &str, path: &[&str]) -> Outcome {
    if context.world.table.get(Kind::Message, user, message).is_none() {
        return Err(GraphError::no_mailbox_item());
    }
    match (context.method().clone(), path) {
        (Method::GET, []) => context.list(Kind::Attachment, message, &LISTING),
        (Method::POST, []) => {
            let body = context.body()?;
            let attachment = add(context, user, message, &body)?;
            context.whole(StatusCode::CREATED, LISTING.set, attachment)
        }
        (Method::POST, ["createUploadSession"]) => open_session(context, user, message),
        (Method::GET, [id]) => {
            let row = context.world.table.get(Kind::Attachment, message, id);
            let attachment = row.map(|row| row.value.clone()).ok_or_else(GraphError::no_mailbox_item)?;
            context.one(attachment, &LISTING)
        }
        (Method::DELETE, [id]) => {
            let removed = context.world.table.remove(Kind::Attachment, message, id);
            removed.ok_or_else(GraphError::no_mailbox_item)?;
            mark(context, user, message);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}

/// Attaches what a request describes.
pub(super) fn add(context: &mut Context<'_>, user: &str, message: &str, given: &Value) -> Result<Value, GraphError> {
    let kind = text(given, "@odata.type").ok_or_else(|| GraphError::property("@odata.type"))?;
    if kind.trim_start_matches('#') != "microsoft.graph.fileAttachment" {
        return Err(GraphError::property("@odata.type"));
    }
    let bytes = text(given, "contentBytes").and_then(|bytes| STANDARD.decode(bytes).ok());
    let bytes = bytes.ok_or_else(|| GraphError::property("contentBytes"))?;
    if bytes.len() >= SMALL {
        let message = "The attachment is too large for one request.";
        return Err(GraphError::new(StatusCode::PAYLOAD_TOO_LARGE, "ErrorAttachmentSizeLimitExceeded", message));
    }
    let name = needed(given, "name")?.to_owned();
    let kind = text(given, "contentType").unwrap_or("application/octet-stream").to_owned();
    let mut attachment = put(context, user, message, &name, &kind, &bytes);
    for field in ["isInline", "contentId"] {
        if let Some(value) = given.get(field) {
            attachment[field] = value.clone();
        }
    }
    let id = text(&attachment, "id").unwrap_or_default().to_owned();
    if let Some(row) = context.world.table.change(Kind::Attachment, message, &id) {
        row.value = attachment.clone();
    }
    Ok(attachment)
}

/// Attaches bytes.
pub(super) fn put(
    context: &mut Context<'_>,
    user: &str,
    message: &str,
    name: &str,
    content_type: &str,
    bytes: &[u8],
) -> Value {
    let attachment = json!({
        "@odata.type": "#microsoft.graph.fileAttachment",
        "id": context.world.mailbox_id(),
        "lastModifiedDateTime": context.now(),
        "name": name,
        "contentType": content_type,
        "size": bytes.len(),
        "isInline": false,
        "contentId": null,
        "contentBytes": STANDARD.encode(bytes),
    });
    context.world.add(Kind::Attachment, message, attachment.clone());
    mark(context, user, message);
    attachment
}

/// Notes on the message whether anything is attached.
fn mark(context: &mut Context<'_>, user: &str, message: &str) {
    let any = context.world.table.under(Kind::Attachment, message).next().is_some();
    if let Some(row) = context.world.table.change(Kind::Message, user, message) {
        row.value["hasAttachments"] = json!(any);
    }
}

fn open_session(context: &mut Context<'_>, user: &str, message: &str) -> Outcome {
    let body = context.body()?;
    let item = body.get("AttachmentItem").or_else(|| body.get("attachmentItem"));
    let item = item.ok_or_else(|| GraphError::property("AttachmentItem"))?;
    if !text(item, "attachmentType").is_some_and(|kind| kind.eq_ignore_ascii_case("file")) {
        return Err(GraphError::property("attachmentType"));
    }
    let size = item.get("size").and_then(Value::as_u64).filter(|size| (1..=LARGEST).contains(size));
    let size = size.ok_or_else(|| GraphError::property("size"))?;
    let target = Target::Attachment {
        user: user.to_owned(),
        message: message.to_owned(),
        name: needed(item, "name")?.to_owned(),
        content_type: text(item, "contentType").unwrap_or("application/octet-stream").to_owned(),
    };
    let session = uploads::open(context, target, Some(size));
    context.whole(StatusCode::CREATED, "microsoft.graph.uploadSession", session)
}
