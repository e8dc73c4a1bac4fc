//! What a source has measured or forecast, in one form for all of them.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    formulas::{heat_index, wbgt_estimate, wind_chill},
    units::Kind,
};
use crate::model::Timestamp;

/// A source of weather.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// OpenWeather: needs `api_key`.
    Openweather,
    /// The United States' National Weather Service: no key, the United States only.
    Nws,
    /// Open-Meteo: no key for non-commercial use.
    OpenMeteo,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Metric {
    /// Of the air.
    Temperature,
    /// Relative humidity.
    Humidity,
    /// Sustained wind.
    WindSpeed,
    /// Gusts.
    WindGust,
    /// Rain and snow, as water; summed up over the period.
    Precipitation,
    /// How far one sees.
    Visibility,
    /// Wind chill, by the formula of 2001.
    WindChill,
    /// Heat index, by the National Weather Service's equation.
    HeatIndex,
    /// Wet-bulb globe temperature: the National Weather Service's forecast, else estimated.
    Wbgt,
    /// How likely thunder is. A source that only says what weather it will be gives 100 or 0.
    Thunder,
    /// The ultraviolet index.
    UvIndex,
    /// The air quality index of the United States.
    AirQuality,
}

impl Metric {
    #[cfg(test)]
    pub(super) const ALL: [Self; 12] = [
        Self::Temperature,
        Self::Humidity,
        Self::WindSpeed,
        Self::WindGust,
        Self::Precipitation,
        Self::Visibility,
        Self::WindChill,
        Self::HeatIndex,
        Self::Wbgt,
        Self::Thunder,
        Self::UvIndex,
        Self::AirQuality,
    ];

    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Temperature | Self::WindChill | Self::HeatIndex | Self::Wbgt => Kind::Temperature,
            Self::WindSpeed | Self::WindGust => Kind::Speed,
            Self::Precipitation => Kind::Depth,
            Self::Visibility => Kind::Distance,
            Self::Humidity | Self::Thunder => Kind::Percent,
            Self::UvIndex | Self::AirQuality => Kind::Index,
        }
    }

    /// What cannot be: a source that says so is not believed.
    fn believable(self, value: f64) -> bool {
        let (low, high) = match self.kind() {
            Kind::Temperature => (-120.0, 100.0),
            Kind::Speed => (0.0, 150.0),
            Kind::Depth => (0.0, 5_000.0),
            Kind::Distance => (0.0, 500_000.0),
            Kind::Percent => (0.0, 110.0),
            Kind::Index => (0.0, 1_000.0),
        };
        (low..=high).contains(&value)
    }
}

/// Whether the lowest or the highest value is the worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worst {
    Lowest,
    Highest,
}

impl Worst {
    pub(super) fn of(self, a: f64, b: f64) -> bool {
        match self {
            Worst::Lowest => a < b,
            Worst::Highest => a > b,
        }
    }
}

/// A period: seconds since 1970, the first in and the last out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
}

/// One value: what holds from one moment to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) metric: Metric,
    pub(super) span: Span,
    pub(super) value: f64,
}

/// What one source said of one place.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) source: Source,
    /// Seconds that the place's clocks are ahead of UTC now, where the source says.
    pub(super) offset: Option<i64>,
    /// The place's time zone, where the source says.
    pub(super) zone: Option<TimeZone>,
    /// When its newest datum was made, where the source says.
    pub(super) as_of: Option<i64>,
    pub(super) points: Vec<Point>,
    /// Whether a part of the answer that every place has was empty: what is there does not make up for it.
    pub(super) hollow: bool,
}

impl Series {
    pub(super) fn new(source: Source) -> Self {
        Self { source, offset: None, zone: None, as_of: None, points: Vec::new(), hollow: false }
    }

