//! Checks requests and answers against a vendor's OpenAPI documents.
//!
//! The documents are not part of the crate: their folder is named by the environment variable `SIS_CONTRACTS`, with one
//! folder for each vendor in it. OpenAPI 3.0 and 3.1 are understood. The check is strict in both directions: a
//! parameter or field that the document does not name is a violation, unless the document allows others explicitly.
//!
//! Where a vendor's schema contradicts the vendor's own example of the same answer (a field of another type, or one
//! that the schema does not name), the example counts too.
//!
//! Google's documents lack the parameters that every operation of a product takes; they stand in the product's own
//! discovery document, `drive.v3.cut.json` beside `drive.v3.openapi.json`, and are taken from there.
//!
//! ```no_run
//! # fn main() -> Result<(), String> {
//! use sandbox::contract::{Body, Contract};
//!
//! let contract = Contract::load(std::path::Path::new("contracts"), "twilio")?;
//! let form = [("To".to_owned(), "+14155550100".to_owned())];
//! let path = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json";
//! contract.check_request("POST", path, &[], Body::Form(&form)).map_err(|violations| violations.join("\n"))?;
//! # Ok(())
//! # }
//! ```

mod coerce;
mod discovery;
mod document;
mod formats;
mod path;
mod translate;

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::recorder::Exchange;
use coerce::Node;
use document::{Document, Operation};

/// The environment variable that names the folder of the vendors' documents.
pub const FOLDER_VARIABLE: &str = "SIS_CONTRACTS";

/// A vendor's documents.
#[derive(Debug)]
pub struct Contract {
    vendor: String,
    documents: Vec<Document>,
}

