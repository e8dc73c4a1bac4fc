//! Calendar: calendars, who sees them, events, and when people are busy.

mod bulk;
mod busy;
mod calendars;
mod change;
mod create;
mod list;
mod objects;
mod sharing;
mod when;
mod words;

pub use bulk::CreateEvents;
pub use busy::{Busy, BusyCalendar, QueryFreeBusy};
pub use calendars::{CalendarList, CreateCalendar, ListCalendars};
pub use change::{CancelEvent, DeleteEvent, UpdateEvent};
pub use create::{CreateEvent, GetEvent};
pub use list::{EventPage, ListEventInstances, ListEvents};
pub use objects::{
    AclRule, AclScope, Calendar, CalendarEntry, Conference, ConferenceEntry, ConferenceRequest, ConferenceStatus,
    Event, EventAttendee, EventPerson, EventTime, Period,
};
pub use sharing::{AclPage, CalendarRole, GranteeType, ListCalendarAcl, ShareCalendar};
pub use when::When;
pub use words::{Attendee, ExtendedProperties, Reminder, ReminderMethod, Reminders, SendUpdates};

use url::Url;

use super::{GoogleWorkspace, wire::calendar};
use crate::{
    error::Result,
    operations,
    providers::{Call, OperationSpec},
};

pub(super) fn operations() -> Vec<OperationSpec> {
    operations![
        ListCalendars,
        CreateCalendar,
        ShareCalendar,
        ListCalendarAcl,
        CreateEvent,
        CreateEvents,
        GetEvent,
        ListEvents,
        ListEventInstances,
        UpdateEvent,
        CancelEvent,
        DeleteEvent,
        QueryFreeBusy,
    ]
}

/// The calendar that an operation is about where it names none: the user's own.
const PRIMARY: &str = "primary";

/// An address below a calendar's events.
fn events(call: &Call<'_, GoogleWorkspace>, calendar_id: Option<&str>, path: &[&str]) -> Result<Url> {
    calendar(call, &[&["calendars", calendar_id.unwrap_or(PRIMARY), "events"], path].concat())
}
