//! Gmail through the whole road, against the look-alike.
#![allow(missing_docs, reason = "tests")]

#[path = "support/every/mod.rs"]
mod every;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use every::{School, builder};
use sandbox::{Fault, Rule, google_workspace as google};
use serde_json::{Value, json};
use sis_integrations::{Error, ErrorCode, storage::MemoryStorage, transport::Backoff};

async fn school() -> School {
    let backoff = Backoff { first: Duration::from_millis(1), most: Duration::from_millis(2), attempts: 3 };
    School::open(builder().storage(MemoryStorage::new()).backoff(backoff)).await
}

async fn call(school: &School, operation: &str, arguments: Value) -> Result<Value, Error> {
    school.tenant.execute(&school.admin, "google_workspace", operation, arguments).await.map(|reply| reply.output)
}

async fn made(school: &School, operation: &str, arguments: Value) -> Value {
    call(school, operation, arguments).await.unwrap_or_else(|error| panic!("{operation}: {error} {error:?}"))
}

async fn keyed(school: &School, key: &str, operation: &str, arguments: Value) -> Result<Value, Error> {
    let request = school.tenant.request(&school.admin).idempotency_key(key);
    request.execute("google_workspace", operation, arguments).await.map(|reply| reply.output)
}

fn mail() -> Value {
    json!({ "to": [{ "email": google::PARENT, "name": "Pat Päront" }], "subject": "Ausflug – morgen", "text": "Grüße" })
}

/// What lies in the administrator's box of what was sent.
fn sent(school: &School) -> Vec<Value> {
    let mails = school.sandbox.google_workspace().mails();
    mails.into_iter().filter(|mail| mail["labels"].as_array().is_some_and(|all| all.contains(&json!("SENT")))).collect()
}

async fn drafts(school: &School) -> usize {
    made(school, "listDrafts", json!({})).await["drafts"].as_array().map_or(0, Vec::len)
}

fn fault(school: &School, rule: Rule) {
    school.sandbox.google_workspace().faults().add(rule);
}

fn on_send(rule: Rule) -> Rule {
    rule.method("POST").path("drafts/send")
}

#[tokio::test]
async fn a_mail_arrives_with_all_that_stands_in_it() {
    let school = school().await;
    let mut letter = mail();
    let picture = STANDARD.encode([7_u8; 9000]);
    letter["html"] = json!("<p>Grüße</p>");
    letter["cc"] = json!([{ "email": google::STUDENT }]);
    letter["replyTo"] = json!({ "email": google::TEACHER });
    letter["attachments"] = json!([{ "filename": "Größe.png", "mimeType": "image/png", "content": picture }]);
    let id = made(&school, "sendMail", letter).await["id"].clone();
    let read = made(&school, "getMessage", json!({ "messageId": id })).await;
    assert_eq!(
        (&read["subject"], &read["text"], &read["html"]),
        (&json!("Ausflug – morgen"), &json!("Grüße"), &json!("<p>Grüße</p>"))
    );
    assert!(read["to"].as_str().unwrap().contains(google::PARENT));
    let file = &read["attachments"][0];
    assert_eq!(
        (&file["filename"], &file["mimeType"], &file["size"]),
        (&json!("Größe.png"), &json!("image/png"), &json!(9000))
    );
    let which = json!({ "messageId": id, "attachmentId": file["attachmentId"] });
    let content = made(&school, "getAttachment", which).await;
    assert_eq!((&content["content"], &content["size"]), (&json!(picture), &json!(9000)));

    let received =
        made(&school, "listMessages", json!({ "asUser": google::STUDENT, "query": "subject:Ausflug" })).await;
    let theirs = json!({ "messageId": received["messages"][0]["id"], "asUser": google::STUDENT });
    assert_eq!(made(&school, "getMessage", theirs).await["text"], "Grüße");
}

