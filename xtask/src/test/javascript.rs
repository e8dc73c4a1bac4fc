//! What runs in Node: the vendors' own SDKs against the sandbox, and our npm package.

use anyhow::Result;

use super::sandbox::Sandbox;
use crate::{
    tree::{Tree, need_program, run},
    wasm,
};

/// The sandbox is no witness for itself: the SDKs that the vendors publish must be content with it.
pub(super) fn vendor_sdks(tree: &Tree) -> Result<()> {
    need_program("node", "Node 20 or later, from apt-get install nodejs or https://nodejs.org")?;
    need_program("npm", "apt-get install npm, or https://nodejs.org")?;
    let folder = tree.need("sandbox/tests/node")?;
    // What the lock file says, and nothing newer.
    run(tree.program("npm").current_dir(&folder).args(["ci", "--no-audit", "--no-fund"]))?;
    let programs = tree.files("sandbox/tests/node", ".mjs")?;
    let sandbox = Sandbox::start(tree)?;
    let mut node = tree.program("node");
    node.current_dir(&folder).arg("--test").args(programs);
    sandbox.tell(&mut node);
    run(&mut node)
}

/// The npm package, used as its users do.
pub(super) fn wasm(tree: &Tree) -> Result<()> {
    let tests = tree.files("bindings/wasm/tests", ".test.mjs")?;
    wasm::build(tree)?;
    let sandbox = Sandbox::start(tree)?;
    let mut node = tree.program("node");
    node.arg("--test").args(tests);
    sandbox.tell(&mut node);
    run(&mut node)
}
