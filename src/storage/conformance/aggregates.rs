//! Groups and measures.

use super::{Failure, Verdict, support::*};
use crate::{
    error::ErrorCode,
    model::TenantId,
    storage::{Aggregate, Measure, Query, Row, Value, tables},
};

async fn measured(storage: &Store, aggregate: Aggregate) -> Result<Vec<Row>, Failure> {
    Ok(storage.aggregate(&aggregate).await?)
}

fn integers<const N: usize>(numbers: [i64; N]) -> Row {
    numbers.map(Value::Integer).to_vec()
}

/// Five events of three states, with 1, 2, 4, 8 and 16 attempts.
async fn five(storage: &Store, tenant: &TenantId, mark: &str) -> Verdict {
    let rows = ["done", "claimed", "done", "failed", "claimed"].iter().enumerate().map(|(n, state)| {
        event(tenant, &n.to_string())
            .set("provider", mark.to_owned())
            .set("state", *state)
            .set("attempts", 1i64 << n)
            .set("at", micros(1000 - n as i64))
            .set("error", (n % 2 == 0).then(|| format!("e{n}")))
    });
    insert(storage, rows).await
}

pub(super) async fn no_rows_without_groups_is_one_row(storage: Store) -> Verdict {
    let all = Aggregate::over(events(&tenant()))
        .measure(Measure::Count)
        .measure(Measure::Sum("attempts"))
        .measure(Measure::Min("at"))
        .measure(Measure::Max("state"));
    let shall = vec![vec![Value::Integer(0), Value::Integer(0), Value::Null, Value::Null]];
    same!(measured(&storage, all).await?, shall, "measures of nothing");
    same!(measured(&storage, Aggregate::over(events(&tenant()))).await?, vec![Row::new()], "no measures of nothing");
    Ok(())
}

pub(super) async fn no_rows_with_groups_is_no_row(storage: Store) -> Verdict {
    let groups = Aggregate::over(events(&tenant())).group_by(&["state"]).measure(Measure::Count);
    same!(measured(&storage, groups).await?.len(), 0, "groups");
    Ok(())
}

pub(super) async fn measures_of_groups(storage: Store) -> Verdict {
    let tenant = tenant();
    five(&storage, &tenant, "p").await?;
    let measures = |aggregate: Aggregate| {
        aggregate
            .measure(Measure::Count)
            .measure(Measure::Sum("attempts"))
            .measure(Measure::Min("attempts"))
            .measure(Measure::Max("attempts"))
    };
    let whole = measured(&storage, measures(Aggregate::over(events(&tenant)))).await?;
    same!(whole, vec![integers([5, 31, 1, 16])], "measures");
    let groups = measured(&storage, measures(Aggregate::over(events(&tenant)).group_by(&["state"]))).await?;
    let group = |state: &'static str, numbers| [vec![Value::from(state)], integers::<4>(numbers)].concat();
    let shall = vec![group("claimed", [2, 18, 2, 16]), group("done", [2, 5, 1, 4]), group("failed", [1, 8, 8, 8])];
    same!(groups, shall, "groups");
    let some = events(&tenant).eq("state", "done");
    same!(measured(&storage, measures(Aggregate::over(some))).await?, vec![integers([2, 5, 1, 4])], "filtered");
    let names = measured(&storage, Aggregate::over(events(&tenant)).group_by(&["state"])).await?;
    same!(names, ["claimed", "done", "failed"].map(|s| vec![Value::from(s)]).to_vec(), "groups without measures");
    Ok(())
}

pub(super) async fn smallest_and_largest_keep_their_type(storage: Store) -> Verdict {
    let tenant = tenant();
    five(&storage, &tenant, "p").await?;
    storage.commit(&[put(&event(&tenant, "5").set("body", vec![0, 255]).set("at", micros(-7)), None)]).await?;
    let extremes =
        |column| Aggregate::over(events(&tenant)).measure(Measure::Min(column)).measure(Measure::Max(column));
    let shall = |min: Value, max: Value| vec![vec![min, max]];
    same!(measured(&storage, extremes("at")).await?, shall(micros(-7).into(), micros(1000).into()), "moments");
    same!(measured(&storage, extremes("state")).await?, shall("claimed".into(), "failed".into()), "text");
    same!(measured(&storage, extremes("error")).await?, shall("e0".into(), "e4".into()), "text that may be empty");
    same!(measured(&storage, extremes("id")).await?, shall("0".into(), "5".into()), "ids");
    same!(measured(&storage, extremes("body")).await?, shall(vec![0, 255].into(), vec![0, 255].into()), "bytes");
    insert(&storage, [config(&tenant, "a"), config(&tenant, "b").set("enabled", false)]).await?;
    let truths = Aggregate::over(Query::of(&tables::CONFIGS, &tenant))
        .measure(Measure::Min("enabled"))
        .measure(Measure::Max("enabled"));
    same!(measured(&storage, truths).await?, shall(false.into(), true.into()), "truths");
    Ok(())
}

