//! OData's query options: which resources, in which order, which of their fields, and page by page.

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use super::error::GraphError;
use super::filter::{self, Filter};
use crate::exchange::{Answer, Request};

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// By which a reader says that it knows of words to come.
const EVERY_WORD: &str = "include-unknown-enum-members";

/// What is particular to one list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing<'a> {
    /// Its name in `@odata.context`.
    pub(super) set: &'a str,
    /// How long a page is unless `$top` says.
    pub(super) size: usize,
    /// The fields that are shown unless `$select` names others; all if it is empty.
    pub(super) shown: &'a [&'a str],
    /// The fields that only `$expand` shows.
    pub(super) expanded: &'a [&'a str],
    /// Fields whose words came later than others: they are told to those alone who ask for such.
    pub(super) late: &'a [(&'a str, &'a [&'a str])],
    /// Whether `$top` is taken.
    pub(super) cut: bool,
}

impl<'a> Listing<'a> {
    pub(super) const fn new(set: &'a str) -> Self {
        Self { set, size: 100, shown: &[], expanded: &[], late: &[], cut: true }
    }

    pub(super) const fn size(mut self, size: usize) -> Self {
        self.size = size;
        self
    }

    pub(super) const fn shown(mut self, shown: &'a [&'a str]) -> Self {
        self.shown = shown;
        self
    }

    pub(super) const fn expanded(mut self, expanded: &'a [&'a str]) -> Self {
        self.expanded = expanded;
        self
    }

    pub(super) const fn late(mut self, late: &'a [(&'a str, &'a [&'a str])]) -> Self {
        self.late = late;
        self
    }

    /// Without `$top`.
    pub(super) const fn uncut(mut self) -> Self {
        self.cut = false;
        self
    }
}

/// The options of one request.
#[derive(Debug, Default)]
pub(super) struct Options {
    select: Vec<String>,
    expand: Vec<String>,
    filter: Option<Filter>,
    order: Vec<(String, bool)>,
    search: Option<String>,
    top: Option<usize>,
    from: usize,
    count: bool,
    every_word: bool,
}

