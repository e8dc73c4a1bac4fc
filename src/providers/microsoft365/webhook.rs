//! What Graph tells: handshakes, notifications, and what is encrypted in them.
//! <https://learn.microsoft.com/graph/change-notifications-delivery-webhooks>,
//! <https://learn.microsoft.com/graph/change-notifications-with-resource-data>

use std::borrow::Cow;

use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::Oaep;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Microsoft365Config;
use crate::{
    Secret,
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::{Incoming, Webhook, WebhookEvent, WebhookReply, webhook},
    transport::{jwt::PrivateKey, oauth},
};

/// The application that Graph's notifications come from, in every school.
const PUBLISHER: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";
/// The longest token that a handshake echoes.
const LONGEST_HANDSHAKE: usize = 2048;
/// A clock a little behind or ahead does not make a token a forgery.
const SKEW: std::time::Duration = std::time::Duration::from_secs(300);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    value: Vec<Map<String, Value>>,
    #[serde(default)]
    validation_tokens: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sealed {
    data: String,
    data_signature: String,
    data_key: String,
    /// The thumbprint of the certificate, as `subscribe` gave it.
    #[serde(default)]
    encryption_certificate_id: String,
}

fn delivery(body: &[u8]) -> Result<Delivery> {
    serde_json::from_slice(body)
        .map_err(|_| Error::invalid("body", "is not a collection of notifications: an object with value"))
}

/// Where the keys are that Microsoft signs validation tokens with.
pub(super) fn key_set(config: &Microsoft365Config, incoming: &Incoming<'_>) -> Option<Url> {
    token(incoming)?;
    let base = config.base_url.clone().or_else(|| super::config::LOGIN.parse().ok())?;
    base.join("/common/discovery/v2.0/keys").ok()
}

/// The first of the delivery's validation tokens; the others are signed with the same keys.
pub(super) fn token<'a>(incoming: &Incoming<'a>) -> Option<Cow<'a, str>> {
    // Most deliveries hold none, and need not be read twice.
    let name = b"validationTokens";
    incoming.body.windows(name.len()).any(|window| window == name).then_some(())?;
    delivery(incoming.body).ok()?.validation_tokens.into_iter().next().map(Cow::Owned)
}

