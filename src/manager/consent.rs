//! Connecting a school's suite: a person consents on the vendor's page, and what comes of it becomes a setting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::sync::Arc;
use url::Url;

use super::{Tenant, tenant::Administration};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Redactor, Secret, Timestamp},
    providers::ProviderSpec,
    services::{ConfigChange, ConfigView, Event, LiveConfig, outcome_name},
    storage::Change,
    transport::{
        Plan, Repeat, Tried, decide,
        oauth::{self, ConsentPage},
    },
};

/// How long turning a code into tokens may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Where the person is to return to, and what they are asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsentRequest {
    /// The host's own page, as it is registered with the vendor.
    pub redirect_uri: Url,
    /// The scopes to ask for; default: those of the provider's settings, or of everything it can do.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The account to preselect.
    #[serde(default)]
    pub login_hint: Option<String>,
}

/// Where to send the person.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConsentStart {
    /// The vendor's page.
    pub url: Url,
    /// What the vendor sends back with the code; `completeConsent` wants it.
    pub state: String,
    /// Until when the person has to be back.
    pub expires_at: Timestamp,
}

/// What the vendor's page sent back in the query of the address.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsentAnswer {
    /// The state.
    pub state: String,
    /// The code.
    #[serde(default)]
    pub code: Option<Secret<String>>,
    /// Why there is no code.
    #[serde(default)]
    pub error: Option<String>,
}

impl std::fmt::Debug for ConsentAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentAnswer").field("error", &self.error).finish_non_exhaustive()
    }
}

impl Tenant {
    /// Begins connecting a provider: where to send the administrator so that they consent. With PKCE (RFC 7636); the state
    /// is good for one return within 15 minutes, by the same actor. Only for an administrator; on record.
    ///
    /// Errors: `unsupported_operation` for a provider without such a page, `not_configured` without a client id.
    pub async fn begin_consent(&self, actor: &Actor, provider: &str, request: ConsentRequest) -> Result<ConsentStart> {
        let spec = self.core.provider(provider)?.clone();
        let record = self.administer(actor, Some(spec.info.id), Event::ConsentBegun).await?;
        let result = async {
            let (page, _) = self.consent_page(&spec, &record.keys).await?;
            check_redirect(&request.redirect_uri)?;
            // Settings that a consent does not go with are found now, and not when its code has been used.
            let change = self.with_refresh_token(&spec, "of-the-consent").await?;
            self.core.configs.prepare(&self.id, &record.keys, &spec, actor, record.call.request_id, change).await?;
            let scopes = request.scopes.unwrap_or_else(|| page.scopes.clone());
            if scopes.is_empty() || scopes.iter().any(|scope| scope.is_empty() || scope.contains(char::is_whitespace)) {
                return Err(Error::invalid("scopes", "must name at least one scope, each without spaces"));
            }
            let redirect = request.redirect_uri;
            let (state, begun, expires_at, change) =
                self.core.consents.begin(&self.id, &record.keys, spec.info.id, actor, redirect, scopes)?;
            let detail = json!({ "scopes": begun.scopes });
            self.keep(&record, vec![change, record.row(&self.core, Event::ConsentBegun, detail)]).await?;
            let login = request.login_hint.as_deref();
            let url = page.address(&begun.redirect, &state, begun.verifier.expose(), &begun.scopes, login);
            Ok(ConsentStart { url, state, expires_at })
        };
        result.await.map_err(|error: Error| error.at(spec.info.id, "", record.call.request_id))
    }

    /// Ends what [`begin_consent`](Self::begin_consent) began: turns the code into a refresh token and keeps it among the
    /// settings. Only for the administrator who began; on record as a change of settings.
    ///
    /// Errors: `not_found` (field `state`) for a state that is unknown, used or too old, `permission_denied` where the
    /// person declined, `needs_reconnect` where the vendor takes the code no longer or gives no lasting consent.
    pub async fn complete_consent(&self, actor: &Actor, provider: &str, answer: ConsentAnswer) -> Result<ConfigView> {
        let spec = self.core.provider(provider)?.clone();
        let record = self.administer(actor, Some(spec.info.id), Event::ConsentCompleted).await?;
        // The state and the code are good once: what begins here comes to its end whatever becomes of the caller.
        let (tenant, actor) = (self.clone(), actor.clone());
        let completed = async move {
            let refresh = tenant.exchange_code(&actor, &spec, &record, answer).await;
            let connected = match refresh {
                Ok(refresh) => tenant.connect(&record, &spec, refresh).await,
                Err(error) => Err(error),
            };
            let outcome = Some(outcome_name(connected.as_ref().err()));
            let row = record.call.row(tenant.core.runtime.now(), Event::ConsentCompleted, None, outcome, None);
            let recorded =
                tenant.core.audit.record_outcome(&tenant.id, &record.keys, vec![Change::Insert(row)], false).await;
            if let Err(error) = recorded {
                tracing::error!(%error, tenant = %tenant.id, "the outcome of a consent could not be recorded");
            }
            connected.map_err(|error: Error| error.at(spec.info.id, "", record.call.request_id))
        };
        let stopping = || Err(Error::new(ErrorCode::Closed, "the process is stopping"));
        self.core.runtime.run(completed).await.unwrap_or_else(stopping)
    }

