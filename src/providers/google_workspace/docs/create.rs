//! Making a document: with its text, in its folder, shared.
//!
//! Docs' own create takes nothing but a title, so the file is made by Drive: with a mark of ours, where it belongs, in one
//! request. Then the text, then each permission. A call that stops half-way says what is there, and goes on when it is
//! repeated with its idempotency key. Nothing is taken back by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        GoogleWorkspace,
        batch::ItemError,
        define::{check_id, check_text, operation},
        drive::{FILE, NAME, Share, ShareRole, ShareType, finished, marker, of_folder},
        scopes,
        wire::{drive, known},
    },
    edit::{Edit, LONGEST, TRIES},
    read::read,
    text,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Repeat,
};

/// The media type of documents.
const DOCUMENT: &str = "application/vnd.google-apps.document";
/// The most permissions of one call; Drive takes 600 on a file.
const MOST: usize = 100;

/// A document that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreatedDocument {
    /// Google's id; the same in Drive.
    pub document_id: String,
    /// The title.
    pub title: String,
    /// Where people open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_view_link: Option<String>,
    /// The folder it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<String>,
    /// Whom it is shared with, in the order given.
    pub permissions: Vec<DocumentPermission>,
}

/// Somebody whom a document was to be shared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DocumentPermission {
    /// The permission's id; none where Google refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What they may do.
    pub role: ShareRole,
    /// Who they are.
    pub r#type: ShareType,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    /// Why Google refused it. The document is there all the same; `shareFile` shares it with somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
}

operation! {
    /// Makes a document, with its text, in a folder, shared. A permission that Google refuses for good is told in the
    /// result and holds up no other; the document is there.
    ///
    /// <https://developers.google.com/workspace/drive/api/guides/create-file>,
    /// <https://developers.google.com/workspace/docs/api/how-tos/documents>. Access `write`. Repeated with the same idempotency
    /// key it makes one document, and goes on where it stopped; the error says what is there already. A document whose making
    /// left no word is looked for, and stays `outcome_unknown` for ten minutes if it is not found. A new document that Google
    /// does not find yet is asked for again for some seconds. Errors: `not_found` with field `folderId`.
    ///
    /// Example: `{"title": "Student Report", "content": "Report content here", "folderId": "0AFolderOfTheSchool", "permissions": [{"role": "writer", "type": "user", "emailAddress": "teacher@school.edu"}]}`
    CreateDocument = "createDocument", Write, WithKey -> CreatedDocument,
    scopes scopes::DRIVE,
    steps &["create", "content", "permissions"],
    deadline 60,
    discloses {
        "title": Content(Anyone), "content": Content(Anyone), "permissions[].emailAddress": Contact(Anyone),
        "permissions[].message": Message(Anyone)
    }
    path {}
    required {
        /// The title.
        title: String,
    }
    optional {
        /// The text it begins with.
        content: String,
        /// The folder it goes into. Default: the top of the user's own Drive.
        folder_id: String,
        /// Whom it is shared with, up to 100.
        permissions: Vec<Share>,
    }
    check |this| {
        check_text("title", &this.title, NAME)?;
        if this.content.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
            return Err(Error::invalid("content", format!("must have at most {LONGEST} characters")));
        }
        this.folder_id.as_ref().map_or(Ok(()), |id| check_id("folder_id", id))?;
        let permissions = this.permissions.as_deref().unwrap_or_default();
        if permissions.len() > MOST {
            return Err(Error::invalid("permissions", format!("must have at most {MOST} items")));
        }
        for (at, share) in permissions.iter().enumerate() {
            share.check().map_err(|error| error.within(&format!("permissions[{at}]")))?;
        }
    }
    run |this, call| {
        let (id, made) = marker::made(call, "create", async |marks| {
            let mut body = json!({ "name": this.title, "mimeType": DOCUMENT, "appProperties": marks });
            if let Some(folder) = &this.folder_id {
                body["parents"] = json!([folder]);
            }
            let request = call.post(drive(call, &["files"])?).query("supportsAllDrives", "true").query("fields", FILE);
            let sent = call.send_as(request.json(&body), Repeat::Never).await;
            let sent = sent.map_err(|error| of_folder(error, this.folder_id.is_some()))?;
            call.read(&sent, Repeat::Never)
        })
        .await?;
        if let Some(content) = this.content.as_deref().filter(|content| !content.is_empty()) {
            call.step("content", async |begun| write(call, &id, content, begun).await).await?;
        }
        let mut permissions = Vec::new();
        for (at, share) in this.permissions.iter().flatten().enumerate() {
            permissions.push(permit(call, &id, at, share).await?);
        }
        let file = finished(call, &id, made).await?;
        Ok(CreatedDocument {
            document_id: id,
            title: file.name.unwrap_or_else(|| this.title.clone()),
            web_view_link: file.web_view_link,
            folder_id: file.parents.and_then(|parents| parents.into_iter().next()),
            permissions,
        })
    }
}

/// Writes the text into the new document. Nobody else has it yet: that there is a text means that it was written. Each try
/// names the state that it is for: of two that arrive, the later is refused.
async fn write(call: &Call<'_, GoogleWorkspace>, id: &str, content: &str, begun: bool) -> Result<()> {
    let requests = json!([{ "insertText": { "text": content, "location": { "index": 1 } } }]);
    let edit = Edit { document: id, requests, revision: None };
    let mut lost: Option<Error> = None;
    for _ in 0..TRIES {
        let there = match known(call, || read(call, id, false)).await {
            Ok(there) => there,
            Err(error) => return Err(lost.unwrap_or(error)),
        };
        if (begun || lost.is_some()) && !text::of(&there).trim().is_empty() {
            return Ok(());
        }
        let revision = there.revision_id.unwrap_or_default();
        match known(call, || edit.send(call, &revision)).await {
            Ok(_) => return Ok(()),
            // An earlier try has arrived meanwhile: the next look tells.
            Err(error) if error.code() == ErrorCode::Conflict && (begun || lost.is_some()) => {}
            Err(error) if error.code() == ErrorCode::OutcomeUnknown => lost = Some(error),
            Err(error) => return Err(lost.unwrap_or(error)),
        }
    }
    Err(lost.unwrap_or_else(|| Error::new(ErrorCode::OutcomeUnknown, "the document changes all the time; read it")))
}

/// Shares the document with one of them. What Google refuses for good is part of the answer; what may pass ends the call.
async fn permit(call: &Call<'_, GoogleWorkspace>, id: &str, at: usize, share: &Share) -> Result<DocumentPermission> {
    let place = format!("permissions[{at}]");
    let told = |id, error| DocumentPermission {
        id,
        role: share.role,
        r#type: share.r#type,
        email_address: share.email_address.clone(),
        error,
    };
    match share.give(call, &place, id, true).await {
        Ok((permission, _)) => Ok(told(Some(permission), None)),
        Err(error) if is_refused(&error) => {
            let error = if error.field().is_some() { error.within(&place) } else { error.with_field(place) };
            Ok(told(None, Some(ItemError::from(&error))))
        }
        Err(error) => Err(error),
    }
}

fn is_refused(error: &Error) -> bool {
    let terminal = [ErrorCode::InvalidArgument, ErrorCode::Vendor, ErrorCode::Conflict];
    terminal.contains(&error.code()) && error.vendor().is_some()
}
