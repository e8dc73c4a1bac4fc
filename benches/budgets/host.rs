//! Two hosts that send the same message: one through a manager, one with reqwest alone.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use sis_integrations::{
    Actor, Durability, IntegrationManager, MasterKey, Role, Tenant,
    providers::{
        Quota,
        twilio::{SendSms, Twilio, TwilioConfig},
    },
    storage::SqliteStorage,
};

use crate::Outcome;

const FROM: &str = "+15005550006";
const TO: &str = "+15551234567";

/// Bodies differ, as those of a school's messages do.
fn text(number: u64) -> String {
    format!("School is closed today ({number}).")
}

/// A host with the library.
#[derive(Clone)]
pub(crate) struct Road {
    pub(crate) manager: IntegrationManager,
    pub(crate) school: Tenant,
    pub(crate) clerk: Arc<Actor>,
}

/// Every host of this run has the same master key, so that another process can open its file.
pub(crate) fn master_key() -> Outcome<MasterKey> {
    Ok(MasterKey::from_bytes(std::array::from_fn(|at| (7 * at + 11) as u8))?)
}

impl Road {
    /// Opens the file, and gives the school its settings when it has none.
    pub(crate) async fn open(url: &str, file: &Path, durability: Durability) -> Outcome<Self> {
        let made = file.exists();
        let manager = IntegrationManager::builder()
            .storage(SqliteStorage::open(file).await?)
            .master_key(master_key()?)
            .provider(Twilio)
            .allow_private_addresses(true)
            .durability(durability)
            .quota("twilio", Quota { per_second: 1e6, burst: 1_000_000 })
            .actor_quota(Quota { per_second: 1e6, burst: 1_000_000 })
            .build()
            .await?;
        let school = manager.tenant("north-high")?;
        let clerk = Arc::new(Actor::new("clerk", Role::Staff));
        if !made {
            let config = TwilioConfig::new(sandbox::twilio::ACCOUNT_SID, sandbox::twilio::AUTH_TOKEN)
                .from(FROM.parse()?)
                .base_url(url.parse()?);
            school.configure(&Actor::new("principal", Role::Admin), config).await?;
        }
        Ok(Self { manager, school, clerk })
    }

    pub(crate) async fn call(&self, number: u64) -> Outcome {
        let message = SendSms::new(TO.parse()?, text(number));
        let reply = self.school.call(&self.clerk, message).await?;
        if reply.sid.is_empty() { Err("the answer has no id".into()) } else { Ok(()) }
    }
}

/// A host without: the request that the library sends, by the HTTP client that it uses; the answer is read, not parsed.
#[derive(Clone)]
pub(crate) struct Bare {
    client: reqwest::Client,
    url: Arc<str>,
}

impl Bare {
    pub(crate) fn new(url: &str) -> Outcome<Self> {
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(256).build()?;
        let url = format!("{url}/2010-04-01/Accounts/{}/Messages.json", sandbox::twilio::ACCOUNT_SID);
        Ok(Self { client, url: url.into() })
    }

    pub(crate) async fn call(&self, number: u64) -> Outcome<Bytes> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("To", TO), ("From", FROM), ("Body", &text(number))])
            .finish();
        let answer = self
            .client
            .post(&*self.url)
            .basic_auth(sandbox::twilio::ACCOUNT_SID, Some(sandbox::twilio::AUTH_TOKEN))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await?
            .error_for_status()?;
        Ok(answer.bytes().await?)
    }
}
