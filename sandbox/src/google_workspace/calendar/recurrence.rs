//! Recurring events: `RRULE` with `FREQ`, `INTERVAL`, `COUNT`, `UNTIL` and `BYDAY`, and `EXDATE`.

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use serde_json::Value;

use super::time::Point;
use crate::google_workspace::call::Result;
use crate::google_workspace::error::ApiError;

/// No expansion goes further than so many instances.
const MOST: usize = 2000;

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A rule, and what it leaves out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recurrence {
    frequency: Frequency,
    interval: i64,
    count: Option<usize>,
    /// The last day or moment, in the writing of a suffix.
    until: Option<String>,
    days: Vec<Weekday>,
    /// Suffixes of the instances that are left out.
    without: Vec<String>,
}

fn invalid() -> ApiError {
    ApiError::invalid("Invalid recurrence rule.")
}

impl Recurrence {
    /// Reads the lines of an event's `recurrence`; none if there are none.
    pub(super) fn read(lines: Option<&Value>) -> Result<Option<Self>> {
        let lines = lines.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let (mut rule, mut without) = (None, Vec::new());
        for line in lines {
            let line = line.as_str().ok_or_else(invalid)?;
            let (name, value) = line.split_once(':').ok_or_else(invalid)?;
            match name.split(';').next() {
                Some("RRULE") if rule.is_none() => rule = Some(Self::rule(value)?),
                Some("EXDATE") => without.extend(value.split(',').map(str::to_owned)),
                _ => return Err(invalid()),
            }
        }
        match (rule, lines) {
            (Some(rule), _) => Ok(Some(Self { without, ..rule })),
            (None, []) => Ok(None),
            (None, _) => Err(invalid()),
        }
    }

    fn rule(value: &str) -> Result<Self> {
        let (mut frequency, mut days) = (None, Vec::new());
        let (mut interval, mut count, mut until) = (1, None, None);
        for part in value.split(';') {
            let (name, value) = part.split_once('=').ok_or_else(invalid)?;
            let number = || value.parse::<u16>().ok().filter(|number| *number > 0).ok_or_else(invalid);
            match name {
                "FREQ" => {
                    frequency = Some(match value {
                        "DAILY" => Frequency::Daily,
                        "WEEKLY" => Frequency::Weekly,
                        "MONTHLY" => Frequency::Monthly,
                        "YEARLY" => Frequency::Yearly,
                        _ => return Err(invalid()),
                    });
                }
                "INTERVAL" => interval = i64::from(number()?),
                "COUNT" => count = Some(usize::from(number()?)),
                "UNTIL" => until = Some(value.to_owned()),
                "WKST" if value == "MO" || value == "SU" => {}
                "BYDAY" => {
                    let day = |day| DAYS.iter().find(|(name, _)| *name == day).map(|(_, day)| *day);
                    days = value.split(',').map(|one| day(one).ok_or_else(invalid)).collect::<Result<_>>()?;
                }
                _ => return Err(invalid()),
            }
        }
        let frequency = frequency.ok_or_else(invalid)?;
        let weekly_only = !days.is_empty() && !matches!(frequency, Frequency::Weekly | Frequency::Daily);
        let bad_until = until.as_ref().is_some_and(|until: &String| !until.starts_with(|c: char| c.is_ascii_digit()));
        if (count.is_some() && until.is_some()) || weekly_only || bad_until {
            return Err(invalid());
        }
        days.sort_by_key(|day| day.to_monday_zero_offset());
        Ok(Self { frequency, interval, count, until, days, without: Vec::new() })
    }

    /// The starts of all instances that begin before `before`, in milliseconds.
    pub(super) fn starts(&self, first: &Point, zone: &TimeZone, before: i64) -> Vec<Point> {
        let mut starts = Vec::new();
        for (number, civil) in self.civil(first.civil()).take(MOST).enumerate() {
            let Some(start) = first.moved(civil) else { break };
            let suffix = start.suffix();
            let past_end = self.until.as_ref().is_some_and(|until| is_past(&suffix, until));
            if self.count.is_some_and(|count| number >= count) || past_end || start.millis(zone) >= before {
                break;
            }
            if !self.without.iter().any(|left_out| *left_out == suffix || is_civil(left_out, civil)) {
                starts.push(start);
            }
        }
        starts
    }

