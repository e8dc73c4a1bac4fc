//! Every endpoint of the REST API, over real connections: what it answers, and how it refuses.

#[path = "support/api.rs"]
mod api;

use std::{collections::HashSet, time::Duration};

use axum::http::request::Parts;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, Error, ErrorCode, Result, Role,
    http::{Api, ApiKeys, Authenticated, Authenticator},
    manager::edge,
    providers,
    services::HealthStatus,
};

use api::{Answer, BOOTSTRAP, School, serve};

const SMS: &str = "/twilio/sendSms";

fn sms() -> Value {
    json!({ "to": "+15551234567", "body": "School is closed today." })
}

/// The founding document's example, word for word.
const ALERT: &str = r#"{
  "args": [{
    "recipients": [
      {"phone": "+1234567890", "name": "John Doe"},
      {"phone": "+0987654321", "name": "Jane Smith"}
    ],
    "message": "School will be closed due to weather",
    "alertType": "emergency",
    "channels": ["sms", "voice"]
  }]
}"#;

#[tokio::test]
async fn the_probe_answers_without_a_key() {
    let school = School::open().await;
    let response = Client::new().get(format!("{}/healthz", school.url)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "status": "ok" }));

    school.manager.close(Duration::from_secs(5)).await.unwrap();
    let answer = school.get("/stats").await.problem(503, "closed");
    assert_eq!(answer["retry"], "never");
    let response = Client::new().get(format!("{}/healthz", school.url)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn the_list_names_every_provider_configured_or_not() {
    let school = School::open().await;
    let twilio = |answer: Value| {
        answer["integrations"].as_array().unwrap().iter().find(|i| i["provider"] == "twilio").unwrap().clone()
    };
    let before = twilio(school.get("").await.ok());
    assert_eq!(
        (&before["configured"], &before["enabled"], &before["version"]),
        (&json!(false), &json!(false), &Value::Null)
    );
    assert!(before["operations"].as_u64().unwrap() > 5);
    school.configure().await;
    let after = twilio(school.get("").await.ok());
    assert_eq!((&after["configured"], &after["enabled"], &after["version"]), (&json!(true), &json!(true), &json!(1)));
    assert!(!after.to_string().contains(sandbox::twilio::AUTH_TOKEN));
}

#[tokio::test]
async fn settings_are_kept_masked_and_versioned() {
    let school = School::open().await;
    school.get("/twilio/config").await.problem(409, "not_configured");
    let made = school.configure().await;
    assert_eq!(made.header("etag"), "\"1\"");
    let read = school.get("/twilio/config").await;
    assert_eq!(read.header("etag"), "\"1\"");
    let read = read.ok();
    assert_eq!((&read["config"]["auth_token"], &read["updatedBy"]), (&json!("********"), &json!("platform-admin")));

    let put = |matches: &'static str, body: Value| {
        let asking = school.ask(Method::PUT, "/twilio/config").header("If-Match", matches).json(&body);
        async move { Answer::of(asking).await }
    };
    let conflict = put("\"7\"", json!({ "enabled": false })).await.problem(412, "conflict");
    assert_eq!(conflict["field"], "expectedVersion");
    for bad in ["7", "\"x\"", "*", "\"1\", \"2\""] {
        assert_eq!(
            put(bad, json!({ "enabled": false })).await.problem(400, "invalid_argument")["field"],
            "If-Match",
            "{bad}"
        );
    }
    put("\"1\"", json!({ "enabled": false, "expectedVersion": 2 })).await.problem(400, "invalid_argument");
    assert_eq!(put("W/\"1\"", json!({ "enabled": false })).await.ok()["version"], 2);

    let first =
        school.ask(Method::PUT, "/twilio/config").header("If-None-Match", "*").json(&json!({ "enabled": true }));
    Answer::of(first).await.problem(412, "conflict");
    school.put("/twilio/config", json!({ "expectedVersion": 1 })).await.problem(409, "conflict");
    for (body, field) in [
        (json!({ "config": { "account_sid": "nonsense", "auth_token": "x" } }), "config.account_sid"),
        (json!({ "config": { "account_sid": sandbox::twilio::ACCOUNT_SID, "auth_token": 5 } }), "config.auth_token"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "enabled": "yes" }), "enabled"),
        (json!([]), ""),
    ] {
        assert_eq!(
            school.put("/twilio/config", body.clone()).await.problem(400, "invalid_argument")["field"],
            field,
            "{body}"
        );
    }
    school.put("/pigeon/config", json!({})).await.problem(404, "unknown_provider");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_changes_from_one_version_exactly_one_wins() {
    let school = School::open().await;
    school.configure().await;
    let puts = (0..16).map(|_| {
        Answer::of(
            school.ask(Method::PUT, "/twilio/config").header("If-Match", "\"1\"").json(&json!({ "enabled": true })),
        )
    });
    let answers = futures::future::join_all(puts).await;
    let won = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(won, 1);
    for lost in answers.iter().filter(|answer| answer.status != StatusCode::OK) {
        lost.problem(412, "conflict");
    }
    assert_eq!(school.get("/twilio/config").await.ok()["version"], 2);
}

