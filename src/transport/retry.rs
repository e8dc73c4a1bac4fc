use std::time::Duration;

use parking_lot::Mutex;

use super::{Failure, Headers, Response};
use crate::model::{Timestamp, random_bytes};

/// What may be sent again when it is not known whether it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Repeat {
    /// Sending twice is the same as sending once.
    Always,
    /// The request carries the vendor's own idempotency key.
    WithKey,
    /// Sending twice may do it twice.
    Never,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// An answer.
    Answer(&'a Response),
    /// No answer.
    Failure(&'a Failure),
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It is an answer: take it, good or bad.
    Take,
    /// Nothing happened there, or it does not matter: send again, after this long if the vendor said so.
    Again(Option<Duration>),
    /// A limit of the vendor's is reached, and nothing happened there: the same, as often as the deadline allows.
    Later(Option<Duration>),
    /// It may have happened: look, do not repeat.
    Unknown,
}

/// What most vendors mean by their answers.
///
/// A 429 was refused before anything was done, so it may always be repeated. A failure after bytes have left, 408, 425
/// and 5xx are ambiguous: they are repeated only where `repeat` makes that safe.
pub fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
    let ambiguous = |wait| match repeat {
        Repeat::Always | Repeat::WithKey => Decision::Again(wait),
        Repeat::Never => Decision::Unknown,
    };
    match seen {
        Seen::Answer(answer) => {
            let asked = || retry_after(&answer.headers, now);
            match answer.status {
                429 => Decision::Later(asked()),
                408 | 425 | 500..=599 => ambiguous(asked()),
                _ => Decision::Take,
            }
        }
        Seen::Failure(failure) if !failure.sent => Decision::Again(None),
        Seen::Failure(_) => ambiguous(None),
    }
}

/// Whether a refusal with this status says nothing of the request itself, and so nothing of what an earlier attempt did.
pub(crate) fn turned_away(status: u16) -> bool {
    matches!(status, 401 | 403 | 408 | 425 | 429)
}

/// The wait that `Retry-After` asks for: seconds or a date (RFC 9110, 10.2.3). At most a day; nonsense is `None`.
pub fn retry_after(headers: &Headers, now: Timestamp) -> Option<Duration> {
    const MOST: Duration = Duration::from_secs(86_400);
    let value = headers.get("retry-after")?.trim();
    let wait = match value.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Duration::from_secs_f64(seconds.min(86_400.0)),
        Ok(_) => return None,
        Err(_) => {
            let moment = jiff::fmt::rfc2822::parse(value).ok()?.timestamp().as_microsecond();
            Timestamp::from_micros(moment).since(now)
        }
    };
    Some(wait.min(MOST))
}

/// How long to wait before the next attempt: exponential, with full jitter
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The ceiling of the first wait.
    pub first: Duration,
    /// The ceiling of every wait.
    pub most: Duration,
    /// How many attempts in all. Refusals for a limit do not count: they are bounded by the deadline alone.
    pub attempts: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(200), most: Duration::from_secs(10), attempts: 4 }
    }
}

impl Backoff {
    /// The wait after so many attempts, never under what the vendor asked for.
    pub fn wait(&self, attempts: u32, asked: Option<Duration>) -> Duration {
        let ceiling = self.first.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(self.most);
        let fraction = f64::from(u32::from_le_bytes(random_bytes())) / f64::from(u32::MAX);
        match asked {
            // Everybody was told the same moment; a little of the jitter keeps them from coming all at once.
            Some(asked) => asked + ceiling.mul_f64(fraction / 4.0),
            None => ceiling.mul_f64(fraction),
        }
    }
}

/// Keeps repeats to a fifth of the calls, so that a vendor in trouble is not buried under them.
#[derive(Debug)]
pub struct RetryBudget(Mutex<f64>);

impl RetryBudget {
    const RESERVE: f64 = 20.0;
    const SHARE: f64 = 0.2;

    /// One more call was made.
    pub fn earn(&self) {
        let mut tokens = self.0.lock();
        *tokens = (*tokens + Self::SHARE).min(Self::RESERVE);
    }

    /// Whether one more repeat is within the budget; takes it if so.
    pub fn spend(&self) -> bool {
        let mut tokens = self.0.lock();
        let enough = *tokens >= 1.0;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Mutex::new(Self::RESERVE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::FailureKind;

    fn headers(value: &str) -> Headers {
        let mut headers = Headers::default();
        headers.set("Retry-After", value);
        headers
    }

    #[test]
    fn the_table_of_decisions() {
        use Decision::*;
        let of = |status| Response { status, headers: Headers::default(), body: Default::default() };
        let [ok, bad, who, many, broken, away] = [200, 400, 401, 429, 500, 503].map(of);
        let now = Timestamp::default();
        let lost = Failure::new(FailureKind::Broken, true, "");
        let refused = Failure::new(FailureKind::Connect, false, "");
        for (seen, never, always) in [
            (Seen::Answer(&ok), Take, Take),
            (Seen::Answer(&bad), Take, Take),
            (Seen::Answer(&who), Take, Take),
            (Seen::Answer(&many), Later(None), Later(None)),
            (Seen::Answer(&broken), Unknown, Again(None)),
            (Seen::Answer(&away), Unknown, Again(None)),
            (Seen::Failure(&lost), Unknown, Again(None)),
            (Seen::Failure(&refused), Again(None), Again(None)),
        ] {
            assert_eq!(decide(seen, Repeat::Never, now), never, "{seen:?}");
            assert_eq!(decide(seen, Repeat::Always, now), always, "{seen:?}");
            assert_eq!(decide(seen, Repeat::WithKey, now), always, "{seen:?}");
        }
    }

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let now: Timestamp = "2026-11-24T19:00:00Z".parse().unwrap();
        assert_eq!(retry_after(&headers("3"), now), Some(Duration::from_secs(3)));
        assert_eq!(retry_after(&headers("Tue, 24 Nov 2026 19:00:05 GMT"), now), Some(Duration::from_secs(5)));
        assert_eq!(retry_after(&headers("Tue, 24 Nov 2026 18:00:05 GMT"), now), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers("99999999999"), now), Some(Duration::from_secs(86_400)));
        for nonsense in ["-1", "NaN", "inf", "soon", ""] {
            assert_eq!(retry_after(&headers(nonsense), now), None, "{nonsense}");
        }
    }

    #[test]
    fn waits_grow_and_honour_the_vendor() {
        let backoff = Backoff::default();
        for attempts in 1..40 {
            assert!(backoff.wait(attempts, None) <= backoff.most);
            let asked = Duration::from_secs(3);
            assert!(backoff.wait(attempts, Some(asked)) >= asked);
        }
    }

    #[test]
    fn the_budget_runs_dry_and_fills_with_calls() {
        let budget = RetryBudget::default();
        assert!((0..20).all(|_| budget.spend()));
        assert!(!budget.spend());
        (0..6).for_each(|_| budget.earn());
        assert!(budget.spend());
        assert!(!budget.spend());
    }

    proptest::proptest! {
        #[test]
        fn retry_after_never_panics(value in "\\PC{0,40}") {
            let _ = retry_after(&headers(&value), Timestamp::from_micros(0));
        }
    }
}
