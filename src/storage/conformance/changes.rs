//! Inserts, puts, deletes and their conflicts.

use super::{Verdict, support::*};
use crate::{
    error::ErrorCode,
    storage::{Change, Value, conflicting_change},
};

pub(super) async fn an_inserted_row_is_there(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    is_gone(&storage, &record).await?;
    insert(&storage, [record.clone()]).await?;
    stands(&storage, &record).await
}

pub(super) async fn insert_of_a_row_that_is_there_conflicts(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    insert(&storage, [record.clone()]).await?;
    let other = record.clone().set("state", "done").set("event_id", "other");
    conflicts(storage.commit(&[Change::Insert(other)]).await, 0)?;
    stands(&storage, &record).await
}

pub(super) async fn an_inserted_row_has_version_one(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    insert(&storage, [at_version(record.clone(), 7)]).await?;
    stands(&storage, &at_version(record, 1)).await
}

pub(super) async fn put_makes_a_row(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    storage.commit(&[put(&at_version(record.clone(), 9), None)]).await?;
    stands(&storage, &at_version(record, 1)).await
}

pub(super) async fn put_overwrites_and_counts_up(storage: Store) -> Verdict {
    let mut record = event(&tenant(), "a").set("error", "timeout");
    insert(&storage, [record.clone()]).await?;
    for version in 2..5u64 {
        record = record.set("attempts", version).set("error", Value::Null);
        storage.commit(&[put(&at_version(record.clone(), 99), None)]).await?;
        stands(&storage, &at_version(record.clone(), version)).await?;
    }
    Ok(())
}

pub(super) async fn put_at_the_expected_version(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    insert(&storage, [record.clone()]).await?;
    let record = record.set("state", "done");
    storage.commit(&[put(&at_version(record.clone(), 50), Some(1))]).await?;
    stands(&storage, &at_version(record.clone(), 2)).await?;
    storage.commit(&[put(&record, Some(2))]).await?;
    stands(&storage, &at_version(record, 3)).await
}

pub(super) async fn put_at_another_version_conflicts(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    insert(&storage, [record.clone()]).await?;
    for expected in [0, 2, u64::MAX] {
        let change = put(&record.clone().set("state", "done"), Some(expected));
        conflicts(storage.commit(&[change]).await, 0)?;
    }
    stands(&storage, &record).await
}

pub(super) async fn put_expecting_a_row_that_is_not_there_conflicts(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    for expected in [0, 1] {
        conflicts(storage.commit(&[put(&record, Some(expected))]).await, 0)?;
    }
    is_gone(&storage, &record).await
}

pub(super) async fn delete_removes(storage: Store) -> Verdict {
    let tenant = tenant();
    let (a, b) = (event(&tenant, "a"), event(&tenant, "b"));
    insert(&storage, [a.clone(), b.clone()]).await?;
    storage.commit(&[delete(&a, None)]).await?;
    is_gone(&storage, &a).await?;
    stands(&storage, &b).await?;
    // A new row of the key is new.
    insert(&storage, [a.clone()]).await?;
    stands(&storage, &a).await
}

pub(super) async fn delete_of_nothing_is_no_error(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    storage.commit(&[delete(&record, None)]).await?;
    is_gone(&storage, &record).await
}

pub(super) async fn delete_at_the_expected_version(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    insert(&storage, [record.clone()]).await?;
    storage.commit(&[put(&record, None)]).await?;
    storage.commit(&[delete(&record, Some(2))]).await?;
    is_gone(&storage, &record).await
}

pub(super) async fn delete_at_another_version_conflicts(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    conflicts(storage.commit(&[delete(&record, Some(1))]).await, 0)?;
    insert(&storage, [record.clone()]).await?;
    for expected in [0, 2, u64::MAX] {
        conflicts(storage.commit(&[delete(&record, Some(expected))]).await, 0)?;
    }
    stands(&storage, &record).await
}

