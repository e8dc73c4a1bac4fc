//! Copying, which takes its time: an address tells how far it is.

use hyper::StatusCode;
use hyper::header::LOCATION;
use serde_json::{Value, json};

use super::super::context::{Context, Outcome, text};
use super::super::error::GraphError;
use super::super::table::Kind;
use super::address::Destination;
use super::items;
use crate::exchange::Answer;

/// Where progress is told, without a token.
pub(in super::super) const MONITORS: &str = "_monitor";

pub(super) fn start(context: &mut Context<'_>, place: &Destination) -> Outcome {
    let (row, body) = (place.row(context)?, context.body()?);
    if row.value.get("file").is_none() {
        return Err(items::invalid("Only files are copied here."));
    }
    let of_target = |name: &str| body.pointer(&format!("/parentReference/{name}")).and_then(Value::as_str);
    let drive = of_target("driveId").unwrap_or(&place.drive).to_owned();
    let folder = of_target("id").or(place.parent.as_deref()).ok_or_else(GraphError::no_item)?.to_owned();
    if context.world.table.get(Kind::Item, &drive, &folder).is_none() {
        return Err(GraphError::no_item());
    }
    let name = items::valid(text(&body, "name").unwrap_or(&place.name))?;
    let conflict = context.request.query();
    let conflict = conflict.filled("@microsoft.graph.conflictBehavior").unwrap_or("fail");
    let name = items::free_name(context, &drive, &folder, name, conflict, None)?;
    let facets = json!({ "size": row.value.get("size"), "file": row.value.get("file") });
    let copy = items::add(context, &drive, &folder, &name, facets);
    if let Some(bytes) = context.world.contents.get(&row.id).cloned() {
        context.world.contents.insert(copy.clone(), bytes);
    }
    let token = context.world.guid();
    let address = format!("{}/{MONITORS}/{token}", context.url);
    context.world.copies.insert(token, (copy, false));
    Ok(Answer::empty(StatusCode::ACCEPTED).with(LOCATION, &address))
}

/// Answers at such an address: the first time it is still going on.
pub(in super::super) fn monitor(context: &mut Context<'_>, token: &str) -> Outcome {
    let (item, asked) = context.world.copies.get_mut(token).ok_or_else(GraphError::no_item)?;
    if std::mem::replace(asked, true) {
        let mut body = json!({ "status": "completed", "percentageComplete": 100.0 });
        if context.world.settings.copies_named {
            body["resourceId"] = json!(item);
        }
        return Ok(Answer::json(StatusCode::OK, &body));
    }
    let body = json!({ "status": "inProgress", "percentageComplete": 50.0 });
    Ok(Answer::json(StatusCode::ACCEPTED, &body))
}
