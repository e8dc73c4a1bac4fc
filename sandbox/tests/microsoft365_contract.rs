//! What the Microsoft 365 look-alike says on the wire, against the vendor's own documents.
//!
//! As in `contract.rs`: without `SIS_CONTRACTS` every test here is reported as ignored, by its name.

#[path = "microsoft365/tenant.rs"]
mod tenant;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use reqwest::Method;
use sandbox::Exchange;
use sandbox::contract::{Contract, FOLDER_VARIABLE};
use sandbox::microsoft365::{SITE_ID, STUDENT_ID, TEACHER_ID};
use serde_json::json;
use tenant::{GRAPH, Tenant, at, member, reply};

fn main() {
    let arguments = Arguments::from_args();
    let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let trials = vec![
        trial("microsoft365_directory", &folder, succeeding(directory)),
        trial("microsoft365_mail", &folder, succeeding(mail)),
        trial("microsoft365_calendar", &folder, succeeding(calendar)),
        trial("microsoft365_meetings", &folder, succeeding(meetings)),
        trial("microsoft365_teams", &folder, succeeding(teams)),
        trial("microsoft365_drive", &folder, succeeding(drive)),
        trial("microsoft365_sites", &folder, succeeding(sites)),
        trial("microsoft365_education", &folder, succeeding(education)),
        trial("microsoft365_subscriptions_and_batch", &folder, succeeding(subscriptions)),
        trial("microsoft365_refusals", &folder, |folder| checked(folder, refusals).map(drop)),
        trial("microsoft365_every_operation", &folder, every_operation),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test for which the documents must be there.
fn trial(
    name: &str,
    folder: &Option<PathBuf>,
    test: impl FnOnce(&Path) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match folder.clone() {
        Some(folder) => Trial::test(name, move || test(&folder)),
        None => Trial::test(name, || Err(format!("{FOLDER_VARIABLE} is not set").into()))
            .with_kind(format!("{FOLDER_VARIABLE} is not set"))
            .with_ignored_flag(true),
    }
}

/// Runs a conversation in which nothing is refused.
fn succeeding<F: AsyncFnOnce(&Tenant)>(conversation: F) -> impl FnOnce(&Path) -> Result<(), Failed> {
    |folder| {
        let exchanges = checked(folder, conversation)?;
        let status = |exchange: &Exchange| exchange.response.as_ref().map_or(0, |response| response.status);
        match exchanges.iter().find(|exchange| !(200..400).contains(&status(exchange))) {
            Some(refused) => Err(format!("{} {} answered {}", refused.method, refused.path, status(refused)).into()),
            None => Ok(()),
        }
    }
}

/// Runs a conversation with the look-alike, and checks every exchange that was recorded.
fn checked<F: AsyncFnOnce(&Tenant)>(folder: &Path, conversation: F) -> Result<Vec<Exchange>, Failed> {
    let (graph, entra) = (Contract::load(folder, "microsoft365")?, Contract::load(folder, "oauth")?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exchanges: Vec<Exchange> = runtime.block_on(async {
        let tenant = Tenant::start().await;
        conversation(&tenant).await;
        tenant.graph().requests()
    });
    let contract = |exchange: &Exchange| if exchange.path.starts_with("/v1.0/") { &graph } else { &entra };
    let violations: Vec<String> =
        exchanges.iter().filter_map(|exchange| contract(exchange).check_exchange(exchange).err()).flatten().collect();
    match violations.is_empty() {
        true => Ok(exchanges),
        false => Err(format!("{} exchanges: {}", exchanges.len(), violations.join("\n")).into()),
    }
}

/// No operation of the documents goes unasked.
fn every_operation(folder: &Path) -> Result<(), Failed> {
    let contract = Contract::load(folder, "microsoft365")?;
    let exchanges = checked(folder, async |tenant| {
        directory(tenant).await;
        mail(tenant).await;
        calendar(tenant).await;
        meetings(tenant).await;
        teams(tenant).await;
        drive(tenant).await;
        sites(tenant).await;
        education(tenant).await;
        subscriptions(tenant).await;
    })?;
    let asked: BTreeSet<(&str, &str)> =
        exchanges.iter().filter_map(|exchange| contract.operation(&exchange.method, &exchange.path)).collect();
    let unasked: Vec<_> = contract.operations().filter(|operation| !asked.contains(operation)).collect();
    match unasked.is_empty() {
        true => Ok(()),
        false => Err(format!("{unasked:?}").into()),
    }
}

async fn directory(tenant: &Tenant) {
    let app = &tenant.app;
    tenant.get(app, "/organization?$select=id,displayName").await;
    tenant.get(app, "/users?$top=1&$select=id,employeeId&$filter=startswith(displayName,'t')&$count=true").await;
    tenant.get(&tenant.teacher, "/me").await;
    let user = json!({
        "accountEnabled": true,
        "displayName": "Ada Young",
        "mailNickname": "ada",
        "userPrincipalName": "ada@yourschool.example",
        "passwordProfile": { "password": "correct horse", "forceChangePasswordNextSignIn": true },
    });
    let user = tenant.made(app, "/users", user).await.id();
    tenant.get(app, &format!("/users/{user}?$select=id,accountEnabled,ageGroup")).await;
    tenant.patch(app, &format!("/users/{user}"), json!({ "department": "Maths" })).await;
    tenant.delete(app, &format!("/users/{user}")).await;
    let group = json!({
        "displayName": "Parents",
        "mailEnabled": false,
        "mailNickname": "parents",
        "securityEnabled": true,
        "members@odata.bind": [format!("{GRAPH}/users/{STUDENT_ID}")],
    });
    let group = tenant.made(app, "/groups", group).await.id();
    tenant.get(app, "/groups").await;
    tenant.get(app, &format!("/groups/{group}")).await;
    tenant.get(app, &format!("/groups/{group}/members")).await;
}

async fn mail(tenant: &Tenant) {
    let (app, user) = (&tenant.app, format!("/users/{TEACHER_ID}"));
    let message = json!({
        "subject": "School is closed",
        "body": { "contentType": "html", "content": "<p>Snow.</p>" },
        "toRecipients": [{ "emailAddress": { "address": "student@yourschool.example", "name": "Student" } }],
        "importance": "high",
    });
    tenant.made(&tenant.teacher, "/me/sendMail", json!({ "message": message, "saveToSentItems": false })).await;
    tenant.made(app, &format!("{user}/sendMail"), json!({ "message": message })).await;
    let draft = tenant.made(app, &format!("{user}/messages"), message).await.id();
    let attachment = json!({
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "letter.txt",
        "contentType": "text/plain",
        "contentBytes": "SGVsbG8=",
    });
    tenant.made(app, &format!("{user}/messages/{draft}/attachments"), attachment).await;
    let session = json!({ "attachmentItem": { "attachmentType": "file", "name": "film.mp4", "size": 4_000_000 } });
    tenant.made(app, &format!("{user}/messages/{draft}/attachments/createUploadSession"), session).await;
    tenant.send(app, Method::POST, &format!("{user}/messages/{draft}/send"), None).await;
    tenant.get(app, &format!("{user}/messages?$top=1&$select=subject&$orderby=receivedDateTime desc")).await;
}

async fn calendar(tenant: &Tenant) {
    let (app, user) = (&tenant.app, format!("/users/{TEACHER_ID}"));
    let event = json!({
        "subject": "Parents' evening",
        "start": at("2026-12-01T18:00:00"),
        "end": at("2026-12-01T20:00:00"),
        "attendees": [{ "emailAddress": { "address": "student@yourschool.example" }, "type": "required" }],
        "isOnlineMeeting": true,
        "onlineMeetingProvider": "teamsForBusiness",
        "transactionId": "evening-1",
    });
    tenant.made(&tenant.teacher, "/me/events", event.clone()).await;
    tenant.get(&tenant.teacher, "/me/events").await;
    let made = tenant.made(app, &format!("{user}/events"), event).await.id();
    tenant.get(app, &format!("{user}/events")).await;
    tenant.get(app, &format!("{user}/events/{made}")).await;
    let span = "startDateTime=2026-12-01T00:00:00Z&endDateTime=2026-12-02T00:00:00Z";
    tenant.get(app, &format!("{user}/calendarView?{span}")).await;
    let schedule = json!({
        "schedules": ["teacher@yourschool.example"],
        "startTime": at("2026-12-01T17:00:00"),
        "endTime": at("2026-12-01T21:00:00"),
        "availabilityViewInterval": 60,
    });
    tenant.made(app, &format!("{user}/calendar/getSchedule"), schedule).await;
    tenant.patch(app, &format!("{user}/events/{made}"), json!({ "subject": "Parents' evening, moved" })).await;
    tenant.delete(app, &format!("{user}/events/{made}")).await;
}

async fn meetings(tenant: &Tenant) {
    let (app, user) = (&tenant.app, format!("/users/{TEACHER_ID}/onlineMeetings"));
    let meeting = json!({
        "subject": "Help hour",
        "startDateTime": "2026-12-01T15:00:00Z",
        "endDateTime": "2026-12-01T16:00:00Z",
        "lobbyBypassSettings": { "scope": "organization" },
        "joinMeetingIdSettings": { "isPasscodeRequired": true },
    });
    tenant.made(&tenant.teacher, "/me/onlineMeetings", meeting.clone()).await;
    let made = tenant.made(app, &user, meeting).await;
    let (id, link) = (made.id(), made.body["joinWebUrl"].as_str().unwrap_or_default().replace('%', "%25"));
    tenant.made(app, &format!("{user}/createOrGet"), json!({ "externalId": "help-1", "subject": "Help" })).await;
    tenant.get(app, &format!("{user}?$filter=JoinWebUrl eq '{link}'")).await;
    tenant.get(app, &format!("{user}/{id}")).await;
    tenant.patch(app, &format!("{user}/{id}"), json!({ "subject": "Help hour, again" })).await;
    tenant.delete(app, &format!("{user}/{id}")).await;
}

async fn teams(tenant: &Tenant) {
    let (app, teacher) = (&tenant.app, &tenant.teacher);
    let team = json!({
        "displayName": "8a",
        "template@odata.bind": format!("{GRAPH}/teamsTemplates('educationClass')"),
        "members": [member(TEACHER_ID, &["owner"])],
    });
    let made = tenant.made(app, "/teams", team).await;
    let operation = made.location().replace("('", "/").replace("')", "");
    tenant.get(app, &operation).await;
    tenant.get(app, &operation).await;
    let (id, channel) = tenant.team().await;
    tenant.get(app, "/teams?$filter=displayName eq '7b'").await;
    tenant.get(app, &format!("/teams/{id}")).await;
    tenant.patch(app, &format!("/teams/{id}"), json!({ "description": "Seventh form" })).await;
    tenant.get(teacher, "/me/joinedTeams").await;
    tenant.get(app, &format!("/users/{TEACHER_ID}/joinedTeams")).await;
    tenant.made(app, &format!("/teams/{id}/members"), member(STUDENT_ID, &[])).await;
    tenant.made(app, &format!("/teams/{id}/members/add"), json!({ "values": [member(STUDENT_ID, &[])] })).await;
    tenant.get(app, &format!("/teams/{id}/members")).await;
    tenant.made(app, &format!("/teams/{id}/channels"), json!({ "displayName": "Homework" })).await;
    tenant.get(app, &format!("/teams/{id}/channels/{channel}")).await;
    let messages = format!("/teams/{id}/channels/{channel}/messages");
    let message = json!({ "body": { "contentType": "html", "content": "<p>Hello</p>" }, "importance": "high" });
    let first = tenant.made(teacher, &messages, message.clone()).await.id();
    tenant.made(teacher, &format!("{messages}/{first}/replies"), message.clone()).await;
    tenant.get(app, &messages).await;
    let chat =
        json!({ "chatType": "oneOnOne", "members": [member(TEACHER_ID, &["owner"]), member(STUDENT_ID, &["owner"])] });
    let chat = tenant.made(teacher, "/chats", chat).await.id();
    tenant.made(teacher, &format!("/chats/{chat}/messages"), message).await;
}

async fn drive(tenant: &Tenant) {
    let app = &tenant.app;
    tenant.get(&tenant.teacher, "/me/drive").await;
    let drive = tenant.get(app, &format!("/users/{TEACHER_ID}/drive?$select=id")).await.id();
    let drive = format!("/drives/{drive}");
    tenant.get(app, &drive).await;
    let root = tenant.get(app, &format!("{drive}/root")).await.id();
    let folder = json!({ "name": "Lessons", "folder": {}, "@microsoft.graph.conflictBehavior": "fail" });
    let folder = tenant.made(app, &format!("{drive}/items/{root}/children"), folder).await.id();
    let put = |path: String| {
        reply(tenant.request(app, Method::PUT, &path).header("content-type", "application/octet-stream").body("x"))
    };
    let file = put(format!("{drive}/root:/letter.txt:/content")).await.id();
    put(format!("{drive}/items/{file}/content")).await;
    let item = format!("{drive}/items/{file}");
    tenant.get(app, &item).await;
    tenant.get(app, &format!("{drive}/items/{root}/children?$top=1")).await;
    tenant.get(app, &format!("{item}/content")).await;
    tenant.made(app, &format!("{item}/createUploadSession"), json!({ "item": { "description": "again" } })).await;
    let invitation = json!({
        "recipients": [{ "email": "student@yourschool.example" }, { "email": "parent@elsewhere.example" }],
        "roles": ["read"],
        "requireSignIn": true,
        "sendInvitation": false,
    });
    let invited = tenant.made(app, &format!("{item}/invite"), invitation).await;
    let permission = invited.value()[0]["id"].as_str().unwrap_or_default();
    for _ in 0..2 {
        tenant.made(app, &format!("{item}/createLink"), json!({ "type": "view", "scope": "organization" })).await;
    }
    tenant.get(app, &format!("{item}/permissions")).await;
    tenant.delete(app, &format!("{item}/permissions/{permission}")).await;
    tenant.patch(app, &item, json!({ "name": "letter2.txt", "parentReference": { "id": folder } })).await;
    tenant.delete(app, &item).await;
}

async fn sites(tenant: &Tenant) {
    let app = &tenant.app;
    tenant.get(app, "/sites?search=staff").await;
    let site = format!("/sites/{SITE_ID}");
    tenant.get(app, &site).await;
    tenant.get(app, &format!("{site}/drives")).await;
    tenant.get(app, &format!("{site}/drive")).await;
    let list = tenant.get(app, &format!("{site}/lists")).await;
    let list = list.value()[0]["id"].as_str().unwrap_or_default();
    tenant.get(app, &format!("{site}/lists/{list}/items?$expand=fields")).await;
}

async fn education(tenant: &Tenant) {
    let (app, teacher) = (&tenant.app, &tenant.teacher);
    tenant.get(teacher, "/education/me").await;
    tenant.get(app, "/education/schools").await;
    tenant.get(app, "/education/users").await;
    let body = json!({ "displayName": "Art", "mailNickname": "art", "externalId": "SIS-ART" });
    let class = tenant.made(app, "/education/classes", body).await.id();
    let class = format!("/education/classes/{class}");
    tenant.get(app, "/education/classes?$filter=externalId eq 'SIS-ART'").await;
    tenant.get(app, &class).await;
    let student = json!({ "@odata.id": format!("{GRAPH}/education/users/{STUDENT_ID}") });
    tenant.made(app, &format!("{class}/members/$ref"), student).await;
    tenant.get(app, &format!("{class}/members")).await;
    tenant.get(app, &format!("{class}/teachers")).await;
    let assignment = json!({
        "displayName": "A still life",
        "dueDateTime": "2026-12-20T12:00:00Z",
        "grading": { "@odata.type": "#microsoft.graph.educationAssignmentPointsGradeType", "maxPoints": 20 },
    });
    let assignment = tenant.made(app, &format!("{class}/assignments"), assignment).await.id();
    tenant.get(app, &format!("{class}/assignments")).await;
    tenant.send(app, Method::POST, &format!("{class}/assignments/{assignment}/publish"), None).await;
    tenant.get(app, &format!("{class}/assignments/{assignment}/submissions?$expand=outcomes")).await;
    let group = class.trim_start_matches("/education/classes/");
    let owner = json!({ "@odata.id": format!("{GRAPH}/users/{TEACHER_ID}") });
    // Not in the documents, but without an owner there is no team: asked in a batch, which they do not look into.
    let step = json!({
        "id": "1",
        "method": "POST",
        "url": format!("/groups/{group}/owners/$ref"),
        "headers": { "Content-Type": "application/json" },
        "body": owner,
    });
    tenant.made(app, "/$batch", json!({ "requests": [step] })).await;
    tenant.send(app, Method::PUT, &format!("/groups/{group}/team"), Some(json!({}))).await;
}

async fn subscriptions(tenant: &Tenant) {
    let app = &tenant.app;
    let until = |hours: i64| {
        let at = tenant.sandbox.clock().now() / 1000 + hours * 3600;
        jiff::Timestamp::from_second(at).expect("a moment").to_string()
    };
    let body = json!({
        "changeType": "created,updated",
        "notificationUrl": "https://sis.example/hooks",
        "resource": format!("/users/{TEACHER_ID}/events"),
        "expirationDateTime": until(24),
        "clientState": "a secret",
    });
    let id = tenant.made(app, "/subscriptions", body).await.id();
    tenant.get(app, "/subscriptions").await;
    tenant.get(app, &format!("/subscriptions/{id}")).await;
    tenant.patch(app, &format!("/subscriptions/{id}"), json!({ "expirationDateTime": until(48) })).await;
    tenant.send(app, Method::POST, &format!("/subscriptions/{id}/reauthorize"), None).await;
    let step = json!({ "id": "1", "method": "GET", "url": "/users?$top=1" });
    let bad = json!({ "id": "2", "method": "GET", "url": "/users/nobody" });
    tenant.made(app, "/$batch", json!({ "requests": [step, bad] })).await;
    tenant.delete(app, &format!("/subscriptions/{id}")).await;
}

async fn refusals(tenant: &Tenant) {
    let app = &tenant.app;
    let replies = [
        tenant.get("no token", "/users").await.status,
        tenant.get(app, "/me").await.status,
        tenant.get(app, "/users/nobody").await.status,
        tenant.get(app, "/drives/none").await.status,
        tenant.get(app, "/users?$filter=what").await.status,
        tenant.get(&tenant.teacher, "/education/users").await.status,
    ];
    assert_eq!(replies, [401, 400, 404, 404, 400, 403]);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_secret", "wrong"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    assert_eq!(tenant.token(&form).await.status, 401);
    assert_eq!(tenant.token_at("elsewhere.example", &form).await.status, 400);
}
