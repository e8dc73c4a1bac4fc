//! Mail on its way: out of a mailbox, and into those of recipients within the tenant.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::context::{Context, Outcome, items};
use super::error::GraphError;
use super::mail;
use super::table::Kind;
use crate::exchange::Answer;

/// What one request may carry: larger attachments go up in a session.
const LARGEST: usize = 4 * 1024 * 1024;

/// A message that left a mailbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// The sender's object id.
    pub user: String,
    /// Addresses of `toRecipients`.
    pub to: Vec<String>,
    /// Addresses of `ccRecipients`.
    pub cc: Vec<String>,
    /// Addresses of `bccRecipients`.
    pub bcc: Vec<String>,
    /// Subject.
    pub subject: String,
    /// `text` or `html`.
    pub content_type: String,
    /// What the body says.
    pub content: String,
    /// Names of the attached files.
    pub attachments: Vec<String>,
    /// The whole resource.
    pub raw: Value,
}

impl Mail {
    pub(super) fn of(raw: &Value) -> Self {
        let at = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let names = items(raw, "attachments").iter().filter_map(|one| one.get("name")?.as_str());
        Self {
            user: at("/sandboxUser"),
            to: addresses(raw, "toRecipients"),
            cc: addresses(raw, "ccRecipients"),
            bcc: addresses(raw, "bccRecipients"),
            subject: at("/subject"),
            content_type: at("/body/contentType").to_lowercase(),
            content: at("/body/content"),
            attachments: names.map(str::to_owned).collect(),
            raw: raw.clone(),
        }
    }
}

fn addresses(message: &Value, list: &str) -> Vec<String> {
    let addresses = items(message, list).iter().filter_map(|one| one.pointer("/emailAddress/address")?.as_str());
    addresses.map(str::to_owned).collect()
}

/// `POST …/sendMail`: nothing of it can be named afterwards.
pub(super) fn send_mail(context: &mut Context<'_>, user: &str) -> Outcome {
    if context.request.body.len() > LARGEST {
        let message = "The request exceeded the maximum supported size.";
        return Err(GraphError::new(StatusCode::PAYLOAD_TOO_LARGE, "ErrorMessageSizeExceeded", message));
    }
    let mut body = context.body()?;
    // Actions take their parameters' names in any case.
    let fields = body.as_object_mut().into_iter().flatten();
    let (mut message, mut keep) = (None, true);
    for (name, value) in fields {
        match name.to_lowercase().as_str() {
            "message" => message = Some(value.take()),
            "savetosentitems" => keep = value.as_bool().or_else(|| value.as_str()?.parse().ok()).unwrap_or(true),
            _ => {}
        }
    }
    let message = message.filter(Value::is_object).ok_or_else(|| GraphError::property("Message"))?;
    let id = mail::add(context, user, "drafts", message)?;
    let sent = leave(context, user, &id);
    if sent.is_err() || !keep {
        context.world.table.remove(Kind::Message, user, &id);
    }
    sent?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// `POST …/messages/{id}/send`.
pub(super) fn send_draft(context: &mut Context<'_>, user: &str, id: &str) -> Outcome {
    let row = context.world.table.get(Kind::Message, user, id).filter(|row| row.unseen == 0);
    let row = row.ok_or_else(GraphError::no_mailbox_item)?;
    if row.value.get("isDraft") != Some(&json!(true)) {
        let message = "The operation is only valid for drafts.";
        return Err(GraphError::new(StatusCode::BAD_REQUEST, "ErrorInvalidOperation", message));
    }
    leave(context, user, id)?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// Sends a draft: it goes to Sent Items, and copies go to the recipients' inboxes.
fn leave(context: &mut Context<'_>, user: &str, id: &str) -> Result<(), GraphError> {
    let row = context.world.table.get(Kind::Message, user, id).ok_or_else(GraphError::no_mailbox_item)?;
    let recipients: Vec<String> =
        ["toRecipients", "ccRecipients", "bccRecipients"].iter().flat_map(|list| addresses(&row.value, list)).collect();
    if recipients.is_empty() {
        let message = "At least one recipient is not valid.";
        return Err(GraphError::new(StatusCode::BAD_REQUEST, "ErrorInvalidRecipients", message));
    }
    let now = context.now();
    if let Some(row) = context.world.table.change(Kind::Message, user, id) {
        row.value["isDraft"] = json!(false);
        row.value["sentDateTime"] = json!(now);
    }
    let kept = mail::put_in(context, user, id, "sentitems")?;
    let lag = context.world.settings.sent_lag;
    if let Some(row) = context.world.table.change(Kind::Message, user, &kept) {
        row.unseen = lag;
    }
    let table = &context.world.table;
    let mut message = table.get(Kind::Message, user, &kept).map_or(Value::Null, |row| row.value.clone());
    let attached: Vec<Value> = table.under(Kind::Attachment, &kept).map(|row| row.value.clone()).collect();
    for recipient in recipients {
        if let Some(to) = context.world.user_of_mail(&recipient) {
            let copy = context.world.mailbox_id();
            let mut received = message.clone();
            received["id"] = json!(copy);
            received["parentFolderId"] = json!("inbox");
            received["isRead"] = json!(false);
            received["receivedDateTime"] = json!(now);
            received["bccRecipients"] = json!([]);
            context.world.add(Kind::Message, &to, received);
            for attachment in &attached {
                context.world.add(Kind::Attachment, &copy, attachment.clone());
            }
        }
    }
    message["attachments"] = json!(attached);
    message["sandboxUser"] = json!(user);
    context.world.sent.push(message);
    Ok(())
}
