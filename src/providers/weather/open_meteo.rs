//! Open-Meteo: hourly forecast and modelled air quality. <https://open-meteo.com/en/docs>

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    ResolvedPlace, Source, Weather,
    series::{Metric, Series, seconds},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Request,
};

const HOUR: i64 = 3600;
/// How far it looks ahead, in days.
const DAYS: &str = "16";

/// Whether a path is Open-Meteo's.
pub(super) fn owns(path: &str) -> bool {
    matches!(path, "/v1/forecast" | "/v1/air-quality")
}

/// A request for a place; a tenant with a key goes to the paying hosts.
fn asked(call: &Call<'_, Weather>, name: &str, path: &str, place: &ResolvedPlace) -> Result<Request> {
    let paying = if call.config().open_meteo_api_key.is_some() { "customer-" } else { "" };
    Ok(call
        .get(call.url(&format!("https://{paying}{name}.open-meteo.com"), &["v1", path])?)
        .query("latitude", format!("{:.4}", place.lat))
        .query("longitude", format!("{:.4}", place.lon)))
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    utc_offset_seconds: i64,
    #[serde(default)]
    timezone: Option<String>,
    #[serde(default)]
    hourly: Option<Hourly>,
}

/// Columns: one list for each variable, all as long as the list of hours.
#[derive(Deserialize)]
struct Hourly {
    time: Vec<String>,
    #[serde(flatten)]
    columns: Map<String, Value>,
}

impl Answer {
    fn hours(self) -> Result<(Vec<i64>, Map<String, Value>)> {
        let nonsense = || Error::new(ErrorCode::InvalidResponse, "Open-Meteo's hours cannot be read");
        let Some(hourly) = self.hourly else { return Ok((Vec::new(), Map::new())) };
        let hours: Option<Vec<i64>> = hourly
            .time
            .iter()
            // The place's own time, without an offset.
            .map(|text| Some(seconds(format!("{text}Z").parse().ok()?) - self.utc_offset_seconds))
            .collect();
        Ok((hours.ok_or_else(nonsense)?, hourly.columns))
    }
}

fn column<'c>(columns: &'c Map<String, Value>, name: &str) -> &'c [Value] {
    columns.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The next sixteen days, hour by hour.
pub(super) async fn series(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Series> {
    const VARIABLES: [(&str, Metric); 7] = [
        ("temperature_2m", Metric::Temperature),
        ("relative_humidity_2m", Metric::Humidity),
        ("wind_speed_10m", Metric::WindSpeed),
        ("wind_gusts_10m", Metric::WindGust),
        ("precipitation", Metric::Precipitation),
        ("visibility", Metric::Visibility),
        ("uv_index", Metric::UvIndex),
    ];
    let mut wanted: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
    wanted.push("weather_code");
    let request = asked(call, "api", "forecast", place)?
        .query("hourly", wanted.join(","))
        .query("wind_speed_unit", "ms")
        .query("timezone", "auto")
        .query("forecast_days", DAYS);
    let answer: Answer = call.fetch(request).await?;
    let mut series = Series::new(Source::OpenMeteo);
    series.offset = Some(answer.utc_offset_seconds);
    series.zone = answer.timezone.as_deref().and_then(|name| TimeZone::get(name).ok());
    let (hours, columns) = answer.hours()?;
    for (name, metric) in VARIABLES {
        for (hour, value) in hours.iter().zip(column(&columns, name)) {
            series.push(metric, hour - HOUR, *hour, value.as_f64());
        }
    }
    for (hour, code) in hours.iter().zip(column(&columns, "weather_code")) {
        let thunder = code.as_f64().map(|code| if matches!(code, 95.0 | 96.0 | 99.0) { 100.0 } else { 0.0 });
        series.push(Metric::Thunder, hour - HOUR, *hour, thunder);
    }
    Ok(series)
}

/// The index of the United States, hour by hour: yesterday and the next five days.
pub(super) async fn air_quality(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Series> {
    let request = asked(call, "air-quality-api", "air-quality", place)?
        .query("hourly", "us_aqi")
        .query("timezone", "auto")
        .query("past_days", "1");
    let answer: Answer = call.fetch(request).await?;
    let mut series = Series::new(Source::OpenMeteo);
    series.offset = Some(answer.utc_offset_seconds);
    let (hours, columns) = answer.hours()?;
    for (hour, value) in hours.iter().zip(column(&columns, "us_aqi")) {
        series.push(Metric::AirQuality, hour - HOUR, *hour, value.as_f64());
    }
    Ok(series)
}
