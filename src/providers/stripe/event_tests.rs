//! Events as Stripe documents them, through the type.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{StripeEvent, Updated};
use crate::{
    error::{ErrorCode, Result},
    providers::{
        WebhookEvent,
        typed::tests::{any_data, assert_own_variants, assert_told, read_or_refused},
    },
};

/// An event as Stripe wraps it.
fn typed(kind: &str, data: Value) -> Result<StripeEvent> {
    let event = json!({
        "id": "evt_1", "object": "event", "api_version": "2025-09-30.clover", "created": 1_764_000_000, "data": data,
        "livemode": false, "pending_webhooks": 1, "request": { "id": "req_1", "idempotency_key": "key" }, "type": kind,
    });
    WebhookEvent::new("evt_1", kind, event).typed()
}

#[test]
fn a_payment_is_read() {
    let object = json!({
        "id": "pi_1", "object": "payment_intent", "amount": 2500, "amount_capturable": 0, "amount_received": 2500,
        "automatic_payment_methods": { "enabled": true }, "currency": "usd", "customer": "cus_1",
        "latest_charge": "ch_1", "livemode": false, "metadata": { "student_id": "s-1" }, "status": "succeeded",
        "last_payment_error": null, "payment_method_types": ["card"],
    });
    let read = typed("payment_intent.succeeded", json!({ "object": object }));
    let Ok(StripeEvent::PaymentIntentSucceeded(payment)) = read else { panic!("{read:?}") };
    assert_eq!((payment.id.as_str(), payment.amount, payment.amount_received), ("pi_1", Some(2500), Some(2500)));
    assert_eq!((payment.customer, payment.last_payment_error), (Some(json!("cus_1")), None));
    // The school's own notes keep their names; what has no name here is kept under ours.
    assert_eq!(payment.metadata.unwrap()["student_id"], "s-1");
    assert_eq!(payment.more["automaticPaymentMethods"], json!({ "enabled": true }));
    assert_eq!(payment.more["paymentMethodTypes"], json!(["card"]));
}

#[test]
fn a_refund_and_a_dispute_are_read() {
    let charge = json!({
        "id": "ch_1", "object": "charge", "amount": 2500, "amount_refunded": 500, "refunded": false, "paid": true,
        "payment_intent": "pi_1", "failure_code": null,
    });
    let read = typed("charge.refunded", json!({ "object": charge, "previous_attributes": { "amount_refunded": 0 } }));
    let Ok(StripeEvent::ChargeRefunded(charge)) = read else { panic!("{read:?}") };
    assert_eq!((charge.amount_refunded, charge.refunded, charge.failure_code), (Some(500), Some(false), None));
    let dispute = json!({
        "id": "dp_1", "object": "dispute", "amount": 2500, "charge": "ch_1", "currency": "usd", "reason": "fraudulent",
        "status": "needs_response", "is_charge_refundable": false, "evidence_details": { "due_by": 1_765_000_000 },
    });
    let read = typed("charge.dispute.created", json!({ "object": dispute }));
    let Ok(StripeEvent::ChargeDisputeCreated(dispute)) = read else { panic!("{read:?}") };
    assert_eq!((dispute.reason.as_deref(), dispute.status.as_deref()), (Some("fraudulent"), Some("needs_response")));
    assert_eq!(dispute.evidence_details, Some(json!({ "dueBy": 1_765_000_000 })));
    assert_eq!((dispute.charge, dispute.is_charge_refundable), (Some(json!("ch_1")), Some(false)));
}

