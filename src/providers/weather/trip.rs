//! Whether a field trip had better stay at home.

use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ClosureThresholds, Effect, Evidence, Place, RegionCategory, Source, Units, Weather, Window, activity,
    gather::{Wanted, gather},
    judge::Rule,
};
use crate::{
    error::{Error, Result},
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// The most stops of a trip.
const MOST_STOPS: usize = 10;
/// From which ultraviolet index on care is taken.
const ULTRAVIOLET: f64 = 8.0;

/// A place that the trip comes to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Stop {
    /// Where.
    pub location: Place,
    /// When the class arrives.
    pub arrive: Timestamp,
    /// When it leaves.
    pub depart: Timestamp,
}

impl Stop {
    /// A stop, from one moment to another.
    pub fn new(location: impl Into<Place>, arrive: Timestamp, depart: Timestamp) -> Self {
        Self { location: location.into(), arrive, depart }
    }

    fn window(&self) -> Window {
        Window::new(self.arrive, self.depart)
    }
}

/// Tells whether a field trip had better stay at home: each stop's weather while the class is there, held against
/// published bands of heat, cold, ultraviolet and air, official warnings, and thresholds of the caller's own.
///
/// The verdict is the worst stop's. Name the way back as a stop too. A period beyond what the sources forecast
/// (OpenWeather 5 days, the National Weather Service 7, Open-Meteo 16) is `unknown`.
/// <https://openweathermap.org/forecast5>, <https://www.weather.gov/documentation/services-web-api>,
/// <https://open-meteo.com/en/docs>
/// Access: read.
/// Errors: `invalid_argument` with the path, and those of `resolvePlace` with the stop's path.
/// Example: `{"stops": [{"location": "Chicago,IL,US", "arrive": "2026-11-26T15:00:00Z", "depart": "2026-11-26T19:00:00Z"}]}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CheckFieldTrip {
    /// One to ten stops, in any order.
    pub stops: Vec<Stop>,
    /// The caller's own thresholds, for every stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<ClosureThresholds>,
    /// The ultraviolet index from which on care is taken, 1 to 20. Default: 8, where Open-Meteo is in use, which alone
    /// forecasts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uv_index: Option<f64>,
    /// How used to heat the region is, 1 to 3. Default: 2.
    #[serde(default)]
    pub region_category: RegionCategory,
    /// The units of thresholds and answer. Default: the config's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// Whether air quality counts. Default: yes; where no source in use has any, the verdict is `unknown` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub air_quality: Option<bool>,
    /// Whether alerts count. Default: yes; where no source in use has any, the verdict is `unknown` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<bool>,
}

impl CheckFieldTrip {
    /// A trip to these stops.
    pub fn new(stops: impl IntoIterator<Item = Stop>) -> Self {
        Self {
            stops: stops.into_iter().collect(),
            thresholds: None,
            uv_index: None,
            region_category: RegionCategory::default(),
            units: None,
            air_quality: None,
            alerts: None,
        }
    }

    /// The same trip, with thresholds of the caller's own.
    pub fn thresholds(mut self, thresholds: ClosureThresholds) -> Self {
        self.thresholds = Some(thresholds);
        self
    }

    /// The same trip, in these units.
    pub fn units(mut self, units: Units) -> Self {
        self.units = Some(units);
        self
    }

    fn rules(&self, units: Units, ultraviolet: Option<f64>) -> Vec<Rule> {
        let mut rules = self.thresholds.map(|thresholds| thresholds.rules(units)).unwrap_or_default();
        rules.extend(self.region_category.heat());
        rules.extend(activity::heat_index());
        rules.extend(activity::cold());
        rules.extend(activity::thunder());
        rules.extend(ultraviolet.into_iter().flat_map(activity::ultraviolet));
        if self.air_quality.unwrap_or(true) {
            rules.extend(activity::air());
        }
        rules
    }
}

/// What is recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TripVerdict {
    /// Everything is known, and nothing asks for care.
    Go,
    /// With care: see the reasons.
    Caution,
    /// Not everything is known.
    Unknown,
    /// Stay at home.
    Cancel,
}

/// What is recommended for one stop, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StopReport {
    /// For this stop.
    pub verdict: TripVerdict,
    /// What it rests on.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// What is recommended for a trip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TripReport {
    /// The worst stop's.
    pub verdict: TripVerdict,
    /// The units of values and thresholds.
    pub units: Units,
    /// Stop by stop, in the order they were given.
    pub stops: Vec<StopReport>,
}

impl Operation for CheckFieldTrip {
    type Provider = Weather;
    type Output = TripReport;

    const NAME: &'static str = "checkFieldTrip";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "stops[].location": Location(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        if self.stops.is_empty() || self.stops.len() > MOST_STOPS {
            return Err(Error::invalid("stops", format!("must hold 1 to {MOST_STOPS} stops")));
        }
        for (index, stop) in self.stops.iter().enumerate() {
            stop.location.validate(&format!("stops[{index}].location"))?;
            stop.window().validate(&format!("stops[{index}].depart"))?;
        }
        if let Some(thresholds) = &self.thresholds {
            thresholds.validate_unread("thresholds", self.units)?;
        }
        if self.uv_index.is_some_and(|index| !(1.0..=20.0).contains(&index)) {
            return Err(Error::invalid("uvIndex", "must be between 1 and 20"));
        }
        Ok(())
    }

    async fn run(self, call: &Call<'_, Weather>) -> Result<TripReport> {
        let (units, now) = (self.units.or(call.config().units).unwrap_or_default(), call.now());
        if let Some(thresholds) = &self.thresholds {
            thresholds.validate("thresholds", units)?;
        }
        for (index, stop) in self.stops.iter().enumerate() {
            stop.window().ahead(now, &format!("stops[{index}].depart"))?;
        }
        let forecasts_uv = call.config().used().contains(&Source::OpenMeteo);
        if self.uv_index.is_some() && !forecasts_uv {
            return Err(Error::invalid(
                "uvIndex",
                "needs open_meteo among the config's sources; no other forecasts it",
            ));
        }
        let ultraviolet = self.uv_index.or(forecasts_uv.then_some(ULTRAVIOLET));
        let rules = self.rules(units, ultraviolet);
        let wanted =
            Wanted { air: self.air_quality.unwrap_or(true), alerts: self.alerts.unwrap_or(true), ..Wanted::ALL };
        let rules = &rules;
        let stops = try_join_all(self.stops.iter().enumerate().map(|(index, stop)| async move {
            let place = stop.location.resolve(call, &format!("stops[{index}].location")).await?;
            let gathered = gather(call, &place, wanted).await;
            let mut evidence = Evidence::new(&gathered, place, stop.window(), units);
            let mut worst = evidence.judge(&gathered.series, rules, now);
            if evidence.alerts.iter().any(super::Alert::is_storm_warning) {
                worst = Effect::Cancel;
            } else if evidence.alerts.iter().any(super::Alert::is_grave) {
                worst = worst.max(Effect::Caution);
            }
            let verdict = match worst {
                // Air that postpones what is long outdoors cancels a day outdoors.
                Effect::Cancel | Effect::Postpone => TripVerdict::Cancel,
                _ if !evidence.complete(&gathered) => TripVerdict::Unknown,
                Effect::Caution => TripVerdict::Caution,
                Effect::None => TripVerdict::Go,
            };
            Ok::<_, Error>(StopReport { verdict, evidence })
        }))
        .await?;
        let verdict = stops.iter().map(|stop| stop.verdict).max().unwrap_or(TripVerdict::Unknown);
        Ok(TripReport { verdict, units, stops })
    }
}
