//! When calendars are busy.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::time::{parameter, zone};
use super::{BUSY, Event, list, readable};
use crate::google_workspace::call::{Call, Reply, Result, moment, text};
use crate::google_workspace::directory;
use crate::google_workspace::error::ApiError;

/// How many calendars can be asked about at once.
const MOST: usize = 50;

pub(super) fn query(call: &mut Call<'_>) -> Result {
    call.needs(BUSY)?;
    let body = call.body()?;
    let time = |name: &str| {
        let missing = || ApiError::new(StatusCode::BAD_REQUEST, "required", format!("Missing {name} parameter."));
        parameter(name, Some(text(&body, name).ok_or_else(missing)?))?.ok_or_else(missing)
    };
    let (from, to) = (time("timeMin")?, time("timeMax")?);
    if to <= from {
        let why = "The specified time range is empty.";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "timeRangeEmpty", why));
    }
    text(&body, "timeZone").map(zone).transpose()?;
    let items = body.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let (mut calendars, mut groups) = (Map::new(), Map::new());
    let mut ids: Vec<String> = Vec::new();
    for item in items {
        let id = item.get("id").and_then(Value::as_str).ok_or_else(|| ApiError::required("items[].id"))?;
        match directory::members(call.world, id) {
            Some(members) => {
                groups.insert(id.to_owned(), json!({ "calendars": members }));
                ids.extend(members);
            }
            None => ids.push(id.to_owned()),
        }
    }
    for (index, id) in ids.into_iter().enumerate() {
        let failed = |reason: &str| json!({ "errors": [{ "domain": "global", "reason": reason }], "busy": [] });
        let shown = if index >= MOST {
            failed("tooManyCalendarsRequested")
        } else {
            busy(call, &id, from, to).unwrap_or_else(|| failed("notFound"))
        };
        calendars.insert(id, shown);
    }
    let mut answer = json!({
        "kind": "calendar#freeBusy",
        "timeMin": moment(from),
        "timeMax": moment(to),
        "calendars": calendars,
    });
    if !groups.is_empty() {
        answer["groups"] = Value::Object(groups);
    }
    Ok(Reply::Json(answer))
}

/// The times at which a calendar is busy, those that touch as one. Everybody in the domain may know.
fn busy(call: &mut Call<'_>, id: &str, from: i64, to: i64) -> Option<Value> {
    let calendar = match readable(call, id) {
        Ok(calendar) => calendar,
        Err(_) => {
            let id = super::resolve(call, id);
            let found = call.world.calendar.calendars.iter().find(|calendar| calendar.id == id);
            found.filter(|calendar| calendar.is_primary())?.clone()
        }
    };
    let world = &*call.world;
    let counts = |event: &&Event| {
        !event.cancelled
            && list::is_in(event, &calendar)
            && event.fields.get("transparency").and_then(Value::as_str) != Some("transparent")
    };
    let mut times: Vec<(i64, i64)> = Vec::new();
    for event in world.calendar.events.iter().filter(counts) {
        let all = list::instances(world, &calendar, event, to).unwrap_or_else(|| vec![event.clone()]);
        times.extend(all.iter().map(|one| (one.start.millis(&calendar.zone), one.end.millis(&calendar.zone))));
    }
    times.retain(|(start, end)| *start < to && *end > from);
    times.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (start, end) in times {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    let shown: Vec<Value> = joined
        .into_iter()
        .map(|(start, end)| json!({ "start": moment(start.max(from)), "end": moment(end.min(to)) }))
        .collect();
    Some(json!({ "busy": shown }))
}
