//! Whether a school had better stay closed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Effect, Evidence, Metric, Place, Units, Weather, Window,
    gather::{Clocks, Wanted, gather},
    judge::Rule,
    series::{Span, moment, seconds},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// From which values on a school had better stay closed. In the units of the call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ClosureThresholds {
    /// Air temperature at or below this: °C or °F.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Wind or gusts at or above this: m/s or mph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wind_speed: Option<f64>,
    /// Rain and snow (as water) of the whole period at or above this: mm or in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precipitation: Option<f64>,
    /// Visibility at or below this: m (at most 10000) or mi (at most 6.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<f64>,
    /// Wind chill at or below this: °C or °F.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wind_chill: Option<f64>,
}

/// From here on OpenWeather and most stations only say "at least so far", in metres.
const CLEAR: f64 = 10_000.0;

/// Sight at or below this, in metres. A clear day is no reason, however near to it the threshold is.
fn poor_sight(metric: Metric, limit: f64, effect: Effect) -> Rule {
    let limit = limit.min(CLEAR);
    Rule { beyond: limit >= CLEAR - 1e-6, ..Rule::low(metric, limit, effect) }
}

impl ClosureThresholds {
    /// No threshold yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same thresholds, with a lowest temperature.
    pub fn temperature(mut self, at_most: f64) -> Self {
        self.temperature = Some(at_most);
        self
    }

    /// The same thresholds, with a strongest wind.
    pub fn wind_speed(mut self, at_least: f64) -> Self {
        self.wind_speed = Some(at_least);
        self
    }

    /// The same thresholds, with a largest precipitation.
    pub fn precipitation(mut self, at_least: f64) -> Self {
        self.precipitation = Some(at_least);
        self
    }

    /// The same thresholds, with a poorest visibility.
    pub fn visibility(mut self, at_most: f64) -> Self {
        self.visibility = Some(at_most);
        self
    }

    /// The same thresholds, with a lowest wind chill.
    pub fn wind_chill(mut self, at_most: f64) -> Self {
        self.wind_chill = Some(at_most);
        self
    }

    /// Each with its name, metric, and the range that can be measured, as values are kept: the extremes ever recorded
    /// on the ground, and OpenWeather's and most stations' cap of visibility.
    fn each(&self) -> [(&'static str, Metric, Option<f64>, f64, f64); 5] {
        [
            ("temperature", Metric::Temperature, self.temperature, -90.0, 57.0),
            ("windSpeed", Metric::WindSpeed, self.wind_speed, 0.1, 114.0),
            ("precipitation", Metric::Precipitation, self.precipitation, 0.1, 2000.0),
            ("visibility", Metric::Visibility, self.visibility, 1.0, CLEAR),
            ("windChill", Metric::WindChill, self.wind_chill, -100.0, 10.0),
        ]
    }

    /// Refuses what no source can measure. None of the fields is required, but one is.
    pub(super) fn validate(&self, field: &str, units: Units) -> Result<()> {
        if self.each().iter().all(|(_, _, value, ..)| value.is_none()) {
            return Err(Error::invalid(field, "must hold at least one threshold"));
        }
        for (name, metric, value, low, high) in self.each() {
            let Some(value) = value else { continue };
            let kept = units.read(metric, value);
            if !(low - 1e-6..=high + 1e-6).contains(&kept) {
                let (low, high, unit) = (units.show(metric, low), units.show(metric, high), units.unit(metric));
                let message = format!("must be between {low} and {high} {unit}: no source measures beyond that");
                return Err(Error::invalid(format!("{field}.{name}"), message));
            }
        }
        Ok(())
    }

    /// The same before the units are known, which may be the config's: refuses what cannot be in any.
    pub(super) fn validate_unread(&self, field: &str, units: Option<Units>) -> Result<()> {
        match units {
            Some(units) => self.validate(field, units),
            None => self
                .validate(field, Units::Metric)
                .or_else(|error| self.validate(field, Units::Imperial).map_err(|_| error)),
        }
    }

    /// Each threshold cancels; what comes within 2° or a tenth of it is worth watching.
    pub(super) fn rules(&self, units: Units) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (_, metric, value, ..) in self.each() {
            let Some(limit) = value.map(|value| units.read(metric, value)) else { continue };
            let mut add = |make: fn(Metric, f64, Effect) -> Rule, metric, near| {
                rules.push(make(metric, limit, Effect::Cancel));
                rules.push(make(metric, near, Effect::Caution));
            };
            match metric {
                Metric::Temperature | Metric::WindChill => add(Rule::low, metric, limit + 2.0),
                Metric::Visibility => add(poor_sight, metric, limit * 1.1),
                Metric::WindSpeed => {
                    add(Rule::high, metric, limit * 0.9);
                    add(Rule::high, Metric::WindGust, limit * 0.9);
                }
                _ => add(Rule::high, metric, limit * 0.9),
            }
        }
        rules
    }
}

