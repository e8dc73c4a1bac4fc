//! Users and groups.

use sandbox::microsoft365::{ADMIN_ID, STUDENT_ID, TEACHER_ID};
use sandbox::{Fault, Rule};
use serde_json::{Value, json};

use crate::tenant::{GRAPH, Tenant, reply};

fn ada() -> Value {
    json!({
        "accountEnabled": true,
        "displayName": "Ada Young",
        "mailNickname": "ada",
        "userPrincipalName": "ada@yourschool.example",
        "department": "Maths",
        "passwordProfile": { "password": "correct horse" },
    })
}

#[tokio::test]
async fn pages_follow_one_another_by_their_links() {
    let tenant = Tenant::start().await;
    let mut page = tenant.get(&tenant.app, "/users?$top=2&$select=id&$count=true&$orderby=displayName desc").await;
    assert_eq!(page.body["@odata.count"], 3);
    let mut ids: Vec<String> = page.each("id").into_iter().map(str::to_owned).collect();
    assert_eq!(ids.len(), 2);
    while let Some(next) = page.body["@odata.nextLink"].as_str().map(str::to_owned) {
        assert!(next.starts_with(&tenant.graph().url()), "{next}");
        page = tenant.get(&tenant.app, &next).await;
        ids.extend(page.each("id").into_iter().map(str::to_owned));
    }
    assert_eq!(ids, [TEACHER_ID, STUDENT_ID, ADMIN_ID]);
    assert_eq!(tenant.get(&tenant.app, "/users?$top=1000").await.status, 400);
}

#[tokio::test]
async fn a_user_shows_little_unless_asked_and_never_the_password() {
    let tenant = Tenant::start().await;
    let id = tenant.made(&tenant.app, "/users", ada()).await.id();
    let by_name = tenant.get(&tenant.app, "/users/ADA@yourschool.example").await;
    assert_eq!((by_name.id(), &by_name.body["department"]), (id.clone(), &Value::Null));
    let asked = tenant.get(&tenant.app, &format!("/users/{id}?$select=department,accountEnabled")).await;
    assert_eq!((&asked.body["department"], &asked.body["accountEnabled"]), (&json!("Maths"), &json!(true)));
    assert!(!format!("{:?}", tenant.graph().users()).contains("correct horse"));
    assert_eq!(tenant.post(&tenant.app, "/users", ada()).await.status, 400, "the name is taken");

    assert_eq!(tenant.patch(&tenant.app, &format!("/users/{id}"), json!({ "department": "Art" })).await.status, 204);
    let filtered =
        tenant.get(&tenant.app, "/users?$filter=department eq 'art' and startswith(displayName,'ada')").await;
    assert_eq!(filtered.each("id"), [id.as_str()]);
    assert_eq!(tenant.delete(&tenant.app, &format!("/users/{id}")).await.status, 204);
    assert_eq!(tenant.get(&tenant.app, &format!("/users/{id}")).await.code(), (404, "Request_ResourceNotFound"));
}

#[tokio::test]
async fn what_was_just_made_takes_its_time_to_be_seen() {
    let tenant = Tenant::start().await;
    tenant.graph().lag_reads(2);
    let id = tenant.made(&tenant.app, "/users", ada()).await.id();
    let path = format!("/users/{id}");
    assert_eq!(tenant.get(&tenant.app, "/users?$select=id").await.value().len(), 3);
    assert_eq!(tenant.get(&tenant.app, &path).await.status, 404, "the list was the first of the two");
    assert_eq!(tenant.get(&tenant.app, &path).await.status, 200);
    assert_eq!(tenant.get(&tenant.app, "/users?$select=id").await.value().len(), 4);
}

#[tokio::test]
async fn searching_wants_its_header() {
    let tenant = Tenant::start().await;
    let path = "/users?$search=\"displayName:teach\"";
    assert_eq!(tenant.get(&tenant.app, path).await.code(), (400, "Request_UnsupportedQuery"));
    let request = tenant.request(&tenant.app, reqwest::Method::GET, path).header("ConsistencyLevel", "eventual");
    assert_eq!(reply(request).await.each("id"), [TEACHER_ID]);
}

