use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use sandbox::{
    Sandbox,
    microsoft365::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, SITE_ID, STUDENT_ID, TEACHER_ID, TENANT_ID},
};
use serde_json::{Value, json};

use super::{School, Vendor};

pub const VENDOR: Vendor = Vendor {
    id: "microsoft365",
    config,
    secrets: &[CLIENT_SECRET, REFRESH_TOKEN],
    arguments,
    fill,
    faults: |sandbox| sandbox.microsoft365().faults(),
    recorder: |sandbox| sandbox.microsoft365().recorder(),
    silent: &[],
    contract: true,
    undocumented: UNDOCUMENTED,
    aliases: ALIASES,
};

/// Graph knows a drive by who has it and by its id; the document has the operations of the second.
/// <https://learn.microsoft.com/graph/api/resources/drive>
const ALIASES: &[(&str, &str)] = &[
    ("/v1.0/users/*/drive", "/v1.0/drives/a-drive"),
    ("/v1.0/groups/*/drive", "/v1.0/drives/a-drive"),
    ("/v1.0/sites/*/drive", "/v1.0/drives/a-drive"),
];

/// Where answers send us on to, and what the document was cut without. An upload it has take bytes of no kind, and nothing
/// about names that are taken; the page has both. <https://learn.microsoft.com/graph/api/driveitem-put-content>
const UNDOCUMENTED: &[&str] = &[
    "* /_monitor/*",
    "* /_content/*",
    "* /v1.0/drives/*/items/*:/*",
    "* /v1.0/drives/*/items/*/copy",
    "* /v1.0/drives/*/root/*",
    "* /v1.0/drives/*/root:/*",
    "* /v1.0/education/classes/*/assignments/*",
    "* /v1.0/education/classes/*/assignments/*/submissions/*",
    "* /v1.0/education/classes/*/assignments/*/submissions/*/outcomes",
    "* /v1.0/education/classes/*/assignments/*/submissions/*/outcomes/*",
    "* /v1.0/education/classes/*/assignments/*/submissions/*/reassign",
    "* /v1.0/education/classes/*/assignments/*/submissions/*/return",
    "* /v1.0/education/classes/*/members/*/$ref",
    "* /v1.0/education/classes/*/teachers/$ref",
    "* /v1.0/groups/*/members/$ref",
    "* /v1.0/groups/*/members/*/$ref",
    "* /v1.0/sites/*/lists/*",
    "* /v1.0/sites/*/lists/*/items/*/fields",
    "* /v1.0/teams/*/archive",
    "* /v1.0/teams/*/members/*",
    "* /v1.0/users/*/calendars",
    "* /v1.0/users/*/events/*/cancel",
    "* /v1.0/users/*/mailFolders",
    "* /v1.0/users/*/mailFolders/*/messages",
    "* /v1.0/users/*/messages/*",
    "PUT /v1.0/drives/*/root:/*/content",
    "PATCH /v1.0/education/classes/*",
    "DELETE /v1.0/education/classes/*",
    "PATCH /v1.0/groups/*",
    "POST /v1.0/sites/*/lists/*/items",
];

fn config(sandbox: &Sandbox) -> Value {
    json!({
        "tenant_id": TENANT_ID, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN,
        "user": TEACHER_ID, "base_url": sandbox.url("microsoft365"),
    })
}

/// `{team}` and the like stand for ids of what is made beforehand; `{new}` for a number that is never the same.
fn arguments(operation: &str) -> Option<Value> {
    people(operation).or_else(|| office(operation)).or_else(|| files(operation)).or_else(|| education(operation))
}

