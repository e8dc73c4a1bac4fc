//! The server that `examples/server.rs` makes, as a program: every variable of its table, a call to every vendor, a clean
//! end.
#![cfg(unix)]
#![allow(missing_docs, clippy::disallowed_methods, reason = "tests")]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sis_integrations::providers;

const KEY: &str = "INTEGRATION_ENCRYPTION_KEY";
const ADMIN: &str = "the-platforms-own-key-for-tests";

/// Where cargo puts the example. It is built here, so that it is never one of an earlier source.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "sis-integrations", "--all-features", "--example", "server"]);
    let output = cargo.arg("--message-format=json").stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the example does not build");
    let messages = String::from_utf8(output.stdout).unwrap();
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let programs = messages.filter(|message| message["target"]["name"] == "server");
    programs
        .filter_map(|message| Some(message["executable"].as_str()?.into()))
        .next_back()
        .expect("cargo names the program")
});

/// The program with these variables and no others of its own.
fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(&*PROGRAM);
    let names = ["SIS_LISTEN", "SIS_DATABASE_URL", "SIS_BOOTSTRAP_ADMIN_KEY", "SIS_SANDBOX", "SIS_TRUSTED_PROXIES"];
    for name in names.into_iter().chain([KEY, "SIS_REDIS_URL", "SIS_JWKS", "RUST_LOG"]) {
        command.env_remove(name);
    }
    command.envs([(KEY, "7d1f0c55e2a94b3c8f60d4a1b95e27304c8813fda6722be95f01c3d748ea96b2")]);
    command.envs([("SIS_LISTEN", "127.0.0.1:0"), ("SIS_DATABASE_URL", "memory"), ("SIS_BOOTSTRAP_ADMIN_KEY", ADMIN)]);
    command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running server; dropped, it is killed.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = program(variables).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let Some(url) = line.strip_prefix("listening on ").map(|url| url.trim().to_owned()) else {
            let mut words = String::new();
            child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
            panic!("it says {line:?}, then {words}");
        };
        // A pipe that nobody empties stops who writes into it.
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        Self { child, url }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        Client::new().request(method, format!("{}/api/integrations/school{path}", self.url)).bearer_auth(ADMIN)
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path).send().await.unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.ask(Method::POST, path).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Asks it to end as a host's supervisor does; answers how it ended and what it had to say meanwhile.
    fn stop(mut self) -> (ExitStatus, String) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        ended(&mut self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ended(child: &mut Child) -> (ExitStatus, String) {
    let patience = Instant::now() + Duration::from_secs(40);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < patience, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    (status, words)
}

/// Runs the program with what it cannot begin with; answers what it says of it.
fn refused(variables: &[(&str, &str)]) -> String {
    let mut child = program(variables).spawn().unwrap();
    let (status, words) = ended(&mut child);
    assert_eq!(status.code(), Some(1), "{variables:?}: {words}");
    words
}

/// A call to each vendor that changes something or brings something of the school's.
fn calls() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("google_workspace", "createDocument", json!({ "title": "Report", "content": "Good." }), "/documentId"),
        ("khan_academy", "getUser", json!({ "student": { "userId": sandbox::khan_academy::STUDENT_ID } }), "/userId"),
        ("microsoft365", "listUsers", json!({ "pageSize": 5 }), "/items/0/id"),
        (
            "sendgrid",
            "sendEmail",
            json!({ "to": [{ "email": "parent@example.com" }], "subject": "Closed", "text": "School is closed." }),
            "/messageId",
        ),
        ("stripe", "createCustomer", json!({ "email": "parent@example.com" }), "/id"),
        ("twilio", "sendSms", json!({ "to": "+15551234567", "body": "School is closed." }), "/sid"),
        (
            "weather",
            "getCurrentWeather",
            json!({ "location": sandbox::weather::TOWN }),
            "/weather/0/steps/0/temperatureMin",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn with_the_sandbox_a_school_without_settings_reaches_every_vendor() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("sis.db").display());
    let server = Server::start(&[("SIS_SANDBOX", "1"), ("SIS_DATABASE_URL", &database)]);
    let healthz = Client::new().get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert_eq!(healthz.status(), StatusCode::OK);

    let every: BTreeSet<_> = providers::all().iter().map(|provider| provider.info.id).collect();
    assert_eq!(calls().iter().map(|(provider, ..)| *provider).collect::<BTreeSet<_>>(), every);
    for (provider, operation, arguments, place) in calls() {
        let (status, answer) = server.post(&format!("/{provider}/{operation}"), arguments).await;
        assert_eq!(status, StatusCode::OK, "{provider}.{operation}: {answer}");
        assert!(answer.pointer(place).is_some_and(|found| !found.is_null()), "{provider}.{operation}: {answer}");
    }
    let health = server.get("/health").await;
    for report in health["integrations"].as_array().unwrap() {
        assert_eq!(report["status"], "healthy", "{report}");
    }
    let (status, words) = server.stop();
    assert!(status.success() && words.contains("stopping"), "{status}: {words}");

    // The records outlast the program; without the variable nothing is configured.
    let server = Server::start(&[("SIS_SANDBOX", "0"), ("SIS_DATABASE_URL", &database)]);
    let trail = server.get("/audit").await;
    let recorded: BTreeSet<_> =
        trail["entries"].as_array().unwrap().iter().filter_map(|entry| entry["operation"].as_str()).collect();
    assert!(calls().iter().all(|(_, operation, ..)| recorded.contains(operation)), "{recorded:?}");
    for (provider, operation, arguments, _) in calls() {
        let (_, answer) = server.post(&format!("/{provider}/{operation}"), arguments).await;
        assert_eq!(answer["code"], "not_configured", "{provider}.{operation}: {answer}");
    }
    assert!(server.stop().0.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_platforms_key_proxies_and_the_log_are_as_the_environment_says() {
    let from = "203.0.113.7";
    let named = |address: &str| {
        let (proxies, address) = if address == from { ("1", address) } else { ("0", "127.0.0.1") };
        let server = Server::start(&[("SIS_TRUSTED_PROXIES", proxies)]);
        let address = address.to_owned();
        async move {
            let config = json!({ "enabled": true, "config": { "api_key": "a-key-of-the-weather-0001" } });
            let asking = server.ask(Method::PUT, "/weather/config").header("X-Forwarded-For", from);
            let answer = asking.json(&config).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
            assert_eq!(server.get("/audit").await["entries"][0]["actorIp"], address);
            server.stop()
        }
    };
    let (_, quiet) = named(from).await;
    assert!(!quiet.contains("SIS_BOOTSTRAP_ADMIN_KEY"), "{quiet}");
    named("127.0.0.1").await;

    // Settings of the platform's own, by the names that the providers' pages list.
    let settings = [("SENDGRID_API_KEY", "SG.sandbox.0123456789"), ("SENDGRID_FROM_EMAIL", "office@school.example")];
    for (variables, enabled) in [(&[][..], false), (&settings, true)] {
        let server = Server::start(variables);
        let listed = server.get("").await;
        let found =
            listed["integrations"].as_array().unwrap().iter().find(|one| one["provider"] == "sendgrid").unwrap();
        assert_eq!((&found["configured"], &found["enabled"]), (&json!(false), &json!(enabled)), "{found}");
        server.stop();
    }

    for (level, warned) in [("", true), ("error", false)] {
        let server = Server::start(&[("SIS_BOOTSTRAP_ADMIN_KEY", ""), ("RUST_LOG", level)]);
        let answer = server.ask(Method::GET, "/audit").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let (status, words) = server.stop();
        assert!(status.success());
        assert_eq!(words.contains("SIS_BOOTSTRAP_ADMIN_KEY is not set"), warned, "{level}: {words}");
    }
}

#[test]
fn what_it_cannot_obey_it_refuses_by_name() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (name, value) in [
        (KEY, ""),
        (KEY, "short"),
        ("SIS_LISTEN", taken.as_str()),
        ("SIS_LISTEN", "nowhere"),
        ("SIS_DATABASE_URL", "postgres://sis:pa55word@localhost/sis"),
        ("SIS_DATABASE_URL", "mysql://sis:pa55word@localhost/sis"),
        ("SIS_DATABASE_URL", "oracle:pa55word"),
        ("SIS_DATABASE_URL", "sqlite:/no/such/folder/sis.db"),
        ("SIS_BOOTSTRAP_ADMIN_KEY", "pa55word"),
        ("SIS_SANDBOX", "yes"),
        ("SIS_TRUSTED_PROXIES", "many"),
        ("RUST_LOG", "a=b=c"),
        ("SIS_REDIS_URL", "redis://localhost"),
        ("SIS_JWKS", "https://id.example/keys"),
    ] {
        let words = refused(&[(name, value)]);
        let named = words.contains(name) || (value.starts_with("sqlite:") && words.contains("storage_unavailable"));
        assert!(named && words.starts_with("error: ") && !words.contains("pa55word"), "{name}={value}: {words}");
    }
}