/// Answers a handshake; verifies notifications, then reads them.
pub(super) fn read(config: &Microsoft365Config, incoming: &Incoming<'_>) -> Result<Webhook> {
    if let Some((_, token)) = incoming.url.query_pairs().find(|(name, _)| name == "validationToken") {
        return handshake(&token);
    }
    let Delivery { value, validation_tokens } = delivery(incoming.body)?;
    let mut events = Vec::with_capacity(value.len());
    let mut refused = None;
    // One delivery may hold notifications of several subscriptions: what is not ours is dropped, the rest is taken.
    for (at, item) in value.into_iter().enumerate() {
        match notification(config, incoming, &validation_tokens, (at, item)) {
            Ok(event) => events.push(event),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if events.is_empty() => Err(error),
        _ => Ok(Webhook::Events(events)),
    }
}

/// Graph asks whether the address is ours by having its own words back.
fn handshake(token: &str) -> Result<Webhook> {
    if token.is_empty() || token.len() > LONGEST_HANDSHAKE || token.contains(char::is_control) {
        return Err(Error::invalid("validationToken", "is not a token of Graph's"));
    }
    Ok(Webhook::Handshake(WebhookReply { status: 200, content_type: "text/plain", body: token.to_owned() }))
}

fn notification(
    config: &Microsoft365Config,
    incoming: &Incoming<'_>,
    tokens: &[String],
    (at, mut item): (usize, Map<String, Value>),
) -> Result<WebhookEvent> {
    let Some(Value::String(state)) = item.remove("clientState") else {
        return Err(Error::new(ErrorCode::SignatureMissing, "the notification has no clientState"));
    };
    let (channel, secret) = state.split_once('.').unwrap_or((&state, ""));
    incoming.check_channel(channel, secret)?;
    let text =
        |item: &Map<String, Value>, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let school = text(&item, "tenantId");
    // A school may be configured by its domain; Graph always names it by its id.
    let by_id = config.tenant_id.len() == 36 && !config.tenant_id.contains('.');
    if by_id && !school.is_empty() && !school.eq_ignore_ascii_case(&config.tenant_id) {
        return Err(Error::new(ErrorCode::SignatureInvalid, "the notification is of another organization"));
    }
    let lifecycle = text(&item, "lifecycleEvent");
    if !lifecycle.is_empty() {
        let event =
            WebhookEvent::new(id_of(&item, at, incoming.now), format!("lifecycle.{lifecycle}"), Value::Object(item));
        return Ok(match lifecycle.as_str() {
            // Both are mended by renewing: where the subscription is gone, that makes it anew.
            "reauthorizationRequired" | "subscriptionRemoved" => event.renews(channel),
            _ => event,
        });
    }
    if let Some(sealed) = item.remove("encryptedContent") {
        check_tokens(config, incoming, tokens, &school)?;
        let sealed = serde_json::from_value(sealed)
            .map_err(|_| Error::invalid("body", "has an encryptedContent that is not as documented"))?;
        item.insert("content".to_owned(), open(config, &sealed)?);
    }
    let kind = type_of(&item).unwrap_or_else(|| "resource".to_owned());
    let kind = format!("{kind}.{}", text(&item, "changeType"));
    Ok(WebhookEvent::new(id_of(&item, at, incoming.now), kind, Value::Object(item)))
}

/// `message` of `#Microsoft.Graph.Message`.
fn type_of(item: &Map<String, Value>) -> Option<String> {
    let name = item.get("resourceData")?.get("@odata.type")?.as_str()?;
    let mut letters = name.rsplit('.').next()?.chars();
    let first = letters.next()?;
    Some(first.to_lowercase().chain(letters).collect())
}

/// Graph gives most notifications no id. One that names a state of the resource is the same however often it comes; of one
/// that does not, each is new, those of one delivery too: to hear of a change twice is better than not to hear of the second.
fn id_of(item: &Map<String, Value>, at: usize, now: Timestamp) -> String {
    if let Some(id) = item.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
        return id.to_owned();
    }
    let etag = item.get("resourceData").and_then(|data| data.get("@odata.etag"));
    let mut hash = Sha256::new();
    for name in ["subscriptionId", "changeType", "resource", "lifecycleEvent"] {
        hash.update(item.get(name).and_then(Value::as_str).unwrap_or_default());
        hash.update([0]);
    }
    match etag.and_then(Value::as_str) {
        Some(etag) => hash.update(etag),
        None => {
            hash.update(now.as_micros().to_be_bytes());
            hash.update(at.to_be_bytes());
        }
    }
    hex::encode(hash.finalize())
}

/// Every validation token must be Microsoft's, for this application, from Graph; one must be for the school.
fn check_tokens(config: &Microsoft365Config, incoming: &Incoming<'_>, tokens: &[String], school: &str) -> Result<()> {
    let refuse = |why: &str| Error::new(ErrorCode::SignatureInvalid, format!("a validation token {why}"));
    if tokens.is_empty() {
        return Err(Error::new(ErrorCode::SignatureMissing, "encrypted notifications come without validation tokens"));
    }
    let keys = incoming.keys.ok_or_else(|| {
        Error::new(ErrorCode::VendorUnavailable, "Microsoft's public keys cannot be had at the moment")
    })?;
    let mut of_school = false;
    for token in tokens {
        let claims = keys.verify(token)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        if !same_id(text("aud"), &config.client_id) {
            return Err(refuse("is for another application"));
        }
        let publisher = if text("appid").is_empty() { text("azp") } else { text("appid") };
        if !same_id(publisher, PUBLISHER) {
            return Err(refuse("is not of Graph's notifications"));
        }
        let issuers =
            [format!("https://sts.windows.net/{school}/"), format!("https://login.microsoftonline.com/{school}/v2.0")];
        of_school |= issuers.iter().any(|issuer| issuer.eq_ignore_ascii_case(text("iss")));
        let seconds = |name: &str| claims.get(name).and_then(Value::as_i64).and_then(|it| it.checked_mul(1_000_000));
        let holds = seconds("exp").is_some_and(|at| Timestamp::from_micros(at).after(SKEW) >= incoming.now)
            && seconds("nbf").is_none_or(|at| Timestamp::from_micros(at).before(SKEW) <= incoming.now);
        if !holds {
            return Err(Error::new(ErrorCode::SignatureStale, "a validation token does not hold at this time"));
        }
    }
    if of_school { Ok(()) } else { Err(refuse("for this organization is lacking")) }
}

