//! Checkout, catalogue, subscriptions, invoices.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::school::{School, id, refusal};

#[tokio::test]
async fn a_checkout_is_paid_or_expires() {
    let school = School::start().await;
    let price = school.price(&[]).await;
    let form = [
        ("mode", "payment"),
        ("line_items[0][price]", &price),
        ("line_items[0][quantity]", "3"),
        ("success_url", "https://school.example/thanks?id={CHECKOUT_SESSION_ID}"),
        ("payment_intent_data[metadata][pupil]", "p1"),
    ];
    let session = school.made("/v1/checkout/sessions", &form).await;
    assert_eq!((&session["amount_total"], &session["status"]), (&json!(1500), &json!("open")));
    assert!(session["url"].as_str().unwrap().starts_with("https://checkout.stripe.com/"));
    assert!(session.get("line_items").is_none());
    let path = format!("/v1/checkout/sessions/{}", id(&session));
    let (_, shown) = school.get(&format!("{path}?expand[]=line_items")).await;
    assert_eq!(shown["line_items"]["data"][0]["quantity"], 3);

    let stripe = school.sandbox.stripe();
    assert_eq!(
        stripe.complete_checkout(&id(&session), "pm_card_chargeDeclined").unwrap_err(),
        "Your card was declined."
    );
    let done = stripe.complete_checkout(&id(&session), "pm_card_visa").unwrap();
    assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!("paid")));
    let intent = stripe.object(done["payment_intent"].as_str().unwrap()).unwrap();
    assert_eq!((&intent["status"], &intent["metadata"]["pupil"]), (&json!("succeeded"), &json!("p1")));
    assert_eq!(school.refused(&format!("{path}/expire"), &[]).await.0, 400);

    let other = id(&school.made("/v1/checkout/sessions", &form).await);
    let expired = school.made(&format!("/v1/checkout/sessions/{other}/expire"), &[]).await;
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &json!(null)));
    let forgotten = id(&school.made("/v1/checkout/sessions", &form).await);
    school.sandbox.clock().advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(school.get(&format!("/v1/checkout/sessions/{forgotten}")).await.1["status"], "expired");
    assert!(school.sandbox.stripe().events().iter().any(|event| event["type"] == "checkout.session.expired"));
}

#[tokio::test]
async fn a_checkout_begins_a_subscription() {
    let school = School::start().await;
    let monthly = school.price(&[("recurring[interval]", "month")]).await;
    let form = [
        ("mode", "subscription"),
        ("line_items[0][price]", &*monthly),
        ("line_items[0][quantity]", "2"),
        ("success_url", "https://school.example/"),
        ("customer_email", "ann@school.example"),
    ];
    let session = id(&school.made("/v1/checkout/sessions", &form).await);
    let stripe = school.sandbox.stripe();
    stripe.deactivate_price(&monthly).unwrap();
    let done = stripe.complete_checkout(&session, "pm_card_visa").unwrap();
    let subscription = stripe.object(done["subscription"].as_str().unwrap()).unwrap();
    assert_eq!((&subscription["status"], &subscription["customer"]), (&json!("active"), &done["customer"]));
    assert_eq!(stripe.object(done["customer"].as_str().unwrap()).unwrap()["email"], "ann@school.example");
    assert_eq!(stripe.object(done["invoice"].as_str().unwrap()).unwrap()["amount_paid"], 1000);
    assert_eq!(stripe.object(&monthly).unwrap()["active"], false);
}

