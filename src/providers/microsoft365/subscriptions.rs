//! Being told of changes. <https://learn.microsoft.com/graph/change-notifications-overview>
//!
//! Graph signs nothing of a notification. Each subscription has a secret of its own, made of the school's key and the
//! subscription's id here, that Graph brings with every notification as `clientState`; it is there before Graph is asked,
//! for Graph calls the address while it is still answering. The address names the id too: by it a subscription is found at
//! Graph whose answer was lost.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    graph::{Done, Graph, found},
    wire::{object, operation},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::{Channel, Renewal},
    transport::{Method, Repeat, oauth},
};

/// How long a subscription is asked for unless the caller says otherwise: what every resource gives.
const MINUTES: u32 = 60;
/// The longest that any resource gives.
const MOST: u32 = 42_300;
/// Under what the address names the channel.
const CHANNEL: &str = "channel";

object! {
    /// A subscription to changes.
    Subscription {
        /// Our id of it: `unsubscribe` wants it.
        channel_id: String,
        /// What it tells about.
        resource: String,
        /// When it lapses. It is renewed ahead of that.
        expires_at: Timestamp,
    }
}

/// What Graph answers; the rest is known.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    id: String,
    expiration_date_time: Timestamp,
}

operation! {
    /// Has Graph tell the school's webhook of changes, until it is stopped: mail, events, messages of a channel or chat,
    /// files of a drive, users, groups. It is renewed ahead of its end, and made anew where Graph has removed it.
    ///
    /// <https://learn.microsoft.com/graph/api/subscription-post-subscriptions>. Access `manage`. It needs what reading the
    /// resource needs. With `includeResourceData` notifications hold what has changed, encrypted to the settings'
    /// `notification_certificate`; where the settings have another one by the time it is renewed, it is made anew.
    /// If it was made and the answer lost, it is found at Graph; the call repeated with the same idempotency key goes on.
    /// Errors: `conflict` where the application has a subscription to the same changes.
    ///
    /// Example: `{"resource": "users/teacher@school.example/messages", "changeType": ["created"], "address":
    /// "https://sis.school.example/api/integrations/webhooks/microsoft365"}`
    Subscribe = "subscribe", Manage, WithKey -> Subscription,
    scopes &[], Any,
    discloses { "resource": Contact(Staff) }
    by {}
    required {
        /// What to be told about, as a path in Graph.
        resource: String,
        /// Of which changes: `created`, `updated`, `deleted`.
        change_type: Vec<String>,
        /// Where the host takes webhooks: an https address that Microsoft can reach. The school's route is added.
        address: Url,
    }
    optional {
        /// For how many minutes, at most 42300; each resource has a maximum of its own. Default: 60.
        minutes: u32,
        /// Whether notifications hold what has changed.
        include_resource_data: bool,
        /// Whether a person's consent is used where the settings hold one beside the application's own rights.
        delegated: bool,
        /// The channel that is renewed.
        renews: String,
        /// Of the channel that is renewed, the thumbprint of the certificate that its notifications are encrypted to.
        encrypted_to: String,
    }
    steps ["channel", "open"]
    check |this| {
        let resource = this.resource.trim_start_matches('/');
        if resource.is_empty() || resource.contains("..") || resource.contains("://") || resource.contains(char::is_control) {
            return Err(Error::invalid("resource", "must be a path in Graph, such as users/ID/messages"));
        }
        if this.change_type.is_empty() {
            return Err(Error::invalid("changeType", "must name at least one of created, updated and deleted"));
        }
        for (at, kind) in this.change_type.iter().enumerate() {
            if !["created", "updated", "deleted"].contains(&kind.as_str()) {
                return Err(Error::invalid(format!("changeType[{at}]"), "must be created, updated or deleted"));
            }
        }
        if this.minutes.is_some_and(|minutes| minutes == 0 || minutes > MOST) {
            return Err(Error::invalid("minutes", format!("must be 1 to {MOST}")));
        }
    }
    run |this, call| {
        let rights = if this.delegated == Some(true) { oauth::Rights::Delegated } else { oauth::Rights::Any };
        // Notifications name messages and events by the kind of id that the subscription was made with: ours.
        let graph = Graph::root(&call.with_token(oauth::Wanted { rights, ..call.wanted().clone() })).with_lasting_ids();
        let known = match &this.renews {
            None => None,
            Some(id) => Some(call.channel(id).await?),
        };
        let minutes = this.minutes.unwrap_or(MINUTES);
        let until = call.now().after(Duration::from_secs(u64::from(minutes) * 60));
        let certificate = Certificate::wanted(&this, call.config())?;
        let thumbprint = certificate.as_ref().map(|certificate| certificate.thumbprint.clone());
        let renewed = match &known {
            Some(channel) if channel.vendor_id.is_empty() => None,
            Some(channel) if thumbprint != this.encrypted_to => {
                // Graph changes no certificate, and takes no second subscription to the same.
                stop(&graph, &channel.vendor_id).await?;
                None
            }
            Some(channel) => renew(&graph, &channel.vendor_id, until).await?,
            None => None,
        };
        let renewing = known.is_some();
        let id = known.map_or_else(|| call.vendor_key(""), |channel| channel.id);
        let id: String = call.step("channel", async |_| Ok(id)).await?;
        call.note("channelId", id.clone());
        let made = match renewed {
            Some(made) => made,
            None => {
                let mut address = call.webhook_address(&this.address)?;
                address.query_pairs_mut().append_pair(CHANNEL, &id);
                let state = format!("{id}.{}", call.channel_secret(&id));
                let body = wanted(&this, certificate.as_ref(), &address, until, state);
                let opening = Channel {
                    id: id.clone(),
                    vendor_id: String::new(),
                    resource: kind_of(&this.resource),
                    expires_at: Some(until),
                    renew_at: None,
                    renewal: None,
                };
                call.step("open", async |begun| {
                    // On record before Graph is asked: it may be open, and call the school, though no word of it comes.
                    if !renewing {
                        call.keep_channel(opening).await?;
                    }
                    let made = open(&graph, &id, &body, begun).await;
                    if let Err(error) = &made
                        && !renewing
                        && error.code() != ErrorCode::OutcomeUnknown
                        && let Err(error) = call.forget_channel(&id).await
                    {
                        tracing::warn!(code = %error.code(), "a channel that was refused could not be forgotten");
                    }
                    made
                })
                .await?
            }
        };
        let mut arguments = serde_json::to_value(&this).map_err(|_| Error::internal("the arguments are not JSON"))?;
        if let Value::Object(members) = &mut arguments {
            members.insert("renews".to_owned(), json!(id));
            if let Some(thumbprint) = thumbprint {
                members.insert("encryptedTo".to_owned(), json!(thumbprint));
            }
        }
        let channel = Channel {
            id: id.clone(),
            vendor_id: made.id.clone(),
            // The path may name a person.
            resource: kind_of(&this.resource),
            expires_at: Some(made.expiration_date_time),
            renew_at: None,
            renewal: Some(Renewal { operation: "subscribe".to_owned(), arguments }),
        };
        call.keep_channel(channel).await?;
        Ok(Subscription {
            channel_id: Some(id),
            id: Some(made.id),
            resource: Some(this.resource.clone()),
            expires_at: Some(made.expiration_date_time),
            more: Map::new(),
        })
    }
}

