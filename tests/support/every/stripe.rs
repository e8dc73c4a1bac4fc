use serde_json::{Value, json};

use sandbox::Sandbox;

use super::{Vendor, nothing_to_fill};

const KEY: &str = sandbox::stripe::API_KEY;

pub const VENDOR: Vendor = Vendor {
    id: "stripe",
    config,
    secrets: &[KEY],
    arguments,
    fill: nothing_to_fill,
    faults: |sandbox| sandbox.stripe().faults(),
    recorder: |sandbox| sandbox.stripe().recorder(),
    silent: &[],
    contract: true,
};

fn config(sandbox: &Sandbox) -> Value {
    json!({ "api_key": KEY, "base_url": sandbox.url("stripe") })
}

fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "getStatus" => json!({}),
        _ => return None,
    })
}
