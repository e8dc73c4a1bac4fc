//! Order, pages and cursors.

use super::{Verdict, support::*};
use crate::{
    error::{ErrorCode, Result},
    model::TenantId,
    storage::{Change, Cursor, Query, Record, Value, tables},
};

pub(super) async fn without_an_order_rows_come_by_id(storage: Store) -> Verdict {
    let tenant = tenant();
    insert(&storage, ["c", "a", "é", "B", "b", "a\0", "10", "9"].map(|id| event(&tenant, id))).await?;
    let sorted = ["10", "9", "B", "a", "a\0", "b", "c", "é"];
    same!(ids(&storage, events(&tenant)).await?, sorted, "ids");
    same!(ids(&storage, events(&tenant).oldest_first("id")).await?, sorted, "ids by id");
    let mut reversed = sorted;
    reversed.reverse();
    same!(ids(&storage, events(&tenant).newest_first("id")).await?, reversed, "ids by id, the other way round");
    let mut descending = events(&tenant);
    descending.descending = true;
    same!(ids(&storage, descending).await?, reversed, "ids the other way round");
    Ok(())
}

async fn three_moments(storage: &Store, tenant: &TenantId) -> Verdict {
    let rows = [("a", 2), ("b", -3), ("c", 1)].map(|(id, at)| event(tenant, id).set("at", micros(at)));
    insert(storage, rows).await
}

pub(super) async fn oldest_first(storage: Store) -> Verdict {
    let tenant = tenant();
    three_moments(&storage, &tenant).await?;
    same!(ids(&storage, events(&tenant).oldest_first("at")).await?, ["b", "c", "a"], "ids");
    Ok(())
}

pub(super) async fn newest_first(storage: Store) -> Verdict {
    let tenant = tenant();
    three_moments(&storage, &tenant).await?;
    same!(ids(&storage, events(&tenant).newest_first("at")).await?, ["a", "c", "b"], "ids");
    Ok(())
}

pub(super) async fn equals_come_by_id(storage: Store) -> Verdict {
    let tenant = tenant();
    let rows = [("c", 1), ("d", 0), ("a", 1), ("b", 1)].map(|(id, n)| event(&tenant, id).set("attempts", n as i64));
    insert(&storage, rows).await?;
    same!(ids(&storage, events(&tenant).oldest_first("attempts")).await?, ["d", "a", "b", "c"], "ids");
    same!(ids(&storage, events(&tenant).newest_first("attempts")).await?, ["c", "b", "a", "d"], "the other way round");
    Ok(())
}

pub(super) async fn what_is_empty_comes_before_everything(storage: Store) -> Verdict {
    let tenant = tenant();
    let rows = [("a", Some("x")), ("b", None), ("c", Some("")), ("d", None)]
        .map(|(id, error)| event(&tenant, id).set("error", error.map(Value::from)));
    insert(&storage, rows).await?;
    same!(ids(&storage, events(&tenant).oldest_first("error")).await?, ["b", "d", "c", "a"], "ids");
    same!(ids(&storage, events(&tenant).newest_first("error")).await?, ["a", "c", "d", "b"], "the other way round");
    Ok(())
}

/// Rows in which every kind of column has equals, and those that may be empty are here and there.
fn mixed(tenant: &TenantId, count: i64) -> Vec<Record> {
    (0..count)
        .map(|n| {
            let rarely = |value: Value| if n % 3 == 0 { Value::Null } else { value };
            event(tenant, &format!("{:02}", (n * 7) % count))
                .set("at", micros(n / 4 * 1_000_000 - 2_000_000))
                .set("attempts", n % 5 - 2)
                .set("event_kind", rarely(format!("k{}", n % 2).into()))
                .set("body", rarely(vec![(n % 3) as u8; 3].into()))
                .set("next_attempt_at", rarely(micros(n % 4).into()))
        })
        .collect()
}

async fn paged(storage: &Store, mut query: Query) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    loop {
        let page = storage.query(&query).await?;
        records.extend(page.records);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(records),
        }
    }
}

const ORDERS: [Option<&str>; 8] = [
    None,
    Some("id"),
    Some("at"),
    Some("attempts"),
    Some("event_kind"),
    Some("body"),
    Some("next_attempt_at"),
    Some("error"),
];

/// Reads the query in pages of several sizes, in every order, and compares with all of it at once.
async fn loses_nothing(storage: &Store, query: &Query, count: usize) -> Verdict {
    for order in ORDERS {
        for descending in [false, true] {
            let mut query = query.clone().limit(1000);
            (query.order, query.descending) = (order, descending);
            let whole = storage.query(&query).await?.records;
            same!(whole.len(), count, "rows by {order:?}");
            for limit in [1, 2, 7, count as u32] {
                let pages = paged(storage, query.clone().limit(limit)).await?;
                let keys = |records: &[Record]| records.iter().map(|record| record.key.clone()).collect::<Vec<_>>();
                same!(keys(&pages), keys(&whole), "rows by {order:?} in pages of {limit}, descending {descending}");
            }
        }
    }
    Ok(())
}

