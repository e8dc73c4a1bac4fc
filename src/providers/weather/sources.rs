//! Whether the sources answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ResolvedPlace, Source, SourceReport, SourceState, Weather, nws, open_meteo, openweather};
use crate::{
    error::Result,
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// Asks each source in use whether it answers and accepts the key, with something cheap.
///
/// <https://openweathermap.org/current>, <https://www.weather.gov/documentation/services-web-api>,
/// <https://open-meteo.com/en/docs>
/// Access: read.
/// Errors: the first failing source's, so that the integration's health shows it: `needs_reconnect` for a key that
/// OpenWeather does not accept, `vendor_unavailable` for a source that is down.
/// Example: `{}`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct GetSources {}

impl GetSources {
    /// Asks every source.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The sources in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sources {
    /// Each of them.
    pub sources: Vec<SourceReport>,
}

async fn ping(call: &Call<'_, Weather>, source: Source) -> Result<()> {
    match source {
        Source::Nws => nws::ping(call).await,
        Source::Openweather => {
            let request =
                call.get(call.url(openweather::HOST, &["data", "2.5", "weather"])?).query("lat", "0").query("lon", "0");
            call.fetch::<Value>(request).await.map(drop)
        }
        Source::OpenMeteo => {
            let place = ResolvedPlace {
                name: None,
                state: None,
                country: None,
                lat: 0.0,
                lon: 0.0,
                source: super::Locator::Given,
            };
            open_meteo::series(call, &place).await.map(drop)
        }
    }
}

impl Operation for GetSources {
    type Provider = Weather;
    type Output = Sources;

    const NAME: &'static str = "getSources";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! {};
    const REPEAT: Repeat = Repeat::Always;

    async fn run(self, call: &Call<'_, Weather>) -> Result<Sources> {
        let used = call.config().used();
        let asked = futures::future::join_all(used.iter().map(|source| ping(call, *source))).await;
        let mut sources = Vec::new();
        for (source, answer) in used.into_iter().zip(asked) {
            answer?;
            sources.push(SourceReport {
                source,
                state: SourceState::Answered,
                data_as_of: None,
                error: None,
                message: None,
            });
        }
        Ok(Sources { sources })
    }
}
