//! The text of an event with a meeting in Teams. What joins the meeting stands in the text, and Outlook ends the meeting
//! where that is taken out. <https://learn.microsoft.com/graph/api/event-update>

use serde_json::{Value, json};

use super::{calendar::Event, channels::ContentType, graph::Graph};
use crate::error::{Error, ErrorCode, Result};

/// Teams draws a line above what it writes: twice as long as this.
const LINE: &str = "________________________________________";
/// What Teams calls its part, should the link in it be written in another way.
const PART: &str = "me-email-text";

/// The body that gives an event this text. Of an event with a meeting, the part about the meeting stays, below the text.
pub(super) async fn body(graph: &Graph<'_>, event: &str, content: &str, kind: ContentType) -> Result<Value> {
    let fields = [("$select", "isOnlineMeeting,onlineMeeting,body".to_owned())];
    let held: Event = graph.get(&["events", event], &fields).await?;
    if held.is_online_meeting != Some(true) {
        return Ok(json!({ "content": content, "contentType": kind }));
    }
    let join = held.online_meeting.as_ref().and_then(|meeting| meeting.get("joinUrl")).and_then(Value::as_str);
    let join = join.unwrap_or_default();
    if kind == ContentType::Html && link(content, join).is_some() {
        return Ok(json!({ "content": content, "contentType": kind }));
    }
    let text = match kind {
        ContentType::Html => content.to_owned(),
        ContentType::Text => escaped(content),
    };
    let old = held.body.and_then(|body| body.content).unwrap_or_default();
    let own = part(&old, join).ok_or_else(|| {
        let why = "the event has an online meeting, which Outlook would end with this: the part of the text by which it is \
                   joined was not found. Give the content as html, with the link to the meeting in it, or make a new event";
        Error::new(ErrorCode::Conflict, why).with_field("content")
    })?;
    let (above, below) = text.split_at_checked(end(&text)).unwrap_or((&text, ""));
    Ok(json!({ "content": format!("{above}<br>\n{own}{below}"), "contentType": ContentType::Html }))
}

/// Of a page, what Teams has written into it: from the line above the link to the end.
fn part<'h>(html: &'h str, join: &str) -> Option<&'h str> {
    let page = html.get(..end(html))?;
    let at = link(page, join).or_else(|| page.rfind(PART))?;
    let above = page.get(..at)?;
    let line = above.rfind(LINE)?;
    page.get(opening(above.get(..line)?.trim_end_matches('_'))..)
}

/// Where a page links to an address, in which `&` may be written as HTML wants it.
fn link(page: &str, address: &str) -> Option<usize> {
    if address.is_empty() {
        return None;
    }
    // Outlook writes what is encoded in capitals or not. ASCII keeps its length.
    let (page, address) = (page.to_ascii_lowercase(), address.to_ascii_lowercase());
    page.rfind(&address.replace('&', "&amp;")).or_else(|| page.rfind(&address))
}

/// Where the text of a page ends.
fn end(html: &str) -> usize {
    html.to_ascii_lowercase().rfind("</body").unwrap_or(html.len())
}

/// Where the elements begin that are open at the end, with nothing else between them.
fn opening(html: &str) -> usize {
    let (mut start, mut rest) = (html.len(), html.trim_end());
    while rest.ends_with('>')
        && let Some((before, tag)) = rest.rfind('<').and_then(|at| rest.split_at_checked(at))
    {
        let tag = tag.to_ascii_lowercase();
        if ["</", "<br", "<hr", "<img", "<body", "<html", "<!"].iter().any(|other| tag.starts_with(other)) {
            break;
        }
        (start, rest) = (before.len(), before.trim_end());
    }
    start
}

/// Plain text as HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("<br>\n"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOIN: &str = "https://teams.microsoft.com/l/meetup-join/19%3Ameeting_a%40thread.v2/0?a=1&b=2";

    fn page(before: &str) -> String {
        format!(
            "<html><head></head><body>{before}<br>\r\n<div style=\"height:20px\"><span>{LINE}{LINE}</span></div>\
             <div class=\"me-email-text\"><a href=\"https://teams.microsoft.com/l/meetup-join/19%3ameeting_a%40thread.v2/0?a=1&amp;b=2\">\
             Join</a></div><div><span>{LINE}{LINE}</span></div>\r\n</body></html>"
        )
    }

    #[test]
    fn the_part_of_teams_begins_with_the_line_above_its_link() {
        let page = page(&format!("<div>Agenda</div><p>{LINE} mine</p>"));
        let part = part(&page, JOIN).unwrap();
        assert!(part.starts_with("<div style=\"height:20px\"><span>____"), "{part}");
        assert!(part.contains("meetup-join") && part.trim_end().ends_with("</span></div>"), "{part}");
        assert!(!part.contains("Agenda") && !part.contains("mine") && !part.contains("body"), "{part}");
    }

    #[test]
    fn what_is_not_found_is_not_guessed() {
        assert_eq!(part("<html><body>Agenda</body></html>", JOIN), None);
        assert_eq!(part(&format!("<p>Join at {JOIN}</p>"), JOIN), None);
        assert_eq!(part("", ""), None);
        assert!(part(&page(""), "https://elsewhere.example/").is_some(), "by the name of its part");
    }

    #[test]
    fn elements_that_only_hold_the_line_go_with_it() {
        assert_eq!(opening("<p>a</p><div class=x> <span>"), "<p>a</p>".len());
        assert_eq!(opening("<body><div>"), "<body>".len());
        assert_eq!(opening("a<br>"), "a<br>".len());
        assert_eq!(opening("a > b"), "a > b".len());
    }

    #[test]
    fn plain_text_stays_what_it_says() {
        assert_eq!(escaped("1 < 2 & 3\nend"), "1 &lt; 2 &amp; 3<br>\nend");
    }
}
