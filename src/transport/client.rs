use std::{sync::Arc, time::Duration};

use url::Url;

use super::{
    Backoff, Breaker, Breakers, Decision, Failure, FailureKind, Http, Method, Outbound, Repeat, Request, Response,
    RetryBudget, Seen,
};
use crate::{
    error::{Error, ErrorCode, Result, Retry},
    model::{Runtime, Timestamp},
};

/// How one call may use the network.
#[derive(Clone)]
pub struct Plan {
    /// Where it may go.
    pub outbound: Arc<Outbound>,
    /// What holds it back while the vendor fails.
    pub breakers: Arc<Breakers>,
    /// What keeps repeats within bounds.
    pub budget: Arc<RetryBudget>,
    /// Waits between attempts.
    pub backoff: Backoff,
    /// What may be sent again.
    pub repeat: Repeat,
    /// What the vendor's answers mean.
    pub decide: fn(Seen<'_>, Repeat, Timestamp) -> Decision,
    /// When the call must have ended.
    pub deadline: Timestamp,
    /// An emergency: neither breaker nor budget hold it back.
    pub urgent: bool,
}

/// An answer, and how many attempts it took.
#[derive(Debug)]
pub struct Exchange {
    /// The answer, good or bad.
    pub response: Response,
    /// Attempts, from 1.
    pub attempts: u32,
}

/// How the attempts of one request went, also when they end in an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tried {
    /// Attempts sent.
    pub attempts: u32,
    /// Whether the vendor may have acted on one that left no word: what it says of a later one then says nothing of it.
    pub may_have_acted: bool,
}

/// Sends requests by a [`Plan`]: guarded, timed, repeated where it is safe.
#[derive(Clone)]
pub struct Client {
    http: Arc<dyn Http>,
    runtime: Runtime,
}

/// Redirects followed for a GET.
const REDIRECTS: usize = 5;

/// Headers that are the caller's credentials: another host never sees them.
const CREDENTIALS: &[&str] = &["authorization", "cookie", "proxy-authorization", "x-api-key"];

impl Client {
    /// Sends through `http`.
    pub fn new(http: Arc<dyn Http>, runtime: Runtime) -> Self {
        Self { http, runtime }
    }

    /// Sends the request until there is an answer to take, and says in `tried` how that went, also when this ends in an
    /// error.
    ///
    /// Errors: `outbound_forbidden`, `circuit_open`, `rate_limited`, `vendor_unavailable` (nothing happened there),
    /// `outcome_unknown` (it may have), `timeout`, `too_large`.
    ///
    /// `sign` puts credentials on the request, anew for every attempt: where a scheme signs a time and a nonce, a repeat
    /// with the first one's signature would be refused as a replay.
    pub async fn exchange(
        &self,
        request: Request,
        plan: &Plan,
        tried: &mut Tried,
        sign: impl Fn(&mut Request) -> Result<()> + Send + Sync,
    ) -> Result<Response> {
        // On the heap: every operation's future holds this one, some of them many times.
        let result = Box::pin(self.attempts(request, plan, tried, sign));
        result.await.map_err(|error| match error.code() {
            // The vendor will answer the same key as it did then, whichever of the attempts it was.
            code if code != ErrorCode::OutcomeUnknown && tried.may_have_acted && plan.repeat == Repeat::WithKey => {
                in_doubt(&error)
            }
            _ => error,
        })
    }

    async fn attempts(
        &self,
        request: Request,
        plan: &Plan,
        tried: &mut Tried,
        sign: impl Fn(&mut Request) -> Result<()> + Send + Sync,
    ) -> Result<Response> {
        plan.outbound.check(&request.url)?;
        let mut counted = 0;
        plan.budget.earn();
        let breaker = plan.breakers.of(&request.url);
        loop {
            if !plan.urgent
                && let Err(wait) = breaker.admit(self.runtime.monotonic())
            {
                return Err(Error::new(ErrorCode::CircuitOpen, "the vendor failed repeatedly; calls are held back")
                    .with_retry(Retry::After(wait)));
            }
            let left = plan.deadline.since(self.runtime.now());
            if left.is_zero() {
                return Err(Error::new(ErrorCode::Timeout, "the deadline passed before the request was sent"));
            }
            let mut signed = request.clone();
            sign(&mut signed)?;
            tried.attempts += 1;
            let result = self.attempt(signed, plan, left).await;
            self.tell(&breaker, &result);
            if let Err(failure) = &result
                && matches!(failure.kind, FailureKind::Forbidden | FailureKind::TooLarge)
            {
                return Err(ended(failure, plan.repeat));
            }
            let seen = match &result {
                Ok(response) => Seen::Answer(response),
                Err(failure) => Seen::Failure(failure),
            };
            let (asked, throttled) = match (plan.decide)(seen, plan.repeat, self.runtime.now()) {
                Decision::Take => return result.map_err(|failure| ended(&failure, plan.repeat)),
                Decision::Unknown => return Err(unknown(&result)),
                Decision::Again(asked) => (asked, false),
                Decision::Later(asked) => (asked, true),
            };
            if !throttled {
                counted += 1;
                tried.may_have_acted |= result.as_ref().map_or_else(|failure| failure.sent, |_| true);
            }
            let wait = plan.backoff.wait(counted.max(1), asked);
            let left = plan.deadline.since(self.runtime.now());
            let within = counted < plan.backoff.attempts && wait < left;
            if !within || !(throttled || plan.urgent || plan.budget.spend()) {
                return Err(exhausted(&result, asked, throttled, tried.attempts));
            }
            self.runtime.sleep(wait).await;
        }
    }

