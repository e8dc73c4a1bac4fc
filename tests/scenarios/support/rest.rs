//! The REST road: each function as its HTTP request to a server on loopback.

use std::{net::SocketAddr, sync::Arc};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Map, Value, json};
use sis_integrations::{
    IntegrationManager, Secret,
    http::{self, ApiKeys},
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::steps::{Outcome, Runner};

const BOOTSTRAP: &str = "the-platforms-own-key-for-tests";

pub(crate) struct Rest {
    url: String,
    client: Client,
    server: Arc<JoinHandle<()>>,
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Rest {
    pub(crate) async fn start(manager: IntegrationManager) -> Self {
        let keys = ApiKeys::new(manager.clone()).with_bootstrap(Secret::from(BOOTSTRAP)).unwrap();
        let app = http::router(manager, keys).into_make_service_with_connect_info::<SocketAddr>();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, client: Client::new(), server: Arc::new(server) }
    }

    /// A request on behalf of the step's actor: the platform's key names the user, as a host does. An actor that belongs
    /// to a school shows a key of that school instead.
    async fn ask(&self, method: Method, request: &Value, path: &str) -> RequestBuilder {
        let url = format!("{}/api/integrations/{}{path}", self.url, escaped(request, "tenant"));
        let asking = self.client.request(method, url);
        let actor = &request["actor"];
        if let Some(tenant) = actor.get("tenant") {
            let made = self
                .client
                .post(format!("{}/api/integrations/{}/api-keys", self.url, tenant.as_str().unwrap()))
                .bearer_auth(BOOTSTRAP)
                .json(&json!({ "name": "test", "userId": actor["id"], "role": actor["role"], "scopes": ["*"] }));
            let made: Value = made.send().await.unwrap().json().await.unwrap();
            return asking.header("X-Api-Key", made["key"].as_str().unwrap());
        }
        asking
            .bearer_auth(BOOTSTRAP)
            .header("X-Actor-Id", actor["id"].as_str().unwrap())
            .header("X-Actor-Role", actor["role"].as_str().unwrap())
    }
}

fn escaped(request: &Value, name: &str) -> String {
    utf8_percent_encode(request[name].as_str().unwrap_or_else(|| panic!("no {name}")), NON_ALPHANUMERIC).to_string()
}

fn only(request: &Value, names: &[&str]) -> Value {
    let members = request.as_object().unwrap().iter().filter(|(name, _)| names.contains(&name.as_str()));
    members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

/// The answer, or the problem document as the error's JSON.
async fn taken(response: Response) -> Outcome {
    let status = response.status();
    let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let mut body: Value = response.json().await.unwrap();
    if status.is_success() {
        assert_eq!(media_type, "application/json");
        return Ok(body);
    }
    assert_eq!(media_type, "application/problem+json", "{body}");
    assert_eq!(body["status"], status.as_u16());
    body["message"] = body["detail"].take();
    Err(body)
}

impl Runner for Rest {
    async fn call(&self, function: &str, request: Value) -> Outcome {
        let of = |name| escaped(&request, name);
        let asking = match function {
            "execute" => return self.execute(&request).await,
            "configure" => {
                let asking = self.ask(Method::PUT, &request, &format!("/{}/config", of("provider"))).await;
                asking.json(&only(&request, &["enabled", "config", "expectedVersion"]))
            }
            "config" => self.ask(Method::GET, &request, &format!("/{}/config", of("provider"))).await,
            "setPermissions" => {
                let path = format!("/{}/{}/permissions", of("userId"), of("provider"));
                self.ask(Method::PUT, &request, &path).await.json(&request["permissions"])
            }
            "permissions" => {
                let path = format!("/{}/{}/permissions", of("userId"), of("provider"));
                self.ask(Method::GET, &request, &path).await
            }
            "createApiKey" => self.ask(Method::POST, &request, "/api-keys").await.json(&request["apiKey"]),
            "audit" => {
                let filter = request.get("filter").and_then(Value::as_object).into_iter().flatten();
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let query: Vec<(String, String)> = filter.map(|(name, value)| (name.clone(), text(value))).collect();
                self.ask(Method::GET, &request, &format!("/audit{}", query_string(&query))).await
            }
            "verifyAudit" => self.ask(Method::GET, &request, "/audit/verify").await,
            "stats" => {
                let named = ["from", "to"].into_iter().filter_map(|name| Some((name, request.get(name)?.as_str()?)));
                let query: Vec<_> = named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                self.ask(Method::GET, &request, &format!("/stats{}", query_string(&query))).await
            }
            "health" => self.ask(Method::GET, &request, &format!("/{}/health", of("provider"))).await,
            "healthAll" => self.ask(Method::GET, &request, "/health").await,
            other => panic!("tell this runner which request {other} is"),
        };
        taken(asking.send().await.unwrap()).await
    }
}

fn query_string(pairs: &[(String, String)]) -> String {
    let pairs: Vec<_> =
        pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

impl Rest {
    async fn execute(&self, request: &Value) -> Outcome {
        let path = format!("/{}/{}", escaped(request, "provider"), escaped(request, "operation"));
        let mut asking = self.ask(Method::POST, request, &path).await;
        if let Some(arguments) = request.get("arguments") {
            asking = asking.json(arguments);
        }
        for (header, name) in [
            ("Idempotency-Key", "idempotencyKey"),
            ("X-Deadline-Ms", "deadlineMs"),
            ("X-Wait", "wait"),
            ("X-Disclosure", "disclosure"),
        ] {
            if let Some(value) = request.get(name) {
                asking = asking.header(header, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
        }
        let response = asking.send().await.unwrap();
        let headers = response.headers().clone();
        let replayed = headers.get("idempotent-replayed").is_some_and(|value| value == "true");
        let output = match response.status() {
            StatusCode::OK => taken(response).await?,
            _ => return taken(response).await,
        };
        Ok(json!({ "output": output, "requestId": headers["x-request-id"].to_str().unwrap(), "replayed": replayed }))
    }
}
