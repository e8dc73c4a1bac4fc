//! Microsoft 365: classes as teams, and what is handed in and graded, through the whole road to the look-alike.
#![cfg(feature = "microsoft365")]
#![allow(missing_docs, reason = "tests")]

#[path = "support/microsoft365.rs"]
mod support;

use sandbox::{
    Fault,
    microsoft365::{STUDENT_ID, TEACHER_ID},
};
use serde_json::{Value, json};
use sis_integrations::ErrorCode;
use support::{School, id};

async fn class(school: &School) -> String {
    let class = id(&school.ask("createClass", json!({ "displayName": "Biology", "mailNickname": "bio" })).await);
    school.ask("addClassTeacher", json!({ "classId": class, "userId": TEACHER_ID })).await;
    school.ask("addClassMember", json!({ "classId": class, "userId": STUDENT_ID })).await;
    class
}

#[tokio::test]
async fn a_class_becomes_a_team_once_whatever_breaks() {
    for (method, at, fault, looks) in [
        ("POST", "/teams", Fault::CutBefore, 0),
        ("POST", "/teams", Fault::CutAfter, 0),
        ("POST", "/teams", Fault::CutAfter, 3),
        ("POST", "/teams", Fault::StatusAfter { status: 500 }, 3),
        // Longer than one call waits.
        ("POST", "/teams", Fault::CutAfter, 30),
        ("GET", "/operations/", Fault::status(400), 1),
        ("GET", "/education/classes/", Fault::status(400), 0),
    ] {
        let (school, _) = School::swift().await;
        let class = class(&school).await;
        school.graph().team_polls(looks);
        school.break_next(method, at, fault.clone());
        let arguments = json!({ "classId": class });
        let mut made = school.keyed("k-1", "createTeamFromClass", &arguments).await;
        if made.is_err() {
            made = school.keyed("k-1", "createTeamFromClass", &arguments).await;
        }
        let team = made.unwrap_or_else(|error| panic!("{method} {at} {fault:?} {looks}: {error}"));
        assert_eq!((&team["id"], &team["specialization"]), (&json!(class), &json!("educationClass")));
        assert_eq!(school.graph().teams().len(), 1);
        // Made already, it is answered.
        school.ask("createTeamFromClass", arguments).await;
        let sent = school.sent("POST", "/teams");
        // One that takes long is asked for once more, and refused: a group has one team.
        let again = matches!(fault, Fault::CutBefore) || looks == 30;
        assert_eq!(sent, if again { 2 } else { 1 }, "{fault:?} {looks}");
    }
}

#[tokio::test]
async fn a_group_that_is_no_class_becomes_a_plain_team() {
    let (school, _) = School::swift().await;
    school.graph().team_polls(0);
    let group = |nickname: &str, kind: &str| json!({ "displayName": "Chess", "mailNickname": nickname, "kind": kind, "owners": [TEACHER_ID] });
    let chess = id(&school.ask("createGroup", group("chess", "microsoft365")).await);
    let team = school.ask("createTeamFromClass", json!({ "classId": chess })).await;
    assert_eq!((&team["id"], &team["specialization"]), (&json!(chess), &json!("none")));

    let rights = id(&school.ask("createGroup", group("rights", "security")).await);
    let error = school.refuse("createTeamFromClass", json!({ "classId": rights })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("classId")));
    let error = school.refuse("createTeamFromClass", json!({ "classId": "nothing" })).await;
    assert_eq!(error.code(), ErrorCode::NotFound);
    assert_eq!(school.sent("POST", "/teams"), 1);
}

#[tokio::test]
async fn a_class_that_the_directory_does_not_know_yet_is_still_a_class() {
    let (school, _) = School::swift().await;
    let class = class(&school).await;
    school.graph().team_polls(0);
    // The group is seen at once, the class is not.
    school.break_next("GET", "/education/classes/", Fault::status(404));
    let team = school.ask("createTeamFromClass", json!({ "classId": class })).await;
    assert_eq!(team["specialization"], "educationClass");
}

/// What a student has handed in, and how it is asked for.
async fn handed_in(school: &School) -> Value {
    let class = class(school).await;
    let assignment = id(&school
        .ask(
            "createAssignment",
            json!({
                "classId": class, "displayName": "Cells", "dueDateTime": "2030-12-10T16:00:00Z", "maxPoints": 20,
                "publish": true,
            }),
        )
        .await);
    school.graph().hand_in(&assignment, STUDENT_ID);
    let submission = id(&school.graph().submissions(&assignment)[0]);
    json!({ "classId": class, "assignmentId": assignment, "submissionId": submission })
}

