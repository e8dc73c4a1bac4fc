//! What Graph tells, as types. <https://learn.microsoft.com/graph/api/resources/changenotification>
//!
//! Graph tells which object has changed, and what is in it only where the subscription asked for that. Notifications come in
//! no order, and now and then twice.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    error::Result,
    providers::{WebhookEvent, typed::read_data},
    typed_events,
};

typed_events! {
    /// An event of Graph's, by its kind: what it is about, and what has happened to it.
    ///
    /// Objects that have no kind here are among the `Other`.
    ///
    /// ```
    /// use serde_json::json;
    /// use sis_integrations::providers::{WebhookEvent, microsoft365::GraphEvent};
    ///
    /// let data = json!({
    ///     "subscriptionId": "s-1", "changeType": "created", "resource": "users/u-1/messages/m-1",
    ///     "resourceData": { "@odata.type": "#Microsoft.Graph.Message", "id": "m-1" },
    /// });
    /// match WebhookEvent::new("1", "message.created", data).typed()? {
    ///     GraphEvent::MessageCreated(change) => assert_eq!(change.id(), Some("m-1")),
    ///     GraphEvent::Missed(lifecycle) => println!("read everything of {} again", lifecycle.subscription_id),
    ///     _ => {}
    /// }
    /// # Ok::<(), sis_integrations::Error>(())
    /// ```
    pub GraphEvent of "microsoft365", by read {
        /// A mail has come, or a draft was made.
        "message.created" => MessageCreated(ChangeNotification),
        /// A mail was read, moved or changed.
        "message.updated" => MessageUpdated(ChangeNotification),
        /// A mail was deleted.
        "message.deleted" => MessageDeleted(ChangeNotification),
        /// An event was put into a calendar.
        "event.created" => EventCreated(ChangeNotification),
        /// An event of a calendar has changed.
        "event.updated" => EventUpdated(ChangeNotification),
        /// An event was taken out of a calendar.
        "event.deleted" => EventDeleted(ChangeNotification),
        /// Somebody wrote into a chat or a channel of Teams.
        "chatMessage.created" => ChatMessageCreated(ChangeNotification),
        /// What somebody wrote in Teams has changed.
        "chatMessage.updated" => ChatMessageUpdated(ChangeNotification),
        /// What somebody wrote in Teams was deleted.
        "chatMessage.deleted" => ChatMessageDeleted(ChangeNotification),
        /// A person's account was made or has changed: Graph calls both so.
        "user.updated" => UserUpdated(ChangeNotification),
        /// A person's account was deleted.
        "user.deleted" => UserDeleted(ChangeNotification),
        /// A group was made or has changed, in its members too: Graph calls all that so.
        "group.updated" => GroupUpdated(ChangeNotification),
        /// A group was deleted.
        "group.deleted" => GroupDeleted(ChangeNotification),
        /// Something that Graph names no type of was made.
        "resource.created" => ResourceCreated(ChangeNotification),
        /// Something that Graph names no type of has changed, such as a drive: `driveDelta` says what.
        "resource.updated" => ResourceUpdated(ChangeNotification),
        /// Something that Graph names no type of was deleted.
        "resource.deleted" => ResourceDeleted(ChangeNotification),

        /// A subscription needs to be renewed; that is done by itself.
        "lifecycle.reauthorizationRequired" => ReauthorizationRequired(LifecycleNotification),
        /// Graph has ended a subscription; it is made anew by itself. What happened meanwhile was not told.
        "lifecycle.subscriptionRemoved" => SubscriptionRemoved(LifecycleNotification),
        /// Some notifications were lost: what is watched must be read again.
        "lifecycle.missed" => Missed(LifecycleNotification),
    }
}

