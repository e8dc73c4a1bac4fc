//! The weather itself: now, hour by hour, day by day, from each source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Metric, Missing, Place, ResolvedPlace, Source, SourceReport, Units, Weather,
    gather::{Gathered, Wanted, gather},
    series::{Series, Span, Worst, moment, seconds},
};
use crate::{
    error::{Error, Result},
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The weather of a moment or period. What a source does not say is left out, and is not zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Conditions {
    /// From when.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// Lowest air temperature: °C or °F.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_min: Option<f64>,
    /// Highest air temperature: °C or °F.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_max: Option<f64>,
    /// Highest relative humidity, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub humidity: Option<f64>,
    /// Strongest wind: m/s or mph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wind_speed: Option<f64>,
    /// Strongest gust: m/s or mph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wind_gust: Option<f64>,
    /// Rain and snow as water, summed up: mm or in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precipitation: Option<f64>,
    /// Poorest visibility: m or mi. OpenWeather says at most 10 km.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<f64>,
    /// Lowest wind chill: °C or °F.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wind_chill: Option<f64>,
    /// Highest heat index: °C or °F.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heat_index: Option<f64>,
    /// Highest WBGT: °C or °F. The National Weather Service's forecast, else an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wbgt: Option<f64>,
    /// How likely thunder is, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thunder: Option<f64>,
    /// Highest ultraviolet index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uv_index: Option<f64>,
}

impl Conditions {
    fn of(series: &Series, span: Span, units: Units) -> Self {
        let worst = |metric, worst| series.worst(metric, span, worst).map(|(value, _)| units.show(metric, value));
        let (low, high) = (|metric| worst(metric, Worst::Lowest), |metric| worst(metric, Worst::Highest));
        Self {
            start: moment(span.from),
            end: moment(span.to),
            temperature_min: low(Metric::Temperature),
            temperature_max: high(Metric::Temperature),
            humidity: high(Metric::Humidity),
            wind_speed: high(Metric::WindSpeed),
            wind_gust: high(Metric::WindGust),
            precipitation: series
                .total(Metric::Precipitation, span)
                .map(|value| units.show(Metric::Precipitation, value)),
            visibility: low(Metric::Visibility),
            wind_chill: low(Metric::WindChill),
            heat_index: high(Metric::HeatIndex),
            wbgt: high(Metric::Wbgt),
            thunder: high(Metric::Thunder),
            uv_index: high(Metric::UvIndex),
        }
    }
}

/// What one source says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceWeather {
    /// Which.
    pub source: Source,
    /// In the order of time.
    pub steps: Vec<Conditions>,
}

/// The weather of a place, source by source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WeatherReport {
    /// What each source says.
    pub weather: Vec<SourceWeather>,
    /// The units of the values.
    pub units: Units,
    /// Where.
    pub resolved_location: ResolvedPlace,
    /// Which sources were asked, and what came of it.
    pub sources: Vec<SourceReport>,
    /// What is not known.
    pub missing: Vec<Missing>,
}

/// Asks every source, and lets `steps` say which periods of each are wanted.
async fn report(
    call: &Call<'_, Weather>,
    location: &Place,
    units: Option<Units>,
    steps: impl Fn(&Series, &Gathered, &ResolvedPlace) -> Vec<Span>,
) -> Result<WeatherReport> {
    let units = units.or(call.config().units).unwrap_or_default();
    let place = location.resolve(call, "location").await?;
    let mut gathered = gather(call, &place, Wanted::WEATHER).await;
    gathered.something()?;
    let known = |series: &Series| {
        let spans = steps(series, &gathered, &place);
        let steps = spans.into_iter().filter(|span| series.knows(*span));
        SourceWeather { source: series.source, steps: steps.map(|span| Conditions::of(series, span, units)).collect() }
    };
    let weather: Vec<SourceWeather> = gathered.series.iter().map(known).collect();
    Ok(WeatherReport { weather, units, resolved_location: place, sources: gathered.reports, missing: gathered.missing })
}

/// Answers the weather of now, from each source in use.
///
/// OpenWeather's is measured; that of the others is their forecast for this hour.
/// <https://openweathermap.org/current>, <https://www.weather.gov/documentation/services-web-api>,
/// <https://open-meteo.com/en/docs>
/// Access: read.
/// Errors: the first source's where none answers, and those of `resolvePlace`.
/// Example: `{"location": "60608,US", "units": "imperial"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetCurrentWeather {
    /// Where.
    pub location: Place,
    /// The units of the answer. Default: the config's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
}

