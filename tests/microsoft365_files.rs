//! Microsoft 365: OneDrive and SharePoint, through the whole road to the look-alike.
#![cfg(feature = "microsoft365")]
#![allow(missing_docs, reason = "tests")]

#[path = "support/microsoft365.rs"]
mod support;

use base64::{Engine, engine::general_purpose::STANDARD};
use sandbox::{
    Fault,
    microsoft365::{SITE_ID, TEACHER_ID},
};
use serde_json::{Value, json};
use sis_integrations::ErrorCode;
use support::{School, id};

/// Three ranges and a bit.
const LARGE: usize = 12 << 20;

fn upload(name: &str, size: usize) -> Value {
    let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
    json!({ "name": name, "content": STANDARD.encode(bytes), "size": size })
}

fn named(school: &School, name: &str) -> usize {
    school.graph().drive_items(TEACHER_ID).iter().filter(|item| item["name"] == name).count()
}

#[tokio::test]
async fn files_of_every_size_come_back_as_they_went() {
    let school = School::open().await;
    for size in [0, 1, 4 << 20, (4 << 20) + 1, LARGE] {
        let file = school.ask("uploadFile", upload(&format!("{size}.bin"), size)).await;
        assert_eq!(file["size"], size);
        let down = school.ask("downloadFile", json!({ "itemId": id(&file) })).await;
        assert_eq!(down["size"], size);
        assert!(down["content"] == upload("x", size)["content"], "{size}");
    }
}

#[tokio::test]
async fn what_is_too_large_or_cut_off_never_leaves() {
    let school = School::open().await;
    let error = school.refuse("uploadFile", json!({ "name": "a", "content": "", "size": 5_000_000_000_000_u64 })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::TooLarge, Some("size")));
    let error = school.refuse("uploadFile", json!({ "name": "a", "content": "aGk=", "size": 3 })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("size")));
    assert_eq!(school.graph().requests().len(), 0);
}

#[tokio::test]
async fn an_upload_cut_at_any_range_goes_on_there() {
    for range in 0..4 {
        for fault in [Fault::CutBefore, Fault::CutAfter, Fault::StatusAfter { status: 503 }] {
            let school = School::open().await;
            let faults = school.graph().faults();
            faults.add(sandbox::Rule::next(1, fault.clone()).method("PUT").path("upload"));
            if range > 0 {
                faults.clear();
                let nth = sandbox::Rule::every(range + 1, fault.clone()).method("PUT").path("upload");
                faults.add(nth);
            }
            let file = upload("film.mp4", LARGE);
            let made = school.keyed("k-1", "uploadFile", &file).await.unwrap();
            assert_eq!(school.graph().file(&id(&made)).map(|bytes| bytes.len()), Some(LARGE), "{range} {fault:?}");
            assert_eq!(
                (named(&school, "film.mp4"), school.sent("POST", "createUploadSession")),
                (1, 1),
                "{range} {fault:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_upload_that_failed_goes_on_when_it_is_repeated() {
    let school = School::open().await;
    let file = upload("film.mp4", LARGE);
    let (failed, made) = school.resumed("uploadFile", file, ("PUT", "upload"), &[Fault::status(400)]).await;
    // The session's address is a credential by itself.
    assert!(!failed.to_json().to_string().contains("http"), "{}", failed.to_json());
    assert_eq!(school.graph().file(&id(&made)).map(|bytes| bytes.len()), Some(LARGE));
    assert_eq!(school.sent("POST", "createUploadSession"), 1);
}

#[tokio::test]
async fn a_small_file_is_there_once_whatever_breaks() {
    for fault in [Fault::CutBefore, Fault::CutAfter, Fault::status(500), Fault::StatusAfter { status: 503 }] {
        let school = School::open().await;
        school.break_next("PUT", "content", fault.clone());
        let file = upload("a.txt", 10);
        if school.keyed("k-1", "uploadFile", &file).await.is_err() {
            school.keyed("k-1", "uploadFile", &file).await.unwrap();
        }
        assert_eq!(named(&school, "a.txt"), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_or_replaced_or_changed() {
    let school = School::open().await;
    school.ask("uploadFile", upload("a.txt", 10)).await;
    let error = school.refuse("uploadFile", upload("a.txt", 11)).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("name")));
    let with = |conflict: &str| {
        let mut file = upload("a.txt", 12);
        file["conflict"] = json!(conflict);
        file
    };
    assert_eq!(school.ask("uploadFile", with("replace")).await["size"], 12);
    assert_ne!(school.ask("uploadFile", with("rename")).await["name"], "a.txt");
    assert_eq!(named(&school, "a.txt"), 1);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let school = School::open().await;
    let mut file = upload("a.txt", 10);
    file["parentId"] = json!("nowhere");
    let error = school.refuse("uploadFile", file).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("parentId")));
    let error = school.refuse("listDriveItems", json!({ "itemId": "nowhere" })).await;
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_folder_that_is_named_by_its_path_is_not_made_on_the_way() {
    let school = School::open().await;
    let class = id(&school.ask("createFolder", json!({ "name": "Class 7b" })).await);
    let homework = id(&school.ask("createFolder", json!({ "name": "Homework", "parentId": class })).await);
    for size in [10, 5 << 20] {
        let within = |folder: &str| {
            let mut file = upload(&format!("{size}.bin"), size);
            file["folder"] = json!(folder);
            file
        };
        let before = school.graph().drive_items(TEACHER_ID).len();
        let error = school.refuse("uploadFile", within("Class 7b/Homwork")).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::NotFound, Some("folder")), "{size}");
        assert_eq!(school.graph().drive_items(TEACHER_ID).len(), before, "{size}");
        let made = school.ask("uploadFile", within("Class 7b/Homework")).await;
        assert_eq!(made["parentReference"]["id"], homework.as_str(), "{made}");
        let error = school.refuse("uploadFile", within(&format!("Class 7b/Homework/{size}.bin"))).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("folder")), "{size}");
    }
}

