//! Channels: what a vendor was asked to tell us about, and until when.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{error::Result, model::Timestamp};

/// A subscription at a vendor: it tells our webhook about a resource, until it lapses.
///
/// It is kept in `integration_subscriptions`, and renewed ahead of its end by calling [`Renewal`] for whoever made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// Our id of it: what its secret is made of.
    pub id: String,
    /// The vendor's id of it.
    pub vendor_id: String,
    /// What it tells about, in the vendor's words. Nothing personal.
    pub resource: String,
    /// When it lapses; none where it does not.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// When it is to be renewed; none for some time ahead of its end.
    #[serde(default)]
    pub renew_at: Option<Timestamp>,
    /// How it is renewed; none where it is not, and while it is not known whether the vendor has opened it.
    #[serde(default)]
    pub renewal: Option<Renewal>,
}

/// A call that renews a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Renewal {
    /// The operation of the same provider.
    pub operation: String,
    /// Its arguments.
    pub arguments: Value,
}

/// The tenant's channels at one provider.
#[async_trait]
pub trait Channels: Send + Sync {
    /// The secret that the vendor is given for a channel, and must bring with each webhook: 64 hex digits, known by the
    /// tenant's key and the channel's id alone, so that it is there before the vendor is asked, and after a crash.
    fn secret(&self, id: &str) -> String;
    /// The school's route, for the query of the webhook's address.
    fn route(&self) -> String;
    /// Keeps a channel that was made or renewed, in place of the one of the same id. One that it replaces is renewed no more
    /// from the same moment on, and stays known until it is forgotten.
    async fn keep(&self, channel: Channel, replaces: Option<&str>) -> Result<()>;
    /// The channel of that id.
    async fn find(&self, id: &str) -> Result<Option<Channel>>;
    /// Forgets a channel: the vendor tells us nothing through it any more.
    async fn forget(&self, id: &str) -> Result<()>;
}