impl GetCurrentWeather {
    /// Asks for the weather of this place.
    pub fn new(location: impl Into<Place>) -> Self {
        Self { location: location.into(), units: None }
    }

    /// The same, in these units.
    pub fn units(mut self, units: Units) -> Self {
        self.units = Some(units);
        self
    }
}

impl Operation for GetCurrentWeather {
    type Provider = Weather;
    type Output = WeatherReport;

    const NAME: &'static str = "getCurrentWeather";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "location": Location(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.location.validate("location")
    }

    async fn run(self, call: &Call<'_, Weather>) -> Result<WeatherReport> {
        let now = seconds(call.now());
        report(call, &self.location, self.units, |series, _, _| {
            // A second is enough to find what holds: at the end of what was measured, or from now on.
            let measured = series.as_of.filter(|_| series.source == Source::Openweather);
            let from = measured.map_or(now, |at| at - 1);
            Vec::from([Span { from, to: from + 1 }])
        })
        .await
    }
}

/// Hour by hour, or day by day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Steps {
    /// Hours. OpenWeather forecasts three of them at a time.
    #[default]
    Hourly,
    /// The place's own days.
    Daily,
}

/// Answers the forecast hour by hour or day by day, from each source in use.
///
/// A source answers as many steps as it forecasts: OpenWeather 5 days, the National Weather Service 7, Open-Meteo 16.
/// <https://openweathermap.org/forecast5>, <https://www.weather.gov/documentation/services-web-api>,
/// <https://open-meteo.com/en/docs>
/// Access: read.
/// Errors: `invalid_argument` with the path, the first source's where none answers, and those of `resolvePlace`.
/// Example: `{"location": "Chicago,IL,US", "steps": "daily", "count": 3}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetForecast {
    /// Where.
    pub location: Place,
    /// Hour by hour or day by day. Default: `hourly`.
    #[serde(default)]
    pub steps: Steps,
    /// How many: 1 to 384 hours (default 24), or 1 to 16 days (default 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u16>,
    /// The units of the answer. Default: the config's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
}

impl GetForecast {
    /// Asks for the next 24 hours.
    pub fn new(location: impl Into<Place>) -> Self {
        Self { location: location.into(), steps: Steps::Hourly, count: None, units: None }
    }

    /// The same, day by day.
    pub fn daily(mut self) -> Self {
        self.steps = Steps::Daily;
        self
    }

    /// The same, with this many steps.
    pub fn count(mut self, count: u16) -> Self {
        self.count = Some(count);
        self
    }

    /// The same, in these units.
    pub fn units(mut self, units: Units) -> Self {
        self.units = Some(units);
        self
    }
}

impl Operation for GetForecast {
    type Provider = Weather;
    type Output = WeatherReport;

    const NAME: &'static str = "getForecast";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "location": Location(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.location.validate("location")?;
        let most = match self.steps {
            Steps::Hourly => 384,
            Steps::Daily => 16,
        };
        if self.count.is_some_and(|count| !(1..=most).contains(&count)) {
            return Err(Error::invalid("count", format!("must be between 1 and {most}; no forecast reaches further")));
        }
        Ok(())
    }

    async fn run(self, call: &Call<'_, Weather>) -> Result<WeatherReport> {
        let now = seconds(call.now());
        let Self { steps, count, .. } = self;
        report(call, &self.location, self.units, |series, gathered, place| match steps {
            Steps::Hourly => {
                let first = now.div_euclid(HOUR) * HOUR;
                let count = i64::from(count.unwrap_or(24));
                let step = if series.source == Source::Openweather { 3 * HOUR } else { HOUR };
                let first = if step == HOUR { first } else { now.div_euclid(step) * step };
                let last = first + count * HOUR;
                (0..)
                    .map(|n| first + n * step)
                    .take_while(|from| *from < last)
                    .map(|from| Span { from, to: from + step })
                    .collect()
            }
            Steps::Daily => {
                let clocks = gathered.clocks(place);
                let today = (now + clocks.ahead(now)).div_euclid(DAY);
                let begin = |day: i64| clocks.moment((today + day) * DAY);
                (0..i64::from(count.unwrap_or(5))).map(|day| Span { from: begin(day), to: begin(day + 1) }).collect()
            }
        })
        .await
    }
}
