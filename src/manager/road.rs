//! The road: ten stations, read from top to bottom. Each is a call into one service.

use std::{panic::AssertUnwindSafe, sync::Arc, task::Poll, time::Duration};

use futures::FutureExt;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Core, Durability, UnderWay,
    parts::{CallChannels, CallTokens, PartRecorder, Progress, StepRecorder},
    refusal::refuse,
    throttle::throttle,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Disclosure, RequestId, TenantId, Timestamp},
    providers::{Answer, CallContext, Capability, Meter, OperationSpec, Prepared, ProviderSpec},
    security::TenantKeys,
    services::{CallRow, Claim, Event, Known, LiveConfig, outcome_name, patiently, still_under_way},
    storage::{Change, Storage, conflicting_change},
    transport::{Plan, Repeat},
};

/// What a caller can say about a call, beside what it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) idempotency_key: Option<String>,
    pub(super) about: Disclosure,
    pub(super) deadline: Option<Duration>,
    /// Wait for the limit instead of answering `rate_limited`.
    pub(super) wait: bool,
    /// Told of each send of a call that makes many.
    pub(super) progress: Option<watch::Sender<Progress>>,
}

/// A call as it comes in: typed, or as JSON.
pub(super) enum Arguments {
    Ready(Box<dyn Prepared>),
    Json(Value),
}

/// What a call brought.
pub(super) enum Brought {
    Fresh(Box<dyn Answer>),
    /// The first answer to the same idempotency key.
    Replayed(Value),
}

/// How much longer than its deadline a call's own work may take to say so itself.
const GRACE: Duration = Duration::from_secs(2);
/// The longest deadline a caller may set.
const LONGEST: Duration = Duration::from_secs(3600);

/// Takes one call the whole way.
pub(super) async fn travel(
    core: &Arc<Core>,
    tenant: &TenantId,
    actor: &Actor,
    provider: &str,
    operation: &str,
    arguments: Arguments,
    options: Options,
) -> Result<(RequestId, Brought)> {
    let request_id = RequestId::new(core.runtime.now());
    stations(core, core.enter(), tenant, actor, provider, operation, arguments, options, request_id)
        .await
        .map_err(|error| error.at(provider, operation, request_id))
}

/// The same from on the road, as a part of the call that is under way there. Without a box it would hold itself.
fn onward<'a>(
    within: &'a Journey,
    provider: &'a str,
    operation: &'a str,
    arguments: Arguments,
    options: Options,
) -> futures::future::BoxFuture<'a, Result<(RequestId, Brought)>> {
    let (core, tenant, actor) = (&within.core, &within.call.tenant, &within.call.actor);
    let request_id = RequestId::new(core.runtime.now());
    let entered = Ok(within.entered.another());
    let travelled = stations(core, entered, tenant, actor, provider, operation, arguments, options, request_id);
    Box::pin(async move { travelled.await.map_err(|error| error.at(provider, operation, request_id)) })
}

#[expect(clippy::too_many_arguments, reason = "these are what a call is; there is one caller")]
async fn stations(
    core: &Arc<Core>,
    entered: Result<UnderWay>,
    tenant: &TenantId,
    actor: &Actor,
    provider: &str,
    operation: &str,
    arguments: Arguments,
    options: Options,
    request_id: RequestId,
) -> Result<(RequestId, Brought)> {
    // 1. identify
    let entered = entered?;
    let started = core.runtime.monotonic();
    let provider = core.provider(provider)?;
    let operation = provider.operation(operation)?;
    // A refusal is recorded with what the call is about: that is looked at before anybody can be refused.
    options.about.check()?;
    if let Some(purpose) = options.about.purpose_text().filter(|_| !operation.urgent) {
        crate::security::refuse_card_data(purpose.as_bytes())
            .map_err(|error| error.with_field("disclosure.purpose"))?;
    }
    if options.deadline.is_some_and(|deadline| deadline.is_zero() || deadline > LONGEST) {
        return Err(Error::invalid("deadline", "must be more than nothing and at most an hour"));
    }
    let left = options.deadline.unwrap_or(operation.deadline);
    let deadline = core.runtime.now().after(left);
    let call = CallRow {
        tenant: tenant.clone(),
        request_id,
        actor: actor.clone(),
        provider: Some(provider.info.id),
        operation: Some(operation.name),
        digest: None,
        deadline: Some(deadline),
    };
    // A storage that hangs must not hold the caller longer than they said.
    let approach = approach(core, entered, started, provider, operation, arguments, options, call, deadline);
    let (journey, prepared) = match core.runtime.timeout(left, approach).await {
        None => return Err(Error::new(ErrorCode::Timeout, "the deadline passed before anything was sent")),
        Some(Err(error)) => return Err(error),
        Some(Ok(Approach::Answered(first, answer))) => return Ok((first, Brought::Replayed(answer))),
        Some(Ok(Approach::Ready(journey, prepared))) => (journey, prepared),
    };

    // 7 to 9 run in a task of the manager's own: a caller that goes away only signals.
    let gone = journey.cancel.clone().drop_guard();
    let result = core.runtime.run(journey.go(prepared)).await;
    DropGuard::disarm(gone);

    // 10. answer
    let lost = || Error::new(ErrorCode::OutcomeUnknown, "the process is stopping; the call is on record");
    result.unwrap_or_else(|| Err(lost())).map(|answer| (request_id, Brought::Fresh(answer)))
}

