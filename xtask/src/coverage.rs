//! `cargo xtask coverage`: how much of src/ the library's own tests reach.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    manifest::LIBRARY,
    tree::{self, Tree, output},
};

/// The tools, got when asked for.
fn tools(tree: &Tree, install: bool) -> Result<()> {
    if install {
        tree::run(tree.program("rustup").args(["component", "add", "llvm-tools"]))?;
        if output(&mut tree.cargo(["llvm-cov", "--version"])).is_err() {
            tree::install(tree, "cargo-llvm-cov")?;
        }
    }
    output(&mut tree.cargo(["llvm-cov", "--version"]))
        .map(drop)
        .context("cargo-llvm-cov is needed and is not there: cargo xtask coverage --install gets it")
}

fn measure(tree: &Tree, files: bool) -> Result<()> {
    println!("$ cargo llvm-cov --package {LIBRARY} --all-features --json --summary-only");
    let mut command = tree.cargo(["llvm-cov", "--package", LIBRARY, "--all-features", "--json", "--summary-only"]);
    let report: Value = serde_json::from_str(&output(&mut command)?).context("cargo-llvm-cov printed no JSON")?;
    let source = tree.path("src");
    let mut rows = Vec::new();
    for file in report["data"][0]["files"].as_array().context("cargo-llvm-cov names no files")? {
        let name = file["filename"].as_str().unwrap_or_default();
        if let Ok(path) = std::path::Path::new(name).strip_prefix(&source) {
            let lines = &file["summary"]["lines"];
            let (all, reached) = (lines["count"].as_u64().unwrap_or(0), lines["covered"].as_u64().unwrap_or(0));
            rows.push((all - reached, all, path.display().to_string()));
        }
    }
    rows.sort_by(|one, two| two.cmp(one));
    if files {
        for (missed, all, path) in &rows {
            println!("{missed:6} of {all:6} lines unreached  src/{path}");
        }
    }
    let all: u64 = rows.iter().map(|(_, all, _)| all).sum();
    let missed: u64 = rows.iter().map(|(missed, ..)| missed).sum();
    println!("coverage: {:.1} % of {all} lines in {} files of src/", percent(all - missed, all), rows.len());
    Ok(())
}

/// Measures and prints; `install` gets the tools first.
pub(crate) fn run(tree: &Tree, install: bool, files: bool) -> Result<()> {
    tools(tree, install)?;
    measure(tree, files)
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
