//! Google Workspace for Education: tokens, Drive, Docs, Calendar, Gmail, Classroom, Meet, Directory and Workspace
//! Events, on one port. The paths of the vendor's hosts do not collide.

mod assertion;
mod batch;
mod calendar;
mod call;
mod channels;
mod classroom;
mod directory;
mod docs;
mod drive;
mod error;
mod fields;
mod gmail;
mod handle;
mod ids;
mod keys;
mod meet;
mod mime;
mod oauth;
mod people;
mod push;
mod quotas;
mod routes;
mod subscriptions;
mod tokens;
mod upload;
mod world;

use std::borrow::Cow;
use std::sync::Arc;

use hyper::StatusCode;
use parking_lot::Mutex;

use crate::exchange::{Answer, Request};
use crate::vendor::{Registration, Stage, Vendor};
use call::{object, text};
pub use channels::ChannelMessage;
use error::{Dialect, scripted};
pub use keys::{SERVICE_ACCOUNT, SERVICE_ACCOUNT_KEY};
pub use quotas::Quota;
use routes::bearer;
use world::World;

/// The school's domain.
pub const DOMAIN: &str = "yourschool.example";
/// An administrator of the domain.
pub const ADMIN: &str = "admin@yourschool.example";
/// A teacher.
pub const TEACHER: &str = "teacher@yourschool.example";
/// A student.
pub const STUDENT: &str = "student@yourschool.example";
/// A parent with an account of the domain.
pub const PARENT: &str = "parent@yourschool.example";
/// A guardian whose address is not the school's.
pub const GUARDIAN: &str = "guardian@family.example";
/// The OAuth client that stands ready.
pub const CLIENT_ID: &str = "104729104729-sandboxschool.apps.googleusercontent.com";
/// Its secret.
pub const CLIENT_SECRET: &str = "sandbox-google-client-secret";
/// Where its consent page may send a user back to, beside loopback.
pub const REDIRECT_URI: &str = "https://yourschool.example/oauth/callback";
/// A refresh token of [`ADMIN`] with all scopes.
pub const REFRESH_TOKEN: &str = "1//0sandbox-refresh-token-of-the-administrator";
/// The shared drive that stands ready; [`ADMIN`] and [`TEACHER`] are its members.
pub const SHARED_DRIVE: &str = "0ASandboxSchoolSharedDrUk9PVA";

pub(crate) const REGISTRATION: Registration = Registration {
    name: "google_workspace",
    open: |stage| Arc::new(GoogleWorkspace { stage, world: Mutex::new(World::ready()) }),
};

/// The look-alike of Google Workspace: a test's way to steer it and to see what it took in.
pub struct GoogleWorkspace {
    stage: Arc<Stage>,
    world: Mutex<World>,
}

impl Vendor for GoogleWorkspace {
    fn answer(&self, request: &Request) -> Answer {
        routes::answer(&mut self.world.lock(), self.stage.url(), request)
    }

    fn refusal(&self, status: StatusCode, _code: Option<u32>) -> Answer {
        scripted(status).answer(Dialect::Older)
    }

    fn refusal_of(&self, request: &Request, status: StatusCode, _code: Option<u32>) -> Answer {
        scripted(status).answer(Dialect::of(request.path()))
    }

    /// A limit counts the project and the user, whatever token they come with.
    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        let token = bearer(request)?;
        let world = self.world.lock();
        match world.tokens.grant(token, request.at) {
            Some(grant) => Some(Cow::Owned(format!("{} {}", grant.project(), grant.user))),
            None => Some(Cow::Borrowed(token)),
        }
    }

    fn recipient(&self, request: &Request) -> Option<String> {
        let body = object(&request.body).ok()?;
        let mut named = ["emailAddress", "invitedEmailAddress", "userId", "email"].into_iter();
        let named = named.find_map(|name| text(&body, name)).map(str::to_owned);
        named.or_else(|| gmail::first_recipient(&body))
    }

    fn control(&self, path: &str, request: &Request) -> Option<Answer> {
        self.steer(path, request)
    }

    fn reset(&self) {
        *self.world.lock() = World::ready();
    }
}

impl crate::Sandbox {
    /// The look-alike of Google Workspace.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without it.
    pub fn google_workspace(&self) -> &GoogleWorkspace {
        self.handle(REGISTRATION.name)
    }
}

impl std::fmt::Debug for GoogleWorkspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GoogleWorkspace").field("url", &self.stage.url()).finish_non_exhaustive()
    }
}
