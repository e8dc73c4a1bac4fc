//! SQL from the description of tables and from queries, in whatever dialect sea-query can write.

use sea_query::{
    ColumnDef, ColumnType, Cond, Expr, ExprTrait, Func, Index as SqlIndex, IndexCreateStatement, Order,
    SelectStatement, Table as SqlTable, TableCreateStatement,
};

use super::super::{
    Aggregate, Filter, Index, Kind, Measure, Query, Scope, Table, Test, Value, rules,
    rules::{After, Place},
};
use crate::error::Result;

/// What differs from database to database.
pub(super) trait Dialect {
    /// The type of a column of this kind.
    fn column_type(kind: Kind) -> ColumnType;

    /// A value as the database takes it; never called with null.
    fn value(value: &Value) -> sea_query::Value;

    /// What a table of this database has behind its columns.
    const TABLE_EXTRA: &'static str;
}

/// The three columns that every table begins with.
pub(super) const KEY_COLUMNS: [&str; 3] = ["tenant_id", "id", "row_version"];

fn column_def<D: Dialect>(name: &'static str, kind: Kind, nullable: bool) -> ColumnDef {
    let mut column = ColumnDef::new_with_type(name, D::column_type(kind));
    if !nullable {
        column.not_null();
    }
    column
}

/// `CREATE TABLE`.
pub(super) fn create_table<D: Dialect>(table: &Table) -> TableCreateStatement {
    let mut create = SqlTable::create();
    create
        .table(table.name)
        .col(column_def::<D>("tenant_id", Kind::Text, false))
        .col(column_def::<D>("id", Kind::Text, false))
        .col(column_def::<D>("row_version", Kind::Integer, false));
    for column in table.columns {
        create.col(column_def::<D>(column.name, column.kind, column.nullable));
    }
    let mut primary = SqlIndex::create();
    primary.col("tenant_id");
    match table.indexes.iter().find(|index| index.clustered) {
        Some(index) => index.columns.iter().fold(&mut primary, |primary, column| primary.col(*column)),
        None => primary.col("id"),
    };
    create.primary_key(&mut primary);
    if !D::TABLE_EXTRA.is_empty() {
        create.extra(D::TABLE_EXTRA);
    }
    create
}

/// `ALTER TABLE … ADD COLUMN`. Rows that are there already get the plainest value of the column's kind.
pub(super) fn add_column<D: Dialect>(table: &Table, column: &super::super::Column) -> sea_query::TableAlterStatement {
    let mut definition = column_def::<D>(column.name, column.kind, column.nullable);
    if !column.nullable {
        let plainest = match column.kind {
            Kind::Text => Value::from(""),
            Kind::Json => Value::from("{}"),
            Kind::Integer => Value::Integer(0),
            Kind::Real => Value::Real(0.0),
            Kind::Boolean => Value::Boolean(false),
            Kind::Bytes => Value::Bytes(Vec::new()),
            Kind::Timestamp => Value::Timestamp(crate::model::Timestamp::default()),
        };
        definition.default(D::value(&plainest));
    }
    SqlTable::alter().table(table.name).add_column(definition).take()
}

/// The name of an index; it begins with the table's.
pub(super) fn index_name(table: &Table, index: &Index) -> String {
    if index.clustered {
        return format!("{}_id", table.name);
    }
    format!("{}_{}", table.name, index.columns.join("_"))
}

/// `CREATE INDEX`. In place of the index that the rows are kept in the order of stands one of their ids. An index that is not unique ends with the id, so that a page of rows is read in order from it.
pub(super) fn create_index(table: &Table, index: &Index) -> IndexCreateStatement {
    let mut create = SqlIndex::create();
    create.name(index_name(table, index)).table(table.name).col("tenant_id");
    if index.clustered {
        return create.col("id").unique().take();
    }
    for column in index.columns {
        create.col(*column);
    }
    if index.unique {
        create.unique();
    } else {
        create.col("id");
    }
    create
}

fn condition<D: Dialect>(place: Place, filter: &Filter) -> Expr {
    let column = || Expr::col(place.name);
    if filter.value == Value::Null {
        return match filter.test {
            Test::Eq => column().is_null(),
            Test::Ne => column().is_not_null(),
            // Nothing is neither more nor less than anything.
            _ => Expr::val(1).eq(0),
        };
    }
    let value = D::value(&filter.value);
    match filter.test {
        Test::Eq => column().eq(value),
        Test::Ne if place.nullable => column().is_null().or(column().ne(value)),
        Test::Ne => column().ne(value),
        Test::Lt => column().lt(value),
        Test::Le => column().lte(value),
        Test::Gt => column().gt(value),
        Test::Ge => column().gte(value),
    }
}

/// The conditions of a query, without its cursor.
fn filters<D: Dialect>(query: &Query) -> Result<Cond> {
    let mut all = Cond::all();
    if let Scope::Tenant(tenant) = &query.scope {
        all = all.add(Expr::col("tenant_id").eq(tenant.as_str()));
    }
    for filter in &query.filters {
        all = all.add(condition::<D>(rules::filtered(query.table, filter)?, filter));
    }
    Ok(all)
}

