//! Events: made once for each transaction, changed, called off.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, items, merge, text};
use super::super::error::GraphError;
use super::super::odata::Listing;
use super::super::table::{Kind, Row};
use super::{default_of, online, zones};
use crate::exchange::Answer;

pub(super) const EVENTS: Listing<'_> =
    Listing::new("users('id')/events").size(10).expanded(&["singleValueExtendedProperties"]);

pub(super) fn route(context: &mut Context<'_>, user: &str, calendar: &str, path: &[&str]) -> Outcome {
    match (context.method().clone(), path) {
        (Method::GET, []) => {
            let rows = context.world.table.under(Kind::Event, calendar);
            let events = rows.map(|row| shown(context, row.value.clone())).collect();
            context.page(events, &EVENTS)
        }
        (Method::POST, []) => create(context, user, calendar),
        (Method::GET, [id]) => {
            let row = find(context, user, id)?;
            context.one(shown(context, row.value), &EVENTS)
        }
        (Method::PATCH, [id]) => {
            let row = find(context, user, id)?;
            patch(context, &row)
        }
        (Method::DELETE, [id]) => {
            let row = find(context, user, id)?;
            remove(context, &row);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (Method::POST, [id, "cancel"]) => {
            let row = find(context, user, id)?;
            if !is_organizers(&row.value) {
                let message = "You need to be an organizer to cancel a meeting.";
                return Err(GraphError::new(StatusCode::BAD_REQUEST, "ErrorInvalidOperation", message));
            }
            remove(context, &row);
            Ok(Answer::empty(StatusCode::ACCEPTED))
        }
        _ => Err(GraphError::no_route()),
    }
}

/// An event in whichever of the user's calendars.
fn find(context: &Context<'_>, user: &str, id: &str) -> Result<Row, GraphError> {
    let table = &context.world.table;
    let row = table.by_id(Kind::Event, id).filter(|row| table.get(Kind::Calendar, user, &row.parent).is_some());
    row.cloned().ok_or_else(GraphError::no_mailbox_item)
}

/// An event with its times in the zone that `Prefer: outlook.timezone` names, or in UTC.
pub(super) fn shown(context: &Context<'_>, mut event: Value) -> Value {
    let preferred = context.request.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferred = preferred.flat_map(|value| value.split([',', ';']));
    let zone = preferred.find_map(|one| one.trim().strip_prefix("outlook.timezone="));
    let zone = zone.map_or("UTC", |zone| zone.trim_matches('"'));
    if event.get("isAllDay") != Some(&json!(true)) {
        for name in ["start", "end"] {
            if let Some(moment) = event.get(name).and_then(zones::moment) {
                event[name] = zones::written(moment, zone);
            }
        }
    }
    event
}

/// Start before end, in zones that exist.
fn check(event: &Value) -> Result<(), GraphError> {
    let moment = |name: &str| {
        let message = format!("The {name} of the event is missing or not valid.");
        let value = event.get(name).and_then(zones::moment);
        value.ok_or_else(|| GraphError::new(StatusCode::BAD_REQUEST, "ErrorPropertyValidationFailure", message))
    };
    if moment("end")? < moment("start")? {
        let message = "The end of the event is before its start.";
        return Err(GraphError::new(StatusCode::BAD_REQUEST, "ErrorCalendarEndDateIsEarlierThanStartDate", message));
    }
    Ok(())
}

fn create(context: &mut Context<'_>, user: &str, calendar: &str) -> Outcome {
    let body = context.body()?;
    check(&body)?;
    if let Some(transaction) = text(&body, "transactionId") {
        let key = (user.to_owned(), transaction.to_owned());
        if let Some((id, given)) = context.world.transactions.get(&key) {
            let refused = context.world.settings.refused_transactions;
            if *given != body || refused.is_some() {
                let message = "Your request can't be completed. The TransactionId specified in the request has already been used to create a different event.";
                let refusal = GraphError::exists("ErrorDuplicateTransactionId", message);
                return Err(if refused == Some(true) { refusal.of_event(id) } else { refusal });
            }
            if let Some(row) = context.world.table.by_id(Kind::Event, id) {
                return whole(context, StatusCode::CREATED, row.value.clone());
            }
        }
    }
    let id = context.world.mailbox_id();
    let event = made(context, user, &id, &body);
    context.world.add(Kind::Event, calendar, event.clone());
    if let Some(transaction) = text(&body, "transactionId") {
        let key = (user.to_owned(), transaction.to_owned());
        context.world.transactions.insert(key, (id, body.clone()));
    }
    spread(context, user, &event);
    whole(context, StatusCode::CREATED, event)
}

/// A new event from what the request gives.
fn made(context: &mut Context<'_>, user: &str, id: &str, body: &Value) -> Value {
    let (now, number) = (context.now(), context.world.number());
    let organizer = json!({ "emailAddress": {
        "name": context.world.user_text(user, "displayName"),
        "address": context.world.user_text(user, "mail"),
    } });
    let zone = |name: &str| body.pointer(&format!("/{name}/timeZone")).cloned().unwrap_or_else(|| json!("UTC"));
    let mut event = json!({
        "subject": "",
        "body": { "contentType": "html", "content": "" },
        "bodyPreview": "",
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": false,
        "showAs": "busy",
        "type": if body.get("recurrence").is_some_and(Value::is_object) { "seriesMaster" } else { "singleInstance" },
        "categories": [],
        "hasAttachments": false,
        "isReminderOn": true,
        "reminderMinutesBeforeStart": 15,
        "responseRequested": true,
        "allowNewTimeProposals": true,
        "attendees": [],
        "isOnlineMeeting": false,
        "onlineMeetingProvider": "unknown",
        "onlineMeeting": null,
        "location": { "displayName": "" },
        "locations": [],
        "recurrence": null,
        "originalStartTimeZone": zone("start"),
        "originalEndTimeZone": zone("end"),
        "responseStatus": { "response": "organizer", "time": "0001-01-01T00:00:00Z" },
    });
    merge(&mut event, body);
    event["id"] = json!(id);
    event["iCalUId"] = json!(format!("040000008200E00074C5B7101A82E008{number:032X}"));
    event["changeKey"] = json!(format!("sandbox{number}"));
    event["createdDateTime"] = json!(now);
    event["lastModifiedDateTime"] = json!(now);
    event["organizer"] = organizer;
    event["isOrganizer"] = json!(true);
    event["isCancelled"] = json!(false);
    event["webLink"] = json!(format!("https://outlook.office365.com/owa/?itemid={number}"));
    derive(&mut event, number);
    event
}

/// What follows from other fields: the online meeting, the preview, what attendees have answered.
fn derive(event: &mut Value, number: u64) {
    online::arrange(event, number);
    event["bodyPreview"] = json!(online::preview(event.get("body").unwrap_or(&Value::Null)));
    if let Some(attendees) = event.get_mut("attendees").and_then(Value::as_array_mut) {
        for attendee in attendees.iter_mut().filter(|attendee| attendee.get("status").is_none()) {
            attendee["status"] = json!({ "response": "none", "time": "0001-01-01T00:00:00Z" });
        }
    }
}

fn is_organizers(event: &Value) -> bool {
    event.get("isOrganizer") == Some(&json!(true))
}

/// Puts an event into the calendars of attendees within the tenant who do not have it yet.
fn spread(context: &mut Context<'_>, organizer: &str, event: &Value) {
    for attendee in items(event, "attendees") {
        let address = attendee.pointer("/emailAddress/address").and_then(Value::as_str).unwrap_or_default();
        let user = context.world.user_of_mail(address).filter(|user| user != organizer);
        let Some(calendar) = user.and_then(|user| default_of(context, &user).ok()) else {
            continue;
        };
        if copies(context, event).iter().any(|(parent, _)| *parent == calendar) {
            continue;
        }
        let mut copy = event.clone();
        copy["id"] = json!(context.world.mailbox_id());
        copy["isOrganizer"] = json!(false);
        copy["responseStatus"] = json!({ "response": "notResponded", "time": "0001-01-01T00:00:00Z" });
        if let Some(fields) = copy.as_object_mut() {
            // A transaction is the organizer's own.
            fields.remove("transactionId");
        }
        context.world.add(Kind::Event, &calendar, copy);
    }
}

fn patch(context: &mut Context<'_>, row: &Row) -> Outcome {
    let mut patch = context.body()?;
    if let Some(fields) = patch.as_object_mut() {
        // Set when the event is made, and never again.
        fields.remove("transactionId");
    }
    online::keep(&row.value, &mut patch);
    let (now, number) = (context.now(), context.world.number());
    let mut event = row.value.clone();
    merge(&mut event, &patch);
    check(&event)?;
    event["lastModifiedDateTime"] = json!(now);
    event["changeKey"] = json!(format!("sandbox{number}"));
    derive(&mut event, number);
    if is_organizers(&event) {
        for (parent, id) in copies(context, &event) {
            if let Some(copy) = context.world.table.change(Kind::Event, &parent, &id) {
                merge(&mut copy.value, &patch);
            }
        }
        let organizer = context.world.table.by_id(Kind::Calendar, &row.parent).map(|row| row.parent.clone());
        spread(context, &organizer.unwrap_or_default(), &event);
    }
    let changed = context.world.table.change(Kind::Event, &row.parent, &row.id);
    changed.ok_or_else(GraphError::no_mailbox_item)?.value = event.clone();
    whole(context, StatusCode::OK, event)
}

/// Removes an event; the organizer's takes the attendees' with it.
fn remove(context: &mut Context<'_>, row: &Row) {
    let mut gone = vec![(row.parent.clone(), row.id.clone())];
    if is_organizers(&row.value) {
        gone.extend(copies(context, &row.value));
    }
    for (parent, id) in gone {
        context.world.table.remove(Kind::Event, &parent, &id);
    }
}

/// The same event in others' calendars.
fn copies(context: &Context<'_>, event: &Value) -> Vec<(String, String)> {
    let same =
        context.world.table.all(Kind::Event).filter(|row| {
            row.value.get("iCalUId") == event.get("iCalUId") && Some(row.id.as_str()) != text(event, "id")
        });
    same.map(|row| (row.parent.clone(), row.id.clone())).collect()
}

fn whole(context: &Context<'_>, status: StatusCode, event: Value) -> Outcome {
    let mut event = shown(context, event);
    if let Some(fields) = event.as_object_mut() {
        fields.remove("singleValueExtendedProperties");
    }
    context.whole(status, EVENTS.set, event)
}
