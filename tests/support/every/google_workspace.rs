use serde_json::{Value, json};

use sandbox::Sandbox;

use super::{Vendor, nothing_to_fill};

const KEY: &str = sandbox::google_workspace::API_KEY;

pub const VENDOR: Vendor = Vendor {
    id: "google_workspace",
    config,
    secrets: &[KEY],
    arguments,
    fill: nothing_to_fill,
    faults: |sandbox| sandbox.google_workspace().faults(),
    recorder: |sandbox| sandbox.google_workspace().recorder(),
    silent: &[],
    contract: false,
};

fn config(sandbox: &Sandbox) -> Value {
    json!({ "api_key": KEY, "base_url": sandbox.url("google_workspace") })
}

fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "getStatus" => json!({}),
        _ => return None,
    })
}