pub(super) async fn a_conflict_names_its_change(storage: Store) -> Verdict {
    let tenant = tenant();
    let known = event(&tenant, "known");
    insert(&storage, [known.clone()]).await?;
    let guilty = [Change::Insert(known.clone()), put(&known, Some(8)), delete(&known, Some(8))];
    for place in 0..4 {
        for guilty in &guilty {
            let id = |n: usize| format!("{}-{n}", fresh());
            let mut changes: Vec<Change> = (0..3).map(|n| Change::Insert(event(&tenant, &id(n)))).collect();
            changes.insert(place, guilty.clone());
            // A second one behind it is not the one that is named.
            changes.push(guilty.clone());
            conflicts(storage.commit(&changes).await, place)?;
        }
    }
    Ok(())
}

pub(super) async fn a_conflict_undoes_everything(storage: Store) -> Verdict {
    let tenant = tenant();
    let [kept, gone, new] = ["kept", "gone", "new"].map(|id| event(&tenant, id));
    insert(&storage, [kept.clone(), gone.clone()]).await?;
    let changes = [
        Change::Insert(new.clone()),
        put(&kept.clone().set("state", "done").set("event_id", "other"), Some(1)),
        delete(&gone, None),
        put(&new.clone().set("state", "done"), None),
        Change::Insert(kept.clone()),
    ];
    conflicts(storage.commit(&changes).await, 4)?;
    stands(&storage, &kept).await?;
    stands(&storage, &gone).await?;
    is_gone(&storage, &new).await?;
    // Nor is anything left in the unique index.
    insert(&storage, [event(&tenant, "free").set("event_id", "other"), new.clone()]).await?;
    stands(&storage, &new).await
}

pub(super) async fn changes_are_applied_in_order(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    let last = record.clone().set("state", "done");
    let changes = [
        Change::Insert(record.clone()),
        put(&record, Some(1)),
        delete(&record, Some(2)),
        Change::Insert(record.clone()),
        put(&last, Some(1)),
        put(&last, None),
    ];
    storage.commit(&changes).await?;
    stands(&storage, &at_version(last, 3)).await
}

pub(super) async fn an_empty_commit_is_no_error(storage: Store) -> Verdict {
    Ok(storage.commit(&[]).await?)
}

pub(super) async fn a_unique_index_conflicts(storage: Store) -> Verdict {
    let tenant = tenant();
    let (a, b) = (event(&tenant, "a"), event(&tenant, "b"));
    insert(&storage, [a.clone(), b.clone()]).await?;
    let taken = event(&tenant, "c").set("event_id", "a");
    conflicts(storage.commit(&[delete(&b, None), Change::Insert(taken.clone())]).await, 1)?;
    conflicts(storage.commit(&[put(&taken, None)]).await, 0)?;
    conflicts(storage.commit(&[put(&b.clone().set("event_id", "a"), Some(1))]).await, 0)?;
    conflicts(storage.commit(&[put(&b.set("event_id", "a"), None)]).await, 0)?;
    // One column of the index alone is not the index, and a row is not in its own way.
    insert(&storage, [taken.set("provider", "stripe")]).await?;
    storage.commit(&[put(&a, Some(1))]).await?;
    Ok(())
}

pub(super) async fn a_unique_index_lets_go_of_what_was_deleted(storage: Store) -> Verdict {
    let tenant = tenant();
    let (a, b, c) = (event(&tenant, "a"), event(&tenant, "b"), event(&tenant, "c"));
    insert(&storage, [a.clone()]).await?;
    storage.commit(&[delete(&a, None), Change::Insert(b.clone().set("event_id", "a"))]).await?;
    storage.commit(&[put(&b, None), Change::Insert(c.set("event_id", "a"))]).await?;
    conflicts(storage.commit(&[Change::Insert(a)]).await, 0)
}

pub(super) async fn a_unique_index_is_each_tenants_own(storage: Store) -> Verdict {
    insert(&storage, [event(&tenant(), "a"), event(&tenant(), "a")]).await
}

