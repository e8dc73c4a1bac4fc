//! Drives and sites.

use std::time::Duration;

use reqwest::Method;
use sandbox::microsoft365::{SITE_ID, STUDENT_ID, TEACHER_ID};
use serde_json::{Value, json};

use crate::tenant::{Reply, Tenant, reply};

/// What ranges are multiples of.
const STEP: usize = 327_680;

async fn put(tenant: &Tenant, path: &str, bytes: &str) -> Reply {
    let request = tenant.request(&tenant.teacher, Method::PUT, path).header("content-type", "text/plain");
    reply(request.body(bytes.to_owned())).await
}

#[tokio::test]
async fn a_file_is_put_by_its_path_and_read_by_its_id() {
    let tenant = Tenant::start().await;
    let made = tenant.put_file("Lessons/Week 1/plan.txt", "fractions").await;
    assert_eq!(
        (made.status, &made.body["size"], &made.body["file"]["mimeType"]),
        (201, &json!(9), &json!("text/plain"))
    );
    let replaced = tenant.put_file("lessons/week 1/PLAN.txt", "decimals").await;
    assert_eq!((replaced.status, replaced.id()), (200, made.id()), "names differ by more than capitals");
    assert_eq!(tenant.graph().file(&made.id()).as_deref(), Some(&b"decimals"[..]));
    let by_path = tenant.get(&tenant.teacher, "/me/drive/root:/Lessons/Week 1/plan.txt").await;
    assert_eq!(by_path.id(), made.id());
    let parent = by_path.body["parentReference"]["path"].as_str().expect("a path");
    assert!(parent.ends_with("/root:/Lessons/Week 1"), "{parent}");
    let folder = tenant.get(&tenant.teacher, "/me/drive/root:/Lessons:").await;
    assert_eq!(folder.body["folder"]["childCount"], 1);
    assert_eq!(tenant.get(&tenant.teacher, "/me/drive/root:/Lessons/none").await.code(), (404, "itemNotFound"));
}

#[tokio::test]
async fn names_that_are_taken_are_refused_replaced_or_changed() {
    let tenant = Tenant::start().await;
    tenant.put_file("plan.txt", "one").await;
    let behave = |how: &str| format!("/me/drive/root:/plan.txt:/content?@microsoft.graph.conflictBehavior={how}");
    assert_eq!(put(&tenant, &behave("fail"), "two").await.code(), (409, "nameAlreadyExists"));
    let renamed = put(&tenant, &behave("rename"), "two").await;
    assert_eq!((renamed.status, &renamed.body["name"]), (201, &json!("plan 1.txt")));
    assert_eq!(put(&tenant, &behave("replace"), "three").await.status, 200);
    let folder = json!({ "name": "plan.txt", "folder": {}, "@microsoft.graph.conflictBehavior": "fail" });
    assert_eq!(
        tenant.post(&tenant.teacher, "/me/drive/root/children", folder).await.code(),
        (409, "nameAlreadyExists")
    );
    let bad = json!({ "name": "a:b", "folder": {} });
    assert_eq!(tenant.post(&tenant.teacher, "/me/drive/root/children", bad).await.code(), (400, "invalidRequest"));
}

#[tokio::test]
async fn content_is_had_at_an_address_that_takes_no_token() {
    let tenant = Tenant::start().await;
    tenant.sandbox.clock().freeze();
    let id = tenant.put_file("plan.txt", "fractions").await.id();
    let moved = tenant.get(&tenant.teacher, &format!("/me/drive/items/{id}/content")).await;
    assert_eq!(moved.status, 302);
    let address = moved.location();
    let plain = tenant.http.get(address).send().await.expect("an answer");
    assert_eq!(plain.text().await.expect("text"), "fractions");
    let part = tenant.http.get(address).header("Range", "bytes=2-4").send().await.expect("an answer");
    assert_eq!((part.status().as_u16(), part.text().await.expect("text").as_str()), (206, "act"));
    assert_eq!(tenant.get(&tenant.teacher, address).await.status, 401, "with the token");
    tenant.sandbox.clock().advance(Duration::from_secs(3601));
    assert_eq!(tenant.http.get(address).send().await.expect("an answer").status(), 404);
}

