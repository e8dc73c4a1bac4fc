//! `getSchedule`: when people are busy, in slots.

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, items, text};
use super::super::error::GraphError;
use super::super::table::Kind;
use super::{default_of, recurrence, zones};

pub(super) fn get(context: &Context<'_>) -> Outcome {
    let body = context.body()?;
    let moment = |name: &str| body.get(name).and_then(zones::moment).ok_or_else(|| GraphError::property(name));
    let (from, to) = (moment("startTime")?, moment("endTime")?);
    let minutes = body.get("availabilityViewInterval").and_then(Value::as_i64).unwrap_or(30);
    if !(5..=1440).contains(&minutes) || to <= from {
        return Err(GraphError::property("availabilityViewInterval"));
    }
    let asked = items(&body, "schedules");
    if asked.is_empty() {
        return Err(GraphError::property("schedules"));
    }
    let people = asked.iter().filter_map(Value::as_str);
    let values: Vec<Value> = people.map(|address| schedule(context, address, from, to, minutes)).collect();
    context.values(StatusCode::OK, &values)
}

fn schedule(context: &Context<'_>, address: &str, from: Timestamp, to: Timestamp, minutes: i64) -> Value {
    let calendar = context.world.user_of_mail(address).and_then(|user| default_of(context, &user).ok());
    let Some(calendar) = calendar else {
        let message = format!("Unable to resolve the mailbox {address}.");
        return json!({
            "scheduleId": address,
            "availabilityView": "",
            "scheduleItems": [],
            "error": { "message": message, "responseCode": "ErrorMailRecipientNotFound" },
        });
    };
    let rows = context.world.table.under(Kind::Event, &calendar);
    let mut busy: Vec<(Timestamp, Timestamp, Value)> = rows
        .flat_map(|row| recurrence::occurrences(&row.value, from, to))
        .filter_map(|(start, event)| Some((start, event.get("end").and_then(zones::moment)?, event)))
        .filter(|(_, _, event)| text(event, "showAs") != Some("free"))
        .collect();
    busy.sort_by_key(|(start, ..)| *start);
    let mut view = String::new();
    let mut at = from;
    while at < to {
        let Ok(next) = at.checked_add(SignedDuration::from_mins(minutes)) else {
            break;
        };
        // The digits are free, tentative, busy, out of office; the strongest counts.
        let strongest =
            busy.iter().filter(|(start, end, _)| *start < next && *end > at).map(|(.., event)| digit(event)).max();
        view.push(strongest.unwrap_or('0'));
        at = next;
    }
    let events = busy.iter().map(|(start, end, event)| {
        json!({
            "status": text(event, "showAs").unwrap_or("busy"),
            "start": zones::written(*start, "UTC"),
            "end": zones::written(*end, "UTC"),
            "subject": event.get("subject"),
            "isPrivate": false,
        })
    });
    json!({ "scheduleId": address, "availabilityView": view, "scheduleItems": events.collect::<Vec<_>>() })
}

fn digit(event: &Value) -> char {
    match text(event, "showAs") {
        Some("tentative") => '1',
        Some("oof") => '3',
        Some("workingElsewhere") => '4',
        _ => '2',
    }
}
