//! Copies, which OneDrive makes in the background; and what has changed in a drive.
//! <https://learn.microsoft.com/graph/api/driveitem-copy>

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::{
    Microsoft365, check,
    drive::{DriveItem, READS, WRITES, check_name, check_place, free, item, named, of_drive, segments},
    graph::{Graph, Listed, found},
    making::SPREAD,
    wire::operation,
};
use crate::{
    error::{Error, ErrorCode, Result, Retry},
    model::Timestamp,
    providers::{Call, Paged},
    transport::{Method, Repeat, Request},
};

/// Between two looks at how far a copy has come.
const LOOK: Duration = Duration::from_secs(2);

/// What watches a copy: an address that is a credential by itself. None where the copy was found to be there.
#[derive(Serialize, Deserialize)]
struct Watch {
    monitor: Option<String>,
    /// Whether an earlier request may have made the copy after all.
    #[serde(default)]
    again: bool,
}

impl Watch {
    fn found(_: DriveItem) -> Self {
        Self { monitor: None, again: false }
    }
}

operation! {
    /// Copies a file or folder, with all that is in it, and waits until the copy stands.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-copy>. Access `write`. Application or delegated: `Files.ReadWrite`.
    /// Takes steps: if it fails half-way, the call repeated with the same idempotency key goes on and makes no second copy.
    /// After a lost answer the copy is looked for by its name, and asked for again only when it has not come within a
    /// quarter of an hour. Errors: `conflict` where there is something of that name, `in_progress` when OneDrive is not done
    /// by the deadline, `outcome_unknown` when it does not show by then whether it has begun.
    ///
    /// Example: `{"itemId": "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K", "parentId": "01BYE5RZ…", "name": "Copy.docx"}`
    CopyDriveItem = "copyDriveItem", Write, WithKey -> DriveItem,
    scopes WRITES, Any,
    discloses { "name": Content(Anyone) }
    by {
        /// The id of what is copied.
        item_id: String,
    }
    required {
        /// The folder that the copy goes into; `root` for the drive's own.
        parent_id: String,
    }
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The copy's name. Default: the same.
        name: String,
    }
    steps ["before", "copy", "ready"]
    within 120
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check::id("parentId", &this.parent_id)?;
        if let Some(name) = &this.name {
            check_name("name", name)?;
        }
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        // Once for all tries: what is copied may be renamed between them, and the copy is known by this name alone.
        let name: String = call.secret_step("before", async |_| {
            let name = match &this.name {
                Some(name) => name.clone(),
                None => {
                    let source: DriveItem = graph.get(&item(&this.item_id, &[]), &[]).await?;
                    source.name.unwrap_or_default()
                }
            };
            free(&graph, &segments(&named(&this.parent_id, &[&name], &[]))).await?;
            Ok(name)
        }).await?;
        let path = named(&this.parent_id, &[&name], &[]);
        let path = segments(&path);
        let watch = call.secret_step("copy", async |begun| {
            if begun {
                if let Some(item) = earlier(&graph, &path).await? {
                    return Ok(Watch::found(item));
                }
                call.begin_step_anew("copy").await?;
            }
            match begin(&graph, &this, &name, begun).await {
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                    let come = look_until(&graph, &path, last_look(call)).await;
                    found(come.map(|item| item.map(Watch::found)), error)
                }
                watch => watch,
            }
        }).await?;
        let id: String = call.step("ready", async |_| ready(&graph, &watch, &path).await).await?;
        call.note("id", id.clone());
        graph.get(&item(&id, &[]), &[]).await
    }
}

/// What stands under the copy's name.
async fn there(graph: &Graph<'_>, path: &[&str]) -> Result<Option<DriveItem>> {
    graph.find(path, &[]).await
}

/// The last moment of this call at which a look is worth while.
fn last_look(call: &Call<'_, Microsoft365>) -> Timestamp {
    call.deadline().before(LOOK)
}

