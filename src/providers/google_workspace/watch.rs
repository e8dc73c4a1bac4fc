//! Being told of changes: channels of Drive, Calendar and the Directory, and Gmail's and Classroom's by Pub/Sub.
//! <https://developers.google.com/workspace/drive/api/guides/push>. Subscriptions of Workspace Events are not made here;
//! what a host's own brings by Pub/Sub is taken.
//!
//! Google signs nothing of a channel's messages. Each channel has a secret of its own, made of the school's key and the
//! channel's id, that Google brings with every message. Messages by Pub/Sub carry a token that Google has signed.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    GoogleWorkspace,
    define::{self, Done, check_id, check_text, long, object, operation},
    gmail::MailProfile,
    scopes, webhook,
    wire::{calendar, drive, host},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::{Call, Capability, Channel, Renewal},
    transport::{
        Repeat,
        oauth::{self, Scopes},
    },
};

/// How long a channel is asked for unless the caller says otherwise: what Drive gives for changes, and Calendar takes.
const DAYS: u32 = 7;
/// The longest that any of them gives.
const MOST_DAYS: u32 = 30;

/// How often a mailbox's watch is renewed: Google asks for that.
const RENEWED: Duration = Duration::from_secs(86_400);
/// How long it holds where Google does not say.
const MAILBOX_LIFE: Duration = Duration::from_secs(7 * 86_400);

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

/// Has Gmail tell a topic of a mailbox. Where it tells another topic, for a channel of the school's own, that ends first.
async fn watch_mailbox(call: &Call<'_, GoogleWorkspace>, this: &WatchMail, mark: &str) -> Result<Opened> {
    let mut body = Map::from_iter([("topicName".to_owned(), json!(this.topic_name))]);
    if let Some(labels) = &this.label_ids {
        body.insert("labelIds".to_owned(), json!(labels));
        body.insert("labelFilterBehavior".to_owned(), json!("include"));
    }
    let request = call.post(gmail(call, "watch")?).json(&Value::Object(body));
    let sent = match call.send_as(request.clone(), Repeat::Always).await {
        Err(error) if tells_another_topic(&error) => {
            if !is_ours(call, this, mark).await {
                let why = "Gmail tells another topic of this mailbox already, and one is all it tells: name the channel in \
                           replaces, or stop it with stopWatching first";
                let vendor = error.vendor().cloned();
                let error = Error::new(ErrorCode::Conflict, why).with_field("topicName");
                return Err(vendor.map_or(error.clone(), |vendor| error.with_vendor(vendor)));
            }
            call.send_as(call.post(gmail(call, "stop")?), Repeat::Always).await?;
            call.send_as(request, Repeat::Always).await
        }
        sent => sent,
    };
    call.read(&sent?, Repeat::Always)
}

fn gmail(call: &Call<'_, GoogleWorkspace>, verb: &str) -> Result<Url> {
    call.url(host::GMAIL, &["gmail", "v1", "users", "me", verb])
}

fn tells_another_topic(error: &Error) -> bool {
    let words = error.vendor().and_then(|vendor| vendor.message.as_deref());
    words.is_some_and(|words| words.starts_with("Only one user push notification client allowed"))
}

