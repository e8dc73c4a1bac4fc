use serde_json::{Value, json};

use sandbox::Sandbox;

use super::{Vendor, nothing_to_fill};

const KEY: &str = sandbox::weather::API_KEY;

pub const VENDOR: Vendor = Vendor {
    id: "weather",
    config,
    secrets: &[KEY],
    arguments,
    fill: nothing_to_fill,
    faults: |sandbox| sandbox.weather().faults(),
    recorder: |sandbox| sandbox.weather().recorder(),
    silent: &[],
    contract: true,
};

fn config(sandbox: &Sandbox) -> Value {
    json!({ "api_key": KEY, "base_url": sandbox.url("weather") })
}

fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "getStatus" => json!({}),
        _ => return None,
    })
}
