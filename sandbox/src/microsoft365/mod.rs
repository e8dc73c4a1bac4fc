//! Microsoft 365: Graph `v1.0` and Entra ID on one server, with one school as the tenant.

mod access;
mod attachments;
mod auth;
mod batch;
mod calendar;
mod context;
mod drive;
mod education;
mod entra;
mod error;
mod filter;
mod groups;
mod handle;
mod jwt;
mod mail;
mod notify;
mod odata;
mod refusal;
mod routes;
mod send;
mod sites;
mod subscriptions;
mod table;
mod teams;
mod uploads;
mod users;
mod world;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::AUTHORIZATION;
use hyper::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::Value;

pub use send::Mail;

use crate::exchange::{Answer, Request};
use crate::faults::Faults;
use crate::recorder::{Exchange, Recorder};
use crate::vendor::{Registration, Stage, Vendor};
use auth::{Auth, Caller, Granted};
use context::{Context, Outcome};
use error::{GraphError, Ids};
use world::World;

/// The tenant's id.
pub const TENANT_ID: &str = "5a4db0c5-7e4a-4000-8000-000000000001";
/// The app's id.
pub const CLIENT_ID: &str = "5a4db0c5-a991-4000-8000-000000000001";
/// The app's secret.
pub const CLIENT_SECRET: &str = "sandbox~8Q.worth-nothing-0000000000000000";
/// The certificate that the app may sign assertions with, in PEM.
pub const CERTIFICATE: &str = include_str!("keys/app.crt.pem");
/// Its private key, in PEM (PKCS #8); worth nothing.
pub const CERTIFICATE_KEY: &str = include_str!("keys/app.key.pem");
/// The certificate that the app changes to when the first has had its time, in PEM.
pub const NEXT_CERTIFICATE: &str = include_str!("keys/next.crt.pem");
/// The key of that certificate, in PEM.
pub const NEXT_CERTIFICATE_KEY: &str = include_str!("keys/next.key.pem");
/// A refresh token of the teacher that stands ready, with every scope.
pub const REFRESH_TOKEN: &str = "1.AXsandbox-refresh-token-of-the-teacher-0000";
/// The tenant's domain.
pub const DOMAIN: &str = "yourschool.example";
/// The object id of `admin@yourschool.example`.
pub const ADMIN_ID: &str = "5a4db0c5-05e4-4000-8000-000000000001";
/// The object id of `teacher@yourschool.example`.
pub const TEACHER_ID: &str = "5a4db0c5-05e4-4000-8000-000000000002";
/// The object id of `student@yourschool.example`.
pub const STUDENT_ID: &str = "5a4db0c5-05e4-4000-8000-000000000003";
/// The id of the school that stands ready.
pub const SCHOOL_ID: &str = "5a4db0c5-5c00-4000-8000-000000000001";
/// The id of the site that stands ready.
pub const SITE_ID: &str =
    "yourschool.example,5a4db0c5-517e-4000-8000-000000000001,5a4db0c5-517e-4000-8000-000000000002";

pub(crate) const REGISTRATION: Registration = Registration {
    name: "microsoft365",
    open: |stage| {
        let auth = Mutex::new(Auth::ready(stage.clock.now()));
        Arc::new(Microsoft365 { stage, auth, world: Mutex::new(World::ready()), requests: AtomicU64::new(0) })
    },
};

/// The look-alike of Microsoft 365: a test's way to steer it and to see what it took in.
///
/// Sign-in addresses (`/{tenant}/oauth2/v2.0/token` and its like) and Graph's (`/v1.0/…`) are on one server.
pub struct Microsoft365 {
    stage: Arc<Stage>,
    // Whoever needs both locks takes this one first.
    auth: Mutex<Auth>,
    world: Mutex<World>,
    requests: AtomicU64,
}

impl Microsoft365 {
    fn ids(&self, request: &Request) -> Ids {
        Ids::of(self.requests.fetch_add(1, Ordering::Relaxed), request)
    }