#[tokio::test]
async fn a_call_is_answered_and_its_id_leads_to_its_audit_entry() {
    let school = School::open().await;
    school.configure().await;
    for body in [sms(), json!({ "args": [sms()] })] {
        let asking = school.ask(Method::POST, SMS).header("User-Agent", "sis-web/4.2").json(&body);
        let answer = Answer::of(asking).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(answer.ok()["sid"].as_str().unwrap().starts_with("SM"));
        let found = school.get(&format!("/audit?requestId={id}")).await.ok();
        let entry = &found["entries"][0];
        assert_eq!((&entry["operation"], &entry["outcome"]), (&json!("sendSms"), &json!("ok")));
        assert_eq!((&entry["actorId"], &entry["actorIp"]), (&json!("platform-admin"), &json!("127.0.0.1")));
    }
    // No body, no content type: an operation without arguments.
    assert!(school.post("/twilio/getBalance", None).await.ok()["balance"].is_string());
    let unknown = school.post("/twilio/sendSmoke", Some(json!({}))).await.problem(404, "unknown_operation");
    assert_eq!((&unknown["provider"], &unknown["operation"]), (&json!("twilio"), &json!("sendSmoke")));
    assert!(unknown["requestId"].is_string());
    school.post("/pigeon/send", Some(json!({}))).await.problem(404, "unknown_provider");
    let wrong = school.post(SMS, Some(json!({ "args": [{ "to": "555", "body": "x" }] }))).await;
    assert_eq!(wrong.problem(400, "invalid_argument")["field"], "to");
    let list = school.post(SMS, Some(json!(["+15551234567", "by position"]))).await;
    assert_eq!(list.problem(400, "invalid_argument")["detail"], "must be an object, not a list");
    let two = school.post(SMS, Some(json!({ "args": [sms(), sms()] }))).await;
    assert_eq!(two.problem(400, "invalid_argument")["field"], "args");
}

