//! SendGrid's operations, typed and dynamic, through the whole road to the look-alike and back.
#![cfg(feature = "sendgrid")]
#![allow(missing_docs, reason = "tests")]

use std::collections::BTreeSet;

use sandbox::{
    Fault, Rule, Sandbox,
    sendgrid::{API_KEY, FROM_EMAIL, GROUP_ID},
};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, ErrorCode, IntegrationManager, MasterKey, Role, Tenant, Timestamp, providers,
    providers::{Quota, sendgrid::*, twilio::TwilioConfig},
    storage::MemoryStorage,
};

struct School {
    sandbox: Sandbox,
    manager: IntegrationManager,
    tenant: Tenant,
    admin: Actor,
}

impl School {
    async fn open() -> Self {
        Self::with(|config| config).await
    }

    async fn with(change: impl FnOnce(SendgridConfig) -> SendgridConfig) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let manager = IntegrationManager::builder()
            .storage(MemoryStorage::new())
            .master_key(MasterKey::from_bytes(*b"0123456789abcdefghijklmnopqrstuv").unwrap())
            .providers(providers::all())
            .quota("sendgrid", Quota { per_second: 0.0, burst: 0 })
            .allow_private_addresses(true)
            .build()
            .await
            .unwrap();
        let admin = Actor::new("u-1", Role::Admin);
        let tenant = manager.tenant("school").unwrap();
        let school = Self { sandbox, manager, tenant, admin };
        school.configure(change).await;
        school
    }

    async fn configure(&self, change: impl FnOnce(SendgridConfig) -> SendgridConfig) {
        let config = SendgridConfig::new(API_KEY, FROM_EMAIL).from_name("Your School");
        let config = config.base_url(self.sandbox.url("sendgrid").parse().unwrap());
        self.tenant.configure(&self.admin, change(config)).await.unwrap();
    }

    /// Runs it by name, and answers the JSON.
    async fn ask(&self, operation: &str, arguments: Value) -> Value {
        match self.tenant.execute(&self.admin, "sendgrid", operation, arguments).await {
            Ok(reply) => reply.output,
            Err(error) => panic!("{operation}: {error}"),
        }
    }

    async fn refuse(&self, operation: &str, arguments: Value) -> sis_integrations::Error {
        match self.tenant.execute(&self.admin, "sendgrid", operation, arguments).await {
            Ok(_) => panic!("{operation} was not refused"),
            Err(error) => error,
        }
    }

    /// A template whose active version has this HTML.
    async fn template(&self, html: &str) -> String {
        let template = self.tenant.call(&self.admin, CreateTemplate::new("Absence")).await.unwrap();
        let version = AddTemplateVersion::new(&template.id, "First", "{{student}} is absent", html);
        self.tenant.call(&self.admin, version).await.unwrap();
        template.id.clone()
    }

    fn sent_to(&self, email: &str) -> usize {
        self.sandbox.sendgrid().messages().iter().filter(|message| message.to == email).count()
    }

    /// How many requests to send mail were made.
    fn sends(&self) -> usize {
        self.sandbox.sendgrid().requests().iter().filter(|exchange| exchange.path == "/v3/mail/send").count()
    }
}

#[tokio::test]
async fn one_message_carries_all_that_was_said_of_it_and_its_mark() {
    let school = School::open().await;
    let at = Timestamp::from_micros(school.sandbox.sendgrid().clock().now() * 1000 + 3_600_000_000);
    let options = MailOptions::new()
        .reply_to("office@example.com")
        .category("closing")
        .custom_arg("class", "4b")
        .send_at(at)
        .suppression_group(GROUP_ID)
        .attachment(Attachment::new("map.txt", "a map").media_type("text/plain"));
    let mail = SendEmail::new(Recipient::new("parent@example.com").name("A parent"), "School closed")
        .cc("other@example.com")
        .bcc("office@example.com")
        .text("At noon")
        .html("<p>At noon</p>")
        .options(options);
    let sent = school.tenant.call(&school.admin, mail).await.unwrap();
    assert_eq!((sent.state, sent.recipients), (MailState::Accepted, 3));
    let messages = school.sandbox.sendgrid().messages();
    assert_eq!(messages.len(), 3);
    let first = &messages[0];
    assert_eq!(Some(&first.message_id), sent.message_id.as_ref());
    assert_eq!((first.from.as_str(), first.subject.as_str(), first.attachments), (FROM_EMAIL, "School closed", 1));
    assert_eq!((first.categories.as_slice(), first.custom_args["class"].as_str()), (&["closing".to_owned()][..], "4b"));
    assert_eq!(first.send_at, Some(at.as_micros() / 1_000_000));
    assert_eq!(first.custom_args["sis_request_id"], sent.request_id.to_string());
    assert_eq!(sent.output.request_id, sent.request_id.to_string());
    let stats = school.tenant.stats(&school.admin, None, None).await.unwrap();
    assert_eq!(stats.costs[0].micros, 3_000);

    let checked =
        json!({ "to": [{ "email": "x@example.com" }], "subject": "x", "text": "x", "options": { "sandbox": true } });
    assert_eq!(school.ask("sendEmail", checked).await["state"], "validated");
    assert_eq!(school.sent_to("x@example.com"), 0);
}

