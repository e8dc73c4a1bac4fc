//! OpenWeather: geocoder, current weather, the five-day forecast, air pollution, One Call's alerts.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Alert, Locator, ResolvedPlace, Source, Weather, prices,
    series::{Metric, Series, moment, seconds},
};
use crate::{
    error::{Error, ErrorCode, Result},
    providers::Call,
    transport::Request,
};

pub(super) const HOST: &str = "https://api.openweathermap.org";
/// A step of the forecast.
const STEP: i64 = 3 * 3600;
const HOUR: i64 = 3600;

/// Whether a path is OpenWeather's. None of the other sources has one that begins like these.
pub(super) fn owns(path: &str) -> bool {
    path.starts_with("/data/") || path.starts_with("/geo/1.0/")
}

/// A request for a place.
fn asked(call: &Call<'_, Weather>, path: &[&str], place: &ResolvedPlace) -> Result<Request> {
    Ok(call
        .get(call.url(HOST, path)?)
        .query("lat", format!("{:.4}", place.lat))
        .query("lon", format!("{:.4}", place.lon)))
}

#[derive(Deserialize)]
struct City {
    name: String,
    lat: f64,
    lon: f64,
    country: String,
    #[serde(default)]
    state: Option<String>,
}

#[derive(Deserialize)]
struct Zip {
    #[serde(default)]
    name: Option<String>,
    lat: f64,
    lon: f64,
    #[serde(default)]
    country: Option<String>,
}

/// Every city of that name, at most five: more the geocoder does not say.
pub(super) async fn cities(call: &Call<'_, Weather>, words: &str) -> Result<Vec<ResolvedPlace>> {
    let name: Vec<&str> = words.split(',').map(str::trim).collect();
    let request = call.get(call.url(HOST, &["geo", "1.0", "direct"])?).query("q", name.join(",")).query("limit", "5");
    let cities: Vec<City> = call.fetch(request).await?;
    let places = cities.into_iter().map(|city| ResolvedPlace {
        name: Some(city.name),
        state: city.state,
        country: Some(city.country),
        lat: city.lat,
        lon: city.lon,
        source: Locator::Openweather,
    });
    Ok(places.collect())
}

/// The place of a postal code.
pub(super) async fn postal(call: &Call<'_, Weather>, code: &str, country: &str) -> Result<ResolvedPlace> {
    let request = call.get(call.url(HOST, &["geo", "1.0", "zip"])?).query("zip", format!("{code},{country}"));
    let zip: Zip = call.fetch(request).await?;
    Ok(ResolvedPlace {
        name: zip.name,
        state: None,
        country: zip.country,
        lat: zip.lat,
        lon: zip.lon,
        source: Locator::Openweather,
    })
}

#[derive(Deserialize, Default)]
struct Moment {
    dt: i64,
    #[serde(default)]
    main: Main,
    #[serde(default)]
    wind: Wind,
    #[serde(default)]
    visibility: Option<f64>,
    #[serde(default)]
    rain: Map<String, Value>,
    #[serde(default)]
    snow: Map<String, Value>,
    #[serde(default)]
    weather: Vec<Condition>,
    #[serde(default)]
    timezone: Option<i64>,
}

#[derive(Deserialize, Default)]
struct Main {
    temp: Option<f64>,
    humidity: Option<f64>,
}

#[derive(Deserialize, Default)]
struct Wind {
    speed: Option<f64>,
    gust: Option<f64>,
}

#[derive(Deserialize)]
struct Condition {
    id: i64,
}

#[derive(Deserialize)]
struct Forecast {
    #[serde(default)]
    list: Vec<Moment>,
    #[serde(default)]
    city: ForecastCity,
}

#[derive(Deserialize, Default)]
struct ForecastCity {
    timezone: Option<i64>,
}

impl Moment {
    /// Takes what it says of its own moment into the series, as holding for a period that ends or begins with it.
    fn tell_moment(&self, series: &mut Series, from: i64, to: i64) {
        series.push(Metric::Temperature, from, to, self.main.temp);
        series.push(Metric::Humidity, from, to, self.main.humidity);
        series.push(Metric::WindSpeed, from, to, self.wind.speed);
        series.push(Metric::WindGust, from, to, self.wind.gust);
        series.push(Metric::Visibility, from, to, self.visibility);
    }

