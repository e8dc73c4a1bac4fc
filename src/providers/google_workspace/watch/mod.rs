//! Being told of changes: channels of Drive, Calendar and the Directory, and Gmail's and Classroom's by Pub/Sub.
//! <https://developers.google.com/workspace/drive/api/guides/push>. Subscriptions of Workspace Events are not made here;
//! what a host's own brings by Pub/Sub is taken.
//!
//! Google signs nothing of a channel's messages. Each channel has a secret of its own, made of the school's key and the
//! channel's id, that Google brings with every message. Messages by Pub/Sub carry a token that Google has signed.

mod channels;
mod pubsub;

use serde::Deserialize;
use serde_json::{Value, json};

pub use channels::{WatchChanges, WatchEvents, WatchFile, WatchUsers};
use pubsub::gmail;
pub use pubsub::{WatchClassroom, WatchMail};

use super::{
    GoogleWorkspace,
    define::{Done, check_text, long, object, operation},
    scopes,
    wire::{calendar, drive, host},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::{Call, Channel, Renewal},
    transport::{
        Repeat,
        oauth::{self, Scopes},
    },
};

object! {
    /// A channel that tells of changes.
    Watch {
        /// Our id of the channel: `stopWatching` wants it.
        channel_id: String,
        /// What it tells about.
        resource: String,
        /// When it lapses. It is renewed ahead of that.
        expires_at: Timestamp,
        /// From where changes are to be read: Drive's page token, or Gmail's history id.
        since: String,
    }
}

/// A channel as Google answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    /// Google's id of what is watched.
    resource_id: Option<String>,
    /// When it lapses, in milliseconds since 1970.
    #[serde(default, deserialize_with = "long")]
    expiration: Option<u64>,
    /// Gmail: from where the mailbox's history is to be read.
    #[serde(default, deserialize_with = "long")]
    history_id: Option<u64>,
    /// Classroom: the registration's id.
    registration_id: Option<String>,
    /// Classroom: when it lapses.
    expiry_time: Option<Timestamp>,
}

/// What a channel is to be, before Google is asked.
struct Wanted<'a> {
    /// `drive/files/ID`: the first word says which API stops it.
    resource: String,
    operation: &'static str,
    arguments: &'a dyn erased::Arguments,
    replaces: Option<&'a str>,
    /// When it is renewed, if not shortly before its end.
    renew_at: Option<Timestamp>,
}

/// Arguments of any of the operations, for their renewal.
mod erased {
    use super::{Error, Result, Value};

    pub(super) trait Arguments: Sync {
        fn value(&self) -> Result<Value>;
    }

    impl<T: serde::Serialize + Sync> Arguments for T {
        fn value(&self) -> Result<Value> {
            serde_json::to_value(self).map_err(|_| Error::internal("the arguments cannot be written as JSON"))
        }
    }
}

fn moment(millis: u64) -> Option<Timestamp> {
    i64::try_from(millis).ok()?.checked_mul(1000).map(Timestamp::from_micros)
}

/// Keeps what was opened, and stops what it takes the place of.
async fn kept(
    call: &Call<'_, GoogleWorkspace>,
    id: String,
    vendor_id: String,
    end: Timestamp,
    wanted: Wanted<'_>,
) -> Result<Watch> {
    let mut arguments = wanted.arguments.value()?;
    if let Value::Object(members) = &mut arguments {
        members.insert("replaces".to_owned(), json!(id));
    }
    let channel = Channel {
        id: id.clone(),
        vendor_id,
        resource: wanted.resource.clone(),
        expires_at: Some(end),
        renew_at: wanted.renew_at,
        renewal: Some(Renewal { operation: wanted.operation.to_owned(), arguments }),
    };
    match wanted.replaces {
        Some(old) => call.replace_channel(channel.clone(), old).await?,
        None => call.keep_channel(channel.clone()).await?,
    }
    call.note("channelId", id.clone());
    if let Some(old) = wanted.replaces
        && old != id
        && let Ok(old) = call.channel(old).await
    {
        if is_same(&old, &channel) {
            call.forget_channel(&old.id).await?;
        } else if let Err(error) = stop(call, &old).await {
            // It lapses by itself; until then changes are told twice, with other ids.
            tracing::warn!(code = %error.code(), "a channel that was replaced could not be stopped");
            call.forget_channel(&old.id).await?;
        }
    }
    Ok(Watch { channel_id: Some(id), resource: Some(wanted.resource), expires_at: Some(end), ..Watch::default() })
}

