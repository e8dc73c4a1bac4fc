//! Payment intents, refunds, the balance.

use std::time::Duration;

use serde_json::{Value, json};

use crate::school::{Form, School, id, refusal};

#[tokio::test]
async fn a_payment_goes_its_way() {
    let school = School::start().await;
    let intent = school.made("/v1/payment_intents", &[("amount", "1250"), ("currency", "USD")]).await;
    assert_eq!((&intent["status"], &intent["currency"]), (&json!("requires_payment_method"), &json!("usd")));
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let confirm = format!("{path}/confirm");
    assert_eq!(school.refused(&confirm, &[]).await.1, "payment_intent_unexpected_state");
    let set = school.made(&path, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(set["status"], "requires_confirmation");
    let paid = school.made(&confirm, &[]).await;
    assert_eq!((&paid["status"], &paid["amount_received"]), (&json!("succeeded"), &json!(1250)));
    assert_eq!(school.refused(&confirm, &[]).await, refusal(400, "payment_intent_unexpected_state", ""));
    assert_eq!(school.refused(&format!("{path}/cancel"), &[]).await.1, "payment_intent_unexpected_state");
    let (_, shown) = school.get(&format!("{path}?expand[]=latest_charge&expand[]=payment_method")).await;
    assert_eq!(shown["latest_charge"]["amount_captured"], 1250);
    assert_eq!(shown["payment_method"]["card"]["last4"], "4242");
    assert_eq!(school.get(&format!("{path}?expand[]=shoe")).await.0, 400);
    assert_eq!(school.get("/v1/payment_intents/pi_none").await.1["error"]["param"], "intent");
    let kinds: Vec<Value> = school.sandbox.stripe().events().iter().map(|event| event["type"].clone()).collect();
    assert_eq!(kinds, ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]);
}

#[tokio::test]
async fn a_payment_can_be_held_and_captured_in_part() {
    let school = School::start().await;
    let form = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("payment_method", "pm_card_visa"),
        ("confirm", "true"),
    ];
    let held = school.made("/v1/payment_intents", &form).await;
    assert_eq!((&held["status"], &held["amount_capturable"]), (&json!("requires_capture"), &json!(1000)));
    let path = format!("/v1/payment_intents/{}", id(&held));
    let capture = format!("{path}/capture");
    let too_much = school.refused(&capture, &[("amount_to_capture", "1001")]).await;
    assert_eq!(too_much, refusal(400, "amount_too_large", "amount_to_capture"));
    let taken = school.made(&capture, &[("amount_to_capture", "600")]).await;
    assert_eq!((&taken["status"], &taken["amount_received"]), (&json!("succeeded"), &json!(600)));
    assert_eq!(school.refused(&capture, &[]).await.1, "payment_intent_unexpected_state");
    let intent = id(&held);
    assert_eq!(school.refused("/v1/refunds", &[("payment_intent", &intent), ("amount", "601")]).await.2, "amount");
    assert_eq!(school.made("/v1/refunds", &[("payment_intent", &intent)]).await["amount"], 600);

    let held = school.made("/v1/payment_intents", &form).await;
    let cancel = format!("/v1/payment_intents/{}/cancel", id(&held));
    assert_eq!(school.refused(&cancel, &[("cancellation_reason", "bored")]).await.2, "cancellation_reason");
    let canceled = school.made(&cancel, &[("cancellation_reason", "duplicate")]).await;
    assert_eq!((&canceled["status"], &canceled["amount_capturable"]), (&json!("canceled"), &json!(0)));
}

