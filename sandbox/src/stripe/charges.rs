//! Charges: what an attempt to take money leaves behind.

use serde_json::{Value, json};

use super::cards::Issuer;
use super::fields;
use super::list::list;
use super::payment_methods;
use super::routes::Endpoint;
use super::store::{Ctx, Kind};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("/v1/charges", |ctx, _| {
        list(ctx, Kind::Charge, "/v1/charges", &["customer", "payment_intent", "transfer_group"])
    })
    .takes(&["customer", "payment_intent", "transfer_group"]),
    Endpoint::get("/v1/charges/{charge}", |ctx, id| ctx.named(Kind::Charge, id, "id")),
];

/// What is null in every charge here.
const EMPTY: &[&str] = &[
    "application",
    "application_fee_amount",
    "balance_transaction",
    "failure_balance_transaction",
    "on_behalf_of",
    "receipt_number",
    "review",
    "source_transfer",
    "transfer_data",
];

/// Charges an intent's method, and says what the issuer said by the charge's status.
pub(super) fn make(ctx: &mut Ctx<'_>, intent: &Value, issuer: Issuer, capture: bool) -> Value {
    let method_id = intent["payment_method"].as_str().unwrap_or_default();
    let method = ctx.book.get(Kind::PaymentMethod, method_id).cloned().unwrap_or_default();
    let amount = intent["amount"].clone();
    let (failure_code, failure_message, outcome) = match issuer {
        Issuer::Declines { code, decline_code, message } => {
            let reason = decline_code.unwrap_or(code);
            (
                Some(code),
                Some(message),
                json!({
                    "network_status": "declined_by_network",
                    "reason": reason,
                    "risk_level": "normal",
                    "seller_message": "The bank did not return any further details with this decline.",
                    "type": "issuer_declined",
                }),
            )
        }
        _ => (
            None,
            None,
            json!({
                "network_status": "approved_by_network",
                "reason": null,
                "risk_level": "normal",
                "seller_message": "Payment complete.",
                "type": "authorized",
            }),
        ),
    };
    let paid = failure_code.is_none();
    let captured = paid && capture;
    let id = ctx.id(Kind::Charge);
    let receipt = format!("https://pay.stripe.com/receipts/payment/{id}");
    let mut charge = json!({
        "id": id,
        "object": "charge",
        "amount": amount,
        "amount_captured": if captured { amount.clone() } else { json!(0) },
        "amount_refunded": 0,
        "billing_details": fields::no_billing_details(),
        "calculated_statement_descriptor": "SANDBOX SCHOOL",
        "captured": captured,
        "created": ctx.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": false,
        "failure_code": failure_code,
        "failure_message": failure_message,
        "livemode": ctx.livemode,
        "metadata": intent["metadata"],
        "outcome": outcome,
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": payment_methods::details(&method),
        "receipt_email": intent["receipt_email"],
        "receipt_url": paid.then_some(receipt),
        "refunded": false,
        "shipping": intent["shipping"],
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": if paid { "succeeded" } else { "failed" },
        "transfer_group": intent["transfer_group"],
    });
    fields::nulls(&mut charge, EMPTY);
    ctx.emit(if paid { "charge.succeeded" } else { "charge.failed" }, &charge);
    ctx.book.put(Kind::Charge, charge.clone());
    charge
}
