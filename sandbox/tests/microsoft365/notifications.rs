//! Subscriptions, and what is posted to their addresses.

use std::sync::Arc;
use std::time::Duration;

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rsa::pkcs8::DecodePrivateKey;
use rsa::{BoxedUint, PrivateKey, PublicKey};
use sandbox::microsoft365::{CERTIFICATE, CERTIFICATE_KEY, CLIENT_ID, TEACHER_ID, TENANT_ID};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::tenant::{Tenant, reply};

const HOUR: i64 = 3600;

fn in_hours(tenant: &Tenant, hours: i64) -> String {
    jiff::Timestamp::from_second(tenant.sandbox.clock().now() / 1000 + hours * HOUR).expect("a moment").to_string()
}

fn subscription(tenant: &Tenant) -> Value {
    json!({
        "changeType": "created,updated",
        "notificationUrl": "https://sis.example/hooks",
        "resource": format!("/users/{TEACHER_ID}/messages"),
        "expirationDateTime": in_hours(tenant, 2),
        "clientState": "only we know",
    })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

#[tokio::test]
async fn a_subscription_lives_until_its_time_unless_it_is_renewed() {
    let tenant = Tenant::start().await;
    tenant.sandbox.clock().freeze();
    let made = tenant.made(&tenant.app, "/subscriptions", subscription(&tenant)).await;
    assert_eq!(made.body["clientState"], "only we know");
    let path = format!("/subscriptions/{}", made.id());
    assert_eq!(tenant.get(&tenant.app, &path).await.body["clientState"], Value::Null, "told to its maker only");
    let renewed = tenant.patch(&tenant.app, &path, json!({ "expirationDateTime": in_hours(&tenant, 4) })).await;
    assert_eq!(renewed.status, 200);
    tenant.sandbox.clock().advance(Duration::from_secs(3 * 3600));
    let app = tenant.app_token().await;
    assert_eq!(tenant.get(&app, "/subscriptions").await.each("id"), [made.id()]);
    let twice = tenant.post(&app, "/subscriptions", subscription(&tenant)).await;
    assert_eq!(twice.code(), (409, "ExtensionError"));
    assert_eq!(tenant.send(&app, reqwest::Method::POST, &format!("{path}/reauthorize"), None).await.status, 204);
    tenant.sandbox.clock().advance(Duration::from_secs(3600));
    let app = tenant.app_token().await;
    assert!(tenant.get(&app, "/subscriptions").await.value().is_empty());
    let late = tenant.patch(&app, &path, json!({ "expirationDateTime": in_hours(&tenant, 4) })).await;
    assert_eq!(late.code(), (404, "ResourceNotFound"));
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused() {
    let tenant = Tenant::start().await;
    let body = subscription(&tenant);
    let chats = with(body.clone(), "resource", json!("/teams/t/channels/c/messages"));
    for (wrong, code) in [
        (with(body.clone(), "changeType", json!("renamed")), "InvalidRequest"),
        (with(body.clone(), "notificationUrl", json!("http://sis.example/hooks")), "InvalidRequest"),
        (with(body.clone(), "clientState", json!("x".repeat(129))), "InvalidRequest"),
        (with(body.clone(), "expirationDateTime", json!(in_hours(&tenant, -1))), "InvalidRequest"),
        (with(body.clone(), "expirationDateTime", json!(in_hours(&tenant, 24 * 8))), "ExtensionError"),
        (with(body.clone(), "resource", json!("/me/drive/root")), "InvalidRequest"),
        (with(body.clone(), "includeResourceData", json!(true)), "Request_BadRequest"),
        (chats, "InvalidRequest"),
    ] {
        let refused = tenant.post(&tenant.app, "/subscriptions", wrong.clone()).await;
        assert_eq!(refused.code(), (400, code), "{wrong}");
    }
    tenant.graph().grant_roles(&["User.Read.All"]);
    let app = tenant.app_token().await;
    assert_eq!(tenant.post(&app, "/subscriptions", body).await.code(), (403, "ErrorAccessDenied"));
    assert!(tenant.graph().subscriptions().is_empty());
}

/// A receiver that answers one request with what the closure makes of its first line.
async fn receiver(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/hooks?school=7", listener.local_addr().expect("an address"));
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 8192];
            let length = stream.read(&mut bytes).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let body = answer(text.lines().next().unwrap_or(""));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_proves_itself_before_the_subscription_is_made() {
    let tenant = Tenant::start().await;
    tenant.graph().validate_subscriptions(true);
    let honest = receiver(|line| {
        let target = line.split(' ').nth(1).unwrap_or("");
        let url = reqwest::Url::parse(&format!("http://here{target}")).expect("an address");
        assert!(url.query_pairs().any(|(name, value)| name == "school" && value == "7"), "{url}");
        url.query_pairs()
            .find(|(name, _)| name == "validationToken")
            .map_or_else(String::new, |(_, token)| token.into_owned())
    });
    let made = with(subscription(&tenant), "notificationUrl", json!(honest.await));
    assert_eq!(tenant.post(&tenant.app, "/subscriptions", made).await.status, 201);
    let dull = with(subscription(&tenant), "notificationUrl", json!(receiver(|_| "ok".to_owned()).await));
    assert_eq!(tenant.post(&tenant.app, "/subscriptions", dull).await.code(), (400, "ValidationError"));
    assert_eq!(tenant.graph().subscriptions().len(), 1);
}

#[tokio::test]
async fn a_plain_notification_names_the_resource_and_the_state() {
    let tenant = Tenant::start().await;
    let id = tenant.made(&tenant.app, "/subscriptions", subscription(&tenant)).await.id();
    let resource = json!({ "id": "m-1", "@odata.type": "#microsoft.graph.message" });
    let body = tenant.graph().notification(&id, "created", &resource).expect("a body");
    let item = &body["value"][0];
    assert_eq!((&item["clientState"], &item["tenantId"]), (&json!("only we know"), &json!(TENANT_ID)));
    assert_eq!(item["resource"], format!("users/{TEACHER_ID}/messages/m-1"));
    assert_eq!(item["resourceData"]["id"], "m-1");
    // Which kind of id it is, the request has said that made the subscription: this one said nothing.
    let messages = format!("/users/{TEACHER_ID}/messages");
    let draft = tenant.made(&tenant.app, &messages, json!({ "subject": "Trip" })).await.id();
    let body = tenant.graph().notification(&id, "created", &json!({ "id": draft })).expect("a body");
    assert_ne!(body["value"][0]["resourceData"]["id"], draft);
    let ended = tenant.graph().lifecycle_notification(&id, "subscriptionRemoved").expect("a body");
    assert_eq!(
        (&ended["value"][0]["lifecycleEvent"], &ended["value"][0]["changeType"]),
        (&json!("subscriptionRemoved"), &Value::Null)
    );
    assert_eq!(tenant.graph().notification("none", "created", &resource), None);
}

#[tokio::test]
async fn a_rich_notification_can_be_read_by_the_certificates_holder_alone() {
    let tenant = Tenant::start().await;
    let der: String = CERTIFICATE.lines().filter(|line| !line.starts_with("-----")).collect();
    let mut body = subscription(&tenant);
    body["includeResourceData"] = json!(true);
    body["encryptionCertificate"] = json!(&der);
    body["encryptionCertificateId"] = json!("2026-11");
    let made = tenant.made(&tenant.app, "/subscriptions", body).await;
    assert_eq!(made.body["encryptionCertificate"], Value::Null);
    let resource = json!({ "id": "m-1", "subject": "Trip on Friday" });
    let told = tenant.graph().rich_notification(&made.id(), "created", &resource).expect("a body");
    let content = &told["value"][0]["encryptedContent"];
    let bytes = |name: &str| STANDARD.decode(content[name].as_str().expect("text")).expect("base64");
    assert_eq!(content["encryptionCertificateId"], "2026-11");
    let thumbprint = Sha1::digest(STANDARD.decode(&der).expect("base64"));
    let hex: String = thumbprint.iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(content["encryptionCertificateThumbprint"], hex);

    let key = PrivateKey::from_pkcs8_pem(CERTIFICATE_KEY).expect("a key");
    let key = key.oaep_decrypt::<Sha1>(&bytes("dataKey")).expect("the symmetric key");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    mac.update(&bytes("data"));
    mac.verify_slice(&bytes("dataSignature")).expect("the signature");
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key, &key[..16]).expect("a cipher");
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&bytes("data")).expect("plain text");
    assert_eq!(serde_json::from_slice::<Value>(&plain).expect("JSON"), resource);
}

