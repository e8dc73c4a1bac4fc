use std::{collections::BTreeMap, sync::Arc};

use hmac::{Hmac, Mac};
use quick_cache::sync::Cache;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Binding, CipherKey, Envelope, KeyProvider, LocalKeys, MasterKey};
use crate::{
    error::{Error, ErrorCode, Result},
    model::{Runtime, TenantId, random_bytes},
    storage::{Change, Key, Query, Record, Storage, StorageExt, tables},
};

/// A tenant's keys, unwrapped.
pub struct TenantKeys {
    tenant: TenantId,
    data: BTreeMap<u32, CipherKey>,
    current: u32,
    audit: Hmac<Sha256>,
    index: Hmac<Sha256>,
}

impl TenantKeys {
    /// Encrypts for a place in one of the tenant's rows, under the newest data key.
    pub fn seal(&self, table: &str, id: &str, field: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let key = self.data.get(&self.current).ok_or_else(Self::gone)?;
        Ok(Envelope::seal(key, self.current, self.binding(table, id, field), plain))
    }

    /// Decrypts from a place in one of the tenant's rows.
    pub fn open(&self, table: &str, id: &str, field: &str, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let key = self.data.get(&Envelope::key_version(envelope)?).ok_or_else(Self::gone)?;
        Envelope::open(key, self.binding(table, id, field), envelope)
    }

    fn gone() -> Error {
        Error::new(ErrorCode::DecryptFailed, "the key of a stored secret is gone")
    }

    fn binding<'a>(&'a self, table: &'a str, id: &'a str, field: &'a str) -> Binding<'a> {
        Binding { tenant: self.tenant.as_str(), table, id, field }
    }

    /// A code under the tenant's audit key, ready to be fed.
    pub fn audit_mac(&self) -> Hmac<Sha256> {
        self.audit.clone()
    }

    /// A pseudonym: the same text gives the same one, within this tenant and this use; nobody without the key can tell
    /// which text. 32 hex digits.
    pub fn pseudonym(&self, purpose: &str, text: &str) -> String {
        hex::encode(&self.digest_bytes(purpose, text.as_bytes())[..16])
    }

    /// A keyed digest of bytes, in hex: 64 digits.
    pub fn digest(&self, purpose: &str, bytes: &[u8]) -> String {
        hex::encode(self.digest_bytes(purpose, bytes))
    }

    fn digest_bytes(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.index.clone();
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantKeys({}, data key {})", self.tenant, self.current)
    }
}

/// Tenants kept unwrapped at once.
const CACHED: usize = 10_000;

/// Holds the key provider, and hands out each tenant's keys.
pub struct SecurityService {
    storage: Arc<dyn Storage>,
    provider: Arc<dyn KeyProvider>,
    runtime: Runtime,
    cache: Cache<TenantId, Arc<TenantKeys>>,
}

impl SecurityService {
    /// Derives the root key, or refuses a master key that this database was not made with.
    pub async fn open(storage: Arc<dyn Storage>, master: &MasterKey, runtime: Runtime) -> Result<Self> {
        let root = open_root(&*storage, master, &runtime).await?;
        Ok(Self::with_provider(storage, Arc::new(LocalKeys::new(root)), runtime))
    }

    /// Wraps tenants' keys with a provider of the host's own.
    pub fn with_provider(storage: Arc<dyn Storage>, provider: Arc<dyn KeyProvider>, runtime: Runtime) -> Self {
        Self { storage, provider, runtime, cache: Cache::new(CACHED) }
    }

    /// Whether the storage answers: one read by primary key.
    pub(crate) async fn ready(&self) -> Result<()> {
        self.storage.get(&Key::new(&tables::TENANT_KEYS, &TenantId::platform(), "root")).await.map(drop)
    }

