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
use sis_integrations::storage::MemoryStorage;

/// Paths of vendors whose documents leave them out, with `*` for a segment: air quality, and the geocoder that shares the
/// weather's look-alike; where Google gives out tokens and takes batches, and what of Google's was not cut.
const NOT_IN_A_DOCUMENT: &[(&str, &str)] = &[
    ("weather", "/data/2.5/air_pollution/history"),
    ("weather", "/data/2.5/air_pollution/forecast"),
    ("weather", "/v1/air-quality"),
    ("weather", "/geocoder/locations/onelineaddress"),
    ("google_workspace", "/token"),
    ("google_workspace", "/batch"),
    ("google_workspace", "/v1/courses/*/announcements/*"),
    ("google_workspace", "/gmail/v1/users/me/drafts/*"),
    ("google_workspace", "/gmail/v1/users/me/messages/*/attachments/*"),
    ("google_workspace", "/gmail/v1/users/me/messages/*/modify"),
    ("google_workspace", "/v2/conferenceRecords/*/participants/*/participantSessions"),
    ("google_workspace", "/v2/conferenceRecords/*/recordings"),
    ("google_workspace", "/v2/conferenceRecords/*/transcripts"),
    ("google_workspace", "/admin/directory/v1/groups/*/members/*"),
    ("google_workspace", "/admin/directory/v1/customer/*/orgunits/*"),
];

/// Methods that the documents leave out of a path that they have.
const METHOD_NOT_IN_A_DOCUMENT: &[(&str, &str, &str)] = &[
    ("google_workspace", "GET", "/gmail/v1/users/me/drafts"),
    ("google_workspace", "DELETE", "/admin/directory/v1/users/*"),
    ("google_workspace", "POST", "/admin/directory/v1/groups"),
    ("google_workspace", "POST", "/admin/directory/v1/groups/*/members"),
    ("google_workspace", "POST", "/admin/directory/v1/customer/*/orgunits"),
];

fn is_left_out(provider: &str, method: &str, path: &str) -> bool {
    let fits = |pattern: &str| {
        let (pattern, path) = (pattern.split('/'), path.split('/'));
        pattern.clone().count() == path.clone().count()
            && pattern.zip(path).all(|(one, other)| one == "*" || one == other)
    };
    NOT_IN_A_DOCUMENT.iter().any(|(whose, pattern)| *whose == provider && fits(pattern))
        || METHOD_NOT_IN_A_DOCUMENT
            .iter()
            .any(|(whose, which, pattern)| *whose == provider && *which == method && fits(pattern))
}

fn main() {
    let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let trials = operations()
        .into_iter()
        .filter(|(provider, operation)| vendor(provider).contract && !vendor(provider).silent.contains(operation))
        .map(|(provider, operation)| {
            let name = format!("{provider}_{operation}");
            match folder.clone() {
                Some(folder) => Trial::test(name, move || check(&folder, provider, operation)),
                None => Trial::test(name, || Err(format!("{FOLDER_VARIABLE} is not set").into()))
                    .with_kind(format!("{FOLDER_VARIABLE} is not set"))
                    .with_ignored_flag(true),
            }
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Makes the call, and checks each request that left, and each answer, against the contract.
fn check(folder: &Path, provider: &str, operation: &str) -> Result<(), Failed> {
    let contract = Contract::load(folder, provider)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let school = School::open(builder().storage(MemoryStorage::new())).await;
        let arguments = school.filled(provider, operation).await;
        school.tenant.execute(&school.admin, provider, operation, arguments).await?;
        let mut exchanges = (vendor(provider).recorder)(&school.sandbox).exchanges();
        if exchanges.is_empty() {
            return Err("nothing was sent".into());
        }
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
