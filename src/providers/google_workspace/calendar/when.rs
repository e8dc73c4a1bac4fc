//! When an event is, as the caller says it.

use jiff::civil;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{super::wire::check_moment, objects::EventTime};
use crate::{
    error::{Error, Result},
    model::Timestamp,
};

/// A moment, or a day of an event of whole days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct When {
    /// The day, `2026-09-01`. The end is the day after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The moment: with an offset, `2026-09-01T08:00:00+02:00`, or without one and with `timeZone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_time: Option<String>,
    /// The time zone by its IANA name, `Europe/Berlin`. An event that recurs needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

impl When {
    /// A day.
    pub fn day(date: impl Into<String>) -> Self {
        Self { date: Some(date.into()), ..Self::default() }
    }

    /// A moment.
    pub fn at(date_time: impl Into<String>) -> Self {
        Self { date_time: Some(date_time.into()), ..Self::default() }
    }

    /// The same, in a time zone.
    pub fn zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = Some(name.into());
        self
    }

    /// Whether a time of Google's is this one. What cannot be told counts as the same.
    pub(super) fn is(&self, there: &EventTime) -> bool {
        let moment = |text: &Option<String>| text.as_deref().and_then(|text| check_moment("dateTime", text).ok());
        match self.read() {
            Ok(Read::Day(_)) => there.date == self.date,
            Ok(Read::Moment(wanted)) => moment(&there.date_time).map(Timestamp::as_micros) == Some(wanted),
            Ok(Read::Local(local, zone)) => match (local.in_tz(&zone), moment(&there.date_time)) {
                (Ok(wanted), Some(there)) => wanted.timestamp().as_microsecond() == there.as_micros(),
                // A zone that this machine does not know.
                (Err(_), there) => there.is_some(),
                (Ok(_), None) => false,
            },
            Err(_) => true,
        }
    }

    fn read(&self) -> Result<Read> {
        if let Some(zone) = &self.time_zone {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "/_+-".contains(letter);
            if zone.is_empty() || !zone.chars().all(plain) {
                return Err(Error::invalid("timeZone", "must be an IANA name, such as Europe/Berlin"));
            }
        }
        match (&self.date, &self.date_time) {
            (Some(_), Some(_)) => Err(Error::invalid("date", "cannot stand beside dateTime")),
            (None, None) => Err(Error::invalid("dateTime", "is required, or date for an event of whole days")),
            (Some(date), None) => {
                let day = date.parse().map_err(|_| Error::invalid("date", "must be a day, such as 2026-09-01"))?;
                Ok(Read::Day(day))
            }
            (None, Some(moment)) => match (check_moment("dateTime", moment), &self.time_zone) {
                (Ok(moment), _) => Ok(Read::Moment(moment.as_micros())),
                (Err(_), Some(zone)) => {
                    let local = moment.parse().map_err(|_| {
                        Error::invalid("dateTime", "must be a moment, such as 2026-09-01T08:00:00+02:00")
                    })?;
                    Ok(Read::Local(local, zone.clone()))
                }
                (Err(error), None) => Err(error),
            },
        }
    }
}

/// What was said, read.
enum Read {
    Day(civil::Date),
    Moment(i64),
    Local(civil::DateTime, String),
}

/// Refuses times that are none, and an end before the start. What is in two time zones only Google can compare.
pub(super) fn check(start: Option<&When>, end: Option<&When>, recurs: bool) -> Result<()> {
    let read = |field: &str, when: Option<&When>| when.map(When::read).transpose().map_err(|error| error.within(field));
    let (from, to) = (read("start", start)?, read("end", end)?);
    if recurs && start.is_some_and(|start| start.date.is_none() && start.time_zone.is_none()) {
        let why = "is required of an event that recurs: its hour is that of a place";
        return Err(Error::invalid("start.timeZone", why));
    }
    let early = |field: &str, why: &str| Err(Error::invalid(field, why));
    match (from, to) {
        (Some(Read::Day(from)), Some(Read::Day(to))) if to <= from => {
            early("end.date", "must be after start.date: it is the day after the last one")
        }
        (Some(Read::Moment(from)), Some(Read::Moment(to))) if to < from => {
            early("end.dateTime", "must not be before start.dateTime")
        }
        (Some(Read::Local(from, zone)), Some(Read::Local(to, other))) if zone == other && to < from => {
            early("end.dateTime", "must not be before start.dateTime")
        }
        (Some(Read::Day(_)), Some(Read::Moment(_) | Read::Local(..))) => {
            early("end.date", "is required: the event begins with a day, and ends with one")
        }
        (Some(Read::Moment(_) | Read::Local(..)), Some(Read::Day(_))) => {
            early("end.dateTime", "is required: the event begins at a moment, and ends at one")
        }
        _ => Ok(()),
    }
}

