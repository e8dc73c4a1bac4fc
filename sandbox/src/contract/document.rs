//! One OpenAPI document, made into JSON Schema once and looked things up in.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Registry, Resource, ValidationError, Validator};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::coerce::{self, Node};
use super::formats::FORMATS;
use super::path::{Found, Template};
use super::translate::{names_its_fields, translate};

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// A document and the validators that were needed so far.
pub(super) struct Document {
    name: String,
    /// The document with its schemas translated; what is looked up is looked up here.
    root: Value,
    uri: String,
    registry: Registry<'static>,
    operations: Vec<Operation>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A method on a path.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    /// The path as the document writes it, behind the server's own path.
    pub(super) template: String,
    pub(super) path: Template,
    /// The path's key in the document.
    key: String,
}

/// A parameter, found and resolved.
#[derive(Debug)]
pub(super) struct Parameter<'d> {
    pub(super) name: &'d str,
    pub(super) required: bool,
    schema: &'d Value,
    pointer: String,
    /// Whether a list is written as repeated names; with commas otherwise.
    explode: bool,
}

/// A request body or an answer: content by media type.
#[derive(Debug)]
pub(super) struct Content<'d> {
    pub(super) required: bool,
    types: Vec<Media<'d>>,
}

/// One media type of a content.
#[derive(Debug)]
pub(super) struct Media<'d> {
    name: &'d str,
    value: &'d Value,
    pointer: String,
}

impl Content<'_> {
    pub(super) fn media(&self, part: &str) -> Option<&Media<'_>> {
        self.types
            .iter()
            .find(|media| media.name.contains(part))
            .or_else(|| self.types.iter().find(|m| m.name == "*/*"))
    }

    pub(super) fn takes(&self, essence: &str) -> bool {
        self.types.iter().any(|media| media.name == "*/*" || media.name.eq_ignore_ascii_case(essence))
    }
}

impl Document {
    pub(super) fn new(name: String, mut root: Value) -> Result<Self, String> {
        translate(&mut root);
        let uri = "contract:///document".to_owned();
        let resource = Resource::from_contents(root.clone());
        let registry = Registry::new()
            .draft(Draft::Draft202012)
            .add(uri.as_str(), resource)
            .and_then(|builder| builder.prepare())
            .map_err(|error| format!("{name}: {error}"))?;
        let operations = operations(&root).map_err(|error| format!("{name}: {error}"))?;
        Ok(Self { name, root, uri, registry, operations, validators: Mutex::default() })
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter()
    }

