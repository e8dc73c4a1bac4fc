//! Status callbacks: each change of state, posted to the address that the request gave, in order and signed.

use std::sync::Arc;

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::form_urlencoded;

use super::calls::CallStatus;
use super::message::{MessageStatus, Record};
use super::signature::sign;
use super::{API_VERSION, Shared};
use crate::outgoing::{self, Failure};

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// Follows one message to its end and reports every state after the first.
pub(super) async fn follow_message(
    shared: Arc<Shared>,
    account: Arc<str>,
    prefix: &'static str,
    id: u128,
    url: String,
) {
    let mut reported = 1;
    loop {
        // Looked up anew each time: the message may have been canceled, deleted or given another outcome.
        let next = shared.account(&account).and_then(|account| {
            let record = account.messages.get(prefix, id)?;
            let (at, status) = *record.stages().all().get(reported)?;
            Some((at, status, message_parameters(&account.sid, record, status), account.token.clone()))
        });
        let Some((at, status, parameters, token)) = next else {
            return;
        };
        if at > shared.stage.clock.now() {
            shared.stage.clock.sleep_until(at).await;
            continue;
        }
        reported += 1;
        // The vendor reports what its customer can act on, and the moment of handing over is not that.
        if status != MessageStatus::Sending {
            post(&url, &token, &parameters).await;
        }
    }
}

/// Follows one call and reports the events that were asked for: its end unless others are named.
pub(super) async fn follow_call(shared: Arc<Shared>, account: Arc<str>, id: u128, url: String) {
    let mut passed = 0;
    let mut sequence = 0;
    loop {
        let next = shared.account(&account).and_then(|account| {
            let record = account.calls.get(id)?;
            let (at, status) = *record.stages().get(passed)?;
            let event = event_of(status);
            let asked = match record.events.is_empty() {
                true => event == "completed",
                false => record.events.iter().any(|asked| asked == event),
            };
            let parameters = asked.then(|| record.parameters(&account.sid, status, at, sequence));
            Some((at, parameters, account.token.clone()))
        });
        let Some((at, parameters, token)) = next else {
            return;
        };
        if at > shared.stage.clock.now() {
            shared.stage.clock.sleep_until(at).await;
            continue;
        }
        passed += 1;
        if let Some(parameters) = parameters {
            sequence += 1;
            post(&url, &token, &parameters).await;
        }
    }
}

/// The event by which a state is asked for; every way to end is one event.
fn event_of(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Queued => "initiated",
        CallStatus::Ringing => "ringing",
        CallStatus::InProgress => "answered",
        _ => "completed",
    }
}

fn message_parameters(account: &str, record: &Record, status: MessageStatus) -> Vec<(String, String)> {
    let sid = super::format::sid(record.prefix(), record.id);
    let mut parameters = vec![
        ("AccountSid", account.to_owned()),
        ("ApiVersion", API_VERSION.to_owned()),
        ("From", record.from.to_string()),
        ("MessageSid", sid.clone()),
        ("MessageStatus", status.as_str().to_owned()),
        ("SmsSid", sid),
        ("SmsStatus", status.as_str().to_owned()),
        ("To", record.to.to_string()),
    ];
    if let Some(service) = record.extras.as_ref().and_then(|extras| extras.service.clone()) {
        parameters.push(("MessagingServiceSid", service));
    }
    if let Some(code) = record.error(status) {
        parameters.push(("ErrorCode", code.to_string()));
    }
    if record.whatsapp {
        parameters.push(("ChannelPrefix", "whatsapp".to_owned()));
        parameters.push(("ChannelToAddress", record.to.to_string()));
    }
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Posts a signed form. A receiver that cannot be reached or refuses is not asked again.
pub(super) async fn post(url: &str, token: &str, parameters: &[(String, String)]) {
    let signature = sign(token, url, parameters);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    // What goes wrong here goes wrong at the receiver, who is the one being tested.
    let _ = send(url, &signature, body).await;
}

async fn send(url: &str, signature: &str, body: String) -> Result<(), Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static("TwilioProxy/1.1"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8"));
    headers.insert(SIGNATURE, HeaderValue::from_str(signature)?);
    outgoing::post(url, headers, body).await?;
    Ok(())
}
