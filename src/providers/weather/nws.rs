//! The National Weather Service of the United States: alerts and the raw forecast grid.
//! <https://www.weather.gov/documentation/services-web-api>

use std::collections::HashSet;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Alert, ResolvedPlace, Source, Weather,
    series::{Metric, Series, seconds},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::Call,
    transport::Request,
};

pub(super) const HOST: &str = "https://api.weather.gov";

/// A request with the `User-Agent` that the service asks for.
pub(super) fn asked(call: &Call<'_, Weather>, path: &[&str]) -> Result<Request> {
    let request = call.get(call.url(HOST, path)?);
    Ok(request.header("user-agent", call.config().user_agent()).header("accept", "application/geo+json"))
}

/// Coordinates as it takes them: at most four decimals, and no zeros at their end.
fn point(place: &ResolvedPlace) -> String {
    let plain = |degrees: f64| {
        let text = format!("{degrees:.4}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if text == "-0" { "0".to_owned() } else { text.to_owned() }
    };
    format!("{},{}", plain(place.lat), plain(place.lon))
}

#[derive(Deserialize)]
struct Feature<T> {
    properties: T,
}

/// A cell of an office's forecast grid.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cell {
    grid_id: String,
    grid_x: u32,
    grid_y: u32,
    #[serde(default)]
    time_zone: Option<String>,
}

