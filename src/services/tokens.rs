//! [`TokenService`]: access tokens, kept encrypted, asked for once however many calls wait.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorCode, Result},
    model::{Redactor, Runtime, Secret, TenantId, Timestamp, exposing},
    providers::AccessToken,
    security::TenantKeys,
    storage::{Change, Key, Record, SharedWriter, Storage, tables},
    transport::{
        Client, Plan, Repeat, Tried,
        oauth::{self, TokenAnswer, TokenGrant},
    },
};

/// A token with less left than this is not used: the call would outlive it.
const LEAST: Duration = Duration::from_secs(60);
/// A token with less left than this is renewed beside the calls that still use it. Of one that lives but a short time, a
/// fifth: else it would be renewed all the time.
const AHEAD: Duration = Duration::from_secs(300);
const OF_ITS_LIFE: u32 = 5;
/// How long nobody renews ahead after it failed.
const PAUSE: Duration = Duration::from_secs(10);
/// How long one process may be busy asking before another takes over.
const LEASE: Duration = Duration::from_secs(30);
/// How often a process looks whether the other has finished.
const LOOK: Duration = Duration::from_millis(50);
/// How long a refusal that a person has to mend is remembered, so that a thousand calls are not a thousand questions.
const REFUSED: Duration = Duration::from_secs(10);
const CACHED: usize = 20_000;

/// What of a token is stored, encrypted.
#[derive(Serialize, Deserialize, Clone)]
struct Kept {
    /// A digest of the credentials that it was given for.
    of: String,
    /// A digest of the consent that the refresh token stands on; none in rows of versions that did not tell the two apart.
    #[serde(default)]
    consent: Option<String>,
    access: Secret<String>,
    #[serde(default)]
    refresh: Option<Secret<String>>,
    #[serde(default)]
    scope: Option<String>,
    expires_at: Timestamp,
    /// How many seconds it lives in all.
    lifetime: u64,
}

impl Kept {
    fn held(&self) -> Held {
        let secrets = [Some(self.access.expose()), self.refresh.as_ref().map(Secret::expose)];
        let redactor = Redactor::new(secrets.into_iter().flatten());
        let token = AccessToken { value: self.access.clone(), scope: self.scope.clone(), redactor };
        Held { token: Arc::new(token), expires_at: self.expires_at, lifetime: self.lifetime }
    }

    fn is_usable(&self, asked: &Asked, turned_down: Option<&Secret<String>>, now: Timestamp, least: Duration) -> bool {
        self.of == asked.of
            && lasts(self.expires_at, self.lifetime, now, least)
            && turned_down.is_none_or(|refused| refused.expose() != self.access.expose())
    }

    /// The newest refresh token of the same consent.
    fn refresh_for(&self, asked: &Asked) -> Option<&Secret<String>> {
        let same = self.of == asked.of || self.consent.is_some() && self.consent == asked.consent;
        self.refresh.as_ref().filter(|_| same)
    }
}

/// Digests of what a token is asked for with.
#[derive(Clone)]
struct Asked {
    /// Of all the credentials: an access token holds for these alone.
    of: String,
    /// Of the consent: its refresh token holds while a secret or the scopes change.
    consent: Option<String>,
}

impl Asked {
    fn with(wish: &Wish) -> Self {
        let digest = |text: Secret<String>| wish.keys.digest("token_credentials", text.expose().as_bytes());
        Self { of: digest(wish.grant.fingerprint()), consent: wish.grant.consent_fingerprint().map(digest) }
    }
}

/// A token in clear.
#[derive(Clone)]
struct Held {
    token: Arc<AccessToken>,
    expires_at: Timestamp,
    lifetime: u64,
}

/// Whether a token lasts that long, or as long as one of its lifetime can be asked to.
fn lasts(expires_at: Timestamp, lifetime: u64, now: Timestamp, least: Duration) -> bool {
    expires_at.since(now) >= least.min(Duration::from_secs(lifetime) / OF_ITS_LIFE) && expires_at > now
}

