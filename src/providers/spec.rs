use std::{any::Any, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::{
    Access, Call, CallContext, Capability, ConfigField, Displaces, FollowUp, Incoming, Operation, Provider,
    ProviderConfig, ProviderInfo, Webhook, arguments,
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Basis, Manifest, Timestamp, exposing},
    transport::{
        Decision, Headers, Repeat, Request, Seen,
        oauth::{ConsentPage, Rights, Scopes, Wanted},
    },
};

/// What an operation answered, before it is known whether the caller wants the type or JSON.
pub trait Answer: Send {
    /// As JSON.
    fn to_json(&self) -> Result<Value>;
    /// As what it is.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
    /// Calls of other providers that it asks for.
    fn follow_ups(&self) -> Vec<FollowUp>;
    /// Takes what became of them.
    fn followed(&mut self, results: Vec<Result<Value>>);
}

struct Typed<O: Operation>(O::Output);

impl<O: Operation> Answer for Typed<O> {
    fn follow_ups(&self) -> Vec<FollowUp> {
        O::follow_ups(&self.0)
    }

    fn followed(&mut self, results: Vec<Result<Value>>) {
        O::followed(&mut self.0, results);
    }

    fn to_json(&self) -> Result<Value> {
        serde_json::to_value(&self.0).map_err(|_| Error::internal("the answer cannot be written as JSON"))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        Box::new(self.0)
    }
}

/// An operation with its arguments, ready to travel the road: typed and dynamic calls are the same from here on.
pub trait Prepared: Send {
    /// What it is.
    fn spec(&self) -> OperationSpec;
    /// Refuses arguments that cannot work.
    fn validate(&self) -> Result<()>;
    /// The arguments as bytes, secrets among them: the same for a typed and a dynamic call. To be digested.
    fn canonical(&self) -> Result<Zeroizing<Vec<u8>>>;
    /// On whose behalf it acts, where the call says so.
    fn subject(&self) -> Option<&str>;
    /// Whether it can be used with the call's config.
    fn capability(&self, config: &(dyn Any + Send + Sync)) -> Capability;
    /// Does it.
    fn run<'a>(self: Box<Self>, context: &'a CallContext) -> BoxFuture<'a, Result<Box<dyn Answer>>>;
}

struct Ready<O>(O);

fn config_of<P: Provider>(config: &(dyn Any + Send + Sync)) -> Result<&P::Config> {
    config.downcast_ref().ok_or_else(|| Error::internal("the config is another provider's"))
}

impl<O: Operation> Prepared for Ready<O> {
    fn spec(&self) -> OperationSpec {
        OperationSpec::of::<O>()
    }

    fn validate(&self) -> Result<()> {
        self.0.validate()
    }

    fn canonical(&self) -> Result<Zeroizing<Vec<u8>>> {
        // With its secrets: another password is another call.
        exposing(|| serde_json::to_vec(&self.0))
            .map(Zeroizing::new)
            .map_err(|_| Error::internal("the arguments cannot be written as JSON"))
    }

    fn subject(&self) -> Option<&str> {
        self.0.subject()
    }

    fn capability(&self, config: &(dyn Any + Send + Sync)) -> Capability {
        config_of::<O::Provider>(config).map_or(Capability::Supported, O::capability)
    }

    fn run<'a>(self: Box<Self>, context: &'a CallContext) -> BoxFuture<'a, Result<Box<dyn Answer>>> {
        Box::pin(async move {
            let config = config_of::<O::Provider>(&*context.config)?;
            let subject = self.0.subject().map(str::to_owned);
            let wanted = Wanted { scopes: O::SCOPES, rights: O::RIGHTS, subject };
            let output = self.0.run(&Call::new(context, config, wanted)).await?;
            Ok(Box::new(Typed::<O>(output)) as Box<dyn Answer>)
        })
    }
}

/// One operation, as data and functions.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct OperationSpec {
    /// Its name.
    pub name: &'static str,
    /// What a role needs.
    pub access: Access,
    /// Whose data its arguments carry.
    pub discloses: Manifest,
    /// Whether its requests may be sent again.
    pub repeat: Repeat,
    /// How long a call may take.
    pub deadline: Duration,
    /// Whether it is an emergency.
    pub urgent: bool,
    /// On what ground data leaves.
    pub basis: Basis,
    /// Whether it reaches into what is a person's own.
    pub personal: bool,
    /// The scopes it needs: one of each group.
    pub scopes: Scopes,
    /// Whose rights it needs.
    pub rights: Rights,
    /// The names of its steps.
    pub steps: &'static [&'static str],
    /// The JSON schema of its arguments. Without the feature `schemas` it is `true`, which takes everything.
    pub input_schema: fn() -> Value,
    /// The JSON schema of its answer. Without the feature `schemas` it is `true`.
    pub output_schema: fn() -> Value,
    prepare: fn(Value) -> Result<Box<dyn Prepared>>,
}

/// They weigh on a small build, and nothing on the road reads them.
fn schema_of<T: schemars::JsonSchema>() -> Value {
    if cfg!(feature = "schemas") { schemars::schema_for!(T).to_value() } else { Value::Bool(true) }
}

