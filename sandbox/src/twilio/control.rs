//! What a test can do to the look-alike and see of it, from Rust and over the control API.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::calls::{Call, CallOutcome};
use super::message::{Extras, MessageStatus, Outcome, Record};
use super::{ACCOUNT_SID, Twilio, World};
use crate::control::{done, json, problem, read};
use crate::exchange::{Answer, Request};

/// What a test sees of an accepted message.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Message {
    /// `SM…` or `MM…`.
    pub sid: String,
    /// Account that sent it.
    pub account_sid: String,
    /// Recipient, with `whatsapp:` where it travels so.
    pub to: String,
    /// Sender; of a messaging service the one that its pool gave.
    pub from: String,
    /// Text as it stands now: empty once redacted, a template filled in.
    pub body: String,
    /// Where it stands.
    pub status: MessageStatus,
    /// Error code once it has failed.
    pub error_code: Option<u32>,
    /// How many SMS it takes.
    pub num_segments: u32,
    /// Addresses of pictures.
    pub media_urls: Vec<String>,
    /// `MG…` if a messaging service sent it.
    pub messaging_service_sid: Option<String>,
    /// `HX…` if it was made from a template.
    pub content_sid: Option<String>,
    /// The template's variables as they were sent.
    pub content_variables: Option<String>,
    /// Where changes of its state are reported.
    pub status_callback: Option<String>,
    /// Milliseconds since 1970 at its creation.
    pub created: i64,
}

impl Message {
    fn of(account: &str, record: &Record, now: i64) -> Self {
        let status = record.status(now);
        let extras = record.extras.as_deref().cloned().unwrap_or_else(Extras::default);
        Self {
            sid: super::format::sid(record.prefix(), record.id),
            account_sid: account.to_owned(),
            to: record.to.to_string(),
            from: record.from.to_string(),
            body: record.body.to_string(),
            status,
            error_code: record.error(status),
            num_segments: record.segments,
            media_urls: extras.media_urls,
            messaging_service_sid: extras.service,
            content_sid: extras.content,
            content_variables: extras.content_variables,
            status_callback: extras.status_callback,
            created: record.created,
        }
    }
}

impl Twilio {
    /// All messages of all accounts, in the order of their creation.
    pub fn messages(&self) -> Vec<Message> {
        let now = self.clock().now();
        let world = self.shared.world.lock();
        let of_account = world
            .accounts
            .iter()
            .flat_map(|account| account.messages.iter().map(|record| Message::of(&account.sid, record, now)));
        let mut messages: Vec<_> = of_account.collect();
        // Stable: within an account they are in order already.
        messages.sort_by_key(|message| message.created);
        messages
    }

    /// How many messages all accounts have, without copying them.
    pub fn message_count(&self) -> usize {
        self.shared.world.lock().accounts.iter().map(|account| account.messages.len()).sum()
    }

    /// All calls of all accounts, in the order of their creation.
    pub fn calls(&self) -> Vec<Call> {
        let now = self.clock().now();
        let world = self.shared.world.lock();
        let of_account = world
            .accounts
            .iter()
            .flat_map(|account| account.calls.iter().map(move |record| record.snapshot(account, now)));
        let mut calls: Vec<_> = of_account.collect();
        calls.sort_by_key(|call| call.created);
        calls
    }

    /// Opens an account with the usual numbers; one of that SID is replaced.
    pub fn add_account(&self, sid: &str, auth_token: &str) {
        let now = self.clock().now();
        self.shared.world.lock().accounts.add(sid, auth_token, now);
    }

    /// Accepts an API key for an account.
    pub fn add_api_key(&self, account_sid: &str, key_sid: &str, secret: &str) {
        self.shared.world.lock().accounts.add_key(account_sid, key_sid, secret);
    }

    /// Replaces an account's auth token; the old one is refused from now on.
    pub fn set_auth_token(&self, account_sid: &str, auth_token: &str) {
        self.shared.world.lock().accounts.set_token(account_sid, auth_token);
    }

    /// Gives an account a number to send and call from.
    pub fn add_number(&self, account_sid: &str, number: &str) {
        if let Some(account) = self.shared.world.lock().accounts.get_mut(account_sid) {
            account.add_number(number);
        }
    }

