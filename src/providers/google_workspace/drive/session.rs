//! Uploads in chunks. <https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable>
//!
//! The session's address is a credential by itself: it is kept encrypted as a step's secret, and shown nowhere.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use url::Url;

use super::{
    super::{
        GoogleWorkspace,
        wire::{drive_upload, made},
    },
    files::{for_all_drives, read},
    objects::{FILE, File},
    upload::Content,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::{Backoff, Method, Repeat, Request, Response},
};

/// Google wants multiples of 256 KiB.
const CHUNK: usize = 16 * (256 << 10);
/// How often one chunk is tried without any of it arriving.
const STUCK: u32 = 5;
/// How often a session that lapsed is opened anew.
const SESSIONS: u32 = 2;

/// Where an upload goes.
pub(super) struct Destination<'a> {
    pub(super) method: Method,
    pub(super) path: &'a [&'a str],
    /// The id of the file that it makes; none where the file is there already.
    pub(super) made_as: Option<&'a str>,
}

/// Where a session has come to.
enum State {
    /// Google has so many bytes.
    At(usize),
    /// It has all, and this is the file.
    Done(Box<File>),
    /// It has forgotten the session.
    Lapsed,
}

/// Uploads through a session: the steps `session` and `upload`. Answers the file where this try has seen it.
pub(super) async fn through_session(
    call: &Call<'_, GoogleWorkspace>,
    to: &Destination<'_>,
    content: &Content<'_>,
) -> Result<Option<File>> {
    let (_, file) = made(call, "upload", async |_| {
        for _ in 0..SESSIONS {
            let fresh = AtomicBool::new(false);
            let opening = call.secret_step("session", async |_| {
                fresh.store(true, Ordering::Relaxed);
                open(call, to, content).await
            });
            let session = match opening.await {
                // A file of this id is there: an earlier try has finished it.
                Err(error) if error.code() == ErrorCode::Conflict => return there(call, to, error).await,
                opened => opened?,
            };
            let url =
                session.parse().map_err(|_| Error::internal("an upload session of an earlier try cannot be read"))?;
            let at = if fresh.load(Ordering::Relaxed) { State::At(0) } else { ask(call, &url, content).await? };
            match send(call, &url, content, at).await? {
                Some(file) => return Ok((file.id.clone().unwrap_or_default(), *file)),
                None => call.undo_step("session").await?,
            }
        }
        Err(Error::new(ErrorCode::VendorUnavailable, "Google has forgotten the upload more than once; repeat it"))
    })
    .await?;
    Ok(file)
}

async fn there(call: &Call<'_, GoogleWorkspace>, to: &Destination<'_>, error: Error) -> Result<(String, File)> {
    match to.made_as {
        Some(id) => Ok((id.to_owned(), read(call, id).await?)),
        None => Err(error),
    }
}

async fn open(call: &Call<'_, GoogleWorkspace>, to: &Destination<'_>, content: &Content<'_>) -> Result<String> {
    let request = for_all_drives(Request::new(to.method, drive_upload(call, to.path)?))
        .query("uploadType", "resumable")
        .query("fields", FILE)
        .header("x-upload-content-type", content.mime_type)
        .header("x-upload-content-length", content.bytes.len().to_string())
        .json(content.metadata);
    // A session that nobody uses leaves nothing behind.
    let response = call.send_as(request, Repeat::Always).await?;
    response
        .headers
        .get("location")
        .map(str::to_owned)
        .ok_or_else(|| Error::new(ErrorCode::InvalidResponse, "Google opened an upload and did not say where it goes"))
}

/// Sends chunk after chunk. None when the session has lapsed.
async fn send(
    call: &Call<'_, GoogleWorkspace>,
    url: &Url,
    content: &Content<'_>,
    mut state: State,
) -> Result<Option<Box<File>>> {
    let mut stuck = 0;
    loop {
        let at = match state {
            State::At(at) => at,
            State::Done(file) => return Ok(Some(file)),
            State::Lapsed => return Ok(None),
        };
        if at >= content.bytes.len() {
            // All has arrived, and the file is not there yet.
            stuck += 1;
            if stuck >= STUCK {
                return Err(no_more());
            }
            call.runtime().sleep(Backoff::default().wait(stuck, None)).await;
            state = ask(call, url, content).await?;
            continue;
        }
        let chunk = content.bytes.slice(at.min(content.bytes.len())..(at + CHUNK).min(content.bytes.len()));
        state = match call.exchange_bare(put(url, content.bytes.len(), Some((at, &chunk))), Repeat::Never).await {
            Ok(response) => understand(call, &response)?,
            Err(error) if !passes(&error) || stuck + 1 >= STUCK => return Err(error),
            Err(_) => {
                call.runtime().sleep(Backoff::default().wait(stuck + 1, None)).await;
                ask(call, url, content).await?
            }
        };
        stuck = match state {
            State::At(now) if now <= at => stuck + 1,
            _ => 0,
        };
        if stuck >= STUCK {
            return Err(no_more());
        }
    }
}

fn no_more() -> Error {
    Error::new(ErrorCode::VendorUnavailable, "Google takes no more of the upload; repeat the call")
}

/// A chunk may have arrived, or not: the session knows.
fn passes(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::OutcomeUnknown | ErrorCode::VendorUnavailable)
}

/// How far it has come.
async fn ask(call: &Call<'_, GoogleWorkspace>, url: &Url, content: &Content<'_>) -> Result<State> {
    let response = call.exchange_bare(put(url, content.bytes.len(), None), Repeat::Always).await?;
    understand(call, &response)
}

fn put(url: &Url, total: usize, chunk: Option<(usize, &Bytes)>) -> Request {
    let (range, body) = match chunk {
        Some((at, chunk)) => (format!("bytes {at}-{}/{total}", (at + chunk.len()).saturating_sub(1)), chunk.clone()),
        None => (format!("bytes */{total}"), Bytes::new()),
    };
    let mut request = Request::new(Method::Put, url.clone()).header("content-range", range);
    request.body = body;
    request.timeout = std::time::Duration::from_secs(120);
    request
}

fn understand(call: &Call<'_, GoogleWorkspace>, response: &Response) -> Result<State> {
    match response.status {
        200 | 201 => Ok(State::Done(Box::new(call.read(response, Repeat::WithKey)?))),
        308 => Ok(State::At(received(response.headers.get("range")))),
        404 | 410 => Ok(State::Lapsed),
        _ => Err(call.refusal(response)),
    }
}

/// `bytes=0-42` says that 43 have arrived; without it none have.
fn received(range: Option<&str>) -> usize {
    let last = range.and_then(|range| range.rsplit_once('-')).and_then(|(_, last)| last.trim().parse::<usize>().ok());
    last.map_or(0, |last| last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_arrived() {
        for (range, bytes) in [(Some("bytes=0-42"), 43), (Some("0-0"), 1), (None, 0), (Some("soon"), 0)] {
            assert_eq!(received(range), bytes, "{range:?}");
        }
    }

    #[test]
    fn chunks_are_named_by_their_place() {
        let url: Url = "https://www.googleapis.com/upload?upload_id=x".parse().unwrap();
        let chunk = Bytes::from_static(b"abc");
        let range = |chunk| put(&url, 10, chunk).headers.get("content-range").map(str::to_owned);
        assert_eq!(range(Some((4, &chunk))).as_deref(), Some("bytes 4-6/10"));
        assert_eq!(range(None).as_deref(), Some("bytes */10"));
        assert_eq!(CHUNK % (256 << 10), 0);
    }
}
