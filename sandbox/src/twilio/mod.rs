//! Twilio: messages, calls, content templates, lookups, messaging services, prices.
//!
//! The vendor spreads these over `api.`, `content.`, `lookups.`, `messaging.` and `pricing.twilio.com`; their paths do
//! not clash, so the look-alike serves them all on one port.

mod account;
mod address;
mod callback;
mod calls;
mod content;
mod control;
mod dates;
mod error;
mod format;
mod lookups;
mod message;
mod messages;
mod messaging;
mod paging;
mod pricing;
mod recipient;
mod segments;
mod send;
mod signature;
mod store;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName};
use hyper::{Method, StatusCode};
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

pub use calls::{Call, CallOutcome, CallStatus};
pub use control::Message;
pub use message::{MessageStatus, Outcome};
pub use signature::sign;

use crate::clock::Clock;
use crate::exchange::{Answer, Request};
use crate::faults::Faults;
use crate::recorder::{Exchange, Recorder};
use crate::vendor::{Registration, Stage, Vendor};
use account::{Account, Accounts};
use error::ApiError;
use format::Sids;
use recipient::Recipients;

/// SID of the account that stands ready.
pub const ACCOUNT_SID: &str = "AC5a4db0c5000000000000000000000001";
/// Its auth token.
pub const AUTH_TOKEN: &str = "5a4db0c5000000000000000000000002";
/// SID of an API key of that account.
pub const API_KEY: &str = "SK5a4db0c5000000000000000000000003";
/// Its secret.
pub const API_KEY_SECRET: &str = "sandboxApiKeySecret0000000000000";
/// Numbers that every account owns at first. The first is the vendor's magic sender that always works.
pub const NUMBERS: &[&str] = &["+15005550006", "+15017122661", "+18885550100"];
/// The WhatsApp sender that every account has.
pub const WHATSAPP_NUMBER: &str = "+14155238886";

const API_VERSION: &str = "2010-04-01";
/// How long a message or call stays in one state unless told otherwise.
const STEP: Duration = Duration::from_millis(200);

const REQUEST_ID: HeaderName = HeaderName::from_static("twilio-request-id");
const REQUEST_DURATION: HeaderName = HeaderName::from_static("twilio-request-duration");
const CONCURRENT_REQUESTS: HeaderName = HeaderName::from_static("twilio-concurrent-requests");

pub(crate) const REGISTRATION: Registration =
    Registration { name: "twilio", open: |stage| Arc::new(Twilio::open(stage)) };

/// The look-alike of Twilio: a test's way to steer it and to see what it took in.
pub struct Twilio {
    shared: Arc<Shared>,
}

/// What handlers, status callbacks and the test share.
struct Shared {
    stage: Arc<Stage>,
    sids: Sids,
    step: AtomicU32,
    world: Mutex<World>,
}

/// What changes. One lock guards all of it: the server has one thread, and a test looks in only now and then.
#[derive(Default)]
struct World {
    accounts: Accounts,
    recipients: Recipients,
}

/// What a handler works with: the caller's account and what lies outside of it.
struct Context<'a> {
    shared: &'a Arc<Shared>,
    account: &'a mut Account,
    recipients: &'a Recipients,
    request: &'a Request,
    now: i64,
}

impl Context<'_> {
    fn step(&self) -> u32 {
        self.shared.step.load(Ordering::Relaxed)
    }

    /// A link into one of the newer APIs: the vendor's host of that name is this port.
    fn link(&self, path: &str) -> String {
        format!("{}{path}", self.shared.stage.url())
    }
}

impl Twilio {
    fn open(stage: Arc<Stage>) -> Self {
        let mut world = World::default();
        world.accounts.add_default(stage.clock.now());
        let step = AtomicU32::new(u32::try_from(STEP.as_millis()).unwrap_or(u32::MAX));
        Self { shared: Arc::new(Shared { stage, sids: Sids::new(), step, world: Mutex::new(world) }) }
    }

    /// Base address of all of the vendor's APIs.
    pub fn url(&self) -> String {
        self.shared.stage.url().to_owned()
    }

    /// Scripted misbehaviour.
    pub fn faults(&self) -> &Faults {
        &self.shared.stage.faults
    }

    /// Remembered requests, and how many are kept.
    pub fn recorder(&self) -> &Recorder {
        &self.shared.stage.recorder
    }

    /// The remembered requests with their answers, oldest first.
    pub fn requests(&self) -> Vec<Exchange> {
        self.recorder().exchanges()
    }

    /// The time by which messages and calls advance.
    pub fn clock(&self) -> &Clock {
        &self.shared.stage.clock
    }