#[tokio::test]
async fn bad_mail_is_refused_with_its_path_before_anything_leaves() {
    let school = School::open().await;
    let mail = |change: Value| {
        let mut mail = json!({ "to": [{ "email": "parent@example.com" }], "subject": "x", "text": "x" });
        for (name, value) in change.as_object().unwrap() {
            mail[name] = value.clone();
        }
        mail
    };
    let many = |count: usize| (0..count).map(|at| json!({ "email": format!("p{at}@example.com") })).collect::<Value>();
    let far = Timestamp::from_micros(school.sandbox.sendgrid().clock().now() * 1000 + 73 * 3_600_000_000);
    for (change, code, field) in [
        (json!({ "to": [] }), ErrorCode::InvalidArgument, "to"),
        (json!({ "to": many(1001) }), ErrorCode::InvalidArgument, "to"),
        (
            json!({ "to": many(999), "cc": [{ "email": "a@b.co" }], "bcc": [{ "email": "c@b.co" }] }),
            ErrorCode::InvalidArgument,
            "bcc",
        ),
        (json!({ "to": [{ "email": "a@b.co" }, { "email": "A@b.co" }] }), ErrorCode::InvalidArgument, "to[1].email"),
        (json!({ "cc": [{ "email": "Name <a@b.co>" }] }), ErrorCode::InvalidArgument, "cc[0].email"),
        (json!({ "subject": "a\r\nBcc: x@y.zz" }), ErrorCode::InvalidArgument, "subject"),
        (json!({ "text": " " }), ErrorCode::InvalidArgument, "text"),
        (json!({ "options": { "categories": ["a", "a"] } }), ErrorCode::InvalidArgument, "options.categories[1]"),
        (
            json!({ "options": { "customArgs": { "sis_request_id": "x" } } }),
            ErrorCode::InvalidArgument,
            "options.customArgs.sis_request_id",
        ),
        (
            json!({ "options": { "customArgs": { "x": "y".repeat(10_000) } } }),
            ErrorCode::InvalidArgument,
            "options.customArgs",
        ),
        (
            json!({ "options": { "attachments": [{ "filename": "a", "content": "no base64!" }] } }),
            ErrorCode::InvalidArgument,
            "options.attachments[0].content",
        ),
        (json!({ "options": { "sendAt": far.to_string() } }), ErrorCode::InvalidArgument, "options.sendAt"),
        (json!({ "options": { "colour": "red" } }), ErrorCode::InvalidArgument, "options.colour"),
    ] {
        let error = school.refuse("sendEmail", mail(change)).await;
        assert_eq!((error.code(), error.field()), (code, Some(field)), "{error}");
        assert!(!format!("{error:?}").contains("@b.co"), "{error:?}");
    }
    assert_eq!(school.sends(), 0);
}

#[tokio::test]
async fn thirty_megabytes_are_too_large_and_named() {
    let school = School::open().await;
    let big = |bytes: usize| {
        let options = MailOptions::new().attachment(Attachment::new("film.mp4", vec![0; bytes]));
        SendEmail::new("parent@example.com", "A film").text("Here").options(options)
    };
    let error = school.tenant.call(&school.admin, big(30_000_000)).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (ErrorCode::TooLarge, Some("options.attachments")));
    assert!(error.message().contains("30000000"), "{error}");
    assert_eq!(school.sends(), 0);
}

