//! Keys, accounts, headers, lists, idempotency, customers.

use std::time::Duration;

use reqwest::Method;
use sandbox::stripe::{CONNECTED_ACCOUNT_ID, LIVE_SECRET_KEY, PUBLISHABLE_KEY, SECRET_KEY, VERSION};
use serde_json::{Value, json};

use crate::school::{School, id, refusal};

#[tokio::test]
async fn keys_open_their_own_account_and_mode() {
    let school = School::start().await;
    let customer = school.customer().await;
    let path = format!("/v1/customers/{customer}");
    let with = async |authorization: &str| {
        let header = [("authorization", authorization)];
        let (status, _, body) = school.send(Method::GET, &path, &[], &header).await;
        (status, body)
    };
    let (status, body) = with("Bearer sk_test_unknown000001234").await;
    assert_eq!(status, 401);
    assert_eq!(body["error"]["message"], "Invalid API Key provided: sk_test_************1234");
    assert_eq!(body["error"]["type"], "invalid_request_error");
    assert_eq!(with(&format!("Bearer {PUBLISHABLE_KEY}")).await.0, 401);
    assert_eq!(with(&format!("Bearer {LIVE_SECRET_KEY}")).await.0, 404);
    assert_eq!(with(&format!("Bearer {SECRET_KEY}")).await.0, 200);
    let other = concat!("sk_", "test_", "ofAnotherSchool");
    school.sandbox.stripe().add_key(other);
    assert_eq!(with(&format!("Bearer {other}")).await.0, 404);
    school.sandbox.stripe().remove_key(other);
    assert_eq!(with(&format!("Bearer {other}")).await.0, 401);

    let (status, _, _) = school.send(Method::GET, &path, &[], &[("stripe-account", CONNECTED_ACCOUNT_ID)]).await;
    assert_eq!(status, 404, "a connected account has its own customers");
    let (status, _, body) = school.send(Method::GET, &path, &[], &[("stripe-account", "acct_unknown")]).await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("account_invalid")));
    let live = format!("Bearer {LIVE_SECRET_KEY}");
    let (_, _, made) = school.send(Method::POST, "/v1/customers", &[("name", "x")], &[("authorization", &live)]).await;
    assert_eq!(made["livemode"], true);
    let form = [("amount", "500"), ("currency", "usd"), ("payment_method", "pm_card_visa")];
    let (status, _, body) = school.send(Method::POST, "/v1/payment_intents", &form, &[("authorization", &live)]).await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("payment_method")));
}

