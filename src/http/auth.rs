use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::asking::one_header;
use crate::{
    error::{Error, ErrorCode, Result},
    manager::IntegrationManager,
    model::{Actor, Role, Secret, TenantId},
};

/// Who asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Authenticated {
    /// The school the credentials belong to: every other refuses them. `None` is for the platform's own staff alone: the
    /// actor's own word counts then, and one without a tenant may ask **in every school**.
    pub tenant: Option<TenantId>,
    /// For whom.
    pub actor: Actor,
}

/// Finds out who asks, from a request's head. What they may do is not its matter.
///
/// ```
/// use axum::http::request::Parts;
/// use sis_integrations::{Actor, Error, ErrorCode, Result, Role, http::{Authenticated, Authenticator}};
///
/// /// The host's own proxy has authenticated the user, and nobody else reaches this port.
/// struct BehindProxy;
///
/// #[async_trait::async_trait]
/// impl Authenticator for BehindProxy {
///     async fn authenticate(&self, parts: &Parts) -> Result<Authenticated> {
///         let text = |name: &str| {
///             let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
///             value.ok_or_else(|| Error::new(ErrorCode::Unauthenticated, "nobody is signed in"))
///         };
///         // Without the school every teacher of one would be a teacher of all.
///         Ok(Authenticated { tenant: Some(text("x-school")?.parse()?), actor: Actor::new(text("x-user")?, Role::Teacher) })
///     }
/// }
/// ```
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Who asks; `unauthenticated` becomes a 401.
    async fn authenticate(&self, parts: &Parts) -> Result<Authenticated>;
}

/// API keys: those that [`Tenant::create_api_key`](crate::Tenant::create_api_key) makes, as `Authorization: Bearer …` or
/// `X-Api-Key: …`.
pub struct ApiKeys {
    manager: IntegrationManager,
    /// Only its hash: that is all a comparison needs.
    bootstrap: Option<[u8; 32]>,
}

/// The fewest characters of the platform's own key.
const SHORTEST: usize = 24;

impl ApiKeys {
    /// The keys of all schools of this manager.
    pub fn new(manager: IntegrationManager) -> Self {
        Self { manager, bootstrap: None }
    }

    /// Accepts one key more, of the platform itself: it makes the schools' first keys. It acts in every school as an
    /// administrator named `platform-admin`, or as the user whom the headers `X-Actor-Id` and `X-Actor-Role` name: for a
    /// host that has authenticated them.
    ///
    /// Errors: `invalid_argument` for a key of fewer than 24 characters.
    pub fn with_bootstrap(mut self, key: Secret<String>) -> Result<Self> {
        let key = key.expose().trim();
        if key.chars().count() < SHORTEST {
            let why = format!("must have at least {SHORTEST} characters; make one with: openssl rand -hex 32");
            return Err(Error::invalid("bootstrap key", why));
        }
        self.bootstrap = Some(hash(key));
        Ok(self)
    }
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeys").field("bootstrap", &self.bootstrap.is_some()).finish_non_exhaustive()
    }
}

const ACTOR_ID: &str = "X-Actor-Id";
const ACTOR_ROLE: &str = "X-Actor-Role";
const ACTOR_ADDRESS: &str = "X-Actor-Address";

#[async_trait]
impl Authenticator for ApiKeys {
    async fn authenticate(&self, parts: &Parts) -> Result<Authenticated> {
        let key = shown_key(&parts.headers).ok_or_else(refused)?;
        // Hashes have one length, whatever was shown: the time this takes tells nothing.
        let platform = self.bootstrap.is_some_and(|bootstrap| bool::from(bootstrap.ct_eq(&hash(key))));
        let named = named_actor(&parts.headers);
        if platform {
            let actor = named?.unwrap_or_else(|| Actor::new("platform-admin", Role::Admin));
            return Ok(Authenticated { tenant: None, actor });
        }
        // …/{provider}/{method}, where it is a call.
        let mut ends = parts.uri.path().rsplit('/');
        let (operation, provider) = (ends.next().unwrap_or_default(), ends.next().unwrap_or_default());
        let known = self.manager.authenticate_api_key_for(key, provider, operation).await;
        let (tenant, actor) = known.map_err(|error| match error.code() {
            ErrorCode::Unauthenticated => refused(),
            _ => error,
        })?;
        if named?.is_some() {
            // Ignored, a caller would believe to act with another's rights than it does.
            return Err(Error::invalid(ACTOR_ID, "only the platform's own key may name the acting user"));
        }
        Ok(Authenticated { tenant: Some(tenant), actor })
    }
}

