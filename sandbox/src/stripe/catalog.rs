//! Products and prices.

use serde_json::{Value, json};

use super::error::Refusal;
use super::form::Params;
use super::list::list_where;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome};
use super::{currency, fields};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/products", create_product).takes(PRODUCT),
    Endpoint::get("/v1/products", products).takes(&["active", "ids", "shippable", "type", "url"]),
    Endpoint::get("/v1/products/{product}", |ctx, id| ctx.named(Kind::Product, id, "id")),
    Endpoint::post("/v1/products/{product}", update_product).takes(PRODUCT),
    Endpoint::post("/v1/prices", create_price).takes(&[
        "active",
        "billing_scheme",
        "currency",
        "lookup_key",
        "metadata",
        "nickname",
        "product",
        "product_data",
        "recurring",
        "tax_behavior",
        "tiers",
        "tiers_mode",
        "transfer_lookup_key",
        "unit_amount",
        "unit_amount_decimal",
    ]),
    Endpoint::get("/v1/prices", prices).takes(&["active", "currency", "lookup_keys", "product", "type"]),
    Endpoint::get("/v1/prices/{price}", |ctx, id| ctx.named(Kind::Price, id, "price")),
    Endpoint::post("/v1/prices/{price}", update_price).takes(&["active", "lookup_key", "metadata", "nickname"]),
];

const PRODUCT: &[&str] = &[
    "active",
    "default_price_data",
    "description",
    "id",
    "images",
    "marketing_features",
    "metadata",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "type",
    "unit_label",
    "url",
];

fn products(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let ids = ctx.params.texts("ids")?;
    list_where(ctx, Kind::Product, "/v1/products", &["active", "shippable", "type", "url"], |product| {
        ids.is_empty() || ids.iter().any(|id| product["id"] == *id)
    })
}

fn prices(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let keys = ctx.params.texts("lookup_keys")?;
    list_where(ctx, Kind::Price, "/v1/prices", &["active", "currency", "product", "type"], |price| {
        keys.is_empty() || keys.iter().any(|key| price["lookup_key"] == *key)
    })
}

fn create_product(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let params = ctx.params.clone();
    params.required("name")?;
    let mut product = product(ctx, &params)?;
    if let Some(price) = params.nested("default_price_data")? {
        let id = product["id"].clone();
        let price = make_price(ctx, &price, id, true)?;
        product["default_price"] = price["id"].clone();
    }
    ctx.emit("product.created", &product);
    ctx.keep(Kind::Product, product)
}

/// A product out of the parameters of its own endpoint, or of another's `product_data`.
fn product(ctx: &mut Ctx<'_>, params: &Params<'_>) -> Outcome {
    let id = match params.text("id")? {
        Some(id) if ctx.book.get(Kind::Product, id).is_some() => {
            return Err(Refusal::about(params.path("id"), "Product already exists.").code("resource_already_exists"));
        }
        Some(id) => id.to_owned(),
        None => ctx.id(Kind::Product),
    };
    let mut product = json!({
        "id": id,
        "object": "product",
        "active": true,
        "created": ctx.now,
        "default_price": null,
        "description": null,
        "images": [],
        "livemode": ctx.livemode,
        "marketing_features": [],
        "metadata": {},
        "package_dimensions": null,
        "shippable": null,
        "statement_descriptor": null,
        "tax_code": null,
        "type": "service",
        "unit_label": null,
        "updated": ctx.now,
        "url": null,
    });
    params.required("name")?;
    write_product(params, &mut product)?;
    ctx.keep(Kind::Product, product)
}

fn update_product(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut product = ctx.named(Kind::Product, id, "id")?;
    let params = ctx.params.clone();
    write_product(&params, &mut product)?;
    product["updated"] = json!(ctx.now);
    ctx.emit("product.updated", &product);
    ctx.keep(Kind::Product, product)
}

fn write_product(params: &Params<'_>, product: &mut Value) -> Result<(), Refusal> {
    params.text("name")?;
    fields::texts(
        product,
        params,
        &[
            ("description", 40_000),
            ("name", 5000),
            ("statement_descriptor", 22),
            ("tax_code", 5000),
            ("unit_label", 5000),
        ],
    )?;
    fields::metadata(product, params)?;
    for name in ["active", "shippable"] {
        if let Some(set) = params.boolean(name)? {
            product[name] = json!(set);
        }
    }
    if params.has("images") {
        product["images"] = json!(params.texts("images")?);
    }
    if let Some(url) = fields::url(params, "url")? {
        product["url"] = json!(url);
    }
    let features = params.list("marketing_features")?;
    if !features.is_empty() {
        let names: Result<Vec<Value>, Refusal> =
            features.iter().map(|feature| Ok(json!({ "name": feature.required("name")? }))).collect();
        product["marketing_features"] = json!(names?);
    }
    Ok(())
}

fn create_price(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let params = ctx.params.clone();
    currency::required(&params, "currency")?;
    let product = match (params.text("product")?, params.nested("product_data")?) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: product, product_data.";
            return Err(Refusal::about("product", message).unsaved());
        }
        (Some(id), None) => ctx.referred(Kind::Product, id, "product")?,
        (None, Some(data)) => product(ctx, &data)?,
        (None, None) => return Err(Refusal::missing("product")),
    };
    let active = params.boolean("active")?.unwrap_or(true);
    let price = make_price(ctx, &params, product["id"].clone(), active)?;
    ctx.emit("price.created", &price);
    Ok(price)
}

