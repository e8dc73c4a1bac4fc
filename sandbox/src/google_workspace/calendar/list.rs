//! Events listed, recurring ones taken apart, and what has changed since a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::recurrence::Recurrence;
use super::time::{Point, parameter};
use super::{Calendar, EVENTS_READ, Event, acl, readable, shown};
use crate::google_workspace::call::{Call, Reply, Result, moment, with_next};
use crate::google_workspace::error::ApiError;
use crate::google_workspace::world::World;

/// How far an endless event is taken apart when no end is asked for, in milliseconds.
const HORIZON_MS: i64 = 2 * 366 * 24 * 3_600_000;
/// What cannot be asked together with a token for changes.
const NOT_WITH_TOKEN: &[&str] = &[
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
];

/// Whether a calendar shows an event: its own, or one that its owner is invited to.
pub(super) fn is_in(event: &Event, calendar: &Calendar) -> bool {
    if event.calendar == calendar.id {
        return true;
    }
    let guests = event.fields.get("attendees").and_then(Value::as_array).into_iter().flatten();
    calendar.is_primary() && guests.into_iter().any(|guest| guest["email"] == calendar.owner.as_str())
}

/// The token for what will have changed from now on.
pub(super) fn sync_token(world: &World) -> String {
    URL_SAFE_NO_PAD.encode(format!("changes/{}", world.calendar.changes))
}

/// How many changes were before a token was handed out.
fn since(call: &Call<'_>) -> Result<Option<u64>> {
    let Some(token) = call.query.filled("syncToken") else { return Ok(None) };
    if let Some(wrong) = NOT_WITH_TOKEN.iter().find(|name| call.query.get(name).is_some()) {
        let why = format!("Sync token cannot be used with {wrong}.");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "badRequest", why));
    }
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let number = text.and_then(|text| text.strip_prefix("changes/")?.parse::<u64>().ok());
    let calendar = &call.world.calendar;
    match number {
        Some(number) if number >= calendar.stale_until && number <= calendar.changes => Ok(Some(number)),
        _ => {
            let why = "Sync token is no longer valid, a full sync is required.";
            Err(ApiError::new(StatusCode::GONE, "fullSyncRequired", why).at("parameter", "syncToken"))
        }
    }
}

/// What of a calendar is asked for.
struct Wanted {
    from: Option<i64>,
    to: Option<i64>,
    updated: Option<i64>,
    since: Option<u64>,
    deleted: bool,
    text: Option<String>,
    uid: Option<String>,
    private: Option<(String, String)>,
}

impl Wanted {
    fn read(call: &Call<'_>) -> Result<Self> {
        let query = &call.query;
        let since = since(call)?;
        Ok(Self {
            from: parameter("timeMin", query.filled("timeMin"))?,
            to: parameter("timeMax", query.filled("timeMax"))?,
            updated: parameter("updatedMin", query.filled("updatedMin"))?,
            deleted: call.flag("showDeleted") || since.is_some(),
            since,
            text: query.filled("q").map(str::to_lowercase),
            uid: query.filled("iCalUID").map(str::to_owned),
            private: query
                .filled("privateExtendedProperty")
                .and_then(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        })
    }

    /// Whether the event itself is wanted, whenever it takes place.
    fn takes(&self, event: &Event) -> bool {
        let says = |name: &str| event.fields.get(name).and_then(Value::as_str).unwrap_or("").to_lowercase();
        let text = ["summary", "description", "location"].map(says).join("\n");
        let private = |name: &str| event.fields.get("extendedProperties").map(|all| &all["private"][name]);
        (self.deleted || !event.cancelled)
            && self.since.is_none_or(|since| event.change > since)
            && self.updated.is_none_or(|updated| event.updated >= updated)
            && self.text.as_ref().is_none_or(|wanted| text.contains(wanted))
            && self.uid.as_ref().is_none_or(|uid| event.fields.get("iCalUID") == Some(&json!(uid)))
            && self.private.as_ref().is_none_or(|(name, value)| private(name) == Some(&json!(value)))
    }

    /// Whether it takes place in the time that is asked for. A recurring event does if one of its instances does.
    fn is_when(&self, world: &World, calendar: &Calendar, event: &Event) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        let to = self.to.unwrap_or(i64::MAX);
        match instances(world, calendar, event, to) {
            Some(all) => all.iter().any(|one| self.overlaps(calendar, one)),
            None => self.overlaps(calendar, event),
        }
    }

    fn overlaps(&self, calendar: &Calendar, event: &Event) -> bool {
        self.from.is_none_or(|from| event.end.millis(&calendar.zone) > from)
            && self.to.is_none_or(|to| event.start.millis(&calendar.zone) < to)
    }
}