    /// The readings of the clock that the rule comes to, the first one included.
    fn civil(&self, first: DateTime) -> Box<dyn Iterator<Item = DateTime> + '_> {
        let interval = self.interval;
        let step = move |number: i64, span: fn(i64) -> Span| first.checked_add(span(number * interval)).ok();
        match self.frequency {
            Frequency::Daily => {
                let all = (0..).map_while(move |number| step(number, |count| count.days()));
                Box::new(all.filter(|at| self.days.is_empty() || self.days.contains(&at.weekday())))
            }
            Frequency::Weekly if !self.days.is_empty() => {
                let back = i64::from(first.weekday().to_monday_zero_offset());
                let weeks =
                    (0..).map_while(move |week: i64| first.checked_add((week * interval * 7 - back).days()).ok());
                let in_week = move |monday: DateTime| {
                    let on = |day: &Weekday| monday.checked_add(i64::from(day.to_monday_zero_offset()).days()).ok();
                    self.days.iter().filter_map(on).collect::<Vec<_>>()
                };
                Box::new(weeks.flat_map(in_week).filter(move |at| *at >= first))
            }
            Frequency::Weekly => Box::new((0..).map_while(move |number| step(number, |count| count.weeks()))),
            // A month or year without that day is left out.
            Frequency::Monthly => {
                let all = (0..).map_while(move |number| step(number, |count| count.months()));
                Box::new(all.filter(move |at| at.day() == first.day()))
            }
            Frequency::Yearly => {
                let all = (0..).map_while(move |number| step(number, |count| count.years()));
                Box::new(all.filter(move |at| at.day() == first.day()))
            }
        }
    }
}

/// Whether a start lies behind the last day or moment; a day includes all of its moments.
fn is_past(suffix: &str, until: &str) -> bool {
    let length = suffix.len().min(until.len());
    suffix.get(..length) > until.get(..length)
}

/// Whether an `EXDATE` without a zone reads as this clock.
fn is_civil(text: &str, civil: DateTime) -> bool {
    text == civil.strftime("%Y%m%dT%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::{Point, Recurrence};

    fn starts(first: &str, lines: &[&str]) -> Vec<String> {
        let zone = TimeZone::get("Europe/Oslo").unwrap();
        let first = json!({ "dateTime": first, "timeZone": "Europe/Oslo" });
        let first = Point::read(Some(&first), "start", &zone).unwrap();
        let rule = Recurrence::read(Some(&json!(lines))).unwrap().unwrap();
        rule.starts(&first, &zone, i64::MAX).iter().map(Point::suffix).collect()
    }

    #[test]
    fn days_are_counted_by_the_clock_on_the_wall() {
        // Winter time starts on 25 October 2026: the hour in UTC changes.
        let all = starts("2026-10-24T09:00:00", &["RRULE:FREQ=DAILY;COUNT=3"]);
        assert_eq!(all, ["20261024T070000Z", "20261025T080000Z", "20261026T080000Z"]);
    }

    #[test]
    fn weeks_know_their_days_and_their_end() {
        let rule = "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,MO;UNTIL=20261216T235959Z";
        let all = starts("2026-12-02T09:00:00", &[rule]);
        assert_eq!(all, ["20261202T080000Z", "20261214T080000Z", "20261216T080000Z"]);
        let without = starts("2026-12-02T09:00:00", &["RRULE:FREQ=WEEKLY;COUNT=2", "EXDATE:20261209T080000Z"]);
        assert_eq!(without, ["20261202T080000Z"]);
    }

    #[test]
    fn a_month_without_the_day_is_left_out() {
        let all = starts("2026-01-31T09:00:00", &["RRULE:FREQ=MONTHLY;UNTIL=20260601"]);
        assert_eq!(all, ["20260131T080000Z", "20260331T070000Z", "20260531T070000Z"]);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for wrong in [
            "FREQ=DAILY",
            "RRULE:FREQ=HOURLY",
            "RRULE:COUNT=1",
            "RRULE:FREQ=DAILY;COUNT=0",
            "RRULE:FREQ=WEEKLY;BYDAY=XX",
        ] {
            assert!(Recurrence::read(Some(&json!([wrong]))).is_err(), "{wrong}");
        }
        assert_eq!(Recurrence::read(Some(&json!([]))).unwrap(), None);
    }
}
