//! Many files at once. <https://developers.google.com/workspace/drive/api/guides/performance#batch-requests>

use std::{
    collections::{BTreeSet, VecDeque},
    ops::ControlFlow,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        GoogleWorkspace,
        batch::{self, BatchReport, Endpoint, ItemResult},
        define::{Done, check_id, operation},
        scopes,
        wire::{drive, host},
    },
    files::for_all_drives,
    grant::{self, Share},
    objects::{FILE, File, Permission},
    sharing::permissions_request,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Repeat, Request, Response},
};

const DRIVE: Endpoint = Endpoint { host: host::MAIN, path: &["batch", "drive", "v3"], most: 100 };
/// The most items of one call.
const MOST: usize = 1000;
/// What to do about a file of which it stays unknown whether it is shared.
const LOOK_FIRST: &str = "see with listPermissions whether the file is shared so, before you share it again";

/// One file and whom it is shared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct FileShare {
    /// The file's id.
    pub file_id: String,
    /// Whom it is shared with.
    pub share: Share,
}

impl FileShare {
    /// A file and whom it is shared with.
    pub fn new(file_id: impl Into<String>, share: Share) -> Self {
        Self { file_id: file_id.into(), share }
    }
}

operation! {
    /// Shares many files, a hundred to a request. What is wrong with one holds up no other: each has its own result.
    ///
    /// <https://developers.google.com/workspace/drive/api/guides/performance#batch-requests>. Access `write`. Google takes one
    /// change at a time of who has a file; those of one file go one after the other. Where an answer is lost, who has the file
    /// is looked up: one whom it is shared with as asked for is `done`, though Google may not have written to them. Otherwise
    /// it stays `unknown`: see `listPermissions` before it is shared again.
    ///
    /// Example: `{"items": [{"fileId": "1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g", "share": {"role": "reader", "type": "user", "emailAddress": "a@school.edu"}}]}`
    ShareFiles = "shareFiles", Write, Never -> BatchReport<Permission>,
    scopes scopes::DRIVE,
    deadline 300,
    discloses {
        "items[].share.emailAddress": Contact(Anyone), "items[].share.message": Message(Anyone)
    }
    path {}
    required {
        /// The files, up to 1000.
        items: Vec<FileShare>,
    }
    optional {}
    check |this| {
        check_count("items", this.items.len())?;
        for (at, item) in this.items.iter().enumerate() {
            let here = |error: Error| error.within(&format!("items[{at}]"));
            check_id("file_id", &item.file_id).map_err(here)?;
            item.share.check().map_err(|error| here(error.within("share")))?;
        }
    }
    run |this, call| { share_all(call, &this.items).await }
}

operation! {
    /// Deletes many files for good, a hundred to a request. Each has its own result.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/delete>. Access `write`.
    ///
    /// Example: `{"fileIds": ["1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"]}`
    DeleteFiles = "deleteFiles", Write, Always -> BatchReport<Done>,
    scopes scopes::DRIVE,
    deadline 300,
    discloses {}
    path {}
    required {
        /// The files' ids, up to 1000.
        file_ids: Vec<String>,
    }
    optional {}
    check |this| { check_ids("fileIds", &this.file_ids)?; }
    run |this, call| { delete_all(call, &this.file_ids).await }
}

operation! {
    /// Reads about many files, a hundred to a request. Each has its own result.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get>. Access `read`.
    ///
    /// Example: `{"fileIds": ["1dyUEebJaFnWa3Z4n0BFMVAXQ7mfUH11g"]}`
    GetFiles = "getFiles", Read, Always -> BatchReport<File>,
    scopes scopes::FILES,
    deadline 120,
    discloses {}
    path {}
    required {
        /// The files' ids, up to 1000.
        file_ids: Vec<String>,
    }
    optional {}
    check |this| { check_ids("fileIds", &this.file_ids)?; }
    run |this, call| {
        let get = |id: &String| Ok(for_all_drives(call.get(drive(call, &["files", id])?)).query("fields", FILE));
        let requests = this.file_ids.iter().map(get).collect::<Result<Vec<Request>>>()?;
        let results = batch::objects(call, DRIVE, requests, Repeat::Always, |file: &File| file.id.clone()).await?;
        Ok(BatchReport::new(call, named(results, &this.file_ids)))
    }
}

/// Each result with the id that it was about.
fn named<T>(results: Vec<ItemResult<T>>, ids: &[String]) -> Vec<ItemResult<T>> {
    results.into_iter().zip(ids).map(|(result, id)| ItemResult { id: Some(id.clone()), ..result }).collect()
}

pub(in super::super) fn check_count(field: &str, count: usize) -> Result<()> {
    match count {
        0 => Err(Error::invalid(field, "must not be empty")),
        count if count > MOST => Err(Error::invalid(field, format!("must have at most {MOST} items; divide them"))),
        _ => Ok(()),
    }
}

