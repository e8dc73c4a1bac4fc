use async_trait::async_trait;
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use sis_integrations::{
    Runtime,
    transport::{Failure, FailureKind, Headers, Http, Method, Request, Response},
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, RequestInit};

use crate::ThreadBound;

/// HTTP by the host's `fetch`: no redirects, no cookies, bodies bounded, and the request aborted when its time is up or
/// nobody waits for it any more.
///
/// Unlike the native transport this cannot see which address a name resolves to; an edge runtime or a browser has its
/// own fences. In a browser a vendor must allow the page's origin (CORS), which most do not.
pub struct FetchHttp(ThreadBound<Host>);

// Only what is used of a Response, and each use may throw: a program's own fetch may answer anything.
#[wasm_bindgen]
extern "C" {
    type Answer;
    #[wasm_bindgen(method, getter, catch)]
    fn status(this: &Answer) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn headers(this: &Answer) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn body(this: &Answer) -> Result<JsValue, JsValue>;

    type Stream;
    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn get_reader(this: &Stream) -> Result<Reader, JsValue>;

    type Reader;
    #[wasm_bindgen(method, catch)]
    fn read(this: &Reader) -> Result<JsValue, JsValue>;
}

struct Host {
    fetch: Function,
    /// A page or a worker of a browser: it has cookies and a cache to keep out of the way, and its own user agent.
    browser: bool,
}

impl FetchHttp {
    /// Sends by this function, which is called as `fetch(url, init)` on this thread alone.
    pub fn new(fetch: Function) -> Self {
        let is = |name: &str| Reflect::has(&js_sys::global(), &name.into()).unwrap_or(false);
        Self(ThreadBound::new(Host { fetch, browser: is("document") || is("importScripts") }))
    }
}

#[async_trait]
impl Http for FetchHttp {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        self.0
            .run(|host| async move {
                let limit = request.timeout;
                let timeout = || Failure::new(FailureKind::Timeout, true, "the vendor did not answer in time");
                Runtime::current().timeout(limit, host.send(request)).await.unwrap_or_else(|| Err(timeout()))
            })
            .await
            .unwrap_or_else(|| Err(Failure::new(FailureKind::Broken, true, "the JavaScript thread has stopped")))
    }
}

/// Aborts what is still under way when it is dropped.
struct Abort(AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let abort = Abort(AbortController::new().map_err(unbuildable)?);
        let init = self.init(&request).map_err(unbuildable)?;
        init.set_signal(Some(&abort.0.signal()));
        let sent = self.fetch.call2(&JsValue::UNDEFINED, &request.url.as_str().into(), &init);
        let answer = match sent.map(|promise| JsFuture::from(Promise::resolve(&promise))) {
            Ok(answer) => answer.await.map_err(|error| failure(&error))?,
            Err(error) => return Err(failure(&error)),
        };
        let answer: Answer = answer.unchecked_into();
        let status = answer.status().ok().and_then(|status| status.as_f64()).ok_or_else(broken)? as u16;
        if status == 0 {
            // A browser does not show where a redirect leads, nor which it is.
            return Err(Failure::new(
                FailureKind::Broken,
                true,
                "the vendor redirects, and the browser hides where to",
            ));
        }
        let headers = read_headers(&answer).ok_or_else(broken)?;
        let body = read_body(&answer, &headers, request.max_body).await?;
        Ok(Response { status, headers, body: body.into() })
    }

    fn init(&self, request: &Request) -> Result<RequestInit, JsValue> {
        let init = RequestInit::new();
        init.set_method(request.method.name());
        let headers = web_sys::Headers::new()?;
        for (name, value) in request.headers.iter() {
            headers.append(name, value)?;
        }
        let set = |name: &str, value: &str| Reflect::set(&init, &name.into(), &value.into());
        set("redirect", "manual")?;
        if self.browser {
            set("credentials", "omit")?;
            set("cache", "no-store")?;
            set("referrerPolicy", "no-referrer")?;
        } else if request.headers.get("user-agent").is_none() {
            headers.set("user-agent", concat!("sis-integrations/", env!("CARGO_PKG_VERSION")))?;
        }
        init.set_headers(&headers);
        if !request.body.is_empty() && request.method != Method::Get {
            // A copy: a view would look into wasm memory, which may move.
            init.set_body(&Uint8Array::from(&request.body[..]));
        }
        Ok(init)
    }
}

fn read_headers(answer: &Answer) -> Option<Headers> {
    let mut headers = Headers::default();
    for pair in js_sys::try_iter(&answer.headers().ok()?).ok()?? {
        let pair: Array = pair.ok()?.dyn_into().ok()?;
        headers.add(&pair.get(0).as_string()?, pair.get(1).as_string()?);
    }
    Some(headers)
}

async fn read_body(answer: &Answer, headers: &Headers, most: usize) -> Result<Vec<u8>, Failure> {
    let too_large = || Failure::new(FailureKind::TooLarge, true, "the vendor's answer is larger than the limit");
    let length = headers.get("content-length").and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    let stream = answer.body().map_err(|_| broken())?;
    if stream.is_null() {
        return Ok(body);
    }
    let reader = stream.unchecked_into::<Stream>().get_reader().map_err(|_| broken())?;
    loop {
        let read = reader.read().map_err(|_| broken())?;
        let read = JsFuture::from(Promise::resolve(&read)).await.map_err(|_| broken())?;
        let part = |name: &str| Reflect::get(&read, &name.into()).map_err(|_| broken());
        if part("done")?.is_truthy() {
            return Ok(body);
        }
        let chunk: Uint8Array = part("value")?.dyn_into().map_err(|_| broken())?;
        let (start, more) = (body.len(), chunk.length() as usize);
        if more > most - start {
            return Err(too_large());
        }
        body.resize(start + more, 0);
        chunk.copy_to(&mut body[start..]);
    }
}

fn broken() -> Failure {
    Failure::new(FailureKind::Broken, true, "the connection to the vendor broke")
}

fn unbuildable(_: JsValue) -> Failure {
    Failure::new(FailureKind::Broken, false, "the request cannot be built")
}

/// System calls and codes of Node's `error.cause` that say that no connection came about.
const CONNECTING: &[&str] = &[
    "connect",
    "getaddrinfo",
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "UND_ERR_CONNECT_TIMEOUT",
    "CERT_HAS_EXPIRED",
    "CERT_NOT_YET_VALID",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "ERR_TLS_CERT_ALTNAME_INVALID",
];

/// Names the kind and nothing else: the host's own text may hold the URL. Only Node says why; what a browser or an edge
/// runtime rejects with may have been sent.
fn failure(error: &JsValue) -> Failure {
    let text = |name: &str| {
        let cause = Reflect::get(error, &"cause".into()).ok()?;
        Reflect::get(&cause, &name.into()).ok()?.as_string()
    };
    let connecting = |text: Option<String>| text.is_some_and(|text| CONNECTING.contains(&text.as_str()));
    if connecting(text("syscall")) || connecting(text("code")) {
        return Failure::new(FailureKind::Connect, false, "no connection to the vendor could be made");
    }
    broken()
}
