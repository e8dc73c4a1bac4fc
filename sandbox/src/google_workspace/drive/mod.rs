//! Drive v3.

mod access;
mod changes;
mod convert;
mod files;
mod known;
mod list;
mod permissions;
mod query;
mod render;
mod update;

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use hyper::Method;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply, Result};
use super::docs::Document;
use super::error::ApiError;
use super::tokens::Grant;
use super::upload::{self, Target, Upload};
use super::{ADMIN, SHARED_DRIVE, TEACHER};
pub(super) use access::{is_visible, readable, writable};
pub(super) use files::{NewFile, created, make};
pub(super) use known::check as check_fields;
pub(super) use permissions::{Permission, number};
pub(super) use update::{replaced, rewritten};

/// A folder.
pub(super) const FOLDER: &str = "application/vnd.google-apps.folder";
/// A document of the Docs editor.
pub(super) const DOCUMENT: &str = "application/vnd.google-apps.document";

const READ: &[&str] = &[
    "drive",
    "drive.file",
    "drive.appdata",
    "drive.meet.readonly",
    "drive.metadata",
    "drive.metadata.readonly",
    "drive.readonly",
];
const WRITE: &[&str] = &["drive", "drive.file", "drive.appdata"];
const UPDATE: &[&str] = &["drive", "drive.file", "drive.appdata", "drive.metadata", "drive.scripts"];
const DRIVES: &[&str] = &["drive", "drive.readonly"];
const EXPORT: &[&str] = &["drive", "drive.file", "drive.meet.readonly", "drive.readonly"];
const SHARE: &[&str] = &["drive", "drive.file"];

/// What a file holds.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Nothing: folders and shortcuts.
    None,
    /// Bytes as they were uploaded.
    Blob(Bytes),
    /// A document of the Docs editor.
    Doc(Document),
}

/// A file or folder.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) parent: Option<String>,
    /// The shared drive that it lies in.
    pub(super) drive: Option<String>,
    /// None in a shared drive.
    pub(super) owner: Option<String>,
    /// Who made it.
    pub(super) maker: String,
    pub(super) permissions: Vec<Permission>,
    pub(super) content: Content,
    /// What is kept as it was given: `description`, `appProperties` and the like.
    pub(super) more: Map<String, Value>,
    pub(super) trashed: bool,
    pub(super) created: i64,
    pub(super) modified: i64,
    pub(super) version: u64,
    /// Google's project whose client made it.
    pub(super) project: String,
    /// Its place among all files, in the order of their making.
    pub(super) number: u64,
    /// From which search on it is found.
    pub(super) found_from: u64,
}

/// A shared drive.
#[derive(Debug, Clone)]
pub(super) struct SharedDrive {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) members: Vec<Permission>,
}

/// Everything that Drive keeps.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) files: HashMap<String, File>,
    pub(super) drives: Vec<SharedDrive>,
    /// Ids that were handed out for files to come.
    pub(super) reserved: BTreeSet<String>,
    /// Which file changed, and whether it is gone with whom that concerns, oldest first.
    pub(super) changes: Vec<changes::Change>,
    /// Addresses that a mail about a shared file went to.
    pub(super) notices: Vec<(String, String)>,
    /// Whether the administrator forbids sharing outside the domain.
    pub(super) domain_only: bool,
    /// Whether the storage is used up.
    pub(super) full: bool,
    /// How many searches a new file stays unseen for.
    pub(super) lag: u64,
    /// Whether searches over all drives leave the shared ones out.
    pub(super) incomplete: bool,
    /// Whether the first page of a list is empty though there is another.
    pub(super) begins_empty: bool,
    searches: u64,
    made: u64,
}

impl Drive {
    pub(super) fn ready() -> Self {
        let members = vec![Permission::user(ADMIN, "organizer"), Permission::user(TEACHER, "fileOrganizer")];
        let school = SharedDrive { id: SHARED_DRIVE.to_owned(), name: "School".to_owned(), members };
        Self {
            files: HashMap::new(),
            drives: vec![school],
            reserved: BTreeSet::new(),
            changes: Vec::new(),
            notices: Vec::new(),
            domain_only: false,
            full: false,
            lag: 0,
            incomplete: false,
            begins_empty: false,
            searches: 0,
            made: 0,
        }
    }

    /// All files, in the order in which they were made.
    pub(super) fn in_order(&self) -> Vec<&File> {
        let mut files: Vec<&File> = self.files.values().collect();
        files.sort_by_key(|file| file.number);
        files
    }
}