#[tokio::test]
async fn a_folder_is_made_once_whatever_breaks() {
    let folder = json!({ "name": "Class 7b" });
    for (method, part) in [("GET", "/root:/"), ("POST", "/children"), ("GET", "/items/")] {
        for fault in [Fault::CutBefore, Fault::CutAfter, Fault::status(400), Fault::StatusAfter { status: 503 }] {
            let school = School::open().await;
            school.break_next(method, part, fault.clone());
            let made = match school.keyed("k-1", "createFolder", &folder).await {
                Ok(made) => made,
                Err(_) => school.keyed("k-1", "createFolder", &folder).await.unwrap(),
            };
            assert_eq!((made["name"].as_str(), named(&school, "Class 7b")), (Some("Class 7b"), 1), "{part} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_folder_of_before_is_not_taken_for_ours() {
    for fault in [None, Some(Fault::CutBefore), Some(Fault::CutAfter)] {
        let school = School::open().await;
        let folder = json!({ "name": "Class 7b" });
        school.ask("createFolder", folder.clone()).await;
        if let Some(fault) = &fault {
            school.break_next("POST", "/children", fault.clone());
        }
        for _ in 0..2 {
            let error = school.keyed("k-1", "createFolder", &folder).await.unwrap_err();
            assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("name")), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_copy_is_made_once_and_waited_for() {
    for (at, fault) in [(("POST", "/copy"), Fault::CutAfter), (("GET", "monitor"), Fault::status(400))] {
        let (school, _) = School::swift().await;
        let file = id(&school.ask("uploadFile", upload("a.txt", 10)).await);
        let copy = json!({ "itemId": file, "parentId": "root", "name": "b.txt" });
        school.break_next(at.0, at.1, fault);
        let made = match school.keyed("k-1", "copyDriveItem", &copy).await {
            Ok(made) => made,
            Err(_) => school.keyed("k-1", "copyDriveItem", &copy).await.unwrap(),
        };
        assert_eq!((made["name"].as_str(), named(&school, "b.txt")), (Some("b.txt"), 1), "{at:?}");
    }
}

#[tokio::test]
async fn a_copy_keeps_the_name_that_it_was_first_to_have() {
    let school = School::open().await;
    let folder = id(&school.ask("createFolder", json!({ "name": "Class 7b" })).await);
    let file = id(&school.ask("uploadFile", upload("a.txt", 10)).await);
    let copy = json!({ "itemId": file, "parentId": folder });
    // It was asked for; what watches it cannot be asked, and meanwhile somebody renames what it is made of.
    school.break_next("GET", "monitor", Fault::status(400));
    let failed = school.keyed("k-1", "copyDriveItem", &copy).await.unwrap_err();
    assert!(!failed.to_json().to_string().contains("a.txt"), "{}", failed.to_json());
    school.graph().name_copies(false);
    school.ask("moveDriveItem", json!({ "itemId": file, "name": "renamed.txt" })).await;
    let made = school.keyed("k-1", "copyDriveItem", &copy).await.unwrap();
    assert_eq!((&made["name"], &made["parentReference"]["id"]), (&json!("a.txt"), &json!(folder)));
    assert_eq!((named(&school, "a.txt"), school.sent("POST", "/copy")), (1, 1));
}

#[tokio::test]
async fn a_copy_goes_where_both_ids_say() {
    let school = School::open().await;
    let drive = id(&school.ask("listSiteDrives", json!({ "siteId": SITE_ID })).await["items"][0]);
    let of_site = |mut arguments: Value| {
        arguments["driveId"] = json!(drive);
        arguments
    };
    let folder = id(&school.ask("createFolder", of_site(json!({ "name": "Class 7b" }))).await);
    let file = id(&school.ask("uploadFile", of_site(upload("a.txt", 10))).await);
    for (parent, name) in [("root", "b.txt"), (folder.as_str(), "c.txt")] {
        let copy = of_site(json!({ "itemId": file, "parentId": parent, "name": name }));
        let made = school.ask("copyDriveItem", copy).await;
        assert_eq!((&made["name"], &made["parentReference"]["driveId"]), (&json!(name), &json!(drive)));
    }
}

#[tokio::test]
async fn a_copy_that_waits_in_a_queue_is_not_asked_for_again() {
    let (school, time) = School::swift().await;
    let file = id(&school.ask("uploadFile", upload("a.txt", 10)).await);
    let copy = json!({ "itemId": file, "parentId": "root", "name": "b.txt" });
    school.graph().copy_looks(10_000);
    school.break_next("POST", "/copy", Fault::CutAfter);
    for _ in 0..2 {
        let error = school.keyed("k-1", "copyDriveItem", &copy).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutcomeUnknown, "{error}");
    }
    assert_eq!((school.sent("POST", "/copy"), named(&school, "b.txt")), (1, 0));

    // Later than anybody waits it is asked for again; then the first one comes after all, and the second is refused.
    time.skip(16);
    let error = school.keyed("k-1", "copyDriveItem", &copy).await.unwrap_err();
    assert_eq!((error.code(), school.sent("POST", "/copy")), (ErrorCode::InProgress, 2), "{error}");
    school.graph().let_copies_stand();
    let made = school.keyed("k-1", "copyDriveItem", &copy).await.unwrap();
    assert_eq!((made["name"].as_str(), named(&school, "b.txt")), (Some("b.txt"), 1));
    assert_eq!(school.sent("POST", "/copy"), 2);
}

#[tokio::test]
async fn a_copy_that_came_to_nothing_is_asked_for_anew() {
    let (school, _) = School::swift().await;
    let file = id(&school.ask("uploadFile", upload("a.txt", 10)).await);
    let copy = json!({ "itemId": file, "parentId": "root", "name": "b.txt" });
    school.graph().fail_copies(1);
    let error = school.keyed("k-1", "copyDriveItem", &copy).await.unwrap_err();
    assert_eq!((error.code(), named(&school, "b.txt")), (ErrorCode::Vendor, 0), "{error}");
    let made = school.keyed("k-1", "copyDriveItem", &copy).await.unwrap();
    assert_eq!((made["name"].as_str(), named(&school, "b.txt")), (Some("b.txt"), 1));
}

#[tokio::test]
async fn somebody_outside_has_an_outcome_of_their_own() {
    let school = School::open().await;
    let file = id(&school.ask("uploadFile", upload("a.txt", 10)).await);
    let invite = json!({
        "itemId": file, "recipients": ["student@yourschool.example", "stranger@elsewhere.example"], "role": "read",
    });
    school.graph().share_inside_only(true);
    let invited = school.ask("inviteToDriveItem", invite).await;
    assert_eq!(invited["results"][0]["state"], "done", "{invited}");
    assert_eq!(invited["results"][1]["state"], "failed", "{invited}");
    assert_eq!(invited["results"][1]["error"]["field"], "recipients[1]");

    let link = json!({ "itemId": file, "type": "view", "scope": "organization" });
    let link = id(&school.ask("createSharingLink", link).await);
    school.break_next("DELETE", "/permissions/", Fault::CutAfter);
    school.ask("deletePermission", json!({ "itemId": file, "permissionId": link })).await;
    let error = school.refuse("deletePermission", json!({ "itemId": file, "permissionId": link })).await;
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn an_item_that_was_changed_meanwhile_is_left_alone() {
    let school = School::open().await;
    let file = school.ask("uploadFile", upload("a.txt", 10)).await;
    let old = json!({ "itemId": id(&file), "name": "b.txt", "eTag": "\"{other},1\"" });
    let error = school.refuse("moveDriveItem", old).await;
    assert_eq!(error.code(), ErrorCode::Conflict);
    let moved =
        school.ask("moveDriveItem", json!({ "itemId": id(&file), "name": "b.txt", "eTag": file["eTag"] })).await;
    assert_eq!(moved["name"], "b.txt");
}

#[tokio::test]
async fn changes_are_told_and_a_stale_token_asks_for_all() {
    let school = School::open().await;
    let first = school.ask("driveDelta", json!({})).await;
    let token = first["deltaToken"].as_str().unwrap().to_owned();
    school.ask("uploadFile", upload("new.txt", 10)).await;
    let changes = school.ask("driveDelta", json!({ "deltaToken": token })).await;
    assert!(changes["items"].as_array().unwrap().iter().any(|item| item["name"] == "new.txt"), "{changes}");
    // A token that was not given to this school is no question for Graph: its query could ask for anything.
    let forged = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode("$expand=children");
    for forged in [forged.clone(), format!("{forged}.{}", "0".repeat(32)), format!("{token}0")] {
        let error = school.refuse("driveDelta", json!({ "deltaToken": forged })).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("deltaToken")));
    }
    school.break_next("GET", "/delta", Fault::status(410));
    let error = school.refuse("driveDelta", json!({ "deltaToken": token })).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::Conflict, Some("deltaToken")));
    assert!(error.message().contains("full resync"), "{error}");
}

#[test]
fn what_is_looked_for_may_name_somebody_and_is_recorded_as_told() {
    let provider = sis_integrations::providers::all().into_iter().find(|it| it.info.id == "microsoft365").unwrap();
    for (operation, argument) in [
        ("listCalendarEvents", "filter"),
        ("listMessages", "filter"),
        ("listMessages", "search"),
        ("listListItems", "filter"),
        ("searchSites", "search"),
        ("searchDrive", "search"),
        ("getDriveItem", "path"),
        ("getSite", "path"),
        ("uploadFile", "folder"),
    ] {
        let told = provider.operations.iter().find(|it| it.name == operation).unwrap().discloses;
        assert!(told.iter().any(|disclosed| disclosed.argument == argument), "{operation} {argument}");
    }
}

#[tokio::test]
async fn sites_have_drives_and_lists() {
    let school = School::open().await;
    let drives = school.ask("listSiteDrives", json!({ "siteId": SITE_ID })).await;
    let drive = id(&drives["items"][0]);
    let mut file = upload("plan.txt", 10);
    file["driveId"] = json!(drive);
    let file = id(&school.ask("uploadFile", file).await);
    let read = school.ask("getDriveItem", json!({ "driveId": drive, "path": "plan.txt" })).await;
    assert_eq!(id(&read), file);
    let error = school.refuse("getSite", json!({ "siteId": "elsewhere.example,a,b" })).await;
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_move_that_asks_for_a_state_is_done_once_whatever_breaks() {
    for fault in
        [Fault::CutBefore, Fault::CutAfter, Fault::status(503), Fault::StatusAfter { status: 503 }, Fault::Truncate]
    {
        let school = School::open().await;
        let folder = id(&school.ask("createFolder", json!({ "name": "7b" })).await);
        let file = school.ask("uploadFile", upload("a.txt", 10)).await;
        school.break_next("PATCH", "/items/", fault.clone());
        let change = json!({ "itemId": id(&file), "parentId": folder, "name": "b.txt", "eTag": file["eTag"] });
        let moved = school.ask("moveDriveItem", change).await;
        assert_eq!(
            (moved["name"].as_str(), &moved["parentReference"]["id"]),
            (Some("b.txt"), &json!(folder)),
            "{fault:?}"
        );
    }
    // Nor does it go over what somebody else has changed meanwhile.
    let school = School::open().await;
    let file = school.ask("uploadFile", upload("a.txt", 10)).await;
    school.ask("moveDriveItem", json!({ "itemId": id(&file), "name": "theirs.txt" })).await;
    school.break_next("PATCH", "/items/", Fault::CutBefore);
    let change = json!({ "itemId": id(&file), "name": "ours.txt", "eTag": file["eTag"] });
    let error = school.refuse("moveDriveItem", change).await;
    assert_eq!((error.code(), named(&school, "theirs.txt")), (ErrorCode::OutcomeUnknown, 1));
}

#[tokio::test]
async fn a_copy_is_found_by_its_name_where_nothing_tells_of_it() {
    for gone in [false, true] {
        let school = School::open().await;
        school.graph().name_copies(false);
        if gone {
            school.graph().faults().add(sandbox::Rule::every(1, Fault::status(404)).method("GET").path("monitor"));
        }
        let file = id(&school.ask("uploadFile", upload("a.txt", 10)).await);
        let copy = json!({ "itemId": file, "parentId": "root", "name": "b.txt" });
        let made = school.ask("copyDriveItem", copy).await;
        assert_eq!((made["name"].as_str(), named(&school, "b.txt")), (Some("b.txt"), 1), "{gone}");
    }
}

#[tokio::test]
async fn lists_and_columns_may_have_spaces_in_their_titles() {
    let school = School::open().await;
    let lost = json!({ "siteId": SITE_ID, "listId": "Lost and found" });
    assert_eq!(school.ask("getList", lost.clone()).await["displayName"], "Lost and found");
    school.ask("listListItems", lost).await;

    let row = |fields: Value| json!({ "siteId": SITE_ID, "listId": "Trips", "fields": fields });
    let made = school.ask("createListItem", row(json!({ "Title": "Zoo", "Due date": "May" }))).await;
    assert_eq!(made["fields"]["Due_x0020_date"], "May", "{made}");
    let mut change = row(json!({ "Due date": "June", "Destination": "Zoo" }));
    change["listItemId"] = json!(id(&made));
    assert_eq!(school.ask("updateListItem", change).await["fields"]["Due_x0020_date"], "June");
    // Where no title is given, the columns need not be asked for.
    let asked = school.sent("GET", "/columns");
    school.ask("createListItem", row(json!({ "Due_x0020_date": "July" }))).await;
    assert_eq!((asked, school.sent("GET", "/columns")), (2, 2));

    let error = school.refuse("createListItem", row(json!({ "Meeting place": "Gate" }))).await;
    assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("fields.Meeting place")));
    for bad in ["", " ", "..", "a/b"] {
        let error = school.refuse("getList", json!({ "siteId": SITE_ID, "listId": bad })).await;
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("listId")), "{bad:?}");
    }
}

