//! What becomes of an invoice: draft, open, then paid or void.

use serde_json::{Value, json};

use super::attempts::{Asked, attempt};
use super::error::Refusal;
use super::payment_intents;
use super::payment_methods;
use super::store::{Ctx, Kind, Outcome};

pub(super) fn finalize(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let invoice = ctx.named(Kind::Invoice, id, "invoice")?;
    if invoice["status"] != "draft" {
        let message = "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
        return Err(Refusal::state(message));
    }
    let advance = ctx.params.boolean("auto_advance")?;
    let invoice = open(ctx, invoice, advance);
    ctx.keep(Kind::Invoice, invoice)
}

/// Makes a draft final: it gets its number, its pages and, where something is owed, its payment intent.
pub(super) fn open(ctx: &mut Ctx<'_>, mut invoice: Value, advance: Option<bool>) -> Value {
    let customer_id = invoice["customer"].as_str().unwrap_or_default().to_owned();
    if invoice["number"].is_null()
        && let Some(customer) = ctx.book.get_mut(Kind::Customer, &customer_id)
    {
        let next = customer["next_invoice_sequence"].as_i64().unwrap_or(1);
        invoice["number"] = json!(format!("{}-{next:04}", customer["invoice_prefix"].as_str().unwrap_or("SANDBOX")));
        customer["next_invoice_sequence"] = json!(next + 1);
        customer["currency"] = invoice["currency"].clone();
    }
    let id = invoice["id"].as_str().unwrap_or_default().to_owned();
    let page = format!("{}/{}_{id}", ctx.account, if ctx.livemode { "live" } else { "test" });
    invoice["hosted_invoice_url"] = json!(format!("https://invoice.stripe.com/i/{page}?s=ap"));
    invoice["invoice_pdf"] = json!(format!("https://pay.stripe.com/invoice/{page}/pdf?s=ap"));
    invoice["status"] = json!("open");
    invoice["status_transitions"]["finalized_at"] = json!(ctx.now);
    if invoice["effective_at"].is_null() {
        invoice["effective_at"] = json!(ctx.now);
    }
    invoice["ending_balance"] = json!(0);
    if let Some(advance) = advance {
        invoice["auto_advance"] = json!(advance);
    }
    let due = invoice["amount_due"].as_i64().unwrap_or(0);
    if due == 0 {
        ctx.emit("invoice.finalized", &invoice);
        return paid(ctx, invoice);
    }
    let currency = invoice["currency"].as_str().unwrap_or_default().to_owned();
    let mut intent = payment_intents::new(ctx, due, &currency);
    intent["customer"] = json!(customer_id);
    intent["description"] = json!(format!("Payment for invoice {}", invoice["number"].as_str().unwrap_or_default()));
    invoice["confirmation_secret"] = json!({ "client_secret": intent["client_secret"], "type": "payment_intent" });
    let payment = json!({
        "id": format!("inpay_1{}", ctx.text_id()),
        "object": "invoice_payment",
        "amount_paid": null,
        "amount_requested": due,
        "created": ctx.now,
        "currency": currency,
        "invoice": id,
        "is_default": true,
        "livemode": ctx.livemode,
        "payment": { "payment_intent": intent["id"], "type": "payment_intent" },
        "status": "open",
        "status_transitions": { "canceled_at": null, "paid_at": null },
    });
    invoice["_payments"]["data"] = json!([payment]);
    ctx.book.put(Kind::PaymentIntent, intent);
    ctx.emit("invoice.finalized", &invoice);
    invoice
}

fn paid(ctx: &mut Ctx<'_>, mut invoice: Value) -> Value {
    let due = invoice["amount_due"].clone();
    invoice["status"] = json!("paid");
    invoice["status_transitions"]["paid_at"] = json!(ctx.now);
    invoice["attempted"] = json!(true);
    invoice["amount_paid"] = due.clone();
    invoice["amount_remaining"] = json!(0);
    invoice["auto_advance"] = json!(false);
    if let Some(payment) = invoice["_payments"]["data"].get_mut(0) {
        payment["amount_paid"] = due;
        payment["status"] = json!("paid");
        payment["status_transitions"]["paid_at"] = json!(ctx.now);
    }
    ctx.emit("invoice.paid", &invoice);
    invoice
}

