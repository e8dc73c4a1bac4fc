//! Files and folders as they are: reading about them, putting them elsewhere, taking them away.
//! <https://developers.google.com/workspace/drive/api/reference/rest/v3/files>

use serde_json::{Value, json};
use url::Url;

use super::{
    super::{
        GoogleWorkspace, define,
        define::{Done, check_page, check_text, operation, page},
        scopes,
        wire::{drive, made},
    },
    marker,
    objects::{DriveAbout, FILE, File, FileIds, SharedDrive},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Repeat, Request},
};

/// The media type of folders.
pub(super) const FOLDER: &str = "application/vnd.google-apps.folder";
/// The longest name that we let through; Drive states no limit.
pub(in super::super) const NAME: usize = 1000;

operation! {
    /// Reads whose Drive it is, and how much room there is.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/about/get>. Access `read`.
    ///
    /// Example: `{}`
    GetDriveAbout = "getDriveAbout", Read, Always -> DriveAbout,
    scopes scopes::FILES,
    discloses {}
    path {}
    required {}
    optional {}
    run |_this, call| {
        let request = call.get(drive(call, &["about"])?).query("fields", "user(displayName,emailAddress),storageQuota");
        call.fetch(request).await
    }
}

operation! {
    /// Reads about a file or folder. Its content is `downloadFile`'s, or `exportFile`'s for Google's own documents.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"}`
    GetFile = "getFile", Read, Always -> File,
    scopes scopes::FILES,
    discloses {}
    path {
        /// The file's id.
        file_id: String,
    }
    required {}
    optional {
        /// Members to be read beside the usual, as Drive names them, such as `capabilities`.
        fields: Vec<String>,
    }
    check |this| { check_fields(this.fields.as_deref())?; }
    run |this, call| {
        let request = call.get(drive(call, &["files", &this.file_id])?);
        call.fetch(for_all_drives(request).query("fields", with_fields(FILE, this.fields.as_deref()))).await
    }
}

operation! {
    /// Makes a folder.
    ///
    /// <https://developers.google.com/workspace/drive/api/guides/folder>. Access `write`. Repeated with the same idempotency
    /// key it makes one. Errors: `not_found` with field `folderId`.
    ///
    /// Example: `{"name": "Class 7b", "folderId": "0AFolderOfTheSchool"}`
    CreateFolder = "createFolder", Write, WithKey -> File,
    scopes scopes::DRIVE,
    steps &["id", "create"],
    discloses { "name": Content(Anyone), "description": Content(Anyone) }
    path {}
    required {
        /// The name.
        name: String,
    }
    optional {
        /// The folder it goes into. Default: the top of the user's own Drive.
        folder_id: String,
        /// What it is for.
        description: String,
    }
    check |this| {
        check_text("name", &this.name, NAME)?;
        check_folder(this.folder_id.as_deref())?;
    }
    run |this, call| {
        let id = new_id(call).await?;
        let body = metadata(&this.name, Some(FOLDER), this.folder_id.as_deref(), this.description.as_deref(), Some(&id));
        let (id, made) = made(call, "create", async |_| {
            let request = for_all_drives(call.post(drive(call, &["files"])?)).query("fields", FILE).json(&body);
            created(call, &id, request, this.folder_id.is_some()).await
        })
        .await?;
        finished(call, &id, made).await
    }
}

operation! {
    /// Gives a file another name.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/update>. Access `write`. Errors: `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g", "name": "Report 2026"}`
    RenameFile = "renameFile", Write, Always -> File,
    scopes scopes::DRIVE,
    discloses { "name": Content(Anyone) }
    path {
        /// The file's id.
        file_id: String,
    }
    required {
        /// The name.
        name: String,
    }
    optional {}
    check |this| { check_text("name", &this.name, NAME)?; }
    run |this, call| { change(call, &this.file_id, &[], &json!({ "name": this.name })).await }
}

