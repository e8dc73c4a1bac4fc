//! One set of good arguments for every registered operation, and a school to call them in.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of this")]

use sandbox::{Sandbox, twilio};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, IntegrationManager, MasterKey, Role, Tenant, manager::Builder, providers, providers::Quota,
};

pub const AUTH_TOKEN: &str = "canary0auth0token0of0the0tenant0";
pub const ACCOUNT_SID: &str = "AC0000000000000000000000000000ca11";

/// An operation with arguments that the look-alike answers well. `{sms}`, `{call}` and `{content}` stand for ids that
/// [`School::open`] has made.
pub fn arguments(operation: &str) -> Option<Value> {
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

pub struct School {
    pub sandbox: Sandbox,
    pub manager: IntegrationManager,
    pub tenant: Tenant,
    pub admin: Actor,
}

impl School {
    pub async fn open(builder: Builder) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.twilio().add_account(ACCOUNT_SID, AUTH_TOKEN);
        sandbox.twilio().add_number(ACCOUNT_SID, twilio::NUMBERS[0]);
        sandbox.twilio().add_number(ACCOUNT_SID, twilio::WHATSAPP_NUMBER);
        let manager = builder
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .providers(providers::all())
            .quota("twilio", Quota { per_second: 0.0, burst: 0 })
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let admin = Actor::new("u-1", Role::Admin);
        let tenant = manager.tenant("school").unwrap();
        let config = providers::twilio::TwilioConfig::new(ACCOUNT_SID, AUTH_TOKEN)
            .from(twilio::NUMBERS[0].parse().unwrap())
            .whatsapp_from(twilio::WHATSAPP_NUMBER.parse().unwrap())
            .base_url(sandbox.url("twilio").parse().unwrap());
        tenant.configure(&admin, config).await.unwrap();
        sandbox.twilio().open_whatsapp_window("+14155550103");
        Self { sandbox, manager, tenant, admin }
    }

    /// The arguments with ids of things that are there: made anew, for some operations delete what they name.
    pub async fn filled(&self, operation: &str) -> Value {
        let arguments = arguments(operation).unwrap_or_else(|| panic!("no arguments for {operation}"));
        let mut text = arguments.to_string();
        // A message that has not come to its end cannot be deleted; a call that has cannot be ended.
        let step = std::time::Duration::from_secs(if operation == "endCall" { 60 } else { 0 });
        self.sandbox.twilio().set_step(step);
        for (mark, makes, of) in [("{sms}", "sendSms", "sid"), ("{call}", "makeCall", "sid")] {
            if text.contains(mark) {
                let made =
                    self.tenant.execute(&self.admin, "twilio", makes, self::arguments(makes).unwrap()).await.unwrap();
                text = text.replace(mark, made.output[of].as_str().unwrap());
            }
        }
        if text.contains("{content}") {
            text = text.replace("{content}", &self.content().await);
        }
        serde_json::from_str(&text).unwrap()
    }

    async fn content(&self) -> String {
        let body = json!({
            "friendly_name": "closing", "language": "en", "variables": { "1": "today" },
            "types": { "twilio/text": { "body": "School is closed {{1}}" } },
        });
        let made = reqwest::Client::new()
            .post(format!("{}/v1/Content", self.sandbox.url("twilio")))
            .basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))
            .json(&body)
            .send()
            .await
            .unwrap();
        made.json::<Value>().await.unwrap()["sid"].as_str().unwrap().to_owned()
    }
}

pub fn operations() -> Vec<(&'static str, &'static str)> {
    providers::all().into_iter().flat_map(|p| p.operations.into_iter().map(move |o| (p.info.id, o.name))).collect()
}

pub fn builder() -> Builder {
    IntegrationManager::builder()
}
