//! What a request says before its body is read, and its body.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, FromRequestParts, RawPathParams},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use bytes::BytesMut;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Api, Problem, RESERVED_TENANT};
use crate::{
    error::{Error, ErrorCode, Result, Retry},
    manager::{IntegrationManager, Tenant, edge},
    model::{Actor, Runtime, TenantId},
};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody known, asking something of a school.
pub(super) struct Asking {
    api: Arc<Api>,
    pub(super) school: Tenant,
    pub(super) actor: Actor,
    pub(super) headers: HeaderMap,
    path: Vec<(String, String)>,
    query: String,
}

impl FromRequestParts<Arc<Api>> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        // Who is not known learns nothing, not even that a tenant's id is malformed.
        let known = api.authenticator.authenticate(parts).await?;
        let actor = with_origin(known.actor, known.tenant, parts, api.trusted_proxies);
        let path = RawPathParams::from_request_parts(parts, api)
            .await
            .map_err(|_| Error::invalid("path", "must be percent-encoded UTF-8"))?;
        let path: Vec<_> = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let id = path.iter().find(|(name, _)| name == "tenantId").map_or("", |(_, id)| id);
        if id == RESERVED_TENANT {
            return Err(
                Error::invalid("tenant", "is the place of vendors' webhooks, and cannot be a tenant's id").into()
            );
        }
        Ok(Self {
            school: api.manager.tenant(id)?,
            actor,
            headers: std::mem::take(&mut parts.headers),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            path,
            api: api.clone(),
        })
    }
}

impl Asking {
    pub(super) fn manager(&self) -> &IntegrationManager {
        &self.api.manager
    }

    /// A segment of the path, decoded. Routes and handlers agree on the names.
    pub(super) fn segment(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A header's text.
    pub(super) fn header(&self, name: &'static str) -> Result<Option<&str>> {
        one_header(&self.headers, name)
    }

    /// The query string as an object; those named in `numbers` as numbers.
    pub(super) fn query<T: DeserializeOwned>(&self, numbers: &[&str]) -> Result<T> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&self.query)
            .map_err(|_| Error::invalid("query", "must be percent-encoded pairs of name and value"))?;
        let mut object = Map::new();
        for (name, value) in pairs {
            let number = numbers.contains(&name.as_str()).then(|| value.parse::<u64>().ok()).flatten();
            let value = number.map_or(Value::from(value), Value::from);
            if object.insert(name.clone(), value).is_some() {
                return Err(Error::invalid(name.chars().take(60).collect::<String>(), "stands there twice"));
            }
        }
        edge::read(Value::Object(object))
    }

    /// The body as JSON; `None` for an empty one.
    pub(super) async fn json(&self, body: Body) -> Result<Option<Value>, Problem> {
        self.json_within(body, &Room::of(self.api.body_limit)).await.map(|(value, _)| value)
    }

    /// The same for a call's arguments, which may hold files. A large one takes a place, which is free again once the call
    /// is over.
    pub(super) async fn arguments(&self, body: Body) -> Result<(Option<Value>, Place), Problem> {
        let api = &self.api;
        let room = Room { limit: api.body_limit, most: api.upload_limit, places: Some(&api.large) };
        self.json_within(body, &room).await
    }

    async fn json_within(&self, body: Body, room: &Room<'_>) -> Result<(Option<Value>, Place), Problem> {
        if !body.is_end_stream() {
            self.check_media_type()?;
        }
        let (bytes, place) = room.take(self.manager().runtime(), body).await?;
        if bytes.is_empty() {
            return Ok((None, place));
        }
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            // The parser's own words could repeat what is in the body.
            let why = format!("must be JSON; it is not at line {}, column {}", error.line(), error.column());
            Error::invalid("body", why)
        })?;
        Ok((Some(value), place))
    }

    /// The body as what it must be.
    pub(super) async fn body<T: DeserializeOwned>(&self, body: Body) -> Result<T, Problem> {
        let json = self.json(body).await?.ok_or_else(|| Error::invalid("body", "is required: a JSON object"))?;
        Ok(edge::read(json)?)
    }

    fn check_media_type(&self) -> Result<(), Problem> {
        let unsupported = |error: Error| Problem::from(error).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let text = |name| self.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        if text(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return Err(unsupported(Error::invalid("Content-Encoding", "must be identity: the body as it is")));
        }
        let media_type = text(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let json = media_type.eq_ignore_ascii_case("application/json")
            || media_type.len() > 5 && media_type.to_ascii_lowercase().ends_with("+json");
        if json { Ok(()) } else { Err(unsupported(Error::invalid("Content-Type", "must be application/json"))) }
    }
}

/// A body, whole.
pub(super) async fn bytes(runtime: &Runtime, body: Body, limit: usize) -> Result<Bytes, Problem> {
    Room::of(limit).take(runtime, body).await.map(|(bytes, _)| bytes)
}

/// What a large body takes up while it is at work.
pub(super) type Place = Option<OwnedSemaphorePermit>;

/// How large a body may be.
struct Room<'a> {
    /// What anybody may send.
    limit: usize,
    /// What those may send who find a place.
    most: usize,
    places: Option<&'a Arc<Semaphore>>,
}

