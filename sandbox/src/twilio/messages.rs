//! The Messages resource.

use hyper::{Method, StatusCode};
use serde::Serialize;

use super::dates::DateFilter;
use super::error::{ApiError, delivery_message};
use super::format::{charge, parse_sid, rfc2822, sid};
use super::message::{MessageStatus, Record};
use super::paging::Paging;
use super::{API_VERSION, Context};
use crate::exchange::Answer;

pub(super) fn list(context: &mut Context<'_>) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let paging = Paging::of(context.request, &query)?;
    let sent = DateFilter::of(&query, "DateSent")?;
    let after = match paging.token.as_deref() {
        None => None,
        Some(token) => {
            let message = token.strip_prefix("PA").unwrap_or(token);
            let id = parse_sid("SM", message).or_else(|| parse_sid("MM", message));
            Some(id.ok_or_else(|| ApiError::bad(20006, "PageToken is not valid"))?)
        }
    };
    let now = context.now;
    let sender = query.filled("From");
    let matches = |record: &&Record| {
        let at = record.stages().sent_at().filter(|at| *at <= now).unwrap_or(record.created);
        sender.is_none_or(|from| record.shown_from(record.status(now)) == Some(from)) && sent.contains(at)
    };
    let newest_first = context.account.messages.newest_first(query.filled("To"), after, sent.from);
    let mut matching = newest_first.filter(matches).skip(paging.skip());
    let page: Vec<&Record> = matching.by_ref().take(paging.size).collect();
    let more = matching.next().is_some();
    let next = page.last().filter(|_| more).map(|last| format!("PA{}", sid(last.prefix(), last.id)));
    let views = page.into_iter().map(|record| View::of(&context.account.sid, record, now));
    Ok(paging.legacy("messages", views.map(|view| serde_json::json!(view)).collect(), next))
}

/// Fetches, redacts, cancels or deletes one message.
pub(super) fn one(context: &mut Context<'_>, sid: &str) -> Result<Answer, ApiError> {
    let (prefix, id) = find(context, sid)?;
    let now = context.now;
    match context.request.method {
        Method::GET => {}
        Method::POST => update(context, prefix, id)?,
        Method::DELETE => {
            settled(context, prefix, id)?;
            context.account.messages.delete(prefix, id);
            return Ok(Answer::empty(StatusCode::NO_CONTENT));
        }
        _ => return Err(ApiError::method_not_allowed()),
    }
    let record = context.account.messages.get(prefix, id).ok_or_else(|| not_found(context))?;
    Ok(Answer::json(StatusCode::OK, &View::of(&context.account.sid, record, now)))
}

fn find(context: &Context<'_>, sid: &str) -> Result<(&'static str, u128), ApiError> {
    let found = ["SM", "MM"].into_iter().find_map(|prefix| {
        let id = parse_sid(prefix, sid)?;
        context.account.messages.get(prefix, id).map(|_| (prefix, id))
    });
    found.ok_or_else(|| not_found(context))
}

fn not_found(context: &Context<'_>) -> ApiError {
    ApiError::not_found(context.request.path())
}

/// The message, if it has come to its end: before, it can be neither redacted nor deleted.
fn settled<'c>(context: &'c mut Context<'_>, prefix: &str, id: u128) -> Result<&'c mut Record, ApiError> {
    let (now, missing) = (context.now, not_found(context));
    let record = context.account.messages.get_mut(prefix, id).ok_or(missing)?;
    if record.is_settled(now) {
        Ok(record)
    } else {
        Err(ApiError::new(StatusCode::CONFLICT, 20009, "The message has not come to its end"))
    }
}

fn update(context: &mut Context<'_>, prefix: &str, id: u128) -> Result<(), ApiError> {
    let form = context.request.form();
    let now = context.now;
    if let Some(status) = form.filled("Status") {
        if status != "canceled" {
            return Err(ApiError::bad(20001, format!("Status cannot be {status}")));
        }
        let missing = not_found(context);
        let record = context.account.messages.get_mut(prefix, id).ok_or(missing)?;
        let scheduled = record.status(now) == MessageStatus::Scheduled;
        let Some(extras) = record.extras.as_mut().filter(|_| scheduled) else {
            return Err(ApiError::new(StatusCode::CONFLICT, 30409, "Only a scheduled message can be canceled"));
        };
        extras.canceled = Some(now);
        let refund = record.price();
        context.account.spent -= refund;
    }
    match form.get("Body") {
        Some("") => settled(context, prefix, id)?.body = "".into(),
        Some(_) => return Err(ApiError::bad(20001, "Body can only be emptied")),
        None => {}
    }
    Ok(())
}

pub(super) fn feedback(context: &mut Context<'_>, sid: &str) -> Result<Answer, ApiError> {
    find(context, sid)?;
    let form = context.request.form();
    let outcome = form.filled("Outcome").unwrap_or("confirmed");
    if !matches!(outcome, "confirmed" | "unconfirmed") {
        return Err(ApiError::bad(20001, format!("Outcome cannot be {outcome}")));
    }
    let account = &context.account;
    let at = rfc2822(context.now);
    let body = serde_json::json!({
        "account_sid": &*account.sid,
        "message_sid": sid,
        "outcome": outcome,
        "date_created": at,
        "date_updated": at,
        "uri": account.uri(&format!("/Messages/{sid}/Feedback.json")),
    });
    Ok(Answer::json(StatusCode::OK, &body))
}

/// A message as the API shows it.
#[derive(Serialize)]
pub(super) struct View<'a> {
    body: &'a str,
    num_segments: String,
    direction: &'static str,
    from: Option<&'a str>,
    date_updated: String,
    price: Option<String>,
    error_message: Option<&'static str>,
    uri: String,
    account_sid: &'a str,
    num_media: String,
    to: &'a str,
    date_created: String,
    status: &'static str,
    sid: String,
    date_sent: Option<String>,
    messaging_service_sid: Option<&'a str>,
    error_code: Option<u32>,
    price_unit: &'static str,
    api_version: &'static str,
    subresource_uris: Subresources,
}

#[derive(Serialize)]
struct Subresources {
    media: String,
    feedback: String,
}

impl<'a> View<'a> {
    pub(super) fn of(account_sid: &'a str, record: &'a Record, now: i64) -> Self {
        let stages = record.stages();
        let (since, status) = stages.at(now);
        let sent = stages.sent_at().filter(|at| *at <= now);
        let sid = sid(record.prefix(), record.id);
        let base = format!("/{API_VERSION}/Accounts/{account_sid}/Messages/{sid}");
        let error_code = record.error(status);
        Self {
            body: &record.body,
            num_segments: record.segments.to_string(),
            direction: "outbound-api",
            from: record.shown_from(status),
            date_updated: rfc2822(since),
            price: sent.map(|_| charge(record.price())),
            error_message: error_code.map(delivery_message),
            account_sid,
            num_media: record.media.to_string(),
            to: &record.to,
            date_created: rfc2822(record.created),
            status: status.as_str(),
            date_sent: sent.map(rfc2822),
            messaging_service_sid: record.extras.as_ref().and_then(|extras| extras.service.as_deref()),
            error_code,
            price_unit: "USD",
            api_version: API_VERSION,
            subresource_uris: Subresources {
                media: format!("{base}/Media.json"),
                feedback: format!("{base}/Feedback.json"),
            },
            uri: base + ".json",
            sid,
        }
    }
}
