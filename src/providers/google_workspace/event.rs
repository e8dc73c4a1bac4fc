//! What Google tells, as types. <https://developers.google.com/workspace/drive/api/guides/push>
//!
//! Google tells that something has changed, seldom what: read it with the operation that is named at the event. Messages come
//! in no order, now and then twice, and now and then not at all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{define::long, directory::User};
use crate::{
    error::Result,
    providers::{WebhookEvent, typed::read_data},
    typed_events,
};

typed_events! {
    /// An event of Google's, by its kind.
    ///
    /// What comes by Pub/Sub from a host's own subscription, such as Workspace Events of Meet, is among the `Other`, under the
    /// kind that Google gave it.
    ///
    /// ```
    /// use serde_json::json;
    /// use sis_integrations::providers::{WebhookEvent, google_workspace::GoogleEvent};
    ///
    /// let data = json!({ "data": { "emailAddress": "teacher@school.example", "historyId": "9876543210" } });
    /// match WebhookEvent::new("1", "gmail.history", data).typed()? {
    ///     GoogleEvent::MailChanged(told) => assert_eq!(told.data.history_id, Some(9_876_543_210)),
    ///     GoogleEvent::EventsChanged(channel) => println!("list the events of {} again", channel.channel_id),
    ///     _ => {}
    /// }
    /// # Ok::<(), sis_integrations::Error>(())
    /// ```
    pub GoogleEvent of "google_workspace", by read {
        /// Something in what the user sees of Drive has changed: `listChanges` says what.
        "drive.changes.change" => DriveChanged(ChannelNotice),
        /// A file that is watched was made, or shared with the user.
        "drive.file.add" => FileAdded(ChannelNotice),
        /// A file that is watched was deleted, or is shared no more.
        "drive.file.remove" => FileRemoved(ChannelNotice),
        /// A file that is watched has changed: `changed` says in what.
        "drive.file.update" => FileUpdated(ChannelNotice),
        /// A file that is watched was put into the trash.
        "drive.file.trash" => FileTrashed(ChannelNotice),
        /// A file that is watched was taken out of the trash.
        "drive.file.untrash" => FileUntrashed(ChannelNotice),

        /// An event of a calendar was made, changed or deleted: `listEvents` with its `syncToken` says which.
        "calendar.events.exists" => EventsChanged(ChannelNotice),
        /// The calendar itself is gone.
        "calendar.events.not_exists" => CalendarGone(ChannelNotice),

        /// An account was made.
        "directory.users.add" => UserAdded(AccountNotice),
        /// An account has changed.
        "directory.users.update" => UserUpdated(AccountNotice),
        /// An account was deleted.
        "directory.users.delete" => UserDeleted(AccountNotice),
        /// A deleted account is back.
        "directory.users.undelete" => UserUndeleted(AccountNotice),
        /// An account was made an administrator's, or is one no more.
        "directory.users.makeAdmin" => UserAdminChanged(AccountNotice),

        /// A mailbox has changed: `listMailHistory` says in what, from the `historyId` that was known before.
        "gmail.history" => MailChanged(Published<MailboxNotice>),

        /// A student was put into a course.
        "classroom.courses.students.created" => StudentAdded(Published<ClassroomNotice>),
        /// A student left a course.
        "classroom.courses.students.deleted" => StudentRemoved(Published<ClassroomNotice>),
        /// A teacher was put into a course.
        "classroom.courses.teachers.created" => TeacherAdded(Published<ClassroomNotice>),
        /// A teacher left a course.
        "classroom.courses.teachers.deleted" => TeacherRemoved(Published<ClassroomNotice>),
        /// Course work was set.
        "classroom.courses.courseWork.created" => CourseWorkCreated(Published<ClassroomNotice>),
        /// Course work has changed.
        "classroom.courses.courseWork.modified" => CourseWorkModified(Published<ClassroomNotice>),
        /// Course work was deleted.
        "classroom.courses.courseWork.deleted" => CourseWorkDeleted(Published<ClassroomNotice>),
        /// A student has got work to hand in.
        "classroom.courses.courseWork.studentSubmissions.created" => SubmissionCreated(Published<ClassroomNotice>),
        /// What a student hands in has changed: handed in, returned, graded.
        "classroom.courses.courseWork.studentSubmissions.modified" => SubmissionModified(Published<ClassroomNotice>),
        /// A student has the work no more.
        "classroom.courses.courseWork.studentSubmissions.deleted" => SubmissionDeleted(Published<ClassroomNotice>),
    }
}

