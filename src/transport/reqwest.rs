use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::{Failure, FailureKind, Headers, Http, Method, Request, Response, guard::is_private};
use crate::error::{Error, Result};

/// HTTP by reqwest, with TLS by rustls: no redirects, connections kept, bodies bounded.
///
/// Names that resolve to private addresses are refused unless [`ReqwestHttp::private`] made it, so that a public name
/// cannot lead into the school's own network. The proxy settings of the environment (`HTTPS_PROXY`, `NO_PROXY`) hold.
#[derive(Debug, Clone)]
pub struct ReqwestHttp(reqwest::Client);

impl ReqwestHttp {
    /// Reaches the public Internet.
    pub fn new() -> Result<Self> {
        Self::build(reqwest::Client::builder().dns_resolver(PublicOnly))
    }

    /// Reaches private addresses too: for tests, and hosts that run a vendor's look-alike.
    pub fn private() -> Result<Self> {
        Self::build(reqwest::Client::builder().no_proxy())
    }

    fn build(builder: reqwest::ClientBuilder) -> Result<Self> {
        builder
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .pool_max_idle_per_host(256)
            .user_agent(concat!("sis-integrations/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
            .map_err(|error| Error::internal("the HTTP client cannot start").with_source(error.without_url()))
    }
}

#[async_trait]
impl Http for ReqwestHttp {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.0.request(method, request.url).timeout(request.timeout);
        for (name, value) in request.headers.iter() {
            builder = builder.header(name, value);
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body);
        } else if request.method != Method::Get && request.method != Method::Delete {
            builder = builder.header("content-length", "0");
        }
        let mut answer = builder.send().await.map_err(|error| failure(&error))?;
        let status = answer.status().as_u16();
        let mut headers = Headers::default();
        for (name, value) in answer.headers() {
            headers.add(name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        }
        let body = read(&mut answer, request.max_body).await?;
        Ok(Response { status, headers, body })
    }
}

async fn read(answer: &mut reqwest::Response, most: usize) -> Result<Bytes, Failure> {
    let too_large = || Failure::new(FailureKind::TooLarge, true, "the vendor's answer is larger than the limit");
    if answer.content_length().is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.is_empty() && chunk.len() <= most => body = chunk.into(),
            Ok(Some(chunk)) if body.len() + chunk.len() <= most => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(too_large()),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => return Err(failure(&error)),
        }
    }
}

/// Names the kind and nothing else: reqwest's own text holds the URL, and its causes may hold what the peer sent.
fn failure(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        return Failure::new(FailureKind::Broken, false, "the request cannot be built");
    }
    if error.is_connect() {
        let refused = std::iter::successors(std::error::Error::source(error), |cause| cause.source())
            .any(|cause| cause.is::<PrivateAddress>());
        return if refused {
            Failure::new(FailureKind::Forbidden, false, "the vendor's name resolves to a private address")
        } else {
            Failure::new(FailureKind::Connect, false, "no connection to the vendor could be made")
        };
    }
    if error.is_timeout() {
        return Failure::new(FailureKind::Timeout, true, "the vendor did not answer in time");
    }
    Failure::new(FailureKind::Broken, true, "the connection to the vendor broke")
}

#[derive(Debug)]
struct PrivateAddress;

impl std::fmt::Display for PrivateAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name resolves to a private address")
    }
}

impl std::error::Error for PrivateAddress {}

struct PublicOnly;

impl reqwest::dns::Resolve for PublicOnly {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.iter().copied().filter(|address| !is_private(address.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                return Err(Box::new(PrivateAddress) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(public.into_iter()) as reqwest::dns::Addrs)
        })
    }
}
