//! What files hold: put in whole or through a session, and read at an address signed beforehand.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, needed, text};
use super::super::error::GraphError;
use super::super::table::Kind;
use super::super::uploads::{self, Target};
use super::address::{Destination, child};
use super::{items, used};
use crate::exchange::Answer;

/// Where bytes are read, without a token.
pub(in super::super) const DOWNLOADS: &str = "_content";
/// How long such an address works, in milliseconds.
const SIGNED_FOR: i64 = 3600 * 1000;
/// What one `PUT` takes.
const SMALL: usize = 250 * 1024 * 1024;

pub(super) fn put(context: &mut Context<'_>, place: &Destination) -> Outcome {
    if context.request.body.len() > SMALL {
        let message = "The file is too large for one request.";
        return Err(GraphError::new(StatusCode::PAYLOAD_TOO_LARGE, "requestEntityTooLarge", message));
    }
    if let Some(id) = place.item.as_deref()
        && let Some(row) = context.world.table.get(Kind::Item, &place.drive, id)
    {
        context.matches(&items::etag(row))?;
    }
    let mut place = place.clone();
    place.conflict = context.request.query().filled("@microsoft.graph.conflictBehavior").map(str::to_owned);
    let kind = context.request.header(&CONTENT_TYPE).map(str::to_owned);
    let bytes = context.request.body.clone();
    store(context, &place, bytes, kind.as_deref())
}

/// Puts bytes where they belong: into the item that is there, or into a new one.
pub(in super::super) fn store(
    context: &mut Context<'_>,
    place: &Destination,
    bytes: Bytes,
    content_type: Option<&str>,
) -> Outcome {
    let total = context.world.table.by_id(Kind::Drive, &place.drive).and_then(|row| row.value.pointer("/quota/total"));
    let total = total.and_then(Value::as_u64).unwrap_or(u64::MAX);
    if used(context, &place.drive) + u64::try_from(bytes.len()).unwrap_or(u64::MAX) > total {
        return Err(GraphError::of_status(StatusCode::INSUFFICIENT_STORAGE));
    }
    let name = items::valid(&place.name)?;
    let conflict = place.conflict.as_deref().unwrap_or("replace");
    let folder = make_folders(context, place)?;
    // A session may end long after it was opened: what is there now counts.
    let there = match folder.as_deref() {
        Some(folder) => child(context, &place.drive, folder, name).map(|row| row.id.clone()),
        None => place.item.clone(),
    };
    let facets = facets(&bytes, content_type.filter(|kind| kind.contains('/')).unwrap_or(guess(name)));
    let (id, status) = match (there, folder) {
        (Some(id), _) if conflict == "replace" => {
            replace(context, &place.drive, &id, facets)?;
            (id, StatusCode::OK)
        }
        (_, Some(folder)) => {
            let name = items::free_name(context, &place.drive, &folder, name, conflict, None)?;
            (items::add(context, &place.drive, &folder, &name, facets), StatusCode::CREATED)
        }
        (_, None) => return Err(items::invalid("The root holds no content.")),
    };
    context.world.contents.insert(id.clone(), bytes);
    items::whole(context, &place.drive, &id, status)
}

/// The folder that the item goes to, with those on the way made.
fn make_folders(context: &mut Context<'_>, place: &Destination) -> Result<Option<String>, GraphError> {
    let Some(mut folder) = place.parent.clone() else {
        return Ok(None);
    };
    for name in &place.missing {
        let name = items::valid(name)?;
        folder = match child(context, &place.drive, &folder, name) {
            Some(row) => row.id.clone(),
            None => items::add(context, &place.drive, &folder, name, json!({ "folder": {}, "size": 0 })),
        };
    }
    Ok(Some(folder))
}

fn replace(context: &mut Context<'_>, drive: &str, id: &str, facets: Value) -> Result<(), GraphError> {
    let (now, identity) = (context.now(), context.identity());
    let row = context.world.table.change(Kind::Item, drive, id).ok_or_else(GraphError::no_item)?;
    if row.value.get("file").is_none() {
        return Err(items::invalid("A folder holds no content."));
    }
    if let (Some(item), Value::Object(facets)) = (row.value.as_object_mut(), facets) {
        item.extend(facets);
    }
    row.value["lastModifiedDateTime"] = json!(now);
    row.value["lastModifiedBy"] = identity;
    Ok(())
}

fn facets(bytes: &[u8], content_type: &str) -> Value {
    json!({
        "size": bytes.len(),
        "file": { "mimeType": content_type, "hashes": { "quickXorHash": quick_xor(bytes) } },
    })
}

fn guess(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("txt") => "text/plain",
        Some("html") => "text/html",
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => "application/octet-stream",
    }
}

