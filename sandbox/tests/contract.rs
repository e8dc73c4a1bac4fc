//! What the look-alikes say on the wire, against the vendors' own OpenAPI documents.
//!
//! The documents are looked for in the folder named by `SIS_CONTRACTS`. Without it every test here is reported as
//! ignored, by its name: nothing has been checked then.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{Client, PARENT, SCHOOL};
use libtest_mimic::{Arguments, Failed, Trial};
use sandbox::contract::{Contract, FOLDER_VARIABLE, vendors};
use sandbox::twilio::{ACCOUNT_SID, CallOutcome, NUMBERS, Outcome};
use serde_json::{Value, json};

fn main() {
    let arguments = Arguments::from_args();
    let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let mut trials = vec![
        twilio("twilio_messages", &folder, messages),
        twilio("twilio_calls", &folder, calls),
        twilio("twilio_content", &folder, content),
        twilio("twilio_services", &folder, services),
        twilio("twilio_account_lookups_and_prices", &folder, the_rest),
        trial("twilio_every_documented_operation_is_served", &folder, every_operation),
    ];
    match folder.as_deref().map(vendors) {
        Some(Ok(names)) => trials.extend(names.into_iter().map(|vendor| {
            let name = format!("{vendor}_documents_agree_with_their_own_examples");
            trial(&name, &folder, move |folder| examples(folder, &vendor))
        })),
        Some(Err(error)) => trials.push(Trial::test("folder_of_documents", move || Err(error.into()))),
        None => trials.push(trial("documents_agree_with_their_own_examples", &folder, |_| Ok(()))),
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test that needs the folder; ignored, and saying why, where there is none.
fn trial(
    name: &str,
    folder: &Option<PathBuf>,
    run: impl FnOnce(&Path) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match folder.clone() {
        Some(folder) => Trial::test(name, move || run(&folder)),
        None => Trial::test(name, || Err(format!("{FOLDER_VARIABLE} is not set").into()))
            .with_kind(format!("{FOLDER_VARIABLE} is not set"))
            .with_ignored_flag(true),
    }
}

/// Runs a conversation with the look-alike, then checks every exchange that was recorded.
fn twilio<F>(name: &str, folder: &Option<PathBuf>, conversation: F) -> Trial
where
    F: AsyncFnOnce(&Client) + Send + 'static,
{
    trial(name, folder, move |folder| {
        let contract = Contract::load(folder, "twilio")?;
        let client = converse(conversation)?;
        let exchanges = client.sandbox.twilio().requests();
        let violations: Vec<String> =
            exchanges.iter().filter_map(|exchange| contract.check_exchange(exchange).err()).flatten().collect();
        if exchanges.is_empty() || !violations.is_empty() {
            return Err(format!("{} exchanges: {}", exchanges.len(), violations.join("\n")).into());
        }
        Ok(())
    })
}

fn converse<F: AsyncFnOnce(&Client)>(conversation: F) -> Result<Client, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        let client = Client::start().await;
        client.sandbox.clock().freeze();
        conversation(&client).await;
        client
    }))
}

/// Vendors' examples that contradict their schemas beyond what the checker lets pass: vendor, part of the violation.
const VENDORS_MISTAKES: &[(&str, &str)] = &[
    // The example of a scheduled message lacks two fields that its schema requires of every message.
    ("slack", "/api/chat.scheduleMessage 200 example /message"),
];

fn examples(folder: &Path, vendor: &str) -> Result<(), Failed> {
    let contract = Contract::load(folder, vendor)?;
    let (count, mut violations) = contract.check_examples();
    violations.retain(|violation| !VENDORS_MISTAKES.iter().any(|(of, part)| *of == vendor && violation.contains(part)));
    match violations.len() {
        0 => Ok(()),
        failed => Err(format!("{failed} violations in {count} examples:\n{}", violations.join("\n")).into()),
    }
}

/// Every operation of the documents has been asked for and answered with a success by one of the conversations.
fn every_operation(folder: &Path) -> Result<(), Failed> {
    let contract = Contract::load(folder, "twilio")?;
    let mut missing: BTreeSet<String> =
        contract.operations().map(|(method, path)| format!("{method} {path}")).collect();
    let client = converse(async |client: &Client| {
        messages(client).await;
        calls(client).await;
        content(client).await;
        services(client).await;
        the_rest(client).await;
    })?;
    for exchange in client.sandbox.twilio().requests() {
        let status = exchange.response.as_ref().map_or(0, |response| response.status);
        if (200..400).contains(&status)
            && let Some((method, path)) = contract.operation(&exchange.method, &exchange.path)
        {
            missing.remove(&format!("{method} {path}"));
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("never answered: {missing:#?}").into()) }
}

