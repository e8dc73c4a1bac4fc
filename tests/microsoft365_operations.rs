//! Microsoft 365: tokens, the directory and its batches, through the whole road to the look-alike.
#![cfg(feature = "microsoft365")]
#![allow(missing_docs, reason = "tests")]

#[path = "support/microsoft365.rs"]
mod support;

use sandbox::{
    Fault,
    microsoft365::{CERTIFICATE, CERTIFICATE_KEY, CLIENT_SECRET, REFRESH_TOKEN, STUDENT_ID, TEACHER_ID},
};
use serde_json::{Value, json};
use sis_integrations::{
    ErrorCode,
    providers::{self, microsoft365::ListUsers},
};
use support::{School, id};

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_when_it_has_expired() {
    let school = School::open().await;
    for _ in 0..3 {
        school.ask("getOrganization", json!({})).await;
    }
    assert_eq!(school.graph().token_requests().len(), 1);
    school.graph().expire_tokens();
    school.ask("getOrganization", json!({})).await;
    assert_eq!(school.graph().token_requests().len(), 2);
}

#[tokio::test]
async fn a_certificate_is_as_good_as_a_secret() {
    let school = School::with(|config| config.certificate(CERTIFICATE, CERTIFICATE_KEY)).await;
    assert!(school.ask("getOrganization", json!({})).await["displayName"].is_string());
}

#[tokio::test]
async fn what_only_an_administrator_can_mend_says_so() {
    let school = School::with(|config| config.client_secret("wrong~secret")).await;
    let error = school.refuse("getOrganization", json!({})).await;
    assert_eq!(error.code(), ErrorCode::NeedsReconnect);
    assert!(!format!("{error:?}").contains("wrong~secret"));

    let school = School::with(|config| config.refresh_token(REFRESH_TOKEN)).await;
    school.ask("listMessages", json!({})).await;
    school.graph().revoke(TEACHER_ID);
    let error = school.refuse("listMessages", json!({})).await;
    assert_eq!(error.code(), ErrorCode::NeedsReconnect);
}

#[tokio::test]
async fn a_lacking_permission_is_named() {
    let school = School::with(|config| config.client_secret(CLIENT_SECRET)).await;
    school.graph().grant_roles(&["User.Read.All"]);
    school.ask("listUsers", json!({})).await;
    let error = school.refuse("listClasses", json!({})).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")));
    assert!(error.message().contains("EduRoster.ReadBasic"), "{error}");

    school.graph().add_refresh_token("narrow", TEACHER_ID, &["User.Read"]);
    school.configure(|config| config.refresh_token("narrow")).await;
    let error = school.refuse("listMessages", json!({})).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")));
    assert!(error.message().contains("Mail.Read"), "{error}");
    assert_eq!(school.sent("GET", "/messages"), 0);
}

#[tokio::test]
async fn an_account_needs_more_than_the_basic_permission() {
    let school = School::with(|config| config.client_secret(CLIENT_SECRET)).await;
    school.graph().grant_roles(&["User.ReadBasic.All", "OnlineMeetings.ReadWrite.All"]);
    for (operation, arguments) in [("listUsers", json!({})), ("getUser", json!({ "userId": STUDENT_ID }))] {
        let error = school.refuse(operation, arguments).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")), "{operation}");
        assert!(error.message().contains("User.Read.All"), "{error}");
    }
    // To look somebody up it is enough.
    let meeting = json!({
        "userId": "teacher@yourschool.example", "startDateTime": "2030-12-01T18:00:00Z",
        "endDateTime": "2030-12-01T19:00:00Z",
    });
    school.ask("createOnlineMeeting", meeting).await;
    school.graph().add_refresh_token("basic", TEACHER_ID, &["User.ReadBasic.All"]);
    school.configure(|config| config.refresh_token("basic")).await;
    let error = school.refuse("listUsers", json!({})).await;
    assert_eq!((error.code(), school.sent("GET", "/users")), (ErrorCode::NeedsReconnect, 1), "{error}");
}

