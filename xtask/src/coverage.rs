//! `cargo xtask coverage`: how much of src/ the library's own tests reach.

use anyhow::{Context, Result, bail};
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

fn measure(tree: &Tree, files: bool, least: f64) -> Result<()> {
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
    let reached = percent(all - missed, all);
    println!("coverage: {reached:.1} % of {all} lines in {} files of src/", rows.len());
    enough(reached, least)
}

fn enough(reached: f64, least: f64) -> Result<()> {
    // Not `<`: what is no number at all is not enough either.
    if reached >= least { Ok(()) } else { bail!("the tests reach {reached:.2} % of the lines, less than {least} %") }
}

/// Measures and prints, and fails below `least` per cent; `install` gets the tools first.
pub(crate) fn run(tree: &Tree, install: bool, files: bool, least: f64) -> Result<()> {
    tools(tree, install)?;
    measure(tree, files, least)
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_the_least_fails() {
        assert!(enough(percent(90, 100), 90.0).is_ok());
        assert!(enough(percent(899, 1000), 90.0).is_err());
        // Nothing measured is nothing reached.
        assert!(enough(percent(0, 0), 90.0).is_err());
        assert!(enough(f64::NAN, 0.0).is_err());
    }
}
