//! Documents made from uploads, and exported again.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;

use super::access::readable;
use super::{Call, Content, EXPORT, Reply};
use crate::exchange::Answer;
use crate::google_workspace::call::Result;
use crate::google_workspace::docs::Document;
use crate::google_workspace::error::ApiError;

/// What a document can be exported to.
pub(super) const FORMATS: &[&str] = &["text/plain", "text/html", "application/pdf"];
/// No export is larger.
const LARGEST: usize = 10 * 1024 * 1024;
/// Elements that start a paragraph of their own.
const BLOCKS: &[&str] = &["p", "div", "br", "h1", "h2", "h3", "h4", "h5", "h6", "li", "tr", "ul", "ol", "table"];

/// An answer of bytes of any type.
pub(super) fn bytes(status: StatusCode, kind: &str, content: Bytes) -> Answer {
    Answer::new(status, "application/octet-stream", content).with(CONTENT_TYPE, kind)
}

/// A document from what was uploaded.
pub(super) fn import(kind: Option<&str>, content: &Bytes) -> Result<Document> {
    let text = String::from_utf8_lossy(content);
    match kind {
        Some("text/html") => Ok(Document::new(&from_html(&text))),
        Some("text/plain" | "text/markdown") | None => Ok(Document::new(&text.replace("\r\n", "\n"))),
        Some(other) => Err(ApiError::invalid(format!("Bad Request. {other} cannot be made into a document here."))),
    }
}

/// The text of a page: each block its own line, entities decoded, blanks as one.
fn from_html(html: &str) -> String {
    let mut lines = vec![String::new()];
    let mut rest = html;
    let mut hidden: Option<String> = None;
    while let Some((text, after)) = rest.split_once('<') {
        if hidden.is_none() {
            append(&mut lines, text);
        }
        let (tag, behind) = after.split_once('>').unwrap_or((after, ""));
        rest = behind;
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or("").to_ascii_lowercase();
        if ["style", "script", "head", "title"].contains(&name.as_str()) {
            if tag.starts_with('/') {
                hidden = hidden.filter(|open| *open != name);
            } else if hidden.is_none() {
                hidden = Some(name);
            }
        } else if BLOCKS.contains(&name.as_str()) && lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
    }
    append(&mut lines, rest);
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

fn append(lines: &mut [String], text: &str) {
    let Some(line) = lines.last_mut() else { return };
    let decoded = text.replace("&nbsp;", "\u{a0}").replace("&lt;", "<").replace("&gt;", ">");
    let decoded = decoded.replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    for c in decoded.chars() {
        match c {
            ' ' | '\n' | '\r' | '\t' if line.is_empty() || line.ends_with(' ') => {}
            ' ' | '\n' | '\r' | '\t' => line.push(' '),
            other => line.push(other),
        }
    }
}

/// Text that is safe inside of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(super) fn export(call: &mut Call<'_>, id: &str) -> Result {
    call.needs(EXPORT)?;
    let (file, _) = readable(call, id)?;
    let Content::Doc(document) = &file.content else {
        let why = "Export only supports Docs Editors files.";
        return Err(ApiError::forbidden("fileNotExportable", why).at("parameter", "fileId"));
    };
    let kind = call.query.filled("mimeType").ok_or_else(|| ApiError::required("mimeType"))?;
    let text = document.text();
    let content = match kind {
        // With a byte order mark and the line ends of Windows, as the vendor writes it.
        "text/plain" => format!("\u{feff}{}", text.trim_end_matches('\n').replace('\n', "\r\n")).into_bytes(),
        "text/html" => {
            let lines = text.trim_end_matches('\n').split('\n');
            let body: String = lines.map(|line| format!("<p>{}</p>", escaped(line))).collect();
            format!("<html><head><title>{}</title></head><body>{body}</body></html>", escaped(&file.name)).into_bytes()
        }
        "application/pdf" => pdf(&text),
        other => {
            let why = format!("The requested conversion to {other} is not supported.");
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "badRequest", why).at("parameter", "convertTo"));
        }
    };
    if content.len() > LARGEST {
        let why = "This file is too large to be exported.";
        return Err(ApiError::forbidden("exportSizeLimitExceeded", why).at("parameter", "fileId"));
    }
    Ok(Reply::Whole(bytes(StatusCode::OK, kind, content.into())))
}

/// A page with the text's lines, as small a PDF as readers take.
fn pdf(text: &str) -> Vec<u8> {
    let plain = |line: &str| -> String {
        let line = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        line.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
    };
    let lines: String = text.lines().map(|line| format!("({}) Tj T*\n", plain(line))).collect();
    let page = format!("BT /F1 11 Tf 14 TL 72 770 Td\n{lines}ET");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>\nstream\n{page}\nendstream", page.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = file.len();
    file.push_str(&format!("{table}trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1));
    file.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::from_html;

    #[test]
    fn a_page_becomes_lines() {
        let page =
            "<html><head><title>x</title></head><body><h1>Plan</h1>\n<p>A &amp; <b>B</b><br/>C</p></body></html>";
        assert_eq!(from_html(page), "Plan\nA & B\nC");
        assert_eq!(from_html("plain &lt;text&gt;"), "plain <text>");
    }
}
