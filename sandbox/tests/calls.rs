//! Calls, lookups and status callbacks as a client sees them.

mod common;

use std::time::Duration;

use common::{Client, PARENT, SCHOOL};
use sandbox::twilio::{AUTH_TOKEN, CallOutcome, CallStatus, sign};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const FORM: [(&str, &str); 3] = [("To", PARENT), ("From", SCHOOL), ("Url", "https://school.example/voice.xml")];

#[tokio::test]
async fn a_call_rings_is_answered_and_ends() {
    let client = Client::start().await;
    client.sandbox.clock().freeze();
    let calls = client.path("/Calls.json");
    let (status, call) = client.post(&calls, &FORM).await;
    assert_eq!((status, &call["status"], &call["direction"]), (201, &json!("queued"), &json!("outbound-api")));
    assert_eq!((&call["duration"], &call["price"]), (&Value::Null, &Value::Null));
    let path = call["uri"].as_str().unwrap();
    for expected in ["ringing", "in-progress", "completed"] {
        client.sandbox.clock().advance(Duration::from_millis(200));
        assert_eq!(client.get(path).await.1["status"], expected);
    }
    let (_, over) = client.get(path).await;
    assert_eq!((&over["duration"], &over["price"]), (&json!("1"), &json!("-0.01400")));
    assert_eq!(client.delete(path).await, 204);
    assert_eq!(client.get(path).await.0, 404);
}

#[tokio::test]
async fn wrong_calls_are_refused_with_the_vendors_codes() {
    let client = Client::start().await;
    let with = |name: &'static str, value: &'static str| {
        let mut form: Vec<_> = FORM.into_iter().filter(|(given, _)| *given != name).collect();
        form.push((name, value));
        form
    };
    for (code, form) in [
        (21201, vec![("From", SCHOOL), FORM[2]]),
        (21213, vec![("To", PARENT), FORM[2]]),
        (21205, vec![FORM[0], FORM[1]]),
        (21205, with("Url", "not an address")),
        (21218, with("ApplicationSid", "AP1")),
        (21211, with("To", "12")),
        (21217, with("To", "+15005550001")),
        (21214, with("To", "+15005550002")),
        (21215, with("To", "+15005550003")),
        (21216, with("To", "+15005550004")),
        (21212, with("From", "+15005550001")),
        (21210, with("From", "+14155559999")),
        (21206, with("SendDigits", "call me")),
        (20001, with("Timeout", "0")),
    ] {
        let (status, body) = client.post(&client.path("/Calls.json"), &form).await;
        assert_eq!((status, body["code"].as_u64()), (400, Some(code)), "{form:?} {body}");
    }
    assert!(client.sandbox.twilio().calls().is_empty());
}

#[tokio::test]
async fn calls_are_ended_canceled_and_listed() {
    let client = Client::start().await;
    client.sandbox.clock().freeze();
    client.sandbox.twilio().set_call_outcome("+14155550101", CallOutcome::NoAnswer);
    client.sandbox.twilio().set_call_outcome("+14155550102", CallOutcome::Completed { seconds: Some(90) });
    let calls = client.path("/Calls.json");
    let mut paths = Vec::new();
    for to in [PARENT, "+14155550101", "+14155550102"] {
        let (_, call) = client.post(&calls, &[("To", to), FORM[1], ("Twiml", "<Response/>")]).await;
        paths.push(call["uri"].as_str().unwrap().to_owned());
    }
    assert_eq!(client.delete(&paths[0]).await, 409);
    assert_eq!(client.post(&paths[0], &[("Status", "canceled")]).await.1["status"], "canceled");
    client.sandbox.clock().advance(Duration::from_secs(61));
    assert_eq!(client.get(&paths[1]).await.1["status"], "no-answer");
    assert_eq!(client.get(&paths[2]).await.1["status"], "in-progress");
    let (_, ended) = client.post(&paths[2], &[("Status", "completed")]).await;
    assert_eq!(
        (&ended["status"], &ended["duration"], &ended["price"]),
        (&json!("completed"), &json!("61"), &json!("-0.02800"))
    );
    assert_eq!(client.post(&paths[2], &[("Status", "completed")]).await.1["code"], 21220);

    let count =
        async |filter: &str| client.get(&format!("{calls}?{filter}")).await.1["calls"].as_array().unwrap().len();
    assert_eq!(count("").await, 3);
    assert_eq!(count("Status=canceled").await, 1);
    assert_eq!(count("To=%2B14155550102&StartTime%3E=2020-01-01").await, 1);
    assert_eq!(count("EndTime%3C=2020-01-01").await, 0);
    assert_eq!(client.sandbox.twilio().calls()[1].status, CallStatus::NoAnswer);
}

