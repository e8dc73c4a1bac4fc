//! Changing documents. <https://developers.google.com/workspace/docs/api/reference/rest/v1/documents/batchUpdate>
//!
//! Docs has no idempotency key. What it has is the revision: an edit that names the one it is for is refused once the
//! document has moved on, so that an edit whose answer was lost is never made twice.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        GoogleWorkspace,
        define::{check_text, operation},
        scopes,
        wire::made,
    },
    document,
    objects::Document,
    read::read,
    text,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Repeat,
};

/// The longest text that Docs takes (1.02 million characters to a document).
pub(super) const LONGEST: usize = 1_000_000;
/// The most replacements of one call.
const MOST: usize = 100;
/// How often an edit is tried of which no word came.
pub(super) const TRIES: u32 = 3;

/// A document that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EditedDocument {
    /// Google's id.
    pub document_id: String,
    /// The state that the document is in now: for the next edit's `requiredRevisionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_id: Option<String>,
    /// How often each text was replaced; none where the edit was made by an earlier try whose answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurrences: Option<Vec<u64>>,
}

operation! {
    /// Writes a text at the end of a document.
    ///
    /// <https://developers.google.com/workspace/docs/api/how-tos/move-text>. Access `write`. Repeated with the same idempotency
    /// key it writes once. Errors: `not_found`, `conflict` where somebody changed the document in the meantime.
    ///
    /// Example: `{"documentId": "195j9eDD3ccgjQRttHhJPymLJUCOUjs-jmwTrekvdjFE", "text": "\nSeen by the head of year."}`
    AppendToDocument = "appendToDocument", Write, WithKey -> EditedDocument,
    scopes scopes::DOCUMENTS,
    steps &["revision", "edit"],
    discloses { "text": Content(Anyone) }
    path {
        /// The document's id.
        document_id: String,
    }
    required {
        /// What is written; a line of its own begins with `\n`.
        text: String,
    }
    optional {
        /// The state that the document must be in. Default: the one it is in when the call begins.
        required_revision_id: String,
    }
    check |this| { check_text("text", &this.text, LONGEST)?; }
    run |this, call| {
        let requests = json!([{ "insertText": { "text": this.text, "endOfSegmentLocation": {} } }]);
        let edit = Edit { document: &this.document_id, requests, revision: this.required_revision_id.as_deref() };
        // What Docs strips of a text does not come back.
        let written: String = this.text.chars().filter(|letter| is_kept(*letter)).collect();
        let verdict = |there: &Document| match text::of(there).trim_end().ends_with(written.trim_end()) {
            true => Verdict::Made,
            false => Verdict::NotMade,
        };
        let (revision_id, _) = edit.apply(call, false, verdict).await?;
        Ok(EditedDocument { document_id: this.document_id.clone(), revision_id, occurrences: None })
    }
}

/// One text in place of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Replacement {
    /// What is looked for, such as `{{student}}`.
    pub find: String,
    /// What stands there afterwards; may be empty.
    pub replace_with: String,
    /// Whether capitals matter. Default: they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_case: Option<bool>,
}

impl Replacement {
    /// One text in place of another.
    pub fn new(find: impl Into<String>, replace_with: impl Into<String>) -> Self {
        Self { find: find.into(), replace_with: replace_with.into(), match_case: None }
    }

    fn request(&self) -> Value {
        let text = json!({ "text": self.find, "matchCase": self.match_case.unwrap_or(true) });
        json!({ "replaceAllText": { "containsText": text, "replaceText": self.replace_with } })
    }

    /// What a text says of whether this was made: it was where nothing of what is looked for is left and what replaces it is
    /// there. One that leaves nothing, or brings back what is looked for, cannot be told.
    fn verdict(&self, text: &str) -> Verdict {
        let same = |text: &str| if self.match_case == Some(false) { text.to_lowercase() } else { text.to_owned() };
        let (find, text) = (same(&self.find), same(text));
        let brings_back = same(&self.replace_with).contains(&find);
        match text.contains(&find) {
            true if !brings_back => Verdict::NotMade,
            false if !self.replace_with.is_empty() && text.contains(&same(&self.replace_with)) => Verdict::Made,
            _ => Verdict::Unknown,
        }
    }
}

