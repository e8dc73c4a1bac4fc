use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};

/// Reads JSON into the struct of an operation or a config. A mistake names the path and how to mend it, and never
/// repeats the value, which may be personal or secret.
///
/// ```
/// use sis_integrations::providers::read_arguments;
///
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Ring { phone: String, times: u8 }
///
/// let error = read_arguments::<Vec<Ring>>(serde_json::json!([{ "phone": 5, "times": 1 }])).unwrap_err();
/// assert_eq!(error.field(), Some("[0].phone"));
/// assert_eq!(error.message(), "must be a string, not an integer");
/// ```
pub fn read_arguments<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        explain(path, &error.into_inner().to_string())
    })
}

/// The same, and only from an object: serde would take a list for a struct's fields, in the order they are declared.
pub(crate) fn read_object<T: DeserializeOwned>(value: Value) -> Result<T> {
    if value.is_array() {
        return Err(Error::invalid("", "must be an object, not a list"));
    }
    read_arguments(value)
}

/// The seed's body `{"args":[{…}]}` means its one argument; anything else means itself.
pub(crate) fn unwrap_args(value: Value) -> Result<Value> {
    match value {
        Value::Object(mut map) if map.len() == 1 && map.get("args").is_some_and(Value::is_array) => {
            let Some(Value::Array(mut args)) = map.remove("args") else {
                return Ok(Value::Object(map));
            };
            match args.len() {
                0 => Ok(Value::Object(serde_json::Map::new())),
                1 => Ok(args.remove(0)),
                _ => Err(Error::invalid("args", "must hold one object with the operation's arguments")),
            }
        }
        Value::Null => Ok(Value::Object(serde_json::Map::new())),
        other => Ok(other),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() || path.ends_with(name) && path.trim_end_matches(name).ends_with('.') || path == name {
        return if path.is_empty() { name.to_owned() } else { path.to_owned() };
    }
    format!("{path}.{name}")
}

fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('`')?;
    rest.split_once('`').map(|(name, _)| name)
}

fn shortened(name: &str) -> String {
    // It may be a card's number, and an error must not repeat it.
    if name.chars().filter(|c| c.is_numeric()).count() >= 12 {
        return "…".to_owned();
    }
    let short: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    if short.len() < name.len() { format!("{short}…") } else { short }
}

/// serde's messages, without the values that it repeats.
fn explain(path: String, message: &str) -> Error {
    let expected = message.split_once(", expected ").map(|(_, expected)| expected.trim_end_matches('.'));
    if message.starts_with("missing field ") {
        return Error::invalid(join(&path, quoted(message).unwrap_or_default()), "is required");
    }
    if message.starts_with("duplicate field ") {
        return Error::invalid(join(&path, quoted(message).unwrap_or_default()), "stands there twice");
    }
    if message.starts_with("unknown field ") {
        let known = match expected {
            Some(known) => format!("is not known here; expected {}", known.replace('`', "")),
            None => "is not known here".to_owned(),
        };
        return Error::invalid(join(&path, &shortened(quoted(message).unwrap_or_default())), known);
    }
    if message.starts_with("unknown variant ") {
        let known = expected.unwrap_or("another value").replace('`', "");
        return Error::invalid(path, format!("must be {known}"));
    }
    if let (Some(rest), Some(expected)) = (message.strip_prefix("invalid type: "), expected) {
        let expected = friendly(expected);
        let found = ["null", "boolean", "integer", "floating point", "string", "sequence", "map"]
            .into_iter()
            .find(|kind| rest.starts_with(kind))
            .map_or("something else", friendly_kind);
        return Error::invalid(path, format!("must be {expected}, not {found}"));
    }
    if let (true, Some(expected)) = (message.starts_with("invalid "), expected) {
        return Error::invalid(path, format!("must be {}", friendly(expected)));
    }
    // What is left are the messages of our own types, which repeat nothing; others are not let through.
    let own = message.starts_with("must ") || message.starts_with("a tenant id ");
    Error::invalid(path, if own { message.to_owned() } else { "is not valid here".to_owned() })
}

