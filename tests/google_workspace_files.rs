//! Drive and Docs through the whole road, against the look-alike: every kind of bad input, and every way to be cut off.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use every::{School, builder, timed};
use sandbox::{Fault, Rule, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{Error, ErrorCode, Retry, storage::MemoryStorage, transport::Backoff};

/// Above this an upload goes in chunks of 4 MiB.
const LARGE: usize = 11 << 20;

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 3 };

async fn school() -> School {
    School::open(builder().storage(MemoryStorage::new()).backoff(BACKOFF)).await
}

async fn call(school: &School, operation: &str, arguments: Value) -> Result<Value, Error> {
    school.tenant.execute(&school.admin, "google_workspace", operation, arguments).await.map(|reply| reply.output)
}

async fn made(school: &School, operation: &str, arguments: Value) -> Value {
    call(school, operation, arguments).await.unwrap_or_else(|error| panic!("{operation}: {error} {error:?}"))
}

async fn refused(school: &School, operation: &str, arguments: Value) -> Error {
    match call(school, operation, arguments).await {
        Err(error) => error,
        Ok(output) => panic!("{operation} was taken: {output}"),
    }
}

/// The same call by name, with its idempotency key.
async fn named(school: &School, key: &str, operation: &str, arguments: Value) -> Result<Value, Error> {
    let call = school.tenant.request(&school.admin).idempotency_key(key);
    call.execute("google_workspace", operation, arguments).await.map(|reply| reply.output)
}

fn faults(school: &School) -> &sandbox::Faults {
    school.sandbox.google_workspace().faults()
}

fn files_named(school: &School, name: &str) -> Vec<Value> {
    let mut files = school.sandbox.google_workspace().files();
    files.retain(|file| file["name"] == name);
    files
}

