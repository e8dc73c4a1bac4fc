//! `new-provider` in a copy of the tree: what it makes builds without a warning, and its operation works.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{
    arrows,
    manifest::{LIBRARY, Manifest, SANDBOX},
    new_provider,
    tree::{Tree, run},
};

const NAME: &str = "made_up_vendor";

pub(super) fn tests(tree: &Tree) -> Result<()> {
    let target = Manifest::read(tree)?.target()?;
    let folder = target.join("new-provider");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    copy(tree, &folder)?;
    let copy = Tree::at(&folder);
    new_provider::run(&copy, NAME)?;
    // The same target folder: what the copy depends on is built already.
    let cargo = |arguments: &[&str]| {
        let mut cargo = copy.cargo(arguments);
        cargo.env("CARGO_TARGET_DIR", &target);
        cargo
    };
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let packages = ["--package", LIBRARY, "--package", SANDBOX];
    let strict = ["--all-features", "--lib", "--bins", "--", "-D", "warnings"];
    run(cargo(&["clippy"]).args(packages).args(strict))?;
    run(&mut cargo(&["clippy", "--package", LIBRARY, "--lib", "--no-default-features", "--features", NAME]))?;
    // Its own tests, that it is described and answers, and its scenario. What is left of `providers` asks for what only a
    // person can fill in: limits and prices.
    let tests = ["test", "--package", LIBRARY, "--all-features"];
    run(cargo(&tests).args(["--lib", "--", NAME]))?;
    run(cargo(&tests).args(["--test", "providers", "--", "described", "round_trip"]))?;
    run(cargo(&tests).args(["--test", "scenarios", "--", NAME, "no_file"]))?;
    arrows::check(&copy)?;
    std::fs::remove_dir_all(&folder).context("cannot remove the copy")
}

fn copy(tree: &Tree, to: &Path) -> Result<()> {
    for file in tree.tracked()? {
        let target = to.join(&file);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::copy(tree.path(&file), &target).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}
