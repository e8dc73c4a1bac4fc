//! A client of the look-alike as plain as can be: what it sends is what the test says.
#![allow(dead_code, reason = "each test program uses its part")]

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use sandbox::google_workspace::{CLIENT_ID, CLIENT_SECRET, GoogleWorkspace, REFRESH_TOKEN};
use sandbox::{Exchange, Sandbox};
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

pub(crate) struct School {
    pub(crate) sandbox: Sandbox,
    http: reqwest::Client,
    /// The access token of the administrator.
    pub(crate) token: String,
}

impl School {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::builder().vendors(["google_workspace"]).start().await.expect("loopback ports are free");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let mut school = Self { sandbox, http, token: String::new() };
        school.token = school.refreshed(REFRESH_TOKEN).await;
        school
    }

    pub(crate) fn google(&self) -> &GoogleWorkspace {
        self.sandbox.google_workspace()
    }

    /// An access token for a refresh token.
    pub(crate) async fn refreshed(&self, token: &str) -> String {
        let reply = self.refresh(token).await;
        reply.body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {reply:?}")).to_owned()
    }

    pub(crate) async fn refresh(&self, token: &str) -> Reply {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        self.form("/token", &form).await
    }

    pub(crate) async fn form(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        reply(self.http.post(self.at(path)).form(form)).await
    }

    /// An access token of a user for scopes named without their prefix.
    pub(crate) async fn token_of(&self, user: &str, scopes: &[&str]) -> String {
        let scopes: Vec<String> =
            scopes.iter().map(|scope| format!("https://www.googleapis.com/auth/{scope}")).collect();
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let token = format!("1//0test-{user}-{}", scopes.join("+"));
        self.google().add_refresh_token(&token, user, &scopes);
        self.refreshed(&token).await
    }

    /// The same school, asked by another user.
    pub(crate) fn request(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.at(path)).bearer_auth(token)
    }

    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.at(path))
    }

    pub(crate) async fn send(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        let request = self.request(token, method, path);
        reply(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        good(self.send(&self.token, Method::GET, path, None).await)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        good(self.send(&self.token, Method::POST, path, Some(body)).await)
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Value {
        good(self.send(&self.token, Method::PATCH, path, Some(body)).await)
    }

    pub(crate) async fn delete(&self, path: &str) -> u16 {
        self.send(&self.token, Method::DELETE, path, None).await.status
    }

    /// The status and the reason of a refusal, in either dialect.
    pub(crate) async fn refused(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
        let reply = self.send(token, method, path, body).await;
        assert!(reply.status >= 400, "{path} was taken: {}", reply.text);
        (reply.status, reason(&reply.body))
    }

    fn at(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.google().url()) }
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.google().recorder().exchanges()
    }
}

/// The reason of a refusal, in either dialect.
pub(crate) fn reason(body: &Value) -> String {
    let error = &body["error"];
    let reason = error["errors"][0]["reason"].as_str().or_else(|| error["status"].as_str());
    reason.unwrap_or_else(|| panic!("no reason: {body}")).to_owned()
}

pub(crate) async fn reply(request: RequestBuilder) -> Reply {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
}

fn good(reply: Reply) -> Value {
    assert!(reply.status < 300, "{}: {}", reply.status, reply.text);
    reply.body
}

pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}
