use base64::{Engine, engine::general_purpose::STANDARD};
use sandbox::google_workspace as google;
use serde_json::{Value, json};

use super::School;

pub fn arguments(operation: &str) -> Option<Value> {
    let teacher = json!({ "role": "writer", "type": "user", "emailAddress": google::TEACHER });
    Some(match operation {
        "getDriveAbout" => json!({}),
        "listFiles" => {
            json!({ "folderId": "{folder}", "orderBy": "folder,name", "pageSize": 10, "fields": ["capabilities"] })
        }
        "searchFiles" => json!({
            "nameContains": "Jane's", "mimeType": "text/plain", "folderId": "{folder}",
            "modifiedAfter": "2020-01-01T00:00:00Z", "query": "name != 'x'", "pageSize": 10,
        }),
        "getFile" => json!({ "fileId": "{file}", "fields": ["capabilities"] }),
        "getFiles" => json!({ "fileIds": ["{file}", "{folder}"] }),
        "createFolder" => json!({ "name": "Class 7b", "folderId": "{folder}", "description": "All of it" }),
        "uploadFile" => json!({
            "name": "hello.txt", "mimeType": "text/plain", "content": STANDARD.encode("Hello"), "size": 5,
            "folderId": "{folder}", "description": "A greeting",
        }),
        "updateFileContent" => {
            json!({ "fileId": "{file}", "mimeType": "text/plain", "content": STANDARD.encode("Good day") })
        }
        "downloadFile" => json!({ "fileId": "{file}", "maxBytes": 1000 }),
        "exportFile" => json!({ "fileId": "{document}", "mimeType": "text/plain" }),
        "renameFile" => json!({ "fileId": "{file}", "name": "Another" }),
        "moveFile" => json!({ "fileId": "{file}", "folderId": "{folder}" }),
        "copyFile" => json!({ "fileId": "{file}", "name": "A copy", "folderId": "{folder}" }),
        "trashFile" => json!({ "fileId": "{file}" }),
        "deleteFile" => json!({ "fileId": "{file}" }),
        "deleteFiles" => json!({ "fileIds": ["{file}"] }),
        "generateFileIds" => json!({ "count": 2 }),
        "shareFile" => json!({
            "fileId": "{file}", "role": "writer", "type": "user", "emailAddress": google::TEACHER, "message": "Please read",
        }),
        "shareFiles" => json!({ "items": [{ "fileId": "{file}", "share": teacher }] }),
        "listPermissions" => json!({ "fileId": "{file}", "pageSize": 10 }),
        "updatePermission" => json!({ "fileId": "{file}", "permissionId": "{permission}", "role": "reader" }),
        "revokePermission" => json!({ "fileId": "{file}", "permissionId": "{permission}" }),
        "listSharedDrives" => json!({ "pageSize": 10 }),
        "listChanges" => json!({ "pageToken": "{changes}", "pageSize": 10 }),
        "createDocument" => json!({
            "title": "Student Report", "content": "Report content here", "folderId": "{folder}", "permissions": [teacher],
        }),
        "getDocument" => json!({ "documentId": "{document}", "includeTabs": true }),
        "getDocumentText" => json!({ "documentId": "{document}" }),
        "appendToDocument" => json!({ "documentId": "{document}", "text": "\nSeen." }),
        "replaceInDocument" => json!({
            "documentId": "{document}", "replacements": [{ "find": "{{student}}", "replaceWith": "Jane" }],
        }),
        _ => return None,
    })
}

pub const MARKS: &[&str] = &["{permission}", "{file}", "{folder}", "{document}", "{changes}"];

pub async fn make(school: &School, mark: &str, text: &mut String) {
    let made = async |operation: &str, arguments: Value| school.made("google_workspace", operation, arguments).await;
    let upload = json!({ "name": "Jane's report.txt", "mimeType": "text/plain", "content": STANDARD.encode("Jane") });
    let id = |output: &Value| output["id"].as_str().unwrap().to_owned();
    let (name, value) = match mark {
        "{permission}" => {
            let file = id(&made("uploadFile", upload).await);
            let share = json!({ "fileId": file, "role": "writer", "type": "user", "emailAddress": google::TEACHER });
            let permission = id(&made("shareFile", share).await);
            *text = text.replace("{file}", &file);
            (mark, permission)
        }
        "{file}" => (mark, id(&made("uploadFile", upload).await)),
        "{folder}" => (mark, id(&made("createFolder", json!({ "name": "Reports" })).await)),
        "{document}" => {
            let document = json!({ "title": "Letter", "content": "Dear {{student}},\nwelcome." });
            let made = made("createDocument", document).await;
            (mark, made["documentId"].as_str().unwrap().to_owned())
        }
        _ => {
            let start = made("listChanges", json!({})).await;
            (mark, start["newStartPageToken"].as_str().unwrap().to_owned())
        }
    };
    *text = text.replace(name, &value);
}
