use futures::future::BoxFuture;
use serde_json::{Value, json};

use sandbox::{Sandbox, sendgrid};

use super::{School, Vendor};

const KEY: &str = "SG.canary0key0of0the0tenant.0000000000000000000000000000000000000000000";
/// Of templates that the settings name before there are any; `fill` puts the real one into the settings.
const NO_TEMPLATE: &str = "d-00000000000000000000000000000000";

pub const VENDOR: Vendor = Vendor {
    id: "sendgrid",
    config,
    secrets: &[KEY],
    arguments,
    fill,
    faults: |sandbox| sandbox.sendgrid().faults(),
    recorder: |sandbox| sandbox.sendgrid().recorder(),
    silent: &[],
    contract: true,
    // The contract at hand has the spam reports' list alone; the pages named at the operations have the rest.
    undocumented: &[
        "DELETE /v3/suppression/spam_reports/*",
        "* /v3/suppression/invalid_emails",
        "* /v3/suppression/invalid_emails/*",
        "* /v3/suppression/blocks",
        "* /v3/suppression/blocks/*",
    ],
    aliases: &[],
};

fn config(sandbox: &Sandbox) -> Value {
    sandbox.sendgrid().add_key(KEY);
    settings(sandbox, NO_TEMPLATE)
}

fn settings(sandbox: &Sandbox, template: &str) -> Value {
    json!({
        "api_key": KEY, "from_email": sendgrid::FROM_EMAIL, "from_name": "Your School", "email_activity": true,
        "webhook_public_key": sendgrid::WEBHOOK_PUBLIC_KEY, "base_url": sandbox.url("sendgrid"),
        "notifications": { "absence": { "template_id": template, "suppression_group_id": sendgrid::GROUP_ID } },
    })
}

/// `{template}`, `{version}`, `{job}`, `{list}` and `{campaign}` stand for ids.
fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "sendEmail" => json!({
            "to": [{ "email": "parent@example.com", "name": "Parent" }],
            "cc": [{ "email": "other@example.com" }],
            "bcc": [{ "email": "office@example.com" }],
            "subject": "School closed",
            "html": "<p>School closes at noon.</p>",
            "text": "School closes at noon.",
            "options": {
                "replyTo": { "email": "office@yourschool.example" },
                "categories": ["closing"],
                "customArgs": { "class": "4b" },
                "attachments": [{ "filename": "map.txt", "content": "bWFw", "type": "text/plain" }],
                "suppressionGroupId": sendgrid::GROUP_ID,
                "checkSuppressed": true,
            },
        }),
        "sendBulkEmail" => json!({
            "messages": [
                { "to": [{ "email": "one@example.com" }], "subject": "For one" },
                { "to": [{ "email": "two@example.com" }] },
            ],
            "subject": "Report cards",
            "text": "They are out.",
        }),
        "sendTemplateEmail" => json!({
            "to": [{ "email": "parent@example.com" }], "templateId": "{template}", "variables": { "student": "Ada" },
        }),
        "sendNotification" => json!({
            "kind": "absence", "recipients": [{ "email": "parent@example.com", "phone": "+14155550101" }],
            "variables": { "student": "Ada" }, "smsFallback": "{template}: Ada is absent today.",
        }),
        "createTemplate" => json!({ "name": "Absence" }),
        "addTemplateVersion" => json!({
            "templateId": "{template}", "name": "Second", "subject": "{{student}}", "html": "<p>{{student}}</p>",
            "active": false,
        }),
        "activateTemplateVersion" => json!({ "templateId": "{template}", "versionId": "{version}" }),
        "listTemplates" => json!({ "pageSize": 10 }),
        "getTemplate" => json!({ "templateId": "{template}" }),
        "upsertContacts" => json!({
            "contacts": [{ "email": "parent@example.com", "firstName": "Ada", "addressLine1": "1 Way" }],
            "listIds": ["{list}"],
        }),
        "getContactImport" => json!({ "jobId": "{job}" }),
        "createList" => json!({ "name": "Parents of grade 4" }),
        "listLists" => json!({ "pageSize": 10 }),
        "createCampaign" => json!({
            "name": "Open day", "listIds": ["{list}"], "subject": "Open day", "html": "<p>Come!</p>", "senderId": 1,
            "suppressionGroupId": sendgrid::GROUP_ID, "categories": ["open-day"],
        }),
        "scheduleCampaign" => json!({ "campaignId": "{campaign}", "sendAt": "2126-12-01T07:00:00Z" }),
        "getEmailStats" => json!({ "startDate": "2026-11-01", "aggregatedBy": "day" }),
        "getCategoryStats" => json!({ "categories": ["closing"], "startDate": "2026-11-01" }),
        "getCampaignStats" => json!({ "campaignIds": ["{campaign}"] }),
        "listBounces" => json!({ "since": "2026-11-01T00:00:00Z", "limit": 10 }),
        "removeBounce" => json!({ "email": "bounced@example.com" }),
        "listSuppressed" => json!({ "list": "spamReports", "limit": 10 }),
        "removeSuppressed" => json!({ "list": "invalidEmails", "email": "invalid@example.com" }),
        "listUnsubscribes" => json!({ "limit": 10 }),
        "listSuppressionGroups" | "getScopes" => json!({}),
        "addUnsubscribe" => json!({ "groupId": sendgrid::GROUP_ID, "emails": ["left@example.com"] }),
        "findMessage" => json!({ "customArg": "class", "value": "4b", "to": "parent@example.com" }),
        _ => return None,
    })
}

