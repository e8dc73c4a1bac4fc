//! A message as it travels: RFC 5322, with MIME (RFC 2045 and 2046), names beyond ASCII by RFC 2047 and 2231.
//!
//! Every text and file is in base64, so that no line is too long, no text is taken for a boundary, and nothing depends on
//! how a server treats 8 bits. Nothing a caller gives reaches a header as it is: it is ASCII without control characters
//! and quoted, or it is encoded.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::letter::{Attachment, Letter, Mailbox, is_of};
use crate::model::Timestamp;

/// Bytes of UTF-8 in one encoded word: with the longest name of a header before it, a line keeps below 76.
const WORD: usize = 39;
/// Where a line of a header is folded.
const LINE: usize = 76;

/// The header with what tells the call by: unlike the Message-ID, Gmail leaves it as it is.
pub(super) const MARK: &str = "X-SIS-Call";

/// The message. The same letter, id and moment give the same bytes.
pub(super) fn write(letter: &Letter<'_>, message_id: &str, at: Timestamp, seed: &str) -> Vec<u8> {
    let mut head = String::new();
    header(&mut head, "Date", &date(at));
    header(&mut head, "Message-ID", message_id);
    header(&mut head, MARK, seed);
    for (name, person) in [("From", letter.from), ("Reply-To", letter.reply_to)] {
        if let Some(person) = person {
            people(&mut head, name, std::slice::from_ref(person));
        }
    }
    for (name, list) in [("To", letter.to), ("Cc", letter.cc), ("Bcc", letter.bcc)] {
        people(&mut head, name, list);
    }
    header(&mut head, "Subject", &unstructured(letter.subject));
    if let Some(id) = letter.in_reply_to {
        header(&mut head, "In-Reply-To", id);
        header(&mut head, "References", id);
    }
    header(&mut head, "MIME-Version", "1.0");
    let mut out = head.into_bytes();
    body(letter).write(&mut out, seed, &mut 0);
    out
}

/// A part of a message: one content, or several parts.
enum Part<'a> {
    Leaf { headers: String, content: &'a [u8] },
    Many { subtype: &'static str, parts: Vec<Part<'a>> },
}

/// Texts in two forms are alternatives, pictures belong to the HTML, files come after.
fn body<'a>(letter: &Letter<'a>) -> Part<'a> {
    let text = letter.text.map(|text| leaf("text/plain; charset=utf-8", text.as_bytes()));
    let html = letter.html.map(|html| leaf("text/html; charset=utf-8", html.as_bytes()));
    let of = |inline: bool| letter.attachments.iter().filter(move |file| file.content_id.is_some() == inline).map(file);
    let html = html.map(|html| gather("related", [html].into_iter().chain(of(true)).collect()));
    let has_html = html.is_some();
    let shown = gather("alternative", text.into_iter().chain(html).collect());
    // Pictures without an HTML that shows them are files like any other.
    let loose = of(true).filter(|_| !has_html);
    gather("mixed", [shown].into_iter().filter(|part| !part.is_empty()).chain(of(false)).chain(loose).collect())
}

fn gather<'a>(subtype: &'static str, mut parts: Vec<Part<'a>>) -> Part<'a> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            Part::Many { subtype, parts }
        }
        None => Part::Many { subtype, parts },
    }
}

fn leaf<'a>(kind: &str, content: &'a [u8]) -> Part<'a> {
    let mut headers = String::new();
    header(&mut headers, "Content-Type", kind);
    Part::Leaf { headers, content }
}

fn file(file: &Attachment) -> Part<'_> {
    let mut headers = String::new();
    // A message within a message must not be in base64 (RFC 2046, section 5.2.1), and may have longer lines than mail does: it
    // goes as a file like any other, known by its name.
    let kind = file.mime_type.as_deref().filter(|kind| !is_of(kind, "message/"));
    header(&mut headers, "Content-Type", kind.unwrap_or("application/octet-stream"));
    let disposition = if file.content_id.is_some() { "inline" } else { "attachment" };
    header(&mut headers, "Content-Disposition", &format!("{disposition};{}", filename(&file.filename)));
    if let Some(id) = &file.content_id {
        header(&mut headers, "Content-ID", &format!("<{id}>"));
    }
    Part::Leaf { headers, content: file.content.bytes() }
}

