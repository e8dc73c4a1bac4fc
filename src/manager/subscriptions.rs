//! Channels at vendors: listed, and renewed ahead of their end.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::{StreamExt, stream};
use serde_json::json;

use super::{
    Core, Tenant,
    road::{Arguments, Options, travel},
};
use crate::{
    error::{Error, Result},
    model::{Actor, TenantId},
    services::{AT_ONCE, Event, Subscription},
    storage::{Record, Storage},
};

/// How often channels are looked for that are to be renewed.
const SWEEP: std::time::Duration = std::time::Duration::from_secs(60);
/// How many are renewed side by side.
const SIDE_BY_SIDE: usize = 8;
/// How many pages of them one sweep takes.
const MOST_PAGES: usize = 100;

impl Core {
    /// Renews what is due, now and from time to time.
    pub(super) fn sweep_subscriptions(self: &Arc<Self>) {
        self.sweep(SWEEP, true, "subscriptions", async |core: Arc<Self>| core.renew_due().await.map(drop));
    }

    /// Renews every channel whose time has come, each by a call for whoever made it. Answers how many were renewed.
    pub(super) async fn renew_due(self: &Arc<Self>) -> Result<usize> {
        let renewed = AtomicUsize::new(0);
        for _ in 0..MOST_PAGES {
            let due = self.subscriptions.due().await?;
            let more = due.len() >= AT_ONCE as usize;
            // Side by side, so that a vendor that hangs does not hold up those of others.
            let renewals = stream::iter(due).for_each_concurrent(SIDE_BY_SIDE, async |(tenant, row)| {
                match self.renew(&tenant, row.clone()).await {
                    Ok(true) => _ = renewed.fetch_add(1, Ordering::Relaxed),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::error!(%error, %tenant, "a subscription could not be renewed");
                        if let Err(error) = self.subscriptions.put_off(row, &error).await {
                            tracing::error!(%error, %tenant, "a subscription that cannot be renewed could not be put off");
                        }
                    }
                }
            });
            renewals.await;
            if !more {
                break;
            }
        }
        Ok(renewed.into_inner())
    }

    async fn renew(self: &Arc<Self>, tenant: &TenantId, row: Record) -> Result<bool> {
        let keys =
            self.security.known_keys(tenant).await?.ok_or_else(|| Error::internal("the school's key is gone"))?;
        let Some(due) = self.subscriptions.take(&keys, row).await? else { return Ok(false) };
        let arguments = Arguments::Json(due.renewal.arguments.clone());
        let (provider, operation) = (due.provider.clone(), due.renewal.operation.clone());
        let call = travel(
            self,
            tenant,
            &due.actor,
            &provider,
            &operation,
            arguments,
            Options { wait: true, ..Options::default() },
        );
        let Err(error) = call.await else { return Ok(true) };
        tracing::warn!(%error, %tenant, %provider, "a subscription could not be renewed; it is tried again until it lapses");
        if self.subscriptions.failed(due, &error).await? {
            let detail = json!({ "operation": operation, "code": error.code() });
            let known = self.providers.get(&*provider).map(|provider| provider.info.id);
            let event = self.audit.event(tenant, "subscription_lapsed", "medium", None, known, detail);
            self.writer.commit(&[event]).await?;
        }
        Ok(false)
    }
}

impl Tenant {
    /// The school's subscriptions at vendors, of every provider. Only for an administrator.
    pub async fn subscriptions(&self, actor: &Actor) -> Result<Vec<Subscription>> {
        let _record = self.administer(actor, None, Event::CallRefused).await?;
        self.core.subscriptions.list(&self.id).await
    }
}

impl super::IntegrationManager {
    /// Renews the subscriptions at vendors whose time has come; answers how many. Runs by itself every minute; a host
    /// that lives for one call at a time calls it from its own timer.
    pub async fn renew_subscriptions(&self) -> Result<usize> {
        let _entered = self.0.enter()?;
        self.0.renew_due().await
    }
}
