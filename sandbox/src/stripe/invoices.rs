//! Invoices while they are drafts. What becomes of them is in `invoice_life`.

use serde_json::{Value, json};

use super::error::Refusal;
use super::form::Params;
use super::list::list_where;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome, whole_list};
use super::{currency, fields, invoice_life, lines};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/invoices", create).takes(WRITES),
    Endpoint::get("/v1/invoices", all).takes(&["collection_method", "customer", "status", "subscription"]),
    Endpoint::get("/v1/invoices/{invoice}", |ctx, id| ctx.named(Kind::Invoice, id, "invoice")),
    Endpoint::post("/v1/invoices/{invoice}", update).takes(WRITES),
    Endpoint::post("/v1/invoices/{invoice}/finalize", invoice_life::finalize).takes(&["auto_advance"]),
    Endpoint::post("/v1/invoices/{invoice}/send", invoice_life::send),
    Endpoint::post("/v1/invoices/{invoice}/pay", invoice_life::pay).takes(&[
        "forgive",
        "mandate",
        "off_session",
        "paid_out_of_band",
        "payment_method",
    ]),
    Endpoint::post("/v1/invoices/{invoice}/void", invoice_life::void),
];

const WRITES: &[&str] = &[
    "account_tax_ids",
    "application_fee_amount",
    "auto_advance",
    "automatic_tax",
    "automatically_finalizes_at",
    "collection_method",
    "currency",
    "custom_fields",
    "customer",
    "customer_account",
    "days_until_due",
    "default_payment_method",
    "default_tax_rates",
    "description",
    "due_date",
    "effective_at",
    "footer",
    "issuer",
    "metadata",
    "number",
    "on_behalf_of",
    "payment_settings",
    "pending_invoice_items_behavior",
    "rendering",
    "shipping_details",
    "statement_descriptor",
    "subscription",
    "transfer_data",
];

/// What only creation takes.
const AT_CREATION: &[&str] =
    &["currency", "customer", "customer_account", "pending_invoice_items_behavior", "subscription"];

const TEXTS: &[(&str, usize)] =
    &[("description", 1500), ("footer", 5000), ("number", 26), ("statement_descriptor", 22)];

/// What is null in a draft.
const EMPTY: &[&str] = &[
    "account_tax_ids",
    "application",
    "automatically_finalizes_at",
    "custom_fields",
    "default_payment_method",
    "default_source",
    "description",
    "due_date",
    "effective_at",
    "ending_balance",
    "footer",
    "from_invoice",
    "hosted_invoice_url",
    "invoice_pdf",
    "last_finalization_error",
    "latest_revision",
    "next_payment_attempt",
    "number",
    "on_behalf_of",
    "parent",
    "receipt_number",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "test_clock",
    "webhooks_delivered_at",
];

/// What is zero in a draft without lines.
const NOTHING: &[&str] = &[
    "amount_due",
    "amount_overpaid",
    "amount_paid",
    "amount_remaining",
    "amount_shipping",
    "attempt_count",
    "post_payment_credit_notes_amount",
    "pre_payment_credit_notes_amount",
    "starting_balance",
    "subtotal",
    "subtotal_excluding_tax",
    "total",
    "total_excluding_tax",
];

/// What is an empty list.
const NONE: &[&str] = &[
    "customer_tax_ids",
    "default_tax_rates",
    "discounts",
    "total_discount_amounts",
    "total_pretax_credit_amounts",
    "total_taxes",
];

fn all(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let subscription = ctx.params.text("subscription")?;
    list_where(ctx, Kind::Invoice, "/v1/invoices", &["collection_method", "customer", "status"], |invoice| {
        subscription.is_none_or(|id| invoice["parent"]["subscription_details"]["subscription"] == id)
    })
}

fn create(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let params = ctx.params.clone();
    let id = params.required("customer")?;
    let customer = ctx.referred(Kind::Customer, id, "customer")?;
    let named = currency::read(&params, "currency")?;
    let include = params.one_of("pending_invoice_items_behavior", &["exclude", "include"])? == Some("include");
    let pending: Vec<Value> = if include {
        let waits = |item: &&Value| item["customer"] == id && item["invoice"].is_null();
        ctx.book.rows(Kind::InvoiceItem).iter().filter(waits).cloned().collect()
    } else {
        Vec::new()
    };
    let first = pending.first().and_then(|item| item["currency"].as_str().map(str::to_owned));
    let currency = named.map(str::to_owned).or(first);
    let currency = currency.or_else(|| customer["currency"].as_str().map(str::to_owned)).unwrap_or("usd".to_owned());
    let mut invoice = new(ctx, &customer, &currency);
    write(ctx, &params, &mut invoice)?;
    for mut item in pending.into_iter().filter(|item| item["currency"] == *currency) {
        put_on(ctx, &mut invoice, &mut item)?;
        ctx.book.put(Kind::InvoiceItem, item);
    }
    ctx.emit("invoice.created", &invoice);
    ctx.keep(Kind::Invoice, invoice)
}

