//! Where: a location as it is given, and the place that it turns out to be.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::json;

use super::{Weather, census, openweather};
use crate::{
    error::{Error, ErrorCode, Result},
    manifest,
    model::Manifest,
    providers::{Access, Call, Operation},
    transport::Repeat,
};

/// A location: coordinates, or words that are looked up.
///
/// In JSON it is `{"lat": 41.84, "lon": -87.65}`, or a string: `"41.84,-87.65"`, a postal code with its country
/// (`"60608,US"`; the digits alone only where the config names a `default_country`), a city (`"Chicago,IL,US"`), a street address
/// in the United States (`"1600 Pennsylvania Ave NW, Washington, DC"`), or the name of one of the config's `places`.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// Degrees north and east.
    Coordinates {
        /// Degrees north.
        lat: f64,
        /// Degrees east.
        lon: f64,
    },
    /// Words that are looked up.
    Words(String),
}

/// Not the words: they may be where somebody lives.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(…)")
    }
}

impl From<(f64, f64)> for Place {
    fn from((lat, lon): (f64, f64)) -> Self {
        Place::Coordinates { lat, lon }
    }
}

impl From<&str> for Place {
    fn from(words: &str) -> Self {
        Place::Words(words.to_owned())
    }
}

impl From<String> for Place {
    fn from(words: String) -> Self {
        Place::Words(words)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    lat: f64,
    lon: f64,
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Place::Coordinates { lat, lon } => Pair { lat: *lat, lon: *lon }.serialize(serializer),
            Place::Words(words) => serializer.serialize_str(words),
        }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Place;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a location in words or an object with lat and lon")
            }

            fn visit_str<E>(self, words: &str) -> Result<Place, E> {
                Ok(Place::Words(words.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Place, A::Error> {
                let Pair { lat, lon } = Pair::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Place::Coordinates { lat, lon })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Place {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::Schema::try_from(json!({
            "description": "Coordinates, or words that are looked up: 'lat,lon', a postal code with its country, a city with its country, a street address in the United States, or the name of a place in the config.",
            "anyOf": [
                { "type": "string", "minLength": 1, "maxLength": LONGEST },
                {
                    "type": "object",
                    "properties": {
                        "lat": { "type": "number", "minimum": -90, "maximum": 90, "description": "Degrees north." },
                        "lon": { "type": "number", "minimum": -180, "maximum": 180, "description": "Degrees east." },
                    },
                    "required": ["lat", "lon"],
                    "additionalProperties": false,
                },
            ],
        }))
        .unwrap_or_default()
    }
}

/// The most characters of a location in words.
const LONGEST: usize = 200;

/// What words turn out to be.
#[derive(Debug, PartialEq)]
enum Form {
    Coordinates(f64, f64),
    Postal { code: String, country: Option<String> },
    Address,
    City,
}

impl Place {
    /// Refuses what cannot be a location.
    pub(super) fn validate(&self, field: &str) -> Result<()> {
        match self {
            Place::Coordinates { lat, lon } => bounds(*lat, *lon).map_err(|error| error.within(field)),
            Place::Words(words) if words.trim().is_empty() => Err(Error::invalid(field, "must not be empty")),
            Place::Words(words) if words.chars().count() > LONGEST || words.chars().any(char::is_control) => {
                Err(Error::invalid(field, format!("must be at most {LONGEST} characters in one line")))
            }
            Place::Words(words) => match form(words) {
                Form::Coordinates(lat, lon) => bounds(lat, lon).map_err(|error| error.with_field(field)),
                _ => Ok(()),
            },
        }
    }

    /// Finds it. Errors: `not_found` where there is no such place, `invalid_argument` with the candidates where there
    /// are several, `not_configured` where the geocoder needs a key.
    pub(super) async fn resolve(&self, call: &Call<'_, Weather>, field: &str) -> Result<ResolvedPlace> {
        let (place, name) = match self {
            Place::Words(words) => match named(call, words) {
                Some((name, place)) => (place, Some(name)),
                None => (self, None),
            },
            Place::Coordinates { .. } => (self, None),
        };
        let mut found = place.look_up(call, field).await?;
        if name.is_some() {
            found.name = name;
        }
        Ok(found)
    }

    async fn look_up(&self, call: &Call<'_, Weather>, field: &str) -> Result<ResolvedPlace> {
        let words = match self {
            Place::Coordinates { lat, lon } => return Ok(ResolvedPlace::at(*lat, *lon)),
            Place::Words(words) => words.trim(),
        };
        let mut candidates = match form(words) {
            Form::Coordinates(lat, lon) => return Ok(ResolvedPlace::at(lat, lon)),
            Form::Postal { code, country } => {
                needs_key(call, field)?;
                let default = call.config().default_country.as_ref();
                if let Some(state) = country.as_ref().filter(|country| is_us_zip(&code) && is_us_state(country))
                    && default.is_none_or(|default| !default.eq_ignore_ascii_case(state))
                {
                    return Err(Error::invalid(
                        field,
                        format!(
                            "has the letters of a state where those of the country belong: write it as \"{code},US\"; \
                             if {state} is meant as a country, set default_country in the config or give coordinates"
                        ),
                    ));
                }
                let Some(country) = country.as_ref().or(default).map(|country| country.to_ascii_uppercase()) else {
                    return Err(Error::invalid(
                        field,
                        format!(
                            "is a postal code without its country, and many countries have this one: write it as \
                             \"{code},US\", or set default_country in the config"
                        ),
                    ));
                };
                match openweather::postal(call, us_zip(&code, &country), &country).await {
                    Ok(place) => Vec::from([place]),
                    Err(error) if error.code() == ErrorCode::NotFound => Vec::new(),
                    Err(error) => return Err(error),
                }
            }
            Form::Address => census::addresses(call, words).await?,
            Form::City => {
                needs_key(call, field)?;
                openweather::cities(call, words).await?
            }
        };
        distinct(&mut candidates);
        match candidates.len() {
            0 => Err(Error::new(ErrorCode::NotFound, "there is no such place; give its coordinates as lat and lon")
                .with_field(field)),
            1 => Ok(candidates.remove(0)),
            count => {
                let names: Vec<String> = candidates.iter().map(ToString::to_string).collect();
                let message = format!(
                    "there are {count} such places; add the state and country, or give coordinates: {}",
                    names.join("; ")
                );
                Err(Error::invalid(field, message))
            }
        }
    }
}

fn bounds(lat: f64, lon: f64) -> Result<()> {
    if !(-90.0..=90.0).contains(&lat) {
        return Err(Error::invalid("lat", "must be between -90 and 90"));
    }
    if !(-180.0..=180.0).contains(&lon) {
        return Err(Error::invalid("lon", "must be between -180 and 180"));
    }
    Ok(())
}

/// A place of the config; upper and lower case are the same.
fn named<'a>(call: &Call<'a, Weather>, words: &str) -> Option<(String, &'a Place)> {
    let wanted = words.trim().to_lowercase();
    let found = call.config().places.iter().find(|(name, _)| name.trim().to_lowercase() == wanted)?;
    Some((found.0.clone(), found.1))
}

fn needs_key(call: &Call<'_, Weather>, field: &str) -> Result<()> {
    if call.config().api_key.is_some() {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::NotConfigured,
        "cities and postal codes are looked up with OpenWeather, which needs api_key in the config; give coordinates, a street address in the United States, or the name of one of the config's places",
    )
    .with_field(field))
}

