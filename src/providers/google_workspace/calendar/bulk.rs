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
    error::{Error, Result},
    providers::Call,
    transport::{Repeat, Request},
};

const CALENDAR: Endpoint = Endpoint { host: host::MAIN, path: &["batch", "calendar", "v3"], most: 50 };
/// What to do about an event of which it stays unknown whether it was made.
const LOOK_FIRST: &str = "see with getEvent whether there is one of this id by now, before you make it again";

operation! {
    /// Makes many events, fifty to a request. What is wrong with one holds up no other: each has its own result. Links to
    /// meetings may still be pending in the answer; `getEvent` brings them.
    ///
    /// <https://developers.google.com/workspace/calendar/api/guides/batch>. Access `write`. Repeated with the same idempotency
    /// key it makes each event once. Where an answer is lost, the event is looked for by its id; one that is not found stays
    /// `unknown`, with the id under which `getEvent` finds it if it was made after all.
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
    let answers = batch::send(call, CALENDAR, requests, Repeat::WithKey).await?;
    let pair = |at: usize| wanted.get(at).zip(ids.get(at)).ok_or_else(|| Error::internal("there is no such event"));
    let there = |at: usize| {
        let (event, id) = pair(at)?;
        Ok(call.get(events(call, event.calendar_id.as_deref(), &[id])?))
    };
    // What is found under an id of ours, an earlier try has made.
    let outcomes = batch::made_or_found(call, CALENDAR, answers, there, |at, there| pair(at)?.0.same(there)).await?;
    let results = outcomes.into_iter().zip(ids).enumerate().map(|(at, (outcome, id))| {
        let lost = batch::is_lost(&outcome).then_some(id);
        match batch::advised(outcome, LOOK_FIRST) {
            Ok(event) => ItemResult::done(at, event.id.clone(), Some(event)),
            Err(error) => ItemResult::failed(at, lost, &error),
        }
    });
    let results = results.collect();
    Ok(BatchReport::new(call, results))
}
