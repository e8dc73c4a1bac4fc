//! How good the air is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Metric, Missing, Place, Pollutant, ResolvedPlace, Source, SourceReport, SourceState, Weather, aqi,
    gather::in_time,
    open_meteo, openweather,
    openweather::PollutionHour,
    series::{Span, moment, seconds},
};
use crate::{
    error::{Error, ErrorCode, Result},
    manifest,
    model::{Manifest, Timestamp},
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Answers the air quality index of the United States, from each source in use that has it.
///
/// OpenWeather's is worked out here from its concentrations of the last 24 hours: particles are averaged over 24 hours,
/// ozone and carbon monoxide over 8, by the table of 2024. Where three quarters of the hours are not there the pollutant
/// is left out and named; without fine particles there is an index only where another pollutant's is above 100, and it is
/// the least that it can be. OpenWeather's own scale from 1 to 5 is not used. Open-Meteo's is modelled.
/// <https://openweathermap.org/api/air-pollution>, <https://open-meteo.com/en/docs/air-quality-api>
/// Access: read.
/// Errors: `unsupported_operation` where no source in use has it, the first source's where none answers, and those of
/// `resolvePlace`.
/// Example: `{"location": {"lat": 41.84, "lon": -87.65}}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetAirQuality {
    /// Where.
    pub location: Place,
}

impl GetAirQuality {
    /// Asks for the air quality of this place.
    pub fn new(location: impl Into<Place>) -> Self {
        Self { location: location.into() }
    }
}

/// The index as one source has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AirQuality {
    /// Which source.
    pub source: Source,
    /// The index, 0 to 500: that of the worst pollutant.
    pub index: f64,
    /// What that is called: `Good`, `Moderate`, `Unhealthy for Sensitive Groups`, `Unhealthy`, `Very Unhealthy`,
    /// `Hazardous`.
    pub category: String,
    /// The worst pollutant, where the source tells them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pollutant: Option<Pollutant>,
    /// The index of each pollutant, where the source tells them apart.
    pub pollutants: Vec<PollutantIndex>,
    /// As of when.
    pub at: Timestamp,
    /// How it was averaged: `epa` (24, 8 or 1 hours as the regulation has it) or `source` (as the source does).
    pub averaging: String,
}

/// The index of one pollutant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PollutantIndex {
    /// Which.
    pub pollutant: Pollutant,
    /// Its index.
    pub index: f64,
    /// Its mean concentration, µg/m³.
    pub micrograms: f64,
}

/// The air quality of a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AirQualityReport {
    /// What each source says.
    pub air: Vec<AirQuality>,
    /// The scale: `us_aqi`.
    pub scale: String,
    /// Where.
    pub resolved_location: ResolvedPlace,
    /// Which sources were asked, and what came of it.
    pub sources: Vec<SourceReport>,
    /// What is not known.
    pub missing: Vec<Missing>,
}

/// The name of a pollutant in OpenWeather's answers.
pub(super) const fn component(pollutant: Pollutant) -> &'static str {
    match pollutant {
        Pollutant::Pm25 => "pm2_5",
        Pollutant::Pm10 => "pm10",
        Pollutant::Ozone => "o3",
        Pollutant::NitrogenDioxide => "no2",
        Pollutant::SulphurDioxide => "so2",
        Pollutant::CarbonMonoxide => "co",
    }
}

/// The index from hourly concentrations; what is missing is named.
fn from_hours(mut hours: Vec<PollutionHour>, missing: &mut Vec<Missing>) -> Option<AirQuality> {
    hours.sort_by_key(|hour| std::cmp::Reverse(hour.dt));
    let newest = hours.first()?.dt;
    let mut pollutants = Vec::new();
    for pollutant in Pollutant::ALL {
        let span = pollutant.hours();
        let reach = i64::try_from(span).unwrap_or(24) * 3600;
        let values: Vec<f64> = hours
            .iter()
            .filter(|hour| newest - hour.dt < reach)
            .filter_map(|hour| hour.components.get(component(pollutant))?.as_f64())
            .filter(|value| *value >= 0.0)
            .take(span)
            .collect();
        if values.len() * 4 < span * 3 {
            let least =
                if pollutant == Pollutant::Pm25 { "; without it an index is the least that it can be" } else { "" };
            let why = format!("{} of {span} hours are there{least}", values.len());
            missing.push(Missing::new(component(pollutant), Some(Source::Openweather), why));
            continue;
        }
        #[allow(clippy::cast_precision_loss, reason = "at most 24")]
        let micrograms = values.iter().sum::<f64>() / values.len() as f64;
        pollutants.push(PollutantIndex {
            pollutant,
            index: aqi::index_of_micrograms(pollutant, micrograms),
            micrograms,
        });
    }
    let (worst, index) = aqi::worst(pollutants.iter().map(|one| (one.pollutant, one.index)))?;
    Some(AirQuality {
        source: Source::Openweather,
        index,
        category: aqi::category(index).to_owned(),
        pollutant: Some(worst),
        pollutants,
        at: moment(newest),
        averaging: "epa".to_owned(),
    })
}

