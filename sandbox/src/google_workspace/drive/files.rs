//! Files made, read, copied and deleted.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_RANGE, RANGE};
use serde_json::{Map, Value};

use super::access::{self, at_least, insufficient, missing};
use super::convert;
use super::render::{self, BRIEF};
use super::{Call, Content, DOCUMENT, FOLDER, File, Permission, READ, Reply, Upload, WRITE, changes};
use crate::google_workspace::call::{Result, text};
use crate::google_workspace::docs::Document;
use crate::google_workspace::error::ApiError;

/// Fields that are kept and shown again as they were given.
const KEPT: &[&str] = &[
    "description",
    "appProperties",
    "properties",
    "starred",
    "folderColorRgb",
    "writersCanShare",
    "copyRequiresWriterPermission",
    "viewersCanCopyContent",
    "contentRestrictions",
    "shortcutDetails",
];
/// Fields that only the vendor writes.
const READ_ONLY: &[&str] = &[
    "owners",
    "permissions",
    "permissionIds",
    "webViewLink",
    "webContentLink",
    "version",
    "size",
    "md5Checksum",
    "sha1Checksum",
    "sha256Checksum",
    "headRevisionId",
    "ownedByMe",
    "shared",
    "capabilities",
    "quotaBytesUsed",
    "spaces",
    "driveId",
    "lastModifyingUser",
    "trashingUser",
    "explicitlyTrashed",
];

/// What a new file is made from.
pub(in crate::google_workspace) struct NewFile {
    pub(in crate::google_workspace) metadata: Map<String, Value>,
    pub(in crate::google_workspace) mime: String,
    pub(in crate::google_workspace) content: Content,
}

/// Refuses fields that only the vendor writes.
pub(super) fn writable_only(metadata: &Map<String, Value>) -> Result<()> {
    if metadata.keys().any(|name| READ_ONLY.contains(&name.as_str())) {
        let why = "The resource body includes fields which are not directly writable.";
        return Err(ApiError::forbidden("fieldNotWritable", why));
    }
    Ok(())
}

/// What is kept of a body. Properties that are null are taken away.
pub(super) fn keep(more: &mut Map<String, Value>, metadata: &Map<String, Value>) {
    for name in KEPT {
        match metadata.get(*name) {
            None => {}
            Some(Value::Object(given)) => {
                let held = more.entry(*name).or_insert_with(|| Value::Object(Map::new()));
                let Some(held) = held.as_object_mut() else { continue };
                held.extend(given.clone());
                held.retain(|_, value| !value.is_null());
            }
            Some(value) => drop(more.insert((*name).to_owned(), value.clone())),
        }
    }
}

pub(super) fn create(call: &mut Call<'_>) -> Result {
    call.needs(WRITE)?;
    let metadata = call.body()?;
    let mime = text(&metadata, "mimeType").unwrap_or("application/octet-stream").to_owned();
    let content = match mime.as_str() {
        DOCUMENT => Content::Doc(Document::new("")),
        kind if kind.starts_with("application/vnd.google-apps.") => Content::None,
        _ => Content::Blob(Bytes::new()),
    };
    made(call, NewFile { metadata, mime, content })
}

/// A file from an upload; one that is to be a document is converted.
pub(in crate::google_workspace) fn created(call: &mut Call<'_>, upload: Upload) -> Result {
    let mime = upload.mime();
    let content = if mime == DOCUMENT {
        Content::Doc(convert::import(upload.kind.as_deref(), &upload.content)?)
    } else if mime.starts_with("application/vnd.google-apps.") {
        return Err(ApiError::invalid("Bad Request. This type of file cannot be made from an upload."));
    } else {
        Content::Blob(upload.content)
    };
    made(call, NewFile { metadata: upload.metadata, mime, content })
}

fn made(call: &mut Call<'_>, new: NewFile) -> Result {
    let id = make(call, new)?;
    shown(call, &id)
}