#[tokio::test]
async fn what_is_for_people_is_not_tried_by_the_application() {
    let school = School::with(|config| config.client_secret(CLIENT_SECRET)).await;
    let message = json!({ "teamId": "t", "channelId": "c", "content": "Hello" });
    let error = school.refuse("sendChannelMessage", message).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("config.refresh_token")));
    let error = school.refuse("listMessages", json!({})).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("userId")));

    let school = School::with(|config| config.refresh_token(REFRESH_TOKEN)).await;
    let error = school.refuse("createClass", json!({ "displayName": "x", "mailNickname": "x" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("config.client_secret")));
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let school = School::open().await;
    school.graph().page_size(2);
    let first = school.ask("listUsers", json!({ "pageSize": 2 })).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let token = first["nextPageToken"].as_str().unwrap();
    let second = school.ask("listUsers", json!({ "pageToken": token })).await;
    assert_ne!(first["items"][0]["id"], second["items"][0]["id"]);
    let all: Vec<_> =
        futures::TryStreamExt::try_collect(school.tenant.stream(&school.admin, ListUsers::new())).await.unwrap();
    assert_eq!(all.len(), school.graph().users().len());
    let error = school.refuse("listUsers", json!({ "pageToken": "mine" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("pageToken")));
}

#[test]
fn what_may_carry_a_name_is_on_record() {
    let all = providers::all();
    let microsoft = all.iter().find(|provider| provider.info.id == "microsoft365").unwrap();
    for (name, argument) in [
        ("listGroups", "filter"),
        ("listTeams", "filter"),
        ("listClasses", "filter"),
        ("listAssignments", "filter"),
        ("removeTeamMember", "memberId"),
    ] {
        let operation = microsoft.operations.iter().find(|operation| operation.name == name).unwrap();
        assert!(operation.discloses.iter().any(|disclosed| disclosed.argument == argument), "{name} {argument}");
    }
}

#[tokio::test]
async fn throttling_is_waited_for() {
    let school = School::open().await;
    school.break_next("GET", "/organization", Fault::too_many(Some(1)));
    school.ask("getOrganization", json!({})).await;
    assert_eq!(school.sent("GET", "/organization"), 2);
}

fn people(count: usize) -> Value {
    let one = |at| json!({ "userPrincipalName": format!("p{at}@yourschool.example"), "displayName": "P", "password": "Corr3ct-Horse" });
    (0..count).map(one).collect()
}

#[tokio::test]
async fn the_twenty_first_goes_into_the_next_batch_and_each_has_its_outcome() {
    let school = School::open().await;
    school.ask("createUser", json!({ "user": people(1)[0] })).await;
    let outcome = school.ask("createUsers", json!({ "users": people(21) })).await;
    let results = outcome["results"].as_array().unwrap();
    assert_eq!(results.len(), 21);
    assert_eq!(school.sent("POST", "/$batch"), 2);
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result["index"], at);
        assert_eq!(result["state"], if at == 0 { "failed" } else { "done" }, "{result}");
    }
    assert_eq!(results[0]["error"]["code"], "conflict");
    assert!(results[0]["error"]["field"].as_str().unwrap().starts_with("users[0]"));
    let named = |name: &str| school.graph().users().iter().filter(|user| user["userPrincipalName"] == name).count();
    assert!((0..21).all(|at| named(&format!("p{at}@yourschool.example")) == 1));
}

#[tokio::test]
async fn items_that_were_throttled_are_sent_again_and_no_others() {
    let school = School::open().await;
    school.graph().throttle_batch_items(3);
    let outcome = school.ask("createUsers", json!({ "users": people(5) })).await;
    assert!(outcome["results"].as_array().unwrap().iter().all(|result| result["state"] == "done"), "{outcome}");
    let made = school.graph().users();
    assert!((0..5).all(|at| {
        let name = format!("p{at}@yourschool.example");
        made.iter().filter(|user| user["userPrincipalName"] == name.as_str()).count() == 1
    }));
    assert_eq!(school.sent("POST", "/$batch"), 2);
}

#[tokio::test]
async fn who_was_made_in_a_batch_without_an_answer_is_found_by_name_and_not_made_again() {
    for (fault, state) in [(Fault::CutAfter, "done"), (Fault::CutBefore, "unknown")] {
        let (school, _) = School::swift().await;
        school.graph().lag_reads(1);
        school.break_next("POST", "$batch", fault);
        let outcome = school.ask("createUsers", json!({ "users": people(2) })).await;
        for (at, result) in outcome["results"].as_array().unwrap().iter().enumerate() {
            assert_eq!((&result["state"], &result["index"]), (&json!(state), &json!(at)), "{outcome}");
            assert_eq!(result["id"].is_string(), state == "done", "{outcome}");
        }
        assert_eq!(school.sent("POST", "/$batch"), 1);
    }
}

