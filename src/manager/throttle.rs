//! The limits of an actor and of a school.

use std::hash::Hash;

use super::Core;
use crate::{
    error::{Error, ErrorCode, Result, Retry},
    model::Timestamp,
    providers::{OperationSpec, ProviderSpec, Quota},
    security::Limiter,
    services::CallRow,
};

/// One actor first: what they are refused is not taken from the school.
pub(super) async fn throttle(
    core: &Core,
    call: &CallRow,
    provider: &ProviderSpec,
    operation: &OperationSpec,
    deadline: Timestamp,
    wait: bool,
) -> Result<()> {
    // An emergency does not wait for what its caller did before; it waits where the vendor would refuse it.
    if !operation.urgent {
        let key = (call.tenant.clone(), call.actor.id().to_owned());
        let whose = || format!("this actor's limit of {} calls a second", core.actor_quota.per_second);
        admitted(core, &core.actor_limiter, key, core.actor_quota, deadline, wait, whose).await?;
    }
    let Some(&quota) = core.quotas.get(provider.info.id) else { return Ok(()) };
    let key = (call.tenant.clone(), provider.info.id);
    let whose = || format!("this school's limit of {} calls a second to {}", quota.per_second, provider.info.name);
    admitted(core, &core.limiter, key, quota, deadline, wait || operation.urgent, whose).await
}

/// Passes once the limit lets one more through; does not wait unless told to, and not beyond the deadline.
async fn admitted<K: Clone + Eq + Hash>(
    core: &Core,
    limiter: &Limiter<K>,
    key: K,
    quota: Quota,
    deadline: Timestamp,
    wait: bool,
    whose: impl Fn() -> String,
) -> Result<()> {
    loop {
        let now = core.runtime.monotonic();
        let Err(throttled) = limiter.admit(key.clone(), quota.per_second, quota.burst, now) else { return Ok(()) };
        if !wait || core.runtime.now().after(throttled.0) >= deadline {
            return Err(Error::new(ErrorCode::RateLimited, format!("{} is reached", whose()))
                .with_retry(Retry::After(throttled.0)));
        }
        core.runtime.sleep(throttled.0).await;
    }
}
