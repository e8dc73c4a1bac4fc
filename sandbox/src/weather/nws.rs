//! The National Weather Service: points, the raw grid, alerts. In the United States only, which here is a box.

use hyper::StatusCode;
use hyper::header::{LOCATION, USER_AGENT};
use serde_json::{Map, Value, json};

use super::world::{Alert, Cell, Conditions, Service, World, cell};
use crate::clock::timestamp;
use crate::exchange::{Answer, Request};

const GEO_JSON: &str = "application/geo+json";
/// How far the grid reaches, in hours.
const REACH: i64 = 7 * 24;

pub(super) fn problem(status: StatusCode, kind: &str, title: &str) -> Answer {
    let body = json!({
        "correlationId": "sandbox", "title": title, "type": format!("https://api.weather.gov/problems/{kind}"),
        "status": status.as_u16(), "detail": title, "instance": "https://api.weather.gov/requests/sandbox",
    });
    Answer::new(status, "application/problem+json", body.to_string())
}

/// Coordinates of a path or query, and whether they are written as the service wants them.
fn point(text: &str) -> Option<((f64, f64), bool)> {
    let (lat, lon) = text.split_once(',')?;
    let neat = |text: &str| text.split_once('.').is_none_or(|(_, more)| more.len() <= 4 && !more.ends_with('0'));
    let (north, east) = (lat.parse::<f64>().ok()?, lon.parse::<f64>().ok()?);
    (north.abs() <= 90.0 && east.abs() <= 180.0).then_some(((north, east), neat(lat) && neat(lon)))
}

fn covered((lat, lon): (f64, f64)) -> bool {
    (24.0..=50.0).contains(&lat) && (-125.0..=-66.0).contains(&lon)
}

fn neat(degrees: f64) -> String {
    let text = format!("{degrees:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn answer(world: &World, request: &Request, url: &str) -> Answer {
    if request.header(&USER_AGENT).is_none_or(|agent| agent.trim().is_empty()) {
        return Answer::new(
            StatusCode::FORBIDDEN,
            "text/html",
            "<html><head><title>Access Denied</title></head></html>",
        );
    }
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
    match path[..] {
        ["points", text] => points(text, url),
        ["gridpoints", _, text] => {
            let at = text.split_once(',').and_then(|(x, y)| Some((x.parse().ok()?, -y.parse::<i32>().ok()?)));
            match at {
                Some(at) => grid(world, at, request.at),
                None => problem(StatusCode::NOT_FOUND, "NotFound", "Not Found"),
            }
        }
        ["alerts", "active"] => alerts(world, request),
        ["alerts", "types"] => Answer::new(
            StatusCode::OK,
            "application/ld+json",
            json!({ "eventTypes": ["Blizzard Warning", "Tornado Warning"] }).to_string(),
        ),
        _ => problem(StatusCode::NOT_FOUND, "NotFound", "Not Found"),
    }
}

fn points(text: &str, url: &str) -> Answer {
    let Some((at, is_neat)) = point(text) else {
        return problem(StatusCode::BAD_REQUEST, "InvalidParameter", "Invalid Parameter");
    };
    if !is_neat {
        let to = format!("{url}/points/{},{}", neat(at.0), neat(at.1));
        return problem(
            StatusCode::MOVED_PERMANENTLY,
            "AdjustPointPrecision",
            "Adjusting Precision Of Point Coordinate",
        )
        .with(LOCATION, &to);
    }
    if !covered(at) {
        return problem(StatusCode::NOT_FOUND, "InvalidPoint", "Data Unavailable For Requested Point");
    }
    let (x, y) = cell(at);
    let grid = format!("https://api.weather.gov/gridpoints/LOT/{x},{}", -y);
    let body = json!({
        "@context": [],
        "id": format!("https://api.weather.gov/points/{text}"),
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": [at.1, at.0] },
        "properties": {
            "@id": format!("https://api.weather.gov/points/{text}"),
            "@type": "wx:Point",
            "cwa": "LOT",
            "forecastOffice": "https://api.weather.gov/offices/LOT",
            "gridId": "LOT",
            "gridX": x,
            "gridY": -y,
            "forecast": format!("{grid}/forecast"),
            "forecastHourly": format!("{grid}/forecast/hourly"),
            "forecastGridData": grid,
            "observationStations": format!("{grid}/stations"),
            "timeZone": zone(at.1),
            "radarStation": "KLOT",
        },
    });
    Answer::new(StatusCode::OK, GEO_JSON, body.to_string())
}

/// The zones of the states at this longitude; Detroit, at 83° west, goes by New York's hour.
fn zone(lon: f64) -> &'static str {
    match lon {
        lon if lon < -114.0 => "America/Los_Angeles",
        lon if lon < -102.0 => "America/Denver",
        lon if lon < -86.0 => "America/Chicago",
        _ => "America/New_York",
    }
}

/// Hours with the same value, told as one for as long as `most` of them: from which on, how many, and the value.
fn merged(hours: &[f64], most: usize) -> Vec<(usize, usize, f64)> {
    let mut intervals: Vec<(usize, usize, f64)> = Vec::new();
    for (hour, value) in hours.iter().enumerate() {
        match intervals.last_mut() {
            Some((_, length, same)) if same == value && *length < most => *length += 1,
            _ => intervals.push((hour, 1, *value)),
        }
    }
    intervals
}