#[test]
fn what_changed_is_read_with_what_it_was() {
    let data = json!({
        "object": { "id": "sub_1", "object": "subscription", "status": "past_due", "customer": "cus_1" },
        "previous_attributes": { "status": "active", "cancel_at": null, "metadata": { "a_b": "c" } },
    });
    let read = typed("customer.subscription.updated", data);
    let Ok(StripeEvent::CustomerSubscriptionUpdated(Updated { object, previous_attributes })) = read else {
        panic!("{read:?}")
    };
    assert_eq!((object.id.as_str(), object.status.as_deref()), ("sub_1", Some("past_due")));
    let before = json!({ "status": "active", "cancelAt": null, "metadata": { "a_b": "c" } });
    assert_eq!(Value::Object(previous_attributes), before);
    let account =
        json!({ "id": "acct_1", "type": "standard", "charges_enabled": true, "requirements": { "past_due": [] } });
    let read = typed("account.updated", json!({ "object": account }));
    let Ok(StripeEvent::AccountUpdated(Updated { object, previous_attributes })) = read else { panic!("{read:?}") };
    assert_eq!((object.r#type.as_deref(), object.charges_enabled), (Some("standard"), Some(true)));
    assert_eq!(object.requirements, Some(json!({ "pastDue": [] })));
    assert!(previous_attributes.is_empty());
}

#[test]
fn money_for_the_school_is_read() {
    let payout = json!({ "id": "po_1", "amount": 1100, "arrival_date": 1_764_100_000, "status": "failed", "automatic": true,
        "failure_code": "account_closed", "failure_message": "The bank account has been closed" });
    let read = typed("payout.failed", json!({ "object": payout }));
    let Ok(StripeEvent::PayoutFailed(payout)) = read else { panic!("{read:?}") };
    assert_eq!((payout.amount, payout.arrival_date), (Some(1100), Some(1_764_100_000)));
    assert_eq!((payout.failure_code.as_deref(), payout.automatic), (Some("account_closed"), Some(true)));
    let balance = json!({ "object": "balance", "available": [{ "amount": 5, "currency": "usd" }], "pending": [] });
    let read = typed("balance.available", json!({ "object": balance }));
    let Ok(StripeEvent::BalanceAvailable(balance)) = read else { panic!("{read:?}") };
    assert_eq!((balance.available[0].amount, balance.available[0].currency.as_str()), (5, "usd"));
}

#[test]
fn each_kind_becomes_its_variant() {
    let object = json!({ "id": "some", "available": [], "pending": [] });
    assert_own_variants::<StripeEvent>(StripeEvent::KINDS, &json!({ "data": { "object": object } }));
}

#[test]
fn what_is_not_known_is_kept_and_what_is_not_as_documented_is_refused() {
    let upcoming =
        WebhookEvent::new("evt_1", "invoice.upcoming", json!({ "data": { "object": { "object": "invoice" } } }));
    assert_eq!(upcoming.typed::<StripeEvent>().unwrap(), StripeEvent::Other(upcoming));
    for (data, field) in [
        (json!({ "object": { "id": "in_1", "amount_due": "much" } }), "data.data.object.amountDue"),
        (json!({ "object": { "amount_due": 5 } }), "data.data.object.id"),
        (json!({ "object": null }), "data.data.object"),
        (json!({}), "data.data.object"),
        (json!(null), "data.data"),
        (json!([{ "id": "in_1" }]), "data.data"),
    ] {
        let error = typed("invoice.paid", data).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)));
        assert!(!format!("{error:?}").contains("much"));
    }
}

#[test]
fn the_page_tells_of_every_kind() {
    assert_told(include_str!("../../../docs/providers/stripe.md"), StripeEvent::KINDS);
}

/// Of each type that a field is read as.
const NAMES: &[&str] =
    &["id", "amount", "status", "metadata", "customer", "livemode", "available", "pending", "currency"];

proptest! {
    #[test]
    fn any_data_is_read_or_refused(object in any_data(NAMES), wrapped in 0..3) {
        let data = match wrapped {
            0 => object,
            1 => json!({ "data": object }),
            _ => json!({ "data": { "object": object } }),
        };
        read_or_refused::<StripeEvent>(StripeEvent::KINDS, &data)?;
    }
}
