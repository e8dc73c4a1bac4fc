//! Many small requests at once: `$batch`. <https://learn.microsoft.com/graph/json-batching>
//!
//! Graph takes twenty to a batch, answers them in any order, and throttles each by itself: what was refused for the
//! rate is sent again, and nothing else is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    error,
    graph::{Graph, is_there},
};
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Headers, Method, Repeat, turned_away},
};

/// How many Graph takes at once.
pub(super) const MOST: usize = 20;

/// The wait after a refusal for the rate that names none.
const PAUSE: Duration = Duration::from_secs(2);
/// What a call keeps of its time for the last answer.
const RESERVE: Duration = Duration::from_secs(5);

/// What became of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ItemState {
    /// It was done.
    Done,
    /// It was refused, and nothing happened.
    Failed,
    /// It may have been done: look before it is repeated.
    Unknown,
}

/// Why an item was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ItemError {
    /// Our code, such as `conflict`.
    pub code: String,
    /// In words.
    pub message: String,
    /// The argument at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Microsoft's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_code: Option<String>,
}

impl From<&Error> for ItemError {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().name().to_owned(),
            message: error.message().to_owned(),
            field: error.field().map(str::to_owned),
            vendor_code: error.vendor().and_then(|vendor| vendor.code.clone()),
        }
    }
}

/// One item's outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ItemResult {
    /// The position in the list that was given.
    pub index: usize,
    /// The id of what was made or added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `done`, `failed` or `unknown`.
    pub state: ItemState,
    /// Why not, or why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
}

impl ItemResult {
    pub(super) fn done(index: usize, id: Option<String>) -> Self {
        Self { index, id, state: ItemState::Done, error: None }
    }

    pub(super) fn failed(index: usize, error: &Error) -> Self {
        let state = if error.code() == ErrorCode::OutcomeUnknown { ItemState::Unknown } else { ItemState::Failed };
        Self { index, id: None, state, error: Some(error.into()) }
    }
}

/// What became of each item, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcomes {
    /// One for each item.
    pub results: Vec<ItemResult>,
}

/// One request of a batch.
pub(super) struct Item {
    pub(super) method: Method,
    /// Below the version, such as `/users`; its segments are encoded.
    pub(super) path: String,
    pub(super) body: Value,
    /// What it is done to, where the answer brings no id of its own.
    pub(super) id: Option<String>,
    /// Where in the arguments it stands.
    pub(super) field: String,
}

impl Item {
    /// A POST to a path of segments.
    pub(super) fn post(path: &[&str], body: Value, id: Option<&str>, field: String) -> Result<Self> {
        let url = Graph::reference(path)?;
        let path = url.split_once("/v1.0").map(|(_, path)| path.to_owned()).unwrap_or_default();
        Ok(Self { method: Method::Post, path, body, id: id.map(str::to_owned), field })
    }
}

#[derive(Deserialize)]
struct Answers {
    responses: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    status: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Value,
}

/// Sends all items, twenty at a time. `Always` for those that may be sent twice; `settled` says of a refusal that what
/// was wanted is there already.
///
/// Errors: of the first batch, where nothing was done at all. Later ones are the items' own.
pub(super) async fn run(
    graph: &Graph<'_>,
    items: &[Item],
    repeat: Repeat,
    settled: fn(&Error) -> bool,
) -> Result<Outcomes> {
    let mut results: Vec<ItemResult> = Vec::with_capacity(items.len());
    for (number, chunk) in items.chunks(MOST).enumerate() {
        let first = number * MOST;
        match chunk_of(graph, chunk, first, repeat, settled).await {
            Ok(done) => results.extend(done),
            Err(error) if number == 0 && error.code() != ErrorCode::OutcomeUnknown => return Err(error),
            Err(error) => {
                let error = settle(error, repeat);
                results.extend((0..chunk.len()).map(|at| ItemResult::failed(first + at, &error)));
            }
        }
    }
    Ok(Outcomes { results })
}

/// Adds each of `ids`, which are `below`, to a collection of references.
pub(super) async fn refer(
    graph: &Graph<'_>,
    path: &[&str],
    below: &[&str],
    ids: &[String],
    field: &str,
) -> Result<Outcomes> {
    let item = |(at, id): (usize, &String)| {
        let reference = Graph::reference(&[below, &[id]].concat())?;
        Item::post(path, json!({ "@odata.id": reference }), Some(id), format!("{field}[{at}]"))
    };
    let items: Vec<Item> = ids.iter().enumerate().map(item).collect::<Result<_>>()?;
    run(graph, &items, Repeat::Always, is_there).await
}

