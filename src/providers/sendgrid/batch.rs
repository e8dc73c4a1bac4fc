//! Many messages on their way: a thousand to a request, a result for each.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Sendgrid,
    compose::{MailState, Taken, dispatch},
    options::LARGEST,
    people::MOST,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
};

/// The most messages of one call.
const LONGEST: usize = 100_000;
/// Requests on their way at once.
const AT_ONCE: usize = 4;
/// How often a request is sent again without a message that SendGrid refused the whole request for, before it is halved:
/// many bad ones are found at less cost in small requests.
const REFUSED: usize = 20;

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailError {
    /// Our code, such as `invalid_argument`.
    pub code: String,
    /// In words.
    pub message: String,
    /// The argument at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl From<&Error> for MailError {
    fn from(error: &Error) -> Self {
        let field = error.field().map(str::to_owned);
        Self { code: error.code().name().to_owned(), message: error.message().to_owned(), field }
    }
}

/// What became of one of many messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailResult {
    /// The position in the list.
    pub index: usize,
    /// What SendGrid did with it.
    pub state: MailState,
    /// SendGrid's id: that of the request, which up to a thousand messages have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// For a duplicate: the position of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<usize>,
    /// Why not, or why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<MailError>,
}

impl MailResult {
    pub(super) fn failed(index: usize, error: &Error) -> Self {
        let state = if error.code() == ErrorCode::OutcomeUnknown { MailState::Unknown } else { MailState::Failed };
        Self { index, state, message_id: None, duplicate_of: None, error: Some(error.into()) }
    }

    fn taken(index: usize, taken: &Taken) -> Self {
        Self { index, state: taken.state, message_id: taken.message_id.clone(), duplicate_of: None, error: None }
    }
}

/// What became of many messages. The counts add up to all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailReport {
    /// How many SendGrid took; with `options.sandbox`, finds nothing wrong with.
    pub accepted: usize,
    /// How many were not sent.
    pub failed: usize,
    /// Of how many that is not known.
    pub unknown: usize,
    /// How many stood in the list before, the same in everything.
    pub duplicates: usize,
    /// What the messages are marked with (custom argument `sis_request_id`; their positions are in `sis_item`).
    pub request_id: String,
    /// Each of them, in the order given.
    pub results: Vec<MailResult>,
}

impl MailReport {
    pub(super) fn new(call: &Call<'_, Sendgrid>, mut results: Vec<MailResult>) -> Self {
        results.sort_by_key(|result| result.index);
        let count = |states: &[MailState]| results.iter().filter(|result| states.contains(&result.state)).count();
        let report = Self {
            accepted: count(&[MailState::Accepted, MailState::Validated]),
            failed: count(&[MailState::Failed]),
            unknown: count(&[MailState::Unknown]),
            duplicates: count(&[MailState::Duplicate]),
            request_id: call.request_id().to_string(),
            results,
        };
        for (name, count) in [("accepted", report.accepted), ("failed", report.failed), ("unknown", report.unknown)] {
            call.note(name, count);
        }
        report
    }
}

/// One message on its way: its place in the caller's list, and its personalisation.
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) people: usize,
    pub(super) wire: Value,
}

/// Puts items into requests: at most a thousand personalisations, a thousand people, and 30 MB each.
fn pack(items: Vec<Item>, room: usize) -> Vec<Vec<Item>> {
    let mut parts: Vec<Vec<Item>> = Vec::new();
    let (mut people, mut size) = (0, 0);
    for item in items {
        let length = item.wire.to_string().len() + 1;
        let full =
            parts.last().is_none_or(|part| part.len() == MOST) || people + item.people > MOST || size + length > room;
        if full {
            parts.push(Vec::new());
            (people, size) = (0, 0);
        }
        people += item.people;
        size += length;
        if let Some(part) = parts.last_mut() {
            part.push(item);
        }
    }
    parts
}

/// Sends items, a part of the call for each request; a result for each item.
///
/// Only when nothing at all could be sent because of the tenant's settings is that an error of the whole.
pub(super) async fn deliver(
    call: &Call<'_, Sendgrid>,
    list: &str,
    envelope: &Value,
    items: Vec<Item>,
) -> Result<Vec<MailResult>> {
    match deliver_each(call, list, envelope, items).await {
        (_, Some(error)) => Err(error),
        (results, None) => Ok(results),
    }
}

/// The same with a result for each item also where the tenant's settings let nothing be sent: beside them the error.
pub(super) async fn deliver_each(
    call: &Call<'_, Sendgrid>,
    list: &str,
    envelope: &Value,
    items: Vec<Item>,
) -> (Vec<MailResult>, Option<Error>) {
    let room = LARGEST.saturating_sub(envelope.to_string().len());
    let refused = AtomicBool::new(false);
    let parts = pack(items, room).into_iter().map(|part| send_part(call, list, envelope, part, &refused));
    let mut done = stream::iter(parts).buffer_unordered(AT_ONCE).boxed();
    let (mut results, mut whole) = (Vec::new(), None);
    while let Some((sent, error)) = done.next().await {
        results.extend(sent);
        whole = whole.or(error);
    }
    drop(done);
    let whole = whole.filter(|_| results.iter().all(|result| result.state == MailState::Failed));
    (results, whole)
}