    fn route(&self, request: &Request, ids: &Ids) -> Outcome {
        let segments = request.segments();
        let segments: Vec<String> = segments.into_iter().map(Cow::into_owned).collect();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let url = self.stage.url();
        let path = match path.as_slice() {
            ["v1.0", rest @ ..] => rest,
            [uploads::PREFIX | drive::DOWNLOADS | drive::MONITORS, token] => {
                return self.without_token(request, path.first().copied().unwrap_or_default(), token);
            }
            path => {
                let (tenant, endpoint) = entra::parts(path).ok_or_else(GraphError::no_route)?;
                let (mut auth, world) = (self.auth.lock(), self.world.lock());
                let entra = entra::Entra { auth: &mut auth, world: &world, request, tenant, url };
                return Ok(entra.answer(endpoint, ids));
            }
        };
        let caller = self.caller(request)?;
        let parts = routes::parts(&path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if request.method == Method::POST && parts == ["subscriptions"] {
            self.shake_hands(request)?;
        }
        let mut world = self.world.lock();
        let context = &mut Context { request, world: &mut world, caller: &caller, url };
        match parts.as_slice() {
            ["$batch"] if request.method == Method::POST => batch::route(context, ids),
            parts => routes::route(context, parts),
        }
    }

    /// Before a subscription is made its receiver is called, if so set. Nothing is locked meanwhile, as the receiver's
    /// test may well be looking at the tenant.
    fn shake_hands(&self, request: &Request) -> Result<(), GraphError> {
        let token = {
            let mut world = self.world.lock();
            world
                .settings
                .handshake
                .then(|| format!("Validation: Testing client application reachability {}", world.guid()))
        };
        token.map_or(Ok(()), |token| subscriptions::shake_hands(&request.body, &token))
    }

    /// Answers where the address itself is the key.
    fn without_token(&self, request: &Request, kind: &str, token: &str) -> Outcome {
        let mut world = self.world.lock();
        let opener = world.sessions.get(token).map(|session| session.caller.clone());
        let caller = opener.unwrap_or(Caller::App { roles: Granted::of([]) });
        let context = &mut Context { request, world: &mut world, caller: &caller, url: self.stage.url() };
        match kind {
            uploads::PREFIX => uploads::route(context, token),
            drive::DOWNLOADS => drive::download(context, token),
            _ => drive::monitor(context, token),
        }
    }

    fn caller(&self, request: &Request) -> Result<Caller, GraphError> {
        let token = token(request).ok_or_else(|| GraphError::unauthenticated("Access token is empty."))?;
        let auth = self.auth.lock();
        match auth.caller(token, request.at) {
            Some((caller, None)) => Ok(caller.clone()),
            Some((_, Some(claims))) => Err(GraphError::challenge(claims)),
            None => Err(GraphError::unauthenticated("Access token has expired or is not yet valid.")),
        }
    }
}

impl Vendor for Microsoft365 {
    fn answer(&self, request: &Request) -> Answer {
        let ids = self.ids(request);
        ids.mark(self.route(request, &ids).unwrap_or_else(|error| error.answer(&ids)))
    }

    fn refusal(&self, status: StatusCode, code: Option<u32>) -> Answer {
        let ids = Ids::new(self.requests.fetch_add(1, Ordering::Relaxed), None, self.stage.clock.now());
        let mut error = GraphError::of_status(status);
        if let Some(code) = code {
            error.code = code.to_string();
        }
        ids.mark(error.answer(&ids))
    }

    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        // The vendor counts by app and tenant, and here there is one of each.
        token(request).map(|_| Cow::Borrowed(CLIENT_ID))
    }

    fn recipient(&self, request: &Request) -> Option<String> {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let message = body.get("message").or_else(|| body.get("Message")).unwrap_or(&body);
        message.pointer("/toRecipients/0/emailAddress/address")?.as_str().map(str::to_owned)
    }

    fn control(&self, path: &str, request: &Request) -> Option<Answer> {
        self.steered(path, request)
    }

    fn reset(&self) {
        self.auth.lock().clear(self.stage.clock.now());
        self.world.lock().clear();
    }
}

fn token(request: &Request) -> Option<&str> {
    request.header(&AUTHORIZATION)?.strip_prefix("Bearer ")
}

impl crate::Sandbox {
    /// The look-alike of Microsoft 365.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without it.
    pub fn microsoft365(&self) -> &Microsoft365 {
        self.handle(REGISTRATION.name)
    }
}

impl std::fmt::Debug for Microsoft365 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Microsoft365").field("url", &self.url()).finish_non_exhaustive()
    }
}
