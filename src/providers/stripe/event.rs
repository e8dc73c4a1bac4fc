//! What Stripe tells, as types. <https://docs.stripe.com/api/events/types>
//!
//! An event holds its object as it was then, in the API version of the webhook's endpoint. Events come in no order: where the
//! present state matters, read the object again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    event_objects::{Account, Charge, Dispute, Payout},
    objects::{
        Balance, CheckoutSession, Customer, Invoice, InvoiceItem, PaymentIntent, Price, Product, Refund, Subscription,
    },
    wire::AS_THEY_ARE,
};
use crate::{
    error::Result,
    providers::{WebhookEvent, names::camelled, typed::read_data},
    typed_events,
};

typed_events! {
    /// An event of Stripe's, by its kind.
    ///
    /// `invoice.upcoming` is among the `Other`: it is about an invoice that is not made yet and may have no id.
    ///
    /// ```
    /// use serde_json::json;
    /// use sis_integrations::providers::{WebhookEvent, stripe::StripeEvent};
    ///
    /// let data = json!({ "type": "payment_intent.succeeded", "data": { "object": { "id": "pi_1", "amount": 2500 } } });
    /// let event = WebhookEvent::new("evt_1", "payment_intent.succeeded", data);
    /// match event.typed()? {
    ///     StripeEvent::PaymentIntentSucceeded(payment) => assert_eq!(payment.amount, Some(2500)),
    ///     StripeEvent::ChargeDisputeCreated(dispute) => println!("{} is disputed: {:?}", dispute.id, dispute.reason),
    ///     _ => {}
    /// }
    /// # Ok::<(), sis_integrations::Error>(())
    /// ```
    pub StripeEvent of "stripe", by read {
        /// A payment was made, not yet paid.
        "payment_intent.created" => PaymentIntentCreated(PaymentIntent),
        /// The payment is with the bank, which may take days.
        "payment_intent.processing" => PaymentIntentProcessing(PaymentIntent),
        /// The payer must do something first.
        "payment_intent.requires_action" => PaymentIntentRequiresAction(PaymentIntent),
        /// The money is held, and waits to be captured.
        "payment_intent.amount_capturable_updated" => PaymentIntentAmountCapturableUpdated(PaymentIntent),
        /// A part of the money has come in.
        "payment_intent.partially_funded" => PaymentIntentPartiallyFunded(PaymentIntent),
        /// It was paid.
        "payment_intent.succeeded" => PaymentIntentSucceeded(PaymentIntent),
        /// A try failed; the payer may try again.
        "payment_intent.payment_failed" => PaymentIntentPaymentFailed(PaymentIntent),
        /// It was given up.
        "payment_intent.canceled" => PaymentIntentCanceled(PaymentIntent),

        /// A charge went through.
        "charge.succeeded" => ChargeSucceeded(Charge),
        /// A charge is with the bank.
        "charge.pending" => ChargePending(Charge),
        /// A charge failed.
        "charge.failed" => ChargeFailed(Charge),
        /// A charge that was held was captured.
        "charge.captured" => ChargeCaptured(Charge),
        /// A charge that was held was not captured in time.
        "charge.expired" => ChargeExpired(Charge),
        /// A charge's description or notes changed.
        "charge.updated" => ChargeUpdated(Updated<Charge>),
        /// Some or all of a charge was given back.
        "charge.refunded" => ChargeRefunded(Charge),
        /// A refund of a charge changed. Newer endpoints get `refund.updated` too.
        "charge.refund.updated" => ChargeRefundUpdated(Updated<Refund>),
        /// A payer's bank disputes a charge: evidence is wanted.
        "charge.dispute.created" => ChargeDisputeCreated(Dispute),
        /// A dispute changed.
        "charge.dispute.updated" => ChargeDisputeUpdated(Updated<Dispute>),
        /// A dispute is over: `won`, `lost` or `warning_closed`.
        "charge.dispute.closed" => ChargeDisputeClosed(Dispute),
        /// The disputed money was taken from the school.
        "charge.dispute.funds_withdrawn" => ChargeDisputeFundsWithdrawn(Dispute),
        /// The disputed money was given back to the school.
        "charge.dispute.funds_reinstated" => ChargeDisputeFundsReinstated(Dispute),

        /// A refund was made.
        "refund.created" => RefundCreated(Refund),
        /// A refund changed.
        "refund.updated" => RefundUpdated(Updated<Refund>),
        /// The payer's bank did not take a refund.
        "refund.failed" => RefundFailed(Refund),

        /// The payer went through the page. A payment by bank may still be `unpaid`.
        "checkout.session.completed" => CheckoutSessionCompleted(CheckoutSession),
        /// The bank paid afterwards.
        "checkout.session.async_payment_succeeded" => CheckoutSessionAsyncPaymentSucceeded(CheckoutSession),
        /// The bank did not pay afterwards.
        "checkout.session.async_payment_failed" => CheckoutSessionAsyncPaymentFailed(CheckoutSession),
        /// The page was closed before it was paid.
        "checkout.session.expired" => CheckoutSessionExpired(CheckoutSession),

        /// A customer was made.
        "customer.created" => CustomerCreated(Customer),
        /// A customer changed.
        "customer.updated" => CustomerUpdated(Updated<Customer>),
        /// A customer was deleted.
        "customer.deleted" => CustomerDeleted(Customer),

        /// A subscription was made.
        "customer.subscription.created" => CustomerSubscriptionCreated(Subscription),
        /// A subscription changed: another price, another status, the next period.
        "customer.subscription.updated" => CustomerSubscriptionUpdated(Updated<Subscription>),
        /// A subscription ended.
        "customer.subscription.deleted" => CustomerSubscriptionDeleted(Subscription),
        /// A subscription pauses.
        "customer.subscription.paused" => CustomerSubscriptionPaused(Subscription),
        /// A subscription that paused goes on.
        "customer.subscription.resumed" => CustomerSubscriptionResumed(Subscription),
        /// A subscription's trial ends in three days, or has just been ended.
        "customer.subscription.trial_will_end" => CustomerSubscriptionTrialWillEnd(Subscription),
        /// A change that waited for its payment was made.
        "customer.subscription.pending_update_applied" => CustomerSubscriptionPendingUpdateApplied(Subscription),
        /// A change that waited for its payment was given up.
        "customer.subscription.pending_update_expired" => CustomerSubscriptionPendingUpdateExpired(Subscription),

        /// An invoice was made, a draft.
        "invoice.created" => InvoiceCreated(Invoice),
        /// An invoice changed.
        "invoice.updated" => InvoiceUpdated(Updated<Invoice>),
        /// A draft was deleted.
        "invoice.deleted" => InvoiceDeleted(Invoice),
        /// A draft became an invoice to pay.
        "invoice.finalized" => InvoiceFinalized(Invoice),
        /// A draft could not become one.
        "invoice.finalization_failed" => InvoiceFinalizationFailed(Invoice),
        /// An invoice went to the payer.
        "invoice.sent" => InvoiceSent(Invoice),
        /// An invoice was paid, or marked as paid elsewhere.
        "invoice.paid" => InvoicePaid(Invoice),
        /// An invoice was paid through Stripe.
        "invoice.payment_succeeded" => InvoicePaymentSucceeded(Invoice),
        /// A try to pay an invoice failed.
        "invoice.payment_failed" => InvoicePaymentFailed(Invoice),
        /// The payer must do something to pay an invoice.
        "invoice.payment_action_required" => InvoicePaymentActionRequired(Invoice),
        /// More was paid than was asked for.
        "invoice.overpaid" => InvoiceOverpaid(Invoice),
        /// An invoice is soon due.
        "invoice.will_be_due" => InvoiceWillBeDue(Invoice),
        /// An invoice is past its day.
        "invoice.overdue" => InvoiceOverdue(Invoice),
        /// An invoice is not expected to be paid any more.
        "invoice.marked_uncollectible" => InvoiceMarkedUncollectible(Invoice),
        /// An invoice is void.
        "invoice.voided" => InvoiceVoided(Invoice),
        /// A line was put onto an invoice.
        "invoiceitem.created" => InvoiceItemCreated(InvoiceItem),
        /// A line was taken off.
        "invoiceitem.deleted" => InvoiceItemDeleted(InvoiceItem),

        /// A product was made.
        "product.created" => ProductCreated(Product),
        /// A product changed.
        "product.updated" => ProductUpdated(Updated<Product>),
        /// A product was deleted.
        "product.deleted" => ProductDeleted(Product),
        /// A price was made.
        "price.created" => PriceCreated(Price),
        /// A price changed.
        "price.updated" => PriceUpdated(Updated<Price>),
        /// A price was deleted.
        "price.deleted" => PriceDeleted(Price),

        /// Money sets out for the school's bank.
        "payout.created" => PayoutCreated(Payout),
        /// A payout changed.
        "payout.updated" => PayoutUpdated(Updated<Payout>),
        /// A payout should be at the bank.
        "payout.paid" => PayoutPaid(Payout),
        /// The bank did not take a payout.
        "payout.failed" => PayoutFailed(Payout),
        /// A payout was stopped.
        "payout.canceled" => PayoutCanceled(Payout),
        /// Money has become available.
        "balance.available" => BalanceAvailable(Balance),
        /// What a connected account may do, or must tell, has changed.
        "account.updated" => AccountUpdated(Updated<Account>),
    }
}

