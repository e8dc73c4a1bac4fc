//! `cargo xtask bench`: runs the programs in benches/, and reads the budgets they print.
//!
//! A benchmark prints one line for each budget it measures, and anything else besides:
//!
//! ```text
//! budget <name> | <measured> | <budget> | met
//! budget <name> | <measured> | <budget> | short
//! ```

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use anyhow::{Context, Result, bail};

use crate::{
    manifest::{LIBRARY, Manifest},
    test::python,
    tree::{Tree, run as done},
    wasm,
};

/// Runs them. With `budgets`, prints a table and says whether every budget is met.
pub(crate) fn run(tree: &Tree, budgets: bool, only: &[String]) -> Result<bool> {
    let benches = Manifest::read(tree)?.targets(LIBRARY, "bench")?;
    if let Some(unknown) = only.iter().find(|name| !benches.contains(name)) {
        bail!("no benchmark is called {unknown}; there are {}", benches.join(", "));
    }
    let chosen: Vec<_> = benches.iter().filter(|name| only.is_empty() || only.contains(name)).collect();
    if chosen.is_empty() {
        bail!("benches/ has no benchmark");
    }
    let python = if budgets { Some(packages(tree)?) } else { None };
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for name in chosen {
        println!("\n$ cargo bench --package {LIBRARY} --all-features --bench {name}");
        let mut command = tree.cargo(["bench", "--package", LIBRARY, "--all-features", "--bench", name]);
        if let Some(python) = &python {
            command.env("SIS_BENCH_PYTHON", python);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().context("cargo did not start")?;
        for line in BufReader::new(child.stdout.take().context("cargo has no output")?).lines() {
            let line = line?;
            println!("{line}");
            rows.extend(Budget::read(&line)?);
        }
        if !child.wait()?.success() {
            failed.push(name.as_str());
        }
    }
    if budgets {
        print(&rows);
    }
    if !failed.is_empty() {
        bail!("{} did not run to the end", failed.join(", "));
    }
    if budgets && rows.is_empty() {
        bail!("no benchmark printed a budget");
    }
    Ok(!budgets || rows.iter().all(|row| row.met))
}

/// What the budgets look at beside the crate, as it is shipped: the C library, the npm package, and a Python that has the
/// package.
fn packages(tree: &Tree) -> Result<std::path::PathBuf> {
    let c = Manifest::read(tree)?.name_at(tree, "bindings/c")?;
    done(&mut tree.cargo(["build", "--quiet", "--release", "--package", &c]))?;
    wasm::build(tree)?;
    Ok(python::installed(tree, "bench", "release")?.join("python"))
}

/// One budget, as a benchmark printed it.
#[derive(Debug, PartialEq, Eq)]
struct Budget {
    name: String,
    measured: String,
    budget: String,
    met: bool,
}

impl Budget {
    /// None for a line that is no budget; an error for one that tries to be.
    fn read(line: &str) -> Result<Option<Self>> {
        let Some(rest) = line.strip_prefix("budget ") else { return Ok(None) };
        let fields: Vec<_> = rest.split('|').map(str::trim).collect();
        let [name, measured, budget, word @ ("met" | "short")] = fields[..] else {
            bail!("not `budget <name> | <measured> | <budget> | met|short`: {line}");
        };
        let own = str::to_owned;
        Ok(Some(Self { name: own(name), measured: own(measured), budget: own(budget), met: word == "met" }))
    }
}

fn print(rows: &[Budget]) {
    let width = |cell: fn(&Budget) -> &str| rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0);
    let (name, measured, budget) = (width(|row| &row.name), width(|row| &row.measured), width(|row| &row.budget));
    println!();
    for row in rows {
        let word = if row.met { "met" } else { "short" };
        println!("{:name$}  {:measured$}  {:budget$}  {word}", row.name, row.measured, row.budget);
    }
    let short = rows.iter().filter(|row| !row.met).count();
    println!("\n{} met, {short} short", rows.len() - short);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read() {
        let row = Budget::read("budget cpu per call | 1.4 × reqwest | under 2 × | met").unwrap().unwrap();
        assert_eq!(
            (row.name.as_str(), row.measured.as_str(), row.budget.as_str()),
            ("cpu per call", "1.4 × reqwest", "under 2 ×")
        );
        assert!(row.met);
        assert!(!Budget::read("budget a | b | c | short").unwrap().unwrap().met);
        assert_eq!(Budget::read("warming up").unwrap(), None);
    }

    #[test]
    fn a_budget_that_cannot_be_read_is_an_error() {
        for line in ["budget a | b | c", "budget a | b | c | nearly", "budget a"] {
            assert!(Budget::read(line).is_err(), "{line}");
        }
    }
}