#[tokio::test]
async fn a_checkout_is_refused_where_it_makes_no_sense() {
    let school = School::start().await;
    let (once, monthly) = (school.price(&[]).await, school.price(&[("recurring[interval]", "month")]).await);
    let idle = school.price(&[("active", "false")]).await;
    let url = ("success_url", "https://school.example/");
    let with = async |mode: &str, price: &str| {
        let form = [("mode", mode), ("line_items[0][price]", price), ("line_items[0][quantity]", "1"), url];
        school.refused("/v1/checkout/sessions", &form).await
    };
    assert_eq!(with("payment", &monthly).await.2, "mode");
    assert_eq!(with("subscription", &once).await.2, "mode");
    assert_eq!(with("gift", &once).await.2, "mode");
    assert_eq!(with("payment", &idle).await, refusal(400, "", "line_items[0][price]"));
    assert_eq!(with("payment", "price_none").await, refusal(400, "resource_missing", "line_items[0][price]"));
    let path = "/v1/checkout/sessions";
    assert_eq!(
        school.refused(path, &[("mode", "payment"), url]).await,
        refusal(400, "parameter_missing", "line_items")
    );
    let item = [("mode", "payment"), ("line_items[0][price]", &*once)];
    assert_eq!(school.refused(path, &[item[0], item[1], url]).await.2, "line_items[0][quantity]");
    let item = [item[0], item[1], ("line_items[0][quantity]", "1")];
    assert_eq!(school.refused(path, &item).await, refusal(400, "parameter_missing", "success_url"));
    let bad = [item[0], item[1], item[2], ("success_url", "thanks")];
    assert_eq!(school.refused(path, &bad).await, refusal(400, "url_invalid", "success_url"));
    let soon = [item[0], item[1], item[2], url, ("expires_at", "5")];
    assert_eq!(school.refused(path, &soon).await.2, "expires_at");
}

#[tokio::test]
async fn prices_belong_to_products() {
    let school = School::start().await;
    let form = [
        ("name", "Trip"),
        ("default_price_data[currency]", "usd"),
        ("default_price_data[unit_amount]", "2500"),
        ("expand[]", "default_price"),
    ];
    let product = school.made("/v1/products", &form).await;
    assert_eq!(product["default_price"]["unit_amount"], 2500);
    let product = id(&product);
    let form = [("currency", "eur"), ("product", &*product), ("unit_amount_decimal", "12.5")];
    let price = school.made("/v1/prices", &form).await;
    assert_eq!((&price["unit_amount"], &price["unit_amount_decimal"]), (&json!(null), &json!("12.5")));
    let (_, list) = school.get(&format!("/v1/prices?product={product}&currency=eur&active=true")).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    school.sandbox.stripe().deactivate_price(&id(&price)).unwrap();
    assert_eq!(school.get("/v1/prices?active=false").await.1["data"][0]["id"], price["id"]);
    let path = "/v1/prices";
    assert_eq!(school.refused(path, &[("currency", "usd"), ("unit_amount", "1")]).await.2, "product");
    assert_eq!(school.refused(path, &[("currency", "usd"), ("product", &product)]).await.2, "unit_amount");
    let form = [("currency", "usd"), ("product", &*product), ("unit_amount", "-1")];
    assert_eq!(school.refused(path, &form).await, refusal(400, "parameter_invalid_integer", "unit_amount"));
    let form = [("currency", "usd"), ("product", &*product), ("unit_amount", "1"), ("recurring[interval]", "hour")];
    assert_eq!(school.refused(path, &form).await.2, "recurring[interval]");
    assert_eq!(school.refused("/v1/products", &[]).await, refusal(400, "parameter_missing", "name"));
}

