//! The items of subscriptions: prices that recur, and how many of each.

use serde_json::{Value, json};

use super::error::Refusal;
use super::form::Params;
use super::store::{Ctx, Outcome};
use super::{catalog, fields};

const DAY: i64 = 24 * 60 * 60;

/// An item out of an element of `items`.
pub(super) fn new_item(ctx: &mut Ctx<'_>, element: &Params<'_>, subscription: &str, trial_end: Option<i64>) -> Outcome {
    element.only(&[
        "billing_thresholds",
        "clear_usage",
        "deleted",
        "id",
        "metadata",
        "price",
        "price_data",
        "quantity",
        "tax_rates",
    ])?;
    let price = recurring(catalog::price_of(ctx, element)?, element)?;
    let quantity = element.within("quantity", 0, 999_999)?.unwrap_or(1);
    let end = trial_end.unwrap_or_else(|| ctx.now + length(&price));
    let id = format!("si_{}", ctx.text_id());
    let mut item = json!({
        "id": id,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": ctx.now,
        "current_period_end": end,
        "current_period_start": ctx.now,
        "discounts": [],
        "metadata": {},
        "plan": plan(&price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    });
    fields::metadata(&mut item, element)?;
    Ok(item)
}

fn recurring(price: Value, element: &Params<'_>) -> Outcome {
    if price["type"] == "recurring" {
        return Ok(price);
    }
    let message = "The price specified is set to `type=one_time` but this field only accepts prices with \
                   `type=recurring`.";
    Err(Refusal::about(element.path("price"), message))
}

/// Seconds of a price's period; months and years by their usual lengths.
fn length(price: &Value) -> i64 {
    let days = match price["recurring"]["interval"].as_str() {
        Some("day") => 1,
        Some("week") => 7,
        Some("year") => 365,
        _ => 30,
    };
    days * DAY * price["recurring"]["interval_count"].as_i64().unwrap_or(1)
}

/// A recurring price as the older kind of object that items still carry.
fn plan(price: &Value) -> Value {
    let mut plan = json!({
        "object": "plan",
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "tiers_mode": null,
        "transform_usage": null,
    });
    for field in
        ["active", "billing_scheme", "created", "currency", "id", "livemode", "metadata", "nickname", "product"]
    {
        plan[field] = price[field].clone();
    }
    for field in ["interval", "interval_count", "meter", "trial_period_days", "usage_type"] {
        plan[field] = price["recurring"][field].clone();
    }
    plan
}

/// Items of one subscription share currency, and no price is there twice.
pub(super) fn agree(items: &[Value]) -> Result<(), Refusal> {
    for (place, item) in items.iter().enumerate() {
        let before = &items[..place];
        let param = format!("items[{place}][price]");
        if before.iter().any(|other| other["price"]["currency"] != item["price"]["currency"]) {
            return Err(Refusal::about(param, "All prices on a subscription must have the same currency."));
        }
        if before.iter().any(|other| other["price"]["id"] == item["price"]["id"]) {
            let message = "Cannot add multiple subscription items with the same price.";
            return Err(Refusal::about(param, message));
        }
    }
    Ok(())
}

/// Changes the item that an element names by its id, or takes it off.
pub(super) fn change(ctx: &mut Ctx<'_>, items: &mut Vec<Value>, id: &str, element: &Params<'_>) -> Result<(), Refusal> {
    let Some(place) = items.iter().position(|item| item["id"] == id) else {
        return Err(Refusal::absent("subscription_item", id, element.path("id")));
    };
    if element.boolean("deleted")?.unwrap_or(false) {
        items.remove(place);
        return Ok(());
    }
    if element.has("price") || element.has("price_data") {
        let price = recurring(catalog::price_of(ctx, element)?, element)?;
        items[place]["plan"] = plan(&price);
        items[place]["price"] = price;
    }
    if let Some(quantity) = element.within("quantity", 0, 999_999)? {
        items[place]["quantity"] = json!(quantity);
    }
    fields::metadata(&mut items[place], element)
}
