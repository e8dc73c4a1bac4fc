//! Whether an athletic event can take place.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Effect, Evidence, Metric, Place, RegionCategory, Units, Weather, Window, activity,
    gather::{Wanted, gather},
    judge::Rule,
    units::fahrenheit,
};
use crate::{
    error::{Error, Result},
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Lightning or thunder that somebody on site has seen or heard. No source here reports strikes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Lightning {
    /// When the last one was.
    pub last_observed_at: Timestamp,
    /// How far away it was, in miles, where that is known. Beyond 10 miles play goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_miles: Option<f64>,
}

impl Lightning {
    /// Lightning or thunder at this moment, at an unknown distance.
    pub fn new(last_observed_at: Timestamp) -> Self {
        Self { last_observed_at, distance_miles: None }
    }

    /// The same, at a distance in miles.
    pub fn distance_miles(mut self, miles: f64) -> Self {
        self.distance_miles = Some(miles);
        self
    }
}

/// How long play rests after the last lightning or thunder: 30 minutes, begun anew by each (NFHS guidelines, 2014).
const REST: Duration = Duration::from_secs(30 * 60);
/// From which distance on lightning is of no concern, in miles (NCAA sports medicine handbook, guideline 1E).
const FAR: f64 = 10.0;

/// Tells whether an athletic event can take place: heat (WBGT and heat index), cold (wind chill), lightning, air quality
/// and official warnings, held against published bands.
///
/// Nothing is ever cleared by it: the values are from afar, and a WBGT is often read too low by up to 3 °C. Lightning is
/// what the caller reports; thunder in a forecast is a `modify`. Where a source does not answer or a value is missing,
/// the verdict is `unknown` unless what is known already postpones or cancels.
/// <https://openweathermap.org/forecast5>, <https://www.weather.gov/documentation/services-web-api>
/// Access: read.
/// Errors: `invalid_argument` with the path, and those of `resolvePlace`.
/// Example: `{"location": "School Address", "start": "2026-11-25T20:00:00Z", "end": "2026-11-25T22:00:00Z", "regionCategory": 3}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct CheckAthleticEvent {
    /// Where.
    pub location: Place,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Whether it is indoors: then only air quality and official warnings count.
    #[serde(default)]
    pub indoor: bool,
    /// How used to heat the region is, 1 to 3; the bands of heat follow from it. Default: 2.
    #[serde(default)]
    pub region_category: RegionCategory,
    /// Lightning or thunder that somebody has seen or heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lightning: Option<Lightning>,
    /// The units of the answer. Default: the config's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// Whether air quality counts. Default: yes; where no source in use has any, the verdict is `unknown` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub air_quality: Option<bool>,
    /// Whether alerts count. Default: yes; where no source in use has any, the verdict is `unknown` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<bool>,
}

impl CheckAthleticEvent {
    /// An event outdoors, from one moment to another.
    pub fn new(location: impl Into<Place>, start: Timestamp, end: Timestamp) -> Self {
        Self {
            location: location.into(),
            start,
            end,
            indoor: false,
            region_category: RegionCategory::default(),
            lightning: None,
            units: None,
            air_quality: None,
            alerts: None,
        }
    }

    /// The same event, indoors.
    pub fn indoor(mut self) -> Self {
        self.indoor = true;
        self
    }

    /// The same event, in a region of this category.
    pub fn region_category(mut self, category: RegionCategory) -> Self {
        self.region_category = category;
        self
    }

    /// The same event, with lightning that was seen or thunder that was heard.
    pub fn lightning(mut self, lightning: Lightning) -> Self {
        self.lightning = Some(lightning);
        self
    }

    /// The same event, answered in these units.
    pub fn units(mut self, units: Units) -> Self {
        self.units = Some(units);
        self
    }

    /// Until when play rests, if it must at `from`.
    fn suspended(&self, from: Timestamp) -> Option<Timestamp> {
        let lightning = self.lightning.filter(|_| !self.indoor)?;
        if lightning.distance_miles.is_some_and(|miles| miles > FAR) {
            return None;
        }
        Some(lightning.last_observed_at.after(REST)).filter(|until| *until > from)
    }

    fn rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        if !self.indoor {
            rules.extend(self.region_category.heat());
            rules.extend(activity::heat_index());
            rules.extend(activity::cold());
            rules.extend(activity::thunder());
        }
        if self.air_quality.unwrap_or(true) {
            rules.extend(activity::air());
        }
        rules
    }
}

/// What is recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventVerdict {
    /// It should not take place.
    Cancel,
    /// Not now: lightning, a storm warning, or unhealthy air.
    Postpone,
    /// With changes: see the reasons and the advice.
    Modify,
    /// Everything is known, and nothing asks for a change. Not a clearance: measure on site.
    NoRestriction,
    /// Not everything is known.
    Unknown,
}

