//! What Calendar answers with: what we name of it, and in `more` all else.

use serde_json::Value;

use super::super::define::object;

object! {
    /// An event. <https://developers.google.com/workspace/calendar/api/v3/reference/events>
    Event {
        /// Google's id.
        id: String,
        /// `confirmed`, `tentative` or `cancelled`.
        status: String,
        /// The title.
        summary: String,
        /// What it is about; may hold HTML.
        description: String,
        /// Where it is.
        location: String,
        /// When it begins.
        start: EventTime,
        /// When it ends: the first moment, or day, after it.
        end: EventTime,
        /// Who is invited.
        attendees: Vec<EventAttendee>,
        /// The rules by which it recurs.
        recurrence: Vec<String>,
        /// Of one occurrence: the id of the event that recurs.
        recurring_event_id: String,
        /// Of one occurrence: when it would have begun.
        original_start_time: EventTime,
        /// Who holds it.
        organizer: EventPerson,
        /// Who made it.
        creator: EventPerson,
        /// Where people open it.
        html_link: String,
        /// The link to its meeting.
        hangout_link: String,
        /// Its meeting. While `createRequest.status.statusCode` is `pending` there is no link yet.
        conference_data: Conference,
        /// The id that other calendars know it by.
        #[serde(rename = "iCalUID")]
        i_cal_uid: String,
        /// Which state of it this is: for `ifMatch`.
        etag: String,
        /// How often its time or guests have changed.
        sequence: i64,
        /// When it was made.
        created: String,
        /// When it was last changed.
        updated: String,
        /// When people are reminded.
        reminders: Value,
        /// Notes of applications.
        extended_properties: Value,
        /// `default`, `outOfOffice`, `focusTime`, `workingLocation`, `fromGmail` or `birthday`.
        event_type: String,
    }
    /// A moment or a day.
    EventTime {
        /// The day, of an event of whole days.
        date: String,
        /// The moment.
        date_time: String,
        /// The time zone, by its IANA name.
        time_zone: String,
    }
    /// Somebody who is invited.
    EventAttendee {
        /// The address.
        email: String,
        /// The name.
        display_name: String,
        /// `needsAction`, `declined`, `tentative` or `accepted`.
        response_status: String,
        /// Whether they may stay away.
        optional: bool,
        /// Whether it is a room or a thing.
        resource: bool,
        /// Whether they hold the event.
        organizer: bool,
        /// What they wrote.
        comment: String,
    }
    /// Somebody who holds or made an event.
    EventPerson {
        /// The address.
        email: String,
        /// The name.
        display_name: String,
    }
    /// A meeting.
    Conference {
        /// Google's id, such as `abc-defg-hij`.
        conference_id: String,
        /// How people get in.
        entry_points: Vec<ConferenceEntry>,
        /// What became of asking for it.
        create_request: ConferenceRequest,
    }
    /// One way into a meeting.
    ConferenceEntry {
        /// `video`, `phone`, `sip` or `more`.
        entry_point_type: String,
        /// The link or number.
        uri: String,
        /// How it is shown.
        label: String,
    }
    /// That a meeting was asked for.
    ConferenceRequest {
        /// By which it is asked for but once.
        request_id: String,
        /// What became of it.
        status: ConferenceStatus,
    }
    /// What became of asking for a meeting.
    ConferenceStatus {
        /// `pending`, `success` or `failure`.
        status_code: String,
    }
    /// A calendar.
    Calendar {
        /// Google's id; an address.
        id: String,
        /// The title.
        summary: String,
        /// What it is for.
        description: String,
        /// Where it is.
        location: String,
        /// Its time zone, by its IANA name.
        time_zone: String,
        /// Which state of it this is.
        etag: String,
    }
    /// A calendar on a user's list.
    CalendarEntry {
        /// Google's id; an address.
        id: String,
        /// The title.
        summary: String,
        /// What it is for.
        description: String,
        /// Its time zone, by its IANA name.
        time_zone: String,
        /// `freeBusyReader`, `reader`, `writer` or `owner`.
        access_role: String,
        /// Whether it is the user's own.
        primary: bool,
        /// Whether it is shown.
        selected: bool,
        /// Whether it is hidden from the list.
        hidden: bool,
    }
    /// Who sees a calendar.
    AclRule {
        /// Google's id, such as `user:teacher@school.edu`.
        id: String,
        /// `none`, `freeBusyReader`, `reader`, `writer` or `owner`.
        role: String,
        /// Who.
        scope: AclScope,
        /// Which state of it this is.
        etag: String,
    }
    /// Whom a rule is for.
    AclScope {
        /// `user`, `group`, `domain` or `default`, which is everybody.
        r#type: String,
        /// The address or the domain.
        value: String,
    }
    /// A time during which somebody is busy.
    Period {
        /// From.
        start: String,
        /// To.
        end: String,
    }
}
