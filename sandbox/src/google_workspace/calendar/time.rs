//! When an event starts and ends: a day, or a moment with the time zone it is thought in.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use serde_json::{Value, json};

use crate::google_workspace::call::Result;
use crate::google_workspace::error::ApiError;

/// A start or an end.
#[derive(Debug, Clone)]
pub(super) enum Point {
    Day(Date),
    Moment {
        at: ZonedDateTime,
        /// Whether the zone was named, and not only an offset.
        named: bool,
    },
}

/// A time zone of this name.
pub(super) fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| ApiError::invalid(format!("Invalid time zone definition: {name}.")))
}

impl Point {
    /// Reads a `start` or `end`; `calendar` is the zone that counts where none is named.
    pub(super) fn read(value: Option<&Value>, which: &str, calendar: &TimeZone) -> Result<Self> {
        let missing = || ApiError::new(hyper::StatusCode::BAD_REQUEST, "required", format!("Missing {which} time."));
        let value = value.filter(|value| value.is_object()).ok_or_else(missing)?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let named = text("timeZone").map(zone).transpose()?;
        match (text("date"), text("dateTime")) {
            (Some(_), Some(_)) => Err(ApiError::invalid(format!("Invalid {which} time: both date and dateTime."))),
            (Some(date), None) => date.parse().map(Self::Day).map_err(|_| ApiError::invalid("Invalid value for: date")),
            (None, Some(text)) => Self::moment(text, which, named, calendar),
            (None, None) => Err(missing()),
        }
    }

    fn moment(text: &str, which: &str, named: Option<TimeZone>, calendar: &TimeZone) -> Result<Self> {
        let is_named = named.is_some();
        let at = if let Ok(at) = text.parse::<Timestamp>() {
            Ok(at.to_zoned_datetime(named.unwrap_or_else(|| calendar.clone())))
        } else {
            let civil: DateTime = text.parse().map_err(|_| ApiError::invalid("Invalid value for: dateTime"))?;
            let why = format!("Missing time zone definition for {which} time.");
            civil
                .to_zoned_datetime(named.ok_or_else(|| ApiError::new(hyper::StatusCode::BAD_REQUEST, "required", why))?)
        };
        let at = at.map_err(|_| ApiError::invalid("Invalid value for: dateTime"))?;
        Ok(Self::Moment { at, named: is_named })
    }

    /// As the vendor shows it.
    pub(super) fn shown(&self) -> Value {
        match self {
            Self::Day(date) => json!({ "date": date.to_string() }),
            Self::Moment { at, .. } => json!({ "dateTime": written(at), "timeZone": zone_name(at) }),
        }
    }

    /// Milliseconds since 1970; a day starts with its midnight in the calendar's zone.
    pub(super) fn millis(&self, calendar: &TimeZone) -> i64 {
        match self {
            Self::Day(date) => date.to_zoned_datetime(calendar.clone()).map_or(0, |at| at.timestamp().as_millisecond()),
            Self::Moment { at, .. } => at.timestamp().as_millisecond(),
        }
    }

    /// The clock on the wall, which recurrences go by.
    pub(super) fn civil(&self) -> DateTime {
        match self {
            Self::Day(date) => date.at(0, 0, 0, 0),
            Self::Moment { at, .. } => at.datetime(),
        }
    }

    /// The same kind of point at another reading of the clock.
    pub(super) fn moved(&self, civil: DateTime) -> Option<Self> {
        match self {
            Self::Day(_) => Some(Self::Day(civil.date())),
            Self::Moment { at, named } => {
                let at = civil.to_zoned_datetime(at.time_zone().clone()).ok()?;
                Some(Self::Moment { at, named: *named })
            }
        }
    }

    /// What tells an instance of a recurring event from the others.
    pub(super) fn suffix(&self) -> String {
        match self {
            Self::Day(date) => date.strftime("%Y%m%d").to_string(),
            Self::Moment { at, .. } => at.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string(),
        }
    }

    pub(super) fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    /// Whether a recurrence knows which zone to repeat in.
    pub(super) fn can_recur(&self) -> bool {
        !matches!(self, Self::Moment { named: false, .. })
    }
}

fn zone_name(at: &ZonedDateTime) -> String {
    at.time_zone().iana_name().unwrap_or("UTC").to_owned()
}

/// A moment with its offset, `Z` for none.
fn written(at: &ZonedDateTime) -> String {
    if at.offset().is_zero() {
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    } else {
        at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

/// A moment that a parameter names; it has to have an offset.
pub(super) fn parameter(name: &str, text: Option<&str>) -> Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(Some(at.as_millisecond())),
        Err(_) => Err(ApiError::new(hyper::StatusCode::BAD_REQUEST, "badRequest", "Bad Request").at("parameter", name)),
    }
}
