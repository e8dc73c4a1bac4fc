//! Checks OAuth 1.0a signatures (RFC 5849, 3.2), with this crate's own code.

use std::collections::{BTreeMap, HashSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use sha1::Sha1;

use super::{CONSUMER_KEY, CONSUMER_SECRET, OAUTH_TOKEN, OAUTH_TOKEN_SECRET};
use crate::exchange::Request;

/// How far the time of a signature may lie from ours, in seconds, as v1 had it.
const TOLERANCE: i64 = 300;

/// Says why a request is refused.
pub(super) fn check(
    request: &Request,
    base: &str,
    header: &str,
    revoked: bool,
    nonces: &mut HashSet<(String, String)>,
) -> Result<(), String> {
    let fields = fields(header).ok_or("Invalid Authorization header")?;
    let get = |name: &str| fields.get(name).map(String::as_str).ok_or_else(|| format!("Missing parameter: {name}"));
    if get("oauth_signature_method")? != "HMAC-SHA1" {
        return Err("Unsupported signature method".into());
    }
    if fields.get("oauth_version").is_some_and(|version| version != "1.0") {
        return Err("OAuth version not supported".into());
    }
    if get("oauth_consumer_key")? != CONSUMER_KEY {
        return Err(format!("Invalid consumer: {}", get("oauth_consumer_key")?));
    }
    if get("oauth_token")? != OAUTH_TOKEN || revoked {
        return Err(format!("Invalid access token: {}", get("oauth_token")?));
    }
    let expected = string_to_sign(request, base, &fields);
    let signature = STANDARD.decode(get("oauth_signature")?).map_err(|_| "Invalid signature.")?;
    let key = format!("{}&{}", escape(CONSUMER_SECRET), escape(OAUTH_TOKEN_SECRET));
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(key.as_bytes()).map_err(|_| "Invalid signature.")?;
    mac.update(expected.as_bytes());
    if mac.verify_slice(&signature).is_err() {
        // v1 told what it had expected, keys and token included.
        return Err(format!("Invalid signature. Expected signature base string: {expected}"));
    }
    let seconds: i64 = get("oauth_timestamp")?.parse().map_err(|_| "Invalid timestamp")?;
    let now = request.at.div_euclid(1000);
    if (seconds - now).abs() > TOLERANCE {
        return Err(format!(
            "Expired timestamp: given {seconds} and now {now} has a greater difference than {TOLERANCE}"
        ));
    }
    if !nonces.insert((seconds.to_string(), get("oauth_nonce")?.to_owned())) {
        return Err(format!("Nonce already used: {}", get("oauth_nonce")?));
    }
    Ok(())
}

/// `OAuth name="value", …`, decoded.
fn fields(header: &str) -> Option<BTreeMap<String, String>> {
    let list = header.strip_prefix("OAuth ")?;
    list.split(',')
        .map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            Some((name.to_owned(), percent_decode_str(value).decode_utf8().ok()?.into_owned()))
        })
        .collect()
}

fn string_to_sign(request: &Request, base: &str, fields: &BTreeMap<String, String>) -> String {
    let signed = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "oauth_signature" | "realm"));
    let mut pairs: Vec<(String, String)> = signed.map(|(name, value)| (escape(name), escape(value))).collect();
    pairs.extend(request.query().iter().map(|(name, value)| (escape(name), escape(value))));
    pairs.extend(request.form().iter().map(|(name, value)| (escape(name), escape(value))));
    pairs.sort();
    let joined = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let address = format!("{}{}", base.trim_end_matches('/'), request.path());
    [request.method.as_str(), &escape(&address), &escape(&joined)].join("&")
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