/// What a document that has moved on says of whether an edit was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Made,
    NotMade,
    Unknown,
}

operation! {
    /// Puts texts in the place of others everywhere in a document: fills in a template. All of them or none.
    ///
    /// <https://developers.google.com/workspace/docs/api/how-tos/merge>. Access `write`. Repeated with the same idempotency key
    /// it replaces once. Errors: `not_found`, `conflict` where somebody changed the document in the meantime, `outcome_unknown`
    /// where an answer was lost and the document does not tell, as where nothing takes the place of what is found.
    ///
    /// Example: `{"documentId": "195j9eDD3ccgjQRttHhJPymLJUCOUjs-jmwTrekvdjFE", "replacements": [{"find": "{{student}}", "replaceWith": "Jane"}]}`
    ReplaceInDocument = "replaceInDocument", Write, WithKey -> EditedDocument,
    scopes scopes::DOCUMENTS,
    steps &["revision", "edit"],
    discloses { "replacements[].find": Content(Anyone), "replacements[].replaceWith": Content(Anyone) }
    path {
        /// The document's id.
        document_id: String,
    }
    required {
        /// What is replaced by what, up to 100.
        replacements: Vec<Replacement>,
    }
    optional {
        /// The state that the document must be in. Default: the one it is in when the call begins.
        required_revision_id: String,
    }
    check |this| {
        if this.replacements.is_empty() || this.replacements.len() > MOST {
            return Err(Error::invalid("replacements", format!("must have 1 to {MOST} items")));
        }
        for (at, replacement) in this.replacements.iter().enumerate() {
            if replacement.find.is_empty() {
                return Err(Error::invalid(format!("replacements[{at}].find"), "must not be empty"));
            }
            if replacement.replace_with.chars().count() > LONGEST {
                let why = format!("must have at most {LONGEST} characters");
                return Err(Error::invalid(format!("replacements[{at}].replaceWith"), why));
            }
        }
    }
    run |this, call| {
        let requests = this.replacements.iter().map(Replacement::request).collect();
        let edit = Edit { document: &this.document_id, requests, revision: this.required_revision_id.as_deref() };
        // All of them or none: one tells for the others.
        let verdict = |there: &Document| {
            let text = text::everywhere(there);
            let mut verdicts = this.replacements.iter().map(|replacement| replacement.verdict(&text));
            if verdicts.clone().any(|verdict| verdict == Verdict::NotMade) {
                Verdict::NotMade
            } else if verdicts.all(|verdict| verdict == Verdict::Made) {
                Verdict::Made
            } else {
                Verdict::Unknown
            }
        };
        let (revision_id, replies) = edit.apply(call, true, verdict).await?;
        // Docs leaves a number that is 0 out.
        let count = |reply: &Value| reply.pointer("/replaceAllText/occurrencesChanged").and_then(Value::as_u64).unwrap_or(0);
        let occurrences = replies.map(|replies| replies.iter().map(count).collect());
        Ok(EditedDocument { document_id: this.document_id.clone(), revision_id, occurrences })
    }
}

/// Control characters and those for private use are stripped by Docs.
fn is_kept(letter: char) -> bool {
    !matches!(letter, '\u{0}'..='\u{8}' | '\u{c}'..='\u{1f}' | '\u{e000}'..='\u{f8ff}')
}

/// An edit of a document in one state.
pub(super) struct Edit<'a> {
    pub(super) document: &'a str,
    pub(super) requests: Value,
    pub(super) revision: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    #[serde(default)]
    replies: Vec<Value>,
    #[serde(default)]
    write_control: Option<WriteControl>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WriteControl {
    #[serde(default)]
    required_revision_id: Option<String>,
}

type Outcome = (Option<String>, Option<Vec<Value>>);

