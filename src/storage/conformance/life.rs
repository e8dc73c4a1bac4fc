//! Opening, migrating, watching, closing.

use futures::{FutureExt, StreamExt};

use super::{Verdict, support::*};
use crate::{
    error::ErrorCode,
    storage::{Aggregate, Change, Schema, tables},
};

pub(super) async fn capabilities_make_sense(storage: Store) -> Verdict {
    let capabilities = storage.capabilities();
    ensure!(!capabilities.name.is_empty(), "no name");
    ensure!(capabilities.max_batch >= 1, "no room for a change in a commit");
    same!(storage.capabilities(), capabilities, "capabilities asked for again");
    Ok(())
}

pub(super) async fn migrating_again_is_no_error(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    insert(&storage, [record.clone()]).await?;
    storage.migrate(&tables::SCHEMA).await?;
    storage.migrate(&tables::SCHEMA).await?;
    stands(&storage, &record).await
}

pub(super) async fn migrating_at_once_is_no_error(storage: Store) -> Verdict {
    for result in futures::future::join_all((0..8).map(|_| storage.migrate(&tables::SCHEMA))).await {
        result?;
    }
    insert(&storage, [event(&tenant(), "a")]).await
}

pub(super) async fn a_later_database_is_refused(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    insert(&storage, [record.clone()]).await?;
    let older = Schema { version: tables::SCHEMA.version - 1, tables: &[] };
    let error = refused(storage.migrate(&older).await, ErrorCode::StorageCorrupt)?;
    for version in [older.version, tables::SCHEMA.version] {
        ensure!(error.message().contains(&version.to_string()), "the error does not name version {version}: {error}");
    }
    stands(&storage, &record).await
}

pub(super) async fn what_is_committed_is_seen_at_once(storage: Store) -> Verdict {
    let tenant = tenant();
    for n in 1..=20usize {
        let record = event(&tenant, &format!("{n:02}"));
        storage.commit(&[Change::Insert(record.clone())]).await?;
        stands(&storage, &record).await?;
        same!(ids(&storage, events(&tenant)).await?.len(), n, "rows");
    }
    Ok(())
}

pub(super) async fn watching_is_no_error(storage: Store) -> Verdict {
    let mut changes = storage.watch().await?;
    insert(&storage, [event(&tenant(), "a")]).await?;
    if !storage.capabilities().watch {
        let end = changes.next().now_or_never();
        ensure!(matches!(end, Some(None)), "a backend that cannot watch has an empty stream");
    }
    Ok(())
}

pub(super) async fn closed_is_closed(storage: Store) -> Verdict {
    let record = event(&tenant(), "a");
    insert(&storage, [record.clone()]).await?;
    storage.close().await?;
    refused(storage.get(&record.key).await, ErrorCode::Closed)?;
    refused(storage.query(&events(&record.key.tenant)).await, ErrorCode::Closed)?;
    refused(storage.aggregate(&Aggregate::over(events(&record.key.tenant))).await, ErrorCode::Closed)?;
    refused(storage.commit(&[Change::Insert(event(&tenant(), "b"))]).await, ErrorCode::Closed)?;
    refused(storage.commit(&[]).await, ErrorCode::Closed)?;
    refused(storage.migrate(&tables::SCHEMA).await, ErrorCode::Closed)?;
    refused(storage.watch().await, ErrorCode::Closed)?;
    refused(storage.close().await, ErrorCode::Closed)?;
    Ok(())
}
