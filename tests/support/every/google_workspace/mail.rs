use sandbox::google_workspace as google;
use serde_json::{Value, json};

use super::School;

pub fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "sendMail" => json!({
            "to": [{ "email": google::PARENT, "name": "Pat Parent" }], "subject": "Field trip",
            "text": "On Friday", "html": "<p>On Friday</p>", "attachments": [{ "filename": "list.txt", "content": "eA==" }],
        }),
        "createDraft" => json!({ "to": [{ "email": google::PARENT }], "subject": "Field trip", "text": "On Friday" }),
        "updateDraft" => {
            json!({ "draftId": "{draft}", "to": [{ "email": google::PARENT }], "subject": "Trip", "text": "On Monday" })
        }
        "sendDraft" | "deleteDraft" => json!({ "draftId": "{draft}" }),
        "listDrafts" | "listMessages" => json!({ "query": "subject:trip", "pageSize": 5 }),
        "getMessage" => json!({ "messageId": "{message}" }),
        "getAttachment" => json!({ "messageId": "{message}", "attachmentId": "{attachment}" }),
        "modifyMessage" => json!({ "messageId": "{message}", "addLabelIds": ["STARRED"] }),
        "listLabels" | "getMailProfile" => json!({}),
        "listMailHistory" => json!({ "startHistoryId": "{history}" }),
        _ => return None,
    })
}

pub const MARKS: &[&str] = &["{draft}", "{attachment}", "{message}", "\"{history}\""];

pub async fn make(school: &School, mark: &str, text: &mut String) {
    let made = async |operation: &str, arguments: Value| school.made("google_workspace", operation, arguments).await;
    let id = match mark {
        "{draft}" => made("createDraft", arguments("createDraft").unwrap()).await["id"].as_str().unwrap().to_owned(),
        "{message}" => made("sendMail", arguments("sendMail").unwrap()).await["id"].as_str().unwrap().to_owned(),
        "\"{history}\"" => made("getMailProfile", json!({})).await["historyId"].to_string(),
        _ => {
            // Both are of one message.
            let mut mail = arguments("sendMail").unwrap();
            mail["attachments"][0]["content"] = json!("eHh4".repeat(4000));
            let message = made("sendMail", mail).await["id"].as_str().unwrap().to_owned();
            let read = made("getMessage", json!({ "messageId": message })).await;
            *text = text.replace("{message}", &message);
            read["attachments"][0]["attachmentId"].as_str().unwrap().to_owned()
        }
    };
    *text = text.replace(mark, &id);
}