/// Looks, at least once and until then.
async fn look_until(graph: &Graph<'_>, path: &[&str], until: Timestamp) -> Result<Option<DriveItem>> {
    let call = &graph.call;
    loop {
        if let Some(item) = there(graph, path).await? {
            return Ok(Some(item));
        }
        let left = until.since(call.now());
        if left.is_zero() {
            return Ok(None);
        }
        call.runtime().sleep(left.min(LOOK)).await;
    }
}

/// The copy that an earlier request began: OneDrive may have it in its queue. None only when it will not come.
async fn earlier(graph: &Graph<'_>, path: &[&str]) -> Result<Option<DriveItem>> {
    let call = &graph.call;
    let never = call.step_since("copy").unwrap_or_else(|| call.now()).after(SPREAD);
    let item = look_until(graph, path, last_look(call).min(never)).await?;
    if item.is_none() && call.now() < never {
        return Err(Error::new(
            ErrorCode::OutcomeUnknown,
            "OneDrive may still be copying it; repeat the call with the same idempotency key to look for the copy. It is \
             asked for again only when it has not come within a quarter of an hour",
        ));
    }
    Ok(item)
}

async fn begin(graph: &Graph<'_>, copy: &CopyDriveItem, name: &str, again: bool) -> Result<Watch> {
    // Microsoft wants both ids of where a copy goes, within the same drive too.
    let (drive, parent) = match (&copy.drive_id, copy.parent_id.as_str()) {
        (Some(drive), parent) if parent != "root" => (drive.clone(), parent.to_owned()),
        (_, parent) => place_of(graph, parent).await?,
    };
    let body = json!({ "parentReference": { "driveId": drive, "id": parent }, "name": name });
    let request = graph.request(Method::Post, &item(&copy.item_id, &["copy"]))?.json(&body);
    let response = graph.send(request, Repeat::Never).await?;
    Ok(Watch { monitor: response.headers.get("location").map(str::to_owned), again })
}

