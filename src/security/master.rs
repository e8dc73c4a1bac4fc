use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::CipherKey;
use crate::error::{Error, ErrorCode, Result};

/// What all keys come from: a passphrase, or 32 random bytes.
///
/// Read from text: 64 hex digits or the base64 of 32 bytes are the key itself; anything else is a passphrase, of at
/// least 32 characters and not too plain.
///
/// ```
/// use sis_integrations::MasterKey;
///
/// assert!(MasterKey::new("correct horse battery staple, and then some").is_ok());
/// assert!(MasterKey::new("too short").is_err());
/// assert!(MasterKey::new("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").is_err());
/// ```
#[derive(Clone)]
pub struct MasterKey(Material);

#[derive(Clone)]
enum Material {
    Passphrase(Zeroizing<String>),
    Key(CipherKey),
}

/// The fewest characters of a passphrase.
const SHORTEST: usize = 32;
/// The fewest different characters in one.
const PLAINEST: usize = 10;
/// What the project's founding document shows where a key should stand.
const PLACEHOLDERS: &[&str] = &["your-32-character-encryption-key", "your-encryption-key", "changeme", "change-me"];

/// Rounds of PBKDF2 for a new database
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
pub(super) const ROUNDS: u32 = 600_000;

impl MasterKey {
    /// The environment variable that [`MasterKey::from_env`] reads.
    pub const VARIABLE: &'static str = "INTEGRATION_ENCRYPTION_KEY";

    /// The key that this text is.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = Zeroizing::new(text.into());
        let trimmed = text.trim();
        if let Some(key) = raw(trimmed) {
            return Self::from_bytes(key);
        }
        let weak = |why: &str| Err(Error::new(ErrorCode::WeakMasterKey, why).with_field(Self::VARIABLE));
        let characters = trimmed.chars().count();
        if characters < SHORTEST {
            return weak(&format!(
                "a passphrase has at least {SHORTEST} characters, this one has {characters}; or pass 32 random bytes in base64 \
                 (openssl rand -base64 32)"
            ));
        }
        let different = trimmed.chars().collect::<std::collections::HashSet<_>>().len();
        if different < PLAINEST || PLACEHOLDERS.iter().any(|known| trimmed.eq_ignore_ascii_case(known)) {
            return weak("the passphrase is too plain to guard anything; make one with: openssl rand -base64 32");
        }
        Ok(Self(Material::Passphrase(Zeroizing::new(trimmed.to_owned()))))
    }

    /// The key of these bytes, which must be random.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self> {
        let different = bytes.iter().collect::<std::collections::HashSet<_>>().len();
        if different < 8 {
            return Err(Error::new(ErrorCode::WeakMasterKey, "these bytes are not random").with_field(Self::VARIABLE));
        }
        Ok(Self(Material::Key(CipherKey::new(bytes))))
    }

    /// A new random key, for a database that shall live no longer than this process.
    pub fn random() -> Self {
        Self(Material::Key(CipherKey::random()))
    }

    /// The key in `INTEGRATION_ENCRYPTION_KEY`.
    pub fn from_env() -> Result<Self> {
        match std::env::var(Self::VARIABLE) {
            Ok(text) => Self::new(text),
            Err(_) => Err(Error::new(
                ErrorCode::WeakMasterKey,
                "is not set; make a key with: openssl rand -base64 32, and keep it where backups of the database are not",
            )
            .with_field(Self::VARIABLE)),
        }
    }

    /// Rounds to write down for a new database; 0 for a key that needs none.
    pub(super) fn rounds(&self) -> u32 {
        match &self.0 {
            Material::Passphrase(_) => ROUNDS,
            Material::Key(_) => 0,
        }
    }

    /// The root key. A passphrase takes a good part of a second.
    pub(super) fn root(&self, salt: &[u8], rounds: u32) -> CipherKey {
        match &self.0 {
            Material::Passphrase(text) => {
                let mut root = Zeroizing::new([0; 32]);
                pbkdf2::pbkdf2_hmac::<Sha256>(text.as_bytes(), salt, rounds.max(1), root.as_mut_slice());
                CipherKey::new(*root)
            }
            Material::Key(key) => key.clone(),
        }
    }
}

fn raw(text: &str) -> Option<[u8; 32]> {
    let bytes = match text.len() {
        64 => hex::decode(text).ok()?,
        43 => URL_SAFE_NO_PAD.decode(text.replace('+', "-").replace('/', "_")).ok()?,
        44 => STANDARD.decode(text.replace('-', "+").replace('_', "/")).ok()?,
        _ => return None,
    };
    bytes.try_into().ok()
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(********)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_key_and_what_a_passphrase() {
        let bytes: [u8; 32] = std::array::from_fn(|i| (i * 7 + 1) as u8);
        for text in [hex::encode(bytes), STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)] {
            let key = MasterKey::new(text).unwrap();
            assert_eq!(key.rounds(), 0);
            assert_eq!(key.root(b"", 0).expose(), &bytes);
        }
        let passphrase = MasterKey::new("0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(passphrase.rounds(), ROUNDS);
        for weak in
            ["", "short", "your-32-character-encryption-key", &"ab".repeat(40), &"0".repeat(64), &" ".repeat(64)]
        {
            assert_eq!(MasterKey::new(weak).unwrap_err().code(), ErrorCode::WeakMasterKey, "{weak:?}");
        }
        assert!(!format!("{passphrase:?}").contains("0123"));
    }

    /// RFC 7914, 11: PBKDF2-HMAC-SHA-256 (P="passwd", S="salt", c=1); the first 32 of its 64 bytes.
    #[test]
    fn pbkdf2_is_the_published_one() {
        let key = MasterKey(Material::Passphrase(Zeroizing::new("passwd".into())));
        assert_eq!(
            hex::encode(key.root(b"salt", 1).expose()),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        );
    }
}
