//! JSON Web Tokens signed with RS256 (RFC 7515, RFC 7519): made to prove who we are, and read to learn who writes to us.
//!
//! One algorithm, and it is not taken from the token: what says `none` or `HS256` is refused before anything is computed.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rsa::{
    BoxedUint,
    pkcs1::DecodeRsaPrivateKey,
    pkcs1v15::{Signature, SigningKey, VerifyingKey},
    pkcs8::DecodePrivateKey,
    signature::{SignatureEncoding, Signer, Verifier},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::error::{Error, ErrorCode, Result};

/// The longest token that is read.
const LONGEST: usize = 16 * 1024;
/// The shortest modulus that is trusted, in bits (RFC 7518, section 3.3).
const SHORTEST_KEY: u32 = 2048;

/// A private RSA key, for signing and for opening what was encrypted to its public half. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct PrivateKey(rsa::PrivateKey);

impl PrivateKey {
    /// Reads a key in PEM, PKCS#8 or PKCS#1. Line ends that a config form has turned into `\n` in two letters are read
    /// too. Error: `invalid_argument`, without a word of the key.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let pem = zeroize::Zeroizing::new(pem.trim().replace("\\n", "\n"));
        let key = rsa::PrivateKey::from_pkcs8_pem(&pem).ok().or_else(|| rsa::PrivateKey::from_pkcs1_pem(&pem).ok());
        let key = key.ok_or_else(|| {
            Error::invalid(
                "",
                "is not an unencrypted RSA private key in PEM; it begins with -----BEGIN PRIVATE KEY----- and is pasted \
                 with all its lines",
            )
        })?;
        Ok(Self(key))
    }

    /// The key itself.
    pub fn rsa(&self) -> &rsa::PrivateKey {
        &self.0
    }

    /// A signed token: `header` beside `alg` and `typ`, then the claims.
    pub fn sign(&self, header: &[(&str, &str)], claims: &Value) -> Result<String> {
        let mut all = Map::new();
        all.insert("alg".to_owned(), json!("RS256"));
        all.insert("typ".to_owned(), json!("JWT"));
        all.extend(header.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        let encode = |value: &str| URL_SAFE_NO_PAD.encode(value);
        let signed = format!("{}.{}", encode(&Value::Object(all).to_string()), encode(&claims.to_string()));
        let signature = SigningKey::<Sha256>::new(self.0.clone())
            .try_sign(signed.as_bytes())
            .map_err(|_| Error::internal("the private key cannot sign"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// The public keys that a vendor signs with (RFC 7517).
#[derive(Debug, Clone, Default, Deserialize)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

#[derive(Debug, Clone, Deserialize)]
struct PublicKey {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    kty: String,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

/// The parts of a token, before anything of it is believed.
struct Parts<'a> {
    kid: String,
    signed: &'a str,
    claims: Value,
    signature: Vec<u8>,
}

impl KeySet {
    /// Whether the key that the token names is among these. Nothing is verified.
    pub fn has_key_of(&self, token: &str) -> bool {
        parts(token).is_ok_and(|parts| self.keys.iter().any(|key| key.kid == parts.kid))
    }

    /// The claims of a token that one of these keys has signed. Issuer, audience and times are the caller's to check.
    ///
    /// Error: `signature_invalid`.
    pub fn verify(&self, token: &str) -> Result<Map<String, Value>> {
        let invalid = |why: &str| Error::new(ErrorCode::SignatureInvalid, format!("the token {why}"));
        let parts = parts(token)?;
        let signing = |key: &&PublicKey| {
            key.kid == parts.kid && key.kty == "RSA" && key.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
        };
        let key = self.keys.iter().find(signing).ok_or_else(|| invalid("was signed with no key of the vendor"))?;
        let key = key.read().ok_or_else(|| invalid("was signed with a key that cannot be read"))?;
        let signature =
            Signature::try_from(parts.signature.as_slice()).map_err(|_| invalid("has no RS256 signature"))?;
        VerifyingKey::<Sha256>::new(key)
            .verify(parts.signed.as_bytes(), &signature)
            .map_err(|_| invalid("was not signed by the vendor, or was changed"))?;
        match parts.claims {
            Value::Object(claims) => Ok(claims),
            _ => Err(invalid("has no claims")),
        }
    }
}

impl PublicKey {
    fn read(&self) -> Option<rsa::PublicKey> {
        let number = |text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let bits = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
            // A modulus of megabytes is an attack on our time, not a key.
            (bits <= 16_384).then(|| BoxedUint::from_be_slice(&bytes, bits.next_multiple_of(64)).ok()).flatten()
        };
        let key = rsa::PublicKey::new(number(&self.n)?, number(&self.e)?).ok()?;
        (rsa::traits::PublicKeyParts::n(&key).bit_width_vartime() >= SHORTEST_KEY).then_some(key)
    }
}

fn parts(token: &str) -> Result<Parts<'_>> {
    let bad = || Error::new(ErrorCode::SignatureInvalid, "the token is not a JSON Web Token signed with RS256");
    if token.len() > LONGEST {
        return Err(bad());
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(bad)?;
    let (header, claims) = signed.split_once('.').ok_or_else(bad)?;
    let json = |text: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok() };
    let header = json(header).ok_or_else(bad)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") || header.get("crit").is_some() {
        return Err(bad());
    }
    let kid = header.get("kid").and_then(Value::as_str).unwrap_or_default().to_owned();
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| bad())?;
    Ok(Parts { kid, signed, claims: json(claims).ok_or_else(bad)?, signature })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Made with `openssl genrsa`, signed with `openssl dgst -sha256 -sign`: see tests/golden/jwt/README.md.
    const PEM: &str = include_str!("../../tests/golden/jwt/key.pem");
    const TOKEN: &str = include_str!("../../tests/golden/jwt/token.txt");
    const KEYS: &str = include_str!("../../tests/golden/jwt/jwks.json");

    fn keys() -> KeySet {
        serde_json::from_str(KEYS).unwrap()
    }

    #[test]
    fn a_token_that_openssl_signed_is_read_and_signed_the_same() {
        let claims = keys().verify(TOKEN.trim()).unwrap();
        assert_eq!(claims["iss"], "https://accounts.google.com");
        assert_eq!(claims["email"], "push@yourschool.example");
        let key = PrivateKey::from_pem(PEM).unwrap();
        let again = key.sign(&[("kid", "openssl-1")], &json!({ "sub": "anna" })).unwrap();
        assert_eq!(keys().verify(&again).unwrap()["sub"], "anna");
        let pasted = PrivateKey::from_pem(&PEM.replace('\n', "\\n")).unwrap();
        assert_eq!(pasted.sign(&[("kid", "openssl-1")], &json!({ "sub": "anna" })).unwrap(), again);
    }

    #[test]
    fn the_token_does_not_choose_the_algorithm() {
        let (header, rest) = TOKEN.trim().split_once('.').unwrap();
        assert!(!header.is_empty());
        for alg in ["none", "HS256", "RS512", "rs256"] {
            let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "kid": "openssl-1" }).to_string());
            let error = keys().verify(&format!("{header}.{rest}")).unwrap_err();
            assert_eq!(error.code(), ErrorCode::SignatureInvalid, "{alg}");
        }
        let unknown = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": "another" }).to_string());
        assert!(keys().verify(&format!("{unknown}.{rest}")).is_err());
        assert!(!keys().has_key_of(&format!("{unknown}.{rest}")));
        assert!(keys().has_key_of(TOKEN.trim()));
    }

    #[test]
    fn what_is_not_a_key_is_refused_without_being_shown() {
        for broken in ["", "hunter2-hunter2", &PEM[..PEM.len() / 2], &PEM.replace('A', "B")] {
            let error = PrivateKey::from_pem(broken).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument);
            assert!(!error.message().contains("hunter2"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_and_never_panics(text in ".{0,400}") {
            prop_assert!(keys().verify(&text).is_err());
        }

        #[test]
        fn any_change_of_a_signed_token_is_seen(at in 0usize..400, with in "[A-Za-z0-9_-]") {
            let token = TOKEN.trim();
            let at = at % token.len();
            let mut changed = token.to_owned();
            changed.replace_range(at..=at, &with);
            // The last letter of base64 holds bits that stand for nothing: those are refused as well, or it is the same.
            prop_assert!(changed == token || keys().verify(&changed).is_err());
        }
    }
}
