use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;

use super::Core;
use crate::{
    error::{Error, Result},
    providers::Parts,
    security::TenantKeys,
    services::{CallRow, Event, outcome_name},
    storage::Change,
};

/// Records the sends of a call that makes many, each with an intent and an outcome of its own.
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
        self.core.audit.record_outcome(&self.call.tenant, &self.keys, vec![Change::Insert(row)]).await?;
        self.tell(|progress| progress.settled += 1);
        Ok(())
    }
}
