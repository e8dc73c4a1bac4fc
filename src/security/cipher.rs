use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorCode, Result},
    model::random_bytes,
};

/// Where a ciphertext belongs. It opens nowhere else: not in another tenant, table, row or field.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// The tenant's id.
    pub tenant: &'a str,
    /// The table's name.
    pub table: &'a str,
    /// The row's id.
    pub id: &'a str,
    /// The column, or the field in it.
    pub field: &'a str,
}

impl Binding<'_> {
    /// Each part behind its length, so that no two places have the same bytes.
    fn bytes(&self, key_version: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        for part in [self.tenant, self.table, self.id, self.field] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.extend_from_slice(&key_version.to_be_bytes());
        bytes
    }
}

/// A 256-bit key, wiped when dropped.
#[derive(Clone)]
pub struct CipherKey(Zeroizing<[u8; 32]>);

impl CipherKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new random key.
    pub fn random() -> Self {
        Self::new(random_bytes())
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A message authentication code under this key, ready to be fed.
    pub fn mac(&self) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length")
    }
}

impl std::fmt::Debug for CipherKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CipherKey(********)")
    }
}

/// A ciphertext and what is needed to open it, as bytes:
///
/// | bytes | what |
/// |---|---|
/// | 1 | format, 1 |
/// | 4 | version of the key, big-endian |
/// | 12 | nonce, random (NIST SP 800-38D, 8.2.2) |
/// | rest | AES-256-GCM ciphertext and 128-bit tag |
///
/// What one release has sealed, every later one opens: `tests/golden/envelope.json`.
pub struct Envelope;

const FORMAT: u8 = 1;
const HEADER: usize = 1 + 4 + 12;

impl Envelope {
    /// Encrypts `plain` for the place `binding`.
    pub fn seal(key: &CipherKey, key_version: u32, binding: Binding<'_>, plain: &[u8]) -> Vec<u8> {
        Self::seal_with_nonce(key, key_version, binding, plain, random_bytes())
    }

    pub(crate) fn seal_with_nonce(
        key: &CipherKey,
        key_version: u32,
        binding: Binding<'_>,
        plain: &[u8],
        nonce: [u8; 12],
    ) -> Vec<u8> {
        let cipher = Aes256Gcm::new(key.0.as_slice().try_into().expect("32 bytes"));
        let aad = binding.bytes(key_version);
        let sealed = cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: &aad })
            .expect("AES-GCM takes up to 64 GiB, and nothing here is near it");
        let mut envelope = Vec::with_capacity(HEADER + sealed.len());
        envelope.push(FORMAT);
        envelope.extend_from_slice(&key_version.to_be_bytes());
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed);
        envelope
    }

    /// Which version of the key sealed it.
    pub fn key_version(envelope: &[u8]) -> Result<u32> {
        match envelope {
            [FORMAT, a, b, c, d, rest @ ..] if rest.len() >= 12 + 16 => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => Err(Self::failed()),
        }
    }

    /// Decrypts what was sealed for the place `binding`.
    pub fn open(key: &CipherKey, binding: Binding<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let key_version = Self::key_version(envelope)?;
        let nonce: [u8; 12] = envelope[5..HEADER].try_into().map_err(|_| Self::failed())?;
        let cipher = Aes256Gcm::new(key.0.as_slice().try_into().expect("32 bytes"));
        let aad = binding.bytes(key_version);
        cipher
            .decrypt(&Nonce::from(nonce), Payload { msg: &envelope[HEADER..], aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| Self::failed())
    }

    fn failed() -> Error {
        Error::new(
            ErrorCode::DecryptFailed,
            "a stored secret does not open: it was changed, moved from another place, or its key is gone",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Binding<'_> =
        Binding { tenant: "t-1", table: "tenant_integration_configs", id: "twilio", field: "auth_token" };

    #[test]
    fn opens_only_where_it_was_sealed() {
        let key = CipherKey::random();
        let envelope = Envelope::seal(&key, 7, HERE, b"secret");
        assert_eq!(Envelope::key_version(&envelope).unwrap(), 7);
        assert_eq!(&**Envelope::open(&key, HERE, &envelope).unwrap(), b"secret");
        for elsewhere in [
            Binding { tenant: "t-2", ..HERE },
            Binding { table: "integration_oauth_tokens", ..HERE },
            Binding { id: "sendgrid", ..HERE },
            Binding { field: "api_key", ..HERE },
            Binding { tenant: "t-1t", table: "enant_integration_configs", ..HERE },
        ] {
            assert_eq!(Envelope::open(&key, elsewhere, &envelope).unwrap_err().code(), ErrorCode::DecryptFailed);
        }
        assert!(Envelope::open(&CipherKey::random(), HERE, &envelope).is_err());
        for at in 0..envelope.len() {
            let mut changed = envelope.clone();
            changed[at] ^= 1;
            assert!(Envelope::open(&key, HERE, &changed).is_err(), "byte {at}");
        }
    }

    /// Made by `openssl`-free independent code: Python's `cryptography`, see `tests/golden/README.md`.
    #[test]
    fn golden_envelopes_open_for_ever() {
        let golden: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../tests/golden/envelope.json")).unwrap();
        assert!(!golden.is_empty());
        for vector in golden {
            let text = |name: &str| vector[name].as_str().unwrap();
            let key = CipherKey::new(hex::decode(text("key")).unwrap().try_into().unwrap());
            let binding =
                Binding { tenant: text("tenant"), table: text("table"), id: text("id"), field: text("field") };
            let envelope = hex::decode(text("envelope")).unwrap();
            let plain = Envelope::open(&key, binding, &envelope).unwrap();
            assert_eq!(&**plain, text("plain").as_bytes());
            let version = Envelope::key_version(&envelope).unwrap();
            let nonce = envelope[5..17].try_into().unwrap();
            assert_eq!(Envelope::seal_with_nonce(&key, version, binding, &plain, nonce), envelope);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(0u8.., 0..200)) {
            proptest::prop_assert!(Envelope::open(&CipherKey::new([1; 32]), HERE, &bytes).is_err());
        }
    }
}
