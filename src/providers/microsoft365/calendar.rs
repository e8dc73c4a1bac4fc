//! Calendars and their events. <https://learn.microsoft.com/graph/api/resources/calendar-overview>

use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::{
    channels::{ContentType, ItemBody},
    check,
    graph::{Done, Graph, found, query, quoted},
    meeting_text,
    wire::{arguments, choice, list, object, operation, record},
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Method, Repeat, Response, oauth::Scopes},
};

const READS: Scopes = &[&["Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadBasic.All"]];
const WRITES: Scopes = &[&["Calendars.ReadWrite"]];

/// How many people one event may be for.
const ATTENDEES: usize = 500;

object! {
    /// A calendar.
    Calendar {
        /// Its name.
        name: String,
        /// Whether it is the mailbox's own.
        is_default_calendar: bool,
        /// Whether it can be written into.
        can_edit: bool,
        /// Whose it is.
        owner: Value,
    }
}

record! {
    /// A time on the clock of a place.
    EventTime {
        /// The time, without an offset.
        date_time: String,
        /// The zone, by its Windows or IANA name.
        time_zone: String,
    }
}

object! {
    /// An event.
    Event {
        /// Its subject.
        subject: String,
        /// What it is about.
        body: ItemBody,
        /// How that begins.
        body_preview: String,
        /// When it begins.
        start: EventTime,
        /// When it ends.
        end: EventTime,
        /// Where.
        location: Value,
        /// Who takes part, and what they answered.
        attendees: Vec<Value>,
        /// Who invites.
        organizer: Value,
        /// Whether it is for whole days.
        is_all_day: bool,
        /// Whether it was called off.
        is_cancelled: bool,
        /// Whether there is a meeting in Teams.
        is_online_meeting: bool,
        /// Where to join that: `joinUrl`.
        online_meeting: Value,
        /// How it repeats.
        recurrence: Value,
        /// The event it is one of.
        series_master_id: String,
        /// `singleInstance`, `occurrence`, `exception` or `seriesMaster`.
        r#type: String,
        /// `free`, `tentative`, `busy`, `oof` or `workingElsewhere`.
        show_as: String,
        /// By which all calendars know it.
        #[serde(rename = "iCalUId")]
        i_cal_uid: String,
        /// Its page.
        web_link: String,
        /// Changes with each change.
        change_key: String,
        /// By which a repetition was known.
        transaction_id: String,
    }
}

arguments! {
    /// When something begins or ends.
    When {
        required {
            /// The time on the clock there, without an offset: `2026-12-01T10:00:00`.
            date_time: String,
        }
        optional {
            /// The zone, by its IANA or Windows name, such as `America/New_York`. Default: UTC.
            time_zone: String,
        }
    }
}

impl When {
    fn zone(&self) -> &str {
        self.time_zone.as_deref().unwrap_or("UTC")
    }

    pub(super) fn body(&self) -> Value {
        json!({ "dateTime": self.date_time, "timeZone": self.zone() })
    }

    /// The moment, where the zone is one we know: Windows has names of its own.
    fn moment(&self, local: DateTime) -> Option<jiff::Timestamp> {
        local.in_tz(self.zone()).ok().map(|zoned| zoned.timestamp())
    }
}

/// What ends must have begun. Between zones of which one is not known to us, Microsoft has the word.
pub(super) fn in_order(start: &When, end: &When) -> Result<()> {
    let begins = check::wall_clock("start.dateTime", &start.date_time)?;
    let ends = check::wall_clock("end.dateTime", &end.date_time)?;
    let backwards = if start.zone() == end.zone() {
        ends < begins
    } else {
        start.moment(begins).zip(end.moment(ends)).is_some_and(|(begins, ends)| ends < begins)
    };
    if backwards {
        return Err(Error::invalid("end", "must not be before start"));
    }
    Ok(())
}

choice! {
    /// Whether somebody is needed.
    AttendeeKind {
        /// They are.
        Required = "required",
        /// They may come.
        Optional = "optional",
        /// A room or a thing.
        Resource = "resource",
    }
}

arguments! {
    /// Somebody who is invited.
    Attendee {
        required {
            /// Their address.
            address: String,
        }
        optional {
            /// Their name.
            name: String,
            /// `required`, `optional` or `resource`. Default: required.
            kind: AttendeeKind,
        }
    }
}

/// What of an event is given, as Graph takes it.
struct Given<'a> {
    start: Option<&'a When>,
    end: Option<&'a When>,
    content: Option<&'a String>,
    content_type: Option<ContentType>,
    location: Option<&'a String>,
    attendees: Option<&'a Vec<Attendee>>,
    is_online_meeting: Option<bool>,
}

