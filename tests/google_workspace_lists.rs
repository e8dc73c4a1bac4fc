//! Every list of Google's as a stream, over more pages than one.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::collections::BTreeSet;

use every::{School, builder};
use futures::TryStreamExt;
use sandbox::google_workspace as google;
use serde_json::{Value, json};
use sis_integrations::{
    providers::{
        self, OperationSpec, Paged,
        google_workspace::{calendar::*, classroom::*, directory::*, drive::*, gmail::*, meet::*},
    },
    storage::MemoryStorage,
};

/// Lists of which the look-alike has no more than one thing. They come to the next page as all the others do.
const SHORT: &[&str] = &["listSharedDrives", "listParticipantSessions", "listRecordings", "listTranscripts"];

fn list<O: Paged>(mut arguments: Value, size: Option<u32>) -> O {
    if let Some(size) = size {
        arguments["pageSize"] = json!(size);
    }
    serde_json::from_value(arguments).unwrap()
}

fn values<T: serde::Serialize>(items: Vec<T>) -> Vec<Value> {
    items.into_iter().map(|item| serde_json::to_value(item).unwrap()).collect()
}

/// What comes page by page is what comes on one.
async fn check<O>(school: &School, arguments: Value) -> &'static str
where
    O: Paged,
    O::Item: serde::Serialize,
{
    let whole = school.tenant.call(&school.admin, list::<O>(arguments.clone(), None)).await;
    let whole = values(O::items(whole.unwrap_or_else(|error| panic!("{}: {error}", O::NAME)).output));
    let before = school.sandbox.google_workspace().recorder().seen();
    let stream = school.tenant.stream(&school.admin, list::<O>(arguments, Some(1)));
    let streamed: Vec<_> = stream.try_collect().await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME));
    let pages = school.sandbox.google_workspace().recorder().seen() - before;
    assert_eq!(values(streamed), whole, "{}", O::NAME);
    if !SHORT.contains(&O::NAME) {
        assert!(whole.len() >= 2 && pages >= 2, "{}: {} on {pages} pages", O::NAME, whole.len());
    }
    O::NAME
}

async fn made(school: &School, operation: &str, arguments: Value) -> Value {
    school.made("google_workspace", operation, arguments).await
}

fn paged() -> BTreeSet<&'static str> {
    let google = providers::all().into_iter().filter(|provider| provider.info.id == "google_workspace");
    let operations = google.flat_map(|provider| provider.operations);
    // A channel has a page token too: from where it tells of changes.
    let is_list = |one: &OperationSpec| (one.input_schema)()["properties"].get("pageSize").is_some();
    operations.filter(is_list).map(|one| one.name).collect()
}

