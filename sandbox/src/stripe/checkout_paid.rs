//! What becomes of a Checkout Session whose customer pays.

use serde_json::{Value, json};

use super::attempts::{Asked, attempt};
use super::checkout::open_one;
use super::form::{self, Params};
use super::store::{Ctx, Kind, Outcome};
use super::{customers, payment_intents, payment_methods, subscriptions};

/// The customer pays on the session's page.
pub(super) fn complete(ctx: &mut Ctx<'_>, id: &str, method: &str) -> Outcome {
    let mut session = open_one(ctx, id, "completed")?;
    let customer = session["customer"].as_str().map(str::to_owned);
    let method = payment_methods::take(ctx, method, "payment_method", customer.as_deref())?;
    if session["mode"] == "payment" {
        let currency = session["currency"].as_str().unwrap_or_default().to_owned();
        let mut intent = payment_intents::new(ctx, session["amount_total"].as_i64().unwrap_or(0), &currency);
        for (name, value) in session["_intent"].as_object().into_iter().flatten() {
            intent[name.as_str()] = value.clone();
        }
        intent["customer"] = session["customer"].clone();
        intent["payment_method"] = method["id"].clone();
        let intent = attempt(ctx, intent, Asked { off_session: true, ..Asked::default() })?;
        session["payment_intent"] = intent["id"].clone();
        session["payment_status"] = json!("paid");
    } else if session["mode"] == "subscription" {
        let customer = match customer {
            Some(customer) => customer,
            None => {
                let email = session["customer_email"].as_str().unwrap_or_default();
                id_of(&elsewhere(ctx, &[("email", email.to_owned())], customers::create)?)
            }
        };
        let method = payment_methods::take(ctx, &id_of(&method), "payment_method", Some(&customer))?;
        let subscription = subscribe(ctx, &session, &customer, &id_of(&method))?;
        session["customer"] = json!(customer);
        session["subscription"] = subscription["id"].clone();
        session["invoice"] = subscription["latest_invoice"].clone();
        session["payment_status"] = json!("paid");
    }
    session["status"] = json!("complete");
    session["url"] = Value::Null;
    session["customer_details"] = json!({
        "address": null,
        "email": session["customer_email"],
        "name": null,
        "phone": null,
        "tax_exempt": "none",
        "tax_ids": [],
    });
    ctx.emit("checkout.session.completed", &session);
    ctx.keep(Kind::Session, session)
}

/// Begins the subscription that a session was made for. One-time prices are not billed with it.
fn subscribe(ctx: &mut Ctx<'_>, session: &Value, customer: &str, method: &str) -> Outcome {
    let mut pairs = vec![
        ("customer".to_owned(), customer.to_owned()),
        ("default_payment_method".to_owned(), method.to_owned()),
        ("payment_behavior".to_owned(), "error_if_incomplete".to_owned()),
    ];
    let items = session["_line_items"]["data"].as_array().cloned().unwrap_or_default();
    let recurring: Vec<Value> = items.into_iter().filter(|item| item["price"]["type"] == "recurring").collect();
    let mut active = Vec::with_capacity(recurring.len());
    for (place, item) in recurring.iter().enumerate() {
        let price = id_of(&item["price"]);
        // What the session was made with holds, be it a price made for it alone or one taken out of use since.
        active.push(set_active(ctx, &price, true));
        pairs.push((format!("items[{place}][price]"), price));
        pairs.push((format!("items[{place}][quantity]"), item["quantity"].to_string()));
    }
    let pairs: Vec<(&str, String)> = pairs.iter().map(|(name, value)| (&**name, value.clone())).collect();
    let made = elsewhere(ctx, &pairs, subscriptions::create);
    for (item, active) in recurring.iter().zip(active) {
        set_active(ctx, &id_of(&item["price"]), active);
    }
    made
}

/// Sets whether a price is in use, and says whether it was.
fn set_active(ctx: &mut Ctx<'_>, price: &str, active: bool) -> bool {
    let Some(price) = ctx.book.get_mut(Kind::Price, price) else { return active };
    let before = price["active"] == true;
    price["active"] = json!(active);
    before
}

/// What another endpoint makes of these parameters.
fn elsewhere(ctx: &mut Ctx<'_>, pairs: &[(&str, String)], run: fn(&mut Ctx<'_>, &str) -> Outcome) -> Outcome {
    let tree = form::tree(pairs.iter().map(|(name, value)| (*name, &**value)))?;
    let mut inner = Ctx {
        book: &mut *ctx.book,
        params: Params::new(&tree),
        now: ctx.now,
        livemode: ctx.livemode,
        account: ctx.account,
        counter: &mut *ctx.counter,
    };
    run(&mut inner, "")
}

fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap_or_default().to_owned()
}
