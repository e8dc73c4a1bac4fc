//! How far messages have come, as their vendors report it. Reports come in any order; a message never goes back.
//!
//! A row's id is `provider:message`. Where many copies go out under one message id, each has a row of its own behind it,
//! `provider:message copy`; a call that is known by its request id points to its messages by `provider:request!message`.

use std::collections::{BTreeMap, btree_map::Entry};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    error::{Error, ErrorCode, Result},
    model::{TenantId, Timestamp},
    providers::{Delivery, DeliveryStage},
    security::TenantKeys,
    storage::{Aggregate, Change, Key, Measure, Query, Record, SharedWriter, Storage, Test, Value, tables},
};

/// What stands between a message and its copy, and between a call and its message. The sign behind each in ASCII ends the
/// range of ids that begin so.
const COPY: char = ' ';
const CALL: char = '!';
const BEHIND_CALL: char = '"';

/// Messages of one call that are looked at.
const MOST: u32 = 500;

/// How far a message has come, as its vendor reports it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeliveryStatus {
    /// The provider's id.
    pub provider: String,
    /// How far, and why no further. Of several copies: how far the last of those has come that have not failed; `failed`
    /// only if all have.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// When it came so far.
    pub at: Timestamp,
    /// How many copies have come how far, where more than one went out under this id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub copies: BTreeMap<DeliveryStage, u64>,
}

/// Rows of messages that are being moved.
#[derive(Default)]
pub(super) struct Moves<'e> {
    rows: BTreeMap<String, Moved<'e>>,
    links: BTreeMap<String, Link<'e>>,
}

struct Moved<'e> {
    delivery: &'e Delivery,
    at: Timestamp,
    state: Option<DeliveryStage>,
    version: Option<u64>,
    is_new: bool,
}

struct Link<'e> {
    delivery: &'e Delivery,
    at: Timestamp,
    is_new: bool,
}

/// Whose messages are meant.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) writer: &'a SharedWriter,
    pub(super) tenant: &'a TenantId,
    pub(super) provider: &'static str,
}

impl Of<'_> {
    fn id(&self, id: &str) -> String {
        format!("{}:{id}", self.provider)
    }

    async fn row(&self, id: &str) -> Result<Option<Record>> {
        self.writer.get(&Key::new(&tables::DELIVERIES, self.tenant, id)).await
    }

    /// Rows whose id goes on behind `id` with `sign`, which `end` follows in ASCII.
    fn behind(&self, id: &str, sign: char, end: char) -> Query {
        let id = self.id(id);
        Query::of(&tables::DELIVERIES, self.tenant).filter("id", Test::Ge, format!("{id}{sign}")).filter(
            "id",
            Test::Lt,
            format!("{id}{end}"),
        )
    }

    /// How far a message has come, or what a call has sent. Error: `not_found` while no report on it has come in.
    pub(super) async fn status(&self, id: &str) -> Result<DeliveryStatus> {
        if let Some(row) = self.row(&self.id(id)).await? {
            return self.of_row(id, &row);
        }
        if let Some(status) = self.of_copies(id).await? {
            return Ok(status);
        }
        let links = self.writer.query(&self.behind(id, CALL, BEHIND_CALL).limit(MOST)).await?.records;
        let mut found: Option<DeliveryStatus> = None;
        let several = links.len() > 1;
        for link in &links {
            let message = link.text("message_id")?;
            let status = match self.row(&self.id(message)).await? {
                Some(row) => Some(self.of_row(message, &row)?),
                None => self.of_copies(message).await?,
            };
            found = match (found, status) {
                (Some(one), Some(other)) => Some(joined(id, one, other)),
                (one, other) => one.or(other.map(|status| if several { counted(status) } else { status })),
            };
        }
        found.ok_or_else(|| Error::new(ErrorCode::NotFound, "no report on this message has come in"))
    }

    fn of_row(&self, message: &str, row: &Record) -> Result<DeliveryStatus> {
        let mut delivery = Delivery::new(message, stage(row.text("state")?)?);
        delivery.reason = row.opt_text("reason").map(str::to_owned);
        let at = row.timestamp("at")?;
        Ok(DeliveryStatus { provider: self.provider.to_owned(), delivery, at, copies: BTreeMap::new() })
    }

    async fn of_copies(&self, message: &str) -> Result<Option<DeliveryStatus>> {
        let copies = self.behind(message, COPY, CALL);
        let some = self.writer.query(&copies.clone().limit(2)).await?.records;
        match some.as_slice() {
            [] => return Ok(None),
            [one] => return self.of_row(message, one).map(Some),
            _ => {}
        }
        let groups = Aggregate::over(copies).group_by(&["state"]).measure(Measure::Count).measure(Measure::Max("at"));
        let (mut counts, mut last) = (BTreeMap::new(), Timestamp::default());
        for group in self.writer.aggregate(&groups).await? {
            if let [Value::Text(state), Value::Integer(count), Value::Timestamp(at)] = group.as_slice() {
                counts.insert(stage(state)?, count.unsigned_abs());
                last = last.max(*at);
            }
        }
        Ok(Some(self.of_counts(message, counts, last)))
    }

    fn of_counts(&self, id: &str, copies: BTreeMap<DeliveryStage, u64>, at: Timestamp) -> DeliveryStatus {
        let delivery = Delivery::new(id, least(&copies));
        DeliveryStatus { provider: self.provider.to_owned(), delivery, at, copies }
    }
}

