//! Objects that only events bring, for no operation answers with them.

use serde_json::Value;

use super::{objects::Metadata, wire::object};

object! {
    /// One try to take a payment. <https://docs.stripe.com/api/charges/object>
    Charge {
        /// How much, in the currency's smallest unit.
        amount: i64,
        /// How much of it was captured.
        amount_captured: i64,
        /// How much of it was given back.
        amount_refunded: i64,
        /// The currency, in lower case.
        currency: String,
        /// `succeeded`, `pending` or `failed`.
        status: String,
        /// Whether it was paid, or authorized for a capture later.
        paid: bool,
        /// Whether it was captured.
        captured: bool,
        /// Whether all of it was given back.
        refunded: bool,
        /// Whether the payer's bank disputes it.
        disputed: bool,
        /// Who pays.
        customer: Value,
        /// The payment it is a try of.
        payment_intent: Value,
        /// The means of payment.
        payment_method: Value,
        /// The payer's name and addresses.
        billing_details: Value,
        /// Where the receipt is shown.
        receipt_url: String,
        /// Where the receipt went.
        receipt_email: String,
        /// Why it failed, in Stripe's code.
        failure_code: String,
        /// Why it failed, in Stripe's words.
        failure_message: String,
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
    /// A payer's quarrel with a charge, at their bank. <https://docs.stripe.com/api/disputes/object>
    Dispute {
        /// How much is disputed, in the currency's smallest unit.
        amount: i64,
        /// The currency, in lower case.
        currency: String,
        /// `warning_needs_response`, `warning_under_review`, `warning_closed`, `needs_response`, `under_review`, `won`,
        /// `lost` or `prevented`.
        status: String,
        /// Why: `duplicate`, `fraudulent`, `product_not_received` and others.
        reason: String,
        /// Of which charge.
        charge: Value,
        /// Of which payment.
        payment_intent: Value,
        /// By when evidence is wanted (`dueBy`), and whether there is some.
        evidence_details: Value,
        /// Whether the money can still be given back, which ends it.
        is_charge_refundable: bool,
        /// When it was made, in seconds since 1970.
        created: i64,
        /// Whether it is of live mode.
        livemode: bool,
        /// The school's own notes.
        metadata: Metadata,
    }
}

object! {
    /// Money on its way to the school's bank. <https://docs.stripe.com/api/payouts/object>
    Payout {
        /// How much, in the currency's smallest unit.
        amount: i64,
        /// The currency, in lower case.
        currency: String,
        /// `pending`, `in_transit`, `paid`, `failed` or `canceled`. One that is `paid` may yet become `failed`, for some days.
        status: String,
        /// When it should arrive, in seconds since 1970.
        arrival_date: i64,
        /// Whether it goes by the account's timetable.
        automatic: bool,
        /// The bank account or card it goes to.
        destination: Value,
        /// Why it failed, in Stripe's code.
        failure_code: String,
        /// Why it failed, in Stripe's words.
        failure_message: String,
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
    /// A school's account at Stripe, as its platform sees it. <https://docs.stripe.com/api/accounts/object>
    Account {
        /// `standard`, `express`, `custom` or `none`.
        r#type: String,
        /// The country, in two letters.
        country: String,
        /// The currency, in lower case.
        default_currency: String,
        /// The e-mail address.
        email: String,
        /// Whether it can take payments.
        charges_enabled: bool,
        /// Whether money goes to its bank.
        payouts_enabled: bool,
        /// Whether all was told that Stripe asked for at first.
        details_submitted: bool,
        /// What Stripe still wants to know, by when, and what it has stopped until then.
        requirements: Value,
        /// What it may do, and whether that is `active`.
        capabilities: Value,
        /// When it was made, in seconds since 1970.
        created: i64,
        /// The school's own notes.
        metadata: Metadata,
    }
}
