//! What may be written into an event, checked.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::recurrence::Recurrence;
use super::time::Point;
use crate::google_workspace::call::{Result, text};
use crate::google_workspace::error::ApiError;

/// Fields that a caller may write; of others nothing is kept.
pub(super) const WRITABLE: &[&str] = &[
    "summary",
    "description",
    "location",
    "colorId",
    "start",
    "end",
    "recurrence",
    "attendees",
    "reminders",
    "extendedProperties",
    "conferenceData",
    "transparency",
    "visibility",
    "guestsCanModify",
    "guestsCanInviteOthers",
    "guestsCanSeeOtherGuests",
    "anyoneCanAddSelf",
    "attachments",
    "source",
    "status",
    "iCalUID",
    "sequence",
];

/// Whether an id is one that a caller may choose: 5 to 1024 digits of base32hex, in small letters.
pub(super) fn is_event_id(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v'))
}

/// The start and the end of an event.
pub(super) fn times(fields: &Map<String, Value>, zone: &TimeZone) -> Result<(Point, Point)> {
    let start = Point::read(fields.get("start"), "start", zone)?;
    let end = Point::read(fields.get("end"), "end", zone)?;
    if start.is_day() != end.is_day() {
        return Err(ApiError::invalid("Start and end times must either both be date or both be dateTime."));
    }
    if end.millis(zone) < start.millis(zone) || (start.is_day() && end.millis(zone) == start.millis(zone)) {
        let why = "The specified time range is empty.";
        return Err(ApiError::new(hyper::StatusCode::BAD_REQUEST, "timeRangeEmpty", why));
    }
    if Recurrence::read(fields.get("recurrence"))?.is_some() && !start.can_recur() {
        let why = "Missing time zone definition for start time.";
        return Err(ApiError::new(hyper::StatusCode::BAD_REQUEST, "required", why));
    }
    Ok((start, end))
}

/// Brings attendees into the vendor's shape: each with an answer, nobody twice.
pub(super) fn attendees(fields: &mut Map<String, Value>, organizer: &str, held: Option<&Value>) -> Result<()> {
    let Some(given) = fields.get_mut("attendees") else { return Ok(()) };
    let given = given.as_array_mut().ok_or_else(|| ApiError::invalid("Invalid value for: attendees"))?;
    let answered = |email: &str| {
        let known = held.and_then(Value::as_array).into_iter().flatten();
        known.into_iter().find(|one| one["email"] == *email).and_then(|one| one.get("responseStatus")).cloned()
    };
    let mut seen: Vec<String> = Vec::new();
    for attendee in given.iter_mut() {
        let fields = attendee.as_object_mut().ok_or_else(|| ApiError::invalid("Invalid attendee."))?;
        let email = text(fields, "email").filter(|email| email.contains('@'));
        let email = email.ok_or_else(|| ApiError::invalid("Invalid attendee email."))?.to_ascii_lowercase();
        let first = if email == organizer { "accepted" } else { "needsAction" };
        let status = text(fields, "responseStatus").map(Value::from).or_else(|| answered(&email));
        fields.insert("responseStatus".to_owned(), status.unwrap_or_else(|| first.into()));
        if email == organizer {
            fields.insert("organizer".to_owned(), json!(true));
        }
        fields.insert("email".to_owned(), json!(email));
        seen.push(email);
    }
    let mut index = 0;
    given.retain(|_| {
        let (before, this) = (seen.get(..index).unwrap_or_default(), seen.get(index));
        index += 1;
        !this.is_some_and(|this| before.contains(this))
    });
    Ok(())
}

/// Lays a change over what is there: objects grow together, null takes away, everything else takes the place.
pub(super) fn merge(held: &mut Map<String, Value>, change: Map<String, Value>) {
    for (name, value) in change {
        match (held.get_mut(&name), value) {
            (_, Value::Null) => drop(held.remove(&name)),
            (Some(Value::Object(inner)), Value::Object(change)) => merge(inner, change),
            (_, value) => drop(held.insert(name, value)),
        }
    }
}