/// A draft without lines.
pub(super) fn new(ctx: &mut Ctx<'_>, customer: &Value, currency: &str) -> Value {
    let id = ctx.id(Kind::Invoice);
    let mut invoice = json!({
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Sandbox School",
        "attempted": false,
        "auto_advance": false,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": ctx.now,
        "currency": currency,
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "issuer": { "type": "self" },
        "lines": whole_list(&format!("/v1/invoices/{id}/lines"), Vec::new()),
        "livemode": ctx.livemode,
        "metadata": {},
        "payment_settings": { "default_mandate": null, "payment_method_options": null, "payment_method_types": null },
        "_payments": whole_list("/v1/invoice_payments", Vec::new()),
        "period_end": ctx.now,
        "period_start": ctx.now,
        "status": "draft",
        "status_transitions": {
            "finalized_at": null,
            "marked_uncollectible_at": null,
            "paid_at": null,
            "voided_at": null,
        },
    });
    fields::nulls(&mut invoice, EMPTY);
    for name in NOTHING {
        invoice[*name] = json!(0);
    }
    for name in NONE {
        invoice[*name] = json!([]);
    }
    invoice
}

fn update(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut invoice = ctx.named(Kind::Invoice, id, "invoice")?;
    let params = ctx.params.clone();
    params.only(
        &WRITES.iter().copied().filter(|name| !AT_CREATION.contains(name)).chain(["expand"]).collect::<Vec<_>>(),
    )?;
    if invoice["status"] != "draft"
        && let Some(name) = params.names().find(|name| !matches!(*name, "metadata" | "auto_advance" | "expand"))
    {
        let message = "Finalized invoices can't be updated in this way";
        return Err(Refusal::about(name, message).code("invoice_not_editable"));
    }
    write(ctx, &params, &mut invoice)?;
    ctx.emit("invoice.updated", &invoice);
    ctx.keep(Kind::Invoice, invoice)
}

fn write(ctx: &mut Ctx<'_>, params: &Params<'_>, invoice: &mut Value) -> Result<(), Refusal> {
    fields::texts(invoice, params, TEXTS)?;
    fields::metadata(invoice, params)?;
    if let Some(advance) = params.boolean("auto_advance")? {
        invoice["auto_advance"] = json!(advance);
    }
    if let Some(method) = params.one_of("collection_method", &["charge_automatically", "send_invoice"])? {
        invoice["collection_method"] = json!(method);
    }
    if let Some(shipping) = fields::shipping(params, "shipping_details")? {
        invoice["shipping_details"] = shipping;
    }
    if let Some(method) = ctx.reference(Kind::PaymentMethod, params, "default_payment_method")? {
        invoice["default_payment_method"] = json!(method);
    }
    if let Some(number) = params.integer("effective_at")? {
        invoice["effective_at"] = json!(number);
    }
    let custom = params.list("custom_fields")?;
    if !custom.is_empty() {
        let read = |field: &Params<'_>| -> Outcome {
            Ok(json!({ "name": field.required("name")?, "value": field.required("value")? }))
        };
        invoice["custom_fields"] = json!(custom.iter().map(read).collect::<Result<Vec<_>, _>>()?);
    }
    let days = params.within("days_until_due", 0, 3650)?;
    let date = params.integer("due_date")?;
    let sent = invoice["collection_method"] == "send_invoice";
    match (days, date) {
        (None, None) if sent && invoice["due_date"].is_null() => {
            let message = "If invoices are sent to customers, `days_until_due` or `due_date` must be given.";
            Err(Refusal::about("days_until_due", message).code("parameter_missing").unsaved())
        }
        (None, None) => Ok(()),
        (_, _) if !sent => {
            let name = if days.is_some() { "days_until_due" } else { "due_date" };
            let message = format!("You can only specify `{name}` if invoice collection method is 'send_invoice'.");
            Err(Refusal::about(name, message).unsaved())
        }
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: days_until_due, due_date.";
            Err(Refusal::about("days_until_due", message).unsaved())
        }
        (Some(days), None) => {
            invoice["due_date"] = json!(ctx.now + days * 24 * 60 * 60);
            Ok(())
        }
        (None, Some(date)) => {
            invoice["due_date"] = json!(date);
            Ok(())
        }
    }
}

/// Puts an item on a draft.
pub(super) fn put_on(ctx: &mut Ctx<'_>, invoice: &mut Value, item: &mut Value) -> Result<(), Refusal> {
    let id = invoice["id"].as_str().unwrap_or_default().to_owned();
    if invoice["status"] != "draft" {
        let message = format!("The invoice {id} is finalized: items can be added to drafts only.");
        return Err(Refusal::about("invoice", message).code("invoice_not_editable"));
    }
    if invoice["customer"] != item["customer"] {
        return Err(Refusal::about("invoice", format!("The invoice {id} belongs to another customer.")));
    }
    if invoice["currency"] != item["currency"] {
        let message = format!(
            "The currency of the invoice item ({}) must match that of the invoice ({}).",
            item["currency"].as_str().unwrap_or_default(),
            invoice["currency"].as_str().unwrap_or_default()
        );
        return Err(Refusal::about("currency", message));
    }
    let line = lines::of_invoice_item(ctx, &id, item);
    item["invoice"] = json!(id);
    add_line(invoice, line);
    Ok(())
}

/// Puts a line on, and sums up.
pub(super) fn add_line(invoice: &mut Value, line: Value) {
    if let Some(lines) = invoice["lines"]["data"].as_array_mut() {
        lines.push(line);
    }
    let lines = invoice["lines"]["data"].as_array().map_or(&[][..], Vec::as_slice);
    let total: i64 = lines.iter().filter_map(|line| line["amount"].as_i64()).fold(0, i64::saturating_add);
    for field in ["subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"] {
        invoice[field] = json!(total);
    }
    // Less than nothing is credited to the customer's balance, not owed.
    for field in ["amount_due", "amount_remaining"] {
        invoice[field] = json!(total.max(0));
    }
}
