//! What a Google discovery document knows and the OpenAPI document made from it does not: the parameters that every
//! operation of the product takes.

use serde_json::{Value, json};

/// The product and version that a file describes: `drive.v3` for `drive.v3.cut.json` and `drive.v3.openapi.json`.
pub(super) fn product(file: &str) -> &str {
    let end = file.match_indices('.').nth(1).map_or(file.len(), |(at, _)| at);
    file.get(..end).unwrap_or(file)
}

/// The shared parameters of a discovery document, as OpenAPI writes them; none for any other document.
pub(super) fn parameters(root: &Value) -> Option<Vec<Value>> {
    if root.get("kind")?.as_str()? != "discovery#restDescription" {
        return None;
    }
    let parameter = |(name, given): (&String, &Value)| {
        let mut schema = json!({});
        for keyword in ["type", "enum", "format", "pattern"] {
            if let Some(value) = given.get(keyword) {
                schema[keyword] = value.clone();
            }
        }
        json!({ "name": name, "in": given["location"], "schema": schema })
    };
    Some(root.get("parameters")?.as_object()?.iter().map(parameter).collect())
}

/// Declares the parameters on every path. One that an operation declares itself goes before.
pub(super) fn share(root: &mut Value, parameters: &[Value]) {
    let paths = root.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(serde_json::Map::values_mut) {
        let Some(item) = item.as_object_mut() else { continue };
        let held = item.entry("parameters").or_insert_with(|| json!([]));
        if let Some(held) = held.as_array_mut() {
            held.extend_from_slice(parameters);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parameters, product, share};

    #[test]
    fn files_of_one_product_belong_together() {
        assert_eq!(product("drive.v3.cut.json"), product("drive.v3.openapi.json"));
        assert_eq!(product("admin.directory_v1.openapi.json"), "admin.directory_v1");
        assert_eq!(product("plain"), "plain");
    }

    #[test]
    fn shared_parameters_reach_every_path() {
        let discovery = json!({
            "kind": "discovery#restDescription",
            "parameters": { "alt": { "type": "string", "enum": ["json"], "location": "query", "default": "json" } },
        });
        let shared = parameters(&discovery).unwrap();
        assert_eq!(shared, [json!({ "name": "alt", "in": "query", "schema": { "type": "string", "enum": ["json"] } })]);
        let mut root = json!({ "paths": { "/a": { "get": {} }, "/b": { "parameters": [{ "name": "x" }] } } });
        share(&mut root, &shared);
        assert_eq!(root["paths"]["/a"]["parameters"], json!(shared));
        assert_eq!(root["paths"]["/b"]["parameters"][1]["name"], "alt");
        assert_eq!(parameters(&json!({ "openapi": "3.1.0", "parameters": {} })), None);
    }
}