impl Operation for GetAirQuality {
    type Provider = Weather;
    type Output = AirQualityReport;

    const NAME: &'static str = "getAirQuality";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "location": Location(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.location.validate("location")
    }

    async fn run(self, call: &Call<'_, Weather>) -> Result<AirQualityReport> {
        let place = self.location.resolve(call, "location").await?;
        let now = seconds(call.now());
        let used: Vec<Source> = call.config().used().into_iter().filter(|source| *source != Source::Nws).collect();
        if used.is_empty() {
            return Err(Error::new(
                ErrorCode::UnsupportedOperation,
                "no source in use has air quality: OpenWeather needs api_key, or name open_meteo in sources",
            ));
        }
        let asked = used.into_iter().map(|source| {
            let place = &place;
            async move {
                let mut missing = Vec::new();
                let found = match source {
                    Source::OpenMeteo => {
                        in_time(call, open_meteo::air_quality(call, place)).await.flatten().map(|series| {
                            let hour =
                                series.within(Metric::AirQuality, Span { from: now - 1, to: now }).last().copied();
                            hour.map(|point| AirQuality {
                                source,
                                index: point.value,
                                category: aqi::category(point.value).to_owned(),
                                pollutant: None,
                                pollutants: Vec::new(),
                                at: moment(point.span.to),
                                averaging: "source".to_owned(),
                            })
                        })
                    }
                    _ => in_time(call, openweather::pollution_so_far(call, place))
                        .await
                        .flatten()
                        .map(|hours| from_hours(hours, &mut missing)),
                };
                (source, found, missing)
            }
        });
        let (mut air, mut sources, mut missing, mut first) = (Vec::new(), Vec::new(), Vec::new(), None);
        for (source, found, holes) in futures::future::join_all(asked).await {
            missing.extend(holes);
            let (state, error) = match found {
                Ok(Some(found)) => {
                    air.push(found);
                    (SourceState::Answered, None)
                }
                Ok(None) => (SourceState::Empty, None),
                Err(error) => (SourceState::Failed, Some(error)),
            };
            if state != SourceState::Answered {
                missing.push(Missing::new("source", Some(source), "it has no index of the air there"));
            }
            sources.push(SourceReport {
                source,
                state,
                data_as_of: None,
                error: error.as_ref().map(|error| error.code().name().to_owned()),
                message: error.as_ref().map(|error| error.message().to_owned()),
            });
            first = first.or(error);
        }
        if air.is_empty() {
            return Err(first.unwrap_or_else(|| {
                Error::new(ErrorCode::InvalidResponse, "no source in use has an index of the air there")
            }));
        }
        Ok(AirQualityReport { air, scale: "us_aqi".to_owned(), resolved_location: place, sources, missing })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hours(count: i64, fine: f64) -> Vec<PollutionHour> {
        let hour = |n| json!({ "dt": n * 3600, "components": { "pm2_5": fine, "o3": 50.0, "pm10": -9999.0 } });
        (0..count).map(|n| serde_json::from_value(hour(n)).unwrap()).collect()
    }

    #[test]
    fn the_mean_of_a_day_is_what_counts() {
        let mut missing = Vec::new();
        let air = from_hours(hours(24, 35.4), &mut missing).unwrap();
        assert_eq!((air.index, air.pollutant), (100.0, Some(Pollutant::Pm25)));
        assert!(missing.iter().any(|missing| missing.what == "pm10"), "a filler is no value");
        let mut missing = Vec::new();
        assert!(from_hours(hours(17, 35.4), &mut missing).is_none(), "ozone alone makes no good air");
        assert!(missing.iter().any(|missing| missing.what == "pm2_5" && missing.why.contains("17 of 24")));
        let mut smog = hours(17, 35.4);
        for hour in &mut smog {
            hour.components["o3"] = json!(200.0);
        }
        let air = from_hours(smog, &mut Vec::new()).unwrap();
        assert_eq!(air.pollutant, Some(Pollutant::Ozone));
        assert!(air.index > 100.0, "17 hours are too few for particles, but ozone is bad by itself");
        assert!(from_hours(Vec::new(), &mut Vec::new()).is_none());
    }
}
