//! Weather: OpenWeather, the United States' National Weather Service and Open-Meteo, asked at once; places, forecasts,
//! air quality, official warnings, and checks for closing, athletics and field trips.

mod activity;
mod air_quality;
mod alerts;
mod aqi;
mod athletic;
mod census;
mod closure;
mod config;
mod error;
mod forecast;
mod formulas;
mod gather;
mod judge;
mod nws;
mod open_meteo;
mod openweather;
mod place;
mod series;
mod sources;
mod trip;
mod units;

pub use activity::RegionCategory;
pub use air_quality::{AirQuality, AirQualityReport, GetAirQuality, PollutantIndex};
pub use alerts::{Alert, GetWeatherAlerts, WeatherAlerts};
pub use aqi::Pollutant;
pub use athletic::{CheckAthleticEvent, EventReport, EventVerdict, Lightning};
pub use closure::{CheckSchoolClosureConditions, ClosureReport, ClosureThresholds, ClosureVerdict};
pub use config::WeatherConfig;
pub use forecast::{Conditions, GetCurrentWeather, GetForecast, SourceWeather, Steps, WeatherReport};
pub use gather::{Missing, SourceReport, SourceState};
pub use judge::{Effect, Evidence, Reading, Window};
pub use place::{Locator, Place, ResolvePlace, ResolvedPlace};
pub use series::{Metric, Source};
pub use sources::{GetSources, Sources};
pub use trip::{CheckFieldTrip, Stop, StopReport, TripReport, TripVerdict};
pub use units::Units;

use crate::{
    error::{Error, Result},
    model::Timestamp,
    operations,
    providers::{HealthProbe, Limit, OperationSpec, Price, Provider, ProviderConfig, ProviderInfo, Quota},
    transport::{Headers, Request},
};

/// Limits and prices come from our notes on the sources, which nobody has yet compared with the page named here.
macro_rules! noted {
    ($page:literal) => {
        concat!("learning-weather-planned notes, not yet confirmed at ", $page)
    };
}

/// When the notes on limits and prices were read.
const READ: &str = "2026-11-24";

/// What things cost.
mod prices {
    pub(super) const CURRENCY: &str = "GBP";
    /// A call of One Call beyond the first thousand of a day, in millionths.
    pub(super) const ONE_CALL: i64 = 1_200;
}

const fn limit(what: &'static str, limit: &'static str, source: &'static str) -> Limit {
    Limit { what, limit, source, date: READ }
}

/// Weather, from up to three sources.
#[derive(Debug)]
pub struct Weather;

impl Provider for Weather {
    type Config = WeatherConfig;

    const INFO: ProviderInfo = ProviderInfo {
        id: "weather",
        name: "Weather",
        recipient: "OpenWeather Ltd., the US National Weather Service, Open-Meteo GmbH, the US Census Bureau",
        purpose: "finds a place and tells its weather; only a street address is more than a point on the map",
        hosts: &[
            "api.openweathermap.org",
            "api.weather.gov",
            "api.open-meteo.com",
            "customer-api.open-meteo.com",
            "air-quality-api.open-meteo.com",
            "customer-air-quality-api.open-meteo.com",
            "geocoding.geo.census.gov",
        ],
        health: HealthProbe::Operation("getSources"),
        quota: Quota { per_second: 5.0, burst: 20 },
        limits: &[
            limit(
                "OpenWeather, free plan",
                "60 calls a minute, 1 000 000 a month",
                noted!("https://openweathermap.org/full-price"),
            ),
            limit(
                "OpenWeather, paid plans",
                "600 (Startup), 3 000 (Developer), 30 000 (Professional) or 100 000 (Expert) calls a minute",
                noted!("https://openweathermap.org/full-price"),
            ),
            limit(
                "One Call 3.0",
                "2 000 calls a day until the account's owner changes it",
                noted!("https://openweathermap.org/full-price"),
            ),
            limit("OpenWeather's visibility", "never more than 10 000 m", noted!("https://openweathermap.org/current")),
            limit(
                "National Weather Service",
                "not published; above it an error, to be repeated after 5 seconds; ask for alerts at most every 30 seconds",
                noted!("https://www.weather.gov/documentation/services-web-api"),
            ),
            limit(
                "Open-Meteo without a key",
                "600 calls a minute, 5 000 an hour, 10 000 a day, 300 000 a month; non-commercial use only",
                noted!("https://open-meteo.com/en/pricing"),
            ),
        ],
        prices: &[Price {
            unit: "One Call 3.0, a call beyond the day's first 1 000",
            micros: prices::ONE_CALL,
            currency: prices::CURRENCY,
            source: noted!("https://openweathermap.org/full-price"),
            date: READ,
        }],
        docs: "https://openweathermap.org/api",
    };

