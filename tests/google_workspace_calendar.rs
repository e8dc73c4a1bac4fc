//! Calendar through the whole road, against the look-alike; and what becomes of tokens.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::time::Duration;

use every::{School, builder, timed};
use sandbox::{Fault, Rule, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{ConfigChange, Error, ErrorCode, Retry, storage::MemoryStorage, transport::Backoff};

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 3 };

async fn school() -> School {
    School::open(builder().storage(MemoryStorage::new()).backoff(BACKOFF)).await
}

async fn named(school: &School, key: &str, operation: &str, arguments: Value) -> Result<Value, Error> {
    let call = school.tenant.request(&school.admin).idempotency_key(key);
    call.execute("google_workspace", operation, arguments).await.map(|reply| reply.output)
}

async fn call(school: &School, operation: &str, arguments: Value) -> Result<Value, Error> {
    school.tenant.execute(&school.admin, "google_workspace", operation, arguments).await.map(|reply| reply.output)
}

async fn made(school: &School, operation: &str, arguments: Value) -> Value {
    call(school, operation, arguments).await.unwrap_or_else(|error| panic!("{operation}: {error} {error:?}"))
}

async fn refused(school: &School, operation: &str, arguments: Value) -> Error {
    match call(school, operation, arguments).await {
        Err(error) => error,
        Ok(output) => panic!("{operation} was taken: {output}"),
    }
}

/// Settings in the place of those that [`School::open`] made.
async fn configured(school: &School, config: Value) -> Result<(), Error> {
    let Value::Object(mut config) = config else { panic!("not an object") };
    config.insert("base_url".to_owned(), json!(school.sandbox.url("google_workspace")));
    for name in ["client_id", "client_secret", "refresh_token", "service_account_key", "subject", "scopes"] {
        config.entry(name).or_insert(Value::Null);
    }
    let change = ConfigChange { enabled: Some(true), config: Some(config), expected_version: None };
    school.tenant.configure_json(&school.admin, "google_workspace", change).await.map(|_| ())
}

fn consent(token: &str) -> Value {
    json!({ "client_id": google::CLIENT_ID, "client_secret": google::CLIENT_SECRET, "refresh_token": token })
}

fn vendor(school: &School) -> &google::GoogleWorkspace {
    school.sandbox.google_workspace()
}

fn evening(summary: &str) -> Value {
    json!({
        "summary": summary,
        "start": { "dateTime": "2026-12-01T18:00:00+01:00" }, "end": { "dateTime": "2026-12-01T20:00:00+01:00" },
        "attendees": [{ "email": google::TEACHER }], "sendUpdates": "all",
    })
}

fn events_of(school: &School, summary: &str) -> usize {
    vendor(school).events().iter().filter(|event| event["summary"] == summary).count()
}

