//! Classroom and Meet through the whole road, against the look-alike.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::time::Duration;

use every::{School, builder};
use sandbox::{Fault, Rule, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{ConfigChange, Error, ErrorCode, storage::MemoryStorage, transport::Backoff};

async fn school() -> School {
    let backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 3 };
    School::open(builder().storage(MemoryStorage::new()).backoff(backoff)).await
}

async fn call(school: &School, operation: &str, arguments: Value) -> Result<Value, Error> {
    school.tenant.execute(&school.admin, "google_workspace", operation, arguments).await.map(|reply| reply.output)
}

async fn made(school: &School, operation: &str, arguments: Value) -> Value {
    call(school, operation, arguments).await.unwrap_or_else(|error| panic!("{operation}: {error} {error:?}"))
}

async fn keyed(school: &School, key: &str, operation: &str, arguments: Value) -> Result<Value, Error> {
    let request = school.tenant.request(&school.admin).idempotency_key(key);
    request.execute("google_workspace", operation, arguments).await.map(|reply| reply.output)
}

async fn course(school: &School) -> Value {
    let course = json!({ "name": "Biology 10", "ownerId": google::TEACHER, "courseState": "ACTIVE" });
    made(school, "createCourse", course).await["id"].clone()
}

async fn work(school: &School, course: &Value) -> Value {
    let work = json!({
        "courseId": course, "title": "Essay", "maxPoints": 20, "state": "PUBLISHED", "asUser": google::TEACHER,
    });
    made(school, "createCourseWork", work).await["id"].clone()
}

/// A course with so many students, and one piece of work: the course, the work, and what each student has to hand in.
async fn class(school: &School, students: usize) -> (Value, Value, Vec<Value>) {
    let course = course(school).await;
    let people: Vec<String> = (0..students).map(|index| pupil(school, index)).collect();
    made(school, "addStudents", json!({ "courseId": course, "userIds": people })).await;
    let work = work(school, &course).await;
    let all = json!({ "courseId": course, "courseWorkId": work, "pageSize": 100, "asUser": google::TEACHER });
    let list = made(school, "listSubmissions", all).await;
    let ids: Vec<Value> = list["studentSubmissions"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids.len(), students);
    (course, work, ids)
}

fn pupil(school: &School, index: usize) -> String {
    let email = pupil_of(index);
    school.sandbox.google_workspace().add_user(&email, "Pupil", &index.to_string());
    email
}

fn fault(school: &School, rule: Rule) {
    school.sandbox.google_workspace().faults().add(rule);
}

/// How often something was asked that ends like this.
fn asked(school: &School, method: &str, end: &str) -> usize {
    let exchanges = school.sandbox.google_workspace().recorder().exchanges();
    exchanges.iter().filter(|one| one.method == method && one.path.ends_with(end)).count()
}

const LOST: [Fault; 4] =
    [Fault::CutAfter, Fault::StatusAfter { status: 503 }, Fault::CutDuring, Fault::StatusAfter { status: 500 }];

#[tokio::test]
async fn a_course_is_made_once_whatever_becomes_of_the_answer() {
    for lost in LOST {
        let school = school().await;
        fault(&school, Rule::next(1, lost.clone()).method("POST").path("/v1/courses"));
        let id = course(&school).await;
        assert_eq!(school.sandbox.google_workspace().courses().len(), 1, "{lost:?}");
        let read = made(&school, "getCourse", json!({ "courseId": id })).await;
        assert_eq!((&read["name"], &read["courseState"]), (&json!("Biology 10"), &json!("ACTIVE")));
        assert_eq!(read.get("existed"), None);
    }
}

