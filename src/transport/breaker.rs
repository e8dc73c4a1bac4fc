use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use url::Url;

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

/// A breaker for each host that a tenant's calls to a provider go to: one that is down does not close the way to another.
#[derive(Debug, Default)]
pub struct Breakers(Mutex<HashMap<String, Arc<Breaker>>>);

/// Vendors hand out addresses of many hosts, such as those for uploads.
const HOSTS: usize = 100;

impl Breakers {
    /// The breaker of the host that `url` names.
    pub fn of(&self, url: &Url) -> Arc<Breaker> {
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let mut hosts = self.0.lock();
        if let Some(known) = hosts.get(host) {
            return known.clone();
        }
        if hosts.len() >= HOSTS {
            hosts.retain(|_, breaker| breaker.0.lock().failures > 0);
        }
        hosts.entry(host.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_its_own() {
        let breakers = Breakers::default();
        let of = |url: &str| breakers.of(&url.parse().unwrap());
        for _ in 0..Breaker::FAILURES {
            of("https://api.weather.gov/alerts").failed(Duration::ZERO);
        }
        assert_eq!(of("https://api.weather.gov/points").state(Duration::ZERO), BreakerState::Open);
        assert_eq!(of("https://api.open-meteo.com/v1").state(Duration::ZERO), BreakerState::Closed);
        assert_eq!(of("http://127.0.0.1:1/").state(Duration::ZERO), BreakerState::Closed);
        for number in 0..=HOSTS {
            of(&format!("https://{number}.example/"));
        }
        assert!(breakers.0.lock().len() <= HOSTS, "what says nothing is forgotten");
        assert_eq!(of("https://api.weather.gov/").state(Duration::ZERO), BreakerState::Open);
    }

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
