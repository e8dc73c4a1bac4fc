//! Stripe through the whole road, against the look-alike.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::time::Duration;

use every::{School, builder, timed};
use sandbox::{Fault, Rule, stripe};
use serde_json::{Value, json};
use sis_integrations::{
    Error, ErrorCode, Retry, providers::stripe::StripeConfig, storage::MemoryStorage, transport::Backoff,
};

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 3 };

async fn school() -> School {
    School::open(builder().storage(MemoryStorage::new()).backoff(BACKOFF)).await
}

async fn made(school: &School, operation: &str, arguments: Value) -> Value {
    match call(school, operation, arguments).await {
        Ok(output) => output,
        Err(error) => panic!("{operation}: {error} {error:?}"),
    }
}

async fn call(school: &School, operation: &str, arguments: Value) -> Result<Value, Error> {
    school.tenant.execute(&school.admin, "stripe", operation, arguments).await.map(|reply| reply.output)
}

async fn refused(school: &School, operation: &str, arguments: Value) -> Error {
    call(school, operation, arguments).await.unwrap_err()
}

fn paying(method: &str) -> Value {
    json!({
        "amount": 2500, "currency": "usd", "paymentMethod": method, "confirm": true, "returnUrl": "https://school.example/paid",
    })
}

#[tokio::test]
async fn amounts_and_currencies_are_checked_before_anything_leaves() {
    let school = school().await;
    let before = school.sandbox.stripe().recorder().seen();
    for amount in [json!(0), json!(-1), json!(0.5), json!(1_000_000_000_000_000_i64), json!("2500"), json!(null)] {
        let error = refused(&school, "createPaymentIntent", json!({ "amount": amount, "currency": "usd" })).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("amount")), "{amount}");
    }
    for currency in ["xyz", "USD", "", "us dollar"] {
        let error = refused(&school, "createPaymentIntent", json!({ "amount": 1, "currency": currency })).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("currency")), "{currency}");
    }
    let card = json!({ "amount": 2500, "currency": "usd", "metadata": { "cvc": "123" } });
    assert_eq!(refused(&school, "createPaymentIntent", card).await.code(), ErrorCode::CardDataRefused);
    let card = json!({ "amount": 2500, "currency": "usd", "description": "4242-4242-4242-4242" });
    assert_eq!(refused(&school, "createPaymentIntent", card).await.code(), ErrorCode::CardDataRefused);
    assert_eq!(school.sandbox.stripe().recorder().seen(), before, "something left");
}

#[tokio::test]
async fn currencies_have_no_smaller_coins_than_they_have() {
    let school = school().await;
    let before = school.sandbox.stripe().recorder().seen();
    let pay = |amount: i64, currency: &str| json!({ "amount": amount, "currency": currency });
    for (amount, currency) in [(1001, "kwd"), (10_005, "bhd"), (10_050, "isk"), (500_001, "ugx")] {
        let error = refused(&school, "createPaymentIntent", pay(amount, currency)).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("amount")), "{currency}");
        let item =
            json!({ "priceData": { "currency": currency, "unitAmount": amount, "productData": { "name": "x" } } });
        let session = json!({ "mode": "payment", "lineItems": [item], "successUrl": "https://school.example/paid" });
        let error = refused(&school, "createCheckoutSession", session).await;
        assert_eq!(error.field(), Some("lineItems[0].priceData.unitAmount"), "{error}");
    }
    assert_eq!(school.sandbox.stripe().recorder().seen(), before, "something left");
    // Hungary's and Taiwan's are whole in payouts alone.
    for (amount, currency) in [(1010, "kwd"), (10_000, "isk"), (500_000, "ugx"), (50_050, "huf"), (5_050, "twd")] {
        assert_eq!(made(&school, "createPaymentIntent", pay(amount, currency)).await["amount"], amount, "{currency}");
    }
}

#[tokio::test]
async fn a_checkout_page_ends_within_a_day() {
    let school = school().await;
    let now = school.manager.runtime().now().as_micros() / 1_000_000;
    let item =
        json!({ "priceData": { "currency": "usd", "unitAmount": 2500, "productData": { "name": "Field trip" } } });
    let session = |expires_at: i64| {
        json!({
            "mode": "payment", "lineItems": [item], "successUrl": "https://school.example/paid", "expiresAt": expires_at,
        })
    };
    for expires_at in [now - 1, now + 60, now + 25 * 3600] {
        let error = refused(&school, "createCheckoutSession", session(expires_at)).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("expiresAt")), "{error}");
    }
    assert_eq!(made(&school, "createCheckoutSession", session(now + 3600)).await["expiresAt"], now + 3600);
}

