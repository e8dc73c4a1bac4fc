//! Microsoft 365: mail, calendars and Education, through the whole road to the look-alike.
#![cfg(feature = "microsoft365")]
#![allow(missing_docs, reason = "tests")]

#[path = "support/microsoft365.rs"]
mod support;

use base64::{Engine, engine::general_purpose::STANDARD};
use sandbox::{
    Fault,
    microsoft365::{STUDENT_ID, TEACHER_ID},
};
use serde_json::{Value, json};
use sis_integrations::ErrorCode;
use support::{School, id};

fn mail(attachments: Value) -> Value {
    json!({ "message": {
        "to": ["parent@example.com"], "subject": "Trip", "content": "<p>Bring boots</p>", "contentType": "html",
        "attachments": attachments,
    } })
}

fn file(name: &str, size: usize) -> Value {
    json!({ "name": name, "content": STANDARD.encode(vec![7; size]) })
}

#[tokio::test]
async fn a_mail_is_sent_with_what_goes_with_it() {
    let school = School::open().await;
    let sent = school.ask("sendMail", mail(json!([file("a.txt", 10)]))).await;
    assert_eq!(school.graph().mails().len(), 1);
    let read = school.ask("getMessage", json!({ "messageId": id(&sent) })).await;
    assert_eq!((&read["subject"], &read["isDraft"]), (&json!("Trip"), &json!(false)));
}

#[tokio::test]
async fn nobody_gets_a_mail_twice_whatever_breaks() {
    let places = [("POST", "/messages"), ("POST", "/send")];
    for place in places {
        for fault in [Fault::CutBefore, Fault::CutAfter, Fault::status(500), Fault::StatusAfter { status: 503 }] {
            let school = School::open().await;
            school.break_next(place.0, place.1, fault.clone());
            let mail = mail(json!([]));
            if school.keyed("k-1", "sendMail", &mail).await.is_err() {
                school.keyed("k-1", "sendMail", &mail).await.unwrap();
            }
            assert_eq!(school.graph().mails().len(), 1, "{place:?} {fault:?}");
            assert_eq!(school.graph().messages(TEACHER_ID).len(), 1, "{place:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_mail_whose_copy_comes_late_is_not_taken_for_gone() {
    // While one call looks; and longer than that.
    for (reads, fails) in [(3, false), (20, true)] {
        let (school, _) = School::swift().await;
        school.graph().lag_sent(reads);
        school.break_next("POST", "/send", Fault::CutAfter);
        let mail = mail(json!([]));
        let mut failed = Vec::new();
        let sent = loop {
            match school.keyed("k-1", "sendMail", &mail).await {
                Ok(sent) => break sent,
                Err(error) => failed.push(error.code()),
            }
            assert!(failed.len() < 9, "{failed:?}");
        };
        assert_eq!((failed.len() > 1, failed.iter().all(|code| *code == ErrorCode::OutcomeUnknown)), (fails, true));
        assert_eq!((school.graph().mails().len(), school.sent("POST", "/send")), (1, 1), "{reads}");
        assert_eq!(sent["id"], school.graph().messages(TEACHER_ID)[0]["id"]);
    }
}

#[tokio::test]
async fn a_mail_that_could_not_be_sent_names_its_draft_and_goes_on() {
    let school = School::open().await;
    let (failed, sent) = school.resumed("sendMail", mail(json!([])), ("POST", "/send"), &[Fault::status(400)]).await;
    assert_eq!(failed.done().unwrap()["steps"]["draft"]["brought"]["id"], sent["id"]);
    assert_eq!((school.graph().mails().len(), school.sent("POST", "/messages")), (1, 1));
}

#[tokio::test]
async fn a_large_attachment_goes_in_ranges_and_goes_on_where_it_was_cut() {
    for (part, faults) in [
        ("createUploadSession", vec![Fault::status(400)]),
        ("upload", vec![Fault::status(400)]),
        ("upload", vec![Fault::CutAfter; 8]),
    ] {
        let school = School::open().await;
        let method = if part == "upload" { "PUT" } else { "POST" };
        let mail = mail(json!([file("a.txt", 10), file("film.mp4", 5 << 20)]));
        let (_, sent) = school.resumed("sendMail", mail, (method, part), &faults).await;
        let mails = school.graph().mails();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].attachments, ["a.txt", "film.mp4"], "a range of many is not the whole");
        let read = school.ask("getMessage", json!({ "messageId": id(&sent) })).await;
        assert_eq!(read["hasAttachments"], true);
    }
}

#[tokio::test]
async fn addresses_that_are_none_are_named() {
    let school = School::open().await;
    let message = json!({ "to": ["parent@example.com", "nobody"], "subject": "s", "content": "c" });
    let error = school.refuse("sendMail", json!({ "message": message })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("message.to[1]")));
    assert_eq!(school.graph().requests().len(), 0);
}