    pub(super) fn matching<'d>(&'d self, path: &str) -> impl Iterator<Item = Found<'d>> {
        self.operations
            .iter()
            .filter_map(move |operation| Some(Found { operation, parameters: operation.path.parameters(path)? }))
    }

    /// Follows references to what they name.
    pub(super) fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        self.resolve_at(value, String::new()).0
    }

    fn resolve_at<'d>(&'d self, value: &'d Value, pointer: String) -> (&'d Value, String) {
        resolve(&self.root, value, pointer)
    }

    /// The schema of a property, wherever in a combination it stands.
    pub(super) fn property<'d>(&'d self, schema: &'d Value, name: &str) -> Option<&'d Value> {
        let schema = self.resolve(schema);
        let direct = schema.get("properties").and_then(|properties| properties.get(name));
        direct.or_else(|| {
            let parts = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
            parts.into_iter().find_map(|part| self.property(part, name))
        })
    }

    fn item(&self, operation: &Operation) -> (&Value, String) {
        let pointer = format!("/paths/{}", escape(&operation.key));
        (self.root.pointer(&pointer).unwrap_or(&Value::Null), pointer)
    }

    /// Whether a query parameter carries a key: those are declared as a way to authenticate, not with the operations.
    pub(super) fn is_key(&self, name: &str) -> bool {
        let schemes = self.root.pointer("/components/securitySchemes").and_then(Value::as_object);
        schemes
            .into_iter()
            .flat_map(|schemes| schemes.values())
            .any(|scheme| scheme["type"] == "apiKey" && scheme["in"] == "query" && scheme["name"] == name)
    }

    pub(super) fn parameters(&self, operation: &Operation, place: &str) -> Vec<Parameter<'_>> {
        let (item, pointer) = self.item(operation);
        let lists = [
            (
                item.get(&operation.method).and_then(|own| own.get("parameters")),
                format!("{pointer}/{}", operation.method),
            ),
            (item.get("parameters"), pointer),
        ];
        let mut parameters: Vec<Parameter<'_>> = Vec::new();
        for (list, pointer) in lists {
            for (index, value) in list.and_then(Value::as_array).into_iter().flatten().enumerate() {
                let (value, pointer) = self.resolve_at(value, format!("{pointer}/parameters/{index}"));
                let name = value.get("name").and_then(Value::as_str).unwrap_or("");
                // An operation's own parameter hides the path's of the same name.
                let hidden = parameters.iter().any(|parameter| parameter.name == name);
                if hidden || value.get("in").and_then(Value::as_str) != Some(place) {
                    continue;
                }
                let flag = |key: &str| value.get(key).and_then(Value::as_bool);
                parameters.push(Parameter {
                    name,
                    required: flag("required").unwrap_or(false),
                    schema: value.get("schema").unwrap_or(&Value::Bool(true)),
                    pointer: format!("{pointer}/schema"),
                    explode: flag("explode").unwrap_or(place == "query"),
                });
            }
        }
        parameters
    }

    pub(super) fn parameter(&self, operation: &Operation, place: &str, name: &str) -> Option<Parameter<'_>> {
        self.parameters(operation, place).into_iter().find(|parameter| parameter.name == name)
    }

    pub(super) fn request_body(&self, operation: &Operation) -> Option<Content<'_>> {
        let (item, pointer) = self.item(operation);
        let body = item.get(&operation.method)?.get("requestBody")?;
        Some(self.content(body, format!("{pointer}/{}/requestBody", operation.method)))
    }

    /// What is said of answers with this status: exactly, by class, or by default.
    pub(super) fn response(&self, operation: &Operation, status: u16) -> Option<Content<'_>> {
        let (item, pointer) = self.item(operation);
        let responses = item.get(&operation.method)?.get("responses")?;
        let keys =
            [status.to_string(), format!("{}XX", status / 100), format!("{}xx", status / 100), "default".to_owned()];
        let key = keys.iter().find(|key| responses.get(key.as_str()).is_some())?;
        Some(self.content(&responses[key.as_str()], format!("{pointer}/{}/responses/{key}", operation.method)))
    }

    fn content<'d>(&'d self, value: &'d Value, pointer: String) -> Content<'d> {
        let (value, pointer) = self.resolve_at(value, pointer);
        let types = value.get("content").and_then(Value::as_object).into_iter().flatten();
        Content {
            required: value.get("required").and_then(Value::as_bool).unwrap_or(false),
            types: types
                .map(|(name, media)| Media {
                    name,
                    value: media,
                    pointer: format!("{pointer}/content/{}/schema", escape(name)),
                })
                .collect(),
        }
    }

    pub(super) fn check_parameter(
        &self,
        parameter: &Parameter<'_>,
        node: &Node,
        place: &str,
        violations: &mut Vec<String>,
    ) {
        let Parameter { schema, pointer, explode, .. } = parameter;
        let joined = match node {
            Node::Texts(texts) if !explode && coerce::types(self.resolve(schema)).contains(&"array") => {
                Some(Node::Texts(texts.iter().flat_map(|text| text.split(',')).map(str::to_owned).collect()))
            }
            _ => None,
        };
        let value = coerce::value(self, schema, joined.as_ref().unwrap_or(node));
        if self.root.pointer(pointer).is_some() {
            self.validate(pointer, &value, &[], place, violations);
        }
    }

    pub(super) fn check_form(&self, media: &Media<'_>, pairs: &[(String, String)], violations: &mut Vec<String>) {
        let schema = media.value.get("schema").unwrap_or(&Value::Null);
        let nodes = coerce::tree(pairs, &|name| self.property(schema, name).is_some());
        let value = coerce::object(self, schema, &nodes);
        self.check_value(media, &value, None, "form", violations);
    }

    pub(super) fn check_value(
        &self,
        media: &Media<'_>,
        value: &Value,
        examples: Option<&[&Value]>,
        place: &str,
        violations: &mut Vec<String>,
    ) {
        if media.value.get("schema").is_some() {
            self.validate(&media.pointer, value, examples.unwrap_or(&[]), place, violations);
        }
    }

    pub(super) fn check_response(&self, response: Content<'_>, body: Option<&Value>, violations: &mut Vec<String>) {
        match (response.media("json"), body) {
            // Bytes of any kind: nothing is said of what they are.
            (Some(media), _) if media.value.pointer("/schema/format").is_some_and(|format| format == "binary") => {}
            (Some(media), Some(body)) => {
                let examples = examples(media.value);
                self.check_value(media, body, Some(&examples), "answer", violations);
            }
            (Some(_), None) => violations.push("answer: JSON is missing".to_owned()),
            (None, Some(_)) if response.types.is_empty() => {
                violations.push("answer: a body is not described".to_owned())
            }
            (None, _) => {}
        }
    }

    pub(super) fn check_examples(&self, violations: &mut Vec<String>) -> usize {
        let mut count = 0;
        for operation in &self.operations {
            let (item, _) = self.item(operation);
            let responses = item.get(&operation.method).and_then(|own| own.get("responses")).and_then(Value::as_object);
            for status in responses.into_iter().flat_map(|responses| responses.keys()) {
                let Some(response) = self.response(operation, status.parse().unwrap_or(0)) else { continue };
                let Some(media) = response.media("json") else { continue };
                let all = examples(media.value);
                for example in &all {
                    count += 1;
                    let place = format!("{} {} {status} example", operation.method.to_uppercase(), operation.template);
                    self.check_value(media, example, Some(&all), &place, violations);
                }
            }
        }
        count
    }

    fn validate(&self, pointer: &str, value: &Value, examples: &[&Value], place: &str, violations: &mut Vec<String>) {
        let validator = match self.validator(pointer) {
            Ok(validator) => validator,
            Err(error) => return violations.push(format!("{place}: the schema at {pointer} cannot be used: {error}")),
        };
        for error in validator.iter_errors(value) {
            if let Some(violation) = unexcused(&error, examples) {
                let path = error.instance_path().as_str();
                let at = if path.is_empty() { String::new() } else { format!(" {path}") };
                violations.push(format!("{place}{at}: {violation}"));
            }
        }
    }

    fn validator(&self, pointer: &str) -> Result<Arc<Validator>, String> {
        if let Some(validator) = self.validators.lock().get(pointer) {
            return Ok(validator.clone());
        }
        let fragment: String = pointer
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "/~-_.".contains(c) { c.to_string() } else { percent(c) })
            .collect();
        let mut schema = json!({ "$ref": format!("{}#{fragment}", self.uri) });
        let target = self.root.pointer(pointer).unwrap_or(&Value::Null);
        if names_its_fields(&self.root, target, 0) {
            schema["unevaluatedProperties"] = Value::Bool(false);
        }
        let mut options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true);
        for (name, check) in FORMATS {
            options = options.with_format(*name, *check);
        }
        let validator = Arc::new(options.build(&schema).map_err(|error| error.to_string())?);
        self.validators.lock().insert(pointer.to_owned(), validator.clone());
        Ok(validator)
    }
}

