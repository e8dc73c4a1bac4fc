//! Gmail.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use sandbox::google_workspace::{ADMIN, GUARDIAN, TEACHER};
use serde_json::{Value, json};

use crate::school::{School, id, reply};

const ME: &str = "/gmail/v1/users/me";

fn mail(to: &str, subject: &str, more: &str) -> String {
    format!("To: {to}\r\nSubject: {subject}\r\n{more}Content-Type: text/plain; charset=utf-8\r\n\r\nDear all\r\n")
}

fn raw(mail: &str) -> Value {
    json!({ "raw": URL_SAFE_NO_PAD.encode(mail) })
}

#[tokio::test]
async fn a_mail_lies_with_the_sender_and_the_recipients() {
    let school = School::start().await;
    let to = format!("Tom <{TEACHER}>, {GUARDIAN}");
    let sent = school
        .post(&format!("{ME}/messages/send"), raw(&mail(&to, "=?utf-8?B?w4U=?= plan", &format!("Bcc: {ADMIN}\r\n"))))
        .await;
    assert_eq!(sent["labelIds"], json!(["SENT"]));
    let mails = school.google().mails();
    let boxes: Vec<(&Value, &Value)> = mails.iter().map(|mail| (&mail["mailbox"], &mail["labels"][0])).collect();
    assert_eq!(
        boxes,
        [(&json!(ADMIN), &json!("SENT")), (&json!(ADMIN), &json!("INBOX")), (&json!(TEACHER), &json!("INBOX"))]
    );
    assert_eq!(mails[2]["subject"], "Å plan");
    assert!(!mails[2]["raw"].as_str().unwrap().contains("Bcc"), "nobody learns of a blind copy");
    let whole = school.get(&format!("{ME}/messages/{}", id(&sent))).await;
    assert_eq!(whole["payload"]["body"]["data"], URL_SAFE.encode("Dear all\r\n"));
    assert_eq!(whole["snippet"], "Dear all");
    let brief = school.get(&format!("{ME}/messages/{}?format=metadata&metadataHeaders=Message-ID", id(&sent))).await;
    let message_id = brief["payload"]["headers"][0]["value"].as_str().unwrap();
    let found = school
        .get(&format!(
            "{ME}/messages?q=rfc822msgid:{}&labelIds=SENT",
            message_id[1..message_id.len() - 1].replace('+', "%2B")
        ))
        .await;
    assert_eq!(found["messages"][0]["id"], sent["id"]);
    assert_eq!(school.get(&format!("{ME}/messages?q=subject:nothing")).await["messages"], Value::Null);
    let teacher = school.token_of(TEACHER, &["gmail.metadata"]).await;
    let own = school.send(&teacher, Method::GET, &format!("{ME}/messages"), None).await.body;
    let at = format!("{ME}/messages/{}", own["messages"][0]["id"].as_str().unwrap());
    assert_eq!(school.refused(&teacher, Method::GET, &at, None).await.0, 403, "only metadata");
    assert_eq!(school.refused(&teacher, Method::GET, &format!("{ME}/messages?q=x"), None).await.0, 403);
    let other = format!("/gmail/v1/users/{ADMIN}/messages");
    assert_eq!(school.refused(&teacher, Method::GET, &other, None).await, (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_or_comes_back() {
    let school = School::start().await;
    let at = format!("{ME}/messages/send");
    for wrong in [json!({}), json!({ "raw": "?" }), raw("Subject: x\r\n\r\nhello"), raw(&mail("nobody", "x", ""))] {
        assert_eq!(
            school.refused(&school.token, Method::POST, &at, Some(wrong)).await,
            (400, "invalidArgument".to_owned())
        );
    }
    school.post(&at, raw(&mail("nobody@yourschool.example", "x", ""))).await;
    let mails = school.google().mails();
    assert!(mails[1]["subject"].as_str().unwrap().contains("Failure"), "{mails:?}");
}

#[tokio::test]
async fn answers_join_their_thread() {
    let school = School::start().await;
    let at = format!("{ME}/messages/send");
    let first = school.post(&at, raw(&mail(TEACHER, "Plan", "Message-ID: <one@school.example>\r\n"))).await;
    let whole = school.get(&format!("{ME}/messages/{}?format=metadata&metadataHeaders=Message-ID", id(&first))).await;
    let given = whole["payload"]["headers"][0]["value"].as_str().unwrap();
    assert_ne!(given, "<one@school.example>", "Gmail puts its own in its place");
    let mut body = raw(&mail(TEACHER, "Re: Plan", &format!("In-Reply-To: {given}\r\nReferences: {given}\r\n")));
    body["threadId"] = first["threadId"].clone();
    assert_eq!(school.post(&at, body).await["threadId"], first["threadId"]);
    let mut lost = raw(&mail(TEACHER, "x", ""));
    lost["threadId"] = json!("none");
    assert_eq!(school.refused(&school.token, Method::POST, &at, Some(lost)).await.0, 404);
}

#[tokio::test]
async fn a_draft_is_sent_once() {
    let school = School::start().await;
    let drafts = format!("{ME}/drafts");
    let draft = school.post(&drafts, json!({ "message": raw(&mail(TEACHER, "Old", "")) })).await;
    assert_eq!(draft["message"]["labelIds"], json!(["DRAFT"]));
    let own = format!("{drafts}/{}", id(&draft));
    let put = Some(json!({ "message": raw(&mail(TEACHER, "New", "")) }));
    assert_eq!(school.send(&school.token, Method::PUT, &own, put).await.status, 200);
    assert_eq!(school.get(&format!("{drafts}?q=subject:new")).await["drafts"].as_array().unwrap().len(), 1);
    assert_eq!(school.get(&format!("{drafts}?q=subject:old")).await["drafts"], Value::Null);
    let sent = school.post(&format!("{drafts}/send"), json!({ "id": draft["id"] })).await;
    assert_eq!(sent["labelIds"], json!(["SENT"]));
    assert_eq!(school.google().mails()[1]["subject"], "New");
    let again = Some(json!({ "id": draft["id"] }));
    assert_eq!(
        school.refused(&school.token, Method::POST, &format!("{drafts}/send"), again).await,
        (404, "notFound".to_owned())
    );
}

#[tokio::test]
async fn mails_are_uploaded_with_their_attachments() {
    let school = School::start().await;
    let mail = format!(
        "To: {TEACHER}\r\nSubject: File\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\n\
         see\r\n--m\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--m--\r\n"
    );
    let at = "/upload/gmail/v1/users/me/messages/send?uploadType=media";
    let upload = school.request(&school.token, Method::POST, at).header(CONTENT_TYPE, "message/rfc822").body(mail);
    let sent = reply(upload).await.body;
    let whole = school.get(&format!("{ME}/messages/{}", id(&sent))).await;
    let part = &whole["payload"]["parts"][1];
    assert_eq!((&part["filename"], &part["body"]["size"]), (&json!("a.pdf"), &json!(3)));
    let attachment = part["body"]["attachmentId"].as_str().unwrap();
    let got = school.get(&format!("{ME}/messages/{}/attachments/{attachment}", id(&sent))).await;
    assert_eq!(got, json!({ "size": 3, "data": "QUJD" }));
    let found = school.get(&format!("{ME}/messages?q=has:attachment%20-in:inbox")).await;
    assert_eq!(found["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn history_and_the_rest_of_a_mailbox() {
    let school = School::start().await;
    let start = school.get(&format!("{ME}/profile")).await["historyId"].as_str().unwrap().to_owned();
    let watch = school.post(&format!("{ME}/watch"), json!({ "topicName": "projects/p/topics/t" })).await;
    assert_eq!(watch["historyId"], start);
    let other = Some(json!({ "topicName": "projects/p/topics/other" }));
    let refused = school.refused(&school.token, Method::POST, &format!("{ME}/watch"), other).await;
    assert_eq!(refused.0, 400, "one topic of a mailbox at a time");
    school.post(&format!("{ME}/messages/send"), raw(&mail(TEACHER, "x", ""))).await;
    let at = format!("{ME}/history?startHistoryId={start}");
    let history = school.get(&at).await;
    assert_eq!(history["history"][0]["messagesAdded"][0]["message"]["labelIds"], json!(["SENT"]));
    let (topic, data) = school.google().mail_notification(ADMIN).unwrap();
    assert_eq!(
        (topic.as_str(), data["historyId"].to_string()),
        ("projects/p/topics/t", history["historyId"].as_str().unwrap().to_owned())
    );
    school.google().forget_history();
    assert_eq!(school.refused(&school.token, Method::GET, &at, None).await, (404, "notFound".to_owned()));
    let label = school.post(&format!("{ME}/labels"), json!({ "name": "School" })).await;
    let labels = school.get(&format!("{ME}/labels")).await;
    assert_eq!(labels["labels"].as_array().unwrap().last(), Some(&label));
    assert_eq!(school.get(&format!("{ME}/settings/sendAs")).await["sendAs"][0]["sendAsEmail"], ADMIN);
    let mailbox = school.get(&format!("{ME}/messages?labelIds=SENT")).await;
    let at = format!("{ME}/messages/{}/modify", mailbox["messages"][0]["id"].as_str().unwrap());
    let marked =
        school.post(&at, json!({ "addLabelIds": [label["id"], "STARRED"], "removeLabelIds": ["UNREAD"] })).await;
    assert_eq!(marked["labelIds"], json!(["SENT", label["id"], "STARRED"]));
    let wrong = Some(json!({ "addLabelIds": ["none"] }));
    assert_eq!(school.refused(&school.token, Method::POST, &at, wrong).await, (400, "invalidArgument".to_owned()));
    let stop = school.send(&school.token, Method::POST, &format!("{ME}/stop"), None).await;
    assert_eq!((stop.status, school.google().mail_notification(ADMIN)), (204, None));
}
