//! Reading documents. <https://developers.google.com/workspace/docs/api/reference/rest/v1/documents/get>

use super::{
    super::{GoogleWorkspace, define::operation, scopes},
    document,
    objects::{Document, DocumentText},
    text,
};
use crate::{error::Result, providers::Call, transport::Repeat};

operation! {
    /// Reads a document with all its structure.
    ///
    /// <https://developers.google.com/workspace/docs/api/reference/rest/v1/documents/get>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"documentId": "195j9eDD3ccgjQRttHhJPymLJUCOUjs-jmwTrekvdjFE"}`
    GetDocument = "getDocument", Read, Always -> Document,
    scopes scopes::DOCUMENT,
    discloses {}
    path {
        /// The document's id.
        document_id: String,
    }
    required {}
    optional {
        /// Whether `tabs` are read, and no `body`.
        include_tabs: bool,
    }
    run |this, call| { read(call, &this.document_id, this.include_tabs.unwrap_or(false)).await }
}

operation! {
    /// Reads the words of a document, of all its tabs.
    ///
    /// <https://developers.google.com/workspace/docs/api/reference/rest/v1/documents/get>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"documentId": "195j9eDD3ccgjQRttHhJPymLJUCOUjs-jmwTrekvdjFE"}`
    GetDocumentText = "getDocumentText", Read, Always -> DocumentText,
    scopes scopes::DOCUMENT,
    discloses {}
    path {
        /// The document's id.
        document_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let document = read(call, &this.document_id, true).await?;
        Ok(DocumentText {
            document_id: this.document_id.clone(),
            text: text::of(&document),
            title: document.title.unwrap_or_default(),
            revision_id: document.revision_id,
        })
    }
}

pub(super) async fn read(call: &Call<'_, GoogleWorkspace>, id: &str, tabs: bool) -> Result<Document> {
    let mut request = call.get(document(call, id, "")?);
    if tabs {
        request = request.query("includeTabsContent", "true");
    }
    call.read(&call.send_as(request, Repeat::Always).await?, Repeat::Always)
}