#[tokio::test]
async fn a_draft_waits_for_a_person() {
    let school = School::open().await;
    let draft = id(&school.ask("createDraft", mail(json!([]))).await);
    assert_eq!(school.graph().mails().len(), 0);
    school.break_next("POST", "/send", Fault::CutAfter);
    let sent = school.ask("sendDraft", json!({ "messageId": draft })).await;
    assert_eq!((id(&sent), school.graph().mails().len()), (draft.clone(), 1));
    let error = school.refuse("sendDraft", json!({ "messageId": draft })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("messageId")));
    assert_eq!(school.graph().mails().len(), 1);
}

fn event() -> Value {
    json!({
        "subject": "Parents' evening",
        "start": { "dateTime": "2030-12-01T18:00:00", "timeZone": "UTC" },
        "end": { "dateTime": "2030-12-01T19:00:00", "timeZone": "UTC" },
    })
}

#[tokio::test]
async fn an_event_is_made_once_whatever_breaks() {
    for fault in [Fault::CutBefore, Fault::CutAfter, Fault::status(500), Fault::StatusAfter { status: 503 }] {
        let school = School::open().await;
        school.break_next("POST", "/events", fault.clone());
        school.ask("createCalendarEvent", event()).await;
        assert_eq!(school.graph().events(TEACHER_ID).len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_event_that_outlook_knows_already_is_ours() {
    for named in [true, false] {
        let school = School::open().await;
        school.ask("createCalendarEvent", event()).await;
        school.graph().refuse_transactions(named);
        school.break_next("POST", "/events", Fault::CutAfter);
        let made = school.ask("createCalendarEvent", event()).await;
        let events = school.graph().events(TEACHER_ID);
        assert_eq!((events.len(), &made["id"]), (2, &events[1]["id"]), "{named}");
        // Where nobody can look it is unknown, and not refused.
        school.break_next("POST", "/events", Fault::CutAfter);
        school.break_next("GET", "/events", Fault::status(403));
        let error = school.refuse("createCalendarEvent", event()).await;
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{named} {error}");
    }
}

#[tokio::test]
async fn an_event_that_ends_before_it_starts_never_leaves() {
    let school = School::open().await;
    let mut backwards = event();
    backwards["end"]["dateTime"] = json!("2030-12-01T17:00:00");
    let error = school.refuse("createCalendarEvent", backwards).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("end")));
    assert_eq!(school.graph().requests().len(), 0);
}

#[tokio::test]
async fn an_event_is_changed_seen_and_called_off() {
    let school = School::open().await;
    let event = id(&school.ask("createCalendarEvent", event()).await);
    let changed = school.ask("updateCalendarEvent", json!({ "eventId": event, "location": "Room 12" })).await;
    assert_eq!(changed["location"]["displayName"], "Room 12");
    let span = json!({ "startDateTime": "2030-12-01T00:00:00Z", "endDateTime": "2030-12-02T00:00:00Z" });
    let view = school.ask("calendarView", span).await;
    assert_eq!(id(&view["items"][0]), event);
    school.break_next("POST", "/cancel", Fault::CutAfter);
    school.ask("cancelCalendarEvent", json!({ "eventId": event, "comment": "Ill" })).await;
    let error = school.refuse("updateCalendarEvent", json!({ "eventId": event })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("arguments")));
}

async fn class(school: &School) -> String {
    let class = json!({ "displayName": "Biology", "mailNickname": "bio", "externalId": "11014" });
    let class = id(&school.ask("createClass", class).await);
    school.ask("addClassTeacher", json!({ "classId": class, "userId": TEACHER_ID })).await;
    school.ask("addClassMember", json!({ "classId": class, "userId": STUDENT_ID })).await;
    class
}

