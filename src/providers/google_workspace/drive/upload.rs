//! Putting content into Drive. <https://developers.google.com/workspace/drive/api/guides/manage-uploads>

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    super::{
        Base64, GoogleWorkspace,
        define::{check_text, operation},
        scopes,
        wire::{drive_upload, made},
    },
    files::{NAME, check_folder, created, finished, for_all_drives, metadata, new_id, of_folder},
    objects::{FILE, File},
    session::{Destination, through_session},
};
use crate::{
    error::{Error, Result},
    model::random_bytes,
    providers::Call,
    transport::{Method, Repeat, Request},
};

/// The largest file that Drive takes.
const LARGEST: u64 = 5_497_558_138_880;
/// Above this an upload goes in chunks, each of which can be sent again.
const IN_ONE: usize = 5 << 20;

operation! {
    /// Uploads a file. Above 5 MiB it goes in chunks: where one is cut off, it goes on there, also when the call is repeated
    /// with its idempotency key.
    ///
    /// <https://developers.google.com/workspace/drive/api/guides/manage-uploads>. Access `write`. Repeated with the same
    /// idempotency key it makes one file. Errors: `not_found` with field `folderId`.
    ///
    /// Example: `{"name": "hello.txt", "mimeType": "text/plain", "content": "SGVsbG8="}`
    UploadFile = "uploadFile", Write, WithKey -> File,
    scopes scopes::DRIVE,
    steps &["id", "session", "upload"],
    deadline 600,
    discloses {
        "name": Content(Anyone), "content": Content(Anyone), "description": Content(Anyone)
    }
    path {}
    required {
        /// The name, with its ending.
        name: String,
        /// The content's media type.
        mime_type: String,
        /// The content, base64; none of it makes an empty file.
        content: Base64,
    }
    optional {
        /// How many bytes the content has: an upload that was cut short on its way here is refused.
        size: u64,
        /// The folder it goes into. Default: the top of the user's own Drive.
        folder_id: String,
        /// What it is.
        description: String,
    }
    check |this| {
        check_text("name", &this.name, NAME)?;
        check_content_type("mimeType", &this.mime_type)?;
        check_size(this.size, &this.content)?;
        check_folder(this.folder_id.as_deref())?;
    }
    run |this, call| {
        let id = new_id(call).await?;
        let (folder, about) = (this.folder_id.as_deref(), this.description.as_deref());
        let metadata = metadata(&this.name, Some(&this.mime_type), folder, about, Some(&id));
        let content = Content { metadata: &metadata, mime_type: &this.mime_type, bytes: this.content.bytes() };
        let in_folder = folder.is_some();
        if content.bytes.len() <= IN_ONE {
            let (id, made) = made(call, "upload", async |_| {
                created(call, &id, content.in_one(call, Method::Post, &[])?, in_folder).await
            })
            .await?;
            return finished(call, &id, made).await;
        }
        let to = Destination { method: Method::Post, path: &["files"], made_as: Some(&id) };
        let file = through_session(call, &to, &content).await.map_err(|error| of_folder(error, in_folder))?;
        finished(call, &id, file).await
    }
}

operation! {
    /// Puts other content into a file; its name, its folder and who sees it stay.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/update>. Access `write`. Errors: `not_found`.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g", "mimeType": "text/plain", "content": "SGVsbG8="}`
    UpdateFileContent = "updateFileContent", Write, WithKey -> File,
    scopes scopes::DRIVE,
    steps &["session", "upload"],
    deadline 600,
    discloses { "content": Content(Anyone) }
    path {
        /// The file's id.
        file_id: String,
    }
    required {
        /// The content's media type.
        mime_type: String,
        /// The content, base64.
        content: Base64,
    }
    optional {
        /// How many bytes the content has: an upload that was cut short on its way here is refused.
        size: u64,
    }
    check |this| {
        check_content_type("mimeType", &this.mime_type)?;
        check_size(this.size, &this.content)?;
    }
    run |this, call| {
        let (id, metadata) = (this.file_id.as_str(), json!({ "mimeType": this.mime_type }));
        let content = Content { metadata: &metadata, mime_type: &this.mime_type, bytes: this.content.bytes() };
        if content.bytes.len() <= IN_ONE {
            let (id, made) = made(call, "upload", async |_| {
                // The same bytes twice are the same bytes.
                let response = call.send_as(content.in_one(call, Method::Patch, &[id])?, Repeat::Always).await?;
                Ok((id.to_owned(), call.read(&response, Repeat::Always)?))
            })
            .await?;
            return finished(call, &id, made).await;
        }
        let to = Destination { method: Method::Patch, path: &["files", id], made_as: None };
        let file = through_session(call, &to, &content).await?;
        finished(call, id, file).await
    }
}

/// What is uploaded.
pub(super) struct Content<'a> {
    pub(super) metadata: &'a Value,
    pub(super) mime_type: &'a str,
    pub(super) bytes: &'a Bytes,
}

impl Content<'_> {
    /// Metadata and bytes in one request, below `files`.
    fn in_one(&self, call: &Call<'_, GoogleWorkspace>, method: Method, path: &[&str]) -> Result<Request> {
        let boundary = format!("part_{}", hex::encode(random_bytes::<12>()));
        let url = drive_upload(call, &[&["files"], path].concat())?;
        let request = for_all_drives(Request::new(method, url)).query("uploadType", "multipart").query("fields", FILE);
        let mut request = request.header("content-type", format!("multipart/related; boundary={boundary}"));
        let mut body = format!(
            "--{boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{}\r\n\
             --{boundary}\r\ncontent-type: {}\r\n\r\n",
            self.metadata, self.mime_type
        )
        .into_bytes();
        body.extend_from_slice(self.bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        request.body = body.into();
        Ok(request)
    }
}

/// It stands in a header: nothing but a type may.
pub(super) fn check_media_type(field: &str, text: &str) -> Result<()> {
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let good = essence.trim().split_once('/').is_some_and(|(main, sub)| token(main) && token(sub))
        && parameters.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && text.len() <= 200;
    if !good {
        return Err(Error::invalid(field, "must be a media type, such as application/pdf"));
    }
    Ok(())
}

/// A type that content can have.
fn check_content_type(field: &str, text: &str) -> Result<()> {
    check_media_type(field, text)?;
    if text.starts_with("application/vnd.google-apps.") {
        let why = "is a type of Google's own, which content cannot have; use createDocument or createFolder";
        return Err(Error::invalid(field, why));
    }
    Ok(())
}

/// What is said of the size, against what is there.
fn check_size(said: Option<u64>, content: &Base64) -> Result<()> {
    let Some(said) = said else { return Ok(()) };
    if said > LARGEST {
        return Err(Error::invalid("size", format!("must be at most {LARGEST} bytes: Drive takes no larger file")));
    }
    if u64::try_from(content.bytes().len()) != Ok(said) {
        let why = format!("is not what the content has, which is {} bytes: it was cut short", content.bytes().len());
        return Err(Error::invalid("size", why));
    }
    Ok(())
}