impl Part<'_> {
    fn is_empty(&self) -> bool {
        matches!(self, Part::Many { parts, .. } if parts.is_empty())
    }

    fn write(&self, out: &mut Vec<u8>, seed: &str, count: &mut usize) {
        match self {
            Part::Leaf { headers, content } => {
                out.extend_from_slice(headers.as_bytes());
                out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
                for line in content.chunks(57) {
                    out.extend_from_slice(STANDARD.encode(line).as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
            }
            Part::Many { subtype, parts } => {
                // A dash cannot stand in base64: nothing in a part looks like this.
                let boundary = format!("=-sis-{seed}-{count}");
                *count += 1;
                let kind = format!("Content-Type: multipart/{subtype};\r\n boundary=\"{boundary}\"\r\n\r\n");
                out.extend_from_slice(kind.as_bytes());
                for part in parts {
                    out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                    part.write(out, seed, count);
                }
                out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            }
        }
    }
}

fn header(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str(": ");
    out.push_str(value);
    out.push_str("\r\n");
}

fn date(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&moment).unwrap_or_default()
}

/// One to a line, so that no line is too long.
fn people(out: &mut String, name: &str, people: &[Mailbox]) {
    if !people.is_empty() {
        let list: Vec<String> = people.iter().map(mailbox).collect();
        header(out, name, &list.join(",\r\n "));
    }
}

fn mailbox(person: &Mailbox) -> String {
    let address = if person.email.chars().all(is_atom_or_at) {
        person.email.clone()
    } else {
        // A local part beyond atoms is quoted (RFC 5322, 3.4.1).
        let (local, domain) = person.email.rsplit_once('@').unwrap_or((&person.email, ""));
        format!("{}@{domain}", quoted(local))
    };
    match person.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        None => address,
        Some(name) if is_plain(name) && quoted(name).len() < 62 => format!("{}\r\n <{address}>", quoted(name)),
        Some(name) => format!("{}\r\n <{address}>", words(name)),
    }
}

fn is_atom_or_at(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "@.!#$%&'*+-/=?^_`{|}~".contains(letter)
}

/// ASCII that can be seen, and nothing that could be taken for an encoded word.
fn is_plain(text: &str) -> bool {
    text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic()) && !text.contains("=?")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Text of a header: as it is where that may be, folded at spaces; else encoded.
