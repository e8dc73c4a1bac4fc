//! The first page of the manual, as a program: `cargo quickstart`.
//!
//! It needs nothing but Rust. It starts a look-alike of Twilio on this machine, so nothing leaves it and nothing costs;
//! with `TWILIO_ACCOUNT_SID`, `TWILIO_AUTH_TOKEN` and `TWILIO_FROM_NUMBER` set it talks to the real one, and asks first.
//! It ends with an error if any step is not what it should be.
#![allow(clippy::disallowed_methods, reason = "an example is a host application, and hosts use tokio as they like")]

use std::{error::Error as StdError, io::Write, path::Path, process::ExitCode, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use sandbox::{Fault, Rule, Sandbox};
use serde_json::{Value, json};
use sis_integrations::{
    Actor, AuditFilter, ConfigChange, Disclosure, ErrorCode, Grant, IntegrationManager, MasterKey, PhoneNumber, Role,
    Subject, Tenant, manager::Progress, providers, storage::SqliteStorage,
};

type Outcome<T = ()> = Result<T, Box<dyn StdError>>;

#[tokio::main]
async fn main() -> ExitCode {
    match tour().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThis step is not what it should be: {error}");
            ExitCode::FAILURE
        }
    }
}

fn step(number: u8, title: &str) {
    println!("\n\x1b[1m{number}. {title}\x1b[0m");
}

fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// Where messages go: the real Twilio, or the look-alike.
struct Vendor {
    sandbox: Option<Sandbox>,
    settings: Value,
    families: Vec<Family>,
    known_number: String,
}

impl Vendor {
    /// How many families can be reached: families.csv holds one number that is none, on purpose.
    fn usable(&self) -> usize {
        self.families.iter().filter(|family| family.phone.parse::<PhoneNumber>().is_ok()).count()
    }
}

struct Family {
    student: String,
    guardian: String,
    phone: String,
}

async fn tour() -> Outcome {
    println!("sis-integrations, from the first call to the proof of it");
    let vendor = vendor().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sis.db");

    step(1, "A manager: one SQLite file, one master key");
    let key = MasterKey::random();
    let manager = open(&file, &key, &vendor).await?;
    println!("   {} holds everything; secrets in it are encrypted, each school's under its own key.", file.display());

    step(2, "Two schools, each with settings of its own");
    let principal = Actor::new("principal", Role::Admin);
    let north = manager.tenant("north-high")?;
    let south = manager.tenant("south-middle")?;
    for school in [&north, &south] {
        let config = vendor.settings.as_object().cloned();
        let view = school.configure_json(&principal, "twilio", ConfigChange { config, ..Default::default() }).await?;
        ensure(view.config["auth_token"] == "********", "a secret is shown")?;
        println!("   {:<13} version {}: {}", school.id().as_str(), view.version, Value::Object(view.config));
    }

    step(3, "Who may do what");
    let clerk = Actor::new("clerk", Role::Staff);
    let teacher = Actor::new("ms-lee", Role::Teacher);
    let student = Actor::new("student-1001", Role::Student);
    north.grant(&principal, "ms-lee", "twilio", &Grant::default().allow(["sendSms"])).await?;
    println!(
        "   Staff may send messages by their role; ms-lee, a teacher, now may too. Only an administrator may alarm."
    );
    let hello = json!({ "to": vendor.known_number, "body": "The museum trip is on Friday." });
    for actor in [&clerk, &teacher] {
        let reply = north.execute(actor, "twilio", "sendSms", hello.clone()).await?;
        ensure(is_message(&reply.output), "the message has no id of Twilio's")?;
        println!("   {:<8} sent {} ({})", actor.id(), reply.output["sid"], reply.output["status"]);
    }

    step(4, "An emergency alert to every family in families.csv");
    alert(&north, &principal, &vendor).await?;

    step(5, "A student tries the same");
    let error =
        north.execute(&student, "twilio", "sendSms", hello.clone()).await.err().ok_or("the student got through")?;
    println!("   {error}");
    ensure(error.code() == ErrorCode::PermissionDenied, "the refusal has another code")?;

    step(6, "One school cannot see another's data");
    let of_south = south.audit(&principal, &AuditFilter::default()).await?;
    ensure(of_south.entries.iter().all(|entry| entry.event != "call"), "south-middle sees calls of north-high")?;
    let southerner = Actor::new("principal", Role::Admin).of_tenant(south.id().clone());
    let error =
        north.audit(&southerner, &AuditFilter::default()).await.err().ok_or("an administrator crossed the fence")?;
    println!("   {error}");
    ensure(error.code() == ErrorCode::PermissionDenied, "the refusal has another code")?;

    step(7, "A bad argument names its path and how to mend it");
    let wrong = json!({ "to": "555-1234", "body": "Hello" });
    let error = north.execute(&clerk, "twilio", "sendSms", wrong).await.err().ok_or("a bad number was accepted")?;
    println!("   {error}");
    ensure(error.field() == Some("to"), "the error names no path")?;

    step(8, "The vendor has an outage");
    outage(&north, &clerk, &vendor).await?;

    step(9, "The audit trail, newest first");
    trail(&north, &principal, &vendor).await?;
    let verified = north.verify_audit(&principal).await?;
    ensure(verified.intact, "the chain does not verify")?;
    println!("   All {} rows verify. Write this down elsewhere, and even a cut tail shows:", verified.rows);
    for stream in &verified.streams {
        println!("   {}  {} rows  {}", stream.stream, stream.rows, stream.head);
    }

    step(10, "Somebody tampers with a copy of the file");
    manager.close(Duration::from_secs(5)).await?;
    tamper(&file, &folder.path().join("copy.db"), &key, &principal, &vendor).await?;

    println!("\nThat is the road every call takes. The README says where to go from here.");
    Ok(())
}

