//! What Stripe answers with. Names are ours (camelCase), values Stripe's; what is not named here is in `more`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::object;

/// Notes of the caller's own on an object.
pub type Metadata = BTreeMap<String, String>;

object! {
    /// A customer: who pays.
    Customer {
        /// The e-mail address.
        email: String,
        /// The name.
        name: String,
        /// The telephone number.
        phone: String,
        /// The school's own description.
        description: String,
        /// What the customer owes (above 0) or has to their credit (below), in the smallest unit.
        balance: i64,
        /// When it was made, in seconds since 1970.
        created: i64,
        /// Whether it is of live mode.
        livemode: bool,
        /// Whether it was deleted.
        deleted: bool,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// A payment on its way.
    PaymentIntent {
        /// How much, in the currency's smallest unit.
        amount: i64,
        /// How much of it has come in.
        amount_received: i64,
        /// How much can be captured.
        amount_capturable: i64,
        /// The currency, in lower case.
        currency: String,
        /// `requires_payment_method`, `requires_confirmation`, `requires_action`, `processing`, `requires_capture`,
        /// `canceled` or `succeeded`.
        status: String,
        /// What the payer's browser needs to finish the payment with Stripe. Give it to nobody else.
        client_secret: String,
        /// Who pays.
        customer: Value,
        /// How it is paid.
        payment_method: Value,
        /// The last charge.
        latest_charge: Value,
        /// What the payer must do.
        next_action: Value,
        /// Why the last try failed.
        last_payment_error: Value,
        /// The school's own description.
        description: String,
        /// When it was made, in seconds since 1970.
        created: i64,
        /// Whether it is of live mode.
        livemode: bool,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// A page of Stripe's on which something is paid.
    CheckoutSession {
        /// Where the payer is sent.
        url: String,
        /// `open`, `complete` or `expired`.
        status: String,
        /// `paid`, `unpaid` or `no_payment_required`.
        payment_status: String,
        /// `payment`, `subscription` or `setup`.
        mode: String,
        /// The sum, in the currency's smallest unit.
        amount_total: i64,
        /// The currency.
        currency: String,
        /// Who pays.
        customer: Value,
        /// The payment it makes.
        payment_intent: Value,
        /// The subscription it makes.
        subscription: Value,
        /// When it ends, in seconds since 1970.
        expires_at: i64,
        /// The school's own reference.
        client_reference_id: String,
        /// Whether it is of live mode.
        livemode: bool,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// Something that is sold: lunches, a yearbook, a trip.
    Product {
        /// Its name.
        name: String,
        /// What it is.
        description: String,
        /// Whether it can be bought.
        active: bool,
        /// When it was made, in seconds since 1970.
        created: i64,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// What a product costs.
    Price {
        /// Of which product.
        product: Value,
        /// How much, in the currency's smallest unit.
        unit_amount: i64,
        /// The currency.
        currency: String,
        /// Whether it can be used.
        active: bool,
        /// `one_time` or `recurring`.
        r#type: String,
        /// How often it is due.
        recurring: Value,
        /// The school's own name for it.
        lookup_key: String,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// Something that is paid again and again.
    Subscription {
        /// Who pays.
        customer: Value,
        /// `incomplete`, `trialing`, `active`, `past_due`, `canceled`, `unpaid` or `paused`.
        status: String,
        /// What is paid.
        items: Value,
        /// Whether it ends with the period.
        cancel_at_period_end: bool,
        /// When it was ended, in seconds since 1970.
        canceled_at: i64,
        /// The last invoice.
        latest_invoice: Value,
        /// The currency.
        currency: String,
        /// When it was made, in seconds since 1970.
        created: i64,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// A line that goes onto an invoice.
    InvoiceItem {
        /// Who pays.
        customer: Value,
        /// How much, in the currency's smallest unit; below 0 for a credit.
        amount: i64,
        /// The currency.
        currency: String,
        /// What for.
        description: String,
        /// The invoice it stands on.
        invoice: Value,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// An invoice.
    Invoice {
        /// Who pays.
        customer: Value,
        /// `draft`, `open`, `paid`, `void` or `uncollectible`.
        status: String,
        /// Its number; a draft has none.
        number: String,
        /// What is to be paid, in the currency's smallest unit.
        amount_due: i64,
        /// What has been paid.
        amount_paid: i64,
        /// What is left.
        amount_remaining: i64,
        /// The sum.
        total: i64,
        /// The currency.
        currency: String,
        /// `charge_automatically` or `send_invoice`.
        collection_method: String,
        /// When it is due, in seconds since 1970.
        due_date: i64,
        /// The page on which it is paid.
        hosted_invoice_url: String,
        /// The PDF.
        invoice_pdf: String,
        /// When it was made, in seconds since 1970.
        created: i64,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// Money given back.
    Refund {
        /// How much, in the currency's smallest unit.
        amount: i64,
        /// The currency.
        currency: String,
        /// `pending`, `requires_action`, `succeeded`, `failed` or `canceled`.
        status: String,
        /// Of which payment.
        payment_intent: Value,
        /// Of which charge.
        charge: Value,
        /// Why.
        reason: String,
        /// Why it failed.
        failure_reason: String,
        /// The school's own notes.
        metadata: Metadata,
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Listed<T> {
    /// What is on it.
    pub data: Vec<T>,
    /// Whether there is more: ask with `startingAfter` the last one's id.
    pub has_more: bool,
    /// Of a search: for `page`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page: Option<String>,
}

/// The school's money at Stripe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Balance {
    /// What can be paid out, by currency.
    pub available: Vec<Funds>,
    /// What is on its way.
    pub pending: Vec<Funds>,
    /// Whether it is of live mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub livemode: Option<bool>,
    /// What else Stripe sent.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

/// A sum of one currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Funds {
    /// How much, in the currency's smallest unit; may be below 0.
    pub amount: i64,
    /// The currency.
    pub currency: String,
    /// What else Stripe sent.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}