#[tokio::test]
async fn a_platform_acts_for_the_schools_own_account() {
    let school = school().await;
    let stripe = school.sandbox.stripe();
    let configure = async |account: &str| {
        let config = StripeConfig::new(stripe::SECRET_KEY)
            .account(account)
            .base_url(school.sandbox.url("stripe").parse().unwrap());
        school.tenant.configure(&school.admin, config).await.unwrap();
    };
    configure("acct_school").await;
    let stranger = refused(&school, "createCustomer", json!({ "email": "parent@example.com" })).await;
    assert_eq!(stranger.vendor().unwrap().code.as_deref(), Some("account_invalid"), "{stranger}");
    stripe.connect_account("acct_school");
    let customer = made(&school, "createCustomer", json!({ "email": "parent@example.com" })).await;
    let last = stripe.recorder().exchanges().pop().unwrap();
    assert_eq!(last.header("stripe-account"), Some("acct_school"));
    // The platform itself has no such customer.
    let id = customer["id"].as_str().unwrap();
    assert_eq!(stripe.object(id), None);
    assert_eq!(made(&school, "getCustomer", json!({ "customer": id })).await["email"], "parent@example.com");
}

#[tokio::test]
async fn a_payment_comes_in_is_declined_or_wants_the_payer() {
    let school = school().await;
    let paid = made(&school, "createPaymentIntent", paying("pm_card_visa")).await;
    assert_eq!((&paid["status"], &paid["amountReceived"]), (&json!("succeeded"), &json!(2500)));
    let declined = refused(&school, "createPaymentIntent", paying("pm_card_chargeDeclined")).await;
    assert_eq!((declined.code(), declined.retry()), (ErrorCode::Vendor, Retry::Never));
    assert_eq!(declined.vendor().unwrap().code.as_deref(), Some("generic_decline"));
    let asked = made(&school, "createPaymentIntent", paying("pm_card_authenticationRequired")).await;
    assert_eq!(asked["status"], "requires_action");
    let small = refused(&school, "createPaymentIntent", json!({ "amount": 1, "currency": "usd" })).await;
    assert_eq!((small.code(), small.field()), (ErrorCode::InvalidArgument, Some("amount")));
    let yen = made(&school, "createPaymentIntent", json!({ "amount": 500, "currency": "jpy" })).await;
    assert_eq!((&yen["amount"], &yen["currency"]), (&json!(500), &json!("jpy")));
    let stats = school.tenant.stats(&school.admin, None, None).await.unwrap();
    // 2.9 % of 25.00 and 0.30.
    assert_eq!(stats.costs[0].micros, 1_025_000);
}

#[tokio::test]
async fn no_more_is_given_back_than_was_paid() {
    let school = school().await;
    let paid = made(&school, "createPaymentIntent", paying("pm_card_visa")).await;
    let intent = &paid["id"];
    let more = refused(&school, "createRefund", json!({ "paymentIntent": intent, "amount": 2501 })).await;
    assert_eq!((more.code(), more.field()), (ErrorCode::InvalidArgument, Some("amount")));
    let part = made(&school, "createRefund", json!({ "paymentIntent": intent, "amount": 1000 })).await;
    assert_eq!((&part["amount"], &part["status"]), (&json!(1000), &json!("succeeded")));
    let rest = made(&school, "createRefund", json!({ "paymentIntent": intent })).await;
    assert_eq!(rest["amount"], 1500);
    let again = refused(&school, "createRefund", json!({ "paymentIntent": intent })).await;
    assert_eq!(again.code(), ErrorCode::Vendor);
    assert_eq!(again.vendor().unwrap().code.as_deref(), Some("charge_already_refunded"));
    for (arguments, field) in [
        (json!({}), "paymentIntent"),
        (json!({ "paymentIntent": intent, "charge": "ch_1" }), "paymentIntent"),
        (json!({ "paymentIntent": "../customers" }), "paymentIntent"),
        (json!({ "paymentIntent": intent, "reason": "because" }), "reason"),
    ] {
        assert_eq!(refused(&school, "createRefund", arguments).await.field(), Some(field));
    }
}