/// What has changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChangeNotification {
    /// Graph's id of the subscription.
    pub subscription_id: String,
    /// `created`, `updated` or `deleted`.
    pub change_type: String,
    /// The path of the object in Graph.
    pub resource: String,
    /// Which object it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_data: Option<ResourceData>,
    /// The object itself, deciphered, where the subscription has `includeResourceData`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
    /// The organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// When the subscription ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_expiration_date_time: Option<String>,
    /// What else was said.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl ChangeNotification {
    /// The object's id, where Graph gave it.
    pub fn id(&self) -> Option<&str> {
        self.resource_data.as_ref()?.id.as_deref()
    }
}

/// Which object has changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceData {
    /// Its type, such as `#Microsoft.Graph.Message`.
    #[serde(rename = "@odata.type", default, skip_serializing_if = "Option::is_none")]
    pub odata_type: Option<String>,
    /// Its path in Graph.
    #[serde(rename = "@odata.id", default, skip_serializing_if = "Option::is_none")]
    pub odata_id: Option<String>,
    /// Which state of it this is.
    #[serde(rename = "@odata.etag", default, skip_serializing_if = "Option::is_none")]
    pub odata_etag: Option<String>,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What else was said.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What has become of a subscription.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LifecycleNotification {
    /// Graph's id of the subscription.
    pub subscription_id: String,
    /// `reauthorizationRequired`, `subscriptionRemoved` or `missed`.
    pub lifecycle_event: String,
    /// What it tells about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// When the subscription ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_expiration_date_time: Option<String>,
    /// What else was said.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

fn read<T: DeserializeOwned>(event: &WebhookEvent) -> Result<T> {
    read_data(event.data.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::providers::typed::tests::{any_data, assert_own_variants, assert_told, read_or_refused};

    fn typed(kind: &str, data: Value) -> Result<GraphEvent> {
        WebhookEvent::new("1", kind, data).typed()
    }

    #[test]
    fn every_kind_has_its_variant_and_stands_in_the_page() {
        let data = json!({
            "subscriptionId": "s-1", "changeType": "updated", "resource": "users/u-1", "lifecycleEvent": "missed",
        });
        assert_own_variants::<GraphEvent>(GraphEvent::KINDS, &data);
        assert_told(include_str!("../../../docs/providers/microsoft365.md"), GraphEvent::KINDS);
    }

    #[test]
    fn a_change_and_a_lifecycle_are_read() {
        let data = json!({
            "subscriptionId": "s-1", "subscriptionExpirationDateTime": "2026-11-26T09:00:00Z", "changeType": "updated",
            "resource": "Users/u-1/Events/e-1", "tenantId": "t-1", "content": { "subject": "Parents' evening" },
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Event", "@odata.id": "Users/u-1/Events/e-1", "@odata.etag": "W/\"1\"",
                "id": "e-1", "responseStatus": "none",
            },
        });
        let read = typed("event.updated", data);
        let Ok(GraphEvent::EventUpdated(change)) = read else { panic!("{read:?}") };
        assert_eq!(
            (change.id(), change.content.as_ref().unwrap()["subject"].as_str()),
            (Some("e-1"), Some("Parents' evening"))
        );
        assert_eq!(change.resource_data.unwrap().more["responseStatus"], "none");
        let read = typed("lifecycle.missed", json!({ "subscriptionId": "s-1", "lifecycleEvent": "missed" }));
        let Ok(GraphEvent::Missed(lifecycle)) = read else { panic!("{read:?}") };
        assert_eq!((lifecycle.subscription_id.as_str(), lifecycle.resource), ("s-1", None));
        let error = typed("message.created", json!({ "subscriptionId": 1 })).unwrap_err();
        assert_eq!(error.field(), Some("data.subscriptionId"));
    }

    const NAMES: &[&str] = &[
        "subscriptionId",
        "changeType",
        "resource",
        "resourceData",
        "@odata.type",
        "id",
        "lifecycleEvent",
        "tenantId",
        "content",
    ];

    proptest! {
        #[test]
        fn anything_is_read_or_refused_by_its_path(data in any_data(NAMES)) {
            read_or_refused::<GraphEvent>(GraphEvent::KINDS, &data)?;
        }
    }
}