#[tokio::test]
async fn bad_input_is_refused_by_its_path_before_anything_leaves() {
    let school = school().await;
    let before = vendor(&school).recorder().seen();
    let at = |text: &str| json!({ "dateTime": text });
    let event = |change: Value| {
        let mut event = evening("x");
        event.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        event
    };
    for (operation, arguments, field) in [
        ("createEvent", event(json!({ "end": at("2026-12-01T16:59:00Z") })), "end.dateTime"),
        ("createEvent", event(json!({ "end": { "date": "2026-12-02" } })), "end.dateTime"),
        ("createEvent", event(json!({ "start": at("soon") })), "start.dateTime"),
        ("createEvent", event(json!({ "attendees": [{ "email": "nobody" }] })), "attendees[0].email"),
        ("createEvent", event(json!({ "visibility": "hidden" })), "visibility"),
        ("createEvent", event(json!({ "recurrence": ["RRULE:FREQ=DAILY"] })), "start.timeZone"),
        ("createEvent", event(json!({ "calendarId": ".." })), "calendarId"),
        ("createEvents", json!({ "events": [] }), "events"),
        (
            "createEvents",
            json!({ "events": [evening("x"), event(json!({ "end": at("2026-12-01T16:59:00Z") }))] }),
            "events[1].end.dateTime",
        ),
        ("createEvents", json!({ "events": [event(json!({ "asUser": google::TEACHER }))] }), "events[0].asUser"),
        ("updateEvent", json!({ "eventId": "x", "status": "cancelled" }), "status"),
        ("listEvents", json!({ "syncToken": "t", "q": "x" }), "q"),
        ("listEvents", json!({ "orderBy": "startTime" }), "orderBy"),
        (
            "queryFreeBusy",
            json!({ "timeMin": "2026-12-02T00:00:00Z", "timeMax": "2026-12-01T00:00:00Z", "calendars": ["x"] }),
            "timeMax",
        ),
        (
            "queryFreeBusy",
            json!({ "timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z", "calendars": [] }),
            "calendars",
        ),
        ("shareCalendar", json!({ "role": "reader", "type": "user" }), "value"),
        ("shareCalendar", json!({ "role": "reader", "type": "default", "value": "x" }), "value"),
        ("createCalendar", json!({ "summary": "" }), "summary"),
    ] {
        let error = refused(&school, operation, arguments.clone()).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{operation} {arguments}");
    }
    assert_eq!(vendor(&school).recorder().seen(), before, "something left");
}

#[tokio::test]
async fn an_event_is_made_once_whatever_is_cut() {
    let school = school().await;
    let faults =
        [Fault::CutAfter, Fault::CutDuring, Fault::StatusAfter { status: 500 }, Fault::status(403), Fault::status(429)];
    for (number, fault) in faults.into_iter().enumerate() {
        let title = format!("evening {number}");
        vendor(&school).faults().add(Rule::next(1, fault.clone()).method("POST").path("/events"));
        let event = made(&school, "createEvent", evening(&title)).await;
        assert_eq!((events_of(&school, &title), &event["summary"]), (1, &json!(title)), "{fault:?}");
    }
    // The same call by name, after it failed.
    vendor(&school).faults().add(Rule::always(Fault::CutAfter).path("/events"));
    let again = async |summary: &str| named(&school, "k", "createEvent", evening(summary)).await;
    assert_eq!(again("named").await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    vendor(&school).faults().clear();
    let error = again("other").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::IdempotencyConflict, "what may have happened keeps its name: {error}");
    let made = again("named").await.unwrap();
    assert_eq!((events_of(&school, "named"), &made["summary"]), (1, &json!("named")));
}

#[tokio::test]
async fn a_key_that_was_forgotten_makes_an_event_of_its_own() {
    let (builder, clock) = timed();
    let school = School::open(builder.storage(MemoryStorage::new()).backoff(BACKOFF)).await;
    let first = named(&school, "k", "createEvent", evening("first")).await.unwrap();
    clock.advance(Duration::from_secs(25 * 3600));
    school.sandbox.clock().advance(Duration::from_secs(25 * 3600));
    let second = named(&school, "k", "createEvent", evening("second")).await.unwrap();
    assert_eq!((&first["summary"], &second["summary"]), (&json!("first"), &json!("second")));
    assert_ne!(first["id"], second["id"]);
    assert_eq!((events_of(&school, "first"), events_of(&school, "second")), (1, 1));
}

#[tokio::test]
async fn an_event_that_was_called_off_or_changed_since_is_not_answered_as_made() {
    let school = school().await;
    for (number, change) in [
        None,
        Some(json!({ "summary": "another" })),
        Some(json!({ "start": { "date": "2026-12-01" }, "end": { "date": "2026-12-02" } })),
    ]
    .into_iter()
    .enumerate()
    {
        let (key, title) = (format!("k{number}"), format!("evening {number}"));
        vendor(&school).faults().add(Rule::always(Fault::CutAfter).path("/events"));
        let error = named(&school, &key, "createEvent", evening(&title)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
        vendor(&school).faults().clear();
        let events = vendor(&school).events();
        let id = &events.iter().find(|event| event["summary"] == json!(title)).unwrap()["id"];
        match change {
            None => made(&school, "deleteEvent", json!({ "eventId": id })).await,
            Some(mut change) => {
                change["eventId"] = id.clone();
                made(&school, "updateEvent", change).await
            }
        };
        for _ in 0..2 {
            let error = named(&school, &key, "createEvent", evening(&title)).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::Conflict, "{error}");
        }
    }
}

