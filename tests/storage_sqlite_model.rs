//! Whatever is done to it, SQLite answers as the storage in memory does.
#![cfg(feature = "sqlite")]

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use sis_integrations::{
    Error, ErrorCode, TenantId, Timestamp,
    storage::{
        Aggregate, Change, Column, Filter, Index, Key, Kind, Measure, MemoryStorage, Query, Record, Schema,
        SqliteStorage, Storage, StorageExt, Table, Test, Value,
    },
};

const fn column(name: &'static str, kind: Kind, nullable: bool) -> Column {
    Column { name, kind, nullable, since: 1 }
}

/// Every kind of column, once as it must be and once as it may be empty.
static ALL: Table = Table {
    name: "integration_all",
    about: "",
    columns: &[
        column("text", Kind::Text, false),
        column("integer", Kind::Integer, false),
        column("real", Kind::Real, false),
        column("boolean", Kind::Boolean, false),
        column("bytes", Kind::Bytes, false),
        column("json", Kind::Json, false),
        column("moment", Kind::Timestamp, false),
        column("maybe_text", Kind::Text, true),
        column("maybe_integer", Kind::Integer, true),
        column("maybe_real", Kind::Real, true),
        column("maybe_boolean", Kind::Boolean, true),
        column("maybe_bytes", Kind::Bytes, true),
        column("maybe_json", Kind::Json, true),
        column("maybe_moment", Kind::Timestamp, true),
    ],
    indexes: &[
        Index { columns: &["moment"], unique: false, clustered: false, since: 1 },
        Index { columns: &["maybe_integer"], unique: false, clustered: false, since: 1 },
        Index { columns: &["maybe_text", "integer"], unique: true, clustered: false, since: 1 },
    ],
    since: 1,
};
static SCHEMA: Schema = Schema { version: 1, tables: &[&ALL] };

/// Any value of the kind.
fn any_value(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Text | Kind::Json => any::<String>().prop_map(Value::from).boxed(),
        Kind::Integer => any::<i64>().prop_map(Value::from).boxed(),
        Kind::Real => any::<f64>().prop_filter("a number", |real| !real.is_nan()).prop_map(Value::from).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Bytes => any::<Vec<u8>>().prop_map(Value::from).boxed(),
        Kind::Timestamp => (-62_167_219_200_000_000i64..=253_402_300_799_999_999)
            .prop_map(|micros| Timestamp::from_micros(micros).into())
            .boxed(),
        _ => panic!("a kind without values"),
    }
}

/// One of few values of the kind, so that rows meet.
fn few_values(kind: Kind) -> BoxedStrategy<Value> {
    let few = match kind {
        Kind::Text | Kind::Json => ["", "a", "b\0", "é"].map(Value::from).to_vec(),
        Kind::Integer => [-5i64, 0, 1, 7].map(Value::from).to_vec(),
        Kind::Real => [-0.5, 0.0, 3.25].map(Value::from).to_vec(),
        Kind::Boolean => [false, true].map(Value::from).to_vec(),
        Kind::Bytes => [vec![], vec![0], vec![255, 1]].map(Value::from).to_vec(),
        Kind::Timestamp => [-1, 0, 1_000_000].map(|micros| Timestamp::from_micros(micros).into()).to_vec(),
        _ => panic!("a kind without values"),
    };
    proptest::sample::select(few).boxed()
}

fn record(value: fn(Kind) -> BoxedStrategy<Value>, id: BoxedStrategy<String>) -> impl Strategy<Value = Record> {
    let values: Vec<BoxedStrategy<Value>> = ALL
        .columns
        .iter()
        .map(|column| match column.nullable {
            true => prop_oneof![1 => Just(Value::Null), 2 => value(column.kind)].boxed(),
            false => value(column.kind),
        })
        .collect();
    (id, values).prop_map(|(id, values)| Record::from_values(Key::new(&ALL, &tenants()[0], id), 1, values))
}

/// Two tenants that stand for those of the case.
fn tenants() -> [TenantId; 2] {
    ["a", "b"].map(|id| id.parse().unwrap())
}

fn few_ids() -> BoxedStrategy<String> {
    proptest::sample::select(vec!["1", "2", "3", "é", ""]).prop_map(str::to_owned).boxed()
}

fn a_column() -> impl Strategy<Value = &'static Column> {
    proptest::sample::select(ALL.columns.iter().collect::<Vec<_>>())
}

fn a_filter() -> impl Strategy<Value = Filter> {
    let test = proptest::sample::select(vec![Test::Eq, Test::Ne, Test::Lt, Test::Le, Test::Gt, Test::Ge]);
    (a_column(), test).prop_flat_map(|(column, test)| {
        prop_oneof![1 => Just(Value::Null), 6 => few_values(column.kind)].prop_map(move |value| Filter {
            column: column.name,
            test,
            value,
        })
    })
}

fn a_query() -> impl Strategy<Value = Query> {
    let order = proptest::option::of(a_column().prop_map(|column| column.name));
    let filters = proptest::collection::vec(a_filter(), 0..3);
    (0..2usize, filters, order, any::<bool>(), 1..5u32).prop_map(|(whose, filters, order, descending, limit)| {
        let mut query = Query::of(&ALL, &tenants()[whose]).limit(limit);
        (query.filters, query.order, query.descending) = (filters, order, descending);
        query
    })
}