struct Upload<'t> {
    tenant: &'t Tenant,
    address: String,
}

impl Upload<'_> {
    async fn range(&self, from: usize, bytes: &[u8], total: usize) -> Reply {
        let range = format!("bytes {from}-{}/{total}", from + bytes.len() - 1);
        reply(self.tenant.http.put(&self.address).header("Content-Range", range).body(bytes.to_vec())).await
    }

    async fn status(&self) -> Reply {
        reply(self.tenant.http.get(&self.address)).await
    }
}

async fn open<'t>(tenant: &'t Tenant, path: &str, item: Value) -> Upload<'t> {
    let path = format!("/me/drive/{path}/createUploadSession");
    let session = tenant.made(&tenant.teacher, &path, json!({ "item": item })).await;
    assert_eq!(session.body["nextExpectedRanges"], json!(["0-"]));
    Upload { tenant, address: session.body["uploadUrl"].as_str().expect("an address").to_owned() }
}

#[tokio::test]
async fn a_session_takes_ranges_in_order() {
    let tenant = Tenant::start().await;
    let bytes = vec![b'x'; STEP + 100];
    let upload = open(&tenant, "root:/film.bin:", json!({ "@microsoft.graph.conflictBehavior": "fail" })).await;
    assert_eq!(upload.range(0, &bytes[..1000], bytes.len()).await.code(), (400, "invalidRequest"), "no multiple");
    let half = upload.range(0, &bytes[..STEP], bytes.len()).await;
    assert_eq!((half.status, &half.body["nextExpectedRanges"]), (202, &json!([format!("{STEP}-")])));
    assert_eq!(upload.range(0, &bytes[..STEP], bytes.len()).await.code(), (416, "invalidRange"), "sent again");
    assert_eq!(upload.status().await.body["nextExpectedRanges"], json!([format!("{STEP}-")]));
    let with_token = tenant.request(&tenant.teacher, Method::GET, &upload.address);
    assert_eq!(reply(with_token).await.status, 401);
    let whole = upload.range(STEP, &bytes[STEP..], bytes.len()).await;
    assert_eq!((whole.status, &whole.body["size"]), (201, &json!(bytes.len())));
    assert_eq!(tenant.graph().file(&whole.id()), Some(bytes));
    assert_eq!(upload.status().await.status, 404, "it is through");
}

#[tokio::test]
async fn a_session_ends_when_it_is_given_up_or_forgotten() {
    let tenant = Tenant::start().await;
    tenant.sandbox.clock().freeze();
    let given_up = open(&tenant, "root:/a.bin:", json!({})).await;
    assert_eq!(reply(tenant.http.delete(&given_up.address)).await.status, 204);
    assert_eq!(given_up.status().await.status, 404);
    let forgotten = open(&tenant, "root:/b.bin:", json!({})).await;
    tenant.sandbox.clock().advance(Duration::from_secs(24 * 3600));
    assert_eq!(forgotten.range(0, b"x", 1).await.code(), (404, "itemNotFound"));
    assert_eq!(tenant.graph().drive_items(TEACHER_ID).len(), 1, "the root alone");
}

#[tokio::test]
async fn a_name_that_is_taken_meanwhile_stops_a_session_at_its_end() {
    let tenant = Tenant::start().await;
    let upload = open(&tenant, "root:/plan.txt:", json!({ "@microsoft.graph.conflictBehavior": "fail" })).await;
    tenant.put_file("plan.txt", "first").await;
    assert_eq!(upload.range(0, b"second", 6).await.code(), (409, "nameAlreadyExists"));
}

#[tokio::test]
async fn a_session_replaces_what_it_names_by_id_and_what_else_it_is_told_to() {
    let tenant = Tenant::start().await;
    let id = tenant.put_file("plan.txt", "first").await.id();
    let at_path =
        tenant.post(&tenant.teacher, "/me/drive/root:/plan.txt:/createUploadSession", json!({ "item": {} })).await;
    assert_eq!(at_path.code(), (409, "nameAlreadyExists"));
    let by_id = open(&tenant, &format!("items/{id}"), json!({})).await;
    assert_eq!(by_id.range(0, b"second", 6).await.status, 200);
    assert_eq!(tenant.graph().file(&id).as_deref(), Some(&b"second"[..]));
    let told = open(&tenant, "root:/plan.txt:", json!({ "@microsoft.graph.conflictBehavior": "replace" })).await;
    assert_eq!(told.range(0, b"third", 5).await.id(), id);
}

