//! What the tenant holds, and how a fresh tenant looks.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::drive::Copying;
use super::table::{Kind, Table};
use super::uploads::Session;
use super::{ADMIN_ID, DOMAIN, SCHOOL_ID, SITE_ID, STUDENT_ID, TEACHER_ID, TENANT_ID};
use crate::clock::timestamp;

/// How the tenant behaves where the vendor's own behaviour varies.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// How many reads miss what was just made in the directory.
    pub(super) lag: u32,
    /// How many reads of a mailbox miss what was just sent from it.
    pub(super) sent_lag: u32,
    /// How many of the teams that are asked for come to nothing.
    pub(super) failed_teams: u32,
    /// Whether a transaction that is known is refused, and whether that names its event.
    pub(super) refused_transactions: Option<bool>,
    /// How many polls find the making of a team still in progress.
    pub(super) polls: u32,
    /// The longest page, whatever `$top` asks for.
    pub(super) page: usize,
    /// Whether `$filter` is heard.
    pub(super) filters: bool,
    /// How many items of coming batches are refused, and with which status: one kind of refusal after the other.
    pub(super) refused_items: Vec<(u32, StatusCode)>,
    /// Whether making a subscription calls its address first.
    pub(super) handshake: bool,
    /// Whether nobody outside the tenant may be invited to a file.
    pub(super) inside_only: bool,
    /// Whether what watches a copy names it in the end.
    pub(super) copies_named: bool,
    /// How many looks at it, or at a drive, find a copy still under way.
    pub(super) copy_looks: u32,
    /// How many coming copies come to nothing.
    pub(super) failed_copies: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lag: 0,
            sent_lag: 0,
            failed_teams: 0,
            refused_transactions: None,
            polls: 1,
            page: 999,
            filters: true,
            refused_items: Vec::new(),
            handshake: false,
            inside_only: false,
            copies_named: true,
            copy_looks: 1,
            failed_copies: 0,
        }
    }
}

/// The tenant.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) table: Table,
    pub(super) settings: Settings,
    /// What files and attachments hold, by the id of their item.
    pub(super) contents: BTreeMap<String, Bytes>,
    /// Open upload sessions, by the last part of their address.
    pub(super) sessions: BTreeMap<String, Session>,
    /// Pre-signed addresses: the item, and until when.
    pub(super) downloads: BTreeMap<String, (String, i64)>,
    /// Copies that were asked for, by the last part of the address that watches each.
    pub(super) copies: BTreeMap<String, Copying>,
    /// Every message that left a mailbox, oldest first.
    pub(super) sent: Vec<Value>,
    /// The events that transactions have made, by user and transaction, with what each was made from.
    pub(super) transactions: BTreeMap<(String, String), (String, Value)>,
    next: u64,
}

impl World {
    /// A tenant with three people, a school and a site.
    pub(super) fn ready() -> Self {
        let mut world = Self::default();
        world.fill();
        world
    }

    /// Forgets everything that was put in.
    pub(super) fn clear(&mut self) {
        // Numbers go on, so that no id ever means two things.
        *self = Self { next: self.next, ..Self::default() };
        self.fill();
    }

    fn fill(&mut self) {
        for (id, name, role) in
            [(ADMIN_ID, "admin", "none"), (TEACHER_ID, "teacher", "teacher"), (STUDENT_ID, "student", "student")]
        {
            self.add_person(id, name, role);
        }
        self.add(
            Kind::School,
            "",
            json!({ "id": SCHOOL_ID, "displayName": "Your School", "externalId": "SCHOOL-1", "schoolNumber": "1" }),
        );
        self.add_site(SITE_ID, "Staff room");
    }

    /// Someone of the school: `teacher`, `student`, or `none` of them.
    pub(super) fn add_person(&mut self, id: &str, name: &str, role: &str) {
        let address = format!("{name}@{DOMAIN}");
        let (title, surname) = match role {
            "teacher" => ("Teacher", "Marlow"),
            "student" => ("Student", "Okafor"),
            _ => ("Principal", "Adams"),
        };
        let mut user = json!({
            "id": id,
            "userPrincipalName": address,
            "mail": address,
            "mailNickname": name,
            "displayName": format!("{name} {surname}"),
            "givenName": name,
            "surname": surname,
            "jobTitle": title,
            "accountEnabled": true,
            "department": "School",
            "employeeId": format!("E-{name}"),
            "primaryRole": role,
            "userType": "Member",
            "businessPhones": [],
        });
        match role {
            "student" => {
                user["ageGroup"] = json!("minor");
                user["student"] = json!({ "studentNumber": format!("S-{name}"), "grade": "7", "externalId": name });
            }
            "teacher" => user["teacher"] = json!({ "teacherNumber": format!("T-{name}"), "externalId": name }),
            _ => {}
        }
        self.add_user(user);
    }

