//! Every fault as the client meets it, and whether the request took effect.

mod common;

use std::time::{Duration, Instant};

use common::{Client, PARENT, SCHOOL};
use sandbox::{Fault, RateLimit, RetryAfter, Rule, Sandbox};
use serde_json::{Value, json};

const FORM: [(&str, &str); 3] = [("To", PARENT), ("From", SCHOOL), ("Body", "x")];

/// Sends one message under a fault; the answer as text, and whether the message was accepted.
async fn under(fault: Fault) -> (Result<(u16, String, String), reqwest::Error>, bool) {
    let client = Client::start().await;
    client.sandbox.twilio().faults().add(Rule::next(1, fault.clone()));
    let answer = attempt(&client).await;
    let exchange = &client.sandbox.twilio().requests()[0];
    assert_eq!(exchange.fault, Some(fault.kind()));
    (answer, client.sandbox.twilio().message_count() == 1)
}

async fn attempt(client: &Client) -> Result<(u16, String, String), reqwest::Error> {
    let request = client.http.post(client.at(&client.path("/Messages.json"))).form(&FORM);
    let response = request.basic_auth(sandbox::twilio::ACCOUNT_SID, Some(sandbox::twilio::AUTH_TOKEN)).send().await?;
    let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap_or("")).to_owned();
    let (status, kind) =
        (response.status().as_u16(), header("content-type") + &header("location") + &header("retry-after"));
    Ok((status, kind, response.text().await?))
}

#[tokio::test]
async fn refusals_take_no_effect() {
    let (answer, accepted) = under(Fault::too_many(Some(3))).await;
    let (status, headers, body) = answer.unwrap();
    assert_eq!((status, accepted), (429, false));
    assert_eq!(headers, "application/json3");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["code"], &body["status"]), (&json!(20429), &json!(429)));

    for refused in [500, 502, 503] {
        let (answer, accepted) = under(Fault::status(refused)).await;
        assert_eq!((answer.unwrap().0, accepted), (refused, false));
    }
    let redirect = Fault::Redirect { location: "http://127.0.0.2:1/".to_owned(), status: 307 };
    let (answer, accepted) = under(redirect).await;
    let (status, location, _) = answer.unwrap();
    assert_eq!((status, location.as_str(), accepted), (307, "http://127.0.0.2:1/", false));
}

#[tokio::test]
async fn a_server_error_after_processing_hides_an_accepted_message() {
    let (answer, accepted) = under(Fault::StatusAfter { status: 503 }).await;
    assert_eq!((answer.unwrap().0, accepted), (503, true));
}

#[tokio::test]
async fn cuts_leave_no_answer() {
    let (answer, accepted) = under(Fault::CutBefore).await;
    assert!(answer.is_err() && !accepted);
    let (answer, accepted) = under(Fault::CutAfter).await;
    assert!(answer.is_err() && accepted);
    let (answer, accepted) = under(Fault::CutDuring).await;
    // The head arrived: what fails is reading the body.
    assert!(answer.unwrap_err().is_decode() || accepted);
    assert!(accepted);
}

#[tokio::test]
async fn spoiled_answers_are_spoiled_as_asked() {
    let (answer, accepted) = under(Fault::Truncate).await;
    let (status, _, body) = answer.unwrap();
    assert_eq!((status, accepted), (201, true));
    assert!(body.starts_with('{') && serde_json::from_str::<Value>(&body).is_err());

    let (answer, accepted) = under(Fault::Html { status: 200 }).await;
    let (status, kind, body) = answer.unwrap();
    assert_eq!((status, accepted), (200, true));
    assert!(kind.starts_with("text/html") && body.contains("<html>"));

    let (answer, _) = under(Fault::Huge { bytes: 3_000_000 }).await;
    assert_eq!(answer.unwrap().2.len(), 3_000_000);

    let (answer, _) = under(Fault::ContentType { value: "text/plain".to_owned() }).await;
    let (_, kind, body) = answer.unwrap();
    assert_eq!(kind, "text/plain");
    assert!(serde_json::from_str::<Value>(&body).is_ok());

    let (answer, _) = under(Fault::WrongType { field: "sid".to_owned() }).await;
    assert!(serde_json::from_str::<Value>(&answer.unwrap().2).unwrap()["sid"].is_array());
}

