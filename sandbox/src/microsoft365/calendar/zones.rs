//! Moments as calendars write them: a time without an offset, and beside it the name of a zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::context::text;

/// Windows' names of zones that schools are in; other names are taken as IANA's.
const WINDOWS: &[(&str, &str)] = &[
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Standard Time", "America/Chicago"),
    ("Eastern Standard Time", "America/New_York"),
    ("GMT Standard Time", "Europe/London"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Mountain Standard Time", "America/Denver"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("W. Europe Standard Time", "Europe/Berlin"),
];

/// A zone by its name; none if nobody knows it.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let known = WINDOWS.iter().find(|(windows, _)| *windows == name);
    match known.map_or(name, |(_, iana)| iana) {
        "UTC" | "tzone://Microsoft/Utc" => Some(TimeZone::UTC),
        iana => TimeZone::get(iana).ok(),
    }
}

/// A `dateTimeTimeZone` as a moment.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    let at = text(value, "dateTime")?;
    // An offset says it all, though it has no place here.
    if let Ok(moment) = at.parse::<Timestamp>() {
        return Some(moment);
    }
    let local: DateTime = at.parse().ok()?;
    let zone = zone(text(value, "timeZone").unwrap_or("UTC"))?;
    zone.to_timestamp(local).ok()
}

/// A moment in a zone, as calendars write it.
pub(super) fn written(moment: Timestamp, name: &str) -> Value {
    let local = zone(name).unwrap_or(TimeZone::UTC).to_datetime(moment);
    json!({ "dateTime": local.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string(), "timeZone": name })
}

/// The same time of day some days on, in a zone: an hour more or less where the clocks change.
pub(super) fn days_on(moment: Timestamp, days: i64, name: &str) -> Option<Timestamp> {
    let zone = zone(name)?;
    let local = zone.to_datetime(moment).checked_add(SignedDuration::from_hours(24 * days)).ok()?;
    zone.to_timestamp(local).ok()
}