fn people(operation: &str) -> Option<Value> {
    Some(match operation {
        "getOrganization" => json!({}),
        "listUsers" => json!({ "search": "teacher", "pageSize": 5 }),
        "getUser" => json!({ "userId": "teacher@yourschool.example" }),
        "createUser" => json!({ "user": {
            "userPrincipalName": "kim{new}@yourschool.example", "displayName": "Kim Lee", "password": "Corr3ct-Horse",
        } }),
        "createUsers" => json!({ "users": [
            { "userPrincipalName": "a{new}@yourschool.example", "displayName": "A", "password": "Corr3ct-Horse" },
            { "userPrincipalName": "b{new}@yourschool.example", "displayName": "B", "password": "Corr3ct-Horse" },
        ] }),
        "updateUser" => json!({ "userId": "{user}", "department": "8b" }),
        "deleteUser" => json!({ "userId": "{user}" }),
        "listGroups" => json!({ "pageSize": 5 }),
        "getGroup" => json!({ "groupId": "{group}" }),
        "createGroup" => json!({ "displayName": "Class 7b", "mailNickname": "class-{new}", "kind": "microsoft365" }),
        "listGroupMembers" => json!({ "groupId": "{group}" }),
        "addGroupMember" => json!({ "groupId": "{group}", "userId": STUDENT_ID }),
        "addGroupMembers" | "bindGroupMembers" => json!({ "groupId": "{group}", "userIds": ["{user}", STUDENT_ID] }),
        "removeGroupMember" => json!({ "groupId": "{group}", "userId": TEACHER_ID }),
        "createTeam" => json!({ "displayName": "Chess club {new}", "ownerId": "teacher@yourschool.example" }),
        "createTeamFromClass" => json!({ "classId": "{class}" }),
        "getTeam" | "archiveTeam" => json!({ "teamId": "{team}" }),
        "listTeams" => json!({ "userId": TEACHER_ID }),
        "listTeamMembers" | "listChannels" => json!({ "teamId": "{team}" }),
        "addTeamMember" => json!({ "teamId": "{team}", "userId": STUDENT_ID }),
        "addTeamMembers" => json!({ "teamId": "{team}", "members": [{ "userId": STUDENT_ID, "role": "member" }] }),
        "removeTeamMember" => json!({ "teamId": "{team}", "memberId": "{member}" }),
        "createChannel" => json!({ "teamId": "{team}", "displayName": "Homework {new}" }),
        "sendChannelMessage" => json!({ "teamId": "{team}", "channelId": "{channel}", "content": "Bring boots" }),
        "replyToChannelMessage" => {
            json!({ "teamId": "{team}", "channelId": "{channel}", "messageId": "{post}", "content": "Which ones?" })
        }
        "listChannelMessages" => json!({ "teamId": "{team}", "channelId": "{channel}" }),
        _ => return None,
    })
}

fn office(operation: &str) -> Option<Value> {
    let message = json!({
        "to": ["parent@example.com"], "subject": "Trip", "content": "<p>Bring boots</p>", "contentType": "html",
        "attachments": [{ "name": "list.txt", "content": "Ym9vdHM=" }],
    });
    let (start, end) = (json!({ "dateTime": "2030-12-01T18:00:00" }), json!({ "dateTime": "2030-12-01T19:00:00" }));
    Some(match operation {
        "createOnlineMeeting" => json!({
            "subject": "Parents' evening", "startDateTime": "2030-12-01T18:00:00Z", "endDateTime": "2030-12-01T19:00:00Z",
        }),
        "getOnlineMeeting" => json!({ "meetingId": "{meeting}" }),
        "sendMail" | "createDraft" => json!({ "message": message }),
        "sendDraft" | "getMessage" => json!({ "messageId": "{draft}" }),
        "listMessages" => json!({ "folderId": "inbox", "pageSize": 5 }),
        "listMailFolders" | "listCalendars" | "listCalendarEvents" => json!({}),
        "createCalendarEvent" => json!({
            "subject": "Parents' evening", "start": start, "end": end, "isOnlineMeeting": true,
            "attendees": [{ "address": "student@yourschool.example", "kind": "optional" }],
        }),
        "updateCalendarEvent" => json!({ "eventId": "{event}", "location": "Room 12" }),
        "cancelCalendarEvent" => json!({ "eventId": "{event}", "comment": "The teacher is ill" }),
        "deleteCalendarEvent" => json!({ "eventId": "{event}" }),
        "calendarView" => json!({ "startDateTime": "2030-12-01T00:00:00Z", "endDateTime": "2030-12-08T00:00:00Z" }),
        "getSchedule" => json!({ "schedules": ["teacher@yourschool.example"], "start": start, "end": end }),
        "subscribe" => json!({
            "resource": format!("users/{TEACHER_ID}/mailFolders/folder-{{new}}/messages"), "changeType": ["created"],
            "address": "https://sis.school.example/webhooks/microsoft365",
        }),
        "unsubscribe" => json!({ "channelId": "{subscription}" }),
        _ => return None,
    })
}

