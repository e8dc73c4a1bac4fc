use serde_json::{Value, json};

use super::School;

/// Where the host takes webhooks.
const ADDRESS: &str = "https://sis.school.example/api/integrations/webhooks/google_workspace";

pub fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "watchFile" => json!({ "fileId": "{file}", "address": ADDRESS }),
        "watchChanges" => json!({ "address": ADDRESS, "days": 2 }),
        "watchEvents" => json!({ "calendarId": "primary", "address": ADDRESS }),
        "watchUsers" => json!({ "event": "add", "address": ADDRESS }),
        "watchMail" => json!({ "topicName": "projects/school/topics/mail" }),
        "watchClassroom" => json!({ "feed": "domain_roster_changes", "topicName": "projects/school/topics/classroom" }),
        "stopWatching" => json!({ "channelId": "{channel}" }),
        _ => return None,
    })
}

pub const MARKS: &[&str] = &["{channel}"];

pub async fn make(school: &School, mark: &str, text: &mut String) {
    let made = school.made("google_workspace", "watchChanges", json!({ "address": ADDRESS })).await;
    *text = text.replace(mark, made["channelId"].as_str().unwrap());
}