#[tokio::test]
async fn a_course_with_the_schools_own_id_is_there_but_once() {
    let school = school().await;
    let named = json!({ "name": "Biology 10", "ownerId": google::TEACHER, "alias": "d:sis-sec-7" });
    let first = made(&school, "createCourse", named.clone()).await;
    let second = made(&school, "createCourse", named).await;
    assert_eq!((&second["id"], &second["existed"]), (&first["id"], &json!(true)));
    let read = made(&school, "getCourse", json!({ "courseId": "d:sis-sec-7" })).await;
    assert_eq!(read["id"], first["id"]);
    let missing = call(&school, "getCourse", json!({ "courseId": "d:nothing" })).await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_course_that_has_another_name_by_now_is_not_answered_as_made() {
    let school = school().await;
    let faults = school.sandbox.google_workspace().faults();
    faults.add(Rule::always(Fault::CutAfter).method("POST").path("/courses"));
    let course = json!({ "name": "Botany 9", "ownerId": google::TEACHER });
    let error = keyed(&school, "k", "createCourse", course.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    faults.clear();
    let error = keyed(&school, "k", "createCourse", json!({ "name": "x", "ownerId": google::TEACHER })).await;
    assert_eq!(error.unwrap_err().code(), ErrorCode::IdempotencyConflict);
    let courses = school.sandbox.google_workspace().courses();
    let id = courses.iter().find(|course| course["name"] == "Botany 9").unwrap()["id"].clone();
    made(&school, "updateCourse", json!({ "courseId": id, "name": "Chemistry" })).await;
    let error = keyed(&school, "k", "createCourse", course.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict, "{error}");
    made(&school, "updateCourse", json!({ "courseId": id, "name": "Botany 9" })).await;
    let found = keyed(&school, "k", "createCourse", course).await.unwrap();
    assert_eq!(found["id"], id);
}

#[tokio::test]
async fn what_classroom_refuses_says_how_to_mend_it() {
    let school = school().await;
    let away = pupil(&school, 1);
    made(&school, "suspendUser", json!({ "userKey": away })).await;
    let stranger = json!({ "name": "Biology", "ownerId": away });
    let error = call(&school, "createCourse", stranger).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("ownerId")), "{error}");
    assert_eq!(error.vendor().unwrap().code.as_deref(), Some("UserCannotOwnCourse"));
    let id = course(&school).await;
    let early = call(&school, "deleteCourse", json!({ "courseId": id })).await.unwrap_err();
    assert_eq!(early.code(), ErrorCode::Vendor);
    let archived = made(&school, "archiveCourse", json!({ "courseId": id })).await;
    assert_eq!(archived["courseState"], "ARCHIVED");
    let error = call(&school, "addStudent", json!({ "courseId": id, "userId": google::STUDENT })).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(error.message().contains("ACTIVE"), "{error}");
    fault(&school, Rule::next(1, Fault::CutAfter).method("DELETE"));
    assert_eq!(made(&school, "deleteCourse", json!({ "courseId": id })).await, json!({ "done": true }));
}

#[tokio::test]
async fn many_students_each_have_a_result() {
    let school = school().await;
    let id = course(&school).await;
    let mut people: Vec<String> = (0..60).map(|index| pupil(&school, index)).collect();
    made(&school, "addStudent", json!({ "courseId": id, "userId": people[0] })).await;
    people[20] = "nobody@elsewhere.example".to_owned();
    people[21] = google::TEACHER.to_owned();
    fault(&school, Rule::next(1, Fault::CutAfter).path("/batch"));
    let report = made(&school, "addStudents", json!({ "courseId": id, "userIds": people })).await;
    assert_eq!((&report["done"], &report["failed"], &report["unknown"]), (&json!(58), &json!(2), &json!(0)));
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 60);
    for (index, result) in results.iter().enumerate() {
        let failed = index == 20 || index == 21;
        assert_eq!(
            (&result["index"], &result["state"]),
            (&json!(index), &json!(if failed { "failed" } else { "done" }))
        );
    }
    assert_eq!(results[21]["error"]["code"], "conflict", "{}", results[21]);
    let mut arguments = json!({ "courseId": id, "pageSize": 25 });
    let mut count = 0;
    loop {
        let page = made(&school, "listStudents", arguments.clone()).await;
        count += page["students"].as_array().unwrap().len();
        let Some(token) = page.get("nextPageToken") else { break };
        arguments["pageToken"] = token.clone();
    }
    assert_eq!(count, 58);
    let twice = json!({ "courseId": id, "userIds": ["a", "a"] });
    assert_eq!(call(&school, "addStudents", twice).await.unwrap_err().field(), Some("userIds[1]"));
}

