//! Many events at once. <https://developers.google.com/workspace/calendar/api/guides/batch>

use super::{
    super::{
        GoogleWorkspace,
        batch::{self, BatchReport, Endpoint, ItemResult},
        define::operation,
        drive::check_count,
        scopes,
        wire::host,
    },
    create::CreateEvent,
    events,
    objects::Event,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Repeat, Request},
};

const CALENDAR: Endpoint = Endpoint { host: host::MAIN, path: &["batch", "calendar", "v3"], most: 50 };

operation! {
    /// Makes many events, fifty to a request. What is wrong with one holds up no other: each has its own result. Links to
    /// meetings may still be pending in the answer; `getEvent` brings them.
    ///
    /// <https://developers.google.com/workspace/calendar/api/guides/batch>. Access `write`. Repeated with the same idempotency
    /// key it makes each event once.
    ///
    /// Example: `{"events": [{"summary": "Sports day", "start": {"date": "2026-06-20"}, "end": {"date": "2026-06-21"}}]}`
    CreateEvents = "createEvents", Write, WithKey -> BatchReport<Event>,
    scopes scopes::EVENTS,
    deadline 300,
    discloses {
        "events[].summary": Schedule(Anyone), "events[].description": Schedule(Anyone), "events[].location": Location(Anyone),
        "events[].start": Schedule(Anyone), "events[].end": Schedule(Anyone), "events[].attendees[].email": Contact(Anyone),
        "events[].attendees[].displayName": Identity(Anyone), "events[].extendedProperties": Schedule(Anyone),
        "events[].calendarId": Contact(Anyone)
    }
    path {}
    required {
        /// The events, up to 1000, each as `createEvent` takes it.
        events: Vec<CreateEvent>,
    }
    optional {}
    check |this| {
        check_count("events", this.events.len())?;
        for (at, event) in this.events.iter().enumerate() {
            let here = |error: Error| error.within(&format!("events[{at}]"));
            if event.as_user.is_some() {
                return Err(here(Error::invalid("asUser", "belongs beside events: one call is on behalf of one user")));
            }
            event.validate().map_err(here)?;
        }
    }
    run |this, call| { create_all(call, &this.events).await }
}

async fn create_all(call: &Call<'_, GoogleWorkspace>, wanted: &[CreateEvent]) -> Result<BatchReport<Event>> {
    // Ids are made of the digits and letters to `v`: the position is in hex.
    let ids: Vec<String> = (0..wanted.len()).map(|at| format!("{}{at:04x}", call.vendor_key(""))).collect();
    let requests =
        wanted.iter().zip(&ids).map(|(event, id)| event.request(call, id)).collect::<Result<Vec<Request>>>()?;
    let mut results =
        batch::objects(call, CALENDAR, requests, Repeat::WithKey, |event: &Event| event.id.clone()).await?;
    // An event of this id is there: an earlier try has made it.
    let is_made = |result: &ItemResult<Event>| {
        result.error.as_ref().is_some_and(|error| error.code == ErrorCode::Conflict.name())
    };
    let made: Vec<usize> = results.iter().filter(|result| is_made(result)).map(|result| result.index).collect();
    let read = made.iter().filter_map(|at| Some((wanted.get(*at)?, ids.get(*at)?)));
    let read = read.map(|(event, id)| Ok(call.get(events(call, event.calendar_id.as_deref(), &[id])?)));
    let found = batch::follow(call, CALENDAR, read.collect::<Result<Vec<Request>>>()?, Repeat::Always).await;
    for (at, found) in made.iter().zip(found) {
        if let (Some(result), Some(event)) = (results.get_mut(*at), wanted.get(*at)) {
            let there = found.and_then(|response| call.read::<Event>(&response, Repeat::Always));
            *result = match there.and_then(|there| event.same(there)) {
                Ok(event) => ItemResult::done(*at, event.id.clone(), Some(event)),
                Err(error) => ItemResult::failed(*at, None, &error),
            };
        }
    }
    Ok(BatchReport::new(call, results))
}