/// Where a call stands when it has passed the stations at which nothing leaves.
enum Approach {
    /// It happened before: the first answer.
    Answered(RequestId, Value),
    Ready(Box<Journey>, Box<dyn Prepared>),
}

/// Stations 2 to 6.
#[expect(clippy::too_many_arguments, reason = "these are what a call is; there is one caller")]
async fn approach(
    core: &Arc<Core>,
    entered: UnderWay,
    started: Duration,
    provider: &Arc<ProviderSpec>,
    operation: &OperationSpec,
    arguments: Arguments,
    options: Options,
    mut call: CallRow,
    deadline: Timestamp,
) -> Result<Approach> {
    let (tenant, actor, request_id) = (&call.tenant.clone(), &call.actor.clone(), call.request_id);
    let known = patiently(&core.runtime, operation.urgent, core.security.known_keys(tenant)).await?;

    // 2. authorise
    let allowed = match core.access.check(tenant, actor, provider, operation).await {
        Ok(allowed) => allowed,
        Err(error) => {
            // A school that nobody has ever used has no record, and a refusal makes it none.
            if let (ErrorCode::PermissionDenied, Some(keys)) = (error.code(), &known) {
                refuse(core, &call, keys, provider, operation, &options.about).await;
            }
            return Err(error);
        }
    };
    let keys = match known {
        Some(keys) => keys,
        None => patiently(&core.runtime, operation.urgent, core.security.keys(tenant)).await?,
    };

    // 3. validate
    let prepared = match arguments {
        Arguments::Ready(prepared) => prepared,
        Arguments::Json(value) => operation.prepare(value)?,
    };
    prepared.validate()?;
    if let Err(error) = allowed.check_subject(actor, prepared.subject(), operation.personal) {
        refuse(core, &call, &keys, provider, operation, &options.about).await;
        return Err(error);
    }
    let canonical = prepared.canonical()?;
    // What looks like a card's number may be none: an alert is never held back for that.
    if !operation.urgent {
        crate::security::refuse_card_data(&canonical)?;
    }
    let digest = keys.digest("arguments", &canonical);
    call.digest = Some(digest.clone());

    // 4. throttle
    throttle(core, &call, provider, operation, deadline, options.wait).await?;

    // 5. replay?
    // A call of several steps has a name in any case: how far it came is kept under it. So has one that the vendor knows
    // by its key: without a name nobody could ask again with that key.
    let needs_name = !operation.steps.is_empty() || operation.repeat == Repeat::WithKey;
    let name = options.idempotency_key.clone().or_else(|| needs_name.then(|| request_id.to_string()));
    let claim = match &name {
        None => None,
        Some(name) => {
            let known = core.idempotency.look(
                tenant,
                &keys,
                name,
                provider.info.id,
                operation.name,
                &digest,
                request_id,
                deadline,
                operation.repeat,
                !operation.steps.is_empty(),
                operation.urgent,
            );
            match known.await? {
                Known::Answered(first, answer) => {
                    let first_call = |error: Error| error.at(provider.info.id, operation.name, first);
                    return answer.map(|answer| Approach::Answered(first, answer)).map_err(first_call);
                }
                Known::New(claim) => Some(claim),
            }
        }
    };

    let named = options.idempotency_key.clone().unwrap_or_else(|| request_id.to_string());
    // The same on every repeat of a claim, and another for whoever claims the key anew once it is forgotten.
    let made = claim.as_ref().map_or(0, |claim| claim.made().as_micros());
    let named = format!("{}\0{}\0{named}\0{made}", provider.info.id, operation.name);
    let vendor_key = keys.digest("vendor_idempotency", named.as_bytes())[..32].to_owned();

    // 6. credentials
    let config = core.configs.live(tenant, &keys, provider, operation.urgent).await?;
    match prepared.capability(&*config.config) {
        Capability::Supported => {}
        Capability::NeedsConfig(fields) => {
            return Err(Error::new(
                ErrorCode::NotConfigured,
                format!("{} needs these settings of {}: {}", operation.name, provider.info.name, fields.join(", ")),
            )
            .with_field(format!("config.{}", fields.first().copied().unwrap_or_default())));
        }
        Capability::NeedsPlan(why) | Capability::ImportOnly(why) | Capability::Unsupported(why) => {
            return Err(Error::new(ErrorCode::UnsupportedOperation, why));
        }
    }

    let journey = Journey {
        core: core.clone(),
        entered,
        provider: provider.clone(),
        operation: *operation,
        call,
        keys,
        claim,
        name,
        vendor_key,
        about: options.about,
        config,
        cancel: CancellationToken::new(),
        started,
        progress: options.progress,
    };
    Ok(Approach::Ready(Box::new(journey), prepared))
}