#[tokio::test]
async fn a_template_is_made_changed_listed_and_sent_with_its_variables() {
    let school = School::open().await;
    let (call, admin) = (&school.tenant, &school.admin);
    let id = school.template("<p>Dear {{parent.name}}, {{student}} {{#if late}}by {{minutes}}{{/if}}</p>").await;
    let second = AddTemplateVersion::new(&id, "Second", "x", "<p>{{other}}</p>").inactive();
    let second = call.call(admin, second).await.unwrap();
    assert!(!second.active);
    school.template("<p></p>").await;
    let page = call.call(admin, ListTemplates::new().page_size(1)).await.unwrap();
    assert_eq!(page.templates[0].id, id);
    let rest = ListTemplates::new().page_size(1).page_token(page.output.next_page_token.unwrap());
    assert_eq!(call.call(admin, rest).await.unwrap().next_page_token, None);

    let mut mail =
        json!({ "to": [{ "email": "parent@example.com" }], "templateId": id, "variables": { "student": "Ada" } });
    let error = school.refuse("sendTemplateEmail", mail.clone()).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("variables.parent.name")), "{error}");
    assert_eq!(school.sends(), 0);
    mail["variables"]["parent"] = json!({ "name": "Byron" });
    assert_eq!(school.ask("sendTemplateEmail", mail.clone()).await["state"], "accepted");
    assert_eq!(school.sandbox.sendgrid().messages()[0].variables["parent"]["name"], "Byron");

    call.call(admin, ActivateTemplateVersion::new(&id, &second.id)).await.unwrap();
    let template = call.call(admin, GetTemplate::new(&id)).await.unwrap();
    let active: Vec<_> = template.versions.iter().map(|version| version.active).collect();
    assert_eq!(active, [false, true]);
    assert_eq!(school.refuse("sendTemplateEmail", mail.clone()).await.field(), Some("variables.other"));
    mail["options"] = json!({ "skipVariableCheck": true });
    school.ask("sendTemplateEmail", mail).await;

    let nobody =
        json!({ "to": [{ "email": "parent@example.com" }], "templateId": "d-00000000000000000000000000000000" });
    assert_eq!(school.refuse("sendTemplateEmail", nobody).await.field(), Some("templateId"));
    let empty = call.call(admin, CreateTemplate::new("Empty")).await.unwrap();
    let empty = json!({ "to": [{ "email": "parent@example.com" }], "templateId": empty.id });
    assert_eq!(school.refuse("sendTemplateEmail", empty).await.field(), Some("templateId"));
}

#[tokio::test]
async fn a_key_that_may_not_read_templates_sends_all_the_same() {
    let school = School::open().await;
    let id = school.template("<p>{{student}}</p>").await;
    school.sandbox.sendgrid().add_restricted_key("SG.only-mail", &["mail.send"]);
    school
        .configure(|_| {
            SendgridConfig::new("SG.only-mail", FROM_EMAIL).base_url(school.sandbox.url("sendgrid").parse().unwrap())
        })
        .await;
    let mail = SendTemplateEmail::new("parent@example.com", id);
    assert_eq!(school.tenant.call(&school.admin, mail).await.unwrap().state, MailState::Accepted);
    let scopes = school.tenant.call(&school.admin, GetScopes::new()).await.unwrap();
    assert_eq!(scopes.scopes, ["mail.send"]);
    assert!(scopes.refused.iter().any(|name| name == "listTemplates"));
    assert!(!scopes.refused.iter().any(|name| name == "sendEmail"));
    let error = school.refuse("listLists", json!({})).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("api_key")));
}

#[tokio::test]
async fn a_key_that_may_not_read_every_list_checks_those_that_it_may() {
    let school = School::open().await;
    let sendgrid = school.sandbox.sendgrid();
    let scopes = ["mail.send", "suppression.bounces.read", "suppression.unsubscribes.read"];
    sendgrid.add_restricted_key("SG.two-lists", &scopes);
    sendgrid.add_bounce("gone@example.com");
    sendgrid.add_spam_report("cross@example.com");
    school
        .configure(|_| {
            SendgridConfig::new("SG.two-lists", FROM_EMAIL).base_url(school.sandbox.url("sendgrid").parse().unwrap())
        })
        .await;
    let mail = |to: &str| {
        let options = json!({ "checkSuppressed": true });
        json!({ "to": [{ "email": to }], "subject": "x", "text": "x", "options": options })
    };
    assert_eq!(school.refuse("sendEmail", mail("gone@example.com")).await.field(), Some("to[0].email"));
    assert_eq!(school.ask("sendEmail", mail("cross@example.com")).await["state"], "accepted");
}

