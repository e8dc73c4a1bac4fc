use std::time::Duration;

use parking_lot::Mutex;

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// One call, to see whether the vendor is back.
    HalfOpen,
    /// Nothing, for a while.
    Open,
}

/// Holds calls back from a vendor that fails, for one tenant.
///
/// Opens after [`Breaker::FAILURES`] failures in a row, for [`Breaker::REST`]; then one call tries, and its end closes
/// or opens it again. Answers of the 4xx kind are no failures: the vendor works.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    failures: u32,
    open_until: Option<Duration>,
    /// Until when the one call that tries is waited for; it may have been dropped.
    trying_until: Option<Duration>,
}

impl Breaker {
    /// Failures in a row that open it.
    pub const FAILURES: u32 = 10;
    /// How long it stays open.
    pub const REST: Duration = Duration::from_secs(10);

    /// Whether a call may go, at this moment of the monotonic clock; else how long to wait.
    pub fn admit(&self, now: Duration) -> Result<(), Duration> {
        let mut inner = self.0.lock();
        match inner.open_until {
            Some(until) if now < until => Err(until - now),
            Some(_) if inner.trying_until.is_some_and(|until| now < until) => Err(Duration::from_secs(1)),
            Some(_) => {
                inner.trying_until = Some(now + Self::REST);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The vendor answered.
    pub fn succeeded(&self) {
        *self.0.lock() = Inner::default();
    }

    /// The vendor did not answer, or with 5xx.
    pub fn failed(&self, now: Duration) {
        let mut inner = self.0.lock();
        inner.failures = inner.failures.saturating_add(1);
        inner.trying_until = None;
        if inner.failures >= Self::FAILURES {
            inner.open_until = Some(now + Self::REST);
        }
    }

    /// What it lets through.
    pub fn state(&self, now: Duration) -> BreakerState {
        match self.0.lock().open_until {
            Some(until) if now < until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
            None => BreakerState::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_rests_tries_and_closes() {
        let breaker = Breaker::default();
        let mut now = Duration::from_secs(1);
        for _ in 0..Breaker::FAILURES {
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.failed(now);
        }
        assert_eq!(breaker.state(now), BreakerState::Open);
        assert_eq!(breaker.admit(now), Err(Breaker::REST));
        now += Breaker::REST;
        assert_eq!(breaker.state(now), BreakerState::HalfOpen);
        assert_eq!(breaker.admit(now), Ok(()));
        assert!(breaker.admit(now).is_err(), "one at a time");
        breaker.failed(now);
        assert_eq!(breaker.state(now), BreakerState::Open);
        now += Breaker::REST;
        assert_eq!(breaker.admit(now), Ok(()));
        breaker.succeeded();
        assert_eq!(breaker.state(now), BreakerState::Closed);
    }
}