#[tokio::test]
async fn items_are_moved_only_as_they_were_seen() {
    let tenant = Tenant::start().await;
    let made = tenant.put_file("plan.txt", "one").await;
    let folder =
        tenant.made(&tenant.teacher, "/me/drive/root/children", json!({ "name": "Old", "folder": {} })).await.id();
    let path = format!("/me/drive/items/{}", made.id());
    let seen = made.body["eTag"].as_str().expect("a tag");
    tenant.put_file("plan.txt", "two").await;
    let patch = json!({ "name": "plan-1.txt", "parentReference": { "id": folder } });
    let stale = tenant.request(&tenant.teacher, Method::PATCH, &path).header("If-Match", seen).json(&patch);
    assert_eq!(reply(stale).await.status, 412);
    let moved = tenant.patch(&tenant.teacher, &path, patch).await;
    assert_eq!((&moved.body["name"], &moved.body["parentReference"]["id"]), (&json!("plan-1.txt"), &json!(folder)));
    let into_itself = json!({ "parentReference": { "id": folder } });
    assert_eq!(tenant.patch(&tenant.teacher, &format!("/me/drive/items/{folder}"), into_itself).await.status, 400);
    assert_eq!(tenant.delete(&tenant.teacher, &format!("/me/drive/items/{folder}")).await.status, 204);
    assert_eq!(tenant.get(&tenant.teacher, &path).await.status, 404, "gone with the folder");
}

#[tokio::test]
async fn a_delta_tells_what_is_new_and_what_is_gone() {
    let tenant = Tenant::start().await;
    let kept = tenant.put_file("a.txt", "a").await.id();
    let gone = tenant.put_file("b.txt", "b").await.id();
    let first = tenant.get(&tenant.teacher, "/me/drive/root/delta?$top=2").await;
    assert_eq!((first.value().len(), first.body["@odata.deltaLink"].is_null()), (2, true));
    let rest = tenant.get(&tenant.teacher, first.body["@odata.nextLink"].as_str().expect("a link")).await;
    assert_eq!(rest.each("id"), [gone.as_str()]);
    let link = rest.body["@odata.deltaLink"].as_str().expect("a link").to_owned();
    assert!(tenant.get(&tenant.teacher, &link).await.value().is_empty());
    tenant.put_file("a.txt", "changed").await;
    tenant.delete(&tenant.teacher, &format!("/me/drive/items/{gone}")).await;
    let news = tenant.get(&tenant.teacher, &link).await;
    assert_eq!(news.each("id"), [kept.as_str(), gone.as_str()]);
    assert_eq!(news.value()[1]["deleted"]["state"], "deleted");
    assert_eq!(
        tenant.get(&tenant.teacher, "/me/drive/root/delta?token=of-another").await.code(),
        (410, "resyncRequired")
    );
}

#[tokio::test]
async fn a_copy_takes_its_time() {
    let tenant = Tenant::start().await;
    let id = tenant.put_file("plan.txt", "fractions").await.id();
    let path = format!("/me/drive/items/{id}/copy");
    let started = tenant.post(&tenant.teacher, &path, json!({ "name": "copy.txt" })).await;
    assert_eq!(started.status, 202);
    let monitor = async || reply(tenant.http.get(started.location())).await;
    assert_eq!(monitor().await.body["status"], "inProgress");
    let done = monitor().await;
    assert_eq!(done.body["status"], "completed");
    let copy = done.body["resourceId"].as_str().expect("an id");
    assert_eq!(tenant.graph().file(copy).as_deref(), Some(&b"fractions"[..]));
    assert_eq!(
        tenant.post(&tenant.teacher, &path, json!({ "name": "copy.txt" })).await.code(),
        (409, "nameAlreadyExists")
    );
    // Where it goes is named by both ids.
    let nowhere = json!({ "name": "other.txt", "parentReference": { "id": copy } });
    assert_eq!(tenant.post(&tenant.teacher, &path, nowhere).await.code(), (400, "invalidRequest"));
}

