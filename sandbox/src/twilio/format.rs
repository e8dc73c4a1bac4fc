//! Twilio's ways of writing identifiers, times and money.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::timestamp;
use crate::faults::mix;

/// Makes the 32 hexadecimal digits of a SID: never twice in one sandbox, and not likely twice in two.
#[derive(Debug)]
pub(super) struct Sids {
    seed: u64,
    next: AtomicU64,
}

impl Sids {
    pub(super) fn new() -> Self {
        Self { seed: RandomState::new().build_hasher().finish(), next: AtomicU64::new(0) }
    }

    pub(super) fn next(&self) -> u128 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // `mix` is a bijection, so the low half alone already differs for every number.
        (u128::from(mix(number.wrapping_mul(3) ^ self.seed)) << 64)
            | u128::from(mix(number ^ self.seed.rotate_left(17)))
    }

    pub(super) fn sid(&self, prefix: &str) -> String {
        sid(prefix, self.next())
    }
}

/// Two letters and 32 hexadecimal digits.
pub(super) fn sid(prefix: &str, id: u128) -> String {
    format!("{prefix}{id:032x}")
}

/// The digits of a SID with this prefix; none if it is not one.
pub(super) fn parse_sid(prefix: &str, text: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?;
    let plain = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
}

/// RFC 2822 in UTC, as the 2010 API writes times.
pub(super) fn rfc2822(millis: i64) -> String {
    timestamp(millis).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// RFC 3339 in UTC to the second, as the newer APIs write times.
pub(super) fn rfc3339(millis: i64) -> String {
    timestamp(millis).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The UTC date.
pub(super) fn date(millis: i64) -> String {
    timestamp(millis).strftime("%Y-%m-%d").to_string()
}

/// What was charged, as Twilio writes it: negative, five digits.
pub(super) fn charge(micros: i64) -> String {
    format!("-{}.{:05}", micros / 1_000_000, micros % 1_000_000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_vendor_does() {
        assert_eq!(rfc2822(1_564_000_000_123), "Wed, 24 Jul 2019 20:26:40 +0000");
        assert_eq!(rfc3339(1_564_000_000_123), "2019-07-24T20:26:40Z");
        assert_eq!(charge(8_300), "-0.00830");
        assert_eq!(charge(1_022_000), "-1.02200");
    }

    #[test]
    fn sids_differ_and_parse_back() {
        let sids = Sids::new();
        let made: std::collections::HashSet<_> = (0..10_000).map(|_| sids.next()).collect();
        assert_eq!(made.len(), 10_000);
        assert_eq!(parse_sid("SM", &sid("SM", 7)), Some(7));
        assert_eq!(parse_sid("SM", "SM7"), None);
        assert_eq!(parse_sid("MM", &sid("SM", 7)), None);
    }
}