    /// The refresh token that the code of a consent is good for.
    async fn exchange_code(
        &self,
        actor: &Actor,
        spec: &ProviderSpec,
        record: &Administration,
        answer: ConsentAnswer,
    ) -> Result<Secret<String>> {
        let begun = self.core.consents.take(&self.id, &record.keys, spec.info.id, actor, &answer.state).await?;
        let Some(code) = answer.code.filter(|_| answer.error.is_none()) else {
            let why: String = answer.error.unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
            let message =
                format!("{} was not connected: the person or their administrator declined ({why})", spec.info.name);
            return Err(Error::new(ErrorCode::PermissionDenied, message));
        };
        let (page, config) = self.consent_page(spec, &record.keys).await?;
        let now = self.core.runtime.now();
        let request =
            page.client.exchange(&page.endpoint, code.expose(), &begun.redirect, begun.verifier.expose(), now)?;
        let gate = self.core.gate(&self.id, spec.info.id);
        let plan = Plan {
            outbound: config.outbound.clone(),
            breakers: gate.breakers.clone(),
            budget: gate.budget.clone(),
            backoff: self.core.backoff,
            // A code is good for one use.
            repeat: Repeat::Never,
            decide,
            deadline: now.after(PATIENCE),
            urgent: false,
        };
        let intent = record.call.row(now, Event::ConsentExchanged, None, None, None);
        self.keep(record, vec![Change::Insert(intent)]).await?;
        let mut tried = Tried::default();
        let exchanged = async {
            let response = self.core.client.exchange(request, &plan, &mut tried, |_| Ok(())).await?;
            oauth::read(&response, spec.info.name)
        };
        // A vendor that repeats what it was sent must not have it shown.
        let sent = Redactor::new([code.expose().as_str(), begun.verifier.expose()]);
        let clean = |text: &str| config.redactor.clean(&sent.clean(text));
        let given = exchanged.await.map_err(|error| error.map_text(clean))?;
        let refresh = given.refresh.ok_or_else(|| {
            Error::new(
                ErrorCode::NeedsReconnect,
                format!(
                    "{} gave no refresh token, so the consent would end within the hour. Take this application out of the \
                     account's connected applications, and connect again",
                    spec.info.name
                ),
            )
        })?;
        if let Some(granted) = &given.scope {
            let scopes = granted.split_whitespace().count();
            tracing::info!(tenant = %self.id, provider = spec.info.id, scopes, "consent was given");
        }
        Ok(refresh)
    }

    /// Keeps the refresh token among the settings, whoever else changes them meanwhile.
    async fn connect(
        &self,
        record: &Administration,
        spec: &ProviderSpec,
        refresh: Secret<String>,
    ) -> Result<ConfigView> {
        let mut tries = 0;
        loop {
            let change = self.with_refresh_token(spec, refresh.expose()).await?;
            match self.change_config(record, spec, change).await {
                Err(error) if error.code() == ErrorCode::Conflict && tries < 5 => tries += 1,
                result => return result,
            }
        }
    }

    async fn with_refresh_token(&self, spec: &ProviderSpec, refresh: &str) -> Result<ConfigChange> {
        let known = self.core.configs.view(&self.id, spec).await?;
        let mut settings = known.as_ref().map_or_else(Map::new, |view| view.config.clone());
        settings.insert("refresh_token".to_owned(), json!(refresh));
        let expected_version = known.map(|view| view.version);
        Ok(ConfigChange { enabled: Some(true), config: Some(settings), expected_version })
    }

    async fn consent_page(
        &self,
        spec: &ProviderSpec,
        keys: &crate::security::TenantKeys,
    ) -> Result<(ConsentPage, Arc<LiveConfig>)> {
        let config = self.core.configs.live(&self.id, keys, spec, false).await?;
        let page = (spec.consent_page)(&*config.config)?.ok_or_else(|| {
            let message = format!("{} is not connected by a person's consent; enter its settings", spec.info.name);
            Error::new(ErrorCode::UnsupportedOperation, message)
        })?;
        Ok((page, config))
    }
}

/// A code that comes back in clear, or to somebody else's scheme, could be read on its way.
fn check_redirect(redirect: &Url) -> Result<()> {
    let local = matches!(redirect.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match redirect.scheme() {
        "https" => Ok(()),
        "http" if local => Ok(()),
        _ => Err(Error::invalid("redirectUri", "must be an https address, or http on this machine")),
    }
}
