//! Changing events and taking them off. <https://developers.google.com/workspace/calendar/api/v3/reference/events/patch>

use serde_json::{Map, Value, json};

use super::{
    super::{
        define::{self, Done, operation},
        scopes,
    },
    create::{check_calendar, check_words, with_link, with_options},
    events,
    objects::Event,
    when::{self, When},
    words::{Attendee, ExtendedProperties, Reminders, Said, SendUpdates},
};
use crate::{error::Error, transport::Repeat};

operation! {
    /// Changes an event: what is named is set, the rest stays. A list takes the place of the one there is.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/events/patch>. Access `write`. Where an answer is
    /// lost the change is sent again, and guests may be written to twice. Errors: `not_found`; `conflict` where `ifMatch` is
    /// given and somebody has changed the event since.
    ///
    /// Example: `{"eventId": "0123456789abcdef0123456789abcdef", "location": "Hall", "sendUpdates": "all"}`
    UpdateEvent = "updateEvent", Write, Always -> Event,
    scopes scopes::EVENTS,
    discloses {
        "summary": Schedule(Anyone), "description": Schedule(Anyone), "location": Location(Anyone), "start": Schedule(Anyone),
        "end": Schedule(Anyone), "attendees[].email": Contact(Anyone), "attendees[].displayName": Identity(Anyone),
        "extendedProperties": Schedule(Anyone), "calendarId": Contact(Anyone)
    }
    path {
        /// The event's id; of one occurrence, its own.
        event_id: String,
    }
    required {}
    optional {
        /// The calendar. Default: `primary`, the user's own.
        calendar_id: String,
        /// The title.
        summary: String,
        /// When it begins.
        start: When,
        /// When it ends: the first moment, or day, after it.
        end: When,
        /// What it is about; may hold HTML.
        description: String,
        /// Where it is.
        location: String,
        /// Who is invited: all of them.
        attendees: Vec<Attendee>,
        /// The rules by which it recurs (RFC 5545).
        recurrence: Vec<String>,
        /// When people are reminded.
        reminders: Reminders,
        /// Whether it gets a Google Meet link.
        meet_link: bool,
        /// Whom Google writes to. Default: nobody.
        send_updates: SendUpdates,
        /// `confirmed` or `tentative`; `cancelEvent` takes it off.
        status: String,
        /// `default`, `public`, `private` or `confidential`.
        visibility: String,
        /// `opaque`, or `transparent` for an event during which people are free.
        transparency: String,
        /// The number of a colour.
        color_id: String,
        /// Notes of the application.
        extended_properties: ExtendedProperties,
        /// The `etag` that the event must still have.
        if_match: String,
    }
    check |this| {
        check_calendar(this.calendar_id.as_deref())?;
        let said = Said {
            summary: this.summary.as_deref(),
            description: this.description.as_deref(),
            attendees: this.attendees.as_deref(),
            recurrence: this.recurrence.as_deref(),
            reminders: this.reminders.as_ref(),
        };
        said.check()?;
        let recurs = this.recurrence.as_ref().is_some_and(|rules| !rules.is_empty());
        when::check(this.start.as_ref(), this.end.as_ref(), recurs)?;
        check_words(this.visibility.as_deref(), this.transparency.as_deref())?;
        if this.status.as_ref().is_some_and(|status| status != "confirmed" && status != "tentative") {
            return Err(Error::invalid("status", "must be confirmed or tentative; cancelEvent takes an event off"));
        }
        if this.if_match.as_ref().is_some_and(|etag| etag.is_empty() || etag.contains(char::is_control)) {
            return Err(Error::invalid("ifMatch", "must be the etag of the event as it was read"));
        }
    }
    run |this, call| {
        let calendar = this.calendar_id.as_deref();
        let meeting = this.meet_link == Some(true);
        let request = call.patch(events(call, calendar, &[&this.event_id])?);
        let mut body = this.rest()?;
        replace_whole(&mut body);
        let mut request = with_options(request, body, this.send_updates, meeting, &call.vendor_key("meet"));
        let mut repeat = Repeat::Always;
        if let Some(etag) = &this.if_match {
            request = request.header("if-match", etag);
            // A second try would find the etag that the first has changed, and call it somebody else's doing.
            repeat = Repeat::Never;
        }
        let event = define::write(call, request, repeat).await?;
        if meeting { with_link(call, calendar, event).await } else { Ok(event) }
    }
}

