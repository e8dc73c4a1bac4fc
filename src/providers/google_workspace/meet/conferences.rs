//! Conferences that were held, and who was there.
//! <https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords>

use super::{
    super::define::{self, operation},
    READ, at, check_name, id_of,
    objects::{Conference, Conferences, ParticipantSessions, Participants, Recordings, Transcripts},
};
use crate::error::{Error, Result};

const RECORDS: &str = "conferenceRecords";

operation! {
    /// Lists conferences, the newest first: those of the last 30 days.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords/list>. Access `read`.
    ///
    /// Example: `{"filter": "space.meeting_code = \"abc-mnop-xyz\""}`
    ListConferences = "listConferences", Read, Always -> Conferences,
    scopes READ,
    discloses {}
    path {}
    required {}
    optional {
        /// Google's filter: on `space.name`, `space.meeting_code`, `start_time` and `end_time`.
        filter: String,
        /// How many on a page, 1 to 100; Google's default is 25.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| { define::check_page("pageSize", this.page_size, 100)?; }
    run |this, call| { define::get(call, at(call, &[RECORDS])?, &this.rest()?).await }
}

operation! {
    /// Reads a conference.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords/get>. Access `read`. Errors:
    /// `not_found`, also 30 days after its end.
    ///
    /// Example: `{"conference": "conferenceRecords/abc"}`
    GetConference = "getConference", Read, Always -> Conference,
    scopes READ,
    discloses {}
    path {}
    required {
        /// The conference's name or id.
        conference: String,
    }
    optional {}
    check |this| { check_name("conference", &this.conference, RECORDS)?; }
    run |this, call| { define::read(call, at(call, &[RECORDS, id_of(&this.conference, RECORDS)])?).await }
}

/// What is listed of one conference.
macro_rules! of_conference {
    ($(#[$about:meta])* $name:ident = $wire:literal -> $page:ty, $segment:literal, $most:literal) => {
        operation! {
            $(#[$about])*
            $name = $wire, Read, Always -> $page,
            scopes READ,
            discloses {}
            path {}
            required {
                /// The conference's name or id.
                conference: String,
            }
            optional {
                /// How many on a page.
                page_size: u32,
                /// The `nextPageToken` of the page before.
                page_token: String,
            }
            check |this| {
                check_name("conference", &this.conference, RECORDS)?;
                define::check_page("pageSize", this.page_size, $most)?;
            }
            run |this, call| {
                let url = at(call, &[RECORDS, id_of(&this.conference, RECORDS), $segment])?;
                define::get(call, url, &define::without(this, &["conference", "as_user"])?).await
            }
        }
    };
}

of_conference! {
    /// Lists who was in a conference: attendance.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords.participants/list>. Access
    /// `read`. Errors: `not_found`.
    ///
    /// Example: `{"conference": "conferenceRecords/abc", "pageSize": 250}`
    ListParticipants = "listParticipants" -> Participants, "participants", 250
}

of_conference! {
    /// Lists the recordings of a conference.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords.recordings/list>. Access `read`.
    /// Errors: `not_found`.
    ///
    /// Example: `{"conference": "conferenceRecords/abc"}`
    ListRecordings = "listRecordings" -> Recordings, "recordings", 100
}

of_conference! {
    /// Lists the transcripts of a conference.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords.transcripts/list>. Access
    /// `read`. Errors: `not_found`.
    ///
    /// Example: `{"conference": "conferenceRecords/abc"}`
    ListTranscripts = "listTranscripts" -> Transcripts, "transcripts", 100
}

operation! {
    /// Lists the stays of a participant: when they came and left.
    ///
    /// <https://developers.google.com/workspace/meet/api/reference/rest/v2/conferenceRecords.participants.participantSessions/list>.
    /// Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"participant": "conferenceRecords/abc/participants/def"}`
    ListParticipantSessions = "listParticipantSessions", Read, Always -> ParticipantSessions,
    scopes READ,
    discloses {}
    path {}
    required {
        /// The participant's name, as `listParticipants` gives it.
        participant: String,
    }
    optional {
        /// How many on a page, 1 to 250; Google's default is 100.
        page_size: u32,
        /// The `nextPageToken` of the page before.
        page_token: String,
    }
    check |this| {
        parts(&this.participant)?;
        define::check_page("pageSize", this.page_size, 250)?;
    }
    run |this, call| {
        let (conference, participant) = parts(&this.participant)?;
        let url = at(call, &[RECORDS, conference, "participants", participant, "participantSessions"])?;
        define::get(call, url, &define::without(this, &["participant", "as_user"])?).await
    }
}

/// The conference and the participant in the name of a participant.
fn parts(name: &str) -> Result<(&str, &str)> {
    let wrong = || Error::invalid("participant", "must be a name such as conferenceRecords/abc/participants/def");
    let (conference, participant) =
        name.strip_prefix("conferenceRecords/").and_then(|rest| rest.split_once("/participants/")).ok_or_else(wrong)?;
    for id in [conference, participant] {
        check_name("participant", id, "participants").map_err(|_| wrong())?;
    }
    Ok((conference, participant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_participants_name_has_two_ids() {
        assert_eq!(parts("conferenceRecords/a/participants/b").unwrap(), ("a", "b"));
        for bad in [
            "",
            "a",
            "conferenceRecords/a",
            "conferenceRecords//participants/b",
            "conferenceRecords/a/participants/b/c",
        ] {
            assert_eq!(parts(bad).unwrap_err().field(), Some("participant"), "{bad}");
        }
    }
}
