//! What Meet answers with. Values are Google's; what is not named here is in `more`.

use serde_json::Value;

use super::{
    super::define::{object, page},
    conferences::{ListConferences, ListParticipantSessions, ListParticipants, ListRecordings, ListTranscripts},
};

object! {
    /// A place to meet, that conferences are held in one after another.
    Space {
        /// Google's name: `spaces/…`.
        name: String,
        /// The address that people join by.
        meeting_uri: String,
        /// The code in that address, such as `abc-mnop-xyz`. It lapses, and may be another space's later.
        meeting_code: String,
        /// Who may join, and what they may do.
        config: Value,
        /// The conference that is on now: `conferenceRecord` is its name.
        active_conference: Value,
    }

    /// One conference in a space.
    Conference {
        /// Google's name: `conferenceRecords/…`.
        name: String,
        /// The space's name.
        space: String,
        /// When it began.
        start_time: String,
        /// When it ended; none while it is on.
        end_time: String,
        /// When Google deletes the record: 30 days after the end.
        expire_time: String,
    }

    /// Somebody who was in a conference. Exactly one of the three says who.
    Participant {
        /// Google's name: `conferenceRecords/…/participants/…`.
        name: String,
        /// Who was signed in: `user` and `displayName`.
        signedin_user: Value,
        /// Who was not: `displayName`, as they typed it.
        anonymous_user: Value,
        /// Who dialled in: `displayName`, a part of the number.
        phone_user: Value,
        /// When they came first.
        earliest_start_time: String,
        /// When they left last; none while they are there.
        latest_end_time: String,
    }

    /// One stay of a participant: from joining to leaving.
    ParticipantSession {
        /// Google's name.
        name: String,
        /// When they came.
        start_time: String,
        /// When they left; none while they are there.
        end_time: String,
    }

    /// A recording of a conference.
    Recording {
        /// Google's name.
        name: String,
        /// `STARTED`, `ENDED` or `FILE_GENERATED`.
        state: String,
        /// The file in Drive, once it is there: `file` is its id.
        drive_destination: Value,
        /// When it began.
        start_time: String,
        /// When it ended.
        end_time: String,
    }

    /// What was said in a conference, written down.
    Transcript {
        /// Google's name.
        name: String,
        /// `STARTED`, `ENDED` or `FILE_GENERATED`.
        state: String,
        /// The document, once it is there: `document` is its id.
        docs_destination: Value,
        /// When it began.
        start_time: String,
        /// When it ended.
        end_time: String,
    }
}

page! {
    /// A page of conferences.
    Conferences { conference_records: Conference } for ListConferences
}
page! {
    /// A page of participants.
    Participants { participants: Participant } for ListParticipants
}
page! {
    /// A page of a participant's stays.
    ParticipantSessions { participant_sessions: ParticipantSession } for ListParticipantSessions
}
page! {
    /// A page of recordings.
    Recordings { recordings: Recording } for ListRecordings
}
page! {
    /// A page of transcripts.
    Transcripts { transcripts: Transcript } for ListTranscripts
}
