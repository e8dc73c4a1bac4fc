//! What the account holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// One copy of a message, for one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The request's id, as `X-Message-Id` told it.
    pub message_id: String,
    /// This copy's id.
    pub copy_id: String,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// The subject; empty with a template.
    pub subject: String,
    /// The template, if it was made from one.
    pub template_id: Option<String>,
    /// What its variables stand for.
    pub variables: Value,
    /// Its categories.
    pub categories: Vec<String>,
    /// Its custom arguments.
    pub custom_args: BTreeMap<String, String>,
    /// How many files go with it.
    pub attachments: usize,
    /// When it is to be sent, seconds since 1970.
    pub send_at: Option<i64>,
    /// Whether it was delivered, or dropped for an address that gets no mail.
    pub delivered: bool,
    /// When it was taken, seconds since 1970.
    pub at: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) updated: String,
    pub(super) versions: Vec<Value>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) members: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct Suppressed {
    pub(super) email: String,
    pub(super) created: i64,
}

#[derive(Debug, Default)]
pub(super) struct World {
    /// Keys, and what each may do; `None` is everything.
    pub(super) keys: BTreeMap<String, Option<BTreeSet<String>>>,
    pub(super) senders: BTreeSet<String>,
    pub(super) messages: Vec<Message>,
    pub(super) events: Vec<Value>,
    pub(super) templates: Vec<Template>,
    pub(super) contacts: BTreeMap<String, Value>,
    pub(super) jobs: BTreeMap<String, Value>,
    pub(super) lists: Vec<(String, String, BTreeSet<String>)>,
    pub(super) campaigns: Vec<Value>,
    pub(super) groups: Vec<Group>,
    pub(super) bounces: Vec<Suppressed>,
    pub(super) unsubscribes: Vec<Suppressed>,
    pub(super) spam_reports: Vec<Suppressed>,
    pub(super) invalid_emails: Vec<Suppressed>,
    pub(super) blocks: Vec<Suppressed>,
    next: u64,
}

impl World {
    /// An account with a key, a verified sender and a group.
    pub(super) fn ready() -> Self {
        let mut world = Self::default();
        world.keys.insert(super::API_KEY.to_owned(), None);
        world.senders.insert(super::FROM_EMAIL.to_owned());
        world.groups.push(Group { id: super::GROUP_ID, name: "Notices".to_owned(), members: BTreeSet::new() });
        world
    }

    /// Forgets all but keys and senders.
    pub(super) fn clear(&mut self) {
        let (keys, senders) = (std::mem::take(&mut self.keys), std::mem::take(&mut self.senders));
        *self = Self { keys, senders, next: self.next, ..Self::ready() };
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn uuid(&mut self) -> String {
        format!("5a4db0c5-0000-4000-8000-{:012x}", self.number())
    }

    /// Why mail to this address is dropped.
    pub(super) fn drops(&self, email: &str, group: Option<u64>) -> Option<&'static str> {
        let is = |suppressed: &&Suppressed| suppressed.email.eq_ignore_ascii_case(email);
        if self.bounces.iter().find(is).is_some() {
            return Some("Bounced Address");
        }
        if self.spam_reports.iter().any(|suppressed| is(&suppressed)) {
            return Some("Spam Reporting Address");
        }
        if self.invalid_emails.iter().any(|suppressed| is(&suppressed)) {
            return Some("Invalid");
        }
        // Who is on the list of blocks is sent to all the same.
        let group = group.and_then(|id| self.groups.iter().find(|group| group.id == id));
        let left = group.is_some_and(|group| group.members.iter().any(|member| member.eq_ignore_ascii_case(email)));
        (left || self.unsubscribes.iter().find(is).is_some()).then_some("Unsubscribed Address")
    }

    /// Adds an event about a copy of a message.
    pub(super) fn tell(&mut self, copy: &Message, kind: &str, reason: Option<&str>) {
        let number = self.number();
        let mut event = json!({
            "email": copy.to,
            "timestamp": copy.at,
            "event": kind,
            "sg_event_id": format!("sandbox-event-{number}"),
            "sg_message_id": copy.copy_id,
            "category": copy.categories,
        });
        if let Some(reason) = reason {
            event["reason"] = json!(reason);
        }
        for (name, value) in &copy.custom_args {
            event[name] = json!(value);
        }
        self.events.push(event);
    }
}
