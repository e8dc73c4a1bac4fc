//! Sites: their drives, and their lists with what is in them.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::context::{Context, Outcome, items as items_of, merge, text};
use super::error::GraphError;
use super::odata::Listing;
use super::table::Kind;
use super::{DOMAIN, drive};
use crate::exchange::Answer;

const SITES: Listing<'_> = Listing::new("sites");
const LISTS: Listing<'_> = Listing::new("sites('id')/lists").expanded(&["columns"]);
const COLUMNS: Listing<'_> = Listing::new("sites('id')/lists('id')/columns");
/// Columns of every list, which nobody made.
const BUILT_IN: &[&str] = &["Title", "ContentType", "Attachments"];
const ITEMS: Listing<'_> = Listing::new("sites('id')/lists('id')/items").size(200).expanded(&["fields"]);

pub(super) fn route(context: &mut Context<'_>, path: &[&str]) -> Outcome {
    let (named, rest) = match path {
        [] => return search(context),
        // `{host}:/sites/{name}`, whose end another colon may mark.
        [host, "sites", name, rest @ ..] if host.ends_with(':') => (name.trim_end_matches(':'), rest),
        [named, rest @ ..] => (*named, rest),
    };
    let site = find(context, named)?;
    let id = text(&site, "id").unwrap_or_default().to_owned();
    match (context.method().clone(), rest) {
        (Method::GET, []) => context.one(site, &SITES),
        (Method::GET, ["drives"]) => context.list(Kind::Drive, &id, &drive::DRIVES),
        (_, ["drive", rest @ ..]) => {
            let drive = drive::of_owner(context, &id)?;
            drive::route(context, &drive, rest)
        }
        (Method::GET, ["lists"]) => context.list(Kind::List, &id, &LISTS),
        (Method::POST, ["lists"]) => create_list(context, &id),
        (_, ["lists", list, rest @ ..]) => {
            let list = find_list(context, &id, list)?;
            match (context.method().clone(), rest) {
                (Method::GET, []) => context.one(list, &LISTS),
                (Method::GET, ["columns"]) => context.page(columns(&list), &COLUMNS),
                (_, ["items", rest @ ..]) => items(context, &list, rest),
                _ => Err(GraphError::no_route()),
            }
        }
        _ => Err(GraphError::no_route()),
    }
}

/// A site by its id, by the name in its address, or `root`.
fn find(context: &Context<'_>, named: &str) -> Result<Value, GraphError> {
    let mut sites = context.world.table.under(Kind::Site, "");
    let site = sites.find(|row| {
        let name = text(&row.value, "name").unwrap_or_default();
        named == "root" || named == DOMAIN || row.id == named || name.eq_ignore_ascii_case(named)
    });
    site.map(|row| row.value.clone()).ok_or_else(GraphError::no_item)
}

fn search(context: &Context<'_>) -> Outcome {
    if *context.method() != Method::GET {
        return Err(GraphError::no_route());
    }
    let query = context.request.query();
    let words = query.filled("search").unwrap_or("*").to_lowercase();
    let sites = context.world.table.under(Kind::Site, "").map(|row| row.value.clone());
    let fits = |site: &Value| text(site, "displayName").is_some_and(|name| name.to_lowercase().contains(&words));
    context.page(sites.filter(|site| words == "*" || fits(site)).collect(), &SITES)
}

fn find_list(context: &Context<'_>, site: &str, named: &str) -> Result<Value, GraphError> {
    let mut lists = context.world.table.under(Kind::List, site);
    let list = lists.find(|row| row.id == named || text(&row.value, "displayName") == Some(named));
    list.map(|row| row.value.clone()).ok_or_else(GraphError::no_item)
}

