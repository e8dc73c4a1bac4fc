//! A mail as RFC 5322 has it, taken apart as the vendor shows it.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::google_workspace::mime::{Part, parameter};

/// How much of a text the list of mails shows.
const SNIPPET: usize = 100;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const EITHER_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const EITHER: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// The bytes of `raw`: base64url, padded or not.
pub(super) fn decode_raw(raw: &str) -> Option<Bytes> {
    EITHER_URL.decode(raw).ok().map(Bytes::from)
}

/// Bytes as the vendor writes them: base64url, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// A header's text, with encoded words decoded.
pub(super) fn header(part: &Part, name: &str) -> String {
    part.header(name).map(decode_words).unwrap_or_default()
}

/// Decodes `=?UTF-8?B?…?=` and `=?UTF-8?Q?…?=`; what lies between two encoded words is dropped if it is blank.
fn decode_words(text: &str) -> String {
    let (mut decoded, mut rest, mut after_word) = (String::new(), text, false);
    while let Some((before, word)) = rest.split_once("=?") {
        let found = word.split_once("?=").and_then(|_| decode_word(word));
        let Some((plain, behind)) = found else {
            decoded.push_str(before);
            decoded.push_str("=?");
            (rest, after_word) = (word, false);
            continue;
        };
        if !(after_word && before.trim().is_empty()) {
            decoded.push_str(before);
        }
        decoded.push_str(&plain);
        (rest, after_word) = (behind, true);
    }
    decoded.push_str(rest);
    decoded
}

/// What follows `=?`: the decoded word, and what lies behind it.
fn decode_word(word: &str) -> Option<(String, &str)> {
    let (_, rest) = word.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (text, behind) = rest.split_once("?=")?;
    let bytes = match encoding {
        "B" | "b" => EITHER.decode(text).ok()?,
        "Q" | "q" => quoted(text.replace('_', " ").as_bytes()),
        _ => return None,
    };
    Some((String::from_utf8_lossy(&bytes).into_owned(), behind))
}

