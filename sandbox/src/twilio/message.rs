//! A message and the states it passes through.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Price of one SMS segment, in millionths of a dollar.
const SEGMENT_PRICE: i64 = 8_300;
/// Price of one MMS.
const MMS_PRICE: i64 = 22_000;
/// Price of one WhatsApp message.
const WHATSAPP_PRICE: i64 = 5_000;

/// How a message to some recipient ends.
///
/// As JSON: `{"kind": "undelivered", "code": 30003}`, `{"kind": "read"}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The handset confirms it.
    #[default]
    Delivered,
    /// The carrier takes it and says no more.
    Sent,
    /// Confirmed, then opened.
    Read,
    /// The carrier takes it and reports failure.
    Undelivered {
        /// Error code, such as 30003.
        code: u32,
    },
    /// It never leaves.
    Failed {
        /// Error code, such as 30001.
        code: u32,
    },
}

impl Outcome {
    fn error(self) -> Option<u32> {
        match self {
            Self::Undelivered { code } | Self::Failed { code } => Some(code),
            Self::Delivered | Self::Sent | Self::Read => None,
        }
    }
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the vendor's words, each meaning what it says")]
pub enum MessageStatus {
    Accepted,
    Scheduled,
    Queued,
    Sending,
    Sent,
    Delivered,
    Undelivered,
    Failed,
    Read,
    Canceled,
}

impl MessageStatus {
    /// The vendor's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Read => "read",
            Self::Canceled => "canceled",
        }
    }
}

/// One accepted message. What most messages lack stands apart in `extras`, so that a million of them stay small.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: u128,
    pub(super) created: i64,
    /// The sender; for a messaging service the one its pool gave.
    pub(super) from: Arc<str>,
    pub(super) to: Arc<str>,
    pub(super) body: Arc<str>,
    /// Milliseconds between two states.
    pub(super) step: u32,
    pub(super) segments: u32,
    pub(super) media: u8,
    pub(super) whatsapp: bool,
    pub(super) deleted: bool,
    pub(super) outcome: Outcome,
    /// Position of the previous message to the same recipient.
    pub(super) previous: Option<u32>,
    pub(super) extras: Option<Box<Extras>>,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Extras {
    pub(super) service: Option<String>,
    pub(super) from_given: bool,
    pub(super) content: Option<String>,
    pub(super) content_variables: Option<String>,
    pub(super) media_urls: Vec<String>,
    pub(super) status_callback: Option<String>,
    pub(super) send_at: Option<i64>,
    pub(super) canceled: Option<i64>,
}

/// The states of one message with the times at which it enters them.
pub(super) struct Stages {
    entries: [(i64, MessageStatus); 6],
    count: usize,
}

impl Stages {
    fn push(&mut self, at: i64, status: MessageStatus) {
        self.entries[self.count] = (at, status);
        self.count += 1;
    }

    pub(super) fn all(&self) -> &[(i64, MessageStatus)] {
        &self.entries[..self.count]
    }

    /// The state at `now` and since when.
    pub(super) fn at(&self, now: i64) -> (i64, MessageStatus) {
        let entered = self.all().iter().rev().find(|(at, _)| *at <= now);
        *entered.unwrap_or(&self.entries[0])
    }

    pub(super) fn sent_at(&self) -> Option<i64> {
        self.all().iter().find(|(_, status)| *status == MessageStatus::Sent).map(|(at, _)| *at)
    }
}

impl Record {
    /// A pure function of what was accepted: nothing has to run for a message to advance.
    pub(super) fn stages(&self) -> Stages {
        use MessageStatus::*;
        let step = i64::from(self.step);
        let mut stages = Stages { entries: [(self.created, Queued); 6], count: 0 };
        let extras = self.extras.as_deref();
        let queued = match extras {
            Some(Extras { send_at: Some(at), canceled, .. }) => {
                stages.push(self.created, Scheduled);
                if let Some(canceled) = canceled {
                    stages.push(*canceled, Canceled);
                    return stages;
                }
                *at
            }
            Some(Extras { service: Some(_), .. }) => {
                stages.push(self.created, Accepted);
                self.created + step
            }
            _ => self.created,
        };
        stages.push(queued, Queued);
        stages.push(queued + step, Sending);
        if let Outcome::Failed { .. } = self.outcome {
            stages.push(queued + 2 * step, Failed);
            return stages;
        }
        stages.push(queued + 2 * step, Sent);
        match self.outcome {
            Outcome::Sent | Outcome::Failed { .. } => {}
            Outcome::Undelivered { .. } => stages.push(queued + 3 * step, Undelivered),
            Outcome::Delivered => stages.push(queued + 3 * step, Delivered),
            Outcome::Read => {
                stages.push(queued + 3 * step, Delivered);
                stages.push(queued + 4 * step, Read);
            }
        }
        stages
    }

