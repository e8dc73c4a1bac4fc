//! OpenWeather: geocoder, current weather, forecast, air pollution, One Call's alerts.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::world::{Cell, Conditions, Service, TOWNS, Town, World, cell, degrees, offset};
use super::{API_KEY, ONE_CALL_API_KEY, refuse};
use crate::exchange::{Answer, Request};

const STEP: i64 = 3 * 3600;

fn error(status: StatusCode, cod: &Value, message: &str) -> Answer {
    Answer::json(status, &json!({ "cod": cod, "message": message }))
}

fn bad(parameter: &str) -> Answer {
    let body = json!({ "cod": "400", "message": format!("wrong {parameter}"), "parameters": [parameter] });
    Answer::json(StatusCode::BAD_REQUEST, &body)
}

pub(super) fn answer(world: &World, request: &Request) -> Answer {
    let query = request.query();
    let key = query.get("appid");
    if !matches!(key, Some(API_KEY | ONE_CALL_API_KEY)) {
        let message = "Invalid API key. Please see https://openweathermap.org/faq#error401 for more info.";
        return error(StatusCode::UNAUTHORIZED, &json!(401), message);
    }
    match request.path() {
        "/geo/1.0/direct" => return direct(world, request),
        "/geo/1.0/zip" => return zip(request),
        _ => {}
    }
    let (Some(lat), Some(lon)) = (degrees(query.get("lat"), 90.0), degrees(query.get("lon"), 180.0)) else {
        return bad(if degrees(query.get("lat"), 90.0).is_none() { "latitude" } else { "longitude" });
    };
    let units = match query.get("units") {
        None | Some("standard") => Units { imperial: false, kelvin: true },
        Some("metric") => Units { imperial: false, kelvin: false },
        Some("imperial") => Units { imperial: true, kelvin: false },
        Some(_) => return bad("units"),
    };
    let place = Place { cell: cell((lat, lon)), lat, lon, now: request.at / 1000, units };
    let empty = world.empty.contains(&Service::Openweather);
    match request.path() {
        "/data/2.5/weather" | "/data/2.5/forecast" if empty => Answer::json(StatusCode::OK, &json!({})),
        "/data/2.5/weather" => Answer::json(StatusCode::OK, &place.current(world)),
        "/data/2.5/forecast" => Answer::json(StatusCode::OK, &place.forecast(world)),
        "/data/2.5/air_pollution/history" => {
            let bound = |name| query.get(name).and_then(|text| text.parse::<i64>().ok());
            match (bound("start"), bound("end")) {
                (Some(start), Some(end)) => Answer::json(StatusCode::OK, &place.pollution(world, start, end)),
                _ => bad("start"),
            }
        }
        "/data/2.5/air_pollution/forecast" => {
            Answer::json(StatusCode::OK, &place.pollution(world, place.now - 3600, place.now + 96 * 3600))
        }
        "/data/3.0/onecall" if key != Some(ONE_CALL_API_KEY) => {
            let message =
                "Please note that using One Call 3.0 requires a separate subscription to the One Call by Call plan.";
            error(StatusCode::UNAUTHORIZED, &json!(401), message)
        }
        "/data/3.0/onecall" => Answer::json(StatusCode::OK, &place.one_call(world)),
        _ => refuse(Some(Service::Openweather), StatusCode::NOT_FOUND, "Internal error"),
    }
}

fn found(town: &Town) -> Value {
    let mut place = json!({ "name": town.name, "lat": town.point.0, "lon": town.point.1, "country": town.country });
    if let (Some((state, _)), Some(place)) = (town.state, place.as_object_mut()) {
        place.insert("state".to_owned(), state.into());
    }
    place
}

/// `city[,state][,country]`; the state by its code or name, and only in the United States.
fn direct(world: &World, request: &Request) -> Answer {
    let query = request.query();
    let Some(wanted) = query.filled("q") else {
        return error(StatusCode::BAD_REQUEST, &json!("400"), "Nothing to geocode");
    };
    let parts: Vec<&str> = wanted.split(',').map(str::trim).collect();
    let is = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let fits = |town: &&Town| {
        let of_state = |part: &str| town.state.is_some_and(|(name, code)| is(part, name) || is(part, code));
        is(town.name, parts[0])
            && match parts[1..] {
                [] => true,
                [one] => is(one, town.country) || of_state(one),
                [state, country] => of_state(state) && is(country, town.country),
                _ => false,
            }
    };
    let limit = query.get("limit").and_then(|limit| limit.parse::<usize>().ok()).unwrap_or(1).min(5);
    let empty = world.empty.contains(&Service::Openweather);
    let towns: Vec<Value> = TOWNS.iter().filter(fits).filter(|_| !empty).take(limit).map(found).collect();
    Answer::json(StatusCode::OK, &towns)
}

fn zip(request: &Request) -> Answer {
    let query = request.query();
    let (code, country) = query.get("zip").unwrap_or_default().split_once(',').unwrap_or_default();
    match TOWNS.iter().find(|town| town.postal == code && town.country.eq_ignore_ascii_case(country)) {
        Some(town) => {
            let (lat, lon) = town.point;
            let body = json!({ "zip": code, "name": town.name, "lat": lat, "lon": lon, "country": town.country });
            Answer::json(StatusCode::OK, &body)
        }
        None => error(StatusCode::NOT_FOUND, &json!("404"), "not found"),
    }
}

