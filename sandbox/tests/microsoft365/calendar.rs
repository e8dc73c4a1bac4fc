//! Calendars.

use reqwest::Method;
use sandbox::microsoft365::{ADMIN_ID, STUDENT_ID, TEACHER_ID};
use serde_json::{Value, json};

use crate::tenant::{Tenant, at, reply};

fn lesson() -> Value {
    json!({
        "subject": "Maths",
        "start": { "dateTime": "2026-12-01T09:00:00", "timeZone": "Eastern Standard Time" },
        "end": { "dateTime": "2026-12-01T10:00:00", "timeZone": "Eastern Standard Time" },
        "attendees": [{ "emailAddress": { "address": "student@yourschool.example" }, "type": "required" }],
        "transactionId": "lesson-1",
    })
}

const DAY: &str = "startDateTime=2026-12-01T00:00:00Z&endDateTime=2026-12-02T00:00:00Z";

#[tokio::test]
async fn a_transaction_makes_one_event() {
    let tenant = Tenant::start().await;
    let first = tenant.made(&tenant.teacher, "/me/events", lesson()).await;
    let again = tenant.made(&tenant.teacher, "/me/events", lesson()).await;
    assert_eq!((again.status, again.id()), (201, first.id()));
    let mut other = lesson();
    other["subject"] = json!("Art");
    let refused = tenant.post(&tenant.teacher, "/me/events", other).await;
    assert_eq!(refused.code(), (409, "ErrorDuplicateTransactionId"));
    assert_eq!(tenant.graph().events(TEACHER_ID).len(), 1);
}

#[tokio::test]
async fn times_come_in_the_zone_that_is_preferred() {
    let tenant = Tenant::start().await;
    let made = tenant.made(&tenant.teacher, "/me/events", lesson()).await;
    assert_eq!(made.body["start"], json!({ "dateTime": "2026-12-01T14:00:00.0000000", "timeZone": "UTC" }));
    assert_eq!(made.body["originalStartTimeZone"], "Eastern Standard Time");
    let request = tenant.request(&tenant.teacher, Method::GET, &format!("/me/events/{}", made.id()));
    let read = reply(request.header("Prefer", "outlook.timezone=\"Europe/Oslo\"")).await;
    assert_eq!(read.body["start"], json!({ "dateTime": "2026-12-01T15:00:00.0000000", "timeZone": "Europe/Oslo" }));

    for (name, value) in [("timeZone", "Middle-earth Standard Time"), ("dateTime", "tomorrow")] {
        let mut event = lesson();
        event["start"][name] = json!(value);
        let refused = tenant.post(&tenant.teacher, "/me/events", event).await;
        assert_eq!(refused.code(), (400, "ErrorPropertyValidationFailure"));
    }
}

#[tokio::test]
async fn an_event_is_in_the_attendees_calendar_until_it_is_called_off() {
    let tenant = Tenant::start().await;
    let id = tenant.made(&tenant.teacher, "/me/events", lesson()).await.id();
    let theirs = async || tenant.get(&tenant.app, &format!("/users/{STUDENT_ID}/calendarView?{DAY}")).await;
    assert_eq!(theirs().await.each("subject"), ["Maths"]);
    tenant.patch(&tenant.teacher, &format!("/me/events/{id}"), json!({ "subject": "Maths, room 4" })).await;
    let copy = theirs().await;
    assert_eq!(copy.each("subject"), ["Maths, room 4"]);
    let mine = format!("/users/{STUDENT_ID}/events/{}", copy.value()[0]["id"].as_str().expect("an id"));
    tenant.patch(&tenant.app, &mine, json!({ "subject": "Nap" })).await;
    assert_eq!(tenant.get(&tenant.teacher, &format!("/me/events/{id}")).await.body["subject"], "Maths, room 4");
    let own = format!("/users/{STUDENT_ID}/events/{}/cancel", copy.value()[0]["id"].as_str().expect("an id"));
    assert_eq!(tenant.post(&tenant.app, &own, json!({})).await.code(), (400, "ErrorInvalidOperation"));
    let cancelled =
        tenant.post(&tenant.teacher, &format!("/me/events/{id}/cancel"), json!({ "comment": "Snow" })).await;
    assert_eq!(cancelled.status, 202);
    assert!(theirs().await.value().is_empty());
    assert_eq!(tenant.get(&tenant.teacher, &format!("/me/events/{id}")).await.code(), (404, "ErrorItemNotFound"));
}

