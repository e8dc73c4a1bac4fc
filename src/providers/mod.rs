//! Vendors: one folder each, and the two traits they implement.
//!
//! A [`Provider`] says what is known of a vendor; an [`Operation`] is one thing it can do, defined once as a struct.
//! Everything else is read from those definitions. `docs/adding-a-provider.md` says the steps.

mod arguments;
mod call;
mod channel;
#[cfg(feature = "google_workspace")]
pub mod google_workspace;
#[cfg(feature = "khan_academy")]
pub mod khan_academy;
#[cfg(feature = "microsoft365")]
pub mod microsoft365;
#[allow(dead_code, reason = "it depends on the providers that are built in")]
mod names;
#[cfg(feature = "sendgrid")]
pub mod sendgrid;
mod spec;
#[cfg(feature = "stripe")]
pub mod stripe;
#[cfg(feature = "twilio")]
pub mod twilio;
pub mod typed;
#[cfg(feature = "weather")]
pub mod weather;
pub mod webhook;

use std::{fmt::Debug, future::Future, time::Duration};

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

pub use arguments::read_arguments;
pub(crate) use arguments::read_object;
pub use call::{AccessToken, Call, CallContext, Meter, Parts, Steps, Tokens};
pub use channel::{Channel, Channels, Renewal};
pub use spec::{Answer, OperationSpec, Prepared, ProviderSpec};

pub use typed::TypedEvent;
pub use webhook::{Delivery, DeliveryStage, Incoming, Webhook, WebhookEvent, WebhookReply};

use crate::{
    error::{Error, ErrorCode, Result},
    model::{Basis, Manifest, Timestamp},
    transport::{
        Decision, Headers, Repeat, Request, Response, Seen,
        oauth::{ConsentPage, Rights, Scopes, TokenGrant, Wanted},
    },
};

/// Every provider compiled in.
pub fn all() -> Vec<ProviderSpec> {
    Vec::from([
        #[cfg(feature = "microsoft365")]
        ProviderSpec::of::<microsoft365::Microsoft365>(),
        #[cfg(feature = "google_workspace")]
        ProviderSpec::of::<google_workspace::GoogleWorkspace>(),
        #[cfg(feature = "weather")]
        ProviderSpec::of::<weather::Weather>(),
        #[cfg(feature = "khan_academy")]
        ProviderSpec::of::<khan_academy::KhanAcademy>(),
        #[cfg(feature = "stripe")]
        ProviderSpec::of::<stripe::Stripe>(),
        #[cfg(feature = "sendgrid")]
        ProviderSpec::of::<sendgrid::Sendgrid>(),
        #[cfg(feature = "twilio")]
        ProviderSpec::of::<twilio::Twilio>(),
    ])
}

/// What a role needs to call an operation. What each role has by default is in `docs/permissions.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// Looks something up.
    Read,
    /// Makes or changes content.
    Write,
    /// Writes to people outside the library's own tenant.
    Send,
    /// Alarms everybody.
    Alert,
    /// Moves money.
    Pay,
    /// Runs the vendor's account: users, keys, settings.
    Manage,
}

impl Access {
    /// The class as JSON spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Write => "write",
            Access::Send => "send",
            Access::Alert => "alert",
            Access::Pay => "pay",
            Access::Manage => "manage",
        }
    }
}

/// One field of a provider's config: what the schema cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ConfigField {
    /// Its name, `snake_case`.
    pub name: &'static str,
    /// The environment variable that a platform may set as a default for every tenant.
    pub env: Option<&'static str>,
    /// How to mend a wrong value.
    pub hint: &'static str,
}

/// Fields, and which of the platform's defaults each displaces: see [`ProviderConfig::DISPLACES`].
pub type Displaces = &'static [(&'static str, &'static [&'static str])];

/// A tenant's settings for a provider.
///
/// Secret fields are [`Secret`](crate::Secret)s; that is what keeps them encrypted and masked.
pub trait ProviderConfig: Serialize + DeserializeOwned + JsonSchema + Clone + Debug + Send + Sync + 'static {
    /// Of which provider: its id.
    const PROVIDER: &'static str;

    /// Every field.
    const FIELDS: &'static [ConfigField];

    /// What the platform's defaults do not fill in where a school sets the first field of a pair itself: they belong to
    /// another account, or say the same in another way. An empty list means all of them but `base_url`.
    const DISPLACES: Displaces = &[];

    /// Refuses what cannot work, with the field's name.
    fn validate(&self) -> Result<()>;

    /// Where requests go instead of the vendor's hosts.
    fn base_url(&self) -> Option<&Url>;
}

