//! Online meetings of events: the part of the text that joins them, without which they end.

use serde_json::{Value, json};

use super::super::context::text;

/// What stands above and below the part of Teams.
const LINE: &str = "________________________________________________________________________________";

pub(super) fn is_online(event: &Value) -> bool {
    event.get("isOnlineMeeting") == Some(&json!(true))
}

/// Gives an event that asks for a meeting its meeting, and writes that into the text.
pub(super) fn arrange(event: &mut Value, number: u64) {
    if !is_online(event) || event.get("onlineMeeting").is_some_and(|meeting| !meeting.is_null()) {
        return;
    }
    let join = format!(
        "https://teams.microsoft.com/l/meetup-join/19%3ameeting_sandbox{number}%40thread.v2/0?context=%7b%7d&tenant=1"
    );
    event["onlineMeetingProvider"] = json!("teamsForBusiness");
    event["onlineMeeting"] = json!({ "joinUrl": join, "conferenceId": number.to_string() });
    let body = event.get("body").unwrap_or(&Value::Null);
    let content = text(body, "content").unwrap_or_default();
    let content = match text(body, "contentType") {
        Some("html") => content.to_owned(),
        _ => encoded(content).replace('\n', "<br>\n"),
    };
    let rule = format!(
        "<div style=\"width:100%; height:20px\"><span style=\"white-space:nowrap; opacity:.36\">{LINE}</span></div>"
    );
    let part = format!(
        "<div class=\"me-email-text\" lang=\"en-US\"><div><span style=\"font-size:24px\">Microsoft Teams meeting</span></div>\
         <div><a class=\"me-email-headline\" href=\"{}\">Click here to join the meeting</a></div></div>",
        encoded(&join)
    );
    let whole = format!("<html><head></head><body>{content}<br>\r\n{rule}\r\n{part}\r\n{rule}\r\n</body></html>");
    event["body"] = json!({ "contentType": "html", "content": whole });
}

/// What a change to an event with a meeting does to the meeting: it cannot be turned off, but goes with its part of the
/// text.
pub(super) fn keep(event: &Value, patch: &mut Value) {
    if !is_online(event) {
        return;
    }
    if let Some(fields) = patch.as_object_mut() {
        fields.remove("isOnlineMeeting");
        fields.remove("onlineMeetingProvider");
    }
    let Some(content) = patch.pointer("/body/content").and_then(Value::as_str) else {
        return;
    };
    let join = event.pointer("/onlineMeeting/joinUrl").and_then(Value::as_str).map(encoded).unwrap_or_default();
    let html = patch.pointer("/body/contentType").and_then(Value::as_str).is_some_and(|kind| kind == "html");
    if !html || !content.contains(LINE) || !content.contains(&join) {
        patch["isOnlineMeeting"] = json!(false);
        patch["onlineMeeting"] = Value::Null;
        patch["onlineMeetingProvider"] = json!("unknown");
    }
}

fn encoded(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// How a text begins, without the elements of a page.
pub(super) fn preview(body: &Value) -> String {
    let content = text(body, "content").unwrap_or_default();
    if text(body, "contentType") != Some("html") {
        return content.chars().take(255).collect();
    }
    let outside = content.split('<').enumerate().filter_map(|(at, part)| match at {
        0 => Some(part),
        _ => part.split_once('>').map(|(_, after)| after),
    });
    outside.collect::<String>().trim().chars().take(255).collect()
}
