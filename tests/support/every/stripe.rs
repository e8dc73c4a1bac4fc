use futures::future::BoxFuture;
use sandbox::Sandbox;
use serde_json::{Value, json};

use super::{School, Vendor};

/// Put together here, for tools that look for keys would take it for one.
const KEY: &str = concat!("sk", "_test_", "canary0secret0key0of0the0tenant0");
const SIGNING: &str = concat!("wh", "sec_", "canary0webhook0secret0of0the0tenant0");

pub const VENDOR: Vendor = Vendor {
    id: "stripe",
    config,
    secrets: &["canary0secret0key0of0the0tenant0", "canary0webhook0secret0of0the0tenant0"],
    arguments,
    fill,
    faults: |sandbox| sandbox.stripe().faults(),
    recorder: |sandbox| sandbox.stripe().recorder(),
    silent: &[],
    contract: true,
    undocumented: &[],
    aliases: &[],
};

fn config(sandbox: &Sandbox) -> Value {
    sandbox.stripe().add_key(KEY);
    json!({ "secret_key": KEY, "webhook_secret": SIGNING, "mode": "test", "base_url": sandbox.url("stripe") })
}

/// `{customer}` and the like stand for ids of what is made beforehand.
fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "createCustomer" => {
            json!({ "email": "parent@example.com", "name": "Jane Smith", "metadata": { "class": "7b" } })
        }
        "getCustomer" | "deleteCustomer" => json!({ "customer": "{customer}" }),
        "updateCustomer" => json!({ "customer": "{customer}", "phone": "+15551234567" }),
        "listCustomers" => json!({ "limit": 5 }),
        "searchCustomers" => json!({ "query": "email:'parent@example.com'" }),
        "createPaymentIntent" => json!({
            "amount": 2500, "currency": "usd", "description": "Field trip", "automaticPaymentMethods": { "enabled": true },
        }),
        "getPaymentIntent" => json!({ "paymentIntent": "{intent}" }),
        "confirmPaymentIntent" => {
            json!({ "paymentIntent": "{intent}", "paymentMethod": "pm_card_visa", "returnUrl": "https://school.example/paid" })
        }
        "capturePaymentIntent" => json!({ "paymentIntent": "{reserved}" }),
        "cancelPaymentIntent" => {
            json!({ "paymentIntent": "{intent}", "cancellationReason": "requested_by_customer" })
        }
        "createCheckoutSession" => json!({
            "mode": "payment", "lineItems": [{ "price": "{price}", "quantity": 2 }], "successUrl": "https://school.example/paid",
        }),
        "getCheckoutSession" | "expireCheckoutSession" => json!({ "session": "{session}" }),
        "createProduct" => json!({ "name": "School lunch", "description": "One warm meal" }),
        "createPrice" => json!({ "product": "{product}", "currency": "usd", "unitAmount": 350 }),
        "listPrices" => json!({ "active": true, "limit": 5 }),
        "createSubscription" => json!({
            "customer": "{customer}", "items": [{ "price": "{recurring}" }], "paymentBehavior": "default_incomplete",
        }),
        "getSubscription" | "cancelSubscription" => json!({ "subscription": "{subscription}" }),
        "updateSubscription" => json!({ "subscription": "{subscription}", "cancelAtPeriodEnd": true }),
        "createInvoiceItem" => {
            json!({ "customer": "{customer}", "amount": 4000, "currency": "usd", "description": "Yearbook" })
        }
        "createInvoice" => json!({ "customer": "{customer}", "collectionMethod": "send_invoice", "daysUntilDue": 30 }),
        "getInvoice" | "finalizeInvoice" => json!({ "invoice": "{draft}" }),
        "sendInvoice" | "voidInvoice" => json!({ "invoice": "{open}" }),
        "payInvoice" => json!({ "invoice": "{open}", "paidOutOfBand": true }),
        "createRefund" => json!({ "paymentIntent": "{paid}", "amount": 1000, "reason": "requested_by_customer" }),
        "getRefund" => json!({ "refund": "{refund}" }),
        "getBalance" => json!({}),
        _ => return None,
    })
}

fn fill<'a>(school: &'a School, _: &'a str, mut text: String) -> BoxFuture<'a, String> {
    Box::pin(async move {
        while let Some((mark, id)) = next(school, &text).await {
            text = text.replace(mark, &id);
        }
        text
    })
}

/// Makes what the first mark of the text stands for. What it needs itself is made on the way.
async fn next(school: &School, text: &str) -> Option<(&'static str, String)> {
    let made = async |operation: &str, arguments: Value| {
        let output = school.made("stripe", operation, arguments).await;
        output["id"].as_str().unwrap().to_owned()
    };
    let customer = async || made("createCustomer", arguments("createCustomer").unwrap()).await;
    let product = async || made("createProduct", json!({ "name": "Lunch" })).await;
    let price = async |recurring: bool| {
        let mut price = json!({ "product": product().await, "currency": "usd", "unitAmount": 350 });
        if recurring {
            price["recurring"] = json!({ "interval": "month" });
        }
        made("createPrice", price).await
    };
    let paid = async |capture: &str| {
        let intent = json!({
            "amount": 2500, "currency": "usd", "paymentMethod": "pm_card_visa", "confirm": true, "captureMethod": capture,
            "returnUrl": "https://school.example/paid",
        });
        made("createPaymentIntent", intent).await
    };
    let draft = async || {
        let customer = customer().await;
        made("createInvoiceItem", json!({ "customer": customer, "amount": 4000, "currency": "usd" })).await;
        let invoice = json!({
            "customer": customer, "collectionMethod": "send_invoice", "daysUntilDue": 30,
            "pendingInvoiceItemsBehavior": "include",
        });
        made("createInvoice", invoice).await
    };
    let marks = [
        "{customer}",
        "{intent}",
        "{reserved}",
        "{price}",
        "{recurring}",
        "{product}",
        "{session}",
        "{subscription}",
        "{draft}",
        "{open}",
        "{paid}",
        "{refund}",
    ];
    let mark = marks.into_iter().find(|mark| text.contains(mark))?;
    let id = match mark {
        "{customer}" => customer().await,
        "{intent}" => made("createPaymentIntent", json!({ "amount": 2500, "currency": "usd" })).await,
        "{reserved}" => paid("manual").await,
        "{price}" => price(false).await,
        "{recurring}" => price(true).await,
        "{product}" => product().await,
        "{session}" => {
            let session = json!({
                "mode": "payment", "lineItems": [{ "price": price(false).await }], "successUrl": "https://school.example/paid",
            });
            made("createCheckoutSession", session).await
        }
        "{subscription}" => {
            let items = json!([{ "price": price(true).await }]);
            made(
                "createSubscription",
                json!({ "customer": customer().await, "items": items, "paymentBehavior": "default_incomplete" }),
            )
            .await
        }
        "{draft}" => draft().await,
        "{open}" => made("finalizeInvoice", json!({ "invoice": draft().await })).await,
        "{paid}" => paid("automatic").await,
        _ => made("createRefund", json!({ "paymentIntent": paid("automatic").await })).await,
    };
    Some((mark, id))
}
