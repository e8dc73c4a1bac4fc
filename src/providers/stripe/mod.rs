//! Stripe: customers, payments, checkout, products and prices, subscriptions, invoices, refunds.
//!
//! Amounts are whole numbers of a currency's smallest unit. Every write carries an idempotency key that comes from the
//! caller's, or from the call's id: it stands with the intent, so that a call repeated after a crash is the same to Stripe.

mod catalog;
mod check;
mod checkout;
mod config;
mod customers;
mod error;
mod event;
mod event_objects;
#[cfg(test)]
mod event_tests;
mod invoices;
mod money;
mod objects;
mod payments;
mod refunds;
mod subscriptions;
mod webhook;
mod wire;

pub use catalog::{CreatePrice, CreateProduct, ListPrices, Recurring};
pub use checkout::{
    CreateCheckoutSession, ExpireCheckoutSession, GetCheckoutSession, LineItem, PriceData, ProductData,
};
pub use config::{Mode, StripeConfig};
pub use customers::{CreateCustomer, DeleteCustomer, GetCustomer, ListCustomers, SearchCustomers, UpdateCustomer};
pub use event::{StripeEvent, Updated};
pub use event_objects::{Account, Charge, Dispute, Payout};
pub use invoices::{
    CreateInvoice, CreateInvoiceItem, FinalizeInvoice, GetInvoice, PayInvoice, SendInvoice, VoidInvoice,
};
pub use money::{exponent, format_amount};
pub use objects::{
    Balance, CheckoutSession, Customer, Funds, Invoice, InvoiceItem, Listed, Metadata, PaymentIntent, Price, Product,
    Refund, Subscription,
};
pub use payments::{
    AutomaticPaymentMethods, CancelPaymentIntent, CapturePaymentIntent, ConfirmPaymentIntent, CreatePaymentIntent,
    GetPaymentIntent,
};
pub use refunds::{CreateRefund, GetBalance, GetRefund};
pub use subscriptions::{
    CancelSubscription, CreateSubscription, GetSubscription, SubscriptionItem, UpdateSubscription,
};

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, Incoming, Limit, OperationSpec, Price as Cost, Provider, ProviderInfo, Quota, Webhook},
    transport::{Decision, Headers, Repeat, Request, Seen},
};

/// The version of Stripe's API that requests ask for and answers are read by.
pub const API_VERSION: &str = "2026-10-28.endive";

/// When the notes on limits and prices were read.
const READ: &str = "2026-11-24";

const fn limit(what: &'static str, limit: &'static str, source: &'static str) -> Limit {
    Limit { what, limit, source, date: READ }
}

const fn price(unit: &'static str, micros: i64, source: &'static str) -> Cost {
    Cost { unit, micros, currency: "USD", source, date: READ }
}

/// Stripe.
#[derive(Debug)]
pub struct Stripe;

impl Provider for Stripe {
    type Config = StripeConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "stripe",
        name: "Stripe",
        recipient: "Stripe, Inc.",
        purpose: "takes payments for the school",
        hosts: &["api.stripe.com"],
        health: HealthProbe::Operation("getBalance"),
        quota: Quota { per_second: 25.0, burst: 50 },
        limits: &[
            limit(
                "Requests in live mode",
                "100 reads and 100 writes a second",
                "comms-payments notes, not yet confirmed at https://docs.stripe.com/rate-limits",
            ),
            limit(
                "Requests in test mode",
                "25 a second",
                "comms-payments notes, not yet confirmed at https://docs.stripe.com/rate-limits",
            ),
            limit(
                "Searches",
                "20 a second",
                "comms-payments notes, not yet confirmed at https://docs.stripe.com/rate-limits",
            ),
            limit(
                "Idempotency keys",
                "255 characters, kept at least 24 hours",
                "comms-payments notes, not yet confirmed at https://docs.stripe.com/api/idempotent_requests",
            ),
            limit(
                "Amount",
                "99999999 of the smallest unit",
                "not yet confirmed at https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts",
            ),
        ],
        prices: &[price(
            "US card payment, beside 2.9 %",
            300_000,
            "comms-payments notes, not yet confirmed at https://stripe.com/pricing",
        )],
        docs: "https://docs.stripe.com/api",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![
            CreateCustomer,
            GetCustomer,
            UpdateCustomer,
            DeleteCustomer,
            ListCustomers,
            SearchCustomers,
            CreatePaymentIntent,
            GetPaymentIntent,
            ConfirmPaymentIntent,
            CapturePaymentIntent,
            CancelPaymentIntent,
            CreateCheckoutSession,
            GetCheckoutSession,
            ExpireCheckoutSession,
            CreateProduct,
            CreatePrice,
            ListPrices,
            CreateSubscription,
            GetSubscription,
            UpdateSubscription,
            CancelSubscription,
            CreateInvoiceItem,
            CreateInvoice,
            GetInvoice,
            FinalizeInvoice,
            SendInvoice,
            PayInvoice,
            VoidInvoice,
            CreateRefund,
            GetRefund,
            GetBalance,
        ]
    }

    fn authenticate(config: &StripeConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        request.headers.set("authorization", format!("Bearer {}", config.secret_key.expose()));
        request.headers.set("stripe-version", API_VERSION);
        if let Some(account) = &config.account {
            request.headers.set("stripe-account", account);
        }
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }

    fn decide(seen: Seen<'_>, repeat: Repeat, now: Timestamp) -> Decision {
        error::decide(seen, repeat, now)
    }

    fn account(config: &StripeConfig) -> Option<String> {
        config.account.clone()
    }

    fn claimed_account(incoming: &Incoming<'_>) -> Option<String> {
        webhook::claimed_account(incoming)
    }

    fn webhook(config: &StripeConfig, incoming: &Incoming<'_>) -> Result<Webhook> {
        webhook::read(config, incoming)
    }
}