fn upload(name: &str, bytes: &[u8]) -> Value {
    json!({ "name": name, "mimeType": "application/octet-stream", "content": STANDARD.encode(bytes) })
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

async fn content(school: &School, id: &Value) -> Vec<u8> {
    let read = made(school, "downloadFile", json!({ "fileId": id, "maxBytes": 100 << 20 })).await;
    STANDARD.decode(read["content"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn bad_input_is_refused_by_its_path_before_anything_leaves() {
    let school = school().await;
    let before = school.sandbox.google_workspace().recorder().seen();
    let person = |address: &str| json!({ "role": "reader", "type": "user", "emailAddress": address });
    let tib = 5_497_558_138_880_u64;
    for (operation, arguments, field) in [
        ("uploadFile", json!({ "name": "a", "mimeType": "text/plain", "content": "", "size": tib + 1 }), "size"),
        ("uploadFile", json!({ "name": "a", "mimeType": "text/plain", "content": "aGk=", "size": 3 }), "size"),
        ("uploadFile", json!({ "name": "a", "mimeType": "text/plain", "content": "?" }), "content"),
        ("uploadFile", json!({ "name": "a", "mimeType": "text", "content": "" }), "mimeType"),
        ("uploadFile", json!({ "name": "a", "mimeType": "text/plain\r\nx: y", "content": "" }), "mimeType"),
        ("uploadFile", json!({ "name": " ", "mimeType": "text/plain", "content": "" }), "name"),
        ("getFile", json!({ "fileId": ".." }), "fileId"),
        ("getFile", json!({ "fileId": "x", "fields": ["name,id"] }), "fields[0]"),
        ("listFiles", json!({ "pageSize": 1001 }), "pageSize"),
        ("searchFiles", json!({ "modifiedAfter": "yesterday" }), "modifiedAfter"),
        ("searchFiles", json!({ "owner": "nobody" }), "owner"),
        ("downloadFile", json!({ "fileId": "x", "maxBytes": 0 }), "maxBytes"),
        ("shareFile", json!({ "fileId": "x", "role": "reader", "type": "user" }), "emailAddress"),
        ("shareFile", json!({ "fileId": "x", "role": "king", "type": "user" }), "role"),
        ("updatePermission", json!({ "fileId": "x", "permissionId": "y" }), "role"),
        ("getFiles", json!({ "fileIds": [] }), "fileIds"),
        ("deleteFiles", json!({ "fileIds": ["x", ""] }), "fileIds[1]"),
        ("createDocument", json!({ "title": "" }), "title"),
        (
            "createDocument",
            json!({ "title": "x", "permissions": [person("a@school.edu"), person("nobody")] }),
            "permissions[1].emailAddress",
        ),
        (
            "shareFiles",
            json!({ "items": [{ "fileId": "x", "share": person("nobody") }] }),
            "items[0].share.emailAddress",
        ),
        ("replaceInDocument", json!({ "documentId": "x", "replacements": [] }), "replacements"),
        ("getDriveAbout", json!({ "asUser": "nobody" }), "asUser"),
        ("getDriveAbout", json!({ "more": 1 }), "more"),
    ] {
        let error = refused(&school, operation, arguments.clone()).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{operation} {arguments}");
    }
    assert_eq!(school.sandbox.google_workspace().recorder().seen(), before, "something left");
}

#[tokio::test]
async fn what_is_not_there_is_said_with_its_path() {
    let school = school().await;
    for (operation, arguments, field) in [
        ("getFile", json!({ "fileId": "nowhere" }), None),
        ("createFolder", json!({ "name": "x", "folderId": "nowhere" }), Some("folderId")),
        ("createDocument", json!({ "title": "x", "folderId": "nowhere" }), Some("folderId")),
        (
            "uploadFile",
            json!({ "name": "x", "mimeType": "text/plain", "content": "", "folderId": "nowhere" }),
            Some("folderId"),
        ),
        ("getDocument", json!({ "documentId": "nowhere" }), None),
        ("deleteFile", json!({ "fileId": "nowhere" }), None),
    ] {
        let error = refused(&school, operation, arguments).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, field), "{operation}: {error}");
    }
    let file = made(&school, "uploadFile", upload("here", b"x")).await;
    let error = refused(&school, "moveFile", json!({ "fileId": file["id"], "folderId": "nowhere" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("folderId")));
    assert!(files_named(&school, "x").is_empty(), "nothing is left behind");
}

#[tokio::test]
async fn a_file_is_uploaded_found_changed_and_deleted() {
    let school = school().await;
    let empty = made(&school, "uploadFile", upload("empty", b"")).await;
    assert_eq!(empty["size"], 0);
    assert_eq!(content(&school, &empty["id"]).await, b"");
    let folder = made(&school, "createFolder", json!({ "name": "O'Neil's \\ class" })).await;
    let mut note = upload("note", b"one");
    note["folderId"] = folder["id"].clone();
    let note = made(&school, "uploadFile", note).await;
    let found = made(&school, "searchFiles", json!({ "name": "O'Neil's \\ class" })).await;
    assert_eq!(found["files"][0]["id"], folder["id"]);
    let listed = made(&school, "listFiles", json!({ "folderId": folder["id"] })).await;
    assert_eq!(listed["files"].as_array().unwrap().len(), 1);
    let change = json!({ "fileId": note["id"], "mimeType": "text/plain", "content": STANDARD.encode("two") });
    made(&school, "updateFileContent", change).await;
    assert_eq!(content(&school, &note["id"]).await, b"two");
    let copy = made(&school, "copyFile", json!({ "fileId": note["id"], "name": "copy" })).await;
    assert_ne!(copy["id"], note["id"]);
    let other = made(&school, "createFolder", json!({ "name": "other" })).await;
    let moved = made(&school, "moveFile", json!({ "fileId": note["id"], "folderId": other["id"] })).await;
    assert_eq!(moved["parents"], json!([other["id"]]));
    made(&school, "trashFile", json!({ "fileId": note["id"] })).await;
    let listed = made(&school, "listFiles", json!({ "folderId": other["id"] })).await;
    assert_eq!(listed["files"], json!([]));
    let listed = made(&school, "listFiles", json!({ "folderId": other["id"], "includeTrashed": true })).await;
    assert_eq!(listed["files"][0]["trashed"], true);
    made(&school, "deleteFile", json!({ "fileId": note["id"] })).await;
    assert_eq!(refused(&school, "getFile", json!({ "fileId": note["id"] })).await.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_cut() {
    let school = school().await;
    let bytes = pattern(LARGE);
    // What the session is asked in between counts too: the first chunk, one in the middle and the last are hit.
    for (name, rule) in [
        ("first, after", Rule::next(1, Fault::CutAfter)),
        ("first, before", Rule::next(1, Fault::CutBefore)),
        ("second and last, after", Rule::every(2, Fault::CutAfter)),
        ("last, before", Rule::every(3, Fault::CutBefore)),
        ("last, 500", Rule::every(3, Fault::status(500))),
        ("last, 500 though it was taken", Rule::every(3, Fault::StatusAfter { status: 500 })),
    ] {
        faults(&school).add(rule.method("PUT").path("/upload/"));
        let file = made(&school, "uploadFile", upload(name, &bytes)).await;
        faults(&school).clear();
        assert_eq!(file["size"], LARGE, "{name}");
        assert!(content(&school, &file["id"]).await == bytes, "{name}: other bytes arrived");
        assert_eq!(files_named(&school, name).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn an_upload_of_which_all_has_arrived_is_waited_for() {
    let school = school().await;
    school.sandbox.google_workspace().uploads_pend(2);
    let bytes = pattern(LARGE);
    let file = made(&school, "uploadFile", upload("slow", &bytes)).await;
    assert_eq!(content(&school, &file["id"]).await, bytes);
    let ranges = school.sandbox.google_workspace().recorder().exchanges();
    let empty = ranges.iter().filter(|exchange| {
        exchange.headers.iter().any(|(name, value)| name == "content-range" && value.starts_with("bytes */"))
    });
    assert_eq!(empty.count(), 2, "it is asked, and no chunk of nothing sent");
}

#[tokio::test]
async fn an_upload_that_failed_goes_on_with_its_key() {
    let school = school().await;
    let bytes = pattern(LARGE);
    let chunks = |school: &School| {
        let exchanges = school.sandbox.google_workspace().recorder().exchanges();
        let sent = exchanges.iter().filter(|one| one.method == "PUT" && !one.body.is_empty());
        sent.filter(|one| one.response.as_ref().is_some_and(|answer| matches!(answer.status, 200 | 201 | 308))).count()
    };
    faults(&school).add(Rule::always(Fault::CutAfter).method("PUT").path("/upload/"));
    let error = named(&school, "k", "uploadFile", upload("large", &bytes)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::VendorUnavailable, "{error}");
    let done = error.done().unwrap();
    assert!(done["steps"]["id"]["brought"].is_string(), "{done}");
    assert_eq!(done["steps"]["session"]["state"], "done");
    assert!(!done.to_string().contains("upload_id"), "the session's address is a secret: {done}");
    faults(&school).clear();
    let file = named(&school, "k", "uploadFile", upload("large", &bytes)).await.unwrap();
    assert_eq!(file["id"], done["steps"]["id"]["brought"]);
    assert!(content(&school, &file["id"]).await == bytes);
    assert_eq!(files_named(&school, "large").len(), 1);
    // The first chunk had arrived, though no word of it came back: it is not sent again.
    assert_eq!(chunks(&school), 2);
}

#[tokio::test]
async fn nothing_is_made_twice_whatever_is_cut() {
    let school = school().await;
    let folder = made(&school, "createFolder", json!({ "name": "the folder" })).await;
    let source = made(&school, "uploadFile", upload("source", b"x")).await;
    for (number, fault) in [Fault::CutAfter, Fault::StatusAfter { status: 500 }, Fault::status(429), Fault::status(403)]
        .into_iter()
        .enumerate()
    {
        let name = |what: &str| format!("{what} {number}");
        for (operation, arguments, path) in [
            ("createFolder", json!({ "name": name("folder"), "folderId": folder["id"] }), "/drive/v3/files"),
            ("uploadFile", upload(&name("file"), b"x"), "/upload/drive/v3/files"),
            ("copyFile", json!({ "fileId": source["id"], "name": name("copy") }), "/copy"),
            ("createDocument", json!({ "title": name("document"), "content": "Hello" }), "/drive/v3/files"),
        ] {
            faults(&school).add(Rule::next(1, fault.clone()).method("POST").path(path));
            let output = made(&school, operation, arguments.clone()).await;
            let what = arguments.get("name").or(arguments.get("title")).unwrap().as_str().unwrap();
            let there = files_named(&school, what);
            assert_eq!(there.len(), 1, "{operation} with {fault:?}");
            let id = output.get("id").or(output.get("documentId")).unwrap();
            assert_eq!(&there[0]["id"], id, "{operation}");
        }
    }
}

#[tokio::test]
async fn sharing_is_done_once_and_told_once() {
    let school = school().await;
    for (number, fault) in [Fault::CutAfter, Fault::StatusAfter { status: 503 }].into_iter().enumerate() {
        let file = made(&school, "uploadFile", upload(&format!("file {number}"), b"x")).await;
        let share = json!({
            "fileId": file["id"], "role": "writer", "type": "user", "emailAddress": google::TEACHER,
        });
        faults(&school).add(Rule::next(1, fault).method("POST").path("/permissions"));
        let permission = made(&school, "shareFile", share).await;
        assert_eq!(permission["role"], "writer");
        let notices = school.sandbox.google_workspace().share_notices();
        assert_eq!(notices.iter().filter(|(_, of)| json!(of) == file["id"]).count(), 1);
        let listed = made(&school, "listPermissions", json!({ "fileId": file["id"] })).await;
        assert_eq!(listed["permissions"].as_array().unwrap().len(), 2);
        let (file, permission) = (&file["id"], &permission["id"]);
        let change = json!({ "fileId": file, "permissionId": permission, "role": "reader" });
        assert_eq!(made(&school, "updatePermission", change).await["role"], "reader");
        made(&school, "revokePermission", json!({ "fileId": file, "permissionId": permission })).await;
        let listed = made(&school, "listPermissions", json!({ "fileId": file })).await;
        assert_eq!(listed["permissions"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_address_outside_the_domain_is_refused_where_the_school_says_so() {
    let school = school().await;
    let file = made(&school, "uploadFile", upload("file", b"x")).await;
    school.sandbox.google_workspace().share_in_domain_only(true);
    let outside = json!({ "role": "reader", "type": "user", "emailAddress": google::GUARDIAN });
    let mut share = outside.clone();
    share["fileId"] = file["id"].clone();
    let error = refused(&school, "shareFile", share).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("emailAddress")), "{error}");
    assert!(!error.to_string().contains(google::GUARDIAN));
    for (kind, field) in
        [(json!({ "type": "anyone" }), "type"), (json!({ "type": "domain", "domain": "family.example" }), "domain")]
    {
        let mut share = json!({ "fileId": file["id"], "role": "reader" });
        share.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        let error = refused(&school, "shareFile", share).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{error}");
    }
    // Of a document's permissions the others go on, and the document is there.
    let inside = json!({ "role": "writer", "type": "user", "emailAddress": google::TEACHER });
    let document = json!({ "title": "doc", "permissions": [inside, outside, inside.clone()] });
    let document = made(&school, "createDocument", document).await;
    let permissions = document["permissions"].as_array().unwrap();
    assert!(permissions[0]["id"].is_string() && permissions[2]["id"].is_string(), "{document}");
    assert_eq!(permissions[1]["error"]["field"], "permissions[1].emailAddress");
    assert!(permissions[1].get("id").is_none());
}

#[tokio::test]
async fn a_document_goes_on_after_the_step_that_failed() {
    let school = school().await;
    let folder = made(&school, "createFolder", json!({ "name": "reports" })).await;
    let person = |address: &str| json!({ "role": "reader", "type": "user", "emailAddress": address });
    for (number, (method, path, steps)) in
        [("POST", ":batchUpdate", vec!["create"]), ("POST", "/permissions", vec!["create", "content"])]
            .into_iter()
            .enumerate()
    {
        let title = format!("report {number}");
        let document = json!({
            "title": title, "content": "Hello", "folderId": folder["id"],
            "permissions": [person(google::TEACHER), person(google::STUDENT)],
        });
        let notices = school.sandbox.google_workspace().share_notices().len();
        faults(&school).add(Rule::always(Fault::status(500)).method(method).path(path));
        let key = format!("key {number}");
        let error = named(&school, &key, "createDocument", document.clone()).await.unwrap_err();
        let done = error.done().unwrap();
        let there = files_named(&school, &title);
        assert_eq!(done["steps"]["create"]["brought"], there[0]["id"], "the error says what is there: {done}");
        for step in &steps {
            assert_eq!(done["steps"][*step]["state"], "done", "{done}");
        }
        faults(&school).clear();
        let output = named(&school, &key, "createDocument", document.clone()).await.unwrap();
        assert_eq!(output["documentId"], there[0]["id"]);
        assert_eq!(files_named(&school, &title).len(), 1);
        let text = made(&school, "getDocumentText", json!({ "documentId": output["documentId"] })).await;
        assert_eq!(text["text"].as_str().unwrap().trim_end(), "Hello");
        assert_eq!(school.sandbox.google_workspace().share_notices().len(), notices + 2);
        assert_eq!(
            named(&school, &key, "createDocument", document).await.unwrap(),
            output,
            "and then it is remembered"
        );
    }
}

#[tokio::test]
async fn a_text_whose_writing_left_no_word_is_looked_for_and_stays_unknown_if_that_fails() {
    let school = school().await;
    let document = json!({ "title": "lost text", "content": "Hello" });
    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path(":batchUpdate"));
    made(&school, "createDocument", document.clone()).await;
    let of = |id: &Value| json!({ "documentId": id });
    let there = files_named(&school, "lost text").remove(0);
    assert_eq!(made(&school, "getDocumentText", of(&there["id"])).await["text"].as_str().unwrap().trim_end(), "Hello");

    // The first look is before the text, the second after it.
    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path(":batchUpdate"));
    faults(&school).add(Rule::every(2, Fault::status(400)).method("GET").path("/v1/documents/"));
    let error = named(&school, "t", "createDocument", document.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
    faults(&school).clear();
    let output = named(&school, "t", "createDocument", document).await.unwrap();
    let text = made(&school, "getDocumentText", of(&output["documentId"])).await;
    assert_eq!(text["text"].as_str().unwrap().trim_end(), "Hello", "once");
}

#[tokio::test]
async fn a_copy_says_which_of_the_two_is_not_there() {
    let school = school().await;
    let file = made(&school, "uploadFile", upload("original", b"x")).await;
    let error = refused(&school, "copyFile", json!({ "fileId": file["id"], "folderId": "nowhere" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("folderId")), "{error}");
    let error = refused(&school, "copyFile", json!({ "fileId": "nowhere", "folderId": "nowhere" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, None), "{error}");
}

#[tokio::test]
async fn a_document_whose_making_left_no_word_is_found_by_its_mark() {
    let school = school().await;
    let document = json!({ "title": "lost", "content": "Hello" });
    // The search runs behind for longer than the call looks.
    school.sandbox.google_workspace().search_lags(4);
    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path("/drive/v3/files"));
    let error = named(&school, "k", "createDocument", document.clone()).await.unwrap_err();
    assert_eq!((error.code(), error.retry()), (ErrorCode::OutcomeUnknown, Retry::Unknown));
    assert_eq!(error.done().unwrap()["steps"]["create"]["state"], "unknown");
    let output = named(&school, "k", "createDocument", document).await.unwrap();
    let there = files_named(&school, "lost");
    assert_eq!((there.len(), &there[0]["id"]), (1, &output["documentId"]));
}

/// Google does not know everywhere at once of what it has just made.
#[tokio::test]
async fn a_new_document_that_is_not_found_yet_is_written_and_shared_all_the_same() {
    let school = school().await;
    faults(&school).add(Rule::next(1, Fault::status(404)).method("GET").path("/v1/documents"));
    faults(&school).add(Rule::next(1, Fault::status(404)).method("POST").path(":batchUpdate"));
    faults(&school).add(Rule::next(2, Fault::status(404)).method("POST").path("/permissions"));
    let share = json!({ "role": "writer", "type": "user", "emailAddress": google::TEACHER });
    let document = json!({ "title": "new", "content": "Hello", "permissions": [share] });
    let made = made(&school, "createDocument", document).await;
    assert!(made["permissions"][0]["id"].is_string(), "{made}");
    assert!(files_named(&school, "new")[0]["text"].as_str().unwrap().starts_with("Hello"));
}

#[tokio::test]
async fn a_document_is_found_behind_an_empty_page() {
    let school = school().await;
    school.sandbox.google_workspace().search_begins_empty(true);
    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path("/drive/v3/files"));
    let output = named(&school, "k", "createDocument", json!({ "title": "behind" })).await.unwrap();
    let there = files_named(&school, "behind");
    assert_eq!((there.len(), &there[0]["id"]), (1, &output["documentId"]));
}

#[tokio::test]
async fn what_others_put_in_a_shared_drive_is_listed() {
    let school = school().await;
    let mut theirs = upload("theirs", b"x");
    theirs["folderId"] = json!(google::SHARED_DRIVE);
    theirs["asUser"] = json!(google::TEACHER);
    let theirs = made(&school, "uploadFile", theirs).await["id"].clone();
    for (operation, asked) in [
        ("listFiles", json!({})),
        ("listFiles", json!({ "folderId": google::SHARED_DRIVE })),
        ("searchFiles", json!({ "name": "theirs" })),
    ] {
        let page = made(&school, operation, asked.clone()).await;
        assert_eq!(page["files"][0]["id"], theirs, "{operation} {asked}");
    }
}

#[tokio::test]
async fn a_document_that_the_search_does_not_know_yet_is_not_made_again() {
    let school = school().await;
    let document = json!({ "title": "late", "content": "Hello" });
    school.sandbox.google_workspace().search_lags(10);
    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path("/drive/v3/files"));
    let mut unknown = 0;
    let output = loop {
        match named(&school, "k", "createDocument", document.clone()).await {
            Ok(output) => break output,
            Err(error) => assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}"),
        }
        unknown += 1;
    };
    assert_eq!(unknown, 3, "three looks each, of which the tenth finds it");
    let there = files_named(&school, "late");
    assert_eq!((there.len(), &there[0]["id"]), (1, &output["documentId"]));
}

#[tokio::test]
async fn a_document_that_is_not_found_is_made_once_the_search_must_know() {
    let (builder, clock) = timed();
    let school = School::open(builder.storage(MemoryStorage::new()).backoff(BACKOFF)).await;
    let document = json!({ "title": "never", "content": "Hello" });
    let again = async || named(&school, "k", "createDocument", document.clone()).await;
    let unknown = async || {
        let error = again().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
        assert!(files_named(&school, "never").is_empty());
    };
    let creating = |rule: Rule| faults(&school).add(rule.method("POST").path("/drive/v3/files"));
    creating(Rule::next(1, Fault::status(500)));
    unknown().await;
    clock.advance(Duration::from_secs(599));
    unknown().await;
    // The second try begins the wait anew: what it may have made is not known either.
    clock.advance(Duration::from_secs(1));
    creating(Rule::next(1, Fault::status(500)));
    unknown().await;
    unknown().await;
    clock.advance(Duration::from_secs(600));
    let output = again().await.unwrap();
    let there = files_named(&school, "never");
    assert_eq!((there.len(), &there[0]["id"]), (1, &output["documentId"]));
}

#[tokio::test]
async fn a_list_says_where_drive_has_not_looked() {
    let school = school().await;
    let mut shared = upload("plan", b"x");
    shared["folderId"] = json!(google::SHARED_DRIVE);
    let shared = made(&school, "uploadFile", shared).await["id"].clone();
    let own = made(&school, "uploadFile", upload("plan", b"x")).await["id"].clone();
    for incomplete in [true, false] {
        school.sandbox.google_workspace().search_incompletely(incomplete);
        for (operation, asked) in [("searchFiles", json!({ "name": "plan" })), ("listFiles", json!({}))] {
            let page = made(&school, operation, asked.clone()).await;
            assert_eq!(page["incompleteSearch"], incomplete, "{operation}: {page}");
            let ids: Vec<_> = page["files"].as_array().unwrap().iter().map(|file| &file["id"]).collect();
            assert!(ids.contains(&&own), "{operation}");
            assert_eq!(ids.contains(&&shared), !incomplete, "{operation}: what is missing is not said to be all");
            let mut one = asked;
            one["driveId"] = json!(google::SHARED_DRIVE);
            let page = made(&school, operation, one).await;
            assert_eq!((&page["incompleteSearch"], &page["files"][0]["id"]), (&json!(false), &shared), "{operation}");
        }
    }
}

#[tokio::test]
async fn a_copy_is_not_made_again_where_drive_has_not_looked() {
    let (builder, clock) = timed();
    let school = School::open(builder.storage(MemoryStorage::new()).backoff(BACKOFF)).await;
    let source = made(&school, "uploadFile", upload("source", b"x")).await;
    let copy = json!({ "fileId": source["id"], "name": "copy", "folderId": google::SHARED_DRIVE });
    school.sandbox.google_workspace().search_incompletely(true);
    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path("/copy"));
    assert_eq!(named(&school, "k", "copyFile", copy.clone()).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
    // However long ago it was: that it is not found says nothing.
    clock.advance(Duration::from_secs(3000));
    let error = named(&school, "k", "copyFile", copy.clone()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    assert!(error.message().contains("not searched everywhere"), "{error}");
    school.sandbox.google_workspace().search_incompletely(false);
    let found = named(&school, "k", "copyFile", copy).await.unwrap();
    let there = files_named(&school, "copy");
    assert_eq!((there.len(), &there[0]["id"]), (1, &found["id"]));
}

#[tokio::test]
async fn an_edit_is_made_once_and_only_on_what_was_read() {
    let school = school().await;
    let document = made(&school, "createDocument", json!({ "title": "doc", "content": "Dear {{who}}, 😀" })).await;
    let id = &document["documentId"];
    let text = async || {
        let read = made(&school, "getDocumentText", json!({ "documentId": id })).await;
        read["text"].as_str().unwrap().trim_end().to_owned()
    };
    for fault in [Fault::CutAfter, Fault::StatusAfter { status: 500 }, Fault::CutBefore, Fault::status(500)] {
        let before = text().await;
        faults(&school).add(Rule::next(1, fault.clone()).method("POST").path(":batchUpdate"));
        made(&school, "appendToDocument", json!({ "documentId": id, "text": "\nSeen." })).await;
        assert_eq!(text().await, format!("{before}\nSeen."), "{fault:?}");
    }
    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path(":batchUpdate"));
    let fill = json!({ "documentId": id, "replacements": [{ "find": "{{who}}", "replaceWith": "Jane" }] });
    made(&school, "replaceInDocument", fill).await;
    assert!(text().await.starts_with("Dear Jane, 😀"));
    let fill = json!({ "documentId": id, "replacements": [{ "find": "Seen", "replaceWith": "Read" }] });
    assert_eq!(made(&school, "replaceInDocument", fill).await["occurrences"], json!([4]));
    // Where nothing takes its place, the document does not tell who took it away.
    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path(":batchUpdate"));
    let empty = json!({ "documentId": id, "replacements": [{ "find": "Read", "replaceWith": "" }] });
    assert_eq!(refused(&school, "replaceInDocument", empty).await.code(), ErrorCode::OutcomeUnknown);
    let stale = json!({ "documentId": id, "text": "x", "requiredRevisionId": "of-long-ago" });
    let error = refused(&school, "appendToDocument", stale).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("requiredRevisionId")));
}

#[tokio::test]
async fn many_at_once_have_each_their_own_result() {
    let school = school().await;
    let mut ids = Vec::new();
    for at in 0..3 {
        ids.push(made(&school, "uploadFile", upload(&format!("f{at}"), b"x")).await["id"].clone());
    }
    let mut asked = vec![json!("nowhere")];
    asked.extend(ids.iter().cycle().take(120).cloned());
    let read = made(&school, "getFiles", json!({ "fileIds": asked })).await;
    assert_eq!((&read["done"], &read["failed"]), (&json!(120), &json!(1)));
    assert_eq!(read["results"][0]["error"]["code"], "not_found");
    assert_eq!(read["results"][120]["item"]["id"], asked[120]);

    // Google lets a batch in whose token has ended, and turns each of its parts down.
    school.sandbox.google_workspace().expire_tokens();
    assert_eq!(made(&school, "getFiles", json!({ "fileIds": asked })).await, read);

    // More often than an answer that fails to come is asked for.
    school.sandbox.google_workspace().use_up_quota("drive", google::Quota::Minute, 6);
    let read = made(&school, "getFiles", json!({ "fileIds": [ids[0]] })).await;
    assert_eq!(read["done"], 1, "a limit is waited for: {read}");

    // That of the day is not: the others go on.
    school.sandbox.google_workspace().use_up_quota("drive", google::Quota::Day, 1);
    let before = school.sandbox.google_workspace().recorder().seen();
    let read = made(&school, "getFiles", json!({ "fileIds": ids })).await;
    assert_eq!((&read["done"], &read["failed"]), (&json!(2), &json!(1)), "{read}");
    let error = &read["results"][0]["error"];
    assert_eq!((&error["code"], &error["reason"]), (&json!("rate_limited"), &json!("dailyLimitExceeded")));
    assert_eq!(school.sandbox.google_workspace().recorder().seen(), before + 1);

    let share = |file: &Value, address: &str| json!({ "fileId": file, "share": { "role": "reader", "type": "user", "emailAddress": address } });
    let items = [
        share(&ids[0], google::TEACHER),
        share(&ids[0], google::STUDENT),
        share(&json!("nowhere"), google::TEACHER),
        share(&ids[1], google::TEACHER),
    ];
    let shared = made(&school, "shareFiles", json!({ "items": items })).await;
    let states: Vec<_> = shared["results"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["done", "done", "failed", "done"]);
    let listed = made(&school, "listPermissions", json!({ "fileId": ids[0] })).await;
    assert_eq!(listed["permissions"].as_array().unwrap().len(), 3, "of two changes of one file none is lost");

    faults(&school).add(Rule::next(1, Fault::CutAfter).method("POST").path("/batch/"));
    ids.push(json!("nowhere"));
    let deleted = made(&school, "deleteFiles", json!({ "fileIds": ids })).await;
    assert_eq!(deleted["done"], 4, "what is not there after an answer was lost is as good as deleted: {deleted}");
    assert!(files_named(&school, "f0").is_empty());
    let deleted = made(&school, "deleteFiles", json!({ "fileIds": ids })).await;
    assert_eq!((&deleted["failed"], &deleted["results"][0]["error"]["code"]), (&json!(4), &json!("not_found")));
}

#[tokio::test]
async fn of_many_shares_those_without_an_answer_are_looked_up() {
    let school = school().await;
    let mut ids = Vec::new();
    for at in 0..2 {
        ids.push(made(&school, "uploadFile", upload(&format!("f{at}"), b"x")).await["id"].clone());
    }
    let share = |file: &Value, role: &str, address: &str| json!({ "fileId": file, "share": { "role": role, "type": "user", "emailAddress": address } });
    let shared = async |items: Vec<Value>| {
        let report = made(&school, "shareFiles", json!({ "items": items })).await;
        faults(&school).clear();
        report["results"].as_array().unwrap().clone()
    };
    let held = async |file: &Value| {
        let listed = made(&school, "listPermissions", json!({ "fileId": file })).await;
        listed["permissions"].as_array().unwrap().clone()
    };
    let batches = |rule: Rule| faults(&school).add(rule.method("POST").path("/batch/"));

    // Of the same person's two changes the first is looked up before the second is made.
    batches(Rule::next(1, Fault::CutAfter));
    let results = shared(vec![
        share(&ids[0], "reader", google::TEACHER),
        share(&ids[1], "reader", google::STUDENT),
        share(&ids[0], "writer", google::TEACHER),
    ])
    .await;
    let seen: Vec<_> = results.iter().map(|one| (&one["state"], &one["item"]["role"])).collect();
    let (done, reader, writer) = (json!("done"), json!("reader"), json!("writer"));
    assert_eq!(seen, [(&done, &reader), (&done, &reader), (&done, &writer)], "{results:?}");
    assert!(held(&ids[0]).await.iter().any(|one| one["id"] == results[0]["id"] && one["role"] == "writer"));

    // What took no effect stays unknown, unless it was so before; another role is not what is asked for.
    batches(Rule::next(1, Fault::CutBefore));
    let before = held(&ids[1]).await;
    let results =
        shared(vec![share(&ids[0], "writer", google::TEACHER), share(&ids[1], "commenter", google::STUDENT)]).await;
    assert_eq!((&results[0]["state"], &results[1]["state"]), (&done, &json!("unknown")), "{results:?}");
    assert_eq!(results[1]["error"]["code"], "outcome_unknown");
    let words = results[1]["error"]["message"].as_str().unwrap();
    assert!(words.contains("listPermissions") && !words.contains("idempotency key"), "{words}");
    assert_eq!(held(&ids[1]).await, before);

    // The look fails too: it happened, and nobody knows.
    batches(Rule::next(1, Fault::CutAfter));
    batches(Rule::next(1, Fault::status(400)));
    let results = shared(vec![share(&ids[1], "commenter", google::STUDENT)]).await;
    assert_eq!(results[0]["state"], "unknown", "{results:?}");
    assert!(held(&ids[1]).await.iter().any(|one| one["role"] == "commenter"));
}

#[tokio::test]
async fn a_share_without_an_answer_is_looked_for_on_every_page() {
    let school = school().await;
    let file = made(&school, "uploadFile", upload("file", b"x")).await["id"].clone();
    let share = |number: usize| {
        let address = format!("parent{number}@family.example");
        json!({ "fileId": file, "share": { "role": "reader", "type": "user", "emailAddress": address } })
    };
    // A page has a hundred, and the owner stands on the first.
    let items: Vec<Value> = (0..101).map(share).collect();
    faults(&school).add(Rule::every(101, Fault::CutAfter).path("/batch/"));
    let report = made(&school, "shareFiles", json!({ "items": items })).await;
    assert_eq!((&report["done"], &report["unknown"]), (&json!(101), &json!(0)), "{}", report["results"][100]);
    assert_eq!(report["results"][100]["item"]["emailAddress"], "parent100@family.example");
    assert_eq!(school.sandbox.google_workspace().share_notices().len(), 101, "nobody is written to twice");
}

#[tokio::test]
async fn changes_are_followed_and_a_stale_token_says_to_begin_anew() {
    let school = school().await;
    let start = made(&school, "listChanges", json!({})).await;
    let file = made(&school, "uploadFile", upload("new", b"x")).await;
    let changes = made(&school, "listChanges", json!({ "pageToken": start["newStartPageToken"] })).await;
    let seen = changes["changes"].as_array().unwrap();
    assert!(seen.iter().any(|change| change["fileId"] == file["id"]), "{changes}");
    assert!(changes["newStartPageToken"].is_string());
    for operation in ["listChanges", "listFiles"] {
        let error = refused(&school, operation, json!({ "pageToken": "of-long-ago" })).await;
        assert_eq!(error.field(), Some("pageToken"), "{operation}: {error}");
        assert!(error.message().contains("full resync"), "{operation}: {error}");
    }
}

#[tokio::test]
async fn google_documents_are_exported_and_have_no_content() {
    let school = school().await;
    let document = made(&school, "createDocument", json!({ "title": "doc", "content": "Hello" })).await;
    let id = &document["documentId"];
    let exported = made(&school, "exportFile", json!({ "fileId": id, "mimeType": "text/plain" })).await;
    let text = STANDARD.decode(exported["content"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("Hello"));
    // What scripts are exported as is a type of Google's own: it is for Google to say what it is for.
    let script = json!({ "fileId": id, "mimeType": "application/vnd.google-apps.script+json" });
    assert!(refused(&school, "exportFile", script).await.vendor().is_some());
    let error = refused(&school, "downloadFile", json!({ "fileId": id })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("fileId")), "{error}");
    let file = made(&school, "uploadFile", upload("file", b"0123456789")).await;
    let error = refused(&school, "downloadFile", json!({ "fileId": file["id"], "maxBytes": 5 })).await;
    assert_eq!(error.code(), ErrorCode::TooLarge);
}