/// What remains of an error once the vendor's own examples have been heard.
fn unexcused(error: &ValidationError<'_>, examples: &[&Value]) -> Option<String> {
    let path = error.instance_path().as_str();
    let shown = |path: &str| examples.iter().flat_map(|example| at_any_index(example, path)).collect::<Vec<_>>();
    let instance = error.instance();
    match error.kind() {
        // Only a scalar: an example excuses the value it shows, and not all that lies inside of it.
        _ if !instance.is_object() && !instance.is_array() && shown(path).contains(&instance.as_ref()) => None,
        ValidationErrorKind::Type { .. } if shown(path).into_iter().any(|value| same_type(value, instance)) => None,
        ValidationErrorKind::UnevaluatedProperties { unexpected }
        | ValidationErrorKind::AdditionalProperties { unexpected } => {
            let unknown: Vec<_> =
                unexpected.iter().filter(|name| !shown(path).iter().any(|value| value.get(name).is_some())).collect();
            (!unknown.is_empty()).then(|| format!("unknown: {unknown:?}"))
        }
        _ => Some(error.to_string()),
    }
}

fn same_type(one: &Value, other: &Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// What stands at a pointer, whatever the positions in lists.
fn at_any_index<'v>(value: &'v Value, pointer: &str) -> Vec<&'v Value> {
    let mut found = vec![value];
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        found = found
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(items) if key.parse::<usize>().is_ok() => items.iter().collect(),
                other => other.get(&key).into_iter().collect::<Vec<_>>(),
            })
            .collect();
    }
    found
}

/// The examples of one media type.
fn examples(media: &Value) -> Vec<&Value> {
    let several = media.get("examples").and_then(Value::as_object).into_iter().flatten();
    several.filter_map(|(_, example)| example.get("value")).chain(media.get("example")).collect()
}

/// Follows `$ref`s inside the document and says where it arrived.
pub(super) fn resolve<'d>(root: &'d Value, value: &'d Value, pointer: String) -> (&'d Value, String) {
    let (mut value, mut pointer) = (value, pointer);
    // A chain longer than this is a circle, and a circle names nothing.
    for _ in 0..32 {
        let Some(target) = value.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#')) else {
            break;
        };
        let target = percent_encoding::percent_decode_str(target).decode_utf8_lossy().into_owned();
        match root.pointer(&target) {
            Some(found) => (value, pointer) = (found, target),
            None => break,
        }
    }
    (value, pointer)
}

fn operations(root: &Value) -> Result<Vec<Operation>, String> {
    let base = root.pointer("/servers/0/url").and_then(Value::as_str).map_or("", server_path);
    let mut operations = Vec::new();
    for (key, item) in root["paths"].as_object().into_iter().flatten() {
        let own = item.pointer("/servers/0/url").and_then(Value::as_str).map_or(base, server_path);
        let template = format!("{own}{key}");
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            operations.push(Operation {
                method: (*method).to_owned(),
                path: Template::new(&template)?,
                template: template.clone(),
                key: key.clone(),
            });
        }
    }
    Ok(operations)
}

/// The path of a server's address, without a slash at its end.
fn server_path(url: &str) -> &str {
    let behind_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    behind_scheme.find('/').map_or("", |slash| behind_scheme[slash..].trim_end_matches('/'))
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn percent(c: char) -> String {
    percent_encoding::utf8_percent_encode(&c.to_string(), percent_encoding::NON_ALPHANUMERIC).to_string()
}
