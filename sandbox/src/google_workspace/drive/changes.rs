//! What has changed since a token, what is watched, and the shared drives.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::access::{self, rank};
use super::{Call, DRIVES, File, READ, Reply, render};
use crate::google_workspace::call::{Result, moment, with_next};
use crate::google_workspace::channels;
use crate::google_workspace::error::ApiError;

const LIST: &str = "kind,nextPageToken,newStartPageToken,changes(kind,type,changeType,time,removed,fileId,\
                    file(kind,id,name,mimeType))";
/// How long a channel lives at most, in milliseconds: a week for changes, a day for a file.
const CHANGES_LIFE_MS: i64 = 7 * 24 * 3_600_000;
const FILE_LIFE_MS: i64 = 24 * 3_600_000;

/// A change of a file.
#[derive(Debug, Clone)]
pub(in crate::google_workspace) struct Change {
    id: String,
    at: i64,
    /// The file as it was.
    then: File,
}

/// Remembers that a file has changed, or is about to go.
pub(super) fn note(call: &mut Call<'_>, id: &str) {
    let at = call.at();
    if let Some(then) = call.world.drive.files.get(id).cloned() {
        call.world.drive.changes.push(Change { id: id.to_owned(), at, then });
    }
}

pub(super) fn start(call: &mut Call<'_>) -> Result {
    call.needs(READ)?;
    let token = call.world.drive.changes.len() + 1;
    Ok(Reply::Json(json!({ "kind": "drive#startPageToken", "startPageToken": token.to_string() })))
}

/// How many changes were before the one that the token names.
fn token(call: &Call<'_>) -> Result<usize> {
    let token = call.query.filled("pageToken").ok_or_else(|| ApiError::required("pageToken"))?;
    let number = token.parse::<usize>().ok().and_then(|token| token.checked_sub(1));
    let number = number.filter(|number| *number <= call.world.drive.changes.len());
    number.ok_or_else(|| ApiError::parameter("pageToken", format!("Invalid Value: {token}")))
}

pub(super) fn list(call: &mut Call<'_>) -> Result {
    call.needs(READ)?;
    let (mut at, size) = (token(call)?, call.size("pageSize", 100, 1000)?);
    let world = &*call.world;
    let changes = &world.drive.changes;
    let (mut shown, mut seen) = (Vec::new(), HashSet::new());
    // Of several changes to a file, the last one stands for all.
    let last = |change: &Change, at: usize| !changes.iter().skip(at + 1).any(|later| later.id == change.id);
    while let (Some(change), true) = (changes.get(at), shown.len() < size) {
        if last(change, at) && seen.insert(change.id.clone()) {
            shown.extend(one(call, change));
        }
        at += 1;
    }
    let mut list = json!({ "kind": "drive#changeList", "changes": shown });
    if at < changes.len() {
        list = with_next(list, Some((at + 1).to_string()));
    } else {
        list["newStartPageToken"] = json!((at + 1).to_string());
    }
    Ok(Reply::Partial(list, LIST))
}

/// A change as the user sees it, if it concerns the user.
fn one(call: &Call<'_>, change: &Change) -> Option<Value> {
    let (world, user) = (&*call.world, call.user());
    let was_seen = rank(world, &change.then, user, change.at).is_some() && change.then.open_to(&call.grant);
    let now = world.drive.files.get(&change.id);
    let now = now.filter(|file| rank(world, file, user, call.at()).is_some());
    let all_drives = call.flag("includeItemsFromAllDrives") && call.flag("supportsAllDrives");
    if !was_seen || (change.then.drive.is_some() && !all_drives) {
        return None;
    }
    let mut shown = json!({
        "kind": "drive#change",
        "type": "file",
        "changeType": "file",
        "time": moment(change.at),
        "removed": now.is_none(),
        "fileId": change.id,
    });
    if let Some(file) = now {
        shown["file"] = render::file(world, file, user, call.at());
    }
    Some(shown)
}

pub(super) fn watch(call: &mut Call<'_>) -> Result {
    call.needs(READ)?;
    token(call)?;
    channels::open(call, CHANGES_LIFE_MS)
}

pub(super) fn watch_file(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(READ)?;
    access::readable(call, id)?;
    channels::open(call, FILE_LIFE_MS)
}

pub(super) fn drives(call: &mut Call<'_>) -> Result {
    call.needs(DRIVES)?;
    let size = call.size("pageSize", 10, 100)?;
    let everything = call.flag("useDomainAdminAccess") && call.is_admin();
    let user = call.user();
    let drives = call
        .world
        .drive
        .drives
        .iter()
        .filter(|drive| everything || drive.members.iter().any(|member| member.email.as_deref() == Some(user)));
    let shown: Vec<Value> =
        drives.map(|drive| json!({ "kind": "drive#drive", "id": drive.id, "name": drive.name })).collect();
    let (page, next) = call.page(shown, size)?;
    let list = with_next(json!({ "kind": "drive#driveList", "drives": page }), next);
    Ok(Reply::Partial(list, "kind,nextPageToken,drives(kind,id,name)"))
}