#[tokio::test]
async fn a_meeting_link_is_waited_for_and_not_for_ever() {
    let school = school().await;
    let mut event = evening("meeting");
    event["meetLink"] = json!(true);
    vendor(&school).conferences_pend(2);
    let ready = made(&school, "createEvent", event.clone()).await;
    assert_eq!(ready["conferenceData"]["createRequest"]["status"]["statusCode"], "success", "{ready}");
    assert!(ready["hangoutLink"].as_str().unwrap().starts_with("https://meet.google.com/"));
    vendor(&school).conferences_pend(1000);
    let call = school.tenant.request(&school.admin).deadline(Duration::from_secs(5));
    let pending = call.execute("google_workspace", "createEvent", event).await.unwrap().output;
    assert_eq!(pending["conferenceData"]["createRequest"]["status"]["statusCode"], "pending");
    assert!(pending["id"].is_string());
}

#[tokio::test]
async fn an_event_is_read_changed_called_off_and_deleted() {
    let school = school().await;
    let event = made(&school, "createEvent", evening("evening")).await;
    let id = &event["id"];
    let changed = made(&school, "updateEvent", json!({ "eventId": id, "location": "Hall" })).await;
    assert_eq!((&changed["location"], &changed["summary"]), (&json!("Hall"), &json!("evening")));
    let stale = json!({ "eventId": id, "location": "Gym", "ifMatch": event["etag"] });
    assert_eq!(refused(&school, "updateEvent", stale).await.code(), ErrorCode::Conflict);
    let fresh = json!({ "eventId": id, "location": "Gym", "ifMatch": changed["etag"] });
    assert_eq!(made(&school, "updateEvent", fresh).await["location"], "Gym");
    let whole = json!({ "eventId": id, "start": { "date": "2026-12-01" }, "end": { "date": "2026-12-02" } });
    let whole = made(&school, "updateEvent", whole).await;
    assert_eq!(whole["start"], json!({ "date": "2026-12-01" }), "a day takes the place of the moment");
    let back = json!({ "eventId": id, "start": evening("")["start"], "end": evening("")["end"] });
    assert!(made(&school, "updateEvent", back).await["start"].get("date").is_none());
    let span = json!({ "timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-02T00:00:00Z", "calendars": [google::ADMIN, "nobody@elsewhere.example"] });
    let busy = made(&school, "queryFreeBusy", span).await;
    assert_eq!(busy["calendars"][google::ADMIN]["busy"].as_array().unwrap().len(), 1, "{busy}");
    assert_eq!(busy["calendars"]["nobody@elsewhere.example"]["errors"][0]["reason"], "notFound");
    let before = vendor(&school).event_notices().len();
    assert_eq!(made(&school, "cancelEvent", json!({ "eventId": id })).await["status"], "cancelled");
    assert!(vendor(&school).event_notices().len() > before, "the guests are told");
    let other = made(&school, "createEvent", evening("other")).await;
    vendor(&school).faults().add(Rule::next(1, Fault::CutAfter).method("DELETE"));
    made(&school, "deleteEvent", json!({ "eventId": other["id"] })).await;
    assert_eq!(refused(&school, "deleteEvent", json!({ "eventId": "nowhere" })).await.code(), ErrorCode::NotFound);
    assert_eq!(
        refused(&school, "getEvent", json!({ "eventId": "x", "calendarId": "nowhere@x.example" })).await.code(),
        ErrorCode::NotFound
    );
}

