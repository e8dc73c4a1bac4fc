//! The directory through the whole road, against the look-alike.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::time::Duration;

use every::{School, builder};
use sandbox::{Fault, Rule, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{Error, ErrorCode, storage::MemoryStorage, transport::Backoff};

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

fn user(name: &str) -> Value {
    let email = format!("{name}@{}", google::DOMAIN);
    json!({ "primaryEmail": email, "givenName": "Jane", "familyName": "Smith", "password": "s3cret-pass" })
}

fn fault(school: &School, rule: Rule) {
    school.sandbox.google_workspace().faults().add(rule);
}

async fn count(school: &School, operation: &str, items: &str) -> usize {
    made(school, operation, json!({ "pageSize": 200 })).await[items].as_array().unwrap().len()
}

#[tokio::test]
async fn a_user_is_made_once_and_the_password_is_not_shown() {
    for lost in [Fault::CutAfter, Fault::StatusAfter { status: 503 }, Fault::CutDuring, Fault::CutBefore] {
        let school = school().await;
        let before = count(&school, "listUsers", "users").await;
        fault(&school, Rule::next(1, lost.clone()).method("POST").path("/users"));
        let jane = made(&school, "createUser", user("jane")).await;
        assert!(!jane.to_string().contains("s3cret-pass"));
        assert_eq!(count(&school, "listUsers", "users").await, before + 1, "{lost:?}");
    }
}

#[tokio::test]
async fn a_user_whose_answer_was_lost_is_found_when_the_call_is_repeated_with_its_key() {
    let school = school().await;
    let faults = school.sandbox.google_workspace().faults();
    let before = count(&school, "listUsers", "users").await;
    faults.add(Rule::always(Fault::CutAfter).method("POST").path("/users"));
    let error = keyed(&school, "jane", "createUser", user("jane")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
    faults.clear();
    let jane = keyed(&school, "jane", "createUser", user("jane")).await.unwrap();
    assert_eq!(jane["name"]["givenName"], "Jane");
    assert_eq!(count(&school, "listUsers", "users").await, before + 1);
}

#[tokio::test]
async fn an_address_that_somebody_has_is_not_given_again() {
    let school = school().await;
    made(&school, "createUser", user("jane")).await;
    let error = call(&school, "createUser", user("jane")).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("primaryEmail")));
    let mut outside = user("jane");
    outside["primaryEmail"] = json!("jane@elsewhere.example");
    let error = call(&school, "createUser", outside).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("primaryEmail")), "{error}");
    assert!(!error.to_string().contains("s3cret-pass"));
}

#[tokio::test]
async fn many_users_each_have_a_result() {
    for lost in [None, Some(Fault::CutAfter)] {
        let school = school().await;
        let before = count(&school, "listUsers", "users").await;
        made(&school, "createUser", user("pupil3")).await;
        let mut users: Vec<Value> = (0..21).map(|index| user(&format!("pupil{index}"))).collect();
        users[7]["primaryEmail"] = json!("pupil7@elsewhere.example");
        if let Some(lost) = lost {
            // The first batch looks, the second makes.
            fault(&school, Rule::every(2, lost).path("/batch"));
        }
        let report = made(&school, "createUsers", json!({ "users": users })).await;
        assert_eq!(
            (&report["done"], &report["failed"], &report["unknown"]),
            (&json!(19), &json!(2), &json!(0)),
            "{report}"
        );
        let results = report["results"].as_array().unwrap();
        assert_eq!(results[3]["error"]["code"], "conflict");
        assert_eq!((&results[7]["index"], &results[7]["state"]), (&json!(7), &json!("failed")));
        assert_eq!(results[7]["error"]["field"], "primaryEmail");
        assert!(results[0]["id"].is_string() && !report.to_string().contains("s3cret-pass"));
        assert_eq!(count(&school, "listUsers", "users").await, before + 20);
    }
}

