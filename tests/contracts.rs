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

/// Paths of vendors whose documents leave them out: air quality, and the geocoder that shares the weather's look-alike.
const NOT_IN_A_DOCUMENT: &[(&str, &str)] = &[
    ("weather", "/data/2.5/air_pollution/history"),
    ("weather", "/data/2.5/air_pollution/forecast"),
    ("weather", "/v1/air-quality"),
    ("weather", "/geocoder/locations/onelineaddress"),
];

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
        exchanges.retain(|exchange| !NOT_IN_A_DOCUMENT.contains(&(provider, exchange.path.as_str())));
        if exchanges.is_empty() {
            return Err("nothing was sent".into());
        }
        let mut wrong = Vec::new();
        for exchange in &exchanges {
            if let Err(violations) = contract.check_exchange(exchange) {
                wrong.push(format!("{} {}: {}", exchange.method, exchange.path, violations.join("; ")));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
    })
}