/// Whether the watch that a mailbox has is a channel of the school's.
async fn is_ours(call: &Call<'_, GoogleWorkspace>, this: &WatchMail, mark: &str) -> bool {
    for id in [Some(mark), this.replaces.as_deref()].into_iter().flatten() {
        if call.channel(id).await.is_ok_and(|channel| channel.vendor_id == mark) {
            return true;
        }
    }
    false
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

/// By what the acting user's mailbox is known when Gmail tells of it.
async fn mailbox(call: &Call<'_, GoogleWorkspace>) -> Result<String> {
    let url = call.url(host::GMAIL, &["gmail", "v1", "users", "me", "profile"])?;
    let profile: MailProfile = define::read(call, url).await?;
    let address = profile.email_address.filter(|address| !address.is_empty());
    let address =
        address.ok_or_else(|| Error::new(ErrorCode::InvalidResponse, "Gmail does not say whose mailbox it is"))?;
    Ok(webhook::mark(&call.channel_secret(&webhook::mailbox_name(&address))))
}

fn check_days(days: Option<u32>) -> Result<()> {
    match days {
        Some(days) if days == 0 || days > MOST_DAYS => {
            Err(Error::invalid("days", format!("must be 1 to {MOST_DAYS}; Google may give less")))
        }
        _ => Ok(()),
    }
}

fn check_topic(topic: &str) -> Result<()> {
    let mut parts = topic.split('/');
    let good = parts.next() == Some("projects")
        && parts.next().is_some_and(|project| !project.is_empty())
        && parts.next() == Some("topics")
        && parts.next().is_some_and(|name| !name.is_empty())
        && parts.next().is_none();
    if good { Ok(()) } else { Err(Error::invalid("topicName", "must be projects/PROJECT/topics/TOPIC")) }
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

operation! {
    /// Has Gmail tell a Pub/Sub topic when a mailbox changes; the topic's push subscription calls the school's webhook.
    /// `since` in the answer is the history id for `listMailHistory`. It holds for a week, and is renewed every day. Of a
    /// mailbox there is one channel: asked for again, it is the same one, with what is asked for now.
    ///
    /// <https://developers.google.com/workspace/gmail/api/guides/push>. Access `manage`. The topic must let
    /// `gmail-api-push@system.gserviceaccount.com` publish. Errors: `conflict` at `topicName` where something else than a
    /// channel of the school's has Gmail tell another topic.
    ///
    /// Example: `{"topicName": "projects/school/topics/gmail"}`
    WatchMail = "watchMail", Manage, Always -> Watch,
    scopes scopes::MAILBOX_WATCH,
    discloses {}
    path {}
    required {
        /// The topic: `projects/PROJECT/topics/TOPIC`.
        topic_name: String,
    }
    optional {
        /// Only mail with these labels.
        label_ids: Vec<String>,
        /// The channel that this one takes the place of.
        replaces: String,
    }
    check |this| { check_topic(&this.topic_name)?; }
    run |this, call| {
        let mark = mailbox(call).await?;
        let opened = watch_mailbox(call, this, &mark).await?;
        let end = opened.expiration.and_then(moment).unwrap_or_else(|| call.now().after(MAILBOX_LIFE));
        let wanted = Wanted {
            resource: "gmail/mailbox".to_owned(),
            operation: "watchMail",
            arguments: this,
            replaces: this.replaces.as_deref(),
            renew_at: Some(call.now().after(RENEWED)),
        };
        // Known by its mailbox, a second watch of it is the same channel.
        let watch = kept(call, mark.clone(), mark, end, wanted).await?;
        Ok(Watch { since: opened.history_id.map(|id| id.to_string()), ..watch })
    }
}

operation! {
    /// Has Classroom tell a Pub/Sub topic of changes of rosters or course work; the topic's push subscription calls the
    /// school's webhook. It holds for a week, and is renewed ahead of that. Of a feed and a topic there is one channel: asked
    /// for again, it is the same one.
    ///
    /// <https://developers.google.com/workspace/classroom/best-practices/push-notifications>. Access `manage`. The topic must
    /// let `classroom-notifications@system.gserviceaccount.com` publish. Not with a service account, and only with a scope
    /// that opens the rosters or the course work too.
    ///
    /// Example: `{"feed": "course_roster_changes", "courseId": "course-1", "topicName": "projects/school/topics/classroom"}`
    WatchClassroom = "watchClassroom", Manage, Never -> Watch,
    scopes scopes::PUSH,
    capability |config| {
        if config.service_account_key.is_some() {
            Capability::Unsupported(
                "Google gives Classroom's notifications to no service account that stands in for a user; they need the \
                 consent of a person",
            )
        } else {
            Capability::Supported
        }
    }
    discloses {}
    path {}
    required {
        /// What to be told of: `domain_roster_changes`, `course_roster_changes` or `course_work_changes`.
        feed: String,
        /// The topic: `projects/PROJECT/topics/TOPIC`.
        topic_name: String,
    }
    optional {
        /// The course; not for `domain_roster_changes`.
        course_id: String,
        /// The channel that this one takes the place of: its registration is deleted.
        replaces: String,
    }
    check |this| {
        check_topic(&this.topic_name)?;
        match (this.feed.as_str(), &this.course_id) {
            ("domain_roster_changes", None) => {}
            ("domain_roster_changes", Some(_)) => {
                return Err(Error::invalid("courseId", "must be left out: the feed is of the whole domain"));
            }
            ("course_roster_changes" | "course_work_changes", Some(course)) => check_id("courseId", course)?,
            ("course_roster_changes" | "course_work_changes", None) => {
                return Err(Error::invalid("courseId", "is required: the feed is of one course"));
            }
            _ => {
                let why = "must be domain_roster_changes, course_roster_changes or course_work_changes";
                return Err(Error::invalid("feed", why));
            }
        }
    }
    run |this, call| {
        let groups = if this.feed == "course_work_changes" { scopes::WORK_FEED } else { scopes::ROSTER_FEED };
        let call = &call.with_token(oauth::Wanted { scopes: groups, ..call.wanted().clone() });
        let mut feed = json!({ "feedType": this.feed.to_uppercase() });
        let info = json!({ "courseId": this.course_id });
        match this.feed.as_str() {
            "course_roster_changes" => feed["courseRosterChangesInfo"] = info,
            "course_work_changes" => feed["courseWorkChangesInfo"] = info,
            _ => {}
        }
        let body = json!({ "feed": feed, "cloudPubsubTopic": { "topicName": this.topic_name } });
        let url = call.url(host::CLASSROOM, &["v1", "registrations"])?;
        // Google answers the same once more with the registration that there is, and has it last longer.
        let response = call.send_as(call.post(url).json(&body), Repeat::Always).await?;
        let opened: Opened = call.read(&response, Repeat::Always)?;
        let end = opened.expiry_time.unwrap_or_else(|| call.now().after(Duration::from_secs(6 * 86_400)));
        let wanted = Wanted {
            resource: format!("classroom/{}", this.feed),
            operation: "watchClassroom",
            arguments: this,
            replaces: this.replaces.as_deref(),
            renew_at: None,
        };
        // Known by its registration, a second watch of the same is the same channel.
        let registration = opened.registration_id.unwrap_or_default();
        let id = webhook::mark(&call.channel_secret(&format!("registration {registration}")));
        kept(call, id, registration, end, wanted).await
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
