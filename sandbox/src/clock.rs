//! The sandbox's time, which a test can stop and push forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use tokio::sync::watch;

/// Marks a clock that runs. No instant a test could freeze at has this value.
const RUNNING: i64 = i64::MIN;

/// The time by which look-alikes stamp and advance what they hold.
///
/// It follows the system's clock until [`freeze`](Self::freeze); [`advance`](Self::advance) moves it forward in either
/// state, so that "a message is delivered three steps later" needs no waiting.
#[derive(Debug)]
pub struct Clock {
    ahead: AtomicI64,
    frozen: AtomicI64,
    moved: watch::Sender<()>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { ahead: AtomicI64::new(0), frozen: AtomicI64::new(RUNNING), moved: watch::Sender::new(()) }
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        let base = match self.frozen.load(Ordering::Acquire) {
            RUNNING => system_millis(),
            at => at,
        };
        base + self.ahead.load(Ordering::Acquire)
    }

    /// Stops the clock where it stands.
    pub fn freeze(&self) {
        if self.frozen.load(Ordering::Acquire) == RUNNING {
            self.frozen.store(system_millis(), Ordering::Release);
            self.moved.send_replace(());
        }
    }

    /// Lets a frozen clock follow the system's clock again; the time it has been advanced by stays.
    pub fn resume(&self) {
        self.frozen.store(RUNNING, Ordering::Release);
        self.moved.send_replace(());
    }

    /// Moves the clock forward, running or frozen.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.ahead.fetch_add(millis, Ordering::AcqRel);
        self.moved.send_replace(());
    }

    /// Waits until the clock shows `at`, however it gets there.
    pub(crate) async fn sleep_until(&self, at: i64) {
        let mut moved = self.moved.subscribe();
        loop {
            let left = at - self.now();
            if left <= 0 {
                return;
            }
            let frozen = self.frozen.load(Ordering::Acquire) != RUNNING;
            let wait = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            tokio::select! {
                () = tokio::time::sleep(wait), if !frozen => {}
                changed = moved.changed() => if changed.is_err() { return },
            }
        }
    }
}

fn system_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 2)
}

/// A clock reading as a timestamp, for formatting.
pub(crate) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frozen_clock_moves_only_when_advanced() {
        let clock = Clock::new();
        clock.freeze();
        let before = clock.now();
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now(), before + 90_000);
        clock.sleep_until(before + 90_000).await;
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_advanced_past_it() {
        let clock = std::sync::Arc::new(Clock::new());
        clock.freeze();
        let at = clock.now() + 3_600_000;
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(3600));
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.unwrap().unwrap();
    }
}
