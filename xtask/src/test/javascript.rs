//! What runs in Node: the vendors' own SDKs against the sandbox, and our npm package.

use std::path::Path;

use anyhow::Result;

use super::sandbox::Sandbox;
use crate::{
    tree::{Tree, need_program, run},
    wasm,
};

fn need_node() -> Result<()> {
    need_program("node", "Node 20 or later, from apt-get install nodejs or https://nodejs.org")?;
    need_program("npm", "apt-get install npm, or https://nodejs.org")
}

/// The sandbox is no witness for itself: the SDKs that the vendors publish must be content with it.
pub(super) fn vendor_sdks(tree: &Tree) -> Result<()> {
    need_node()?;
    let folder = tree.need("sandbox/tests/node")?;
    install(tree, &folder)?;
    let programs = tree.files("sandbox/tests/node", ".mjs")?;
    let sandbox = Sandbox::start(tree)?;
    let mut node = tree.program("node");
    node.current_dir(&folder).arg("--test").args(programs);
    sandbox.tell(&mut node);
    run(&mut node)
}

/// The npm package, used as its users do.
pub(super) fn wasm(tree: &Tree) -> Result<()> {
    need_node()?;
    tree.need("bindings/wasm")?;
    let tests = tree.files("bindings/wasm/tests", ".test.mjs")?;
    wasm::build(tree)?;
    let folder = tree.path("bindings/wasm/tests");
    if folder.join("package-lock.json").exists() {
        install(tree, &folder)?;
    }
    let sandbox = Sandbox::start(tree)?;
    let mut node = tree.program("node");
    node.arg("--test").args(tests).env("SIS_SCENARIOS", tree.path("tests/scenarios"));
    sandbox.tell(&mut node);
    run(&mut node)
}

/// What the lock file says, and nothing newer.
fn install(tree: &Tree, folder: &Path) -> Result<()> {
    run(tree.program("npm").current_dir(folder).args(["ci", "--no-audit", "--no-fund"]))
}