/// One batch, again and again with what is left of it until nothing is, or the time is up.
async fn chunk_of(
    graph: &Graph<'_>,
    chunk: &[Item],
    first: usize,
    repeat: Repeat,
    settled: fn(&Error) -> bool,
) -> Result<Vec<ItemResult>> {
    let mut ended: BTreeMap<usize, ItemResult> = BTreeMap::new();
    // Those that Microsoft once failed at: they may have been done then.
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let mut renewed = false;
    loop {
        let left: Vec<usize> = (0..chunk.len()).filter(|at| !ended.contains_key(at)).collect();
        if left.is_empty() {
            return Ok(ended.into_values().collect());
        }
        // Where none can be had, the asking says why.
        let token = if renewed { None } else { graph.call.token(None).await.ok().flatten() };
        let answers = match ask(graph, chunk, &left, repeat).await {
            Ok(answers) => answers,
            Err(error) if ended.is_empty() && open.is_empty() => return Err(error),
            Err(error) => {
                let error = settle(error, repeat);
                ended.extend(left.into_iter().map(|at| (at, given_up(first + at, &error, open.contains(&at)))));
                continue;
            }
        };
        let mut again: Vec<(usize, Error)> = Vec::new();
        let is_turned_down = |at: usize| answers.get(&at.to_string()).is_some_and(|answer| answer.status == 401);
        // What a token was refused for was not acted on: once more with another, whatever it is.
        let mut other = false;
        if token.is_some() && left.iter().any(|at| is_turned_down(*at)) {
            renewed = true;
            other = graph.call.token(token.as_deref()).await.is_ok();
        }
        for at in left {
            let Some(item) = chunk.get(at) else { continue };
            if other && is_turned_down(at) {
                continue;
            }
            match read(graph, item, answers.get(&at.to_string()), repeat).await {
                Ok(id) => drop(ended.insert(at, ItemResult::done(first + at, id))),
                Err(error) if settled(&error) => {
                    drop(ended.insert(at, ItemResult::done(first + at, item.id.clone())));
                }
                // What may be sent twice is sent again after a failure within, as if it had been refused for the rate.
                Err(error) if matches!(error.code(), ErrorCode::RateLimited | ErrorCode::VendorUnavailable) => {
                    if error.code() == ErrorCode::VendorUnavailable {
                        open.insert(at);
                    }
                    again.push((at, error));
                }
                Err(error) => {
                    let open = open.contains(&at) && is_blind(&error);
                    drop(ended.insert(at, given_up(first + at, &error, open)));
                }
            }
        }
        let wait = again.iter().map(|(_, error)| error.retry_after().unwrap_or(PAUSE)).max().unwrap_or_default();
        if wait + RESERVE < graph.call.deadline().since(graph.call.now()) {
            graph.call.runtime().sleep(wait).await;
        } else {
            ended.extend(again.into_iter().map(|(at, error)| (at, given_up(first + at, &error, open.contains(&at)))));
        }
    }
}

/// Of a batch that was sent again and again in vain: an earlier time may have done it.
fn settle(error: Error, repeat: Repeat) -> Error {
    let open = matches!(error.code(), ErrorCode::VendorUnavailable | ErrorCode::Timeout);
    if open && repeat != Repeat::Never { in_doubt(&error) } else { error }
}

/// Whether a refusal says nothing of what an earlier time did: it is about who asks, or that time may be why.
fn is_blind(error: &Error) -> bool {
    let turned_away = error.vendor().is_some_and(|vendor| turned_away(vendor.status));
    turned_away || error.code() == ErrorCode::Conflict
}

/// Of an item that is not sent again; `open` if it may have been done an earlier time.
fn given_up(index: usize, error: &Error, open: bool) -> ItemResult {
    if open && error.code() != ErrorCode::OutcomeUnknown {
        return ItemResult::failed(index, &in_doubt(error));
    }
    ItemResult::failed(index, error)
}

fn in_doubt(error: &Error) -> Error {
    let why = format!("{}; it may have been done before that", error.message());
    let doubt = Error::new(ErrorCode::OutcomeUnknown, why).with_vendor(error.vendor().cloned().unwrap_or_default());
    match error.field() {
        Some(field) => doubt.with_field(field),
        None => doubt,
    }
}

async fn ask(graph: &Graph<'_>, chunk: &[Item], which: &[usize], repeat: Repeat) -> Result<BTreeMap<String, Answer>> {
    let requests: Vec<Value> = which
        .iter()
        .filter_map(|&at| {
            let item = chunk.get(at)?;
            let mut request = json!({ "id": at.to_string(), "method": item.method.name(), "url": item.path });
            if !item.body.is_null() {
                request["headers"] = json!({ "Content-Type": "application/json" });
                request["body"] = item.body.clone();
            }
            Some(request)
        })
        .collect();
    let answers: Answers = graph.make(Method::Post, &["$batch"], &json!({ "requests": requests }), repeat).await?;
    Ok(answers.responses.into_iter().map(|answer| (answer.id.clone(), answer)).collect())
}

/// One item's answer: the id, or the refusal with the item's place.
async fn read(graph: &Graph<'_>, item: &Item, answer: Option<&Answer>, repeat: Repeat) -> Result<Option<String>> {
    let unknown = || {
        Error::new(ErrorCode::OutcomeUnknown, "Microsoft does not say what became of this item; it may have been done")
            .with_field(&item.field)
    };
    let Some(answer) = answer else { return Err(unknown()) };
    if (200..300).contains(&answer.status) {
        let made = answer.body.get("id").and_then(Value::as_str).map(str::to_owned);
        return Ok(made.or_else(|| item.id.clone()));
    }
    let mut headers = Headers::default();
    for (name, value) in &answer.headers {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        headers.set(name, text);
    }
    let error = error::read(answer.status, &headers, &answer.body);
    let error = error::dated(error, &headers, graph.call.now());
    if error.code() == ErrorCode::VendorUnavailable && repeat == Repeat::Never {
        return Err(unknown());
    }
    let error = graph.of_rights(error).await;
    let field = match error.field() {
        Some("config.scopes") => "config.scopes".to_owned(),
        Some(inner) => format!("{}.{inner}", item.field),
        None => item.field.clone(),
    };
    Err(error.with_field(field))
}
