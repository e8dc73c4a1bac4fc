//! `cargo xtask test`: every test there is, each kind a suite with a name.

mod c;
mod javascript;
mod provider;
pub(crate) mod python;
mod rust;
mod sandbox;

use std::{env, path::PathBuf};

use anyhow::Result;

use crate::{steps::Step, tree::Tree};

/// The suites. What can go wrong soonest comes first.
pub(crate) const SUITES: &[Step] = &[
    Step { name: "rust", about: "unit, integration, scenario and contract tests of every crate", run: rust::tests },
    Step { name: "doc", about: "the examples in the documentation", run: rust::doc_tests },
    Step { name: "quickstart", about: "the first command of the README", run: rust::quickstart },
    Step {
        name: "new-provider",
        about: "what `cargo xtask new-provider` makes builds and works",
        run: provider::tests,
    },
    Step { name: "vendor-sdks", about: "the vendors' own Node SDKs against the sandbox", run: javascript::vendor_sdks },
    Step { name: "c", about: "the C binding with gcc, under valgrind", run: c::tests },
    Step { name: "python", about: "the Python binding as a wheel in a clean virtual environment", run: python::tests },
    Step { name: "wasm", about: "the npm package in Node and in Chromium", run: javascript::wasm },
];

/// Where the vendors' contracts are: `SIS_CONTRACTS`, or a folder beside the checkout.
///
/// One that is named must be there: a mistyped name would be a run without them that looks like one with them.
fn contracts(tree: &Tree) -> Result<Option<PathBuf>> {
    let folder = |path: PathBuf| std::fs::canonicalize(path).ok().filter(|path| path.is_dir());
    match env::var_os("SIS_CONTRACTS").filter(|path| !path.is_empty()).map(PathBuf::from) {
        Some(named) => match folder(named.clone()) {
            Some(found) => Ok(Some(found)),
            None => anyhow::bail!("SIS_CONTRACTS names no folder: {}", named.display()),
        },
        None => Ok(folder(tree.path("../shared/contracts"))),
    }
}
