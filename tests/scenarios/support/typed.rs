//! The typed road: structs in, structs out.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, AuditFilter, ConfigChange, Disclosure, Error, Grant, IntegrationManager, Result, Tenant,
    manager::edge,
    providers::{
        Operation,
        twilio::{GetBalance, GetMessage, SendEmergencyAlert, SendSms, TwilioConfig},
    },
};

use super::steps::{Outcome, Runner};

pub(crate) struct Typed(pub(crate) IntegrationManager);

impl Runner for Typed {
    async fn call(&self, function: &str, request: Value) -> Outcome {
        let answer = match typed(&self.0, function, &request).await {
            Some(answer) => answer,
            // A typed call cannot be given arguments of the wrong type, nor an operation that is no struct: what a
            // compiler refuses goes the dynamic road, as do functions that have no typed form.
            None => edge::dispatch(&self.0, function, request).await,
        };
        answer.map_err(|error| error.to_json())
    }
}

/// The step's value of that name, if its type can hold it; the type's default if there is none.
fn read<T: DeserializeOwned + Default>(request: &Value, name: &str) -> Option<T> {
    request.get(name).map_or_else(|| Some(T::default()), |value| serde_json::from_value(value.clone()).ok())
}

fn written(answer: Result<impl Serialize>) -> Option<Result<Value>> {
    Some(answer.and_then(|answer| serde_json::to_value(answer).map_err(|error| Error::internal(error.to_string()))))
}

async fn typed(manager: &IntegrationManager, function: &str, request: &Value) -> Option<Result<Value>> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let school = match manager.tenant(text("tenant")?) {
        Ok(school) => school,
        Err(error) => return Some(Err(error)),
    };
    let actor: Actor = serde_json::from_value(request.get("actor")?.clone()).ok()?;
    match function {
        "execute" => match (text("provider")?, text("operation")?) {
            ("twilio", "sendSms") => call::<SendSms>(&school, &actor, request).await,
            ("twilio", "getMessage") => call::<GetMessage>(&school, &actor, request).await,
            ("twilio", "getBalance") => call::<GetBalance>(&school, &actor, request).await,
            ("twilio", "sendEmergencyAlert") => call::<SendEmergencyAlert>(&school, &actor, request).await,
            _ => None,
        },
        "configure" => {
            let enabled = request.get("enabled").and_then(Value::as_bool);
            let expected_version = request.get("expectedVersion").and_then(Value::as_u64);
            let config = request.get("config");
            if let (None, None, Some(config)) = (enabled, expected_version, config) {
                let config: TwilioConfig = serde_json::from_value(config.clone()).ok()?;
                return written(school.configure(&actor, config).await);
            }
            let change = ConfigChange { enabled, config: read(request, "config")?, expected_version };
            written(school.configure_json(&actor, text("provider")?, change).await)
        }
        "config" => written(school.config(&actor, text("provider")?).await),
        "setPermissions" => {
            let grant: Grant = read(request, "permissions")?;
            written(school.grant(&actor, text("userId")?, text("provider")?, &grant).await.map(|()| grant))
        }
        "permissions" => written(school.permissions(&actor, text("userId")?, text("provider")?).await),
        "audit" => {
            let filter: AuditFilter = read(request, "filter")?;
            written(school.audit(&actor, &filter).await)
        }
        "verifyAudit" => written(school.verify_audit(&actor).await),
        "stats" => written(school.stats(&actor, read(request, "from")?, read(request, "to")?).await),
        "health" => written(school.health(&actor, text("provider")?).await),
        _ => None,
    }
}

async fn call<O: Operation>(school: &Tenant, actor: &Actor, request: &Value) -> Option<Result<Value>> {
    let arguments = request.get("arguments").cloned().unwrap_or_else(|| json!({}));
    let arguments = arguments.pointer("/args/0").cloned().unwrap_or(arguments);
    let operation: O = serde_json::from_value(arguments).ok()?;
    let about: Disclosure = read(request, "disclosure")?;
    let mut call = school.request(actor).about(about);
    if let Some(key) = request.get("idempotencyKey").and_then(Value::as_str) {
        call = call.idempotency_key(key);
    }
    written(
        call.call(operation)
            .await
            .map(|reply| json!({ "requestId": reply.request_id, "output": reply.output, "replayed": reply.replayed })),
    )
}
