//! Runs every file of `tests/scenarios` in Rust: by name ([`edge::dispatch`]), typed, and over REST against a real server;
//! each over memory and SQLite.
//!
//! [`edge::dispatch`]: sis_integrations::manager::edge::dispatch

#[path = "scenarios/support/rest.rs"]
mod rest;
#[path = "scenarios/support/steps.rs"]
mod steps;
#[path = "scenarios/support/typed.rs"]
mod typed;

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;
use sis_integrations::{
    IntegrationManager, MasterKey,
    manager::edge,
    providers,
    storage::{MemoryStorage, SqliteStorage},
};

use rest::Rest;
use steps::{Outcome, Runner, run};
use typed::Typed;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// By name: what the bindings do.
struct Dynamic(IntegrationManager);

impl Runner for Dynamic {
    async fn call(&self, function: &str, request: Value) -> Outcome {
        edge::dispatch(&self.0, function, request).await.map_err(|error| error.to_json())
    }
}

enum Keeping {
    Memory,
    Sqlite,
}

#[derive(Clone, Copy)]
enum Road {
    Dynamic,
    Typed,
    Rest,
}

async fn check(road: Road, keeping: Keeping, file: &str) {
    let directory = tempfile::tempdir().unwrap();
    let builder = IntegrationManager::builder()
        .master_key(MasterKey::random())
        .providers(providers::all())
        .allow_private_addresses(true);
    let builder = match keeping {
        Keeping::Memory => builder.storage(MemoryStorage::new()),
        Keeping::Sqlite => builder.storage(SqliteStorage::open(directory.path().join("sis.db")).await.unwrap()),
    };
    let manager = builder.build().await.unwrap();
    let path = folder().join(file);
    match road {
        Road::Dynamic => run(&Dynamic(manager.clone()), &path).await,
        Road::Typed => run(&Typed(manager.clone()), &path).await,
        Road::Rest => run(&Rest::start(manager.clone()).await, &path).await,
    }
    manager.close(std::time::Duration::from_secs(5)).await.unwrap();
}

macro_rules! scenarios {
    ($($name:ident: $file:literal,)*) => {
        const FILES: &[&str] = &[$($file),*];
        scenarios! { @road dynamic, Road::Dynamic, $($name: $file,)* }
        scenarios! { @road typed_calls, Road::Typed, $($name: $file,)* }
        scenarios! { @road over_rest, Road::Rest, $($name: $file,)* }
    };
    (@road $road:ident, $which:expr, $($name:ident: $file:literal,)*) => {
        mod $road {
            use super::*;
            $(mod $name {
                use super::*;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn in_memory() {
                    check($which, Keeping::Memory, $file).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn in_sqlite() {
                    check($which, Keeping::Sqlite, $file).await;
                }
            })*
        }
    };
}

scenarios! {
    good_call: "01-good-call.json",
    refused_call: "02-refused-call.json",
    bad_argument: "03-bad-argument.json",
    stripe_payment: "stripe-payment.json",
    sendgrid_mail: "sendgrid-mail.json",
    weather_closure: "weather-closure.json",
    khan_academy_import: "khan_academy-import.json",
    google_workspace_document: "google_workspace-document.json",
    microsoft365_class: "microsoft365-class.json",
}

#[test]
fn no_file_of_the_folder_is_left_out() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.filter(|name| name.ends_with(".json")).collect();
    let run: BTreeSet<String> = FILES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(files, run, "name each file in scenarios! in tests/scenarios.rs");
}
