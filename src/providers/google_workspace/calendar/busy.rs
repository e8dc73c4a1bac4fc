//! When people and rooms are busy. <https://developers.google.com/workspace/calendar/api/v3/reference/freebusy/query>

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::{
        define::{check_id, operation},
        scopes,
        wire::calendar,
    },
    objects::Period,
    when::check_span,
};
use crate::error::Error;

/// The most calendars that Google answers for.
const MOST: usize = 50;

/// When calendars are busy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Busy {
    /// Each calendar, by its id.
    #[serde(default)]
    pub calendars: BTreeMap<String, BusyCalendar>,
    /// What else Google sent.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// When one calendar is busy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BusyCalendar {
    /// The times; none where there is an error.
    #[serde(default)]
    pub busy: Vec<Period>,
    /// Why Google cannot say: `notFound` also for a calendar that the user may not see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Value>,
    /// What else Google sent.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

operation! {
    /// Tells when calendars are busy, and nothing of what stands in them. What is wrong with one is told beside it.
    ///
    /// <https://developers.google.com/workspace/calendar/api/v3/reference/freebusy/query>. Access `read`.
    ///
    /// Example: `{"timeMin": "2026-12-01T08:00:00Z", "timeMax": "2026-12-01T16:00:00Z", "calendars": ["teacher@school.edu"]}`
    QueryFreeBusy = "queryFreeBusy", Read, Always -> Busy,
    scopes scopes::BUSY,
    discloses { "calendars[]": Contact(Anyone) }
    path {}
    required {
        /// From when, with an offset.
        time_min: String,
        /// Until when, with an offset.
        time_max: String,
        /// The calendars, up to 50: a user's is their address.
        calendars: Vec<String>,
    }
    optional {
        /// The time zone in which times are written. Default: UTC.
        time_zone: String,
    }
    check |this| {
        check_span(Some(&this.time_min), Some(&this.time_max))?;
        if this.calendars.is_empty() || this.calendars.len() > MOST {
            return Err(Error::invalid("calendars", format!("must have 1 to {MOST} items")));
        }
        for (at, id) in this.calendars.iter().enumerate() {
            check_id("", id).map_err(|error| error.with_field(format!("calendars[{at}]")))?;
        }
    }
    run |this, call| {
        let items: Vec<_> = this.calendars.iter().map(|id| json!({ "id": id })).collect();
        let mut body = json!({ "timeMin": this.time_min, "timeMax": this.time_max, "items": items });
        if let Some(zone) = &this.time_zone {
            body["timeZone"] = json!(zone);
        }
        call.fetch(call.post(calendar(call, &["freeBusy"])?).json(&body)).await
    }
}