#[tokio::test]
async fn a_subscription_begins_changes_and_ends() {
    let school = School::start().await;
    let monthly = school.price(&[("recurring[interval]", "month")]).await;
    let yearly = school.price(&[("recurring[interval]", "year")]).await;
    let (idle, once) =
        (school.price(&[("active", "false"), ("recurring[interval]", "month")]).await, school.price(&[]).await);
    let payer = school.payer().await;
    let path = "/v1/subscriptions";
    let with = |price| [("customer", &*payer), ("items[0][price]", price), ("items[0][quantity]", "2")];
    assert_eq!(school.refused(path, &with(&idle)).await, refusal(400, "", "items[0][price]"));
    assert_eq!(school.refused(path, &with(&once)).await, refusal(400, "", "items[0][price]"));
    assert_eq!(school.refused(path, &with("price_none")).await, refusal(400, "resource_missing", "items[0][price]"));
    assert_eq!(school.refused(path, &[("customer", &payer)]).await, refusal(400, "parameter_missing", "items"));

    let made = school.made(path, &[with(&monthly).as_slice(), &[("expand[]", "latest_invoice")]].concat()).await;
    assert_eq!((&made["status"], &made["latest_invoice"]["amount_paid"]), (&json!("active"), &json!(1000)));
    let one = format!("{path}/{}", id(&made));
    let item = id(&made["items"]["data"][0]);
    let changed = school.made(&one, &[("items[0][id]", &item), ("items[0][price]", &yearly)]).await;
    assert_eq!(
        (&changed["items"]["data"][0]["price"]["id"], &changed["items"]["data"][0]["quantity"]),
        (&json!(yearly), &json!(2))
    );
    assert_eq!(school.refused(&one, &[("items[0][id]", &item), ("items[0][price]", &idle)]).await.2, "items[0][price]");
    let ends = school.made(&one, &[("cancel_at_period_end", "true")]).await;
    assert!(ends["cancel_at"].is_i64() && ends["status"] == "active");
    let (status, _, canceled) = school.send(Method::DELETE, &one, &[], &[]).await;
    assert_eq!((status, &canceled["status"]), (200, &json!("canceled")));
    assert_eq!(school.send(Method::DELETE, &one, &[], &[]).await.0, 404);
    assert_eq!(school.refused(&one, &[("cancel_at_period_end", "true")]).await.0, 400);
    assert_eq!(school.get(path).await.1["data"], json!([]));
    assert_eq!(school.get(&format!("{path}?status=canceled")).await.1["data"][0]["id"], made["id"]);
}