/// Answers with a file.
pub(super) fn shown(call: &Call<'_>, id: &str) -> Result {
    let file = call.world.drive.files.get(id).ok_or_else(|| missing(id))?;
    Ok(Reply::Partial(render::file(call.world, file, call.user(), call.at()), BRIEF))
}

/// Makes a file and says its id.
pub(in crate::google_workspace) fn make(call: &mut Call<'_>, new: NewFile) -> Result<String> {
    let NewFile { metadata, mime, content } = new;
    writable_only(&metadata)?;
    let (parent, drive) = place(call, &metadata)?;
    if call.world.drive.full && matches!(&content, Content::Blob(bytes) if !bytes.is_empty()) {
        let why = "The user's Drive storage quota has been exceeded.";
        return Err(ApiError::forbidden("storageQuotaExceeded", why));
    }
    let id = match text(&metadata, "id") {
        Some(id) => reserved(call, id, &mime)?,
        None => call.world.ids.file(),
    };
    let at = call.at();
    let maker = call.user().to_owned();
    let owner = drive.is_none().then(|| maker.clone());
    let world = &mut *call.world;
    world.drive.made += 1;
    let mut more = Map::new();
    keep(&mut more, &metadata);
    let file = File {
        id: id.clone(),
        name: text(&metadata, "name").unwrap_or("Untitled").to_owned(),
        mime,
        parent: Some(parent),
        drive,
        permissions: owner.iter().map(|owner| Permission::user(owner, "owner")).collect(),
        owner,
        maker,
        content,
        more,
        trashed: false,
        created: at,
        modified: at,
        version: 1,
        project: call.grant.project().to_owned(),
        number: world.drive.made,
        found_from: world.drive.searches + world.drive.lag,
    };
    world.drive.files.insert(id.clone(), file);
    changes::note(call, &id);
    Ok(id)
}

/// An id that was handed out before and is not used yet.
fn reserved(call: &Call<'_>, id: &str, mime: &str) -> Result<String> {
    if mime.starts_with("application/vnd.google-apps.") && mime != FOLDER {
        return Err(ApiError::invalid("Generated IDs are not supported for Docs Editors formats."));
    }
    if call.world.drive.files.contains_key(id) {
        return Err(ApiError::new(StatusCode::CONFLICT, "fileIdInUse", "A file already exists with the provided ID.")
            .at("parameter", "file.id"));
    }
    if !call.world.drive.reserved.contains(id) {
        return Err(ApiError::invalid("The provided file ID is not usable.").at("parameter", "file.id"));
    }
    Ok(id.to_owned())
}

/// The folder that a new file goes to, and the shared drive that it lies in.
fn place(call: &mut Call<'_>, metadata: &Map<String, Value>) -> Result<(String, Option<String>)> {
    let parents = metadata.get("parents").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match parents {
        [] => folder(call, "root"),
        [parent] => folder(call, parent.as_str().unwrap_or("")),
        _ => {
            let why = "A file cannot be created with multiple parents.";
            Err(ApiError::forbidden("multipleParentsNotSupported", why))
        }
    }
}

/// A folder that the user may put files into, and the shared drive that it lies in.
pub(super) fn folder(call: &mut Call<'_>, id: &str) -> Result<(String, Option<String>)> {
    let own = access::root_id(call.world, call.user());
    if id == "root" || id == own {
        root(call, &own);
        return Ok((own, None));
    }
    let drive = call.world.drive.drives.iter().find(|drive| drive.id == id).cloned();
    if let Some(drive) = drive {
        let member = drive.members.iter().find(|member| member.email.as_deref() == Some(call.user()));
        let member = member.filter(|_| call.flag("supportsAllDrives")).ok_or_else(|| missing(id))?;
        return if at_least(&member.role) >= at_least("writer") {
            Ok((drive.id.clone(), Some(drive.id)))
        } else {
            Err(parent_refused())
        };
    }
    let (folder, rank) = access::readable(call, id)?;
    if folder.mime != FOLDER {
        return Err(ApiError::forbidden("parentNotAFolder", "The specified parent is not a folder."));
    }
    if rank < at_least("writer") {
        return Err(parent_refused());
    }
    Ok((folder.id.clone(), folder.drive.clone()))
}

