//! [`KeySetService`]: the public keys that vendors sign with, fetched where they publish them.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use url::Url;

use crate::{
    error::{Error, ErrorCode, Result},
    model::Runtime,
    transport::{
        Backoff, Breakers, Client, Method, Outbound, Plan, Repeat, Request, RetryBudget, Tried, decide, jwt::KeySet,
    },
};

/// How long keys are believed without a look.
const FRESH: Duration = Duration::from_secs(24 * 3600);
/// The shortest time between two looks, whatever tokens come in: a forged one must not make us ask the vendor.
const LEAST: Duration = Duration::from_secs(60);
/// A vendor waits three seconds for the answer to its webhook.
const PATIENCE: Duration = Duration::from_millis(2500);
/// The most bytes of a key set.
const MOST: usize = 256 << 10;

/// Fetches and caches key sets.
pub struct KeySetService {
    client: Client,
    runtime: Runtime,
    backoff: Backoff,
    sets: Cache<String, (Duration, Arc<KeySet>)>,
    /// When each was asked for last. Held by the one that asks, the others wait.
    asked: Cache<String, Arc<tokio::sync::Mutex<Option<Duration>>>>,
}

impl KeySetService {
    pub(crate) fn new(client: Client, runtime: Runtime, backoff: Backoff) -> Self {
        Self { client, runtime, backoff, sets: Cache::new(100), asked: Cache::new(100) }
    }

    /// The keys at `url`; fetched anew where they are old, or where `token` was signed with one that is not among them.
    pub(crate) async fn get(&self, url: &Url, token: Option<&str>, outbound: &Arc<Outbound>) -> Result<Arc<KeySet>> {
        let key = url.to_string();
        if let Some(set) = self.fresh(&key, token) {
            return Ok(set);
        }
        let asked = self.asked.get_or_insert_with(&key, || Ok::<_, Error>(Arc::default()))?;
        let mut asked = asked.lock().await;
        if let Some(set) = self.fresh(&key, token) {
            return Ok(set);
        }
        let (known, now) = (self.sets.get(&key), self.runtime.monotonic());
        // Anybody can send a token: what they send must not have us ask without end.
        if asked.is_some_and(|at| now.saturating_sub(at) < LEAST) {
            return known.map(|(_, set)| set).ok_or_else(unreadable);
        }
        *asked = Some(now);
        match self.fetch(url, outbound).await {
            Ok(set) => {
                let set = Arc::new(set);
                self.sets.insert(key, (now, set.clone()));
                Ok(set)
            }
            // Old keys verify what they signed; a vendor that is down does not make its webhooks forgeries.
            Err(error) => known.map(|(_, set)| set).ok_or(error),
        }
    }

    fn fresh(&self, key: &str, token: Option<&str>) -> Option<Arc<KeySet>> {
        let (at, set) = self.sets.get(key)?;
        let young = self.runtime.monotonic().saturating_sub(at) < FRESH;
        (young && token.is_none_or(|token| set.has_key_of(token))).then_some(set)
    }

    async fn fetch(&self, url: &Url, outbound: &Arc<Outbound>) -> Result<KeySet> {
        let mut request = Request::new(Method::Get, url.clone()).header("accept", "application/json");
        request.max_body = MOST;
        let plan = Plan {
            outbound: outbound.clone(),
            breakers: Arc::new(Breakers::default()),
            budget: Arc::new(RetryBudget::default()),
            backoff: self.backoff,
            repeat: Repeat::Always,
            decide,
            deadline: self.runtime.now().after(PATIENCE),
            urgent: false,
        };
        let mut tried = Tried::default();
        let response = self.client.exchange(request, &plan, &mut tried, |_| Ok(())).await?;
        if response.status != 200 {
            return Err(unreadable());
        }
        serde_json::from_slice(&response.body).map_err(|_| unreadable())
    }
}

fn unreadable() -> Error {
    Error::new(ErrorCode::VendorUnavailable, "the vendor's public keys cannot be had at the moment")
}
