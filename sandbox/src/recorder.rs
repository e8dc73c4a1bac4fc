//! Remembers the last requests and the answers they got.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::{Method, StatusCode};
use parking_lot::Mutex;
use serde::Serialize;

use crate::exchange::{Answer, Pairs, Request, is_form};

/// How many exchanges are kept unless told otherwise.
pub const DEFAULT_KEPT: usize = 100_000;

/// How much of a body is kept.
const BODY_LIMIT: usize = 256 * 1024;

/// The last requests to a look-alike, with their answers.
///
/// Recording copies bytes and decodes nothing until asked, so that it costs a benchmark little: about a microsecond and
/// two kilobytes a request. [`keep`](Self::keep)`(0)` switches it off.
#[derive(Debug)]
pub struct Recorder {
    kept: AtomicUsize,
    seen: AtomicU64,
    ring: Mutex<VecDeque<Entry>>,
}

/// An exchange in one allocation. What the server held would pin whole read buffers and header tables, several times
/// the size of what is worth keeping.
#[derive(Debug)]
struct Entry {
    number: u64,
    at: i64,
    method: Method,
    status: Option<StatusCode>,
    fault: Option<&'static str>,
    bytes: Box<[u8]>,
    /// Where each part of `bytes` ends: address, headers and body of the request, headers of the answer. The answer's
    /// body is the rest.
    ends: [u32; 4],
}

/// One recorded request and its answer.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// Position among all requests since the start, from 0.
    pub number: u64,
    /// The sandbox's clock when the request was complete, in milliseconds since 1970.
    pub at: i64,
    /// Method, in capitals.
    pub method: String,
    /// Path as sent, without the query.
    pub path: String,
    /// Query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers; `authorization` holds the scheme and, for Basic, the user name alone.
    pub headers: Vec<(String, String)>,
    /// Pairs of a form body, decoded, in order; empty for other bodies.
    pub form: Vec<(String, String)>,
    /// Body as sent, up to 256 KiB.
    #[serde(serialize_with = "as_text")]
    pub body: Vec<u8>,
    /// The answer; none when the connection was cut instead.
    pub response: Option<Response>,
    /// The fault that struck the request, by its kind.
    pub fault: Option<&'static str>,
}

impl Exchange {
    /// The first value of a form field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a header; `name` in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A recorded answer.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// Body, up to 256 KiB.
    #[serde(serialize_with = "as_text")]
    pub body: Vec<u8>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { kept: AtomicUsize::new(DEFAULT_KEPT), seen: AtomicU64::new(0), ring: Mutex::default() }
    }
}

impl Recorder {
    /// Keeps the last `count` exchanges from now on; 0 keeps none.
    pub fn keep(&self, count: usize) {
        self.kept.store(count, Ordering::Relaxed);
        let mut ring = self.ring.lock();
        while ring.len() > count {
            ring.pop_front();
        }
    }

    /// How many requests have come since the start or the last reset, kept or not.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// The kept exchanges, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.ring.lock().iter().map(Entry::exchange).collect()
    }

    pub(crate) fn clear(&self) {
        self.ring.lock().clear();
        self.seen.store(0, Ordering::Relaxed);
    }

    pub(crate) fn record(&self, request: &Request, answer: Option<&Answer>, fault: Option<&'static str>) {
        let number = self.seen.fetch_add(1, Ordering::Relaxed);
        let kept = self.kept.load(Ordering::Relaxed);
        if kept == 0 {
            return;
        }
        let entry = Entry::new(number, request, answer, fault);
        let mut ring = self.ring.lock();
        while ring.len() >= kept {
            ring.pop_front();
        }
        ring.push_back(entry);
    }
}

impl Entry {
    fn new(number: u64, request: &Request, answer: Option<&Answer>, fault: Option<&'static str>) -> Self {
        let target = request.uri.path_and_query().map_or("", |target| target.as_str());
        let mut bytes = Vec::with_capacity(1024 + request.body.len().min(BODY_LIMIT));
        let mut ends = [0; 4];
        let mut end = |part: usize, bytes: &Vec<u8>| ends[part] = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(target.as_bytes());
        end(0, &bytes);
        write_headers(&mut bytes, &request.headers);
        end(1, &bytes);
        bytes.extend_from_slice(&request.body[..request.body.len().min(BODY_LIMIT)]);
        end(2, &bytes);
        if let Some(answer) = answer {
            write_headers(&mut bytes, &answer.headers);
        }
        end(3, &bytes);
        if let Some(answer) = answer {
            bytes.extend_from_slice(&answer.body[..answer.body.len().min(BODY_LIMIT)]);
        }
        Self {
            number,
            at: request.at,
            method: request.method.clone(),
            status: answer.map(|answer| answer.status),
            fault,
            bytes: bytes.into_boxed_slice(),
            ends,
        }
    }