#[tokio::test]
async fn an_account_and_a_group_are_made_once_whatever_breaks() {
    let user = json!({ "user": people(1)[0] });
    let group = json!({ "displayName": "7b", "mailNickname": "class-7b", "kind": "microsoft365" });
    for fault in [Fault::CutAfter, Fault::CutBefore, Fault::Truncate, Fault::StatusAfter { status: 503 }] {
        for (operation, path, arguments) in [("createUser", "/users", &user), ("createGroup", "/groups", &group)] {
            let (school, _) = School::swift().await;
            school.graph().lag_reads(1);
            school.break_next("POST", path, fault.clone());
            let first = school.keyed("k-1", operation, arguments).await;
            let made = match first {
                Ok(made) => made,
                Err(error) => {
                    assert_eq!((error.code(), &fault), (ErrorCode::OutcomeUnknown, &Fault::CutBefore), "{operation}");
                    school.keyed("k-1", operation, arguments).await.unwrap()
                }
            };
            let has = |all: Vec<Value>, field: &str, name: &str| all.iter().filter(|one| one[field] == name).count();
            let there = match operation {
                "createUser" => has(school.graph().users(), "userPrincipalName", "p0@yourschool.example"),
                _ => has(school.graph().groups(), "mailNickname", "class-7b"),
            };
            assert_eq!((there, made["id"].is_string()), (1, true), "{operation} {fault:?}");
        }
    }
}

#[tokio::test]
async fn somebody_of_before_is_not_taken_for_who_was_to_be_made() {
    let (school, time) = School::swift().await;
    let user = json!({ "user": people(1)[0] });
    school.ask("createUser", user.clone()).await;
    time.skip(60);
    school.break_next("POST", "/users", Fault::CutAfter);
    assert_eq!(school.refuse("createUser", user).await.code(), ErrorCode::OutcomeUnknown);
}

#[tokio::test]
async fn what_a_person_may_not_do_is_no_lack_of_consent() {
    let school = School::with(|config| config.refresh_token(REFRESH_TOKEN)).await;
    school.break_next("GET", "/messages", Fault::status(403));
    let error = school.refuse("listMessages", json!({})).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::Vendor, None), "{error}");
    // Of an application's rights nothing is told: they may be what is lacking.
    let school = School::with(|config| config.client_secret(CLIENT_SECRET).user(TEACHER_ID)).await;
    school.break_next("GET", "/messages", Fault::status(403));
    let error = school.refuse("listMessages", json!({})).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NeedsReconnect, Some("config.scopes")));
    assert!(error.message().contains("Mail.Read"), "{error}");
}

#[tokio::test]
async fn what_goes_into_one_request_refuses_the_twenty_first() {
    let school = School::open().await;
    let ids: Vec<_> = (0..21).map(|at| format!("id-{at}")).collect();
    let error = school.refuse("bindGroupMembers", json!({ "groupId": "g", "userIds": ids })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("userIds[20]")));
}

#[tokio::test]
async fn who_was_added_together_is_looked_for_when_the_answer_is_lost() {
    for (fault, state) in [(Fault::CutAfter, "done"), (Fault::CutBefore, "unknown")] {
        let school = School::open().await;
        let group = security_group(&school).await;
        school.break_next("PATCH", "/groups/", fault);
        let both = json!({ "groupId": group, "userIds": [STUDENT_ID, TEACHER_ID] });
        let outcome = school.ask("bindGroupMembers", both.clone()).await;
        for at in 0..2 {
            assert_eq!(outcome["results"][at]["state"], state, "{outcome}");
        }
        let sent = |method: &str| school.graph().requests().iter().filter(|request| request.method == method).count();
        assert_eq!(sent("PATCH"), 1);
        match state {
            "done" => {
                let error = school.refuse("bindGroupMembers", both).await;
                assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("userIds")));
            }
            _ => assert_eq!(school.ask("bindGroupMembers", both).await["results"][1]["state"], "done"),
        }
    }
}

#[tokio::test]
async fn who_was_added_is_unknown_where_nobody_can_look() {
    let school = School::open().await;
    let group = security_group(&school).await;
    school.break_next("PATCH", "/groups/", Fault::CutAfter);
    school.break_next("GET", "/members", Fault::status(403));
    let outcome = school.ask("bindGroupMembers", json!({ "groupId": group, "userIds": [STUDENT_ID] })).await;
    assert_eq!(outcome["results"][0]["state"], "unknown", "{outcome}");
}

#[tokio::test]
async fn a_group_that_something_else_changes_is_not_taken_for_filled() {
    let school = School::open().await;
    let group = security_group(&school).await;
    school.graph().refuse_batch_items(1, 409);
    let outcome = school.ask("addGroupMembers", json!({ "groupId": group, "userIds": [STUDENT_ID] })).await;
    assert_eq!((&outcome["results"][0]["state"], school.members(&group).await), (&json!("failed"), 0), "{outcome}");
    assert_eq!(outcome["results"][0]["error"]["code"], "conflict");
}

