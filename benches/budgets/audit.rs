//! The audit trail: how many rows a second become durable, and how many verify.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use hmac::{Hmac, KeyInit};
use rusqlite::{Connection, types::Value as Sql};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use sis_integrations::{
    Actor, Error, ErrorCode, IntegrationManager, Manifest, Role, Secret, Tenant, Timestamp, manifest, operations,
    providers::{
        Access, Call, ConfigField, HealthProbe, Operation, OperationSpec, Provider, ProviderConfig, ProviderInfo, Quota,
    },
    services::row_mac,
    storage::{Query, SqliteStorage, Storage, StorageExt, tables},
    transport::{Headers, Repeat, Request},
};

use crate::{
    Outcome,
    host::master_key,
    report::{Rounds, budget, cpu_time, ratio},
};

/// Calls at once, each of so many sends, each of which leaves an intent and an outcome.
const CALLS: usize = 8;
const SENDS: u32 = 2500;
const OPEN: usize = 256;
const ROUNDS: usize = 3;
/// Rows of one transaction of the raw insert.
const BATCH: usize = 1000;

/// A vendor who is reached without a network.
struct Recorder;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Settings {
    token: Secret<String>,
}

impl ProviderConfig for Settings {
    const PROVIDER: &'static str = "recorder";
    const FIELDS: &'static [ConfigField] = &[ConfigField { name: "token", env: None, hint: "" }];

    fn validate(&self) -> sis_integrations::Result<()> {
        Ok(())
    }

    fn base_url(&self) -> Option<&url::Url> {
        None
    }
}

impl Provider for Recorder {
    type Config = Settings;
    const INFO: ProviderInfo = ProviderInfo {
        id: "recorder",
        name: "Recorder",
        recipient: "nobody",
        purpose: "measures",
        hosts: &[],
        health: HealthProbe::Operation("sendMany"),
        quota: Quota { per_second: 1e6, burst: 1_000_000 },
        limits: &[],
        prices: &[],
        docs: "",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![SendMany]
    }

    fn authenticate(_config: &Settings, _request: &mut Request, _now: Timestamp) -> sis_integrations::Result<()> {
        Ok(())
    }

    fn parse_error(_status: u16, _headers: &Headers, _body: &[u8]) -> Error {
        Error::new(ErrorCode::Vendor, "")
    }
}

/// Records so many sends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct SendMany {
    sends: u32,
}

impl Operation for SendMany {
    type Provider = Recorder;
    type Output = u32;
    const NAME: &'static str = "sendMany";
    const ACCESS: Access = Access::Send;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Never;

    async fn run(self, call: &Call<'_, Recorder>) -> sis_integrations::Result<u32> {
        stream::iter(0..self.sends)
            .map(|at| async move {
                let sent = async { Ok(((), json!({ "sid": "SM00000000000000000000000000000000", "attempts": 1 }))) };
                call.part(&format!("recipients[{at}]/sms"), sent).await
            })
            .buffer_unordered(OPEN)
            .try_collect::<()>()
            .await?;
        Ok(self.sends)
    }
}

struct Trail {
    manager: IntegrationManager,
    school: Tenant,
    admin: Actor,
}

impl Trail {
    async fn open(storage: impl Storage) -> Outcome<Self> {
        let manager =
            IntegrationManager::builder().storage(storage).master_key(master_key()?).provider(Recorder).build().await?;
        let school = manager.tenant("north-high")?;
        let admin = Actor::new("principal", Role::Admin);
        school.configure(&admin, Settings { token: Secret::new("a token".to_owned()) }).await?;
        Ok(Self { manager, school, admin })
    }

    /// Rows a second.
    async fn record(&self) -> Outcome<f64> {
        let start = Instant::now();
        let calls: Vec<_> = (0..CALLS)
            .map(|_| {
                let (school, admin) = (self.school.clone(), self.admin.clone());
                tokio::spawn(async move { school.call(&admin, SendMany { sends: SENDS }).await.map(|sent| *sent) })
            })
            .collect();
        let mut rows = 0;
        for call in calls {
            rows += 2 + 2 * call.await??;
        }
        Ok(f64::from(rows) / start.elapsed().as_secs_f64())
    }

    /// Rows, and rows a second of processor time.
    async fn verify(&self) -> Outcome<(u64, f64)> {
        // The kernel counts hundredths of a second: often enough for many of them.
        let (cpu, mut rows) = (cpu_time(), 0);
        for _ in 0..3 {
            let report = self.school.verify_audit(&self.admin).await?;
            if !report.intact {
                return Err("the audit chain does not verify".into());
            }
            rows += report.rows;
        }
        Ok((rows / 3, rows as f64 / (cpu_time() - cpu).as_secs_f64()))
    }
}