    async fn attempt(&self, mut request: Request, plan: &Plan, left: Duration) -> Result<Response, Failure> {
        request.timeout = request.timeout.min(left);
        for _ in 0..=REDIRECTS {
            let limit = request.timeout;
            // The transport has its own timeout; this one holds also where a host's implementation forgot it.
            let sending = self.http.send(request.clone());
            let response = match self.runtime.timeout(limit + Duration::from_millis(250), sending).await {
                Some(result) => result?,
                None => {
                    return Err(Failure::new(FailureKind::Timeout, true, "the time for one attempt was up"));
                }
            };
            let Some(next) = redirect(&request, &response) else {
                return Ok(response);
            };
            if plan.outbound.check(&next).is_err() {
                return Err(Failure::new(FailureKind::Forbidden, false, "the vendor redirects to another host"));
            }
            if next.origin() != request.url.origin() {
                for name in CREDENTIALS {
                    request.headers.remove(name);
                }
            }
            request.url = next;
        }
        Err(Failure::new(FailureKind::Broken, false, "the vendor redirects in a circle"))
    }

    fn tell(&self, breaker: &Breaker, result: &Result<Response, Failure>) {
        match result {
            Ok(response) if response.status < 500 => breaker.succeeded(),
            Err(failure) if matches!(failure.kind, FailureKind::TooLarge | FailureKind::Forbidden) => {
                breaker.succeeded();
            }
            _ => breaker.failed(self.runtime.monotonic()),
        }
    }
}

/// What cannot be told of a request with a key: only a repetition under the same key can tell.
pub(crate) fn in_doubt(error: &Error) -> Error {
    let why = "the vendor may have acted; repeat the call with the same idempotency key";
    let doubt = Error::new(ErrorCode::OutcomeUnknown, format!("{}; {why}", error.message()));
    match error.vendor().cloned() {
        Some(vendor) => doubt.with_vendor(vendor),
        None => doubt,
    }
}

/// Where a GET is sent on to. A redirect of anything else is an answer like another: the vendor's error.
fn redirect(request: &Request, response: &Response) -> Option<Url> {
    if request.method != Method::Get || !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    request.url.join(response.headers.get("location")?).ok()
}

fn ended(failure: &Failure, repeat: Repeat) -> Error {
    if failure.sent && repeat != Repeat::Always {
        return Error::new(ErrorCode::OutcomeUnknown, failure.message.clone());
    }
    let code = match failure.kind {
        FailureKind::TooLarge => ErrorCode::TooLarge,
        FailureKind::Forbidden => ErrorCode::OutboundForbidden,
        FailureKind::Timeout => ErrorCode::Timeout,
        _ => ErrorCode::VendorUnavailable,
    };
    Error::new(code, failure.message.clone())
}

fn vendor_status(result: &Result<Response, Failure>) -> Option<crate::error::VendorError> {
    let response = result.as_ref().ok()?;
    Some(crate::error::VendorError { status: response.status, ..Default::default() })
}

fn unknown(result: &Result<Response, Failure>) -> Error {
    let why = match result {
        Ok(response) => format!("the vendor answered {} and does not say whether it acted", response.status),
        Err(failure) => format!("{}; the vendor may have acted", failure.message),
    };
    let error = Error::new(ErrorCode::OutcomeUnknown, why);
    match vendor_status(result) {
        Some(vendor) => error.with_vendor(vendor),
        None => error,
    }
}

fn exhausted(result: &Result<Response, Failure>, asked: Option<Duration>, throttled: bool, attempts: u32) -> Error {
    let (error, last) = match result {
        Ok(_) if throttled => (ErrorCode::RateLimited, "the vendor's limit is reached".to_owned()),
        Ok(response) => (ErrorCode::VendorUnavailable, format!("the vendor answered {}", response.status)),
        Err(failure) => (ErrorCode::VendorUnavailable, failure.message.clone()),
    };
    let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
    let error =
        Error::new(error, format!("{last} (tried {times})")).with_retry(asked.map_or(Retry::Exhausted, Retry::After));
    match vendor_status(result) {
        Some(vendor) => error.with_vendor(vendor),
        None => error,
    }
}
