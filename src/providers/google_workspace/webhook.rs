//! What Google tells: messages of channels, and of Pub/Sub.
//! <https://developers.google.com/workspace/drive/api/guides/push>,
//! <https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions>

use std::{borrow::Cow, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::{GoogleWorkspaceConfig, wire::host};
use crate::{
    error::{Error, ErrorCode, Result},
    model::Timestamp,
    providers::{Incoming, Webhook, WebhookEvent},
};

/// A clock of ours that is a little behind or ahead does not make Google's tokens forgeries.
const SKEW: Duration = Duration::from_secs(60);

/// Where the keys are that Google signs tokens with, for what comes by Pub/Sub.
pub(super) fn key_set(config: &GoogleWorkspaceConfig, incoming: &Incoming<'_>) -> Option<Url> {
    // Without an account to compare with, and a school that is meant, no token can be good, and nobody's is worth a
    // question to Google.
    config.pubsub_service_account.as_ref().filter(|_| incoming.route().is_some())?;
    bearer(incoming)?;
    let mut url = config.base_url.clone().or_else(|| host::MAIN.parse().ok())?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["oauth2", "v3", "certs"]);
    Some(url)
}

/// The token of a message of Pub/Sub.
pub(super) fn bearer<'a>(incoming: &Incoming<'a>) -> Option<Cow<'a, str>> {
    incoming.headers.get("authorization")?.strip_prefix("Bearer ").map(Cow::Borrowed)
}

/// Verifies, then reads.
pub(super) fn read(config: &GoogleWorkspaceConfig, incoming: &Incoming<'_>) -> Result<Webhook> {
    match incoming.headers.get("x-goog-channel-id") {
        Some(channel) => channel_message(channel, incoming),
        None => {
            verify_token(config, incoming)?;
            pubsub_message(incoming)
        }
    }
}

fn channel_message(channel: &str, incoming: &Incoming<'_>) -> Result<Webhook> {
    incoming.check_channel(channel, incoming.required("x-goog-channel-token")?)?;
    let header = |name: &str| incoming.headers.get(name).unwrap_or_default();
    let state = header("x-goog-resource-state");
    // The first message says that the channel is open, and nothing else.
    if state == "sync" {
        return Ok(Webhook::Events(Vec::new()));
    }
    let resource = resource(header("x-goog-resource-uri"));
    let mut data = Map::from_iter([
        ("channelId".to_owned(), json!(channel)),
        ("resourceId".to_owned(), json!(header("x-goog-resource-id"))),
        ("resourceState".to_owned(), json!(state)),
    ]);
    let changed: Vec<&str> = header("x-goog-changed").split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
    if !changed.is_empty() {
        data.insert("changed".to_owned(), json!(changed));
    }
    // The Directory sends the account as well; the others send nothing.
    if let Ok(body @ Value::Object(_)) = serde_json::from_slice(incoming.body) {
        data.insert("body".to_owned(), body);
    }
    let number = header("x-goog-message-number");
    if number.is_empty() || state.is_empty() {
        return Err(Error::invalid("body", "is a message of a channel without its number or its state"));
    }
    let event = WebhookEvent::new(format!("{channel}:{number}"), format!("{resource}.{state}"), Value::Object(data));
    Ok(Webhook::Events(vec![event]))
}

/// What the message is about, by the address of it.
fn resource(uri: &str) -> &'static str {
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    if path.contains("/calendar/") {
        "calendar.events"
    } else if path.contains("/directory/") {
        "directory.users"
    } else if path.contains("/changes") {
        "drive.changes"
    } else {
        "drive.file"
    }
}

