//! Drive and Docs.

use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE};
use sandbox::google_workspace::{ADMIN, ChannelMessage, GUARDIAN, SHARED_DRIVE, STUDENT, TEACHER};
use serde_json::{Value, json};

use crate::school::{Reply, School, id, reply};

const FOLDER: &str = "application/vnd.google-apps.folder";
const DOCUMENT: &str = "application/vnd.google-apps.document";

#[tokio::test]
async fn files_are_made_found_moved_and_deleted() {
    let school = School::start().await;
    let brief = school.post("/drive/v3/files", json!({ "name": "Class 4b", "mimeType": FOLDER })).await;
    assert_eq!(brief.as_object().unwrap().keys().collect::<Vec<_>>(), ["kind", "id", "name", "mimeType"]);
    let folder = id(&brief);
    let body = json!({ "name": "Plan's", "parents": [folder], "appProperties": { "op": "1" } });
    let file = id(&school.post("/drive/v3/files", body).await);
    let find = async |q: &str| {
        let mut at = url::Url::parse("http://x/drive/v3/files").unwrap();
        at.query_pairs_mut().append_pair("q", q);
        let list = school.get(&format!("{}?{}", at.path(), at.query().unwrap())).await;
        list["files"].as_array().unwrap().iter().map(id).collect::<Vec<_>>()
    };
    let has = "appProperties has { key='op' and value='1' } and trashed = false";
    assert_eq!(find(has).await, [&*file]);
    assert_eq!(find(&format!("'{folder}' in parents and not name = 'x'")).await, [&*file]);
    assert_eq!(find(r"name contains 'plan\'s'").await, [&*file]);
    assert_eq!(find("'root' in parents").await, [&*folder]);
    let root = school.get("/drive/v3/files/root?fields=id").await;
    let moved = school
        .patch(&format!("/drive/v3/files/{file}?addParents=root&removeParents={folder}&fields=parents"), json!({}))
        .await;
    assert_eq!(moved, json!({ "parents": [root["id"]] }));
    let put = Some(json!({ "parents": [folder] }));
    let at = format!("/drive/v3/files/{file}");
    assert_eq!(school.refused(&school.token, Method::PATCH, &at, put).await, (403, "fieldNotWritable".to_owned()));
    school.patch(&at, json!({ "trashed": true, "name": "Old" })).await;
    assert_eq!(find(has).await, [""; 0]);
    for wrong in [format!("{at}?fields=id,nmae"), "/drive/v3/files?fields=files(id,nmae)".to_owned()] {
        let refused = school.refused(&school.token, Method::GET, &wrong, None).await;
        assert_eq!(refused, (400, "invalidParameter".to_owned()), "{wrong}");
    }
    assert_eq!(school.delete(&at).await, 204);
    assert_eq!(school.refused(&school.token, Method::GET, &at, None).await, (404, "notFound".to_owned()));
    let wrong = school.refused(&school.token, Method::GET, "/drive/v3/files?q=name", None).await;
    assert_eq!(wrong, (400, "invalid".to_owned()));
    let lost = Some(json!({ "name": "x", "parents": ["nowhere"] }));
    assert_eq!(
        school.refused(&school.token, Method::POST, "/drive/v3/files", lost).await,
        (404, "notFound".to_owned())
    );
}

#[tokio::test]
async fn a_search_can_lag_behind() {
    let school = School::start().await;
    school.google().search_lags(2);
    school.post("/drive/v3/files", json!({ "name": "New" })).await;
    let count = async || school.get("/drive/v3/files").await["files"].as_array().unwrap().len();
    assert_eq!((count().await, count().await, count().await), (0, 0, 1));
}

