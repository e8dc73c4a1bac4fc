use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::Url;

use super::{Channel, Channels, Provider, ProviderConfig, spec::AnyConfig};
use crate::{
    error::{Error, ErrorCode, Result, VendorError},
    model::{Redactor, RequestId, Runtime, Secret, Timestamp},
    transport::{
        Client, Headers, Method, Plan, Repeat, Request, Response, Tried, in_doubt,
        oauth::{self, TokenGrant, Wanted},
        turned_away,
    },
};

/// Records the sends of a call that makes many: each its own intent and outcome.
#[async_trait]
pub trait Parts: Send + Sync {
    /// Returns when the intent is durable.
    async fn intend(&self, part: &str) -> Result<()>;
    /// Returns when the outcome is durable.
    async fn settle(&self, part: &str, outcome: Option<&Error>, detail: Value) -> Result<()>;
}

/// Keeps how far a call of several requests has come, so that its repetition goes on there.
#[async_trait]
pub trait Steps: Send + Sync {
    /// What the step brought in an earlier try, or in this one; or since when it is begun and left no word.
    fn known(&self, step: &str) -> (Option<Value>, Option<Timestamp>);
    /// Returns when it is durable that the step has begun, at that moment.
    async fn begin(&self, step: &str, since: Timestamp) -> Result<()>;
    /// Returns when it is durable that a step which is begun has begun at that moment, and not before.
    async fn begin_anew(&self, step: &str, since: Timestamp) -> Result<()>;
    /// Returns when what the step brought is durable. A secret is kept, never shown.
    async fn done(&self, step: &str, brought: Value, secret: bool) -> Result<()>;
    /// Returns when it is durable that the step failed. Where it may have been done all the same, the mark that it was begun
    /// stays.
    async fn failed(&self, step: &str, error: &Error, doubtful: bool) -> Result<()>;
    /// Forgets what the step brought.
    async fn undo(&self, step: &str) -> Result<()>;
}

/// An access token, for one request.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token.
    pub value: Secret<String>,
    /// The scopes that were granted, where the vendor said so.
    pub scope: Option<String>,
    /// Takes the token out of a text.
    pub redactor: Redactor,
}

/// Gives out the tenant's access tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A token that holds; not `refused`, which the vendor has just turned down.
    async fn token(&self, grant: TokenGrant, refused: Option<&AccessToken>) -> Result<Arc<AccessToken>>;
}

/// What a call has used.
#[derive(Debug, Default)]
pub struct Meter {
    attempts: AtomicU32,
    units: AtomicI64,
    cost_micros: AtomicI64,
    currency: Mutex<Option<String>>,
}

impl Meter {
    /// Attempts sent.
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// What the vendor counts.
    pub fn units(&self) -> i64 {
        self.units.load(Ordering::Relaxed)
    }

    /// Estimated cost in millionths of the currency.
    pub fn cost_micros(&self) -> i64 {
        self.cost_micros.load(Ordering::Relaxed)
    }

    /// The currency of the cost.
    pub fn currency(&self) -> Option<String> {
        self.currency.lock().clone()
    }
}

/// Everything a call needs once it may leave; made by the road.
pub struct CallContext {
    pub(crate) request_id: RequestId,
    pub(crate) config: AnyConfig,
    pub(crate) client: Client,
    pub(crate) plan: Plan,
    pub(crate) runtime: Runtime,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) parts: Arc<dyn Parts>,
    pub(crate) steps: Arc<dyn Steps>,
    pub(crate) tokens: Arc<dyn Tokens>,
    pub(crate) channels: Arc<dyn Channels>,
    /// Takes the access tokens of this call out of a text.
    pub(crate) used: Mutex<Vec<Arc<AccessToken>>>,
    pub(crate) meter: Meter,
    /// Whether a request has left whose effect is unknown, since the step began.
    pub(crate) doubt: AtomicBool,
    pub(crate) detail: Mutex<Map<String, Value>>,
    pub(crate) vendor_key: String,
    pub(crate) authenticate: fn(&(dyn std::any::Any + Send + Sync), &mut Request, Timestamp) -> Result<()>,
    pub(crate) parse_error: fn(u16, &Headers, &[u8]) -> Error,
}

