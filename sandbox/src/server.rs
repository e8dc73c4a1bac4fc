//! The loopback server before each look-alike: reads whole requests, lets faults strike, records.
//!
//! It stands on hyper rather than on axum because a fault must be able to close a connection without an answer, which
//! an axum service, being infallible, cannot say.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::control;
use crate::exchange::{Answer, Request};
use crate::faults::{Fault, Target};
use crate::vendor::{Stage, Vendor};

/// The largest request body that is read; a connection that sends more is closed.
const REQUEST_LIMIT: usize = 64 * 1024 * 1024;

/// Serves one vendor until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, stage: Arc<Stage>, vendor: Arc<dyn Vendor>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, mostly: those in use must first be closed.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        // Without it a small answer could wait for the peer's acknowledgement; failing to set it only costs time.
        let _ = stream.set_nodelay(true);
        let stage = stage.clone();
        let vendor = vendor.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(stage.clone(), vendor.clone(), request));
            // An error here is a peer that went away or a fault that cut the connection.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Says to hyper: close the connection, answer nothing.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

async fn respond(
    stage: Arc<Stage>,
    vendor: Arc<dyn Vendor>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Outgoing>, Cut> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_LIMIT).collect().await.map_err(|_| Cut)?.to_bytes();
    let request = Request { method: parts.method, uri: parts.uri, headers: parts.headers, body, at: stage.clock.now() };
    if let Some(path) = request.path().strip_prefix(control::PREFIX) {
        return Ok(control::answer(&stage, vendor.as_ref(), path, &request).into_response());
    }

    let strike = stage.faults.take(&Target {
        method: &request.method,
        path: request.path(),
        recipient: &|| vendor.recipient(&request),
    });
    let fault = strike.fault.or_else(|| {
        let account = || vendor.account(&request).map(|account| account.into_owned());
        stage.faults.over_limit(&request.method, &account, request.at)
    });
    if !strike.before.is_zero() {
        tokio::time::sleep(strike.before).await;
    }
    let outcome = match &fault {
        None => Outcome::whole(vendor.answer(&request)),
        Some(fault) => misbehave(fault, vendor.as_ref(), &request),
    };
    let kind = fault.as_ref().map(Fault::kind).or_else(|| delayed(strike.before, strike.after));
    stage.recorder.record(&request, outcome.answer.as_ref(), kind);
    if !strike.after.is_zero() {
        tokio::time::sleep(strike.after).await;
    }
    outcome.into_response()
}

fn delayed(before: std::time::Duration, after: std::time::Duration) -> Option<&'static str> {
    match (before.is_zero(), after.is_zero()) {
        (true, true) => None,
        (false, _) => Some("delay_before"),
        (true, false) => Some("delay"),
    }
}

/// What leaves the server: an answer, perhaps spoiled on the way, or nothing.
struct Outcome {
    answer: Option<Answer>,
    spoil: Spoil,
}

enum Spoil {
    No,
    /// Stop in the middle of the body.
    Half,
    /// Go on with filler up to this size.
    Fill(u64),
}

impl Outcome {
    fn whole(answer: Answer) -> Self {
        Self { answer: Some(answer), spoil: Spoil::No }
    }

    fn into_response(self) -> Result<Response<Outgoing>, Cut> {
        let answer = self.answer.ok_or(Cut)?;
        Ok(match self.spoil {
            Spoil::No => answer.into_response(),
            Spoil::Half => {
                let declared = answer.body.len();
                let half = answer.body.slice(..declared / 2);
                let mut response = answer.into_response();
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(declared.max(1)));
                *response.body_mut() = Outgoing { chunk: Some(half), filler: 0, end: End::FlushThenFail };
                response
            }
            Spoil::Fill(size) => {
                let chunk = Bytes::from_static(b"{\"padding\":\"");
                let filler = size.saturating_sub(chunk.len() as u64);
                let mut response = answer.into_response();
                response.headers_mut().remove(CONTENT_LENGTH);
                *response.body_mut() = Outgoing { chunk: Some(chunk), filler, end: End::Fine };
                response
            }
        })
    }
}