fn assignment(class: &str) -> Value {
    json!({
        "classId": class, "displayName": "Cells", "dueDateTime": "2030-12-10T16:00:00Z", "maxPoints": 20, "publish": true,
    })
}

#[tokio::test]
async fn a_class_is_made_once_and_found_although_the_directory_lags() {
    let school = School::open().await;
    school.break_next("POST", "/education/classes", Fault::CutAfter);
    let made = school.ask("createClass", json!({ "displayName": "Biology", "mailNickname": "bio" })).await;
    assert_eq!((school.graph().classes().len(), made["mailNickname"].as_str()), (1, Some("bio")));
    school.graph().lag_reads(2);
    school.ask("createClass", json!({ "displayName": "Physics", "mailNickname": "phy" })).await;
}

#[tokio::test]
async fn an_assignment_is_made_once_whatever_breaks() {
    for (part, fault) in [
        ("/assignments", Fault::CutBefore),
        ("/assignments", Fault::CutAfter),
        ("/publish", Fault::CutBefore),
        ("/publish", Fault::CutAfter),
        ("/publish", Fault::status(500)),
    ] {
        let school = School::open().await;
        let class = class(&school).await;
        school.break_next("POST", part, fault.clone());
        let assignment = assignment(&class);
        if let Err(error) = school.keyed("k-1", "createAssignment", &assignment).await {
            assert!(
                part == "/assignments" || error.done().unwrap()["steps"]["create"]["brought"].is_string(),
                "{error}"
            );
            school.keyed("k-1", "createAssignment", &assignment).await.unwrap();
        }
        let made = school.graph().assignments(&class);
        assert_eq!(made.len(), 1, "{part} {fault:?}");
        assert_ne!(made[0]["status"], "draft", "{part} {fault:?}");
    }
}

#[tokio::test]
async fn a_submission_is_graded_and_given_back() {
    let school = School::open().await;
    let class = class(&school).await;
    let assignment = id(&school.ask("createAssignment", assignment(&class)).await);
    school.graph().hand_in(&assignment, STUDENT_ID);
    let at = json!({ "classId": class, "assignmentId": assignment });
    let submission = id(&school.ask("listSubmissions", at).await["items"][0]);
    let grade = |points: f64| {
        json!({
            "classId": class, "assignmentId": assignment, "submissionId": submission, "points": points, "feedback": "Well done",
        })
    };
    let error = school.refuse("gradeSubmission", grade(20.5)).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("points")));
    assert!(error.message().contains("20"), "{error}");
    let error = school.refuse("gradeSubmission", grade(-1.0)).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("points")));

    let (failed, graded) =
        school.resumed("gradeSubmission", grade(18.0), ("POST", "/return"), &[Fault::status(500)]).await;
    assert_eq!(failed.done().unwrap()["steps"]["points"]["brought"], true);
    assert_eq!(graded["status"], "returned");
    assert_eq!(school.graph().submissions(&assignment).len(), 1);
    let again = json!({ "classId": class, "assignmentId": assignment, "submissionId": submission });
    assert_eq!(school.ask("reassignSubmission", again).await["status"], "reassigned");
}