/// Whether both are one thing with Google: of a feed and a topic Classroom keeps one registration, and answers a second with
/// the id of the first; of a mailbox there is one watch. With the others that id is of what is watched.
fn is_same(old: &Channel, new: &Channel) -> bool {
    let once = new.resource.starts_with("classroom/") || new.resource.starts_with("gmail/");
    once && !new.vendor_id.is_empty() && old.vendor_id == new.vendor_id
}

/// Tells the API that a channel belongs to that it has done its work.
async fn stop(call: &Call<'_, GoogleWorkspace>, channel: &Channel) -> Result<()> {
    let (api, _) = channel.resource.split_once('/').unwrap_or((&channel.resource, ""));
    if channel.vendor_id.is_empty() && api != "gmail" {
        let why = "Google's word on this channel was lost, and with it the id by which Google stops it; if it is open, it \
                   lapses by itself";
        return Err(Error::new(ErrorCode::Conflict, why));
    }
    let (groups, request): (Scopes, _) = match api {
        "gmail" => (scopes::MAILBOX_WATCH, call.post(gmail(call, "stop")?)),
        "classroom" => {
            let url = call.url(host::CLASSROOM, &["v1", "registrations", &channel.vendor_id])?;
            (scopes::PUSH, call.delete(url))
        }
        _ => {
            let body = json!({ "id": channel.id, "resourceId": channel.vendor_id });
            let (groups, url) = match api {
                "calendar" => (scopes::EVENT, calendar(call, &["channels", "stop"])?),
                "directory" => {
                    let url = call.url(host::ADMIN, &["admin", "directory_v1", "channels", "stop"])?;
                    (scopes::DIRECTORY_WATCH, url)
                }
                _ => (scopes::FILES, drive(call, &["channels", "stop"])?),
            };
            (groups, call.post(url).json(&body))
        }
    };
    let subject = channel.renewal.as_ref().and_then(|renewal| renewal.arguments.get("asUser")?.as_str());
    let wanted = oauth::Wanted { scopes: groups, subject: subject.map(str::to_owned), ..call.wanted().clone() };
    let response = call.with_token(wanted).exchange(request, Repeat::Always).await?;
    match response.status {
        // What is gone was stopped before, or has lapsed.
        200..=299 | 404 | 410 => call.forget_channel(&channel.id).await,
        _ => Err(call.refusal(&response)),
    }
}

operation! {
    /// Stops a channel of any of the `watch…` operations.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/channels/stop>. Access `manage`. Errors:
    /// `not_found` for a channel that the school does not have.
    ///
    /// Example: `{"channelId": "0123456789abcdef0123456789abcdef"}`
    StopWatching = "stopWatching", Manage, Always -> Done,
    scopes &[],
    discloses {}
    path {
        /// The `channelId` that the channel was answered with.
        channel_id: String,
    }
    required {}
    optional {}
    check |this| { check_text("channelId", &this.channel_id, 64)?; }
    run |this, call| {
        let channel = call.channel(&this.channel_id).await?;
        stop(call, &channel).await?;
        Ok(Done { done: true })
    }
}

/// The operations of this family.
pub(super) fn operations() -> Vec<crate::providers::OperationSpec> {
    crate::operations![WatchFile, WatchChanges, WatchEvents, WatchUsers, WatchMail, WatchClassroom, StopWatching]
}
