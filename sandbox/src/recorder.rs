//! Remembers the last requests and the answers they got.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::{AUTHORIZATION, HeaderMap};
use parking_lot::Mutex;
use serde::Serialize;

use crate::exchange::{Answer, Request};

/// How many exchanges are kept unless told otherwise.
pub const DEFAULT_KEPT: usize = 100_000;

/// How much of a body is kept.
const BODY_LIMIT: usize = 256 * 1024;

/// The last requests to a look-alike, with their answers.
///
/// Recording keeps what the server held anyway and decodes nothing until asked, so that it costs a benchmark little;
/// [`keep`](Self::keep)`(0)` switches it off.
#[derive(Debug)]
pub struct Recorder {
    kept: AtomicUsize,
    seen: AtomicU64,
    ring: Mutex<VecDeque<Entry>>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    request: Request,
    answer: Option<Answer>,
    fault: Option<&'static str>,
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

    pub(crate) fn is_on(&self) -> bool {
        self.kept.load(Ordering::Relaxed) > 0
    }

    /// Counts a request that is not kept.
    pub(crate) fn count(&self) {
        self.seen.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn clear(&self) {
        self.ring.lock().clear();
        self.seen.store(0, Ordering::Relaxed);
    }

    pub(crate) fn record(&self, mut request: Request, answer: Option<Answer>, fault: Option<&'static str>) {
        let number = self.seen.fetch_add(1, Ordering::Relaxed);
        let kept = self.kept.load(Ordering::Relaxed);
        if kept == 0 {
            return;
        }
        bound(&mut request.body);
        let answer = answer.map(|mut answer| {
            bound(&mut answer.body);
            answer
        });
        let mut ring = self.ring.lock();
        while ring.len() >= kept {
            ring.pop_front();
        }
        ring.push_back(Entry { number, request, answer, fault });
    }
}

impl Entry {
    fn exchange(&self) -> Exchange {
        let Self { number, request, answer, fault } = self;
        Exchange {
            number: *number,
            at: request.at,
            method: request.method.to_string(),
            path: request.path().to_owned(),
            query: request.query().to_owned_pairs(),
            headers: text_headers(&request.headers),
            form: request.form().to_owned_pairs(),
            body: request.body.to_vec(),
            response: answer.as_ref().map(|answer| Response {
                status: answer.status.as_u16(),
                headers: text_headers(&answer.headers),
                body: answer.body.to_vec(),
            }),
            fault: *fault,
        }
    }
}

/// Cuts without copying: the kept part shares the buffer, which for a body within the limit is all of it.
fn bound(body: &mut Bytes) {
    if body.len() > BODY_LIMIT {
        *body = Bytes::copy_from_slice(&body[..BODY_LIMIT]);
    }
}

fn text_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |name: &hyper::header::HeaderName, value: &[u8]| {
        let value = String::from_utf8_lossy(value);
        if *name == AUTHORIZATION { without_secret(&value) } else { value.into_owned() }
    };
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(name, value.as_bytes()))).collect()
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
                body: Bytes::new(),
                at,
            };
            recorder.record(request, None, None);
        }
        let kept = recorder.exchanges();
        assert_eq!(kept.iter().map(|exchange| exchange.number).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(kept[0].query, [("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())]);
        assert_eq!(recorder.seen(), 5);
        recorder.keep(0);
        assert!(recorder.exchanges().is_empty());
    }
}
