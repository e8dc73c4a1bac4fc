//! What a look-alike is: the trait each vendor's folder implements, and what every one of them is handed.

use std::any::Any;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use hyper::StatusCode;

use crate::clock::Clock;
use crate::exchange::{Answer, Request};
use crate::faults::Faults;
use crate::recorder::Recorder;

/// What every look-alike has, shared by its server, its state and the test.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) url: OnceLock<String>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
}

impl Stage {
    pub(crate) fn new(name: &'static str, clock: Arc<Clock>) -> Self {
        Self { name, url: OnceLock::new(), clock, faults: Faults::default(), recorder: Recorder::default() }
    }

    pub(crate) fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }
}

/// A vendor's look-alike.
///
/// Handlers are plain functions over state in memory: nothing they do can wait, so the order in which requests are
/// taken is the order in which they take effect.
pub(crate) trait Vendor: Any + Send + Sync {
    /// Answers a request as the vendor would.
    fn answer(&self, request: &Request) -> Answer;

    /// The vendor's error body for a status that a fault asks for.
    fn refusal(&self, status: StatusCode, code: Option<u32>) -> Answer;

    /// The same for a request whose path decides how errors are written.
    fn refusal_of(&self, _request: &Request, status: StatusCode, code: Option<u32>) -> Answer {
        self.refusal(status, code)
    }

    /// Whom a rate limit counts the request against.
    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>>;

    /// Whom the request would reach, so that a fault can strike one recipient.
    fn recipient(&self, request: &Request) -> Option<String>;

    /// Answers the vendor's own part of the control API; `path` is what follows `/__sandbox/`.
    fn control(&self, path: &str, request: &Request) -> Option<Answer>;

    /// Forgets what requests and tests have put in, but for accounts.
    fn reset(&self);
}

/// How a vendor joins the sandbox: one constant per folder, listed in `lib.rs`.
pub(crate) struct Registration {
    pub(crate) name: &'static str,
    pub(crate) open: fn(Arc<Stage>) -> Arc<dyn Vendor>,
}
