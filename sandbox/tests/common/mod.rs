//! A client as plain as can be: what it sends is what the test says.
#![allow(dead_code, reason = "each test file uses its part")]

use reqwest::RequestBuilder;
use sandbox::Sandbox;
use sandbox::twilio::{ACCOUNT_SID, AUTH_TOKEN, NUMBERS};
use serde_json::Value;

pub(crate) const SCHOOL: &str = NUMBERS[0];
pub(crate) const PARENT: &str = "+14155550100";

pub(crate) struct Client {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
}

impl Client {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::start().await.expect("loopback ports are free");
        let url = sandbox.url("twilio");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { sandbox, http, url }
    }

    /// A path of the 2010 API under the account.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/2010-04-01/Accounts/{ACCOUNT_SID}{rest}")
    }

    pub(crate) async fn send(&self, form: &[(&str, &str)]) -> (u16, Value) {
        self.post(&self.path("/Messages.json"), form).await
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.http.get(self.at(path))).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        answer(self.http.post(self.at(path)).form(form)).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.http.post(self.at(path)).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> u16 {
        let request = self.http.delete(self.at(path)).basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN));
        request.send().await.expect("an answer").status().as_u16()
    }

    pub(crate) fn at(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) }
    }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN)).send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, response.json().await.expect("a JSON body"))
}
