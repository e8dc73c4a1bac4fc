//! Online meetings. They stand on nobody's calendar: for that, make an event with `isOnlineMeeting`.
//! <https://learn.microsoft.com/graph/api/resources/onlinemeeting>

use serde_json::{Value, json};

use super::{
    check,
    graph::{Graph, body},
    wire::{object, operation},
};
use crate::transport::{Method, Repeat};

object! {
    /// A meeting in Teams.
    OnlineMeeting {
        /// Its subject.
        subject: String,
        /// Where to join it.
        join_web_url: String,
        /// When it begins.
        start_date_time: String,
        /// When it ends.
        end_date_time: String,
        /// The number and passcode to join with.
        join_meeting_id_settings: Value,
        /// Its chat.
        chat_info: Value,
        /// Telephone numbers to join by.
        audio_conferencing: Value,
        /// Who takes part.
        participants: Value,
        /// By which it is known again.
        external_id: String,
    }
}

operation! {
    /// Makes an online meeting. Repeated with the same idempotency key, or the same `externalId`, it answers the one
    /// there is.
    ///
    /// <https://learn.microsoft.com/graph/api/onlinemeeting-createorget>. Access `write`. Application or delegated:
    /// `OnlineMeetings.ReadWrite`. An application needs beside it an application access policy of Teams for that user
    /// (`Grant-CsApplicationAccessPolicy`); who holds it is looked up, with `User.ReadBasic.All`, unless named by the
    /// object id. Errors: `invalid_argument` with `endDateTime` when it ends before it begins, `needs_reconnect`
    /// without the policy.
    ///
    /// Example: `{"subject": "Parents' evening", "startDateTime": "2026-12-01T18:00:00Z", "endDateTime": "2026-12-01T19:00:00Z"}`
    CreateOnlineMeeting = "createOnlineMeeting", Write, WithKey -> OnlineMeeting,
    scopes &[&["OnlineMeetings.ReadWrite", "OnlineMeetings.ReadWrite.All"]], Any,
    discloses { "subject": Schedule(Anyone), "startDateTime": Schedule(Anyone), "attendees": Contact(Anyone) }
    by {}
    required {
        /// When it begins, such as `2026-12-01T18:00:00Z`.
        start_date_time: String,
        /// When it ends.
        end_date_time: String,
    }
    optional {
        /// Who holds it: their id, or what they sign in with. Default: the user of the settings, or who has consented.
        user_id: String,
        /// Its subject.
        subject: String,
        /// What the school calls it: by this it is known again. Default: made of the idempotency key.
        external_id: String,
        /// Addresses of those who take part.
        attendees: Vec<String>,
    }
    check |this| {
        check::some_id("userId", &this.user_id)?;
        check::in_order("endDateTime", &this.start_date_time, &this.end_date_time, "startDateTime")?;
        check::some_text("subject", &this.subject, 255)?;
        check::some_text("externalId", &this.external_id, 255)?;
        for (at, address) in this.attendees.iter().flatten().enumerate() {
            check::address(&format!("attendees[{at}]"), address)?;
        }
    }
    run |this, call| {
        let mut body = body(&this, &["userId", "attendees"])?;
        if this.external_id.is_none() {
            body["externalId"] = json!(call.vendor_key(""));
        }
        if let Some(attendees) = &this.attendees {
            let attendees: Vec<Value> =
                attendees.iter().map(|address| json!({ "upn": address, "role": "attendee" })).collect();
            body["participants"] = json!({ "attendees": attendees });
        }
        let graph = Graph::of_user_id(call, this.user_id.as_deref()).await?.in_every_word();
        graph.make(Method::Post, &["onlineMeetings", "createOrGet"], &body, Repeat::WithKey).await
    }
}

operation! {
    /// Reads an online meeting.
    ///
    /// <https://learn.microsoft.com/graph/api/onlinemeeting-get>. Access `read`. Application or delegated:
    /// `OnlineMeetings.Read`, and the policy that `createOnlineMeeting` names. Errors: `not_found`.
    ///
    /// Example: `{"meetingId": "MSpkYzE3Njc0Yy04MWQ5…"}`
    GetOnlineMeeting = "getOnlineMeeting", Read, Always -> OnlineMeeting,
    scopes &[&["OnlineMeetings.Read", "OnlineMeetings.ReadWrite", "OnlineMeetings.Read.All", "OnlineMeetings.ReadWrite.All"]], Any,
    discloses {}
    by {
        /// The meeting's id.
        meeting_id: String,
    }
    required {}
    optional {
        /// Who holds it: their id, or what they sign in with. Default: the user of the settings, or who has consented.
        user_id: String,
    }
    check |this| { check::some_id("userId", &this.user_id)?; }
    run |this, call| {
        let graph = Graph::of_user_id(call, this.user_id.as_deref()).await?.in_every_word();
        graph.get(&["onlineMeetings", &this.meeting_id], &[]).await
    }
}
