//! Who sees what: tenants and filters.

use super::{Verdict, support::*};
use crate::{
    error::ErrorCode,
    model::{TenantId, Timestamp},
    storage::{Query, Record, Test, Value, tables},
};

pub(super) async fn get_is_fenced(storage: Store) -> Verdict {
    insert(&storage, [event(&tenant(), "a")]).await?;
    is_gone(&storage, &event(&tenant(), "a")).await
}

pub(super) async fn query_is_fenced(storage: Store) -> Verdict {
    let (ours, theirs) = (tenant(), tenant());
    insert(&storage, [event(&ours, "a"), event(&theirs, "b"), event(&theirs, "c")]).await?;
    same!(ids(&storage, events(&ours)).await?, ["a"], "our rows");
    same!(ids(&storage, events(&theirs).newest_first("at")).await?, ["c", "b"], "their rows");
    same!(ids(&storage, events(&tenant())).await?.len(), 0, "rows of somebody new");
    same!(ids(&storage, events(&ours).eq("id", "b")).await?.len(), 0, "our rows with their id");
    Ok(())
}

pub(super) async fn one_id_may_be_of_many_tenants(storage: Store) -> Verdict {
    let (ours, theirs) = (tenant(), tenant());
    let (one, other) = (event(&ours, "a"), event(&theirs, "a").set("state", "done"));
    insert(&storage, [one.clone(), other.clone()]).await?;
    stands(&storage, &one).await?;
    stands(&storage, &other).await?;
    storage.commit(&[delete(&one, None)]).await?;
    is_gone(&storage, &one).await?;
    stands(&storage, &other).await
}

pub(super) async fn across_tenants_sees_everybody(storage: Store) -> Verdict {
    let mut tenants = [tenant(), tenant(), tenant()];
    tenants.sort();
    let mark = fresh();
    insert(&storage, tenants.iter().rev().map(|tenant| event(tenant, "a").set("provider", mark.clone()))).await?;
    let query = Query::across_tenants(&tables::WEBHOOK_LOGS).eq("provider", mark);
    let found = storage.query(&query).await?.records;
    let found: Vec<&TenantId> = found.iter().map(|record| &record.key.tenant).collect();
    same!(found, tenants.iter().collect::<Vec<_>>(), "tenants");
    Ok(())
}

/// Puts every test to the proof with every value: `values` go up, and nothing stands before the first if `empty`.
async fn filters(
    storage: Store,
    column: &'static str,
    values: Vec<Value>,
    empty: bool,
    make: fn(&TenantId, &str) -> Record,
) -> Verdict {
    let tenant = tenant();
    let stored: Vec<Value> = empty.then_some(Value::Null).into_iter().chain(values).collect();
    let rows = stored.iter().enumerate().map(|(n, value)| make(&tenant, &format!("{n:02}")).set(column, value.clone()));
    let table = make(&tenant, "").key.table;
    insert(&storage, rows).await?;
    for (p, probe) in stored.iter().enumerate() {
        for test in [Test::Eq, Test::Ne, Test::Lt, Test::Le, Test::Gt, Test::Ge] {
            let shall: Vec<String> = (0..stored.len())
                .filter(|n| {
                    let either_is_null = stored[*n] == Value::Null || *probe == Value::Null;
                    match test {
                        Test::Eq => *n == p,
                        Test::Ne => *n != p,
                        _ if either_is_null => false,
                        Test::Lt => *n < p,
                        Test::Le => *n <= p,
                        Test::Gt => *n > p,
                        Test::Ge => *n >= p,
                    }
                })
                .map(|n| format!("{n:02}"))
                .collect();
            let found = ids(&storage, Query::of(table, &tenant).filter(column, test, probe.clone())).await?;
            same!(found, shall, "rows of {:?} where {column} {test:?} {probe:?}", stored);
        }
    }
    Ok(())
}

pub(super) async fn filters_on_text(storage: Store) -> Verdict {
    let values = ["", "\0", "1", "10", "9", "A", "a", "a\0", "aa", "é", "中"];
    filters(storage, "state", values.map(Value::from).to_vec(), false, event).await
}

pub(super) async fn filters_on_integers(storage: Store) -> Verdict {
    let values = [i64::MIN, -10, -9, 0, 1, 9, 10, 1 << 53, (1 << 53) + 1, i64::MAX];
    filters(storage, "attempts", values.map(Value::from).to_vec(), false, event).await
}

pub(super) async fn filters_on_truths(storage: Store) -> Verdict {
    filters(storage, "enabled", vec![false.into(), true.into()], false, config).await
}

fn some_bytes() -> Vec<Value> {
    [&[][..], &[0], &[0, 0], &[0, 255], &[97], &[255]].map(|bytes| Value::Bytes(bytes.to_vec())).to_vec()
}

