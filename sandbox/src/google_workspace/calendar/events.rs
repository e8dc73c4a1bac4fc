//! Events made, read, changed and deleted.

use hyper::StatusCode;
use hyper::header::IF_MATCH;
use serde_json::{Map, Value, json};

use super::{
    Calendar, EVENTS, EVENTS_READ, Event, acl, conference, etag, input, list, next_change, readable, shown, writable,
};
use crate::google_workspace::call::{Call, Reply, Result, text};
use crate::google_workspace::error::ApiError;

fn missing() -> ApiError {
    ApiError::not_found("Not Found")
}

fn gone() -> ApiError {
    ApiError::new(StatusCode::GONE, "deleted", "Resource has been deleted")
}

/// What is written of a body.
fn written(call: &Call<'_>) -> Result<(Map<String, Value>, Option<String>)> {
    let mut body = call.body()?;
    if let Some(updates) = call.query.filled("sendUpdates")
        && !["all", "externalOnly", "none"].contains(&updates)
    {
        return Err(ApiError::parameter("sendUpdates", format!("Invalid value '{updates}'.")));
    }
    let id = text(&body, "id").map(str::to_owned);
    body.retain(|name, _| input::WRITABLE.contains(&name.as_str()));
    Ok((body, id))
}

pub(super) fn insert(call: &mut Call<'_>, calendar: &str) -> Result {
    call.needs(EVENTS)?;
    let (mut fields, chosen) = written(call)?;
    let calendar = writable(call, calendar)?;
    let (start, end) = input::times(&fields, &calendar.zone)?;
    input::attendees(&mut fields, &calendar.owner, None)?;
    let id = match chosen {
        None => call.world.ids.event(),
        Some(id) if !input::is_event_id(&id) => return Err(ApiError::invalid("Invalid resource id value.")),
        // An id stays taken when its event has been deleted.
        Some(id) if call.world.calendar.events.iter().any(|held| held.id == id && held.calendar == calendar.id) => {
            return Err(ApiError::duplicate("The requested identifier already exists."));
        }
        Some(id) => id,
    };
    let made = conference::make(call, &mut fields, None)?;
    complete(call, &calendar, &id, &mut fields);
    let event = Event {
        id,
        calendar: calendar.id,
        fields,
        start,
        end,
        updated: call.at(),
        cancelled: false,
        change: next_change(call.world),
        pending: if made { call.world.calendar.pending } else { 0 },
    };
    notify(call, &event, "created");
    let answer = shown(call.world, &event, call.user());
    call.world.calendar.events.push(event);
    Ok(Reply::Json(answer))
}

/// Adds what the vendor says of a new event on its own.
fn complete(call: &Call<'_>, calendar: &Calendar, id: &str, fields: &mut Map<String, Value>) {
    let organizer = if calendar.is_primary() {
        json!({ "email": calendar.owner })
    } else {
        json!({ "email": calendar.id, "displayName": calendar.fields.get("summary") })
    };
    for (name, value) in [
        ("created", json!(call.now())),
        ("creator", json!({ "email": call.user() })),
        ("organizer", organizer),
        ("iCalUID", json!(format!("{id}@google.com"))),
        ("sequence", json!(0)),
        ("reminders", json!({ "useDefault": true })),
    ] {
        fields.entry(name).or_insert(value);
    }
    fields.remove("status");
}

/// Sends mails about an event to its guests, as far as they are wanted.
fn notify(call: &mut Call<'_>, event: &Event, occasion: &'static str) {
    let updates = call.query.filled("sendUpdates").unwrap_or("none").to_owned();
    let guests = event.fields.get("attendees").and_then(Value::as_array).into_iter().flatten();
    let guests = guests.into_iter().filter_map(|guest| guest["email"].as_str());
    let wanted = |guest: &&str| {
        let outside = call.world.people.find(guest).is_none();
        *guest != call.grant.user && (updates == "all" || (updates == "externalOnly" && outside))
    };
    let notices: Vec<_> = guests.filter(wanted).map(|guest| (guest.to_owned(), event.id.clone(), occasion)).collect();
    call.world.calendar.notices.extend(notices);
}

/// Where an event of a calendar stands: its own, or one that the calendar's owner is invited to.
fn position(call: &Call<'_>, calendar: &Calendar, id: &str) -> Option<usize> {
    let events = &call.world.calendar.events;
    events.iter().position(|event| event.id == id && list::is_in(event, calendar))
}

pub(super) fn get(call: &mut Call<'_>, calendar: &str, id: &str) -> Result {
    call.needs(EVENTS_READ)?;
    let calendar = readable(call, calendar)?;
    if acl::rank(call.world, &calendar, call.user()) < acl::READER {
        return Err(ApiError::forbidden("forbidden", "Forbidden"));
    }
    if let Some(at) = position(call, &calendar, id) {
        let event = call.world.calendar.events.get_mut(at).ok_or_else(missing)?;
        let now = event.clone();
        event.pending = event.pending.saturating_sub(1);
        return Ok(Reply::Json(shown(call.world, &now, call.user())));
    }
    let instance = list::instance(call.world, &calendar, id).ok_or_else(missing)?;
    Ok(Reply::Json(shown(call.world, &instance, call.user())))
}