impl Given<'_> {
    fn put(&self, body: &mut Value) {
        let times = [("start", self.start), ("end", self.end)];
        for (name, when) in times.into_iter().filter_map(|(name, when)| Some((name, when?))) {
            body[name] = when.body();
        }
        if let Some(content) = self.content {
            body["body"] = json!({ "content": content, "contentType": self.content_type.unwrap_or(ContentType::Text) });
        }
        if let Some(location) = self.location {
            body["location"] = json!({ "displayName": location });
        }
        if let Some(attendees) = self.attendees {
            let attendee = |one: &Attendee| {
                let mut address = json!({ "address": one.address });
                if let Some(name) = &one.name {
                    address["name"] = json!(name);
                }
                json!({ "emailAddress": address, "type": one.kind.unwrap_or(AttendeeKind::Required) })
            };
            body["attendees"] = attendees.iter().map(attendee).collect();
        }
        if self.is_online_meeting == Some(true) {
            body["onlineMeetingProvider"] = json!("teamsForBusiness");
        }
    }
}

/// Members that [`Given`] writes in Graph's own way, or that stand in the path.
const WRITTEN: &[&str] =
    &["userId", "eventId", "calendarId", "start", "end", "content", "contentType", "location", "attendees"];

fn people(attendees: Option<&Vec<Attendee>>) -> Result<()> {
    let Some(attendees) = attendees else { return Ok(()) };
    for (at, attendee) in attendees.iter().enumerate() {
        check::address(&format!("attendees[{at}].address"), &attendee.address)?;
    }
    if attendees.len() > ATTENDEES {
        return Err(Error::invalid(format!("attendees[{ATTENDEES}]"), format!("is one too many: at most {ATTENDEES}")));
    }
    Ok(())
}

list! {
    /// Lists the calendars of a mailbox.
    ///
    /// <https://learn.microsoft.com/graph/api/user-list-calendars>. Access `read`. Application or delegated:
    /// `Calendars.ReadBasic`.
    ///
    /// Example: `{}`
    ListCalendars = "listCalendars" -> Calendar,
    scopes READS, Any,
    discloses {}
    by {}
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    check |this| { check::some_id("userId", &this.user_id)?; }
    at |this, call| Graph::of_mailbox(call, this.user_id.as_deref())?, &["calendars"], Vec::new()
}

operation! {
    /// Makes an event and invites its attendees, who get a mail. Repeated with the same idempotency key it makes one.
    ///
    /// <https://learn.microsoft.com/graph/api/user-post-events>. Access `send`. Application or delegated:
    /// `Calendars.ReadWrite`. Errors: `invalid_argument` with `end` when it ends before it begins, `not_found`.
    ///
    /// Example: `{"subject": "Parents' evening", "start": {"dateTime": "2026-12-01T18:00:00", "timeZone": "America/New_York"}, "end": {"dateTime": "2026-12-01T19:00:00", "timeZone": "America/New_York"}, "isOnlineMeeting": true}`
    CreateCalendarEvent = "createCalendarEvent", Send, WithKey -> Event,
    scopes WRITES, Any,
    discloses {
        "subject": Schedule(Anyone), "content": Message(Anyone), "start": Schedule(Anyone), "end": Schedule(Anyone),
        "location": Schedule(Anyone), "attendees.address": Contact(Anyone), "attendees.name": Identity(Anyone),
        "recurrence": Schedule(Anyone),
    }
    by {}
    required {
        /// Its subject.
        subject: String,
        /// When it begins.
        start: When,
        /// When it ends.
        end: When,
    }
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
        /// Into which calendar. Default: the mailbox's own.
        calendar_id: String,
        /// What it is about.
        content: String,
        /// `text` or `html`. Default: text.
        content_type: ContentType,
        /// Where.
        location: String,
        /// Who is invited.
        attendees: Vec<Attendee>,
        /// Whether there is a meeting in Teams, whose link is in the answer.
        is_online_meeting: bool,
        /// Whether it is for whole days: then it begins and ends at midnight.
        is_all_day: bool,
        /// How it repeats, as Graph's `patternedRecurrence`.
        recurrence: Value,
        /// How long before it a reminder comes.
        reminder_minutes_before_start: u32,
        /// Whether the attendees see each other. Default: they do.
        hide_attendees: bool,
    }
    check |this| {
        check::some_id("userId", &this.user_id)?;
        check::some_id("calendarId", &this.calendar_id)?;
        check::text("subject", &this.subject, 255)?;
        in_order(&this.start, &this.end)?;
        people(this.attendees.as_ref())?;
    }
    run |this, call| {
        let mut body = super::graph::body(&this, WRITTEN)?;
        Given {
            start: Some(&this.start), end: Some(&this.end), content: this.content.as_ref(),
            content_type: this.content_type, location: this.location.as_ref(), attendees: this.attendees.as_ref(),
            is_online_meeting: this.is_online_meeting,
        }.put(&mut body);
        let transaction = call.vendor_key("");
        body["transactionId"] = json!(transaction);
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        let graph = match &this.calendar_id {
            Some(calendar) => graph.below(&["calendars", calendar]),
            None => graph,
        };
        let response = graph.call.exchange(graph.request(Method::Post, &["events"])?.json(&body), Repeat::WithKey).await?;
        if (200..300).contains(&response.status) {
            return graph.made(&response, Repeat::WithKey);
        }
        let refusal = graph.refusal(&response).await;
        match refusal.vendor().and_then(|vendor| vendor.code.as_deref()) {
            Some("ErrorDuplicateTransactionId") => made_before(&graph, &response, &transaction).await,
            _ => Err(refusal),
        }
    }
}

