use serde_json::{Value, json};

use sandbox::Sandbox;

use super::{Vendor, nothing_to_fill};

const KEY: &str = sandbox::microsoft365::API_KEY;

pub const VENDOR: Vendor = Vendor {
    id: "microsoft365",
    config,
    secrets: &[KEY],
    arguments,
    fill: nothing_to_fill,
    faults: |sandbox| sandbox.microsoft365().faults(),
    recorder: |sandbox| sandbox.microsoft365().recorder(),
    silent: &[],
    contract: false,
};

fn config(sandbox: &Sandbox) -> Value {
    json!({ "api_key": KEY, "base_url": sandbox.url("microsoft365") })
}

fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "getStatus" => json!({}),
        _ => return None,
    })
}
