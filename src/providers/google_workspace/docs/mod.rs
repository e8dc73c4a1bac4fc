//! Docs: documents, what stands in them, and changing that.

mod create;
mod edit;
mod objects;
mod read;
mod text;

pub use create::{CreateDocument, CreatedDocument, DocumentPermission};
pub use edit::{AppendToDocument, EditedDocument, ReplaceInDocument, Replacement};
pub use objects::{Document, DocumentText};
pub use read::{GetDocument, GetDocumentText};

use url::Url;

use super::{GoogleWorkspace, wire::host};
use crate::{
    error::Result,
    operations,
    providers::{Call, OperationSpec},
};

pub(super) fn operations() -> Vec<OperationSpec> {
    operations![CreateDocument, GetDocument, GetDocumentText, AppendToDocument, ReplaceInDocument]
}

/// A document's address; `verb` is what Google puts behind the id.
fn document(call: &Call<'_, GoogleWorkspace>, id: &str, verb: &str) -> Result<Url> {
    call.url(host::DOCS, &["v1", "documents", &format!("{id}{verb}")])
}