/// One answer for every reason, so that nothing is learnt by trying.
fn refused() -> Error {
    let how = "a valid API key is needed, as Authorization: Bearer … or X-Api-Key: …";
    Error::new(ErrorCode::Unauthenticated, how)
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The key that the request shows; none if it shows several.
fn shown_key(headers: &HeaderMap) -> Option<&str> {
    let bearers = headers.get_all(header::AUTHORIZATION).iter().filter_map(bearer);
    let plain = headers.get_all("x-api-key").iter().filter_map(|value| value.to_str().ok());
    let mut keys = bearers.chain(plain).map(str::trim);
    let key = keys.next()?;
    keys.all(|other| other == key).then_some(key).filter(|key| !key.is_empty())
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}

fn named_actor(headers: &HeaderMap) -> Result<Option<Actor>> {
    // A proxy that adds its own to what a client sent must not have the client's taken for it.
    let text = |name: &'static str| one_header(headers, name);
    let address = text(ACTOR_ADDRESS)?;
    match (text(ACTOR_ID)?, text(ACTOR_ROLE)?) {
        (None, None) if address.is_some() => {
            Err(Error::invalid(ACTOR_ID, format!("is required beside {ACTOR_ADDRESS}")))
        }
        (None, None) => Ok(None),
        (Some(id), Some(role)) => {
            let role = role.parse().map_err(|error: Error| error.with_field(ACTOR_ROLE))?;
            let actor = Actor::new(id, role);
            Ok(Some(address.into_iter().fold(actor, |actor, address| actor.address(address))))
        }
        (Some(_), None) => Err(Error::invalid(ACTOR_ROLE, format!("is required beside {ACTOR_ID}"))),
        (None, Some(_)) => Err(Error::invalid(ACTOR_ID, format!("is required beside {ACTOR_ROLE}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_key_is_shown_in_one_of_two_headers_and_only_one_is_shown() {
        for (pairs, key) in [
            (&[("authorization", "Bearer k1")][..], Some("k1")),
            (&[("authorization", "bearer  k1 ")], Some("k1")),
            (&[("x-api-key", "k1")], Some("k1")),
            (&[("authorization", "Basic dTpw"), ("x-api-key", "k1")], Some("k1")),
            (&[("authorization", "Bearer k1"), ("x-api-key", "k1")], Some("k1")),
            (&[("authorization", "Bearer k1"), ("x-api-key", "k2")], None),
            (&[("x-api-key", "k1"), ("x-api-key", "k2")], None),
            (&[("authorization", "Bearer ")], None),
            (&[("authorization", "Bearer")], None),
            (&[("x-api-key", "")], None),
            (&[], None),
        ] {
            assert_eq!(shown_key(&headers(pairs)), key, "{pairs:?}");
        }
    }

    #[test]
    fn an_actor_is_named_whole_or_not_at_all() {
        let named = named_actor(&headers(&[("x-actor-id", "t-5"), ("x-actor-role", "teacher")])).unwrap();
        assert_eq!(named, Some(Actor::new("t-5", Role::Teacher)));
        assert_eq!(named_actor(&headers(&[])).unwrap(), None);
        assert_eq!(named_actor(&headers(&[("x-actor-id", "t-5")])).unwrap_err().field(), Some(ACTOR_ROLE));
        assert_eq!(named_actor(&headers(&[("x-actor-role", "admin")])).unwrap_err().field(), Some(ACTOR_ID));
        let known =
            headers(&[("x-actor-id", "t-5"), ("x-actor-role", "teacher"), ("x-actor-address", "t@school.example")]);
        assert!(named_actor(&known).unwrap().unwrap().is_known_as("T@school.example"));
        let nobody = headers(&[("x-actor-address", "t@school.example")]);
        assert_eq!(named_actor(&nobody).unwrap_err().field(), Some(ACTOR_ID));
        let king = headers(&[("x-actor-id", "t-5"), ("x-actor-role", "king")]);
        assert_eq!(named_actor(&king).unwrap_err().field(), Some(ACTOR_ROLE));
    }
}
