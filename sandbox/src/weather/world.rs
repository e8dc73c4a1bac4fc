//! The weather itself, which all four services tell of in their own ways.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// OpenWeather.
    Openweather,
    /// The National Weather Service of the United States.
    Nws,
    /// Open-Meteo.
    OpenMeteo,
    /// The geocoder of the Census Bureau.
    Census,
}

impl Service {
    /// Its name as a recipient of faults.
    pub const fn name(self) -> &'static str {
        match self {
            Service::Openweather => "openweather",
            Service::Nws => "nws",
            Service::OpenMeteo => "open_meteo",
            Service::Census => "census",
        }
    }
}

/// The weather of a place, in °C, m/s, mm an hour, m, percent and µg/m³.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Of the air.
    pub temperature: f64,
    /// Relative.
    pub humidity: f64,
    /// Sustained.
    pub wind: f64,
    /// Gusts.
    pub gust: f64,
    /// Rain an hour.
    pub rain: f64,
    /// How far one sees.
    pub visibility: f64,
    /// Whether there is thunder.
    pub thunder: bool,
    /// The ultraviolet index.
    pub ultraviolet: f64,
    /// Fine particles.
    pub fine_particles: f64,
    /// Sulphur dioxide.
    pub sulphur_dioxide: f64,
    /// The index that Open-Meteo's model gives.
    pub us_aqi: f64,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            temperature: 15.0,
            humidity: 50.0,
            wind: 3.0,
            gust: 4.0,
            rain: 0.0,
            visibility: 10_000.0,
            thunder: false,
            ultraviolet: 3.0,
            fine_particles: 5.0,
            sulphur_dioxide: 2.0,
            us_aqi: 28.0,
        }
    }
}

/// A warning, in the words of the Common Alerting Protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// `Blizzard Warning`.
    pub event: String,
    /// `Extreme`, `Severe`, `Moderate`, `Minor`, `Unknown`.
    pub severity: String,
    /// `Actual`, `Exercise`, `System`, `Test`, `Draft`.
    pub status: String,
    /// `Alert`, `Update`, `Cancel`.
    pub message_type: String,
    /// Ids of the warnings that it replaces.
    pub references: Vec<String>,
}

impl Alert {
    /// An actual warning of this severity.
    pub fn new(id: &str, event: &str, severity: &str) -> Self {
        Self {
            id: id.to_owned(),
            event: event.to_owned(),
            severity: severity.to_owned(),
            status: "Actual".to_owned(),
            message_type: "Alert".to_owned(),
            references: Vec::new(),
        }
    }
}

/// A place that geocoders know.
pub(super) struct Town {
    pub(super) name: &'static str,
    pub(super) state: Option<(&'static str, &'static str)>,
    pub(super) country: &'static str,
    pub(super) postal: &'static str,
    pub(super) address: Option<&'static str>,
    pub(super) point: (f64, f64),
}

const fn springfield(state: &'static str, code: &'static str, postal: &'static str, point: (f64, f64)) -> Town {
    Town { name: "Springfield", state: Some((state, code)), country: "US", postal, address: None, point }
}

pub(super) const TOWNS: [Town; 7] = [
    Town {
        name: "Rivertown",
        state: Some(("Illinois", "IL")),
        country: "US",
        postal: "60699",
        address: Some(super::ADDRESS),
        point: super::POINT,
    },
    Town { name: "Nordby", state: None, country: "NO", postal: "0199", address: None, point: super::ABROAD_POINT },
    springfield("Illinois", "IL", "62701", (39.8, -89.64)),
    springfield("Missouri", "MO", "65806", (37.21, -93.3)),
    springfield("Massachusetts", "MA", "01103", (42.1, -72.59)),
    springfield("Ohio", "OH", "45505", (39.92, -83.81)),
    springfield("Oregon", "OR", "97477", (44.05, -123.02)),
];

/// A hundredth of a degree: as near as weather is told apart.
pub(super) type Cell = (i32, i32);

#[allow(clippy::cast_possible_truncation, reason = "degrees")]
pub(super) fn cell((lat, lon): (f64, f64)) -> Cell {
    ((lat * 100.0).round() as i32, (lon * 100.0).round() as i32)
}

#[derive(Default)]
pub(super) struct World {
    /// Each with the second from which on it holds, in order.
    weather: HashMap<Cell, Vec<(i64, Conditions)>>,
    alerts: HashMap<Cell, Vec<Alert>>,
    pub(super) down: HashSet<Service>,
    pub(super) empty: HashSet<Service>,
    pub(super) holes: Vec<(Service, String)>,
}

impl World {
    pub(super) fn set(&mut self, point: (f64, f64), conditions: Conditions) {
        self.weather.insert(cell(point), Vec::from([(i64::MIN, conditions)]));
    }

    pub(super) fn turn(&mut self, point: (f64, f64), from: i64, conditions: Conditions) {
        let weather = self.weather.entry(cell(point)).or_default();
        weather.push((from, conditions));
        weather.sort_by_key(|(from, _)| *from);
    }

    pub(super) fn warn(&mut self, point: (f64, f64), alert: Alert) {
        self.alerts.entry(cell(point)).or_default().push(alert);
    }

    pub(super) fn at(&self, cell: Cell, second: i64) -> Conditions {
        let begun = |weather: &Vec<(i64, Conditions)>| weather.iter().rfind(|(from, _)| *from <= second).copied();
        self.weather.get(&cell).and_then(begun).map(|(_, conditions)| conditions).unwrap_or_default()
    }

    pub(super) fn alerts(&self, cell: Cell) -> &[Alert] {
        self.alerts.get(&cell).map_or(&[], Vec::as_slice)
    }

    pub(super) fn leaves_out(&self, service: Service, field: &str) -> bool {
        self.holes.iter().any(|(of, name)| *of == service && name == field)
    }

    /// Takes the holes of a service out of an object.
    pub(super) fn pierce(&self, service: Service, object: &mut Value) {
        if let Some(object) = object.as_object_mut() {
            object.retain(|name, _| !self.leaves_out(service, name));
        }
    }
}

/// Degrees as a query gives them.
pub(super) fn degrees(text: Option<&str>, most: f64) -> Option<f64> {
    text?.parse::<f64>().ok().filter(|degrees| degrees.abs() <= most)
}

/// Seconds that clocks are ahead of UTC, by longitude: no time zones are kept here.
#[allow(clippy::cast_possible_truncation, reason = "hours")]
pub(super) fn offset(lon: f64) -> i64 {
    (lon / 15.0).round() as i64 * 3600
}