#[tokio::test]
async fn a_search_over_all_drives_can_be_incomplete() {
    let school = School::start().await;
    school.post("/drive/v3/files?supportsAllDrives=true", json!({ "name": "Shared", "parents": [SHARED_DRIVE] })).await;
    school.post("/drive/v3/files", json!({ "name": "Own" })).await;
    let all = "supportsAllDrives=true&includeItemsFromAllDrives=true&corpora=allDrives";
    let search = async |more: &str| {
        let list = school.get(&format!("/drive/v3/files?orderBy=name&{more}")).await;
        let names = list["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>().join(" "), list["incompleteSearch"] == true)
    };
    assert_eq!(search(all).await, ("Own Shared".to_owned(), false));
    school.google().search_incompletely(true);
    assert_eq!(search(all).await, ("Own".to_owned(), true));
    assert_eq!(search("").await, ("Own".to_owned(), false), "of the user's own all is known");
    let one = format!("{}&driveId={SHARED_DRIVE}", all.replace("=allDrives", "=drive"));
    assert_eq!(search(&one).await, ("Shared".to_owned(), false));
}

#[tokio::test]
async fn a_search_over_the_users_own_leaves_out_what_others_put_in_a_shared_drive() {
    let school = School::start().await;
    let teacher = school.token_of(TEACHER, &["drive"]).await;
    let file = json!({ "name": "Theirs", "parents": [SHARED_DRIVE] });
    school.send(&teacher, Method::POST, "/drive/v3/files?supportsAllDrives=true", Some(file)).await;
    let count = async |more: &str| {
        let all = "/drive/v3/files?supportsAllDrives=true&includeItemsFromAllDrives=true";
        school.get(&format!("{all}{more}")).await["files"].as_array().unwrap().len()
    };
    assert_eq!((count("").await, count("&corpora=user").await, count("&corpora=allDrives").await), (0, 0, 1));
}

#[tokio::test]
async fn lists_come_in_pages() {
    let school = School::start().await;
    for number in 0..5 {
        school.post("/drive/v3/files", json!({ "name": format!("f{number}") })).await;
    }
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let list = school.get(&format!("/drive/v3/files?pageSize=2&orderBy=name%20desc{token}")).await;
        names.extend(list["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()));
        match list["nextPageToken"].as_str() {
            Some(next) => token = format!("&pageToken={next}"),
            None => break,
        }
        let other = format!("/drive/v3/files?pageSize=2{token}");
        assert_eq!(school.refused(&school.token, Method::GET, &other, None).await.0, 400, "another question");
    }
    assert_eq!(names, ["f4", "f3", "f2", "f1", "f0"]);
}

#[tokio::test]
async fn a_generated_id_makes_a_file_once() {
    let school = School::start().await;
    let ids = school.get("/drive/v3/files/generateIds?count=2").await;
    let own = ids["ids"][0].as_str().unwrap();
    assert_eq!(id(&school.post("/drive/v3/files", json!({ "id": own, "name": "x" })).await), own);
    let refused =
        async |body: Value| school.refused(&school.token, Method::POST, "/drive/v3/files", Some(body)).await.0;
    assert_eq!(refused(json!({ "id": own })).await, 409);
    assert_eq!(refused(json!({ "id": "made-up" })).await, 400);
    assert_eq!(refused(json!({ "id": ids["ids"][1], "mimeType": DOCUMENT })).await, 400);
}

#[tokio::test]
async fn files_are_uploaded_in_three_ways() {
    let school = School::start().await;
    let upload = |query: &str| {
        school.request(&school.token, Method::POST, &format!("/upload/drive/v3/files?uploadType={query}"))
    };
    let media = reply(upload("media&fields=*").header(CONTENT_TYPE, "text/plain").body("hello")).await.body;
    assert_eq!((&media["mimeType"], &media["size"]), (&json!("text/plain"), &json!("5")));
    let at = format!("/drive/v3/files/{}?alt=media", id(&media));
    assert_eq!(reply(school.request(&school.token, Method::GET, &at)).await.text, "hello");
    let part = reply(school.request(&school.token, Method::GET, &at).header("range", "bytes=1-2")).await;
    assert_eq!(
        (part.status, part.text.as_str(), &part.headers["content-range"]),
        (206, "el", &"bytes 1-2/5".parse().unwrap())
    );

    let body = format!(
        "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>One</p><p>Two</p>\r\n--b--",
        json!({ "name": "Page", "mimeType": DOCUMENT })
    );
    let document =
        reply(upload("multipart").header(CONTENT_TYPE, "multipart/related; boundary=b").body(body)).await.body;
    let read = school.get(&format!("/v1/documents/{}", id(&document))).await;
    assert_eq!(read["body"]["content"][2]["paragraph"]["elements"][0]["textRun"]["content"], "Two\n");
    let text = format!("/drive/v3/files/{}/export?mimeType=text/plain", id(&document));
    assert_eq!(
        reply(school.request(&school.token, Method::GET, &text)).await.text.trim_start_matches('\u{feff}'),
        "One\r\nTwo"
    );
}

#[tokio::test]
async fn an_upload_in_pieces_goes_on_where_it_stopped() {
    const PIECE: usize = 262_144;
    let school = School::start().await;
    let content: Vec<u8> = (0..PIECE + 100).map(|byte| byte as u8).collect();
    let open = school
        .request(&school.token, Method::POST, "/upload/drive/v3/files?uploadType=resumable&fields=id,size")
        .header("x-upload-content-type", "video/mp4")
        .header("x-upload-content-length", content.len())
        .json(&json!({ "name": "film" }));
    let opened = reply(open).await;
    let at = opened.headers["location"].to_str().unwrap().to_owned();
    let put = async |range: String, bytes: &[u8]| -> Reply {
        reply(school.bare(Method::PUT, &at).header(CONTENT_RANGE, range).body(bytes.to_vec())).await
    };
    let total = content.len();
    let status = put(format!("bytes */{total}"), b"").await;
    assert_eq!((status.status, status.headers.get("range")), (308, None));
    assert_eq!(put(format!("bytes 0-99/{total}"), &content[..100]).await.status, 400, "not a multiple");
    let first = put(format!("bytes 0-{}/{total}", PIECE - 1), &content[..PIECE]).await;
    assert_eq!((first.status, first.headers["range"].to_str().unwrap()), (308, "bytes=0-262143"));
    assert_eq!(put(format!("bytes */{total}"), b"").await.status, 308);
    let done = put(format!("bytes {PIECE}-{}/{total}", total - 1), &content[PIECE..]).await;
    assert_eq!((done.status, &done.body["size"]), (200, &json!(total.to_string())));
    assert_eq!(put(format!("bytes */{total}"), b"").await.body, done.body, "asked again, the same file");
    assert_eq!(school.google().files().len(), 1);
    let gone = reply(school.bare(Method::PUT, "/upload/drive/v3/files?upload_id=none").body("x")).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn files_are_shared_and_seen_by_those_alone() {
    let school = School::start().await;
    let folder = id(&school.post("/drive/v3/files", json!({ "name": "Class", "mimeType": FOLDER })).await);
    let file = id(&school.post("/drive/v3/files", json!({ "name": "Task", "parents": [folder] })).await);
    let teacher = school.token_of(TEACHER, &["drive"]).await;
    let at = format!("/drive/v3/files/{file}");
    assert_eq!(school.refused(&teacher, Method::GET, &at, None).await, (404, "notFound".to_owned()));
    let share = |id: &str| format!("/drive/v3/files/{id}/permissions");
    let body = json!({ "role": "reader", "type": "user", "emailAddress": TEACHER });
    let one = school.post(&share(&folder), body.clone()).await;
    assert_eq!(school.send(&teacher, Method::GET, &at, None).await.status, 200, "a folder's permission reaches inside");
    let rename = Some(json!({ "name": "x" }));
    let refused = school.refused(&teacher, Method::PATCH, &at, rename.clone()).await;
    assert_eq!(refused, (403, "insufficientFilePermissions".to_owned()));
    let raised = school.patch(&format!("{}/{}", share(&folder), id(&one)), json!({ "role": "writer" })).await;
    assert_eq!(raised["role"], "writer");
    assert_eq!(school.send(&teacher, Method::PATCH, &at, rename).await.status, 200);
    school.post(&share(&folder), body).await;
    let all = school.get(&share(&folder)).await;
    assert_eq!(all["permissions"].as_array().unwrap().len(), 2, "the same address again changes the role");
    assert_eq!(school.google().share_notices().len(), 2);
    school.google().share_in_domain_only(true);
    let outside = Some(json!({ "role": "reader", "type": "user", "emailAddress": GUARDIAN }));
    assert_eq!(
        school.refused(&school.token, Method::POST, &share(&file), outside).await,
        (403, "shareOutNotPermitted".to_owned())
    );
    let owner = json!({ "role": "owner", "type": "user", "emailAddress": TEACHER });
    assert_eq!(school.refused(&school.token, Method::POST, &share(&file), Some(owner.clone())).await.0, 403);
    school.post(&format!("{}?transferOwnership=true", share(&file)), owner).await;
    assert_eq!(school.google().files()[1]["owner"], TEACHER);
    assert_eq!(school.delete(&format!("{}/{}", share(&folder), id(&one))).await, 204);
}

#[tokio::test]
async fn a_narrow_token_sees_the_files_of_its_own_project() {
    let school = School::start().await;
    let file = id(&school.post("/drive/v3/files", json!({ "name": "Mine" })).await);
    let narrow = school.token_of(ADMIN, &["drive.file"]).await;
    assert_eq!(school.send(&narrow, Method::GET, &format!("/drive/v3/files/{file}"), None).await.status, 200);
    let student = school.token_of(STUDENT, &["drive"]).await;
    assert_eq!(school.send(&student, Method::GET, &format!("/drive/v3/files/{file}"), None).await.status, 404);
}

#[tokio::test]
async fn a_shared_drive_is_seen_by_those_who_know_of_it() {
    let school = School::start().await;
    let drives = school.get("/drive/v3/drives").await;
    assert_eq!(drives["drives"][0]["id"], SHARED_DRIVE);
    let body = json!({ "name": "Rules", "parents": [SHARED_DRIVE] });
    let at = "/drive/v3/files?supportsAllDrives=true&fields=id,driveId,owners";
    let file = school.post(at, body.clone()).await;
    assert_eq!((&file["driveId"], &file["owners"]), (&json!(SHARED_DRIVE), &Value::Null));
    assert_eq!(school.refused(&school.token, Method::POST, "/drive/v3/files", Some(body)).await.0, 404);
    let at = format!("/drive/v3/files/{}", id(&file));
    assert_eq!(school.refused(&school.token, Method::GET, &at, None).await.0, 404);
    school.get(&format!("{at}?supportsAllDrives=true")).await;
    assert_eq!(school.get("/drive/v3/files").await["files"], json!([]));
    let all = school.get("/drive/v3/files?supportsAllDrives=true&includeItemsFromAllDrives=true").await;
    assert_eq!(all["files"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn changes_are_listed_and_watched() {
    let school = School::start().await;
    let start = school.get("/drive/v3/changes/startPageToken").await["startPageToken"].as_str().unwrap().to_owned();
    let file = id(&school.post("/drive/v3/files", json!({ "name": "a" })).await);
    school.patch(&format!("/drive/v3/files/{file}"), json!({ "name": "b" })).await;
    let list = school.get(&format!("/drive/v3/changes?pageToken={start}")).await;
    assert_eq!(list["changes"].as_array().unwrap().len(), 1);
    assert_eq!(list["changes"][0]["file"]["name"], "b");
    let next = list["newStartPageToken"].as_str().unwrap();
    let at = format!("/drive/v3/changes?pageToken={next}");
    assert_eq!(school.get(&at).await["changes"], json!([]));
    assert_eq!(school.delete(&format!("/drive/v3/files/{file}")).await, 204);
    assert_eq!(school.get(&at).await["changes"][0]["removed"], true);

    let body = json!({ "id": "c-1", "type": "web_hook", "address": "https://school.example/hook", "token": "secret" });
    let watch = format!("/drive/v3/changes/watch?pageToken={next}");
    let channel = school.post(&watch, body.clone()).await;
    let again = school.refused(&school.token, Method::POST, &watch, Some(body)).await;
    assert_eq!(again, (400, "channelIdNotUnique".to_owned()));
    let number = |message: &ChannelMessage| {
        let found = message.headers.iter().find(|(name, _)| name == "X-Goog-Message-Number");
        found.map(|(_, value)| value.clone())
    };
    let first = school.google().channel_message("c-1", "sync").unwrap();
    let second = school.google().channel_message("c-1", "change").unwrap();
    assert_eq!((number(&first).as_deref(), number(&second).as_deref()), (Some("1"), Some("2")));
    assert_eq!(second.address, "https://school.example/hook");
    assert!(second.headers.contains(&("X-Goog-Channel-Token".to_owned(), "secret".to_owned())));
    let stop = Some(json!({ "id": "c-1", "resourceId": channel["resourceId"] }));
    let stopped = school.send(&school.token, Method::POST, "/drive/v3/channels/stop", stop.clone()).await;
    assert_eq!(stopped.status, 204);
    assert_eq!(school.refused(&school.token, Method::POST, "/drive/v3/channels/stop", stop).await.0, 404);
}

#[tokio::test]
async fn a_document_is_written_all_or_nothing() {
    let school = School::start().await;
    let body = json!({ "title": "Plan", "body": { "content": [] } });
    let made = school.post("/v1/documents", body).await;
    let document = made["documentId"].as_str().unwrap().to_owned();
    assert_eq!((&made["title"], made["body"]["content"].as_array().unwrap().len()), (&json!("Plan"), 2));
    let at = format!("/v1/documents/{document}:batchUpdate");
    let insert = |text: &str| json!({ "insertText": { "text": text, "location": { "index": 1 } } });
    let control = json!({ "requiredRevisionId": made["revisionId"] });
    let body = json!({ "requests": [insert("Hello\n")], "writeControl": control });
    let written = school.post(&at, body.clone()).await;
    assert_ne!(written["writeControl"]["requiredRevisionId"], made["revisionId"]);
    let again = school.refused(&school.token, Method::POST, &at, Some(body)).await;
    assert_eq!(again, (400, "INVALID_ARGUMENT".to_owned()), "the document has moved on");
    let half = json!({ "requests": [insert("x"), { "deleteContentRange": { "range": { "startIndex": 1, "endIndex": 99 } } }] });
    assert_eq!(school.refused(&school.token, Method::POST, &at, Some(half)).await.0, 400);
    assert_eq!(school.google().documents()[0]["text"], "Hello\n\n");
    let replace =
        json!({ "replaceAllText": { "containsText": { "text": "Hello", "matchCase": true }, "replaceText": "Bye" } });
    let end = json!({ "insertText": { "text": "!", "endOfSegmentLocation": {} } });
    let replies = school.post(&at, json!({ "requests": [replace, end] })).await;
    assert_eq!(replies["replies"][0]["replaceAllText"]["occurrencesChanged"], 1);
    assert_eq!(school.google().documents()[0]["text"], "Bye\n!\n");
    let file = school.get(&format!("/drive/v3/files/{document}?fields=name,mimeType,webViewLink")).await;
    assert_eq!((&file["name"], &file["mimeType"]), (&json!("Plan"), &json!(DOCUMENT)));
    let gone = school.refused(&school.token, Method::GET, "/v1/documents/none", None).await;
    assert_eq!(gone, (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn a_batch_answers_each_request() {
    let school = School::start().await;
    let part = |id: &str, request: &str| {
        format!("--b\r\nContent-Type: application/http\r\nContent-ID: <{id}>\r\n\r\n{request}\r\n")
    };
    let post = "POST /drive/v3/files HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"name\":\"x\"}";
    let body = part("1", post) + &part("2", "GET /drive/v3/files/none") + "--b--\r\n";
    let batch = async |path: &str, body: String| {
        let request = school.request(&school.token, Method::POST, path);
        reply(request.header(CONTENT_TYPE, "multipart/mixed; boundary=b").body(body)).await
    };
    let answer = batch("/batch/drive/v3", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("Content-ID: <response-1>") && answer.text.contains("HTTP/1.1 200 OK"));
    assert!(answer.text.contains("Content-ID: <response-2>") && answer.text.contains("HTTP/1.1 404 Not Found"));
    let many: String = (0..101).map(|number| part(&number.to_string(), "GET /drive/v3/about?fields=user")).collect();
    assert_eq!(batch("/batch/drive/v3", many + "--b--").await.status, 400);
    let other = part("1", "GET /v1/documents/x") + "--b--";
    assert_eq!(batch("/batch/drive/v3", other).await.status, 400);
}