#[tokio::test]
async fn what_is_shared_can_be_taken_back() {
    let tenant = Tenant::start().await;
    let id = tenant.put_file("plan.txt", "x").await.id();
    let item = format!("/me/drive/items/{id}");
    let link = json!({ "type": "view", "scope": "organization" });
    let first = tenant.made(&tenant.teacher, &format!("{item}/createLink"), link.clone()).await;
    let again = tenant.made(&tenant.teacher, &format!("{item}/createLink"), link).await;
    assert_eq!((first.status, again.status, again.id()), (201, 200, first.id()));
    let people = json!({
        "recipients": [{ "objectId": STUDENT_ID }, { "email": "parent@elsewhere.example" }],
        "roles": ["write"],
    });
    let invited = tenant.made(&tenant.teacher, &format!("{item}/invite"), people).await;
    assert_eq!(invited.value()[0]["grantedToV2"]["user"]["id"], STUDENT_ID);
    assert_eq!(invited.value()[1]["invitation"]["email"], "parent@elsewhere.example");
    let nobody = json!({ "recipients": [{ "objectId": "nobody" }], "roles": ["read"] });
    assert_eq!(tenant.post(&tenant.teacher, &format!("{item}/invite"), nobody).await.status, 400);
    let permissions = format!("{item}/permissions");
    assert_eq!(tenant.get(&tenant.teacher, &permissions).await.value().len(), 3);
    assert_eq!(tenant.delete(&tenant.teacher, &format!("{permissions}/{}", first.id())).await.status, 204);
    assert_eq!(tenant.graph().permissions(&id).len(), 2);
}

#[tokio::test]
async fn a_full_drive_takes_no_more() {
    let tenant = Tenant::start().await;
    tenant.graph().set_quota(TEACHER_ID, 10);
    tenant.put_file("a.txt", "12345678").await;
    assert_eq!(tenant.put_file("b.txt", "12345678").await.code(), (507, "quotaLimitReached"));
    assert_eq!(tenant.get(&tenant.teacher, "/me/drive").await.body["quota"]["remaining"], 2);
}

#[tokio::test]
async fn a_site_has_a_drive_and_lists() {
    let tenant = Tenant::start().await;
    assert_eq!(tenant.get(&tenant.app, "/sites?search=STAFF").await.each("id"), [SITE_ID]);
    assert_eq!(tenant.get(&tenant.app, "/sites/yourschool.example:/sites/Staffroom").await.id(), SITE_ID);
    let site = format!("/sites/{SITE_ID}");
    let request = tenant.request(&tenant.app, Method::PUT, &format!("{site}/drive/root:/rota.txt:/content"));
    assert_eq!(reply(request.body("Monday")).await.status, 201);
    let lists = tenant.get(&tenant.app, &format!("{site}/lists")).await;
    let items = format!("{site}/lists/{}/items", lists.value()[0]["id"].as_str().expect("an id"));
    for (title, seats) in [("Museum", 30), ("Farm", 12)] {
        tenant.made(&tenant.app, &items, json!({ "fields": { "Title": title, "Seats": seats } })).await;
    }
    let found = tenant.get(&tenant.app, &format!("{items}?$expand=fields&$filter=fields/Seats gt 20")).await;
    assert_eq!((found.value().len(), &found.value()[0]["fields"]["Title"]), (1, &json!("Museum")));
    assert!(tenant.get(&tenant.app, &items).await.value()[0]["fields"].is_null(), "not asked for");
    let fields = tenant.patch(&tenant.app, &format!("{items}/1/fields"), json!({ "Seats": 5 })).await;
    assert_eq!((&fields.body["Title"], &fields.body["Seats"]), (&json!("Museum"), &json!(5)));
    // A column goes by the name that SharePoint made of its title.
    for (name, status) in [("Due_x0020_date", 201), ("Due date", 400), ("Colour", 400)] {
        let row = json!({ "fields": { "Title": "Zoo", name: "May" } });
        assert_eq!(tenant.post(&tenant.app, &items, row).await.status, status, "{name}");
    }
    let columns = tenant.get(&tenant.app, &items.replace("/items", "/columns")).await;
    assert!(columns.each("displayName").contains(&"Due date"));
}
