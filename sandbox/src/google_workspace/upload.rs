//! The three ways to upload: bytes alone, bytes behind their metadata, and in pieces through a session.

use std::collections::HashMap;

use bytes::Bytes;
use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RANGE};
use hyper::{Method, StatusCode, Uri};
use serde_json::{Map, Value};

use super::call::{Call, Reply, Result, object};
use super::error::{ApiError, Dialect};
use super::mime::{essence, parameter, split};
use super::routes::finish;
use super::tokens::Grant;
use super::world::World;
use super::{drive, gmail};
use crate::exchange::{Answer, Request};

/// Pieces but the last are multiples of this.
const PIECE: usize = 256 * 1024;
/// How long a session stays open, in milliseconds.
const SESSION_LIFE_MS: i64 = 7 * 24 * 3_600_000;

const UPLOAD_TYPE: HeaderName = HeaderName::from_static("x-upload-content-type");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("x-upload-content-length");
const UPLOADER_ID: HeaderName = HeaderName::from_static("x-guploader-uploadid");

/// What has arrived.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) metadata: Map<String, Value>,
    pub(super) content: Bytes,
    /// The content's type, if any was said.
    pub(super) kind: Option<String>,
}

/// What an upload is to become.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A new file.
    File,
    /// New content of a file.
    Content(String),
    /// A mail.
    Mail(gmail::Purpose),
}

impl Target {
    fn complete(&self, call: &mut Call<'_>, upload: Upload) -> Result {
        match self {
            Self::File => drive::created(call, upload),
            Self::Content(id) => drive::replaced(call, id, upload),
            Self::Mail(purpose) => gmail::uploaded(call, *purpose, upload),
        }
    }
}

/// Open sessions by their id.
pub(super) type Sessions = HashMap<String, Session>;

/// An upload in pieces.
#[derive(Debug)]
pub(super) struct Session {
    target: Target,
    grant: Grant,
    /// The request that opened it: its parameters hold for the answer at the end.
    uri: Uri,
    method: Method,
    metadata: Map<String, Value>,
    kind: Option<String>,
    total: Option<usize>,
    received: Vec<u8>,
    opened_at: i64,
    /// The last answer, once everything has arrived.
    done: Option<Answer>,
}

/// Takes an upload in, or opens a session for it.
pub(super) fn receive(call: &mut Call<'_>, target: &Target) -> Result {
    let content_type = call.request.header(&CONTENT_TYPE).map(str::to_owned);
    let kind = content_type.as_deref().map(essence);
    match call.query.get("uploadType") {
        Some("media") => {
            let upload = Upload { metadata: Map::new(), content: call.request.body.clone(), kind };
            target.complete(call, upload)
        }
        Some("multipart") => {
            let boundary = content_type.as_deref().and_then(|kind| parameter(kind, "boundary"));
            let parts = boundary.and_then(|boundary| split(&call.request.body, &boundary));
            let Some([metadata, media]) = parts.as_deref() else {
                return Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "badContent",
                    "Malformed multipart body: it must have two parts.",
                ));
            };
            let metadata = object(&metadata.body)?;
            let kind = media.header("content-type").map(essence);
            target.complete(call, Upload { metadata, content: media.body.clone(), kind })
        }
        Some("resumable") => open(call, target),
        Some(other) => Err(ApiError::parameter("uploadType", format!("Invalid value '{other}'."))),
        None => Err(ApiError::required("uploadType")),
    }
}

fn open(call: &mut Call<'_>, target: &Target) -> Result {
    let header = |name: &HeaderName| call.request.header(name).map(str::to_owned);
    let total = match header(&UPLOAD_LENGTH) {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| ApiError::invalid("Invalid X-Upload-Content-Length"))?),
    };
    let session = Session {
        target: target.clone(),
        grant: call.grant.clone(),
        uri: call.request.uri.clone(),
        method: call.request.method.clone(),
        metadata: call.body()?,
        kind: header(&UPLOAD_TYPE).as_deref().map(essence),
        total,
        received: Vec::new(),
        opened_at: call.at(),
        done: None,
    };
    let id = format!("A{}", call.world.ids.word(60));
    let at = format!("{}{}?uploadType=resumable&upload_id={id}", call.url, call.request.path());
    call.world.uploads.insert(id.clone(), session);
    Ok(Reply::Whole(Answer::empty(StatusCode::OK).with(LOCATION, &at).with(UPLOADER_ID, &id)))
}

