//! What is kept of a refusal.

use serde_json::json;

use super::Core;
use crate::{
    error::ErrorCode,
    model::Disclosure,
    providers::{OperationSpec, ProviderSpec},
    security::TenantKeys,
    services::{CallRow, Event, refusal_detail},
    storage::Change,
};

/// Records a refusal, and raises an alarm when they repeat.
pub(super) async fn refuse(
    core: &Core,
    call: &CallRow,
    keys: &TenantKeys,
    provider: &ProviderSpec,
    operation: &OperationSpec,
    about: &Disclosure,
) {
    let denied = Some(ErrorCode::PermissionDenied.name());
    let now = core.runtime.now();
    let detail = refusal_detail(&call.tenant, &call.actor, Event::CallRefused);
    let mut changes = vec![Change::Insert(call.row(now, Event::CallRefused, None, denied, detail))];
    // 34 CFR 99.32(a)(1): requests are recorded too, not only what was disclosed. Of another school's users only that they
    // asked: whom they name is nobody's word here.
    let (outsider, nobody) = (call.actor.outsider(&call.tenant), Disclosure::default());
    let about = if outsider.is_some() { &nobody } else { about };
    match core.audit.disclosures(call, keys, &provider.info, operation, about, "refused") {
        Ok(disclosures) => changes.extend(disclosures),
        Err(error) => tracing::error!(%error, "a refused request could not be recorded as a disclosure"),
    }
    let asking = match outsider {
        Some(own) => format!("{own}\0{}", call.actor.id()),
        None => call.actor.id().to_owned(),
    };
    let (of, at) = ((call.tenant.clone(), asking), core.runtime.monotonic());
    // Five in ten minutes; then one alarm in ten minutes.
    if core.refusals.admit(of.clone(), 5.0 / 600.0, 5, at).is_err() && core.alarms.admit(of, 1.0 / 600.0, 1, at).is_ok()
    {
        let mut detail = json!({ "operation": operation.name, "requestId": call.request_id });
        if let Some(own) = outsider {
            detail["actorTenant"] = own.as_str().into();
        }
        let who = Some(&call.actor);
        changes.push(core.audit.event(&call.tenant, "repeated_refusals", "medium", who, call.provider, detail));
    }
    // The refusal stands, whether or not it can be written down.
    if let Err(error) = core.audit.record_outcome(&call.tenant, keys, changes, false).await {
        tracing::error!(%error, request_id = %call.request_id, "a refusal could not be recorded");
    }
}
