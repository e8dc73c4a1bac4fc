//! A vendor of the tests' own, written as any other crate would write one, and a network that does what it is told.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses a part of this")]

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, Error, ErrorCode, IntegrationManager, Manifest, MasterKey, Result, Role, Runtime, Secret, Tenant, Timestamp,
    VendorError,
    manager::Builder,
    manifest, operations,
    providers::{
        Access, Call, ConfigField, HealthProbe, Operation, OperationSpec, Provider, ProviderConfig, ProviderInfo, Quota,
    },
    transport::{Backoff, Failure, FailureKind, Headers, Http, Repeat, Request, Response},
};
use url::Url;

pub const TOKEN: &str = "courier-token-0123456789";

pub struct Courier;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CourierConfig {
    /// The courier's token.
    pub token: Secret<String>,
    /// Where the courier lives.
    #[serde(default)]
    pub base_url: Option<Url>,
}

impl CourierConfig {
    pub fn new() -> Self {
        Self { token: TOKEN.into(), base_url: None }
    }
}

impl ProviderConfig for CourierConfig {
    const PROVIDER: &'static str = "courier";
    const FIELDS: &'static [ConfigField] = &[
        ConfigField { name: "token", env: None, hint: "ask the courier" },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        if self.token.expose().len() < 8 { Err(Error::invalid("token", "must have 8 characters")) } else { Ok(()) }
    }

    fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }
}

impl Provider for Courier {
    type Config = CourierConfig;
    const INFO: ProviderInfo = ProviderInfo {
        id: "courier",
        name: "Courier",
        recipient: "Courier Ltd.",
        purpose: "carries letters",
        hosts: &["courier.example"],
        health: HealthProbe::Operation("lookUp"),
        quota: Quota { per_second: 1000.0, burst: 1000 },
        limits: &[],
        prices: &[],
        docs: "https://courier.example/docs",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![LookUp, SendLetter, SendAlarm, SendInTurn, Explode]
    }

    fn authenticate(config: &CourierConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.token.expose()));
        Ok(())
    }

    fn parse_error(status: u16, _headers: &Headers, body: &[u8]) -> Error {
        let message = String::from_utf8_lossy(body).into_owned();
        Error::new(ErrorCode::Vendor, message.clone()).with_vendor(VendorError {
            status,
            message: Some(message),
            ..Default::default()
        })
    }
}

/// Looks something up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LookUp {
    #[serde(default)]
    pub what: String,
}

/// Sends one letter.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendLetter {
    pub to: String,
    pub text: String,
}

/// Alarms many.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendAlarm {
    pub recipients: Vec<String>,
}

/// Tells some people, one after the other.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendInTurn {
    pub recipients: Vec<String>,
}

/// Panics.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Explode {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    pub id: String,
}

impl Operation for LookUp {
    type Provider = Courier;
    type Output = Value;
    const NAME: &'static str = "lookUp";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    async fn run(self, call: &Call<'_, Courier>) -> Result<Value> {
        let url = call.url("https://courier.example", &["things"])?;
        call.fetch(call.get(url).query("what", &self.what)).await
    }
}

impl Operation for SendLetter {
    type Provider = Courier;
    type Output = Receipt;
    const NAME: &'static str = "sendLetter";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! { "to": Contact(Guardian), "text": Message(Anyone) };
    const REPEAT: Repeat = Repeat::Never;
    const DEADLINE: Duration = Duration::from_secs(5);

    fn validate(&self) -> Result<()> {
        if self.text.is_empty() { Err(Error::invalid("text", "must not be empty")) } else { Ok(()) }
    }

    async fn run(self, call: &Call<'_, Courier>) -> Result<Receipt> {
        let url = call.url("https://courier.example", &["letters"])?;
        let receipt: Receipt = call.fetch(call.post(url).json(&json!({ "to": self.to, "text": self.text }))).await?;
        call.note("letter", receipt.id.clone());
        call.charge(1, 7_000, "USD");
        Ok(receipt)
    }
}

impl Operation for SendAlarm {
    type Provider = Courier;
    type Output = Vec<String>;
    const NAME: &'static str = "sendAlarm";
    const ACCESS: Access = Access::Alert;
    const DISCLOSES: Manifest = manifest! { "recipients[]": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Never;
    const URGENT: bool = true;

    async fn run(self, call: &Call<'_, Courier>) -> Result<Vec<String>> {
        let sends = self.recipients.iter().enumerate().map(|(at, to)| async move {
            let send = async {
                let url = call.url("https://courier.example", &["letters"])?;
                let receipt: Receipt = call.fetch(call.post(url).json(&json!({ "to": to, "text": "alarm" }))).await?;
                let note = json!({ "letter": receipt.id });
                Ok((receipt.id, note))
            };
            match call.part(&format!("recipients[{at}]"), send).await {
                Ok(id) => Ok(id),
                // Sent, but without a word of it, or without a place to write the word down.
                Err(error)
                    if matches!(
                        error.code(),
                        ErrorCode::OutcomeUnknown | ErrorCode::StorageFull | ErrorCode::StorageUnavailable
                    ) =>
                {
                    Ok("unknown".to_owned())
                }
                Err(error) => Err(error),
            }
        });
        futures::future::try_join_all(sends).await
    }
}

impl Operation for SendInTurn {
    type Provider = Courier;
    type Output = Vec<String>;
    const NAME: &'static str = "sendInTurn";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! { "recipients[]": Contact(Guardian) };
    const REPEAT: Repeat = Repeat::Never;