#[tokio::test]
async fn answers_carry_their_request_and_version() {
    let school = School::start().await;
    let (_, headers, _) = school.send(Method::GET, "/v1/balance", &[], &[]).await;
    assert!(headers["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(headers["stripe-version"], VERSION);
    let (_, headers, _) = school.send(Method::GET, "/v1/balance", &[], &[("stripe-version", "2024-06-20")]).await;
    assert_eq!(headers["stripe-version"], "2024-06-20");
    let (status, _, _) = school.send(Method::GET, "/v1/balance", &[], &[("stripe-version", "newest")]).await;
    assert_eq!(status, 400);
    assert_eq!(school.get("/v1/nothing").await.0, 404);
}

#[tokio::test]
async fn customers_are_made_changed_found_and_deleted() {
    let school = School::start().await;
    let form = [
        ("email", "ann@school.example"),
        ("metadata[class]", "4b"),
        ("metadata[house]", "red"),
        ("address[city]", "Oslo"),
    ];
    let made = school.made("/v1/customers", &form).await;
    assert_eq!(made["metadata"], json!({ "class": "4b", "house": "red" }));
    assert_eq!((&made["address"]["city"], &made["address"]["line1"]), (&json!("Oslo"), &Value::Null));
    let path = format!("/v1/customers/{}", id(&made));
    let changed = school.made(&path, &[("metadata[house]", ""), ("name", "Ann"), ("email", "")]).await;
    assert_eq!((&changed["metadata"], &changed["email"]), (&json!({ "class": "4b" }), &Value::Null));

    let (_, found) = school.get("/v1/customers/search?query=metadata%5B'class'%5D%3A'4b'").await;
    assert_eq!((&found["object"], &found["data"][0]["id"]), (&json!("search_result"), &made["id"]));
    assert_eq!(school.get("/v1/customers/search?query=class:'4b'").await.0, 400);

    let (status, _, gone) = school.send(Method::DELETE, &path, &[], &[]).await;
    assert_eq!((status, gone), (200, json!({ "id": made["id"], "object": "customer", "deleted": true })));
    assert_eq!(school.get(&path).await.1["deleted"], true);
    assert_eq!(school.get("/v1/customers").await.1["data"], json!([]));
    assert_eq!(school.refused(&path, &[("name", "x")]).await, refusal(404, "resource_missing", "id"));
    assert_eq!(school.refused("/v1/customers", &[("email", "no")]).await, refusal(400, "email_invalid", "email"));
    assert_eq!(
        school.refused("/v1/customers", &[("shoe_size", "9")]).await,
        refusal(400, "parameter_unknown", "shoe_size")
    );
}

#[tokio::test]
async fn lists_are_paged_newest_first() {
    let school = School::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(school.customer().await);
    }
    made.reverse();
    let ids = |page: &Value| page["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>();
    let (_, first) = school.get("/v1/customers?limit=2").await;
    assert_eq!((ids(&first), &first["has_more"]), (made[..2].to_vec(), &json!(true)));
    let (_, rest) = school.get(&format!("/v1/customers?limit=3&starting_after={}", made[1])).await;
    assert_eq!((ids(&rest), &rest["has_more"]), (made[2..].to_vec(), &json!(false)));
    let (_, back) = school.get(&format!("/v1/customers?limit=2&ending_before={}", made[3])).await;
    assert_eq!((ids(&back), &back["has_more"]), (made[1..3].to_vec(), &json!(true)));
    assert_eq!(school.get("/v1/customers?limit=101").await.0, 400);
    assert_eq!(school.get("/v1/customers?limit=0").await.0, 400);
    let (status, body) = school.get("/v1/customers?starting_after=cus_none").await;
    assert_eq!((status, &body["error"]["param"]), (400, &json!("starting_after")));
    assert_eq!(ids(&school.get("/v1/customers?created[gt]=99999999999").await.1), Vec::<String>::new());
    assert_eq!(ids(&school.get("/v1/customers?email=parent@school.example").await.1).len(), 5);
}

#[tokio::test]
async fn an_idempotency_key_answers_once_and_then_again() {
    let school = School::start().await;
    let form = [("amount", "500"), ("currency", "usd")];
    let key = [("idempotency-key", "term-1")];
    let (_, headers, first) = school.send(Method::POST, "/v1/payment_intents", &form, &key).await;
    assert!(!headers.contains_key("idempotent-replayed"));
    let (_, headers, again) = school.send(Method::POST, "/v1/payment_intents", &form, &key).await;
    assert_eq!(headers["idempotent-replayed"], "true");
    assert_eq!(again, first);
    let other = [("amount", "501"), ("currency", "usd")];
    let (status, _, body) = school.send(Method::POST, "/v1/payment_intents", &other, &key).await;
    assert_eq!((status, &body["error"]["type"]), (400, &json!("idempotency_error")));
    let (status, _, _) = school.send(Method::POST, "/v1/customers", &[("name", "x")], &key).await;
    assert_eq!(status, 400);

    // Keys are the account's own.
    let other = [("idempotency-key", "term-1"), ("stripe-account", CONNECTED_ACCOUNT_ID)];
    let (status, _, elsewhere) = school.send(Method::POST, "/v1/payment_intents", &form, &other).await;
    assert!(status == 200 && elsewhere["id"] != first["id"]);

    // A decline is kept, a parameter that made no sense is not.
    let decline = [form[0], form[1], ("payment_method", "pm_card_chargeDeclined"), ("confirm", "true")];
    let key = [("idempotency-key", "term-2")];
    let (_, _, declined) = school.send(Method::POST, "/v1/payment_intents", &decline, &key).await;
    let (status, headers, replayed) = school.send(Method::POST, "/v1/payment_intents", &decline, &key).await;
    assert_eq!(headers["idempotent-replayed"], "true");
    assert_eq!((status, replayed), (402, declined));
    let key = [("idempotency-key", "term-3")];
    let (status, _, _) = school.send(Method::POST, "/v1/payment_intents", &[("amount", "x")], &key).await;
    assert_eq!(status, 400);
    let (status, _, _) = school.send(Method::POST, "/v1/payment_intents", &form, &key).await;
    assert_eq!(status, 200);

    school.sandbox.clock().advance(Duration::from_secs(24 * 60 * 60));
    let (_, headers, later) = school.send(Method::POST, "/v1/payment_intents", &form, &key).await;
    assert!(!headers.contains_key("idempotent-replayed") && later["id"] != first["id"]);
    let long = "k".repeat(256);
    let (status, _, _) = school.send(Method::POST, "/v1/payment_intents", &form, &[("idempotency-key", &long)]).await;
    assert_eq!(status, 400);
}