/// The columns that rows are ordered by, from the first to the last.
fn ordered_by(query: &Query, order: Option<Place>) -> Vec<&'static str> {
    let mut columns: Vec<&'static str> = order.iter().map(|place| place.name).collect();
    if query.scope == Scope::AllTenants {
        columns.push("tenant_id");
    }
    columns.push("id");
    columns
}

/// The rows behind the cursor. Nothing comes first, as in SQLite and MySQL.
fn behind<D: Dialect>(query: &Query, order: Option<Place>, after: &After) -> Cond {
    let further = |columns: Vec<&'static str>, values: Vec<sea_query::Value>| {
        let (columns, values) = (
            columns.into_iter().map(Expr::col).collect::<Vec<_>>(),
            values.into_iter().map(Expr::val).collect::<Vec<_>>(),
        );
        let (columns, values) = (Expr::tuple(columns), Expr::tuple(values));
        if query.descending { columns.lt(values) } else { columns.gt(values) }
    };
    let mut key: Vec<sea_query::Value> = Vec::new();
    if query.scope == Scope::AllTenants {
        key.push(after.tenant.as_str().into());
    }
    key.push(after.id.as_str().into());
    let among_equals = ordered_by(query, None);
    match (order, &after.value) {
        (Some(place), Some(Value::Null)) => {
            let same = Cond::all().add(Expr::col(place.name).is_null()).add(further(among_equals, key));
            if query.descending { same } else { Cond::any().add(same).add(Expr::col(place.name).is_not_null()) }
        }
        (Some(place), Some(value)) => {
            key.insert(0, D::value(value));
            let rest = further(ordered_by(query, order), key);
            if query.descending && place.nullable {
                Cond::any().add(rest).add(Expr::col(place.name).is_null())
            } else {
                Cond::all().add(rest)
            }
        }
        _ => Cond::all().add(further(among_equals, key)),
    }
}

fn sort(select: &mut SelectStatement, query: &Query, order: Option<Place>) {
    let direction = if query.descending { Order::Desc } else { Order::Asc };
    for column in ordered_by(query, order) {
        select.order_by(column, direction.clone());
    }
}

/// One page of rows, and one row more to see whether there is another.
pub(super) fn page<D: Dialect>(query: &Query) -> Result<SelectStatement> {
    let order = rules::order(query)?;
    let mut select = sea_query::Query::select();
    select
        .columns(KEY_COLUMNS)
        .columns(query.table.columns.iter().map(|column| column.name))
        .from(query.table.name)
        .cond_where(filters::<D>(query)?);
    if let Some(after) = After::of(query)? {
        select.cond_where(behind::<D>(query, order, &after));
    }
    sort(&mut select, query, order);
    select.limit(rules::limit(query) as u64 + 1);
    Ok(select)
}

/// `DELETE` of at most `limit` rows of a query.
pub(super) fn delete_where<D: Dialect>(query: &Query, limit: u32) -> Result<sea_query::DeleteStatement> {
    let order = rules::order(query)?;
    let mut which = sea_query::Query::select();
    which.columns(["tenant_id", "id"]).from(query.table.name).cond_where(filters::<D>(query)?);
    sort(&mut which, query, order);
    which.limit(u64::from(limit));
    let key = Expr::tuple([Expr::col("tenant_id"), Expr::col("id")]);
    Ok(sea_query::Query::delete().from_table(query.table.name).and_where(key.in_subquery(which)).take())
}

/// How a column of an aggregate's row is read back.
pub(super) struct Answer {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// Groups and measures, and what each column of the answer is.
pub(super) fn aggregate<D: Dialect>(query: &Aggregate) -> Result<(SelectStatement, Vec<Answer>)> {
    let table = query.rows.table;
    let mut answers = Vec::new();
    let mut select = sea_query::Query::select();
    select.from(table.name).cond_where(filters::<D>(&query.rows)?);
    for column in &query.group_by {
        let place = Place::of(table, column)?;
        select.column(place.name).group_by_col(place.name).order_by(place.name, Order::Asc);
        answers.push(Answer { name: place.name, kind: place.kind });
    }
    for measure in &query.measures {
        let (expression, name, kind) = match *measure {
            Measure::Count => (Expr::cust("COUNT(*)"), "count", Kind::Integer),
            Measure::Sum(column) => {
                let place = rules::summed(table, column)?;
                let sum = Expr::expr(Func::sum(Expr::col(place.name)));
                (Func::coalesce([sum, Expr::val(0)]).into(), place.name, Kind::Integer)
            }
            Measure::Min(column) => {
                let place = Place::of(table, column)?;
                (Func::min(Expr::col(place.name)).into(), place.name, place.kind)
            }
            Measure::Max(column) => {
                let place = Place::of(table, column)?;
                (Func::max(Expr::col(place.name)).into(), place.name, place.kind)
            }
        };
        select.expr(expression);
        answers.push(Answer { name, kind });
    }
    Ok((select, answers))
}