    /// How long later messages and calls stay in one state. Default 200 ms; zero makes them arrive at once.
    pub fn set_step(&self, step: Duration) {
        self.shared.step.store(u32::try_from(step.as_millis()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// How later messages end where [`set_outcome`](Self::set_outcome) says nothing.
    pub fn set_default_outcome(&self, outcome: Outcome) {
        self.recipients(|world| world.recipients.outcome = outcome);
    }

    /// How later messages to this address end (`+1…` or `whatsapp:+1…`).
    pub fn set_outcome(&self, to: &str, outcome: Outcome) {
        self.recipients(|world| world.recipients.entry(to).outcome = Some(outcome));
    }

    /// How later calls end where [`set_call_outcome`](Self::set_call_outcome) says nothing.
    pub fn set_default_call_outcome(&self, outcome: CallOutcome) {
        self.recipients(|world| world.recipients.call_outcome = outcome);
    }

    /// How later calls to this number end.
    pub fn set_call_outcome(&self, to: &str, outcome: CallOutcome) {
        self.recipients(|world| world.recipients.entry(to).call_outcome = Some(outcome));
    }

    /// The person at this address answers STOP: messages are refused with 21610.
    pub fn opt_out(&self, to: &str) {
        self.recipients(|world| world.recipients.entry(to).opted_out = true);
    }

    /// The person answers START.
    pub fn opt_in(&self, to: &str) {
        self.recipients(|world| world.recipients.entry(to).opted_out = false);
    }

    /// The person at this number (`+1…`) writes on WhatsApp: free-form messages pass for 24 hours.
    pub fn open_whatsapp_window(&self, number: &str) {
        let now = self.clock().now();
        self.recipients(|world| world.recipients.open_window(number, now));
    }

    /// What Lookup says of the line: `mobile`, `landline`, `fixedVoip` and so on. A landline refuses SMS with 21614.
    pub fn set_line_type(&self, number: &str, line_type: &str) {
        self.recipients(|world| world.recipients.entry(number).line_type = Some(line_type.to_owned()));
    }

    /// WhatsApp's verdict on a template: `approved`, `pending`, `rejected` and so on. New templates are approved.
    pub fn set_approval(&self, content_sid: &str, status: &str) {
        if let Some(account) = self.shared.world.lock().accounts.get_mut(ACCOUNT_SID)
            && let Some(content) = account.contents.iter_mut().find(|content| content.is(content_sid))
        {
            content.approval = status.to_owned();
        }
    }

    fn recipients(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.shared.world.lock());
    }
}

/// What `POST /__sandbox/recipients` takes; `*` stands for all who are not named, and takes outcomes alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipientChange {
    to: String,
    outcome: Option<Outcome>,
    call_outcome: Option<CallOutcome>,
    opted_out: Option<bool>,
    line_type: Option<String>,
    #[serde(default)]
    open_whatsapp_window: bool,
}

/// What `POST /__sandbox/accounts` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    sid: String,
    auth_token: String,
    #[serde(default)]
    numbers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    ms: u32,
}

/// Twilio's part of the control API.
pub(super) fn answer(twilio: &Twilio, path: &str, request: &Request) -> Option<Answer> {
    let result = match (&request.method, path) {
        (&Method::GET, "messages") => return Some(json(&twilio.messages())),
        (&Method::GET, "calls") => return Some(json(&twilio.calls())),
        (&Method::POST, "recipients") => read::<RecipientChange>(request).map(|change| change.apply(twilio)),
        (&Method::POST, "accounts") => read::<NewAccount>(request).map(|account| {
            twilio.add_account(&account.sid, &account.auth_token);
            account.numbers.iter().for_each(|number| twilio.add_number(&account.sid, number));
        }),
        (&Method::PUT, "step") => {
            read::<Step>(request).map(|step| twilio.set_step(Duration::from_millis(u64::from(step.ms))))
        }
        _ => return None,
    };
    Some(match result {
        Ok(()) => done(),
        Err(message) => problem(StatusCode::BAD_REQUEST, &message),
    })
}

impl RecipientChange {
    fn apply(self, twilio: &Twilio) {
        let Self { to, outcome, call_outcome, opted_out, line_type, open_whatsapp_window } = self;
        if to == "*" {
            outcome.into_iter().for_each(|outcome| twilio.set_default_outcome(outcome));
            call_outcome.into_iter().for_each(|outcome| twilio.set_default_call_outcome(outcome));
            return;
        }
        if let Some(outcome) = outcome {
            twilio.set_outcome(&to, outcome);
        }
        if let Some(outcome) = call_outcome {
            twilio.set_call_outcome(&to, outcome);
        }
        match opted_out {
            Some(true) => twilio.opt_out(&to),
            Some(false) => twilio.opt_in(&to),
            None => {}
        }
        if let Some(line_type) = line_type {
            twilio.set_line_type(&to, &line_type);
        }
        if open_whatsapp_window {
            twilio.open_whatsapp_window(to.strip_prefix("whatsapp:").unwrap_or(&to));
        }
    }
}
