//! Asks every source at once, and says of each what came of it.

use futures::future::join_all;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Alert, Metric, ResolvedPlace, Source, Weather,
    air_quality::component,
    aqi::{Pollutant, index_of_micrograms, worst},
    nws, open_meteo, openweather,
    series::{Series, Span, moment, seconds},
};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::Call,
};

/// What came of asking a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceState {
    /// It answered.
    Answered,
    /// It answered, and its answer holds nothing.
    Empty,
    /// It does not know this place.
    NoCoverage,
    /// It did not answer, or with an error.
    Failed,
}

/// A source, and what came of asking it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SourceReport {
    /// Which.
    pub source: Source,
    /// What came of it.
    pub state: SourceState,
    /// When its newest datum was made, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_as_of: Option<Timestamp>,
    /// The code of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Something that is not known, which is why nothing is called safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Missing {
    /// What: a metric (`temperature`), `alerts`, or `source`.
    pub what: String,
    /// Of which source; none where no source has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Why.
    pub why: String,
}

impl Missing {
    pub(super) fn new(what: impl Into<String>, source: Option<Source>, why: impl Into<String>) -> Self {
        Self { what: what.into(), source, why: why.into() }
    }
}

/// Everything the sources said of a place.
pub(super) struct Gathered {
    pub(super) series: Vec<Series>,
    /// None where no source knows.
    pub(super) alerts: Option<Vec<Alert>>,
    pub(super) reports: Vec<SourceReport>,
    pub(super) missing: Vec<Missing>,
    /// Whether a source that should have said something did not: it might have been the one to warn.
    pub(super) lost: bool,
    first_error: Option<Error>,
}

/// What a caller wants to know.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) weather: bool,
    pub(super) alerts: bool,
    pub(super) air: bool,
}

impl Wanted {
    pub(super) const WEATHER: Self = Self { weather: true, alerts: false, air: false };
    pub(super) const ALERTS: Self = Self { weather: false, alerts: true, air: false };
    pub(super) const ALL: Self = Self { weather: true, alerts: true, air: true };
}

/// A place's clocks.
pub(super) enum Clocks {
    /// Its time zone, which also knows when the clocks change.
    Zone(TimeZone),
    /// Seconds that they are ahead of UTC now; they may be changed before the day that is asked about.
    Now(i64),
    /// Seconds by the longitude alone.
    Likely(i64),
}

impl Clocks {
    /// Seconds that they are ahead of UTC at a moment.
    pub(super) fn ahead(&self, at: i64) -> i64 {
        match self {
            Self::Zone(zone) => {
                let at = jiff::Timestamp::from_second(at).unwrap_or_default();
                i64::from(zone.to_offset(at).seconds())
            }
            Self::Now(ahead) | Self::Likely(ahead) => *ahead,
        }
    }

    /// The moment at which they show this: seconds since 1970 as if they went by UTC.
    pub(super) fn moment(&self, shown: i64) -> i64 {
        let near = shown - self.ahead(shown);
        shown - self.ahead(near)
    }

    /// By how many seconds they may be off, `days` days from now.
    ///
    /// Clocks are changed in the night before a Sunday nearly everywhere, by an hour. Countries' clocks are up to two
    /// hours off their longitude, but for the west of China.
    pub(super) fn doubt(&self, days: i64) -> i64 {
        match self {
            Self::Zone(_) => 0,
            Self::Now(_) => i64::from(days > 1) * 3600,
            Self::Likely(_) => 2 * 3600,
        }
    }
}

/// What one source said.
#[derive(Default)]
struct Said {
    series: Option<Series>,
    air: Option<Series>,
    alerts: Option<Vec<Alert>>,
    no_coverage: bool,
    errors: Vec<Error>,
}

