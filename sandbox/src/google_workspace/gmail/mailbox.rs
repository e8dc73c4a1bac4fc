//! All mailboxes: what lies in them, and what has happened to it.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::message::{addresses, header, text};
use crate::google_workspace::mime::Part;
use crate::google_workspace::people::is_local;
use crate::google_workspace::world::World;

/// Labels that every mailbox has.
const SYSTEM: &[&str] = &["INBOX", "SENT", "DRAFT", "UNREAD", "STARRED", "IMPORTANT", "TRASH", "SPAM"];
/// Where the numbers of changes start.
const FIRST_HISTORY: u64 = 1000;

/// A mail in somebody's mailbox.
#[derive(Debug, Clone)]
pub(in crate::google_workspace) struct Mail {
    pub(super) id: String,
    pub(super) thread: String,
    pub(super) user: String,
    pub(super) labels: Vec<String>,
    pub(super) part: Part,
    pub(super) at: i64,
    pub(super) history: u64,
    /// The draft that it is.
    pub(super) draft: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    Added,
    Deleted,
    LabelsAdded,
    LabelsRemoved,
}

impl Happened {
    /// What `historyTypes` calls it.
    pub(super) fn history_type(self) -> &'static str {
        match self {
            Self::Added => "messageAdded",
            Self::Deleted => "messageDeleted",
            Self::LabelsAdded => "labelAdded",
            Self::LabelsRemoved => "labelRemoved",
        }
    }
}

/// Something that happened to a mailbox.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) id: u64,
    pub(super) user: String,
    pub(super) kind: Happened,
    message: String,
    thread: String,
    pub(super) labels: Vec<String>,
    /// The labels that came or went.
    moved: Vec<String>,
}

impl Change {
    pub(super) fn shown(&self) -> Value {
        let brief = json!({ "id": self.message, "threadId": self.thread });
        let mut whole = brief.clone();
        whole["labelIds"] = json!(self.labels);
        let (name, one) = match self.kind {
            Happened::Added => ("messagesAdded", json!({ "message": whole })),
            Happened::Deleted => ("messagesDeleted", json!({ "message": whole })),
            Happened::LabelsAdded => ("labelsAdded", json!({ "message": whole, "labelIds": self.moved })),
            Happened::LabelsRemoved => ("labelsRemoved", json!({ "message": whole, "labelIds": self.moved })),
        };
        json!({ "id": self.id.to_string(), "messages": [brief], name: [one] })
    }
}

/// Everything that Gmail keeps.
#[derive(Debug, Default)]
pub(in crate::google_workspace) struct Gmail {
    pub(super) mails: Vec<Mail>,
    pub(super) history: Vec<Change>,
    /// Changes up to here are not known any more.
    pub(super) forgotten: u64,
    /// Topic and end of the watch on a user's mailbox.
    pub(super) watches: HashMap<String, (String, i64)>,
    /// Labels that users made, each with whose it is.
    pub(super) own_labels: Vec<(String, Value)>,
}

impl Gmail {
    pub(super) fn history_id(&self) -> u64 {
        FIRST_HISTORY + self.history.len() as u64
    }

    /// Forgets what has happened so far.
    pub(in crate::google_workspace) fn forget_history(&mut self) {
        self.forgotten = self.history_id() + 1;
    }

    /// The mails of a user.
    pub(super) fn of<'g>(&'g self, user: &'g str) -> impl Iterator<Item = &'g Mail> {
        self.mails.iter().filter(move |mail| mail.user == user)
    }

    pub(super) fn labels(&self, user: &str) -> Vec<Value> {
        let system = SYSTEM.iter().map(|name| json!({ "id": name, "name": name, "type": "system" }));
        let own = self.own_labels.iter().filter(|(of, _)| of == user).map(|(_, label)| label.clone());
        system.chain(own).collect()
    }

    pub(super) fn note(&mut self, mail: &Mail, kind: Happened, moved: Vec<String>) -> u64 {
        let id = self.history_id() + 1;
        let Mail { user, id: message, thread, labels, .. } = mail.clone();
        self.history.push(Change { id, user, kind, message, thread, labels, moved });
        id
    }