/// Stations 7 to 9 of one call.
struct Journey {
    core: Arc<Core>,
    entered: UnderWay,
    provider: Arc<ProviderSpec>,
    operation: OperationSpec,
    call: CallRow,
    keys: Arc<TenantKeys>,
    claim: Option<Claim>,
    /// What the call can be repeated by.
    name: Option<String>,
    vendor_key: String,
    about: Disclosure,
    config: Arc<LiveConfig>,
    cancel: CancellationToken,
    started: Duration,
    progress: Option<watch::Sender<Progress>>,
}

/// Why a call is not on record, and whether a part of it is.
struct Unrecorded {
    error: Error,
    partly: bool,
}

impl From<Error> for Unrecorded {
    fn from(error: Error) -> Self {
        Self { error, partly: false }
    }
}

impl Journey {
    async fn go(mut self, prepared: Box<dyn Prepared>) -> Result<Box<dyn Answer>> {
        let intended = self.record_intent().await;
        let context = self.context();
        let result = if let Err(Unrecorded { error, partly }) = intended {
            if error.code() == ErrorCode::Timeout {
                // Whether the name is this call's is not known: it is given back when that shows.
                self.claim = None;
            } else if !partly {
                return Err(error);
            }
            Err(error)
        } else if self.cancel.is_cancelled() {
            Err(Error::new(ErrorCode::Cancelled, "the caller went away before anything was sent"))
        } else {
            self.follow_up(self.send(prepared, &context).await).await
        };
        self.record_outcome(result, &context).await
    }

    // 7. record the intent
    async fn record_intent(&self) -> std::result::Result<(), Unrecorded> {
        let now = self.core.runtime.now();
        let mut changes = vec![Change::Insert(self.call.row(now, Event::CallIntent, None, None, None))];
        let claimed = changes.len();
        if let Some(claim) = &self.claim {
            changes.push(self.core.idempotency.claim(claim, &self.keys)?);
        }
        changes.extend(self.core.audit.disclosures(
            &self.call,
            &self.keys,
            &self.provider.info,
            &self.operation,
            &self.about,
            "intended",
        )?);
        let (core, tenant, keys) = (self.core.clone(), self.call.tenant.clone(), self.keys.clone());
        let urgent = self.operation.urgent;
        let mut recorded = Box::pin(async move {
            // One commit, but for a call about more people than the storage takes at once.
            let most = core.writer.capabilities().max_batch.max(2);
            let mut partly = false;
            while !changes.is_empty() {
                let rest = changes.split_off(changes.len().min(most));
                let kept = core.audit.record_intent(&tenant, &keys, changes, urgent).await;
                kept.map_err(|error| Unrecorded { error, partly })?;
                (partly, changes) = (true, rest);
            }
            Ok(())
        });
        let left = self.call.deadline.unwrap_or_default().since(now);
        let Some(intended) = self.core.runtime.timeout(left, recorded.as_mut()).await else {
            // The rows may yet get there: what came of the call is queued behind them.
            let (core, claim, keys) = (self.core.clone(), self.claim.clone(), self.keys.clone());
            self.core.runtime.spawn(async move {
                if recorded.await.is_ok()
                    && let Some(claim) = claim
                {
                    core.idempotency.give_back(&claim, &keys).await;
                }
            });
            return Err(Error::new(ErrorCode::Timeout, "the deadline passed before the call was on record").into());
        };
        intended.map_err(|Unrecorded { error, partly }| match conflicting_change(&error) {
            Some(change) if change == claimed && !partly => still_under_way().into(),
            _ => Unrecorded { error, partly },
        })
    }