    /// The tenant's keys; made when they are asked for the first time.
    pub async fn keys(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>> {
        if let Some(keys) = self.cache.get(tenant) {
            return Ok(keys);
        }
        let mut rows = self.storage.query_all(Query::of(&tables::TENANT_KEYS, tenant)).await?;
        if rows.is_empty() {
            match self.storage.commit(&self.make(tenant).await?).await {
                // Another task or process was first; theirs are as good.
                Err(error) if error.code() == ErrorCode::Conflict => {}
                other => other?,
            }
            rows = self.storage.query_all(Query::of(&tables::TENANT_KEYS, tenant)).await?;
        }
        let keys = Arc::new(self.unwrap(tenant, &rows).await?);
        self.cache.insert(tenant.clone(), keys.clone());
        Ok(keys)
    }

    /// The tenant's keys where it has any: for callers that nobody has vouched for, who must not make a tenant.
    pub async fn known_keys(&self, tenant: &TenantId) -> Result<Option<Arc<TenantKeys>>> {
        if let Some(keys) = self.cache.get(tenant) {
            return Ok(Some(keys));
        }
        let rows = self.storage.query_all(Query::of(&tables::TENANT_KEYS, tenant)).await?;
        if rows.is_empty() { Ok(None) } else { self.keys(tenant).await.map(Some) }
    }

    async fn make(&self, tenant: &TenantId) -> Result<Vec<Change>> {
        let salt: [u8; 32] = random_bytes();
        let mut changes = Vec::new();
        for purpose in ["data", "audit", "index"] {
            let id = format!("{purpose}-1");
            let wrapped = self.provider.wrap(tenant, &salt, &id, &CipherKey::random()).await?;
            changes.push(Change::Insert(
                Record::new(&tables::TENANT_KEYS, tenant, id)
                    .set("purpose", purpose)
                    .set("key_version", 1_i64)
                    .set("salt", salt.to_vec())
                    .set("wrapped", wrapped)
                    .set("rounds", 0_i64)
                    .set("created_at", self.runtime.now()),
            ));
        }
        Ok(changes)
    }

    async fn unwrap(&self, tenant: &TenantId, rows: &[Record]) -> Result<TenantKeys> {
        let mut data = BTreeMap::new();
        let mut current = 0;
        let (mut audit, mut index) = (None, None);
        for row in rows {
            let key = self.provider.unwrap(tenant, row.bytes("salt")?, &row.key.id, row.bytes("wrapped")?).await?;
            let version = u32::try_from(row.integer("key_version")?).unwrap_or(0);
            match row.text("purpose")? {
                "data" => {
                    if row.opt_timestamp("retired_at").is_none() {
                        current = current.max(version);
                    }
                    data.insert(version, key);
                }
                "audit" => audit = Some(key.mac()),
                "index" => index = Some(key.mac()),
                _ => {}
            }
        }
        match (audit, index) {
            (Some(audit), Some(index)) => Ok(TenantKeys { tenant: tenant.clone(), data, current, audit, index }),
            _ => Err(Error::new(ErrorCode::StorageCorrupt, "some of the tenant's keys are missing from the database")),
        }
    }
}

const CHECK: &[u8] = b"this is the master key the database was made with";

async fn open_root(storage: &dyn Storage, master: &MasterKey, runtime: &Runtime) -> Result<CipherKey> {
    let platform = TenantId::platform();
    let key = Key::new(&tables::TENANT_KEYS, &platform, "root");
    let binding = Binding { tenant: platform.as_str(), table: tables::TENANT_KEYS.name, id: "root", field: "wrapped" };
    if storage.get(&key).await?.is_none() {
        let salt: [u8; 32] = random_bytes();
        let root = master.root(&salt, master.rounds());
        let made = storage
            .commit(&[Change::Insert(
                Record::new(&tables::TENANT_KEYS, &platform, "root")
                    .set("purpose", "root")
                    .set("key_version", 1_i64)
                    .set("salt", salt.to_vec())
                    .set("wrapped", Envelope::seal(&root, 1, binding, CHECK))
                    .set("rounds", master.rounds())
                    .set("created_at", runtime.now()),
            )])
            .await;
        match made {
            Ok(()) => return Ok(root),
            // Another process was first; its row decides.
            Err(error) if error.code() == ErrorCode::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    let wrong = || {
        Error::new(
            ErrorCode::WrongMasterKey,
            "this database was made with another master key; nothing in it can be opened with this one",
        )
        .with_field(MasterKey::VARIABLE)
    };
    let row = storage.get(&key).await?.ok_or_else(wrong)?;
    let rounds = u32::try_from(row.integer("rounds")?).unwrap_or(0);
    if (rounds == 0) != (master.rounds() == 0) {
        return Err(wrong());
    }
    let root = master.root(row.bytes("salt")?, rounds);
    match Envelope::open(&root, binding, row.bytes("wrapped")?) {
        Ok(check) if check.as_slice() == CHECK => Ok(root),
        _ => Err(wrong()),
    }
}