#[tokio::test]
async fn recurring_events_are_listed_by_occurrence_and_followed_by_token() {
    let school = school().await;
    let at = |hour: u8| json!({ "dateTime": format!("2026-12-01T{hour:02}:00:00"), "timeZone": "Europe/Berlin" });
    let lesson =
        json!({ "summary": "lesson", "start": at(8), "end": at(9), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"] });
    let lesson = made(&school, "createEvent", lesson).await;
    let first = made(&school, "listEventInstances", json!({ "eventId": lesson["id"], "pageSize": 2 })).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = json!({ "eventId": lesson["id"], "pageSize": 2, "pageToken": first["nextPageToken"] });
    assert_eq!(made(&school, "listEventInstances", next).await["items"].as_array().unwrap().len(), 1);
    let all = made(&school, "listEvents", json!({})).await;
    let token = all["nextSyncToken"].clone();
    assert!(token.is_string(), "{all}");
    made(&school, "createEvent", evening("later")).await;
    let since = made(&school, "listEvents", json!({ "syncToken": token })).await;
    assert_eq!((since["items"].as_array().unwrap().len(), &since["items"][0]["summary"]), (1, &json!("later")));
    vendor(&school).expire_sync_tokens();
    let error = refused(&school, "listEvents", json!({ "syncToken": token })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("syncToken")));
    assert!(error.message().contains("full resync"), "{error}");
}

#[tokio::test]
async fn many_events_go_fifty_to_a_request_and_are_made_once() {
    let school = school().await;
    let mut events: Vec<Value> = (0..60).map(|at| evening(&format!("many {at}"))).collect();
    events[7]["calendarId"] = json!("nowhere@x.example");
    let arguments = json!({ "events": events });
    let before = vendor(&school).recorder().seen();
    vendor(&school).faults().add(Rule::next(1, Fault::CutAfter).path("/batch/"));
    let report = made(&school, "createEvents", arguments).await;
    assert_eq!(
        (&report["done"], &report["failed"], &report["unknown"]),
        (&json!(59), &json!(1), &json!(0)),
        "{report}"
    );
    assert_eq!(report["results"][7]["error"]["code"], "not_found");
    for at in [0, 49, 50, 59] {
        assert_eq!(report["results"][at]["item"]["summary"], format!("many {at}"));
        assert_eq!(events_of(&school, &format!("many {at}")), 1);
    }
    assert!(vendor(&school).recorder().seen() - before < 12);
}

#[tokio::test]
async fn of_many_events_those_without_an_answer_are_looked_for_by_their_id() {
    let school = school().await;
    let created = async |titles: [&str; 2]| {
        let events = titles.map(evening);
        let report = made(&school, "createEvents", json!({ "events": events })).await;
        vendor(&school).faults().clear();
        report["results"].as_array().unwrap().clone()
    };
    // As often as a batch is sent; what comes after is the look.
    let batches = |fault: Fault| vendor(&school).faults().add(Rule::next(3, fault).path("/batch/"));

    batches(Fault::CutAfter);
    let results = created(["lost", "lost too"]).await;
    for (result, title) in results.iter().zip(["lost", "lost too"]) {
        assert_eq!((&result["state"], &result["item"]["summary"]), (&json!("done"), &json!(title)), "{result}");
        assert_eq!(events_of(&school, title), 1);
    }

    batches(Fault::CutBefore);
    let results = created(["never", "never too"]).await;
    for result in &results {
        assert_eq!((&result["state"], &result["error"]["code"]), (&json!("unknown"), &json!("outcome_unknown")));
        let words = result["error"]["message"].as_str().unwrap();
        assert!(words.contains("getEvent") && !words.contains("idempotency key"), "{words}");
        let error = refused(&school, "getEvent", json!({ "eventId": result["id"] })).await;
        assert_eq!(error.code(), ErrorCode::NotFound, "the id is the event's own: {error}");
    }
    assert_eq!((events_of(&school, "never"), events_of(&school, "never too")), (0, 0));

    // The look fails as well: the id tells where to look.
    batches(Fault::CutAfter);
    vendor(&school).faults().add(Rule::next(1, Fault::status(400)).path("/batch/"));
    let results = created(["dark", "dark too"]).await;
    assert_eq!(results[0]["state"], "unknown", "{results:?}");
    let found = made(&school, "getEvent", json!({ "eventId": results[0]["id"] })).await;
    assert_eq!(found["summary"], "dark");
}

/// The first answer left it open; that a limit turns the second try away does not say that the first did nothing.
#[tokio::test]
async fn an_event_that_may_have_been_made_is_looked_for_though_a_limit_turned_it_away_later() {
    let wait = Duration::from_millis(400);
    let backoff = Backoff { first: wait, most: wait, attempts: 3 };
    let school = School::open(builder().storage(MemoryStorage::new()).backoff(backoff)).await;
    let google = vendor(&school);
    for quota in [google::Quota::Day, google::Quota::Minute] {
        google.lose_parts(1);
        let title = format!("{quota:?}");
        let batches = || google.recorder().exchanges().iter().filter(|one| one.path.starts_with("/batch")).count();
        let before = batches();
        let limited = async {
            while batches() == before {
                school.manager.runtime().sleep(Duration::from_millis(5)).await;
            }
            // One part is turned away; the look comes after.
            google.use_up_quota("calendar", quota, 1);
        };
        let arguments = json!({ "events": [evening(&title)] });
        let (report, ()) = futures::join!(made(&school, "createEvents", arguments), limited);
        assert_eq!((&report["done"], &report["failed"]), (&json!(1), &json!(0)), "{report}");
        assert_eq!(events_of(&school, &title), 1);
    }
}

#[tokio::test]
async fn calendars_are_made_listed_and_shared_once() {
    let school = school().await;
    let calendar = made(&school, "createCalendar", json!({ "summary": "Class 7b", "timeZone": "Europe/Berlin" })).await;
    let listed = made(&school, "listCalendars", json!({ "minAccessRole": "owner" })).await;
    assert!(listed["items"].as_array().unwrap().iter().any(|one| one["id"] == calendar["id"]));
    vendor(&school).faults().add(Rule::next(1, Fault::CutAfter).method("POST").path("/acl"));
    let share = json!({ "calendarId": calendar["id"], "role": "reader", "type": "user", "value": google::TEACHER });
    assert_eq!(made(&school, "shareCalendar", share).await["role"], "reader");
    let acl = made(&school, "listCalendarAcl", json!({ "calendarId": calendar["id"] })).await;
    let rules = acl["items"].as_array().unwrap();
    assert_eq!(rules.iter().filter(|rule| rule["scope"]["value"] == google::TEACHER).count(), 1);
    vendor(&school).faults().add(Rule::next(1, Fault::CutAfter).method("POST").path("/calendars"));
    assert_eq!(refused(&school, "createCalendar", json!({ "summary": "x" })).await.code(), ErrorCode::OutcomeUnknown);
}

#[tokio::test]
async fn tokens_that_expired_or_were_revoked() {
    let school = school().await;
    configured(&school, consent(google::REFRESH_TOKEN)).await.unwrap();
    let connection = made(&school, "checkConnection", json!({})).await;
    assert_eq!(connection["email"], google::ADMIN);
    assert!(connection["scopes"].to_string().contains("auth/drive"));
    for operation in ["listCalendars", "checkConnection"] {
        vendor(&school).expire_tokens();
        made(&school, operation, json!({})).await;
    }
    vendor(&school).rotate_refresh_tokens(true);
    for _ in 0..2 {
        vendor(&school).expire_tokens();
        made(&school, "getDriveAbout", json!({})).await;
    }
    vendor(&school).rotate_refresh_tokens(false);
    vendor(&school).add_refresh_token(
        "1//mine",
        google::TEACHER,
        &["https://www.googleapis.com/auth/calendar.readonly"],
    );
    configured(&school, consent("1//mine")).await.unwrap();
    made(&school, "listEvents", json!({})).await;
    let asked = vendor(&school).recorder().seen();
    let error = refused(&school, "createEvent", evening("x")).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")), "{error}");
    assert!(error.message().contains("auth/calendar.events"), "{error}");
    assert_eq!(vendor(&school).recorder().seen(), asked, "what was not consented to is not even asked for");
    vendor(&school).revoke("1//mine");
    vendor(&school).expire_tokens();
    for operation in ["listEvents", "checkConnection"] {
        assert_eq!(refused(&school, operation, json!({})).await.code(), ErrorCode::NeedsReconnect);
    }
}

#[tokio::test]
async fn a_service_account_stands_in_for_whom_it_may() {
    let school = school().await;
    let teacher = made(&school, "getDriveAbout", json!({ "asUser": google::TEACHER })).await;
    assert_eq!(teacher["user"]["emailAddress"], google::TEACHER);
    assert_eq!(made(&school, "getDriveAbout", json!({})).await["user"]["emailAddress"], google::ADMIN);
    vendor(&school).delegate(&["https://www.googleapis.com/auth/calendar.calendarlist.readonly"]);
    vendor(&school).expire_tokens();
    let error = refused(&school, "getDriveAbout", json!({})).await;
    assert_eq!(error.code(), ErrorCode::NeedsReconnect, "{error}");
    made(&school, "listCalendars", json!({})).await;

    configured(&school, consent(google::REFRESH_TOKEN)).await.unwrap();
    let error = refused(&school, "getDriveAbout", json!({ "asUser": google::TEACHER })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("asUser")));

    let broken = json!({ "client_email": google::SERVICE_ACCOUNT, "private_key": "-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----\n" });
    let broken = json!({ "service_account_key": broken.to_string(), "subject": google::ADMIN });
    let error = configured(&school, broken).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.field().unwrap().ends_with("service_account_key"), "{error}");
    assert!(!error.to_string().contains("broken"));
}

