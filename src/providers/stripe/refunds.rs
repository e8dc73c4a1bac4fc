//! Money given back, and what there is. <https://docs.stripe.com/api/refunds>, <https://docs.stripe.com/api/balance>

use super::{
    check,
    objects::{Balance, Metadata, Refund},
    wire::operation,
};
use crate::error::Error;

operation! {
    /// Gives a payment back, wholly or in part.
    ///
    /// <https://docs.stripe.com/api/refunds/create>. Access `pay`. Repeated with the same idempotency key it gives back once.
    /// Errors: `invalid_argument` at `amount` for more than is left of the payment; `vendor` with code
    /// `charge_already_refunded`.
    ///
    /// Example: `{"paymentIntent": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "amount": 1000, "reason": "requested_by_customer"}`
    CreateRefund = "createRefund", Pay, WithKey -> Refund,
    discloses { "metadata": Financial(Guardian) }
    Post |this| ["refunds"]
    by {}
    required {}
    optional {
        /// The payment's id; or else `charge`.
        payment_intent: String,
        /// The charge's id; or else `paymentIntent`.
        charge: String,
        /// How much, in the currency's smallest unit. Default: all that is left.
        amount: i64,
        /// `duplicate`, `fraudulent` or `requested_by_customer`.
        reason: String,
        /// Notes of the school's own.
        metadata: Metadata,
    }
    check |this| {
        match (&this.payment_intent, &this.charge) {
            (Some(_), None) | (None, Some(_)) => {}
            _ => return Err(Error::invalid("paymentIntent", "must be given, or else charge, and not both")),
        }
        check::some_id("paymentIntent", &this.payment_intent)?;
        check::some_id("charge", &this.charge)?;
        if let Some(amount) = this.amount {
            check::amount("amount", amount)?;
        }
        if !matches!(this.reason.as_deref(), None | Some("duplicate" | "fraudulent" | "requested_by_customer")) {
            return Err(Error::invalid("reason", "must be duplicate, fraudulent or requested_by_customer"));
        }
        check::metadata(&this.metadata)?;
    }
}

operation! {
    /// Reads a refund: whether the money has gone back.
    ///
    /// <https://docs.stripe.com/api/refunds/retrieve>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"refund": "re_1Nispe2eZvKYlo2Cd31jOCgZ"}`
    GetRefund = "getRefund", Read, Always -> Refund,
    discloses {}
    Get |this| ["refunds", &this.refund]
    by {
        /// The refund's id.
        refund: String,
    }
    required {}
    optional {}
}

operation! {
    /// Reads the school's balance at Stripe. Also the probe of health.
    ///
    /// <https://docs.stripe.com/api/balance/balance_retrieve>. Access `read`.
    ///
    /// Example: `{}`
    GetBalance = "getBalance", Read, Always -> Balance,
    discloses {}
    Get |this| ["balance"]
    by {}
    required {}
    optional {}
}
