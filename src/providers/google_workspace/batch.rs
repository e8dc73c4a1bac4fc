//! Many requests in one, as `multipart/mixed`: each part a request of its own, each answered by itself.
//!
//! <https://developers.google.com/workspace/drive/api/guides/performance#batch-requests>. Google carries the parts out in
//! any order. A part that a limit turned away is sent again alone, and one whose token has ended, once, with another; the
//! others are not.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

use super::{GoogleWorkspace, define, error};
use crate::{
    error::{Error, ErrorCode, Result},
    model::random_bytes,
    providers::{Call, Provider, ProviderConfig},
    transport::{Backoff, Decision, Headers, Repeat, Request, Response, Seen},
};

/// How often a part is sent whose answer failed to come, or left open whether it was done. One that a limit turned away is
/// sent again as long as the call has time.
const ROUNDS: u32 = 5;
/// The longest wait for a limit, where Google names none.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What a call keeps of its time for the last answer.
const RESERVE: Duration = Duration::from_secs(5);

/// What became of one of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ItemState {
    /// It was done.
    Done,
    /// It was not.
    Failed,
    /// No trustworthy answer came: look before you repeat it.
    Unknown,
}

/// Why one of many was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ItemError {
    /// Our code, such as `not_found`.
    pub code: String,
    /// In words.
    pub message: String,
    /// The argument at fault, from the item on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Google's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<&Error> for ItemError {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().name().to_owned(),
            message: error.message().to_owned(),
            field: error.field().map(str::to_owned),
            reason: error.vendor().and_then(|vendor| vendor.code.clone()),
        }
    }
}

/// One of many, in the order given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ItemResult<T> {
    /// The position in the list.
    pub index: usize,
    /// What became of it.
    pub state: ItemState,
    /// Google's id of what it was about, or of what was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What Google answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<T>,
    /// Why not, or why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
}

/// What became of many. The counts add up to all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BatchReport<T> {
    /// How many were done.
    pub done: usize,
    /// How many were not.
    pub failed: usize,
    /// Of how many that is not known.
    pub unknown: usize,
    /// Each of them, in the order given.
    pub results: Vec<ItemResult<T>>,
}

impl<T> BatchReport<T> {
    /// Counts, and notes the counts.
    pub(super) fn new(call: &Call<'_, GoogleWorkspace>, results: Vec<ItemResult<T>>) -> Self {
        let count = |state| results.iter().filter(|result| result.state == state).count();
        let (done, failed, unknown) = (count(ItemState::Done), count(ItemState::Failed), count(ItemState::Unknown));
        for (name, count) in [("done", done), ("failed", failed), ("unknown", unknown)] {
            call.note(name, count);
        }
        Self { done, failed, unknown, results }
    }
}

impl<T> ItemResult<T> {
    /// What was done.
    pub(super) fn done(index: usize, id: Option<String>, item: Option<T>) -> Self {
        Self { index, state: ItemState::Done, id, item, error: None }
    }

    /// What was not, or perhaps not.
    pub(super) fn failed(index: usize, id: Option<String>, error: &Error) -> Self {
        let unknown = error.code() == ErrorCode::OutcomeUnknown;
        let state = if unknown { ItemState::Unknown } else { ItemState::Failed };
        Self { index, state, id, item: None, error: Some(error.into()) }
    }
}

/// Where an API takes batches, and how many requests it takes in one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint {
    /// The API's host.
    pub(super) host: &'static str,
    /// The path.
    pub(super) path: &'static [&'static str],
    /// The most requests in one.
    pub(super) most: usize,
}