#[tokio::test]
async fn a_mark_above_the_most_is_refused_before_anything_is_sent() {
    let school = school().await;
    let (course, work, ids) = class(&school, 3).await;
    let which = json!({ "courseId": course, "courseWorkId": work, "submissionId": ids[0], "asUser": google::TEACHER });
    for (marks, field) in [
        (json!({ "assignedGrade": 20.5 }), "assignedGrade"),
        (json!({ "assignedGrade": 20, "draftGrade": 21 }), "draftGrade"),
        (json!({ "assignedGrade": -1 }), "assignedGrade"),
        (json!({}), "assignedGrade"),
    ] {
        let mut arguments = which.clone();
        arguments.as_object_mut().unwrap().extend(marks.as_object().unwrap().clone());
        let error = call(&school, "gradeSubmission", arguments).await.unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{error}");
    }
    let grades = json!([
        { "submissionId": ids[0], "assignedGrade": 20 }, { "submissionId": ids[1], "assignedGrade": 20.01 },
    ]);
    let many = json!({ "courseId": course, "courseWorkId": work, "grades": grades, "asUser": google::TEACHER });
    let error = call(&school, "gradeSubmissions", many).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("grades[1].assignedGrade")));
    let untouched = made(&school, "getSubmission", which).await;
    assert_eq!(untouched.get("assignedGrade"), None);
}

#[tokio::test]
async fn marking_goes_on_where_it_stopped() {
    for step in ["grade", "return"] {
        let school = school().await;
        let (course, work, ids) = class(&school, 1).await;
        let arguments = json!({
            "courseId": course, "courseWorkId": work, "submissionId": ids[0], "assignedGrade": 18, "asUser": google::TEACHER,
        });
        let broken = Fault::Status { status: 503, code: None, retry_after: None };
        let rule = match step {
            "grade" => Rule::always(broken).method("PATCH").path("/studentSubmissions/"),
            _ => Rule::always(broken).path(":return"),
        };
        let faults = school.sandbox.google_workspace().faults();
        faults.add(rule);
        let error = keyed(&school, "mark-1", "gradeSubmission", arguments.clone()).await.unwrap_err();
        assert_eq!(error.done().is_some(), step == "return", "{error:?}");
        faults.clear();
        let patches = asked(&school, "PATCH", ids[0].as_str().unwrap());
        let answer = keyed(&school, "mark-1", "gradeSubmission", arguments).await.unwrap();
        assert_eq!((&answer["state"], &answer["assignedGrade"]), (&json!("RETURNED"), &json!(18.0)), "{step}");
        let after = asked(&school, "PATCH", ids[0].as_str().unwrap());
        assert_eq!(after - patches, usize::from(step == "grade"), "a step that was done is not done again");
    }
}

#[tokio::test]
async fn a_lost_answer_marks_and_returns_all_the_same() {
    for lost in LOST {
        let school = school().await;
        let (course, work, ids) = class(&school, 1).await;
        for path in ["/studentSubmissions/", ":return"] {
            fault(&school, Rule::next(1, lost.clone()).path(path));
        }
        let arguments = json!({
            "courseId": course, "courseWorkId": work, "submissionId": ids[0], "assignedGrade": 18, "asUser": google::TEACHER,
        });
        let answer = made(&school, "gradeSubmission", arguments).await;
        assert_eq!((&answer["state"], &answer["assignedGrade"]), (&json!("RETURNED"), &json!(18.0)), "{lost:?}");
    }
}

#[tokio::test]
async fn many_marks_each_have_a_result_also_when_an_answer_is_lost() {
    let school = school().await;
    let (course, work, ids) = class(&school, 21).await;
    let mut grades: Vec<Value> = ids.iter().map(|id| json!({ "submissionId": id, "assignedGrade": 15 })).collect();
    grades[4]["submissionId"] = json!("nothing");
    let arguments = json!({ "courseId": course, "courseWorkId": work, "grades": grades, "asUser": google::TEACHER });
    fault(&school, Rule::next(2, Fault::CutAfter).path("/batch"));
    let report = made(&school, "gradeSubmissions", arguments.clone()).await;
    assert_eq!(
        (&report["done"], &report["failed"], &report["unknown"]),
        (&json!(20), &json!(1), &json!(0)),
        "{report}"
    );
    assert_eq!(report["results"][4]["error"]["code"], "not_found");
    let again = made(&school, "gradeSubmissions", arguments).await;
    assert_eq!(again["done"], 20);
    let all = json!({ "courseId": course, "courseWorkId": work, "states": ["RETURNED"], "asUser": google::TEACHER });
    let list = made(&school, "listSubmissions", all).await;
    assert_eq!(list["studentSubmissions"].as_array().unwrap().len(), 20);
}

