//! Calendars themselves. <https://developers.google.com/workspace/calendar/api/v3/reference/calendars>

use super::{
    super::{
        define::{self, check_page, check_text, operation, page},
        scopes,
        wire::calendar,
    },
    list::list,
    objects::{Calendar, CalendarEntry},
};
use crate::{error::Error, transport::Repeat};

page! {
    /// A page of calendars.
    CalendarList { items: CalendarEntry }
    for ListCalendars
}

operation! {
    /// Lists the calendars that the user sees.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/calendarList/list>. Access `read`.
    ///
    /// Example: `{"minAccessRole": "writer"}`
    ListCalendars = "listCalendars", Read, Always -> CalendarList,
    scopes scopes::CALENDARS,
    discloses {}
    path {}
    required {}
    optional {
        /// Only those in which the user is at least `freeBusyReader`, `reader`, `writer` or `owner`.
        min_access_role: String,
        /// Whether hidden ones are listed too.
        show_hidden: bool,
        /// How many, 1 to 250; Google's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| {
        check_page("pageSize", this.page_size, 250)?;
        let known = ["freeBusyReader", "reader", "writer", "owner"];
        if this.min_access_role.as_ref().is_some_and(|role| !known.contains(&role.as_str())) {
            return Err(Error::invalid("minAccessRole", format!("must be one of {}", known.join(", "))));
        }
    }
    run |this, call| { list(call, calendar(call, &["users", "me", "calendarList"])?, this.rest()?).await }
}

operation! {
    /// Makes a calendar, which the user then owns. Google has no key for it: after `outcome_unknown`, look at
    /// `listCalendars` before you repeat it.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/calendars/insert>. Access `write`.
    ///
    /// Example: `{"summary": "Class 7b", "timeZone": "Europe/Berlin"}`
    CreateCalendar = "createCalendar", Write, Never -> Calendar,
    scopes scopes::CALENDAR,
    discloses { "summary": Schedule(Anyone), "description": Schedule(Anyone), "location": Location(Anyone) }
    path {}
    required {
        /// The title.
        summary: String,
    }
    optional {
        /// What it is for.
        description: String,
        /// Where it is.
        location: String,
        /// Its time zone, by its IANA name.
        time_zone: String,
    }
    check |this| { check_text("summary", &this.summary, 254)?; }
    run |this, call| { define::post(call, calendar(call, &["calendars"])?, this.rest()?, Repeat::Never).await }
}
