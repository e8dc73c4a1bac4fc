//! What the Google Workspace look-alike says on the wire, against the vendor's own documents.
//!
//! As in `contract.rs`: without `SIS_CONTRACTS` every test here is reported as ignored, by its name.

#[path = "google_workspace/school.rs"]
mod school;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use libtest_mimic::{Arguments, Failed, Trial};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use sandbox::Exchange;
use sandbox::contract::{Contract, FOLDER_VARIABLE};
use sandbox::google_workspace::{ADMIN, GUARDIAN, PARENT, SHARED_DRIVE, STUDENT, TEACHER};
use school::{School, id, reply};
use serde_json::{Value, json};

/// A conversation that borrows the school.
type Local<'s> = Pin<Box<dyn Future<Output = ()> + 's>>;

/// A part of the school's day.
type Conversation = (&'static str, fn(&School) -> Local<'_>);

const DAY: &[Conversation] = &[
    ("google_tokens", |school| Box::pin(tokens(school))),
    ("google_drive", |school| Box::pin(drive(school))),
    ("google_docs", |school| Box::pin(docs(school))),
    ("google_calendar", |school| Box::pin(calendar(school))),
    ("google_gmail", |school| Box::pin(gmail(school))),
    ("google_classroom", |school| Box::pin(classroom(school))),
    ("google_meet", |school| Box::pin(meet(school))),
    ("google_directory", |school| Box::pin(directory(school))),
    ("google_events", |school| Box::pin(events(school))),
    ("google_refusals", |school| Box::pin(refusals(school))),
];

fn main() {
    let arguments = Arguments::from_args();
    let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let mut trials: Vec<Trial> = DAY
        .iter()
        .map(|(name, conversation)| trial(name, &folder, move |folder| check(folder, &[*conversation])))
        .collect();
    trials.push(trial("google_every_documented_operation_is_served", &folder, every_operation));
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(
    name: &str,
    folder: &Option<PathBuf>,
    run: impl FnOnce(&Path) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match folder.clone() {
        Some(folder) => Trial::test(name, move || run(&folder)),
        None => Trial::test(name, || Err(format!("{FOLDER_VARIABLE} is not set").into()))
            .with_kind(format!("{FOLDER_VARIABLE} is not set"))
            .with_ignored_flag(true),
    }
}

fn contract(folder: &Path) -> Result<Contract, String> {
    Contract::load(folder, "google_workspace")?.with(folder, "oauth")
}

fn converse(conversations: &[fn(&School) -> Local<'_>]) -> Result<Vec<Exchange>, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async {
        let school = School::start().await;
        for conversation in conversations {
            conversation(&school).await;
        }
        school.exchanges()
    }))
}

