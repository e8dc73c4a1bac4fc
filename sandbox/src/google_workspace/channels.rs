//! Channels: addresses that are told when something has changed.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::call::{Call, Reply, Result, text};
use super::error::ApiError;

/// How long a channel lives that asks for no time, in milliseconds.
const DEFAULT_LIFE_MS: i64 = 3_600_000;

/// An open channel.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    id: String,
    resource_id: String,
    resource_uri: String,
    address: String,
    token: Option<String>,
    /// When it closes, in milliseconds.
    expires: i64,
    user: String,
    /// How many messages it has had.
    sent: u64,
}

/// Opens the channel that the body asks for, on what the path names.
pub(super) fn open(call: &mut Call<'_>, longest_ms: i64) -> Result {
    let body = call.body()?;
    let id = text(&body, "id").ok_or_else(|| ApiError::required("id"))?;
    if text(&body, "type") != Some("web_hook") {
        return Err(ApiError::invalid("Unknown channel type").at("parameter", "type"));
    }
    let address = text(&body, "address").ok_or_else(|| ApiError::required("address"))?;
    if !address.starts_with("https://") {
        let why = "WebHook callback must be HTTPS: ";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "push.webhookUrlNotHttps", format!("{why}{address}")));
    }
    if id.len() > 64 || call.world.channels.iter().any(|channel| channel.id == id) {
        let why = format!("Channel id {id} not unique");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "channelIdNotUnique", why));
    }
    let ttl = body.get("params").and_then(|params| params.get("ttl")).and_then(Value::as_str);
    let ttl = ttl.and_then(|ttl| ttl.parse::<i64>().ok()).map(|seconds| call.at() + seconds * 1000);
    let wanted = text(&body, "expiration").and_then(|at| at.parse().ok()).or(ttl);
    let expires = wanted.unwrap_or(call.at() + DEFAULT_LIFE_MS).min(call.at() + longest_ms);
    let channel = Channel {
        id: id.to_owned(),
        resource_id: call.world.ids.word(27),
        resource_uri: format!("{}{}", call.url, call.request.path().trim_end_matches("/watch")),
        address: address.to_owned(),
        token: text(&body, "token").map(str::to_owned),
        expires,
        user: call.user().to_owned(),
        sent: 0,
    };
    let mut shown = json!({
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": channel.expires.to_string(),
    });
    if let Some(token) = &channel.token {
        shown["token"] = json!(token);
    }
    call.world.channels.push(channel);
    Ok(Reply::Json(shown))
}

/// Closes the channel that the body names.
pub(super) fn stop(call: &mut Call<'_>) -> Result {
    let body = call.body()?;
    let id = text(&body, "id").ok_or_else(|| ApiError::required("id"))?;
    let resource = text(&body, "resourceId").ok_or_else(|| ApiError::required("resourceId"))?;
    let (user, before) = (call.grant.user.clone(), call.world.channels.len());
    call.world.channels.retain(|channel| channel.id != id || channel.resource_id != resource || channel.user != user);
    if call.world.channels.len() == before {
        return Err(ApiError::not_found(format!("Channel '{id}' not found for project")));
    }
    Ok(Reply::Empty)
}

impl Channel {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The next message of this state; none once the channel has closed. The first of all has the state `sync`.
    pub(super) fn message(&mut self, state: &str, at: i64) -> Option<ChannelMessage> {
        if at >= self.expires {
            return None;
        }
        self.sent = if state == "sync" { 1 } else { self.sent.max(1) + 1 };
        let ends = jiff::Timestamp::from_millisecond(self.expires).ok()?;
        let mut headers = vec![
            ("X-Goog-Channel-ID", self.id.clone()),
            ("X-Goog-Channel-Expiration", ends.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            ("X-Goog-Resource-ID", self.resource_id.clone()),
            ("X-Goog-Resource-URI", self.resource_uri.clone()),
            ("X-Goog-Resource-State", state.to_owned()),
            ("X-Goog-Message-Number", self.sent.to_string()),
        ];
        headers.extend(self.token.clone().map(|token| ("X-Goog-Channel-Token", token)));
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Some(ChannelMessage { address: self.address.clone(), headers, body: String::new() })
    }
}

/// A message on a channel, as the vendor posts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelMessage {
    /// Where it is posted to.
    pub address: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body: nothing, for what has changed is to be asked for.
    pub body: String,
}