impl Edit<'_> {
    /// The steps `revision` and `edit`. `verdict` tells of a document that has moved on whether it was by this edit; it is
    /// given all the `tabs`, or the body.
    /// Answers the revision afterwards, and Google's replies where this try has seen them.
    async fn apply(
        &self,
        call: &Call<'_, GoogleWorkspace>,
        tabs: bool,
        verdict: impl Fn(&Document) -> Verdict + Send + Sync,
    ) -> Result<Outcome> {
        let revision = match self.revision {
            Some(revision) => revision.to_owned(),
            None => {
                call.step("revision", async |_| {
                    let there = read(call, self.document, false).await?;
                    there.revision_id.ok_or_else(|| {
                        Error::new(ErrorCode::Conflict, "this user may read the document and not change it")
                    })
                })
                .await?
            }
        };
        let (revision, replies) = made(call, "edit", async |begun| {
            let mut look = begun;
            let mut last = None;
            for _ in 0..TRIES {
                if look {
                    let there = read(call, self.document, tabs).await?;
                    if there.revision_id.as_deref() != Some(revision.as_str()) {
                        return match verdict(&there) {
                            Verdict::Made => Ok((there.revision_id.unwrap_or_default(), None)),
                            Verdict::NotMade => Err(moved_on()),
                            Verdict::Unknown => Err(untold()),
                        };
                    }
                }
                match self.send(call, &revision).await {
                    Err(error) if error.code() == ErrorCode::OutcomeUnknown => last = Some(error),
                    // An earlier try may have arrived since the look: the next one tells.
                    Err(error) if error.code() == ErrorCode::Conflict && look => {}
                    sent => return sent.map(|(revision, replies)| (revision, Some(replies))),
                }
                look = true;
            }
            Err(last.unwrap_or_else(moved_on))
        })
        .await?;
        call.note("id", self.document);
        Ok((Some(revision).filter(|revision| !revision.is_empty()), replies.flatten()))
    }

    /// Makes the edit in this state of the document. Error: `conflict` where it has moved on.
    pub(super) async fn send(&self, call: &Call<'_, GoogleWorkspace>, revision: &str) -> Result<(String, Vec<Value>)> {
        let body = json!({ "requests": self.requests, "writeControl": { "requiredRevisionId": revision } });
        let request = call.post(document(call, self.document, ":batchUpdate")?).json(&body);
        let response = call.send_as(request, Repeat::Never).await.map_err(|error| {
            let theirs = error.vendor().filter(|vendor| vendor.status == 400).and_then(|vendor| vendor.message.clone());
            if theirs.is_some_and(|words| words.to_lowercase().contains("revision")) { moved_on() } else { error }
        })?;
        let answered: Answered = call.read(&response, Repeat::Never)?;
        let revision = answered.write_control.and_then(|control| control.required_revision_id);
        Ok((revision.unwrap_or_default(), answered.replies))
    }
}

fn untold() -> Error {
    let why = "the document has changed since, and does not tell whether by this edit; read it before you repeat it";
    Error::new(ErrorCode::OutcomeUnknown, why)
}

fn moved_on() -> Error {
    let message =
        "somebody has changed the document in the meantime, and nothing was written; read it again and repeat";
    Error::new(ErrorCode::Conflict, message).with_field("requiredRevisionId")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_knows_whether_it_was_made() {
        let name = Replacement::new("{{student}}", "Jane");
        assert_eq!(name.verdict("Dear Jane"), Verdict::Made);
        assert_eq!(name.verdict("Dear {{student}}"), Verdict::NotMade);
        // Somebody else has taken it away, or it was never there.
        assert_eq!(name.verdict("Dear John"), Verdict::Unknown);
        // "a" stands in what replaces it, or nothing does: the text cannot tell.
        assert_eq!(Replacement::new("a", "aa").verdict("aaaa"), Verdict::Unknown);
        assert_eq!(Replacement::new("a", "").verdict("b"), Verdict::Unknown);
        let any_case = Replacement { match_case: Some(false), ..Replacement::new("NAME", "x") };
        assert_eq!(any_case.verdict("name"), Verdict::NotMade);
    }

    #[test]
    fn what_docs_strips_is_known() {
        let kept: String = "a\u{0}\u{b}\n\t\u{e000}\u{1f}b".chars().filter(|letter| is_kept(*letter)).collect();
        assert_eq!(kept, "a\u{b}\n\tb");
    }
}