/// An object that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Updated<T> {
    /// The object as it is since.
    pub object: T,
    /// What of it was otherwise before, under our names; `null` where there was nothing.
    #[serde(default)]
    pub previous_attributes: Map<String, Value>,
}

/// What an event's `data` is read as: an object, alone or with what it was before.
trait Told: Sized {
    fn told(data: Value) -> Result<Self>;
}

fn read<T: Told>(event: &WebhookEvent) -> Result<T> {
    // What is missing is null, and refused as that.
    let data = event.data.get("data").cloned().unwrap_or_default();
    T::told(camelled(data, AS_THEY_ARE)).map_err(|error| error.within("data"))
}

impl<T: DeserializeOwned> Told for Updated<T> {
    fn told(data: Value) -> Result<Self> {
        read_data(data)
    }
}

macro_rules! told_alone {
    ($($object:ty),*) => {$(
        impl Told for $object {
            fn told(data: Value) -> Result<Self> {
                read_data(data).map(|Alone { object }| object)
            }
        }
    )*};
}

#[derive(Deserialize)]
struct Alone<T> {
    object: T,
}

told_alone!(
    Balance,
    Charge,
    CheckoutSession,
    Customer,
    Dispute,
    Invoice,
    InvoiceItem,
    PaymentIntent,
    Payout,
    Price,
    Product,
    Refund,
    Subscription
);
