//! The scopes that operations need: one of each group. <https://developers.google.com/identity/protocols/oauth2/scopes>
//!
//! A group's first is the narrowest that reaches everything an operation may be about. `drive.file` stands last: it opens
//! only what this application made or a person picked for it. A school for which that is enough lists it in
//! `config.scopes`, or consents to it alone.

use super::define::scope;
use crate::transport::oauth::Scopes;

/// What is known of files.
pub(super) const FILES: Scopes =
    &[&[scope!("drive.metadata.readonly"), scope!("drive.readonly"), scope!("drive"), scope!("drive.file")]];
/// What stands in files.
pub(super) const CONTENT: Scopes = &[&[scope!("drive.readonly"), scope!("drive"), scope!("drive.file")]];
/// Making and changing files.
pub(super) const DRIVE: Scopes = &[&[scope!("drive"), scope!("drive.file")]];
/// Shared drives: `drive.file` does not open their list.
pub(super) const DRIVES: Scopes = &[&[scope!("drive.readonly"), scope!("drive")]];

/// What stands in documents.
pub(super) const DOCUMENT: Scopes = &[&[
    scope!("documents.readonly"),
    scope!("documents"),
    scope!("drive.readonly"),
    scope!("drive"),
    scope!("drive.file"),
]];
/// Changing documents.
pub(super) const DOCUMENTS: Scopes = &[&[scope!("documents"), scope!("drive"), scope!("drive.file")]];

/// The list of a person's calendars.
pub(super) const CALENDARS: Scopes = &[&[
    scope!("calendar.calendarlist.readonly"),
    scope!("calendar.calendarlist"),
    scope!("calendar.readonly"),
    scope!("calendar"),
]];
/// Making calendars.
pub(super) const CALENDAR: Scopes =
    &[&[scope!("calendar.calendars"), scope!("calendar"), scope!("calendar.app.created")]];
/// What stands in calendars.
pub(super) const EVENT: Scopes = &[&[
    scope!("calendar.events.readonly"),
    scope!("calendar.events"),
    scope!("calendar.readonly"),
    scope!("calendar"),
    scope!("calendar.events.owned.readonly"),
    scope!("calendar.events.owned"),
    scope!("calendar.app.created"),
]];
/// Making and changing events.
pub(super) const EVENTS: Scopes = &[&[
    scope!("calendar.events"),
    scope!("calendar"),
    scope!("calendar.events.owned"),
    scope!("calendar.app.created"),
]];
/// When people are busy, and nothing of what they do.
pub(super) const BUSY: Scopes = &[&[
    scope!("calendar.freebusy"),
    scope!("calendar.events.freebusy"),
    scope!("calendar.readonly"),
    scope!("calendar"),
]];
/// Who sees a calendar.
pub(super) const ACL_READ: Scopes = &[&[scope!("calendar.acls.readonly"), scope!("calendar.acls"), scope!("calendar")]];
/// Saying who sees a calendar.
pub(super) const ACL: Scopes = &[&[scope!("calendar.acls"), scope!("calendar")]];

/// Being told of changes to a mailbox.
pub(super) const MAILBOX_WATCH: Scopes =
    &[&[scope!("gmail.metadata"), scope!("gmail.readonly"), scope!("gmail.modify"), "https://mail.google.com/"]];
/// Being told of changes in Classroom.
pub(super) const PUSH: Scopes = &[&[scope!("classroom.push-notifications")]];
/// The same of rosters, which must be open to whoever asks.
pub(super) const ROSTER_FEED: Scopes =
    &[&[scope!("classroom.push-notifications")], &[scope!("classroom.rosters.readonly"), scope!("classroom.rosters")]];
/// The same of course work.
pub(super) const WORK_FEED: Scopes = &[
    &[scope!("classroom.push-notifications")],
    &[scope!("classroom.coursework.students.readonly"), scope!("classroom.coursework.students")],
];
/// Being told of changes to accounts.
pub(super) const DIRECTORY_WATCH: Scopes =
    &[&[scope!("admin.directory.user.readonly"), scope!("admin.directory.user")]];

/// Of these, answers tell who people are;
pub(super) const CLASS_PEOPLE: &[&str] = &[scope!("classroom.rosters.readonly"), scope!("classroom.rosters")];
/// with their addresses only by this one, without which nothing is refused.
pub(super) const CLASS_OPTIONAL: &[&str] = &[scope!("classroom.profile.emails")];

/// What a consent to all of it asks for: for each product the scope that opens what its operations need.
pub(super) const EVERYTHING: [&str; 20] = [
    "openid",
    "email",
    scope!("drive"),
    scope!("documents"),
    scope!("calendar"),
    scope!("gmail.modify"),
    scope!("gmail.compose"),
    scope!("classroom.courses"),
    scope!("classroom.rosters"),
    scope!("classroom.profile.emails"),
    scope!("classroom.coursework.students"),
    scope!("classroom.coursework.me"),
    scope!("classroom.announcements"),
    scope!("classroom.topics"),
    scope!("classroom.guardianlinks.students"),
    scope!("classroom.push-notifications"),
    scope!("meetings.space.created"),
    scope!("admin.directory.user"),
    scope!("admin.directory.group"),
    scope!("admin.directory.orgunit"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        providers::{Provider, google_workspace::GoogleWorkspace},
        transport::oauth,
    };

    #[test]
    fn a_consent_to_everything_is_enough_for_every_operation() {
        let granted = EVERYTHING.join(" ");
        for operation in GoogleWorkspace::operations() {
            assert!(oauth::missing(operation.scopes, &granted).is_empty(), "{}", operation.name);
        }
    }
}
