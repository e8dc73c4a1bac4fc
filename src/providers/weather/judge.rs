//! How a check comes to its verdict: rules over what the sources said, worst first, and nothing unknown called safe.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Alert, Metric, Missing, ResolvedPlace, Source, SourceReport, Units,
    gather::Gathered,
    series::{Series, Span, Worst, moment, seconds},
};
use crate::{
    error::{Error, Result},
    model::Timestamp,
};

/// How bad a value is, or everything together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// No rule strikes.
    None,
    /// Take care: near a threshold, or with changes to the plan.
    Caution,
    /// Not now.
    Postpone,
    /// Not at all.
    Cancel,
}

/// A period of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Window {
    /// From when, such as `2026-11-24T05:00:00Z`.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
}

/// The longest period, in seconds: as far as any source looks ahead.
const LONGEST: i64 = 16 * 86_400;

impl Window {
    /// From one moment to another.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    pub(super) fn span(self) -> Span {
        Span { from: seconds(self.start), to: seconds(self.end) }
    }

    /// Refuses what is no period; `start` and `end` are the paths of the two.
    pub(super) fn validate(self, end: &str) -> Result<()> {
        let Span { from, to } = self.span();
        if to <= from {
            return Err(Error::invalid(end, "must lie after the start"));
        }
        if to - from > LONGEST {
            return Err(Error::invalid(end, "must lie within 16 days of the start; no forecast reaches further"));
        }
        Ok(())
    }

    /// Refuses what is over.
    pub(super) fn ahead(self, now: Timestamp, end: &str) -> Result<()> {
        if self.end <= now {
            return Err(Error::invalid(end, "must lie in the future; these checks look ahead"));
        }
        Ok(())
    }
}

/// A value that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reading {
    /// What is measured.
    pub metric: Metric,
    /// The worst value of the period; of precipitation, the sum.
    pub value: f64,
    /// What it is held against: the threshold that struck, else the nearest.
    pub threshold: f64,
    /// The unit of both.
    pub unit: String,
    /// When.
    pub at: Timestamp,
    /// Who says so.
    pub source: Source,
    /// What follows from it.
    pub effect: Effect,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Evidence {
    /// The values that led to the verdict.
    pub reasons: Vec<Reading>,
    /// Every value that was looked at.
    pub values: Vec<Reading>,
    /// The alerts in force in the period.
    pub alerts: Vec<Alert>,
    /// The units of values and thresholds.
    pub units: Units,
    /// Where.
    pub resolved_location: ResolvedPlace,
    /// The period that was looked at.
    pub window: Window,
    /// When the oldest of the data was made, where the sources say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_as_of: Option<Timestamp>,
    /// Which sources were asked, and what came of it.
    pub sources: Vec<SourceReport>,
    /// What is not known. While this is not empty nothing is called safe.
    pub missing: Vec<Missing>,
    /// What this is not.
    pub disclaimer: String,
}

const DISCLAIMER: &str = "Forecasts and measurements from afar, not from the site. A person decides.";

/// One rule: from this value on, this follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) metric: Metric,
    pub(super) worst: Worst,
    pub(super) limit: f64,
    pub(super) effect: Effect,
    /// Whether the limit itself is still allowed.
    pub(super) beyond: bool,
}

impl Rule {
    pub(super) fn high(metric: Metric, limit: f64, effect: Effect) -> Self {
        Self { metric, worst: Worst::Highest, limit, effect, beyond: false }
    }

    pub(super) fn low(metric: Metric, limit: f64, effect: Effect) -> Self {
        Self { metric, worst: Worst::Lowest, limit, effect, beyond: false }
    }

    fn strikes(&self, value: f64) -> bool {
        // What is left of a conversion there and back must not decide.
        let near = (value - self.limit).abs() < 1e-6;
        if near { !self.beyond } else { self.worst.of(value, self.limit) }
    }
}

