//! One set of good arguments for every registered operation, and a school to call them in. What is a vendor's own stands
//! in its file here; a new vendor adds a file and its line in [`VENDORS`].
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses a part of this")]

pub mod documents;
mod google_workspace;
mod khan_academy;
mod microsoft365;
mod sendgrid;
mod stripe;
mod twilio;
mod weather;

use futures::future::BoxFuture;
use sandbox::{Faults, Recorder, Sandbox};
use serde_json::Value;
use sis_integrations::{
    Actor, Clock, ConfigChange, IntegrationManager, ManualClock, MasterKey, Role, Runtime, SystemClock, Tenant,
    manager::Builder, providers, providers::Quota,
};

/// What tests need to know of a vendor.
pub struct Vendor {
    /// The provider's id.
    pub id: &'static str,
    /// Settings that work with the look-alike; made after it was prepared.
    pub config: fn(&Sandbox) -> Value,
    /// What the settings hold that must never be seen anywhere.
    pub secrets: &'static [&'static str],
    /// Good arguments for the operation. `{words}` in braces are filled in by `fill`.
    pub arguments: fn(&str) -> Option<Value>,
    /// Makes what `{words}` of the arguments stand for, anew for each call, and fills in its ids.
    pub fill: for<'a> fn(&'a School, &'a str, String) -> BoxFuture<'a, String>,
    /// The look-alike's script of faults.
    pub faults: fn(&Sandbox) -> &Faults,
    /// What the look-alike was asked.
    pub recorder: fn(&Sandbox) -> &Recorder,
    /// Operations that send nothing, and why: a file is read, an address is made up.
    pub silent: &'static [&'static str],
    /// Whether the vendor publishes a contract that requests and answers can be checked against.
    pub contract: bool,
    /// What that contract leaves out: method, or `*` for any, and path, with `*` for a segment.
    pub undocumented: &'static [&'static str],
    /// Beginnings of paths below which that contract describes nothing, and those that it has for the same.
    pub aliases: &'static [(&'static str, &'static str)],
}

pub const VENDORS: &[&Vendor] = &[
    &twilio::VENDOR,
    &sendgrid::VENDOR,
    &stripe::VENDOR,
    &khan_academy::VENDOR,
    &weather::VENDOR,
    &google_workspace::VENDOR,
    &microsoft365::VENDOR,
];

pub fn vendor(provider: &str) -> &'static Vendor {
    VENDORS
        .iter()
        .find(|vendor| vendor.id == provider)
        .unwrap_or_else(|| panic!("{provider} has no file in tests/support/every"))
}

/// For a vendor whose arguments have no `{words}`.
pub fn nothing_to_fill<'a>(_: &'a School, _: &'a str, text: String) -> BoxFuture<'a, String> {
    Box::pin(async { text })
}

pub struct School {
    pub sandbox: Sandbox,
    pub manager: IntegrationManager,
    pub tenant: Tenant,
    pub admin: Actor,
}

impl School {
    /// A school with every provider configured.
    pub async fn open(builder: Builder) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let mut builder = builder
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .providers(providers::all())
            .allow_private_addresses(true);
        let unlimited = Quota { per_second: 0.0, burst: 0 };
        builder = builder.actor_quota(unlimited);
        for vendor in VENDORS {
            builder = builder.quota(vendor.id, unlimited);
        }
        let manager = builder.build().await.unwrap();
        let admin = Actor::new("u-1", Role::Admin);
        let tenant = manager.tenant("school").unwrap();
        for vendor in VENDORS {
            let Value::Object(config) = (vendor.config)(&sandbox) else { panic!("{}: not an object", vendor.id) };
            let change = ConfigChange { enabled: Some(true), config: Some(config), expected_version: None };
            tenant.configure_json(&admin, vendor.id, change).await.unwrap();
        }
        Self { sandbox, manager, tenant, admin }
    }

    /// The arguments with ids of things that are there: made anew, for some operations delete what they name.
    pub async fn filled(&self, provider: &str, operation: &str) -> Value {
        let vendor = vendor(provider);
        let arguments =
            (vendor.arguments)(operation).unwrap_or_else(|| panic!("no arguments for {provider}.{operation}"));
        let text = (vendor.fill)(self, operation, arguments.to_string()).await;
        serde_json::from_str(&text).unwrap()
    }

    /// Calls an operation of a vendor that the one under test needs beforehand.
    pub async fn made(&self, provider: &str, operation: &str, arguments: Value) -> Value {
        self.tenant.execute(&self.admin, provider, operation, arguments).await.unwrap().output
    }
}

pub fn operations() -> Vec<(&'static str, &'static str)> {
    providers::all().into_iter().flat_map(|p| p.operations.into_iter().map(move |o| (p.info.id, o.name))).collect()
}

pub fn builder() -> Builder {
    IntegrationManager::builder()
}

/// A builder, and the clock of what it builds, which a test pushes forward.
pub fn timed() -> (Builder, ManualClock) {
    let clock = ManualClock::new(SystemClock.now());
    (builder().runtime(Runtime::current().with_clock(clock.clone())), clock)
}
