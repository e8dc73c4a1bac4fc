use std::{collections::HashMap, hash::Hash, time::Duration};

use parking_lot::Mutex;

/// Not now: try again after this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled(pub Duration);

/// The generic cell rate algorithm (ITU-T I.371, A): so many a second in the long run, so many at once.
///
/// One number a key, the moment at which its bucket will be empty again; keys whose moment has passed are forgotten.
#[derive(Debug)]
pub struct Limiter<K>(Mutex<HashMap<K, Duration>>);

/// How many keys are kept before those that say nothing any more are swept out.
const SWEEP: usize = 10_000;

impl<K: Hash + Eq> Default for Limiter<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Hash + Eq> Limiter<K> {
    /// Lets one through, at `now` of the monotonic clock, or says when.
    pub fn admit(&self, key: K, per_second: f64, burst: u32, now: Duration) -> Result<(), Throttled> {
        if per_second <= 0.0 {
            return Ok(());
        }
        let interval = Duration::from_secs_f64(1.0 / per_second);
        let tolerance = interval.saturating_mul(burst.saturating_sub(1));
        let mut cells = self.0.lock();
        if cells.len() >= SWEEP {
            cells.retain(|_, empty_at| *empty_at > now);
        }
        let empty_at = cells.entry(key).or_insert(now);
        let from = (*empty_at).max(now);
        if from > now + tolerance {
            return Err(Throttled(from - now - tolerance));
        }
        *empty_at = from + interval;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_steady_stream() {
        let limiter = Limiter::default();
        let mut now = Duration::from_secs(100);
        for _ in 0..5 {
            assert_eq!(limiter.admit("a", 2.0, 5, now), Ok(()));
        }
        assert_eq!(limiter.admit("a", 2.0, 5, now), Err(Throttled(Duration::from_millis(500))));
        assert_eq!(limiter.admit("b", 2.0, 5, now), Ok(()), "another key has its own");
        now += Duration::from_millis(500);
        assert_eq!(limiter.admit("a", 2.0, 5, now), Ok(()));
        assert!(limiter.admit("a", 2.0, 5, now).is_err());
        now += Duration::from_secs(60);
        for _ in 0..5 {
            assert_eq!(limiter.admit("a", 2.0, 5, now), Ok(()));
        }
        assert!(limiter.admit("a", 2.0, 5, now).is_err(), "rest does not add up beyond the burst");
    }

    #[test]
    fn keys_that_say_nothing_are_forgotten() {
        let limiter = Limiter::default();
        for key in 0..SWEEP {
            limiter.admit(key, 10.0, 1, Duration::from_secs(1)).unwrap();
        }
        limiter.admit(SWEEP, 10.0, 1, Duration::from_secs(10)).unwrap();
        assert_eq!(limiter.0.lock().len(), 1);
    }
}