fn files(operation: &str) -> Option<Value> {
    Some(match operation {
        "listDriveItems" => json!({ "pageSize": 5 }),
        "getDriveItem" | "downloadFile" | "deleteDriveItem" | "listPermissions" => json!({ "itemId": "{file}" }),
        "searchDrive" => json!({ "search": "homework" }),
        "createFolder" => json!({ "name": "Class {new}" }),
        "uploadFile" => json!({ "name": "Homework {new}.txt", "content": "SGVsbG8=", "contentType": "text/plain" }),
        "moveDriveItem" => json!({ "itemId": "{file}", "parentId": "{folder}" }),
        "copyDriveItem" => json!({ "itemId": "{file}", "parentId": "{folder}", "name": "Copy.txt" }),
        "driveDelta" => json!({}),
        "createSharingLink" => json!({ "itemId": "{file}", "type": "view", "scope": "organization" }),
        "inviteToDriveItem" => {
            json!({ "itemId": "{file}", "recipients": ["student@yourschool.example"], "role": "read" })
        }
        "deletePermission" => json!({ "itemId": "{permitted}", "permissionId": "{permission}" }),
        "searchSites" => json!({ "search": "school" }),
        "getSite" | "listSiteDrives" | "listLists" => json!({ "siteId": SITE_ID }),
        "getList" | "listListItems" => json!({ "siteId": SITE_ID, "listId": "{list}" }),
        "createListItem" => json!({ "siteId": SITE_ID, "listId": "{list}", "fields": { "Title": "Beamer" } }),
        "updateListItem" => {
            json!({ "siteId": SITE_ID, "listId": "{list}", "listItemId": "{row}", "fields": { "Title": "Screen" } })
        }
        _ => return None,
    })
}

fn education(operation: &str) -> Option<Value> {
    let submission = json!({ "classId": "{class}", "assignmentId": "{assigned}", "submissionId": "{submission}" });
    let with = |more: Value| {
        let mut arguments = submission.clone();
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    Some(match operation {
        "listSchools" | "listClasses" => json!({}),
        "getClass" | "deleteClass" | "listClassMembers" | "listClassTeachers" | "listAssignments" => {
            json!({ "classId": "{class}" })
        }
        "createClass" => json!({ "displayName": "Biology 7b", "mailNickname": "biology-{new}", "externalId": "11014" }),
        "updateClass" => json!({ "classId": "{class}", "displayName": "Biology 8b" }),
        "addClassMember" => json!({ "classId": "{class}", "userId": "{user}" }),
        "addClassMembers" => json!({ "classId": "{class}", "userIds": ["{user}", STUDENT_ID] }),
        "addClassTeacher" => json!({ "classId": "{class}", "userId": TEACHER_ID }),
        "removeClassMember" => json!({ "classId": "{class}", "userId": STUDENT_ID }),
        "createAssignment" => json!({
            "classId": "{class}", "displayName": "Cells {new}", "instructions": "Read chapter 3",
            "dueDateTime": "2030-12-10T16:00:00Z", "maxPoints": 20, "publish": true,
        }),
        "getAssignment" | "listSubmissions" => json!({ "classId": "{class}", "assignmentId": "{assigned}" }),
        "publishAssignment" => json!({ "classId": "{class}", "assignmentId": "{unpublished}" }),
        "getSubmission" | "returnSubmission" | "reassignSubmission" => submission,
        "gradeSubmission" => with(json!({ "points": 18, "feedback": "Well done" })),
        _ => return None,
    })
}

static NEW: AtomicU64 = AtomicU64::new(1);

fn fill<'a>(school: &'a School, _: &'a str, mut text: String) -> BoxFuture<'a, String> {
    Box::pin(async move {
        text = text.replace("{new}", &NEW.fetch_add(1, Ordering::Relaxed).to_string());
        let maker = Maker { school };
        // What others are made in comes first.
        for mark in MARKS {
            if text.contains(mark) {
                for (mark, id) in maker.make(mark, &text).await {
                    text = text.replace(mark, &id);
                }
            }
        }
        text
    })
}

const MARKS: &[&str] = &[
    "{user}",
    "{group}",
    "{submission}",
    "{assigned}",
    "{unpublished}",
    "{class}",
    "{post}",
    "{channel}",
    "{member}",
    "{team}",
    "{meeting}",
    "{draft}",
    "{event}",
    "{subscription}",
    "{permission}",
    "{folder}",
    "{file}",
    "{row}",
    "{list}",
];

struct Maker<'a> {
    school: &'a School,
}

