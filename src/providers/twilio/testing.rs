//! A call without a road: a Twilio made of canned answers, and parts that are remembered.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Twilio, TwilioConfig};
use crate::{
    error::{Error, Result},
    model::{Redactor, RequestId, Runtime, Timestamp},
    providers::{AccessToken, Call, CallContext, Channel, Channels, Operation, Parts, Provider, Steps, Tokens},
    transport::{
        Backoff, Breakers, Client, Failure, FailureKind, Headers, Http, Method, Outbound, Plan, Request, Response,
        RetryBudget,
        oauth::{TokenGrant, Wanted},
    },
};

pub(super) const ACCOUNT: &str = "AC00000000000000000000000000000000";

/// A number nobody else in the tests uses: what is known of sends is known to the whole process.
pub(super) fn number() -> String {
    let bytes: [u8; 4] = crate::model::random_bytes();
    format!("+1555{:010}", u32::from_le_bytes(bytes))
}

/// One answer: an HTTP answer or none.
pub(super) type Reply = Result<(u16, Value), Failure>;

/// Answers from `script` first, then as `usual` says; everything asked is kept.
pub(super) struct Fake {
    pub(super) script: Mutex<VecDeque<Reply>>,
    pub(super) usual: Box<dyn Fn(&Asked) -> Reply + Send + Sync>,
    pub(super) asked: Mutex<Vec<Asked>>,
}

/// A request, read.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) form: Vec<(String, String)>,
    pub(super) authorization: String,
}

impl Asked {
    pub(super) fn form(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[async_trait]
impl Http for Fake {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let pairs = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect();
        let asked = Asked {
            method: request.method,
            path: request.url.path().to_owned(),
            query: pairs(request.url.query().unwrap_or_default().as_bytes()),
            form: pairs(&request.body),
            authorization: request.headers.get("authorization").unwrap_or_default().to_owned(),
        };
        let scripted = self.script.lock().pop_front();
        let reply = scripted.unwrap_or_else(|| (self.usual)(&asked));
        self.asked.lock().push(asked);
        let (status, body) = reply?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Ok(Response { status, headers: Headers::default(), body: body.into() })
    }
}

#[derive(Default)]
pub(super) struct Recorded(pub(super) Mutex<Vec<String>>);

#[async_trait]
impl Parts for Recorded {
    async fn intend(&self, part: &str) -> Result<()> {
        self.0.lock().push(format!("intend {part}"));
        Ok(())
    }

    async fn settle(&self, part: &str, outcome: Option<&Error>, detail: Value) -> Result<()> {
        let end = outcome.map_or("ok", |error| error.code().name());
        assert!(outcome.is_some() || detail["sid"].is_string());
        self.0.lock().push(format!("settle {part} {end}"));
        Ok(())
    }
}

/// Twilio needs neither steps nor tokens: asking for one fails the test.
struct NoneWanted;

#[async_trait]
impl Steps for NoneWanted {
    fn known(&self, step: &str) -> (Option<Value>, Option<Timestamp>) {
        unreachable!("{step}")
    }

    async fn begin(&self, step: &str, _since: Timestamp) -> Result<()> {
        unreachable!("{step}")
    }

    async fn begin_anew(&self, step: &str, _since: Timestamp) -> Result<()> {
        unreachable!("{step}")
    }

    async fn done(&self, step: &str, _brought: Value, _secret: bool) -> Result<()> {
        unreachable!("{step}")
    }

    async fn failed(&self, step: &str, _error: &Error, _doubtful: bool) -> Result<()> {
        unreachable!("{step}")
    }

    async fn undo(&self, step: &str) -> Result<()> {
        unreachable!("{step}")
    }
}

#[async_trait]
impl Tokens for NoneWanted {
    async fn token(&self, grant: TokenGrant, _refused: Option<&AccessToken>) -> Result<Arc<AccessToken>> {
        unreachable!("{}", grant.name)
    }
}

#[async_trait]
impl Channels for NoneWanted {
    fn secret(&self, id: &str) -> String {
        unreachable!("{id}")
    }

    fn route(&self) -> String {
        unreachable!()
    }

    async fn keep(&self, channel: Channel, _replaces: Option<&str>) -> Result<()> {
        unreachable!("{}", channel.id)
    }

    async fn find(&self, id: &str) -> Result<Option<Channel>> {
        unreachable!("{id}")
    }