#[tokio::test]
async fn validation_tokens_are_signed_with_the_published_key() {
    let tenant = Tenant::start().await;
    let found = reply(tenant.http.get(tenant.at("/common/v2.0/.well-known/openid-configuration"))).await;
    let keys = reply(tenant.http.get(found.body["jwks_uri"].as_str().expect("an address"))).await;
    let number = |name: &str| {
        let text = keys.body["keys"][0][name].as_str().expect("a number");
        BoxedUint::from_be_slice_vartime(&URL_SAFE_NO_PAD.decode(text).expect("base64"))
    };
    let key = PublicKey::new(number("n"), number("e")).expect("a key");
    let token = tenant.graph().validation_token(CLIENT_ID);
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    key.pkcs1v15_verify::<Sha256>(signed.as_bytes(), &signature).expect("the platform's signature");
    let part = |at: usize| -> Value {
        let part = signed.split('.').nth(at).expect("a part");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    };
    assert_eq!(part(0)["kid"], keys.body["keys"][0]["kid"]);
    assert_eq!(
        (&part(1)["aud"], &part(1)["appid"]),
        (&json!(CLIENT_ID), &json!("0bf30f3b-4a52-48df-9a82-234910c4a086"))
    );
    assert_eq!(part(1)["iss"], format!("https://sts.windows.net/{TENANT_ID}/"));
}