#[tokio::test]
async fn a_subscription_without_a_card_waits_for_one() {
    let school = School::start().await;
    let monthly = school.price(&[("recurring[interval]", "month")]).await;
    let customer = school.customer().await;
    let form = [("customer", &*customer), ("items[0][price]", &monthly)];
    assert_eq!(school.refused("/v1/subscriptions", &form).await.1, "resource_missing");
    let waits = [form[0], form[1], ("payment_behavior", "default_incomplete"), ("expand[]", "latest_invoice")];
    let made = school.made("/v1/subscriptions", &waits).await;
    assert_eq!((&made["status"], &made["latest_invoice"]["status"]), (&json!("incomplete"), &json!("open")));
    assert!(made["latest_invoice"]["confirmation_secret"]["client_secret"].is_string());
    let pay = format!("/v1/invoices/{}/pay", id(&made["latest_invoice"]));
    school.made(&pay, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(school.get(&format!("/v1/subscriptions/{}", id(&made))).await.1["status"], "active");

    let trial = [form[0], form[1], ("trial_period_days", "14")];
    assert_eq!(school.made("/v1/subscriptions", &trial).await["status"], "trialing");
    let billed = [form[0], form[1], ("collection_method", "send_invoice")];
    assert_eq!(school.refused("/v1/subscriptions", &billed).await.2, "days_until_due");
    let billed = [form[0], form[1], billed[2], ("days_until_due", "30")];
    assert_eq!(school.made("/v1/subscriptions", &billed).await["status"], "active");
}

#[tokio::test]
async fn an_invoice_lives_from_draft_to_paid() {
    let school = School::start().await;
    let customer = school.customer().await;
    let item = [("customer", &*customer), ("amount", "4000"), ("currency", "usd"), ("description", "Term fee")];
    let item = school.made("/v1/invoiceitems", &item).await;
    let form = [
        ("customer", &*customer),
        ("collection_method", "send_invoice"),
        ("days_until_due", "30"),
        ("pending_invoice_items_behavior", "include"),
    ];
    let draft = school.made("/v1/invoices", &form).await;
    assert_eq!(
        (&draft["status"], &draft["amount_due"], &draft["number"]),
        (&json!("draft"), &json!(4000), &json!(null))
    );
    assert_eq!(draft["lines"]["data"][0]["description"], "Term fee");
    assert_eq!(school.sandbox.stripe().object(&id(&item)).unwrap()["invoice"], draft["id"]);
    let invoice = id(&draft);
    let to = |verb: &str| format!("/v1/invoices/{invoice}/{verb}");
    for verb in ["pay", "void"] {
        assert_eq!(school.refused(&to(verb), &[]).await.0, 400, "{verb}");
    }
    let more = [("customer", &*customer), ("amount", "500"), ("currency", "usd"), ("invoice", &invoice)];
    school.made("/v1/invoiceitems", &more).await;
    let open = school.made(&to("finalize"), &[]).await;
    assert_eq!((&open["status"], &open["amount_due"]), (&json!("open"), &json!(4500)));
    assert!(open["number"].is_string() && open["hosted_invoice_url"].is_string());
    assert_eq!(school.refused(&to("finalize"), &[]).await.0, 400);
    assert_eq!(school.refused("/v1/invoiceitems", &more).await, refusal(400, "invoice_not_editable", "invoice"));
    assert_eq!(school.made(&to("send"), &[]).await["status"], "open");
    assert_eq!(school.refused(&to("pay"), &[]).await.0, 400, "no payment method is set");
    let declined = school.refused(&to("pay"), &[("payment_method", "pm_card_chargeDeclined")]).await;
    assert_eq!(declined, refusal(402, "card_declined", ""));
    let paid = school.made(&to("pay"), &[("payment_method", "pm_card_visa"), ("expand[]", "payments")]).await;
    assert_eq!((&paid["status"], &paid["attempt_count"]), (&json!("paid"), &json!(2)));
    assert_eq!(paid["payments"]["data"][0]["status"], "paid");
    for verb in ["pay", "void", "send", "finalize"] {
        assert_eq!(school.refused(&to(verb), &[]).await.0, 400, "{verb}");
    }
}

#[tokio::test]
async fn an_invoice_is_voided_or_settled_elsewhere() {
    let school = School::start().await;
    let customer = school.customer().await;
    let open = async || {
        let invoice = id(&school.made("/v1/invoices", &[("customer", &customer)]).await);
        let item = [("customer", &*customer), ("amount", "900"), ("currency", "usd"), ("invoice", &invoice)];
        school.made("/v1/invoiceitems", &item).await;
        school.made(&format!("/v1/invoices/{invoice}/finalize"), &[]).await;
        invoice
    };
    let one = open().await;
    assert_eq!(school.refused(&format!("/v1/invoices/{one}/send"), &[]).await.0, 400);
    assert_eq!(school.made(&format!("/v1/invoices/{one}/void"), &[]).await["status"], "void");
    assert_eq!(school.refused(&format!("/v1/invoices/{one}/pay"), &[]).await.0, 400);
    let other = open().await;
    let paid = school.made(&format!("/v1/invoices/{other}/pay"), &[("paid_out_of_band", "true")]).await;
    assert_eq!((&paid["status"], &paid["amount_paid"]), (&json!("paid"), &json!(900)));
    assert_eq!(school.get("/v1/balance").await.1["pending"][0]["amount"], 0);
    let days = [("customer", &*customer), ("days_until_due", "3")];
    assert_eq!(school.refused("/v1/invoices", &days).await.2, "days_until_due");
    let sent = [("customer", &*customer), ("collection_method", "send_invoice")];
    assert_eq!(school.refused("/v1/invoices", &sent).await.2, "days_until_due");
    assert_eq!(school.refused("/v1/invoices/in_none/void", &[]).await, refusal(404, "resource_missing", "invoice"));
}