/// The instances of a recurring event that begin before a time, but for those that were changed on their own; none for
/// an event that does not recur.
pub(super) fn instances(world: &World, calendar: &Calendar, event: &Event, before: i64) -> Option<Vec<Event>> {
    let rule = Recurrence::read(event.fields.get("recurrence")).ok()??;
    let length = event.end.civil() - event.start.civil();
    let starts = rule.starts(&event.start, &calendar.zone, before);
    let one = |start: Point| {
        let end = start.moved(start.civil().checked_add(length).ok()?)?;
        let id = format!("{}_{}", event.id, start.suffix());
        if world.calendar.events.iter().any(|held| held.id == id && held.calendar == event.calendar) {
            return None;
        }
        let mut fields = event.fields.clone();
        fields.remove("recurrence");
        fields.insert("recurringEventId".to_owned(), json!(event.id));
        fields.insert("originalStartTime".to_owned(), start.shown());
        Some(Event { id, fields, start, end, ..event.clone() })
    };
    Some(starts.into_iter().filter_map(one).collect())
}

/// The instance that an id such as `abc_20261125T080000Z` names.
pub(super) fn instance(world: &World, calendar: &Calendar, id: &str) -> Option<Event> {
    let (series, _) = id.rsplit_once('_')?;
    let found = world.calendar.events.iter().find(|event| event.id == series && is_in(event, calendar));
    let series = found.filter(|event| !event.cancelled)?;
    instances(world, calendar, series, i64::MAX)?.into_iter().find(|one| one.id == id)
}

pub(super) fn list(call: &mut Call<'_>, calendar: &str) -> Result {
    call.needs(EVENTS_READ)?;
    let calendar = readable(call, calendar)?;
    let size = call.size("maxResults", 250, 2500)?;
    let wanted = Wanted::read(call)?;
    let single = call.flag("singleEvents");
    let order = call.query.filled("orderBy");
    match order {
        Some("startTime") if !single => {
            let why = "The requested ordering is not available for the particular query.";
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "badRequest", why).at("parameter", "orderBy"));
        }
        None | Some("startTime" | "updated") => {}
        Some(other) => return Err(ApiError::parameter("orderBy", format!("Invalid value '{other}'."))),
    }
    let world = &*call.world;
    let until = wanted.to.unwrap_or(wanted.from.unwrap_or(call.at()).max(call.at()) + HORIZON_MS);
    let mut found: Vec<Event> = Vec::new();
    for event in world.calendar.events.iter().filter(|event| is_in(event, &calendar) && wanted.takes(event)) {
        match instances(world, &calendar, event, until).filter(|_| single && !event.cancelled) {
            Some(all) => found.extend(all.into_iter().filter(|one| wanted.overlaps(&calendar, one))),
            None if wanted.is_when(world, &calendar, event) => found.push(event.clone()),
            None => {}
        }
    }
    match order {
        Some("startTime") => found.sort_by_key(|event| event.start.millis(&calendar.zone)),
        Some(_) => found.sort_by_key(|event| event.updated),
        None => {}
    }
    reply(call, &calendar, &found, size)
}

fn reply(call: &Call<'_>, calendar: &Calendar, found: &[Event], size: usize) -> Result {
    let rank = acl::rank(call.world, calendar, call.user());
    if rank < acl::READER {
        return Err(ApiError::forbidden("forbidden", "Forbidden"));
    }
    let all: Vec<Value> = found.iter().map(|event| shown(call.world, event, call.user())).collect();
    let (page, next) = call.page(all, size)?;
    let mut list = json!({
        "kind": "calendar#events",
        "etag": format!("\"{}\"", call.world.calendar.changes),
        "summary": calendar.fields.get("summary"),
        "updated": moment(found.iter().map(|event| event.updated).max().unwrap_or(call.at())),
        "timeZone": calendar.zone.iana_name().unwrap_or("UTC"),
        "accessRole": acl::name(rank),
        "defaultReminders": [],
        "items": page,
    });
    // Sorted lists are no start for changes.
    if next.is_none() && call.query.filled("orderBy").is_none() {
        list["nextSyncToken"] = json!(sync_token(call.world));
    }
    Ok(Reply::Json(with_next(list, next)))
}

/// The instances of a recurring event that are asked for, changed ones included.
fn instances_of(call: &Call<'_>, calendar: &Calendar, id: &str) -> Result<Vec<Event>> {
    let world = &*call.world;
    let found = world.calendar.events.iter().find(|event| event.id == id && is_in(event, calendar));
    let event = found.ok_or_else(|| ApiError::not_found("Not Found"))?;
    let wanted = Wanted::read(call)?;
    let until = wanted.to.unwrap_or(call.at() + HORIZON_MS);
    let mut all = instances(world, calendar, event, until).unwrap_or_default();
    let changed = world
        .calendar
        .events
        .iter()
        .filter(|held| held.calendar == event.calendar && held.fields.get("recurringEventId") == Some(&json!(id)));
    all.extend(changed.filter(|held| wanted.deleted || !held.cancelled).cloned());
    all.retain(|one| wanted.overlaps(calendar, one));
    all.sort_by_key(|one| one.start.millis(&calendar.zone));
    Ok(all)
}

/// Answers with the instances of a recurring event.
pub(super) fn instances_reply(call: &mut Call<'_>, calendar: &str, id: &str) -> Result {
    call.needs(EVENTS_READ)?;
    let calendar = readable(call, calendar)?;
    let size = call.size("maxResults", 250, 2500)?;
    let all = instances_of(call, &calendar, id)?;
    reply(call, &calendar, &all, size)
}