impl CallContext {
    /// A text without the tenant's secrets, its access tokens among them.
    pub(crate) fn clean(&self, text: &str) -> String {
        let cleaned = self.redactor.clean(text);
        self.used.lock().iter().fold(cleaned, |text, token| token.redactor.clean(&text))
    }
}

/// What an operation has in hand while it runs: the tenant's config, the network, and a way to note what happened.
pub struct Call<'a, P: Provider> {
    context: &'a CallContext,
    config: &'a P::Config,
    wanted: Wanted,
}

impl<'a, P: Provider> Call<'a, P> {
    pub(crate) fn new(context: &'a CallContext, config: &'a P::Config, wanted: Wanted) -> Self {
        Self { context, config, wanted }
    }

    /// The same call with another token: of other scopes, rights, or on behalf of somebody else.
    pub fn with_token(&self, wanted: Wanted) -> Self {
        Self { context: self.context, config: self.config, wanted }
    }

    /// What token its requests carry.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The tenant's settings.
    pub fn config(&self) -> &'a P::Config {
        self.config
    }

    /// The call's id.
    pub fn request_id(&self) -> RequestId {
        self.context.request_id
    }

    /// The idempotency key for the vendor's own use, 32 hex digits; `part` tells apart the requests of one call.
    ///
    /// It comes from the caller's idempotency key and the moment of the first try, or from the call's id where there is no
    /// key. Both are durable before the call leaves, so that it is the same after a crash, and the vendor answers what it
    /// answered before. A key that is used again after it was forgotten is another call, and has another.
    pub fn vendor_key(&self, part: &str) -> String {
        match part {
            "" => self.context.vendor_key.clone(),
            part => format!("{}-{part}", self.context.vendor_key),
        }
    }

    /// The moment it is.
    pub fn now(&self) -> Timestamp {
        self.context.runtime.now()
    }

    /// When the call must have ended.
    pub fn deadline(&self) -> Timestamp {
        self.context.plan.deadline
    }

    /// Time, and waiting.
    pub fn runtime(&self) -> &Runtime {
        &self.context.runtime
    }

    /// The secret that the vendor is given for a channel of that id: see [`Channels::secret`].
    pub fn channel_secret(&self, id: &str) -> String {
        self.context.channels.secret(id)
    }

    /// The host's webhook address with the school's route in its query: what the vendor is to call.
    ///
    /// Error: `invalid_argument` for an address that is not https; plain http is let through to this machine alone, for
    /// tests.
    pub fn webhook_address(&self, address: &Url) -> Result<Url> {
        let local =
            matches!(address.host_str(), Some("127.0.0.1" | "localhost")) && self.context.plan.outbound.allow_private;
        if address.scheme() != "https" && !local {
            return Err(Error::invalid("address", "must be the https address where vendors reach your webhooks"));
        }
        let mut address = address.clone();
        address.query_pairs_mut().append_pair("route", &self.context.channels.route());
        Ok(address)
    }

    /// Keeps a channel that was made or renewed.
    pub async fn keep_channel(&self, channel: Channel) -> Result<()> {
        self.context.channels.keep(channel, None).await
    }

    /// The same for a channel in the place of another, which is renewed no more, and is to be stopped and forgotten.
    pub async fn replace_channel(&self, channel: Channel, old: &str) -> Result<()> {
        self.context.channels.keep(channel, Some(old)).await
    }

    /// The channel of that id.
    pub async fn channel(&self, id: &str) -> Result<Channel> {
        let found = self.context.channels.find(id).await?;
        found.ok_or_else(|| Error::new(ErrorCode::NotFound, "there is no such channel; see the list of subscriptions"))
    }

    /// Forgets a channel.
    pub async fn forget_channel(&self, id: &str) -> Result<()> {
        self.context.channels.forget(id).await
    }

    /// The address of `path` at one of the vendor's hosts, or below the tenant's `base_url`. Each segment is encoded:
    /// an argument cannot leave its place in the path.
    pub fn url(&self, host: &str, path: &[&str]) -> Result<Url> {
        let mut url = match self.config.base_url() {
            Some(base) => base.clone(),
            None => host.parse().map_err(|_| Error::internal("a vendor's host is not an address"))?,
        };
        for segment in path {
            // "." and ".." are not encoded by the URL standard, and would climb.
            if matches!(*segment, "" | "." | "..") {
                return Err(Error::invalid("", "an id must not be empty, '.' or '..'"));
            }
        }
        url.path_segments_mut()
            .map_err(|()| Error::internal("a vendor's host is not an address"))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    /// Notes an id the vendor gave, for the audit trail. Nothing personal.
    pub fn note(&self, name: &str, value: impl Into<Value>) {
        self.context.detail.lock().insert(name.to_owned(), value.into());
    }

    /// Counts what was used: units as the vendor counts them, and their estimated cost.
    pub fn charge(&self, units: i64, cost_micros: i64, currency: &str) {
        self.context.meter.units.fetch_add(units, Ordering::Relaxed);
        self.context.meter.cost_micros.fetch_add(cost_micros, Ordering::Relaxed);
        *self.context.meter.currency.lock() = Some(currency.to_owned());
    }

    /// Sends with the operation's own word on repeating. Answers outside 2xx are errors.
    pub async fn send(&self, request: Request) -> Result<Response> {
        self.send_as(request, self.context.plan.repeat).await
    }

    /// Sends a request of an operation that makes several, with its own word on repeating.
    pub async fn send_as(&self, request: Request, repeat: Repeat) -> Result<Response> {
        let response = self.exchange(request, repeat).await?;
        if (200..300).contains(&response.status) { Ok(response) } else { Err(self.refusal(&response)) }
    }

    /// Sends, and answers whatever the vendor answered: for statuses outside 2xx that are no error.
    pub async fn exchange(&self, request: Request, repeat: Repeat) -> Result<Response> {
        let mut refused: Option<Arc<AccessToken>> = None;
        let mut may_have_acted = false;
        loop {
            let token = self.token(refused.as_deref()).await?;
            let sign = |request: &mut Request| {
                (self.context.authenticate)(&*self.context.config, request, self.now())?;
                if let Some(token) = &token {
                    request.headers.set("authorization", format!("Bearer {}", token.value.expose()));
                }
                Ok(())
            };
            let mut tried = Tried::default();
            let result = self.transmit(request.clone(), repeat, &mut tried, sign).await;
            may_have_acted |= tried.may_have_acted;
            let cleaned =
                |text: &str| token.as_ref().map_or_else(|| text.to_owned(), |token| token.redactor.clean(text));
            let response = result.map_err(|error| error.map_text(cleaned))?;
            // What was refused at the door was not acted on: it may be sent once more.
            if token.is_some() && refused.is_none() && P::token_refused(&response) {
                refused = token;
                continue;
            }
            if repeat == Repeat::WithKey && leaves_doubt(response.status, may_have_acted) {
                let error = in_doubt(&self.refusal(&response));
                self.note_doubt(&error);
                return Err(error);
            }
            return Ok(response);
        }
    }

    /// Sends without any credentials, to an address that the vendor gave for this and that is a credential by itself:
    /// an upload session. Answers whatever the vendor answered.
    pub async fn exchange_bare(&self, request: Request, repeat: Repeat) -> Result<Response> {
        self.transmit(request, repeat, &mut Tried::default(), |_| Ok(())).await
    }

    async fn transmit(
        &self,
        request: Request,
        repeat: Repeat,
        tried: &mut Tried,
        sign: impl Fn(&mut Request) -> Result<()> + Send + Sync,
    ) -> Result<Response> {
        let plan = Plan { repeat, ..self.context.plan.clone() };
        let counting = Counting { tried, meter: &self.context.meter };
        let result = self.context.client.exchange(request, &plan, counting.tried, sign).await;
        drop(counting);
        result.inspect_err(|error| self.note_doubt(error))
    }

    fn note_doubt(&self, error: &Error) {
        if error.code() == ErrorCode::OutcomeUnknown {
            self.context.doubt.store(true, Ordering::Relaxed);
        }
    }

    /// The access token that requests of this call carry; not `refused`, which the vendor has just turned down. For the
    /// vendor's questions about the token itself: requests get it by themselves.
    pub async fn token(&self, refused: Option<&AccessToken>) -> Result<Option<Arc<AccessToken>>> {
        let Some(grant) = P::token_grant(self.config, &self.wanted)? else { return Ok(None) };
        let token = self.context.tokens.token(grant, refused).await;
        let token = token.map_err(|error| P::token_denied(self.config, &self.wanted, error))?;
        {
            let mut used = self.context.used.lock();
            if !used.iter().any(|known| Arc::ptr_eq(known, &token)) {
                used.push(token.clone());
            }
        }
        if let Some(granted) = &token.scope
            && let Some(group) = oauth::missing(self.wanted.scopes, granted).first()
        {
            let message = format!(
                "{} was connected without the consent that this needs: one of {}. An administrator has to connect it again \
                 with that consent",
                P::INFO.name,
                group.join(", ")
            );
            return Err(Error::new(ErrorCode::NeedsReconnect, message).with_field("config.scopes"));
        }
        Ok(Some(token))
    }

    /// The vendor's refusal as an error of ours, without secrets.
    pub fn refusal(&self, response: &Response) -> Error {
        let error = (self.context.parse_error)(response.status, &response.headers, &response.body);
        let vendor = error.vendor().cloned().unwrap_or(VendorError { status: response.status, ..Default::default() });
        error.with_vendor(vendor).map_text(|text| self.context.clean(text))
    }

    /// One step of an operation that takes several requests and leaves something behind: one of its
    /// [`STEPS`](super::Operation::STEPS).
    ///
    /// What `work` brings is durable before this returns, and shown in the error if a later step fails: ids, nothing
    /// personal. When the call is repeated with its idempotency key, a step that was done is not done again. `work` is
    /// told whether an earlier try began the step and left no word: then it must look before it acts.
    pub async fn step<T, F>(&self, name: &str, work: impl FnOnce(bool) -> F + Send) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.take_step(name, false, work).await
    }

    /// A step that brings a secret, such as the address of an upload session: kept encrypted, never shown.
    pub async fn secret_step<T, F>(&self, name: &str, work: impl FnOnce(bool) -> F + Send) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send,
        F: Future<Output = Result<T>> + Send,
    {
        self.take_step(name, true, work).await
    }

    async fn take_step<T, F>(&self, name: &str, secret: bool, work: impl FnOnce(bool) -> F + Send) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send,
        F: Future<Output = Result<T>> + Send,
    {
        let (known, begun) = self.context.steps.known(name);
        if let Some(known) = known {
            return serde_json::from_value(known)
                .map_err(|_| Error::internal("a step of an earlier version cannot be read"));
        }
        // One that goes on has begun when it first did.
        self.context.steps.begin(name, begun.unwrap_or_else(|| self.now())).await?;
        let begun = begun.is_some();
        // A step within a step has doubts of its own; those of the outer one stay.
        let before = self.context.doubt.swap(false, Ordering::Relaxed);
        let result = work(begun).await;
        match &result {
            Ok(brought) => {
                self.context.doubt.fetch_or(before, Ordering::Relaxed);
                let brought = serde_json::to_value(brought).map_err(|_| Error::internal("a step is not JSON"))?;
                // What was done and could not be recorded must not look as if it could simply be done again.
                self.context.steps.done(name, brought, secret).await.map_err(|error| {
                    let why = format!("the step {name} was done and could not be recorded: {}", error.message());
                    Error::new(ErrorCode::OutcomeUnknown, why)
                })?;
            }
            // The error may be that of the look, and say nothing of what was looked for.
            Err(error) => {
                self.note_doubt(error);
                let doubtful = begun || self.context.doubt.fetch_or(before, Ordering::Relaxed);
                // The reason why is the vendor's; that it could not be recorded is not.
                if let Err(unrecorded) = self.context.steps.failed(name, error, doubtful).await {
                    tracing::error!(%unrecorded, step = name, "the failure of a step could not be recorded");
                }
            }
        }
        result
    }

    /// Since when a step is begun without a word of its end; none where it is not.
    pub fn step_since(&self, name: &str) -> Option<Timestamp> {
        self.context.steps.known(name).1
    }

    /// Within a step: what an earlier try may have sent is settled, and it begins anew, now.
    pub async fn begin_step_anew(&self, name: &str) -> Result<()> {
        self.context.steps.begin_anew(name, self.now()).await
    }

    /// Forgets a step: what it brought holds no longer, such as an upload session that has lapsed.
    pub async fn undo_step(&self, name: &str) -> Result<()> {
        self.context.steps.undo(name).await
    }

    /// Sends and reads the answer as JSON.
    pub async fn fetch<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let repeat = self.context.plan.repeat;
        let response = self.send_as(request, repeat).await?;
        self.read(&response, repeat)
    }

    /// Reads a 2xx answer as JSON.
    ///
    /// What cannot be read is `invalid_response`; after a request that must not be repeated it is `outcome_unknown`,
    /// for the vendor has most likely acted.
    pub fn read<T: DeserializeOwned>(&self, response: &Response, repeat: Repeat) -> Result<T> {
        serde_json::from_slice(&response.body).map_err(|_| {
            let vendor = VendorError { status: response.status, ..Default::default() };
            let what = "the vendor's answer is not what its documentation promises";
            if repeat == Repeat::Never {
                Error::new(ErrorCode::OutcomeUnknown, format!("{what}; it has most likely acted")).with_vendor(vendor)
            } else {
                Error::new(ErrorCode::InvalidResponse, what).with_vendor(vendor)
            }
        })
    }

    /// A GET.
    pub fn get(&self, url: Url) -> Request {
        Request::new(Method::Get, url)
    }

    /// A POST.
    pub fn post(&self, url: Url) -> Request {
        Request::new(Method::Post, url)
    }

    /// A PUT.
    pub fn put(&self, url: Url) -> Request {
        Request::new(Method::Put, url)
    }

    /// A PATCH.
    pub fn patch(&self, url: Url) -> Request {
        Request::new(Method::Patch, url)
    }

    /// A DELETE.
    pub fn delete(&self, url: Url) -> Request {
        Request::new(Method::Delete, url)
    }

    /// One send of an operation that makes many: its intent is durable before `work` begins, its outcome before this
    /// returns. After the deadline none begins. `work` answers the result and what to note of it; nothing of `part` or the note may be personal.
    pub async fn part<T>(&self, part: &str, work: impl Future<Output = Result<(T, Value)>>) -> Result<T> {
        if self.context.runtime.now() >= self.context.plan.deadline {
            return Err(Error::new(ErrorCode::Timeout, "the deadline passed before this was sent"));
        }
        self.context.parts.intend(part).await?;
        let (result, detail) = match work.await {
            Ok((result, detail)) => (Ok(result), detail),
            Err(error) => (Err(error), Value::Null),
        };
        self.context.parts.settle(part, result.as_ref().err(), detail).await?;
        result
    }
}

/// Counts the attempts of one request also where a panic or the deadline ends it in their midst: what has left must not
/// pass for what has not.
struct Counting<'a> {
    tried: &'a mut Tried,
    meter: &'a Meter,
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.meter.attempts.fetch_add(self.tried.attempts, Ordering::Relaxed);
    }
}

/// Whether an answer to a request with a key leaves open what became of it: the vendor failed within, or it turned away at
/// the door what it may have acted on before.
fn leaves_doubt(status: u16, may_have_acted: bool) -> bool {
    status >= 500 || (may_have_acted && turned_away(status))
}
