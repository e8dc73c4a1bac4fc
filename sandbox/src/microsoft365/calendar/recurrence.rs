//! Series: the days on which an event recurs.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use serde_json::{Value, json};

use super::super::context::{items, text};
use super::zones;

/// No series is followed further than this many days: ten years.
const FARTHEST: i64 = 3660;

/// The event itself or each of its occurrences, as far as they fall into a span, with their starts.
pub(super) fn occurrences(event: &Value, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Value)> {
    let moment = |name: &str| event.get(name).and_then(zones::moment);
    let (Some(start), Some(end)) = (moment("start"), moment("end")) else {
        return Vec::new();
    };
    let falls =
        |start: Timestamp, end: Timestamp| start < to && end > from || start == end && start >= from && start < to;
    let Some(series) = event.get("recurrence").filter(|recurrence| recurrence.is_object()) else {
        return if falls(start, end) { vec![(start, event.clone())] } else { Vec::new() };
    };
    let zone = event.pointer("/start/timeZone").and_then(Value::as_str).unwrap_or("UTC");
    let length = end.duration_since(start);
    let mut found = Vec::new();
    for day in days(series, start, zone) {
        let Some(at) = zones::days_on(start, day, zone).filter(|at| *at < to) else {
            break;
        };
        let Ok(until) = at.checked_add(length) else {
            break;
        };
        if falls(at, until) {
            found.push((at, occurrence(event, at, until)));
        }
    }
    found
}

fn occurrence(series: &Value, start: Timestamp, end: Timestamp) -> Value {
    let id = text(series, "id").unwrap_or_default();
    let mut event = series.clone();
    event["id"] = json!(format!("{id}.{}", start.as_second()));
    event["type"] = json!("occurrence");
    event["seriesMasterId"] = json!(id);
    event["recurrence"] = Value::Null;
    event["start"] = zones::written(start, "UTC");
    event["end"] = zones::written(end, "UTC");
    event
}

/// How many days after the first each occurrence is.
fn days(series: &Value, start: Timestamp, zone: &str) -> Vec<i64> {
    let pattern = series.get("pattern").cloned().unwrap_or_default();
    let range = series.get("range").cloned().unwrap_or_default();
    let interval = pattern.get("interval").and_then(Value::as_i64).unwrap_or(1).max(1);
    let Some(first) = zones::zone(zone).map(|zone| zone.to_datetime(start).date()) else {
        return Vec::new();
    };
    let most = match text(&range, "type") {
        Some("numbered") => range.get("numberOfOccurrences").and_then(Value::as_u64).unwrap_or(1),
        _ => u64::MAX,
    };
    let last: Option<Date> = match text(&range, "type") {
        Some("endDate") => text(&range, "endDate").and_then(|date| date.parse().ok()),
        _ => None,
    };
    let date = |day: i64| first.checked_add(jiff::SignedDuration::from_hours(24 * day)).ok();
    let falls = |day: &i64| -> bool {
        let Some(date) = date(*day) else {
            return false;
        };
        match text(&pattern, "type") {
            Some("daily") => day % interval == 0,
            Some("weekly") => {
                // Weeks count from the Sunday before the first day.
                let week = (day + i64::from(first.weekday().to_sunday_zero_offset())) / 7;
                let named = items(&pattern, "daysOfWeek").iter().filter_map(Value::as_str).filter_map(weekday);
                let mut named = named.peekable();
                week % interval == 0
                    && match named.peek() {
                        Some(_) => named.any(|weekday| weekday == date.weekday()),
                        None => date.weekday() == first.weekday(),
                    }
            }
            Some("absoluteMonthly") => {
                let months = i64::from(date.year() - first.year()) * 12 + i64::from(date.month() - first.month());
                let of_month = pattern.get("dayOfMonth").and_then(Value::as_i64).unwrap_or(i64::from(first.day()));
                i64::from(date.day()) == of_month && months % interval == 0
            }
            _ => *day == 0,
        }
    };
    let within = |day: &i64| last.is_none_or(|last| date(*day).is_some_and(|date| date <= last));
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    (0..FARTHEST).take_while(within).filter(falls).take(most).collect()
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name.to_lowercase().as_str() {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(recurrence: &Value) -> Vec<String> {
        let event = json!({
            "id": "e",
            "start": { "dateTime": "2026-10-29T09:00:00", "timeZone": "America/New_York" },
            "end": { "dateTime": "2026-10-29T10:00:00", "timeZone": "America/New_York" },
            "recurrence": recurrence,
        });
        let (from, to) = ("2026-10-01T00:00:00Z".parse().unwrap(), "2026-12-01T00:00:00Z".parse().unwrap());
        occurrences(&event, from, to).into_iter().map(|(at, _)| at.to_string()).collect()
    }

    #[test]
    fn a_lesson_keeps_its_hour_when_the_clocks_change() {
        let weekly = json!({
            "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": ["thursday", "monday"] },
            "range": { "type": "numbered", "numberOfOccurrences": 3, "startDate": "2026-10-29" },
        });
        assert_eq!(starts(&weekly), ["2026-10-29T13:00:00Z", "2026-11-02T14:00:00Z", "2026-11-05T14:00:00Z"]);
        let daily = json!({
            "pattern": { "type": "daily", "interval": 2 },
            "range": { "type": "endDate", "startDate": "2026-10-29", "endDate": "2026-11-02" },
        });
        assert_eq!(starts(&daily), ["2026-10-29T13:00:00Z", "2026-10-31T13:00:00Z", "2026-11-02T14:00:00Z"]);
    }
}
