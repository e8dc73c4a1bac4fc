//! `DeleteWhere`.

use super::{Verdict, support::*};
use crate::storage::{Change, Query, Test, tables};

fn rows(tenant: &crate::model::TenantId, count: i64) -> impl Iterator<Item = crate::storage::Record> + '_ {
    (0..count).map(move |n| {
        // The moments run against the ids.
        event(tenant, &format!("{n}")).set("at", micros(1000 - n)).set("attempts", n)
    })
}

pub(super) async fn delete_where_takes_what_matches(storage: Store) -> Verdict {
    let tenant = tenant();
    insert(&storage, rows(&tenant, 6)).await?;
    let query = events(&tenant).filter("attempts", Test::Ge, 3i64).filter("attempts", Test::Ne, 4i64);
    storage.commit(&[Change::DeleteWhere { query: query.clone(), limit: 100 }]).await?;
    same!(ids(&storage, events(&tenant)).await?, ["0", "1", "2", "4"], "rows left");
    // Nothing to delete is no error.
    storage.commit(&[Change::DeleteWhere { query, limit: 100 }]).await?;
    same!(ids(&storage, events(&tenant)).await?.len(), 4, "rows left");
    Ok(())
}

pub(super) async fn delete_where_stops_at_its_limit(storage: Store) -> Verdict {
    let tenant = tenant();
    insert(&storage, rows(&tenant, 6)).await?;
    let delete = |query: Query, limit| Change::DeleteWhere { query, limit };
    storage.commit(&[delete(events(&tenant), 0)]).await?;
    same!(ids(&storage, events(&tenant)).await?.len(), 6, "rows after a limit of 0");
    storage.commit(&[delete(events(&tenant).oldest_first("at"), 2)]).await?;
    same!(ids(&storage, events(&tenant)).await?, ["0", "1", "2", "3"], "rows after the two oldest went");
    storage.commit(&[delete(events(&tenant).newest_first("at"), 1)]).await?;
    same!(ids(&storage, events(&tenant)).await?, ["1", "2", "3"], "rows after the newest went");
    storage.commit(&[delete(events(&tenant), 1)]).await?;
    same!(ids(&storage, events(&tenant)).await?, ["2", "3"], "rows after the first id went");
    Ok(())
}

pub(super) async fn delete_where_passes_over_limit_and_cursor_of_its_query(storage: Store) -> Verdict {
    let tenant = tenant();
    insert(&storage, rows(&tenant, 6)).await?;
    let page = storage.query(&events(&tenant).limit(2)).await?;
    ensure!(page.next.is_some(), "no cursor");
    let query = events(&tenant).limit(1).after(page.next);
    storage.commit(&[Change::DeleteWhere { query, limit: 5 }]).await?;
    same!(ids(&storage, events(&tenant)).await?, ["5"], "rows left");
    Ok(())
}

pub(super) async fn delete_where_is_fenced(storage: Store) -> Verdict {
    let (ours, theirs) = (tenant(), tenant());
    insert(&storage, rows(&ours, 3).chain(rows(&theirs, 3))).await?;
    storage.commit(&[Change::DeleteWhere { query: events(&ours), limit: 1000 }]).await?;
    same!(ids(&storage, events(&ours)).await?.len(), 0, "our rows");
    same!(ids(&storage, events(&theirs)).await?.len(), 3, "their rows");
    Ok(())
}

pub(super) async fn delete_where_across_tenants(storage: Store) -> Verdict {
    let (one, other, mark) = (tenant(), tenant(), fresh());
    let marked = |tenant, id| event(tenant, id).set("provider", mark.clone());
    insert(&storage, [marked(&one, "a"), marked(&other, "b"), event(&one, "c"), event(&other, "d")]).await?;
    let query = Query::across_tenants(&tables::WEBHOOK_LOGS).eq("provider", mark.clone());
    storage.commit(&[Change::DeleteWhere { query, limit: 1000 }]).await?;
    same!(ids(&storage, events(&one)).await?, ["c"], "rows of one");
    same!(ids(&storage, events(&other)).await?, ["d"], "rows of the other");
    Ok(())
}

pub(super) async fn delete_where_is_undone_with_the_rest(storage: Store) -> Verdict {
    let tenant = tenant();
    insert(&storage, rows(&tenant, 3)).await?;
    let changes = [
        Change::DeleteWhere { query: events(&tenant), limit: 2 },
        Change::Insert(event(&tenant, "2").set("event_id", "other")),
    ];
    conflicts(storage.commit(&changes).await, 1)?;
    same!(ids(&storage, events(&tenant)).await?, ["0", "1", "2"], "rows left");
    Ok(())
}

pub(super) async fn delete_where_sees_the_changes_before_it(storage: Store) -> Verdict {
    let tenant = tenant();
    let done = |id| event(&tenant, id).set("state", "done");
    insert(&storage, [event(&tenant, "a"), event(&tenant, "b")]).await?;
    let changes = [
        put(&done("a"), Some(1)),
        Change::Insert(done("c")),
        Change::DeleteWhere { query: events(&tenant).eq("state", "done"), limit: 10 },
        Change::Insert(done("d")),
    ];
    storage.commit(&changes).await?;
    same!(ids(&storage, events(&tenant)).await?, ["b", "d"], "rows left");
    Ok(())
}