#[tokio::test]
async fn lookups_tell_good_numbers_from_bad() {
    let client = Client::start().await;
    client.sandbox.twilio().set_line_type("+14155550102", "landline");
    let line = |number: &str| format!("/v2/PhoneNumbers/{number}?Fields=line_type_intelligence");
    let (_, mobile) = client.get(&line("%2B14155550100")).await;
    assert_eq!((&mobile["valid"], &mobile["line_type_intelligence"]["type"]), (&json!(true), &json!("mobile")));
    assert_eq!(mobile["national_format"], "(415) 555-0100");
    let (_, landline) = client.get(&line("+14155550102")).await;
    assert_eq!(landline["line_type_intelligence"]["type"], "landline");
    let (status, short) = client.get("/v2/PhoneNumbers/+1415555").await;
    assert_eq!((status, &short["valid"], &short["validation_errors"]), (200, &json!(false), &json!(["TOO_SHORT"])));
    let (_, plain) = client.get("/v2/PhoneNumbers/4155550100").await;
    assert_eq!((&plain["phone_number"], &plain["line_type_intelligence"]), (&json!("+14155550100"), &Value::Null));
    assert_eq!(client.get("/v2/PhoneNumbers/+14155550100?Fields=horoscope").await.0, 400);
}

/// Takes posts on loopback and hands over signature and form.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(String, Vec<(String, String)>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/status?tenant=1", listener.local_addr().unwrap());
    let (sender, posts) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            let mut chunk = [0; 4096];
            let (head, body) = loop {
                let read = stream.read(&mut chunk).await.unwrap();
                bytes.extend_from_slice(&chunk[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = header(head, "content-length").parse::<usize>().unwrap();
                if body.len() >= length {
                    break (head.to_owned(), body.to_owned());
                }
            };
            stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            let form = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            sender.send((header(&head, "x-twilio-signature").to_owned(), form)).unwrap();
        }
    });
    (url, posts)
}

fn header<'h>(head: &'h str, name: &str) -> &'h str {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

fn field<'f>(form: &'f [(String, String)], name: &str) -> &'f str {
    form.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
}

#[tokio::test]
async fn each_change_of_a_message_is_posted_signed_and_in_order() {
    let client = Client::start().await;
    let (url, mut posts) = receiver().await;
    client.sandbox.twilio().set_step(Duration::from_millis(5));
    let (_, sent) = client.send(&[("To", PARENT), ("From", SCHOOL), ("Body", "x"), ("StatusCallback", &url)]).await;
    for expected in ["sent", "delivered"] {
        let (signature, form) = tokio::time::timeout(Duration::from_secs(5), posts.recv()).await.unwrap().unwrap();
        assert_eq!(field(&form, "MessageStatus"), expected);
        assert_eq!(field(&form, "MessageSid"), sent["sid"].as_str().unwrap());
        assert_eq!(signature, sign(AUTH_TOKEN, &url, &form));
    }
}

#[tokio::test]
async fn a_frozen_clock_holds_callbacks_back() {
    let client = Client::start().await;
    let (url, mut posts) = receiver().await;
    client.sandbox.clock().freeze();
    let form = [
        &FORM[..],
        &[("StatusCallback", &url), ("StatusCallbackEvent", "answered"), ("StatusCallbackEvent", "completed")],
    ]
    .concat();
    assert_eq!(client.post(&client.path("/Calls.json"), &form).await.0, 201);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(posts.try_recv().is_err());
    client.sandbox.clock().advance(Duration::from_secs(60));
    for (sequence, expected) in ["in-progress", "completed"].into_iter().enumerate() {
        let (_, form) = tokio::time::timeout(Duration::from_secs(5), posts.recv()).await.unwrap().unwrap();
        assert_eq!((field(&form, "CallStatus"), field(&form, "SequenceNumber")), (expected, &*sequence.to_string()));
    }
}
