//! Subscriptions: begun, changed, canceled. They do not renew by themselves.

use serde_json::{Value, json};

use super::error::Refusal;
use super::form::Params;
use super::list::list_where;
use super::payment_methods;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome, whole_list};
use super::subscription_items::{agree, change, new_item};
use super::{fields, invoice_life, invoices, lines};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/subscriptions", create).takes(&[
        "add_invoice_items",
        "application_fee_percent",
        "automatic_tax",
        "backdate_start_date",
        "billing_cycle_anchor",
        "billing_mode",
        "cancel_at",
        "cancel_at_period_end",
        "collection_method",
        "currency",
        "customer",
        "customer_account",
        "days_until_due",
        "default_payment_method",
        "default_tax_rates",
        "description",
        "invoice_settings",
        "items",
        "metadata",
        "off_session",
        "on_behalf_of",
        "payment_behavior",
        "payment_settings",
        "proration_behavior",
        "trial_end",
        "trial_from_plan",
        "trial_period_days",
        "trial_settings",
    ]),
    Endpoint::get("/v1/subscriptions", all).takes(&["collection_method", "customer", "price", "status"]),
    Endpoint::get("/v1/subscriptions/{id}", |ctx, id| ctx.named(Kind::Subscription, id, "id")),
    Endpoint::post("/v1/subscriptions/{id}", update).takes(&[
        "add_invoice_items",
        "application_fee_percent",
        "automatic_tax",
        "billing_cycle_anchor",
        "cancel_at",
        "cancel_at_period_end",
        "cancellation_details",
        "collection_method",
        "days_until_due",
        "default_payment_method",
        "default_tax_rates",
        "description",
        "invoice_settings",
        "items",
        "metadata",
        "off_session",
        "on_behalf_of",
        "pause_collection",
        "payment_behavior",
        "payment_settings",
        "proration_behavior",
        "proration_date",
        "trial_end",
        "trial_from_plan",
        "trial_settings",
    ]),
    Endpoint::delete("/v1/subscriptions/{id}", cancel).takes(&["cancellation_details", "invoice_now", "prorate"]),
];

const DAY: i64 = 24 * 60 * 60;
const BEHAVIORS: &[&str] = &["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"];

/// What is null in a new subscription unless it is set.
const EMPTY: &[&str] = &[
    "application",
    "application_fee_percent",
    "billing_cycle_anchor_config",
    "billing_thresholds",
    "cancel_at",
    "canceled_at",
    "default_source",
    "description",
    "ended_at",
    "latest_invoice",
    "next_pending_invoice_item_invoice",
    "on_behalf_of",
    "pause_collection",
    "pending_invoice_item_interval",
    "pending_setup_intent",
    "pending_update",
    "schedule",
    "test_clock",
    "transfer_data",
];

fn all(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let status = ctx.params.text("status")?;
    let price = ctx.params.text("price")?;
    list_where(ctx, Kind::Subscription, "/v1/subscriptions", &["collection_method", "customer"], |one| {
        let items = one["items"]["data"].as_array().map_or(&[][..], Vec::as_slice);
        let stands = match status {
            Some("all") => true,
            Some(wanted) => one["status"] == wanted,
            None => one["status"] != "canceled",
        };
        stands && price.is_none_or(|price| items.iter().any(|item| item["price"]["id"] == price))
    })
}

