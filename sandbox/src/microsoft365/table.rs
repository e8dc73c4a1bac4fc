//! Rows of JSON, each under a parent: all that the tenant holds is kept in these.

use serde_json::Value;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    User,
    Group,
    GroupMember,
    GroupOwner,
    School,
    Class,
    ClassTeacher,
    Assignment,
    Submission,
    Outcome,
    Message,
    Attachment,
    MailFolder,
    Calendar,
    Event,
    Meeting,
    Team,
    TeamMember,
    TeamOperation,
    Channel,
    ChannelMessage,
    Chat,
    ChatMessage,
    Drive,
    Item,
    GoneItem,
    Permission,
    Site,
    List,
    ListItem,
    Subscription,
}

/// A resource with what its answer does not show.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) kind: Kind,
    /// The id of what holds it; empty for what the tenant itself holds.
    pub(super) parent: String,
    pub(super) id: String,
    /// Rises with every change in the tenant, so that a delta can tell what is new.
    pub(super) changed: u64,
    /// How many reads still fail to see it.
    pub(super) unseen: u32,
    pub(super) value: Value,
}

/// The rows, oldest first.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    change: u64,
}

impl Table {
    /// Adds a row under the `id` in its value.
    pub(super) fn add(&mut self, kind: Kind, parent: &str, value: Value, unseen: u32) {
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.change += 1;
        self.rows.push(Row { kind, parent: parent.to_owned(), id, changed: self.change, unseen, value });
    }

    /// The rows of a kind under a parent, oldest first.
    pub(super) fn under(&self, kind: Kind, parent: &str) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.kind == kind && row.parent == parent)
    }

    /// The rows of a kind under all parents, oldest first.
    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }

    pub(super) fn get(&self, kind: Kind, parent: &str, id: &str) -> Option<&Row> {
        self.under(kind, parent).find(|row| row.id == id)
    }

    /// The row of this id, whatever holds it.
    pub(super) fn by_id(&self, kind: Kind, id: &str) -> Option<&Row> {
        self.all(kind).find(|row| row.id == id)
    }

    /// The same, to be changed: it counts as changed at once.
    pub(super) fn change(&mut self, kind: Kind, parent: &str, id: &str) -> Option<&mut Row> {
        let row = self.rows.iter_mut().find(|row| row.kind == kind && row.parent == parent && row.id == id)?;
        self.change += 1;
        row.changed = self.change;
        Some(row)
    }

    /// Takes one of the reads that do not see a row yet, and says whether the row is still to come.
    pub(super) fn look(&mut self, kind: Kind, id: &str) -> bool {
        let unseen = self.rows.iter_mut().find(|row| row.kind == kind && row.id == id && row.unseen > 0);
        unseen.map(|row| row.unseen -= 1).is_some()
    }

    /// A read of all rows of a kind under a parent: the values of those that it sees.
    pub(super) fn list(&mut self, kind: Kind, parent: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        for row in self.rows.iter_mut().filter(|row| row.kind == kind && row.parent == parent) {
            if row.unseen == 0 {
                seen.push(row.value.clone());
            }
            row.unseen = row.unseen.saturating_sub(1);
        }
        seen
    }

    /// Removes a row; what it holds stays until [`clear_under`](Self::clear_under).
    pub(super) fn remove(&mut self, kind: Kind, parent: &str, id: &str) -> Option<Row> {
        let at = self.rows.iter().position(|row| row.kind == kind && row.parent == parent && row.id == id)?;
        self.change += 1;
        Some(self.rows.remove(at))
    }

    pub(super) fn clear_under(&mut self, kind: Kind, parent: &str) {
        self.rows.retain(|row| row.kind != kind || row.parent != parent);
    }

    /// The number of the latest change.
    pub(super) fn latest(&self) -> u64 {
        self.change
    }
}