/// Checks every exchange whose operation is documented; the documents are cut down, and some are not.
fn check(folder: &Path, conversations: &[fn(&School) -> Local<'_>]) -> Result<(), Failed> {
    let contract = contract(folder)?;
    let mut exchanges = converse(conversations)?;
    exchanges.retain(|exchange| contract.operation(&exchange.method, &exchange.path).is_some());
    let violations: Vec<String> =
        exchanges.iter().filter_map(|exchange| contract.check_exchange(exchange).err()).flatten().collect();
    if exchanges.len() < 2 || !violations.is_empty() {
        return Err(format!("{} exchanges: {}", exchanges.len(), violations.join("\n")).into());
    }
    Ok(())
}

/// Every operation of the documents has been asked for and answered with a success by one of the conversations.
fn every_operation(folder: &Path) -> Result<(), Failed> {
    let contract = contract(folder)?;
    let all: Vec<_> = DAY.iter().map(|(_, conversation)| *conversation).collect();
    let mut missing: BTreeSet<String> =
        contract.operations().map(|(method, path)| format!("{method} {path}")).collect();
    // The other vendor's, in the same document.
    missing.remove("post /{tenant}/oauth2/v2.0/token");
    for exchange in converse(&all)? {
        let status = exchange.response.as_ref().map_or(0, |response| response.status);
        if (200..400).contains(&status)
            && let Some((method, path)) = contract.operation(&exchange.method, &exchange.path)
        {
            missing.remove(&format!("{method} {path}"));
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("never answered: {missing:#?}").into()) }
}

async fn tokens(school: &School) {
    let token = school.token_of(STUDENT, &["drive.readonly", "userinfo.email"]).await;
    let info = school.bare(Method::POST, &format!("/oauth2/v2/tokeninfo?access_token={token}"));
    assert_eq!(reply(info).await.status, 200);
    school.send(&token, Method::GET, "/oauth2/v2/userinfo", None).await;
    assert_eq!(school.form("/revoke", &[("token", &token)]).await.status, 200);
    assert_eq!(school.refresh("none").await.status, 400);
}

async fn drive(school: &School) {
    school.get("/drive/v3/about?fields=*").await;
    let folder = json!({ "name": "Class", "mimeType": "application/vnd.google-apps.folder" });
    let folder = id(&school.post("/drive/v3/files?fields=*", folder).await);
    let ids = school.get("/drive/v3/files/generateIds?count=1&space=drive").await;
    let body = json!({ "id": ids["ids"][0], "name": "Task.txt", "parents": [folder], "appProperties": { "k": "v" } });
    let file = id(&school.post("/drive/v3/files", body).await);
    let at = format!("/drive/v3/files/{file}");
    school.get(&format!("{at}?fields=*&supportsAllDrives=true")).await;
    school.patch(&format!("{at}?fields=*&addParents=root&removeParents={folder}"), json!({ "name": "T" })).await;
    school.get("/drive/v3/files?fields=*&q=name%3D'T'&pageSize=1&orderBy=name&corpora=user").await;
    school.post(&format!("{at}/copy?fields=*"), json!({ "name": "Copy" })).await;
    let upload = |path: &str| school.request(&school.token, Method::POST, path).header(CONTENT_TYPE, "text/plain");
    let media = upload("/upload/drive/v3/files?uploadType=media&fields=*").body("hello");
    let media = id(&reply(media).await.body);
    let again = format!("/upload/drive/v3/files/{media}?uploadType=media&fields=*");
    let again = school.request(&school.token, Method::PATCH, &again).header(CONTENT_TYPE, "text/plain");
    assert_eq!(reply(again.body("bye")).await.status, 200);
    let document = json!({ "name": "Doc", "mimeType": "application/vnd.google-apps.document" });
    let document = id(&school.post("/drive/v3/files?fields=*", document).await);
    let export = format!("/drive/v3/files/{document}/export?mimeType=text/plain");
    assert_eq!(reply(school.request(&school.token, Method::GET, &export)).await.status, 200);
    let permissions = format!("{at}/permissions");
    let body = json!({ "role": "reader", "type": "user", "emailAddress": TEACHER });
    let one = id(&school.post(&format!("{permissions}?fields=*&sendNotificationEmail=false"), body).await);
    school.post(&permissions, json!({ "role": "reader", "type": "anyone" })).await;
    school.get(&format!("{permissions}?fields=*")).await;
    school.get(&format!("{permissions}/{one}?fields=*")).await;
    school.patch(&format!("{permissions}/{one}?fields=*"), json!({ "role": "writer" })).await;
    school.delete(&format!("{permissions}/{one}")).await;
    school.get("/drive/v3/drives?pageSize=5").await;
    let shared = json!({ "name": "Rules", "parents": [SHARED_DRIVE] });
    school.post("/drive/v3/files?supportsAllDrives=true&fields=*", shared).await;
    let token = school.get("/drive/v3/changes/startPageToken").await["startPageToken"].as_str().unwrap().to_owned();
    let first = token.parse::<u64>().unwrap() - 2;
    school.get(&format!("/drive/v3/changes?pageToken={first}&fields=*")).await;
    let channel =
        |id: &str| json!({ "id": id, "type": "web_hook", "address": "https://school.example/hook", "token": "t" });
    let opened = school.post(&format!("/drive/v3/changes/watch?pageToken={token}"), channel("c1")).await;
    school.post(&format!("{at}/watch"), channel("c2")).await;
    let stop = json!({ "id": "c1", "resourceId": opened["resourceId"] });
    school.post("/drive/v3/channels/stop", stop).await;
    school.delete(&at).await;
}

async fn docs(school: &School) {
    let made = school.post("/v1/documents", json!({ "title": "Plan" })).await;
    let at = format!("/v1/documents/{}", made["documentId"].as_str().unwrap());
    let requests = json!([
        { "insertText": { "text": "Plan\nfor today", "location": { "index": 1 } } },
        { "updateParagraphStyle": {
            "range": { "startIndex": 1, "endIndex": 3 }, "paragraphStyle": { "namedStyleType": "HEADING_1" },
            "fields": "namedStyleType",
        } },
        { "updateTextStyle": { "range": { "startIndex": 6, "endIndex": 9 }, "textStyle": { "bold": true }, "fields": "bold" } },
        { "replaceAllText": { "containsText": { "text": "today", "matchCase": true }, "replaceText": "Monday" } },
        { "deleteContentRange": { "range": { "startIndex": 6, "endIndex": 10 } } },
    ]);
    let control = json!({ "requiredRevisionId": made["revisionId"] });
    school.post(&format!("{at}:batchUpdate"), json!({ "requests": requests, "writeControl": control })).await;
    school.get(&at).await;
    school.get(&format!("{at}?includeTabsContent=true")).await;
}

async fn calendar(school: &School) {
    let made = school.post("/calendar/v3/calendars", json!({ "summary": "4b", "timeZone": "Europe/Oslo" })).await;
    let base = format!("/calendar/v3/calendars/{}", id(&made));
    school.get(&base).await;
    school.get("/calendar/v3/users/me/calendarList?maxResults=10").await;
    school.get("/calendar/v3/colors").await;
    let events = format!("{base}/events");
    let event = json!({
        "id": "maths0001", "summary": "Maths", "location": "Room 4",
        "start": { "dateTime": "2026-12-01T09:00:00+01:00", "timeZone": "Europe/Oslo" },
        "end": { "dateTime": "2026-12-01T10:00:00+01:00", "timeZone": "Europe/Oslo" },
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
        "attendees": [{ "email": TEACHER, "optional": true }, { "email": GUARDIAN }],
        "reminders": { "useDefault": false, "overrides": [{ "method": "popup", "minutes": 10 }] },
        "extendedProperties": { "private": { "sis": "1" } },
        "conferenceData": { "createRequest": { "requestId": "r", "conferenceSolutionKey": { "type": "hangoutsMeet" } } },
    });
    school.post(&format!("{events}?conferenceDataVersion=1&sendUpdates=all"), event).await;
    let at = format!("{events}/maths0001");
    school.get(&format!("{at}?fields=id,status")).await;
    school.get(&at).await;
    school.get(&format!("{events}?singleEvents=true&orderBy=startTime&timeMin=2026-12-01T00:00:00Z")).await;
    school.get(&format!("{at}/instances?maxResults=2")).await;
    let list = school.get(&events).await;
    school.patch(&format!("{at}?sendUpdates=none"), json!({ "summary": "Physics" })).await;
    school.get(&format!("{events}?syncToken={}", list["nextSyncToken"].as_str().unwrap())).await;
    let day = json!({ "summary": "Trip", "start": { "date": "2026-12-03" }, "end": { "date": "2026-12-04" } });
    school.send(&school.token, Method::PUT, &at, Some(day)).await;
    let ask = json!({
        "timeMin": "2026-12-01T00:00:00Z", "timeMax": "2026-12-09T00:00:00Z", "items": [{ "id": ADMIN }, { "id": "none" }],
    });
    school.post("/calendar/v3/freeBusy", ask).await;
    let rule = json!({ "role": "reader", "scope": { "type": "domain", "value": "yourschool.example" } });
    school.post(&format!("{base}/acl?sendNotifications=false"), rule).await;
    school.get(&format!("{base}/acl")).await;
    let channel =
        json!({ "id": "e1", "type": "web_hook", "address": "https://school.example/hook", "params": { "ttl": "600" } });
    let opened = school.post(&format!("{events}/watch"), channel).await;
    school.post("/calendar/v3/channels/stop", json!({ "id": "e1", "resourceId": opened["resourceId"] })).await;
    school.delete(&at).await;
}

async fn gmail(school: &School) {
    let me = "/gmail/v1/users/me";
    let mail = "To: teacher@yourschool.example\r\nSubject: Plan\r\n\r\nhello\r\n";
    let raw = json!({ "raw": base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, mail) });
    let profile = school.get(&format!("{me}/profile")).await;
    school.post(&format!("{me}/watch"), json!({ "topicName": "projects/p/topics/t", "labelIds": ["INBOX"] })).await;
    let sent = id(&school.post(&format!("{me}/messages/send"), raw.clone()).await);
    for format in ["full", "metadata", "minimal", "raw"] {
        school.get(&format!("{me}/messages/{sent}?format={format}")).await;
    }
    school.get(&format!("{me}/messages?q=subject:plan&labelIds=SENT&maxResults=5")).await;
    let draft = school.post(&format!("{me}/drafts"), json!({ "message": raw })).await;
    school.post(&format!("{me}/drafts/send"), json!({ "id": draft["id"] })).await;
    for path in ["messages/send", "drafts", "drafts/send"] {
        let at = format!("/upload{me}/{path}?uploadType=media");
        let upload = school.request(&school.token, Method::POST, &at).header(CONTENT_TYPE, "message/rfc822");
        assert_eq!(reply(upload.body(mail)).await.status, 200, "{path}");
    }
    school.get(&format!("{me}/history?startHistoryId={}", profile["historyId"].as_str().unwrap())).await;
    school.get(&format!("{me}/labels")).await;
    school.get(&format!("{me}/settings/sendAs")).await;
    school.send(&school.token, Method::POST, &format!("{me}/stop"), None).await;
}