    /// Takes a value in, unless there is none or it cannot be.
    pub(super) fn push(&mut self, metric: Metric, from: i64, to: i64, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite() && metric.believable(*value)) {
            self.points.push(Point { metric, span: Span { from, to }, value });
        }
    }

    /// Works out wind chill, heat index and (where the source has none) WBGT for every moment that has what they need.
    ///
    /// Values of one source need not hold equally long: a temperature of three hours is taken with each wind in them.
    pub(super) fn derive(&mut self) {
        let has_wbgt = self.points.iter().any(|point| point.metric == Metric::Wbgt);
        let [temperatures, winds, humidities] = [Metric::Temperature, Metric::WindSpeed, Metric::Humidity]
            .map(|metric| self.points.iter().copied().filter(|point| point.metric == metric).collect::<Vec<Point>>());
        for Point { span, value, .. } in temperatures {
            for (piece, wind) in pieces(span, &winds) {
                self.push(Metric::WindChill, piece.from, piece.to, Some(wind_chill(value, wind)));
            }
            for (piece, humidity) in pieces(span, &humidities) {
                self.push(Metric::HeatIndex, piece.from, piece.to, Some(heat_index(value, humidity)));
                if !has_wbgt {
                    self.push(Metric::Wbgt, piece.from, piece.to, Some(wbgt_estimate(value, humidity)));
                }
            }
        }
    }

    pub(super) fn within(&self, metric: Metric, window: Span) -> impl Iterator<Item = &Point> {
        let overlaps = move |span: Span| span.from < window.to && span.to > window.from;
        self.points.iter().filter(move |point| point.metric == metric && overlaps(point.span))
    }

    /// The worst value of a period, and when it is.
    pub(super) fn worst(&self, metric: Metric, window: Span, worst: Worst) -> Option<(f64, i64)> {
        self.within(metric, window)
            .map(|point| (point.value, point.span.to.min(window.to)))
            .reduce(|a, b| if worst.of(b.0, a.0) { b } else { a })
    }

    /// What falls in a period; a value that reaches out of it counts for the part that lies in it.
    pub(super) fn total(&self, metric: Metric, window: Span) -> Option<f64> {
        let mut any = false;
        let sum = self.within(metric, window).fold(0.0, |sum, point| {
            any = true;
            let inside = point.span.to.min(window.to) - point.span.from.max(window.from);
            #[allow(clippy::cast_precision_loss, reason = "spans of days")]
            let part = inside as f64 / (point.span.to - point.span.from).max(1) as f64;
            sum + point.value * part
        });
        any.then_some(sum)
    }

    /// Whether there is a value for every moment of the period.
    pub(super) fn covers(&self, metric: Metric, window: Span) -> bool {
        let mut spans: Vec<Span> = self.within(metric, window).map(|point| point.span).collect();
        spans.sort_unstable_by_key(|span| span.from);
        let reached = spans
            .into_iter()
            .fold(window.from, |reached, span| if span.from <= reached { reached.max(span.to) } else { reached });
        reached >= window.to
    }

    /// Whether anything is known of the period.
    pub(super) fn knows(&self, window: Span) -> bool {
        self.points.iter().any(|point| point.span.from < window.to && point.span.to > window.from)
    }
}

/// The pieces of a span in which these points hold, each with its value there.
fn pieces(span: Span, points: &[Point]) -> impl Iterator<Item = (Span, f64)> {
    points.iter().filter_map(move |point| {
        let piece = Span { from: span.from.max(point.span.from), to: span.to.min(point.span.to) };
        (piece.from < piece.to).then_some((piece, point.value))
    })
}

/// Seconds since 1970.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// A moment from seconds since 1970.
pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(i64, i64, f64)]) -> Series {
        let mut series = Series::new(Source::Openweather);
        for (from, to, value) in points {
            series.push(Metric::Precipitation, *from, *to, Some(*value));
        }
        series
    }

    #[test]
    fn a_hole_is_seen_and_a_part_counts_as_a_part() {
        let whole = series(&[(0, 10, 1.0), (10, 20, 2.0), (20, 30, 4.0)]);
        let window = Span { from: 5, to: 25 };
        assert!(whole.covers(Metric::Precipitation, window));
        assert_eq!(whole.total(Metric::Precipitation, window), Some(0.5 + 2.0 + 2.0));
        assert_eq!(whole.worst(Metric::Precipitation, window, Worst::Highest), Some((4.0, 25)));
        assert!(!whole.covers(Metric::Precipitation, Span { from: 5, to: 31 }));
        assert!(!whole.covers(Metric::Visibility, window));
        assert!(!series(&[(0, 10, 1.0), (11, 30, 2.0)]).covers(Metric::Precipitation, window));
        assert_eq!(series(&[]).total(Metric::Precipitation, window), None);
    }

    /// -10 °C for three hours; 54 km/h in the first and 10 km/h in the others.
    #[test]
    fn a_wind_of_one_hour_chills_a_temperature_of_three() {
        let mut series = Series::new(Source::Nws);
        series.push(Metric::Temperature, 0, 10_800, Some(-10.0));
        series.push(Metric::WindSpeed, 0, 3600, Some(15.0));
        series.push(Metric::WindSpeed, 3600, 10_800, Some(10.0 / 3.6));
        series.push(Metric::Humidity, 0, 7200, Some(40.0));
        series.push(Metric::Humidity, 7200, 14_400, Some(90.0));
        series.derive();
        let whole = Span { from: 0, to: 10_800 };
        let (chill, at) = series.worst(Metric::WindChill, whole, Worst::Lowest).unwrap();
        assert!((-22.5..-21.5).contains(&chill), "{chill}");
        assert_eq!(at, 3600);
        let (later, _) = series.worst(Metric::WindChill, Span { from: 3600, to: 10_800 }, Worst::Lowest).unwrap();
        assert!((-16.0..-14.5).contains(&later), "{later}");
        for metric in [Metric::WindChill, Metric::HeatIndex, Metric::Wbgt] {
            assert!(series.covers(metric, whole), "{metric:?}");
            assert_eq!(series.within(metric, whole).count(), 2, "{metric:?}");
        }
        assert!(!series.covers(Metric::HeatIndex, Span { from: 0, to: 10_801 }), "without a temperature there is none");
    }

    #[test]
    fn what_cannot_be_is_no_value() {
        let mut series = Series::new(Source::Nws);
        for value in [f64::NAN, f64::INFINITY, -9999.0, 400.0] {
            series.push(Metric::Temperature, 0, 1, Some(value));
        }
        series.push(Metric::Temperature, 0, 1, None);
        assert!(series.points.is_empty());
    }
}