#[tokio::test]
async fn an_item_that_microsoft_fails_at_to_the_end_is_unknown() {
    let (school, _) = School::swift().await;
    let group = security_group(&school).await;
    school.graph().refuse_batch_items(10_000, 503);
    let call = school.tenant.request(&school.admin).deadline(std::time::Duration::from_secs(60));
    let arguments = json!({ "groupId": group, "userIds": [STUDENT_ID] });
    let outcome = call.execute("microsoft365", "addGroupMembers", arguments).await.unwrap().output;
    assert_eq!(outcome["results"][0]["state"], "unknown", "{outcome}");
    assert_eq!(outcome["results"][0]["error"]["field"], "userIds[0]");
    // What is refused for the rate is refused and no more.
    school.graph().refuse_batch_items(10_000, 429);
    let call = school.tenant.request(&school.admin).deadline(std::time::Duration::from_secs(60));
    let arguments = json!({ "groupId": group, "userIds": [STUDENT_ID] });
    let outcome = call.execute("microsoft365", "addGroupMembers", arguments).await.unwrap().output;
    assert_eq!(outcome["results"][0]["state"], "failed", "{outcome}");
}

#[tokio::test]
async fn an_item_that_is_refused_after_microsoft_failed_at_it_is_unknown() {
    for (refusals, status, state) in [(2, 401, "unknown"), (1, 403, "unknown"), (1, 409, "unknown"), (1, 404, "failed")]
    {
        let (school, _) = School::swift().await;
        let group = security_group(&school).await;
        school.graph().refuse_batch_items(1, 503);
        school.graph().then_refuse_batch_items(refusals, status);
        let outcome = school.ask("addGroupMembers", json!({ "groupId": group, "userIds": [STUDENT_ID] })).await;
        assert_eq!(outcome["results"][0]["state"], state, "{status} {outcome}");
    }
}

#[tokio::test]
async fn a_token_that_ends_within_a_batch_is_renewed_once() {
    let tokens = |school: &School| school.sent("POST", "/token");
    let school = School::open().await;
    let group = security_group(&school).await;
    let before = tokens(&school);
    let arguments = json!({ "groupId": group, "userIds": [STUDENT_ID, TEACHER_ID] });
    school.graph().refuse_batch_items(2, 401);
    let outcome = school.ask("addGroupMembers", arguments.clone()).await;
    assert!(outcome["results"].as_array().unwrap().iter().all(|result| result["state"] == "done"), "{outcome}");
    assert_eq!((tokens(&school) - before, school.sent("POST", "/$batch")), (1, 2));
    // A second refusal is an answer.
    school.graph().refuse_batch_items(4, 401);
    let outcome = school.ask("addGroupMembers", arguments).await;
    assert!(outcome["results"].as_array().unwrap().iter().all(|result| result["state"] == "failed"), "{outcome}");
    assert_eq!(outcome["results"][0]["error"]["code"], "needs_reconnect", "{outcome}");
    assert_eq!((tokens(&school) - before, school.sent("POST", "/$batch")), (2, 4));
}

async fn security_group(school: &School) -> String {
    id(&school.ask("createGroup", json!({ "displayName": "G", "mailNickname": "g", "kind": "security" })).await)
}

#[tokio::test]
async fn who_is_in_the_group_already_is_as_good_as_added() {
    let school = School::open().await;
    let group = security_group(&school).await;
    for _ in 0..2 {
        school.ask("addGroupMember", json!({ "groupId": group, "userId": STUDENT_ID })).await;
    }
    let outcome = school.ask("addGroupMembers", json!({ "groupId": group, "userIds": [STUDENT_ID, "nobody"] })).await;
    assert_eq!(outcome["results"][0]["state"], "done", "{outcome}");
    assert_eq!(outcome["results"][1]["state"], "failed");
    assert_eq!(outcome["results"][1]["error"]["field"], "userIds[1]");
    assert_eq!(school.members(&group).await, 1);
}

#[tokio::test]
async fn another_password_is_another_call() {
    let school = School::open().await;
    let user = |password: &str| json!({ "user": { "userPrincipalName": "kim@yourschool.example", "displayName": "Kim", "password": password } });
    school.keyed("k-1", "createUser", &user("Corr3ct-Horse")).await.unwrap();
    school.keyed("k-1", "createUser", &user("Corr3ct-Horse")).await.unwrap();
    let error = school.keyed("k-1", "createUser", &user("Batt3ry-Staple")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::IdempotencyConflict);
}