/// Of what is patched Google keeps the members that are not named: a day would stand beside the moment that was there,
/// and the reminders beside those that take their place.
fn replace_whole(body: &mut Map<String, Value>) {
    for name in ["start", "end"] {
        let Some(when) = body.get_mut(name).and_then(Value::as_object_mut) else { continue };
        let others: &[&str] = if when.contains_key("date") { &["dateTime", "timeZone"] } else { &["date"] };
        for other in others {
            when.entry(*other).or_insert(Value::Null);
        }
    }
    if let Some(reminders) = body.get_mut("reminders").and_then(Value::as_object_mut) {
        reminders.entry("overrides").or_insert_with(|| json!([]));
    }
}

operation! {
    /// Calls an event off: it stays to be seen as cancelled, and its guests are told unless `sendUpdates` says otherwise. Of
    /// a recurring event, one occurrence by its own id.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/events/patch>. Access `write`. Errors: `not_found`.
    ///
    /// Example: `{"eventId": "0123456789abcdef0123456789abcdef"}`
    CancelEvent = "cancelEvent", Write, Always -> Event,
    scopes scopes::EVENTS,
    discloses { "calendarId": Contact(Anyone) }
    path {
        /// The event's id.
        event_id: String,
    }
    required {}
    optional {
        /// The calendar. Default: `primary`, the user's own.
        calendar_id: String,
        /// Whom Google writes to. Default: all guests.
        send_updates: SendUpdates,
    }
    check |this| { check_calendar(this.calendar_id.as_deref())?; }
    run |this, call| {
        let body = Map::from_iter([("status".to_owned(), json!("cancelled"))]);
        let request = call.patch(events(call, this.calendar_id.as_deref(), &[&this.event_id])?);
        let updates = this.send_updates.unwrap_or(SendUpdates::All);
        define::write(call, with_options(request, body, Some(updates), false, ""), Repeat::Always).await
    }
}

operation! {
    /// Deletes an event, without a word to its guests unless `sendUpdates` says otherwise.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/events/delete>. Access `write`. Errors: `not_found`.
    ///
    /// Example: `{"eventId": "0123456789abcdef0123456789abcdef"}`
    DeleteEvent = "deleteEvent", Write, Always -> Done,
    scopes scopes::EVENTS,
    discloses { "calendarId": Contact(Anyone) }
    path {
        /// The event's id.
        event_id: String,
    }
    required {}
    optional {
        /// The calendar. Default: `primary`, the user's own.
        calendar_id: String,
        /// Whom Google writes to. Default: nobody.
        send_updates: SendUpdates,
    }
    check |this| { check_calendar(this.calendar_id.as_deref())?; }
    run |this, call| {
        let mut url = events(call, this.calendar_id.as_deref(), &[&this.event_id])?;
        if let Some(updates) = this.send_updates {
            url.query_pairs_mut().append_pair("sendUpdates", updates.name());
        }
        define::remove(call, url).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_takes_the_place_of_all_that_was_there() {
        let Value::Object(mut body) = json!({
            "start": { "date": "2026-12-01" },
            "end": { "dateTime": "2026-12-01T10:00:00Z", "timeZone": "Europe/Berlin" },
            "reminders": { "useDefault": true },
        }) else {
            unreachable!()
        };
        replace_whole(&mut body);
        let expected = json!({
            "start": { "date": "2026-12-01", "dateTime": null, "timeZone": null },
            "end": { "dateTime": "2026-12-01T10:00:00Z", "timeZone": "Europe/Berlin", "date": null },
            "reminders": { "useDefault": true, "overrides": [] },
        });
        assert_eq!(Value::Object(body), expected);
    }
}
