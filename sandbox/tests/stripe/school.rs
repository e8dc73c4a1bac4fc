//! A school that speaks with the look-alike as plainly as can be: what it sends is what the test says.
#![allow(dead_code, reason = "each test program uses its part")]

use reqwest::{Method, header::HeaderMap};
use sandbox::Sandbox;
use sandbox::stripe::SECRET_KEY;
use serde_json::Value;

pub(crate) struct School {
    pub(crate) sandbox: Sandbox,
    http: reqwest::Client,
}

pub(crate) type Form<'a> = &'a [(&'a str, &'a str)];

impl School {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::builder().vendors(["stripe"]).start().await.expect("loopback ports are free");
        sandbox.clock().freeze();
        Self { sandbox, http: reqwest::Client::new() }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        form: Form<'_>,
        headers: Form<'_>,
    ) -> (u16, HeaderMap, Value) {
        let url = format!("{}{path}", self.sandbox.url("stripe"));
        let mut request = self.http.request(method, url);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.bearer_auth(SECRET_KEY);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = if form.is_empty() { request } else { request.form(form) };
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.json().await.expect("a JSON body"))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.send(Method::GET, path, &[], &[]).await;
        (status, body)
    }

    pub(crate) async fn post(&self, path: &str, form: Form<'_>) -> (u16, Value) {
        let (status, _, body) = self.send(Method::POST, path, form, &[]).await;
        (status, body)
    }

    /// The object that a request which must succeed answers.
    pub(crate) async fn made(&self, path: &str, form: Form<'_>) -> Value {
        let (status, body) = self.post(path, form).await;
        assert_eq!(status, 200, "{path} {form:?}: {body}");
        body
    }

    /// Status, code and parameter of the refusal of a request which must fail.
    pub(crate) async fn refused(&self, path: &str, form: Form<'_>) -> (u16, String, String) {
        let (status, body) = self.post(path, form).await;
        assert!(body["error"]["message"].is_string(), "{path} {form:?}: {body}");
        let text = |name: &str| body["error"][name].as_str().unwrap_or("").to_owned();
        (status, text("code"), text("param"))
    }

    pub(crate) async fn customer(&self) -> String {
        id(&self.made("/v1/customers", &[("email", "parent@school.example"), ("name", "Ann Parent")]).await)
    }

    /// A customer whose invoices a card pays.
    pub(crate) async fn payer(&self) -> String {
        let form = [("payment_method", "pm_card_visa"), ("invoice_settings[default_payment_method]", "pm_card_visa")];
        id(&self.made("/v1/customers", &form).await)
    }

    pub(crate) async fn price(&self, extra: Form<'_>) -> String {
        let product = self.made("/v1/products", &[("name", "Lunch")]).await;
        let mut form = vec![("currency", "usd"), ("unit_amount", "500"), ("product", product["id"].as_str().unwrap())];
        form.extend_from_slice(extra);
        id(&self.made("/v1/prices", &form).await)
    }

    pub(crate) async fn paid(&self, amount: &str) -> Value {
        let form = [("amount", amount), ("currency", "usd"), ("payment_method", "pm_card_visa"), ("confirm", "true")];
        self.made("/v1/payment_intents", &form).await
    }
}

pub(crate) fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

pub(crate) fn refusal(status: u16, code: &str, param: &str) -> (u16, String, String) {
    (status, code.to_owned(), param.to_owned())
}
