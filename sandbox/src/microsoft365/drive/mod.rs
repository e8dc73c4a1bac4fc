//! Drives: items by id and by path, what they hold, and with whom they are shared.

mod address;
mod content;
mod copy;
mod delta;
mod items;
mod share;

use hyper::Method;
use serde_json::{Value, json};

pub(super) use address::Destination;
pub(super) use content::{DOWNLOADS, download, store};
pub(super) use copy::{Copying, MONITORS, monitor};

use super::context::{Context, Outcome};
use super::error::GraphError;
use super::odata::Listing;
use super::table::Kind;
use address::Address;

pub(super) const DRIVES: Listing<'_> = Listing::new("drives");

/// The drive of a user, a group or a site.
pub(super) fn of_owner(context: &Context<'_>, owner: &str) -> Result<String, GraphError> {
    let mut drives = context.world.table.under(Kind::Drive, owner);
    drives.next().map(|row| row.id.clone()).ok_or_else(GraphError::no_item)
}

/// Everything below a drive.
pub(super) fn route(context: &mut Context<'_>, drive: &str, path: &[&str]) -> Outcome {
    if path.is_empty() {
        return match *context.method() {
            Method::GET => {
                let value = described(context, drive)?;
                context.one(value, &DRIVES)
            }
            _ => Err(GraphError::no_route()),
        };
    }
    let (address, tail) = Address::parse(path).ok_or_else(GraphError::no_route)?;
    if *context.method() == Method::GET {
        copy::go_on(context);
    }
    let place = address.resolve(context, drive)?;
    match (context.method().clone(), tail) {
        (Method::GET, []) => items::get(context, &place),
        (Method::PATCH, []) => items::patch(context, &place),
        (Method::DELETE, []) => items::delete(context, &place),
        (Method::GET, ["children"]) => items::children(context, &place),
        (Method::POST, ["children"]) => items::create_folder(context, &place),
        (Method::GET, ["content"]) => content::get(context, &place),
        (Method::PUT, ["content"]) => content::put(context, &place),
        (Method::POST, ["createUploadSession"]) => content::open_session(context, &place),
        (Method::POST, ["createLink"]) => share::create_link(context, &place),
        (Method::POST, ["invite"]) => share::invite(context, &place),
        (Method::GET, ["permissions"]) => share::permissions(context, &place),
        (Method::DELETE, ["permissions", id]) => share::remove(context, &place, id),
        (Method::POST, ["copy"]) => copy::start(context, &place),
        (Method::GET, ["delta" | "delta()"]) => delta::changes(context, drive),
        (Method::GET, [search]) if search.starts_with("search(q='") => {
            let text = search.trim_start_matches("search(q='").trim_end_matches("')");
            items::search(context, drive, text)
        }
        _ => Err(GraphError::no_route()),
    }
}

/// A drive with what is used of it.
pub(super) fn described(context: &Context<'_>, drive: &str) -> Result<Value, GraphError> {
    let row = context.world.table.by_id(Kind::Drive, drive).ok_or_else(GraphError::no_item)?;
    let mut value = row.value.clone();
    let used = used(context, drive);
    let total = value.pointer("/quota/total").and_then(Value::as_u64).unwrap_or_default();
    value["quota"]["used"] = json!(used);
    value["quota"]["remaining"] = json!(total.saturating_sub(used));
    Ok(value)
}

fn used(context: &Context<'_>, drive: &str) -> u64 {
    let items = context.world.table.under(Kind::Item, drive);
    items.filter_map(|row| row.value.get("size")?.as_u64()).sum()
}