#[tokio::test]
async fn the_founding_documents_alert_answers_for_each_recipient() {
    let school = School::open().await;
    school.configure().await;
    let send = |body: String| {
        let asking = school.ask(Method::POST, "/twilio/sendEmergencyAlert").header("Content-Type", "application/json");
        Answer::of(asking.body(body))
    };
    let report = send(ALERT.into()).await.ok();
    let (first, second) = (&report["recipients"][0], &report["recipients"][1]);
    // +1 and nine digits has the form of E.164, but no such number can exist: that is for Twilio to say.
    assert_eq!(
        (&first["error"]["field"], &first["error"]["vendorCode"]),
        (&json!("recipients[0].phone"), &json!("21211"))
    );
    // No country code begins with 0: that never leaves.
    assert_eq!((&second["state"], &second["error"]["code"]), (&json!("failed"), &json!("invalid_argument")));
    assert_eq!((&second["error"]["field"], &second["channels"]), (&json!("recipients[1].phone"), &json!([])));

    let report = send(ALERT.replace("+1234567890", "+12345678901")).await.ok();
    assert_eq!((&report["accepted"], &report["failed"]), (&json!(1), &json!(1)));
    assert_eq!(report["recipients"][0]["channels"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_named_call_happens_once() {
    let school = School::open().await;
    school.configure().await;
    let send = |key: &'static str, body: Value| {
        Answer::of(school.ask(Method::POST, SMS).header("Idempotency-Key", key).json(&body))
    };
    let first = send("closed-today", sms()).await;
    assert!(first.headers.get("idempotent-replayed").is_none());
    let second = send("\"closed-today\"", sms()).await;
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(second.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(second.ok()["sid"], first.ok()["sid"]);
    send("closed-today", json!({ "to": "+15551234567", "body": "other" })).await.problem(409, "idempotency_conflict");
}

#[tokio::test]
async fn headers_say_more_about_a_call() {
    let school = School::open().await;
    school.configure().await;
    let with = |name: &'static str, value: &'static str| {
        Answer::of(school.ask(Method::POST, SMS).header(name, value).json(&sms()))
    };
    with("X-Disclosure", r#"{"subjects":[{"id":"student-42"}],"purpose":"Schließung"}"#).await.ok();
    with("X-Deadline-Ms", "5000").await.ok();
    with("X-Wait", "true").await.ok();
    for (name, value, field) in [
        ("X-Disclosure", "nonsense", "X-Disclosure"),
        ("X-Disclosure", "[]", "disclosure"),
        ("X-Disclosure", r#"{"subjects":[{"name":"x"}]}"#, "disclosure.subjects[0].name"),
        ("X-Disclosure", r#"{"subjects":[{"id":""}]}"#, "disclosure.subjects[0].id"),
        ("X-Deadline-Ms", "soon", "X-Deadline-Ms"),
        ("X-Deadline-Ms", "0", "X-Deadline-Ms"),
        ("X-Wait", "maybe", "X-Wait"),
    ] {
        assert_eq!(with(name, value).await.problem(400, "invalid_argument")["field"], field, "{value}");
    }
    // What is too long for a header stands in the body.
    let subjects: Vec<_> = (0..5000).map(|number| json!({ "id": format!("student-{number}") })).collect();
    let told = json!({ "args": [sms()], "disclosure": { "subjects": subjects } });
    school.post(SMS, Some(told)).await.ok();
}

#[tokio::test]
async fn health_stats_and_the_audit_trail_are_read() {
    let school = School::open().await;
    assert_eq!(school.get("/twilio/health").await.ok()["status"], "not_configured");
    school.configure().await;
    assert_eq!(school.get("/twilio/health").await.ok()["status"], "healthy");
    let all = school.get("/health").await.ok();
    assert!(
        all["integrations"].as_array().unwrap().iter().any(|i| i["provider"] == "twilio" && i["status"] == "healthy")
    );
    school.get("/pigeon/health").await.problem(404, "unknown_provider");

    for _ in 0..3 {
        school.post(SMS, Some(sms())).await.ok();
    }
    let stats = school.get("/stats?from=2020-01-01T00:00:00Z").await.ok();
    assert_eq!(stats["calls"], 5);
    assert_eq!(school.get("/stats?to=2020-01-01T00:00:00Z").await.ok()["calls"], 0);
    assert_eq!(school.get("/stats?from=yesterday").await.problem(400, "invalid_argument")["field"], "from");
    assert_eq!(school.get("/stats?form=x").await.problem(400, "invalid_argument")["field"], "form");
    let twice = school.get("/stats?from=2020-01-01T00:00:00Z&from=2021-01-01T00:00:00Z").await;
    assert_eq!(twice.problem(400, "invalid_argument")["field"], "from");

    let page = school.get("/audit?provider=twilio&limit=2").await.ok();
    assert_eq!(page["entries"].as_array().unwrap().len(), 2);
    let next =
        school.get(&format!("/audit?provider=twilio&limit=2&cursor={}", page["next"].as_str().unwrap())).await.ok();
    assert_ne!(next["entries"][0], page["entries"][0]);
    assert_eq!(school.get("/audit?limit=many").await.problem(400, "invalid_argument")["field"], "limit");
    school.get("/audit?cursor=nonsense").await.problem(400, "invalid_argument");
    assert_eq!(school.get("/audit?actorId=nobody").await.ok()["entries"], json!([]));
    assert_eq!(school.get("/audit/verify").await.ok()["intact"], true);
}

#[tokio::test]
async fn health_is_told_of_those_providers_that_one_may_ask() {
    let school = School::open().await;
    school.configure().await;
    let status = |all: &Value, provider: &str| {
        let reports = all["integrations"].as_array().unwrap();
        reports.iter().find(|report| report["provider"] == provider).unwrap()["status"].as_str().unwrap().to_owned()
    };
    // By a key's scopes …
    let narrow = json!({ "name": "n", "userId": "u-8", "role": "admin", "scopes": ["twilio:*"] });
    let narrow = school.post("/api-keys", Some(narrow)).await.body["key"].as_str().unwrap().to_owned();
    let all = Answer::of(school.ask_as(&narrow, Method::GET, "/health")).await.ok();
    assert_eq!((status(&all, "twilio"), status(&all, "stripe")), ("healthy".to_owned(), "denied".to_owned()));
    assert_eq!(all["integrations"].as_array().unwrap().len(), providers::all().len());
    assert!(all["integrations"][0]["message"].as_str().unwrap().contains("do not reach"), "{all}");
    // … and by a denial; in Rust as over HTTP.
    let denied = json!({ "allow": [], "deny": ["*"] });
    school.put("/u-9/stripe/permissions", denied).await.ok();
    let asking = school.ask(Method::GET, "/health").header("X-Actor-Id", "u-9").header("X-Actor-Role", "admin");
    let all = Answer::of(asking).await.ok();
    assert_eq!((status(&all, "twilio"), status(&all, "stripe")), ("healthy".to_owned(), "denied".to_owned()));
    let (tenant, admin) = (school.manager.tenant(&school.tenant).unwrap(), Actor::new("u-9", Role::Admin));
    let reports = tenant.health_all(&admin).await.unwrap();
    let denied: Vec<_> = reports.iter().filter(|report| report.status == HealthStatus::Denied).collect();
    assert_eq!(denied.iter().map(|report| report.provider.as_str()).collect::<Vec<_>>(), ["stripe"]);
    assert_eq!((denied[0].code.as_deref(), denied[0].latency_ms), (Some("permission_denied"), None));
    let refused = |all: &Value| {
        all["entries"].as_array().unwrap().iter().filter(|entry| entry["event"] == "call.refused").count()
    };
    assert_eq!(refused(&school.get("/audit").await.ok()), 0, "nothing was attempted");

    // Who may ask none is refused once, and that is on record.
    let asking = school.ask(Method::GET, "/health").header("X-Actor-Id", "s-1").header("X-Actor-Role", "student");
    Answer::of(asking).await.problem(403, "permission_denied");
    assert_eq!(refused(&school.get("/audit").await.ok()), 1);
}

#[tokio::test]
async fn permissions_let_through_and_denials_win() {
    let school = School::open().await;
    school.configure().await;
    let teacher = |method: Method, path: &str| {
        school.ask(method, path).header("X-Actor-Id", "t/5 ü").header("X-Actor-Role", "teacher")
    };
    let send = || Answer::of(teacher(Method::POST, SMS).json(&sms()));
    let path = "/t%2F5%20%C3%BC/twilio/permissions";
    let none = json!({ "role": null, "allow": [], "deny": [], "expiresAt": null });
    assert_eq!(school.get(path).await.ok(), none);
    send().await.problem(403, "permission_denied");
    let grant = json!({ "role": "teacher", "allow": ["sendSms"], "deny": [], "expiresAt": null });
    assert_eq!(school.put(path, grant.clone()).await.ok(), grant);
    assert_eq!(school.get(path).await.ok(), grant);
    send().await.ok();
    school.put(path, json!({ "allow": ["*"], "deny": ["sendSms"] })).await.ok();
    send().await.problem(403, "permission_denied");

    Answer::of(teacher(Method::PUT, path).json(&grant)).await.problem(403, "permission_denied");
    Answer::of(teacher(Method::GET, "/audit")).await.problem(403, "permission_denied");
    Answer::of(teacher(Method::GET, "")).await.problem(403, "permission_denied");
    let unknown = school.put(path, json!({ "allow": ["sendSmoke"] })).await;
    assert_eq!(unknown.problem(400, "invalid_argument")["field"], "allow[0]");
    let refusals = school.get("/audit?actorId=t%2F5%20%C3%BC").await.ok();
    assert_eq!(refusals["entries"][0]["event"], "call.refused");
}

#[tokio::test]
async fn a_schools_own_keys_open_that_school_alone() {
    let school = School::open().await;
    school.configure().await;
    let other = school.other("other-school");
    other.configure().await;
    // Many: a key is random, and each must work.
    for number in 0..20 {
        let request = json!({ "name": format!("key {number}"), "userId": "u-7", "role": "admin", "scopes": ["*"] });
        let made = school.post("/api-keys", Some(request)).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let key = made.body["key"].as_str().unwrap();
        Answer::of(school.ask_as(key, Method::GET, "/stats")).await.ok();
        let with_header = Client::new()
            .get(format!("{}/api/integrations/{}/stats", school.url, school.tenant))
            .header("X-Api-Key", key);
        Answer::of(with_header).await.ok();
    }
    let made = school
        .post("/api-keys", Some(json!({ "name": "k", "userId": "u-7", "role": "admin", "scopes": ["*"] })))
        .await
        .body;
    let key = made["key"].as_str().unwrap();
    for (method, path) in
        [(Method::GET, "/stats"), (Method::POST, SMS), (Method::GET, "/twilio/health"), (Method::GET, "")]
    {
        Answer::of(other.ask_as(key, method, path).json(&sms())).await.problem(403, "permission_denied");
    }
    let refused = other.get("/audit?actorId=u-7").await.ok();
    assert_eq!(refused["entries"].as_array().unwrap().len(), 4, "each refusal is on record: {refused}");
    let posing = school.ask_as(key, Method::GET, "/stats").header("X-Actor-Id", "u-1").header("X-Actor-Role", "admin");
    assert_eq!(Answer::of(posing).await.problem(400, "invalid_argument")["field"], "X-Actor-Id");

    let narrow = json!({ "name": "n", "userId": "u-8", "role": "admin", "scopes": ["twilio:getBalance"] });
    let narrow = school.post("/api-keys", Some(narrow)).await.body["key"].as_str().unwrap().to_owned();
    Answer::of(school.ask_as(&narrow, Method::POST, "/twilio/getBalance")).await.ok();
    Answer::of(school.ask_as(&narrow, Method::POST, SMS).json(&sms())).await.problem(403, "permission_denied");
    Answer::of(school.ask_as(&narrow, Method::GET, "/audit")).await.problem(403, "permission_denied");

    // Who may make keys makes none that reaches further than their own.
    let keeper = json!({ "name": "k", "userId": "u-8", "role": "admin", "scopes": ["sis:manage", "weather:*"] });
    let keeper = school.post("/api-keys", Some(keeper)).await.body["key"].as_str().unwrap().to_owned();
    let making = |scope: &str| {
        let request = json!({ "name": "m", "userId": "u-8", "role": "admin", "scopes": [scope] });
        Answer::of(school.ask_as(&keeper, Method::POST, "/api-keys").json(&request))
    };
    assert_eq!(making("weather:getForecast").await.status, StatusCode::CREATED);
    for scope in ["*", "twilio:*"] {
        assert_eq!(making(scope).await.problem(403, "permission_denied")["field"], "scopes[0]", "{scope}");
    }

    let id = made["id"].as_str().unwrap();
    let gone = school.ask(Method::DELETE, &format!("/api-keys/{id}")).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let nobody = Answer::of(school.ask(Method::DELETE, "/api-keys/nonsense")).await;
    nobody.problem(404, "not_found");
    let lapsed =
        json!({ "name": "l", "userId": "u-9", "role": "admin", "scopes": ["*"], "expiresAt": "2020-01-01T00:00:00Z" });
    let lapsed = school.post("/api-keys", Some(lapsed)).await.body["key"].as_str().unwrap().to_owned();

    // Revoked, expired, made up, empty, none: nothing tells them apart.
    let made_up = format!("{}x", &key[..key.len() - 1]);
    let mut said = HashSet::new();
    for shown in [key, &lapsed, &made_up, "nonsense", "", "sis_0123456789ab_x", &BOOTSTRAP[1..]] {
        let answer = Answer::of(school.ask_as(shown, Method::GET, "/stats")).await;
        answer.problem(401, "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        said.insert(answer.body.to_string());
    }
    let none = Answer::of(Client::new().get(format!("{}/api/integrations/..%2f/stats", school.url))).await;
    none.problem(401, "unauthenticated");
    said.insert(none.body.to_string());
    assert_eq!(said.len(), 1);

    for (body, field) in [
        (json!({ "name": "", "userId": "u", "role": "admin", "scopes": ["*"] }), "name"),
        (json!({ "name": "k", "userId": "u", "role": "king", "scopes": ["*"] }), "role"),
        (json!({ "name": "k", "userId": "u", "role": "admin", "scopes": ["twilio"] }), "scopes[0]"),
        (json!({ "name": "k", "userId": "u", "role": "admin" }), "scopes"),
    ] {
        assert_eq!(school.post("/api-keys", Some(body)).await.problem(400, "invalid_argument")["field"], field);
    }
}

#[tokio::test]
async fn keys_are_listed_and_revoked_over_http_as_at_the_edge() {
    let school = School::open().await;
    let request = json!({ "name": "bus", "userId": "u-7", "role": "staff", "scopes": ["twilio:*"] });
    let first = school.post("/api-keys", Some(request.clone())).await.body;
    let asked = |more: Value| {
        let mut request = json!({ "tenant": school.tenant, "actor": { "id": "u-1", "role": "admin" } });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let at_edge = async |function: &str, request: Value| edge::dispatch(&school.manager, function, request).await;
    let second = at_edge("createApiKey", asked(json!({ "apiKey": request }))).await.unwrap();

    let listed = school.get("/api-keys").await.ok();
    assert_eq!(listed, at_edge("apiKeys", asked(json!({}))).await.unwrap());
    let ids: Vec<_> = listed["apiKeys"].as_array().unwrap().iter().map(|key| key["id"].clone()).collect();
    assert_eq!(ids, [second["id"].clone(), first["id"].clone()], "newest first");
    assert!(!listed.to_string().contains(first["key"].as_str().unwrap()), "a key is shown once");

    let known = at_edge("authenticateApiKey", json!({ "key": first["key"] })).await.unwrap();
    assert_eq!((&known["tenant"], &known["actor"]["id"]), (&json!(school.tenant), &json!("u-7")));
    let revoked = at_edge("revokeApiKey", asked(json!({ "id": first["id"] }))).await.unwrap();
    assert_eq!(revoked, json!({ "id": first["id"] }));
    let path = format!("/api-keys/{}", second["id"].as_str().unwrap());
    assert_eq!(school.ask(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    for key in [&first, &second] {
        let refused = at_edge("authenticateApiKey", json!({ "key": key["key"] })).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Unauthenticated);
    }
    let listed = school.get("/api-keys").await.ok();
    assert!(listed["apiKeys"].as_array().unwrap().iter().all(|key| key["revokedAt"].is_string()), "{listed}");
    let unknown = at_edge("revokeApiKey", asked(json!({ "id": "nobody" }))).await.unwrap_err();
    assert_eq!((unknown.code(), unknown.field()), (ErrorCode::NotFound, Some("id")));
    let staff = school.ask(Method::GET, "/api-keys").header("X-Actor-Id", "u-7").header("X-Actor-Role", "staff");
    Answer::of(staff).await.problem(403, "permission_denied");
}

#[tokio::test]
async fn what_there_is_to_call_is_told_with_its_schemas() {
    let school = School::open().await;
    let told = school.get("/twilio/operations").await.ok();
    let sms = told["operations"].as_array().unwrap().iter().find(|operation| operation["name"] == "sendSms").unwrap();
    assert_eq!((&sms["access"], &sms["arguments"]["required"][0]), (&json!("send"), &json!("to")));
    assert!(told["config"]["properties"]["auth_token"].is_object());
    assert_eq!(told, edge::dispatch(&school.manager, "provider", json!({ "provider": "twilio" })).await.unwrap());
    let all = edge::dispatch(&school.manager, "providers", json!({})).await.unwrap();
    assert_eq!(all["providers"].as_array().unwrap().len(), providers::all().len());
    school.get("/pigeon/operations").await.problem(404, "unknown_provider");
    let key = json!({ "name": "k", "userId": "u-7", "role": "staff", "scopes": ["*"] });
    let key = school.post("/api-keys", Some(key)).await.body["key"].as_str().unwrap().to_owned();
    let other = school.other("other-school").ask_as(&key, Method::GET, "/twilio/operations");
    Answer::of(other).await.problem(403, "permission_denied");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let school = School::open().await;
    let at = |path: &str| Client::new().get(format!("{}{path}", school.url));
    for path in ["/", "/nope", "/api/integrations", "/api/integrations/t/a/b/c/d/e"] {
        Answer::of(at(path)).await.problem(404, "not_found");
    }
    let later = school.get("/compliance").await.problem(404, "not_found");
    assert!(later["detail"].as_str().unwrap().contains("not built in yet"));
    let webhook = Client::new().post(format!("{}/api/integrations/webhooks/twilio", school.url));
    Answer::of(webhook).await.problem(404, "not_found");
    let reserved = school.other("webhooks");
    assert_eq!(reserved.get("/twilio/config").await.problem(400, "invalid_argument")["field"], "tenant");
    let wrong = Answer::of(school.ask(Method::DELETE, "/twilio/config")).await;
    wrong.problem(405, "not_found");
    assert_eq!(wrong.header("allow"), "GET,HEAD,PUT");
    Answer::of(school.ask(Method::GET, SMS)).await.problem(405, "not_found");
    Answer::of(school.ask(Method::POST, "/stats")).await.problem(405, "not_found");
    for segment in ["health", "stats", "audit"] {
        school.get(&format!("/{segment}/config")).await.problem(404, "unknown_provider");
    }
}

#[tokio::test]
async fn odd_paths_are_refused_and_not_repeated() {
    let school = School::open().await;
    for tenant in
        ["a".repeat(10_240), "%2e%2e%2fetc".into(), "a%20b".into(), "%00".into(), "_platform".into(), "%ff".into()]
    {
        let odd = school.other(&tenant);
        let problem = odd.get("/stats").await.problem(400, "invalid_argument");
        assert!(["tenant", "path"].contains(&problem["field"].as_str().unwrap()));
        assert!(problem.to_string().len() < 400);
    }
    let webhooks = Client::new().post(format!("{}/api/integrations/webhooks/%ff", school.url));
    assert_eq!(Answer::of(webhooks).await.problem(400, "invalid_argument")["field"], "path");
}

/// A proxy that adds a header where it should replace it: what a client sent first is not believed.
#[tokio::test]
async fn of_two_actors_named_none_is_believed() {
    let school = School::open().await;
    for twice in ["X-Actor-Id", "X-Actor-Role", "X-Actor-Address"] {
        let mut asking = school.ask(Method::GET, "/stats").header(twice, "admin");
        for (name, value) in [("X-Actor-Id", "t-5"), ("X-Actor-Role", "teacher"), ("X-Actor-Address", "t@x.example")] {
            asking = asking.header(name, value);
        }
        assert_eq!(Answer::of(asking).await.problem(400, "invalid_argument")["field"], twice);
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused_as_what_they_are() {
    let school = School::open().await;
    school.configure().await;
    let post = |media_type: &'static str, body: Vec<u8>| {
        Answer::of(school.ask(Method::POST, SMS).header("Content-Type", media_type).body(body))
    };
    for bad in ["{\"to\": \"s3cret", "{'to': 's3cret'}", "\u{feff}{}", "NaN", "{} {}", &"[".repeat(10_000), "\u{0}"] {
        let problem = post("application/json", bad.as_bytes().to_vec()).await.problem(400, "invalid_argument");
        assert_eq!(problem["field"], "body");
        assert!(!problem.to_string().contains("s3cret"));
    }
    post("application/json", b"{\"to\": \"\xff\"}".to_vec()).await.problem(400, "invalid_argument");
    post("application/json", b"\"s3cret\"".to_vec()).await.problem(400, "invalid_argument");
    let whole = sms().to_string().into_bytes();
    post("text/plain", whole.clone()).await.problem(415, "invalid_argument");
    post("application/x-www-form-urlencoded", whole.clone()).await.problem(415, "invalid_argument");
    Answer::of(school.ask(Method::POST, SMS).body(whole.clone())).await.problem(415, "invalid_argument");
    let packed = school.ask(Method::POST, SMS).header("Content-Encoding", "gzip").json(&sms());
    assert_eq!(Answer::of(packed).await.problem(415, "invalid_argument")["field"], "Content-Encoding");
    post("Application/JSON; charset=utf-8", whole.clone()).await.ok();
    post("application/vnd.school+json", whole).await.ok();
    let empty = Answer::of(school.ask(Method::PUT, "/twilio/config")).await;
    assert_eq!(empty.problem(400, "invalid_argument")["field"], "body");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_arrives() {
    let school = School::open_with(|api| api.body_limit(100_000)).await;
    school.configure().await;
    let large = json!({ "to": "+15551234567", "body": "x".repeat(200_000) }).to_string();
    let post = || school.ask(Method::POST, SMS).header("Content-Type", "application/json");
    Answer::of(post().body(large.clone())).await.problem(413, "too_large");
    // Without a length ahead: in chunks.
    let answer = school.post_in_chunks(SMS, large.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"code\":\"too_large\""), "{answer}");
    let small = school.post_in_chunks(SMS, sms().to_string().as_bytes()).await;
    assert!(small.starts_with("HTTP/1.1 200 "), "{small}");
    Answer::of(post().json(&sms())).await.ok();
}

#[tokio::test]
async fn a_call_may_be_larger_than_settings() {
    let school = School::open_with(|api| api.body_limit(100_000).upload_limit(300_000)).await;
    school.configure().await;
    let sized = |bytes: usize| json!({ "to": "+15551234567", "body": "x".repeat(bytes) }).to_string();
    let send =
        |method, path, bytes| school.ask(method, path).header("Content-Type", "application/json").body(sized(bytes));
    // It is read, and Twilio's own limit is what is in the way.
    let read = Answer::of(send(Method::POST, SMS, 200_000)).await.problem(400, "invalid_argument");
    assert_eq!(read["field"], "body");
    for (method, path, bytes) in [(Method::POST, SMS, 400_000), (Method::PUT, "/twilio/config", 200_000)] {
        let refused = Answer::of(send(method, path, bytes)).await.problem(413, "too_large");
        assert_eq!(refused["field"], "body");
    }
}

#[tokio::test]
async fn forwarded_addresses_are_believed_when_told_to() {
    for (proxies, seen) in [(0, "127.0.0.1"), (1, "203.0.113.7")] {
        let school = School::open_with(|api| api.trusted_proxies(proxies)).await;
        school.configure().await;
        let asking = school.ask(Method::POST, "/twilio/getBalance").header("X-Forwarded-For", "6.6.6.6, 203.0.113.7");
        let id = Answer::of(asking).await.header("x-request-id").to_owned();
        let found = school.get(&format!("/audit?requestId={id}")).await.ok();
        assert_eq!(found["entries"][0]["actorIp"], seen);
    }
}

struct Broken(ErrorCode);

#[async_trait::async_trait]
impl Authenticator for Broken {
    async fn authenticate(&self, _: &Parts) -> Result<Authenticated> {
        match self.0 {
            ErrorCode::Internal => panic!("on purpose, with a s3cret"),
            code => Err(Error::new(code, "the storage does not answer")),
        }
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_server_goes_on() {
    let school = School::open().await;
    let url = serve(Api::new(school.manager.clone(), Broken(ErrorCode::Internal)).router()).await;
    for _ in 0..2 {
        let answer = Answer::of(Client::new().get(format!("{url}/api/integrations/t/stats"))).await;
        answer.problem(500, "internal");
        assert!(!answer.body.to_string().contains("s3cret"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let url = serve(Api::new(school.manager.clone(), Broken(ErrorCode::StorageUnavailable)).router()).await;
    let answer = Answer::of(Client::new().get(format!("{url}/api/integrations/t/stats"))).await;
    answer.problem(503, "storage_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn a_platform_key_that_can_be_guessed_is_refused() {
    let school = School::open().await;
    for weak in ["", "   ", "short", &" ".repeat(40)] {
        let refused = ApiKeys::new(school.manager.clone()).with_bootstrap(weak.into());
        assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidArgument);
    }
    let named = school.ask(Method::GET, "/stats").header("X-Actor-Id", "u-1");
    assert_eq!(Answer::of(named).await.problem(400, "invalid_argument")["field"], "X-Actor-Role");
}

/// The seed's example, word for word.
#[tokio::test]
async fn a_school_asks_whether_to_close() {
    let school = School::open().await;
    let config = json!({
        "places": { "School Address": { "lat": sandbox::weather::POINT.0, "lon": sandbox::weather::POINT.1 } },
        "contact": "it@school.example",
        "api_key": sandbox::weather::API_KEY,
        "base_url": school.vendor_url("weather"),
    });
    school.put("/weather/config", json!({ "config": config })).await.ok();
    let body: Value = serde_json::from_str(
        r#"{
  "args": [{
    "location": "School Address",
    "closureThresholds": {
      "temperature": -20,
      "windSpeed": 25,
      "precipitation": 10,
      "visibility": 1000
    }
  }]
}"#,
    )
    .unwrap();
    let answer = school.post("/weather/checkSchoolClosureConditions", Some(body)).await.ok();
    assert_eq!(answer["verdict"], "open", "{answer}");
    assert_eq!(answer["units"], "metric");
}
