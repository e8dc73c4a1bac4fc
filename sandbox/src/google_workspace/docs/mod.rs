//! Docs v1. A document is a file of Drive as well.

mod document;
mod edits;

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::call::{Call, Reply, Result, text};
use super::drive::{self, Content, DOCUMENT, File, NewFile};
use super::error::ApiError;
pub(super) use document::Document;

const READ: &[&str] = &["documents", "documents.readonly", "drive", "drive.file", "drive.readonly"];
const WRITE: &[&str] = &["documents", "drive", "drive.file"];

/// Answers behind `/v1/documents`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    match (&method, path) {
        (&Method::POST, []) => create(call),
        (&Method::GET, [id]) => {
            call.needs(READ)?;
            let (file, document) = find(call, id)?;
            let tabs = call.flag("includeTabsContent");
            Ok(Reply::Json(shown(file, document, tabs)))
        }
        (&Method::POST, [name]) => match name.rsplit_once(':') {
            Some((id, "batchUpdate")) => edits::batch_update(call, id),
            _ => Err(ApiError::not_found("Not Found")),
        },
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// Of all that is sent only the title counts.
fn create(call: &mut Call<'_>) -> Result {
    call.needs(WRITE)?;
    let body = call.body()?;
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(text(&body, "title").unwrap_or("Untitled document")));
    let content = Content::Doc(Document::new(""));
    let id = drive::make(call, NewFile { metadata, mime: DOCUMENT.to_owned(), content })?;
    let (file, document) = find(call, &id)?;
    Ok(Reply::Json(shown(file, document, false)))
}

/// A document that the user may see.
fn find<'w>(call: &'w Call<'_>, id: &str) -> Result<(&'w File, &'w Document)> {
    let missing = || ApiError::not_found("Requested entity was not found.");
    let (file, _) = drive::readable(call, id).map_err(|_| missing())?;
    match &file.content {
        Content::Doc(document) => Ok((file, document)),
        _ => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "failedPrecondition",
            "This operation is not supported for this document",
        )),
    }
}

fn shown(file: &File, document: &Document, tabs: bool) -> Value {
    let mut shown = json!({
        "documentId": file.id,
        "title": file.name,
        "revisionId": document.revision(),
        "suggestionsViewMode": "SUGGESTIONS_INLINE",
    });
    if tabs {
        shown["tabs"] = json!([{
            "tabProperties": { "tabId": "t.0", "title": "Tab 1", "index": 0 },
            "documentTab": { "body": document.body() },
        }]);
    } else {
        shown["body"] = document.body();
    }
    shown
}