fn signed(tenant: &TenantId, id: &str) -> Record {
    Record::new(&tables::API_KEYS, tenant, id)
        .set("name", "key")
        .set("prefix", "sis_")
        .set("digest", vec![0])
        .set("user_id", "u-1")
        .set("role", "staff")
        .set("scopes", "[]")
        .set("created_at", micros(0))
        .set("created_by", "u-1")
}

pub(super) async fn filters_on_bytes(storage: Store) -> Verdict {
    filters(storage, "digest", some_bytes(), false, signed).await
}

pub(super) async fn filters_on_json(storage: Store) -> Verdict {
    let values = ["[]", "{\"a\":1}", "{}"];
    filters(storage, "settings", values.map(Value::from).to_vec(), false, config).await
}

fn some_moments() -> Vec<Value> {
    [-62_135_596_800_000_000, -1, 0, 1, 999_999, 1_000_000, 1_700_000_000_123_456, 253_402_300_799_999_999]
        .map(|at| Value::Timestamp(micros(at)))
        .to_vec()
}

pub(super) async fn filters_on_moments(storage: Store) -> Verdict {
    filters(storage, "at", some_moments(), false, event).await
}

pub(super) async fn filters_on_moments_out_of_range(storage: Store) -> Verdict {
    let tenant = tenant();
    let rows = [0, 253_402_300_799_999_999].map(|at| event(&tenant, &at.to_string()).set("at", micros(at)));
    insert(&storage, rows).await?;
    for (probe, is_late) in [(Timestamp::from_micros(i64::MAX), true), (Timestamp::from_micros(i64::MIN), false)] {
        for (test, all) in [
            (Test::Eq, false),
            (Test::Ne, true),
            (Test::Lt, is_late),
            (Test::Le, is_late),
            (Test::Gt, !is_late),
            (Test::Ge, !is_late),
        ] {
            let found = ids(&storage, events(&tenant).filter("at", test, probe)).await?;
            same!(found.len(), if all { 2 } else { 0 }, "rows where at {test:?} {} µs", probe.as_micros());
        }
    }
    Ok(())
}

pub(super) async fn filters_on_text_that_may_be_empty(storage: Store) -> Verdict {
    filters(storage, "error", ["", "a", "b"].map(Value::from).to_vec(), true, event).await
}

pub(super) async fn filters_on_bytes_that_may_be_empty(storage: Store) -> Verdict {
    filters(storage, "body", some_bytes(), true, event).await
}

pub(super) async fn filters_on_moments_that_may_be_empty(storage: Store) -> Verdict {
    filters(storage, "next_attempt_at", some_moments(), true, event).await
}

pub(super) async fn filters_on_the_id(storage: Store) -> Verdict {
    let tenant = tenant();
    insert(&storage, ["a", "b", "c"].map(|id| event(&tenant, id))).await?;
    let find = |test| ids(&storage, events(&tenant).filter("id", test, "b"));
    same!(find(Test::Eq).await?, ["b"], "the same");
    same!(find(Test::Ne).await?, ["a", "c"], "others");
    same!(find(Test::Lt).await?, ["a"], "less");
    same!(find(Test::Le).await?, ["a", "b"], "less or the same");
    same!(find(Test::Gt).await?, ["c"], "more");
    same!(find(Test::Ge).await?, ["b", "c"], "more or the same");
    same!(ids(&storage, events(&tenant).eq("id", Value::Null)).await?.len(), 0, "rows without an id");
    Ok(())
}

pub(super) async fn all_filters_hold(storage: Store) -> Verdict {
    let tenant = tenant();
    let rows = (0..20i64).map(|n| {
        event(&tenant, &format!("{n:02}")).set("attempts", n).set("state", if n % 2 == 0 { "done" } else { "failed" })
    });
    insert(&storage, rows).await?;
    let query = events(&tenant)
        .filter("attempts", Test::Gt, 4i64)
        .filter("attempts", Test::Le, 10i64)
        .eq("state", "done")
        .filter("id", Test::Ne, "08");
    same!(ids(&storage, query).await?, ["06", "10"], "rows");
    let never = events(&tenant).eq("state", "done").eq("state", "failed");
    same!(ids(&storage, never).await?.len(), 0, "rows of two states");
    Ok(())
}

pub(super) async fn a_filter_on_an_unknown_column_is_refused(storage: Store) -> Verdict {
    for column in ["nothing", "tenant_id", "row_version", "state\" OR \"1\"=\"1"] {
        refused(storage.query(&events(&tenant()).eq(column, "x")).await, ErrorCode::Internal)?;
    }
    Ok(())
}

pub(super) async fn a_filter_with_a_value_of_another_type_is_refused(storage: Store) -> Verdict {
    for (column, value) in [("attempts", Value::from("1")), ("state", 1i64.into()), ("at", 1i64.into())] {
        refused(storage.query(&events(&tenant()).eq(column, value)).await, ErrorCode::Internal)?;
    }
    Ok(())
}