/// How far the last has come that has not failed. Failed comes last in the order of stages.
fn least(copies: &BTreeMap<DeliveryStage, u64>) -> DeliveryStage {
    copies.keys().next().copied().unwrap_or(DeliveryStage::Failed)
}

/// The same, with the one copy counted.
fn counted(mut status: DeliveryStatus) -> DeliveryStatus {
    if status.copies.is_empty() {
        status.copies.insert(status.delivery.state, 1);
    }
    status
}

fn joined(id: &str, one: DeliveryStatus, other: DeliveryStatus) -> DeliveryStatus {
    let (mut one, other) = (counted(one), counted(other));
    for (state, count) in other.copies {
        *one.copies.entry(state).or_default() += count;
    }
    one.delivery = Delivery::new(id, least(&one.copies));
    one.at = one.at.max(other.at);
    one
}

fn stage(name: &str) -> Result<DeliveryStage> {
    serde_json::from_value(name.into())
        .map_err(|_| Error::new(ErrorCode::StorageCorrupt, "a message's state is none that there is"))
}

impl<'e> Moves<'e> {
    /// Takes one report in.
    pub(super) async fn take(
        &mut self,
        of: Of<'_>,
        keys: &TenantKeys,
        delivery: &'e Delivery,
        at: Timestamp,
    ) -> Result<()> {
        let mut id = of.id(&delivery.message_id);
        if let Some(copy) = &delivery.copy {
            // A copy is told apart by its address, which has no place in an id.
            id = format!("{id}{COPY}{}", keys.pseudonym("delivery_copy", copy));
        }
        if !self.rows.contains_key(&id) {
            let row = of.row(&id).await?;
            let state = row.as_ref().map(|row| stage(row.text("state")?)).transpose()?;
            let version = row.map(|row| row.version);
            self.rows.insert(id.clone(), Moved { delivery, at, state, version, is_new: false });
        }
        if let Some(known) = self.rows.get_mut(&id).filter(|known| known.state.is_none_or(|has| has < delivery.state)) {
            (known.delivery, known.at, known.state, known.is_new) = (delivery, at, Some(delivery.state), true);
        }
        if let Some(request) = &delivery.request_id {
            let id = format!("{}{CALL}{}", of.id(request), delivery.message_id);
            if let Entry::Vacant(place) = self.links.entry(id) {
                let is_new = of.row(place.key()).await?.is_none();
                place.insert(Link { delivery, at, is_new });
            }
        }
        Ok(())
    }

    /// What is to be written.
    pub(super) fn changes(self, of: Of<'_>) -> impl Iterator<Item = Change> {
        let record = move |id: String, delivery: &Delivery, state: DeliveryStage, at: Timestamp| {
            Record::new(&tables::DELIVERIES, of.tenant, id)
                .set("provider", of.provider)
                .set("message_id", delivery.message_id.clone())
                .set("state", state.name())
                .set("at", at)
        };
        let rows = self.rows.into_iter().filter(|(_, moved)| moved.is_new).map(move |(id, moved)| {
            let delivery = moved.delivery;
            let record = record(id, delivery, delivery.state, moved.at).set("reason", delivery.reason.clone());
            match moved.version {
                Some(version) => Change::Put { record, expected: Some(version) },
                None => Change::Insert(record),
            }
        });
        // A link tells where to look, and nothing of how far anything has come.
        let links = self.links.into_iter().filter(|(_, link)| link.is_new).map(move |(id, link)| {
            Change::Insert(record(id, link.delivery, DeliveryStage::Accepted, link.at).set("reason", None::<String>))
        });
        rows.chain(links)
    }
}
