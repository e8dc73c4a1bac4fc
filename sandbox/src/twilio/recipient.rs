//! What a test has said about the people behind numbers, and what the vendor's magic numbers say about themselves.

use std::collections::HashMap;

use super::calls::CallOutcome;
use super::error::ApiError;
use super::message::Outcome;

/// How long a person's message opens the window for free-form WhatsApp: 24 hours.
const WINDOW: i64 = 24 * 3600 * 1000;

/// Known recipients, by address (`+1…`, `whatsapp:+1…`).
#[derive(Debug, Default)]
pub(super) struct Recipients {
    known: HashMap<String, Recipient>,
    pub(super) outcome: Outcome,
    pub(super) call_outcome: CallOutcome,
}

/// What is known of one recipient.
#[derive(Debug, Default, Clone)]
pub(super) struct Recipient {
    pub(super) outcome: Option<Outcome>,
    pub(super) call_outcome: Option<CallOutcome>,
    pub(super) opted_out: bool,
    pub(super) window_until: i64,
    pub(super) line_type: Option<String>,
}

impl Recipients {
    pub(super) fn entry(&mut self, address: &str) -> &mut Recipient {
        self.known.entry(address.to_owned()).or_default()
    }

    pub(super) fn get(&self, address: &str) -> Option<&Recipient> {
        self.known.get(address)
    }

    pub(super) fn open_window(&mut self, number: &str, now: i64) {
        self.entry(&format!("whatsapp:{number}")).window_until = now + WINDOW;
    }

    pub(super) fn outcome_of(&self, address: &str) -> Outcome {
        self.get(address).and_then(|recipient| recipient.outcome).unwrap_or(self.outcome)
    }

    pub(super) fn call_outcome_of(&self, address: &str) -> CallOutcome {
        self.get(address).and_then(|recipient| recipient.call_outcome).unwrap_or(self.call_outcome)
    }
}

/// Twilio's test numbers, as message senders.
pub(super) fn magic_sender(number: &str) -> Result<(), ApiError> {
    Err(match number {
        "+15005550001" => ApiError::bad(21212, "The From number is not valid"),
        "+15005550007" => ApiError::bad(21606, "The From number is not an SMS-capable number of this account"),
        "+15005550008" => ApiError::bad(21611, "The From number has too many messages queued"),
        _ => return Ok(()),
    })
}

/// Twilio's test numbers, as message recipients.
pub(super) fn magic_recipient(number: &str) -> Result<(), ApiError> {
    Err(match number {
        "+15005550001" => ApiError::bad(21211, format!("The To number {number} is not valid")),
        "+15005550002" => ApiError::bad(21612, format!("No route leads from this sender to {number}")),
        "+15005550003" => ApiError::bad(21408, format!("The region of {number} is not enabled for this account")),
        "+15005550004" => opted_out(number),
        "+15005550009" => ApiError::bad(21614, format!("{number} is not a mobile number")),
        _ => return Ok(()),
    })
}

/// Twilio's test numbers, as people called.
pub(super) fn magic_callee(number: &str) -> Result<(), ApiError> {
    Err(match number {
        "+15005550001" => ApiError::bad(21217, format!("The number {number} does not appear to be valid")),
        "+15005550002" => ApiError::bad(21214, format!("The number {number} cannot be reached")),
        "+15005550003" => ApiError::bad(21215, format!("The account may not call {number}")),
        "+15005550004" => ApiError::bad(21216, format!("The account may not call {number}: it is blocked")),
        _ => return Ok(()),
    })
}

pub(super) fn opted_out(number: &str) -> ApiError {
    ApiError::bad(21610, format!("The person at {number} has opted out of messages from this sender"))
}
