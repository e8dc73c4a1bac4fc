//! The other languages: what the same call takes beyond what it takes from Rust, some 1 KiB in and out.
//!
//! The call reads a user's permissions from memory: nothing leaves, no disk turns, and what is left is the way in and
//! out. From Rust it is made with the same JSON, by the function that every shell calls.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use serde_json::{Value, json};
use sis_integrations::manager::edge;

use crate::{
    Outcome,
    report::{Rounds, budget},
};

const ROUNDS: usize = 9;
const CALLS: u32 = 5000;

/// What a caller is told: the options of its manager, the grant that makes the answer, and the call that reads it.
struct Task {
    options: String,
    grant: String,
    request: String,
}

impl Task {
    fn new() -> Self {
        let options = json!({
            "storage": "memory",
            "masterKey": "00112233445566778899aabbccddeeff102132435465768798a9babbdcddedfe",
        });
        let about = json!({ "tenant": "north-high", "userId": "ms-lee", "provider": "google_workspace" });
        let mut grant = about.clone();
        grant["actor"] = json!({ "id": "principal", "role": "admin" });
        // Enough names to make the answer 1 KiB.
        let names: Vec<String> = google_names().into_iter().take(52).collect();
        grant["permissions"] = json!({ "allow": names });
        let mut request = about;
        request["actor"] = json!({ "id": "principal", "role": "admin", "userAgent": "a".repeat(880) });
        Self { options: options.to_string(), grant: grant.to_string(), request: request.to_string() }
    }

    /// Microseconds a call, of a program that makes it over and over.
    fn run(&self, program: &mut Command) -> Result<f64, String> {
        let output = program.args([&self.options, &self.grant, &self.request]).output();
        let output = output.map_err(|error| format!("not measured: {error}"))?;
        let rounds = String::from_utf8_lossy(&output.stdout).lines().map(str::parse).collect::<Result<Vec<f64>, _>>();
        match rounds {
            Ok(rounds) if output.status.success() && rounds.len() == ROUNDS => Ok(Rounds::new(rounds).median()),
            _ => Err(format!("not measured: {}", String::from_utf8_lossy(&output.stderr).trim())),
        }
    }
}

fn google_names() -> Vec<String> {
    use sis_integrations::providers::{ProviderSpec, google_workspace::GoogleWorkspace};
    ProviderSpec::of::<GoogleWorkspace>().operations.iter().map(|operation| operation.name.to_owned()).collect()
}

pub(crate) async fn measure(folder: &Path) -> Outcome {
    let task = Task::new();
    let (rust, bytes) = rust(&task).await?;
    println!("  a call from Rust, JSON text in and out: {rust:.1} µs, {} bytes in and {bytes} out", task.request.len());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let c = compile(root, folder).and_then(|program| task.run(&mut Command::new(program)));
    line("C", rust, c, 1.0);
    let python = match std::env::var_os("SIS_BENCH_PYTHON") {
        Some(python) => task.run(Command::new(python).arg(root.join("benches/callers/caller.py")).current_dir(folder)),
        None => Err("not measured: cargo xtask bench installs the package".to_owned()),
    };
    line("Python", rust, python, 20.0);
    let node = task.run(Command::new("node").arg(root.join("benches/callers/caller.mjs")));
    line("Node", rust, node, 10.0);
    Ok(())
}

fn line(language: &str, rust: f64, call: Result<f64, String>, wanted: f64) {
    let name = format!("a call through {language} beyond Rust, 1 KiB in and out");
    let wished = format!("under {wanted} µs");
    match call {
        Ok(call) => {
            let beyond = call - rust;
            budget(&name, &format!("{beyond:.1} µs ({call:.1} in all)"), &wished, beyond < wanted);
        }
        Err(why) => budget(&name, &why.replace(['\n', '|'], " "), &wished, false),
    }
}

/// Microseconds a call, and the size of the answer.
async fn rust(task: &Task) -> Outcome<(f64, usize)> {
    let manager = edge::open(serde_json::from_str(&task.options)?).await?;
    edge::dispatch(&manager, "setPermissions", serde_json::from_str(&task.grant)?).await?;
    let (mut rounds, mut size) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            let request: Value = serde_json::from_str(black_box(&task.request))?;
            size = black_box(edge::dispatch(&manager, "permissions", request).await?.to_string()).len();
        }
        rounds.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
    }
    Ok((Rounds::new(rounds).median(), size))
}

/// The C program, against the shared library that stands beside this one.
fn compile(root: &Path, folder: &Path) -> Result<PathBuf, String> {
    let release = std::env::current_exe().ok().and_then(|own| own.parent()?.parent().map(Path::to_owned));
    let release = release.ok_or("not measured: this program has no path")?;
    let program = folder.join("caller");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-o"]).arg(&program).arg(root.join("benches/callers/caller.c"));
    compiler.arg("-I").arg(root.join("include")).arg("-L").arg(&release).arg("-lsis_integrations");
    compiler.arg(format!("-Wl,-rpath,{}", release.display()));
    match compiler.output() {
        Ok(output) if output.status.success() => Ok(program),
        Ok(output) => Err(format!("not measured: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("not measured: cc did not start: {error}")),
    }
}
