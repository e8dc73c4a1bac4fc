//! Mail.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use sandbox::microsoft365::{STUDENT_ID, TEACHER_ID};
use serde_json::{Value, json};

use crate::tenant::{Tenant, reply};

const KEY: &str = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name schoolKey";

fn letter() -> Value {
    json!({
        "subject": "Trip on Friday",
        "body": { "contentType": "text", "content": "Bring boots." },
        "toRecipients": [{ "emailAddress": { "address": "student@yourschool.example" } }],
        "bccRecipients": [{ "emailAddress": { "address": "parent@elsewhere.example" } }],
    })
}

async fn subjects(tenant: &Tenant, user: &str, folder: &str) -> Vec<String> {
    let listed = tenant.get(&tenant.app, &format!("/users/{user}/mailFolders/{folder}/messages?$select=subject")).await;
    listed.each("subject").into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_sent_mail_lies_with_sender_and_recipient() {
    let tenant = Tenant::start().await;
    let mut message = letter();
    message["attachments"] = json!([{
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "list.txt",
        "contentBytes": STANDARD.encode("boots"),
    }]);
    let sent = tenant.post(&tenant.teacher, "/me/sendMail", json!({ "message": message })).await;
    assert_eq!((sent.status, &sent.body), (202, &Value::Null));
    assert_eq!(subjects(&tenant, TEACHER_ID, "SentItems").await, ["Trip on Friday"]);
    assert_eq!(subjects(&tenant, STUDENT_ID, "inbox").await, ["Trip on Friday"]);
    let mails = tenant.graph().mails();
    assert_eq!(
        (mails[0].user.as_str(), &mails[0].to[..]),
        (TEACHER_ID, &["student@yourschool.example".to_owned()][..])
    );
    assert_eq!(
        (&mails[0].bcc[..], &mails[0].attachments[..]),
        (&["parent@elsewhere.example".to_owned()][..], &["list.txt".to_owned()][..])
    );
    let received = tenant.get(&tenant.app, &format!("/users/{STUDENT_ID}/messages")).await;
    assert_eq!(
        (&received.value()[0]["bccRecipients"], &received.value()[0]["hasAttachments"]),
        (&json!([]), &json!(true))
    );
}

#[tokio::test]
async fn a_mail_to_nobody_is_refused_and_leaves_nothing() {
    let tenant = Tenant::start().await;
    for message in [json!({ "subject": "x" }), json!({ "toRecipients": [{ "emailAddress": { "address": "nobody" } }] })]
    {
        let refused = tenant.post(&tenant.teacher, "/me/sendMail", json!({ "message": message })).await;
        assert_eq!(refused.code(), (400, "ErrorInvalidRecipients"));
    }
    assert!(tenant.graph().messages(TEACHER_ID).is_empty());
    assert!(tenant.graph().mails().is_empty());
}

#[tokio::test]
async fn a_draft_is_found_by_its_key_and_sent_once() {
    let tenant = Tenant::start().await;
    let mut message = letter();
    message["singleValueExtendedProperties"] = json!([{ "id": KEY, "value": "k-1" }]);
    let messages = format!("/users/{TEACHER_ID}/messages");
    let id = tenant.made(&tenant.app, &messages, message).await.id();
    let by_key = async |value: &str| {
        let filter = format!("singleValueExtendedProperties/any(ep:ep/id eq '{KEY}' and ep/value eq '{value}')");
        tenant.get(&tenant.app, &format!("{messages}?$filter={filter}&$select=id,isDraft")).await
    };
    assert_eq!(by_key("k-1").await.each("id"), [id.as_str()]);
    assert!(by_key("k-2").await.value().is_empty());

    // Without immutable ids the message is not where it was.
    assert_eq!(tenant.send(&tenant.app, Method::POST, &format!("{messages}/{id}/send"), None).await.status, 202);
    let again = tenant.send(&tenant.app, Method::POST, &format!("{messages}/{id}/send"), None).await;
    assert_eq!(again.code(), (404, "ErrorItemNotFound"));
    let sent = by_key("k-1").await;
    assert_eq!(sent.value()[0]["isDraft"], false);
    assert_ne!(sent.each("id"), [id.as_str()]);
    assert_eq!(tenant.graph().mails().len(), 1);
}

#[tokio::test]
async fn an_immutable_id_outlives_the_sending() {
    let tenant = Tenant::start().await;
    let messages = format!("/users/{TEACHER_ID}/messages");
    let id = tenant.made(&tenant.app, &messages, letter()).await.id();
    let send = tenant.request(&tenant.app, Method::POST, &format!("{messages}/{id}/send"));
    assert_eq!(reply(send.header("Prefer", "IdType=\"ImmutableId\"")).await.status, 202);
    let sent = tenant.get(&tenant.app, &format!("{messages}/{id}")).await;
    assert_eq!((&sent.body["isDraft"], &sent.body["parentFolderId"]), (&json!(false), &json!("sentitems")));
    let again = tenant.send(&tenant.app, Method::POST, &format!("{messages}/{id}/send"), None).await;
    assert_eq!(again.code(), (400, "ErrorInvalidOperation"));
}

#[tokio::test]
async fn a_large_attachment_goes_up_in_ranges() {
    let tenant = Tenant::start().await;
    let messages = format!("/users/{TEACHER_ID}/messages");
    let id = tenant.made(&tenant.app, &messages, letter()).await.id();
    let item = json!({ "attachmentItem": { "attachmentType": "file", "name": "film.bin", "size": 10 } });
    let session = tenant.made(&tenant.app, &format!("{messages}/{id}/attachments/createUploadSession"), item).await;
    let address = session.body["uploadUrl"].as_str().expect("an address");
    let put = |range: &str, bytes: &'static str| {
        reply(tenant.http.put(address).header("Content-Range", format!("bytes {range}/10")).body(bytes))
    };
    let half = put("0-4", "01234").await;
    assert_eq!((half.status, &half.body["NextExpectedRanges"]), (200, &json!(["5"])));
    let whole = put("5-9", "56789").await;
    assert_eq!(whole.status, 201);
    assert!(whole.location().contains("/attachments("), "{whole:?}");
    let attachments = tenant.get(&tenant.app, &format!("{messages}/{id}/attachments")).await;
    assert_eq!(attachments.each("contentBytes"), [STANDARD.encode("0123456789")]);
    assert_eq!(tenant.get(&tenant.app, &format!("{messages}/{id}")).await.body["hasAttachments"], true);
}