fn check_ids(field: &str, ids: &[String]) -> Result<()> {
    check_count(field, ids.len())?;
    for (at, id) in ids.iter().enumerate() {
        check_id("", id).map_err(|error| error.with_field(format!("{field}[{at}]")))?;
    }
    Ok(())
}

/// Wave after wave, each with at most one change of a file: of two at once, Google keeps the last alone.
async fn share_all(call: &Call<'_, GoogleWorkspace>, items: &[FileShare]) -> Result<BatchReport<Permission>> {
    let mut waiting: VecDeque<(usize, &FileShare)> = items.iter().enumerate().collect();
    let mut results: Vec<ItemResult<Permission>> = Vec::new();
    while !waiting.is_empty() {
        let mut files = BTreeSet::new();
        let (now, later): (Vec<_>, Vec<_>) = waiting.drain(..).partition(|(_, item)| files.insert(&item.file_id));
        waiting.extend(later);
        let requests = now.iter().map(|(_, item)| item.share.request(call, &item.file_id));
        let requests = requests.collect::<Result<Vec<Request>>>()?;
        let answers = match batch::send(call, DRIVE, requests, Repeat::Never).await {
            Ok(answers) => answers,
            // What was done before stays told.
            Err(error) if !results.is_empty() => vec![Err(error); now.len()],
            Err(error) => return Err(error),
        };
        let read = |answer: Result<Response>| answer.and_then(|response| call.read(&response, Repeat::Never));
        let mut outcomes: Vec<Result<Permission>> = answers.into_iter().map(read).collect();
        // Before the next change of the same file, which may be one of the same person.
        find_lost(call, &now, &mut outcomes).await?;
        for ((index, item), outcome) in now.iter().zip(outcomes) {
            results.push(match batch::advised(outcome, LOOK_FIRST) {
                Ok(permission) => ItemResult::done(*index, permission.id.clone(), Some(permission)),
                Err(error) => ItemResult::failed(*index, None, &item.share.explained(error)),
            });
        }
    }
    results.sort_by_key(|result| result.index);
    Ok(BatchReport::new(call, results))
}

/// Looks up who has the files of which it is not known whether they were shared. To share twice with the same person is to
/// share once, so that one who has the file as asked for is as good as answered, since whenever that is.
async fn find_lost(
    call: &Call<'_, GoogleWorkspace>,
    items: &[(usize, &FileShare)],
    outcomes: &mut [Result<Permission>],
) -> Result<()> {
    let lost = items.iter().zip(outcomes).filter(|(_, outcome)| batch::is_lost(outcome));
    let mut open: Vec<_> = lost.map(|((_, item), outcome)| (*item, outcome, None::<String>)).collect();
    while !open.is_empty() {
        let looks = open
            .iter()
            .map(|(item, _, after)| permissions_request(call, &item.file_id, Some(grant::PAGE), after.as_deref()));
        let looks = looks.collect::<Result<Vec<Request>>>()?;
        let pages = batch::follow(call, DRIVE, looks, Repeat::Always).await;
        let mut further = Vec::new();
        for ((item, outcome, _), page) in open.into_iter().zip(pages) {
            // Where it cannot be looked up it stays unknown.
            let Ok(page) = page.and_then(|response| call.read(&response, Repeat::Always)) else { continue };
            match item.share.seek(page) {
                ControlFlow::Continue(next) => further.push((item, outcome, Some(next))),
                ControlFlow::Break(Some(found)) => *outcome = Ok(found),
                ControlFlow::Break(None) => {}
            }
        }
        open = further;
    }
    Ok(())
}

/// Those of which it is not known are asked for again: that one is not there any more means then that it was done.
async fn delete_all(call: &Call<'_, GoogleWorkspace>, ids: &[String]) -> Result<BatchReport<Done>> {
    let request = |id: &str| Ok(for_all_drives(call.delete(drive(call, &["files", id])?)));
    let requests = ids.iter().map(|id| request(id)).collect::<Result<Vec<Request>>>()?;
    let mut answers = batch::send(call, DRIVE, requests.clone(), Repeat::Never).await?;
    let open: Vec<usize> =
        answers.iter().enumerate().filter(|(_, answer)| batch::is_lost(answer)).map(|(index, _)| index).collect();
    if !open.is_empty() {
        let again = open.iter().filter_map(|at| requests.get(*at).cloned()).collect();
        // Where nothing can be asked they stay unknown, and what was done stays told.
        for (at, answer) in open.iter().zip(batch::send(call, DRIVE, again, Repeat::Always).await.unwrap_or_default()) {
            if let Some(first) = answers.get_mut(*at) {
                *first = answer;
            }
        }
    }
    let results = answers.into_iter().enumerate().zip(ids).map(|((index, answer), id)| match answer {
        Ok(_) => ItemResult::done(index, Some(id.clone()), None),
        Err(error) if error.code() == ErrorCode::NotFound && open.contains(&index) => {
            ItemResult::done(index, Some(id.clone()), None)
        }
        Err(error) => ItemResult::failed(index, Some(id.clone()), &error),
    });
    Ok(BatchReport::new(call, results.collect()))
}
