//! The geocoder of the Census Bureau: street addresses.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::refuse;
use super::world::{Service, TOWNS, World};
use crate::exchange::{Answer, Request};

pub(super) fn answer(world: &World, request: &Request) -> Answer {
    let query = request.query();
    if request.path() != "/geocoder/locations/onelineaddress" {
        return refuse(Some(Service::Census), StatusCode::NOT_FOUND, "Not Found");
    }
    let (Some(address), Some(benchmark)) = (query.filled("address"), query.filled("benchmark")) else {
        return refuse(Some(Service::Census), StatusCode::BAD_REQUEST, "address and benchmark are required");
    };
    // The vendor corrects spelling and fills in what is missing; here only upper and lower case are the same.
    let matches: Vec<Value> = TOWNS
        .iter()
        .filter(|town| town.address.is_some_and(|known| known.eq_ignore_ascii_case(address.trim())))
        .filter(|_| !world.empty.contains(&Service::Census))
        .map(|town| {
            json!({
                "tigerLine": { "side": "L", "tigerLineId": "1" },
                "coordinates": { "x": town.point.1, "y": town.point.0 },
                "addressComponents": {
                    "zip": town.postal, "state": town.state.map(|(_, code)| code), "city": town.name.to_uppercase(),
                },
                "matchedAddress": address.to_uppercase(),
            })
        })
        .collect();
    let input = json!({ "address": { "address": address }, "benchmark": { "benchmarkName": benchmark } });
    Answer::json(StatusCode::OK, &json!({ "result": { "input": input, "addressMatches": matches } }))
}
