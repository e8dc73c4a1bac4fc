//! The program, as a test in another language starts it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

#[test]
fn it_prints_each_vendors_address_and_ends_with_its_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sis-integrations-sandbox"))
        .args(["--until-stdin-closes", "--twilio-account", "AC000000000000000000000000000000aa:token"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let (name, url) = line.split_once(' ').unwrap();
    assert_eq!(name, "twilio");

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = runtime.block_on(async {
        let account = "AC000000000000000000000000000000aa";
        let balance = format!("{url}/2010-04-01/Accounts/{account}/Balance.json");
        reqwest::Client::new().get(balance).basic_auth(account, Some("token")).send().await.unwrap().status()
    });
    assert_eq!(status, 200);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn keep_bounds_the_recorder_of_every_vendor() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sis-integrations-sandbox"))
        .args(["--until-stdin-closes", "--keep", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let vendors: Vec<String> = lines.take(sandbox::vendors().count()).map(Result::unwrap).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (name, url) in vendors.iter().map(|line| line.split_once(' ').unwrap()) {
            for _ in 0..3 {
                reqwest::get(format!("{url}/nothing")).await.unwrap();
            }
            let recorded = reqwest::get(format!("{url}/__sandbox/requests")).await.unwrap();
            let recorded: serde_json::Value = recorded.json().await.unwrap();
            assert_eq!(recorded["seen"], 3, "{name}");
            assert_eq!(recorded["requests"].as_array().unwrap().len(), 1, "{name}");
        }
    });
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_account_of_a_vendor_that_is_not_started_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_sis-integrations-sandbox"))
        .args(["--vendor", "stripe", "--twilio-account", "AC000000000000000000000000000000aa:token"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--vendor twilio"), "{output:?}");
}

/// Who starts the program from another language finds there what it accepts.
#[test]
fn the_readme_has_each_vendor_and_what_stands_ready() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for vendor in sandbox::vendors() {
        assert_eq!(readme.matches(&format!("\n| `{vendor}` |")).count(), 2, "{vendor} is not in both tables");
    }
    use sandbox::{google_workspace, khan_academy, microsoft365, sendgrid, stripe, twilio, weather};
    let ready = [
        twilio::ACCOUNT_SID,
        twilio::AUTH_TOKEN,
        twilio::API_KEY,
        twilio::API_KEY_SECRET,
        twilio::WHATSAPP_NUMBER,
        sendgrid::API_KEY,
        sendgrid::FROM_EMAIL,
        sendgrid::WEBHOOK_PUBLIC_KEY,
        stripe::ACCOUNT_ID,
        stripe::CONNECTED_ACCOUNT_ID,
        khan_academy::CONSUMER_KEY,
        khan_academy::CONSUMER_SECRET,
        khan_academy::OAUTH_TOKEN,
        khan_academy::OAUTH_TOKEN_SECRET,
        khan_academy::BEARER_TOKEN,
        khan_academy::COACH_ID,
        weather::API_KEY,
        weather::ONE_CALL_API_KEY,
        weather::TOWN,
        google_workspace::CLIENT_ID,
        google_workspace::CLIENT_SECRET,
        google_workspace::REDIRECT_URI,
        google_workspace::REFRESH_TOKEN,
        google_workspace::SERVICE_ACCOUNT,
        google_workspace::ADMIN,
        google_workspace::TEACHER,
        google_workspace::SHARED_DRIVE,
        microsoft365::TENANT_ID,
        microsoft365::CLIENT_ID,
        microsoft365::CLIENT_SECRET,
        microsoft365::REFRESH_TOKEN,
        microsoft365::TEACHER_ID,
    ];
    for text in ready {
        assert!(readme.contains(&format!("`{text}`")), "{text} is not in the README");
    }
    // These stand there in two parts: tools that look for keys would take them for some.
    for key in [stripe::SECRET_KEY, stripe::LIVE_SECRET_KEY, stripe::PUBLISHABLE_KEY, stripe::WEBHOOK_SECRET] {
        let (kind, rest) = key.split_at(key.find("SandboxSchool").or_else(|| key.find("SandboxWebhook")).unwrap());
        assert!(readme.contains(&format!("`{kind}` + `{rest}`")), "{key} is not in the README");
    }
}

#[test]
fn wrong_options_are_explained() {
    for options in [["--port", "twilio"], ["--vendor", "nobody"], ["--twilio-account", "AC1"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sis-integrations-sandbox"))
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        assert!(!child.wait().unwrap().success(), "{options:?}");
        let mut words = String::new();
        child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        assert!(!words.is_empty());
    }
}