pub(super) fn create(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let params = ctx.params.clone();
    let customer = params.required("customer")?;
    let customer = ctx.referred(Kind::Customer, customer, "customer")?;
    let customer_id = customer["id"].as_str().unwrap_or_default().to_owned();
    let given = params.list("items")?;
    if given.is_empty() {
        return Err(Refusal::missing("items"));
    }
    let behavior = params.one_of("payment_behavior", BEHAVIORS)?.unwrap_or("allow_incomplete");
    let collection = params.one_of("collection_method", &["charge_automatically", "send_invoice"])?;
    let sent = collection == Some("send_invoice");
    let days = days_until_due(&params, sent)?;
    let trial_end = match (params.text("trial_end")?, params.within("trial_period_days", 1, 730)?) {
        (Some("now"), _) | (None, None) => None,
        (Some(_), _) => params.within("trial_end", ctx.now, ctx.now + 1826 * DAY)?,
        (None, Some(days)) => Some(ctx.now + days * DAY),
    };
    let method = match ctx.reference(Kind::PaymentMethod, &params, "default_payment_method")? {
        Some(method) => Some(method),
        None => payment_methods::default_of(ctx, &customer_id),
    };
    let id = ctx.id(Kind::Subscription);
    let mut items = Vec::with_capacity(given.len());
    for element in &given {
        items.push(new_item(ctx, element, &id, trial_end)?);
    }
    agree(&items)?;
    if method.is_none() && !sent && trial_end.is_none() && behavior != "default_incomplete" {
        let message = "This customer has no attached payment source or default payment method. Please consider adding a \
                       default payment method. For more information, visit \
                       https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.";
        return Err(Refusal::state(message).code("resource_missing"));
    }
    let mut subscription = json!({
        "id": id,
        "object": "subscription",
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": trial_end.unwrap_or(ctx.now),
        "billing_mode": { "flexible": { "proration_discounts": "included" }, "type": "flexible" },
        "billing_schedules": [],
        "cancel_at_period_end": false,
        "cancellation_details": { "comment": null, "feedback": null, "reason": null },
        "collection_method": collection.unwrap_or("charge_automatically"),
        "created": ctx.now,
        "currency": items[0]["price"]["currency"],
        "customer": customer_id,
        "days_until_due": days,
        "default_payment_method": params.text("default_payment_method")?,
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {
            "account_tax_ids": null,
            "custom_fields": null,
            "description": null,
            "footer": null,
            "issuer": { "type": "self" },
        },
        "items": whole_list(&format!("/v1/subscription_items?subscription={id}"), items),
        "livemode": ctx.livemode,
        "metadata": {},
        "payment_settings": {
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method": "off",
        },
        "start_date": ctx.now,
        "status": if trial_end.is_some() { "trialing" } else { "active" },
        "trial_end": trial_end,
        "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } },
        "trial_start": trial_end.map(|_| ctx.now),
    });
    fields::nulls(&mut subscription, EMPTY);
    write(ctx, &params, &mut subscription)?;
    first_invoice(ctx, &customer, &mut subscription, method, behavior)?;
    ctx.emit("customer.subscription.created", &subscription);
    ctx.keep(Kind::Subscription, subscription)
}

/// The invoice that begins a subscription, and what its payment makes of the subscription.
fn first_invoice(
    ctx: &mut Ctx<'_>,
    customer: &Value,
    subscription: &mut Value,
    method: Option<String>,
    behavior: &str,
) -> Result<(), Refusal> {
    let currency = subscription["currency"].as_str().unwrap_or_default().to_owned();
    let mut invoice = invoices::new(ctx, customer, &currency);
    let id = invoice["id"].as_str().unwrap_or_default().to_owned();
    invoice["billing_reason"] = json!("subscription_create");
    invoice["collection_method"] = subscription["collection_method"].clone();
    invoice["parent"] = json!({
        "quote_details": null,
        "subscription_details": { "metadata": subscription["metadata"], "subscription": subscription["id"] },
        "type": "subscription_details",
    });
    let free = subscription["status"] == "trialing";
    for item in subscription["items"]["data"].as_array().cloned().unwrap_or_default() {
        let line = lines::of_subscription_item(ctx, &id, &item, free);
        invoices::add_line(&mut invoice, line);
    }
    subscription["latest_invoice"] = json!(id);
    if subscription["collection_method"] == "send_invoice" {
        let days = subscription["days_until_due"].as_i64().unwrap_or(0);
        invoice["due_date"] = json!(ctx.now + days * DAY);
        ctx.book.put(Kind::Invoice, invoice);
        return Ok(());
    }
    let invoice = invoice_life::open(ctx, invoice, None);
    ctx.book.put(Kind::Invoice, invoice.clone());
    if invoice["status"] == "paid" {
        return Ok(());
    }
    match method.filter(|_| behavior != "default_incomplete") {
        None => subscription["status"] = json!("incomplete"),
        Some(method) => match invoice_life::charge(ctx, invoice, &method, false) {
            Ok(_) => {}
            Err(refusal) if behavior == "error_if_incomplete" => return Err(refusal),
            Err(_) => subscription["status"] = json!("incomplete"),
        },
    }
    Ok(())
}

/// When billing by invoice, how many days there are to pay; refused otherwise.
fn days_until_due(params: &Params<'_>, sent: bool) -> Result<Option<i64>, Refusal> {
    match params.within("days_until_due", 0, 3650)? {
        None if sent => {
            let message = "If subscriptions are billed by sending invoices, `days_until_due` must be given.";
            Err(Refusal::about("days_until_due", message).code("parameter_missing").unsaved())
        }
        Some(_) if !sent => {
            let message = "You can only specify `days_until_due` if subscription collection method is 'send_invoice'.";
            Err(Refusal::about("days_until_due", message).unsaved())
        }
        days => Ok(days),
    }
}