fn parent_refused() -> ApiError {
    ApiError::forbidden("insufficientParentPermissions", "Insufficient permissions for the specified parent.")
}

/// Sees to it that a user's root folder is there.
fn root(call: &mut Call<'_>, id: &str) {
    let user = call.user().to_owned();
    let project = call.grant.project().to_owned();
    call.world.drive.files.entry(id.to_owned()).or_insert_with(|| File {
        id: id.to_owned(),
        name: "My Drive".to_owned(),
        mime: FOLDER.to_owned(),
        parent: None,
        drive: None,
        permissions: vec![Permission::user(&user, "owner")],
        owner: Some(user.clone()),
        maker: user,
        content: Content::None,
        more: Map::new(),
        trashed: false,
        created: 0,
        modified: 0,
        version: 1,
        project,
        number: 0,
        found_from: u64::MAX,
    });
}

pub(super) fn get(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(READ)?;
    if id == "root" {
        folder(call, id)?;
    }
    let (file, _) = access::readable(call, id)?;
    if call.query.get("alt") == Some("media") {
        return download(call, file);
    }
    let id = file.id.clone();
    shown(call, &id)
}

fn download(call: &Call<'_>, file: &File) -> Result {
    if !call.grant.allows(&["drive", "drive.file", "drive.readonly", "drive.appdata"]) {
        return Err(ApiError::scope());
    }
    let Content::Blob(bytes) = &file.content else {
        let why = "Only files with binary content can be downloaded. Use Export with Docs Editors files.";
        return Err(ApiError::forbidden("fileNotDownloadable", why).at("parameter", "alt"));
    };
    let whole = || convert::bytes(StatusCode::OK, &file.mime, bytes.clone());
    let Some(range) = call.request.header(&RANGE).and_then(|range| span(range, bytes.len())) else {
        return Ok(Reply::Whole(whole()));
    };
    let (first, last) = range;
    let part = convert::bytes(StatusCode::PARTIAL_CONTENT, &file.mime, bytes.slice(first..=last));
    Ok(Reply::Whole(part.with(CONTENT_RANGE, &format!("bytes {first}-{last}/{}", bytes.len()))))
}

/// The first and last byte that `bytes=a-b` asks for.
fn span(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let last =
        if last.is_empty() { length.checked_sub(1)? } else { last.parse::<usize>().ok()?.min(length.checked_sub(1)?) };
    (first <= last).then_some((first, last))
}

pub(super) fn delete(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(WRITE)?;
    let (file, rank) = access::readable(call, id)?;
    let may = file.owner.as_deref() == Some(call.user()) || (file.drive.is_some() && rank >= at_least("organizer"));
    if !may {
        return Err(insufficient());
    }
    // A folder takes what lies in it along.
    let mut doomed = vec![file.id.clone()];
    let mut at = 0;
    while let Some(id) = doomed.get(at).cloned() {
        let inside = call.world.drive.files.values().filter(|file| file.parent.as_deref() == Some(id.as_str()));
        doomed.extend(inside.map(|file| file.id.clone()));
        at += 1;
    }
    for id in doomed {
        changes::note(call, &id);
        call.world.drive.files.remove(&id);
    }
    Ok(Reply::Empty)
}

pub(super) fn copy(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(WRITE)?;
    let mut metadata = call.body()?;
    let (file, _) = access::readable(call, id)?;
    if file.mime == FOLDER {
        let why = "This file cannot be copied by the user.";
        return Err(ApiError::forbidden("cannotCopyFile", why).at("parameter", "fileId"));
    }
    let (mime, content) = (file.mime.clone(), file.content.clone());
    let mut more = file.more.clone();
    keep(&mut more, &metadata);
    let name = format!("Copy of {}", file.name);
    metadata.entry("name").or_insert_with(|| name.into());
    more.into_iter().for_each(|(name, value)| drop(metadata.insert(name, value)));
    made(call, NewFile { metadata, mime, content })
}
