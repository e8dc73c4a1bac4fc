//! Storage at its limits, and more than an operation takes, as a caller over HTTP meets them.
#![cfg(feature = "sqlite")]
#![allow(missing_docs, reason = "tests")]

#[path = "support/api.rs"]
mod api;

use std::{path::Path, time::Duration};

use api::School;
use serde_json::json;
use sis_integrations::storage::SqliteStorage;

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

#[tokio::test]
async fn an_alert_to_too_many_is_refused_at_its_path() {
    let school = School::open().await;
    let recipients = vec![json!({ "phone": "+15551234567" }); 100_001];
    let alert = json!({ "recipients": recipients, "message": "School is closed." });
    let problem = school.post("/twilio/sendEmergencyAlert", Some(alert)).await.problem(400, "invalid_argument");
    assert_eq!(problem["field"], "recipients");
    assert!(problem["detail"].as_str().unwrap().contains("100000"), "{problem}");
}
