//! What the vendor sends on its own: signed tokens with pushed messages, and the keys to check them with.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::{Method, StatusCode};
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Sign, PrivateKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::keys::{PUSH_KEY, PUSH_KEY_ID, PUSH_MODULUS};
use crate::exchange::{Answer, Request};

/// How long a token holds, in seconds.
const LIFE: i64 = 3600;

/// Answers with the public keys; none for any other request.
pub(super) fn certs(request: &Request) -> Option<Answer> {
    let asked = request.method == Method::GET && request.path() == "/oauth2/v3/certs";
    let key = json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": PUSH_KEY_ID, "n": PUSH_MODULUS, "e": "AQAB" });
    asked.then(|| Answer::json(StatusCode::OK, &json!({ "keys": [key] })))
}

/// The token that Pub/Sub sends with a message. None only if the key in this crate is broken.
pub(super) fn token(audience: &str, email: &str, now_ms: i64) -> Option<String> {
    let key = PrivateKey::from_pkcs8_der(&STANDARD.decode(PUSH_KEY).ok()?).ok()?;
    let now = now_ms / 1000;
    let header = json!({ "alg": "RS256", "kid": PUSH_KEY_ID, "typ": "JWT" });
    let claims = json!({
        "iss": "https://accounts.google.com",
        "aud": audience,
        "azp": "104729000000000000009",
        "sub": "104729000000000000009",
        "email": email,
        "email_verified": true,
        "iat": now,
        "exp": now + LIFE,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(signed.as_bytes())).ok()?;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
