//! The geocoder of the United States Census Bureau: street addresses, no key.
//! <https://geocoding.geo.census.gov/geocoder/Geocoding_Services_API.html>

use serde::Deserialize;

use super::{Locator, ResolvedPlace, Weather};
use crate::{error::Result, providers::Call};

const HOST: &str = "https://geocoding.geo.census.gov";

#[derive(Deserialize)]
struct Reply {
    result: Matches,
}

#[derive(Deserialize)]
struct Matches {
    #[serde(rename = "addressMatches")]
    addresses: Vec<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    matched_address: String,
    coordinates: Coordinates,
    #[serde(default)]
    address_components: Components,
}

#[derive(Deserialize)]
struct Coordinates {
    x: f64,
    y: f64,
}

#[derive(Deserialize, Default)]
struct Components {
    #[serde(default)]
    state: Option<String>,
}

/// Every place that the address may be.
pub(super) async fn addresses(call: &Call<'_, Weather>, words: &str) -> Result<Vec<ResolvedPlace>> {
    let request = call
        .get(call.url(HOST, &["geocoder", "locations", "onelineaddress"])?)
        .query("address", words)
        .query("benchmark", "Public_AR_Current")
        .query("format", "json");
    let reply: Reply = call.fetch(request).await?;
    let found = reply.result.addresses.into_iter().map(|address| ResolvedPlace {
        name: Some(address.matched_address),
        state: address.address_components.state,
        country: Some("US".to_owned()),
        lat: address.coordinates.y,
        lon: address.coordinates.x,
        source: Locator::UsCensus,
    });
    Ok(found.collect())
}