/// Tells whether a school had better stay closed, by the tenant's own thresholds.
///
/// Every source in use is asked at once. A value at or beyond a threshold, from any of them, is `close_recommended`; one
/// within 2° or a tenth of it, or an extreme or severe alert, is `monitor`. Where a source does not answer, or a value
/// is missing for some of the period, the verdict is `unknown` unless what is known already closes. Without a `window`
/// the next school day from 5:00 to 18:00 at the place is looked at.
/// <https://openweathermap.org/current>, <https://openweathermap.org/forecast5>,
/// <https://www.weather.gov/documentation/services-web-api>, <https://open-meteo.com/en/docs>
/// Access: read.
/// Errors: `invalid_argument` with the path for a threshold that no source can measure, and those of `resolvePlace`.
/// Example: `{"location": "School Address", "closureThresholds": {"temperature": -20, "windSpeed": 25, "precipitation": 10, "visibility": 1000}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CheckSchoolClosureConditions {
    /// Where.
    pub location: Place,
    /// From which values on.
    pub closure_thresholds: ClosureThresholds,
    /// The units of the thresholds and of the answer. Default: the config's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// The period. Default: the next school day, 5:00 to 18:00 at the place, without what is over of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Whether alerts count. Default: yes; where no source in use has any, the verdict is `unknown` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<bool>,
}

impl CheckSchoolClosureConditions {
    /// Checks a place by these thresholds.
    pub fn new(location: impl Into<Place>, thresholds: ClosureThresholds) -> Self {
        Self { location: location.into(), closure_thresholds: thresholds, units: None, window: None, alerts: None }
    }

    /// The same check, in these units.
    pub fn units(mut self, units: Units) -> Self {
        self.units = Some(units);
        self
    }

    /// The same check, for this period.
    pub fn window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// The same check, with or without alerts.
    pub fn alerts(mut self, alerts: bool) -> Self {
        self.alerts = Some(alerts);
        self
    }
}

/// What is recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClosureVerdict {
    /// A threshold is reached.
    CloseRecommended,
    /// Near a threshold, or a grave alert is in force.
    Monitor,
    /// Everything is known, and nothing is near a threshold.
    Open,
    /// Not everything is known.
    Unknown,
}

/// Whether to close, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClosureReport {
    /// What is recommended.
    pub verdict: ClosureVerdict,
    /// The thresholds, as they were given.
    pub thresholds: ClosureThresholds,
    /// What the verdict rests on.
    #[serde(flatten)]
    pub evidence: Evidence,
}

const DAY: i64 = 86_400;
const HOUR: i64 = 3600;

/// The next school day's hours by a place's clocks, without what is over of them. Where the clocks are in doubt the period
/// is so much longer at both ends: an hour too many may be looked at, and none is left out.
fn next_school_hours(now: i64, clocks: &Clocks) -> Span {
    let local = now + clocks.ahead(now);
    let today = local.div_euclid(DAY);
    let mut day = today;
    let ends = |day: i64| clocks.moment(day * DAY + 18 * HOUR) + clocks.doubt(day - today);
    // The first of January 1970 was a Thursday.
    while matches!((day + 4).rem_euclid(7), 0 | 6) || ends(day) <= now {
        day += 1;
    }
    let begins = clocks.moment(day * DAY + 5 * HOUR) - clocks.doubt(day - today);
    Span { from: begins.max(now), to: ends(day) }
}

impl Operation for CheckSchoolClosureConditions {
    type Provider = Weather;
    type Output = ClosureReport;

