use std::{future::Future, time::Duration};

use js_sys::{Function, Promise};
use serde_json::Value;
use sis_integrations::{
    Error, ErrorCode, IntegrationManager,
    manager::edge::{self, OpenOptions},
    providers::read_arguments,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::FetchHttp;

/// A manager, as `js/manager.js` holds it. Every function takes and answers JSON as text, and rejects with the JSON of an
/// error.
#[wasm_bindgen]
pub struct Manager(IntegrationManager);

#[wasm_bindgen]
impl Manager {
    /// Opens a manager that keeps its records in memory and sends by `fetch`.
    pub fn open(options: String, fetch: Function) -> Promise {
        promise(async move {
            let options: OpenOptions = read_arguments(parse(&options)?)?;
            let builder = options.builder()?.http(FetchHttp::new(fetch));
            let manager = options.connect(builder, "memory").await?.build().await?;
            Ok(Manager(manager).into())
        })
    }

    /// Calls one function of the edge.
    pub fn dispatch(&self, function: String, request: String) -> Promise {
        let manager = self.0.clone();
        promise(async move {
            let answer = edge::dispatch(&manager, &function, parse(&request)?).await?;
            Ok(answer.to_string().into())
        })
    }

    /// Lets no further call in and waits for those under way, at most so many milliseconds.
    pub fn close(&self, deadline_ms: f64) -> Promise {
        let manager = self.0.clone();
        promise(async move {
            manager.close(Duration::from_millis(deadline_ms as u64)).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

/// Every error code with its number, in the order of the numbers: a JSON object.
#[wasm_bindgen(js_name = errorCodes)]
pub fn error_codes() -> String {
    let codes = ErrorCode::ALL.iter().map(|code| (code.name().to_owned(), code.number().into()));
    Value::Object(codes.collect()).to_string()
}

fn parse(text: &str) -> Result<Value, Error> {
    // What the parser says may repeat the text.
    serde_json::from_str(text).map_err(|_| Error::invalid("", "is not JSON"))
}

fn promise(work: impl Future<Output = Result<JsValue, Error>> + 'static) -> Promise {
    future_to_promise(async move { work.await.map_err(|error| error.to_json().to_string().into()) })
}