#[tokio::test]
async fn a_user_is_changed_suspended_and_deleted() {
    let school = school().await;
    let jane = made(&school, "createUser", user("jane")).await["id"].clone();
    let changed =
        made(&school, "updateUser", json!({ "userKey": jane, "familyName": "Jones", "password": "another-s3cret" }))
            .await;
    assert_eq!(changed["name"]["familyName"], "Jones");
    assert_eq!(changed["name"]["givenName"], "Jane");
    assert!(!changed.to_string().contains("another-s3cret"));
    assert_eq!(made(&school, "suspendUser", json!({ "userKey": jane })).await["suspended"], true);
    let back = json!({ "userKey": jane, "suspended": false });
    assert_eq!(made(&school, "suspendUser", back).await["suspended"], false);
    fault(&school, Rule::next(1, Fault::CutAfter).method("DELETE"));
    assert_eq!(made(&school, "deleteUser", json!({ "userKey": jane })).await, json!({ "done": true }));
    let gone = call(&school, "deleteUser", json!({ "userKey": jane })).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_group_is_made_once_and_filled() {
    let school = school().await;
    let email = format!("math-7@{}", google::DOMAIN);
    let group = json!({ "email": email, "name": "Math, grade 7" });
    fault(&school, Rule::next(1, Fault::CutAfter).method("POST").path("/groups"));
    let id = made(&school, "createGroup", group.clone()).await["id"].clone();
    let taken = call(&school, "createGroup", group).await.unwrap_err();
    assert_eq!((taken.code(), taken.field()), (ErrorCode::Conflict, Some("email")));
    let member = json!({ "groupKey": id, "email": google::STUDENT });
    let first = made(&school, "addGroupMember", member.clone()).await;
    assert_eq!(made(&school, "addGroupMember", member).await["id"], first["id"]);
    let members = json!([
        { "email": google::STUDENT }, { "email": google::TEACHER, "role": "OWNER" }, { "email": google::ADMIN },
    ]);
    fault(&school, Rule::next(1, Fault::CutAfter).path("/batch"));
    let report = made(&school, "addGroupMembers", json!({ "groupKey": id, "members": members })).await;
    assert_eq!((&report["done"], &report["unknown"]), (&json!(3), &json!(0)), "{report}");
    let list = made(&school, "listGroupMembers", json!({ "groupKey": id })).await;
    assert_eq!(list["members"].as_array().unwrap().len(), 3);
    // The look at who is in it already fails: who was put in stays told.
    let group =
        made(&school, "createGroup", json!({ "email": format!("second@{}", google::DOMAIN), "name": "2" })).await;
    let members = |emails: &[&str]| {
        let members: Vec<Value> = emails.iter().map(|email| json!({ "email": email })).collect();
        json!({ "groupKey": group["id"], "members": members })
    };
    made(&school, "addGroupMembers", members(&[google::STUDENT])).await;
    fault(&school, Rule::every(2, Fault::status(400)).path("/batch"));
    let report = made(&school, "addGroupMembers", members(&[google::STUDENT, google::TEACHER])).await;
    assert_eq!((&report["done"], &report["failed"]), (&json!(1), &json!(1)), "{report}");
    school.sandbox.google_workspace().faults().clear();
    let out = json!({ "groupKey": id, "memberKey": google::STUDENT });
    made(&school, "removeGroupMember", out.clone()).await;
    assert_eq!(call(&school, "removeGroupMember", out).await.unwrap_err().code(), ErrorCode::NotFound);
    let read = made(&school, "getGroup", json!({ "groupKey": email })).await;
    assert!(read["directMembersCount"].is_u64(), "{read}");
}

#[tokio::test]
async fn units_are_made_below_one_another_and_once() {
    let school = school().await;
    made(&school, "createOrgUnit", json!({ "name": "Pupils", "parentOrgUnitPath": "/" })).await;
    let grade = json!({ "name": "Grade 7", "parentOrgUnitPath": "/Pupils" });
    fault(&school, Rule::next(1, Fault::CutAfter).method("POST").path("/orgunits"));
    let made_unit = made(&school, "createOrgUnit", grade.clone()).await;
    assert_eq!(made_unit["orgUnitPath"], "/Pupils/Grade 7");
    let twice = call(&school, "createOrgUnit", grade).await.unwrap_err();
    assert_eq!((twice.code(), twice.field()), (ErrorCode::Conflict, Some("name")));
    let list = made(&school, "listOrgUnits", json!({ "depth": "all" })).await;
    let paths: Vec<&str> =
        list["organizationUnits"].as_array().unwrap().iter().filter_map(|unit| unit["orgUnitPath"].as_str()).collect();
    assert_eq!(paths.iter().filter(|path| **path == "/Pupils/Grade 7").count(), 1);
    let error = call(&school, "createOrgUnit", json!({ "name": "x", "parentOrgUnitPath": "/No" })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("parentOrgUnitPath")), "{error}");
    let nowhere = json!({ "name": "x", "parentOrgUnitPath": "Pupils" });
    assert_eq!(call(&school, "createOrgUnit", nowhere).await.unwrap_err().field(), Some("parentOrgUnitPath"));
}

#[tokio::test]
async fn nothing_leaves_that_cannot_be_a_user() {
    let school = school().await;
    let before = school.sandbox.google_workspace().recorder().seen();
    for (change, field) in [
        (json!({ "primaryEmail": "jane" }), "primaryEmail"),
        (json!({ "givenName": "" }), "givenName"),
        (json!({ "password": "short" }), "password"),
        (json!({ "password": "pässword-long" }), "password"),
        (json!({ "orgUnitPath": "Students" }), "orgUnitPath"),
        (json!({ "isAdmin": true }), "isAdmin"),
    ] {
        let mut jane = user("jane");
        jane.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = call(&school, "createUser", jane).await.unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{error}");
    }
    let members: Vec<Value> = (0..1001).map(|index| json!({ "email": format!("a{index}@b.example") })).collect();
    let error = call(&school, "addGroupMembers", json!({ "groupKey": "g", "members": members })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("members")));
    assert_eq!(school.sandbox.google_workspace().recorder().seen(), before, "something left");
}
