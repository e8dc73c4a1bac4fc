use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Place, Source, Units, place::is_country};
use crate::{
    error::{Error, Result},
    model::Secret,
    providers::{ConfigField, ProviderConfig},
};

/// A tenant's weather settings. None is required: without a key the keyless sources are left.
///
/// ```
/// use sis_integrations::providers::weather::WeatherConfig;
///
/// let config = WeatherConfig::new().api_key("an-api-key").contact("it@school.example");
/// assert!(!format!("{config:?}").contains("an-api-key"));
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct WeatherConfig {
    /// OpenWeather's API key. Env `WEATHER_API_KEY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret<String>>,
    /// Whether the key's account has subscribed to One Call 3.0, which has alerts for the whole world.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_call: bool,
    /// Open-Meteo's key, which commercial use needs. Its paying host is asked then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_meteo_api_key: Option<Secret<String>>,
    /// Which sources are asked. Default: `openweather` (where there is a key) and `nws`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<Source>>,
    /// An e-mail address or page by which the National Weather Service can reach whoever runs this: part of the
    /// `User-Agent` it asks for. Env `WEATHER_CONTACT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The units of thresholds and answers where a call does not say. Default: metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// The country of postal codes that stand alone, two letters: `US`. Without it they are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
    /// Places by name: `{"School Address": {"lat": 41.84, "lon": -87.65}}`, or anything else that is a location.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, Place>,
    /// Where requests go. Default: the sources' own hosts; tests point it at the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Url>,
}

impl WeatherConfig {
    /// Only the National Weather Service: no key.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same settings, with OpenWeather's key.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(Secret::new(key.into()));
        self
    }

    /// The same settings, with these sources and no others.
    pub fn sources(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.sources = Some(sources.into_iter().collect());
        self
    }

    /// The same settings, with One Call 3.0 subscribed to.
    pub fn one_call(mut self) -> Self {
        self.one_call = true;
        self
    }

    /// The same settings, with a contact for the National Weather Service.
    pub fn contact(mut self, contact: impl Into<String>) -> Self {
        self.contact = Some(contact.into());
        self
    }

    /// The same settings, with units for calls that name none.
    pub fn units(mut self, units: Units) -> Self {
        self.units = Some(units);
        self
    }

    /// The same settings, with a country for postal codes that stand alone.
    pub fn default_country(mut self, country: impl Into<String>) -> Self {
        self.default_country = Some(country.into());
        self
    }

    /// The same settings, with one more place by name.
    pub fn place(mut self, name: impl Into<String>, place: impl Into<Place>) -> Self {
        self.places.insert(name.into(), place.into());
        self
    }

    /// The same settings, with requests going elsewhere.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// Which sources are asked.
    pub(super) fn used(&self) -> Vec<Source> {
        self.sources.clone().unwrap_or_else(|| {
            let keyed = self.api_key.is_some().then_some(Source::Openweather);
            keyed.into_iter().chain([Source::Nws]).collect()
        })
    }

    /// The `User-Agent` that the National Weather Service asks for.
    pub(super) fn user_agent(&self) -> String {
        let contact = self.contact.as_deref().unwrap_or("no contact configured");
        format!("sis-integrations/{} ({contact})", env!("CARGO_PKG_VERSION"))
    }
}

impl ProviderConfig for WeatherConfig {
    const PROVIDER: &'static str = "weather";

    const FIELDS: &'static [ConfigField] = &[
        ConfigField {
            name: "api_key",
            env: Some("WEATHER_API_KEY"),
            hint: "from OpenWeather's page of API keys; a new key works after up to two hours",
        },
        ConfigField { name: "one_call", env: None, hint: "true when the account has subscribed to One Call 3.0" },
        ConfigField {
            name: "open_meteo_api_key",
            env: Some("WEATHER_OPEN_METEO_API_KEY"),
            hint: "from Open-Meteo's page for subscribers",
        },
        ConfigField { name: "sources", env: None, hint: "a list of openweather, nws, open_meteo" },
        ConfigField { name: "contact", env: Some("WEATHER_CONTACT"), hint: "an e-mail address or a page" },
        ConfigField { name: "units", env: None, hint: "metric or imperial" },
        ConfigField { name: "default_country", env: None, hint: "two letters, such as US" },
        ConfigField { name: "places", env: None, hint: "an object of names, each with lat and lon or a location" },
        ConfigField { name: "base_url", env: None, hint: "an https address" },
    ];

    fn validate(&self) -> Result<()> {
        for (field, key) in [("api_key", &self.api_key), ("open_meteo_api_key", &self.open_meteo_api_key)] {
            if key.as_ref().is_some_and(|key| key.expose().trim().is_empty()) {
                return Err(Error::invalid(field, "must not be empty; leave it out to use the keyless sources"));
            }
        }
        if self.one_call && self.api_key.is_none() {
            return Err(Error::invalid("one_call", "needs api_key"));
        }
        if let Some(sources) = &self.sources {
            if sources.is_empty() {
                return Err(Error::invalid("sources", "must name at least one of openweather, nws, open_meteo"));
            }
            if sources.contains(&Source::Openweather) && self.api_key.is_none() {
                return Err(Error::invalid("api_key", "is required where sources names openweather"));
            }
            for (index, source) in sources.iter().enumerate() {
                if sources[..index].contains(source) {
                    return Err(Error::invalid(format!("sources[{index}]"), "stands there twice"));
                }
            }
        }
        let fits = |text: &str| !text.trim().is_empty() && text.len() <= 200 && text.is_ascii();
        let plain = |text: &str| !text.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b'(' | b')'));
        if self.contact.as_ref().is_some_and(|contact| !fits(contact) || !plain(contact)) {
            return Err(Error::invalid("contact", "must be an e-mail address or a page, in ASCII without brackets"));
        }
        if self.default_country.as_ref().is_some_and(|country| !is_country(country)) {
            return Err(Error::invalid("default_country", "must be a country's two letters (ISO 3166), such as US"));
        }
        for (name, place) in &self.places {
            if name.trim().is_empty() {
                return Err(Error::invalid("places", "must not have an empty name"));
            }
            place.validate(&format!("places.{name}"))?;
        }
        Ok(())
    }

    fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        for (config, field) in [
            (json!({ "api_key": " " }), "api_key"),
            (json!({ "open_meteo_api_key": "" }), "open_meteo_api_key"),
            (json!({ "one_call": true }), "one_call"),
            (json!({ "sources": [] }), "sources"),
            (json!({ "sources": ["openweather"] }), "api_key"),
            (json!({ "sources": ["nws", "nws"] }), "sources[1]"),
            (json!({ "contact": "a\r\nX-Evil: 1" }), "contact"),
            (json!({ "contact": "" }), "contact"),
            (json!({ "places": { "school": { "lat": 91, "lon": 0 } } }), "places.school.lat"),
            (json!({ "places": { " ": "60608,US" } }), "places"),
            (json!({ "default_country": "USA" }), "default_country"),
        ] {
            let read: WeatherConfig = serde_json::from_value(config.clone()).unwrap();
            let error = read.validate().unwrap_err();
            assert_eq!(error.field(), Some(field), "{config}: {error}");
        }
        let good = WeatherConfig::new().api_key("k").place("School", (41.8, -87.6)).contact("it@school.example");
        assert!(good.validate().is_ok());
        assert_eq!(good.used(), [Source::Openweather, Source::Nws]);
        assert_eq!(WeatherConfig::new().used(), [Source::Nws]);
        assert!(good.user_agent().ends_with("(it@school.example)"));
    }
}
