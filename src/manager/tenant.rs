use std::{collections::HashSet, ops::Deref, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::watch;

use super::{
    Core,
    parts::Progress,
    road::{self, Arguments, Brought, Options},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Disclosure, RequestId, TenantId, Timestamp, exposing},
    providers::{HealthProbe, Operation, OperationSpec, Paged, Provider, ProviderConfig, ProviderSpec},
    services::{
        ApiKey, ApiKeyRequest, AuditFilter, AuditPage, CallRow, ConfigChange, ConfigView, Event, Grant, HealthReport,
        HealthStatus, NewApiKey, Stats, Verification, config_view, no_settings, refusal_detail,
    },
    storage::Change,
};

/// An answer, and the call's id: the key to its audit rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply<T> {
    /// The call's id. For a repeated idempotency key, the first call's.
    pub request_id: RequestId,
    /// The answer.
    pub output: T,
    /// Whether this is the first answer to the same idempotency key, and nothing was sent now.
    pub replayed: bool,
}

impl<T> Deref for Reply<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.output
    }
}

/// One school: everything behind its fence.
///
/// ```no_run
/// # async fn example(manager: sis_integrations::IntegrationManager) -> sis_integrations::Result<()> {
/// use serde_json::json;
/// use sis_integrations::{Actor, Role, providers::twilio::{SendSms, TwilioConfig}};
///
/// let admin = Actor::new("u-1", Role::Admin);
/// let school = manager.tenant("tenant-123")?;
/// let config = TwilioConfig::new("AC00000000000000000000000000000000", "auth-token").from("+15005550006".parse()?);
/// school.configure(&admin, config).await?;
///
/// let message = school.call(&admin, SendSms::new("+15551234567".parse()?, "School is closed today.")).await?;
/// let same = school.execute(&admin, "twilio", "getMessage", json!({ "sid": message.sid })).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tenant {
    pub(super) core: Arc<Core>,
    pub(super) id: TenantId,
}

/// A call with more said about it than what it is.
pub struct CallBuilder<'a> {
    tenant: &'a Tenant,
    actor: &'a Actor,
    options: Options,
}

impl CallBuilder<'_> {
    /// Names the call: it happens once, and repeated within 24 hours it gets the first answer again.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.options.idempotency_key = Some(key.into());
        self
    }

    /// About whom the call is, and what for.
    pub fn about(mut self, about: Disclosure) -> Self {
        self.options.about = about;
        self
    }

    /// How long the call may take, at most an hour. Default: the operation's own.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.options.deadline = Some(deadline);
        self
    }

    /// Waits for our own limit, within the deadline, instead of answering `rate_limited`.
    pub fn wait(mut self) -> Self {
        self.options.wait = true;
        self
    }

    /// Tells `progress` of each send of a call that makes many, such as an alert.
    pub fn progress(mut self, progress: watch::Sender<Progress>) -> Self {
        self.options.progress = Some(progress);
        self
    }

    /// Makes a typed call.
    pub async fn call<O: Operation>(self, operation: O) -> Result<Reply<O::Output>> {
        let provider = <O::Provider as Provider>::INFO.id;
        let arguments = Arguments::Ready(OperationSpec::ready(operation));
        let (request_id, brought) = self.travel(provider, O::NAME, arguments).await?;
        let wrong = |_| Error::internal("the answer is of another type than the operation's");
        let (output, replayed) = match brought {
            Brought::Fresh(answer) => (*answer.into_any().downcast::<O::Output>().map_err(wrong)?, false),
            Brought::Replayed(answer) => {
                let output = serde_json::from_value(answer)
                    .map_err(|_| Error::internal("the kept answer is of another version of this operation"))?;
                (output, true)
            }
        };
        Ok(Reply { request_id, output, replayed })
    }

    /// Makes a call by name, with its arguments as JSON: a bare object, or the seed's `{"args":[{…}]}`.
    pub async fn execute(self, provider: &str, operation: &str, arguments: Value) -> Result<Reply<Value>> {
        let (request_id, brought) = self.travel(provider, operation, Arguments::Json(arguments)).await?;
        let (output, replayed) = match brought {
            Brought::Fresh(answer) => (answer.to_json()?, false),
            Brought::Replayed(answer) => (answer, true),
        };
        Ok(Reply { request_id, output, replayed })
    }

    async fn travel(self, provider: &str, operation: &str, arguments: Arguments) -> Result<(RequestId, Brought)> {
        let Self { tenant, actor, options } = self;
        road::travel(&tenant.core, &tenant.id, actor, provider, operation, arguments, options).await
    }
}

impl Tenant {
    pub(super) fn new(core: Arc<Core>, id: TenantId) -> Self {
        Self { core, id }
    }