    const NAME: &'static str = "checkSchoolClosureConditions";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "location": Location(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.location.validate("location")?;
        self.closure_thresholds.validate_unread("closureThresholds", self.units)?;
        self.window.map_or(Ok(()), |window| window.validate("window.end"))
    }

    async fn run(self, call: &Call<'_, Weather>) -> Result<ClosureReport> {
        let units = self.units.or(call.config().units).unwrap_or_default();
        let now: Timestamp = call.now();
        self.closure_thresholds.validate("closureThresholds", units)?;
        if let Some(window) = self.window {
            window.ahead(now, "window.end")?;
        }
        let place = self.location.resolve(call, "location").await?;
        let alerts = self.alerts.unwrap_or(true);
        let gathered = gather(call, &place, Wanted { alerts, ..Wanted::WEATHER }).await;
        let window = self.window.unwrap_or_else(|| {
            let span = next_school_hours(seconds(now), &gathered.clocks(&place));
            Window::new(moment(span.from), moment(span.to))
        });
        let mut evidence = Evidence::new(&gathered, place, window, units);
        let worst = evidence.judge(&gathered.series, &self.closure_thresholds.rules(units), now);
        let grave = evidence.alerts.iter().any(super::Alert::is_grave);
        let verdict = match worst {
            Effect::Cancel => ClosureVerdict::CloseRecommended,
            _ if !evidence.complete(&gathered) => ClosureVerdict::Unknown,
            Effect::None if !grave => ClosureVerdict::Open,
            _ => ClosureVerdict::Monitor,
        };
        Ok(ClosureReport { verdict, thresholds: self.closure_thresholds, evidence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(now: &str, clocks: &Clocks) -> (String, String) {
        let span = next_school_hours(seconds(now.parse().unwrap()), clocks);
        (moment(span.from).to_string()[..16].to_owned(), moment(span.to).to_string()[..16].to_owned())
    }

    #[test]
    fn the_next_school_day_is_no_weekend_and_not_over() {
        let zone = |name: &str| Clocks::Zone(jiff::tz::TimeZone::get(name).unwrap());
        // 2026-11-25 is a Wednesday. Detroit lies at 83° west, which would be six hours.
        for (now, clocks, from, to) in [
            ("2026-11-25T02:00:00Z", zone("UTC"), "2026-11-25T05:00", "2026-11-25T18:00"),
            ("2026-11-25T10:30:00Z", zone("UTC"), "2026-11-25T10:30", "2026-11-25T18:00"),
            ("2026-11-25T18:00:00Z", zone("UTC"), "2026-11-26T05:00", "2026-11-26T18:00"),
            ("2026-11-27T20:00:00Z", zone("UTC"), "2026-11-30T05:00", "2026-11-30T18:00"),
            ("2026-11-28T02:00:00Z", zone("America/Chicago"), "2026-11-30T11:00", "2026-12-01T00:00"),
            ("2026-11-25T02:00:00Z", zone("America/Detroit"), "2026-11-25T10:00", "2026-11-25T23:00"),
            // The clocks go back on Sunday, 2026-11-01: on Friday they are four hours behind, on Monday five.
            ("2026-10-30T23:00:00Z", zone("America/Detroit"), "2026-11-02T10:00", "2026-11-02T23:00"),
            ("2026-10-30T23:00:00Z", Clocks::Now(-4 * HOUR), "2026-11-02T08:00", "2026-11-02T23:00"),
            ("2026-11-25T02:00:00Z", Clocks::Now(-5 * HOUR), "2026-11-25T10:00", "2026-11-25T23:00"),
            ("2026-11-25T02:00:00Z", Clocks::Likely(-6 * HOUR), "2026-11-25T09:00", "2026-11-26T02:00"),
        ] {
            assert_eq!(hours(now, &clocks), (from.to_owned(), to.to_owned()), "{now}");
        }
    }

    #[test]
    fn thresholds_beyond_what_can_be_measured_are_refused() {
        let none = ClosureThresholds::new();
        for (thresholds, units, field) in [
            (none, Units::Metric, "closureThresholds"),
            (none.temperature(-91.0), Units::Metric, "closureThresholds.temperature"),
            (none.temperature(f64::NAN), Units::Metric, "closureThresholds.temperature"),
            (none.wind_speed(0.0), Units::Metric, "closureThresholds.windSpeed"),
            (none.wind_speed(300.0), Units::Imperial, "closureThresholds.windSpeed"),
            (none.precipitation(-1.0), Units::Metric, "closureThresholds.precipitation"),
            (none.visibility(10_001.0), Units::Metric, "closureThresholds.visibility"),
            (none.visibility(7.0), Units::Imperial, "closureThresholds.visibility"),
            (none.wind_chill(20.0), Units::Metric, "closureThresholds.windChill"),
        ] {
            let error = thresholds.validate("closureThresholds", units).unwrap_err();
            assert_eq!(error.field(), Some(field), "{error}");
        }
        assert!(none.temperature(100.0).validate_unread("x", None).is_ok(), "it may be °F");
        assert!(none.temperature(200.0).validate_unread("x", None).is_err());
        assert!(none.visibility(10_000.0).validate("x", Units::Metric).is_ok());
        assert!(none.temperature(-60.0).visibility(0.25).validate("x", Units::Imperial).is_ok());
    }
}