pub(super) async fn a_full_batch_is_taken(storage: Store) -> Verdict {
    let tenant = tenant();
    let most = storage.capabilities().max_batch.min(2000);
    let changes: Vec<Change> = (0..most).map(|n| Change::Insert(event(&tenant, &format!("{n:05}")))).collect();
    storage.commit(&changes).await?;
    same!(ids(&storage, events(&tenant)).await?.len(), most, "rows");
    Ok(())
}

pub(super) async fn a_value_of_another_type_is_refused(storage: Store) -> Verdict {
    let tenant = tenant();
    let fine = event(&tenant, "fine");
    let wrong: [(&'static str, Value); 5] = [
        ("at", "2026-01-01T00:00:00.000000Z".into()),
        ("provider", 5i64.into()),
        ("attempts", "5".into()),
        ("attempts", true.into()),
        ("body", "text".into()),
    ];
    for (column, value) in wrong {
        let wrong = event(&tenant, "wrong").set(column, value.clone());
        for change in [Change::Insert(wrong.clone()), put(&wrong, None)] {
            let error = refused(storage.commit(&[Change::Insert(fine.clone()), change]).await, ErrorCode::Internal)?;
            let name = format!("integration_webhook_logs.{column}");
            ensure!(error.message().contains(&name), "the error does not name {name}: {error}");
        }
        is_gone(&storage, &fine).await?;
    }
    Ok(())
}

pub(super) async fn an_empty_column_that_must_not_be_is_refused(storage: Store) -> Verdict {
    let tenant = tenant();
    let fine = event(&tenant, "fine");
    for column in ["at", "provider", "attempts"] {
        let wrong = event(&tenant, "wrong").set(column, Value::Null);
        let error =
            refused(storage.commit(&[Change::Insert(fine.clone()), Change::Insert(wrong)]).await, ErrorCode::Internal)?;
        let name = format!("integration_webhook_logs.{column}");
        ensure!(error.message().contains(&name), "the error does not name {name}: {error}");
        is_gone(&storage, &fine).await?;
    }
    Ok(())
}

pub(super) async fn of_many_inserts_at_once_one_wins(storage: Store) -> Verdict {
    let tenant = tenant();
    let attempts = (0..8i64).map(|n| {
        let record = event(&tenant, "a").set("attempts", n);
        let storage = storage.clone();
        async move { storage.commit(&[Change::Insert(record)]).await }
    });
    let results = futures::future::join_all(attempts).await;
    let winners: Vec<usize> = results.iter().enumerate().filter(|(_, result)| result.is_ok()).map(|(n, _)| n).collect();
    same!(winners.len(), 1, "winners");
    for result in results.into_iter().filter(Result::is_err) {
        conflicts(result, 0)?;
    }
    stands(&storage, &event(&tenant, "a").set("attempts", winners[0] as u64)).await
}

pub(super) async fn a_counter_of_many_writers_loses_nothing(storage: Store) -> Verdict {
    const WRITERS: i64 = 8;
    const STEPS: i64 = 10;
    let tenant = tenant();
    let counter = event(&tenant, "counter");
    insert(&storage, [counter.clone()]).await?;
    let writers = (0..WRITERS).map(|_| {
        let (storage, key) = (storage.clone(), counter.key.clone());
        async move {
            let mut done = 0;
            while done < STEPS {
                let Some(mut row) = storage.get(&key).await? else { break };
                let version = row.version;
                let count = row.integer("attempts")?;
                row.put("attempts", count + 1);
                match storage.commit(&[Change::Put { record: row, expected: Some(version) }]).await {
                    Ok(()) => done += 1,
                    Err(error) if conflicting_change(&error) == Some(0) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
    });
    for result in futures::future::join_all(writers).await {
        result?;
    }
    let total = WRITERS * STEPS;
    stands(&storage, &at_version(counter.set("attempts", total), total.unsigned_abs() + 1)).await
}