impl Options {
    pub(super) fn read(request: &Request) -> Result<Self, GraphError> {
        let query = request.query();
        let list = |name: &str| -> Vec<String> {
            let text = query.filled(name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let number = |name: &str| match query.filled(name).map(str::parse::<usize>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(GraphError::bad(format!("Invalid value for '{name}'."))),
        };
        let filter = match query.filled("$filter").map(filter::parse) {
            Some(None) => return Err(GraphError::bad("Invalid filter clause.")),
            Some(filter) => filter,
            None => None,
        };
        let order = list("$orderby").into_iter().map(|part| match part.split_once(' ') {
            Some((field, direction)) => (field.to_owned(), direction.trim() == "desc"),
            None => (part, false),
        });
        let token = match query.filled("$skiptoken").map(|token| token.strip_prefix("sandbox-").map(str::parse)) {
            None => None,
            Some(Some(Ok(token))) => Some(token),
            Some(_) => return Err(GraphError::bad("The skip token is not valid.")),
        };
        let top = number("$top")?;
        if top == Some(0) || top.is_some_and(|top| top > 999) {
            return Err(GraphError::bad("Invalid page size specified. Must be between 1 and 999 inclusive."));
        }
        Ok(Self {
            select: list("$select"),
            // What is within parentheses narrows the expansion, and is not needed here.
            expand: list("$expand").iter().filter_map(|part| part.split('(').next()).map(str::to_owned).collect(),
            filter,
            order: order.collect(),
            search: query.filled("$search").map(str::to_owned),
            top,
            from: match token {
                Some(token) => token,
                None => number("$skip")?.unwrap_or(0),
            },
            count: query.get("$count") == Some("true"),
            every_word: request.header(&PREFER).is_some_and(|wishes| wishes.contains(EVERY_WORD)),
        })
    }

    /// As a workload reads it that has never heard of filters.
    pub(super) fn unfiltered(mut self) -> Self {
        self.filter = None;
        self
    }

    /// A resource in the words that its reader knows.
    pub(super) fn worded(&self, mut value: Value, listing: &Listing<'_>) -> Value {
        if !self.every_word {
            for (name, late) in listing.late {
                if value.get(*name).and_then(Value::as_str).is_some_and(|word| late.contains(&word)) {
                    value[*name] = json!("unknownFutureValue");
                }
            }
        }
        value
    }

    /// A resource's fields, as far as they are asked for.
    pub(super) fn shape(&self, value: Value, listing: &Listing<'_>) -> Value {
        let Value::Object(fields) = self.worded(value, listing) else {
            return Value::Null;
        };
        let wanted = |name: &str| {
            if listing.expanded.contains(&name) {
                return self.expand.iter().any(|expanded| expanded == name);
            }
            // Annotations and the id come along whatever is asked for.
            name.starts_with('@')
                || match self.select.is_empty() {
                    true => listing.shown.is_empty() || listing.shown.contains(&name),
                    false => name == "id" || self.select.iter().any(|selected| selected == name),
                }
        };
        Value::Object(fields.into_iter().filter(|(name, _)| wanted(name)).collect())
    }

    /// The rows that are asked for, all of them, in order.
    fn choose(&self, mut rows: Vec<Value>) -> Vec<Value> {
        if let Some(filter) = &self.filter {
            rows.retain(|row| filter.fits(row));
        }
        if let Some(search) = &self.search {
            rows.retain(|row| found(row, search));
        }
        // The least important first: sorting keeps the order of equals.
        for (name, descending) in self.order.iter().rev() {
            rows.sort_by(|left, right| {
                let of = |row| filter::field(row, name).unwrap_or(&Value::Null);
                let order = filter::compare(of(left), of(right)).unwrap_or(std::cmp::Ordering::Equal);
                if *descending { order.reverse() } else { order }
            });
        }
        rows
    }

    /// A page of rows with the address of the next.
    pub(super) fn page(&self, at: &Place<'_>, rows: Vec<Value>, listing: &Listing<'_>) -> Result<Answer, GraphError> {
        if self.top.is_some() && !listing.cut {
            return Err(GraphError::bad("Query option 'Top' is not allowed."));
        }
        let rows = self.choose(rows);
        let size = self.top.unwrap_or(listing.size).min(at.longest);
        let (total, from) = (rows.len(), self.from.min(rows.len()));
        let end = (from + size).min(total);
        let page: Vec<Value> = rows.into_iter().skip(from).take(size).map(|row| self.shape(row, listing)).collect();
        let mut body = Map::new();
        body.insert("@odata.context".to_owned(), json!(at.context(listing.set)));
        if self.count {
            body.insert("@odata.count".to_owned(), json!(total));
        }
        if end < total {
            body.insert("@odata.nextLink".to_owned(), json!(at.next(end)));
        }
        body.insert("value".to_owned(), Value::Array(page));
        Ok(Answer::json(StatusCode::OK, &body))
    }
}

/// Where the answer is given: what links are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) url: &'a str,
    pub(super) request: &'a Request,
    /// The longest page that the tenant gives.
    pub(super) longest: usize,
}

impl Place<'_> {
    pub(super) fn context(&self, set: &str) -> String {
        format!("{}/v1.0/$metadata#{set}", self.url)
    }

    fn next(&self, from: usize) -> String {
        let query = self.request.query();
        let kept = query.iter().filter(|(name, _)| !matches!(*name, "$skip" | "$skiptoken"));
        let mut pairs = Serializer::new(String::new());
        for (name, value) in kept {
            pairs.append_pair(name, value);
        }
        pairs.append_pair("$skiptoken", &format!("sandbox-{from}"));
        format!("{}{}?{}", self.url, self.request.path(), pairs.finish())
    }
}

/// Whether a resource has what `$search` names: `word`, `"several words"`, or `"field:value"`.
fn found(row: &Value, search: &str) -> bool {
    let text = search.trim().trim_matches('"').to_lowercase();
    let contains = |value: &Value| value.to_string().to_lowercase().contains(&text);
    match text.split_once(':') {
        Some((name, part)) => {
            let fields = row.as_object().into_iter().flatten();
            fields
                .filter(|(has, _)| has.eq_ignore_ascii_case(name))
                .any(|(_, value)| value.to_string().to_lowercase().contains(part.trim()))
        }
        None => contains(row),
    }
}