/// The cell that the place lies in; none where the service does not forecast.
///
/// This is asked before anything else: for a place in another country the alerts are an empty list, which says nothing.
pub(super) async fn cell(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Option<Cell>> {
    match call.fetch::<Feature<Cell>>(asked(call, &["points", &point(place)])?).await {
        Ok(feature) => Ok(Some(feature.properties)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct Grid {
    #[serde(rename = "updateTime", default)]
    update_time: Option<String>,
    #[serde(flatten)]
    layers: Map<String, Value>,
}

/// The grid's layers.
pub(super) async fn series(call: &Call<'_, Weather>, cell: &Cell) -> Result<Series> {
    let place = format!("{},{}", cell.grid_x, cell.grid_y);
    let grid: Feature<Grid> = call.fetch(asked(call, &["gridpoints", &cell.grid_id, &place])?).await?;
    let grid = grid.properties;
    let mut series = Series::new(Source::Nws);
    series.zone = cell.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    series.as_of = grid.update_time.and_then(|at| at.parse::<Timestamp>().ok()).map(seconds);
    for (name, metric) in [
        ("temperature", Metric::Temperature),
        ("relativeHumidity", Metric::Humidity),
        ("windSpeed", Metric::WindSpeed),
        ("windGust", Metric::WindGust),
        ("quantitativePrecipitation", Metric::Precipitation),
        ("visibility", Metric::Visibility),
        ("wetBulbGlobeTemperature", Metric::Wbgt),
        ("probabilityOfThunder", Metric::Thunder),
    ] {
        if let Some(layer) = grid.layers.get(name).and_then(|layer| Layer::deserialize(layer).ok()) {
            layer.tell(&mut series, metric);
        }
    }
    Ok(series)
}

#[derive(Deserialize)]
struct Layer {
    #[serde(default)]
    uom: Option<String>,
    #[serde(default)]
    values: Vec<LayerValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LayerValue {
    valid_time: String,
    value: Option<f64>,
}

impl Layer {
    fn tell(&self, series: &mut Series, metric: Metric) {
        let Some(scale) = scale(metric, self.uom.as_deref()) else { return };
        for LayerValue { valid_time, value } in &self.values {
            if let Some((from, to)) = interval(valid_time) {
                series.push(metric, from, to, value.map(&scale));
            }
        }
    }
}

/// From the layer's unit to ours; none for a unit that is not known, for then the value says nothing.
fn scale(metric: Metric, unit: Option<&str>) -> Option<Box<dyn Fn(f64) -> f64>> {
    use super::units::Kind;
    let unit = unit.map(|unit| unit.rsplit(':').next().unwrap_or(unit));
    let (factor, offset) = match (metric.kind(), unit) {
        (Kind::Temperature, Some("degC")) => (1.0, 0.0),
        (Kind::Temperature, Some("degF")) => (1.0 / 1.8, -32.0 / 1.8),
        (Kind::Speed, Some("km_h-1")) => (1.0 / 3.6, 0.0),
        (Kind::Speed, Some("m_s-1")) | (Kind::Depth, Some("mm")) | (Kind::Distance, Some("m")) => (1.0, 0.0),
        // The layer of thunder has no unit.
        (Kind::Percent, Some("percent") | None) => (1.0, 0.0),
        _ => return None,
    };
    Some(Box::new(move |value| value * factor + offset))
}

/// `2026-01-01T06:00:00+00:00/PT3H`: from when until when.
fn interval(text: &str) -> Option<(i64, i64)> {
    let (start, length) = text.split_once('/')?;
    let start = seconds(start.parse().ok()?);
    Some((start, start.checked_add(duration(length)?)?))
}

/// `P1DT6H`: days, hours, minutes and seconds.
fn duration(text: &str) -> Option<i64> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let mut total = 0_i64;
    for (mut part, units) in
        [(days, [('W', 604_800), ('D', 86_400)].as_slice()), (time, &[('H', 3600), ('M', 60), ('S', 1)])]
    {
        for (letter, seconds) in units {
            if let Some((number, rest)) = part.split_once(*letter) {
                total = total.checked_add(number.parse::<i64>().ok().filter(|n| (0..10_000).contains(n))? * seconds)?;
                part = rest;
            }
        }
        if !part.is_empty() {
            return None;
        }
    }
    (total > 0).then_some(total)
}

#[derive(Deserialize)]
struct Alerts {
    features: Vec<Feature<CapAlert>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CapAlert {
    id: String,
    event: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    message_type: Option<String>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    certainty: Option<String>,
    #[serde(default)]
    headline: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    instruction: Option<String>,
    #[serde(default)]
    area_desc: Option<String>,
    #[serde(default)]
    sender_name: Option<String>,
    #[serde(default)]
    onset: Option<String>,
    #[serde(default)]
    effective: Option<String>,
    #[serde(default)]
    ends: Option<String>,
    #[serde(default)]
    expires: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    identifier: Option<String>,
}

/// The alerts in force there: actual ones, neither cancelled nor replaced by a later one.
///
/// `limit` is never sent: the contract lists it, and the live service answers it with 400.
pub(super) async fn alerts(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Vec<Alert>> {
    let request = asked(call, &["alerts", "active"])?.query("point", point(place));
    let answer: Alerts = call.fetch(request).await?;
    let mut alerts: Vec<CapAlert> = answer.features.into_iter().map(|feature| feature.properties).collect();
    let replaced: HashSet<String> = alerts
        .iter()
        .filter(|alert| is(alert.status.as_ref(), "Actual"))
        .flat_map(|alert| alert.references.iter().filter_map(|reference| reference.identifier.clone()))
        .collect();
    // An alert without a status is taken for an actual one: better one too many.
    alerts.retain(|alert| {
        (alert.status.is_none() || is(alert.status.as_ref(), "Actual"))
            && !is(alert.message_type.as_ref(), "Cancel")
            && !replaced.contains(&alert.id)
    });
    Ok(alerts.into_iter().map(CapAlert::read).collect())
}

fn is(text: Option<&String>, word: &str) -> bool {
    text.is_some_and(|text| text == word)
}

impl CapAlert {
    fn read(self) -> Alert {
        let at = |text: Option<String>| text.and_then(|text| text.parse::<Timestamp>().ok());
        let mut alert = Alert::new(self.id, self.event, Source::Nws);
        alert.severity = self.severity;
        alert.urgency = self.urgency;
        alert.certainty = self.certainty;
        alert.headline = self.headline;
        alert.description = self.description;
        alert.instruction = self.instruction;
        alert.area = self.area_desc;
        alert.sender = self.sender_name;
        alert.onset = at(self.onset).or_else(|| at(self.effective));
        alert.ends = at(self.ends).or_else(|| at(self.expires));
        alert.extra = self.extra;
        alert
    }
}

/// Whether the service answers.
pub(super) async fn ping(call: &Call<'_, Weather>) -> Result<()> {
    let types: Value = call.fetch(asked(call, &["alerts", "types"])?).await?;
    match types.get("eventTypes").and_then(Value::as_array) {
        Some(_) => Ok(()),
        None => Err(Error::new(ErrorCode::InvalidResponse, "the National Weather Service named no kinds of alerts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("PT1H", Some(3600)),
            ("PT3H", Some(10_800)),
            ("P1DT6H", Some(108_000)),
            ("P7D", Some(604_800)),
            ("PT30M", Some(1800)),
            ("P1W", Some(604_800)),
            ("PT0H", None),
            ("", None),
            ("P", None),
            ("PT1X", None),
            ("PT-1H", None),
            ("PT99999999999999999999H", None),
        ] {
            assert_eq!(duration(text), seconds, "{text}");
        }
        assert_eq!(interval("1970-01-01T06:00:00+00:00/PT1H"), Some((21_600, 25_200)));
    }

    #[test]
    fn coordinates_have_at_most_four_decimals() {
        let place = |lat, lon| ResolvedPlace {
            name: None,
            state: None,
            country: None,
            lat,
            lon,
            source: super::super::Locator::Given,
        };
        assert_eq!(point(&place(41.837_04, -87.5)), "41.837,-87.5");
        assert_eq!(point(&place(-0.000_001, 100.0)), "0,100");
    }

    #[test]
    fn a_unit_that_is_not_known_says_nothing() {
        let kmh = scale(Metric::WindSpeed, Some("wmoUnit:km_h-1")).unwrap();
        assert!((kmh(36.0) - 10.0).abs() < 1e-9);
        let f = scale(Metric::Temperature, Some("wmoUnit:degF")).unwrap();
        assert!(f(32.0).abs() < 1e-9);
        assert!(scale(Metric::WindSpeed, Some("wmoUnit:kn")).is_none());
        assert!(scale(Metric::Temperature, None).is_none());
    }
}