#[tokio::test]
async fn an_invoice_goes_from_draft_to_paid_or_void() {
    let school = school().await;
    let customer = made(&school, "createCustomer", json!({ "email": "parent@example.com" })).await["id"].clone();
    let item = json!({ "customer": customer, "amount": 4000, "currency": "usd", "description": "Yearbook" });
    let invoice = json!({
        "customer": customer, "collectionMethod": "send_invoice", "daysUntilDue": 30, "pendingInvoiceItemsBehavior": "include",
    });
    made(&school, "createInvoiceItem", item.clone()).await;
    let draft = made(&school, "createInvoice", invoice.clone()).await;
    assert_eq!((&draft["status"], &draft["amountDue"]), (&json!("draft"), &json!(4000)));
    let of = json!({ "invoice": draft["id"] });
    assert_eq!(refused(&school, "voidInvoice", of.clone()).await.code(), ErrorCode::Vendor);
    assert_eq!(made(&school, "finalizeInvoice", of.clone()).await["status"], "open");
    assert_eq!(made(&school, "sendInvoice", of.clone()).await["status"], "open");
    let paid = made(&school, "payInvoice", json!({ "invoice": draft["id"], "paidOutOfBand": true })).await;
    assert_eq!(paid["status"], "paid");
    assert_eq!(refused(&school, "payInvoice", of.clone()).await.code(), ErrorCode::Vendor);
    made(&school, "createInvoiceItem", item).await;
    let other = made(&school, "createInvoice", invoice).await;
    made(&school, "finalizeInvoice", json!({ "invoice": other["id"] })).await;
    assert_eq!(made(&school, "voidInvoice", json!({ "invoice": other["id"] })).await["status"], "void");
}