#[tokio::test]
async fn whoever_is_invited_later_gets_the_event_too() {
    let tenant = Tenant::start().await;
    let id = tenant.made(&tenant.teacher, "/me/events", lesson()).await.id();
    let all =
        ["student", "admin"].map(|name| json!({ "emailAddress": { "address": format!("{name}@yourschool.example") } }));
    tenant.patch(&tenant.teacher, &format!("/me/events/{id}"), json!({ "attendees": all })).await;
    assert_eq!(tenant.graph().events(STUDENT_ID).len(), 1);
    assert_eq!(tenant.graph().events(ADMIN_ID)[0]["subject"], "Maths");
}

#[tokio::test]
async fn a_view_unfolds_series_and_needs_its_span() {
    let tenant = Tenant::start().await;
    let mut weekly = lesson();
    weekly["recurrence"] = json!({
        "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"] },
        "range": { "type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 3 },
    });
    tenant.made(&tenant.teacher, "/me/events", weekly).await;
    let month = "startDateTime=2026-12-01T00:00:00Z&endDateTime=2026-12-31T00:00:00Z";
    let view = tenant.get(&tenant.teacher, &format!("/me/calendarView?{month}")).await;
    let days: Vec<&str> =
        view.value().iter().filter_map(|event| event["start"]["dateTime"].as_str()?.get(..10)).collect();
    assert_eq!(days, ["2026-12-01", "2026-12-08", "2026-12-15"]);
    assert_eq!(view.each("type"), ["occurrence"; 3]);
    let refused = tenant.get(&tenant.teacher, "/me/calendarView").await;
    assert_eq!(refused.code(), (400, "ErrorInvalidParameter"));
}

#[tokio::test]
async fn a_schedule_tells_who_is_free() {
    let tenant = Tenant::start().await;
    tenant.made(&tenant.teacher, "/me/events", lesson()).await;
    let asked = json!({
        "schedules": ["student@yourschool.example", "nobody@yourschool.example"],
        "startTime": at("2026-12-01T13:30:00"),
        "endTime": at("2026-12-01T15:30:00"),
        "availabilityViewInterval": 30,
    });
    let told = tenant.made(&tenant.app, &format!("/users/{TEACHER_ID}/calendar/getSchedule"), asked).await;
    assert_eq!(told.each("availabilityView"), ["0220", ""]);
    assert_eq!(told.value()[1]["error"]["responseCode"], "ErrorMailRecipientNotFound");
}

#[tokio::test]
async fn calendars_are_apart() {
    let tenant = Tenant::start().await;
    let calendar = tenant.made(&tenant.teacher, "/me/calendars", json!({ "name": "Exams" })).await.id();
    let events = format!("/me/calendars/{calendar}/events");
    let id = tenant.made(&tenant.teacher, &events, lesson()).await.id();
    assert!(tenant.get(&tenant.teacher, "/me/events").await.value().is_empty());
    assert_eq!(tenant.get(&tenant.teacher, &events).await.each("id"), [id.as_str()]);
    assert_eq!(
        tenant.get(&tenant.teacher, &format!("/me/events/{id}")).await.status,
        200,
        "by id it is found anywhere"
    );
    assert_eq!(tenant.get(&tenant.app, &format!("/users/{STUDENT_ID}/events/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_meeting_goes_with_its_part_of_the_text() {
    let tenant = Tenant::start().await;
    let mut event = lesson();
    event["isOnlineMeeting"] = json!(true);
    event["body"] = json!({ "contentType": "text", "content": "Bring <rulers>" });
    let made = tenant.made(&tenant.teacher, "/me/events", event).await;
    let path = format!("/me/events/{}", made.id());
    let text = made.body["body"]["content"].as_str().expect("a text").to_owned();
    assert!(text.contains("Bring &lt;rulers&gt;") && text.contains("me-email-text"), "{text}");
    assert!(made.body["bodyPreview"].as_str().expect("a preview").starts_with("Bring"));

    let kept = json!({ "isOnlineMeeting": false, "body": { "contentType": "html", "content": text } });
    assert_eq!(tenant.patch(&tenant.teacher, &path, kept).await.body["isOnlineMeeting"], true);
    let lost = json!({ "body": { "contentType": "html", "content": "Bring pens" } });
    let lost = tenant.patch(&tenant.teacher, &path, lost).await;
    assert_eq!((&lost.body["isOnlineMeeting"], &lost.body["onlineMeeting"]), (&json!(false), &Value::Null));
}
