//! Calendar v3.

mod acl;
mod conference;
mod events;
mod free_busy;
mod input;
mod list;
mod recurrence;
mod time;

use hyper::Method;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply, Result, moment, text, with_next};
use super::error::ApiError;
use super::world::World;
use acl::Rule;
use time::Point;

const LIST: &[&str] = &["calendar", "calendar.calendarlist", "calendar.calendarlist.readonly", "calendar.readonly"];
const CALENDARS_READ: &[&str] =
    &["calendar", "calendar.app.created", "calendar.calendars", "calendar.calendars.readonly", "calendar.readonly"];
const CALENDARS: &[&str] = &["calendar", "calendar.app.created", "calendar.calendars"];
const EVENTS: &[&str] = &["calendar", "calendar.app.created", "calendar.events", "calendar.events.owned"];
const EVENTS_READ: &[&str] = &[
    "calendar",
    "calendar.app.created",
    "calendar.events",
    "calendar.events.freebusy",
    "calendar.events.owned",
    "calendar.events.owned.readonly",
    "calendar.events.public.readonly",
    "calendar.events.readonly",
    "calendar.readonly",
];
const BUSY: &[&str] = &["calendar", "calendar.events.freebusy", "calendar.freebusy", "calendar.readonly"];
const ACL: &[&str] = &["calendar", "calendar.acls"];
const ACL_READ: &[&str] = &["calendar", "calendar.acls", "calendar.acls.readonly"];

/// How long a channel on events lives at most, in milliseconds.
const CHANNEL_LIFE_MS: i64 = 30 * 24 * 3_600_000;

/// A calendar. A user's own has the user's address for an id.
#[derive(Debug, Clone)]
struct Calendar {
    id: String,
    fields: Map<String, Value>,
    zone: TimeZone,
    owner: String,
    rules: Vec<Rule>,
}

/// An event, or a changed instance of one.
#[derive(Debug, Clone)]
struct Event {
    id: String,
    calendar: String,
    /// As it is shown, but for what follows from the rest.
    fields: Map<String, Value>,
    start: Point,
    end: Point,
    updated: i64,
    cancelled: bool,
    /// The number of its last change among all.
    change: u64,
    /// How many times more its conference is shown as being made.
    pending: u64,
}

/// Everything that Calendar keeps.
#[derive(Debug, Default)]
pub(super) struct Calendars {
    calendars: Vec<Calendar>,
    events: Vec<Event>,
    changes: u64,
    /// Tokens of changes up to here are not taken any more.
    stale_until: u64,
    /// How often a new conference is shown as being made before it is there.
    pub(super) pending: u64,
    /// Address, event and occasion of every mail about an event.
    pub(super) notices: Vec<(String, String, &'static str)>,
}

impl Calendars {
    /// Makes all tokens for changes that were handed out useless.
    pub(super) fn forget_changes(&mut self) {
        self.changes += 1;
        self.stale_until = self.changes;
    }

