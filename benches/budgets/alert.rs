//! An emergency alert, while the vendor turns one request in ten away.

use std::{
    collections::HashSet,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sandbox::{Fault, Rule, Sandbox};
use serde_json::{Value, json};
use sis_integrations::{Actor, Durability, Role};

use crate::{Outcome, host::Road, report::budget};

const RECIPIENTS: usize = 10_000;

pub(crate) async fn measure(folder: &Path) -> Outcome {
    let sandbox = Sandbox::start().await?;
    let twilio = sandbox.twilio();
    twilio.faults().add(Rule::chance(0.1, 42, Fault::too_many(None)).method("POST"));
    let road = Road::open(&sandbox.url("twilio"), &folder.join("alert.db"), Durability::Strict).await?;
    let recipients: Vec<Value> = (0..RECIPIENTS)
        .map(|at| json!({ "phone": format!("+1415{:07}", 2_000_000 + at), "name": "A parent" }))
        .collect();
    let arguments = json!({
        "recipients": recipients,
        "message": "School is closed due to weather",
        "alertType": "emergency",
        "channels": ["sms", "voice"],
    });
    let (start, began) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1e3);
    let report = road
        .school
        .request(&Actor::new("principal", Role::Admin))
        .deadline(Duration::from_secs(300))
        .execute("twilio", "sendEmergencyAlert", arguments)
        .await?;
    let took = start.elapsed().as_secs_f64();

    let requests = twilio.requests();
    // The sandbox's clock has milliseconds.
    let first = requests.iter().map(|request| request.at as f64 - began).fold(f64::INFINITY, f64::min).max(0.0);
    let (messages, calls) = (twilio.messages(), twilio.calls());
    let texted: HashSet<_> = messages.iter().map(|message| message.to.as_str()).collect();
    let called: HashSet<_> = calls.iter().map(|call| call.to.as_str()).collect();
    let twice = messages.len() - texted.len() + calls.len() - called.len();
    let lost = 2 * RECIPIENTS - texted.len() - called.len();
    println!(
        "  an alert to {RECIPIENTS} by two channels: {took:.1} s, {:.0} sends/s, {} of {} requests turned away, {}",
        2.0 * RECIPIENTS as f64 / took,
        twilio.faults().struck(),
        requests.len(),
        json!({ "accepted": report.output["accepted"], "failed": report.output["failed"], "unknown": report.output["unknown"] }),
    );
    let measured = format!("{first:.0} ms");
    budget("emergency alert: the first message leaves", &measured, "within 50 ms", first <= 50.0);
    let settled = report.output["accepted"] == RECIPIENTS && lost == 0 && twice == 0;
    let measured = format!("{} of {RECIPIENTS} reached, {lost} sends lost, {twice} twice", report.output["accepted"]);
    budget("emergency alert: every send settled", &measured, "all, none lost, none twice", settled);
    road.manager.close(Duration::from_secs(10)).await?;
    sandbox.shutdown().await;
    Ok(())
}