impl Maker<'_> {
    /// Makes what the mark stands for, and with it what that stands in.
    async fn make(&self, mark: &'static str, text: &str) -> Vec<(&'static str, String)> {
        let id = match mark {
            "{user}" => self.id("createUser", &[]).await,
            "{group}" => {
                let group = self.id("createGroup", &[]).await;
                self.call("addGroupMember", json!({ "groupId": group, "userId": TEACHER_ID })).await;
                group
            }
            "{class}" => self.class().await,
            "{assigned}" | "{unpublished}" => {
                let class = self.class().await;
                let mut arguments = self.filled("createAssignment", &[("{class}", &class)]);
                arguments["publish"] = json!(mark == "{assigned}");
                let assignment = id_of(&self.call("createAssignment", arguments).await);
                return vec![("{class}", class), (mark, assignment)];
            }
            "{submission}" => {
                let class = self.class().await;
                let assignment = self.id("createAssignment", &[("{class}", &class)]).await;
                self.school.sandbox.microsoft365().hand_in(&assignment, STUDENT_ID);
                let at = json!({ "classId": class, "assignmentId": assignment });
                let submissions = self.call("listSubmissions", at).await;
                let submission = id_of(&submissions["items"][0]);
                return vec![("{class}", class), ("{assigned}", assignment), (mark, submission)];
            }
            "{team}" => self.team().await,
            "{channel}" | "{post}" => {
                let team = self.team().await;
                let channel = self.id("createChannel", &[("{team}", &team)]).await;
                let mut made = vec![("{team}", team.clone()), ("{channel}", channel.clone())];
                if mark == "{post}" {
                    let post = self.id("sendChannelMessage", &[("{team}", &team), ("{channel}", &channel)]).await;
                    made.push((mark, post));
                }
                return made;
            }
            "{member}" => {
                let team = self.team().await;
                let member = self.id("addTeamMember", &[("{team}", &team)]).await;
                return vec![("{team}", team), (mark, member)];
            }
            "{meeting}" => self.id("createOnlineMeeting", &[]).await,
            "{draft}" => self.id("createDraft", &[]).await,
            "{event}" => self.id("createCalendarEvent", &[]).await,
            "{subscription}" => {
                let made = self.call("subscribe", self.filled("subscribe", &[])).await;
                made["channelId"].as_str().unwrap().to_owned()
            }
            "{permission}" => {
                let file = self.id("uploadFile", &[]).await;
                let link = self.id("createSharingLink", &[("{file}", &file)]).await;
                return vec![("{permitted}", file), (mark, link)];
            }
            "{folder}" => self.id("createFolder", &[]).await,
            "{file}" => self.id("uploadFile", &[]).await,
            "{list}" | "{row}" => {
                let lists = self.call("listLists", json!({ "siteId": SITE_ID })).await;
                let list = id_of(&lists["items"][0]);
                let mut made = vec![("{list}", list.clone())];
                if mark == "{row}" {
                    made.push((mark, self.id("createListItem", &[("{list}", &list)]).await));
                }
                return made;
            }
            _ => panic!("{mark} in {text}"),
        };
        vec![(mark, id)]
    }

    /// A class with a teacher and a student in it.
    async fn class(&self) -> String {
        let class = self.id("createClass", &[]).await;
        self.call("addClassTeacher", json!({ "classId": class, "userId": TEACHER_ID })).await;
        self.call("addClassMember", json!({ "classId": class, "userId": STUDENT_ID })).await;
        class
    }

    async fn team(&self) -> String {
        self.school.sandbox.microsoft365().team_polls(0);
        self.id("createTeam", &[]).await
    }

    fn filled(&self, operation: &str, marks: &[(&str, &str)]) -> Value {
        let new = NEW.fetch_add(1, Ordering::Relaxed).to_string();
        let text = arguments(operation).unwrap().to_string().replace("{new}", &new);
        let text = marks.iter().fold(text, |text, (mark, id)| text.replace(mark, id));
        serde_json::from_str(&text).unwrap()
    }

    async fn call(&self, operation: &str, arguments: Value) -> Value {
        self.school.made("microsoft365", operation, arguments).await
    }

    async fn id(&self, operation: &str, marks: &[(&str, &str)]) -> String {
        id_of(&self.call(operation, self.filled(operation, marks)).await)
    }
}

fn id_of(output: &Value) -> String {
    output["id"].as_str().unwrap_or_else(|| panic!("no id in {output}")).to_owned()
}