    /// Events as tests see them, with the `calendar` of each, in the order of their making.
    pub(super) fn all(&self) -> Vec<Value> {
        let whole = |event: &Event| {
            let mut shown = event.fields.clone();
            shown.insert("id".to_owned(), json!(event.id));
            shown.insert("calendar".to_owned(), json!(event.calendar));
            shown.insert("status".to_owned(), json!(if event.cancelled { "cancelled" } else { "confirmed" }));
            shown.insert("start".to_owned(), event.start.shown());
            shown.insert("end".to_owned(), event.end.shown());
            Value::Object(shown)
        };
        self.events.iter().map(whole).collect()
    }
}

/// Answers behind `/calendar/v3/`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    match (&method, path) {
        (&Method::GET, ["users", "me", "calendarList"]) => calendar_list(call),
        (&Method::POST, ["calendars"]) => create(call),
        (&Method::GET, ["calendars", id]) => {
            call.needs(CALENDARS_READ)?;
            let calendar = readable(call, id)?;
            Ok(Reply::Json(calendar.shown()))
        }
        (&Method::GET, ["calendars", id, "events"]) => list::list(call, id),
        (&Method::POST, ["calendars", id, "events"]) => events::insert(call, id),
        (&Method::POST, ["calendars", id, "events", "watch"]) => {
            call.needs(EVENTS_READ)?;
            readable(call, id)?;
            super::channels::open(call, CHANNEL_LIFE_MS)
        }
        (&Method::GET, ["calendars", id, "events", event]) => events::get(call, id, event),
        (&Method::PATCH, ["calendars", id, "events", event]) => events::patch(call, id, event),
        (&Method::PUT, ["calendars", id, "events", event]) => events::replace(call, id, event),
        (&Method::DELETE, ["calendars", id, "events", event]) => events::delete(call, id, event),
        (&Method::GET, ["calendars", id, "events", event, "instances"]) => list::instances_reply(call, id, event),
        (&Method::GET, ["calendars", id, "acl"]) => acl::list(call, id),
        (&Method::POST, ["calendars", id, "acl"]) => acl::insert(call, id),
        (&Method::POST, ["freeBusy"]) => free_busy::query(call),
        (&Method::POST, ["channels", "stop"]) => super::channels::stop(call),
        (&Method::GET, ["colors"]) => {
            call.needs(&[EVENTS_READ, LIST].concat())?;
            let color = json!({ "background": "#a4bdfc", "foreground": "#1d1d1d" });
            Ok(Reply::Json(json!({
                "kind": "calendar#colors",
                "updated": "2012-02-14T00:00:00.000Z",
                "calendar": { "1": color },
                "event": { "1": color },
            })))
        }
        _ => Err(ApiError::not_found("Not Found")),
    }
}

impl Calendar {
    fn shown(&self) -> Value {
        let mut shown = json!({
            "kind": "calendar#calendar",
            "etag": format!("\"{}\"", self.id.len()),
            "id": self.id,
            "timeZone": self.zone.iana_name().unwrap_or("UTC"),
            "dataOwner": self.owner,
            "conferenceProperties": { "allowedConferenceSolutionTypes": ["hangoutsMeet"] },
        });
        if let Some(shown) = shown.as_object_mut() {
            shown.extend(self.fields.clone());
        }
        shown
    }

    fn is_primary(&self) -> bool {
        self.id == self.owner
    }
}

/// Sees to it that a user's own calendar is there, and says the id that `primary` means.
fn resolve(call: &mut Call<'_>, id: &str) -> String {
    let id = if id == "primary" { call.user().to_owned() } else { id.to_owned() };
    let known = call.world.calendar.calendars.iter().any(|calendar| calendar.id == id);
    if let (false, Some(person)) = (known, call.world.people.find(&id)) {
        let (owner, mut fields) = (person.email.clone(), Map::new());
        fields.insert("summary".to_owned(), json!(owner));
        let rules = vec![Rule::owner(&owner)];
        let calendar = Calendar { id: owner.clone(), fields, zone: TimeZone::UTC, owner, rules };
        call.world.calendar.calendars.push(calendar);
    }
    id
}

/// A calendar whose events the user may read, at least as free or busy.
fn readable(call: &mut Call<'_>, id: &str) -> Result<Calendar> {
    let id = resolve(call, id);
    let found = call.world.calendar.calendars.iter().find(|calendar| calendar.id == id);
    let found = found.filter(|calendar| acl::rank(call.world, calendar, call.user()) >= acl::BUSY_READER);
    found.cloned().ok_or_else(|| ApiError::not_found("Not Found"))
}

/// A calendar whose events the user may write.
fn writable(call: &mut Call<'_>, id: &str) -> Result<Calendar> {
    let calendar = readable(call, id)?;
    if acl::rank(call.world, &calendar, call.user()) < acl::WRITER {
        let why = "You need to have writer access to this calendar.";
        return Err(ApiError::forbidden("requiredAccessLevel", why));
    }
    Ok(calendar)
}

