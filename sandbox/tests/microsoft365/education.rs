//! Classes, assignments and grades.

use reqwest::Method;
use sandbox::microsoft365::{STUDENT_ID, TEACHER_ID};
use serde_json::{Value, json};

use crate::tenant::{GRAPH, Tenant, reply};

fn homework() -> Value {
    json!({
        "displayName": "Fractions",
        "dueDateTime": "2030-01-01T12:00:00Z",
        "grading": { "@odata.type": "#microsoft.graph.educationAssignmentPointsGradeType", "maxPoints": 10 },
    })
}

#[tokio::test]
async fn classes_are_the_apps_to_make_and_people_are_put_in_by_reference() {
    let tenant = Tenant::start().await;
    let body = json!({ "displayName": "Maths 7b", "mailNickname": "maths7b" });
    assert_eq!(tenant.post(&tenant.teacher, "/education/classes", body).await.code(), (403, "AccessDenied"));
    assert_eq!(tenant.get(&tenant.teacher, "/education/users").await.code(), (403, "AccessDenied"));
    let class = tenant.class(TEACHER_ID, STUDENT_ID).await;
    let path = format!("/education/classes/{class}");
    let found = tenant.get(&tenant.app, "/education/classes?$filter=externalId eq 'SIS-7B'").await;
    assert_eq!(found.each("id"), [class.as_str()]);
    assert_eq!(tenant.get(&tenant.app, &format!("{path}/teachers")).await.each("primaryRole"), ["teacher"]);
    let link = json!({ "@odata.id": format!("{GRAPH}/education/users/{STUDENT_ID}") });
    assert_eq!(tenant.post(&tenant.app, &format!("{path}/members/$ref"), link).await.status, 400, "is in already");
    assert_eq!(tenant.get(&tenant.app, &format!("/groups/{class}")).await.status, 200, "a class is a group");
    assert_eq!(tenant.delete(&tenant.app, &format!("{path}/members/{STUDENT_ID}/$ref")).await.status, 204);
    assert_eq!(tenant.get(&tenant.app, &format!("{path}/members")).await.each("id"), [TEACHER_ID]);

    assert_eq!(
        tenant.send(&tenant.app, Method::PUT, &format!("/groups/{class}/team"), Some(json!({}))).await.status,
        201
    );
    assert_eq!(tenant.graph().teams()[0]["specialization"], "educationClass");
    assert_eq!(tenant.graph().team_members(&class).len(), 1);
    let back = json!({ "@odata.id": format!("{GRAPH}/education/users/{STUDENT_ID}") });
    tenant.made(&tenant.app, &format!("{path}/members/$ref"), back).await;
    assert_eq!(tenant.graph().team_members(&class).len(), 2, "the team follows the class");
    assert_eq!(tenant.delete(&tenant.app, &path).await.status, 204);
    assert_eq!(tenant.get(&tenant.app, &path).await.status, 404);
}

