use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

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
}

#[async_trait]
impl Parts for PartRecorder {
    async fn intend(&self, part: &str) -> Result<()> {
        let row = self.call.row(self.core.runtime.now(), Event::PartIntent, Some(part), None, None);
        self.core.audit.record_intent(&self.call.tenant, &self.keys, vec![Change::Insert(row)], self.urgent).await
    }

    async fn settle(&self, part: &str, outcome: Option<&Error>, detail: Value) -> Result<()> {
        let detail = (!detail.is_null()).then_some(detail);
        let outcome = Some(outcome_name(outcome));
        let row = self.call.row(self.core.runtime.now(), Event::PartOutcome, Some(part), outcome, detail);
        self.core.audit.record_outcome(&self.call.tenant, &self.keys, vec![Change::Insert(row)]).await
    }
}
