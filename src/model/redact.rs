use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::Value;

use super::MASK;

/// Takes known secrets, and what looks like one, out of any text: one for logs, errors, audit and usage.
///
/// ```
/// use sis_integrations::Redactor;
///
/// let redactor = Redactor::new(["hunter2-hunter2"]);
/// assert_eq!(redactor.clean("token hunter2-hunter2 refused"), "token ******** refused");
/// assert_eq!(redactor.clean("Authorization: Bearer abc.def"), "Authorization: ********");
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<zeroize::Zeroizing<String>>,
}

/// A secret shorter than this would take ordinary words out of a text.
const SHORTEST: usize = 6;

/// A shorter one leaves too few signs in Base64.
const SHORTEST_IN_BASE64: usize = 12;

/// Words after which the rest of the word, or of the header, is a credential.
const MARKS: &[&str] = &["bearer ", "basic ", "sk_live_", "sk_test_", "rk_live_", "whsec_", "SG."];

impl Redactor {
    /// Knows these secrets in clear, and as they stand in URLs, forms, JSON and, from twelve bytes up, in Base64 together
    /// with whatever else, as in Basic authentication.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut all = Vec::new();
        for secret in secrets {
            let secret = secret.as_ref();
            if secret.len() < SHORTEST {
                continue;
            }
            for form in forms(secret) {
                if !all.iter().any(|known: &zeroize::Zeroizing<String>| **known == form) {
                    all.push(zeroize::Zeroizing::new(form));
                }
            }
        }
        // The longest first, so that one secret holding another leaves nothing of itself.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets: all }
    }

    /// The text without secrets, and without URLs' queries and user parts.
    pub fn clean(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), MASK));
            }
        }
        let text = strip_urls(&text);
        strip_marks(&text)
    }
}

/// How the secret may be written.
fn forms(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        json.trim_matches('"').to_owned(),
    ];
    if secret.len() >= SHORTEST_IN_BASE64 {
        forms.extend((0..3).map(|before| within_base64(secret, before)));
    }
    forms
}

/// The signs of Base64 that the secret alone makes where so many bytes, modulo 3, stand before it.
fn within_base64(secret: &str, before: usize) -> String {
    let mut bytes = zeroize::Zeroizing::new(vec![0; before]);
    bytes.extend_from_slice(secret.as_bytes());
    let text = STANDARD_NO_PAD.encode(&*bytes);
    // What shares a sign with its neighbours looks different each time.
    let (start, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    text.get(start..end).unwrap_or_default().to_owned()
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

fn word_end(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ',' | ')' | ']' | '}' | '\\'))
        .unwrap_or(text.len())
}

/// Vendors carry keys in queries and user parts: both go, whoever made the URL.
fn strip_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let (url, tail) = after.split_at(word_end(after));
        let (place, query) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
        let path = place.find('/').unwrap_or(place.len());
        let host = place[..path].rfind('@').map_or(0, |user| user + 1);
        if host > 0 {
            out.push_str(MASK);
            out.push('@');
        }
        out.push_str(&place[host..]);
        if query.len() > 1 {
            out.push_str(&query[..1]);
            out.push_str(MASK);
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn find_ignoring_case(text: &str, mark: &str) -> Option<usize> {
    let (text, mark) = (text.as_bytes(), mark.as_bytes());
    (0..(text.len() + 1).saturating_sub(mark.len())).find(|&at| text[at..at + mark.len()].eq_ignore_ascii_case(mark))
}

fn strip_marks(text: &str) -> String {
    let mut out = text.to_owned();
    for mark in MARKS {
        let mut from = 0;
        while let Some(at) = find_ignoring_case(&out[from..], mark) {
            let start = from + at;
            let value = start + mark.len();
            let end = value + word_end(&out[value..]);
            // "basic " and the like are words too: what follows must look like a credential.
            let looks = end - value >= 6 || mark.eq_ignore_ascii_case("bearer ");
            if looks && end > value {
                out.replace_range(start..end, MASK);
                from = start + MASK.len();
            } else {
                from = value;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_in_every_form() {
        let redactor = Redactor::new(["a+b/c=secret", "short"]);
        assert_eq!(redactor.clean("x a+b/c=secret y"), "x ******** y");
        assert_eq!(redactor.clean("k=a%2Bb%2Fc%3Dsecret"), "k=********");
        assert_eq!(redactor.clean("a short story"), "a short story");
        let token = Redactor::new(["1//0gAB-cd_ef\"gh*"]);
        assert_eq!(token.clean("refresh_token=1%2F%2F0gAB-cd_ef%22gh*&x=1"), "refresh_token=********&x=1");
        assert_eq!(token.clean(r#"{"token":"1//0gAB-cd_ef\"gh*"}"#), r#"{"token":"********"}"#);
        for user in ["a", "ab", "abc", "AC0123"] {
            let pair = STANDARD_NO_PAD.encode(format!("{user}:1//0gAB-cd_ef\"gh*"));
            let cleaned = token.clean(&format!("sent {pair}."));
            assert!(cleaned.contains(MASK) && cleaned.len() < 30, "{user}: {cleaned}");
        }
        assert_eq!(
            redactor.clean("GET https://user:pw@api.example.com/v1/x?appid=123#f failed"),
            "GET https://********@api.example.com/v1/x?******** failed"
        );
        assert_eq!(redactor.clean("sk_live_51Habcdefg is bad"), "******** is bad");
        assert_eq!(redactor.clean("basic plan"), "basic plan");
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_never_keeps_the_secret(secret in "[ -~]{6,40}", before in ".{0,40}", after in ".{0,40}") {
            let redactor = Redactor::new([&secret]);
            let cleaned = redactor.clean(&format!("{before} {secret} {after}"));
            proptest::prop_assert!(!cleaned.contains(&secret) || MASK.contains(&secret));
        }
    }
}
