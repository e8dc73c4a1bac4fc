//! [`UsageService`]: how much, how long, how often, and what it may have cost.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audit::CallRow;
use crate::{
    error::Result,
    model::{RequestId, Runtime, TenantId, Timestamp},
    providers::Meter,
    storage::{Aggregate, Change, Measure, Query, Record, SharedWriter, Storage, Test, Value, tables},
};

/// What calls may have cost in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// The currency: `USD`.
    pub currency: String,
    /// How much, in millionths of it.
    pub micros: i64,
}

/// Numbers of one operation of one provider.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsRow {
    /// The provider.
    pub provider: String,
    /// The operation.
    pub operation: String,
    /// Calls that were let through.
    pub calls: u64,
    /// Calls of them that ended in an error.
    pub errors: u64,
    /// Attempts sent to the vendor.
    pub attempts: u64,
    /// What the vendor counts.
    pub units: i64,
    /// Estimated cost, by currency; none where there was none.
    pub costs: Vec<Cost>,
    /// Average duration, in microseconds.
    pub average_us: u64,
    /// Longest duration, in microseconds.
    pub longest_us: u64,
}

/// A tenant's numbers over a period.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Up to this moment.
    pub to: Option<Timestamp>,
    /// All calls.
    pub calls: u64,
    /// All errors.
    pub errors: u64,
    /// Estimated cost of all, by currency: what is paid in different ones cannot be added.
    pub costs: Vec<Cost>,
    /// Each operation's.
    pub operations: Vec<StatsRow>,
}

/// Writes and sums up usage.
pub struct UsageService {
    writer: SharedWriter,
    runtime: Runtime,
}

impl UsageService {
    pub(crate) fn new(writer: SharedWriter, runtime: Runtime) -> Self {
        Self { writer, runtime }
    }

    /// The row of one call.
    pub(crate) fn row(&self, subject: &CallRow, outcome: &'static str, took: Duration, meter: &Meter) -> Change {
        Change::Insert(
            Record::new(&tables::USAGE_LOGS, &subject.tenant, subject.request_id.to_string())
                .set("at", self.runtime.now())
                .set("request_id", subject.request_id.to_string())
                .set("provider", subject.provider.unwrap_or_default())
                .set("operation", subject.operation.unwrap_or_default())
                .set("actor_id", subject.actor.id().to_owned())
                .set("outcome", outcome)
                .set("duration_us", took.as_micros() as u64)
                .set("attempts", meter.attempts())
                .set("units", meter.units())
                .set("cost_micros", meter.cost_micros())
                .set("currency", meter.currency()),
        )
    }

    /// Sums up a period: `from` on, before `to`.
    pub(crate) async fn stats(
        &self,
        tenant: &TenantId,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Stats> {
        let mut rows = Query::of(&tables::USAGE_LOGS, tenant);
        if let Some(from) = from {
            rows = rows.filter("id", Test::Ge, RequestId::text_from(from)).filter("at", Test::Ge, from);
        }
        if let Some(to) = to {
            rows = rows.filter("id", Test::Lt, RequestId::text_until(to)).filter("at", Test::Lt, to);
        }
        let groups = self
            .writer
            .aggregate(
                &Aggregate::over(rows)
                    .group_by(&["provider", "operation", "outcome", "currency"])
                    .measure(Measure::Count)
                    .measure(Measure::Sum("duration_us"))
                    .measure(Measure::Sum("attempts"))
                    .measure(Measure::Sum("units"))
                    .measure(Measure::Sum("cost_micros"))
                    .measure(Measure::Max("duration_us")),
            )
            .await?;
        let mut stats = Stats { from, to, ..Stats::default() };
        let mut total_us = Vec::new();
        for group in groups {
            let text = |at: usize| match &group[at] {
                Value::Text(text) => text.to_string(),
                _ => String::new(),
            };
            let number = |at: usize| match &group[at] {
                Value::Integer(number) => *number,
                _ => 0,
            };
            let (provider, operation) = (text(0), text(1));
            let calls = number(4).unsigned_abs();
            let same = |row: &StatsRow| row.provider == provider && row.operation == operation;
            let at = stats.operations.iter().position(same).unwrap_or_else(|| {
                stats.operations.push(StatsRow { provider, operation, ..StatsRow::default() });
                total_us.push(0);
                stats.operations.len() - 1
            });
            let row = &mut stats.operations[at];
            row.calls += calls;
            row.errors += if text(2) == "ok" { 0 } else { calls };
            row.attempts += number(6).unsigned_abs();
            row.units += number(7);
            add(&mut row.costs, &text(3), number(8));
            row.longest_us = row.longest_us.max(number(9).unsigned_abs());
            total_us[at] += number(5).unsigned_abs();
            row.average_us = total_us[at] / row.calls.max(1);
        }
        for row in &stats.operations {
            stats.calls += row.calls;
            stats.errors += row.errors;
            for cost in &row.costs {
                add(&mut stats.costs, &cost.currency, cost.micros);
            }
        }
        Ok(stats)
    }
}

fn add(costs: &mut Vec<Cost>, currency: &str, micros: i64) {
    if micros == 0 {
        return;
    }
    match costs.binary_search_by(|cost| cost.currency.as_str().cmp(currency)) {
        Ok(at) => costs[at].micros += micros,
        Err(at) => costs.insert(at, Cost { currency: currency.to_owned(), micros }),
    }
}