struct Units {
    imperial: bool,
    kelvin: bool,
}

impl Units {
    fn temperature(&self, celsius: f64) -> f64 {
        match self {
            Self { imperial: true, .. } => celsius * 1.8 + 32.0,
            Self { kelvin: true, .. } => celsius + 273.15,
            _ => celsius,
        }
    }

    fn speed(&self, metres: f64) -> f64 {
        if self.imperial { metres * 2.236_936 } else { metres }
    }
}

struct Place {
    cell: Cell,
    lat: f64,
    lon: f64,
    now: i64,
    units: Units,
}

impl Place {
    /// What current weather and forecast have in common. `hours` is what rain is summed up over.
    fn moment(&self, world: &World, dt: i64, hours: f64) -> Value {
        let conditions @ Conditions { temperature, humidity, wind, gust, rain, .. } = world.at(self.cell, dt);
        let temperature = self.units.temperature(temperature);
        let mut main = json!({
            "temp": temperature, "feels_like": temperature, "temp_min": temperature, "temp_max": temperature,
            "pressure": 1015, "humidity": humidity,
        });
        let mut blowing = json!({ "speed": self.units.speed(wind), "deg": 270, "gust": self.units.speed(gust) });
        world.pierce(Service::Openweather, &mut main);
        world.pierce(Service::Openweather, &mut blowing);
        let (id, name, icon) = match conditions {
            Conditions { thunder: true, .. } => (211, "Thunderstorm", "11d"),
            _ if rain > 0.0 => (500, "Rain", "10d"),
            _ => (800, "Clear", "01d"),
        };
        let mut moment = json!({
            "dt": dt,
            "main": main,
            "wind": blowing,
            "clouds": { "all": 0 },
            "weather": [{ "id": id, "main": name, "description": name.to_lowercase(), "icon": icon }],
            // The vendor never says more.
            "visibility": conditions.visibility.min(10_000.0),
        });
        // Dry is told by leaving it out.
        if rain > 0.0 {
            let name = if hours > 1.0 { "3h" } else { "1h" };
            moment["rain"] = json!({ name: rain * hours });
        }
        world.pierce(Service::Openweather, &mut moment);
        moment
    }

    fn current(&self, world: &World) -> Value {
        let mut moment = self.moment(world, self.now, 1.0);
        moment["coord"] = json!({ "lon": self.lon, "lat": self.lat });
        moment["base"] = json!("stations");
        moment["timezone"] = json!(offset(self.lon));
        moment["id"] = json!(1);
        moment["name"] = json!("Sandbox");
        moment["cod"] = json!(200);
        moment
    }

    fn forecast(&self, world: &World) -> Value {
        let first = (self.now / STEP + 1) * STEP;
        let list: Vec<Value> = (0..40)
            .map(|step| {
                let mut moment = self.moment(world, first + step * STEP, 3.0);
                moment["pop"] = json!(0);
                moment
            })
            .collect();
        let city = json!({
            "id": 1, "name": "Sandbox", "coord": { "lat": self.lat, "lon": self.lon }, "timezone": offset(self.lon),
        });
        let mut forecast = json!({ "cod": "200", "message": 0, "cnt": list.len(), "list": list, "city": city });
        world.pierce(Service::Openweather, &mut forecast);
        forecast
    }

    fn pollution(&self, world: &World, start: i64, end: i64) -> Value {
        let first = (start + 3599) / 3600;
        let components = |hour: i64| {
            let Conditions { fine_particles: fine, sulphur_dioxide, .. } = world.at(self.cell, hour * 3600);
            let mut components = json!({
                "co": 200.0, "no": 0.1, "no2": 10.0, "o3": 60.0, "so2": sulphur_dioxide, "pm2_5": fine, "pm10": fine,
                "nh3": 0.5,
            });
            world.pierce(Service::Openweather, &mut components);
            components
        };
        let hours = (first..=end / 3600).filter(|_| !world.empty.contains(&Service::Openweather));
        let list: Vec<Value> = hours
            .map(|hour| json!({ "dt": hour * 3600, "main": { "aqi": 1 }, "components": components(hour) }))
            .collect();
        json!({ "coord": { "lon": self.lon, "lat": self.lat }, "list": list })
    }

    fn one_call(&self, world: &World) -> Value {
        let alerts: Vec<Value> = world
            .alerts(self.cell)
            .iter()
            .map(|alert| {
                json!({
                    "sender_name": "Sandbox Weather Service", "event": alert.event, "start": self.now - 3600,
                    "end": self.now + 86_400 * 2, "description": alert.event, "tags": [],
                })
            })
            .collect();
        let mut body = json!({
            "lat": self.lat, "lon": self.lon, "timezone": "Etc/UTC", "timezone_offset": offset(self.lon),
        });
        if !alerts.is_empty() {
            body["alerts"] = json!(alerts);
        }
        body
    }
}