#[tokio::test]
async fn a_caller_that_gives_up_has_been_served_or_not_as_the_delay_says() {
    for (fault, served) in [(Fault::Delay { ms: 400 }, true), (Fault::DelayBefore { ms: 400 }, false)] {
        let client = Client::start().await;
        client.sandbox.twilio().faults().add(Rule::next(1, fault));
        assert!(tokio::time::timeout(Duration::from_millis(100), attempt(&client)).await.is_err());
        // Longer than the delay: it would have happened by now.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(client.sandbox.twilio().message_count(), usize::from(served));
    }
    let client = Client::start().await;
    client.sandbox.twilio().faults().add(Rule::next(1, Fault::Delay { ms: 60 }));
    let begun = Instant::now();
    assert_eq!(attempt(&client).await.unwrap().0, 201);
    assert!(begun.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn rules_choose_by_recipient_method_and_path() {
    let client = Client::start().await;
    let faults = client.sandbox.twilio().faults();
    faults.add(Rule::always(Fault::status(500)).to("+14155550199"));
    faults.add(Rule::always(Fault::status(502)).method("GET").path("/Balance"));
    assert_eq!(client.send(&FORM).await.0, 201);
    assert_eq!(client.send(&[("To", "+14155550199"), ("From", SCHOOL), ("Body", "x")]).await.0, 500);
    assert_eq!(client.get(&client.path("/Balance.json")).await.0, 502);
    assert_eq!(client.get(&client.path("/Messages.json")).await.0, 200);
    faults.clear();
    assert_eq!(client.get(&client.path("/Balance.json")).await.0, 200);
}

#[tokio::test]
async fn the_rate_limit_refuses_what_is_too_much() {
    let client = Client::start().await;
    client.sandbox.clock().freeze();
    let limit = RateLimit { retry_after: Some(RetryAfter::Seconds(1)), ..RateLimit::per_second(3.0) };
    client.sandbox.twilio().faults().rate_limit(Some(limit));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(client.send(&FORM).await.0);
    }
    assert_eq!(statuses, [201, 201, 201, 429, 429]);
    client.sandbox.clock().advance(Duration::from_secs(1));
    assert_eq!(client.send(&FORM).await.0, 201);
    assert_eq!(client.sandbox.twilio().faults().struck(), 2);
}

#[tokio::test]
async fn the_control_api_does_what_the_handle_does() {
    let client = Client::start().await;
    let control = |path: &str| format!("{}/__sandbox/{path}", client.url);
    let http = &client.http;
    let rules = json!([
        { "fault": { "kind": "status", "status": 429, "retry_after": 1 }, "path": "/Messages", "when": { "kind": "next", "count": 1 } },
        { "fault": { "kind": "cut_after" }, "to": "+14155550199" },
    ]);
    assert_eq!(http.post(control("faults")).json(&rules).send().await.unwrap().status(), 204);
    assert_eq!(client.send(&FORM).await.0, 429);
    assert_eq!(client.send(&FORM).await.0, 201);
    let left: Value = http.get(control("faults")).send().await.unwrap().json().await.unwrap();
    assert_eq!(left.as_array().unwrap().len(), 1);

    let wrong = http.post(control("faults")).json(&json!({ "fault": { "kind": "explode" } })).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    assert!(wrong.json::<Value>().await.unwrap()["error"].as_str().unwrap().contains("explode"));
    assert_eq!(http.delete(control("faults")).send().await.unwrap().status(), 204);

    let seen: Value = http.get(control("requests?since=1")).send().await.unwrap().json().await.unwrap();
    assert_eq!((seen["seen"].as_u64(), seen["requests"].as_array().unwrap().len()), (Some(2), 1));
    let authorization =
        seen["requests"][0]["headers"].as_array().unwrap().iter().find(|pair| pair[0] == "authorization");
    assert_eq!(authorization.unwrap()[1], format!("Basic {}", sandbox::twilio::ACCOUNT_SID));
    assert!(!seen.to_string().contains(sandbox::twilio::AUTH_TOKEN));

    let recipient = json!({ "to": PARENT, "outcome": { "kind": "undelivered", "code": 30003 } });
    assert_eq!(http.post(control("recipients")).json(&recipient).send().await.unwrap().status(), 204);
    assert_eq!(http.put(control("step")).json(&json!({ "ms": 0 })).send().await.unwrap().status(), 204);
    client.send(&FORM).await;
    let messages: Value = http.get(control("messages")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&messages[1]["status"], &messages[1]["error_code"]), (&json!("undelivered"), &json!(30003)));

    let clock = http.post(control("clock")).json(&json!({ "advance_ms": 60_000 })).send().await.unwrap();
    assert!(clock.json::<Value>().await.unwrap()["now"].is_i64());
    assert_eq!(http.put(control("rate-limit")).json(&json!({ "per_second": 1.0 })).send().await.unwrap().status(), 204);
    assert_eq!(http.post(control("reset")).send().await.unwrap().status(), 204);
    assert_eq!(client.sandbox.twilio().message_count(), 0);
    assert_eq!(http.get(control("nothing")).send().await.unwrap().status(), 404);
}

#[test]
fn it_starts_without_a_runtime_and_frees_its_port_when_dropped() {
    let sandbox = Sandbox::builder().vendors(["twilio"]).start_blocking().unwrap();
    let port: u16 = sandbox.url("twilio").rsplit_once(':').unwrap().1.parse().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(sandbox);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    let again = Sandbox::builder().port("twilio", port).start_blocking().unwrap();
    assert!(again.url("twilio").ends_with(&port.to_string()));
    assert!(Sandbox::builder().vendors(["nobody"]).start_blocking().is_err());
    assert!(Sandbox::builder().port("twilio", port).start_blocking().is_err());
}