/// The drive that a folder is in, and its own id.
async fn place_of(graph: &Graph<'_>, folder: &str) -> Result<(String, String)> {
    let select = [("$select", "id,parentReference".to_owned())];
    let found: DriveItem = graph.get(&item(folder, &[]), &select).await.map_err(|error| match error.code() {
        ErrorCode::NotFound => error.with_field("parentId"),
        _ => error,
    })?;
    let drive = found.parent_reference.as_ref().and_then(|parent| parent.get("driveId")?.as_str()).map(str::to_owned);
    drive.zip(found.id).ok_or_else(|| {
        Error::new(ErrorCode::InvalidResponse, "Microsoft gave a folder without the ids that it is known by")
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    #[serde(default)]
    status: String,
    #[serde(default)]
    resource_id: Option<String>,
    #[serde(default)]
    error: Value,
}

/// How far a copy has come.
enum Stage {
    /// On its way.
    Going,
    /// It stands, and this is its id.
    Done(String),
    /// What watches it has nothing more to say: it is found by its name, or not yet.
    Untold,
    /// OneDrive has given it up.
    Failed(Error),
}

/// Waits for the copy; answers its id.
async fn ready(graph: &Graph<'_>, watch: &Watch, path: &[&str]) -> Result<String> {
    let call = &graph.call;
    let mut monitor: Option<Url> = watch.monitor.as_deref().and_then(|url| url.parse().ok());
    loop {
        let stage = match &monitor {
            Some(url) => watched(graph, url).await?,
            None => Stage::Untold,
        };
        match stage {
            Stage::Done(id) => return Ok(id),
            Stage::Going => {}
            Stage::Failed(why) => return given_up(graph, watch.again, path, why).await,
            Stage::Untold => {
                monitor = None;
                if let Some(id) = there(graph, path).await?.and_then(|item| item.id) {
                    return Ok(id);
                }
            }
        }
        if call.deadline().since(call.now()) <= LOOK {
            return Err(Error::new(
                ErrorCode::InProgress,
                "OneDrive is still copying; repeat the call with the same idempotency key to wait for it",
            )
            .with_retry(Retry::After(Duration::from_secs(10))));
        }
        call.runtime().sleep(LOOK).await;
    }
}

/// What stands under the name of a copy that failed is the copy where an earlier request may have made it. Else it is none,
/// and a repeated call asks for it anew.
async fn given_up(graph: &Graph<'_>, again: bool, path: &[&str], why: Error) -> Result<String> {
    let item = if again { there(graph, path).await? } else { None };
    if let Some(id) = item.and_then(|item| item.id) {
        return Ok(id);
    }
    graph.call.undo_step("copy").await?;
    Err(why)
}

async fn watched(graph: &Graph<'_>, monitor: &Url) -> Result<Stage> {
    let response = graph.call.exchange_bare(Request::new(Method::Get, monitor.clone()), Repeat::Always).await?;
    match response.status {
        200..=299 => {}
        // It is kept for some time only.
        404 | 410 => return Ok(Stage::Untold),
        _ => return Err(graph.refusal(&response).await),
    }
    let progress: Progress = graph.call.read(&response, Repeat::Always)?;
    match progress.status.as_str() {
        "completed" => Ok(progress.resource_id.map_or(Stage::Untold, Stage::Done)),
        "failed" => {
            let text = |name: &str| progress.error.get(name).and_then(Value::as_str);
            let words = text("message").unwrap_or("it does not say why");
            let taken = text("code").is_some_and(|code| code.eq_ignore_ascii_case("nameAlreadyExists"));
            let code = if taken { ErrorCode::Conflict } else { ErrorCode::Vendor };
            Ok(Stage::Failed(Error::new(code, format!("OneDrive could not copy it: {words}"))))
        }
        _ => Ok(Stage::Going),
    }
}

/// What has changed in a drive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DriveChanges {
    /// Files and folders as they are now; those with `deleted` are no more.
    pub items: Vec<DriveItem>,
    /// For `pageToken`, to read the page after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// For `deltaToken`, the next time: what changes from now on. On the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_token: Option<String>,
}

operation! {
    /// Tells what has changed in a drive since the last time; without a token, all there is.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-delta>. Access `read`. Application or delegated: `Files.Read`.
    /// Errors: `conflict` with `deltaToken` or `pageToken` where Microsoft no longer knows the place: then all must be read
    /// again (a full resync).
    ///
    /// Example: `{"deltaToken": "dG9rZW49YWJj"}`
    DriveDelta = "driveDelta", Read, Always -> DriveChanges,
    scopes READS, Any,
    discloses {}
    by {}
    required {}
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The `deltaToken` of the last time.
        delta_token: String,
        /// Begins now: nothing of what there is, only a `deltaToken`.
        latest: bool,
        /// How many to a page, 1 to 999; Microsoft may give fewer.
        page_size: u16,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check::page(this.page_size)?;
        if this.delta_token.is_some() && this.page_token.is_some() {
            return Err(Error::invalid("deltaToken", "cannot stand beside pageToken"));
        }
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        const PATH: &[&str] = &["root", "delta"];
        let latest = [("token", "latest".to_owned())];
        let query = if this.latest == Some(true) { &latest[..] } else { &[] };
        let token = this.page_token.as_deref().or(this.delta_token.as_deref());
        let listed: Listed<DriveItem> = graph.list(PATH, query, this.page_size, token).await.map_err(|error| {
            match (error.field(), &this.delta_token) {
                (Some("pageToken"), Some(_)) => error.with_field("deltaToken"),
                _ => error,
            }
        })?;
        Ok(DriveChanges {
            items: listed.value,
            next_page_token: graph.token_of(PATH, listed.next.as_deref())?,
            delta_token: graph.token_of(PATH, listed.delta.as_deref())?,
        })
    }
}

impl Paged for DriveDelta {
    type Item = DriveItem;

    fn next(&self, page: &DriveChanges) -> Option<Self> {
        let token = page.next_page_token.clone()?;
        Some(Self { delta_token: None, latest: None, page_token: Some(token), ..self.clone() })
    }

    fn items(page: DriveChanges) -> Vec<DriveItem> {
        page.items
    }
}
