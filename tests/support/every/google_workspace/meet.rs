use sandbox::google_workspace as google;
use serde_json::{Value, json};

use super::School;

pub fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "createMeetingSpace" => json!({ "config": { "accessType": "TRUSTED" } }),
        "getMeetingSpace" | "endActiveConference" => json!({ "space": "{space}" }),
        "updateMeetingSpace" => json!({ "space": "{space}", "config": { "accessType": "RESTRICTED" } }),
        "listConferences" => json!({ "pageSize": 5 }),
        "getConference" | "listParticipants" | "listRecordings" | "listTranscripts" => {
            json!({ "conference": "{conference}" })
        }
        "listParticipantSessions" => json!({ "participant": "{participant}" }),
        _ => return None,
    })
}

pub const MARKS: &[&str] = &["{space}", "{conference}", "{participant}"];

pub async fn make(school: &School, mark: &str, text: &mut String) {
    let made = async |operation: &str, arguments: Value| school.made("google_workspace", operation, arguments).await;
    let space = made("createMeetingSpace", arguments("createMeetingSpace").unwrap()).await;
    let name = if mark == "{space}" {
        space["name"].as_str().unwrap().to_owned()
    } else {
        let code = space["meetingCode"].as_str().unwrap();
        let people = [google::TEACHER, google::STUDENT];
        let conference = school.sandbox.google_workspace().hold_conference(code, &people, Some(45)).unwrap();
        if mark == "{participant}" {
            let list = made("listParticipants", json!({ "conference": conference })).await;
            list["participants"][0]["name"].as_str().unwrap().to_owned()
        } else {
            conference
        }
    };
    *text = text.replace(mark, &name);
}
