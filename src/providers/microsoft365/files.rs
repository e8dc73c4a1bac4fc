//! What files hold: brought up and down. <https://learn.microsoft.com/graph/api/driveitem-put-content>

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    check,
    drive::{DriveItem, READS, WRITES, check_name, check_path, check_place, item, named, of_drive, segments},
    graph::Graph,
    upload::{self, Ended, decoded, encoded},
    wire::{choice, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Method, Repeat, Request, Response},
};

/// Up to here a file goes in one request; beyond, in ranges that can be resumed.
const SMALL: usize = 4 << 20;
/// What OneDrive takes at all: 250 GB.
const LARGEST: u64 = 250_000_000_000;
/// What is brought down unless the caller says otherwise, and at most.
const DOWN: (u32, u32) = (16 << 20, 256 << 20);

choice! {
    /// What happens when there is something of that name.
    OnConflict {
        /// Nothing: it ends as `conflict`.
        Fail = "fail",
        /// The file gets a new version.
        Replace = "replace",
        /// The new one gets another name.
        Rename = "rename",
    }
}

impl OnConflict {
    const fn name(self) -> &'static str {
        match self {
            OnConflict::Fail => "fail",
            OnConflict::Replace => "replace",
            OnConflict::Rename => "rename",
        }
    }
}

operation! {
    /// Brings a file up into a drive. Beyond 4 MiB it goes in ranges: cut at any of them, the call repeated with the same
    /// idempotency key goes on where it stopped.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-createuploadsession>. Access `write`. Application or delegated:
    /// `Files.ReadWrite`. Takes steps. Errors: `too_large` beyond 250 GB, `conflict` where there is something of that name,
    /// `not_found` for a folder that is not there: none is made on the way.
    ///
    /// Example: `{"name": "Homework.txt", "content": "SGVsbG8=", "conflict": "replace"}`
    UploadFile = "uploadFile", Write, WithKey -> DriveItem,
    scopes WRITES, Any,
    discloses { "name": Content(Anyone), "content": Content(Anyone), "folder": Content(Anyone) }
    by {}
    required {
        /// Its name.
        name: String,
        /// The bytes in base64; none for an empty file.
        content: String,
    }
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The id of the folder it goes into. Default: `root`.
        parent_id: String,
        /// The path of that folder, instead of its id.
        folder: String,
        /// How many bytes there are: checked against `content`, to find what was cut off on its way here.
        size: u64,
        /// Such as `application/pdf`.
        content_type: String,
        /// `fail`, `replace` or `rename`, where there is something of that name. Default: fail.
        conflict: OnConflict,
    }
    steps ["folder", "before", "upload", "session"]
    within 600
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check_name("name", &this.name)?;
        check::some_id("parentId", &this.parent_id)?;
        check_path("folder", &this.folder)?;
        if this.parent_id.is_some() && this.folder.is_some() {
            return Err(Error::invalid("folder", "cannot stand beside parentId"));
        }
        if this.size.is_some_and(|size| size > LARGEST) {
            let message = "is more than OneDrive takes of one file: 250 GB. Split the file, or keep it elsewhere";
            return Err(Error::new(ErrorCode::TooLarge, message).with_field("size"));
        }
        let bytes = decoded("content", &this.content)?.len() as u64;
        if this.size.is_some_and(|size| size != bytes) {
            return Err(Error::invalid("size", format!("is not what content has: that is {bytes} bytes")));
        }
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let upload = Upload {
            parent: match &this.folder {
                Some(path) => folder_of(&graph, path).await?,
                None => this.parent_id.clone().unwrap_or_else(|| "root".to_owned()),
            },
            graph,
            bytes: decoded("content", &this.content)?,
            conflict: this.conflict.unwrap_or(OnConflict::Fail),
            file: this,
        };
        upload.run().await
    }
}

/// The id of a folder that is named by its path. By the path, OneDrive would make what is not there.
async fn folder_of(graph: &Graph<'_>, path: &str) -> Result<String> {
    let names: Vec<&str> = path.split('/').collect();
    let look = async |_| {
        let found: DriveItem =
            graph.get(&segments(&named("root", &names, &[])), &[]).await.map_err(|error| match error.code() {
                ErrorCode::NotFound => error.with_field("folder"),
                _ => error,
            })?;
        match found.id.filter(|_| found.folder.is_some()) {
            Some(id) => Ok(id),
            None => Err(Error::invalid("folder", "must be the path of a folder: this is a file's")),
        }
    };
    graph.call.step("folder", look).await
}