/// How the health of a tenant's integration is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthProbe {
    /// By this operation, with no arguments: cheap and authenticated.
    Operation(&'static str),
    /// Not at all, and why.
    NotApplicable(&'static str),
}

/// A limit the vendor states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Of what.
    pub what: &'static str,
    /// In words, with units.
    pub limit: &'static str,
    /// Where it is stated.
    pub source: &'static str,
    /// When that was read, `YYYY-MM-DD`.
    pub date: &'static str,
}

/// What the vendor charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Price {
    /// For what unit.
    pub unit: &'static str,
    /// In millionths of the currency.
    pub micros: i64,
    /// ISO 4217.
    pub currency: &'static str,
    /// Where it is stated.
    pub source: &'static str,
    /// When that was read, `YYYY-MM-DD`.
    pub date: &'static str,
}

/// How many calls a tenant may make to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quota {
    /// Calls a second in the long run: a millionth at least; 0 is no limit.
    pub per_second: f64,
    /// Calls at once.
    pub burst: u32,
}

impl Quota {
    /// Refuses what is no number of calls.
    pub(crate) fn check(&self) -> Result<()> {
        match self.per_second {
            0.0 => Ok(()),
            calls if calls.is_finite() && calls >= 1e-6 => Ok(()),
            _ => Err(Error::invalid("perSecond", "must be a number of calls from 0.000001 up, or 0 for no limit")),
        }
    }
}

/// What is known of a vendor, as data.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ProviderInfo {
    /// The id: `twilio`.
    pub id: &'static str,
    /// The name as people know it.
    pub name: &'static str,
    /// The party that receives data, for disclosure records.
    pub recipient: &'static str,
    /// What the data leaves for unless the host says otherwise: the legitimate interest.
    pub purpose: &'static str,
    /// Hosts it may talk to.
    pub hosts: &'static [&'static str],
    /// How its health is found out.
    pub health: HealthProbe,
    /// What we let through for one tenant.
    pub quota: Quota,
    /// The vendor's own limits.
    pub limits: &'static [Limit],
    /// The vendor's prices.
    pub prices: &'static [Price],
    /// The vendor's documentation.
    pub docs: &'static str,
}

/// An outside service.
pub trait Provider: Sized + Send + Sync + 'static {
    /// A tenant's settings for it.
    type Config: ProviderConfig;

    /// What is known of it.
    const INFO: ProviderInfo;

    /// What a school without settings is told to do.
    const NO_SETTINGS: &'static str = "an administrator has to enter them";

    /// What it can do: `operations![SendSms, MakeCall]`. The only registration there is.
    fn operations() -> Vec<OperationSpec>;

    /// Puts the tenant's credentials on a request; `now` is for schemes that sign the time.
    fn authenticate(config: &Self::Config, request: &mut Request, now: Timestamp) -> Result<()>;

    /// What the access token for a request is got with; none for a vendor whose credentials go on each request as they
    /// are. The token then goes on the request, after [`authenticate`](Provider::authenticate).
    ///
    /// Errors: `not_configured` where the settings lack what `wanted` needs.
    fn token_grant(_config: &Self::Config, _wanted: &Wanted) -> Result<Option<TokenGrant>> {
        Ok(None)
    }

    /// What it means here that no token was given for what was wanted, where that is more than the words of every vendor.
    fn token_denied(_config: &Self::Config, _wanted: &Wanted, error: Error) -> Error {
        error
    }

    /// Where a person consents to what this library does for the school; none for a vendor without such a page. What comes
    /// of it is the setting `refresh_token`.
    fn consent_page(_config: &Self::Config) -> Result<Option<ConsentPage>> {
        Ok(None)
    }

    /// Whether the vendor turns the token down: another is asked for, and the request sent once more.
    fn token_refused(response: &Response) -> bool {
        response.status == 401
    }

    /// Turns the vendor's refusal into ours: the code that fits, the vendor's own words in
    /// [`VendorError`](crate::VendorError).
    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error;

    /// What the vendor's answers mean for repeating.
    fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
        crate::transport::decide(seen, repeat, now)
    }

    /// The vendor's account that these settings belong to, as its webhooks name it: a webhook that came by no registered
    /// route finds its tenant by it. None where webhooks name no account.
    fn account(_config: &Self::Config) -> Option<String> {
        None
    }

    /// The account that a webhook claims to be about. Nothing is verified yet: this only says whose secrets to try.
    fn claimed_account(_incoming: &Incoming<'_>) -> Option<String> {
        None
    }

    /// Where the vendor publishes the public keys that this webhook has to be verified with; they are fetched and cached,
    /// and come as [`Incoming::keys`].
    fn key_set(_config: &Self::Config, _incoming: &Incoming<'_>) -> Option<Url> {
        None
    }

    /// The token whose key the set must hold: when it does not, the vendor has new keys, and they are fetched again.
    fn key_set_token<'a>(_incoming: &Incoming<'a>) -> Option<std::borrow::Cow<'a, str>> {
        None
    }

    /// Verifies a webhook on its raw bytes with every active secret of the settings, then reads it.
    ///
    /// Errors: `signature_missing`, `signature_invalid`, `signature_stale`, `not_configured` where the settings hold no
    /// secret for it, `invalid_argument` with field `body` where the signature is good and the body is not as documented,
    /// `unsupported_operation` for a vendor that sends none.
    fn webhook(_config: &Self::Config, _incoming: &Incoming<'_>) -> Result<Webhook> {
        Err(Error::new(ErrorCode::UnsupportedOperation, format!("{} sends no webhooks", Self::INFO.name)))
    }
}

