//! A server on loopback, a school, and how to ask it.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use sandbox::Sandbox;
use serde_json::{Value, json};
use sis_integrations::{
    IntegrationManager, MasterKey,
    http::{Api, ApiKeys},
    providers,
    storage::{MemoryStorage, Storage},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The platform's own key.
pub(crate) const BOOTSTRAP: &str = "the-platforms-own-key-for-tests";

/// A school at a server of its own.
#[derive(Clone)]
pub(crate) struct School {
    pub(crate) url: String,
    pub(crate) tenant: String,
    pub(crate) manager: IntegrationManager,
    pub(crate) sandbox: Arc<Sandbox>,
}

/// Serves until the test's runtime ends.
pub(crate) async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    #[expect(clippy::disallowed_methods, reason = "a test's server, not the library")]
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

impl School {
    pub(crate) async fn open() -> Self {
        Self::open_with(|api| api).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(Api) -> Api) -> Self {
        Self::open_on(MemoryStorage::new(), change).await
    }

    pub(crate) async fn open_on(storage: impl Storage, change: impl FnOnce(Api) -> Api) -> Self {
        let manager = IntegrationManager::builder()
            .storage(storage)
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .providers(providers::all())
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let keys = ApiKeys::new(manager.clone()).with_bootstrap(BOOTSTRAP.into()).unwrap();
        let url = serve(change(Api::new(manager.clone(), keys)).router()).await;
        let sandbox = Arc::new(Sandbox::start().await.unwrap());
        Self { url, tenant: "tenant-123".into(), manager, sandbox }
    }

    /// Another school at the same server.
    pub(crate) fn other(&self, tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), ..self.clone() }
    }

    /// Posts a body whose length is not told ahead; answers what came back, as it came.
    pub(crate) async fn post_in_chunks(&self, path: &str, body: &[u8]) -> String {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut request = format!(
            "POST /api/integrations/{}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Api-Key: {BOOTSTRAP}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
            self.tenant
        )
        .into_bytes();
        for chunk in body.chunks(50_000) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        let (mut reading, mut writing) = TcpStream::connect(host).await.unwrap().into_split();
        let mut answer = Vec::new();
        // The server may answer, and close, before it has read everything: then neither side's end is an error.
        let _ = tokio::join!(writing.write_all(&request), reading.read_to_end(&mut answer));
        String::from_utf8(answer).unwrap()
    }

    /// The address of a vendor's look-alike.
    pub(crate) fn vendor_url(&self, vendor: &str) -> String {
        self.sandbox.url(vendor)
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.ask_as(BOOTSTRAP, method, path)
    }

    pub(crate) fn ask_as(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/integrations/{}{path}", self.url, self.tenant);
        Client::new().request(method, url).bearer_auth(key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.ask(Method::GET, path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.ask(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Option<Value>) -> Answer {
        let asking = self.ask(Method::POST, path);
        Answer::of(match body {
            Some(body) => asking.json(&body),
            None => asking,
        })
        .await
    }

    pub(crate) async fn configure(&self) -> Answer {
        let config = json!({
            "account_sid": sandbox::twilio::ACCOUNT_SID,
            "auth_token": sandbox::twilio::AUTH_TOKEN,
            "from_number": sandbox::twilio::NUMBERS[0],
            "base_url": self.sandbox.url("twilio"),
        });
        let answer = self.put("/twilio/config", json!({ "enabled": true, "config": config })).await;
        answer.ok();
        answer
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(asking: RequestBuilder) -> Self {
        let response = asking.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.unwrap();
        let body = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{status}: {body} is not JSON"));
        Self { status, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// The body of a good answer.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/json");
        self.body.clone()
    }

    /// The problem document of a bad one.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), &self.body["code"]), (status, &json!(code)), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(self.body["type"], format!("urn:sis-integrations:error:{code}"));
        assert_eq!(self.body["status"], status);
        assert!(self.body["title"].is_string() && self.body["detail"].is_string());
        assert!(!self.body.to_string().contains(sandbox::twilio::AUTH_TOKEN));
        self.body.clone()
    }
}