struct Upload<'a> {
    graph: Graph<'a>,
    /// The id of the folder that the file goes into.
    parent: String,
    bytes: Bytes,
    conflict: OnConflict,
    file: UploadFile,
}

impl Upload<'_> {
    fn path(&self, more: &[&str]) -> Vec<String> {
        named(&self.parent, &[&self.file.name], more)
    }

    async fn run(self) -> Result<DriveItem> {
        let call = &self.graph.call;
        if self.conflict == OnConflict::Fail {
            // What is not there before, and has our name and size afterwards, is ours.
            call.step("before", async |_| match self.there().await? {
                Some(_) => Err(taken()),
                None => Ok(true),
            })
            .await?;
        }
        let mut made = None;
        let id: String = if self.bytes.len() <= SMALL {
            call.step("upload", async |begun| {
                if begun && let Some(ours) = self.ours().await? {
                    return Ok(ours);
                }
                if begun && self.conflict == OnConflict::Rename {
                    return Err(maybe_there());
                }
                let item = self.put().await?;
                let id = item.id.clone().unwrap_or_default();
                made = Some(item);
                Ok(id)
            })
            .await?
        } else {
            self.in_ranges().await?
        };
        call.note("id", id.clone());
        match made {
            Some(item) => Ok(item),
            None => self.graph.get(&item(&id, &[]), &[]).await,
        }
    }

    /// What stands under the name now.
    async fn there(&self) -> Result<Option<DriveItem>> {
        self.graph.find(&segments(&self.path(&[])), &[]).await
    }

    /// The file, if it has come there. A renamed one has a name that is not known here; and where one was to be replaced, what
    /// stands there may be the old one: putting it there once more does no harm.
    async fn ours(&self) -> Result<Option<String>> {
        if self.conflict != OnConflict::Fail {
            return Ok(None);
        }
        let size = self.bytes.len() as u64;
        Ok(self.there().await?.filter(|item| item.size == Some(size)).and_then(|item| item.id))
    }

    async fn put(&self) -> Result<DriveItem> {
        let kind = self.file.content_type.as_deref().unwrap_or("application/octet-stream");
        let mut request = self
            .graph
            .request(Method::Put, &segments(&self.path(&["content"])))?
            .query("@microsoft.graph.conflictBehavior", self.conflict.name())
            .header("content-type", kind)
            .header("content-length", self.bytes.len().to_string());
        request.body = self.bytes.clone();
        let repeat = if self.conflict == OnConflict::Replace { Repeat::Always } else { Repeat::Never };
        match self.graph.send(request, repeat).await {
            Ok(response) => self.graph.call.read(&response, repeat),
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => match self.ours().await {
                Ok(Some(id)) => self.graph.get(&item(&id, &[]), &[]).await,
                _ => Err(error),
            },
            Err(error) => Err(self.explained(error)),
        }
    }

    async fn in_ranges(&self) -> Result<String> {
        let call = &self.graph.call;
        for _ in 0..2 {
            let mut fresh = false;
            let session = call
                .secret_step("session", async |_| {
                    fresh = true;
                    let body = json!({ "item": {
                        "@microsoft.graph.conflictBehavior": self.conflict.name(), "name": self.file.name,
                    } });
                    let path = self.path(&["createUploadSession"]);
                    upload::open(&self.graph, &segments(&path), &body).await.map_err(|error| self.explained(error))
                })
                .await?;
            match upload::send(&self.graph, &session, &self.bytes, !fresh).await {
                Ok(Ended::Complete(response)) => {
                    let item: DriveItem = call.read(&response, Repeat::WithKey)?;
                    return Ok(item.id.unwrap_or_default());
                }
                Ok(Ended::Gone) => {
                    if let Some(id) = self.ours().await? {
                        return Ok(id);
                    }
                    if self.conflict == OnConflict::Rename {
                        return Err(maybe_there());
                    }
                    call.undo_step("session").await?;
                }
                Err(error) => return Err(self.explained(error)),
            }
        }
        Err(Error::new(ErrorCode::VendorUnavailable, "OneDrive gave up the upload twice; repeat it later"))
    }

    /// Which argument a refusal is about.
    fn explained(&self, error: Error) -> Error {
        let field = match error.code() {
            ErrorCode::Conflict if error.vendor().is_some_and(|vendor| vendor.status == 409) => "name",
            ErrorCode::NotFound if self.file.parent_id.is_some() => "parentId",
            ErrorCode::NotFound if self.file.folder.is_some() => "folder",
            ErrorCode::NotFound if self.file.drive_id.is_some() => "driveId",
            _ => return error,
        };
        error.with_field(field)
    }
}

