//! Messages through the wire, as a client sees them.

mod common;

use std::time::Duration;

use common::{Client, PARENT, SCHOOL};
use sandbox::twilio::{MessageStatus, Outcome};
use serde_json::{Value, json};

#[tokio::test]
async fn a_message_is_accepted_advances_and_is_found_again() {
    let client = Client::start().await;
    client.sandbox.clock().freeze();
    let (status, sent) = client.send(&[("To", PARENT), ("From", SCHOOL), ("Body", "School is closed")]).await;
    assert_eq!(status, 201);
    assert_eq!(sent["status"], "queued");
    assert_eq!((&sent["price"], &sent["date_sent"]), (&Value::Null, &Value::Null));
    assert_eq!((&sent["num_segments"], &sent["num_media"]), (&json!("1"), &json!("0")));
    assert_eq!((&sent["from"], &sent["to"]), (&json!(SCHOOL), &json!(PARENT)));

    let path = sent["uri"].as_str().unwrap();
    for expected in ["sending", "sent", "delivered", "delivered"] {
        client.sandbox.clock().advance(Duration::from_millis(200));
        let (status, fetched) = client.get(path).await;
        assert_eq!((status, fetched["status"].as_str()), (200, Some(expected)));
    }
    let (_, fetched) = client.get(path).await;
    assert_eq!(fetched["price"], "-0.00830");
    assert!(fetched["date_sent"].as_str().unwrap().ends_with("+0000"));
    let seen = client.sandbox.twilio().messages();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].body.as_str(), seen[0].status), ("School is closed", MessageStatus::Delivered));
}