fn grid(world: &World, at: Cell, now: i64) -> Answer {
    let first = now / 3_600_000;
    let time = |hour: i64| timestamp(hour * 3_600_000).to_string().replace('Z', "+00:00");
    let mut properties = Map::new();
    if !world.empty.contains(&Service::Nws) {
        let hours: Vec<Conditions> = (0..REACH).map(|hour| world.at(at, (first + hour) * 3600)).collect();
        type Layer = (&'static str, Option<&'static str>, fn(&Conditions) -> f64);
        let layers: [Layer; 7] = [
            ("temperature", Some("wmoUnit:degC"), |c| c.temperature),
            ("relativeHumidity", Some("wmoUnit:percent"), |c| c.humidity),
            ("windSpeed", Some("wmoUnit:km_h-1"), |c| c.wind * 3.6),
            ("windGust", Some("wmoUnit:km_h-1"), |c| c.gust * 3.6),
            ("quantitativePrecipitation", Some("wmoUnit:mm"), |c| c.rain),
            ("visibility", Some("wmoUnit:m"), |c| c.visibility),
            ("probabilityOfThunder", None, |c| if c.thunder { 80.0 } else { 0.0 }),
        ];
        for (at, (name, unit, value)) in layers.into_iter().enumerate() {
            if world.leaves_out(Service::Nws, name) {
                continue;
            }
            let hours: Vec<f64> = hours.iter().map(value).collect();
            // The layers' intervals do not begin and end together.
            let intervals = merged(&hours, at + 3).into_iter();
            let values: Vec<Value> = intervals
                .map(|(from, length, value)| {
                    #[allow(clippy::cast_precision_loss, reason = "a few hours")]
                    let value = if name == "quantitativePrecipitation" { value * length as f64 } else { value };
                    #[allow(clippy::cast_possible_wrap, reason = "a week's hours")]
                    let from = time(first + from as i64);
                    json!({ "validTime": format!("{from}/PT{length}H"), "value": value })
                })
                .collect();
            let mut layer = json!({ "values": values });
            if let Some(unit) = unit {
                layer["uom"] = json!(unit);
            }
            properties.insert(name.to_owned(), layer);
        }
    }
    properties.insert("@type".to_owned(), json!("wx:Gridpoint"));
    properties.insert("updateTime".to_owned(), json!(time(first)));
    properties.insert("gridId".to_owned(), json!("LOT"));
    #[allow(clippy::cast_lossless, reason = "JSON")]
    let (lat, lon) = (f64::from(at.0) / 100.0, f64::from(at.1) / 100.0);
    let body = json!({
        "@context": [],
        "id": format!("https://api.weather.gov/gridpoints/LOT/{},{}", at.0, -at.1),
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": [lon, lat] },
        "properties": properties,
    });
    Answer::new(StatusCode::OK, GEO_JSON, body.to_string())
}

/// The live service's parameters. Its contract lists `limit` too; sent, it is answered with 400.
const PARAMETERS: [&str; 11] = [
    "status",
    "message_type",
    "event",
    "code",
    "area",
    "point",
    "region",
    "region_type",
    "zone",
    "urgency",
    "severity",
];

fn alerts(world: &World, request: &Request) -> Answer {
    let query = request.query();
    if let Some((unknown, _)) = query.iter().find(|(name, _)| !PARAMETERS.contains(name)) {
        let message = format!("Query parameter \"{unknown}\" is not recognized");
        let body = json!({
            "correlationId": "sandbox", "title": "Bad Request", "status": 400, "detail": "Bad Request",
            "type": "https://api.weather.gov/problems/BadRequest",
            "instance": "https://api.weather.gov/requests/sandbox",
            "parameterErrors": [{ "parameter": format!("query.{unknown}"), "message": message }],
        });
        return Answer::new(StatusCode::BAD_REQUEST, "application/problem+json", body.to_string());
    }
    let Some((at, _)) = query.get("point").and_then(point) else {
        return problem(StatusCode::BAD_REQUEST, "InvalidParameter", "Invalid Parameter");
    };
    if world.empty.contains(&Service::Nws) {
        return Answer::new(StatusCode::OK, GEO_JSON, "{}");
    }
    // For a place abroad the list is empty, which says nothing.
    let features: Vec<Value> =
        world.alerts(cell(at)).iter().filter(|_| covered(at)).map(|alert| feature(alert, request.at)).collect();
    let body = json!({
        "@context": [], "type": "FeatureCollection", "features": features,
        "title": "Current watches, warnings, and advisories", "updated": timestamp(request.at).to_string(),
    });
    Answer::new(StatusCode::OK, GEO_JSON, body.to_string())
}

fn feature(alert: &Alert, now: i64) -> Value {
    let time = |hours: i64| timestamp(now + hours * 3_600_000).to_string();
    let references: Vec<Value> = alert
        .references
        .iter()
        .map(|id| {
            json!({
                "@id": format!("https://api.weather.gov/alerts/{id}"), "identifier": id, "sender": "w-nws.webmaster@noaa.gov",
                "sent": time(-2),
            })
        })
        .collect();
    json!({
        "id": format!("https://api.weather.gov/alerts/{}", alert.id),
        "type": "Feature",
        "geometry": null,
        "properties": {
            "id": alert.id, "areaDesc": "Sandbox County", "references": references, "sent": time(-1),
            "effective": time(-1), "onset": time(-1), "expires": time(12), "ends": time(96),
            "status": alert.status, "messageType": alert.message_type, "category": "Met",
            "severity": alert.severity, "certainty": "Likely", "urgency": "Expected", "event": alert.event,
            "sender": "w-nws.webmaster@noaa.gov", "senderName": "NWS Sandbox", "headline": alert.event,
            "description": alert.event, "instruction": "Stay indoors.", "response": "Shelter",
        },
    })
}