fn friendly_kind(kind: &'static str) -> &'static str {
    match kind {
        "null" => "null",
        "boolean" => "a boolean",
        "integer" => "an integer",
        "floating point" => "a number with a fraction",
        "string" => "a string",
        "sequence" => "a list",
        _ => "an object",
    }
}

fn friendly(expected: &str) -> String {
    match expected {
        "a sequence" => "a list".into(),
        "a map" => "an object".into(),
        "a borrowed string" | "string" => "a string".into(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative and not too large".into(),
        "i8" | "i16" | "i32" | "i64" => "a whole number that is not too large".into(),
        "f32" | "f64" => "a number".into(),
        "internally tagged enum" => "an object".into(),
        other if other.starts_with("struct ") => "an object".into(),
        other => other.replace('`', ""),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::model::PhoneNumber;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[allow(dead_code, reason = "only read by serde")]
    struct Alert {
        recipients: Vec<Recipient>,
        #[serde(default)]
        max_price: Option<u8>,
        #[serde(default)]
        channels: Vec<Channel>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read by serde")]
    struct Recipient {
        phone: PhoneNumber,
        name: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Channel {
        Sms,
        Voice,
    }

    #[test]
    fn mistakes_name_their_path_and_repeat_no_value() {
        for (value, field, message) in [
            (json!({}), "recipients", "is required"),
            (json!({ "recipients": 7 }), "recipients", "must be a list, not an integer"),
            (json!({ "recipients": [{ "phone": "s3cret" }] }), "recipients[0].phone", "must be a telephone number"),
            (json!({ "recipients": [{ "phone": ["s3cret"] }] }), "recipients[0].phone", "must be a string, not a list"),
            (json!({ "recipients": [{ "name": "s3cret" }] }), "recipients[0].phone", "is required"),
            (
                json!({ "recipients": [{ "phone": "+15551234567", "fax": "s3cret" }] }),
                "recipients[0].fax",
                "is not known here; expected",
            ),
            (
                json!({ "recipients": [], "extra": 1 }),
                "extra",
                "is not known here; expected one of recipients, maxPrice",
            ),
            (json!({ "recipients": [], "maxPrice": 300 }), "maxPrice", "must be a whole number"),
            (json!({ "recipients": [], "maxPrice": -1 }), "maxPrice", "must be a whole number"),
            (json!({ "recipients": [], "maxPrice": "s3cret" }), "maxPrice", "must be a whole number"),
            (
                json!({ "recipients": [], "channels": ["s3cret"] }),
                "channels[0]",
                "must be one of sms, voice|must be sms or voice",
            ),
            (json!("s3cret"), "", "must be an object, not a string"),
        ] {
            let error = read_arguments::<Alert>(value.clone()).unwrap_err();
            assert_eq!(error.field(), Some(field), "{value} → {error}");
            assert!(message.split('|').any(|m| error.message().starts_with(m)), "{value} → {error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_list_is_no_object() {
        assert!(read_arguments::<Alert>(json!([[], 1, []])).is_ok());
        assert_eq!(read_object::<Alert>(json!([[], 1, []])).unwrap_err().message(), "must be an object, not a list");
        assert!(read_object::<Alert>(json!({ "recipients": [] })).is_ok());
    }

    #[test]
    fn the_seeds_body_is_its_one_argument() {
        assert_eq!(unwrap_args(json!({ "args": [{ "a": 1 }] })).unwrap(), json!({ "a": 1 }));
        assert_eq!(unwrap_args(json!({ "args": [] })).unwrap(), json!({}));
        assert_eq!(unwrap_args(json!({ "a": 1 })).unwrap(), json!({ "a": 1 }));
        assert_eq!(unwrap_args(json!(null)).unwrap(), json!({}));
        assert_eq!(unwrap_args(json!({ "args": [{}, {}] })).unwrap_err().field(), Some("args"));
    }
}
