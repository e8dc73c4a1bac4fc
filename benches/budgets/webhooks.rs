//! Webhooks: how long verifying one takes, and how many claims a second become durable.

use std::{hint::black_box, path::Path, time::Instant};

use futures::{StreamExt, TryStreamExt, stream};
use rusqlite::Connection;
use sis_integrations::{
    Durability, Timestamp,
    manager::WebhookRequest,
    providers::{
        Incoming, Provider,
        stripe::{Stripe, StripeConfig},
        twilio::{Twilio, TwilioConfig},
    },
    transport::Headers,
};

use crate::{
    Outcome,
    host::Road,
    report::{Rounds, budget, ratio},
};

const URL: &str = "https://sis.example/api/integrations/webhooks/twilio";
const EVENTS: u32 = 20_000;
const AT_ONCE: usize = 64;
const ROUNDS: u32 = 3;

pub(crate) async fn measure(folder: &Path) -> Outcome {
    verify()?;
    claims(folder).await
}

/// A report of 1 KiB, signed.
fn report(number: u32) -> WebhookRequest {
    let mut pairs: Vec<(String, String)> = [
        ("AccountSid", sandbox::twilio::ACCOUNT_SID),
        ("MessageStatus", "delivered"),
        ("To", "+14155550101"),
        ("ApiVersion", "2010-04-01"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    pairs.push(("MessageSid".to_owned(), format!("SM{number:032x}")));
    pairs.push(("Body".to_owned(), "x".repeat(850)));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let signature = sandbox::twilio::sign(sandbox::twilio::AUTH_TOKEN, URL, &pairs);
    let url = URL.parse().unwrap_or_else(|_| unreachable!("it is an address"));
    WebhookRequest::new(url, body).header("X-Twilio-Signature", signature)
}

fn verify() -> Outcome {
    verify_stripe()?;
    let config = TwilioConfig::new(sandbox::twilio::ACCOUNT_SID, sandbox::twilio::AUTH_TOKEN);
    let request = report(1);
    let mut rounds = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        for _ in 0..20_000 {
            let incoming = Incoming::new(&request.url, &request.headers, &request.body, Timestamp::default());
            black_box(Twilio::webhook(&config, black_box(&incoming))?);
        }
        rounds.push(started.elapsed().as_secs_f64() * 1e6 / 20_000.0);
    }
    let rounds = Rounds::new(rounds);
    let (least, most) = rounds.spread();
    let measured = format!("{:.1} µs ({least:.1} to {most:.1}), {} bytes", rounds.median(), request.body.len());
    budget("webhook: verify and read one, Twilio's form", &measured, "under 2 µs", rounds.median() < 2.0);
    Ok(())
}

fn verify_stripe() -> Outcome {
    let secret = concat!("wh", "sec_", "0123456789abcdef0123456789abcdef");
    let config = StripeConfig::new(concat!("sk", "_test_", "0123456789abcdef")).webhook_secret(secret);
    let body = format!(
        r#"{{"id":"evt_1","type":"invoice.paid","created":1764000000,"data":{{"object":{{"id":"in_1","note":"{}"}}}}}}"#,
        "x".repeat(920)
    );
    let mut headers = Headers::default();
    headers.set("stripe-signature", sandbox::stripe::sign(secret, 1_764_000_000, body.as_bytes()));
    let url = URL.parse()?;
    let now = Timestamp::from_micros(1_764_000_000_000_000);
    let mut rounds = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        for _ in 0..20_000 {
            let incoming = Incoming::new(&url, &headers, body.as_bytes(), now);
            black_box(Stripe::webhook(&config, black_box(&incoming))?);
        }
        rounds.push(started.elapsed().as_secs_f64() * 1e6 / 20_000.0);
    }
    let rounds = Rounds::new(rounds);
    let (least, most) = rounds.spread();
    let measured = format!("{:.1} µs ({least:.1} to {most:.1}), {} bytes", rounds.median(), body.len());
    budget("webhook: verify and read one, Stripe's JSON", &measured, "under 2 µs", rounds.median() < 2.0);
    Ok(())
}

/// Claims a second, against one durable insert for each claim, as a naive receiver makes them.
async fn claims(folder: &Path) -> Outcome {
    let mut rates = Vec::new();
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let road =
            Road::open("http://127.0.0.1:9", &folder.join(format!("hooks-{round}.db")), Durability::Strict).await?;
        let requests: Vec<_> = (0..EVENTS).map(report).collect();
        let started = Instant::now();
        let kept = stream::iter(requests)
            .map(|request| {
                let manager = road.manager.clone();
                async move { manager.receive_webhook("twilio", request).await }
            })
            .buffer_unordered(AT_ONCE)
            .try_fold(0, async |sum, receipt| Ok(sum + receipt.events.iter().filter(|event| !event.duplicate).count()))
            .await?;
        let rate = f64::from(EVENTS) / started.elapsed().as_secs_f64();
        if kept != EVENTS as usize {
            return Err(format!("{kept} of {EVENTS} events were kept").into());
        }
        road.manager.close(std::time::Duration::from_secs(5)).await?;
        rates.push(rate);
        ratios.push(rate / naive(&folder.join(format!("naive-hooks-{round}.db")))?);
    }
    let (rates, ratios) = (Rounds::new(rates), Rounds::new(ratios));
    let (least, most) = rates.spread();
    let measured =
        format!("{:.0} a second ({least:.0} to {most:.0}), {} of one insert each", rates.median(), ratio(&ratios));
    budget("webhook: durable claims, 64 at a time", &measured, "at least 10,000 a second", rates.median() >= 10_000.0);
    Ok(())
}

fn naive(file: &Path) -> Outcome<f64> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE hooks (id TEXT PRIMARY KEY, body BLOB)",
    )?;
    let body = vec![0_u8; 1000];
    let started = Instant::now();
    let count = 1000;
    for number in 0..count {
        connection.execute("INSERT INTO hooks VALUES (?1, ?2)", (format!("SM{number:032x}"), &body))?;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
