//! Directory, Meet and Workspace Events.

use reqwest::Method;
use sandbox::google_workspace::{ADMIN, GUARDIAN, Quota, STUDENT, TEACHER};
use serde_json::{Value, json};

use crate::school::School;

const USERS: &str = "/admin/directory/v1/users";

#[tokio::test]
async fn a_quota_that_is_used_up_is_refused_in_the_words_of_each_product() {
    let school = School::start().await;
    let refused = async |path: &str| {
        let reply = school.send(&school.token, Method::GET, path, None).await;
        (reply.status, reply.body["error"].clone())
    };
    for (product, path, day, minute) in [
        ("drive", "/drive/v3/files", "dailyLimitExceeded", "userRateLimitExceeded"),
        ("calendar", "/calendar/v3/users/me/calendarList", "quotaExceeded", "userRateLimitExceeded"),
        ("directory", "/admin/directory/v1/users?customer=my_customer", "dailyLimitExceeded", "quotaExceeded"),
    ] {
        for (quota, reason) in [(Quota::Day, day), (Quota::Minute, minute)] {
            school.google().use_up_quota(product, quota, 1);
            let (status, error) = refused(path).await;
            let told = &error["errors"][0];
            assert_eq!((status, &told["reason"]), (403, &json!(reason)), "{product}");
            assert_eq!(told["domain"], "usageLimits");
            assert_eq!(refused(path).await.0, 200, "{product}: only so many");
        }
    }
    // By the control API, which anything else than Rust uses.
    let asked = json!({ "product": "classroom", "quota": "day", "requests": 1 });
    assert_eq!(school.send(&school.token, Method::PUT, "/__sandbox/quota", Some(asked)).await.status, 204);
    let (status, error) = refused("/v1/courses").await;
    assert_eq!((status, &error["status"]), (429, &json!("RESOURCE_EXHAUSTED")));
    assert_eq!(error["details"][0]["metadata"]["quota_limit"], "QueriesPerDayPerProject");
    let wrong = json!({ "product": "drive", "quota": "week", "requests": 1 });
    assert_eq!(school.send(&school.token, Method::PUT, "/__sandbox/quota", Some(wrong)).await.status, 400);
}