async fn classroom(school: &School) {
    let body = json!({ "name": "Maths", "ownerId": TEACHER, "id": "d:sis-1", "courseState": "ACTIVE", "room": "4" });
    let course = id(&school.post("/v1/courses", body).await);
    let base = format!("/v1/courses/{course}");
    school.get(&base).await;
    school.get("/v1/courses?courseStates=ACTIVE&pageSize=5&teacherId=me").await;
    school.get("/v1/courses").await;
    school.patch(&format!("{base}?updateMask=section"), json!({ "section": "b" })).await;
    let whole = json!({ "name": "Maths 4b", "courseState": "ACTIVE" });
    school.send(&school.token, Method::PUT, &base, Some(whole)).await;
    school.post(&format!("{base}/aliases"), json!({ "alias": "p:1" })).await;
    school.get(&format!("{base}/aliases")).await;
    for (kind, user) in [("students", STUDENT), ("teachers", ADMIN)] {
        school.post(&format!("{base}/{kind}"), json!({ "userId": user })).await;
        school.get(&format!("{base}/{kind}?pageSize=10")).await;
        school.get(&format!("{base}/{kind}/{user}")).await;
    }
    let topic = school.post(&format!("{base}/topics"), json!({ "name": "Unit 1" })).await;
    school.get(&format!("{base}/topics")).await;
    let work = json!({
        "title": "Fractions", "workType": "ASSIGNMENT", "state": "PUBLISHED", "maxPoints": 10, "topicId": topic["topicId"],
        "materials": [{ "link": { "url": "https://school.example" } }],
        "dueDate": { "year": 2099, "month": 1, "day": 1 }, "dueTime": { "hours": 8, "minutes": 30 },
    });
    let works = format!("{base}/courseWork");
    let work = id(&school.post(&works, work).await);
    school.get(&format!("{works}?courseWorkStates=PUBLISHED&orderBy=updateTime%20desc")).await;
    school.get(&format!("{works}/{work}")).await;
    school.patch(&format!("{works}/{work}?updateMask=title"), json!({ "title": "Parts" })).await;
    let submissions = format!("{works}/{work}/studentSubmissions");
    let list = school.get(&format!("{submissions}?late=NOT_LATE_ONLY")).await;
    let one = format!("{submissions}/{}", id(&list["studentSubmissions"][0]));
    let student = school.token_of(STUDENT, &["classroom.coursework.me"]).await;
    for step in ["turnIn", "reclaim", "turnIn"] {
        school.send(&student, Method::POST, &format!("{one}:{step}"), Some(json!({}))).await;
    }
    let grades = json!({ "draftGrade": 9, "assignedGrade": 9 });
    school.patch(&format!("{one}?updateMask=draftGrade,assignedGrade"), grades).await;
    school.post(&format!("{one}:return"), json!({})).await;
    school.get(&one).await;
    school.post(&format!("{base}/announcements"), json!({ "text": "Hello", "state": "PUBLISHED" })).await;
    school.get(&format!("{base}/announcements")).await;
    let invite = |role: &str| json!({ "userId": PARENT, "courseId": course, "role": role });
    let invitation = id(&school.post("/v1/invitations", invite("TEACHER")).await);
    school.get(&format!("/v1/invitations?courseId={course}")).await;
    school.get(&format!("/v1/invitations/{invitation}")).await;
    school.delete(&format!("/v1/invitations/{invitation}")).await;
    let invitation = id(&school.post("/v1/invitations", invite("STUDENT")).await);
    let parent = school.token_of(PARENT, &["classroom.rosters"]).await;
    school.send(&parent, Method::POST, &format!("/v1/invitations/{invitation}:accept"), None).await;
    school.delete(&format!("{base}/students/{PARENT}")).await;
    school.delete(&format!("{base}/teachers/{ADMIN}")).await;
    school.get("/v1/userProfiles/me").await;
    let guardians = format!("/v1/userProfiles/{STUDENT}");
    let invite = async |email: &str| {
        let made =
            school.post(&format!("{guardians}/guardianInvitations"), json!({ "invitedEmailAddress": email })).await;
        made["invitationId"].as_str().unwrap().to_owned()
    };
    let first = invite(GUARDIAN).await;
    school.get(&format!("{guardians}/guardianInvitations?states=PENDING")).await;
    school.get(&format!("{guardians}/guardianInvitations/{first}")).await;
    school.google().accept_guardian_invitation(&first);
    let second = invite("other@family.example").await;
    let cancel = format!("{guardians}/guardianInvitations/{second}?updateMask=state");
    school.patch(&cancel, json!({ "state": "COMPLETE" })).await;
    let list = school.get(&format!("{guardians}/guardians")).await;
    let guardian = format!("{guardians}/guardians/{}", list["guardians"][0]["guardianId"].as_str().unwrap());
    school.get(&guardian).await;
    school.delete(&guardian).await;
    let feed = json!({
        "feed": { "feedType": "COURSE_ROSTER_CHANGES", "courseRosterChangesInfo": { "courseId": course } },
        "cloudPubsubTopic": { "topicName": "projects/p/topics/t" },
    });
    let registration = school.post("/v1/registrations", feed).await;
    school.delete(&format!("/v1/registrations/{}", registration["registrationId"].as_str().unwrap())).await;
    school.delete(&format!("{works}/{work}")).await;
    school.patch(&format!("{base}?updateMask=courseState"), json!({ "courseState": "ARCHIVED" })).await;
    school.delete(&base).await;
}

