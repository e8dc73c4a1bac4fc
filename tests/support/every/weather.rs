use std::time::Duration;

use futures::future::BoxFuture;
use sandbox::{Sandbox, weather};
use serde_json::{Value, json};
use sis_integrations::Runtime;

use super::{School, Vendor};

const KEY: &str = weather::ONE_CALL_API_KEY;

pub const VENDOR: Vendor = Vendor {
    id: "weather",
    config,
    secrets: &[KEY],
    arguments,
    fill,
    faults: |sandbox| sandbox.weather().faults(),
    recorder: |sandbox| sandbox.weather().recorder(),
    silent: &[],
    contract: true,
    undocumented: UNDOCUMENTED,
    aliases: &[],
};

/// Air quality, and the geocoder that shares the weather's look-alike.
const UNDOCUMENTED: &[&str] = &[
    "* /data/2.5/air_pollution/history",
    "* /data/2.5/air_pollution/forecast",
    "* /v1/air-quality",
    "* /geocoder/locations/onelineaddress",
];

fn config(sandbox: &Sandbox) -> Value {
    sandbox.weather().warn(weather::POINT, weather::Alert::new("urn:oid:1", "Wind Advisory", "Moderate"));
    json!({
        "api_key": KEY, "one_call": true, "sources": ["openweather", "nws", "open_meteo"],
        "contact": "it@school.example", "places": { "School Address": weather::TOWN },
        "base_url": sandbox.url("weather"),
    })
}

/// `{soon}` and `{later}` stand for moments ahead.
fn arguments(operation: &str) -> Option<Value> {
    Some(match operation {
        "checkSchoolClosureConditions" => json!({
            "location": "School Address",
            "closureThresholds": { "temperature": -20, "windSpeed": 25, "precipitation": 10, "visibility": 1000 },
        }),
        "checkAthleticEvent" => json!({
            "location": "School Address", "start": "{soon}", "end": "{later}", "regionCategory": 3,
            "lightning": { "lastObservedAt": "2026-01-01T00:00:00Z", "distanceMiles": 8 },
        }),
        "checkFieldTrip" => json!({
            "stops": [
                { "location": weather::TOWN, "arrive": "{soon}", "depart": "{later}" },
                { "location": weather::POSTAL_CODE, "arrive": "{soon}", "depart": "{later}" },
            ],
            "thresholds": { "windSpeed": 25 }, "uvIndex": 8, "units": "metric",
        }),
        "getCurrentWeather" => json!({ "location": weather::POSTAL_CODE, "units": "imperial" }),
        "getForecast" => json!({ "location": "School Address", "steps": "daily", "count": 3 }),
        "getWeatherAlerts" | "getAirQuality" | "resolvePlace" => json!({ "location": "School Address" }),
        "getSources" => json!({}),
        _ => return None,
    })
}

fn fill<'a>(_: &'a School, _: &'a str, text: String) -> BoxFuture<'a, String> {
    let ahead = |hours: u64| Runtime::current().now().after(Duration::from_secs(hours * 3600)).to_string();
    Box::pin(async move { text.replace("{soon}", &ahead(2)).replace("{later}", &ahead(4)) })
}
