//! Channels of Drive, Calendar and the Directory. <https://developers.google.com/workspace/drive/api/guides/push>

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{
    super::{
        GoogleWorkspace,
        define::operation,
        scopes,
        wire::{calendar, drive, host},
    },
    Opened, Wanted, Watch, kept, moment,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::{Call, Channel},
    transport::Repeat,
};

/// How long a channel is asked for unless the caller says otherwise: what Drive gives for changes, and Calendar takes.
const DAYS: u32 = 7;
/// The longest that any of them gives.
const MOST_DAYS: u32 = 30;

/// Opens a channel of Drive, Calendar or the Directory. It is on record before Google is asked: it may be open, and call the
/// school, though no word of it comes.
async fn open(
    call: &Call<'_, GoogleWorkspace>,
    url: Url,
    address: &Url,
    days: Option<u32>,
    wanted: Wanted<'_>,
) -> Result<Watch> {
    let id = call.vendor_key("");
    let until = call.now().after(Duration::from_secs(u64::from(days.unwrap_or(DAYS)) * 86_400));
    let body = json!({
        "id": id,
        "type": "web_hook",
        "address": call.webhook_address(address)?,
        "token": call.channel_secret(&id),
        "expiration": (until.as_micros() / 1000).to_string(),
    });
    call.note("channelId", id.clone());
    let opening = Channel {
        id: id.clone(),
        vendor_id: String::new(),
        resource: wanted.resource.clone(),
        expires_at: Some(until),
        renew_at: None,
        renewal: None,
    };
    call.keep_channel(opening).await?;
    let named = |error: Error| {
        error.with_done(json!({ "steps": { "open": { "state": "unknown", "brought": { "channelId": id } } } }))
    };
    let sent = call.send_as(call.post(url).json(&body), Repeat::Never).await;
    match sent.and_then(|response| call.read::<Opened>(&response, Repeat::Never)) {
        Ok(opened) => {
            let end = opened.expiration.and_then(moment).unwrap_or(until);
            kept(call, id.clone(), opened.resource_id.unwrap_or_default(), end, wanted).await.map_err(named)
        }
        Err(error) if error.code() == ErrorCode::OutcomeUnknown || is_open_already(&error) => Err(named(error)),
        Err(error) => {
            if let Err(error) = call.forget_channel(&id).await {
                tracing::warn!(code = %error.code(), "a channel that was refused could not be forgotten");
            }
            Err(error)
        }
    }
}

/// Whether Google has a channel of this id: an earlier try has opened it.
fn is_open_already(error: &Error) -> bool {
    error.vendor().is_some_and(|vendor| vendor.code.as_deref() == Some("channelIdNotUnique"))
}

fn check_days(days: Option<u32>) -> Result<()> {
    match days {
        Some(days) if days == 0 || days > MOST_DAYS => {
            Err(Error::invalid("days", format!("must be 1 to {MOST_DAYS}; Google may give less")))
        }
        _ => Ok(()),
    }
}

operation! {
    /// Has Drive tell the school's webhook when a file changes, until it is stopped.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/files/watch>. Access `manage`. Google gives at
    /// most a day for a file; the channel is renewed ahead of its end.
    ///
    /// Example: `{"fileId": "file-1", "address": "https://sis.school.example/api/integrations/webhooks/google_workspace"}`
    WatchFile = "watchFile", Manage, Never -> Watch,
    scopes scopes::FILES,
    discloses {}
    path {
        /// The file.
        file_id: String,
    }
    required {
        /// Where the host takes webhooks: an https address that Google can reach. The school's route is added.
        address: Url,
    }
    optional {
        /// For how many days: 1 to 30, and less where Google gives less.
        days: u32,
        /// The channel that this one takes the place of: it is stopped.
        replaces: String,
    }
    check |this| { check_days(this.days)?; }
    run |this, call| {
        let url = drive(call, &["files", &this.file_id, "watch"])?;
        let mut url = url;
        url.query_pairs_mut().append_pair("supportsAllDrives", "true");
        let wanted = Wanted {
            resource: format!("drive/files/{}", this.file_id),
            operation: "watchFile",
            arguments: this,
            replaces: this.replaces.as_deref(),
            renew_at: None,
        };
        // A file's channel holds for a day at most.
        open(call, url, &this.address, Some(this.days.unwrap_or(1)), wanted).await
    }
}

