//! The links of the audit chain: how a row becomes bytes, and how a stream is verified.
//!
//! A row's canonical bytes are the byte 1, then each of `tenant_id`, `id` and the columns of
//! `integration_audit_logs` from `stream` to `detail`, in the table's order: a null as `00`; text as `01`, its length in
//! bytes as 4 bytes big-endian, and UTF-8; a number as `02` and 8 bytes big-endian; a moment as `03` and its microseconds
//! since 1970 as 8 bytes big-endian. `mac` is HMAC-SHA256 under the tenant's audit key over the `mac` of the row before
//! it in its stream (32 zero bytes for the first) and these bytes. `tests/golden/audit_chain.json` pins it.

use std::collections::HashMap;

use hmac::{Hmac, Mac};
use parking_lot::Mutex;
use serde::Serialize;
use sha2::Sha256;

use crate::{
    error::{Error, Result},
    model::TenantId,
    security::TenantKeys,
    storage::{Aggregate, Change, Measure, Query, Record, Seal, Settled, Storage, Value, tables},
};

/// The canonical bytes of an audit row.
pub fn canonical_row(row: &Record) -> Vec<u8> {
    fn text(bytes: &mut Vec<u8>, text: &str) {
        bytes.push(1);
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(512);
    bytes.push(1);
    text(&mut bytes, row.key.tenant.as_str());
    text(&mut bytes, &row.key.id);
    for (column, value) in row.key.table.columns.iter().zip(row.values()) {
        if column.name == "mac" {
            break;
        }
        match value {
            Value::Text(t) => text(&mut bytes, t),
            Value::Integer(number) => {
                bytes.push(2);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Value::Timestamp(moment) => {
                bytes.push(3);
                bytes.extend_from_slice(&moment.as_micros().to_be_bytes());
            }
            _ => bytes.push(0),
        }
    }
    bytes
}

/// The code of a row that follows one with the code `before`.
pub fn row_mac(mut key: Hmac<Sha256>, before: &[u8; 32], row: &Record) -> [u8; 32] {
    key.update(before);
    key.update(&canonical_row(row));
    key.finalize().into_bytes().into()
}

#[derive(Clone)]
struct Stream {
    id: String,
    length: i64,
    mac: [u8; 32],
    key: Hmac<Sha256>,
}

impl Stream {
    fn open(keys: &TenantKeys) -> Self {
        Self { id: new_stream_id(), length: 0, mac: [0; 32], key: keys.audit_mac() }
    }

    fn link(&mut self, row: &mut Record) {
        self.length += 1;
        row.put("stream", self.id.clone());
        row.put("seq", self.length);
        self.mac = row_mac(self.key.clone(), &self.mac, row);
        row.put("mac", self.mac.to_vec());
    }
}

fn new_stream_id() -> String {
    hex::encode(crate::model::random_bytes::<10>())
}

/// Writes the links as rows are committed: one stream for each tenant and process.
///
/// A batch that is not kept is unlinked again. Where a failed commit does not tell whether its rows are there, the
/// streams it touched are left as they are and new ones begun, so that no chain can fork.
#[derive(Default)]
pub(crate) struct Chain {
    streams: Mutex<HashMap<TenantId, Stream>>,
    /// The streams as they were before the batch under way.
    before: Mutex<Vec<(TenantId, Stream)>>,
}

impl Chain {
    /// Makes sure the tenant's rows can be linked.
    pub(crate) fn ready(&self, tenant: &TenantId, keys: &TenantKeys) {
        let mut streams = self.streams.lock();
        if !streams.contains_key(tenant) {
            streams.insert(tenant.clone(), Stream::open(keys));
        }
    }
}

impl Seal for Chain {
    fn seal(&self, changes: &mut [Change]) -> Result<()> {
        let mut streams = self.streams.lock();
        let mut before = self.before.lock();
        before.clear();
        for change in changes {
            let Change::Insert(row) = change else { continue };
            if row.key.table.name != tables::AUDIT_LOGS.name {
                continue;
            }
            let stream = streams.get_mut(&row.key.tenant);
            // A row with another stream's link comes from the second journal and keeps it; one with this stream's is
            // tried again without a caller that conflicted.
            let linked = row.value("mac") != &Value::Null;
            if linked && stream.as_ref().is_none_or(|stream| row.opt_text("stream") != Some(&stream.id)) {
                continue;
            }
            let stream = stream.ok_or_else(|| Error::internal("an audit row's tenant has no stream"))?;
            if !before.iter().any(|(tenant, _)| *tenant == row.key.tenant) {
                before.push((row.key.tenant.clone(), stream.clone()));
            }
            stream.link(row);
        }
        Ok(())
    }

    fn settle(&self, settled: Settled) {
        let before = std::mem::take(&mut *self.before.lock());
        if settled == Settled::Kept {
            return;
        }
        let mut streams = self.streams.lock();
        for (tenant, mut stream) in before {
            if settled == Settled::Unknown {
                stream = Stream { id: new_stream_id(), length: 0, mac: [0; 32], key: stream.key };
            }
            streams.insert(tenant, stream);
        }
    }
}

/// Streams of their own for rows that go to the second journal; they are linked at once.
#[derive(Default)]
pub(crate) struct JournalChain(Mutex<HashMap<TenantId, Stream>>);

impl JournalChain {
    pub(crate) fn link(&self, keys: &TenantKeys, row: &mut Record) {
        let mut streams = self.0.lock();
        streams.entry(row.key.tenant.clone()).or_insert_with(|| Stream::open(keys)).link(row);
    }
}

/// One stream that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedStream {
    /// Its id.
    pub stream: String,
    /// How many rows verify.
    pub rows: u64,
    /// The code of its last row, in hex: write it down elsewhere, and a cut tail shows.
    pub head: String,
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    /// In which stream.
    pub stream: String,
    /// At which place, from 1.
    pub seq: u64,
    /// The id of the row that stands there, if any does.
    pub id: Option<String>,
    /// `missing` (no row at this place) or `changed` (its code does not fit).
    pub kind: String,
}

/// What verifying a tenant's audit chain found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether every link holds.
    pub intact: bool,
    /// Rows that verify.
    pub rows: u64,
    /// The streams, in the order of their ids.
    pub streams: Vec<VerifiedStream>,
    /// The first break of each stream that has one.
    pub broken: Vec<Broken>,
}