/// Decodes quoted-printable.
fn quoted(text: &[u8]) -> Vec<u8> {
    let (mut decoded, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(byte) = text.get(at) {
        let digits = text.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, code) {
            (b'=', Some(code)) => {
                decoded.push(code);
                at += 3;
            }
            // A line that goes on.
            (b'=', None) if text.get(at + 1) == Some(&b'\n') => at += 2,
            (b'=', None) if digits == Some("\r\n") => at += 3,
            (byte, _) => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}

/// The addresses in a header, in small letters.
pub(super) fn addresses(part: &Part, name: &str) -> Vec<String> {
    let address = |one: &str| {
        let inner = one.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(one, |(inner, _)| inner);
        inner.trim().to_ascii_lowercase()
    };
    let all = part.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    // A comma inside of quotes does not part two addresses.
    let split = |value: &String| {
        let mut quoted = false;
        let parts = value.split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        parts.map(address).filter(|one| !one.is_empty()).collect::<Vec<_>>()
    };
    all.flat_map(|(_, value)| split(value)).collect()
}

/// The bytes of a part, without the encoding they travelled in.
fn content(part: &Part) -> Vec<u8> {
    match part.header("content-transfer-encoding").unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "base64" => {
            let plain: Vec<u8> = part.body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            EITHER.decode(plain).unwrap_or_default()
        }
        "quoted-printable" => quoted(&part.body),
        _ => part.body.to_vec(),
    }
}

fn file_name(part: &Part) -> String {
    let from = |header: &str, name: &str| part.header(header).and_then(|value| parameter(value, name));
    let name = from("content-disposition", "filename").or_else(|| from("content-type", "name"));
    name.as_deref().map(decode_words).unwrap_or_default()
}

/// The part tree of a mail; `id` is the number of this part, empty for the whole.
pub(super) fn payload(part: &Part, id: &str) -> Value {
    let headers: Vec<Value> =
        part.headers.iter().map(|(name, value)| json!({ "name": name, "value": decode_words(value) })).collect();
    let name = file_name(part);
    let mut shown = json!({ "partId": id, "mimeType": part.kind(), "filename": name, "headers": headers });
    match part.kind().starts_with("multipart/").then(|| part.parts()).flatten() {
        Some(parts) => {
            let inner = |(index, part): (usize, &Part)| payload(part, &below(id, index));
            shown["body"] = json!({ "size": 0 });
            shown["parts"] = parts.iter().enumerate().map(inner).collect();
        }
        None => {
            let bytes = content(part);
            shown["body"] = json!({ "size": bytes.len() });
            if name.is_empty() {
                shown["body"]["data"] = json!(encode(&bytes));
            } else {
                shown["body"]["attachmentId"] = json!(format!("ANGjdJ{}", encode(id.as_bytes())));
            }
        }
    }
    shown
}

fn below(id: &str, index: usize) -> String {
    if id.is_empty() { index.to_string() } else { format!("{id}.{index}") }
}

/// The bytes of the attachment that `payload` named so.
pub(super) fn attachment(whole: &Part, attachment: &str) -> Option<Vec<u8>> {
    let id = String::from_utf8(decode_raw(attachment.strip_prefix("ANGjdJ")?)?.to_vec()).ok()?;
    let mut part = whole.clone();
    for step in id.split('.').filter(|step| !step.is_empty()) {
        part = part.parts()?.into_iter().nth(step.parse().ok()?)?;
    }
    (!file_name(&part).is_empty()).then(|| content(&part))
}

/// The first part of text, plain before any other.
pub(super) fn text(part: &Part) -> String {
    fn find(part: &Part, kind: &str) -> Option<String> {
        if let Some(parts) = part.kind().starts_with("multipart/").then(|| part.parts()).flatten() {
            return parts.iter().find_map(|part| find(part, kind));
        }
        (part.kind() == kind && file_name(part).is_empty())
            .then(|| String::from_utf8_lossy(&content(part)).into_owned())
    }
    find(part, "text/plain").or_else(|| find(part, "text/html")).unwrap_or_default()
}

/// The beginning of the text, on one line.
pub(super) fn snippet(part: &Part) -> String {
    let words: Vec<String> = text(part).split_whitespace().map(str::to_owned).collect();
    words.join(" ").chars().take(SNIPPET).collect()
}

/// Whether a file is attached.
pub(super) fn has_attachment(part: &Part) -> bool {
    !file_name(part).is_empty() || part.parts().is_some_and(|parts| parts.iter().any(has_attachment))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Part, addresses, attachment, decode_words, header, payload, quoted, text};

    #[test]
    fn words_are_decoded() {
        assert_eq!(decode_words("=?UTF-8?B?w4Vu?= =?utf-8?q?_d=C3=A5?= x"), "Ån då x");
        assert_eq!(decode_words("a =? b"), "a =? b");
        assert_eq!(quoted(b"a=3D=\r\nb=C3=A5="), "a=bå=".as_bytes());
    }

    #[test]
    fn a_mail_is_taken_apart() {
        let mail = Bytes::from_static(
            b"From: \"Last, First\" <A@x.example>, b@x.example\r\nSubject: =?utf-8?B?w4U=?=\r\nContent-Type: \
              multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\
              Content-Type: text/html\r\n\r\n<p>x</p>\r\n--a\r\nContent-Type: text/plain\r\n\r\nhello\r\n--a--\r\n--m\r\n\
              Content-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--m--\r\n",
        );
        let part = Part::read(&mail);
        assert_eq!(addresses(&part, "from"), ["a@x.example", "b@x.example"]);
        assert_eq!((header(&part, "subject").as_str(), text(&part).as_str()), ("Å", "hello"));
        let shown = payload(&part, "");
        assert_eq!(shown["parts"][0]["parts"][1]["partId"], "0.1");
        let id = shown["parts"][1]["body"]["attachmentId"].as_str().unwrap();
        assert_eq!(attachment(&part, id).unwrap(), b"ABC");
        assert_eq!(attachment(&part, "ANGjdJMC4w"), None, "not a file");
    }
}
