use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;

use super::Core;
use crate::{
    error::{Error, Result},
    model::Timestamp,
    providers::{AccessToken, Channel, Channels, Parts, ProviderSpec, Steps, Tokens},
    security::TenantKeys,
    services::{CallRow, Claim, Event, StepBook, SubscriptionService, WebhookService, Wish, outcome_name},
    storage::Change,
    transport::{Plan, oauth::TokenGrant},
};

/// Records the sends of a call that makes many, each with an intent and an outcome of its own.
#[derive(Clone)]
pub(super) struct PartRecorder {
    pub(super) core: Arc<Core>,
    pub(super) call: CallRow,
    pub(super) keys: Arc<TenantKeys>,
    pub(super) urgent: bool,
    pub(super) progress: Option<watch::Sender<Progress>>,
}

impl PartRecorder {
    fn tell(&self, change: impl FnOnce(&mut Progress)) {
        if let Some(progress) = &self.progress {
            progress.send_modify(change);
        }
    }
}

/// How far a call that makes many sends has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Sends whose intent is durable.
    pub intended: u64,
    /// Sends of them whose outcome is durable.
    pub settled: u64,
}

#[async_trait]
impl Parts for PartRecorder {
    async fn intend(&self, part: &str) -> Result<()> {
        let row = self.call.row(self.core.runtime.now(), Event::PartIntent, Some(part), None, None);
        self.core.audit.record_intent(&self.call.tenant, &self.keys, vec![Change::Insert(row)], self.urgent).await?;
        self.tell(|progress| progress.intended += 1);
        Ok(())
    }

    async fn settle(&self, part: &str, outcome: Option<&Error>, detail: Value) -> Result<()> {
        let detail = (!detail.is_null()).then_some(detail);
        let outcome = Some(outcome_name(outcome));
        let row = self.call.row(self.core.runtime.now(), Event::PartOutcome, Some(part), outcome, detail);
        self.core.audit.record_outcome(&self.call.tenant, &self.keys, vec![Change::Insert(row)], self.urgent).await?;
        self.tell(|progress| progress.settled += 1);
        Ok(())
    }
}

/// Keeps the steps of a call in the row of its idempotency key, each with an intent and an outcome in the audit trail.
pub(super) struct StepRecorder {
    pub(super) parts: PartRecorder,
    /// None for an operation of one request.
    pub(super) claim: Option<Claim>,
}

impl StepRecorder {
    fn book(&self) -> Result<(&Claim, &StepBook)> {
        let claim = self.claim.as_ref().ok_or_else(|| Error::internal("the operation names no steps"))?;
        Ok((claim, claim.steps()))
    }

    fn row(&self, event: Event, step: &str, outcome: Option<&'static str>) -> Result<Vec<Change>> {
        let parts = &self.parts;
        let (claim, _) = self.book()?;
        Ok(vec![
            Change::Insert(parts.call.row(parts.core.runtime.now(), event, Some(step), outcome, None)),
            parts.core.idempotency.progress(claim, &parts.keys)?,
        ])
    }
}

#[async_trait]
impl Steps for StepRecorder {
    fn known(&self, step: &str) -> (Option<Value>, Option<Timestamp>) {
        self.claim.as_ref().map_or((None, None), |claim| claim.steps().known(step))
    }

    async fn begin(&self, step: &str, since: Timestamp) -> Result<()> {
        self.book()?.1.begin(step, since);
        let parts = &self.parts;
        let changes = self.row(Event::PartIntent, step, None)?;
        parts.core.audit.record_intent(&parts.call.tenant, &parts.keys, changes, parts.urgent).await
    }

    async fn begin_anew(&self, step: &str, since: Timestamp) -> Result<()> {
        let (claim, book) = self.book()?;
        book.begin(step, since);
        let parts = &self.parts;
        let change = parts.core.idempotency.progress(claim, &parts.keys)?;
        parts.core.audit.record_intent(&parts.call.tenant, &parts.keys, vec![change], parts.urgent).await
    }

    async fn done(&self, step: &str, brought: Value, secret: bool) -> Result<()> {
        self.book()?.1.done(step, brought, secret, self.parts.core.runtime.now());
        let parts = &self.parts;
        let changes = self.row(Event::PartOutcome, step, Some(outcome_name(None)))?;
        parts.core.audit.record_outcome(&parts.call.tenant, &parts.keys, changes, parts.urgent).await
    }

    async fn failed(&self, step: &str, error: &Error, doubtful: bool) -> Result<()> {
        if !doubtful {
            self.book()?.1.forget(step);
        }
        let parts = &self.parts;
        let changes = self.row(Event::PartOutcome, step, Some(outcome_name(Some(error))))?;
        parts.core.audit.record_outcome(&parts.call.tenant, &parts.keys, changes, parts.urgent).await
    }

    async fn undo(&self, step: &str) -> Result<()> {
        let (claim, book) = self.book()?;
        book.forget(step);
        let parts = &self.parts;
        let change = parts.core.idempotency.progress(claim, &parts.keys)?;
        parts.core.audit.record_outcome(&parts.call.tenant, &parts.keys, vec![change], parts.urgent).await
    }
}

/// Asks the token service for one call.
pub(super) struct CallTokens {
    pub(super) core: Arc<Core>,
    pub(super) call: CallRow,
    pub(super) keys: Arc<TenantKeys>,
    pub(super) provider: &'static str,
    pub(super) vendor: &'static str,
    pub(super) plan: Plan,
}

#[async_trait]
impl Tokens for CallTokens {
    async fn token(&self, grant: TokenGrant, refused: Option<&AccessToken>) -> Result<Arc<AccessToken>> {
        let wish = Wish {
            tenant: self.call.tenant.clone(),
            keys: self.keys.clone(),
            provider: self.provider,
            vendor: self.vendor,
            grant,
            plan: self.plan.clone(),
            _under_way: self.core.enter().ok().map(|entered| Box::new(entered) as Box<dyn Any + Send + Sync>),
        };
        self.core.tokens.token(wish, refused).await
    }
}

/// Keeps the channels that one call makes, renews or ends.
pub(super) struct CallChannels {
    pub(super) core: Arc<Core>,
    pub(super) call: CallRow,
    pub(super) keys: Arc<TenantKeys>,
    pub(super) provider: Arc<ProviderSpec>,
}

#[async_trait]
impl Channels for CallChannels {
    fn secret(&self, id: &str) -> String {
        SubscriptionService::secret(&self.keys, self.provider.info.id, id)
    }

    fn route(&self) -> String {
        WebhookService::route(&self.call.tenant, &self.keys, &self.provider)
    }

    async fn keep(&self, channel: Channel, replaces: Option<&str>) -> Result<()> {
        let (call, provider) = (&self.call, self.provider.info.id);
        self.core.subscriptions.keep(&call.tenant, &self.keys, provider, &call.actor, channel, replaces).await
    }

    async fn find(&self, id: &str) -> Result<Option<Channel>> {
        self.core.subscriptions.find(&self.call.tenant, &self.keys, self.provider.info.id, id).await
    }

    async fn forget(&self, id: &str) -> Result<()> {
        self.core.subscriptions.forget(&self.call.tenant, self.provider.info.id, id).await
    }
}