    fn route(&self, request: &Request) -> Result<Answer, ApiError> {
        let mut world = self.shared.world.lock();
        let World { accounts, recipients } = &mut *world;
        let account = accounts.authenticate(request)?;
        let context = &mut Context { shared: &self.shared, account, recipients, request, now: request.at };
        let segments = request.segments();
        // Longer paths than any resource has are cut here and then match nothing.
        let path: Vec<&str> = segments.iter().map(|segment| &**segment).take(7).collect();
        match path.as_slice() {
            ["2010-04-01", "Accounts", rest @ ..] => legacy(context, rest),
            ["v1", "Content", rest @ ..] => content::route(context, rest),
            ["v2", "PhoneNumbers", number] => only(Method::GET, request, || lookups::fetch(context, number)),
            ["v1", kind @ ("Messaging" | "Voice"), "Countries", rest @ ..] => {
                only(Method::GET, request, || pricing::route(context, kind, rest))
            }
            ["v1", "Services", rest @ ..] => messaging::route(context, rest),
            ["v1", "Tollfree", "Verifications"] => only(Method::GET, request, || messaging::tollfree(context)),
            ["v1", "Deactivations"] => only(Method::GET, request, || messaging::deactivations(context)),
            _ => Err(ApiError::not_found(request.path())),
        }
    }
}

/// Runs the handler if the method is the one that the resource takes.
fn only(
    method: Method,
    request: &Request,
    handler: impl FnOnce() -> Result<Answer, ApiError>,
) -> Result<Answer, ApiError> {
    if request.method == method { handler() } else { Err(ApiError::method_not_allowed()) }
}

/// The 2010 API: `rest` follows `Accounts`.
fn legacy(context: &mut Context<'_>, rest: &[&str]) -> Result<Answer, ApiError> {
    let request = context.request;
    let not_found = || ApiError::not_found(request.path());
    let account = match rest {
        [account] => account.strip_suffix(".json").ok_or_else(not_found)?,
        [account, ..] => account,
        [] => return Err(not_found()),
    };
    if account != &*context.account.sid {
        // The vendor tells nobody whether somebody else's account exists.
        return Err(ApiError::unauthenticated());
    }
    let method = &request.method;
    match rest[1..] {
        [] => only(Method::GET, request, || Ok(account::fetch(context))),
        ["Messages.json"] => match *method {
            Method::POST => send::create(context),
            Method::GET => messages::list(context),
            _ => Err(ApiError::method_not_allowed()),
        },
        ["Messages", sid, "Feedback.json"] => only(Method::POST, request, || messages::feedback(context, sid)),
        ["Messages", sid] => messages::one(context, sid.strip_suffix(".json").ok_or_else(not_found)?),
        ["Calls.json"] => match *method {
            Method::POST => calls::create(context),
            Method::GET => calls::list(context),
            _ => Err(ApiError::method_not_allowed()),
        },
        ["Calls", sid] => calls::one(context, sid.strip_suffix(".json").ok_or_else(not_found)?),
        ["Balance.json"] => only(Method::GET, request, || Ok(account::balance(context))),
        ["IncomingPhoneNumbers.json"] => only(Method::GET, request, || account::numbers(context)),
        ["Usage", "Records.json"] => only(Method::GET, request, || account::usage(context)),
        _ => Err(not_found()),
    }
}

impl Vendor for Twilio {
    fn answer(&self, request: &Request) -> Answer {
        let answer = self.route(request).unwrap_or_else(|error| error.answer());
        self.stamp(answer)
    }

    fn refusal(&self, status: StatusCode, code: Option<u32>) -> Answer {
        self.stamp(ApiError::of_status(status, code).answer())
    }

    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        let in_path = request.path().strip_prefix("/2010-04-01/Accounts/").and_then(|rest| rest.get(..34));
        if let Some(sid) = in_path {
            return Some(Cow::Borrowed(sid));
        }
        let credentials = request.header(&AUTHORIZATION)?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        decoded.split_once(':').map(|(user, _)| Cow::Owned(user.to_owned()))
    }

    fn recipient(&self, request: &Request) -> Option<String> {
        request.form().get("To").map(str::to_owned)
    }

    fn control(&self, path: &str, request: &Request) -> Option<Answer> {
        control::answer(self, path, request)
    }

    fn reset(&self) {
        let mut world = self.shared.world.lock();
        world.accounts.reset(self.clock().now());
        world.recipients = Recipients::default();
        self.shared.step.store(u32::try_from(STEP.as_millis()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

impl Twilio {
    fn stamp(&self, answer: Answer) -> Answer {
        answer
            .with(REQUEST_ID, &self.shared.sids.sid("RQ"))
            .with(REQUEST_DURATION, "0.001")
            .with(CONCURRENT_REQUESTS, "1")
    }
}

impl Shared {
    /// An account under the lock, for what happens outside of a request.
    fn account(&self, sid: &str) -> Option<MappedMutexGuard<'_, Account>> {
        MutexGuard::try_map(self.world.lock(), |world| world.accounts.get_mut(sid)).ok()
    }
}

impl crate::Sandbox {
    /// The look-alike of Twilio.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without it.
    pub fn twilio(&self) -> &Twilio {
        self.handle(REGISTRATION.name)
    }
}

impl std::fmt::Debug for Twilio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Twilio").field("url", &self.url()).finish_non_exhaustive()
    }
}