/// A price out of the parameters of its own endpoint, or of another's `price_data`.
fn make_price(ctx: &mut Ctx<'_>, params: &Params<'_>, product: Value, active: bool) -> Outcome {
    let currency = currency::required(params, "currency")?;
    let tiered = params.one_of("billing_scheme", &["per_unit", "tiered"])? == Some("tiered");
    let unit_amount = params.within("unit_amount", 0, i64::MAX)?;
    if let Some(amount) = unit_amount {
        currency::not_too_much(amount, currency, &params.path("unit_amount"))?;
    }
    let decimal = match params.text("unit_amount_decimal")? {
        None => None,
        Some(text) => match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Some(text),
            _ => {
                return Err(
                    Refusal::about(params.path("unit_amount_decimal"), format!("Invalid decimal: {text}")).unsaved()
                );
            }
        },
    };
    match (unit_amount, decimal, tiered) {
        (Some(_), Some(_), _) => {
            let message = "You may only specify one of these parameters: unit_amount, unit_amount_decimal.";
            return Err(Refusal::about(params.path("unit_amount"), message).unsaved());
        }
        (None, None, false) => return Err(Refusal::missing(&params.path("unit_amount"))),
        _ => {}
    }
    let unit_amount = unit_amount.or_else(|| decimal.and_then(|text| text.parse().ok()));
    let recurring = recurring(params)?;
    let id = ctx.id(Kind::Price);
    let mut price = json!({
        "id": id,
        "object": "price",
        "active": active,
        "billing_scheme": if tiered { "tiered" } else { "per_unit" },
        "created": ctx.now,
        "currency": currency,
        "custom_unit_amount": null,
        "livemode": ctx.livemode,
        "lookup_key": null,
        "metadata": {},
        "nickname": null,
        "product": product,
        "type": if recurring.is_some() { "recurring" } else { "one_time" },
        "recurring": recurring,
        "tax_behavior": params.one_of("tax_behavior", &["exclusive", "inclusive", "unspecified"])?.unwrap_or("unspecified"),
        "tiers_mode": params.one_of("tiers_mode", &["graduated", "volume"])?,
        "transform_quantity": null,
        "unit_amount": unit_amount,
        "unit_amount_decimal": decimal.map(str::to_owned).or_else(|| unit_amount.map(|amount| amount.to_string())),
    });
    fields::texts(&mut price, params, &[("lookup_key", 200), ("nickname", 5000)])?;
    fields::metadata(&mut price, params)?;
    ctx.keep(Kind::Price, price)
}

fn recurring(params: &Params<'_>) -> Result<Option<Value>, Refusal> {
    let Some(given) = params.nested("recurring")? else { return Ok(None) };
    given.only(&["interval", "interval_count", "meter", "trial_period_days", "usage_type"])?;
    given.required("interval")?;
    let interval = given.one_of("interval", &["day", "week", "month", "year"])?.unwrap_or("month");
    let most = match interval {
        "day" => 1095,
        "week" => 156,
        "month" => 36,
        _ => 3,
    };
    Ok(Some(json!({
        "interval": interval,
        "interval_count": given.within("interval_count", 1, most)?.unwrap_or(1),
        "meter": given.text("meter")?,
        "trial_period_days": given.within("trial_period_days", 1, 730)?,
        "usage_type": given.one_of("usage_type", &["licensed", "metered"])?.unwrap_or("licensed"),
    })))
}

fn update_price(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut price = ctx.named(Kind::Price, id, "price")?;
    let params = ctx.params.clone();
    if let Some(active) = params.boolean("active")? {
        price["active"] = json!(active);
    }
    fields::texts(&mut price, &params, &[("lookup_key", 200), ("nickname", 5000)])?;
    fields::metadata(&mut price, &params)?;
    ctx.emit("price.updated", &price);
    ctx.keep(Kind::Price, price)
}

pub(super) fn deactivate_price(ctx: &mut Ctx<'_>, id: &str) -> Outcome {
    let mut price = ctx.named(Kind::Price, id, "price")?;
    price["active"] = json!(false);
    ctx.emit("price.updated", &price);
    ctx.keep(Kind::Price, price)
}

/// The price that an element of a request means: one that is there, or one made for it from `price_data`.
pub(super) fn price_of(ctx: &mut Ctx<'_>, element: &Params<'_>) -> Outcome {
    match (element.text("price")?, element.nested("price_data")?) {
        (Some(id), None) => {
            let price = ctx.referred(Kind::Price, id, &element.path("price"))?;
            if price["active"] == false {
                let message = "The price specified is inactive. This field only accepts active prices.";
                return Err(Refusal::about(element.path("price"), message));
            }
            Ok(price)
        }
        (None, Some(data)) => {
            let product = match (data.text("product")?, data.nested("product_data")?) {
                (Some(id), _) => ctx.referred(Kind::Product, id, &data.path("product"))?,
                (None, Some(own)) => product(ctx, &own)?,
                (None, None) => return Err(Refusal::missing(&data.path("product"))),
            };
            make_price(ctx, &data, product["id"].clone(), false)
        }
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: price, price_data.";
            Err(Refusal::about(element.path("price"), message).unsaved())
        }
        (None, None) => Err(Refusal::missing(&element.path("price"))),
    }
}
