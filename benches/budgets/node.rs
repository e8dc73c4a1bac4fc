//! Vendors' own SDKs for Node, against the same server.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use crate::Outcome;

pub(crate) struct Node {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Node {
    /// Installs the SDKs by their lock file if need be, and starts a vendor's; the error says what is missing.
    pub(crate) fn start(vendor: &str, url: &str, credentials: &[&str]) -> Result<Self, String> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/node");
        if !folder.join("node_modules/@googleapis/drive").exists() {
            let installed = Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund"])
                .current_dir(&folder)
                .stdout(Stdio::null())
                .status();
            if !installed.is_ok_and(|status| status.success()) {
                return Err("npm could not install the vendors' SDKs in benches/node".to_owned());
            }
        }
        let mut child = Command::new("node")
            .arg("drive.mjs")
            .args([vendor, url])
            .args(credentials)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("node did not start: {error}"))?;
        let output = child.stdout.take().ok_or("node has no output")?;
        Ok(Self { input: child.stdin.take(), child, output: BufReader::new(output) })
    }

    /// Calls a second.
    pub(crate) fn round(&mut self, lasting: Duration) -> Outcome<f64> {
        let input = self.input.as_mut().ok_or("node has no input")?;
        writeln!(input, "{}", lasting.as_millis())?;
        input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().parse().map_err(|_| format!("node ended: {line}"))?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
