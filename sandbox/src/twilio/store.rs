//! An account's messages: appended, found by SID, and walked from the newest back.

use std::collections::HashMap;
use std::sync::Arc;

use super::message::Record;

/// Messages in the order of their creation.
///
/// Sending touches two hash maps and the end of a vector. Walking back to one recipient follows a chain through that
/// recipient's messages alone, so that "did my message to this parent arrive?" does not read a million others.
#[derive(Debug, Default)]
pub(super) struct Store {
    records: Vec<Record>,
    by_id: HashMap<u128, u32>,
    last_to: HashMap<Arc<str>, u32>,
    /// How many have not been deleted.
    live: usize,
    /// The longest time from creation to sending, which bounds how far back a filter by sending date must look.
    longest_lag: i64,
}

impl Store {
    /// Appends a message and links it to the previous one to the same recipient.
    pub(super) fn push(&mut self, mut record: Record) -> &Record {
        let position = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        if let Some(sent) = record.stages().sent_at() {
            self.longest_lag = self.longest_lag.max(sent - record.created);
        }
        self.by_id.insert(record.id, position);
        record.previous = self.last_to.insert(record.to.clone(), position);
        self.records.push(record);
        self.live += 1;
        &self.records[position as usize]
    }

    /// Removes a message from every view. Its place stays, for positions are what links messages.
    pub(super) fn delete(&mut self, prefix: &str, id: u128) {
        if let Some(record) = self.get_mut(prefix, id) {
            record.deleted = true;
            record.body = "".into();
            record.extras = None;
            self.live -= 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// The recipient's address and the text shared with the last message where they are the same: a broadcast says one
    /// thing to many, and an alert reaches the same people again.
    pub(super) fn share(&self, to: &str, body: &str) -> (Arc<str>, Arc<str>) {
        let to = self.last_to.get_key_value(to).map_or_else(|| to.into(), |(known, _)| known.clone());
        let body = match self.records.last() {
            Some(last) if *last.body == *body => last.body.clone(),
            _ => body.into(),
        };
        (to, body)
    }

    pub(super) fn get(&self, prefix: &str, id: u128) -> Option<&Record> {
        let record = &self.records[*self.by_id.get(&id)? as usize];
        (record.prefix() == prefix && !record.deleted).then_some(record)
    }

    pub(super) fn get_mut(&mut self, prefix: &str, id: u128) -> Option<&mut Record> {
        let record = &mut self.records[*self.by_id.get(&id)? as usize];
        (record.prefix() == prefix && !record.deleted).then_some(record)
    }

    /// Messages from the newest back: to one recipient or to all, older than the message `after`, and not those created
    /// so early that they were sent before `sent_from`.
    pub(super) fn newest_first<'s>(
        &'s self,
        to: Option<&str>,
        after: Option<u128>,
        sent_from: Option<i64>,
    ) -> impl Iterator<Item = &'s Record> {
        let before = after.map(|id| self.by_id.get(&id).copied().unwrap_or(0));
        let whole = to.is_none();
        let mut next = match (to, before) {
            (None, None) => u32::try_from(self.records.len()).ok().and_then(|len| len.checked_sub(1)),
            (None, Some(before)) => before.checked_sub(1),
            (Some(to), None) => self.last_to.get(to).copied(),
            // A page of one recipient's messages ends at one of them, so the chain goes on from it.
            (Some(_), Some(before)) => self.records.get(before as usize).and_then(|record| record.previous),
        };
        let created_from = sent_from.map_or(i64::MIN, |from| from - self.longest_lag);
        std::iter::from_fn(move || {
            let position = next?;
            let record = &self.records[position as usize];
            next = if whole { position.checked_sub(1) } else { record.previous };
            Some(record)
        })
        .take_while(move |record| record.created >= created_from)
        .filter(|record| !record.deleted)
    }

    /// All messages in the order of their creation.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| !record.deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::message::Outcome;

    fn store() -> Store {
        let mut store = Store::default();
        for id in 0..10_u32 {
            let to = if id % 3 == 0 { "+1a" } else { "+1b" };
            let (to, body) = store.share(to, "hello");
            store.push(Record {
                id: u128::from(id),
                created: i64::from(id) * 100,
                from: "+1".into(),
                to,
                body,
                step: 10,
                segments: 1,
                media: 0,
                whatsapp: false,
                deleted: false,
                outcome: Outcome::Delivered,
                previous: None,
                extras: None,
            });
        }
        store
    }

    fn ids<'s>(records: impl Iterator<Item = &'s Record>) -> Vec<u128> {
        records.map(|record| record.id).collect()
    }

    #[test]
    fn walks_back_over_all_or_over_one_recipient() {
        let store = store();
        assert_eq!(ids(store.newest_first(None, None, None)), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        assert_eq!(ids(store.newest_first(Some("+1a"), None, None)), [9, 6, 3, 0]);
        assert_eq!(ids(store.newest_first(Some("+1a"), Some(6), None)), [3, 0]);
        assert_eq!(ids(store.newest_first(None, Some(2), None)), [1, 0]);
        assert!(ids(store.newest_first(Some("+1c"), None, None)).is_empty());
    }

    #[test]
    fn stops_where_nothing_older_can_match_a_date() {
        let store = store();
        // Each was sent 20 ms after its creation: what was created at 700 was sent at 720.
        assert_eq!(ids(store.newest_first(None, None, Some(720))), [9, 8, 7]);
        assert_eq!(ids(store.newest_first(None, None, Some(721))), [9, 8]);
    }

    #[test]
    fn deleted_messages_are_gone_from_every_view() {
        let mut store = store();
        store.delete("SM", 9);
        store.delete("SM", 9);
        assert_eq!(store.len(), 9);
        assert!(store.get("SM", 9).is_none());
        assert!(store.get("MM", 8).is_none());
        assert_eq!(ids(store.newest_first(Some("+1a"), None, None)), [6, 3, 0]);
        assert_eq!(store.iter().count(), 9);
    }

    #[test]
    fn equal_texts_are_stored_once() {
        let store = store();
        assert!(Arc::ptr_eq(&store.records[0].body, &store.records[9].body));
        assert!(Arc::ptr_eq(&store.records[0].to, &store.records[9].to));
    }
}
