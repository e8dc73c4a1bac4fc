//! What a handler works with: the request, the tenant, and who asks.

use hyper::header::{HeaderName, IF_MATCH};
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::CLIENT_ID;
use super::auth::Caller;
use super::error::GraphError;
use super::odata::{Listing, Options, Place};
use super::table::{Kind, Row};
use super::world::{World, stamp};
use crate::exchange::{Answer, Request};

const CONSISTENCY: HeaderName = HeaderName::from_static("consistencylevel");

pub(super) type Outcome = Result<Answer, GraphError>;

pub(super) struct Context<'a> {
    pub(super) request: &'a Request,
    pub(super) world: &'a mut World,
    pub(super) caller: &'a Caller,
    pub(super) url: &'a str,
}

impl Context<'_> {
    pub(super) fn method(&self) -> &Method {
        &self.request.method
    }

    /// The body, which must be a JSON object.
    pub(super) fn body(&self) -> Result<Value, GraphError> {
        match serde_json::from_slice(&self.request.body) {
            Ok(Value::Object(map)) => Ok(Value::Object(map)),
            _ => Err(GraphError::bad("Unable to read JSON request payload.")),
        }
    }

    /// The body, where there need be none.
    pub(super) fn optional_body(&self) -> Result<Value, GraphError> {
        if self.request.body.is_empty() { Ok(json!({})) } else { self.body() }
    }

    /// Now, as Graph writes it.
    pub(super) fn now(&self) -> String {
        stamp(self.request.at)
    }

    /// The user who asks; none when the app does.
    pub(super) fn user(&self) -> Option<&str> {
        match self.caller {
            Caller::User { id, .. } => Some(id),
            Caller::App { .. } => None,
        }
    }

    /// Who asks, as Graph notes it.
    pub(super) fn identity(&self) -> Value {
        match self.user() {
            Some(id) => json!({ "user": { "id": id, "displayName": self.world.user_text(id, "displayName") } }),
            None => json!({ "application": { "id": CLIENT_ID, "displayName": "School app" } }),
        }
    }

    fn place(&self) -> Place<'_> {
        Place { url: self.url, request: self.request, longest: self.world.settings.page }
    }

    /// An answer with a list.
    pub(super) fn page(&self, rows: Vec<Value>, listing: &Listing<'_>) -> Outcome {
        let options = Options::read(self.request)?;
        let options = if self.world.settings.filters { options } else { options.unfiltered() };
        options.page(&self.place(), rows, listing)
    }

    /// An answer with all rows of a kind under a parent.
    pub(super) fn list(&self, kind: Kind, parent: &str, listing: &Listing<'_>) -> Outcome {
        let rows = self.world.table.under(kind, parent).map(|row| row.value.clone()).collect();
        self.page(rows, listing)
    }

    /// An answer with one resource, as far as it is asked for.
    pub(super) fn one(&self, value: Value, listing: &Listing<'_>) -> Outcome {
        let options = Options::read(self.request)?;
        let place = self.place();
        let set = format!("{}/$entity", listing.set);
        Ok(entity(StatusCode::OK, &place.context(&set), options.shape(value, listing)))
    }

    /// An answer with a resource that was made or changed: whole.
    pub(super) fn whole(&self, status: StatusCode, set: &str, value: Value) -> Outcome {
        Ok(entity(status, &self.place().context(&format!("{set}/$entity")), value))
    }

    /// A resource in the words that its reader knows.
    pub(super) fn worded(&self, value: Value, listing: &Listing<'_>) -> Result<Value, GraphError> {
        Ok(Options::read(self.request)?.worded(value, listing))
    }

    /// An answer with an action's results, which the documents give no context.
    pub(super) fn values(&self, status: StatusCode, values: &[Value]) -> Outcome {
        Ok(Answer::json(status, &json!({ "value": values })))
    }

    /// A row, unless it is still unseen.
    pub(super) fn seen(&mut self, kind: Kind, id: &str, missing: GraphError) -> Result<Row, GraphError> {
        if self.world.table.look(kind, id) {
            return Err(missing);
        }
        self.world.table.by_id(kind, id).cloned().ok_or(missing)
    }

    /// Whether an `If-Match` that was sent holds.
    pub(super) fn matches(&self, tag: &str) -> Result<(), GraphError> {
        match self.request.header(&IF_MATCH) {
            Some(wanted) if wanted != "*" && wanted.trim_start_matches("W/") != tag.trim_start_matches("W/") => {
                Err(GraphError::of_status(StatusCode::PRECONDITION_FAILED))
            }
            _ => Ok(()),
        }
    }

    /// Searching in the directory wants `ConsistencyLevel: eventual`.
    pub(super) fn consistent(&self) -> Result<(), GraphError> {
        let searches = self.request.query().filled("$search").is_some();
        if searches && self.request.header(&CONSISTENCY) != Some("eventual") {
            let message = "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'";
            return Err(GraphError::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message));
        }
        Ok(())
    }

    /// The user whom a link such as `…/users('id')` or `…/users/id` names.
    pub(super) fn bound_user(&self, link: Option<&Value>) -> Result<String, GraphError> {
        let link = link.and_then(Value::as_str).ok_or_else(|| GraphError::bad("The user to bind to is missing."))?;
        let id = bound(link).unwrap_or_default();
        self.world.user_id(&id).ok_or_else(|| GraphError::no_resource(&id))
    }
}

fn entity(status: StatusCode, context: &str, value: Value) -> Answer {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context));
    if let Value::Object(fields) = value {
        body.extend(fields);
    }
    Answer::json(status, &body)
}

/// The id at the end of a link: after the last slash, or in parentheses and quotes. It is an address: it ends where its
/// path does, and what is encoded in it is decoded.
pub(super) fn bound(link: &str) -> Option<String> {
    let path = link.split(['?', '#']).next().unwrap_or_default();
    let (_, key) = path.rsplit_once('/')?;
    let key = percent_decode_str(key).decode_utf8().ok()?;
    let id = match key.strip_suffix("')") {
        Some(key) => key.split_once("('").map(|(_, id)| id.replace("''", "'"))?,
        None => key.into_owned(),
    };
    (!id.is_empty()).then_some(id)
}

/// A field as text, unless it is missing or empty.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A field that must be a text.
pub(super) fn needed<'v>(value: &'v Value, name: &str) -> Result<&'v str, GraphError> {
    text(value, name).ok_or_else(|| GraphError::property(name))
}

/// A field's items; none if it is no list.
pub(super) fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Puts a patch's fields over a resource's; annotations and the id are not to be patched.
pub(super) fn merge(value: &mut Value, patch: &Value) {
    let (Some(fields), Some(patch)) = (value.as_object_mut(), patch.as_object()) else {
        return;
    };
    for (name, value) in patch.iter().filter(|(name, _)| !name.starts_with("@odata") && *name != "id") {
        fields.insert(name.clone(), value.clone());
    }
}