/// Whether this is a country's two letters.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The states and territories of the United States. Many of their letters are those of a country too.
const US_STATES: [&str; 56] = [
    "AL", "AK", "AS", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "GU", "HI", "ID", "IL", "IN", "IA", "KS",
    "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MP", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND",
    "OH", "OK", "OR", "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "VI", "WA", "WV", "WI", "WY",
];

fn is_us_state(letters: &str) -> bool {
    US_STATES.iter().any(|state| state.eq_ignore_ascii_case(letters))
}

/// Whether this has the form of a postal code of the United States: five digits, or nine.
fn is_us_zip(code: &str) -> bool {
    let (five, four) = code.split_once('-').unwrap_or((code, "0000"));
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(five, 5) && digits(four, 4)
}

/// In the United States the geocoder knows the first five digits of nine.
fn us_zip<'a>(code: &'a str, country: &str) -> &'a str {
    match code.split_once('-') {
        Some((five, _)) if country == "US" => five,
        _ => code,
    }
}

fn form(words: &str) -> Form {
    let parts: Vec<&str> = words.split(',').map(str::trim).collect();
    if let [lat, lon] = parts[..]
        && let (Ok(lat), Ok(lon)) = (lat.parse::<f64>(), lon.parse::<f64>())
    {
        return Form::Coordinates(lat, lon);
    }
    let is_code = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-'));
        text.len() <= 10 && plain && text.bytes().any(|byte| byte.is_ascii_digit())
    };
    // Alone, only what can be nothing else: "SW1A 1AA" may be a name.
    let is_bare_code =
        |text: &str| (4..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    // "5th Ave": a number and words with a state behind them are a street.
    let is_street = |text: &str| {
        let begins = text.starts_with(|sign: char| sign.is_ascii_digit());
        begins && text.contains(' ') && text.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    match parts[..] {
        [street, state] if is_street(street) && is_us_state(state) => Form::Address,
        [code] if is_bare_code(code) => Form::Postal { code: code.to_owned(), country: None },
        [code, country] if is_code(code) && is_country(country) => {
            Form::Postal { code: code.to_owned(), country: Some(country.to_ascii_uppercase()) }
        }
        [first, ..] if first.starts_with(|c: char| c.is_ascii_digit()) && first.contains(' ') => Form::Address,
        _ => Form::City,
    }
}

/// Geocoders list one place several times: what has the same name and lies within some ten kilometres is one.
fn distinct(places: &mut Vec<ResolvedPlace>) {
    let mut kept: Vec<ResolvedPlace> = Vec::new();
    for place in places.drain(..) {
        let same = |other: &ResolvedPlace| {
            (&other.name, &other.state, &other.country) == (&place.name, &place.state, &place.country)
                && (other.lat - place.lat).abs() < 0.1
                && (other.lon - place.lon).abs() < 0.1
        };
        if !kept.iter().any(same) {
            kept.push(place);
        }
    }
    *places = kept;
}

/// A place that was found, and by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResolvedPlace {
    /// What it is called: in the config, or by the geocoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The country, two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Who found it.
    pub source: Locator,
}