pub(super) async fn pages_lose_nothing(storage: Store) -> Verdict {
    let tenant = tenant();
    insert(&storage, mixed(&tenant, 23)).await?;
    loses_nothing(&storage, &events(&tenant), 23).await?;

    insert(&storage, ["a", "b", "c"].map(|id| config(&tenant, id).set("enabled", id != "b"))).await?;
    let by_truth = Query::of(&tables::CONFIGS, &tenant).oldest_first("enabled").limit(1);
    let found: Vec<String> = paged(&storage, by_truth).await?.into_iter().map(|record| record.key.id).collect();
    same!(found, ["b", "a", "c"], "rows by a truth");
    Ok(())
}

pub(super) async fn pages_across_tenants_lose_nothing(storage: Store) -> Verdict {
    let mark = fresh();
    for tenant in [tenant(), tenant(), tenant()] {
        insert(&storage, mixed(&tenant, 8).into_iter().map(|row| row.set("state", mark.clone()))).await?;
    }
    loses_nothing(&storage, &Query::across_tenants(&tables::WEBHOOK_LOGS).eq("state", mark), 24).await
}

pub(super) async fn the_last_page_has_no_cursor(storage: Store) -> Verdict {
    let tenant = tenant();
    ensure!(storage.query(&events(&tenant)).await?.next.is_none(), "a cursor without rows");
    insert(&storage, ["a", "b", "c", "d"].map(|id| event(&tenant, id))).await?;
    ensure!(storage.query(&events(&tenant).limit(5)).await?.next.is_none(), "a cursor with fewer rows than the limit");
    ensure!(storage.query(&events(&tenant).limit(4)).await?.next.is_none(), "a cursor with as many rows as the limit");
    let page = storage.query(&events(&tenant).limit(3)).await?;
    ensure!(page.next.is_some(), "no cursor with more rows than the limit");
    let last = storage.query(&events(&tenant).limit(3).after(page.next)).await?;
    same!(last.records.len(), 1, "rows of the last page");
    ensure!(last.next.is_none(), "a cursor at the end");
    Ok(())
}

pub(super) async fn a_cursor_is_stable_while_rows_come_and_go(storage: Store) -> Verdict {
    for descending in [false, true] {
        let tenant = tenant();
        let row = |n: i64| event(&tenant, &format!("{n:02}")).set("at", micros(n));
        insert(&storage, (1..=6).map(|n| row(n * 10))).await?;
        let mut query = events(&tenant).oldest_first("at").limit(2);
        query.descending = descending;
        let first = storage.query(&query).await?;
        // Rows come before and behind; of those read, the one that the cursor names goes.
        let (read, behind) = if descending { (row(50), row(15)) } else { (row(20), row(55)) };
        let before = if descending { row(70) } else { row(5) };
        let changes = [delete(&read, None), Change::Insert(behind), Change::Insert(before), delete(&row(30), None)];
        storage.commit(&changes).await?;
        let rest: Vec<String> =
            paged(&storage, query.clone().after(first.next)).await?.into_iter().map(|record| record.key.id).collect();
        let shall = if descending { ["40", "20", "15", "10"] } else { ["40", "50", "55", "60"] };
        same!(rest, shall, "rows behind the first page, descending {descending}");
    }
    Ok(())
}

pub(super) async fn a_page_holds_no_more_than_its_limit(storage: Store) -> Verdict {
    let tenant = tenant();
    insert(&storage, (0..1005).map(|n| event(&tenant, &format!("{n:04}")))).await?;
    for (limit, rows) in [(0, 1), (1, 1), (10, 10), (1000, 1000), (1001, 1000), (u32::MAX, 1000)] {
        let mut query = events(&tenant);
        query.limit = limit;
        let page = storage.query(&query).await?;
        same!(page.records.len(), rows, "rows with a limit of {limit}");
        ensure!(page.next.is_some(), "no cursor with a limit of {limit}");
    }
    same!(ids(&storage, events(&tenant)).await?.len(), 1005, "rows");
    Ok(())
}

pub(super) async fn a_wrong_cursor_is_an_invalid_argument(storage: Store) -> Verdict {
    let (ours, theirs) = (tenant(), tenant());
    insert(&storage, [event(&ours, "a"), event(&ours, "b"), event(&theirs, "a"), event(&theirs, "b")]).await?;
    let by_moment = storage.query(&events(&ours).oldest_first("at").limit(1)).await?.next;
    let of_theirs = storage.query(&events(&theirs).oldest_first("state").limit(1)).await?.next;
    let mut cut = by_moment.clone();
    if let Some(cut) = &mut cut {
        cut.0.truncate(cut.0.len() / 2);
    }
    let text = |text: &str| Some(Cursor(text.into()));
    for cursor in [text(""), text("no cursor"), text("bnVsbA"), text("💥"), by_moment, cut, of_theirs] {
        let query = events(&ours).oldest_first("state").after(cursor.clone());
        let error = refused(storage.query(&query).await, ErrorCode::InvalidArgument)?;
        same!(error.field(), Some("cursor"), "the field for {cursor:?}");
    }
    Ok(())
}

pub(super) async fn an_order_by_an_unknown_column_is_refused(storage: Store) -> Verdict {
    for column in ["nothing", "tenant_id", "at; DROP TABLE x"] {
        refused(storage.query(&events(&tenant()).oldest_first(column)).await, ErrorCode::Internal)?;
    }
    Ok(())
}
