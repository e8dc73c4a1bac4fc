//! Meet: meeting spaces, and who was in the conferences held there.
//! <https://developers.google.com/workspace/meet/api/reference/rest/v2>
//!
//! A lesson at a given time is better made as an event of the calendar with a meeting link: that can be repeated without
//! making two.

mod conferences;
mod objects;
mod spaces;

pub use conferences::{
    GetConference, ListConferences, ListParticipantSessions, ListParticipants, ListRecordings, ListTranscripts,
};
pub use objects::{
    Conference, Conferences, Participant, ParticipantSession, ParticipantSessions, Participants, Recording, Recordings,
    Space, Transcript, Transcripts,
};
pub use spaces::{
    AccessType, CreateMeetingSpace, EndActiveConference, EntryPointAccess, GetMeetingSpace, OnOff, SpaceConfig,
    UpdateMeetingSpace,
};

use url::Url;

use super::{
    GoogleWorkspace,
    define::{camel, scope},
    wire::host,
};
use crate::{
    error::{Error, Result},
    operations,
    providers::{Call, OperationSpec},
    transport::oauth::Scopes,
};

const CREATED: Scopes = &[&[scope!("meetings.space.created")]];
const READ: Scopes = &[&[scope!("meetings.space.readonly"), scope!("meetings.space.created")]];
const SETTINGS: Scopes = &[&[scope!("meetings.space.settings"), scope!("meetings.space.created")]];

/// What can be done in Meet.
pub(super) fn operations() -> Vec<OperationSpec> {
    operations![
        CreateMeetingSpace,
        GetMeetingSpace,
        UpdateMeetingSpace,
        EndActiveConference,
        ListConferences,
        GetConference,
        ListParticipants,
        ListParticipantSessions,
        ListRecordings,
        ListTranscripts,
    ]
}

/// The id in a name of Google's: `abc` of `spaces/abc`, and of `abc`.
fn id_of<'a>(name: &'a str, kind: &str) -> &'a str {
    name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name)
}

/// Refuses what is no name, and what is one of another kind.
fn check_name(field: &str, name: &str, kind: &str) -> Result<()> {
    let id = id_of(name, kind);
    if id.trim().is_empty() || id.contains('/') || matches!(id, "." | "..") || id.contains(char::is_control) {
        return Err(Error::invalid(camel(field), format!("must be an id, or a name such as {kind}/abc")));
    }
    Ok(())
}

/// The address of something in Meet.
fn at(call: &Call<'_, GoogleWorkspace>, path: &[&str]) -> Result<Url> {
    call.url(host::MEET, &[&["v2"], path].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_the_same() {
        assert_eq!((id_of("spaces/abc", "spaces"), id_of("abc", "spaces")), ("abc", "abc"));
        for good in ["spaces/abc", "abc", "abc-mnop-xyz"] {
            check_name("space", good, "spaces").unwrap();
        }
        for bad in ["", "spaces/", "spaces/a/b", "conferenceRecords/a", "..", "spaces/.."] {
            assert_eq!(check_name("space", bad, "spaces").unwrap_err().field(), Some("space"), "{bad}");
        }
    }
}
