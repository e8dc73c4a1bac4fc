//! What has changed in a drive since a link was given.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::super::context::{Context, Outcome};
use super::super::error::GraphError;
use super::super::table::{Kind, Row};
use super::items::{ITEMS, shown};
use crate::exchange::Answer;

pub(super) fn changes(context: &mut Context<'_>, drive: &str) -> Outcome {
    let query = context.request.query();
    let latest = context.world.table.latest();
    let since = match query.filled("token") {
        None => 0,
        Some("latest") => latest,
        Some(token) => {
            let number = token.strip_prefix("sandbox-").and_then(|number| number.parse::<u64>().ok());
            // A token that is not known starts anew.
            number.filter(|number| *number <= latest).ok_or_else(|| GraphError::of_status(StatusCode::GONE))?
        }
    };
    let size = query.filled("$top").and_then(|top| top.parse().ok()).unwrap_or(ITEMS.size);
    let size = size.clamp(1, context.world.settings.page);
    let table = &context.world.table;
    let items = table.under(Kind::Item, drive);
    // What is gone is news only to those who have seen it.
    let gone = table.under(Kind::GoneItem, drive).filter(|_| since > 0);
    let mut rows: Vec<Row> = items.chain(gone).filter(|row| row.changed > since).cloned().collect();
    rows.sort_by_key(|row| row.changed);
    let more = rows.len() > size;
    rows.truncate(size);
    let reached = match (more, rows.last()) {
        (true, Some(last)) => last.changed,
        _ => latest,
    };
    let values: Vec<Value> = rows
        .iter()
        .map(|row| match row.kind {
            Kind::GoneItem => row.value.clone(),
            _ => shown(context, row),
        })
        .collect();
    let link = format!("{}{}?token=sandbox-{reached}", context.url, context.request.path());
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(format!("{}/v1.0/$metadata#Collection(driveItem)", context.url)));
    let name = if more { "@odata.nextLink" } else { "@odata.deltaLink" };
    body.insert(name.to_owned(), json!(link));
    body.insert("value".to_owned(), Value::Array(values));
    Ok(Answer::json(StatusCode::OK, &body))
}
