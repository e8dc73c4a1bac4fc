//! What Graph would post to a subscription's address: made here, delivered by the test.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

use super::context::text;
use super::jwt::{self, Registered};
use super::subscriptions::LASTING;
use super::table::Kind;
use super::world::World;
use super::{CLIENT_ID, Microsoft365, TENANT_ID};

/// The platform's own app, in whose name notifications are signed.
const NOTIFIER: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";

impl Microsoft365 {
    /// The body of a notification without the resource; none if there is no such subscription.
    ///
    /// `resource` is what has changed: its `id`, and what else `resourceData` should say.
    pub fn notification(&self, subscription: &str, change: &str, resource: &Value) -> Option<Value> {
        let world = self.world.lock();
        let item = item(&world, subscription, change, resource)?;
        Some(json!({ "value": [item] }))
    }

    /// The body of a notification with the resource, encrypted for the subscription's certificate, and the token that
    /// proves where it comes from; none if there is no such subscription or it has no certificate.
    pub fn rich_notification(&self, subscription: &str, change: &str, resource: &Value) -> Option<Value> {
        let mut world = self.world.lock();
        let mut item = item(&world, subscription, change, resource)?;
        let number = world.number();
        let row = world.table.get(Kind::Subscription, "", subscription)?;
        let certificate = text(&row.value, "encryptionCertificate").and_then(Registered::from_base64)?;
        let name = text(&row.value, "encryptionCertificateId")?;
        item["encryptedContent"] = encrypted(&certificate, name, &resource.to_string(), number)?;
        Some(json!({ "value": [item], "validationTokens": [self.validation_token(CLIENT_ID)] }))
    }

    /// The body of a lifecycle notification: `reauthorizationRequired`, `subscriptionRemoved` or `missed`.
    pub fn lifecycle_notification(&self, subscription: &str, event: &str) -> Option<Value> {
        let world = self.world.lock();
        let mut item = item(&world, subscription, "updated", &json!({}))?;
        if let Some(fields) = item.as_object_mut() {
            fields.remove("changeType");
            fields.remove("resourceData");
        }
        item["lifecycleEvent"] = json!(event);
        Some(json!({ "value": [item] }))
    }

    /// A token as rich notifications carry it, for an app: signed by the platform's key of this sandbox.
    pub fn validation_token(&self, audience: &str) -> String {
        let now = self.clock().now() / 1000;
        jwt::sign(&json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{TENANT_ID}/"),
            "tid": TENANT_ID,
            "appid": NOTIFIER,
            "ver": "1.0",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
        }))
    }
}

/// What a body says of one change to one subscriber.
fn item(world: &World, subscription: &str, change: &str, resource: &Value) -> Option<Value> {
    let row = world.table.get(Kind::Subscription, "", subscription)?;
    let watched = text(&row.value, "resource")?.trim_matches('/');
    let id = text(resource, "id").unwrap_or_default();
    let of_mailbox = world.table.by_id(Kind::Message, id).or_else(|| world.table.by_id(Kind::Event, id)).is_some();
    // The other kind of id, which the operations of who works with lasting ones neither take nor give.
    let changing = of_mailbox && row.value.get(LASTING) != Some(&json!(true));
    let id = if changing { id.replacen("AAMk", "AQMk", 1) } else { id.to_owned() };
    let mut data = json!({ "@odata.id": format!("{watched}/{id}"), "id": id });
    for name in ["@odata.type", "@odata.etag"] {
        if let Some(value) = resource.get(name) {
            data[name] = value.clone();
        }
    }
    Some(json!({
        "subscriptionId": subscription,
        "subscriptionExpirationDateTime": row.value.get("expirationDateTime"),
        "changeType": change,
        "resource": format!("{watched}/{id}").trim_end_matches('/'),
        "resourceData": data,
        "clientState": row.value.get("clientState"),
        "tenantId": TENANT_ID,
    }))
}

/// A resource as only the certificate's holder can read it.
fn encrypted(certificate: &Registered, name: &str, resource: &str, number: u64) -> Option<Value> {
    // Never the same key twice; that it can be guessed hurts nobody here.
    let key: Vec<u8> = (0..4).flat_map(|part| crate::faults::mix(number * 4 + part).to_be_bytes()).collect();
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key, key.get(..16)?).ok()?;
    let data = cipher.encrypt_padded_vec::<Pkcs7>(resource.as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(&data);
    let sealed = certificate.key.oaep_encrypt::<Sha1>(&key).ok()?;
    Some(json!({
        "data": STANDARD.encode(&data),
        "dataSignature": STANDARD.encode(mac.finalize().into_bytes()),
        "dataKey": STANDARD.encode(sealed),
        "encryptionCertificateId": name,
        "encryptionCertificateThumbprint": certificate.sha1,
    }))
}