    fn context(&self) -> CallContext {
        let gate = self.core.gate(&self.call.tenant, self.provider.info.id);
        let plan = Plan {
            outbound: self.config.outbound.clone(),
            breakers: gate.breakers.clone(),
            budget: gate.budget.clone(),
            backoff: self.core.backoff,
            repeat: self.operation.repeat,
            decide: self.provider.decide,
            deadline: self.call.deadline.unwrap_or_default(),
            urgent: self.operation.urgent,
        };
        let parts = PartRecorder {
            core: self.core.clone(),
            call: self.call.clone(),
            keys: self.keys.clone(),
            urgent: self.operation.urgent,
            progress: self.progress.clone(),
        };
        let tokens = CallTokens {
            core: self.core.clone(),
            call: self.call.clone(),
            keys: self.keys.clone(),
            provider: self.provider.info.id,
            vendor: self.provider.info.name,
            plan: plan.clone(),
        };
        let channels = CallChannels {
            core: self.core.clone(),
            call: self.call.clone(),
            keys: self.keys.clone(),
            provider: self.provider.clone(),
        };
        CallContext {
            request_id: self.call.request_id,
            config: self.config.config.clone(),
            client: self.core.client.clone(),
            plan,
            runtime: self.core.runtime.clone(),
            redactor: self.config.redactor.clone(),
            steps: Arc::new(StepRecorder { parts: parts.clone(), claim: self.claim.clone() }),
            parts: Arc::new(parts),
            tokens: Arc::new(tokens),
            channels: Arc::new(channels),
            used: Default::default(),
            meter: Meter::default(),
            doubt: Default::default(),
            detail: Default::default(),
            vendor_key: self.vendor_key.clone(),
            authenticate: self.provider.authenticate,
            parse_error: self.provider.parse_error,
        }
    }

    // 8. send
    async fn send(&self, prepared: Box<dyn Prepared>, context: &CallContext) -> Result<Box<dyn Answer>> {
        let left = context.plan.deadline.since(self.core.runtime.now());
        let work = AssertUnwindSafe(prepared.run(context)).catch_unwind();
        let sent_blindly = || context.meter.attempts() > 0 && self.operation.repeat == Repeat::Never;
        let result = match self.core.runtime.timeout(left + GRACE, work).await {
            Some(Ok(result)) => result,
            Some(Err(_panic)) if sent_blindly() => {
                Err(Error::new(ErrorCode::OutcomeUnknown, "the operation failed after something was sent"))
            }
            Some(Err(_panic)) => Err(Error::internal("the operation panicked; please report this")),
            None if sent_blindly() => {
                Err(Error::new(ErrorCode::OutcomeUnknown, "the deadline passed while the vendor was at work"))
            }
            None => Err(Error::new(ErrorCode::Timeout, "the deadline passed")),
        };
        result.map_err(|error| self.tell_steps(error.map_text(|text| context.clean(text))))
    }

    /// An error half-way says what is done, and by what name the call goes on.
    fn tell_steps(&self, error: Error) -> Error {
        let Some(claim) = &self.claim else { return error };
        let steps = claim.steps().shown();
        if steps.is_none() && !claim.goes_on_after(&error) {
            return error;
        }
        error.with_done(json!({ "steps": steps.unwrap_or_else(|| json!({})), "idempotencyKey": self.name }))
    }

