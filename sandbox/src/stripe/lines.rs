//! What a price comes to, and the lines of invoices and of checkout sessions.

use serde_json::{Value, json};

use super::store::{Ctx, Kind};

/// So many of a price, in the smallest unit.
pub(super) fn amount(price: &Value, quantity: i64) -> i64 {
    if let Some(unit) = price["unit_amount"].as_i64() {
        return unit.saturating_mul(quantity);
    }
    let unit: f64 = price["unit_amount_decimal"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    // A conversion from floating point saturates, and no test asks for cents beyond 2^53.
    (unit * quantity as f64).round() as i64
}

/// A line of a Checkout Session.
pub(super) fn item(ctx: &mut Ctx<'_>, price: &Value, quantity: i64) -> Value {
    let total = amount(price, quantity);
    let id = format!("li_1{}", ctx.text_id());
    json!({
        "id": id,
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"],
        "description": name(ctx, price),
        "price": price,
        "quantity": quantity,
    })
}

/// The name of a price's product.
pub(super) fn name(ctx: &Ctx<'_>, price: &Value) -> Value {
    let product = price["product"].as_str().unwrap_or_default();
    ctx.book.get(Kind::Product, product).map_or(Value::Null, |product| product["name"].clone())
}

/// What a line of an invoice says about its price.
pub(super) fn pricing(price: &Value) -> Value {
    json!({
        "price_details": { "price": price["id"], "product": price["product"] },
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    })
}

/// A line of an invoice for a pending item.
pub(super) fn of_invoice_item(ctx: &mut Ctx<'_>, invoice: &str, item: &Value) -> Value {
    let parent = json!({
        "invoice_item_details": {
            "invoice_item": item["id"],
            "proration": false,
            "proration_details": { "credited_items": null },
            "subscription": null,
        },
        "subscription_item_details": null,
        "type": "invoice_item_details",
    });
    let mut line = line(ctx, invoice, &item["amount"], &item["currency"], &parent);
    for field in ["description", "discountable", "metadata", "period", "pricing", "quantity", "quantity_decimal"] {
        line[field] = item[field].clone();
    }
    line
}

/// A line of an invoice for one item of a subscription.
pub(super) fn of_subscription_item(ctx: &mut Ctx<'_>, invoice: &str, item: &Value, free: bool) -> Value {
    let quantity = item["quantity"].as_i64().unwrap_or(1);
    let total = if free { 0 } else { amount(&item["price"], quantity) };
    let parent = json!({
        "invoice_item_details": null,
        "subscription_item_details": {
            "invoice_item": null,
            "proration": false,
            "proration_details": { "credited_items": null },
            "subscription": item["subscription"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    });
    let name = name(ctx, &item["price"]);
    let name = name.as_str().unwrap_or("Subscription");
    let mut line = line(ctx, invoice, &json!(total), &item["price"]["currency"], &parent);
    line["description"] =
        json!(if free { format!("Trial period for {name}") } else { format!("{quantity} × {name}") });
    line["period"] = json!({ "end": item["current_period_end"], "start": item["current_period_start"] });
    line["pricing"] = pricing(&item["price"]);
    line["quantity"] = json!(quantity);
    line["quantity_decimal"] = json!(quantity.to_string());
    line
}

fn line(ctx: &mut Ctx<'_>, invoice: &str, amount: &Value, currency: &Value, parent: &Value) -> Value {
    let id = format!("il_1{}", ctx.text_id());
    json!({
        "id": id,
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": null,
        "discount_amounts": [],
        "discountable": true,
        "discounts": [],
        "invoice": invoice,
        "livemode": ctx.livemode,
        "metadata": {},
        "parent": parent,
        "period": { "end": ctx.now, "start": ctx.now },
        "pretax_credit_amounts": [],
        "pricing": null,
        "quantity": 1,
        "subscription": parent["subscription_item_details"]["subscription"],
        "subtotal": amount,
        "taxes": [],
    })
}