operation! {
    /// Puts a file into another folder, and out of the one it is in.
    ///
    /// <https://developers.google.com/workspace/drive/api/guides/folder#move-files>. Access `write`. Errors: `not_found`, with
    /// field `folderId` where it is the folder that is not there.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g", "folderId": "0AFolderOfTheSchool"}`
    MoveFile = "moveFile", Write, Always -> File,
    scopes scopes::DRIVE,
    discloses {}
    path {
        /// The file's id.
        file_id: String,
        /// The folder it goes into.
        folder_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let file = read(call, &this.file_id).await?;
        let parents = file.parents.as_deref().unwrap_or_default();
        let others: Vec<&str> = parents.iter().map(String::as_str).filter(|id| *id != this.folder_id).collect();
        let there = others.len() < parents.len();
        if there && others.is_empty() {
            return Ok(file);
        }
        let (added, removed) = (if there { "" } else { this.folder_id.as_str() }, others.join(","));
        let moved = change(call, &this.file_id, &[("addParents", added), ("removeParents", &removed)], &json!({})).await;
        // The file was there a moment ago.
        moved.map_err(|error| if error.code() == ErrorCode::NotFound { error.with_field("folderId") } else { error })
    }
}

operation! {
    /// Copies a file.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/copy>. Access `write`. Repeated with the same
    /// idempotency key it makes one copy. Errors: `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g", "name": "Report for class 7b"}`
    CopyFile = "copyFile", Write, WithKey -> File,
    scopes scopes::DRIVE,
    steps &["copy"],
    discloses { "name": Content(Anyone) }
    path {
        /// The file's id.
        file_id: String,
    }
    required {}
    optional {
        /// The copy's name. Default: that of the file, with "Copy of" before it.
        name: String,
        /// The folder it goes into. Default: that of the file.
        folder_id: String,
    }
    check |this| {
        this.name.as_ref().map_or(Ok(()), |name| check_text("name", name, NAME))?;
        check_folder(this.folder_id.as_deref())?;
    }
    run |this, call| {
        // Ids made beforehand are for files that are not Google's own; the mark is for all.
        let (id, made) = marker::made(call, "copy", async |marks| {
            let mut body = json!({ "appProperties": marks });
            if let Some(name) = &this.name {
                body["name"] = json!(name);
            }
            if let Some(folder) = &this.folder_id {
                body["parents"] = json!([folder]);
            }
            let request = call.post(drive(call, &["files", &this.file_id, "copy"])?);
            let request = for_all_drives(request).query("fields", FILE).json(&body);
            match call.send_as(request, Repeat::Never).await {
                Ok(copied) => call.read(&copied, Repeat::Never),
                // Google says of both alike that they are not there.
                Err(error) if error.code() == ErrorCode::NotFound && this.folder_id.is_some() => {
                    Err(of_folder(error, read(call, &this.file_id).await.is_ok()))
                }
                Err(error) => Err(error),
            }
        })
        .await?;
        finished(call, &id, made).await
    }
}

operation! {
    /// Puts a file into the bin. Drive empties it after 30 days.
    ///
    /// <https://developers.google.com/workspace/drive/api/guides/delete#trash>. Access `write`. Errors: `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"}`
    TrashFile = "trashFile", Write, Always -> File,
    scopes scopes::DRIVE,
    discloses {}
    path {
        /// The file's id.
        file_id: String,
    }
    required {}
    optional {
        /// `false` takes it out of the bin again.
        trashed: bool,
    }
    run |this, call| { change(call, &this.file_id, &[], &json!({ "trashed": this.trashed.unwrap_or(true) })).await }
}

operation! {
    /// Deletes a file for good, without the bin; a folder with all that is in it.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/delete>. Access `write`. Errors: `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"}`
    DeleteFile = "deleteFile", Write, Always -> Done,
    scopes scopes::DRIVE,
    discloses {}
    path {
        /// The file's id.
        file_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        define::remove(call, url_for_all_drives(drive(call, &["files", &this.file_id])?)).await
    }
}

operation! {
    /// Makes ids that files can be given when they are made.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/generateIds>. Access `read`.
    ///
    /// Example: `{"count": 3}`
    GenerateFileIds = "generateFileIds", Read, Always -> FileIds,
    scopes scopes::DRIVE,
    discloses {}
    path {}
    required {}
    optional {
        /// How many, 1 to 1000; Google's default is 10.
        count: u32,
    }
    check |this| { check_page("count", this.count, 1000)?; }
    run |this, call| { ids(call, this.count.unwrap_or(10)).await }
}

page! {
    /// A page of shared drives.
    SharedDrives { drives: SharedDrive }
    for ListSharedDrives
}