/// A client of another Google Cloud project.
const OTHER: &str = "999999-other.apps.googleusercontent.com";

/// The teacher consents to it: the refresh token.
async fn consent_to_another_project(school: &School) -> String {
    school.sandbox.google_workspace().add_client(OTHER, "another secret");
    let scopes =
        ["courses", "coursework.students"].map(|name| format!("https://www.googleapis.com/auth/classroom.{name}"));
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let base = school.sandbox.url("google_workspace");
    let page = url::Url::parse_with_params(
        &format!("{base}/o/oauth2/v2/auth"),
        [
            ("client_id", OTHER),
            ("redirect_uri", google::REDIRECT_URI),
            ("response_type", "code"),
            ("access_type", "offline"),
            ("prompt", "consent"),
            ("login_hint", google::TEACHER),
            ("scope", &scopes.join(" ")),
        ],
    );
    let answer = http.get(page.unwrap()).send().await.unwrap();
    let target: url::Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    let (_, code) = target.query_pairs().find(|(name, _)| name == "code").unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("client_id", OTHER),
            ("client_secret", "another secret"),
            ("redirect_uri", google::REDIRECT_URI),
        ])
        .finish();
    let asked =
        http.post(format!("{base}/token")).header("content-type", "application/x-www-form-urlencoded").body(form);
    let token: Value = serde_json::from_slice(&asked.send().await.unwrap().bytes().await.unwrap()).unwrap();
    token["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn work_of_another_project_cannot_be_marked_and_the_error_says_so() {
    let school = school().await;
    let (course, work, ids) = class(&school, 1).await;
    let refresh = consent_to_another_project(&school).await;
    let config = json!({
        "client_id": OTHER, "client_secret": "another secret", "refresh_token": refresh,
        "base_url": school.sandbox.url("google_workspace"), "service_account_key": null, "subject": null,
    });
    let Value::Object(config) = config else { unreachable!() };
    let change = ConfigChange { enabled: Some(true), config: Some(config), expected_version: None };
    school.tenant.configure_json(&school.admin, "google_workspace", change).await.unwrap();
    let which = json!({ "courseId": course, "courseWorkId": work, "submissionId": ids[0], "assignedGrade": 5 });
    let error = call(&school, "gradeSubmission", which).await.unwrap_err();
    assert_eq!(error.vendor().unwrap().code.as_deref(), Some("ProjectPermissionDenied"), "{error}");
    assert!(error.message().contains("Google Cloud project"), "{error}");
    let mut theirs = json!({ "courseId": course });
    theirs["asUser"] = json!(google::TEACHER);
    let error = call(&school, "getCourse", theirs).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("asUser")));
    let error = call(&school, "listStudents", json!({ "courseId": course })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")));
    assert!(error.message().contains("classroom.rosters"), "{error}");
}

#[tokio::test]
async fn nobody_is_invited_twice() {
    let school = school().await;
    let id = course(&school).await;
    let google = school.sandbox.google_workspace();
    let invited = json!({ "courseId": id, "userId": google::STUDENT, "role": "STUDENT" });
    fault(&school, Rule::next(1, Fault::CutAfter).method("POST").path("/invitations"));
    let first = made(&school, "inviteToCourse", invited.clone()).await;
    assert_eq!(made(&school, "inviteToCourse", invited.clone()).await["id"], first["id"]);
    let other = json!({ "courseId": id, "userId": google::STUDENT, "role": "TEACHER" });
    assert_eq!(call(&school, "inviteToCourse", other).await.unwrap_err().code(), ErrorCode::Conflict);
    fault(&school, Rule::next(1, Fault::CutAfter).path(":accept"));
    let accept = json!({ "invitationId": first["id"], "asUser": google::STUDENT });
    made(&school, "acceptInvitation", accept.clone()).await;
    assert_eq!(call(&school, "acceptInvitation", accept).await.unwrap_err().code(), ErrorCode::NotFound);
    let students = made(&school, "listStudents", json!({ "courseId": id })).await;
    assert_eq!(students["students"].as_array().unwrap().len(), 1);

    let guardian = json!({ "studentId": google::STUDENT, "invitedEmailAddress": google::GUARDIAN });
    fault(&school, Rule::next(1, Fault::CutAfter).method("POST").path("/guardianInvitations"));
    let first = made(&school, "inviteGuardian", guardian.clone()).await;
    assert_eq!(made(&school, "inviteGuardian", guardian.clone()).await["invitationId"], first["invitationId"]);
    assert_eq!(google.guardian_notices().len(), 1);
    assert!(google.accept_guardian_invitation(first["invitationId"].as_str().unwrap()));
    let error = call(&school, "inviteGuardian", guardian).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("invitedEmailAddress")));
}