    async fn run(self, call: &Call<'_, Courier>) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for (at, to) in self.recipients.iter().enumerate() {
            let send = async {
                let url = call.url("https://courier.example", &["letters"])?;
                let receipt: Receipt = call.fetch(call.post(url).json(&json!({ "to": to, "text": "in turn" }))).await?;
                Ok((receipt.id, Value::Null))
            };
            let sent = call.part(&format!("recipients[{at}]"), send).await;
            told.push(sent.unwrap_or_else(|error| error.code().name().to_owned()));
        }
        Ok(told)
    }
}

impl Operation for Explode {
    type Provider = Courier;
    type Output = Value;
    const NAME: &'static str = "explode";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    async fn run(self, _call: &Call<'_, Courier>) -> Result<Value> {
        panic!("on purpose, with the token {TOKEN}")
    }
}

/// What the network does with the next request.
#[derive(Debug, Clone)]
pub enum Reply {
    Status(u16, String),
    RetryAfter(u16, &'static str),
    /// The request arrives; the answer does not.
    Lost,
    /// Nothing arrives.
    Refused,
    /// The answer takes this long.
    Slow(Duration),
    /// A redirect to this place.
    Redirect(&'static str),
    /// The request arrives; then the network panics.
    Panic,
}

/// A network with one courier at its end, who remembers what arrived.
#[derive(Clone, Default)]
pub struct Network(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    script: VecDeque<Reply>,
    arrived: Vec<Arrived>,
}

#[derive(Debug, Clone)]
pub struct Arrived {
    pub method: &'static str,
    pub host: String,
    pub path: String,
    pub authorization: Option<String>,
    pub body: Value,
}

impl Network {
    pub fn then(&self, replies: impl IntoIterator<Item = Reply>) {
        self.0.lock().script.extend(replies);
    }

    pub fn forget(&self) {
        self.0.lock().arrived.clear();
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.0.lock().arrived.clone()
    }
}

#[async_trait]
impl Http for Network {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let reply = self.0.lock().script.pop_front();
        if matches!(reply, Some(Reply::Refused)) {
            return Err(Failure::new(FailureKind::Connect, false, "no connection to the vendor could be made"));
        }
        let id = {
            let mut inner = self.0.lock();
            inner.arrived.push(Arrived {
                method: request.method.name(),
                host: request.url.host_str().unwrap_or_default().to_owned(),
                path: request.url.path().to_owned(),
                authorization: request.headers.get("authorization").map(str::to_owned),
                body: serde_json::from_slice(&request.body).unwrap_or_default(),
            });
            inner.arrived.len()
        };
        // The network takes a moment, so that a caller can go away meanwhile.
        tokio::task::yield_now().await;
        let answer = |status, body: String| Response { status, headers: Headers::default(), body: body.into() };
        match reply {
            None => Ok(answer(200, json!({ "id": format!("letter-{id}") }).to_string())),
            Some(Reply::Status(status, body)) => Ok(answer(status, body)),
            Some(Reply::RetryAfter(status, wait)) => {
                let mut response = answer(status, "{}".into());
                response.headers.set("retry-after", wait);
                Ok(response)
            }
            Some(Reply::Redirect(place)) => {
                let mut response = answer(302, String::new());
                response.headers.set("location", place);
                Ok(response)
            }
            Some(Reply::Lost) => Err(Failure::new(FailureKind::Broken, true, "the connection to the vendor broke")),
            Some(Reply::Slow(wait)) => {
                #[allow(clippy::disallowed_methods, reason = "a test may sleep")]
                tokio::time::sleep(wait).await;
                Ok(answer(200, json!({ "id": format!("letter-{id}") }).to_string()))
            }
            Some(Reply::Panic) => panic!("the network, on purpose"),
            Some(Reply::Refused) => unreachable!(),
        }
    }
}

/// A manager with the courier alone, quick to repeat.
pub fn builder(network: &Network) -> Builder {
    IntegrationManager::builder()
        .master_key(MasterKey::from_bytes(std::array::from_fn(|i| i as u8)).unwrap())
        .provider(Courier)
        .http(network.clone())
        .backoff(Backoff { first: Duration::from_millis(1), most: Duration::from_millis(5), attempts: 4 })
        .runtime(Runtime::current())
}

pub fn admin() -> Actor {
    Actor::new("u-1", Role::Admin)
}

pub async fn configured(manager: &IntegrationManager, tenant: &str) -> Tenant {
    let school = manager.tenant(tenant).unwrap();
    school.configure(&admin(), CourierConfig::new()).await.unwrap();
    school
}

pub fn letter(text: &str) -> SendLetter {
    SendLetter { to: "the Does".into(), text: text.into() }
}
