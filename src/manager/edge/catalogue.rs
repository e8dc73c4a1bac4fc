//! What there is to call, as JSON: for hosts that show it, and for those that make their own classes of it.

use serde_json::{Value, json};

use crate::{manager::IntegrationManager, providers::ProviderSpec};

/// A provider and the names of its operations.
pub(super) fn listed(manager: &IntegrationManager, spec: &ProviderSpec) -> Value {
    let operations: Vec<_> = spec.operations.iter().map(|operation| operation.name).collect();
    let defaults = manager.has_default_config(spec.info.id);
    json!({ "provider": spec.info.id, "name": spec.info.name, "hasDefaultConfig": defaults, "operations": operations })
}

/// A provider with its settings and operations, each with its schema.
pub(crate) fn described(spec: &ProviderSpec) -> Value {
    let operations = spec.operations.iter().map(|operation| {
        json!({
            "name": operation.name,
            "access": operation.access.name(),
            "urgent": operation.urgent,
            "arguments": (operation.input_schema)(),
            "answer": (operation.output_schema)(),
        })
    });
    json!({
        "provider": spec.info.id,
        "name": spec.info.name,
        "recipient": spec.info.recipient,
        "purpose": spec.info.purpose,
        "docs": spec.info.docs,
        "config": (spec.config_schema)(),
        "operations": operations.collect::<Vec<_>>(),
    })
}
