//! The REST API: an [`axum::Router`] over an [`IntegrationManager`].
//!
//! Nothing here decides who may do what: an [`Authenticator`] says who asks, the manager does the rest. Errors are
//! problem documents (RFC 9457). `docs/rest-api.md` shows every endpoint, `examples/server.rs` a whole server.
//!
//! ```no_run
//! # async fn serve(manager: sis_integrations::IntegrationManager) -> Result<(), Box<dyn std::error::Error>> {
//! use std::net::SocketAddr;
//! use sis_integrations::http::{self, ApiKeys};
//!
//! let app = http::router(manager.clone(), ApiKeys::new(manager));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
//! # Ok(()) }
//! ```

mod asking;
mod auth;
mod endpoints;
mod problem;
mod webhooks;

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use futures::FutureExt;
use tokio::sync::Semaphore;

pub use auth::{ApiKeys, Authenticated, Authenticator};
pub use problem::Problem;

use crate::{
    error::{Error, ErrorCode},
    manager::IntegrationManager,
};

/// The largest body taken unless [`Api::body_limit`] says otherwise: an alert to 100,000 recipients needs about 10 MiB.
pub const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The largest body of an operation's call unless [`Api::upload_limit`] says otherwise: the largest mail, or a file of 47 MB,
/// in base64.
pub const UPLOAD_LIMIT: usize = 64 * 1024 * 1024;

/// How many calls with a body over [`Api::body_limit`] are at work at once: each is in memory as a whole, more than once.
const LARGE_AT_ONCE: usize = 4;

/// Segments with a meaning of their own where a provider's id could stand: no provider can have such an id.
pub const RESERVED_PROVIDERS: &[&str] =
    &["api-keys", "audit", "compliance", "health", "stats", "subscriptions", "webhooks"];

/// Segments with a meaning of their own where an operation's name could stand.
pub const RESERVED_OPERATIONS: &[&str] = &["config", "consent", "deliveries", "health", "operations", "webhook-route"];

/// The segment where vendors' webhooks arrive: over REST no tenant can have it as its id.
pub const RESERVED_TENANT: &str = "webhooks";

/// The REST API, with what it accepts unless told otherwise. The same as [`Api::new`] and [`Api::router`].
pub fn router(manager: IntegrationManager, authenticator: impl Authenticator) -> Router {
    Api::new(manager, authenticator).router()
}

/// The REST API to be.
pub struct Api {
    manager: IntegrationManager,
    authenticator: Box<dyn Authenticator>,
    body_limit: usize,
    upload_limit: usize,
    large: Arc<Semaphore>,
    trusted_proxies: usize,
    public_url: Option<url::Url>,
}

impl Api {
    /// The API of this manager, for those whom the authenticator knows.
    pub fn new(manager: IntegrationManager, authenticator: impl Authenticator) -> Self {
        Self {
            manager,
            authenticator: Box::new(authenticator),
            body_limit: BODY_LIMIT,
            upload_limit: UPLOAD_LIMIT,
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            trusted_proxies: 0,
            public_url: None,
        }
    }

    /// Takes bodies up to this many bytes, those of operations' calls too unless [`Api::upload_limit`] is called after this.
    /// Default: [`BODY_LIMIT`], and [`UPLOAD_LIMIT`] for calls.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        (self.body_limit, self.upload_limit) = (bytes, bytes);
        self
    }

    /// Takes bodies of operations' calls up to this many bytes: they may hold files. Of those over the limit of all others
    /// four are at work at once; one more is answered `rate_limited`. Default: [`UPLOAD_LIMIT`].
    pub fn upload_limit(mut self, bytes: usize) -> Self {
        self.upload_limit = bytes.max(self.body_limit);
        self
    }

    /// Says how many reverse proxies of your own stand before this server: the client's address is then read from
    /// `X-Forwarded-For`, so many entries from its end. Default: none, and the header is ignored, since anybody can
    /// send one.
    pub fn trusted_proxies(mut self, count: usize) -> Self {
        self.trusted_proxies = count;
        self
    }

    /// Says by which address the world reaches this server, such as `https://sis.example.org`: vendors sign the address
    /// they call. Default: the `Host` header, and with [`Api::trusted_proxies`] what those say of it.
    pub fn public_url(mut self, url: url::Url) -> Self {
        self.public_url = Some(url);
        self
    }

    /// The router.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that the audit trail knows addresses.
    /// It answers unknown paths itself; to merge it into a router with a fallback of its own, call
    /// [`Router::reset_fallback`] on it first.
    pub fn router(self) -> Router {
        let tenant = of_tenant().into_iter().fold(Router::new(), |router, (path, to)| router.route(path, to));
        Router::new()
            .route("/healthz", get(endpoints::healthz))
            .route("/api/integrations/webhooks/{provider}", post(webhooks::receive))
            .nest("/api/integrations/{tenantId}", tenant)
            .fallback(no_such_path)
            .method_not_allowed_fallback(no_such_method)
            .layer(middleware::from_fn(outermost))
            .with_state(Arc::new(self))
    }
}

