//! RS256, both ways: assertions that a certificate signs, and tokens that the sandbox signs as the platform.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use rsa::traits::PublicKeyParts;
use rsa::{PrivateKey, PublicKey};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode, DecodePem, Encode};

/// The key by which the sandbox signs as the platform does; worth nothing.
const PLATFORM_KEY: &str = include_str!("keys/platform.key.pem");
/// Its name in the published set of keys.
const PLATFORM_KEY_ID: &str = "sandbox-platform-key";

/// A token taken apart, its signature not looked at.
#[derive(Debug)]
pub(super) struct Jwt<'a> {
    pub(super) header: Value,
    pub(super) claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { header: json(header)?, claims: json(claims)?, signed, signature })
    }

    pub(super) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// A moment that a claim names, in milliseconds.
    pub(super) fn moment(&self, name: &str) -> Option<i64> {
        self.claims.get(name)?.as_i64()?.checked_mul(1000)
    }

    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.pkcs1v15_verify::<Sha256>(self.signed.as_bytes(), &self.signature).is_ok()
    }
}

/// A certificate's public key and its thumbprints: the SHA-256 as `x5t#S256` has it, the SHA-1 as notifications do.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub(super) key: PublicKey,
    pub(super) thumbprint: String,
    pub(super) sha1: String,
}

impl Registered {
    /// Reads a certificate from PEM.
    pub(super) fn from_pem(pem: &str) -> Option<Self> {
        Self::of(&Certificate::from_pem(pem).ok()?)
    }

    /// Reads one from base64 of its DER, as subscriptions carry it.
    pub(super) fn from_base64(text: &str) -> Option<Self> {
        Self::of(&Certificate::from_der(&STANDARD.decode(text).ok()?).ok()?)
    }

    fn of(certificate: &Certificate) -> Option<Self> {
        let info = certificate.tbs_certificate().subject_public_key_info().to_der().ok()?;
        let key = PublicKey::from_public_key_der(&info).ok()?;
        let der = certificate.to_der().ok()?;
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
        let sha1 = Sha1::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
        Some(Self { key, thumbprint, sha1 })
    }
}

fn platform() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| {
        PrivateKey::from_pkcs8_pem(PLATFORM_KEY).unwrap_or_else(|_| unreachable!("the file holds an RSA key"))
    })
}

/// Signs claims as the platform.
pub(super) fn sign(claims: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": PLATFORM_KEY_ID });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = platform().pkcs1v15_sign::<Sha256>(signed.as_bytes());
    let signature = signature.unwrap_or_else(|_| unreachable!("the key is wide enough for the hash"));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The published set of keys.
pub(super) fn keys() -> Value {
    let key = platform().to_public_key();
    json!({ "keys": [{
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": PLATFORM_KEY_ID,
        "x5t": PLATFORM_KEY_ID,
        "n": URL_SAFE_NO_PAD.encode(key.n_bytes()),
        "e": URL_SAFE_NO_PAD.encode(key.e_bytes()),
    }] })
}
