//! The conference of an event: asked for with the event, made a moment later.

use serde_json::{Map, Value, json};

use crate::google_workspace::call::{Call, Result, text};
use crate::google_workspace::error::ApiError;
use crate::google_workspace::meet;

/// Makes the conference that a body asks for; says whether one was made. Without version 1 the vendor does not look.
pub(super) fn make(call: &mut Call<'_>, fields: &mut Map<String, Value>, held: Option<&Value>) -> Result<bool> {
    let version = call.query.filled("conferenceDataVersion").unwrap_or("0");
    if !["0", "1"].contains(&version) {
        return Err(ApiError::parameter("conferenceDataVersion", format!("Invalid value '{version}'.")));
    }
    let asked = fields.remove("conferenceData");
    if version == "0" {
        restore(fields, held);
        return Ok(false);
    }
    let request = match &asked {
        None => {
            restore(fields, held);
            return Ok(false);
        }
        // Null takes the conference away.
        Some(Value::Null) => return Ok(false),
        Some(asked) => asked.get("createRequest").and_then(Value::as_object),
    };
    let Some(request) = request else {
        restore(fields, held.or(asked.as_ref()));
        return Ok(false);
    };
    let invalid = || ApiError::invalid("Invalid conference type value.");
    let id = text(request, "requestId").ok_or_else(|| ApiError::invalid("Missing conference request id."))?;
    let kind = request.get("conferenceSolutionKey").and_then(|key| key.get("type")).and_then(Value::as_str);
    if kind.is_some_and(|kind| kind != "hangoutsMeet") {
        return Err(invalid());
    }
    // The same request again changes nothing.
    if let Some(held) = held.filter(|held| held["createRequest"]["requestId"] == *id) {
        restore(fields, Some(held));
        return Ok(false);
    }
    let user = call.user().to_owned();
    let space = meet::new_space(call.world, &user, &Map::new());
    let made = json!({
        "createRequest": {
            "requestId": id,
            "conferenceSolutionKey": { "type": "hangoutsMeet" },
            "status": { "statusCode": "success" },
        },
        "entryPoints": [{
            "entryPointType": "video",
            "uri": space.uri(),
            "label": format!("meet.google.com/{}", space.code),
        }],
        "conferenceSolution": {
            "key": { "type": "hangoutsMeet" },
            "name": "Google Meet",
            "iconUri": "https://fonts.gstatic.com/s/i/productlogos/meet_2020q4/v6/web-512dp/logo_meet_2020q4_color_2x_web_512dp.png",
        },
        "conferenceId": space.code,
    });
    fields.insert("hangoutLink".to_owned(), json!(space.uri()));
    fields.insert("conferenceData".to_owned(), made);
    Ok(true)
}

fn restore(fields: &mut Map<String, Value>, held: Option<&Value>) {
    if let Some(held) = held {
        fields.insert("conferenceData".to_owned(), held.clone());
        if let Some(uri) = held["entryPoints"][0]["uri"].as_str() {
            fields.insert("hangoutLink".to_owned(), json!(uri));
        }
    }
}

/// Shows a conference as being made still: no way in, and the request pending.
pub(super) fn hide(fields: &mut Map<String, Value>) {
    fields.remove("hangoutLink");
    if let Some(data) = fields.get_mut("conferenceData") {
        let request = data["createRequest"].clone();
        *data = json!({ "createRequest": request });
        data["createRequest"]["status"] = json!({ "statusCode": "pending" });
    }
}
