//! Payment methods: made from the vendor's test values, attached to customers.

use serde_json::{Value, json};

use super::cards::{self, Issuer};
use super::error::Refusal;
use super::fields;
use super::list::list;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("/v1/payment_methods", |ctx, _| {
        list(ctx, Kind::PaymentMethod, "/v1/payment_methods", &["customer", "type"])
    })
    .takes(&["customer", "type"]),
    Endpoint::get("/v1/payment_methods/{payment_method}", |ctx, id| {
        ctx.named(Kind::PaymentMethod, id, "payment_method")
    }),
    Endpoint::post("/v1/payment_methods/{payment_method}/attach", attach).takes(&["customer"]),
];

/// The method that a parameter names. A test value becomes a method of its own, as with the vendor.
pub(super) fn take(ctx: &mut Ctx<'_>, id: &str, param: &str, customer: Option<&str>) -> Outcome {
    let mut method = match cards::card(id) {
        Some(_) if ctx.livemode => {
            let message = format!(
                "No such PaymentMethod: '{id}'; a similar object exists in test mode, but a live mode key was used to \
                 make this request."
            );
            return Err(Refusal::about(param, message).code("resource_missing"));
        }
        Some(card) => {
            let id = ctx.id(Kind::PaymentMethod);
            json!({
                "id": id,
                "object": "payment_method",
                "_token": card.token,
                "allow_redisplay": "unspecified",
                "billing_details": fields::no_billing_details(),
                "card": {
                    "brand": card.brand,
                    "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
                    "country": "US",
                    "display_brand": card.brand,
                    "exp_month": 12,
                    "exp_year": 2034,
                    "fingerprint": format!("Sandbox{}Card", card.last4),
                    "funding": "credit",
                    "generated_from": null,
                    "last4": card.last4,
                    "networks": { "available": [card.brand], "preferred": null },
                    "three_d_secure_usage": { "supported": true },
                    "wallet": null,
                },
                "created": ctx.now,
                "customer": null,
                "livemode": ctx.livemode,
                "metadata": {},
                "type": "card",
            })
        }
        None => ctx.referred(Kind::PaymentMethod, id, param)?,
    };
    if let Some(customer) = customer {
        if method["customer"].as_str().is_some_and(|owner| owner != customer) {
            let message = "The payment method you provided has already been attached to a customer.";
            return Err(Refusal::about(param, message).code("resource_already_exists"));
        }
        method["customer"] = json!(customer);
    }
    ctx.keep(Kind::PaymentMethod, method)
}

fn attach(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let params = ctx.params.clone();
    params.required("customer")?;
    let customer = ctx.reference(Kind::Customer, &params, "customer")?;
    let method = match cards::card(id) {
        Some(_) => take(ctx, id, "payment_method", customer.as_deref())?,
        None => {
            ctx.named(Kind::PaymentMethod, id, "payment_method")?;
            take(ctx, id, "payment_method", customer.as_deref())?
        }
    };
    ctx.emit("payment_method.attached", &method);
    Ok(method)
}

/// What the issuer of a stored method says to a charge.
pub(super) fn issuer(ctx: &Ctx<'_>, id: &str) -> Issuer {
    let token = ctx.book.get(Kind::PaymentMethod, id).and_then(|method| method["_token"].as_str());
    token.and_then(cards::card).map_or(Issuer::Approves, |card| card.issuer)
}

/// The method that a customer's invoices are charged to, if one is set.
pub(super) fn default_of(ctx: &Ctx<'_>, customer: &str) -> Option<String> {
    let customer = ctx.book.get(Kind::Customer, customer)?;
    customer["invoice_settings"]["default_payment_method"].as_str().map(str::to_owned)
}

/// The part of a charge that tells what paid it.
pub(super) fn details(method: &Value) -> Value {
    let mut card = method["card"].clone();
    if let Some(map) = card.as_object_mut() {
        map.retain(|name, _| {
            matches!(
                name.as_str(),
                "brand"
                    | "checks"
                    | "country"
                    | "exp_month"
                    | "exp_year"
                    | "fingerprint"
                    | "funding"
                    | "last4"
                    | "wallet"
            )
        });
    }
    json!({ "card": card, "type": "card" })
}