#[tokio::test]
async fn a_subscription_wants_a_price_that_is_active() {
    let school = school().await;
    let customer = made(&school, "createCustomer", json!({})).await["id"].clone();
    let product = made(&school, "createProduct", json!({ "name": "Lunch" })).await["id"].clone();
    let mut price = json!({
        "product": product, "currency": "usd", "unitAmount": 350, "recurring": { "interval": "month" }, "active": false,
    });
    let off = made(&school, "createPrice", price.clone()).await["id"].clone();
    let subscribe = |price: &Value| json!({ "customer": customer, "items": [{ "price": price }], "paymentBehavior": "default_incomplete" });
    let error = refused(&school, "createSubscription", subscribe(&off)).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("items[0].price")));
    price["active"] = true.into();
    let on = made(&school, "createPrice", price).await["id"].clone();
    // Who has no way to pay yet cannot be charged at once: that is no fault of an argument.
    let poor = json!({ "customer": customer, "items": [{ "price": on }] });
    assert_eq!(refused(&school, "createSubscription", poor).await.code(), ErrorCode::Vendor);
    let subscription = made(&school, "createSubscription", subscribe(&on)).await;
    let ended = made(&school, "cancelSubscription", json!({ "subscription": subscription["id"] })).await;
    assert_eq!(ended["status"], "canceled");
    let missing = refused(&school, "getSubscription", json!({ "subscription": "sub_none" })).await;
    assert_eq!(missing.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_write_without_an_answer_is_made_once() {
    let school = school().await;
    for fault in [Fault::CutAfter, Fault::StatusAfter { status: 500 }, Fault::CutDuring, Fault::CutBefore] {
        school.sandbox.stripe().faults().clear();
        let before = made(&school, "listCustomers", json!({ "limit": 100 })).await["data"].as_array().unwrap().len();
        school.sandbox.stripe().faults().add(Rule::next(1, fault.clone()));
        made(&school, "createCustomer", json!({ "name": "Jane" })).await;
        let after = made(&school, "listCustomers", json!({ "limit": 100 })).await["data"].as_array().unwrap().len();
        assert_eq!(after, before + 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_call_of_unknown_outcome_is_the_same_to_stripe_when_it_is_repeated() {
    let school = school().await;
    school.sandbox.stripe().faults().add(Rule::next(3, Fault::CutAfter));
    let call = async || {
        let call = school.tenant.request(&school.admin).idempotency_key("trip-7b");
        call.execute("stripe", "createPaymentIntent", json!({ "amount": 2500, "currency": "usd" })).await
    };
    let unknown = call().await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::OutcomeUnknown, "{unknown}");
    let keys = |school: &School| {
        let exchanges = school.sandbox.stripe().recorder().exchanges();
        let mut keys: Vec<_> =
            exchanges.iter().filter_map(|exchange| exchange.header("idempotency-key").map(str::to_owned)).collect();
        keys.dedup();
        keys
    };
    assert_eq!(keys(&school).len(), 1);
    let made = call().await.unwrap();
    assert!(!made.replayed);
    assert_eq!(keys(&school).len(), 1, "the same key again");
    let again = call().await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.output["id"], made.output["id"]);
}

#[tokio::test]
async fn a_limit_after_a_lost_answer_does_not_say_that_nothing_happened() {
    let school = school().await;
    school.sandbox.stripe().faults().add(Rule::next(1, Fault::CutAfter).method("POST"));
    school.sandbox.stripe().faults().add(Rule::always(Fault::status(429)).method("POST"));
    let call = school.tenant.request(&school.admin).idempotency_key("k").deadline(Duration::from_secs(1));
    let arguments = json!({ "amount": 2500, "currency": "usd" });
    let error = call.execute("stripe", "createPaymentIntent", arguments).await.unwrap_err();
    assert_eq!((error.code(), error.retry()), (ErrorCode::OutcomeUnknown, Retry::Unknown), "{error}");
}

#[tokio::test]
async fn a_refusal_that_leaves_doubt_keeps_the_key_that_stripe_knows_the_call_by() {
    for (name, faults) in [
        ("failed within", vec![Fault::StatusAfter { status: 500 }]),
        ("under way", vec![Fault::StatusAfter { status: 409 }]),
        ("lost, then the key", vec![Fault::CutAfter, Fault::status(401)]),
        ("lost, then the permission", vec![Fault::CutAfter, Fault::status(403)]),
        ("lost, then the limit", vec![Fault::CutAfter, Fault::status(429)]),
    ] {
        let school = school().await;
        let stripe = school.sandbox.stripe();
        stripe.set_final_faults(true);
        for fault in faults {
            stripe.faults().add(Rule::next(1, fault).method("POST"));
        }
        let pay = async || {
            let call = school.tenant.request(&school.admin).idempotency_key("trip-7b");
            call.execute("stripe", "createPaymentIntent", paying("pm_card_visa")).await
        };
        let unknown = pay().await.unwrap_err();
        assert_eq!((unknown.code(), unknown.retry()), (ErrorCode::OutcomeUnknown, Retry::Unknown), "{name}: {unknown}");
        assert!(unknown.vendor().is_some_and(|vendor| vendor.status >= 400), "{name}");
        // A repetition that is turned away tells no more.
        for status in [401, 403] {
            stripe.faults().add(Rule::next(1, Fault::status(status)).method("POST"));
            pay().await.unwrap_err();
        }
        assert!(!pay().await.unwrap().replayed, "{name}");
        // Under one key Stripe makes one payment.
        let exchanges = stripe.recorder().exchanges();
        let keys: std::collections::BTreeSet<_> =
            exchanges.iter().filter_map(|exchange| exchange.header("idempotency-key")).collect();
        assert_eq!(keys.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn what_is_ended_without_an_answer_is_told_as_ended() {
    let school = school().await;
    let customer = made(&school, "createCustomer", json!({})).await["id"].clone();
    let product = made(&school, "createProduct", json!({ "name": "Lunch" })).await["id"].clone();
    let price =
        json!({ "product": product, "currency": "usd", "unitAmount": 350, "recurring": { "interval": "month" } });
    let price = made(&school, "createPrice", price).await["id"].clone();
    let subscribe =
        json!({ "customer": customer, "items": [{ "price": price }], "paymentBehavior": "default_incomplete" });
    let end = async |operation: &str, arguments: &Value| {
        let call = school.tenant.request(&school.admin).idempotency_key(operation);
        call.execute("stripe", operation, arguments.clone()).await.map(|reply| reply.output)
    };
    let faults = school.sandbox.stripe().faults();
    // Once within a call.
    let of = json!({ "subscription": made(&school, "createSubscription", subscribe).await["id"] });
    faults.add(Rule::next(1, Fault::CutAfter).method("DELETE"));
    assert_eq!(end("cancelSubscription", &of).await.unwrap()["status"], "canceled");
    // And once with the doubt of a call before.
    let of = json!({ "customer": customer });
    faults.add(Rule::next(3, Fault::CutAfter).method("DELETE"));
    assert_eq!(end("deleteCustomer", &of).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    assert_eq!(end("deleteCustomer", &of).await.unwrap()["deleted"], true);
    // What was never there is not found.
    let missing = refused(&school, "cancelSubscription", json!({ "subscription": "sub_none" })).await;
    assert_eq!(missing.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_refusal_without_a_doubt_frees_the_key() {
    let school = school().await;
    school.sandbox.stripe().faults().add(Rule::next(1, Fault::status(401)).method("POST"));
    let pay = async |method: &str| {
        let call = school.tenant.request(&school.admin).idempotency_key("trip-7b");
        call.execute("stripe", "createPaymentIntent", paying(method)).await
    };
    assert_eq!(pay("pm_card_visa").await.unwrap_err().code(), ErrorCode::NeedsReconnect);
    // Other arguments are let through: the name was free.
    assert_eq!(pay("pm_card_chargeDeclined").await.unwrap_err().code(), ErrorCode::Vendor);
    assert!(!pay("pm_card_visa").await.unwrap().replayed);
}

#[tokio::test]
async fn a_call_of_unknown_outcome_is_not_repeated_once_stripe_may_have_forgotten_it() {
    let (builder, clock) = timed();
    let school = School::open(builder.storage(MemoryStorage::new()).backoff(BACKOFF)).await;
    let advance = |by: Duration| {
        clock.advance(by);
        school.sandbox.clock().advance(by);
    };
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let pay = async |key: &str| {
        let call = school.tenant.request(&school.admin).idempotency_key(key);
        call.execute("stripe", "createPaymentIntent", paying("pm_card_visa")).await
    };
    // Under each key of ours Stripe makes one, as long as it knows the key.
    let paid = || {
        let exchanges = school.sandbox.stripe().recorder().exchanges();
        let keys = exchanges.iter().filter_map(|exchange| exchange.header("idempotency-key").map(str::to_owned));
        keys.collect::<std::collections::BTreeSet<_>>().len()
    };
    school.sandbox.stripe().faults().add(Rule::next(6, Fault::CutAfter).method("POST"));
    for key in ["within", "later"] {
        assert_eq!(pay(key).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    }
    advance(hours(23));
    pay("within").await.unwrap();
    assert_eq!(paid(), 2);
    let before = school.sandbox.stripe().recorder().seen();
    for hours_later in [3, 24 * 20] {
        advance(hours(hours_later));
        let error = pay("later").await.unwrap_err();
        assert_eq!((error.code(), error.retry()), (ErrorCode::OutcomeUnknown, Retry::Unknown));
        assert!(error.message().contains("look whether it did"), "{error}");
        school.manager.delete_expired().await.unwrap();
    }
    assert_eq!(school.sandbox.stripe().recorder().seen(), before, "nothing has left");
    // What is over and known is a name that is free again, for a call of its own.
    pay("within").await.unwrap();
    assert_eq!(paid(), 3);
}

#[tokio::test]
async fn keys_of_two_modes_are_never_mixed() {
    let school = school().await;
    let live = concat!("sk", "_live_", "canary0secret0key0of0the0tenant0");
    for config in [
        json!({ "secret_key": live, "mode": "test" }),
        json!({ "secret_key": live, "publishable_key": concat!("pk", "_test_", "0123456789") }),
    ] {
        let Value::Object(config) = config else { unreachable!() };
        let change = sis_integrations::ConfigChange { enabled: None, config: Some(config), expected_version: None };
        let error = school.tenant.configure_json(&school.admin, "stripe", change).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert!(error.field().unwrap().starts_with("config."), "{error:?}");
        assert!(!format!("{error:?}").contains("canary0"), "{error:?}");
    }
}

#[tokio::test]
async fn a_signed_event_finds_its_school_by_the_secret() {
    let school = school().await;
    let now = school.manager.runtime().now().as_micros() / 1_000_000;
    let body =
        json!({ "id": "evt_1", "object": "event", "type": "invoice.paid", "created": now, "data": { "object": {} } });
    let body = body.to_string();
    let secret = concat!("wh", "sec_", "canary0webhook0secret0of0the0tenant0");
    let send = async |signed_at: i64, body: &str| {
        let signature = sandbox::stripe::sign(secret, signed_at, body.as_bytes());
        let url = "https://sis.example/api/integrations/webhooks/stripe".parse().unwrap();
        let request = sis_integrations::manager::WebhookRequest::new(url, body.to_owned());
        school.manager.receive_webhook("stripe", request.header("Stripe-Signature", signature)).await
    };
    let receipt = send(now, &body).await.unwrap();
    assert_eq!((receipt.tenant.as_str(), receipt.events[0].duplicate), ("school", false));
    assert!(send(now, &body).await.unwrap().events[0].duplicate);
    assert_eq!(send(now - 400, &body).await.unwrap_err().code(), ErrorCode::SignatureStale);
}
