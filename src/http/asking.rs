//! What a request says before its body is read, and its body.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{ConnectInfo, FromRequestParts, RawPathParams},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Api, Problem, RESERVED_TENANT};
use crate::{
    error::{Error, ErrorCode, Result},
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
        let mut values = self.headers.get_all(name).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Error::invalid(name, "stands there twice"));
        }
        // Purposes are sentences in any language: more than the ASCII that `to_str` takes.
        std::str::from_utf8(value.as_bytes()).map(Some).map_err(|_| Error::invalid(name, "must be UTF-8"))
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
        let limit = self.api.body_limit;
        if !body.is_end_stream() {
            self.check_media_type()?;
        }
        let bytes = bytes(self.manager().runtime(), body, limit).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            // The parser's own words could repeat what is in the body.
            let why = format!("must be JSON; it is not at line {}, column {}", error.line(), error.column());
            Error::invalid("body", why).into()
        })
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
    let too_large = || Error::new(ErrorCode::TooLarge, format!("the body has more than {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large().into());
    }
    match runtime.timeout(PATIENCE, to_bytes(body, limit)).await {
        Some(Ok(bytes)) => Ok(bytes),
        Some(Err(error)) if is_over_limit(&error) => Err(too_large().into()),
        Some(Err(_)) => Err(Error::invalid("body", "broke off before its end").into()),
        None => {
            let late = Error::new(ErrorCode::Timeout, format!("the body did not arrive within {PATIENCE:?}"));
            Err(Problem::from(late).with_status(StatusCode::REQUEST_TIMEOUT))
        }
    }
}

fn is_over_limit(error: &axum::Error) -> bool {
    // axum does not export the limit's error type: its words are all there is.
    std::error::Error::source(error).is_some_and(|source| source.to_string().contains("length limit"))
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
}
