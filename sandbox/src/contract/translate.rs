//! Turns a document's schemas into JSON Schema 2020-12 and closes those that name their fields.

use serde_json::{Map, Value, json};

use super::document::resolve;

/// Keywords that hold one schema each, and whether a value of its own stands there.
const SINGLE: &[(&str, bool)] = &[("items", true), ("additionalProperties", true), ("not", false)];
/// Keywords that hold schemas by name.
const NAMED: &[&str] = &["properties", "patternProperties"];
/// Keywords that hold parts of one schema.
const PARTS: &[&str] = &["allOf", "anyOf", "oneOf"];

/// Translates in place. Only schemas are touched: an example may look like one.
pub(super) fn translate(root: &mut Value) {
    let original = root.clone();
    let translator = Translator { original: &original };
    for item in members(root, "paths") {
        translator.parameters(item);
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            translator.parameters(operation);
            if let Some(body) = operation.get_mut("requestBody") {
                translator.content(body);
            }
            members(operation, "responses").for_each(|response| translator.content(response));
        }
    }
    let Some(components) = root.get_mut("components") else { return };
    members(components, "schemas").for_each(|schema| translator.schema(schema, false));
    members(components, "requestBodies").for_each(|body| translator.content(body));
    members(components, "responses").for_each(|response| translator.content(response));
    members(components, "parameters").for_each(|parameter| translator.inner(parameter));
}

fn members<'v>(value: &'v mut Value, key: &str) -> impl Iterator<Item = &'v mut Value> {
    value.get_mut(key).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

struct Translator<'d> {
    original: &'d Value,
}

impl Translator<'_> {
    fn parameters(&self, holder: &mut Value) {
        let parameters = holder.get_mut("parameters").and_then(Value::as_array_mut);
        parameters.into_iter().flatten().for_each(|parameter| self.inner(parameter));
    }

    fn content(&self, holder: &mut Value) {
        members(holder, "content").for_each(|media| self.inner(media));
    }

    fn inner(&self, holder: &mut Value) {
        if let Some(schema) = holder.get_mut("schema") {
            self.schema(schema, false);
        }
    }

    /// `closes` where a value of its own stands. A part of a combination must stay open, since it cannot see the fields
    /// that the other parts name; and what may be such a part is closed where it is used.
    fn schema(&self, schema: &mut Value, closes: bool) {
        let names_fields = closes && names_its_fields(self.original, schema, 0);
        let Some(keywords) = schema.as_object_mut() else { return };
        for name in NAMED {
            let properties = keywords.get_mut(*name).and_then(Value::as_object_mut);
            properties.into_iter().flat_map(Map::values_mut).for_each(|property| self.schema(property, true));
        }
        for (name, closes) in SINGLE {
            if let Some(inner) = keywords.get_mut(*name) {
                self.schema(inner, *closes);
            }
        }
        for name in PARTS {
            let Some(parts) = keywords.get_mut(*name).and_then(Value::as_array_mut) else { continue };
            let named: Vec<Vec<String>> = parts.iter().map(|part| self.fields(part)).collect();
            for (index, part) in parts.iter_mut().enumerate() {
                // Parts that all hold may each say a part of the same field.
                let others = named.iter().enumerate().filter(|(other, _)| *name == "allOf" && *other != index);
                let shared: Vec<&String> = others.flat_map(|(_, names)| names).collect();
                self.part(part, &shared);
            }
        }
        modernise(keywords);
        if names_fields {
            keywords.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
        }
        if keywords.remove("nullable") == Some(Value::Bool(true)) {
            allow_null(schema);
        }
    }

    /// The fields that a part of a combination lists.
    fn fields(&self, part: &Value) -> Vec<String> {
        let (part, _) = resolve(self.original, part, String::new());
        let properties = part.get("properties").and_then(Value::as_object);
        properties.into_iter().flat_map(Map::keys).cloned().collect()
    }

    /// A part of a combination; what stands in a field that other parts list too stays open like the part itself.
    fn part(&self, part: &mut Value, shared: &[&String]) {
        let mut apart = Vec::new();
        if let Some(properties) = part.get_mut("properties").and_then(Value::as_object_mut) {
            for name in shared {
                if let Some(field) = properties.shift_remove(*name) {
                    apart.push(((*name).clone(), field));
                }
            }
        }
        self.schema(part, false);
        for (name, mut field) in apart {
            match field.get_mut("items") {
                Some(items) => self.schema(items, false),
                None => self.schema(&mut field, false),
            }
            if let Some(properties) = part.get_mut("properties").and_then(Value::as_object_mut) {
                properties.insert(name, field);
            }
        }
    }
}

/// Replaces what OpenAPI 3.0 says differently from JSON Schema.
fn modernise(keywords: &mut Map<String, Value>) {
    for (limit, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        match keywords.get(exclusive) {
            Some(Value::Bool(true)) => {
                let bound = keywords.remove(limit).unwrap_or(Value::Null);
                keywords.insert(exclusive.to_owned(), bound);
            }
            Some(Value::Bool(false)) => drop(keywords.remove(exclusive)),
            _ => {}
        }
    }
    if keywords.get("required").is_some_and(Value::is_boolean) {
        keywords.remove("required");
    }
    // Vendors call relative links URIs too.
    if keywords.get("format").and_then(Value::as_str) == Some("uri") {
        keywords.insert("format".to_owned(), "uri-reference".into());
    }
}

fn allow_null(schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else { return };
    let restricts = keywords.keys().any(|key| PARTS.contains(&key.as_str()) || key == "$ref" || key == "enum");
    match keywords.get_mut("type") {
        Some(Value::String(kind)) => {
            let kinds = json!([kind, "null"]);
            keywords.insert("type".to_owned(), kinds);
            if let Some(values) = keywords.get_mut("enum").and_then(Value::as_array_mut)
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
        }
        // Without keywords that restrict, null is allowed already.
        None if !restricts => {}
        Some(Value::Array(kinds)) if !kinds.contains(&Value::from("null")) => kinds.push("null".into()),
        Some(_) => {}
        None => {
            let whole = schema.take();
            *schema = json!({ "anyOf": [whole, { "type": "null" }] });
        }
    }
}

/// Whether a schema lists the fields of an object and leaves no door open for others.
pub(super) fn names_its_fields(root: &Value, schema: &Value, depth: usize) -> bool {
    // Schemas nest in circles; so deep, nothing is listed that has not been seen.
    if depth > 8 {
        return false;
    }
    let (schema, _) = resolve(root, schema, String::new());
    let open = |schema: &Value| {
        schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false))
            || schema.get("patternProperties").is_some()
    };
    if open(schema) || schema.get("type").is_some_and(|kind| kind == "array") {
        return false;
    }
    let listed = schema.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty());
    let parts = || PARTS.iter().filter_map(|name| schema.get(*name)?.as_array()).flatten();
    let part_open = parts().any(|part| {
        let (part, _) = resolve(root, part, String::new());
        let holds_anything = part.get("type").is_some_and(|kind| kind == "object")
            && part.get("properties").is_none()
            && PARTS.iter().all(|name| part.get(*name).is_none());
        open(part) || holds_anything
    });
    !part_open && (listed || parts().any(|part| names_its_fields(root, part, depth + 1)))
}