/// Sends the requests, as many to a batch as the API takes, and answers each in its place.
///
/// Errors: what ends everything, such as a token that cannot be had, before anything was sent.
pub(super) async fn send(
    call: &Call<'_, GoogleWorkspace>,
    endpoint: Endpoint,
    requests: Vec<Request>,
    repeat: Repeat,
) -> Result<Vec<Result<Response>>> {
    let mut waiting: Vec<usize> = (0..requests.len()).collect();
    let mut answers: BTreeMap<usize, Result<Response>> = BTreeMap::new();
    let backoff = Backoff { most: LONGEST_WAIT, ..Backoff::default() };
    let mut renewed = false;
    // Those that an earlier round may have carried out: what a later one says of itself alone leaves that open.
    let mut begun: BTreeSet<usize> = BTreeSet::new();
    for round in 1.. {
        // Where none can be had, the sending says why.
        let token = if renewed { None } else { call.token(None).await.ok().flatten() };
        let mut turned_down: Vec<usize> = Vec::new();
        let mut again: Vec<usize> = Vec::new();
        let mut wait: Option<Duration> = None;
        for chunk in waiting.chunks(endpoint.most) {
            let parts: Vec<_> = chunk.iter().filter_map(|at| Some((*at, requests.get(*at)?))).collect();
            let mut read = match one(call, endpoint, &parts, repeat).await {
                Ok(read) => read,
                // Nothing has happened yet, and nothing will.
                Err(error) if answers.is_empty() && error.code() != ErrorCode::OutcomeUnknown => return Err(error),
                Err(error) => {
                    // What it advises is for a call, and this one goes on.
                    let lost = error.code() == ErrorCode::OutcomeUnknown;
                    let told = |at: &usize| {
                        if lost || begun.contains(at) { unanswered(repeat) } else { error.clone() }
                    };
                    answers.extend(chunk.iter().map(|at| (*at, Err(told(at)))));
                    continue;
                }
            };
            for at in chunk {
                let Some(response) = read.remove(at) else {
                    if repeat != Repeat::Never && round < ROUNDS {
                        again.push(*at);
                    }
                    if repeat != Repeat::Always {
                        begun.insert(*at);
                    }
                    answers.insert(*at, Err(unanswered(repeat)));
                    continue;
                };
                let decision = error::decide(Seen::Answer(&response), repeat, call.now());
                match decision {
                    Decision::Again(_) if round >= ROUNDS => {}
                    Decision::Later(asked) | Decision::Again(asked) => {
                        again.push(*at);
                        wait = wait.max(asked);
                    }
                    _ if token.is_some() && GoogleWorkspace::token_refused(&response) => turned_down.push(*at),
                    _ => {}
                }
                if repeat != Repeat::Always && matches!(decision, Decision::Unknown | Decision::Again(_)) {
                    begun.insert(*at);
                }
                let answer = match decision {
                    Decision::Unknown => Err(unanswered(repeat)),
                    Decision::Again(_) if repeat != Repeat::Always => Err(unanswered(repeat)),
                    _ if (200..300).contains(&response.status) => Ok(response),
                    _ => match call.refusal(&response) {
                        error if begun.contains(at) && is_of_this_try(&error) => Err(unanswered(repeat)),
                        error => Err(error),
                    },
                };
                answers.insert(*at, answer);
            }
        }
        let wait = if again.is_empty() { Duration::ZERO } else { backoff.wait(round, wait) };
        // Google lets a batch in whose token has ended, and turns its parts down. That was not acted on: once more, whatever
        // it is.
        if !turned_down.is_empty() {
            renewed = true;
            match call.token(token.as_deref()).await {
                Ok(_) => again.append(&mut turned_down),
                Err(error) => {
                    turned_down.retain(|at| !begun.contains(at));
                    answers.extend(turned_down.into_iter().map(|at| (at, Err(error.clone()))));
                }
            }
        }
        if again.is_empty() || wait + RESERVE >= call.deadline().since(call.now()) {
            break;
        }
        call.runtime().sleep(wait).await;
        waiting = again;
    }
    let lost = || Err(unanswered(repeat));
    Ok((0..requests.len()).map(|at| answers.remove(&at).unwrap_or_else(lost)).collect())
}