/// The event that has our transaction already. That comes from this call's own key: an earlier request of it has made the
/// event.
async fn made_before(graph: &Graph<'_>, refused: &Response, transaction: &str) -> Result<Event> {
    let told: Value = serde_json::from_slice(&refused.body).unwrap_or_default();
    let event = match told.pointer("/error/@event.existingEventId").and_then(Value::as_str) {
        Some(id) => graph.find(&["events", id], &[]).await,
        None => {
            let filter = [("$filter", format!("transactionId eq {}", quoted(transaction)))];
            let events = graph.all::<Event>(&["events"], &filter).await;
            let ours = |event: &Event| event.transaction_id.as_deref() == Some(transaction);
            events.map(|events| events.into_iter().find(ours))
        }
    };
    let lost = "Outlook has made this event for an earlier request, and does not show it: look for it in the calendar";
    let event = found(event, Error::new(ErrorCode::OutcomeUnknown, lost))?;
    if let Some(id) = &event.id {
        graph.call.note("id", id.as_str());
    }
    Ok(event)
}

operation! {
    /// Changes an event: what is given is set, the rest stays. Attendees get a mail of it. Of an event with an online meeting,
    /// the part of the text by which it is joined stays below the new one.
    ///
    /// <https://learn.microsoft.com/graph/api/event-update>. Access `send`. Application or delegated:
    /// `Calendars.ReadWrite`. Errors: `not_found`, `invalid_argument` with `end` when it ends before it begins, `conflict`
    /// with `content` where that part was not found.
    ///
    /// Example: `{"eventId": "AAMkAGVmMDEz…", "location": "Room 12"}`
    UpdateCalendarEvent = "updateCalendarEvent", Send, Always -> Event,
    scopes WRITES, Any,
    discloses {
        "subject": Schedule(Anyone), "content": Message(Anyone), "start": Schedule(Anyone), "end": Schedule(Anyone),
        "location": Schedule(Anyone), "attendees.address": Contact(Anyone), "attendees.name": Identity(Anyone),
        "recurrence": Schedule(Anyone),
    }
    by {
        /// The event's id.
        event_id: String,
    }
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
        /// Its subject.
        subject: String,
        /// When it begins; with `end`.
        start: When,
        /// When it ends; with `start`.
        end: When,
        /// What it is about.
        content: String,
        /// `text` or `html`. Default: text.
        content_type: ContentType,
        /// Where.
        location: String,
        /// Who is invited: all of them, for the list is replaced.
        attendees: Vec<Attendee>,
        /// Whether there is a meeting in Teams.
        is_online_meeting: bool,
        /// How it repeats, as Graph's `patternedRecurrence`.
        recurrence: Value,
    }
    check |this| {
        check::some_id("userId", &this.user_id)?;
        check::some_text("subject", &this.subject, 255)?;
        match (&this.start, &this.end) {
            (Some(start), Some(end)) => in_order(start, end)?,
            (Some(_), None) => return Err(Error::invalid("end", "is required beside start")),
            (None, Some(_)) => return Err(Error::invalid("start", "is required beside end")),
            (None, None) => {}
        }
        people(this.attendees.as_ref())?;
    }
    run |this, call| {
        let mut body = super::graph::body(&this, WRITTEN)?;
        Given {
            start: this.start.as_ref(), end: this.end.as_ref(), content: this.content.as_ref(),
            content_type: this.content_type, location: this.location.as_ref(), attendees: this.attendees.as_ref(),
            is_online_meeting: this.is_online_meeting,
        }.put(&mut body);
        if body.as_object().is_some_and(serde_json::Map::is_empty) {
            return Err(Error::invalid("arguments", "must name something to change"));
        }
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        if let Some(content) = &this.content {
            let kind = this.content_type.unwrap_or(ContentType::Text);
            body["body"] = meeting_text::body(&graph, &this.event_id, content, kind).await?;
        }
        graph.make(Method::Patch, &["events", &this.event_id], &body, Repeat::Always).await
    }
}