fn a_change() -> impl Strategy<Value = Change> {
    let expected = || proptest::option::weighted(0.5, 1..4u64);
    let whose = |record: Record, second: bool| {
        let Key { table, id, .. } = record.key.clone();
        Record::from_values(Key::new(table, &tenants()[usize::from(second)], id), 1, record.values().to_vec())
    };
    prop_oneof![
        6 => (record(few_values, few_ids()), any::<bool>()).prop_map(move |(r, w)| Change::Insert(whose(r, w))),
        6 => (record(few_values, few_ids()), any::<bool>(), expected())
            .prop_map(move |(r, w, expected)| Change::Put { record: whose(r, w), expected }),
        3 => (few_ids(), any::<bool>(), expected()).prop_map(|(id, w, expected)| {
            Change::Delete { key: Key::new(&ALL, &tenants()[usize::from(w)], id), expected }
        }),
        1 => (a_query(), 0..4u32).prop_map(|(query, limit)| Change::DeleteWhere { query, limit }),
    ]
}

/// The tenants of this case instead of those that stand for them.
fn of_case(tenant: &TenantId, case: u64) -> TenantId {
    format!("case-{case}-{tenant}").parse().unwrap()
}

fn query_of_case(mut query: Query, case: u64) -> Query {
    if let sis_integrations::storage::Scope::Tenant(tenant) = &mut query.scope {
        *tenant = of_case(tenant, case);
    }
    query
}

fn change_of_case(mut change: Change, case: u64) -> Change {
    match &mut change {
        Change::Insert(record) | Change::Put { record, .. } => record.key.tenant = of_case(&record.key.tenant, case),
        Change::Delete { key, .. } => key.tenant = of_case(&key.tenant, case),
        Change::DeleteWhere { query, .. } => *query = query_of_case(query.clone(), case),
        _ => panic!("a change that is not known"),
    }
    change
}

/// What a caller can tell of a result.
fn told(result: Result<(), Error>) -> Option<(ErrorCode, Option<String>)> {
    result.err().map(|error| (error.code(), error.field().map(str::to_owned)))
}

static CASE: AtomicU64 = AtomicU64::new(0);

struct Both {
    runtime: tokio::runtime::Runtime,
    sqlite: SqliteStorage,
    _folder: tempfile::TempDir,
}

fn both() -> Both {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sqlite = runtime.block_on(async {
        let sqlite = SqliteStorage::open(folder.path().join("sis.db")).await.unwrap();
        sqlite.migrate(&SCHEMA).await.unwrap();
        sqlite
    });
    Both { runtime, sqlite, _folder: folder }
}

#[test]
fn any_record_comes_back() {
    let both = both();
    let id = any::<String>().boxed();
    proptest!(ProptestConfig::with_cases(200), |(record in record(any_value, id))| {
        let mut record = record;
        record.key.tenant = of_case(&record.key.tenant, CASE.fetch_add(1, Ordering::Relaxed));
        let found = both.runtime.block_on(async {
            both.sqlite.commit(&[Change::Insert(record.clone())]).await?;
            let page = both.sqlite.query(&Query::of(&ALL, &record.key.tenant)).await?;
            let got = both.sqlite.get(&record.key).await?;
            Ok::<_, Error>((got, page.records))
        });
        let (got, page) = found.unwrap();
        prop_assert_eq!(got.as_ref(), Some(&record));
        prop_assert_eq!(page, [record]);
    });
}

#[test]
fn any_history_ends_as_in_memory() {
    let both = both();
    let commits = proptest::collection::vec(proptest::collection::vec(a_change(), 1..6), 1..12);
    let queries = proptest::collection::vec(a_query(), 4);
    let groups = proptest::collection::vec(a_column().prop_map(|column| column.name), 0..3);
    let config = ProptestConfig::with_cases(120);
    proptest!(config, |(commits in commits, queries in queries, groups in groups, measured in a_column())| {
        let case = CASE.fetch_add(1, Ordering::Relaxed);
        let memory = MemoryStorage::new();
        let sqlite = &both.sqlite;
        both.runtime.block_on(async {
            for changes in commits {
                let changes: Vec<Change> = changes.into_iter().map(|change| change_of_case(change, case)).collect();
                let (ours, model) = (sqlite.commit(&changes).await, memory.commit(&changes).await);
                prop_assert_eq!(told(ours), told(model), "{:?}", changes);
            }
            for tenant in tenants() {
                let all = Query::of(&ALL, &of_case(&tenant, case));
                let (ours, model) = (sqlite.query_all(all.clone()).await, memory.query_all(all).await);
                prop_assert_eq!(ours.unwrap(), model.unwrap());
            }
            for query in queries {
                let mut query = query_of_case(query, case);
                loop {
                    let (ours, model) = (sqlite.query(&query).await.unwrap(), memory.query(&query).await.unwrap());
                    prop_assert_eq!(&ours, &model, "{:?}", query);
                    query.after = ours.next;
                    if query.after.is_none() {
                        break;
                    }
                }
                query.after = None;
                let aggregate = Aggregate::over(query)
                    .group_by(&groups)
                    .measure(Measure::Count)
                    .measure(Measure::Sum("maybe_integer"))
                    .measure(Measure::Min(measured.name))
                    .measure(Measure::Max(measured.name));
                let (ours, model) = (sqlite.aggregate(&aggregate).await, memory.aggregate(&aggregate).await);
                prop_assert_eq!(ours.unwrap(), model.unwrap(), "{:?}", aggregate);
            }
            Ok(())
        })?;
    });
}