    pub(super) fn prefix(&self) -> &'static str {
        if self.media > 0 { "MM" } else { "SM" }
    }

    pub(super) fn status(&self, now: i64) -> MessageStatus {
        self.stages().at(now).1
    }

    /// Whether it has come to its end.
    pub(super) fn is_settled(&self, now: i64) -> bool {
        self.stages().all().last().is_none_or(|(at, _)| *at <= now)
    }

    /// The error code once the failure has come about.
    pub(super) fn error(&self, status: MessageStatus) -> Option<u32> {
        let failed = matches!(status, MessageStatus::Undelivered | MessageStatus::Failed);
        failed.then(|| self.outcome.error()).flatten()
    }

    /// What it costs, in millionths of a dollar.
    pub(super) fn price(&self) -> i64 {
        match (self.whatsapp, self.media) {
            (true, _) => WHATSAPP_PRICE,
            (false, 0) => SEGMENT_PRICE * i64::from(self.segments),
            (false, _) => MMS_PRICE,
        }
    }

    /// The sender as the vendor shows it: a messaging service picks one only when it queues the message.
    pub(super) fn shown_from(&self, status: MessageStatus) -> Option<&str> {
        let undecided = matches!(status, MessageStatus::Accepted | MessageStatus::Scheduled | MessageStatus::Canceled)
            && self.extras.as_ref().is_some_and(|extras| !extras.from_given);
        (!undecided).then_some(&*self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(outcome: Outcome, extras: Option<Extras>) -> Record {
        Record {
            id: 1,
            created: 1_000,
            from: "+15005550006".into(),
            to: "+14155550100".into(),
            body: "x".into(),
            step: 10,
            segments: 1,
            media: 0,
            whatsapp: false,
            deleted: false,
            outcome,
            previous: None,
            extras: extras.map(Box::new),
        }
    }

    #[test]
    fn a_message_advances_by_one_state_a_step() {
        use MessageStatus::*;
        let message = record(Outcome::Delivered, None);
        let seen: Vec<_> = [1_000, 1_009, 1_010, 1_020, 1_030, 9_999].map(|now| message.status(now)).into();
        assert_eq!(seen, [Queued, Queued, Sending, Sent, Delivered, Delivered]);
        assert!(!message.is_settled(1_029) && message.is_settled(1_030));
        assert_eq!(message.stages().sent_at(), Some(1_020));
    }

    #[test]
    fn failures_show_their_code_only_when_they_have_come_about() {
        let undelivered = record(Outcome::Undelivered { code: 30003 }, None);
        assert_eq!(undelivered.error(undelivered.status(1_020)), None);
        assert_eq!(undelivered.error(undelivered.status(1_030)), Some(30003));
        let failed = record(Outcome::Failed { code: 30001 }, None);
        assert_eq!(failed.status(1_020), MessageStatus::Failed);
        assert_eq!(failed.stages().sent_at(), None);
    }

    #[test]
    fn a_scheduled_message_waits_and_can_be_canceled() {
        let scheduled = Extras { service: Some("MG".into()), send_at: Some(5_000), ..Extras::default() };
        let message = record(Outcome::Delivered, Some(scheduled.clone()));
        assert_eq!(message.status(4_999), MessageStatus::Scheduled);
        assert_eq!(message.status(5_030), MessageStatus::Delivered);
        let canceled = record(Outcome::Delivered, Some(Extras { canceled: Some(2_000), ..scheduled }));
        assert_eq!(canceled.status(9_999), MessageStatus::Canceled);
    }
}