async fn open(file: &Path, key: &MasterKey, vendor: &Vendor) -> Outcome<IntegrationManager> {
    Ok(IntegrationManager::builder()
        .storage(SqliteStorage::open(file).await?)
        .master_key(key.clone())
        .providers(providers::all())
        // The look-alike is on loopback, where a tenant's settings may not point unless the host says so.
        .allow_private_addresses(vendor.sandbox.is_some())
        .build()
        .await?)
}

async fn vendor() -> Outcome<Vendor> {
    let real = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(sid), Some(token), Some(from)) =
        (real("TWILIO_ACCOUNT_SID"), real("TWILIO_AUTH_TOKEN"), real("TWILIO_FROM_NUMBER"))
    {
        let phone =
            ask("This will send real messages, which cost money. To which number of yours (E.164; nothing to stop)? ")?;
        ensure(!phone.is_empty(), "stopped before anything was sent")?;
        let settings = json!({ "account_sid": sid, "auth_token": token, "from_number": from });
        let families = vec![Family { student: "student-1".into(), guardian: "You".into(), phone: phone.clone() }];
        return Ok(Vendor { sandbox: None, settings, families, known_number: phone });
    }
    let sandbox = Sandbox::start().await?;
    println!("Twilio's look-alike listens at {}", sandbox.url("twilio"));
    let settings = json!({
        "account_sid": sandbox::twilio::ACCOUNT_SID,
        "auth_token": sandbox::twilio::AUTH_TOKEN,
        "from_number": "+15005550006",
        "base_url": sandbox.url("twilio"),
    });
    let mut families = Vec::new();
    for row in csv::Reader::from_reader(include_bytes!("families.csv").as_slice()).records() {
        let row = row?;
        families.push(Family { student: row[0].into(), guardian: row[1].into(), phone: row[2].into() });
    }
    Ok(Vendor { sandbox: Some(sandbox), settings, families, known_number: "+15551234567".into() })
}

