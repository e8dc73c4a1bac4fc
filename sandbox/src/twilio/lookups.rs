//! Lookup v2.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::Context;
use super::address::{country, is_e164, iso_country, national};
use super::error::ApiError;
use crate::exchange::Answer;

/// The packages that can be asked for; each is null unless it is.
const PACKAGES: &[&str] = &[
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_status",
    "line_type_intelligence",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
];

pub(super) fn fetch(context: &Context<'_>, number: &str) -> Result<Answer, ApiError> {
    let query = context.request.query();
    let fields: Vec<&str> =
        query.filled("Fields").unwrap_or("").split(',').map(str::trim).filter(|f| !f.is_empty()).collect();
    if let Some(unknown) = fields.iter().find(|field| !PACKAGES.contains(field) && **field != "validation") {
        return Err(ApiError::bad(60600, format!("There is no package {unknown}")));
    }
    // A number without a plus belongs to the country that is asked for, or to the North American plan.
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let nothing_dialled = digits.is_empty();
    let number = match (number.trim_start().starts_with('+'), query.filled("CountryCode").unwrap_or("US")) {
        (true, _) => format!("+{digits}"),
        (false, "US" | "CA") if digits.len() == 10 => format!("+1{digits}"),
        (false, _) => format!("+{digits}"),
    };
    let valid = is_e164(&number);
    let calling = country(&number).filter(|_| valid);
    let mut body = Map::new();
    body.insert("calling_country_code".into(), calling.map(|(code, _)| code).into());
    body.insert("country_code".into(), iso_country(&number).filter(|_| valid).into());
    body.insert("phone_number".into(), number.as_str().into());
    body.insert("national_format".into(), valid.then(|| national(&number)).into());
    body.insert("valid".into(), valid.into());
    let errors = if valid { Value::Null } else { json!([wrong_with(&number, nothing_dialled)]) };
    body.insert("validation_errors".into(), errors);
    for package in PACKAGES {
        let asked = valid && fields.contains(package);
        body.insert((*package).into(), if asked { answer(context, package, &number) } else { Value::Null });
    }
    body.insert("url".into(), context.link(&format!("/v2/PhoneNumbers/{number}")).into());
    Ok(Answer::json(StatusCode::OK, &body))
}

fn wrong_with(number: &str, nothing_dialled: bool) -> &'static str {
    let length = number.len() - 1;
    let (shortest, longest) = if number.starts_with("+1") { (11, 11) } else { (8, 15) };
    match length {
        _ if nothing_dialled => "NOT_A_NUMBER",
        _ if number.starts_with("+0") => "INVALID_COUNTRY_CODE",
        length if length < shortest => "TOO_SHORT",
        length if length > longest => "TOO_LONG",
        _ => "INVALID_BUT_POSSIBLE",
    }
}

fn answer(context: &Context<'_>, package: &str, number: &str) -> Value {
    match package {
        "line_type_intelligence" => {
            let known = context.recipients.get(number).and_then(|recipient| recipient.line_type.as_deref());
            let magic = (number == "+15005550009").then_some("landline");
            json!({
                "type": known.or(magic).unwrap_or("mobile"),
                "carrier_name": "Sandbox Wireless",
                "mobile_country_code": "310",
                "mobile_network_code": "000",
                "error_code": null,
            })
        }
        "caller_name" => json!({ "caller_name": null, "caller_type": null, "error_code": null }),
        // The others need an agreement with carriers; without one the vendor answers a package with an error code.
        _ => json!({ "error_code": 60606 }),
    }
}
