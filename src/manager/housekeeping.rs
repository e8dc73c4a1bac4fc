//! What nobody needs any more: names of calls that are remembered no longer, tokens that have ended, and consents that nobody
//! came back from.

use std::sync::Arc;

use super::{Core, IntegrationManager};
use crate::{
    error::Result,
    storage::{Change, Query, Storage, Test, tables},
};

/// How often it is looked for. The first time is not at the start, which a host waits for.
const SWEEP: std::time::Duration = std::time::Duration::from_secs(3600);
/// How many rows go in one commit: others wait for it.
const AT_ONCE: u32 = 500;
/// How many commits one sweep makes.
const MOST: usize = 1000;

/// How often the second journal is asked whether it holds anything: a look at a flag.
const MERGE: std::time::Duration = std::time::Duration::from_secs(5);

impl Core {
    /// Brings back what emergencies left in the second journal, once the storage works again.
    pub(super) fn sweep_journal(self: &Arc<Self>) {
        let what = "merging the second journal";
        self.sweep(MERGE, false, what, async |core: Arc<Self>| core.audit.merge_if_waiting().await);
    }

    /// Deletes what has ended, from time to time.
    pub(super) fn sweep_expired(self: &Arc<Self>) {
        self.sweep(SWEEP, false, "what has expired", async |core: Arc<Self>| core.delete_expired().await);
    }

    async fn delete_expired(&self) -> Result<()> {
        if !self.writer.capabilities().delete_where {
            return Ok(());
        }
        // Rows that must outlive their answer, such as those of rotated refresh tokens, have no end.
        let now = self.runtime.now();
        let ended = |table| Query::across_tenants(table).filter("expires_at", Test::Le, now);
        for query in [
            ended(&tables::IDEMPOTENCY_KEYS),
            ended(&tables::OAUTH_TOKENS),
            ended(&tables::SUBSCRIPTIONS).filter("state", Test::Eq, "replaced"),
            ended(&tables::SUBSCRIPTIONS).filter("state", Test::Eq, "opening"),
        ] {
            for _ in 0..MOST {
                if self.writer.query(&query.clone().limit(1)).await?.records.is_empty() {
                    break;
                }
                self.writer.commit(&[Change::DeleteWhere { query: query.clone(), limit: AT_ONCE }]).await?;
            }
        }
        Ok(())
    }
}

impl IntegrationManager {
    /// Deletes what nobody needs any more: the kept answers of named calls after a day, what is kept of calls of unknown outcome
    /// after thirty days, ended tokens, abandoned consents. Runs
    /// by itself every hour, where the storage can delete by a query; a host that lives for one call at a time calls it from its own timer.
    pub async fn delete_expired(&self) -> Result<()> {
        let _entered = self.0.enter()?;
        self.0.delete_expired().await
    }
}