impl Room<'_> {
    fn of(limit: usize) -> Self {
        Self { limit, most: limit, places: None }
    }

    async fn take(&self, runtime: &Runtime, body: Body) -> Result<(Bytes, Place), Problem> {
        match runtime.timeout(PATIENCE, self.read(body)).await {
            Some(result) => Ok(result?),
            None => {
                let late = Error::new(ErrorCode::Timeout, format!("the body did not arrive within {PATIENCE:?}"));
                Err(Problem::from(late).with_status(StatusCode::REQUEST_TIMEOUT))
            }
        }
    }

    async fn read(&self, body: Body) -> Result<(Bytes, Place)> {
        let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let mut place = self.place(told)?;
        let (mut whole, mut stream) = (BytesMut::with_capacity(told), body.into_data_stream());
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| Error::invalid("body", "broke off before its end"))?;
            if place.is_none() {
                place = self.place(whole.len() + chunk.len())?;
            } else if whole.len() + chunk.len() > self.most {
                return Err(self.too_large());
            }
            whole.extend_from_slice(&chunk);
        }
        Ok((whole.freeze(), place))
    }

    /// The place that so many bytes need.
    fn place(&self, bytes: usize) -> Result<Place> {
        if bytes > self.most {
            return Err(self.too_large());
        }
        let Some(places) = self.places.filter(|_| bytes > self.limit) else { return Ok(None) };
        places.clone().try_acquire_owned().map(Some).map_err(|_| {
            let why =
                format!("too many bodies of more than {} bytes are at work; send it again in a moment", self.limit);
            Error::new(ErrorCode::RateLimited, why).with_retry(Retry::After(Duration::from_secs(5)))
        })
    }

    fn too_large(&self) -> Error {
        Error::new(ErrorCode::TooLarge, format!("has more than the {} bytes that are taken here", self.most))
            .with_field("body")
    }
}

/// The actor with what the connection tells of it.
fn with_origin(mut actor: Actor, tenant: Option<TenantId>, parts: &Parts, trusted_proxies: usize) -> Actor {
    if let Some(tenant) = tenant {
        actor = actor.of_tenant(tenant);
    }
    if actor.ip_address().is_none() {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        if let Some(ip) = forwarded_for(&parts.headers, trusted_proxies).or(peer) {
            actor = actor.ip(ip.to_canonical());
        }
    }
    let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    match agent {
        Some(agent) if actor.agent().is_none() => actor.user_agent(agent),
        _ => actor,
    }
}

/// The entry that the farthest of our own proxies has added: those before it are whatever the client made up.
fn forwarded_for(headers: &HeaderMap, trusted_proxies: usize) -> Option<std::net::IpAddr> {
    let back = trusted_proxies.checked_sub(1)?;
    let lists = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let entries: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let entry = entries.iter().rev().nth(back)?;
    entry.parse().ok().or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip()))
}

/// The text of a header that stands there once, if at all.
pub(super) fn one_header<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::invalid(name, "stands there twice"));
    }
    // Purposes are sentences in any language: more than the ASCII that `to_str` takes.
    std::str::from_utf8(value.as_bytes()).map(Some).map_err(|_| Error::invalid(name, "must be UTF-8"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_our_own_proxies_added_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("1.1.1.1, 203.0.113.7"));
        headers.append("x-forwarded-for", HeaderValue::from_static("[2001:db8::1]:4711"));
        for (proxies, ip) in
            [(0, None), (1, Some("2001:db8::1")), (2, Some("203.0.113.7")), (3, Some("1.1.1.1")), (4, None)]
        {
            assert_eq!(forwarded_for(&headers, proxies), ip.map(|ip| ip.parse().unwrap()), "{proxies}");
        }
    }

    #[tokio::test]
    async fn of_large_bodies_there_are_but_so_many_at_once() {
        let (places, runtime) = (Arc::new(Semaphore::new(1)), Runtime::current());
        let room = Room { limit: 10, most: 30, places: Some(&places) };
        let body = |bytes: usize| Body::from(vec![b'x'; bytes]);
        let in_chunks = |count: usize| {
            let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(b"12345678"));
            Body::from_stream(futures::stream::iter(std::iter::repeat_with(chunk).take(count)))
        };
        for large in [body(30), in_chunks(3)] {
            let (bytes, place) = room.read(large).await.unwrap();
            assert!(bytes.len() > 10 && place.is_some());
            for refused in [body(11), in_chunks(2)] {
                let error = room.read(refused).await.unwrap_err();
                assert_eq!((error.code(), error.retry_after().is_some()), (ErrorCode::RateLimited, true));
            }
            for small in [body(10), in_chunks(1)] {
                assert!(room.read(small).await.unwrap().1.is_none());
            }
        }
        for huge in [body(31), in_chunks(4)] {
            let error = room.read(huge).await.unwrap_err();
            assert_eq!((error.code(), error.field()), (ErrorCode::TooLarge, Some("body")));
            assert!(error.message().contains("30 bytes"));
        }
        assert!(Room::of(10).take(&runtime, body(11)).await.is_err());
    }
}
