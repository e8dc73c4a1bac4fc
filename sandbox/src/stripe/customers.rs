//! Customers.

use serde_json::{Value, json};

use super::error::Refusal;
use super::fields;
use super::list::list;
use super::payment_methods;
use super::routes::Endpoint;
use super::search;
use super::store::{Ctx, Kind, Outcome};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/customers", create).takes(WRITES),
    Endpoint::get("/v1/customers", |ctx, _| list(ctx, Kind::Customer, "/v1/customers", &["email"])).takes(&["email"]),
    Endpoint::get("/v1/customers/search", search::customers).takes(&["page", "query"]),
    Endpoint::get("/v1/customers/{customer}", get),
    Endpoint::post("/v1/customers/{customer}", update).takes(WRITES),
    Endpoint::delete("/v1/customers/{customer}", delete),
];

const WRITES: &[&str] = &[
    "address",
    "balance",
    "business_name",
    "description",
    "email",
    "individual_name",
    "invoice_prefix",
    "invoice_settings",
    "metadata",
    "name",
    "next_invoice_sequence",
    "payment_method",
    "phone",
    "preferred_locales",
    "shipping",
    "tax",
    "tax_exempt",
    "tax_id_data",
];

const TEXTS: &[(&str, usize)] = &[
    ("business_name", 150),
    ("description", 5000),
    ("email", 512),
    ("individual_name", 150),
    ("name", 256),
    ("phone", 20),
];

pub(super) fn create(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let id = ctx.id(Kind::Customer);
    let prefix: String = ctx.text_id().chars().take(8).collect::<String>().to_uppercase();
    let mut customer = json!({
        "id": id,
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": ctx.now,
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": null,
        "invoice_prefix": prefix,
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": ctx.livemode,
        "metadata": {},
        "name": null,
        "next_invoice_sequence": 1,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": null,
    });
    write(ctx, &mut customer)?;
    if let Some(method) = ctx.params.clone().text("payment_method")? {
        let attached = payment_methods::take(ctx, method, "payment_method", Some(&id))?;
        if ctx.params.nested("invoice_settings")?.is_some_and(|settings| settings.has("default_payment_method")) {
            customer["invoice_settings"]["default_payment_method"] = attached["id"].clone();
        }
    }
    ctx.emit("customer.created", &customer);
    ctx.keep(Kind::Customer, customer)
}

fn get(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    // A deleted customer is still found, as a mark that it was there.
    ctx.book.get(Kind::Customer, id).cloned().ok_or_else(|| Refusal::not_found("customer", id, "id"))
}

fn update(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut customer = ctx.named(Kind::Customer, id, "id")?;
    if let Some(name) = ["payment_method", "tax_id_data"].into_iter().find(|name| ctx.params.has(name)) {
        return Err(Refusal::unknown(name));
    }
    write(ctx, &mut customer)?;
    ctx.emit("customer.updated", &customer);
    ctx.keep(Kind::Customer, customer)
}

fn write(ctx: &mut Ctx<'_>, customer: &mut Value) -> Result<(), Refusal> {
    let params = ctx.params.clone();
    fields::email(&params, "email")?;
    fields::texts(customer, &params, TEXTS)?;
    fields::metadata(customer, &params)?;
    if let Some(address) = fields::address(&params, "address")? {
        customer["address"] = address;
    }
    if let Some(shipping) = fields::shipping(&params, "shipping")? {
        customer["shipping"] = shipping;
    }
    if let Some(balance) = params.integer("balance")? {
        customer["balance"] = json!(balance);
    }
    if let Some(prefix) = params.text("invoice_prefix")? {
        let sound =
            (3..=12).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !sound {
            let message = "Invoice prefixes are 3 to 12 upper-case letters or digits";
            return Err(Refusal::about("invoice_prefix", message).unsaved());
        }
        customer["invoice_prefix"] = json!(prefix);
    }
    if let Some(next) = params.within("next_invoice_sequence", 1, 1_000_000_000)? {
        customer["next_invoice_sequence"] = json!(next);
    }
    if params.has("preferred_locales") {
        customer["preferred_locales"] = json!(params.texts("preferred_locales")?);
    }
    if let Some(exempt) = params.one_of("tax_exempt", &["exempt", "none", "reverse"])? {
        customer["tax_exempt"] = json!(exempt);
    }
    if let Some(settings) = params.nested("invoice_settings")? {
        settings.only(&["custom_fields", "default_payment_method", "footer", "rendering_options"])?;
        fields::texts(&mut customer["invoice_settings"], &settings, &[("footer", 5000)])?;
        // At creation the method is attached by the same request, and its id known only after that.
        if let Some(method) = settings.text("default_payment_method")?.filter(|_| !params.has("payment_method")) {
            let method = ctx.referred(Kind::PaymentMethod, method, &settings.path("default_payment_method"))?;
            if method["customer"] != customer["id"] {
                let message = "The customer does not have a payment method with the ID given. The payment method must be \
                               attached to the customer.";
                return Err(Refusal::about(settings.path("default_payment_method"), message).code("resource_missing"));
            }
            customer["invoice_settings"]["default_payment_method"] = method["id"].clone();
        }
    }
    Ok(())
}

fn delete(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let customer = ctx.named(Kind::Customer, id, "id")?;
    ctx.emit("customer.deleted", &customer);
    ctx.keep(Kind::Customer, json!({ "id": id, "object": "customer", "deleted": true }))
}
