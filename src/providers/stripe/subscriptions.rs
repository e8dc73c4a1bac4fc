//! What is paid again and again. <https://docs.stripe.com/api/subscriptions>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    check,
    objects::{Metadata, Subscription},
    wire::operation,
};
use crate::error::{Error, Result};

/// One thing that is paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SubscriptionItem {
    /// Of a change: the id of the item that is meant (`si_…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id of a recurring price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// How many of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Of a change: takes the item out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

impl SubscriptionItem {
    /// One at this price.
    pub fn price(price: impl Into<String>) -> Self {
        Self { id: None, price: Some(price.into()), quantity: None, deleted: None }
    }
}

fn items(items: &[SubscriptionItem], changing: bool) -> Result<()> {
    check::some("items", items, 20)?;
    for (at, item) in items.iter().enumerate() {
        check::some_id(&format!("items[{at}].price"), &item.price)?;
        check::some_id(&format!("items[{at}].id"), &item.id)?;
        if !changing && item.price.is_none() {
            return Err(Error::invalid(format!("items[{at}].price"), "is required"));
        }
        if !changing && (item.id.is_some() || item.deleted.is_some()) {
            return Err(Error::invalid(format!("items[{at}]"), "of a new subscription has neither id nor deleted"));
        }
    }
    Ok(())
}

fn behavior(field: &str, value: &Option<String>, allowed: &[&str]) -> Result<()> {
    match value {
        Some(value) if !allowed.contains(&value.as_str()) => {
            Err(Error::invalid(field, format!("must be one of {}", allowed.join(", "))))
        }
        _ => Ok(()),
    }
}

const PAYMENT: &[&str] = &["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"];
const PRORATION: &[&str] = &["create_prorations", "none", "always_invoice"];

operation! {
    /// Begins a subscription: a customer pays the prices of its items again and again.
    ///
    /// <https://docs.stripe.com/api/subscriptions/create>. Access `pay`. Repeated with the same idempotency key it makes
    /// one. Errors: `invalid_argument` at `items[0].price` for a price that is not active.
    ///
    /// Example: `{"customer": "cus_Na6dX7aXxi11N4", "items": [{"price": "price_1MowQULkdIwHu7ixraBm864M"}]}`
    CreateSubscription = "createSubscription", Pay, WithKey -> Subscription,
    discloses { "customer": Financial(Guardian), "items": Financial(Guardian), "description": Financial(Guardian), "metadata": Financial(Guardian) }
    Post |this| ["subscriptions"]
    by {}
    required {
        /// Who pays: a customer's id.
        customer: String,
        /// What is paid, 1 to 20 items.
        items: Vec<SubscriptionItem>,
    }
    optional {
        /// What happens when the first payment is not made at once: `default_incomplete` leaves it to the payer's browser.
        payment_behavior: String,
        /// How it is paid: a payment method of the customer's.
        default_payment_method: String,
        /// `charge_automatically`, or `send_invoice` to have the customer pay each invoice.
        collection_method: String,
        /// With `send_invoice`: how many days the customer has.
        days_until_due: u32,
        /// How many days are free at first.
        trial_period_days: u32,
        /// Whether it ends with the first period.
        cancel_at_period_end: bool,
        /// What for.
        description: String,
        /// Notes of the school's own. Never a card's data.
        metadata: Metadata,
    }
    check |this| {
        check::id("customer", &this.customer)?;
        items(&this.items, false)?;
        behavior("paymentBehavior", &this.payment_behavior, PAYMENT)?;
        behavior("collectionMethod", &this.collection_method, &["charge_automatically", "send_invoice"])?;
        check::some_id("defaultPaymentMethod", &this.default_payment_method)?;
        check::metadata(&this.metadata)?;
        if this.collection_method.as_deref() == Some("send_invoice") && this.days_until_due.is_none() {
            return Err(Error::invalid("daysUntilDue", "is required with send_invoice"));
        }
    }
}

operation! {
    /// Reads a subscription.
    ///
    /// <https://docs.stripe.com/api/subscriptions/retrieve>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs"}`
    GetSubscription = "getSubscription", Read, Always -> Subscription,
    discloses {}
    Get |this| ["subscriptions", &this.subscription]
    by {
        /// The subscription's id.
        subscription: String,
    }
    required {}
    optional {}
}

operation! {
    /// Changes a subscription: its items, or when it ends.
    ///
    /// <https://docs.stripe.com/api/subscriptions/update>. Access `pay`. Errors: `not_found`.
    ///
    /// Example: `{"subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs", "cancelAtPeriodEnd": true}`
    UpdateSubscription = "updateSubscription", Pay, WithKey -> Subscription,
    discloses { "description": Financial(Guardian), "metadata": Financial(Guardian) }
    Post |this| ["subscriptions", &this.subscription]
    by {
        /// The subscription's id.
        subscription: String,
    }
    required {}
    optional {
        /// What is paid: items with `id` are changed, those without are new, the others stay.
        items: Vec<SubscriptionItem>,
        /// Whether it ends with this period.
        cancel_at_period_end: bool,
        /// How the change is charged for: `create_prorations`, `none` or `always_invoice`.
        proration_behavior: String,
        /// How it is paid: a payment method of the customer's.
        default_payment_method: String,
        /// What for.
        description: String,
        /// Notes of the school's own. Never a card's data.
        metadata: Metadata,
    }
    check |this| {
        if let Some(changed) = &this.items {
            items(changed, true)?;
        }
        behavior("prorationBehavior", &this.proration_behavior, PRORATION)?;
        check::some_id("defaultPaymentMethod", &this.default_payment_method)?;
        check::metadata(&this.metadata)?;
    }
}

operation! {
    /// Ends a subscription at once; to end it with the period, change `cancelAtPeriodEnd`.
    ///
    /// <https://docs.stripe.com/api/subscriptions/cancel>. Access `pay`. One that has ended already is answered as it is.
    /// Errors: `not_found`.
    ///
    /// Example: `{"subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs"}`
    CancelSubscription = "cancelSubscription", Pay, WithKey -> Subscription,
    discloses {}
    Delete |this| ["subscriptions", &this.subscription]
    by {
        /// The subscription's id.
        subscription: String,
    }
    required {}
    optional {
        /// Whether to write an invoice for what was used and not yet charged.
        invoice_now: bool,
        /// Whether to give back what was paid and not used, as a credit.
        prorate: bool,
    }
}
