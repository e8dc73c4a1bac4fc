//! `batchUpdate`: all requests are applied, or none.

use serde_json::{Map, Value, json};

use super::{Document, WRITE, find};
use crate::google_workspace::call::{Call, Reply, Result, text};
use crate::google_workspace::drive::{self, Content};
use crate::google_workspace::error::ApiError;

pub(super) fn batch_update(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(WRITE)?;
    let body = call.body()?;
    let (file, document) = find(call, id)?;
    let (id, mut changed) = (file.id.clone(), document.clone());
    if drive::writable(call, &id).is_err() {
        return Err(ApiError::forbidden("forbidden", "The caller does not have permission"));
    }
    let control = body.get("writeControl").and_then(Value::as_object);
    let required = control.and_then(|control| text(control, "requiredRevisionId"));
    if required.is_some_and(|required| required != changed.revision()) {
        let why = "The required revision ID does not match the latest revision.";
        return Err(ApiError::invalid(why));
    }
    let requests = body.get("requests").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut replies = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let reply = apply(&mut changed, request);
        let refused = |why: String| ApiError::invalid(format!("Invalid requests[{index}].{why}"));
        replies.push(reply.map_err(refused)?);
    }
    if !requests.is_empty() {
        changed.touch();
    }
    let revision = changed.revision();
    drive::rewritten(call, &id, Content::Doc(changed));
    Ok(Reply::Json(json!({
        "documentId": id,
        "replies": replies,
        "writeControl": { "requiredRevisionId": revision },
    })))
}

/// Applies one request and says its reply.
fn apply(document: &mut Document, request: &Value) -> std::result::Result<Value, String> {
    let named = request.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.iter().next());
    let Some((name, Value::Object(fields))) = named else {
        return Err(": exactly one request must be set.".to_owned());
    };
    let reply = match name.as_str() {
        "insertText" => insert(document, fields).map(|()| json!({})),
        "deleteContentRange" => range(fields).and_then(|(start, end)| document.delete(start, end)).map(|()| json!({})),
        "replaceAllText" => replace(document, fields),
        "updateTextStyle" => look(document, fields).map(|()| json!({})),
        "updateParagraphStyle" => paragraph(document, fields).map(|()| json!({})),
        _ => Err("this look-alike does not know the request".to_owned()),
    };
    reply.map_err(|why| format!("{name}: {why}"))
}

fn insert(document: &mut Document, fields: &Map<String, Value>) -> std::result::Result<(), String> {
    let inserted = text(fields, "text").ok_or("Insert text requests must specify text to insert.")?;
    let index = match (fields.get("location"), fields.get("endOfSegmentLocation")) {
        (Some(location), None) => index(location, "index")?,
        (None, Some(_)) => document.end() - 1,
        _ => return Err("The insertion location must be specified.".to_owned()),
    };
    document.insert(index, inserted)
}

fn replace(document: &mut Document, fields: &Map<String, Value>) -> std::result::Result<Value, String> {
    let criteria = fields.get("containsText").and_then(Value::as_object).ok_or("containsText is required.")?;
    let old = text(criteria, "text").ok_or("The text to match must not be empty.")?;
    let new = fields.get("replaceText").and_then(Value::as_str).unwrap_or("");
    let match_case = criteria.get("matchCase") == Some(&Value::Bool(true));
    let count = document.replace(old, new, match_case);
    // A number that is 0 is left out.
    Ok(json!({ "replaceAllText": if count == 0 { json!({}) } else { json!({ "occurrencesChanged": count }) } }))
}

fn look(document: &mut Document, fields: &Map<String, Value>) -> std::result::Result<(), String> {
    let (start, end) = range(fields)?;
    let style = fields.get("textStyle").and_then(Value::as_object).ok_or("textStyle is required.")?;
    document.look(start, end, style, &mask(fields)?)
}

fn paragraph(document: &mut Document, fields: &Map<String, Value>) -> std::result::Result<(), String> {
    let (start, end) = range(fields)?;
    let style = fields.get("paragraphStyle").and_then(Value::as_object).ok_or("paragraphStyle is required.")?;
    if !mask(fields)?.iter().any(|name| ["*", "namedStyleType"].contains(name)) {
        return Err("of a paragraph's style this look-alike knows namedStyleType only".to_owned());
    }
    document.paragraph(start, end, text(style, "namedStyleType").unwrap_or("NORMAL_TEXT"))
}

fn mask(fields: &Map<String, Value>) -> std::result::Result<Vec<&str>, String> {
    let mask = text(fields, "fields").ok_or("At least one field must be listed in 'fields'.")?;
    Ok(mask.split(',').map(str::trim).collect())
}

fn range(fields: &Map<String, Value>) -> std::result::Result<(usize, usize), String> {
    let range = fields.get("range").ok_or("range is required.")?;
    Ok((index(range, "startIndex")?, index(range, "endIndex")?))
}

fn index(holder: &Value, name: &str) -> std::result::Result<usize, String> {
    let index = holder.get(name).and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
    index.ok_or_else(|| format!("{name} is required."))
}
