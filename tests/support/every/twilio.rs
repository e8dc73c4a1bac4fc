use std::time::Duration;

use futures::future::BoxFuture;
use sandbox::{Sandbox, twilio};
use serde_json::{Value, json};

use super::{School, Vendor};

const AUTH_TOKEN: &str = "canary0auth0token0of0the0tenant0";
const ACCOUNT_SID: &str = "AC0000000000000000000000000000ca11";

pub const VENDOR: Vendor = Vendor {
    id: "twilio",
    config,
    secrets: &[AUTH_TOKEN],
    arguments,
    fill,
    faults: |sandbox| sandbox.twilio().faults(),
    recorder: |sandbox| sandbox.twilio().recorder(),
    silent: &[],
    contract: true,
    undocumented: &[],
    aliases: &[],
};

fn config(sandbox: &Sandbox) -> Value {
    sandbox.twilio().add_account(ACCOUNT_SID, AUTH_TOKEN);
    sandbox.twilio().add_number(ACCOUNT_SID, twilio::NUMBERS[0]);
    sandbox.twilio().add_number(ACCOUNT_SID, twilio::WHATSAPP_NUMBER);
    sandbox.twilio().open_whatsapp_window("+14155550103");
    json!({
        "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "from_number": twilio::NUMBERS[0],
        "whatsapp_from": twilio::WHATSAPP_NUMBER, "base_url": sandbox.url("twilio"),
    })
}

/// `{sms}`, `{call}` and `{content}` stand for ids.
fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "sendSms" => json!({ "to": "+14155550101", "body": "The school is closed.", "mediaUrls": [] }),
        "sendMms" => json!({ "to": "+14155550102", "mediaUrls": ["https://school.example/map.png"], "body": "A map" }),
        "sendWhatsApp" => json!({ "to": "+14155550103", "body": "Hello" }),
        "sendBulkSms" => {
            json!({ "messages": [{ "to": "+14155550104", "body": "one" }, { "to": "+14155550105", "body": "two" }] })
        }
        "sendEmergencyAlert" => json!({
            "recipients": [{ "phone": "+14155550106", "name": "John Doe" }, { "phone": "+14155550107", "name": "Jane Smith" }],
            "message": "School will be closed due to weather",
            "alertType": "emergency",
            "channels": ["sms", "voice"],
        }),
        "makeCall" => json!({ "to": "+14155550108", "say": "The school is <closed> & dark." }),
        "getMessage" | "redactMessage" | "deleteMessage" => json!({ "sid": "{sms}" }),
        "listMessages" => json!({ "to": "+14155550101", "pageSize": 5 }),
        "getCall" | "endCall" => json!({ "sid": "{call}" }),
        "listCalls" => json!({ "pageSize": 5 }),
        "listTemplates" => json!({}),
        "getTemplate" => json!({ "sid": "{content}" }),
        "lookupPhoneNumber" => json!({ "phoneNumber": "+14155550123", "lineType": true }),
        "getPricing" => json!({ "country": "US" }),
        "getBalance" => json!({}),
        "getUsage" => json!({ "category": "sms" }),
        _ => return None,
    })
}

fn fill<'a>(school: &'a School, operation: &'a str, mut text: String) -> BoxFuture<'a, String> {
    Box::pin(async move {
        // A message that has not come to its end cannot be deleted; a call that has cannot be ended.
        let step = Duration::from_secs(if operation == "endCall" { 60 } else { 0 });
        school.sandbox.twilio().set_step(step);
        for (mark, makes) in [("{sms}", "sendSms"), ("{call}", "makeCall")] {
            if text.contains(mark) {
                let made = school.made("twilio", makes, arguments(makes).unwrap()).await;
                text = text.replace(mark, made["sid"].as_str().unwrap());
            }
        }
        if text.contains("{content}") {
            text = text.replace("{content}", &content(school).await);
        }
        text
    })
}

async fn content(school: &School) -> String {
    let body = json!({
        "friendly_name": "closing", "language": "en", "variables": { "1": "today" },
        "types": { "twilio/text": { "body": "School is closed {{1}}" } },
    });
    let made = reqwest::Client::new()
        .post(format!("{}/v1/Content", school.sandbox.url("twilio")))
        .basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))
        .json(&body)
        .send()
        .await
        .unwrap();
    made.json::<Value>().await.unwrap()["sid"].as_str().unwrap().to_owned()
}