    /// One of the five parts.
    fn part(&self, number: usize) -> &[u8] {
        let at = |end: u32| usize::try_from(end).unwrap_or(usize::MAX);
        let start = number.checked_sub(1).map_or(0, |before| at(self.ends[before]));
        let end = self.ends.get(number).map_or(self.bytes.len(), |end| at(*end));
        &self.bytes[start..end]
    }

    fn exchange(&self) -> Exchange {
        let target = String::from_utf8_lossy(self.part(0));
        let (path, query) = target.split_once('?').unwrap_or((&*target, ""));
        let headers = read_headers(self.part(1));
        let body = self.part(2);
        let is_form = headers.iter().any(|(name, value)| name == CONTENT_TYPE.as_str() && is_form(value));
        Exchange {
            number: self.number,
            at: self.at,
            method: self.method.to_string(),
            path: path.to_owned(),
            query: Pairs::parse(query.as_bytes()).to_owned_pairs(),
            headers,
            form: if is_form { Pairs::parse(body).to_owned_pairs() } else { Vec::new() },
            body: body.to_vec(),
            response: self.status.map(|status| Response {
                status: status.as_u16(),
                headers: read_headers(self.part(3)),
                body: self.part(4).to_vec(),
            }),
            fault: self.fault,
        }
    }
}

/// A line for each header. A value cannot hold a line break, and a name no colon.
fn write_headers(bytes: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.push(b':');
        if *name == AUTHORIZATION {
            bytes.extend_from_slice(without_secret(&String::from_utf8_lossy(value.as_bytes())).as_bytes());
        } else {
            bytes.extend_from_slice(value.as_bytes());
        }
        bytes.push(b'\n');
    }
}

fn read_headers(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// `Basic` and the user name, or the scheme alone.
fn without_secret(authorization: &str) -> String {
    // Without a scheme the whole value is the secret.
    let Some((scheme, credentials)) = authorization.split_once(' ') else {
        return "…".to_owned();
    };
    let user = scheme
        .eq_ignore_ascii_case("basic")
        .then(|| STANDARD.decode(credentials.trim()).ok())
        .flatten()
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .and_then(|pair| pair.split_once(':').map(|(user, _)| user.to_owned()));
    match user {
        Some(user) => format!("{scheme} {user}"),
        None => scheme.to_owned(),
    }
}

fn as_text<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_of_a_credential_is_never_shown() {
        let basic = format!("Basic {}", STANDARD.encode("AC1:hunter2"));
        assert_eq!(without_secret(&basic), "Basic AC1");
        assert_eq!(without_secret("Bearer SG.secret"), "Bearer");
        assert_eq!(without_secret("Basic !!!"), "Basic");
        assert_eq!(without_secret("secret-without-scheme"), "…");
    }

    #[test]
    fn the_ring_keeps_the_last_and_counts_all() {
        let recorder = Recorder::default();
        recorder.keep(2);
        for at in 0..5 {
            let request = Request {
                method: hyper::Method::GET,
                uri: "/x?a=1&a=2".parse().unwrap(),
                headers: HeaderMap::new(),
                body: bytes::Bytes::new(),
                at,
            };
            recorder.record(&request, None, None);
        }
        let kept = recorder.exchanges();
        assert_eq!(kept.iter().map(|exchange| exchange.number).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(kept[0].query, [("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())]);
        assert_eq!(recorder.seen(), 5);
        recorder.keep(0);
        assert!(recorder.exchanges().is_empty());
    }

    #[test]
    fn what_is_kept_is_what_was_exchanged() {
        let recorder = Recorder::default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        headers.insert(AUTHORIZATION, format!("Basic {}", STANDARD.encode("AC1:hunter2")).parse().unwrap());
        headers.insert("x-time", "12:30".parse().unwrap());
        let body = bytes::Bytes::from("To=%2B1&MediaUrl=a&MediaUrl=b");
        let request = Request { method: Method::POST, uri: "/p%20q?x=%26".parse().unwrap(), headers, body, at: 7 };
        let answer = Answer::new(StatusCode::CREATED, "application/json", "{}");
        recorder.record(&request, Some(&answer), Some("delay"));
        recorder.record(&request, None, None);

        let kept = recorder.exchanges();
        assert_eq!((kept[0].method.as_str(), kept[0].path.as_str(), kept[0].at), ("POST", "/p%20q", 7));
        assert_eq!(kept[0].query, [("x".to_owned(), "&".to_owned())]);
        assert_eq!(kept[0].form.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["+1", "a", "b"]);
        assert_eq!((kept[0].field("To"), kept[0].header("x-time")), (Some("+1"), Some("12:30")));
        assert_eq!(kept[0].header("authorization"), Some("Basic AC1"));
        assert_eq!(kept[0].body, b"To=%2B1&MediaUrl=a&MediaUrl=b");
        let response = kept[0].response.as_ref().unwrap();
        assert_eq!((response.status, &*response.body), (201, &b"{}"[..]));
        assert_eq!(response.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        assert_eq!(kept[0].fault, Some("delay"));
        assert!(kept[1].response.is_none());
    }
}
