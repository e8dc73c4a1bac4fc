//! Calendar.

use reqwest::Method;
use sandbox::google_workspace::{ADMIN, GUARDIAN, STUDENT, TEACHER};
use serde_json::{Value, json};

use crate::school::{School, id, reply};

const EVENTS: &str = "/calendar/v3/calendars/primary/events";

fn lesson(start: &str, end: &str) -> Value {
    json!({
        "summary": "Maths",
        "start": { "dateTime": start, "timeZone": "Europe/Oslo" },
        "end": { "dateTime": end, "timeZone": "Europe/Oslo" },
    })
}

fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn an_event_is_made_once_under_its_own_id() {
    let school = School::start().await;
    let mut body = lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00");
    body["id"] = json!("maths0001");
    let made = school.post(EVENTS, body.clone()).await;
    assert_eq!(made["start"], json!({ "dateTime": "2026-12-01T09:00:00+01:00", "timeZone": "Europe/Oslo" }));
    assert_eq!((&made["organizer"]["email"], &made["organizer"]["self"]), (&json!(ADMIN), &json!(true)));
    let again = school.refused(&school.token, Method::POST, EVENTS, Some(body.clone())).await;
    assert_eq!(again, (409, "duplicate".to_owned()));
    for wrong in ["Abc12", "wxyz1", "ab"] {
        body["id"] = json!(wrong);
        assert_eq!(
            school.refused(&school.token, Method::POST, EVENTS, Some(body.clone())).await,
            (400, "invalid".to_owned())
        );
    }
    let at = format!("{EVENTS}/maths0001");
    assert_eq!(school.delete(&at).await, 204);
    assert_eq!(school.get(&at).await["status"], "cancelled");
    assert_eq!(school.refused(&school.token, Method::DELETE, &at, None).await, (410, "deleted".to_owned()));
    assert_eq!(school.get(EVENTS).await["items"], json!([]));
    assert_eq!(ids(&school.get(&format!("{EVENTS}?showDeleted=true")).await), ["maths0001"]);
}

#[tokio::test]
async fn times_are_checked() {
    let school = School::start().await;
    let refused = async |body: Value| school.refused(&school.token, Method::POST, EVENTS, Some(body)).await;
    let back = lesson("2026-12-01T09:00:00", "2026-12-01T08:00:00");
    assert_eq!(refused(back).await, (400, "timeRangeEmpty".to_owned()));
    let start = json!({ "dateTime": "2026-12-01T09:00:00" });
    assert_eq!(refused(json!({ "start": start, "end": start })).await, (400, "required".to_owned()), "no time zone");
    assert_eq!(refused(json!({ "start": { "date": "2026-12-01" } })).await, (400, "required".to_owned()));
    let mixed = json!({ "start": { "date": "2026-12-01" }, "end": { "dateTime": "2026-12-02T00:00:00Z" } });
    assert_eq!(refused(mixed).await, (400, "invalid".to_owned()));
    let day = json!({ "start": { "date": "2026-12-01" }, "end": { "date": "2026-12-02" } });
    assert_eq!(school.post(EVENTS, day).await["end"], json!({ "date": "2026-12-02" }));
    let moment = json!({ "dateTime": "2026-12-01T09:00:00+01:00" });
    let rule = json!({ "start": moment, "end": moment, "recurrence": ["RRULE:FREQ=DAILY"] });
    assert_eq!(refused(rule).await, (400, "required".to_owned()), "a recurrence needs a named zone");
}

#[tokio::test]
async fn recurring_events_are_taken_apart() {
    let school = School::start().await;
    let mut body = lesson("2026-12-07T09:00:00", "2026-12-07T10:00:00");
    body["recurrence"] = json!(["RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4"]);
    let series = id(&school.post(EVENTS, body).await);
    let one = format!("{series}_20261209T080000Z");
    let list = school.get(&format!("{EVENTS}?singleEvents=true&orderBy=startTime")).await;
    let suffixes = ["20261207T080000Z", "20261209T080000Z", "20261214T080000Z", "20261216T080000Z"];
    assert_eq!(ids(&list), suffixes.map(|suffix| format!("{series}_{suffix}")));
    assert_eq!(ids(&school.get(EVENTS).await), [&*series]);
    let moved = school.patch(&format!("{EVENTS}/{one}"), json!({ "summary": "Exam" })).await;
    assert_eq!((&moved["recurringEventId"], &moved["summary"]), (&json!(series), &json!("Exam")));
    assert_eq!(school.delete(&format!("{EVENTS}/{series}_20261214T080000Z")).await, 204);
    let instances = school.get(&format!("{EVENTS}/{series}/instances?timeMax=2026-12-16T00:00:00Z")).await;
    let summaries: Vec<&Value> = instances["items"].as_array().unwrap().iter().map(|one| &one["summary"]).collect();
    assert_eq!(summaries, ["Maths", "Exam"]);
    let window = "timeMin=2026-12-08T00:00:00Z&timeMax=2026-12-15T00:00:00Z&singleEvents=true";
    assert_eq!(ids(&school.get(&format!("{EVENTS}?{window}")).await), [one]);
    let order = school.refused(&school.token, Method::GET, &format!("{EVENTS}?orderBy=startTime"), None).await;
    assert_eq!(order, (400, "badRequest".to_owned()));
    let offset =
        school.refused(&school.token, Method::GET, &format!("{EVENTS}?timeMin=2026-12-08T00:00:00"), None).await;
    assert_eq!(offset.0, 400);
}

