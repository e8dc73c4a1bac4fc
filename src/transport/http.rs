use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// As it stands on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// Header names, in lower case, and values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value of that header, whatever its case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Puts one value in place of all there are.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// Adds a value.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// Takes a header out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Every name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Values may be credentials: `Debug` shows names alone.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// One request. `Debug` shows the method, the host and the names of headers.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// The headers.
    pub headers: Headers,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long one attempt may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// The most bytes an answer's body may have.
    pub max_body: usize,
}

impl Request {
    /// How long an attempt may take unless told otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(15);
    /// The most bytes an answer may have unless told otherwise.
    pub const MAX_BODY: usize = 8 << 20;

    /// A request without headers or body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: Headers::default(),
            body: Bytes::new(),
            timeout: Self::TIMEOUT,
            max_body: Self::MAX_BODY,
        }
    }

    /// The same request with a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// The same request with a query parameter more.
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.url.query_pairs_mut().append_pair(name, value.as_ref());
        self
    }

    /// The same request with a form as its body; a name may stand in it more than once.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(self, pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        let mut request = self.header("content-type", "application/x-www-form-urlencoded");
        request.body = form.finish().into();
        request
    }

    /// The same request with JSON as its body.
    pub fn json(self, value: &serde_json::Value) -> Self {
        let mut request = self.header("content-type", "application/json");
        request.body = value.to_string().into();
        request
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Request({} {}, headers {:?}, {} bytes)",
            self.method.name(),
            self.url.host_str().unwrap_or_default(),
            self.headers,
            self.body.len()
        )
    }
}

/// One answer, whole. `Debug` shows the status and sizes.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, headers {:?}, {} bytes)", self.status, self.headers, self.body.len())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// No connection came about: nothing was sent.
    Connect,
    /// The time was up.
    Timeout,
    /// The connection broke.
    Broken,
    /// The answer's body is larger than the request allows.
    TooLarge,
    /// The address is not allowed.
    Forbidden,
}

/// No answer, and whether the vendor may have acted all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub kind: FailureKind,
    /// Whether any of the request may have left.
    pub sent: bool,
    /// In words, without the URL.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, sent: bool, message: impl Into<String>) -> Self {
        Self { kind, sent, message: message.into() }
    }
}

/// Sends one request and brings one answer: what a host must give us to reach vendors.
///
/// Implementations follow no redirect, keep to the request's timeout and size limit, and put no URL into a message.
#[async_trait]
pub trait Http: Send + Sync + 'static {
    /// Sends the request.
    async fn send(&self, request: Request) -> Result<Response, Failure>;
}
