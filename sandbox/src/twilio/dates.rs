//! Filters by time: `Name`, `Name>` and `Name<`, each a UTC day or a time.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::error::ApiError;
use crate::exchange::Pairs;

/// The times that a list request asks for, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateFilter {
    /// The first that counts.
    pub(super) from: Option<i64>,
    until: Option<i64>,
}

impl DateFilter {
    pub(super) fn of(query: &Pairs<'_>, name: &str) -> Result<Self, ApiError> {
        let read = |suffix: &str| {
            let field = format!("{name}{suffix}");
            let wrong = || ApiError::bad(20001, format!("{field} is not a date"));
            query.filled(&field).map(|text| parse_day_or_time(text).ok_or_else(wrong)).transpose()
        };
        let (on, after, before) = (read("")?, read(">")?, read("<")?);
        Ok(Self {
            from: on.or(after).map(|span| span.first),
            until: match (on, before) {
                (Some(span), _) => Some(span.last),
                // As an upper bound a day means its midnight, and a time means its second.
                (None, Some(span)) => Some(if span.is_day { span.first } else { span.last }),
                (None, None) => None,
            },
        })
    }

    pub(super) fn contains(&self, at: i64) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at <= until)
    }

    /// Whether every time will do.
    pub(super) fn is_open(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
}

/// The first and the last millisecond that a value covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: i64,
    last: i64,
    is_day: bool,
}

fn parse_day_or_time(text: &str) -> Option<Span> {
    if text.len() == 10 {
        let day: Date = text.parse().ok()?;
        let midnight = |day: Date| Some(day.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp().as_millisecond());
        let next = midnight(day.checked_add(1.day()).ok()?)?;
        return Some(Span { first: midnight(day)?, last: next - 1, is_day: true });
    }
    let second = text.parse::<Timestamp>().ok()?.as_second() * 1000;
    Some(Span { first: second, last: second + 999, is_day: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Option<(Option<i64>, Option<i64>)> {
        let filter = DateFilter::of(&Pairs::parse(query.as_bytes()), "D").ok()?;
        Some((filter.from, filter.until))
    }

    #[test]
    fn days_and_times_bound_as_the_vendor_says() {
        assert_eq!(filter(""), Some((None, None)));
        assert_eq!(filter("D=1970-01-02"), Some((Some(86_400_000), Some(172_799_999))));
        assert_eq!(filter("D%3E=1970-01-02"), Some((Some(86_400_000), None)));
        assert_eq!(filter("D%3C=1970-01-02"), Some((None, Some(86_400_000))));
        assert_eq!(filter("D%3E=1970-01-01T00:00:05Z"), Some((Some(5_000), None)));
        assert_eq!(filter("D%3C=1970-01-01T00:00:05Z"), Some((None, Some(5_999))));
        assert_eq!(filter("D=yesterday"), None);
        assert_eq!(filter("D=2026-13-01"), None);
    }
}
