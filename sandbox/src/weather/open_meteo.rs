//! Open-Meteo: forecast and air quality, in columns, by the place's own hours.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::refuse;
use super::world::{Conditions, Service, World, cell, degrees, offset};
use crate::clock::timestamp;
use crate::exchange::{Answer, Request};

fn bad(reason: &str) -> Answer {
    refuse(Some(Service::OpenMeteo), StatusCode::BAD_REQUEST, reason)
}

/// A variable's unit and value.
fn variable(name: &str, conditions: Conditions, speed: f64) -> Option<(&'static str, f64)> {
    Some(match name {
        "temperature_2m" => ("°C", conditions.temperature),
        "relative_humidity_2m" => ("%", conditions.humidity),
        "wind_speed_10m" => ("m/s", conditions.wind * speed),
        "wind_gusts_10m" => ("m/s", conditions.gust * speed),
        "precipitation" => ("mm", conditions.rain),
        "visibility" => ("m", conditions.visibility),
        "uv_index" => ("", conditions.ultraviolet),
        "weather_code" if conditions.thunder => ("wmo code", 95.0),
        "weather_code" => ("wmo code", if conditions.rain > 0.0 { 61.0 } else { 0.0 }),
        "us_aqi" => ("USAQI", conditions.us_aqi),
        _ => return None,
    })
}

pub(super) fn answer(world: &World, request: &Request) -> Answer {
    let query = request.query();
    let Some(lat) = degrees(query.get("latitude"), 90.0) else {
        return bad("Latitude must be in range of -90 to 90°.");
    };
    let Some(lon) = degrees(query.get("longitude"), 180.0) else {
        return bad("Longitude must be in range of -180 to 180°.");
    };
    let whole = |name, usual: i64| query.get(name).map_or(Some(usual), |text| text.parse().ok());
    let usual = if request.path() == "/v1/forecast" { 7 } else { 5 };
    let (Some(days @ 0..=16), Some(past @ 0..=92)) = (whole("forecast_days", usual), whole("past_days", 0)) else {
        return bad("Forecast days is invalid. Allowed range 0 to 16.");
    };
    let speed = match query.get("wind_speed_unit") {
        None | Some("kmh") => 3.6,
        Some("ms") => 1.0,
        Some("mph") => 2.236_936,
        Some("kn") => 1.943_844,
        Some(_) => return bad("Cannot initialize WindspeedUnit from invalid String value."),
    };
    let ahead = if query.get("timezone") == Some("auto") { offset(lon) } else { 0 };
    let today = (request.at / 1000 + ahead).div_euclid(86_400) * 86_400;
    let hours: Vec<i64> = (-past * 24..days * 24).map(|hour| today + hour * 3600).collect();
    let mut columns = Map::new();
    let mut units = Map::new();
    // The place's own time, to the minute and without an offset.
    let times = hours.iter().map(|at| json!(timestamp(at * 1000).to_string()[..16]));
    columns.insert("time".to_owned(), times.collect());
    units.insert("time".to_owned(), json!("iso8601"));
    for name in query.get("hourly").unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        let told: Option<Vec<(&str, f64)>> =
            hours.iter().map(|at| variable(name, world.at(cell((lat, lon)), *at), speed)).collect();
        let Some(told) = told else {
            return bad(&format!(
                "Data corrupted at path ''. Cannot initialize variable from invalid String value {name}."
            ));
        };
        let whole = matches!(name, "weather_code" | "us_aqi");
        #[allow(clippy::cast_possible_truncation, reason = "codes are whole numbers")]
        let number = |value: f64| if whole { json!(value as i64) } else { json!(value) };
        let left_out = world.leaves_out(Service::OpenMeteo, name);
        let column = told.iter().map(|(_, value)| if left_out { Value::Null } else { number(*value) });
        columns.insert(name.to_owned(), column.collect());
        units.insert(name.to_owned(), json!(told.first().map_or("", |(unit, _)| unit)));
    }
    let mut body = json!({
        "latitude": lat, "longitude": lon, "elevation": 180.0, "generationtime_ms": 0.1, "utc_offset_seconds": ahead,
        "timezone": "GMT", "timezone_abbreviation": "GMT",
    });
    if !world.empty.contains(&Service::OpenMeteo) {
        body["hourly_units"] = json!(units);
        body["hourly"] = json!(columns);
    }
    Answer::json(StatusCode::OK, &body)
}
