//! Webhooks on their way in: found, verified, kept, handed on.

use std::sync::Arc;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use url::Url;

use super::{Core, IntegrationManager, Tenant};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, TenantId},
    providers::{Incoming, ProviderSpec, Webhook, WebhookEvent, WebhookReply},
    security::TenantKeys,
    services::{
        DeliveryStatus, Event, LiveConfig, MAX_WEBHOOK, SubscriptionService, WebhookEntry, WebhookFilter, WebhookPage,
        WebhookService, WebhookState,
    },
    transport::Headers,
};

/// How often events are looked for that another process left behind.
const SWEEP: std::time::Duration = std::time::Duration::from_secs(60);

/// A webhook as the host received it.
#[derive(Debug, Clone)]
pub struct WebhookRequest {
    /// The address as the vendor called it, scheme, host and query included: some vendors sign it. Behind a proxy that is
    /// the public address, not the one the proxy uses.
    pub url: Url,
    /// The headers.
    pub headers: Headers,
    /// The body as it came, to the byte: not parsed and written again.
    pub body: Bytes,
}

impl WebhookRequest {
    /// A webhook without headers yet.
    pub fn new(url: Url, body: impl Into<Bytes>) -> Self {
        Self { url, headers: Headers::default(), body: body.into() }
    }

    /// The same webhook with a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.add(name, value);
        self
    }
}

/// What became of a webhook. Answer the vendor with 200, or with `reply` where there is one.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookReceipt {
    /// Whose it is.
    pub tenant: String,
    /// The events it brought, all of them durable by now.
    pub events: Vec<ReceivedWebhookEvent>,
    /// What the vendor's handshake wants as an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<HandshakeReply>,
}

/// One event of a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReceivedWebhookEvent {
    /// Its id in the webhook log.
    pub id: String,
    /// Whether it was there before, and was dropped.
    pub duplicate: bool,
    /// The event.
    pub event: WebhookEvent,
}

/// The answer that a vendor's handshake wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HandshakeReply {
    /// The status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: String,
}

impl From<WebhookReply> for HandshakeReply {
    fn from(reply: WebhookReply) -> Self {
        Self { status: reply.status, content_type: reply.content_type.to_owned(), body: reply.body }
    }
}

impl IntegrationManager {
    /// Takes a webhook: finds the school, verifies the signature on the raw bytes, keeps what is new durably, and hands it
    /// to the handlers in the background. What `POST /api/integrations/webhooks/{provider}` does, for hosts without it.
    ///
    /// The school is found by the `route` in the address ([`Tenant::webhook_route`]), by the vendor's account that the
    /// webhook names, or by the secret that fits.
    ///
    /// Errors: `too_large` above 2 MiB, `not_found` where no school fits, or several do and no route tells them apart,
    /// `signature_missing`, `signature_invalid`, `signature_stale`, `not_configured` without a secret, `invalid_argument` (field `body`) for what is signed and makes
    /// no sense, `unsupported_operation` for a provider without webhooks. Answer the vendor with the error's HTTP status:
    /// it sends again, and nothing is kept twice.
    pub async fn receive_webhook(&self, provider: &str, request: WebhookRequest) -> Result<WebhookReceipt> {
        let core = &self.0;
        let _entered = core.enter()?;
        let provider = core.provider(provider)?.clone();
        let at = |error: Error| error.at(provider.info.id, "", crate::model::RequestId::nil());
        if request.body.len() > MAX_WEBHOOK {
            let why = format!("a webhook has at most {MAX_WEBHOOK} bytes");
            return Err(at(Error::new(ErrorCode::TooLarge, why)));
        }
        let incoming = Incoming::new(&request.url, &request.headers, &request.body, core.runtime.now());
        let (tenant, keys, webhook) = core.verify_webhook(&provider, &incoming).await.map_err(at)?;
        let events = match webhook {
            Webhook::Handshake(reply) => {
                let tenant = tenant.as_str().to_owned();
                return Ok(WebhookReceipt { tenant, events: Vec::new(), reply: Some(reply.into()) });
            }
            Webhook::Events(events) => core.subscriptions.own(&tenant, provider.info.id, events).await.map_err(at)?,
        };
        for channel in events.iter().filter_map(|event| event.renews.as_deref()) {
            core.subscriptions.hasten(&tenant, provider.info.id, channel).await.map_err(at)?;
        }
        let kept = core.webhooks.keep(&tenant, &keys, &provider, events).await.map_err(at)?;
        let mut shown = Vec::with_capacity(kept.len());
        for one in kept {
            if !one.duplicate && core.webhooks.has_handlers() {
                core.hand_on(&tenant, &keys, &provider, one.id.clone(), one.event.clone(), 1);
            }
            shown.push(ReceivedWebhookEvent { id: one.id, duplicate: one.duplicate, event: one.event });
        }
        Ok(WebhookReceipt { tenant: tenant.as_str().to_owned(), events: shown, reply: None })
    }
}

