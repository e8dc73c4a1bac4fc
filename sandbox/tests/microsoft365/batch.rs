//! Batches.

use std::collections::BTreeMap;

use sandbox::microsoft365::{STUDENT_ID, TEACHER_ID};
use serde_json::{Value, json};

use crate::tenant::{Reply, Tenant};

fn step(id: &str, method: &str, url: &str) -> Value {
    json!({ "id": id, "method": method, "url": url })
}

fn by_id(reply: &Reply) -> BTreeMap<&str, &Value> {
    let responses = reply.body["responses"].as_array().expect("responses");
    responses.iter().map(|response| (response["id"].as_str().expect("an id"), response)).collect()
}

async fn batch(tenant: &Tenant, steps: Vec<Value>) -> Reply {
    tenant.post(&tenant.app, "/$batch", json!({ "requests": steps })).await
}

#[tokio::test]
async fn each_step_is_answered_for_itself_and_in_no_order() {
    let tenant = Tenant::start().await;
    let mut steps: Vec<Value> = (0..18).map(|at| step(&at.to_string(), "GET", "/users?$top=1&$select=id")).collect();
    steps.push(step("missing", "GET", "/users/nobody"));
    steps.push(json!({
        "id": "made",
        "method": "POST",
        "url": "/groups",
        "headers": { "content-type": "application/json" },
        "body": { "displayName": "g", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true },
    }));
    let answered = batch(&tenant, steps.clone()).await;
    let responses = by_id(&answered);
    assert_eq!((answered.status, responses.len()), (200, 20));
    assert_eq!((&responses["missing"]["status"], &responses["made"]["status"]), (&json!(404), &json!(201)));
    assert_eq!(responses["3"]["headers"]["Content-Type"], "application/json");
    assert!(responses["3"]["body"]["@odata.nextLink"].as_str().is_some_and(|link| link.contains("/v1.0/users?")));
    let order: Vec<&Value> =
        answered.body["responses"].as_array().expect("a list").iter().map(|one| &one["id"]).collect();
    assert!(!order.iter().eq(steps.iter().map(|step| &step["id"]).collect::<Vec<_>>().iter()), "{order:?}");
    assert_eq!(tenant.graph().groups().len(), 1);
}

#[tokio::test]
async fn a_step_waits_for_those_it_depends_on_and_fails_with_them() {
    let tenant = Tenant::start().await;
    let depending = |id: &str, url: &str, on: &[&str]| {
        let mut step = step(id, "GET", url);
        step["dependsOn"] = json!(on);
        step
    };
    let steps = vec![
        depending("c", "/users", &["b"]),
        depending("b", "/users", &["a"]),
        step("a", "GET", "/users/nobody"),
        depending("d", &format!("/users/{TEACHER_ID}"), &["e"]),
        step("e", "GET", &format!("/users/{STUDENT_ID}")),
    ];
    let answered = batch(&tenant, steps).await;
    let statuses: BTreeMap<&str, &Value> = by_id(&answered).into_iter().map(|(id, one)| (id, &one["status"])).collect();
    assert_eq!(json!(statuses), json!({ "a": 404, "b": 424, "c": 424, "d": 200, "e": 200 }));
    let circle = vec![depending("a", "/users", &["b"]), depending("b", "/users", &["a"])];
    assert_eq!(batch(&tenant, circle).await.status, 400);
}

#[tokio::test]
async fn some_steps_are_told_to_wait() {
    let tenant = Tenant::start().await;
    tenant.graph().throttle_batch_items(1);
    let answered = batch(&tenant, vec![step("a", "GET", "/users"), step("b", "GET", "/users")]).await;
    let responses = by_id(&answered);
    assert_eq!((&responses["a"]["status"], &responses["a"]["headers"]["Retry-After"]), (&json!(429), &json!("1")));
    assert_eq!(responses["a"]["body"]["error"]["code"], "TooManyRequests");
    assert_eq!(responses["b"]["status"], 200);
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_whole() {
    let tenant = Tenant::start().await;
    let many = (0..21).map(|at| step(&at.to_string(), "GET", "/users")).collect();
    let mut headless = step("a", "POST", "/groups");
    headless["body"] = json!({ "displayName": "g" });
    let mut astray = step("a", "GET", "/users");
    astray["dependsOn"] = json!(["z"]);
    let twins = vec![step("a", "GET", "/users"), step("A", "GET", "/users")];
    for steps in [many, vec![], vec![headless], vec![astray], twins] {
        let refused = batch(&tenant, steps).await;
        assert_eq!(refused.code(), (400, "BadRequest"));
    }
    assert!(tenant.graph().groups().is_empty());
}