fn unstructured(text: &str) -> String {
    let folds = text.split(' ').all(|word| !word.is_empty() && word.len() < LINE - 12);
    if !is_plain(text) || !(folds || text.is_empty()) {
        return words(text);
    }
    let mut out = String::new();
    let mut column = "Subject: ".len();
    for word in text.split(' ') {
        if !out.is_empty() {
            let folded = column + 1 + word.len() > LINE;
            out.push_str(if folded { "\r\n " } else { " " });
            column = if folded { 1 } else { column + 1 };
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

/// Encoded words of RFC 2047, each on its own line; no letter is cut in two.
fn words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for letter in text.chars() {
        if word.len() + letter.len_utf8() > WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter);
    }
    words.push(word);
    let encoded = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    encoded.collect::<Vec<_>>().join("\r\n ")
}

/// The name of a file as a parameter: quoted, or encoded by RFC 2231, in pieces where it is long.
fn filename(name: &str) -> String {
    if is_plain(name) && quoted(name).len() < 62 {
        return format!("\r\n filename={}", quoted(name));
    }
    let mut out = String::new();
    let mut encoded = "utf-8''".to_owned();
    let mut count = 0;
    for byte in name.bytes() {
        if encoded.len() > 50 {
            let _ = write!(out, "\r\n filename*{count}*={encoded};");
            count += 1;
            encoded.clear();
        }
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    let _ = match count {
        0 => write!(out, "\r\n filename*={encoded}"),
        _ => write!(out, "\r\n filename*{count}*={encoded}"),
    };
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_764_100_000_000_000);

    fn letter<'a>(subject: &'a str, to: &'a [Mailbox]) -> Letter<'a> {
        Letter {
            from: None,
            to,
            cc: &[],
            bcc: &[],
            reply_to: None,
            subject,
            text: Some("Grüße"),
            html: None,
            attachments: &[],
            in_reply_to: None,
        }
    }

    #[test]
    fn a_message_goes_as_a_file_like_any_other() {
        let to = [Mailbox::new("a@school.example")];
        let files = [Attachment::new("note.eml", &b"From: x\r\n\r\ny"[..]).mime_type("Message/RFC822")];
        let text = text_of(&Letter { attachments: &files, ..letter("x", &to) });
        assert!(text.contains("Content-Type: application/octet-stream\r\n"), "{text}");
        assert!(text.contains("note.eml") && !text.to_lowercase().contains("message/rfc822"), "{text}");
    }

    fn text_of(letter: &Letter<'_>) -> String {
        String::from_utf8(write(letter, "<m@sis.invalid>", AT, "seed")).unwrap()
    }

    #[test]
    fn a_plain_message_is_readable() {
        let to =
            [Mailbox::new("parent@example.com").name("Jane \"JS\" Smith"), Mailbox::new("b@example.com").name("Grüße")];
        assert_eq!(
            text_of(&letter("Field trip", &to)),
            "Date: Tue, 25 Nov 2025 19:46:40 -0000\r\nMessage-ID: <m@sis.invalid>\r\nX-SIS-Call: seed\r\n\
             To: \"Jane \\\"JS\\\" Smith\"\r\n <parent@example.com>,\r\n =?utf-8?B?R3LDvMOfZQ==?=\r\n <b@example.com>\r\n\
             Subject: Field trip\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n"
        );
    }

    #[test]
    fn alternatives_pictures_and_files_nest() {
        let files = [Attachment::new("a.png", &b"png"[..]).inline("logo"), Attachment::new("Größe 1.pdf", &b"pdf"[..])];
        let text = text_of(&Letter { html: Some("<p>"), attachments: &files, ..letter("x", &[]) });
        let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("Content-Type: ")).collect();
        let expected = [
            "multipart/mixed;",
            "multipart/alternative;",
            "text/plain; charset=utf-8",
            "multipart/related;",
            "text/html; charset=utf-8",
            "application/octet-stream",
            "application/octet-stream",
        ];
        assert_eq!(kinds, expected);
        assert!(text.contains("Content-Disposition: attachment;\r\n filename*=utf-8''Gr%C3%B6%C3%9Fe%201.pdf\r\n"));
        assert!(text.contains("Content-Disposition: inline;\r\n filename=\"a.png\"\r\nContent-ID: <logo>\r\n"));
        let alone = text_of(&Letter { text: None, attachments: &files, ..letter("x", &[]) });
        assert_eq!(alone.matches("filename").count(), 2);
    }

    #[test]
    fn no_subject_can_be_a_header_or_an_encoded_word_of_its_own() {
        assert_eq!(unstructured("=?utf-8?B?eA==?="), words("=?utf-8?B?eA==?="));
        assert!(!unstructured("a\r\nBcc: x").contains("Bcc"));
        assert_eq!(unstructured(""), "");
    }

    proptest! {
        #[test]
        fn every_line_is_short_and_ascii(subject in "\\PC{0,300}", name in "\\PC{0,200}", file in "\\PC{1,120}", text: String) {
            let to = [Mailbox::new("parent@example.com").name(name)];
            let files = [Attachment::new(file, text.clone().into_bytes())];
            let written = text_of(&Letter { text: Some(&text), attachments: &files, ..letter(&subject, &to) });
            prop_assert!(written.is_ascii());
            for line in written.split("\r\n") {
                prop_assert!(line.len() <= 78, "{}", line);
                prop_assert!(!line.contains(['\r', '\n']));
            }
        }
    }
}