impl OperationSpec {
    /// The operation's.
    pub fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            access: O::ACCESS,
            discloses: O::DISCLOSES,
            repeat: O::REPEAT,
            deadline: O::DEADLINE,
            urgent: O::URGENT,
            basis: O::BASIS,
            personal: O::PERSONAL,
            scopes: O::SCOPES,
            rights: O::RIGHTS,
            steps: O::STEPS,
            input_schema: schema_of::<O>,
            output_schema: schema_of::<O::Output>,
            prepare: |value| {
                let operation: O = arguments::read_object(arguments::unwrap_args(value)?)
                    .map_err(|error| if error.field() == Some("") { error.with_field("arguments") } else { error })?;
                Ok(Box::new(Ready(operation)))
            },
        }
    }

    /// Reads arguments: station 3, first half.
    pub fn prepare(&self, arguments: Value) -> Result<Box<dyn Prepared>> {
        (self.prepare)(arguments)
    }

    /// The same for a typed call.
    pub fn ready<O: Operation>(operation: O) -> Box<dyn Prepared> {
        Box::new(Ready(operation))
    }

    /// The operation's documentation: the doc comment of its struct.
    pub fn about(&self) -> String {
        let schema = (self.input_schema)();
        schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

impl std::fmt::Debug for OperationSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OperationSpec({})", self.name)
    }
}

/// A tenant's config of some provider, in clear: for the road alone.
pub(crate) type AnyConfig = Arc<dyn Any + Send + Sync>;

/// One provider, as data and functions.
#[derive(Clone)]
#[non_exhaustive]
pub struct ProviderSpec {
    /// What is known of it.
    pub info: ProviderInfo,
    /// What a school without settings is told to do.
    pub no_settings: &'static str,
    /// The fields of its config.
    pub fields: &'static [ConfigField],
    pub(crate) displaces: Displaces,
    /// What it can do.
    pub operations: Vec<OperationSpec>,
    /// The JSON schema of its config; secret fields are `writeOnly`.
    pub config_schema: fn() -> Value,
    pub(crate) read_config: fn(Value) -> Result<AnyConfig>,
    pub(crate) base_url: fn(&(dyn Any + Send + Sync)) -> Option<Url>,
    pub(crate) authenticate: fn(&(dyn Any + Send + Sync), &mut Request, Timestamp) -> Result<()>,
    pub(crate) parse_error: fn(u16, &Headers, &[u8]) -> Error,
    pub(crate) decide: fn(Seen<'_>, Repeat, Timestamp) -> Decision,
    pub(crate) account: fn(&(dyn Any + Send + Sync)) -> Option<String>,
    pub(crate) claimed_account: fn(&Incoming<'_>) -> Option<String>,
    pub(crate) consent_page: fn(&(dyn Any + Send + Sync)) -> Result<Option<ConsentPage>>,
    pub(crate) key_set: fn(&(dyn Any + Send + Sync), &Incoming<'_>) -> Option<Url>,
    pub(crate) key_set_token: for<'a> fn(&Incoming<'a>) -> Option<std::borrow::Cow<'a, str>>,
    pub(crate) webhook: fn(&(dyn Any + Send + Sync), &Incoming<'_>) -> Result<Webhook>,
}

impl ProviderSpec {
    /// The provider's.
    pub fn of<P: Provider>() -> Self {
        Self {
            info: P::INFO,
            no_settings: P::NO_SETTINGS,
            fields: P::Config::FIELDS,
            displaces: P::Config::DISPLACES,
            operations: P::operations(),
            config_schema: || schemars::schema_for!(P::Config).to_value(),
            read_config: |value| {
                let config: P::Config = arguments::read_arguments(value)?;
                config.validate()?;
                Ok(Arc::new(config))
            },
            base_url: |config| config_of::<P>(config).ok()?.base_url().cloned(),
            authenticate: |config, request, now| P::authenticate(config_of::<P>(config)?, request, now),
            parse_error: P::parse_error,
            decide: P::decide,
            account: |config| config_of::<P>(config).ok().and_then(P::account),
            claimed_account: P::claimed_account,
            consent_page: |config| P::consent_page(config_of::<P>(config)?),
            key_set: |config, incoming| P::key_set(config_of::<P>(config).ok()?, incoming),
            key_set_token: P::key_set_token,
            webhook: |config, incoming| P::webhook(config_of::<P>(config)?, incoming),
        }
    }

    /// The operation of that name.
    pub fn operation(&self, name: &str) -> Result<&OperationSpec> {
        self.operations.iter().find(|operation| operation.name == name).ok_or_else(|| {
            let known: Vec<_> = self.operations.iter().map(|operation| operation.name).collect();
            Error::new(
                ErrorCode::UnknownOperation,
                format!("{} has no such operation; it has {}", self.info.id, known.join(", ")),
            )
        })
    }

    /// The names of the secret fields, as the config's schema says.
    pub fn secret_fields(&self) -> Vec<String> {
        let schema = (self.config_schema)();
        let Some(Value::Object(properties)) = schema.get("properties") else {
            return Vec::new();
        };
        properties.iter().filter(|(_, field)| is_secret(field)).map(|(name, _)| name.clone()).collect()
    }
}

/// `Option<Secret<…>>` puts the mark one level down.
fn is_secret(schema: &Value) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
        || schema.get("anyOf").and_then(Value::as_array).is_some_and(|any| any.iter().any(is_secret))
}

impl std::fmt::Debug for ProviderSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderSpec").field("id", &self.info.id).field("operations", &self.operations).finish()
    }
}
