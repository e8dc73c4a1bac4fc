//! Classroom.

use std::time::Duration;

use reqwest::Method;
use sandbox::google_workspace::{CLIENT_SECRET, GUARDIAN, STUDENT, TEACHER};
use serde_json::{Value, json};

use crate::school::{School, id};

const STUDENTS: &[&str] = &["classroom.courses", "classroom.coursework.me", "classroom.rosters"];

/// A course of the teacher with one student.
async fn course(school: &School) -> String {
    let body = json!({ "name": "Maths 4b", "ownerId": TEACHER, "id": "d:sis-4b", "courseState": "ACTIVE" });
    let course = id(&school.post("/v1/courses", body).await);
    school.post(&format!("/v1/courses/{course}/students"), json!({ "userId": STUDENT })).await;
    course
}

fn assignment() -> Value {
    json!({
        "title": "Fractions", "workType": "ASSIGNMENT", "state": "PUBLISHED", "maxPoints": 10,
        "dueDate": { "year": 2099, "month": 1, "day": 1 }, "dueTime": { "hours": 8 },
    })
}

#[tokio::test]
async fn a_course_is_made_once_by_its_alias() {
    let school = School::start().await;
    let made = course(&school).await;
    let body = json!({ "name": "Maths 4b", "ownerId": TEACHER, "id": "d:sis-4b" });
    let refused = async |body: Value| school.refused(&school.token, Method::POST, "/v1/courses", Some(body)).await;
    assert_eq!(refused(body).await, (409, "ALREADY_EXISTS".to_owned()));
    assert_eq!(id(&school.get("/v1/courses/d:sis-4b").await), made);
    assert_eq!(
        refused(json!({ "name": "x", "ownerId": "me", "id": "sis" })).await,
        (400, "INVALID_ARGUMENT".to_owned())
    );
    assert_eq!(refused(json!({ "ownerId": "me" })).await.0, 400);
    school.post(&format!("/v1/courses/{made}/aliases"), json!({ "alias": "p:x" })).await;
    assert_eq!(school.get("/v1/courses/p:x/aliases").await["aliases"].as_array().unwrap().len(), 2);
    let at = format!("/v1/courses/{made}");
    assert_eq!(school.refused(&school.token, Method::DELETE, &at, None).await, (400, "FAILED_PRECONDITION".to_owned()));
    assert_eq!(school.refused(&school.token, Method::PATCH, &at, Some(json!({}))).await.0, 400, "updateMask is needed");
    let mask = |names: &str| format!("{at}?updateMask={names}");
    assert_eq!(
        school.patch(&mask("room,section"), json!({ "room": "4", "name": "ignored" })).await["name"],
        "Maths 4b"
    );
    school.patch(&mask("courseState"), json!({ "courseState": "ARCHIVED" })).await;
    let closed = school.send(&school.token, Method::POST, &format!("{at}/courseWork"), Some(assignment())).await;
    assert!(closed.body["error"]["message"].as_str().unwrap().starts_with("@CourseNotModifiable"), "{}", closed.text);
    let listed = school.get("/v1/courses?courseStates=ARCHIVED&studentId=student@yourschool.example").await;
    assert_eq!(listed["courses"].as_array().unwrap().len(), 1);
    assert_eq!(school.delete(&at).await, 200);
    assert_eq!(school.refused(&school.token, Method::GET, &at, None).await, (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn the_roster_is_kept() {
    let school = School::start().await;
    let course = course(&school).await;
    let at = format!("/v1/courses/{course}/students");
    let again = Some(json!({ "userId": STUDENT }));
    assert_eq!(school.refused(&school.token, Method::POST, &at, again).await, (409, "ALREADY_EXISTS".to_owned()));
    let teacher = school.token_of(TEACHER, &["classroom.rosters"]).await;
    let pat = Some(json!({ "userId": "parent@yourschool.example" }));
    assert_eq!(school.refused(&teacher, Method::POST, &at, pat.clone()).await, (403, "PERMISSION_DENIED".to_owned()));
    let list = school.send(&teacher, Method::GET, &at, None).await.body;
    assert_eq!(list["students"][0]["profile"]["emailAddress"], Value::Null, "an address takes another scope");
    assert_eq!(school.get(&at).await["students"][0]["profile"]["emailAddress"], STUDENT);
    let invite = json!({ "userId": "parent@yourschool.example", "courseId": course, "role": "TEACHER" });
    let made = school.send(&teacher, Method::POST, "/v1/invitations", Some(invite.clone())).await.body;
    assert_eq!(school.refused(&teacher, Method::POST, "/v1/invitations", Some(invite)).await.0, 409);
    let accept = format!("/v1/invitations/{}:accept", id(&made));
    assert_eq!(school.refused(&school.token, Method::POST, &accept, None).await.0, 403, "only who is invited");
    let parent = school.token_of("parent@yourschool.example", &["classroom.rosters"]).await;
    assert_eq!(school.send(&parent, Method::POST, &accept, None).await.status, 200);
    assert_eq!(school.get(&format!("/v1/courses/{course}/teachers")).await["teachers"].as_array().unwrap().len(), 2);
    assert_eq!(school.get(&format!("/v1/invitations?courseId={course}")).await, json!({}));
    assert_eq!(school.delete(&format!("{at}/{STUDENT}")).await, 200);
    assert_eq!(school.delete(&format!("{at}/{STUDENT}")).await, 404);
    let outsider = school.token_of(STUDENT, STUDENTS).await;
    let refused = school.refused(&outsider, Method::GET, &format!("/v1/courses/{course}"), None).await;
    assert_eq!(refused, (403, "PERMISSION_DENIED".to_owned()));
}

#[tokio::test]
async fn work_is_handed_in_graded_and_given_back() {
    let school = School::start().await;
    let course = course(&school).await;
    let base = format!("/v1/courses/{course}/courseWork");
    let work = id(&school.post(&base, assignment()).await);
    let list = school.get(&format!("{base}/{work}/studentSubmissions")).await;
    let one = id(&list["studentSubmissions"][0]);
    let at = format!("{base}/{work}/studentSubmissions/{one}");
    let student = school.token_of(STUDENT, STUDENTS).await;
    assert_eq!(
        school.refused(&student, Method::POST, &format!("{at}:reclaim"), None).await,
        (400, "FAILED_PRECONDITION".to_owned())
    );
    assert_eq!(school.send(&student, Method::POST, &format!("{at}:turnIn"), None).await.status, 200);
    assert_eq!(school.refused(&student, Method::POST, &format!("{at}:turnIn"), None).await.0, 400);
    let grade = |mask: &str| format!("{at}?updateMask={mask}");
    let patched = school.patch(&grade("draftGrade"), json!({ "draftGrade": 9 })).await;
    assert_eq!(patched["state"], "TURNED_IN");
    let above = Some(json!({ "assignedGrade": 11 }));
    assert_eq!(school.refused(&school.token, Method::PATCH, &grade("assignedGrade"), above).await.0, 400);
    assert_eq!(school.refused(&school.token, Method::PATCH, &grade("state"), Some(json!({}))).await.0, 400);
    assert_eq!(
        school.refused(&student, Method::PATCH, &grade("draftGrade"), Some(json!({ "draftGrade": 1 }))).await.0,
        403
    );
    assert_eq!(school.send(&student, Method::GET, &at, None).await.body["draftGrade"], Value::Null);
    school.post(&format!("{at}:return"), json!({})).await;
    let back = school.get(&at).await;
    assert_eq!((&back["state"], &back["assignedGrade"]), (&json!("RETURNED"), &Value::Null), "a draft stays a draft");
    school.patch(&grade("assignedGrade"), json!({ "assignedGrade": 9.5 })).await;
    assert_eq!(school.send(&student, Method::GET, &at, None).await.body["assignedGrade"], 9.5);
    let returned = school.get(&format!("{base}/-/studentSubmissions?states=RETURNED&userId={STUDENT}")).await;
    assert_eq!(returned["studentSubmissions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn work_belongs_to_the_project_that_made_it() {
    let school = School::start().await;
    let course = course(&school).await;
    let base = format!("/v1/courses/{course}/courseWork");
    let work = id(&school.post(&base, assignment()).await);
    school.google().add_client("99-other.apps.googleusercontent.com", CLIENT_SECRET);
    let at = "/o/oauth2/v2/auth?client_id=99-other.apps.googleusercontent.com&redirect_uri=http://localhost/&response_type=code\
              &scope=https://www.googleapis.com/auth/classroom.coursework.students";
    let answer = crate::school::reply(school.bare(Method::GET, at)).await;
    let to = url::Url::parse(answer.headers["location"].to_str().unwrap()).unwrap();
    let code = to.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("client_id", "99-other.apps.googleusercontent.com"),
        ("client_secret", CLIENT_SECRET),
        ("redirect_uri", "http://localhost/"),
    ];
    let tokens = school.form("/token", &form).await.body;
    let other = tokens["access_token"].as_str().unwrap();
    let at = format!("{base}/{work}");
    assert_eq!(school.send(other, Method::GET, &at, None).await.body["associatedWithDeveloper"], false);
    let change = Some(json!({ "title": "x" }));
    let refused = school.refused(other, Method::PATCH, &format!("{at}?updateMask=title"), change).await;
    assert_eq!(refused, (403, "PERMISSION_DENIED".to_owned()));
    assert_eq!(
        school.patch(&format!("{at}?updateMask=title"), json!({ "title": "y" })).await["associatedWithDeveloper"],
        true
    );
}

#[tokio::test]
async fn drafts_and_lateness() {
    let school = School::start().await;
    let course = course(&school).await;
    let base = format!("/v1/courses/{course}/courseWork");
    let draft = id(&school.post(&base, json!({ "title": "x", "workType": "SHORT_ANSWER_QUESTION" })).await);
    assert_eq!(school.get(&base).await, json!({}), "a draft is not on the list");
    assert_eq!(school.get(&format!("{base}?courseWorkStates=DRAFT")).await["courseWork"].as_array().unwrap().len(), 1);
    assert_eq!(school.get(&format!("{base}/{draft}/studentSubmissions")).await, json!({}));
    for wrong in [
        json!({ "workType": "ASSIGNMENT" }),
        json!({ "title": "x" }),
        json!({ "title": "x", "workType": "ASSIGNMENT", "maxPoints": 1.5 }),
        json!({ "title": "x", "workType": "ASSIGNMENT", "dueDate": { "year": 2099 } }),
        json!({ "title": "x", "workType": "ASSIGNMENT", "materials": [{ "driveFile": { "driveFile": { "id": "none" } } }] }),
    ] {
        assert_eq!(school.refused(&school.token, Method::POST, &base, Some(wrong.clone())).await.0, 400, "{wrong}");
    }
    let mut soon = assignment();
    let tomorrow = jiff::Timestamp::from_millisecond(school.sandbox.clock().now() + 86_400_000).unwrap();
    let day = tomorrow.strftime("%Y %m %d").to_string();
    let day: Vec<i64> = day.split(' ').map(|part| part.parse().unwrap()).collect();
    soon["dueDate"] = json!({ "year": day[0], "month": day[1], "day": day[2] });
    let work = id(&school.post(&base, soon).await);
    let late = format!("{base}/{work}/studentSubmissions?late=LATE_ONLY");
    assert_eq!(school.get(&late).await, json!({}));
    school.sandbox.clock().advance(Duration::from_secs(3 * 86_400));
    let token = school.refreshed(sandbox::google_workspace::REFRESH_TOKEN).await;
    let list = school.send(&token, Method::GET, &late, None).await.body;
    assert_eq!(list["studentSubmissions"][0]["late"], true);
}

#[tokio::test]
async fn guardians_accept_an_invitation() {
    let school = School::start().await;
    let at = format!("/v1/userProfiles/{STUDENT}");
    let invite = json!({ "studentId": STUDENT, "invitedEmailAddress": GUARDIAN });
    let made = school.post(&format!("{at}/guardianInvitations"), invite.clone()).await;
    assert_eq!(school.google().guardian_notices(), [GUARDIAN]);
    let refused = async |body: Value| {
        school.refused(&school.token, Method::POST, &format!("{at}/guardianInvitations"), Some(body)).await
    };
    assert_eq!(refused(invite).await, (409, "ALREADY_EXISTS".to_owned()));
    assert_eq!(
        refused(json!({ "invitedEmailAddress": "x@y.example", "state": "PENDING" })).await.0,
        400,
        "one field too many"
    );
    let invitation = made["invitationId"].as_str().unwrap();
    assert_eq!(school.get(&format!("{at}/guardianInvitations/{invitation}")).await["state"], "PENDING");
    assert!(school.google().accept_guardian_invitation(invitation));
    assert_eq!(school.get(&format!("{at}/guardianInvitations")).await, json!({}), "only those that wait");
    let guardians = school.get("/v1/userProfiles/-/guardians").await;
    let guardian = guardians["guardians"][0]["guardianId"].as_str().unwrap();
    assert_eq!(school.delete(&format!("{at}/guardians/{guardian}")).await, 200);
    assert_eq!(school.delete(&format!("{at}/guardians/{guardian}")).await, 404);
    let other =
        school.post(&format!("{at}/guardianInvitations"), json!({ "invitedEmailAddress": "x@y.example" })).await;
    let cancel = format!("{at}/guardianInvitations/{}?updateMask=state", other["invitationId"].as_str().unwrap());
    assert_eq!(school.patch(&cancel, json!({ "state": "COMPLETE" })).await["state"], "COMPLETE");
    let student = school.token_of(STUDENT, &["classroom.guardianlinks.students"]).await;
    let own = Some(json!({ "invitedEmailAddress": GUARDIAN }));
    assert_eq!(school.refused(&student, Method::POST, &format!("{at}/guardianInvitations"), own).await.0, 403);
}

#[tokio::test]
async fn posts_topics_and_registrations() {
    let school = School::start().await;
    let course = course(&school).await;
    let base = format!("/v1/courses/{course}");
    let topic = school.post(&format!("{base}/topics"), json!({ "name": "Unit 1" })).await;
    let again = Some(json!({ "name": "Unit 1" }));
    assert_eq!(school.refused(&school.token, Method::POST, &format!("{base}/topics"), again).await.0, 409);
    let mut work = assignment();
    work["topicId"] = topic["topicId"].clone();
    school.post(&format!("{base}/courseWork"), work).await;
    let post = school.post(&format!("{base}/announcements"), json!({ "text": "Hello", "state": "PUBLISHED" })).await;
    assert_eq!(school.get(&format!("{base}/announcements")).await["announcements"], json!([post]));
    let body = json!({
        "feed": { "feedType": "COURSE_WORK_CHANGES", "courseWorkChangesInfo": { "courseId": course } },
        "cloudPubsubTopic": { "topicName": "projects/p/topics/t" },
    });
    let made = school.post("/v1/registrations", body.clone()).await;
    assert_eq!(school.post("/v1/registrations", body).await["registrationId"], made["registrationId"]);
    let at = format!("/v1/registrations/{}", made["registrationId"].as_str().unwrap());
    assert_eq!((school.delete(&at).await, school.delete(&at).await), (200, 404));
    assert_eq!(school.get(&format!("/v1/userProfiles/{STUDENT}")).await["name"]["fullName"], "Sam Student");
}