/// The event that is to change. An instance of a recurring one becomes an event of its own by that.
fn own(call: &mut Call<'_>, calendar: &Calendar, id: &str) -> Result<usize> {
    let at = match position(call, calendar, id) {
        Some(at) => at,
        None => {
            let instance = list::instance(call.world, calendar, id).ok_or_else(missing)?;
            call.world.calendar.events.push(instance);
            call.world.calendar.events.len() - 1
        }
    };
    let event = call.world.calendar.events.get(at).ok_or_else(missing)?;
    if let Some(wanted) = call.request.header(&IF_MATCH)
        && wanted != "*"
        && wanted != etag(event)
    {
        return Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "conditionNotMet", "Precondition Failed")
            .at("header", "If-Match"));
    }
    Ok(at)
}

pub(super) fn patch(call: &mut Call<'_>, calendar: &str, id: &str) -> Result {
    change(call, calendar, id, |held, body| {
        let mut fields = held.clone();
        input::merge(&mut fields, body);
        fields
    })
}

/// Everything that may be written is written anew.
pub(super) fn replace(call: &mut Call<'_>, calendar: &str, id: &str) -> Result {
    change(call, calendar, id, |held, body| {
        let kept = ["created", "creator", "organizer", "iCalUID", "reminders", "recurringEventId", "originalStartTime"];
        let mut fields = held.clone();
        fields.retain(|name, _| kept.contains(&name.as_str()));
        fields.extend(body.into_iter().filter(|(_, value)| !value.is_null()));
        fields
    })
}

/// How a body changes the fields of an event.
type Apply = fn(&Map<String, Value>, Map<String, Value>) -> Map<String, Value>;

fn change(call: &mut Call<'_>, calendar: &str, id: &str, apply: Apply) -> Result {
    call.needs(EVENTS)?;
    let (mut body, _) = written(call)?;
    let calendar = writable(call, calendar)?;
    let at = own(call, &calendar, id)?;
    let event = call.world.calendar.events.get(at).cloned().ok_or_else(missing)?;
    if event.calendar != calendar.id {
        return answer_invitation(call, &calendar, at, &body);
    }
    let cancels = body.remove("status").is_some_and(|status| status == "cancelled");
    let held = event.fields.get("conferenceData").cloned();
    let asked = body.remove("conferenceData");
    let mut before = event.fields.clone();
    before.insert("start".to_owned(), event.start.shown());
    before.insert("end".to_owned(), event.end.shown());
    before.remove("conferenceData");
    before.remove("hangoutLink");
    let mut fields = apply(&before, body);
    let (start, end) = input::times(&fields, &calendar.zone)?;
    input::attendees(&mut fields, &calendar.owner, event.fields.get("attendees"))?;
    if let Some(asked) = asked {
        fields.insert("conferenceData".to_owned(), asked);
    }
    let made = conference::make(call, &mut fields, held.as_ref())?;
    let sequence = event.fields.get("sequence").and_then(Value::as_u64).unwrap_or(0);
    let moved = start.suffix() != event.start.suffix() || end.suffix() != event.end.suffix();
    fields.insert("sequence".to_owned(), json!(sequence + u64::from(moved)));
    fields.remove("start");
    fields.remove("end");
    let event = Event {
        fields,
        start,
        end,
        updated: call.at(),
        // A deleted event that is written to is there again.
        cancelled: cancels,
        change: next_change(call.world),
        pending: if made { call.world.calendar.pending } else { event.pending },
        ..event
    };
    notify(call, &event, "updated");
    let answer = shown(call.world, &event, call.user());
    if let Some(held) = call.world.calendar.events.get_mut(at) {
        *held = event;
    }
    Ok(Reply::Json(answer))
}

/// Whoever is invited may say whether to come, and nothing else.
fn answer_invitation(call: &mut Call<'_>, calendar: &Calendar, at: usize, body: &Map<String, Value>) -> Result {
    let given = body.get("attendees").and_then(Value::as_array).into_iter().flatten();
    let own = given.into_iter().find(|guest| guest["email"].as_str() == Some(calendar.owner.as_str()));
    let status = own.and_then(|own| own.get("responseStatus")).cloned().filter(|_| body.len() == 1);
    let Some(status) = status else {
        let why = "Shared properties can only be changed by the organizer of the event.";
        return Err(ApiError::forbidden("forbiddenForNonOrganizer", why));
    };
    let (number, updated) = (next_change(call.world), call.at());
    let event = call.world.calendar.events.get_mut(at).ok_or_else(missing)?;
    let guests = event.fields.get_mut("attendees").and_then(Value::as_array_mut).into_iter().flatten();
    guests
        .filter(|guest| guest["email"] == calendar.owner.as_str())
        .for_each(|guest| guest["responseStatus"] = status.clone());
    (event.change, event.updated) = (number, updated);
    let event = event.clone();
    Ok(Reply::Json(shown(call.world, &event, call.user())))
}

pub(super) fn delete(call: &mut Call<'_>, calendar: &str, id: &str) -> Result {
    call.needs(EVENTS)?;
    written(call)?;
    let calendar = writable(call, calendar)?;
    let at = own(call, &calendar, id)?;
    let event = call.world.calendar.events.get(at).cloned().ok_or_else(missing)?;
    if event.cancelled {
        return Err(gone());
    }
    if event.calendar != calendar.id {
        return Err(ApiError::forbidden("forbiddenForNonOrganizer", "Only the organizer can delete the event."));
    }
    notify(call, &event, "deleted");
    let (number, updated) = (next_change(call.world), call.at());
    let events = &mut call.world.calendar.events;
    // The changed instances of a recurring event go with it.
    let with_it = |other: &Event| other.id == id || other.fields.get("recurringEventId") == Some(&json!(id));
    for event in events.iter_mut().filter(|other| other.calendar == calendar.id && with_it(other)) {
        event.cancelled = true;
        (event.change, event.updated) = (number, updated);
    }
    Ok(Reply::Empty)
}
