//! New events. <https://developers.google.com/workspace/calendar/api/v3/reference/events/insert>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    super::{
        GoogleWorkspace,
        define::{self, check_id, made_or_found, operation},
        scopes,
    },
    events,
    objects::Event,
    when::{self, When},
    words::{Attendee, ExtendedProperties, Reminders, Said, SendUpdates},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Repeat, Request},
};

/// How long after each look it is looked again whether a meeting has its link.
const BETWEEN: Duration = Duration::from_millis(500);
/// What a call keeps of its time to answer that the link is not there yet.
const RESERVE: Duration = Duration::from_secs(3);

operation! {
    /// Makes an event, invites people, and makes a meeting for it. With `meetLink` the answer waits for the link; if it is
    /// not there in time, `conferenceData.createRequest.status.statusCode` says `pending`, and `getEvent` brings it later.
    ///
    /// <https://developers.google.com/workspace/calendar/api/guides/create-events>. Access `write`. Repeated with the same
    /// idempotency key it makes one event and one meeting. Errors: `not_found` where there is no such calendar, `conflict`
    /// where what an earlier try has made was called off or changed since.
    ///
    /// Example: `{"summary": "Parents' evening", "start": {"dateTime": "2026-12-01T18:00:00+01:00"}, "end": {"dateTime": "2026-12-01T20:00:00+01:00"}, "attendees": [{"email": "teacher@school.edu"}], "meetLink": true}`
    CreateEvent = "createEvent", Write, WithKey -> Event,
    scopes scopes::EVENTS,
    discloses {
        "summary": Schedule(Anyone), "description": Schedule(Anyone), "location": Location(Anyone), "start": Schedule(Anyone),
        "end": Schedule(Anyone), "attendees[].email": Contact(Anyone), "attendees[].displayName": Identity(Anyone),
        "extendedProperties": Schedule(Anyone), "calendarId": Contact(Anyone)
    }
    path {}
    required {
        /// The title.
        summary: String,
        /// When it begins.
        start: When,
        /// When it ends: the first moment, or day, after it.
        end: When,
    }
    optional {
        /// The calendar. Default: `primary`, the user's own.
        calendar_id: String,
        /// What it is about; may hold HTML.
        description: String,
        /// Where it is.
        location: String,
        /// Who is invited, up to 200; a group counts as one.
        attendees: Vec<Attendee>,
        /// The rules by which it recurs (RFC 5545): `RRULE:FREQ=WEEKLY;COUNT=10`.
        recurrence: Vec<String>,
        /// When people are reminded. Default: as the calendar says.
        reminders: Reminders,
        /// Whether it gets a Google Meet link.
        meet_link: bool,
        /// Whom Google writes to. Default: nobody.
        send_updates: SendUpdates,
        /// `default`, `public`, `private` or `confidential`.
        visibility: String,
        /// `opaque`, or `transparent` for an event during which people are free.
        transparency: String,
        /// The number of a colour.
        color_id: String,
        /// Whether guests may change it.
        guests_can_modify: bool,
        /// Whether guests may invite others.
        guests_can_invite_others: bool,
        /// Whether guests see each other.
        guests_can_see_other_guests: bool,
        /// Notes of the application.
        extended_properties: ExtendedProperties,
    }
    check |this| {
        check_calendar(this.calendar_id.as_deref())?;
        this.said().check()?;
        when::check(Some(&this.start), Some(&this.end), this.recurrence.is_some())?;
        check_words(this.visibility.as_deref(), this.transparency.as_deref())?;
    }
    run |this, call| {
        let id = call.vendor_key("");
        let calendar = this.calendar_id.as_deref();
        let url = events(call, calendar, &[&id])?;
        let found = async { this.same(define::read(call, url).await?) };
        let event: Event = made_or_found(call, this.request(call, &id)?, Repeat::WithKey, found).await?;
        if this.meet_link == Some(true) { with_link(call, calendar, event).await } else { Ok(event) }
    }
}