fn create_list(context: &mut Context<'_>, site: &str) -> Outcome {
    let body = context.body()?;
    let name = text(&body, "displayName").ok_or_else(|| invalid("displayName"))?.to_owned();
    if find_list(context, site, &name).is_ok() {
        return Err(GraphError::exists("nameAlreadyExists", "The specified name already exists."));
    }
    let given = items_of(&body, "columns");
    let list = json!({
        "id": context.world.guid(),
        "name": name,
        "displayName": name,
        "createdDateTime": context.now(),
        "list": body.get("list").cloned().unwrap_or_else(|| json!({ "template": "genericList" })),
        "columns": given.iter().filter_map(made).collect::<Vec<_>>(),
        "webUrl": format!("https://{DOMAIN}/Lists/{name}"),
    });
    context.world.add(Kind::List, site, list.clone());
    let mut list = list;
    if let Some(fields) = list.as_object_mut() {
        fields.remove("columns");
    }
    context.whole(StatusCode::CREATED, LISTS.set, list)
}

fn invalid(name: &str) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "invalidRequest", format!("The field '{name}' is missing or not valid."))
}

/// A column: its internal name has no letter that XML would not take in a name.
pub(super) fn column(title: &str) -> Value {
    let mut name = String::new();
    for letter in title.chars() {
        match letter.is_ascii_alphanumeric() || letter == '_' {
            true => name.push(letter),
            false => name.push_str(&format!("_x{:04x}_", u32::from(letter))),
        }
    }
    json!({ "id": format!("column-{name}"), "name": name, "displayName": title, "text": {} })
}

fn made(given: &Value) -> Option<Value> {
    text(given, "displayName").or_else(|| text(given, "name")).map(column)
}

fn columns(list: &Value) -> Vec<Value> {
    BUILT_IN.iter().map(|name| column(name)).chain(items_of(list, "columns").iter().cloned()).collect()
}

/// Every field is a column's, by its internal name; what follows an `@` says how a value is written.
fn known(list: &Value, fields: &Value) -> Result<(), GraphError> {
    let columns = columns(list);
    for name in fields.as_object().into_iter().flat_map(|fields| fields.keys()) {
        let name = name.split('@').next().unwrap_or_default();
        if !columns.iter().any(|column| text(column, "name") == Some(name)) {
            let message = format!("Field '{name}' is not recognized");
            return Err(GraphError::new(StatusCode::BAD_REQUEST, "invalidRequest", message));
        }
    }
    Ok(())
}

fn items(context: &mut Context<'_>, of: &Value, path: &[&str]) -> Outcome {
    let list = text(of, "id").unwrap_or_default();
    match (context.method().clone(), path) {
        (Method::GET, []) => context.list(Kind::ListItem, list, &ITEMS),
        (Method::POST, []) => {
            let body = context.body()?;
            let fields = body.get("fields").filter(|fields| fields.is_object()).ok_or_else(|| invalid("fields"))?;
            known(of, fields)?;
            let item = add_item(context, list, fields);
            context.whole(StatusCode::CREATED, ITEMS.set, item)
        }
        (Method::GET, [id]) => {
            let row = context.world.table.get(Kind::ListItem, list, id).ok_or_else(GraphError::no_item)?;
            context.one(row.value.clone(), &ITEMS)
        }
        (Method::PATCH, [id, "fields"]) => {
            let patch = context.body()?;
            known(of, &patch)?;
            let row = context.world.table.change(Kind::ListItem, list, id).ok_or_else(GraphError::no_item)?;
            merge(&mut row.value["fields"], &patch);
            Ok(Answer::json(StatusCode::OK, &row.value["fields"]))
        }
        (Method::DELETE, [id]) => {
            context.world.table.remove(Kind::ListItem, list, id).ok_or_else(GraphError::no_item)?;
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(GraphError::no_route()),
    }
}

/// Adds an item; numbers count up within the list.
fn add_item(context: &mut Context<'_>, list: &str, fields: &Value) -> Value {
    let number = context.world.table.under(Kind::ListItem, list).filter_map(|row| row.id.parse::<u64>().ok()).max();
    let id = (number.unwrap_or(0) + 1).to_string();
    let (now, identity) = (context.now(), context.identity());
    let mut fields = fields.clone();
    fields["id"] = json!(id);
    let item = json!({
        "id": id,
        "createdDateTime": now,
        "lastModifiedDateTime": now,
        "createdBy": identity,
        "lastModifiedBy": identity,
        "contentType": { "id": "0x0100", "name": "Item" },
        "fields": fields,
    });
    context.world.add(Kind::ListItem, list, item.clone());
    item
}