#[tokio::test]
async fn a_thousand_and_one_messages_are_two_requests_with_a_result_for_each() {
    let school = School::open().await;
    let messages = (0..1001).map(|at| BulkEmail::new(format!("p{at}@example.com")));
    let report =
        school.tenant.call(&school.admin, SendBulkEmail::new(messages, "Cards", "They are out")).await.unwrap();
    assert_eq!((report.accepted, report.failed, report.unknown, report.duplicates), (1001, 0, 0, 0));
    assert_eq!(school.sends(), 2);
    let messages = school.sandbox.sendgrid().messages();
    let reached: BTreeSet<_> = messages.iter().map(|message| message.to.as_str()).collect();
    assert_eq!((messages.len(), reached.len()), (1001, 1001));
    for (index, result) in report.results.iter().enumerate() {
        let message = messages.iter().find(|message| message.to == format!("p{index}@example.com")).unwrap();
        assert_eq!((result.index, result.message_id.as_ref()), (index, Some(&message.message_id)));
        assert_eq!(message.custom_args["sis_item"], index.to_string());
        assert_eq!(message.custom_args["sis_request_id"], report.output.request_id);
    }
}

#[tokio::test]
async fn a_bad_message_among_many_fails_alone() {
    let school = School::open().await;
    let id = school.template("<p>{{student}}</p>").await;
    school.sandbox.sendgrid().add_bounce("gone@example.com");
    let message = |email: &str| BulkEmail::new(email).variable("student", "Ada");
    let messages = [
        message("one@example.com"),
        message("nobody"),
        BulkEmail::new("two@example.com"),
        message("gone@example.com"),
        message("one@example.com"),
        // Ours to let through, SendGrid's to refuse: and the others are sent all the same.
        message("three@exam(ple.com"),
        message("four@example.com"),
    ];
    let bulk = SendBulkEmail::template(messages, &id).options(MailOptions::new().check_suppressed());
    let report = school.tenant.call(&school.admin, bulk).await.unwrap();
    let states: Vec<_> = report.results.iter().map(|result| result.state).collect();
    use MailState::*;
    assert_eq!(states, [Accepted, Failed, Failed, Failed, Duplicate, Failed, Accepted]);
    let field = |at: usize| report.results[at].error.as_ref().and_then(|error| error.field.as_deref());
    assert_eq!(field(1), Some("messages[1].to[0].email"));
    assert_eq!(field(2), Some("messages[2].variables.student"));
    assert_eq!(field(3), Some("messages[3].to[0].email"));
    assert_eq!(report.results[4].duplicate_of, Some(0));
    assert_eq!(field(5), Some("messages[5].to[0].email"));
    assert_eq!((report.accepted, report.failed, report.duplicates), (2, 4, 1));
    for email in ["one@example.com", "four@example.com"] {
        assert_eq!(school.sent_to(email), 1, "{email}");
    }
    assert_eq!(school.sandbox.sendgrid().messages().len(), 2);
    // Where all of them are bad nothing is done.
    let error =
        school.refuse("sendBulkEmail", json!({ "messages": [{ "to": [] }], "subject": "x", "text": "x" })).await;
    assert_eq!(error.field(), Some("messages[0].to"));
}

#[tokio::test]
async fn many_bad_messages_hold_no_good_one_up() {
    let school = School::open().await;
    // One in four: ours to let through, SendGrid's to refuse.
    let email = |at: usize| if at % 4 == 3 { format!("p{at}@exam(ple.com") } else { format!("p{at}@example.com") };
    let messages: Vec<_> = (0..120).map(|at| json!({ "to": [{ "email": email(at) }] })).collect();
    let report = school.ask("sendBulkEmail", json!({ "messages": messages, "subject": "x", "text": "x" })).await;
    assert_eq!((&report["accepted"], &report["failed"]), (&json!(90), &json!(30)), "{}", report["results"][0]);
    for (at, result) in report["results"].as_array().unwrap().iter().enumerate() {
        let bad = at % 4 == 3;
        assert_eq!(result["state"], if bad { "failed" } else { "accepted" }, "{at}");
        if bad {
            assert_eq!(result["error"]["field"], format!("messages[{at}].to[0].email"));
        } else {
            assert_eq!(school.sent_to(&email(at)), 1, "{at}");
        }
    }
}