#[tokio::test]
async fn every_list_is_streamed_page_by_page() {
    let school = School::open(builder().storage(MemoryStorage::new())).await;
    let google = school.sandbox.google_workspace();
    let mut seen = BTreeSet::new();
    macro_rules! streamed {
        ($($operation:ty => $arguments:expr,)+) => {
            $(seen.insert(check::<$operation>(&school, $arguments).await);)+
        };
    }

    let changes = made(&school, "listChanges", json!({})).await["newStartPageToken"].clone();
    let mut file = Value::Null;
    for _ in 0..3 {
        let upload = json!({ "name": "twin", "mimeType": "text/plain", "content": "eA==" });
        file = made(&school, "uploadFile", upload).await["id"].clone();
    }
    for address in [google::TEACHER, google::STUDENT] {
        let share = json!({ "fileId": file, "role": "reader", "type": "user", "emailAddress": address });
        made(&school, "shareFile", share).await;
    }
    streamed! {
        ListFiles => json!({}),
        SearchFiles => json!({ "name": "twin" }),
        ListSharedDrives => json!({}),
        ListPermissions => json!({ "fileId": file }),
        ListChanges => json!({ "pageToken": changes }),
    }

    made(&school, "createCalendar", json!({ "summary": "Class 7b" })).await;
    made(&school, "shareCalendar", json!({ "role": "reader", "type": "user", "value": google::TEACHER })).await;
    let at = |hour: u8| json!({ "dateTime": format!("2026-12-01T{hour:02}:00:00"), "timeZone": "Europe/Berlin" });
    let lesson =
        json!({ "summary": "Lesson", "start": at(8), "end": at(9), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"] });
    let lesson = made(&school, "createEvent", lesson).await["id"].clone();
    made(&school, "createEvent", json!({ "summary": "Evening", "start": at(18), "end": at(20) })).await;
    streamed! {
        ListCalendars => json!({}),
        ListCalendarAcl => json!({}),
        ListEvents => json!({}),
        ListEventInstances => json!({ "eventId": lesson }),
    }

    let history = made(&school, "getMailProfile", json!({})).await["historyId"].clone();
    let mail = json!({ "to": [{ "email": google::PARENT }], "subject": "Trip", "text": "On Friday" });
    for _ in 0..2 {
        made(&school, "sendMail", mail.clone()).await;
        made(&school, "createDraft", mail.clone()).await;
    }
    streamed! {
        ListMessages => json!({ "labelIds": ["SENT"] }),
        ListDrafts => json!({}),
        ListMailHistory => json!({ "startHistoryId": history }),
    }

    let space = made(&school, "createMeetingSpace", json!({})).await["meetingCode"].clone();
    let people = [google::TEACHER, google::STUDENT];
    google.hold_conference(space.as_str().unwrap(), &people, Some(45)).unwrap();
    let conference = google.hold_conference(space.as_str().unwrap(), &people, Some(45)).unwrap();
    let participants = made(&school, "listParticipants", json!({ "conference": conference })).await;
    streamed! {
        ListConferences => json!({}),
        ListParticipants => json!({ "conference": conference }),
        ListParticipantSessions => json!({ "participant": participants["participants"][0]["name"] }),
        ListRecordings => json!({ "conference": conference }),
        ListTranscripts => json!({ "conference": conference }),
    }

    let mut group = Value::Null;
    for name in ["math-7", "math-8"] {
        let address = format!("{name}@{}", google::DOMAIN);
        group = made(&school, "createGroup", json!({ "email": address, "name": name })).await["email"].clone();
    }
    for email in people {
        made(&school, "addGroupMember", json!({ "groupKey": group, "email": email })).await;
    }
    streamed! {
        ListUsers => json!({}),
        ListGroups => json!({}),
        ListGroupMembers => json!({ "groupKey": group }),
    }

    let mut course = Value::Null;
    for name in ["Biology 10", "Botany 9"] {
        let arguments = json!({ "name": name, "ownerId": google::TEACHER, "courseState": "ACTIVE" });
        course = made(&school, "createCourse", arguments).await["id"].clone();
    }
    let pupils: Vec<String> = (0..4).map(|index| format!("pupil{index}@{}", google::DOMAIN)).collect();
    for (index, email) in pupils.iter().enumerate() {
        google.add_user(email, "Pupil", &index.to_string());
    }
    made(&school, "addStudents", json!({ "courseId": course, "userIds": pupils[..2] })).await;
    made(&school, "addTeacher", json!({ "courseId": course, "userId": google::ADMIN })).await;
    let mut work = Value::Null;
    for number in 0..2 {
        let of_teacher = |mut arguments: Value| {
            arguments["courseId"] = course.clone();
            arguments["asUser"] = json!(google::TEACHER);
            arguments
        };
        let essay = of_teacher(json!({ "title": format!("Essay {number}"), "maxPoints": 20, "state": "PUBLISHED" }));
        work = made(&school, "createCourseWork", essay).await["id"].clone();
        made(&school, "createAnnouncement", of_teacher(json!({ "text": "No lesson", "state": "PUBLISHED" }))).await;
        made(&school, "createTopic", of_teacher(json!({ "name": format!("Unit {number}") }))).await;
        let invited = json!({ "courseId": course, "userId": pupils[2 + number], "role": "STUDENT" });
        made(&school, "inviteToCourse", invited).await;
        for accepted in [true, false] {
            let address = format!("guardian{number}{accepted}@family.example");
            let invited = json!({ "studentId": google::STUDENT, "invitedEmailAddress": address });
            let invited = made(&school, "inviteGuardian", invited).await;
            if accepted {
                assert!(google.accept_guardian_invitation(invited["invitationId"].as_str().unwrap()));
            }
        }
    }
    streamed! {
        ListCourses => json!({}),
        ListStudents => json!({ "courseId": course }),
        ListTeachers => json!({ "courseId": course }),
        ListInvitations => json!({ "courseId": course }),
        ListCourseWork => json!({ "courseId": course }),
        ListSubmissions => json!({ "courseId": course, "courseWorkId": work, "asUser": google::TEACHER }),
        ListAnnouncements => json!({ "courseId": course }),
        ListTopics => json!({ "courseId": course }),
        ListGuardians => json!({ "studentId": google::STUDENT }),
        ListGuardianInvitations => json!({ "studentId": google::STUDENT }),
    }

    assert_eq!(seen, paged(), "a list that is paged stands in no line above");
}