/// Who finds a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Locator {
    /// The caller or the config gave coordinates.
    Given,
    /// OpenWeather's geocoder.
    Openweather,
    /// The geocoder of the United States Census Bureau.
    UsCensus,
}

impl ResolvedPlace {
    fn at(lat: f64, lon: f64) -> Self {
        Self { name: None, state: None, country: None, lat, lon, source: Locator::Given }
    }
}

impl fmt::Display for ResolvedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.name, &self.state, &self.country].into_iter().flatten() {
            write!(f, "{part}, ")?;
        }
        write!(f, "{:.4},{:.4}", self.lat, self.lon)
    }
}

/// Finds a place: what it is called, and its coordinates.
///
/// Cities and postal codes: <https://openweathermap.org/api/geocoding-api>. Street addresses in the United States:
/// <https://geocoding.geo.census.gov/geocoder/Geocoding_Services_API.html>.
/// Access: read.
/// Errors: `not_found` where there is no such place, `invalid_argument` with the candidates where there are several,
/// `not_configured` for a city or postal code without `api_key`.
/// Example: `{"location": "Chicago,IL,US"}`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ResolvePlace {
    /// Where.
    pub location: Place,
}

impl ResolvePlace {
    /// Asks where this is.
    pub fn new(location: impl Into<Place>) -> Self {
        Self { location: location.into() }
    }
}

impl Operation for ResolvePlace {
    type Provider = Weather;
    type Output = ResolvedPlace;

    const NAME: &'static str = "resolvePlace";
    const ACCESS: Access = Access::Read;
    const DISCLOSES: Manifest = manifest! { "location": Location(Anyone) };
    const REPEAT: Repeat = Repeat::Always;

    fn validate(&self) -> Result<()> {
        self.location.validate("location")
    }

    async fn run(self, call: &Call<'_, Weather>) -> Result<ResolvedPlace> {
        self.location.resolve(call, "location").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        let postal = |code: &str, country: &str| Form::Postal { code: code.into(), country: Some(country.into()) };
        let bare = |code: &str| Form::Postal { code: code.into(), country: None };
        for (words, expected) in [
            ("41.84,-87.65", Form::Coordinates(41.84, -87.65)),
            (" 41.84 , -87.65 ", Form::Coordinates(41.84, -87.65)),
            ("60608", bare("60608")),
            ("60608-1234", bare("60608-1234")),
            ("0199", bare("0199")),
            ("60608,us", postal("60608", "US")),
            ("SW1A 1AA,GB", postal("SW1A 1AA", "GB")),
            ("1600 Pennsylvania Ave NW, Washington, DC", Form::Address),
            ("221B Baker Street", Form::Address),
            ("5th Ave,NY", Form::Address),
            ("1 Elm St,ca", Form::Address),
            ("K1A 0B1,CA", postal("K1A 0B1", "CA")),
            ("110 001,IN", postal("110 001", "IN")),
            ("1012 AB,NL", postal("1012 AB", "NL")),
            ("Chicago,IL,US", Form::City),
            ("Springfield", Form::City),
            ("School Address", Form::City),
        ] {
            assert_eq!(form(words), expected, "{words}");
        }
    }

    #[test]
    fn a_postal_code_of_the_united_states_has_five_digits_or_nine() {
        assert!(is_us_zip("60608") && is_us_zip("60608-1234") && is_us_state("il"));
        assert!(!is_us_zip("6060") && !is_us_zip("60608-12") && !is_us_zip("K1A 0B1") && !is_us_state("US"));
    }

    #[test]
    fn what_cannot_be_a_location_is_refused_with_its_path() {
        for (place, field) in [
            (Place::from((90.5, 0.0)), "location.lat"),
            (Place::from((0.0, f64::NAN)), "location.lon"),
            (Place::from(" "), "location"),
            (Place::from("95,0"), "location"),
            (Place::from("a\nb"), "location"),
            (Place::from("x".repeat(201)), "location"),
        ] {
            assert_eq!(place.validate("location").unwrap_err().field(), Some(field));
        }
        for value in [json!(5), json!([1, 2]), json!({ "lat": 1 }), json!({ "lat": 1, "lon": 2, "alt": 3 })] {
            assert!(serde_json::from_value::<Place>(value).is_err());
        }
    }
}
