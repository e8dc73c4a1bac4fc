//! Units: everything is kept in °C, m/s, mm and m, and turned into the caller's units where it comes in and goes out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::series::Metric;

/// In which units thresholds are given and values are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Units {
    /// °C, m/s, mm, m.
    #[default]
    Metric,
    /// °F, mph, in, mi.
    Imperial,
}

impl Units {
    /// A kept value in these units.
    pub(super) fn show(self, metric: Metric, value: f64) -> f64 {
        let shown = match (self, metric.kind()) {
            (Units::Imperial, Kind::Temperature) => fahrenheit(value),
            (Units::Imperial, Kind::Speed) => mph(value),
            (Units::Imperial, Kind::Depth) => value / MM_PER_INCH,
            (Units::Imperial, Kind::Distance) => value / METRES_PER_MILE,
            _ => value,
        };
        (shown * 1000.0).round() / 1000.0
    }

    /// A value given in these units, as it is kept.
    pub(super) fn read(self, metric: Metric, value: f64) -> f64 {
        match (self, metric.kind()) {
            (Units::Imperial, Kind::Temperature) => celsius(value),
            (Units::Imperial, Kind::Speed) => value / MPH_PER_MS,
            (Units::Imperial, Kind::Depth) => value * MM_PER_INCH,
            (Units::Imperial, Kind::Distance) => value * METRES_PER_MILE,
            _ => value,
        }
    }

    /// What a value of this kind is counted in.
    pub(super) fn unit(self, metric: Metric) -> &'static str {
        match (metric.kind(), self) {
            (Kind::Temperature, Units::Metric) => "°C",
            (Kind::Temperature, Units::Imperial) => "°F",
            (Kind::Speed, Units::Metric) => "m/s",
            (Kind::Speed, Units::Imperial) => "mph",
            (Kind::Depth, Units::Metric) => "mm",
            (Kind::Depth, Units::Imperial) => "in",
            (Kind::Distance, Units::Metric) => "m",
            (Kind::Distance, Units::Imperial) => "mi",
            (Kind::Percent, _) => "%",
            (Kind::Index, _) => "index",
        }
    }
}

/// What a metric is a measure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Temperature,
    Speed,
    Depth,
    Distance,
    Percent,
    Index,
}

const MM_PER_INCH: f64 = 25.4;
const METRES_PER_MILE: f64 = 1609.344;
const MPH_PER_MS: f64 = 3600.0 / METRES_PER_MILE;

pub(super) fn fahrenheit(celsius: f64) -> f64 {
    celsius * 1.8 + 32.0
}

pub(super) fn celsius(fahrenheit: f64) -> f64 {
    (fahrenheit - 32.0) / 1.8
}

pub(super) fn mph(metres_per_second: f64) -> f64 {
    metres_per_second * MPH_PER_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_convert_there_and_back() {
        for metric in Metric::ALL {
            for units in [Units::Metric, Units::Imperial] {
                let back = units.show(metric, units.read(metric, 12.5));
                assert!((back - 12.5).abs() < 1e-3, "{metric:?} {units:?} {back}");
            }
        }
        assert_eq!(Units::Imperial.show(Metric::Temperature, -20.0), -4.0);
        assert_eq!(Units::Imperial.show(Metric::WindSpeed, 25.0), 55.923);
        assert_eq!(Units::Imperial.show(Metric::Precipitation, 25.4), 1.0);
        assert_eq!(Units::Imperial.show(Metric::Visibility, 1609.344), 1.0);
    }
}
