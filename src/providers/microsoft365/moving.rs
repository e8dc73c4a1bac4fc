//! Files and folders that go elsewhere in their drive, or get another name.
//! <https://learn.microsoft.com/graph/api/driveitem-move>

use serde_json::{Value, json};

use super::{
    check,
    drive::{DriveItem, WRITES, check_name, check_place, item, of_drive, root_id},
    graph::Graph,
    wire::operation,
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Method, Repeat},
};

operation! {
    /// Moves or renames a file or folder within its drive.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-move>. Access `write`. Application or delegated: `Files.ReadWrite`.
    /// Errors: `not_found`, `conflict` where there is something of that name, or when `eTag` is not the item's any more.
    ///
    /// Example: `{"itemId": "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K", "parentId": "01BYE5RZ…"}`
    MoveDriveItem = "moveDriveItem", Write, Always -> DriveItem,
    scopes WRITES, Any,
    discloses { "name": Content(Anyone) }
    by {
        /// The item's id.
        item_id: String,
    }
    required {}
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The folder it goes into; `root` for the drive's own.
        parent_id: String,
        /// Its new name.
        name: String,
        /// Only if it was not changed since: the item's `eTag`.
        e_tag: String,
    }
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check::some_id("parentId", &this.parent_id)?;
        if let Some(name) = &this.name {
            check_name("name", name)?;
        }
        if this.parent_id.is_none() && this.name.is_none() {
            return Err(Error::invalid("parentId", "is required, or a name"));
        }
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let mut body = json!({});
        if let Some(name) = &this.name {
            body["name"] = json!(name);
        }
        match this.parent_id.as_deref() {
            // A reference wants the folder's real id.
            Some("root") => body["parentReference"] = json!({ "id": root_id(&graph).await? }),
            Some(parent) => body["parentReference"] = json!({ "id": parent }),
            None => {}
        }
        match &this.e_tag {
            Some(tag) => move_if(&graph, &this.item_id, tag, &body).await,
            None => graph.make(Method::Patch, &item(&this.item_id, &[]), &body, Repeat::Always).await,
        }
    }
}

/// Moves what still has this tag. The move gives it another, so that to repeat it would be refused: after a lost answer it
/// is looked for where it was to go, and moved once more only where it has its tag still.
async fn move_if(graph: &Graph<'_>, id: &str, tag: &str, body: &Value) -> Result<DriveItem> {
    let path = item(id, &[]);
    for last in [false, true] {
        let request = graph.request(Method::Patch, &path)?.header("if-match", tag).json(body);
        let moved = match graph.send(request, Repeat::Never).await {
            Ok(response) => graph.call.read::<DriveItem>(&response, Repeat::Never),
            Err(error) => Err(error),
        };
        let Err(error) = moved else { return moved };
        // What has the tag no more may have been moved by the first request, which came late.
        let late = last && error.code() == ErrorCode::Conflict;
        if !late && error.code() != ErrorCode::OutcomeUnknown {
            return Err(error);
        }
        let Ok(now) = graph.get::<DriveItem>(&path, &[]).await else { return Err(error) };
        if is_moved(&now, body) {
            return Ok(now);
        }
        if last || now.e_tag.as_deref() != Some(tag) {
            return Err(error);
        }
    }
    Err(Error::internal("a move ended without an outcome"))
}

/// Whether an item has the name and the folder that a change was to give it.
fn is_moved(item: &DriveItem, body: &Value) -> bool {
    let named = body.get("name").is_none_or(|name| name.as_str() == item.name.as_deref());
    let placed = body
        .pointer("/parentReference/id")
        .is_none_or(|id| item.parent_reference.as_ref().and_then(|parent| parent.get("id")) == Some(id));
    named && placed
}