operation! {
    /// Calls an event off: attendees get a mail with the comment. Only its organizer can.
    ///
    /// <https://learn.microsoft.com/graph/api/event-cancel>. Access `send`. Application or delegated:
    /// `Calendars.ReadWrite`. Errors: `not_found`, also when it was called off before.
    ///
    /// Example: `{"eventId": "AAMkAGVmMDEz…", "comment": "The teacher is ill"}`
    CancelCalendarEvent = "cancelCalendarEvent", Send, Always -> Done,
    scopes WRITES, Any,
    discloses { "comment": Message(Anyone) }
    by {
        /// The event's id.
        event_id: String,
    }
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
        /// What the attendees are told.
        comment: String,
    }
    check |this| { check::some_id("userId", &this.user_id)?; }
    run |this, call| {
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        let body = json!({ "comment": this.comment.unwrap_or_default() });
        graph.remove(Method::Post, &["events", &this.event_id, "cancel"], Some(&body)).await?;
        Ok(Done::of(this.event_id))
    }
}

operation! {
    /// Deletes an event. Of the organizer's, attendees get a mail that it is called off.
    ///
    /// <https://learn.microsoft.com/graph/api/event-delete>. Access `send`. Application or delegated:
    /// `Calendars.ReadWrite`. Errors: `not_found`.
    ///
    /// Example: `{"eventId": "AAMkAGVmMDEz…"}`
    DeleteCalendarEvent = "deleteCalendarEvent", Send, Always -> Done,
    scopes WRITES, Any,
    discloses {}
    by {
        /// The event's id.
        event_id: String,
    }
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    check |this| { check::some_id("userId", &this.user_id)?; }
    run |this, call| {
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        graph.remove(Method::Delete, &["events", &this.event_id], None).await?;
        Ok(Done::of(this.event_id))
    }
}

list! {
    /// Lists events as they were made: one that repeats stands there once.
    ///
    /// <https://learn.microsoft.com/graph/api/user-list-events>. Access `read`. Application or delegated:
    /// `Calendars.ReadBasic`, or `Calendars.Read` for what they are about.
    ///
    /// Example: `{"filter": "start/dateTime ge '2026-12-01T00:00:00'"}`
    ListCalendarEvents = "listCalendarEvents" -> Event,
    scopes READS, Any,
    discloses { "filter": Contact(Anyone) }
    by {}
    required {}
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
        /// Of which calendar. Default: the mailbox's own.
        calendar_id: String,
        /// A filter in OData.
        filter: String,
    }
    check |this| {
        check::some_id("userId", &this.user_id)?;
        check::some_id("calendarId", &this.calendar_id)?;
    }
    at |this, call| {
        let graph = Graph::of_mailbox(call, this.user_id.as_deref())?;
        match &this.calendar_id {
            Some(calendar) => graph.below(&["calendars", calendar]),
            None => graph,
        }
    }, &["events"], query(&[("$filter", this.filter.as_deref())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str, zone: Option<&str>) -> When {
        When { date_time: time.to_owned(), time_zone: zone.map(str::to_owned) }
    }

    #[test]
    fn what_ends_must_have_begun() {
        let (nine, ten) = ("2026-12-01T09:00:00", "2026-12-01T10:00:00");
        let zone = Some("America/New_York");
        assert!(in_order(&at(nine, zone), &at(ten, zone)).is_ok());
        assert!(in_order(&at(nine, None), &at(nine, None)).is_ok());
        assert_eq!(in_order(&at(ten, zone), &at(nine, zone)).unwrap_err().field(), Some("end"));
        assert_eq!(in_order(&at(ten, None), &at(nine, Some("UTC"))).unwrap_err().field(), Some("end"));
        assert_eq!(in_order(&at("soon", None), &at(ten, None)).unwrap_err().field(), Some("start.dateTime"));
        // Of a zone that is not known here, Microsoft has the word.
        assert!(in_order(&at(ten, None), &at(nine, Some("Pacific Standard Time"))).is_ok());
    }

    #[test]
    fn an_answer_keeps_its_spelling() {
        let event: Event =
            serde_json::from_value(json!({ "id": "e", "iCalUId": "i", "type": "occurrence", "x": 1 })).unwrap();
        assert_eq!((event.i_cal_uid.as_deref(), event.r#type.as_deref()), (Some("i"), Some("occurrence")));
        assert_eq!(serde_json::to_value(event).unwrap()["iCalUId"], "i");
    }
}
