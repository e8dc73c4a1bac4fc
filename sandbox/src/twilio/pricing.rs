//! Prices of messages and calls by country.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::Context;
use super::error::ApiError;
use super::paging::Paging;
use crate::exchange::Answer;

/// Country, its name, price of a message out and in, of a minute out and in.
const COUNTRIES: &[(&str, &str, &str, &str, &str, &str, &str)] = &[
    ("AU", "Australia", "61", "0.0515", "0.0075", "0.0252", "0.0100"),
    ("CA", "Canada", "1", "0.0083", "0.0083", "0.0140", "0.0085"),
    ("DE", "Germany", "49", "0.1128", "0.0075", "0.0280", "0.0100"),
    ("FR", "France", "33", "0.0798", "0.0075", "0.0200", "0.0100"),
    ("GB", "United Kingdom", "44", "0.0524", "0.0075", "0.0158", "0.0100"),
    ("IE", "Ireland", "353", "0.0831", "0.0075", "0.0300", "0.0100"),
    ("IN", "India", "91", "0.0832", "0.0075", "0.0405", "0.0100"),
    ("MX", "Mexico", "52", "0.0672", "0.0075", "0.0158", "0.0100"),
    ("US", "United States", "1", "0.0083", "0.0083", "0.0140", "0.0085"),
];

pub(super) fn route(context: &Context<'_>, kind: &str, rest: &[&str]) -> Result<Answer, ApiError> {
    match rest {
        [] => list(context, kind),
        [iso] => one(context, kind, iso),
        _ => Err(ApiError::not_found(context.request.path())),
    }
}

fn list(context: &Context<'_>, kind: &str) -> Result<Answer, ApiError> {
    let paging = Paging::of(context.request, &context.request.query())?;
    let (page, next) = paging.slice(COUNTRIES.iter());
    let items = page.into_iter().map(|(iso, name, ..)| {
        json!({ "country": name, "iso_country": iso, "url": context.link(&format!("/v1/{kind}/Countries/{iso}")) })
    });
    Ok(paging.modern(context.shared.stage.url(), "countries", items.collect(), next))
}

fn one(context: &Context<'_>, kind: &str, wanted: &str) -> Result<Answer, ApiError> {
    let found = COUNTRIES.iter().find(|(iso, ..)| iso.eq_ignore_ascii_case(wanted));
    let (iso, name, prefix, sms_out, sms_in, voice_out, voice_in) =
        found.ok_or_else(|| ApiError::not_found(context.request.path()))?;
    let mut body = json!({
        "country": name,
        "iso_country": iso,
        "price_unit": "USD",
        "url": context.link(&format!("/v1/{kind}/Countries/{iso}")),
    });
    if kind == "Messaging" {
        body["outbound_sms_prices"] = json!([{
            "carrier": "Sandbox Wireless",
            "mcc": "310",
            "mnc": "000",
            "prices": [price("mobile", sms_out), price("local", sms_out)],
        }]);
        body["inbound_sms_prices"] = json!([price("local", sms_in), price("toll-free", sms_in)]);
    } else {
        body["outbound_prefix_prices"] = json!([{
            "prefixes": [prefix],
            "base_price": voice_out,
            "current_price": voice_out,
            "friendly_name": format!("Outbound minute: {name}"),
        }]);
        body["inbound_call_prices"] = json!([price("local", voice_in), price("toll-free", voice_in)]);
    }
    Ok(Answer::json(StatusCode::OK, &body))
}

fn price(number_type: &str, amount: &str) -> Value {
    json!({ "number_type": number_type, "base_price": amount, "current_price": amount })
}
