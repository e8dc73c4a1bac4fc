//! Batches: many requests in one, each answered on its own.

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode, Uri};

use super::error::{ApiError, Dialect, scripted};
use super::mime::{Part, essence, parameter, split};
use super::routes;
use super::world::World;
use crate::exchange::{Answer, Request};

const BOUNDARY: &str = "batch_sandbox0000000000000000000000";

/// How many requests a batch may hold, by what the path of each starts with.
const LIMITS: &[(&str, usize)] = &[
    ("/drive/v3/", 100),
    ("/calendar/v3/", 50),
    ("/gmail/v1/", 100),
    ("/admin/directory/", 1000),
    ("/v1/courses", 50),
    ("/v1/userProfiles", 50),
    ("/v1/invitations", 50),
];

/// Answers a batch; none for any other request.
pub(super) fn answer(world: &mut World, url: &str, request: &Request) -> Option<Answer> {
    let path = request.path().strip_prefix("/batch")?;
    if request.method != Method::POST || !(path.is_empty() || path.starts_with('/')) {
        return None;
    }
    let answered = run(world, url, request, path.strip_prefix('/').unwrap_or(""));
    Some(answered.unwrap_or_else(|refused| refused.answer(Dialect::Older)))
}

fn run(world: &mut World, url: &str, request: &Request, api: &str) -> Result<Answer, ApiError> {
    let bad = |why: &str| ApiError::new(StatusCode::BAD_REQUEST, "badRequest", why);
    let kind = request.header(&CONTENT_TYPE).unwrap_or("");
    let boundary = parameter(kind, "boundary").filter(|_| essence(kind) == "multipart/mixed");
    let boundary =
        boundary.ok_or_else(|| bad("Failed to parse batch request: the content type must be multipart/mixed."))?;
    let parts = split(&request.body, &boundary).filter(|parts| !parts.is_empty());
    let parts = parts.ok_or_else(|| bad("Failed to parse batch request, error: 0 items."))?;
    let inner = parts
        .iter()
        .map(|part| inner(request, part).ok_or_else(|| bad("Failed to parse batch request: a part is malformed.")));
    let inner = inner.collect::<Result<Vec<Request>, ApiError>>()?;
    let own = inner.first().map_or("", Request::path);
    let (prefix, limit) = LIMITS.iter().find(|(prefix, _)| own.starts_with(prefix)).copied().unwrap_or(("/", 100));
    if inner.len() > limit {
        return Err(bad(&format!("The batch request could not be processed: it holds more than {limit} calls.")));
    }
    let product = |path: &str| LIMITS.iter().find(|(prefix, _)| path.starts_with(prefix)).map_or(0, |(_, most)| *most);
    let mixed = inner.iter().any(|one| !one.path().starts_with(prefix) && product(one.path()) != product(own));
    if mixed || (!api.is_empty() && inner.iter().any(|one| !one.path().starts_with(&format!("/{api}/")))) {
        return Err(bad("Batch requests to multiple APIs are not supported."));
    }
    let mut body = Vec::new();
    for (part, one) in parts.iter().zip(&inner) {
        let answer = if one.path().starts_with("/upload/") || one.query().get("alt") == Some("media") {
            bad("Media requests are not supported in a batch.").answer(Dialect::Older)
        } else {
            let answer = routes::one(world, url, one);
            if world.parts_lost > 0 {
                world.parts_lost -= 1;
                scripted(StatusCode::SERVICE_UNAVAILABLE).answer(Dialect::of(one.path()))
            } else {
                answer
            }
        };
        write(&mut body, part, &answer);
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/mixed; boundary={BOUNDARY}");
    Ok(Answer::new(StatusCode::OK, "multipart/mixed", body).with(CONTENT_TYPE, &kind))
}

/// The request inside of a part. What the batch says in its headers holds for each, but for its content's.
fn inner(outer: &Request, part: &Part) -> Option<Request> {
    if part.kind() != "application/http" {
        return None;
    }
    // The line break behind a request without headers may have been taken for the boundary's.
    let end = part.body.iter().position(|byte| *byte == b'\n').unwrap_or(part.body.len());
    let line = String::from_utf8_lossy(part.body.get(..end)?).into_owned();
    let mut words = line.split_whitespace();
    let method: Method = words.next()?.parse().ok()?;
    let target = words.next().filter(|target| target.starts_with('/') && target.len() <= 8000)?;
    let own = Part::read(&part.body.slice((end + 1).min(part.body.len())..));
    let mut headers = HeaderMap::new();
    if let Some(authorization) = outer.headers.get(AUTHORIZATION) {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    for (name, value) in &own.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value).ok()?);
    }
    let length = own.header("content-length").and_then(|length| length.parse::<usize>().ok());
    let body: Bytes = own.body.slice(..length.unwrap_or(own.body.len()).min(own.body.len()));
    Some(Request { method, uri: target.parse::<Uri>().ok()?, headers, body, at: outer.at })
}

fn write(body: &mut Vec<u8>, part: &Part, answer: &Answer) {
    let mut head = format!("--{BOUNDARY}\r\nContent-Type: application/http\r\n");
    if let Some(id) = part.header("content-id") {
        // `<x>` is answered as `<response-x>`.
        let id = id.trim_start_matches('<').trim_end_matches('>');
        head.push_str(&format!("Content-ID: <response-{id}>\r\n"));
    }
    let reason = answer.status.canonical_reason().unwrap_or("");
    head.push_str(&format!("\r\nHTTP/1.1 {} {reason}\r\n", answer.status.as_u16()));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or("")));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len()));
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&answer.body);
    body.extend_from_slice(b"\r\n");
}
