//! OpenWeather, the National Weather Service, Open-Meteo and the Census Bureau's geocoder, all on one port: their paths
//! do not clash.

mod census;
mod nws;
mod open_meteo;
mod openweather;
mod world;

use std::borrow::Cow;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::exchange::{Answer, Request};
use crate::faults::Faults;
use crate::recorder::Recorder;
use crate::vendor::{Registration, Stage, Vendor};
use world::World;
pub use world::{Alert, Conditions, Service};

/// A key of OpenWeather's free plan.
pub const API_KEY: &str = "sandbox-weather-key";
/// A key whose account has subscribed to One Call 3.0.
pub const ONE_CALL_API_KEY: &str = "sandbox-weather-one-call-key";
/// A town in the United States that exists once, as OpenWeather's geocoder takes it. Others: `Springfield` (five
/// times), and [`ABROAD`].
pub const TOWN: &str = "Rivertown,IL,US";
/// Its postal code.
pub const POSTAL_CODE: &str = "60699,US";
/// A street address in it, as the Census Bureau takes it.
pub const ADDRESS: &str = "100 School Street, Rivertown, IL";
/// Where it is: degrees north and east.
pub const POINT: (f64, f64) = (41.84, -87.65);
/// A town that is not in the United States.
pub const ABROAD: &str = "Nordby,NO";
/// Where that is.
pub const ABROAD_POINT: (f64, f64) = (59.91, 10.75);

pub(crate) const REGISTRATION: Registration =
    Registration { name: "weather", open: |stage| Arc::new(Weather { stage, world: Mutex::default() }) };

/// The look-alike of four weather services: a test's way to make weather, holes in it, and services that are down.
pub struct Weather {
    stage: Arc<Stage>,
    world: Mutex<World>,
}

impl Weather {
    /// Base address of all four.
    pub fn url(&self) -> String {
        self.stage.url().to_owned()
    }

    /// Scripted misbehaviour. Each service is a recipient, by its name in [`Service::name`].
    pub fn faults(&self) -> &Faults {
        &self.stage.faults
    }

    /// Remembered requests, and how many are kept.
    pub fn recorder(&self) -> &Recorder {
        &self.stage.recorder
    }

    /// Makes the weather of a place, now and for all days to come. It is mild where nobody made it.
    pub fn set(&self, point: (f64, f64), conditions: Conditions) {
        self.world.lock().set(point, conditions);
    }

    /// Makes the weather of a place turn at a moment, in seconds since 1970, and stay so until it turns again.
    pub fn turn(&self, point: (f64, f64), from: i64, conditions: Conditions) {
        self.world.lock().turn(point, from, conditions);
    }

    /// Puts a warning in force at a place.
    pub fn warn(&self, point: (f64, f64), alert: Alert) {
        self.world.lock().warn(point, alert);
    }

    /// Takes a service down: it answers 503 in its own way until [`bring_up`](Self::bring_up).
    pub fn take_down(&self, service: Service) {
        self.world.lock().down.insert(service);
    }

    /// Ends what [`take_down`](Self::take_down) and [`empty`](Self::empty) began.
    pub fn bring_up(&self, service: Service) {
        let mut world = self.world.lock();
        world.down.remove(&service);
        world.empty.remove(&service);
    }

    /// Makes a service answer 200 with nothing in it.
    pub fn empty(&self, service: Service) {
        self.world.lock().empty.insert(service);
    }

    /// Makes a service leave a value out: its field's own name in that service's answers (`visibility`,
    /// `wind_speed_10m`, `relativeHumidity`; `list` is all of OpenWeather's forecast).
    pub fn leave_out(&self, service: Service, field: &str) {
        self.world.lock().holes.push((service, field.to_owned()));
    }
}

/// Whose path it is.
fn service(path: &str) -> Option<Service> {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    if begins(&["/data/", "/geo/1.0/"]) {
        Some(Service::Openweather)
    } else if begins(&["/points/", "/gridpoints/", "/alerts"]) {
        Some(Service::Nws)
    } else if begins(&["/v1/forecast", "/v1/air-quality"]) {
        Some(Service::OpenMeteo)
    } else if begins(&["/geocoder/"]) {
        Some(Service::Census)
    } else {
        None
    }
}

/// A service's own way to refuse.
fn refuse(service: Option<Service>, status: StatusCode, message: &str) -> Answer {
    match service {
        Some(Service::Nws) => nws::problem(status, "UnexpectedProblem", message),
        Some(Service::OpenMeteo) => Answer::json(status, &json!({ "error": true, "reason": message })),
        Some(Service::Census) => Answer::json(status, &json!({ "errors": [message], "status": status.as_str() })),
        _ => Answer::json(status, &json!({ "cod": status.as_u16(), "message": message })),
    }
}

impl Vendor for Weather {
    fn answer(&self, request: &Request) -> Answer {
        let Some(service) = service(request.path()) else {
            return refuse(None, StatusCode::NOT_FOUND, "Internal error: no such resource");
        };
        if request.method != Method::GET {
            return refuse(Some(service), StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
        }
        let world = self.world.lock();
        if world.down.contains(&service) {
            return refuse(Some(service), StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
        }
        match service {
            Service::Openweather => openweather::answer(&world, request),
            Service::Nws => nws::answer(&world, request, self.stage.url()),
            Service::OpenMeteo => open_meteo::answer(&world, request),
            Service::Census => census::answer(&world, request),
        }
    }

    fn refusal(&self, status: StatusCode, _code: Option<u32>) -> Answer {
        refuse(None, status, status.canonical_reason().unwrap_or("Error"))
    }

    fn account<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        request.query().get("appid").map(|key| Cow::Owned(key.to_owned()))
    }

    fn recipient(&self, request: &Request) -> Option<String> {
        service(request.path()).map(|service| service.name().to_owned())
    }

    /// `PUT conditions` with `{"lat", "lon", "conditions"}`.
    fn control(&self, path: &str, request: &Request) -> Option<Answer> {
        if path != "conditions" || request.method != Method::PUT {
            return None;
        }
        let made = serde_json::from_slice::<Value>(&request.body).ok().and_then(|body| {
            let point = (body.get("lat")?.as_f64()?, body.get("lon")?.as_f64()?);
            Some((point, serde_json::from_value::<Conditions>(body.get("conditions")?.clone()).ok()?))
        });
        Some(match made {
            Some((point, conditions)) => {
                self.set(point, conditions);
                Answer::empty(StatusCode::NO_CONTENT)
            }
            None => refuse(None, StatusCode::BAD_REQUEST, "wants lat, lon and conditions"),
        })
    }

    fn reset(&self) {
        *self.world.lock() = World::default();
    }
}

impl crate::Sandbox {
    /// The look-alike of Weather.
    ///
    /// # Panics
    ///
    /// If the sandbox was started without it.
    pub fn weather(&self) -> &Weather {
        self.handle(REGISTRATION.name)
    }
}

impl std::fmt::Debug for Weather {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Weather").field("url", &self.url()).finish_non_exhaustive()
    }
}
