//! Bytes of a file to text: which encoding it is, or a clear refusal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How a file's bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark: what Khan Academy exports.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows-1252: what Excel makes of it on a Western Windows.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// ISO 8859-1, also called Latin-1.
    #[serde(rename = "iso-8859-1")]
    Latin1,
}

/// Windows-1252 from 0x80 to 0x9F; a space stands for what it does not define.
const WINDOWS: [char; 32] = [
    '€', ' ', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', ' ', 'Ž', ' ', ' ', '‘', '’', '“', '”', '•', '–',
    '—', '˜', '™', 'š', '›', 'œ', ' ', 'ž', 'Ÿ',
];

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Decodes a file, in the encoding that is said or else in the one that it must be.
///
/// What is not UTF-8 is taken for Latin-1 where it has none of the control characters 0x80 to 0x9F, which no text has,
/// and for Windows-1252 where it has them. A file that is UTF-8 in some places and not in others is damaged, and refused.
pub(super) fn decode(bytes: &[u8], said: Option<Encoding>) -> Result<(String, Encoding)> {
    refuse_other_formats(bytes)?;
    let plain = bytes.strip_prefix(MARK).unwrap_or(bytes);
    match said {
        Some(Encoding::Latin1) => return Ok((latin1(plain), Encoding::Latin1)),
        Some(Encoding::Windows1252) => return Ok((windows(plain)?, Encoding::Windows1252)),
        _ => {}
    }
    let at = match std::str::from_utf8(plain) {
        Ok(text) => return Ok((text.to_owned(), Encoding::Utf8)),
        Err(error) => error.valid_up_to(),
    };
    let partly = plain.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
    if said == Some(Encoding::Utf8) || plain.len() < bytes.len() || partly {
        return Err(refuse(format!(
            "is damaged UTF-8, first in line {}: export the file again, or say its encoding in report.encoding",
            line_of(plain, at)
        )));
    }
    if plain.iter().any(|byte| (0x80..0xA0).contains(byte)) {
        return Ok((windows(plain)?, Encoding::Windows1252));
    }
    Ok((latin1(plain), Encoding::Latin1))
}

fn refuse(message: impl Into<String>) -> Error {
    Error::invalid("report.base64", message)
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn refuse_other_formats(bytes: &[u8]) -> Result<()> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(refuse("is a spreadsheet file, not CSV: save it as 'CSV UTF-8'"));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") || bytes.contains(&0) {
        return Err(refuse("is UTF-16 or no text at all: save it as 'CSV UTF-8'"));
    }
    Ok(())
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn windows(bytes: &[u8]) -> Result<String> {
    let letter = |(at, byte): (usize, &u8)| match byte {
        0x80..0xA0 => match WINDOWS[usize::from(byte - 0x80)] {
            ' ' => Err(refuse(format!(
                "is neither UTF-8 nor Windows-1252 nor Latin-1, first in line {}: save it as 'CSV UTF-8'",
                line_of(bytes, at)
            ))),
            letter => Ok(letter),
        },
        other => Ok(char::from(*other)),
    };
    bytes.iter().enumerate().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        // Made by python3: "Zoë,“A”\n".encode("cp1252"), "Zoë,José\n".encode("latin-1"), and so on.
        for (bytes, text, encoding) in [
            (&b"Zo\xC3\xAB\n"[..], "Zoë\n", Encoding::Utf8),
            (b"\xEF\xBB\xBFZo\xC3\xAB\n", "Zoë\n", Encoding::Utf8),
            (b"Zo\xEB,Jos\xE9\n", "Zoë,José\n", Encoding::Latin1),
            (b"Zo\xEB,\x93A\x94 \x80\n", "Zoë,“A” €\n", Encoding::Windows1252),
            (b"plain\n", "plain\n", Encoding::Utf8),
            (b"", "", Encoding::Utf8),
        ] {
            assert_eq!(decode(bytes, None).unwrap(), (text.to_owned(), encoding), "{bytes:?}");
        }
        assert_eq!(decode(b"Zo\xC3\xAB", Some(Encoding::Latin1)).unwrap().0, "ZoÃ«", "what is said is done");
        assert_eq!(decode(b"\x93", Some(Encoding::Windows1252)).unwrap().0, "“");
    }

    #[test]
    fn what_is_no_text_or_damaged_is_refused() {
        for (bytes, said, words) in [
            (&b"\xFF\xFEa\0"[..], None, "UTF-16"),
            (b"a\0b\0", None, "UTF-16"),
            (b"PK\x03\x04rest", None, "spreadsheet"),
            (b"\xD0\xCF\x11\xE0rest", None, "spreadsheet"),
            (b"Zo\xC3\xAB\nJos\xE9\n", None, "line 2"),
            (b"\xEF\xBB\xBFJos\xE9\n", None, "damaged UTF-8"),
            (b"Jos\xE9\n", Some(Encoding::Utf8), "damaged UTF-8"),
            (b"a\nb\x81\n", None, "line 2"),
        ] {
            let error = decode(bytes, said).unwrap_err();
            assert_eq!(error.field(), Some("report.base64"));
            assert!(error.message().contains(words), "{bytes:?}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            if let Ok((text, encoding)) = decode(&bytes, None) {
                let length = bytes.strip_prefix(MARK).unwrap_or(&bytes).len();
                proptest::prop_assert!(encoding == Encoding::Utf8 || text.chars().count() == length);
            }
        }
    }
}
