//! What cargo itself can run.

use anyhow::Result;

use super::{c, contracts};
use crate::{
    manifest::{LIBRARY, Manifest},
    tree::{Tree, output, run},
};

/// Every crate but the C binding, which has a suite of its own; every feature; the vendors' contracts where they are.
pub(super) fn tests(tree: &Tree) -> Result<()> {
    let manifest = Manifest::read(tree)?;
    let apart = manifest.name_at(tree, c::FOLDER)?;
    let mut test = tree.cargo(["test", "--workspace", "--exclude", &apart, "--all-features", "--no-fail-fast"]);
    test.args(["--lib", "--bins", "--tests", "--examples"]);
    if let Some(folder) = contracts(tree)? {
        println!("contracts: {}", folder.display());
        return run(test.env("SIS_CONTRACTS", folder));
    }
    test.env_remove("SIS_CONTRACTS");
    run(&mut test)?;
    println!("\nNOT RUN for want of the vendors' contracts (set SIS_CONTRACTS to their folder):");
    for (package, target) in manifest.tests_named("contract") {
        let list = ["test", "--quiet", "--package", &package, "--all-features", "--test", &target, "--", "--list"];
        let listed = output(tree.cargo(list).env_remove("SIS_CONTRACTS"))?;
        for name in listed.lines().filter_map(|line| line.strip_suffix(": test")) {
            println!("  {package}, {target}: {name}");
        }
    }
    Ok(())
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
