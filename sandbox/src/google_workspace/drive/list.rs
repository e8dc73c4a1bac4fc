//! Lists of files, searched and sorted.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::access::{at_least, is_listed, rank, resolve};
use super::query::Query;
use super::{Call, FOLDER, File, READ, Reply, render};
use crate::google_workspace::call::{Result, with_next};
use crate::google_workspace::error::ApiError;

const BRIEF: &str = "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType,resourceKey)";

pub(super) fn list(call: &mut Call<'_>) -> Result {
    call.needs(READ)?;
    let size = call.size("pageSize", 100, 1000)?;
    let query = match call.query.filled("q") {
        None => None,
        Some(text) => Some(aliased(Query::parse(text)?, call)),
    };
    let orders = orders(call)?;
    let all_drives = call.flag("includeItemsFromAllDrives") && call.flag("supportsAllDrives");
    // Over the user's own, files of shared drives are among them that the user has made. The vendor counts those too that
    // the user has opened, of which nothing is kept here.
    let own = matches!(call.query.filled("corpora"), Some("user") | None) && call.query.filled("driveId").is_none();
    let only = match (call.query.filled("corpora"), call.query.filled("driveId")) {
        (Some("drive"), None) => return Err(ApiError::required("driveId")),
        (Some("user" | "domain" | "allDrives" | "drive") | None, drive) => drive.map(str::to_owned),
        (Some(other), _) => return Err(ApiError::parameter("corpora", format!("Invalid value '{other}'."))),
    };
    // Of one drive all is known; of all of them perhaps not.
    let incomplete = call.world.drive.incomplete && all_drives && only.is_none() && !own;
    let search = call.world.drive.searches;
    call.world.drive.searches += 1;
    let (world, user, at) = (&*call.world, call.user(), call.at());
    let shown = |file: &&File| {
        file.found_from <= search
            && file.open_to(&call.grant)
            && (file.drive.is_none() || (all_drives && !incomplete && (!own || file.maker == user)))
            && only.as_ref().is_none_or(|drive| file.drive.as_ref() == Some(drive))
            && is_listed(world, file, user, at)
            && query.as_ref().is_none_or(|query| {
                let roles = |collection: &str, who: &str| {
                    let least = if collection == "writers" { at_least("writer") } else { 0 };
                    rank(world, file, who, at).is_some_and(|rank| rank >= least)
                };
                query.matches(file, &roles)
            })
    };
    let mut files: Vec<&File> = world.drive.in_order().into_iter().filter(shown).collect();
    // Unless told otherwise, the newest comes first.
    files.reverse();
    for (key, falling) in orders.iter().rev() {
        files.sort_by(|one, other| {
            let order = compare(key, one, other);
            if *falling { order.reverse() } else { order }
        });
    }
    let (page, next) = if world.drive.begins_empty && call.query.filled("pageToken").is_none() {
        (Vec::new(), Some(call.token(0)))
    } else {
        call.page(files, size)?
    };
    let files: Vec<Value> = page.into_iter().map(|file| render::file(world, file, user, at)).collect();
    let list = json!({ "kind": "drive#fileList", "incompleteSearch": incomplete, "files": files });
    Ok(Reply::Partial(with_next(list, next), BRIEF))
}

/// Puts ids in the place of `root`.
fn aliased(query: Query, call: &Call<'_>) -> Query {
    match query {
        Query::In(id, collection) if collection == "parents" => Query::In(resolve(call, &id), collection),
        Query::And(parts) => Query::And(parts.into_iter().map(|part| aliased(part, call)).collect()),
        Query::Or(parts) => Query::Or(parts.into_iter().map(|part| aliased(part, call)).collect()),
        Query::Not(part) => Query::Not(Box::new(aliased(*part, call))),
        other => other,
    }
}

const KEYS: &[&str] = &["createdTime", "folder", "modifiedTime", "name", "name_natural", "quotaBytesUsed"];

fn orders(call: &Call<'_>) -> Result<Vec<(String, bool)>> {
    let given = call.query.filled("orderBy").unwrap_or("");
    given
        .split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(|key| {
            let (key, falling) = key.strip_suffix(" desc").map_or((key, false), |key| (key, true));
            if KEYS.contains(&key) {
                Ok((key.to_owned(), falling))
            } else {
                Err(ApiError::parameter("orderBy", format!("Sorting by {key} is not supported.")))
            }
        })
        .collect()
}

fn compare(key: &str, one: &File, other: &File) -> Ordering {
    match key {
        "createdTime" => one.created.cmp(&other.created),
        "modifiedTime" => one.modified.cmp(&other.modified),
        // Folders first.
        "folder" => (other.mime == FOLDER).cmp(&(one.mime == FOLDER)),
        "quotaBytesUsed" => one.size().cmp(&other.size()),
        _ => one.name.to_lowercase().cmp(&other.name.to_lowercase()),
    }
}
