//! What Gmail and Classroom tell by Pub/Sub. <https://developers.google.com/workspace/gmail/api/guides/push>,
//! <https://developers.google.com/workspace/classroom/best-practices/push-notifications>

use std::time::Duration;

use serde_json::{Map, Value, json};
use url::Url;

use super::{
    super::{
        GoogleWorkspace,
        define::{self, check_id, operation},
        gmail::MailProfile,
        scopes, webhook,
        wire::host,
    },
    Opened, Wanted, Watch, kept, moment,
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::{Call, Capability},
    transport::{Repeat, oauth},
};

/// How often a mailbox's watch is renewed: Google asks for that.
const RENEWED: Duration = Duration::from_secs(86_400);
/// How long it holds where Google does not say.
const MAILBOX_LIFE: Duration = Duration::from_secs(7 * 86_400);

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

pub(super) fn gmail(call: &Call<'_, GoogleWorkspace>, verb: &str) -> Result<Url> {
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

/// By what the acting user's mailbox is known when Gmail tells of it.
async fn mailbox(call: &Call<'_, GoogleWorkspace>) -> Result<String> {
    let url = call.url(host::GMAIL, &["gmail", "v1", "users", "me", "profile"])?;
    let profile: MailProfile = define::read(call, url).await?;
    let address = profile.email_address.filter(|address| !address.is_empty());
    let address =
        address.ok_or_else(|| Error::new(ErrorCode::InvalidResponse, "Gmail does not say whose mailbox it is"))?;
    Ok(webhook::mark(&call.channel_secret(&webhook::mailbox_name(&address))))
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