impl CreateEvent {
    fn said(&self) -> Said<'_> {
        Said {
            summary: Some(&self.summary),
            description: self.description.as_deref(),
            attendees: self.attendees.as_deref(),
            recurrence: self.recurrence.as_deref(),
            reminders: self.reminders.as_ref(),
        }
    }

    /// What is there under the id of this call, if it is what this call wants: an earlier try has made it. Ids of ours are
    /// never taken twice, but what they stand for can be called off or changed since.
    ///
    /// Errors: `conflict`.
    pub(super) fn same(&self, there: Event) -> Result<Event> {
        let summary = there.summary.as_deref().unwrap_or_default().trim();
        let starts = there.start.as_ref().is_some_and(|start| self.start.is(start));
        let why = if there.status.as_deref() == Some("cancelled") {
            "an earlier try has made this event, and it was called off since"
        } else if summary != self.summary.trim() || !starts {
            "an earlier try has made this event, and it was changed since: read it by its id"
        } else {
            return Ok(there);
        };
        let id = there.id.unwrap_or_default();
        Err(Error::new(ErrorCode::Conflict, format!("{why} ({id}); another event needs another idempotency key")))
    }

    /// The request for it. With an id of ours, making it twice makes it once.
    pub(super) fn request(&self, call: &Call<'_, GoogleWorkspace>, id: &str) -> Result<Request> {
        let mut body = self.rest()?;
        body.insert("id".to_owned(), json!(id));
        let request = call.post(events(call, self.calendar_id.as_deref(), &[])?);
        Ok(with_options(request, body, self.send_updates, self.meet_link == Some(true), &format!("meet-{id}")))
    }
}

operation! {
    /// Reads an event.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/events/get>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"eventId": "0123456789abcdef0123456789abcdef"}`
    GetEvent = "getEvent", Read, Always -> Event,
    scopes scopes::EVENT,
    discloses { "calendarId": Contact(Anyone) }
    path {
        /// The event's id.
        event_id: String,
    }
    required {}
    optional {
        /// The calendar. Default: `primary`, the user's own.
        calendar_id: String,
        /// The time zone in which its times are written.
        time_zone: String,
    }
    check |this| { check_calendar(this.calendar_id.as_deref())?; }
    run |this, call| {
        let mut query = this.rest()?;
        query.remove("calendarId");
        define::get(call, events(call, this.calendar_id.as_deref(), &[&this.event_id])?, &query).await
    }
}

pub(super) fn check_calendar(id: Option<&str>) -> Result<()> {
    id.map_or(Ok(()), |id| check_id("calendar_id", id))
}

/// Google's words, of which it takes no others.
pub(super) fn check_words(visibility: Option<&str>, transparency: Option<&str>) -> Result<()> {
    let one_of = |field: &str, word: Option<&str>, known: &[&str]| match word {
        Some(word) if !known.contains(&word) => {
            Err(Error::invalid(field, format!("must be one of {}", known.join(", "))))
        }
        _ => Ok(()),
    };
    one_of("visibility", visibility, &["default", "public", "private", "confidential"])?;
    one_of("transparency", transparency, &["opaque", "transparent"])
}

/// An event as Google takes it: what are parameters of ours or of the query is no member of it.
pub(super) fn with_options(
    mut request: Request,
    mut body: Map<String, Value>,
    updates: Option<SendUpdates>,
    meeting: bool,
    meeting_key: &str,
) -> Request {
    for name in ["calendarId", "sendUpdates", "meetLink", "ifMatch"] {
        body.remove(name);
    }
    if meeting {
        // A repeat with the same id asks for nothing more.
        let kind = json!({ "type": "hangoutsMeet" });
        let wanted = json!({ "createRequest": { "requestId": meeting_key, "conferenceSolutionKey": kind } });
        body.insert("conferenceData".to_owned(), wanted);
        request = request.query("conferenceDataVersion", "1");
    }
    if let Some(updates) = updates {
        request = request.query("sendUpdates", updates.name());
    }
    request.json(&Value::Object(body))
}

/// Waits for the link of a meeting that was asked for, as long as the call has time.
pub(super) async fn with_link(
    call: &Call<'_, GoogleWorkspace>,
    calendar: Option<&str>,
    mut event: Event,
) -> Result<Event> {
    let is_pending = |event: &Event| {
        let request = event.conference_data.as_ref().and_then(|meeting| meeting.create_request.as_ref());
        let code = request.and_then(|request| request.status.as_ref()?.status_code.as_deref());
        code == Some("pending")
    };
    let id = event.id.clone().unwrap_or_default();
    while is_pending(&event) && call.deadline().since(call.now()) > RESERVE {
        call.runtime().sleep(BETWEEN).await;
        // The event is there: that it cannot be read just now is no reason to say that it is not.
        match define::read(call, events(call, calendar, &[&id])?).await {
            Ok(now) => event = now,
            Err(_) => break,
        }
    }
    Ok(event)
}
