//! Status callbacks: each change of state, posted to the address that the request gave, in order and signed.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::form_urlencoded;

use super::calls::CallStatus;
use super::message::{MessageStatus, Record};
use super::signature::sign;
use super::{API_VERSION, Shared};

/// Whether the sandbox may call this address: plain HTTP on loopback. Nobody else ever hears from it.
pub(super) fn is_local(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| {
        url.scheme() == "http"
            && match url.host() {
                Some(url::Host::Domain(name)) => name == "localhost",
                Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
                Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
                None => false,
            }
    })
}

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

async fn send(url: &str, signature: &str, body: String) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // An address may carry user and password or a fragment: the parsed form has the parts that go on the wire.
    let parsed = url::Url::parse(url)?;
    let host = parsed.host_str().ok_or("no host")?;
    let port = parsed.port_or_known_default().ok_or("no port")?;
    let target: Uri = parsed[url::Position::BeforePath..url::Position::AfterQuery].parse()?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(target)
        .header(HOST, format!("{host}:{port}"))
        .header(USER_AGENT, "TwilioProxy/1.1")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
        .header("X-Twilio-Signature", signature)
        .body(Full::new(Bytes::from(body)))?;
    let answer = sender.send_request(request).await;
    // Dropping the sender ends the connection once the receiver has answered.
    drop(sender);
    answer?;
    connection.abort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_plain_loopback_addresses_are_called() {
        for local in ["http://127.0.0.1:8080/x?y=1", "http://localhost/x", "http://[::1]:1/"] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "https://127.0.0.1/x",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://10.0.0.1/",
            "x",
            "ftp://localhost/",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