/// A school's paths.
fn of_tenant() -> Vec<(&'static str, MethodRouter<Arc<Api>>)> {
    use endpoints as to;
    vec![
        ("/", get(to::list)),
        ("/health", get(to::health_all)),
        ("/stats", get(to::stats)),
        ("/audit", get(to::audit)),
        ("/audit/verify", get(to::verify_audit)),
        ("/api-keys", get(to::api_keys).post(to::create_api_key)),
        ("/api-keys/{id}", delete(to::revoke_api_key)),
        ("/{provider}/config", get(to::config).put(to::configure)),
        ("/{provider}/health", get(to::health)),
        ("/{provider}/operations", get(to::operations)),
        ("/{provider}/webhook-route", get(to::webhook_route)),
        ("/{provider}/deliveries/{messageId}", get(to::delivery)),
        ("/{provider}/consent", post(to::begin_consent)),
        ("/{provider}/consent/complete", post(to::complete_consent)),
        ("/subscriptions", get(to::subscriptions)),
        ("/webhooks", get(to::webhooks)),
        ("/webhooks/{id}/replay", post(to::replay_webhook)),
        ("/{provider}/{method}", post(to::execute)),
        ("/{userId}/{provider}/permissions", get(to::permissions).put(to::set_permissions)),
    ]
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("body_limit", &self.body_limit)
            .field("upload_limit", &self.upload_limit)
            .field("trusted_proxies", &self.trusted_proxies)
            .finish_non_exhaustive()
    }
}

/// What holds for every answer, whichever handler gives it or fails to.
async fn outermost(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_panic| {
        tracing::error!(%method, path, "a request handler panicked; please report this");
        Problem::from(Error::internal("the request could not be handled; please report this")).into_response()
    });
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Answers hold settings and personal data: no cache on the way may keep them.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn no_such_path(uri: Uri) -> Problem {
    let known = "the paths are under /api/integrations/{tenantId}; docs/rest-api.md lists them";
    let why = match uri.path().strip_prefix("/api/integrations/") {
        Some(rest) if rest.ends_with("/compliance") => "this is not built in yet",
        _ => known,
    };
    Error::new(ErrorCode::NotFound, format!("there is nothing at this path; {why}")).into()
}

async fn no_such_method(method: Method) -> Problem {
    let why = format!("{method} is not a method of this path; the header Allow lists those that are");
    Problem::from(Error::new(ErrorCode::NotFound, why)).with_status(StatusCode::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The segments of the router's own paths that stand where a provider's id could, and where an operation's name could.
    fn taken() -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
        let (mut providers, mut operations) = (BTreeSet::new(), BTreeSet::new());
        let fixed = |segment: &&str| !segment.is_empty() && !segment.starts_with('{');
        for (path, _) in of_tenant() {
            let mut segments = path.split('/').skip(1);
            providers.extend(segments.next().filter(fixed));
            // Behind a fixed segment no operation is called.
            operations.extend(segments.next().filter(|segment| path.starts_with("/{") && fixed(segment)));
        }
        // Not built in yet.
        providers.insert("compliance");
        (providers, operations)
    }

    #[test]
    fn what_is_reserved_is_what_the_routers_paths_take() {
        let (providers, operations) = taken();
        assert_eq!(RESERVED_PROVIDERS.iter().copied().collect::<BTreeSet<_>>(), providers);
        assert_eq!(RESERVED_OPERATIONS.iter().copied().collect::<BTreeSet<_>>(), operations);
    }

    #[test]
    fn no_provider_or_operation_hides_behind_a_segment_of_the_api() {
        for provider in crate::providers::all() {
            let id = provider.info.id;
            // The second segment too: of a user's permissions it is the provider.
            let taken = RESERVED_PROVIDERS.contains(&id) || RESERVED_OPERATIONS.contains(&id);
            assert!(!taken, "the REST API needs the segment {id} itself");
            for operation in &provider.operations {
                assert!(!RESERVED_OPERATIONS.contains(&operation.name), "{id}.{} cannot be reached", operation.name);
            }
        }
    }
}