/// Sends one request. SendGrid refuses a whole request for one bad message and says which: nothing was sent then, and the
/// request goes again without it.
async fn send_part(
    call: &Call<'_, Sendgrid>,
    list: &str,
    envelope: &Value,
    items: Vec<Item>,
    refused: &AtomicBool,
) -> (Vec<MailResult>, Option<Error>) {
    let mut results = Vec::with_capacity(items.len());
    let mut left = vec![items];
    let (mut attempt, mut in_vain) = (0, 0);
    while let Some(mut items) = left.pop() {
        let Some(first) = items.first() else { continue };
        attempt += 1;
        let name = match attempt {
            1 => format!("{list}[{}]+{}", first.index, items.len()),
            _ => format!("{list}[{}]+{}/{attempt}", first.index, items.len()),
        };
        let outcome = if refused.load(Ordering::Relaxed) {
            let why = "not sent: SendGrid refused the tenant's settings just before";
            Err(Error::new(ErrorCode::NeedsReconnect, why))
        } else {
            send_recorded(call, &name, envelope, &items).await
        };
        let error = match outcome {
            Ok(taken) => {
                results.extend(items.iter().map(|item| MailResult::taken(item.index, &taken)));
                continue;
            }
            Err(error) => error,
        };
        if let Some((position, rest)) = culprit(&error).filter(|(position, _)| *position < items.len()) {
            let item = items.remove(position);
            let field = format!("{list}[{}].{rest}", item.index);
            results.push(MailResult::failed(item.index, &error.with_field(field)));
            in_vain += 1;
            if in_vain % REFUSED == 0 {
                left.push(items.split_off(items.len() / 2));
            }
            left.push(items);
            continue;
        }
        results.extend(items.iter().map(|item| MailResult::failed(item.index, &error)));
        if matches!(error.code(), ErrorCode::NeedsReconnect | ErrorCode::NotConfigured) {
            refused.store(true, Ordering::Relaxed);
            let rest = left.iter().flatten().map(|item| MailResult::failed(item.index, &error));
            results.extend(rest);
            return (results, Some(error));
        }
    }
    (results, None)
}

async fn send_recorded(call: &Call<'_, Sendgrid>, name: &str, envelope: &Value, items: &[Item]) -> Result<Taken> {
    let mut body = envelope.clone();
    body["personalizations"] = items.iter().map(|item| item.wire.clone()).collect();
    let people = items.iter().map(|item| item.people).sum();
    let mut outcome = None;
    let work = async {
        let result = dispatch(call, &body, people, items.first().map(|item| item.index)).await;
        let note = match &result {
            Ok(taken) => Ok(((), json!({ "message_id": taken.message_id }))),
            Err(error) => Err(error.clone()),
        };
        outcome = Some(result);
        note
    };
    let recorded = call.part(name, work).await;
    match (outcome, recorded) {
        // What became of it is told also where writing it down failed; the road raises that.
        (Some(result), _) => result,
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(Error::internal("a part ended without having begun")),
    }
}

/// Which personalisation a refusal is about, and what of it.
fn culprit(error: &Error) -> Option<(usize, String)> {
    if error.code() != ErrorCode::InvalidArgument {
        return None;
    }
    let (position, rest) = error.field()?.strip_prefix("personalizations[")?.split_once(']')?;
    Some((position.parse().ok()?, rest.strip_prefix('.').unwrap_or("to").to_owned()))
}

/// Refuses a list without anybody in it, or with too many.
pub(super) fn check_length(field: &str, length: usize) -> Result<()> {
    match length {
        0 => Err(Error::invalid(field, "must hold at least one")),
        1..=LONGEST => Ok(()),
        _ => Err(Error::invalid(field, format!("must hold at most {LONGEST}, not {length}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(index: usize, people: usize, size: usize) -> Item {
        Item { index, people, wire: json!("x".repeat(size)) }
    }

    #[test]
    fn requests_are_full_and_never_too_full() {
        let lengths = |items: Vec<Item>, room| pack(items, room).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths((0..1000).map(|at| item(at, 1, 0)).collect(), LARGEST), [1000]);
        assert_eq!(lengths((0..1001).map(|at| item(at, 1, 0)).collect(), LARGEST), [1000, 1]);
        assert_eq!(lengths((0..5).map(|at| item(at, 400, 0)).collect(), LARGEST), [2, 2, 1]);
        assert_eq!(lengths((0..4).map(|at| item(at, 1, 10)).collect(), 26), [2, 2]);
        assert_eq!(lengths(Vec::new(), LARGEST), Vec::<usize>::new());
    }

    #[test]
    fn a_refusal_names_its_message() {
        let about = |field: &str| culprit(&Error::invalid(field, "x"));
        assert_eq!(about("personalizations[3].to[1].email"), Some((3, "to[1].email".to_owned())));
        assert_eq!(about("personalizations[3]"), Some((3, "to".to_owned())));
        assert_eq!(about("from.email"), None);
        assert_eq!(culprit(&Error::new(ErrorCode::Vendor, "x").with_field("personalizations[3]")), None);
    }
}