/// Reads every row of the tenant's streams and checks its link.
pub(super) async fn verify(storage: &dyn Storage, tenant: &TenantId, keys: &TenantKeys) -> Result<Verification> {
    let groups = storage
        .aggregate(
            &Aggregate::over(Query::of(&tables::AUDIT_LOGS, tenant)).group_by(&["stream"]).measure(Measure::Count),
        )
        .await?;
    let mut report = Verification { intact: true, ..Default::default() };
    for group in groups {
        let Some(Value::Text(stream)) = group.into_iter().next() else { continue };
        let mut link = Verifier::new(keys.audit_mac());
        let mut query =
            Query::of(&tables::AUDIT_LOGS, tenant).eq("stream", stream.clone().into_owned()).oldest_first("seq");
        let broken = 'stream: loop {
            let page = storage.query(&query).await?;
            for row in &page.records {
                if let Err(kind) = link.check(row) {
                    break 'stream Some((kind, row.key.id.clone()));
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => break None,
            }
        };
        report.rows += link.rows;
        if let Some((kind, id)) = broken {
            report.intact = false;
            let id = (kind == "changed").then_some(id);
            report.broken.push(Broken { stream: stream.to_string(), seq: link.rows + 1, id, kind: kind.to_owned() });
        } else {
            report.streams.push(VerifiedStream {
                stream: stream.to_string(),
                rows: link.rows,
                head: hex::encode(link.mac),
            });
        }
    }
    Ok(report)
}

struct Verifier {
    key: Hmac<Sha256>,
    mac: [u8; 32],
    rows: u64,
}

impl Verifier {
    fn new(key: Hmac<Sha256>) -> Self {
        Self { key, mac: [0; 32], rows: 0 }
    }

    fn check(&mut self, row: &Record) -> std::result::Result<(), &'static str> {
        let place = row.integer("seq").map_err(|_| "changed")?;
        if place != i64::try_from(self.rows).unwrap_or(i64::MAX) + 1 {
            return Err("missing");
        }
        let mac = row_mac(self.key.clone(), &self.mac, row);
        let same =
            row.bytes("mac").is_ok_and(|stored| bool::from(subtle::ConstantTimeEq::ct_eq(stored, mac.as_slice())));
        if !same {
            return Err("changed");
        }
        self.mac = mac;
        self.rows += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Timestamp, security::CipherKey, storage::Kind};

    /// Made by code that is not ours: `tests/golden/README.md`.
    #[test]
    fn golden_links_hold_for_ever() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/audit_chain.json")).unwrap();
        let key = CipherKey::new(hex::decode(golden["key"].as_str().unwrap()).unwrap().try_into().unwrap());
        let tenant: TenantId = golden["tenant"].as_str().unwrap().parse().unwrap();
        let mut mac = [0; 32];
        let mut link = Verifier::new(key.mac());
        for vector in golden["rows"].as_array().unwrap() {
            let mut row = Record::new(&tables::AUDIT_LOGS, &tenant, vector["id"].as_str().unwrap());
            for column in tables::AUDIT_LOGS.columns {
                let Some(value) = vector.get(column.name) else { continue };
                match column.kind {
                    Kind::Integer => row.put(column.name, value.as_i64().unwrap()),
                    Kind::Timestamp => row.put(column.name, Timestamp::from_micros(value.as_i64().unwrap())),
                    Kind::Bytes => row.put(column.name, hex::decode(value.as_str().unwrap()).unwrap()),
                    _ => row.put(column.name, value.as_str().unwrap().to_owned()),
                }
            }
            mac = row_mac(key.mac(), &mac, &row);
            assert_eq!(hex::encode(mac), vector["mac"].as_str().unwrap(), "row {}", vector["seq"]);
            assert_eq!(link.check(&row), Ok(()));
        }
        assert_eq!(link.rows, 3);
    }
}