/// A request's body, by the way it is to be read.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// None.
    None,
    /// Decoded pairs of a form; a name may repeat or carry brackets (`metadata[key]`).
    Form(&'a [(String, String)]),
    /// JSON.
    Json(&'a Value),
    /// Anything else, by content type: it must be one that the operation takes, and is not looked into.
    Other(&'a str),
}

/// One violation a line, each saying where it is.
pub type Verdict = Result<(), Vec<String>>;

impl Contract {
    /// Reads every OpenAPI document under `dir/vendor`; other JSON files there are passed over.
    pub fn load(dir: &Path, vendor: &str) -> Result<Self, String> {
        Ok(Self { vendor: vendor.to_owned(), documents: documents(&dir.join(vendor))? })
    }

    /// Takes the documents of another folder in, such as those of the token endpoints.
    pub fn with(mut self, dir: &Path, folder: &str) -> Result<Self, String> {
        self.documents.extend(documents(&dir.join(folder))?);
        Ok(self)
    }

    /// The vendor whose documents these are.
    pub fn vendor(&self) -> &str {
        &self.vendor
    }

    /// Method and path template of every operation.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.documents.iter().flat_map(Document::operations).map(|operation| (&*operation.method, &*operation.template))
    }

    /// Method and path template of the operation that a request belongs to.
    pub fn operation(&self, method: &str, path: &str) -> Option<(&str, &str)> {
        self.find(method, path).ok().map(|(_, found)| (&*found.operation.method, &*found.operation.template))
    }

    /// Whether the operation's answers with this status are described.
    pub fn documents(&self, method: &str, path: &str, status: u16) -> bool {
        self.find(method, path).is_ok_and(|(document, found)| document.response(found.operation, status).is_some())
    }

    /// Checks a request. `path` is as sent, without the query; `query` is decoded.
    pub fn check_request(&self, method: &str, path: &str, query: &[(String, String)], body: Body<'_>) -> Verdict {
        let (document, found) = self.find(method, path).map_err(|violation| vec![violation])?;
        let operation = found.operation;
        let mut violations = Vec::new();
        for (name, text) in &found.parameters {
            match document.parameter(operation, "path", name) {
                Some(parameter) => {
                    let node = Node::text(text);
                    document.check_parameter(&parameter, &node, &format!("path {name}"), &mut violations);
                }
                None => violations.push(format!("path {name}: the document does not describe it")),
            }
        }
        self.check_query(document, operation, query, &mut violations);
        check_body(document, operation, body, &mut violations);
        verdict(method, path, violations)
    }

    /// Checks an answer. `body` is none where there is none.
    pub fn check_response(&self, method: &str, path: &str, status: u16, body: Option<&Value>) -> Verdict {
        let (document, found) = self.find(method, path).map_err(|violation| vec![violation])?;
        let mut violations = Vec::new();
        match (document.response(found.operation, status), body) {
            (None, _) => violations.push(format!("status {status}: not described")),
            (Some(response), body) => document.check_response(response, body, &mut violations),
        }
        verdict(method, path, violations)
    }

    /// Checks a recorded request and, where its status is described, its answer.
    pub fn check_exchange(&self, exchange: &Exchange) -> Verdict {
        let Exchange { method, path, query, form, body, .. } = exchange;
        let kind = exchange.header("content-type").unwrap_or("");
        let json = serde_json::from_slice::<Value>(body).ok();
        let body = match json.as_ref() {
            _ if body.is_empty() && form.is_empty() => Body::None,
            Some(json) if kind.contains("json") => Body::Json(json),
            _ if kind.starts_with("application/x-www-form-urlencoded") => Body::Form(form),
            _ => Body::Other(kind),
        };
        self.check_request(method, path, query, body)?;
        match &exchange.response {
            Some(response) if self.documents(method, path, response.status) => {
                let json = serde_json::from_slice(&response.body).ok();
                self.check_response(method, path, response.status, json.as_ref())
            }
            _ => Ok(()),
        }
    }

    fn check_query(
        &self,
        document: &Document,
        operation: &Operation,
        query: &[(String, String)],
        violations: &mut Vec<String>,
    ) {
        let declared = document.parameters(operation, "query");
        let is_declared = |name: &str| declared.iter().any(|parameter| parameter.name == name);
        let nodes = coerce::tree(query, &is_declared);
        for (name, node) in &nodes {
            match declared.iter().find(|parameter| parameter.name == *name) {
                Some(parameter) => {
                    document.check_parameter(parameter, node, &format!("query {name}"), violations);
                }
                None if document.is_key(name) => {}
                None => violations.push(format!("query {name}: unknown")),
            }
        }
        for missing in declared.iter().filter(|declared| declared.required) {
            if !nodes.iter().any(|(name, _)| *name == missing.name) {
                violations.push(format!("query {}: required", missing.name));
            }
        }
    }

    /// The one operation that the path and method name.
    fn find(&self, method: &str, path: &str) -> Result<(&Document, path::Found<'_>), String> {
        let mut found: Vec<_> = self
            .documents
            .iter()
            .flat_map(|document| document.matching(path).map(move |found| (document, found)))
            .collect();
        // OpenAPI: a concrete path goes before a templated one.
        let Some(best) = found.iter().map(|(_, found)| found.operation.path.concreteness()).max() else {
            return Err(format!("{method} {path}: no path matches"));
        };
        found.retain(|(_, found)| found.operation.path.concreteness() == best);
        let templates: std::collections::BTreeSet<&str> =
            found.iter().map(|(_, found)| &*found.operation.template).collect();
        if templates.len() > 1 {
            let templates: Vec<_> = templates.into_iter().collect();
            return Err(format!("{method} {path}: several paths match: {}", templates.join(", ")));
        }
        let mut of_method = found.into_iter().filter(|(_, found)| found.operation.method.eq_ignore_ascii_case(method));
        match (of_method.next(), of_method.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(format!("{method} {path}: several documents describe it")),
            (None, _) => Err(format!("{method} {path}: the path does not take this method")),
        }
    }
}

fn check_body(document: &Document, operation: &Operation, body: Body<'_>, violations: &mut Vec<String>) {
    let Some(declared) = document.request_body(operation) else {
        if !matches!(body, Body::None | Body::Form([])) {
            violations.push("body: the operation takes none".to_owned());
        }
        return;
    };
    match body {
        Body::Json(value) => match declared.media("json") {
            Some(media) => document.check_value(media, value, None, "body", violations),
            None => violations.push("body: JSON is not taken".to_owned()),
        },
        Body::Form(pairs) => match declared.media("x-www-form-urlencoded") {
            Some(media) => document.check_form(media, pairs, violations),
            None => violations.push("body: a form is not taken".to_owned()),
        },
        Body::None => match declared.media("x-www-form-urlencoded") {
            // An empty form and no body are the same bytes.
            Some(media) => document.check_form(media, &[], violations),
            None if declared.required => violations.push("body: required".to_owned()),
            None => {}
        },
        Body::Other(kind) => {
            let essence = kind.split(';').next().unwrap_or(kind).trim();
            if !declared.takes(essence) {
                violations.push(format!("body: {essence} is not taken"));
            }
        }
    }
}

fn verdict(method: &str, path: &str, violations: Vec<String>) -> Verdict {
    if violations.is_empty() {
        return Ok(());
    }
    Err(violations.into_iter().map(|violation| format!("{method} {path}: {violation}")).collect())
}

/// The OpenAPI documents under a folder.
fn documents(folder: &Path) -> Result<Vec<Document>, String> {
    let (mut found, mut shared) = (Vec::new(), HashMap::new());
    for file in json_files(folder)? {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if value.get("openapi").is_some() && value.get("paths").is_some() {
            found.push((name, value));
        } else if let Some(parameters) = discovery::parameters(&value) {
            shared.insert(discovery::product(&name).to_owned(), parameters);
        }
    }
    if found.is_empty() {
        return Err(format!("{} holds no OpenAPI document", folder.display()));
    }
    let document = |(name, mut root): (String, Value)| {
        if let Some(parameters) = shared.get(discovery::product(&name)) {
            discovery::share(&mut root, parameters);
        }
        Document::new(name, root)
    };
    found.into_iter().map(document).collect()
}

/// All JSON files under a folder, in the order of their names.
fn json_files(dir: &Path) -> Result<Vec<std::path::PathBuf>, String> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", dir.display()))?.path();
        if path.is_dir() {
            files.extend(json_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The vendors that have a folder of documents, in the order of their names.
pub fn vendors(dir: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut vendors = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", dir.display()))?.path();
        if path.is_dir() && Contract::has_documents(&path) {
            vendors.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    vendors.sort();
    Ok(vendors)
}

impl Contract {
    fn has_documents(dir: &Path) -> bool {
        json_files(dir).is_ok_and(|files| {
            files.iter().any(|file| std::fs::read_to_string(file).is_ok_and(|text| text.contains("\"openapi\"")))
        })
    }

    /// Checks every example that the documents give of an answer against its own schema, and says which fail.
    /// A failure here is the vendor's or the checker's mistake.
    pub fn check_examples(&self) -> (usize, Vec<String>) {
        let (mut count, mut violations) = (0, Vec::new());
        for document in &self.documents {
            count += document.check_examples(&mut violations);
        }
        (count, violations)
    }
}

#[cfg(test)]
mod tests;