#[tokio::test]
async fn wrong_messages_are_refused_with_the_vendors_codes() {
    let client = Client::start().await;
    let long = "x".repeat(1601);
    let pictures: Vec<_> = (0..11).map(|_| ("MediaUrl", "https://school.example/p.png")).collect();
    let with = |extra: &[(&'static str, &'static str)]| {
        let mut form = vec![("To", PARENT), ("From", SCHOOL), ("Body", "x")];
        for (name, value) in extra {
            form.retain(|(given, _)| given != name);
            form.push((name, value));
        }
        form
    };
    let cases: Vec<(u64, Vec<(&str, &str)>)> = vec![
        (21604, vec![("From", SCHOOL), ("Body", "x")]),
        (21603, vec![("To", PARENT), ("Body", "x")]),
        (21602, vec![("To", PARENT), ("From", SCHOOL)]),
        (21617, vec![("To", PARENT), ("From", SCHOOL), ("Body", &long)]),
        (21623, [vec![("To", PARENT), ("From", SCHOOL)], pictures].concat()),
        (21211, with(&[("To", "+15005550001")])),
        (21612, with(&[("To", "+15005550002")])),
        (21408, with(&[("To", "+15005550003")])),
        (21610, with(&[("To", "+15005550004")])),
        (21614, with(&[("To", "+15005550009")])),
        (21211, with(&[("To", "5551234")])),
        (21212, with(&[("From", "+15005550001")])),
        (21606, with(&[("From", "+15005550007")])),
        (21611, with(&[("From", "+15005550008")])),
        (21606, with(&[("From", "+14155559999")])),
        (21212, with(&[("From", "+12")])),
        (21266, with(&[("To", SCHOOL)])),
        (21910, with(&[("To", "whatsapp:+14155550100")])),
        (63007, with(&[("To", "whatsapp:+14155550100"), ("From", "whatsapp:+14155559999")])),
        (21620, with(&[("MediaUrl", "not an address")])),
        (21609, with(&[("StatusCallback", "ftp://school.example")])),
        (21701, with(&[("MessagingServiceSid", "MG00000000000000000000000000000000")])),
        (21655, with(&[("ContentSid", "HX00000000000000000000000000000000")])),
        (35111, with(&[("ScheduleType", "fixed")])),
        (35118, with(&[("ScheduleType", "fixed"), ("SendAt", "2030-01-01T00:00:00Z")])),
        (35126, with(&[("ScheduleType", "weekly")])),
        (20001, with(&[("ValidityPeriod", "0")])),
        (20001, with(&[("ContentRetention", "burn")])),
        (20001, with(&[("MaxPrice", "cheap")])),
    ];
    for (code, form) in cases {
        let (status, body) = client.send(&form).await;
        assert_eq!((status, body["code"].as_u64()), (400, Some(code)), "{form:?} {body}");
        assert_eq!(body["status"], 400);
        assert_eq!(body["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
    }
    assert_eq!(client.sandbox.twilio().message_count(), 0);
}

#[tokio::test]
async fn credentials_are_checked() {
    let client = Client::start().await;
    let url = format!("{}{}", client.url, client.path("/Balance.json"));
    let none = client.http.get(&url).send().await.unwrap();
    assert_eq!(none.status(), 401);
    assert!(none.headers()["twilio-request-id"].to_str().unwrap().starts_with("RQ"));
    assert_eq!(none.json::<Value>().await.unwrap()["code"], 20003);
    let wrong = client.http.get(&url).basic_auth(sandbox::twilio::ACCOUNT_SID, Some("guess"));
    assert_eq!(wrong.send().await.unwrap().status(), 401);
    let key = client.http.get(&url).basic_auth(sandbox::twilio::API_KEY, Some(sandbox::twilio::API_KEY_SECRET));
    assert_eq!(key.send().await.unwrap().status(), 200);

    let other = "AC000000000000000000000000000000ff";
    client.sandbox.twilio().add_account(other, "token");
    let foreign = client.http.get(&url).basic_auth(other, Some("token"));
    assert_eq!(foreign.send().await.unwrap().status(), 401);
    client.sandbox.twilio().set_auth_token(sandbox::twilio::ACCOUNT_SID, "new");
    assert_eq!(client.get(&client.path("/Balance.json")).await.0, 401);
}

#[tokio::test]
async fn lists_page_from_the_newest_and_filter() {
    let client = Client::start().await;
    for number in 0..7 {
        let to = format!("+1415555010{}", number % 2);
        client.send(&[("To", &to), ("From", SCHOOL), ("Body", &number.to_string())]).await;
    }
    let bodies = |page: &Value| -> Vec<String> {
        page["messages"].as_array().unwrap().iter().map(|m| m["body"].as_str().unwrap().to_owned()).collect()
    };
    let mut seen = Vec::new();
    let mut path = client.path("/Messages.json?PageSize=3");
    loop {
        let (_, page) = client.get(&path).await;
        seen.extend(bodies(&page));
        let Some(next) = page["next_page_uri"].as_str() else {
            break;
        };
        path = next.to_owned();
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);

    let to = client.path("/Messages.json?To=%2B14155550101&PageSize=2");
    let (_, first) = client.get(&to).await;
    assert_eq!(bodies(&first), ["5", "3"]);
    let (_, second) = client.get(first["next_page_uri"].as_str().unwrap()).await;
    assert_eq!((bodies(&second), &second["next_page_uri"]), (vec!["1".to_owned()], &Value::Null));

    for (filter, count) in [
        ("DateSent%3E=2020-01-01", 7),
        ("DateSent%3C=2020-01-01", 0),
        ("DateSent=2020-01-01", 0),
        ("DateSent%3E=2999-01-01T00:00:00Z", 0),
        ("From=%2B15005550006", 7),
        ("From=%2B15017122661", 0),
    ] {
        let (status, page) = client.get(&client.path(&format!("/Messages.json?{filter}"))).await;
        assert_eq!((status, bodies(&page).len()), (200, count), "{filter}");
    }
    assert_eq!(client.get(&client.path("/Messages.json?DateSent=soon")).await.0, 400);
}

#[tokio::test]
async fn messages_are_redacted_and_deleted_once_they_have_arrived() {
    let client = Client::start().await;
    client.sandbox.clock().freeze();
    let (_, sent) = client.send(&[("To", PARENT), ("From", SCHOOL), ("Body", "private")]).await;
    let path = sent["uri"].as_str().unwrap();
    assert_eq!(client.post(path, &[("Body", "")]).await.1["code"], 20009);
    client.sandbox.clock().advance(Duration::from_secs(1));
    assert_eq!(client.post(path, &[("Body", "other")]).await.0, 400);
    assert_eq!(client.post(path, &[("Status", "canceled")]).await.1["code"], 30409);
    let (status, redacted) = client.post(path, &[("Body", "")]).await;
    assert_eq!((status, &redacted["body"]), (200, &json!("")));
    assert_eq!(client.delete(path).await, 204);
    let (status, gone) = client.get(path).await;
    assert_eq!((status, &gone["code"]), (404, &json!(20404)));
}

#[tokio::test]
async fn outcomes_follow_the_recipient() {
    let client = Client::start().await;
    let twilio = client.sandbox.twilio();
    twilio.set_step(Duration::ZERO);
    twilio.set_outcome(PARENT, Outcome::Undelivered { code: 30003 });
    let (_, lost) = client.send(&[("To", PARENT), ("From", SCHOOL), ("Body", "x")]).await;
    assert_eq!((&lost["status"], &lost["error_code"]), (&json!("undelivered"), &json!(30003)));
    twilio.opt_out("+14155550199");
    let (_, refused) = client.send(&[("To", "+14155550199"), ("From", SCHOOL), ("Body", "x")]).await;
    assert_eq!(refused["code"], 21610);
}

#[tokio::test]
async fn whatsapp_needs_a_template_or_an_open_window() {
    let client = Client::start().await;
    client.sandbox.twilio().set_step(Duration::ZERO);
    let whatsapp = [("To", "whatsapp:+14155550100"), ("From", "whatsapp:+14155238886")];
    let (status, free) = client.send(&[&whatsapp[..], &[("Body", "hi")]].concat()).await;
    assert_eq!((status, &free["status"], &free["error_code"]), (201, &json!("undelivered"), &json!(63016)));

    let template =
        json!({"language": "en", "variables": {"1": "Sam"}, "types": {"twilio/text": {"body": "{{1}} is absent"}}});
    let (status, content) = client.post_json("/v1/Content", &template).await;
    assert_eq!(status, 201);
    let made = [("ContentSid", content["sid"].as_str().unwrap()), ("ContentVariables", r#"{"1": "Alex"}"#)];
    let (_, sent) = client.send(&[&whatsapp[..], &made].concat()).await;
    assert_eq!((&sent["status"], &sent["body"]), (&json!("delivered"), &json!("Alex is absent")));
    let wrong = [made[0], ("ContentVariables", "Alex")];
    assert_eq!(client.send(&[&whatsapp[..], &wrong].concat()).await.1["code"], 21656);

    client.sandbox.twilio().open_whatsapp_window("+14155550100");
    let (_, free) = client.send(&[&whatsapp[..], &[("Body", "hi")]].concat()).await;
    assert_eq!(free["status"], "delivered");
    client.sandbox.clock().advance(Duration::from_secs(24 * 3600 + 1));
    let (_, late) = client.send(&[&whatsapp[..], &[("Body", "hi")]].concat()).await;
    assert_eq!(late["status"], "undelivered");
}

#[tokio::test]
async fn a_messaging_service_sends_and_schedules() {
    let client = Client::start().await;
    client.sandbox.clock().freeze();
    let (status, service) = client.post("/v1/Services", &[("FriendlyName", "School")]).await;
    assert_eq!(status, 201);
    let sid = service["sid"].as_str().unwrap();
    let form = [("To", PARENT), ("MessagingServiceSid", sid), ("Body", "x")];
    assert_eq!(client.send(&form).await.1["code"], 21703);
    let (_, numbers) = client.get(&client.path("/IncomingPhoneNumbers.json")).await;
    let number = numbers["incoming_phone_numbers"][0]["sid"].as_str().unwrap();
    let pool = format!("/v1/Services/{sid}/PhoneNumbers");
    assert_eq!(client.post(&pool, &[("PhoneNumberSid", number)]).await.0, 201);
    assert_eq!(client.post(&pool, &[("PhoneNumberSid", number)]).await.0, 409);

    let (_, sent) = client.send(&form).await;
    assert_eq!((&sent["status"], &sent["from"]), (&json!("accepted"), &Value::Null));
    assert_eq!(sent["messaging_service_sid"], sid);
    client.sandbox.clock().advance(Duration::from_secs(1));
    let (_, sent) = client.get(sent["uri"].as_str().unwrap()).await;
    assert_eq!((&sent["status"], &sent["from"]), (&json!("delivered"), &json!(SCHOOL)));

    let soon = (jiff::Timestamp::from_millisecond(client.sandbox.clock().now()).unwrap()
        + jiff::SignedDuration::from_mins(20))
    .to_string();
    let (_, later) = client.send(&[&form[..], &[("ScheduleType", "fixed"), ("SendAt", &soon)]].concat()).await;
    assert_eq!(later["status"], "scheduled");
    let (_, canceled) = client.post(later["uri"].as_str().unwrap(), &[("Status", "canceled")]).await;
    assert_eq!(canceled["status"], "canceled");
    let past = [("ScheduleType", "fixed"), ("SendAt", "2020-01-01T00:00:00Z")];
    assert_eq!(client.send(&[&form[..], &past].concat()).await.1["code"], 35114);
}
