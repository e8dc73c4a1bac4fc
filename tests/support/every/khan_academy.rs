use serde_json::{Value, json};

use sandbox::Sandbox;

use super::{Vendor, nothing_to_fill};

const KEY: &str = sandbox::khan_academy::API_KEY;

pub const VENDOR: Vendor = Vendor {
    id: "khan_academy",
    config,
    secrets: &[KEY],
    arguments,
    fill: nothing_to_fill,
    faults: |sandbox| sandbox.khan_academy().faults(),
    recorder: |sandbox| sandbox.khan_academy().recorder(),
    silent: &[],
    contract: false,
};

fn config(sandbox: &Sandbox) -> Value {
    json!({ "api_key": KEY, "base_url": sandbox.url("khan_academy") })
}

fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "getStatus" => json!({}),
        _ => return None,
    })
}