    /// The school's id.
    pub fn id(&self) -> &TenantId {
        &self.id
    }

    /// Begins a call that has more said about it: an idempotency key, subjects, a deadline.
    pub fn request<'a>(&'a self, actor: &'a Actor) -> CallBuilder<'a> {
        CallBuilder { tenant: self, actor, options: Options::default() }
    }

    /// Makes a typed call.
    pub async fn call<O: Operation>(&self, actor: &Actor, operation: O) -> Result<Reply<O::Output>> {
        self.request(actor).call(operation).await
    }

    /// The items of a whole list, a page read when the one before has been taken. Each page is a call of its own, with its
    /// own record; the stream ends after an error.
    ///
    /// ```
    /// use futures::TryStreamExt;
    /// use sis_integrations::{Actor, Result, Tenant, providers::Paged};
    ///
    /// async fn all<O: Paged>(school: &Tenant, actor: &Actor, list: O) -> Result<Vec<O::Item>> {
    ///     school.stream(actor, list).try_collect().await
    /// }
    /// ```
    pub fn stream<'a, O: Paged>(
        &'a self,
        actor: &'a Actor,
        list: O,
    ) -> impl futures::Stream<Item = Result<O::Item>> + Send + 'a {
        let begun = (Some(list), HashSet::new());
        let pages = futures::stream::try_unfold(begun, move |(list, mut asked)| async move {
            let Some(list) = list else { return Ok(None) };
            // A vendor that gives the same page again and again would be asked for ever.
            let question =
                serde_json::to_vec(&list).map_err(|_| Error::internal("the arguments cannot be written as JSON"))?;
            if !asked.insert(question) {
                return Err(Error::new(ErrorCode::InvalidResponse, "the vendor gives the same page of the list again"));
            }
            let page = self.request(actor).wait().call(list.clone()).await?.output;
            let next = list.next(&page);
            Ok::<_, Error>(Some((futures::stream::iter(O::items(page).into_iter().map(Ok)), (next, asked))))
        });
        futures::TryStreamExt::try_flatten(pages)
    }

    /// Makes a call by name, with its arguments as JSON. The same road.
    pub async fn execute(
        &self,
        actor: &Actor,
        provider: &str,
        operation: &str,
        arguments: Value,
    ) -> Result<Reply<Value>> {
        self.request(actor).execute(provider, operation, arguments).await
    }

    /// Sets a provider's settings and switches it on. Only for an administrator.
    pub async fn configure<C: ProviderConfig>(&self, actor: &Actor, config: C) -> Result<ConfigView> {
        let settings = exposing(|| serde_json::to_value(&config));
        let Ok(Value::Object(settings)) = settings else {
            return Err(Error::internal("a config is not an object"));
        };
        let change = ConfigChange { enabled: Some(true), config: Some(settings), expected_version: None };
        self.configure_json(actor, C::PROVIDER, change).await
    }

    /// Changes a provider's settings. Only for an administrator.
    ///
    /// Errors: `permission_denied`, `unknown_provider`, `invalid_argument` with the path, `conflict` when somebody else
    /// was faster, `outbound_forbidden` for a `base_url` that is not allowed.
    pub async fn configure_json(&self, actor: &Actor, provider: &str, change: ConfigChange) -> Result<ConfigView> {
        let spec = self.core.provider(provider)?;
        let record = self.administer(actor, Some(spec.info.id), Event::ConfigChanged).await?;
        let changed = self.change_config(&record, spec, change).await;
        changed.map_err(|error: Error| error.at(spec.info.id, "", record.call.request_id))
    }

    pub(super) async fn change_config(
        &self,
        record: &Administration,
        spec: &ProviderSpec,
        change: ConfigChange,
    ) -> Result<ConfigView> {
        let (actor, request_id) = (&record.call.actor, record.call.request_id);
        let (mut changes, view) =
            self.core.configs.prepare(&self.id, &record.keys, spec, actor, request_id, change).await?;
        let fields: Vec<_> = view.config.keys().cloned().collect();
        let detail = serde_json::json!({ "version": view.version, "enabled": view.enabled, "fields": fields });
        changes.push(record.row(&self.core, Event::ConfigChanged, detail));
        self.keep(record, changes).await?;
        self.core.configs.forget(&self.id, spec);
        self.core.webhooks.forget();
        Ok(view)
    }

    /// A provider's settings, secrets masked. Only for an administrator.
    pub async fn config(&self, actor: &Actor, provider: &str) -> Result<ConfigView> {
        let spec = self.core.provider(provider)?;
        let _record = self.administer(actor, Some(spec.info.id), Event::CallRefused).await?;
        self.core.configs.view(&self.id, spec).await?.ok_or_else(|| no_settings(spec))
    }

    /// The settings of every provider this school has any for. Only for an administrator.
    pub async fn configs(&self, actor: &Actor) -> Result<Vec<ConfigView>> {
        let _record = self.administer(actor, None, Event::CallRefused).await?;
        let rows = self.core.configs.rows(&self.id).await?;
        rows.iter().filter_map(|row| Some(config_view(row, self.core.providers.get(row.key.id.as_str())?))).collect()
    }

    /// Says what a user may do with a provider, beside their role's default. Only for an administrator.
    pub async fn grant(&self, actor: &Actor, user_id: &str, provider: &str, grant: &Grant) -> Result<()> {
        let spec = self.core.provider(provider)?;
        let record = self.administer(actor, Some(spec.info.id), Event::PermissionChanged).await?;
        let change = self.core.access.prepare(&self.id, actor, user_id, spec, grant)?;
        let detail = serde_json::json!({
            "userId": user_id, "role": grant.role, "allow": grant.allow, "deny": grant.deny, "expiresAt": grant.expires_at,
        });
        let changes = vec![change, record.row(&self.core, Event::PermissionChanged, detail)];
        self.keep(&record, changes).await?;
        self.core.access.forget(&self.id, user_id, spec.info.id);
        Ok(())
    }

    /// A user's grant for a provider; an empty one where there is none. Only for an administrator.
    pub async fn permissions(&self, actor: &Actor, user_id: &str, provider: &str) -> Result<Grant> {
        let spec = self.core.provider(provider)?;
        let _record = self.administer(actor, Some(spec.info.id), Event::CallRefused).await?;
        Ok(self.core.access.read(&self.id, user_id, spec.info.id).await?.unwrap_or_default())
    }

    /// Makes an API key for the REST API. The key is shown this once. Only for an administrator.
    pub async fn create_api_key(&self, actor: &Actor, request: ApiKeyRequest) -> Result<NewApiKey> {
        let record = self.administer(actor, None, Event::ApiKeyChanged).await?;
        let (change, made) = self.core.access.make_key(&self.id, &record.keys, actor, request)?;
        let detail = serde_json::json!({ "id": made.record.id, "prefix": made.record.prefix, "made": true });
        self.keep(&record, vec![change, record.row(&self.core, Event::ApiKeyChanged, detail)]).await?;
        Ok(made)
    }

    /// The school's API keys, newest first, those that are over too. Only for an administrator.
    pub async fn api_keys(&self, actor: &Actor) -> Result<Vec<ApiKey>> {
        let _record = self.administer(actor, None, Event::CallRefused).await?;
        self.core.access.keys(&self.id).await
    }

    /// Revokes an API key, from now on. Only for an administrator.
    pub async fn revoke_api_key(&self, actor: &Actor, id: &str) -> Result<()> {
        let record = self.administer(actor, None, Event::ApiKeyChanged).await?;
        let change = self.core.access.revoke(&self.id, id).await?;
        let detail = serde_json::json!({ "id": id, "revoked": true });
        self.keep(&record, vec![change, record.row(&self.core, Event::ApiKeyChanged, detail)]).await?;
        self.core.access.forget_keys();
        Ok(())
    }

    /// A page of the audit trail, newest first. Only for an administrator.
    pub async fn audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage> {
        let _record = self.administer(actor, None, Event::CallRefused).await?;
        self.core.audit.entries(&self.id, filter).await
    }

    /// Checks every link of the audit chain. Only for an administrator.
    pub async fn verify_audit(&self, actor: &Actor) -> Result<Verification> {
        let record = self.administer(actor, None, Event::CallRefused).await?;
        self.core.audit.verify(&self.id, &record.keys).await
    }

    /// Sums up usage, `from` on and before `to`. Only for an administrator.
    pub async fn stats(&self, actor: &Actor, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Stats> {
        let _record = self.administer(actor, None, Event::CallRefused).await?;
        self.core.usage.stats(&self.id, from, to).await
    }

    /// Asks the vendor whether the integration works. The probe takes the road like any call.
    pub async fn health(&self, actor: &Actor, provider: &str) -> Result<HealthReport> {
        let spec = self.core.provider(provider)?;
        self.probe(actor, spec).await
    }

    /// The same for every provider, at once. One that the actor may not ask is `denied`, which is no attempt at it: nothing
    /// is recorded.
    ///
    /// Error: `permission_denied` for who may ask none; that is on record.
    pub async fn health_all(&self, actor: &Actor) -> Result<Vec<HealthReport>> {
        let providers = || self.core.providers.values();
        let barred = futures::future::try_join_all(providers().map(|spec| self.barred(actor, spec))).await?;
        let askable = |spec: &ProviderSpec| matches!(spec.info.health, HealthProbe::Operation(_));
        let may = providers().zip(&barred).any(|(spec, barred)| askable(spec) && barred.is_none());
        if let (false, Some(first)) = (may, providers().find(|spec| askable(spec))) {
            // The road refuses, and records it.
            self.probe(actor, first).await?;
        }
        let probes = providers().zip(&barred).map(|(spec, barred)| async move {
            match barred {
                Some(error) => {
                    let (now, why) = (self.core.runtime.now(), error.message());
                    let mut report = HealthReport::unasked(spec.info.id, HealthStatus::Denied, now, why);
                    report.code = Some(error.code().name().to_owned());
                    Ok(report)
                }
                None => self.probe(actor, spec).await,
            }
        });
        futures::future::try_join_all(probes).await
    }

    /// Why the actor may not ask how a provider is, if so.
    async fn barred(&self, actor: &Actor, spec: &ProviderSpec) -> Result<Option<Error>> {
        let HealthProbe::Operation(operation) = spec.info.health else { return Ok(None) };
        match self.core.access.check(&self.id, actor, spec, spec.operation(operation)?).await {
            Err(error) if error.code() == ErrorCode::PermissionDenied => Ok(Some(error)),
            other => other.map(|_| None),
        }
    }

    async fn probe(&self, actor: &Actor, spec: &ProviderSpec) -> Result<HealthReport> {
        let id = spec.info.id;
        let (now, started) = (self.core.runtime.now(), self.core.runtime.monotonic());
        let operation = match spec.info.health {
            HealthProbe::Operation(operation) => operation,
            HealthProbe::NotApplicable(why) => {
                return Ok(HealthReport::unasked(id, HealthStatus::NotApplicable, now, why));
            }
        };
        let deadline = Duration::from_secs(10);
        let result = self.request(actor).deadline(deadline).wait().execute(id, operation, Value::Null).await;
        // Who may not ask, and whoever is held back by something of ours, learns nothing of the vendor.
        let ours = |error: &Error| match error.code() {
            ErrorCode::PermissionDenied | ErrorCode::Unauthenticated | ErrorCode::Closed => true,
            ErrorCode::InvalidArgument => error.field().is_some_and(|field| field.starts_with("actor.")),
            ErrorCode::RateLimited => error.vendor().is_none(),
            _ => error.is_storage(),
        };
        let error = match result {
            Err(error) if ours(&error) => return Err(error),
            other => other.err(),
        };
        let took = self.core.runtime.monotonic().saturating_sub(started).as_millis() as u64;
        Ok(self.core.health.judge(&self.id, id, now, took, error.as_ref()))
    }

    /// Lets an administrator in; a refusal is recorded.
    pub(super) async fn administer(
        &self,
        actor: &Actor,
        provider: Option<&'static str>,
        event: Event,
    ) -> Result<Administration> {
        let entered = self.core.enter()?;
        let call = CallRow {
            tenant: self.id.clone(),
            request_id: RequestId::new(self.core.runtime.now()),
            actor: actor.clone(),
            provider,
            operation: None,
            digest: None,
            deadline: None,
        };
        let known = self.core.security.known_keys(&self.id).await?;
        if let Err(error) = self.core.access.check_admin(&self.id, actor) {
            // A school that nobody has ever used has no record, and a refusal makes it none.
            if let (ErrorCode::PermissionDenied, Some(keys)) = (error.code(), &known) {
                let detail = refusal_detail(&self.id, actor, event);
                let outcome = Some(error.code().name());
                let row = call.row(self.core.runtime.now(), Event::CallRefused, None, outcome, detail);
                self.core.audit.record_outcome(&self.id, keys, vec![Change::Insert(row)], false).await?;
            }
            return Err(error.at(provider.unwrap_or("sis"), "", call.request_id));
        }
        let keys = match known {
            Some(keys) => keys,
            None => self.core.security.keys(&self.id).await?,
        };
        Ok(Administration { call, keys, _entered: entered })
    }

    pub(super) async fn keep(&self, record: &Administration, changes: Vec<Change>) -> Result<()> {
        self.core.audit.record(&self.id, &record.keys, changes).await.map_err(|error| match error.code() {
            ErrorCode::Conflict => Error::new(
                ErrorCode::Conflict,
                "somebody else changed this at the same moment; read it again and repeat",
            ),
            _ => error,
        })
    }
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tenant({})", self.id)
    }
}

/// An administrator at work.
pub(super) struct Administration {
    pub(super) call: CallRow,
    pub(super) keys: Arc<crate::security::TenantKeys>,
    _entered: super::UnderWay,
}

impl Administration {
    pub(super) fn row(&self, core: &Core, event: Event, detail: Value) -> Change {
        Change::Insert(self.call.row(core.runtime.now(), event, None, Some("ok"), Some(detail)))
    }
}
