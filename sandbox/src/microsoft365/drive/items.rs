//! Items as such: folders, names, and where they are.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, needed, text};
use super::super::error::GraphError;
use super::super::odata::Listing;
use super::super::table::{Kind, Row};
use super::address::{Destination, child, children as rows_of, parent};
use super::content;
use crate::exchange::Answer;

pub(super) const ITEMS: Listing<'_> = Listing::new("drives('id')/items").size(200);

/// What no name may contain.
const FORBIDDEN: &[char] = &['"', '*', ':', '<', '>', '?', '/', '\\', '|'];

/// An item as it is shown: with how many it holds, and where its bytes can be had for a while.
pub(super) fn shown(context: &mut Context<'_>, row: &Row) -> Value {
    let mut item = row.value.clone();
    if item.get("folder").is_some() {
        item["folder"] = json!({ "childCount": rows_of(context, &row.parent, &row.id).count() });
    }
    if item.get("file").is_some() {
        item["@microsoft.graph.downloadUrl"] = json!(content::presigned(context, &row.id));
    }
    item["eTag"] = json!(etag(row));
    item["cTag"] = json!(format!("\"c:{{{}}},{}\"", row.id, row.changed));
    item
}

/// The tag that `If-Match` is held against.
pub(super) fn etag(row: &Row) -> String {
    format!("\"{{{}}},{}\"", row.id, row.changed)
}

pub(super) fn get(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let row = place.row(context)?;
    let item = shown(context, &row);
    context.one(item, &ITEMS)
}

pub(super) fn children(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let folder = place.row(context)?;
    let rows: Vec<Row> = rows_of(context, &place.drive, &folder.id).cloned().collect();
    list(context, &rows)
}

pub(super) fn search(context: &mut Context<'_>, drive: &str, words: &str) -> Outcome {
    let words = words.to_lowercase();
    let fits = |row: &&Row| text(&row.value, "name").is_some_and(|name| name.to_lowercase().contains(&words));
    let rows: Vec<Row> = context.world.table.under(Kind::Item, drive).filter(fits).cloned().collect();
    list(context, &rows)
}

fn list(context: &mut Context<'_>, rows: &[Row]) -> Outcome {
    let items = rows.iter().map(|row| shown(context, row)).collect();
    context.page(items, &ITEMS)
}

pub(super) fn create_folder(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let body = context.body()?;
    let folder = place.row(context)?;
    let name = valid(needed(&body, "name")?)?;
    if !body.get("folder").is_some_and(Value::is_object) {
        return Err(invalid("A new item needs the folder facet."));
    }
    let conflict = text(&body, "@microsoft.graph.conflictBehavior").unwrap_or("fail");
    let name = free_name(context, &place.drive, &folder.id, name, conflict, None)?;
    let id = add(context, &place.drive, &folder.id, &name, json!({ "folder": {}, "size": 0 }));
    whole(context, &place.drive, &id, StatusCode::CREATED)
}

/// Adds an item of these facets to a folder.
pub(super) fn add(context: &mut Context<'_>, drive: &str, folder: &str, name: &str, facets: Value) -> String {
    let id = context.world.item_id();
    let (now, identity) = (context.now(), context.identity());
    let kind = context.world.table.by_id(Kind::Drive, drive).and_then(|row| row.value.get("driveType").cloned());
    let mut item = json!({
        "id": id,
        "name": name,
        "createdDateTime": now,
        "lastModifiedDateTime": now,
        "createdBy": identity,
        "lastModifiedBy": identity,
        "fileSystemInfo": { "createdDateTime": now, "lastModifiedDateTime": now },
        "webUrl": format!("https://yourschool-my.sharepoint.example/{id}"),
        "parentReference": { "driveId": drive, "driveType": kind, "id": folder, "path": path_of(context, drive, folder) },
    });
    if let (Some(item), Value::Object(facets)) = (item.as_object_mut(), facets) {
        item.extend(facets);
    }
    context.world.add(Kind::Item, drive, item);
    id
}

/// A folder's path, as references have it.
fn path_of(context: &Context<'_>, drive: &str, folder: &str) -> String {
    let mut names = Vec::new();
    let mut at = context.world.table.get(Kind::Item, drive, folder);
    while let Some(row) = at {
        let up = parent(&row.value).and_then(|id| context.world.table.get(Kind::Item, drive, id));
        if up.is_some() {
            names.push(text(&row.value, "name").unwrap_or_default());
        }
        at = up;
    }
    let below: String = names.iter().rev().map(|name| format!("/{name}")).collect();
    format!("/drives/{drive}/root:{below}")
}

