//! Fields that many objects share, as parameters set them.

use serde_json::{Map, Value, json};

use super::error::Refusal;
use super::form::Params;

const ADDRESS: &[&str] = &["city", "country", "line1", "line2", "postal_code", "state"];

/// Sets fields to null.
pub(super) fn nulls(object: &mut Value, names: &[&str]) {
    for name in names {
        object[*name] = Value::Null;
    }
}

/// Sets texts; an empty one unsets.
pub(super) fn texts(object: &mut Value, params: &Params<'_>, names: &[(&str, usize)]) -> Result<(), Refusal> {
    for (name, longest) in names {
        let Some(text) = params.raw(name)? else { continue };
        if text.chars().count() > *longest {
            let path = params.path(name);
            let message = format!(
                "Invalid string: {}...; must be at most {longest} characters",
                text.chars().take(16).collect::<String>()
            );
            return Err(Refusal::about(path, message).unsaved());
        }
        object[*name] = if text.is_empty() { Value::Null } else { json!(text) };
    }
    Ok(())
}

/// Merges metadata: an empty value removes its key, and an empty whole removes all.
pub(super) fn metadata(object: &mut Value, params: &Params<'_>) -> Result<(), Refusal> {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if params.raw("metadata").is_ok_and(|text| text == Some("")) {
        object["metadata"] = json!({});
        return Ok(());
    }
    let Some(given) = params.nested("metadata")? else { return Ok(()) };
    let Some(map) = object["metadata"].as_object_mut() else { return Ok(()) };
    for key in given.names() {
        let value = given.raw(key)?.unwrap_or_default();
        if key.chars().count() > 40 {
            let message = format!("Metadata keys can have up to 40 characters: {key}");
            return Err(Refusal::about(given.path(key), message).unsaved());
        }
        if value.chars().count() > 500 {
            let message =
                format!("Metadata values can have up to 500 characters, but you passed in a longer one for {key}");
            return Err(Refusal::about(given.path(key), message).unsaved());
        }
        if value.is_empty() {
            map.remove(key);
        } else {
            map.insert(key.to_owned(), json!(value));
        }
    }
    if map.len() > 50 {
        return Err(Refusal::about("metadata", "You can have up to 50 metadata keys.").unsaved());
    }
    Ok(())
}

/// An address with all its fields; `Some(null)` where it is unset.
pub(super) fn address(params: &Params<'_>, name: &str) -> Result<Option<Value>, Refusal> {
    if params.raw(name).is_ok_and(|text| text == Some("")) {
        return Ok(Some(Value::Null));
    }
    let Some(given) = params.nested(name)? else { return Ok(None) };
    given.only(ADDRESS)?;
    let mut address = Map::new();
    for field in ADDRESS {
        let text = given.raw(field)?.filter(|text| !text.is_empty());
        address.insert((*field).to_owned(), json!(text));
    }
    Ok(Some(Value::Object(address)))
}

pub(super) fn shipping(params: &Params<'_>, name: &str) -> Result<Option<Value>, Refusal> {
    if params.raw(name).is_ok_and(|text| text == Some("")) {
        return Ok(Some(Value::Null));
    }
    let Some(given) = params.nested(name)? else { return Ok(None) };
    given.only(&["address", "carrier", "name", "phone", "tracking_number"])?;
    let address = address(&given, "address")?.ok_or_else(|| Refusal::missing(&given.path("address")))?;
    let mut shipping = json!({ "address": address, "name": given.required("name")? });
    texts(&mut shipping, &given, &[("carrier", 5000), ("phone", 5000), ("tracking_number", 5000)])?;
    Ok(Some(shipping))
}

/// An address for electronic mail, as far as its shape tells.
pub(super) fn email(params: &Params<'_>, name: &str) -> Result<(), Refusal> {
    let Some(text) = params.raw(name)?.filter(|text| !text.is_empty()) else { return Ok(()) };
    let sound = text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    }) && !text.contains(char::is_whitespace);
    if sound {
        return Ok(());
    }
    Err(Refusal::about(params.path(name), format!("Invalid email address: {text}")).code("email_invalid"))
}

/// An address for the web.
pub(super) fn url<'a>(params: &Params<'a>, name: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(text) = params.text(name)? else { return Ok(None) };
    // The vendor's own placeholder holds braces, which a strict reader of addresses escapes.
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(text)),
        _ => Err(Refusal::about(params.path(name), "Not a valid URL").code("url_invalid")),
    }
}

/// An address of billing details without anything in it.
pub(super) fn no_billing_details() -> Value {
    let address: Map<String, Value> = ADDRESS.iter().map(|field| ((*field).to_owned(), Value::Null)).collect();
    json!({ "address": address, "email": null, "name": null, "phone": null, "tax_id": null })
}