impl Core {
    async fn verify_webhook(
        &self,
        provider: &ProviderSpec,
        incoming: &Incoming<'_>,
    ) -> Result<(TenantId, Arc<TenantKeys>, Webhook)> {
        let (tenants, named) = match incoming.route() {
            Some(route) => (vec![self.webhooks.tenant_of(&route, &self.security, provider).await?], true),
            None => {
                let account = (provider.claimed_account)(incoming);
                let named = account.is_some();
                (self.webhooks.having(provider, account).await?, named)
            }
        };
        let mut refused: Option<(TenantId, Error)> = None;
        let mut fits: Option<(TenantId, Arc<TenantKeys>, Webhook)> = None;
        // Schools that share an account or a secret cannot be told apart by it, so the first that fits is not yet the one.
        for tenant in tenants {
            match self.verify_of(&tenant, provider, incoming).await {
                Ok(None) => {}
                Ok(Some((keys, webhook))) => match &fits {
                    None => fits = Some((tenant, keys, webhook)),
                    // Every school answers a handshake in the same way.
                    Some((.., first @ Webhook::Handshake(_))) if *first == webhook => {}
                    Some(_) => {
                        let why = "several schools fit this webhook: put the route of the right one, which webhook_route tells, \
                                   into the address";
                        return Err(Error::new(ErrorCode::NotFound, why).with_field("route"));
                    }
                },
                Err(error) => {
                    if worth(&error) == UNTRIED {
                        tracing::error!(%error, %tenant, provider = provider.info.id, "a webhook could not be tried");
                    }
                    if refused.as_ref().is_none_or(|(_, known)| worth(&error) > worth(known)) {
                        refused = Some((tenant, error));
                    }
                }
            }
        }
        if let Some(found) = fits {
            return Ok(found);
        }
        let no_one = || Error::new(ErrorCode::NotFound, "no school could be found for this webhook");
        let Some((tenant, error)) = refused else { return Err(no_one()) };
        let forged = matches!(
            error.code(),
            ErrorCode::SignatureInvalid | ErrorCode::SignatureMissing | ErrorCode::SignatureStale
        );
        if named && forged {
            self.alarm_of_webhook(&tenant, provider, &error).await;
        }
        Err(error)
    }

    /// Verifies as one school; nothing where the school has no keys, and so nothing to verify with.
    async fn verify_of(
        &self,
        tenant: &TenantId,
        provider: &ProviderSpec,
        incoming: &Incoming<'_>,
    ) -> Result<Option<(Arc<TenantKeys>, Webhook)>> {
        let Some(keys) = self.security.known_keys(tenant).await? else { return Ok(None) };
        let config = self.configs.live(tenant, &keys, provider, false).await?;
        let webhook = self.verify_for(&keys, provider, &config, incoming).await?;
        Ok(Some((keys, webhook)))
    }