fn create(call: &mut Call<'_>) -> Result {
    call.needs(CALENDARS)?;
    let mut fields = call.body()?;
    if text(&fields, "summary").is_none() {
        return Err(ApiError::new(hyper::StatusCode::BAD_REQUEST, "required", "Missing title."));
    }
    let zone = text(&fields, "timeZone").map_or(Ok(TimeZone::UTC), time::zone)?;
    fields.retain(|name, _| ["summary", "description", "location"].contains(&name.as_str()));
    let owner = call.user().to_owned();
    let id = format!("c_{}@group.calendar.google.com", call.world.ids.event());
    let rules = vec![Rule::owner(&owner)];
    let calendar = Calendar { id, fields, zone, owner, rules };
    let shown = calendar.shown();
    call.world.calendar.calendars.push(calendar);
    Ok(Reply::Json(shown))
}

fn calendar_list(call: &mut Call<'_>) -> Result {
    call.needs(LIST)?;
    resolve(call, "primary");
    let size = call.size("maxResults", 100, 250)?;
    let least = match call.query.filled("minAccessRole") {
        None => acl::BUSY_READER,
        Some(role) => acl::known(role).ok_or_else(|| ApiError::parameter("minAccessRole", "Invalid value"))?,
    };
    let (world, user) = (&*call.world, call.user());
    let entry = |calendar: &Calendar| {
        let rank = acl::rank_of_user(world, calendar, user);
        (rank >= least).then(|| {
            let mut shown = calendar.shown();
            shown["kind"] = json!("calendar#calendarListEntry");
            shown["accessRole"] = json!(acl::name(rank));
            shown["selected"] = json!(true);
            shown["defaultReminders"] = json!([]);
            if calendar.id == user {
                shown["primary"] = json!(true);
            }
            shown
        })
    };
    let mut entries: Vec<Value> = world.calendar.calendars.iter().filter_map(entry).collect();
    entries.sort_by_key(|entry| entry.get("primary").is_none());
    let (page, next) = call.page(entries, size)?;
    let mut list = json!({ "kind": "calendar#calendarList", "etag": "\"1\"", "items": page });
    if next.is_none() {
        list["nextSyncToken"] = json!(list::sync_token(call.world));
    }
    Ok(Reply::Json(with_next(list, next)))
}

/// An event's label for a state that it was in.
fn etag(event: &Event) -> String {
    format!("\"{}{:06}\"", event.updated, event.change)
}

/// The next number of a change.
fn next_change(world: &mut World) -> u64 {
    world.calendar.changes += 1;
    world.calendar.changes
}

/// An event as a user sees it.
fn shown(world: &World, event: &Event, user: &str) -> Value {
    let mut fields = event.fields.clone();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("kind", json!("calendar#event"));
    put("id", json!(event.id));
    put("etag", json!(etag(event)));
    put("status", json!(if event.cancelled { "cancelled" } else { "confirmed" }));
    put("updated", json!(moment(event.updated)));
    put("start", event.start.shown());
    put("end", event.end.shown());
    put("eventType", json!("default"));
    let link = super::ids::link_id(&format!("{} {}", event.id, event.calendar));
    put("htmlLink", json!(format!("https://www.google.com/calendar/event?eid={link}")));
    for name in ["creator", "organizer"] {
        if let Some(person) = fields.get_mut(name)
            && person["email"] == *user
        {
            person["self"] = json!(true);
        }
    }
    for attendee in fields.get_mut("attendees").and_then(Value::as_array_mut).into_iter().flatten() {
        let email = attendee["email"].as_str().unwrap_or("").to_owned();
        if let Some(person) = world.people.find(&email) {
            attendee["displayName"] = attendee.get("displayName").cloned().unwrap_or_else(|| json!(person.name()));
        }
        if email.eq_ignore_ascii_case(user) {
            attendee["self"] = json!(true);
        }
    }
    if event.pending > 0 {
        conference::hide(&mut fields);
    }
    Value::Object(fields)
}
