//! `cargo xtask build-wasm`: the npm package, by the script that stands beside it.

use anyhow::Result;

use crate::tree::{Tree, need_program, need_wasm_target, run};

/// Builds `bindings/wasm/js/pkg`, and fails when it is over its size.
pub(crate) fn build(tree: &Tree) -> Result<()> {
    tree.need("bindings/wasm/build.sh")?;
    need_wasm_target(tree)?;
    need_program("node", "Node 20 or later, from apt-get install nodejs or https://nodejs.org")?;
    need_program("npm", "apt-get install npm, or https://nodejs.org")?;
    run(tree.program("bash").arg("bindings/wasm/build.sh"))
}
