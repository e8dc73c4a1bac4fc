//! Payments. Card data never passes here: the payer enters it on Stripe's page or in Stripe's own elements (SAQ A).
//! <https://docs.stripe.com/api/payment_intents>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Stripe, check, money,
    objects::{Metadata, PaymentIntent},
    wire::operation,
};
use crate::{error::Error, providers::Call};

/// Which ways to pay Stripe offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct AutomaticPaymentMethods {
    /// Whether Stripe offers those that the school has switched on in its dashboard.
    pub enabled: bool,
    /// `always`, or `never` to leave out those that send the payer to another page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_redirects: Option<String>,
}

impl AutomaticPaymentMethods {
    /// Those that the school has switched on.
    pub fn enabled() -> Self {
        Self { enabled: true, allow_redirects: None }
    }
}

/// Counts what Stripe takes, once the money has come in.
fn charge(call: &Call<'_, Stripe>, payment: &PaymentIntent) {
    if payment.status.as_deref() == Some("succeeded")
        && let (Some(amount), Some(currency)) = (payment.amount_received.or(payment.amount), &payment.currency)
    {
        call.charge(1, money::fee_micros(amount, currency), &currency.to_ascii_uppercase());
    }
}

operation! {
    /// Begins a payment. Give its `clientSecret` to the payer's browser, which finishes it with Stripe.
    ///
    /// <https://docs.stripe.com/api/payment_intents/create>. Access `pay`. Repeated with the same idempotency key it makes
    /// one. Errors: `invalid_argument` at `amount` or `currency`; `vendor` with code `card_declined` and the like.
    ///
    /// Example: `{"amount": 2500, "currency": "usd", "description": "Field trip"}`
    CreatePaymentIntent = "createPaymentIntent", Pay, WithKey -> PaymentIntent,
    discloses { "amount": Financial(Guardian), "customer": Financial(Guardian), "description": Financial(Guardian), "receiptEmail": Contact(Guardian), "metadata": Financial(Guardian) }
    Post |this| ["payment_intents"]
    by {}
    required {
        /// How much, in the currency's smallest unit: 2500 is 25.00 USD, or 2500 JPY. 1 to 99999999.
        amount: i64,
        /// The currency by its three letters in lower case (ISO 4217), such as `usd`.
        currency: String,
    }
    optional {
        /// Who pays: a customer's id.
        customer: String,
        /// How it is paid: the id of a payment method that Stripe's page has made.
        payment_method: String,
        /// Which ways to pay Stripe offers. Default: those switched on in the school's dashboard.
        automatic_payment_methods: AutomaticPaymentMethods,
        /// Whether to confirm at once; wants `paymentMethod`.
        confirm: bool,
        /// `automatic`, or `manual` to reserve the money now and take it by `capturePaymentIntent`.
        capture_method: String,
        /// What for.
        description: String,
        /// Where Stripe sends the receipt.
        receipt_email: String,
        /// Where the payer comes back to from another page.
        return_url: String,
        /// Notes of the school's own. Never a card's data.
        metadata: Metadata,
    }
    check |this| {
        check::price("amount", this.amount, "currency", &this.currency)?;
        check::some_id("customer", &this.customer)?;
        check::some_id("paymentMethod", &this.payment_method)?;
        check::web("returnUrl", &this.return_url)?;
        check::metadata(&this.metadata)?;
        if !matches!(this.capture_method.as_deref(), None | Some("automatic" | "automatic_async" | "manual")) {
            return Err(Error::invalid("captureMethod", "must be automatic, automatic_async or manual"));
        }
        if this.confirm == Some(true) && this.payment_method.is_none() {
            return Err(Error::invalid("paymentMethod", "is required to confirm at once"));
        }
    }
    done |call, payment| { charge(call, payment); }
}

operation! {
    /// Reads a payment.
    ///
    /// <https://docs.stripe.com/api/payment_intents/retrieve>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"paymentIntent": "pi_3MtwBwLkdIwHu7ix28a3tqPa"}`
    GetPaymentIntent = "getPaymentIntent", Read, Always -> PaymentIntent,
    discloses {}
    Get |this| ["payment_intents", &this.payment_intent]
    by {
        /// The payment's id.
        payment_intent: String,
    }
    required {}
    optional {}
}

operation! {
    /// Confirms a payment: the payer means it.
    ///
    /// <https://docs.stripe.com/api/payment_intents/confirm>. Access `pay`. Errors: `not_found`; `vendor` with code
    /// `card_declined` and the like, which nobody should repeat without the payer.
    ///
    /// Example: `{"paymentIntent": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "paymentMethod": "pm_card_visa"}`
    ConfirmPaymentIntent = "confirmPaymentIntent", Pay, WithKey -> PaymentIntent,
    discloses { "receiptEmail": Contact(Guardian) }
    Post |this| ["payment_intents", &this.payment_intent, "confirm"]
    by {
        /// The payment's id.
        payment_intent: String,
    }
    required {}
    optional {
        /// How it is paid: the id of a payment method that Stripe's page has made.
        payment_method: String,
        /// Where the payer comes back to from another page.
        return_url: String,
        /// Where Stripe sends the receipt.
        receipt_email: String,
        /// Whether the payer is not there to answer questions.
        off_session: bool,
    }
    check |this| {
        check::some_id("paymentMethod", &this.payment_method)?;
        check::web("returnUrl", &this.return_url)?;
    }
    done |call, payment| { charge(call, payment); }
}

operation! {
    /// Takes money that was reserved (`captureMethod` `manual`).
    ///
    /// <https://docs.stripe.com/api/payment_intents/capture>. Access `pay`. Errors: `not_found`; `vendor` with code
    /// `payment_intent_unexpected_state`.
    ///
    /// Example: `{"paymentIntent": "pi_3MtwBwLkdIwHu7ix28a3tqPa"}`
    CapturePaymentIntent = "capturePaymentIntent", Pay, WithKey -> PaymentIntent,
    discloses {}
    Post |this| ["payment_intents", &this.payment_intent, "capture"]
    by {
        /// The payment's id.
        payment_intent: String,
    }
    required {}
    optional {
        /// Less than all of it, in the currency's smallest unit; the rest is let go.
        amount_to_capture: i64,
    }
    check |this| {
        if let Some(amount) = this.amount_to_capture {
            check::amount("amountToCapture", amount)?;
        }
    }
    done |call, payment| { charge(call, payment); }
}

operation! {
    /// Gives a payment up that has not come in; reserved money is let go.
    ///
    /// <https://docs.stripe.com/api/payment_intents/cancel>. Access `pay`. Errors: `not_found`; `vendor` with code
    /// `payment_intent_unexpected_state`.
    ///
    /// Example: `{"paymentIntent": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "cancellationReason": "requested_by_customer"}`
    CancelPaymentIntent = "cancelPaymentIntent", Pay, WithKey -> PaymentIntent,
    discloses {}
    Post |this| ["payment_intents", &this.payment_intent, "cancel"]
    by {
        /// The payment's id.
        payment_intent: String,
    }
    required {}
    optional {
        /// `duplicate`, `fraudulent`, `requested_by_customer` or `abandoned`.
        cancellation_reason: String,
    }
    check |this| {
        let reason = this.cancellation_reason.as_deref();
        if !matches!(reason, None | Some("duplicate" | "fraudulent" | "requested_by_customer" | "abandoned")) {
            let why = "must be duplicate, fraudulent, requested_by_customer or abandoned";
            return Err(Error::invalid("cancellationReason", why));
        }
    }
}