#[tokio::test]
async fn a_suppressed_address_is_refused_when_it_is_looked_up_and_dropped_when_not() {
    let school = School::open().await;
    let sendgrid = school.sandbox.sendgrid();
    sendgrid.add_bounce("Gone@example.com");
    sendgrid.add_unsubscribe("left@example.com");
    sendgrid.add_spam_report("Cross@example.com");
    sendgrid.add_invalid_email("wrong@example.con");
    sendgrid.add_block("full@example.com");
    school.tenant.call(&school.admin, AddUnsubscribe::new(GROUP_ID, ["part@example.com"])).await.unwrap();
    for email in ["gone@example.com", "left@example.com", "part@example.com", "cross@example.com", "wrong@example.con"]
    {
        let options = json!({ "checkSuppressed": true, "suppressionGroupId": GROUP_ID });
        let mail = json!({ "to": [{ "email": "ok@example.com" }, { "email": email }], "subject": "x", "text": "x", "options": options });
        let error = school.refuse("sendEmail", mail).await;
        assert_eq!(
            (error.code(), error.field()),
            (ErrorCode::InvalidArgument, Some("to[1].email")),
            "{email}: {error}"
        );
    }
    assert_eq!(school.sends(), 0);
    let unchecked = SendEmail::new("gone@example.com", "x").text("x");
    assert_eq!(school.tenant.call(&school.admin, unchecked).await.unwrap().state, MailState::Accepted);
    assert_eq!(sendgrid.events().last().unwrap()["event"], "dropped");

    for (email, reason) in [("cross@example.com", "Spam Reporting Address"), ("wrong@example.con", "Invalid")] {
        school.tenant.call(&school.admin, SendEmail::new(email, "x").text("x")).await.unwrap();
        assert_eq!(sendgrid.events().last().unwrap()["reason"], reason);
    }
    // A block is no suppression: the next mail is tried.
    let options = json!({ "checkSuppressed": true });
    let mail = json!({ "to": [{ "email": "full@example.com" }], "subject": "x", "text": "x", "options": options });
    school.ask("sendEmail", mail).await;
    assert_eq!(sendgrid.events().last().unwrap()["event"], "delivered");

    for (list, email, reason) in [
        (SuppressionList::SpamReports, "cross@example.com", None),
        (
            SuppressionList::InvalidEmails,
            "wrong@example.con",
            Some("Mail domain mentioned in email address is unknown"),
        ),
        (SuppressionList::Blocks, "full@example.com", Some("550 5.7.1 Content refused")),
    ] {
        let page = school.tenant.call(&school.admin, ListSuppressed::new(list)).await.unwrap();
        assert_eq!((page.suppressed.len(), page.suppressed[0].reason.as_deref()), (1, reason), "{list:?}");
        assert!(school.tenant.call(&school.admin, RemoveSuppressed::new(list, email)).await.unwrap().removed);
        let page = school.tenant.call(&school.admin, ListSuppressed::new(list).email(email)).await.unwrap();
        assert_eq!((page.suppressed.len(), page.next_offset), (0, None));
        let gone = school.refuse("removeSuppressed", json!({ "list": list, "email": email })).await;
        assert_eq!(gone.code(), ErrorCode::NotFound);
    }
    let options = json!({ "checkSuppressed": true });
    let mail = json!({ "to": [{ "email": "cross@example.com" }], "subject": "x", "text": "x", "options": options });
    school.ask("sendEmail", mail).await;

    let bounces = school.tenant.call(&school.admin, ListBounces::new()).await.unwrap();
    assert_eq!((bounces.bounces.len(), bounces.bounces[0].status.as_deref()), (1, Some("5.1.1")));
    assert!(bounces.bounces[0].created.is_some());
    assert!(school.tenant.call(&school.admin, RemoveBounce::new("gone@example.com")).await.unwrap().removed);
    assert_eq!(school.refuse("removeBounce", json!({ "email": "gone@example.com" })).await.code(), ErrorCode::NotFound);
    let group = school.tenant.call(&school.admin, ListUnsubscribes::group(GROUP_ID)).await.unwrap();
    assert_eq!(group.unsubscribes[0].email, "part@example.com");
    assert_eq!(school.ask("listUnsubscribes", json!({})).await["unsubscribes"][0]["email"], "left@example.com");
    assert_eq!(school.ask("listSuppressionGroups", json!({})).await["groups"][0]["unsubscribes"], 1);
}