fn with(mut at: Value, more: Value) -> Value {
    at.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    at
}

/// What the student sees: points and words.
fn shown(school: &School, at: &Value) -> (Value, Value) {
    let outcomes = school.graph().outcomes(at["submissionId"].as_str().unwrap());
    let one = |pointer: &str| outcomes.iter().find_map(|one| one.pointer(pointer)).cloned().unwrap_or_default();
    (one("/publishedPoints/points"), one("/publishedFeedback/text/content"))
}

fn outcome(school: &School, at: &Value, kind: &str) -> String {
    let outcomes = school.graph().outcomes(at["submissionId"].as_str().unwrap());
    id(outcomes.iter().find(|one| one["@odata.type"].as_str().unwrap().contains(kind)).unwrap())
}

#[tokio::test]
async fn each_step_of_a_grade_goes_on_where_it_broke() {
    let faults = [Fault::CutBefore, Fault::CutAfter, Fault::StatusAfter { status: 500 }, Fault::status(400)];
    for (step, kind, wrote) in
        [("points", "educationPoints", 3), ("feedback", "educationFeedback", 3), ("return", "", 2)]
    {
        for fault in &faults {
            let school = School::open().await;
            let at = handed_in(&school).await;
            let (method, path) = match kind {
                "" => ("POST", "/return".to_owned()),
                kind => ("PATCH", outcome(&school, &at, kind)),
            };
            school.break_next(method, &path, fault.clone());
            let grade = with(at.clone(), json!({ "points": 18, "feedback": "Well done" }));
            let mut graded = school.keyed("k-1", "gradeSubmission", &grade).await;
            if let Err(error) = &graded {
                let steps = error.done().map(|done| done["steps"].clone()).unwrap_or_default();
                assert_ne!(steps[step]["state"], "done", "{step} {fault:?} {steps}");
                assert_eq!(steps["points"]["state"] == "done", step != "points", "{step} {fault:?} {steps}");
                graded = school.keyed("k-1", "gradeSubmission", &grade).await;
            }
            assert_eq!(graded.unwrap()["status"], "returned", "{step} {fault:?}");
            assert_eq!(shown(&school, &at), (json!(18.0), json!("Well done")), "{step} {fault:?}");
            // What was done is not done again: two outcomes, and one of them twice at most.
            let patches = school.graph().requests().iter().filter(|request| request.method == "PATCH").count();
            assert!((2..=wrote).contains(&patches), "{step} {fault:?}: {patches}");
        }
    }
}

#[tokio::test]
async fn a_grade_that_stands_can_be_corrected_whatever_breaks() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        let school = School::open().await;
        let at = handed_in(&school).await;
        school.ask("gradeSubmission", with(at.clone(), json!({ "points": 12 }))).await;
        school.break_next("POST", "/return", fault.clone());
        let better = with(at.clone(), json!({ "points": 15, "feedback": "I had missed a page" }));
        // That it was given back before says nothing of this time.
        if let Err(error) = school.keyed("k-2", "gradeSubmission", &better).await {
            assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
            school.keyed("k-2", "gradeSubmission", &better).await.unwrap();
        }
        assert_eq!(shown(&school, &at), (json!(15.0), json!("I had missed a page")), "{fault:?}");
    }
}

#[tokio::test]
async fn points_and_words_must_have_a_place() {
    let school = School::open().await;
    let at = handed_in(&school).await;
    let error = school.refuse("gradeSubmission", with(at.clone(), json!({ "points": 21 }))).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("points")));
    // Noted, and not shown before it is given back.
    school.ask("gradeSubmission", with(at.clone(), json!({ "points": 9, "giveBack": false }))).await;
    assert_eq!(shown(&school, &at), (Value::Null, Value::Null));
}

#[tokio::test]
async fn words_that_graph_learned_later_are_understood() {
    let school = School::open().await;
    let at = handed_in(&school).await;
    // Only who reads the word can tell that it was done although the answer was lost.
    school.break_next("POST", "/reassign", Fault::CutAfter);
    assert_eq!(school.ask("reassignSubmission", at.clone()).await["status"], "reassigned");
    assert_eq!(school.sent("POST", "/reassign"), 1);
    let list = json!({ "classId": at["classId"], "assignmentId": at["assignmentId"] });
    assert_eq!(school.ask("listSubmissions", list).await["items"][0]["status"], "reassigned");
}