/// Answers what is sent to a session's address; none for any other request.
pub(super) fn session(world: &mut World, url: &str, request: &Request) -> Option<Answer> {
    if !request.path().starts_with("/upload/") {
        return None;
    }
    let id = request.query().filled("upload_id")?.to_owned();
    let gone = || ApiError::not_found("Upload session not found or expired").answer(Dialect::Older);
    // Taken out while the world is worked on, and put back behind.
    let Some(mut session) = world.uploads.remove(&id) else { return Some(gone()) };
    if request.at - session.opened_at > SESSION_LIFE_MS {
        return Some(gone());
    }
    if request.method == Method::DELETE {
        return Some(Answer::empty(StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)));
    }
    let answer = match session.take(request) {
        Ok(false) => session.progress(),
        Ok(true) if session.done.is_none() && world.uploads_pend > 0 => {
            world.uploads_pend -= 1;
            session.progress()
        }
        Ok(true) => session.complete(world, url, request.at),
        Err(refused) => refused.answer(Dialect::Older),
    };
    world.uploads.insert(id, session);
    Some(answer)
}

impl Session {
    /// Takes a piece; says whether everything has arrived.
    fn take(&mut self, request: &Request) -> Result<bool> {
        if self.done.is_some() {
            return Ok(true);
        }
        let body = &request.body;
        let Some(range) = request.header(&CONTENT_RANGE) else {
            self.received = body.to_vec();
            return self.whole(Some(body.len()));
        };
        let bad = || ApiError::new(StatusCode::BAD_REQUEST, "badContent", "Failed to parse Content-Range header.");
        let (part, total) = range.strip_prefix("bytes ").and_then(|range| range.split_once('/')).ok_or_else(bad)?;
        let total = if total == "*" { None } else { Some(total.parse::<usize>().map_err(|_| bad())?) };
        if part == "*" {
            return Ok(self.total.or(total) == Some(self.received.len()));
        }
        let (first, last) = part.split_once('-').ok_or_else(bad)?;
        let (first, last) = (first.parse::<usize>().map_err(|_| bad())?, last.parse::<usize>().map_err(|_| bad())?);
        if last + 1 != first + body.len() || first > self.received.len() {
            return Err(bad());
        }
        let is_last = total.is_some_and(|total| last + 1 == total);
        if !is_last && !body.len().is_multiple_of(PIECE) {
            let why = "Invalid request. The number of bytes uploaded is required to be equal or greater than 262144, \
                       except for the final request, and a multiple of it.";
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "badContent", why));
        }
        // What has been kept already is not taken twice.
        let known = self.received.len() - first;
        self.received.extend_from_slice(body.get(known..).unwrap_or_default());
        if is_last { self.whole(total) } else { Ok(false) }
    }

    fn whole(&self, total: Option<usize>) -> Result<bool> {
        let announced = self.total.or(total);
        if announced.is_some_and(|announced| announced != self.received.len()) {
            return Err(ApiError::invalid("The upload does not have the announced length."));
        }
        Ok(true)
    }

    /// 308, and how far it has come.
    fn progress(&self) -> Answer {
        let answer = Answer::empty(StatusCode::PERMANENT_REDIRECT);
        match self.received.len() {
            0 => answer,
            received => answer.with(RANGE, &format!("bytes=0-{}", received - 1)),
        }
    }

    fn complete(&mut self, world: &mut World, url: &str, at: i64) -> Answer {
        if let Some(done) = &self.done {
            return done.clone();
        }
        let request = Request {
            method: self.method.clone(),
            uri: self.uri.clone(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            at,
        };
        let mut call = Call { request: &request, query: request.query(), grant: self.grant.clone(), world, url };
        let content = Bytes::from(std::mem::take(&mut self.received));
        let upload = Upload { metadata: self.metadata.clone(), content, kind: self.kind.clone() };
        let reply = self.target.complete(&mut call, upload);
        let answered = reply.and_then(|reply| finish(&call, reply));
        let answer = answered.unwrap_or_else(|refused| refused.answer(Dialect::Older));
        self.done = Some(answer.clone());
        answer
    }
}