/// The hash that drives of a school give: each byte into a ring of 160 bits, eleven bits on from the one before, and
/// the length over the end.
fn quick_xor(bytes: &[u8]) -> String {
    let mut ring = [0_u8; 20];
    for (at, byte) in bytes.iter().enumerate() {
        let bit = at * 11 % 160;
        let wide = u16::from(*byte) << (bit % 8);
        let [low, high] = wide.to_le_bytes();
        ring[bit / 8] ^= low;
        ring[(bit / 8 + 1) % 20] ^= high;
    }
    let length = (bytes.len() as u64).to_le_bytes();
    ring.iter_mut().skip(12).zip(length).for_each(|(cell, byte)| *cell ^= byte);
    STANDARD.encode(ring)
}

/// An address at which an item's bytes can be had for an hour.
pub(super) fn presigned(context: &mut Context<'_>, item: &str) -> String {
    let number = context.world.number();
    let token = format!("{:016x}{number:016x}", crate::faults::mix(number));
    let until = context.request.at + SIGNED_FOR;
    let address = format!("{}/{DOWNLOADS}/{token}", context.url);
    context.world.downloads.insert(token, (item.to_owned(), until));
    address
}

pub(super) fn get(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let row = place.row(context)?;
    if row.value.get("file").is_none() {
        return Err(items::invalid("A folder holds no content."));
    }
    let address = presigned(context, &row.id);
    Ok(Answer::empty(StatusCode::FOUND).with(LOCATION, &address))
}

/// Answers at such an address.
pub(in super::super) fn download(context: &Context<'_>, token: &str) -> Outcome {
    if context.request.headers.contains_key(AUTHORIZATION) {
        return Err(GraphError::unauthenticated("The download address takes no Authorization header."));
    }
    let found = context.world.downloads.get(token).filter(|(_, until)| *until > context.request.at);
    let bytes = found.and_then(|(item, _)| context.world.contents.get(item)).ok_or_else(GraphError::no_item)?;
    let kind = "application/octet-stream";
    let Some(range) = context.request.header(&RANGE) else {
        return Ok(Answer::new(StatusCode::OK, kind, bytes.clone()));
    };
    let Some((from, to)) = span(range, bytes.len()) else {
        return Err(GraphError::new(StatusCode::RANGE_NOT_SATISFIABLE, "invalidRange", "The range is not valid."));
    };
    let told = format!("bytes {from}-{to}/{}", bytes.len());
    Ok(Answer::new(StatusCode::PARTIAL_CONTENT, kind, bytes.slice(from..=to)).with(CONTENT_RANGE, &told))
}

/// First and last byte that `bytes=from-to` names.
fn span(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let last = length.checked_sub(1)?;
    let from: usize = from.parse().ok()?;
    let to = if to.is_empty() { last } else { to.parse::<usize>().ok()?.min(last) };
    (from <= to).then_some((from, to))
}

pub(super) fn open_session(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let body = context.optional_body()?;
    let item = body.get("item").cloned().unwrap_or_default();
    let mut place = place.clone();
    // A file that is named by its id is meant to be replaced; one at a path is in the way unless it is said otherwise.
    let usual = place.by_path.then_some("fail");
    place.conflict = text(&item, "@microsoft.graph.conflictBehavior").or(usual).map(str::to_owned);
    if place.item.is_none() && item.get("name").is_some() {
        place.name = items::valid(needed(&item, "name")?)?.to_owned();
    }
    items::valid(&place.name)?;
    if place.conflict.as_deref() == Some("fail") && place.item.is_some() {
        return Err(GraphError::exists("nameAlreadyExists", "An item with the same name already exists."));
    }
    let size = item.get("fileSize").and_then(Value::as_u64);
    let session = uploads::open(context, Target::Item(place), size);
    context.whole(StatusCode::OK, "microsoft.graph.uploadSession", session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_vendors() {
        // From the tests of rclone, which checks drives' hashes by them.
        assert_eq!(quick_xor(b""), "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(quick_xor(b"J"), "SgAAAAAAAAAAAAAAAQAAAAAAAAA=");
        assert_eq!(quick_xor(&[0xb5, 0xb4]), "taAFAAAAAAAAAAAAAgAAAAAAAAA=");
    }

    #[test]
    fn ranges_end_with_the_file() {
        assert_eq!(span("bytes=2-4", 10), Some((2, 4)));
        assert_eq!(span("bytes=2-", 10), Some((2, 9)));
        assert_eq!(span("bytes=2-99", 10), Some((2, 9)));
        assert_eq!(span("bytes=10-", 10), None);
        assert_eq!(span("bytes=0-", 0), None);
    }
}