pub(super) async fn nothing_is_a_group_and_no_measure(storage: Store) -> Verdict {
    let tenant = tenant();
    five(&storage, &tenant, "p").await?;
    let groups = Aggregate::over(events(&tenant)).group_by(&["error"]).measure(Measure::Count);
    let group = |error: Option<&'static str>, count: i64| vec![error.into(), count.into()];
    let shall = vec![group(None, 2), group(Some("e0"), 1), group(Some("e2"), 1), group(Some("e4"), 1)];
    same!(measured(&storage, groups).await?, shall, "groups");
    let nothing = Aggregate::over(events(&tenant)).measure(Measure::Min("body")).measure(Measure::Count);
    same!(measured(&storage, nothing).await?, vec![vec![Value::Null, Value::Integer(5)]], "measures of nothing");
    Ok(())
}

pub(super) async fn groups_by_two_columns(storage: Store) -> Verdict {
    let tenant = tenant();
    let rows = [("b", 2), ("a", 2), ("b", 1), ("b", 2)].iter().enumerate().map(|(n, (state, attempts))| {
        event(&tenant, &n.to_string()).set("state", *state).set("attempts", *attempts as i64)
    });
    insert(&storage, rows).await?;
    let groups = Aggregate::over(events(&tenant)).group_by(&["state", "attempts"]).measure(Measure::Count);
    let group = |state: &'static str, attempts: i64, count: i64| vec![state.into(), attempts.into(), count.into()];
    same!(measured(&storage, groups).await?, vec![group("a", 2, 1), group("b", 1, 1), group("b", 2, 2)], "groups");
    Ok(())
}

pub(super) async fn order_limit_and_cursor_do_not_count(storage: Store) -> Verdict {
    let tenant = tenant();
    five(&storage, &tenant, "p").await?;
    let page = storage.query(&events(&tenant).limit(2)).await?;
    for cursor in [page.next, Some(crate::storage::Cursor("no cursor".into()))] {
        let rows = events(&tenant).newest_first("at").limit(1).after(cursor);
        same!(measured(&storage, Aggregate::over(rows).measure(Measure::Count)).await?, vec![integers([5])], "rows");
    }
    Ok(())
}

pub(super) async fn an_aggregate_is_fenced(storage: Store) -> Verdict {
    let (ours, theirs) = (tenant(), tenant());
    five(&storage, &theirs, "p").await?;
    insert(&storage, [event(&ours, "a").set("attempts", 100i64)]).await?;
    let count = |tenant| Aggregate::over(events(tenant)).measure(Measure::Count).measure(Measure::Sum("attempts"));
    same!(measured(&storage, count(&ours)).await?, vec![integers([1, 100])], "our rows");
    same!(measured(&storage, count(&theirs)).await?, vec![integers([5, 31])], "their rows");
    let groups = measured(&storage, count(&ours).group_by(&["state"])).await?;
    same!(groups.len(), 1, "our groups");
    Ok(())
}

pub(super) async fn an_aggregate_across_tenants(storage: Store) -> Verdict {
    let (one, other, mark) = (tenant(), tenant(), fresh());
    five(&storage, &one, &mark).await?;
    five(&storage, &other, &mark).await?;
    let rows = Query::across_tenants(&tables::WEBHOOK_LOGS).eq("provider", mark);
    let sum = Aggregate::over(rows).measure(Measure::Count).measure(Measure::Sum("attempts"));
    same!(measured(&storage, sum).await?, vec![integers([10, 62])], "everybody's rows");
    Ok(())
}

pub(super) async fn a_measure_of_an_unknown_column_is_refused(storage: Store) -> Verdict {
    let over = || Aggregate::over(events(&tenant()));
    for aggregate in [
        over().measure(Measure::Sum("nothing")),
        over().measure(Measure::Min("nothing")),
        over().measure(Measure::Max("nothing")),
        over().group_by(&["nothing"]),
        over().group_by(&["state"]).measure(Measure::Max("nothing")),
        Aggregate::over(events(&tenant()).eq("nothing", "x")),
    ] {
        refused(storage.aggregate(&aggregate).await, ErrorCode::Internal)?;
    }
    Ok(())
}

pub(super) async fn a_sum_of_what_is_no_integer_is_refused(storage: Store) -> Verdict {
    for column in ["state", "at", "body", "id"] {
        let sum = Aggregate::over(events(&tenant())).measure(Measure::Sum(column));
        refused(storage.aggregate(&sum).await, ErrorCode::Internal)?;
    }
    Ok(())
}
