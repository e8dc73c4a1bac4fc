//! The project's own commands: `cargo xtask COMMAND`. What CI runs is `check` and `test`; `xtask/README.md` says more.

mod arrows;
mod bench;
mod check;
mod coverage;
mod features;
mod links;
mod manifest;
mod new_provider;
mod steps;
mod test;
mod tree;
mod wasm;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use tree::Tree;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's own commands.")]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Format, lints, docs, dependencies, arrows, links, features, wasm32, drift: everything but the tests.
    Check(Which),
    /// Sets up what it needs and runs every test there is.
    Test(Which),
    /// Fails on a path in src/ that points against the arrows of the house.
    Arrows,
    /// Fails on a relative link or an anchor in *.md that leads nowhere.
    Links,
    /// Builds the npm package's bindings/wasm/js/pkg.
    BuildWasm,
    /// How many of the library's lines its tests reach, in per cent.
    Coverage {
        /// Install what is lacking: rustup's llvm-tools and cargo-llvm-cov.
        #[arg(long)]
        install: bool,
        /// Print the files too, those with the most unreached lines first.
        #[arg(long)]
        files: bool,
        /// Fail below this, in per cent.
        #[arg(long, value_name = "PERCENT", default_value_t = 90.0)]
        least: f64,
    },
    /// Runs the benchmarks.
    Bench {
        /// Print one line for each budget, and fail on one that is not met.
        #[arg(long)]
        budgets: bool,
        /// Run only this benchmark; may be repeated.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// Makes a provider's folder, feature, sandbox module, docs page and scenario.
    NewProvider {
        /// Its id, in snake_case: `khan_academy`.
        name: String,
    },
}

/// Which steps to run.
#[derive(Debug, Args)]
struct Which {
    /// Run only this step; may be repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Print the steps and run none.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(Options::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<bool> {
    let tree = Tree::find()?;
    match command {
        Command::Check(which) => steps::run(&tree, check::STEPS, &which.only, which.list),
        Command::Test(which) => steps::run(&tree, test::SUITES, &which.only, which.list),
        Command::Arrows => arrows::check(&tree).map(|()| true),
        Command::Links => links::check(&tree).map(|()| true),
        Command::BuildWasm => wasm::build(&tree).map(|()| true),
        Command::Coverage { install, files, least } => coverage::run(&tree, install, files, least).map(|()| true),
        Command::Bench { budgets, only } => bench::run(&tree, budgets, &only),
        Command::NewProvider { name } => new_provider::run(&tree, &name).map(|()| true),
    }
}