async fn meet(school: &School) {
    let space = school.post("/v2/spaces", json!({ "config": { "accessType": "OPEN" } })).await;
    let name = space["name"].as_str().unwrap();
    let change = json!({ "config": { "entryPointAccess": "ALL" } });
    school.patch(&format!("/v2/{name}?updateMask=config.entryPointAccess"), change).await;
    let record = school.google().hold_conference(space["meetingCode"].as_str().unwrap(), &[TEACHER, GUARDIAN], None);
    let record = record.expect("the space is there");
    school.get(&format!("/v2/{name}")).await;
    school.post(&format!("/v2/{name}:endActiveConference"), json!({})).await;
    school.get("/v2/conferenceRecords?pageSize=5").await;
    school.get(&format!("/v2/{record}")).await;
    school.get(&format!("/v2/{record}/participants?pageSize=5")).await;
}

async fn directory(school: &School) {
    let base = "/admin/directory/v1";
    let ann = json!({
        "primaryEmail": "ann@yourschool.example", "name": { "givenName": "Ann", "familyName": "Berg" },
        "password": "secret-password", "orgUnitPath": "/Students",
    });
    school.post(&format!("{base}/users"), ann).await;
    school.get(&format!("{base}/users?customer=my_customer&maxResults=2&orderBy=email&sortOrder=ASCENDING")).await;
    let at = format!("{base}/users/ann@yourschool.example");
    school.get(&format!("{at}?projection=full")).await;
    school.send(&school.token, Method::PUT, &at, Some(json!({ "suspended": true }))).await;
    let group = json!({ "email": "staff@yourschool.example", "name": "Staff" });
    school.post(&format!("{base}/groups"), group).await;
    school.post(&format!("{base}/groups/staff@yourschool.example/members"), json!({ "email": TEACHER })).await;
    school.get(&format!("{base}/groups?customer=my_customer")).await;
    school.get(&format!("{base}/groups/staff@yourschool.example")).await;
    school.get(&format!("{base}/groups/staff@yourschool.example/members?roles=MEMBER")).await;
    school.get(&format!("{base}/customer/my_customer/orgunits?type=all")).await;
    school.get(&format!("{base}/customers/my_customer")).await;
    let channel = json!({ "id": "u1", "type": "web_hook", "address": "https://school.example/hook" });
    let opened = school.post(&format!("{base}/users/watch?customer=my_customer&event=add"), channel).await;
    let stop = json!({ "id": "u1", "resourceId": opened["resourceId"] });
    school.post("/admin/directory_v1/channels/stop", stop).await;
}