    fn operations() -> Vec<OperationSpec> {
        operations![
            CheckSchoolClosureConditions,
            CheckAthleticEvent,
            CheckFieldTrip,
            GetWeatherAlerts,
            GetCurrentWeather,
            GetForecast,
            GetAirQuality,
            ResolvePlace,
            GetSources,
        ]
    }

    /// OpenWeather and Open-Meteo take their keys in the query, and each gets its own only: told by host, and by path
    /// where all of them lie below one address. A key that is there already (a repeated request) is not added again.
    fn authenticate(config: &WeatherConfig, request: &mut Request, _now: Timestamp) -> Result<()> {
        let base = config.base_url();
        let path = request.url.path();
        let path = match base {
            Some(base) => path.strip_prefix(base.path().trim_end_matches('/')).unwrap_or(path),
            None => path,
        };
        let host = request.url.host_str().unwrap_or_default();
        let at = |domain: &str| base.is_some() || host.ends_with(domain);
        let (name, key) = if openweather::owns(path) && at("api.openweathermap.org") {
            ("appid", &config.api_key)
        } else if open_meteo::owns(path) && at(".open-meteo.com") {
            ("apikey", &config.open_meteo_api_key)
        } else {
            return Ok(());
        };
        if let Some(key) = key
            && !request.url.query_pairs().any(|(there, _)| there == name)
        {
            request.url.query_pairs_mut().append_pair(name, key.expose());
        }
        Ok(())
    }

    fn parse_error(status: u16, headers: &Headers, body: &[u8]) -> Error {
        error::parse(status, headers, body)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::{model::Secret, transport::Method};

    #[test]
    fn each_key_goes_to_its_own_service_only() {
        let config = WeatherConfig {
            open_meteo_api_key: Some(Secret::new("meteo-key".to_owned())),
            ..WeatherConfig::new().api_key("open-key")
        };
        let below = config.clone().base_url("https://proxy.example/weather/".parse().unwrap());
        let sent = |config: &WeatherConfig, url: &str| {
            let mut request = Request::new(Method::Get, url.parse::<Url>().unwrap());
            Weather::authenticate(config, &mut request, Timestamp::from_micros(0)).unwrap();
            request.url.query().unwrap_or_default().to_owned()
        };
        for (path, query) in [
            ("api.openweathermap.org/data/2.5/weather", "appid=open-key"),
            ("api.openweathermap.org/geo/1.0/zip", "appid=open-key"),
            ("customer-api.open-meteo.com/v1/forecast", "apikey=meteo-key"),
            ("customer-air-quality-api.open-meteo.com/v1/air-quality", "apikey=meteo-key"),
            ("api.weather.gov/points/1,2", ""),
            ("api.weather.gov/data/2.5/weather", ""),
            ("geocoding.geo.census.gov/geocoder/locations/onelineaddress", ""),
        ] {
            assert_eq!(sent(&config, &format!("https://{path}")), query, "{path}");
            let (host, path) = path.split_once('/').unwrap();
            if !(host == "api.weather.gov" && path.starts_with("data")) {
                assert_eq!(sent(&below, &format!("https://proxy.example/weather/{path}")), query, "{path}");
            }
        }
    }
}