/// Charges what is owed to a payment method. The invoice is kept whatever the issuer says.
pub(super) fn charge(ctx: &mut Ctx<'_>, mut invoice: Value, method: &str, off_session: bool) -> Outcome {
    let intent_id =
        invoice["_payments"]["data"][0]["payment"]["payment_intent"].as_str().unwrap_or_default().to_owned();
    let mut intent = ctx.named(Kind::PaymentIntent, &intent_id, "intent")?;
    intent["payment_method"] = json!(method);
    invoice["attempted"] = json!(true);
    invoice["attempt_count"] = json!(invoice["attempt_count"].as_i64().unwrap_or(0) + 1);
    match attempt(ctx, intent, Asked { off_session, error_on_requires_action: false }) {
        Ok(intent) if intent["status"] == "succeeded" => {
            let invoice = paid(ctx, invoice);
            ctx.emit("invoice.payment_succeeded", &invoice);
            ctx.keep(Kind::Invoice, invoice)
        }
        Ok(_) => {
            ctx.emit("invoice.payment_action_required", &invoice);
            ctx.book.put(Kind::Invoice, invoice);
            let message = "The invoice's payment requires the customer's authentication.";
            Err(Refusal::card("invoice_payment_intent_requires_action", None, message))
        }
        Err(refusal) => {
            ctx.emit("invoice.payment_failed", &invoice);
            ctx.book.put(Kind::Invoice, invoice);
            Err(refusal)
        }
    }
}

pub(super) fn pay(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let invoice = ctx.named(Kind::Invoice, id, "invoice")?;
    let params = ctx.params.clone();
    match invoice["status"].as_str() {
        Some("open") => {}
        Some("paid") => return Err(Refusal::state("Invoice is already paid")),
        Some("draft") => return Err(Refusal::state("Invoice is a draft; finalize it before it can be paid")),
        _ => return Err(Refusal::state("Invoice is no longer payable")),
    }
    if params.boolean("paid_out_of_band")?.unwrap_or(false) {
        let mut invoice = paid(ctx, invoice);
        invoice["amount_paid_off_stripe"] = invoice["amount_paid"].clone();
        invoice["_payments"]["data"] = json!([]);
        return ctx.keep(Kind::Invoice, invoice);
    }
    let customer = invoice["customer"].as_str().unwrap_or_default().to_owned();
    let method = match params.text("payment_method")? {
        Some(method) => {
            let method = payment_methods::take(ctx, method, "payment_method", Some(&customer))?;
            method["id"].as_str().map(str::to_owned)
        }
        None => {
            let own = invoice["default_payment_method"].as_str().map(str::to_owned);
            own.or_else(|| payment_methods::default_of(ctx, &customer))
        }
    };
    let Some(method) = method else {
        let message = "There is no `default_payment_method` set on this Customer or Invoice. Please set the \
                       `default_payment_method` to the desired payment method's ID.";
        return Err(Refusal::state(message));
    };
    let off_session = params.boolean("off_session")?.unwrap_or(true);
    let invoice = charge(ctx, invoice, &method, off_session)?;
    activate(ctx, &invoice);
    Ok(invoice)
}

/// A subscription that waited for its first invoice begins.
fn activate(ctx: &mut Ctx<'_>, invoice: &Value) {
    let id = invoice["parent"]["subscription_details"]["subscription"].as_str().unwrap_or_default();
    if let Some(subscription) = ctx.book.get_mut(Kind::Subscription, id).filter(|one| one["status"] == "incomplete") {
        subscription["status"] = json!("active");
        let subscription = subscription.clone();
        ctx.emit("customer.subscription.updated", &subscription);
    }
}

pub(super) fn send(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut invoice = ctx.named(Kind::Invoice, id, "invoice")?;
    if invoice["collection_method"] != "send_invoice" {
        let message = "You can only manually send an invoice if its collection method is 'send_invoice'.";
        return Err(Refusal::state(message));
    }
    match invoice["status"].as_str() {
        Some("draft") => invoice = open(ctx, invoice, None),
        Some("open") => {}
        other => {
            let message = format!("You can't send an invoice that is {}.", other.unwrap_or_default());
            return Err(Refusal::state(message));
        }
    }
    ctx.emit("invoice.sent", &invoice);
    ctx.keep(Kind::Invoice, invoice)
}

pub(super) fn void(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut invoice = ctx.named(Kind::Invoice, id, "invoice")?;
    match invoice["status"].as_str() {
        Some("open") => {}
        other => {
            let message = format!(
                "You can only pass in open invoices. This invoice isn't open: its status is {}.",
                other.unwrap_or_default()
            );
            return Err(Refusal::state(message));
        }
    }
    let intent = invoice["_payments"]["data"][0]["payment"]["payment_intent"].as_str().unwrap_or_default();
    if let Some(intent) = ctx.book.get_mut(Kind::PaymentIntent, intent) {
        intent["status"] = json!("canceled");
        intent["canceled_at"] = json!(ctx.now);
        intent["cancellation_reason"] = json!("void_invoice");
    }
    if let Some(payment) = invoice["_payments"]["data"].get_mut(0) {
        payment["status"] = json!("canceled");
        payment["status_transitions"]["canceled_at"] = json!(ctx.now);
    }
    invoice["status"] = json!("void");
    invoice["auto_advance"] = json!(false);
    invoice["status_transitions"]["voided_at"] = json!(ctx.now);
    ctx.emit("invoice.voided", &invoice);
    ctx.keep(Kind::Invoice, invoice)
}
