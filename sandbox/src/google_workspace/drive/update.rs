//! Files renamed, moved, trashed and written anew.

use bytes::Bytes;
use serde_json::Map;

use super::access::{self, missing};
use super::{Call, Content, UPDATE, Upload, changes, convert, files};
use crate::google_workspace::call::{Result, instant, text};
use crate::google_workspace::error::ApiError;

pub(super) fn update(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(UPDATE)?;
    let metadata = call.body()?;
    change(call, id, Upload { metadata, content: Bytes::new(), kind: None }, false)
}

/// A file's content from an upload, with whatever metadata came along.
pub(in crate::google_workspace) fn replaced(call: &mut Call<'_>, id: &str, upload: Upload) -> Result {
    change(call, id, upload, true)
}

fn change(call: &mut Call<'_>, id: &str, upload: Upload, has_content: bool) -> Result {
    let metadata = &upload.metadata;
    if metadata.contains_key("parents") {
        let why = "The parents field is not directly writable in update requests. Use the addParents and removeParents \
                   parameters instead.";
        return Err(ApiError::forbidden("fieldNotWritable", why));
    }
    files::writable_only(metadata)?;
    let file = access::writable(call, id)?;
    let id = file.id.clone();
    let trash = metadata.get("trashed").and_then(serde_json::Value::as_bool);
    if trash.is_some() && file.drive.is_none() && file.owner.as_deref() != Some(call.user()) {
        return Err(access::insufficient());
    }
    let content = match (&file.content, has_content) {
        (_, false) => None,
        (Content::Blob(_), true) => Some(Content::Blob(upload.content.clone())),
        (Content::Doc(old), true) => {
            let mut document = convert::import(upload.kind.as_deref(), &upload.content)?;
            document.follow(old);
            Some(Content::Doc(document))
        }
        (Content::None, true) => return Err(ApiError::invalid("This type of file has no content.")),
    };
    let parent = moved(call, &id)?;
    let at = call.at();
    let file = call.world.drive.files.get_mut(&id).ok_or_else(|| missing(&id))?;
    if let Some((parent, drive)) = parent {
        file.parent = parent;
        file.drive = drive;
    }
    if let Some(name) = text(metadata, "name") {
        name.clone_into(&mut file.name);
    }
    if let Some(mime) = text(metadata, "mimeType").or(upload.kind.as_deref().filter(|_| has_content))
        && !file.mime.starts_with("application/vnd.google-apps.")
    {
        mime.clone_into(&mut file.mime);
    }
    if let Some(content) = content {
        file.content = content;
    }
    if let Some(trashed) = trash {
        file.trashed = trashed;
    }
    let mut more = std::mem::replace(&mut file.more, Map::new());
    files::keep(&mut more, metadata);
    file.more = more;
    file.modified = text(metadata, "modifiedTime").and_then(instant).unwrap_or(at);
    file.version += 1;
    changes::note(call, &id);
    files::shown(call, &id)
}

/// Puts other content into a file that the user may write.
pub(in crate::google_workspace) fn rewritten(call: &mut Call<'_>, id: &str, content: Content) {
    let at = call.at();
    if let Some(file) = call.world.drive.files.get_mut(id) {
        file.content = content;
        file.modified = at;
        file.version += 1;
        changes::note(call, id);
    }
}

/// The folder, and the shared drive, that a file is to lie in from now on.
type Place = (Option<String>, Option<String>);

fn moved(call: &mut Call<'_>, id: &str) -> Result<Option<Place>> {
    let list = |name: &str| -> Vec<String> {
        let given = call.query.filled(name).unwrap_or("");
        given.split(',').map(str::trim).filter(|id| !id.is_empty()).map(|id| access::resolve(call, id)).collect()
    };
    let (add, remove) = (list("addParents"), list("removeParents"));
    if add.is_empty() && remove.is_empty() {
        return Ok(None);
    }
    let file = call.world.drive.files.get(id).ok_or_else(|| missing(id))?;
    let held = file.parent.clone();
    if let Some(stranger) = remove.iter().find(|parent| held.as_ref() != Some(*parent)) {
        return Err(missing(stranger));
    }
    match add.as_slice() {
        [] => {
            let why = "A My Drive item must have exactly one parent.";
            Err(ApiError::forbidden("cannotRemoveOnlyParent", why))
        }
        [parent] => {
            // Moving it there takes the place of the old parent, whether or not it was said to be removed.
            let (parent, into) = files::folder(call, parent)?;
            if inside(call, &parent, id) {
                let why = "A folder cannot be moved into itself or one of its descendants.";
                return Err(ApiError::forbidden("cyclicFolderHierarchy", why));
            }
            Ok(Some((Some(parent), into)))
        }
        _ => Err(ApiError::forbidden("cannotAddParent", "Increasing the number of parents is not allowed")),
    }
}

/// Whether a folder is, or lies in, a file.
fn inside(call: &Call<'_>, folder: &str, id: &str) -> bool {
    let mut next = Some(folder.to_owned());
    while let Some(one) = next {
        if one == id {
            return true;
        }
        next = call.world.drive.files.get(&one).and_then(|file| file.parent.clone());
    }
    false
}