impl Evidence {
    /// What is known before any rule is applied.
    pub(super) fn new(gathered: &Gathered, place: ResolvedPlace, window: Window, units: Units) -> Self {
        Self {
            reasons: Vec::new(),
            values: Vec::new(),
            alerts: gathered.alerts_in(window.span()),
            units,
            resolved_location: place,
            window,
            data_as_of: gathered.as_of(),
            sources: gathered.reports.clone(),
            missing: gathered.missing.clone(),
            disclaimer: DISCLAIMER.to_owned(),
        }
    }

    /// Applies rules, and answers the worst that follows from any source's values.
    ///
    /// What is measured now counts for a period that has begun; whether the period is covered is asked from now on.
    pub(super) fn judge(&mut self, series: &[Series], rules: &[Rule], now: Timestamp) -> Effect {
        let asked = self.window.span();
        let now = seconds(now);
        let seen = Span { from: if asked.from <= now { now - 3600 } else { asked.from }, to: asked.to };
        let needed = Span { from: asked.from.max(now), to: asked.to };
        let mut worst = Effect::None;
        let mut metrics: Vec<Metric> = Vec::new();
        for rule in rules {
            if !metrics.contains(&rule.metric) {
                metrics.push(rule.metric);
            }
        }
        for metric in metrics {
            let of_metric: Vec<&Rule> = rules.iter().filter(|rule| rule.metric == metric).collect();
            for one in series {
                if let Some(reading) = self.reading(one, &of_metric, seen) {
                    worst = worst.max(reading.effect);
                    if reading.effect > Effect::None {
                        self.reasons.push(reading.clone());
                    }
                    self.values.push(reading);
                }
            }
            // Gusts are told only where there are any; the wind itself is what must be known.
            if metric != Metric::WindGust && !series.iter().any(|one| one.covers(metric, needed)) {
                let name = serde_json::to_value(metric).ok().and_then(|name| name.as_str().map(str::to_owned));
                self.missing.push(Missing::new(
                    name.unwrap_or_default(),
                    None,
                    "no source has a value for the whole period",
                ));
            }
        }
        self.reasons.sort_by_key(|reading| std::cmp::Reverse(reading.effect));
        worst
    }

    fn reading(&self, series: &Series, rules: &[&Rule], seen: Span) -> Option<Reading> {
        let first = rules.first()?;
        let metric = first.metric;
        let (value, at) = if metric == Metric::Precipitation {
            (series.total(metric, seen)?, seen.to)
        } else {
            series.worst(metric, seen, first.worst)?
        };
        let struck = rules.iter().filter(|rule| rule.strikes(value)).max_by_key(|rule| rule.effect);
        let mildest = rules.iter().min_by_key(|rule| rule.effect)?;
        Some(Reading {
            metric,
            value: self.units.show(metric, value),
            threshold: self.units.show(metric, struck.unwrap_or(mildest).limit),
            unit: self.units.unit(metric).to_owned(),
            at: moment(at),
            source: series.source,
            effect: struck.map_or(Effect::None, |rule| rule.effect),
        })
    }

    /// Whether everything is known that was asked for.
    pub(super) fn complete(&self, gathered: &Gathered) -> bool {
        self.missing.is_empty() && !gathered.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_struck_from_itself_on_unless_it_is_still_allowed() {
        let cold = Rule::low(Metric::Temperature, -20.0, Effect::Cancel);
        assert!(cold.strikes(-20.0) && cold.strikes(-21.0) && !cold.strikes(-19.9));
        let wind = Rule::high(Metric::WindSpeed, 25.0, Effect::Cancel);
        assert!(wind.strikes(25.0) && wind.strikes(26.0) && !wind.strikes(24.9));
        let heat = Rule { beyond: true, ..Rule::high(Metric::Wbgt, 33.0, Effect::Cancel) };
        assert!(!heat.strikes(33.0) && heat.strikes(33.01));
        assert!(!cold.strikes(f64::NAN));
    }
}
