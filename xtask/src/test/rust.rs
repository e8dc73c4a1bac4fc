//! What cargo itself can run.

use anyhow::Result;

use super::contracts;
use crate::{
    manifest::LIBRARY,
    tree::{Tree, output, run},
};

/// Every crate, every feature, with the vendors' contracts where they are.
pub(super) fn tests(tree: &Tree) -> Result<()> {
    let targets = ["test", "--workspace", "--all-features", "--lib", "--bins", "--tests", "--examples"];
    let mut test = tree.cargo(targets);
    match contracts(tree) {
        Some(folder) => {
            println!("contracts: {}", folder.display());
            test.env("SIS_CONTRACTS", folder);
            run(&mut test)
        }
        None => {
            test.env_remove("SIS_CONTRACTS");
            run(&mut test)?;
            let listed = output(tree.cargo(targets).args(["--", "contract", "--list"]))?;
            let names: Vec<_> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
            println!("\nNOT RUN for want of the vendors' contracts (set SIS_CONTRACTS to their folder):");
            for name in names {
                println!("  {name}");
            }
            Ok(())
        }
    }
}

/// `cargo test` leaves these out once targets are named.
pub(super) fn doc_tests(tree: &Tree) -> Result<()> {
    run(&mut tree.cargo(["test", "--workspace", "--all-features", "--doc"]))
}

/// The newcomer's first command ends well, and never talks to the real vendor from here.
pub(super) fn quickstart(tree: &Tree) -> Result<()> {
    let mut command = tree.cargo(["run", "--quiet", "--package", LIBRARY, "--example", "quickstart"]);
    for name in ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER"] {
        command.env_remove(name);
    }
    run(&mut command)
}