/// The same after others of the call were done: what would end everything is then the answer to each of these, so that
/// what was done stays told.
pub(super) async fn follow(
    call: &Call<'_, GoogleWorkspace>,
    endpoint: Endpoint,
    requests: Vec<Request>,
    repeat: Repeat,
) -> Vec<Result<Response>> {
    let count = requests.len();
    if count == 0 {
        return Vec::new();
    }
    send(call, endpoint, requests, repeat).await.unwrap_or_else(|error| vec![Err(error); count])
}

/// The same for requests that are answered with one object each; `id_of` finds its id.
pub(super) async fn objects<T: DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    endpoint: Endpoint,
    requests: Vec<Request>,
    repeat: Repeat,
    id_of: impl Fn(&T) -> Option<String>,
) -> Result<Vec<ItemResult<T>>> {
    let answers = send(call, endpoint, requests, repeat).await?;
    let results = answers.into_iter().enumerate().map(|(index, answer)| {
        match answer.and_then(|response| call.read::<T>(&response, repeat)) {
            Ok(item) => ItemResult::done(index, id_of(&item), Some(item)),
            Err(error) => ItemResult::failed(index, None, &error),
        }
    });
    Ok(results.collect())
}

/// What became of what can be made but once. One that is there already, or whose answer was lost, is read by the request of
/// `there`: if `same` takes it, it was made. Where nothing is found, what Google answered first stays.
pub(super) async fn made_or_found<T: DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    endpoint: Endpoint,
    answers: Vec<Result<Response>>,
    there: impl Fn(usize) -> Result<Request>,
    same: impl Fn(usize, T) -> Result<T>,
) -> Result<Vec<Result<T>>> {
    // An answer that cannot be read leaves open what was done.
    let read = |answer: Result<Response>| answer.and_then(|response| call.read::<T>(&response, Repeat::Never));
    let mut outcomes: Vec<Result<T>> = answers.into_iter().map(read).collect();
    let is_open = |outcome: &Result<T>| is_lost(outcome) || outcome.as_ref().is_err_and(define::is_there_already);
    let open: Vec<_> = outcomes.iter_mut().enumerate().filter(|(_, outcome)| is_open(outcome)).collect();
    let looks = open.iter().map(|(at, _)| there(*at)).collect::<Result<Vec<Request>>>()?;
    let looks = follow(call, endpoint, looks, Repeat::Always).await;
    for ((at, outcome), look) in open.into_iter().zip(looks) {
        match look.and_then(|response| call.read(&response, Repeat::Always)) {
            Ok(found) => *outcome = same(at, found),
            Err(error) if error.code() == ErrorCode::NotFound || is_lost(outcome) => {}
            Err(error) => *outcome = Err(error),
        }
    }
    Ok(outcomes)
}

/// Whether it is not known what became of it.
pub(super) fn is_lost<T>(outcome: &Result<T>) -> bool {
    outcome.as_ref().is_err_and(|error| error.code() == ErrorCode::OutcomeUnknown)
}

/// One that stays unknown after it was looked for, with what to do about it; any other as it is.
pub(super) fn advised<T>(outcome: Result<T>, advice: &str) -> Result<T> {
    match outcome {
        Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
            let told = Error::new(error.code(), format!("{}; {advice}", error.message()));
            Err(match error.vendor().cloned() {
                Some(vendor) => told.with_vendor(vendor),
                None => told,
            })
        }
        other => other,
    }
}

/// Whether a refusal says nothing of what an earlier try has done: a limit, or a token, stands before all else.
fn is_of_this_try(error: &Error) -> bool {
    let before_all_else =
        [ErrorCode::RateLimited, ErrorCode::NeedsReconnect, ErrorCode::NotConfigured, ErrorCode::VendorUnavailable];
    before_all_else.contains(&error.code())
}