/// Asks the look-alike itself: through the manager, its breaker would hold back what is to be made after many faults.
async fn make(school: &School, method: &str, path: &str, body: Value) -> Value {
    let url = format!("{}/v3/{path}", school.sandbox.url("sendgrid"));
    let request = reqwest::Client::new().request(method.parse().unwrap(), url).bearer_auth(KEY).json(&body);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}");
    answer.json().await.unwrap_or_default()
}

fn fill<'a>(school: &'a School, operation: &'a str, mut text: String) -> BoxFuture<'a, String> {
    Box::pin(async move {
        let sendgrid = school.sandbox.sendgrid();
        let name = format!("No. {}", sendgrid.recorder().seen());
        let id = |made: &Value, name: &str| made[name].as_str().unwrap().to_owned();
        match operation {
            "removeBounce" | "listBounces" => sendgrid.add_bounce("bounced@example.com"),
            "listSuppressed" => sendgrid.add_spam_report("reported@example.com"),
            "removeSuppressed" => sendgrid.add_invalid_email("invalid@example.com"),
            "listUnsubscribes" => sendgrid.add_unsubscribe("left@example.com"),
            // Two lists of one name are refused.
            "createList" => text = text.replace("grade 4", &name),
            "getEmailStats" | "getCategoryStats" | "findMessage" => {
                let mail = json!({
                    "personalizations": [{ "to": [{ "email": "parent@example.com" }], "custom_args": { "class": "4b" } }],
                    "from": { "email": sendgrid::FROM_EMAIL }, "subject": "x", "categories": ["closing"],
                    "content": [{ "type": "text/plain", "value": "x" }],
                });
                make(school, "POST", "mail/send", mail).await;
            }
            _ => {}
        }
        if text.contains("{list}") {
            let made = make(school, "POST", "marketing/lists", json!({ "name": name })).await;
            text = text.replace("{list}", &id(&made, "id"));
        }
        if text.contains("{job}") {
            let contacts = json!({ "contacts": [{ "email": "parent@example.com" }] });
            let made = make(school, "PUT", "marketing/contacts", contacts).await;
            text = text.replace("{job}", &id(&made, "job_id"));
        }
        if text.contains("{campaign}") {
            let campaign = json!({
                "name": name, "send_to": { "all": true },
                "email_config": {
                    "subject": "x", "html_content": "x", "sender_id": 1, "suppression_group_id": sendgrid::GROUP_ID,
                },
            });
            let made = make(school, "POST", "marketing/singlesends", campaign).await;
            text = text.replace("{campaign}", &id(&made, "id"));
        }
        if text.contains("{template}") {
            let made = json!({ "name": "Absence", "generation": "dynamic" });
            let template = id(&make(school, "POST", "templates", made).await, "id");
            let version = json!({
                "name": "First", "subject": "{{student}}", "html_content": "<p>{{student}}</p>", "active": 1,
            });
            let made = make(school, "POST", &format!("templates/{template}/versions"), version).await;
            text = text.replace("{template}", &template).replace("{version}", &id(&made, "id"));
            if operation == "sendNotification" {
                let Value::Object(config) = settings(&school.sandbox, &template) else { unreachable!() };
                let change = sis_integrations::ConfigChange {
                    enabled: Some(true),
                    config: Some(config),
                    expected_version: None,
                };
                school.tenant.configure_json(&school.admin, "sendgrid", change).await.unwrap();
            }
        }
        text
    })
}