    /// Takes everything that it says into the series, as holding from `from` until its own moment.
    fn tell(&self, series: &mut Series, from: i64, wet: &str) {
        let to = self.dt;
        self.tell_moment(series, from, to);
        // Dry is told by leaving `rain` and `snow` out; but an answer that says nothing at all says nothing of rain.
        if self.main.temp.is_some() {
            let fallen = |what: &Map<String, Value>| what.get(wet).and_then(Value::as_f64).unwrap_or_default();
            series.push(Metric::Precipitation, from, to, Some(fallen(&self.rain) + fallen(&self.snow)));
        }
        if !self.weather.is_empty() {
            let thunder = self.weather.iter().any(|condition| (200..=232).contains(&condition.id));
            series.push(Metric::Thunder, from, to, Some(if thunder { 100.0 } else { 0.0 }));
        }
    }
}

/// Now and the next five days, in steps of three hours.
pub(super) async fn series(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Series> {
    let ask = |what| Ok::<_, Error>(asked(call, &["data", "2.5", what], place)?.query("units", "metric"));
    let (now, forecast) =
        futures::join!(call.fetch::<Moment>(ask("weather")?), call.fetch::<Forecast>(ask("forecast")?));
    let (now, forecast) = (now?, forecast?);
    let mut series = Series::new(Source::Openweather);
    series.offset = now.timezone.or(forecast.city.timezone);
    series.as_of = Some(now.dt).filter(|at| *at > 0);
    // What is measured now holds for the hour before it.
    now.tell(&mut series, now.dt - HOUR, "1h");
    let measured = series.points.len();
    for (at, step) in forecast.list.iter().enumerate() {
        // A step reaches back three hours, but not behind what has been measured: that rain is counted already.
        let from = (step.dt - STEP).max(now.dt.min(step.dt - 1));
        step.tell(&mut series, from, "3h");
        // Between two moments the values go from one to the other: both are within what is possible there.
        let before = at.checked_sub(1).map_or(&now, |before| &forecast.list[before]);
        if (from..step.dt).contains(&before.dt) {
            before.tell_moment(&mut series, before.dt, step.dt);
        }
    }
    // What is measured now is no forecast: without one the hours to come are not known.
    series.hollow = series.points.len() == measured;
    Ok(series)
}

#[derive(Deserialize)]
struct Pollution {
    #[serde(default)]
    list: Vec<PollutionHour>,
}

/// One hour's concentrations, µg/m³.
#[derive(Deserialize)]
pub(super) struct PollutionHour {
    pub(super) dt: i64,
    #[serde(default)]
    pub(super) components: Map<String, Value>,
}

/// Concentrations of the last 24 hours and now.
pub(super) async fn pollution_so_far(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Vec<PollutionHour>> {
    let now = seconds(call.now());
    let request = asked(call, &["data", "2.5", "air_pollution", "history"], place)?
        .query("start", (now - 24 * HOUR).to_string())
        .query("end", now.to_string());
    Ok(call.fetch::<Pollution>(request).await?.list)
}

/// Concentrations of the next four days.
pub(super) async fn pollution_to_come(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Vec<PollutionHour>> {
    let request = asked(call, &["data", "2.5", "air_pollution", "forecast"], place)?;
    Ok(call.fetch::<Pollution>(request).await?.list)
}

#[derive(Deserialize)]
struct OneCall {
    lat: f64,
    #[serde(default)]
    alerts: Option<Vec<OneCallAlert>>,
}

#[derive(Deserialize)]
struct OneCallAlert {
    #[serde(default)]
    sender_name: Option<String>,
    event: String,
    start: i64,
    end: i64,
    #[serde(default)]
    description: Option<String>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// The alerts of national services, by One Call 3.0. None where it says nothing of alerts: it leaves them out where none is
/// in force and where no service tells it of any, and the two look the same.
pub(super) async fn alerts(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Option<Vec<Alert>>> {
    let request = asked(call, &["data", "3.0", "onecall"], place)?.query("exclude", "current,minutely,hourly,daily");
    let answer: OneCall = call.fetch(request).await?;
    call.charge(1, prices::ONE_CALL, prices::CURRENCY);
    if !answer.lat.is_finite() {
        return Err(Error::new(ErrorCode::InvalidResponse, "the answer is about no place"));
    }
    let Some(alerts) = answer.alerts else { return Ok(None) };
    let alerts = alerts.into_iter().map(|alert| {
        let mut made = Alert::new(format!("onecall:{}:{}", alert.start, alert.event), alert.event, Source::Openweather);
        made.sender = alert.sender_name;
        made.description = alert.description;
        made.onset = Some(moment(alert.start));
        made.ends = Some(moment(alert.end));
        made.extra = alert.extra;
        made
    });
    Ok(Some(alerts.collect()))
}
