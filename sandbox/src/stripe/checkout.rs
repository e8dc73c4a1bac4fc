//! Checkout Sessions.

use serde_json::{Value, json};

use super::error::Refusal;
use super::form::Params;
use super::list::list;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome, whole_list};
use super::{catalog, currency, fields, lines};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/checkout/sessions", create).takes(&[
        "adaptive_pricing",
        "after_expiration",
        "allow_promotion_codes",
        "allowed_payment_method_types",
        "automatic_tax",
        "billing_address_collection",
        "cancel_url",
        "client_reference_id",
        "consent_collection",
        "currency",
        "custom_fields",
        "custom_text",
        "customer",
        "customer_account",
        "customer_creation",
        "customer_email",
        "customer_update",
        "excluded_payment_method_types",
        "expires_at",
        "invoice_creation",
        "line_items",
        "locale",
        "metadata",
        "mode",
        "origin_context",
        "payment_intent_data",
        "payment_method_collection",
        "payment_method_configuration",
        "payment_method_options",
        "phone_number_collection",
        "redirect_on_completion",
        "return_url",
        "setup_intent_data",
        "shipping_address_collection",
        "submit_type",
        "subscription_data",
        "success_url",
        "tax_id_collection",
        "ui_mode",
    ]),
    Endpoint::get("/v1/checkout/sessions", |ctx, _| {
        expire_old(ctx);
        list(ctx, Kind::Session, "/v1/checkout/sessions", &["customer", "payment_intent", "status", "subscription"])
    })
    .takes(&["customer", "payment_intent", "status", "subscription"]),
    Endpoint::get("/v1/checkout/sessions/{session}", |ctx, id| {
        expire_old(ctx);
        ctx.named(Kind::Session, id, "session")
    }),
    Endpoint::post("/v1/checkout/sessions/{session}/expire", expire),
];

/// What is null until something happens to the session.
const EMPTY: &[&str] = &[
    "consent",
    "customer_details",
    "invoice",
    "invoice_creation",
    "payment_intent",
    "payment_link",
    "recovered_from",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "subscription",
];

const DAY: i64 = 24 * 60 * 60;

fn create(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let params = ctx.params.clone();
    params.required("mode")?;
    let mode = params.one_of("mode", &["payment", "setup", "subscription"])?.unwrap_or("payment");
    let ui_mode =
        params.one_of("ui_mode", &["elements", "embedded_page", "form", "hosted_page"])?.unwrap_or("hosted_page");
    let success_url = fields::url(&params, "success_url")?;
    let cancel_url = fields::url(&params, "cancel_url")?;
    let return_url = fields::url(&params, "return_url")?;
    if ui_mode == "hosted_page" && success_url.is_none() {
        return Err(Refusal::missing("success_url"));
    }
    let items = items(ctx, &params, mode)?;
    let total: i64 = items.iter().filter_map(|item| item["amount_total"].as_i64()).fold(0, i64::saturating_add);
    let currency = match items.first() {
        Some(first) => first["currency"].as_str().unwrap_or_default().to_owned(),
        None => currency::read(&params, "currency")?.unwrap_or("usd").to_owned(),
    };
    if mode == "payment" {
        currency::chargeable(total, &currency, "line_items")?;
    }
    let expires_at = params.integer("expires_at")?.unwrap_or(ctx.now + DAY);
    if expires_at < ctx.now + DAY / 48 || expires_at > ctx.now + DAY {
        let message = "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session \
                       creation.";
        return Err(Refusal::about("expires_at", message));
    }
    fields::email(&params, "customer_email")?;
    let customer = ctx.reference(Kind::Customer, &params, "customer")?;
    if customer.is_some() && params.has("customer_email") {
        let message = "You may only specify one of these parameters: customer, customer_email.";
        return Err(Refusal::about("customer", message).unsaved());
    }
    let id = format!("cs_{}_a1{}", if ctx.livemode { "live" } else { "test" }, ctx.text_id() + &ctx.text_id());
    let hosted = ui_mode == "hosted_page";
    let url = format!("https://checkout.stripe.com/c/pay/{id}");
    let mut session = json!({
        "id": id,
        "object": "checkout.session",
        "allow_promotion_codes": params.boolean("allow_promotion_codes")?,
        "amount_subtotal": if mode == "setup" { None } else { Some(total) },
        "amount_total": if mode == "setup" { None } else { Some(total) },
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": params.one_of("billing_address_collection", &["auto", "required"])?,
        "cancel_url": cancel_url,
        "client_reference_id": null,
        "client_secret": if hosted { None } else { Some(format!("{id}_secret_{}", ctx.text_id())) },
        "created": ctx.now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null,
            "shipping_address": null,
            "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": customer,
        "customer_creation": if mode == "payment" && customer.is_none() { Some("if_required") } else { None },
        "customer_email": null,
        "expires_at": expires_at,
        "_line_items": whole_list(&format!("/v1/checkout/sessions/{id}/line_items"), items),
        "livemode": ctx.livemode,
        "locale": params.text("locale")?,
        "metadata": {},
        "mode": mode,
        "payment_method_collection": if mode == "payment" { "if_required" } else { "always" },
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": if mode == "setup" { "no_payment_required" } else { "unpaid" },
        "phone_number_collection": { "enabled": false },
        "return_url": return_url,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.one_of("submit_type", &["auto", "book", "donate", "pay", "subscribe"])?,
        "success_url": success_url,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": ui_mode,
        "url": hosted.then_some(url),
    });
    fields::nulls(&mut session, EMPTY);
    fields::texts(&mut session, &params, &[("client_reference_id", 200), ("customer_email", 800)])?;
    fields::metadata(&mut session, &params)?;
    // What becomes the payment intent's is checked now and kept until the customer pays.
    if let Some(data) = params.nested("payment_intent_data")? {
        let mut kept = json!({ "metadata": {} });
        fields::texts(
            &mut kept,
            &data,
            &[("description", 1000), ("receipt_email", 800), ("statement_descriptor", 22)],
        )?;
        fields::metadata(&mut kept, &data)?;
        session["_intent"] = kept;
    }
    ctx.keep(Kind::Session, session)
}