/// The new end; none where Graph has removed the subscription.
async fn renew(graph: &Graph<'_>, vendor_id: &str, until: Timestamp) -> Result<Option<Made>> {
    let body = json!({ "expirationDateTime": until });
    match graph.make(Method::Patch, &["subscriptions", vendor_id], &body, Repeat::Always).await {
        Ok(made) => Ok(Some(made)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes a subscription away. What is gone was stopped before, or has lapsed.
async fn stop(graph: &Graph<'_>, vendor_id: &str) -> Result<()> {
    match graph.act(Method::Delete, &["subscriptions", vendor_id], None, Repeat::Always).await {
        Err(error) if error.code() != ErrorCode::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A subscription as Graph lists it. Its secret is not shown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    id: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    change_type: String,
    #[serde(default)]
    notification_url: Option<Url>,
    #[serde(default)]
    encryption_certificate_id: Option<String>,
    expiration_date_time: Timestamp,
}

impl Standing {
    async fn all(graph: &Graph<'_>) -> Result<Vec<Self>> {
        graph.all(&["subscriptions"], &[]).await
    }

    /// The id here that its address names.
    fn channel(&self) -> Option<String> {
        let mut names = self.notification_url.as_ref()?.query_pairs();
        names.find(|(name, _)| name == CHANNEL).map(|(_, id)| id.into_owned())
    }

    /// Whether it is what was asked for: encrypted to the same certificate too.
    fn is_it(&self, id: &str, wanted: &Value) -> bool {
        let certificate = wanted.get("encryptionCertificateId").and_then(Value::as_str);
        let same = self.encryption_certificate_id.as_deref().filter(|id| !id.is_empty()) == certificate;
        same && self.stands_for(wanted) && self.channel().as_deref() == Some(id)
    }

    /// Whether it tells of the same changes, to the same address of the school but for the channel.
    fn stands_for(&self, wanted: &Value) -> bool {
        let text = |name: &str| wanted.get(name).and_then(Value::as_str).unwrap_or_default();
        let address = self.notification_url.as_ref().map(place_of);
        self.resource.trim_start_matches('/') == text("resource")
            && self.change_type == text("changeType")
            && address
                .is_some_and(|place| text("notificationUrl").parse().ok().map(|url| place_of(&url)) == Some(place))
    }
}

/// An address without the channel that it names.
fn place_of(address: &Url) -> (String, Vec<(String, String)>) {
    let mut rest = address.clone();
    rest.set_query(None);
    let others = address.query_pairs().filter(|(name, _)| name != CHANNEL);
    (rest.into(), others.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
}

/// Has Graph make a subscription, once.
async fn open(graph: &Graph<'_>, id: &str, wanted: &Value, begun: bool) -> Result<Made> {
    if begun && let Some(made) = made_before(graph, id, wanted).await? {
        return Ok(made);
    }
    match make(graph, id, wanted).await {
        Err(error) if error.code() == ErrorCode::Conflict => {
            if let Some(made) = made_before(graph, id, wanted).await? {
                return Ok(made);
            }
            if !clear(graph, id, wanted).await? {
                return Err(error);
            }
            make(graph, id, wanted).await
        }
        made => made,
    }
}

async fn make(graph: &Graph<'_>, id: &str, wanted: &Value) -> Result<Made> {
    match graph.make(Method::Post, &["subscriptions"], wanted, Repeat::Never).await {
        Err(error) if error.code() == ErrorCode::OutcomeUnknown => found(made_before(graph, id, wanted).await, error),
        made => made,
    }
}

/// The subscription that a request has made whose answer was lost.
async fn made_before(graph: &Graph<'_>, id: &str, wanted: &Value) -> Result<Option<Made>> {
    let ours = Standing::all(graph).await?.into_iter().find(|one| one.is_it(id, wanted));
    Ok(ours.map(|one| Made { id: one.id, expiration_date_time: one.expiration_date_time }))
}

/// Stops what stands at Graph in the place of a subscription and is no use to the school: an earlier one of this channel, or
/// one of a channel that is not on record. Answers whether there was any.
///
/// Error: `conflict` where another channel of the school's has it; it may be on its way to be open.
async fn clear(graph: &Graph<'_>, id: &str, wanted: &Value) -> Result<bool> {
    let mut cleared = false;
    for one in Standing::all(graph).await?.into_iter().filter(|one| one.stands_for(wanted)) {
        let channel = one.channel().unwrap_or_default();
        if channel != id && is_known(graph, &channel).await? {
            let why = format!("the channel {channel} tells of the same changes already; unsubscribe it first");
            return Err(Error::new(ErrorCode::Conflict, why));
        }
        stop(graph, &one.id).await?;
        cleared = true;
    }
    Ok(cleared)
}

async fn is_known(graph: &Graph<'_>, channel: &str) -> Result<bool> {
    match graph.call.channel(channel).await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What Graph encrypts what has changed to.
struct Certificate {
    der: String,
    thumbprint: String,
}

impl Certificate {
    /// That of the settings, where notifications shall hold what has changed.
    fn wanted(this: &Subscribe, config: &super::Microsoft365Config) -> Result<Option<Self>> {
        if this.include_resource_data != Some(true) {
            return Ok(None);
        }
        let lacks = |field: &str| {
            let why = "Graph encrypts what has changed to a certificate of the school's, and the settings have none";
            Error::new(ErrorCode::NotConfigured, why).with_field(format!("config.{field}"))
        };
        let certificate = config.notification_certificate.as_ref().ok_or_else(|| lacks("notification_certificate"))?;
        config.notification_key.as_ref().ok_or_else(|| lacks("notification_key"))?;
        Ok(Some(Self {
            der: STANDARD.encode(oauth::certificate_der(certificate)?),
            thumbprint: oauth::thumbprint(certificate)?,
        }))
    }
}

fn wanted(
    this: &Subscribe,
    certificate: Option<&Certificate>,
    address: &Url,
    until: Timestamp,
    client_state: String,
) -> Value {
    let mut body = json!({
        "changeType": this.change_type.join(","),
        "notificationUrl": address,
        // It cannot be added later, and without it a subscription ends without a word.
        "lifecycleNotificationUrl": address,
        "resource": this.resource.trim_start_matches('/'),
        "expirationDateTime": until,
        "clientState": client_state,
        "latestSupportedTlsVersion": "v1_2",
    });
    if let Some(certificate) = certificate {
        body["includeResourceData"] = json!(true);
        body["encryptionCertificate"] = json!(certificate.der);
        body["encryptionCertificateId"] = json!(certificate.thumbprint);
    }
    body
}

/// What kind of thing a path is about: its last word that is no id.
fn kind_of(resource: &str) -> String {
    const KINDS: &[&str] = &[
        "messages",
        "events",
        "chats",
        "channels",
        "teams",
        "members",
        "root",
        "items",
        "lists",
        "users",
        "groups",
        "onlineMeetings",
        "contacts",
        "getAllMessages",
    ];
    let last = resource.split(['/', '(', '?']).rfind(|segment| KINDS.contains(segment));
    last.unwrap_or("changes").to_owned()
}

operation! {
    /// Stops a subscription.
    ///
    /// <https://learn.microsoft.com/graph/api/subscription-delete>. Access `manage`. Errors: `not_found` for one that the
    /// school does not have.
    ///
    /// Example: `{"channelId": "0123456789abcdef0123456789abcdef"}`
    Unsubscribe = "unsubscribe", Manage, Always -> Done,
    scopes &[], Any,
    discloses {}
    by {
        /// The `channelId` that the subscription was answered with.
        channel_id: String,
    }
    required {}
    optional {}
    run |this, call| {
        let channel = call.channel(&this.channel_id).await?;
        let delegated = channel.renewal.as_ref().and_then(|renewal| renewal.arguments.get("delegated")?.as_bool());
        let rights = if delegated == Some(true) { oauth::Rights::Delegated } else { oauth::Rights::Any };
        let graph = Graph::root(&call.with_token(oauth::Wanted { rights, ..call.wanted().clone() }));
        let vendor_id = match channel.vendor_id.as_str() {
            // No word came of its making: it is there under the channel's name, or was never made.
            "" => {
                let standing = Standing::all(&graph).await?.into_iter();
                standing.filter(|one| one.channel().as_deref() == Some(&channel.id)).map(|one| one.id).next()
            }
            id => Some(id.to_owned()),
        };
        if let Some(id) = vendor_id {
            stop(&graph, &id).await?;
        }
        call.forget_channel(&channel.id).await?;
        Ok(Done::of(channel.id))
    }
}

/// The operations of this family.
pub(super) fn operations() -> Vec<crate::providers::OperationSpec> {
    crate::operations![Subscribe, Unsubscribe]
}
