//! Knows again a file that an earlier try may have made: by a mark of ours on it.
//!
//! Google's own documents cannot be given an id beforehand. <https://developers.google.com/workspace/drive/api/guides/create-file>
//! Marks are seen by this OAuth client alone. <https://developers.google.com/workspace/drive/api/guides/properties>

use std::{future::Future, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        GoogleWorkspace,
        wire::{self, drive},
    },
    objects::{FILE, File},
    query,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Repeat,
};

/// The mark's name.
const NAME: &str = "sisCall";
/// Drive's search runs behind what was made: how often it is asked, and how long after each time.
const LOOKS: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(500);
/// For how long what is not found may be there all the same. Google names no bound; a file is found within seconds as a
/// rule, within minutes on a bad day. To say "unknown" for longer costs a wait, to make a second file costs more.
const LAG: Duration = Duration::from_secs(600);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    #[serde(default)]
    files: Vec<File>,
    next_page_token: Option<String>,
    /// Whether Drive has left out shared drives, where the file may be.
    #[serde(default)]
    incomplete_search: bool,
}

/// A step that makes one file with `make`, which is given the marks to put on it as `appProperties`.
///
/// What an earlier try made is found by its mark, and so is what this one may have made when no answer comes. It is made anew
/// once the earlier try is so long ago that it would be found. Answers the file's id, and the file where it was seen.
///
/// Errors: `outcome_unknown` until then.
pub(in super::super) async fn made<F>(
    call: &Call<'_, GoogleWorkspace>,
    step: &str,
    make: impl FnOnce(Value) -> F + Send,
) -> Result<(String, Option<File>)>
where
    F: Future<Output = Result<File>> + Send,
{
    let mark = call.vendor_key(step);
    wire::made(call, step, async |begun| {
        let earlier = if begun { find(call, &mark).await? } else { None };
        if begun && earlier.is_none() {
            settle(call, step).await?;
        }
        let file = match earlier {
            Some(file) => file,
            None => match make(json!({ NAME: mark })).await {
                Err(error) if error.code() == ErrorCode::OutcomeUnknown => {
                    // What the search says later is no worse than what is known now.
                    find(call, &mark).await.ok().flatten().ok_or(error)?
                }
                other => other?,
            },
        };
        Ok((file.id.clone().unwrap_or_default(), file))
    })
    .await
}

/// Gives up what an earlier try may have made, and was not found: not before the search must know of it.
async fn settle(call: &Call<'_, GoogleWorkspace>, step: &str) -> Result<()> {
    let since = call.step_since(step).unwrap_or_else(|| call.now());
    let left = LAG.saturating_sub(call.now().since(since));
    if left.is_zero() {
        return call.begin_step_anew(step).await;
    }
    let why = format!(
        "an earlier try may have made it, and Drive's search may not know yet: repeat the call with its idempotency key, which \
         looks again; in {} seconds it will be made if it is still not found",
        left.as_secs().max(1)
    );
    Err(Error::new(ErrorCode::OutcomeUnknown, why))
}

async fn find(call: &Call<'_, GoogleWorkspace>, mark: &str) -> Result<Option<File>> {
    let q = format!(
        "appProperties has {{ key={} and value={} }} and trashed = false",
        query::quoted(NAME),
        query::quoted(mark)
    );
    let mut incomplete = false;
    for look in 0..LOOKS {
        if look > 0 {
            call.runtime().sleep(BETWEEN).await;
        }
        incomplete = false;
        let mut after: Option<String> = None;
        // A page may be empty and not the last.
        loop {
            let mut request = call
                .get(drive(call, &["files"])?)
                .query("q", &q)
                .query("fields", format!("nextPageToken,files({FILE}),incompleteSearch"))
                .query("supportsAllDrives", "true")
                .query("includeItemsFromAllDrives", "true")
                .query("corpora", "allDrives");
            if let Some(token) = &after {
                request = request.query("pageToken", token);
            }
            let found: Found = call.read(&call.send_as(request, Repeat::Always).await?, Repeat::Always)?;
            if let Some(file) = found.files.into_iter().next() {
                return Ok(Some(file));
            }
            incomplete |= found.incomplete_search;
            after = found.next_page_token.filter(|token| !token.is_empty());
            if after.is_none() {
                break;
            }
        }
    }
    if incomplete {
        let why = "an earlier try may have made it, and Drive has not searched everywhere: repeat the call with its \
                   idempotency key, which looks again";
        return Err(Error::new(ErrorCode::OutcomeUnknown, why));
    }
    Ok(None)
}
