//! What happens between two moments, and who is free. <https://learn.microsoft.com/graph/api/user-list-calendarview>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    calendar::{Event, When, in_order},
    check,
    graph::{Graph, query},
    wire::{list, operation, record},
};
use crate::{
    error::Error,
    transport::{Method, Repeat},
};

/// Microsoft's own limit.
const SCHEDULES: usize = 20;

list! {
    /// Lists what happens between two moments: of an event that repeats, each time it happens.
    ///
    /// <https://learn.microsoft.com/graph/api/user-list-calendarview>. Access `read`. Application or delegated:
    /// `Calendars.ReadBasic`, or `Calendars.Read` for what it is about. Errors: `invalid_argument` with `endDateTime` when
    /// that is before `startDateTime`.
    ///
    /// Example: `{"startDateTime": "2026-12-01T00:00:00Z", "endDateTime": "2026-12-08T00:00:00Z"}`
    CalendarView = "calendarView" -> Event,
    scopes &[&["Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadBasic.All"]], Any,
    discloses {}
    by {}
    required {
        /// From when on, such as `2026-12-01T00:00:00Z`.
        start_date_time: String,
        /// Until when.
        end_date_time: String,
    }
    optional {
        /// Whose mailbox. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    check |this| {
        check::some_id("userId", &this.user_id)?;
        check::in_order("endDateTime", &this.start_date_time, &this.end_date_time, "startDateTime")?;
    }
    at |this, call| Graph::of_mailbox(call, this.user_id.as_deref())?, &["calendarView"], query(&[
        ("startDateTime", Some(this.start_date_time.as_str())),
        ("endDateTime", Some(this.end_date_time.as_str())),
    ])
}

record! {
    /// When somebody is free.
    Schedule {
        /// Whose: the address.
        schedule_id: String,
        /// A digit for each interval: 0 free, 1 tentative, 2 busy, 3 away, 4 working elsewhere.
        availability_view: String,
        /// What they have, as far as it may be seen.
        schedule_items: Vec<Value>,
        /// Their working hours.
        working_hours: Value,
        /// Why it is not known for this address.
        error: Value,
    }
}

/// When people are free.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Schedules {
    /// One for each address, in the order that was asked; one that is not known has an `error`.
    #[serde(alias = "value")]
    pub schedules: Vec<Schedule>,
}

operation! {
    /// Tells when people, rooms and things are free between two moments.
    ///
    /// <https://learn.microsoft.com/graph/api/calendar-getschedule>. Access `read`. Application or delegated:
    /// `Calendars.ReadBasic`. Errors: `invalid_argument` with `schedules[20]` for a twenty-first address.
    ///
    /// Example: `{"schedules": ["teacher@yourschool.example"], "start": {"dateTime": "2026-12-01T08:00:00"}, "end": {"dateTime": "2026-12-01T16:00:00"}}`
    GetSchedule = "getSchedule", Read, Always -> Schedules,
    scopes &[&["Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadBasic.All"]], Any,
    discloses { "schedules": Contact(Staff) }
    by {}
    required {
        /// Addresses, at most 20.
        schedules: Vec<String>,
        /// From when on.
        start: When,
        /// Until when.
        end: When,
    }
    optional {
        /// In whose name it is asked. Default: the user of the settings, or who has consented.
        user_id: String,
        /// How many minutes a digit of `availabilityView` stands for, 5 to 1440. Default: 30.
        interval_minutes: u16,
    }
    check |this| {
        check::some_id("userId", &this.user_id)?;
        check::some("schedules", &this.schedules, SCHEDULES)?;
        for (at, address) in this.schedules.iter().enumerate() {
            check::address(&format!("schedules[{at}]"), address)?;
        }
        in_order(&this.start, &this.end)?;
        if this.interval_minutes.is_some_and(|minutes| !(5..=1440).contains(&minutes)) {
            return Err(Error::invalid("intervalMinutes", "must be 5 to 1440"));
        }
    }
    run |this, call| {
        let body = json!({
            "schedules": this.schedules, "startTime": this.start.body(), "endTime": this.end.body(),
            "availabilityViewInterval": this.interval_minutes.unwrap_or(30),
        });
        let graph = Graph::of_user(call, this.user_id.as_deref())?;
        graph.make(Method::Post, &["calendar", "getSchedule"], &body, Repeat::Always).await
    }
}