#[tokio::test]
async fn homework_goes_round_from_draft_to_grade() {
    let tenant = Tenant::start().await;
    let class = tenant.class(TEACHER_ID, STUDENT_ID).await;
    let assignments = format!("/education/classes/{class}/assignments");
    let made = tenant.made(&tenant.teacher, &assignments, homework()).await;
    assert_eq!(made.body["status"], "draft");
    let path = format!("{assignments}/{}", made.id());
    let submissions = format!("{path}/submissions");
    assert!(tenant.get(&tenant.teacher, &submissions).await.value().is_empty());
    let published = tenant.send(&tenant.teacher, Method::POST, &format!("{path}/publish"), None).await;
    assert_eq!(published.body["status"], "published");
    assert_eq!(tenant.get(&tenant.teacher, &path).await.body["status"], "assigned");
    assert_eq!(tenant.send(&tenant.teacher, Method::POST, &format!("{path}/publish"), None).await.status, 400);

    assert!(tenant.graph().hand_in(&made.id(), STUDENT_ID));
    assert!(!tenant.graph().hand_in(&made.id(), TEACHER_ID));
    let handed_in = tenant.get(&tenant.teacher, &format!("{submissions}?$expand=outcomes")).await;
    assert_eq!((handed_in.each("status"), handed_in.value().len()), (vec!["submitted"], 1));
    let submission = &handed_in.value()[0];
    assert_eq!(submission["recipient"]["userId"], STUDENT_ID);
    let outcomes = submission["outcomes"].as_array().expect("outcomes");
    let outcome = |kind: &str| {
        let of_kind = outcomes.iter().find(|one| one["@odata.type"].as_str().is_some_and(|text| text.contains(kind)));
        of_kind.and_then(|one| one["id"].as_str()).expect("an id").to_owned()
    };
    let submission = format!("{submissions}/{}", submission["id"].as_str().expect("an id"));
    let points = format!("{submission}/outcomes/{}", outcome("PointsOutcome"));
    let mark = |points: f64| json!({ "@odata.type": "#microsoft.graph.educationPointsOutcome", "points": { "points": points } });
    assert_eq!(tenant.patch(&tenant.teacher, &points, mark(10.5)).await.status, 400, "more than there are");
    assert_eq!(tenant.patch(&tenant.teacher, &points, mark(8.5)).await.body["points"]["points"], 8.5);
    let feedback = json!({ "feedback": { "text": { "content": "Well done", "contentType": "text" } } });
    let feedback =
        tenant.patch(&tenant.teacher, &format!("{submission}/outcomes/{}", outcome("FeedbackOutcome")), feedback).await;
    assert_eq!((feedback.status, &feedback.body["publishedFeedback"]), (200, &Value::Null));

    let returned = tenant.send(&tenant.teacher, Method::POST, &format!("{submission}/return"), None).await;
    assert_eq!(returned.body["status"], "returned");
    let outcomes = tenant.get(&tenant.teacher, &format!("{submission}/outcomes")).await;
    assert!(outcomes.value().iter().any(|one| one["publishedPoints"]["points"] == 8.5), "{outcomes:?}");
    let again = tenant.send(&tenant.teacher, Method::POST, &format!("{submission}/reassign"), None).await;
    assert_eq!(again.body["status"], "unknownFutureValue", "a word that came later than others");
    let asked = tenant.request(&tenant.teacher, Method::GET, &submission);
    let asked = reply(asked.header("prefer", "include-unknown-enum-members")).await;
    assert_eq!(asked.body["status"], "reassigned");
}

#[tokio::test]
async fn a_student_sees_the_own_work_and_hands_it_in() {
    let tenant = Tenant::start().await;
    let class = tenant.class(TEACHER_ID, STUDENT_ID).await;
    let other = tenant.graph().add_user("pat", "student");
    let link = json!({ "@odata.id": format!("{GRAPH}/education/users/{other}") });
    tenant.made(&tenant.app, &format!("/education/classes/{class}/members/$ref"), link).await;
    let assignments = format!("/education/classes/{class}/assignments");
    let path = format!("{assignments}/{}", tenant.made(&tenant.teacher, &assignments, homework()).await.id());
    tenant.send(&tenant.teacher, Method::POST, &format!("{path}/publish"), None).await;
    assert_eq!(tenant.get(&tenant.teacher, &format!("{path}/submissions")).await.value().len(), 2);
    tenant.graph().add_refresh_token("students", STUDENT_ID, &[]);
    let student = tenant.token_of("students").await;
    let own = tenant.get(&student, &format!("{path}/submissions")).await;
    assert_eq!(own.value().len(), 1);
    let submit = format!("{path}/submissions/{}/submit", own.value()[0]["id"].as_str().expect("an id"));
    assert_eq!(tenant.send(&tenant.teacher, Method::POST, &submit, None).await.status, 403);
    assert_eq!(tenant.send(&student, Method::POST, &submit, None).await.body["status"], "submitted");
}

#[tokio::test]
async fn an_assignment_without_a_due_date_stays_a_draft() {
    let tenant = Tenant::start().await;
    let class = tenant.class(TEACHER_ID, STUDENT_ID).await;
    let assignments = format!("/education/classes/{class}/assignments");
    let id = tenant
        .made(&tenant.teacher, &assignments, json!({ "displayName": "Someday", "status": "assigned" }))
        .await
        .id();
    assert_eq!(
        tenant.send(&tenant.teacher, Method::POST, &format!("{assignments}/{id}/publish"), None).await.status,
        400
    );
    assert_eq!(tenant.get(&tenant.teacher, &format!("{assignments}/{id}")).await.body["status"], "draft");
    assert_eq!(tenant.post(&tenant.teacher, &assignments, json!({})).await.status, 400);
}