async fn events(school: &School) {
    let body = json!({
        "targetResource": "//meet.googleapis.com/spaces/s1",
        "eventTypes": ["google.workspace.meet.conference.v2.started"],
        "notificationEndpoint": { "pubsubTopic": "projects/p/topics/t" },
        "payloadOptions": { "includeResource": false },
    });
    let made = school.post("/v1/subscriptions", body).await;
    let name = made["response"]["name"].as_str().unwrap();
    school.get(&format!("/v1/{name}")).await;
    school.get("/v1/subscriptions?filter=event_types:%22google.workspace.meet.conference.v2.started%22").await;
    school.google().suspend_subscription(name, "USER_SCOPE_REVOKED");
    school.get(&format!("/v1/{name}")).await;
    school.post(&format!("/v1/{name}:reactivate"), json!({})).await;
    school.delete(&format!("/v1/{name}?allowMissing=true")).await;
}

/// Refusals only, in both dialects.
async fn refusals(school: &School) {
    let token = school.token_of(STUDENT, &["openid"]).await;
    for path in ["/drive/v3/files", "/v1/courses", "/gmail/v1/users/me/profile", "/v2/conferenceRecords"] {
        for token in ["none", &token] {
            let status = school.send(token, Method::GET, path, None).await.status;
            assert!(status == 401 || status == 403, "{path}: {status}");
        }
    }
    for path in ["/drive/v3/files/none", "/v1/documents/none", "/v1/courses/none", "/admin/directory/v1/users/none"] {
        assert_eq!(school.send(&school.token, Method::GET, path, None).await.status, 404, "{path}");
    }
    let sync = "/calendar/v3/calendars/primary/events?syncToken=none";
    assert_eq!(school.send(&school.token, Method::GET, sync, None).await.status, 410);
    let twice = json!({ "id": "d:x", "name": "x", "ownerId": "me" });
    school.post("/v1/courses", twice.clone()).await;
    assert_eq!(school.send(&school.token, Method::POST, "/v1/courses", Some(twice)).await.status, 409);
    let _: Value = school.get("/drive/v3/files").await;
}
