//! Lists of events, whole or since the last time.
//! <https://developers.google.com/workspace/calendar/api/v3/reference/events/list>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::{
        GoogleWorkspace,
        define::{self, check_page, operation},
        scopes,
        wire::check_moment,
    },
    create::check_calendar,
    events,
    objects::Event,
    when::check_span,
};
use crate::{
    error::{Error, Result},
    providers::{Call, Paged},
};

/// A page of events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventPage {
    /// What stands on this page; it may be empty and not the last.
    #[serde(default)]
    pub items: Vec<Event>,
    /// The `pageToken` of the next page; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// On the last page: the `syncToken` with which the next time only what has changed is listed. Keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_sync_token: Option<String>,
    /// The calendar's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What else Google sent.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

operation! {
    /// Lists a calendar's events; with `syncToken` only those that have changed since, deleted ones too.
    ///
    /// <https://developers.google.com/workspace/calendar/api/guides/sync>. Access `read`. Errors: `not_found`; `conflict` with
    /// field `syncToken` where the token has gone stale: forget what was read, and read everything again without it.
    ///
    /// Example: `{"timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-31T00:00:00Z", "singleEvents": true, "orderBy": "startTime"}`
    ListEvents = "listEvents", Read, Always -> EventPage,
    scopes scopes::EVENT,
    discloses { "q": Schedule(Anyone), "calendarId": Contact(Anyone) }
    path {}
    required {}
    optional {
        /// The calendar. Default: `primary`, the user's own.
        calendar_id: String,
        /// Only those that end after this moment, with an offset.
        time_min: String,
        /// Only those that begin before this moment, with an offset.
        time_max: String,
        /// Only those that have changed since this moment.
        updated_min: String,
        /// Words that stand in them.
        q: String,
        /// Whether recurring events are listed as their occurrences.
        single_events: bool,
        /// `startTime`, with `singleEvents`, or `updated`.
        order_by: String,
        /// Whether deleted ones are listed too.
        show_deleted: bool,
        /// Only those with this note of the application: `name=value`.
        private_extended_property: String,
        /// The time zone in which times are written.
        time_zone: String,
        /// The `nextSyncToken` of the last time.
        sync_token: String,
        /// How many, 1 to 2500; Google's default is 250.
        page_size: u32,
        /// The `nextPageToken` of the page before; everything else stays as it was.
        page_token: String,
    }
    check |this| {
        check_calendar(this.calendar_id.as_deref())?;
        check_page("pageSize", this.page_size, 2500)?;
        check_span(this.time_min.as_deref(), this.time_max.as_deref())?;
        this.updated_min.as_ref().map_or(Ok(()), |moment| check_moment("updatedMin", moment).map(|_| ()))?;
        this.check_order()?;
        this.check_sync()?;
    }
    run |this, call| { list(call, events(call, this.calendar_id.as_deref(), &[])?, this.rest()?).await }
}

impl ListEvents {
    fn check_order(&self) -> Result<()> {
        match self.order_by.as_deref() {
            Some("startTime") if self.single_events != Some(true) => {
                Err(Error::invalid("orderBy", "can only be startTime with singleEvents: a recurring event has many"))
            }
            None | Some("startTime" | "updated") => Ok(()),
            Some(_) => Err(Error::invalid("orderBy", "must be startTime or updated")),
        }
    }

    /// What a sync token already says cannot be said again.
    fn check_sync(&self) -> Result<()> {
        if self.sync_token.is_none() {
            return Ok(());
        }
        let beside = [
            ("timeMin", self.time_min.is_some()),
            ("timeMax", self.time_max.is_some()),
            ("updatedMin", self.updated_min.is_some()),
            ("q", self.q.is_some()),
            ("orderBy", self.order_by.is_some()),
            ("privateExtendedProperty", self.private_extended_property.is_some()),
        ];
        match beside.iter().find(|(_, is_there)| *is_there) {
            Some((field, _)) => Err(Error::invalid(*field, "cannot stand beside syncToken")),
            None if self.show_deleted == Some(false) => {
                Err(Error::invalid("showDeleted", "cannot be false beside syncToken: what was deleted is listed"))
            }
            None => Ok(()),
        }
    }
}

operation! {
    /// Lists the occurrences of a recurring event.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/events/instances>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"eventId": "0123456789abcdef0123456789abcdef", "timeMin": "2026-12-01T00:00:00Z"}`
    ListEventInstances = "listEventInstances", Read, Always -> EventPage,
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
        /// Only those that end after this moment, with an offset.
        time_min: String,
        /// Only those that begin before this moment, with an offset.
        time_max: String,
        /// Whether those that were called off are listed too.
        show_deleted: bool,
        /// How many, 1 to 2500; Google's default is 250.
        page_size: u32,
        /// The `nextPageToken` of the page before; everything else stays as it was.
        page_token: String,
    }
    check |this| {
        check_calendar(this.calendar_id.as_deref())?;
        check_page("pageSize", this.page_size, 2500)?;
        check_span(this.time_min.as_deref(), this.time_max.as_deref())?;
    }
    run |this, call| {
        let url = events(call, this.calendar_id.as_deref(), &[&this.event_id, "instances"])?;
        list(call, url, this.rest()?).await
    }
}

/// Calendar calls a page's size `maxResults`.
pub(super) async fn list<T: serde::de::DeserializeOwned>(
    call: &Call<'_, GoogleWorkspace>,
    url: url::Url,
    mut query: Map<String, Value>,
) -> Result<T> {
    query.remove("calendarId");
    if let Some(size) = query.remove("pageSize") {
        query.insert("maxResults".to_owned(), size);
    }
    define::get(call, url, &query).await
}

macro_rules! paged {
    ($($operation:ident)+) => {
        $(
            impl Paged for $operation {
                type Item = Event;

                fn next(&self, page: &EventPage) -> Option<Self> {
                    let token = page.next_page_token.clone().filter(|token| !token.is_empty())?;
                    Some(Self { page_token: Some(token), ..self.clone() })
                }

                fn items(page: EventPage) -> Vec<Event> {
                    page.items
                }
            }
        )+
    };
}

paged! { ListEvents ListEventInstances }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn what_cannot_stand_together_is_refused_by_name() {
        let moment = "2026-12-01T00:00:00Z";
        let sync = || ListEvents::new().sync_token("t");
        for (list, field) in [
            (ListEvents::new().order_by("startTime"), "orderBy"),
            (ListEvents::new().order_by("name"), "orderBy"),
            (sync().time_min(moment), "timeMin"),
            (sync().q("x"), "q"),
            (sync().show_deleted(false), "showDeleted"),
            (ListEvents::new().time_min("2026-12-01"), "timeMin"),
            (ListEvents::new().time_min(moment).time_max(moment), "timeMax"),
            (ListEvents::new().page_size(2501u32), "pageSize"),
            (ListEvents::new().calendar_id(".."), "calendarId"),
        ] {
            assert_eq!(list.validate().unwrap_err().field(), Some(field), "{list:?}");
        }
        assert!(sync().single_events(true).validate().is_ok());
        assert!(ListEvents::new().order_by("startTime").single_events(true).validate().is_ok());
    }
}
