//! Upload sessions: a file in ranges, to an address that is a credential by itself.
//! <https://learn.microsoft.com/graph/api/driveitem-createuploadsession>

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::graph::Graph;
use crate::{
    error::{Error, ErrorCode, Result},
    transport::{Method, Repeat, Request, Response},
};

/// Microsoft takes ranges of multiples of 320 KiB.
const UNIT: usize = 327_680;
/// What is sent at once: 3.75 MiB, for Outlook takes less than 4 MB.
pub(super) const RANGE: usize = 12 * UNIT;
/// How long a range may be under way.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open session. Its address is a secret: it is kept encrypted with the step, and never shown.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    upload_url: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    /// Outlook spells it with a capital.
    #[serde(default, alias = "NextExpectedRanges")]
    next_expected_ranges: Vec<String>,
    /// Of what the upload has made: it is complete.
    #[serde(default)]
    id: Option<String>,
}

/// How an upload ended.
pub(super) enum Ended {
    /// All of it is there; what Microsoft says of it.
    Complete(Box<Response>),
    /// The session is no more: it was completed and the answer lost, or it ran out.
    Gone,
}

/// Sends what is still missing. `resumed` for a session of an earlier try: then Microsoft is asked where it stands.
pub(super) async fn send(graph: &Graph<'_>, session: &Session, bytes: &Bytes, resumed: bool) -> Result<Ended> {
    let url: Url = session
        .upload_url
        .parse()
        .map_err(|_| Error::new(ErrorCode::InvalidResponse, "Microsoft gave an upload session without an address"))?;
    let mut from = 0;
    if resumed {
        match expected(graph, &url).await? {
            Some(next) => from = next,
            None => return Ok(Ended::Gone),
        }
    }
    let mut asked = 0;
    loop {
        let until = (from + RANGE).min(bytes.len());
        let mut request = Request::new(Method::Put, url.clone())
            .header("content-type", "application/octet-stream")
            .header("content-range", format!("bytes {from}-{}/{}", until.saturating_sub(1), bytes.len()));
        request.body = bytes.slice(from.min(until)..until);
        request.timeout = PATIENCE;
        let response = graph.call.exchange_bare(request, Repeat::Always).await?;
        let next = match response.status {
            201 => return Ok(Ended::Complete(Box::new(response))),
            // OneDrive has replaced a file; Outlook has taken a range and wants more.
            200 => {
                let told = serde_json::from_slice::<Expected>(&response.body).unwrap_or_default();
                match first(&told.next_expected_ranges) {
                    None if until == bytes.len() || told.id.is_some() => {
                        return Ok(Ended::Complete(Box::new(response)));
                    }
                    // A range of many is not the whole, whatever the answer leaves out.
                    None => expected(graph, &url).await?,
                    next => next,
                }
            }
            202 => next_of(graph, &response)?,
            // It has this range already: an answer was lost. It is asked what it lacks.
            416 => expected(graph, &url).await?,
            404 | 410 => return Ok(Ended::Gone),
            _ => return Err(graph.refusal(&response).await),
        };
        let Some(next) = next else { return Ok(Ended::Gone) };
        // A session that goes back again and again would never end.
        asked = if next > from { 0 } else { asked + 1 };
        if asked > 3 || next > bytes.len() {
            return Err(Error::new(
                ErrorCode::InvalidResponse,
                "Microsoft asks for ranges that the file does not have",
            ));
        }
        from = next;
    }
}

/// Where the session stands; none where it is no more.
async fn expected(graph: &Graph<'_>, url: &Url) -> Result<Option<usize>> {
    let response = graph.call.exchange_bare(Request::new(Method::Get, url.clone()), Repeat::Always).await?;
    match response.status {
        200..=299 => next_of(graph, &response),
        404 | 410 => Ok(None),
        _ => Err(graph.refusal(&response).await),
    }
}

/// The first byte that is still missing: `["26-45", "90-"]` begins at 26.
fn next_of(graph: &Graph<'_>, response: &Response) -> Result<Option<usize>> {
    let expected: Expected = graph.call.read(response, Repeat::Always)?;
    Ok(first(&expected.next_expected_ranges))
}

fn first(ranges: &[String]) -> Option<usize> {
    ranges.iter().filter_map(|range| range.split('-').next()?.parse().ok()).min()
}

/// Opens a session by a POST of `body`.
pub(super) async fn open(graph: &Graph<'_>, path: &[&str], body: &Value) -> Result<Session> {
    graph.make(Method::Post, path, body, Repeat::Always).await
}

/// Bytes that stand in the arguments.
pub(super) fn decoded(field: &str, content: &str) -> Result<Bytes> {
    let bad =
        || Error::invalid(field, "must be base64 (RFC 4648, section 4), with its padding and without line breaks");
    STANDARD.decode(content).map(Bytes::from).map_err(|_| bad())
}

/// Bytes for an answer.
pub(super) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_is_missing_is_found() {
        let ranges = |list: &[&str]| first(&list.iter().map(|&range| range.to_owned()).collect::<Vec<_>>());
        assert_eq!(ranges(&["327680-"]), Some(327_680));
        assert_eq!(ranges(&["90-", "26-45"]), Some(26));
        assert_eq!(ranges(&[]), None);
        assert_eq!(ranges(&["nonsense"]), None);
        assert_eq!(RANGE % 327_680, 0);
    }

    #[test]
    fn both_spellings_are_read() {
        for body in [r#"{"nextExpectedRanges":["5-"]}"#, r#"{"ExpirationDateTime":"x","NextExpectedRanges":["5"]}"#] {
            let told: Expected = serde_json::from_str(body).unwrap();
            assert_eq!((first(&told.next_expected_ranges), told.id), (Some(5), None), "{body}");
        }
    }

    #[test]
    fn content_is_base64() {
        assert_eq!(&decoded("content", "aGk=").unwrap()[..], b"hi");
        assert_eq!(decoded("content", "a\nb").unwrap_err().field(), Some("content"));
        assert!(decoded("content", "").unwrap().is_empty());
    }
}
