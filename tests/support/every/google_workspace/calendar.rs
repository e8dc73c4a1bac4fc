use sandbox::google_workspace as google;
use serde_json::{Value, json};

use super::School;

fn lesson() -> Value {
    let at = |hour: u8| json!({ "dateTime": format!("2026-12-01T{hour:02}:00:00"), "timeZone": "Europe/Berlin" });
    json!({ "summary": "Lesson", "start": at(8), "end": at(9), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"] })
}

fn evening() -> Value {
    json!({
        "summary": "Parents' evening", "description": "With <b>tea</b>", "location": "Hall",
        "start": { "dateTime": "2026-12-01T18:00:00+01:00" }, "end": { "dateTime": "2026-12-01T20:00:00+01:00" },
        "attendees": [{ "email": google::TEACHER, "displayName": "Ms Doe", "optional": true }],
        "reminders": { "useDefault": false, "overrides": [{ "method": "email", "minutes": 60 }] },
        "meetLink": true, "sendUpdates": "all", "visibility": "private", "transparency": "opaque",
        "guestsCanInviteOthers": false, "extendedProperties": { "private": { "class": "7b" } },
    })
}

pub fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "listCalendars" => json!({ "minAccessRole": "writer", "pageSize": 10 }),
        "createCalendar" => json!({ "summary": "Class 7b", "description": "Theirs", "timeZone": "Europe/Berlin" }),
        "shareCalendar" => json!({ "role": "reader", "type": "user", "value": google::TEACHER, "notify": false }),
        "listCalendarAcl" => json!({ "pageSize": 10 }),
        "createEvent" => evening(),
        "createEvents" => json!({ "events": [lesson(), evening()] }),
        "getEvent" => json!({ "eventId": "{event}", "timeZone": "UTC" }),
        "listEvents" => json!({
            "timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-31T00:00:00Z", "singleEvents": true,
            "orderBy": "startTime", "q": "evening", "pageSize": 10,
        }),
        "listEventInstances" => json!({ "eventId": "{lesson}", "pageSize": 2 }),
        "updateEvent" => json!({ "eventId": "{event}", "location": "Library", "sendUpdates": "none" }),
        "cancelEvent" => json!({ "eventId": "{event}" }),
        "deleteEvent" => json!({ "eventId": "{event}", "sendUpdates": "none" }),
        "queryFreeBusy" => json!({
            "timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z", "calendars": [google::TEACHER],
        }),
        _ => return None,
    })
}

pub const MARKS: &[&str] = &["{event}", "{lesson}"];

pub async fn make(school: &School, mark: &str, text: &mut String) {
    let event = if mark == "{event}" { evening() } else { lesson() };
    let made = school.made("google_workspace", "createEvent", event).await;
    *text = text.replace(mark, made["id"].as_str().unwrap());
}