#[tokio::test]
async fn messages_are_filtered_searched_and_thrown_away() {
    let tenant = Tenant::start().await;
    for subject in ["Trip on Friday", "Lunch menu"] {
        let mut message = letter();
        message["subject"] = json!(subject);
        tenant.made(&tenant.teacher, "/me/sendMail", json!({ "message": message })).await;
    }
    let inbox = format!("/users/{STUDENT_ID}/messages");
    let unread = tenant
        .get(&tenant.app, &format!("{inbox}?$filter=isRead eq false and receivedDateTime ge 2020-01-01T00:00:00Z"))
        .await;
    assert_eq!(unread.each("subject"), ["Lunch menu", "Trip on Friday"]);
    let found = tenant.get(&tenant.app, &format!("{inbox}?$search=\"subject:menu\"")).await;
    let id = found.value()[0]["id"].as_str().expect("an id").to_owned();
    tenant.patch(&tenant.app, &format!("{inbox}/{id}"), json!({ "isRead": true })).await;
    let folder = tenant.get(&tenant.app, &format!("/users/{STUDENT_ID}/mailFolders/inbox")).await;
    assert_eq!((&folder.body["totalItemCount"], &folder.body["unreadItemCount"]), (&json!(2), &json!(1)));
    assert_eq!(tenant.delete(&tenant.app, &format!("{inbox}/{id}")).await.status, 204);
    assert_eq!(subjects(&tenant, STUDENT_ID, "inbox").await, ["Trip on Friday"]);
    assert_eq!(subjects(&tenant, STUDENT_ID, "deleteditems").await, ["Lunch menu"]);
}
