//! Upload sessions of drives and mailboxes: one range after the other, to an address that is its own key.

use hyper::header::{AUTHORIZATION, CONTENT_RANGE, LOCATION};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::auth::Caller;
use super::context::{Context, Outcome, text};
use super::error::GraphError;
use super::world::stamp;
use super::{attachments, drive};
use crate::exchange::Answer;

/// Where sessions are reached, without a token.
pub(super) const PREFIX: &str = "_upload";
/// Each range of a drive's session but the last is a multiple of this.
const STEP: usize = 320 * 1024;
/// No range is larger.
const LARGEST_RANGE: usize = 60 * 1024 * 1024;
/// How long a session waits for its next range, in milliseconds.
const PATIENCE: i64 = 24 * 3600 * 1000;

/// What a session makes when it is complete.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Item(drive::Destination),
    Attachment { user: String, message: String, name: String, content_type: String },
}

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) target: Target,
    /// Who opened it: what it makes is made on their behalf.
    pub(super) caller: Caller,
    size: Option<u64>,
    received: Vec<u8>,
    until: i64,
}

/// Opens a session, and gives its description.
pub(super) fn open(context: &mut Context<'_>, target: Target, size: Option<u64>) -> Value {
    let number = context.world.number();
    let token = format!("{:016x}{number:016x}", crate::faults::mix(number));
    let until = context.request.at + PATIENCE;
    let session = Session { target, caller: context.caller.clone(), size, received: Vec::new(), until };
    let mut value = json!({
        "expirationDateTime": stamp(session.until),
        "nextExpectedRanges": [format!("{}-", session.received.len())],
    });
    value["uploadUrl"] = json!(format!("{}/{PREFIX}/{token}", context.url));
    context.world.sessions.insert(token, session);
    value
}

/// How far a session is, as its own address tells it: Outlook spells that in another way than OneDrive.
fn progress(session: &Session) -> Value {
    let (until, next) = (stamp(session.until), session.received.len());
    match session.target {
        Target::Item(_) => json!({ "expirationDateTime": until, "nextExpectedRanges": [format!("{next}-")] }),
        Target::Attachment { .. } => json!({ "ExpirationDateTime": until, "NextExpectedRanges": [next.to_string()] }),
    }
}

/// Answers at a session's own address.
pub(super) fn route(context: &mut Context<'_>, token: &str) -> Outcome {
    // The address is the key; a token beside it is refused, as it may go to a stranger.
    if context.request.headers.contains_key(AUTHORIZATION) {
        return Err(GraphError::unauthenticated("The upload address takes no Authorization header."));
    }
    let at = context.request.at;
    if context.world.sessions.get(token).is_some_and(|session| session.until <= at) {
        context.world.sessions.remove(token);
    }
    let Some(session) = context.world.sessions.get_mut(token) else {
        return Err(GraphError::new(StatusCode::NOT_FOUND, "itemNotFound", "The upload session was not found."));
    };
    match context.request.method {
        Method::GET => Ok(Answer::json(StatusCode::OK, &progress(session))),
        Method::DELETE => {
            context.world.sessions.remove(token);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        Method::PUT => {
            let range = context.request.header(&CONTENT_RANGE).unwrap_or_default();
            let complete = session.take(range, &context.request.body)?;
            session.until = at + PATIENCE;
            if complete {
                return finish(context, token);
            }
            let status = match session.target {
                Target::Item(_) => StatusCode::ACCEPTED,
                Target::Attachment { .. } => StatusCode::OK,
            };
            Ok(Answer::json(status, &progress(session)))
        }
        _ => Err(GraphError::no_route()),
    }
}

impl Session {
    /// Takes a range, and says whether it was the last.
    fn take(&mut self, range: &str, bytes: &[u8]) -> Result<bool, GraphError> {
        let invalid = |message: &str| GraphError::new(StatusCode::BAD_REQUEST, "invalidRequest", message);
        let (from, to, total) =
            parse(range).ok_or_else(|| invalid("The Content-Range header is missing or malformed."))?;
        if to.checked_sub(from).and_then(|length| length.checked_add(1)) != u64::try_from(bytes.len()).ok() {
            return Err(invalid("The Content-Range header does not match the length of the body."));
        }
        if bytes.len() > LARGEST_RANGE {
            let message = "The range is too large.";
            return Err(GraphError::new(StatusCode::PAYLOAD_TOO_LARGE, "requestEntityTooLarge", message));
        }
        if *self.size.get_or_insert(total) != total || to >= total {
            return Err(invalid("The Content-Range header does not match the size of the session."));
        }
        let have = u64::try_from(self.received.len()).unwrap_or(u64::MAX);
        if from != have {
            let message = "Optimistic concurrency failure during fragmented upload.";
            return Err(GraphError::new(StatusCode::RANGE_NOT_SATISFIABLE, "invalidRange", message));
        }
        let last = to + 1 == total;
        if !last && matches!(self.target, Target::Item(_)) && !bytes.len().is_multiple_of(STEP) {
            return Err(invalid("The range is not a multiple of 320 KiB."));
        }
        self.received.extend_from_slice(bytes);
        Ok(last)
    }
}

/// `bytes from-to/total`.
fn parse(range: &str) -> Option<(u64, u64, u64)> {
    let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (from, to) = span.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?, total.parse().ok()?))
}

fn finish(context: &mut Context<'_>, token: &str) -> Outcome {
    let Some(Session { target, caller, received, .. }) = context.world.sessions.remove(token) else {
        return Err(GraphError::no_item());
    };
    let Context { request, url, .. } = *context;
    let context = &mut Context { request, url, world: &mut *context.world, caller: &caller };
    match target {
        Target::Item(destination) => drive::store(context, &destination, received.into(), None),
        Target::Attachment { user, message, name, content_type } => {
            let attachment = attachments::put(context, &user, &message, &name, &content_type, &received);
            let id = text(&attachment, "id").unwrap_or_default();
            let place = format!("{url}/v1.0/users('{user}')/messages('{message}')/attachments('{id}')");
            Ok(Answer::empty(StatusCode::CREATED).with(LOCATION, &place))
        }
    }
}
