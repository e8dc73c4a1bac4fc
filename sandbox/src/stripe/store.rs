//! What an account holds: objects as the wire shows them, by kind and in the order they came.
//!
//! Fields whose names begin with an underscore are the look-alike's own: they are never shown, unless `expand` asks for
//! one that the vendor hides until asked (`line_items`).

use std::collections::HashMap;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::error::Refusal;
use super::form::Params;
use super::{ids, signature};
use crate::exchange::Answer;

/// How long an idempotency key is remembered, in milliseconds.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Customer,
    PaymentMethod,
    PaymentIntent,
    Charge,
    Session,
    Product,
    Price,
    Subscription,
    Invoice,
    InvoiceItem,
    Refund,
    Event,
}

/// Every kind: prefix of its ids, and its name in messages.
const KINDS: [(Kind, &str, &str); 12] = [
    (Kind::Customer, "cus_", "customer"),
    (Kind::PaymentMethod, "pm_1", "PaymentMethod"),
    (Kind::PaymentIntent, "pi_3", "payment_intent"),
    (Kind::Charge, "ch_3", "charge"),
    (Kind::Session, "cs_", "checkout.session"),
    (Kind::Product, "prod_", "product"),
    (Kind::Price, "price_1", "price"),
    (Kind::Subscription, "sub_1", "subscription"),
    (Kind::Invoice, "in_1", "invoice"),
    (Kind::InvoiceItem, "ii_1", "invoiceitem"),
    (Kind::Refund, "re_3", "refund"),
    (Kind::Event, "evt_1", "event"),
];

impl Kind {
    fn prefix(self) -> &'static str {
        KINDS[self as usize].1
    }

    pub(super) fn name(self) -> &'static str {
        KINDS[self as usize].2
    }
}

#[derive(Debug, Default)]
struct Table {
    places: HashMap<String, usize>,
    rows: Vec<Value>,
}

/// What was answered under an idempotency key.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    pub(super) fingerprint: u64,
    pub(super) answer: Answer,
    at: i64,
}

/// One account's objects in one mode.
#[derive(Debug, Default)]
pub(super) struct Book {
    tables: [Table; KINDS.len()],
    saved: HashMap<String, Saved>,
}

impl Book {
    pub(super) fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        let table = &self.tables[kind as usize];
        table.places.get(id).map(|place| &table.rows[*place])
    }

    pub(super) fn get_mut(&mut self, kind: Kind, id: &str) -> Option<&mut Value> {
        let table = &mut self.tables[kind as usize];
        table.places.get(id).map(|place| &mut table.rows[*place])
    }

    /// The object of whichever kind the id belongs to.
    pub(super) fn find(&self, id: &str) -> Option<&Value> {
        KINDS.iter().find_map(|(kind, ..)| self.get(*kind, id))
    }

    /// Puts an object in, in place of the one with its id if there is one.
    pub(super) fn put(&mut self, kind: Kind, object: Value) {
        let table = &mut self.tables[kind as usize];
        let id = object["id"].as_str().unwrap_or_default();
        match table.places.get(id) {
            Some(place) => table.rows[*place] = object,
            None => {
                table.places.insert(id.to_owned(), table.rows.len());
                table.rows.push(object);
            }
        }
    }

    /// All objects of a kind, oldest first.
    pub(super) fn rows(&self, kind: Kind) -> &[Value] {
        &self.tables[kind as usize].rows
    }

    pub(super) fn place(&self, kind: Kind, id: &str) -> Option<usize> {
        self.tables[kind as usize].places.get(id).copied()
    }

    /// What was answered under a key, unless that is forgotten by now.
    pub(super) fn saved(&self, key: &str, now: i64) -> Option<&Saved> {
        self.saved.get(key).filter(|saved| now - saved.at < REMEMBERED)
    }

    pub(super) fn save(&mut self, key: &str, fingerprint: u64, answer: Answer, at: i64) {
        self.saved.insert(key.to_owned(), Saved { fingerprint, answer, at });
    }
}

/// One request at work.
pub(super) struct Ctx<'a> {
    pub(super) book: &'a mut Book,
    pub(super) params: Params<'a>,
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) livemode: bool,
    pub(super) account: &'a str,
    /// Counts ids, over all accounts.
    pub(super) counter: &'a mut u64,
}

pub(super) type Outcome = Result<Value, Refusal>;

impl Ctx<'_> {
    pub(super) fn text_id(&mut self) -> String {
        *self.counter += 1;
        ids::text(*self.counter)
    }

    pub(super) fn id(&mut self, kind: Kind) -> String {
        let text = self.text_id();
        format!("{}{text}", kind.prefix())
    }

    /// Puts a new or changed object in, and gives it back as it is to be answered.
    pub(super) fn keep(&mut self, kind: Kind, object: Value) -> Outcome {
        self.book.put(kind, object.clone());
        Ok(object)
    }

    /// The object that the path names. `param` is what the vendor calls it in its refusal.
    pub(super) fn named(&self, kind: Kind, id: &str, param: &str) -> Outcome {
        let found = self.book.get(kind, id).filter(|object| object["deleted"] != true);
        found.cloned().ok_or_else(|| Refusal::not_found(kind.name(), id, param))
    }

    /// The object that a parameter names.
    pub(super) fn referred(&self, kind: Kind, id: &str, param: &str) -> Outcome {
        let found = self.book.get(kind, id).filter(|object| object["deleted"] != true);
        found.cloned().ok_or_else(|| Refusal::absent(kind.name(), id, param))
    }

    /// The id that a parameter names, once it is known to be there.
    pub(super) fn reference(&self, kind: Kind, params: &Params<'_>, name: &str) -> Result<Option<String>, Refusal> {
        let Some(id) = params.text(name)? else { return Ok(None) };
        self.referred(kind, id, &params.path(name)).map(|_| Some(id.to_owned()))
    }

    /// Records that something happened.
    pub(super) fn emit(&mut self, kind: &str, object: &Value) {
        let id = self.id(Kind::Event);
        let event = signature::envelope(&id, kind, shown(object), self.now, self.livemode);
        self.book.put(Kind::Event, event);
    }
}

/// An object without the look-alike's own fields.
pub(super) fn shown(object: &Value) -> Value {
    match object {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .map(|(name, value)| (name.clone(), if name == "metadata" { value.clone() } else { shown(value) }))
                .collect(),
        ),
        Value::Array(elements) => Value::Array(elements.iter().map(shown).collect()),
        other => other.clone(),
    }
}

/// A list that is part of an object, whole.
pub(super) fn whole_list(url: &str, data: Vec<Value>) -> Value {
    json!({ "object": "list", "data": data, "has_more": false, "url": url })
}

/// The refusal of a state that the vendor gives a code of its own.
pub(super) fn unexpected(code: &str, message: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, message).code(code)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{KINDS, shown};

    #[test]
    fn kinds_stand_at_their_own_places() {
        assert!(KINDS.iter().enumerate().all(|(place, (kind, ..))| *kind as usize == place));
    }

    #[test]
    fn own_fields_are_hidden_but_metadata_is_the_users() {
        let object = json!({ "_a": 1, "b": [{ "_c": 2, "d": 3 }], "metadata": { "_e": "f" } });
        assert_eq!(shown(&object), json!({ "b": [{ "d": 3 }], "metadata": { "_e": "f" } }));
    }
}
