//! Items that wait for an invoice, or are put on a draft.

use serde_json::json;

use super::error::Refusal;
use super::list::list_where;
use super::routes::Endpoint;
use super::store::{Ctx, Kind, Outcome};
use super::{catalog, currency, fields, invoices, lines};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/invoiceitems", create).takes(&[
        "amount",
        "currency",
        "customer",
        "customer_account",
        "description",
        "discountable",
        "invoice",
        "metadata",
        "period",
        "price_data",
        "pricing",
        "quantity",
        "quantity_decimal",
        "subscription",
        "tax_behavior",
        "tax_code",
        "tax_rates",
        "unit_amount_decimal",
    ]),
    Endpoint::get("/v1/invoiceitems", all).takes(&["customer", "invoice", "pending"]),
    Endpoint::get("/v1/invoiceitems/{invoiceitem}", |ctx, id| ctx.named(Kind::InvoiceItem, id, "invoiceitem")),
];

fn all(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let pending = ctx.params.boolean("pending")?;
    list_where(ctx, Kind::InvoiceItem, "/v1/invoiceitems", &["customer", "invoice"], |item| {
        pending.is_none_or(|pending| item["invoice"].is_null() == pending)
    })
}

fn create(ctx: &mut Ctx<'_>, _: &str) -> Outcome {
    let params = ctx.params.clone();
    params.required("customer")?;
    let customer = ctx.reference(Kind::Customer, &params, "customer")?;
    let quantity = params.within("quantity", 0, i64::MAX)?.unwrap_or(1);
    let given = params.integer("amount")?;
    let named = currency::read(&params, "currency")?;
    let price = match params.nested("pricing")? {
        Some(pricing) => {
            pricing.only(&["price"])?;
            pricing.required("price")?;
            Some(catalog::price_of(ctx, &pricing)?)
        }
        None if params.has("price_data") => Some(catalog::price_of(ctx, &params)?),
        None => None,
    };
    let (amount, currency, pricing) = match (&price, given) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: amount, pricing.";
            return Err(Refusal::about("amount", message).unsaved());
        }
        (Some(price), None) => {
            if price["type"] == "recurring" {
                let message = "The price specified is set to `type=recurring` but this field only accepts prices with \
                               `type=one_time`.";
                return Err(Refusal::about("pricing[price]", message));
            }
            (lines::amount(price, quantity), price["currency"].clone(), lines::pricing(price))
        }
        (None, Some(amount)) => {
            let currency = named.ok_or_else(|| Refusal::missing("currency"))?;
            currency::not_too_much(amount, currency, "amount")?;
            let pricing =
                json!({ "price_details": null, "type": "price_details", "unit_amount_decimal": amount.to_string() });
            (amount, json!(currency), pricing)
        }
        (None, None) => return Err(Refusal::missing("amount")),
    };
    let period = match params.nested("period")? {
        Some(period) => {
            let ends = (period.integer("start")?, period.integer("end")?);
            json!({ "end": ends.1.unwrap_or(ctx.now), "start": ends.0.unwrap_or(ctx.now) })
        }
        None => json!({ "end": ctx.now, "start": ctx.now }),
    };
    let description = price.as_ref().map(|price| lines::name(ctx, price));
    let id = ctx.id(Kind::InvoiceItem);
    let mut item = json!({
        "id": id,
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "date": ctx.now,
        "description": description,
        "discountable": params.boolean("discountable")?.unwrap_or(amount >= 0),
        "discounts": [],
        "invoice": null,
        "livemode": ctx.livemode,
        "metadata": {},
        "net_amount": amount,
        "parent": null,
        "period": period,
        "pricing": pricing,
        "proration": false,
        "quantity": quantity,
        "quantity_decimal": quantity.to_string(),
        "tax_rates": [],
        "test_clock": null,
    });
    fields::texts(&mut item, &params, &[("description", 5000)])?;
    fields::metadata(&mut item, &params)?;
    if let Some(invoice) = params.text("invoice")? {
        let mut invoice = ctx.referred(Kind::Invoice, invoice, "invoice")?;
        invoices::put_on(ctx, &mut invoice, &mut item)?;
        ctx.book.put(Kind::Invoice, invoice);
    }
    ctx.emit("invoiceitem.created", &item);
    ctx.keep(Kind::InvoiceItem, item)
}
