//! What happened in Drive since the last time. <https://developers.google.com/workspace/drive/api/guides/manage-changes>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::{
        GoogleWorkspace,
        define::{check_page, operation},
        scopes,
        wire::drive,
    },
    files::for_all_drives,
    objects::{Change, FILE},
};
use crate::{
    error::Result,
    providers::{Call, Paged},
    transport::Repeat,
};

/// A page of what happened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChangePage {
    /// What happened, the oldest first.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// The `pageToken` of the next page; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// On the last page: the `pageToken` to begin with the next time. Keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_start_page_token: Option<String>,
    /// What else Google sent.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

operation! {
    /// Lists what happened in Drive since a token was given. Without a token it answers the one to begin with, and nothing
    /// else.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/list>. Access `read`. Errors: `conflict` or
    /// `invalid_argument` with field `pageToken` where the token has gone stale: then everything has to be read anew.
    ///
    /// Example: `{"pageToken": "1043"}`
    ListChanges = "listChanges", Read, Always -> ChangePage,
    scopes scopes::FILES,
    discloses {}
    path {}
    required {}
    optional {
        /// The `newStartPageToken` of the last time, or the `nextPageToken` of the page before.
        page_token: String,
        /// Of one shared drive.
        drive_id: String,
        /// `false` leaves out what is gone.
        include_removed: bool,
        /// How many, 1 to 1000; Google's default is 100.
        page_size: u32,
    }
    check |this| { check_page("pageSize", this.page_size, 1000)?; }
    run |this, call| {
        let Some(token) = &this.page_token else { return begin(call, this.drive_id.as_deref()).await };
        let fields = format!("nextPageToken,newStartPageToken,changes(changeType,time,removed,fileId,driveId,file({FILE}))");
        let mut request = for_all_drives(call.get(drive(call, &["changes"])?))
            .query("includeItemsFromAllDrives", "true")
            .query("fields", fields)
            .query("pageToken", token);
        if let Some(drive) = &this.drive_id {
            request = request.query("driveId", drive);
        }
        if let Some(removed) = this.include_removed {
            request = request.query("includeRemoved", removed.to_string());
        }
        if let Some(size) = this.page_size {
            request = request.query("pageSize", size.to_string());
        }
        call.fetch(request).await
    }
}

impl Paged for ListChanges {
    type Item = Change;

    fn next(&self, page: &ChangePage) -> Option<Self> {
        let token = page.next_page_token.clone().filter(|token| !token.is_empty())?;
        Some(Self { page_token: Some(token), ..self.clone() })
    }

    fn items(page: ChangePage) -> Vec<Change> {
        page.changes
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    start_page_token: String,
}

async fn begin(call: &Call<'_, GoogleWorkspace>, drive_id: Option<&str>) -> Result<ChangePage> {
    let mut request = for_all_drives(call.get(drive(call, &["changes", "startPageToken"])?));
    if let Some(id) = drive_id {
        request = request.query("driveId", id);
    }
    let start: Start = call.read(&call.send_as(request, Repeat::Always).await?, Repeat::Always)?;
    Ok(ChangePage { new_start_page_token: Some(start.start_page_token), ..ChangePage::default() })
}