    /// Verifies with one school's settings, the vendor's public keys and the secrets of the school's channels.
    async fn verify_for(
        &self,
        keys: &TenantKeys,
        provider: &ProviderSpec,
        config: &LiveConfig,
        incoming: &Incoming<'_>,
    ) -> Result<Webhook> {
        let set = match (provider.key_set)(&*config.config, incoming) {
            None => None,
            Some(url) => {
                let token = (provider.key_set_token)(incoming);
                Some(self.key_sets.get(&url, token.as_deref(), &config.outbound).await?)
            }
        };
        let secret = |id: &str| SubscriptionService::secret(keys, provider.info.id, id);
        let incoming = incoming.with_keys(set.as_deref()).with_channels(&secret);
        (provider.webhook)(&*config.config, &incoming)
    }

    /// A webhook that names a school and is not signed by its vendor is worth a look; a flood of them is worth one row.
    async fn alarm_of_webhook(&self, tenant: &TenantId, provider: &ProviderSpec, error: &Error) {
        let of = (tenant.clone(), format!("webhook/{}", provider.info.id));
        if self.alarms.admit(of, 1.0 / 600.0, 1, self.runtime.monotonic()).is_err() {
            return;
        }
        let detail = json!({ "reason": error.code().name() });
        let event = self.audit.event(tenant, "bad_signature", "medium", None, Some(provider.info.id), detail);
        if let Err(error) = crate::storage::Storage::commit(&self.writer, &[event]).await {
            tracing::error!(%error, %tenant, "a forged webhook could not be kept as a security event");
        }
    }

    /// Hands an event to the handlers in the background, again and again until they take it or it is given up.
    fn hand_on(
        self: &Arc<Self>,
        tenant: &TenantId,
        keys: &Arc<TenantKeys>,
        provider: &Arc<ProviderSpec>,
        id: String,
        event: WebhookEvent,
        attempt: u32,
    ) {
        // Closing waits for it; one that comes while closing stays claimed, and comes again when the claim has lapsed.
        let Ok(entered) = self.enter() else { return };
        let (core, tenant, keys, provider) = (self.clone(), tenant.clone(), keys.clone(), provider.clone());
        self.runtime.spawn(async move {
            let next = core.webhooks.hand_on(&tenant, &provider, &id, event, attempt).await;
            let next = next.unwrap_or_else(|error| {
                tracing::error!(%error, %tenant, id, "what became of a webhook event could not be kept");
                None
            });
            if let Some(wait) = next {
                core.try_later(wait, tenant, keys, provider, id);
            }
            drop(entered);
        });
    }

    fn try_later(
        self: &Arc<Self>,
        wait: std::time::Duration,
        tenant: TenantId,
        keys: Arc<TenantKeys>,
        provider: Arc<ProviderSpec>,
        id: String,
    ) {
        let weak = Arc::downgrade(self);
        let sleep = self.runtime.sleep(wait);
        self.runtime.spawn(async move {
            sleep.await;
            if let Some(core) = weak.upgrade() {
                core.take_up(&tenant, &keys, &provider, id).await;
            }
        });
    }