operation! {
    /// Has Drive tell the school's webhook when anything changes that the user can see. `since` in the answer is the page
    /// token for `listChanges`.
    ///
    /// <https://developers.google.com/workspace/drive/api/reference/rest/v3/changes/watch>. Access `manage`.
    ///
    /// Example: `{"address": "https://sis.school.example/api/integrations/webhooks/google_workspace"}`
    WatchChanges = "watchChanges", Manage, Never -> Watch,
    scopes scopes::FILES,
    discloses {}
    path {}
    required {
        /// Where the host takes webhooks: an https address that Google can reach. The school's route is added.
        address: Url,
    }
    optional {
        /// From where changes are told; default: from now.
        page_token: String,
        /// For how many days: 1 to 30, and less where Google gives less.
        days: u32,
        /// The channel that this one takes the place of: it is stopped.
        replaces: String,
    }
    check |this| { check_days(this.days)?; }
    run |this, call| {
        let token = match &this.page_token {
            Some(token) => token.clone(),
            None => {
                let url = drive(call, &["changes", "startPageToken"])?;
                let request = call.get(url).query("supportsAllDrives", "true");
                let response = call.send_as(request, Repeat::Always).await?;
                let answer: Value = call.read(&response, Repeat::Always)?;
                let token = answer.get("startPageToken").and_then(Value::as_str);
                token.map(str::to_owned).ok_or_else(|| {
                    Error::new(ErrorCode::InvalidResponse, "Drive gave no page token to begin from")
                })?
            }
        };
        let mut url = drive(call, &["changes", "watch"])?;
        url.query_pairs_mut()
            .append_pair("pageToken", &token)
            .append_pair("supportsAllDrives", "true")
            .append_pair("includeItemsFromAllDrives", "true");
        // A renewed channel begins where it is renewed: the token from before goes stale.
        let renewed = WatchChanges { page_token: None, ..this.clone() };
        let wanted = Wanted {
            resource: "drive/changes".to_owned(),
            operation: "watchChanges",
            arguments: &renewed,
            replaces: this.replaces.as_deref(),
            renew_at: None,
        };
        let watch = open(call, url, &this.address, this.days, wanted).await?;
        Ok(Watch { since: Some(token), ..watch })
    }
}

operation! {
    /// Has Calendar tell the school's webhook when an event of a calendar changes.
    ///
    /// <https://developers.google.com/workspace/calendar/api/guides/push>. Access `manage`.
    ///
    /// Example: `{"calendarId": "primary", "address": "https://sis.school.example/api/integrations/webhooks/google_workspace"}`
    WatchEvents = "watchEvents", Manage, Never -> Watch,
    scopes scopes::EVENT,
    discloses { "calendarId": Contact(Staff) }
    path {
        /// The calendar; `primary` is the user's own.
        calendar_id: String,
    }
    required {
        /// Where the host takes webhooks: an https address that Google can reach. The school's route is added.
        address: Url,
    }
    optional {
        /// For how many days: 1 to 30, and less where Google gives less.
        days: u32,
        /// The channel that this one takes the place of: it is stopped.
        replaces: String,
    }
    check |this| { check_days(this.days)?; }
    run |this, call| {
        let url = calendar(call, &["calendars", &this.calendar_id, "events", "watch"])?;
        // A calendar's id is its owner's address: it has no place in a record.
        let wanted = Wanted {
            resource: "calendar/events".to_owned(),
            operation: "watchEvents",
            arguments: this,
            replaces: this.replaces.as_deref(),
            renew_at: None,
        };
        open(call, url, &this.address, this.days, wanted).await
    }
}

operation! {
    /// Has the Directory tell the school's webhook when accounts are made, changed or deleted.
    ///
    /// <https://developers.google.com/workspace/admin/directory/v1/guides/push>. Access `manage`.
    ///
    /// Example: `{"event": "add", "address": "https://sis.school.example/api/integrations/webhooks/google_workspace"}`
    WatchUsers = "watchUsers", Manage, Never -> Watch,
    scopes scopes::DIRECTORY_WATCH,
    discloses {}
    path {}
    required {
        /// Of what to be told: `add`, `delete`, `makeAdmin`, `undelete` or `update`.
        event: String,
        /// Where the host takes webhooks: an https address that Google can reach. The school's route is added.
        address: Url,
    }
    optional {
        /// For how many days: 1 to 30, and less where Google gives less.
        days: u32,
        /// The channel that this one takes the place of: it is stopped.
        replaces: String,
    }
    check |this| {
        if !["add", "delete", "makeAdmin", "undelete", "update"].contains(&this.event.as_str()) {
            return Err(Error::invalid("event", "must be add, delete, makeAdmin, undelete or update"));
        }
        check_days(this.days)?;
    }
    run |this, call| {
        let mut url = call.url(host::ADMIN, &["admin", "directory", "v1", "users", "watch"])?;
        url.query_pairs_mut()
            .append_pair("customer", call.config().customer_or_own())
            .append_pair("event", &this.event);
        let wanted = Wanted {
            resource: format!("directory/users/{}", this.event),
            operation: "watchUsers",
            arguments: this,
            replaces: this.replaces.as_deref(),
            renew_at: None,
        };
        open(call, url, &this.address, this.days, wanted).await
    }
}
