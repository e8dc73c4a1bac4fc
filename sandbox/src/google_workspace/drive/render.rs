//! Files as the vendor shows them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::access::{at_least, rank};
use super::{Content, DOCUMENT, FOLDER, File};
use crate::google_workspace::call::moment;
use crate::google_workspace::people::People;
use crate::google_workspace::world::World;

/// What is shown of a file unless `fields` asks for more.
pub(super) const BRIEF: &str = "kind,id,name,mimeType,resourceKey";

/// A file in full, as one user sees it.
pub(super) fn file(world: &World, file: &File, viewer: &str, at: i64) -> Value {
    let rank = rank(world, file, viewer, at).unwrap_or(0);
    let may = |role: &str| rank >= at_least(role);
    let mut shown = json!({
        "kind": "drive#file",
        "id": file.id,
        "name": file.name,
        "mimeType": file.mime,
        "starred": false,
        "trashed": file.trashed,
        "explicitlyTrashed": file.trashed,
        "parents": file.parent.iter().collect::<Vec<_>>(),
        "spaces": ["drive"],
        "version": file.version.to_string(),
        "webViewLink": link(file),
        "createdTime": moment(file.created),
        "modifiedTime": moment(file.modified),
        "ownedByMe": file.owner.as_deref() == Some(viewer),
        "shared": file.permissions.len() > 1,
        "writersCanShare": true,
        "isAppAuthorized": true,
        "quotaBytesUsed": file.size().to_string(),
        "permissionIds": file.permissions.iter().map(|permission| &permission.id).collect::<Vec<_>>(),
        "capabilities": {
            "canEdit": may("writer"),
            "canComment": may("commenter"),
            "canShare": may("writer"),
            "canCopy": file.mime != FOLDER,
            "canDelete": file.owner.as_deref() == Some(viewer) || may("organizer"),
            "canTrash": file.owner.as_deref() == Some(viewer) || may("fileOrganizer"),
            "canRename": may("writer"),
            "canDownload": true,
            "canAddChildren": file.mime == FOLDER && may("writer"),
            "canListChildren": file.mime == FOLDER,
        },
    });
    let Some(fields) = shown.as_object_mut() else { return shown };
    if let Some(owner) = &file.owner {
        fields.insert("owners".to_owned(), json!([user(&world.people, owner, viewer)]));
    }
    if let Some(drive) = &file.drive {
        fields.insert("driveId".to_owned(), json!(drive));
    }
    if may("writer") {
        let permissions: Vec<Value> = file.permissions.iter().map(|one| one.shown(&world.people)).collect();
        fields.insert("permissions".to_owned(), json!(permissions));
    }
    content(fields, file);
    fields.extend(file.more.clone());
    shown
}

fn content(fields: &mut Map<String, Value>, file: &File) {
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    match &file.content {
        Content::None => {}
        Content::Doc(document) => {
            put("size", json!(file.size().to_string()));
            put("headRevisionId", json!(document.revision()));
        }
        Content::Blob(bytes) => {
            put("size", json!(bytes.len().to_string()));
            put("sha256Checksum", json!(hex(&Sha256::digest(bytes))));
            put("sha1Checksum", json!(hex(&sha1::Sha1::digest(bytes))));
            put("headRevisionId", json!(STANDARD.encode(file.version.to_be_bytes())));
            put("originalFilename", json!(file.name));
            put("webContentLink", json!(format!("https://drive.google.com/uc?id={}&export=download", file.id)));
            if let Some((_, extension)) = file.name.rsplit_once('.') {
                put("fileExtension", json!(extension));
                put("fullFileExtension", json!(extension));
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn link(file: &File) -> String {
    let id = &file.id;
    match file.mime.as_str() {
        DOCUMENT => format!("https://docs.google.com/document/d/{id}/edit?usp=drivesdk"),
        FOLDER => format!("https://drive.google.com/drive/folders/{id}"),
        _ => format!("https://drive.google.com/file/d/{id}/view?usp=drivesdk"),
    }
}

/// A user as files and permissions show one.
pub(super) fn user(people: &People, email: &str, viewer: &str) -> Value {
    json!({
        "kind": "drive#user",
        "displayName": people.display(email),
        "me": email == viewer,
        "permissionId": super::permissions::number(email),
        "emailAddress": email,
    })
}