#[tokio::test]
async fn limits_of_a_minute_are_waited_for_and_limits_of_a_day_are_told() {
    let school = school().await;
    vendor(&school).faults().add(Rule::next(3, Fault::status(403)).path("/calendarList"));
    made(&school, "listCalendars", json!({})).await;
    let fault = Fault::Status { status: 403, code: None, retry_after: Some(sandbox::RetryAfter::Seconds(3000)) };
    vendor(&school).faults().add(Rule::always(fault).path("/calendarList"));
    let error = refused(&school, "listCalendars", json!({})).await;
    assert_eq!((error.code(), error.retry()), (ErrorCode::RateLimited, Retry::After(Duration::from_secs(3000))));
    vendor(&school).faults().clear();
    vendor(&school).enable("calendar", false);
    let error = refused(&school, "listCalendars", json!({})).await;
    assert_eq!(error.code(), ErrorCode::NotConfigured, "{error}");
}

#[tokio::test]
async fn a_quota_of_the_day_is_told_from_one_that_passes_in_each_products_words() {
    let school = school().await;
    // Here the first wait is longer than any call has time.
    let long = Duration::from_secs(1 << 30);
    let backoff = Backoff { first: long, most: long, attempts: 3 };
    let hurried = School::open(builder().storage(MemoryStorage::new()).backoff(backoff)).await;
    // The same reason, and the opposite meaning: Calendar's lasts, and the Directory's passes.
    for (product, operation, status, day, minute) in [
        ("drive", "listFiles", 403, "dailyLimitExceeded", "userRateLimitExceeded"),
        ("gmail", "listMessages", 403, "userRateLimitExceeded", "userRateLimitExceeded"),
        ("calendar", "listCalendars", 403, "quotaExceeded", "userRateLimitExceeded"),
        ("directory", "listUsers", 403, "dailyLimitExceeded", "quotaExceeded"),
        ("classroom", "listCourses", 429, "RATE_LIMIT_EXCEEDED", "RATE_LIMIT_EXCEEDED"),
    ] {
        // With a token, so that what is counted are requests to the product.
        made(&school, operation, json!({})).await;
        let answers = |since: u64| {
            let recorder = vendor(&school).recorder();
            let new = recorder.exchanges().into_iter().filter(move |exchange| exchange.number >= since);
            new.filter_map(|exchange| exchange.response).collect::<Vec<_>>()
        };
        let seen = || vendor(&school).recorder().seen();

        let before = seen();
        vendor(&school).use_up_quota(product, google::Quota::Minute, 2);
        made(&school, operation, json!({})).await;
        let answered = answers(before);
        assert_eq!(answered.iter().map(|one| one.status).collect::<Vec<_>>(), [status, status, 200], "{operation}");
        assert!(String::from_utf8_lossy(&answered[0].body).contains(minute), "{operation}");

        let before = seen();
        vendor(&school).use_up_quota(product, google::Quota::Day, u64::MAX);
        let lasting = refused(&school, operation, json!({})).await;
        assert_eq!((lasting.code(), answers(before).len()), (ErrorCode::RateLimited, 1), "{operation}: {lasting}");
        let vendors = lasting.vendor().unwrap();
        assert_eq!((vendors.status, vendors.code.as_deref()), (status, Some(day)), "{operation}");

        vendor(&hurried).use_up_quota(product, google::Quota::Minute, 1);
        let passing = refused(&hurried, operation, json!({})).await;
        assert_eq!(passing.code(), ErrorCode::RateLimited, "{operation}: {passing}");

        // Gmail says until when.
        let hours = if product == "gmail" { 6 } else { 1 };
        let wait = lasting.retry_after().unwrap();
        assert_eq!((wait.as_secs_f64() / 3600.0).round(), f64::from(hours), "{operation}: {wait:?}");
        let told = matches!(passing.retry(), Retry::After(wait) if wait < Duration::from_secs(3));
        assert!(if product == "gmail" { told } else { passing.retry() == Retry::Exhausted }, "{operation}: {passing}");
        assert!(lasting.message().contains("of the day"), "{operation}: {lasting}");
        assert!(!passing.message().contains("day"), "{operation}: {passing}");
    }
}

