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