#[tokio::test]
async fn work_and_notices_are_never_made_twice_behind_ones_back() {
    let school = school().await;
    let id = course(&school).await;
    for (operation, path, list, items) in [
        ("createCourseWork", "/courseWork", "listCourseWork", "courseWork"),
        ("createAnnouncement", "/announcements", "listAnnouncements", "announcements"),
    ] {
        fault(&school, Rule::next(1, Fault::CutAfter).method("POST").path(path));
        let arguments = json!({ "courseId": id, "state": "PUBLISHED", "asUser": google::TEACHER });
        let mut arguments = arguments;
        arguments[if operation == "createCourseWork" { "title" } else { "text" }] = json!("Essay");
        let error = call(&school, operation, arguments).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{operation}");
        let page = made(&school, list, json!({ "courseId": id, "asUser": google::TEACHER })).await;
        assert_eq!(page[items].as_array().unwrap().len(), 1, "{operation}");
    }
    let topic = json!({ "courseId": id, "name": " Unit   3 ", "asUser": google::TEACHER });
    let first = made(&school, "createTopic", topic.clone()).await;
    assert_eq!(made(&school, "createTopic", topic).await["topicId"], first["topicId"]);
}

#[tokio::test]
async fn a_meeting_is_held_and_its_attendance_read() {
    let school = school().await;
    let space = made(&school, "createMeetingSpace", json!({ "config": { "accessType": "TRUSTED" } })).await;
    let restricted = json!({ "space": space["name"], "config": { "accessType": "RESTRICTED" } });
    assert_eq!(made(&school, "updateMeetingSpace", restricted).await["config"]["accessType"], "RESTRICTED");
    let code = space["meetingCode"].as_str().unwrap();
    let people = [google::TEACHER, google::STUDENT];
    let held = school.sandbox.google_workspace().hold_conference(code, &people, Some(45)).unwrap();
    let list = made(&school, "listParticipants", json!({ "conference": held, "pageSize": 1 })).await;
    assert_eq!(list["participants"].as_array().unwrap().len(), 1);
    let next = json!({ "conference": held, "pageSize": 1, "pageToken": list["nextPageToken"] });
    let rest = made(&school, "listParticipants", next).await;
    assert_eq!((rest["participants"].as_array().unwrap().len(), rest.get("nextPageToken")), (1, None));
    assert_eq!(made(&school, "endActiveConference", json!({ "space": space["name"] })).await, json!({ "done": true }));
    fault(&school, Rule::next(1, Fault::CutAfter).method("POST").path("/v2/spaces"));
    let error = call(&school, "createMeetingSpace", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    let error = call(&school, "getMeetingSpace", json!({ "space": "spaces/../x" })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("space")));
}

#[tokio::test]
async fn a_registration_that_is_renewed_stays_and_is_one() {
    let school = school().await;
    let watch = json!({ "feed": "domain_roster_changes", "topicName": "projects/school/topics/classroom" });
    let error = call(&school, "watchClassroom", watch.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnsupportedOperation, "a service account cannot");
    let consent = json!({
        "client_id": google::CLIENT_ID,
        "client_secret": google::CLIENT_SECRET,
        "refresh_token": google::REFRESH_TOKEN,
        "service_account_key": null,
        "base_url": school.sandbox.url("google_workspace"),
    });
    let config = consent.as_object().cloned();
    let change = ConfigChange { enabled: Some(true), config, expected_version: None };
    school.tenant.configure_json(&school.admin, "google_workspace", change).await.unwrap();
    let first = made(&school, "watchClassroom", watch.clone()).await["channelId"].clone();
    let mut renewal = watch;
    renewal["replaces"] = first.clone();
    let second = made(&school, "watchClassroom", renewal).await["channelId"].clone();
    assert_eq!(first, second);
    assert_eq!(school.sandbox.google_workspace().registrations().len(), 1);
    let kept = school.tenant.subscriptions(&school.admin).await.unwrap();
    assert_eq!(json!(kept.iter().map(|one| &one.id).collect::<Vec<_>>()), json!([second]));
    made(&school, "stopWatching", json!({ "channelId": second })).await;
    assert!(school.sandbox.google_workspace().registrations().is_empty());
}