#[tokio::test]
async fn a_new_text_does_not_end_the_meeting() {
    let school = School::open().await;
    let mut meeting = event();
    (meeting["isOnlineMeeting"], meeting["content"]) = (json!(true), json!("Old agenda"));
    let made = school.ask("createCalendarEvent", meeting).await;
    let join = made["onlineMeeting"]["joinUrl"].clone();
    for (content, kind, shown) in
        [("New <agenda>", "text", "New &lt;agenda&gt;"), ("<p>Newer</p>", "html", "<p>Newer</p>")]
    {
        let change = json!({ "eventId": id(&made), "content": content, "contentType": kind });
        let changed = school.ask("updateCalendarEvent", change).await;
        assert_eq!((&changed["isOnlineMeeting"], &changed["onlineMeeting"]["joinUrl"]), (&json!(true), &join));
        let body = changed["body"]["content"].as_str().unwrap();
        assert!(body.contains(shown) && !body.contains("Old agenda"), "{body}");
        assert_eq!(body.matches("me-email-text").count(), 1, "{body}");
    }
    // What is not found cannot be kept.
    assert!(school.graph().retext_event(&id(&made), "<p>Only this</p>"));
    let error = school.refuse("updateCalendarEvent", json!({ "eventId": id(&made), "content": "Agenda" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("content")));
    let plain = id(&school.ask("createCalendarEvent", event()).await);
    let changed = school.ask("updateCalendarEvent", json!({ "eventId": plain, "content": "Agenda" })).await;
    assert_eq!(changed["body"]["content"], "Agenda");
}

#[tokio::test]
async fn who_may_not_see_a_draft_is_told_so_before_anything_leaves() {
    let school = School::open().await;
    let draft = id(&school.ask("createDraft", mail(json!([]))).await);
    school.graph().add_refresh_token("blind", TEACHER_ID, &["Mail.Send"]);
    school.configure(|config| config.refresh_token("blind")).await;
    let before = school.graph().requests().len();
    let error = school.refuse("sendDraft", json!({ "messageId": draft })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")));
    assert!(error.message().contains("Mail.ReadBasic"), "{error}");
    let asked = school.graph().requests().split_off(before);
    assert!(asked.iter().all(|request| request.path.ends_with("/token")), "{asked:?}");
}

#[tokio::test]
async fn an_attachment_is_found_again_among_many() {
    let school = School::open().await;
    let mut files: Vec<Value> = (0..11).map(|at| file(&format!("{at}.txt"), 10)).collect();
    files.push(file("film.mp4", 5 << 20));
    // The last range has arrived, and with it the session is over.
    let last = sandbox::Rule::every(2, Fault::CutAfter).method("PUT").path("upload");
    school.graph().faults().add(last);
    let draft = school.ask("createDraft", mail(json!(files))).await;
    let attached = school.graph().attachments(&id(&draft));
    assert_eq!(attached.iter().filter(|one| one["name"] == "film.mp4").count(), 1);
    assert_eq!((attached.len(), school.sent("POST", "createUploadSession")), (12, 1));
}

#[tokio::test]
async fn folders_are_listed_at_every_depth() {
    let school = School::open().await;
    let parents = school.graph().add_mail_folder(TEACHER_ID, "inbox", "Parents");
    school.graph().add_mail_folder(TEACHER_ID, &parents, "Class 7b");
    let names = async |of: Value| -> Vec<String> {
        let listed = school.ask("listMailFolders", of).await;
        let names = listed["items"].as_array().unwrap().iter().map(|it| it["displayName"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert!(!names(json!({})).await.contains(&"Parents".to_owned()));
    assert_eq!(names(json!({ "parentFolderId": "inbox" })).await, ["Parents"]);
    assert_eq!(names(json!({ "parentFolderId": parents })).await, ["Class 7b"]);
    let error = school.refuse("listMailFolders", json!({ "parentFolderId": "nowhere" })).await;
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_draft_is_there_once_with_each_file_whatever_breaks() {
    let places = [
        ("POST", "/messages"),
        ("POST", "/attachments"),
        ("POST", "createUploadSession"),
        ("PUT", "upload"),
        ("GET", "/messages/"),
    ];
    // The first goes with the draft, the second is too large for that, and with it the third comes after.
    let mail = mail(json!([file("a.txt", 10), file("film.mp4", 3_200_000), file("b.txt", 10)]));
    for (method, part) in places {
        for fault in [Fault::CutBefore, Fault::CutAfter, Fault::status(400), Fault::StatusAfter { status: 503 }] {
            let school = School::open().await;
            school.break_next(method, part, fault.clone());
            let made = match school.keyed("k-1", "createDraft", &mail).await {
                Ok(made) => made,
                Err(_) => school.keyed("k-1", "createDraft", &mail).await.unwrap(),
            };
            let drafts = school.graph().messages(TEACHER_ID);
            assert_eq!((drafts.len(), &drafts[0]["id"]), (1, &made["id"]), "{part} {fault:?}");
            let attached = school.graph().attachments(&id(&made));
            let names: Vec<_> = attached.iter().map(|one| one["name"].as_str().unwrap()).collect();
            assert_eq!(names, ["a.txt", "film.mp4", "b.txt"], "{part} {fault:?}");
            assert_eq!(attached[1]["size"], 3_200_000, "{part} {fault:?}");
            assert_eq!(school.graph().mails().len(), 0);
        }
    }
}
