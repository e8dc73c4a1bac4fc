//! What our requests say on the wire, against the vendors' own OpenAPI documents.
//!
//! The documents are looked for in the folder named by `SIS_CONTRACTS`. Without it each test is reported as ignored, by
//! its name: nothing has been checked then.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::path::{Path, PathBuf};

use every::{School, builder, operations, vendor};
use libtest_mimic::{Arguments, Failed, Trial};
use sandbox::contract::{Contract, FOLDER_VARIABLE};
use serde_json::{Value, json};
use sis_integrations::{
    providers::{WebhookEvent, stripe::StripeEvent},
    storage::MemoryStorage,
};

/// Paths of vendors whose documents leave them out, with `*` for a segment: air quality, and the geocoder that shares the
/// weather's look-alike; where Google tells about tokens (the document has the token in the address) and takes batches,
/// what copies and uploads answer as their own address, and what was not cut.
const NOT_IN_A_DOCUMENT: &[(&str, &str)] = &[
    ("weather", "/data/2.5/air_pollution/history"),
    ("weather", "/data/2.5/air_pollution/forecast"),
    ("weather", "/v1/air-quality"),
    ("weather", "/geocoder/locations/onelineaddress"),
    ("google_workspace", "/oauth2/v2/tokeninfo"),
    ("google_workspace", "/batch"),
    ("google_workspace", "/batch/drive/v3"),
    ("google_workspace", "/batch/calendar/v3"),
    ("google_workspace", "/v1/courses/*/announcements/*"),
    ("google_workspace", "/gmail/v1/users/me/drafts/*"),
    ("google_workspace", "/gmail/v1/users/me/messages/*/attachments/*"),
    ("google_workspace", "/gmail/v1/users/me/messages/*/modify"),
    ("google_workspace", "/v2/conferenceRecords/*/participants/*/participantSessions"),
    ("google_workspace", "/v2/conferenceRecords/*/recordings"),
    ("google_workspace", "/v2/conferenceRecords/*/transcripts"),
    ("google_workspace", "/admin/directory/v1/groups/*/members/*"),
    ("google_workspace", "/admin/directory/v1/customer/*/orgunits/*"),
    ("microsoft365", "/_monitor/*"),
    ("microsoft365", "/_content/*"),
    ("microsoft365", "/v1.0/drives/*/items/*:/*"),
    ("microsoft365", "/v1.0/drives/*/items/*/copy"),
    ("microsoft365", "/v1.0/drives/*/root/*"),
    ("microsoft365", "/v1.0/drives/*/root:/*"),
    ("microsoft365", "/v1.0/education/classes/*/assignments/*"),
    ("microsoft365", "/v1.0/education/classes/*/assignments/*/submissions/*"),
    ("microsoft365", "/v1.0/education/classes/*/assignments/*/submissions/*/outcomes"),
    ("microsoft365", "/v1.0/education/classes/*/assignments/*/submissions/*/outcomes/*"),
    ("microsoft365", "/v1.0/education/classes/*/assignments/*/submissions/*/reassign"),
    ("microsoft365", "/v1.0/education/classes/*/assignments/*/submissions/*/return"),
    ("microsoft365", "/v1.0/education/classes/*/members/*/$ref"),
    ("microsoft365", "/v1.0/education/classes/*/teachers/$ref"),
    ("microsoft365", "/v1.0/groups/*/members/$ref"),
    ("microsoft365", "/v1.0/groups/*/members/*/$ref"),
    ("microsoft365", "/v1.0/sites/*/lists/*"),
    ("microsoft365", "/v1.0/sites/*/lists/*/items/*/fields"),
    ("microsoft365", "/v1.0/teams/*/archive"),
    ("microsoft365", "/v1.0/teams/*/members/*"),
    ("microsoft365", "/v1.0/users/*/calendars"),
    ("microsoft365", "/v1.0/users/*/events/*/cancel"),
    ("microsoft365", "/v1.0/users/*/mailFolders"),
    ("microsoft365", "/v1.0/users/*/mailFolders/*/messages"),
    ("microsoft365", "/v1.0/users/*/messages/*"),
];

/// Methods that the documents leave out of a path that they have. The document has an upload take bytes of no kind, and
/// nothing about names that are taken; the page has both.
/// <https://learn.microsoft.com/graph/api/driveitem-put-content>
const METHOD_NOT_IN_A_DOCUMENT: &[(&str, &str, &str)] = &[
    ("google_workspace", "GET", "/gmail/v1/users/me/drafts"),
    ("google_workspace", "DELETE", "/admin/directory/v1/users/*"),
    ("google_workspace", "POST", "/admin/directory/v1/groups"),
    ("google_workspace", "POST", "/admin/directory/v1/groups/*/members"),
    ("google_workspace", "POST", "/admin/directory/v1/customer/*/orgunits"),
    ("microsoft365", "PUT", "/v1.0/drives/*/root:/*/content"),
    ("microsoft365", "PATCH", "/v1.0/education/classes/*"),
    ("microsoft365", "DELETE", "/v1.0/education/classes/*"),
    ("microsoft365", "PATCH", "/v1.0/groups/*"),
    ("microsoft365", "POST", "/v1.0/sites/*/lists/*/items"),
];