#[tokio::test]
async fn a_notification_uses_its_kind_and_leaves_sms_for_those_it_could_not_mail() {
    let school = School::open().await;
    let id = school.template("<p>{{student}}</p>").await;
    school
        .configure(|config| {
            config.notification("absence", NotificationKind::new(&id).suppression_group(GROUP_ID).category("absences"))
        })
        .await;
    school.sandbox.sendgrid().add_bounce("gone@example.com");
    let phone = |last: u8| format!("+1415555010{last}").parse().unwrap();
    let no_mail: NotificationRecipient = serde_json::from_value(json!({ "phone": "+14155550102" })).unwrap();
    let people = [
        NotificationRecipient::new("parent@example.com").phone(phone(0)),
        NotificationRecipient::new("gone@example.com").phone(phone(1)),
        no_mail,
        NotificationRecipient::new("not an address"),
    ];
    let notify = SendNotification::new("absence", people).variable("student", "Ada").sms_fallback("Ada is absent");
    let report = school.tenant.call(&school.admin, notify).await.unwrap();
    assert_eq!((report.mail.accepted, report.mail.failed), (1, 3));
    let fallback: Vec<_> = report.fallback.iter().map(|sms| (sms.index, sms.to.as_str(), sms.body.as_str())).collect();
    assert_eq!(fallback, [(1, "+14155550101", "Ada is absent"), (2, "+14155550102", "Ada is absent")]);
    assert!(report.fallback[0].because.contains("bounced"));
    // Without settings for Twilio there is no SMS, and the report says so.
    assert_eq!(report.sms_error.as_ref().map(|error| error.code.as_str()), Some("not_configured"));
    let message = &school.sandbox.sendgrid().messages()[0];
    assert_eq!(
        (message.categories.as_slice(), message.template_id.as_deref()),
        (&["absences".to_owned()][..], Some(&*id))
    );

    let unknown = json!({ "kind": "party", "recipients": [{ "email": "parent@example.com" }] });
    assert_eq!(school.refuse("sendNotification", unknown).await.field(), Some("kind"));
    let missing = json!({ "kind": "absence", "recipients": [{ "email": "parent@example.com", "phone": "+14155550101" }], "smsFallback": "x" });
    let report = school.ask("sendNotification", missing).await;
    assert_eq!(report["mail"]["results"][0]["error"]["field"], "recipients[0].variables.student");
    assert_eq!(report["fallback"][0]["to"], "+14155550101");

    // With them each gets theirs, by a call that is on record of its own.
    let twilio = TwilioConfig::new(sandbox::twilio::ACCOUNT_SID, sandbox::twilio::AUTH_TOKEN)
        .from(sandbox::twilio::NUMBERS[0].parse().unwrap())
        .base_url(school.sandbox.url("twilio").parse().unwrap());
    school.tenant.configure(&school.admin, twilio).await.unwrap();
    let people = json!([{ "phone": "+14155550101" }, { "phone": "+14155550102" }]);
    let notify = json!({
        "kind": "absence", "recipients": people, "variables": { "student": "Ada" }, "smsFallback": "Ada is absent",
    });
    let report = school.ask("sendNotification", notify).await;
    assert_eq!((&report["sms"]["accepted"], report.get("smsError")), (&json!(2), None));
    assert_eq!(school.sandbox.twilio().messages().len(), 2);
    let audit = school.tenant.audit(&school.admin, &Default::default()).await.unwrap();
    assert!(audit.entries.iter().any(|entry| entry.operation.as_deref() == Some("sendBulkSms")));
    let plain = School::open().await;
    let error =
        plain.refuse("sendNotification", json!({ "kind": "absence", "recipients": [{ "email": "a@b.co" }] })).await;
    assert_eq!(error.code(), ErrorCode::NotConfigured);
}

#[tokio::test]
async fn a_notification_goes_by_sms_where_sendgrid_itself_fails() {
    let school = School::open().await;
    let id = school.template("<p>x</p>").await;
    school.configure(|config| config.notification("absence", NotificationKind::new(&id))).await;
    let notify = |sms: bool| {
        let person = NotificationRecipient::new("parent@example.com").phone("+14155550101".parse().unwrap());
        let notify = SendNotification::new("absence", [person]).variable("student", "Ada");
        if sms { notify.sms_fallback("x") } else { notify }
    };
    let sendgrid = school.sandbox.sendgrid();
    // Lists that cannot be read keep no mail back, and the report says so.
    sendgrid.faults().add(Rule::next(1, Fault::status(403)).path("/suppression/bounces"));
    let report = school.tenant.call(&school.admin, notify(true)).await.unwrap();
    assert_eq!((report.mail.accepted, report.fallback.len()), (1, 0));
    assert_eq!(report.suppression_error.as_ref().map(|error| error.code.as_str()), Some("not_configured"));
    // Mail that is refused as a whole, and a key that nothing can be asked with.
    sendgrid.faults().add(Rule::next(1, Fault::status(403)).path("/mail/send"));
    let report = school.tenant.call(&school.admin, notify(true)).await.unwrap();
    assert_eq!((report.mail.failed, report.fallback.len()), (1, 1));
    sendgrid.remove_key(API_KEY);
    let report = school.tenant.call(&school.admin, notify(true)).await.unwrap();
    assert_eq!((report.mail.failed, report.fallback.len()), (1, 1));
    assert_eq!(report.sms_error.as_ref().map(|error| error.code.as_str()), Some("not_configured"));
    let error = school.tenant.call(&school.admin, notify(false)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NeedsReconnect);
}

