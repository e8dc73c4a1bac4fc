//! What files hold. <https://developers.google.com/workspace/drive/api/guides/manage-downloads>

use super::{
    super::{Base64, GoogleWorkspace, define::operation, scopes, wire::drive},
    files::for_all_drives,
    objects::FileContent,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Request,
};

/// The most bytes of one answer.
const MOST: u32 = 100 << 20;
/// What Google exports at the most. <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/export>
const EXPORT: usize = 10 << 20;

operation! {
    /// Reads what a file holds. Google's own documents have no content of their own: `exportFile` turns them into some.
    ///
    /// <https://developers.google.com/workspace/drive/api/guides/manage-downloads>. Access `read`. Errors: `not_found`,
    /// `too_large`, `invalid_argument` with field `fileId` for a document of Google's own.
    ///
    /// Example: `{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"}`
    DownloadFile = "downloadFile", Read, Always -> FileContent,
    scopes scopes::CONTENT,
    deadline 300,
    discloses {}
    path {
        /// The file's id.
        file_id: String,
    }
    required {}
    optional {
        /// The most bytes that are taken, up to 104857600. Default: 8388608.
        max_bytes: u32,
        /// Also what Google takes for harmful.
        acknowledge_abuse: bool,
    }
    check |this| {
        if this.max_bytes.is_some_and(|most| most == 0 || most > MOST) {
            return Err(Error::invalid("maxBytes", format!("must be 1 to {MOST}")));
        }
    }
    run |this, call| {
        let mut request = for_all_drives(call.get(drive(call, &["files", &this.file_id])?)).query("alt", "media");
        if let Some(yes) = this.acknowledge_abuse {
            request = request.query("acknowledgeAbuse", yes.to_string());
        }
        if let Some(most) = this.max_bytes.and_then(|most| usize::try_from(most).ok()) {
            request.max_body = most;
        }
        content(call, request, "the file is larger than maxBytes allows").await
    }
}

operation! {
    /// Turns a document of Google's own into a file: a Doc into PDF, Word, HTML or text; a sheet into CSV; and so on. Google
    /// exports at most 10 MB.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/export>; the media types:
    /// <https://developers.google.com/workspace/drive/api/guides/ref-export-formats>. Access `read`. Errors: `not_found`,
    /// `too_large`.
    ///
    /// Example: `{"fileId": "1kHnFp5MZ2kkbDC1MWjgcPuVuP-kEuZZSjPzvMuU0mFo", "mimeType": "application/pdf"}`
    ExportFile = "exportFile", Read, Always -> FileContent,
    scopes scopes::CONTENT,
    deadline 120,
    discloses {}
    path {
        /// The document's id.
        file_id: String,
    }
    required {
        /// Into what: `application/pdf`, `text/plain`, `text/csv`.
        mime_type: String,
    }
    optional {}
    check |this| { super::upload::check_media_type("mimeType", &this.mime_type)?; }
    run |this, call| {
        let mut request = call.get(drive(call, &["files", &this.file_id, "export"])?).query("mimeType", &this.mime_type);
        request.max_body = EXPORT + (1 << 20);
        content(call, request, "Google exports at most 10 MB of a document; divide it").await
    }
}

async fn content(call: &Call<'_, GoogleWorkspace>, mut request: Request, too_large: &str) -> Result<FileContent> {
    request.timeout = std::time::Duration::from_secs(120);
    let response = call.send(request).await.map_err(|error| {
        let reason = error.vendor().and_then(|vendor| vendor.code.as_deref()).unwrap_or_default();
        match (error.code(), reason) {
            (ErrorCode::TooLarge, _) | (_, "exportSizeLimitExceeded") => {
                let told = Error::new(ErrorCode::TooLarge, too_large);
                error.vendor().map_or(told.clone(), |vendor| told.with_vendor(vendor.clone()))
            }
            (_, "fileNotDownloadable") => {
                Error::invalid("fileId", "is a document of Google's own: exportFile turns it into a file")
            }
            _ => error,
        }
    })?;
    let mime_type = response.headers.get("content-type").map(str::to_owned);
    let size = u64::try_from(response.body.len()).unwrap_or(u64::MAX);
    Ok(FileContent { content: Base64::new(response.body), size, mime_type })
}