fn ask(question: &str) -> Outcome<String> {
    print!("{question}");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

async fn alert(school: &Tenant, principal: &Actor, vendor: &Vendor) -> Outcome {
    let recipients: Vec<Value> =
        vendor.families.iter().map(|family| json!({ "phone": family.phone, "name": family.guardian })).collect();
    let arguments = json!({
        "recipients": recipients,
        "message": "School will be closed due to weather",
        "alertType": "emergency",
        "channels": ["sms", "voice"],
    });
    let about = Disclosure::of(vendor.families.iter().map(|family| Subject::new(&family.student)))
        .purpose("tells families that the school is closed");

    let bar = ProgressBar::new(2 * recipients.len() as u64)
        .with_style(ProgressStyle::with_template("   [{bar:40}] {pos}/{len} sends on record, {elapsed}")?);
    let (progress, mut told) = tokio::sync::watch::channel(Progress::default());
    let shown = tokio::spawn({
        let bar = bar.clone();
        async move {
            while told.changed().await.is_ok() {
                bar.set_position(told.borrow().settled);
            }
        }
    });
    let call = school.request(principal).about(about).idempotency_key("closed-today").progress(progress);
    let report = call.execute("twilio", "sendEmergencyAlert", arguments.clone()).await?;
    shown.await?;
    bar.abandon();

    let output = &report.output;
    println!("   families reached {}, failed {}, unknown {}", output["accepted"], output["failed"], output["unknown"]);
    for recipient in output["recipients"].as_array().into_iter().flatten() {
        if recipient["state"] != "failed" && recipient["state"] != "unknown" {
            continue;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("the report lacks a name, number or reason");
        let (name, phone, error) = (text(&recipient["name"])?, text(&recipient["phone"])?, &recipient["error"]);
        let (state, code) = (text(&recipient["state"])?, text(&error["code"])?);
        println!("   {name}, {phone}: {state}, {code}: {}", text(&error["message"])?);
    }
    let usable = vendor.usable() as u64;
    ensure(output["accepted"] == usable, "not every family was reached")?;
    ensure(output["failed"] == vendor.families.len() as u64 - usable, "not only numbers that are none failed")?;
    if let Some(sandbox) = &vendor.sandbox {
        ensure(sandbox.twilio().calls().len() as u64 == usable, "not every family was called")?;
        let to_families = sandbox.twilio().messages().iter().filter(|m| m.body.starts_with("School")).count() as u64;
        ensure(to_families == usable, "the vendor has another number of messages than we recorded")?;
    }
    let again = school.request(principal).idempotency_key("closed-today");
    let again = again.execute("twilio", "sendEmergencyAlert", arguments).await?;
    ensure(again.replayed && again.output == report.output, "the same alert went out twice")?;
    println!("   Called again with the same idempotency key: the first answer, and nothing was sent.");
    Ok(())
}

/// Whether Twilio made a message: its ids begin so.
fn is_message(output: &Value) -> bool {
    output["sid"].as_str().is_some_and(|sid| sid.starts_with("SM") || sid.starts_with("MM"))
}

async fn outage(school: &Tenant, clerk: &Actor, vendor: &Vendor) -> Outcome {
    let Some(sandbox) = &vendor.sandbox else {
        println!("   (only the look-alike can be told to have one; the real one is asked for the balance)");
        let balance = school.execute(clerk, "twilio", "getBalance", json!({})).await?;
        println!("   balance {}", balance.output["balance"]);
        return ensure(balance.output["currency"].is_string(), "the balance has no currency");
    };
    let faults = sandbox.twilio().faults();
    faults.add(Rule::next(2, Fault::status(503)).method("GET"));
    let balance = school.execute(clerk, "twilio", "getBalance", json!({})).await?;
    println!("   Two answers of 503 to a look-up: asked again, balance {}.", balance.output["balance"]);
    faults.add(Rule::next(2, Fault::too_many(Some(1))).method("POST"));
    let body = json!({ "to": vendor.known_number, "body": "The buses are late." });
    let reply = school.execute(clerk, "twilio", "sendSms", body).await?;
    println!("   Two answers of 429 to a message: waited as told, then sent {}.", reply.output["sid"]);
    let late = sandbox.twilio().messages().iter().filter(|message| message.body == "The buses are late.").count();
    ensure(late == 1, "the message was not sent exactly once")?;
    ensure(faults.struck() >= 4, "the outage did not happen")
}

async fn trail(school: &Tenant, principal: &Actor, vendor: &Vendor) -> Outcome {
    let page = school.audit(principal, &AuditFilter { limit: Some(500), ..Default::default() }).await?;
    ensure(page.entries.iter().all(|entry| entry.outcome.is_some()), "a call has no outcome on record")?;
    let (parts, others): (Vec<_>, Vec<_>) = page.entries.into_iter().partition(|entry| entry.event == "part");
    for entry in others {
        println!(
            "   {}  {:<18} {:<10} {:<13} {:<18} {}",
            &entry.at.to_string()[11..23],
            entry.event,
            entry.actor_id,
            entry.actor_role,
            entry.operation.unwrap_or_default(),
            entry.outcome.unwrap_or_default(),
        );
    }
    println!("   … and {} sends of the alert, each with its own intent and outcome.", parts.len());
    ensure(parts.len() == 2 * vendor.usable(), "the alert's sends are not all on record")
}

async fn tamper(file: &Path, copy: &Path, key: &MasterKey, principal: &Actor, vendor: &Vendor) -> Outcome {
    std::fs::copy(file, copy)?;
    let changed = rusqlite::Connection::open(copy)?.execute(
        "UPDATE integration_audit_logs SET actor_id = 'somebody-else' WHERE tenant_id = 'north-high' AND event = 'call.refused'",
        [],
    )?;
    println!("   UPDATE … SET actor_id = 'somebody-else' on {changed} rows: who tried what is rewritten.");
    ensure(changed > 0, "there was nothing to tamper with")?;
    let manager = open(copy, key, vendor).await?;
    let verified = manager.tenant("north-high")?.verify_audit(principal).await?;
    ensure(!verified.intact, "the tampering was not found")?;
    for broken in &verified.broken {
        println!("   Found: stream {}, row {} was {}.", broken.stream, broken.seq, broken.kind);
    }
    manager.close(Duration::from_secs(5)).await?;
    Ok(())
}