fn items(ctx: &mut Ctx<'_>, params: &Params<'_>, mode: &str) -> Result<Vec<Value>, Refusal> {
    let given = params.list("line_items")?;
    if given.is_empty() && mode != "setup" {
        return Err(Refusal::missing("line_items"));
    }
    if given.len() > 100 {
        return Err(Refusal::about("line_items", "At most 100 line items are allowed.").unsaved());
    }
    let mut items: Vec<Value> = Vec::with_capacity(given.len());
    for element in &given {
        element.only(&["adjustable_quantity", "metadata", "price", "price_data", "quantity", "tax_rates"])?;
        let price = catalog::price_of(ctx, element)?;
        if mode == "payment" && price["type"] == "recurring" {
            let message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode \
                           or use only one-time prices.";
            return Err(Refusal::about("mode", message));
        }
        let quantity =
            element.within("quantity", 1, 999_999)?.ok_or_else(|| Refusal::missing(&element.path("quantity")))?;
        if items.first().is_some_and(|first| first["currency"] != price["currency"]) {
            let message = "All line items must have the same currency.";
            return Err(Refusal::about(element.path("price"), message));
        }
        items.push(lines::item(ctx, &price, quantity));
    }
    if mode == "subscription" && !items.iter().any(|item| item["price"]["type"] == "recurring") {
        let message = "You must provide at least one recurring price in `subscription` mode when using prices.";
        return Err(Refusal::about("mode", message));
    }
    Ok(items)
}

/// Marks the open sessions whose time is over.
fn expire_old(ctx: &mut Ctx<'_>) {
    let over = |session: &&Value| session["status"] == "open" && session["expires_at"].as_i64().unwrap_or(0) <= ctx.now;
    let old: Vec<Value> = ctx.book.rows(Kind::Session).iter().filter(over).cloned().collect();
    for session in old {
        let session = close(session);
        ctx.emit("checkout.session.expired", &session);
        ctx.book.put(Kind::Session, session);
    }
}

fn close(mut session: Value) -> Value {
    session["status"] = json!("expired");
    session["url"] = Value::Null;
    session
}

/// A session that is open, or the refusal to do `what` to it.
pub(super) fn open_one(ctx: &mut Ctx<'_>, id: &str, what: &str) -> Outcome {
    expire_old(ctx);
    let session = ctx.named(Kind::Session, id, "session")?;
    if session["status"] == "open" {
        return Ok(session);
    }
    let message = format!(
        "Only Checkout Sessions with a status in [\"open\"] can be {what}. This Checkout Session has a status of {}",
        session["status"].as_str().unwrap_or_default()
    );
    Err(Refusal::state(message))
}

fn expire(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let session = close(open_one(ctx, id, "expired")?);
    ctx.emit("checkout.session.expired", &session);
    ctx.keep(Kind::Session, session)
}