/// A name that may be used in a folder, by the behaviour asked for when it is taken. `own` is the item that has it.
pub(super) fn free_name(
    context: &Context<'_>,
    drive: &str,
    folder: &str,
    name: &str,
    conflict: &str,
    own: Option<&str>,
) -> Result<String, GraphError> {
    let taken = |name: &str| child(context, drive, folder, name).is_some_and(|row| Some(row.id.as_str()) != own);
    if !taken(name) {
        return Ok(name.to_owned());
    }
    if conflict != "rename" {
        return Err(GraphError::exists("nameAlreadyExists", "An item with the same name already exists."));
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let names = (1_u32..).map(|number| format!("{stem} {number}{extension}"));
    Ok(names.into_iter().find(|name| !taken(name)).unwrap_or_default())
}

pub(super) fn valid(name: &str) -> Result<&str, GraphError> {
    match name.contains(FORBIDDEN) || name.ends_with(['.', ' ']) || name.len() > 400 {
        true => Err(invalid("The name of the item is not valid.")),
        false => Ok(name),
    }
}

pub(super) fn invalid(message: &str) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "invalidRequest", message)
}

pub(super) fn patch(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let (row, body) = (place.row(context)?, context.body()?);
    context.matches(&etag(&row))?;
    let name = match text(&body, "name") {
        Some(name) => valid(name)?,
        None => place.name.as_str(),
    };
    let target = body.pointer("/parentReference/id").and_then(Value::as_str);
    let folder = target.or(place.parent.as_deref()).ok_or_else(|| invalid("The root cannot be changed."))?.to_owned();
    if context.world.table.get(Kind::Item, &place.drive, &folder).is_none_or(|row| row.value.get("folder").is_none()) {
        return Err(GraphError::no_item());
    }
    if is_within(context, &place.drive, &folder, &row.id) {
        return Err(invalid("A folder cannot be moved into itself."));
    }
    let conflict = text(&body, "@microsoft.graph.conflictBehavior").unwrap_or("fail");
    let name = free_name(context, &place.drive, &folder, name, conflict, Some(&row.id))?;
    let (path, now, identity) = (path_of(context, &place.drive, &folder), context.now(), context.identity());
    let row = context.world.table.change(Kind::Item, &place.drive, &row.id).ok_or_else(GraphError::no_item)?;
    row.value["name"] = json!(name);
    row.value["parentReference"]["id"] = json!(folder);
    row.value["parentReference"]["path"] = json!(path);
    row.value["lastModifiedDateTime"] = json!(now);
    row.value["lastModifiedBy"] = identity;
    if let Some(description) = body.get("description") {
        row.value["description"] = description.clone();
    }
    let id = row.id.clone();
    whole(context, &place.drive, &id, StatusCode::OK)
}

/// Whether a folder is an item or below it.
pub(super) fn is_within(context: &Context<'_>, drive: &str, folder: &str, item: &str) -> bool {
    let mut at = Some(folder);
    while let Some(id) = at {
        if id == item {
            return true;
        }
        at = context.world.table.get(Kind::Item, drive, id).and_then(|row| parent(&row.value));
    }
    false
}

pub(super) fn delete(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let row = place.row(context)?;
    context.matches(&etag(&row))?;
    if row.value.get("root").is_some() {
        return Err(invalid("The root cannot be deleted."));
    }
    let mut gone = vec![row.id];
    while let Some(id) = gone.pop() {
        gone.extend(rows_of(context, &place.drive, &id).map(|row| row.id.clone()));
        context.world.table.remove(Kind::Item, &place.drive, &id);
        context.world.contents.remove(&id);
        let stone = json!({ "id": id, "deleted": { "state": "deleted" } });
        context.world.add(Kind::GoneItem, &place.drive, stone);
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// An item that was made or changed.
pub(super) fn whole(context: &mut Context<'_>, drive: &str, id: &str, status: StatusCode) -> Outcome {
    let row = context.world.table.get(Kind::Item, drive, id).cloned().ok_or_else(GraphError::no_item)?;
    let mut item = shown(context, &row);
    // A pre-signed address is for those who read.
    if let (Some(fields), false) = (item.as_object_mut(), *context.method() == Method::GET) {
        fields.remove("@microsoft.graph.downloadUrl");
    }
    context.whole(status, ITEMS.set, item)
}
