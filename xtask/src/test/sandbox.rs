//! The sandbox as a program of its own, for suites that are not written in Rust.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    manifest::{Manifest, SANDBOX},
    tree::{Tree, run},
};

/// An account of the tests' own at the look-alike of Twilio.
const ACCOUNT_SID: &str = "AC7e57ac000000000000000000000000c7";
const AUTH_TOKEN: &str = "7e57ac000000000000000000000000c8";
/// In two parts: tools that look for keys would take it for one.
const STRIPE_SECRET_KEY: &str = concat!("sk", "_test_51SandboxSchoolSecretKey000000000001");

/// A running sandbox; dropping it ends it.
pub(super) struct Sandbox {
    child: Child,
    input: Option<ChildStdin>,
    vendors: Vec<(String, String)>,
}

impl Sandbox {
    /// Builds and starts it.
    pub(super) fn start(tree: &Tree) -> Result<Self> {
        run(&mut tree.cargo(["build", "--package", SANDBOX]))?;
        let program = Manifest::read(tree)?.target()?.join("debug").join(SANDBOX);
        let mut command = tree.program(program);
        // It ends with its input, so it cannot outlive this program even if that is killed.
        command.arg("--until-stdin-closes");
        command.arg("--twilio-account").arg(format!("{ACCOUNT_SID}:{AUTH_TOKEN}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the sandbox did not start")?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the sandbox has no output")?;
        let mut sandbox = Self { child, input, vendors: Vec::new() };

        let (lines, printed) = channel();
        thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| lines.send(line)).ok()
        });
        // All addresses are printed at once; nothing says which is the last but the silence that follows.
        let mut patience = Duration::from_secs(20);
        loop {
            match printed.recv_timeout(patience) {
                Ok(line) => sandbox.vendors.extend(address(&line)),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => bail!("the sandbox ended at once: {}", sandbox.child.wait()?),
            }
            patience = Duration::from_millis(300);
        }
        if sandbox.vendors.is_empty() {
            bail!("the sandbox printed no address within 20 s");
        }
        Ok(sandbox)
    }

    /// Tells a program where the vendors are, `SIS_SANDBOX_TWILIO_URL` and so on, and what they accept.
    pub(super) fn tell(&self, command: &mut Command) {
        for (name, url) in &self.vendors {
            command.env(format!("SIS_SANDBOX_{}_URL", name.to_uppercase()), url);
        }
        command.env("SIS_SANDBOX_TWILIO_ACCOUNT_SID", ACCOUNT_SID).env("SIS_SANDBOX_TWILIO_AUTH_TOKEN", AUTH_TOKEN);
        command.env("SIS_SANDBOX_STRIPE_SECRET_KEY", STRIPE_SECRET_KEY);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.input.take());
        for _ in 0..50 {
            match self.child.try_wait() {
                Ok(Some(_)) => return,
                _ => thread::sleep(Duration::from_millis(20)),
            }
        }
        // It did not take the hint; either way it is not there afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `twilio http://127.0.0.1:40321`
fn address(line: &str) -> Option<(String, String)> {
    let (name, url) = line.split_once(' ')?;
    url.starts_with("http://").then(|| (name.to_owned(), url.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read() {
        assert_eq!(address("twilio http://127.0.0.1:1\r"), Some(("twilio".into(), "http://127.0.0.1:1".into())));
        assert_eq!(address("warming up"), None);
    }
}