/// An answer, or the error put aside.
fn keep<T>(result: Result<T>, errors: &mut Vec<Error>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

async fn when<T>(wanted: bool, work: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    if wanted { work.await.map(Some) } else { Ok(None) }
}

async fn ask(call: &Call<'_, Weather>, source: Source, place: &ResolvedPlace, wanted: Wanted) -> Said {
    let mut said = Said::default();
    match source {
        Source::Openweather => {
            let (series, alerts, air) = futures::join!(
                when(wanted.weather, openweather::series(call, place)),
                when(wanted.alerts && call.config().one_call, openweather::alerts(call, place)),
                when(wanted.air, hourly_index(call, place)),
            );
            said.series = keep(series, &mut said.errors).flatten();
            let alerts = keep(alerts, &mut said.errors).flatten();
            // Nothing else is asked then: who has no alerts here has nothing.
            said.no_coverage = alerts.as_ref().is_some_and(Option::is_none) && !wanted.weather && !wanted.air;
            said.alerts = alerts.flatten();
            said.air = keep(air, &mut said.errors).flatten();
        }
        Source::OpenMeteo => {
            let (series, air) = futures::join!(
                when(wanted.weather, open_meteo::series(call, place)),
                when(wanted.air, open_meteo::air_quality(call, place)),
            );
            said.series = keep(series, &mut said.errors).flatten();
            said.air = keep(air, &mut said.errors).flatten();
        }
        Source::Nws => match nws::cell(call, place).await {
            Ok(Some(cell)) => {
                let (series, alerts) = futures::join!(
                    when(wanted.weather, nws::series(call, &cell)),
                    when(wanted.alerts, nws::alerts(call, place)),
                );
                said.series = keep(series, &mut said.errors).flatten();
                said.alerts = keep(alerts, &mut said.errors).flatten();
            }
            Ok(None) => said.no_coverage = true,
            Err(error) => said.errors.push(error),
        },
    }
    said
}

/// The index of each hour to come, from OpenWeather's concentrations: of that hour, and of carbon monoxide the mean of the
/// eight hours that end with it.
async fn hourly_index(call: &Call<'_, Weather>, place: &ResolvedPlace) -> Result<Series> {
    let hours = openweather::pollution_to_come(call, place).await?;
    let mut series = Series::new(Source::Openweather);
    for at in 0..hours.len() {
        let indices = Pollutant::ALL.into_iter().filter_map(|pollutant| {
            let span = if pollutant == Pollutant::CarbonMonoxide { pollutant.hours() } else { 1 };
            let micrograms = mean(&hours[..=at], pollutant, span)?;
            Some((pollutant, index_of_micrograms(pollutant, micrograms)))
        });
        let index = worst(indices).map(|(_, index)| index);
        series.push(Metric::AirQuality, hours[at].dt - 3600, hours[at].dt, index);
    }
    Ok(series)
}

/// The mean of a pollutant in the last `span` hours, where three quarters of them are there.
fn mean(hours: &[openweather::PollutionHour], pollutant: Pollutant, span: usize) -> Option<f64> {
    let last = &hours[hours.len().saturating_sub(span)..];
    let values = last.iter().filter_map(|hour| hour.components.get(component(pollutant))?.as_f64());
    let values: Vec<f64> = values.filter(|value| *value >= 0.0).collect();
    #[allow(clippy::cast_precision_loss, reason = "at most 8")]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.len() * 4 >= span * 3).then_some(mean)
}

/// Runs the question to one source for at most four fifths of what is left of the call's time: a source that hangs must
/// not cost the answers of the others.
pub(super) async fn in_time<T>(call: &Call<'_, Weather>, work: impl Future<Output = T>) -> Result<T> {
    let left = call.deadline().since(call.now()).mul_f64(0.8);
    let late = || Error::new(ErrorCode::Timeout, "the source did not answer in time");
    call.runtime().timeout(left, work).await.ok_or_else(late)
}

/// Asks every source in use at once.
pub(super) async fn gather(call: &Call<'_, Weather>, place: &ResolvedPlace, wanted: Wanted) -> Gathered {
    let sources: Vec<Source> =
        call.config().used().into_iter().filter(|source| wanted.weather || can(call, *source, wanted)).collect();
    let late = |error| Said { errors: Vec::from([error]), ..Said::default() };
    let asked = sources.iter().map(|source| async move {
        in_time(call, Box::pin(ask(call, *source, place, wanted))).await.unwrap_or_else(late)
    });
    let said = join_all(asked).await;
    let mut gathered = Gathered {
        series: Vec::new(),
        alerts: None,
        reports: Vec::new(),
        missing: Vec::new(),
        lost: false,
        first_error: None,
    };
    for (source, said) in sources.into_iter().zip(said) {
        gathered.take(source, said);
    }
    if wanted.alerts && gathered.alerts.is_none() {
        gathered.missing.push(Missing::new("alerts", None, "no source in use has alerts for this place"));
    }
    if let Some(alerts) = &mut gathered.alerts {
        alerts.sort_by_key(|alert| (alert.rank(), alert.onset));
    }
    gathered
}

/// Whether a source has anything of what is wanted.
fn can(call: &Call<'_, Weather>, source: Source, wanted: Wanted) -> bool {
    match source {
        Source::Openweather => wanted.air || wanted.alerts && call.config().one_call,
        Source::Nws => wanted.alerts,
        Source::OpenMeteo => wanted.air,
    }
}

impl Gathered {
    fn take(&mut self, source: Source, mut said: Said) {
        let as_of = said.series.as_ref().and_then(|series| series.as_of).map(moment);
        let nothing =
            |series: &Option<Series>| series.as_ref().is_some_and(|series| series.hollow || series.points.is_empty());
        let empty = nothing(&said.series) || nothing(&said.air);
        let state = match said.errors.first() {
            Some(_) => SourceState::Failed,
            None if said.no_coverage => SourceState::NoCoverage,
            None if empty => SourceState::Empty,
            None => SourceState::Answered,
        };
        let error = said.errors.first();
        self.reports.push(SourceReport {
            source,
            state,
            data_as_of: as_of,
            error: error.map(|error| error.code().name().to_owned()),
            message: error.map(|error| error.message().to_owned()),
        });
        match state {
            SourceState::Failed => {
                self.lost = true;
                self.missing.push(Missing::new("source", Some(source), "it did not answer, or with an error"));
            }
            SourceState::Empty => {
                self.lost = true;
                self.missing.push(Missing::new("source", Some(source), "it answered with nothing in it"));
            }
            _ => {}
        }
        if let Some(series) = &mut said.series {
            series.derive();
        }
        self.series.extend(said.series);
        self.series.extend(said.air);
        if let Some(alerts) = said.alerts {
            self.alerts.get_or_insert_default().extend(alerts);
        }
        let first = said.errors.into_iter().next();
        self.first_error = self.first_error.take().or(first);
    }

    /// Refuses where no source said anything: the first one's error.
    pub(super) fn something(&mut self) -> Result<()> {
        if self.series.iter().any(|series| !series.points.is_empty()) {
            return Ok(());
        }
        Err(self.first_error.take().unwrap_or_else(|| {
            Error::new(ErrorCode::NotFound, "no source in use covers this place; name others in the config's sources")
        }))
    }

    /// The error of the source that failed, where one did.
    pub(super) fn error(&mut self) -> Option<Error> {
        self.first_error.take()
    }

    /// What is known of the place's clocks, best first: its time zone, a source's word of now, or what its longitude makes
    /// likely.
    pub(super) fn clocks(&self, place: &ResolvedPlace) -> Clocks {
        #[allow(clippy::cast_possible_truncation, reason = "a longitude is at most 180")]
        let likely = || Clocks::Likely((place.lon / 15.0).round() as i64 * 3600);
        let zone = self.series.iter().find_map(|series| series.zone.clone()).map(Clocks::Zone);
        zone.or_else(|| self.series.iter().find_map(|series| series.offset).map(Clocks::Now)).unwrap_or_else(likely)
    }

    /// When the oldest of the data was made.
    pub(super) fn as_of(&self) -> Option<Timestamp> {
        self.series.iter().filter_map(|series| series.as_of).min().map(moment)
    }

    /// Alerts that are in force at some time of the period.
    pub(super) fn alerts_in(&self, window: Span) -> Vec<Alert> {
        let within = |alert: &&Alert| {
            alert.onset.is_none_or(|onset| seconds(onset) < window.to)
                && alert.ends.is_none_or(|ends| seconds(ends) > window.from)
        };
        self.alerts.iter().flatten().filter(within).cloned().collect()
    }
}
