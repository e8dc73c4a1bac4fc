//! Official warnings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Missing, Place, ResolvedPlace, Source, SourceReport, Weather,
    gather::{Wanted, gather},
};
use crate::{
    error::{Error, ErrorCode, Result},
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// An official warning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// What is warned of: `Blizzard Warning`.
    pub event: String,
    /// Who passed it on.
    pub source: Source,
    /// `Extreme`, `Severe`, `Moderate`, `Minor` or `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// `Immediate`, `Expected`, `Future`, `Past` or `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<String>,
    /// `Observed`, `Likely`, `Possible`, `Unlikely` or `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certainty: Option<String>,
    /// In one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// In full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// Where, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// Who warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
    /// What else the source sent.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Alert {
    pub(super) fn new(id: String, event: String, source: Source) -> Self {
        Self {
            id,
            event,
            source,
            severity: None,
            urgency: None,
            certainty: None,
            headline: None,
            description: None,
            instruction: None,
            area: None,
            sender: None,
            onset: None,
            ends: None,
            extra: Map::new(),
        }
    }

    /// Smaller is worse: by severity, then by urgency.
    pub(super) fn rank(&self) -> (usize, usize) {
        let place = |text: &Option<String>, order: &[&str]| {
            order.iter().position(|word| Some(*word) == text.as_deref()).unwrap_or(order.len())
        };
        (
            place(&self.severity, &["Extreme", "Severe", "Unknown", "Moderate", "Minor"]),
            place(&self.urgency, &["Immediate", "Expected", "Future"]),
        )
    }

    /// Whether it must be heeded: extreme, severe, or of a severity that nobody says.
    pub(super) fn is_grave(&self) -> bool {
        !matches!(self.severity.as_deref(), Some("Moderate" | "Minor"))
    }

    /// Whether it is about a tornado or a thunderstorm that is there or on its way.
    pub(super) fn is_storm_warning(&self) -> bool {
        self.event.contains("Warning") && (self.event.contains("Tornado") || self.event.contains("Thunderstorm"))
    }
}

/// Answers the official warnings in force at a place, the gravest first: those of the National Weather Service in the
/// United States, and with One Call 3.0 those of other countries' services.
///
/// An empty list means that a source which covers the place has none. Where no source does, that is an error; so it is
/// where One Call says nothing of warnings, as it does both where none is in force and where nobody tells it of any.
/// <https://www.weather.gov/documentation/services-web-api>, <https://openweathermap.org/api/one-call-3>
/// Access: read.
/// Errors: `unsupported_operation` where no source in use has alerts for the place, what a failing source answered,
/// and those of `resolvePlace`.
/// Example: `{"location": "60608,US"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetWeatherAlerts {
    /// Where.
    pub location: Place,
}

impl GetWeatherAlerts {
    /// Asks for the alerts of this place.
    pub fn new(location: impl Into<Place>) -> Self {
        Self { location: location.into() }
    }
}

/// The alerts in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WeatherAlerts {
    /// The gravest first.
    pub alerts: Vec<Alert>,
    /// Which sources' alerts these are.
    pub coverage: Vec<Source>,
    /// Where.
    pub resolved_location: ResolvedPlace,
    /// Which sources were asked, and what came of it.
    pub sources: Vec<SourceReport>,
    /// What is not known. While this is not empty the list may lack some.
    pub missing: Vec<Missing>,
}

impl Operation for GetWeatherAlerts {
    type Provider = Weather;
    type Output = WeatherAlerts;

    const NAME: &'static str = "getWeatherAlerts";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "location": Location(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.location.validate("location")
    }

    async fn run(self, call: &Call<'_, Weather>) -> Result<WeatherAlerts> {
        let place = self.location.resolve(call, "location").await?;
        let mut gathered = gather(call, &place, Wanted::ALERTS).await;
        let Some(alerts) = gathered.alerts.take() else {
            return Err(gathered.error().unwrap_or_else(|| {
                Error::new(
                    ErrorCode::UnsupportedOperation,
                    "no source in use has alerts for this place: the National Weather Service covers the United States, One Call 3.0 (one_call in the config) other countries, and where it says nothing of warnings that is no all-clear",
                )
            }));
        };
        let answered = |report: &&SourceReport| report.state == super::SourceState::Answered;
        Ok(WeatherAlerts {
            alerts,
            coverage: gathered.reports.iter().filter(answered).map(|report| report.source).collect(),
            resolved_location: place,
            sources: gathered.reports,
            missing: gathered.missing,
        })
    }
}