    /// Puts labels on a mail and takes others off.
    pub(super) fn relabel(&mut self, id: &str, add: &[String], remove: &[String]) {
        let Some(at) = self.mails.iter().position(|mail| mail.id == id) else { return };
        let Some(mail) = self.mails.get_mut(at) else { return };
        let added: Vec<String> = add.iter().filter(|label| !mail.labels.contains(label)).cloned().collect();
        let removed: Vec<String> = remove.iter().filter(|label| mail.labels.contains(label)).cloned().collect();
        mail.labels.extend(added.clone());
        mail.labels.retain(|label| !removed.contains(label));
        let mail = mail.clone();
        for (kind, moved) in [(Happened::LabelsAdded, added), (Happened::LabelsRemoved, removed)] {
            if !moved.is_empty() {
                let history = self.note(&mail, kind, moved);
                self.mails.iter_mut().filter(|held| held.id == id).for_each(|held| held.history = history);
            }
        }
    }

    /// Takes a mail out.
    pub(super) fn remove(&mut self, id: &str) {
        if let Some(at) = self.mails.iter().position(|mail| mail.id == id) {
            let gone = self.mails.remove(at);
            self.note(&gone, Happened::Deleted, Vec::new());
        }
    }

    /// Who watches a mailbox: the topic, and what is told, as the vendor encodes it in `data`.
    pub(in crate::google_workspace) fn notification(&self, user: &str, at: i64) -> Option<(String, Value)> {
        let (topic, _) = self.watches.get(user).filter(|(_, ends)| at < *ends)?;
        Some((topic.clone(), json!({ "emailAddress": user, "historyId": self.history_id() })))
    }

    /// All mails but drafts, as tests see them.
    pub(in crate::google_workspace) fn all(&self) -> Vec<Value> {
        self.mails.iter().filter(|mail| mail.draft.is_none()).map(Mail::summary).collect()
    }
}

impl Mail {
    fn summary(&self) -> Value {
        json!({
            "id": self.id,
            "threadId": self.thread,
            "mailbox": self.user,
            "labels": self.labels,
            "from": header(&self.part, "from"),
            "to": addresses(&self.part, "to"),
            "subject": header(&self.part, "subject"),
            "messageId": header(&self.part, "message-id"),
            "text": text(&self.part),
            "raw": String::from_utf8_lossy(&self.part.source()),
        })
    }
}

/// Puts a mail into a mailbox and says its id.
pub(super) fn put(
    world: &mut World,
    user: &str,
    part: Part,
    labels: &[&str],
    thread: Option<String>,
    at: i64,
) -> String {
    let id = world.ids.message();
    let mut mail = Mail {
        thread: thread.unwrap_or_else(|| id.clone()),
        id: id.clone(),
        user: user.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        part,
        at,
        history: 0,
        draft: None,
    };
    mail.history = world.gmail.note(&mail, Happened::Added, Vec::new());
    world.gmail.mails.push(mail);
    id
}

/// Brings a mail to those it is addressed to. Addresses outside the domain are not looked after; one inside that does
/// not exist sends it back.
pub(super) fn deliver(world: &mut World, sender: &str, part: &Part, at: i64) {
    let mut to: Vec<String> = ["to", "cc", "bcc"].into_iter().flat_map(|name| addresses(part, name)).collect();
    to.sort_unstable();
    to.dedup();
    let copy = part.without("bcc");
    for address in to.into_iter().filter(|address| is_local(address)) {
        match world.people.find(&address).map(|person| person.email.clone()) {
            Some(user) => {
                let thread = related(world, &user, &copy);
                put(world, &user, copy.clone(), &["INBOX", "UNREAD"], thread, at);
            }
            None => {
                let bounce = format!(
                    "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\r\nTo: {sender}\r\nSubject: Delivery \
                     Status Notification (Failure)\r\nMessage-ID: <{}@mx.google.com>\r\n\r\nAddress not found: \
                     {address}\r\n",
                    world.ids.word(24)
                );
                let bytes = Bytes::from(bounce);
                put(world, sender, Part::read(&bytes), &["INBOX", "UNREAD"], None, at);
            }
        }
    }
}

/// The thread of the mail that another one answers.
pub(super) fn related(world: &World, user: &str, part: &Part) -> Option<String> {
    let answered = format!("{} {}", header(part, "in-reply-to"), header(part, "references"));
    let held = world.gmail.of(user).find(|mail| {
        let id = header(&mail.part, "message-id");
        !id.is_empty() && answered.contains(&id)
    })?;
    Some(held.thread.clone())
}