#[tokio::test]
async fn issuers_decline_or_ask() {
    let school = School::start().await;
    let form = [("amount", "500"), ("currency", "usd"), ("confirm", "true")];
    let with = |card: &'static str| [form[0], form[1], form[2], ("payment_method", card)];
    let (status, body) = school.post("/v1/payment_intents", &with("pm_card_chargeDeclined")).await;
    let error = &body["error"];
    assert_eq!((status, &error["type"], &error["code"]), (402, &json!("card_error"), &json!("card_declined")));
    assert_eq!(error["decline_code"], "generic_decline");
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    let intent = id(&error["payment_intent"]);
    let retried =
        school.made(&format!("/v1/payment_intents/{intent}/confirm"), &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(retried["status"], "succeeded");
    let (_, body) = school.post("/v1/payment_intents", &with("pm_card_chargeDeclinedInsufficientFunds")).await;
    assert_eq!(body["error"]["decline_code"], "insufficient_funds");
    assert_eq!(
        school.refused("/v1/payment_intents", &with("pm_card_none")).await,
        refusal(400, "resource_missing", "payment_method")
    );

    let asks = with("pm_card_authenticationRequired");
    let waiting = school.made("/v1/payment_intents", &asks).await;
    assert_eq!(
        (&waiting["status"], &waiting["next_action"]["type"]),
        (&json!("requires_action"), &json!("use_stripe_sdk"))
    );
    let done = school.sandbox.stripe().authenticate(&id(&waiting)).unwrap();
    assert_eq!(done["status"], "succeeded");
    assert!(school.sandbox.stripe().authenticate(&id(&waiting)).is_err());
    let mut alone = asks.to_vec();
    alone.push(("off_session", "true"));
    assert_eq!(school.refused("/v1/payment_intents", &alone).await, refusal(402, "authentication_required", ""));
}

#[tokio::test]
async fn amounts_and_currencies_have_bounds() {
    let school = School::start().await;
    let with = async |amount: &str, currency: &str| {
        school.refused("/v1/payment_intents", &[("amount", amount), ("currency", currency)]).await
    };
    assert_eq!(with("0", "usd").await, refusal(400, "parameter_invalid_integer", "amount"));
    assert_eq!(with("-1", "usd").await, refusal(400, "parameter_invalid_integer", "amount"));
    assert_eq!(with("0.5", "usd").await, refusal(400, "parameter_invalid_integer", "amount"));
    assert_eq!(with("49", "usd").await, refusal(400, "amount_too_small", "amount"));
    assert_eq!(with("1000000000000000", "usd").await, refusal(400, "amount_too_large", "amount"));
    assert_eq!(with("99999999999999999999", "usd").await, refusal(400, "parameter_invalid_integer", "amount"));
    assert_eq!(with("500", "zzz").await, refusal(400, "", "currency"));
    assert_eq!(
        school.refused("/v1/payment_intents", &[("amount", "500")]).await,
        refusal(400, "parameter_missing", "currency")
    );
    assert_eq!(
        school.refused("/v1/payment_intents", &[("currency", "usd")]).await,
        refusal(400, "parameter_missing", "amount")
    );
}

#[tokio::test]
async fn refunds_come_out_of_what_was_paid() {
    let school = School::start().await;
    let paid = school.paid("1000").await;
    let intent = id(&paid);
    let refund = async |form: Form<'_>| school.post("/v1/refunds", form).await;
    let part = school.made("/v1/refunds", &[("payment_intent", &intent), ("amount", "300")]).await;
    assert_eq!((&part["status"], &part["charge"]), (&json!("succeeded"), &paid["latest_charge"]));
    let (status, body) = refund(&[("payment_intent", &intent), ("amount", "701")]).await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("amount")));
    let charge = paid["latest_charge"].as_str().unwrap();
    assert_eq!(school.made("/v1/refunds", &[("charge", charge)]).await["amount"], 700);
    let (_, body) = refund(&[("charge", charge)]).await;
    assert_eq!(body["error"]["code"], "charge_already_refunded");
    assert_eq!(school.refused("/v1/refunds", &[]).await.1, "parameter_missing");
    assert_eq!(
        school.refused("/v1/refunds", &[("payment_intent", "pi_none")]).await,
        refusal(400, "resource_missing", "payment_intent")
    );
    let (_, list) = school.get(&format!("/v1/refunds?payment_intent={intent}")).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(school.get(&format!("/v1/refunds/{}", id(&part))).await.1["amount"], 300);
    let unpaid = id(&school.made("/v1/payment_intents", &[("amount", "500"), ("currency", "usd")]).await);
    assert_eq!(school.refused("/v1/refunds", &[("payment_intent", &unpaid)]).await.2, "payment_intent");
}

#[tokio::test]
async fn the_balance_is_what_was_taken_and_not_given_back() {
    let school = School::start().await;
    let intent = id(&school.paid("1000").await);
    school.made("/v1/refunds", &[("payment_intent", &intent), ("amount", "400")]).await;
    let sums = async || {
        let (_, balance) = school.get("/v1/balance").await;
        (balance["available"][0]["amount"].clone(), balance["pending"][0]["amount"].clone())
    };
    assert_eq!(sums().await, (json!(0), json!(600)));
    school.sandbox.clock().advance(Duration::from_secs(2 * 24 * 60 * 60));
    assert_eq!(sums().await, (json!(600), json!(0)));
}
