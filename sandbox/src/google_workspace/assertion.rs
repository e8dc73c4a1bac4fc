//! Checks a service account's signed assertion, as the token endpoint does.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::pkcs8::DecodePublicKey;
use rsa::{Pkcs1v15Sign, PublicKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::keys::{PUBLIC_KEY, SERVICE_ACCOUNT};

/// How far the two clocks may lie apart, in seconds.
const SKEW: i64 = 300;

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// What an assertion says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    #[serde(default)]
    pub(super) scope: String,
    aud: String,
    iat: i64,
    exp: i64,
    /// The user to act as.
    pub(super) sub: Option<String>,
}

/// Says what an assertion claims, or what is wrong with it. `audiences` are the endpoint's own addresses.
pub(super) fn claims(assertion: &str, audiences: &[&str], now_ms: i64) -> Result<Claims, &'static str> {
    let malformed = "Invalid JWT: it must be three parts of base64url.";
    let mut parts = assertion.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed);
    };
    let signed = assertion.get(..header.len() + 1 + payload.len()).unwrap_or("");
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| malformed)?;
    if header.alg != "RS256" {
        return Err("Invalid JWT Signature: the algorithm must be RS256.");
    }
    verify(signed.as_bytes(), &decode(signature)?).ok_or("Invalid JWT Signature.")?;
    let claims: Claims =
        serde_json::from_slice(&decode(payload)?).map_err(|_| "Invalid JWT: iss, aud, iat and exp must be there.")?;
    let now = now_ms / 1000;
    if claims.iss != SERVICE_ACCOUNT {
        return Err("Invalid grant: account not found");
    }
    if !audiences.contains(&claims.aud.as_str()) {
        return Err("Invalid JWT: Failed audience check.");
    }
    let lasts = claims.exp - claims.iat;
    if !(1..=3600).contains(&lasts) || claims.iat > now + SKEW || claims.exp < now - SKEW {
        return Err("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                    Check your iat and exp values in the JWT claim.");
    }
    Ok(claims)
}

fn verify(signed: &[u8], signature: &[u8]) -> Option<()> {
    let key = PublicKey::from_public_key_der(&STANDARD.decode(PUBLIC_KEY).ok()?).ok()?;
    key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(signed), signature).ok()
}