/// Whether a path, or the beginning of one, is that of a pattern, and what comes after it.
fn fits<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    let mut rest = path;
    for part in pattern.split('/').skip(1) {
        rest = rest.strip_prefix('/')?;
        let end = rest.find('/').unwrap_or(rest.len());
        let same = match part {
            "*" => true,
            "*:" => rest[..end].ends_with(':'),
            part => part == &rest[..end],
        };
        if !same {
            return None;
        }
        rest = &rest[end..];
    }
    Some(rest)
}

fn is_left_out(provider: &str, method: &str, path: &str) -> bool {
    NOT_IN_A_DOCUMENT.iter().any(|(whose, pattern)| *whose == provider && fits(pattern, path) == Some(""))
        || METHOD_NOT_IN_A_DOCUMENT
            .iter()
            .any(|(whose, which, pattern)| *whose == provider && *which == method && fits(pattern, path) == Some(""))
}

/// Graph knows a drive by who has it and by its id; the document has the operations of the second.
/// <https://learn.microsoft.com/graph/api/resources/drive>
fn as_documented(provider: &str, path: &str) -> String {
    let owners = ["/v1.0/users/*/drive", "/v1.0/groups/*/drive", "/v1.0/sites/*/drive"];
    let rest = owners.iter().filter(|_| provider == "microsoft365").find_map(|owner| fits(owner, path));
    match rest.filter(|rest| !rest.is_empty()) {
        Some(rest) => format!("/v1.0/drives/a-drive{rest}"),
        None => path.to_owned(),
    }
}

fn main() {
    let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let mut trials: Vec<Trial> = operations()
        .into_iter()
        .filter(|(provider, operation)| vendor(provider).contract && !vendor(provider).silent.contains(operation))
        .map(|(provider, operation)| {
            trial(&format!("{provider}_{operation}"), folder.as_deref(), move |folder| {
                check(folder, provider, operation)
            })
        })
        .collect();
    trials.push(trial("stripe_events", folder.as_deref(), stripe_events));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: &str, folder: Option<&Path>, check: impl FnOnce(&Path) -> Result<(), Failed> + Send + 'static) -> Trial {
    match folder.map(Path::to_owned) {
        Some(folder) => Trial::test(name, move || check(&folder)),
        None => Trial::test(name, || Err(format!("{FOLDER_VARIABLE} is not set").into()))
            .with_kind(format!("{FOLDER_VARIABLE} is not set"))
            .with_ignored_flag(true),
    }
}

/// Reads Stripe's own example of each object that its events bring, through the event's type.
fn stripe_events(folder: &Path) -> Result<(), Failed> {
    let examples: Value = serde_json::from_slice(&std::fs::read(folder.join("stripe/fixtures3.cut.json"))?)?;
    for (kind, variant) in StripeEvent::KINDS {
        let name = match kind.rsplit_once('.') {
            Some(("charge.dispute", _)) => "dispute",
            Some(("charge.refund", _)) => "refund",
            Some(("customer.subscription", _)) => "subscription",
            Some((name, _)) => name,
            None => kind,
        };
        let object = &examples["resources"][name];
        let data = json!({ "type": kind, "data": { "object": object } });
        let read = WebhookEvent::new("evt_1", *kind, data).typed::<StripeEvent>();
        let read = read.map_err(|error| format!("{kind}: {error}"))?;
        if !format!("{read:?}").starts_with(&format!("{variant}(")) {
            return Err(format!("{kind} became {read:?}").into());
        }
    }
    Ok(())
}

/// Makes the call, and checks each request that left, and each answer, against the contract.
fn check(folder: &Path, provider: &str, operation: &str) -> Result<(), Failed> {
    let contract = Contract::load(folder, provider)?.with(folder, "oauth")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let school = School::open(builder().storage(MemoryStorage::new())).await;
        let arguments = school.filled(provider, operation).await;
        school.tenant.execute(&school.admin, provider, operation, arguments).await?;
        let mut exchanges = (vendor(provider).recorder)(&school.sandbox).exchanges();
        if exchanges.is_empty() {
            return Err("nothing was sent".into());
        }
        exchanges.iter_mut().for_each(|exchange| exchange.path = as_documented(provider, &exchange.path));
        exchanges.retain(|exchange| !is_left_out(provider, &exchange.method, &exchange.path));
        let mut wrong = Vec::new();
        for exchange in &exchanges {
            if let Err(violations) = contract.check_exchange(exchange) {
                wrong.push(format!("{} {}: {}", exchange.method, exchange.path, violations.join("; ")));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
    })
}
