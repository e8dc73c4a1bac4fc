//! What Docs answers with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::define::object;

object! {
    /// A document as Docs has it. <https://developers.google.com/workspace/docs/api/concepts/structure>
    Document {
        /// Google's id; the same in Drive.
        document_id: String,
        /// The title.
        title: String,
        /// Which state of it this is: an edit that names it is refused once somebody else has changed it.
        revision_id: String,
        /// What stands in it.
        body: Value,
        /// Its tabs, where they were asked for; then there is no `body`.
        tabs: Vec<Value>,
    }
}

/// The words of a document, without how they look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DocumentText {
    /// Google's id.
    pub document_id: String,
    /// The title.
    pub title: String,
    /// Which state of it this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_id: Option<String>,
    /// The words: a line for each paragraph, table cells one after the other, tabs too.
    pub text: String,
}