/// Classroom keeps what is deleted, and refuses to delete it again.
#[tokio::test]
async fn what_was_taken_away_without_an_answer_is_done() {
    for lost in LOST {
        let school = school().await;
        let course = course(&school).await;
        let work = work(&school, &course).await;
        let said = json!({ "courseId": course, "text": "Bring a coat.", "asUser": google::TEACHER });
        let said = made(&school, "createAnnouncement", said).await["id"].clone();
        let asked = json!({ "studentId": google::STUDENT, "invitedEmailAddress": google::GUARDIAN });
        let asked = made(&school, "inviteGuardian", asked).await["invitationId"].clone();
        let delete_work = json!({ "courseId": course, "courseWorkId": work, "asUser": google::TEACHER });
        let delete_said = json!({ "courseId": course, "announcementId": said, "asUser": google::TEACHER });
        let withdraw = json!({ "studentId": google::STUDENT, "invitationId": asked });
        for (operation, method, arguments) in [
            ("deleteCourseWork", "DELETE", delete_work),
            ("deleteAnnouncement", "DELETE", delete_said),
            ("withdrawGuardianInvitation", "PATCH", withdraw),
        ] {
            fault(&school, Rule::next(1, lost.clone()).method(method));
            made(&school, operation, arguments.clone()).await;
            // Asked for anew it is a mistake, and told as one.
            let error = call(&school, operation, arguments).await.unwrap_err();
            assert_eq!(error.vendor().unwrap().code.as_deref(), Some("FAILED_PRECONDITION"), "{operation}: {error}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_is_told_at_its_argument() {
    let school = school().await;
    let error = call(&school, "createCourse", json!({ "name": "x", "ownerId": "nobody@x.example" })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("ownerId")), "{error}");

    let (course, ..) = class(&school, 1).await;
    for (user, role) in [(pupil_of(0), "STUDENT"), (google::TEACHER.to_owned(), "TEACHER")] {
        let invite = json!({ "courseId": course, "userId": user, "role": role });
        let error = call(&school, "inviteToCourse", invite).await.unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("userId")), "{error}");
    }

    // As many guardians as a student can have: no waiting helps.
    let invite =
        |index: usize| json!({ "studentId": google::STUDENT, "invitedEmailAddress": format!("g{index}@x.example") });
    for index in 0..20 {
        made(&school, "inviteGuardian", invite(index)).await;
    }
    let before = asked(&school, "POST", "/guardianInvitations");
    let error = call(&school, "inviteGuardian", invite(20)).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::Vendor, Some("invitedEmailAddress")), "{error}");
    assert_eq!(asked(&school, "POST", "/guardianInvitations") - before, 1);
}

fn pupil_of(index: usize) -> String {
    format!("pupil{index}@{}", google::DOMAIN)
}

#[tokio::test]
async fn an_announcement_of_another_project_is_not_deleted() {
    let school = school().await;
    let course = course(&school).await;
    let said = json!({ "courseId": course, "text": "Bring a coat.", "asUser": google::TEACHER });
    let said = made(&school, "createAnnouncement", said).await["id"].clone();
    let client = "999999999999-other.apps.googleusercontent.com";
    let google = school.sandbox.google_workspace();
    google.add_client(client, "secret");
    google.add_refresh_token_of(
        client,
        "1//other",
        google::ADMIN,
        &["https://www.googleapis.com/auth/classroom.announcements"],
    );
    let config = json!({
        "client_id": client, "client_secret": "secret", "refresh_token": "1//other", "service_account_key": null,
        "subject": null, "base_url": school.sandbox.url("google_workspace"),
    });
    let change = serde_json::from_value::<ConfigChange>(json!({ "config": config })).unwrap();
    school.tenant.configure_json(&school.admin, "google_workspace", change).await.unwrap();
    let delete = json!({ "courseId": course, "announcementId": said });
    let error = call(&school, "deleteAnnouncement", delete).await.unwrap_err();
    assert_eq!(error.vendor().unwrap().code.as_deref(), Some("ProjectPermissionDenied"), "{error}");
}