/// Nobody has consented, so nobody can consent again: what is wrong is named.
#[tokio::test]
async fn a_service_account_that_is_refused_a_token_says_what_to_mend() {
    let school = school().await;
    let error = refused(&school, "getDriveAbout", json!({ "asUser": "nobody@yourschool.example" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("asUser")), "{error}");

    let key = json!({ "service_account_key": google::SERVICE_ACCOUNT_KEY, "subject": "nobody@yourschool.example" });
    configured(&school, key).await.unwrap();
    let error = refused(&school, "getDriveAbout", json!({})).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("config.subject")), "{error}");

    let key = json!({ "service_account_key": google::SERVICE_ACCOUNT_KEY, "subject": google::ADMIN });
    configured(&school, key).await.unwrap();
    vendor(&school).delegate(&["https://www.googleapis.com/auth/calendar"]);
    let error = refused(&school, "getDriveAbout", json!({})).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")), "{error}");
    assert!(error.message().contains("https://www.googleapis.com/auth/drive"), "{error}");

    let mut account: Value = serde_json::from_str(google::SERVICE_ACCOUNT_KEY).unwrap();
    account["client_email"] = json!("gone@project.iam.gserviceaccount.com");
    configured(&school, json!({ "service_account_key": account.to_string(), "subject": google::ADMIN })).await.unwrap();
    let error = refused(&school, "listCalendars", json!({})).await;
    assert_eq!(
        (error.code(), error.field()),
        (ErrorCode::NeedsReconnect, Some("config.service_account_key")),
        "{error}"
    );
}