/// Whether an operation can be used, given the tenant's config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Capability {
    /// Yes.
    Supported,
    /// When the named settings are there.
    NeedsConfig(&'static [&'static str]),
    /// When the tenant's plan with the vendor has it.
    NeedsPlan(&'static str),
    /// Only on data the school imports, and why.
    ImportOnly(&'static str),
    /// Not at all: why, and since when.
    Unsupported(&'static str),
}

/// One thing a provider can do.
///
/// The struct's fields are the arguments, its doc comment the operation's documentation. An operation does not compile
/// without saying who may call it, whose data it sends, and whether it may be sent twice.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + Sync + Sized + 'static {
    /// Of whom.
    type Provider: Provider;
    /// What it answers.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// Its name, `camelCase`.
    const NAME: &'static str;
    /// What a role needs.
    const ACCESS: Access;
    /// Whose data each argument carries.
    const DISCLOSES: Manifest;
    /// Whether its requests may be sent again when it is not known whether they arrived.
    const REPEAT: Repeat;
    /// How long a call may take unless the caller says otherwise.
    const DEADLINE: Duration = Duration::from_secs(30);
    /// An emergency: it passes breaker and spend cap, and leaves even when the storage is down.
    const URGENT: bool = false;
    /// On what ground data leaves, unless the caller says otherwise.
    const BASIS: Basis = Basis::SchoolOfficial;
    /// The scopes it needs of a vendor with OAuth: one of each group, the narrowest first.
    const SCOPES: Scopes = &[];
    /// Whose rights it needs, where the vendor tells an application from a person.
    const RIGHTS: Rights = Rights::Any;
    /// The names of its steps, where it takes several requests that leave something behind. A call that failed half-way
    /// goes on where it stopped when it is repeated with the same idempotency key.
    const STEPS: &'static [&'static str] = &[];

    /// Whether it reaches into what is a person's own, such as a mailbox. Then a call that names nobody means the person whom
    /// the settings name, and only who manages the integration may make it.
    const PERSONAL: bool = false;

    /// On whose behalf it acts, where the call may choose: a user's address or id. An actor who does not manage the
    /// integration may choose their own alone ([`Actor::address`](crate::Actor::address)).
    fn subject(&self) -> Option<&str> {
        None
    }

    /// Whether it can be used with these settings.
    fn capability(_config: &<Self::Provider as Provider>::Config) -> Capability {
        Capability::Supported
    }

    /// Refuses arguments that cannot work, with their path: what the types cannot say.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// Does it.
    fn run(self, call: &Call<'_, Self::Provider>) -> impl Future<Output = Result<Self::Output>> + Send;

    /// Calls of other providers that this answer asks for: an SMS to whom no mail could be sent. Each takes the whole road,
    /// for the same actor, and has a record of its own.
    fn follow_ups(_answer: &Self::Output) -> Vec<FollowUp> {
        Vec::new()
    }

    /// Puts what became of the follow-ups into the answer, in their order.
    fn followed(_answer: &mut Self::Output, _results: Vec<Result<serde_json::Value>>) {}
}

/// An operation that answers a page of a list: [`Tenant::stream`](crate::Tenant::stream) reads the whole list through it,
/// a page at a time. Each page is a call of its own, with its own record.
pub trait Paged: Operation + Clone {
    /// What the list is of.
    type Item: Send + 'static;

    /// The operation that reads the page after this one; none at the end. A page may be empty and not the last.
    fn next(&self, page: &Self::Output) -> Option<Self>;

    /// What stands on the page.
    fn items(page: Self::Output) -> Vec<Self::Item>;
}

/// A call of another provider that an answer asks for. Providers do not know each other: it is named, and its arguments
/// are JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// The provider's id.
    pub provider: &'static str,
    /// The operation's name.
    pub operation: &'static str,
    /// Its arguments.
    pub arguments: serde_json::Value,
}

/// The operations of a provider: `operations![SendSms, MakeCall]`.
#[macro_export]
macro_rules! operations {
    ($($operation:ty),* $(,)?) => {
        vec![$($crate::providers::OperationSpec::of::<$operation>(),)*]
    };
}