/// What creation and update may both set.
fn write(ctx: &mut Ctx<'_>, params: &Params<'_>, subscription: &mut Value) -> Result<(), Refusal> {
    fields::texts(subscription, params, &[("description", 500)])?;
    fields::metadata(subscription, params)?;
    if let Some(method) = ctx.reference(Kind::PaymentMethod, params, "default_payment_method")? {
        subscription["default_payment_method"] = json!(method);
    }
    if let Some(at_end) = params.boolean("cancel_at_period_end")? {
        let end = subscription["items"]["data"][0]["current_period_end"].clone();
        subscription["cancel_at_period_end"] = json!(at_end);
        subscription["cancel_at"] = if at_end { end } else { Value::Null };
        subscription["canceled_at"] = if at_end { json!(ctx.now) } else { Value::Null };
        subscription["cancellation_details"]["reason"] =
            if at_end { json!("cancellation_requested") } else { Value::Null };
    }
    if params.raw("cancel_at")? == Some("") {
        subscription["cancel_at"] = Value::Null;
    } else if let Some(at) = params.integer("cancel_at")? {
        subscription["cancel_at"] = json!(at);
    }
    params.one_of("proration_behavior", &["always_invoice", "create_prorations", "none"])?;
    Ok(())
}

fn update(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut subscription = ctx.named(Kind::Subscription, id, "id")?;
    let params = ctx.params.clone();
    if subscription["status"] == "canceled"
        && let Some(name) = params.names().find(|name| !matches!(*name, "metadata" | "cancellation_details" | "expand"))
    {
        let message = "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(Refusal::about(name, message));
    }
    params.one_of("payment_behavior", BEHAVIORS)?;
    if let Some(method) = params.one_of("collection_method", &["charge_automatically", "send_invoice"])? {
        subscription["collection_method"] = json!(method);
        subscription["days_until_due"] = Value::Null;
    }
    let sent = subscription["collection_method"] == "send_invoice";
    if params.has("days_until_due") || (sent && subscription["days_until_due"].is_null()) {
        subscription["days_until_due"] = json!(days_until_due(&params, sent)?);
    }
    let mut items = subscription["items"]["data"].as_array().cloned().unwrap_or_default();
    for element in params.list("items")? {
        match element.text("id")? {
            None => items.push(new_item(ctx, &element, id, None)?),
            Some(item) => change(ctx, &mut items, item, &element)?,
        }
    }
    if items.is_empty() {
        return Err(Refusal::about("items", "A subscription must have at least one active price."));
    }
    agree(&items)?;
    subscription["items"]["data"] = json!(items);
    write(ctx, &params, &mut subscription)?;
    details(&params, &mut subscription)?;
    ctx.emit("customer.subscription.updated", &subscription);
    ctx.keep(Kind::Subscription, subscription)
}

fn cancel(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut subscription = ctx.named(Kind::Subscription, id, "id")?;
    if subscription["status"] == "canceled" {
        return Err(Refusal::not_found("subscription", id, "id"));
    }
    let params = ctx.params.clone();
    params.boolean("invoice_now")?;
    params.boolean("prorate")?;
    details(&params, &mut subscription)?;
    subscription["status"] = json!("canceled");
    subscription["canceled_at"] = json!(ctx.now);
    subscription["ended_at"] = json!(ctx.now);
    subscription["cancel_at_period_end"] = json!(false);
    subscription["cancellation_details"]["reason"] = json!("cancellation_requested");
    ctx.emit("customer.subscription.deleted", &subscription);
    ctx.keep(Kind::Subscription, subscription)
}

fn details(params: &Params<'_>, subscription: &mut Value) -> Result<(), Refusal> {
    let Some(given) = params.nested("cancellation_details")? else { return Ok(()) };
    given.only(&["comment", "feedback"])?;
    let feedbacks = [
        "customer_service",
        "low_quality",
        "missing_features",
        "other",
        "switched_service",
        "too_complex",
        "too_expensive",
        "unused",
    ];
    if let Some(feedback) = given.one_of("feedback", &feedbacks)? {
        subscription["cancellation_details"]["feedback"] = json!(feedback);
    }
    fields::texts(&mut subscription["cancellation_details"], &given, &[("comment", 5000)])
}