/// Whether an event can take place, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventReport {
    /// What is recommended.
    pub verdict: EventVerdict,
    /// What to do about it.
    pub advice: Vec<String>,
    /// Until when play rests for lightning; each new flash or thunder begins the 30 minutes anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend_until: Option<Timestamp>,
    /// Always true: the values are forecasts, not measured on site; WBGT may be off by 3 °C.
    pub estimate: bool,
    /// What the verdict rests on.
    #[serde(flatten)]
    pub evidence: Evidence,
}

impl Operation for CheckAthleticEvent {
    type Provider = Weather;
    type Output = EventReport;

    const NAME: &'static str = "checkAthleticEvent";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "location": Location(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.location.validate("location")?;
        if let Some(miles) = self.lightning.and_then(|lightning| lightning.distance_miles)
            && !(0.0..=100.0).contains(&miles)
        {
            return Err(Error::invalid("lightning.distanceMiles", "must be between 0 and 100"));
        }
        if self.indoor && self.air_quality == Some(false) && self.alerts == Some(false) {
            let why =
                "must not be false together with airQuality for an indoor event: nothing would be left to ask about";
            return Err(Error::invalid("alerts", why));
        }
        Window::new(self.start, self.end).validate("end")
    }

    async fn run(self, call: &Call<'_, Weather>) -> Result<EventReport> {
        let (units, now) = (self.units.or(call.config().units).unwrap_or_default(), call.now());
        let window = Window::new(self.start, self.end);
        window.ahead(now, "end")?;
        if self.lightning.is_some_and(|lightning| lightning.last_observed_at > now.after(Duration::from_secs(60))) {
            return Err(Error::invalid("lightning.lastObservedAt", "must not lie in the future"));
        }
        let place = self.location.resolve(call, "location").await?;
        let alerts = self.alerts.unwrap_or(true);
        let air = self.air_quality.unwrap_or(true);
        let gathered = gather(call, &place, Wanted { weather: !self.indoor, alerts, air }).await;
        let mut evidence = Evidence::new(&gathered, place, window, units);
        let mut worst = evidence.judge(&gathered.series, &self.rules(), now);
        let mut advice = Vec::new();
        let suspend_until = self.suspended(self.start.max(now));
        if let Some(until) = suspend_until {
            worst = worst.max(Effect::Postpone);
            advice.push(format!("rest until {until}; each new flash or thunder begins the 30 minutes anew"));
        }
        if evidence.alerts.iter().any(super::Alert::is_storm_warning) {
            worst = worst.max(Effect::Postpone);
            advice.push("a thunderstorm or tornado warning is in force".to_owned());
        } else if evidence.alerts.iter().any(super::Alert::is_grave) {
            worst = worst.max(Effect::Caution);
            advice.push("an official warning is in force".to_owned());
        }
        for reading in &evidence.reasons {
            if reading.metric == Metric::Wbgt {
                let shown = if units == Units::Imperial { reading.value } else { fahrenheit(reading.value) };
                let band = self.region_category.advice((shown * 10.0).round() / 10.0);
                let text = band.unwrap_or("within 3 °C of the first band of heat");
                if advice.iter().all(|said| said != text) {
                    advice.push(text.to_owned());
                }
            }
        }
        if !self.indoor {
            advice.push("measure WBGT on site with a calibrated instrument".to_owned());
        }
        let verdict = match worst {
            Effect::Cancel => EventVerdict::Cancel,
            Effect::Postpone => EventVerdict::Postpone,
            _ if !evidence.complete(&gathered) => EventVerdict::Unknown,
            Effect::Caution => EventVerdict::Modify,
            Effect::None => EventVerdict::NoRestriction,
        };
        Ok(EventReport { verdict, advice, suspend_until, estimate: true, evidence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lightning_rests_play_for_half_an_hour() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let event = CheckAthleticEvent::new((0.0, 0.0), at("2026-06-01T20:00:00Z"), at("2026-06-01T22:00:00Z"));
        let seen = |last: &str| Lightning::new(at(last));
        let rest =
            |event: CheckAthleticEvent| event.suspended(event.start).map(|until| until.to_string()[..16].to_owned());
        assert_eq!(rest(event.clone()), None);
        assert_eq!(rest(event.clone().lightning(seen("2026-06-01T19:30:00Z"))), None);
        assert_eq!(rest(event.clone().lightning(seen("2026-06-01T19:31:00Z"))).unwrap(), "2026-06-01T20:01");
        assert_eq!(rest(event.clone().lightning(seen("2026-06-01T19:50:00Z").distance_miles(10.1))), None);
        assert!(rest(event.clone().lightning(seen("2026-06-01T19:50:00Z").distance_miles(10.0))).is_some());
        assert_eq!(rest(event.indoor().lightning(seen("2026-06-01T19:50:00Z"))), None);
    }
}
