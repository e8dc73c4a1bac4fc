//! OneDrive and the document libraries of SharePoint: folders and files.
//! <https://learn.microsoft.com/graph/api/resources/onedrive>

use serde_json::{Value, json};

use super::{
    Microsoft365, check,
    graph::{Done, Graph, found, query, quoted},
    wire::{list, object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Method, Repeat, oauth::Scopes},
};

pub(super) const READS: Scopes = &[&[
    "Files.Read",
    "Files.ReadWrite",
    "Files.Read.All",
    "Files.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
]];
pub(super) const WRITES: Scopes = &[&["Files.ReadWrite", "Files.ReadWrite.All", "Sites.ReadWrite.All"]];

object! {
    /// A file or a folder.
    DriveItem {
        /// Its name.
        name: String,
        /// How many bytes it has.
        size: u64,
        /// Its page.
        web_url: String,
        /// The folder and the drive it is in.
        parent_reference: Value,
        /// Of a folder: how many things are in it.
        folder: Value,
        /// Of a file: its media type and checksums.
        file: Value,
        /// Changes with each change.
        e_tag: String,
        /// Changes with each change of what it holds.
        c_tag: String,
        /// Of a change: that it was deleted.
        deleted: Value,
        /// When it was made.
        created_date_time: String,
        /// When it was last changed.
        last_modified_date_time: String,
    }
}

/// From a drive: the one named, else the OneDrive of the user.
pub(super) fn of_drive<'a>(
    call: &Call<'a, Microsoft365>,
    drive: Option<&str>,
    user: Option<&str>,
) -> Result<Graph<'a>> {
    match drive {
        Some(drive) => Ok(Graph::root(call).below(&["drives", drive])),
        None => Ok(Graph::of_user(call, user)?.below(&["drive"])),
    }
}

/// Where an item is: `root` is the drive's own folder.
pub(super) fn item<'p>(id: &'p str, more: &[&'p str]) -> Vec<&'p str> {
    let mut path = if id == "root" { vec!["root"] } else { vec!["items", id] };
    path.extend(more);
    path
}

/// Where something of that name is within a folder, by their names: `items/{id}:/{name}:`.
pub(super) fn named(folder: &str, path: &[&str], more: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = item(folder, &[]).into_iter().map(str::to_owned).collect();
    if let Some(last) = out.last_mut() {
        last.push(':');
    }
    out.extend(path.iter().map(|&name| name.to_owned()));
    if let (Some(last), false) = (out.last_mut(), more.is_empty()) {
        last.push(':');
    }
    out.extend(more.iter().map(|&segment| segment.to_owned()));
    out
}

/// The same as segments.
pub(super) fn segments(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

/// The drive and the user that an operation names.
pub(super) fn check_place(drive: &Option<String>, user: &Option<String>) -> Result<()> {
    check::some_id("driveId", drive)?;
    check::some_id("userId", user)?;
    if drive.is_some() && user.is_some() {
        return Err(Error::invalid("userId", "cannot stand beside driveId"));
    }
    Ok(())
}

/// A name that OneDrive takes.
pub(super) fn check_name(field: &str, name: &str) -> Result<()> {
    check::text(field, name, 255)?;
    let bad = name.contains(['"', '*', ':', '<', '>', '?', '/', '\\', '|']) || name.contains(char::is_control);
    if bad || name.starts_with(' ') || name.ends_with([' ', '.']) {
        return Err(Error::invalid(
            field,
            "must have none of \" * : < > ? / \\ |, begin with no space, and end with no space or full stop",
        ));
    }
    Ok(())
}

/// A path of names, such as `Classes/7b`.
pub(super) fn check_path(field: &str, path: &Option<String>) -> Result<()> {
    path.iter().flat_map(|path| path.split('/')).try_for_each(|name| check_name(field, name))
}

list! {
    /// Lists what is in a folder of a drive.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-list-children>. Access `read`. Application or delegated:
    /// `Files.Read`. Errors: `not_found` for a folder that is not there.
    ///
    /// Example: `{"itemId": "root", "pageSize": 100}`
    ListDriveItems = "listDriveItems" -> DriveItem,
    scopes READS, Any,
    discloses {}
    by {}
    required {}
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The folder's id. Default: `root`.
        item_id: String,
    }
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check::some_id("itemId", &this.item_id)?;
    }
    at |this, call|
        of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?,
        &item(this.item_id.as_deref().unwrap_or("root"), &["children"]),
        Vec::new()
}

operation! {
    /// Reads a file or folder: by its id, or by its path below the drive's own folder.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-get>. Access `read`. Application or delegated: `Files.Read`. Errors:
    /// `not_found`.
    ///
    /// Example: `{"path": "Classes/7b/Homework.docx"}`
    GetDriveItem = "getDriveItem", Read, Always -> DriveItem,
    scopes READS, Any,
    discloses { "path": Content(Anyone) }
    by {}
    required {}
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The item's id. Default: `root`.
        item_id: String,
        /// The item's path, instead of its id.
        path: String,
    }
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check::some_id("itemId", &this.item_id)?;
        check_path("path", &this.path)?;
        if this.item_id.is_some() && this.path.is_some() {
            return Err(Error::invalid("path", "cannot stand beside itemId"));
        }
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let path = match &this.path {
            Some(path) => named("root", &path.split('/').collect::<Vec<_>>(), &[]),
            None => item(this.item_id.as_deref().unwrap_or("root"), &[]).into_iter().map(str::to_owned).collect(),
        };
        graph.get(&segments(&path), &[]).await
    }
}