operation! {
    /// Lists the shared drives that the user sees.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/drives/list>. Access `read`.
    ///
    /// Example: `{"pageSize": 50}`
    ListSharedDrives = "listSharedDrives", Read, Always -> SharedDrives,
    scopes scopes::DRIVES,
    discloses {}
    path {}
    required {}
    optional {
        /// How many, 1 to 100; Google's default is 10.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { check_page("pageSize", this.page_size, 100)?; }
    run |this, call| { define::get(call, drive(call, &["drives"])?, &this.rest()?).await }
}

/// Says that shared drives are known: without it they are as good as not there.
pub(super) fn for_all_drives(request: Request) -> Request {
    request.query("supportsAllDrives", "true")
}

/// The same of an address.
pub(super) fn url_for_all_drives(mut url: Url) -> Url {
    url.query_pairs_mut().append_pair("supportsAllDrives", "true");
    url
}

/// The usual members, and some more.
pub(super) fn with_fields(usual: &str, more: Option<&[String]>) -> String {
    let more = more.unwrap_or_default();
    std::iter::once(usual).chain(more.iter().map(String::as_str)).collect::<Vec<_>>().join(",")
}

pub(super) fn check_fields(fields: Option<&[String]>) -> Result<()> {
    for (at, field) in fields.unwrap_or_default().iter().enumerate() {
        let good =
            !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/()*".contains(&byte));
        if !good {
            return Err(Error::invalid(format!("fields[{at}]"), "must be the name of a member, such as capabilities"));
        }
    }
    Ok(())
}

pub(super) fn check_folder(folder: Option<&str>) -> Result<()> {
    folder.map_or(Ok(()), |id| define::check_id("folder_id", id))
}

/// What is said of a file when it is made.
pub(super) fn metadata(
    name: &str,
    mime_type: Option<&str>,
    folder: Option<&str>,
    description: Option<&str>,
    id: Option<&str>,
) -> Value {
    let mut body = json!({ "name": name });
    for (member, value) in [("mimeType", mime_type), ("description", description), ("id", id)] {
        if let Some(value) = value {
            body[member] = json!(value);
        }
    }
    if let Some(folder) = folder {
        body["parents"] = json!([folder]);
    }
    body
}

pub(super) async fn read(call: &Call<'_, GoogleWorkspace>, id: &str) -> Result<File> {
    let request = for_all_drives(call.get(drive(call, &["files", id])?)).query("fields", FILE);
    call.read(&call.send_as(request, Repeat::Always).await?, Repeat::Always)
}

async fn change(call: &Call<'_, GoogleWorkspace>, id: &str, query: &[(&str, &str)], body: &Value) -> Result<File> {
    let mut request = for_all_drives(call.patch(drive(call, &["files", id])?)).query("fields", FILE).json(body);
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.query(name, value);
    }
    let file = call.fetch(request).await?;
    call.note("id", id);
    Ok(file)
}

async fn ids(call: &Call<'_, GoogleWorkspace>, count: u32) -> Result<FileIds> {
    let request = call.get(drive(call, &["files", "generateIds"])?).query("count", count.to_string());
    call.read(&call.send_as(request, Repeat::Always).await?, Repeat::Always)
}

/// An id for a file that is yet to be made: with it, making the file twice makes it once. The operation's step `id`.
pub(super) async fn new_id(call: &Call<'_, GoogleWorkspace>) -> Result<String> {
    call.step("id", async |_| {
        let made = ids(call, 1).await?.ids.into_iter().next();
        made.ok_or_else(|| Error::new(ErrorCode::InvalidResponse, "Google was asked for an id and gave none"))
    })
    .await
}

/// Makes a file with an id of its own. That it is there already means that an earlier try made it.
pub(super) async fn created(
    call: &Call<'_, GoogleWorkspace>,
    id: &str,
    request: Request,
    in_folder: bool,
) -> Result<(String, File)> {
    let response = call.exchange(request, Repeat::WithKey).await?;
    let file = match response.status {
        409 => read(call, id).await?,
        200..=299 => call.read(&response, Repeat::WithKey)?,
        _ => return Err(of_folder(call.refusal(&response), in_folder)),
    };
    Ok((id.to_owned(), file))
}

/// Of a file that is yet to be made only the folder can be missing.
pub(in super::super) fn of_folder(error: Error, in_folder: bool) -> Error {
    if in_folder && error.code() == ErrorCode::NotFound { error.with_field("folderId") } else { error }
}

/// The file that a step made: as it was answered, or read again where an earlier try made it.
pub(in super::super) async fn finished(call: &Call<'_, GoogleWorkspace>, id: &str, made: Option<File>) -> Result<File> {
    call.note("id", id);
    match made {
        Some(file) => Ok(file),
        None => read(call, id).await,
    }
}