#[tokio::test]
async fn nothing_leaves_that_cannot_be_a_mail() {
    let school = school().await;
    let before = school.sandbox.google_workspace().recorder().seen();
    let file = json!([{ "filename": "a", "content": STANDARD.encode(vec![0_u8; 27_000_000]) }]);
    for (change, field) in [
        (json!({ "to": [] }), "to"),
        (json!({ "to": [{ "email": "pat" }] }), "to[0].email"),
        (json!({ "cc": [{ "email": "a@b.c" }, { "email": "a@b.c\r\nBcc: x@y.z" }] }), "cc[1].email"),
        (json!({ "bcc": [{ "email": "a@b.c", "name": "a\nb" }] }), "bcc[0].name"),
        (json!({ "subject": "a\r\nBcc: x@y.z" }), "subject"),
        (json!({ "text": null }), "text"),
        (json!({ "attachments": [{ "filename": "a", "content": "?" }] }), "attachments[0].content"),
        (json!({ "attachments": [{ "filename": "a\"\r\n", "content": "eA==" }] }), "attachments[0].filename"),
        (json!({ "attachments": file }), "attachments"),
        (json!({ "inReplyTo": "<a@b>\r\nX: y" }), "inReplyTo"),
        (json!({ "asUser": "the principal" }), "asUser"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let mut letter = mail();
        letter.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = call(&school, "sendMail", letter).await.unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some(field)), "{error}");
    }
    assert_eq!(school.sandbox.google_workspace().recorder().seen(), before, "something left");
}