/// A token's row as it was read.
struct Row {
    version: u64,
    kept: Option<Kept>,
    leased_until: Option<Timestamp>,
}

type CacheKey = (TenantId, &'static str, String);

/// What is known in this process of one token.
#[derive(Default)]
struct Slot {
    /// Held by the one that asks; the others wait.
    asking: tokio::sync::Mutex<()>,
    known: parking_lot::Mutex<Known>,
    /// Somebody renews ahead.
    renewing: AtomicBool,
}

impl Slot {
    /// The failure of an asking that ended after this moment.
    fn failed_since(&self, of: &str, moment: Duration) -> Option<Error> {
        let known = self.known.lock();
        known.failed.as_ref().filter(|(at, _)| known.of == of && *at >= moment).map(|(_, error)| error.clone())
    }
}

#[derive(Default)]
struct Known {
    of: String,
    held: Option<Held>,
    /// The last failure, and when it was.
    failed: Option<(Duration, Error)>,
}

/// For whom a token is wanted, and how the vendor may be asked.
pub(crate) struct Wish {
    pub(crate) tenant: TenantId,
    pub(crate) keys: Arc<TenantKeys>,
    pub(crate) provider: &'static str,
    pub(crate) vendor: &'static str,
    pub(crate) grant: TokenGrant,
    pub(crate) plan: Plan,
    /// Held until the vendor's answer is stored: a manager that closes waits for it.
    pub(crate) _under_way: Option<Box<dyn Any + Send + Sync>>,
}

/// Gives out access tokens.
///
/// A token is asked for once: calls of this process wait for the one that asks, and a lease on the row lets only one
/// process ask. A refresh token that the vendor exchanged for another is stored before the new access token is used.
pub struct TokenService {
    writer: SharedWriter,
    runtime: Runtime,
    client: Client,
    slots: Cache<CacheKey, Arc<Slot>>,
}

impl TokenService {
    pub(crate) fn new(writer: SharedWriter, runtime: Runtime, client: Client) -> Self {
        Self { writer, runtime, client, slots: Cache::new(CACHED) }
    }

    /// A token to use now; not `refused`, which the vendor has just turned down.
    pub(crate) async fn token(self: &Arc<Self>, wish: Wish, refused: Option<&AccessToken>) -> Result<Arc<AccessToken>> {
        let asked = Asked::with(&wish);
        let key = (wish.tenant.clone(), wish.provider, wish.grant.name.clone());
        let slot = match self.slots.get(&key) {
            Some(slot) => slot,
            None => self.slots.get_or_insert_with(&key, || Ok::<_, Error>(Arc::default()))?,
        };
        let turned_down = refused.map(|token| token.value.clone());
        if let Some(held) = self.known(&slot, &asked.of, turned_down.as_ref())? {
            if !lasts(held.expires_at, held.lifetime, self.runtime.now(), AHEAD) {
                self.renew_ahead(wish, slot, asked);
            }
            return Ok(held.token);
        }
        // In a task of its own: a call that gives up must not lose a refresh token that is on its way.
        let (service, began) = (self.clone(), self.runtime.monotonic());
        let token = self.runtime.run(async move {
            let _held = slot.asking.lock().await;
            if let Some(held) = service.known(&slot, &asked.of, turned_down.as_ref())? {
                return Ok(held.token);
            }
            // Whoever asked while this one waited has the vendor's answer to both.
            if let Some(error) = slot.failed_since(&asked.of, began) {
                return Err(error);
            }
            service.ask(&wish, &slot, &asked, turned_down.as_ref(), LEAST).await
        });
        token.await.unwrap_or_else(|| Err(Error::new(ErrorCode::Closed, "the process is stopping")))
    }

    /// Asks for another token beside the calls that still use this one; once, and not again at once where that fails.
    fn renew_ahead(self: &Arc<Self>, wish: Wish, slot: Arc<Slot>, asked: Asked) {
        let lately = self.runtime.monotonic().saturating_sub(PAUSE);
        if slot.failed_since(&asked.of, lately).is_some() || slot.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let service = self.clone();
        self.runtime.spawn(async move {
            let asking = slot.asking.lock().await;
            if let Err(error) = service.ask(&wish, &slot, &asked, None, AHEAD).await {
                tracing::warn!(provider = wish.provider, code = %error.code(), "a token could not be renewed ahead");
            }
            drop(asking);
            slot.renewing.store(false, Ordering::Release);
        });
    }

    fn known(&self, slot: &Slot, of: &str, turned_down: Option<&Secret<String>>) -> Result<Option<Held>> {
        let known = slot.known.lock();
        if known.of != of {
            return Ok(None);
        }
        if let Some((at, error)) = &known.failed
            && matches!(error.code(), ErrorCode::NeedsReconnect | ErrorCode::NotConfigured)
            && self.runtime.monotonic().saturating_sub(*at) < REFUSED
        {
            return Err(error.clone());
        }
        let now = self.runtime.now();
        let usable = |held: &&Held| {
            lasts(held.expires_at, held.lifetime, now, LEAST)
                && turned_down.is_none_or(|refused| refused.expose() != held.token.value.expose())
        };
        Ok(known.held.as_ref().filter(usable).cloned())
    }

    /// The row, the vendor, the row. Only the holder of `slot.asking` comes here.
    async fn ask(
        &self,
        wish: &Wish,
        slot: &Slot,
        asked: &Asked,
        turned_down: Option<&Secret<String>>,
        least: Duration,
    ) -> Result<Arc<AccessToken>> {
        // A grant's name may hold a person's address, which is nobody's to read in a row's id.
        let name = wish.keys.digest("token_name", wish.grant.name.as_bytes());
        let key = Key::new(&tables::OAUTH_TOKENS, &wish.tenant, format!("{}:{name}", wish.provider));
        let gone = self.runtime.now().after(LEASE);
        let (version, kept) = loop {
            let row = self.row(&key, wish).await?;
            let now = self.runtime.now();
            if let Some(kept) = &row.kept
                && kept.is_usable(asked, turned_down, now, least)
            {
                return Ok(learn(slot, &asked.of, kept.held()));
            }
            let free = row.leased_until.is_none_or(|until| until <= now);
            if free && let Some(version) = self.lease(&key, wish, &row, now.after(LEASE)).await? {
                break (version, row.kept);
            }
            if now > gone {
                return Err(Error::new(
                    ErrorCode::VendorUnavailable,
                    format!("another process is still asking {} for a token", wish.vendor),
                ));
            }
            self.runtime.sleep(LOOK).await;
        };
        let refresh = kept.as_ref().and_then(|kept| kept.refresh_for(asked));
        match self.asked_of_vendor(wish, refresh).await {
            Ok(answer) => {
                let kept = Kept {
                    of: asked.of.clone(),
                    consent: asked.consent.clone(),
                    expires_at: self.runtime.now().after(answer.lifetime),
                    lifetime: answer.lifetime.as_secs(),
                    refresh: answer.refresh.or_else(|| refresh.cloned()),
                    access: answer.access,
                    scope: answer.scope,
                };
                self.store(&key, wish, &kept, version, gone).await?;
                Ok(learn(slot, &asked.of, kept.held()))
            }
            Err(error) => {
                // What was kept stays: a refresh token outlives a bad moment of the vendor's, and settings that were mistaken.
                if let Err(error) = self.put(&key, wish, kept.as_ref(), None, Some(version)).await {
                    tracing::warn!(code = %error.code(), "the lease on a token could not be given back");
                }
                let mut known = slot.known.lock();
                if known.of != asked.of {
                    *known = Known { of: asked.of.clone(), ..Known::default() };
                }
                if matches!(error.code(), ErrorCode::NeedsReconnect | ErrorCode::NotConfigured) {
                    known.held = None;
                }
                known.failed = Some((self.runtime.monotonic(), error.clone()));
                Err(error)
            }
        }
    }

    /// Stores what the vendor gave, as long as the lease lasts: a refresh token that was exchanged is worth some patience.
    async fn store(&self, key: &Key, wish: &Wish, kept: &Kept, version: u64, gone: Timestamp) -> Result<()> {
        loop {
            match self.put(key, wish, Some(kept), None, Some(version)).await {
                Err(error) if error.code() != ErrorCode::Conflict && self.runtime.now() < gone => {
                    tracing::warn!(provider = wish.provider, code = %error.code(), "a token could not be stored yet");
                    self.runtime.sleep(LOOK * 10).await;
                }
                result => return result,
            }
        }
    }

    async fn asked_of_vendor(&self, wish: &Wish, refresh: Option<&Secret<String>>) -> Result<TokenAnswer> {
        let now = self.runtime.now();
        let request = wish.grant.request(refresh, now)?;
        // To ask twice does no harm: both answers hold. The time is the service's own, not the call's.
        let plan = Plan { repeat: Repeat::Always, deadline: now.after(LEASE - LOOK), ..wish.plan.clone() };
        let mut tried = Tried::default();
        let response = self.client.exchange(request, &plan, &mut tried, |_| Ok(())).await?;
        oauth::read(&response, wish.vendor)
    }

    async fn row(&self, key: &Key, wish: &Wish) -> Result<Row> {
        let Some(row) = self.writer.get(key).await? else {
            return Ok(Row { version: 0, kept: None, leased_until: None });
        };
        let kept = match row.bytes("token")? {
            [] => None,
            sealed => {
                let plain = wish.keys.open(tables::OAUTH_TOKENS.name, &key.id, "token", sealed)?;
                serde_json::from_slice::<Kept>(&plain).ok()
            }
        };
        Ok(Row { version: row.version, kept, leased_until: row.opt_timestamp("lease_until") })
    }

    /// Takes the right to ask; none where another was faster.
    async fn lease(&self, key: &Key, wish: &Wish, row: &Row, until: Timestamp) -> Result<Option<u64>> {
        let expected = (row.version > 0).then_some(row.version);
        match self.put(key, wish, row.kept.as_ref(), Some(until), expected).await {
            Ok(()) => Ok(Some(row.version + 1)),
            Err(error) if error.code() == ErrorCode::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put(
        &self,
        key: &Key,
        wish: &Wish,
        kept: Option<&Kept>,
        lease: Option<Timestamp>,
        expected: Option<u64>,
    ) -> Result<()> {
        let sealed = match kept {
            None => Vec::new(),
            Some(kept) => {
                let plain = exposing(|| serde_json::to_vec(kept)).map(zeroize::Zeroizing::new);
                let plain = plain.map_err(|_| Error::internal("a token cannot be written as JSON"))?;
                wish.keys.seal(tables::OAUTH_TOKENS.name, &key.id, "token", &plain)?
            }
        };
        // A row with a refresh token of the vendor's own outlives the access token, and no row goes while somebody has the
        // lease on it.
        let now = self.runtime.now();
        let ends = match kept {
            Some(kept) if kept.refresh.is_some() => None,
            kept => Some(kept.map_or(now, |kept| kept.expires_at).max(lease.unwrap_or(now))),
        };
        let record = Record::new(key.table, &key.tenant, key.id.clone())
            .set("provider", wish.provider)
            .set("token", sealed)
            .set("expires_at", ends)
            .set("lease_until", lease)
            .set("updated_at", now);
        let change = match expected {
            Some(_) => Change::Put { record, expected },
            None => Change::Insert(record),
        };
        self.writer.commit(&[change]).await
    }
}

fn learn(slot: &Slot, of: &str, held: Held) -> Arc<AccessToken> {
    let token = held.token.clone();
    *slot.known.lock() = Known { of: of.to_owned(), held: Some(held), failed: None };
    token
}