fn misbehave(fault: &Fault, vendor: &dyn Vendor, request: &Request) -> Outcome {
    let status = |status: u16| StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match fault {
        Fault::Status { status: refused, code, retry_after } => {
            let answer = vendor.refusal_of(request, status(*refused), *code);
            Outcome::whole(match retry_after {
                Some(after) => answer.with(RETRY_AFTER, &after.header()),
                None => answer,
            })
        }
        Fault::StatusAfter { status: refused } => {
            vendor.answer(request);
            Outcome::whole(vendor.refusal_of(request, status(*refused), None))
        }
        // Delays never decide: the rules hand them over as durations.
        Fault::Delay { .. } | Fault::DelayBefore { .. } => Outcome::whole(vendor.answer(request)),
        Fault::CutBefore => Outcome { answer: None, spoil: Spoil::No },
        Fault::CutAfter => {
            vendor.answer(request);
            Outcome { answer: None, spoil: Spoil::No }
        }
        Fault::CutDuring => Outcome { answer: Some(vendor.answer(request)), spoil: Spoil::Half },
        Fault::Truncate => {
            let mut answer = vendor.answer(request);
            answer.body.truncate(answer.body.len() / 2);
            Outcome::whole(answer)
        }
        Fault::Html { status: shown } => {
            vendor.answer(request);
            let page = "<!DOCTYPE html>\n<html><head><title>Service unavailable</title></head>\
                        <body><h1>We'll be back soon</h1></body></html>\n";
            Outcome::whole(Answer::new(status(*shown), "text/html; charset=utf-8", page))
        }
        Fault::Huge { bytes } => Outcome { answer: Some(vendor.answer(request)), spoil: Spoil::Fill(*bytes) },
        Fault::ContentType { value } => Outcome::whole(vendor.answer(request).with(CONTENT_TYPE, value)),
        Fault::Redirect { location, status: moved } => {
            Outcome::whole(Answer::empty(status(*moved)).with(LOCATION, location))
        }
        Fault::WrongType { field } => {
            let mut answer = vendor.answer(request);
            if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) {
                mistype(&mut body, field);
                answer.body = body.to_string().into();
            }
            Outcome::whole(answer)
        }
    }
}

/// Wraps what is not a list into a list, and turns a list into an object: no decoder of the right type accepts either.
fn mistype(value: &mut Value, field: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == field {
                    *value = match value.take() {
                        Value::Array(items) => serde_json::json!({ "items": items }),
                        other => Value::Array(vec![other]),
                    };
                } else {
                    mistype(value, field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mistype(item, field)),
        _ => {}
    }
}

impl Answer {
    fn into_response(self) -> Response<Outgoing> {
        let chunk = (!self.body.is_empty()).then_some(self.body);
        let mut response = Response::new(Outgoing { chunk, filler: 0, end: End::Fine });
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

const FILLER: &[u8] = &[b'x'; 64 * 1024];

/// A body that can be whole, endless for practical purposes, or broken off.
struct Outgoing {
    chunk: Option<Bytes>,
    filler: u64,
    end: End,
}

enum End {
    Fine,
    /// hyper drops what it has buffered when a body fails, so it is first given a turn to write.
    FlushThenFail,
    Fail,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(chunk) = self.chunk.take() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if self.filler > 0 {
            let size = self.filler.min(FILLER.len() as u64);
            self.filler -= size;
            let size = usize::try_from(size).unwrap_or(FILLER.len());
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&FILLER[..size])))));
        }
        match self.end {
            End::Fine => Poll::Ready(None),
            End::FlushThenFail => {
                self.end = End::Fail;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            End::Fail => Poll::Ready(Some(Err(Cut))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.chunk.is_none() && self.filler == 0 && matches!(self.end, End::Fine)
    }

    fn size_hint(&self) -> SizeHint {
        let chunk = self.chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        match self.end {
            End::Fine => SizeHint::with_exact(chunk + self.filler),
            _ => SizeHint::new(),
        }
    }
}

/// Binds without a runtime, so that an address is known before anything runs.
pub(crate) fn bind(port: u16) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