/// The newest mail of a conversation may be another one.
#[tokio::test]
async fn the_id_that_is_looked_up_is_that_of_this_mail() {
    let school = school().await;
    let first = made(&school, "sendMail", mail()).await;
    let answer = |subject: &str| {
        let mut letter = mail();
        letter["subject"] = json!(subject);
        letter["threadId"] = first["threadId"].clone();
        letter
    };
    fault(&school, on_send(Rule::next(1, Fault::CutAfter)));
    fault(&school, Rule::next(1, Fault::Delay { ms: 500 }).method("GET").path("/drafts/"));
    let recorder = school.sandbox.google_workspace().recorder();
    let looks = || recorder.exchanges().iter().any(|one| one.method == "GET" && one.path.contains("/drafts/"));
    let another = async {
        while !looks() {
            school.manager.runtime().sleep(Duration::from_millis(5)).await;
        }
        made(&school, "sendMail", answer("another")).await
    };
    let (ours, another) = futures::join!(made(&school, "sendMail", answer("ours")), another);
    assert_ne!(ours["id"], another["id"]);
    let mails = sent(&school);
    let found = mails.iter().find(|mail| mail["id"] == ours["id"]).unwrap();
    assert_eq!(found["subject"], "ours");
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_for_and_nothing_is_sent_twice() {
    for lost in [Fault::CutAfter, Fault::StatusAfter { status: 503 }, Fault::CutDuring, Fault::Truncate] {
        let school = school().await;
        fault(&school, on_send(Rule::next(1, lost.clone())));
        let answer = made(&school, "sendMail", mail()).await;
        let sent = sent(&school);
        assert_eq!(sent.len(), 1, "{lost:?}");
        assert_eq!(sent[0]["id"], answer["id"], "{lost:?}");
    }
}

#[tokio::test]
async fn a_mail_that_never_left_is_sent_when_the_call_is_repeated_with_its_key() {
    let school = school().await;
    let faults = school.sandbox.google_workspace().faults();
    faults.add(on_send(Rule::always(Fault::CutBefore)));
    let error = keyed(&school, "mail-1", "sendMail", mail()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    assert_eq!(sent(&school).len(), 0);
    faults.clear();
    keyed(&school, "mail-1", "sendMail", mail()).await.unwrap();
    keyed(&school, "mail-1", "sendMail", mail()).await.unwrap();
    assert_eq!((sent(&school).len(), drafts(&school).await), (1, 0));
}

#[tokio::test]
async fn a_mail_whose_draft_brought_no_word_is_sent_once_and_leaves_no_other_draft() {
    for (lost, after) in [
        (Fault::CutAfter, true),
        (Fault::StatusAfter { status: 500 }, true),
        (Fault::Truncate, true),
        (Fault::status(500), false),
    ] {
        let school = school().await;
        made(&school, "createDraft", mail()).await;
        fault(&school, Rule::next(1, lost.clone()).method("POST").path("/drafts"));
        made(&school, "sendMail", mail()).await;
        assert_eq!((sent(&school).len(), drafts(&school).await), (1, 1), "{lost:?}: the user's own draft stays");
        let exchanges = school.sandbox.google_workspace().recorder().exchanges();
        let written = exchanges.iter().filter(|one| one.method == "POST" && one.path.ends_with("/drafts")).count();
        assert_eq!(written, if after { 2 } else { 3 }, "{lost:?}");
    }
}

#[tokio::test]
async fn a_draft_of_an_earlier_try_is_found_when_the_call_is_repeated_with_its_key() {
    let school = school().await;
    let refused = Fault::Status { status: 400, code: None, retry_after: None };
    fault(&school, Rule::next(1, Fault::CutAfter).method("POST").path("/drafts"));
    fault(&school, Rule::always(refused).method("GET").path("/drafts"));
    for _ in 0..2 {
        keyed(&school, "mail-6", "sendMail", mail()).await.unwrap_err();
    }
    school.sandbox.google_workspace().faults().clear();
    assert_eq!((sent(&school).len(), drafts(&school).await), (0, 1));
    keyed(&school, "mail-6", "sendMail", mail()).await.unwrap();
    assert_eq!((sent(&school).len(), drafts(&school).await), (1, 0));
}

#[tokio::test]
async fn a_mail_that_gmail_refuses_leaves_no_draft() {
    let school = school().await;
    fault(&school, on_send(Rule::next(1, Fault::Status { status: 400, code: None, retry_after: None })));
    keyed(&school, "mail-4", "sendMail", mail()).await.unwrap_err();
    assert_eq!((sent(&school).len(), drafts(&school).await), (0, 0));
    keyed(&school, "mail-4", "sendMail", mail()).await.unwrap();
    assert_eq!((sent(&school).len(), drafts(&school).await), (1, 0));
}

#[tokio::test]
async fn a_mail_that_has_left_is_found_when_the_call_is_repeated_with_its_key() {
    let school = school().await;
    let faults = school.sandbox.google_workspace().faults();
    fault(&school, on_send(Rule::next(1, Fault::CutAfter)));
    faults
        .add(Rule::always(Fault::Status { status: 400, code: None, retry_after: None }).method("GET").path("/drafts/"));
    let error = keyed(&school, "mail-2", "sendMail", mail()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    assert_eq!(sent(&school).len(), 1);
    faults.clear();
    let answer = keyed(&school, "mail-2", "sendMail", mail()).await.unwrap();
    assert_eq!((sent(&school).len(), &sent(&school)[0]["id"]), (1, &answer["id"]));
}

#[tokio::test]
async fn where_only_sending_was_consented_to_it_stays_unknown_and_is_not_sent_twice() {
    let school = school().await;
    school.sandbox.google_workspace().delegate(&["https://www.googleapis.com/auth/gmail.send"]);
    made(&school, "sendMail", mail()).await;
    for (key, lost, count) in [("mail-3", Fault::CutAfter, 2), ("mail-5", Fault::CutBefore, 2)] {
        fault(&school, Rule::next(1, lost).method("POST").path("messages/send"));
        for _ in 0..2 {
            let error = keyed(&school, key, "sendMail", mail()).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
            assert_eq!(sent(&school).len(), count);
        }
    }
    let error = call(&school, "listMessages", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReconnect, "{error}");
}

#[tokio::test]
async fn a_limit_and_an_old_token_only_take_time() {
    let school = school().await;
    fault(&school, on_send(Rule::next(2, Fault::Status { status: 429, code: None, retry_after: None })));
    made(&school, "sendMail", mail()).await;
    school.sandbox.google_workspace().expire_tokens();
    made(&school, "sendMail", mail()).await;
    assert_eq!(sent(&school).len(), 2);
}

#[tokio::test]
async fn a_large_mail_goes_by_upload() {
    let school = school().await;
    let mut letter = mail();
    letter["attachments"] = json!([{ "filename": "film.mp4", "content": STANDARD.encode(vec![1_u8; 5_000_000]) }]);
    let id = made(&school, "sendMail", letter.clone()).await["id"].clone();
    let uploads = |school: &School| {
        let exchanges = school.sandbox.google_workspace().recorder().exchanges();
        exchanges.iter().filter(|exchange| exchange.path.ends_with("/upload/gmail/v1/users/me/drafts")).count()
    };
    assert_eq!(uploads(&school), 1);
    let read = made(&school, "getMessage", json!({ "messageId": id })).await;
    assert_eq!((&read["text"], &read["attachments"][0]["size"]), (&json!("Grüße"), &json!(5_000_000)));
    fault(&school, on_send(Rule::next(1, Fault::CutAfter)));
    made(&school, "sendMail", letter).await;
    assert_eq!(sent(&school).len(), 2);
}

#[tokio::test]
async fn a_draft_whose_answer_is_lost_is_found_again_and_not_made_twice() {
    let school = school().await;
    fault(&school, Rule::next(1, Fault::CutAfter).method("POST").path("/drafts"));
    let first = keyed(&school, "draft-1", "createDraft", mail()).await.unwrap();
    let second = keyed(&school, "draft-1", "createDraft", mail()).await.unwrap();
    assert_eq!(first["id"], second["id"]);
    assert_eq!(drafts(&school).await, 1);
}

#[tokio::test]
async fn a_draft_is_changed_and_sent_once() {
    for lost in [Fault::CutAfter, Fault::StatusAfter { status: 500 }] {
        let school = school().await;
        let draft = made(&school, "createDraft", mail()).await["id"].clone();
        let mut changed = mail();
        changed["draftId"] = draft.clone();
        changed["text"] = json!("Übermorgen");
        assert_eq!(made(&school, "updateDraft", changed).await["id"], draft);
        fault(&school, on_send(Rule::next(1, lost.clone())));
        made(&school, "sendDraft", json!({ "draftId": draft })).await;
        let sent = sent(&school);
        assert_eq!((sent.len(), &sent[0]["text"]), (1, &json!("Übermorgen")), "{lost:?}");
        let again = call(&school, "sendDraft", json!({ "draftId": draft })).await.unwrap_err();
        assert_eq!(again.code(), ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn drafts_and_labels_come_and_go() {
    let school = school().await;
    let draft = made(&school, "createDraft", mail()).await["id"].clone();
    fault(&school, Rule::next(1, Fault::CutAfter).method("DELETE"));
    assert_eq!(made(&school, "deleteDraft", json!({ "draftId": draft })).await, json!({ "done": true }));
    let gone = call(&school, "deleteDraft", json!({ "draftId": draft })).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::NotFound);
    let labels = made(&school, "listLabels", json!({})).await;
    assert!(labels["labels"].as_array().unwrap().iter().any(|label| label["id"] == "INBOX"));
    let id = made(&school, "sendMail", mail()).await["id"].clone();
    let marked = made(&school, "modifyMessage", json!({ "messageId": id, "addLabelIds": ["STARRED"] })).await;
    assert!(marked["labelIds"].as_array().unwrap().contains(&json!("STARRED")));
}

#[tokio::test]
async fn what_has_happened_is_told_until_it_is_forgotten() {
    let school = school().await;
    let start = made(&school, "getMailProfile", json!({})).await["historyId"].as_u64().unwrap();
    let id = made(&school, "sendMail", mail()).await["id"].clone();
    let since = json!({ "startHistoryId": start });
    let history = made(&school, "listMailHistory", since.clone()).await;
    let added = history["history"].as_array().unwrap().iter();
    assert!(added.clone().any(|entry| entry["messagesAdded"][0]["message"]["id"] == id), "{history}");
    assert!(history["historyId"].is_u64());
    school.sandbox.google_workspace().forget_history();
    let error = call(&school, "listMailHistory", since).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("startHistoryId")));
    assert!(error.message().contains("full resync"), "{error}");
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let school = school().await;
    for _ in 0..5 {
        made(&school, "sendMail", mail()).await;
    }
    let mut arguments = json!({ "labelIds": ["SENT"], "pageSize": 2 });
    let mut ids = Vec::new();
    loop {
        let page = made(&school, "listMessages", arguments.clone()).await;
        ids.extend(page["messages"].as_array().unwrap().iter().map(|message| message["id"].clone()));
        let Some(token) = page.get("nextPageToken") else { break };
        arguments["pageToken"] = token.clone();
    }
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let error = call(&school, "listMessages", json!({ "pageToken": "nonsense" })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("pageToken")), "{error}");
    let error = call(&school, "listMessages", json!({ "pageSize": 501 })).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("pageSize")));
}