#[tokio::test]
async fn changes_are_read_by_their_token() {
    let school = School::start().await;
    let first = id(&school.post(EVENTS, lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00")).await);
    let list = school.get(EVENTS).await;
    let token = list["nextSyncToken"].as_str().unwrap().to_owned();
    let second = id(&school.post(EVENTS, lesson("2026-12-02T09:00:00", "2026-12-02T10:00:00")).await);
    assert_eq!(school.delete(&format!("{EVENTS}/{first}")).await, 204);
    let changes = school.get(&format!("{EVENTS}?syncToken={token}")).await;
    assert_eq!(ids(&changes), [first, second]);
    assert_eq!(changes["items"][0]["status"], "cancelled");
    let next = changes["nextSyncToken"].as_str().unwrap();
    assert_eq!(school.get(&format!("{EVENTS}?syncToken={next}")).await["items"], json!([]));
    let mixed = format!("{EVENTS}?syncToken={token}&q=x");
    assert_eq!(school.refused(&school.token, Method::GET, &mixed, None).await.0, 400);
    school.google().expire_sync_tokens();
    let stale = school.refused(&school.token, Method::GET, &format!("{EVENTS}?syncToken={next}"), None).await;
    assert_eq!(stale, (410, "fullSyncRequired".to_owned()));
}

#[tokio::test]
async fn a_conference_is_made_for_an_event() {
    let school = School::start().await;
    school.google().conferences_pend(2);
    let mut body = lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00");
    let request = json!({ "requestId": "r-1", "conferenceSolutionKey": { "type": "hangoutsMeet" } });
    body["conferenceData"] = json!({ "createRequest": request });
    let without = school.post(EVENTS, body.clone()).await;
    assert_eq!(without["conferenceData"], Value::Null, "version 0 does not look");
    let made = school.post(&format!("{EVENTS}?conferenceDataVersion=1"), body.clone()).await;
    let status = |event: &Value| event["conferenceData"]["createRequest"]["status"]["statusCode"].clone();
    assert_eq!((status(&made), &made["hangoutLink"]), (json!("pending"), &Value::Null));
    let at = format!("{EVENTS}/{}", id(&made));
    for expected in ["pending", "pending", "success"] {
        assert_eq!(status(&school.get(&at).await), expected);
    }
    let link = school.get(&at).await["hangoutLink"].clone();
    assert_eq!(link, school.google().spaces()[0]["meetingUri"]);
    let change = json!({ "conferenceData": { "createRequest": request }, "summary": "x" });
    let same = school.patch(&format!("{at}?conferenceDataVersion=1"), change).await;
    assert_eq!((&same["hangoutLink"], school.google().spaces().len()), (&link, 1), "the same request again");
    let gone = school.patch(&format!("{at}?conferenceDataVersion=1"), json!({ "conferenceData": null })).await;
    assert_eq!(gone["hangoutLink"], Value::Null);
    let bad = json!({ "createRequest": { "requestId": "r-2", "conferenceSolutionKey": { "type": "x" } } });
    body["conferenceData"] = bad;
    let at = format!("{EVENTS}?conferenceDataVersion=1");
    assert_eq!(school.refused(&school.token, Method::POST, &at, Some(body)).await.0, 400);
}

#[tokio::test]
async fn guests_see_an_event_and_answer() {
    let school = School::start().await;
    let mut body = lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00");
    body["attendees"] = json!([{ "email": TEACHER }, { "email": GUARDIAN }, { "email": TEACHER }]);
    let made = school.post(&format!("{EVENTS}?sendUpdates=all"), body).await;
    assert_eq!(made["attendees"].as_array().unwrap().len(), 2);
    let at = format!("{EVENTS}/{}", id(&made));
    let mails: Vec<String> = school.google().event_notices().into_iter().map(|(to, ..)| to).collect();
    assert_eq!(mails, [TEACHER, GUARDIAN]);
    let teacher = school.token_of(TEACHER, &["calendar"]).await;
    let seen = school.send(&teacher, Method::GET, &at, None).await.body;
    assert_eq!((&seen["attendees"][0]["self"], &seen["organizer"]["self"]), (&json!(true), &Value::Null));
    let title = Some(json!({ "summary": "x" }));
    let refused = school.refused(&teacher, Method::PATCH, &at, title).await;
    assert_eq!(refused, (403, "forbiddenForNonOrganizer".to_owned()));
    let yes = Some(json!({ "attendees": [{ "email": TEACHER, "responseStatus": "accepted" }] }));
    assert_eq!(school.send(&teacher, Method::PATCH, &at, yes).await.status, 200);
    assert_eq!(school.get(&at).await["attendees"][0]["responseStatus"], "accepted");
    let student = school.token_of(STUDENT, &["calendar"]).await;
    assert_eq!(school.refused(&student, Method::GET, &at, None).await.0, 404);
}

#[tokio::test]
async fn an_event_changes_by_patch_and_by_put() {
    let school = School::start().await;
    let mut body = lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00");
    body["location"] = json!("Room 4");
    let made = school.post(EVENTS, body).await;
    let at = format!("{EVENTS}/{}", id(&made));
    let patched =
        school.patch(&at, json!({ "summary": "Physics", "end": { "dateTime": "2026-12-01T11:00:00+01:00" } })).await;
    assert_eq!((&patched["location"], &patched["sequence"]), (&json!("Room 4"), &json!(1)));
    let put = school.request(&school.token, Method::PUT, &at).header("if-match", made["etag"].as_str().unwrap());
    let stale = reply(put.json(&lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00"))).await;
    assert_eq!((stale.status, crate::school::reason(&stale.body)), (412, "conditionNotMet".to_owned()));
    let body = Some(lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00"));
    let put = school.send(&school.token, Method::PUT, &at, body).await.body;
    assert_eq!((&put["summary"], &put["location"]), (&json!("Maths"), &Value::Null));
}

#[tokio::test]
async fn calendars_are_made_shared_and_asked_whether_busy() {
    let school = School::start().await;
    let body = json!({ "summary": "Class 4b", "timeZone": "Europe/Oslo" });
    let calendar = id(&school.post("/calendar/v3/calendars", body).await);
    let list = school.get("/calendar/v3/users/me/calendarList").await;
    assert_eq!(ids(&list), [ADMIN, &calendar]);
    let events = format!("/calendar/v3/calendars/{calendar}/events");
    school.post(&events, lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00")).await;
    school.post(&events, lesson("2026-12-01T10:00:00", "2026-12-01T10:30:00")).await;
    let teacher = school.token_of(TEACHER, &["calendar"]).await;
    assert_eq!(school.refused(&teacher, Method::GET, &events, None).await, (404, "notFound".to_owned()));
    let rule = json!({ "role": "reader", "scope": { "type": "user", "value": TEACHER } });
    let rules = format!("/calendar/v3/calendars/{calendar}/acl");
    assert_eq!(school.post(&rules, rule).await["id"], format!("user:{TEACHER}"));
    assert_eq!(school.get(&rules).await["items"].as_array().unwrap().len(), 2);
    assert_eq!(school.send(&teacher, Method::GET, &events, None).await.status, 200);
    let body = Some(lesson("2026-12-01T09:00:00", "2026-12-01T10:00:00"));
    let refused = school.refused(&teacher, Method::POST, &events, body).await;
    assert_eq!(refused, (403, "requiredAccessLevel".to_owned()));
    let ask = json!({
        "timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z",
        "items": [{ "id": calendar }, { "id": "nobody@elsewhere.example" }],
    });
    let busy = school.post("/calendar/v3/freeBusy", ask).await;
    let times = json!([{ "start": "2026-12-01T08:00:00.000Z", "end": "2026-12-01T09:30:00.000Z" }]);
    assert_eq!(busy["calendars"][&calendar]["busy"], times);
    assert_eq!(busy["calendars"]["nobody@elsewhere.example"]["errors"][0]["reason"], "notFound");
}
