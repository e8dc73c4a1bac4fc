//! What our requests say on the wire, against the vendors' own OpenAPI documents.
//!
//! The documents are looked for in the folder named by `SIS_CONTRACTS`. Without it each test is reported as ignored, by
//! its name: nothing has been checked then.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::path::{Path, PathBuf};

use every::{
    School, builder,
    documents::{as_documented, is_left_out},
    operations, vendor,
};
use libtest_mimic::{Arguments, Failed, Trial};
use sandbox::contract::{Contract, FOLDER_VARIABLE};
use serde_json::{Value, json};
use sis_integrations::{
    providers::{WebhookEvent, stripe::StripeEvent},
    storage::MemoryStorage,
};

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
