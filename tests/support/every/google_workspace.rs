mod calendar;
mod classroom;
mod directory;
mod files;
mod mail;
mod meet;
mod watch;

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::future::BoxFuture;
use sandbox::{Sandbox, google_workspace as google};
use serde_json::{Map, Value, json};
use sis_integrations::{ConfigChange, providers};

use super::{School, Vendor};

/// A line of the service account's key.
const PRIVATE_KEY: &str = "MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQCveIfvSGgTcq1g";

pub const VENDOR: Vendor = Vendor {
    id: "google_workspace",
    config,
    secrets: &[
        google::SERVICE_ACCOUNT_KEY,
        PRIVATE_KEY,
        google::CLIENT_SECRET,
        google::REFRESH_TOKEN,
        directory::PASSWORD,
    ],
    arguments,
    fill: |school, operation, text| Box::pin(fill(school, operation, text)) as BoxFuture<'_, String>,
    faults: |sandbox| sandbox.google_workspace().faults(),
    recorder: |sandbox| sandbox.google_workspace().recorder(),
    silent: &[],
    contract: true,
    undocumented: UNDOCUMENTED,
    aliases: &[],
};

/// Telling about a token (the document has the token in the address), batches, and what the documents were cut without.
const UNDOCUMENTED: &[&str] = &[
    "* /oauth2/v2/tokeninfo",
    "* /batch",
    "* /batch/drive/v3",
    "* /batch/calendar/v3",
    "* /v1/courses/*/announcements/*",
    "* /gmail/v1/users/me/drafts/*",
    "* /gmail/v1/users/me/messages/*/attachments/*",
    "* /gmail/v1/users/me/messages/*/modify",
    "* /v2/conferenceRecords/*/participants/*/participantSessions",
    "* /v2/conferenceRecords/*/recordings",
    "* /v2/conferenceRecords/*/transcripts",
    "* /admin/directory/v1/groups/*/members/*",
    "* /admin/directory/v1/customer/*/orgunits/*",
    "GET /gmail/v1/users/me/drafts",
    "DELETE /admin/directory/v1/users/*",
    "POST /admin/directory/v1/groups",
    "POST /admin/directory/v1/groups/*/members",
    "POST /admin/directory/v1/customer/*/orgunits",
];

/// A service account, for some operations are a student's and not the administrator's. The school has allowed it every
/// scope that an operation may ask for: it asks for the narrowest, and that must be enough.
fn config(sandbox: &Sandbox) -> Value {
    let operations = providers::all().into_iter().filter(|provider| provider.info.id == VENDOR.id);
    let scopes = operations.flat_map(|provider| provider.operations).flat_map(|operation| operation.scopes.concat());
    sandbox.google_workspace().delegate(&scopes.chain(["openid"]).collect::<Vec<_>>());
    json!({
        "service_account_key": google::SERVICE_ACCOUNT_KEY,
        "subject": google::ADMIN,
        "base_url": sandbox.url("google_workspace"),
    })
}

/// Gives a school the settings that the operation needs. Only one of them needs a person's consent.
async fn configure(school: &School, operation: &str) {
    static CONSENTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let which = school.sandbox.url("google_workspace").to_string();
    let consent = operation == "watchClassroom";
    let changed = {
        let mut schools = CONSENTED.lock().unwrap();
        if consent { schools.insert(which) } else { schools.remove(&which) }
    };
    if changed {
        let change =
            ConfigChange { enabled: Some(true), config: Some(settings(school, consent)), expected_version: None };
        school.tenant.configure_json(&school.admin, "google_workspace", change).await.unwrap();
    }
}

/// The settings of a person's consent, or those of the service account; the others are taken away.
fn settings(school: &School, consent: bool) -> Map<String, Value> {
    let named = [
        ("service_account_key", google::SERVICE_ACCOUNT_KEY, false),
        ("subject", google::ADMIN, false),
        ("client_id", google::CLIENT_ID, true),
        ("client_secret", google::CLIENT_SECRET, true),
        ("refresh_token", google::REFRESH_TOKEN, true),
    ];
    let value = |text: &str, of: bool| if of == consent { json!(text) } else { Value::Null };
    let base = ("base_url".to_owned(), json!(school.sandbox.url("google_workspace")));
    named.into_iter().map(|(name, text, of)| (name.to_owned(), value(text, of))).chain([base]).collect()
}

/// A number that nobody has had yet.
fn new() -> u64 {
    static NEW: AtomicU64 = AtomicU64::new(1);
    NEW.fetch_add(1, Ordering::Relaxed)
}

fn arguments(operation: &str) -> Option<Value> {
    match operation {
        "checkConnection" => Some(json!({})),
        _ => files::arguments(operation)
            .or_else(|| calendar::arguments(operation))
            .or_else(|| mail::arguments(operation))
            .or_else(|| classroom::arguments(operation))
            .or_else(|| meet::arguments(operation))
            .or_else(|| directory::arguments(operation))
            .or_else(|| watch::arguments(operation)),
    }
}

/// Makes what the marks of the text stand for; what one needs itself is made on the way.
async fn fill(school: &School, operation: &str, mut text: String) -> String {
    configure(school, operation).await;
    let marked = |text: &str, marks: &[&'static str]| marks.iter().copied().find(|mark| text.contains(mark));
    while let Some(mark) = marked(&text, files::MARKS) {
        files::make(school, mark, &mut text).await;
    }
    while let Some(mark) = marked(&text, watch::MARKS) {
        watch::make(school, mark, &mut text).await;
    }
    while let Some(mark) = marked(&text, calendar::MARKS) {
        calendar::make(school, mark, &mut text).await;
    }
    while let Some(mark) = marked(&text, mail::MARKS) {
        mail::make(school, mark, &mut text).await;
    }
    while let Some(mark) = marked(&text, classroom::MARKS) {
        classroom::make(school, mark, &mut text).await;
    }
    while let Some(mark) = marked(&text, meet::MARKS) {
        meet::make(school, mark, &mut text).await;
    }
    while let Some(mark) = marked(&text, directory::MARKS) {
        directory::make(school, mark, &mut text).await;
    }
    text
}