list! {
    /// Searches a drive: names, and what the files hold. What was just written may not be found yet.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-search>. Access `read`. Application or delegated: `Files.Read`.
    ///
    /// Example: `{"search": "homework"}`
    SearchDrive = "searchDrive" -> DriveItem,
    scopes READS, Any,
    discloses { "search": Content(Anyone) }
    by {}
    required {
        /// The words.
        search: String,
    }
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check::text("search", &this.search, 200)?;
    }
    at |this, call|
        of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?,
        &["root", &format!("search(q={})", quoted(&this.search))],
        Vec::new()
}

operation! {
    /// Makes a folder. It is not made twice: if the answer was lost, the call repeated with the same idempotency key finds it,
    /// and takes none for it that stood there before.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-post-children>. Access `write`. Application or delegated:
    /// `Files.ReadWrite`. Errors: `conflict` where there is something of that name, `not_found` for a folder that is not
    /// there.
    ///
    /// Example: `{"name": "Class 7b"}`
    CreateFolder = "createFolder", Write, WithKey -> DriveItem,
    scopes WRITES, Any,
    discloses { "name": Content(Anyone) }
    by {}
    required {
        /// Its name.
        name: String,
    }
    optional {
        /// Which drive. Default: the OneDrive of the user.
        drive_id: String,
        /// Whose OneDrive. Default: the user of the settings, or who has consented.
        user_id: String,
        /// The folder it is made in. Default: `root`.
        parent_id: String,
    }
    steps ["before", "create"]
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        check_name("name", &this.name)?;
        check::some_id("parentId", &this.parent_id)?;
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let parent = this.parent_id.as_deref().unwrap_or("root");
        let body = json!({ "name": this.name, "folder": {}, "@microsoft.graph.conflictBehavior": "fail" });
        let path = named(parent, &[&this.name], &[]);
        let path = segments(&path);
        absent(&graph, &path).await?;
        let there = async || -> Result<Option<String>> {
            let found: Option<DriveItem> = graph.find(&path, &[]).await?;
            Ok(found.filter(|found| found.folder.is_some()).and_then(|found| found.id))
        };
        let id: String = call.step("create", async |begun| {
            let made: Result<DriveItem> =
                graph.make(Method::Post, &item(parent, &["children"]), &body, Repeat::Never).await;
            match made {
                Ok(made) => Ok(made.id.unwrap_or_default()),
                // A first try whose answer was lost has made it.
                Err(error) if begun && error.code() == ErrorCode::Conflict => there().await?.ok_or(error),
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => found(there().await, error),
                Err(error) => Err(error),
            }
        }).await?;
        graph.get(&item(&id, &[]), &[]).await
    }
}

operation! {
    /// Deletes a file or folder: it goes into the recycle bin.
    ///
    /// <https://learn.microsoft.com/graph/api/driveitem-delete>. Access `write`. Application or delegated:
    /// `Files.ReadWrite`. Errors: `not_found`, `conflict` when `eTag` is not the item's any more.
    ///
    /// Example: `{"itemId": "01BYE5RZ6QN3ZWBTUFOFD3GSPGOHDJD36K"}`
    DeleteDriveItem = "deleteDriveItem", Write, Always -> Done,
    scopes WRITES, Any,
    discloses {}
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
        /// Only if it was not changed since: the item's `eTag`.
        e_tag: String,
    }
    check |this| {
        check_place(&this.drive_id, &this.user_id)?;
        if this.item_id == "root" {
            return Err(Error::invalid("itemId", "must not be root: a drive's own folder cannot be deleted"));
        }
    }
    run |this, call| {
        let graph = of_drive(call, this.drive_id.as_deref(), this.user_id.as_deref())?;
        let graph = if_match(graph, this.e_tag.as_deref());
        graph.remove(Method::Delete, &item(&this.item_id, &[]), None).await?;
        Ok(Done::of(this.item_id))
    }
}

fn if_match<'a>(graph: Graph<'a>, tag: Option<&str>) -> Graph<'a> {
    match tag {
        Some(tag) => graph.with_header("if-match", tag),
        None => graph,
    }
}

/// The step before something is made: that there is nothing of its name. What is there afterwards is then ours.
pub(super) async fn absent(graph: &Graph<'_>, path: &[&str]) -> Result<()> {
    graph.call.step("before", async |_| free(graph, path).await.map(|()| true)).await.map(|_: bool| ())
}

/// That there is nothing of a name.
pub(super) async fn free(graph: &Graph<'_>, path: &[&str]) -> Result<()> {
    match graph.find::<DriveItem>(path, &[]).await? {
        Some(_) => Err(Error::new(ErrorCode::Conflict, "there is something of that name already").with_field("name")),
        None => Ok(()),
    }
}

/// The id of the drive's own folder.
pub(super) async fn root_id(graph: &Graph<'_>) -> Result<String> {
    let root: DriveItem = graph.get(&["root"], &query(&[("$select", Some("id"))])).await?;
    root.id.ok_or_else(|| Error::new(ErrorCode::InvalidResponse, "Microsoft gave a folder without an id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_by_id_and_by_name() {
        assert_eq!(item("root", &["children"]), ["root", "children"]);
        assert_eq!(item("i-1", &[]), ["items", "i-1"]);
        assert_eq!(named("root", &["a", "b c"], &["content"]), ["root:", "a", "b c:", "content"]);
        assert_eq!(named("i-1", &["a"], &[]), ["items", "i-1:", "a"]);
    }

    #[test]
    fn names_that_onedrive_refuses_are_refused_before() {
        for good in ["a", "Homework 7b.docx", ".hidden", "ä"] {
            assert!(check_name("name", good).is_ok(), "{good}");
        }
        for bad in ["", " a", "a ", "a.", "a/b", "a:b", "a?", "..", "a\nb"] {
            assert_eq!(check_name("name", bad).unwrap_err().field(), Some("name"), "{bad:?}");
        }
        assert!(check_path("path", &Some("a//b".into())).is_err());
    }
}