#[tokio::test]
async fn accounts_are_made_found_and_suspended() {
    let school = School::start().await;
    let ann = json!({
        "primaryEmail": "ann@yourschool.example", "name": { "givenName": "Ann", "familyName": "Berg" },
        "password": "secret-password", "orgUnitPath": "/Students", "externalIds": [{ "value": "S-17", "type": "organization" }],
    });
    let made = school.post(USERS, ann.clone()).await;
    assert_eq!((&made["name"]["fullName"], &made["password"]), (&json!("Ann Berg"), &Value::Null));
    let refused = async |body: Value| school.refused(&school.token, Method::POST, USERS, Some(body)).await;
    assert_eq!(refused(ann.clone()).await, (409, "duplicate".to_owned()));
    let with = |name: &str, value: Value| {
        let mut body = ann.clone();
        body["primaryEmail"] = json!("other@yourschool.example");
        body[name] = value;
        body
    };
    assert_eq!(refused(with("password", json!("short"))).await, (400, "invalid".to_owned()));
    assert_eq!(refused(with("primaryEmail", json!("x@elsewhere.example"))).await.0, 404);
    assert_eq!(refused(with("orgUnitPath", json!("/None"))).await.0, 400);
    let find = async |query: &str| {
        let list = school.get(&format!("{USERS}?customer=my_customer&query={query}")).await;
        list["users"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(
        (find("orgUnitPath=/Students").await, find("email:ann*").await, find("externalId:S-17").await),
        (1, 1, 1)
    );
    assert_eq!((find("isAdmin=true").await, find("familyName:'nobody'").await), (1, 0));
    let bare = school.refused(&school.token, Method::GET, USERS, None).await;
    assert_eq!(bare, (400, "badRequest".to_owned()));
    let at = format!("{USERS}/ann@yourschool.example");
    let put = school.send(&school.token, Method::PUT, &at, Some(json!({ "suspended": true }))).await.body;
    assert_eq!((&put["suspended"], &put["name"]["givenName"]), (&json!(true), &json!("Ann")));
    assert_eq!(find("isSuspended=true").await, 1);
    school.google().add_refresh_token("r-ann", "ann@yourschool.example", &["openid"]);
    assert_eq!(school.refresh("r-ann").await.body["error"], "invalid_grant", "a suspended account gets no token");
    assert_eq!((school.delete(&at).await, school.delete(&at).await), (204, 404));
    let teacher = school.token_of(TEACHER, &["admin.directory.user.readonly"]).await;
    let own = format!("{USERS}/{STUDENT}");
    assert_eq!(school.refused(&teacher, Method::GET, &own, None).await, (403, "forbidden".to_owned()));
    let public = school.send(&teacher, Method::GET, &format!("{own}?viewType=domain_public"), None).await.body;
    assert_eq!((&public["primaryEmail"], &public["isAdmin"]), (&json!(STUDENT), &Value::Null));
}

#[tokio::test]
async fn groups_and_units() {
    let school = School::start().await;
    let groups = "/admin/directory/v1/groups";
    let group = school.post(groups, json!({ "email": "class4b@yourschool.example", "name": "Class 4b" })).await;
    let members = format!("{groups}/class4b@yourschool.example/members");
    school.post(&members, json!({ "email": STUDENT, "role": "MEMBER" })).await;
    let again = Some(json!({ "email": STUDENT }));
    assert_eq!(school.refused(&school.token, Method::POST, &members, again).await, (409, "duplicate".to_owned()));
    let at = format!("{groups}/{}", group["id"].as_str().unwrap());
    assert_eq!(school.get(&at).await["directMembersCount"], "1");
    assert_eq!(school.get(&format!("{groups}?userKey={STUDENT}")).await["groups"].as_array().unwrap().len(), 1);

    let file = crate::school::id(&school.post("/drive/v3/files", json!({ "name": "x" })).await);
    let share = json!({ "type": "group", "role": "reader", "emailAddress": "class4b@yourschool.example" });
    school.post(&format!("/drive/v3/files/{file}/permissions"), share).await;
    let student = school.token_of(STUDENT, &["drive"]).await;
    let file = format!("/drive/v3/files/{file}");
    assert_eq!(school.send(&student, Method::GET, &file, None).await.status, 200, "by the group");
    assert_eq!(school.get(&format!("{members}/{STUDENT}")).await["role"], "MEMBER");
    assert_eq!(school.delete(&format!("{members}/{STUDENT}")).await, 204);
    assert_eq!(school.send(&student, Method::GET, &file, None).await.status, 404);

    let units = "/admin/directory/v1/customer/my_customer/orgunits";
    let body = json!({ "name": "Grade 4", "parentOrgUnitPath": "/Students" });
    assert_eq!(school.post(units, body.clone()).await["orgUnitPath"], "/Students/Grade 4");
    assert_eq!(school.refused(&school.token, Method::POST, units, Some(body)).await.0, 409);
    let count = async |query: &str| {
        school.get(&format!("{units}?{query}")).await["organizationUnits"].as_array().unwrap().len()
    };
    assert_eq!(
        (count("type=children").await, count("type=all").await, count("orgUnitPath=/Students").await),
        (2, 3, 1)
    );
    assert_eq!(school.get("/admin/directory/v1/customers/my_customer").await["customerDomain"], "yourschool.example");
}

#[tokio::test]
async fn accounts_are_watched() {
    let school = School::start().await;
    let body = json!({ "id": "w", "type": "web_hook", "address": "https://school.example/hook" });
    let channel = school.post(&format!("{USERS}/watch?customer=my_customer&event=add"), body).await;
    let stop = Some(json!({ "id": "w", "resourceId": channel["resourceId"] }));
    assert_eq!(school.send(&school.token, Method::POST, "/admin/directory_v1/channels/stop", stop).await.status, 204);
}

#[tokio::test]
async fn people_meet() {
    let school = School::start().await;
    let recorded = json!({ "recordingConfig": { "autoRecordingGeneration": "ON" } });
    let body = json!({ "config": { "accessType": "OPEN", "artifactConfig": recorded } });
    let space = school.post("/v2/spaces", body).await;
    let (name, code) = (space["name"].as_str().unwrap(), space["meetingCode"].as_str().unwrap());
    assert_eq!(school.get(&format!("/v2/spaces/{code}")).await, space, "the code is an alias for reading");
    let patch = school
        .patch(&format!("/v2/{name}?updateMask=config.accessType"), json!({ "config": { "accessType": "RESTRICTED" } }))
        .await;
    assert_eq!((&patch["config"]["accessType"], &patch["config"]["moderation"]), (&json!("RESTRICTED"), &json!("OFF")));
    let wrong = Some(json!({ "config": { "accessType": "x" } }));
    assert_eq!(school.refused(&school.token, Method::POST, "/v2/spaces", wrong).await.0, 400);
    let end = format!("/v2/{name}:endActiveConference");
    let refused = school.refused(&school.token, Method::POST, &end, Some(json!({}))).await;
    assert_eq!(refused, (400, "FAILED_PRECONDITION".to_owned()));
    let record = school.google().hold_conference(code, &[TEACHER, GUARDIAN], None).unwrap();
    assert_eq!(school.get(&format!("/v2/{name}")).await["activeConference"]["conferenceRecord"], record);
    school.post(&end, json!({})).await;
    assert!(school.get(&format!("/v2/{record}")).await["endTime"].is_string());
    let people = school.get(&format!("/v2/{record}/participants")).await;
    assert_eq!(people["participants"][0]["signedinUser"]["displayName"], "Tom Teacher");
    let sessions = school.get(&format!("/v2/{record}/participants/1/participantSessions")).await;
    assert!(sessions["participantSessions"][0]["endTime"].is_string());
    let recordings = school.get(&format!("/v2/{record}/recordings")).await;
    assert_eq!(recordings["recordings"][0]["state"], "FILE_GENERATED");
    assert_eq!(school.get(&format!("/v2/{record}/transcripts")).await, json!({}));
    assert_eq!(people["participants"][1]["anonymousUser"]["displayName"], GUARDIAN);
    let count = async |filter: &str| {
        let list = school.get(&format!("/v2/conferenceRecords?filter={filter}")).await;
        list["conferenceRecords"].as_array().unwrap().len()
    };
    let by_code = format!("space.meeting_code%20%3D%20%22{code}%22%20AND%20start_time%3E%3D%222026-01-01T00:00:00Z%22");
    assert_eq!((count(&by_code).await, count("space.meeting_code%3D%22x%22").await), (1, 0));
    let teacher = school.token_of(TEACHER, &["meetings.space.created"]).await;
    assert_eq!(school.refused(&teacher, Method::GET, &format!("/v2/{record}"), None).await.0, 404);
}

#[tokio::test]
async fn events_are_subscribed_to() {
    let school = School::start().await;
    let body = json!({
        "targetResource": "//drive.googleapis.com/files/f1",
        "eventTypes": ["google.workspace.drive.file.v3.contentChanged"],
        "notificationEndpoint": { "pubsubTopic": "projects/p/topics/t" },
        "ttl": "3600s",
    });
    let made = school.post("/v1/subscriptions", body.clone()).await;
    assert_eq!(made["done"], true);
    let name = made["response"]["name"].as_str().unwrap().to_owned();
    let again = school.refused(&school.token, Method::POST, "/v1/subscriptions", Some(body.clone())).await;
    assert_eq!(again, (409, "ALREADY_EXISTS".to_owned()));
    let mut other = body;
    other["eventTypes"] = json!(["google.workspace.meet.conference.v2.started"]);
    assert_eq!(school.refused(&school.token, Method::POST, "/v1/subscriptions", Some(other)).await.0, 400);
    let at = format!("/v1/{name}");
    assert_eq!(school.get(&at).await["state"], "ACTIVE");
    assert_eq!(school.refused(&school.token, Method::POST, &format!("{at}:reactivate"), Some(json!({}))).await.0, 400);
    assert!(school.google().suspend_subscription(&name, "ENDPOINT_PERMISSION_DENIED"));
    assert_eq!(school.get(&at).await["suspensionReason"], "ENDPOINT_PERMISSION_DENIED");
    assert_eq!(school.post(&format!("{at}:reactivate"), json!({})).await["response"]["state"], "ACTIVE");
    let filter = "/v1/subscriptions?filter=event_types:%22google.workspace.drive.file.v3.contentChanged%22";
    assert_eq!(school.get(filter).await["subscriptions"].as_array().unwrap().len(), 1);
    assert_eq!((school.delete(&at).await, school.delete(&at).await), (200, 404));
    assert_eq!(school.delete(&format!("{at}?allowMissing=true")).await, 200);
    assert_eq!(school.get("/oauth2/v2/userinfo").await["email"], ADMIN);
}

#[tokio::test]
async fn faults_speak_the_dialect_of_the_path() {
    let school = School::start().await;
    school.google().faults().add(sandbox::Rule::next(2, sandbox::Fault::status(429)));
    let refused = school.refused(&school.token, Method::GET, "/drive/v3/files", None).await;
    assert_eq!(refused, (429, "rateLimitExceeded".to_owned()));
    let refused = school.refused(&school.token, Method::GET, "/v1/courses", None).await;
    assert_eq!(refused, (429, "RESOURCE_EXHAUSTED".to_owned()));
    let strike = sandbox::Rule::always(sandbox::Fault::status(503)).to(TEACHER);
    school.google().faults().add(strike);
    let raw = |to: &str| {
        Some(
            json!({ "raw": base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, format!("To: {to}\r\n\r\nx")) }),
        )
    };
    let send = "/gmail/v1/users/me/messages/send";
    assert_eq!(school.send(&school.token, Method::POST, send, raw(STUDENT)).await.status, 200);
    let struck = school.refused(&school.token, Method::POST, send, raw(TEACHER)).await;
    assert_eq!(struck, (503, "backendError".to_owned()), "one recipient only");
}