/// The token is Google's, for us, and of the account that the school's push subscription uses.
fn verify_token(config: &GoogleWorkspaceConfig, incoming: &Incoming<'_>) -> Result<()> {
    let token = bearer(incoming).ok_or_else(|| {
        Error::new(ErrorCode::SignatureMissing, "the webhook has neither a channel's headers nor a token of Pub/Sub")
    })?;
    // What the token is compared with is no secret of a school's: which school is meant, only the address says.
    if incoming.route().is_none() {
        let why = "the push subscription must call the address with the school's route: …?route=ROUTE, as webhook-route tells \
                   it";
        return Err(Error::invalid("route", why));
    }
    let Some(account) = &config.pubsub_service_account else {
        let why = "messages of Pub/Sub can be taken once it is known which service account its push subscription uses";
        return Err(Error::new(ErrorCode::NotConfigured, why).with_field("config.pubsub_service_account"));
    };
    let keys = incoming
        .keys
        .ok_or_else(|| Error::new(ErrorCode::VendorUnavailable, "Google's public keys cannot be had at the moment"))?;
    let claims = keys.verify(&token)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let refuse = |why: &str| Err(Error::new(ErrorCode::SignatureInvalid, format!("the token of Pub/Sub {why}")));
    if !matches!(text("iss"), "https://accounts.google.com" | "accounts.google.com") {
        return refuse("was not issued by Google");
    }
    // Without an audience of its own, a push subscription's is the address it calls.
    let audience = config.pubsub_audience.as_deref().unwrap_or(incoming.url.as_str());
    if text("aud") != audience {
        return refuse("is for another receiver; see config.pubsub_audience");
    }
    let verified = claims.get("email_verified").and_then(Value::as_bool) == Some(true);
    if !verified || !text("email").eq_ignore_ascii_case(account) {
        return refuse("is of another account; see config.pubsub_service_account");
    }
    let seconds =
        |name: &str| claims.get(name).and_then(Value::as_i64).and_then(|seconds| seconds.checked_mul(1_000_000));
    let (Some(issued), Some(expires)) = (seconds("iat"), seconds("exp")) else {
        return refuse("does not say from when to when it holds");
    };
    let now = incoming.now;
    if Timestamp::from_micros(expires).after(SKEW) < now || Timestamp::from_micros(issued).before(SKEW) > now {
        return Err(Error::new(ErrorCode::SignatureStale, "the token of Pub/Sub does not hold at this time"));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Push {
    message: Message,
    #[serde(default)]
    subscription: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    #[serde(default)]
    publish_time: Option<Timestamp>,
    #[serde(default)]
    data: String,
    #[serde(default)]
    attributes: Map<String, Value>,
}

/// By what a watched mailbox is known among the school's channels, whose ids are there to be read: its address is not. The
/// digest is no channel's secret.
pub(super) fn mark(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// The name of a mailbox's secret.
pub(super) fn mailbox_name(address: &str) -> String {
    format!("mailbox {}", address.trim().to_lowercase())
}

fn pubsub_message(incoming: &Incoming<'_>) -> Result<Webhook> {
    let push: Push = serde_json::from_slice(incoming.body)
        .map_err(|_| Error::invalid("body", "is not a message of Pub/Sub: an object with message.messageId"))?;
    let message = push.message;
    let bytes =
        STANDARD.decode(&message.data).map_err(|_| Error::invalid("body", "has message.data that is not base64"))?;
    let data: Value =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({ "text": String::from_utf8_lossy(&bytes) }));
    let attribute = |name: &str| message.attributes.get(name).and_then(Value::as_str);
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    // A topic may be that of many schools: what Gmail and Classroom tell is the school's that has asked for it.
    let (kind, channel) = match (attribute("ce-type"), text("emailAddress"), text("collection"), text("eventType")) {
        (Some(kind), ..) => (kind.to_owned(), None),
        (_, Some(address), ..) if data.get("historyId").is_some() => {
            let secret = incoming.channel_secret(&mailbox_name(address)).unwrap_or_default();
            ("gmail.history".to_owned(), Some(mark(&secret)))
        }
        (_, _, Some(collection), Some(event)) => {
            let registration = attribute("registrationId").unwrap_or_default().to_owned();
            (format!("classroom.{collection}.{}", event.to_lowercase()), Some(registration))
        }
        _ => ("pubsub.message".to_owned(), None),
    };
    let id = attribute("ce-id").unwrap_or(&message.message_id).to_owned();
    let all = json!({ "subscription": push.subscription, "attributes": message.attributes, "data": data });
    let event = WebhookEvent { channel, ..WebhookEvent::new(id, kind, all) };
    Ok(Webhook::Events(vec![match message.publish_time {
        Some(at) => event.at(at),
        None => event,
    }]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transport::{Headers, jwt::KeySet};

    /// Signed by OpenSSL: see tests/golden/jwt/README.md.
    const TOKEN: &str = include_str!("../../../tests/golden/jwt/token.txt");
    const ISSUED: i64 = 1_764_000_000;

    fn keys() -> KeySet {
        serde_json::from_str(include_str!("../../../tests/golden/jwt/jwks.json")).unwrap()
    }

    fn config() -> GoogleWorkspaceConfig {
        GoogleWorkspaceConfig {
            pubsub_service_account: Some("push@yourschool.example".to_owned()),
            pubsub_audience: Some("https://sis.example/webhooks/google_workspace".to_owned()),
            ..GoogleWorkspaceConfig::consented("id", "secret", "token")
        }
    }

    #[test]
    fn the_keys_are_below_the_base_url_with_its_path() {
        let mut headers = Headers::default();
        headers.set("authorization", "Bearer x");
        let url = url();
        let incoming = Incoming::new(&url, &headers, b"", Timestamp::default());
        for (base, keys) in [
            (None, "https://www.googleapis.com/oauth2/v3/certs"),
            (Some("https://proxy.example/google/"), "https://proxy.example/google/oauth2/v3/certs"),
            (Some("https://proxy.example/google"), "https://proxy.example/google/oauth2/v3/certs"),
        ] {
            let config = GoogleWorkspaceConfig { base_url: base.map(|base| base.parse().unwrap()), ..config() };
            assert_eq!(key_set(&config, &incoming).unwrap().as_str(), keys);
        }
    }

    fn url() -> Url {
        "https://sis.example/webhooks/google_workspace?route=school-1".parse().unwrap()
    }

    fn take(config: &GoogleWorkspaceConfig, headers: &[(&str, &str)], body: &[u8], seconds: i64) -> Result<Webhook> {
        take_at(&url(), config, headers, body, seconds)
    }

    fn take_at(
        url: &Url,
        config: &GoogleWorkspaceConfig,
        headers: &[(&str, &str)],
        body: &[u8],
        seconds: i64,
    ) -> Result<Webhook> {
        let mut all = Headers::default();
        for (name, value) in headers {
            all.add(name, *value);
        }
        let keys = keys();
        let secret = |id: &str| format!("secret of {id}");
        let now = Timestamp::from_micros(seconds * 1_000_000);
        let incoming = Incoming::new(url, &all, body, now).with_keys(Some(&keys)).with_channels(&secret);
        read(config, &incoming)
    }

    fn message(body: &[u8]) -> Result<Webhook> {
        let (url, headers) = (url(), Headers::default());
        let secret = |id: &str| format!("secret of {id}");
        pubsub_message(&Incoming::new(&url, &headers, body, Timestamp::default()).with_channels(&secret))
    }

    fn events(webhook: Webhook) -> Vec<WebhookEvent> {
        match webhook {
            Webhook::Events(events) => events,
            Webhook::Handshake(_) => panic!("Google has no handshake"),
        }
    }

    const CHANNEL: &[(&str, &str)] = &[
        ("X-Goog-Channel-ID", "channel-1"),
        ("X-Goog-Channel-Token", "secret of channel-1"),
        ("X-Goog-Resource-ID", "resource-1"),
        ("X-Goog-Resource-URI", "https://www.googleapis.com/drive/v3/files/file-1?alt=json"),
        ("X-Goog-Resource-State", "update"),
        ("X-Goog-Changed", "content, permissions"),
        ("X-Goog-Message-Number", "10"),
    ];

    #[test]
    fn a_channel_is_known_by_its_secret() {
        let all = events(take(&config(), CHANNEL, b"", ISSUED).unwrap());
        assert_eq!((all[0].id.as_str(), all[0].kind.as_str()), ("channel-1:10", "drive.file.update"));
        assert_eq!(all[0].data["changed"], json!(["content", "permissions"]));
        let with = |name: &str, value: Option<&'static str>| {
            let mut headers: Vec<_> = CHANNEL.iter().filter(|(known, _)| *known != name).copied().collect();
            headers.extend(value.map(|value| ("X-Replaced", value)));
            headers
        };
        let error = take(&config(), &with("X-Goog-Channel-Token", None), b"", ISSUED).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SignatureMissing);
        let mut forged = with("X-Goog-Channel-Token", None);
        forged.push(("X-Goog-Channel-Token", "secret of channel-2"));
        assert_eq!(take(&config(), &forged, b"", ISSUED).unwrap_err().code(), ErrorCode::SignatureInvalid);
        let mut opened = with("X-Goog-Resource-State", None);
        opened.push(("X-Goog-Resource-State", "sync"));
        assert!(events(take(&config(), &opened, b"", ISSUED).unwrap()).is_empty());
    }

    #[test]
    fn pubsub_is_known_by_a_token_of_googles() {
        let bearer = format!("Bearer {}", TOKEN.trim());
        let headers = [("Authorization", bearer.as_str())];
        let data = STANDARD.encode(r#"{"emailAddress":"teacher@yourschool.example","historyId":9876543210}"#);
        let body = json!({
            "message": { "data": data, "messageId": "2070443601311540", "publishTime": "2026-11-25T08:00:00.123Z" },
            "subscription": "projects/school/subscriptions/push",
        });
        let body = body.to_string();
        let all = events(take(&config(), &headers, body.as_bytes(), ISSUED + 10).unwrap());
        assert_eq!((all[0].id.as_str(), all[0].kind.as_str()), ("2070443601311540", "gmail.history"));
        assert_eq!(all[0].data["data"]["historyId"], json!(9_876_543_210_u64));
        let bare = "https://sis.example/webhooks/google_workspace".parse().unwrap();
        let error = take_at(&bare, &config(), &headers, body.as_bytes(), ISSUED + 10).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("route")));

        for (config, seconds, code) in [
            (config(), ISSUED + 3600 + 61, ErrorCode::SignatureStale),
            (config(), ISSUED - 61, ErrorCode::SignatureStale),
            (GoogleWorkspaceConfig { pubsub_service_account: None, ..config() }, ISSUED, ErrorCode::NotConfigured),
            (
                GoogleWorkspaceConfig { pubsub_service_account: Some("other@x.example".into()), ..config() },
                ISSUED,
                ErrorCode::SignatureInvalid,
            ),
            (
                GoogleWorkspaceConfig { pubsub_audience: Some("https://other.example".into()), ..config() },
                ISSUED,
                ErrorCode::SignatureInvalid,
            ),
        ] {
            assert_eq!(take(&config, &headers, body.as_bytes(), seconds).unwrap_err().code(), code);
        }
        assert_eq!(take(&config(), &[], body.as_bytes(), ISSUED).unwrap_err().code(), ErrorCode::SignatureMissing);
        let error = take(&config(), &headers, b"{}", ISSUED).unwrap_err();
        assert_eq!((error.code(), error.field()), (ErrorCode::InvalidArgument, Some("body")));
    }

    #[test]
    fn what_is_told_has_a_name() {
        let kind = |data: Value, attributes: Value| {
            let data = STANDARD.encode(data.to_string());
            let body = json!({ "message": { "data": data, "messageId": "1", "attributes": attributes } }).to_string();
            events(message(body.as_bytes()).unwrap()).remove(0).kind
        };
        let roster = json!({ "collection": "courses.students", "eventType": "CREATED", "resourceId": {} });
        assert_eq!(kind(roster, json!({})), "classroom.courses.students.created");
        let started = json!({ "ce-type": "google.workspace.meet.conference.v2.started", "ce-id": "e-1" });
        assert_eq!(kind(json!({}), started), "google.workspace.meet.conference.v2.started");
        assert_eq!(kind(json!([1]), json!({})), "pubsub.message");
        assert_eq!(resource("https://www.googleapis.com/calendar/v3/calendars/a/events"), "calendar.events");
        assert_eq!(resource("https://www.googleapis.com/drive/v3/changes?pageToken=1"), "drive.changes");
        assert_eq!(resource("https://admin.googleapis.com/admin/directory/v1/users"), "directory.users");
    }

    #[test]
    fn what_is_told_in_a_place_of_many_names_its_channel() {
        let channel = |data: Value, attributes: Value| {
            let data = STANDARD.encode(data.to_string());
            let body = json!({ "message": { "data": data, "messageId": "1", "attributes": attributes } }).to_string();
            events(message(body.as_bytes()).unwrap()).remove(0).channel
        };
        let mail = |address: &str| json!({ "emailAddress": address, "historyId": 1 });
        let mailbox = channel(mail("Teacher@school.example"), json!({})).unwrap();
        assert_eq!(channel(mail("teacher@school.example"), json!({})).as_ref(), Some(&mailbox));
        assert_ne!(channel(mail("other@school.example"), json!({})).as_ref(), Some(&mailbox));
        // What stands in the list of channels is no channel's secret, and names nobody.
        assert!(!mailbox.contains("secret of") && !mailbox.contains("teacher"), "{mailbox}");
        let roster = json!({ "collection": "courses.students", "eventType": "CREATED", "resourceId": {} });
        assert_eq!(channel(roster.clone(), json!({ "registrationId": "r-1" })).as_deref(), Some("r-1"));
        assert_eq!(channel(roster, json!({})).as_deref(), Some(""), "nobody's");
        assert_eq!(channel(json!({}), json!({ "ce-type": "google.workspace.meet.x", "ce-id": "e-1" })), None);
    }

    proptest! {
        #[test]
        fn any_message_is_read_or_refused(body: Vec<u8>, data: Vec<u8>) {
            let _ = message(&body);
            let body = json!({ "message": { "data": STANDARD.encode(&data), "messageId": "1" } }).to_string();
            prop_assert!(message(body.as_bytes()).is_ok());
        }
    }
}