/// The manager closes while the mails are on their way: the messages that stand in for them still leave.
#[tokio::test]
async fn what_follows_a_notification_leaves_while_the_manager_closes() {
    let school = School::open().await;
    let id = school.template("<p>x</p>").await;
    school.configure(|config| config.notification("absence", NotificationKind::new(&id))).await;
    let twilio = TwilioConfig::new(sandbox::twilio::ACCOUNT_SID, sandbox::twilio::AUTH_TOKEN)
        .from(sandbox::twilio::NUMBERS[0].parse().unwrap())
        .base_url(school.sandbox.url("twilio").parse().unwrap());
    school.tenant.configure(&school.admin, twilio).await.unwrap();
    school.sandbox.sendgrid().faults().add(Rule::next(1, Fault::Delay { ms: 500 }).path("/mail/send"));
    school.sandbox.sendgrid().faults().add(Rule::next(1, Fault::status(403)).path("/mail/send"));
    let person = NotificationRecipient::new("parent@example.com").phone("+14155550101".parse().unwrap());
    let notify = SendNotification::new("absence", [person]).variable("student", "Ada").sms_fallback("x");
    let (report, closed) = tokio::join!(school.tenant.call(&school.admin, notify), async {
        tokio::task::yield_now().await;
        school.manager.close(std::time::Duration::from_secs(20)).await
    });
    closed.unwrap();
    let report = report.unwrap();
    assert_eq!((report.mail.failed, report.sms_error.as_ref()), (1, None));
    assert_eq!(school.sandbox.twilio().messages().len(), 1);
}

/// Whatever happens to the answer, a message that left is there once, and one that did not is never reported as sent.
#[tokio::test]
async fn nothing_is_sent_twice_and_nothing_is_told_that_is_not_so() {
    for activity in [false, true] {
        let school = School::with(|config| if activity { config.email_activity() } else { config }).await;
        for (name, fault, sent) in [
            ("500 after", Fault::StatusAfter { status: 500 }, true),
            ("429", Fault::too_many(None), true),
            ("cut after", Fault::CutAfter, true),
            ("cut before", Fault::CutBefore, false),
            ("a web page", Fault::Html { status: 502 }, false),
        ] {
            let to = format!("{}@example.com", name.replace(' ', "-"));
            let rule = Rule::next(1, fault).method("POST").to(&to);
            school.sandbox.sendgrid().faults().add(rule);
            let result = school.tenant.call(&school.admin, SendEmail::new(&*to, "x").text("x")).await;
            let there = school.sent_to(&to);
            assert!(there <= 1, "{name}: sent twice");
            match result {
                Ok(mail) => {
                    assert_eq!(there, 1, "{name}");
                    let message = school.sandbox.sendgrid().messages().into_iter().find(|m| m.to == to).unwrap();
                    assert_eq!(mail.message_id, Some(message.message_id), "{name}");
                }
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{name}: {error}");
                    // Where Email Activity can be asked, what was sent is found again.
                    assert!(!activity || there == 0, "{name}: it was there");
                }
            }
            assert!(!sent || there == 1, "{name}: {there}");
        }
    }
}

#[tokio::test]
async fn messages_of_a_request_whose_end_is_not_known_are_unknown_and_have_no_sms() {
    let school = School::open().await;
    let id = school.template("<p>x</p>").await;
    school.configure(|config| config.notification("absence", NotificationKind::new(&id))).await;
    school.sandbox.sendgrid().faults().add(Rule::next(1, Fault::CutAfter).method("POST"));
    let person = NotificationRecipient::new("parent@example.com").phone("+14155550101".parse().unwrap());
    let notify = SendNotification::new("absence", [person]).variable("student", "Ada").sms_fallback("x");
    let report = school.tenant.call(&school.admin, notify).await.unwrap();
    assert_eq!((report.mail.unknown, report.mail.accepted), (1, 0));
    assert!(report.fallback.is_empty());
    assert_eq!((school.sent_to("parent@example.com"), school.sends()), (1, 1));
}

#[tokio::test]
async fn settings_that_sendgrid_refuses_are_named() {
    let school = School::with(|mut config| {
        config.from_email = "somebody@else.example".to_owned();
        config
    })
    .await;
    let mail = json!({ "to": [{ "email": "parent@example.com" }], "subject": "x", "text": "x" });
    let error = school.refuse("sendEmail", mail.clone()).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotConfigured, Some("from_email")), "{error}");
    let many = json!({ "messages": [{ "to": [{ "email": "parent@example.com" }] }], "subject": "x", "text": "x" });
    assert_eq!(school.refuse("sendBulkEmail", many).await.code(), ErrorCode::NotConfigured);
    school.sandbox.sendgrid().remove_key(API_KEY);
    assert_eq!(school.refuse("sendEmail", mail).await.code(), ErrorCode::NeedsReconnect);
    assert_eq!(school.refuse("getScopes", json!({})).await.code(), ErrorCode::NeedsReconnect);
}