/// Refuses a span of which the end is not after the beginning.
pub(super) fn check_span(from: Option<&str>, to: Option<&str>) -> Result<()> {
    let read = |field, text: Option<&str>| text.map(|text| check_moment(field, text)).transpose();
    match (read("timeMin", from)?, read("timeMax", to)?) {
        (Some(from), Some(to)) if to <= from => Err(Error::invalid("timeMax", "must be after timeMin")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_googles_is_known_again() {
        let day = |date: &str| EventTime { date: Some(date.to_owned()), ..EventTime::default() };
        let at = |moment: &str| EventTime { date_time: Some(moment.to_owned()), ..EventTime::default() };
        let evening = at("2026-09-01T20:00:00+02:00");
        for (wanted, there, same) in [
            (When::day("2026-09-01"), day("2026-09-01"), true),
            (When::day("2026-09-01"), day("2026-09-02"), false),
            (When::day("2026-09-01"), evening.clone(), false),
            (When::at("2026-09-01T18:00:00Z"), evening.clone(), true),
            (When::at("2026-09-01T18:00:01Z"), evening.clone(), false),
            (When::at("2026-09-01T18:00:00Z"), day("2026-09-01"), false),
            (When::at("2026-09-01T20:00:00").zone("Europe/Berlin"), evening.clone(), true),
            (When::at("2026-09-01T20:00:00").zone("Europe/London"), evening.clone(), false),
            (When::at("2026-09-01T20:00:00").zone("Nowhere/Town"), evening, true),
        ] {
            assert_eq!(wanted.is(&there), same, "{wanted:?} {there:?}");
        }
    }

    #[test]
    fn times_that_cannot_be_are_refused_by_name() {
        let at = When::at;
        let berlin = |text: &str| When::at(text).zone("Europe/Berlin");
        for (start, end, recurs, field) in [
            (at("2026-09-01T10:00:00Z"), at("2026-09-01T09:00:00Z"), false, Some("end.dateTime")),
            (at("2026-09-01T10:00:00+02:00"), at("2026-09-01T07:59:59Z"), false, Some("end.dateTime")),
            (at("2026-09-01T10:00:00+02:00"), at("2026-09-01T08:00:00Z"), false, None),
            (berlin("2026-09-01T10:00:00"), berlin("2026-09-01T09:00:00"), false, Some("end.dateTime")),
            (berlin("2026-09-01T10:00:00"), berlin("2026-09-01T11:00:00"), true, None),
            (When::day("2026-09-01"), When::day("2026-09-01"), false, Some("end.date")),
            (When::day("2026-09-01"), When::day("2026-09-02"), true, None),
            (When::day("2026-09-01"), at("2026-09-02T00:00:00Z"), false, Some("end.date")),
            (at("2026-09-02T00:00:00Z"), When::day("2026-09-03"), false, Some("end.dateTime")),
            (at("2026-09-01T10:00:00"), at("2026-09-01T11:00:00Z"), false, Some("start.dateTime")),
            (at("tomorrow"), at("2026-09-01T11:00:00Z"), false, Some("start.dateTime")),
            (When::day("2026-02-30"), When::day("2026-03-01"), false, Some("start.date")),
            (When::default(), at("2026-09-01T11:00:00Z"), false, Some("start.dateTime")),
            (at("2026-09-01T10:00:00Z"), at("2026-09-01T11:00:00Z"), true, Some("start.timeZone")),
            (at("2026-09-01T10:00:00Z").zone("a b"), at("2026-09-01T11:00:00Z"), false, Some("start.timeZone")),
        ] {
            let result = check(Some(&start), Some(&end), recurs);
            assert_eq!(result.as_ref().err().and_then(Error::field), field, "{start:?} {end:?}");
        }
        assert_eq!(
            check_span(Some("2026-09-02T00:00:00Z"), Some("2026-09-01T00:00:00Z")).unwrap_err().field(),
            Some("timeMax")
        );
        assert!(check_span(Some("2026-09-02T00:00:00Z"), None).is_ok());
    }
}