async fn messages(client: &Client) {
    let twilio = client.sandbox.twilio();
    twilio.set_outcome("+14155550109", Outcome::Undelivered { code: 30003 });
    let (_, plain) = client.send(&[("To", PARENT), ("From", SCHOOL), ("Body", "x")]).await;
    let optional = [
        ("ValidityPeriod", "600"),
        ("MaxPrice", "0.05"),
        ("ContentRetention", "retain"),
        ("SmartEncoded", "true"),
        ("StatusCallback", "https://school.example/status"),
        ("MediaUrl", "https://school.example/a.png"),
        ("MediaUrl", "https://school.example/b.png"),
    ];
    client.send(&[&[("To", "+14155550109"), ("From", SCHOOL), ("Body", "ж")][..], &optional].concat()).await;
    client.send(&[("To", "whatsapp:+14155550100"), ("From", "whatsapp:+14155238886"), ("Body", "hi")]).await;
    let uri = plain["uri"].as_str().expect("a uri");
    for _ in 0..5 {
        client.get(uri).await;
        client.get(&client.path("/Messages.json")).await;
        client.sandbox.clock().advance(Duration::from_millis(200));
    }
    client.get(&client.path("/Messages.json?PageSize=1&To=%2B14155550100&DateSent%3E=2020-01-01T00:00:00Z")).await;
    let (_, page) = client.get(&client.path("/Messages.json?PageSize=1")).await;
    client.get(page["next_page_uri"].as_str().expect("a second page")).await;
    client.post(&uri.replace(".json", "/Feedback.json"), &[("Outcome", "confirmed")]).await;
    client.post(uri, &[("Body", "")]).await;
    client.delete(uri).await;
}

async fn calls(client: &Client) {
    let twilio = client.sandbox.twilio();
    twilio.set_call_outcome("+14155550101", CallOutcome::Busy);
    let form = [("From", SCHOOL), ("Url", "https://school.example/voice.xml"), ("MachineDetection", "Enable")];
    let (_, call) = client.post(&client.path("/Calls.json"), &[&[("To", PARENT)][..], &form].concat()).await;
    client.post(&client.path("/Calls.json"), &[&[("To", "+14155550101")][..], &form].concat()).await;
    let uri = call["uri"].as_str().expect("a uri");
    for _ in 0..4 {
        client.get(uri).await;
        client.get(&client.path("/Calls.json?Status=completed")).await;
        client.sandbox.clock().advance(Duration::from_millis(200));
    }
    let (_, ended) = client.post(&client.path("/Calls.json"), &[&[("To", PARENT)][..], &form].concat()).await;
    client.post(ended["uri"].as_str().expect("a uri"), &[("Status", "completed")]).await;
    client.delete(uri).await;
}

async fn content(client: &Client) {
    let template = json!({
        "friendly_name": "Absence",
        "language": "en",
        "variables": { "1": "Sam" },
        "types": { "twilio/text": { "body": "{{1}} is absent" } },
    });
    let (_, made) = client.post_json("/v1/Content", &template).await;
    let path = format!("/v1/Content/{}", made["sid"].as_str().expect("a sid"));
    client.get(&path).await;
    client.get("/v1/Content?PageSize=10").await;
    client.get(&format!("{path}/ApprovalRequests")).await;
    let request = client.http.put(client.at(&path)).json(&json!({ "types": template["types"] }));
    let put = request.basic_auth(ACCOUNT_SID, Some(sandbox::twilio::AUTH_TOKEN)).send().await.expect("an answer");
    assert_eq!(put.status(), 200);
    client.delete(&path).await;
}

async fn services(client: &Client) {
    let form = [("FriendlyName", "School"), ("StickySender", "false"), ("ValidityPeriod", "600")];
    let (_, service) = client.post("/v1/Services", &form).await;
    let path = format!("/v1/Services/{}", service["sid"].as_str().expect("a sid"));
    client.post(&path, &[("StatusCallback", "https://school.example/status")]).await;
    client.get(&path).await;
    client.get("/v1/Services").await;
    let (_, numbers) = client.get(&client.path("/IncomingPhoneNumbers.json?PageSize=1")).await;
    let number = numbers["incoming_phone_numbers"][0]["sid"].as_str().expect("a sid");
    client.post(&format!("{path}/PhoneNumbers"), &[("PhoneNumberSid", number)]).await;
    client.get(&format!("{path}/PhoneNumbers")).await;
    client.get(&format!("{path}/Compliance/Usa2p")).await;
    let (_, sent) = client
        .send(&[("To", PARENT), ("MessagingServiceSid", service["sid"].as_str().expect("a sid")), ("Body", "x")])
        .await;
    assert_eq!(sent["status"], "accepted");
    client.delete(&path).await;
}

async fn the_rest(client: &Client) {
    for path in [".json", "/Balance.json", "/IncomingPhoneNumbers.json", "/Usage/Records.json?Category=sms"] {
        assert_eq!(client.get(&client.path(path)).await.0, 200);
    }
    for path in [
        "/v2/PhoneNumbers/+14155550100?Fields=line_type_intelligence",
        "/v2/PhoneNumbers/+1415555?Fields=line_type_intelligence,caller_name",
        "/v1/Messaging/Countries?PageSize=2",
        "/v1/Messaging/Countries/US",
        "/v1/Voice/Countries",
        "/v1/Voice/Countries/GB",
        "/v1/Tollfree/Verifications",
    ] {
        assert_eq!(client.get(path).await.0, 200, "{path}");
    }
    let (status, moved): (u16, Value) = client.get("/v1/Deactivations?Date=2026-01-02").await;
    assert_eq!((status, moved["redirect_to"].is_string()), (307, true));
    assert_eq!(NUMBERS.len(), 3);
}
