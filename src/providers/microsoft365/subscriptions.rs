//! Being told of changes. <https://learn.microsoft.com/graph/change-notifications-overview>
//!
//! Graph signs nothing of a notification. Each subscription has a secret of its own, made of the school's key and the
//! subscription's id here, that Graph brings with every notification as `clientState`; it is there before Graph is asked,
//! for Graph calls the address while it is still answering.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    graph::{Done, Graph},
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
    ///
    /// Example: `{"resource": "users/teacher@school.example/messages", "changeType": ["created"], "address":
    /// "https://sis.school.example/api/integrations/webhooks/microsoft365"}`
    Subscribe = "subscribe", Manage, Never -> Subscription,
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
        let graph = Graph::root(&call.with_token(oauth::Wanted { rights, ..call.wanted().clone() }));
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
        let id = known.map_or_else(|| call.vendor_key(""), |channel| channel.id);
        let made = match renewed {
            Some(made) => made,
            None => {
                let address = call.webhook_address(&this.address)?;
                let state = format!("{id}.{}", call.channel_secret(&id));
                let body = wanted(&this, certificate.as_ref(), &address, until, state);
                match graph.make(Method::Post, &["subscriptions"], &body, Repeat::Never).await {
                    // An earlier try of this renewal has made one, and its answer was lost.
                    Err(error) if error.code() == ErrorCode::Conflict && this.renews.is_some() => {
                        clear(&graph, &body).await?;
                        graph.make(Method::Post, &["subscriptions"], &body, Repeat::Never).await?
                    }
                    made => made?,
                }
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
        call.note("channelId", id.clone());
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    id: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    change_type: String,
    #[serde(default)]
    notification_url: String,
}

/// Stops what stands at Graph in the place of a subscription: to the same changes, told to the same address of the school.
async fn clear(graph: &Graph<'_>, wanted: &Value) -> Result<()> {
    let standing: Vec<Standing> = graph.all(&["subscriptions"], &[]).await?;
    let is = |name: &str, text: &str| wanted.get(name).and_then(Value::as_str) == Some(text);
    for one in standing.iter().filter(|one| {
        is("resource", one.resource.trim_start_matches('/'))
            && is("changeType", &one.change_type)
            && is("notificationUrl", &one.notification_url)
    }) {
        stop(graph, &one.id).await?;
    }
    Ok(())
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
        stop(&graph, &channel.vendor_id).await?;
        call.forget_channel(&channel.id).await?;
        Ok(Done::of(channel.id))
    }
}

/// The operations of this family.
pub(super) fn operations() -> Vec<crate::providers::OperationSpec> {
    crate::operations![Subscribe, Unsubscribe]
}