    /// Calls of other providers that the answer asks for, each the whole road.
    async fn follow_up(&self, result: Result<Box<dyn Answer>>) -> Result<Box<dyn Answer>> {
        let mut answer = result?;
        let wanted = answer.follow_ups();
        if wanted.is_empty() {
            return Ok(answer);
        }
        let left = self.call.deadline.unwrap_or_default().since(self.core.runtime.now());
        let mut results = Vec::with_capacity(wanted.len());
        for (number, next) in wanted.into_iter().enumerate() {
            let options = Options {
                // One call of its own, also when this one is repeated after a crash.
                idempotency_key: Some(format!("{}/{number}", self.vendor_key)),
                about: self.about.clone(),
                deadline: Some(left.max(Duration::from_secs(1))),
                ..Options::default()
            };
            let call = onward(self, next.provider, next.operation, Arguments::Json(next.arguments), options);
            results.push(call.await.and_then(|(_, brought)| match brought {
                Brought::Fresh(answer) => answer.to_json(),
                Brought::Replayed(answer) => Ok(answer),
            }));
        }
        answer.followed(results);
        Ok(answer)
    }

    // 9. record the outcome
    async fn record_outcome(self, result: Result<Box<dyn Answer>>, context: &CallContext) -> Result<Box<dyn Answer>> {
        let core = &self.core;
        let outcome = outcome_name(result.as_ref().err());
        let detail = detail(context, result.as_ref().err());
        let now = core.runtime.now();
        let took = core.runtime.monotonic().saturating_sub(self.started);
        let mut changes = vec![
            Change::Insert(self.call.row(now, Event::CallOutcome, None, Some(outcome), detail)),
            core.usage.row(&self.call, outcome, took, &context.meter),
        ];
        if let Some(claim) = &self.claim {
            let kept = match &result {
                Ok(answer) => answer.to_json(),
                Err(error) => Err(error.clone()),
            };
            changes.push(core.idempotency.finish(claim, &self.keys, &kept)?);
        }
        let (tenant, keys, urgent) = (self.call.tenant.clone(), self.keys.clone(), self.operation.urgent);
        let (of, id, entered) = (core.clone(), self.call.request_id, self.entered);
        // The first poll queues the rows. Whoever closes the manager waits until they are on the disk.
        let mut recording = Box::pin(async move {
            let _entered = entered;
            let recorded = of.audit.record_outcome(&tenant, &keys, changes, urgent).await;
            recorded.inspect_err(|error| {
                tracing::error!(%error, request_id = %id, outcome, "an outcome could not be recorded");
            })
        });
        let wait = match core.durability {
            Durability::Strict => self.call.deadline.unwrap_or_default().since(core.runtime.now()) + GRACE,
            Durability::Relaxed => Duration::ZERO,
        };
        let recorded = match futures::poll!(recording.as_mut()) {
            Poll::Ready(recorded) => Some(recorded),
            Poll::Pending if wait.is_zero() => None,
            Poll::Pending => core.runtime.timeout(wait, recording.as_mut()).await,
        };
        let failed = match recorded {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(error.message().to_owned()),
            None => {
                core.runtime.spawn(recording.map(drop));
                (core.durability == Durability::Strict).then(|| "the storage does not answer".to_owned())
            }
        };
        // Where nothing was sent there is nothing to be unsure of.
        let nothing_sent = result.is_err() && context.meter.attempts() == 0;
        if let Some(why) = failed.filter(|_| core.durability == Durability::Strict && !nothing_sent) {
            return Err(Error::new(
                ErrorCode::OutcomeUnknown,
                format!("the call ended ({outcome}), but that could not be recorded: {why}"),
            ));
        }
        result
    }
}

/// What the outcome's audit row says beside the code: the operation's notes, attempts, what the vendor said.
fn detail(context: &CallContext, error: Option<&Error>) -> Option<Value> {
    let mut detail: Map<String, Value> = std::mem::take(&mut *context.detail.lock());
    detail.insert("attempts".into(), context.meter.attempts().into());
    if let Some(vendor) = error.and_then(Error::vendor) {
        detail.insert("vendorStatus".into(), vendor.status.into());
        // The vendor's words may repeat an argument, which is personal: its code and id say enough.
        detail.extend(vendor.code.clone().map(|code| ("vendorCode".to_owned(), code.into())));
        detail.extend(vendor.request_id.clone().map(|id| ("vendorRequestId".to_owned(), id.into())));
    }
    Some(Value::Object(detail))
}
