//! Calendars: events, what of them falls into a span of time, and when people are free.

mod events;
mod online;
mod recurrence;
mod schedule;
mod zones;

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{Context, Outcome, merge, needed};
use super::error::GraphError;
use super::filter;
use super::odata::Listing;
use super::table::Kind;
use crate::exchange::Answer;

const CALENDARS: Listing<'_> = Listing::new("users('id')/calendars").size(10);

pub(super) fn route(context: &mut Context<'_>, user: &str, path: &[&str]) -> Outcome {
    let default = default_of(context, user)?;
    match (context.method().clone(), path) {
        (Method::POST, ["calendar", "getSchedule"]) => schedule::get(context),
        (Method::GET, ["calendars"]) => context.list(Kind::Calendar, user, &CALENDARS),
        (Method::POST, ["calendars"]) => {
            let name = needed(&context.body()?, "name")?.to_owned();
            let id = context.world.mailbox_id();
            let calendar =
                json!({ "id": id, "name": name, "isDefaultCalendar": false, "canEdit": true, "canShare": true });
            context.world.add(Kind::Calendar, user, calendar.clone());
            context.whole(StatusCode::CREATED, CALENDARS.set, calendar)
        }
        (_, ["calendar"]) => one(context, user, &default),
        (_, ["calendars", id]) => one(context, user, id),
        (Method::GET, ["calendarView"] | ["calendar", "calendarView"]) => view(context, user, &default),
        (Method::GET, ["calendars", id, "calendarView"]) => {
            let id = known(context, user, id)?;
            view(context, user, &id)
        }
        (_, ["events", rest @ ..] | ["calendar", "events", rest @ ..]) => events::route(context, user, &default, rest),
        (_, ["calendars", id, "events", rest @ ..]) => {
            let id = known(context, user, id)?;
            events::route(context, user, &id, rest)
        }
        _ => Err(GraphError::no_route()),
    }
}

/// The calendar that a mailbox has from the start.
pub(super) fn default_of(context: &Context<'_>, user: &str) -> Result<String, GraphError> {
    let mut calendars = context.world.table.under(Kind::Calendar, user);
    let default = calendars.find(|row| row.value.get("isDefaultCalendar") == Some(&json!(true)));
    default.map(|row| row.id.clone()).ok_or_else(GraphError::no_mailbox_item)
}

fn known(context: &Context<'_>, user: &str, id: &str) -> Result<String, GraphError> {
    let calendar = context.world.table.get(Kind::Calendar, user, id);
    calendar.map(|row| row.id.clone()).ok_or_else(GraphError::no_mailbox_item)
}

fn one(context: &mut Context<'_>, user: &str, id: &str) -> Outcome {
    let id = known(context, user, id)?;
    match *context.method() {
        Method::GET => {
            let row = context.world.table.get(Kind::Calendar, user, &id).ok_or_else(GraphError::no_mailbox_item)?;
            context.one(row.value.clone(), &CALENDARS)
        }
        Method::PATCH => {
            let patch = context.body()?;
            let row = context.world.table.change(Kind::Calendar, user, &id).ok_or_else(GraphError::no_mailbox_item)?;
            merge(&mut row.value, &patch);
            let calendar = row.value.clone();
            context.whole(StatusCode::OK, CALENDARS.set, calendar)
        }
        Method::DELETE => {
            context.world.table.remove(Kind::Calendar, user, &id);
            context.world.table.clear_under(Kind::Event, &id);
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}

/// `calendarView`: what falls into a span, each occurrence of a series on its own, by time.
fn view(context: &Context<'_>, user: &str, calendar: &str) -> Outcome {
    let query = context.request.query();
    let moment = |name: &str| -> Result<Timestamp, GraphError> {
        let message = format!(
            "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime: {name}."
        );
        let text = query.filled(name).or(query.filled(&name.to_lowercase()));
        text.and_then(filter::moment)
            .ok_or_else(|| GraphError::new(StatusCode::BAD_REQUEST, "ErrorInvalidParameter", message))
    };
    let (from, to) = (moment("startDateTime")?, moment("endDateTime")?);
    let rows = context.world.table.under(Kind::Event, calendar);
    let mut found: Vec<(Timestamp, Value)> =
        rows.flat_map(|row| recurrence::occurrences(&row.value, from, to)).collect();
    found.sort_by_key(|(start, _)| *start);
    let events = found.into_iter().map(|(_, event)| events::shown(context, event)).collect();
    context.page(events, &Listing { set: &format!("users('{user}')/calendarView"), ..events::EVENTS })
}