    /// Claims an event and hands it on.
    async fn take_up(
        self: &Arc<Self>,
        tenant: &TenantId,
        keys: &Arc<TenantKeys>,
        provider: &Arc<ProviderSpec>,
        id: String,
    ) {
        let Ok(_entered) = self.enter() else { return };
        match self.webhooks.claim(tenant, keys, &id).await {
            Ok(Some((event, attempt))) => self.hand_on(tenant, keys, provider, id, event, attempt),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, %tenant, id, "a webhook event could not be taken up"),
        }
    }

    /// Looks for events that a process left behind when it died, now and from time to time.
    pub(super) fn sweep_webhooks(self: &Arc<Self>) {
        if !self.webhooks.has_handlers() {
            return;
        }
        self.sweep(SWEEP, true, "webhook events that were left behind", async |core: Arc<Self>| {
            core.take_up_due().await
        });
    }

    /// One event that cannot be taken up holds no other back: it is put off or given up, and leaves the head of the queue.
    async fn take_up_due(self: &Arc<Self>) -> Result<()> {
        for (tenant, provider, id) in self.webhooks.due().await? {
            let Some(provider) = self.providers.get(provider.as_str()).cloned() else {
                self.webhooks.give_up(&tenant, &id, ErrorCode::UnknownProvider).await?;
                continue;
            };
            match self.security.keys(&tenant).await {
                Ok(keys) => self.take_up(&tenant, &keys, &provider, id).await,
                Err(error) => {
                    tracing::error!(%error, %tenant, id, "a school's keys cannot be had, and its webhook event waits");
                    self.webhooks.put_off(&tenant, &id).await?;
                }
            }
        }
        Ok(())
    }
}

/// How much a school's refusal tells of the webhook that others do not: of several the one that tells most is reported. A
/// signature that fits says whose it is, and what is wrong behind it is what to tell.
fn worth(error: &Error) -> u8 {
    match error.code() {
        ErrorCode::SignatureStale => 5,
        ErrorCode::InvalidArgument => 4,
        ErrorCode::SignatureInvalid => 2,
        ErrorCode::SignatureMissing => 1,
        ErrorCode::NotConfigured | ErrorCode::IntegrationDisabled => 0,
        _ => UNTRIED,
    }
}

/// That a school could not be tried: it may be the one, so the vendor is to send again.
const UNTRIED: u8 = 3;

impl Tenant {
    /// The name of this school's route for webhooks of the provider: give the vendor the address
    /// `…/api/integrations/webhooks/{provider}?route={route}`. It is not a secret, and stays the same. Only for an
    /// administrator.
    pub async fn webhook_route(&self, actor: &Actor, provider: &str) -> Result<String> {
        let spec = self.core.provider(provider)?;
        let record = self.administer(actor, Some(spec.info.id), Event::CallRefused).await?;
        Ok(WebhookService::route(&self.id, &record.keys, spec))
    }

    /// A page of the webhook log, newest first. Only for an administrator.
    pub async fn webhooks(&self, actor: &Actor, filter: &WebhookFilter) -> Result<WebhookPage> {
        let _record = self.administer(actor, None, Event::CallRefused).await?;
        self.core.webhooks.entries(&self.id, filter).await
    }

    /// Hands an event to the handlers once more: one that is dead, or that was taken and should not have been. Only for an
    /// administrator; on record.
    ///
    /// Errors: `not_found`, `in_progress` while a handler has it, `not_configured` without a handler.
    pub async fn replay_webhook(&self, actor: &Actor, id: &str) -> Result<WebhookEntry> {
        let record = self.administer(actor, None, Event::WebhookReplayed).await?;
        let (change, shown) = self.core.webhooks.replay(&self.id, id).await?;
        let detail = json!({ "id": id, "provider": shown.provider, "eventId": shown.event_id });
        self.keep(&record, vec![change, record.row(&self.core, Event::WebhookReplayed, detail)]).await?;
        if let Some(provider) = self.core.providers.get(shown.provider.as_str()) {
            self.core.take_up(&self.id, &record.keys, provider, id.to_owned()).await;
        }
        debug_assert_eq!(shown.state, WebhookState::Pending);
        Ok(shown)
    }

    /// How far a message has come, by the reports its vendor sent to the webhook; late ones never move it back. Only for an
    /// administrator.
    ///
    /// Error: `not_found` while no report on it has come in.
    pub async fn delivery(&self, actor: &Actor, provider: &str, message_id: &str) -> Result<DeliveryStatus> {
        let spec = self.core.provider(provider)?;
        let _record = self.administer(actor, Some(spec.info.id), Event::CallRefused).await?;
        self.core.webhooks.delivery(&self.id, spec, message_id).await
    }
}