fn unanswered(repeat: Repeat) -> Error {
    let message = "Google's answer to many requests leaves open what became of this one";
    let code = if repeat == Repeat::Always { ErrorCode::VendorUnavailable } else { ErrorCode::OutcomeUnknown };
    Error::new(code, message)
}

async fn one(
    call: &Call<'_, GoogleWorkspace>,
    endpoint: Endpoint,
    parts: &[(usize, &Request)],
    repeat: Repeat,
) -> Result<BTreeMap<usize, Response>> {
    let boundary = format!("batch_{}", hex::encode(random_bytes::<12>()));
    let base = call.config().base_url();
    let mut body = Vec::new();
    for (at, request) in parts {
        write_part(&mut body, &boundary, *at, request, base);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let url = call.url(endpoint.host, endpoint.path)?;
    let mut request = call.post(url).header("content-type", format!("multipart/mixed; boundary={boundary}"));
    request.body = body.into();
    let response = call.send_as(request, repeat).await?;
    Ok(read_parts(&response).into_iter().collect())
}

/// The path alone: Google refuses a part that names a host. What a `base_url` puts before it is no part of Google's.
fn target(url: &Url, base: Option<&Url>) -> String {
    let before = base.map_or("", |base| base.path().trim_end_matches('/'));
    let path = url.path().strip_prefix(before).unwrap_or(url.path());
    match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn write_part(body: &mut Vec<u8>, boundary: &str, at: usize, request: &Request, base: Option<&Url>) {
    let target = target(&request.url, base);
    let method = request.method.name();
    let head = format!(
        "--{boundary}\r\ncontent-type: application/http\r\ncontent-id: <item-{at}>\r\n\r\n{method} {target} HTTP/1.1\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    for (name, value) in request.headers.iter() {
        body.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !request.body.is_empty() {
        body.extend_from_slice(format!("content-length: {}\r\n", request.body.len()).as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    body.extend_from_slice(&request.body);
    body.extend_from_slice(b"\r\n");
}

/// The answers by the position that their `Content-ID` names. What cannot be read is left out: it is unanswered.
fn read_parts(response: &Response) -> Vec<(usize, Response)> {
    let boundary = response.headers.get("content-type").and_then(boundary_of);
    let Some(boundary) = boundary else { return Vec::new() };
    let delimiter = format!("--{boundary}");
    let mut starts = Vec::new();
    let body = &response.body;
    let mut from = 0;
    while let Some(found) = find(body.get(from..).unwrap_or_default(), delimiter.as_bytes()) {
        let at = from + found;
        // A boundary begins a line.
        if at == 0 || body.get(at - 1) == Some(&b'\n') {
            starts.push(at);
        }
        from = at + delimiter.len();
    }
    let pairs = starts.iter().zip(starts.iter().skip(1));
    pairs.filter_map(|(from, to)| read_part(&body.slice(from + delimiter.len()..*to))).collect()
}

fn read_part(part: &Bytes) -> Option<(usize, Response)> {
    let (outer, inner) = split_head(part)?;
    let id = headers_of(&outer).get("content-id").map(str::to_owned)?;
    let at = id.trim_matches(['<', '>']).rsplit_once("item-")?.1.parse().ok()?;
    let (head, body) = split_head(&inner)?;
    let head = String::from_utf8_lossy(&head).into_owned();
    let (line, rest) = head.trim_start().split_once('\n').unwrap_or((head.trim_start(), ""));
    let status = line.split_whitespace().nth(1)?.parse().ok()?;
    let headers = headers_of(rest.as_bytes());
    // The line end before the next boundary is the boundary's.
    let body =
        body.strip_suffix(b"\r\n").or_else(|| body.strip_suffix(b"\n")).map_or(body.clone(), |it| body.slice_ref(it));
    Some((at, Response { status, headers, body }))
}

/// What stands before the first empty line, and what after.
fn split_head(bytes: &Bytes) -> Option<(Bytes, Bytes)> {
    let long = find(bytes, b"\r\n\r\n").map(|at| (at, at + 4));
    let short = find(bytes, b"\n\n").map(|at| (at, at + 2));
    let (end, next) = match (long, short) {
        (Some(long), Some(short)) => long.min(short),
        (one, other) => one.or(other)?,
    };
    Some((bytes.slice(..end), bytes.slice(next..)))
}

fn headers_of(head: &[u8]) -> Headers {
    let mut headers = Headers::default();
    for line in String::from_utf8_lossy(head).lines() {
        if let Some((name, value)) = line.split_once(':') {
            headers.add(name.trim(), value.trim());
        }
    }
    headers
}

fn boundary_of(content_type: &str) -> Option<String> {
    let parameters = content_type.split(';').skip(1);
    let named = parameters.filter_map(|parameter| parameter.trim().split_once('='));
    let (_, boundary) = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(boundary.trim_matches('"').to_owned()).filter(|boundary| !boundary.is_empty())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::transport::Method;

    fn answer(body: &str, boundary: &str) -> Response {
        let mut headers = Headers::default();
        headers.set("content-type", format!("multipart/mixed; boundary={boundary}"));
        Response { status: 200, headers, body: body.to_owned().into() }
    }

    #[test]
    fn a_part_is_a_request_by_its_path() {
        let base: Url = "http://127.0.0.1:9/google".parse().unwrap();
        let url = "http://127.0.0.1:9/google/drive/v3/files/a%2Fb?fields=id".parse().unwrap();
        let request = Request::new(Method::Patch, url).json(&json!({ "name": "x" }));
        let mut body = Vec::new();
        write_part(&mut body, "B", 7, &request, Some(&base));
        let text = String::from_utf8(body).unwrap();
        assert!(text.starts_with("--B\r\ncontent-type: application/http\r\ncontent-id: <item-7>\r\n\r\nPATCH /drive/v3/files/a%2Fb?fields=id HTTP/1.1\r\n"), "{text}");
        assert!(text.ends_with("content-length: 12\r\n\r\n{\"name\":\"x\"}\r\n"), "{text}");
        let google = "https://www.googleapis.com/drive/v3/about".parse().unwrap();
        assert_eq!(target(&google, None), "/drive/v3/about");
    }

    #[test]
    fn answers_are_known_by_their_id_whatever_their_order() {
        let body = "--b\r\nContent-Type: application/http\r\nContent-ID: <response-item-1>\r\n\r\nHTTP/1.1 404 Not Found\r\n\
                    Content-Type: application/json\r\n\r\n{\"error\": {}}\r\n--b\r\nContent-ID: <response-item-0>\r\n\r\n\
                    HTTP/1.1 204 No Content\r\n\r\n\r\n--b\nContent-ID: response-item-12\n\nHTTP/1.1 200 OK\nETag: \"x\"\n\n\
                    {\"a\": \"--b\"}\n--b--\r\n";
        let parts = read_parts(&answer(body, "\"b\""));
        let seen: Vec<_> = parts.iter().map(|(at, part)| (*at, part.status, part.body.as_ref())).collect();
        let expected: [(usize, u16, &[u8]); 3] =
            [(1, 404, b"{\"error\": {}}"), (0, 204, b""), (12, 200, b"{\"a\": \"--b\"}")];
        assert_eq!(seen, expected);
        assert_eq!(parts[2].1.headers.get("etag"), Some("\"x\""));
    }

    #[test]
    fn what_was_cut_is_unanswered() {
        let body = "--b\r\nContent-ID: <response-item-0>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n--b\r\nContent-ID: <response-item-1>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{\"tru";
        let parts = read_parts(&answer(body, "b"));
        assert_eq!(parts.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0]);
        assert!(read_parts(&answer(body, "")).is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(body in "[-b\\r\\n :<>a-z0-9]{0,200}") {
            let _ = read_parts(&answer(&body, "b"));
        }
    }
}