/// Answers behind `/drive/v3/`.
pub(super) fn answer(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    match (&method, path) {
        (&Method::GET, ["about"]) => about(call),
        (&Method::GET, ["files"]) => list::list(call),
        (&Method::POST, ["files"]) => files::create(call),
        (&Method::GET, ["files", "generateIds"]) => generate(call),
        (&Method::GET, ["files", id]) => files::get(call, id),
        (&Method::PATCH, ["files", id]) => update::update(call, id),
        (&Method::DELETE, ["files", id]) => files::delete(call, id),
        (&Method::POST, ["files", id, "copy"]) => files::copy(call, id),
        (&Method::GET, ["files", id, "export"]) => convert::export(call, id),
        (&Method::POST, ["files", id, "watch"]) => changes::watch_file(call, id),
        (_, ["files", id, "permissions", rest @ ..]) => permissions::answer(call, id, rest),
        (&Method::GET, ["drives"]) => changes::drives(call),
        (&Method::GET, ["changes", "startPageToken"]) => changes::start(call),
        (&Method::GET, ["changes"]) => changes::list(call),
        (&Method::POST, ["changes", "watch"]) => changes::watch(call),
        (&Method::POST, ["channels", "stop"]) => call.needs(READ).and_then(|()| super::channels::stop(call)),
        _ => Err(ApiError::not_found("Not Found")),
    }
}

/// Answers behind `/upload/drive/v3/`.
pub(super) fn upload(call: &mut Call<'_>, path: &[&str]) -> Result {
    let method = call.request.method.clone();
    let target = match (&method, path) {
        (&Method::POST, ["files"]) => {
            call.needs(WRITE)?;
            Target::File
        }
        (&Method::PATCH, ["files", id]) => {
            call.needs(UPDATE)?;
            access::writable(call, id)?;
            Target::Content((*id).to_owned())
        }
        _ => return Err(ApiError::not_found("Not Found")),
    };
    upload::receive(call, &target)
}

/// Who the user is and what room there is. The vendor gives no answer unless told which fields it wants.
fn about(call: &mut Call<'_>) -> Result {
    call.needs(READ)?;
    if call.query.filled("fields").is_none() {
        let why = "The 'fields' parameter is required for this method.";
        return Err(ApiError::parameter("fields", why));
    }
    let used: usize =
        call.world.drive.files.values().filter(|file| file.owner.as_deref() == Some(call.user())).map(File::size).sum();
    let user = render::user(&call.world.people, call.user(), call.user());
    Ok(Reply::Json(json!({
        "kind": "drive#about",
        "user": user,
        "storageQuota": {
            "limit": "107374182400",
            "usage": used.to_string(),
            "usageInDrive": used.to_string(),
            "usageInDriveTrash": "0",
        },
        "importFormats": { "text/html": [DOCUMENT], "text/plain": [DOCUMENT] },
        "exportFormats": { DOCUMENT: convert::FORMATS },
        "maxUploadSize": "5497558138880",
        "appInstalled": true,
        "canCreateDrives": true,
    })))
}

fn generate(call: &mut Call<'_>) -> Result {
    call.needs(WRITE)?;
    let count = call.size("count", 10, 1000)?;
    let ids: Vec<String> = (0..count).map(|_| call.world.ids.file()).collect();
    call.world.drive.reserved.extend(ids.iter().cloned());
    Ok(Reply::Json(json!({ "kind": "drive#generatedIds", "space": "drive", "ids": ids })))
}

impl File {
    /// How many bytes it holds.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::None => 0,
            Content::Blob(bytes) => bytes.len(),
            Content::Doc(document) => document.text().len(),
        }
    }

    /// The text that a search looks through.
    pub(super) fn text(&self) -> String {
        match &self.content {
            Content::None => String::new(),
            Content::Blob(bytes) if self.mime.starts_with("text/") => String::from_utf8_lossy(bytes).into_owned(),
            Content::Blob(_) => String::new(),
            Content::Doc(document) => document.text(),
        }
    }

    /// Whether a client may see it that was given no more than the files it made.
    fn open_to(&self, grant: &Grant) -> bool {
        let broad =
            ["drive", "drive.readonly", "drive.metadata", "drive.metadata.readonly", "documents", "documents.readonly"];
        grant.allows(&broad) || self.project == grant.project()
    }
}

impl Upload {
    /// The type that a file gets: what was asked for, or what was sent.
    fn mime(&self) -> String {
        let asked = super::call::text(&self.metadata, "mimeType");
        asked.or(self.kind.as_deref()).unwrap_or("application/octet-stream").to_owned()
    }
}
