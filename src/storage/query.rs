use serde::{Deserialize, Serialize};

use super::{Record, Table, Value};
use crate::model::TenantId;

/// Whose rows a query sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One tenant's.
    Tenant(TenantId),
    /// Everybody's: for maintenance alone.
    AllTenants,
}

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Test {
    /// The same. `Eq` null finds rows with nothing in the column.
    Eq,
    /// Not the same; rows with nothing in the column are found too, unless the value is null.
    Ne,
    /// Less.
    Lt,
    /// Less or the same.
    Le,
    /// More.
    Gt,
    /// More or the same.
    Ge,
}

/// One condition on a column; `id` is a column here too.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Which column.
    pub column: &'static str,
    /// How it compares.
    pub test: Test,
    /// With what.
    pub value: Value,
}

/// Where a page ended: hand it back to read on. Opaque, and stable while rows come and go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Which rows, in what order, how many.
///
/// ```
/// use sis_integrations::storage::{tables, Query};
///
/// let tenant = "tenant-123".parse().unwrap();
/// let query = Query::of(&tables::AUDIT_LOGS, &tenant).eq("provider", "twilio").newest_first("at").limit(50);
/// assert_eq!(query.limit, 50);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Query {
    /// Of which table.
    pub table: &'static Table,
    /// Of whom.
    pub scope: Scope,
    /// All of these hold.
    pub filters: Vec<Filter>,
    /// Ordered by this column, then by tenant and id; without it by tenant and id alone.
    pub order: Option<&'static str>,
    /// The other way round, all of it.
    pub descending: bool,
    /// At most so many rows a page.
    pub limit: u32,
    /// After this.
    pub after: Option<Cursor>,
}

impl Query {
    /// The most rows a page can hold.
    pub const MAX_LIMIT: u32 = 1000;

    /// The tenant's rows.
    pub fn of(table: &'static Table, tenant: &TenantId) -> Self {
        Self::scoped(table, Scope::Tenant(tenant.clone()))
    }

    /// Every tenant's rows: for maintenance alone, never for an answer to a tenant.
    pub fn across_tenants(table: &'static Table) -> Self {
        Self::scoped(table, Scope::AllTenants)
    }

    fn scoped(table: &'static Table, scope: Scope) -> Self {
        Self { table, scope, filters: Vec::new(), order: None, descending: false, limit: Self::MAX_LIMIT, after: None }
    }

    /// Only rows where `column` compares so with `value`.
    pub fn filter(mut self, column: &'static str, test: Test, value: impl Into<Value>) -> Self {
        self.filters.push(Filter { column, test, value: value.into() });
        self
    }

    /// Only rows with `value` in `column`.
    pub fn eq(self, column: &'static str, value: impl Into<Value>) -> Self {
        self.filter(column, Test::Eq, value)
    }

    /// Ordered by `column`, smallest first.
    pub fn oldest_first(mut self, column: &'static str) -> Self {
        (self.order, self.descending) = (Some(column), false);
        self
    }

    /// Ordered by `column`, largest first.
    pub fn newest_first(mut self, column: &'static str) -> Self {
        (self.order, self.descending) = (Some(column), true);
        self
    }

    /// At most `limit` rows a page, 1 to [`Query::MAX_LIMIT`].
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit.clamp(1, Self::MAX_LIMIT);
        self
    }

    /// After where another page ended.
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.after = cursor;
        self
    }
}

/// Some rows, and where to read on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The rows.
    pub records: Vec<Record>,
    /// Where to read on; `None` at the end.
    pub next: Option<Cursor>,
}

/// What to measure over a group of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measure {
    /// How many rows.
    Count,
    /// The sum of a column of integers; 0 without rows.
    Sum(&'static str),
    /// The smallest value of a column.
    Min(&'static str),
    /// The largest value of a column.
    Max(&'static str),
}

/// Groups of rows and what to measure over each.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Aggregate {
    /// Which rows; its order, limit and cursor do not count.
    pub rows: Query,
    /// Columns that rows of a group agree in.
    pub group_by: Vec<&'static str>,
    /// What to measure.
    pub measures: Vec<Measure>,
}

impl Aggregate {
    /// Measures over the rows of a query.
    pub fn over(rows: Query) -> Self {
        Self { rows, group_by: Vec::new(), measures: Vec::new() }
    }

    /// One group for each combination of values in these columns.
    pub fn group_by(mut self, columns: &[&'static str]) -> Self {
        self.group_by = columns.to_vec();
        self
    }

    /// Measures this too.
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measures.push(measure);
        self
    }
}

/// One group: its columns' values, then its measures, in the order they were asked for.
pub type Row = Vec<Value>;