pub(crate) async fn measure(folder: &Path) -> Outcome {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let file = folder.join(format!("audit-{round}.db"));
        let trail = Trail::open(SqliteStorage::open(&file).await?).await?;
        let ours = trail.record().await?;
        trail.manager.close(Duration::from_secs(5)).await?;
        let rows = rows(&file)?;
        let raw = insert(&empty(folder, &format!("raw-{round}.db")).await?, &rows, BATCH)?;
        let naive = insert(&empty(folder, &format!("naive-{round}.db")).await?, &rows, 1)?;
        println!(
            "  durable audit rows a second: ours {ours:.0}, raw in batches of {BATCH} {raw:.0}, one by one {naive:.0}"
        );
        rounds.push((ours, raw, naive));
    }
    let share = Rounds::new(rounds.iter().map(|(ours, raw, _)| ours / raw));
    let measured = format!("{} a raw batched insert", ratio(&share));
    budget("durable audit rows a second, SQLite", &measured, "at least 0.6 ×", share.median() >= 0.6);
    let gain = Rounds::new(rounds.iter().map(|(ours, _, naive)| ours / naive));
    println!("  that is {} one transaction a row", ratio(&gain));

    let storage = SqliteStorage::open(folder.join("audit-0.db")).await?;
    let records = storage.query_all(Query::of(&tables::AUDIT_LOGS, &"north-high".parse()?).oldest_first("seq")).await?;
    storage.close().await?;
    let key = Hmac::<Sha256>::new_from_slice(&[7; 32])?;
    let (start, mut link) = (Instant::now(), [0; 32]);
    for row in &records {
        link = row_mac(key.clone(), &link, row);
    }
    let alone = records.len() as f64 / start.elapsed().as_secs_f64();
    std::hint::black_box(link);
    let measured = format!("{alone:.0} rows/s");
    budget("verifying the chain, rows in memory, a core", &measured, "over 500,000 rows/s", alone > 500_000.0);

    // What SQLite itself needs to find the same rows in the same order: no verifier is quicker.
    let cpu = cpu_time();
    let read = (0..3).map(|_| read(&folder.join("audit-0.db"))).sum::<Outcome<usize>>()?;
    println!(
        "  SQLite alone reads {:.0} of these rows a second of processor time",
        read as f64 / (cpu_time() - cpu).as_secs_f64()
    );
    let trail = Trail::open(SqliteStorage::open(folder.join("audit-0.db")).await?).await?;
    let (rows, a_core) = trail.verify().await?;
    trail.manager.close(Duration::from_secs(5)).await?;
    let measured = format!("{a_core:.0} rows/s, {rows} rows");
    budget("verifying the chain, from SQLite, a core", &measured, "over 500,000 rows/s", a_core > 500_000.0);
    Ok(())
}

const INSERT: &str = "INSERT INTO integration_audit_logs VALUES";

const SELECT: &str = "SELECT * FROM integration_audit_logs ORDER BY tenant_id, stream, seq";

/// How many rows there are, each column of each looked at.
fn read(file: &Path) -> Outcome<usize> {
    let connection = Connection::open(file)?;
    let mut select = connection.prepare(SELECT)?;
    let columns = select.column_count();
    let (mut rows, mut count) = (select.query([])?, 0);
    while let Some(row) = rows.next()? {
        for at in 0..columns {
            std::hint::black_box(row.get_ref(at)?);
        }
        count += 1;
    }
    Ok(count)
}

/// What the library wrote, in the order in which it did.
fn rows(file: &Path) -> Outcome<Vec<Vec<Sql>>> {
    let connection = Connection::open(file)?;
    let mut select = connection.prepare(SELECT)?;
    let columns = select.column_count();
    let rows = select.query_map([], |row| (0..columns).map(|at| row.get(at)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A file with the library's tables and nothing in them.
async fn empty(folder: &Path, name: &str) -> Outcome<Connection> {
    let file = folder.join(name);
    let storage = SqliteStorage::open(&file).await?;
    storage.migrate(&tables::SCHEMA).await?;
    storage.close().await?;
    let connection = Connection::open(&file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Rows a second, for a second and a half at most.
fn insert(connection: &Connection, rows: &[Vec<Sql>], batch: usize) -> Outcome<f64> {
    let marks = vec!["?"; rows.first().map_or(0, Vec::len)].join(", ");
    let mut insert = connection.prepare(&format!("{INSERT} ({marks})"))?;
    let (start, mut done) = (Instant::now(), 0);
    for batch in rows.chunks(batch) {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for row in batch {
            insert.execute(rusqlite::params_from_iter(row))?;
        }
        connection.execute_batch("COMMIT")?;
        done += batch.len();
        if start.elapsed() > Duration::from_millis(1500) {
            break;
        }
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}