#[tokio::test]
async fn contacts_lists_and_campaigns() {
    let school = School::open().await;
    let (call, admin) = (&school.tenant, &school.admin);
    let list = call.call(admin, CreateList::new("Parents")).await.unwrap();
    let error = school.refuse("createList", json!({ "name": "Parents" })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("name")));
    let contacts = [Contact::new("a@example.com").name("Ada", "Byron"), Contact::new("b@example.com")];
    let report = call.call(admin, UpsertContacts::new(contacts).list(&list.id)).await.unwrap();
    let job = report.jobs[0].job_id.clone().unwrap();
    let import = call.call(admin, GetContactImport::new(job)).await.unwrap();
    assert_eq!((import.status.as_str(), &import.results["createdCount"]), ("completed", &json!(2)));
    let lists = school.ask("listLists", json!({})).await;
    assert_eq!((&lists["lists"][0]["contactCount"], &lists["lists"][0]["id"]), (&json!(2), &json!(list.id)));
    for (contact, field) in [
        (json!({ "firstName": "Ada" }), "contacts[0].email"),
        (json!({ "email": "x" }), "contacts[0].email"),
        (json!({ "email": "a@b.co", "firstName": "x".repeat(51) }), "contacts[0].firstName"),
    ] {
        assert_eq!(school.refuse("upsertContacts", json!({ "contacts": [contact] })).await.field(), Some(field));
    }

    let draft = call.call(admin, CreateCampaign::new("Open day")).await.unwrap();
    assert_eq!(draft.status.as_deref(), Some("draft"));
    let error = call.call(admin, ScheduleCampaign::now(&draft.id)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument, "{error}");
    let whole = CreateCampaign::new("Open day").list(&list.id).content("Come", "<p>Come</p>").sender(1, GROUP_ID);
    let whole = call.call(admin, whole).await.unwrap();
    assert_eq!(call.call(admin, ScheduleCampaign::now(&whole.id)).await.unwrap().status, "scheduled");
    let stats = call.call(admin, GetCampaignStats::new().campaign(&whole.id)).await.unwrap();
    assert_eq!((stats.campaigns.len(), &stats.campaigns[0].id), (1, &whole.id));
}

#[tokio::test]
async fn contacts_beyond_one_request_are_sent_in_several() {
    let school = School::open().await;
    let contacts = (0..30_001).map(|at| Contact::new(format!("p{at}@example.com")));
    let report = school.tenant.call(&school.admin, UpsertContacts::new(contacts)).await.unwrap();
    let jobs: Vec<_> = report.jobs.iter().map(|job| (job.first, job.count, job.job_id.is_some())).collect();
    assert_eq!(jobs, [(0, 30_000, true), (30_000, 1, true)]);
}

#[tokio::test]
async fn statistics_and_activity_tell_what_was_sent() {
    let school = School::with(SendgridConfig::email_activity).await;
    let options = MailOptions::new().category("closing");
    let mail = SendEmail::new("parent@example.com", "x").text("x").options(options);
    let sent = school.tenant.call(&school.admin, mail).await.unwrap();
    let stats = school.ask("getEmailStats", json!({ "startDate": "2020-01-01" })).await;
    assert_eq!(stats["periods"][0]["stats"][0]["metrics"]["delivered"], 1);
    let stats = school.ask("getCategoryStats", json!({ "categories": ["closing"], "startDate": "2020-01-01" })).await;
    assert_eq!(stats["periods"][0]["stats"][0]["name"], "closing");
    let found = school.tenant.call(&school.admin, FindMessage::by_request(&sent.output.request_id)).await.unwrap();
    assert_eq!((found.messages.len(), found.messages[0].status.as_str()), (1, "delivered"));
    assert!(found.messages[0].msg_id.starts_with(sent.message_id.as_deref().unwrap()));
    let nobody = school.tenant.call(&school.admin, FindMessage::to("nobody@example.com")).await.unwrap();
    assert!(nobody.messages.is_empty());
    let without = School::open().await;
    let error = without.refuse("findMessage", json!({ "to": "parent@example.com" })).await;
    assert_ne!(error.code(), ErrorCode::NotFound, "what cannot be asked is not what is not there");
}
