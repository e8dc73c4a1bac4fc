use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::Timestamp;
use crate::error::{Error, Result};

/// Fills an array from the operating system's random number generator.
///
/// # Panics
/// Where the operating system has no randomness to give; nothing here can be done safely then.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random number generator failed");
    bytes
}

/// One school or district: the fence around data, keys, limits and audit.
///
/// 1 to 128 characters: ASCII letters, digits, `.`, `_` and `-`, beginning with a letter or digit.
///
/// ```
/// use sis_integrations::TenantId;
///
/// assert!("tenant-123".parse::<TenantId>().is_ok());
/// assert!("../etc".parse::<TenantId>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The longest id, in characters.
    pub const MAX_LENGTH: usize = 128;

    /// The tenant that the library's own records stand under. No host can name it: it begins with `_`.
    pub(crate) fn platform() -> Self {
        Self("_platform".into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| Err(Error::invalid("tenant", format!("a tenant id {why}")));
        if text.is_empty() {
            return wrong("must not be empty");
        }
        if text.len() > Self::MAX_LENGTH {
            return wrong(&format!("has at most {} characters, this one has {}", Self::MAX_LENGTH, text.len()));
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return wrong("begins with an ASCII letter or digit");
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
            return wrong("holds only ASCII letters, digits, '.', '_' and '-'");
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<&str> for TenantId {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|e: Error| serde::de::Error::custom(e.message()))
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

/// The id of one call, a UUID version 7 (RFC 9562): it ties audit, usage, disclosure and log lines together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(uuid::Uuid);

impl RequestId {
    /// A new id for a call that begins at `now`. Ids of one process sort in the order in which they were made, also within
    /// a millisecond: microseconds stand before the random part, and of two in one the later counts on (RFC 9562, 6.2,
    /// methods 3 and 1).
    pub fn new(now: Timestamp) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        let wanted = ((micros / 1000) << 12) | ((micros % 1000) * 4096 / 1000);
        // More than a second ahead it is another clock that was set back, and not a burst of calls.
        let next = |last: u64| if last >= wanted && last - wanted < 1000 << 12 { last + 1 } else { wanted };
        let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        let placed = next(last.unwrap_or_else(|last| last));
        let mut random: [u8; 10] = random_bytes();
        (random[0], random[1]) = (((placed >> 8) & 0x0f) as u8, placed as u8);
        Self(uuid::Builder::from_unix_timestamp_millis(placed >> 12, &random).into_uuid())
    }

    /// Where ids of calls begin that began at `at` or later, give or take an hour: no call lasts longer, and no clock is set
    /// back further unless it was wrong before. Rows whose ids begin with a call's are found in a period by it, with
    /// no index but that of the ids; what lies beyond the period is then left out by the row's own time.
    pub(crate) fn text_from(at: Timestamp) -> String {
        Self::edge(at, -3_600_000)
    }

    /// Where ids of calls end that began at `at` or earlier, give or take an hour.
    pub(crate) fn text_until(at: Timestamp) -> String {
        Self::edge(at, 3_600_000)
    }

    fn edge(at: Timestamp, slack: i64) -> String {
        let millis = (at.as_micros() / 1000).saturating_add(slack).clamp(0, 0xffff_ffff_ffff);
        let digits = format!("{millis:012x}");
        format!("{}-{}", &digits[..8], &digits[8..])
    }

    /// The id with all bits zero.
    pub const fn nil() -> Self {
        Self(uuid::Uuid::nil())
    }
}

impl FromStr for RequestId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|_| Error::invalid("requestId", "must be a UUID"))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_id_is_plain_and_short() {
        for good in ["a", "tenant-123", "7", "north.high_school-2", &"x".repeat(128)] {
            assert_eq!(good.parse::<TenantId>().unwrap().as_str(), good);
        }
        for bad in
            ["", "_platform", "-a", ".", "a b", "a|b", "é", "a\0", "a/b", "a\n", &"x".repeat(129), &"x".repeat(10_240)]
        {
            let error = bad.parse::<TenantId>().unwrap_err();
            assert_eq!(error.field(), Some("tenant"), "{bad:?}");
            assert!(error.message().len() < 100, "the id is not repeated: {error}");
        }
    }

    #[test]
    fn request_ids_sort_by_time() {
        let early = RequestId::new(Timestamp::from_micros(1_000_000));
        let late = RequestId::new(Timestamp::from_micros(2_000_000));
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
        let made: Vec<_> = (0..5000).map(|_| RequestId::new(Timestamp::from_micros(3_000_500))).collect();
        let of_one_moment = made.windows(2).filter(|pair| pair[0] < pair[1]).count();
        // Tests of other clocks run beside this one, and may come between.
        assert!(of_one_moment > 4900, "{of_one_moment}");
        let now = Timestamp::from_micros(1_764_000_000_123_456);
        let id = RequestId::new(now).to_string();
        assert!(RequestId::text_from(now) < id && id < RequestId::text_until(now));
        assert!(RequestId::text_from(Timestamp::from_micros(now.as_micros() + 3_600_001_000)) > id);
        assert!(RequestId::text_until(Timestamp::from_micros(now.as_micros() - 3_600_001_000)) < id);
    }
}
