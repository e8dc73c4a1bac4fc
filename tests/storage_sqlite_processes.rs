//! SQLite with several processes, and with processes that die.
//!
//! The tests start this binary again, for the one test that plays the other process.
#![cfg(all(feature = "sqlite", unix))]

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use sis_integrations::{
    TenantId, Timestamp,
    storage::{Change, Query, Record, SqliteStorage, Storage, StorageExt, conflicting_change, tables},
};

/// Rows of one commit.
const ROWS: usize = 5;

fn tenant() -> TenantId {
    "tenant-123".parse().unwrap()
}

fn event(id: String) -> Record {
    Record::new(&tables::WEBHOOK_LOGS, &tenant(), id.clone())
        .set("at", Timestamp::from_micros(0))
        .set("provider", "twilio")
        .set("event_id", id)
        .set("state", "claimed")
        .set("attempts", 0i64)
        .set("body", vec![7; 3000])
}

fn again(role: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_other_process", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("SIS_TEST_ROLE", role).env("SIS_TEST_PATH", path).stdout(Stdio::piped());
    command
}

#[tokio::test]
#[ignore = "this is what the other tests start"]
async fn the_other_process() {
    let (Ok(role), Some(path)) = (std::env::var("SIS_TEST_ROLE"), std::env::var_os("SIS_TEST_PATH")) else { return };
    let path = Path::new(&path);
    let mut said = std::io::stdout();
    match role.as_str() {
        "write" => {
            let storage = SqliteStorage::open(path).await.unwrap();
            storage.migrate(&tables::SCHEMA).await.unwrap();
            let counter = storage.get(&event("counter".into()).key).await.unwrap();
            let mut n = counter.as_ref().map_or(0, |counter| counter.integer("attempts").unwrap());
            loop {
                let mut changes: Vec<Change> =
                    (0..ROWS).map(|row| Change::Insert(event(format!("{n:06}-{row}")))).collect();
                n += 1;
                changes.push(Change::Put { record: event("counter".into()).set("attempts", n), expected: None });
                storage.commit(&changes).await.unwrap();
                writeln!(said, "\nkept {n}").unwrap();
                said.flush().unwrap();
            }
        }
        "count" => {
            let storage = SqliteStorage::open(path).await.unwrap();
            storage.migrate(&tables::SCHEMA).await.unwrap();
            let new = storage.commit(&[Change::Insert(event("counter".into()))]).await;
            assert!(new.is_ok() || new.is_err_and(|error| conflicting_change(&error) == Some(0)));
            let mut done = 0;
            while done < 20 {
                let counter = storage.get(&event("counter".into()).key).await.unwrap().unwrap();
                let (version, count) = (counter.version, counter.integer("attempts").unwrap());
                let record = counter.set("attempts", count + 1);
                match storage.commit(&[Change::Put { record, expected: Some(version) }]).await {
                    Ok(()) => done += 1,
                    Err(error) => assert_eq!(conflicting_change(&error), Some(0), "{error}"),
                }
            }
            storage.close().await.unwrap();
        }
        "open" => {
            let code = SqliteStorage::open(path).await.map(drop).map_err(|error| error.code());
            writeln!(said, "\nopened {code:?}").unwrap();
        }
        role => panic!("no role {role}"),
    }
}

/// Kills a process amid its commits, again and again.
#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sis.db");
    let mut acknowledged = 0;
    for round in 0..6 {
        let mut child = again("write", &path).spawn().unwrap();
        let until = acknowledged + 5 + round * 7;
        // Those after the one we wait for may still stand in the pipe when the process is dead.
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let Some(n) = line.unwrap().strip_prefix("kept ").map(|n| n.parse::<i64>().unwrap()) else { continue };
            acknowledged = n;
            if n == until {
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(acknowledged >= until, "the process ended by itself");

        let storage = SqliteStorage::open(&path).await.unwrap();
        storage.migrate(&tables::SCHEMA).await.unwrap();
        let rows = storage.query_all(Query::of(&tables::WEBHOOK_LOGS, &tenant())).await.unwrap();
        let counted = rows.last().unwrap().integer("attempts").unwrap();
        assert!(counted == acknowledged || counted == acknowledged + 1, "{acknowledged} acknowledged, {counted} kept");
        let mut shall: Vec<String> =
            (0..counted).flat_map(|n| (0..ROWS).map(move |row| format!("{n:06}-{row}"))).collect();
        shall.push("counter".into());
        let found: Vec<&str> = rows.iter().map(|row| row.key.id.as_str()).collect();
        assert_eq!(found, shall, "commits are whole");
        storage.close().await.unwrap();
    }
}

/// Processes that make a new file at once and then change one row.
#[tokio::test]
async fn processes_migrate_and_count_together() {
    const PROCESSES: i64 = 5;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let path = folder.path().join(format!("{round}.db"));
        let children: Vec<_> = (0..PROCESSES).map(|_| again("count", &path).spawn().unwrap()).collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        let storage = SqliteStorage::open(&path).await.unwrap();
        let counter = storage.get(&event("counter".into()).key).await.unwrap().unwrap();
        assert_eq!(counter.integer("attempts").unwrap(), PROCESSES * 20);
        assert_eq!(counter.version, u64::try_from(PROCESSES * 20 + 1).unwrap());
    }
}

#[tokio::test]
async fn a_read_only_file_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sis.db");
    let storage = SqliteStorage::open(&path).await.unwrap();
    storage.migrate(&tables::SCHEMA).await.unwrap();
    storage.close().await.unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let mut command = again("open", &path);
    if std::fs::metadata(&path).unwrap().uid() == 0 {
        // Nothing is read-only to root. Whoever this is must be able to start the binary.
        command.uid(65_534);
    }
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("opened Err(StorageUnavailable)"), "{said}");
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            println!("not asked: only root may start the test binary here");
        }
        Err(error) => panic!("{error}"),
    }
}
