//! Stripe: payments, checkout, catalogue, subscriptions, invoices, refunds; with the vendor's idempotency keys, lists,
//! `expand`, error bodies and test cards.
//!
//! Test values: `pm_card_visa` and its like succeed, `pm_card_chargeDeclined` and its like are declined,
//! `pm_card_authenticationRequired` wants the customer, whom [`Stripe::authenticate`] plays.

mod attempts;
mod balance;
mod cards;
mod catalog;
mod charges;
mod checkout;
mod checkout_paid;
mod control;
mod currency;
mod customers;
mod error;
mod fields;
mod form;
mod ids;
mod invoice_items;
mod invoice_life;
mod invoices;
mod keys;
mod lines;
mod list;
mod payment_intents;
mod payment_methods;
mod refunds;
mod road;
mod routes;
mod search;
mod signature;
mod store;
mod subscription_items;
mod subscriptions;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use hyper::StatusCode;
use parking_lot::Mutex;
use serde_json::Value;

pub use keys::{ACCOUNT_ID, CONNECTED_ACCOUNT_ID, LIVE_SECRET_KEY, PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET};
pub use signature::{event, sign};

use crate::exchange::{Answer, Request};
use crate::faults::Faults;
use crate::recorder::Recorder;
use crate::vendor::{Registration, Stage, Vendor};
use error::Refusal;
use keys::{Keys, Owner};
use store::{Book, Ctx, Kind, Outcome};

/// The version of the API that answers follow.
pub const VERSION: &str = "2026-10-28.endive";

pub(crate) const REGISTRATION: Registration =
    Registration { name: "stripe", open: |stage| Arc::new(Stripe { stage, state: Mutex::default() }) };

/// The look-alike of Stripe.
pub struct Stripe {
    stage: Arc<Stage>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Keys,
    books: HashMap<Owner, Book>,
    /// Counts ids. It goes on after a reset, so that an id never names two things in one run.
    counter: u64,
    /// Whether a fault's answer says that it is of no use to try again.
    final_faults: bool,
}

impl Stripe {
    /// Base address of the vendor's API.
    pub fn url(&self) -> String {
        self.stage.url().to_owned()
    }

    /// Scripted misbehaviour.
    pub fn faults(&self) -> &Faults {
        &self.stage.faults
    }

    /// Whether refusals that are scripted say `Stripe-Should-Retry: false` from now on.
    pub fn set_final_faults(&self, yes: bool) {
        self.state.lock().final_faults = yes;
    }

    /// Remembered requests, and how many are kept.
    pub fn recorder(&self) -> &Recorder {
        &self.stage.recorder
    }

    /// Lets another secret key in, with an account of its own. A key with `_live_` in it is one of live mode.
    pub fn add_key(&self, key: &str) {
        self.state.lock().keys.add(key);
    }

    /// Lets a key in no longer, as when it was rolled or revoked.
    pub fn remove_key(&self, key: &str) {
        self.state.lock().keys.remove(key);
    }

    /// Connects another account to [`ACCOUNT_ID`]: its key may then name it in `Stripe-Account`.
    pub fn connect_account(&self, account: &str) {
        self.state.lock().keys.connect(account);
    }

    /// An object of the ready account in test mode, as the API would show it.
    pub fn object(&self, id: &str) -> Option<Value> {
        let state = self.state.lock();
        state.books.get(&ready()).and_then(|book| book.find(id)).map(store::shown)
    }

    /// What has happened in the ready account in test mode, oldest first: events as a webhook delivers them.
    pub fn events(&self) -> Vec<Value> {
        let state = self.state.lock();
        state.books.get(&ready()).map(|book| book.rows(Kind::Event).to_vec()).unwrap_or_default()
    }

    /// The customer answers the bank's question about a payment intent that `requires_action`.
    ///
    /// # Errors
    ///
    /// The vendor's message where there is no such intent, or none that waits.
    pub fn authenticate(&self, payment_intent: &str) -> Result<Value, String> {
        self.act(|ctx| attempts::authenticate(ctx, payment_intent))
    }

    /// The customer pays on the page of a Checkout Session, with a payment method such as `pm_card_visa`.
    ///
    /// # Errors
    ///
    /// The vendor's message where there is no such session, it is not open, or the card is declined.
    pub fn complete_checkout(&self, session: &str, payment_method: &str) -> Result<Value, String> {
        self.act(|ctx| checkout_paid::complete(ctx, session, payment_method))
    }

    /// Takes a price out of use, as the dashboard's "archive" does.
    ///
    /// # Errors
    ///
    /// Where there is no such price.
    pub fn deactivate_price(&self, price: &str) -> Result<Value, String> {
        self.act(|ctx| catalog::deactivate_price(ctx, price))
    }

    /// Does something in the ready account without a request.
    fn act(&self, run: impl FnOnce(&mut Ctx<'_>) -> Outcome) -> Result<Value, String> {
        let mut state = self.state.lock();
        let State { books, counter, .. } = &mut *state;
        let owner = ready();
        let none = serde_json::Map::new();
        let mut ctx = Ctx {
            book: books.entry(owner).or_default(),
            params: form::Params::new(&none),
            now: self.stage.clock.now() / 1000,
            livemode: false,
            account: ACCOUNT_ID,
            counter,
        };
        run(&mut ctx).map(|object| store::shown(&object)).map_err(|refusal| refusal.message())
    }
}

fn ready() -> Owner {
    Owner { account: ACCOUNT_ID.to_owned(), livemode: false }
}

impl Vendor for Stripe {
    fn answer(&self, request: &Request) -> Answer {
        let mut state = self.state.lock();
        let answer = road::answer(&mut state, request).unwrap_or_else(Refusal::answer);
        road::stamp(&mut state, request, answer)
    }

    fn refusal(&self, status: StatusCode, _code: Option<u32>) -> Answer {
        let answer = Refusal::fault(status).answer();
        if self.state.lock().final_faults { road::not_again(answer) } else { answer }
    }

    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        let owner = self.state.lock().keys.owner(request).ok()?;
        Some(Cow::Owned(owner.account))
    }

    fn recipient(&self, _request: &Request) -> Option<String> {
        None
    }

    fn control(&self, path: &str, request: &Request) -> Option<Answer> {
        self.controlled(path, request)
    }

    fn reset(&self) {
        self.state.lock().books.clear();
    }
}

impl crate::Sandbox {
    /// The look-alike of Stripe.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without it.
    pub fn stripe(&self) -> &Stripe {
        self.handle(REGISTRATION.name)
    }
}

impl std::fmt::Debug for Stripe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stripe").field("url", &self.url()).finish_non_exhaustive()
    }
}
