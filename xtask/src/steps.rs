//! Named steps, run one after the other. A step that fails does not keep the later ones from running: one run shows
//! everything that is wrong.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::tree::Tree;

/// One step of `check`, or one suite of `test`.
pub(crate) struct Step {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) about: &'static str,
    /// Fails when it does not show that.
    pub(crate) run: fn(&Tree) -> Result<()>,
}

/// Runs the steps that are asked for, all if none is, and says whether all have passed.
pub(crate) fn run(tree: &Tree, steps: &[Step], only: &[String], list: bool) -> Result<bool> {
    if list {
        for step in steps {
            println!("{:16} {}", step.name, step.about);
        }
        return Ok(true);
    }
    let chosen = choose(steps, only)?;
    let mut results = Vec::new();
    for (number, step) in chosen.iter().enumerate() {
        println!("\n{}", bold(&format!("── {}/{} {}: {}", number + 1, chosen.len(), step.name, step.about)));
        let start = Instant::now();
        let result = (step.run)(tree);
        let took = start.elapsed();
        match &result {
            Ok(()) => println!("── {} passed in {}", step.name, seconds(took)),
            Err(error) => println!("── {} FAILED in {}: {error:#}", step.name, seconds(took)),
        }
        std::io::stdout().flush()?;
        results.push((step.name, took, result));
    }

    println!("\n{}", bold("── summary"));
    for (name, took, result) in &results {
        let word = if result.is_ok() { "passed" } else { "FAILED" };
        println!("{name:16} {word}  {:>9}", seconds(*took));
    }
    for (name, _, result) in &results {
        if let Err(error) = result {
            println!("\n{name}: {error:#}");
        }
    }
    let failed = results.iter().filter(|(_, _, result)| result.is_err()).count();
    println!("\n{} passed, {failed} failed", results.len() - failed);
    Ok(failed == 0)
}

fn choose<'a>(steps: &'a [Step], only: &[String]) -> Result<Vec<&'a Step>> {
    if let Some(unknown) = only.iter().find(|name| steps.iter().all(|step| step.name != **name)) {
        let known: Vec<_> = steps.iter().map(|step| step.name).collect();
        bail!("no step is called {unknown}; there are {}", known.join(", "));
    }
    Ok(steps.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)).collect())
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &[Step] = &[
        Step { name: "good", about: "passes", run: |_| Ok(()) },
        Step { name: "bad", about: "fails", run: |_| bail!("it does not hold") },
    ];

    #[test]
    fn one_failure_fails_the_run() {
        let tree = Tree::at("/nowhere");
        assert!(!run(&tree, STEPS, &[], false).unwrap());
        assert!(run(&tree, STEPS, &["good".into()], false).unwrap());
        assert!(run(&tree, STEPS, &["bad".into()], true).unwrap(), "a list runs nothing");
    }

    #[test]
    fn an_unknown_step_is_an_error() {
        let error = run(&Tree::at("/nowhere"), STEPS, &["godo".into()], false).unwrap_err();
        assert_eq!(error.to_string(), "no step is called godo; there are good, bad");
    }
}
