//! Who may see and do what with a file: its own permissions, its folders', its shared drive's, and groups'.

use super::{Call, File, Permission};
use crate::google_workspace::call::Result;
use crate::google_workspace::directory;
use crate::google_workspace::error::ApiError;
use crate::google_workspace::people::is_local;
use crate::google_workspace::world::World;

/// What a role is worth, so that the greatest of several counts.
pub(super) const ROLES: &[&str] = &["reader", "commenter", "writer", "fileOrganizer", "organizer", "owner"];

/// The refusal for a file that is not there, or not for this user.
pub(super) fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("File not found: {id}.")).at("parameter", "fileId")
}

/// How much a user may do with a file; none if not even see it.
pub(super) fn rank(world: &World, file: &File, user: &str, at: i64) -> Option<usize> {
    let mut best = None;
    let mut next = Some(file);
    // Folders are not nested deeper than this by any test; a circle cannot be made, but would end here.
    for _ in 0..64 {
        let Some(one) = next else { break };
        if one.owner.as_deref() == Some(user) {
            return Some(ROLES.len() - 1);
        }
        best = best.max(granted(world, &one.permissions, user, at));
        next = one.parent.as_ref().and_then(|parent| world.drive.files.get(parent));
    }
    let drive = file.drive.as_ref().and_then(|id| world.drive.drives.iter().find(|drive| drive.id == *id));
    best.max(drive.and_then(|drive| granted(world, &drive.members, user, at)))
}

fn granted(world: &World, permissions: &[Permission], user: &str, at: i64) -> Option<usize> {
    let reaches = |permission: &&Permission| match permission.kind.as_str() {
        "user" => permission.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(user)),
        "group" => permission.email.as_deref().is_some_and(|group| directory::is_member(world, group, user)),
        "domain" => is_local(user),
        _ => true,
    };
    let live = permissions.iter().filter(|permission| permission.expires.is_none_or(|ends| at < ends));
    live.filter(reaches).filter_map(|permission| ROLES.iter().position(|role| *role == permission.role)).max()
}

/// Whether a list without a shared link in hand shows it.
pub(super) fn is_listed(world: &World, file: &File, user: &str, at: i64) -> bool {
    if file.owner.as_deref() == Some(user) {
        return true;
    }
    let by_link = |permission: &Permission| {
        permission.kind == "anyone" || (permission.kind == "domain" && !permission.discoverable)
    };
    let mut direct = file.clone();
    direct.permissions.retain(|permission| !by_link(permission));
    rank(world, &direct, user, at).is_some()
}

/// A file that the call may see, with what its user may do.
pub(in crate::google_workspace) fn readable<'w>(call: &'w Call<'_>, id: &str) -> Result<(&'w File, usize)> {
    let file = call.world.drive.files.get(&resolve(call, id)).filter(|file| file.open_to(&call.grant));
    let file = file.ok_or_else(|| missing(id))?;
    // Whoever does not say that it knows of shared drives does not see into them.
    if file.drive.is_some() && !is_docs(call) && !call.flag("supportsAllDrives") && !call.flag("supportsTeamDrives") {
        return Err(missing(id));
    }
    let rank = rank(call.world, file, call.user(), call.at()).ok_or_else(|| missing(id))?;
    Ok((file, rank))
}

/// Whether the call's user may see a file, whatever product asks.
pub(in crate::google_workspace) fn is_visible(call: &Call<'_>, id: &str) -> bool {
    let file = call.world.drive.files.get(id);
    file.is_some_and(|file| rank(call.world, file, call.user(), call.at()).is_some())
}

/// Docs knows of shared drives without being told.
fn is_docs(call: &Call<'_>) -> bool {
    call.request.path().starts_with("/v1/documents")
}

/// A file that the call may change.
pub(in crate::google_workspace) fn writable<'w>(call: &'w Call<'_>, id: &str) -> Result<&'w File> {
    let (file, rank) = readable(call, id)?;
    if rank < at_least("writer") {
        return Err(insufficient());
    }
    Ok(file)
}

pub(super) fn insufficient() -> ApiError {
    let why = "The user does not have sufficient permissions for this file.";
    ApiError::forbidden("insufficientFilePermissions", why).at("parameter", "fileId")
}

/// What a role is worth.
pub(super) fn at_least(role: &str) -> usize {
    ROLES.iter().position(|known| *known == role).unwrap_or(ROLES.len())
}

/// The id that `root` stands for.
pub(super) fn resolve(call: &Call<'_>, id: &str) -> String {
    if id == "root" { root_id(call.world, call.user()) } else { id.to_owned() }
}

/// The id of a user's own root folder.
pub(super) fn root_id(world: &World, user: &str) -> String {
    let number = world.people.find(user).map_or(user, |person| person.id.as_str());
    format!("0A{number:.20}PVA")
}