/// Whether two ids of Microsoft's are one: GUIDs, which may be written in capitals or not.
fn same_id(one: &str, other: &str) -> bool {
    match (Uuid::try_parse(one), Uuid::try_parse(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// The key of the certificate of that thumbprint, which may be the one of before; of the settings' own where Graph names none.
fn key_of<'a>(config: &'a Microsoft365Config, thumbprint: &str) -> Result<&'a Secret<String>> {
    let lacks =
        |field: &str, why: &str| Error::new(ErrorCode::NotConfigured, why).with_field(format!("config.{field}"));
    let Some(key) = &config.notification_key else {
        return Err(lacks(
            "notification_key",
            "the notification is encrypted, and the settings have no key to open it",
        ));
    };
    let pairs = [
        (&config.notification_certificate, Some(key)),
        (&config.previous_notification_certificate, config.previous_notification_key.as_ref()),
    ];
    for (certificate, key) in pairs {
        if let (Some(certificate), Some(key)) = (certificate, key)
            && (thumbprint.is_empty() || oauth::thumbprint(certificate)? == thumbprint)
        {
            return Ok(key);
        }
    }
    if thumbprint.is_empty() || config.notification_certificate.is_none() {
        return Ok(key);
    }
    let why = "the notification is encrypted to another certificate than the settings have: its subscription is of before they \
               were changed, and is made anew when it is renewed. Until then the certificate and the key of before belong under \
               previous_notification_certificate and previous_notification_key";
    Err(lacks("notification_certificate", why))
}

/// The content: its key is encrypted to our certificate, it is signed with that key, then encrypted with it.
fn open(config: &Microsoft365Config, sealed: &Sealed) -> Result<Value> {
    // One word for all that can be wrong inside: an attacker learns nothing of where it failed.
    let bad = || {
        Error::new(ErrorCode::SignatureInvalid, "the encrypted content was not made for this school, or was changed")
    };
    let private = PrivateKey::from_pem(key_of(config, &sealed.encryption_certificate_id)?.expose())?;
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| bad());
    let (data, signature) = (decode(&sealed.data)?, decode(&sealed.data_signature)?);
    let wrapped = decode(&sealed.data_key)?;
    let key = private.rsa().decrypt(Oaep::<sha1::Sha1>::new(), &wrapped).map_err(|_| bad())?;
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(key.try_into().map_err(|_| bad())?);
    if !webhook::equal(&webhook::hmac_sha256(&*key, &[&data]), &signature) {
        return Err(bad());
    }
    let start: [u8; 16] = key.first_chunk().copied().ok_or_else(bad)?;
    let cipher = cbc::Decryptor::<aes::Aes256>::new((&*key).into(), &start.into());
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(&data).map(Zeroizing::new).map_err(|_| bad())?;
    serde_json::from_slice(&plain).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::transport::{Headers, jwt::KeySet};

    const SCHOOL: &str = "11111111-2222-3333-4444-555555555555";
    const CLIENT: &str = "aaaaaaaa-2222-3333-4444-bbbbbbbbbbbb";

    fn config() -> Microsoft365Config {
        let mut config = Microsoft365Config::new(SCHOOL, CLIENT).client_secret("a-secret-of-tests");
        config.notification_key = Some(include_str!("../../../tests/golden/jwt/key.pem").into());
        config
    }

    fn take(url: &str, body: &[u8], keys: Option<&KeySet>) -> Result<Webhook> {
        let (url, headers) = (url.parse().unwrap(), Headers::default());
        let secret = |id: &str| format!("secret-{id}");
        let now = Timestamp::from_micros(1_764_000_000_000_000);
        let incoming = Incoming::new(&url, &headers, body, now).with_channels(&secret).with_keys(keys);
        read(&config(), &incoming)
    }

    fn events(body: &Value) -> Result<Vec<WebhookEvent>> {
        match take("https://sis.example/hook", body.to_string().as_bytes(), None)? {
            Webhook::Events(events) => Ok(events),
            Webhook::Handshake(_) => panic!("not a handshake"),
        }
    }

    fn item(state: &str, etag: &str) -> Value {
        json!({
            "subscriptionId": "s-1", "clientState": state, "changeType": "created", "tenantId": SCHOOL,
            "resource": "users/u-1/messages/m-1", "subscriptionExpirationDateTime": "2026-11-26T00:00:00Z",
            "resourceData": { "id": "m-1", "@odata.type": "#Microsoft.Graph.Message", "@odata.etag": etag },
        })
    }

    #[test]
    fn a_handshake_is_answered_with_its_own_words() {
        let url = "https://sis.example/hook?route=r&validationToken=Validation%3A+Testing+client%3A+a%2Bb";
        let Webhook::Handshake(reply) = take(url, b"", None).unwrap() else { panic!("a handshake") };
        assert_eq!((reply.status, reply.content_type), (200, "text/plain"));
        assert_eq!(reply.body, "Validation: Testing client: a+b");
        for bad in ["", "%0d%0aSet-Cookie", &"a".repeat(2049)] {
            let url = format!("https://sis.example/hook?validationToken={bad}");
            assert_eq!(take(&url, b"", None).unwrap_err().field(), Some("validationToken"));
        }
    }

    #[test]
    fn each_notification_is_known_by_its_own_secret() {
        let body =
            json!({ "value": [item("c-1.secret-c-1", "e-1"), item("c-1.secret-c-2", "e-2"), item("c-1", "e-3")] });
        let taken = events(&body).unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].kind, "message.created");
        assert!(!taken[0].data.to_string().contains("secret-c-1"));
        assert_eq!(events(&body).unwrap()[0].id, taken[0].id);
        let other = json!({ "value": [item("c-1.secret-c-1", "e-4")] });
        assert_ne!(events(&other).unwrap()[0].id, taken[0].id);

        let forged = json!({ "value": [item("c-1.secret-c-9", "e-1")] });
        assert_eq!(events(&forged).unwrap_err().code(), ErrorCode::SignatureInvalid);
        let mut bare = item("", "e-1");
        bare.as_object_mut().unwrap().remove("clientState");
        assert_eq!(events(&json!({ "value": [bare] })).unwrap_err().code(), ErrorCode::SignatureMissing);
        let mut foreign = item("c-1.secret-c-1", "e-1");
        foreign["tenantId"] = json!("99999999-2222-3333-4444-555555555555");
        assert_eq!(events(&json!({ "value": [foreign] })).unwrap_err().code(), ErrorCode::SignatureInvalid);
        assert_eq!(events(&json!({ "values": [] })).unwrap_err().field(), Some("body"));
    }

    #[test]
    fn two_of_one_delivery_that_name_no_state_are_two() {
        let mut bare = item("c-1.secret-c-1", "e-1");
        bare["resourceData"].as_object_mut().unwrap().remove("@odata.etag");
        let taken = events(&json!({ "value": [bare, bare] })).unwrap();
        assert_eq!(taken.len(), 2);
        assert_ne!(taken[0].id, taken[1].id);
        // One that names a state is the same wherever it stands.
        let named = item("c-1.secret-c-1", "e-1");
        let taken = events(&json!({ "value": [named, named] })).unwrap();
        assert_eq!(taken[0].id, taken[1].id);
    }

    #[test]
    fn a_subscription_in_need_is_renewed() {
        for (event, renews) in
            [("reauthorizationRequired", Some("c-1")), ("subscriptionRemoved", Some("c-1")), ("missed", None)]
        {
            let body = json!({ "value": [{
                "subscriptionId": "s-1", "clientState": "c-1.secret-c-1", "tenantId": SCHOOL, "lifecycleEvent": event,
            }] });
            let taken = events(&body).unwrap();
            assert_eq!(taken[0].kind, format!("lifecycle.{event}"));
            assert_eq!(taken[0].renews.as_deref(), renews);
        }
    }

    /// Encrypted by OpenSSL: see tests/golden/graph/README.md.
    fn sealed() -> Value {
        serde_json::from_str(include_str!("../../../tests/golden/graph/sealed.json")).unwrap()
    }

    #[test]
    fn what_openssl_encrypted_is_opened_and_any_change_is_seen() {
        let good: Sealed = serde_json::from_value(sealed()).unwrap();
        assert_eq!(open(&config(), &good).unwrap()["subject"], "Elternabend am Donnerstag");
        for field in ["data", "dataSignature", "dataKey"] {
            let mut changed = sealed();
            let mut bytes = STANDARD.decode(changed[field].as_str().unwrap()).unwrap();
            bytes[3] ^= 1;
            changed[field] = json!(STANDARD.encode(bytes));
            let changed: Sealed = serde_json::from_value(changed).unwrap();
            assert_eq!(open(&config(), &changed).unwrap_err().code(), ErrorCode::SignatureInvalid, "{field}");
        }
        let keyless = Microsoft365Config::new(SCHOOL, CLIENT).client_secret("a-secret-of-tests");
        assert_eq!(open(&keyless, &good).unwrap_err().field(), Some("config.notification_key"));
    }

    fn encrypted(token: Option<String>) -> Value {
        let mut item = item("c-1.secret-c-1", "e-1");
        item["encryptedContent"] = sealed();
        json!({ "value": [item], "validationTokens": token.into_iter().collect::<Vec<_>>() })
    }

    #[test]
    fn encrypted_content_wants_a_token_of_graphs_for_this_school() {
        let keys: KeySet = serde_json::from_str(include_str!("../../../tests/golden/jwt/jwks.json")).unwrap();
        let key = PrivateKey::from_pem(include_str!("../../../tests/golden/jwt/key.pem")).unwrap();
        let claims = json!({
            "aud": CLIENT, "appid": PUBLISHER, "iss": format!("https://sts.windows.net/{SCHOOL}/"),
            "exp": 1_764_003_600, "nbf": 1_764_000_000,
        });
        let with = |changes: Value| {
            let mut claims = claims.clone();
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            let token = key.sign(&[("kid", "openssl-1")], &claims).unwrap();
            take("https://sis.example/hook", encrypted(Some(token)).to_string().as_bytes(), Some(&keys))
        };
        let Webhook::Events(taken) = with(json!({})).unwrap() else { panic!("events") };
        assert_eq!(taken[0].data["content"]["subject"], "Elternabend am Donnerstag");
        for (changes, code) in [
            (json!({ "aud": "client-2" }), ErrorCode::SignatureInvalid),
            (json!({ "aud": "cccccccc-2222-3333-4444-bbbbbbbbbbbb" }), ErrorCode::SignatureInvalid),
            (json!({ "appid": "11111111-0000-0000-0000-000000000000" }), ErrorCode::SignatureInvalid),
            (
                json!({ "iss": "https://sts.windows.net/99999999-2222-3333-4444-555555555555/" }),
                ErrorCode::SignatureInvalid,
            ),
            (json!({ "exp": 1_763_000_000 }), ErrorCode::SignatureStale),
            (json!({ "nbf": 1_765_000_000 }), ErrorCode::SignatureStale),
        ] {
            assert_eq!(with(changes.clone()).unwrap_err().code(), code, "{changes}");
        }
        assert!(with(json!({ "appid": "", "azp": PUBLISHER })).is_ok());
        assert!(with(json!({ "aud": CLIENT.to_uppercase(), "appid": PUBLISHER.to_uppercase() })).is_ok());
        let bare = take("https://sis.example/hook", encrypted(None).to_string().as_bytes(), Some(&keys));
        assert_eq!(bare.unwrap_err().code(), ErrorCode::SignatureMissing);
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body: Vec<u8>, data in "[A-Za-z0-9+/=]{0,64}") {
            let _ = take("https://sis.example/hook", &body, None);
            let (data_signature, data_key) = (data.clone(), data.clone());
            let sealed = Sealed { data, data_signature, data_key, encryption_certificate_id: String::new() };
            prop_assert!(open(&config(), &sealed).is_err());
        }
    }
}
