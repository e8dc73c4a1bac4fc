//! Payment intents, from `requires_payment_method` to `succeeded` or `canceled`.

use serde_json::{Value, json};

use super::attempts::{Asked, attempt};
use super::error::Refusal;
use super::form::Params;
use super::list::list;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome, shown, unexpected};
use super::{currency, fields, payment_methods};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/payment_intents", create).takes(CREATES),
    Endpoint::get("/v1/payment_intents", |ctx, _| list(ctx, Kind::PaymentIntent, "/v1/payment_intents", &["customer"]))
        .takes(&["customer"]),
    Endpoint::get("/v1/payment_intents/{intent}", |ctx, id| ctx.named(Kind::PaymentIntent, id, "intent"))
        .takes(&["client_secret"]),
    Endpoint::post("/v1/payment_intents/{intent}", update).takes(UPDATES),
    Endpoint::post("/v1/payment_intents/{intent}/confirm", confirm).takes(&[
        "allowed_payment_method_types",
        "amount_details",
        "amount_to_confirm",
        "capture_method",
        "confirmation_token",
        "error_on_requires_action",
        "excluded_payment_method_types",
        "mandate",
        "mandate_data",
        "off_session",
        "payment_details",
        "payment_method",
        "payment_method_data",
        "payment_method_options",
        "radar_options",
        "receipt_email",
        "return_url",
        "setup_future_usage",
        "shipping",
        "use_stripe_sdk",
    ]),
    Endpoint::post("/v1/payment_intents/{intent}/capture", capture).takes(&[
        "amount_details",
        "amount_to_capture",
        "application_fee_amount",
        "final_capture",
        "metadata",
        "payment_details",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
    ]),
    Endpoint::post("/v1/payment_intents/{intent}/cancel", cancel).takes(&["cancellation_reason"]),
];

const CREATES: &[&str] = &[
    "allowed_payment_method_types",
    "amount",
    "amount_details",
    "application_fee_amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "confirmation_method",
    "confirmation_token",
    "currency",
    "customer",
    "customer_account",
    "description",
    "error_on_requires_action",
    "excluded_payment_method_types",
    "mandate",
    "mandate_data",
    "metadata",
    "off_session",
    "on_behalf_of",
    "payment_details",
    "payment_method",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "radar_options",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
    "use_stripe_sdk",
];