#[tokio::test]
async fn people_join_and_leave_groups_by_reference() {
    let tenant = Tenant::start().await;
    let group = json!({ "displayName": "7b", "mailEnabled": false, "mailNickname": "g7b", "securityEnabled": true });
    let id = tenant.made(&tenant.app, "/groups", group).await.id();
    let members = format!("/groups/{id}/members");
    let link = |user: &str| json!({ "@odata.id": format!("{GRAPH}/directoryObjects/{user}") });
    assert_eq!(tenant.post(&tenant.app, &format!("{members}/$ref"), link(STUDENT_ID)).await.status, 204);
    let again = tenant.post(&tenant.app, &format!("{members}/$ref"), link(STUDENT_ID)).await;
    assert_eq!(again.status, 400);
    assert!(again.body["error"]["message"].as_str().is_some_and(|text| text.contains("already exist")), "{again:?}");
    let many =
        json!({ "members@odata.bind": [format!("{GRAPH}/users/{TEACHER_ID}"), format!("{GRAPH}/users/{ADMIN_ID}")] });
    assert_eq!(tenant.patch(&tenant.app, &format!("/groups/{id}"), many).await.status, 204);
    let listed = tenant.get(&tenant.app, &members).await;
    assert_eq!(listed.each("id"), [STUDENT_ID, TEACHER_ID, ADMIN_ID]);
    assert_eq!(listed.each("@odata.type"), ["#microsoft.graph.user"; 3]);
    assert_eq!(tenant.delete(&tenant.app, &format!("{members}/{STUDENT_ID}/$ref")).await.status, 204);
    assert_eq!(tenant.delete(&tenant.app, &format!("{members}/{STUDENT_ID}/$ref")).await.status, 404);
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let tenant = Tenant::start().await;
    let request =
        tenant.request(&tenant.app, reqwest::Method::GET, "/users/nobody").header("client-request-id", "mine");
    let refused = reply(request).await;
    assert_eq!(refused.header("client-request-id"), "mine");
    let inner = &refused.body["error"]["innerError"];
    assert_eq!(
        (inner["request-id"].as_str(), inner["client-request-id"].as_str()),
        (Some(refused.header("request-id")), Some("mine"))
    );

    tenant.graph().faults().add(Rule::next(1, Fault::too_many(Some(7))));
    let throttled = tenant.get(&tenant.app, "/users").await;
    assert_eq!((throttled.code(), throttled.header("retry-after")), ((429, "TooManyRequests"), "7"));
}

#[tokio::test]
async fn reading_oneself_is_not_reading_others() {
    let tenant = Tenant::start().await;
    tenant.graph().add_refresh_token("modest", TEACHER_ID, &["User.Read"]);
    let token = tenant.token_of("modest").await;
    assert_eq!(tenant.get(&token, "/me").await.id(), TEACHER_ID);
    assert_eq!(tenant.get(&token, &format!("/users/{STUDENT_ID}")).await.code(), (403, "Authorization_RequestDenied"));
}

#[tokio::test]
async fn the_basic_permission_gives_the_basic_fields() {
    let tenant = Tenant::start().await;
    let student = format!("/users/{STUDENT_ID}");
    for (role, status) in [("User.ReadBasic.All", 403), ("User.Read.All", 200)] {
        tenant.graph().grant_roles(&[role]);
        let app = tenant.app_token().await;
        for path in [student.as_str(), "/users"] {
            assert_eq!(tenant.get(&app, &format!("{path}?$select=id,displayName")).await.status, 200, "{role} {path}");
            let more = tenant.get(&app, &format!("{path}?$select=id,department")).await;
            assert_eq!(more.status, status, "{role} {path}");
        }
    }
}

#[tokio::test]
async fn the_app_is_nobody() {
    let tenant = Tenant::start().await;
    assert_eq!(tenant.get(&tenant.app, "/me").await.code(), (400, "BadRequest"));
    assert_eq!(tenant.get(&tenant.teacher, "/me").await.id(), TEACHER_ID);
}
