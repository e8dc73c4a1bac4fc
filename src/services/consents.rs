//! [`ConsentService`]: what must be remembered between sending a person to a vendor's consent page and their return.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    error::{Error, ErrorCode, Result},
    model::{Actor, Runtime, Secret, TenantId, Timestamp, exposing, random_bytes},
    security::TenantKeys,
    storage::{Change, Key, Record, SharedWriter, Storage, tables},
};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// A consent that was begun.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begun {
    /// The verifier of RFC 7636.
    pub(crate) verifier: Secret<String>,
    pub(crate) redirect: Url,
    pub(crate) actor: String,
    pub(crate) scopes: Vec<String>,
}

/// Remembers consents that were begun, encrypted, each for one use.
pub struct ConsentService {
    writer: SharedWriter,
    runtime: Runtime,
}

impl ConsentService {
    pub(crate) fn new(writer: SharedWriter, runtime: Runtime) -> Self {
        Self { writer, runtime }
    }

    fn key(tenant: &TenantId, keys: &TenantKeys, provider: &str, state: &str) -> Key {
        let digest = keys.digest("consent_state", state.as_bytes());
        Key::new(&tables::OAUTH_TOKENS, tenant, format!("{provider}:consent:{digest}"))
    }

    /// A new consent: its state, until when it holds, and the row to keep.
    pub(crate) fn begin(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        provider: &'static str,
        actor: &Actor,
        redirect: Url,
        scopes: Vec<String>,
    ) -> Result<(String, Begun, Timestamp, Change)> {
        let state = hex::encode(random_bytes::<32>());
        let verifier = Secret::new(hex::encode(random_bytes::<32>()));
        let begun = Begun { verifier, redirect, actor: actor.id().to_owned(), scopes };
        let key = Self::key(tenant, keys, provider, &state);
        let plain = exposing(|| serde_json::to_vec(&begun)).map(zeroize::Zeroizing::new);
        let plain = plain.map_err(|_| Error::internal("a consent cannot be written as JSON"))?;
        let until = self.runtime.now().after(PATIENCE);
        let record = Record::new(key.table, tenant, key.id.clone())
            .set("provider", provider)
            .set("token", keys.seal(tables::OAUTH_TOKENS.name, &key.id, "token", &plain)?)
            .set("expires_at", until)
            .set("lease_until", None::<Timestamp>)
            .set("updated_at", self.runtime.now());
        Ok((state, begun, until, Change::Insert(record)))
    }

    /// Takes a consent out: it is there once.
    pub(crate) async fn take(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        provider: &str,
        actor: &Actor,
        state: &str,
    ) -> Result<Begun> {
        let unknown = || {
            Error::new(ErrorCode::NotFound, "no consent was begun with this state, or it took too long; begin again")
                .with_field("state")
        };
        let key = Self::key(tenant, keys, provider, state);
        let row = self.writer.get(&key).await?.ok_or_else(unknown)?;
        let gone = Change::Delete { key: key.clone(), expected: Some(row.version) };
        match self.writer.commit(&[gone]).await {
            Err(error) if error.code() == ErrorCode::Conflict => return Err(unknown()),
            result => result?,
        }
        let plain = keys.open(tables::OAUTH_TOKENS.name, &key.id, "token", row.bytes("token")?)?;
        let begun: Begun = serde_json::from_slice(&plain)
            .map_err(|_| Error::new(ErrorCode::StorageCorrupt, "a consent that was begun cannot be read"))?;
        // Who returns is who was sent: else somebody could slip their own account under an administrator.
        if row.opt_timestamp("expires_at").is_none_or(|until| until <= self.runtime.now()) || begun.actor != actor.id()
        {
            return Err(unknown());
        }
        Ok(begun)
    }
}
