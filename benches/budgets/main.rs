//! The budgets of docs/performance.md, each measured as a ratio within this run, against a bare loopback server that
//! is a process of its own.
//!
//! `cargo bench --bench budgets` measures all, `cargo bench --bench budgets -- audit` what is named. The parts are
//! `calls`, `lone`, `callers`, `audit`, `webhooks`, `sdks`, `start`, `memory`, `size` and `alert`.
#![allow(clippy::disallowed_methods, reason = "a benchmark is a host application: it measures time and spawns")]

mod alert;
mod audit;
mod callers;
mod calls;
mod host;
mod lone;
mod node;
mod report;
mod sdks;
mod server;
mod size;
mod start;
mod webhooks;

use std::{error::Error, future::Future, process::ExitCode};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("child-server") => server::serve(),
        Some("child-first-call") => start::first_call(&arguments[1..]),
        Some("child-memory") => start::hold_memory(&arguments[1..]),
        Some("child-profile") => calls::profile(&arguments[1..]),
        _ => {
            // Cargo passes `--bench`.
            let names: Vec<String> = arguments.into_iter().filter(|argument| !argument.starts_with('-')).collect();
            on_runtime(measure(&names))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark ended early: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs on a runtime as hosts have it: a worker for each core.
fn on_runtime<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

async fn measure(names: &[String]) -> Outcome {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let cores = std::thread::available_parallelism()?;
    println!("{cores} cores; load before the run {}", report::load());
    // On the disk the build is on: a temporary folder may be memory, where a commit costs nothing.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let server = server::Server::start().await?;
    if wanted("calls") {
        calls::measure(&server, folder.path()).await?;
    }
    if wanted("lone") {
        lone::measure(&server, folder.path()).await?;
    }
    if wanted("callers") {
        callers::measure(folder.path()).await?;
    }
    if wanted("audit") {
        audit::measure(folder.path()).await?;
    }
    if wanted("webhooks") {
        webhooks::measure(folder.path()).await?;
    }
    if wanted("sdks") {
        sdks::measure(folder.path()).await?;
    }
    if wanted("start") {
        start::measure_first_call(&server, folder.path()).await?;
    }
    if wanted("memory") {
        start::measure_memory(&server, folder.path()).await?;
    }
    if wanted("size") {
        size::measure()?;
    }
    if wanted("alert") {
        alert::measure(folder.path()).await?;
    }
    println!("load after the run {}", report::load());
    Ok(())
}