const UPDATES: &[&str] = &[
    "allowed_payment_method_types",
    "amount",
    "amount_details",
    "application_fee_amount",
    "capture_method",
    "currency",
    "customer",
    "customer_account",
    "description",
    "excluded_payment_method_types",
    "metadata",
    "payment_details",
    "payment_method",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

const TEXTS: &[(&str, usize)] = &[
    ("description", 1000),
    ("receipt_email", 800),
    ("statement_descriptor", 22),
    ("statement_descriptor_suffix", 22),
    ("transfer_group", 5000),
];

/// What is null in a new intent unless it is set.
const EMPTY: &[&str] = &[
    "application",
    "application_fee_amount",
    "canceled_at",
    "cancellation_reason",
    "customer",
    "description",
    "last_payment_error",
    "latest_charge",
    "next_action",
    "on_behalf_of",
    "payment_method",
    "payment_method_configuration_details",
    "processing",
    "receipt_email",
    "review",
    "setup_future_usage",
    "shipping",
    "source",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
];

fn amount(params: &Params<'_>) -> Result<Option<i64>, Refusal> {
    params.within("amount", 1, i64::MAX)
}

fn create(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let params = ctx.params.clone();
    params.required("amount")?;
    let amount = amount(&params)?.unwrap_or_default();
    let currency = currency::required(&params, "currency")?;
    currency::chargeable(amount, currency, "amount")?;
    let mut intent = new(ctx, amount, currency);
    if let Some(method) = params.one_of("capture_method", &["automatic", "automatic_async", "manual"])? {
        intent["capture_method"] = json!(method);
    }
    if let Some(method) = params.one_of("confirmation_method", &["automatic", "manual"])? {
        intent["confirmation_method"] = json!(method);
    }
    if let Some(automatic) = params.nested("automatic_payment_methods")? {
        automatic.only(&["allow_redirects", "enabled"])?;
        automatic.required("enabled")?;
        let redirects = automatic.one_of("allow_redirects", &["always", "never"])?.unwrap_or("always");
        intent["automatic_payment_methods"] = match automatic.boolean("enabled")? {
            Some(true) => json!({ "allow_redirects": redirects, "enabled": true }),
            _ => Value::Null,
        };
    }
    write(ctx, &mut intent)?;
    let confirm = params.boolean("confirm")?.unwrap_or(false);
    if !confirm && params.has("off_session") {
        let message = "off_session can only be used with confirm=true.";
        return Err(Refusal::about("off_session", message).unsaved());
    }
    ctx.emit("payment_intent.created", &intent);
    ctx.book.put(Kind::PaymentIntent, intent.clone());
    if confirm { attempt(ctx, intent, Asked::by(&params)?) } else { Ok(intent) }
}

/// An intent without a payment method.
pub(super) fn new(ctx: &mut Ctx<'_>, amount: i64, currency: &str) -> Value {
    let id = ctx.id(Kind::PaymentIntent);
    let secret = ctx.text_id();
    let mut intent = json!({
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "automatic_payment_methods": { "allow_redirects": "always", "enabled": true },
        "capture_method": "automatic_async",
        "client_secret": format!("{id}_secret_{secret}"),
        "confirmation_method": "automatic",
        "created": ctx.now,
        "currency": currency,
        "livemode": ctx.livemode,
        "metadata": {},
        "payment_method_options": {
            "card": { "mandate_options": null, "network": null, "request_three_d_secure": "automatic" },
        },
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    });
    fields::nulls(&mut intent, EMPTY);
    intent
}

fn update(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut intent = ctx.named(Kind::PaymentIntent, id, "intent")?;
    let params = ctx.params.clone();
    let fixed = ["amount", "currency", "customer", "payment_method", "setup_future_usage"];
    if matches!(status(&intent), "succeeded" | "canceled" | "requires_capture")
        && let Some(name) = fixed.iter().find(|name| params.has(name))
    {
        let message = format!(
            "This PaymentIntent's {name} could not be updated because it has a status of {}. You may only update the \
             {name} of a PaymentIntent with one of the following statuses: requires_payment_method, \
             requires_confirmation, requires_action.",
            status(&intent)
        );
        return Err(unexpected("payment_intent_unexpected_state", message).with("payment_intent", shown(&intent)));
    }
    if let Some(currency) = currency::read(&params, "currency")? {
        intent["currency"] = json!(currency);
    }
    if let Some(amount) = amount(&params)? {
        intent["amount"] = json!(amount);
    }
    currency::chargeable(intent["amount"].as_i64().unwrap_or(0), intent["currency"].as_str().unwrap_or(""), "amount")?;
    write(ctx, &mut intent)?;
    ctx.keep(Kind::PaymentIntent, intent)
}

/// What creation, update and confirmation may all set.
fn write(ctx: &mut Ctx<'_>, intent: &mut Value) -> Result<(), Refusal> {
    let params = ctx.params.clone();
    fields::email(&params, "receipt_email")?;
    fields::texts(intent, &params, TEXTS)?;
    fields::metadata(intent, &params)?;
    fields::url(&params, "return_url")?;
    if let Some(shipping) = fields::shipping(&params, "shipping")? {
        intent["shipping"] = shipping;
    }
    if let Some(usage) = params.one_of("setup_future_usage", &["off_session", "on_session"])? {
        intent["setup_future_usage"] = json!(usage);
    }
    if let Some(customer) = ctx.reference(Kind::Customer, &params, "customer")? {
        intent["customer"] = json!(customer);
    }
    if let Some(method) = params.text("payment_method")? {
        let method = payment_methods::take(ctx, method, "payment_method", None)?;
        if !method["customer"].is_null() && method["customer"] != intent["customer"] {
            let message = format!(
                "The provided PaymentMethod belongs to customer {}; pass that customer with it.",
                method["customer"].as_str().unwrap_or_default()
            );
            return Err(Refusal::about("payment_method", message));
        }
        intent["payment_method"] = method["id"].clone();
        if status(intent) == "requires_payment_method" {
            intent["status"] = json!("requires_confirmation");
        }
    }
    Ok(())
}

fn confirm(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut intent = ctx.named(Kind::PaymentIntent, id, "intent")?;
    let params = ctx.params.clone();
    let state = status(&intent);
    if matches!(state, "succeeded" | "canceled" | "requires_capture") {
        let why = match state {
            "succeeded" => "it has already succeeded after being previously confirmed".to_owned(),
            state => format!("it has a status of {state}"),
        };
        let message = format!("You cannot confirm this PaymentIntent because {why}.");
        return Err(unexpected("payment_intent_unexpected_state", message).with("payment_intent", shown(&intent)));
    }
    if let Some(method) = params.one_of("capture_method", &["automatic", "automatic_async", "manual"])? {
        intent["capture_method"] = json!(method);
    }
    write(ctx, &mut intent)?;
    if intent["payment_method"].is_null() {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update \
                       the PaymentIntent with a payment method and then confirm it again, or confirm it again directly \
                       with a payment method.";
        let refusal = unexpected("payment_intent_unexpected_state", message.to_owned());
        return Err(refusal.with("payment_intent", shown(&intent)));
    }
    attempt(ctx, intent, Asked::by(&params)?)
}

fn capture(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut intent = ctx.named(Kind::PaymentIntent, id, "intent")?;
    let params = ctx.params.clone();
    if status(&intent) != "requires_capture" {
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a PaymentIntent with one of the \
             following statuses may be captured: requires_capture.",
            status(&intent)
        );
        return Err(unexpected("payment_intent_unexpected_state", message).with("payment_intent", shown(&intent)));
    }
    let capturable = intent["amount_capturable"].as_i64().unwrap_or(0);
    let taken = params.within("amount_to_capture", 1, i64::MAX)?.unwrap_or(capturable);
    if taken > capturable {
        let currency = intent["currency"].as_str().unwrap_or_default();
        let message = format!(
            "The amount to capture ({}) is greater than the amount that can be captured ({}).",
            currency::shown(taken, currency),
            currency::shown(capturable, currency)
        );
        return Err(Refusal::about("amount_to_capture", message).code("amount_too_large"));
    }
    fields::texts(&mut intent, &params, TEXTS)?;
    fields::metadata(&mut intent, &params)?;
    let charge = intent["latest_charge"].as_str().unwrap_or_default().to_owned();
    if let Some(charge) = ctx.book.get_mut(Kind::Charge, &charge) {
        charge["captured"] = json!(true);
        charge["amount_captured"] = json!(taken);
        charge["amount_refunded"] = json!(capturable - taken);
    }
    intent["status"] = json!("succeeded");
    intent["amount_capturable"] = json!(0);
    intent["amount_received"] = json!(taken);
    ctx.emit("payment_intent.succeeded", &intent);
    ctx.keep(Kind::PaymentIntent, intent)
}

fn cancel(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut intent = ctx.named(Kind::PaymentIntent, id, "intent")?;
    let reasons = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];
    let reason = ctx.params.one_of("cancellation_reason", &reasons)?;
    if matches!(status(&intent), "succeeded" | "canceled") {
        let message = format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a PaymentIntent with one of the \
             following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, \
             requires_action, processing.",
            status(&intent)
        );
        return Err(unexpected("payment_intent_unexpected_state", message).with("payment_intent", shown(&intent)));
    }
    let charge = intent["latest_charge"].as_str().unwrap_or_default().to_owned();
    if let Some(charge) = ctx.book.get_mut(Kind::Charge, &charge).filter(|charge| charge["paid"] == true) {
        charge["refunded"] = json!(true);
        charge["amount_refunded"] = charge["amount"].clone();
    }
    intent["status"] = json!("canceled");
    intent["canceled_at"] = json!(ctx.now);
    intent["cancellation_reason"] = json!(reason);
    intent["amount_capturable"] = json!(0);
    intent["next_action"] = Value::Null;
    ctx.emit("payment_intent.canceled", &intent);
    ctx.keep(Kind::PaymentIntent, intent)
}

fn status(intent: &Value) -> &str {
    intent["status"].as_str().unwrap_or_default()
}