fn taken() -> Error {
    Error::new(ErrorCode::Conflict, "there is something of that name already; say replace or rename as conflict")
        .with_field("name")
}

/// A file that was brought down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DownloadedFile {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// How many bytes it has.
    pub size: u64,
    /// The bytes in base64.
    pub content: String,
}

operation! {
    /// Brings a file down.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-get-content>. Access `read`. Application or delegated: `Files.Read`.
    /// Microsoft sends to an address that is a credential by itself; the access token does not go there. Errors: `not_found`,
    /// `too_large` beyond `maxBytes`, `invalid_argument` for a folder.
    ///
    /// Example: `{"itemId": "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K"}`
    DownloadFile = "downloadFile", Read, Always -> DownloadedFile,
    scopes READS, Any,
    discloses {}
    by {
        /// The file's id.
        item_id: String,
    }
    required {}
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The most it may have, up to 256 MiB. Default: 16 MiB.
        max_bytes: u32,
    }
    within 120
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        if this.max_bytes.is_some_and(|most| most == 0 || most > DOWN.1) {
            return Err(Error::invalid("maxBytes", format!("must be 1 to {}", DOWN.1)));
        }
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let file: DriveItem = graph.get(&item(&this.item_id, &[]), &[]).await?;
        if file.folder.is_some() {
            return Err(Error::invalid("itemId", "must be a file's: this is a folder"));
        }
        let most = this.max_bytes.unwrap_or(DOWN.0);
        if file.size.is_some_and(|size| size > u64::from(most)) {
            return Err(Error::new(ErrorCode::TooLarge, format!("the file has more than {most} bytes; see maxBytes"))
                .with_field("maxBytes"));
        }
        let response = bring(&graph, &file, &this.item_id, most).await?;
        let kind = file.file.as_ref().and_then(|file| file.get("mimeType")).and_then(Value::as_str);
        Ok(DownloadedFile {
            id: file.id.unwrap_or(this.item_id),
            name: file.name,
            content_type: kind.or(response.headers.get("content-type")).map(str::to_owned),
            size: response.body.len() as u64,
            content: encoded(&response.body),
        })
    }
}

/// Under which name is not known, so that it cannot be looked for; another try could leave two.
fn maybe_there() -> Error {
    let why = "an earlier try may have brought the file up, under a name of OneDrive's choice; look into the folder, and \
               upload it by a new call if it is not there";
    Error::new(ErrorCode::OutcomeUnknown, why)
}

/// From the address that stands with the item; else from where Graph sends on to.
async fn bring(graph: &Graph<'_>, file: &DriveItem, id: &str, most: u32) -> Result<Response> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let given = file.more.get("@microsoft.graph.downloadUrl").and_then(Value::as_str).and_then(|url| url.parse().ok());
    if let Some(url) = given {
        let mut request = Request::new(Method::Get, url);
        request.max_body = most;
        request.timeout = graph.call.deadline().since(graph.call.now());
        let response = graph.call.exchange_bare(request, Repeat::Always).await?;
        return if (200..300).contains(&response.status) { Ok(response) } else { Err(graph.refusal(&response).await) };
    }
    let mut request = graph.request(Method::Get, &item(id, &["content"]))?;
    request.max_body = most;
    request.timeout = graph.call.deadline().since(graph.call.now());
    graph.send(request, Repeat::Always).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Operation;

    #[test]
    fn what_cannot_be_uploaded_names_why() {
        let good = || UploadFile::new("a.txt", "aGk=");
        for (upload, code, field) in [
            (good().size(5_000_000_000_000u64), ErrorCode::TooLarge, "size"),
            (good().size(3u64), ErrorCode::InvalidArgument, "size"),
            (UploadFile::new("a.txt", "%"), ErrorCode::InvalidArgument, "content"),
            (UploadFile::new("a/b", ""), ErrorCode::InvalidArgument, "name"),
            (good().parent_id("p").folder("f"), ErrorCode::InvalidArgument, "folder"),
            (good().drive_id("d").user_id("u"), ErrorCode::InvalidArgument, "userId"),
        ] {
            let error = upload.validate().unwrap_err();
            assert_eq!((error.code(), error.field()), (code, Some(field)));
        }
        assert!(UploadFile::new("empty.txt", "").size(0u64).validate().is_ok());
    }
}
