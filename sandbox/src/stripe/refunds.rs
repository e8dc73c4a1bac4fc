//! Refunds, whole and in part.

use serde_json::json;

use super::error::Refusal;
use super::list::list;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome};
use super::{currency, fields};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/refunds", create).takes(&[
        "amount",
        "charge",
        "currency",
        "customer",
        "instructions_email",
        "metadata",
        "origin",
        "payment_intent",
        "reason",
        "refund_application_fee",
        "reverse_transfer",
    ]),
    Endpoint::get("/v1/refunds", |ctx, _| list(ctx, Kind::Refund, "/v1/refunds", &["charge", "payment_intent"]))
        .takes(&["charge", "payment_intent"]),
    Endpoint::get("/v1/refunds/{refund}", |ctx, id| ctx.named(Kind::Refund, id, "refund")),
];

fn create(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let params = ctx.params.clone();
    let asked = params.within("amount", 1, i64::MAX)?;
    let reason = params.one_of("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let charge_id = match (params.text("charge")?, params.text("payment_intent")?) {
        (Some(charge), _) => charge.to_owned(),
        (None, Some(intent)) => {
            let found = ctx.referred(Kind::PaymentIntent, intent, "payment_intent")?;
            match found["latest_charge"].as_str().filter(|_| found["status"] == "succeeded") {
                Some(charge) => charge.to_owned(),
                None => {
                    let message = format!("This PaymentIntent ({intent}) does not have a successful charge to refund.");
                    return Err(Refusal::about("payment_intent", message));
                }
            }
        }
        (None, None) => {
            let message = "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(Refusal::about("payment_intent", message).code("parameter_missing").unsaved());
        }
    };
    let mut charge = ctx.referred(Kind::Charge, &charge_id, "charge")?;
    if charge["paid"] != true || charge["captured"] != true {
        return Err(Refusal::about(
            "charge",
            format!("Charge {charge_id} has not been paid, so nothing can be refunded."),
        ));
    }
    let currency = charge["currency"].as_str().unwrap_or_default().to_owned();
    let refunded = charge["amount_refunded"].as_i64().unwrap_or(0);
    let left = charge["amount"].as_i64().unwrap_or(0) - refunded;
    if left == 0 {
        let message = format!("Charge {charge_id} has already been refunded.");
        return Err(Refusal::state(message).code("charge_already_refunded"));
    }
    let amount = asked.unwrap_or(left);
    if amount > left {
        let message = format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            currency::shown(amount, &currency),
            currency::shown(left, &currency)
        );
        return Err(Refusal::about("amount", message));
    }
    let id = ctx.id(Kind::Refund);
    let mut refund = json!({
        "id": id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": null,
        "charge": charge_id,
        "created": ctx.now,
        "currency": currency,
        "destination_details": { "card": { "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund" }, "type": "card" },
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": "succeeded",
        "transfer_reversal": null,
    });
    fields::metadata(&mut refund, &params)?;
    charge["amount_refunded"] = json!(refunded + amount);
    charge["refunded"] = json!(amount == left);
    ctx.emit("charge.refunded", &charge);
    ctx.emit("refund.created", &refund);
    ctx.book.put(Kind::Charge, charge);
    ctx.keep(Kind::Refund, refund)
}