/// What every message of a channel says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChannelNotice {
    /// The channel, as the `watch…` operation answered it.
    pub channel_id: String,
    /// Google's id of what is watched.
    #[serde(default)]
    pub resource_id: String,
    /// What has happened to it, in Google's word.
    pub resource_state: String,
    /// Of a file: `content`, `properties`, `parents`, `children` or `permissions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// What else was said.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What the Directory says of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountNotice {
    /// The channel, as `watchUsers` answered it.
    pub channel_id: String,
    /// What has happened, in Google's word.
    pub resource_state: String,
    /// The account: its id and address, sometimes no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<User>,
    /// What else was said.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What comes by Pub/Sub.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Published<T> {
    /// The push subscription that it came by.
    #[serde(default)]
    pub subscription: String,
    /// The message's attributes.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// What was said.
    pub data: T,
}

/// What Gmail says of a mailbox.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailboxNotice {
    /// Whose mailbox it is.
    pub email_address: String,
    /// How far it has come. What has happened is listed from the one that was known before.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "long")]
    pub history_id: Option<u64>,
    /// What else was said.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What Classroom says of a roster or of course work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClassroomNotice {
    /// What it is about, such as `courses.students`.
    pub collection: String,
    /// `CREATED`, `MODIFIED` or `DELETED`.
    pub event_type: String,
    /// Which one.
    pub resource_id: ClassroomResource,
    /// What else was said.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The ids of what Classroom tells about; which there are, its kind says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClassroomResource {
    /// The course.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course_id: Option<String>,
    /// The student or teacher, of a roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The course work that a submission is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course_work_id: Option<String>,
    /// The course work or the submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
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

    fn typed(kind: &str, data: Value) -> Result<GoogleEvent> {
        WebhookEvent::new("1", kind, data).typed()
    }

    #[test]
    fn every_kind_has_its_variant_and_stands_in_the_page() {
        let data = json!({
            "channelId": "c-1", "resourceId": "r-1", "resourceState": "update",
            "data": { "emailAddress": "a@b.example", "collection": "courses.students", "eventType": "CREATED", "resourceId": {} },
        });
        assert_own_variants::<GoogleEvent>(GoogleEvent::KINDS, &data);
        assert_told(include_str!("../../../docs/providers/google_workspace.md"), GoogleEvent::KINDS);
    }

    #[test]
    fn an_account_and_a_roster_are_read() {
        let body = json!({ "kind": "admin#directory#user", "id": "117", "primaryEmail": "jo@school.example" });
        let read = typed("directory.users.add", json!({ "channelId": "c", "resourceState": "add", "body": body }));
        let Ok(GoogleEvent::UserAdded(notice)) = read else { panic!("{read:?}") };
        assert_eq!(notice.body.unwrap().primary_email.as_deref(), Some("jo@school.example"));
        let roster = json!({
            "collection": "courses.students", "eventType": "CREATED",
            "resourceId": { "courseId": "c-1", "userId": "u-1" },
        });
        let all = json!({ "subscription": "projects/school/subscriptions/push", "attributes": {}, "data": roster });
        let read = typed("classroom.courses.students.created", all);
        let Ok(GoogleEvent::StudentAdded(told)) = read else { panic!("{read:?}") };
        let which = told.data.resource_id;
        assert_eq!((which.course_id.as_deref(), which.user_id.as_deref(), which.id), (Some("c-1"), Some("u-1"), None));
        let error = typed("gmail.history", json!({ "data": { "emailAddress": 7 } })).unwrap_err();
        assert_eq!(error.field(), Some("data.data.emailAddress"));
    }

    const NAMES: &[&str] = &[
        "channelId",
        "resourceId",
        "resourceState",
        "changed",
        "body",
        "subscription",
        "attributes",
        "data",
        "emailAddress",
        "historyId",
        "collection",
        "eventType",
    ];

    proptest! {
        #[test]
        fn anything_is_read_or_refused_by_its_path(data in any_data(NAMES)) {
            read_or_refused::<GoogleEvent>(GoogleEvent::KINDS, &data)?;
        }
    }
}
