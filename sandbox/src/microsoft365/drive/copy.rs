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
    let target = body.get("parentReference").is_some();
    if target && (of_target("driveId").is_none() || of_target("id").is_none()) {
        return Err(items::invalid("The parentReference must have the driveId and the id of the parent folder."));
    }
    let drive = of_target("driveId").unwrap_or(&place.drive).to_owned();
    let folder = of_target("id").or(place.parent.as_deref()).ok_or_else(GraphError::no_item)?.to_owned();
    if context.world.table.get(Kind::Item, &drive, &folder).is_none() {
        return Err(GraphError::no_item());
    }
    let name = items::valid(text(&body, "name").unwrap_or(&place.name))?;
    let conflict = context.request.query();
    let conflict = conflict.filled("@microsoft.graph.conflictBehavior").unwrap_or("fail");
    let name = items::free_name(context, &drive, &folder, name, conflict, None)?;
    let token = context.world.guid();
    let address = format!("{}/{MONITORS}/{token}", context.url);
    let left = context.world.settings.copy_looks;
    let failed = &mut context.world.settings.failed_copies;
    let stage = if *failed > 0 { Stage::Failed } else { Stage::Queued(left) };
    *failed = failed.saturating_sub(1);
    let copy = Copying { source: row.id, drive, folder, name, conflict: conflict.to_owned(), stage };
    context.world.copies.insert(token, copy);
    Ok(Answer::empty(StatusCode::ACCEPTED).with(LOCATION, &address))
}

/// A copy that was asked for.
#[derive(Debug)]
pub(in super::super) struct Copying {
    source: String,
    drive: String,
    folder: String,
    name: String,
    conflict: String,
    stage: Stage,
}

/// How far a copy is.
#[derive(Debug)]
enum Stage {
    /// So many looks at it or at a drive still find it under way.
    Queued(u32),
    /// It stands: its id.
    Done(String),
    /// Something of its name came first.
    Taken,
    /// It came to nothing.
    Failed,
}

impl Copying {
    /// The next look finds it standing.
    pub(in super::super) fn hurry(&mut self) {
        if let Stage::Queued(left) = &mut self.stage {
            *left = 0;
        }
    }
}

/// One more look: what was queued for so many of them stands now.
pub(super) fn go_on(context: &mut Context<'_>) {
    let tokens: Vec<String> = context.world.copies.keys().cloned().collect();
    for token in tokens {
        let Some(mut copy) = context.world.copies.remove(&token) else { continue };
        copy.stage = match copy.stage {
            Stage::Queued(0) => finish(context, &copy),
            Stage::Queued(left) => Stage::Queued(left - 1),
            ended => ended,
        };
        context.world.copies.insert(token, copy);
    }
}

fn finish(context: &mut Context<'_>, copy: &Copying) -> Stage {
    let Copying { source, drive, folder, name, conflict, .. } = copy;
    let Ok(name) = items::free_name(context, drive, folder, name, conflict, None) else { return Stage::Taken };
    let of_source = context.world.table.by_id(Kind::Item, source).map(|row| row.value.clone()).unwrap_or_default();
    let facets = json!({ "size": of_source.get("size"), "file": of_source.get("file") });
    let id = items::add(context, drive, folder, &name, facets);
    if let Some(bytes) = context.world.contents.get(source).cloned() {
        context.world.contents.insert(id.clone(), bytes);
    }
    Stage::Done(id)
}

fn failed(code: &str, message: &str) -> Value {
    let error = json!({ "code": code, "message": message });
    json!({ "status": "failed", "percentageComplete": 0.0, "error": error })
}

/// Answers at such an address.
pub(in super::super) fn monitor(context: &mut Context<'_>, token: &str) -> Outcome {
    go_on(context);
    let copy = context.world.copies.get(token).ok_or_else(GraphError::no_item)?;
    let (status, body) = match &copy.stage {
        Stage::Queued(_) => (StatusCode::ACCEPTED, json!({ "status": "inProgress", "percentageComplete": 50.0 })),
        Stage::Done(id) => {
            let mut body = json!({ "status": "completed", "percentageComplete": 100.0 });
            if context.world.settings.copies_named {
                body["resourceId"] = json!(id);
            }
            (StatusCode::OK, body)
        }
        Stage::Taken => (StatusCode::OK, failed("nameAlreadyExists", "An item with the same name already exists.")),
        Stage::Failed => (StatusCode::OK, failed("generalException", "General exception while processing.")),
    };
    Ok(Answer::json(status, &body))
}
