//! Storage at its limits, and more than an operation takes, as a caller over HTTP meets them.
#![cfg(feature = "sqlite")]
#![allow(missing_docs, reason = "tests")]

#[path = "support/api.rs"]
mod api;

use std::{path::Path, sync::Arc, time::Duration};

use api::School;
use reqwest::Method;
use serde_json::json;
use sis_integrations::{
    ErrorCode,
    storage::{Fault, FaultyStorage, SqliteStorage},
};

async fn at(storage: SqliteStorage) -> School {
    School::open_on(storage, |api| api).await
}

async fn grant(school: &School, number: usize) -> api::Answer {
    school.put(&format!("/u-{number}/twilio/permissions"), json!({ "allow": ["*"] })).await
}

#[tokio::test]
async fn a_full_database_is_said_to_be_full() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let school = at(SqliteStorage::builder(&file).max_size_bytes(400_000).open().await.unwrap()).await;
    let mut last = grant(&school, 0).await;
    last.ok();
    for number in 1..5000 {
        if last.status != 200 {
            break;
        }
        last = grant(&school, number).await;
    }
    assert_eq!(last.problem(507, "storage_full")["retry"], "never");
    school.get("/audit?limit=5").await.ok();
    assert_eq!(school.get("/audit/verify").await.ok()["intact"], true);
}

#[tokio::test]
async fn a_damaged_database_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let school = at(SqliteStorage::open(&file).await.unwrap()).await;
    for number in 0..100 {
        grant(&school, number).await.ok();
    }
    school.manager.close(Duration::from_secs(5)).await.unwrap();
    let page = audit_page(&file);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[page].fill(0xff);
    std::fs::write(&file, bytes).unwrap();

    let school = at(SqliteStorage::open(&file).await.unwrap()).await;
    let answer = school.get("/audit?limit=500").await;
    assert_eq!(answer.problem(500, "storage_corrupt")["retry"], "never");
}

/// Where the first page of the audit table's rows lies in the file.
fn audit_page(file: &Path) -> std::ops::Range<usize> {
    let database = rusqlite::Connection::open(file).unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = 'integration_audit_logs'";
    let root: u32 = database.query_row(root, [], |row| row.get(0)).unwrap();
    let size: u32 = database.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    ((root - 1) * size) as usize..(root * size) as usize
}

#[tokio::test]
async fn a_locked_database_is_unavailable_until_it_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sis.db");
    let storage = SqliteStorage::builder(&file).busy_timeout(Duration::from_millis(100)).open().await.unwrap();
    let school = at(storage).await;
    grant(&school, 0).await.ok();
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let answer = grant(&school, 1).await;
    assert_eq!(answer.problem(503, "storage_unavailable")["retry"], "after");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    school.get("/audit").await.ok();
    other.execute_batch("ROLLBACK").unwrap();
    grant(&school, 1).await.ok();
}

/// The disk hangs, or nothing can be read: an alert leaves by a key that was good before, and nothing else does.
#[tokio::test]
async fn an_alert_leaves_by_a_schools_key_though_nothing_can_be_read() {
    for fault in [Fault::Before(ErrorCode::StorageUnavailable), Fault::Hang] {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteStorage::open(folder.path().join("sis.db")).await.unwrap();
        let storage = FaultyStorage::new(Arc::new(file));
        let school = School::open_on(storage.clone(), |api| api).await;
        school.configure().await;
        let made = json!({ "name": "k", "userId": "u-7", "role": "admin", "scopes": ["*"] });
        let made = school.post("/api-keys", Some(made)).await.body;
        let key = made["key"].as_str().unwrap();
        let alert = json!({ "recipients": [{ "phone": "+15551234567", "name": "A" }], "message": "Leave", "channels": ["sms"], "alertType": "fire" });
        let send = |key: &str, path: &str| api::Answer::of(school.ask_as(key, Method::POST, path).json(&alert));
        const ALERT: &str = "/twilio/sendEmergencyAlert";
        send(key, ALERT).await.ok();
        storage.fail_all(fault);
        assert_eq!(send(key, ALERT).await.ok()["accepted"], 1, "{fault:?}");
        let made_up = format!("{}x", &key[..key.len() - 1]);
        assert_ne!(send(&made_up, ALERT).await.status, 200, "{fault:?}");
        if fault != Fault::Hang {
            send(key, "/twilio/getBalance").await.problem(503, "storage_unavailable");
        }
        storage.heal();
    }
}

#[tokio::test]
async fn an_alert_to_too_many_is_refused_at_its_path() {
    let school = School::open().await;
    let recipients = vec![json!({ "phone": "+15551234567" }); 100_001];
    let alert = json!({ "recipients": recipients, "message": "School is closed." });
    let problem = school.post("/twilio/sendEmergencyAlert", Some(alert)).await.problem(400, "invalid_argument");
    assert_eq!(problem["field"], "recipients");
    assert!(problem["detail"].as_str().unwrap().contains("100000"), "{problem}");
}
