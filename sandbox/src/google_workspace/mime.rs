//! Multipart bodies, as uploads, batches and mails have them.

use bytes::Bytes;

/// Header lines of a part, and what follows them.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Part {
    /// The first header of this name, whatever its case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The essence of the content type, in small letters.
    pub(super) fn kind(&self) -> String {
        essence(self.header("content-type").unwrap_or("text/plain"))
    }

    /// Reads header lines up to an empty one; lines that start with a blank go on with the one before.
    pub(super) fn read(bytes: &Bytes) -> Self {
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut at = 0;
        while let Some(line) = line_at(bytes, at) {
            let text = String::from_utf8_lossy(bytes.get(at..line.0).unwrap_or_default()).into_owned();
            at = line.1;
            if text.is_empty() {
                break;
            }
            if text.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push(' ');
                    value.push_str(text.trim());
                }
            } else if let Some((name, value)) = text.split_once(':') {
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Self { headers, body: bytes.slice(at.min(bytes.len())..) }
    }

    /// The same with another header at its top.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.insert(0, (name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a header.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut part = self.clone();
        part.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        part
    }

    /// The bytes that would be read as this.
    pub(super) fn source(&self) -> Vec<u8> {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let mut source = headers.collect::<String>().into_bytes();
        source.extend_from_slice(b"\r\n");
        source.extend_from_slice(&self.body);
        source
    }

    /// The parts of a multipart body.
    pub(super) fn parts(&self) -> Option<Vec<Self>> {
        let boundary = parameter(self.header("content-type")?, "boundary")?;
        split(&self.body, &boundary)
    }
}

/// Where the line that starts at `at` ends, and where the next starts; none behind the last byte.
fn line_at(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let Some(feed) = rest.iter().position(|byte| *byte == b'\n') else { return Some((bytes.len(), bytes.len())) };
    let end = if feed > 0 && rest.get(feed - 1) == Some(&b'\r') { feed - 1 } else { feed };
    Some((at + end, at + feed + 1))
}

/// The parts between the lines of a boundary; none if the last boundary is missing.
pub(super) fn split(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let delimiter = format!("--{boundary}");
    let (mut parts, mut started, mut at) = (Vec::new(), None, 0);
    while let Some((end, next)) = line_at(body, at) {
        let line = body.get(at..end).unwrap_or_default();
        if let Some(tail) = line.strip_prefix(delimiter.as_bytes()) {
            if let Some(from) = started {
                // The line break before a boundary belongs to the boundary.
                let mut to = at;
                for ending in [b'\n', b'\r'] {
                    if to > from && body.get(to - 1) == Some(&ending) {
                        to -= 1;
                    }
                }
                parts.push(Part::read(&body.slice(from..to)));
            }
            if tail.starts_with(b"--") {
                return Some(parts);
            }
            started = Some(next);
        }
        at = next;
    }
    None
}

/// A content type without its parameters, in small letters.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// A parameter of a header such as `multipart/related; boundary="x"`.
pub(super) fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use proptest::prelude::*;

    use super::{Part, parameter, split};

    proptest! {
        #[test]
        fn parts_come_out_as_they_went_in(bodies in prop::collection::vec("[a-z\\r\\n:;-]{0,20}", 1..4)) {
            let part = |body: &String| format!("--BOUND\r\nA: 1\r\n\r\n{body}\r\n");
            let whole: String = bodies.iter().map(part).chain(["--BOUND--".to_owned()]).collect();
            let parts = split(&Bytes::from(whole), "BOUND").unwrap();
            let read: Vec<&[u8]> = parts.iter().map(|part| &part.body[..]).collect();
            prop_assert_eq!(read, bodies.iter().map(String::as_bytes).collect::<Vec<_>>());
        }
    }

    #[test]
    fn parts_are_cut_at_the_boundary() {
        let body = Bytes::from_static(
            b"before\r\n--b\r\nA: 1\r\n\r\none\r\ntwo\r\n--b\r\nContent-Type: text/html;\r\n charset=x\r\n\r\n\r\n--b--\r\n",
        );
        let parts = split(&body, "b").unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].header("a"), &parts[0].body[..]), (Some("1"), &b"one\r\ntwo"[..]));
        assert_eq!((parts[1].kind(), parts[1].body.len()), ("text/html".to_owned(), 0));
        assert_eq!(parts[1].header("Content-Type"), Some("text/html; charset=x"));
        assert!(split(&Bytes::from_static(b"--b\r\n\r\nx"), "b").is_none());
    }

    #[test]
    fn a_part_without_a_body_has_headers_only() {
        let part = Part::read(&Bytes::from_static(b"A: 1\nB: 2"));
        assert_eq!((part.header("b"), part.body.len()), (Some("2"), 0));
        assert_eq!(parameter("multipart/mixed; boundary=\"a b\"", "boundary").as_deref(), Some("a b"));
    }
}
