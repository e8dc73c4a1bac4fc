//! The directory through the whole road, against the look-alike.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::{sync::Arc, time::Duration};

use every::{School, builder, timed};
use sandbox::{Fault, Rule, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{
    Error, ErrorCode,
    storage::{self, FaultyStorage, MemoryStorage},
    transport::Backoff,
};

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 3 };

async fn school() -> School {
    School::open(builder().storage(MemoryStorage::new()).backoff(BACKOFF)).await
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
    // A group has it: nobody is found there, and it is not free.
    made(&school, "createGroup", json!({ "email": format!("math@{}", google::DOMAIN), "name": "Math" })).await;
    assert_eq!(call(&school, "createUser", user("math")).await.unwrap_err().code(), ErrorCode::Conflict);
    let report = made(&school, "createUsers", json!({ "users": [user("math")] })).await;
    assert_eq!(report["results"][0]["error"]["code"], "conflict", "{report}");
}

/// Makes many users, and does something when so many batches have come, before the last of them is answered. The first
/// looks who has the addresses, the second makes the users.
async fn meanwhile(
    school: &School,
    key: &str,
    users: &[Value],
    batches: usize,
    then: impl FnOnce(),
) -> Result<Value, Error> {
    let recorder = school.sandbox.google_workspace().recorder();
    let seen = || recorder.exchanges().iter().filter(|exchange| exchange.path.starts_with("/batch")).count();
    let before = seen();
    fault(school, Rule::next(batches as u64, Fault::Delay { ms: 300 }).path("/batch"));
    let waiting = async {
        while seen() < before + batches {
            school.manager.runtime().sleep(Duration::from_millis(5)).await;
        }
        then();
    };
    let making = keyed(school, key, "createUsers", json!({ "users": users }));
    let (report, ()) = futures::join!(making, waiting);
    school.sandbox.google_workspace().faults().clear();
    report
}

#[tokio::test]
async fn many_users_without_an_answer_are_looked_for_by_their_addresses() {
    let school = school().await;
    let before = count(&school, "listUsers", "users").await;
    // As often as a batch is sent; what comes after is the look for them.
    let lost = |lost: Fault| fault(&school, Rule::next(3, lost).path("/batch"));
    let report = meanwhile(&school, "a", &[user("a1"), user("a2")], 1, || lost(Fault::CutAfter)).await.unwrap();
    assert_eq!((&report["done"], &report["unknown"]), (&json!(2), &json!(0)), "{report}");
    let read = made(&school, "getUser", json!({ "userKey": format!("a2@{}", google::DOMAIN) })).await;
    assert_eq!(report["results"][1]["id"], read["id"]);
    let report = meanwhile(&school, "b", &[user("b1")], 1, || lost(Fault::CutBefore)).await.unwrap();
    assert_eq!((&report["unknown"], &report["results"][0]["state"]), (&json!(1), &json!("unknown")), "{report}");
    let words = report["results"][0]["error"]["message"].as_str().unwrap();
    assert!(words.contains("getUser") && !words.contains("idempotency key"), "{words}");
    assert_eq!(count(&school, "listUsers", "users").await, before + 2);
}

#[tokio::test]
async fn many_users_are_told_from_those_of_before_when_the_call_is_repeated_after_a_crash() {
    let (builder, clock) = timed();
    let kept = FaultyStorage::new(Arc::new(MemoryStorage::new()));
    let school = School::open(builder.storage(kept.clone()).backoff(BACKOFF)).await;
    made(&school, "createUser", user("before")).await;
    let before = count(&school, "listUsers", "users").await;
    let mut users = [user("first"), user("before"), user("second"), user("third")];
    users[3]["primaryEmail"] = json!("third@elsewhere.example");
    // They are made, and the storage is gone by the time that this could be recorded: as if the process had died.
    let gone = || kept.fail_all(storage::Fault::Before(ErrorCode::StorageUnavailable));
    let lost = meanwhile(&school, "k", &users, 2, gone).await;
    assert_eq!(lost.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    kept.heal();
    assert_eq!(count(&school, "listUsers", "users").await, before + 2);

    clock.advance(Duration::from_secs(600));
    school.sandbox.clock().advance(Duration::from_secs(600));
    // What lets nobody be made says so for the whole call, and the next repeat goes on.
    fault(&school, Rule::next(1, Fault::status(400)).path("/batch"));
    let error = keyed(&school, "k", "createUsers", json!({ "users": users })).await.unwrap_err();
    let steps = error.done().unwrap().to_string();
    assert!(steps.contains("conflict") && !steps.contains('@'), "{steps}");
    let report = keyed(&school, "k", "createUsers", json!({ "users": users })).await.unwrap();
    let seen: Vec<_> = report["results"].as_array().unwrap().iter().collect();
    let states: Vec<_> = seen.iter().map(|one| (&one["index"], &one["state"], &one["error"]["code"])).collect();
    let (done, failed) = (json!("done"), json!("failed"));
    assert_eq!(
        states,
        [
            (&json!(0), &done, &Value::Null),
            (&json!(1), &failed, &json!("conflict")),
            (&json!(2), &done, &Value::Null),
            (&json!(3), &failed, &json!("invalid_argument")),
        ],
        "{report}"
    );
    let second = made(&school, "getUser", json!({ "userKey": format!("second@{}", google::DOMAIN) })).await;
    assert_eq!((&seen[2]["id"], &seen[2]["item"]["primaryEmail"]), (&second["id"], &second["primaryEmail"]));
    assert_eq!(count(&school, "listUsers", "users").await, before + 2);
    // By another name it is another call, and all of them are somebody of before.
    let report = keyed(&school, "other", "createUsers", json!({ "users": users[..3] })).await.unwrap();
    assert_eq!(report["failed"], 3, "{report}");
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

/// Google answers 412 as long as it has not finished making an account.
#[tokio::test]
async fn an_account_that_google_still_makes_is_waited_for() {
    let school = school().await;
    let google = school.sandbox.google_workspace();
    google.accounts_lag(2);
    made(&school, "createUser", user("jane")).await;
    made(&school, "createUser", user("john")).await;
    let jane = user("jane")["primaryEmail"].clone();
    made(&school, "updateUser", json!({ "userKey": jane, "givenName": "Janet" })).await;
    let group = format!("math@{}", google::DOMAIN);
    made(&school, "createGroup", json!({ "email": group, "name": "Math" })).await;
    let members = json!([{ "email": jane }, { "email": user("john")["primaryEmail"] }]);
    let report = made(&school, "addGroupMembers", json!({ "groupKey": group, "members": members })).await;
    assert_eq!(report["done"], 2, "{report}");
}