#[tokio::test]
async fn a_file_that_may_stand_under_another_name_is_not_brought_up_again() {
    let renamed = |school: &School| {
        let items = school.graph().drive_items(TEACHER_ID);
        items.iter().filter(|item| item["name"].as_str().is_some_and(|name| name.starts_with("a "))).count()
    };
    let small = ("content", 10, 1);
    // Of two ranges the last.
    let large = ("upload", 5 << 20, 2);
    for (part, size, nth) in [small, large] {
        for (fault, there) in [(Fault::CutBefore, 0), (Fault::CutAfter, 1), (Fault::StatusAfter { status: 503 }, 1)] {
            let school = School::open().await;
            school.ask("uploadFile", upload("a.txt", 1)).await;
            let mut file = upload("a.txt", size);
            file["conflict"] = json!("rename");
            school.graph().faults().add(sandbox::Rule::every(nth, fault.clone()).method("PUT").path(part));
            let first = school.keyed("k-1", "uploadFile", &file).await;
            school.graph().faults().clear();
            if part == "upload" && there == 0 {
                // A range that did not arrive is sent again: the session knows what it lacks.
                assert_eq!((first.is_ok(), renamed(&school)), (true, 1), "{fault:?}");
                continue;
            }
            assert_eq!(first.unwrap_err().code(), ErrorCode::OutcomeUnknown, "{part} {fault:?}");
            let again = school.keyed("k-1", "uploadFile", &file).await.unwrap_err();
            assert_eq!((again.code(), renamed(&school)), (ErrorCode::OutcomeUnknown, there), "{part} {fault:?}");
        }
    }
}