    async fn forget(&self, id: &str) -> Result<()> {
        unreachable!("{id}")
    }
}

pub(super) struct Bench {
    pub(super) fake: Arc<Fake>,
    pub(super) parts: Arc<Recorded>,
    pub(super) config: TwilioConfig,
    pub(super) cost: Mutex<i64>,
}

pub(super) fn config() -> TwilioConfig {
    let number = "+15005550006".parse().unwrap();
    TwilioConfig::new(ACCOUNT, "token-of-tests").from(number).whatsapp_from("+15005550009".parse().unwrap())
}

impl Bench {
    /// Answers from `script`, then makes every message and call, with an id made of its number.
    pub(super) fn new(script: impl IntoIterator<Item = Reply>) -> Self {
        Self::with(script, |asked| match asked.method {
            Method::Post => Ok((201, created(asked.form("To").unwrap_or("?"), asked.form("Body").unwrap_or("")))),
            _ => Ok((200, json!({ "messages": [], "calls": [], "next_page_uri": null }))),
        })
    }

    pub(super) fn with(
        script: impl IntoIterator<Item = Reply>,
        usual: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let script = Mutex::new(script.into_iter().collect());
        let fake = Fake { script, usual: Box::new(usual), asked: Mutex::default() };
        Self { fake: Arc::new(fake), parts: Arc::default(), config: config(), cost: Mutex::new(0) }
    }

    pub(super) async fn run<O: Operation<Provider = Twilio>>(&self, operation: O) -> Result<O::Output> {
        operation.validate()?;
        let runtime = Runtime::current();
        let context = CallContext {
            request_id: RequestId::nil(),
            config: Arc::new(self.config.clone()),
            client: Client::new(self.fake.clone(), runtime.clone()),
            plan: Plan {
                outbound: Arc::new(Outbound { hosts: Twilio::INFO.hosts, base_url: None, allow_private: false }),
                breakers: Arc::new(Breakers::default()),
                budget: Arc::new(RetryBudget::default()),
                backoff: Backoff { first: Duration::from_millis(1), ..Backoff::default() },
                repeat: O::REPEAT,
                decide: Twilio::decide,
                deadline: runtime.now().after(Duration::from_secs(60)),
                urgent: O::URGENT,
            },
            runtime,
            redactor: std::sync::Arc::new(Redactor::new(["token-of-tests"])),
            parts: self.parts.clone(),
            steps: Arc::new(NoneWanted),
            tokens: Arc::new(NoneWanted),
            channels: Arc::new(NoneWanted),
            used: Default::default(),
            meter: Default::default(),
            doubt: Default::default(),
            detail: Default::default(),
            vendor_key: "key".to_owned(),
            authenticate: |config, request, now| {
                Twilio::authenticate(config.downcast_ref().ok_or_else(|| Error::internal("config"))?, request, now)
            },
            parse_error: Twilio::parse_error,
        };
        let result = operation.run(&Call::new(&context, &self.config, Wanted::default())).await;
        *self.cost.lock() = context.meter.cost_micros();
        result
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.fake.asked.lock().clone()
    }

    pub(super) fn posts(&self) -> usize {
        self.asked().iter().filter(|asked| asked.method == Method::Post).count()
    }
}

/// A message as Twilio shows it.
pub(super) fn created(to: &str, body: &str) -> Value {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let from = if to.starts_with("whatsapp:") { "whatsapp:+15005550009" } else { "+15005550006" };
    json!({
        "sid": format!("SM{count:032x}"), "status": "queued", "to": to, "from": from, "body": body,
        "num_segments": "1", "num_media": "0", "price": null, "price_unit": "USD", "error_code": null,
        "direction": "outbound-api", "date_created": rfc2822(Runtime::current().now()), "date_sent": null,
        "uri": "/2010-04-01/x", "subresource_uris": {},
    })
}

pub(super) fn rfc2822(at: Timestamp) -> String {
    let seconds = jiff::Timestamp::from_second(at.as_micros() / 1_000_000).unwrap();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&seconds).unwrap()
}

pub(super) fn lost() -> Reply {
    Err(Failure::new(FailureKind::Broken, true, "the connection to the vendor broke"))
}

pub(super) fn refused(status: u16, code: u32) -> Reply {
    Ok((status, json!({ "code": code, "message": "words", "more_info": "", "status": status })))
}

pub(super) fn listed(key: &str, items: Vec<Value>) -> Reply {
    Ok((200, json!({ key: items, "next_page_uri": null })))
}