    /// A user, with a mailbox and a drive.
    pub(super) fn add_user(&mut self, user: Value) {
        let id = user.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        for (folder, name) in
            [("inbox", "Inbox"), ("drafts", "Drafts"), ("sentitems", "Sent Items"), ("deleteditems", "Deleted Items")]
        {
            let value = json!({ "id": folder, "displayName": name, "childFolderCount": 0, "isHidden": false });
            self.add(Kind::MailFolder, &id, value);
        }
        let calendar = self.mailbox_id();
        let value =
            json!({ "id": calendar, "name": "Calendar", "isDefaultCalendar": true, "canEdit": true, "canShare": true });
        self.add(Kind::Calendar, &id, value);
        self.add_drive(&id, "business", "OneDrive");
        let lag = self.settings.lag;
        self.table.add(Kind::User, "", user, lag);
    }

    /// A drive with its root folder.
    pub(super) fn add_drive(&mut self, owner: &str, kind: &str, name: &str) {
        let drive = format!("b!{}", self.guid());
        let root = self.item_id();
        let quota = json!({ "total": 1_099_511_627_776_u64, "used": 0, "remaining": 1_099_511_627_776_u64, "deleted": 0, "state": "normal" });
        let value = json!({
            "id": drive,
            "driveType": kind,
            "name": name,
            "webUrl": format!("https://{DOMAIN}/drives/{drive}"),
            "quota": quota,
        });
        self.add(Kind::Drive, owner, value);
        let value = json!({
            "id": root,
            "name": "root",
            "root": {},
            "folder": { "childCount": 0 },
            "size": 0,
            "webUrl": format!("https://{DOMAIN}/drives/{drive}/root"),
            "parentReference": { "driveId": drive, "driveType": kind },
        });
        self.add(Kind::Item, &drive, value);
    }

    /// A site with a document library and a list.
    pub(super) fn add_site(&mut self, id: &str, name: &str) {
        let path = name.replace(' ', "");
        let site = json!({
            "id": id,
            "name": path,
            "displayName": name,
            "webUrl": format!("https://{DOMAIN}/sites/{path}"),
            "siteCollection": { "hostname": DOMAIN },
        });
        self.add(Kind::Site, "", site);
        self.add_drive(id, "documentLibrary", "Documents");
        let list = self.guid();
        let value = json!({
            "id": list,
            "name": "Trips",
            "displayName": "Trips",
            "list": { "template": "genericList", "hidden": false, "contentTypesEnabled": false },
            "webUrl": format!("https://{DOMAIN}/sites/{path}/Lists/Trips"),
            "columns": (["Destination", "Seats", "Due date"].map(super::sites::column)),
        });
        self.add(Kind::List, id, value);
        let list = self.guid();
        let value = json!({
            "id": list,
            "name": "Lost and found",
            "displayName": "Lost and found",
            "list": { "template": "genericList", "hidden": false, "contentTypesEnabled": false },
            "webUrl": format!("https://{DOMAIN}/sites/{path}/Lists/Lost%20and%20found"),
        });
        self.add(Kind::List, id, value);
    }

    /// Adds a row that can be seen at once.
    pub(super) fn add(&mut self, kind: Kind, parent: &str, value: Value) {
        self.table.add(kind, parent, value, 0);
    }

    /// Adds a row that the directory takes its time to show.
    pub(super) fn add_slowly(&mut self, kind: Kind, parent: &str, value: Value) {
        let lag = self.settings.lag;
        self.table.add(kind, parent, value, lag);
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn guid(&mut self) -> String {
        format!("5a4db0c5-0000-4000-8000-{:012x}", self.number())
    }

    /// An id as mailboxes have them.
    pub(super) fn mailbox_id(&mut self) -> String {
        format!("AAMkADhAAASandbox{:020}AAA=", self.number())
    }

    /// An id as drives have them.
    pub(super) fn item_id(&mut self) -> String {
        format!("01SANDBOX{:025}", self.number())
    }

    /// A user's object id, from it or from the principal name.
    pub(super) fn user_id(&self, named: &str) -> Option<String> {
        let is = |field: &Value| field.as_str().is_some_and(|text| text.eq_ignore_ascii_case(named));
        let user = self
            .table
            .all(Kind::User)
            .find(|row| row.id.eq_ignore_ascii_case(named) || row.value.get("userPrincipalName").is_some_and(is));
        user.map(|row| row.id.clone())
    }

    /// The user who gets mail at an address.
    pub(super) fn user_of_mail(&self, address: &str) -> Option<String> {
        let is = |field: &Value| field.as_str().is_some_and(|text| text.eq_ignore_ascii_case(address));
        let user = self
            .table
            .all(Kind::User)
            .find(|row| row.value.get("mail").is_some_and(is) || row.value.get("userPrincipalName").is_some_and(is));
        user.map(|row| row.id.clone())
    }

    /// A user's field as text; empty without one.
    pub(super) fn user_text(&self, id: &str, field: &str) -> String {
        let user = self.table.by_id(Kind::User, id);
        user.and_then(|row| row.value.get(field)).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// A clock reading as Graph writes it.
pub(super) fn stamp(millis: i64) -> String {
    timestamp(millis).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The organisation, which nothing changes.
pub(super) fn organization() -> Value {
    json!({
        "id": TENANT_ID,
        "displayName": "Your School",
        "countryLetterCode": "US",
        "tenantType": "AAD",
        "verifiedDomains": [{ "name": DOMAIN, "isDefault": true, "isInitial": true, "type": "Managed", "capabilities": "Email" }],
    })
}
